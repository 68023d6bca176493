use std::{sync::Arc, time::Duration};

use readiness_core::{Finding, Measure, Outcome, Reason, fact::PortState};

use super::{
    Ssh,
    algorithms::{Grade, KINDS, Weak, is_prefix_truncatable},
    session::{SshEnd, SshFacts, SshHostKey, SshOffer, SshPassword},
};
use crate::{
    dep::verdict::{Scene, broken, told},
    net::tcp::not_open,
};

/// The sessions stand in the order of the users; where the port did not accept, there is one.
pub(super) fn judge(settings: &Ssh, scene: &Scene<'_>, sessions: &[Arc<SshFacts>]) -> Outcome {
    let place = scene.place;
    let Some(first) = sessions.first() else {
        return Outcome::unknown(Reason::ERROR, format!("{place}: nobody was asked"));
    };
    if first.tcp.state != PortState::Open {
        let finding = not_open(place, &first.tcp);
        return Outcome::judged(finding.message.clone(), vec![finding]);
    }
    let mut findings = Vec::new();
    let mut add = |finding: Finding| {
        let same = |known: &Finding| known.code == finding.code && known.subject == finding.subject;
        if !findings.iter().any(same) {
            findings.push(finding);
        }
    };
    for (i, user) in settings.users.iter().enumerate() {
        match sessions.get(i) {
            Some(facts) => {
                ended(scene, facts).into_iter().for_each(&mut add);
                log_ins(settings, scene, user, facts)
                    .into_iter()
                    .for_each(&mut add);
            }
            None => add(Finding::unknown(
                "not_asked",
                Reason::ERROR,
                format!("user `{user}` was not asked for"),
            )
            .subject(named(user))),
        }
    }
    for facts in sessions {
        version(place, facts).into_iter().for_each(&mut add);
        if let Some(key) = &facts.host_key {
            host_key(settings, place, key).into_iter().for_each(&mut add);
        }
        if let Some(offer) = &facts.offer {
            offered(settings, offer).into_iter().for_each(&mut add);
        }
    }
    let summary = told(place, &findings, || healthy(place, first));
    let mut outcome = Outcome::judged(summary, findings);
    if !first.version.is_empty() {
        outcome = outcome.evidence("version", &first.version);
    }
    if let Some(key) = &first.host_key {
        outcome = outcome.evidence("host key", format!("{} {}", key.kind, key.fingerprint));
    }
    if let Some(agreed) = &first.agreed {
        let parts = [&agreed.key_exchange, &agreed.cipher, &agreed.mac];
        let parts: Vec<&str> = parts
            .iter()
            .map(|part| part.as_str())
            .filter(|part| !part.is_empty())
            .collect();
        outcome = outcome.evidence("agreed", parts.join(", "));
    }
    for (user, facts) in settings.users.iter().zip(sessions) {
        if let Some(methods) = &facts.log_in.methods {
            outcome = outcome.evidence(format!("log-ins of {user}"), methods.join(", "));
        }
    }
    let micros = Duration::from_micros;
    outcome
        .measure(Measure::duration("connect", micros(first.tcp.connect_us)))
        .measure(Measure::duration("session", micros(first.session_us)))
}

fn named(user: &str) -> String {
    format!("user `{user}`")
}

fn healthy(place: &str, facts: &SshFacts) -> String {
    let methods = facts.log_in.methods.as_deref().unwrap_or_default();
    let software: String = facts.version.splitn(3, '-').nth(2).unwrap_or_default().into();
    let software = software.split(' ').next().unwrap_or_default();
    match methods {
        [] => format!("{place}: {software} offers no log-in"),
        methods => format!("{place}: {software}, log-in by {}", methods.join(" or ")),
    }
}

/// What the methods leave open about root.
fn root(facts: &SshFacts) -> Option<Finding> {
    let said = match facts.log_in.password {
        // A finding tells it.
        Some(SshPassword::Accepted | SshPassword::MoreWanted) => return None,
        // A server without methods lets nobody in, and one that was not asked to the end told none.
        _ if facts.log_in.methods.as_deref().is_none_or(<[_]>::is_empty) => return None,
        Some(SshPassword::Refused) => {
            "the password was refused; that shows that root is kept out only if it is the right one"
        }
        None if asks_questions(facts) => "whether a password would let root in was not tried",
        None => "no password lets root in; whether a key would was not tried",
    };
    Some(
        Finding::note("root_not_tried", said)
            .remedy("set `PermitRootLogin no`: it keeps root out whatever it shows"),
    )
}

/// Whether one of the methods may take a password.
fn asks_questions(facts: &SshFacts) -> bool {
    let methods = facts.log_in.methods.as_deref().unwrap_or_default();
    let takes = |name: &String| name == "password" || name == "keyboard-interactive";
    methods.iter().any(takes)
}

/// The fault of a session that came to no end.
fn ended(scene: &Scene<'_>, facts: &SshFacts) -> Option<Finding> {
    let place = scene.place;
    Some(match &facts.end {
        SshEnd::Done => return None,
        SshEnd::Broken(how) => broken(scene, "SSH", how),
        SshEnd::CredentialWithheld => Finding::unknown(
            "credential_withheld",
            Reason::CREDENTIAL_WITHHELD,
            format!("{place}: the password was not sent, as the server's key is none of `known_keys`"),
        )
        .remedy(
            "compare the server's key with `ssh-keygen -l` on the server itself, and add it to `known_keys`",
        ),
        SshEnd::Disconnected { code, message } => Finding::unknown(
            "disconnected",
            Reason::ERROR,
            format!("{place}: the server ended the connection: {message} (reason {code})"),
        )
        .remedy("look into the server's log: it ended the connection itself"),
        SshEnd::NothingInCommon { kind } => Finding::unknown(
            "nothing_in_common",
            Reason::ERROR,
            format!("{place}: which log-ins there are was not seen, as we have no {kind} in common"),
        )
        .remedy("let the server offer `curve25519-sha256`, `aes256-gcm@openssh.com` and an Ed25519 key too"),
        SshEnd::NotOpen => not_open(place, &facts.tcp),
        SshEnd::OtherVersion => Finding::fail(
            "old_protocol",
            format!(
                "{place}: expected version 2.0 of the protocol, found `{}`",
                facts.version
            ),
        )
        .remedy("update the server: version 1 is broken"),
    })
}

fn version(place: &str, facts: &SshFacts) -> Option<Finding> {
    facts.version.starts_with("SSH-1.99-").then(|| {
        Finding::fail(
            "old_protocol",
            format!("{place}: version 1 of the protocol is spoken too, expected 2.0 alone"),
        )
        .evidence("version", &facts.version)
        .remedy("set `Protocol 2` in the server, and update it")
    })
}

fn log_ins(settings: &Ssh, scene: &Scene<'_>, user: &str, facts: &SshFacts) -> Vec<Finding> {
    let place = scene.place;
    let mut findings = Vec::new();
    let log_in = &facts.log_in;
    if log_in.without_proof {
        findings.push(
            Finding::fail(
                "open_without_proof",
                format!("{place}: user `{user}` is let in without any proof, expected a key to be asked for"),
            )
            .remedy("set `PermitEmptyPasswords no`, and give the user a key or lock the account"),
        );
    }
    let methods = log_in.methods.as_deref().unwrap_or_default();
    let offers = |method: &str| methods.iter().any(|name| name == method);
    if let Some(SshPassword::Accepted | SshPassword::MoreWanted) = log_in.password
        && user == "root"
    {
        findings.push(
            Finding::fail(
                "root_let_in",
                format!("{place}: the password of root was accepted, expected root to be refused"),
            )
            .remedy("set `PermitRootLogin no`, and let people become root after their own log-in"),
        );
    }
    if log_in.password == Some(SshPassword::Refused) && user != "root" {
        findings.push(
            Finding::fail(
                "log_in_refused",
                format!("{place}: the password of user `{user}` was refused"),
            )
            .remedy("compare user and password with the server's"),
        );
    }
    if offers("password") && !settings.password_allowed {
        findings.push(
            Finding::fail(
                "password_offered",
                format!("{place}: user `{user}` may log in by a password, expected keys alone"),
            )
            .evidence("methods", methods.join(", "))
            .remedy("set `PasswordAuthentication no` in `sshd_config`, after everybody has a key"),
        );
    }
    if offers("keyboard-interactive") && !settings.keyboard_interactive_allowed {
        findings.push(
            Finding::warn(
                "keyboard_interactive_offered",
                format!("{place}: user `{user}` may log in by questions, which may ask for a password"),
            )
            .evidence("methods", methods.join(", "))
            .remedy(
                "set `KbdInteractiveAuthentication no`, or `keyboard_interactive_allowed` where it is a second \
                 factor",
            ),
        );
    }
    if user == "root" {
        findings.extend(root(facts));
    }
    findings
        .into_iter()
        .map(|finding| finding.subject(named(user)))
        .collect()
}

fn host_key(settings: &Ssh, place: &str, key: &SshHostKey) -> Vec<Finding> {
    // What the providers of cryptography can check.
    const LEAST_BITS: u32 = 2048;
    const MOST_BITS: u32 = 8192;
    let mut findings = Vec::new();
    let is_rsa = key.kind == "ssh-rsa";
    if is_rsa && key.bits < LEAST_BITS {
        findings.push(
            Finding::fail(
                "short_host_key",
                format!(
                    "{place}: the host key has {} bits of RSA, expected {LEAST_BITS} at least",
                    key.bits
                ),
            )
            .remedy("make an Ed25519 key with `ssh-keygen -A`, and take the old one out"),
        );
    } else if is_rsa && key.bits > MOST_BITS {
        findings.push(Finding::unknown(
            "host_key_unproven",
            Reason::ERROR,
            format!(
                "{place}: the host key has {} bits of RSA, and up to {MOST_BITS} can be checked",
                key.bits
            ),
        ));
    } else if !key.is_proven {
        findings.push(
            Finding::fail(
                "host_key_unproven",
                format!("{place}: the server could not prove that it has the host key it shows"),
            )
            .remedy("look who answers there: it may be somebody between you and the server"),
        );
    }
    if !settings.known_keys.is_empty() && !settings.known_keys.contains(&key.fingerprint) {
        findings.push(
            Finding::fail(
                "unknown_host_key",
                format!(
                    "{place}: the host key is `{}`, expected one of the {} that are known",
                    key.fingerprint,
                    settings.known_keys.len()
                ),
            )
            .evidence("kind", &key.kind)
            .remedy("compare it with `ssh-keygen -l` on the server itself before you add it to `known_keys`"),
        );
    }
    findings
        .into_iter()
        .map(|finding| finding.subject("host key"))
        .collect()
}

fn offered(settings: &Ssh, offer: &SshOffer) -> Vec<Finding> {
    let mut findings = Vec::new();
    for kind in &KINDS {
        let weak = kind.weak(offer, &settings.allowed_algorithms);
        for (grade, make) in [
            (Grade::Broken, Finding::fail as fn(String, String) -> Finding),
            (Grade::Weak, Finding::warn),
            (Grade::Old, Finding::note),
        ] {
            let of_grade: Vec<&Weak<'_>> = weak.iter().filter(|weak| weak.grade == grade).collect();
            if of_grade.is_empty() {
                continue;
            }
            let names: Vec<String> = of_grade
                .iter()
                .map(|weak| format!("`{}` ({})", weak.name, weak.why))
                .collect();
            let (word, code) = match grade {
                Grade::Broken => ("broken", kind.code.replacen("weak", "broken", 1)),
                Grade::Weak => ("weak", kind.code.to_owned()),
                Grade::Old => ("old", kind.code.replacen("weak", "old", 1)),
            };
            let said = format!("{word} {} are offered: {}", kind.subject, names.join(", "));
            findings.push(
                make(code, said)
                    .subject(kind.subject)
                    .remedy(format!("take them out of `{}` in `sshd_config`", kind.setting)),
            );
        }
    }
    if is_prefix_truncatable(offer) {
        findings.push(
            Finding::warn(
                "not_strict",
                "somebody on the way can leave out the first packets unnoticed (CVE-2023-48795), expected the \
                 strict key exchange",
            )
            .subject("key exchanges")
            .remedy(
                "update the server, or take `chacha20-poly1305@openssh.com` and CBC out of its ciphers until then",
            ),
        );
    }
    findings
}
