use readiness_core::Profile;

use super::{
    super::{
        ReplyEnd,
        asked::tests::{codes, ended, heard, hostile, judged, mangled},
        verdict::tests::untrusted,
    },
    *,
};

const URL: &str = "mysql://10.0.0.7";
const PUBLIC: &str = "mysql://192.0.2.7";

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = u32::try_from(payload.len()).unwrap().to_le_bytes()[..3].to_vec();
    packet.push(number);
    packet.extend(payload);
    packet
}

fn greeting_of(version: &str, tls: bool) -> Vec<u8> {
    let mut payload = vec![10];
    payload.extend(version.as_bytes());
    payload.extend([0, 7, 0, 0, 0]);
    payload.extend(b"12345678\0");
    payload.extend((0xf7ff_u16 | if tls { 0x0800 } else { 0 }).to_le_bytes());
    payload.extend([45, 2, 0]);
    payload.extend(0x81ff_u16.to_le_bytes());
    payload.push(21);
    payload.extend([0; 10]);
    payload.extend(b"123456789012\0caching_sha2_password\0");
    packet(0, &payload)
}

fn error(number: u16, message: &str) -> Vec<u8> {
    let mut payload = vec![0xff];
    payload.extend(number.to_le_bytes());
    payload.extend(message.as_bytes());
    packet(2, &payload)
}

fn denied() -> Vec<u8> {
    error(
        1045,
        "#28000Access denied for user 'readiness'@'10.0.0.1' (using password: NO)",
    )
}

fn ok() -> Vec<u8> {
    packet(2, &[0, 0, 0, 2, 0, 0, 0])
}

fn seen(settings: &Mysql, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
    judged(settings, settings.steps(), url, profile, heard(replies))
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Mysql::default(), URL, Profile::local(), replies)
}

#[test]
fn a_greeting_and_a_refused_log_in_pass() {
    for (version, summary) in [
        ("8.0.36", "10.0.0.7:3306: MySQL 8.0.36 answers"),
        (
            "5.5.5-10.11.6-MariaDB-0+deb12u1",
            "10.0.0.7:3306: MariaDB 10.11.6-MariaDB-0+deb12u1 answers",
        ),
        ("11.4.2-MariaDB", "10.0.0.7:3306: MariaDB 11.4.2-MariaDB answers"),
        ("5.5.5-m2", "10.0.0.7:3306: MySQL 5.5.5-m2 answers"),
    ] {
        let outcome = seen(
            &Mysql::default(),
            URL,
            Profile::production(),
            &[&greeting_of(version, true), &denied()],
        );
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        assert_eq!(outcome.summary, summary);
    }
    let outcome = usual(&[&greeting_of("8.0.36", true), &denied()]);
    let evidence: Vec<&str> = outcome.evidence.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(evidence[..3], ["MySQL 8.0.36", "yes", "caching_sha2_password"]);
    assert!(
        evidence[3].starts_with("refused: Access denied for user"),
        "{evidence:?}"
    );
}

#[test]
fn a_log_in_without_a_password_is_a_finding() {
    let greeting = greeting_of("8.0.36", true);
    for (url, profile, word) in [
        (PUBLIC, Profile::production(), "fail"),
        (URL, Profile::local(), "warn"),
        ("mysql://127.0.0.1", Profile::local(), "pass"),
    ] {
        let outcome = seen(&Mysql::default(), url, profile, &[&greeting, &ok()]);
        assert_eq!(outcome.status.word(), word);
        assert_eq!(codes(&outcome), ["open_without_authentication"]);
        assert!(
            outcome.findings[0]
                .message
                .starts_with("a log-in as `readiness` is accepted without a password: everybody")
        );
    }
    // By the way round another plug-in.
    let switch = packet(2, b"\xfecaching_sha2_password\x0012345678901234567890\0");
    let outcome = seen(
        &Mysql::default(),
        PUBLIC,
        Profile::production(),
        &[&greeting, &switch, &ok()],
    );
    assert_eq!(codes(&outcome), ["open_without_authentication"]);
    let outcome = seen(
        &Mysql::default(),
        PUBLIC,
        Profile::production(),
        &[&greeting, &switch, &denied()],
    );
    assert!(outcome.findings.is_empty(), "{outcome:#?}");
    // Meant to be open.
    let meant = Mysql {
        authentication: Authentication::None,
        ..Mysql::default()
    };
    assert!(
        seen(&meant, PUBLIC, Profile::production(), &[&greeting, &ok()])
            .findings
            .is_empty()
    );
}

#[test]
fn an_error_has_its_name() {
    let greeting = greeting_of("8.0.36", true);
    for (number, code) in [
        (1040, "full"),
        (1053, "shutting_down"),
        (1129, "host_blocked"),
        (1130, "host_not_allowed"),
        (1234, "server_error"),
    ] {
        let said = error(number, "words of the server");
        let outcome = usual(&[&said]);
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), [code]);
        assert_eq!(
            outcome.summary,
            "10.0.0.7:3306: the server refused: words of the server"
        );
        // The same where the log-in is answered with it; what says nothing of the server says nothing at all.
        let outcome = usual(&[&greeting, &said]);
        let expected = if number == 1234 { "log_in_not_judged" } else { code };
        assert_eq!(codes(&outcome), [expected]);
    }
}

#[test]
fn only_an_error_about_the_account_is_a_refusal() {
    let greeting = greeting_of("8.0.36", true);
    let meant = Mysql {
        authentication: Authentication::None,
        ..Mysql::default()
    };
    for (number, is_refusal) in [
        (1044, true),
        (1045, true),
        (1698, true),
        (3118, true),
        (3955, true),
        (4151, true),
        // The password is right, and has expired.
        (1862, false),
        // `require_secure_transport`.
        (3159, false),
        (1251, false),
        (1226, false),
    ] {
        let replies: [&[u8]; 2] = [&greeting, &error(number, "words")];
        let outcome = usual(&replies);
        assert_eq!(outcome.status.is_pass(), is_refusal, "{number}");
        assert_eq!(outcome.status.is_unknown(), !is_refusal, "{number}");
        assert_eq!(outcome.summary.contains("log_in_not_judged"), !is_refusal);
        let shown = &outcome.evidence[3].value;
        assert_eq!(shown.starts_with("refused: "), is_refusal, "{shown}");
        assert!(seen(&meant, URL, Profile::local(), &replies).findings.is_empty());
    }
    // The worst is told, not the first.
    let local = Mysql::default();
    let outcome = seen(
        &local,
        "mysql://127.0.0.1",
        Profile::production(),
        &[&greeting_of("8.0.36", false), &error(1040, "full")],
    );
    assert!(outcome.summary.ends_with(": full"), "{}", outcome.summary);
}

#[test]
fn tls_is_asked_for_where_production_is_far() {
    let plain = greeting_of("8.0.36", false);
    for (url, profile, expected) in [
        (PUBLIC, Profile::production(), &["no_tls"][..]),
        (URL, Profile::production(), &["no_tls"]),
        ("mysql://127.0.0.1", Profile::production(), &[]),
        (PUBLIC, Profile::local(), &[]),
    ] {
        let outcome = seen(&Mysql::default(), url, profile, &[&plain, &denied()]);
        assert_eq!(codes(&outcome), expected);
    }
    let mut facts = heard(&[&plain, &denied()]);
    facts.tls = untrusted();
    let probe = Mysql::default();
    let outcome = judged(
        &probe,
        probe.steps(),
        "tls://192.0.2.7:3306",
        Profile::production(),
        facts,
    );
    assert_eq!(codes(&outcome), ["tls_untrusted"]);
}

#[test]
fn the_least_version_is_held() {
    for (found, least, expected) in [
        ("8.0.35", "8.0.36", &["version_too_old"][..]),
        ("8.0.36", "8.0.36", &[]),
        ("8.0.37", "8.0.36", &[]),
        ("5.5.5-10.11.6-MariaDB", "10.6", &[]),
    ] {
        let probe = Mysql {
            min_version: least.to_owned(),
            ..Mysql::default()
        };
        let outcome = seen(
            &probe,
            URL,
            Profile::local(),
            &[&greeting_of(found, true), &denied()],
        );
        assert_eq!(codes(&outcome), expected, "{found}");
    }
}

#[test]
fn other_peers_fail() {
    let probe = Mysql::default();
    hostile(&probe, &probe.steps(), URL);
    let greeting = greeting_of("8.0.36", true);
    mangled(&probe, &probe.steps(), URL, &[&greeting, &denied()], 0);
    mangled(&probe, &probe.steps(), URL, &[&greeting, &denied()], 1);
    mangled(&probe, &probe.steps(), URL, &[&greeting, &ok()], 1);
    // Half a greeting is none, and neither is one of the protocol before.
    let old = packet(0, b"\x093.20.1\0\x01\0\0\0abcdefgh\0");
    let outcome = usual(&[&old]);
    assert!(
        outcome.summary.contains("protocol 9, expected 10"),
        "{}",
        outcome.summary
    );
    let outcome = usual(&[&packet(0, b"\x0aabc\0")]);
    assert_eq!(codes(&outcome), ["other_protocol"]);
    // What comes after a greeting that is right counts as well.
    for (end, code) in [(ReplyEnd::Closed, "closed"), (ReplyEnd::Silent, "no_answer")] {
        let facts = ended(&[&greeting, b""], end);
        let outcome = judged(&probe, probe.steps(), URL, Profile::local(), facts);
        assert!(outcome.status.is_fail());
        assert_eq!(codes(&outcome), [code]);
    }
    let outcome = usual(&[&greeting]);
    assert_eq!(codes(&outcome), ["closed"]);
    let outcome = usual(&[&greeting, &packet(2, &[0])]);
    assert_eq!(codes(&outcome), ["other_protocol"], "an OK of one byte");
}

#[test]
fn versions_of_any_bytes_are_shown_clean() {
    let version = format!("8{}", "\u{1b}[31m`\u{fffd}".repeat(50));
    let outcome = usual(&[&greeting_of(&version, true), &denied()]);
    assert!(
        !outcome.summary.contains('\u{1b}') && outcome.summary.len() < 700,
        "{}",
        outcome.summary
    );
}

#[test]
fn wrong_settings_are_named() {
    for (log_in_as, min_version, said) in [
        ("", "", "`log_in_as`"),
        ("a\0b", "", "`log_in_as`"),
        ("root", "x", "`min_version`"),
    ] {
        let probe = Mysql {
            log_in_as: log_in_as.to_owned(),
            min_version: min_version.to_owned(),
            ..Mysql::default()
        };
        assert!(probe.check().unwrap_err().contains(said));
    }
    assert_eq!(Mysql::default().check(), Ok(()));
}
