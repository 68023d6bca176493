use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, probe,
};
use sfv::{BareItem, Item, Parser};

use super::{
    ResponseKind,
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{excerpt, shown, trim},
};

probe! {
    /// Says whether browsers keep the page in a process of its own (cross-origin isolation).
    ///
    /// # What it checks
    /// `Cross-Origin-Opener-Policy` (COOP), `Cross-Origin-Embedder-Policy` (COEP) and
    /// `Cross-Origin-Resource-Policy` (CORP), each as browsers read it. For APIs and assets only the last.
    ///
    /// # Why it matters
    /// Pages of other sites in the same process can read memory by side channels. Isolation is also what some
    /// features ask for (`SharedArrayBuffer`); `require-corp` breaks embedded content that does not agree.
    ///
    /// # How it is judged
    /// A page is isolated with COOP `same-origin` and COEP `require-corp` or `credentialless`, over https. None of
    /// the headers is demanded unless `require_isolation` is set. A value that browsers do not know, in wrong case
    /// or given twice, has no effect and warns.
    ///
    /// # How to fix
    /// Send `Cross-Origin-Opener-Policy: same-origin`, and where the page needs isolation
    /// `Cross-Origin-Embedder-Policy: require-corp`, each once and in lower case.
    pub struct CrossOriginIsolation {
        /// Whether a page that is not isolated fails. Default: false.
        pub require_isolation: bool = false,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.cross_origin_isolation",
    title: "the page is isolated from other origins",
    priority: Info,
    references: [
        "HTML, cross-origin opener policies" => "https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies",
        "HTML, embedder policies" => "https://html.spec.whatwg.org/multipage/browsers.html#coep",
        "Fetch, Cross-Origin-Resource-Policy" => "https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header",
    ],
}

#[async_trait]
impl Probe for CrossOriginIsolation {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl CrossOriginIsolation {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const COOP: &str = "Cross-Origin-Opener-Policy";
const COEP: &str = "Cross-Origin-Embedder-Policy";
const CORP: &str = "Cross-Origin-Resource-Policy";
const COOP_VALUES: [&str; 4] = [
    "noopener-allow-popups",
    "same-origin",
    "same-origin-allow-popups",
    "unsafe-none",
];
const COEP_VALUES: [&str; 3] = ["credentialless", "require-corp", "unsafe-none"];
const CORP_VALUES: [&str; 3] = ["cross-origin", "same-origin", "same-site"];

fn judge(settings: &CrossOriginIsolation, looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let applies = applies(Rule::CrossOriginIsolation, exchange, page);
    let (kind, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let mut findings = Vec::new();
    let mut evidence = Vec::new();
    let mut read = |name: &'static str, known: &[&'static str], is_item: bool| {
        let value = exchange.joined(name)?;
        evidence.push((name, shown(&value)));
        let found = if is_item {
            token_of_item(&value)
        } else {
            text_of(&value)
        };
        let known_value = known
            .iter()
            .copied()
            .find(|known| found.as_deref() == Some(*known));
        if known_value.is_none() {
            let repeated = if exchange.all(name).count() > 1 {
                ", in several lines"
            } else {
                ""
            };
            findings.push(
                Finding::warn(
                    "no_known_value",
                    format!(
                        "`{}`{repeated} is no value that browsers know, expected one of {}",
                        excerpt(&value),
                        known
                            .iter()
                            .map(|known| format!("`{known}`"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    ),
                )
                .subject(name)
                .remedy(format!(
                    "send `{name}` once, with one of these values in lower case"
                )),
            );
        }
        known_value
    };
    let corp = read(CORP, &CORP_VALUES, false);
    if kind != ResponseKind::Page {
        let summary = match corp {
            Some(corp) => format!("{CORP} is {corp}"),
            None => format!("no {CORP} in force"),
        };
        return finish(summary, weight.apply(findings), evidence);
    }
    let coop = read(COOP, &COOP_VALUES, true);
    let coep = read(COEP, &COEP_VALUES, true);
    let mut missing = Vec::new();
    if !exchange.channel.is_secure() {
        missing.push("no https".to_owned());
    }
    if coop != Some("same-origin") {
        missing.push(format!("COOP is {}", coop.unwrap_or("not in force")));
    }
    if !matches!(coep, Some("require-corp" | "credentialless")) {
        missing.push(format!("COEP is {}", coep.unwrap_or("not in force")));
    }
    let summary = if missing.is_empty() {
        "the page is cross-origin isolated".to_owned()
    } else {
        format!("not isolated: {}", missing.join(", "))
    };
    if settings.require_isolation && !missing.is_empty() {
        findings.push(
            Finding::fail(
                "not_isolated",
                format!("expected an isolated page, found it {summary}"),
            )
            .remedy(format!(
                "send `{COOP}: same-origin` and `{COEP}: require-corp` over https"
            )),
        );
    }
    for name in [COOP, COEP] {
        let report_only = format!("{name}-Report-Only");
        if let (Some(value), None) = (exchange.joined(&report_only), exchange.first(name)) {
            findings.push(
                Finding::note(
                    "report_only",
                    format!("`{report_only}` reports and does not enforce"),
                )
                .subject(name)
                .evidence(report_only.clone(), shown(&value)),
            );
        }
    }
    finish(summary, weight.apply(findings), evidence)
}

fn finish(summary: String, findings: Vec<Finding>, evidence: Vec<(&str, String)>) -> Outcome {
    evidence
        .into_iter()
        .fold(Outcome::judged(summary, findings), |outcome, (name, value)| {
            outcome.evidence(name, value)
        })
}

/// The token of a structured item; its parameters do not matter here. RFC 9651, section 4.2.3.
///
/// Several lines joined are no item, which is what makes a repeated header void.
fn token_of_item(value: &[u8]) -> Option<String> {
    match Parser::new(value).parse::<Item>().ok()?.bare_item {
        BareItem::Token(token) => Some(token.as_str().to_owned()),
        _ => None,
    }
}

/// Fetch compares the whole value of `Cross-Origin-Resource-Policy`, case and all.
fn text_of(value: &[u8]) -> Option<String> {
    std::str::from_utf8(trim(value)).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{
        Status, Target,
        fact::{Channel, Exchange},
    };

    use super::*;
    use crate::http::{Page, samples};

    fn of(headers: &[(&str, &str)]) -> Outcome {
        judge(
            &CrossOriginIsolation::default(),
            samples::looked(&samples::html(headers)),
        )
    }

    fn coop(lines: &[&str]) -> Option<bool> {
        let headers: Vec<_> = lines.iter().map(|line| (COOP, *line)).collect();
        let outcome = of(&headers);
        let in_force = outcome.findings.iter().all(|finding| finding.subject != COOP);
        in_force.then(|| outcome.summary.contains("COEP") && !outcome.summary.contains("COOP"))
    }

    #[test]
    fn the_opener_policy_is_a_structured_item() {
        // HTML, "obtain a cross-origin opener policy"; RFC 9651, section 4.2.3.
        for (lines, wanted) in [
            (&["same-origin"][..], Some(true)),
            (&[" same-origin "], Some(true)),
            (&["same-origin; report-to=\"endpoint\""], Some(true)),
            (&["same-origin;a;b=1"], Some(true)),
            (&["same-origin-allow-popups"], Some(false)),
            (&["noopener-allow-popups"], Some(false)),
            (&["unsafe-none"], Some(false)),
            (&["Same-Origin"], None),
            (&["SAME-ORIGIN"], None),
            (&["\"same-origin\""], None),
            (&["'same-origin'"], None),
            (&["same-origin,"], None),
            (&["same-origin, same-origin"], None),
            (&["same-origin", "same-origin"], None),
            (&["same-origin", ""], None),
            (&["same-origin;"], None),
            (&["same-origin; REPORT-TO=a"], None),
            (&["same-origin unsafe-none"], None),
            (&["same-site"], None),
            (&["(same-origin)"], None),
            (&["\u{b}same-origin"], None),
            (&[""], None),
        ] {
            assert_eq!(coop(lines), wanted, "{lines:?}");
        }
    }

    #[test]
    fn the_page_is_isolated_with_both_over_https() {
        let isolated = |coop, coep, channel| {
            let exchange = samples::html(&[(COOP, coop), (COEP, coep)]).channel(channel);
            judge(&CrossOriginIsolation::default(), samples::looked(&exchange)).summary
                == "the page is cross-origin isolated"
        };
        assert!(isolated("same-origin", "require-corp", Channel::TrustedTls));
        assert!(isolated("same-origin", "credentialless", Channel::UntrustedTls));
        assert!(isolated(
            "same-origin",
            "require-corp;report-to=\"a\"",
            Channel::TrustedTls
        ));
        assert!(!isolated("same-origin", "require-corp", Channel::Plain));
        assert!(!isolated("same-origin", "unsafe-none", Channel::TrustedTls));
        assert!(!isolated(
            "same-origin-allow-popups",
            "require-corp",
            Channel::TrustedTls
        ));
        assert!(!isolated("same-origin", "Require-Corp", Channel::TrustedTls));
        assert!(!isolated(
            "same-origin",
            "require-corp, require-corp",
            Channel::TrustedTls
        ));
    }

    #[test]
    fn the_resource_policy_is_compared_as_a_whole() {
        for (value, known) in [
            ("same-origin", true),
            ("same-site", true),
            ("cross-origin", true),
            ("Same-Origin", false),
            ("same-origin;a", false),
            ("same-origin, same-origin", false),
            ("\"same-origin\"", false),
            ("", false),
        ] {
            assert_eq!(of(&[(CORP, value)]).status.is_pass(), known, "{value}");
        }
    }

    #[test]
    fn nothing_is_demanded_unless_asked_for() {
        assert!(of(&[]).status.is_pass());
        assert_eq!(
            of(&[]).summary,
            "not isolated: COOP is not in force, COEP is not in force"
        );
        let strict = CrossOriginIsolation {
            require_isolation: true,
            ..Default::default()
        };
        assert!(
            judge(&strict, samples::looked(&samples::html::<&str>(&[])))
                .status
                .is_fail()
        );
        let both = samples::html(&[(COOP, "same-origin"), (COEP, "require-corp")]);
        assert!(judge(&strict, samples::looked(&both)).status.is_pass());
        assert!(
            judge(&strict, samples::looked(&samples::plain(both)))
                .status
                .is_fail()
        );
        let report = of(&[("Cross-Origin-Opener-Policy-Report-Only", "same-origin")]);
        assert_eq!(
            (report.findings[0].code.as_str(), &report.status),
            ("report_only", &Status::Pass)
        );
    }

    #[test]
    fn the_kind_decides() {
        let of = |status, content_type: &str, headers: &[(&str, &str)]| {
            let own = [("content-type", content_type), ("location", "/")];
            let exchange = Exchange::new(status, own.into_iter().chain(headers.iter().copied()));
            judge(&CrossOriginIsolation::default(), samples::looked(&exchange))
        };
        assert!(of(301, "", &[]).status.is_not_applicable());
        assert!(of(404, "text/html", &[]).status.is_not_applicable());
        assert!(of(403, "text/html", &[]).status.is_unknown());
        let asset = of(200, "text/css", &[(CORP, "same-site"), (COOP, "nonsense")]);
        assert_eq!(asset.summary, "Cross-Origin-Resource-Policy is same-site");
        assert!(asset.status.is_pass());
        assert!(of(200, "application/json", &[(CORP, "x")]).status.is_warn());
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let headers = [
            ("content-type", "text/html"),
            (COOP, "same-origin"),
            (COEP, "require-corp"),
        ];
        let facts = samples::facts("https://example.com/", &headers);
        let outcome = facts.judge(&CrossOriginIsolation::default(), &target);
        assert_eq!(outcome.summary, "the page is cross-origin isolated");
        assert!(
            CrossOriginIsolation {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..Default::default()
            }
            .check()
            .is_err()
        );
        assert!(CrossOriginIsolation::default().check().is_ok());
    }

    #[test]
    fn hostile_values_have_no_effect() {
        for value in samples::hostile() {
            let headers = [(COOP, value.clone()), (COEP, value.clone()), (CORP, value)];
            let outcome = judge(
                &CrossOriginIsolation::default(),
                samples::looked(&samples::html(&headers)),
            );
            assert_eq!((outcome.findings.len(), outcome.status.is_warn()), (3, true));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let headers = [(COOP, value.clone()), (COEP, value.clone()), (CORP, value)];
            let _ = judge(&CrossOriginIsolation::default(), samples::looked(&samples::html(&headers)));
        }
    }
}
