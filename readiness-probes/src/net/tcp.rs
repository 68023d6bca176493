use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Measure, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo,
    async_trait,
    fact::{PortState, TcpConnect, TcpFacts},
};

use crate::address::{endpoints, noted, worst_of};

readiness_core::probe! {
    /// The port accepts TCP connections.
    ///
    /// # What it checks
    /// It connects to the target's port on each address of its name, sends nothing, and closes again.
    ///
    /// # Why it matters
    /// What nobody can connect to serves nobody. A service that starts before the things it depends on
    /// accept connections fails in ways that hide the cause.
    ///
    /// # How it is judged
    /// One address that accepts is enough, as a client tries one after the other; those that do not are
    /// noted. With `any_address = false` each address must accept. A refused connection, silence and an
    /// unreachable host fail, each by its name.
    ///
    /// # How to fix
    /// Refused: start the service, or let it listen on this address and not on loopback alone. No answer:
    /// look at the firewall, the security group and the route.
    pub struct Tcp {
        /// Whether one accepting address is enough. Default: true.
        pub any_address: bool = true,
    }
    id: "net.tcp",
    title: "the port accepts connections",
    priority: Critical,
    references: ["RFC 9293 section 3.5, establishing a connection" => "https://www.rfc-editor.org/rfc/rfc9293#section-3.5"],
}

#[async_trait]
impl Probe for Tcp {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let port = cx.target().port();
        let looks = endpoints(cx, port, false)
            .await?
            .into_iter()
            .map(|endpoint| async {
                let address = endpoint.address;
                (address, cx.observe(TcpConnect::new(endpoint)).await)
            });
        let seen = join_all(looks).await;
        Ok(noted(cx, judge(self, cx.target().host(), port, seen)).await)
    }
}

type Seen = (SocketAddr, Result<Arc<TcpFacts>, ObserveError>);

fn judge(settings: &Tcp, host: &str, port: u16, seen: Vec<Seen>) -> Outcome {
    let place = place(host, port);
    let mut open = Vec::new();
    let mut other = Vec::new();
    for (address, result) in seen {
        let facts = match result {
            Ok(facts) if facts.state == PortState::Open => {
                let time = Duration::from_micros(facts.connect_us);
                let outcome = Outcome::pass(format!("{place} accepts connections"))
                    .measure(Measure::duration("connect", time));
                open.push((address, outcome));
                continue;
            }
            Ok(facts) => facts,
            Err(error) => {
                let finding = Finding::unknown("not_seen", error.reason, error.message);
                let summary = format!("{place}: {}", finding.message);
                other.push((address, finding, summary));
                continue;
            }
        };
        let finding = not_open(&place, &facts);
        let summary = finding.message.clone();
        other.push((address, finding, summary));
    }
    if open.is_empty() || !settings.any_address {
        let bad = other
            .into_iter()
            .map(|(address, finding, summary)| (address, Outcome::judged(summary, vec![finding])));
        return worst_of(open.into_iter().chain(bad).collect());
    }
    let mut outcome = worst_of(open);
    for (address, finding, _) in other {
        let note = Finding::note(finding.code, finding.message).subject(address.to_string());
        outcome = outcome.finding(note);
    }
    outcome
}

/// The fault of a port that did not accept. The message names host and port: at start-up it is all that
/// people get to see.
pub(crate) fn not_open(place: &str, facts: &TcpFacts) -> Finding {
    match facts.state {
        PortState::Closed => Finding::fail("refused", format!("{place}: connection refused")).remedy(
            "start the service, or let it listen on this address (one that listens on loopback alone \
             refuses everybody else)",
        ),
        PortState::Unreachable => Finding::fail("unreachable", format!("{place} cannot be reached"))
            .remedy("look at the routes to this host, and whether it is up"),
        _ => {
            let waited = match facts.connect_us {
                0 => String::new(),
                us => format!(" within {} s", seconds(us)),
            };
            Finding::fail("no_answer", format!("{place}: no answer{waited}"))
                .remedy("look at the firewall and the security group before the host, and whether it is up")
        }
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub(crate) fn place(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// Microseconds as seconds with at most one decimal: `2`, `0.3`.
fn seconds(us: u64) -> String {
    let tenths = (us.saturating_add(50_000)) / 100_000;
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Reason, Target,
        fact::{DnsAnswer, DnsLookup, Endpoint, Family, LocalRoute, Route},
        testing::Facts,
    };

    use super::*;

    const ADDRESSES: [&str; 2] = ["192.0.2.1", "192.0.2.2"];

    fn key(address: &str) -> TcpConnect {
        let address = SocketAddr::new(address.parse().unwrap(), 5432);
        TcpConnect::new(Endpoint::new(address, "db.example.com", false))
    }

    fn facts(states: [PortState; 2]) -> Facts {
        let addresses = ADDRESSES.map(|address| address.parse().unwrap());
        let mut facts = Facts::new()
            .with(
                DnsLookup::address("db.example.com", Family::V4),
                DnsAnswer::of_addresses("db.example.com", &addresses, "test"),
            )
            .with(
                DnsLookup::address("db.example.com", Family::V6),
                DnsAnswer::of_addresses("db.example.com", &[], "test"),
            );
        for (address, state) in ADDRESSES.iter().zip(states) {
            let us = if state == PortState::Filtered {
                2_000_300
            } else {
                1_500
            };
            facts = facts
                .with(LocalRoute::new(address.parse().unwrap()), Route::new(true))
                .with(key(address), TcpFacts::new(state, us));
        }
        facts
    }

    fn judged(probe: &Tcp, facts: &Facts) -> Outcome {
        facts.judge(probe, &Target::parse("tcp://db.example.com:5432").unwrap())
    }

    #[test]
    fn an_open_port_passes_with_its_time() {
        let outcome = judged(&Tcp::default(), &facts([PortState::Open; 2]));
        assert!(outcome.status.is_pass());
        assert_eq!(outcome.summary, "db.example.com:5432 accepts connections");
        assert_eq!(outcome.measures[0].value, 1_500);
    }

    #[test]
    fn each_way_of_not_accepting_has_its_name() {
        for (state, code, message) in [
            (
                PortState::Closed,
                "refused",
                "db.example.com:5432: connection refused",
            ),
            (
                PortState::Filtered,
                "no_answer",
                "db.example.com:5432: no answer within 2 s",
            ),
            (
                PortState::Unreachable,
                "unreachable",
                "db.example.com:5432 cannot be reached",
            ),
        ] {
            let outcome = judged(&Tcp::default(), &facts([state; 2]));
            assert!(outcome.status.is_fail());
            assert_eq!(outcome.findings.len(), 1, "both addresses say the same");
            assert_eq!(
                (&*outcome.findings[0].code, &*outcome.findings[0].message),
                (code, message)
            );
            assert_eq!(outcome.summary, message);
        }
    }

    #[test]
    fn one_address_is_enough_unless_told_otherwise() {
        let mixed = facts([PortState::Closed, PortState::Open]);
        let outcome = judged(&Tcp::default(), &mixed);
        assert!(outcome.status.is_pass());
        assert!(outcome.findings[0].is_note());
        assert_eq!(outcome.findings[0].subject, "192.0.2.1:5432");
        let outcome = judged(&Tcp { any_address: false }, &mixed);
        assert!(outcome.status.is_fail());
        assert_eq!(outcome.findings[0].subject, "192.0.2.1");
    }

    #[test]
    fn an_address_without_a_route_is_named() {
        let one = facts([PortState::Open; 2])
            .with(LocalRoute::new(ADDRESSES[1].parse().unwrap()), Route::new(false));
        let outcome = judged(&Tcp::default(), &one);
        assert!(outcome.status.is_pass());
        let gap = &outcome.evidence[0];
        assert_eq!(
            (&*gap.label, &*gap.value),
            ("not looked at", "192.0.2.2 (no local route)")
        );
    }

    #[test]
    fn what_could_not_be_looked_at_is_unknown() {
        let error = || ObserveError::new(Reason::ERROR, "too many open files");
        let seen = vec![("192.0.2.1:5432".parse().unwrap(), Err(error()))];
        let outcome = judge(&Tcp::default(), "db", 5432, seen);
        assert!(outcome.status.is_unknown());
        assert_eq!(outcome.summary, "db:5432: too many open files");
    }

    #[test]
    fn places_and_times_read_well() {
        assert_eq!(place("::1", 80), "[::1]:80");
        assert_eq!(place("db", 80), "db:80");
        for (us, text) in [
            (2_000_000, "2"),
            (300_000, "0.3"),
            (1_949_999, "1.9"),
            (1_950_000, "2"),
            (1, "0"),
        ] {
            assert_eq!(seconds(us), text);
        }
    }
}
