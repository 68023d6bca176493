//! What all ways to look a name up share: names that need no question, the system's resolver, and flights
//! that both families of a name are served by.

use std::{
    collections::{BTreeMap, HashMap},
    hash::Hash,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use readiness_core::fact::{DnsAnswer, DnsLookup, Family, RecordType};
use tokio::{net::lookup_host, time::timeout};

/// What needs no question: a name with an override, and `localhost` with what is below it (RFC 6761,
/// section 6.3).
pub(super) fn without_asking(
    overrides: &BTreeMap<String, Vec<IpAddr>>,
    key: &DnsLookup,
) -> Option<DnsAnswer> {
    let family = family(key.record_type)?;
    let (addresses, by) = match overrides.get(&key.name) {
        // Who names a nameserver wants to know what that one says.
        Some(addresses) if key.nameservers.is_empty() => (addresses.clone(), "override"),
        _ if key.name == "localhost" || key.name.ends_with(".localhost") => (
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            "RFC 6761",
        ),
        _ => return None,
    };
    Some(of_family(&key.name, &addresses, family, by))
}

/// What the system's resolver says of a name. Its call cannot be interrupted: where it hangs, a thread of
/// the runtime stays with it until the system gives up.
pub(super) async fn ask_system(name: String, budget: Duration) -> io::Result<Vec<IpAddr>> {
    match timeout(budget, lookup_host((name, 0))).await {
        Ok(found) => Ok(found?.map(|address| address.ip()).collect()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The family of addresses that a type of record holds; `None` where it holds none.
pub(super) fn family(record_type: RecordType) -> Option<Family> {
    match record_type {
        RecordType::A => Some(Family::V4),
        RecordType::Aaaa => Some(Family::V6),
        _ => None,
    }
}

/// An answer with those of the addresses that are of this family, each once.
pub(super) fn of_family(name: &str, addresses: &[IpAddr], family: Family, by: &str) -> DnsAnswer {
    let mut kept: Vec<IpAddr> = Vec::new();
    for &address in addresses {
        if Family::of(address) == family && !kept.contains(&address) {
            kept.push(address);
        }
    }
    DnsAnswer::of_addresses(name, &kept, by)
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

    use readiness_core::fact::DnsResult;

    use super::*;

    #[test]
    fn some_names_need_no_query() {
        let v4: IpAddr = "192.0.2.7".parse().unwrap();
        let overrides = BTreeMap::from([("api.example.com".to_owned(), vec![v4, v4])]);
        let ask = |name: &str, family| without_asking(&overrides, &DnsLookup::address(name, family));
        let given = ask("API.example.com.", Family::V4).unwrap();
        assert_eq!(
            (given.addresses(), given.answered_by.as_str()),
            (vec![v4], "override")
        );
        let none = ask("api.example.com", Family::V6).unwrap();
        assert_eq!(none.result, DnsResult::NoData);
        for name in ["localhost", "a.localhost", "LOCALHOST."] {
            let v4 = ask(name, Family::V4).unwrap().addresses();
            let v6 = ask(name, Family::V6).unwrap().addresses();
            assert!(v4.iter().chain(&v6).all(IpAddr::is_loopback) && v4.len() + v6.len() == 2);
        }
        assert!(ask("notlocalhost", Family::V4).is_none());
        assert!(ask("example.com", Family::V4).is_none());
        assert!(without_asking(&overrides, &DnsLookup::new("localhost", RecordType::Mx)).is_none());
        let via =
            DnsLookup::address("api.example.com", Family::V4).via(vec!["192.0.2.53:53".parse().unwrap()]);
        assert!(without_asking(&overrides, &via).is_none());
    }

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
