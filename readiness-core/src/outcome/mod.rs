//! What a probe says: a status, findings, evidence and measured values.

mod evidence;
mod finding;
mod measure;
mod outcome;
mod reason;
mod status;

pub use self::{
    evidence::Evidence,
    finding::{Finding, Fingerprint},
    measure::{Bound, Measure, Unit},
    outcome::Outcome,
    reason::Reason,
    status::{Cause, Credit, Status},
};
