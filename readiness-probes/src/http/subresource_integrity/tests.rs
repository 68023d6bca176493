use proptest::prelude::*;
use readiness_core::{Status, Target, fact::Document, testing::Facts};
use serde_json::json;

use super::*;
use crate::{
    http::{Csp, Framing, Page, samples},
    live::read_document,
};

const SHA384: &str = "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC";

fn page(html: &str) -> Exchange {
    samples::html::<&str>(&[]).document(read_document(html.as_bytes()))
}

fn of(html: &str) -> Outcome {
    judge(
        &SubresourceIntegrity::default(),
        samples::looked(&page(&html.replace("DIGEST", SHA384))),
    )
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn what_comes_from_elsewhere_is_pinned() {
    for (html, wanted) in [
        ("<p>nothing", &[][..]),
        ("<script src=/a.js></script>", &[]),
        (
            "<script src=https://cdn.test/a.js integrity=DIGEST crossorigin></script>",
            &[],
        ),
        ("<script src=https://cdn.test/a.js></script>", &["no_integrity"]),
        (
            "<script src=https://cdn.test/a.js integrity=''></script>",
            &["no_integrity"],
        ),
        (
            "<script type=module src=https://cdn.test/a.js></script>",
            &["no_integrity"],
        ),
        (
            "<link rel=modulepreload href=https://cdn.test/a.js>",
            &["no_integrity"],
        ),
        (
            "<link rel=stylesheet href=https://cdn.test/a.css>",
            &["no_integrity"],
        ),
        // Modules are asked for with CORS in any case. HTML, section 8.1.4.2.
        (
            "<script type=module src=https://cdn.test/a.js integrity=DIGEST></script>",
            &[],
        ),
        (
            "<link rel=modulepreload href=https://cdn.test/a.js integrity=DIGEST>",
            &[],
        ),
        (
            "<script src=https://cdn.test/a.js integrity=DIGEST></script>",
            &["no_crossorigin"],
        ),
        (
            "<link rel=stylesheet href=https://cdn.test/a.css integrity=DIGEST>",
            &["no_crossorigin"],
        ),
        ("<script src=/a.js integrity=DIGEST></script>", &[]),
        (
            "<script src=https://cdn.test/a.js integrity=sha1-x crossorigin></script>",
            &["no_effect"],
        ),
        ("<script src=/a.js integrity=md5-x></script>", &["no_effect"]),
        (
            "<script src=/a.js integrity=sha256-x></script>",
            &["malformed_digest"],
        ),
        (
            "<script src=/a.js integrity=sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU></script>",
            &["unpadded_digest"],
        ),
        (
            "<script src=https://cdn.test/a.js integrity=sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU></script>",
            &["no_crossorigin", "unpadded_digest"],
        ),
        (
            "<script src=/a.js integrity='md5-x DIGEST'></script>",
            &["skipped_digest"],
        ),
        // What has no server, and what is no script.
        (
            "<script src=data:text/javascript,1></script><img src=https://cdn.test/a.png>",
            &[],
        ),
        ("<link rel=preload as=script href=https://cdn.test/a.js>", &[]),
    ] {
        assert_eq!(codes(&of(html)), wanted, "{html}");
    }
}

#[test]
fn scripts_fail_and_styles_warn() {
    assert!(of("<script src=https://cdn.test/a.js></script>").status.is_fail());
    assert!(
        of("<link rel=stylesheet href=https://cdn.test/a.css>")
            .status
            .is_warn()
    );
    assert!(of("<script src=/a.js integrity=md5-x></script>").status.is_warn());
    assert!(
        of("<link rel=stylesheet href=https://cdn.test/a.css integrity=md5-x crossorigin>")
            .status
            .is_warn()
    );
    let both = of(
        "<script src=https://a.test/1 integrity=DIGEST crossorigin></script><script src=https://b.test/2?v=1></script>",
    );
    assert_eq!(both.summary, "1 of 2 scripts and styles from elsewhere in order");
    assert_eq!(both.findings[0].subject, "script `https://b.test/2`");
    assert_eq!(of("").summary, "no script or style of another origin");
}

#[test]
fn an_origin_is_scheme_host_and_port() {
    // RFC 6454, section 5. The page is https://example.com/.
    for (source, is_foreign) in [
        ("/a.js", false),
        ("a.js", false),
        ("//example.com/a.js", false),
        ("https://example.com:443/a.js", false),
        ("https://EXAMPLE.com/a.js", false),
        ("https://example.com:8443/a.js", true),
        ("http://example.com/a.js", true),
        ("https://static.example.com/a.js", true),
        ("https://example.com./a.js", true),
        ("//cdn.test/a.js", true),
        ("https:\\\\cdn.test/a.js", true),
        ("\thttps://cdn.test/a.js\n", true),
        ("https:a.js", false),
    ] {
        let outcome = of(&format!("<script src=\"{source}\"></script>"));
        assert_eq!(outcome.status.is_fail(), is_foreign, "{source}");
    }
    let based = of("<base href=https://cdn.test/x/><script src=a.js></script>");
    assert_eq!(based.findings[0].subject, "script `https://cdn.test/x/a.js`");
    assert!(
        of("<base href=data:x,><script src=a.js></script>")
            .status
            .is_pass()
    );
}

#[test]
fn a_url_without_scheme_is_as_secure_as_its_page() {
    // MDN counts `//host` as insecure on an https page.
    let outcome = of("<script src=//cdn.test/a.js integrity=DIGEST crossorigin></script>");
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn a_policy_blocks_what_has_no_digest() {
    let judged = |policy: &str, html: &str| {
        let document = read_document(html.replace("DIGEST", SHA384).as_bytes());
        let exchange = samples::html(&[("integrity-policy", policy)]).document(document);
        judge(&SubresourceIntegrity::default(), samples::looked(&exchange))
    };
    let scripts = "blocked-destinations=(script)";
    for (policy, html, wanted) in [
        (scripts, "<script src=/a.js></script>", &["blocked_by_policy"][..]),
        (scripts, "<script src=/a.js integrity=DIGEST></script>", &[]),
        (
            scripts,
            "<script src=https://c.test/a integrity=DIGEST crossorigin></script>",
            &[],
        ),
        (
            scripts,
            "<script src=https://c.test/a></script>",
            &["no_integrity", "blocked_by_policy"],
        ),
        (
            scripts,
            "<script src=https://c.test/a integrity=DIGEST></script>",
            &["no_crossorigin", "blocked_by_policy"],
        ),
        (scripts, "<link rel=stylesheet href=/a.css>", &[]),
        (
            "blocked-destinations=(style)",
            "<link rel=stylesheet href=/a.css>",
            &["blocked_by_policy"],
        ),
        (
            "blocked-destinations=(script",
            "<script src=/a.js></script>",
            &["malformed_policy"],
        ),
    ] {
        assert_eq!(codes(&judged(policy, html)), wanted, "{policy}: {html}");
    }
}

#[test]
fn trusted_hosts_need_no_digest() {
    let settings: SubresourceIntegrity =
        serde_json::from_value(json!({ "trusted_hosts": ["JS.pay.test"] })).unwrap();
    settings.check().unwrap();
    let of = |html: &str| judge(&settings, samples::looked(&page(html)));
    assert!(
        of("<script src=https://js.pay.test/v3></script>")
            .status
            .is_pass()
    );
    assert!(
        of("<script src=https://x.js.pay.test/v3></script>")
            .status
            .is_fail()
    );
    for wrong in ["", "https://a", "*.a"] {
        let wrong: SubresourceIntegrity =
            serde_json::from_value(json!({ "trusted_hosts": [wrong] })).unwrap();
        assert!(wrong.check().is_err(), "{wrong:?}");
    }
}

#[test]
fn what_was_not_read_is_unknown() {
    let unread = judge(
        &SubresourceIntegrity::default(),
        samples::looked(&samples::html::<&str>(&[])),
    );
    assert!(unread.status.is_unknown(), "{unread:?}");
    let mut half = Document::new();
    half.is_complete = false;
    let outcome = judge(
        &SubresourceIntegrity::default(),
        samples::looked(&samples::html::<&str>(&[]).document(half)),
    );
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["not_read_to_its_end"]);
    let error = Exchange::new(404, [("content-type", "text/html")])
        .document(read_document(b"<script src=https://cdn.test/a.js></script>"));
    assert!(
        judge(&SubresourceIntegrity::default(), samples::looked(&error))
            .status
            .is_warn()
    );
    let json = Exchange::new(200, [("content-type", "application/json")]);
    assert!(
        judge(&SubresourceIntegrity::default(), samples::looked(&json))
            .status
            .is_not_applicable()
    );
}

#[test]
fn findings_are_capped() {
    let html: String = (0..200)
        .map(|n| format!("<script src=https://cdn.test/{n}.js></script>"))
        .collect();
    let outcome = of(&html);
    assert_eq!(outcome.findings.len(), MOST_FINDINGS + 1);
    assert!(outcome.findings[MOST_FINDINGS].message.starts_with("150 more"));
}

#[test]
fn row_18_an_api_needs_no_headers_of_pages() {
    // MDN gives a JSON API with HSTS and nosniff 55 points, for the want of what JSON has no use for.
    let target = Target::parse("https://example.com/").unwrap();
    let facts: Facts = samples::facts(
        "https://example.com/",
        &[
            ("content-type", "application/json"),
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
        ],
    );
    let probes: [&dyn Probe; 4] = [
        &Framing::default(),
        &Csp::default(),
        &SubresourceIntegrity::default(),
        &crate::http::NoMixedContent::default(),
    ];
    for probe in probes {
        let outcome = facts.judge(probe, &target);
        assert!(
            matches!(outcome.status, Status::NotApplicable { .. } | Status::Pass),
            "{}: {outcome:?}",
            probe.info().id
        );
    }
    let declared = SubresourceIntegrity {
        pages: Pages::new([Page::default().accept_status([1])]),
        ..SubresourceIntegrity::default()
    };
    assert!(declared.check().is_err());
}

proptest! {
    #[test]
    fn no_page_panics(html in "(<script src=|<link rel=stylesheet href=| integrity=| crossorigin|>|https:|//|[a-z\\[\\]@%: -]){0,60}") {
        let _ = of(&html);
    }
}
