use std::collections::BTreeMap;

use readiness_core::{Finding, Outcome, fact::TlsVersion};

use super::enumerate::{Fallback, Seen};
use crate::tls::{
    group,
    guideline::{MOZILLA, Profile},
    key_exchange, refusal,
    suite::{Fault, REMEDY, Signature, Suite},
    versions::nothing_agreed,
};

/// The most names that stand in one message, and in one piece of evidence.
const FEW_NAMES: usize = 3;
const MOST_NAMES: usize = 20;

pub(super) fn judge(seen: &Seen, profile: &Profile) -> Outcome {
    if let Some((reason, why)) = nothing_agreed(&seen.tried) {
        return Outcome::judged(
            format!("no version was agreed upon: {}", reason.describe()),
            vec![refusal::finding(&reason, why)],
        )
        .evidence("connections", seen.hellos.to_string());
    }
    let mut findings = of_suites(seen);
    findings.extend(of_groups(seen));
    for finding in seen.flights.iter().flat_map(key_exchange::findings) {
        let is_known = |known: &Finding| known.code == finding.code && known.subject == finding.subject;
        if !findings.iter().any(is_known) {
            findings.push(finding);
        }
    }
    findings.extend(outside(seen, profile));
    findings.extend(of_post_quantum(seen));
    findings.extend(of_fallback(seen));
    findings.extend(of_gaps(seen));
    with_evidence(Outcome::judged(summary(seen), findings), seen, profile)
}

fn summary(seen: &Seen) -> String {
    let mut parts: Vec<String> = seen
        .suites
        .iter()
        .map(|(version, suites)| format!("{} in {version}", suites.len()))
        .collect();
    if let Some(first) = parts.first_mut() {
        *first = first.replacen(' ', " suites ", 1);
    }
    let groups = match seen.groups.len() + seen.old_groups.len() {
        1 => "1 group".to_owned(),
        groups => format!("{groups} groups"),
    };
    format!("{}; {groups}", parts.join(", "))
}

/// Each suite that is offered, with the versions it is offered in.
fn offered(seen: &Seen) -> BTreeMap<&'static str, (Suite, Vec<TlsVersion>)> {
    let mut all: BTreeMap<_, (Suite, Vec<TlsVersion>)> = BTreeMap::new();
    for (version, suites) in &seen.suites {
        for suite in suites.iter().filter_map(|number| Suite::of(*number)) {
            let entry = all.entry(suite.name).or_insert_with(|| (suite, Vec::new()));
            entry.1.push(*version);
        }
    }
    all
}

fn of_suites(seen: &Seen) -> Vec<Finding> {
    let all = offered(seen);
    let with = |fault: Fault| {
        let faulty: Vec<_> = all
            .values()
            .filter(|(suite, _)| Fault::of(suite) == Some(fault))
            .collect();
        let names: Vec<&str> = faulty.iter().map(|(suite, _)| suite.name).collect();
        let message = match names.as_slice() {
            [] => return None,
            [name] => format!("1 suite {}: `{name}`", fault.words()),
            names => format!("{} suites {}: {}", names.len(), fault.plural(), quoted(names)),
        };
        let finding = if fault.is_failure() {
            Finding::fail(fault.code(), message)
        } else {
            Finding::warn(fault.code(), message)
        };
        let listed = faulty.iter().map(|(suite, versions)| {
            let versions: Vec<String> = versions.iter().map(TlsVersion::to_string).collect();
            format!("{} ({})", suite.name, versions.join(", "))
        });
        let listed: Vec<String> = listed.collect();
        Some(finding.evidence("suites", listed.join(", ")).remedy(REMEDY))
    };
    Fault::ALL.into_iter().filter_map(with).collect()
}

fn of_groups(seen: &Seen) -> Option<Finding> {
    let weak: Vec<u16> = groups(seen).filter(|group| group::is_weak(*group)).collect();
    (!weak.is_empty()).then(|| key_exchange::weak_groups(&weak))
}

fn groups(seen: &Seen) -> impl Iterator<Item = u16> {
    seen.groups.iter().chain(&seen.old_groups).copied()
}

/// What is strong and stands outside of the profile. Old versions and weak suites are told of elsewhere.
fn outside(seen: &Seen, profile: &Profile) -> Vec<Finding> {
    let of = |what: &str| {
        format!(
            "{what} the profile `{}` of Mozilla's guideline {}",
            profile.name, MOZILLA.edition
        )
    };
    let mut findings = Vec::new();
    let strays =
        |version: &&TlsVersion| **version >= TlsVersion::Tls12 && !profile.versions.contains(version);
    for version in seen.suites.keys().filter(strays) {
        findings.push(
            Finding::warn(
                "version_outside_profile",
                of(&format!("{version} is offered, which is outside of")),
            )
            .subject(version.to_string())
            .remedy(format!(
                "turn {version} off, or hold the server against `intermediate`"
            )),
        );
    }
    let suites: Vec<&str> = seen
        .suites
        .iter()
        .filter(|(version, _)| profile.versions.contains(version))
        .flat_map(|(_, suites)| suites)
        .filter(|number| !profile.suites.contains(number))
        .filter_map(|number| Suite::of(*number))
        .filter(|suite| Fault::of(suite).is_none())
        .map(|suite| suite.name)
        .collect();
    if !suites.is_empty() {
        let message = of(&format!("{} strong suites are outside of", suites.len()));
        findings.push(Finding::note("suites_outside_profile", message).evidence("suites", suites.join(", ")));
    }
    let groups: Vec<String> = groups(seen)
        .filter(|group| !profile.groups.contains(group) && !group::is_weak(*group))
        .map(group::name)
        .collect();
    if !groups.is_empty() {
        let message = of(&format!("{} strong groups are outside of", groups.len()));
        findings.push(Finding::note("groups_outside_profile", message).evidence("groups", groups.join(", ")));
    }
    findings
}

fn of_post_quantum(seen: &Seen) -> Option<Finding> {
    if seen.groups.is_empty() {
        return None;
    }
    let names: Vec<String> = seen
        .groups
        .iter()
        .filter(|group| group::is_post_quantum(**group))
        .map(|group| format!("`{}`", group::name(*group)))
        .collect();
    Some(match names.is_empty() {
        true => Finding::note(
            "no_post_quantum",
            "no post-quantum group is offered: what is recorded today may be read later (OpenSSL 3.5 and \
             later have `X25519MLKEM768`)",
        ),
        false => Finding::note("post_quantum", format!("{} is offered", names.join(", "))),
    })
}

fn of_fallback(seen: &Seen) -> Option<Finding> {
    match seen.fallback? {
        Fallback::Refused => None,
        Fallback::Accepted(version) => Some(Finding::note(
            "no_fallback_scsv",
            format!(
                "a client that says it falls back to {version} is let in, expected the alert \
                 `inappropriate_fallback` (RFC 7507)"
            ),
        )),
    }
}

fn of_gaps(seen: &Seen) -> impl Iterator<Item = Finding> {
    seen.gaps.iter().map(|gap| {
        Finding::unknown(
            "incomplete",
            gap.reason.clone(),
            format!("the {} were not asked for to the end: {}", gap.what, gap.why),
        )
        .subject(gap.what.clone())
        .remedy("look again, from nearby, and without limits on connections in between")
    })
}

fn with_evidence(mut outcome: Outcome, seen: &Seen, profile: &Profile) -> Outcome {
    for (version, suites) in seen.suites.iter().rev() {
        for (i, part) in suites.chunks(MOST_NAMES).enumerate() {
            let label = match i {
                0 => format!("{version} suites"),
                _ => format!("{version} suites from the {}th", i * MOST_NAMES + 1),
            };
            let names = part.iter().filter_map(|number| Suite::of(*number));
            let names: Vec<&str> = names.map(|suite| suite.name).collect();
            outcome = outcome.evidence(label, names.join(", "));
        }
    }
    for (label, groups) in [
        ("TLS 1.3 groups", &seen.groups),
        ("TLS 1.2 groups", &seen.old_groups),
    ] {
        if !groups.is_empty() {
            let names: Vec<String> = groups.iter().map(|group| group::name(*group)).collect();
            outcome = outcome.evidence(label, names.join(", "));
        }
    }
    if let Some(server) = seen.server_order {
        outcome = outcome.evidence("order", if server { "the server's" } else { "the client's" });
    }
    let kinds: Vec<&str> = [(Signature::Ecdsa, "ECDSA"), (Signature::Rsa, "RSA")]
        .into_iter()
        .filter(|(signature, _)| {
            offered(seen)
                .values()
                .any(|(suite, _)| suite.signature == *signature)
        })
        .map(|(_, name)| name)
        .collect();
    if !kinds.is_empty() {
        outcome = outcome.evidence("keys", kinds.join(" and "));
    }
    if let Some(bits) = seen.flights.iter().filter_map(|hello| hello.dh_bits).min() {
        outcome = outcome.evidence("Diffie-Hellman prime", format!("{bits} bits"));
    }
    if seen.fallback == Some(Fallback::Refused) {
        outcome = outcome.evidence("fallback", "seen through (TLS_FALLBACK_SCSV)");
    }
    if seen.ends_without_alert {
        outcome = outcome.evidence("refusals", "by closing the connection, without an alert");
    }
    outcome
        .evidence(
            "profile",
            format!("{} of Mozilla's guideline {}", profile.name, MOZILLA.edition),
        )
        .evidence("connections", seen.hellos.to_string())
}

/// A few names, and how many more there are.
fn quoted(names: &[&str]) -> String {
    let mut list: Vec<String> = names
        .iter()
        .take(FEW_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    if let Some(more) = names.len().checked_sub(FEW_NAMES).filter(|more| *more > 0) {
        list.push(format!("{more} more"));
    }
    list.join(", ")
}
