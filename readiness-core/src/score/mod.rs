//! From outcomes to a score, a verdict and an exit code. Integers only; `now` is an input; nothing
//! depends on the order of completion.

mod attestation;
mod baseline;
mod digest;
mod model;
mod policy;
mod trend;
mod waiver;

pub use self::{
    attestation::{Attestation, AttestationRecord, Attested},
    baseline::{Baseline, BaselineRecord},
    digest::Digest,
    model::{BasisPoints, Score},
    policy::{Decision, Policy, Verdict},
    trend::{Change, ChangeKind, Trend},
    waiver::{Waiver, WaiverRecord, WaiverState},
};
