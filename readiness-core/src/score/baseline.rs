use serde::{Deserialize, Serialize};

use crate::{outcome::Fingerprint, report::Report};

/// Findings that were there before: only new ones fail. It never grows by itself.
///
/// An expired certificate, a failure that names no finding, and a blocker that could not be judged fail
/// all the same.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    /// The version of this format.
    pub version: u32,
    /// What is known, sorted.
    pub findings: Vec<KnownFinding>,
}

/// One known finding. The fingerprint decides; the rest is for people.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct KnownFinding {
    /// The requirement.
    pub requirement: String,
    /// The target's label.
    pub target: String,
    /// The finding's code.
    pub code: String,
    /// The finding's subject.
    #[serde(default)]
    pub subject: String,
    /// The hash of the four.
    pub fingerprint: Fingerprint,
}

/// What a baseline did in a run.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct BaselineRecord {
    /// What it knows, so that a stored report can be scored again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownFinding>,
    /// How many findings it excused.
    pub excused: u32,
    /// Those that are gone: they can be taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<KnownFinding>,
    /// Those that a baseline cannot excuse, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}

impl Default for Baseline {
    fn default() -> Self {
        Self {
            version: Self::VERSION,
            findings: Vec::new(),
        }
    }
}

impl Baseline {
    /// The version this crate reads and writes.
    pub const VERSION: u32 = 1;

    /// What fails or warns in this report, sorted. Notes and what could not be judged are left out.
    pub fn from_report(report: &Report) -> Self {
        let mut findings: Vec<KnownFinding> = Vec::new();
        for (result, target) in report.rows() {
            let faults = target.outcome.findings.iter();
            for fault in faults.filter(|f| f.status.is_fail() || f.status.is_warn()) {
                findings.push(KnownFinding {
                    requirement: result.id.clone(),
                    target: target.target.clone(),
                    code: fault.code.clone(),
                    subject: fault.subject.clone(),
                    fingerprint: fault.fingerprint(&result.id, &target.target),
                });
            }
        }
        findings.sort();
        findings.dedup();
        Self {
            findings,
            ..Self::default()
        }
    }

    /// Reads a baseline from JSON.
    ///
    /// # Errors
    /// [`BaselineError`] with line and column where the text is no baseline, or one of another version.
    pub fn from_json(json: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(json).map_err(BaselineError::Json)?;
        if baseline.version == Self::VERSION {
            Ok(baseline)
        } else {
            Err(BaselineError::Version(baseline.version))
        }
    }

    /// Writes it as JSON, a line for each part, so that a review shows what was added.
    pub fn to_json(&self) -> String {
        // Strings and one number always serialise.
        let mut json = serde_json::to_string_pretty(self).unwrap_or_default();
        json.push('\n');
        json
    }
}

/// A text that is no baseline.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// It is not the JSON of a baseline.
    #[error("the baseline cannot be read")]
    Json(#[source] serde_json::Error),
    /// It was written by another version.
    #[error(
        "the baseline has version {0}, expected {expected}; write it again",
        expected = Baseline::VERSION
    )]
    Version(u32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorChain, Finding, Outcome, Reason,
        score::fixture::{Given, NOW, report},
    };

    #[test]
    fn it_knows_what_fails_or_warns_and_nothing_else() {
        let outcome = Outcome::judged(
            "many",
            vec![
                Finding::warn("w", "weak").subject("z"),
                Finding::fail("f", "open").subject("port 1"),
                Finding::fail("f", "open again").subject("port 1"),
                Finding::note("n", "fine"),
                Finding::unknown("u", Reason::FILTERED, "silent"),
            ],
        );
        let report = report(vec![Given::new("b.x", outcome), Given::fail("a.bare")]).concluded(NOW);
        let baseline = Baseline::from_report(&report);
        let known: Vec<(&str, &str)> = baseline
            .findings
            .iter()
            .map(|known| (known.code.as_str(), known.subject.as_str()))
            .collect();
        assert_eq!(known, [("f", "port 1"), ("w", "z")]);
        assert_eq!(Baseline::from_json(&baseline.to_json()).unwrap(), baseline);
    }

    #[test]
    fn what_is_no_baseline_is_named_with_line_and_column() {
        let wrong = Baseline::from_json("{\n  \"version\": 1,\n  \"finding\": []\n}").unwrap_err();
        let text = ErrorChain(&wrong).to_string();
        assert!(
            text.contains("unknown field `finding`") && text.contains("line 3 column"),
            "{text}"
        );
        let newer = Baseline::from_json(r#"{"version":2,"findings":[]}"#).unwrap_err();
        assert_eq!(
            newer.to_string(),
            "the baseline has version 2, expected 1; write it again"
        );
    }
}
