use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use super::Event;
use crate::{
    clock::Timestamp,
    observe::{Observatory, Replay},
    outcome::{Outcome, Reason},
    score::Digest,
};

/// What all jobs of a run share.
pub(super) struct Shared<'a> {
    pub(super) now: Timestamp,
    pub(super) store: Arc<Observatory>,
    pub(super) replay: Option<&'a Replay>,
    pub(super) deadline: Duration,
    pub(super) progress: Option<Arc<Mutex<Vec<Event>>>>,
}

impl Shared<'_> {
    pub(super) fn tell(&self, event: impl FnOnce() -> Event) {
        if let Some(progress) = &self.progress {
            progress
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(event());
        }
    }

    /// What is to be said where a recording was made with another suite than the one that replays it.
    pub(super) fn foreign_recording(&self, suite: &Digest) -> Option<String> {
        let made_with = &self.replay?.suite_digest;
        (!made_with.is_empty() && made_with != suite.as_str()).then(|| {
            "the recording was made with another suite: what that one did not ask is not in it".to_owned()
        })
    }

    pub(super) fn too_late(&self) -> Outcome {
        Outcome::unknown(
            Reason::TIMEOUT,
            format!("not judged within the run's {:?}", self.deadline),
        )
    }
}
