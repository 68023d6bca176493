use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// An accepted risk with an owner and an end. It buys permission, not points.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The requirement it is about.
    pub requirement: String,
    /// The target's label; every target where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The finding's code; every finding where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The finding's subject; every subject where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why the risk is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// From when on; from the beginning of time where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When it ends. Mandatory.
    pub until: Timestamp,
}

/// A waiver and what became of it in a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WaiverRecord {
    /// The waiver.
    pub waiver: Waiver,
    /// What became of it.
    pub state: WaiverState,
}

/// What became of a waiver.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// It took effect.
    Active,
    /// Its end has passed.
    Expired,
    /// It has not begun.
    NotYet,
    /// What it waives does not fail: it can go.
    Stale,
}
