//! The view from inside: which sockets of this machine wait for peers.

use std::{net::IpAddr, sync::Arc};

use readiness_core::{
    ObserveError, ProbeContext,
    fact::{LocalRoute, SocketFacts, SocketTable},
};
use serde::Deserialize;

/// Where ports are looked at from.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Over connections, and in the socket table of this machine.
    Both,
    /// In the socket table of this machine.
    Inside,
    /// Over connections.
    #[default]
    Outside,
}

/// The view from inside.
#[derive(Debug)]
pub(super) enum Inside {
    /// The address belongs to another machine.
    Elsewhere,
    Failed(ObserveError),
    Table(Arc<SocketFacts>),
}

/// Looks from inside, where the address is one of this machine's own.
pub(super) async fn look_inside(cx: &ProbeContext, address: IpAddr) -> Inside {
    let mut route = LocalRoute::new(address);
    if let Some(zone) = cx.target().zone() {
        route = route.in_zone(zone);
    }
    match cx.observe(route).await {
        Ok(route) if !route.is_own => Inside::Elsewhere,
        Ok(_) => match cx.observe(SocketTable::new()).await {
            Ok(table) => Inside::Table(table),
            Err(e) => Inside::Failed(e),
        },
        Err(e) => Inside::Failed(e),
    }
}
