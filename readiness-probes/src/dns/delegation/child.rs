//! What the zone's own nameservers say.

use std::collections::{BTreeMap, BTreeSet};

use readiness_core::{
    Finding, ObserveError, Reason,
    fact::{DnsAnswer, DnsResult, RecordData},
};

use super::{Look, Server, has_records, problem};

/// The recommended SOA timers, in seconds: name, least, most.
const REFRESH_SECONDS: u32 = 14_400;
const RETRY_SECONDS: u32 = 3_600;
const EXPIRE_SECONDS: u32 = 604_800;
const NEGATIVE_SECONDS: std::ops::RangeInclusive<u32> = 300..=86_400;

/// The SOA record of an answer.
pub(super) fn soa(look: &Look) -> Option<&RecordData> {
    let records = look.iter().flat_map(|answer| &answer.records);
    records
        .map(|record| &record.data)
        .find(|data| matches!(data, RecordData::Soa { .. }))
}

/// What a server said, for people.
pub(super) fn said(server: &Server) -> String {
    let one = |look: &Look| match (problem(look), look, soa(look)) {
        (Some((_, problem)), ..) => problem,
        (None, Ok(answer), Some(RecordData::Soa { serial, .. })) if answer.authoritative => {
            format!("serial {serial}, with authority")
        }
        (None, Ok(_), Some(RecordData::Soa { serial, .. })) => format!("serial {serial}, without authority"),
        (None, Ok(answer), _) => match answer.result {
            DnsResult::NxDomain => "NXDOMAIN".to_owned(),
            _ => "no SOA record".to_owned(),
        },
        (None, Err(e), _) => e.message.clone(),
    };
    format!("UDP: {}; TCP: {}", one(&server.soa_udp), one(&server.soa_tcp))
}

/// The faults of one server: those of both transports once.
pub(super) fn judge_server(zone: &str, server: &Server) -> Vec<Finding> {
    let over_udp = fault(zone, server, &server.soa_udp);
    let over_tcp = fault(zone, server, &server.soa_tcp);
    let subject = server.label();
    match (over_udp, over_tcp) {
        (None, None) => Vec::new(),
        (Some(udp), Some(tcp)) if udp.code == tcp.code => vec![udp.finding(&subject, "over UDP and TCP")],
        (udp, tcp) => {
            let udp = udp.map(|fault| fault.finding(&subject, "over UDP"));
            let tcp = tcp.map(|fault| fault.finding(&subject, "over TCP"));
            udp.into_iter().chain(tcp).collect()
        }
    }
}

struct Fault {
    code: &'static str,
    what: String,
    evidence: String,
    remedy: String,
    /// Where nothing could be learnt from here.
    unknown: Option<Reason>,
}

impl Fault {
    fn finding(self, subject: &str, over: &str) -> Finding {
        let message = format!("the nameserver {subject} {} {over}", self.what);
        let finding = match self.unknown {
            Some(reason) => Finding::unknown(self.code, reason, message),
            None => Finding::fail(self.code, message),
        };
        finding
            .subject(format!("{subject} {over}"))
            .evidence("said", self.evidence)
            .remedy(self.remedy)
    }
}

fn fault(zone: &str, server: &Server, look: &Look) -> Option<Fault> {
    let (code, what, remedy) = match look {
        Err(e) if e.root_reason() != &Reason::DNS_SILENT => return Some(not_asked(e)),
        Err(_) => (
            "nameserver_silent",
            "does not answer".to_owned(),
            format!(
                "start the nameserver, let port {} through for UDP and TCP, or take it out of the NS records",
                server.address.port()
            ),
        ),
        Ok(answer) => refused(zone, answer)?,
    };
    let evidence = match look {
        Err(e) => e.message.clone(),
        Ok(answer) => format!("{:?}, authoritative: {}", answer.result, answer.authoritative),
    };
    Some(Fault {
        code,
        what,
        evidence,
        remedy,
        unknown: None,
    })
}

fn not_asked(e: &ObserveError) -> Fault {
    Fault {
        code: "nameserver_not_asked",
        what: "could not be asked".to_owned(),
        evidence: e.message.clone(),
        remedy: "look at the connection of this machine".to_owned(),
        unknown: Some(e.root_reason().clone()),
    }
}

fn refused(zone: &str, answer: &DnsAnswer) -> Option<(&'static str, String, String)> {
    let serve = format!("let it serve `{zone}`, or take it out of the NS records");
    let is_alias = answer
        .cname_chain()
        .first()
        .is_some_and(|(from, _)| *from == zone);
    Some(match &answer.result {
        DnsResult::Refused => (
            "nameserver_refuses",
            format!("refuses to answer for `{zone}` (REFUSED)"),
            serve,
        ),
        DnsResult::ServFail => (
            "nameserver_fails",
            format!("fails for `{zone}` (SERVFAIL)"),
            format!("look at its log: the zone `{zone}` may not load, or be expired"),
        ),
        DnsResult::Rcode(code) => (
            "nameserver_fails",
            format!("answers for `{zone}` with the response code {code}"),
            serve,
        ),
        // RFC 1034, section 3.6.2: no other data beside an alias, and a zone begins with SOA and NS.
        _ if is_alias => (
            "alias_at_apex",
            format!("has an alias at the apex of `{zone}`"),
            format!("replace the CNAME record of `{zone}` by addresses"),
        ),
        DnsResult::Records if answer.authoritative => return None,
        DnsResult::Records => (
            "nameserver_lame",
            format!("answers for `{zone}` without authority (AA is not set)"),
            serve,
        ),
        DnsResult::NoData | DnsResult::NxDomain => {
            ("nameserver_lame", format!("has no SOA record of `{zone}`"), serve)
        }
        _ => return None,
    })
}

/// What the servers say beside each other, and beside the parent.
pub(super) fn compare(zone: &str, delegated: &[String], servers: &[Server]) -> Vec<Finding> {
    let mut findings: Vec<Finding> = servers
        .iter()
        .filter_map(|server| compare_names(zone, delegated, server))
        .collect();
    let mut serials: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    let mut timers: BTreeMap<&'static str, Finding> = BTreeMap::new();
    for server in servers {
        let Some(RecordData::Soa {
            serial,
            refresh,
            retry,
            expire,
            minimum,
            ..
        }) = has_records(&server.soa_udp)
            .or_else(|| has_records(&server.soa_tcp))
            .filter(|answer| answer.authoritative)
            .and_then(soa_of)
        else {
            continue;
        };
        serials.entry(*serial).or_default().push(server.label());
        for (what, problem) in judge_timers([*refresh, *retry, *expire, *minimum]) {
            let message = format!("the SOA record of `{zone}` has {problem}");
            timers.entry(what).or_insert_with(|| {
                Finding::warn("soa_timer", message)
                    .subject(format!("SOA {what}"))
                    .remedy(format!("correct `{what}` in the SOA record"))
            });
        }
    }
    if serials.len() > 1 {
        let all: Vec<String> = serials
            .iter()
            .map(|(serial, servers)| format!("{serial} at {}", servers.join(", ")))
            .collect();
        let message = format!(
            "the nameservers of `{zone}` have different versions of it: {}",
            all.join("; ")
        );
        findings.push(
            Finding::warn("serials_differ", message)
                .subject("SOA serial")
                .remedy("look at why the transfer to the others fails, unless the zone has just changed"),
        );
    }
    findings.extend(timers.into_values());
    findings
}

fn soa_of(answer: &DnsAnswer) -> Option<&RecordData> {
    let data = answer.records.iter().map(|record| &record.data);
    data.into_iter()
        .find(|data| matches!(data, RecordData::Soa { .. }))
}

fn compare_names(zone: &str, delegated: &[String], server: &Server) -> Option<Finding> {
    // Who has no authority is named already.
    let answer = has_records(&server.ns).filter(|answer| answer.authoritative)?;
    let own: BTreeSet<&str> = answer
        .records
        .iter()
        .filter_map(|record| match &record.data {
            RecordData::Ns(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let parent: BTreeSet<&str> = delegated.iter().map(String::as_str).collect();
    if own == parent {
        return None;
    }
    let list = |names: Vec<&&str>| {
        names
            .iter()
            .map(|name| **name)
            .take(13)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (only_own, only_parent) = (
        list(own.difference(&parent).collect()),
        list(parent.difference(&own).collect()),
    );
    let mut parts = Vec::new();
    if !only_parent.is_empty() {
        parts.push(format!("the parent alone names {only_parent}"));
    }
    if !only_own.is_empty() {
        parts.push(format!("{} alone names {only_own}", server.label()));
    }
    let message = format!(
        "the NS records of `{zone}` differ from those of its parent: {}",
        parts.join("; ")
    );
    Some(
        Finding::fail("parent_and_child_differ", message)
            .subject(server.label())
            .remedy("make the NS records in the zone and at the registrar the same"),
    )
}

/// What is wrong with refresh, retry, expire and minimum, by the name of the timer.
pub(super) fn judge_timers([refresh, retry, expire, minimum]: [u32; 4]) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    let mut at_least = |what, value: u32, least: u32| {
        if value < least {
            wrong.push((what, format!("`{what}` {value} s, expected at least {least} s")));
        }
    };
    at_least("refresh", refresh, REFRESH_SECONDS);
    at_least("retry", retry, RETRY_SECONDS);
    at_least("expire", expire, EXPIRE_SECONDS);
    if retry >= refresh && retry >= RETRY_SECONDS {
        wrong.push((
            "retry",
            format!("`retry` {retry} s, expected less than `refresh` ({refresh} s)"),
        ));
    }
    let (least, most) = (NEGATIVE_SECONDS.start(), NEGATIVE_SECONDS.end());
    if !NEGATIVE_SECONDS.contains(&minimum) {
        wrong.push((
            "minimum",
            format!("`minimum` {minimum} s, expected {least} to {most} s"),
        ));
    }
    wrong
}
