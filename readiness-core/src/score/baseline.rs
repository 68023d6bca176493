use serde::{Deserialize, Serialize};

use crate::outcome::Fingerprint;

/// Findings that were there before: only new ones fail. It never grows by itself.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
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
    /// How many findings it excused.
    pub excused: u32,
    /// Those that are gone: they can be taken out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<KnownFinding>,
    /// Those that a baseline cannot excuse, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
}
