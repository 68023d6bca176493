use readiness_core::{
    Status, Target,
    fact::{Endpoint, HttpExchange},
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::*;

fn settings(value: serde_json::Value) -> Objectives {
    let settings: Objectives = serde_json::from_value(value).unwrap();
    settings.check().unwrap();
    settings
}

fn usual() -> Objectives {
    settings(json!({
        "from": "metrics",
        "latency": ["p99 <= 300 ms"],
        "metrics": {
            "histogram": "http_request_duration_seconds",
            "requests": "http_requests_total",
            "labels": "handler=\"/api\"",
            "errors": "status=~\"5..\"",
        },
    }))
}

/// What the service has counted: right answers, errors, and how many were within each edge.
fn page(right: u64, wrong: u64, buckets: &[(&str, u64)]) -> Exchange {
    let buckets: String = buckets
        .iter()
        .map(|(le, count)| {
            format!("http_request_duration_seconds_bucket{{handler=\"/api\",le=\"{le}\"}} {count}\n")
        })
        .collect();
    let body = format!(
        "# TYPE http_requests_total counter\nhttp_requests_total{{handler=\"/api\",status=\"200\"}} {right}\n\
         http_requests_total{{handler=\"/api\",status=\"503\"}} {wrong}\n\
         http_requests_total{{handler=\"/other\",status=\"503\"}} {}\n\
         # TYPE http_request_duration_seconds histogram\n{buckets}",
        right * 100
    );
    Exchange::new(200, [("content-type", "text/plain; version=0.0.4")]).body(body)
}

/// What is judged of so many requests: errors, those over 250 ms, and those over 500 ms.
fn of(settings: &Objectives, all: u64, wrong: u64, over_250: u64, over_500: u64) -> Outcome {
    let before = page(1_000, 7, &[("0.25", 900), ("0.5", 950), ("+Inf", 1_007)]);
    let after = page(
        1_000 + all - wrong,
        7 + wrong,
        &[
            ("0.25", 900 + all - over_250),
            ("0.5", 950 + all - over_500),
            ("+Inf", 1_007 + all),
        ],
    );
    let outcome = judge(settings, &before, Ok(&after));
    assert_eq!(faults_of_outcome(&outcome), Vec::<String>::new());
    outcome
}

fn codes(outcome: &Outcome) -> Vec<String> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| format!("{} {}", finding.status.word(), finding.code))
        .collect()
}

#[test]
fn the_services_own_counts_are_judged_with_confidence() {
    let settings = usual();
    for (all, wrong, over_250, over_500, wanted) in [
        (299, 0, 0, 0, vec![]),
        (298, 0, 0, 0, vec!["unknown error_rate", "unknown latency"]),
        (300, 7, 0, 0, vec!["fail error_rate"]),
        (300, 6, 0, 0, vec!["unknown error_rate"]),
        // Slow for certain: over the edge above the limit.
        (300, 0, 7, 7, vec!["fail latency"]),
        (300, 0, 6, 6, vec!["unknown latency"]),
        // It holds at the edge above, and is missed at the edge below.
        (300, 0, 7, 0, vec!["unknown bucket_edge"]),
        (300, 0, 1, 0, vec!["unknown bucket_edge"]),
        // Neither edge decides: more requests would.
        (200, 0, 1, 0, vec!["unknown error_rate", "unknown latency"]),
        (0, 0, 0, 0, vec!["unknown no_requests", "unknown no_requests"]),
    ] {
        let outcome = of(&settings, all, wrong, over_250, over_500);
        assert_eq!(
            codes(&outcome),
            wanted,
            "{all} {wrong} {over_250} {over_500}: {outcome:?}"
        );
    }
    let good = of(&settings, 1_000, 1, 1, 0);
    assert!(good.status.is_pass(), "{good:?}");
    assert_eq!(
        good.summary,
        "1000 requests in 10 s, 1 failed, all objectives hold"
    );
    let burn = good
        .measures
        .iter()
        .find(|measure| measure.name == "burn rate")
        .unwrap();
    assert_eq!(burn.value, 1_000, "a tenth of what is allowed");
    let told = good
        .evidence
        .iter()
        .find(|of| of.label == "p99 <= 300 ms")
        .unwrap();
    assert_eq!(told.value, "1 of 1000 over 250 ms, 0 over 500 ms");
}

#[test]
fn what_would_decide_is_named() {
    let settings = usual();
    let edge = of(&settings, 300, 0, 7, 0);
    let finding = &edge.findings[0];
    assert_eq!(
        finding.message,
        "no bucket ends at 300 ms, and 7 of 300 requests lie between 250 ms and 500 ms, which decide whether it is at \
         most 1 %"
    );
    assert!(finding.remedy.contains("`0.3`"), "{finding:?}");
    let none = of(&settings, 0, 0, 0, 0);
    assert_eq!(
        none.findings[0].message,
        "no request was counted between the two scrapes; it needs at least 299"
    );
    let few = of(&settings, 298, 0, 0, 0);
    assert!(few.findings[0].message.ends_with("; it needs 1 more"), "{few:?}");
}

#[test]
fn a_limit_at_an_edge_needs_no_other() {
    for (unit, limits) in [("seconds", ["0.25", "0.5"]), ("milliseconds", ["250", "500"])] {
        let mut settings = usual();
        settings.metrics.unit = serde_json::from_value(json!(unit)).unwrap();
        settings.latency = vec!["p99 <= 500 ms".parse().unwrap()];
        let before = page(0, 0, &[(limits[0], 0), (limits[1], 0), ("+Inf", 0)]);
        for (over, wanted) in [(0, "pass"), (1, "unknown"), (6, "unknown"), (7, "fail")] {
            let after = page(300, 0, &[(limits[0], 0), (limits[1], 300 - over), ("+Inf", 300)]);
            let outcome = judge(&settings, &before, Ok(&after));
            assert_eq!(outcome.status.word(), wanted, "{unit} {over}: {outcome:?}");
        }
    }
}

#[test]
fn a_label_that_no_series_has_is_no_verdict() {
    let mut settings = usual();
    settings.latency.clear();
    settings.metrics.errors = "code=~\"5..\"".parse().unwrap();
    let outcome = of(&settings, 1_000, 900, 0, 0);
    assert_eq!(codes(&outcome), ["unknown not_counted"], "{outcome:?}");
    assert_eq!(
        outcome.findings[0].message,
        "no series of `http_requests_total` has the label `code`; they have `handler`, `status`"
    );
}

#[test]
fn another_instance_is_no_verdict() {
    let settings = usual();
    let of = |start: u32, all: u64| {
        let mut page = page(all, 0, &[("0.25", all), ("+Inf", all)]);
        let body = format!("process_start_time_seconds {start}\n{}", page.body.to_lossy());
        page = page.body(body);
        page
    };
    for (second, wanted) in [(99, "unknown"), (100, "pass"), (101, "unknown")] {
        let outcome = judge(&settings, &of(100, 1_000), Ok(&of(second, 9_000)));
        assert_eq!(outcome.status.word(), wanted, "{second}: {outcome:?}");
    }
}

#[test]
fn a_restart_is_no_verdict() {
    let settings = usual();
    let buckets = [("0.25", 10), ("+Inf", 10)];
    let fell = judge(&settings, &page(10, 0, &buckets), Ok(&page(9, 0, &buckets)));
    assert_eq!(
        codes(&fell),
        ["unknown not_counted", "unknown no_requests"],
        "{fell:?}"
    );
    let gone = Exchange::new(404, [("content-type", "text/plain")]);
    assert!(judge(&settings, &gone, Ok(&gone)).status.is_unknown());
    let late = ObserveError::new(Reason::TIMEOUT, "late");
    let late = judge(&settings, &page(1, 0, &buckets), Err(&late));
    assert!(
        matches!(&late.status, Status::Unknown { reason, .. } if *reason == Reason::TIMEOUT),
        "{late:?}"
    );
    let empty = Exchange::new(200, [("content-type", "text/plain")]).body("up 1\n");
    let empty = judge(&settings, &empty, Ok(&empty));
    assert_eq!(
        codes(&empty),
        ["unknown not_counted", "unknown not_counted"],
        "{empty:?}"
    );
    assert!(
        empty.findings[0].message.contains("`http_requests_total`"),
        "{empty:?}"
    );
}

#[test]
fn summaries_and_histograms_count_too() {
    for (body, name) in [
        ("# TYPE rpc summary\nrpc_count{code=\"N\"} ", "rpc_count"),
        ("# TYPE rpc histogram\nrpc_count{code=\"N\"} ", "rpc_count"),
        ("rpc_calls{code=\"N\"} ", "rpc_calls"),
    ] {
        let settings = settings(json!({
            "from": "metrics",
            "metrics": { "requests": name, "errors": "code=\"5\"" },
        }));
        let page = |right: u32, wrong: u32| {
            let line = body.rsplit('\n').next().unwrap();
            let text = format!(
                "{}{right}\n{}{wrong}\n",
                body.replace('N', "2"),
                line.replace('N', "5")
            );
            Exchange::new(200, [("content-type", "text/plain")]).body(text)
        };
        let pass = judge(&settings, &page(5, 1), Ok(&page(304, 1)));
        assert!(pass.status.is_pass(), "{name}: {pass:?}");
        let fail = judge(&settings, &page(5, 1), Ok(&page(305, 21)));
        assert!(fail.status.is_fail(), "{name}: {fail:?}");
    }
}

#[test]
fn settings_that_judge_nothing_are_errors() {
    for (value, said) in [
        (json!({ "from": "metrics" }), "nothing is judged"),
        (
            json!({ "from": "metrics", "latency": ["p99 <= 1 s"] }),
            "needs `metrics.histogram`",
        ),
        (
            json!({ "from": "metrics", "metrics": { "errors": "a=\"b\"" } }),
            "needs `metrics.requests`",
        ),
        (
            json!({ "from": "metrics", "metrics": { "histogram": "h" } }),
            "nothing is judged",
        ),
        (
            json!({ "from": "metrics", "metrics": { "histogram": "h_bucket", "errors": "a=\"b\"" } }),
            "without `_bucket`",
        ),
        (
            json!({ "from": "metrics", "metrics": { "histogram": "a b" } }),
            "no name of a metric",
        ),
        (
            json!({ "from": "metrics", "min_per_second": 1 }),
            "only a load shows",
        ),
        (json!({ "from": "metrics", "path": "/a" }), "write `metrics.path`"),
        (
            json!({ "from": "metrics", "metrics": { "path": "m" } }),
            "`metrics.path` must begin with `/`",
        ),
        (
            json!({ "from": "metrics", "metrics": { "path": "" } }),
            "`metrics.path` is empty",
        ),
        (
            json!({ "metrics": { "histogram": "h" } }),
            "write `from = \"metrics\"` too",
        ),
    ] {
        let settings: Objectives = serde_json::from_value(value.clone()).unwrap();
        let error = settings.check().unwrap_err();
        assert!(error.contains(said), "{value}: {error}");
    }
    for (after_ms, fits) in [(999, false), (1_000, true), (15_000, true), (15_001, false)] {
        let mut settings = usual();
        settings.metrics.after_ms = after_ms;
        assert_eq!(settings.check().is_ok(), fits, "{after_ms}");
    }
    for wrong in [
        json!({ "from": "guess" }),
        json!({ "metrics": { "errors": "a" } }),
    ] {
        assert!(serde_json::from_value::<Objectives>(wrong).is_err());
    }
}

#[test]
fn the_page_is_asked_for_twice() {
    let target = Target::parse("http://192.0.2.1").unwrap();
    let endpoint = Endpoint::new(([192, 0, 2, 1], 80).into(), "192.0.2.1", false);
    let key = HttpExchange::get(endpoint, "192.0.2.1", "/metrics")
        .header("accept", crate::http::metrics::ACCEPT)
        .keep_body(crate::http::Metrics::MOST_BODY_BYTES);
    let before = page(0, 0, &[("0.3", 0), ("+Inf", 0)]);
    let after = page(500, 0, &[("0.3", 500), ("+Inf", 500)]);
    let facts = Facts::new()
        .with(key.clone(), before)
        .with(key.clone().sample(1).after(10_000), after);
    let outcome = facts.judge(&usual(), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let error = ObserveError::new(Reason::TCP_REFUSED, "refused");
    let refused = Facts::new().with_error(key, error).judge(&usual(), &target);
    assert!(refused.status.is_unknown(), "{refused:?}");
    let other = Target::parse("tcp://192.0.2.1:1").unwrap();
    assert!(Facts::new().judge(&usual(), &other).status.is_not_applicable());
}
