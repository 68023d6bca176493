use readiness_core::Profile;

use super::{
    super::asked::tests::{codes, ended, heard, hostile, judged, mangled},
    *,
};

const URL: &str = "tcp://10.0.0.7:9092";
const PUBLIC: &str = "tls://192.0.2.7:9093";

fn message(number: u32, body: &[u8]) -> Vec<u8> {
    let mut all = u32::try_from(body.len() + 4).unwrap().to_be_bytes().to_vec();
    all.extend(number.to_be_bytes());
    all.extend(body);
    all
}

fn versions(error: i16, kinds: &[(i16, i16, i16)]) -> Vec<u8> {
    let mut body = error.to_be_bytes().to_vec();
    body.extend(i32::try_from(kinds.len()).unwrap().to_be_bytes());
    for (key, least, most) in kinds {
        for number in [key, least, most] {
            body.extend(number.to_be_bytes());
        }
    }
    message(FIRST, &body)
}

fn usual_versions() -> Vec<u8> {
    versions(0, &[(0, 0, 11), (1, 0, 17), (3, 0, 13), (18, 0, 4)])
}

fn metadata(brokers: i32) -> Vec<u8> {
    let mut body = brokers.to_be_bytes().to_vec();
    for number in 0..brokers {
        body.extend(number.to_be_bytes());
        body.extend(b"\0\x05kafka");
        body.extend(9092_i32.to_be_bytes());
        body.extend(if number % 2 == 0 {
            &b"\xff\xff"[..]
        } else {
            b"\0\x02r1"
        });
    }
    body.extend(1_i32.to_be_bytes());
    body.extend(0_i32.to_be_bytes());
    message(SECOND, &body)
}

fn facts_of(url: &str, mut facts: DialogueFacts) -> DialogueFacts {
    if url.starts_with("tls") {
        facts.tls = super::super::verdict::tests::trusted();
    }
    facts
}

fn seen(probe: &Kafka, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
    judged(probe, steps(), url, profile, facts_of(url, heard(replies)))
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Kafka::default(), URL, Profile::local(), replies)
}

#[test]
fn requests_are_written_as_the_protocol_has_them() {
    let first = request(18, 0, FIRST, &[]);
    assert_eq!(first, *b"\0\0\0\x13\0\x12\0\0rea\x01\0\x09readiness");
    let second = request(3, 1, SECOND, &[0; 4]);
    assert_eq!(second, *b"\0\0\0\x17\0\x03\0\x01rea\x02\0\x09readiness\0\0\0\0");
}

#[test]
fn a_broker_that_hangs_up_at_metadata_passes() {
    for end in [ReplyEnd::Closed, ReplyEnd::Reset] {
        let facts = facts_of(PUBLIC, ended(&[&usual_versions(), b""], end));
        let outcome = judged(&Kafka::default(), steps(), PUBLIC, Profile::production(), facts);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        assert_eq!(
            outcome.summary,
            "192.0.2.7:9093: Kafka answers, and knows 4 kinds of request"
        );
    }
    // Silence is no refusal.
    let facts = ended(&[&usual_versions(), b""], ReplyEnd::Silent);
    let outcome = judged(&Kafka::default(), steps(), URL, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["no_answer"]);
}

#[test]
fn metadata_without_a_log_in_is_a_finding() {
    for (url, profile, word) in [
        (PUBLIC, Profile::production(), "fail"),
        (URL, Profile::local(), "warn"),
        ("tcp://127.0.0.1:9092", Profile::local(), "pass"),
    ] {
        let outcome = seen(
            &Kafka::default(),
            url,
            profile,
            &[&usual_versions(), &metadata(3)],
        );
        assert_eq!(outcome.status.word(), word);
        assert_eq!(codes(&outcome), ["open_without_authentication"]);
        assert!(
            outcome
                .evidence
                .iter()
                .any(|e| e.label == "brokers" && e.value == "3")
        );
    }
    for (least, expected) in [(2, &[][..]), (3, &[]), (4, &["too_few_brokers"])] {
        let probe = Kafka {
            authentication: Authentication::None,
            min_brokers: least,
        };
        let outcome = seen(&probe, URL, Profile::local(), &[&usual_versions(), &metadata(3)]);
        assert_eq!(codes(&outcome), expected);
    }
    // A broker of versions that are not spoken here.
    for kinds in [&[(3, 2, 13)][..], &[(3, 0, 0)], &[(18, 0, 4)]] {
        let replies: [&[u8]; 2] = [&versions(0, kinds), &metadata(1)];
        let outcome = usual(&replies);
        assert!(outcome.status.is_unknown(), "{outcome:#?}");
        assert_eq!(codes(&outcome), ["log_in_not_judged"]);
        let meant = Kafka {
            authentication: Authentication::None,
            ..Kafka::default()
        };
        assert!(seen(&meant, URL, Profile::local(), &replies).findings.is_empty());
        assert!(
            outcome
                .evidence
                .iter()
                .any(|e| e.value == "not understood by this broker")
        );
    }
}

#[test]
fn brokers_that_nobody_told_of_are_not_counted() {
    for (least, word) in [(0, "pass"), (1, "unknown"), (3, "unknown")] {
        let probe = Kafka {
            min_brokers: least,
            ..Kafka::default()
        };
        let facts = ended(&[&usual_versions(), b""], ReplyEnd::Closed);
        let outcome = judged(&probe, steps(), URL, Profile::local(), facts);
        assert_eq!(outcome.status.word(), word, "{least}");
        let expected: &[&str] = if least == 0 { &[] } else { &["brokers_not_told"] };
        assert_eq!(codes(&outcome), expected);
    }
}

#[test]
fn errors_and_missing_tls_are_named() {
    let outcome = usual(&[&versions(35, &[(18, 0, 4)])]);
    assert_eq!(codes(&outcome), ["server_error"]);
    assert!(outcome.summary.contains("error 35"), "{}", outcome.summary);
    let facts = ended(&[b""], ReplyEnd::Closed);
    let outcome = judged(&Kafka::default(), steps(), URL, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["closed"]);
    assert!(outcome.findings[0].remedy.contains("`tls://host:port`"));
    let outcome = seen(
        &Kafka::default(),
        "tcp://192.0.2.7:9092",
        Profile::production(),
        &[&usual_versions()],
    );
    assert!(codes(&outcome).contains(&"no_tls"));
}

#[test]
fn other_peers_fail() {
    let probe = Kafka::default();
    hostile(&probe, &steps(), URL);
    mangled(&probe, &steps(), URL, &[&usual_versions(), &metadata(2)], 0);
    mangled(&probe, &steps(), URL, &[&usual_versions(), &metadata(2)], 1);
    let mut lies = message(FIRST, &[0, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(codes(&usual(&[&lies])), ["other_protocol"]);
    lies = message(FIRST, &[0, 0, 0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(codes(&usual(&[&lies])), ["other_protocol"]);
    for wrong in [
        versions(0, &[]),
        versions(0, &[(3, 5, 4)]),
        versions(0, &[(3, -1, 4)]),
        message(SECOND, &usual_versions()[8..]),
        [usual_versions(), vec![0]].concat(),
    ] {
        assert_eq!(codes(&usual(&[&wrong])), ["other_protocol"], "{wrong:?}");
    }
    let huge = message(SECOND, &[0x7f, 0xff, 0xff, 0xff]);
    assert_eq!(codes(&usual(&[&usual_versions(), &huge])), ["other_protocol"]);
}
