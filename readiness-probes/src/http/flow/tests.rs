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

fn problem(steps: serde_json::Value) -> String {
    settings(steps).check().unwrap_err()
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    let take = |from: serde_json::Value| json!([{ "name": "a", "extract": { "v": from } }]);
    for (steps, said) in [
        (json!([]), "`steps` is empty"),
        (json!([{}]), "step 1 has the name ``"),
        (json!([{ "name": "a b" }]), "step 1 has the name `a b`"),
        (json!([{ "name": "a".repeat(41) }]), "1 to 40"),
        (
            json!([{ "name": "a" }, { "name": "a" }]),
            "two steps have the name `a`",
        ),
        (
            json!([{ "name": "a", "method": "get" }]),
            "step `a`: `get` is no method; known are `DELETE`, `GET`",
        ),
        (json!([{ "name": "a", "method": "TRACE" }]), "is no method"),
        (
            json!([{ "name": "a", "path": "x" }]),
            "`path` must begin with `/`",
        ),
        (
            json!([{ "name": "a", "path": "/{{credential.user}}x y" }]),
            "`path` holds a space",
        ),
        (json!([{ "name": "a", "path": "/a#b" }]), "`path` holds a space"),
        (
            json!([{ "name": "a", "path": "/a?api_key=s3cr3t" }]),
            "`path` holds a value for `api_key`",
        ),
        (json!([{ "name": "a", "path": "/{{v" }]), "no `}}` closes"),
        (
            json!([{ "name": "a", "path": "/{{v}}" }]),
            "`{{v}}` in `path` is no variable that a step takes",
        ),
        (
            json!([{ "name": "a", "headers": { "host": "b" } }]),
            "belongs to the connection",
        ),
        (
            json!([{ "name": "a", "headers": { "cookie": "b" } }]),
            "would stand beside the cookies",
        ),
        (
            json!([{ "name": "a", "headers": { "a b": "c" } }]),
            "no header can have",
        ),
        (
            json!([{ "name": "a", "headers": { "a": "b\r\nc: d" } }]),
            "no header can hold",
        ),
        (
            json!([{ "name": "a", "headers": { "a": "b", "A": "b" } }]),
            "stands twice",
        ),
        (
            json!([{ "name": "a", "text": "b" }]),
            "it sends a body with `GET`",
        ),
        (
            json!([{ "name": "a", "method": "POST", "text": "b", "json": {} }]),
            "it has several bodies",
        ),
        (
            json!([{ "name": "a", "method": "POST", "json": { "{{v}}": 1 } }]),
            "`json` holds the name `{{v}}`",
        ),
        (
            json!([{ "name": "a", "expect": { "contains": [""] } }]),
            "an empty text",
        ),
        (
            json!([{ "name": "a", "expect": { "contains": ["x"], "not_contains": ["x"] } }]),
            "`x` must stand in the page and must not",
        ),
        (
            json!([{ "name": "a", "expect": { "assert": [{ "pointer": "/a" }] } }]),
            "nothing is asserted of `/a`",
        ),
        (
            json!([{ "name": "a", "expect": { "assert": [{ "pointer": "/a", "equals": 0.5 }] } }]),
            "`/a` must equal a fraction",
        ),
        (
            json!([{ "name": "a", "expect": { "assert": [{ "pointer": "/a", "equals": "[redacted]" }] } }]),
            "wherever a secret was",
        ),
        (
            json!([{ "name": "a", "expect": { "headers": [{ "name": "a b" }] } }]),
            "no header can have",
        ),
        (take(json!({})), "`v` must be taken from one place"),
        (
            take(json!({ "json": "/a", "header": "b" })),
            "`v` must be taken from one place",
        ),
        (take(json!({ "json": "a" })), "`a` is no JSON Pointer"),
        (take(json!({ "header": "a b" })), "no header can be called"),
        (take(json!({ "cookie": "" })), "a cookie without a name"),
        (take(json!({ "between": ["a", ""] })), "of which one is empty"),
        (
            take(json!({ "json": "/a", "also_for": ["https://a/b"] })),
            "`https://a/b` is no origin",
        ),
        (take(json!({ "json": "/a" })), "`v` is taken and never used"),
        (
            json!([{ "name": "a", "extract": { "v w": { "json": "/a" } } }]),
            "`extract` holds the name `v w`",
        ),
        (
            json!([{ "name": "a", "method": "HEAD", "extract": { "v": { "json": "/a" } } }]),
            "an answer to `HEAD` has none",
        ),
        (
            json!([{ "name": "a", "path": "/{{v}}" }, { "name": "b", "extract": { "v": { "json": "/v" } } }]),
            "step `a`: `{{v}}` in `path` is taken in step `b`, which comes later",
        ),
        (
            json!([{ "name": "a", "path": "/{{v}}", "extract": { "v": { "json": "/v" } } }]),
            "which comes with it",
        ),
        (
            json!([
                { "name": "a", "extract": { "v": { "json": "/v" } } },
                { "name": "b", "path": "/{{v}}", "extract": { "v": { "json": "/v" } } },
            ]),
            "`v` is taken twice, in the steps `a` and `b`",
        ),
        (
            json!([{ "name": "a", "origin": "https://b.example/c" }]),
            "is no origin",
        ),
        (
            json!([{ "name": "a", "origin": "ftp://b.example" }]),
            "is no origin",
        ),
        (
            json!([{ "name": "a", "origin": "https://b.example", "credential": true }]),
            "goes to the target alone",
        ),
        (
            json!([{ "name": "a", "origin": "https://b.example", "path": "/{{credential.token}}" }]),
            "goes to the target alone",
        ),
        (
            json!([
                { "name": "a", "credential": true, "extract": { "v": { "json": "/v" } } },
                { "name": "b", "origin": "https://b.example", "path": "/{{v}}" },
            ]),
            "`{{v}}` is secret and was taken at another origin",
        ),
    ] {
        let found = problem(steps.clone());
        assert!(found.contains(said), "{steps}: {found}");
    }
    let many: Vec<_> = (0..33)
        .map(|n| FlowStep::new(format!("s{n}"), "GET", "/"))
        .collect();
    assert!(Flow::new(many[..32].to_vec()).check().is_ok());
    assert!(Flow::new(many).check().unwrap_err().contains("33 steps"));
    for (seconds, fits) in [(0, false), (1, true), (120, true), (121, false)] {
        let mut flow = Flow::new([FlowStep::new("a", "GET", "/")]);
        flow.max_seconds = seconds;
        assert_eq!(flow.check().is_ok(), fits, "{seconds}");
    }
    let mut cautious = settings(json!([{ "name": "a", "method": "DELETE" }]));
    cautious.allow_unsafe = false;
    assert!(cautious.check().unwrap_err().contains("allow_unsafe = true"));
    for unknown in [
        json!([{ "name": "a", "pth": "/" }]),
        json!([{ "name": "a", "json": "{" }]),
        json!([{ "name": "a", "expect": { "status": [] } }]),
    ] {
        assert!(serde_json::from_value::<Flow>(json!({ "steps": unknown })).is_err());
    }
}

#[test]
fn what_makes_sense_is_taken() {
    for steps in [
        json!([{ "name": "a", "path": "/a?limit=10&token={{credential.token}}&tokens=" }]),
        json!([
            { "name": "a", "credential": true, "extract": { "v": { "json": "/v", "secret": false } } },
            { "name": "b", "origin": "https://b.example", "path": "/{{v}}" },
        ]),
        json!([
            { "name": "a", "credential": true, "extract": { "v": { "json": "/v", "also_for": ["https://b.example:443"] } } },
            { "name": "b", "origin": "https://b.example", "path": "/{{v}}" },
        ]),
        json!([{ "name": "a", "method": "POST", "json": "[1, 2]" }]),
        json!([{ "name": "a", "method": "PUT", "json": { "n": 9.99 } }]),
    ] {
        let flow = settings(steps.clone());
        assert_eq!(flow.check(), Ok(()), "{steps}");
        let endpoint = Endpoint::new(([127, 0, 0, 1], 80).into(), "localhost", false);
        let run = FlowRun::new(endpoint, "localhost", flow.steps);
        let key = serde_json::to_string(&run).unwrap();
        assert_eq!(serde_json::from_str::<FlowRun>(&key).unwrap(), run, "{key}");
    }
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
