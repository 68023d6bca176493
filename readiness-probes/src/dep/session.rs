//! What is asked of databases and caches, and what was seen of them.

use readiness_core::{
    Observation, Origin, Reason,
    fact::{Endpoint, TcpFacts, Trust},
};
use serde::{Deserialize, Serialize};

/// Logs in to a PostgreSQL server and asks `SELECT 1`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PostgresSession {
    /// Where to.
    pub endpoint: Endpoint,
    /// Whom the credential is bound to.
    pub origin: Origin,
    /// Whether TLS is asked for.
    pub tls: TlsUse,
    /// The handle of the user name and password; `None` to try the user `postgres` without one.
    pub credential: Option<String>,
    /// The database; empty for the one named after the user.
    pub database: String,
}

impl PostgresSession {
    /// A session with the database of this name.
    pub fn new(
        endpoint: Endpoint,
        origin: Origin,
        tls: TlsUse,
        credential: Option<String>,
        database: impl Into<String>,
    ) -> Self {
        Self {
            endpoint,
            origin,
            tls,
            credential,
            database: database.into(),
        }
    }
}

impl Observation for PostgresSession {
    const KIND: &'static str = "postgres.session";
    type Fact = PostgresFacts;
}

/// Whether TLS is asked for where a protocol leaves it open.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum TlsUse {
    /// It is not.
    Disable,
    /// It is, and a server that declines is talked to without.
    #[default]
    Prefer,
    /// It is, and a server that declines is not talked to.
    Require,
}

/// What became of a session with PostgreSQL.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PostgresFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// What protects it.
    #[serde(default)]
    pub tls: ChannelTls,
    /// How the server wanted the log-in to be proven.
    #[serde(default)]
    pub auth: AuthMethod,
    /// Whether the server accepted the log-in.
    #[serde(default)]
    pub logged_in: bool,
    /// What the server calls its version; empty before the log-in.
    #[serde(default)]
    pub server_version: String,
    /// How it ended.
    pub end: PostgresEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub session_us: u64,
}

impl PostgresFacts {
    /// A session over this connection that ended like this.
    pub fn new(tcp: TcpFacts, end: PostgresEnd) -> Self {
        Self {
            tcp,
            tls: ChannelTls::default(),
            auth: AuthMethod::default(),
            logged_in: false,
            server_version: String::new(),
            end,
            session_us: 0,
        }
    }
}

/// How a session with PostgreSQL ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum PostgresEnd {
    /// `SELECT 1` gave 1.
    Answered,
    /// The peer broke the conversation off, or speaks something else.
    Broken(Broken),
    /// A password is wanted, and none is configured.
    CredentialMissing,
    /// A password is configured, and was not sent: the channel is not trusted.
    CredentialWithheld,
    /// The server refused with an error.
    Error(ServerError),
    /// The log-in is to be proven in a way that is not spoken here, such as GSSAPI.
    MethodUnknown,
    /// The port did not accept.
    NotOpen,
    /// TLS was required, and the server declined or the handshake failed.
    TlsMissing,
}

/// How the server wanted a log-in to be proven.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// By the password as it is.
    Cleartext,
    /// By the MD5 of password, user and salt.
    Md5,
    /// It did not come to that.
    #[default]
    NotReached,
    /// By nothing: everybody is let in.
    Nothing,
    /// By something else.
    Other(String),
    /// By SCRAM-SHA-256 (RFC 7677), which shows the password to nobody.
    ScramSha256,
}

/// An error as the server told it, without secrets.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServerError {
    /// The SQLSTATE, or the first word of a Redis error.
    pub code: String,
    /// Its words.
    pub message: String,
}

impl ServerError {
    /// An error.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
        }
    }
}

/// What protects a connection.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ChannelTls {
    /// The server was asked, and declined.
    Declined,
    /// Both sides agreed.
    Established {
        /// Such as `TLSv1.3`.
        version: String,
        /// Whether the certificate is trusted for this name.
        trust: Trust,
    },
    /// The handshake failed.
    Failed {
        /// Why.
        reason: Reason,
        /// The same in words.
        message: String,
    },
    /// The certificate was not trusted, and as the peer is this machine a connection without TLS was made.
    Forgone {
        /// What is wrong with the certificate.
        message: String,
    },
    /// Nobody asked for it.
    #[default]
    NotAsked,
}

impl ChannelTls {
    /// Whether nobody on the way can read along.
    pub fn is_encrypted(&self) -> bool {
        matches!(self, Self::Established { .. })
    }
}

/// A conversation that did not come to its end.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Broken {
    /// How.
    pub kind: BrokenKind,
    /// The same in words.
    pub message: String,
}

impl Broken {
    /// A conversation that broke like this.
    pub fn new(kind: BrokenKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }
}

/// How a conversation broke.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum BrokenKind {
    /// The peer closed or reset the connection.
    Closed,
    /// The peer does not speak the protocol.
    Garbage,
    /// The peer did not answer in time.
    Silent,
    /// The peer sent more than is read.
    TooMuch,
}

/// Asks a Redis server for a sign of life, without and with its password.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedisPing {
    /// Where to, and whether over TLS.
    pub endpoint: Endpoint,
    /// Whom the credential is bound to.
    pub origin: Origin,
    /// The handle of the user name and password, if there are any.
    pub credential: Option<String>,
}

impl RedisPing {
    /// Pings this endpoint.
    pub fn new(endpoint: Endpoint, origin: Origin, credential: Option<String>) -> Self {
        Self {
            endpoint,
            origin,
            credential,
        }
    }
}

impl Observation for RedisPing {
    const KIND: &'static str = "redis.ping";
    type Fact = RedisFacts;
}

/// What became of a talk with Redis.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RedisFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// What protects it.
    #[serde(default)]
    pub tls: ChannelTls,
    /// The answer to PING before any log-in.
    #[serde(default)]
    pub unauthenticated: Option<RedisReply>,
    /// The answer to AUTH.
    #[serde(default)]
    pub auth: Option<RedisReply>,
    /// The answer to PING after AUTH was accepted.
    #[serde(default)]
    pub authenticated: Option<RedisReply>,
    /// How it ended.
    pub end: RedisEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub session_us: u64,
}

impl RedisFacts {
    /// A talk over this connection that ended like this.
    pub fn new(tcp: TcpFacts, end: RedisEnd) -> Self {
        Self {
            tcp,
            tls: ChannelTls::default(),
            unauthenticated: None,
            auth: None,
            authenticated: None,
            end,
            session_us: 0,
        }
    }
}

/// How a talk with Redis ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RedisEnd {
    /// The peer broke the conversation off, or speaks something else.
    Broken(Broken),
    /// A password is configured, and was not sent: the channel is not trusted.
    CredentialWithheld,
    /// Every question got its answer.
    Done,
    /// The port did not accept.
    NotOpen,
    /// The TLS handshake failed.
    TlsMissing,
}

/// A reply of Redis, as far as it matters here.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RedisReply {
    /// An error, such as `NOAUTH Authentication required.`
    Error(ServerError),
    /// `+OK`.
    Ok,
    /// Any other reply.
    Other(String),
    /// `+PONG`.
    Pong,
}
