use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    clock::Timestamp,
    observe::{KeyId, Observation, Observatory, ObserveError},
    suite::Profile,
    target::Target,
};

/// What a probe is given for one attempt: its target, the run's instant, and a way to look.
///
/// A clone is cheap and means the same attempt.
#[derive(Clone)]
pub struct ProbeContext {
    inner: Arc<Inner>,
}

struct Inner {
    target: Arc<Target>,
    profile: Arc<Profile>,
    now: Timestamp,
    attempt: u32,
    store: Arc<Observatory>,
    rounds: Arc<Rounds>,
}

/// Which round each key is looked at in, for one requirement and target.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    state: Mutex<RoundState>,
}

#[derive(Debug, Default)]
struct RoundState {
    rounds: HashMap<KeyId, u32>,
    /// What this attempt asked for, and whether it has failed so far.
    asked: HashMap<KeyId, bool>,
}

impl Rounds {
    /// After an attempt that did not pass: what could not be looked at is looked at again, or, if
    /// everything could, what was seen. Facts that only others asked for stay.
    pub(crate) fn advance(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = std::mem::take(&mut state.asked);
        let any_failed = asked.values().any(|failed| *failed);
        for (key, failed) in asked {
            if failed || !any_failed {
                *state.rounds.entry(key).or_insert(1) += 1;
            }
        }
    }

    /// Where each look counts by itself: everything that was asked for is looked at again, facts and errors.
    pub(crate) fn renew(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = std::mem::take(&mut state.asked);
        for key in asked.into_keys() {
            *state.rounds.entry(key).or_insert(1) += 1;
        }
    }

    /// Notes that this key is asked for, and says in which round.
    ///
    /// It has failed until it is settled: an attempt that is dropped while it waits has failed here.
    fn ask(&self, key: KeyId) -> u32 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.asked.entry(key).or_insert(true);
        state.rounds.get(&key).copied().unwrap_or(1)
    }

    fn settle(&self, key: KeyId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failed) = state.asked.get_mut(&key) {
            *failed = false;
        }
    }
}

impl ProbeContext {
    pub(crate) fn new(
        target: Arc<Target>,
        profile: Arc<Profile>,
        now: Timestamp,
        attempt: u32,
        store: Arc<Observatory>,
        rounds: Arc<Rounds>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                target,
                profile,
                now,
                attempt,
                store,
                rounds,
            }),
        }
    }

    /// What is looked at.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// The rules this target is held to.
    pub fn profile(&self) -> &Profile {
        &self.inner.profile
    }

    /// The run's instant: dates are judged by it, never by the machine's clock.
    pub fn now(&self) -> Timestamp {
        self.inner.now
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.inner.attempt
    }

    /// Looks, or shares the look of another probe: each key is looked at once in a run.
    ///
    /// A retry looks again at what failed, or, if every look succeeded, at what was seen. Where several good
    /// looks are needed ([`Retry::needed`](crate::Retry::needed)), each of them looks at everything again.
    ///
    /// # Errors
    /// Where we could not look. Errors are shared like facts.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing: the look goes on for whoever asks next.
    pub async fn observe<O: Observation>(&self, key: O) -> Result<Arc<O::Fact>, ObserveError> {
        let inner = &self.inner;
        let mut asked = None;
        let flight = inner.store.flight_in(key, &[], |key| {
            asked = Some(key);
            inner.rounds.ask(key)
        });
        let result = flight.await;
        if let Some(key) = asked.filter(|_| result.is_ok()) {
            inner.rounds.settle(key);
        }
        result
    }
}

impl fmt::Debug for ProbeContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProbeContext")
            .field("target", &self.inner.target)
            .field("attempt", &self.inner.attempt)
            .finish_non_exhaustive()
    }
}
