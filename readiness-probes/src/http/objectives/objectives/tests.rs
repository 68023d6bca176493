use readiness_core::{Finding, ObserveError, Reason, Status, Target, Unit, fact::Endpoint, testing::Facts};

use super::{super::LoadFacts, *};

/// So many answers of each status, each after so many microseconds.
fn answers(all: &[(u16, u64, u64)]) -> LoadFacts {
    let mut facts = LoadFacts::default();
    for &(status, count, us) in all {
        for _ in 0..count {
            facts.add_answer(status, us, true);
        }
    }
    facts
}

fn finding<'a>(outcome: &'a Outcome, code: &str) -> &'a Finding {
    let found = outcome.findings.iter().find(|finding| finding.code == code);
    found.unwrap_or_else(|| panic!("{code}: {outcome:?}"))
}

fn reason(outcome: &Outcome) -> Option<&Reason> {
    match &outcome.status {
        Status::Unknown { reason, .. } => Some(reason),
        _ => None,
    }
}

#[test]
fn errors_pass_fail_or_need_more() {
    let objectives = Objectives::default();
    let judged = |facts: &LoadFacts| judge(&objectives, facts);
    let pass = judged(&answers(&[(200, 299, 1_000)]));
    assert!(pass.status.is_pass() && pass.findings.is_empty(), "{pass:?}");
    assert_eq!(pass.summary, "299 requests, 0 failed, p99 1 ms");
    let few = judged(&answers(&[(200, 298, 1_000)]));
    assert_eq!(reason(&few), Some(&Reason::TOO_FEW_SAMPLES));
    assert!(
        finding(&few, "error_rate").message.ends_with("; it needs 1 more"),
        "{few:?}"
    );
    let one = judged(&answers(&[(200, 299, 1_000), (500, 1, 1_000)]));
    let message = &finding(&one, "error_rate").message;
    assert!(
        message.contains("it needs at least 173 more if none of them does, and some"),
        "{message}"
    );
    // Three of 300 at 1 % are expected, and seven have a chance of 3.3 %.
    let six = judged(&answers(&[(200, 294, 1_000), (500, 6, 1_000)]));
    assert!(six.status.is_unknown(), "{six:?}");
    let seven = judged(&answers(&[(200, 293, 1_000), (404, 7, 1_000)]));
    assert!(seven.status.is_fail(), "{seven:?}");
    let message = &finding(&seven, "error_rate").message;
    assert!(message.contains("7 of 300 did"), "{message}");
    assert!(!finding(&seven, "error_rate").remedy.is_empty());
    assert_eq!(seven.measures[0].unit, Unit::BasisPoints);
    assert_eq!(seven.measures[0].value, 233);
    let none = judged(&LoadFacts::default());
    assert_eq!(reason(&none), Some(&Reason::TOO_FEW_SAMPLES));
}

#[test]
fn a_status_is_right_where_it_is_expected() {
    let facts = answers(&[(404, 299, 1_000)]);
    assert!(judge(&Objectives::default(), &facts).status.is_fail());
    let expected = Objectives {
        expect_status: serde_json::from_value(serde_json::json!([404])).unwrap(),
        ..Objectives::default()
    };
    assert!(judge(&expected, &facts).status.is_pass());
}

#[test]
fn no_answer_is_a_failure_and_slow() {
    let objectives = Objectives {
        latency: vec!["p95 <= 300 ms".parse().unwrap()],
        ..Objectives::default()
    };
    for broke in [false, true] {
        let mut facts = answers(&[(200, 270, 1_000)]);
        facts.first_error = broke.then(|| ObserveError::new(Reason::TCP_RESET, "reset in the middle"));
        *(if broke {
            &mut facts.broken
        } else {
            &mut facts.timed_out
        }) = 30;
        let outcome = judge(&objectives, &facts);
        assert!(finding(&outcome, "error_rate").status.is_fail(), "{outcome:?}");
        let latency = finding(&outcome, "latency");
        assert!(latency.status.is_fail(), "{outcome:?}");
        assert_eq!(latency.subject, "p95");
        assert_eq!(outcome.summary, "300 requests, 30 failed, p99 without an answer");
        assert_eq!(
            outcome.evidence.iter().any(|e| e.value == "reset in the middle"),
            broke
        );
    }
}

#[test]
fn a_quantile_is_judged_by_the_share_over_its_limit() {
    let objectives = Objectives {
        latency: vec!["p99 <= 2 ms".parse().unwrap()],
        ..Objectives::default()
    };
    for (slow, us, status) in [
        (0, 0, "pass"),
        // At the limit is within it.
        (10, 2_000, "pass"),
        (1, 2_001, "unknown"),
        (6, 2_001, "unknown"),
        (7, 2_001, "fail"),
    ] {
        let outcome = judge(
            &objectives,
            &answers(&[(200, 300 - slow, 1_000), (200, slow, us)]),
        );
        let found = match &outcome.status {
            Status::Pass => "pass",
            Status::Fail => "fail",
            _ => "unknown",
        };
        assert_eq!(found, status, "{slow} at {us}: {outcome:?}");
    }
}

#[test]
fn what_this_machine_added_makes_nobody_slow() {
    let objectives = Objectives {
        latency: vec!["p90 <= 2 ms".parse().unwrap()],
        ..Objectives::default()
    };
    let mut facts = answers(&[(200, 300, 2_040)]);
    assert!(judge(&objectives, &facts).status.is_fail());
    facts.own_delay_us = 40;
    assert!(judge(&objectives, &facts).status.is_unknown(), "nor fast");
}

#[test]
fn turned_away_and_held_back_prove_nothing() {
    let objectives = Objectives::default();
    let limited = judge(&objectives, &answers(&[(200, 200, 1_000), (429, 100, 500)]));
    assert_eq!(
        reason(&limited),
        Some(&Reason::UNEXPECTED_RESPONSE),
        "{limited:?}"
    );
    assert!(
        finding(&limited, "turned_away")
            .remedy
            .contains("rate_per_second")
    );
    let few = judge(&objectives, &answers(&[(200, 2_000, 1_000), (401, 5, 500)]));
    assert!(
        few.status.is_pass(),
        "it holds even if they were failures: {few:?}"
    );
    let failing = judge(
        &objectives,
        &answers(&[(200, 200, 1_000), (403, 50, 500), (500, 50, 500)]),
    );
    assert!(
        failing.status.is_fail(),
        "it is broken even if they were none: {failing:?}"
    );
    let mut held = answers(&[(200, 300, 1_000)]);
    held.held_back = 10;
    let held = judge(&objectives, &held);
    assert!(
        held.status.is_unknown() && finding(&held, "held_back").is_note(),
        "{held:?}"
    );
}

#[test]
fn throughput_counts_answers_that_keep_up() {
    let objectives = Objectives {
        min_per_second: 90,
        rate_per_second: 100,
        ..Objectives::default()
    };
    assert_eq!(objectives.may_miss_ppm(), 100_000);
    let kept_up = answers(&[(200, 300, 1_000)]);
    assert!(judge(&objectives, &kept_up).status.is_pass());
    let mut behind = answers(&[(200, 200, 1_000)]);
    for _ in 0..100 {
        behind.add_answer(200, 900_000, false);
    }
    let outcome = judge(&objectives, &behind);
    assert!(finding(&outcome, "throughput").status.is_fail(), "{outcome:?}");
}

#[test]
fn settings_are_checked() {
    let check = |change: fn(&mut Objectives)| {
        let mut settings = Objectives::default();
        change(&mut settings);
        settings.check()
    };
    assert!(check(|_| {}).is_ok());
    assert!(check(|s| s.max_seconds = 16).is_ok());
    for (what, wrong) in [
        ("`requests`", check(|s| s.requests = 0)),
        ("`requests`", check(|s| s.requests = 100_001)),
        ("`rate_per_second`", check(|s| s.rate_per_second = 0)),
        ("`rate_per_second`", check(|s| s.rate_per_second = 1_001)),
        ("`in_flight`", check(|s| s.in_flight = 513)),
        ("`timeout_ms`", check(|s| s.timeout_ms = 60_001)),
        ("`max_seconds`", check(|s| s.max_seconds = 601)),
        ("`max_seconds` is 15", check(|s| s.max_seconds = 15)),
        ("`min_per_second`", check(|s| s.min_per_second = 20)),
        ("`path`", check(|s| s.path = "/a b".into())),
        (
            "`latency`",
            check(|s| s.latency = vec!["p99 <= 5001 ms".parse().unwrap()]),
        ),
    ] {
        let wrong = wrong.unwrap_err();
        assert!(wrong.contains(what), "{what}: {wrong}");
    }
}

#[test]
fn the_load_is_asked_for_at_one_address() {
    let target = Target::parse("http://127.0.0.1:8080/items").unwrap();
    let endpoint = Endpoint::new(([127, 0, 0, 1], 8080).into(), "127.0.0.1", false);
    let request = HttpExchange::get(endpoint, "127.0.0.1:8080", "/items");
    let objectives = Objectives::default();
    let key = objectives.load(request);
    assert_eq!((key.requests, key.warm_up, key.rate_per_second), (300, 20, 20));
    let facts = Facts::new().with(key.clone(), answers(&[(200, 300, 1_000)]));
    assert!(facts.judge(&objectives, &target).status.is_pass());
    let refused = ObserveError::new(Reason::TCP_REFUSED, "refused");
    let outcome = Facts::new().with_error(key, refused).judge(&objectives, &target);
    assert_eq!(reason(&outcome), Some(&Reason::TCP_REFUSED));
    let tcp = Target::parse("tcp://127.0.0.1:5432").unwrap();
    assert!(Facts::new().judge(&objectives, &tcp).status.is_not_applicable());
}
