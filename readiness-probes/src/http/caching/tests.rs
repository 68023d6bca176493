use proptest::prelude::*;
use readiness_core::{
    Target,
    fact::{Endpoint, HttpExchange},
};
use serde_json::json;

use super::*;
use crate::http::{Page, samples};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);

fn of(role: Role, status: u16, headers: &[(&str, &str)]) -> Outcome {
    let exchange = Exchange::new(status, headers.iter().copied());
    judge(&Caching::default(), samples::looked(&exchange), role, NOW)
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

#[test]
fn a_sensitive_response_is_not_stored() {
    for (headers, wanted) in [
        (&[("cache-control", "no-store")][..], &[][..]),
        (
            &[("cache-control", "private"), ("cache-control", "NO-STORE")],
            &[],
        ),
        (&[("cache-control", "no-store, max-age=0")], &[]),
        (&[], &["may_be_stored"]),
        (&[("pragma", "no-cache"), ("expires", "0")], &["may_be_stored"]),
        (&[("cache-control", "private, no-cache")], &["may_be_stored"]),
        (
            &[("cache-control", "no-store, must-understand")],
            &["may_be_stored"],
        ),
        (&[("cache-control", "nostore")], &["may_be_stored", "misspelt"]),
        (&[("cache-control", "no store")], &["may_be_stored", "malformed"]),
        (
            &[("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")],
            &["stored_by_cdn"],
        ),
        (
            &[("cache-control", "no-store"), ("cdn-cache-control", "no-store")],
            &[],
        ),
    ] {
        assert_eq!(codes(&of(Role::Sensitive, 200, headers)), wanted, "{headers:?}");
    }
    assert!(of(Role::Sensitive, 403, &[]).status.is_unknown());
    assert!(of(Role::Sensitive, 200, &[]).status.is_fail());
    assert_eq!(
        of(Role::Sensitive, 200, &[("cache-control", "no-store")]).summary,
        "stored by no cache (HTTP 200)"
    );
}

#[test]
fn a_session_does_not_get_into_shared_caches() {
    let cookie = ("set-cookie", "sid=[redacted]; Secure; HttpOnly");
    for (status, headers, wanted) in [
        (
            200,
            &[cookie, ("cache-control", "public, max-age=600")][..],
            &["session_stored"][..],
        ),
        (
            200,
            &[cookie, ("cache-control", "max-age=600")],
            &["session_stored"],
        ),
        (
            200,
            &[cookie, ("cache-control", "s-maxage=1, max-age=0")],
            &["session_stored"],
        ),
        (200, &[cookie, ("cache-control", "public")], &["session_stored"]),
        (302, &[cookie, ("cache-control", "public")], &["session_stored"]),
        (
            200,
            &[cookie, ("expires", "Sat, 20 Nov 2027 00:00:00 GMT")],
            &["session_stored"],
        ),
        (200, &[cookie, ("expires", "Thu, 01 Jan 1970 00:00:00 GMT")], &[]),
        (200, &[cookie, ("expires", "0")], &[]),
        (200, &[cookie], &["session_may_be_stored"]),
        // RFC 9110, section 15.1: a 302 is stored where something says so, and else not.
        (302, &[cookie], &[]),
        (200, &[cookie, ("cache-control", "no-store")], &[]),
        (200, &[cookie, ("cache-control", "private, max-age=60")], &[]),
        (
            200,
            &[cookie, ("cache-control", "private=\"set-cookie\", max-age=60")],
            &[],
        ),
        // RFC 9111, section 5.2.2.7: with names it is about those alone.
        (
            200,
            &[cookie, ("cache-control", "private=\"x-user\", max-age=60")],
            &["session_stored"],
        ),
        (
            200,
            &[cookie, ("cache-control", "no-cache=\"set-cookie\", max-age=60")],
            &[],
        ),
        // RFC 9213, section 2.1: a CDN goes by its own header, and others do not.
        (
            200,
            &[
                cookie,
                ("cache-control", "no-store"),
                ("cdn-cache-control", "max-age=60"),
            ],
            &["session_stored"],
        ),
        (
            200,
            &[
                cookie,
                ("cache-control", "private"),
                ("cdn-cache-control", "public"),
            ],
            &["session_stored"],
        ),
        (
            200,
            &[
                cookie,
                ("cache-control", "max-age=60"),
                ("cdn-cache-control", "no-store"),
            ],
            &["session_stored"],
        ),
        (
            200,
            &[
                cookie,
                ("cache-control", "no-store"),
                ("cdn-cache-control", "private"),
            ],
            &[],
        ),
        (
            200,
            &[
                cookie,
                ("cache-control", "no-store"),
                ("cdn-cache-control", "max-age=0"),
            ],
            &[],
        ),
        // Section 2.2: what is empty or no dictionary is as if it were not there.
        (
            200,
            &[cookie, ("cache-control", "no-store"), ("cdn-cache-control", "")],
            &[],
        ),
        (
            200,
            &[
                cookie,
                ("cache-control", "no-store"),
                ("cdn-cache-control", "max-age=60 x"),
            ],
            &[],
        ),
        (200, &[cookie, ("cache-control", "no-cache")], &[]),
        (
            200,
            &[cookie, ("cache-control", "max-age=0, must-revalidate")],
            &[],
        ),
        (200, &[cookie, ("cache-control", "max-age=60, s-maxage=0")], &[]),
        (
            200,
            &[
                cookie,
                ("cache-control", "max-age=1"),
                ("set-cookie", "sid=[redacted]"),
            ],
            &["session_stored"],
        ),
    ] {
        assert_eq!(
            codes(&of(Role::Other, status, headers)),
            wanted,
            "{status} {headers:?}"
        );
    }
    for other in [
        ("set-cookie", "theme=[redacted]"),
        ("set-cookie", "sid=; Max-Age=0"),
        ("x", "y"),
    ] {
        let outcome = of(Role::Other, 200, &[other, ("cache-control", "public, max-age=9")]);
        assert!(outcome.status.is_not_applicable(), "{other:?}");
    }
}

#[test]
fn what_needs_a_credential_is_stored_only_where_it_is_allowed() {
    // RFC 9111, section 3.5.
    let key = samples::key("example.com").credential(Some("api".to_owned()));
    for (control, stored) in [
        ("max-age=60", false),
        ("max-age=60, public", true),
        ("max-age=60, must-revalidate", true),
        ("s-maxage=60", true),
    ] {
        let exchange = Exchange::new(200, [("set-cookie", "sid=x"), ("cache-control", control)]);
        let outcome = judge(
            &Caching::default(),
            samples::looked(&exchange).by(&key),
            Role::Other,
            NOW,
        );
        assert_eq!(outcome.status.is_fail(), stored, "{control}");
    }
}

#[test]
fn logging_out_clears_the_browser() {
    for (value, wanted) in [
        (Some("\"cookies\", \"storage\""), &[][..]),
        (Some("\"*\""), &[]),
        (Some("\"cache\",\"storage\",\"cookies\""), &[]),
        (Some("cookies, storage"), &["clears_too_little"]),
        (Some("*"), &["clears_too_little"]),
        (Some("\"cookies\""), &["clears_too_little"]),
        (Some("\"Cookies\", \"storage\""), &["clears_too_little"]),
        (Some(""), &["clears_too_little"]),
        (None, &["no_clear_site_data"]),
    ] {
        let headers: Vec<_> = value
            .map(|value| ("clear-site-data", value))
            .into_iter()
            .collect();
        let outcome = of(Role::Logout, 302, &headers);
        assert_eq!(codes(&outcome), wanted, "{value:?}");
        assert_eq!(outcome.status.is_fail(), !wanted.is_empty());
    }
    assert!(of(Role::Logout, 405, &[]).status.is_unknown());
    let plain = samples::plain(Exchange::new(200, [("clear-site-data", "\"*\"")]));
    let outcome = judge(&Caching::default(), samples::looked(&plain), Role::Logout, NOW);
    assert!(outcome.status.is_fail());
}

#[test]
fn each_page_has_its_role_and_nobody_is_logged_out() {
    let target = Target::parse("https://example.com/")
        .unwrap()
        .with_credential("api");
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "example.com", true);
    let at = |path: &str| HttpExchange::get(endpoint.clone(), "example.com", path);
    let facts = samples::facts("https://example.com/", &[])
        .with(
            at("/account").credential(Some("api".to_owned())),
            Exchange::new(200, [("cache-control", "no-store")]),
        )
        .with(at("/logout"), Exchange::new(302, [("clear-site-data", "\"*\"")]));
    let settings: Caching =
        serde_json::from_value(json!({ "sensitive": ["/account"], "logout": ["/logout"] })).unwrap();
    settings.check().unwrap();
    let outcome = facts.judge(&settings, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let own = facts.judge(
        &Caching::default(),
        &Target::parse("https://example.com/").unwrap(),
    );
    assert!(own.status.is_not_applicable(), "{own:?}");
    let wrong = Caching {
        sensitive: Pages::new([Page::new("account")]),
        ..Caching::default()
    };
    assert!(wrong.check().unwrap_err().contains("`sensitive`"));
    let wrong: Caching = serde_json::from_value(json!({ "session_names": [""] })).unwrap();
    assert!(wrong.check().is_err());
}

proptest! {
    #[test]
    fn no_bytes_panic(a in proptest::collection::vec(any::<u8>(), 0..99), b in ".{0,50}", status in 100_u16..600) {
        let exchange = Exchange::new(status, [
            ("cache-control", a.clone()), ("cdn-cache-control", a.clone()), ("clear-site-data", a.clone()),
            ("set-cookie", b.clone().into_bytes()), ("expires", a), ("set-cookie", b"sid=x".to_vec()),
        ]);
        for role in [Role::Logout, Role::Other, Role::Sensitive] {
            let _ = judge(&Caching::default(), samples::looked(&exchange), role, NOW);
        }
    }
}
