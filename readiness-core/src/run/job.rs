use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
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
    report::{Look, Looks, is_good},
    suite::{Profile, Requirement},
    target::Target,
};

/// One requirement at one target.
pub(super) struct Job<'a> {
    pub(super) requirement: &'a Requirement,
    pub(super) target: &'a Arc<Target>,
    pub(super) profile: Arc<Profile>,
    /// The attempts that have ended, readable when the job is dropped half-way.
    log: Mutex<Log>,
}

/// What became of a job.
pub(super) struct JobResult {
    pub(super) outcome: Outcome,
    pub(super) flaky: bool,
    pub(super) attempts: Vec<Attempt>,
    pub(super) looks: Option<Looks>,
}

impl JobResult {
    pub(super) fn duration_ms(&self) -> u64 {
        self.attempts.iter().map(|attempt| attempt.duration_ms).sum()
    }
}

/// The attempts at a job so far.
struct Log {
    attempts: Vec<Attempt>,
    looks: Looks,
    good: u32,
    bad: u32,
    /// The worst of the good ones: what counts where enough are good.
    worst_good: Option<Outcome>,
}

impl<'a> Job<'a> {
    pub(super) fn new(requirement: &'a Requirement, target: &'a Arc<Target>, profile: Arc<Profile>) -> Self {
        let retry = requirement.own_retry();
        let most = retry.attempts.max(1);
        Self {
            requirement,
            target,
            profile,
            log: Mutex::new(Log {
                attempts: Vec::new(),
                looks: Looks::new(retry.needed.clamp(1, most), most),
                good: 0,
                bad: 0,
                worst_good: None,
            }),
        }
    }

    // Never held across an await.
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn run(&self, shared: &Shared<'_>) -> JobResult {
        let span = tracing::info_span!(
            "requirement",
            requirement = self.requirement.id(),
            target_label = self.target.label(),
        );
        self.attempts(shared).instrument(span).await
    }

    /// What the run's deadline leaves of it: the attempts that had ended, and one that did not.
    pub(super) fn cut(&self, shared: &Shared<'_>) -> JobResult {
        let outcome = shared.too_late();
        self.note(&outcome, AttemptEnd::Deadline, 0);
        self.result(outcome)
    }

    async fn attempts(&self, shared: &Shared<'_>) -> JobResult {
        let retry = self.requirement.own_retry();
        let rounds = Arc::default();
        for n in 1.. {
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
            let status = &outcome.status;
            tracing::debug!(%status, attempt = n, duration_ms, summary = outcome.summary.as_str(), "judged");
            let is_over = self.note(&outcome, end, duration_ms);
            if is_over || end == AttemptEnd::Deadline || is_settled(status) {
                return self.result(outcome);
            }
            if retry.needed > 1 {
                rounds.renew();
            } else {
                rounds.advance();
            }
            if !shared.store.is_replay() {
                tokio::time::sleep(retry.pause(n)).await;
            }
        }
        // Nobody counts so far.
        self.cut(shared)
    }

    /// Takes an attempt down, and tells whether it was the one that decides.
    fn note(&self, outcome: &Outcome, end: AttemptEnd, duration_ms: u64) -> bool {
        let mut log = self.log();
        let attempt = u32::try_from(log.attempts.len()).map_or(u32::MAX, |made| made.saturating_add(1));
        log.attempts.push(Attempt {
            requirement: self.requirement.id().to_owned(),
            target: self.target.label().to_owned(),
            attempt,
            end,
            duration_ms,
        });
        log.looks.push(Look::new(outcome, duration_ms));
        // What was cut says neither.
        if end == AttemptEnd::Deadline {
            return true;
        }
        if is_good(&outcome.status) {
            log.good += 1;
            let order = |outcome: &Outcome| (outcome.status.rank(), outcome.status.credit());
            if log
                .worst_good
                .as_ref()
                .is_none_or(|worst| order(outcome) <= order(worst))
            {
                log.worst_good = Some(outcome.clone());
            }
        } else {
            log.bad += 1;
        }
        log.good >= log.looks.needed || log.bad > log.looks.most - log.looks.needed
    }

    fn result(&self, last: Outcome) -> JobResult {
        let mut log = self.log();
        let holds = log.good >= log.looks.needed;
        let outcome = match log.worst_good.take() {
            Some(worst) if holds => worst,
            _ => last,
        };
        let tells = log.looks.needed > 1 || log.attempts.len() > 1;
        JobResult {
            outcome,
            flaky: log.good > 0 && log.bad > 0,
            attempts: std::mem::take(&mut log.attempts),
            looks: tells.then(|| log.looks.clone()),
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

/// Whether no other attempt could end otherwise: where it does not apply, or something is missing that no wait
/// will bring.
fn is_settled(status: &Status) -> bool {
    match status {
        Status::Fail | Status::Pass | Status::Warn { .. } => false,
        Status::NotApplicable { .. } => true,
        Status::Unknown { reason, .. } => [
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
