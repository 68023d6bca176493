use readiness_core::{
    Evidence, Reason, Status, Target,
    fact::{DnsAnswer, DnsLookup, Endpoint, Exchange, Family, LocalRoute, Route},
    testing::Facts,
};
use serde_json::json;

use super::*;
use crate::http::health::judge;

const NOW: &str = "2026-11-20T08:00:00Z";

fn judge(exchange: &Exchange, settings: &HttpHealth) -> Outcome {
    let at = Circumstances {
        now: NOW.parse().unwrap(),
        is_public: true,
        has_login: false,
    };
    judge::judge(exchange, settings, &at)
}

fn answer(status: u16, content_type: &str, body: &str) -> Exchange {
    let headers = [("content-type", content_type), ("cache-control", "no-store")];
    let mut exchange = Exchange::new(status, headers).body(body);
    exchange.total_us = 12_300;
    exchange
}

fn settings() -> HttpHealth {
    HttpHealth {
        path: "/healthz".into(),
        ..HttpHealth::default()
    }
}

fn judged(status: u16, body: &str) -> Outcome {
    judge(&answer(status, "application/json", body), &settings())
}

/// Status, code and subject of what is more than a note.
fn faults(outcome: &Outcome) -> Vec<(&str, &str, &str)> {
    outcome
        .findings
        .iter()
        .filter(|finding| !finding.is_note())
        .map(|finding| {
            assert!(!finding.remedy.is_empty(), "{} has no remedy", finding.code);
            (
                finding.status.word(),
                finding.code.as_str(),
                finding.subject.as_str(),
            )
        })
        .collect()
}

#[test]
fn a_healthy_service_passes_and_is_shown() {
    let body = r#"{"status":"UP","components":{"db":{"status":"UP"},"cache":{"status":"UP"}}}"#;
    let outcome = judged(200, body);
    assert!(outcome.status.is_pass());
    assert_eq!(outcome.summary, "HTTP 200 in 13 ms, says `UP` with 2 components");
    let subjects: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| finding.subject.as_str())
        .collect();
    assert_eq!(subjects, ["component cache", "component db"]);
    assert!(
        outcome
            .evidence
            .iter()
            .any(|evidence| evidence.value == "Spring Boot")
    );
    assert_eq!(outcome.measures.len(), 1);
    for (status, body) in [(200, ""), (204, ""), (200, "ok"), (200, "all is well")] {
        assert!(
            judge(&answer(status, "text/plain", body), &settings())
                .status
                .is_pass()
        );
    }
    assert_eq!(judged(204, "").summary, "HTTP 204 in 13 ms");
}

#[test]
fn each_component_is_judged() {
    let body = r#"{"status":"DOWN","components":{"db":{"status":"DOWN"},"mail":{"status":"UNKNOWN"},"disk":{"status":"UP"}}}"#;
    let outcome = judged(503, body);
    assert_eq!(
        faults(&outcome),
        [
            ("fail", "unhealthy", ""),
            ("fail", "component_down", "component db"),
            ("unknown", "component_unknown", "component mail"),
        ]
    );
    assert_eq!(outcome.summary, "HTTP 503 in 13 ms, says `DOWN` (db)");
    // A service that is well does not fail by a part it does not count.
    let well = judged(
        200,
        r#"{"status":"UP","components":{"mail":{"status":"UNKNOWN"}}}"#,
    );
    assert!(well.status.is_pass());
    assert_eq!(well.findings[0].code, "component_uncounted");
    let degraded = judged(200, r#"{"status":"warn","checks":{"a":[{"status":"warn"}]}}"#);
    assert_eq!(
        faults(&degraded),
        [
            ("warn", "degraded", ""),
            ("warn", "component_degraded", "component a")
        ]
    );
}

#[test]
fn contradictions_warn() {
    for (status, body, expected) in [
        (
            503,
            r#"{"status":"UP"}"#,
            vec![("fail", "unexpected_status"), ("warn", "status_code_mismatch")],
        ),
        (
            200,
            r#"{"status":"DOWN"}"#,
            vec![("fail", "unhealthy"), ("warn", "status_code_mismatch")],
        ),
        (
            200,
            r#"{"status":"UP","components":{"db":{"status":"DOWN"}}}"#,
            vec![("fail", "component_down"), ("warn", "aggregate_mismatch")],
        ),
        (503, r#"{"status":"DOWN"}"#, vec![("fail", "unhealthy")]),
        (
            200,
            r#"{"status":"UNKNOWN"}"#,
            vec![("unknown", "health_unknown")],
        ),
        (
            500,
            r#"{"status":"UP","checks":[]}"#,
            vec![("unknown", "undetermined"), ("warn", "status_code_mismatch")],
        ),
    ] {
        let outcome = judged(status, body);
        let codes: Vec<_> = faults(&outcome)
            .into_iter()
            .map(|(word, code, _)| (word, code))
            .collect();
        assert_eq!(codes, expected, "{status} {body}");
    }
}

#[test]
fn an_html_page_fails() {
    let outcome = judge(
        &answer(200, "text/html", "<!doctype html><title>Shop</title>"),
        &settings(),
    );
    assert_eq!(faults(&outcome), [("fail", "html_instead_of_health", "")]);
    assert_eq!(outcome.summary, "HTTP 200 with an HTML page");
    // Also where only a part of it was read.
    let mut long = answer(200, "text/html", &format!("<html>{}", "x".repeat(70_000)));
    long.body_complete = false;
    assert!(judge(&long, &settings()).status.is_fail());
}

#[test]
fn other_statuses_are_named() {
    for status in [401, 403, 429] {
        let outcome = judge(&answer(status, "text/html", "<html>"), &settings());
        assert_eq!(outcome.status, Status::unknown(Reason::UNEXPECTED_RESPONSE));
        assert!(outcome.summary.contains(&status.to_string()));
        assert_eq!(faults(&outcome), [("unknown", "health_not_shown", "")]);
    }
    for (status, code) in [
        (100, "unexpected_status"),
        (199, "unexpected_status"),
        (300, "redirected"),
        (302, "redirected"),
        (399, "redirected"),
        (404, "unexpected_status"),
        (500, "unexpected_status"),
        (503, "unexpected_status"),
    ] {
        let outcome = judge(&answer(status, "text/html", "<html>"), &settings());
        assert_eq!(faults(&outcome), [("fail", code, "")], "{status}");
        assert!(outcome.findings[0].message.contains(&format!("HTTP {status}")));
    }
    let mut redirect = Exchange::new(302, [("location", "https://id.example/login?state=s3cret")]);
    redirect.total_us = 1;
    let outcome = judge(&redirect, &settings());
    assert_eq!(outcome.findings[0].evidence[0].value, "https://id.example/login");
    let own = HttpHealth {
        expect_status: serde_json::from_value(json!([401])).unwrap(),
        ..settings()
    };
    assert!(judge(&answer(401, "text/plain", ""), &own).status.is_pass());
    assert!(judge(&answer(200, "text/plain", ""), &own).status.is_fail());
}

#[test]
fn latency_earns_less_the_longer_it_takes() {
    let credit = |total_us| {
        let mut exchange = answer(200, "text/plain", "ok");
        exchange.total_us = total_us;
        judge(&exchange, &settings()).status
    };
    assert!(credit(499_999).is_pass());
    assert!(credit(500_000).is_pass());
    assert_eq!(credit(500_001).credit(), Some(999));
    assert_eq!(credit(2_750_000).credit(), Some(500));
    assert!(credit(4_999_999).is_warn());
    assert!(credit(5_000_000).is_fail());
    assert!(credit(u64::MAX).is_fail());
}

#[test]
fn a_payload_without_its_end_is_no_pass() {
    for (status, said, status_word, codes) in [
        (200, "UP", "unknown", vec!["body_cut_short"]),
        (503, "DOWN", "fail", vec!["unhealthy", "body_cut_short"]),
    ] {
        let mut cut = answer(status, "application/json", &format!(r#"{{"status":"{said}"}}"#));
        cut.body_complete = false;
        let outcome = judge(&cut, &settings());
        assert_eq!(outcome.status.word(), status_word);
        let found: Vec<&str> = faults(&outcome).iter().map(|fault| fault.1).collect();
        assert_eq!(found, codes);
    }
}

#[test]
fn bodies_that_cannot_be_read_are_told() {
    let mut long = answer(
        200,
        "application/json",
        &format!("{{\"a\":\"{}", "x".repeat(65_530)),
    );
    long.body_complete = false;
    for (bytes, reason) in [
        (65_535, Reason::HTTP_BROKEN),
        (65_536, Reason::HTTP_TOO_LARGE),
        (MOST_BODY_BYTES as usize, Reason::HTTP_TOO_LARGE),
    ] {
        long.body = format!("{{\"a\":\"{}", "x".repeat(bytes - 6)).as_str().into();
        assert_eq!(long.body.len(), bytes);
        assert_eq!(
            judge(&long, &settings()).status,
            Status::unknown(reason),
            "{bytes}"
        );
    }
    let mut cut = answer(200, "application/json", r#"{"status":"#);
    cut.body_complete = false;
    let outcome = judge(&cut, &settings());
    assert_eq!(outcome.status, Status::unknown(Reason::HTTP_BROKEN));
    let deep = judged(200, &format!("{}{}", "{\"a\":".repeat(3000), "}".repeat(3000)));
    assert_eq!(faults(&deep), [("warn", "malformed_json", "")]);
}

#[test]
fn nothing_of_the_body_but_words_and_names_is_shown() {
    let body = r#"{"status":"DOWN","components":{"db":{"status":"DOWN","details":{"error":"postgres://joe:hunter2@db/app"}}}}"#;
    let outcome = serde_json::to_string(&judged(503, body)).unwrap();
    assert!(
        outcome.contains("component db") && !outcome.contains("hunter2"),
        "{outcome}"
    );
}

#[test]
fn an_expected_format_is_held_to() {
    let strict = HttpHealth {
        expect_format: Some(HealthFormat::Spring),
        ..settings()
    };
    let with = |body| judge(&answer(200, "application/json", body), &strict);
    assert!(with(r#"{"status":"UP"}"#).status.is_pass());
    for body in ["ok", "", r#"{"status":"pass"}"#, "{"] {
        let outcome = with(body);
        assert_eq!(faults(&outcome)[0], ("fail", "unexpected_format", ""), "{body}");
    }
}

#[test]
fn settings_are_read_and_checked() {
    let read = |value| serde_json::from_value::<HttpHealth>(value);
    let all = read(json!({
        "path": "/healthz", "expect_status": [200, "202-204"], "latency_target_ms": 100,
        "latency_limit_ms": 200, "expect_format": "microprofile",
    }))
    .unwrap();
    assert!(all.check().is_ok());
    assert_eq!(all.expect_format, Some(HealthFormat::MicroProfile));
    assert!(read(json!({ "expect_format": "sprng" })).is_err());
    assert!(read(json!({ "expect_status": [] })).is_err());
    for wrong in [
        json!({ "path": "healthz" }),
        json!({ "path": "/a b" }),
        json!({ "latency_target_ms": 5000 }),
        json!({ "latency_limit_ms": 500 }),
    ] {
        assert!(read(wrong.clone()).unwrap().check().is_err(), "{wrong}");
    }
    assert!(HttpHealth::default().check().is_ok());
}

#[test]
fn the_probe_asks_the_path_of_each_address() {
    let target = Target::parse("http://192.0.2.1:8080").unwrap();
    let endpoint = Endpoint::new("192.0.2.1:8080".parse().unwrap(), "192.0.2.1", false);
    let key = HttpExchange::get(endpoint, "192.0.2.1:8080", "/healthz").keep_body(MOST_BODY_BYTES);
    let facts = Facts::new()
        .with(LocalRoute::new("192.0.2.1".parse().unwrap()), Route::new(true))
        .with(key, answer(200, "text/plain", "ok"));
    assert!(facts.judge(&settings(), &target).status.is_pass());
    let without = facts.judge(&HttpHealth::default(), &target);
    assert_eq!(without.summary, "no health path is given");
    assert!(without.status.is_not_applicable());
    let other = Target::parse("tcp://192.0.2.1:8080").unwrap();
    assert!(facts.judge(&settings(), &other).status.is_not_applicable());
    assert!(Facts::new().judge(&settings(), &target).status.is_unknown());
}

#[test]
fn an_address_without_a_route_is_named() {
    let target = Target::parse("http://a.test:8080").unwrap();
    let [near, far] = ["192.0.2.1", "2001:db8::1"].map(|address| address.parse().unwrap());
    let endpoint = Endpoint::new(std::net::SocketAddr::new(near, 8080), "a.test", false);
    let key = HttpExchange::get(endpoint, "a.test:8080", "/healthz").keep_body(MOST_BODY_BYTES);
    let answers = |address| DnsAnswer::of_addresses("a.test", &[address], "t");
    let facts = Facts::new()
        .with(DnsLookup::address("a.test", Family::V4), answers(near))
        .with(DnsLookup::address("a.test", Family::V6), answers(far))
        .with(LocalRoute::new(near), Route::new(true))
        .with(LocalRoute::new(far), Route::new(false))
        .with(key, answer(200, "text/plain", "ok"));
    let outcome = facts.judge(&settings(), &target);
    assert!(outcome.status.is_pass());
    let gap = Evidence::new("not looked at", "2001:db8::1 (no local route)");
    assert!(outcome.evidence.contains(&gap), "{outcome:?}");
}

#[test]
fn a_query_of_the_target_stays_hidden() {
    let with_token = HttpHealth {
        path: "/healthz?token=s3cr3t".into(),
        ..settings()
    };
    let problem = with_token.check().unwrap_err();
    assert!(!problem.contains("s3cr3t"), "{problem}");
    let bare = HttpHealth {
        path: "/healthz?full".into(),
        ..settings()
    };
    assert_eq!(bare.check(), Ok(()));
    // The same path in the target's URL brings its query along.
    let target = Target::parse("http://192.0.2.1:8080/healthz?token=s3cr3t").unwrap();
    let endpoint = Endpoint::new("192.0.2.1:8080".parse().unwrap(), "192.0.2.1", false);
    let key = HttpExchange::get(endpoint, "192.0.2.1:8080", target.path_and_query())
        .credential(target.credential())
        .keep_body(MOST_BODY_BYTES);
    let facts = Facts::new()
        .with(LocalRoute::new("192.0.2.1".parse().unwrap()), Route::new(true))
        .with(key, answer(200, "text/plain", "ok"));
    assert!(facts.judge(&settings(), &target).status.is_pass());
}
