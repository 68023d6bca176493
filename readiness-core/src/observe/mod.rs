//! Looking, once: typed keys, sources that answer them, the run's store, recordings.

mod key;
mod recording;
mod source;
mod store;

pub use self::{
    key::{Observation, ObserveError},
    recording::{Attempt, AttemptEnd, Recorded, RecordedFact, Recording, RecordingError},
    source::{Looking, Source, Sources},
};
pub(crate) use self::{
    recording::Replay,
    store::{Entry, KeyId, Observatory},
};
