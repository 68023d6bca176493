mod page;
mod records;

use std::fmt::Write as _;

use readiness_core::{Evidence, Finding, Report, Status, report::TargetResult};

use self::page::{Fold, Page};
use crate::{
    entry::{CauseGroup, Entry, causes, entries},
    escape::{code, prose},
};

/// How the Markdown is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct MarkdownOptions {
    /// The most it may hold, in bytes. Default: 1,000 KiB, as GitHub refuses a job summary of more than
    /// 1,024 KiB. At least [`MarkdownOptions::LEAST_BYTES`].
    pub max_bytes: usize,
}

impl MarkdownOptions {
    /// The smallest limit that is kept: room for the verdict, the score and the counts.
    pub const LEAST_BYTES: usize = 1024;

    /// Sets the most it may hold, in bytes.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self {
            max_bytes: 1000 * 1024,
        }
    }
}

/// Writes a report as Markdown for a job summary: the verdict, then what to mend, then the rest.
///
/// It begins with a heading of the third level. Past the limit whole entries are left out, the least
/// important first, and counted; what is written is always complete Markdown. Whatever a peer sent
/// stands in it as text: no link, image, mention or HTML comes from the data.
pub fn to_markdown(report: &Report, options: MarkdownOptions) -> String {
    let entries = entries(report);
    let groups = causes(&entries);
    let mut page = Page::new(options.max_bytes.max(MarkdownOptions::LEAST_BYTES));
    page.out.push_str(&head(report, &entries));
    page.section(None, decision(report));

    let of = |wanted: Place| entries.iter().filter(move |entry| Place::of(entry) == wanted);
    let findings = |place: Place| {
        let mut found: Vec<&Entry<'_>> = of(place).collect();
        // The most important first: what comes last gives way first.
        found.sort_by_key(|entry| (!entry.result.blocker, entry.result.priority));
        found.into_iter().map(finding_entry).collect::<Vec<_>>()
    };
    page.section(Some(("Failed", Fold::Open)), findings(Place::Failed));
    let mut unknown: Vec<String> = groups.iter().map(|group| cause_entry(group, &entries)).collect();
    unknown.extend(findings(Place::Unknown));
    page.section(Some(("Not judged", Fold::Open)), unknown);
    page.section(Some(("Warnings", Fold::Open)), findings(Place::Warned));
    page.section(
        Some(("For information", Fold::Counted)),
        findings(Place::Information),
    );

    page.section(Some(("Accepted", Fold::Open)), findings(Place::Accepted));
    page.section(Some(("Waivers", Fold::Open)), records::waivers(report));
    page.section(Some(("Attestations", Fold::Open)), records::attestations(report));
    page.section(Some(("Baseline", Fold::Open)), records::baseline(report));
    page.section(
        Some(("Since the earlier report", Fold::Open)),
        records::trend(report),
    );

    let passed = of(Place::Passed).map(passed_entry).collect();
    page.section(Some(("Passed", Fold::Counted)), passed);
    let not_applicable = of(Place::NotApplicable).map(|entry| line(entry, &[])).collect();
    page.section(Some(("Not applicable", Fold::Counted)), not_applicable);
    page.section(Some(("By family", Fold::Closed)), records::families(report));
    page.section(
        Some(("From where it was looked", Fold::Closed)),
        records::view(report),
    );
    page.section(Some(("What it cost", Fold::Closed)), records::cost(report));
    page.finish()
}

/// The section an entry stands in.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Accepted,
    Failed,
    Information,
    NotApplicable,
    Passed,
    /// It is named with the cause it shares with others.
    UnderItsCause,
    Unknown,
    Warned,
}

impl Place {
    fn of(entry: &Entry<'_>) -> Self {
        if entry.accepted().is_some() {
            return Self::Accepted;
        }
        if entry.cause().is_some() {
            return Self::UnderItsCause;
        }
        match entry.status {
            Status::Pass => Self::Passed,
            Status::NotApplicable { .. } => Self::NotApplicable,
            _ if !entry.counts() => Self::Information,
            Status::Fail => Self::Failed,
            Status::Unknown { .. } => Self::Unknown,
            Status::Warn { .. } => Self::Warned,
        }
    }
}

/// The verdict and the figures: the only part that never gives way to the limit.
fn head(report: &Report, entries: &[Entry<'_>]) -> String {
    let score = &report.score;
    let coverage = score
        .coverage
        .map_or_else(|| "nothing".to_owned(), |share| share.to_string());
    let mut head = format!("### Readiness: {}\n\n", report.verdict());
    let _ = match (score.proven, score.possible) {
        (Some(proven), Some(possible)) if proven != possible => {
            write!(head, "**{proven} proven, {possible} possible**")
        }
        (Some(proven), _) => write!(head, "**{proven} proven**"),
        (None, _) => write!(head, "**no score, as nothing applies**"),
    };
    let _ = write!(head, ", {} of the weight judged", coverage);
    let counts: Vec<String> = [
        ("failed", "failed", &[Place::Failed][..]),
        (
            "not judged",
            "not judged",
            &[Place::Unknown, Place::UnderItsCause],
        ),
        ("warning", "warnings", &[Place::Warned]),
        ("for information", "for information", &[Place::Information]),
        ("accepted", "accepted", &[Place::Accepted]),
        ("passed", "passed", &[Place::Passed]),
        ("not applicable", "not applicable", &[Place::NotApplicable]),
    ]
    .into_iter()
    .filter_map(|(one, many, places)| {
        let count = entries
            .iter()
            .filter(|entry| places.contains(&Place::of(entry)))
            .count();
        (count > 0).then(|| format!("{count} {}", if count == 1 { one } else { many }))
    })
    .collect();
    if !counts.is_empty() {
        let _ = write!(head, "; {}", counts.join(", "));
    }
    head.push_str(".\n\n");
    head.push_str(&targets(report));
    head
}

/// What was looked at, each target once.
fn targets(report: &Report) -> String {
    const MOST: usize = 5;
    let mut seen: Vec<(&str, &str)> = Vec::new();
    let mut more = 0;
    for (_, row) in report.rows() {
        let target = (row.target.as_str(), row.url.as_str());
        if seen.contains(&target) {
            continue;
        }
        if seen.len() < MOST {
            seen.push(target);
        } else {
            more += 1;
        }
    }
    if seen.is_empty() {
        return String::new();
    }
    let names: Vec<String> = seen
        .iter()
        .map(|(label, url)| format!("{} ({})", code(label), code(url)))
        .collect();
    let more = if more > 0 { " and more" } else { "" };
    format!("Looked at: {}{more}.\n\n", names.join(", "))
}

fn decision(report: &Report) -> Vec<String> {
    let rule = format!("Decided by the rule: {}\n", prose(&report.decision.rule));
    let because = report
        .decision
        .because
        .iter()
        .map(|why| format!("- {}\n", prose(why)));
    if report.decision.because.is_empty() {
        vec![rule]
    } else {
        std::iter::once(format!("{rule}\n")).chain(because).collect()
    }
}

/// ``- **`tls.certificate`** at `api` (critical, blocker): the certificate has expired``
fn line(entry: &Entry<'_>, notes: &[&str]) -> String {
    let mut notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let several = |target: &&TargetResult| target.looks.as_ref().is_some_and(|looks| looks.needed > 1);
    if let Some(target) = entry.target.filter(several) {
        notes.extend(target.looks_in_words());
    } else if let Some(target) = entry.target.filter(|target| target.flaky) {
        notes.push(format!("only on attempt {}", target.attempts));
    }
    let notes = if notes.is_empty() {
        String::new()
    } else {
        format!(" ({})", notes.join(", "))
    };
    format!("- {}{notes}: {}\n", place_name(entry), prose(&entry.summary()))
}

fn place_name(entry: &Entry<'_>) -> String {
    let id = code(&entry.result.id);
    if entry.target.is_some() {
        format!("**{id}** at {}", code(entry.label()))
    } else {
        format!("**{id}**")
    }
}

/// How much it matters, in words.
fn importance(entry: &Entry<'_>) -> Vec<&'static str> {
    let mut words = vec![entry.result.priority.word()];
    if entry.result.blocker {
        words.push("blocker");
    }
    words
}

/// Everything about one that does not hold: what was seen, why it matters, how to mend it.
fn finding_entry(entry: &Entry<'_>) -> String {
    /// The most findings of one entry that are shown: a port sweep may have thousands.
    const MOST_FINDINGS: usize = 25;
    let mut notes = importance(entry);
    if Place::of(entry) == Place::Information {
        notes.push(entry.status.word());
    }
    let mut text = line(entry, &notes);
    if let Status::Unknown { reason, .. } = entry.status {
        let words = if reason.describe() == entry.summary() {
            String::new()
        } else {
            format!("{}, ", prose(reason.describe()))
        };
        let _ = writeln!(text, "  - reason: {words}{}", code(reason.as_str()));
    }
    if let Some(accepted) = entry.accepted() {
        let _ = writeln!(text, "  - accepted: {}", prose(&Entry::acceptance(accepted)));
    }
    let mut has_remedy = false;
    if let Some(outcome) = entry.outcome() {
        let faults: Vec<&Finding> = outcome
            .findings
            .iter()
            .filter(|finding| !finding.is_note())
            .collect();
        for finding in faults.iter().take(MOST_FINDINGS) {
            has_remedy |= !finding.remedy.is_empty();
            push_finding(&mut text, finding);
        }
        if faults.len() > MOST_FINDINGS {
            let _ = writeln!(text, "  - and {} more findings", faults.len() - MOST_FINDINGS);
        }
        // A fault tells what it rests on; all that was seen would bury it. The JSON has the rest.
        if faults.is_empty() {
            push_evidence(&mut text, "  ", &outcome.evidence);
        }
        for measure in outcome.measures.iter().filter(|measure| measure.bound.is_some()) {
            let _ = writeln!(text, "  - measured: {}", prose(&measure.to_string()));
        }
    }
    let result = entry.result;
    if !result.why.is_empty() {
        let _ = writeln!(text, "  - why it matters: {}", prose(&result.why));
    }
    if !has_remedy && !result.fix.is_empty() {
        let _ = writeln!(text, "  - to mend it: {}", prose(&result.fix));
    }
    if !result.references.is_empty() {
        let titles: Vec<String> = result.references.iter().map(|one| prose(&one.title)).collect();
        let _ = writeln!(text, "  - see: {}", titles.join("; "));
    }
    text
}

fn push_finding(text: &mut String, finding: &Finding) {
    let subject = match finding.subject.trim() {
        "" => String::new(),
        subject => format!("{}: ", prose(subject)),
    };
    let word = match finding.status {
        Status::Fail => "fails",
        Status::Warn { .. } => "warns",
        Status::Unknown { .. } => "unknown",
        Status::Pass | Status::NotApplicable { .. } => "note",
    };
    let _ = writeln!(text, "  - {word}: {subject}{}", prose(&finding.message));
    push_evidence(text, "    ", &finding.evidence);
    if !finding.remedy.is_empty() {
        let _ = writeln!(text, "    - to mend it: {}", prose(&finding.remedy));
    }
}

fn push_evidence(text: &mut String, indent: &str, evidence: &[Evidence]) {
    const MOST: usize = 25;
    for Evidence { label, value, .. } in evidence.iter().take(MOST) {
        let _ = writeln!(text, "{indent}- seen: {} = {}", prose(label), code(value));
    }
    if evidence.len() > MOST {
        let _ = writeln!(text, "{indent}- and {} more values", evidence.len() - MOST);
    }
}

/// One cause, named once, with everything that stands on it.
fn cause_entry(group: &CauseGroup<'_>, entries: &[Entry<'_>]) -> String {
    const MOST: usize = 100;
    let mut text = format!(
        "- **{}** could not be had: {} ({})\n",
        code(&group.cause.subject),
        prose(&group.cause.message),
        code(group.cause.reason.as_str()),
    );
    let _ = writeln!(text, "  - not judged because of it: {}", group.members.len());
    let members = group.members.iter().filter_map(|&member| entries.get(member));
    for entry in members.take(MOST) {
        let _ = writeln!(
            text,
            "    - {} ({})",
            place_name(entry),
            importance(entry).join(", ")
        );
    }
    if group.members.len() > MOST {
        let _ = writeln!(text, "    - and {} more", group.members.len() - MOST);
    }
    text
}

fn passed_entry(entry: &Entry<'_>) -> String {
    const MOST_NOTES: usize = 10;
    let mut text = line(entry, &[]);
    if let Some(outcome) = entry.outcome() {
        for note in outcome.findings.iter().take(MOST_NOTES) {
            push_finding(&mut text, note);
        }
        push_evidence(&mut text, "  ", &outcome.evidence);
        for measure in &outcome.measures {
            let _ = writeln!(text, "  - measured: {}", prose(&measure.to_string()));
        }
    }
    text
}
