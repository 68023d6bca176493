//! What is expected of the records of other types than addresses, and of other names.

use std::collections::HashSet;

use futures_util::future::{join, join_all};
use readiness_core::{
    Finding, ObserveError, ProbeContext, Reason,
    fact::{DnsAnswer, DnsLookup, DnsResult, Family, RecordData, RecordType},
};
use serde::Deserialize;

use super::{
    super::expected::{MOST_FINDINGS, SetMode, too_many},
    DnsRecords, Look, loop_of, not_looked_up,
};

/// The most targets of MX, NS and SRV records that are looked up.
const MOST_TARGETS: usize = 16;

/// The most sets of one probe: each costs a query, and some more.
const MOST_SETS: usize = 64;

/// What is expected of the records of one type.
///
/// ```
/// use readiness_probes::dns::RecordSet;
///
/// let mail: RecordSet = serde_json::from_value(serde_json::json!({
///     "type": "MX",
///     "values": ["10 mx1.example.com", "20 mx2.example.com"],
///     "max_ttl_seconds": 3600,
/// }))?;
/// assert_eq!(mail.record_type.to_string(), "MX");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct RecordSet {
    /// Whose records, as an absolute name. Default: the target's host.
    #[serde(default)]
    pub name: Option<String>,
    /// The type: `A`, `AAAA`, `CAA`, `CNAME`, `HTTPS`, `MX`, `NS`, `PTR`, `SOA`, `SRV`, `SVCB`, `TLSA`, `TXT` or
    /// `TYPE99`.
    #[serde(rename = "type")]
    pub record_type: RecordType,
    /// The records to expect, as a zone file writes them. Default: any, but one at least.
    #[serde(default)]
    pub values: Option<Vec<String>>,
    /// How those found stand to those expected: `exact`, `superset`, `subset` or `any`. Default: `exact`.
    #[serde(default)]
    pub mode: Option<SetMode>,
    /// That there is none: `nxdomain`, `nodata` or `either`. Default: there is one.
    #[serde(default)]
    pub absent: Option<Absence>,
    /// The least time to live, in seconds. Only a server with authority tells it. Default: any.
    #[serde(default)]
    pub min_ttl_seconds: Option<u32>,
    /// The greatest time to live, in seconds. Default: any.
    #[serde(default)]
    pub max_ttl_seconds: Option<u32>,
}

/// How records are absent.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// One way or the other.
    Either,
    /// The name exists, without a record of this type.
    Nodata,
    /// The name does not exist.
    Nxdomain,
}

impl RecordSet {
    /// Expects that there is a record of this type.
    pub fn new(record_type: RecordType) -> Self {
        Self {
            name: None,
            record_type,
            values: None,
            mode: None,
            absent: None,
            min_ttl_seconds: None,
            max_ttl_seconds: None,
        }
    }

    /// Expects these records, as a zone file writes them, and no others.
    pub fn values(mut self, values: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.values = Some(values.into_iter().map(Into::into).collect());
        self
    }

    fn name<'a>(&'a self, host: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(host)
    }

    fn expected(&self) -> Result<Vec<RecordData>, String> {
        let values = self.values.iter().flatten();
        let parse = |text: &String| RecordData::parse(self.record_type, text);
        values.map(parse).collect()
    }

    fn check(&self) -> Result<(), String> {
        let kind = self.record_type;
        let expected = self.expected()?;
        if self.values.is_some() && expected.is_empty() {
            return Err(format!(
                "`values` of {kind} is empty: it would demand nothing; write `absent` where there is to be none"
            ));
        }
        if let Some(twice) = expected
            .iter()
            .enumerate()
            .find_map(|(i, value)| expected.iter().take(i).find(|earlier| *earlier == value))
        {
            return Err(format!("`values` of {kind} holds `{twice}` twice"));
        }
        if let (Some(mode), None) = (self.mode, &self.values) {
            return Err(format!(
                "`mode = \"{mode}\"` of {kind} compares with `values`, and none are given"
            ));
        }
        let has_ttl = self.min_ttl_seconds.is_some() || self.max_ttl_seconds.is_some();
        if self.absent.is_some() && (self.values.is_some() || has_ttl) {
            return Err(format!(
                "{kind} is to be `absent`, and still has `values` or times to live"
            ));
        }
        if let (Some(min), Some(max)) = (self.min_ttl_seconds, self.max_ttl_seconds)
            && min > max
        {
            return Err(format!(
                "`min_ttl_seconds` ({min}) of {kind} is more than `max_ttl_seconds` ({max})"
            ));
        }
        Ok(())
    }
}

/// What is wrong with the sets of some settings.
pub(super) fn check(settings: &DnsRecords) -> Result<(), String> {
    if !settings.must_have_address && settings.records.is_empty() {
        return Err("without `must_have_address` and without `records` nothing would be demanded".into());
    }
    if !settings.must_have_address
        && (settings.addresses.is_some() || settings.require_ipv4 || settings.require_ipv6)
    {
        return Err("`must_have_address` is false, and an address is demanded".into());
    }
    if settings.records.len() > MOST_SETS {
        return Err(format!(
            "`records` holds {} sets, expected at most {MOST_SETS}",
            settings.records.len()
        ));
    }
    settings.records.iter().try_for_each(RecordSet::check)
}

/// A set, and what was seen of it.
pub(super) struct Seen<'a> {
    pub(super) set: &'a RecordSet,
    pub(super) answer: Result<DnsAnswer, ObserveError>,
    pub(super) targets: Vec<Target>,
}

/// Where records lead: the name, and what was said of its A and AAAA records.
pub(in crate::dns) struct Target {
    pub(in crate::dns) name: String,
    pub(in crate::dns) looks: [Result<DnsAnswer, ObserveError>; 2],
}

/// Looks at every set, and at where its records lead.
pub(super) async fn look<'a>(cx: &ProbeContext, settings: &'a DnsRecords) -> Vec<Seen<'a>> {
    join_all(settings.records.iter().map(|set| look_at(cx, settings, set))).await
}

async fn look_at<'a>(cx: &ProbeContext, settings: &DnsRecords, set: &'a RecordSet) -> Seen<'a> {
    let key = DnsLookup::new(set.name(cx.target().host()), set.record_type);
    let look = cx.observe(key.via(settings.nameservers.clone())).await;
    let answer = look.map(|answer| (*answer).clone());
    let leads = set.record_type != RecordType::Ptr && set.absent.is_none();
    let names = targets(answer.as_ref().ok().filter(|_| leads));
    let targets = names.into_iter().map(|name| look_at_target(cx, settings, name));
    Seen {
        set,
        targets: join_all(targets).await,
        answer,
    }
}

async fn look_at_target(cx: &ProbeContext, settings: &DnsRecords, name: String) -> Target {
    let look = |family| cx.observe(DnsLookup::address(&name, family).via(settings.nameservers.clone()));
    let (v4, v6) = join(look(Family::V4), look(Family::V6)).await;
    let looks = [v4, v6].map(|look| look.map(|answer| (*answer).clone()));
    Target { name, looks }
}

/// Where the records of an answer lead, each name once.
fn targets(answer: Option<&DnsAnswer>) -> Vec<String> {
    let mut seen = HashSet::new();
    let records = answer.into_iter().flat_map(|answer| &answer.records);
    records
        .filter_map(|record| record.data.target())
        .filter(|target| seen.insert(*target))
        .take(MOST_TARGETS)
        .map(str::to_owned)
        .collect()
}

/// Judges one set.
pub(super) fn judge(host: &str, most_aliases: usize, seen: &Seen<'_>) -> Vec<Finding> {
    let (set, kind) = (seen.set, seen.set.record_type);
    let name = set.name(host);
    let subject = format!("{kind} of {name}");
    let answer = match (&seen.answer, not_looked_up(seen.answer.as_ref())) {
        (Ok(answer), None) => answer,
        (_, problem) => {
            let (reason, problem) = problem.unwrap_or((Reason::ERROR, "no answer".to_owned()));
            let message = format!("the {kind} records of `{name}` could not be looked up: {problem}");
            return vec![
                Finding::unknown("not_looked_up", reason, message)
                    .subject(subject)
                    .remedy("look at the nameserver, or name another one in `nameservers`"),
            ];
        }
    };
    if let Some(absence) = set.absent {
        let finding = absent(name, kind, absence, answer);
        return finding
            .map(|finding| finding.subject(subject))
            .into_iter()
            .collect();
    }
    if let Some(finding) = none_found(name, kind, answer) {
        return vec![finding.subject(subject)];
    }
    let mut findings = Vec::new();
    let longest = answer.cname_chain().len();
    if longest > most_aliases && kind != RecordType::Cname {
        let message = format!(
            "`{name}` leads over {longest} aliases to its {kind} records, expected at most {most_aliases}"
        );
        findings.push(
            Finding::warn("cname_chain_too_long", message)
                .subject(subject.as_str())
                .remedy("let the first alias lead to the last name"),
        );
    }
    findings.extend(too_many(name, &kind.to_string(), answer));
    findings.extend(compare(name, set, answer));
    findings.extend(times_to_live(name, set, answer).map(|finding| finding.subject(subject.as_str())));
    findings.extend(
        seen.targets
            .iter()
            .filter_map(|target| judge_target(kind, target)),
    );
    findings
}

fn absent(name: &str, kind: RecordType, wanted: Absence, answer: &DnsAnswer) -> Option<Finding> {
    let by = &answer.answered_by;
    // RFC 6604, section 3: behind an alias the code is about another name.
    let is_alias = !answer.cname_chain().is_empty();
    let fail = |code, message: String, remedy: String| Some(Finding::fail(code, message).remedy(remedy));
    match (&answer.result, wanted) {
        (DnsResult::Records, _) => {
            let message = format!(
                "`{name}` should have no {kind} record, and has {}",
                values(answer)
            );
            fail(
                "record_exists",
                message,
                format!("delete the {kind} records of `{name}`"),
            )
        }
        (DnsResult::NxDomain, Absence::Nodata) => fail(
            "nxdomain",
            format!("`{name}` should exist without {kind} records, and does not exist (NXDOMAIN, says {by})"),
            format!("create another record of `{name}`, or expect `nxdomain`"),
        ),
        (DnsResult::NoData, Absence::Nxdomain) => fail(
            "name_exists",
            format!("`{name}` should not exist (NXDOMAIN), and exists without {kind} records (says {by})"),
            format!("delete every record of `{name}` and below it, or expect `nodata`"),
        ),
        (_, Absence::Nxdomain) if is_alias => fail(
            "name_exists",
            format!("`{name}` should not exist (NXDOMAIN), and is an alias (says {by})"),
            format!("delete the alias `{name}`"),
        ),
        _ => None,
    }
}

fn none_found(name: &str, kind: RecordType, answer: &DnsAnswer) -> Option<Finding> {
    let by = &answer.answered_by;
    let end = answer.cname_chain().last().map(|(_, to)| (*to).to_owned());
    if answer.result == DnsResult::NxDomain {
        return Some(match end {
            None => Finding::fail(
                "nxdomain",
                format!("`{name}` does not exist (NXDOMAIN, says {by})"),
            )
            .remedy(format!(
                "create the {kind} records of `{name}`, or correct the name"
            )),
            Some(end) => Finding::fail(
                "dangling_alias",
                format!("`{name}` is an alias of `{end}`, which does not exist (says {by})"),
            )
            .remedy(format!(
                "point `{name}` elsewhere, or delete it: whoever registers `{end}` owns it"
            )),
        });
    }
    if answer.result == DnsResult::Records {
        return None;
    }
    if let Some(end) = loop_of(answer) {
        let message = format!("the aliases of `{name}` lead back to `{end}`");
        return Some(
            Finding::fail("cname_loop", message).remedy("let one of the aliases lead to other records"),
        );
    }
    if let Some(end) = end.filter(|_| answer.authoritative) {
        let message = format!("`{name}` is an alias of `{end}`, which {by} does not look up");
        return Some(
            Finding::unknown("alias_not_followed", Reason::DNS_NODATA, message)
                .remedy("ask a nameserver that resolves other zones too"),
        );
    }
    let message = format!("`{name}` should have {kind} records, and has none (NODATA, says {by})");
    Some(Finding::fail("no_record", message).remedy(format!("add the {kind} records to `{name}`")))
}

fn compare(name: &str, set: &RecordSet, answer: &DnsAnswer) -> Vec<Finding> {
    let (kind, mode) = (set.record_type, set.mode.unwrap_or_default());
    let Ok(expected) = set.expected() else {
        return Vec::new();
    };
    if expected.is_empty() {
        return Vec::new();
    }
    let found: Vec<&RecordData> = of_type(answer, kind).collect();
    let mut findings = Vec::new();
    if mode.wants_all() {
        let missing = expected.iter().filter(|value| !found.contains(value));
        findings.extend(missing.take(MOST_FINDINGS).map(|value| {
            let value = shown(value);
            Finding::fail(
                "missing_record",
                format!("`{name}` should have the {kind} record `{value}`, and has not"),
            )
            .subject(format!("{kind} {value}"))
            .evidence("found", values(answer))
            .remedy(format!("add the record to `{name}`, or take it out of `values`"))
        }));
    }
    if mode.forbids_others() {
        let unexpected = found.iter().filter(|value| !expected.contains(value));
        findings.extend(unexpected.take(MOST_FINDINGS).map(|value| {
            let value = shown(value);
            Finding::fail(
                "unexpected_record",
                format!("`{name}` has the {kind} record `{value}`, which is not one of those expected"),
            )
            .subject(format!("{kind} {value}"))
            .remedy(format!("delete the record of `{name}`, or add it to `values`"))
        }));
    }
    if mode == SetMode::Any && !expected.iter().any(|value| found.contains(&value)) {
        let message =
            format!("`{name}` should have one of the {kind} records expected, and has none of them");
        findings.push(
            Finding::fail("no_expected_record", message)
                .subject(format!("{kind} of {name}"))
                .evidence("found", values(answer))
                .remedy(format!("add one of them to `{name}`, or correct `values`")),
        );
    }
    findings
}

fn times_to_live(name: &str, set: &RecordSet, answer: &DnsAnswer) -> impl Iterator<Item = Finding> {
    let kind = set.record_type;
    let ttls = || answer.records.iter().map(|record| record.ttl_seconds);
    let (least, most) = (ttls().min().unwrap_or(0), ttls().max().unwrap_or(0));
    let too_long = set.max_ttl_seconds.filter(|max| most > *max).map(|max| {
        // A cache only counts down: what is too long there is too long at home.
        let message = format!("the {kind} records of `{name}` live {most} s, expected at most {max} s");
        Finding::fail("ttl_too_long", message)
            .evidence("ttl", format!("{most} s"))
            .remedy(format!(
                "lower the time to live of the {kind} records of `{name}`"
            ))
    });
    let too_short = set.min_ttl_seconds.filter(|min| least < *min).map(|min| {
        if answer.authoritative {
            let message = format!("the {kind} records of `{name}` live {least} s, expected at least {min} s");
            Finding::fail("ttl_too_short", message)
                .evidence("ttl", format!("{least} s"))
                .remedy(format!(
                    "raise the time to live of the {kind} records of `{name}`"
                ))
        } else {
            let message = format!(
                "the {kind} records of `{name}` have {least} s left in the cache of {}, which does not tell \
                 whether they live {min} s",
                answer.answered_by
            );
            Finding::unknown("ttl_not_told", Reason::STALE, message)
                .remedy("name a nameserver of the zone in `nameservers`")
        }
    });
    too_long.into_iter().chain(too_short)
}

/// What is wrong with a name that MX, NS or SRV records lead to.
pub(in crate::dns) fn judge_target(kind: RecordType, target: &Target) -> Option<Finding> {
    let name = &target.name;
    let looks: [Look<'_>; 2] = [target.looks[0].as_ref(), target.looks[1].as_ref()];
    let answers = || looks.iter().flatten();
    let subject = format!("{kind} target {name}");
    let denied = answers().find(|answer| answer.result == DnsResult::NxDomain);
    let has_address = answers().any(|answer| !answer.addresses().is_empty());
    let finding = if let Some(answer) = answers().find(|answer| !answer.cname_chain().is_empty()) {
        // RFC 2181, section 10.3; RFC 2782.
        let to = answer.cname_chain().last().map_or("", |(_, to)| *to).to_owned();
        Finding::fail(
            "target_is_alias",
            format!("the {kind} record leads to `{name}`, which is an alias of `{to}`; it must have addresses itself"),
        )
        .remedy(format!("let the {kind} record lead to `{to}`, or give `{name}` addresses"))
    } else if let Some(answer) = denied.filter(|_| !has_address) {
        Finding::fail(
            "dangling_target",
            format!(
                "the {kind} record leads to `{name}`, which does not exist (NXDOMAIN, says {})",
                answer.answered_by
            ),
        )
        .remedy(format!(
            "create `{name}`, or delete the {kind} record: whoever registers the name gets its traffic"
        ))
    } else if has_address {
        return None;
    } else if let Some((reason, problem)) = looks.iter().find_map(|look| not_looked_up(*look)) {
        let message = format!("`{name}`, where the {kind} record leads, could not be looked up: {problem}");
        Finding::unknown("target_not_looked_up", reason, message)
            .remedy("look at the nameserver, or name another one in `nameservers`")
    } else {
        Finding::fail(
            "target_without_address",
            format!("the {kind} record leads to `{name}`, which has no address"),
        )
        .remedy(format!("add an A or AAAA record to `{name}`"))
    };
    Some(finding.subject(subject))
}

fn of_type(answer: &DnsAnswer, kind: RecordType) -> impl Iterator<Item = &RecordData> {
    let records = answer.records.iter().map(|record| &record.data);
    records.filter(move |data| data.is_of(kind))
}

/// The records of an answer for people, aliases left out.
pub(super) fn values(answer: &DnsAnswer) -> String {
    const MOST_SHOWN: usize = 4;
    let is_alias = |data: &RecordData| matches!(data, RecordData::Cname(_));
    let only_aliases = answer.records.iter().all(|record| is_alias(&record.data));
    let records = || {
        let data = answer.records.iter().map(|record| &record.data);
        data.filter(|data| only_aliases || !is_alias(data))
    };
    let mut all: Vec<String> = records()
        .take(MOST_SHOWN)
        .map(|data| format!("`{}`", shown(data)))
        .collect();
    let more = records().count().saturating_sub(MOST_SHOWN);
    if more > 0 {
        all.push(format!("{more} more"));
    }
    if all.is_empty() {
        "none".to_owned()
    } else {
        all.join(", ")
    }
}

/// A record for people, cut where it is long.
pub(super) fn shown(data: &RecordData) -> String {
    const LONGEST: usize = 100;
    let text = data.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests;
