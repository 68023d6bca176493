use readiness_core::{Registry, Target, fact::ByteText, testing::Facts};
use serde_json::{Value, json};

use super::*;

fn set(text: &str) -> PortSet {
    text.parse().unwrap()
}

fn settings(value: Value) -> PortExposure {
    serde_json::from_value(value).unwrap()
}

fn open(port: u16, confirmed: Option<bool>) -> OpenPort {
    let mut open = OpenPort::new(port);
    open.confirmed = confirmed;
    open
}

/// The facts of a sweep where these are open and all else of the settings' ports is closed.
fn swept(settings: &PortExposure, open: Vec<OpenPort>) -> SweepFacts {
    let mut facts = SweepFacts::default();
    facts.closed = settings
        .allowed
        .union(&settings.rest())
        .iter()
        .filter(|port| !open.iter().any(|open| open.port == *port))
        .collect();
    facts.open = open;
    facts
}

fn without(set: &PortSet, port: u16) -> PortSet {
    set.iter().filter(|other| *other != port).collect()
}

fn evidence<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let found = outcome.evidence.iter().find(|evidence| evidence.label == label);
    found.map_or("", |evidence| &evidence.value)
}

#[test]
fn only_allowed_ports_pass() {
    let probe = settings(json!({ "allowed": [443], "required": [443] }));
    let outcome = judge(&probe, &swept(&probe, vec![open(443, None)]));
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, "open: 443; of 41 ports tried");
    assert!(evidence(&outcome, "scope").contains("were not tried"));
    assert!(!outcome.summary.contains("only"));
}

#[test]
fn that_only_these_are_open_is_said_after_a_full_scope_alone() {
    let probe = settings(json!({ "allowed": "80,443", "scope": "all" }));
    let facts = swept(&probe, vec![open(80, None), open(443, None)]);
    let outcome = judge(&probe, &facts);
    assert!(outcome.status.is_pass());
    assert_eq!(outcome.summary, "only these are open: 80,443");
    assert_eq!(evidence(&outcome, "scope"), "every port from 1 to 65535");

    let mut facts = facts;
    facts.closed = without(&facts.closed, 8080);
    facts.untried = set("8080");
    let outcome = judge(&probe, &facts);
    assert!(outcome.status.is_unknown());
    assert_eq!(outcome.findings[0].code, "not_covered");
    assert_eq!(outcome.summary, "open: 80,443; 1 of 65535 ports untried");
}

#[test]
fn an_unexpected_port_fails_and_is_named() {
    let probe = settings(json!({ "allowed": [443] }));
    let mut redis = open(6379, Some(true));
    redis.banner = ByteText::from("-ERR \u{1b}[31m");
    let outcome = judge(&probe, &swept(&probe, vec![open(443, None), redis]));
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.summary, "open and not allowed: 6379");
    let finding = &outcome.findings[0];
    assert_eq!(
        (&*finding.code, &*finding.subject, &*finding.message),
        (
            "unexpected_open",
            "port 6379",
            "open, and not allowed (usually Redis)"
        )
    );
    assert_eq!(finding.evidence[1].value, "-ERR \u{1b}[31m");
    assert!(finding.remedy.contains("loopback"));
}

#[test]
fn what_is_not_confirmed_only_warns_and_what_was_not_asked_again_is_unknown() {
    let probe = settings(json!({ "allowed": [443], "forbidden": [1234] }));
    for (confirmed, word) in [(Some(false), "warn"), (None, "unknown")] {
        let facts = swept(
            &probe,
            vec![open(443, None), open(6379, confirmed), open(1234, confirmed)],
        );
        let outcome = judge(&probe, &facts);
        assert_eq!(outcome.status.word(), word);
    }
}

#[test]
fn a_forbidden_port_is_tried_whatever_the_scope() {
    let probe = settings(json!({ "allowed": [443], "forbidden": "1234", "scope": [8000] }));
    assert_eq!(probe.rest(), set("1234,8000"));
    let facts = swept(&probe, vec![open(443, None), open(1234, Some(true))]);
    let outcome = judge(&probe, &facts);
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.findings[0].code, "forbidden_open");
}

#[test]
fn a_required_port_that_is_not_open_fails_by_its_state() {
    let probe = settings(json!({ "allowed": "22,443", "required": [443] }));
    let closed = swept(&probe, vec![open(22, None)]);
    let at = |facts: &SweepFacts| {
        let outcome = judge(&probe, facts);
        (
            outcome.status.word(),
            outcome.findings[0].code.clone(),
            outcome.summary,
        )
    };
    let summary = "required and not open: 443".to_owned();
    assert_eq!(
        at(&closed),
        ("fail", "required_closed".to_owned(), summary.clone())
    );
    let rest = without(&closed.closed, 443);
    let mut filtered = closed.clone();
    (filtered.closed, filtered.filtered) = (rest.clone(), set("443"));
    assert_eq!(
        at(&filtered),
        ("fail", "required_filtered".to_owned(), summary.clone())
    );
    let mut unreachable = closed.clone();
    (unreachable.closed, unreachable.unreachable) = (rest.clone(), set("443"));
    assert_eq!(
        at(&unreachable),
        ("fail", "required_unreachable".to_owned(), summary.clone())
    );
    let mut untried = closed;
    (untried.closed, untried.untried) = (rest, set("443"));
    assert_eq!(at(&untried), ("unknown", "required_untried".to_owned(), summary));
}

#[test]
fn an_allowed_port_need_not_be_open() {
    let probe = settings(json!({ "allowed": "80,443" }));
    let outcome = judge(&probe, &swept(&probe, vec![]));
    assert!(outcome.status.is_pass());
    assert_eq!(outcome.summary, "open: none; of 42 ports tried");
}

#[test]
fn silence_tells_nothing() {
    let probe = settings(json!({ "allowed": [443], "required": [443] }));
    let mut facts = SweepFacts::default();
    facts.filtered = probe.allowed.union(&probe.rest());
    let outcome = judge(&probe, &facts);
    assert_eq!(outcome.status, readiness_core::Status::unknown(Reason::FILTERED));
    // One refusal is an answer.
    facts.filtered = without(&facts.filtered, 22);
    facts.closed = set("22");
    assert!(judge(&probe, &facts).status.is_fail(), "443 is required");

    let mut facts = SweepFacts::default();
    facts.unreachable = probe.allowed.union(&probe.rest());
    let outcome = judge(&probe, &facts);
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::TCP_UNREACHABLE)
    );
    let mut facts = SweepFacts::default();
    facts.untried = probe.allowed.union(&probe.rest());
    assert_eq!(
        judge(&probe, &facts).status,
        readiness_core::Status::unknown(Reason::TIMEOUT)
    );
}

#[test]
fn a_device_that_answers_for_all_is_no_exposure() {
    let probe = settings(json!({ "allowed": [443], "scope": "1-1000" }));
    let status = |count: u16| {
        let open = (1..=count).map(|port| open(port, Some(true))).collect();
        judge(&probe, &swept(&probe, open)).status
    };
    assert!(status(50).is_fail(), "50 is the most that counts as services");
    assert!(status(51).is_unknown());

    // A twentieth of many.
    let probe = settings(json!({ "allowed": [65535], "scope": "1-2000" }));
    let status = |count: u16| {
        let open = (1..=count).map(|port| open(port, Some(false))).collect();
        judge(&probe, &swept(&probe, open)).status
    };
    assert!(status(100).is_warn());
    assert!(status(101).is_unknown());

    // All of a short list.
    let probe = settings(json!({ "allowed": [443], "scope": "1-20" }));
    let status = |count: u16| {
        let open = (1..=count).map(|port| open(port, Some(true))).collect();
        judge(&probe, &swept(&probe, open)).status
    };
    assert!(status(19).is_fail());
    assert!(status(20).is_unknown());
    // Allowed ones may be many.
    let probe = settings(json!({ "allowed": "1-500" }));
    let open = (1..=500).map(|port| open(port, None)).collect();
    assert!(judge(&probe, &swept(&probe, open)).status.is_pass());
}

#[test]
fn connections_to_themselves_are_told() {
    let probe = settings(json!({ "allowed": [443] }));
    let mut facts = swept(&probe, vec![]);
    facts.self_connects = 2;
    let outcome = judge(&probe, &facts);
    assert_eq!(
        evidence(&outcome, "connections to themselves"),
        "2, counted as closed"
    );
}

#[test]
fn wrong_settings_are_named_before_anything_is_sent() {
    let mut registry = Registry::new();
    registry.add_with::<PortExposure>(PortExposure::check);
    for (value, part) in [
        (json!({}), "`allowed` is missing or empty"),
        (json!({ "allowed": [] }), "`allowed` is missing or empty"),
        (
            json!({ "allowed": "20-25", "forbidden": [25, 24, 80] }),
            "port 24-25 stands in `allowed` and in `forbidden`",
        ),
        (
            json!({ "allowed": [443], "required": [80, 443] }),
            "port 80 stands in `required` and not in `allowed`",
        ),
        (
            json!({ "allowed": [443], "scope": "everything" }),
            "`scope` is `everything`; expected `danger`",
        ),
        (
            json!({ "allowed": [443], "scope": true }),
            "`scope` is `danger`, `all` or ports",
        ),
        (json!({ "allowed": [70000] }), "1 to 65535"),
        (json!({ "alowed": [443] }), "unknown field `alowed`"),
    ] {
        let error = registry
            .build("net.port_exposure", &value)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{value}: {error}");
    }
    for scope in [
        json!("all"),
        json!("danger"),
        json!("1-1024"),
        json!([1, "2-3"]),
        json!(80),
    ] {
        let value = json!({ "allowed": [443], "scope": scope });
        assert!(registry.build("net.port_exposure", &value).is_ok(), "{value}");
    }
    // Also where it was not built by a registry.
    let outcome = Facts::new().judge(&PortExposure::default(), &Target::parse("127.0.0.1").unwrap());
    assert!(outcome.status.is_unknown());
    assert!(outcome.summary.contains("`allowed`"));
}

#[test]
fn each_address_is_swept() {
    let probe = settings(json!({ "allowed": [443] }));
    let key = |address: &str| PortSweep::new(address.parse().unwrap(), probe.allowed.clone(), probe.rest());
    let facts = Facts::new().with(
        key("192.0.2.1"),
        swept(&probe, vec![open(443, None), open(22, Some(true))]),
    );
    let target = Target::parse("https://192.0.2.1").unwrap();
    let outcome = facts.judge(&probe, &target);
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.findings[0].subject, "port 22");
    assert!(Facts::new().judge(&probe, &target).status.is_unknown());
}
