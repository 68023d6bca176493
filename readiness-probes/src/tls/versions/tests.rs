use readiness_core::{Reason, Target, testing::Facts};

use super::*;
use crate::tls::hello::fake::{Model, Refusal, judged};

/// Suites that each version can have.
fn usual(version: TlsVersion) -> Vec<u16> {
    match version {
        TlsVersion::Tls13 => vec![0x1301],
        TlsVersion::Tls12 => vec![0xc02f],
        _ => vec![0x002f, 0x0035],
    }
}

fn pinned(versions: &[TlsVersion]) -> Model {
    let mut model = Model::of(&[]);
    model.versions = versions
        .iter()
        .map(|version| (*version, usual(*version)))
        .collect();
    model
}

fn codes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| (&*finding.code, &*finding.subject))
        .collect()
}

fn shown<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let evidence = outcome.evidence.iter().find(|evidence| evidence.label == label);
    &evidence
        .unwrap_or_else(|| panic!("no evidence `{label}`: {outcome:?}"))
        .value
}

/// The outcome at a server like this, and how many connections it took.
async fn seen(model: Model) -> (Outcome, u64) {
    let report = judged(model, &TlsVersions::default()).await;
    let outcome = report.results[0].targets[0].outcome.clone();
    assert_eq!(
        readiness_core::testing::faults_of_outcome(&outcome),
        [] as [&str; 0]
    );
    (outcome, report.cost["tls_connections"])
}

#[tokio::test]
async fn exactly_the_versions_that_are_spoken_are_seen_in_five_connections() {
    use TlsVersion::{Ssl3, Tls10, Tls11, Tls12, Tls13};
    let old = |version| ("old_version", version);
    for (versions, status, expected) in [
        (
            &[Ssl3][..],
            "fail",
            &[old("SSLv3"), ("no_current_version", "")][..],
        ),
        (&[Tls10], "fail", &[old("TLS 1.0"), ("no_current_version", "")]),
        (&[Tls11], "fail", &[old("TLS 1.1"), ("no_current_version", "")]),
        (&[Tls12], "pass", &[("only_tls_1_2", "")]),
        (&[Tls13], "pass", &[("only_tls_1_3", "")]),
        (&[Tls12, Tls13], "pass", &[]),
        (&[Ssl3, Tls12, Tls13], "fail", &[old("SSLv3")]),
        (&[Tls11, Tls13], "fail", &[old("TLS 1.1"), ("only_tls_1_3", "")]),
        (
            &[Ssl3, Tls10, Tls11, Tls12, Tls13],
            "fail",
            &[old("TLS 1.1"), old("TLS 1.0"), old("SSLv3")],
        ),
    ] {
        let (outcome, connections) = seen(pinned(versions)).await;
        assert_eq!((outcome.status.word(), connections), (status, 5), "{versions:?}");
        assert_eq!(codes(&outcome), expected, "{versions:?}");
        for version in TlsVersion::ALL {
            let said = shown(&outcome, &version.to_string());
            let begin = if versions.contains(&version) {
                "offered: TLS_"
            } else {
                "not offered: it "
            };
            assert!(said.starts_with(begin), "{versions:?}: {version} {said}");
        }
        assert!(shown(&outcome, "connections").starts_with("5, "));
    }
}

#[tokio::test]
async fn a_lower_answer_is_evidence_and_no_agreement() {
    let (outcome, _) = seen(pinned(&[TlsVersion::Tls10])).await;
    assert_eq!(
        shown(&outcome, "TLS 1.2"),
        "not offered: it answered with TLS 1.0"
    );
    assert_eq!(
        shown(&outcome, "TLS 1.3"),
        "not offered: it sent the alert `protocol_version`"
    );
    assert_eq!(outcome.summary, "TLS 1.0 alone is offered");
}

#[tokio::test]
async fn a_closed_connection_is_a_refusal_where_others_are_answered() {
    let mut model = pinned(&[TlsVersion::Tls12, TlsVersion::Tls13]);
    model.refuses = Refusal::Close;
    let (outcome, connections) = seen(model).await;
    assert_eq!((outcome.status.word(), connections), ("pass", 5));
    assert_eq!(shown(&outcome, "SSLv3"), "not offered: it closed the connection");
}

#[tokio::test]
async fn silence_is_never_a_refusal_and_is_tried_twice() {
    let mut model = pinned(&[TlsVersion::Tls12, TlsVersion::Tls13]);
    model.refuses = Refusal::Silence;
    let (outcome, connections) = seen(model).await;
    // SSLv3, TLS 1.0 and TLS 1.1 were tried twice.
    assert_eq!((outcome.status.word(), connections), ("unknown", 8));
    assert_eq!(
        codes(&outcome),
        [
            ("unclear", "TLS 1.1"),
            ("unclear", "TLS 1.0"),
            ("unclear", "SSLv3")
        ]
    );
    assert_eq!(shown(&outcome, "SSLv3"), "unknown: it did not answer in time");
    assert_eq!(outcome.summary, "offered are TLS 1.2, TLS 1.3");
}

#[tokio::test]
async fn nothing_is_said_of_a_server_that_answers_nothing() {
    for (refuses, connections, reason) in [
        (Refusal::Silence, 10, Reason::TIMEOUT),
        (Refusal::Close, 10, Reason::TLS_CLOSED),
        (Refusal::Alert, 5, Reason::TLS_ALERT),
    ] {
        let mut model = pinned(&[]);
        model.refuses = refuses;
        let (outcome, made) = seen(model).await;
        assert_eq!(outcome.status, readiness_core::Status::unknown(reason));
        assert_eq!(made, connections, "{refuses:?}");
        assert_eq!(codes(&outcome), [("no_handshake", "")]);
    }
}

#[tokio::test]
async fn the_second_try_reaches_servers_that_hang_on_long_hellos() {
    let mut model = pinned(&[TlsVersion::Tls12]);
    model.most_suites = Some(20);
    let (outcome, connections) = seen(model).await;
    // TLS 1.3 has few suites as it is; the others were tried twice.
    assert_eq!((outcome.status.word(), connections), ("pass", 9));
    assert!(shown(&outcome, "TLS 1.2").starts_with("offered"));
}

#[tokio::test]
async fn what_is_picked_for_tls_1_2_is_judged() {
    let with = |suite: u16| Model::of(&[(TlsVersion::Tls12, &[suite])]);
    let weak_group = {
        let mut model = with(0xc02b);
        model.groups = vec![21];
        model
    };
    let short_prime = {
        let mut model = with(0x009e);
        model.prime_bytes = 128;
        model
    };
    let forbidden = {
        let mut model = with(0xc013);
        model.alpn = Some("h2");
        model
    };
    let tls = "TLS 1.2";
    for (model, status, expected) in [
        (with(0xc02f), "pass", &[][..]),
        (with(0x009e), "pass", &[]),
        (with(0xc013), "warn", &[("cbc_suite", tls)]),
        (with(0x009c), "warn", &[("no_forward_secrecy", tls)]),
        (with(0x003b), "fail", &[("weak_suite", tls)]),
        (with(0x0034), "fail", &[("weak_suite", tls)]),
        (with(0x000a), "fail", &[("weak_suite", tls)]),
        (weak_group, "fail", &[("weak_groups", "")]),
        (short_prime, "fail", &[("weak_dh", "")]),
        (
            forbidden,
            "warn",
            &[("cbc_suite", tls), ("h2_with_forbidden_suite", tls)],
        ),
    ] {
        let (outcome, _) = seen(model).await;
        let found = codes(&outcome);
        assert_eq!(found.last(), Some(&("only_tls_1_2", "")));
        assert_eq!(&found[..found.len() - 1], expected);
        assert_eq!(outcome.status.word(), status, "{expected:?}");
    }
}

#[tokio::test]
async fn a_dialogue_may_stand_before_the_hello() {
    let with = |answer| {
        let mut model = pinned(&[TlsVersion::Tls12, TlsVersion::Tls13]);
        model.postgres = Some(answer);
        model
    };
    let (outcome, connections) = seen(with(b'S')).await;
    assert_eq!((outcome.status.word(), connections), ("pass", 5), "{outcome:?}");
    let (outcome, connections) = seen(with(b'N')).await;
    assert_eq!((outcome.status.word(), connections), ("fail", 5), "{outcome:?}");
    assert_eq!(codes(&outcome), [("starttls_declined", "")]);
    let (outcome, _) = seen(with(b'?')).await;
    assert_eq!(
        outcome.status,
        readiness_core::Status::unknown(Reason::STARTTLS_UNEXPECTED)
    );
}

#[tokio::test]
async fn the_minimum_can_be_raised() {
    let probe = TlsVersions {
        min_version: "1.3".to_owned(),
        ..TlsVersions::default()
    };
    for (versions, status, expected) in [
        (&[TlsVersion::Tls13][..], "pass", &[("only_tls_1_3", "")][..]),
        (
            &[TlsVersion::Tls12, TlsVersion::Tls13],
            "fail",
            &[("old_version", "TLS 1.2")],
        ),
        (&[TlsVersion::Tls12], "fail", &[("old_version", "TLS 1.2")]),
    ] {
        let report = judged(pinned(versions), &probe).await;
        let outcome = &report.results[0].targets[0].outcome;
        assert_eq!(
            (outcome.status.word(), codes(outcome)),
            (status, expected.to_vec())
        );
    }
    assert!(probe.check().is_ok());
    let wrong = TlsVersions {
        min_version: "1.1".to_owned(),
        ..TlsVersions::default()
    };
    assert!(wrong.check().unwrap_err().contains("`1.1`"));
}

#[test]
fn the_probe_looks_at_tls_targets_only() {
    let probe = TlsVersions::default();
    let plain = Target::parse("http://192.0.2.1").unwrap();
    assert!(Facts::new().judge(&probe, &plain).status.is_not_applicable());
    let unseen = Target::parse("https://192.0.2.1").unwrap();
    assert!(Facts::new().judge(&probe, &unseen).status.is_unknown());
}
