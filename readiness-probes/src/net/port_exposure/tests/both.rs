//! What the two views tell together.

use readiness_core::ObserveError;

use super::{super::differ, inside::table, *};

fn judged(probe: &PortExposure, sweep: &SweepFacts, sockets: &[&str]) -> Outcome {
    differ::judge(probe, "192.0.2.1".parse().unwrap(), sweep, &table(sockets))
}

fn codes(outcome: &Outcome) -> Vec<String> {
    let name = |finding: &Finding| format!("{} {} {}", finding.status.word(), finding.subject, finding.code);
    outcome.findings.iter().map(name).collect()
}

/// A sweep like [`swept`], where these ports are filtered.
fn filtered(probe: &PortExposure, open: Vec<OpenPort>, silent: &str) -> SweepFacts {
    let mut facts = swept(probe, open);
    facts.filtered = set(silent);
    facts.closed = facts
        .closed
        .iter()
        .filter(|port| !facts.filtered.contains(*port))
        .collect();
    facts
}

fn probe() -> PortExposure {
    settings(json!({ "allowed": "80,443", "required": [443], "mode": "both" }))
}

#[test]
fn where_both_agree_there_is_nothing_to_say() {
    let probe = probe();
    let sweep = swept(&probe, vec![open(443, None)]);
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "127.0.0.1:6379"]);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "open: 443; of 42 ports tried");
    assert!(evidence(&outcome, "way").contains("loopback"));
    assert_eq!(evidence(&outcome, "listening otherwise"), "6379");
}

#[test]
fn an_open_port_is_told_once_with_its_socket() {
    let probe = probe();
    let sweep = swept(&probe, vec![open(443, None), open(6379, Some(true))]);
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "0.0.0.0:6379"]);
    assert_eq!(codes(&outcome), ["fail port 6379 unexpected_open"]);
    let socket = outcome.findings[0].evidence.last().unwrap();
    assert_eq!(
        (&*socket.label, &*socket.value),
        ("socket", "0.0.0.0:6379, user 0")
    );
    // Open, and nobody of ours: it still is open, and not allowed.
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443"]);
    assert_eq!(codes(&outcome), ["fail port 6379 unexpected_open"]);
    let socket = outcome.findings[0].evidence.last().unwrap();
    assert_eq!(&*socket.value, "none of this network namespace");
}

#[test]
fn an_allowed_port_that_nobody_here_listens_on_is_a_note() {
    let probe = probe();
    let sweep = swept(&probe, vec![open(80, None), open(443, None)]);
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "127.0.0.1:80"]);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["pass port 80 open_not_ours"]);
    // Also where it is required: peers are answered.
    let outcome = judged(&probe, &sweep, &["0.0.0.0:80"]);
    assert_eq!(codes(&outcome), ["pass port 443 open_not_ours"]);
}

#[test]
fn a_required_port_that_is_refused_names_the_socket_that_listens_elsewhere() {
    let probe = probe();
    let sweep = swept(&probe, vec![open(80, None)]);
    for (sockets, shown) in [
        (&["0.0.0.0:80", "127.0.0.1:443"][..], "127.0.0.1:443, user 0"),
        (&["0.0.0.0:80"], "none of this network namespace"),
    ] {
        let outcome = judged(&probe, &sweep, sockets);
        assert_eq!(codes(&outcome), ["fail port 443 required_closed"]);
        assert_eq!(outcome.findings[0].evidence[0].value, shown);
    }
}

#[test]
fn what_listens_behind_a_filter_warns() {
    let probe = probe();
    let sweep = filtered(&probe, vec![open(443, None)], "6379");
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "0.0.0.0:6379"]);
    assert_eq!(codes(&outcome), ["warn port 6379 listening_filtered"]);
    assert_eq!(
        outcome.findings[0].message,
        "listens on `0.0.0.0` (every address), and is not allowed; filtered: the firewall alone keeps it from peers"
    );
    assert_eq!(outcome.summary, "listening beyond loopback, not allowed: 6379");
    // Refused by the firewall comes to the same.
    let sweep = swept(&probe, vec![open(443, None)]);
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "0.0.0.0:6379"]);
    assert_eq!(codes(&outcome), ["warn port 6379 listening_filtered"]);
    assert!(outcome.findings[0].message.contains("refused"));
    // Out of the sweep's scope: the socket alone is known, and it is enough.
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "0.0.0.0:12345"]);
    assert_eq!(codes(&outcome), ["fail port 12345 unexpected_listening"]);
}

#[test]
fn an_allowed_port_behind_a_filter_is_a_note_and_a_required_one_names_its_socket() {
    let probe = probe();
    let sweep = filtered(&probe, vec![open(443, None)], "80");
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443", "0.0.0.0:80"]);
    assert!(outcome.status.is_pass());
    assert_eq!(codes(&outcome), ["pass port 80 allowed_filtered"]);
    let sweep = filtered(&probe, vec![], "443");
    let outcome = judged(&probe, &sweep, &["0.0.0.0:443"]);
    assert_eq!(codes(&outcome), ["fail port 443 required_filtered"]);
    assert_eq!(outcome.findings[0].evidence[0].value, "0.0.0.0:443, user 0");
}

#[test]
fn each_view_may_fail_without_the_other() {
    let probe = probe();
    let target = Target::parse("https://192.0.2.1").unwrap();
    let sweep = swept(&probe, vec![open(443, None)]);
    let route = |is_own| {
        let mut route = Route::new(true);
        route.is_own = is_own;
        route
    };
    let own = LocalRoute::new("192.0.2.1".parse().unwrap());
    let facts = |is_own| {
        Facts::new()
            .with(key(&probe, "192.0.2.1"), sweep.clone())
            .with(own.clone(), route(is_own))
    };
    let outcome = facts(false).judge(&probe, &target);
    assert!(outcome.status.is_pass());
    assert!(evidence(&outcome, "inside").contains("not looked at"));
    let error = ObserveError::new(Reason::ERROR, "no tables");
    let outcome = facts(true)
        .with_error(SocketTable::new(), error)
        .judge(&probe, &target);
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["unknown  inside_not_seen"]);
    let outcome = facts(true)
        .with(SocketTable::new(), table(&["0.0.0.0:443"]))
        .judge(&probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
}
