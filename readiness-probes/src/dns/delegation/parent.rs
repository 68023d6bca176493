//! What the parent says of the zone.

use std::collections::BTreeSet;

use readiness_core::{
    Finding, Outcome, Reason,
    fact::{DnsAnswer, DnsRecord, DnsResult, RecordData},
};

use super::{Seen, problem};

/// The zone's nameservers as the parent names them, sorted.
#[derive(Debug)]
pub(super) struct Delegation {
    pub(super) names: Vec<String>,
    pub(super) findings: Vec<Finding>,
}

/// The nameservers that any server of the parent names, each once.
pub(super) fn names(zone: &str, seen: &Seen) -> Vec<String> {
    let answers = seen.parents.iter().filter_map(|(_, look)| look.as_ref().ok());
    let all: BTreeSet<String> = answers.flat_map(|answer| referral(zone, answer)).collect();
    all.into_iter().collect()
}

/// The nameservers of a referral, or of an answer where the server serves both zones.
fn referral(zone: &str, answer: &DnsAnswer) -> BTreeSet<String> {
    let of_zone = |record: &&DnsRecord| record.name == zone;
    let ns = |record: &DnsRecord| match &record.data {
        RecordData::Ns(name) => Some(name.clone()),
        _ => None,
    };
    let records = answer.records.iter().chain(&answer.authority);
    records.filter(of_zone).filter_map(ns).collect()
}

/// The delegation, or an outcome where there is none to judge.
pub(super) fn judge(zone: &str, seen: &Seen) -> Result<Delegation, Box<Outcome>> {
    if let Some(e) = &seen.no_parents {
        return Err(Box::new(match &e.cause {
            Some(cause) => Outcome::dependency_failed(cause.clone()),
            None => Outcome::unknown(
                e.root_reason().clone(),
                format!("the parent of `{zone}` could not be found: {}", e.message),
            ),
        }));
    }
    let names = names(zone, seen);
    if names.is_empty() {
        return Err(Box::new(not_delegated(zone, seen)));
    }
    let mut findings = Vec::new();
    for (server, look) in &seen.parents {
        let subject = format!("parent {server}");
        if let Some((_, problem)) = problem(look) {
            // Another one answered: it is the parent's fault, not the zone's.
            findings.push(Finding::note("parent_not_looked_at", problem).subject(subject));
            continue;
        }
        let Ok(answer) = look else { continue };
        let own = referral(zone, answer);
        if own.len() != names.len() {
            let missing: Vec<&str> = names
                .iter()
                .filter(|name| !own.contains(*name))
                .map(String::as_str)
                .collect();
            let message = format!(
                "the nameservers of the parent disagree: {server} does not name {} as nameserver of `{zone}`",
                missing.join(", ")
            );
            findings.push(
                Finding::warn("parents_disagree", message)
                    .subject(subject)
                    .remedy("wait until the registry has published the change, or ask it why it has not"),
            );
        }
    }
    Ok(Delegation { names, findings })
}

fn not_delegated(zone: &str, seen: &Seen) -> Outcome {
    let answered = seen
        .parents
        .iter()
        .find_map(|(_, look)| match (problem(look), look) {
            (None, Ok(answer)) => Some(answer),
            _ => None,
        });
    let Some(answer) = answered else {
        let problem = seen.parents.iter().find_map(|(_, look)| problem(look));
        let (reason, words) = problem.unwrap_or((Reason::DNS_SILENT, "nobody was asked".to_owned()));
        return Outcome::unknown(reason, format!("the parent of `{zone}` does not answer: {words}"));
    };
    let by = &answer.answered_by;
    let above = answer.authority.iter().find_map(|record| match record.data {
        RecordData::Ns(_) => Some(record.name.as_str()),
        _ => None,
    });
    if let Some(above) = above {
        let message = format!("{by} refers to the nameservers of `{above}`, and is no parent of `{zone}`");
        return Outcome::unknown(Reason::DNS_NODATA, message);
    }
    if answer.result != DnsResult::NxDomain && !answer.authoritative {
        let message = format!("{by} has no authority over the parent of `{zone}`");
        return Outcome::unknown(Reason::DNS_NODATA, message);
    }
    let (what, code) = match answer.result {
        DnsResult::NxDomain => ("does not exist in its parent (NXDOMAIN", "zone_does_not_exist"),
        _ => (
            "is not delegated: its parent has no NS records of it (NODATA",
            "not_delegated",
        ),
    };
    let message = format!("`{zone}` {what}, says {by})");
    let finding = Finding::fail(code, message.clone()).remedy(format!(
        "enter the nameservers of `{zone}` at the registrar, or correct `zone`"
    ));
    Outcome::judged(message, vec![finding])
}
