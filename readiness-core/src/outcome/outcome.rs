use serde::{Deserialize, Serialize};

use super::{Cause, Evidence, Finding, Measure, Reason, Status};

/// What a probe says about one target.
///
/// ```
/// use readiness_core::{Finding, Outcome};
/// let outcome = Outcome::judged("2 of 3 cookies are safe", vec![
///     Finding::note("safe", "all attributes are set").subject("cookie `sid`"),
///     Finding::fail("no_secure", "`Secure` is missing").subject("cookie `theme`"),
/// ]);
/// assert!(outcome.status.is_fail());
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Outcome {
    /// The judgement: the worst of the findings.
    #[serde(flatten)]
    pub status: Status,
    /// One line for people: what was seen, in lower case without a final stop.
    pub summary: String,
    /// What was seen and judged, in the order the probe gives.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    /// What the judgement rests on, also when it is a pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// Measured values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Measure>,
}

impl Outcome {
    fn new(status: Status, summary: impl Into<String>) -> Self {
        Self {
            status,
            summary: summary.into(),
            findings: Vec::new(),
            evidence: Vec::new(),
            measures: Vec::new(),
        }
    }

    /// It holds.
    pub fn pass(summary: impl Into<String>) -> Self {
        Self::new(Status::Pass, summary)
    }

    /// It holds in part, and earns half.
    pub fn warn(summary: impl Into<String>) -> Self {
        Self::new(Status::warn(), summary)
    }

    /// It does not hold.
    pub fn fail(summary: impl Into<String>) -> Self {
        Self::new(Status::Fail, summary)
    }

    /// It could not be judged.
    pub fn unknown(reason: Reason, summary: impl Into<String>) -> Self {
        Self::new(Status::unknown(reason), summary)
    }

    /// It could not be judged because something it stands on could not be had.
    pub fn dependency_failed(cause: Cause) -> Self {
        let summary = cause.message.clone();
        Self::new(
            Status::Unknown {
                reason: Reason::DEPENDENCY_FAILED,
                cause: Some(cause),
            },
            summary,
        )
    }

    /// It makes no sense here.
    pub fn not_applicable(because: impl Into<String>) -> Self {
        let because = because.into();
        Self::new(
            Status::NotApplicable {
                because: because.clone(),
            },
            because,
        )
    }

    /// The outcome of these findings: its status is the worst of theirs, a pass where all are notes.
    ///
    /// Findings that do not apply are shown and have no weight. Use it only where something was
    /// looked at: a probe that saw nothing must say [`Outcome::unknown`].
    pub fn judged(summary: impl Into<String>, findings: Vec<Finding>) -> Self {
        let status = findings
            .iter()
            .map(|finding| &finding.status)
            .filter(|status| !status.is_not_applicable())
            .min_by_key(|status| (status.rank(), status.credit()))
            .cloned()
            .unwrap_or(Status::Pass);
        Self {
            findings,
            ..Self::new(status, summary)
        }
    }

    /// Adds what the judgement rests on.
    pub fn evidence(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.evidence.push(Evidence::new(label, value));
        self
    }

    /// Adds a finding; a worse one makes the outcome worse.
    pub fn finding(mut self, finding: Finding) -> Self {
        let worse =
            (finding.status.rank(), finding.status.credit()) < (self.status.rank(), self.status.credit());
        if worse && !finding.status.is_not_applicable() {
            self.status = finding.status.clone();
        }
        self.findings.push(finding);
        self
    }

    /// Adds a measured value. It is only shown; judge it with [`Measure::status`].
    pub fn measure(mut self, measure: Measure) -> Self {
        self.measures.push(measure);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Credit;

    #[test]
    fn the_worst_finding_decides() {
        let fail = Finding::fail("f", "");
        let warn = Finding::warn("w", "");
        let low = Finding::warn("l", "").credit(Credit::saturating(100));
        let note = Finding::note("n", "");
        let unknown = Finding::unknown("u", Reason::TIMEOUT, "");
        let status = |f: &[&Finding]| Outcome::judged("", f.iter().copied().cloned().collect()).status;
        assert!(status(&[&note, &warn, &unknown, &fail]).is_fail());
        assert!(status(&[&note, &warn, &unknown]).is_unknown());
        assert_eq!(status(&[&warn, &low, &note]).credit(), Some(100));
        assert!(status(&[&note]).is_pass());
        assert!(Outcome::pass("").finding(fail).status.is_fail());
        assert!(Outcome::fail("").finding(note).status.is_fail());
    }

    #[test]
    fn json_round_trip() {
        let outcome = Outcome::unknown(Reason::DNS_SILENT, "no answer")
            .evidence("nameserver", "127.0.0.1:53")
            .finding(Finding::fail("x", "y").subject("z").remedy("do it"));
        let json = serde_json::to_string(&outcome).unwrap();
        assert_eq!(serde_json::from_str::<Outcome>(&json).unwrap(), outcome);
    }
}
