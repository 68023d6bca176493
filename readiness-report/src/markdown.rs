use std::fmt::Write as _;

use readiness_core::{
    Evidence, Finding, Report, Status,
    score::{BasisPoints, ChangeKind, WaiverState},
};

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

    let of = |wanted: Place| {
        entries
            .iter()
            .filter(move |entry| Place::of(entry) == wanted)
            .collect::<Vec<_>>()
    };
    let findings = |place: Place| of(place).into_iter().map(finding_entry).collect::<Vec<_>>();
    page.section(Some(("Failed", Fold::Open)), findings(Place::Failed));
    let mut unknown: Vec<String> = groups.iter().map(|group| cause_entry(group, &entries)).collect();
    unknown.extend(findings(Place::Unknown));
    page.section(Some(("Not judged", Fold::Open)), unknown);
    page.section(Some(("Warnings", Fold::Open)), findings(Place::Warned));
    page.section(
        Some(("For information", Fold::Closed)),
        findings(Place::Information),
    );

    page.section(Some(("Accepted", Fold::Open)), findings(Place::Accepted));
    page.section(Some(("Waivers", Fold::Open)), waivers(report));
    page.section(Some(("Attestations", Fold::Open)), attestations(report));
    page.section(Some(("Baseline", Fold::Open)), baseline(report));
    page.section(Some(("Since the earlier report", Fold::Open)), trend(report));

    let passed = of(Place::Passed).into_iter().map(passed_entry).collect();
    page.section(Some(("Passed", Fold::Closed)), passed);
    let not_applicable = of(Place::NotApplicable)
        .into_iter()
        .map(|entry| line(entry, &[]))
        .collect();
    page.section(Some(("Not applicable", Fold::Closed)), not_applicable);
    page.section(Some(("By family", Fold::Closed)), families(report));
    page.section(Some(("From where it was looked", Fold::Closed)), view(report));
    page.section(Some(("What it cost", Fold::Closed)), cost(report));
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
        if entry.accepted().is_some() && (entry.status.is_fail() || entry.status.is_unknown()) {
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
    let share =
        |share: Option<BasisPoints>| share.map_or_else(|| "nothing".to_owned(), |share| share.to_string());
    let score = &report.score;
    let mut head = format!("### Readiness: {}\n\n", report.verdict());
    let _ = match (score.proven, score.possible) {
        (Some(proven), Some(possible)) if proven != possible => {
            write!(head, "**{proven} proven, {possible} possible**")
        }
        (Some(proven), _) => write!(head, "**{proven} proven**"),
        (None, _) => write!(head, "**no score, as nothing applies**"),
    };
    let _ = write!(head, ", {} of the weight judged", share(score.coverage));
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
    let _ = write!(head, "; {}.\n\n", counts.join(", "));
    head
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
    let mut notes: Vec<&str> = notes.to_vec();
    if entry.target.is_some_and(|target| target.flaky) {
        notes.push("flaky");
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
        let _ = writeln!(
            text,
            "  - reason: {} ({})",
            prose(reason.describe()),
            code(reason.as_str())
        );
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
        push_evidence(&mut text, "  ", &outcome.evidence);
        for measure in &outcome.measures {
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
    for reference in result.references.iter() {
        let _ = writeln!(
            text,
            "  - see {}: {}",
            prose(&reference.title),
            code(&reference.url)
        );
    }
    text
}

fn push_finding(text: &mut String, finding: &Finding) {
    let subject = match finding.subject.as_str() {
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

fn waivers(report: &Report) -> Vec<String> {
    let describe = |state: WaiverState| match state {
        WaiverState::Active => "active",
        WaiverState::Expired => "expired",
        WaiverState::NotYet => "not begun",
        WaiverState::Stale => "stale: what it waives does not fail, so it can go",
        _ => "unknown",
    };
    let entry = |record: &readiness_core::score::WaiverRecord| {
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
            waiver.until.date(),
            code(&waiver.owner),
            prose(&waiver.reason),
        )
    };
    report.waivers.iter().map(entry).collect()
}

fn attestations(report: &Report) -> Vec<String> {
    let entry = |record: &readiness_core::score::AttestationRecord| {
        let attestation = &record.attestation;
        let used = if record.used { "decides" } else { "not used" };
        let note = match record.note.as_str() {
            "" => String::new(),
            note => format!(": {}", prose(note)),
        };
        let until = match attestation.until {
            Some(until) => format!(", until {}", until.date()),
            None => String::new(),
        };
        let mut text = format!(
            "- {}: {used}{note}\n  - signed by {} ({}) on {}{until}\n  - statement: {}\n",
            code(&attestation.requirement),
            code(&attestation.signer),
            prose(&attestation.role),
            attestation.at.date(),
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

fn baseline(report: &Report) -> Vec<String> {
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
        let subject = match known.subject.as_str() {
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

fn trend(report: &Report) -> Vec<String> {
    let Some(trend) = &report.trend else {
        return Vec::new();
    };
    let step = |name: &str, before: Option<BasisPoints>, now: Option<BasisPoints>| {
        let share =
            |share: Option<BasisPoints>| share.map_or_else(|| "none".to_owned(), |share| share.to_string());
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

fn families(report: &Report) -> Vec<String> {
    let share =
        |share: Option<BasisPoints>| share.map_or_else(|| "none".to_owned(), |share| share.to_string());
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

fn view(report: &Report) -> Vec<String> {
    let view = &report.view;
    let from = &view.from;
    let codes = |texts: &[String]| texts.iter().map(|text| code(text)).collect::<Vec<_>>().join(", ");
    let mut entries = vec![format!(
        "- at {}, in {}.{:03} s, by {}, catalogue {}\n",
        report.started_at,
        report.duration_ms / 1000,
        report.duration_ms % 1000,
        code(&format!("{} {}", report.tool.name, report.tool.version)),
        code(&report.catalog),
    )];
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
    entries.push(format!(
        "- trust store: {}, {} anchors\n",
        prose(&from.trust_store),
        from.trust_anchors
    ));
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

fn cost(report: &Report) -> Vec<String> {
    report
        .cost
        .iter()
        .map(|(what, count)| format!("- {}: {count}\n", prose(what)))
        .collect()
}

/// Whether a section shows its entries at once.
#[derive(Clone, Copy)]
enum Fold {
    Closed,
    Open,
}

/// Markdown that grows up to a limit, entry by entry.
struct Page {
    out: String,
    limit: usize,
    omitted: usize,
}

impl Page {
    /// Room for the line that counts what was left out.
    const LAST_LINE: usize = 120;
    /// Room for the line that counts what a section left out.
    const MORE_LINE: usize = 60;

    fn new(limit: usize) -> Self {
        Self {
            out: String::new(),
            limit: limit.saturating_sub(Self::LAST_LINE),
            omitted: 0,
        }
    }

    /// Writes a section with as many of its entries as there is room for; nothing where it has none.
    fn section(&mut self, title: Option<(&str, Fold)>, entries: Vec<String>) {
        if entries.is_empty() {
            return;
        }
        let (open, close) = match title {
            None => (String::new(), "\n"),
            Some((title, Fold::Open)) => (format!("#### {title}\n\n"), "\n"),
            Some((title, Fold::Closed)) => (
                format!("<details>\n<summary>{title} ({})</summary>\n\n", entries.len()),
                "\n</details>\n\n",
            ),
        };
        let reserved = close.len() + Self::MORE_LINE;
        let mut body = String::new();
        let mut left_out = 0;
        for entry in &entries {
            // One that is too long must not hide the shorter ones behind it.
            if self.out.len() + open.len() + body.len() + entry.len() + reserved <= self.limit {
                body.push_str(entry);
            } else {
                left_out += 1;
            }
        }
        self.omitted += left_out;
        if body.is_empty() {
            return;
        }
        self.out.push_str(&open);
        self.out.push_str(&body);
        if left_out > 0 {
            let _ = writeln!(self.out, "- … and {left_out} more, left out for size");
        }
        self.out.push_str(close);
    }

    fn finish(mut self) -> String {
        if self.omitted > 0 {
            let _ = writeln!(
                self.out,
                "**{} entries were left out for size; the JSON report holds them all.**",
                self.omitted
            );
        }
        let end = self.out.trim_end().len();
        self.out.truncate(end);
        self.out.push('\n');
        self.out
    }
}
