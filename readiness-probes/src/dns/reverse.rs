use std::{
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo,
    fact::{DnsAnswer, DnsLookup, Family, RecordData, RecordType},
};

use super::{
    own::{Look, summary},
    records::{nameservers, not_looked_up},
};
use crate::address::{MOST_ADDRESSES, merge};

#[cfg(test)]
mod tests;

/// The most names of one address that are looked up.
const MOST_NAMES: usize = 8;

readiness_core::probe! {
    /// The addresses lead back to names that lead to them.
    ///
    /// # What it checks
    /// For each address of the target's host the PTR records, and for each name in them its addresses.
    ///
    /// # Why it matters
    /// Mail servers refuse mail from addresses without a name that is confirmed, and logs and access lists that
    /// hold names are only as good as these records.
    ///
    /// # How it is judged
    /// An address without a PTR record warns. One whose names do not lead back to it fails. With `must_name_host`
    /// one of its names must be the target's host.
    ///
    /// # How to fix
    /// Set the PTR record where the address comes from, at the provider of the machine, to a name whose A or AAAA
    /// record holds that address.
    pub struct DnsReverse {
        /// Whether the name of each address must be the target's host. Default: false.
        pub must_name_host: bool = false,
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
    }
    id: "dns.reverse",
    title: "the addresses lead back to names that lead to them",
    priority: Info,
    references: [
        "RFC 1035 section 3.5" => "https://www.rfc-editor.org/rfc/rfc1035#section-3.5",
        "RFC 1912 section 2.1" => "https://www.rfc-editor.org/rfc/rfc1912#section-2.1",
        "RFC 3596 section 2.5" => "https://www.rfc-editor.org/rfc/rfc3596#section-2.5",
    ],
}

#[async_trait]
impl Probe for DnsReverse {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let host = cx.target().host();
        let ask = |key: DnsLookup| async move {
            let key = key.via(self.nameservers.clone());
            cx.observe(key).await.map(|answer| (*answer).clone())
        };
        let addresses = match cx.target().address() {
            Some(address) => vec![address],
            None => {
                let look = |family| ask(DnsLookup::address(host, family));
                let (v4, v6) = join(look(Family::V4), look(Family::V6)).await;
                match merge(host, v4.as_ref(), v6.as_ref()) {
                    Ok(addresses) => addresses,
                    Err(cause) => return Ok(Outcome::dependency_failed(cause)),
                }
            }
        };
        let seen = addresses.iter().take(MOST_ADDRESSES).map(|&address| async move {
            let ptr = ask(DnsLookup::new(&reverse_name(address), RecordType::Ptr)).await;
            let names = ptr.as_ref().map(names).unwrap_or_default();
            let forward = names.into_iter().map(|name| async move {
                let look = ask(DnsLookup::address(&name, Family::of(address))).await;
                (name, look)
            });
            Seen {
                address,
                forward: join_all(forward).await,
                ptr,
            }
        });
        let seen = join_all(seen).await;
        let left_out = addresses.len().saturating_sub(MOST_ADDRESSES);
        Ok(judge(self, host, &seen, left_out))
    }
}

/// One address, its names, and what they lead to.
struct Seen {
    address: IpAddr,
    ptr: Look,
    forward: Vec<(String, Look)>,
}

/// The name under which the names of an address stand.
fn reverse_name(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(v6) => {
            let mut name = v6.octets().iter().rev().fold(String::new(), |mut name, byte| {
                let _ = write!(name, "{:x}.{:x}.", byte & 0xf, byte >> 4);
                name
            });
            name.push_str("ip6.arpa");
            name
        }
    }
}

fn names(answer: &DnsAnswer) -> Vec<String> {
    let all = answer.records.iter().filter_map(|record| match &record.data {
        RecordData::Ptr(name) => Some(name.clone()),
        _ => None,
    });
    all.take(MOST_NAMES).collect()
}

fn judge(settings: &DnsReverse, host: &str, seen: &[Seen], left_out: usize) -> Outcome {
    let findings: Vec<Finding> = seen
        .iter()
        .filter_map(|seen| judge_one(settings, host, seen))
        .collect();
    let named = seen.first().and_then(|seen| seen.forward.first());
    let otherwise = match (seen.len(), named) {
        (1, Some((name, _))) => format!("`{name}` leads there and back"),
        (count, _) => format!("{count} addresses lead to names and back"),
    };
    let outcome = Outcome::judged(summary(&findings, otherwise), findings);
    let outcome = seen.iter().fold(outcome, |outcome, seen| {
        let names: Vec<&str> = seen.forward.iter().map(|(name, _)| name.as_str()).collect();
        let names = if names.is_empty() {
            "no name".to_owned()
        } else {
            names.join(", ")
        };
        outcome.evidence(seen.address.to_string(), names)
    });
    match left_out {
        0 => outcome,
        more => outcome.evidence(
            crate::address::NOT_LOOKED_AT,
            format!("{more} more addresses (at most {MOST_ADDRESSES} are)"),
        ),
    }
}

fn judge_one(settings: &DnsReverse, host: &str, seen: &Seen) -> Option<Finding> {
    let address = seen.address;
    let subject = address.to_string();
    let unknown = |reason, message| {
        Finding::unknown("not_looked_up", reason, message)
            .subject(subject.as_str())
            .remedy("look at the nameserver, or name another one in `nameservers`")
    };
    if let Some((reason, problem)) = not_looked_up(seen.ptr.as_ref()) {
        let message = format!("the name of `{address}` could not be looked up: {problem}");
        return Some(unknown(reason, message));
    }
    if seen.forward.is_empty() {
        let message = format!("`{address}` has no name: there is no PTR record");
        return Some(
            Finding::warn("no_reverse_name", message)
                .subject(subject.as_str())
                .remedy(format!(
                    "set the PTR record of `{address}` to a name that leads to it"
                )),
        );
    }
    let leads_back = |look: &Look| {
        look.as_ref()
            .is_ok_and(|answer| answer.addresses().contains(&address))
    };
    let shown: Vec<&str> = seen.forward.iter().map(|(name, _)| name.as_str()).collect();
    if !seen.forward.iter().any(|(_, look)| leads_back(look)) {
        let lost = seen
            .forward
            .iter()
            .find_map(|(_, look)| not_looked_up(look.as_ref()));
        if let Some((reason, problem)) = lost {
            let message = format!(
                "whether `{}` leads back to `{address}` is not known: {problem}",
                shown.join("`, `")
            );
            return Some(unknown(reason, message));
        }
        let message = format!(
            "`{address}` has the name `{}`, which does not lead back to it",
            shown.join("`, `")
        );
        let finding = Finding::fail("reverse_not_confirmed", message).subject(subject.as_str());
        return Some(finding.remedy(format!(
            "give that name an address record with `{address}`, or set the PTR record to a name that has one"
        )));
    }
    let is_host = |(name, look): &(String, Look)| name.eq_ignore_ascii_case(host) && leads_back(look);
    (settings.must_name_host && !seen.forward.iter().any(is_host)).then(|| {
        let message = format!(
            "`{address}` has the name `{}`, expected `{host}`",
            shown.join("`, `")
        );
        Finding::fail("reverse_names_another", message)
            .subject(subject.as_str())
            .remedy(format!("set the PTR record of `{address}` to `{host}`"))
    })
}
