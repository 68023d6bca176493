use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    net::SocketAddr,
};

use async_trait::async_trait;
use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{DnsAnswer, DnsLookup, DnsResult, RecordType},
};

use super::{
    own::{Look, summary, zone_of},
    records::nameservers,
};

#[cfg(test)]
mod tests;

/// The most nameservers, and the most types: together they are the questions that are asked.
const MOST_SERVERS: usize = 32;
const MOST_TYPES: usize = 8;

readiness_core::probe! {
    /// Several nameservers give the same answer.
    ///
    /// # What it checks
    /// Each nameserver in `nameservers`, resolvers or the zone's own, is asked for each type of records of the
    /// name.
    ///
    /// # Why it matters
    /// After a change some resolvers still give the old records, and a server that was forgotten gives them for
    /// ever: some users then reach a machine that is gone, and nobody who looks from elsewhere sees it.
    ///
    /// # How it is judged
    /// The records are compared as sets; their order and time to live do not matter. Servers that say something
    /// else fail, each named with what it says: other records, no record (NODATA), no such name (NXDOMAIN), a
    /// failure (SERVFAIL), a refusal. A server that is silent leaves it unknown for that one. Where all of them
    /// fail or refuse, nothing is known. Names that give each asker other addresses, as of a large network, do
    /// not agree and are no case for this probe.
    ///
    /// # How to fix
    /// Wait for the time to live of the old records; then look at the server that differs: its zone transfer,
    /// its cache, its view.
    pub struct DnsAgreement {
        /// The nameservers to compare, two at least, as `192.0.2.53` or `192.0.2.53:5353`.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
        /// The name, absolute. Default: the target's host.
        pub name: Option<String> = None,
        /// The types of records. Default: `A` and `AAAA`.
        pub types: Vec<RecordType> = vec![RecordType::A, RecordType::Aaaa],
        /// Whether to ask each for what it knows itself, as the nameservers of a zone; otherwise each may ask
        /// others, as a resolver. Default: false.
        pub authoritative: bool = false,
    }
    id: "dns.agreement",
    title: "several nameservers give the same answer",
    priority: Info,
    references: [
        "RFC 1034 section 4.3.5" => "https://www.rfc-editor.org/rfc/rfc1034#section-4.3.5",
        "RFC 2308 section 2" => "https://www.rfc-editor.org/rfc/rfc2308#section-2",
    ],
}

impl DnsAgreement {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        let servers = self.nameservers.len();
        if !(2..=MOST_SERVERS).contains(&servers) {
            return Err(format!(
                "`nameservers` holds {servers} addresses, expected 2 to {MOST_SERVERS} to compare"
            ));
        }
        if !(1..=MOST_TYPES).contains(&self.types.len()) {
            return Err(format!(
                "`types` holds {} types, expected 1 to {MOST_TYPES}",
                self.types.len()
            ));
        }
        let mut seen = HashSet::new();
        if let Some(twice) = self.nameservers.iter().find(|server| !seen.insert(**server)) {
            return Err(format!("`nameservers` holds `{twice}` twice"));
        }
        // AXFR, MAILB, MAILA and ANY ask for more than one type, and for more than a look.
        if let Some(RecordType::Other(kind @ 251..=255)) = self
            .types
            .iter()
            .find(|kind| matches!(kind, RecordType::Other(251..=255)))
        {
            return Err(format!(
                "`types` holds `TYPE{kind}`, which is no type of one record"
            ));
        }
        match &self.name {
            Some(name) if name.trim_end_matches('.').is_empty() => {
                Err("`name` is empty, expected a name such as `www.example.com`".into())
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Probe for DnsAgreement {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let Some(name) = zone_of(cx, self.name.as_deref()) else {
            let host = cx.target().host();
            return Ok(Outcome::not_applicable(format!(
                "`{host}` is an address: there is no name to compare"
            )));
        };
        let ask = |kind: RecordType, server: SocketAddr| {
            let key = DnsLookup::new(&name, kind);
            let key = if self.authoritative {
                key.directly(server)
            } else {
                key.via(vec![server])
            };
            async move { (server, cx.observe(key).await.map(|answer| (*answer).clone())) }
        };
        let by_type = self.types.iter().map(|&kind| async move {
            let looks = self.nameservers.iter().map(|server| ask(kind, *server));
            (kind, join_all(looks).await)
        });
        let seen = join_all(by_type).await;
        Ok(judge(&name, &seen))
    }
}

type Looks = Vec<(SocketAddr, Look)>;

/// What a server said, so far as it can be compared. The greatest is the one that tells most.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Said {
    Failure(String),
    NoData,
    NxDomain,
    Records(BTreeSet<String>),
}

impl Said {
    fn of(kind: RecordType, answer: &DnsAnswer) -> Self {
        match &answer.result {
            DnsResult::NoData => Self::NoData,
            DnsResult::NxDomain => Self::NxDomain,
            DnsResult::Rcode(code) => Self::Failure(format!("the response code {code}")),
            DnsResult::Referral => Self::Failure("a referral to other nameservers".to_owned()),
            DnsResult::Refused => Self::Failure("REFUSED".to_owned()),
            DnsResult::ServFail => Self::Failure("SERVFAIL".to_owned()),
            _ => {
                let data = answer.records.iter().map(|record| &record.data);
                Self::Records(
                    data.filter(|data| data.is_of(kind))
                        .map(ToString::to_string)
                        .collect(),
                )
            }
        }
    }

    fn shown(&self) -> String {
        const MOST_SHOWN: usize = 4;
        match self {
            Self::Failure(what) => what.clone(),
            Self::NoData => "no record (NODATA)".to_owned(),
            Self::NxDomain => "no such name (NXDOMAIN)".to_owned(),
            Self::Records(all) => {
                let cut = |text: &String| format!("`{}`", text.chars().take(60).collect::<String>());
                let mut shown: Vec<String> = all.iter().take(MOST_SHOWN).map(cut).collect();
                if all.len() > MOST_SHOWN {
                    shown.push(format!("{} more", all.len() - MOST_SHOWN));
                }
                shown.join(", ")
            }
        }
    }
}

fn judge(name: &str, seen: &[(RecordType, Looks)]) -> Outcome {
    let mut findings = Vec::new();
    let mut agreed = Vec::new();
    let mut servers = 0;
    for (kind, looks) in seen {
        servers = servers.max(looks.len());
        let mut by_answer: BTreeMap<Said, Vec<SocketAddr>> = BTreeMap::new();
        for (server, look) in looks {
            match look {
                Err(e) => findings.push(silent(name, *kind, *server, e)),
                Ok(answer) => by_answer
                    .entry(Said::of(*kind, answer))
                    .or_default()
                    .push(*server),
            }
        }
        match by_answer.iter().collect::<Vec<_>>().as_slice() {
            [] => {}
            [(said @ Said::Failure(what), _)] => {
                let reason = match what.as_str() {
                    "REFUSED" => Reason::DNS_REFUSED,
                    _ => Reason::DNS_SERVFAIL,
                };
                let message = format!(
                    "no nameserver looks up `{name}` {kind}: each says {}",
                    said.shown()
                );
                findings.push(
                    Finding::unknown("nothing_to_compare", reason, message)
                        .subject(kind.to_string())
                        .remedy("look at the nameservers, or name others"),
                );
            }
            [(said, _)] => agreed.push(format!("{kind} {}", said.shown())),
            _ => findings.extend(differ(name, *kind, &by_answer)),
        }
    }
    let otherwise = format!("{servers} nameservers agree: {}", agreed.join("; "));
    let outcome = Outcome::judged(summary(&findings, otherwise), findings);
    seen.iter()
        .flat_map(|(kind, looks)| looks.iter().map(move |look| (kind, look)))
        .fold(outcome, |outcome, (kind, (server, look))| {
            let said = match look {
                Ok(answer) => Said::of(*kind, answer).shown(),
                Err(e) => e.message.clone(),
            };
            outcome.evidence(format!("{kind} at {server}"), said)
        })
}

fn silent(name: &str, kind: RecordType, server: SocketAddr, error: &ObserveError) -> Finding {
    let message = format!(
        "what {server} says of `{name}` {kind} is not known: {}",
        error.message
    );
    Finding::unknown("nameserver_silent", error.root_reason().clone(), message)
        .subject(format!("{kind} at {server}"))
        .remedy(format!(
            "look at the nameserver {server}, or take it out of `nameservers`"
        ))
}

/// One finding for each server that does not say what most of them say; of as many, what tells more counts.
fn differ(name: &str, kind: RecordType, by_answer: &BTreeMap<Said, Vec<SocketAddr>>) -> Vec<Finding> {
    let most = by_answer
        .iter()
        .max_by_key(|(said, servers)| (servers.len(), *said));
    let Some((usual, those)) = most else {
        return Vec::new();
    };
    let others = by_answer.iter().filter(|(said, _)| *said != usual);
    let each = others.flat_map(|(said, servers)| servers.iter().map(move |server| (said, server)));
    each.map(|(said, server)| {
        let what = said.shown();
        let count = those.len();
        let (who, says) = match those.as_slice() {
            [one] => (one.to_string(), "says"),
            _ => (format!("{count} others"), "say"),
        };
        let message = format!(
            "{server} says {what} for `{name}` {kind}, expected the same of all; {who} {says} {}",
            usual.shown()
        );
        Finding::fail("answers_differ", message)
            .subject(format!("{kind} at {server}"))
            .remedy(format!(
                "look at the zone, the cache and the view of {server}; wait where it was changed lately"
            ))
    })
    .collect()
}
