use readiness_core::{Profile, fact::ByteText};

use super::{
    super::{
        ReplyEnd,
        asked::tests::{codes, ended, heard, hostile, judged, mangled},
        verdict::tests::{trusted, untrusted},
    },
    *,
};

const URL: &str = "smtp://10.0.0.7";
const BANNER: &[u8] = b"220 mx.example.com ESMTP\r\n";
const HELLO: &[u8] = b"250-mx.example.com Hello\r\n250-SIZE 52428800\r\n250-STARTTLS\r\n250 8BITMIME\r\n";

fn seen(probe: &Smtp, url: &str, replies: &[&[u8]]) -> Outcome {
    judged(probe, steps(), url, Profile::production(), heard(replies))
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Smtp::default(), URL, replies)
}

#[test]
fn a_conversation_passes() {
    for url in [URL, "smtp://192.0.2.7", "smtp://127.0.0.1"] {
        let outcome = seen(&Smtp::default(), url, &[BANNER, HELLO]);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        assert!(outcome.summary.ends_with(":25: answers EHLO"));
        let evidence: Vec<&str> = outcome.evidence.iter().map(|e| e.value.as_str()).collect();
        assert_eq!(
            evidence[..2],
            ["mx.example.com ESMTP", "SIZE 52428800, STARTTLS, 8BITMIME"]
        );
    }
    // A banner of several lines, and lines that end with a line feed alone.
    let outcome = usual(&[b"220-mx.example.com\n220 no spam\n", HELLO]);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:#?}"
    );
}

#[test]
fn a_refusal_has_the_server_s_words() {
    for (replies, code, words) in [
        (
            &[&b"421 too many connections\r\n"[..]][..],
            "refused_for_now",
            "its banner is `421 too many",
        ),
        (&[b"450 busy\r\n"], "refused_for_now", "its banner is `450 busy`"),
        (
            &[b"554 no service\r\n"],
            "refused_for_good",
            "its banner is `554 no service`",
        ),
        (&[b"250 odd\r\n"], "unexpected_reply", "its banner is `250 odd`"),
        (
            &[BANNER, b"502 what\r\n"],
            "refused_for_good",
            "its answer to `EHLO` is `502 what`",
        ),
        (
            &[BANNER, b"451 later\r\n"],
            "refused_for_now",
            "its answer to `EHLO` is `451 later`",
        ),
    ] {
        let outcome = usual(replies);
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), [code]);
        assert!(outcome.summary.contains(words), "{}", outcome.summary);
    }
}

#[test]
fn tls_is_wanted_where_mail_leaves() {
    let plain: &[u8] = b"250-mx Hello\r\n250 SIZE\r\n";
    let auth: &[u8] = b"250-mx Hello\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n";
    let strict = Smtp {
        require_tls: true,
        ..Smtp::default()
    };
    for (probe, url, hello, expected, word) in [
        (&Smtp::default(), URL, plain, &["no_starttls"][..], "warn"),
        (&Smtp::default(), "smtp://127.0.0.1", plain, &[], "pass"),
        (&strict, "smtp://127.0.0.1", plain, &["no_starttls"], "fail"),
        (&strict, URL, HELLO, &[], "pass"),
        (
            &Smtp::default(),
            "smtp://192.0.2.7",
            auth,
            &["log_in_unencrypted"],
            "warn",
        ),
        (&Smtp::default(), URL, auth, &[], "pass"),
    ] {
        let outcome = seen(probe, url, &[BANNER, hello]);
        assert_eq!(
            (codes(&outcome), outcome.status.word()),
            (expected.to_vec(), word),
            "{url}"
        );
    }
    for (tls, expected) in [(trusted(), &[][..]), (untrusted(), &["tls_untrusted"])] {
        let mut facts = heard(&[BANNER, plain]);
        facts.tls = tls;
        let outcome = judged(
            &strict,
            steps(),
            "smtps://192.0.2.7",
            Profile::production(),
            facts,
        );
        assert_eq!(codes(&outcome), expected);
    }
}

#[test]
fn extensions_are_held_to() {
    let probe = |names: &[&str]| Smtp {
        extensions: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Smtp::default()
    };
    assert!(
        seen(&probe(&["size", "8BITMIME"]), URL, &[BANNER, HELLO])
            .findings
            .is_empty()
    );
    let outcome = seen(&probe(&["CHUNKING", "SMTPUTF8"]), URL, &[BANNER, HELLO]);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["extension_missing"; 2]);
    assert!(probe(&["a b"]).check().is_err() && probe(&[""]).check().is_err());
    assert_eq!(probe(&["X-A1"]).check(), Ok(()));
}

#[test]
fn who_speaks_unasked_is_named() {
    for number in 0..2 {
        let mut facts = heard(&[BANNER, HELLO]);
        facts.replies[number].unasked = ByteText::new(*b"250 more\r\n");
        let outcome = judged(&Smtp::default(), steps(), URL, Profile::production(), facts);
        assert!(outcome.status.is_warn());
        assert_eq!(codes(&outcome), ["speaks_unasked"]);
        assert!(outcome.findings[0].message.ends_with("`250 more`"));
    }
}

#[test]
fn other_peers_fail() {
    let probe = Smtp::default();
    hostile(&probe, &steps(), URL);
    mangled(&probe, &steps(), URL, &[BANNER, HELLO], 0);
    mangled(&probe, &steps(), URL, &[BANNER, HELLO], 1);
    for bytes in [&b"\r\n"[..], b"\n\n", b"22\r\n", b"220x\r\n"] {
        assert_eq!(codes(&usual(&[bytes])), ["other_protocol"]);
    }
    // Ten thousand lines of an answer are counted, not kept.
    let many = b"250-X\r\n".repeat(10_000);
    let outcome = usual(&[BANNER, &many]);
    assert!(outcome.evidence.iter().all(|evidence| evidence.value.len() < 400));
    for (end, code) in [(ReplyEnd::Closed, "closed"), (ReplyEnd::Silent, "no_answer")] {
        let facts = ended(&[BANNER, b"250-mx"], end);
        let outcome = judged(&probe, steps(), URL, Profile::local(), facts);
        assert_eq!(codes(&outcome), [code]);
    }
}
