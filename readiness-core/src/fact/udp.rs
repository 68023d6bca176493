use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::ByteText;
use crate::observe::Observation;

/// Asks services over UDP, each with a harmless question of its own protocol that changes nothing.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UdpSweep {
    /// Whose ports.
    pub address: IpAddr,
    /// The number of the zone that a link-local address lies in, else 0.
    #[serde(default, skip_serializing_if = "super::tcp::is_zero")]
    pub scope_id: u32,
    /// What is asked, and where.
    pub asks: Vec<UdpAsk>,
    /// How often a silent port is asked.
    pub tries: u32,
    /// How long an answer is waited for, in milliseconds.
    pub patience_ms: u32,
}

impl UdpSweep {
    /// Each question twice, with a second for its answer.
    pub fn new(address: IpAddr, asks: Vec<UdpAsk>) -> Self {
        Self {
            address,
            scope_id: 0,
            asks,
            tries: 2,
            patience_ms: 1_000,
        }
    }
}

impl Observation for UdpSweep {
    const KIND: &'static str = "udp.sweep";
    type Fact = UdpFacts;
}

/// A question of a protocol at a port.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub struct UdpAsk {
    /// The port.
    pub port: u16,
    /// Which protocol is spoken.
    pub protocol: UdpProtocol,
}

impl UdpAsk {
    /// Asks this port in this protocol.
    pub fn new(port: u16, protocol: UdpProtocol) -> Self {
        Self { port, protocol }
    }
}

/// A protocol over UDP that we have a question of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum UdpProtocol {
    /// Character generator, RFC 864: any datagram is a question.
    Chargen,
    /// Constrained application protocol, RFC 7252: `GET /.well-known/core`.
    Coap,
    /// Domain names, RFC 1035: the SOA record of the root, without recursion.
    Dns,
    /// LDAP without a connection, RFC 1798 and MS-ADTS: what the root entry says.
    Ldap,
    /// Multicast DNS, RFC 6762: which services there are.
    Mdns,
    /// memcached: `stats`.
    Memcached,
    /// NetBIOS name service, RFC 1002: the status of the node.
    Netbios,
    /// Network time, RFC 5905: the time.
    Ntp,
    /// Network time, mode 7 of the reference implementation: the list of clients.
    NtpMonlist,
    /// Port mapper, RFC 1833: the list of services.
    Portmapper,
    /// Network management, RFC 3416: `sysDescr.0`, for the community `public`.
    Snmp,
    /// Service discovery of UPnP: all services.
    Ssdp,
    /// Trivial file transfer, RFC 1350: a file that does not exist.
    Tftp,
}

impl UdpProtocol {
    /// All of them, each with its usual port.
    pub const ALL: [(u16, Self); 13] = [
        (19, Self::Chargen),
        (53, Self::Dns),
        (69, Self::Tftp),
        (111, Self::Portmapper),
        (123, Self::Ntp),
        (123, Self::NtpMonlist),
        (137, Self::Netbios),
        (161, Self::Snmp),
        (389, Self::Ldap),
        (1900, Self::Ssdp),
        (5353, Self::Mdns),
        (5683, Self::Coap),
        (11211, Self::Memcached),
    ];

    /// The usual port.
    pub fn port(self) -> u16 {
        // Each of them stands in the list; a test holds that.
        let found = Self::ALL.iter().find(|(_, other)| *other == self);
        found.map_or(0, |(port, _)| *port)
    }
}

impl fmt::Display for UdpProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Chargen => "chargen",
            Self::Coap => "CoAP",
            Self::Dns => "DNS",
            Self::Ldap => "LDAP",
            Self::Mdns => "mDNS",
            Self::Memcached => "memcached",
            Self::Netbios => "NetBIOS",
            Self::Ntp => "NTP",
            Self::NtpMonlist => "NTP monlist",
            Self::Portmapper => "the RPC port mapper",
            Self::Snmp => "SNMP",
            Self::Ssdp => "SSDP",
            Self::Tftp => "TFTP",
        })
    }
}

/// What the ports answered, in the order they were asked.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UdpFacts {
    /// One for each question.
    #[serde(default)]
    pub answers: Vec<UdpAnswer>,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

/// What became of one question.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct UdpAnswer {
    /// The question.
    pub ask: UdpAsk,
    /// How the port answered.
    pub state: UdpState,
    /// How many datagrams were sent.
    #[serde(default)]
    pub tries: u32,
    /// The bytes of the question, without headers of UDP and IP.
    #[serde(default)]
    pub asked_bytes: u32,
    /// The bytes that came back for the last question, of all datagrams; at most about 64 KiB are counted.
    #[serde(default)]
    pub answered_bytes: u32,
    /// How many datagrams they came in.
    #[serde(default)]
    pub datagrams: u32,
    /// The first bytes of the first of them, at most 256.
    #[serde(default, skip_serializing_if = "ByteText::is_empty")]
    pub head: ByteText,
}

impl UdpAnswer {
    /// A question that ended like this.
    pub fn new(ask: UdpAsk, state: UdpState) -> Self {
        Self {
            ask,
            state,
            tries: 0,
            asked_bytes: 0,
            answered_bytes: 0,
            datagrams: 0,
            head: ByteText::default(),
        }
    }
}

/// How a port answered a question over UDP.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum UdpState {
    /// A datagram came back: something listens.
    Answered,
    /// ICMP says "port unreachable": nothing listens.
    Closed,
    /// ICMP says that the host or the network cannot be reached, or that it is prohibited.
    Filtered,
    /// This machine's own rules do not let the question out, or it has no route: the peer was not asked.
    NotSent,
    /// Nothing came back: open, and not willing to answer this, or filtered. Never closed.
    OpenOrFiltered,
    /// This machine had no descriptor or memory left: the peer was not asked.
    Untried,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_a_port_and_a_name_of_its_own() {
        let mut names: Vec<String> = UdpProtocol::ALL.iter().map(|(_, it)| it.to_string()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), UdpProtocol::ALL.len());
        for (port, protocol) in UdpProtocol::ALL {
            assert_eq!(protocol.port(), port);
            let written = serde_json::to_string(&protocol).unwrap();
            assert_eq!(serde_json::from_str::<UdpProtocol>(&written).unwrap(), protocol);
        }
    }
}
