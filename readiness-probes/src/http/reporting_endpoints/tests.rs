use proptest::prelude::*;
use readiness_core::Target;

use super::*;
use crate::http::samples;

fn of(headers: &[(&str, &str)]) -> Outcome {
    judge(samples::looked(&samples::html(headers)))
}

fn found(headers: &[(&str, &str)]) -> Vec<(String, String)> {
    of(headers)
        .findings
        .into_iter()
        .map(|finding| (finding.code, finding.subject))
        .collect()
}

const MAIN: (&str, &str) = ("reporting-endpoints", "main=\"https://r.example/main\"");

#[test]
fn each_policy_may_name_an_endpoint() {
    for (name, value) in [
        ("Content-Security-Policy", "default-src 'none'; report-to main"),
        ("Content-Security-Policy-Report-Only", "report-to main"),
        ("Cross-Origin-Opener-Policy", "same-origin; report-to=\"main\""),
        (
            "Cross-Origin-Opener-Policy-Report-Only",
            "same-origin; report-to=\"main\"",
        ),
        ("Cross-Origin-Embedder-Policy", "require-corp; report-to=\"main\""),
        (
            "Cross-Origin-Embedder-Policy-Report-Only",
            "require-corp; report-to=\"main\"",
        ),
        ("Permissions-Policy", "camera=();report-to=main, usb=()"),
        ("Permissions-Policy-Report-Only", "camera=*;report-to=\"main\""),
        (
            "Integrity-Policy",
            "blocked-destinations=(script), endpoints=(main)",
        ),
        ("Integrity-Policy-Report-Only", "endpoints=(main)"),
    ] {
        let header = format!("header `{name}`");
        assert_eq!(
            found(&[(name, value)]),
            [("undefined".to_owned(), header)],
            "{name}"
        );
        let both = of(&[(name, value), MAIN]);
        assert!(both.status.is_pass(), "{name}: {both:?}");
        assert_eq!(both.summary, "1 endpoint is named and defined");
        let older = "{\"group\":\"main\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}";
        assert!(
            of(&[(name, value), ("report-to", older)]).status.is_pass(),
            "{name}"
        );
        let other = of(&[
            (name, value),
            ("reporting-endpoints", "other=\"https://r.example/\""),
        ]);
        assert!(other.status.is_warn(), "{name}");
    }
}

#[test]
fn without_names_there_is_nothing_to_judge() {
    assert!(of(&[]).status.is_not_applicable());
    assert!(
        of(&[("content-security-policy", "default-src 'none'")])
            .status
            .is_not_applicable()
    );
    assert_eq!(
        of(&[MAIN]).summary,
        "endpoints are defined, and no policy names one"
    );
    assert!(of(&[MAIN]).status.is_pass());
    let plain = samples::plain(samples::html(&[("content-security-policy", "report-to main")]));
    assert!(judge(samples::looked(&plain)).status.is_not_applicable());
}

#[test]
fn names_that_browsers_do_not_read() {
    for (name, value) in [
        ("Cross-Origin-Opener-Policy", "same-origin; report-to=main"),
        (
            "Cross-Origin-Embedder-Policy-Report-Only",
            "require-corp; report-to",
        ),
    ] {
        let outcome = of(&[(name, value), MAIN]);
        assert_eq!(outcome.findings[0].code, "not_a_string", "{name}");
        assert_eq!(outcome.findings[0].subject, format!("header `{name}`"));
        assert!(outcome.status.is_warn());
    }
}

#[test]
fn nel_looks_into_report_to_alone() {
    let nel = ("nel", "{\"report_to\":\"main\",\"max_age\":60}");
    let outcome = of(&[nel, MAIN]);
    assert!(outcome.status.is_warn());
    assert!(outcome.findings[0].message.contains("no `Report-To` defines it"));
    let group = "{\"group\":\"main\",\"max_age\":60,\"endpoints\":[{\"url\":\"https://r.example/\"}]}";
    assert!(of(&[nel, ("report-to", group)]).status.is_pass());
    // A policy that ends at once needs no group.
    assert!(
        of(&[("nel", "{\"report_to\":\"main\",\"max_age\":0}")])
            .status
            .is_not_applicable()
    );
    assert!(of(&[("nel", "junk")]).status.is_not_applicable());
}

#[test]
fn definitions_that_browsers_skip() {
    let csp = ("content-security-policy", "report-to main");
    for (value, code) in [
        ("main=\"https://r.example/\"", None),
        ("main=\"/reports\"", None),
        ("other=\"https://r.example/\", main=\"https://r.example/\"", None),
        ("main=\"http://r.example/\"", Some("skipped")),
        ("main=\"\"", Some("skipped")),
        ("main=token", Some("skipped")),
        ("main", Some("skipped")),
        ("main=(\"https://r.example/\")", Some("skipped")),
        ("main=\"https://\"", Some("skipped")),
        ("main=https://r.example/", Some("skipped")),
        ("Main=\"https://r.example/\"", Some("malformed")),
        ("main=\"https://r.example/", Some("malformed")),
    ] {
        let outcome = of(&[csp, ("reporting-endpoints", value)]);
        let first = outcome.findings.first().map(|finding| finding.code.as_str());
        assert_eq!(first, code, "{value}");
        assert_eq!(outcome.status.is_pass(), code.is_none(), "{value}");
    }
    for (value, code) in [
        (
            "{\"max_age\":1,\"group\":\"main\",\"endpoints\":[{\"url\":\"https://r.example/\"}]}",
            None,
        ),
        (
            "{\"max_age\":1,\"group\":\"main\",\"endpoints\":[{\"url\":\"http://r.example/\"},{\"url\":\"https://r.example/\"}]}",
            None,
        ),
        (
            "{\"max_age\":1,\"endpoints\":[{\"url\":\"https://r.example/\"}]}, \
             {\"max_age\":1,\"group\":\"main\",\"endpoints\":[{\"url\":\"https://r.example/\"}]}",
            None,
        ),
        (
            "{\"max_age\":1,\"endpoints\":[{\"url\":\"https://r.example/\"}]}",
            Some("undefined"),
        ),
        (
            "{\"max_age\":0,\"group\":\"main\",\"endpoints\":[]}",
            Some("undefined"),
        ),
        (
            "{\"group\":\"main\",\"endpoints\":[{\"url\":\"https://r.example/\"}]}",
            Some("skipped"),
        ),
        ("{\"max_age\":1,\"group\":\"main\"}", Some("skipped")),
        (
            "{\"max_age\":1,\"group\":\"main\",\"endpoints\":[]}",
            Some("skipped"),
        ),
        (
            "{\"max_age\":1,\"group\":\"main\",\"endpoints\":[{\"url\":\"http://r.example/\"}]}",
            Some("skipped"),
        ),
        ("{'group':'main'}", Some("malformed")),
        ("", Some("undefined")),
    ] {
        let outcome = of(&[csp, ("report-to", value)]);
        let first = outcome.findings.first().map(|finding| finding.code.as_str());
        assert_eq!(first, code, "{value}");
    }
}

#[test]
fn what_is_left_aside_for_it_is_said() {
    let both = of(&[("content-security-policy", "report-uri /r; report-to main")]);
    assert!(
        both.findings[0].message.ends_with("leave `report-uri` aside"),
        "{both:?}"
    );
    let alone = of(&[("content-security-policy", "report-to main")]);
    assert!(!alone.findings[0].message.contains("report-uri"));
}

#[test]
fn the_probe_judges_the_targets_own_path() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = samples::facts(
        "https://example.com/",
        &[("content-security-policy", "report-to main, report-to main")],
    );
    let outcome = facts.judge(&ReportingEndpoints::default(), &target);
    assert_eq!(outcome.summary, "1 endpoint is named, 1 of them defined nowhere");
    assert!(ReportingEndpoints::default().check().is_ok());
}

#[test]
fn hostile_values_make_few_findings() {
    let names = [
        "content-security-policy",
        "cross-origin-opener-policy",
        "permissions-policy",
        "integrity-policy",
        "nel",
        "report-to",
        "reporting-endpoints",
    ];
    for value in samples::hostile() {
        let headers = names.map(|name| (name, value.clone()));
        let outcome = judge(samples::looked(&samples::html(&headers)));
        assert!(outcome.findings.len() <= MOST_FINDINGS + 1);
    }
    let many: Vec<String> = (0..5000).map(|n| format!("report-to e{n}")).collect();
    let outcome = of(&[("content-security-policy", &many.join(", "))]);
    assert_eq!(outcome.findings.len(), MOST_FINDINGS + 1);
    assert!(outcome.summary.contains("5000 endpoints"));
    let deep = "[".repeat(60_000);
    assert_eq!(found(&[("report-to", &deep)])[0].0, "malformed");
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
        let names = ["nel", "report-to", "reporting-endpoints", "integrity-policy", "permissions-policy"];
        let headers = names.map(|name| (name, value.clone()));
        let _ = judge(samples::looked(&samples::html(&headers)));
    }
}
