use readiness_core::{
    Profile, Target,
    fact::{LocalRoute, PortState, Route, TcpFacts},
    testing::Facts,
};

use super::{
    super::{
        Broken, BrokenKind,
        verdict::tests::{trusted, untrusted},
    },
    opening::{UpgradeAnswer, WebSocketEnd},
    *,
};

const URL: &str = "wss://10.0.0.7/live";

fn key(probe: &WebSocket, target: &Target, from: &str) -> WebSocketOpen {
    let address = target.address().unwrap();
    let endpoint = Endpoint::new((address, target.port()).into(), target.host(), target.is_tls());
    WebSocketOpen::new(endpoint, "10.0.0.7", "/live", target.origin())
        .from(from)
        .subprotocols(probe.subprotocols.clone())
        .credential(target.credential())
}

fn judged(probe: &WebSocket, own: WebSocketFacts, foreign: Option<WebSocketFacts>) -> Outcome {
    let target = Target::parse(URL).unwrap();
    let mut facts = Facts::new()
        .with(LocalRoute::new(target.address().unwrap()), Route::new(true))
        .with(key(probe, &target, "https://10.0.0.7"), own)
        .profile(Profile::production());
    if let Some(foreign) = foreign {
        facts = facts.with(key(probe, &target, FOREIGN), foreign);
    }
    facts.judge(probe, &target)
}

fn ended(answer: Option<UpgradeAnswer>, end: WebSocketEnd) -> WebSocketFacts {
    let mut facts = WebSocketFacts::new(TcpFacts::new(PortState::Open, 100), end);
    (facts.answer, facts.tls) = (answer, trusted());
    facts
}

/// A WebSocket without a fault.
fn whole(answer: UpgradeAnswer) -> WebSocketFacts {
    let mut facts = ended(Some(answer), WebSocketEnd::Closed);
    (facts.pong, facts.close_code) = (true, Some(1000));
    facts
}

fn answered(change: impl FnOnce(&mut UpgradeAnswer)) -> UpgradeAnswer {
    let mut answer = UpgradeAnswer::agreed();
    change(&mut answer);
    answer
}

fn refused(status: u16) -> WebSocketFacts {
    let answer = UpgradeAnswer {
        status,
        ..UpgradeAnswer::default()
    };
    ended(Some(answer), WebSocketEnd::NotUpgraded)
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn a_websocket_without_a_fault_passes() {
    let outcome = judged(&WebSocket::default(), whole(UpgradeAnswer::agreed()), None);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(
        outcome.summary,
        "10.0.0.7:443: the WebSocket opened, answered a ping and closed"
    );
    let odd = answered(|answer| {
        answer.upgrade = "WebSocket".to_owned();
        answer.connection = "keep-alive, upgrade".to_owned();
    });
    assert!(judged(&WebSocket::default(), whole(odd), None).status.is_pass());
}

#[test]
fn answers_that_clients_refuse_fail() {
    let not_upgraded = |answer| ended(Some(answer), WebSocketEnd::NotUpgraded);
    for (facts, word, code) in [
        (
            not_upgraded(answered(|a| a.upgrade.clear())),
            "fail",
            "wrong_upgrade",
        ),
        (
            not_upgraded(answered(|a| a.upgrade = "h2c".to_owned())),
            "fail",
            "wrong_upgrade",
        ),
        (
            not_upgraded(answered(|a| a.connection = "close".to_owned())),
            "fail",
            "wrong_connection",
        ),
        (
            not_upgraded(answered(|a| a.accept = None)),
            "fail",
            "wrong_accept",
        ),
        (
            not_upgraded(answered(|a| a.accept = Some(false))),
            "fail",
            "wrong_accept",
        ),
        (
            whole(answered(|a| a.subprotocol = Some("chat".to_owned()))),
            "fail",
            "wrong_subprotocol",
        ),
        (
            whole(answered(|a| a.extensions = "permessage-deflate".to_owned())),
            "fail",
            "wrong_extension",
        ),
        (refused(200), "fail", "not_upgraded"),
        (refused(302), "fail", "not_upgraded"),
        (refused(404), "fail", "not_upgraded"),
        (refused(426), "fail", "not_upgraded"),
        (refused(401), "unknown", "not_let_in"),
        (refused(403), "unknown", "not_let_in"),
    ] {
        let outcome = judged(&WebSocket::default(), facts.clone(), None);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, vec![code]),
            "{facts:?}"
        );
    }
    // Whatever the answer lacks: what was not opened is no pass.
    let outcome = judged(
        &WebSocket::default(),
        ended(Some(UpgradeAnswer::agreed()), WebSocketEnd::NotUpgraded),
        None,
    );
    assert!(outcome.status.is_unknown());
}

#[test]
fn one_of_the_subprotocols_must_be_chosen() {
    let probe = WebSocket {
        subprotocols: vec!["v2.chat".to_owned(), "v1.chat".to_owned()],
        ..WebSocket::default()
    };
    for (chosen, expected) in [
        (Some("v1.chat"), &[][..]),
        (None, &["no_subprotocol"]),
        (Some("V1.chat"), &["wrong_subprotocol"]),
    ] {
        let answer = answered(|a| a.subprotocol = chosen.map(str::to_owned));
        let outcome = judged(&probe, whole(answer), None);
        assert_eq!(codes(&outcome), expected, "{chosen:?}");
    }
}

#[test]
fn what_follows_the_answer_is_judged() {
    let agreed = || Some(UpgradeAnswer::agreed());
    let mut silent = ended(agreed(), WebSocketEnd::Closed);
    silent.close_code = Some(1000);
    let mut abrupt = ended(agreed(), WebSocketEnd::Closed);
    abrupt.pong = true;
    let mut closed = ended(agreed(), WebSocketEnd::ClosedByServer);
    (closed.close_code, closed.close_reason) = (Some(1008), "log in first".to_owned());
    for (facts, word, code) in [
        (silent, "fail", "no_pong"),
        (abrupt, "warn", "no_close"),
        (closed, "fail", "closed"),
        (
            ended(agreed(), WebSocketEnd::Violation("a masked frame".to_owned())),
            "fail",
            "broken_frames",
        ),
        (ended(agreed(), WebSocketEnd::TooBusy), "unknown", "too_busy"),
        (
            ended(
                None,
                WebSocketEnd::Broken(Broken::new(BrokenKind::Garbage, "it does not speak HTTP/1.1")),
            ),
            "fail",
            "other_protocol",
        ),
    ] {
        let outcome = judged(&WebSocket::default(), facts, None);
        assert_eq!((outcome.status.word(), codes(&outcome)), (word, vec![code]));
    }
    let mut closed = ended(agreed(), WebSocketEnd::ClosedByServer);
    (closed.close_code, closed.close_reason) = (Some(1008), "log in first".to_owned());
    let outcome = judged(&WebSocket::default(), closed, None);
    assert_eq!(
        outcome.summary,
        "10.0.0.7:443: the server closed the WebSocket (code 1008, log in first), expected a pong"
    );
}

#[test]
fn a_foreign_origin_must_be_refused_where_that_is_wanted() {
    let probe = WebSocket {
        foreign_origin_refused: true,
        ..WebSocket::default()
    };
    let own = || whole(UpgradeAnswer::agreed());
    let agreed = || Some(UpgradeAnswer::agreed());
    let closed = |code| {
        let mut facts = ended(agreed(), WebSocketEnd::ClosedByServer);
        facts.close_code = Some(code);
        facts
    };
    for (foreign, word, expected) in [
        (refused(403), "pass", &[][..]),
        (refused(400), "pass", &[]),
        (ended(agreed(), WebSocketEnd::ClosedByServer), "pass", &[]),
        (own(), "fail", &["foreign_origin_accepted"]),
        (
            ended(agreed(), WebSocketEnd::TooBusy),
            "fail",
            &["foreign_origin_accepted"],
        ),
        (refused(401), "pass", &[]),
        (refused(404), "pass", &[]),
        (closed(1008), "pass", &[]),
        (closed(1001), "unknown", &["foreign_origin_not_seen"]),
        (closed(1011), "unknown", &["foreign_origin_not_seen"]),
        (closed(1012), "unknown", &["foreign_origin_not_seen"]),
        (closed(1013), "unknown", &["foreign_origin_not_seen"]),
        (refused(402), "unknown", &["foreign_origin_not_seen"]),
        (refused(408), "unknown", &["foreign_origin_not_seen"]),
        (refused(429), "unknown", &["foreign_origin_not_seen"]),
        (refused(302), "unknown", &["foreign_origin_not_seen"]),
        (refused(500), "unknown", &["foreign_origin_not_seen"]),
        (
            ended(
                None,
                WebSocketEnd::Broken(Broken::new(BrokenKind::Silent, "it did not answer")),
            ),
            "unknown",
            &["foreign_origin_not_seen"],
        ),
    ] {
        let outcome = judged(&probe, own(), Some(foreign.clone()));
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{foreign:?}"
        );
    }
    // Nobody else is asked where the own page is not let in.
    assert_eq!(codes(&judged(&probe, refused(404), None)), ["not_upgraded"]);
}

#[test]
fn the_way_there_is_judged_too() {
    let closed = WebSocketFacts::new(TcpFacts::new(PortState::Closed, 10), WebSocketEnd::NotOpen);
    let outcome = judged(&WebSocket::default(), closed, None);
    assert_eq!(outcome.summary, "10.0.0.7:443: connection refused");
    let mut facts = whole(UpgradeAnswer::agreed());
    facts.tls = untrusted();
    assert_eq!(
        codes(&judged(&WebSocket::default(), facts, None)),
        ["tls_untrusted"]
    );
    let mut facts = ended(None, WebSocketEnd::CredentialWithheld);
    facts.tls = untrusted();
    let outcome = judged(&WebSocket::default(), facts, None);
    assert_eq!(codes(&outcome), ["credential_withheld", "tls_untrusted"]);
    // The worst is told, not the first.
    assert!(outcome.status.is_fail());
    assert!(
        outcome
            .summary
            .starts_with("10.0.0.7:443: the server's certificate is not trusted"),
        "{}",
        outcome.summary
    );
}

#[test]
fn settings_are_checked() {
    let whole = WebSocket {
        path: "/live?verbose".to_owned(),
        origin: "https://www.example.com".to_owned(),
        subprotocols: vec!["graphql-transport-ws".to_owned(), "p".repeat(64)],
        foreign_origin_refused: true,
    };
    assert_eq!(whole.check(), Ok(()));
    assert_eq!(WebSocket::default().check(), Ok(()));
    let with = |change: fn(&mut WebSocket)| {
        let mut probe = WebSocket::default();
        change(&mut probe);
        probe
    };
    for (probe, part) in [
        (with(|p| p.path = "live".to_owned()), "begin with `/`"),
        (
            with(|p| p.path = "/live?key=s3cr3t".to_owned()),
            "query with a value",
        ),
        (with(|p| p.path = "/a b".to_owned()), "blank"),
        (
            with(|p| p.origin = "www.example.com".to_owned()),
            "`https://host`",
        ),
        (with(|p| p.origin = "https://a\r\nX: y".to_owned()), "blank"),
        (with(|p| p.subprotocols = vec!["a,b".to_owned()]), "`a,b`"),
        (with(|p| p.subprotocols = vec!["p".repeat(65)]), "at most 64"),
        (with(|p| p.subprotocols = vec![String::new()]), "a token"),
        (with(|p| p.subprotocols = vec!["p".to_owned(); 17]), "names 17"),
    ] {
        let problem = probe.check().unwrap_err();
        assert!(problem.contains(part) && !problem.contains("s3cr3t"), "{problem}");
    }
}
