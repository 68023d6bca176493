//! Whole responses: score and grade.

use readiness_core::{
    Status,
    fact::{Document, Exchange},
    testing::faults_of_outcome,
};

use super::{super::judge, Headers, Site, html, redirect};
use crate::http::samples;

const HSTS: (&str, &str) = ("strict-transport-security", "max-age=31536000");
const NOSNIFF: (&str, &str) = ("x-content-type-options", "nosniff");
const NONE: (&str, &str) = (
    "content-security-policy",
    "default-src 'none'; frame-ancestors 'none'",
);
const SELF: (&str, &str) = (
    "content-security-policy",
    "default-src 'self'; frame-ancestors 'none'",
);
const REFERRER: (&str, &str) = ("referrer-policy", "no-referrer");
const CORP: (&str, &str) = ("cross-origin-resource-policy", "same-origin");
const COEP: (&str, &str) = ("cross-origin-embedder-policy", "require-corp");
const COOP: (&str, &str) = ("cross-origin-opener-policy", "same-origin");
const COOKIE: (&str, &str) = ("set-cookie", "a=1; Secure; HttpOnly; SameSite=Lax");

#[test]
fn score_and_grade_of_a_page() {
    for (headers, score, grade) in [
        // -25 policy, -20 HSTS, -5 sniffing, -20 framing.
        (&[][..], 30, "D"),
        (&[HSTS], 50, "C"),
        (&[HSTS, NOSNIFF], 55, "C"),
        (&[HSTS, NOSNIFF, ("x-frame-options", "DENY")], 75, "B"),
        // Deductions leave 75, so that no bonus counts.
        (
            &[HSTS, NOSNIFF, ("x-frame-options", "DENY"), REFERRER, CORP, COOP],
            75,
            "B",
        ),
        (&[HSTS, NOSNIFF, SELF], 110, "A+"),
        (&[HSTS, NOSNIFF, NONE], 115, "A+"),
        // Exactly 100: neither deduction nor bonus.
        (
            &[
                HSTS,
                NOSNIFF,
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'",
                ),
                ("x-frame-options", "ALLOW-FROM x"),
            ],
            100,
            "A+",
        ),
        // Deductions leave 95: the bonuses count, 10 and 5 here.
        (&[HSTS, NONE], 110, "A+"),
        (
            &[
                HSTS,
                (
                    "content-security-policy",
                    "default-src 'none'; style-src 'unsafe-inline'",
                ),
                ("x-frame-options", "ALLOW-FROM x"),
            ],
            95,
            "A",
        ),
        // Deductions leave 90, the least from which bonuses count.
        (&[HSTS, NONE, ("referrer-policy", "unsafe-url")], 105, "A+"),
        // Deductions leave 85, and nothing is added.
        (
            &[
                HSTS,
                NONE,
                ("referrer-policy", "unsafe-url"),
                ("cross-origin-opener-policy", "x"),
            ],
            85,
            "A-",
        ),
        (&[HSTS, NOSNIFF, NONE, ("set-cookie", "sess=1; Secure")], 70, "B"),
        (
            &[HSTS, NOSNIFF, NONE, REFERRER, COOKIE, CORP, COEP, COOP],
            155,
            "A+",
        ),
    ] {
        assert_eq!(
            Site::html(headers).graded(),
            (score, grade.to_owned()),
            "{headers:?}"
        );
    }
}

#[test]
fn the_most_and_the_least() {
    let mut best = Site::scripts(&[("/a.js", true)]);
    let page = best.0.page().unwrap().document.clone().unwrap();
    let all = [HSTS, NOSNIFF, NONE, REFERRER, COOKIE, CORP, COEP, COOP];
    best = Site::holds(&all, *page).preloaded();
    assert_eq!(best.graded(), (165, "A+".into()));

    let worst: Headers<'_> = &[
        ("set-cookie", "sess=1; SameSite=x"),
        ("referrer-policy", "unsafe-url"),
        ("cross-origin-opener-policy", "x"),
    ];
    let worst = Site::plain(worst).preflight(
        200,
        &[
            ("access-control-allow-origin", super::super::cors::ORIGIN),
            ("access-control-allow-credentials", "true"),
        ],
    );
    // 100 - 25 - 40 - 50 - 20 - 5 - 20 - 5 - 20 - 5 is below zero.
    assert_eq!(worst.graded(), (0, "F".into()));
}

#[test]
fn a_status_the_peer_does_not_scan_is_unknown() {
    for status in [200, 204, 299, 301, 399, 401, 403] {
        let outcome = judge(&Site::page(html(status, &[])).0);
        assert!(!outcome.status.is_unknown(), "{status}");
    }
    for status in [199, 400, 402, 404, 429, 500, 503] {
        let outcome = judge(&Site::page(html(status, &[HSTS, NOSNIFF, NONE])).0);
        assert!(outcome.status.is_unknown(), "{status}");
        assert!(
            outcome.summary.contains(&status.to_string()),
            "{}",
            outcome.summary
        );
        assert!(outcome.findings.is_empty() && outcome.measures.is_empty());
    }
}

#[test]
fn the_page_is_the_last_response_and_the_cookies_are_of_all() {
    let site = Site::html(&[]).https(&[
        (
            "https://example.com/",
            Exchange::new(
                302,
                [
                    ("location", "/a"),
                    ("set-cookie", "sess=1"),
                    ("x-content-type-options", "x"),
                ],
            ),
        ),
        ("https://example.com/a", html(200, &[NOSNIFF])),
    ]);
    assert_eq!(site.mark("cookies").id, "cookies-session-without-secure-flag");
    assert_eq!(
        site.mark("x-content-type-options").id,
        "x-content-type-options-nosniff"
    );
    // What has ended goes with the next request that would carry it, and what is set anew takes its place.
    let chain = |first: &str, second: Headers<'_>| {
        let first = Exchange::new(302, [("location", "/a"), ("set-cookie", first)]);
        let hops = [
            ("https://example.com/", first),
            ("https://example.com/a", html(200, second)),
        ];
        Site::html(&[]).https(&hops).mark("cookies").id
    };
    assert_eq!(chain("sess=; Max-Age=0", &[]), "cookies-not-found");
    assert_eq!(
        chain("sess=; Max-Age=0; Path=/b", &[]),
        "cookies-session-without-secure-flag"
    );
    let anew = [("set-cookie", "sess=1; Secure; HttpOnly; SameSite=Lax")];
    assert_eq!(
        chain("sess=1", &anew),
        "cookies-secure-with-httponly-sessions-and-samesite"
    );
    assert_eq!(
        chain("sess=1; Path=/x", &anew),
        "cookies-session-without-secure-flag"
    );
}

#[test]
fn over_plain_http_the_page_is_judged_all_the_same() {
    let site = Site::plain(&[NONE, NOSNIFF]);
    // No https, and no redirect to it.
    assert_eq!(site.graded(), (60, "C+".into()));
    let loop_ = [
        ("http://example.com/", redirect("/a")),
        ("http://example.com/a", redirect("/")),
    ];
    let mut site = Site::plain(&[]).http(&loop_);
    site.0.https = None;
    assert_eq!(site.mark("redirection").id, "redirection-not-to-https");
}

#[test]
fn a_page_that_was_read_in_part_is_said_to_be() {
    let mut document = Document::new();
    document.title = "Shop".into();
    let evidence = |document: &Document| {
        let outcome = judge(&Site::holds(&[], document.clone()).0);
        outcome.evidence.last().map(|evidence| evidence.label.clone())
    };
    assert_eq!(evidence(&document).as_deref(), Some("response"));
    document.is_complete = false;
    assert_eq!(evidence(&document).as_deref(), Some("page"));
}

#[test]
fn each_finding_reads_well() {
    let outcome = judge(&Site::html(&[("set-cookie", "sess=1"), ("cross-origin-opener-policy", "x")]).0);
    assert_eq!(outcome.findings.len(), 12);
    for finding in &outcome.findings {
        assert_eq!(finding.evidence[0].label, "modifier");
        assert!(matches!(finding.status, Status::Pass | Status::Warn { .. }));
    }
    let csp = &outcome.findings[0];
    assert_eq!(
        (csp.code.as_str(), csp.evidence[0].value.as_str()),
        ("csp-not-implemented", "-25")
    );
    let corp = outcome
        .findings
        .iter()
        .find(|finding| finding.code == "corp-not-implemented")
        .unwrap();
    assert_eq!(
        (corp.status.clone(), corp.evidence[0].value.as_str()),
        (Status::Pass, "+0")
    );
    // The codes are the peer's; all else is worded as ours is.
    let faults: Vec<String> = faults_of_outcome(&outcome)
        .into_iter()
        .filter(|fault| !fault.contains("snake case"))
        .collect();
    assert!(faults.is_empty(), "{faults:?}");
}

#[test]
fn hostile_headers_are_judged() {
    const NAMES: [&str; 13] = [
        "access-control-allow-origin",
        "content-security-policy",
        "content-security-policy-report-only",
        "content-type",
        "cross-origin-embedder-policy",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
        "location",
        "referrer-policy",
        "set-cookie",
        "strict-transport-security",
        "x-content-type-options",
        "x-frame-options",
    ];
    for value in samples::hostile() {
        let page = Exchange::new(200, NAMES.map(|name| (name, value.as_slice())));
        let mut site = Site::page(page.clone());
        site.0.preflight = Some(page.into());
        assert_eq!(judge(&site.0).findings.len(), 12);
    }
}
