//! The sweep over a made-up network in made-up time, and over a few real ports.

use std::{
    collections::HashMap,
    future::Future,
    net::{IpAddr, Ipv4Addr, TcpListener},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use readiness_core::fact::{PortSet, PortSweep, SweepFacts};
use tokio::time::sleep;

use super::{
    dial::{Answer, Dial, Dialled, Sockets},
    source::Room,
    sweeping::sweep,
};

const MS: Duration = Duration::from_millis(1);

/// A network: what each port answers, after how long, and how many first tries get lost.
#[derive(Default)]
struct Network {
    ports: HashMap<u16, (Answer, Duration, usize)>,
    /// What all other ports do.
    usual: Option<(Answer, Duration)>,
    /// What the second look at an open port meets.
    second: Option<Answer>,
    /// This machine cannot hold more attempts than this.
    descriptors: Option<usize>,
    held: Arc<AtomicUsize>,
    most_held: AtomicUsize,
    asked: Mutex<Vec<u16>>,
}

impl Network {
    fn with(mut self, port: u16, answer: Answer, after: Duration) -> Self {
        self.ports.insert(port, (answer, after, 0));
        self
    }

    fn losing(mut self, port: u16, answer: Answer, tries: usize) -> Self {
        self.ports.insert(port, (answer, 10 * MS, tries));
        self
    }

    fn usually(mut self, answer: Answer, after: Duration) -> Self {
        self.usual = Some((answer, after));
        self
    }

    fn asked(&self) -> Vec<u16> {
        self.asked.lock().unwrap().clone()
    }

    fn tries(&self, port: u16) -> usize {
        self.asked().iter().filter(|other| **other == port).count()
    }
}

struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Dial for Network {
    fn dial(&self, port: u16, patience: Duration) -> Dialled<impl Future<Output = Answer> + Send> {
        let held = self.held.fetch_add(1, Ordering::Relaxed) + 1;
        let guard = Held(Arc::clone(&self.held));
        if self.descriptors.is_some_and(|most| held > most) {
            return Dialled::Now(Answer::NoRoom);
        }
        self.most_held.fetch_max(held, Ordering::Relaxed);
        self.asked.lock().unwrap().push(port);
        let (answer, after) = match self.ports.get(&port) {
            Some(&(_, _, lost)) if self.tries(port) <= lost => (Answer::Silent, patience),
            Some(&(answer, after, _)) => (answer, after),
            None => self.usual.unwrap_or((Answer::Silent, patience)),
        };
        if after == Duration::ZERO {
            return Dialled::Now(answer);
        }
        Dialled::Later(async move {
            let _guard = guard;
            if after > patience {
                sleep(patience).await;
                return Answer::Silent;
            }
            sleep(after).await;
            answer
        })
    }

    async fn listen(&self, _: u16, _: Duration) -> (Answer, Vec<u8>) {
        (self.second.unwrap_or(Answer::Open), b"220 hello".to_vec())
    }
}

fn set(text: &str) -> PortSet {
    text.parse().unwrap()
}

fn key(first: &str, rest: &str) -> PortSweep {
    PortSweep::new(Ipv4Addr::new(192, 0, 2, 1).into(), set(first), set(rest))
}

async fn swept(network: &Network, key: &PortSweep) -> SweepFacts {
    let facts = sweep(network, key, &Room::of(100_000)).await;
    assert_eq!(network.held.load(Ordering::Relaxed), 0, "every attempt is let go");
    let asked = key.first.union(&key.rest).len();
    let told = facts.open.len()
        + [
            &facts.closed,
            &facts.filtered,
            &facts.unreachable,
            &facts.untried,
            &facts.own_firewall,
            &facts.without_route,
        ]
        .map(|set| set.len())
        .iter()
        .sum::<usize>();
    assert_eq!(told, asked, "each port stands in exactly one set");
    facts
}

#[tokio::test(start_paused = true)]
async fn each_answer_has_its_set() {
    let network = Network::default()
        .with(80, Answer::Open, 10 * MS)
        .with(81, Answer::Filtered, 10 * MS)
        .with(82, Answer::Unreachable, 10 * MS)
        .with(83, Answer::Silent, 10 * MS)
        .with(84, Answer::Forbidden, Duration::ZERO)
        .with(85, Answer::SelfConnect, Duration::ZERO)
        .with(86, Answer::NoRoute, Duration::ZERO)
        .with(87, Answer::Reset, 10 * MS)
        .with(6379, Answer::Open, 10 * MS)
        .usually(Answer::Closed, 10 * MS);
    let facts = swept(&network, &key("80", "80-90,6379")).await;
    assert_eq!(facts.closed, set("85,88-90"));
    assert_eq!(facts.filtered, set("81,83"));
    assert_eq!(facts.unreachable, set("82"));
    assert_eq!(facts.own_firewall, set("84"));
    assert_eq!(facts.without_route, set("86"));
    assert!(facts.untried.is_empty());
    assert_eq!(facts.self_connects, 1);
    let open: Vec<_> = facts
        .open
        .iter()
        .map(|open| (open.port, open.confirmed, open.reset, open.banner.as_bytes()))
        .collect();
    assert_eq!(
        open,
        [
            (80, None, false, &b""[..]),
            (87, Some(true), true, &b"220 hello"[..]),
            (6379, Some(true), false, &b"220 hello"[..])
        ]
    );
    assert_eq!((network.tries(80), network.tries(83)), (1, 2));
    // 12 ports, one more try for the silent one, one more look at 87 and 6379
    assert_eq!(facts.attempts, 15);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_met_twice_is_not_confirmed() {
    let mut network = Network::default().usually(Answer::Open, 10 * MS);
    network.second = Some(Answer::SelfConnect);
    let facts = swept(&network, &key("1", "2")).await;
    assert_eq!(facts.open[1].confirmed, Some(false));
    assert_eq!(facts.self_connects, 1);
    network.second = Some(Answer::NoRoom);
    assert_eq!(swept(&network, &key("1", "2")).await.open[1].confirmed, None);
}

#[tokio::test(start_paused = true)]
async fn the_expected_ports_go_first_and_the_rest_mixed_but_always_alike() {
    let one = Network::default().usually(Answer::Closed, MS);
    let two = Network::default().usually(Answer::Closed, MS);
    let key = key("443,80", "1-100");
    let (a, b) = (swept(&one, &key).await, swept(&two, &key).await);
    assert_eq!(&one.asked()[..2], &[80, 443]);
    assert_eq!((one.asked(), a.closed), (two.asked(), b.closed));
    let in_a_row = one
        .asked()
        .windows(2)
        .filter(|pair| pair[1] == pair[0] + 1)
        .count();
    assert!(in_a_row < 20, "{in_a_row} neighbours in a row");
}

#[tokio::test(start_paused = true)]
async fn the_early_ports_go_before_the_others() {
    let network = Network::default().usually(Answer::Closed, MS);
    let mut key = key("80-90", "1-100");
    key.early = set("85,22,23,6379");
    swept(&network, &key).await;
    let asked = network.asked();
    assert_eq!(
        &asked[..2],
        &[85, 80],
        "what is expected, the early one before the others"
    );
    let mut next = asked[11..13].to_vec();
    next.sort_unstable();
    assert_eq!(next, [22, 23], "what is not expected");
    assert_eq!(asked.len(), 100, "6379 was not asked for");

    // Cut off: what matters was seen.
    let network = Network::default().usually(Answer::Closed, 10 * MS);
    let mut key = self::key("443", "1-65535");
    key.early = set("22,6379");
    (key.max_per_second, key.deadline_ms) = (Some(1), 2_500);
    let facts = swept(&network, &key).await;
    assert_eq!(facts.closed, set("22,443,6379"));
    assert_eq!(facts.untried.len(), 65_532);
}

#[tokio::test(start_paused = true)]
async fn no_more_begin_in_a_second_than_allowed() {
    let network = Network::default()
        .with(443, Answer::Open, 10 * MS)
        .with(50, Answer::Silent, Duration::ZERO)
        .usually(Answer::Closed, 10 * MS);
    let mut key = key("443", "1-1000");
    key.max_per_second = Some(200);
    let facts = swept(&network, &key).await;
    assert_eq!((facts.open.len(), facts.closed.len()), (1, 998));
    assert_eq!(facts.filtered, set("50"));
    // 1000 attempts at 200 a second, less what is caught up with (20 ms), and one retry
    assert!(
        (4_970_000..5_300_000).contains(&facts.duration_us),
        "{}",
        facts.duration_us
    );
    let in_flight = network.most_held.load(Ordering::Relaxed);
    assert!(
        in_flight <= 8,
        "{in_flight} answers of 10 ms each were awaited at once"
    );
}

/// Each packet of a port is lost or not, the same in every run: `of` in `in_all` are.
fn losing(network: Network, ports: std::ops::RangeInclusive<u16>, of: u64, in_all: u64) -> Network {
    ports.fold(network, |network, port| {
        // Knuth's multiplicative hash; each try has bits of its own.
        let bits = u64::from(port).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        let lost = (0..3)
            .take_while(|try_| (bits >> (12 * try_)) % in_all < of)
            .count();
        if lost == 0 {
            return network;
        }
        network.losing(port, Answer::Closed, lost)
    })
}

#[tokio::test(start_paused = true)]
async fn loss_is_met_with_three_passes_and_no_more() {
    for (of, in_all, most_filtered) in [(1, 100, 2), (1, 20, 4), (1, 5, 80)] {
        let network = losing(Network::default(), 1..=5_000, of, in_all).usually(Answer::Closed, 10 * MS);
        let key = key("", "1-5000");
        let facts = swept(&network, &key).await;
        let lost_thrice = facts.filtered.len();
        assert!(
            lost_thrice <= most_filtered,
            "{of} of {in_all} lost: {lost_thrice} of 5000 ports said to be filtered"
        );
        for port in facts.filtered.iter() {
            assert_eq!(network.tries(port), 3, "port {port}");
        }
        let most = (1..=5_000).map(|port| network.tries(port)).max();
        assert!(most <= Some(3));
        assert!(facts.open.is_empty() && facts.untried.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_without_a_route_is_through_at_once() {
    let network = Network::default().usually(Answer::NoRoute, Duration::ZERO);
    let facts = swept(&network, &key("443", "1-65535")).await;
    assert_eq!((facts.without_route.len(), facts.duration_us), (65_535, 0));
}

#[tokio::test(start_paused = true)]
async fn a_lost_packet_is_no_filter() {
    // Once lost: the second pass finds it, and proves that packets get lost.
    let network = Network::default()
        .losing(22, Answer::Open, 1)
        .losing(23, Answer::Open, 2)
        .losing(24, Answer::Open, 3)
        .usually(Answer::Closed, 10 * MS);
    let facts = swept(&network, &key("", "1-100")).await;
    let open: Vec<u16> = facts.open.iter().map(|open| open.port).collect();
    assert_eq!(open, [22, 23]);
    assert_eq!(facts.filtered, set("24"));
    assert_eq!(network.tries(24), 3, "three passes at most");
    // Twice lost, without that proof: two passes.
    let network = Network::default()
        .losing(23, Answer::Open, 2)
        .usually(Answer::Closed, 10 * MS);
    assert_eq!(swept(&network, &key("", "1-100")).await.filtered, set("23"));
    assert_eq!(network.tries(23), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lack_of_descriptors_is_never_an_answer() {
    let mut network = Network::default()
        .with(80, Answer::Open, 10 * MS)
        .usually(Answer::Closed, 10 * MS);
    network.descriptors = Some(20);
    let facts = swept(&network, &key("80", "1-2000")).await;
    assert_eq!(facts.open.len(), 1);
    assert_eq!(facts.closed.len(), 1_999);
    assert!(network.most_held.load(Ordering::Relaxed) <= 20);

    // Never any room: an end, and nothing claimed.
    let mut network = Network::default().usually(Answer::Closed, 10 * MS);
    network.descriptors = Some(0);
    let facts = swept(&network, &key("80", "1-2000")).await;
    assert_eq!(facts.untried, set("1-2000"));
    assert_eq!(facts.attempts, 0);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_allowed() {
    let network = Network::default().usually(Answer::Closed, 10 * MS);
    let mut key = key("", "1-5000");
    key.in_flight = 100;
    swept(&network, &key).await;
    assert_eq!(network.most_held.load(Ordering::Relaxed), 100);

    let network = Network::default().usually(Answer::Closed, 10 * MS);
    let facts = sweep(&network, &key, &Room::of(10)).await;
    assert_eq!(facts.closed.len(), 5_000);
    assert!(network.most_held.load(Ordering::Relaxed) <= 10);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_leaves_the_rest_untried() {
    // Silent from end to end: a first pass at 1 s a try does not come through.
    let network = Network::default();
    let mut key = key("", "1-65535");
    key.deadline_ms = 5_000;
    let facts = swept(&network, &key).await;
    assert!(facts.open.is_empty() && facts.closed.is_empty() && facts.filtered.is_empty());
    assert_eq!(facts.untried.len(), 65_535);
    assert_eq!(facts.duration_us, 5_000_000);
}

#[tokio::test(start_paused = true)]
async fn a_silent_host_with_one_answer_is_through_in_six_seconds() {
    let network = Network::default().with(443, Answer::Open, 10 * MS);
    let facts = swept(&network, &key("443", "1-65535")).await;
    assert_eq!(facts.filtered.len(), 65_534);
    assert!(facts.duration_us < 6_000_000, "{} us", facts.duration_us);
}

#[tokio::test(start_paused = true)]
async fn where_everything_accepts_nothing_is_asked_twice() {
    let network = Network::default().usually(Answer::Open, 10 * MS);
    let facts = swept(&network, &key("443", "1-1000")).await;
    assert_eq!(facts.open.len(), 1_000);
    assert!(facts.open.iter().all(|open| open.confirmed.is_none()));
    // 50 are still asked.
    let network = Network::default().usually(Answer::Open, 10 * MS);
    let facts = swept(&network, &key("", "1-50")).await;
    assert!(facts.open.iter().all(|open| open.confirmed == Some(true)));
}

#[tokio::test(start_paused = true)]
async fn an_empty_sweep_has_nothing_to_say() {
    let facts = swept(&Network::default(), &key("", "")).await;
    assert_eq!((facts.attempts, facts.duration_us), (0, 0));
}

#[tokio::test]
async fn real_ports_on_loopback() {
    let listeners: Vec<TcpListener> = (0..3)
        .map(|_| TcpListener::bind("127.0.0.1:0").unwrap())
        .collect();
    let open: PortSet = listeners
        .iter()
        .map(|listener| listener.local_addr().unwrap().port())
        .collect();
    let first: PortSet = open.iter().take(1).collect();
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed: PortSet = [gone.local_addr().unwrap().port()].into_iter().collect();
    drop(gone);
    let address: IpAddr = Ipv4Addr::LOCALHOST.into();
    let key = PortSweep::new(address, first.clone(), open.union(&closed));
    let facts = sweep(&Sockets::of(&key), &key, &Room::of(64)).await;
    let found: PortSet = facts.open.iter().map(|open| open.port).collect();
    assert_eq!((found, facts.closed), (open, closed));
    for port in facts.open {
        let expected = (!first.contains(port.port)).then_some(true);
        assert_eq!(port.confirmed, expected);
    }
}
