//! Settings with names of their own.

use serde::Deserialize;

/// What an endpoint is asked for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum HealthKind {
    /// Whether the process must be restarted: it asks nothing outside.
    Liveness,
    /// Whether it may get traffic.
    Readiness,
    /// Whether it has come up.
    Startup,
}

/// A finding about the answer itself whose weight can be set.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum HealthFinding {
    /// The whole says otherwise than its components.
    AggregateMismatch,
    /// Caches may keep the answer, or did.
    Cacheable,
    /// Everybody can read what helps an attacker.
    DetailsPublic,
    /// No check stands behind the answer.
    EmptyChecks,
    /// Liveness asks what is outside the process.
    LivenessHasDependencies,
    /// The answer is older than it may be.
    Stale,
    /// The status code says otherwise than the body.
    StatusCodeMismatch,
}

impl HealthFinding {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::AggregateMismatch => "aggregate_mismatch",
            Self::Cacheable => "cacheable",
            Self::DetailsPublic => "details_public",
            Self::EmptyChecks => "empty_checks",
            Self::LivenessHasDependencies => "liveness_has_dependencies",
            Self::Stale => "stale",
            Self::StatusCodeMismatch => "status_code_mismatch",
        }
    }
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FindingLevel {
    /// It fails.
    Fail,
    /// It is worth knowing, and no fault.
    Note,
    /// It warns.
    Warn,
}
