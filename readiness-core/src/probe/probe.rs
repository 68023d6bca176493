use std::{error::Error, fmt, future::Future, sync::Arc};

use async_trait::async_trait;

use super::{ProbeContext, ProbeId, ProbeInfo};
use crate::{
    observe::ObserveError,
    outcome::{Cause, Outcome, Reason},
};

/// One check: asks for facts, judges them, says what it thinks of them.
///
/// An `Err`, a panic and a timeout all become [`Status::Unknown`](crate::Status::Unknown), with their
/// reason: could-not-look is never a pass. What a probe reads it should get from
/// [`ProbeContext::observe`], so that it is looked at once, recorded and replayed.
///
/// The macro [`macro@crate::async_trait`] turns `async fn run` into a function that returns
/// `Pin<Box<dyn Future<Output = …> + Send + '_>>`.
///
/// # Cancel safety
/// The future is dropped where it stands at the requirement's timeout or when the run ends.
#[async_trait]
pub trait Probe: fmt::Debug + Send + Sync {
    /// What it is.
    fn info(&self) -> &ProbeInfo;

    /// Looks and judges.
    ///
    /// # Errors
    /// Whatever kept it from looking.
    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError>;
}

/// A probe whose description needs no instance. [`probe!`](crate::probe!) implements it.
pub trait Described {
    /// What it is.
    fn described() -> &'static ProbeInfo;
}

/// What kept a probe from looking.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// An observation could not be made.
    #[error(transparent)]
    Observe(#[from] ObserveError),
    /// Something of the probe's own.
    #[error("the probe failed")]
    Other(#[source] Box<dyn Error + Send + Sync>),
}

impl ProbeError {
    /// Something of the probe's own.
    pub fn other(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }

    /// Something it stands on could not be had.
    pub fn because(cause: Cause) -> Self {
        Self::Observe(ObserveError::because(cause))
    }

    /// It could not be judged, for this reason.
    pub fn unknown(reason: Reason, message: impl Into<String>) -> Self {
        Self::Observe(ObserveError::new(reason, message))
    }
}

/// A probe from a closure, of medium priority.
///
/// ```
/// use readiness_core::{Outcome, probe_fn};
/// let probe = probe_fn("queue.depth", |cx| async move {
///     Ok(match 3 {
///         0..=100 => Outcome::pass("3 orders wait"),
///         n => Outcome::fail(format!("{n} orders wait at {}, expected at most 100", cx.target())),
///     })
/// });
/// assert_eq!(probe.info().id.as_str(), "queue.depth");
/// ```
///
/// # Panics
/// Where `id` is not of the form `family.thing`.
pub fn probe_fn<F, Fut>(id: &'static str, f: F) -> Arc<dyn Probe>
where
    F: Fn(ProbeContext) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Outcome, ProbeError>> + Send + 'static,
{
    let info = ProbeInfo::new(ProbeId::new(id), id);
    Arc::new(FnProbe { info, f })
}

// The context goes in by value: an async block cannot borrow a closure's argument. A clone is one count.
struct FnProbe<F> {
    info: ProbeInfo,
    f: F,
}

impl<F> fmt::Debug for FnProbe<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FnProbe").field(&self.info.id).finish()
    }
}

#[async_trait]
impl<F, Fut> Probe for FnProbe<F>
where
    F: Fn(ProbeContext) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Outcome, ProbeError>> + Send,
{
    fn info(&self) -> &ProbeInfo {
        &self.info
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        (self.f)(cx.clone()).await
    }
}
