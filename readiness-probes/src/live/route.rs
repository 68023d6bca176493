use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket},
    sync::Arc,
};

#[cfg(feature = "http")]
use futures_util::future::{join, join_all};
#[cfg(feature = "http")]
use readiness_core::fact::DnsLookup;
use readiness_core::{
    Looking, ObserveError, Source,
    fact::{Family, LocalRoute, Route},
};
use tokio::net::lookup_host;

use super::settings::Shared;
#[cfg(feature = "http")]
use crate::address::{MOST_ADDRESSES, merge, routed};

/// Answers [`LocalRoute`].
pub(crate) struct RouteSource(pub(crate) Arc<Shared>);

impl Source<LocalRoute> for RouteSource {
    async fn look(&self, key: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        let wanted = self.0.only.is_none_or(|only| only == Family::of(key.address));
        let scope_id = match &*key.zone {
            "" => 0,
            zone => scope_id(key.address, zone).await.unwrap_or(0),
        };
        let source = source_towards(key.address, scope_id);
        let mut route = Route::new(wanted && source.is_some() && (key.zone.is_empty() || scope_id > 0));
        // To itself a machine goes from the very address; 127.0.0.0/8 is all its own (RFC 1122, section
        // 3.2.1.3).
        route.is_own = key.address.to_canonical().is_loopback() || source == Some(key.address);
        route.scope_id = scope_id;
        Ok(route)
    }
}

/// The addresses of a host that can be asked from here, by the run's own look-ups.
#[cfg(feature = "http")]
pub(super) async fn reachable(host: &str, cx: &Looking) -> Result<Vec<IpAddr>, ObserveError> {
    let all = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => {
            let (v4, v6) = join(
                cx.observe(DnsLookup::address(host, Family::V4)),
                cx.observe(DnsLookup::address(host, Family::V6)),
            )
            .await;
            merge(host, v4.as_deref(), v6.as_deref()).map_err(ObserveError::because)?
        }
    };
    let routes = join_all(all.iter().take(MOST_ADDRESSES).map(|&address| async move {
        let route = cx.observe(LocalRoute::new(address)).await;
        // Where nobody can tell whether there is a route, looking tells.
        (address, route.map_or(true, |route| route.exists))
    }));
    let found = routed(host, all.len(), routes.await).map_err(ObserveError::because)?;
    Ok(found.reachable)
}

/// The number of a zone. The system knows which interface has the name; nothing is resolved, as this is
/// no name of a host.
async fn scope_id(address: IpAddr, zone: &str) -> Option<u32> {
    if let Ok(number) = zone.parse() {
        return Some(number);
    }
    let found = lookup_host((format!("{address}%{zone}"), 0)).await.ok()?;
    found.into_iter().find_map(|found| match found {
        SocketAddr::V6(v6) => Some(v6.scope_id()),
        SocketAddr::V4(_) => None,
    })
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

fn has_route(address: IpAddr) -> bool {
    source_towards(address, 0).is_some()
}

/// The address the kernel would send from; `None` where it knows no way. Connecting a UDP socket asks its
/// routing table and sends no packet.
fn source_towards(address: IpAddr, scope_id: u32) -> Option<IpAddr> {
    const DISCARD: u16 = 9;
    let (any, to): (IpAddr, SocketAddr) = match address {
        IpAddr::V4(v4) => (Ipv4Addr::UNSPECIFIED.into(), (v4, DISCARD).into()),
        IpAddr::V6(v6) => (
            Ipv6Addr::UNSPECIFIED.into(),
            SocketAddrV6::new(v6, DISCARD, 0, scope_id).into(),
        ),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(to).ok()?;
    Some(socket.local_addr().ok()?.ip())
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

    #[tokio::test]
    async fn a_zone_is_a_number_or_an_interface_that_is_there() {
        let address: IpAddr = "fe80::1".parse().unwrap();
        assert_eq!(scope_id(address, "7").await, Some(7));
        assert_eq!(scope_id(address, "no-such-link").await, None);
        // Some sandboxes have no interface of this name, and none of them gives it another number.
        if cfg!(target_os = "linux") {
            assert!(matches!(scope_id(address, "lo").await, Some(1) | None));
        }
    }

    #[test]
    fn the_way_to_oneself_begins_where_it_ends() {
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        assert_eq!(source_towards(loopback, 0), Some(loopback));
        // An address for documentation is nobody's own.
        let other: IpAddr = Ipv4Addr::new(192, 0, 2, 1).into();
        assert_ne!(source_towards(other, 0), Some(other));
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
