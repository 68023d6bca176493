use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use futures_util::future::join;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo,
    fact::{DnsLookup, Family},
};

use super::{
    expected::{MOST_FINDINGS, list},
    own::{Look, summary},
    records::{nameservers, not_looked_up},
};
use crate::address::{Carried, carried, merge, special_use};

#[cfg(test)]
mod tests;

readiness_core::probe! {
    /// The world can reach every address of the name.
    ///
    /// # What it checks
    /// The A and AAAA records of the target's host, by the queries that every other probe shares, against the
    /// registries of special-purpose addresses; also the IPv4 addresses that others carry (mapped, 6to4, Teredo,
    /// translated).
    ///
    /// # Why it matters
    /// An address of an inner network in public records sends users nowhere, or to a machine of their own network
    /// that answers to the name, and it tells strangers how the inside is numbered.
    ///
    /// # How it is judged
    /// An address for private networks, one link, documentation, benchmarks, groups or the like fails. One of 6to4
    /// or Teredo warns: few reach it. An address that a resolver made up from an A record (DNS64) is told and does
    /// not count. A family that could not be looked up leaves it unknown.
    ///
    /// # How to fix
    /// Take the record out of the public zone; keep inner names in a zone that inner resolvers alone serve.
    pub struct DnsPublicAddresses {
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
    }
    id: "dns.public_addresses",
    title: "the world can reach every address of the name",
    priority: Info,
    references: [
        "RFC 6147 section 5.1" => "https://www.rfc-editor.org/rfc/rfc6147#section-5.1",
        "RFC 6890 section 2" => "https://www.rfc-editor.org/rfc/rfc6890#section-2",
        "IANA IPv4 special-purpose addresses" => "https://www.iana.org/assignments/iana-ipv4-special-registry",
        "IANA IPv6 special-purpose addresses" => "https://www.iana.org/assignments/iana-ipv6-special-registry",
    ],
}

#[async_trait]
impl Probe for DnsPublicAddresses {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        if cx.target().address().is_some() {
            return Ok(Outcome::not_applicable(format!(
                "`{host}` is an address: there is no name to look up"
            )));
        }
        let look = |family| async move {
            let key = DnsLookup::address(host, family).via(self.nameservers.clone());
            cx.observe(key).await.map(|answer| (*answer).clone())
        };
        let (v4, v6) = join(look(Family::V4), look(Family::V6)).await;
        Ok(judge(host, [&v4, &v6]))
    }
}

/// Judges what was said about the A and the AAAA records, in this order.
fn judge(host: &str, looks: [&Look; 2]) -> Outcome {
    let [v4, v6] = looks.map(Result::as_ref);
    let found = match merge(host, v4, v6) {
        Ok(found) => found,
        Err(cause) => return Outcome::dependency_failed(cause),
    };
    let mut findings: Vec<Finding> = found
        .iter()
        .filter_map(|address| judge_one(host, *address, &found))
        .collect();
    let more = findings.len().saturating_sub(MOST_FINDINGS);
    findings.truncate(MOST_FINDINGS);
    if more > 0 {
        let message = format!("{more} more addresses of `{host}` are told alike");
        findings.push(Finding::note("more_addresses", message));
    }
    for (kind, look) in ["A", "AAAA"].into_iter().zip([v4, v6]) {
        if let Some((reason, problem)) = not_looked_up(look) {
            let message = format!("the {kind} records of `{host}` could not be looked up: {problem}");
            findings.push(
                Finding::unknown("not_looked_up", reason, message)
                    .subject(kind)
                    .remedy("look at the nameserver, or name another one in `nameservers`"),
            );
        }
    }
    let noun = if found.len() == 1 { "address" } else { "addresses" };
    let otherwise = format!("{} public {noun}: {}", found.len(), list(&found));
    Outcome::judged(summary(&findings, otherwise), findings).evidence("addresses", list(&found))
}

fn judge_one(host: &str, address: IpAddr, all: &[IpAddr]) -> Option<Finding> {
    let inner = match address {
        IpAddr::V6(v6) => carried(v6),
        IpAddr::V4(_) => None,
    };
    // A resolver for a network without IPv4 makes them up from the A records (RFC 6147): they are not in the zone.
    if let Some(Carried::Translated(inner)) = inner
        && all.contains(&inner.into())
    {
        let message = format!("`{address}` was made by the resolver from the A record `{inner}` (DNS64)");
        return Some(Finding::note("made_by_resolver", message).subject(address.to_string()));
    }
    let special = special_use(address)?;
    let carries = match inner {
        Some(
            Carried::Mapped(v4) | Carried::SixToFour(v4) | Carried::Teredo(v4) | Carried::Translated(v4),
        ) => {
            format!(", and carries `{v4}`")
        }
        None => String::new(),
    };
    let (what, rfc) = (special.what, special.rfc);
    let finding = if special.is_relayed {
        let message = format!("`{host}` has the address `{address}`, {what} ({rfc}){carries}");
        Finding::warn("relayed_address", message)
    } else {
        let message = format!(
            "`{host}` has the address `{address}`, which the world cannot reach: it is {what} ({rfc}){carries}"
        );
        Finding::fail("special_purpose_address", message)
    };
    let finding = finding.subject(address.to_string());
    Some(finding.remedy(format!("take `{address}` out of the public records of `{host}`")))
}
