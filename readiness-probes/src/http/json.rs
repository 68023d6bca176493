use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
};
use serde_json::Value;

use super::{
    StatusSet,
    assertion::{Assertion, judge_all},
};
use crate::{
    address,
    live::api::{ApiAnswer, ApiCall},
};

readiness_core::probe! {
    /// An API answers with JSON that holds what it must.
    ///
    /// # What it checks
    /// The status code of one `GET`, and values of the JSON document by their JSON Pointer: that they exist,
    /// equal a value, or lie between two integers. Redirects are not followed, and only a trusted peer is
    /// asked.
    ///
    /// # Why it matters
    /// Much of what makes a deployment ready is known to another system: a status page, a feature switch, a
    /// queue's length, the number of nodes. A person who looks it up by hand looks once.
    ///
    /// # How it is judged
    /// A status code outside `expect_status` fails, and so does a body that is no JSON and each assertion
    /// that does not hold. 401, 403 and 429 are unknown: the document was not shown. A document over 1 MiB is
    /// unknown too.
    ///
    /// # How to fix
    /// See the value that was found, and the system it came from; if that value is right, change the
    /// assertion.
    pub struct HttpJson {
        /// The path and query to ask, such as `/api/v2/status.json`. Default: those of the target.
        pub path: String = String::new(),
        /// The status codes that are right: a list such as `[200, "202-204"]`. Default: 200 to 299.
        pub expect_status: StatusSet = StatusSet::default(),
        /// What must hold, at least one: `[{ pointer = "/status", equals = "ok" }]`.
        pub assert: Vec<Assertion> = Vec::new(),
    }
    id: "http.json",
    title: "an API answers as it must",
    priority: Medium,
    timeout_seconds: 20,
    references: [
        "RFC 6901: JSON Pointer" => "https://www.rfc-editor.org/rfc/rfc6901",
        "RFC 8259: JSON" => "https://www.rfc-editor.org/rfc/rfc8259",
    ],
}

impl HttpJson {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        if !self.path.is_empty() && !self.path.starts_with('/') {
            return Err("`path` must begin with `/`, such as `/api/status.json`".to_owned());
        }
        if self
            .path
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '#')
        {
            return Err("`path` holds a space, a control character or `#`".to_owned());
        }
        address::check_query(&self.path)?;
        if self.assert.is_empty() {
            return Err(
                "`assert` is empty, so nothing could fail; write `[{ pointer = \"/status\", equals = \"ok\" }]`"
                    .to_owned(),
            );
        }
        self.assert.iter().try_for_each(Assertion::check)
    }
}

#[async_trait]
impl Probe for HttpJson {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let scheme = target.scheme();
        if !matches!(scheme, "http" | "https") {
            return Ok(Outcome::not_applicable(format!("`{scheme}` is no HTTP target")));
        }
        let authority = address::authority(target, target.port(), target.is_tls());
        let path = match self.path.as_str() {
            "" => target.path_and_query(),
            path => address::path_at(target, path),
        };
        let call = ApiCall::get(format!("{scheme}://{authority}{path}")).credential(target.credential());
        let answer = cx.observe(call).await?;
        Ok(judge(&answer, self))
    }
}

fn judge(answer: &ApiAnswer, settings: &HttpJson) -> Outcome {
    let status = answer.status;
    let outcome = if !settings.expect_status.contains(status) {
        of_status(status, &settings.expect_status)
    } else if !answer.body_complete {
        let summary = "the document is over 1 MiB, or was not sent to its end";
        Outcome::unknown(Reason::HTTP_TOO_LARGE, summary)
    } else {
        match serde_json::from_slice::<Value>(answer.body.as_bytes()) {
            Ok(document) => of_document(&document, &settings.assert),
            Err(e) => {
                let finding = Finding::fail("not_json", format!("expected JSON, found something else: {e}"))
                    .evidence("content type", answer.content_type.as_str())
                    .remedy(
                        "ask the path that answers with JSON; an HTML page is often a log-in or a fallback",
                    );
                Outcome::judged("the answer is no JSON", vec![finding])
            }
        }
    };
    outcome.evidence("status", status.to_string())
}

fn of_status(status: u16, expected: &StatusSet) -> Outcome {
    if matches!(status, 401 | 403 | 429) {
        let summary = format!("HTTP {status}: the document was not shown");
        return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary);
    }
    let finding = Finding::fail(
        "unexpected_status",
        format!("expected HTTP {expected}, found {status}"),
    )
    .remedy("see the system that was asked, or set `expect_status`");
    Outcome::judged(format!("HTTP {status}"), vec![finding])
}

fn of_document(document: &Value, assertions: &[Assertion]) -> Outcome {
    let findings = judge_all(assertions, document);
    let held = findings.iter().filter(|finding| finding.is_note()).count();
    let summary = format!("{held} of {} assertions hold", findings.len());
    Outcome::judged(summary, findings)
}

#[cfg(test)]
mod tests {
    use readiness_core::{ObserveError, Target, testing::Facts};
    use serde_json::json;

    use super::*;

    fn settings(assert: Value) -> HttpJson {
        serde_json::from_value(json!({ "assert": assert })).unwrap()
    }

    fn judged(body: &str, assert: Value) -> Outcome {
        let settings = settings(assert);
        settings.check().unwrap();
        judge(&ApiAnswer::new(200, "application/json", body), &settings)
    }

    #[test]
    fn what_holds_passes_and_is_counted() {
        let body = r#"{"status":"ok","nodes":3,"list":[{"a":null}],"a/b":1}"#;
        let outcome = judged(
            body,
            json!([
                { "pointer": "/status", "equals": "ok" },
                { "pointer": "/nodes", "at_least": 3, "at_most": 3 },
                { "pointer": "/list/0/a", "exists": true },
                { "pointer": "/list/0/a", "equals": null, "exists": true },
                { "pointer": "/a~1b", "equals": 1 },
                { "pointer": "/gone", "exists": false },
                { "pointer": "", "exists": true },
            ]),
        );
        assert!(outcome.status.is_pass());
        assert_eq!(outcome.summary, "7 of 7 assertions hold");
    }

    #[test]
    fn each_assertion_that_fails_is_a_finding_of_its_own() {
        let outcome = judged(
            r#"{"status":"down","nodes":2,"share":0.5,"big":18446744073709551615}"#,
            json!([
                { "pointer": "/status", "equals": "ok" },
                { "pointer": "/status", "exists": false },
                { "pointer": "/none", "equals": 1 },
                { "pointer": "/nodes", "at_least": 3 },
                { "pointer": "/nodes", "at_most": 1 },
                { "pointer": "/share", "at_least": 0 },
                { "pointer": "/big", "at_most": i64::MAX },
            ]),
        );
        assert!(outcome.status.is_fail());
        let codes: Vec<&str> = outcome.findings.iter().map(|finding| &*finding.code).collect();
        assert_eq!(
            codes,
            [
                "different",
                "present",
                "missing",
                "too_small",
                "too_large",
                "not_an_integer",
                "too_large"
            ]
        );
        assert_eq!(outcome.findings[0].message, "expected `\"ok\"`, found `\"down\"`");
        assert_eq!(outcome.findings[0].subject, "value at `/status`");
        assert!(outcome.findings.iter().all(|finding| !finding.remedy.is_empty()));
    }

    #[test]
    fn bounds_hold_at_their_edge() {
        for (value, passes) in [(9, false), (10, true), (11, true), (12, true), (13, false)] {
            let assert = json!([{ "pointer": "/n", "at_least": 10, "at_most": 12 }]);
            let outcome = judged(&format!("{{\"n\":{value}}}"), assert);
            assert_eq!(outcome.status.is_pass(), passes, "{value}");
        }
    }

    #[test]
    fn other_answers_are_told_apart() {
        let settings = settings(json!([{ "pointer": "", "exists": true }]));
        let of = |status, body: &str| judge(&ApiAnswer::new(status, "text/html", body), &settings);
        assert!(of(500, "{}").status.is_fail());
        assert!(of(302, "{}").status.is_fail());
        assert!(of(401, "{}").status.is_unknown());
        assert_eq!(of(200, "<html>").findings[0].code, "not_json");
        assert!(of(200, "").status.is_fail());
        assert!(
            of(200, &"[".repeat(100_000)).status.is_fail(),
            "no depth may end the process"
        );
        let mut cut = ApiAnswer::new(200, "", "{");
        cut.body_complete = false;
        assert!(judge(&cut, &settings).status.is_unknown());
    }

    #[test]
    fn settings_that_could_not_fail_are_errors() {
        for (assert, said) in [
            (json!([]), "`assert` is empty"),
            (json!([{ "pointer": "/a" }]), "nothing is asserted of `/a`"),
            (json!([{ "pointer": "a", "exists": true }]), "no JSON Pointer"),
            (
                json!([{ "pointer": "/a", "exists": false, "equals": 1 }]),
                "must not exist",
            ),
            (
                json!([{ "pointer": "/a", "at_least": 2, "at_most": 1 }]),
                "can be nothing",
            ),
        ] {
            let error = settings(assert).check().unwrap_err();
            assert!(error.contains(said), "{error}");
        }
        assert!(HttpJson::default().check().is_err());
        let unknown = json!({ "assert": [{ "pointer": "/a", "eq": 1 }] });
        assert!(serde_json::from_value::<HttpJson>(unknown).is_err());
    }

    #[test]
    fn the_call_is_the_targets_own_and_a_failure_is_unknown() {
        let target = Target::parse("https://api.example.com/status?key=s3cr3t-value").unwrap();
        let probe = settings(json!([{ "pointer": "/a", "exists": true }]));
        let call = ApiCall::get("https://api.example.com/status?key={api.example.com.query.0}");
        let facts = Facts::new().with(call.clone(), ApiAnswer::new(200, "", "{\"a\":1}"));
        assert!(facts.judge(&probe, &target).status.is_pass());
        let error = ObserveError::new(Reason::TIMEOUT, "late");
        let outcome = Facts::new().with_error(call, error).judge(&probe, &target);
        assert!(outcome.status.is_unknown());
        let other = Target::parse("tcp://api.example.com:1").unwrap();
        assert!(facts.judge(&probe, &other).status.is_not_applicable());
    }
}
