use readiness_core::{
    Profile, Reason, Target,
    fact::{Endpoint, LocalRoute, Route, TcpFacts},
    testing::Facts,
};

use super::{
    super::{
        Broken, BrokenKind, ChannelTls,
        verdict::tests::{trusted, untrusted},
    },
    call::{GrpcAnswer, GrpcReply},
    *,
};

const PLAIN: &str = "http://10.0.0.7:50051";
const SECURE: &str = "https://10.0.0.7:50051";

fn probe(services: &[&str], list: bool) -> GrpcHealth {
    let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
    GrpcHealth { services, list }
}

fn judged(probe: &GrpcHealth, url: &str, profile: Profile, facts: GrpcHealthFacts) -> Outcome {
    let target = Target::parse(url).unwrap();
    let address = target.address().unwrap();
    let endpoint = Endpoint::new((address, target.port()).into(), target.host(), target.is_tls());
    let key = GrpcHealthCheck::new(endpoint, "10.0.0.7:50051", target.origin())
        .asking(probe.services.clone(), probe.list)
        .credential(target.credential());
    Facts::new()
        .with(LocalRoute::new(address), Route::new(true))
        .with(key, facts)
        .profile(profile)
        .judge(probe, &target)
}

fn ended(end: GrpcEnd) -> GrpcHealthFacts {
    GrpcHealthFacts::new(TcpFacts::new(PortState::Open, 100), end)
}

fn done(checks: Vec<GrpcAnswer>, list: Option<GrpcAnswer>) -> GrpcHealthFacts {
    let mut facts = ended(GrpcEnd::Done);
    (facts.checks, facts.list) = (checks, list);
    facts
}

fn status(status: i32) -> GrpcAnswer {
    GrpcAnswer::new(200, Some(0), GrpcReply::Status(status))
}

fn said(code: u32, message: &str) -> GrpcAnswer {
    let mut answer = GrpcAnswer::new(200, Some(code), GrpcReply::Nothing);
    answer.message = message.to_owned();
    answer
}

fn list(all: &[(&str, i32)]) -> GrpcAnswer {
    let all = all.iter().map(|(name, status)| ((*name).to_owned(), *status));
    GrpcAnswer::new(200, Some(0), GrpcReply::List(all.collect()))
}

/// A response of HTTP that is none of gRPC.
fn other(http: u16, kind: &str) -> GrpcAnswer {
    let mut answer = GrpcAnswer::new(http, None, GrpcReply::Malformed("72 bytes".to_owned()));
    answer.content_type = kind.to_owned();
    answer
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn a_server_that_serves_passes() {
    let outcome = judged(
        &GrpcHealth::default(),
        PLAIN,
        Profile::local(),
        done(vec![status(1)], None),
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "10.0.0.7:50051: the server is SERVING");
    let mut facts = done(
        vec![status(1), status(1)],
        Some(list(&[("", 1), ("shop.Cart", 1)])),
    );
    facts.tls = trusted();
    let outcome = judged(
        &probe(&["", "shop.Cart"], true),
        SECURE,
        Profile::production(),
        facts,
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "10.0.0.7:50051: 2 services are SERVING");
}

#[test]
fn each_answer_has_its_verdict() {
    let malformed = |what: &str| GrpcAnswer::new(200, Some(0), GrpcReply::Malformed(what.to_owned()));
    for (answer, word, code, part) in [
        (
            status(0),
            "fail",
            "status_unknown",
            "the server is UNKNOWN, expected SERVING",
        ),
        (status(2), "fail", "not_serving", "the server is NOT_SERVING"),
        (status(3), "fail", "service_unknown", "SERVICE_UNKNOWN"),
        (status(-1), "fail", "status_unknown", "the status -1"),
        (
            said(5, ""),
            "fail",
            "service_unknown",
            "has no status for the server (NOT_FOUND)",
        ),
        (
            said(4, "too slow"),
            "fail",
            "timeout",
            "DEADLINE_EXCEEDED: too slow",
        ),
        (
            said(14, "upstream"),
            "fail",
            "unavailable",
            "UNAVAILABLE: upstream",
        ),
        (said(13, ""), "fail", "refused", "INTERNAL"),
        (said(99, ""), "fail", "refused", "the code 99"),
        (said(12, ""), "unknown", "no_health_service", "UNIMPLEMENTED"),
        (said(8, ""), "unknown", "too_many", "RESOURCE_EXHAUSTED"),
        (said(7, ""), "unknown", "not_let_in", "PERMISSION_DENIED"),
        (said(16, ""), "unknown", "not_let_in", "UNAUTHENTICATED"),
        (said(0, ""), "fail", "malformed_reply", "found none"),
        (
            malformed("a compressed message"),
            "fail",
            "malformed_reply",
            "found a compressed message",
        ),
        (
            GrpcAnswer::new(200, None, GrpcReply::Status(1)),
            "fail",
            "no_status",
            "no `grpc-status`",
        ),
        (
            other(200, "text/html"),
            "fail",
            "not_grpc",
            "HTTP 200 with the media type `text/html`",
        ),
        (other(200, "application/grpc-web"), "fail", "not_grpc", "grpc-web"),
        (other(404, "text/plain"), "fail", "not_grpc", "HTTP 404"),
        (other(503, "text/plain"), "fail", "unavailable", "HTTP 503"),
        (other(403, "text/plain"), "unknown", "not_let_in", "HTTP 403"),
        (other(200, ""), "fail", "not_grpc", "media type ``"),
    ] {
        let outcome = judged(
            &GrpcHealth::default(),
            PLAIN,
            Profile::local(),
            done(vec![answer.clone()], None),
        );
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, vec![code]),
            "{answer:?}"
        );
        assert!(outcome.summary.contains(part), "{}", outcome.summary);
        assert_eq!(outcome.findings[0].subject, "the server");
    }
    // A status of gRPC counts whatever HTTP says beside it, and media types may have a suffix.
    let mut answer = said(14, "");
    answer.http_status = 503;
    let outcome = judged(
        &GrpcHealth::default(),
        PLAIN,
        Profile::local(),
        done(vec![answer], None),
    );
    assert_eq!(codes(&outcome), ["unavailable"]);
    let mut answer = status(1);
    answer.content_type = "application/grpc+proto".to_owned();
    let outcome = judged(
        &GrpcHealth::default(),
        PLAIN,
        Profile::local(),
        done(vec![answer], None),
    );
    assert!(outcome.status.is_pass());
}

#[test]
fn each_service_is_judged_by_its_own_answer() {
    let facts = done(vec![status(1), said(5, "unknown service"), status(2)], None);
    let outcome = judged(&probe(&["", "a.B", "c.D"], false), PLAIN, Profile::local(), facts);
    let seen: Vec<(&str, &str)> = outcome
        .findings
        .iter()
        .map(|finding| (finding.subject.as_str(), finding.code.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("service `a.B`", "service_unknown"),
            ("service `c.D`", "not_serving")
        ]
    );
    assert_eq!(
        outcome.summary,
        "10.0.0.7:50051: the server has no status for service `a.B` (NOT_FOUND: unknown service)"
    );
    // An answer that is not there is no pass.
    let outcome = judged(
        &probe(&["", "a.B"], false),
        PLAIN,
        Profile::local(),
        done(vec![status(1)], None),
    );
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["not_asked"]);
}

#[test]
fn a_list_is_as_good_as_its_worst_service() {
    for (answer, word, expected) in [
        (
            list(&[("", 1), ("a.B", 2), ("c.D", 0)]),
            "fail",
            &["not_serving", "status_unknown"][..],
        ),
        (list(&[]), "fail", &["nothing_listed"]),
        (said(12, ""), "unknown", &["no_list"]),
        (said(8, ""), "unknown", &["too_many"]),
    ] {
        let facts = done(vec![status(1)], Some(answer.clone()));
        let outcome = judged(&probe(&[""], true), PLAIN, Profile::local(), facts);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{answer:?}"
        );
    }
    // What `Check` told is not told twice.
    let facts = done(vec![status(2)], Some(list(&[("", 2)])));
    let outcome = judged(&probe(&[""], true), PLAIN, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["not_serving"]);
    let facts = done(Vec::new(), None);
    assert!(
        judged(&probe(&[], true), PLAIN, Profile::local(), facts)
            .status
            .is_unknown()
    );
}

#[test]
fn what_does_not_answer_as_grpc_fails() {
    let closed = GrpcHealthFacts::new(TcpFacts::new(PortState::Closed, 10), GrpcEnd::NotOpen);
    let outcome = judged(&GrpcHealth::default(), PLAIN, Profile::local(), closed);
    assert_eq!(outcome.summary, "10.0.0.7:50051: connection refused");
    for (end, code) in [
        (
            GrpcEnd::Broken(Broken::new(BrokenKind::Garbage, "it does not speak HTTP/2")),
            "other_protocol",
        ),
        (
            GrpcEnd::Broken(Broken::new(BrokenKind::Silent, "it did not answer")),
            "no_answer",
        ),
        (GrpcEnd::NoHttp2, "no_http2"),
    ] {
        let outcome = judged(&GrpcHealth::default(), PLAIN, Profile::local(), ended(end));
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), [code]);
    }
    let mut facts = ended(GrpcEnd::TlsMissing);
    facts.tls = ChannelTls::Failed {
        reason: Reason::TLS_ALERT,
        message: "the peer sent the alert `no_application_protocol`".to_owned(),
    };
    let outcome = judged(&GrpcHealth::default(), SECURE, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["tls_failed"]);
    let hung = GrpcAnswer::broken(Broken::new(
        BrokenKind::Silent,
        "it did not answer `Check` within 4 s",
    ));
    let outcome = judged(
        &GrpcHealth::default(),
        PLAIN,
        Profile::local(),
        done(vec![hung], None),
    );
    assert_eq!(codes(&outcome), ["no_answer"]);
}

#[test]
fn the_channel_is_judged_too() {
    let mut facts = done(vec![status(1)], None);
    facts.tls = untrusted();
    let outcome = judged(
        &GrpcHealth::default(),
        SECURE,
        Profile::production(),
        facts.clone(),
    );
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["tls_untrusted"]);
    assert!(
        judged(&GrpcHealth::default(), SECURE, Profile::local(), facts)
            .status
            .is_warn()
    );
    let outcome = judged(
        &GrpcHealth::default(),
        PLAIN,
        Profile::production(),
        done(vec![status(1)], None),
    );
    assert_eq!(codes(&outcome), ["no_tls"]);
    let mut facts = ended(GrpcEnd::CredentialWithheld);
    facts.tls = untrusted();
    let outcome = judged(
        &GrpcHealth::default(),
        "https://u:s3cr3t@10.0.0.7:50051",
        Profile::local(),
        facts,
    );
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["credential_withheld", "tls_untrusted"]);
}

#[test]
fn settings_that_ask_nothing_are_refused() {
    assert_eq!(GrpcHealth::default().check(), Ok(()));
    assert_eq!(probe(&[], true).check(), Ok(()));
    let name = "s".repeat(200);
    assert_eq!(probe(&[&name], false).check(), Ok(()));
    let many: Vec<String> = (0..33).map(|n| format!("s{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(probe(&many[..32], false).check(), Ok(()));
    for (probe, part) in [
        (probe(&[], false), "is empty"),
        (probe(&many, false), "names 33"),
        (probe(&[&"s".repeat(201)], false), "at most 200 bytes"),
        (probe(&["a\nb"], false), "`a\\nb`"),
        (probe(&["a", "b", "a"], false), "`a` twice"),
    ] {
        let problem = probe.check().unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}
