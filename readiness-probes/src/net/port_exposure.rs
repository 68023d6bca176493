mod differ;
mod inside;
mod outside;
mod settings;
#[cfg(test)]
mod tests;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::join_all;
use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{PortSet, PortSweep, SweepFacts},
};

pub use self::settings::Scope;
use super::{
    inside_view::{Inside, Mode, look_inside},
    services::danger,
};
use crate::address::{Addresses, addresses, not_seen, worst_of};

readiness_core::probe! {
    /// Only the allowed ports are open.
    ///
    /// # What it checks
    /// From outside it connects to the ports of a list on each address of the target, from this machine, and
    /// sends nothing. Open, closed (refused) and filtered (silent after every try) are kept apart. An open
    /// port that is not allowed is asked a second time, and what it says by itself (at most 256 bytes) is
    /// shown. From inside (`mode`) it reads which sockets of this machine listen, and on which addresses:
    /// that needs no packet, knows every port whatever the scope is, and applies where the target is this
    /// machine. Both together also tell what listens and is filtered, and what answers although nothing
    /// here listens.
    ///
    /// # Why it matters
    /// A database, a cache or a management interface that strangers can reach is how many breaches began,
    /// and it is seldom opened on purpose: a default, a container's published port, a forgotten rule.
    ///
    /// # How it is judged
    /// An open port that is not allowed fails, and so does a forbidden one; if it does not accept a second
    /// time it only warns, and if the time was over before it was asked again it is unknown. A required
    /// port that is closed or filtered fails. Where no port answers at all, or where nearly all accept (a
    /// proxy that answers for everybody, a tarpit), nothing is told, and the outcome is unknown; so it is
    /// where ports were left untried, or where this machine's own firewall lets nothing out. Ports outside
    /// the scope are not tried: that only the allowed ones are open is said after `scope = "all"` alone.
    /// What is filtered from here may be open from elsewhere.
    ///
    /// From inside, a socket that listens beyond loopback on a port that is not allowed fails; what listens
    /// on loopback alone never does. A socket on `::` counts for IPv4 too, unless it is known to leave IPv4
    /// alone (`IPV6_V6ONLY`). Where both views are taken, such a port only warns if connections to it are
    /// filtered or refused: the firewall alone keeps it from peers. This machine reaches its own addresses
    /// over loopback, so rules for other interfaces are not met.
    ///
    /// # How to fix
    /// Let the service listen on loopback or on an inner address, or close the port in the firewall; then
    /// look from outside again. If it is meant to be open, add it to `allowed`.
    pub struct PortExposure {
        /// The ports that may be open, as `[443, "8000-8100"]` or `"443, 8000-8100"`. Must be given.
        pub allowed: PortSet = PortSet::default(),
        /// The ports that must be open; each of them must be allowed too. Default: none.
        pub required: PortSet = PortSet::default(),
        /// The ports that must not be open, tried whatever the scope is. Default: none.
        pub forbidden: PortSet = PortSet::default(),
        /// Which ports are tried beside those above: `danger` (databases, administration and their like),
        /// `all`, or ports as in `allowed`. Default: `danger`.
        pub scope: Scope = Scope::Danger,
        /// Where it is looked from: `outside` (connections), `inside` (the socket table of this machine),
        /// or `both`. Default: `outside`.
        pub mode: Mode = Mode::Outside,
        /// Whether one address of each family is enough, where a name has several. Default: false.
        pub one_per_family: bool = false,
        /// The most connections begun in a second to each address, 1 or more. Default: no bound.
        pub max_per_second: Option<u32> = None,
        /// The most connections under way at once to each address, 1 to 65535; fewer where this machine's
        /// limit of open files is lower. Default: 4096.
        pub max_in_flight: u32 = 4096,
        /// When a sweep ends, in seconds, 1 to 3600; what is left then counts as untried. Raise the
        /// requirement's `timeout_seconds`, and the run's, with it. Default: 25.
        pub deadline_seconds: u32 = 25,
        /// Whether connections are closed in the usual way instead of by a reset, for servers that write
        /// each reset into their log. It leaves connections in TIME_WAIT behind. Default: false.
        pub polite_close: bool = false,
    }
    id: "net.port_exposure",
    title: "only the allowed ports are open",
    priority: High,
    timeout_seconds: 30,
    references: [
        "RFC 9293 section 3.10.7.1, a closed port answers with a reset" => "https://www.rfc-editor.org/rfc/rfc9293#section-3.10.7.1",
        "NIST SP 800-41 Rev. 1 section 4.1, deny by default" => "https://csrc.nist.gov/pubs/sp/800/41/r1/final",
        "RFC 3493 section 5.3, IPV6_V6ONLY" => "https://www.rfc-editor.org/rfc/rfc3493#section-5.3",
    ],
}

impl PortExposure {
    /// These ports may be open.
    pub fn allowing(ports: PortSet) -> Self {
        Self {
            allowed: ports,
            ..Self::default()
        }
    }

    /// The sweep of one address.
    fn sweep(&self, at: SocketAddr) -> PortSweep {
        let mut key = PortSweep::new(at.ip(), self.allowed.clone(), self.rest());
        if let SocketAddr::V6(v6) = at {
            key.scope_id = v6.scope_id();
        }
        // What matters most first: a sweep may be cut off.
        let asked = key.first.union(&key.rest);
        let early = self.required.union(&self.forbidden).union(&danger());
        key.early = early.intersection(&asked);
        key.in_flight = self.max_in_flight;
        key.deadline_ms = self.deadline_seconds.saturating_mul(1_000);
        key.max_per_second = self.max_per_second;
        key.polite_close = self.polite_close;
        key
    }
}

#[async_trait]
impl Probe for PortExposure {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        self.check()
            .map_err(|problem| ProbeError::unknown(Reason::ERROR, problem))?;
        let mut found = addresses(cx).await?;
        if self.one_per_family {
            found.keep_one_per_family();
        }
        let looks = found
            .reachable
            .iter()
            .map(|&address| self.look(cx, &found, address));
        let seen: Result<Vec<Seen>, ProbeError> = join_all(looks).await.into_iter().collect();
        let (without_route, seen): (Vec<Seen>, Vec<Seen>) = seen?.into_iter().partition(Seen::has_no_route);
        if seen.is_empty() {
            return Err(ProbeError::unknown(
                Reason::NO_ROUTE,
                format!(
                    "this machine has no route to any address of `{}`",
                    cx.target().host()
                ),
            ));
        }
        found
            .without_route
            .extend(without_route.iter().map(|seen| seen.address));
        let port = cx.target().port();
        let outcomes = seen
            .iter()
            .map(|seen| (found.at(seen.address, port), self.judge(seen)))
            .collect();
        Ok(found.noted_in(worst_of(outcomes)))
    }
}

/// What was seen of one address.
struct Seen {
    address: IpAddr,
    /// From outside, unless it was not asked for.
    outside: Option<Arc<SweepFacts>>,
    /// From inside, unless it was not asked for.
    inside: Option<Inside>,
}

impl Seen {
    /// Whether the routing table held no way for any port: it is left out then, as where that was known
    /// before.
    fn has_no_route(&self) -> bool {
        self.outside.as_ref().is_some_and(|facts| {
            !facts.without_route.is_empty() && outside::Counts::of(facts).asked() == facts.without_route.len()
        })
    }
}

impl PortExposure {
    async fn look(&self, cx: &ProbeContext, found: &Addresses, address: IpAddr) -> Result<Seen, ProbeError> {
        let outside = match self.mode {
            Mode::Inside => None,
            Mode::Both | Mode::Outside => Some(cx.observe(self.sweep(found.at(address, 0))).await?),
        };
        // After the sweep: what listens now should have been met.
        let inside = match self.mode {
            Mode::Outside => None,
            Mode::Both | Mode::Inside => Some(look_inside(cx, address).await),
        };
        Ok(Seen {
            address,
            outside,
            inside,
        })
    }

    fn judge(&self, seen: &Seen) -> Outcome {
        match (&seen.outside, &seen.inside) {
            (Some(sweep), None) => outside::judge(self, sweep),
            (None, Some(Inside::Table(table))) => inside::judge(self, seen.address, table),
            (None, Some(Inside::Failed(error))) => not_seen(error),
            (None, Some(Inside::Elsewhere)) => Outcome::not_applicable(format!(
                "the view from inside is of this machine, and {} is no address of it",
                seen.address
            )),
            (Some(sweep), Some(Inside::Table(table))) => differ::judge(self, seen.address, sweep, table),
            (Some(sweep), Some(Inside::Failed(error))) => {
                differ::without_inside(outside::judge(self, sweep), error)
            }
            (Some(sweep), Some(Inside::Elsewhere)) => outside::judge(self, sweep)
                .evidence("inside", "not looked at: the address is none of this machine"),
            (None, None) => Outcome::unknown(Reason::ERROR, "neither view was taken"),
        }
    }
}
