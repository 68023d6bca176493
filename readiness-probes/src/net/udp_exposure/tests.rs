use readiness_core::{
    ObserveError, Registry, Status, Target,
    fact::{
        ByteText, LocalRoute, LocalSocket, Route, SocketFacts, SocketTable, TcpFacts, Transport, UdpAnswer,
    },
    testing::Facts,
};
use serde_json::{Value, json};

use super::*;

fn settings(value: Value) -> UdpExposure {
    serde_json::from_value(value).unwrap()
}

fn ip() -> IpAddr {
    "192.0.2.1".parse().unwrap()
}

/// All questions of these settings in one state.
fn all(probe: &UdpExposure, state: UdpState) -> UdpFacts {
    let mut facts = UdpFacts::default();
    facts.answers = probe
        .asks()
        .into_iter()
        .map(|ask| UdpAnswer::new(ask, state))
        .collect();
    facts
}

/// The answer of a protocol, in so many bytes for so many.
fn with(mut facts: UdpFacts, protocol: UdpProtocol, asked: u32, answered: u32, head: &[u8]) -> UdpFacts {
    let answer = facts
        .answers
        .iter_mut()
        .find(|answer| answer.ask.protocol == protocol)
        .unwrap();
    answer.state = UdpState::Answered;
    (answer.asked_bytes, answer.answered_bytes, answer.datagrams) = (asked, answered, 1);
    answer.head = ByteText::new(head);
    facts
}

fn set(mut facts: UdpFacts, protocol: UdpProtocol, state: UdpState) -> UdpFacts {
    for answer in &mut facts.answers {
        if answer.ask.protocol == protocol {
            (answer.state, answer.tries) = (state, 2);
        }
    }
    facts
}

fn judged(probe: &UdpExposure, facts: &UdpFacts) -> Outcome {
    judge::judge(probe, ip(), facts, true, None)
}

fn codes(outcome: &Outcome) -> Vec<String> {
    let all = outcome.findings.iter();
    all.map(|finding| format!("{} {} {}", finding.status.word(), finding.subject, finding.code))
        .collect()
}

fn evidence<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let found = outcome.evidence.iter().find(|evidence| evidence.label == label);
    found.map_or("", |evidence| &evidence.value)
}

#[test]
fn silence_is_open_or_filtered_and_never_closed() {
    let probe = settings(json!({}));
    let facts = all(&probe, UdpState::OpenOrFiltered);
    let facts = set(facts, UdpProtocol::Tftp, UdpState::Closed);
    let outcome = judged(&probe, &facts);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(
        outcome.summary,
        "no UDP port answered: 1 closed, 11 open or filtered"
    );
    assert_eq!(evidence(&outcome, "closed"), "69");
    assert_eq!(
        evidence(&outcome, "open or filtered"),
        "19,53,111,123,137,161,389,1900,5353,5683,11211"
    );
}

#[test]
fn a_host_that_gives_no_sign_is_not_judged() {
    let probe = settings(json!({}));
    let facts = all(&probe, UdpState::OpenOrFiltered);
    let outcome = judge::judge(&probe, ip(), &facts, false, None);
    assert_eq!(outcome.status, Status::unknown(Reason::FILTERED));
    assert_eq!(codes(&outcome), ["unknown  nothing_answered"]);
}

#[test]
fn what_answers_must_be_allowed() {
    let facts = |probe: &UdpExposure| {
        let facts = all(probe, UdpState::Closed);
        with(facts, UdpProtocol::Dns, 17, 28, b"rd\x80\x05")
    };
    let probe = settings(json!({ "allowed": [53] }));
    let outcome = judged(&probe, &facts(&probe));
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "answers over UDP: 53");
    let probe = settings(json!({}));
    let outcome = judged(&probe, &facts(&probe));
    assert_eq!(codes(&outcome), ["fail UDP port 53 unexpected_answer"]);
    assert_eq!(outcome.summary, "answers over UDP, not allowed: 53");
    let finding = &outcome.findings[0];
    assert_eq!(finding.message, "answers a question of DNS, and is not allowed");
    assert_eq!(finding.evidence[0].value, "28 bytes in 1 datagrams, for 17 bytes");
}

#[test]
fn a_port_with_two_questions_is_told_once() {
    let probe = settings(json!({}));
    let facts = all(&probe, UdpState::OpenOrFiltered);
    let facts = with(facts, UdpProtocol::Ntp, 48, 48, b"\x24");
    let outcome = judged(&probe, &facts);
    assert_eq!(codes(&outcome), ["fail UDP port 123 unexpected_answer"]);
    assert!(
        !evidence(&outcome, "open or filtered").contains("123"),
        "{outcome:?}"
    );
    let facts = with(facts, UdpProtocol::NtpMonlist, 8, 440, b"\x97");
    let outcome = judged(&probe, &facts);
    assert_eq!(
        codes(&outcome),
        [
            "fail UDP port 123 unexpected_answer",
            "warn UDP port 123 amplifies"
        ]
    );
    assert!(outcome.findings[0].message.contains("NTP and NTP monlist"));
}

#[test]
fn a_long_answer_warns_past_its_bound() {
    let probe = settings(json!({ "allowed": [11211], "max_amplification": 100 }));
    for (answered, word) in [(1_499, "pass"), (1_500, "pass"), (1_501, "warn")] {
        let facts = all(&probe, UdpState::Closed);
        let facts = with(facts, UdpProtocol::Memcached, 15, answered, b"");
        let outcome = judged(&probe, &facts);
        assert_eq!(outcome.status.word(), word, "{answered}: {outcome:?}");
    }
    let facts = with(all(&probe, UdpState::Closed), UdpProtocol::Memcached, 0, 1, b"");
    assert_eq!(
        judged(&probe, &facts).status.word(),
        "warn",
        "nothing is divided by 0"
    );
}

#[test]
fn a_community_that_everybody_knows_fails_where_it_is_answered_to() {
    let probe = settings(json!({ "allowed": [161] }));
    for (head, word) in [
        (&b"0\x2f\x02\x01\x01\x04\x06public\xa2\x22"[..], "fail"),
        (b"0\x2f\x02\x01\x01\x04\x06public\xa0\x22", "pass"),
        (b"0\x2f\x02\x01\x01\x04\x06public", "pass"),
        (b"public", "pass"),
        (b"", "pass"),
        (b"0\x2f\x02\x01\x01\x04\x06secret\xa2\x22", "pass"),
    ] {
        let facts = with(all(&probe, UdpState::Closed), UdpProtocol::Snmp, 41, 60, head);
        let outcome = judged(&probe, &facts);
        assert_eq!(outcome.status.word(), word, "{head:?}: {outcome:?}");
    }
}

#[test]
fn a_required_port_must_answer() {
    let probe = settings(json!({ "allowed": [53], "required": [53], "ports": [53] }));
    for (state, word, code) in [
        (UdpState::Closed, "fail", "required_closed"),
        (UdpState::OpenOrFiltered, "fail", "required_silent"),
        (UdpState::Filtered, "fail", "required_unreachable"),
        (UdpState::NotSent, "unknown", "required_not_asked"),
        (UdpState::Untried, "unknown", "required_not_asked"),
    ] {
        let facts = set(all(&probe, state), UdpProtocol::Dns, state);
        let outcome = judged(&probe, &facts);
        assert_eq!(codes(&outcome), [format!("{word} UDP port 53 {code}")]);
        assert_eq!(outcome.summary, "required and not answering: 53");
    }
    let facts = with(all(&probe, UdpState::Closed), UdpProtocol::Dns, 17, 28, b"");
    assert!(judged(&probe, &facts).status.is_pass());
}

#[test]
fn what_could_not_be_asked_is_no_pass() {
    let probe = settings(json!({}));
    for (state, reason, code) in [
        (UdpState::NotSent, Reason::LOCAL_FIREWALL, "not_sent"),
        (UdpState::Untried, Reason::ERROR, "not_covered"),
    ] {
        let facts = set(all(&probe, UdpState::Closed), UdpProtocol::Ldap, state);
        let outcome = judged(&probe, &facts);
        assert_eq!(outcome.status, Status::unknown(reason));
        assert_eq!(codes(&outcome), [format!("unknown  {code}")]);
        assert_eq!(outcome.findings[0].evidence[0].value, "389");
    }
}

#[test]
fn hostile_answers_are_shown_as_they_are_and_break_nothing() {
    let probe = settings(json!({}));
    let head = b"\x1b[31m\xff\0public\xa2";
    let facts = with(
        all(&probe, UdpState::Closed),
        UdpProtocol::Memcached,
        15,
        u32::MAX,
        head,
    );
    let outcome = judged(&probe, &facts);
    assert_eq!(
        codes(&outcome),
        [
            "fail UDP port 11211 unexpected_answer",
            "warn UDP port 11211 amplifies"
        ]
    );
    assert!(
        judged(&probe, &UdpFacts::default()).status.is_pass(),
        "nothing asked, nothing found"
    );
}

fn table(sockets: &[(Transport, &str)]) -> SocketFacts {
    let mut facts = SocketFacts::default();
    facts.sockets = sockets
        .iter()
        .map(|(transport, at)| LocalSocket::new(*transport, at.parse().unwrap()))
        .collect();
    facts
}

#[test]
fn from_inside_a_socket_that_others_reach_must_be_allowed() {
    use Transport::{Tcp, Udp};
    let probe = settings(json!({ "allowed": [53], "mode": "inside" }));
    for (sockets, codes_expected) in [
        (
            &[
                (Udp, "0.0.0.0:53"),
                (Udp, "127.0.0.1:11211"),
                (Tcp, "0.0.0.0:11211"),
            ][..],
            &[][..],
        ),
        // An ephemeral port of a client.
        (&[(Udp, "0.0.0.0:40123")], &[]),
        (&[(Udp, "192.0.2.7:161")], &[]),
        (&[(Udp, "0.0.0.0:161")], &["fail UDP port 161 unexpected_socket"]),
        (&[(Udp, "[::]:161")], &["fail UDP port 161 unexpected_socket"]),
        (
            &[(Udp, "192.0.2.1:161")],
            &["fail UDP port 161 unexpected_socket"],
        ),
    ] {
        let outcome = inside::judge(&probe, ip(), &table(sockets));
        assert_eq!(codes(&outcome), codes_expected, "{sockets:?}");
    }
    let probe = settings(json!({ "allowed": [53], "required": [53], "mode": "inside" }));
    let outcome = inside::judge(&probe, ip(), &table(&[(Udp, "127.0.0.1:53")]));
    assert_eq!(codes(&outcome), ["fail UDP port 53 required_not_bound"]);
    let mut cut = table(&[(Udp, "0.0.0.0:53")]);
    cut.is_cut = true;
    assert!(inside::judge(&probe, ip(), &cut).status.is_unknown());
}

#[test]
fn a_silent_port_with_a_socket_is_open_says_the_table() {
    let probe = settings(json!({ "mode": "both" }));
    let facts = all(&probe, UdpState::OpenOrFiltered);
    let facts = with(facts, UdpProtocol::Ntp, 48, 48, b"");
    let sockets = table(&[(Transport::Udp, "0.0.0.0:161"), (Transport::Udp, "0.0.0.0:123")]);
    let outcome = judge::judge(&probe, ip(), &facts, true, Some(&sockets));
    assert_eq!(
        codes(&outcome),
        [
            "fail UDP port 123 unexpected_answer",
            "fail UDP port 161 unexpected_socket"
        ]
    );
    let socket = outcome.findings[0].evidence.last().unwrap();
    assert_eq!(
        (&*socket.label, &*socket.value),
        ("socket", "0.0.0.0:123, user 0")
    );
}

#[test]
fn it_asks_and_looks_for_a_sign_of_life() {
    let probe = settings(json!({}));
    let target = Target::parse("https://192.0.2.1").unwrap();
    let key = UdpSweep::new(ip(), probe.asks());
    let silent = Facts::new().with(key.clone(), all(&probe, UdpState::OpenOrFiltered));
    let tcp = TcpConnect::new(Endpoint::new((ip(), 443).into(), "192.0.2.1", false));
    for (state, word) in [
        (PortState::Open, "pass"),
        (PortState::Closed, "pass"),
        (PortState::Filtered, "unknown"),
        (PortState::Unreachable, "unknown"),
    ] {
        let facts = silent.clone().with(tcp.clone(), TcpFacts::new(state, 1));
        assert_eq!(facts.judge(&probe, &target).status.word(), word);
    }
    assert!(silent.judge(&probe, &target).status.is_unknown());
    // One closed port is sign enough.
    let facts = set(
        all(&probe, UdpState::OpenOrFiltered),
        UdpProtocol::Dns,
        UdpState::Closed,
    );
    let outcome = Facts::new().with(key, facts).judge(&probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn the_view_from_inside_is_of_this_machine_alone() {
    let target = Target::parse("https://192.0.2.1").unwrap();
    let probe = settings(json!({ "mode": "inside" }));
    let route = |is_own| {
        let mut route = Route::new(true);
        route.is_own = is_own;
        Facts::new().with(LocalRoute::new(ip()), route)
    };
    let outcome = route(false).judge(&probe, &target);
    assert!(outcome.status.is_not_applicable(), "{outcome:?}");
    let empty = table(&[]);
    let outcome = route(true).with(SocketTable::new(), empty).judge(&probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let error = ObserveError::new(Reason::NO_SOURCE, "on Linux alone");
    let outcome = route(true)
        .with_error(SocketTable::new(), error.clone())
        .judge(&probe, &target);
    assert_eq!(outcome.status, Status::unknown(Reason::NO_SOURCE));

    let probe = settings(json!({ "mode": "both" }));
    let key = UdpSweep::new(ip(), probe.asks());
    let closed = all(&probe, UdpState::Closed);
    let outcome = route(false)
        .with(key.clone(), closed.clone())
        .judge(&probe, &target);
    assert!(outcome.status.is_pass());
    assert!(evidence(&outcome, "inside").contains("not looked at"));
    let outcome = route(true)
        .with(key, closed)
        .with_error(SocketTable::new(), error)
        .judge(&probe, &target);
    assert_eq!(codes(&outcome), ["unknown  inside_not_seen"]);
}

#[test]
fn wrong_settings_are_named_before_anything_is_sent() {
    let mut registry = Registry::new();
    registry.add_with::<UdpExposure>(UdpExposure::check);
    for (value, part) in [
        (
            json!({ "required": [53] }),
            "port 53 stands in `required` and not in `allowed`",
        ),
        (json!({ "ports": [5300] }), "no question is known for port 5300"),
        (
            json!({ "ports": [5300], "protocols": { "5300": "gopher" } }),
            "unknown variant `gopher`",
        ),
        (json!({ "ports": [], "protocols": {} }), "no port is asked"),
        (json!({ "ports": [53], "protocols": { "0": "dns" } }), "port 0"),
    ] {
        let error = registry
            .build("net.udp_exposure", &value)
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{value}: {error}");
    }
    for value in [
        json!({}),
        json!({ "ports": [5300], "protocols": { "5300": "dns" } }),
        // Allowed ports need no question.
        json!({ "allowed": [443, 53], "required": [53] }),
    ] {
        assert!(registry.build("net.udp_exposure", &value).is_ok(), "{value}");
    }
    let probe = settings(json!({ "ports": [5300], "allowed": [443], "protocols": { "5300": "dns" } }));
    assert_eq!(probe.asks(), [UdpAsk::new(5300, UdpProtocol::Dns)]);
}
