use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{DnsAnswer, DnsResult, RecordData},
};

pub(super) use self::look::addresses;
use super::records::{nameservers, not_looked_up};

mod child;
mod look;
mod parent;
#[cfg(test)]
mod tests;

readiness_core::probe! {
    /// The zone is delegated to nameservers that serve it.
    ///
    /// # What it checks
    /// The nameservers of the parent zone are asked where the zone is, and each nameserver they name is asked
    /// for the zone's SOA over UDP and over TCP and for its NS records, without recursion. Every address is
    /// asked by itself.
    ///
    /// # Why it matters
    /// A nameserver that does not serve the zone makes some look-ups slow and some fail, and it is seen only
    /// when the other one is down. A server with an old copy of the zone sends users to old machines.
    ///
    /// # How it is judged
    /// A zone that the parent does not delegate fails. So does one with fewer than `min_nameservers` names or
    /// distinct addresses, and every server that is silent, refuses, fails, or answers without authority
    /// (lame), over either transport. The NS records of the parent and of each server must be the same, and no
    /// NS may be an alias. Different serials warn, and so do SOA timers outside what is recommended: `refresh`
    /// of 14400 s at least, `retry` of 3600 s at least and below `refresh`, `expire` of 604800 s at least,
    /// negative answers kept for 300 to 86400 s. An alias at the apex of the zone fails.
    ///
    /// # How to fix
    /// Make the zone the same on every nameserver, and the NS records at the registrar the same as in the zone.
    pub struct DnsDelegation {
        /// The zone, as an absolute name. Default: the target's host.
        pub zone: Option<String> = None,
        /// The nameservers of the parent zone, as `192.0.2.53` or `192.0.2.53:5353`. Default: those that the
        /// machine's nameservers know.
        #[serde(deserialize_with = "nameservers")]
        pub parents: Vec<SocketAddr> = Vec::new(),
        /// The port of the zone's nameservers. Default: 53.
        pub port: u16 = 53,
        /// The fewest nameservers, and the fewest distinct addresses of them. Default: 2.
        pub min_nameservers: usize = 2,
        /// How long one try may take, in milliseconds; the source may allow less. Default: 1000.
        pub attempt_ms: u32 = 1_000,
    }
    id: "dns.delegation",
    title: "the zone is delegated to nameservers that serve it",
    priority: Medium,
    references: [
        "RFC 1034 section 4.2" => "https://www.rfc-editor.org/rfc/rfc1034#section-4.2",
        "RFC 1912 section 2.2" => "https://www.rfc-editor.org/rfc/rfc1912#section-2.2",
        "RFC 2181 section 10.3" => "https://www.rfc-editor.org/rfc/rfc2181#section-10.3",
        "RFC 2182 section 5" => "https://www.rfc-editor.org/rfc/rfc2182#section-5",
        "RFC 7766 section 5" => "https://www.rfc-editor.org/rfc/rfc7766#section-5",
    ],
}

impl DnsDelegation {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.port == 0 {
            return Err("`port` is 0, expected the port of the zone's nameservers".into());
        }
        if self.min_nameservers == 0 {
            return Err("`min_nameservers` is 0, expected at least 1".into());
        }
        if self.attempt_ms == 0 {
            return Err("`attempt_ms` is 0, expected at least 1".into());
        }
        match &self.zone {
            Some(zone) if zone.trim_end_matches('.').is_empty() => {
                Err("`zone` is empty, expected a name such as `example.com`".into())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Probe for DnsDelegation {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        let zone = match &self.zone {
            Some(zone) => zone.trim_end_matches('.').to_ascii_lowercase(),
            None if cx.target().address().is_some() => {
                return Ok(Outcome::not_applicable(format!(
                    "`{host}` is an address, and no zone"
                )));
            }
            None => host.to_ascii_lowercase(),
        };
        let seen = look::look(cx, self, &zone).await;
        Ok(judge(self, &zone, &seen))
    }
}

/// A look, owned, so that a judgement needs nothing else.
type Look = Result<DnsAnswer, ObserveError>;

/// What was seen of a delegation.
#[derive(Debug, Default)]
struct Seen {
    /// What each nameserver of the parent said.
    parents: Vec<(SocketAddr, Look)>,
    /// Why there is none to ask.
    no_parents: Option<ObserveError>,
    /// What each address of the zone's nameservers said.
    servers: Vec<Server>,
    /// Nameservers whose address could not be found, and why.
    without_address: Vec<(String, Missing)>,
    /// Addresses that no route leads to.
    without_route: Vec<IpAddr>,
}

/// Why a nameserver has no address.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    /// It is an alias of this name.
    Alias(String),
    /// The nameservers say so.
    None,
    /// It could not be looked up.
    Unknown(Reason, String),
}

/// One address of one nameserver.
#[derive(Debug)]
struct Server {
    name: String,
    address: SocketAddr,
    soa_udp: Look,
    soa_tcp: Look,
    ns: Look,
}

impl Server {
    fn label(&self) -> String {
        format!("{} ({})", self.name, self.address)
    }
}

fn judge(settings: &DnsDelegation, zone: &str, seen: &Seen) -> Outcome {
    let delegation = match parent::judge(zone, seen) {
        Ok(delegation) => delegation,
        Err(outcome) => return *outcome,
    };
    let names = delegation.names;
    let mut findings = delegation.findings;
    findings.extend(too_few(settings, zone, &names, seen));
    findings.extend(
        seen.without_address
            .iter()
            .map(|(name, missing)| unreachable(name, missing)),
    );
    findings.extend(
        seen.servers
            .iter()
            .flat_map(|server| child::judge_server(zone, server)),
    );
    findings.extend(child::compare(zone, &names, &seen.servers));
    let outcome =
        Outcome::judged(summary(&names, seen, &findings), findings).evidence("nameservers", names.join(", "));
    let outcome = seen.servers.iter().fold(outcome, |outcome, server| {
        outcome.evidence(server.label(), child::said(server))
    });
    if seen.without_route.is_empty() {
        return outcome;
    }
    let shown: Vec<String> = seen.without_route.iter().map(ToString::to_string).collect();
    outcome.evidence(
        crate::address::NOT_LOOKED_AT,
        format!("{} (no local route)", shown.join(", ")),
    )
}

fn too_few(settings: &DnsDelegation, zone: &str, names: &[String], seen: &Seen) -> Vec<Finding> {
    let least = settings.min_nameservers;
    let mut findings = Vec::new();
    if names.len() < least {
        let message = format!(
            "`{zone}` should have at least {least} nameservers, and the parent names {}: {}",
            names.len(),
            names.join(", ")
        );
        findings.push(
            Finding::fail("too_few_nameservers", message)
                .remedy("add another nameserver, in another network, at the registrar and in the zone"),
        );
        return findings;
    }
    let mut addresses: Vec<IpAddr> = seen.servers.iter().map(|server| server.address.ip()).collect();
    addresses.extend(&seen.without_route);
    addresses.sort_unstable();
    addresses.dedup();
    let is_open = seen
        .without_address
        .iter()
        .any(|(_, missing)| matches!(missing, Missing::Unknown(..)));
    if addresses.len() < least && !is_open {
        let shown: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let message = format!(
            "the {} nameservers of `{zone}` should have at least {least} distinct addresses, and have {}: {}",
            names.len(),
            addresses.len(),
            if shown.is_empty() {
                "none".to_owned()
            } else {
                shown.join(", ")
            }
        );
        findings.push(
            Finding::fail("too_few_addresses", message)
                .remedy("give each nameserver a machine and an address of its own"),
        );
    }
    findings
}

fn unreachable(name: &str, missing: &Missing) -> Finding {
    let finding = match missing {
        // RFC 2181, section 10.3.
        Missing::Alias(to) => Finding::fail(
            "nameserver_is_alias",
            format!("the nameserver `{name}` is an alias of `{to}`; it must have addresses itself"),
        )
        .remedy(format!(
            "name `{to}` in the NS records, or give `{name}` addresses"
        )),
        Missing::None => Finding::fail(
            "nameserver_without_address",
            format!("the nameserver `{name}` has no address"),
        )
        .remedy(format!(
            "add an A record to `{name}`, or take it out of the NS records"
        )),
        Missing::Unknown(reason, problem) => Finding::unknown(
            "nameserver_not_looked_up",
            reason.clone(),
            format!("the nameserver `{name}` could not be looked up: {problem}"),
        )
        .remedy("look at this machine's nameservers"),
    };
    finding.subject(name)
}

fn summary(names: &[String], seen: &Seen, findings: &[Finding]) -> String {
    let mut worst = findings.iter().filter(|finding| !finding.is_note());
    let serial = seen
        .servers
        .iter()
        .find_map(|server| match child::soa(&server.soa_udp) {
            Some(RecordData::Soa { serial, .. }) => Some(*serial),
            _ => None,
        });
    let count = seen.servers.len();
    let addresses = if count == 1 { "address" } else { "addresses" };
    match (worst.next(), worst.count(), serial) {
        (Some(finding), 0, _) => finding.message.clone(),
        (Some(finding), more, _) => format!("{}; {more} more", finding.message),
        (None, _, Some(serial)) => {
            format!(
                "{} nameservers, {count} {addresses}, serial {serial}",
                names.len()
            )
        }
        (None, _, None) => format!("{} nameservers, {count} {addresses}", names.len()),
    }
}

/// What keeps a look from being an answer, in words.
fn problem(look: &Look) -> Option<(Reason, String)> {
    not_looked_up(look.as_ref())
}

fn has_records(look: &Look) -> Option<&DnsAnswer> {
    look.as_ref()
        .ok()
        .filter(|answer| answer.result == DnsResult::Records)
}
