use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, probe,
};

use super::{
    ResponseKind,
    applicability::{Rule, applies},
    csp_analysis::{analyse, faults},
    page::{Looked, judge_page},
    pages::Pages,
    policy::{Policy, policies},
    syntax::{count, shown},
};

probe! {
    /// A Content Security Policy keeps injected scripts from running.
    ///
    /// # What it checks
    /// Every `Content-Security-Policy` header line, and every policy in it: all of them are enforced, so a hole
    /// counts only where each policy leaves it. A policy in a `<meta>` element is not looked at.
    ///
    /// # Why it matters
    /// Where markup of a stranger gets into a page, the policy decides whether it can run as code.
    ///
    /// # How it is judged
    /// A page without the header fails, and so does one with a policy in report-only alone, which is judged as if
    /// it were enforced. What scripts may do is taken from the directive that governs it (`script-src-elem` or
    /// `script-src-attr`, then `script-src`, then `default-src`): inline scripts without a nonce, a hash or
    /// `'strict-dynamic'` fail; scripts from every host (`*`, `https:`, `*.com`) and from `data:` fail;
    /// `'unsafe-eval'`, `blob:`, plugins without a limit, and a missing `base-uri` beside nonces warn. What
    /// browsers skip or misread warns and says where it stands. An error page warns at most; an API informs.
    ///
    /// # How to fix
    /// Begin with `Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'`, and give
    /// inline scripts a nonce that is new with each response. For an API send `default-src 'none';
    /// frame-ancestors 'none'`.
    pub struct Csp {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.csp",
    title: "a policy keeps injected scripts from running",
    priority: Medium,
    references: [
        "CSP Level 3 section 2.2" => "https://www.w3.org/TR/CSP3/#framework-policy",
        "CSP Level 3 section 6.7" => "https://www.w3.org/TR/CSP3/#matching-algorithms",
    ],
}

#[async_trait]
impl Probe for Csp {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl Csp {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const ENFORCED: &str = "content-security-policy";
const REPORTED: &str = "content-security-policy-report-only";

fn judge(looked: Looked<'_>) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    let applies = applies(Rule::Csp, exchange, page);
    let (kind, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let enforced = policies(exchange, ENFORCED);
    let reported = policies(exchange, REPORTED);
    let holds_any = |policies: &[Policy<'_>]| policies.iter().any(|policy| !policy.directives.is_empty());
    let advice = match kind {
        ResponseKind::Api => "default-src 'none'; frame-ancestors 'none'",
        _ => "default-src 'self'; object-src 'none'; base-uri 'none'",
    };
    let remedy = format!("send `Content-Security-Policy: {advice}`");
    let (summary, findings) = if holds_any(&enforced) {
        let findings = analyse(&enforced);
        let what = count(enforced.len(), "policy", "policies");
        (format!("{what}, {}", weaknesses(&findings)), findings)
    } else if holds_any(&reported) {
        let first = Finding::fail(
            "not_enforced",
            "expected an enforced policy and found one in `Content-Security-Policy-Report-Only` alone",
        )
        .remedy("send the same policy as `Content-Security-Policy` once its reports are quiet");
        let as_if = analyse(&reported);
        let summary = format!("not enforced; if it were: {}", weaknesses(&as_if));
        (summary, [first].into_iter().chain(as_if).collect())
    } else if exchange.first(ENFORCED).is_some() {
        let finding = Finding::fail("empty", "the `Content-Security-Policy` header holds no directive");
        let faults = enforced.iter().enumerate().flat_map(faults);
        let findings = [finding.remedy(remedy)].into_iter().chain(faults).collect();
        ("the Content-Security-Policy header is empty".into(), findings)
    } else {
        let finding = Finding::fail(
            "missing",
            "expected a `Content-Security-Policy` header and found none",
        );
        (
            "no Content-Security-Policy header".into(),
            vec![finding.remedy(remedy)],
        )
    };
    let mut outcome = Outcome::judged(summary, weight.apply(findings));
    for (label, name) in [
        ("Content-Security-Policy", ENFORCED),
        ("Content-Security-Policy-Report-Only", REPORTED),
    ] {
        if let Some(value) = exchange.joined(name) {
            outcome = outcome.evidence(label, shown(&value));
        }
    }
    outcome
}

fn weaknesses(findings: &[Finding]) -> String {
    match findings.iter().filter(|finding| !finding.is_note()).count() {
        0 => "scripts are limited".into(),
        n => count(n, "weakness", "weaknesses"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{Reason, Status, Target};

    use readiness_core::fact::Exchange;

    use super::*;
    use crate::http::{Page, samples};

    fn of(lines: &[&str]) -> Outcome {
        let headers: Vec<_> = lines.iter().map(|line| (ENFORCED, *line)).collect();
        judge(samples::looked(&samples::html(&headers)))
    }

    /// The codes of what is no note.
    fn codes(outcome: &Outcome) -> Vec<&str> {
        let bad = outcome.findings.iter().filter(|finding| !finding.is_note());
        bad.map(|finding| finding.code.as_str()).collect()
    }

    #[test]
    fn what_a_policy_lets_happen() {
        // CSP Level 3, sections 6.1 (fallback), 6.7.2 (hosts) and 6.7.3 (inline).
        for (policy, wanted) in [
            ("default-src 'self'", &[][..]),
            ("default-src 'none'", &[]),
            ("default-src", &[]),
            (
                "default-src 'self'; script-src 'self' https://cdn.example.com",
                &[],
            ),
            ("default-src 'self'; style-src 'unsafe-inline'", &[]),
            ("default-src 'self'; img-src * data:", &[]),
            ("default-src *", &["any_host", "any_plugin"]),
            ("default-src https:", &["any_host", "any_plugin"]),
            ("default-src 'self'; script-src *", &["any_host"]),
            ("default-src 'self'; script-src http:", &["any_host"]),
            ("default-src 'self'; script-src https://*", &["any_host"]),
            ("default-src 'self'; script-src *:443", &["any_host"]),
            ("default-src 'self'; script-src https://*:443", &["any_host"]),
            ("default-src 'self'; script-src *.com", &["any_host"]),
            ("default-src 'self'; script-src *.example.com", &[]),
            ("default-src 'self'; script-src data:", &["data_scripts"]),
            ("default-src 'self'; script-src DATA:", &["data_scripts"]),
            ("default-src 'self'; script-src blob:", &["blob_scripts"]),
            ("default-src 'self'; script-src filesystem:", &["blob_scripts"]),
            ("default-src 'self' 'unsafe-inline'", &["unsafe_inline"]),
            (
                "default-src 'self'; script-src 'unsafe-inline'",
                &["unsafe_inline"],
            ),
            (
                "default-src 'self'; script-src 'UNSAFE-INLINE'",
                &["unsafe_inline"],
            ),
            (
                "default-src 'self'; script-src-elem 'unsafe-inline'",
                &["unsafe_inline"],
            ),
            (
                "default-src 'self'; script-src-attr 'unsafe-inline'",
                &["unsafe_inline_handlers"],
            ),
            ("default-src 'self'; script-src-elem *", &["any_host"]),
            // The directive that governs decides, not the one it falls back to.
            ("default-src 'self'; script-src *; script-src-elem 'self'", &[]),
            ("default-src 'unsafe-inline'; script-src 'self'", &[]),
            ("default-src 'self'; script-src 'unsafe-inline' 'nonce-YWJj'", &[]),
            (
                "default-src 'self'; base-uri 'none'; script-src 'unsafe-inline' 'nonce-YWJj'",
                &[],
            ),
            (
                "default-src 'self'; script-src 'unsafe-inline' 'sha256-YWJj'",
                &[],
            ),
            (
                "default-src 'self'; base-uri 'self'; script-src 'unsafe-inline' https: 'strict-dynamic' 'nonce-a'",
                &[],
            ),
            (
                "default-src 'self'; script-src 'unsafe-inline' 'nonce-a$b'",
                &["unsafe_inline", "malformed_source"],
            ),
            (
                "default-src 'self'; script-src 'unsafe-inline' 'sha256-a$'",
                &["unsafe_inline", "malformed_source"],
            ),
            (
                "default-src 'self'; script-src 'unsafe-inline' 'nonce-'",
                &["unsafe_inline", "malformed_source"],
            ),
            ("default-src 'self'; script-src 'unsafe-eval'", &["unsafe_eval"]),
            ("default-src 'self'; script-src 'wasm-unsafe-eval'", &[]),
            ("default-src 'self'; script-src-elem 'unsafe-eval'", &[]),
            (
                "default-src 'self'; base-uri *; script-src 'nonce-YWJj'",
                &["no_base_uri"],
            ),
            (
                "default-src 'self'; base-uri 'none'; script-src 'strict-dynamic'",
                &["strict_dynamic_alone"],
            ),
            ("script-src 'self'", &["no_object_src"]),
            ("script-src 'self'; object-src 'none'", &[]),
            ("script-src 'self'; object-src *", &["any_plugin"]),
            ("object-src 'none'", &["no_script_policy"]),
            ("frame-ancestors 'none'", &["no_script_policy", "no_object_src"]),
            (
                "upgrade-insecure-requests",
                &["no_script_policy", "no_object_src"],
            ),
            // Elements are governed, handlers and eval are not.
            (
                "script-src-elem 'self'; object-src 'none'",
                &["unsafe_inline_handlers", "unsafe_eval"],
            ),
            ("default-src 'self'; default-src *", &["repeated_directive"]),
            ("default-src 'self'; scrip-src *", &["unknown_directive"]),
            ("default-src self", &["unquoted_keyword"]),
        ] {
            let outcome = of(&[policy]);
            let mut found = codes(&outcome);
            // Beside a nonce a missing `base-uri` is a weakness of its own; asked for below.
            if policy.contains("nonce") && !policy.contains("base-uri") {
                found.retain(|code| *code != "no_base_uri");
            }
            assert_eq!(found, wanted, "{policy}");
        }
    }

    #[test]
    fn base_uri_weighs_beside_nonces_only() {
        let base = |policy| {
            let outcome = of(&[policy]);
            let finding = outcome
                .findings
                .into_iter()
                .find(|finding| finding.code == "no_base_uri");
            finding.map(|finding| finding.status)
        };
        assert_eq!(base("default-src 'self'"), Some(Status::Pass));
        assert_eq!(
            base("default-src 'self'; script-src 'nonce-YWJj'"),
            Some(Status::warn())
        );
        assert_eq!(
            base("default-src 'self'; script-src 'nonce-YWJj'; base-uri 'none'"),
            None
        );
        assert_eq!(
            base("default-src 'self'; script-src 'nonce-YWJj'; base-uri https://a.example"),
            None
        );
    }

    #[test]
    fn several_policies_are_all_enforced() {
        for (lines, wanted) in [
            (&["default-src 'self', script-src *"][..], &[][..]),
            (&["default-src 'self'", "script-src * 'unsafe-inline'"], &[]),
            (&["script-src * 'unsafe-inline', default-src 'self'"], &[]),
            (
                &["script-src *", "script-src https:; object-src 'none'"],
                &["any_host"],
            ),
            (
                &["frame-ancestors 'none', script-src *; object-src *"],
                &["any_host", "any_plugin"],
            ),
            (
                &["script-src 'unsafe-inline'; object-src 'none'", "script-src *"],
                &[],
            ),
            (&["default-src 'self'", ""], &[]),
        ] {
            let outcome = of(lines);
            let found: Vec<&str> = codes(&outcome)
                .into_iter()
                .filter(|code| !matches!(*code, "unsafe_eval" | "no_base_uri"))
                .collect();
            assert_eq!(found, wanted, "{lines:?}");
        }
    }

    #[test]
    fn the_source_that_opens_the_hole_is_named() {
        let outcome = of(&["frame-ancestors 'none', default-src 'self'; script-src https://*:443"]);
        let message = &outcome.findings[0].message;
        assert!(
            message.contains("`script-src https://*:443` allows scripts from every site"),
            "{message}"
        );
        let faults = of(&["default-src 'self', img-src a; x_y b"]);
        let fault = faults
            .findings
            .iter()
            .find(|f| f.code == "malformed_directive")
            .unwrap();
        assert_eq!(fault.subject, "policy 2");
        assert!(fault.message.ends_with("at byte 31"), "{}", fault.message);
    }

    #[test]
    fn a_missing_policy_fails_and_report_only_does_not_enforce() {
        assert_eq!(codes(&of(&[])), ["missing"]);
        assert_eq!(codes(&of(&[""])), ["empty"]);
        assert_eq!(codes(&of(&[" ;, ; "])), ["empty"]);
        let report = |policy| judge(samples::looked(&samples::html(&[(REPORTED, policy)])));
        assert_eq!(codes(&report("default-src 'self'")), ["not_enforced"]);
        assert_eq!(
            codes(&report("default-src *")),
            ["not_enforced", "any_host", "any_plugin"]
        );
        let both = samples::html(&[(ENFORCED, "default-src 'self'"), (REPORTED, "default-src *")]);
        assert!(judge(samples::looked(&both)).status.is_pass());
    }

    #[test]
    fn the_kind_decides() {
        let of = |status, headers: &[(&str, &str)]| {
            judge(samples::looked(&Exchange::new(status, headers.iter().copied()))).status
        };
        assert!(of(200, &[("content-type", "application/json")]).is_pass());
        assert!(of(200, &[("content-type", "text/css")]).is_not_applicable());
        assert!(of(302, &[("location", "/")]).is_not_applicable());
        assert!(of(404, &[("content-type", "text/html")]).is_warn());
        assert!(of(404, &[("content-type", "application/json")]).is_not_applicable());
        assert_eq!(of(401, &[]), Status::unknown(Reason::UNEXPECTED_RESPONSE));
        let declared = Csp {
            pages: Pages::new([Page::default().accept_status([401])]),
            ..Csp::default()
        };
        assert!(
            judge(
                samples::looked(&Exchange::new(401, [("content-type", "text/html")]))
                    .declared(declared.pages.iter().next().unwrap())
            )
            .status
            .is_fail()
        );
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let headers = [("content-type", "text/html"), (ENFORCED, "default-src 'self'")];
        let outcome = samples::facts("https://example.com/", &headers).judge(&Csp::default(), &target);
        assert_eq!(
            (outcome.status, outcome.summary.as_str()),
            (Status::Pass, "1 policy, scripts are limited")
        );
        assert!(
            Csp {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..Csp::default()
            }
            .check()
            .is_err()
        );
        assert!(Csp::default().check().is_ok());
    }

    #[test]
    fn hostile_values_make_few_findings() {
        for value in samples::hostile() {
            let outcome = judge(samples::looked(&samples::html(&[(ENFORCED, value)])));
            assert!(outcome.findings.len() < 50, "{}", outcome.findings.len());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = judge(samples::looked(&samples::html(&[(ENFORCED, value)])));
        }

        #[test]
        fn one_more_policy_never_opens_a_hole(extra in "(script-src|default-src|img-src) ('self'|\\*|data:)") {
            let alone = of(&["default-src 'self'"]);
            let both = of(&["default-src 'self'", &extra]);
            prop_assert_eq!(codes(&alone), codes(&both));
        }
    }
}
