//! Reports made by hand, for the tests beside.

use std::{borrow::Cow, collections::BTreeMap};

use super::{Attestation, Baseline, Decision, Digest, Policy, Score, Waiver, conclude};
use crate::{
    Credit, Outcome, Priority, Reason, Timestamp,
    probe::ProbeId,
    report::{Report, RequirementResult, TargetResult, Tool, ViewReport},
};

/// 2026-11-20T00:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);

/// A requirement and what its probe said, of medium priority and at the target `api`.
#[derive(Clone, Debug)]
pub(crate) struct Given(pub(crate) RequirementResult);

impl Given {
    pub(crate) fn new(id: &str, outcome: Outcome) -> Self {
        let probe = id.parse().unwrap_or(ProbeId::new("org.attested"));
        Self(RequirementResult {
            id: id.to_owned(),
            probe,
            title: Cow::Borrowed(""),
            priority: Priority::Medium,
            weight: Priority::Medium.weight(),
            blocker: false,
            status: outcome.status.clone(),
            targets: vec![TargetResult::new("api", "https://api.example.com/", outcome)],
            why: Cow::Borrowed(""),
            fix: Cow::Borrowed(""),
            references: Cow::Borrowed(&[]),
            max_age_seconds: None,
        })
    }

    pub(crate) fn pass(id: &str) -> Self {
        Self::new(id, Outcome::pass("fine"))
    }

    pub(crate) fn warn(id: &str) -> Self {
        Self::new(id, Outcome::warn("weak"))
    }

    pub(crate) fn warn_of(id: &str, credit: u16) -> Self {
        let mut outcome = Outcome::warn("weak");
        outcome.status = crate::Status::Warn {
            credit: Credit::try_from(credit).unwrap(),
        };
        Self::new(id, outcome)
    }

    pub(crate) fn fail(id: &str) -> Self {
        Self::new(id, Outcome::fail("broken"))
    }

    pub(crate) fn unknown(id: &str) -> Self {
        Self::new(id, Outcome::unknown(Reason::TIMEOUT, "no answer in 10 s"))
    }

    pub(crate) fn attestable(id: &str) -> Self {
        Self::new(
            id,
            Outcome::unknown(Reason::ATTESTATION_MISSING, "only a person can judge it"),
        )
    }

    pub(crate) fn not_applicable(id: &str) -> Self {
        Self::new(id, Outcome::not_applicable("not here"))
    }

    /// Sets the priority, its weight, and that a critical one is a blocker.
    pub(crate) fn priority(mut self, priority: Priority) -> Self {
        self.0.priority = priority;
        self.0.weight = priority.weight();
        self.0.blocker = priority == Priority::Critical;
        self
    }

    pub(crate) fn weight(mut self, weight: u32) -> Self {
        self.0.weight = weight;
        self
    }

    pub(crate) fn blocker(mut self) -> Self {
        self.0.blocker = true;
        self
    }

    pub(crate) fn max_age(mut self, seconds: u64) -> Self {
        self.0.max_age_seconds = Some(seconds);
        self
    }

    pub(crate) fn and(mut self, target: &str, outcome: Outcome) -> Self {
        self.0
            .targets
            .push(TargetResult::new(target, "https://b.example.com/", outcome));
        self
    }
}

/// A run that is over, and what it is judged with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Run {
    pub(crate) given: Vec<Given>,
    pub(crate) policy: Policy,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) earlier: Option<Box<Report>>,
}

pub(crate) fn report(given: Vec<Given>) -> Run {
    Run {
        given,
        ..Run::default()
    }
}

impl Run {
    pub(crate) fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    pub(crate) fn waiver(mut self, waiver: Waiver) -> Self {
        self.waivers.push(waiver);
        self
    }

    pub(crate) fn attestation(mut self, attestation: Attestation) -> Self {
        self.attestations.push(attestation);
        self
    }

    pub(crate) fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    pub(crate) fn earlier(mut self, earlier: Report) -> Self {
        self.earlier = Some(Box::new(earlier));
        self
    }

    /// The report of a run that began at this instant.
    pub(crate) fn concluded(&self, now: Timestamp) -> Report {
        let mut report = Report {
            schema_version: Report::SCHEMA_VERSION,
            tool: Tool::this(),
            catalog: "2026.1".to_owned(),
            started_at: now,
            judged_at: None,
            duration_ms: 7,
            decision: Decision::pending(),
            score: Score::default(),
            view: ViewReport::default(),
            results: self.given.iter().map(|given| given.0.clone()).collect(),
            policy: self.policy.clone(),
            waivers: Vec::new(),
            attestations: Vec::new(),
            baseline: None,
            trend: None,
            cost: BTreeMap::new(),
            suite_digest: Digest::of(b""),
            results_digest: Digest::of(b""),
        };
        conclude(
            &mut report,
            &self.waivers,
            &self.attestations,
            self.baseline.as_ref(),
            self.earlier.as_deref(),
            now,
        );
        report
    }
}
