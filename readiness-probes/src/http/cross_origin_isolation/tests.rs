use proptest::prelude::*;
use readiness_core::{Status, Target, fact::Channel};

use super::*;
use crate::http::{Page, samples};

fn of(headers: &[(&str, &str)]) -> Outcome {
    judge(
        &CrossOriginIsolation::default(),
        samples::looked(&samples::html(headers)),
    )
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

#[test]
fn each_header_can_be_demanded() {
    let coop = CrossOriginIsolation {
        require_coop: true,
        ..Default::default()
    };
    let coep = CrossOriginIsolation {
        require_coep: true,
        ..Default::default()
    };
    let corp = CrossOriginIsolation {
        require_corp: true,
        ..Default::default()
    };
    for (settings, name, value, code) in [
        (&coop, COOP, "same-origin", None),
        (&coop, COOP, "same-origin-allow-popups", None),
        (&coop, COOP, "unsafe-none", Some("no_opener_policy")),
        (&coop, COOP, "Same-Origin", Some("no_opener_policy")),
        (&coop, COEP, "require-corp", Some("no_opener_policy")),
        (&coep, COEP, "require-corp", None),
        (&coep, COEP, "credentialless", None),
        (&coep, COEP, "unsafe-none", Some("no_embedder_policy")),
        (&coep, COEP, "nonsense", Some("no_embedder_policy")),
        (&corp, CORP, "same-site", None),
        (&corp, CORP, "cross-origin", None),
        (&corp, CORP, "x", Some("no_resource_policy")),
        (&corp, COOP, "same-origin", Some("no_resource_policy")),
    ] {
        let outcome = judge(settings, samples::looked(&samples::html(&[(name, value)])));
        let fails: Vec<&str> = outcome
            .findings
            .iter()
            .filter(|finding| finding.status.is_fail())
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(fails, Vec::from_iter(code), "{name}: {value}");
    }
    // Over plain http browsers take neither COOP nor COEP.
    for (settings, name, value) in [(&coop, COOP, "same-origin"), (&coep, COEP, "require-corp")] {
        let plain = samples::plain(samples::html(&[(name, value)]));
        assert!(
            judge(settings, samples::looked(&plain)).status.is_fail(),
            "{name}"
        );
    }
}

#[test]
fn the_browsers_own_machine_is_a_secure_context() {
    let headers = [(COOP, "same-origin"), (COEP, "require-corp")];
    let plain = samples::plain(samples::html(&headers));
    for (host, isolated) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("example.com", false),
    ] {
        let key = samples::key(host);
        let outcome = judge(&CrossOriginIsolation::default(), samples::looked(&plain).by(&key));
        assert_eq!(
            outcome.summary == "the page is cross-origin isolated",
            isolated,
            "{host}"
        );
    }
}

#[test]
fn an_api_open_to_all_is_noted() {
    let of = |content_type: &str, value: &str| {
        let headers = [("content-type", content_type), (CORP, value)];
        judge(
            &CrossOriginIsolation::default(),
            samples::looked(&Exchange::new(200, headers)),
        )
    };
    let api = of("application/json", "cross-origin");
    assert_eq!(api.findings[0].code, "open_to_all");
    assert!(api.status.is_pass());
    assert!(of("application/json", "same-origin").findings.is_empty());
    assert!(of("text/css", "cross-origin").findings.is_empty());
}
