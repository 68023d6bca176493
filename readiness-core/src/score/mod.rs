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

#[allow(unused)]
pub(crate) fn conclude(
    report: &mut crate::report::Report,
    waivers: &[Waiver],
    attestations: &[Attestation],
    baseline: Option<&Baseline>,
    earlier: Option<&crate::report::Report>,
    now: crate::clock::Timestamp,
) {
    for r in &mut report.results {
        r.status = r
            .targets
            .iter()
            .map(|t| t.outcome.status.clone())
            .min_by_key(|s| s.rank())
            .unwrap_or(crate::outcome::Status::Pass);
    }
    let bad = report.results.iter().any(|r| r.blocker && r.status.is_fail());
    let unk = report.results.iter().any(|r| r.blocker && r.status.is_unknown());
    report.decision.verdict = if bad {
        Verdict::NotReady
    } else if unk {
        Verdict::Inconclusive
    } else {
        Verdict::Ready
    };
}
