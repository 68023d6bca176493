//! What is asked of a gRPC server, and what was seen of it.

use std::collections::BTreeMap;

use readiness_core::{
    Observation, Origin,
    fact::{Endpoint, TcpFacts},
};
use serde::{Deserialize, Serialize};

use crate::dep::{Broken, ChannelTls};

/// Asks a gRPC server how it is, as `grpc.health.v1` has it: all over one HTTP/2 connection.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GrpcHealthCheck {
    /// Where to, and whether over TLS.
    pub endpoint: Endpoint,
    /// The `:authority`.
    pub authority: String,
    /// The services that `Check` is called for; the empty name is the whole server.
    pub services: Vec<String>,
    /// Whether `List` is called.
    pub list: bool,
    /// Whom the credential is bound to.
    pub origin: Origin,
    /// The handle of the credential that goes with each call, if there is one.
    pub credential: Option<String>,
}

impl GrpcHealthCheck {
    /// A `Check` of the whole server.
    pub fn new(endpoint: Endpoint, authority: impl Into<String>, origin: Origin) -> Self {
        Self {
            endpoint,
            authority: authority.into(),
            services: vec![String::new()],
            list: false,
            origin,
            credential: None,
        }
    }

    /// Calls `Check` for these services, and `List` if it is asked for.
    pub fn asking(mut self, services: Vec<String>, list: bool) -> Self {
        (self.services, self.list) = (services, list);
        self
    }

    /// Sends this credential with each call.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }
}

impl Observation for GrpcHealthCheck {
    const KIND: &'static str = "grpc.health";
    type Fact = GrpcHealthFacts;
}

/// What became of the calls.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GrpcHealthFacts {
    /// The connection.
    pub tcp: TcpFacts,
    /// What protects it.
    #[serde(default)]
    pub tls: ChannelTls,
    /// The answers to `Check`, in the order of the services that were asked for.
    #[serde(default)]
    pub checks: Vec<GrpcAnswer>,
    /// The answer to `List`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<GrpcAnswer>,
    /// How it ended.
    pub end: GrpcEnd,
    /// How long it took from the connection to the end, in microseconds.
    #[serde(default)]
    pub session_us: u64,
}

impl GrpcHealthFacts {
    /// Calls over this connection that ended like this.
    pub fn new(tcp: TcpFacts, end: GrpcEnd) -> Self {
        Self {
            tcp,
            tls: ChannelTls::default(),
            checks: Vec::new(),
            list: None,
            end,
            session_us: 0,
        }
    }
}

/// How the calls ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum GrpcEnd {
    /// The peer broke the conversation off, or speaks something else.
    Broken(Broken),
    /// A credential is configured, and was not sent: the channel is not trusted.
    CredentialWithheld,
    /// Every call has an answer of its own.
    Done,
    /// TLS was established without HTTP/2: the server did not choose `h2`.
    NoHttp2,
    /// The port did not accept.
    NotOpen,
    /// The TLS handshake failed.
    TlsMissing,
}

/// The answer to one call.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GrpcAnswer {
    /// The status of HTTP; 0 where there was no response.
    pub http_status: u16,
    /// The media type of the response.
    #[serde(default)]
    pub content_type: String,
    /// The status of gRPC, from the trailers, or from the headers where nothing else came.
    #[serde(default)]
    pub code: Option<u32>,
    /// Its words.
    #[serde(default)]
    pub message: String,
    /// What stood in the body.
    pub reply: GrpcReply,
}

impl GrpcAnswer {
    /// An answer with this status of HTTP and of gRPC.
    pub fn new(http_status: u16, code: Option<u32>, reply: GrpcReply) -> Self {
        Self {
            http_status,
            content_type: "application/grpc".to_owned(),
            code,
            message: String::new(),
            reply,
        }
    }

    /// A call without an answer.
    pub fn broken(how: Broken) -> Self {
        Self {
            content_type: String::new(),
            ..Self::new(0, None, GrpcReply::Broken(how))
        }
    }
}

/// What stood in the body of an answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum GrpcReply {
    /// The call was cut off.
    Broken(Broken),
    /// The statuses by service, as `List` tells them.
    List(BTreeMap<String, i32>),
    /// Something that is no single message of the protocol, in words.
    Malformed(String),
    /// No message at all.
    Nothing,
    /// The status, as `Check` tells it.
    Status(i32),
}
