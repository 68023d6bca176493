mod both;
mod inside;

use std::net::Ipv4Addr;

use readiness_core::{
    Finding, Registry, Target,
    fact::{ByteText, LocalRoute, OpenPort, Route, SocketFacts, SocketTable},
    testing::Facts,
};
use serde_json::{Value, json};

use super::{outside::judge, *};

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
    assert_eq!(
        evidence(&outcome, "coverage"),
        "99.99 % (65534 of 65535 ports)",
        "rounded down"
    );
}

#[test]
fn what_this_machine_does_not_let_out_is_no_answer() {
    let probe = settings(json!({ "allowed": [443], "required": [443] }));
    let mut facts = swept(&probe, vec![open(443, None)]);
    facts.closed = without(&facts.closed, 25);
    facts.own_firewall = set("25");
    let outcome = judge(&probe, &facts);
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::LOCAL_FIREWALL)
    );
    assert_eq!(outcome.findings[0].code, "own_firewall");
    assert_eq!(
        evidence(&outcome, "others"),
        "39 closed, 0 filtered, 1 not let out by this machine"
    );

    // All of them, the required one too: one cause, named.
    let mut facts = SweepFacts::default();
    facts.own_firewall = probe.allowed.union(&probe.rest());
    let outcome = judge(&probe, &facts);
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::LOCAL_FIREWALL)
    );
    assert_eq!(outcome.summary, "none of 41 ports could be tried from here");
    // The required one alone.
    let mut facts = swept(&probe, vec![]);
    facts.closed = without(&facts.closed, 443);
    facts.own_firewall = set("443");
    let outcome = judge(&probe, &facts);
    assert_eq!(outcome.findings[0].code, "required_untried");
    assert!(outcome.findings[0].message.contains("firewall"), "{outcome:?}");
}

#[test]
fn a_reset_after_accepting_is_open_and_told() {
    let probe = settings(json!({ "allowed": [443] }));
    let mut stray = open(9000, Some(true));
    stray.reset = true;
    let outcome = judge(&probe, &swept(&probe, vec![open(443, None), stray]));
    assert!(outcome.status.is_fail());
    let finding = &outcome.findings[0];
    assert!(finding.evidence.iter().any(|evidence| evidence.label == "reset"));
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
        (
            json!({ "allowed": [443], "mode": "around" }),
            "unknown variant `around`",
        ),
        (
            json!({ "allowed": [443], "max_in_flight": 0 }),
            "`max_in_flight` is 0, expected 1 to 65535",
        ),
        (
            json!({ "allowed": [443], "max_in_flight": 65_536 }),
            "`max_in_flight` is 65536",
        ),
        (
            json!({ "allowed": [443], "deadline_seconds": 0 }),
            "`deadline_seconds` is 0, expected 1 to 3600",
        ),
        (
            json!({ "allowed": [443], "deadline_seconds": 3_601 }),
            "`deadline_seconds` is 3601",
        ),
        (
            json!({ "allowed": [443], "max_per_second": 0 }),
            "`max_per_second` is 0, expected 1 or more",
        ),
        (
            json!({ "allowed": [443], "max_per_second": 1, "deadline_seconds": 40 }),
            "41 ports at `max_per_second` = 1 take 41 s, and `deadline_seconds` is 40",
        ),
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
    for value in [
        json!({ "allowed": [443], "max_per_second": 1, "deadline_seconds": 41 }),
        json!({ "allowed": [443], "max_per_second": 1, "mode": "inside" }),
        json!({ "allowed": [443], "max_in_flight": 1, "deadline_seconds": 3_600 }),
        json!({ "allowed": [443], "max_in_flight": 65_535, "deadline_seconds": 1 }),
    ] {
        assert!(registry.build("net.port_exposure", &value).is_ok(), "{value}");
    }
    // Also where it was not built by a registry.
    let outcome = Facts::new().judge(&PortExposure::default(), &Target::parse("127.0.0.1").unwrap());
    assert!(outcome.status.is_unknown());
    assert!(outcome.summary.contains("`allowed`"));
}

fn key(probe: &PortExposure, address: &str) -> PortSweep {
    probe.sweep(SocketAddr::new(address.parse().unwrap(), 0))
}

#[test]
fn each_address_is_swept() {
    let probe = settings(json!({ "allowed": [443] }));
    let facts = Facts::new().with(
        key(&probe, "192.0.2.1"),
        swept(&probe, vec![open(443, None), open(22, Some(true))]),
    );
    let target = Target::parse("https://192.0.2.1").unwrap();
    let outcome = facts.judge(&probe, &target);
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.findings[0].subject, "port 22");
    assert!(Facts::new().judge(&probe, &target).status.is_unknown());
}

#[test]
fn the_settings_stand_in_the_key() {
    let probe = settings(json!({
        "allowed": "443,8000-8002", "required": [8001], "forbidden": [1234], "scope": "1-100",
        "max_in_flight": 7, "deadline_seconds": 40, "max_per_second": 9, "polite_close": true,
    }));
    let key = key(&probe, "192.0.2.1");
    assert_eq!((key.first, key.rest), (set("443,8000-8002"), set("1-100,1234")));
    assert_eq!(key.early, set("22,23,25,1234,8001"), "of what is asked alone");
    assert_eq!((key.in_flight, key.deadline_ms), (7, 40_000));
    assert_eq!((key.max_per_second, key.polite_close), (Some(9), true));
}

fn of_two_families(probe: &PortExposure, v6: SweepFacts) -> Outcome {
    use readiness_core::fact::{DnsAnswer, DnsLookup, Family};
    let (v4, ip6): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap());
    Facts::new()
        .with(
            DnsLookup::address("a.example", Family::V4),
            DnsAnswer::of_addresses("a.example", &[v4, "192.0.2.2".parse().unwrap()], "test"),
        )
        .with(
            DnsLookup::address("a.example", Family::V6),
            DnsAnswer::of_addresses("a.example", &[ip6], "test"),
        )
        .with(key(probe, "192.0.2.1"), swept(probe, vec![open(443, None)]))
        .with(key(probe, "192.0.2.2"), swept(probe, vec![open(22, Some(true))]))
        .with(key(probe, "2001:db8::1"), v6)
        .judge(probe, &Target::parse("https://a.example").unwrap())
}

#[test]
fn one_address_of_each_family_is_enough_where_it_is_said() {
    let probe = settings(json!({ "allowed": [443], "one_per_family": true }));
    let v6 = swept(&probe, vec![open(443, None)]);
    let outcome = of_two_families(&probe, v6.clone());
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert!(
        evidence(&outcome, crate::address::NOT_LOOKED_AT).contains("1 more address"),
        "{outcome:?}"
    );
    let probe = settings(json!({ "allowed": [443] }));
    let outcome = of_two_families(&probe, v6);
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.findings[0].subject, "port 22 on 192.0.2.2");
}

#[test]
fn a_family_that_turns_out_to_have_no_route_is_not_looked_at_and_is_no_pass_alone() {
    let probe = settings(json!({ "allowed": [443], "one_per_family": true }));
    let mut no_route = SweepFacts::default();
    no_route.without_route = probe.allowed.union(&probe.rest());
    let outcome = of_two_families(&probe, no_route.clone());
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert!(
        evidence(&outcome, crate::address::NOT_LOOKED_AT).contains("2001:db8::1 (no local route)"),
        "{outcome:?}"
    );
    let alone = Facts::new()
        .with(key(&probe, "192.0.2.1"), no_route)
        .judge(&probe, &Target::parse("https://192.0.2.1").unwrap());
    assert_eq!(
        alone.status,
        readiness_core::Status::unknown(Reason::NO_ROUTE),
        "{alone:?}"
    );
}

#[test]
fn a_zone_goes_with_the_address() {
    let probe = settings(json!({ "allowed": [443] }));
    let target = Target::parse("https://[fe80::1%eth7]").unwrap();
    let address: IpAddr = "fe80::1".parse().unwrap();
    let mut route = Route::new(true);
    route.scope_id = 7;
    let mut key = key(&probe, "fe80::1");
    key.scope_id = 7;
    let facts = Facts::new()
        .with(LocalRoute::new(address).in_zone("eth7"), route)
        .with(key, swept(&probe, vec![open(443, None)]));
    let outcome = facts.judge(&probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    // No such interface.
    let facts = Facts::new().with(LocalRoute::new(address).in_zone("eth7"), Route::new(false));
    let outcome = facts.judge(&probe, &target);
    assert!(
        outcome.status.is_unknown() && outcome.summary.contains("eth7"),
        "{outcome:?}"
    );
}
