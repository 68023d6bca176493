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
    /// The zone of a link-local address (RFC 4007, section 11): an interface by name or number; empty where
    /// there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub zone: String,
}

impl LocalRoute {
    /// A route to this address.
    pub fn new(address: IpAddr) -> Self {
        Self {
            address,
            zone: String::new(),
        }
    }

    /// The address lies in this zone.
    pub fn in_zone(mut self, zone: impl Into<String>) -> Self {
        self.zone = zone.into();
        self
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
    /// Whether the address is one of this machine's own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_own: bool,
    /// The number of the zone that was asked for; 0 where none was.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scope_id: u32,
}

impl Route {
    /// A route that exists or not, to another machine.
    pub fn new(exists: bool) -> Self {
        Self {
            exists,
            is_own: false,
            scope_id: 0,
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it like this")]
pub(super) fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Connects to many ports of one address.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PortSweep {
    /// Whose ports.
    pub address: IpAddr,
    /// The number of the zone that a link-local address lies in, else 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub scope_id: u32,
    /// Those that should answer: they go first, which gives a first round-trip time.
    pub first: PortSet,
    /// All the others.
    pub rest: PortSet,
    /// Which of either go before its others.
    #[serde(default, skip_serializing_if = "PortSet::is_empty")]
    pub early: PortSet,
    /// Most connection attempts under way at once.
    pub in_flight: u32,
    /// When to stop, in milliseconds.
    pub deadline_ms: u32,
    /// Most connection attempts begun in a second; `None` for no bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_second: Option<u32>,
    /// Whether connections are closed with FIN instead of a reset.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub polite_close: bool,
}

impl PortSweep {
    /// A sweep with 4,096 attempts in flight at most and 25 s for all.
    pub fn new(address: IpAddr, first: PortSet, rest: PortSet) -> Self {
        Self {
            address,
            scope_id: 0,
            first,
            rest,
            early: PortSet::default(),
            in_flight: 4096,
            deadline_ms: 25_000,
            max_per_second: None,
            polite_close: false,
        }
    }
}

impl Observation for PortSweep {
    const KIND: &'static str = "tcp.sweep";
    type Fact = SweepFacts;
}

/// What a sweep saw. Each port that was asked for is in exactly one of the seven sets.
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
    /// Those that this machine's own rules let no connection out to: the peer was not asked.
    #[serde(default, skip_serializing_if = "PortSet::is_empty")]
    pub own_firewall: PortSet,
    /// Those this machine has no route to: the peer was not asked.
    #[serde(default, skip_serializing_if = "PortSet::is_empty")]
    pub without_route: PortSet,
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
    /// Whether it reset the connection that it had accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reset: bool,
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
            reset: false,
            banner: ByteText::default(),
        }
    }
}
