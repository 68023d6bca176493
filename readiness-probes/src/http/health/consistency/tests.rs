use readiness_core::{Finding, Timestamp, fact::Exchange};
use serde_json::{Value, json};

use super::*;
use crate::http::health::{
    HealthFormat, body,
    payload::{Payload, recognise_read},
};

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

fn told(finding: Option<Finding>) -> String {
    finding.map_or_else(String::new, |finding| {
        assert!(
            finding.is_note() || !finding.remedy.is_empty(),
            "{}",
            finding.code
        );
        format!("{} {}", finding.status.word(), finding.code)
    })
}

#[test]
fn what_caches_may_keep_for_more_than_five_seconds_warns() {
    for (why, headers, expected) in [
        ("nothing is said", vec![], "pass cacheable"),
        ("nothing is to be stored", vec![("cache-control", "no-store")], ""),
        ("it is asked again", vec![("cache-control", "no-cache")], ""),
        ("it is old at once", vec![("cache-control", "max-age=0")], ""),
        ("five seconds", vec![("cache-control", "max-age=5")], ""),
        ("six", vec![("cache-control", "max-age=6")], "warn cacheable"),
        (
            "shared caches go by their own",
            vec![("cache-control", "max-age=0, s-maxage=60")],
            "warn cacheable",
        ),
        (
            "longer than any number",
            vec![("cache-control", "max-age=99999999999999999999")],
            "warn cacheable",
        ),
        (
            "a cache of one's own",
            vec![("cache-control", "private, max-age=60")],
            "warn cacheable",
        ),
        (
            "stored, and asked again",
            vec![("cache-control", "no-cache, max-age=60")],
            "",
        ),
        (
            "it says nothing of how long",
            vec![("cache-control", "must-revalidate")],
            "pass cacheable",
        ),
        (
            "a network of caches",
            vec![("cache-control", "no-store"), ("cdn-cache-control", "max-age=60")],
            "warn cacheable",
        ),
        (
            "an end in five seconds",
            vec![
                ("date", "Fri, 20 Nov 2026 07:00:00 GMT"),
                ("expires", "Fri, 20 Nov 2026 07:00:05 GMT"),
            ],
            "",
        ),
        (
            "an end in six",
            vec![
                ("date", "Fri, 20 Nov 2026 07:00:00 GMT"),
                ("expires", "Fri, 20 Nov 2026 07:00:06 GMT"),
            ],
            "warn cacheable",
        ),
        (
            "an end by the clock of this machine",
            vec![("expires", "Fri, 20 Nov 2026 08:00:06 GMT")],
            "warn cacheable",
        ),
        ("no date", vec![("expires", "0")], ""),
        (
            "the age comes before the end",
            vec![
                ("cache-control", "max-age=1"),
                ("expires", "Fri, 20 Nov 2026 09:00:00 GMT"),
            ],
            "",
        ),
        (
            "five seconds in a cache",
            vec![("age", "5"), ("cache-control", "no-store")],
            "",
        ),
        (
            "six, whatever is said",
            vec![("age", " 6 "), ("cache-control", "no-store")],
            "warn cacheable",
        ),
        (
            "no age at all",
            vec![("age", "x"), ("cache-control", "no-store")],
            "",
        ),
    ] {
        let exchange = Exchange::new(200, headers);
        assert_eq!(told(of_caching(&exchange, now())), expected, "{why}");
    }
}

#[test]
fn the_oldest_time_counts() {
    for (why, json, expected) in [
        ("no time", json!({ "status": "UP" }), false),
        (
            "as old as it may be",
            json!({ "timestamp": "2026-11-20T07:55:00Z" }),
            false,
        ),
        (
            "a second older",
            json!({ "timestamp": "2026-11-20T07:54:59Z" }),
            true,
        ),
        (
            "with an offset",
            json!({ "Timestamp": "2026-11-20T09:54:59.5+02:00" }),
            true,
        ),
        (
            "from the future",
            json!({ "time": "2026-11-20T09:00:00Z" }),
            false,
        ),
        (
            "one of several",
            json!({ "checks": { "a": [{ "time": "2026-11-20T08:00:00Z" }, { "time": "2026-11-20T07:00:00Z" }] } }),
            true,
        ),
        ("never", json!({ "timestamp": "0001-01-01T00:00:00Z" }), true),
        ("no time in words", json!({ "time": "a while ago" }), false),
        ("nothing", json!({ "time": null }), false),
        ("an object", json!({ "time": { "zone": "UTC" } }), false),
        (
            "within an object",
            json!({ "time": { "timestamp": "2026-11-20T07:00:00Z" } }),
            true,
        ),
        (
            "another name",
            json!({ "started": "2020-01-01T00:00:00Z" }),
            false,
        ),
        (
            "seconds",
            json!({ "timestamp": now().unix_seconds() - 300 }),
            false,
        ),
        (
            "seconds, older",
            json!({ "timestamp": now().unix_seconds() - 301 }),
            true,
        ),
        (
            "milliseconds",
            json!({ "timestamp": now().unix_seconds() * 1000 }),
            false,
        ),
        (
            "milliseconds, older",
            json!({ "timestamp": now().unix_seconds() * 1000 - 301_000 }),
            true,
        ),
        ("below nothing", json!({ "timestamp": -1 }), false),
        ("a long text", json!({ "time": "9".repeat(100_000) }), false),
    ] {
        let found = told(of_age(Some(&json), now(), 300));
        assert_eq!(found, if expected { "warn stale" } else { "" }, "{why}");
    }
    let json = json!({ "checks": { "a": { "time": "2026-11-20T07:00:00Z" } } });
    let finding = of_age(Some(&json), now(), 300).unwrap();
    assert_eq!(
        finding.message,
        "`checks.a.time` is 3600 s old, expected 300 s at most"
    );
    assert_eq!(told(of_age(None, now(), 0)), "");
}

fn health(body: &str) -> Health {
    let read = body::read("", body.as_bytes());
    match recognise_read(200, "", body.len(), &read, None) {
        Payload::Health(health) => health,
        other => panic!("{body}: {other:?}"),
    }
}

fn spring(names: &[&str]) -> Health {
    let parts: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({ "status": "UP" })))
        .collect();
    health(&json!({ "status": "UP", "components": parts }).to_string())
}

#[test]
fn liveness_asks_nothing_outside() {
    let of = |health: &Health| told(of_kind(health, Some(HealthKind::Liveness)));
    for (name, is_outside) in [
        ("db", true),
        ("primaryDb", true),
        ("redis1", true),
        ("shop-postgres", true),
        ("ledger:database", true),
        ("RabbitMQ", true),
        ("neo4j", true),
        ("diskSpace", false),
        ("livenessState", false),
        ("ping", false),
        ("dbl", false),
        ("adb", false),
        ("", false),
    ] {
        let expected = if is_outside {
            "warn liveness_has_dependencies"
        } else {
            ""
        };
        assert_eq!(of(&spring(&[name])), expected, "{name}");
    }
    // Where the kind is told, the name does not count.
    for (kind, name, is_outside) in [
        ("datastore", "x", true),
        ("system", "db", false),
        ("component", "db", false),
        ("http://example.com/kind", "db", true),
    ] {
        let body = format!(
            r#"{{"status":"pass","checks":{{"{name}":[{{"status":"pass","componentType":"{kind}"}}]}}}}"#
        );
        assert_eq!(!of(&health(&body)).is_empty(), is_outside, "{kind} {name}");
    }
    assert_eq!(of(&health("[+]etcd ok")), "warn liveness_has_dependencies");
    assert_eq!(of(&health("[+]etcd excluded: ok")), "");
    let many = of_kind(
        &spring(&["db1", "db2", "db3", "db4", "db5", "db6", "db7"]),
        Some(HealthKind::Liveness),
    );
    assert_eq!(
        many.unwrap().message,
        "liveness asks what is outside the process: `db1`, `db2`, `db3`, `db4`, `db5` and 2 more"
    );
}

#[test]
fn readiness_says_when_nothing_stands_behind_it() {
    for (body, is_empty) in [
        (r#"{"status":"UP","checks":[]}"#, true),
        (r#"{"status":"Healthy","entries":{}}"#, true),
        (r#"{"status":"UP","components":{}}"#, true),
        (r#"{"status":"pass","checks":{}}"#, true),
        (r#"{"results":[],"summary":{"failed-count":0}}"#, true),
        (r#"{"status":"UP"}"#, false),
        (r#"{"status":"pass"}"#, false),
        (r#"{"status":"UP","checks":[{"name":"a","status":"UP"}]}"#, false),
        ("ok", false),
    ] {
        let health = health(body);
        let found = told(of_kind(&health, Some(HealthKind::Readiness)));
        assert_eq!(found, if is_empty { "pass empty_checks" } else { "" }, "{body}");
        for kind in [None, Some(HealthKind::Startup), Some(HealthKind::Liveness)] {
            assert_eq!(told(of_kind(&health, kind)), "", "{body}");
        }
    }
    assert_eq!(
        health(r#"{"status":"UP","checks":[]}"#).format,
        HealthFormat::MicroProfile
    );
}
