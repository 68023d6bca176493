use std::{
    any::{Any, TypeId, type_name},
    collections::{BTreeSet, HashMap},
    fmt,
    future::Future,
    sync::{Arc, Weak},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};

use super::{Entry, Observation, Observatory, ObserveError, Recording, Replay};
use crate::{
    outcome::Reason,
    redact::{Credential, Origin},
};

/// How a kind of observation is made. All I/O of a run happens in sources.
///
/// Every wait needs an end: the run gives up on a look after its deadline, and drops the future.
///
/// # Cancel safety
/// The future is dropped where it stands when the run ends; it must leave nothing behind.
pub trait Source<O: Observation>: Send + Sync + 'static {
    /// Looks once.
    fn look(&self, key: O, cx: Looking) -> impl Future<Output = Result<O::Fact, ObserveError>> + Send;
}

pub(super) type Look<O> = Arc<
    dyn Fn(O, Looking) -> BoxFuture<'static, Result<<O as Observation>::Fact, ObserveError>> + Send + Sync,
>;

/// What answers the questions of a suite. Built once, shared by many runs, holds nothing of a run.
///
/// ```
/// use readiness_core::{Looking, ObserveError, Source, Sources, fact::{DnsAnswer, DnsLookup}};
///
/// struct Fixed;
/// impl Source<DnsLookup> for Fixed {
///     async fn look(&self, key: DnsLookup, _: Looking) -> Result<DnsAnswer, ObserveError> {
///         Ok(DnsAnswer::of_addresses(&key.name, &["192.0.2.1".parse().unwrap()], "test"))
///     }
/// }
/// let sources = Sources::default().with(Fixed);
/// assert_eq!(sources.kinds().collect::<Vec<_>>(), ["dns.lookup"]);
/// ```
#[derive(Clone, Default)]
pub struct Sources {
    by_type: HashMap<TypeId, Installed>,
    kinds: BTreeSet<&'static str>,
    pub(crate) replay: Option<Arc<Replay>>,
}

#[derive(Clone)]
struct Installed {
    look: Arc<dyn Any + Send + Sync>,
    deadline: Option<Duration>,
}

impl Sources {
    /// Installs a source; an older one of the same kind is replaced.
    pub fn with<O: Observation, S: Source<O>>(self, source: S) -> Self {
        self.install(source, None)
    }

    /// Installs a source whose looks may take this long instead of the run's usual.
    pub fn with_deadline<O: Observation, S: Source<O>>(self, source: S, deadline: Duration) -> Self {
        self.install(source, Some(deadline))
    }

    fn install<O: Observation, S: Source<O>>(mut self, source: S, deadline: Option<Duration>) -> Self {
        let source = Arc::new(source);
        let look: Look<O> = Arc::new(move |key, cx| {
            let source = Arc::clone(&source);
            async move { source.look(key, cx).await }.boxed()
        });
        let look = Arc::new(look);
        self.by_type
            .insert(TypeId::of::<O>(), Installed { look, deadline });
        self.kinds.insert(O::KIND);
        self
    }

    /// Answers from a recording alone. Nothing else is asked.
    pub fn replaying(recording: &Recording) -> Self {
        Self {
            replay: Some(Arc::new(Replay::new(recording))),
            ..Self::default()
        }
    }

    /// Takes over the sources of another set; it wins where both have one.
    pub fn extended(mut self, other: Self) -> Self {
        self.by_type.extend(other.by_type);
        self.kinds.extend(other.kinds);
        self.replay = other.replay.or(self.replay);
        self
    }

    /// The kinds that can be answered, sorted.
    pub fn kinds(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.iter().copied()
    }

    pub(super) fn find<O: Observation>(&self) -> Result<(Look<O>, Option<Duration>), ObserveError> {
        self.by_type
            .get(&TypeId::of::<O>())
            .and_then(|installed| {
                let look = installed.look.downcast_ref::<Look<O>>()?;
                Some((Arc::clone(look), installed.deadline))
            })
            .ok_or_else(|| {
                let known: Vec<&str> = self.kinds().collect();
                ObserveError::new(
                    Reason::NO_SOURCE,
                    format!(
                        "no source for `{}` ({}) is installed; install one with `Sources::with`, or take \
                         `readiness_probes::live::Live` (installed: {})",
                        O::KIND,
                        type_name::<O>(),
                        if known.is_empty() {
                            "none".to_owned()
                        } else {
                            known.join(", ")
                        }
                    ),
                )
            })
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("kinds", &self.kinds)
            .field("replay", &self.replay.is_some())
            .finish()
    }
}

/// What a source is given: it may ask for other facts, keep connections for the length of the run, and
/// use the run's credentials.
///
/// It holds no part of the run alive.
#[derive(Clone)]
pub struct Looking {
    pub(super) store: Weak<Observatory>,
    pub(super) path: Arc<Vec<Entry>>,
    pub(super) round: u32,
}

impl Looking {
    fn store(&self) -> Result<Arc<Observatory>, ObserveError> {
        self.store
            .upgrade()
            .ok_or_else(|| ObserveError::new(Reason::CANCELLED, "the run is over"))
    }

    /// The round this look belongs to, counted from 1: a retry looks again in the next one, and must not be
    /// given what an earlier round kept of a failure.
    pub fn round(&self) -> u32 {
        self.round
    }

    /// Asks for another fact.
    ///
    /// # Errors
    /// What its source says; [`Reason::CYCLE`] if it waits, over others, for this one.
    pub async fn observe<O: Observation>(&self, key: O) -> Result<Arc<O::Fact>, ObserveError> {
        let flight = {
            let store = self.store()?;
            store.flight(key, &self.path, self.round)
        };
        flight.await
    }

    /// State of a source that lives as long as the run and is no fact: connections, clients.
    ///
    /// There is one of each type in a run. It is never recorded and is dropped with the run.
    ///
    /// # Errors
    /// [`Reason::CANCELLED`] once the run is over.
    pub fn resource<T: Default + Send + Sync + 'static>(&self) -> Result<Arc<T>, ObserveError> {
        self.store()?.resource()
    }

    /// Hands a background future, such as a connection's driver, to the run: it is polled by the run and
    /// dropped with it. The only way to have one; nothing is ever detached.
    pub fn keep(&self, future: impl Future<Output = ()> + Send + 'static) {
        if let Some(store) = self.store.upgrade() {
            store.push(future.boxed());
        }
    }

    /// Counts what a look costs, such as `tls_connections`. The report states the sums.
    pub fn spend(&self, what: &'static str, n: u64) {
        if let Some(store) = self.store.upgrade() {
            store.spend(what, n);
        }
    }

    /// The credential behind a handle, for use at this origin.
    ///
    /// # Errors
    /// [`Reason::MISSING_CREDENTIAL`] where there is none, or one of another origin.
    pub fn credential(&self, handle: &str, origin: &Origin) -> Result<Credential, ObserveError> {
        let store = self.store()?;
        store
            .with_credentials(|all| all.for_origin(handle, origin).cloned())
            .map_err(|e| ObserveError::new(Reason::MISSING_CREDENTIAL, e.to_string()))
    }

    /// Puts the texts behind `{handle}` in, for a request to this origin.
    ///
    /// # Errors
    /// [`Reason::MISSING_CREDENTIAL`] where one belongs to another origin.
    pub fn fill(&self, text: &str, origin: &Origin) -> Result<String, ObserveError> {
        let store = self.store()?;
        store
            .fill(text, origin)
            .map_err(|e| ObserveError::new(Reason::MISSING_CREDENTIAL, e.to_string()))
    }

    /// Hides a text that a peer sent and that a later request to this origin needs: returns `{handle}`,
    /// which may stand in a key and is filled in by [`Looking::fill`].
    ///
    /// A text that holds one of the configured secrets is not kept: it becomes `[redacted]`, so it can
    /// never travel on.
    pub fn conceal(&self, text: &str, origin: &Origin) -> String {
        match (self.store.upgrade(), self.path.last()) {
            (Some(store), Some(seen_by)) => store.conceal(seen_by, text, origin),
            _ => crate::redact::REDACTED.to_owned(),
        }
    }

    /// Replaces the configured secrets in a text that a peer sent.
    pub fn scrub(&self, text: &str) -> String {
        self.store.upgrade().map_or_else(
            || crate::redact::REDACTED.to_owned(),
            |store| store.with_credentials(|all| all.scrub(text)),
        )
    }

    /// Replaces the configured secrets in bytes that a peer sent.
    pub fn scrub_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        self.store.upgrade().map_or_else(Vec::new, |store| {
            store.with_credentials(|all| all.scrub_bytes(bytes))
        })
    }
}

impl fmt::Debug for Looking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looking")
            .field("round", &self.round)
            .field("depth", &self.path.len())
            .finish_non_exhaustive()
    }
}
