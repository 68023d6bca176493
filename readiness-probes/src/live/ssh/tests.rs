//! The talk with servers that keep to the protocol, and with those that do not.

use std::{net::SocketAddr, sync::Arc};

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use readiness_core::{Target, fact::PortState};
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;

use super::{
    super::fake::{drain, drip, endpoint, look, serve, stranger, target},
    message,
    wire::Writer,
    *,
};
use crate::dep::{Broken, BrokenKind};

mod server;

use self::server::{HostKey, Script, VERSION, failure, offer, speak};

const URL: &str = "ssh://db.test:{}";
const ROOT: &str = "ssh://root:s3cr3t-pw@db.test:{}";

fn key(target: &Target, address: SocketAddr) -> SshSession {
    SshSession::new(endpoint(target, address), target.origin(), "root").credential(target.credential())
}

/// What is seen of a server that follows a script, and what it heard after the keys.
async fn seen(url: &str, script: Script, is_known: bool) -> (Arc<SshFacts>, Vec<Vec<u8>>) {
    let host = Arc::new(HostKey::new());
    let hash = BASE64_STANDARD_NO_PAD.encode(Sha256::digest(host.blob()));
    let known = format!("SHA256:{}", if is_known { hash } else { "A".repeat(43) });
    let (address, server) = serve(1, move |_, stream| {
        let (script, host) = (script.clone(), Arc::clone(&host));
        async move { speak(stream, script, &host).await }
    })
    .await;
    let target = target(url, address);
    let key = key(&target, address).known_keys(vec![known]);
    let facts = look(stranger(), &target, key).await;
    (facts, server.await.unwrap().remove(0))
}

/// What is seen of a server that sends these bytes and no more.
async fn told(bytes: &'static [u8]) -> Arc<SshFacts> {
    let (address, _server) = serve(1, move |_, mut stream| async move {
        let _ = stream.write_all(bytes).await;
        let _ = stream.shutdown().await;
        drain(&mut stream).await
    })
    .await;
    let target = target(URL, address);
    look(stranger(), &target, key(&target, address)).await
}

fn broken(facts: &SshFacts) -> &Broken {
    match &facts.end {
        SshEnd::Broken(broken) => broken,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_methods_of_a_user_are_asked_for() {
    let script = Script::new(failure("publickey,password", false), None);
    let (facts, heard) = seen(URL, script, true).await;
    assert_eq!(facts.end, SshEnd::Done, "{facts:?}");
    assert_eq!(facts.version, VERSION);
    assert_eq!(
        facts.log_in.methods.as_deref().unwrap(),
        ["publickey", "password"]
    );
    let host = facts.host_key.as_ref().unwrap();
    assert!(host.is_proven && host.kind == "ssh-ed25519" && host.bits == 256);
    let offer = facts.offer.as_ref().unwrap();
    assert_eq!(offer.key_exchanges, ["curve25519-sha256"]);
    assert_eq!(offer.ciphers, ["aes256-ctr", "aes128-cbc"]);
    assert!(offer.strict);
    let none = Writer::new(message::AUTH_REQUEST)
        .string(b"root")
        .string(b"ssh-connection")
        .string(b"none");
    assert_eq!(heard[1], none.0);
    assert_eq!((heard.len(), heard[2][0]), (3, message::DISCONNECT));
}

#[tokio::test]
async fn what_a_server_may_say_in_between_is_skipped() {
    let mut script = Script::new(Vec::new(), None);
    script.strict = false;
    script.ignores_first = true;
    script.guesses = true;
    script.answers[0].insert(0, Writer::new(message::EXT_INFO).number(0).0);
    script.answers[1] = vec![
        Writer::new(message::AUTH_BANNER)
            .string(b"Go away!")
            .string(b"")
            .0,
        Writer::new(message::DEBUG).byte(0).string(b"").string(b"").0,
        failure("", false),
    ];
    let (facts, _) = seen(URL, script, true).await;
    assert_eq!(facts.end, SshEnd::Done, "{facts:?}");
    assert_eq!(facts.log_in.methods, Some(Vec::new()));
    // A server that is strict says nothing in between.
    let mut script = Script::new(failure("publickey", false), None);
    script.ignores_first = true;
    let (facts, _) = seen(URL, script, true).await;
    assert!(broken(&facts).message.contains("strict"), "{facts:?}");
}

#[tokio::test]
async fn a_password_is_tried_where_the_key_is_known_and_proven() {
    let none = || failure("publickey,password", false);
    for (answer, expected) in [
        (failure("publickey,password", false), SshPassword::Refused),
        (failure("keyboard-interactive", true), SshPassword::MoreWanted),
        (vec![message::AUTH_SUCCESS], SshPassword::Accepted),
        (
            Writer::new(message::PASSWORD_CHANGE).string(b"old").string(b"").0,
            SshPassword::MoreWanted,
        ),
    ] {
        let (facts, heard) = seen(ROOT, Script::new(none(), Some(answer)), true).await;
        assert_eq!(
            (&facts.end, facts.log_in.password),
            (&SshEnd::Done, Some(expected))
        );
        assert!(heard[2].ends_with(b"\0\0\0\x09s3cr3t-pw"), "{:?}", heard[2]);
    }
    for (is_known, forges_proof) in [(false, false), (true, true)] {
        let mut script = Script::new(none(), Some(vec![message::AUTH_SUCCESS]));
        script.forges_proof = forges_proof;
        let (facts, heard) = seen(ROOT, script, is_known).await;
        assert_eq!(facts.end, SshEnd::CredentialWithheld);
        assert_eq!(facts.host_key.as_ref().unwrap().is_proven, !forges_proof);
        let sent = heard.concat();
        assert!(!sent.windows(6).any(|part| part == b"s3cr3t"), "{heard:?}");
    }
    // A password of somebody else is not tried for root, and none where no password is taken.
    let script = Script::new(none(), None);
    let (facts, _) = seen("ssh://app:s3cr3t-pw@db.test:{}", script, true).await;
    assert_eq!((&facts.end, facts.log_in.password), (&SshEnd::Done, None));
    let (facts, _) = seen(ROOT, Script::new(failure("publickey", false), None), true).await;
    assert_eq!((&facts.end, facts.log_in.password), (&SshEnd::Done, None));
}

#[tokio::test]
async fn a_server_that_asks_for_no_proof_is_seen() {
    let (facts, heard) = seen(ROOT, Script::new(vec![message::AUTH_SUCCESS], None), true).await;
    assert!(facts.log_in.without_proof && facts.log_in.methods.is_none());
    assert_eq!((&facts.end, heard.len()), (&SshEnd::Done, 3));
}

#[tokio::test]
async fn what_breaks_the_rules_after_the_keys_has_its_name() {
    let disconnect = Writer::new(message::DISCONNECT)
        .number(14)
        .string(b"no s3cr3t-pw for you\x1b[2J")
        .string(b"")
        .0;
    let (facts, _) = seen(ROOT, Script::new(disconnect, None), true).await;
    assert_eq!(
        facts.end,
        SshEnd::Disconnected {
            code: 14,
            message: "no [redacted] for you [2J".to_owned()
        }
    );
    for (script, part) in [
        (Script::new(vec![99], None), "the message 99"),
        (
            Script::new(vec![message::AUTH_FAILURE, 0, 0], None),
            "middle of a field",
        ),
        (Script::new(vec![message::DISCONNECT], None), "middle of a field"),
        (Script::new(vec![message::KEXINIT], None), "the message 20"),
    ] {
        let (facts, _) = seen(URL, script, true).await;
        assert!(broken(&facts).message.contains(part), "{facts:?}");
    }
    let mut script = Script::new(failure("publickey", false), None);
    script.forges_packet = true;
    let (facts, _) = seen(URL, script, true).await;
    assert!(broken(&facts).message.contains("not authentic"), "{facts:?}");
    for half in [vec![0; 32], vec![9; 31], Vec::new()] {
        let mut script = Script::new(failure("publickey", false), None);
        script.half = Some(half);
        let (facts, _) = seen(URL, script, true).await;
        assert!(
            broken(&facts).message.contains("no point of the curve"),
            "{facts:?}"
        );
    }
    let mut script = Script::new(failure("publickey", false), None);
    script.answers[0] = vec![Writer::new(message::IGNORE).string(b"").0; 300];
    let (facts, _) = seen(URL, script, true).await;
    assert_eq!(broken(&facts).kind, BrokenKind::TooMuch);
}

#[tokio::test]
async fn a_version_is_found_among_lines_or_missed() {
    let facts = told(b"Welcome!\r\nWe log.\nSSH-1.5-old\r\n").await;
    assert_eq!((&facts.end, facts.early_lines), (&SshEnd::OtherVersion, 2));
    assert_eq!(facts.version, "SSH-1.5-old");
    for (bytes, kind, part) in [
        (&b""[..], BrokenKind::Closed, "closed"),
        (b"SSH-2.0-x", BrokenKind::Garbage, "`SSH-2.0-x`"),
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            BrokenKind::Garbage,
            "`HTTP/1.1 400 Bad Request`",
        ),
        (
            b"Exceeded MaxStartups\r\n",
            BrokenKind::Closed,
            "turned us away with `Exceeded MaxStartups`",
        ),
        (b"\xff\xfe\x00\n", BrokenKind::Garbage, "no version"),
    ] {
        let facts = told(bytes).await;
        let broken = broken(&facts);
        assert_eq!(broken.kind, kind, "{broken:?}");
        assert!(broken.message.contains(part), "{broken:?}");
    }
    let long = |line: &'static [u8], times: usize| -> &'static [u8] { line.repeat(times).leak() };
    for bytes in [
        long(b"x\n", 51),
        long(b"0123456789", 900),
        [b"SSH-2.0-", long(b"y", 300), b"\r\n"].concat().leak(),
    ] {
        let facts = told(bytes).await;
        assert_eq!(broken(&facts).kind, BrokenKind::Garbage, "{facts:?}");
    }
    // The longest that RFC 4253 allows is taken.
    let facts = told([b"SSH-1.5-", long(b"y", 245), b"\r\n"].concat().leak()).await;
    assert_eq!(facts.end, SshEnd::OtherVersion);
    assert_eq!(facts.version.len(), 253);
}

#[tokio::test]
async fn packets_that_are_none_have_their_names() {
    let version = b"SSH-2.0-x\r\n";
    let packet = |payload: &[u8]| {
        let mut bytes = version.to_vec();
        let padding = 8 - (payload.len() + 5) % 8 + 8;
        let length = u32::try_from(payload.len() + 1 + padding).unwrap();
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(u8::try_from(padding).unwrap());
        bytes.extend_from_slice(payload);
        bytes.resize(bytes.len() + padding, 0);
        bytes
    };
    let script = Script::new(Vec::new(), None);
    for (bytes, part) in [
        ([&version[..], b"\0\0\0\0\0"].concat(), "a packet of 0 bytes"),
        (
            [&version[..], b"\xff\xff\xff\xff\0"].concat(),
            "a packet of 4294967295 bytes",
        ),
        ([&version[..], b"\0\0\0\x0d\0"].concat(), "a packet of 13 bytes"),
        (
            [&version[..], b"\0\0\0\x0c\xff", &[0; 11][..]].concat(),
            "without content",
        ),
        (
            [&version[..], b"\0\0\0\x0c\x0b", &[0; 11][..]].concat(),
            "without content",
        ),
        (packet(&[message::KEXINIT; 20]), "middle of a field"),
        (packet(&[message::NEWKEYS]), "the message 21"),
        (packet(&offer(&script)[..60]), "middle of a field"),
        (packet(&offer(&script)), "closed"),
    ] {
        let facts = told(bytes.leak()).await;
        assert!(broken(&facts).message.contains(part), "{part}: {facts:?}");
    }
    let bye = Writer::new(message::DISCONNECT)
        .number(2)
        .string(b"bye")
        .string(b"")
        .0;
    let facts = told(packet(&bye).leak()).await;
    assert!(
        matches!(facts.end, SshEnd::Disconnected { code: 2, .. }),
        "{facts:?}"
    );
    let mut nothing = Writer::new(message::KEXINIT);
    nothing.0.extend_from_slice(&[0; 16]);
    for _ in 0..10 {
        nothing = nothing.string(b"");
    }
    let facts = told(packet(&nothing.byte(0).number(0).0).leak()).await;
    assert_eq!(
        facts.end,
        SshEnd::NothingInCommon {
            kind: "key exchange".to_owned()
        }
    );
}

#[tokio::test]
async fn a_port_without_a_server_is_no_session() {
    let (address, server) = serve(0, |_, _| async {}).await;
    server.await.unwrap();
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(
        (&facts.end, facts.tcp.state),
        (&SshEnd::NotOpen, PortState::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_drips_is_cut_off() {
    let (address, _server) = serve(1, |_, mut stream| async move {
        drip(&mut stream, &b"SSH-2.0-slow".repeat(4)).await;
    })
    .await;
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(broken(&facts).kind, BrokenKind::Silent);
}
