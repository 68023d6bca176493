use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::FutureExt;
use tracing::Instrument;

use super::{Event, panic_text, shared::Shared};
use crate::{
    error::ErrorChain,
    observe::{Attempt, AttemptEnd},
    outcome::{Outcome, Reason, Status},
    probe::{ProbeContext, ProbeError},
    suite::{Profile, Requirement},
    target::Target,
};

/// One requirement at one target.
pub(super) struct Job<'a> {
    pub(super) requirement: &'a Requirement,
    pub(super) target: &'a Arc<Target>,
    pub(super) profile: Arc<Profile>,
    /// Attempts begun, readable when the job is dropped half-way.
    pub(super) begun: AtomicU32,
}

/// What became of a job.
pub(super) struct JobResult {
    pub(super) outcome: Outcome,
    pub(super) flaky: bool,
    pub(super) attempts: Vec<Attempt>,
}

impl JobResult {
    pub(super) fn duration_ms(&self) -> u64 {
        self.attempts.iter().map(|attempt| attempt.duration_ms).sum()
    }
}

impl Job<'_> {
    pub(super) async fn run(&self, shared: &Shared<'_>) -> JobResult {
        let span = tracing::info_span!(
            "requirement",
            requirement = self.requirement.id(),
            target_label = self.target.label(),
        );
        self.attempts(shared).instrument(span).await
    }

    async fn attempts(&self, shared: &Shared<'_>) -> JobResult {
        let retry = self.requirement.own_retry();
        let rounds = Arc::default();
        let mut log = Vec::new();
        loop {
            let n = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
            shared.tell(|| Event::Started {
                requirement: self.requirement.id().to_owned(),
                target: self.target.label().to_owned(),
                attempt: n,
            });
            let cx = ProbeContext::new(
                Arc::clone(self.target),
                Arc::clone(&self.profile),
                shared.now,
                n,
                Arc::clone(&shared.store),
                Arc::clone(&rounds),
            );
            let (outcome, end, duration_ms) = self.attempt(&cx, shared).await;
            log.push(Attempt {
                requirement: self.requirement.id().to_owned(),
                target: self.target.label().to_owned(),
                attempt: n,
                end,
                duration_ms,
            });
            let status = &outcome.status;
            tracing::debug!(%status, attempt = n, duration_ms, summary = outcome.summary.as_str(), "judged");
            if n >= retry.attempts || end == AttemptEnd::Deadline || !is_worth_another(status) {
                return JobResult {
                    flaky: n > 1 && status.is_pass(),
                    outcome,
                    attempts: log,
                };
            }
            rounds.advance();
            if !shared.store.is_replay() {
                tokio::time::sleep(retry.pause(n)).await;
            }
        }
    }

    async fn attempt(&self, cx: &ProbeContext, shared: &Shared<'_>) -> (Outcome, AttemptEnd, u64) {
        let timeout = self.requirement.attempt_timeout();
        let probe = self.requirement.probe();
        // `run` itself may be written by hand and panic before it gives a future: it is called inside.
        let run = AssertUnwindSafe(async { probe.run(cx).await }).catch_unwind();
        if let Some(replay) = shared.replay {
            let (id, label) = (self.requirement.id(), self.target.label());
            let recorded = replay.attempt(id, label, cx.attempt());
            let duration_ms = recorded.map_or(0, |attempt| attempt.duration_ms);
            // What did not end in the run cannot end here: it is told as it was.
            return match recorded.map(|attempt| attempt.end) {
                Some(AttemptEnd::Timeout) => (timed_out(timeout), AttemptEnd::Timeout, duration_ms),
                Some(AttemptEnd::Deadline) => (shared.too_late(), AttemptEnd::Deadline, duration_ms),
                _ => (settled(run.await), AttemptEnd::Done, duration_ms),
            };
        }
        let begun = tokio::time::Instant::now();
        let (outcome, end) = match tokio::time::timeout(timeout, run).await {
            Ok(result) => (settled(result), AttemptEnd::Done),
            Err(_) => (timed_out(timeout), AttemptEnd::Timeout),
        };
        let duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        (outcome, end, duration_ms)
    }
}

/// Whether another attempt could end otherwise: not where something is missing that no wait will bring.
fn is_worth_another(status: &Status) -> bool {
    match status {
        Status::Fail => true,
        Status::Unknown { reason, .. } => ![
            Reason::ATTESTATION_MISSING,
            Reason::CLAIM_ONLY,
            Reason::CREDENTIAL_WITHHELD,
            Reason::CYCLE,
            Reason::MISSING_CREDENTIAL,
            Reason::NOT_BOUND,
            Reason::NOT_RECORDED,
            Reason::NO_SOURCE,
        ]
        .contains(reason),
        Status::Pass | Status::Warn { .. } | Status::NotApplicable { .. } => false,
    }
}

fn timed_out(timeout: Duration) -> Outcome {
    Outcome::unknown(Reason::TIMEOUT, format!("no answer within {timeout:?}"))
}

fn settled(result: std::thread::Result<Result<Outcome, ProbeError>>) -> Outcome {
    match result {
        Ok(answer) => outcome_of(answer),
        Err(panic) => Outcome::unknown(
            Reason::PANIC,
            format!("the probe panicked: {}", panic_text(&*panic)),
        ),
    }
}

/// What a probe's answer means.
pub(crate) fn outcome_of(answer: Result<Outcome, ProbeError>) -> Outcome {
    match answer {
        Ok(outcome) => outcome,
        Err(ProbeError::Observe(error)) => match error.cause {
            Some(cause) => Outcome::dependency_failed(cause),
            None => Outcome::unknown(error.reason, error.message),
        },
        Err(error) => Outcome::unknown(Reason::ERROR, ErrorChain(&error).to_string()),
    }
}
