//! Nameservers of one's own: what is asked of them is not asked of others.

use std::net::SocketAddr;

use futures_util::future::join_all;
use readiness_core::{
    ObserveError, Outcome, ProbeContext, Reason,
    fact::{DnsAnswer, DnsLookup, RecordData, RecordType},
};

use super::{
    delegation::{Missing, addresses},
    records::not_looked_up,
};

/// The most nameservers that are asked.
const MOST_SERVERS: usize = 26;

pub(super) type Look = Result<DnsAnswer, ObserveError>;

/// Whom to ask, as the settings of a probe say it.
pub(super) struct Own<'a> {
    pub(super) nameservers: &'a [SocketAddr],
    pub(super) of_zone: bool,
    pub(super) port: u16,
}

/// One address of a nameserver.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) label: String,
    pub(super) address: SocketAddr,
}

/// Whom to ask, and what of it could not be found.
#[derive(Debug, Default)]
pub(super) struct Places {
    pub(super) all: Vec<Place>,
    /// Nameservers without an address, and why.
    pub(super) lost: Vec<(String, Reason, String)>,
    /// Addresses that no route leads to.
    pub(super) without_route: Vec<String>,
}

impl Own<'_> {
    /// What is wrong with these settings.
    pub(super) fn check(&self, what: &str) -> Result<(), String> {
        match (self.nameservers.is_empty(), self.of_zone) {
            (true, false) => Err(format!(
                "`nameservers` is not given: {what} is asked of your own nameservers alone; name them, or set \
                 `own_nameservers = true` where all nameservers of the zone are yours"
            )),
            (false, true) => {
                Err("`nameservers` and `own_nameservers` are given: which of them are to be asked?".into())
            }
            _ if self.port == 0 => Err("`port` is 0, expected the port of the zone's nameservers".into()),
            _ if self.nameservers.len() > MOST_SERVERS => Err(format!(
                "`nameservers` holds {} addresses, expected at most {MOST_SERVERS}",
                self.nameservers.len()
            )),
            _ => Ok(()),
        }
    }

    /// The nameservers given, or those that the zone names.
    ///
    /// # Errors
    /// The outcome where there is none.
    pub(super) async fn places(&self, cx: &ProbeContext, zone: &str) -> Result<Places, Box<Outcome>> {
        if !self.nameservers.is_empty() {
            let all = self.nameservers.iter().map(|address| Place {
                label: address.to_string(),
                address: *address,
            });
            return Ok(Places {
                all: all.collect(),
                ..Places::default()
            });
        }
        let key = DnsLookup::new(zone, RecordType::Ns);
        let look = cx.observe(key).await;
        let unknown = |reason, message| Box::new(Outcome::unknown(reason, message));
        let answer = match (not_looked_up(look.as_deref()), &look) {
            (None, Ok(answer)) => answer,
            (_, Err(e)) => return Err(Box::new(crate::address::not_seen(e))),
            (problem, _) => {
                let (reason, problem) = problem.unwrap_or((Reason::ERROR, "no answer".to_owned()));
                let message = format!("the nameservers of `{zone}` could not be looked up: {problem}");
                return Err(unknown(reason, message));
            }
        };
        let mut names: Vec<&str> = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                // Behind an alias stand the nameservers of another zone.
                RecordData::Ns(name) if record.name == zone => Some(name.as_str()),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        names.truncate(MOST_SERVERS);
        if names.is_empty() {
            let message = format!(
                "`{zone}` has no NS records, says {}; set `zone`",
                answer.answered_by
            );
            return Err(unknown(Reason::DNS_NODATA, message));
        }
        let found = names
            .into_iter()
            .map(|name| async move { (name, addresses(cx, name, Vec::new()).await) });
        let mut places = Places::default();
        for (name, found) in join_all(found).await {
            match found {
                Ok((routed, unrouted)) => {
                    places.all.extend(routed.into_iter().map(|ip| {
                        let address = SocketAddr::new(ip, self.port);
                        Place {
                            label: format!("{name} ({address})"),
                            address,
                        }
                    }));
                    places
                        .without_route
                        .extend(unrouted.iter().map(ToString::to_string));
                }
                Err(Missing::Unknown(reason, problem)) => {
                    places.lost.push((name.to_owned(), reason, problem))
                }
                Err(_) => {
                    let problem = "it has no address of its own".to_owned();
                    places.lost.push((name.to_owned(), Reason::DNS_NODATA, problem));
                }
            }
        }
        places.all.truncate(MOST_SERVERS);
        if places.all.is_empty() {
            let (reason, problem) = match places.lost.pop() {
                Some((name, reason, problem)) => (reason, format!("`{name}`: {problem}")),
                None => (Reason::NO_ROUTE, "this machine has no route to any".to_owned()),
            };
            return Err(unknown(
                reason,
                format!("no nameserver of `{zone}` could be found: {problem}"),
            ));
        }
        Ok(places)
    }
}

impl Places {
    /// Says with an outcome which nameservers were not asked.
    pub(super) fn noted_in(&self, outcome: Outcome) -> Outcome {
        if self.without_route.is_empty() {
            return outcome;
        }
        let shown = format!("{} (no local route)", self.without_route.join(", "));
        outcome.evidence(crate::address::NOT_LOOKED_AT, shown)
    }
}

/// The zone of the settings, or the target's host; `None` where that is an address.
pub(super) fn zone_of(cx: &ProbeContext, zone: Option<&str>) -> Option<String> {
    let name = match zone {
        Some(zone) => zone,
        None if cx.target().address().is_some() => return None,
        None => cx.target().host(),
    };
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

/// The gist of several findings: the first fault, and how many more there are.
pub(super) fn summary(findings: &[readiness_core::Finding], otherwise: String) -> String {
    let mut worst = findings.iter().filter(|finding| !finding.is_note());
    match (worst.next(), worst.count()) {
        (None, _) => otherwise,
        (Some(finding), 0) => finding.message.clone(),
        (Some(finding), more) => format!("{}; {more} more", finding.message),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use readiness_core::{Finding, Status};

    use super::*;

    /// A finding in a few words: `transfer_not_told unknown (dns.silent)`.
    pub(in crate::dns) fn told(finding: &Finding) -> String {
        let said = format!("{} {}", finding.code, finding.status.word());
        match &finding.status {
            Status::Unknown { reason, .. } => format!("{said} ({reason})"),
            _ => said,
        }
    }

    #[test]
    fn nobody_is_asked_unless_named() {
        let one = ["192.0.2.53:53".parse().unwrap()];
        let many = vec![one[0]; 27];
        let own = |nameservers, of_zone, port| Own {
            nameservers,
            of_zone,
            port,
        };
        assert_eq!(own(&one, false, 53).check("x"), Ok(()));
        assert_eq!(own(&many[..26], false, 53).check("x"), Ok(()));
        assert_eq!(own(&[], true, 53).check("x"), Ok(()));
        for (wrong, words) in [
            (own(&[], false, 53), "x is asked of your own nameservers alone"),
            (own(&one, true, 53), "which of them"),
            (own(&[], true, 0), "`port` is 0"),
            (own(&many, false, 53), "at most 26"),
        ] {
            let error = wrong.check("x").unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }
}
