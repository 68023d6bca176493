mod properties;
mod xml;

use std::collections::HashSet;

use readiness_core::{
    Evidence, Report, Status,
    report::{Looks, TargetResult},
};

use self::{
    properties::suite_properties,
    xml::{Xml, local_timestamp, seconds},
};
use crate::{
    entry::{CauseGroup, Entry, causes, entries},
    escape::{lines, one_line},
};

/// Which of the two common forms of JUnit XML is written.
///
/// There is no one standard. What differs is only where a text stands; the test cases, their names and
/// their results are the same.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum JunitDialect {
    /// What GitLab, Jenkins, Azure, Buildkite and most libraries read: properties and output stand in
    /// the test case, and a pass after a retry is a `flakyFailure`.
    #[default]
    Common,
    /// Valid in both published schemas (Apache Ant's, and `junit-10.xsd` of Jenkins' xUnit plug-in): a
    /// test case holds nothing but its result, everything else is a property of the suite.
    Strict,
}

/// Writes a report as JUnit XML: one test case for each requirement and target.
///
/// A failure is a `failure`. What could not be judged is an `error`; where several could not be judged
/// for one and the same cause, the most important of them is the `error` and the others are `skipped`
/// with that cause. What does not apply and what is accepted is `skipped` with the reason. A warning
/// passes, with its text, unless the policy fails on warnings; so does what is only for information.
pub fn to_junit(report: &Report, dialect: JunitDialect) -> String {
    let entries = entries(report);
    let cases = cases(report, &entries);
    let mut xml = Xml::new();
    let count = |wanted: &str| {
        cases
            .iter()
            .filter(|case| case.verdict.element() == wanted)
            .count()
            .to_string()
    };
    let (tests, failures) = (cases.len().to_string(), count("failure"));
    let (errors, skipped) = (count("error"), count("skipped"));
    let time = seconds(report.duration_ms);
    let mut totals = vec![
        ("tests", tests.as_str()),
        ("failures", &failures),
        ("errors", &errors),
    ];
    match dialect {
        JunitDialect::Strict => xml.open("testsuites", &[]),
        JunitDialect::Common => {
            let mut root = vec![("name", "readiness")];
            root.extend(&totals);
            root.push(("time", &time));
            xml.open("testsuites", &root);
        }
    }
    let timestamp = local_timestamp(report.started_at);
    let host = one_line(&report.view.from.host);
    totals.push(("skipped", &skipped));
    let mut suite = vec![
        ("name", "readiness"),
        ("package", "readiness"),
        ("id", "0"),
        ("timestamp", timestamp.as_str()),
        // The schema wants a name; its documentation says which, where there is none.
        ("hostname", if host.is_empty() { "localhost" } else { &host }),
    ];
    suite.extend(totals);
    suite.push(("time", &time));
    xml.open("testsuite", &suite);
    let mut properties = suite_properties(report);
    if dialect == JunitDialect::Strict {
        properties.extend(moved_properties(&cases));
    }
    xml.properties(&properties);
    for case in &cases {
        case.write(&mut xml, dialect);
    }
    if dialect == JunitDialect::Strict {
        xml.empty("system-out", &[]);
        xml.empty("system-err", &[]);
    }
    xml.close("testsuite");
    xml.close("testsuites");
    xml.finish()
}

/// A test case, before it is written in a dialect.
struct Case<'a> {
    entry: Entry<'a>,
    name: String,
    verdict: CaseVerdict,
    /// What a pass has to say: a warning, what is only for information, who attested it.
    text: String,
}

enum CaseVerdict {
    Passed,
    Failure {
        kind: String,
        message: String,
        text: String,
    },
    Error {
        kind: String,
        message: String,
        text: String,
    },
    Skipped {
        message: String,
        text: String,
    },
}

impl CaseVerdict {
    fn element(&self) -> &'static str {
        match self {
            Self::Passed => "",
            Self::Failure { .. } => "failure",
            Self::Error { .. } => "error",
            Self::Skipped { .. } => "skipped",
        }
    }
}

fn cases<'a>(report: &Report, entries: &[Entry<'a>]) -> Vec<Case<'a>> {
    let groups = causes(entries);
    let mut group_of: Vec<Option<&CauseGroup<'a>>> = vec![None; entries.len()];
    for group in &groups {
        for &member in &group.members {
            if let Some(slot) = group_of.get_mut(member) {
                *slot = Some(group);
            }
        }
    }
    entries
        .iter()
        .zip(group_of)
        .enumerate()
        .map(|(index, (entry, group))| {
            let (verdict, text) = match group {
                Some(group) if group.leader != index || !entry.counts() => {
                    (skipped(format!("not judged: {}", group.cause)), String::new())
                }
                Some(group) => (cause_error(entries, entry, group), String::new()),
                None => verdict(report, entry),
            };
            Case {
                entry: *entry,
                name: name(entry),
                verdict,
                text,
            }
        })
        .collect()
}

fn verdict(report: &Report, entry: &Entry<'_>) -> (CaseVerdict, String) {
    let summary = one_line(&entry.summary());
    let text = if entry.status.is_pass() {
        String::new()
    } else {
        details(entry)
    };
    let failure = |word: &str, text| CaseVerdict::Failure {
        kind: format!("readiness.{word}.{}", entry.result.priority),
        message: summary.clone(),
        text,
    };
    if let Some(accepted) = entry.accepted() {
        let message = format!("accepted, {}", Entry::acceptance(accepted));
        return (CaseVerdict::Skipped { message, text }, String::new());
    }
    match entry.status {
        Status::Fail if entry.counts() => (failure("fail", text), String::new()),
        Status::Warn { .. } if entry.counts() && report.policy.fail_on_warn => {
            (failure("warn", text), String::new())
        }
        Status::Fail | Status::Warn { .. } => (CaseVerdict::Passed, text),
        Status::Unknown { reason, .. } if entry.counts() => {
            let kind = format!("readiness.unknown.{reason}");
            let message = summary;
            (CaseVerdict::Error { kind, message, text }, String::new())
        }
        // It is no pass, as nobody could look, and no error, as it would not count either way.
        Status::Unknown { .. } => (
            skipped(format!("not judged, for information only: {summary}")),
            String::new(),
        ),
        Status::NotApplicable { because } => (skipped(format!("not applicable: {because}")), String::new()),
        Status::Pass if entry.attested.is_some() => (CaseVerdict::Passed, summary),
        Status::Pass => (CaseVerdict::Passed, String::new()),
    }
}

fn skipped(message: String) -> CaseVerdict {
    CaseVerdict::Skipped {
        message,
        text: String::new(),
    }
}

/// The one error for everything that stands on one cause.
fn cause_error(entries: &[Entry<'_>], leader: &Entry<'_>, group: &CauseGroup<'_>) -> CaseVerdict {
    const MOST_NAMES: usize = 50;
    let others: Vec<String> = group
        .members
        .iter()
        .filter(|&&member| member != group.leader)
        .filter_map(|&member| entries.get(member).map(name))
        .collect();
    let mut text = format!(
        "{} could not be had: {}",
        one_line(&group.cause.subject),
        group.cause.reason.describe()
    );
    text.push('\n');
    text.push_str(&details(leader));
    if !others.is_empty() {
        push_line(
            &mut text,
            &format!("not judged for the same cause, and skipped: {}", others.len()),
        );
        for name in others.iter().take(MOST_NAMES) {
            push_line(&mut text, &format!("  {name}"));
        }
        if others.len() > MOST_NAMES {
            push_line(&mut text, &format!("  and {} more", others.len() - MOST_NAMES));
        }
    }
    CaseVerdict::Error {
        kind: format!("readiness.unknown.{}", group.cause.reason),
        message: group.cause.to_string(),
        text,
    }
}

impl Case<'_> {
    fn write(&self, xml: &mut Xml, dialect: JunitDialect) {
        let class = class(&self.entry);
        let time = seconds(self.entry.target.map_or(0, |target| target.duration_ms));
        let attributes = [
            ("name", self.name.as_str()),
            ("classname", &class),
            ("time", &time),
        ];
        let common = dialect == JunitDialect::Common;
        let flaky = self.entry.target.filter(|target| common && target.flaky);
        let properties = if common { self.properties() } else { Vec::new() };
        let output = if common { self.text.as_str() } else { "" };
        if matches!(self.verdict, CaseVerdict::Passed)
            && flaky.is_none()
            && properties.is_empty()
            && output.is_empty()
        {
            xml.empty("testcase", &attributes);
            return;
        }
        xml.open("testcase", &attributes);
        if !properties.is_empty() {
            xml.properties(&properties);
        }
        let element = self.verdict.element();
        match &self.verdict {
            CaseVerdict::Passed => {
                if let Some(target) = flaky {
                    let asked = several(target).and_then(|_| target.looks_in_words());
                    let message = asked.unwrap_or_else(|| format!("passed on attempt {}", target.attempts));
                    xml.text(
                        "flakyFailure",
                        &[("message", &message), ("type", "readiness.flaky")],
                        &bad_looks(target),
                    );
                }
            }
            CaseVerdict::Failure { kind, message, text } | CaseVerdict::Error { kind, message, text } => {
                xml.text(element, &[("message", message), ("type", kind)], text);
            }
            CaseVerdict::Skipped { message, text } => xml.text(element, &[("message", message)], text),
        }
        if !output.is_empty() {
            xml.text("system-out", &[], output);
        }
        xml.close("testcase");
    }

    /// What belongs to the case and is neither its name nor its result.
    fn properties(&self) -> Vec<(String, String)> {
        let mut properties = self.requirement_properties();
        properties.extend(self.target_properties());
        properties
    }

    fn requirement_properties(&self) -> Vec<(String, String)> {
        let result = self.entry.result;
        let mut properties = vec![
            ("title".to_owned(), result.title.clone().into_owned()),
            ("priority".to_owned(), result.priority.to_string()),
        ];
        if result.blocker {
            properties.push(("blocker".to_owned(), "true".to_owned()));
        }
        properties
    }

    fn target_properties(&self) -> Vec<(String, String)> {
        let entry = &self.entry;
        let mut properties = vec![
            ("status".to_owned(), entry.status.to_string()),
            ("summary".to_owned(), entry.summary()),
        ];
        if let Some(target) = entry.target {
            properties.push(("target".to_owned(), target.url.clone()));
            if target.attempts != 1 {
                properties.push(("attempts".to_owned(), target.attempts.to_string()));
            }
            if target.flaky {
                properties.push(("flaky".to_owned(), "true".to_owned()));
            }
            if let Some(words) = several(target).and_then(|_| target.looks_in_words()) {
                properties.push(("looks".to_owned(), words));
            }
        }
        if let Status::Warn { credit } = entry.status {
            properties.push(("credit".to_owned(), format!("{} of 1000", credit.get())));
        }
        properties
    }
}

/// The looks, where several good ones were asked for.
fn several(target: &TargetResult) -> Option<&Looks> {
    target.looks.as_ref().filter(|looks| looks.needed > 1)
}

/// The looks that were not good, a line for each.
fn bad_looks(target: &TargetResult) -> String {
    let mut text = String::new();
    let looks = target.looks.iter().flat_map(|looks| &looks.seen);
    for (look, n) in looks.zip(1..).filter(|(look, _)| !look.is_good()) {
        let summary = one_line(&look.summary);
        push_line(&mut text, &format!("look {n}: {}, {summary}", look.status.word()));
    }
    text
}

/// In the strict dialect a case has no properties and no output: they stand with the suite's.
fn moved_properties(cases: &[Case<'_>]) -> Vec<(String, String)> {
    let mut properties = Vec::new();
    let mut seen = HashSet::new();
    for case in cases {
        let id = case.entry.result.id.as_str();
        if seen.insert(id) {
            properties.extend(prefixed(id, case.requirement_properties()));
        }
        properties.extend(prefixed(&case.name, case.target_properties()));
        if !case.text.is_empty() {
            let parts: Vec<&str> = case.text.lines().map(str::trim).collect();
            properties.push((format!("{}.text", case.name), parts.join("; ")));
        }
    }
    properties
}

fn prefixed(prefix: &str, properties: Vec<(String, String)>) -> impl Iterator<Item = (String, String)> {
    properties
        .into_iter()
        .map(move |(name, value)| (format!("{prefix}.{name}"), value))
}

/// The name a history is kept by: neither priority nor number stands in it.
fn name(entry: &Entry<'_>) -> String {
    // A case without a name is dropped by its readers.
    let id = match one_line(&entry.result.id) {
        id if id.is_empty() => entry.result.probe.to_string(),
        id => id,
    };
    match entry.target {
        None => id,
        Some(_) => one_line(&format!("{id} [{}]", entry.label())),
    }
}

fn class(entry: &Entry<'_>) -> String {
    one_line(&format!("readiness.{}", entry.result.probe.family()))
}

/// What was seen, what is wrong with it, and how to mend it.
fn details(entry: &Entry<'_>) -> String {
    let mut text = one_line(&entry.summary());
    let Some(outcome) = entry.outcome() else {
        return text;
    };
    let mut has_remedy = false;
    for finding in outcome.findings.iter().filter(|finding| !finding.is_note()) {
        let subject = match finding.subject.trim() {
            "" => String::new(),
            subject => format!("{subject}: "),
        };
        push_line(
            &mut text,
            &format!("{}: {subject}{}", finding.status, finding.message),
        );
        push_evidence(&mut text, &finding.evidence);
        if !finding.remedy.is_empty() {
            has_remedy = true;
            push_line(&mut text, &format!("  to mend it: {}", finding.remedy));
        }
    }
    push_evidence(&mut text, &outcome.evidence);
    for measure in &outcome.measures {
        push_line(&mut text, &format!("  {measure}"));
    }
    if !has_remedy && !entry.result.fix.is_empty() {
        push_line(&mut text, &format!("to mend it: {}", one_line(&entry.result.fix)));
    }
    text
}

fn push_evidence(text: &mut String, evidence: &[Evidence]) {
    for Evidence { label, value, .. } in evidence {
        push_line(text, &format!("  {label}: {value}"));
    }
}

/// Adds a line; what it holds of further lines stands indented below it.
fn push_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    // A text of several lines must not look like lines of ours.
    text.push_str(&lines(line).replace('\n', "\n      "));
}
