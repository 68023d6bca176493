//! What hardened stacks send out of the box: no probe may say more than a note about it.

use readiness_core::{Outcome, Target};

use super::samples;
use crate::builtin;

const HEADER_PROBES: &[&str] = &[
    "http.cookies",
    "http.cross_origin_isolation",
    #[cfg(feature = "csp")]
    "http.csp",
    "http.current_headers",
    "http.disclosure",
    "http.framing",
    "http.hsts",
    "http.nosniff",
    "http.permissions_policy",
    "http.referrer_policy",
    "http.reporting_endpoints",
];

fn outcomes(headers: &[(&str, &str)]) -> Vec<(&'static str, Outcome)> {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = samples::facts("https://example.com/", headers);
    let registry = builtin::registry();
    let judge = |id| {
        let probe = registry.build(id, &serde_json::Value::Null).unwrap();
        (id, facts.judge(&*probe, &target))
    };
    HEADER_PROBES.iter().copied().map(judge).collect()
}

#[test]
fn hardened_stacks_are_silent() {
    let hardened_nginx = [
        ("server", "nginx"),
        ("content-type", "text/html; charset=utf-8"),
        (
            "set-cookie",
            "__Host-sid=[redacted]; Path=/; Secure; HttpOnly; SameSite=Lax",
        ),
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "strict-origin-when-cross-origin"),
        (
            "content-security-policy",
            "default-src 'self'; frame-ancestors 'self'",
        ),
    ];
    let caddy = [
        ("alt-svc", "h3=\":443\"; ma=2592000"),
        ("content-type", "text/html; charset=utf-8"),
        ("server", "Caddy"),
        ("strict-transport-security", "max-age=31536000;"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        (
            "content-security-policy",
            "default-src 'self'; object-src 'none'; base-uri 'none'",
        ),
    ];
    let axum_page = [
        ("content-type", "text/html; charset=utf-8"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; script-src 'nonce-kJ8sP2xQvN4mZ7tR1yW5bg==' 'strict-dynamic' https: 'unsafe-inline'; \
             style-src 'self' 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'self'; \
             frame-ancestors 'none'",
        ),
        ("cross-origin-opener-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(self), fullscreen=*",
        ),
    ];
    let axum_api = [
        ("content-type", "application/json"),
        ("strict-transport-security", "max-age=31536000"),
        ("x-content-type-options", "nosniff"),
        (
            "vary",
            "origin, access-control-request-method, access-control-request-headers",
        ),
    ];
    for headers in [&hardened_nginx[..], &caddy, &axum_page, &axum_api] {
        for (id, outcome) in outcomes(headers) {
            assert!(
                outcome.status.is_pass() || outcome.status.is_not_applicable(),
                "{id}: {outcome:?}"
            );
            assert!(outcome.summary.len() <= 72, "{id}: {}", outcome.summary);
        }
    }
}

#[test]
fn a_bare_page_is_told_everything_it_lacks() {
    let bad = outcomes(&[
        ("content-type", "text/html"),
        ("server", "Apache/2.4.57 (Debian)"),
        ("set-cookie", "PHPSESSID=[redacted]; path=/"),
        ("x-frame-options", "ALLOW-FROM https://a.example"),
        ("referrer-policy", "unsafe-url"),
        ("x-xss-protection", "1"),
        (
            "content-security-policy-report-only",
            "default-src 'none'; report-to nowhere",
        ),
    ]);
    for (id, outcome) in bad {
        let is_optional = matches!(id, "http.permissions_policy" | "http.cross_origin_isolation");
        let is_right = outcome.status.is_pass() || outcome.status.is_not_applicable();
        assert_eq!(is_right, is_optional, "{id}: {outcome:?}");
        for finding in outcome.findings.iter().filter(|finding| !finding.is_note()) {
            let text = format!("{} {}", finding.message, finding.remedy);
            assert!(!finding.remedy.is_empty(), "{id}: {}", finding.code);
            assert!(
                !finding.message.ends_with('.') && !finding.remedy.ends_with('.'),
                "{text}"
            );
        }
    }
}

#[test]
fn hostile_headers_all_at_once_are_survived() {
    for value in samples::hostile() {
        let names = [
            "content-type",
            "set-cookie",
            "strict-transport-security",
            "content-security-policy",
            "x-frame-options",
            "x-content-type-options",
            "permissions-policy",
        ];
        // The probes' own tests take the whole of it; here seven headers go through a recording.
        let text = String::from_utf8_lossy(&value[..4096]).into_owned();
        let headers = names.map(|name| (name, text.as_str()));
        for (id, outcome) in outcomes(&headers) {
            let json = serde_json::to_string(&outcome).unwrap();
            assert!(json.len() < 128 * 1024, "{id}: {} bytes", json.len());
        }
    }
}
