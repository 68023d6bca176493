use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ObserveError;
use crate::clock::Timestamp;

/// Everything a run saw. Replaying it opens no socket and gives the same report, byte for byte.
///
/// It holds no secret: facts are redacted when they are made, keys name credentials by handle.
///
/// # Limits
/// A probe that looks past its context (its own sockets, its own clock) is not in it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Recording {
    /// The version of this format: [`Recording::VERSION`].
    pub version: u32,
    /// When the run began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How long the run took, in milliseconds.
    #[serde(default)]
    pub duration_ms: u64,
    /// The digest of the suite that was run.
    #[serde(default)]
    pub suite_digest: String,
    /// What the run cost: connections, queries, requests.
    #[serde(default)]
    pub cost: BTreeMap<String, u64>,
    /// Every attempt at every requirement.
    #[serde(default)]
    pub attempts: Vec<Attempt>,
    /// Every observation, sorted by kind, key and round.
    pub facts: Vec<RecordedFact>,
}

/// One attempt at one requirement, and how it ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The requirement.
    pub requirement: String,
    /// The target's label.
    pub target: String,
    /// Counted from 1.
    pub attempt: u32,
    /// How it ended.
    pub end: AttemptEnd,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The run's deadline came first.
    Deadline,
    /// The probe answered, failed or panicked.
    Done,
    /// The requirement's own timeout came first.
    Timeout,
}

/// One observation and its answer.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RecordedFact {
    /// The kind of observation.
    pub kind: String,
    /// What was looked at.
    pub key: Value,
    /// The round, counted from 1: a retry looks again in the next one.
    pub round: u32,
    /// What was seen.
    #[serde(flatten)]
    pub result: Recorded,
}

/// What a look gave.
#[allow(clippy::exhaustive_enums, reason = "a look gives one or the other")]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recorded {
    /// We could not look.
    Error(ObserveError),
    /// This was seen.
    Fact(Value),
}

impl Recording {
    /// The version this crate reads and writes.
    pub const VERSION: u32 = 1;

    /// Reads a recording from JSON.
    ///
    /// # Errors
    /// [`RecordingError`] with line and column where the text is no recording, or one of another version.
    pub fn from_json(json: &str) -> Result<Self, RecordingError> {
        let recording: Self = serde_json::from_str(json).map_err(RecordingError::Json)?;
        if recording.version == Self::VERSION {
            Ok(recording)
        } else {
            Err(RecordingError::Version(recording.version))
        }
    }

    /// Writes it as JSON, a line for each attempt and fact, so that two recordings can be compared with
    /// `diff`.
    pub fn to_json(&self) -> String {
        // All of it serialises: keys are strings throughout, and facts are JSON already.
        fn json<T: Serialize>(value: &T) -> String {
            serde_json::to_string(value).unwrap_or_default()
        }
        fn lines<T: Serialize>(values: &[T]) -> String {
            let lines: Vec<String> = values.iter().map(json).collect();
            format!("[\n{}\n]", lines.join(",\n"))
        }
        let mut text = format!("{{\n\"version\": {}", self.version);
        if let Some(started_at) = self.started_at {
            let _ = write!(text, ",\n\"started_at\": {}", json(&started_at));
        }
        let _ = write!(text, ",\n\"duration_ms\": {}", self.duration_ms);
        let _ = write!(text, ",\n\"suite_digest\": {}", json(&self.suite_digest));
        let _ = write!(text, ",\n\"cost\": {}", json(&self.cost));
        let _ = write!(text, ",\n\"attempts\": {}", lines(&self.attempts));
        let _ = write!(text, ",\n\"facts\": {}\n}}\n", lines(&self.facts));
        text
    }
}

/// A text that is no recording.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordingError {
    /// It is not the JSON of a recording.
    #[error("the recording cannot be read")]
    Json(#[source] serde_json::Error),
    /// It was written by another version.
    #[error("the recording has version {0}, expected {expected}", expected = Recording::VERSION)]
    Version(u32),
}

/// A recording, ready to be asked.
#[derive(Debug)]
pub(crate) struct Replay {
    /// By key: kind, round, and what was seen.
    facts: HashMap<Value, Vec<(String, u32, Recorded)>>,
    attempts: HashMap<(String, String, u32), Attempt>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) duration_ms: u64,
    pub(crate) suite_digest: String,
    pub(crate) cost: BTreeMap<String, u64>,
}

impl Replay {
    pub(crate) fn new(recording: &Recording) -> Self {
        let mut facts: HashMap<Value, Vec<_>> = HashMap::new();
        for fact in &recording.facts {
            let seen = (fact.kind.clone(), fact.round, fact.result.clone());
            facts.entry(fact.key.clone()).or_default().push(seen);
        }
        let attempts = recording.attempts.iter().map(|attempt| {
            let key = (
                attempt.requirement.clone(),
                attempt.target.clone(),
                attempt.attempt,
            );
            (key, attempt.clone())
        });
        Self {
            facts,
            attempts: attempts.collect(),
            started_at: recording.started_at,
            duration_ms: recording.duration_ms,
            suite_digest: recording.suite_digest.clone(),
            cost: recording.cost.clone(),
        }
    }

    pub(crate) fn fact(&self, kind: &str, key: &Value, round: u32) -> Option<&Recorded> {
        // As in a map, the last one counts where a recording holds two.
        let mut seen = self.facts.get(key)?.iter().rev();
        seen.find(|(of, in_round, _)| of == kind && *in_round == round)
            .map(|(_, _, recorded)| recorded)
    }

    pub(crate) fn attempt(&self, requirement: &str, target: &str, n: u32) -> Option<&Attempt> {
        self.attempts.get(&(requirement.to_owned(), target.to_owned(), n))
    }
}
