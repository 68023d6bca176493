use serde::{Deserialize, Serialize};

use super::BasisPoints;

/// What changed since an earlier report.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trend {
    /// What was proven then, of everything.
    pub proven_before: Option<BasisPoints>,
    /// What was proven then, of the requirements both reports have, with today's weights.
    pub like_for_like_before: Option<BasisPoints>,
    /// What is proven now, of the requirements both reports have.
    pub like_for_like_now: Option<BasisPoints>,
    /// Every requirement and target whose judgement changed, in the report's order.
    pub changes: Vec<Change>,
}

/// One requirement and target whose judgement changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The requirement.
    pub requirement: String,
    /// The target's label.
    pub target: String,
    /// How it changed.
    pub kind: ChangeKind,
    /// The status then, in a word; empty where it was not there.
    pub before: String,
    /// The status now, in a word; empty where it is gone.
    pub now: String,
}

/// How a judgement changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It could be judged before, and cannot now.
    BecameUnknown,
    /// It is better than before.
    Fixed,
    /// It was not there before.
    New,
    /// It is worse than before.
    Regressed,
    /// It is not there any more.
    Removed,
}
