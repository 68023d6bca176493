use readiness_core::Profile;

use super::{
    super::asked::tests::{codes, ended, heard, hostile, judged, mangled},
    *,
};

const URL: &str = "amqp://10.0.0.7";
const PUBLIC: &str = "amqps://192.0.2.7";

fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![1, 0, 0];
    frame.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    frame.extend(payload);
    frame.push(0xce);
    frame
}

fn long(bytes: &[u8]) -> Vec<u8> {
    let mut all = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    all.extend(bytes);
    all
}

fn text(name: &str, value: &str) -> Vec<u8> {
    let mut all = vec![u8::try_from(name.len()).unwrap()];
    all.extend(name.as_bytes());
    all.push(b'S');
    all.extend(long(value.as_bytes()));
    all
}

fn start(mechanisms: &str) -> Vec<u8> {
    let mut table = b"\x0ccapabilitiesF".to_vec();
    table.extend(long(b"\x12publisher_confirmst\x01"));
    table.extend(text("cluster_name", "rabbit@shop"));
    table.extend(b"\x05limitI\0\0\0\x07");
    table.extend(text("product", "RabbitMQ"));
    table.extend(text("version", "3.12.1"));
    let mut payload = vec![0, 10, 0, 10, 0, 9];
    payload.extend(long(&table));
    payload.extend(long(mechanisms.as_bytes()));
    payload.extend(long(b"en_US"));
    frame(&payload)
}

fn tune() -> Vec<u8> {
    frame(&[0, 10, 0, 30, 7, 255, 0, 2, 0, 0, 0, 60])
}

fn close() -> Vec<u8> {
    let mut payload = vec![0, 10, 0, 50, 0x01, 0x93, 14];
    payload.extend(b"ACCESS_REFUSED\0\0\0\0");
    frame(&payload)
}

fn seen(probe: &Amqp, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
    let mut facts = heard(replies);
    if url.starts_with("amqps") {
        facts.tls = super::super::verdict::tests::trusted();
    }
    judged(probe, probe.steps(), url, profile, facts)
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Amqp::default(), URL, Profile::local(), replies)
}

fn trying(log_in: AmqpLogIn) -> Amqp {
    Amqp {
        log_in,
        ..Amqp::default()
    }
}

#[test]
fn a_broker_that_begins_passes() {
    let outcome = seen(
        &Amqp::default(),
        PUBLIC,
        Profile::production(),
        &[&start("PLAIN AMQPLAIN")],
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:#?}"
    );
    assert_eq!(outcome.summary, "192.0.2.7:5671: RabbitMQ 3.12.1 answers");
    let evidence: Vec<&str> = outcome.evidence.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(
        evidence[..4],
        ["RabbitMQ 3.12.1", "PLAIN, AMQPLAIN", "not tried", "rabbit@shop"]
    );
    // Without TLS in production.
    let outcome = seen(
        &Amqp::default(),
        "amqp://192.0.2.7",
        Profile::production(),
        &[&start("PLAIN")],
    );
    assert_eq!(codes(&outcome), ["no_tls"]);
    // Offered is not open.
    let outcome = usual(&[&start("PLAIN ANONYMOUS")]);
    assert!(outcome.status.is_pass());
    assert_eq!(codes(&outcome), ["anonymous_offered"]);
    // A broker that describes itself with nothing.
    let mut payload = vec![0, 10, 0, 10, 0, 9, 0, 0, 0, 0];
    payload.extend(long(b"PLAIN"));
    payload.extend(long(b""));
    let outcome = usual(&[&frame(&payload)]);
    assert_eq!(outcome.summary, "10.0.0.7:5672: AMQP 0-9-1 answers");
}

#[test]
fn a_log_in_that_everybody_knows_is_a_finding() {
    for (log_in, what) in [
        (
            AmqpLogIn::Guest,
            "a log-in as `guest` with the password `guest` is accepted",
        ),
        (
            AmqpLogIn::Anonymous,
            "a log-in as nobody (`ANONYMOUS`) is accepted",
        ),
    ] {
        let replies = [start("PLAIN ANONYMOUS"), tune()];
        let replies: Vec<&[u8]> = replies.iter().map(Vec::as_slice).collect();
        for (url, profile, word) in [
            (PUBLIC, Profile::production(), "fail"),
            (URL, Profile::local(), "warn"),
            ("amqp://127.0.0.1", Profile::local(), "pass"),
        ] {
            let outcome = seen(&trying(log_in), url, profile, &replies);
            assert_eq!(outcome.status.word(), word);
            assert_eq!(codes(&outcome), ["open_without_authentication"]);
            assert!(outcome.findings[0].message.starts_with(what));
        }
        let meant = Amqp {
            authentication: Authentication::None,
            ..trying(log_in)
        };
        assert!(
            seen(&meant, PUBLIC, Profile::production(), &replies)
                .findings
                .is_empty()
        );
    }
}

#[test]
fn a_refused_log_in_passes() {
    let probe = trying(AmqpLogIn::Guest);
    let start = start("PLAIN");
    let outcome = seen(&probe, PUBLIC, Profile::production(), &[&start, &close()]);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:#?}"
    );
    for end in [ReplyEnd::Closed, ReplyEnd::Reset] {
        let facts = ended(&[&start, b""], end);
        let outcome = judged(&probe, probe.steps(), URL, Profile::local(), facts);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        assert!(
            outcome
                .evidence
                .iter()
                .any(|e| e.value == "refused: the broker hung up")
        );
    }
    // Silence is no refusal.
    let facts = ended(&[&start, b""], ReplyEnd::Silent);
    let outcome = judged(&probe, probe.steps(), URL, Profile::local(), facts);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["no_answer"]);
    let outcome = seen(&probe, URL, Profile::local(), &[&start, &start]);
    assert_eq!(codes(&outcome), ["other_protocol"]);
}

#[test]
fn other_versions_are_named() {
    for (header, words) in [
        (&b"AMQP\0\x01\0\0"[..], "AMQP 1.0"),
        (b"AMQP\x03\x01\0\0", "AMQP 1.0, after SASL"),
        (b"AMQP\x02\x01\0\0", "AMQP 1.0, after TLS"),
        (b"AMQP\x01\x01\0\x0a", "AMQP 0-10"),
        (b"AMQP\0\0\x09\x01", "AMQP 0-9-1, and refuses ours"),
        (b"AMQP\x07\xff\0\x02", "AMQP with the header 7, 255, 0, 2"),
    ] {
        for end in [ReplyEnd::TooLong, ReplyEnd::Closed, ReplyEnd::Whole] {
            let probe = Amqp::default();
            let outcome = judged(
                &probe,
                probe.steps(),
                URL,
                Profile::local(),
                ended(&[header], end),
            );
            assert!(outcome.status.is_fail());
            assert_eq!(codes(&outcome), ["other_version"]);
            assert_eq!(
                outcome.summary,
                format!("10.0.0.7:5672: expected AMQP 0-9-1, and the broker speaks {words}")
            );
        }
    }
}

#[test]
fn other_peers_fail() {
    for probe in [Amqp::default(), trying(AmqpLogIn::Guest)] {
        hostile(&probe, &probe.steps(), URL);
        mangled(&probe, &probe.steps(), URL, &[&start("PLAIN"), &tune()], 0);
        mangled(&probe, &probe.steps(), URL, &[&start("PLAIN"), &tune()], 1);
    }
    assert_eq!(codes(&usual(&[&start("")])), ["no_mechanism"]);
    assert!(
        usual(&[&close()])
            .summary
            .contains("first frame is `Connection.Close`")
    );
    // Tables that lie about what is in them, and those that nest without end.
    for table in [
        b"\x07productS\xff\xff\xff\xff".to_vec(),
        b"\xffproduct".to_vec(),
        b"\x01aZ".to_vec(),
        b"\x01aF".repeat(1000),
    ] {
        let mut payload = vec![0, 10, 0, 10, 0, 9];
        payload.extend(long(&table));
        payload.extend(long(b"PLAIN"));
        payload.extend(long(b"en_US"));
        assert_eq!(codes(&usual(&[&frame(&payload)])), ["other_protocol"]);
    }
}

#[test]
fn the_least_version_is_held() {
    for (least, expected) in [
        ("3.12.0", &[][..]),
        ("3.12.1", &[]),
        ("3.12.2", &["version_too_old"]),
    ] {
        let probe = Amqp {
            min_version: least.to_owned(),
            ..Amqp::default()
        };
        assert_eq!(
            codes(&seen(&probe, URL, Profile::local(), &[&start("PLAIN")])),
            expected
        );
    }
    let wrong = Amqp {
        min_version: "v3".to_owned(),
        ..Amqp::default()
    };
    assert!(wrong.check().is_err() && Amqp::default().check().is_ok());
}
