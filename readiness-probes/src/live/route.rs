use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use readiness_core::{
    Looking, ObserveError, Source,
    fact::{Family, LocalRoute, Route},
};

use super::settings::Shared;

/// Answers [`LocalRoute`].
pub(crate) struct RouteSource(pub(crate) Arc<Shared>);

impl Source<LocalRoute> for RouteSource {
    async fn look(&self, key: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        let wanted = self.0.only.is_none_or(|only| only == Family::of(key.address));
        Ok(Route::new(wanted && has_route(key.address)))
    }
}

/// The families that lead out of this machine.
pub(crate) fn families(only: Option<Family>) -> Vec<Family> {
    // Addresses for documentation (RFC 5737, RFC 3849): nobody is there, and nothing is sent.
    let outside = [
        (Family::V4, IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        (
            Family::V6,
            IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
        ),
    ];
    outside
        .into_iter()
        .filter(|(family, address)| only.is_none_or(|only| only == *family) && has_route(*address))
        .map(|(family, _)| family)
        .collect()
}

/// Whether the kernel knows a way. Connecting a UDP socket asks its routing table and sends no packet.
fn has_route(address: IpAddr) -> bool {
    const DISCARD: u16 = 9;
    let any: IpAddr = match address {
        IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect(SocketAddr::new(address, DISCARD)).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_has_a_route_and_multicast_scope_zero_has_none() {
        assert!(has_route(Ipv4Addr::LOCALHOST.into()));
        // A broadcast address needs a permission the socket does not have.
        assert!(!has_route(Ipv4Addr::BROADCAST.into()));
    }

    #[test]
    fn only_one_family_is_named() {
        assert!(
            families(Some(Family::V4))
                .iter()
                .all(|family| *family == Family::V4)
        );
        assert!(
            families(Some(Family::V6))
                .iter()
                .all(|family| *family == Family::V6)
        );
    }
}
