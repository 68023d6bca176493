use proptest::prelude::*;
use readiness_core::{
    Target,
    fact::{Endpoint, HttpExchange},
};
use serde_json::json;

use super::*;
use crate::http::{Page, samples};

fn settings(login: &str) -> AuthenticationRequired {
    AuthenticationRequired {
        protected: Pages::new([Page::new("/admin")]),
        login: login.to_owned(),
    }
}

fn of(status: u16, headers: &[(&str, &str)]) -> Outcome {
    let exchange = Exchange::new(status, headers.iter().copied());
    judge(&settings("/login"), samples::looked(&exchange))
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn what_is_protected_says_no() {
    let basic = ("www-authenticate", "Basic realm=\"x\"");
    for (status, headers, wanted) in [
        (401, &[basic][..], &[][..]),
        (403, &[], &[]),
        (401, &[("www-authenticate", "Bearer"), basic], &[]),
        (401, &[], &["no_challenge"]),
        (401, &[("www-authenticate", "realm=x")], &["malformed_challenge"]),
        (401, &[("www-authenticate", "")], &["malformed_challenge"]),
        (401, &[("www-authenticate", "Basic")], &["no_realm"]),
        (
            401,
            &[("www-authenticate", "Digest realm=x")],
            &["no_nonce", "weak_digest"],
        ),
        (
            401,
            &[("www-authenticate", "Digest realm=x, nonce=y, algorithm=SHA-256")],
            &[],
        ),
        (200, &[], &["open"]),
        (204, &[], &["open"]),
        (206, &[basic], &["open"]),
    ] {
        assert_eq!(codes(&of(status, headers)), wanted, "{status} {headers:?}");
    }
    assert!(of(200, &[]).status.is_fail());
    assert!(of(403, &[]).status.is_pass());
    assert_eq!(of(401, &[basic]).summary, "HTTP 401, asks for basic");
}

#[test]
fn a_password_does_not_travel_in_clear() {
    let exchange = samples::plain(Exchange::new(401, [("www-authenticate", "Basic realm=x")]));
    let outcome = judge(&settings(""), samples::looked(&exchange));
    assert_eq!(codes(&outcome), ["basic_over_http"]);
    assert_eq!(outcome.findings[0].subject, "challenge `basic`");
    let bearer = samples::plain(Exchange::new(401, [("www-authenticate", "Bearer")]));
    assert!(judge(&settings(""), samples::looked(&bearer)).status.is_pass());
}

#[test]
fn other_answers_are_unknown() {
    for status in [304, 400, 404, 405, 429, 500, 503] {
        assert!(of(status, &[]).status.is_unknown(), "{status}");
    }
    assert!(of(403, &[("cf-mitigated", "challenge")]).status.is_unknown());
    let hidden = Page::new("/admin").accept_status([404]);
    let exchange = Exchange::new(404, [] as [(&str, &str); 0]);
    let outcome = judge(&settings(""), samples::looked(&exchange).declared(&hidden));
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn a_redirect_counts_where_it_is_said_to() {
    for (login, location, passes) in [
        ("/login", "/login", true),
        ("/login", "/login?next=[redacted]", true),
        ("/login", "/login/sso", true),
        ("/login", "https://example.com/login", true),
        ("/login", "/login-help", false),
        ("/login", "/admin/", false),
        ("/login", "https://evil.test/login", false),
        ("/login", "http://example.com/login", false),
        ("https://sso.test/", "https://sso.test/realms/x", true),
        ("https://sso.test/", "https://sso.test.evil.test/", false),
        ("https://example.com/", "/anything", false),
        ("https://example.com/login", "/login;x={run.0}", false),
        (
            "https://example.com/login",
            "/login/sso;x={run.0}?y={run.1}",
            true,
        ),
        ("", "/login", false),
        ("/login", "", false),
        ("/login", "http://[", false),
    ] {
        let exchange = Exchange::new(302, [("location", location)]);
        let outcome = judge(&settings(login), samples::looked(&exchange));
        assert_eq!(outcome.status.is_pass(), passes, "{login} {location}");
        assert_eq!(outcome.status.is_unknown(), !passes, "{login} {location}");
    }
}

#[test]
fn values_of_a_redirect_are_not_shown() {
    let location = "https://joe:s3cr3t@app.test/a;jsessionid=s3cr3t/{run.0a.1}?code=s3cr3t#t=s3cr3t";
    let exchange = Exchange::new(302, [("location", location)]);
    let shown = format!("{:?}", judge(&settings("/login"), samples::looked(&exchange)));
    assert!(
        !shown.contains("s3cr3t") && shown.contains("https://app.test/a;jsessionid=…/"),
        "{shown}"
    );
    let several = Exchange::new(302, [("location", "/login"), ("location", "/open")]);
    assert!(
        judge(&settings("/login"), samples::looked(&several))
            .status
            .is_unknown()
    );
}

#[test]
fn no_credential_is_ever_sent() {
    let target = Target::parse("https://joe:pw@example.com/admin?key=s3cr3t-value").unwrap();
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "example.com", true);
    let bare = HttpExchange::get(endpoint, "example.com", "/admin");
    let facts =
        samples::facts("https://example.com/", &[]).with(bare, Exchange::new(403, [] as [(&str, &str); 0]));
    let outcome = facts.judge(&settings(""), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let own = AuthenticationRequired {
        protected: Pages::new([Page::default()]),
        ..AuthenticationRequired::default()
    };
    assert!(facts.judge(&own, &target).status.is_pass());
    assert!(
        facts
            .judge(&AuthenticationRequired::default(), &target)
            .status
            .is_not_applicable()
    );
}

#[test]
fn settings_are_checked() {
    for (login, right) in [
        ("", true),
        ("/login", true),
        ("https://sso.test/", true),
        ("login", false),
        ("/", false),
        ("/?a=b", false),
        ("/.", false),
        ("/login/..", false),
        ("ftp://x", false),
        ("https://", false),
    ] {
        assert_eq!(settings(login).check().is_ok(), right, "{login}");
    }
    let wrong: AuthenticationRequired = serde_json::from_value(json!({ "protected": ["admin"] })).unwrap();
    assert!(wrong.check().unwrap_err().contains("`protected`"));
}

proptest! {
    #[test]
    fn no_bytes_panic(a in proptest::collection::vec(any::<u8>(), 0..99), status in 100_u16..600) {
        let exchange = Exchange::new(status, [("www-authenticate", a.clone()), ("location", a)]);
        let _ = judge(&settings("/login"), samples::looked(&exchange));
    }
}
