use proptest::prelude::*;
use readiness_core::{Target, fact::Document, testing::Facts};
use serde_json::json;

use super::*;
use crate::http::samples;

fn settings(value: Value) -> Content {
    let settings: Content = serde_json::from_value(value).unwrap();
    settings.check().unwrap();
    settings
}

fn page(body: &str) -> Exchange {
    let mut document = Document::new();
    document.title = "Shop".to_owned();
    samples::html(&[("x-release", "2026.11"), ("vary", "Origin"), ("vary", "Cookie")])
        .body(body)
        .document(document)
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn every_assertion_is_evaluated_and_told() {
    let right = settings(json!({
        "title": " Shop ",
        "contains": ["Welcome", "é"],
        "not_contains": ["Exception"],
        "headers": [
            { "name": "X-Release", "equals": "2026.11" },
            { "name": "vary", "contains": "Origin, Cookie" },
            { "name": "server", "exists": false },
        ],
    }));
    let outcome = judge(&right, &page("<p>Welcome, é"));
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, "8 of 8 assertions hold");
    let wrong = settings(json!({
        "expect_status": [201],
        "title": "Other",
        "contains": ["welcome"],
        "not_contains": ["Welcome"],
        "headers": [
            { "name": "x-release", "equals": "2026.12" },
            { "name": "x-release", "contains": "12" },
            { "name": "x-release", "exists": false },
            { "name": "server" },
        ],
        "assert": [{ "pointer": "/a", "exists": true }],
    }));
    let outcome = judge(&wrong, &page("<p>Welcome"));
    assert!(outcome.status.is_fail());
    assert_eq!(
        codes(&outcome),
        [
            "unexpected_status",
            "different",
            "lacks",
            "holds_unwanted",
            "different",
            "lacks",
            "present",
            "missing",
            "not_json"
        ]
    );
    assert!(outcome.findings.iter().all(|finding| !finding.remedy.is_empty()));
    assert_eq!(outcome.findings[1].message, "expected `Other`, found `Shop`");
}

#[test]
fn json_is_asserted_as_http_json_does_it() {
    let settings = settings(json!({ "assert": [
        { "pointer": "/status", "equals": "ok" },
        { "pointer": "/nodes", "at_least": 3 },
    ] }));
    let of = |body: &str| {
        judge(
            &settings,
            &Exchange::new(200, [("content-type", "application/json")]).body(body),
        )
    };
    assert!(of(r#"{"status":"ok","nodes":3}"#).status.is_pass());
    assert_eq!(
        codes(&of(r#"{"status":"down","nodes":2}"#)),
        ["status", "different", "too_small"]
    );
    assert!(of(&"[".repeat(100_000)).status.is_fail());
}

#[test]
fn what_was_not_seen_is_unknown() {
    let texts = settings(json!({ "contains": ["a"], "not_contains": ["b"] }));
    let cut = |body: &str| {
        let mut page = page(body);
        page.body_complete = false;
        judge(&texts, &page)
    };
    assert_eq!(codes(&cut("a")), ["status", "holds", "not_read_to_its_end"]);
    assert_eq!(
        codes(&cut("c")),
        ["status", "not_read_to_its_end", "not_read_to_its_end"]
    );
    assert!(cut("b").status.is_fail(), "what is seen is seen");
    let titled = settings(json!({ "title": "x" }));
    assert!(
        judge(&titled, &Exchange::new(200, [("content-type", "text/plain")]))
            .status
            .is_unknown()
    );
    for status in [401, 403, 429] {
        let exchange = Exchange::new(status, [("a", "b")]);
        assert!(judge(&titled, &exchange).status.is_unknown(), "{status}");
    }
    let forbidden = settings(json!({ "expect_status": [403] }));
    assert!(
        judge(&forbidden, &Exchange::new(403, [("a", "b")]))
            .status
            .is_pass()
    );
    assert!(
        judge(&forbidden, &Exchange::new(200, [("a", "b")]))
            .status
            .is_fail()
    );
    let challenge = Exchange::new(403, [("cf-mitigated", "challenge")]);
    assert!(judge(&forbidden, &challenge).status.is_unknown());
}

#[test]
fn settings_that_could_not_fail_are_errors() {
    for (value, said) in [
        (json!({}), "nothing is asserted"),
        (
            json!({ "path": "about", "contains": ["x"] }),
            "must begin with `/`",
        ),
        (json!({ "path": "/a b", "contains": ["x"] }), "a space"),
        (json!({ "path": "/a?k=v", "contains": ["x"] }), "may be secret"),
        (json!({ "contains": [""] }), "an empty text"),
        (
            json!({ "contains": ["x"], "not_contains": ["x"] }),
            "and must not",
        ),
        (json!({ "headers": [{ "name": "a b" }] }), "no header can have"),
        (json!({ "headers": [{}] }), "no header can have"),
        (
            json!({ "headers": [{ "name": "a", "exists": false, "equals": "b" }] }),
            "must not exist",
        ),
        (
            json!({ "assert": [{ "pointer": "/a" }] }),
            "nothing is asserted of `/a`",
        ),
    ] {
        let settings: Content = serde_json::from_value(value.clone()).unwrap();
        let error = settings.check().unwrap_err();
        assert!(error.contains(said), "{value}: {error}");
    }
    assert!(serde_json::from_value::<Content>(json!({ "regex": "x" })).is_err());
    let built = HeaderAssertion::exists("a").equals("b").contains("b");
    assert!(built.check().is_ok());
}

#[test]
fn a_body_is_kept_only_where_something_is_asserted_of_it() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts: Facts = samples::facts("https://example.com/", &[("x-release", "1")]);
    let of_headers = settings(json!({ "headers": [{ "name": "x-release" }] }));
    assert!(facts.judge(&of_headers, &target).status.is_pass());
    let of_body = settings(json!({ "contains": ["x"] }));
    assert!(facts.judge(&of_body, &target).status.is_unknown());
    let kept = facts.with(samples::key("example.com").keep_body(MOST_BODY_BYTES), page("x"));
    assert!(kept.judge(&of_body, &target).status.is_pass());
    let tcp = Target::parse("tcp://db.example.com:1").unwrap();
    assert!(kept.judge(&of_body, &tcp).status.is_not_applicable());
}

proptest! {
    #[test]
    fn no_body_panics(body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let settings = settings(json!({ "contains": ["a"], "assert": [{ "pointer": "/a", "exists": true }] }));
        let _ = judge(&settings, &Exchange::new(200, [("a", "b")]).body(body));
    }
}
