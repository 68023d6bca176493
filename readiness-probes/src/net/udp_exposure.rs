mod inside;
mod judge;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use futures_util::future::join_all;
use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Endpoint, PortSet, PortState, TcpConnect, UdpAsk, UdpFacts, UdpProtocol, UdpState, UdpSweep},
};

use super::inside_view::{Inside, Mode, look_inside};
use crate::address::{Addresses, addresses, worst_of};

readiness_core::probe! {
    /// Only the allowed UDP services answer.
    ///
    /// # What it checks
    /// It sends one harmless question of its protocol to each port of a list, on each address of the
    /// target, and again where nothing comes back: what time it is (NTP), the SOA record of the root
    /// (DNS), `stats` (memcached), `sysDescr` for the community `public` (SNMP), and their like. Nothing is
    /// changed. An answer means open, ICMP "port unreachable" closed; silence means open or filtered, and is
    /// never called closed. From inside (`mode`) it reads which UDP sockets of this machine wait on those
    /// ports, where the target is this machine.
    ///
    /// # Why it matters
    /// What answers over UDP answers whoever a packet claims to come from. memcached, NTP, SNMP and LDAP
    /// were turned into floods a thousand times the size of the question, against third parties; the owner
    /// of the server pays and is blocked. Some give their data away as well.
    ///
    /// # How it is judged
    /// An answer from a port that is not allowed fails; so does a required port that does not answer, and
    /// an SNMP agent that knows the community `public`. An allowed service whose answer is more than
    /// `max_amplification` times as long as the question warns. Where neither a UDP port nor the target's own
    /// TCP port gives a sign, nothing is told, and the outcome is unknown. Many hosts send few ICMP
    /// messages a second, so a closed port may be told as "open or filtered".
    ///
    /// # How to fix
    /// Let the service listen on loopback or on an inner address, switch its UDP off (`-U 0` for
    /// memcached), or close the port in the firewall. If it is meant to answer, add it to `allowed`.
    pub struct UdpExposure {
        /// The ports that may answer, as `[53, 123]`. Default: none.
        pub allowed: PortSet = PortSet::default(),
        /// The ports that must answer; each of them must be allowed too. Default: none.
        pub required: PortSet = PortSet::default(),
        /// The ports that are asked beside those above. Default: 19, 53, 69, 111, 123, 137, 161, 389, 1900,
        /// 5353, 5683, 11211.
        pub ports: PortSet = usual_ports(),
        /// The protocols of ports where they are not the usual ones, as `{ 5300 = "dns" }`: `chargen`,
        /// `coap`, `dns`, `ldap`, `mdns`, `memcached`, `netbios`, `ntp`, `ntp_monlist`, `portmapper`,
        /// `snmp`, `ssdp` or `tftp`. Default: none.
        pub protocols: BTreeMap<u16, UdpProtocol> = BTreeMap::new(),
        /// How many times as long as its question an answer may be. Default: 10.
        pub max_amplification: u32 = 10,
        /// Where it is looked from: `outside` (questions), `inside` (the socket table of this machine), or
        /// `both`. Default: `outside`.
        pub mode: Mode = Mode::Outside,
    }
    id: "net.udp_exposure",
    title: "only the allowed UDP services answer",
    priority: Info,
    timeout_seconds: 30,
    references: [
        "RFC 1122 section 3.2.2.1, port unreachable" => "https://www.rfc-editor.org/rfc/rfc1122#section-3.2.2.1",
        "CISA TA14-017A, UDP-based amplification attacks" => "https://www.cisa.gov/news-events/alerts/2014/01/17/udp-based-amplification-attacks",
    ],
}

fn usual_ports() -> PortSet {
    UdpProtocol::ALL.iter().map(|(port, _)| *port).collect()
}

impl UdpExposure {
    /// Whether the settings make sense together.
    ///
    /// # Errors
    /// Where a required port is not allowed, and where no question is known for a port. The ports are
    /// named.
    pub fn check(&self) -> Result<(), String> {
        let missing = self.required.iter().filter(|port| !self.allowed.contains(*port));
        let missing: PortSet = missing.collect();
        if !missing.is_empty() {
            return Err(format!(
                "port {missing} stands in `required` and not in `allowed`; add it to `allowed`"
            ));
        }
        let asked = self.ports.union(&self.required);
        let unknown: PortSet = asked
            .iter()
            .filter(|port| self.questions(*port).is_empty())
            .collect();
        if !unknown.is_empty() {
            return Err(format!(
                "no question is known for port {unknown}; name its protocol, such as `protocols = {{ 5300 = \
                 \"dns\" }}`"
            ));
        }
        if self.protocols.contains_key(&0) {
            return Err("`protocols` names port 0; ports are 1 to 65535".to_owned());
        }
        if self.asks().is_empty() {
            return Err("no port is asked; name some in `ports`".to_owned());
        }
        Ok(())
    }

    /// What is asked at a port.
    fn questions(&self, port: u16) -> Vec<UdpProtocol> {
        match self.protocols.get(&port) {
            Some(protocol) => vec![*protocol],
            None => UdpProtocol::ALL
                .iter()
                .filter(|(usual, _)| *usual == port)
                .map(|(_, protocol)| *protocol)
                .collect(),
        }
    }

    /// All questions, by port. Allowed ports are asked too, where there is a question: their answers may be
    /// too long.
    fn asks(&self) -> Vec<UdpAsk> {
        let ports = self.ports.union(&self.required).union(&self.allowed);
        let asks = ports.iter().flat_map(|port| {
            self.questions(port)
                .into_iter()
                .map(move |protocol| UdpAsk::new(port, protocol))
        });
        asks.collect()
    }
}

#[async_trait]
impl Probe for UdpExposure {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        self.check()
            .map_err(|problem| ProbeError::unknown(Reason::ERROR, problem))?;
        let found = addresses(cx).await?;
        let found = &found;
        let looks = found.reachable.iter().map(|&address| async move {
            let seen = self.look(cx, found, address).await?;
            Ok((found.at(address, cx.target().port()), self.judge(address, &seen)))
        });
        let outcomes: Result<Vec<_>, ProbeError> = join_all(looks).await.into_iter().collect();
        Ok(found.noted_in(worst_of(outcomes?)))
    }
}

/// What was seen of one address.
struct Seen {
    /// From outside, unless it was not asked for; and whether the host is there although all is silent.
    outside: Option<(Arc<UdpFacts>, bool)>,
    /// From inside, unless it was not asked for.
    inside: Option<Inside>,
}

impl UdpExposure {
    async fn look(&self, cx: &ProbeContext, found: &Addresses, address: IpAddr) -> Result<Seen, ProbeError> {
        let outside = match self.mode {
            Mode::Inside => None,
            Mode::Both | Mode::Outside => {
                let mut key = UdpSweep::new(address, self.asks());
                key.scope_id = found.scope_id;
                let facts = cx.observe(key).await?;
                let gave_a_sign = facts
                    .answers
                    .iter()
                    .any(|answer| matches!(answer.state, UdpState::Answered | UdpState::Closed));
                let is_there = gave_a_sign || answers_over_tcp(cx, found, address).await;
                Some((facts, is_there))
            }
        };
        let inside = match self.mode {
            Mode::Outside => None,
            Mode::Both | Mode::Inside => Some(look_inside(cx, address).await),
        };
        Ok(Seen { outside, inside })
    }

    fn judge(&self, address: IpAddr, seen: &Seen) -> Outcome {
        let table = match &seen.inside {
            Some(Inside::Table(table)) => Some(&**table),
            _ => None,
        };
        let outcome = match (&seen.outside, table) {
            (Some((facts, is_there)), table) => judge::judge(self, address, facts, *is_there, table),
            (None, Some(table)) => return inside::judge(self, address, table),
            (None, None) => return inside::not_seen(address, seen.inside.as_ref()),
        };
        match &seen.inside {
            Some(Inside::Elsewhere) => {
                outcome.evidence("inside", "not looked at: the address is none of this machine")
            }
            Some(Inside::Failed(error)) => outcome.finding(inside::failed(error)),
            _ => outcome,
        }
    }
}

/// Whether the target's own port gives a sign of life.
async fn answers_over_tcp(cx: &ProbeContext, found: &Addresses, address: IpAddr) -> bool {
    let target = cx.target();
    let endpoint = Endpoint::new(found.at(address, target.port()), target.host(), false);
    cx.observe(TcpConnect::new(endpoint))
        .await
        .is_ok_and(|facts| matches!(facts.state, PortState::Open | PortState::Closed))
}
