//! Settings and judgement, without a network.

use readiness_core::{
    Described, ObserveError, Outcome, Reason, Target,
    fact::{Endpoint, Exchange},
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::*;
use crate::http::{Assertion, HeaderAssertion};

fn settings(steps: serde_json::Value) -> Flow {
    serde_json::from_value(json!({ "steps": steps, "allow_unsafe": true })).unwrap()
}

#[test]
fn what_is_secret_follows_from_what_was_sent() {
    let flow = settings(json!([
        { "name": "open", "extract": { "a": { "json": "/a" }, "b": { "json": "/b", "secret": true } } },
        { "name": "plain", "path": "/{{a}}" },
        { "name": "with", "path": "/?{{b}}", "extract": { "c": { "json": "/c", "secret": false } } },
        { "name": "after", "path": "/{{c}}", "extract": { "d": { "json": "/d" } } },
        { "name": "told", "path": "/{{d}}", "secret": false },
    ]));
    assert_eq!(flow.check(), Ok(()));
    let secrecy = Secrecy::of(&flow.steps);
    let sends: Vec<bool> = (0..5).map(|n| secrecy.sends(n)).collect();
    assert_eq!(sends, [false, false, true, false, true]);
    let answers: Vec<bool> = (0..5).map(|n| secrecy.answer(n)).collect();
    assert_eq!(answers, [false, false, true, true, false]);
    let named = settings(json!([
        { "name": "a", "extract": {
            "token": { "json": "/t" }, "sid": { "cookie": "sid" }, "id": { "json": "/id" },
            "page_token": { "json": "/p", "secret": false },
        } },
    ]));
    let secrecy_of = Secrecy::of(&named.steps);
    let named: Vec<bool> = ["token", "sid", "id", "page_token"]
        .map(|name| secrecy_of.value(name))
        .into();
    assert_eq!(named, [true, true, false, false]);
    let values: Vec<bool> = ["a", "b", "c", "d", "nobody"]
        .map(|name| secrecy.value(name))
        .into();
    assert_eq!(values, [false, true, false, true, true]);
}

fn received(body: &str) -> Received {
    Received {
        headers: http::HeaderMap::new(),
        body: body.into(),
        is_whole: true,
    }
}

#[test]
fn no_more_is_kept_of_an_answer_than_was_asked() {
    let step = |secret| {
        let expect = [
            Assertion::exists("/token"),
            Assertion::exists("/n").at_least(1),
            Assertion::exists("/state").equals("open"),
            Assertion::exists("/other").equals("open"),
            Assertion::exists("/gone"),
            Assertion::exists("/long"),
        ];
        let expect = expect.into_iter().fold(FlowExpect::default(), FlowExpect::assert);
        FlowStep::new("a", "GET", "/").secret(secret).expect(expect)
    };
    let body = json!({
        "token": "s3cr3t", "n": 5, "state": "open", "other": "shut", "long": "x".repeat(5000), "more": "m0r3",
    });
    let kept = |secret: bool| {
        let step = step(secret);
        let secrecy = Secrecy::of(std::slice::from_ref(&step));
        let exchange = Exchange::new(200, [("x-other", "1"), ("content-type", "a/b")]).body("s3cr3t");
        let (answer, variables) = take(&step, 0, &secrecy, exchange, &received(&body.to_string()));
        assert!(variables.is_empty());
        assert_eq!(answer.exchange.headers.len(), 1);
        assert!(answer.exchange.body.is_empty());
        match answer.document {
            FlowDocument::Values(values) => values,
            other => panic!("{other:?}"),
        }
    };
    let hidden = Some("\"[redacted]\"".to_owned());
    let text = |text: &str| Some(format!("\"{text}\""));
    let secret = kept(true);
    assert_eq!(
        secret,
        [
            hidden.clone(),
            Some("5".to_owned()),
            text("open"),
            hidden.clone(),
            None,
            hidden
        ]
    );
    let open = kept(false);
    assert_eq!(open[0], text("s3cr3t"));
    assert_eq!(open[3], text("shut"));
    assert!(open[5].as_ref().unwrap().len() < 600);
}

/// What is kept of headers that answer a step which expects this of them.
fn kept_headers(secret: bool, expect: serde_json::Value, lines: &[(&'static str, &str)]) -> FlowAnswer {
    let step: FlowStep = serde_json::from_value(json!({
        "name": "a", "path": "/login", "secret": secret, "expect": { "status": [200, 303], "headers": expect },
    }))
    .unwrap();
    let mut received = received("");
    for (name, value) in lines {
        received.headers.append(*name, value.parse().unwrap());
    }
    let secrecy = Secrecy::of(std::slice::from_ref(&step));
    let exchange = Exchange::new(303, lines.iter().copied());
    take(&step, 0, &secrecy, exchange, &received).0
}

#[test]
fn headers_of_a_secret_answer_are_judged_and_not_kept() {
    let lines = [
        ("x-session", "s3cr3t-session"),
        ("location", "/magic/s3cr3t-path"),
        ("content-type", "text/html"),
        ("x-frame-options", "DENY"),
    ];
    let expect = json!([
        { "name": "X-Session" },
        { "name": "x-session", "equals": "other" },
        { "name": "x-session", "contains": "red" },
        { "name": "x-session", "contains": "session" },
        { "name": "x-session", "exists": false },
        { "name": "x-none" },
        { "name": "x-none", "exists": false },
        { "name": "location", "contains": "/magic/" },
        { "name": "content-type", "contains": "html" },
        { "name": "x-frame-options", "equals": "DENY" },
    ]);
    let answer = kept_headers(true, expect.clone(), &lines);
    let told = serde_json::to_string(&answer).unwrap();
    assert!(!told.contains("s3cr3t"), "{told}");
    assert_eq!(answer.exchange.first("x-frame-options"), Some(&b"DENY"[..]));
    assert_eq!(answer.exchange.first("content-type"), Some(&b"text/html"[..]));
    let run = run(json!([
        { "name": "a", "path": "/login", "secret": true, "expect": { "status": [303], "headers": expect } },
    ]));
    let outcome = judged(&run, vec![FlowResult::Answered(Box::new(answer))]);
    assert!(!format!("{outcome:?}").contains("s3cr3t"), "{outcome:?}");
    let codes: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect();
    let wanted = [
        "status",
        "holds",
        "different",
        "lacks",
        "holds",
        "present",
        "missing",
        "absent",
        "holds",
        "holds",
        "holds",
    ];
    assert_eq!(codes, wanted, "{outcome:?}");
}

#[test]
fn a_secret_answer_tells_only_the_location_that_was_asked() {
    for (secret, location, told) in [
        (true, "/login", "/login"),
        (true, "/login/s3cr3t", "[redacted]"),
        (true, "https://192.0.2.1/login", "[redacted]"),
        (false, "/orders/17", "/orders/17"),
    ] {
        let answer = kept_headers(secret, json!([]), &[("location", location)]);
        assert_eq!(
            answer.exchange.first("location"),
            Some(told.as_bytes()),
            "{location}"
        );
        assert!(answer.headers.is_empty());
    }
}

#[test]
fn one_line_is_kept_of_a_header_that_nobody_asked_about() {
    let mut lines = vec![("content-type", "text/html"); 500];
    lines.extend([("location", "/a"), ("x-a", "1"), ("x-a", "2")]);
    lines.extend([("location", "/b"); 500]);
    let asked = kept_headers(false, json!([{ "name": "x-a", "equals": "1, 2" }]), &lines);
    let names: Vec<&str> = asked
        .exchange
        .headers
        .iter()
        .map(|header| header.name.as_str())
        .collect();
    assert_eq!(names, ["content-type", "location", "x-a", "x-a"]);
    assert_eq!(asked.exchange.first("location"), Some(&b"/a"[..]));
    let secret = kept_headers(true, json!([{ "name": "x-a", "contains": "2" }]), &lines);
    assert_eq!(secret.exchange.headers.len(), 3);
    assert_eq!(secret.headers, [Some(FlowHeader::Holds)]);
}

#[test]
fn values_are_taken_from_where_they_stand() {
    let mut headers = http::HeaderMap::new();
    headers.append("x-id", " 17 ".parse().unwrap());
    headers.append("set-cookie", "sid=old; Path=/".parse().unwrap());
    headers.append("set-cookie", "sid=a=b; Secure".parse().unwrap());
    let body = r#"{"t":"v","n":5,"b":false,"z":null,"l":[],"e":"","in":"<a href='/x'>"}"#;
    let long = format!("{{\"t\":\"{}\"}}", "x".repeat(FlowRun::MOST_VALUE_BYTES + 1));
    let of = |from: FlowExtract, body: &str, is_whole: bool| {
        let step = FlowStep::new("a", "GET", "/").extract("v", from);
        let received = Received {
            headers: headers.clone(),
            body: body.into(),
            is_whole,
        };
        let secrecy = Secrecy::of(std::slice::from_ref(&step));
        let exchange = Exchange::new(200, [] as [(&str, &str); 0]);
        let (answer, variables) = take(&step, 0, &secrecy, exchange, &received);
        match (variables.first(), answer.taken.first()) {
            (Some((_, variable)), _) => Ok(variable.value.clone()),
            (None, Some((_, FlowTaken::Lacking(lack)))) => Err(*lack),
            other => panic!("{:?}", other.1),
        }
    };
    for (from, wanted) in [
        (FlowExtract::json("/t"), Ok(json!("v"))),
        (FlowExtract::json("/n"), Ok(json!(5))),
        (FlowExtract::json("/b"), Ok(json!(false))),
        (FlowExtract::json("/z"), Err(FlowLack::Missing)),
        (FlowExtract::json("/none"), Err(FlowLack::Missing)),
        (FlowExtract::json("/l"), Err(FlowLack::NotScalar)),
        (FlowExtract::json("/e"), Err(FlowLack::Empty)),
        (FlowExtract::header("X-Id"), Ok(json!("17"))),
        (FlowExtract::header("x-none"), Err(FlowLack::Missing)),
        (FlowExtract::cookie("sid"), Ok(json!("a=b"))),
        (FlowExtract::cookie("SID"), Err(FlowLack::Missing)),
        (FlowExtract::between("href='", "'"), Ok(json!("/x"))),
        (FlowExtract::between("href='", "\u{0}"), Err(FlowLack::Missing)),
        (FlowExtract::between("src='", "'"), Err(FlowLack::Missing)),
    ] {
        assert_eq!(of(from.clone(), body, true), wanted, "{from:?}");
    }
    assert_eq!(
        of(FlowExtract::json("/t"), "<html>", true),
        Err(FlowLack::NotJson)
    );
    assert_eq!(of(FlowExtract::json("/t"), &long, true), Err(FlowLack::TooLong));
    assert_eq!(
        of(FlowExtract::json("/t"), "{\"t\":\"v\"", false),
        Err(FlowLack::NotRead)
    );
    assert_eq!(
        of(FlowExtract::between("src='", "'"), body, false),
        Err(FlowLack::NotRead)
    );
    assert_eq!(
        of(FlowExtract::between("href='", "'"), body, false),
        Ok(json!("/x")),
        "it was read"
    );
}

fn run(steps: serde_json::Value) -> FlowRun {
    let flow = settings(steps);
    flow.check().unwrap();
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "192.0.2.1", true);
    FlowRun::new(endpoint, "192.0.2.1", flow.steps)
}

fn answered(status: u16) -> FlowResult {
    FlowResult::Answered(Box::new(FlowAnswer::new(Exchange::new(
        status,
        [] as [(&str, &str); 0],
    ))))
}

fn judged(run: &FlowRun, results: Vec<FlowResult>) -> Outcome {
    let outcome = judge::judge(run, &FlowFacts::new(results));
    assert_eq!(faults_of_outcome(&outcome), Vec::<String>::new());
    outcome
}

fn faults(outcome: &Outcome) -> Vec<String> {
    let faults = outcome.findings.iter().filter(|finding| !finding.is_note());
    faults
        .map(|finding| format!("{} {}", finding.status.word(), finding.code))
        .collect()
}

#[test]
fn each_end_of_a_step_has_its_own_words() {
    let two = run(json!([{ "name": "a" }, { "name": "b", "expect": { "status": [401] } }]));
    assert!(judged(&two, vec![answered(200), answered(401)]).status.is_pass());
    let timeout = ObserveError::new(Reason::TIMEOUT, "no answer within 5 s");
    let challenge = Exchange::new(200, [("cf-mitigated", "challenge")]);
    let challenge = FlowResult::Answered(Box::new(FlowAnswer::new(challenge)));
    let unfit = FlowResult::Unfit {
        variable: "v".to_owned(),
        problem: FlowUnfit::ControlCharacter,
    };
    for (result, wanted) in [
        (answered(199), "fail unexpected_status"),
        (answered(300), "fail unexpected_status"),
        (answered(302), "fail unexpected_status"),
        (answered(401), "fail unexpected_status"),
        (answered(429), "unknown turned_away"),
        (challenge, "unknown turned_away"),
        (FlowResult::Failed(timeout), "unknown not_answered"),
        (FlowResult::OutOfTime, "unknown out_of_time"),
        (unfit, "fail unsafe_value"),
    ] {
        let outcome = judged(&two, vec![result.clone(), FlowResult::Skipped]);
        assert_eq!(faults(&outcome), [wanted], "{outcome:?}");
        assert!(
            outcome.summary.starts_with("step `a` (1 of 2): "),
            "{}",
            outcome.summary
        );
        assert!(outcome.summary.ends_with(", 1 not sent"), "{}", outcome.summary);
        let skipped = outcome
            .findings
            .iter()
            .find(|finding| finding.code == "skipped")
            .unwrap();
        assert_eq!(skipped.message, "not sent, as step `a` failed");
        assert!(has_failed(&two, &two.steps[0], false, &result));
    }
    let none = judged(&two, vec![answered(200)]);
    assert_eq!(faults(&none), ["unknown not_recorded"]);
    let refused = run(json!([{ "name": "a", "credential": true }]));
    for status in [401, 403] {
        assert_eq!(
            faults(&judged(&refused, vec![answered(status)])),
            ["fail credential_refused"]
        );
    }
}

#[test]
fn every_expectation_is_told() {
    let run = run(json!([{ "name": "a", "expect": {
        "headers": [{ "name": "x-a", "equals": "1" }, { "name": "x-b" }],
        "contains": ["one", "two"],
        "not_contains": ["three", "four"],
        "assert": [{ "pointer": "/a", "equals": 1 }, { "pointer": "/b", "exists": true }],
    } }]));
    let answer = |body_complete| {
        let mut answer = FlowAnswer::new(Exchange::new(500, [("x-a", "2")]));
        answer.exchange.body_complete = body_complete;
        answer.texts = vec![true, false, true, false];
        answer.document = FlowDocument::Values(vec![Some("2".to_owned()), None]);
        FlowResult::Answered(Box::new(answer))
    };
    let outcome = judged(&run, vec![answer(true)]);
    assert_eq!(
        faults(&outcome),
        [
            "fail unexpected_status",
            "fail different",
            "fail missing",
            "fail lacks",
            "fail holds_unwanted",
            "fail different",
            "fail missing"
        ],
        "{outcome:?}"
    );
    assert_eq!(outcome.findings.len(), 9);
    let cut = judged(&run, vec![answer(false)]);
    assert!(
        faults(&cut).contains(&"unknown not_read_to_its_end".to_owned()),
        "{cut:?}"
    );
    let header = HeaderAssertion::exists("x-a");
    assert_eq!(FlowExpect::default().header(header).headers.len(), 1);
}

#[test]
fn the_probe_asks_for_one_flow() {
    let target = Target::parse("https://192.0.2.1").unwrap();
    let flow = Flow::new([FlowStep::new("a", "GET", "/")]);
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "192.0.2.1", true);
    let key = FlowRun::new(endpoint, "192.0.2.1", flow.steps.clone());
    let facts = Facts::new().with(key.clone(), FlowFacts::new(vec![answered(200)]));
    assert!(facts.judge(&flow, &target).status.is_pass());
    let refused = ObserveError::new(Reason::TCP_REFUSED, "refused");
    let facts = Facts::new().with_error(key, refused);
    assert!(facts.judge(&flow, &target).status.is_unknown());
    let other = Target::parse("tcp://192.0.2.1:1").unwrap();
    assert!(facts.judge(&flow, &other).status.is_not_applicable());
    let needs = Flow::new([FlowStep::new("a", "GET", "/").credential()]);
    let outcome = facts.judge(&needs, &target);
    assert!(
        outcome.status.is_unknown() && outcome.summary.contains("has none"),
        "{outcome:?}"
    );
    let wrong = facts.judge(&Flow::default(), &target);
    assert!(wrong.status.is_unknown(), "{wrong:?}");
    assert_eq!(Flow::described().id.as_str(), "http.flow");
}
