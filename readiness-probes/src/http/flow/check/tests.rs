use readiness_core::fact::Endpoint;
use serde_json::json;

use super::*;

fn settings(steps: Value) -> Flow {
    serde_json::from_value(json!({ "steps": steps, "allow_unsafe": true })).unwrap()
}

fn problem(steps: Value) -> String {
    settings(steps).check().unwrap_err()
}

#[test]
fn settings_that_make_no_sense_are_errors() {
    let take = |from: Value| json!([{ "name": "a", "extract": { "v": from } }]);
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
        (
            json!([{ "name": "a", "method": "POST", "json": "{\"password\":\"hunter2\"}" }]),
            "step `a`: `json` holds a value for `password`, which would be shown",
        ),
        (
            json!([{ "name": "a", "method": "POST", "text": "password=hunter2" }]),
            "`text` holds a value for `password`",
        ),
        (
            json!([{ "name": "a", "method": "POST", "form": { "pwd": "hunter2" } }]),
            "`form` holds a value for `pwd`",
        ),
        (
            json!([{ "name": "a", "headers": { "authorization": "Bearer hunter2" } }]),
            "`headers` holds a value for `authorization`",
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
fn a_cookie_that_is_written_out_is_no_session() {
    let with = |cookie: &str| Flow {
        cookies: false,
        ..settings(json!([{ "name": "a", "headers": { "cookie": cookie } }]))
    };
    assert_eq!(with("theme=dark").check(), Ok(()));
    let error = with("session=4f1c0e22").check().unwrap_err();
    assert!(error.contains("`headers` holds a value for `cookie`"), "{error}");
}

#[test]
fn what_makes_sense_is_taken() {
    for steps in [
        json!([{ "name": "a", "path": "/a?keyword=b&design=c&passenger=d&monkey=e" }]),
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
