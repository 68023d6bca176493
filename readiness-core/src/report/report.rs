use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};

use super::Looks;
use crate::{
    clock::Timestamp,
    fact::View,
    outcome::{Outcome, Status},
    probe::{Priority, ProbeId, Reference},
    score::{
        AttestationRecord, BaselineRecord, Decision, Digest, Policy, Score, Trend, Verdict, WaiverRecord,
    },
};

/// The answer of a run. Everything a renderer needs, and nothing it must not show.
///
/// It reads and writes as JSON; read back and rendered it gives the same bytes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of this format: [`Report::SCHEMA_VERSION`].
    pub schema_version: u32,
    /// What made it.
    pub tool: Tool,
    /// The catalogue of probes, priorities and thresholds it was judged by.
    pub catalog: String,
    /// When the run began; the instant everything is judged by.
    pub started_at: Timestamp,
    /// As of when score and verdict are, where the report was scored again at another instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_at: Option<Timestamp>,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    /// The verdict, the rule behind it, and what led to it.
    pub decision: Decision,
    /// What the outcomes add up to.
    pub score: Score,
    /// From where it was looked, and at what not.
    pub view: ViewReport,
    /// Every requirement, in the suite's order.
    pub results: Vec<RequirementResult>,
    /// The policy in full.
    pub policy: Policy,
    /// Every waiver and what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<WaiverRecord>,
    /// Every attestation and what became of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestations: Vec<AttestationRecord>,
    /// What the baseline did, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineRecord>,
    /// What changed since an earlier report, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
    /// What the run cost: connections, queries, requests.
    #[serde(default)]
    pub cost: BTreeMap<String, u64>,
    /// The digest of the suite: its requirements, targets' labels, thresholds and policy.
    pub suite_digest: Digest,
    /// The digest of the results without times and durations.
    pub results_digest: Digest,
}

/// What made a report.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tool {
    /// `readiness`.
    pub name: Cow<'static, str>,
    /// Its version.
    pub version: Cow<'static, str>,
}

/// From where it was looked, and at what not.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ViewReport {
    /// The machine, its resolver, its routes, its trust store.
    #[serde(flatten)]
    pub from: View,
    /// The profile of each target, by label.
    #[serde(default)]
    pub profiles: BTreeMap<String, String>,
    /// What was not looked at, and why.
    #[serde(default)]
    pub not_looked_at: Vec<String>,
}

/// One requirement over all its targets.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RequirementResult {
    /// The requirement's id: the probe's, unless the suite says otherwise.
    pub id: String,
    /// The probe.
    pub probe: ProbeId,
    /// The state that is wanted, in a few words.
    pub title: Cow<'static, str>,
    /// How much it matters.
    pub priority: Priority,
    /// Its weight in the score.
    pub weight: u32,
    /// Whether it decides by itself.
    pub blocker: bool,
    /// The worst of its targets. Where an attestation decides, what it says.
    #[serde(flatten)]
    pub status: Status,
    /// Each target, in the suite's order.
    pub targets: Vec<TargetResult>,
    /// Why it matters.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub why: Cow<'static, str>,
    /// How to mend it in general.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub fix: Cow<'static, str>,
    /// Where the rules come from.
    #[serde(default, skip_serializing_if = "<[Reference]>::is_empty")]
    pub references: Cow<'static, [Reference]>,
    /// How old a result may be, in seconds, before it counts as unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u64>,
}

/// One requirement at one target.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TargetResult {
    /// The target's label.
    pub target: String,
    /// The target as it is shown, without secrets.
    pub url: String,
    /// What the probe said. It stays as it is, so that a stored report can be scored again.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What it counts as, where that is not what the probe said: too old, or attested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counts_as: Option<Status>,
    /// How many attempts were made; the one that was cut short among them.
    pub attempts: u32,
    /// Whether its looks disagree: some were good, some were not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub flaky: bool,
    /// Every look, where more than one was made or asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub looks: Option<Looks>,
    /// How long all attempts took, in milliseconds.
    pub duration_ms: u64,
    /// What accepts its failure, where something does. Under [`Policy::fail_on_warn`] a warning is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Accepted>,
}

/// What accepts a failure, or lets an unknown one through. It buys permission, not points.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum Accepted {
    /// Findings that were there before.
    Baseline,
    /// An active waiver.
    Waiver {
        /// Who answers for it.
        owner: String,
        /// When it ends.
        until: Timestamp,
        /// Why.
        reason: String,
    },
}

impl Report {
    /// The version of the JSON format this crate writes.
    pub const SCHEMA_VERSION: u32 = 1;

    /// The verdict.
    pub fn verdict(&self) -> Verdict {
        self.decision.verdict
    }

    /// A requirement by its id.
    pub fn requirement(&self, id: &str) -> Option<&RequirementResult> {
        self.results.iter().find(|result| result.id == id)
    }

    /// Every requirement with each of its targets, in the suite's order.
    pub fn rows(&self) -> impl Iterator<Item = (&RequirementResult, &TargetResult)> {
        self.results
            .iter()
            .flat_map(|result| result.targets.iter().map(move |target| (result, target)))
    }
}

impl TargetResult {
    /// A result after one attempt.
    pub fn new(target: impl Into<String>, url: impl Into<String>, outcome: Outcome) -> Self {
        Self {
            target: target.into(),
            url: url.into(),
            outcome,
            counts_as: None,
            attempts: 1,
            flaky: false,
            looks: None,
            duration_ms: 0,
            accepted: None,
        }
    }

    /// What it counts as: what the probe said, unless that is too old or a person attested what no probe
    /// can judge.
    pub fn status(&self) -> &Status {
        self.counts_as.as_ref().unwrap_or(&self.outcome.status)
    }
}

impl Tool {
    /// This crate.
    pub fn this() -> Self {
        Self {
            name: Cow::Borrowed("readiness"),
            version: Cow::Borrowed(env!("CARGO_PKG_VERSION")),
        }
    }
}
