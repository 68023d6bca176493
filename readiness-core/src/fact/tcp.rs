use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::{ByteText, PortSet};
use crate::observe::Observation;

/// One end of a connection: the address it goes to and the name it is for.
///
/// Handshake and exchanges of one endpoint share one connection.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Endpoint {
    /// Where to connect.
    pub address: SocketAddr,
    /// The name sent as SNI and checked against the certificate; an address where there is no name.
    pub name: String,
    /// Whether TLS is spoken from the first byte.
    pub tls: bool,
}

impl Endpoint {
    /// An endpoint.
    pub fn new(address: SocketAddr, name: impl Into<String>, tls: bool) -> Self {
        Self {
            address,
            name: name.into(),
            tls,
        }
    }
}

/// Connects once.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TcpConnect {
    /// Where to.
    pub endpoint: Endpoint,
}

impl TcpConnect {
    /// Connects to this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self { endpoint }
    }
}

impl Observation for TcpConnect {
    const KIND: &'static str = "tcp.connect";
    type Fact = TcpFacts;
}

/// What became of a connection attempt.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TcpFacts {
    /// How the port answered.
    pub state: PortState,
    /// How long the answer took, in microseconds.
    #[serde(default)]
    pub connect_us: u64,
}

impl TcpFacts {
    /// A port in this state.
    pub fn new(state: PortState, connect_us: u64) -> Self {
        Self { state, connect_us }
    }
}

/// How a port answered a connection attempt.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum PortState {
    /// It refused: nothing listens there.
    Closed,
    /// It did not answer, or a filter answered for it.
    Filtered,
    /// It accepted.
    Open,
    /// The host or the network cannot be reached.
    Unreachable,
}

/// Asks whether this machine has a route to an address. Sends no packet.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LocalRoute {
    /// The address to reach.
    pub address: IpAddr,
}

impl LocalRoute {
    /// A route to this address.
    pub fn new(address: IpAddr) -> Self {
        Self { address }
    }
}

impl Observation for LocalRoute {
    const KIND: &'static str = "tcp.local_route";
    type Fact = Route;
}

/// Whether there is a local route.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Route {
    /// Whether packets to the address have somewhere to go.
    pub exists: bool,
}

impl Route {
    /// A route that exists or not.
    pub fn new(exists: bool) -> Self {
        Self { exists }
    }
}

/// Connects to many ports of one address.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PortSweep {
    /// Whose ports.
    pub address: IpAddr,
    /// Those that should answer: they go first, which gives a first round-trip time.
    pub first: PortSet,
    /// All the others.
    pub rest: PortSet,
    /// Most connection attempts under way at once.
    pub in_flight: u32,
    /// When to stop, in milliseconds.
    pub deadline_ms: u32,
}

impl PortSweep {
    /// A sweep with 4,096 attempts in flight at most and 25 s for all.
    pub fn new(address: IpAddr, first: PortSet, rest: PortSet) -> Self {
        Self {
            address,
            first,
            rest,
            in_flight: 4096,
            deadline_ms: 25_000,
        }
    }
}

impl Observation for PortSweep {
    const KIND: &'static str = "tcp.sweep";
    type Fact = SweepFacts;
}

/// What a sweep saw. Each port that was asked for is in exactly one of the five sets.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SweepFacts {
    /// Those that accepted, ascending.
    #[serde(default)]
    pub open: Vec<OpenPort>,
    /// Those that refused.
    #[serde(default)]
    pub closed: PortSet,
    /// Those that stayed silent after every try, or that a filter answered for.
    #[serde(default)]
    pub filtered: PortSet,
    /// Those the network said cannot be reached.
    #[serde(default)]
    pub unreachable: PortSet,
    /// Those the deadline, or this machine's limits, left untried.
    #[serde(default)]
    pub untried: PortSet,
    /// Connections that met themselves: sockets bound to the port they connected to. Counted closed.
    #[serde(default)]
    pub self_connects: u32,
    /// How many connection attempts were made.
    #[serde(default)]
    pub attempts: u32,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// A port that accepted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OpenPort {
    /// Which.
    pub port: u16,
    /// Whether a second connection was accepted too; `None` where it was expected and not asked again.
    #[serde(default)]
    pub confirmed: Option<bool>,
    /// The first bytes it sent by itself, at most 256.
    #[serde(default, skip_serializing_if = "ByteText::is_empty")]
    pub banner: ByteText,
}

impl OpenPort {
    /// A port that accepted once.
    pub fn new(port: u16) -> Self {
        Self {
            port,
            confirmed: None,
            banner: ByteText::default(),
        }
    }
}
