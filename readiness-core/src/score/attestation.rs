use serde::{Deserialize, Serialize};

use super::Digest;
use crate::clock::Timestamp;

/// A person's word for what no probe can judge. It never stands over a failure.
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
