use proptest::prelude::*;
use readiness_core::{Profile, Status, Target, testing::Facts};

use super::*;
use crate::http::{Page, ResponseKind, samples};

mod chain;

/// Judges a page that leads nowhere.
fn judge(settings: &Cookies, looked: Looked<'_>, https_required: bool, now: Timestamp) -> Outcome {
    super::judge(settings, looked, &Chain::default(), https_required, now)
}

fn now() -> Timestamp {
    "2026-11-20T00:00:00Z".parse().unwrap()
}

fn at<V: AsRef<[u8]>>(host: &str, lines: &[V]) -> Outcome {
    let headers: Vec<_> = lines.iter().map(|line| ("set-cookie", line.as_ref())).collect();
    judge(
        &Cookies::default(),
        samples::looked(&samples::html(&headers)).by(&samples::key(host)),
        true,
        now(),
    )
}

fn codes(line: &str) -> Vec<String> {
    let outcome = at("app.example.com", &[line]);
    outcome.findings.into_iter().map(|finding| finding.code).collect()
}

const ALL: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

#[test]
fn what_a_cookie_needs_over_https() {
    for (line, wanted) in [
        ("theme=[redacted]; Secure", &[][..]),
        ("theme=[redacted]; secure", &[]),
        ("theme=[redacted]", &["no_secure"]),
        (
            "theme=[redacted]; Domain=secure.example.org",
            &["no_secure", "foreign_domain"],
        ),
        ("sid=[redacted]; Secure; HttpOnly; SameSite=Lax", &[]),
        ("sid=[redacted]; Secure; HttpOnly; SameSite=Strict", &[]),
        // Legitimate where other sites embed the service.
        ("sid=[redacted]; Secure; HttpOnly; SameSite=None", &[]),
        ("sid=[redacted]; Secure; HttpOnly", &["no_same_site"]),
        ("sid=[redacted]; Secure; SameSite=Lax", &["no_http_only"]),
        ("sid=[redacted]", &["no_secure", "no_http_only", "no_same_site"]),
        ("theme=[redacted]; Secure; SameSite=Maybe", &["unknown_same_site"]),
        (
            "theme=[redacted]; SameSite=None",
            &["no_secure", "same_site_none"],
        ),
        ("theme=[redacted]; Partitioned", &["no_secure", "partitioned"]),
        ("theme=[redacted]; Partitioned; Secure", &[]),
        ("XSRF-TOKEN=[redacted]; Secure", &[]),
        ("heroku-session-affinity=[redacted]; Secure", &[]),
        ("[redacted]; Secure", &[]),
        ("a=b\u{7f}", &["ignored"]),
    ] {
        assert_eq!(codes(line), wanted, "{line}");
    }
}

#[test]
fn prefixes_are_promises() {
    // RFC 6265bis, section 4.1.3; browsers compare them without regard to case.
    for (line, wanted) in [
        ("__Host-id=x; Path=/; Secure", &[][..]),
        ("__Host-id=x; Secure", &["broken_prefix"]),
        ("__Host-id=x; Path=/a; Secure", &["broken_prefix"]),
        (
            "__Host-id=x; Path=/; Secure; Domain=example.com",
            &["broken_prefix"],
        ),
        ("__Host-id=x; Path=/; Secure; Domain=", &[]),
        ("__host-id=x; Secure", &["broken_prefix"]),
        ("__HOST-id=x; Path=/; Secure", &[]),
        ("__Host-id=x; Path=/", &["no_secure", "broken_prefix"]),
        ("__Secure-id=x; Secure", &[]),
        ("__Secure-id=x", &["no_secure", "broken_prefix"]),
        ("__SeCuRe-id=x; Secure; Domain=example.com", &[]),
        ("__Hostid=x; Secure", &[]),
        ("_Host-id=x; Secure", &[]),
    ] {
        assert_eq!(codes(line), wanted, "{line}");
    }
}

#[test]
fn the_domain_must_hold_the_host() {
    for (host, domain, wanted) in [
        ("app.example.com", "app.example.com", None),
        ("app.example.com", "example.com", None),
        ("app.example.com", ".Example.com", None),
        ("app.example.com", "com", Some("public_suffix")),
        ("shop.example.co.uk", "co.uk", Some("public_suffix")),
        ("me.github.io", "github.io", Some("public_suffix")),
        // A host that is a public suffix itself may name itself.
        ("github.io", "github.io", None),
        ("app.example.com", "other.com", Some("foreign_domain")),
        ("app.example.com", "x.app.example.com", Some("foreign_domain")),
        ("app.example.com", "ple.com", Some("foreign_domain")),
        ("app.example.com", "example.com.", Some("foreign_domain")),
        ("192.0.2.1", "2.1", Some("foreign_domain")),
        ("192.0.2.1", "192.0.2.1", None),
        ("db.internal-corp", "internal-corp", None),
    ] {
        let outcome = at(host, &[format!("a=b; Secure; Domain={domain}")]);
        let found = outcome.findings.first().map(|finding| finding.code.as_str());
        assert_eq!(found, wanted, "{domain} from {host}");
    }
}

#[test]
fn deletions_are_left_aside() {
    let past = "sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
    for line in [
        past,
        "sid=; Max-Age=0",
        "sid=[redacted]; Max-Age=-1",
        "__Host-sid=; Max-Age=0",
    ] {
        let outcome = at("example.com", &[line]);
        assert_eq!(outcome.summary, "the response only deletes cookies", "{line}");
        assert!(outcome.status.is_not_applicable());
    }
    assert!(at("example.com", &["sid=; Max-Age=60"]).status.is_fail());
    assert!(
        at("example.com", &[past, &format!("sid=[redacted]; {ALL}")])
            .status
            .is_pass()
    );
}

#[test]
fn without_cookies_it_does_not_apply() {
    let outcome = at::<&str>("example.com", &[]);
    assert!(outcome.status.is_not_applicable());
    assert_eq!(outcome.summary, "the response sets no cookie");
}

#[test]
fn a_gate_shows_its_own_cookies() {
    let judge = |settings: &Cookies, lines: &[&str]| {
        let headers = lines.iter().map(|line| ("set-cookie", *line));
        let exchange = Exchange::new(403, headers);
        let page = settings.pages.iter().next().unwrap();
        judge(settings, samples::looked(&exchange).declared(page), true, now())
    };
    let unknown = Status::unknown(Reason::UNEXPECTED_RESPONSE);
    let open = Cookies::default();
    assert_eq!(judge(&open, &[]).status, unknown);
    assert_eq!(judge(&open, &["a=b; Secure"]).status, unknown);
    assert!(judge(&open, &["a=b"]).status.is_fail());
    let declared = Cookies {
        pages: Pages::new([Page::default().accept_status([403])]),
        ..Cookies::default()
    };
    assert!(judge(&declared, &["a=b; Secure"]).status.is_pass());
    assert!(judge(&declared, &[]).status.is_not_applicable());
    let kind = Cookies {
        pages: Pages::new([Page::default().kind(ResponseKind::Error)]),
        ..Cookies::default()
    };
    assert!(judge(&kind, &[]).status.is_not_applicable());
}

#[test]
fn every_kind_of_response_is_judged() {
    for (status, content_type) in [
        (200, "application/json"),
        (302, ""),
        (404, "text/html"),
        (200, "text/css"),
    ] {
        let headers = [
            ("content-type", content_type),
            ("location", "/"),
            ("set-cookie", "sid=x"),
        ];
        let exchange = Exchange::new(status, headers);
        let outcome = judge(
            &Cookies::default(),
            samples::looked(&exchange).by(&samples::key("example.com")),
            true,
            now(),
        );
        assert!(outcome.status.is_fail(), "{status}");
    }
}

#[test]
fn plain_http_is_judged_by_the_profile() {
    let of = |host: &str, line: &str, https_required| {
        let exchange = samples::plain(samples::html(&[("set-cookie", line)]));
        let outcome = judge(
            &Cookies::default(),
            samples::looked(&exchange).by(&samples::key(host)),
            https_required,
            now(),
        );
        outcome
            .findings
            .into_iter()
            .map(|finding| finding.code)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("example.com", "a=b; Secure", true), ["secure_over_http"]);
    assert_eq!(of("example.com", "a=b", true), ["no_secure"]);
    assert!(of("db.local", "a=b", false).is_empty());
    for host in ["localhost", "app.localhost", "127.0.0.1", "::1"] {
        assert!(of(host, "a=b; Secure", false).is_empty(), "{host}");
    }
}

#[test]
fn declared_and_ignored_names() {
    let of = |settings: &Cookies, line: &str| {
        let exchange = samples::html(&[("set-cookie", line)]);
        judge(
            settings,
            samples::looked(&exchange).by(&samples::key("example.com")),
            true,
            now(),
        )
        .status
    };
    let line = "basket=x; Secure; SameSite=Lax";
    assert!(of(&Cookies::default(), line).is_pass());
    let declared = Cookies {
        session_names: vec!["basket".into()],
        ..Cookies::default()
    };
    assert!(of(&declared, line).is_fail());
    let ignored = Cookies {
        ignore_names: vec!["sid".into()],
        ..Cookies::default()
    };
    assert!(of(&ignored, "sid=x").is_not_applicable());
    assert!(declared.check().is_ok());
    assert!(
        Cookies {
            ignore_names: vec![String::new()],
            ..Cookies::default()
        }
        .check()
        .is_err()
    );
}

#[test]
fn the_probe_judges_the_targets_own_path() {
    let target = Target::parse("https://example.com/").unwrap();
    let headers = [
        ("set-cookie", "sid=[redacted]; Secure; HttpOnly"),
        ("set-cookie", "theme=[redacted]"),
    ];
    let outcome = samples::facts("https://example.com/", &headers).judge(&Cookies::default(), &target);
    assert_eq!(outcome.summary, "2 of 2 cookies have faults");
    assert_eq!(outcome.findings[0].subject, "cookie `theme`");
    assert!(outcome.status.is_fail());

    let inner = Target::parse("http://printer.local/").unwrap();
    let facts: Facts = samples::facts("http://printer.local/", &[("set-cookie", "lang=[redacted]")]);
    assert!(facts.clone().judge(&Cookies::default(), &inner).status.is_pass());
    let strict = facts.profile(Profile::production());
    assert!(strict.judge(&Cookies::default(), &inner).status.is_fail());
}

#[test]
fn a_thousand_cookies_make_few_findings() {
    let lines: Vec<String> = (0..1000).map(|i| format!("session{i}=[redacted]")).collect();
    let outcome = at("example.com", &lines);
    assert_eq!(outcome.summary, "1000 of 1000 cookies have faults");
    assert_eq!(outcome.findings.len(), MOST_FINDINGS + 1);
    assert!(outcome.findings.last().unwrap().message.contains("2950 more"));
    let same = at("example.com", &vec!["sid=[redacted]"; 1000]);
    let codes: Vec<&str> = same
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    assert_eq!(codes, ["no_secure", "no_http_only", "no_same_site", "set_again"]);
}

#[test]
fn hostile_lines_do_not_panic() {
    for line in samples::hostile() {
        let outcome = at("example.com", &[line.clone(), [b"sid=x;", &line[..]].concat()]);
        assert!(outcome.status.is_fail());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..99), host in "\\PC{0,20}") {
        let _ = at(&host, &[line]);
    }
}

#[test]
fn a_session_does_not_last_for_ever() {
    for (line, wanted) in [
        ("sid=x; Max-Age=7775999", &[][..]),
        ("sid=x; Max-Age=7776000", &[]),
        ("sid=x; Max-Age=7776001", &["long_session"]),
        ("sid=x; Expires=Thu, 18 Feb 2027 00:00:00 GMT", &[]),
        ("sid=x; Expires=Thu, 18 Feb 2027 00:00:01 GMT", &["long_session"]),
        ("sid=x", &[]),
        ("theme=x; Max-Age=31536000", &[]),
        ("theme=x; Max-Age=34560000", &[]),
        ("theme=x; Max-Age=34560001", &["capped_life"]),
        (
            "sid=x; Max-Age=99999999999999999999",
            &["long_session", "capped_life"],
        ),
    ] {
        let line = format!("{line}; {ALL}");
        let found = codes(&line);
        assert_eq!(found, wanted, "{line}");
    }
    let outcome = at("example.com", &[format!("sid=x; Max-Age=7776001; {ALL}")]);
    assert!(outcome.status.is_warn());
    assert_eq!(
        outcome.findings[0].message,
        "it lasts 91 days, expected a session to last at most 90"
    );
    let settings = Cookies {
        max_session_days: 91,
        ..Cookies::default()
    };
    let exchange = samples::html(&[("set-cookie", format!("sid=x; Max-Age=7776001; {ALL}"))]);
    assert!(
        judge(&settings, samples::looked(&exchange), true, now())
            .findings
            .is_empty()
    );
}

#[test]
fn what_is_worth_knowing_is_noted() {
    for (line, wanted) in [
        ("theme=x; Secure; HttpOnly; http-only", "unknown_attribute"),
        ("theme=x; Secure; SameSite: Lax", "unknown_attribute"),
        (
            "theme=x; Secure; SameSite=Lax; samesite=Lax",
            "repeated_attribute",
        ),
        (
            "sid=x; Domain=example.com; Secure; HttpOnly; SameSite=Lax",
            "wide_domain",
        ),
    ] {
        let outcome = at("app.example.com", &[line]);
        assert_eq!(outcome.findings[0].code, wanted, "{line}");
        assert!(outcome.status.is_pass(), "{line}");
    }
    let twice = at("example.com", &["a=1; Secure; Path=/", "a=2; Secure; Path=/"]);
    assert_eq!(
        (twice.findings[0].code.as_str(), twice.findings.len()),
        ("set_again", 1)
    );
    // Another path is another cookie. RFC 6265bis, section 5.7.
    let apart = at("example.com", &["a=1; Secure; Path=/", "a=2; Secure; Path=/x"]);
    assert!(apart.findings.is_empty());
}

#[test]
fn the_attributes_stand_in_the_evidence_and_the_value_does_not() {
    let outcome = at("example.com", &["sid=s3cr3t; Path=/app; HttpOnly; SameSite=Lax"]);
    let evidence = &outcome.findings[0].evidence[0];
    assert_eq!(
        (evidence.label.as_str(), evidence.value.as_str()),
        ("Set-Cookie", "sid=…; Path=/app; HttpOnly; SameSite=Lax")
    );
    assert!(!format!("{outcome:?}").contains("s3cr3t"));
}

#[test]
fn cookies_of_load_balancers_are_noted() {
    let line = "AWSALB=x; Expires=Fri, 27 Nov 2026 00:00:00 GMT; Path=/";
    let outcome = at("example.com", &[line]);
    assert!(outcome.status.is_pass());
    assert_eq!(outcome.findings[0].code, "no_secure");
    let judged = |settings: Cookies| {
        let exchange = samples::html(&[("set-cookie", line)]);
        judge(&settings, samples::looked(&exchange), true, now()).status
    };
    assert!(
        judged(Cookies {
            judge_balancers: true,
            ..Cookies::default()
        })
        .is_fail()
    );
    assert!(
        judged(Cookies {
            session_names: vec!["AWSALB".into()],
            ..Cookies::default()
        })
        .is_fail()
    );
    let ignored = Cookies {
        ignore_names: vec!["AWSALB".into()],
        ..Cookies::default()
    };
    assert!(judged(ignored).is_not_applicable());
}

#[test]
fn more_settings_are_checked() {
    for (max_session_days, max_hops, right) in
        [(1, 0, true), (0, 5, false), (u32::MAX, 20, true), (90, 21, false)]
    {
        let settings = Cookies {
            max_session_days,
            max_hops,
            ..Cookies::default()
        };
        assert_eq!(settings.check().is_ok(), right, "{max_session_days} {max_hops}");
    }
}
