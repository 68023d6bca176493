//! Where browsers do otherwise, the peer's own answer is given. Our other probes say what browsers do.

use readiness_core::fact::Exchange;

use super::{Headers, Site, html, redirect};

#[test]
fn the_peer_says_of_one_header() {
    for (row, headers, test, id) in [
        // Row 1: what is no number is not less than any.
        (
            1,
            &[("strict-transport-security", "max-age=abc")][..],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        (
            1,
            &[("strict-transport-security", "max-age=")],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        (
            1,
            &[("strict-transport-security", "max-age=31536000abc")],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        (
            1,
            &[(
                "strict-transport-security",
                "max-age=31536000; includeSubDomains=false",
            )],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        (
            1,
            &[(
                "strict-transport-security",
                "max-age=31536000; includeSubDomains; includeSubDomains",
            )],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        (
            1,
            &[("strict-transport-security", "max-age=31536000\"")],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        // Row 2: a blank before `=` is not read, a quote is no number.
        (
            2,
            &[("strict-transport-security", "max-age =31536000")],
            "strict-transport-security",
            "hsts-header-invalid",
        ),
        (
            2,
            &[("strict-transport-security", "max-age=\"31536000\"")],
            "strict-transport-security",
            "hsts-implemented-max-age-at-least-six-months",
        ),
        // Row 4: what a later policy alone names becomes nothing.
        (
            4,
            &[(
                "content-security-policy",
                "frame-ancestors 'none', script-src *; object-src *",
            )],
            "content-security-policy",
            "csp-implemented-with-unsafe-inline-in-style-src-only",
        ),
        // Row 6: hosts are compared word for word.
        (
            6,
            &[("content-security-policy", "default-src 'none'; script-src *:443")],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        (
            6,
            &[(
                "content-security-policy",
                "default-src 'none'; script-src https://*:443",
            )],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        (
            6,
            &[("content-security-policy", "default-src 'none'; script-src blob:")],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        (
            6,
            &[(
                "content-security-policy",
                "default-src 'none'; script-src filesystem:",
            )],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        (
            6,
            &[("content-security-policy", "default-src 'none'; script-src *.com")],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        // Row 7: what begins like a nonce or a hash is one.
        (
            7,
            &[(
                "content-security-policy",
                "default-src 'none'; script-src 'unsafe-inline' 'nonce-a$b'",
            )],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        (
            7,
            &[(
                "content-security-policy",
                "default-src 'none'; script-src 'unsafe-inline' 'sha256-abc$'",
            )],
            "content-security-policy",
            "csp-implemented-with-no-unsafe-default-src-none",
        ),
        // Row 8: it does not know these two directives.
        (
            8,
            &[("content-security-policy", "default-src 'self'; script-src-elem *")],
            "content-security-policy",
            "csp-implemented-with-no-unsafe",
        ),
        (
            8,
            &[(
                "content-security-policy",
                "default-src 'self'; script-src-attr 'unsafe-inline'",
            )],
            "content-security-policy",
            "csp-implemented-with-no-unsafe",
        ),
        // Row 11: any `frame-ancestors` will do.
        (
            11,
            &[("content-security-policy", "frame-ancestors *")],
            "x-frame-options",
            "x-frame-options-implemented-via-csp",
        ),
        (
            11,
            &[("content-security-policy", "frame-ancestors https:")],
            "x-frame-options",
            "x-frame-options-implemented-via-csp",
        ),
        (
            11,
            &[
                ("content-security-policy", "frame-ancestors *"),
                ("x-frame-options", "DENY"),
            ],
            "x-frame-options",
            "x-frame-options-implemented-via-csp",
        ),
        // Row 12: browsers know no `ALLOW-FROM`.
        (
            12,
            &[("x-frame-options", "ALLOW-FROM https://a.example")],
            "x-frame-options",
            "x-frame-options-allow-from-origin",
        ),
        // Row 13: lists that browsers enforce are invalid.
        (
            13,
            &[("x-frame-options", "DENY, DENY")],
            "x-frame-options",
            "x-frame-options-header-invalid",
        ),
        (
            13,
            &[("x-frame-options", "SAMEORIGIN,SAMEORIGIN")],
            "x-frame-options",
            "x-frame-options-header-invalid",
        ),
        (
            13,
            &[("x-content-type-options", "nosniff,junk")],
            "x-content-type-options",
            "x-content-type-options-header-invalid",
        ),
        // Row 15: these names hold neither `sess` nor `login`.
        (
            15,
            &[("set-cookie", "connect.sid=1; Secure")],
            "cookies",
            "cookies-secure-with-httponly-sessions",
        ),
        (
            15,
            &[("set-cookie", "auth_token=1; Secure")],
            "cookies",
            "cookies-secure-with-httponly-sessions",
        ),
        // Row 16: the jar drops what breaks the promise of its prefix.
        (
            16,
            &[("set-cookie", "__Host-id=1; Path=/; Secure; Domain=example.com")],
            "cookies",
            "cookies-not-found",
        ),
        (
            16,
            &[("set-cookie", "__Secure-id=1")],
            "cookies",
            "cookies-not-found",
        ),
    ] {
        let mark = Site::html(headers).mark(test);
        assert_eq!(mark.id, id, "row {row}: {headers:?}");
    }
}

#[test]
fn the_peer_says_of_foreign_origins() {
    // Row 14: it tries one origin, with a preflight request alone.
    let own = super::super::cors::ORIGIN;
    let suffix = format!("{own}.evil.example");
    for (origin, credentials) in [
        ("null", "true"),
        (own, ""),
        (&suffix, "true"),
        ("https://evil.example", "true"),
    ] {
        let site = Site::html(&[]).preflight(
            200,
            &[
                ("access-control-allow-origin", origin),
                ("access-control-allow-credentials", credentials),
            ],
        );
        let mark = site.mark("cross-origin-resource-sharing");
        assert_eq!(
            mark.id, "cross-origin-resource-sharing-implemented-with-restricted-access",
            "row 14: {origin}"
        );
    }
}

#[test]
fn the_peer_says_of_a_hop_back_to_http() {
    // Row 17: the first two hops and the last one decide.
    let hops = [
        ("http://example.com/", redirect("https://example.com/")),
        ("https://example.com/", redirect("http://example.com/x")),
        ("http://example.com/x", redirect("https://example.com/x")),
        ("https://example.com/x", html(200, &[])),
    ];
    let mark = Site::html(&[]).http(&hops).mark("redirection");
    assert_eq!(mark.id, "redirection-to-https", "row 17");
}

#[test]
fn the_peer_says_of_an_api() {
    // Row 18: it asks the headers of a page of everything.
    let api = |headers: Headers<'_>| {
        let own = [
            ("content-type", "application/json"),
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
        ];
        Site::page(Exchange::new(200, own.iter().chain(headers).copied())).graded()
    };
    assert_eq!(api(&[]), (55, "C".into()), "row 18");
    let policy = (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'",
    );
    assert_eq!(api(&[policy]), (115, "A+".into()), "row 18");
}
