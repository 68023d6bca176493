use proptest::prelude::*;

use super::*;
use crate::http::health::body;

const JSON: &str = "application/json";

fn recognise(status: u16, content_type: &str, body: &[u8], expected: Option<HealthFormat>) -> Payload {
    let read = body::read(content_type, body);
    recognise_read(status, content_type, body.len(), &read, expected)
}

fn read(status: u16, content_type: &str, body: &str) -> Payload {
    recognise(status, content_type, body.as_bytes(), None)
}

/// Format and verdict; `None` where it is no health.
fn seen(status: u16, content_type: &str, body: &str) -> Option<(HealthFormat, Verdict)> {
    match read(status, content_type, body) {
        Payload::Health(health) => Some((health.format, health.verdict)),
        _ => None,
    }
}

fn components(status: u16, body: &str) -> Vec<(String, Option<Verdict>)> {
    match read(status, JSON, body) {
        Payload::Health(health) => health
            .components
            .into_iter()
            .map(|c| (c.name, c.verdict))
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn part(name: &str, verdict: Verdict) -> (String, Option<Verdict>) {
    (name.to_owned(), Some(verdict))
}

use HealthFormat as F;
use Verdict::{Fail, Pass, Unknown, Warn};

#[test]
fn kubernetes_lines() {
    let verbose = "[+]ping ok\n[+]poststarthook/load-routes ok\n[-]ledger-db failed: reason withheld\nreadyz check failed\n";
    for (status, body, expected) in [
        (500, verbose, Some((F::Kubernetes, Fail))),
        (
            200,
            "[+]ping ok\nhealthz check passed",
            Some((F::Kubernetes, Pass)),
        ),
        (
            200,
            "[+]ping ok\r\n[+]log ok\r\nhealthz check passed\r\n",
            Some((F::Kubernetes, Pass)),
        ),
        (
            200,
            "[+]etcd excluded: ok\n[+]ping ok",
            Some((F::Kubernetes, Pass)),
        ),
        (200, "[+]a excluded with b: ok", Some((F::Kubernetes, Pass))),
        (
            200,
            "warn: some health checks cannot be excluded\n[+]ping ok",
            Some((F::Kubernetes, Warn)),
        ),
        (
            200,
            "[+]ping ok\nreadyz check failed",
            Some((F::Kubernetes, Fail)),
        ),
        (500, "internal server error: x", Some((F::Kubernetes, Fail))),
        // near misses
        (200, "[+]ping fine", None),
        (200, "[+]ping ok\nsomething else", None),
        (200, "[-]ping broken", None),
        (200, "readyz check passed", None),
        (200, "[+]ping", None),
        (200, "[+] ok", None),
        (200, "internal server error: x", None),
    ] {
        assert_eq!(seen(status, "text/plain", body), expected, "{body:?}");
    }
    assert_eq!(
        components(500, verbose),
        [
            part("ledger-db", Fail),
            part("ping", Pass),
            part("poststarthook/load-routes", Pass)
        ]
    );
    // excluded is not passed
    assert_eq!(
        components(200, "[+]etcd excluded: ok"),
        [("etcd".to_owned(), None)]
    );
}

#[test]
fn words_alone() {
    for (status, body, expected) in [
        (200, "ok", Some((F::TextOk, Pass))),
        (200, " OK\r\n", Some((F::TextOk, Pass))),
        (200, "\u{feff}Ok", Some((F::TextOk, Pass))),
        (500, "ok", None),
        (200, "okay", None),
        (200, "ok ok", None),
        (200, "Healthy", Some((F::AspnetText, Pass))),
        (200, "Degraded\n", Some((F::AspnetText, Warn))),
        (503, "Unhealthy", Some((F::AspnetText, Fail))),
        (200, "healthy", None),
        (200, "Healthy.", None),
        (200, "\"ok\"", Some((F::Generic, Pass))),
        (200, "\"fine\"", None),
    ] {
        assert_eq!(seen(status, "text/html", body), expected, "{body:?}");
    }
}

#[test]
fn aspnet_json() {
    let body = r#"{"status":"Degraded","totalDuration":"00:00:00.0421","entries":{"cache":{"status":"Degraded","duration":"00:00:00.0398","description":"p99 38 ms","data":{},"tags":["ready"]},"db":{"status":"Healthy"}}}"#;
    assert_eq!(seen(200, JSON, body), Some((F::Aspnet, Warn)));
    assert_eq!(components(200, body), [part("cache", Warn), part("db", Pass)]);
    for (body, expected) in [
        (
            r#"{"status":"Unhealthy","results":{"a":{"status":"Unhealthy"}}}"#,
            Some((F::Aspnet, Fail)),
        ),
        (
            r#"{"status":"Healthy","totalDuration":"00:00:00"}"#,
            Some((F::Aspnet, Pass)),
        ),
        (r#"{"status":"Healthy"}"#, Some((F::Generic, Pass))),
        (r#"{"status":"healthy","entries":{}}"#, Some((F::Generic, Pass))),
    ] {
        assert_eq!(seen(200, JSON, body), expected, "{body}");
    }
}

#[test]
fn microprofile() {
    let body = r#"{"status":"DOWN","checks":[{"name":"queue","status":"DOWN","data":{"lag":912}},{"name":"db","status":"UP"}]}"#;
    assert_eq!(seen(503, JSON, body), Some((F::MicroProfile, Fail)));
    assert_eq!(components(503, body), [part("queue", Fail), part("db", Pass)]);
    for (body, expected) in [
        (r#"{"status":"UP","checks":[]}"#, Some((F::MicroProfile, Pass))),
        (
            r#"{"status":"UP","checks":[],"version":1}"#,
            Some((F::Inadarei, Pass)),
        ),
        (r#"{"status":"UNKNOWN","checks":[]}"#, None),
        (
            r#"{"status":"UP","checks":[{"status":"UP"}]}"#,
            Some((F::Generic, Pass)),
        ),
        (
            r#"{"status":"UP","checks":[{"name":"a","status":"up"}]}"#,
            Some((F::Generic, Pass)),
        ),
        (
            r#"{"status":"UP","checks":[{"name":"a","status":"UP","data":{"x":{}}}]}"#,
            Some((F::Generic, Pass)),
        ),
    ] {
        assert_eq!(seen(200, JSON, body), expected, "{body}");
    }
}

#[test]
fn spring() {
    let body = r#"{"status":"OUT_OF_SERVICE","components":{"broker":{"status":"OUT_OF_SERVICE","components":{"eu1":{"status":"UP"}}}},"groups":["liveness","readiness"]}"#;
    assert_eq!(seen(503, JSON, body), Some((F::Spring, Fail)));
    assert_eq!(
        components(503, body),
        [part("broker", Fail), part("broker/eu1", Pass)]
    );
    let typed = "application/vnd.spring-boot.actuator.v3+json;charset=UTF-8";
    for (content_type, body, expected) in [
        (JSON, r#"{"status":"UP"}"#, Some((F::Spring, Pass))),
        (JSON, r#"{"status":"UNKNOWN"}"#, Some((F::Spring, Unknown))),
        (
            JSON,
            r#"{"status":"UP","groups":["liveness"]}"#,
            Some((F::Spring, Pass)),
        ),
        (
            JSON,
            r#"{"status":"DOWN","details":{"db":{"status":"DOWN"}}}"#,
            Some((F::Spring, Fail)),
        ),
        (
            typed,
            r#"{"status":"ON_FIRE","components":{}}"#,
            Some((F::Spring, Unknown)),
        ),
        (
            typed,
            r#"{"status":"UP","mail":{"status":"UP"}}"#,
            Some((F::Spring, Pass)),
        ),
        // near misses
        (JSON, r#"{"status":"ON_FIRE","components":{}}"#, None),
        (JSON, r#"{"status":"up"}"#, Some((F::Generic, Pass))),
        (
            JSON,
            r#"{"status":"Up","components":{}}"#,
            Some((F::Generic, Pass)),
        ),
        (
            JSON,
            r#"{"status":"UP","details":{"db":1}}"#,
            Some((F::Generic, Pass)),
        ),
        (JSON, r#"{"status":"UP","groups":[1]}"#, Some((F::Generic, Pass))),
        (typed, r#"{"status":1}"#, None),
    ] {
        assert_eq!(seen(200, content_type, body), expected, "{body}");
    }
}

#[test]
fn the_go_and_node_formats() {
    for (body, expected) in [
        (
            r#"{"status":"ok","info":{"db":{"status":"up"}},"error":{},"details":{"db":{"status":"up"}}}"#,
            Some((F::Terminus, Pass)),
        ),
        (
            r#"{"status":"error","error":{"db":{"status":"down","message":"x"}}}"#,
            Some((F::Terminus, Fail)),
        ),
        (
            r#"{"status":"shutting_down","details":{}}"#,
            Some((F::Terminus, Fail)),
        ),
        (
            r#"{"status":"ok","details":{"db":{"status":"UP"}}}"#,
            Some((F::Generic, Pass)),
        ),
        (r#"{"status":"ok","details":"x"}"#, Some((F::Generic, Pass))),
        (r#"{"status":"shutting_down"}"#, None),
        (
            r#"{"status":"down","details":{"db":{"status":"down","timestamp":"2026-11-20T08:00:00Z"}}}"#,
            Some((F::Alexliesenfeld, Fail)),
        ),
        (
            r#"{"status":"unknown","details":{"db":{"status":"unknown","timestamp":"x"}}}"#,
            Some((F::Alexliesenfeld, Unknown)),
        ),
        (
            r#"{"status":"up","details":{"db":{"status":"up"}}}"#,
            Some((F::Generic, Pass)),
        ),
        (
            r#"{"status":"OK","timestamp":"x","component":{"name":"a"}}"#,
            Some((F::HealthGo, Pass)),
        ),
        (
            r#"{"status":"Partially Available","timestamp":"x","component":{},"failures":{"db":"x"}}"#,
            Some((F::HealthGo, Warn)),
        ),
        (
            r#"{"status":"Unavailable","timestamp":"x","component":{}}"#,
            Some((F::HealthGo, Fail)),
        ),
        (
            r#"{"status":"Timeout during health check","timestamp":"x","component":{}}"#,
            Some((F::HealthGo, Fail)),
        ),
        (r#"{"status":"OK","timestamp":"x"}"#, Some((F::Generic, Pass))),
        (r#"{"status":"Unavailable","component":{}}"#, None),
        (
            r#"{"results":[{"successful":false,"resource-type":"Port","resource-id":"tcp:22","property":"listening"}],"summary":{"failed-count":1}}"#,
            Some((F::Goss, Fail)),
        ),
        (
            r#"{"results":[],"summary":{"failed-count":0}}"#,
            Some((F::Goss, Pass)),
        ),
        (r#"{"results":[],"summary":{"failed-count":"0"}}"#, None),
        (r#"{"results":{},"summary":{"failed-count":0}}"#, None),
    ] {
        assert_eq!(seen(200, JSON, body), expected, "{body}");
    }
    assert_eq!(
        components(
            200,
            r#"{"status":"Partially Available","timestamp":"x","component":{},"failures":{"db":"x"}}"#
        ),
        [part("db", Warn)]
    );
    assert_eq!(
        components(
            200,
            r#"{"results":[{"successful":false,"resource-type":"Port","resource-id":"tcp:22","property":"listening"},{"successful":true,"skipped":true,"resource-id":"x"}],"summary":{"failed-count":1}}"#
        ),
        [part("Port tcp:22 listening", Fail), ("x".to_owned(), None)]
    );
}

#[test]
fn health_json_of_the_draft() {
    let body = r#"{"status":"warn","releaseId":"2026.11.3","checks":{"ledger:connections":[{"componentType":"datastore","observedValue":91,"observedUnit":"percent","status":"warn","time":"2026-11-20T08:00:00Z"}],"uptime":[{"observedValue":1}]}}"#;
    assert_eq!(seen(200, JSON, body), Some((F::Inadarei, Warn)));
    assert_eq!(
        components(200, body),
        [part("ledger:connections", Warn), ("uptime".to_owned(), None)]
    );
    let typed = "application/health+json; charset=utf-8";
    for (content_type, body, expected) in [
        (JSON, r#"{"status":"pass"}"#, Some((F::Inadarei, Pass))),
        (
            JSON,
            r#"{"status":"FAIL","version":"1"}"#,
            Some((F::Inadarei, Fail)),
        ),
        (JSON, r#"{"status":"up","output":""}"#, Some((F::Inadarei, Pass))),
        (typed, r#"{"status":"UP"}"#, Some((F::Inadarei, Pass))),
        (typed, r#"{"status":"Down","x":1}"#, Some((F::Inadarei, Fail))),
        (
            JSON,
            r#"{"status":"ok","checks":{"a":{"status":"down"}}}"#,
            Some((F::Inadarei, Pass)),
        ),
        // near misses
        (JSON, r#"{"status":"PASS"}"#, Some((F::Generic, Pass))),
        (
            JSON,
            r#"{"status":"ok","checks":{"a":1}}"#,
            Some((F::Generic, Pass)),
        ),
        (JSON, r#"{"status":"fine","version":"1"}"#, None),
        (typed, r#"{"status":"fine"}"#, None),
    ] {
        assert_eq!(seen(200, content_type, body), expected, "{body}");
    }
    assert_eq!(
        components(
            200,
            r#"{"status":"pass","checks":{"a":[{"status":"pass"},{"status":"fail"}]}}"#
        ),
        [part("a[1]", Fail), part("a[0]", Pass)]
    );
}

#[test]
fn usual_words_under_usual_names() {
    for (body, expected) in [
        (r#"{"status":"ok"}"#, Some(Pass)),
        (r#"{"state":"GREEN","x":1}"#, Some(Pass)),
        (r#"{"health":"yellow"}"#, Some(Warn)),
        (r#"{"healthy":false}"#, Some(Fail)),
        (r#"{"ok":true,"ready":false}"#, Some(Fail)),
        (r#"{"status":"ok","ready":false}"#, Some(Fail)),
        (r#"{"status":"red"}"#, Some(Fail)),
        // near misses
        (r#"{"status":200}"#, None),
        (r#"{"status":"starting"}"#, None),
        (r#"{"healthy":"yes"}"#, None),
        (r#"{"message":"ok"}"#, None),
        ("[\"ok\"]", None),
        ("{}", None),
    ] {
        assert_eq!(
            seen(200, JSON, body),
            expected.map(|verdict| (F::Generic, verdict)),
            "{body}"
        );
    }
}

#[test]
fn what_is_no_health_is_told_apart() {
    for (content_type, body, expected) in [
        ("text/plain", "", Payload::Empty),
        ("text/plain", "\u{feff} \r\n", Payload::Empty),
        ("text/html; charset=utf-8", "<!DOCTYPE html><html>", Payload::Html),
        ("application/json", "<!doctype HTML>", Payload::Html),
        ("", "<HTML lang=en>", Payload::Html),
        ("TEXT/HTML", "<!-- --><div>", Payload::Html),
        ("text/html", "the service is well", Payload::Unrecognised),
        ("application/xml", "<health>ok</health>", Payload::Unrecognised),
        ("text/plain", "[info] fine", Payload::Unrecognised),
        (JSON, "null", Payload::Unrecognised),
    ] {
        assert_eq!(read(200, content_type, body), expected, "{body:?}");
    }
    for (content_type, body) in [
        (JSON, r#"{"status":"ok""#),
        ("text/plain", "{status: ok}"),
        (JSON, "[1, 2"),
        (JSON, r#"{"status":"ok"} trailing"#),
    ] {
        assert!(
            matches!(read(200, content_type, body), Payload::BrokenJson(_)),
            "{body:?}"
        );
    }
    let deep = format!("{}1{}", r#"{"a":"#.repeat(5000), "}".repeat(5000));
    assert!(matches!(read(200, JSON, &deep), Payload::BrokenJson(_)));
    // a charset that is wrong spoils no verdict
    let latin = recognise(
        200,
        "application/json; charset=x",
        b"{\"status\":\"UP\",\"groups\":[\"\xe9\"]}",
        None,
    );
    assert!(matches!(latin, Payload::Health(health) if health.verdict == Pass));
}

#[test]
fn an_expected_format_is_asked_alone() {
    let as_format = |format, body: &str| match recognise(200, JSON, body.as_bytes(), Some(format)) {
        Payload::Health(health) => Some((health.format, health.verdict)),
        _ => None,
    };
    assert_eq!(
        as_format(F::Generic, r#"{"status":"UP"}"#),
        Some((F::Generic, Pass))
    );
    assert_eq!(
        as_format(F::Spring, r#"{"status":"UP"}"#),
        Some((F::Spring, Pass))
    );
    assert_eq!(as_format(F::Spring, r#"{"status":"pass"}"#), None);
    assert_eq!(as_format(F::Kubernetes, "ok"), None);
}

#[test]
fn names_and_numbers_of_components_are_capped() {
    let many: Vec<String> = (0..500)
        .map(|n| {
            format!(
                r#""c{n:03}":{{"status":"{}"}}"#,
                if n == 400 { "DOWN" } else { "UP" }
            )
        })
        .collect();
    let body = format!(r#"{{"status":"DOWN","components":{{{}}}}}"#, many.join(","));
    let Payload::Health(health) = read(503, JSON, &body) else {
        panic!("no health")
    };
    assert_eq!(health.components.len(), MOST_COMPONENTS);
    assert_eq!(health.left_out, 500 - MOST_COMPONENTS);
    assert_eq!(health.components[0].name, "c400");
    let long = format!(
        r#"{{"status":"UP","components":{{"{}\u001b`":{{"status":"UP"}}}}}}"#,
        "x".repeat(5)
    );
    assert_eq!(components(200, &long)[0].0, "xxxxx\u{fffd}\u{fffd}");
    assert_eq!(capped(&"x".repeat(5000)).chars().count(), MOST_CHARACTERS + 1);
}

#[test]
fn contradictions() {
    for (body, expected) in [
        (r#"{"status":"UP","components":{"a":{"status":"DOWN"}}}"#, true),
        (r#"{"status":"DOWN","components":{"a":{"status":"UP"}}}"#, true),
        (
            r#"{"status":"DOWN","components":{"a":{"status":"UP"},"b":{"status":"DOWN"}}}"#,
            false,
        ),
        (r#"{"status":"DOWN"}"#, false),
        (
            r#"{"status":"UP","components":{"a":{"status":"UNKNOWN"}}}"#,
            false,
        ),
        (r#"{"status":"DOWN","checks":[{"name":"a","status":"UP"}]}"#, true),
        // only some formats let the worst part decide
        (r#"{"status":"fail","checks":{"a":[{"status":"pass"}]}}"#, false),
        (r#"{"status":"pass","checks":{"a":[{"status":"fail"}]}}"#, true),
        (r#"{"status":"warn","checks":{"a":[{"status":"fail"}]}}"#, false),
    ] {
        let Payload::Health(health) = read(200, JSON, body) else {
            panic!("{body}")
        };
        assert_eq!(health.contradicts_itself(|_| false), expected, "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_it_panic(
        status in 0_u16..700,
        content_type in ".{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..300),
    ) {
        let _ = recognise(status, &content_type, &body, None);
    }

    #[test]
    fn no_object_makes_it_panic(
        said in "UP|DOWN|ok|pass|Healthy|[a-z]{0,4}",
        key in "checks|components|details|entries|results|info|failures",
        value in r#"[\[\]{}",:0-9a-z]{0,40}"#,
    ) {
        let body = format!(r#"{{"status":"{said}","{key}":{value}}}"#);
        let _ = recognise(200, JSON, body.as_bytes(), None);
        let object = format!(r#"{{"status":"{said}","{key}":{{"a":{{"status":"{said}"}},"b":null}}}}"#);
        let _ = recognise(200, JSON, object.as_bytes(), None);
    }
}
