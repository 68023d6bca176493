use std::{fmt::Debug, hash::Hash};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::outcome::{Cause, Reason};

/// A question about a deployment: what to look at. Its `Fact` is what was seen.
///
/// The key is plain data: equal keys are looked at once in a run, however many probes ask. It must hold
/// no secret (name a credential by its handle) and no floating-point number.
///
/// ```
/// use readiness_core::Observation;
/// use serde::{Deserialize, Serialize};
///
/// /// Asks a queue how long it is.
/// #[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
/// struct QueueLength { queue: String }
///
/// impl Observation for QueueLength {
///     const KIND: &'static str = "acme.queue_length";
///     type Fact = u64;
/// }
/// ```
pub trait Observation:
    Clone + Debug + DeserializeOwned + Eq + Hash + Send + Serialize + Sync + 'static
{
    /// A stable name, begun with the crate's name where it is not one of ours.
    const KIND: &'static str;

    /// What was seen. A negative answer (refused, not found) is a fact.
    type Fact: Debug + DeserializeOwned + Send + Serialize + Sync + 'static;
}

/// We could not look. (A negative answer is no error: it is a fact.)
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct ObserveError {
    /// Why, as a stable code.
    pub reason: Reason,
    /// The same in words, without any secret.
    pub message: String,
    /// The thing underneath that could not be had, if it was not this one itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

impl ObserveError {
    /// We could not look, for this reason.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
            cause: None,
        }
    }

    /// We could not look because something underneath could not be had.
    ///
    /// All who stand on the same thing should carry an equal cause: a report then names it once.
    pub fn because(cause: Cause) -> Self {
        Self {
            reason: Reason::DEPENDENCY_FAILED,
            message: cause.message.clone(),
            cause: Some(cause),
        }
    }

    /// The code of what really went wrong: the cause's, or its own.
    pub fn root_reason(&self) -> &Reason {
        self.cause.as_ref().map_or(&self.reason, |cause| &cause.reason)
    }
}
