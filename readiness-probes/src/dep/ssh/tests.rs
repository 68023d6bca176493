use readiness_core::{
    Profile, Target,
    fact::{Endpoint, LocalRoute, Route, TcpFacts},
    testing::Facts,
};

use super::{
    super::{Broken, BrokenKind},
    session::{SshEnd, SshHostKey, SshLogIn, SshOffer, SshPassword},
    *,
};

const URL: &str = "ssh://10.0.0.7";
const KNOWN: &str = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn judged(probe: &Ssh, url: &str, all: Vec<SshFacts>) -> Outcome {
    let target = Target::parse(url).unwrap();
    let address = target.address().unwrap();
    let endpoint = Endpoint::new((address, target.port()).into(), target.host(), false);
    let mut facts = Facts::new()
        .with(LocalRoute::new(address), Route::new(true))
        .profile(Profile::production());
    for (user, session) in probe.users.iter().zip(all) {
        let key = SshSession::new(endpoint.clone(), target.origin(), user)
            .known_keys(probe.known_keys.clone())
            .credential(target.credential());
        facts = facts.with(key, session);
    }
    facts.judge(probe, &target)
}

fn ended(end: SshEnd) -> SshFacts {
    SshFacts::new(TcpFacts::new(PortState::Open, 100), end)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A server without a fault that offers these methods.
fn offering(methods: &[&str]) -> SshFacts {
    let mut facts = ended(SshEnd::Done);
    facts.version = "SSH-2.0-OpenSSH_9.2p1 Debian-2".to_owned();
    facts.offer = Some(SshOffer {
        key_exchanges: names(&["curve25519-sha256"]),
        host_keys: names(&["ssh-ed25519"]),
        ciphers: names(&["chacha20-poly1305@openssh.com", "aes256-gcm@openssh.com"]),
        macs: names(&["hmac-sha2-256-etm@openssh.com"]),
        strict: true,
    });
    facts.host_key = Some(SshHostKey::new("ssh-ed25519", 256, KNOWN));
    facts.log_in = SshLogIn {
        methods: Some(names(methods)),
        ..SshLogIn::default()
    };
    facts
}

/// All but what every server leaves open about root.
fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .filter(|code| *code != "root_not_tried")
        .collect()
}

/// What is left open about root.
fn about_root(outcome: &Outcome) -> Option<&str> {
    let mut notes = outcome.findings.iter();
    let note = notes.find(|finding| finding.code == "root_not_tried")?;
    assert!(note.is_note() && note.subject == "user `root`", "{note:?}");
    Some(&note.message)
}

#[test]
fn keys_alone_pass() {
    let outcome = judged(&Ssh::default(), URL, vec![offering(&["publickey"])]);
    assert!(
        outcome.status.is_pass() && codes(&outcome).is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "10.0.0.7:22: OpenSSH_9.2p1, log-in by publickey");
    let outcome = judged(&Ssh::default(), URL, vec![offering(&[])]);
    assert_eq!(outcome.summary, "10.0.0.7:22: OpenSSH_9.2p1 offers no log-in");
    assert!(outcome.findings.is_empty(), "{outcome:?}");
}

#[test]
fn what_stays_open_about_root_is_noted() {
    let of = |user: &str, methods: &[&str], password| {
        let probe = Ssh {
            users: names(&[user]),
            ..Ssh::default()
        };
        let mut facts = offering(methods);
        facts.log_in.password = password;
        let outcome = judged(&probe, URL, vec![facts]);
        about_root(&outcome).map(str::to_owned)
    };
    for (methods, password, said) in [
        (
            &["publickey"][..],
            None,
            "no password lets root in; whether a key",
        ),
        (&["publickey", "password"], None, "whether a password would"),
        (&["keyboard-interactive"], None, "whether a password would"),
        (
            &["password"],
            Some(SshPassword::Refused),
            "the password was refused",
        ),
    ] {
        let note = of("root", methods, password).unwrap();
        assert!(note.starts_with(said), "{note}");
    }
    assert_eq!(of("app", &["publickey"], None), None);
    assert_eq!(of("root", &["password"], Some(SshPassword::Accepted)), None);
    assert_eq!(of("root", &[], None), None);
}

#[test]
fn the_worst_finding_is_the_summary() {
    let mut facts = offering(&["keyboard-interactive"]);
    facts.offer.as_mut().unwrap().host_keys.push("ssh-dss".to_owned());
    let outcome = judged(&Ssh::default(), URL, vec![facts]);
    assert_eq!(
        codes(&outcome),
        ["keyboard_interactive_offered", "broken_host_key"]
    );
    assert!(
        outcome.summary.starts_with("10.0.0.7:22: broken host key"),
        "{}",
        outcome.summary
    );
}

#[test]
fn log_ins_are_judged_by_method() {
    let lenient = Ssh {
        password_allowed: true,
        keyboard_interactive_allowed: true,
        ..Ssh::default()
    };
    for (methods, word, expected) in [
        (
            &["publickey", "gssapi-with-mic", "hostbased"][..],
            "pass",
            &[][..],
        ),
        (&["publickey", "password"], "fail", &["password_offered"]),
        (
            &["keyboard-interactive"],
            "warn",
            &["keyboard_interactive_offered"],
        ),
        (
            &["password", "keyboard-interactive"],
            "fail",
            &["password_offered", "keyboard_interactive_offered"],
        ),
    ] {
        let outcome = judged(&Ssh::default(), URL, vec![offering(methods)]);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{methods:?}"
        );
        assert!(
            outcome
                .findings
                .iter()
                .all(|finding| finding.subject == "user `root`")
        );
        assert!(judged(&lenient, URL, vec![offering(methods)]).status.is_pass());
    }
    let mut open = offering(&[]);
    (open.log_in.methods, open.log_in.without_proof) = (None, true);
    let outcome = judged(&lenient, URL, vec![open]);
    assert_eq!(codes(&outcome), ["open_without_proof"]);
    assert!(outcome.status.is_fail());
}

#[test]
fn each_user_is_judged_and_none_is_left_out() {
    let two = Ssh {
        users: names(&["root", "app"]),
        ..Ssh::default()
    };
    let all = vec![offering(&["publickey"]), offering(&["publickey", "password"])];
    let outcome = judged(&two, URL, all);
    assert_eq!(codes(&outcome), ["password_offered"]);
    let offered = outcome.findings.iter().find(|finding| !finding.is_note());
    assert_eq!(offered.unwrap().subject, "user `app`");
    // The second session did not come about.
    let all = vec![
        offering(&["publickey"]),
        ended(SshEnd::Broken(Broken::new(
            BrokenKind::Closed,
            "it closed the connection",
        ))),
    ];
    assert!(judged(&two, URL, all).status.is_fail());
}

#[test]
fn a_password_of_root_must_be_refused() {
    let lenient = Ssh {
        password_allowed: true,
        known_keys: names(&[KNOWN]),
        ..Ssh::default()
    };
    let tried = |user: &str, password| {
        let probe = Ssh {
            users: names(&[user]),
            ..lenient.clone()
        };
        let mut facts = offering(&["password"]);
        facts.log_in.password = Some(password);
        judged(&probe, "ssh://x:s3cr3t@10.0.0.7", vec![facts])
    };
    for (user, password, word, expected) in [
        ("root", SshPassword::Refused, "pass", &[][..]),
        ("root", SshPassword::Accepted, "fail", &["root_let_in"]),
        ("root", SshPassword::MoreWanted, "fail", &["root_let_in"]),
        ("app", SshPassword::Accepted, "pass", &[]),
        ("app", SshPassword::Refused, "fail", &["log_in_refused"]),
    ] {
        let outcome = tried(user, password);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{user} {password:?}"
        );
    }
}

#[test]
fn host_keys_are_compared_and_measured() {
    let knowing = |key: &str| Ssh {
        known_keys: names(&[key]),
        ..Ssh::default()
    };
    let with = |kind: &str, bits, is_proven| {
        let mut facts = offering(&["publickey"]);
        let mut key = SshHostKey::new(kind, bits, KNOWN);
        key.is_proven = is_proven;
        facts.host_key = Some(key);
        facts
    };
    let other = KNOWN.replace("AAA", "BBB");
    for (probe, facts, word, expected) in [
        (knowing(KNOWN), with("ssh-ed25519", 256, true), "pass", &[][..]),
        (
            knowing(&other),
            with("ssh-ed25519", 256, true),
            "fail",
            &["unknown_host_key"],
        ),
        (
            Ssh::default(),
            with("ssh-ed25519", 256, false),
            "fail",
            &["host_key_unproven"],
        ),
        (
            Ssh::default(),
            with("ssh-rsa", 2047, false),
            "fail",
            &["short_host_key"],
        ),
        (Ssh::default(), with("ssh-rsa", 2048, true), "pass", &[]),
        (
            Ssh::default(),
            with("ssh-rsa", 8192, false),
            "fail",
            &["host_key_unproven"],
        ),
        (
            Ssh::default(),
            with("ssh-rsa", 8193, false),
            "unknown",
            &["host_key_unproven"],
        ),
    ] {
        let key = facts.host_key.clone();
        let outcome = judged(&probe, URL, vec![facts]);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{key:?}"
        );
    }
}

#[test]
fn algorithms_are_told_by_grade() {
    let with = |change: fn(&mut SshOffer)| {
        let mut facts = offering(&["publickey"]);
        change(facts.offer.as_mut().unwrap());
        facts
    };
    for (facts, word, expected) in [
        (
            with(|offer| offer.macs.push("hmac-sha1".to_owned())),
            "pass",
            &["old_mac"][..],
        ),
        (
            with(|offer| offer.ciphers.push("aes128-cbc".to_owned())),
            "warn",
            &["weak_cipher"],
        ),
        (
            with(|offer| offer.host_keys.push("ssh-dss".to_owned())),
            "fail",
            &["broken_host_key"],
        ),
        (with(|offer| offer.strict = false), "warn", &["not_strict"]),
    ] {
        let outcome = judged(&Ssh::default(), URL, vec![facts]);
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec())
        );
    }
    let allowing = Ssh {
        allowed_algorithms: names(&["ssh-dss"]),
        ..Ssh::default()
    };
    let facts = with(|offer| offer.host_keys.push("ssh-dss".to_owned()));
    assert!(judged(&allowing, URL, vec![facts]).status.is_pass());
}

#[test]
fn sessions_without_an_end_are_no_pass() {
    for (end, word, code) in [
        (
            SshEnd::Broken(Broken::new(BrokenKind::Garbage, "it sent no version of SSH")),
            "fail",
            "other_protocol",
        ),
        (SshEnd::OtherVersion, "fail", "old_protocol"),
        (
            SshEnd::NothingInCommon {
                kind: "cipher".to_owned(),
            },
            "unknown",
            "nothing_in_common",
        ),
        (
            SshEnd::Disconnected {
                code: 12,
                message: "too many".to_owned(),
            },
            "unknown",
            "disconnected",
        ),
        (SshEnd::CredentialWithheld, "unknown", "credential_withheld"),
    ] {
        let outcome = judged(&Ssh::default(), URL, vec![ended(end)]);
        assert_eq!((outcome.status.word(), codes(&outcome)), (word, vec![code]));
    }
    let mut facts = offering(&["publickey"]);
    facts.version = "SSH-1.99-OpenSSH_3.0".to_owned();
    assert_eq!(
        codes(&judged(&Ssh::default(), URL, vec![facts])),
        ["old_protocol"]
    );
    let closed = SshFacts::new(TcpFacts::new(PortState::Closed, 10), SshEnd::NotOpen);
    let outcome = judged(&Ssh::default(), URL, vec![closed]);
    assert_eq!(outcome.summary, "10.0.0.7:22: connection refused");
}

#[test]
fn settings_are_checked() {
    assert_eq!(Ssh::default().check(), Ok(()));
    let users = |users: &[&str]| Ssh {
        users: names(users),
        ..Ssh::default()
    };
    let keys = |key: &str| Ssh {
        known_keys: names(&[key]),
        ..Ssh::default()
    };
    assert_eq!(users(&["a", "b", "c", "d"]).check(), Ok(()));
    assert_eq!(users(&[&"u".repeat(64)]).check(), Ok(()));
    assert_eq!(keys(KNOWN).check(), Ok(()));
    for (probe, part) in [
        (users(&[]), "names 0"),
        (users(&["a", "b", "c", "d", "e"]), "names 5"),
        (users(&[""]), "expected 1 to 64"),
        (users(&[&"u".repeat(65)]), "expected 1 to 64"),
        (users(&["a\n"]), "`a\\n`"),
        (users(&["a", "a"]), "`a` twice"),
        (keys("MD5:00:11"), "`MD5:00:11`"),
        (keys(&KNOWN[..49]), "43 characters"),
        (keys(&format!("{KNOWN}=")), "43 characters"),
    ] {
        let problem = probe.check().unwrap_err();
        assert!(problem.contains(part), "{problem}");
    }
}
