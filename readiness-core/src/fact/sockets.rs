use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use serde::{Deserialize, Serialize};

use crate::observe::Observation;

/// Asks which sockets of this machine wait for peers: the view from inside. Sends no packet.
///
/// What is seen is the network namespace this process lives in; a container has one of its own.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SocketTable {}

impl SocketTable {
    /// The question; it has no parameters.
    pub fn new() -> Self {
        Self {}
    }
}

impl Observation for SocketTable {
    const KIND: &'static str = "host.sockets";
    type Fact = SocketFacts;
}

/// The sockets that wait for peers.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SocketFacts {
    /// TCP sockets that listen and UDP sockets without a peer, ascending.
    #[serde(default)]
    pub sockets: Vec<LocalSocket>,
    /// The tables that this machine does not have, by name: without IPv6 there is no `tcp6`.
    #[serde(default)]
    pub missing: Vec<String>,
    /// Lines that could not be read.
    #[serde(default)]
    pub unreadable: u32,
    /// The first of those lines, shortened; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub first_unreadable: String,
    /// Whether a table was longer than is read, so that sockets may be missing here.
    #[serde(default)]
    pub is_cut: bool,
}

/// One socket that waits for peers.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub struct LocalSocket {
    /// Over which protocol.
    pub transport: Transport,
    /// The port.
    pub port: u16,
    /// The address it is bound to; `0.0.0.0` or `::` for every one.
    pub address: IpAddr,
    /// The number of the user it belongs to.
    #[serde(default)]
    pub uid: u32,
    /// For a socket bound to `::`: whether it leaves IPv4 alone (`IPV6_V6ONLY`); `None` where that is not
    /// known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ipv6_only: Option<bool>,
}

impl LocalSocket {
    /// A socket bound to this address.
    pub fn new(transport: Transport, at: SocketAddr) -> Self {
        Self {
            transport,
            port: at.port(),
            address: at.ip(),
            uid: 0,
            ipv6_only: None,
        }
    }

    /// Whether it is bound to every address of its family.
    pub fn is_wildcard(&self) -> bool {
        self.address.is_unspecified()
    }

    /// Whether this machine alone can reach it.
    pub fn is_loopback(&self) -> bool {
        self.address.to_canonical().is_loopback()
    }

    /// Whether peers of this address meet it; `None` where it is bound to `::`, the address is IPv4, and
    /// whether it takes IPv4 too is not known.
    ///
    /// ```
    /// use readiness_core::fact::{LocalSocket, Transport};
    /// let mut socket = LocalSocket::new(Transport::Tcp, "[::]:443".parse()?);
    /// assert_eq!(socket.covers("2001:db8::1".parse()?), Some(true));
    /// assert_eq!(socket.covers("192.0.2.1".parse()?), None);
    /// socket.ipv6_only = Some(true);
    /// assert_eq!(socket.covers("192.0.2.1".parse()?), Some(false));
    /// # Ok::<(), std::net::AddrParseError>(())
    /// ```
    pub fn covers(&self, address: IpAddr) -> Option<bool> {
        // `::ffff:192.0.2.1` is IPv4 on an IPv6 socket (RFC 3493, section 3.7).
        let (own, address) = (self.address.to_canonical(), address.to_canonical());
        if own == IpAddr::V4(Ipv4Addr::UNSPECIFIED) {
            return Some(address.is_ipv4());
        }
        if !own.is_unspecified() {
            return Some(own == address);
        }
        if address.is_ipv6() {
            return Some(true);
        }
        self.ipv6_only.map(|only| !only)
    }
}

impl fmt::Display for LocalSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// TCP or UDP.
#[allow(clippy::exhaustive_enums, reason = "sockets of other kinds have no ports")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_covers_what_it_is_bound_to() {
        for (bound, address, covers) in [
            ("0.0.0.0:1", "192.0.2.1", Some(true)),
            ("0.0.0.0:1", "::ffff:192.0.2.1", Some(true)),
            ("0.0.0.0:1", "2001:db8::1", Some(false)),
            ("192.0.2.1:1", "192.0.2.1", Some(true)),
            ("192.0.2.1:1", "192.0.2.2", Some(false)),
            ("[::ffff:192.0.2.1]:1", "192.0.2.1", Some(true)),
            ("[::ffff:0.0.0.0]:1", "192.0.2.1", Some(true)),
            ("[::ffff:0.0.0.0]:1", "2001:db8::1", Some(false)),
            ("[::1]:1", "::1", Some(true)),
            ("[::]:1", "::1", Some(true)),
            ("[::]:1", "127.0.0.1", None),
        ] {
            let socket = LocalSocket::new(Transport::Tcp, bound.parse().unwrap());
            assert_eq!(
                socket.covers(address.parse().unwrap()),
                covers,
                "{bound} {address}"
            );
        }
        let mut both = LocalSocket::new(Transport::Tcp, "[::]:1".parse().unwrap());
        both.ipv6_only = Some(false);
        assert_eq!(both.covers("192.0.2.1".parse().unwrap()), Some(true));
        assert!(both.is_wildcard() && !both.is_loopback());
    }

    #[test]
    fn loopback_is_known_in_each_form() {
        for (bound, is_loopback) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("[::ffff:127.0.0.1]:1", true),
            ("[::]:1", false),
            ("10.0.0.1:1", false),
        ] {
            let socket = LocalSocket::new(Transport::Udp, bound.parse().unwrap());
            assert_eq!(socket.is_loopback(), is_loopback, "{bound}");
        }
    }
}
