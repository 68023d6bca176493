use std::net::SocketAddr;

use async_trait::async_trait;
use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{DnsLookup, DnsResult, RecordType},
};

use super::{
    own::{Look, Own, Place, Places, summary, zone_of},
    records::nameservers,
};

#[cfg(test)]
mod tests;

readiness_core::probe! {
    /// The nameservers look up no names of others.
    ///
    /// # What it checks
    /// Each nameserver is asked, with the wish for recursion, for the A records of a name that is not its own.
    ///
    /// # Why it matters
    /// A nameserver that looks names up for everybody is used to flood others with answers they did not ask
    /// for, and its cache can be filled with lies.
    ///
    /// # How it is judged
    /// A nameserver that answers for the name, from its cache or from elsewhere, fails. One that refuses, answers
    /// nothing or names others passes. One that is silent, that fails while it offers recursion, or that has
    /// authority over the name leaves it unknown.
    ///
    /// Only your own nameservers are asked: those in `nameservers`, or with `own_nameservers` all that the zone
    /// names. They may allow this machine what they refuse the world, so look from outside.
    ///
    /// # How to fix
    /// Let the nameservers of a zone serve the zone alone (`recursion no` in BIND), and let resolvers answer the
    /// own networks only (`allow-recursion`, `access-control` in Unbound).
    pub struct DnsRecursionRefused {
        /// Your own nameservers, as `192.0.2.53` or `192.0.2.53:5353`. Default: none.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
        /// Whether all nameservers that the zone names are yours, and may be asked. Default: false.
        pub own_nameservers: bool = false,
        /// The zone, as an absolute name. Default: the target's host.
        pub zone: Option<String> = None,
        /// The port of the nameservers that the zone names. Default: 53.
        pub port: u16 = 53,
        /// The name to ask for, which the nameservers do not serve. Default: `example.org`.
        pub foreign_name: String = "example.org".to_owned(),
    }
    id: "dns.recursion_refused",
    title: "the nameservers look up no names of others",
    priority: Info,
    references: [
        "RFC 5358 section 4" => "https://www.rfc-editor.org/rfc/rfc5358#section-4",
    ],
}

impl DnsRecursionRefused {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.foreign_name.trim_end_matches('.').is_empty() {
            return Err("`foreign_name` is empty, expected a name such as `example.org`".into());
        }
        self.own().check("a name of others")
    }

    fn own(&self) -> Own<'_> {
        Own {
            nameservers: &self.nameservers,
            of_zone: self.own_nameservers,
            port: self.port,
        }
    }
}

#[async_trait]
impl Probe for DnsRecursionRefused {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let zone = match zone_of(cx, self.zone.as_deref()) {
            Some(zone) => zone,
            // Servers that are named can be asked whatever the target is.
            None if !self.nameservers.is_empty() => String::new(),
            None => {
                let host = cx.target().host();
                return Ok(Outcome::not_applicable(format!(
                    "`{host}` is an address, and no zone"
                )));
            }
        };
        let places = match self.own().places(cx, &zone).await {
            Ok(places) => places,
            Err(outcome) => return Ok(*outcome),
        };
        let looks = places.all.iter().map(|place| {
            let key = DnsLookup::new(&self.foreign_name, RecordType::A).via(vec![place.address]);
            async move {
                let look = cx.observe(key).await.map(|answer| (*answer).clone());
                (place.clone(), look)
            }
        });
        let seen = join_all(looks).await;
        Ok(judge(self.foreign_name.trim_end_matches('.'), &places, &seen))
    }
}

fn judge(name: &str, places: &Places, seen: &[(Place, Look)]) -> Outcome {
    let lost = places.lost.iter().map(|(server, reason, problem)| {
        let message = format!("the nameserver `{server}` could not be asked: {problem}");
        Finding::unknown("nameserver_not_looked_up", reason.clone(), message)
            .subject(server.as_str())
            .remedy("give the nameserver an address, or name your nameservers in `nameservers`")
    });
    let mut findings: Vec<Finding> = lost.collect();
    findings.extend(
        seen.iter()
            .filter_map(|(place, look)| judge_one(name, &place.label, look)),
    );
    let otherwise = match seen.len() {
        1 => format!("1 nameserver does not look up `{name}`"),
        count => format!("{count} nameservers do not look up `{name}`"),
    };
    let outcome = Outcome::judged(summary(&findings, otherwise), findings);
    let outcome = seen.iter().fold(outcome, |outcome, (place, look)| {
        outcome.evidence(place.label.as_str(), said(look))
    });
    places.noted_in(outcome)
}

fn judge_one(name: &str, label: &str, look: &Look) -> Option<Finding> {
    let unknown = |reason, problem: String, remedy: &str| {
        let message = format!("whether {label} looks up names of others is not known: {problem}");
        let finding = Finding::unknown("recursion_not_told", reason, message);
        Some(finding.subject(label).remedy(remedy))
    };
    let answer = match look {
        Ok(answer) => answer,
        Err(e) => {
            let remedy = "let the nameserver answer REFUSED for names of others";
            return unknown(e.root_reason().clone(), e.message.clone(), remedy);
        }
    };
    let has_answer = matches!(
        answer.result,
        DnsResult::NoData | DnsResult::NxDomain | DnsResult::Records
    );
    if has_answer && answer.authoritative {
        let problem = format!("it has authority over `{name}`");
        return unknown(
            Reason::ERROR,
            problem,
            "set `foreign_name` to a name that it does not serve",
        );
    }
    let remedy = "set `recursion no` in BIND, or let it answer the own networks only (`allow-recursion`)";
    match &answer.result {
        // Without the offer, what it knows can only come from its cache; an empty answer tells nothing.
        DnsResult::Records | DnsResult::NxDomain if !answer.recursion_available => Some(
            Finding::fail(
                "cache_open",
                format!("the nameserver {label} answers for `{name}` from its cache, for anybody"),
            )
            .subject(label)
            .remedy("set `allow-query-cache { none; }` in BIND, or let it answer the own networks only"),
        ),
        DnsResult::NoData | DnsResult::NxDomain | DnsResult::Records if answer.recursion_available => Some(
            Finding::fail(
                "recursion_open",
                format!("the nameserver {label} looks up names of others, as `{name}`, for this machine"),
            )
            .subject(label)
            .evidence("said", said(look))
            .remedy(remedy),
        ),
        DnsResult::ServFail if answer.recursion_available => unknown(
            Reason::DNS_SERVFAIL,
            format!("it offers recursion (RA), and failed to look up `{name}` (SERVFAIL)"),
            remedy,
        ),
        DnsResult::Referral => {
            let message = format!("the nameserver {label} names others for `{name}`; REFUSED is shorter");
            Some(Finding::note("refers_elsewhere", message).subject(label))
        }
        _ => None,
    }
}

fn said(look: &Look) -> String {
    let answer = match look {
        Ok(answer) => answer,
        Err(e) => return e.message.clone(),
    };
    let what = match &answer.result {
        DnsResult::NoData => "no record".to_owned(),
        DnsResult::NxDomain => "NXDOMAIN".to_owned(),
        DnsResult::Rcode(code) => format!("response code {code}"),
        DnsResult::Records => super::expected::list(&answer.addresses()),
        DnsResult::Referral => "a referral".to_owned(),
        DnsResult::Refused => "REFUSED".to_owned(),
        DnsResult::ServFail => "SERVFAIL".to_owned(),
        other => format!("{other:?}"),
    };
    let offer = if answer.recursion_available {
        "offered"
    } else {
        "not offered"
    };
    format!("{what}, recursion {offer}")
}
