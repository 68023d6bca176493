use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
    fmt,
    future::poll_fn,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
    stream::{FuturesUnordered, StreamExt},
};
use serde::Deserialize;
use serde_json::Value;

use super::{Looking, Observation, ObserveError, Recorded, RecordedFact, Sources, source::Look};
use crate::{
    outcome::Reason,
    redact::{Credential, CredentialError, Credentials, Origin, REDACTED},
    run::panic_text,
    score::Digest,
};

/// One observation of one round: kind, key as [`key_text`] writes it, round.
pub(crate) type Entry = (&'static str, Arc<str>, u32);

type Flight<F> = Shared<BoxFuture<'static, Result<Arc<F>, ObserveError>>>;

/// The number of a key within its run: quicker to look up than the key.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct KeyId(u32);

struct Table<O: Observation>(HashMap<O, Asked<O>>);

/// A key that was asked for.
struct Asked<O: Observation> {
    id: KeyId,
    /// As [`key_text`] writes it.
    text: Arc<str>,
    /// Its looks, each with its round.
    flights: Vec<(u32, Flight<O::Fact>)>,
}

/// One for each run. It owns every flight, and [`Observatory::drive`] moves them even when whoever asked
/// has gone: a cancelled first asker costs nothing.
pub(crate) struct Observatory {
    sources: Sources,
    deadline: Duration,
    record: bool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    closed: bool,
    tables: HashMap<TypeId, Box<dyn Any + Send>>,
    next_key: KeyId,
    resources: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    /// Flights and background futures the driver has not taken over yet.
    fresh: Vec<BoxFuture<'static, ()>>,
    waker: Option<Waker>,
    /// Who waits for whom.
    edges: HashMap<Entry, Vec<Entry>>,
    log: Vec<RecordedFact>,
    cost: BTreeMap<String, u64>,
    /// What the suite was given; scrubbed from everything a peer sends.
    credentials: Credentials,
    /// What peers sent that must travel on and stay unseen; not scrubbed, as it may be any word.
    concealed: Credentials,
    handles: HashMap<(Entry, Origin, String), String>,
}

impl Observatory {
    pub(crate) fn new(
        sources: Sources,
        credentials: Credentials,
        deadline: Duration,
        record: bool,
    ) -> Arc<Self> {
        Arc::new(Self {
            sources,
            deadline,
            record,
            inner: Mutex::new(Inner {
                credentials,
                ..Inner::default()
            }),
        })
    }

    // The lock is never held across an await, and nothing under it can panic half-way; a poisoned lock
    // therefore still guards whole data.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_replay(&self) -> bool {
        self.sources.replay.is_some()
    }

    /// The look at this key in this round, begun if it has not been. The path tells who looks, the last asker last.
    pub(crate) fn flight<O: Observation>(
        self: &Arc<Self>,
        key: O,
        path: &[Entry],
        round: u32,
    ) -> Flight<O::Fact> {
        self.flight_in(key, path, |_| round)
    }

    /// [`Observatory::flight`] in a round that depends on the key's number.
    pub(crate) fn flight_in<O: Observation>(
        self: &Arc<Self>,
        key: O,
        path: &[Entry],
        round_of: impl FnOnce(KeyId) -> u32,
    ) -> Flight<O::Fact> {
        let mut guard = self.lock();
        let inner = &mut *guard;
        if inner.closed {
            return failed(ObserveError::new(Reason::CANCELLED, "the run is over"));
        }
        let table = inner
            .tables
            .entry(TypeId::of::<O>())
            .or_insert_with(|| Box::new(Table::<O>(HashMap::new())));
        let Some(Table(table)) = table.downcast_mut::<Table<O>>() else {
            return failed(ObserveError::new(Reason::ERROR, "a table holds another type"));
        };
        let asked = match table.get_mut(&key) {
            Some(asked) => asked,
            None => {
                let text = match key_text(&key) {
                    Ok(text) => text,
                    Err(error) => return failed(error),
                };
                let id = inner.next_key;
                inner.next_key = KeyId(id.0.wrapping_add(1));
                let flights = Vec::new();
                table.entry(key.clone()).or_insert(Asked { id, text, flights })
            }
        };
        let round = round_of(asked.id);
        let entry = || -> Entry { (O::KIND, Arc::clone(&asked.text), round) };
        // A circle is an edge that closes a loop in the wait graph, not only an ancestor: two askers may
        // each have begun one half of it.
        if let Some(parent) = path.last() {
            let entry = entry();
            if path.contains(&entry) || reaches(&inner.edges, &entry, parent) {
                let message = format!("`{}` waits for itself", O::KIND);
                return failed(ObserveError::new(Reason::CYCLE, message));
            }
            inner.edges.entry(parent.clone()).or_default().push(entry);
        }
        if let Some((_, flight)) = asked.flights.iter().find(|(of, _)| *of == round) {
            return flight.clone();
        }
        let flight = self.begin(key, entry(), path, round);
        asked.flights.push((round, flight.clone()));
        inner.fresh.push(flight.clone().map(drop).boxed());
        let waker = inner.waker.take();
        drop(guard);
        if let Some(waker) = waker {
            waker.wake();
        }
        flight
    }

    fn begin<O: Observation>(
        self: &Arc<Self>,
        key: O,
        entry: Entry,
        path: &[Entry],
        round: u32,
    ) -> Flight<O::Fact> {
        let (look, deadline) = match self.look_for::<O>(&entry) {
            Ok((look, deadline)) => (Ok(look), deadline.unwrap_or(self.deadline)),
            Err(e) => (Err(e), self.deadline),
        };
        let mut path = path.to_vec();
        path.push(entry.clone());
        let cx = Looking {
            store: Arc::downgrade(self),
            path: Arc::new(path),
            round,
        };
        let store = Arc::downgrade(self);
        let is_replay = self.is_replay();
        let flight = async move {
            let result = match look {
                Err(e) => Err(e),
                // no timer in a replay: it needs none, and must not depend on one
                Ok(look) if is_replay => look(key, cx).await,
                Ok(look) => {
                    let look = AssertUnwindSafe(async move { look(key, cx).await }).catch_unwind();
                    match tokio::time::timeout(deadline, look).await {
                        Ok(Ok(result)) => result,
                        // Noted here too: a panic is recorded like every other answer.
                        Ok(Err(panic)) => Err(ObserveError::new(Reason::PANIC, panic_text(&*panic))),
                        Err(_) => Err(ObserveError::new(
                            Reason::TIMEOUT,
                            format!("looking (`{}`) took longer than {deadline:?}", O::KIND),
                        )),
                    }
                }
            };
            if let Some(store) = store.upgrade().filter(|store| store.record) {
                store.log(entry, &result);
            }
            result.map(Arc::new)
        }
        .boxed();
        // Whatever panics on the way, a fact that does not serialise among it, is an error for all who wait.
        AssertUnwindSafe(flight)
            .catch_unwind()
            .map(|result| {
                result.unwrap_or_else(|panic| Err(ObserveError::new(Reason::PANIC, panic_text(&*panic))))
            })
            .boxed()
            .shared()
    }

    fn look_for<O: Observation>(
        &self,
        (kind, key, round): &Entry,
    ) -> Result<(Look<O>, Option<Duration>), ObserveError> {
        let Some(replay) = &self.sources.replay else {
            return self.sources.find::<O>();
        };
        let key = key_value(key);
        match replay.fact(kind, &key, *round) {
            None => Err(ObserveError::new(
                Reason::NOT_RECORDED,
                format!("the recording holds no `{kind}` for {key} in round {round}"),
            )),
            Some(Recorded::Error(e)) => Err(e.clone()),
            Some(Recorded::Fact(_)) => {
                let (replay, round) = (Arc::clone(replay), *round);
                // It is read where it stands: a copy of a page's exchange costs more than reading it.
                let read = move || match replay.fact(O::KIND, &key, round) {
                    Some(Recorded::Fact(value)) => O::Fact::deserialize(value).map_err(|e| e.to_string()),
                    _ => Err("it is gone".to_owned()),
                };
                let read = Arc::new(read);
                let look: Look<O> = Arc::new(move |_, _| {
                    let read = Arc::clone(&read);
                    async move {
                        read().map_err(|e| {
                            let message = format!("a recorded `{}` cannot be read: {e}", O::KIND);
                            ObserveError::new(Reason::NOT_RECORDED, message)
                        })
                    }
                    .boxed()
                });
                Ok((look, None))
            }
        }
    }

    fn log<F: serde::Serialize>(&self, (kind, key, round): Entry, result: &Result<F, ObserveError>) {
        let result = match result {
            Err(e) => Recorded::Error(e.clone()),
            Ok(fact) => match serde_json::to_value(fact) {
                Ok(value) => Recorded::Fact(value),
                Err(e) => Recorded::Error(ObserveError::new(
                    Reason::NOT_RECORDED,
                    format!("a fact of `{kind}` does not serialise: {e}"),
                )),
            },
        };
        self.lock().log.push(RecordedFact {
            kind: kind.to_owned(),
            key: key_value(&key),
            round,
            result,
        });
    }

    /// Moves every flight and background future. Never ends: the run races it and drops it.
    pub(crate) async fn drive(self: Arc<Self>) -> Infallible {
        let mut live: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        poll_fn(move |cx| {
            loop {
                {
                    let mut inner = self.lock();
                    live.extend(inner.fresh.drain(..));
                    inner.waker = Some(cx.waker().clone());
                }
                if let Poll::Ready(Some(())) = live.poll_next_unpin(cx) {
                    continue;
                }
                // polling may have begun new ones
                if self.lock().fresh.is_empty() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    pub(super) fn push(&self, future: BoxFuture<'static, ()>) {
        let mut inner = self.lock();
        if inner.closed {
            // The lock goes first: dropping the future may come back here.
            drop(inner);
            drop(future);
            return;
        }
        // A connection's driver that panics must not take the run with it.
        let future = AssertUnwindSafe(future).catch_unwind().map(drop).boxed();
        inner.fresh.push(future);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn resource<T: Default + Send + Sync + 'static>(&self) -> Result<Arc<T>, ObserveError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(ObserveError::new(Reason::CANCELLED, "the run is over"));
        }
        let resource = inner
            .resources
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Arc::new(T::default()));
        Arc::clone(resource)
            .downcast()
            .map_err(|_| ObserveError::new(Reason::ERROR, "a resource has another type"))
    }

    pub(super) fn spend(&self, what: &str, n: u64) {
        let mut inner = self.lock();
        match inner.cost.get_mut(what) {
            Some(sum) => *sum = sum.saturating_add(n),
            None => {
                inner.cost.insert(what.to_owned(), n);
            }
        }
    }

    pub(super) fn with_credentials<T>(&self, f: impl FnOnce(&Credentials) -> T) -> T {
        f(&self.lock().credentials)
    }

    pub(super) fn fill(&self, text: &str, origin: &Origin) -> Result<String, CredentialError> {
        let inner = self.lock();
        let text = inner.credentials.fill(text, origin)?;
        inner.concealed.fill(&text, origin)
    }

    /// Numbered within the observation that saw it, so that handles do not depend on who was first.
    pub(super) fn conceal(&self, seen_by: &Entry, text: &str, origin: &Origin) -> String {
        let mut inner = self.lock();
        if inner.credentials.scrub(text) != text {
            return REDACTED.to_owned();
        }
        let known = (seen_by.clone(), origin.clone(), text.to_owned());
        if let Some(handle) = inner.handles.get(&known) {
            return format!("{{{handle}}}");
        }
        let (kind, key, round) = seen_by;
        let digest = Digest::of(format!("{kind} {key} {round}").as_bytes());
        let place = digest.as_str().get(..8).unwrap_or_default();
        let n = inner
            .handles
            .keys()
            .filter(|(other, ..)| other == seen_by)
            .count();
        let handle = format!("run.{place}.{n}");
        let credential = Credential::text(origin.clone(), text);
        inner.concealed.insert(handle.clone(), credential);
        inner.handles.insert(known, handle.clone());
        format!("{{{handle}}}")
    }

    /// Ends it: drops every flight, resource and background future, and gives what was seen, sorted.
    pub(crate) fn close(&self) -> (Vec<RecordedFact>, BTreeMap<String, u64>) {
        let old = {
            let mut inner = self.lock();
            let closed = Inner {
                closed: true,
                ..Inner::default()
            };
            std::mem::replace(&mut *inner, closed)
        };
        let Inner { mut log, cost, .. } = old;
        log.sort_by_cached_key(|fact| (fact.kind.clone(), fact.key.to_string(), fact.round));
        (log, cost)
    }
}

impl fmt::Debug for Observatory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observatory")
            .field("sources", &self.sources)
            .finish_non_exhaustive()
    }
}

/// A key as JSON. Equal keys have equal texts, which are small to keep and quick to compare.
fn key_text<O: Observation>(key: &O) -> Result<Arc<str>, ObserveError> {
    serde_json::to_string(key).map(Arc::from).map_err(|e| {
        let message = format!("the key of `{}` does not serialise: {e}", O::KIND);
        ObserveError::new(Reason::ERROR, message)
    })
}

/// The value behind [`key_text`], as recordings hold it.
fn key_value(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn failed<F: Send + Sync + 'static>(error: ObserveError) -> Flight<F> {
    async move { Err(error) }.boxed().shared()
}

fn reaches(edges: &HashMap<Entry, Vec<Entry>>, from: &Entry, to: &Entry) -> bool {
    let mut todo = vec![from];
    let mut seen = HashSet::new();
    while let Some(entry) = todo.pop() {
        if entry == to {
            return true;
        }
        if seen.insert(entry) {
            todo.extend(edges.get(entry).into_iter().flatten());
        }
    }
    false
}
