//! What a report says beside its results: waivers, attestations, baseline, trend, view, cost.

use std::fmt::Write as _;

use readiness_core::{
    Report, Timestamp,
    score::{AttestationRecord, BasisPoints, ChangeKind, WaiverRecord, WaiverState},
};

use crate::escape::{code, prose};

pub(super) fn waivers(report: &Report) -> Vec<String> {
    let describe = |state: WaiverState| match state {
        WaiverState::Active => "active",
        WaiverState::Expired => "expired",
        WaiverState::NotYet => "not begun",
        WaiverState::Stale => "stale: what it waives does not fail, so it can go",
        WaiverState::Rejected => "breaks the rules of waivers, so it has no effect",
        _ => "of a newer kind",
    };
    let entry = |record: &WaiverRecord| {
        let waiver = &record.waiver;
        let mut about = code(&waiver.requirement);
        for (word, part) in [
            (" at ", &waiver.target),
            (", finding ", &waiver.code),
            (", subject ", &waiver.subject),
        ] {
            if let Some(part) = part {
                about.push_str(word);
                about.push_str(&code(part));
            }
        }
        let approved = match &waiver.approver {
            Some(approver) => format!(", approved by {}", code(approver)),
            None => String::new(),
        };
        format!(
            "- {about}: {}\n  - until {}, owner {}{approved}\n  - reason: {}\n",
            describe(record.state),
            date(waiver.until),
            code(&waiver.owner),
            prose(&waiver.reason),
        )
    };
    report.waivers.iter().map(entry).collect()
}

pub(super) fn attestations(report: &Report) -> Vec<String> {
    let entry = |record: &AttestationRecord| {
        let attestation = &record.attestation;
        let used = if record.used { "decides" } else { "not used" };
        let note = match record.note.as_str() {
            "" => String::new(),
            note => format!(": {}", prose(note)),
        };
        let until = match attestation.until {
            Some(until) => format!(", until {}", date(until)),
            None => String::new(),
        };
        let mut text = format!(
            "- {}: {used}{note}\n  - signed by {} ({}) on {}{until}\n  - statement: {}\n",
            code(&attestation.requirement),
            code(&attestation.signer),
            prose(&attestation.role),
            date(attestation.at),
            prose(&attestation.statement),
        );
        for evidence in &attestation.evidence {
            let _ = writeln!(
                text,
                "  - evidence: {}, SHA-256 {}",
                code(&evidence.url),
                code(evidence.sha256.as_str())
            );
        }
        text
    };
    report.attestations.iter().map(entry).collect()
}

pub(super) fn baseline(report: &Report) -> Vec<String> {
    let Some(baseline) = &report.baseline else {
        return Vec::new();
    };
    let mut entries = vec![format!("- known before and excused: {}\n", baseline.excused)];
    entries.extend(
        baseline
            .refused
            .iter()
            .map(|why| format!("- not excused: {}\n", prose(why))),
    );
    entries.extend(baseline.stale.iter().map(|known| {
        let subject = match known.subject.trim() {
            "" => String::new(),
            subject => format!(", {}", prose(subject)),
        };
        format!(
            "- gone, can be taken out: {} at {}, {}{subject}\n",
            code(&known.requirement),
            code(&known.target),
            code(&known.code),
        )
    }));
    entries
}

pub(super) fn trend(report: &Report) -> Vec<String> {
    let Some(trend) = &report.trend else {
        return Vec::new();
    };
    let step = |name: &str, before: Option<BasisPoints>, now: Option<BasisPoints>| {
        let change = match (before, now) {
            (Some(before), Some(now)) => {
                let sign = if now >= before { "+" } else { "-" };
                let points = now.get().abs_diff(before.get());
                format!(" ({sign}{}.{:02} points)", points / 100, points % 100)
            }
            _ => String::new(),
        };
        format!("- {name}: {} → {}{change}\n", share(before), share(now))
    };
    let mut entries = vec![
        step("proven", trend.proven_before, report.score.proven),
        step(
            "proven, of what both have",
            trend.like_for_like_before,
            trend.like_for_like_now,
        ),
    ];
    entries.extend(trend.changes.iter().map(|change| {
        let kind = match change.kind {
            ChangeKind::BecameUnknown => "became unknown",
            ChangeKind::Fixed => "fixed",
            ChangeKind::New => "new",
            ChangeKind::Regressed => "regressed",
            ChangeKind::Removed => "removed",
            _ => "changed",
        };
        let word = |word: &str| {
            if word.is_empty() {
                "none".to_owned()
            } else {
                prose(word)
            }
        };
        format!(
            "- {kind}: {} at {} ({} → {})\n",
            code(&change.requirement),
            code(&change.target),
            word(&change.before),
            word(&change.now)
        )
    }));
    entries
}

pub(super) fn families(report: &Report) -> Vec<String> {
    report
        .score
        .categories
        .iter()
        .map(|(family, score)| {
            format!(
                "- {}: {} proven, {} possible, {} judged\n",
                code(family),
                share(score.proven),
                share(score.possible),
                share(score.coverage)
            )
        })
        .collect()
}

pub(super) fn view(report: &Report) -> Vec<String> {
    let view = &report.view;
    let from = &view.from;
    let codes = |texts: &[String]| texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ");
    let mut entries = vec![format!(
        "- at {}, in {}.{:03} s, by {}, catalogue {}\n",
        prose(&report.started_at.to_string()),
        report.duration_ms / 1000,
        report.duration_ms % 1000,
        code(&format!("{} {}", report.tool.name, report.tool.version)),
        code(&report.catalog),
    )];
    if let Some(at) = report.judged_at {
        entries.push(format!("- judged again as of {}\n", prose(&at.to_string())));
    }
    if !from.host.is_empty() {
        entries.push(format!("- host: {}\n", code(&from.host)));
    }
    if !from.resolvers.is_empty() {
        entries.push(format!("- resolvers: {}\n", codes(&from.resolvers)));
    }
    let families: Vec<String> = from.families.iter().map(ToString::to_string).collect();
    let families = if families.is_empty() {
        "none".to_owned()
    } else {
        families.join(", ")
    };
    entries.push(format!("- address families with a route: {families}\n"));
    if !from.trust_store.is_empty() {
        entries.push(format!(
            "- trust store: {}, {} anchors\n",
            prose(&from.trust_store),
            from.trust_anchors
        ));
    }
    if !from.overrides.is_empty() {
        entries.push(format!("- addresses given: {}\n", codes(&from.overrides)));
    }
    if !from.proxy_variables.is_empty() {
        entries.push(format!(
            "- proxy variables set, and ignored: {}\n",
            codes(&from.proxy_variables)
        ));
    }
    for (target, profile) in &view.profiles {
        entries.push(format!("- profile of {}: {}\n", code(target), code(profile)));
    }
    for what in &view.not_looked_at {
        entries.push(format!("- not looked at: {}\n", prose(what)));
    }
    entries.push(format!(
        "- digest of the suite: {}\n",
        code(report.suite_digest.as_str())
    ));
    entries.push(format!(
        "- digest of the results: {}\n",
        code(report.results_digest.as_str())
    ));
    entries
}

pub(super) fn cost(report: &Report) -> Vec<String> {
    report
        .cost
        .iter()
        .map(|(what, count)| format!("- {}: {count}\n", prose(what)))
        .collect()
}

/// The day; past the year 9999 an instant is written with an `@`, which is not to be read as a mention.
fn date(time: Timestamp) -> String {
    prose(&time.date())
}

/// A share in percent; `none` where there is nothing to take a share of.
pub(super) fn share(share: Option<BasisPoints>) -> String {
    share.map_or_else(|| "none".to_owned(), |share| share.to_string())
}
