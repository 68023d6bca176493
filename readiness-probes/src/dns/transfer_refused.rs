use std::net::SocketAddr;

use async_trait::async_trait;
use futures_util::future::{join, join_all};
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{DnsLookup, DnsResult, DnsTransport, RecordType},
};

use super::{
    own::{Look, Own, Place, Places, summary, zone_of},
    records::{nameservers, not_looked_up},
};

#[cfg(test)]
mod tests;

/// AXFR. RFC 5936.
const ZONE_TRANSFER: RecordType = RecordType::Other(252);

readiness_core::probe! {
    /// The nameservers give the zone to nobody as a whole.
    ///
    /// # What it checks
    /// Each nameserver is asked over TCP for a transfer of the zone (AXFR), and for its SOA record beside it. Of
    /// what comes, the first message is read, and its first record kept.
    ///
    /// # Why it matters
    /// Who has the whole zone knows every name in it: test systems, mail servers, management interfaces.
    ///
    /// # How it is judged
    /// A nameserver that begins a transfer fails; one that refuses it, in whatever words, passes. One that does
    /// not answer, or does not serve the zone at all, leaves it unknown: its refusal says nothing.
    ///
    /// Only your own nameservers are asked: those in `nameservers`, or with `own_nameservers` all that the zone
    /// names. What they allow other machines is not seen from here.
    ///
    /// # How to fix
    /// Allow transfers to the secondary servers alone, best with a key: `allow-transfer` in BIND, `provide-xfr` in
    /// NSD, an `acl` in Knot.
    pub struct DnsTransferRefused {
        /// Your own nameservers, as `192.0.2.53` or `192.0.2.53:5353`. Default: none.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
        /// Whether all nameservers that the zone names are yours, and may be asked. Default: false.
        pub own_nameservers: bool = false,
        /// The zone, as an absolute name. Default: the target's host.
        pub zone: Option<String> = None,
        /// The port of the nameservers that the zone names. Default: 53.
        pub port: u16 = 53,
    }
    id: "dns.transfer_refused",
    title: "the nameservers give the zone to nobody as a whole",
    priority: Info,
    references: [
        "RFC 5936 section 5" => "https://www.rfc-editor.org/rfc/rfc5936#section-5",
    ],
}

impl DnsTransferRefused {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.own().check("a transfer")
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
impl Probe for DnsTransferRefused {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let Some(zone) = zone_of(cx, self.zone.as_deref()) else {
            let host = cx.target().host();
            return Ok(Outcome::not_applicable(format!(
                "`{host}` is an address, and no zone"
            )));
        };
        let places = match self.own().places(cx, &zone).await {
            Ok(places) => places,
            Err(outcome) => return Ok(*outcome),
        };
        let looks = places.all.iter().map(|place| {
            let ask = |kind| {
                let key = DnsLookup::new(&zone, kind)
                    .directly(place.address)
                    .over(DnsTransport::Tcp);
                async move { cx.observe(key).await.map(|answer| (*answer).clone()) }
            };
            async move {
                let (soa, transfer) = join(ask(RecordType::Soa), ask(ZONE_TRANSFER)).await;
                (place.clone(), Seen { soa, transfer })
            }
        });
        let seen = join_all(looks).await;
        Ok(judge(&zone, &places, &seen))
    }
}

/// What one nameserver said.
struct Seen {
    soa: Look,
    transfer: Look,
}

fn judge(zone: &str, places: &Places, seen: &[(Place, Seen)]) -> Outcome {
    let mut findings: Vec<Finding> = places.lost.iter().map(lost).collect();
    findings.extend(
        seen.iter()
            .filter_map(|(place, seen)| judge_one(zone, place, seen)),
    );
    let otherwise = match seen.len() {
        1 => format!("1 nameserver refuses a transfer of `{zone}`"),
        count => format!("{count} nameservers refuse a transfer of `{zone}`"),
    };
    let outcome = Outcome::judged(summary(&findings, otherwise), findings);
    let outcome = seen.iter().fold(outcome, |outcome, (place, seen)| {
        outcome.evidence(place.label.as_str(), said(&seen.transfer))
    });
    places.noted_in(outcome)
}

fn lost((name, reason, problem): &(String, Reason, String)) -> Finding {
    let message = format!("the nameserver `{name}` could not be asked: {problem}");
    Finding::unknown("nameserver_not_looked_up", reason.clone(), message)
        .subject(name.as_str())
        .remedy("give the nameserver an address, or name your nameservers in `nameservers`")
}

fn judge_one(zone: &str, place: &Place, seen: &Seen) -> Option<Finding> {
    let label = &place.label;
    let transfer = match &seen.transfer {
        Ok(answer) => &answer.result,
        Err(e) => {
            let message = format!(
                "whether {label} refuses a transfer of `{zone}` is not known: {}",
                e.message
            );
            return Some(
                Finding::unknown("transfer_not_told", e.root_reason().clone(), message)
                    .subject(label.as_str())
                    .remedy("let the nameserver answer over TCP, with REFUSED where it gives nothing"),
            );
        }
    };
    if *transfer == DnsResult::Records {
        let message = format!("the nameserver {label} gives the whole zone `{zone}` to anybody (AXFR)");
        let begins = seen.transfer.iter().flat_map(|answer| &answer.records).next();
        let begins = begins.map_or(String::new(), |record| record.data.to_string());
        return Some(
            Finding::fail("transfer_allowed", message)
                .subject(label.as_str())
                .evidence("begins with", begins.chars().take(100).collect::<String>())
                .remedy("allow transfers to the secondary servers alone (`allow-transfer` in BIND)"),
        );
    }
    // Whoever does not serve the zone has nothing to give, and what fails may give it tomorrow.
    let serves = seen
        .soa
        .as_ref()
        .is_ok_and(|answer| answer.result == DnsResult::Records && answer.authoritative);
    let (reason, problem) = if *transfer == DnsResult::ServFail {
        (Reason::DNS_SERVFAIL, "it fails (SERVFAIL)".to_owned())
    } else if serves {
        return None;
    } else {
        let (reason, problem) = not_looked_up(seen.soa.as_ref())
            .unwrap_or_else(|| (Reason::DNS_LAME, format!("it does not serve `{zone}`")));
        (reason, format!("it says nothing of the zone: {problem}"))
    };
    let message = format!("whether {label} refuses a transfer of `{zone}` is not known: {problem}");
    Some(
        Finding::unknown("transfer_not_told", reason, message)
            .subject(label.as_str())
            .remedy(format!(
                "let the nameserver serve `{zone}`, or correct `zone` and `nameservers`"
            )),
    )
}

fn said(look: &Look) -> String {
    let answer = match look {
        Ok(answer) => answer,
        Err(e) => return e.message.clone(),
    };
    match &answer.result {
        DnsResult::Records => "a transfer".to_owned(),
        DnsResult::Refused => "REFUSED".to_owned(),
        DnsResult::ServFail => "SERVFAIL".to_owned(),
        DnsResult::NxDomain => "NXDOMAIN".to_owned(),
        // RFC 2136, section 2.2.
        DnsResult::Rcode(9) => "NOTAUTH".to_owned(),
        DnsResult::Rcode(code) => format!("the response code {code}"),
        _ => "an answer without records".to_owned(),
    }
}
