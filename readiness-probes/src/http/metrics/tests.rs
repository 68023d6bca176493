mod hostile;

use std::sync::{Arc, Mutex};

use readiness_core::{
    ObserveError, Outcome, Reason, Requirement, Suite, Target, Timestamp,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Endpoint, Exchange, Family, HttpExchange, LocalRoute, Route,
    },
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::{format::Format, judge, page, *};
use crate::{builtin, http::samples, live::InProcess};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn exchange(content_type: &str, body: impl Into<Vec<u8>>) -> Exchange {
    Exchange::new(200, [("content-type", content_type)]).body(body)
}

fn of(settings: &Metrics, content_type: &str, body: impl Into<Vec<u8>>) -> Outcome {
    let outcome = judge::judge(settings, &exchange(content_type, body), None, None, NOW);
    assert_eq!(faults_of_outcome(&outcome), Vec::<String>::new());
    outcome
}

fn text(body: &str) -> Outcome {
    of(&Metrics::default(), TEXT, body)
}

fn settings(value: serde_json::Value) -> Metrics {
    let settings: Metrics = serde_json::from_value(value).unwrap();
    settings.check().unwrap();
    settings
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

/// What a small service in good order shows.
const GOOD: &str = "# HELP process_start_time_seconds Start of the process.\n\
    # TYPE process_start_time_seconds gauge\n\
    process_start_time_seconds 1795000000.5\n\
    # HELP requests_total Requests.\n\
    # TYPE requests_total counter\n\
    requests_total{code=\"200\",path=\"/\"} 1027\n\
    requests_total{code=\"500\",path=\"/\"} 3\n\
    # HELP latency_seconds Latency.\n\
    # TYPE latency_seconds histogram\n\
    latency_seconds_bucket{le=\"0.1\"} 900\n\
    latency_seconds_bucket{le=\"+Inf\"} 1030\n\
    latency_seconds_sum 53.5\n\
    latency_seconds_count 1030\n";

#[test]
fn a_page_in_good_order_is_silent() {
    let outcome = text(GOOD);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "7 series in 3 families, text format 0.0.4");
}

#[test]
fn what_is_no_page_of_metrics_is_said() {
    for (status, content_type, wanted) in [
        (404, Some(TEXT), "unexpected_status"),
        (302, Some(TEXT), "unexpected_status"),
        (200, None, "no_content_type"),
        (200, Some("text/html"), "unknown_content_type"),
        (200, Some("application/json"), "unknown_content_type"),
    ] {
        let headers: Vec<(&str, &str)> = content_type
            .map(|value| ("content-type", value))
            .into_iter()
            .collect();
        let exchange = Exchange::new(status, headers).body(GOOD);
        let outcome = judge::judge(&Metrics::default(), &exchange, None, None, NOW);
        assert!(outcome.status.is_fail(), "{outcome:?}");
        assert_eq!(codes(&outcome), [wanted]);
    }
    for status in [401, 403, 429] {
        let exchange = Exchange::new(status, [("content-type", TEXT)]);
        assert!(
            judge::judge(&Metrics::default(), &exchange, None, None, NOW)
                .status
                .is_unknown()
        );
    }
    let challenge = exchange(TEXT, GOOD);
    let challenge = Exchange::new(200, [("cf-mitigated", "challenge")]).body(challenge.body.as_bytes());
    assert!(
        judge::judge(&Metrics::default(), &challenge, None, None, NOW)
            .status
            .is_unknown()
    );
    assert_eq!(
        codes(&of(&Metrics::default(), OPEN_METRICS, "# EOF\n")),
        ["no_samples"]
    );
}

#[test]
fn errors_name_line_and_column() {
    for (content_type, body, wanted) in [
        (
            TEXT,
            "a 1\nb{c=d} 1\n",
            "line 2, column 5: expected `\"` and the value of the label, found `d`",
        ),
        (
            TEXT,
            "é 1\n",
            "line 1, column 1: expected the name of a metric, found `é`",
        ),
        (
            TEXT,
            "a{b=\"éé\"x} 1\n",
            "line 1, column 9: expected `,` or `}` after the label, found `x`",
        ),
        (
            TEXT,
            "a one\n",
            "line 1, column 3: expected a number, `NaN`, `+Inf` or `-Inf`, found `o`",
        ),
        (
            OPEN_METRICS,
            "a 1\n",
            "line 2, column 1: expected `# EOF`, and the page ends",
        ),
        (
            OPEN_METRICS,
            "a 1\t\n# EOF\n",
            "line 1, column 4: expected the end of the line, found `\\t`",
        ),
    ] {
        let outcome = of(&Metrics::default(), content_type, body);
        let messages: Vec<&str> = outcome.findings.iter().map(|finding| &*finding.message).collect();
        assert!(messages.contains(&wanted), "{wanted}: {messages:?}");
    }
    let many = text(&"a{\n".repeat(1000));
    assert_eq!(many.findings.len(), 2, "{many:?}");
    assert!(many.findings[0].message.ends_with("(and 999 more)"), "{many:?}");
}

#[test]
fn names_and_types_are_linted() {
    for (body, wanted) in [
        ("a 1\n", "no_help"),
        ("# HELP a_milliseconds x\na_milliseconds 1\n", "not_base_unit"),
        ("# HELP a_ms x\na_ms 1\n", "abbreviated_unit"),
        ("# HELP aB x\naB 1\n", "camel_case_name"),
        ("# HELP a x\na{bC=\"1\"} 1\n", "camel_case_label"),
        (
            "# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n",
            "type_in_name",
        ),
    ] {
        let outcome = text(body);
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert!(codes(&outcome).contains(&wanted), "{wanted}: {outcome:?}");
    }
    for (body, wanted) in [
        ("# HELP a x\n# TYPE a counter\na 1\n", "counter_without_total"),
        (
            "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
            "total_without_counter",
        ),
        (
            "# HELP a_bucket x\n# TYPE a_bucket gauge\na_bucket 1\n",
            "reserved_suffix",
        ),
        (
            "# HELP a_count x\n# TYPE a_count gauge\na_count 1\n",
            "reserved_suffix",
        ),
        ("# HELP a_sum x\n# TYPE a_sum gauge\na_sum 1\n", "reserved_suffix"),
        ("# HELP a x\n# TYPE a gauge\na{le=\"1\"} 1\n", "reserved_label"),
        (
            "# HELP a x\n# TYPE a gauge\na{quantile=\"1\"} 1\n",
            "reserved_label",
        ),
        ("# HELP a:b x\na:b 1\n", "colon_in_name"),
    ] {
        let outcome = text(body);
        assert!(outcome.status.is_warn(), "{outcome:?}");
        assert_eq!(codes(&outcome), [wanted], "{outcome:?}");
    }
}

#[test]
fn nothing_of_a_secret_is_shown() {
    let secret = "AKIAIOSFODNN7EXAMPLE";
    let page =
        format!("# HELP a x\na{{key=\"{secret}\",user=\"joe@example.com\"}} 1\na{{key=\"{secret}\"}} 2\n");
    let outcome = text(&page);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["secret_in_label", "email_in_label"]);
    assert_eq!(outcome.findings[0].subject, "family `a`, label `key`");
    for broken in [
        "",
        "a{key=\"AKIAIOSFODNN7EXAMPLE\"\n",
        "a AKIAIOSFODNN7EXAMPLE\n",
        "a 1 AKIAIOSFODNN7EXAMPLE\n",
    ] {
        let json = serde_json::to_string(&text(&format!("{page}{broken}"))).unwrap();
        assert!(!json.contains("AKIAIOSF") && !json.contains("joe@"), "{json}");
    }
}

#[test]
fn limits_hold_at_and_not_above() {
    let page = |series: usize| {
        let lines: String = (0..series).map(|n| format!("a{{n=\"{n}\"}} 1\n")).collect();
        format!("# HELP a x\n{lines}")
    };
    let few = settings(json!({ "max_series": 3, "max_label_values": 10 }));
    for (series, wanted) in [(2, &[][..]), (3, &[]), (4, &["too_many_series"])] {
        assert_eq!(codes(&of(&few, TEXT, page(series))), wanted, "{series}");
    }
    let few = settings(json!({ "max_label_values": 3 }));
    for (values, wanted) in [(2, &[][..]), (3, &[]), (4, &["too_many_label_values"])] {
        assert_eq!(codes(&of(&few, TEXT, page(values))), wanted, "{values}");
    }
}

#[test]
fn samples_are_of_now() {
    let at = |seconds: i64| {
        let milliseconds = (NOW.unix_seconds() + seconds) * 1000;
        let outcome = text(&format!("# HELP a x\na 1 {milliseconds}\n"));
        codes(&outcome).contains(&"old_timestamp")
    };
    assert!(!at(0) && !at(-299) && !at(-300) && at(-301));
}

#[test]
fn a_scrape_has_half_of_its_time() {
    for (ms, wanted) in [
        (4999, None),
        (5000, None),
        (5001, Some("warn")),
        (9999, Some("warn")),
        (10_000, Some("fail")),
    ] {
        let mut slow = exchange(TEXT, GOOD);
        slow.total_us = ms * 1000;
        let outcome = judge::judge(&Metrics::default(), &slow, None, None, NOW);
        assert_eq!(
            outcome.status.is_warn(),
            wanted == Some("warn"),
            "{ms}: {outcome:?}"
        );
        assert_eq!(
            outcome.status.is_fail(),
            wanted == Some("fail"),
            "{ms}: {outcome:?}"
        );
    }
}

#[test]
fn what_is_demanded_is_there_and_within_bounds() {
    let judge = |value: serde_json::Value| of(&settings(value), TEXT, GOOD);
    let only = |assertion: serde_json::Value| judge(json!({ "assert": [assertion] }));
    for (value, wanted) in [
        (
            json!({ "required": ["requests_total", "latency_seconds", "latency_seconds_count"] }),
            &[][..],
        ),
        (json!({ "required": ["requests"] }), &["family_missing"]),
        (
            json!({ "assert": [{ "metric": "requests_total", "exists": true }] }),
            &["holds"],
        ),
        (
            json!({ "assert": [{ "metric": "errors_total", "exists": true }] }),
            &["missing"],
        ),
        (
            json!({ "assert": [{ "metric": "errors_total", "exists": false }] }),
            &["absent"],
        ),
        (
            json!({ "assert": [{ "metric": "requests_total", "exists": false }] }),
            &["present"],
        ),
    ] {
        assert_eq!(codes(&judge(value.clone())), wanted, "{value}");
    }
    for (least, most, wanted) in [
        (json!(2), json!(4), "holds"),
        (json!(3), json!(3), "holds"),
        (json!("2.9999"), json!("3.0001"), "holds"),
        (json!("3.0001"), json!(4), "too_small"),
        (json!(0), json!("2.9999"), "too_large"),
    ] {
        let outcome = only(json!({
            "metric": "requests_total", "labels": { "code": "500" }, "at_least": least, "at_most": most,
        }));
        assert_eq!(codes(&outcome), [wanted], "{least} {most}");
        assert_eq!(
            outcome.findings[0].subject,
            "sample `requests_total` with `code=500`"
        );
    }
    let all = only(json!({ "metric": "requests_total", "at_most": 1000 }));
    assert_eq!(codes(&all), ["too_large"], "each sample must hold");
    assert!(
        all.findings[0].message.contains("found `1027` in line 6"),
        "{all:?}"
    );
    let nan = of(
        &settings(json!({ "assert": [{ "metric": "a", "at_least": 0 }] })),
        TEXT,
        "# HELP a x\na NaN\n",
    );
    assert_eq!(
        codes(&nan),
        ["too_small"],
        "what is no number lies within no bound"
    );
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    for wrong in [
        json!({ "path": "metrics" }),
        json!({ "path": "/a b" }),
        json!({ "path": "/m?token=abc" }),
        json!({ "max_series": 0 }),
        json!({ "scrape_timeout_ms": 0 }),
        json!({ "second_scrape_after_ms": 999 }),
        json!({ "second_scrape_after_ms": 15_001 }),
        json!({ "required": [""] }),
        json!({ "required": ["1a"] }),
        json!({ "assert": [{ "metric": "a" }] }),
        json!({ "assert": [{ "metric": "a", "exists": false, "at_least": 1 }] }),
        json!({ "assert": [{ "metric": "a", "at_least": 2, "at_most": 1 }] }),
        json!({ "assert": [{ "metric": "a", "at_least": 0.5 }] }),
        json!({ "assert": [{ "metric": "a", "at_least": "much" }] }),
        json!({ "unknown": 1 }),
    ] {
        assert!(
            builtin::registry().build("http.metrics", &wrong).is_err(),
            "{wrong}"
        );
    }
    settings(json!({ "second_scrape_after_ms": 1000 }));
    let built = MetricAssertion::exists("a")
        .label("b", "c")
        .at_least(1)
        .at_most(MetricBound::parse("1.5").unwrap());
    let read =
        json!({ "metric": "a", "labels": { "b": "c" }, "exists": true, "at_least": 1, "at_most": "1.5" });
    assert_eq!(serde_json::from_value::<MetricAssertion>(read).unwrap(), built);
}

fn twice(content_type: &str, first: &str, second: &str) -> Outcome {
    let second = exchange(content_type, second);
    judge::judge(
        &Metrics::default(),
        &exchange(content_type, first),
        Some(Ok(&second)),
        None,
        NOW,
    )
}

#[test]
fn counters_do_not_fall() {
    let fallen = GOOD.replace(" 1027\n", " 1026\n");
    for (first, second, wanted) in [
        (GOOD, GOOD.to_owned(), "counters_rise"),
        (GOOD, GOOD.replace("} 1027", "} 2000"), "counters_rise"),
        (GOOD, fallen.clone(), "counter_fell"),
        (GOOD, GOOD.replace("900", "899"), "counter_fell"),
        (GOOD, fallen.replace("1795000000.5", "1795000001"), "restarted"),
        // Behind a balancer the second may be of an older instance.
        (GOOD, fallen.replace("1795000000.5", "1794000000"), "restarted"),
        (
            "# HELP a x\n# TYPE a gauge\na 2\n",
            "# HELP a x\n# TYPE a gauge\na 1\n".to_owned(),
            "counters_rise",
        ),
    ] {
        assert_eq!(codes(&twice(TEXT, first, &second)), [wanted], "{second}");
    }
    let page = |total: u32, created: u32| {
        format!(
            "# HELP a x\n# TYPE a counter\na_total{{b=\"c\"}} {total}\na_created{{b=\"c\"}} {created}\n# EOF\n"
        )
    };
    assert_eq!(
        codes(&twice(OPEN_METRICS, &page(5, 1), &page(1, 1))),
        ["counter_fell"]
    );
    assert_eq!(
        codes(&twice(OPEN_METRICS, &page(5, 1), &page(1, 2))),
        ["counters_rise"]
    );
}

#[test]
fn a_second_scrape_that_fails_is_unknown() {
    let first = exchange(TEXT, GOOD);
    let error = ObserveError::new(Reason::TIMEOUT, "no answer");
    let other = Exchange::new(503, [("content-type", TEXT)]);
    for second in [Err(&error), Ok(&other)] {
        let outcome = judge::judge(&Metrics::default(), &first, Some(second), None, NOW);
        assert!(outcome.status.is_unknown(), "{outcome:?}");
        assert_eq!(codes(&outcome), ["second_scrape_failed"]);
    }
}

#[test]
fn a_page_that_was_cut_is_judged_as_far_as_it_goes() {
    let mut cut = exchange(OPEN_METRICS, "# HELP a x\n# TYPE a gauge\na 1\na{b=\"brok");
    cut.body_complete = false;
    cut.body_bytes = 2_000_000;
    let demanding = settings(json!({ "required": ["a", "c"] }));
    let outcome = judge::judge(&demanding, &cut, None, None, NOW);
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["body_too_large", "not_read_to_its_end"]);
    cut.body = (&*format!("a 1\na 1\n{}", cut.body.to_lossy())).into();
    let faulty = judge::judge(&demanding, &cut, None, None, NOW);
    assert!(
        faulty.status.is_fail() && codes(&faulty).contains(&"duplicate_series"),
        "{faulty:?}"
    );
    cut.body_bytes = cut.body.len() as u64;
    let short = judge::judge(&Metrics::default(), &cut, None, None, NOW);
    assert!(codes(&short).contains(&"body_cut_short"), "{short:?}");
}

fn facts(keys: &[(HttpExchange, Exchange)]) -> Facts {
    let address = [192, 0, 2, 1].into();
    let facts = Facts::new()
        .with(
            DnsLookup::address("example.com", Family::V4),
            DnsAnswer::of_addresses("example.com", &[address], "test"),
        )
        .with(
            DnsLookup::address("example.com", Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(LocalRoute::new(address), Route::new(true));
    keys.iter()
        .cloned()
        .fold(facts, |facts, (key, exchange)| facts.with(key, exchange))
}

#[test]
fn the_page_is_asked_for_with_its_types_and_once_more() {
    let endpoint = Endpoint::new(([192, 0, 2, 1], 9100).into(), "example.com", false);
    let key = HttpExchange::get(endpoint, "example.com:9100", "/metrics")
        .header(
            "accept",
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
        )
        .keep_body(10 * 1024 * 1024);
    let page = |body: &str| exchange(TEXT, body).channel(Channel::Plain);
    let again = key.clone().sample(1).after(1000);
    let facts = facts(&[(key, page(GOOD)), (again, page(&GOOD.replace(" 1027\n", " 0\n")))]);
    let target = Target::parse("http://example.com:9100/").unwrap();
    let once = facts.judge(&Metrics::default(), &target);
    assert!(once.status.is_pass(), "{once:?}");
    let twice = facts.judge(&settings(json!({ "second_scrape_after_ms": 1000 })), &target);
    assert!(twice.status.is_fail(), "{twice:?}");
    assert_eq!(codes(&twice), ["counter_fell"]);
    let other = facts.judge(
        &Metrics::default(),
        &Target::parse("tcp://example.com:9100").unwrap(),
    );
    assert!(other.status.is_not_applicable());
}

#[test]
fn who_hides_metrics_is_told_where_anybody_sees_them() {
    let public = Some([198, 51, 100, 7].into());
    for (private, place, wanted) in [
        (true, public, vec!["open_to_all"]),
        (true, None, vec![]),
        (false, public, vec![]),
    ] {
        let settings = settings(json!({ "private": private }));
        let outcome = judge::judge(&settings, &exchange(TEXT, GOOD), None, place, NOW);
        assert_eq!(codes(&outcome), wanted, "{private} {place:?}");
        let hidden = Exchange::new(404, [("content-type", TEXT)]);
        let hidden = judge::judge(&settings, &hidden, None, place, NOW);
        assert!(!codes(&hidden).contains(&"open_to_all"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_scrape_comes_later() {
    let asked: Arc<Mutex<Vec<tokio::time::Instant>>> = Arc::default();
    let times = Arc::clone(&asked);
    let service = InProcess::from_fn(move |_| {
        let mut asked = times.lock().unwrap();
        asked.push(tokio::time::Instant::now());
        let page = GOOD.replace(" 1027\n", &format!(" {}\n", 1027 - asked.len()));
        async move {
            http::Response::builder()
                .header("content-type", TEXT)
                .body(page.into_bytes())
                .unwrap()
        }
    });
    let target = Arc::new(Target::parse("https://shop.example.com/").unwrap());
    let mut suite = Suite::default();
    let probe = settings(json!({ "second_scrape_after_ms": 1500 }));
    suite.add(Requirement::new(Arc::new(probe), target)).unwrap();
    let report = service.run(suite).await;
    let outcome = &report.results[0].targets[0].outcome;
    assert_eq!(codes(outcome), ["counter_fell"], "{report}");
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 2);
    assert!(asked[1] - asked[0] >= std::time::Duration::from_millis(1500));
}
