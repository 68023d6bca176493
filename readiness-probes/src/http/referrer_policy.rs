use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Document,
    probe,
};

use super::{
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{excerpt, shown, trim},
};

probe! {
    /// Links out of the service do not tell where a visitor came from.
    ///
    /// # What it checks
    /// `Referrer-Policy`: the last value that browsers know. Where the page itself was read, also its
    /// `<meta name="referrer">`, which replaces what the header says.
    ///
    /// # Why it matters
    /// Paths and query strings hold names, tokens and search words, and each link out would carry them to
    /// somebody else.
    ///
    /// # How it is judged
    /// Without the header browsers use `strict-origin-when-cross-origin`, which passes. `unsafe-url` fails, as it
    /// sends the whole address everywhere, over plain HTTP too; `no-referrer-when-downgrade` warns, as it sends the
    /// whole address to every https site. A header without any known value warns: it has no effect. A redirect
    /// warns at most; APIs and assets hold no links.
    ///
    /// # How to fix
    /// Send `Referrer-Policy: strict-origin-when-cross-origin`, or no such header.
    pub struct ReferrerPolicy {
        /// Whether a page without a known policy fails. Default: false, as the browsers' own is fine.
        pub required: bool = false,
        /// The policies that pass, such as `["no-referrer", "same-origin"]`; every other one fails, and the browsers'
        /// own as well where it is not among them. Default: none, which leaves it to what is said above.
        pub allowed: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.referrer_policy",
    title: "links out do not tell the whole address",
    priority: Low,
    references: [
        "Referrer Policy section 8.1" => "https://w3c.github.io/webappsec-referrer-policy/#parse-referrer-policy-from-header",
        "HTML, meta referrer" => "https://html.spec.whatwg.org/multipage/semantics.html#meta-referrer",
    ],
}

#[async_trait]
impl Probe for ReferrerPolicy {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl ReferrerPolicy {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        for policy in &self.allowed {
            if !KNOWN.contains(&policy.as_str()) {
                return Err(format!(
                    "`allowed` holds `{}`; known are {}",
                    excerpt(policy.as_bytes()),
                    KNOWN.map(|known| format!("`{known}`")).join(", ")
                ));
            }
        }
        self.pages.check()
    }

    /// Whether a policy, or the browsers' own where there is none, is not among those that are allowed.
    fn refuses(&self, policy: Option<&str>) -> bool {
        let policy = policy.unwrap_or(BROWSERS_OWN);
        !self.allowed.is_empty() && !self.allowed.iter().any(|allowed| allowed == policy)
    }

    /// The remedy where only some policies pass.
    fn demand(&self) -> String {
        let allowed = self.allowed.first().map_or(BROWSERS_OWN, String::as_str);
        format!("send `Referrer-Policy: {allowed}`")
    }
}

/// Referrer Policy, section 3. The empty string is no policy.
const KNOWN: [&str; 8] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "origin",
    "origin-when-cross-origin",
    "same-origin",
    "strict-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
];
/// What browsers do where nothing is said.
const BROWSERS_OWN: &str = "strict-origin-when-cross-origin";
const REMEDY: &str = "send `Referrer-Policy: strict-origin-when-cross-origin`, or no such header";

fn judge(settings: &ReferrerPolicy, looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let applies = applies(Rule::ReferrerPolicy, exchange, page);
    let (_, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let header = exchange.joined("referrer-policy");
    let by_meta = exchange.document.as_deref().and_then(of_document);
    let (policy, from) = match (by_meta, header.as_deref().and_then(effective)) {
        (Some(policy), _) => (Some(policy), "meta referrer"),
        (None, policy) => (policy, "Referrer-Policy"),
    };
    let mut findings = Vec::new();
    if let (Some(value), None) = (&header, policy) {
        findings.push(
            Finding::warn(
                "no_known_value",
                format!(
                    "`{}` holds no value that browsers know, so it has no effect",
                    excerpt(value)
                ),
            )
            .remedy(REMEDY),
        );
    }
    match policy {
        Some(found) if settings.refuses(policy) => {
            let allowed: Vec<String> = settings.allowed.iter().map(|known| format!("`{known}`")).collect();
            let message = format!("`{found}` is not among what is allowed: {}", allowed.join(", "));
            findings.push(Finding::fail("not_allowed", message).remedy(settings.demand()));
        }
        // What is allowed by name passes.
        Some(_) if !settings.allowed.is_empty() => {}
        Some("unsafe-url") => findings.push(
            Finding::fail(
                "unsafe_url",
                "`unsafe-url` sends the whole address to every site, expected at most the origin",
            )
            .remedy(REMEDY),
        ),
        Some("no-referrer-when-downgrade") => findings.push(
            Finding::warn(
                "full_address",
                "`no-referrer-when-downgrade` sends the whole address to every https site, expected at most the origin",
            )
            .remedy(REMEDY),
        ),
        None if settings.required || settings.refuses(None) => findings.push(
            Finding::fail(
                "missing",
                "expected a `Referrer-Policy` that browsers know and found none",
            )
            .remedy(settings.demand()),
        ),
        _ => {}
    }
    if let Some(value) = &header {
        findings = findings
            .into_iter()
            .map(|finding| finding.evidence("Referrer-Policy", shown(value)))
            .collect();
    }
    let summary = match (policy, &header) {
        (Some(policy), _) => format!("{from} is {policy}"),
        (None, Some(_)) => "Referrer-Policy holds no known value".to_owned(),
        (None, None) if settings.required || settings.refuses(None) => "no Referrer-Policy".to_owned(),
        (None, None) => "no Referrer-Policy; the browsers' own is fine".to_owned(),
    };
    let mut outcome = Outcome::judged(summary, weight.apply(findings));
    if let Some(value) = &header {
        outcome = outcome.evidence("Referrer-Policy", shown(value));
    }
    match by_meta {
        Some(policy) => outcome.evidence("meta referrer", policy),
        None => outcome,
    }
}

/// What the page says last of itself. HTML, section 4.2.5.1, "referrer": one value, in whatever case, older words
/// among them.
fn of_document(document: &Document) -> Option<&'static str> {
    document
        .metas
        .iter()
        .rev()
        .filter(|meta| meta.name == "referrer")
        .find_map(|meta| {
            let value = meta.content.to_ascii_lowercase();
            let value = match value.as_str() {
                "never" => "no-referrer",
                "default" => "strict-origin-when-cross-origin",
                "always" => "unsafe-url",
                "origin-when-crossorigin" => "origin-when-cross-origin",
                value => value,
            };
            KNOWN.into_iter().find(|known| *known == value)
        })
}

/// The last value of the list that browsers know; they compare without regard to case.
fn effective(joined: &[u8]) -> Option<&'static str> {
    joined.split(|&byte| byte == b',').rev().find_map(|token| {
        let token = trim(token);
        KNOWN
            .into_iter()
            .find(|known| token.eq_ignore_ascii_case(known.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{Status, Target};

    use readiness_core::fact::{Exchange, Meta};

    use super::*;
    use crate::http::{Page, samples};

    fn of(lines: &[&str]) -> Outcome {
        let headers: Vec<_> = lines.iter().map(|line| ("referrer-policy", *line)).collect();
        judge(
            &ReferrerPolicy::default(),
            samples::looked(&samples::html(&headers)),
        )
    }

    #[test]
    fn the_last_known_value_counts() {
        // Referrer Policy, section 11.1: unknown values let a page name a fallback first.
        for (lines, wanted) in [
            (&["no-referrer"][..], Some("no-referrer")),
            (&["No-Referrer"], Some("no-referrer")),
            (&["no-referrer, unsafe-url"], Some("unsafe-url")),
            (&["unsafe-url, no-referrer"], Some("no-referrer")),
            (&["no-referrer, future-policy"], Some("no-referrer")),
            (&["unsafe-url", "same-origin"], Some("same-origin")),
            (&["same-origin", ""], Some("same-origin")),
            (&["same-origin,,"], Some("same-origin")),
            (&["\torigin ,x"], Some("origin")),
            // Legacy values of the `<meta>` element mean nothing in the header.
            (&["never"], None),
            (&["always"], None),
            (&["default"], None),
            (&["origin-when-crossorigin"], None),
            (&["\"no-referrer\""], None),
            (&["no-referrer; x"], None),
            (&["no-referrer origin"], None),
            (&[""], None),
            (&[","], None),
        ] {
            assert_eq!(effective(lines.join(", ").as_bytes()), wanted, "{lines:?}");
        }
    }

    #[test]
    fn what_passes_and_what_does_not() {
        for policy in KNOWN {
            let status = of(&[policy]).status;
            match policy {
                "unsafe-url" => assert!(status.is_fail()),
                "no-referrer-when-downgrade" => assert!(status.is_warn()),
                _ => assert!(status.is_pass(), "{policy}"),
            }
        }
        assert!(of(&[]).status.is_pass());
        assert!(of(&["nonsense"]).status.is_warn());
    }

    #[test]
    fn only_what_is_allowed_passes() {
        let judged = |allowed: &[&str], policy: Option<&str>| {
            let settings = ReferrerPolicy {
                allowed: allowed.iter().map(|policy| (*policy).to_owned()).collect(),
                ..ReferrerPolicy::default()
            };
            let headers: Vec<_> = policy.iter().map(|policy| ("referrer-policy", *policy)).collect();
            let outcome = judge(&settings, samples::looked(&samples::html(&headers)));
            let codes: Vec<String> = outcome.findings.iter().map(|f| f.code.clone()).collect();
            codes.join(" ")
        };
        let strong = &["no-referrer", "same-origin"][..];
        for (allowed, policy, wanted) in [
            (strong, Some("no-referrer"), ""),
            (strong, Some("Same-Origin"), ""),
            (strong, Some("no-referrer, strict-origin"), "not_allowed"),
            (strong, Some("unsafe-url"), "not_allowed"),
            (strong, Some("nonsense"), "no_known_value missing"),
            (strong, None, "missing"),
            (&["strict-origin-when-cross-origin"], None, ""),
            (&["unsafe-url"], Some("unsafe-url"), ""),
            (&[], Some("strict-origin"), ""),
            (&[], None, ""),
        ] {
            assert_eq!(judged(allowed, policy), wanted, "{allowed:?} {policy:?}");
        }
        let wrong = ReferrerPolicy {
            allowed: vec!["never".into()],
            ..ReferrerPolicy::default()
        };
        assert!(wrong.check().unwrap_err().contains("`no-referrer`"));
    }

    #[test]
    fn the_page_itself_has_the_last_word() {
        // HTML, section 4.2.5.1: it is processed when it stands in the document, after the header.
        for (metas, wanted) in [
            (&["unsafe-url"][..], "unsafe-url"),
            (&["UNSAFE-URL"], "unsafe-url"),
            (&["no-referrer", "unsafe-url"], "unsafe-url"),
            (&["unsafe-url", "no-referrer"], "no-referrer"),
            (&["unsafe-url", "nonsense"], "unsafe-url"),
            (&["never"], "no-referrer"),
            (&["always"], "unsafe-url"),
            (&["default"], "strict-origin-when-cross-origin"),
            (&["origin-when-crossorigin"], "origin-when-cross-origin"),
            // One value, not a list.
            (&["unsafe-url, no-referrer"], "same-origin"),
            (&[" unsafe-url"], "same-origin"),
            (&[""], "same-origin"),
            (&[], "same-origin"),
        ] {
            let mut document = Document::new();
            document.metas = metas
                .iter()
                .map(|content| Meta::named("referrer", *content))
                .collect();
            let exchange = samples::html(&[("referrer-policy", "same-origin")]).document(document);
            let outcome = judge(&ReferrerPolicy::default(), samples::looked(&exchange));
            assert!(
                outcome.summary.ends_with(&format!("is {wanted}")),
                "{metas:?}: {}",
                outcome.summary
            );
            assert_eq!(outcome.status.is_fail(), wanted == "unsafe-url", "{metas:?}");
        }
        let mut document = Document::new();
        document.metas = vec![
            Meta::named("description", "unsafe-url"),
            Meta::http_equiv("referrer", "unsafe-url"),
        ];
        let exchange = samples::html::<&str>(&[]).document(document);
        assert!(
            judge(&ReferrerPolicy::default(), samples::looked(&exchange))
                .status
                .is_pass()
        );
    }

    #[test]
    fn the_weight_depends_on_the_kind() {
        let bad = ("referrer-policy", "unsafe-url");
        let status = |status, headers: &[(&str, &str)]| -> Status {
            judge(
                &ReferrerPolicy::default(),
                samples::looked(&Exchange::new(status, headers.iter().copied())),
            )
            .status
        };
        assert!(status(301, &[bad, ("location", "/")]).is_warn());
        assert!(status(404, &[bad, ("content-type", "text/html")]).is_fail());
        assert!(status(404, &[bad, ("content-type", "application/json")]).is_not_applicable());
        assert!(status(200, &[bad, ("content-type", "application/json")]).is_not_applicable());
        assert!(status(200, &[bad, ("content-type", "image/png")]).is_not_applicable());
        assert!(status(401, &[bad, ("content-type", "text/html")]).is_unknown());
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts(
            "https://example.com/",
            &[("content-type", "text/html"), ("referrer-policy", "unsafe-url")],
        );
        let outcome = facts.judge(&ReferrerPolicy::default(), &target);
        assert_eq!(outcome.summary, "Referrer-Policy is unsafe-url");
        assert!(outcome.status.is_fail());
        assert!(
            ReferrerPolicy {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..ReferrerPolicy::default()
            }
            .check()
            .is_err()
        );
        assert!(ReferrerPolicy::default().check().is_ok());
    }

    #[test]
    fn hostile_values_have_no_effect() {
        for value in samples::hostile() {
            let exchange = samples::html(&[("referrer-policy", value)]);
            assert!(
                judge(&ReferrerPolicy::default(), samples::looked(&exchange))
                    .status
                    .is_warn()
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let _ = judge(&ReferrerPolicy::default(), samples::looked(&samples::html(&[("referrer-policy", value)])));
        }
    }
}
