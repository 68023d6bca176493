use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
};

use async_trait::async_trait;
use futures_util::future::join;
use readiness_core::{
    Described, Finding, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{DnsAnswer, DnsLookup, DnsResult, Family},
};
use serde::{Deserialize, Deserializer, de::Error as _};

use self::sets::Seen;
pub use self::sets::{Absence, RecordSet};
pub(super) use self::sets::{Target, judge_target};
use super::expected::{MOST_FINDINGS, SetMode, compare, list, too_many};
use crate::address::{noted, special_purpose};

mod sets;

readiness_core::probe! {
    /// The name has its addresses.
    ///
    /// # What it checks
    /// The A and AAAA records of the target's host, by one query for each family, which every other probe
    /// shares. The aliases on the way are shown. With `records`, any other records, and where they lead.
    ///
    /// # Why it matters
    /// A name that does not resolve takes everything behind it down, and an address left over from an
    /// older machine sends some users where nobody looks.
    ///
    /// # How it is judged
    /// A name that does not exist, or has no address of either family, fails. One family is enough unless
    /// both are demanded. Where `addresses` are given, each missing and each unexpected one fails, as `mode`
    /// says. A nameserver that fails, refuses or stays silent leaves it unknown. A loop of aliases fails; a
    /// chain longer than `max_cname_chain` warns, as resolvers give up on long ones.
    ///
    /// Each set in `records` is compared record by record, as its `mode` says; with `absent` there must be none,
    /// and a name that does not exist is told apart from one without such records. A time to live outside its
    /// bounds fails; what a cache has left of it does not tell whether it was too short. Where MX, NS and SRV
    /// records lead must exist, have an address, and be no alias (RFC 2181, section 10.3).
    ///
    /// # How to fix
    /// Correct the records at the provider of the zone, and wait for the time to live of the old ones.
    pub struct DnsRecords {
        /// The addresses to expect. Default: any.
        pub addresses: Option<Vec<IpAddr>> = None,
        /// How those found stand to those expected: `exact`, `superset`, `subset` or `any`. Default: `exact`.
        pub mode: Option<SetMode> = None,
        /// Whether there must be an IPv4 address. Default: false.
        pub require_ipv4: bool = false,
        /// Whether there must be an IPv6 address. Default: false.
        pub require_ipv6: bool = false,
        /// The nameservers to ask, in this order, as `192.0.2.53` or `192.0.2.53:5353`. Default: the machine's.
        #[serde(deserialize_with = "nameservers")]
        pub nameservers: Vec<SocketAddr> = Vec::new(),
        /// The most aliases between the name and its addresses. Default: 8.
        pub max_cname_chain: usize = 8,
        /// Whether the host must have an address; otherwise `records` alone are judged. Default: true.
        pub must_have_address: bool = true,
        /// Records of other types, or of other names, each a table of `type`, `name`, `values`, `mode`, `absent`,
        /// `min_ttl_seconds` and `max_ttl_seconds`. Default: none.
        pub records: Vec<RecordSet> = Vec::new(),
    }
    id: "dns.records",
    title: "the name has its addresses",
    priority: High,
    references: [
        "RFC 1034 section 3.6" => "https://www.rfc-editor.org/rfc/rfc1034#section-3.6",
        "RFC 2181 section 10.3" => "https://www.rfc-editor.org/rfc/rfc2181#section-10.3",
        "RFC 2308 section 2" => "https://www.rfc-editor.org/rfc/rfc2308#section-2",
        "RFC 8020 section 2" => "https://www.rfc-editor.org/rfc/rfc8020#section-2",
    ],
}

impl DnsRecords {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        sets::check(self)?;
        let addresses = self.addresses.as_deref();
        if let (Some(mode), None) = (self.mode, addresses) {
            return Err(format!(
                "`mode = \"{mode}\"` compares with `addresses`, and none are given"
            ));
        }
        if addresses.is_some_and(<[_]>::is_empty) {
            return Err("`addresses` is empty: it would demand nothing; leave it out or fill it".into());
        }
        if let Some(twice) = repeated(addresses.unwrap_or_default()) {
            return Err(format!("`addresses` holds `{twice}` twice"));
        }
        if let Some(twice) = repeated(&self.nameservers) {
            return Err(format!("`nameservers` holds `{twice}` twice"));
        }
        for (family, required) in [(Family::V4, self.require_ipv4), (Family::V6, self.require_ipv6)] {
            let allowed = addresses.is_none_or(|all| all.iter().any(|a| Family::of(*a) == family));
            if required && !allowed && self.mode().forbids_others() {
                return Err(format!(
                    "an {family} address is demanded, and `addresses` ({}) allows none",
                    self.mode()
                ));
            }
        }
        Ok(())
    }

    fn mode(&self) -> SetMode {
        self.mode.unwrap_or_default()
    }

    fn requires(&self, family: Family) -> bool {
        match family {
            Family::V4 => self.require_ipv4,
            Family::V6 => self.require_ipv6,
        }
    }

    /// Whether the judgement is open as long as this family could not be looked up.
    fn needs(&self, family: Family, found: &[IpAddr]) -> bool {
        let expected = self.addresses.as_deref().unwrap_or_default();
        let expects = expected.iter().any(|address| Family::of(*address) == family);
        let by_set = match self.mode() {
            _ if expected.is_empty() => false,
            SetMode::Any => expects && !expected.iter().any(|address| found.contains(address)),
            mode => expects || mode.forbids_others(),
        };
        self.requires(family) || by_set
    }
}

fn repeated<T: Eq + std::hash::Hash>(all: &[T]) -> Option<&T> {
    let mut seen = HashSet::new();
    all.iter().find(|item| !seen.insert(*item))
}

pub(super) fn nameservers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    if texts.is_empty() {
        return Err(D::Error::custom("`nameservers` is empty: nobody could be asked"));
    }
    let parse = |text: String| {
        text.parse()
            .or_else(|_| text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53)))
            .map_err(|_| {
                let text: String = text.chars().take(60).collect();
                D::Error::custom(format!(
                    "`{text}` is no nameserver; write an address such as `192.0.2.53` or `[2001:db8::53]:5353`"
                ))
            })
    };
    texts.into_iter().map(parse).collect()
}

#[async_trait]
impl Probe for DnsRecords {
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
        let look = |family| cx.observe(DnsLookup::address(host, family).via(self.nameservers.clone()));
        let (addresses, sets) = join(join(look(Family::V4), look(Family::V6)), sets::look(cx, self)).await;
        let (v4, v6) = addresses;
        let is_production = cx.profile().name == "production";
        let outcome = judge(host, self, [v4.as_deref(), v6.as_deref()], is_production);
        let outcome = with_sets(host, self, outcome, &sets);
        Ok(if self.nameservers.is_empty() {
            noted(cx, outcome).await
        } else {
            // What another nameserver says is not what the other probes look at.
            outcome
        })
    }
}

pub(super) type Look<'a> = Result<&'a DnsAnswer, &'a ObserveError>;

/// Judges what was said about the A and the AAAA records, in this order.
fn judge(host: &str, settings: &DnsRecords, looks: [Look<'_>; 2], is_production: bool) -> Outcome {
    let mut found: Vec<IpAddr> = Vec::new();
    for address in looks.iter().flatten().flat_map(|answer| answer.addresses()) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    let outcome = if found.is_empty() && !settings.must_have_address && looks.iter().all(says_none) {
        Outcome::pass("no address, and none demanded")
    } else if found.is_empty() {
        nothing_found(host, looks)
    } else {
        judge_found(host, settings, looks, &found, is_production)
    };
    let outcome = [Family::V4, Family::V6]
        .into_iter()
        .zip(looks)
        .fold(outcome, |outcome, (family, look)| {
            outcome.evidence(record_type(family), said(look))
        });
    match looks
        .iter()
        .flatten()
        .map(|answer| answer.cname_chain())
        .max_by_key(Vec::len)
    {
        Some(chain) if !chain.is_empty() => outcome.evidence("aliases", shown(&chain)),
        _ => outcome,
    }
}

/// Whether the nameserver says plainly that there is none.
fn says_none(look: &Look<'_>) -> bool {
    look.is_ok_and(|answer| {
        let none = matches!(answer.result, DnsResult::NoData | DnsResult::NxDomain);
        none && answer.cname_chain().is_empty()
    })
}

/// Adds what is said of the other records.
fn with_sets(host: &str, settings: &DnsRecords, outcome: Outcome, sets: &[Seen<'_>]) -> Outcome {
    if sets.is_empty() {
        return outcome;
    }
    let judged = |seen: &Seen<'_>| sets::judge(host, settings.max_cname_chain, seen);
    let by_set: Vec<Vec<Finding>> = sets.iter().map(judged).collect();
    let good = by_set
        .iter()
        .filter(|findings| findings.iter().all(Finding::is_note))
        .count();
    let sets_summary = match by_set.iter().flatten().find(|finding| !finding.is_note()) {
        Some(finding) if outcome.status.is_pass() => finding.message.clone(),
        _ => format!(
            "{}; {good} of {} record sets as expected",
            outcome.summary,
            sets.len()
        ),
    };
    let mut together = outcome;
    together.summary = sets_summary;
    for seen in sets {
        let said = match &seen.answer {
            Ok(answer) if answer.result == DnsResult::Records => sets::values(answer),
            other => said(other.as_ref()),
        };
        let name = seen.set.name.as_deref().unwrap_or(host);
        together = together.evidence(format!("{} of {name}", seen.set.record_type), said);
    }
    by_set.into_iter().flatten().fold(together, Outcome::finding)
}

/// Where there is no address at all: an answer tells more than silence, and a name that does not exist
/// more than a missing record.
fn nothing_found(host: &str, looks: [Look<'_>; 2]) -> Outcome {
    let answers = || looks.iter().flatten();
    let one = |finding: Finding| Outcome::judged(finding.message.clone(), vec![finding]);
    if let Some(answer) = answers().find(|answer| answer.result == DnsResult::NxDomain) {
        let by = &answer.answered_by;
        return one(match answer.cname_chain().last() {
            None => Finding::fail(
                "nxdomain",
                format!("`{host}` does not exist (NXDOMAIN, says {by})"),
            )
            .remedy(format!("create the records of `{host}`, or correct the name")),
            // RFC 6604, section 3: the code is about the last name of the chain.
            Some((_, end)) => Finding::fail(
                "dangling_alias",
                format!("`{host}` is an alias of `{end}`, which does not exist (says {by})"),
            )
            .remedy(format!(
                "point `{host}` elsewhere, or delete it: whoever registers `{end}` owns it"
            )),
        });
    }
    for answer in answers() {
        if let Some(end) = loop_of(answer) {
            return one(Finding::fail(
                "cname_loop",
                format!("the aliases of `{host}` lead back to `{end}`"),
            )
            .remedy("let one of the aliases lead to a name with addresses"));
        }
    }
    for look in looks {
        if let Some((reason, problem)) = not_looked_up(look) {
            if let Err(ObserveError {
                cause: Some(cause), ..
            }) = look
            {
                return Outcome::dependency_failed(cause.clone());
            }
            let summary = format!("`{host}` could not be looked up: {problem}");
            return one(Finding::unknown("not_looked_up", reason, summary)
                .remedy("look at the nameserver, or name another one in `nameservers`"));
        }
    }
    let by = answers().next().map_or("", |answer| answer.answered_by.as_str());
    if let Some(end) = answers().find_map(|answer| alias_only(answer)) {
        let message = format!("`{host}` is an alias of `{end}`, which {by} does not look up");
        return one(
            Finding::unknown("alias_not_followed", Reason::DNS_NODATA, message)
                .remedy("ask a nameserver that resolves other zones too"),
        );
    }
    one(Finding::fail(
        "no_address",
        format!("`{host}` has no address, neither A nor AAAA (says {by})"),
    )
    .remedy(format!("add an A or AAAA record to `{host}`")))
}

fn judge_found(
    host: &str,
    settings: &DnsRecords,
    looks: [Look<'_>; 2],
    found: &[IpAddr],
    is_production: bool,
) -> Outcome {
    let mut findings = Vec::new();
    for (family, look) in [Family::V4, Family::V6].into_iter().zip(looks) {
        let kind = record_type(family);
        if let Some((reason, problem)) = not_looked_up(look) {
            let message = format!("the {kind} records of `{host}` could not be looked up: {problem}");
            findings.push(if settings.needs(family, found) {
                Finding::unknown("not_looked_up", reason, message)
                    .subject(kind)
                    .remedy("look at the nameserver, or name another one in `nameservers`")
            } else {
                Finding::note("not_looked_up", message).subject(kind)
            });
            continue;
        }
        findings.extend(look.ok().and_then(|answer| too_many(host, kind, answer)));
        if look.is_ok_and(|answer| answer.result == DnsResult::NxDomain) {
            let message = format!(
                "the nameserver says for {kind} that `{host}` does not exist, and it has addresses; \
                 resolvers may believe it for both families"
            );
            findings.push(
                Finding::warn("nxdomain_for_one_family", message)
                    .subject(kind)
                    .remedy("let the nameserver answer NOERROR without records (RFC 8020, section 2)"),
            );
        }
        if settings.requires(family) && !found.iter().any(|address| Family::of(*address) == family) {
            findings.push(
                Finding::fail(
                    format!("no_{}", family.to_string().to_lowercase()),
                    format!("`{host}` should have an {family} address, and has none"),
                )
                .subject(kind)
                .remedy(format!("add an {kind} record to `{host}`")),
            );
        }
    }
    if let Some(expected) = &settings.addresses {
        let hides = |address: IpAddr| {
            let look = if address.is_ipv4() { looks[0] } else { looks[1] };
            not_looked_up(look).is_some()
        };
        findings.extend(compare(host, found, expected, settings.mode(), hides));
    }
    let longest = looks
        .iter()
        .flatten()
        .map(|answer| answer.cname_chain().len())
        .max();
    let (longest, most) = (longest.unwrap_or_default(), settings.max_cname_chain);
    if longest > most {
        let message =
            format!("`{host}` leads over {longest} aliases to its addresses, expected at most {most}");
        findings.push(
            Finding::warn("cname_chain_too_long", message)
                .remedy("let the first alias lead to the last name, or give the name addresses of its own"),
        );
    }
    let special = found.iter().filter(|_| is_production).filter_map(|address| {
        let what = special_purpose(*address)?;
        let message = format!("`{address}` is {what}: the world cannot reach it");
        Some(Finding::note("special_purpose_address", message).subject(address.to_string()))
    });
    findings.extend(special.take(MOST_FINDINGS));
    if looks
        .iter()
        .flatten()
        .any(|answer| answer.answered_by == "system resolver")
    {
        let message = format!("the nameservers do not know `{host}`; this machine's own resolver does");
        findings.push(Finding::note("known_to_this_machine", message));
    }
    Outcome::judged(summary(found, &findings), findings)
}

fn summary(found: &[IpAddr], findings: &[Finding]) -> String {
    let count = |code| {
        let same = findings.iter().filter(|finding| finding.code == code);
        same.count().min(MOST_FINDINGS)
    };
    let (missing, unexpected) = (count("missing_address"), count("unexpected_address"));
    let noun = if found.len() == 1 { "address" } else { "addresses" };
    let all = format!("{} {noun}: {}", found.len(), list(found));
    match (missing, unexpected) {
        (0, 0) => all,
        (missing, 0) => format!("{missing} missing; {all}"),
        (0, unexpected) => format!("{unexpected} unexpected; {all}"),
        _ => format!("{missing} missing, {unexpected} unexpected; {all}"),
    }
}

/// Why a family could not be looked up; `None` where it could.
pub(super) fn not_looked_up(look: Look<'_>) -> Option<(Reason, String)> {
    let answer = match look {
        Err(e) => return Some((e.root_reason().clone(), e.message.clone())),
        Ok(answer) => answer,
    };
    let by = &answer.answered_by;
    Some(match answer.result {
        DnsResult::Referral => (
            Reason::DNS_LAME,
            format!("{by} names other nameservers instead of looking the name up"),
        ),
        DnsResult::Refused => (Reason::DNS_REFUSED, format!("{by} refuses to answer (REFUSED)")),
        DnsResult::ServFail => (Reason::DNS_SERVFAIL, format!("{by} failed (SERVFAIL)")),
        DnsResult::Rcode(code) => (
            Reason::DNS_SERVFAIL,
            format!("{by} answers with the response code {code}"),
        ),
        _ => return None,
    })
}

/// The name at which a chain of aliases meets itself.
fn loop_of(answer: &DnsAnswer) -> Option<&str> {
    let mut owners: HashSet<&str> = HashSet::new();
    answer.cname_chain().into_iter().find_map(|(from, to)| {
        owners.insert(from);
        owners.contains(to).then_some(to)
    })
}

/// Where an alias leads whose end the server does not serve: it speaks with authority for the alias alone.
fn alias_only(answer: &DnsAnswer) -> Option<&str> {
    let end = answer.cname_chain().last().map(|(_, to)| *to);
    end.filter(|_| answer.authoritative)
}

fn record_type(family: Family) -> &'static str {
    match family {
        Family::V4 => "A",
        Family::V6 => "AAAA",
    }
}

fn said(look: Look<'_>) -> String {
    let answer = match look {
        Err(e) => return e.message.clone(),
        Ok(answer) => answer,
    };
    let what = match &answer.result {
        DnsResult::NoData => "no record".to_owned(),
        DnsResult::NxDomain => "NXDOMAIN".to_owned(),
        DnsResult::Rcode(code) => format!("response code {code}"),
        DnsResult::Records => list(&answer.addresses()),
        DnsResult::Referral => "a referral".to_owned(),
        DnsResult::Refused => "REFUSED".to_owned(),
        DnsResult::ServFail => "SERVFAIL".to_owned(),
        other => format!("{other:?}"),
    };
    format!("{what} (says {})", answer.answered_by)
}

/// A chain of aliases for people, cut where it is long.
fn shown(chain: &[(&str, &str)]) -> String {
    const MOST_SHOWN: usize = 10;
    let mut names: Vec<&str> = chain.first().map(|(from, _)| *from).into_iter().collect();
    names.extend(chain.iter().take(MOST_SHOWN).map(|(_, to)| *to));
    if chain.len() > MOST_SHOWN {
        names.push("…");
    }
    names.join(" → ")
}

#[cfg(test)]
mod tests;
