use serde_json::Value;

use super::Facts;
use crate::{
    outcome::{Finding, Outcome, Status},
    probe::ProbeInfo,
    registry::Registry,
    target::Target,
};

/// Checks that the probes of a registry keep the rules every probe keeps.
///
/// - Each is described: a title, a summary, and the four sections of its doc comment.
/// - Where nothing can be looked at, none of them passes or warns: could-not-look is never a pass.
/// - What they say reads like the rest: see [`faults_of_outcome`].
///
/// A probe that cannot be made with its default settings is checked for its description alone.
///
/// # Panics
/// With a list of everything that is wrong.
pub fn conformance(registry: &Registry) {
    let mut faults = Vec::new();
    for info in registry.infos() {
        let id = info.id.as_str();
        faults.extend(
            faults_of_info(info)
                .into_iter()
                .map(|fault| format!("{id}: {fault}")),
        );
        let Ok(probe) = registry.build(id, &Value::Null) else {
            continue;
        };
        for text in [
            "https://www.example.com/",
            "https://192.0.2.1/",
            "http://localhost/",
            "tcp://db.example.com:5432",
        ] {
            let Ok(target) = Target::parse(text) else { continue };
            let outcome = Facts::new().judge(&*probe, &target);
            if matches!(outcome.status, Status::Pass | Status::Warn { .. }) {
                faults.push(format!(
                    "{id}: it could not look at {text} and still says {}",
                    outcome.status
                ));
            }
            faults.extend(
                faults_of_outcome(&outcome)
                    .into_iter()
                    .map(|fault| format!("{id} at {text}: {fault}")),
            );
        }
    }
    assert!(
        faults.is_empty(),
        "these probes break the rules:\n- {}",
        faults.join("\n- ")
    );
}

/// What is wrong with an outcome's wording; empty where all is well.
///
/// Summaries and messages are one fragment without a final stop or a line break; codes are snake case, with
/// dots where another tool's published codes are kept; a fault says what to do about it.
pub fn faults_of_outcome(outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    if outcome.summary.is_empty() {
        faults.push("the summary is empty".to_owned());
    }
    faults.extend(faults_of_text("summary", &outcome.summary));
    for finding in &outcome.findings {
        let Finding {
            code,
            message,
            remedy,
            ..
        } = finding;
        let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_word = |word: &str| !word.is_empty() && word.chars().all(is_snake);
        if !code.split('.').all(is_word) {
            faults.push(format!("the code `{code}` is no snake case"));
        }
        if message.is_empty() {
            faults.push(format!("the finding `{code}` has no message"));
        }
        faults.extend(faults_of_text(code, message));
        if matches!(finding.status, Status::Fail | Status::Warn { .. }) && remedy.is_empty() {
            faults.push(format!("the finding `{code}` does not say what to do"));
        }
    }
    faults
}

fn faults_of_text(what: &str, text: &str) -> Option<String> {
    if text.ends_with('.') && !text.ends_with("…") {
        return Some(format!("{what} ends with a stop: {text}"));
    }
    let mut chars = text.chars();
    let first_is_capital = chars.next().is_some_and(char::is_uppercase);
    // An acronym or a header's name may stand first; a sentence may not.
    let is_word = chars.next().is_some_and(char::is_lowercase)
        && !text.split(' ').next().is_some_and(|w| w.contains('-'));
    (first_is_capital && is_word).then(|| format!("{what} begins with a capital: {text}"))
}

fn faults_of_info(info: &ProbeInfo) -> Vec<String> {
    [
        ("title", &info.title),
        ("first paragraph", &info.summary),
        ("section `What it checks`", &info.what),
        ("section `Why it matters`", &info.why),
        ("section `How it is judged`", &info.how),
        ("section `How to fix`", &info.fix),
    ]
    .into_iter()
    .filter(|(_, text)| text.is_empty())
    .map(|(name, _)| format!("the {name} is empty"))
    .collect()
}
