use readiness_core::{Measure, Outcome, Reason, Report, Requirement, Sources, Suite, Target, Unit, probe_fn};
use readiness_report::{ReadError, SCHEMA, from_json, schema, to_json};
use serde_json::{Value, json};

use crate::reports::{HOSTILE, all, far_future, mixed, read, ready};

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(schema()).unwrap();
    jsonschema::meta::validate(&schema).expect("the schema is one");
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn what_is_written_follows_the_schema() {
    let validator = validator();
    for (name, report) in all() {
        let written: Value = serde_json::from_str(&to_json(&read(&report))).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&written)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{name}: {errors:#?}");
    }
    let mut far = ready();
    far["started_at"] = json!(far_future().to_string());
    assert!(validator.is_valid(&serde_json::to_value(read(&far)).unwrap()));
}

#[test]
fn the_report_of_a_run_follows_the_schema() {
    let requirement = |id: &'static str, outcome: fn() -> Outcome| {
        let probe = probe_fn(id, move |_| async move { Ok(outcome()) });
        Requirement::new(probe, Target::parse("tcp://queue.example.com:5672").unwrap())
    };
    let report = Suite::new(Sources::default())
        .with(requirement("acme.pass", || {
            // One bound in each direction.
            Outcome::pass("fine")
                .measure(Measure::new("orders", 3, Unit::Count).at_most(5, 9))
                .measure(Measure::new("workers", 4, Unit::Count).at_least(2, 1))
        }))
        .and_then(|suite| suite.with(requirement("acme.fail", || Outcome::fail("900 orders wait"))))
        .and_then(|suite| {
            suite.with(requirement("acme.unknown", || {
                Outcome::unknown(Reason::TIMEOUT, "late")
            }))
        })
        .unwrap()
        .run_blocking()
        .unwrap();
    let written: Value = serde_json::from_str(&to_json(&report)).unwrap();
    let errors: Vec<String> = validator()
        .iter_errors(&written)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:#?}\n{written:#}");
    assert_eq!(from_json(&to_json(&report)).unwrap(), report);
}

/// Takes a valid report and breaks one thing of it.
fn broken(path: &str, value: Option<Value>) -> Value {
    let mut report: Value = serde_json::from_str(&to_json(&read(&mixed()))).unwrap();
    let (parent, key) = path.rsplit_once('/').unwrap();
    let parent = report.pointer_mut(parent).unwrap_or_else(|| panic!("{path}"));
    let parent = parent.as_object_mut().unwrap();
    match value {
        Some(value) => drop(parent.insert(key.to_owned(), value)),
        None => drop(parent.remove(key).unwrap_or_else(|| panic!("{path}"))),
    }
    report
}

#[test]
fn what_is_broken_does_not_follow_the_schema() {
    let validator = validator();
    let set = |path: &str, value: Value| (path.to_owned(), broken(path, Some(value)));
    let without = |path: &str| (format!("without {path}"), broken(path, None));
    for (what, report) in [
        set("/schema_version", json!(2)),
        set("/started_at", json!("yesterday")),
        set("/started_at", json!("2026-11-20T08:00:00+01:00")),
        set("/duration_ms", json!(-1)),
        set("/duration_ms", json!(1.5)),
        set("/decision/verdict", json!("READY")),
        set("/score/proven", json!(10_001)),
        set("/score/proven", json!(66.38)),
        set("/score/grade", json!("A")),
        set("/view/families", json!(["v5"])),
        set("/results/0/status", json!("passed")),
        set("/results/0/priority", json!("urgent")),
        set("/results/0/probe", json!("certificate")),
        set("/results/0/because", json!("a failure has no such thing")),
        set("/results/0/targets/0/summary", json!(null)),
        set("/results/0/targets/0/findings/0/status", json!("")),
        set("/results/0/targets/0/evidence/0/kind", json!("address")),
        set("/results/1/credit", json!(1000)),
        set("/results/2/targets/0/measures/0/unit", json!("ms")),
        set("/results/3/reason", json!("")),
        set("/results/3/cause", json!({ "subject": "x" })),
        set("/results/4/targets/0/accepted/by", json!("somebody")),
        set(
            "/results/4/targets/0/accepted/untill",
            json!("2027-01-31T00:00:00Z"),
        ),
        set("/waivers/0/state", json!("ended")),
        set("/waivers/0/waiver/untill", json!("2027-01-31T00:00:00Z")),
        set("/attestations/0/attestation/status", json!("unknown")),
        set("/attestations/0/attestation/evidence/0/sha256", json!("abc")),
        set("/baseline/excused", json!(-1)),
        set("/baseline/known/0/reason", json!("a baseline has none")),
        set("/judged_at", json!("later")),
        set("/results/10/targets/0/counts_as", json!("pass")),
        set("/policy/fail_on_warning", json!(true)),
        set("/trend/changes/0/kind", json!("better")),
        set("/trend/changes/0/now", json!("ok")),
        set("/policy/floors", json!({ "tls": "high" })),
        set("/cost/requests", json!("many")),
        set("/suite_digest", json!("ABC")),
        without("/schema_version"),
        without("/decision/rule"),
        without("/score/coverage"),
        without("/view/not_looked_at"),
        without("/results/0/targets"),
        without("/results/0/status"),
        without("/results/1/credit"),
        without("/results/3/reason"),
        without("/results/9/targets/0/because"),
        without("/waivers/0/waiver/until"),
        without("/policy/fail_on_warn"),
    ] {
        assert!(!validator.is_valid(&report), "{what}");
    }
}

#[test]
fn several_looks_follow_the_schema() {
    let with = |looks: Value| {
        let mut report = ready();
        report["results"][0]["targets"][0]["looks"] = looks;
        report
    };
    let seen = json!([
        { "status": "fail", "summary": "down", "duration_ms": 3 },
        { "status": "unknown", "reason": "timeout", "duration_ms": 0 },
        { "status": "warn", "credit": 500, "summary": "slow", "duration_ms": 3 },
    ]);
    let right = with(json!({ "needed": 2, "most": 3, "seen": seen, "left_out": 7 }));
    assert!(validator().is_valid(&right));
    let written: Value = serde_json::from_str(&to_json(&read(&right))).unwrap();
    assert!(validator().is_valid(&written));
    assert_eq!(
        written["results"][0]["targets"][0]["looks"],
        right["results"][0]["targets"][0]["looks"]
    );
    for wrong in [
        json!({ "needed": 0, "most": 3, "seen": [] }),
        json!({ "needed": 1, "seen": [] }),
        json!({ "needed": 1, "most": 3, "seen": [{ "status": "fail" }] }),
        json!({ "needed": 1, "most": 3, "seen": [{ "status": "odd", "duration_ms": 1 }] }),
    ] {
        assert!(!validator().is_valid(&with(wrong.clone())), "{wrong}");
    }
}

#[test]
fn fields_of_a_later_release_are_passed_over() {
    let mut report = ready();
    report["signature"] = json!("…");
    report["results"][0]["effort"] = json!("small");
    assert!(validator().is_valid(&report));
    assert_eq!(read(&report), read(&ready()));
}

#[test]
fn a_report_read_back_is_the_same() {
    for (name, report) in all() {
        let report = read(&report);
        let json = to_json(&report);
        assert_eq!(from_json(&json).unwrap(), report, "{name}");
        assert_eq!(to_json(&from_json(&json).unwrap()), json, "{name}");
        assert!(json.ends_with("}\n"));
    }
}

#[test]
fn the_fixture_of_the_readme_is_what_would_be_written() {
    let text = include_str!("../fixtures/report.json");
    assert_eq!(to_json(&from_json(text).unwrap()), text);
}

#[test]
fn a_printed_file_does_nothing_to_a_terminal() {
    for text in HOSTILE {
        let mut report = ready();
        report["results"][0]["targets"][0]["summary"] = json!(text);
        let json = to_json(&read(&report));
        let acts = |c: &char| {
            c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert_eq!(json.chars().find(acts), None, "{json}");
        assert_eq!(
            from_json(&json).unwrap().results[0].targets[0].outcome.summary,
            text
        );
    }
}

#[test]
fn an_error_names_line_and_column() {
    let text = to_json(&read(&ready())).replace("\"priority\": \"critical\"", "\"priority\": \"urgent\"");
    let error = from_json(&text).unwrap_err();
    let ReadError::Malformed {
        line,
        column,
        message,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert!(*line > 1 && *column > 0, "{error}");
    assert!(
        message.contains("`urgent`") && message.contains("`critical`"),
        "{error}"
    );
    assert_eq!(
        error.to_string(),
        format!("no report at line {line}, column {column}: {message}")
    );

    let error = from_json("{\n  \"schema_version\": 1,\n  !").unwrap_err();
    assert_eq!(
        error.to_string(),
        "no report at line 3, column 3: key must be a string"
    );
    assert!(from_json("").is_err());
    assert!(
        from_json("{}")
            .unwrap_err()
            .to_string()
            .contains("schema_version")
    );
}

#[test]
fn an_error_quotes_little_and_nothing_that_acts() {
    let long = "\u{1b}[31m".repeat(10_000);
    let mut report = ready();
    report["decision"]["verdict"] = json!(long);
    let error = from_json(&report.to_string()).unwrap_err().to_string();
    assert!(error.chars().count() < 400, "{error}");
    assert!(!error.chars().any(char::is_control), "{error}");
}

#[test]
fn another_version_is_named_before_what_else_differs() {
    for text in [
        json!({ "schema_version": 2, "whatever": [] }).to_string(),
        ready()
            .to_string()
            .replace("\"schema_version\":1", "\"schema_version\":2"),
    ] {
        let error = from_json(&text).unwrap_err();
        assert_eq!(error, from_json(r#"{"schema_version":2}"#).unwrap_err());
        let shown = error.to_string();
        assert!(
            shown.contains("version 2") && shown.contains("version 1"),
            "{shown}"
        );
    }
}

#[test]
fn the_schema_is_of_this_version() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(
        schema["properties"]["schema_version"]["const"],
        json!(Report::SCHEMA_VERSION)
    );
    assert!(SCHEMA.ends_with("}\n"));
}

#[test]
fn deep_nesting_is_refused() {
    let deep = "[".repeat(100_000);
    assert!(from_json(&deep).is_err());
    assert!(from_json(&format!("{{\"schema_version\":1,\"tool\":{deep}")).is_err());
}
