use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::BasisPoints;

/// The rule that turns a score into a verdict.
///
/// Without a stated target the verdict asks one thing: does an unwaived blocker fail (not ready) or stay
/// unknown (inconclusive)? All else is opt-in.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Policy {
    /// The least that must be proven.
    pub target: Option<BasisPoints>,
    /// The least that must be judged.
    pub min_coverage: Option<BasisPoints>,
    /// The least that must be proven of a family, by its name.
    pub floors: BTreeMap<String, BasisPoints>,
    /// The most that may be declared not applicable; 25 % where a target is stated.
    pub max_not_applicable: Option<BasisPoints>,
    /// Whether a warning of a requirement that counts is a failure of the run.
    pub fail_on_warn: bool,
    /// Whether anything worse than in the earlier report is a failure of the run.
    pub no_regression: bool,
    /// Whether the one who approves a waiver must be another than its owner.
    pub four_eyes: bool,
}

impl Policy {
    /// Whether nothing but the blockers decides.
    pub fn is_usual(&self) -> bool {
        let Self {
            target,
            min_coverage,
            floors,
            fail_on_warn,
            no_regression,
            ..
        } = self;
        target.is_none() && min_coverage.is_none() && floors.is_empty() && !fail_on_warn && !no_regression
    }
}

/// Whether the deployment is ready.
#[allow(clippy::exhaustive_enums, reason = "exit codes are fixed by these four")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is. Exit code 0.
    Ready,
    /// It is, with accepted risks that have an owner and an end. Exit code 0.
    ReadyWithWaivers,
    /// It is not. Exit code 1.
    NotReady,
    /// Nobody can say. Exit code 2.
    Inconclusive,
}

impl Verdict {
    /// 0, 0, 1, 2.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ready | Self::ReadyWithWaivers => 0,
            Self::NotReady => 1,
            Self::Inconclusive => 2,
        }
    }

    /// Whether the deployment may go ahead.
    pub fn is_ready(self) -> bool {
        self.exit_code() == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "READY",
            Self::ReadyWithWaivers => "READY WITH WAIVERS",
            Self::NotReady => "NOT READY",
            Self::Inconclusive => "INCONCLUSIVE",
        })
    }
}

/// A verdict, the rule behind it, and what led to it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule in one sentence: "no blocker may fail or stay unknown".
    pub rule: String,
    /// What led to the verdict, the worst first; empty where it is ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}
