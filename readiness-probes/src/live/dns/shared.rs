use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use readiness_core::{
    ObserveError,
    fact::{DnsAnswer, DnsLookup, RecordType},
};

/// What the two families of one name share in a run: whether the name has any address at all is a
/// question to both, and the system's resolver answers for both.
#[derive(Default)]
pub(super) struct Names {
    pub(super) queries: Flights<DnsLookup, Result<DnsAnswer, ObserveError>>,
    pub(super) system: Flights<String, Vec<std::net::IpAddr>>,
}

/// Futures that are begun once and awaited by many.
pub(super) struct Flights<K, V: Clone>(Mutex<HashMap<K, Flight<V>>>);

struct Flight<V: Clone> {
    answer: Shared<BoxFuture<'static, V>>,
    used_by: Vec<RecordType>,
}

impl<K, V: Clone> Default for Flights<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone + Send + Sync + 'static> Flights<K, V> {
    /// The answer to a question of a look for `by`. Looks for different types share it; a second look for
    /// the same type is one of a later round, and begins anew.
    pub(super) fn join(
        &self,
        key: K,
        by: RecordType,
        begin: impl FnOnce() -> BoxFuture<'static, V>,
    ) -> Shared<BoxFuture<'static, V>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights
            .get_mut(&key)
            .filter(|flight| !flight.used_by.contains(&by))
        {
            flight.used_by.push(by);
            return flight.answer.clone();
        }
        let answer = begin().shared();
        let flight = Flight {
            answer: answer.clone(),
            used_by: vec![by],
        };
        flights.insert(key, flight);
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn each_type_uses_a_flight_once() {
        static BEGUN: AtomicU32 = AtomicU32::new(0);
        let begin = || async { BEGUN.fetch_add(1, Ordering::Relaxed) }.boxed();
        let flights = Flights::<&str, u32>::default();
        let ask = |by| flights.join("name", by, begin).now_or_never().unwrap();
        assert_eq!((ask(RecordType::A), ask(RecordType::Aaaa)), (0, 0));
        // the next round
        assert_eq!((ask(RecordType::Aaaa), ask(RecordType::A)), (1, 1));
    }
}
