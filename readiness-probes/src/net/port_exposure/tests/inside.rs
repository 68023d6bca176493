//! What the socket table tells.

use readiness_core::{
    ObserveError,
    fact::{LocalSocket, Transport},
};

use super::{super::inside::judge, *};

pub(super) fn table(sockets: &[&str]) -> SocketFacts {
    let mut facts = SocketFacts::default();
    facts.sockets = sockets
        .iter()
        .map(|at| LocalSocket::new(Transport::Tcp, at.parse().unwrap()))
        .collect();
    facts
}

/// Status, and code and subject of each finding.
fn judged(probe: &PortExposure, address: &str, sockets: &[&str]) -> (&'static str, Vec<String>) {
    let outcome = judge(probe, address.parse().unwrap(), &table(sockets));
    let codes = outcome
        .findings
        .iter()
        .map(|finding| format!("{} {}", finding.subject, finding.code));
    (outcome.status.word(), codes.collect())
}

#[test]
fn what_listens_beyond_loopback_must_be_allowed() {
    let probe = settings(json!({ "allowed": [443], "forbidden": [6379], "mode": "inside" }));
    for (address, sockets, word, codes) in [
        // Allowed, on loopback alone, or for other addresses: fine.
        ("192.0.2.1", &["0.0.0.0:443"][..], "pass", &[][..]),
        ("192.0.2.1", &["127.0.0.1:6379", "[::1]:6379"], "pass", &[]),
        (
            "192.0.2.1",
            &["127.8.0.1:5432", "[::ffff:127.0.0.1]:5432"],
            "pass",
            &[],
        ),
        ("192.0.2.1", &["10.0.0.1:5432"], "pass", &[]),
        ("192.0.2.1", &["[2001:db8::1]:5432"], "pass", &[]),
        ("2001:db8::1", &["0.0.0.0:5432"], "pass", &[]),
        // Met at the address.
        (
            "192.0.2.1",
            &["0.0.0.0:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "192.0.2.1",
            &["192.0.2.1:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "192.0.2.1",
            &["[::]:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "192.0.2.1",
            &["[::ffff:0.0.0.0]:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "2001:db8::1",
            &["[::]:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "192.0.2.1",
            &["0.0.0.0:6379", "[::]:6379"],
            "fail",
            &["port 6379 forbidden_listening"],
        ),
        // Loopback stands for the whole machine.
        (
            "127.0.0.1",
            &["10.0.0.1:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        (
            "::1",
            &["0.0.0.0:5432"],
            "fail",
            &["port 5432 unexpected_listening"],
        ),
        ("127.0.0.1", &["127.0.0.1:5432"], "pass", &[]),
    ] {
        let (status, found) = judged(&probe, address, sockets);
        assert_eq!(
            (status, &*found),
            (word, &*codes.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()),
            "{address} {sockets:?}"
        );
    }
}

#[test]
fn a_finding_says_what_listens_where() {
    let probe = settings(json!({ "allowed": [443], "mode": "inside" }));
    let address = "192.0.2.1".parse().unwrap();
    let outcome = judge(
        &probe,
        address,
        &table(&["0.0.0.0:443", "[::]:6379", "127.0.0.1:53"]),
    );
    assert_eq!(outcome.summary, "listening beyond loopback, not allowed: 6379");
    let finding = &outcome.findings[0];
    assert_eq!(
        finding.message,
        "listens on `::` (every address), and is not allowed (usually Redis)"
    );
    assert_eq!(finding.evidence[0].value, "[::]:6379, user 0");
    assert!(finding.evidence[1].value.contains("IPV6_V6ONLY"));
    assert_eq!(evidence(&outcome, "listening beyond loopback"), "443,6379");
    assert_eq!(evidence(&outcome, "listening otherwise"), "53");

    // Known: it leaves IPv4 alone.
    let mut facts = table(&["[::]:6379"]);
    facts.sockets[0].ipv6_only = Some(true);
    assert!(judge(&probe, address, &facts).status.is_pass());
    // Known: it does not.
    facts.sockets[0].ipv6_only = Some(false);
    let outcome = judge(&probe, address, &facts);
    assert!(outcome.status.is_fail() && outcome.findings[0].evidence.len() == 1);
    // Nothing to doubt over IPv6.
    facts.sockets[0].ipv6_only = None;
    let outcome = judge(&probe, "2001:db8::1".parse().unwrap(), &facts);
    assert_eq!(outcome.findings[0].evidence.len(), 1);
}

#[test]
fn what_is_required_must_listen_where_it_is_looked_for() {
    let probe = settings(json!({ "allowed": [443], "required": [443], "mode": "inside" }));
    for (address, sockets, code) in [
        ("192.0.2.1", &[][..], Some("required_not_listening")),
        ("192.0.2.1", &["127.0.0.1:443"], Some("required_loopback_only")),
        (
            "192.0.2.1",
            &["192.0.2.2:443", "127.0.0.1:443"],
            Some("required_elsewhere"),
        ),
        ("2001:db8::1", &["0.0.0.0:443"], Some("required_elsewhere")),
        ("192.0.2.1", &["192.0.2.1:443"], None),
        ("192.0.2.1", &["0.0.0.0:443"], None),
        ("192.0.2.1", &["[::]:443"], Some("required_not_told")),
        ("192.0.2.1", &["[::]:443", "192.0.2.1:443"], None),
        ("127.0.0.1", &["127.0.0.1:443"], None),
    ] {
        let (_, found) = judged(&probe, address, sockets);
        let expected: Vec<String> = code.iter().map(|code| format!("port 443 {code}")).collect();
        assert_eq!(found, expected, "{address} {sockets:?}");
    }
    let outcome = judge(&probe, "192.0.2.1".parse().unwrap(), &table(&["127.0.0.1:443"]));
    assert_eq!(outcome.summary, "required and not listening: 443");
}

#[test]
fn sockets_over_udp_are_not_meant() {
    let probe = settings(json!({ "allowed": [443], "required": [443], "mode": "inside" }));
    let mut facts = table(&[]);
    facts.sockets = ["0.0.0.0:443", "0.0.0.0:53"]
        .iter()
        .map(|at| LocalSocket::new(Transport::Udp, at.parse().unwrap()))
        .collect();
    let outcome = judge(&probe, "192.0.2.1".parse().unwrap(), &facts);
    assert_eq!(outcome.findings.len(), 1);
    assert_eq!(outcome.findings[0].code, "required_not_listening");
}

#[test]
fn a_table_that_was_not_read_whole_is_no_pass() {
    let probe = settings(json!({ "allowed": [443], "mode": "inside" }));
    let address = "192.0.2.1".parse().unwrap();
    let mut facts = table(&["0.0.0.0:443"]);
    facts.missing = vec!["tcp6".to_owned()];
    let outcome = judge(&probe, address, &facts);
    assert!(outcome.status.is_pass());
    assert_eq!(evidence(&outcome, "tables that are not there"), "tcp6");
    facts.is_cut = true;
    assert_eq!(
        judge(&probe, address, &facts).status,
        readiness_core::Status::unknown(Reason::TIMEOUT)
    );
    facts.is_cut = false;
    (facts.unreadable, facts.first_unreadable) = (3, "0: \u{1b}[31m".to_owned());
    let outcome = judge(&probe, address, &facts);
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::UNEXPECTED_RESPONSE)
    );
    assert_eq!(outcome.findings[0].evidence[0].value, "0: \u{1b}[31m");
    // A fault that was seen stays one.
    facts.sockets.extend(table(&["0.0.0.0:22"]).sockets);
    assert!(judge(&probe, address, &facts).status.is_fail());
}

fn own(is_own: bool) -> (LocalRoute, Route) {
    let mut route = Route::new(true);
    route.is_own = is_own;
    (LocalRoute::new(Ipv4Addr::new(192, 0, 2, 1).into()), route)
}

#[test]
fn the_view_is_of_this_machine_alone() {
    let probe = settings(json!({ "allowed": [443], "mode": "inside" }));
    let target = Target::parse("https://192.0.2.1").unwrap();
    let (key, route) = own(true);
    let facts = Facts::new()
        .with(key, route)
        .with(SocketTable::new(), table(&["0.0.0.0:443"]));
    let outcome = facts.judge(&probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, "listening beyond loopback: 443");

    let (key, route) = own(false);
    let outcome = Facts::new().with(key, route).judge(&probe, &target);
    assert!(outcome.status.is_not_applicable(), "{outcome:?}");

    // Not on this system, or not to be read: never a pass.
    let (key, route) = own(true);
    let error = ObserveError::new(Reason::NO_SOURCE, "socket tables are read on Linux alone");
    let outcome = Facts::new()
        .with(key, route)
        .with_error(SocketTable::new(), error)
        .judge(&probe, &target);
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::NO_SOURCE),
        "{outcome:?}"
    );
    assert!(outcome.summary.contains("Linux"));
}
