//! How a zone that holds is kept: its signatures' lives, its algorithms, its hashes.

use std::collections::BTreeSet;

use readiness_core::{Finding, Timestamp};

use super::{
    Dnssec,
    chain::{Not, Why},
    crypto::{Standing, algorithm_name, algorithm_standing, digest_name, digest_standing},
    name::Name,
    record::Ds,
    state::Judged,
    verify::Good,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

pub(super) fn findings(settings: &Dnssec, judged: &Judged, now: Timestamp) -> Vec<Finding> {
    let mut all = Vec::new();
    for (zone, sets) in &judged.met.verified {
        let is_own = judged.own.contains(zone);
        all.extend(window(settings, zone, sets, is_own, now));
        all.extend(algorithms(zone, sets, is_own));
    }
    for (zone, ds) in &judged.met.ds {
        let is_own = judged.own.contains(zone);
        all.extend(of_ds(zone, ds, is_own));
    }
    for zone in &judged.islands {
        let message =
            format!("`{zone}` is signed, and no zone above has a DS record of it: nobody can check it");
        all.push(
            Finding::note("island", message)
                .subject(zone.to_string())
                .remedy(format!("enter the DS record of `{zone}` at the registrar")),
        );
    }
    all.extend(hashes(judged));
    all
}

/// What a pass is summed up with.
pub(super) fn in_short(judged: &Judged) -> String {
    let own = || judged.own.iter().filter_map(|zone| judged.met.verified.get(zone));
    let algorithms: BTreeSet<u8> = own().flatten().map(|(_, good)| good.algorithm).collect();
    let algorithms: Vec<String> = algorithms.into_iter().map(algorithm_name).collect();
    let until = own().flatten().map(|(_, good)| good.expiration).min();
    let until = until.map_or_else(String::new, |until| format!(", until {}", until.date()));
    let zones = judged.met.verified.len();
    let noun = if zones == 1 { "zone" } else { "zones" };
    format!("secure: {zones} {noun}, {}{until}", algorithms.join(" and "))
}

/// How urgent a signature is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Urgency {
    Fine,
    TooLong,
    Soon,
    Now,
}

/// RFC 6781, section 4.4.2: a signature must outlast the time that it takes to mend its signer. Who signs at every
/// question gives short lives, and is judged by them.
fn urgency(settings: &Dnssec, good: &Good, now: Timestamp) -> Urgency {
    let left = good.expiration.seconds_since(now);
    let life = good.expiration.seconds_since(good.inception);
    let fail = (i64::from(settings.fail_hours) * HOUR).min(life / 8);
    let warn = (i64::from(settings.warn_hours) * HOUR).min(life / 4);
    if left < fail {
        Urgency::Now
    } else if left < warn {
        Urgency::Soon
    } else if left > i64::from(settings.max_days) * DAY {
        Urgency::TooLong
    } else {
        Urgency::Fine
    }
}

fn window(
    settings: &Dnssec,
    zone: &Name,
    sets: &[(String, Good)],
    is_own: bool,
    now: Timestamp,
) -> Option<Finding> {
    let rated = sets
        .iter()
        .map(|(label, good)| (urgency(settings, good, now), label, good));
    // Of equals the one that ends first.
    let (urgency, label, good) =
        rated.max_by_key(|(urgency, _, good)| (*urgency, std::cmp::Reverse(good.expiration)))?;
    let left = shown(good.expiration.seconds_since(now));
    let soon = format!(
        "the signature of the records {label} expires in {left} ({})",
        good.expiration
    );
    let finding = match urgency {
        Urgency::Fine => return None,
        Urgency::Now if is_own => Finding::fail("signature_expires_soon", soon),
        Urgency::Soon if is_own => Finding::warn("signature_expires_soon", soon),
        Urgency::TooLong if is_own => Finding::warn(
            "signature_lasts_too_long",
            format!(
                "the signature of the records {label} is valid for {left}, expected at most {} days",
                settings.max_days
            ),
        ),
        // Not the zone's owner's to mend, and some zones above have short lives by design.
        Urgency::Now => Finding::note("signature_expires_soon", soon),
        Urgency::Soon | Urgency::TooLong => return None,
    };
    let remedy = match urgency {
        Urgency::TooLong => {
            format!("sign `{zone}` for a few weeks: what was once signed can be replayed until it expires")
        }
        _ => format!("look at why the signer of `{zone}` has not signed again"),
    };
    Some(
        finding
            .subject(label.clone())
            .evidence("valid from", good.inception.to_string())
            .evidence("valid until", good.expiration.to_string())
            .remedy(remedy),
    )
}

fn shown(seconds: i64) -> String {
    let (count, noun) = match seconds {
        s if s >= 2 * DAY => (s / DAY, "day"),
        s if s >= 2 * HOUR => (s / HOUR, "hour"),
        s => (s / 60, "minute"),
    };
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// A finding of this standing; of zones above, a note.
fn rated(standing: Standing, is_own: bool, code: &'static str, message: String) -> Option<Finding> {
    match (standing, is_own) {
        (Standing::Sound, _) => None,
        (_, false) => Some(Finding::note(code, message)),
        (Standing::Deprecated, true) => Some(Finding::warn(code, message)),
        (Standing::Broken, true) => Some(Finding::fail(code, message)),
    }
}

fn algorithms(zone: &Name, sets: &[(String, Good)], is_own: bool) -> Vec<Finding> {
    let used: BTreeSet<u8> = sets.iter().map(|(_, good)| good.algorithm).collect();
    let judge = |algorithm: u8| {
        let name = algorithm_name(algorithm);
        let message =
            format!("`{zone}` is signed with {name}, which must not be used for signatures any more");
        let finding = rated(algorithm_standing(algorithm), is_own, "weak_algorithm", message)?;
        Some(
            finding
                .subject(format!("{name} of {zone}"))
                .remedy(format!("roll `{zone}` over to ECDSAP256SHA256")),
        )
    };
    used.into_iter().filter_map(judge).collect()
}

fn of_ds(zone: &Name, all: &[(Ds, bool)], is_own: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let digests: BTreeSet<u8> = all.iter().map(|(ds, _)| ds.digest_type).collect();
    let has_sound = digests
        .iter()
        .any(|digest| digest_standing(*digest) == Standing::Sound);
    for digest in digests {
        let name = digest_name(digest);
        let message = format!(
            "the zone above `{zone}` has a DS record of it by {name}, which is not to be used any more"
        );
        // Beside a better one it harms nobody.
        let is_urgent = is_own && !has_sound;
        let finding = rated(digest_standing(digest), is_urgent, "weak_digest", message);
        findings.extend(finding.map(|finding| {
            finding.subject(format!("{name} of {zone}")).remedy(format!(
                "enter a DS record of `{zone}` by SHA-256 at the registrar"
            ))
        }));
    }
    let algorithms: BTreeSet<u8> = all.iter().map(|(ds, _)| ds.algorithm).collect();
    let has_sound = algorithms
        .iter()
        .any(|algorithm| algorithm_standing(*algorithm) != Standing::Broken);
    for algorithm in algorithms {
        if algorithm_standing(algorithm) != Standing::Broken {
            continue;
        }
        let name = algorithm_name(algorithm);
        let message = format!("`{zone}` has a key of {name}, which no resolver checks any more");
        let finding = rated(Standing::Broken, is_own && !has_sound, "weak_algorithm", message);
        findings.extend(finding.map(|finding| {
            finding
                .subject(format!("{name} of {zone}"))
                .remedy(format!("roll `{zone}` over to ECDSAP256SHA256"))
        }));
    }
    if all.iter().any(|(_, has_key)| *has_key) {
        for (ds, _) in all.iter().filter(|(_, has_key)| !has_key) {
            let message = format!(
                "the zone above `{zone}` has a DS record of the key {}, which `{zone}` does not have",
                ds.tag
            );
            findings.push(
                Finding::note("ds_to_spare", message)
                    .subject(format!("DS {} {} of {zone}", ds.tag, ds.digest_type)),
            );
        }
    }
    findings
}

/// RFC 9276, section 3.1.
fn hashes(judged: &Judged) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (zone, (iterations, salt)) in &judged.met.hashes {
        if !judged.own.contains(zone) {
            continue;
        }
        let remedy = format!("set the NSEC3 parameters of `{zone}` to `1 0 0 -`");
        if *iterations > 0 {
            let message = format!("`{zone}` hashes names with {iterations} iterations, expected 0");
            let finding = if matches!(judged.state, Err(Not::Insecure(Why::Iterations { .. }))) {
                Finding::warn(
                    "nsec3_iterations",
                    format!("{message}: resolvers take it as if it were not signed"),
                )
            } else {
                Finding::note("nsec3_iterations", message)
            };
            findings.push(finding.subject(zone.to_string()).remedy(remedy.clone()));
        }
        if *salt > 0 {
            let message = format!("`{zone}` hashes names with a salt of {salt} bytes, expected none");
            findings.push(
                Finding::note("nsec3_salt", message)
                    .subject(zone.to_string())
                    .remedy(remedy),
            );
        }
    }
    findings
}
