use std::fmt::{self, Write as _};

use super::{
    Accepted, Report, RequirementResult, TargetResult,
    columns::{columns, cut, shown, wrap},
};
use crate::outcome::{Cause, Finding, Status};

/// How the terminal table is printed. 80 columns without colour unless said otherwise.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct TextOptions {
    /// The width of the terminal, in columns; at least 40 are used.
    pub width: usize,
    /// Whether to use colour.
    pub colour: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            width: 80,
            colour: false,
        }
    }
}

impl TextOptions {
    /// Sets the width.
    pub fn width(mut self, columns: usize) -> Self {
        self.width = columns;
        self
    }

    /// Sets whether to use colour.
    pub fn colour(mut self, colour: bool) -> Self {
        self.colour = colour;
        self
    }
}

impl Report {
    /// The report as a table for a terminal: what is wrong first, with what to do about it.
    ///
    /// Control characters that a peer sent are shown as `\u{1b}`, never sent to the terminal.
    pub fn to_text(&self, options: TextOptions) -> String {
        let mut page = Page::new(self, options);
        page.head();
        page.rows();
        page.foot();
        page.text
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text(TextOptions::default()))
    }
}

/// How a row stands in the table, from the top.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Mark {
    Fail,
    Unknown,
    Warn,
    Accepted,
    Info,
    Pass,
    NotApplicable,
}

impl Mark {
    fn of(result: &RequirementResult, row: &TargetResult) -> Self {
        match row.status() {
            Status::Pass => Self::Pass,
            Status::NotApplicable { .. } => Self::NotApplicable,
            _ if result.weight == 0 && !result.blocker => Self::Info,
            _ if row.accepted.is_some() => Self::Accepted,
            Status::Fail => Self::Fail,
            Status::Unknown { .. } => Self::Unknown,
            Status::Warn { .. } => Self::Warn,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Fail => "FAIL",
            Self::Unknown => "UNKNOWN",
            Self::Warn => "WARN",
            Self::Accepted => "accepted",
            Self::Info => "info",
            Self::Pass => "pass",
            Self::NotApplicable => "n/a",
        }
    }

    /// The number of an ANSI colour.
    fn colour(self) -> u8 {
        match self {
            Self::Fail => 31,
            Self::Unknown => 35,
            Self::Warn => 33,
            Self::Accepted | Self::Info => 36,
            Self::Pass => 32,
            Self::NotApplicable => 90,
        }
    }
}

struct Page<'a> {
    report: &'a Report,
    options: TextOptions,
    width: usize,
    text: String,
}

const MARK_COLUMNS: usize = 9;
const MOST_FINDINGS: usize = 20;

impl<'a> Page<'a> {
    fn new(report: &'a Report, options: TextOptions) -> Self {
        Self {
            report,
            options,
            width: options.width.max(40),
            text: String::new(),
        }
    }

    fn head(&mut self) {
        let report = self.report;
        let verdict = report.verdict();
        let colour = match verdict.exit_code() {
            0 => 32,
            1 => 31,
            _ => 35,
        };
        let targets = self.targets();
        let verdict = self.paint(colour, &verdict.to_string());
        let _ = writeln!(self.text, "{verdict}  {}", shown(&targets));
        if let (Some(proven), Some(possible), Some(coverage)) =
            (report.score.proven, report.score.possible, report.score.coverage)
        {
            let range = if proven == possible {
                format!("proven {proven}")
            } else {
                format!("proven {proven}, possible {possible}")
            };
            let _ = writeln!(self.text, "{range}, judged {coverage} of what counts");
        }
        for reason in &report.decision.because {
            self.wrapped("because: ", reason, 0);
        }
        self.wrapped("rule: ", &report.decision.rule, 0);
        let view = self.view();
        self.wrapped("seen from: ", &view, 0);
        for gap in &report.view.not_looked_at {
            self.wrapped("not looked at: ", gap, 0);
        }
        self.text.push('\n');
    }

    fn targets(&self) -> String {
        let mut shown: Vec<String> = Vec::new();
        for (_, row) in self.report.rows() {
            let place = row
                .url
                .split("://")
                .last()
                .and_then(|rest| rest.split('/').next());
            let target = if place == Some(row.target.as_str()) {
                row.url.clone()
            } else {
                format!("{} ({})", row.target, row.url)
            };
            if !shown.contains(&target) {
                shown.push(target);
            }
        }
        match shown.len() {
            0..=2 => shown.join(", "),
            n => format!("{} and {} more", shown[0], n - 1),
        }
    }

    fn rows(&mut self) {
        let several = self.report.rows().any(|(_, row)| {
            self.report
                .rows()
                .next()
                .is_some_and(|(_, first)| first.target != row.target)
        });
        let mut rows: Vec<_> = self
            .report
            .rows()
            .map(|(result, row)| (Mark::of(result, row), result, row))
            .collect();
        rows.sort_by_key(|(mark, result, _)| (*mark, result.priority));
        let name = |result: &RequirementResult, row: &TargetResult| {
            if several {
                format!("{} [{}]", result.id, row.target)
            } else {
                result.id.clone()
            }
        };
        let widest = rows
            .iter()
            .map(|(_, result, row)| columns(&name(result, row)))
            .max();
        let name_columns = widest.unwrap_or(0).clamp(8, self.width * 2 / 5);
        let mut told: Vec<&Cause> = Vec::new();
        for (mark, result, row) in &rows {
            let name = shown(&name(result, row));
            let cause = match &row.outcome.status {
                Status::Unknown { cause, .. } => cause.as_ref(),
                _ => None,
            };
            if let Some(cause) = cause {
                if told.contains(&cause) {
                    continue;
                }
                told.push(cause);
            }
            self.row(*mark, &name, name_columns, result, row);
            if let Some(cause) = cause {
                self.dependants(cause, &rows);
            }
        }
    }

    /// Everything else that stands on the same cause, by name, in one place.
    fn dependants(&mut self, cause: &Cause, rows: &[(Mark, &RequirementResult, &TargetResult)]) {
        let same: Vec<&str> = rows
            .iter()
            .filter(|(_, _, row)| {
                matches!(&row.outcome.status, Status::Unknown { cause: Some(other), .. } if other == cause)
            })
            .map(|(_, result, _)| result.id.as_str())
            .skip(1)
            .collect();
        if !same.is_empty() {
            self.wrapped("for the same reason: ", &same.join(", "), MARK_COLUMNS);
        }
    }

    fn row(
        &mut self,
        mark: Mark,
        name: &str,
        name_columns: usize,
        result: &RequirementResult,
        row: &TargetResult,
    ) {
        let word = format!("{:<width$}", mark.word(), width = MARK_COLUMNS);
        let word = self.paint(mark.colour(), &word);
        let summary = shown(&summary_of(row));
        let start = MARK_COLUMNS + name_columns + 2;
        let fits = columns(name) <= name_columns;
        let (start, mut line) = if fits {
            (start, format!("{word}{name:<name_columns$}  "))
        } else {
            // A long name has a line of its own.
            let _ = writeln!(self.text, "{word}{name}");
            (MARK_COLUMNS, " ".repeat(MARK_COLUMNS))
        };
        let room = self.width.saturating_sub(start).max(20);
        if matches!(mark, Mark::Pass | Mark::NotApplicable) {
            line.push_str(&cut(&summary, room));
            let _ = writeln!(self.text, "{}", line.trim_end());
            return;
        }
        let mut parts = wrap(&summary, room).into_iter();
        line.push_str(&parts.next().unwrap_or_default());
        let _ = writeln!(self.text, "{}", line.trim_end());
        for part in parts {
            let _ = writeln!(self.text, "{:start$}{part}", "");
        }
        if let Some(accepted) = &row.accepted {
            let text = match accepted {
                Accepted::Baseline => "known before: it stands in the baseline".to_owned(),
                Accepted::Waiver { owner, until, reason } => {
                    format!("waived until {} by {owner}: {reason}", until.date())
                }
            };
            self.wrapped("", &text, MARK_COLUMNS);
        }
        let findings: Vec<&Finding> = row.outcome.findings.iter().filter(|f| !f.is_note()).collect();
        for finding in findings.iter().take(MOST_FINDINGS) {
            self.finding(finding, &row.outcome.summary);
        }
        if findings.len() > MOST_FINDINGS {
            let more = format!("and {} more findings", findings.len() - MOST_FINDINGS);
            self.wrapped("- ", &more, MARK_COLUMNS);
        }
        if findings.is_empty() && mark != Mark::Accepted && row.outcome.status.is_fail() {
            self.wrapped("-> ", &result.fix, MARK_COLUMNS);
        }
    }

    fn finding(&mut self, finding: &Finding, summary: &str) {
        let text = if finding.subject.is_empty() {
            finding.message.clone()
        } else {
            format!("{}: {}", finding.subject, finding.message)
        };
        if text != summary {
            self.wrapped("- ", &text, MARK_COLUMNS);
        }
        for evidence in finding.evidence.iter().take(4) {
            let seen = format!("{}: {}", evidence.label, cut(&shown(&evidence.value), 200));
            self.wrapped("  ", &seen, MARK_COLUMNS);
        }
        self.wrapped("-> ", &finding.remedy, MARK_COLUMNS);
    }

    fn foot(&mut self) {
        let report = self.report;
        self.text.push('\n');
        for record in &report.waivers {
            use crate::score::WaiverState;
            let state = match record.state {
                WaiverState::Active => continue,
                WaiverState::Expired => "has expired",
                WaiverState::NotYet => "has not begun",
                WaiverState::Rejected => "breaks the rules of waivers and has no effect",
                WaiverState::Stale => "is stale: what it waives does not fail",
            };
            let text = format!(
                "the waiver of `{}` by {} (until {}) {state}",
                record.waiver.requirement,
                record.waiver.owner,
                record.waiver.until.date()
            );
            self.wrapped("note: ", &text, 0);
        }
        if let Some(baseline) = &report.baseline {
            let text = format!(
                "the baseline excuses {} finding(s); {} of its entries are gone and can be taken out",
                baseline.excused,
                baseline.stale.len()
            );
            self.wrapped("note: ", &text, 0);
            for refused in &baseline.refused {
                self.wrapped("note: ", refused, 0);
            }
        }
        if let Some(trend) = &report.trend {
            for change in &trend.changes {
                let text = format!(
                    "`{}` at `{}`: {} -> {}",
                    change.requirement,
                    change.target,
                    word_or(&change.before, "absent"),
                    word_or(&change.now, "absent")
                );
                self.wrapped("changed: ", &text, 0);
            }
        }
        if !self.text.ends_with("\n\n") {
            return;
        }
        // Nothing to say below the table.
        self.text.pop();
    }

    fn view(&self) -> String {
        let report = self.report;
        let from = &report.view.from;
        let mut parts = Vec::new();
        if !from.host.is_empty() {
            parts.push(from.host.clone());
        }
        let families: Vec<String> = from.families.iter().map(ToString::to_string).collect();
        if !families.is_empty() {
            parts.push(format!("over {}", families.join(" and ")));
        }
        if !from.resolvers.is_empty() {
            parts.push(format!("names by {}", from.resolvers.join(", ")));
        }
        if !from.trust_store.is_empty() {
            parts.push(format!(
                "trust: {} ({} roots)",
                from.trust_store, from.trust_anchors
            ));
        }
        if !from.overrides.is_empty() {
            parts.push(format!("given addresses: {}", from.overrides.join(", ")));
        }
        if !from.proxy_variables.is_empty() {
            parts.push(format!("ignored: {}", from.proxy_variables.join(", ")));
        }
        let mut profiles: Vec<&str> = report.view.profiles.values().map(String::as_str).collect();
        profiles.sort_unstable();
        profiles.dedup();
        if !profiles.is_empty() {
            parts.push(format!("profile {}", profiles.join(", ")));
        }
        parts.push(format!("at {}", report.started_at));
        let tenths = report.duration_ms.div_ceil(100);
        let mut cost = format!("in {}.{} s", tenths / 10, tenths % 10);
        for (what, n) in &report.cost {
            let _ = write!(cost, ", {}: {n}", what.replace('_', " "));
        }
        parts.push(cost);
        parts.join("; ")
    }

    /// Writes a text in lines that fit, the later ones indented as far as the first one's text.
    fn wrapped(&mut self, lead: &str, text: &str, indent: usize) {
        if text.is_empty() {
            return;
        }
        let start = indent + columns(lead);
        let room = self.width.saturating_sub(start).max(20);
        for (i, line) in wrap(&shown(text), room).into_iter().enumerate() {
            let _ = if i == 0 {
                writeln!(self.text, "{:indent$}{lead}{line}", "")
            } else {
                writeln!(self.text, "{:start$}{line}", "")
            };
        }
    }

    fn paint(&self, colour: u8, text: &str) -> String {
        if self.options.colour {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

/// What the probe said, and what became of it.
fn summary_of(row: &TargetResult) -> String {
    let mut summary = row.outcome.summary.clone();
    match &row.counts_as {
        Some(Status::Unknown { reason, .. }) => {
            let _ = write!(summary, " (not counted: {})", reason.describe());
        }
        Some(Status::Pass) => summary.push_str(" (attested)"),
        Some(Status::Fail) => summary.push_str(" (attested that it does not hold)"),
        _ => {}
    }
    if let Some(looks) = row.looks_in_words() {
        let _ = write!(summary, " ({looks})");
    }
    summary
}

fn word_or<'a>(word: &'a str, other: &'a str) -> &'a str {
    if word.is_empty() { other } else { word }
}
