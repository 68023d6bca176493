use readiness_core::{Reason, Status, Target};

use super::*;
use crate::http::{Page as AtPath, samples};

mod hostile;
mod metas;
mod nonces;
mod reported;

/// 132 bits, as a nonce should have.
const NONCE: &str = "kJ8sP2xQvN4mZ7tR1yW5bg==";

/// A page with these lines of the header that is enforced.
pub(super) fn of(lines: &[&str]) -> Outcome {
    let headers: Vec<_> = lines.iter().map(|line| (ENFORCED, *line)).collect();
    judge(&Csp::default(), samples::looked(&samples::html(&headers)), None)
}

/// The codes of what is no note.
pub(super) fn codes(outcome: &Outcome) -> Vec<&str> {
    let bad = outcome.findings.iter().filter(|finding| !finding.is_note());
    bad.map(|finding| finding.code.as_str()).collect()
}

#[test]
fn what_a_policy_lets_happen() {
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
        ("default-src 'self'; script-src *.com", &["any_host"]),
        ("default-src 'self'; script-src data:", &["data_scripts"]),
        ("default-src 'self'; script-src blob:", &["blob_scripts"]),
        ("default-src 'self' 'unsafe-inline'", &["unsafe_inline"]),
        (
            "default-src 'self'; script-src-attr 'unsafe-inline'",
            &["unsafe_inline_handlers"],
        ),
        ("default-src 'self'; script-src *; script-src-elem 'self'", &[]),
        ("default-src 'self'; script-src 'unsafe-eval'", &["unsafe_eval"]),
        (
            "default-src 'self'; script-src 'unsafe-eval'; require-trusted-types-for 'script'",
            &[],
        ),
        (
            "default-src 'self'; base-uri 'none'; script-src 'strict-dynamic'",
            &["strict_dynamic_alone"],
        ),
        ("script-src 'self'", &["no_object_src"]),
        ("script-src 'self'; object-src 'none'", &[]),
        ("script-src 'self'; object-src *", &["any_plugin"]),
        ("script-src 'self'; object-src data:", &["data_plugins"]),
        ("default-src 'self'; form-action *", &["any_form_action"]),
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
        (
            "script-src-attr 'none'; object-src 'none'",
            &["unsafe_inline", "any_host", "unsafe_eval"],
        ),
        // A sandbox without scripts needs no other limit.
        ("sandbox", &[]),
        ("sandbox allow-scripts", &["no_script_policy"]),
        ("default-src 'self'; default-src *", &["repeated_directive"]),
        ("default-src 'self'; scrip-src *", &["unknown_directive"]),
        ("default-src self", &["unquoted_keyword"]),
        (
            "\"default-src 'self'\"",
            &["no_script_policy", "no_object_src", "malformed_directive"],
        ),
    ] {
        let outcome = of(&[policy]);
        assert_eq!(codes(&outcome), wanted, "{policy}");
        for finding in outcome.findings.iter().filter(|finding| !finding.is_note()) {
            assert!(!finding.remedy.is_empty(), "{policy}: {}", finding.code);
            assert!(!finding.message.ends_with('.'), "{policy}: {}", finding.message);
        }
    }
}

#[test]
fn hardened_policies_are_silent() {
    for policy in [
        // Nonces with 'strict-dynamic', and what older browsers fall back to.
        "script-src 'nonce-kJ8sP2xQvN4mZ7tR1yW5bg==' 'strict-dynamic' https: 'unsafe-inline'; object-src 'none'; base-uri 'none'",
        "script-src 'nonce-3f1c9a7be05d42688e4f10b2c7d69a5e' 'strict-dynamic' 'unsafe-inline' http: https:; \
         object-src 'none'; base-uri 'self'; report-uri /csp; require-trusted-types-for 'script'",
        "script-src 'strict-dynamic' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' https:; object-src 'none'; \
         base-uri 'none'",
        "default-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'; form-action 'self'",
        // The set that OWASP proposes.
        "default-src 'self'; form-action 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; \
         upgrade-insecure-requests",
        // What helmet sends.
        "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';\
         img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';\
         style-src 'self' https: 'unsafe-inline';upgrade-insecure-requests",
        "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self'; style-src 'self'; \
         base-uri 'self'; form-action 'self'; block-all-mixed-content",
        "default-src 'none'; style-src 'unsafe-inline'; sandbox",
        "default-src 'none'; frame-ancestors 'none'",
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self' blob:; connect-src *",
    ] {
        let outcome = of(&[policy]);
        assert!(outcome.status.is_pass(), "{policy}: {outcome:?}");
        assert_eq!(codes(&outcome), [""; 0], "{policy}");
    }
}

#[test]
fn base_uri_weighs_beside_nonces_only() {
    let base = |rest: &str| {
        let outcome = of(&[&format!("default-src 'self'{rest}")]);
        let finding = outcome
            .findings
            .into_iter()
            .find(|finding| finding.code == "no_base_uri");
        finding.map(|finding| finding.status)
    };
    let nonce = format!("; script-src 'nonce-{NONCE}'");
    assert_eq!(base(""), Some(Status::Pass));
    assert_eq!(base(&nonce), Some(Status::warn()));
    assert_eq!(base(&format!("{nonce}; base-uri *")), Some(Status::warn()));
    assert_eq!(base(&format!("{nonce}; base-uri 'none'")), None);
    assert_eq!(base(&format!("{nonce}; base-uri https://a.example")), None);
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
            &["script-src 'unsafe-inline'; object-src 'none'", "script-src *"],
            &[],
        ),
        (&["default-src 'self'", ""], &[]),
        (&["script-src 'self'", "sandbox"], &[]),
    ] {
        assert_eq!(codes(&of(lines)), wanted, "{lines:?}");
    }
}

#[test]
fn what_opens_the_hole_and_what_gets_through_are_named() {
    let outcome = of(&["frame-ancestors 'none', default-src 'self'; script-src https://*:443"]);
    let finding = &outcome.findings[0];
    assert_eq!(
        finding.message,
        "`script-src https://*:443` lets `https://evil.example/x.js` run, expected a list of hosts or nonces"
    );
    assert_eq!(finding.evidence[0].value, "https://evil.example/x.js");
    assert_eq!(outcome.summary, "2 policies, 1 weakness");
    let eval = of(&["script-src-elem 'self'; object-src 'none'"]);
    assert_eq!(
        eval.findings[0].message,
        "no `script-src` stands in any policy, which lets `<img src=x onerror=alert(1)>` run, expected no inline \
         handlers"
    );
}

#[test]
fn hosts_that_serve_others_code_are_told() {
    let settings = Csp {
        untrusted_script_hosts: vec!["cdn.example".into(), "other.example".into()],
        ..Csp::default()
    };
    let of = |policy| {
        judge(
            &settings,
            samples::looked(&samples::html(&[(ENFORCED, policy)])),
            None,
        )
    };
    let found = of("default-src 'self'; script-src 'self' https://cdn.example");
    assert_eq!(codes(&found), ["untrusted_host"]);
    assert!(
        found
            .findings
            .iter()
            .any(|finding| finding.subject == "host `cdn.example`")
    );
    assert!(found.status.is_fail());
    assert!(of("default-src 'self'").status.is_pass());
    // Where every host may, one finding says so.
    assert_eq!(codes(&of("default-src 'self'; script-src *")), ["any_host"]);
    assert_eq!(settings.check(), Ok(()));
    let wrong = |hosts: Vec<String>| {
        let settings = Csp {
            untrusted_script_hosts: hosts,
            ..Csp::default()
        };
        settings.check()
    };
    assert!(
        wrong(vec!["*".into()])
            .unwrap_err()
            .contains("`*`, expected a host")
    );
    assert!(wrong(vec!["a.example".into(); 1000]).is_ok());
    assert!(
        wrong(vec!["a.example".into(); 1001])
            .unwrap_err()
            .contains("1001")
    );
}

#[test]
fn the_kind_decides() {
    let of = |status, headers: &[(&str, &str)]| {
        let exchange = Exchange::new(status, headers.iter().copied());
        judge(&Csp::default(), samples::looked(&exchange), None).status
    };
    assert!(of(200, &[("content-type", "application/json")]).is_pass());
    assert!(of(200, &[("content-type", "text/css")]).is_not_applicable());
    assert!(of(302, &[("location", "/")]).is_not_applicable());
    assert!(of(404, &[("content-type", "text/html")]).is_warn());
    assert!(of(404, &[("content-type", "application/json")]).is_not_applicable());
    assert_eq!(of(401, &[]), Status::unknown(Reason::UNEXPECTED_RESPONSE));
    let declared = AtPath::default().accept_status([401]);
    let page = Exchange::new(401, [("content-type", "text/html")]);
    let looked = samples::looked(&page).declared(&declared);
    assert!(judge(&Csp::default(), looked, None).status.is_fail());
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
    let pages = Pages::new([AtPath::new("login")]);
    let wrong = Csp {
        pages,
        ..Csp::default()
    };
    assert!(wrong.check().is_err());
    assert!(Csp::default().check().is_ok());
}
