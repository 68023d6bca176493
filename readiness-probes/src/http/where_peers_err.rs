//! Responses that other graders judge otherwise than browsers do. Each test is a row of the table of their
//! defects.

use readiness_core::{Outcome, Status, Target};
use serde_json::{Value, json};

use super::samples;
use crate::builtin;

/// What a probe says of a response of `https://example.com/`.
fn judged(id: &str, settings: &Value, headers: &[(&str, &str)]) -> Outcome {
    let url = "https://example.com/";
    let probe = builtin::registry().build(id, settings).unwrap();
    samples::facts(url, headers).judge(&*probe, &Target::parse(url).unwrap())
}

fn of(id: &str, headers: &[(&str, &str)]) -> Outcome {
    judged(id, &Value::Null, headers)
}

/// The codes of what is no note.
fn faults(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .filter(|finding| !finding.is_note())
        .map(|finding| finding.code.as_str())
        .collect()
}

const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");

#[test]
fn row_11_frame_ancestors_that_lets_everybody_in_is_no_protection() {
    for (policy, options) in [
        ("frame-ancestors *", None),
        ("frame-ancestors https:", None),
        ("frame-ancestors http: https:", None),
        ("frame-ancestors *", Some("DENY")),
        ("frame-ancestors https:", Some("DENY")),
        ("frame-ancestors https://*", Some("SAMEORIGIN")),
        ("default-src 'none'; frame-ancestors *:443", Some("DENY")),
    ] {
        let mut headers = vec![HTML, ("content-security-policy", policy)];
        headers.extend(options.map(|options| ("x-frame-options", options)));
        let outcome = of("http.framing", &headers);
        assert_eq!(faults(&outcome), ["open"], "{policy} {options:?}");
        assert_eq!(outcome.evidence[0].value, "open", "{policy} {options:?}");
    }
}

#[test]
fn row_12_allow_from_is_no_protection() {
    for value in [
        "ALLOW-FROM https://a.example",
        "allow-from https://a.example/",
        "ALLOW-FROM",
    ] {
        let outcome = of("http.framing", &[HTML, ("x-frame-options", value)]);
        assert_eq!(faults(&outcome), ["allow_from"], "{value}");
        assert!(outcome.status.is_fail());
    }
    assert!(
        of("http.framing", &[HTML, ("x-frame-options", "ALLOWALL")])
            .status
            .is_fail()
    );
}

#[test]
fn row_13_lists_are_read_as_browsers_read_them() {
    for (value, scope) in [
        ("DENY, DENY", "none"),
        ("SAMEORIGIN, sameorigin", "self"),
        ("DENY, SAMEORIGIN", "none"),
        ("junk, DENY", "none"),
        ("SAMEORIGIN,", "none"),
        ("ALLOWALL, SAMEORIGIN", "none"),
        ("junk, rubbish", "open"),
        ("\"DENY\"", "open"),
        ("DENY; SAMEORIGIN", "open"),
    ] {
        let outcome = of("http.framing", &[HTML, ("x-frame-options", value)]);
        assert_eq!(outcome.evidence[0].value, scope, "{value}");
    }
    for (value, holds) in [
        ("nosniff", true),
        ("NOSNIFF", true),
        ("nosniff, junk", true),
        ("nosniff,,nosniff", true),
        (",nosniff", false),
        ("junk, nosniff", false),
        ("\"nosniff\"", false),
        ("nosniff;", false),
    ] {
        let outcome = of("http.nosniff", &[HTML, ("x-content-type-options", value)]);
        assert_eq!(outcome.status.is_pass(), holds, "{value}");
    }
    let strict = json!({ "require_coop": true });
    for (value, holds) in [
        ("same-origin", true),
        ("same-origin; report-to=\"main\"", true),
        ("noopener-allow-popups", true),
        ("Same-Origin", false),
        ("\"same-origin\"", false),
        ("same-origin, same-origin", false),
        ("same-origin;", false),
        ("unsafe-none", false),
    ] {
        let headers = [HTML, ("cross-origin-opener-policy", value)];
        let outcome = judged("http.cross_origin_isolation", &strict, &headers);
        assert_eq!(outcome.status.is_pass(), holds, "{value}");
    }
}

#[test]
fn row_15_sessions_are_known_by_more_than_two_names() {
    for line in [
        "connect.sid=[redacted]; Secure",
        "auth_token=[redacted]; Secure",
        "jwt=[redacted]; Secure; Path=/",
        "JSESSIONID=[redacted]; Secure",
    ] {
        let outcome = of("http.cookies", &[HTML, ("set-cookie", line)]);
        assert_eq!(faults(&outcome), ["no_http_only", "no_same_site"], "{line}");
        assert!(outcome.status.is_fail());
    }
}

#[test]
fn row_16_cookies_that_browsers_drop_are_found() {
    for (line, codes) in [
        (
            "__Host-id=[redacted]; Path=/; Secure; Domain=example.com",
            &["broken_prefix"][..],
        ),
        ("__Host-id=[redacted]; Secure", &["broken_prefix"]),
        ("__Secure-id=[redacted]", &["no_secure", "broken_prefix"]),
        ("__Http-id=[redacted]; Secure", &["broken_prefix"]),
        ("id=[redacted]; Secure; Domain=example.org", &["foreign_domain"]),
        ("id=[redacted]; Secure; Domain=com", &["public_suffix"]),
    ] {
        let outcome = of("http.cookies", &[HTML, ("set-cookie", line)]);
        assert_eq!(faults(&outcome), codes, "{line}");
        assert!(outcome.status.is_fail());
    }
}

#[test]
fn row_18_an_api_needs_no_headers_of_pages() {
    let api = [
        ("content-type", "application/json"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
    ];
    for (id, applies) in [
        ("http.hsts", true),
        ("http.nosniff", true),
        ("http.csp", true),
        ("http.framing", false),
        ("http.referrer_policy", false),
        ("http.permissions_policy", false),
        ("http.cross_origin_isolation", true),
        ("http.cookies", false),
        ("http.current_headers", true),
        ("http.disclosure", true),
        ("http.reporting_endpoints", false),
    ] {
        let outcome = of(id, &api);
        assert_eq!(faults(&outcome), [] as [&str; 0], "{id}");
        let right = match &outcome.status {
            Status::Pass => applies,
            Status::NotApplicable { because } => !applies && because.len() > 20,
            _ => false,
        };
        assert!(right, "{id}: {outcome:?}");
    }
}
