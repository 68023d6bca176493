use readiness_core::{Finding, Outcome, Priority, Reason, Report};
use readiness_report::{JunitDialect, to_junit};
use serde_json::{Value, json};

use crate::{
    reports::{
        all, at, cascade, far_future, merge, mixed, nxdomain, read, ready, report, requirement, waived,
    },
    xml::{Element, parse},
};

const BOTH: [JunitDialect; 2] = [JunitDialect::Common, JunitDialect::Strict];

fn suite(report: &Report, dialect: JunitDialect) -> Element {
    let mut root = parse(&to_junit(report, dialect));
    assert_eq!(root.name, "testsuites");
    assert_eq!(root.child_names(), ["testsuite"]);
    root.children.pop().unwrap()
}

fn case<'a>(suite: &'a Element, name: &str) -> &'a Element {
    let mut cases = suite
        .children("testcase")
        .filter(|case| case.attribute("name") == name);
    let case = cases.next().unwrap_or_else(|| panic!("no case {name}"));
    assert!(cases.next().is_none(), "{name} twice");
    case
}

/// The result of a case: the element's name, and its message; `passed` where it has none.
fn result(case: &Element) -> (&str, &str) {
    let results = ["failure", "error", "skipped", "flakyFailure"];
    let mut found = case
        .children
        .iter()
        .filter(|child| results.contains(&child.name.as_str()));
    let first = found.next();
    assert!(found.next().is_none(), "more than one result");
    first.map_or(("passed", ""), |element| {
        (&element.name, element.attribute("message"))
    })
}

fn property<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element
        .children("properties")
        .flat_map(|properties| &properties.children)
        .find(|property| property.attribute("name") == name)
        .map(|property| property.attribute("value"))
}

fn decimal(text: &str) -> bool {
    let Some((whole, part)) = text.split_once('.') else {
        return false;
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && digits(part) && part.len() == 3
}

/// An `xs:token`: one line, no space at an end, none doubled.
fn token(text: &str) -> bool {
    !text.is_empty() && text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n', '\r'])
}

fn keys(element: &Element) -> Vec<&str> {
    element.attributes.keys().map(String::as_str).collect()
}

/// The rules of Ant's schema and of `junit-10.xsd` together: a document that keeps them is valid in both.
pub(crate) fn assert_strict(xml: &str) {
    let root = parse(xml);
    assert_eq!((root.name.as_str(), keys(&root)), ("testsuites", vec![]));
    for (number, suite) in root.children.iter().enumerate() {
        assert_eq!(
            keys(suite),
            [
                "errors",
                "failures",
                "hostname",
                "id",
                "name",
                "package",
                "skipped",
                "tests",
                "time",
                "timestamp"
            ]
        );
        assert_eq!(suite.attribute("id"), number.to_string());
        assert!(
            ["name", "package", "hostname"]
                .iter()
                .all(|name| token(suite.attribute(name)))
        );
        assert!(decimal(suite.attribute("time")));
        let shape: String = suite
            .attribute("timestamp")
            .chars()
            .map(|c| if c.is_ascii_digit() { '0' } else { c })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00", "no zone");
        for name in ["tests", "failures", "errors", "skipped"] {
            assert!(
                suite.attribute(name).parse::<i32>().is_ok_and(|count| count >= 0),
                "an xs:int"
            );
        }
        let (first, rest) = suite.children.split_first().unwrap();
        let (cases, last) = rest.split_at(rest.len() - 2);
        assert_eq!(first.name, "properties");
        assert!(
            last.iter()
                .map(|e| e.name.as_str())
                .eq(["system-out", "system-err"])
        );
        assert!(
            last.iter()
                .all(|output| output.children.is_empty() && output.attributes.is_empty())
        );
        assert!(first.attributes.is_empty());
        for property in &first.children {
            assert_eq!(
                (property.name.as_str(), keys(property)),
                ("property", vec!["name", "value"])
            );
            assert!(token(property.attribute("name")) && property.children.is_empty());
        }
        for case in cases {
            assert_eq!(
                (case.name.as_str(), keys(case)),
                ("testcase", vec!["classname", "name", "time"])
            );
            assert!(token(case.attribute("name")) && token(case.attribute("classname")));
            assert!(decimal(case.attribute("time")));
            assert!(case.children.len() <= 1 && case.text.trim().is_empty());
            for child in &case.children {
                let wanted = match child.name.as_str() {
                    "failure" | "error" => vec!["message", "type"],
                    "skipped" => vec!["message"],
                    other => panic!("{other} in a case"),
                };
                assert_eq!(keys(child), wanted);
                assert!(child.children.is_empty(), "text and nothing else");
            }
        }
    }
}

/// The numbers at the top are those of the cases below.
pub(crate) fn assert_counts(xml: &str) {
    let root = parse(xml);
    for suite in &root.children {
        let cases: Vec<&Element> = suite.children("testcase").collect();
        let with = |name: &str| {
            cases
                .iter()
                .filter(|case| case.children(name).next().is_some())
                .count()
        };
        for (attribute, count) in [
            ("tests", cases.len()),
            ("failures", with("failure")),
            ("errors", with("error")),
            ("skipped", with("skipped")),
        ] {
            assert_eq!(suite.attribute(attribute), count.to_string(), "{attribute}");
            if let Some(total) = root.attributes.get(attribute) {
                assert_eq!(*total, count.to_string(), "{attribute} of the root");
            }
        }
    }
}

#[test]
fn the_strict_form_keeps_the_rules_of_both_schemas() {
    for (_, report) in all() {
        assert_strict(&to_junit(&read(&report), JunitDialect::Strict));
    }
    let mut odd = ready();
    odd["started_at"] = json!(far_future().to_string());
    odd["view"]["host"] = json!(" \n");
    assert_strict(&to_junit(&read(&odd), JunitDialect::Strict));
}

#[test]
fn the_counts_are_those_of_the_cases() {
    for (_, report) in all() {
        for dialect in BOTH {
            assert_counts(&to_junit(&read(&report), dialect));
        }
    }
}

#[test]
fn each_result_has_its_element() {
    let report = read(&mixed());
    for dialect in BOTH {
        let suite = suite(&report, dialect);
        for (name, element, message) in [
            (
                "tls.certificate [api]",
                "failure",
                "the certificate expired 3 days ago",
            ),
            ("tls.certificate [www]", "passed", ""),
            ("http.hsts [api]", "passed", ""),
            ("http.latency [api]", "passed", ""),
            ("dns.records [api]", "error", "no nameserver answered within 2 s"),
            (
                "net.port_exposure [api]",
                "skipped",
                "accepted, waived until 2027-01-31 by ops@example.com: moves behind the VPN in January",
            ),
            (
                "http.cookies [api]",
                "skipped",
                "accepted, known before, by the baseline",
            ),
            ("http.disclosure [api]", "passed", ""),
            (
                "http.permissions_policy [api]",
                "skipped",
                "not judged, for information only: a 503 is not the page",
            ),
            (
                "http.https_redirect [api]",
                "skipped",
                "not applicable: https on port 8443; set `plain_port` to check",
            ),
            ("pentest [api]", "passed", ""),
            (
                "acme.restore [api]",
                "error",
                "the result is too old; it was: restored in 12 min",
            ),
            ("sign_off", "error", "no attestation was given"),
        ] {
            assert_eq!(result(case(&suite, name)), (element, message), "{name}");
        }
        assert_eq!(suite.children("testcase").count(), 14);
    }
}

#[test]
fn types_name_the_priority_and_the_reason() {
    let report = read(&mixed());
    let suite = suite(&report, JunitDialect::Strict);
    let kind = |name: &str| case(&suite, name).children[0].attribute("type").to_owned();
    assert_eq!(kind("tls.certificate [api]"), "readiness.fail.critical");
    assert_eq!(kind("dns.records [api]"), "readiness.unknown.dns.silent");
    assert_eq!(kind("sign_off"), "readiness.unknown.attestation_missing");
    assert_eq!(
        case(&suite, "tls.certificate [api]").attribute("classname"),
        "readiness.tls"
    );
    assert_eq!(
        case(&suite, "pentest [api]").attribute("classname"),
        "readiness.acme"
    );
}

#[test]
fn a_failure_tells_what_was_seen_and_how_to_mend_it() {
    let report = read(&mixed());
    let suite = suite(&report, JunitDialect::Common);
    assert_eq!(
        case(&suite, "tls.certificate [api]")
            .children("failure")
            .next()
            .unwrap()
            .text,
        "the certificate expired 3 days ago\n\
         fail: chain[0]: expected a certificate valid now, found one that ended 3 days ago\n  \
           not after: 2026-11-17T00:00:00Z\n  \
           to mend it: renew the certificate, and see why the renewal did not run\n  \
           address: 192.0.2.7:443"
    );
}

#[test]
fn a_pass_with_text_keeps_it_in_either_dialect() {
    let report = read(&mixed());
    let common = suite(&report, JunitDialect::Common);
    let strict = suite(&report, JunitDialect::Strict);
    for (name, text) in [
        ("http.hsts [api]", "expected at least 15552000 s"),
        ("http.disclosure [api]", "`server` tells `nginx/1.18.0`"),
        (
            "pentest [api]",
            "attested by A. Tester (security): no finding above low is open",
        ),
    ] {
        let output = &case(&common, name).children("system-out").next().unwrap().text;
        assert!(output.contains(text), "{output}");
        let moved = property(&strict, &format!("{name}.text")).unwrap();
        assert!(moved.contains(text), "{moved}");
    }
    assert_eq!(property(&strict, "tls.certificate.priority"), Some("critical"));
    assert_eq!(
        property(case(&common, "tls.certificate [www]"), "priority"),
        Some("critical")
    );
    assert_eq!(
        property(&strict, "http.latency [api].credit"),
        Some("600 of 1000")
    );
}

#[test]
fn only_the_common_form_calls_a_case_flaky() {
    let report = read(&mixed());
    let common = suite(&report, JunitDialect::Common);
    assert_eq!(
        result(case(&common, "net.tcp [api]")),
        ("flakyFailure", "passed on attempt 3")
    );
    let strict = suite(&report, JunitDialect::Strict);
    assert_eq!(result(case(&strict, "net.tcp [api]")), ("passed", ""));
    assert_eq!(property(&strict, "net.tcp [api].flaky"), Some("true"));
}

/// The report with three looks at `net.tcp`, of which this many had to be good.
fn with_looks(needed: u32) -> Value {
    let mut report = mixed();
    for result in report["results"].as_array_mut().unwrap() {
        if result["id"] == "net.tcp" {
            result["targets"][0]["looks"] = json!({ "needed": needed, "most": 3, "seen": [
                { "status": "fail", "summary": "refused <b>\n# by 10.0.0.7", "duration_ms": 2 },
                { "status": "pass", "summary": "connected", "duration_ms": 3 },
                { "status": "pass", "summary": "connected", "duration_ms": 3 },
            ] });
        }
    }
    report
}

#[test]
fn each_look_that_was_not_good_is_told() {
    for (needed, message) in [
        (1, "passed on attempt 3"),
        (2, "2 of 3 looks good, 2 needed: flaky"),
    ] {
        let report = read(&with_looks(needed));
        let common = suite(&report, JunitDialect::Common);
        let case = case(&common, "net.tcp [api]");
        assert_eq!(result(case), ("flakyFailure", message));
        assert_eq!(property(case, "looks"), (needed > 1).then_some(message));
        let xml = to_junit(&report, JunitDialect::Common);
        assert!(
            xml.contains("look 1: fail, refused &lt;b&gt; # by 10.0.0.7"),
            "{xml}"
        );
        assert!(!xml.contains("look 2"), "{xml}");
        let markdown = readiness_report::to_markdown(&report, readiness_report::MarkdownOptions::default());
        assert_eq!(
            markdown.contains("2 of 3 looks good, 2 needed: flaky"),
            needed > 1
        );
        let public = readiness_report::public(&report);
        let json = readiness_report::to_json(&public);
        assert!(!json.contains("10.0.0.7") && json.contains("\"looks\""), "{json}");
    }
}

#[test]
fn a_warning_fails_where_the_policy_says_so() {
    let mut report = mixed();
    report["policy"]["fail_on_warn"] = json!(true);
    let xml = to_junit(&read(&report), JunitDialect::Strict);
    assert_strict(&xml);
    assert_counts(&xml);
    let suite = suite(&read(&report), JunitDialect::Strict);
    let warning = case(&suite, "http.hsts [api]");
    assert_eq!(result(warning), ("failure", "`max-age` is 300 s"));
    assert_eq!(warning.children[0].attribute("type"), "readiness.warn.high");
    assert_eq!(
        result(case(&suite, "http.disclosure [api]")).0,
        "passed",
        "it is for information"
    );
}

#[test]
fn one_cause_is_one_error() {
    let report = read(&cascade());
    for dialect in BOTH {
        let suite = suite(&report, dialect);
        // the failing record is judged; of the rest the first of the blockers stands for all
        assert_eq!(result(case(&suite, "dns.records [api]")).0, "failure");
        let error = case(&suite, "tls.certificate [api]");
        assert_eq!(
            result(error),
            ("error", "the name `api.example.com` does not exist")
        );
        let error = error.children("error").next().unwrap();
        assert_eq!(error.attribute("type"), "readiness.unknown.dns.nxdomain");
        for skipped in ["http.hsts [api]", "http.health [api]", "http.disclosure [api]"] {
            let message = "not judged: the name `api.example.com` does not exist";
            assert_eq!(result(case(&suite, skipped)), ("skipped", message));
            assert!(error.text.contains(skipped), "{}", error.text);
        }
        assert_eq!(
            (suite.attribute("errors"), suite.attribute("skipped")),
            ("1", "3")
        );
    }
}

fn missing(id: &str, priority: Priority, blocker: bool) -> Value {
    let mut requirement = requirement(
        id,
        "t",
        priority,
        &[at("api", Outcome::dependency_failed(nxdomain()))],
    );
    requirement["blocker"] = json!(blocker);
    requirement
}

#[test]
fn the_most_important_stands_for_its_cause() {
    let leader = |results: &[Value]| {
        let suite = suite(&read(&report("inconclusive", results)), JunitDialect::Strict);
        let errors: Vec<String> = suite
            .children("testcase")
            .filter(|case| case.children("error").next().is_some())
            .map(|case| case.attribute("name").to_owned())
            .collect();
        errors
    };
    let (critical, blocker) = (
        missing("a.critical", Priority::Critical, false),
        missing("a.blocker", Priority::Low, true),
    );
    let (high, higher) = (
        missing("a.high", Priority::High, false),
        missing("a.high_too", Priority::High, true),
    );
    let (info, low) = (
        missing("a.info", Priority::Info, false),
        missing("a.low", Priority::Low, false),
    );
    // a blocker before any priority
    assert_eq!(leader(&[critical.clone(), blocker.clone()]), ["a.blocker [api]"]);
    // of blockers the highest
    assert_eq!(leader(&[blocker, higher]), ["a.high_too [api]"]);
    // without one the highest, and of equals the first
    assert_eq!(leader(&[low.clone(), high.clone()]), ["a.high [api]"]);
    assert_eq!(
        leader(&[high.clone(), missing("a.second", Priority::High, false)]),
        ["a.high [api]"]
    );
    assert_eq!(leader(&[info.clone(), low]), ["a.low [api]"]);
    // what is for information is never an error
    assert!(leader(&[info.clone(), info]).is_empty());
}

#[test]
fn other_causes_are_errors_of_their_own() {
    let other = readiness_core::Cause::new(
        "address of www",
        Reason::DNS_NXDOMAIN,
        "the name `www` does not exist",
    );
    let suite = suite(
        &read(&report(
            "inconclusive",
            &[
                missing("a.one", Priority::High, false),
                missing("a.two", Priority::High, false),
                requirement(
                    "a.three",
                    "t",
                    Priority::High,
                    &[at("www", Outcome::dependency_failed(other))],
                ),
                // unknown by itself: it shares nothing
                requirement(
                    "a.four",
                    "t",
                    Priority::High,
                    &[at("api", Outcome::unknown(Reason::TIMEOUT, "no answer"))],
                ),
                requirement(
                    "a.five",
                    "t",
                    Priority::High,
                    &[at("api", Outcome::unknown(Reason::TIMEOUT, "no answer"))],
                ),
            ],
        )),
        JunitDialect::Strict,
    );
    assert_eq!(
        (suite.attribute("errors"), suite.attribute("skipped")),
        ("4", "1")
    );
}

#[test]
fn what_is_accepted_stands_for_nobody() {
    let suite = suite(&read(&waived()), JunitDialect::Strict);
    assert_eq!(
        (
            suite.attribute("errors"),
            suite.attribute("failures"),
            suite.attribute("skipped")
        ),
        ("0", "0", "2")
    );
    // the waived one is out, the other is the error
    let mut accepted = missing("a.waived", Priority::Critical, true);
    accepted["targets"][0]["accepted"] = json!({ "by": "baseline" });
    let report = read(&report(
        "inconclusive",
        &[accepted, missing("a.other", Priority::Low, false)],
    ));
    let suite = crate::junit::suite(&report, JunitDialect::Strict);
    assert_eq!(result(case(&suite, "a.waived [api]")).0, "skipped");
    assert_eq!(result(case(&suite, "a.other [api]")).0, "error");
}

#[test]
fn an_attestation_stands_over_no_failure() {
    let mut failing = requirement(
        "a.b",
        "t",
        Priority::High,
        &[at("api", Outcome::judged("s", vec![Finding::fail("c", "m")]))],
    );
    merge(&mut failing, &json!({ "status": "fail" }));
    let mut report = report("not_ready", &[failing]);
    report["attestations"] = json!([{ "attestation": { "requirement": "a.b", "status": "pass", "statement": "fine", "signer": "S", "role": "R", "at": "2026-10-01T00:00:00Z" }, "used": true }]);
    let suite = suite(&read(&report), JunitDialect::Strict);
    assert_eq!(result(case(&suite, "a.b [api]")), ("failure", "s"));
}

#[test]
fn names_hold_neither_priority_nor_number() {
    let name = |report: &Value| {
        let suite = suite(&read(report), JunitDialect::Common);
        suite
            .children("testcase")
            .map(|case| {
                (
                    case.attribute("classname").to_owned(),
                    case.attribute("name").to_owned(),
                )
            })
            .collect::<Vec<_>>()
    };
    let mut other = ready();
    other["results"][0]["priority"] = json!("low");
    other["results"][0]["weight"] = json!(1);
    other["results"][0]["targets"][0]["url"] = json!("https://elsewhere:8443/");
    assert_eq!(name(&ready()), name(&other));
}

#[test]
fn a_text_without_end_is_cut() {
    let long = "x".repeat(1_000_000);
    let mut report = mixed();
    report["results"][0]["targets"][0]["findings"][0]["message"] = json!(long);
    report["results"][0]["targets"][0]["summary"] = json!(long);
    for dialect in BOTH {
        assert!(to_junit(&read(&report), dialect).len() < 60_000);
    }
}

/// Files for `.ci/junit_check.py`, which reads them with another library.
#[test]
fn files_for_other_readers() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("junit");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, report) in all() {
        for (dialect, suffix) in [(JunitDialect::Common, "common"), (JunitDialect::Strict, "strict")] {
            let xml = to_junit(&read(&report), dialect);
            std::fs::write(folder.join(format!("{name}.{suffix}.xml")), &xml).unwrap();
            assert!(
                xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
                    && xml.ends_with("</testsuites>\n")
            );
        }
    }
}
