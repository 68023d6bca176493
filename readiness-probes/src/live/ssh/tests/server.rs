//! A server that speaks SSH as it is told to, and not always as it should.

use rcgen::{KeyPair, PKCS_ED25519};
use rustls::{
    NamedGroup, SignatureScheme,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::TcpStream;

use super::super::{
    super::{channel::Talk, provider::provider},
    cipher::Cipher,
    exchange::{Secrets, digest},
    message,
    transport::Transport,
    wire::{Reader, Writer},
};
use crate::dep::{Broken, ssh::session::SshAgreed};

/// What the server does.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) strict: bool,
    /// Whether it sends something before its offer that strict servers do not.
    pub(super) ignores_first: bool,
    /// Whether it guesses what will be agreed upon, and is wrong.
    pub(super) guesses: bool,
    pub(super) forges_proof: bool,
    /// Whether a byte of its first packet that is encrypted is another one.
    pub(super) forges_packet: bool,
    /// Its half of the key exchange, where it is not its own.
    pub(super) half: Option<Vec<u8>>,
    /// What it answers to each message after the keys.
    pub(super) answers: Vec<Vec<Vec<u8>>>,
}

impl Script {
    /// A server that answers to `none`, and to a password.
    pub(super) fn new(none: Vec<u8>, password: Option<Vec<u8>>) -> Self {
        let accept = Writer::new(message::SERVICE_ACCEPT).string(b"ssh-userauth").0;
        let mut answers = vec![vec![accept], vec![none]];
        answers.extend(password.map(|answer| vec![answer]));
        Self {
            strict: true,
            ignores_first: false,
            guesses: false,
            forges_proof: false,
            forges_packet: false,
            half: None,
            answers,
        }
    }
}

/// A refusal that names these methods.
pub(super) fn failure(methods: &str, partial: bool) -> Vec<u8> {
    Writer::new(message::AUTH_FAILURE)
        .string(methods.as_bytes())
        .byte(u8::from(partial))
        .0
}

/// The key of the server.
pub(super) struct HostKey(KeyPair);

impl HostKey {
    pub(super) fn new() -> Self {
        Self(KeyPair::generate_for(&PKCS_ED25519).unwrap())
    }

    pub(super) fn blob(&self) -> Vec<u8> {
        let public = self.0.public_key_raw();
        Writer::default().string(b"ssh-ed25519").string(public).0
    }

    fn sign(&self, hash: &[u8]) -> Vec<u8> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.0.serialize_der()));
        let key = provider().unwrap().key_provider.load_private_key(der).unwrap();
        let signer = key.choose_scheme(&[SignatureScheme::ED25519]).unwrap();
        let signature = signer.sign(hash).unwrap();
        Writer::default().string(b"ssh-ed25519").string(&signature).0
    }
}

pub(super) const VERSION: &str = "SSH-2.0-test_1 for tests";

pub(super) fn offer(script: &Script) -> Vec<u8> {
    let mut exchanges = vec!["curve25519-sha256"];
    if script.guesses {
        exchanges.insert(0, "diffie-hellman-group14-sha256");
    }
    if script.strict {
        exchanges.push("kex-strict-s-v00@openssh.com");
    }
    let mut offer = Writer::new(message::KEXINIT);
    offer.0.extend_from_slice(&[7; 16]);
    let none = ["none"];
    offer
        .names(&exchanges)
        .names(&["ssh-ed25519"])
        .names(&["aes256-ctr"])
        .names(&["aes256-ctr", "aes128-cbc"])
        .names(&["hmac-sha2-256"])
        .names(&["hmac-sha2-256"])
        .names(&none)
        .names(&none)
        .names(&[])
        .names(&[])
        .byte(u8::from(script.guesses))
        .number(0)
        .0
}

/// Speaks until the script or the client ends; gives what the client sent after the keys.
pub(super) async fn speak(stream: TcpStream, script: Script, host: &HostKey) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    // A client that has heard enough goes.
    let _ = converse(stream, &script, host, &mut heard).await;
    heard
}

async fn converse(
    stream: TcpStream,
    script: &Script,
    host: &HostKey,
    heard: &mut Vec<Vec<u8>>,
) -> Result<(), Broken> {
    let mut transport = Transport::new(Talk::new(stream));
    transport.talk.send(format!("{VERSION}\r\n").as_bytes()).await?;
    let theirs = transport.version(|_| String::new()).await?.line;
    if script.ignores_first {
        transport
            .send(&Writer::new(message::IGNORE).string(b"x").0)
            .await?;
    }
    let offer = offer(script);
    transport.send(&offer).await?;
    if script.guesses {
        transport
            .send(&Writer::new(30).string(b"a wrong guess").0)
            .await?;
    }
    let their_offer = transport.receive().await?;
    let init = transport.receive().await?;
    let mut reader = Reader(&init);
    assert_eq!(reader.byte()?, message::ECDH_INIT);
    let their_public = reader.string()?;
    let provider = provider().unwrap();
    let group = provider
        .kx_groups
        .iter()
        .find(|group| group.name() == NamedGroup::X25519)
        .unwrap();
    let started = group.start().unwrap();
    let our_public = script.half.clone().unwrap_or_else(|| started.pub_key().to_vec());
    let secret = started.complete(their_public).unwrap();
    let shared = Writer::default().mpint(secret.secret_bytes()).0;
    let mut transcript = Writer::default()
        .string(&theirs)
        .string(VERSION.as_bytes())
        .string(&their_offer)
        .string(&offer)
        .string(&host.blob())
        .string(their_public)
        .string(&our_public)
        .0;
    transcript.extend_from_slice(&shared);
    let hash = digest(false, &[&transcript]);
    let proof = host.sign(if script.forges_proof {
        b"something else"
    } else {
        &hash
    });
    let reply = Writer::new(message::ECDH_REPLY)
        .string(&host.blob())
        .string(&our_public)
        .string(&proof);
    transport.send(&reply.0).await?;
    transport.send(&[message::NEWKEYS]).await?;
    let secrets = Secrets {
        shared,
        hash,
        is_384: false,
    };
    let agreed = SshAgreed {
        cipher: "aes256-ctr".to_owned(),
        mac: "hmac-sha2-256".to_owned(),
        ..SshAgreed::default()
    };
    let keys = |names| Cipher::new(&agreed.cipher, &agreed.mac, secrets.keys(names, &agreed));
    transport.outgoing.cipher = keys(b"BDF");
    assert_eq!(transport.receive().await?, [message::NEWKEYS]);
    transport.incoming.cipher = keys(b"ACE");
    if script.strict {
        (transport.outgoing.sequence, transport.incoming.sequence) = (0, 0);
    }
    if script.forges_packet {
        transport.outgoing.sequence += 1;
    }
    for answers in &script.answers {
        heard.push(transport.receive().await?);
        for answer in answers {
            transport.send(answer).await?;
        }
    }
    heard.push(transport.receive().await?);
    Ok(())
}
