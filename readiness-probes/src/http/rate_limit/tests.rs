use readiness_core::Status;

use super::*;

/// A burst that ended with a 429 of these headers after so many other answers.
fn limited(before: u64, headers: &[(&str, &str)]) -> LoadFacts {
    let mut facts = LoadFacts::default();
    for _ in 0..before {
        facts.add_answer(200, 1_000, true);
    }
    facts.add_answer(429, 1_000, true);
    facts.ended_by = Some(Box::new((before, Exchange::new(429, headers.iter().copied()))));
    facts
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn a_429_is_judged_by_what_it_says() {
    /// Headers, and the codes of what is found.
    type Row = (&'static [(&'static str, &'static str)], &'static [&'static str]);
    let rows: [Row; 10] = [
        (&[("retry-after", "30")], &[]),
        (&[("retry-after", "3600")], &[]),
        (&[("retry-after", "3601")], &["retry_after_too_long"]),
        (&[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")], &[]),
        (&[("retry-after", "soon")], &["malformed"]),
        (&[("retry-after", "5"), ("retry-after", "9")], &["malformed"]),
        (&[("ratelimit", r#""default";r=0;t=30"#)], &[]),
        (&[("ratelimit-remaining", "0")], &["no_retry_after"]),
        (&[("ratelimit-reset", "x")], &["malformed", "no_retry_after"]),
        (&[], &["no_retry_after"]),
    ];
    for (headers, expected) in rows {
        let outcome = judge(&RateLimit::default(), &limited(7, headers));
        assert_eq!(codes(&outcome), expected, "{headers:?}");
        assert_eq!(outcome.status.is_pass(), expected.is_empty(), "{headers:?}");
        assert_eq!(outcome.summary, "429 after 7 other answers");
    }
}

#[test]
fn a_burst_without_a_429_fails_only_where_all_was_answered() {
    let mut facts = LoadFacts::default();
    for _ in 0..99 {
        facts.add_answer(200, 1_000, true);
    }
    facts.timed_out = 1;
    let settings = RateLimit::default();
    assert!(matches!(judge(&settings, &facts).status, Status::Unknown { .. }));
    facts.timed_out = 0;
    facts.add_answer(503, 1_000, true);
    let outcome = judge(&settings, &facts);
    assert!(outcome.status.is_fail(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["not_limited"]);
    assert_eq!(outcome.evidence[1].value, "200: 99, 503: 1");
    assert!(judge(&settings, &LoadFacts::default()).status.is_unknown());
}

#[test]
fn hostile_headers_are_shown_and_believed_nothing() {
    let long = "9".repeat(10_000);
    let outcome = judge(&RateLimit::default(), &limited(0, &[("retry-after", &long)]));
    assert_eq!(codes(&outcome), ["retry_after_too_long"]);
    let outcome = judge(&RateLimit::default(), &limited(0, &[("ratelimit", &long)]));
    assert_eq!(codes(&outcome), ["malformed", "no_retry_after"]);
    assert!(
        outcome
            .evidence
            .iter()
            .all(|evidence| evidence.value.len() < 2_000)
    );
}

#[test]
fn settings_are_checked() {
    let check = |change: fn(&mut RateLimit)| {
        let mut settings = RateLimit::default();
        change(&mut settings);
        settings.check()
    };
    assert!(check(|_| {}).is_ok());
    assert!(check(|s| s.requests = 2).is_ok());
    assert!(check(|s| s.requests = 3_000).is_ok());
    for (what, wrong) in [
        ("`requests`", check(|s| s.requests = 1)),
        ("`requests`", check(|s| s.requests = 10_001)),
        ("3001 requests", check(|s| s.requests = 3_001)),
        ("`rate_per_second`", check(|s| s.rate_per_second = 0)),
        ("`rate_per_second`", check(|s| s.rate_per_second = 1_001)),
        ("`in_flight`", check(|s| s.in_flight = 0)),
        ("`path`", check(|s| s.path = "x".into())),
        ("`path`", check(|s| s.path = "/x?key=1".into())),
    ] {
        assert!(wrong.unwrap_err().contains(what), "{what}");
    }
}
