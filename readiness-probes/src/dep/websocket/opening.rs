//! What is asked of a WebSocket server, and what was seen of it.

use readiness_core::{
    Observation, Origin,
    fact::{Endpoint, TcpFacts},
};
use serde::{Deserialize, Serialize};

use crate::dep::{Broken, ChannelTls};

/// Opens a WebSocket, pings, and closes it (RFC 6455).
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WebSocketOpen {
    /// Where to, and whether over TLS.
    pub endpoint: Endpoint,
    /// The `Host`.
    pub authority: String,
    /// Path and query; values that are secret stand as handles.
    pub path: String,
    /// The `Origin` that is sent, as a browser does; `None` for none.
    pub from: Option<String>,
    /// The subprotocols that are offered.
    pub subprotocols: Vec<String>,
    /// Whom the credential is bound to.
    pub origin: Origin,
    /// The handle of the credential that goes with the request, if there is one.
    pub credential: Option<String>,
}

impl WebSocketOpen {
    /// Opens this path without an origin and a subprotocol.
    pub fn new(
        endpoint: Endpoint,
        authority: impl Into<String>,
        path: impl Into<String>,
        origin: Origin,
    ) -> Self {
        Self {
            endpoint,
            authority: authority.into(),
            path: path.into(),
            from: None,
            subprotocols: Vec::new(),
            origin,
            credential: None,
        }
    }

    /// Comes from a page of this origin.
    pub fn from(mut self, origin: impl Into<String>) -> Self {
        self.from = Some(origin.into());
        self
    }

    /// Offers these subprotocols.
    pub fn subprotocols(mut self, names: Vec<String>) -> Self {
        self.subprotocols = names;
        self
    }

    /// Sends this credential with the request.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }
}

impl Observation for WebSocketOpen {
    const KIND: &'static str = "websocket.open";
    type Fact = WebSocketFacts;
}

/// What became of a WebSocket.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WebSocketFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// What protects it.
    #[serde(default)]
    pub tls: ChannelTls,
    /// The answer to the request; `None` where there was none.
    #[serde(default)]
    pub answer: Option<UpgradeAnswer>,
    /// Whether the ping was answered.
    #[serde(default)]
    pub pong: bool,
    /// How the server closed: its code, 1005 where it gave none (RFC 6455, section 7.4.1); `None` where it did
    /// not say that it closes.
    #[serde(default)]
    pub close_code: Option<u16>,
    /// Its words.
    #[serde(default)]
    pub close_reason: String,
    /// How it ended.
    pub end: WebSocketEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub session_us: u64,
}

impl WebSocketFacts {
    /// A WebSocket over this connection that ended like this.
    pub fn new(tcp: TcpFacts, end: WebSocketEnd) -> Self {
        Self {
            tcp,
            tls: ChannelTls::default(),
            answer: None,
            pong: false,
            close_code: None,
            close_reason: String::new(),
            end,
            session_us: 0,
        }
    }
}

/// The answer to a request for a WebSocket.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UpgradeAnswer {
    /// The status of HTTP.
    pub status: u16,
    /// The `Upgrade`.
    pub upgrade: String,
    /// The `Connection`.
    pub connection: String,
    /// Whether `Sec-WebSocket-Accept` is the answer to our key; `None` where there is none.
    pub accept: Option<bool>,
    /// The `Sec-WebSocket-Protocol`.
    pub subprotocol: Option<String>,
    /// The `Sec-WebSocket-Extensions`.
    pub extensions: String,
}

impl UpgradeAnswer {
    /// An answer that agrees, without a subprotocol.
    pub fn agreed() -> Self {
        Self {
            status: 101,
            upgrade: "websocket".to_owned(),
            connection: "Upgrade".to_owned(),
            accept: Some(true),
            subprotocol: None,
            extensions: String::new(),
        }
    }

    /// Whether a client may speak WebSocket from here on (RFC 6455, section 4.1).
    pub fn is_upgrade(&self) -> bool {
        self.status == 101
            && self.accept == Some(true)
            && has_token(&self.upgrade, "websocket")
            && has_token(&self.connection, "upgrade")
    }
}

/// Whether a list of tokens holds this one, in whatever case.
pub(super) fn has_token(list: &str, token: &str) -> bool {
    list.split(',')
        .any(|part| part.trim().eq_ignore_ascii_case(token))
}

/// How a WebSocket ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum WebSocketEnd {
    /// The peer broke the conversation off, or speaks something else.
    Broken(Broken),
    /// A credential is configured, and was not sent: the channel is not trusted.
    CredentialWithheld,
    /// We closed it, and the server had its time to say the same.
    Closed,
    /// The server closed it before it answered the ping.
    ClosedByServer,
    /// The port did not accept.
    NotOpen,
    /// The server did not agree to a WebSocket, or not in a way that a client may take.
    NotUpgraded,
    /// The TLS handshake failed.
    TlsMissing,
    /// The server sent more than is read before it answered.
    TooBusy,
    /// The server broke the rules of frames, in words.
    Violation(String),
}
