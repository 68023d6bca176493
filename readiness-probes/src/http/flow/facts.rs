//! A flow, and what came of it.

use readiness_core::{
    Observation, ObserveError,
    fact::{Endpoint, Exchange},
};
use serde::{Deserialize, Serialize};

use super::FlowStep;

/// A sequence of requests to one address, each sent when the one before has been answered as it must.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FlowRun {
    /// To whom the steps go that name no other origin.
    pub endpoint: Endpoint,
    /// The `Host` or `:authority` of that.
    pub authority: String,
    /// The handle of the credential that steps may use, which must be bound to this origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The steps, [`FlowRun::MOST_STEPS`] at most. Values are put in when a step is sent and stand in no key.
    pub steps: Vec<FlowStep>,
    /// Whether cookies that one step is given go with the next, as in a browser.
    pub cookies: bool,
    /// When no more steps begin but those that are always sent, in seconds from the first,
    /// [`FlowRun::MOST_SECONDS`] at most.
    pub max_seconds: u32,
}

impl FlowRun {
    /// The most steps.
    pub const MOST_STEPS: usize = 32;
    /// The longest time in which steps begin, in seconds.
    pub const MOST_SECONDS: u32 = 120;
    /// The most bytes of the bodies of all answers that are looked at.
    pub const MOST_BODY_BYTES: u64 = 8 * 1024 * 1024;
    /// The longest value that is taken from an answer, in bytes.
    pub const MOST_VALUE_BYTES: usize = 16 * 1024;

    /// These steps, with cookies, for 30 s at most.
    pub fn new(endpoint: Endpoint, authority: impl Into<String>, steps: Vec<FlowStep>) -> Self {
        Self {
            endpoint,
            authority: authority.into(),
            credential: None,
            steps,
            cookies: true,
            max_seconds: 30,
        }
    }

    /// Lets steps use the credential of this handle.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }

    /// Says whether cookies are kept.
    pub fn cookies(mut self, kept: bool) -> Self {
        self.cookies = kept;
        self
    }

    /// Sets when no more steps begin, in seconds.
    pub fn max_seconds(mut self, seconds: u32) -> Self {
        self.max_seconds = seconds;
        self
    }
}

impl Observation for FlowRun {
    const KIND: &'static str = "http.flow";
    type Fact = FlowFacts;
}

/// What became of each step, in order. Neither bodies nor secret values are kept.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FlowFacts {
    /// One for each step.
    pub steps: Vec<FlowResult>,
    /// From the first request to the last answer, in microseconds.
    #[serde(default)]
    pub total_us: u64,
}

impl FlowFacts {
    /// These results.
    pub fn new(steps: Vec<FlowResult>) -> Self {
        Self { steps, total_us: 0 }
    }
}

/// What became of one step.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowResult {
    /// There is an answer.
    Answered(Box<FlowAnswer>),
    /// It got no answer, or was not sent.
    Failed(ObserveError),
    /// It was not sent, as the time of the flow was over.
    OutOfTime,
    /// It was not sent, as an earlier step failed.
    Skipped,
    /// It was not sent, as a variable that it uses holds what must not stand there.
    Unfit {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        problem: FlowUnfit,
    },
    /// It was not sent, as a variable that it uses was never taken.
    Untaken(String),
}

/// Why a value must not be sent where it was to stand.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowUnfit {
    /// It holds a control character, such as an end of a line.
    ControlCharacter,
    /// It makes a segment `.` or `..` of the path.
    DotSegment,
    /// It is empty where a segment of the path was to stand.
    Empty,
    /// It holds a character that no header may hold.
    NotAscii,
    /// It leads to another origin.
    OtherOrigin,
    /// It holds a slash, so that it would be several segments of the path.
    Slash,
    /// The request would be too long with it.
    TooLong,
}

/// The answer to a step, as far as anything was asked of it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FlowAnswer {
    /// Status, times, and the headers of which something is expected; of a secret answer a value stands there only
    /// where it is as expected, or of no use to anybody. Its body is not kept.
    pub exchange: Exchange,
    /// Of a secret answer, what holds of each header of which something is expected; `None` where its value is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<Option<FlowHeader>>,
    /// Whether each text of `contains`, and then of `not_contains`, stands in the body.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<bool>,
    /// What stands in the JSON document.
    #[serde(default)]
    pub document: FlowDocument,
    /// What was taken, by the name of the variable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<(String, FlowTaken)>,
}

impl FlowAnswer {
    /// An answer of which nothing but this was asked.
    pub fn new(exchange: Exchange) -> Self {
        Self {
            exchange,
            headers: Vec::new(),
            texts: Vec::new(),
            document: FlowDocument::NotAsked,
            taken: Vec::new(),
        }
    }
}

/// What holds of a header whose value is not kept.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowHeader {
    /// It does not equal what is expected.
    Different,
    /// It is there, and what is expected of its value holds.
    Holds,
    /// What is expected in it is not there.
    Lacks,
    /// There is none.
    Missing,
}

/// What a JSON document holds where something is expected.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowDocument {
    /// Nothing was asked of it.
    #[default]
    NotAsked,
    /// It is no JSON: where, in words.
    NotJson(String),
    /// The body was not read to its end.
    NotRead,
    /// For each assertion the JSON text at its pointer; a secret one is `"[redacted]"` unless it is equal to what
    /// is expected.
    Values(Vec<Option<String>>),
}

/// What became of a value that was to be taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowTaken {
    /// It is not there, for this reason.
    Lacking(FlowLack),
    /// It was taken, and is secret.
    Secret,
    /// It was taken; its beginning.
    Value(String),
}

/// Why a value was not taken.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum FlowLack {
    /// It is empty.
    Empty,
    /// There is none.
    Missing,
    /// The body is no JSON.
    NotJson,
    /// The body was not read to its end, and it is not in what was read.
    NotRead,
    /// It is neither a text nor a number nor a truth value.
    NotScalar,
    /// It is longer than [`FlowRun::MOST_VALUE_BYTES`].
    TooLong,
}
