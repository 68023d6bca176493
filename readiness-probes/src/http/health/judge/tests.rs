use readiness_core::fact::Exchange;
use serde_json::json;

use super::*;

const JSON: &str = "application/json";

fn settings(with: serde_json::Value) -> HttpHealth {
    serde_json::from_value(with).unwrap()
}

fn usual() -> Circumstances {
    Circumstances {
        now: "2026-11-20T08:00:00Z".parse().unwrap(),
        is_public: true,
        has_login: false,
    }
}

fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Exchange {
    let headers = [("content-type", content_type), ("cache-control", "no-store")];
    Exchange::new(status, headers).body(body)
}

/// Every finding: its word, code and subject.
fn found(outcome: &Outcome) -> Vec<String> {
    assert!(outcome.summary.len() <= 72, "{}", outcome.summary);
    let findings = outcome.findings.iter().map(|finding| {
        assert!(
            finding.is_note() || !finding.remedy.is_empty(),
            "{}",
            finding.code
        );
        format!("{} {} {}", finding.status.word(), finding.code, finding.subject)
    });
    findings.map(|text| text.trim_end().to_owned()).collect()
}

fn judged(exchange: &Exchange, with: serde_json::Value) -> Vec<String> {
    found(&judge(exchange, &settings(with), &usual()))
}

#[test]
fn each_fault_of_the_answer_has_a_code_of_its_own() {
    let up = r#"{"status":"UP"}"#;
    let cached = |status| {
        let headers = [("content-type", JSON), ("cache-control", "max-age=60")];
        Exchange::new(status, headers).body(up)
    };
    for (exchange, with, expected) in [
        (answer(200, JSON, up), json!({}), vec![]),
        (cached(200), json!({}), vec!["warn cacheable"]),
        (
            answer(200, JSON, r#"{"status":"ok","time":"2026-11-20T07:00:00Z"}"#),
            json!({ "max_age_seconds": 60 }),
            vec!["warn stale"],
        ),
        (
            answer(200, JSON, r#"{"status":"ok","time":"2026-11-20T07:00:00Z"}"#),
            json!({}),
            vec![],
        ),
        (
            answer(200, JSON, r#"{"status":"ok","error":"java.io.IOException: x"}"#),
            json!({}),
            vec!["warn details_public exception"],
        ),
        (
            answer(200, "text/plain", "[+]db ok"),
            json!({ "kind": "liveness" }),
            vec!["warn liveness_has_dependencies", "pass component_up component db"],
        ),
        (
            answer(200, JSON, r#"{"status":"UP","checks":[]}"#),
            json!({ "kind": "readiness" }),
            vec!["pass empty_checks"],
        ),
        (
            answer(503, JSON, up),
            json!({}),
            vec!["fail unexpected_status", "warn status_code_mismatch"],
        ),
        (
            answer(
                200,
                JSON,
                r#"{"status":"UP","components":{"a":{"status":"DOWN"}}}"#,
            ),
            json!({}),
            vec!["fail component_down component a", "warn aggregate_mismatch"],
        ),
        (
            answer(200, "text/html", "<!doctype html><p>at shop.open(10.0.0.7)"),
            json!({}),
            vec!["fail html_instead_of_health"],
        ),
        (answer(302, "", ""), json!({}), vec!["fail redirected"]),
        (
            answer(503, "text/plain", "[-]db failed: x"),
            json!({}),
            vec![
                "fail unhealthy",
                "fail component_down component db",
                "pass status_code_mismatch",
            ],
        ),
        (
            answer(500, "text/plain", "[-]db failed: x"),
            json!({}),
            vec!["fail unhealthy", "fail component_down component db"],
        ),
    ] {
        assert_eq!(judged(&exchange, with), expected, "{exchange:?}");
    }
    // What is not the health may be kept as long as its owner likes.
    assert_eq!(judged(&cached(404), json!({})).len(), 2);
}

#[test]
fn levels_make_more_or_less_of_each() {
    let bad = |with: serde_json::Value| {
        let body = r#"{"status":"UP","components":{"db":{"status":"UP","time":"2026-11-20T07:00:00Z","error":"a.BException"}}}"#;
        let mut exchange = answer(503, JSON, body);
        exchange.headers.truncate(1);
        let mut all = json!({ "kind": "liveness", "max_age_seconds": 60, "expect_status": [503] });
        all["levels"] = with;
        let outcome = judge(&exchange, &settings(all), &usual());
        let mut found = found(&outcome);
        found.retain(|finding| !finding.contains("component_up"));
        found.sort();
        found
    };
    assert_eq!(
        bad(json!({})),
        [
            "pass cacheable",
            "warn details_public exception",
            "warn liveness_has_dependencies",
            "warn stale",
            "warn status_code_mismatch",
        ]
    );
    assert_eq!(
        bad(json!({
            "cacheable": "warn", "details_public": "fail", "liveness_has_dependencies": "note",
            "stale": "fail", "status_code_mismatch": "note",
        })),
        [
            "fail details_public exception",
            "fail stale",
            "pass liveness_has_dependencies",
            "pass status_code_mismatch",
            "warn cacheable",
        ]
    );
    let mismatch = answer(
        200,
        JSON,
        r#"{"status":"pass","checks":{"a":[{"status":"fail"}]}}"#,
    );
    let levels = json!({ "levels": { "aggregate_mismatch": "fail" }, "optional": ["b"] });
    assert_eq!(
        judged(&mismatch, levels),
        ["fail component_down component a", "fail aggregate_mismatch"]
    );
    for wrong in [
        json!({ "levels": { "unhealthy": "note" } }),
        json!({ "levels": { "stale": "off" } }),
        json!({ "kind": "live" }),
        json!({ "max_age_seconds": -1 }),
    ] {
        assert!(
            serde_json::from_value::<HttpHealth>(wrong.clone()).is_err(),
            "{wrong}"
        );
    }
    assert!(settings(json!({ "optional": [""] })).check().is_err());
    assert!(
        settings(json!({ "optional": ["db"], "kind": "startup" }))
            .check()
            .is_ok()
    );
}

#[test]
fn optional_components_may_be_down() {
    let body = r#"{"status":"UP","components":{"mail":{"status":"DOWN"},"broker":{"status":"UNKNOWN","components":{"eu1":{"status":"DOWN"}}}}}"#;
    let answer = answer(200, JSON, body);
    for (optional, expected) in [
        (
            json!([]),
            vec![
                "fail component_down component broker/eu1",
                "fail component_down component mail",
                "warn aggregate_mismatch",
                "not_applicable component_uncounted component broker",
            ],
        ),
        (
            json!(["mail", "broker"]),
            vec![
                "warn optional_component_down component broker/eu1",
                "warn optional_component_down component mail",
                "not_applicable component_uncounted component broker",
            ],
        ),
        (
            json!(["broker", "mai"]),
            vec![
                "fail component_down component mail",
                "warn optional_component_down component broker/eu1",
                "warn aggregate_mismatch",
                "not_applicable component_uncounted component broker",
            ],
        ),
    ] {
        let mut found = judged(&answer, json!({ "optional": optional }));
        found.sort_by_key(|finding| !finding.starts_with("fail"));
        assert_eq!(found, expected, "{optional}");
    }
}

#[test]
fn words_that_mean_more_are_told() {
    for (status, body, part) in [
        (
            503,
            r#"{"status":"OUT_OF_SERVICE"}"#,
            "taken out of service on purpose",
        ),
        (
            503,
            r#"{"status":"shutting_down","details":{}}"#,
            "takes no more requests",
        ),
        (503, r#"{"status":"DOWN"}"#, "expected that it is well"),
    ] {
        let outcome = judge(&answer(status, JSON, body), &settings(json!({})), &usual());
        assert_eq!(found(&outcome), ["fail unhealthy"]);
        assert!(outcome.findings[0].message.contains(part), "{body}");
    }
    let custom = answer(
        200,
        "application/vnd.spring-boot.actuator.v3+json",
        r#"{"status":"FATAL"}"#,
    );
    let outcome = judge(&custom, &settings(json!({})), &usual());
    assert_eq!(found(&outcome), ["unknown health_unknown"]);
    assert!(outcome.findings[0].message.contains("a word of its own"));
    let shown = |body: &str| {
        let outcome = judge(&answer(200, JSON, body), &settings(json!({})), &usual());
        outcome
            .evidence
            .iter()
            .any(|evidence| evidence.label == "confidence")
    };
    assert!(shown(r#"{"status":"alive"}"#) && !shown(r#"{"status":"UP"}"#));
}

#[test]
fn what_deviates_from_the_draft_and_is_plain_is_noted() {
    let body = r#"{"status":"pass","checks":{"a:b:c":[{"status":"pass"}],"d":{"status":"pass"},"e:f":[]}}"#;
    let outcome = judge(&answer(200, JSON, body), &settings(json!({})), &usual());
    assert!(outcome.status.is_pass());
    let notes: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|finding| finding.code == "format_deviation")
        .map(|finding| finding.message.as_str())
        .collect();
    assert_eq!(
        notes,
        [
            "`checks` holds `a:b:c`, expected one colon at most",
            "`checks` holds one object for `d`, expected a list of objects",
        ]
    );
    let timed = r#"{"status":"Healthy","entries":{"a":{"status":"Healthy","duration":"00:00:00.0398"},"b":{"status":"Healthy","duration":"<b>"}}}"#;
    let outcome = judge(&answer(200, JSON, timed), &settings(json!({})), &usual());
    let durations: Vec<usize> = outcome
        .findings
        .iter()
        .map(|finding| finding.evidence.len())
        .collect();
    assert_eq!(durations, [1, 0]);
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn other_charsets_are_read_and_told() {
    for (content_type, body, expected) in [
        (
            JSON,
            utf16(r#"{"status":"DOWN"}"#),
            vec![
                "fail unhealthy",
                "warn wrong_charset",
                "warn status_code_mismatch",
            ],
        ),
        (JSON, utf16(r#"{"status":"UP"}"#), vec!["warn wrong_charset"]),
        ("text/plain", utf16("ok"), vec!["warn wrong_charset"]),
        (
            "application/json; charset=iso-8859-1",
            b"{\"status\":\"UP\",\"groups\":[\"caf\xe9\"]}".to_vec(),
            vec!["pass wrong_charset"],
        ),
        (
            JSON,
            b"{\"status\":\"UP\",\"groups\":[\"caf\xe9 x\"]}".to_vec(),
            vec!["pass wrong_charset"],
        ),
        // Text may be in any charset that it names.
        (
            "text/plain; charset=iso-8859-1",
            b"[+]caf\xe9 ok".to_vec(),
            vec!["pass component_up component café"],
        ),
        (JSON, b"\xef\xbb\xbf{\"status\":\"UP\"}".to_vec(), vec![]),
    ] {
        let mut found = judged(&answer(200, content_type, body), json!({}));
        found.sort_by_key(|finding| finding.contains("mismatch"));
        assert_eq!(found, expected);
    }
}

#[test]
fn hostile_bodies_have_a_named_reason() {
    let deep = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    for (why, body, expected) in [
        ("deep", deep.into_bytes(), vec!["warn malformed_json"]),
        (
            "deep and open",
            "[".repeat(100_000).into_bytes(),
            vec!["warn malformed_json"],
        ),
        (
            "a number out of range",
            br#"{"status":"UP","n":1e999999}"#.to_vec(),
            vec!["warn malformed_json"],
        ),
        (
            "a number of many digits",
            format!(r#"{{"status":"UP","n":{}}}"#, "9".repeat(300)).into_bytes(),
            vec![],
        ),
        (
            "a key that decides, twice",
            br#"{"status":"DOWN","status":"UP"}"#.to_vec(),
            vec!["unknown duplicate_keys"],
        ),
        (
            "the other way round",
            br#"{"status":"UP","status":"DOWN"}"#.to_vec(),
            vec![
                "fail unhealthy",
                "warn status_code_mismatch",
                "warn duplicate_keys",
            ],
        ),
        (
            "a key that does not decide, twice",
            br#"{"status":"ok","a":1,"a":2}"#.to_vec(),
            vec!["warn duplicate_keys"],
        ),
        (
            "a zero byte in JSON",
            b"{\"status\":\"UP\0\"}".to_vec(),
            vec!["warn malformed_json"],
        ),
        (
            "a zero byte in text",
            b"o\0k".to_vec(),
            vec!["pass no_known_format"],
        ),
        (
            "a zero byte in a name",
            br#"{"status":"UP","components":{"a\u0000b":{"status":"UP"}}}"#.to_vec(),
            vec!["pass component_up component a\u{fffd}b"],
        ),
        ("no text at all", vec![0xfe; 3], vec!["pass no_known_format"]),
    ] {
        let outcome = judge(&answer(200, JSON, body), &settings(json!({})), &usual());
        assert_eq!(found(&outcome), expected, "{why}");
        assert!(serde_json::to_string(&outcome).unwrap().len() < 4096, "{why}");
    }
    let zero = judge(&answer(200, "text/plain", "o\0k"), &settings(json!({})), &usual());
    assert!(zero.findings[0].message.contains("zero bytes"));
}

#[test]
fn a_text_that_was_cut_is_judged_by_its_whole_lines() {
    for (body, word, codes) in [
        ("[+]a ok\n[+]b fai", "unknown", vec!["body_cut_short"]),
        (
            "[-]a failed: x\n[+]b fai",
            "fail",
            vec!["unhealthy", "component_down", "body_cut_short"],
        ),
        // Without a whole line there is nothing to go by.
        ("[+]a ok", "unknown", vec!["body_cut_short"]),
    ] {
        let mut exchange = answer(500, "text/plain", body);
        exchange.body_complete = false;
        let outcome = judge(&exchange, &settings(json!({ "expect_status": [500] })), &usual());
        assert_eq!(outcome.status.word(), word, "{body}");
        let told: Vec<&str> = outcome
            .findings
            .iter()
            .filter(|finding| !finding.is_note() && finding.code != "status_code_mismatch")
            .map(|finding| finding.code.as_str())
            .collect();
        assert_eq!(told, codes, "{body}");
    }
}

#[test]
fn details_matter_where_everybody_reads_them() {
    let body = r#"{"status":"ok","peer":"10.0.0.7","version":"1.2","error":"a.b.CException"}"#;
    let at = |is_public, has_login| {
        let at = Circumstances {
            is_public,
            has_login,
            ..usual()
        };
        found(&judge(&answer(200, JSON, body), &settings(json!({})), &at))
    };
    assert_eq!(
        at(true, false),
        [
            "warn details_public exception",
            "warn details_public private addresses",
            "pass details_public version",
        ]
    );
    assert_eq!(
        at(false, false),
        ["warn details_public exception", "pass details_public version"]
    );
    assert_eq!(at(true, true), [""; 0]);
}
