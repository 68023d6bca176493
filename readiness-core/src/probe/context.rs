use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::Value;

use crate::{
    clock::Timestamp,
    observe::{Observation, Observatory, ObserveError},
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
    rounds: HashMap<(&'static str, Value), u32>,
    asked: Vec<((&'static str, Value), bool)>,
}

impl Rounds {
    /// After an attempt that did not pass: what could not be looked at is looked at again, or, if
    /// everything could, what was seen. Facts that only others asked for stay.
    pub(crate) fn advance(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = std::mem::take(&mut state.asked);
        let any_failed = asked.iter().any(|(_, failed)| *failed);
        for (key, failed) in asked {
            if failed || !any_failed {
                *state.rounds.entry(key).or_insert(1) += 1;
            }
        }
    }

    fn round_of(&self, key: &(&'static str, Value)) -> u32 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.rounds.get(key).copied().unwrap_or(1)
    }

    fn note(&self, key: (&'static str, Value), failed: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.asked.iter().any(|(known, _)| *known == key) {
            state.asked.push((key, failed));
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
    /// A retry looks again at what failed, or, if every look succeeded, at what was seen.
    ///
    /// # Errors
    /// Where we could not look. Errors are shared like facts.
    ///
    /// # Cancel safety
    /// Dropping the future costs nothing: the look goes on for whoever asks next.
    pub async fn observe<O: Observation>(&self, key: O) -> Result<Arc<O::Fact>, ObserveError> {
        let inner = &self.inner;
        let known = (O::KIND, serde_json::to_value(&key).unwrap_or_default());
        let round = inner.rounds.round_of(&known);
        // Noted before the wait: an attempt that is dropped here has failed here.
        inner.rounds.note(known.clone(), true);
        let result = inner.store.flight(key, &Arc::default(), round).await;
        if result.is_ok() {
            inner.rounds.settle(&known);
        }
        result
    }
}

impl Rounds {
    fn settle(&self, key: &(&'static str, Value)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, failed)) = state.asked.iter_mut().find(|(known, _)| known == key) {
            *failed = false;
        }
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
