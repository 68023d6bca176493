use serde::{Deserialize, Serialize};

use super::Digest;
use crate::{
    clock::Timestamp,
    outcome::{Reason, Status},
    report::RequirementResult,
};

/// A person's word for what no probe can judge. A good one never stands beside a failure.
///
/// ```
/// use readiness_core::{Attestation, Timestamp, score::{Attested, Digest}};
/// let at: Timestamp = "2026-11-02".parse()?;
/// let attestation = Attestation::new("org.pentest", Attested::Pass, "no finding above low", "A. Tester", "auditor", at)
///     .evidence("https://reports.example.com/7.pdf", Digest::of(b"the report"));
/// assert_eq!(attestation.ends_at().date(), "2027-11-02");
/// # Ok::<(), readiness_core::TimestampError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// The requirement it is about.
    pub requirement: String,
    /// What is attested: it holds, or it does not.
    pub status: Attested,
    /// The statement.
    pub statement: String,
    /// Who signs.
    pub signer: String,
    /// In which role.
    pub role: String,
    /// What it rests on, with digests: `{ url = "…", sha256 = "…" }`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<AttestedEvidence>,
    /// When it was signed.
    pub at: Timestamp,
    /// When it ends. 365 days after it was signed unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// What an attestation says.
#[allow(clippy::exhaustive_enums, reason = "a person says yes or no")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attested {
    /// It does not hold.
    Fail,
    /// It holds.
    Pass,
}

impl Attestation {
    /// How long one stands unless it says otherwise.
    pub const DEFAULT_DAYS: i64 = 365;

    /// What a person says about this requirement, signed at this instant.
    pub fn new(
        requirement: impl Into<String>,
        status: Attested,
        statement: impl Into<String>,
        signer: impl Into<String>,
        role: impl Into<String>,
        at: Timestamp,
    ) -> Self {
        Self {
            requirement: requirement.into(),
            status,
            statement: statement.into(),
            signer: signer.into(),
            role: role.into(),
            evidence: Vec::new(),
            at,
            until: None,
        }
    }

    /// Adds a document it rests on.
    pub fn evidence(mut self, url: impl Into<String>, sha256: Digest) -> Self {
        self.evidence.push(AttestedEvidence::new(url, sha256));
        self
    }

    /// Says when it ends.
    pub fn until(mut self, until: Timestamp) -> Self {
        self.until = Some(until);
        self
    }

    /// When it ends: just before this instant it still stands.
    pub fn ends_at(&self) -> Timestamp {
        self.until.unwrap_or(self.at.plus_days(Self::DEFAULT_DAYS))
    }

    /// Checks it against the rules, as of when it is given.
    ///
    /// # Errors
    /// [`AttestationError`] where a word is missing, its end does not come after it was signed, or it was
    /// signed in the future.
    pub fn check(&self, now: Timestamp) -> Result<(), AttestationError> {
        let requirement = self.requirement.clone();
        for (field, text) in [
            ("requirement", &self.requirement),
            ("statement", &self.statement),
            ("signer", &self.signer),
            ("role", &self.role),
        ] {
            if text.trim().is_empty() {
                return Err(AttestationError::Empty { requirement, field });
            }
        }
        let (at, until) = (self.at, self.ends_at());
        if until <= at {
            return Err(AttestationError::EndsFirst {
                requirement,
                at,
                until,
            });
        }
        if at > now {
            return Err(AttestationError::SignedLater { requirement, at, now });
        }
        Ok(())
    }

    fn as_status(&self) -> Status {
        match self.status {
            Attested::Fail => Status::Fail,
            Attested::Pass => Status::Pass,
        }
    }
}

impl AttestedEvidence {
    /// A document and its digest.
    pub fn new(url: impl Into<String>, sha256: Digest) -> Self {
        Self {
            url: url.into(),
            sha256,
        }
    }
}

/// An attestation that breaks the rules.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestationError {
    /// A word is missing.
    #[error("the attestation for `{requirement}` has an empty `{field}`; say it in a few words")]
    Empty {
        /// The requirement.
        requirement: String,
        /// What is missing.
        field: &'static str,
    },
    /// It ends before it was signed.
    #[error("the attestation for `{requirement}` ends on {until}, expected after it was signed on {at}")]
    EndsFirst {
        /// The requirement.
        requirement: String,
        /// When it was signed.
        at: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
    /// It was signed in the future.
    #[error("the attestation for `{requirement}` is signed on {at}, after {now}; correct `at`")]
    SignedLater {
        /// The requirement.
        requirement: String,
        /// When it was signed.
        at: Timestamp,
        /// When it was given.
        now: Timestamp,
    },
}

/// A document an attestation rests on.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct AttestedEvidence {
    /// Where it is.
    pub url: String,
    /// The SHA-256 of its content.
    pub sha256: Digest,
}

/// An attestation and what became of it in a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AttestationRecord {
    /// The attestation.
    pub attestation: Attestation,
    /// Whether it decided its requirement.
    pub used: bool,
    /// Why not, where it did not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// Lets each attestation stand where it may, and says what became of it.
///
/// Of several for one requirement the last that was signed stands, also after its end: else the end of a
/// bad word would bring an older good one back.
pub(crate) fn attest(
    results: &mut [RequirementResult],
    attestations: &[Attestation],
    started_at: Timestamp,
    now: Timestamp,
) -> Vec<AttestationRecord> {
    attestations
        .iter()
        .map(|attestation| {
            // One signed after the run never counts for it, as with a waiver that begins later.
            let note = match attestation.check(started_at) {
                Err(error) => Some(error.to_string()),
                Ok(()) => match last_of(attestations, attestation, started_at) {
                    Some(later) if later != attestation => Some(format!(
                        "the one signed on {} by {} stands",
                        later.at.date(),
                        later.signer
                    )),
                    _ => stand(results, attestation, now),
                },
            };
            AttestationRecord {
                attestation: attestation.clone(),
                used: note.is_none(),
                note: note.unwrap_or_default(),
            }
        })
        .collect()
}

fn last_of<'a>(
    attestations: &'a [Attestation],
    about: &Attestation,
    started_at: Timestamp,
) -> Option<&'a Attestation> {
    attestations
        .iter()
        .filter(|other| other.requirement == about.requirement && other.check(started_at).is_ok())
        // Of two signed at once, the bad word.
        .max_by_key(|other| (other.at, other.status == Attested::Fail))
}

/// `None` where it decided, else why it did not.
fn stand(results: &mut [RequirementResult], attestation: &Attestation, now: Timestamp) -> Option<String> {
    let mut note = Some(format!("no requirement `{}` was asked", attestation.requirement));
    let about = results
        .iter_mut()
        .filter(|result| result.id == attestation.requirement);
    for result in about {
        // A bad word adds to what a probe found; a good one must not stand beside it.
        let failing = result
            .targets
            .iter()
            .find(|target| target.outcome.status.is_fail());
        if let Some(failing) = failing.filter(|_| attestation.status != Attested::Fail) {
            return Some(format!("a probe found that it fails at `{}`", failing.target));
        }
        let has_ended = now >= attestation.ends_at();
        for target in &mut result.targets {
            if !is_attestable(&target.outcome.status) {
                let judged = match &target.outcome.status {
                    Status::Unknown { reason, .. } => format!("could not judge it ({})", reason.describe()),
                    Status::NotApplicable { .. } => "says that it does not apply".to_owned(),
                    status => format!("judged it: {status}"),
                };
                note = note.map(|_| format!("a probe {judged}"));
            } else if has_ended {
                target.counts_as = Some(Status::unknown(Reason::ATTESTATION_EXPIRED));
                note = Some(format!("it ended on {}", attestation.ends_at().date()));
            } else {
                target.counts_as = Some(attestation.as_status());
                note = None;
            }
        }
    }
    note
}

/// Whether nothing but a person can judge it.
fn is_attestable(status: &Status) -> bool {
    let reasons = [Reason::ATTESTATION_MISSING, Reason::NOT_BOUND, Reason::CLAIM_ONLY];
    matches!(status, Status::Unknown { reason, .. } if reasons.contains(reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Outcome, Policy,
        report::Report,
        score::{
            Verdict,
            fixture::{Given, NOW, Run, report},
        },
    };

    fn attestation(status: Attested) -> Attestation {
        Attestation::new("org.pentest", status, "we looked", "A. Tester", "auditor", NOW)
    }

    fn run(given: Given) -> Run {
        report(vec![given.blocker(), Given::pass("a.x")])
    }

    fn note(report: &Report) -> (bool, &str) {
        (report.attestations[0].used, report.attestations[0].note.as_str())
    }

    #[test]
    fn it_stands_where_no_probe_can_judge() {
        for reason in [Reason::ATTESTATION_MISSING, Reason::NOT_BOUND, Reason::CLAIM_ONLY] {
            let given = Given::new("org.pentest", Outcome::unknown(reason, "nobody can tell"));
            assert_eq!(run(given.clone()).concluded(NOW).verdict(), Verdict::Inconclusive);
            let holds = run(given.clone())
                .attestation(attestation(Attested::Pass))
                .concluded(NOW);
            assert_eq!((holds.verdict(), note(&holds)), (Verdict::Ready, (true, "")));
            assert!(holds.results[0].status.is_pass());
            let fails = run(given).attestation(attestation(Attested::Fail)).concluded(NOW);
            assert_eq!((fails.verdict(), note(&fails).0), (Verdict::NotReady, true));
        }
    }

    #[test]
    fn it_never_stands_over_what_a_probe_says() {
        for (given, why) in [
            (Given::fail("org.pentest"), "a probe found that it fails at `api`"),
            (Given::warn("org.pentest"), "a probe judged it: warn"),
            (Given::pass("org.pentest"), "a probe judged it: pass"),
            (
                Given::unknown("org.pentest"),
                "a probe could not judge it (no answer in time)",
            ),
            (
                Given::not_applicable("org.pentest"),
                "a probe says that it does not apply",
            ),
            (Given::pass("org.other"), "no requirement `org.pentest` was asked"),
        ] {
            let raw = given.0.targets[0].outcome.status.clone();
            let judged = run(given).attestation(attestation(Attested::Pass)).concluded(NOW);
            assert_eq!(note(&judged), (false, why));
            assert_eq!(judged.results[0].status, raw);
        }
        let mixed = Given::attestable("org.pentest").and("b", Outcome::fail("no"));
        let judged = run(mixed).attestation(attestation(Attested::Pass)).concluded(NOW);
        assert_eq!(note(&judged), (false, "a probe found that it fails at `b`"));
        assert!(judged.results[0].targets[0].status().is_unknown());
        // One that says it fails stands: else a failure elsewhere would help.
        let mixed = Given::attestable("org.pentest").and("b", Outcome::fail("no"));
        let judged = run(mixed).attestation(attestation(Attested::Fail)).concluded(NOW);
        assert_eq!(note(&judged), (true, ""));
        assert!(judged.results[0].targets[0].status().is_fail());
    }

    #[test]
    fn it_stands_until_just_before_its_end() {
        let judged = run(Given::attestable("org.pentest"))
            .attestation(attestation(Attested::Pass))
            .concluded(NOW);
        let on = |now| judged.rescored(Policy::default(), now);
        assert_eq!(on(NOW.plus_days(365).plus_seconds(-1)).verdict(), Verdict::Ready);
        let ended = on(NOW.plus_days(365));
        assert_eq!(ended.verdict(), Verdict::Inconclusive);
        assert_eq!(note(&ended), (false, "it ended on 2027-11-20"));
        assert_eq!(
            ended.decision.because,
            ["`org.pentest` (blocker) could not be judged at `api`: the attestation has expired"]
        );
    }

    #[test]
    fn the_last_word_stands() {
        let given = Given::attestable("org.pentest");
        let old = attestation(Attested::Pass);
        let new = Attestation {
            at: NOW.plus_days(1),
            ..attestation(Attested::Fail)
        };
        let new = new.until(NOW.plus_days(10));
        let run = run(given).attestation(old).attestation(new);
        let judged = run.concluded(NOW.plus_days(1));
        assert_eq!(judged.verdict(), Verdict::NotReady);
        assert_eq!(
            note(&judged),
            (false, "the one signed on 2026-11-21 by A. Tester stands")
        );
        // The end of a bad word brings no older good one back.
        let later = judged.rescored(Policy::default(), NOW.plus_days(10));
        assert_eq!(later.verdict(), Verdict::Inconclusive);
        // One signed after the run is not there yet, nor ever for this run.
        let early = run.concluded(NOW);
        assert_eq!(early.verdict(), Verdict::Ready);
        assert!(early.attestations[1].note.contains("is signed on"));
        let at_once = report(vec![Given::attestable("org.pentest")])
            .attestation(attestation(Attested::Fail))
            .attestation(attestation(Attested::Pass))
            .concluded(NOW);
        assert!(at_once.results[0].status.is_fail(), "of two at once the bad one");
    }

    #[test]
    fn the_rules_name_what_is_wrong() {
        let problem = |attestation: Attestation| attestation.check(NOW).unwrap_err().to_string();
        let silent = Attestation {
            statement: String::new(),
            ..attestation(Attested::Pass)
        };
        assert_eq!(
            problem(silent),
            "the attestation for `org.pentest` has an empty `statement`; say it in a few words"
        );
        assert!(problem(attestation(Attested::Pass).until(NOW)).contains("expected after"));
        let later = Attestation {
            at: NOW.plus_seconds(1),
            ..attestation(Attested::Pass)
        };
        assert!(problem(later).contains("is signed on"));
        let json = r#"{"requirement":"a.b","status":"not_applicable","statement":"s","signer":"s","role":"r","at":"2026-11-20"}"#;
        assert!(
            serde_json::from_str::<Attestation>(json).is_err(),
            "it cannot say that nothing applies"
        );
    }
}
