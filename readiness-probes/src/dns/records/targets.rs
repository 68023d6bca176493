//! Where MX, NS and SRV records lead.

use std::collections::HashSet;

use futures_util::future::join;
use readiness_core::{
    Finding, ObserveError, ProbeContext,
    fact::{DnsAnswer, DnsLookup, DnsResult, Family, RecordType},
};

use super::{DnsRecords, Look, not_looked_up};

/// The most targets of MX, NS and SRV records that are looked up.
pub(super) const MOST_TARGETS: usize = 16;

/// Where records lead: the name, and what was said of its A and AAAA records.
pub(in crate::dns) struct Target {
    pub(in crate::dns) name: String,
    pub(in crate::dns) looks: [Result<DnsAnswer, ObserveError>; 2],
}

/// Where the records of an answer lead, each name once.
pub(super) fn targets(answer: Option<&DnsAnswer>) -> Vec<String> {
    let mut seen = HashSet::new();
    let records = answer.into_iter().flat_map(|answer| &answer.records);
    records
        .filter_map(|record| record.data.target())
        .filter(|target| seen.insert(*target))
        .take(MOST_TARGETS)
        .map(str::to_owned)
        .collect()
}

pub(super) async fn look_at_target(cx: &ProbeContext, settings: &DnsRecords, name: String) -> Target {
    let look = |family| cx.observe(DnsLookup::address(&name, family).via(settings.nameservers.clone()));
    let (v4, v6) = join(look(Family::V4), look(Family::V6)).await;
    let looks = [v4, v6].map(|look| look.map(|answer| (*answer).clone()));
    Target { name, looks }
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
