//! Where the mail of the domain goes.

use std::net::IpAddr;

use readiness_core::{
    Finding, ObserveError, Reason,
    fact::{DnsAnswer, RecordData, RecordType},
};

use super::{
    super::records::{Target, judge_target},
    MailUse,
    answers::{Answers, Question},
    tags::cut,
};
use crate::address::special_purpose;

/// The most exchanges that are looked at.
const MOST_EXCHANGES: usize = 16;

/// What is said of the exchanges.
#[derive(Debug, Default)]
pub(super) struct Exchanges {
    pub(super) findings: Vec<Finding>,
    /// One word or two: `2 exchanges`, `null MX`.
    pub(super) gist: String,
    /// What was seen, for people.
    pub(super) seen: String,
    pub(super) wanted: Vec<Question>,
}

/// Judges the MX records of a domain. RFC 5321, section 5.1; RFC 7505.
pub(super) fn judge(domain: &str, mail: Option<MailUse>, answers: &Answers) -> Exchanges {
    let mut said = Exchanges {
        wanted: vec![(domain.to_owned(), RecordType::Mx)],
        ..Exchanges::default()
    };
    let answer = match answers.answer(domain, RecordType::Mx) {
        Ok(answer) => answer,
        Err(lost) => {
            said.gist = "MX unknown".to_owned();
            said.seen.clone_from(&lost.problem);
            let message = format!(
                "the MX records of `{domain}` could not be looked up: {}",
                lost.problem
            );
            said.findings.push(
                Finding::unknown("mx_not_looked_up", lost.reason, message)
                    .subject("MX")
                    .remedy("look at the nameserver, or name another one in `nameservers`"),
            );
            return said;
        }
    };
    let mut all = exchanges(answer);
    all.sort_unstable();
    let shown = all
        .iter()
        .take(MOST_EXCHANGES)
        .map(|(preference, name)| format!("{preference} {name}"));
    said.seen = shown.collect::<Vec<_>>().join(", ");
    let is_null = |(_, name): &(u16, &str)| *name == ".";
    if all.is_empty() {
        said.gist = "no MX".to_owned();
        said.seen = "none".to_owned();
        none(domain, mail, answers, &mut said);
    } else if all.iter().all(is_null) {
        said.gist = "null MX".to_owned();
        if mail.is_some_and(MailUse::receives) {
            let message =
                format!("`{domain}` should receive mail, and says with a null MX that it receives none");
            said.findings
                .push(Finding::fail("null_mx", message).subject("MX").remedy(format!(
                    "name the mail exchanges in the MX records of `{domain}`, or set `mail`"
                )));
        }
    } else {
        if all.iter().any(is_null) {
            let message = format!("`{domain}` has a null MX beside exchanges: senders may take it as either");
            said.findings.push(
                Finding::fail("null_mx_beside_others", message)
                    .subject("MX")
                    .remedy("delete the record `0 .`, or all the others (RFC 7505, section 3)"),
            );
        }
        if mail.is_some_and(|mail| !mail.receives()) {
            let message = format!("`{domain}` should receive no mail, and has MX records");
            said.findings.push(
                Finding::fail("unexpected_mx", message)
                    .subject("MX")
                    .evidence("found", said.seen.clone())
                    .remedy(format!(
                        "replace the MX records of `{domain}` by `0 .` (RFC 7505), or set `mail`"
                    )),
            );
        }
        all.retain(|exchange| !is_null(exchange));
        targets(domain, &all, answers, &mut said);
    }
    said
}

fn exchanges(answer: &DnsAnswer) -> Vec<(u16, &str)> {
    let records = answer.records.iter().filter_map(|record| match &record.data {
        RecordData::Mx { preference, exchange } => Some((*preference, exchange.as_str())),
        _ => None,
    });
    records.collect()
}

/// Without MX records senders take the addresses of the domain itself. RFC 5321, section 5.1.
fn none(domain: &str, mail: Option<MailUse>, answers: &Answers, said: &mut Exchanges) {
    if mail.is_some_and(MailUse::receives) {
        let message = format!("`{domain}` should receive mail, and has no MX record");
        said.findings.push(
            Finding::fail("no_mx", message)
                .subject("MX")
                .remedy(format!("name the mail exchanges in the MX records of `{domain}`")),
        );
        return;
    }
    let kinds = [RecordType::A, RecordType::Aaaa];
    said.wanted.extend(kinds.map(|kind| (domain.to_owned(), kind)));
    let mut addresses: Vec<IpAddr> = Vec::new();
    for kind in kinds {
        match answers.answer(domain, kind) {
            Ok(answer) => addresses.extend(answer.addresses()),
            Err(lost) => {
                let message = format!(
                    "the {kind} records of `{domain}` could not be looked up: {}",
                    lost.problem
                );
                said.findings.push(
                    Finding::unknown("address_not_looked_up", lost.reason, message)
                        .subject(kind.to_string())
                        .remedy("look at the nameserver, or name another one in `nameservers`"),
                );
            }
        }
    }
    if let Some(address) = addresses.first() {
        let message = format!("`{domain}` has no MX record: senders try its address `{address}` instead");
        said.findings
            .push(Finding::warn("no_null_mx", message).subject("MX").remedy(format!(
                "add the MX record `0 .` to `{domain}` if it receives no mail (RFC 7505), or its exchanges"
            )));
    }
}

fn targets(domain: &str, all: &[(u16, &str)], answers: &Answers, said: &mut Exchanges) {
    let mut names: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
    names.sort_unstable();
    names.dedup();
    said.gist = match names.len() {
        1 => "1 exchange".to_owned(),
        count => format!("{count} exchanges"),
    };
    if names.len() > MOST_EXCHANGES {
        let message = format!(
            "{} of the {} exchanges are looked at",
            MOST_EXCHANGES,
            names.len()
        );
        said.findings
            .push(Finding::note("more_exchanges", message).subject("MX"));
    }
    let mut can_be_reached = Reached::NotSeen;
    for name in names.into_iter().take(MOST_EXCHANGES) {
        if name.parse::<IpAddr>().is_ok() {
            let message = format!(
                "the MX record of `{domain}` holds the address `{name}`, expected the name of a host"
            );
            said.findings.push(
                Finding::fail("exchange_is_address", message)
                    .subject(format!("MX target {name}"))
                    .remedy(
                        "give the exchange a name with that address, and let the MX record lead to the name",
                    ),
            );
            continue;
        }
        let kinds = [RecordType::A, RecordType::Aaaa];
        said.wanted.extend(kinds.map(|kind| (name.to_owned(), kind)));
        let not_asked = || {
            Err(ObserveError::new(
                Reason::DNS_SILENT,
                format!("`{}` was not asked", cut(name)),
            ))
        };
        let looks = kinds.map(|kind| answers.get(name, kind).cloned().unwrap_or_else(not_asked));
        let addresses: Vec<IpAddr> = looks
            .iter()
            .flatten()
            .flat_map(DnsAnswer::addresses)
            .take(16)
            .collect();
        let target = Target {
            name: name.to_owned(),
            looks,
        };
        said.findings.extend(judge_target(RecordType::Mx, &target));
        for address in addresses {
            let special = special_purpose(address);
            can_be_reached = match (special, can_be_reached) {
                (Some(_), Reached::NotSeen | Reached::FromInside) => Reached::FromInside,
                _ => Reached::FromOutside,
            };
            if let Some(what) = special {
                let message = format!(
                    "`{name}` has the address `{address}`, which is {what}: the world cannot reach it"
                );
                said.findings.push(
                    Finding::note("special_purpose_address", message).subject(format!("MX target {name}")),
                );
            }
        }
    }
    if can_be_reached == Reached::FromInside {
        let message = format!("no exchange of `{domain}` has an address that the world can reach");
        said.findings.push(
            Finding::warn("exchanges_unreachable", message)
                .subject("MX")
                .remedy(
                    "give an exchange a public address, unless the domain has its mail from inside alone",
                ),
        );
    }
}

/// From where the exchanges can be reached, as far as their addresses are known.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reached {
    FromInside,
    FromOutside,
    NotSeen,
}
