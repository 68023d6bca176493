//! From outcomes to a score, a verdict and an exit code. Integers only; `now` is an input; nothing
//! depends on the order of completion.

mod accept;
mod attestation;
mod baseline;
mod canonical;
mod conclude;
mod decision;
mod digest;
#[cfg(test)]
mod example;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod laws;
mod model;
mod policy;
mod trend;
mod waiver;

pub use self::{
    attestation::{Attestation, AttestationError, AttestationRecord, Attested, AttestedEvidence},
    baseline::{Baseline, BaselineError, BaselineRecord, KnownFinding},
    decision::Decision,
    digest::Digest,
    model::{BasisPoints, Score},
    policy::{Policy, Verdict},
    trend::{Change, ChangeKind, Trend},
    waiver::{Waiver, WaiverError, WaiverRecord, WaiverState},
};
pub(crate) use self::{conclude::conclude, digest::Asked};
