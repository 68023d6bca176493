//! What is asked of an SSH server, and what was seen of it.

use readiness_core::{
    Observation, Origin,
    fact::{Endpoint, TcpFacts},
};
use serde::{Deserialize, Serialize};

use crate::dep::Broken;

/// Exchanges keys with an SSH server, and asks it which log-ins it offers a user.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshSession {
    /// Where to.
    pub endpoint: Endpoint,
    /// Whom the credential is bound to.
    pub origin: Origin,
    /// The user in whose name is asked. A server lets nobody change it within a connection.
    pub user: String,
    /// The fingerprints of the keys that the server may have, as `SHA256:…`. Only who has one of them gets to
    /// see a password.
    pub known_keys: Vec<String>,
    /// The handle of a user name and password. The password is tried where its user is the one that is asked
    /// for.
    pub credential: Option<String>,
}

impl SshSession {
    /// A session in this user's name, without any password.
    pub fn new(endpoint: Endpoint, origin: Origin, user: impl Into<String>) -> Self {
        Self {
            endpoint,
            origin,
            user: user.into(),
            known_keys: Vec::new(),
            credential: None,
        }
    }

    /// Says which keys the server may have.
    pub fn known_keys(mut self, fingerprints: Vec<String>) -> Self {
        self.known_keys = fingerprints;
        self
    }

    /// Tries this credential, if it is one of the user.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }
}

impl Observation for SshSession {
    const KIND: &'static str = "ssh.session";
    type Fact = SshFacts;
}

/// What became of a session.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// The server's version, such as `SSH-2.0-OpenSSH_9.2p1 Debian-2`.
    #[serde(default)]
    pub version: String,
    /// How many lines came before it.
    #[serde(default)]
    pub early_lines: u32,
    /// The algorithms the server offers.
    #[serde(default)]
    pub offer: Option<SshOffer>,
    /// Those that both sides have in common, the best first of ours.
    #[serde(default)]
    pub agreed: Option<SshAgreed>,
    /// The key by which the server proved who it is.
    #[serde(default)]
    pub host_key: Option<SshHostKey>,
    /// What the server says of log-ins.
    #[serde(default)]
    pub log_in: SshLogIn,
    /// How it ended.
    pub end: SshEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub session_us: u64,
}

impl SshFacts {
    /// A session over this connection that ended like this.
    pub fn new(tcp: TcpFacts, end: SshEnd) -> Self {
        Self {
            tcp,
            version: String::new(),
            early_lines: 0,
            offer: None,
            agreed: None,
            host_key: None,
            log_in: SshLogIn::default(),
            end,
            session_us: 0,
        }
    }
}

/// The algorithms that a server offers (RFC 4253, section 7.1). Where both directions differ, this is what
/// either has.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshOffer {
    /// Key exchanges, without what only signals an extension.
    pub key_exchanges: Vec<String>,
    /// Algorithms of host keys.
    pub host_keys: Vec<String>,
    /// Ciphers.
    pub ciphers: Vec<String>,
    /// Codes of authentication.
    pub macs: Vec<String>,
    /// Whether it takes part in the strict key exchange.
    pub strict: bool,
}

/// What both sides have in common.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshAgreed {
    /// The key exchange.
    pub key_exchange: String,
    /// The algorithm of the host key.
    pub host_key: String,
    /// The cipher.
    pub cipher: String,
    /// The code of authentication; empty where the cipher needs none.
    pub mac: String,
}

/// The key of a server.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshHostKey {
    /// Such as `ssh-ed25519`.
    pub kind: String,
    /// How many bits it has.
    pub bits: u32,
    /// Such as `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Whether the server proved that it has the key.
    pub is_proven: bool,
}

impl SshHostKey {
    /// A key that was proven.
    pub fn new(kind: impl Into<String>, bits: u32, fingerprint: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            bits,
            fingerprint: fingerprint.into(),
            is_proven: true,
        }
    }
}

/// What a server says of log-ins.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SshLogIn {
    /// The methods that the server offers (RFC 4252, section 5.1); `None` where it did not come to that.
    pub methods: Option<Vec<String>>,
    /// Whether the user was let in without any proof.
    #[serde(default)]
    pub without_proof: bool,
    /// What became of the password; `None` where none was sent.
    #[serde(default)]
    pub password: Option<SshPassword>,
}

/// What a server answers to a password.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum SshPassword {
    /// It lets the user in.
    Accepted,
    /// It is right, and something else is wanted too: a new password, or a second proof.
    MoreWanted,
    /// It does not let the user in.
    Refused,
}

/// How a session ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum SshEnd {
    /// The peer broke the conversation off, or speaks something else.
    Broken(Broken),
    /// A password is configured, and was not sent: the server's key is none of those that are known.
    CredentialWithheld,
    /// The server said that it ends the connection, and why.
    Disconnected {
        /// The reason's number (RFC 4253, section 11.1).
        code: u32,
        /// The server's words.
        message: String,
    },
    /// Every question got its answer.
    Done,
    /// There is no algorithm of this kind that both sides have.
    NothingInCommon {
        /// `key exchange`, `host key`, `cipher` or `MAC`.
        kind: String,
    },
    /// The port did not accept.
    NotOpen,
    /// The server speaks another version of the protocol than 2.
    OtherVersion,
}
