use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, probe,
};

use super::{
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    policy::{Policy, policies},
    source::Reach,
    syntax::{excerpt, shown, split_unquoted, trim},
};

probe! {
    /// Other sites cannot put the page into a frame.
    ///
    /// # What it checks
    /// The policy browsers enforce: `frame-ancestors` of every enforced `Content-Security-Policy`, and only where
    /// there is none `X-Frame-Options`.
    ///
    /// # Why it matters
    /// A page in a foreign frame can be laid over with something else, and a click that seems to go there goes to
    /// the page (clickjacking).
    ///
    /// # How it is judged
    /// `frame-ancestors` that lets everybody in (`*`, `https:`, `*.com`) fails, also beside `X-Frame-Options: DENY`,
    /// which browsers then leave aside. `X-Frame-Options` counts as the HTML standard reads it: `DENY` or
    /// `SAMEORIGIN`; a list that holds a known value among others blocks every frame; `ALLOW-FROM`, `ALLOWALL`
    /// and unknown values protect from nothing. Only pages can be framed; an HTML error page warns.
    ///
    /// # How to fix
    /// Send `Content-Security-Policy: frame-ancestors 'none'`, or `'self'` or a list of hosts where frames are
    /// wanted.
    pub struct Framing {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.framing",
    title: "other sites cannot frame the page",
    priority: Medium,
    references: [
        "HTML, the X-Frame-Options header" => "https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header",
        "CSP Level 3 section 6.4.2" => "https://www.w3.org/TR/CSP3/#directive-frame-ancestors",
    ],
}

#[async_trait]
impl Probe for Framing {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl Framing {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const CSP: &str = "content-security-policy";
const REMEDY: &str = "send `Content-Security-Policy: frame-ancestors 'none'`, or list who may frame the page";

fn judge(looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let applies = applies(Rule::Framing, exchange, page);
    let (_, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let options = exchange.joined("x-frame-options");
    let policies = policies(exchange, CSP);
    let (summary, findings) = match ancestors(&policies) {
        Some((reach, source)) => by_ancestors(reach, source, options.as_deref()),
        None => by_options(options.as_deref()),
    };
    let mut outcome = Outcome::judged(summary, weight.apply(findings));
    for (label, value) in [
        ("Content-Security-Policy", exchange.joined(CSP)),
        ("X-Frame-Options", options),
    ] {
        if let Some(value) = value {
            outcome = outcome.evidence(label, shown(&value));
        }
    }
    outcome
}

/// The narrowest `frame-ancestors` of all policies: a frame must be allowed by each of them.
fn ancestors<'p>(policies: &'p [Policy<'_>]) -> Option<(Reach, &'p str)> {
    policies
        .iter()
        .filter_map(|policy| policy.first_of(&["frame-ancestors"]))
        .map(|directive| directive.reach())
        .min_by_key(|(reach, _)| *reach)
}

fn by_ancestors(reach: Reach, source: &str, options: Option<&[u8]>) -> (String, Vec<Finding>) {
    let source = excerpt(source.as_bytes());
    let summary = match reach {
        Reach::Everybody => {
            let beside = if options.is_some() {
                ", and browsers then ignore `X-Frame-Options`"
            } else {
                ""
            };
            let finding = Finding::fail(
                "open",
                format!("`frame-ancestors` lets every site in by `{source}`{beside}"),
            )
            .remedy(REMEDY);
            return ("frame-ancestors lets every site in".into(), vec![finding]);
        }
        Reach::Nobody => "nobody may frame the page",
        Reach::Own => "only its own origin may frame the page",
        Reach::Listed => "only listed hosts may frame the page",
    };
    (format!("{summary} (frame-ancestors)"), Vec::new())
}

fn by_options(options: Option<&[u8]>) -> (String, Vec<Finding>) {
    let Some(value) = options else {
        let finding = Finding::fail(
            "missing",
            "expected `frame-ancestors` or `X-Frame-Options` and found neither: every site may frame the page",
        );
        return (
            "every site may frame the page".into(),
            vec![finding.remedy(REMEDY)],
        );
    };
    let shown = excerpt(value);
    match read_options(value) {
        Options::Deny => ("nobody may frame the page (X-Frame-Options)".into(), Vec::new()),
        Options::SameOrigin => (
            "only its own origin may frame the page (X-Frame-Options)".into(),
            Vec::new(),
        ),
        Options::Conflict => {
            let note = Finding::note(
                "conflicting_values",
                format!("`X-Frame-Options` is `{shown}`, and browsers block every frame where values differ"),
            );
            ("nobody may frame the page (X-Frame-Options)".into(), vec![note])
        }
        Options::AllowFrom => {
            let finding = Finding::fail(
                "allow_from",
                "browsers know no `ALLOW-FROM` and let every site frame the page, expected `DENY` or `SAMEORIGIN`",
            );
            let remedy = "list the host in `Content-Security-Policy: frame-ancestors`";
            (
                "X-Frame-Options: ALLOW-FROM protects from nothing".into(),
                vec![finding.remedy(remedy)],
            )
        }
        Options::Nothing => {
            let finding = Finding::fail(
                "no_known_value",
                format!("`X-Frame-Options` is `{shown}`, expected `DENY` or `SAMEORIGIN`"),
            );
            (
                "X-Frame-Options holds no known value".into(),
                vec![finding.remedy(REMEDY)],
            )
        }
    }
}

/// What browsers make of `X-Frame-Options`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Options {
    /// No known value but the one that browsers gave up.
    AllowFrom,
    /// A known value and something else: every frame is blocked.
    Conflict,
    Deny,
    /// No known value: no protection.
    Nothing,
    SameOrigin,
}

/// HTML, "check a navigation response's adherence to `X-Frame-Options`": the values are a set without regard
/// to case.
fn read_options(joined: &[u8]) -> Options {
    let mut first: Option<Vec<u8>> = None;
    let (mut differ, mut any_known, mut allow_from) = (false, false, false);
    for (_, value) in split_unquoted(joined, b',') {
        let value = trim(value).to_ascii_lowercase();
        any_known |= matches!(value.as_slice(), b"deny" | b"allowall" | b"sameorigin");
        allow_from |= value.starts_with(b"allow-from");
        match &first {
            None => first = Some(value),
            Some(first) => differ |= *first != value,
        }
    }
    match (differ, first.as_deref()) {
        (true, _) if any_known => Options::Conflict,
        (false, Some(b"deny")) => Options::Deny,
        (false, Some(b"sameorigin")) => Options::SameOrigin,
        _ if allow_from => Options::AllowFrom,
        _ => Options::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::Target;

    use readiness_core::fact::Exchange;

    use super::*;
    use crate::http::{Page, ResponseKind, samples};

    fn of(headers: &[(&str, &str)]) -> Outcome {
        judge(samples::looked(&samples::html(headers)))
    }

    #[test]
    fn x_frame_options_as_the_html_standard_reads_them() {
        use Options::{AllowFrom, Conflict, Deny, Nothing, SameOrigin};
        for (lines, wanted) in [
            (&["DENY"][..], Deny),
            (&["deny"], Deny),
            (&[" \tDeNy\t "], Deny),
            (&["DENY, DENY"], Deny),
            (&["DENY", "deny"], Deny),
            (&["SAMEORIGIN"], SameOrigin),
            (&["sameorigin,SAMEORIGIN"], SameOrigin),
            (&["SAMEORIGIN, DENY"], Conflict),
            (&["SAMEORIGIN", "DENY"], Conflict),
            (&["SAMEORIGIN,"], Conflict),
            (&["", "SAMEORIGIN"], Conflict),
            (&["DENY, x"], Conflict),
            (&["x", "DENY"], Conflict),
            (&["DENY, ALLOW-FROM https://a.example"], Conflict),
            // Alone it allows; with anything else it is a known value that differs.
            (&["ALLOWALL"], Nothing),
            (&["ALLOWALL, ALLOWALL"], Nothing),
            (&["ALLOWALL, x"], Conflict),
            (&["ALLOW-FROM https://a.example"], AllowFrom),
            (&["allow-from https://a.example, x"], AllowFrom),
            (&["ALLOW-FROM"], AllowFrom),
            (&[""], Nothing),
            (&["x"], Nothing),
            (&["x, y"], Nothing),
            (&["DENY;"], Nothing),
            (&["\"DENY\""], Nothing),
            (&["'DENY'"], Nothing),
            (&["SAME-ORIGIN"], Nothing),
            (&["same origin"], Nothing),
            (&["NONE"], Nothing),
            (&["\"DENY, DENY"], Nothing),
            (&["\u{b}DENY"], Nothing),
        ] {
            assert_eq!(read_options(lines.join(", ").as_bytes()), wanted, "{lines:?}");
            let headers: Vec<_> = lines.iter().map(|line| ("x-frame-options", *line)).collect();
            let protected = matches!(wanted, Deny | SameOrigin | Conflict);
            assert_eq!(of(&headers).status.is_pass(), protected, "{lines:?}");
        }
    }

    #[test]
    fn frame_ancestors_wins_over_x_frame_options() {
        for (policy, protected) in [
            ("frame-ancestors 'none'", true),
            ("frame-ancestors", true),
            ("FRAME-ANCESTORS 'SELF'", true),
            ("frame-ancestors 'self' https://partner.example", true),
            ("frame-ancestors https://*.partner.example", true),
            ("frame-ancestors *", false),
            ("frame-ancestors https:", false),
            ("frame-ancestors http: https:", false),
            ("frame-ancestors https://*", false),
            ("frame-ancestors *:443", false),
            ("frame-ancestors *.com", false),
            ("frame-ancestors 'self' *", false),
            // The first directive of a name counts.
            ("frame-ancestors *; frame-ancestors 'none'", false),
            // Every policy must allow it.
            ("frame-ancestors *, frame-ancestors 'none'", true),
            ("frame-ancestors *, frame-ancestors https:", false),
        ] {
            let alone = of(&[("content-security-policy", policy)]);
            assert_eq!(alone.status.is_pass(), protected, "{policy}");
            let both = of(&[("content-security-policy", policy), ("x-frame-options", "DENY")]);
            assert_eq!(both.status.is_pass(), protected, "{policy}");
        }
        let lines = [
            ("content-security-policy", "frame-ancestors *"),
            ("content-security-policy", "frame-ancestors 'self'"),
        ];
        assert!(of(&lines).status.is_pass());
    }

    #[test]
    fn other_policies_leave_x_frame_options_in_force() {
        let other = ("content-security-policy", "default-src 'none'");
        assert!(of(&[other]).status.is_fail());
        assert!(of(&[other, ("x-frame-options", "DENY")]).status.is_pass());
        let report = ("content-security-policy-report-only", "frame-ancestors 'none'");
        assert_eq!(of(&[report]).findings[0].code, "missing");
    }

    #[test]
    fn the_kind_decides() {
        let of = |status, headers: &[(&str, &str)]| {
            judge(samples::looked(&Exchange::new(status, headers.iter().copied()))).status
        };
        assert!(of(200, &[("content-type", "application/json")]).is_not_applicable());
        assert!(of(200, &[("content-type", "image/png")]).is_not_applicable());
        assert!(of(302, &[("location", "/")]).is_not_applicable());
        assert!(of(404, &[("content-type", "application/json")]).is_not_applicable());
        assert!(of(404, &[("content-type", "text/html")]).is_warn());
        assert!(of(503, &[("content-type", "text/html")]).is_unknown());
        let redirect = judge(samples::looked(&Exchange::new(302, [("location", "/")])));
        assert_eq!(redirect.summary, "a redirect has no page to frame");
        let declared = Framing {
            pages: Pages::new([Page::default().kind(ResponseKind::Page)]),
            ..Framing::default()
        };
        assert!(
            judge(
                samples::looked(&Exchange::new(503, [("a", "b")]))
                    .declared(declared.pages.iter().next().unwrap())
            )
            .status
            .is_fail()
        );
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts("https://example.com/", &[("content-type", "text/html")]);
        assert_eq!(
            facts.judge(&Framing::default(), &target).summary,
            "every site may frame the page"
        );
        assert!(
            Framing {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..Framing::default()
            }
            .check()
            .is_err()
        );
        assert!(Framing::default().check().is_ok());
    }

    #[test]
    fn hostile_values_do_not_panic() {
        for value in samples::hostile() {
            let headers = [
                ("content-security-policy", value.clone()),
                ("x-frame-options", value),
            ];
            let outcome = judge(samples::looked(&samples::html(&headers)));
            assert_eq!(outcome.evidence.len(), 2);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let headers = [("content-security-policy", value.clone()), ("x-frame-options", value)];
            let _ = judge(samples::looked(&samples::html(&headers)));
        }
    }
}
