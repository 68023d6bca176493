use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    outcome::{Finding, Fingerprint},
    report::{Report, RequirementResult, TargetResult},
};

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

/// A baseline at work.
pub(crate) struct Known<'a> {
    baseline: &'a Baseline,
    fingerprints: BTreeSet<&'a Fingerprint>,
    excused: u32,
    refused: Vec<String>,
}

impl<'a> Known<'a> {
    pub(crate) fn new(baseline: &'a Baseline) -> Self {
        Self {
            baseline,
            fingerprints: baseline.findings.iter().map(|known| &known.fingerprint).collect(),
            excused: 0,
            refused: Vec::new(),
        }
    }

    pub(crate) fn excuses(
        &mut self,
        result: &RequirementResult,
        target: &TargetResult,
        fault: &Finding,
    ) -> bool {
        let fingerprint = fault.fingerprint(&result.id, &target.target);
        if !self.fingerprints.contains(&fingerprint) {
            return false;
        }
        if result.probe.as_str() == "tls.certificate" && fault.code == "expired" {
            let about = if fault.subject.is_empty() {
                String::new()
            } else {
                format!(", {}", fault.subject)
            };
            self.refused.push(format!(
                "`{}` at `{}`{about}: an expired certificate cannot be excused",
                result.id, target.target
            ));
            return false;
        }
        self.excused = self.excused.saturating_add(1);
        true
    }

    pub(crate) fn refuse_unknown(&mut self, result: &RequirementResult, target: &TargetResult) {
        let knows = |known: &KnownFinding| known.requirement == result.id && known.target == target.target;
        if result.blocker && self.baseline.findings.iter().any(knows) {
            self.refused.push(format!(
                "`{}` at `{}`: a blocker that could not be judged cannot be excused",
                result.id, target.target
            ));
        }
    }

    pub(crate) fn into_record(self, results: &[RequirementResult]) -> BaselineRecord {
        let mut present = BTreeSet::new();
        let mut unseen = BTreeSet::new();
        for result in results {
            for target in &result.targets {
                // What could not be judged may still be there.
                if target.status().is_unknown() {
                    unseen.insert((result.id.as_str(), target.target.as_str()));
                }
                let findings = target
                    .outcome
                    .findings
                    .iter()
                    .filter(|finding| !finding.is_note());
                present.extend(findings.map(|finding| finding.fingerprint(&result.id, &target.target)));
            }
        }
        let known = &self.baseline.findings;
        let is_stale = |known: &&KnownFinding| {
            !present.contains(&known.fingerprint)
                && !unseen.contains(&(known.requirement.as_str(), known.target.as_str()))
        };
        BaselineRecord {
            known: known.clone(),
            excused: self.excused,
            stale: known.iter().filter(is_stale).cloned().collect(),
            refused: self.refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ErrorChain, Outcome, Policy, Reason,
        report::Accepted,
        score::{
            Verdict,
            fixture::{Given, NOW, report},
        },
    };

    fn open(port: u16) -> Finding {
        Finding::fail("open", "it answers").subject(format!("port {port}"))
    }

    fn ports(findings: Vec<Finding>) -> Given {
        Given::new("net.ports", Outcome::judged("open", findings)).blocker()
    }

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

    #[test]
    fn of_a_baseline_only_new_findings_fail() {
        let before = report(vec![ports(vec![open(1), open(2)])]).concluded(NOW);
        let baseline = Baseline::from_report(&before);
        let judged = |given| report(vec![given]).baseline(baseline.clone()).concluded(NOW);

        let same = judged(ports(vec![open(1), open(2)]));
        assert_eq!(same.verdict(), Verdict::ReadyWithWaivers);
        assert_eq!(same.results[0].targets[0].accepted, Some(Accepted::Baseline));
        assert_eq!(
            same.decision.because,
            ["`net.ports` (blocker) fails at `api`; known from the baseline"]
        );
        let record = same.baseline.clone().unwrap();
        assert_eq!((record.excused, record.stale.len()), (2, 0));
        assert_eq!(
            same.rescored(Policy::default(), NOW),
            same,
            "it can be scored again"
        );

        let fewer = judged(ports(vec![open(1)]));
        assert_eq!(fewer.verdict(), Verdict::ReadyWithWaivers);
        let record = fewer.baseline.unwrap();
        assert_eq!((record.excused, record.stale[0].subject.as_str()), (1, "port 2"));

        let more = judged(ports(vec![open(1), open(3)]));
        assert_eq!(
            (more.verdict(), more.baseline.unwrap().excused),
            (Verdict::NotReady, 1)
        );
        let bare = judged(Given::fail("net.ports").blocker());
        assert_eq!(bare.verdict(), Verdict::NotReady);
    }

    #[test]
    fn some_things_no_baseline_excuses() {
        let expired = Finding::fail("expired", "it ended 3 days ago").subject("chain[0]");
        let certificate = Given::new("tls.certificate", Outcome::judged("expired", vec![expired])).blocker();
        let before = report(vec![certificate.clone(), ports(vec![open(1)])]).concluded(NOW);
        let judged = report(vec![certificate, Given::unknown("net.ports").blocker()])
            .baseline(Baseline::from_report(&before))
            .concluded(NOW);
        assert_eq!(judged.verdict(), Verdict::NotReady);
        let record = judged.baseline.unwrap();
        assert_eq!(
            record.refused,
            [
                "`tls.certificate` at `api`, chain[0]: an expired certificate cannot be excused",
                "`net.ports` at `api`: a blocker that could not be judged cannot be excused",
            ]
        );
        assert_eq!(record.stale, [], "what could not be judged may still be there");
        assert_eq!(record.excused, 0);
    }
}
