use readiness_core::Profile;

use super::{
    super::asked::tests::{codes, ended, heard, hostile, judged, mangled},
    *,
};

const URL: &str = "tcp://10.0.0.7:4222";
const PUBLIC: &str = "tls://192.0.2.7:4222";
const VIOLATION: &[u8] = b"-ERR 'Authorization Violation'\r\n";

fn info(more: &str) -> Vec<u8> {
    format!(
        "INFO {{\"server_id\":\"N\",\"version\":\"2.10.7\",\"proto\":1,\"max_payload\":1048576{more}}} \r\n"
    )
    .into_bytes()
}

fn seen(probe: &Nats, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
    let mut facts = heard(replies);
    if url.starts_with("tls") {
        facts.tls = super::super::verdict::tests::trusted();
    }
    judged(probe, steps(), url, profile, facts)
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Nats::default(), URL, Profile::local(), replies)
}

#[test]
fn a_server_that_wants_a_log_in_passes() {
    let info = info(",\"auth_required\":true,\"jetstream\":true,\"cluster\":\"shop\"");
    let outcome = seen(
        &Nats::default(),
        PUBLIC,
        Profile::production(),
        &[&info, VIOLATION],
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:#?}"
    );
    assert_eq!(outcome.summary, "192.0.2.7:4222: NATS 2.10.7 answers");
    let evidence: Vec<&str> = outcome.evidence.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(
        evidence[..5],
        ["2.10.7", "yes", "-ERR 'Authorization Violation'", "yes", "shop"]
    );
}

#[test]
fn a_pong_without_a_log_in_is_a_finding() {
    // Whatever INFO says: `no_auth_user` lets people in as well.
    for more in ["", ",\"auth_required\":true"] {
        for (url, profile, word) in [
            (PUBLIC, Profile::production(), "fail"),
            (URL, Profile::local(), "warn"),
            ("tcp://127.0.0.1:4222", Profile::local(), "pass"),
        ] {
            let outcome = seen(&Nats::default(), url, profile, &[&info(more), b"PONG\r\n"]);
            assert_eq!(outcome.status.word(), word);
            assert_eq!(codes(&outcome), ["open_without_authentication"]);
        }
    }
    // A sign of life in between, and a second INFO.
    let outcome = usual(&[&info(""), b"PING\r\nINFO {}\r\nPONG\r\n"]);
    assert_eq!(codes(&outcome), ["open_without_authentication"]);
    let meant = Nats {
        authentication: Authentication::None,
        ..Nats::default()
    };
    assert!(
        seen(&meant, PUBLIC, Profile::production(), &[&info(""), b"PONG\r\n"])
            .findings
            .is_empty()
    );
}

#[test]
fn a_server_that_wants_tls_first_is_no_fault() {
    let info = info(",\"tls_required\":true,\"auth_required\":true");
    for (bytes, end) in [
        (&b""[..], ReplyEnd::Closed),
        (b"", ReplyEnd::Reset),
        (b"\x15\x03\x01\0\x02\x02\x46", ReplyEnd::Closed),
    ] {
        let facts = ended(&[&info, bytes], end);
        let outcome = judged(
            &Nats::default(),
            steps(),
            "tcp://192.0.2.7:4222",
            Profile::production(),
            facts,
        );
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        assert!(
            outcome
                .evidence
                .iter()
                .any(|e| e.value.contains("TLS is required first"))
        );
    }
    // Whether it asks for a log-in is only what it says itself.
    let unspoken = Nats {
        authentication: Authentication::None,
        ..Nats::default()
    };
    for (more, probe, word) in [
        ("", &Nats::default(), "unknown"),
        (",\"auth_required\":false", &Nats::default(), "unknown"),
        (",\"tls_available\":true", &Nats::default(), "unknown"),
        (",\"tls_verify\":true", &Nats::default(), "pass"),
        (",\"auth_required\":true", &Nats::default(), "pass"),
        ("", &unspoken, "pass"),
    ] {
        let info = self::info(&format!(",\"tls_required\":true{more}"));
        let facts = ended(&[&info, b""], ReplyEnd::Closed);
        let outcome = judged(probe, steps(), URL, Profile::production(), facts);
        assert_eq!(outcome.status.word(), word, "{more}: {outcome:#?}");
        let expected: &[&str] = if word == "pass" {
            &[]
        } else {
            &["log_in_not_judged"]
        };
        assert_eq!(codes(&outcome), expected);
    }
    // One that does not want it and hangs up is a fault.
    let facts = ended(&[&self::info(""), b""], ReplyEnd::Closed);
    let outcome = judged(&Nats::default(), steps(), URL, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["closed"]);
}

#[test]
fn what_info_tells_is_judged() {
    let refused = |more: &str, probe: &Nats| {
        let outcome = seen(
            probe,
            "tcp://192.0.2.7:4222",
            Profile::production(),
            &[&info(more), VIOLATION],
        );
        codes(&outcome).join(" ")
    };
    let usual = Nats::default();
    assert_eq!(refused("", &usual), "no_tls");
    assert_eq!(refused(",\"tls_available\":true", &usual), "");
    assert_eq!(
        refused(",\"tls_available\":true,\"ldm\":true", &usual),
        "lame_duck"
    );
    let jetstream = Nats {
        jetstream: true,
        ..Nats::default()
    };
    assert_eq!(refused(",\"tls_available\":true", &jetstream), "no_jetstream");
    assert_eq!(
        refused(",\"tls_available\":true,\"jetstream\":true", &jetstream),
        ""
    );
    for (least, expected) in [("2.10.6", ""), ("2.10.7", ""), ("2.10.8", "version_too_old")] {
        let probe = Nats {
            min_version: least.to_owned(),
            ..Nats::default()
        };
        assert_eq!(refused(",\"tls_available\":true", &probe), expected);
    }
    assert!(
        Nats {
            min_version: "x".to_owned(),
            ..Nats::default()
        }
        .check()
        .is_err()
    );
}

#[test]
fn another_error_is_not_judged() {
    let outcome = usual(&[&info(""), b"-ERR 'maximum connections exceeded'\r\n"]);
    assert!(outcome.status.is_unknown());
    assert_eq!(codes(&outcome), ["log_in_not_judged"]);
}

#[test]
fn other_peers_fail() {
    let probe = Nats::default();
    hostile(&probe, &steps(), URL);
    let line = info(",\"auth_required\":true");
    mangled(&probe, &steps(), URL, &[&line, VIOLATION], 0);
    mangled(&probe, &steps(), URL, &[&line, VIOLATION], 1);
    let deep = format!("INFO {{\"version\":\"2\",\"x\":{}", "[".repeat(30_000));
    let huge = format!("INFO {{\"version\":\"{}\"}}\r\n", "9".repeat(30_000));
    for (line, words) in [
        (&b"INFO\r\n"[..], "no `INFO`"),
        (b"INFO {}\r\n", "tells no version"),
        (b"INFO [1]\r\n", "wrong kind"),
        (b"INFO {\"version\":1}\r\n", "wrong kind"),
        (b"INFO {\"version\":\"2\"\r\n", "no JSON"),
        (b"INFO {\"version\":\"\xff\"}\r\n", "no JSON"),
        (deep.as_bytes(), "no JSON"),
    ] {
        // What the words would be of a peer that is recognised by its first bytes is known already.
        assert!(read_info(line).unwrap_err().contains(words), "{words}");
        assert!(usual(&[line]).status.is_fail());
    }
    let outcome = usual(&[huge.as_bytes(), VIOLATION]);
    assert!(outcome.summary.len() < 200, "{}", outcome.summary);
    assert_eq!(codes(&usual(&[&info(""), b"+OK\r\n"])), ["other_protocol"]);
}
