//! The sweep itself, over any [`Dial`].

use std::{collections::VecDeque, net::IpAddr, pin::pin, sync::Arc, time::Duration};

use futures_util::{StreamExt, stream, stream::FuturesUnordered};
use readiness_core::fact::{ByteText, OpenPort, PortSweep, SweepFacts};
use tokio::{
    task::yield_now,
    time::{Instant, sleep, sleep_until, timeout_at},
};

use super::{
    dial::{Answer, Dial, Dialled},
    pace::Pace,
    rto::Rto,
    source::Room,
};

/// No sweep takes longer.
const LONGEST: Duration = Duration::from_secs(3_600);

/// So many attempts, then others have their turn: over loopback none of them ever waits.
const ATTEMPTS_PER_TURN: u32 = 32;

/// Sweeps until each port has its state or the key's deadline is over.
pub(super) async fn sweep<D: Dial>(dial: &D, key: &PortSweep, room: &Arc<Room>) -> SweepFacts {
    let began = Instant::now();
    let mut sweep = Sweep::new(dial, key, room, began);
    let silent = sweep.pass(order(key), Pass::First).await;
    let silent = sweep.pass(silent, Pass::Second).await;
    if sweep.loss_proven {
        sweep.slow_down();
        sweep.pass(silent, Pass::Third).await;
    }
    let open = sweep.confirm(key).await;
    sweep.facts(open, began.elapsed())
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pass {
    First,
    Second,
    Third,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Closed,
    Filtered,
    Forbidden,
    NoRoute,
    NotAsked,
    Open,
    Reset,
    Unreachable,
    Untried,
}

struct Sweep<'a, D> {
    dial: &'a D,
    room: &'a Arc<Room>,
    deadline: Instant,
    pace: Pace,
    rto: Rto,
    /// How many attempts may be under way now, and at most.
    limit: usize,
    cap: usize,
    /// By port.
    states: Vec<State>,
    attempts: u32,
    self_connects: u32,
    /// A port that had been silent answered another try: silence may be loss.
    loss_proven: bool,
}

impl<'a, D: Dial> Sweep<'a, D> {
    fn new(dial: &'a D, key: &PortSweep, room: &'a Arc<Room>, began: Instant) -> Self {
        let is_loopback = key.address.is_loopback();
        let cap = usize::try_from(key.in_flight).unwrap_or(usize::MAX);
        let cap = cap.min(room.places()).max(1);
        let start = if is_loopback { 512 } else { 64 };
        Self {
            dial,
            room,
            deadline: began + Duration::from_millis(u64::from(key.deadline_ms)).min(LONGEST),
            pace: Pace::new(key.max_per_second, began),
            rto: Rto::new(is_loopback),
            limit: start.min(cap),
            cap,
            states: vec![State::NotAsked; usize::from(u16::MAX) + 1],
            attempts: 0,
            self_connects: 0,
            loss_proven: false,
        }
    }

    /// Tries each of these ports once, and gives those that stayed silent. What the deadline cuts off
    /// stays untried, also where an earlier pass met silence: one silence may be a lost packet.
    async fn pass(&mut self, ports: Vec<u16>, pass: Pass) -> Vec<u16> {
        /// So often nothing at all could be begun, 10 ms apart, before the rest is left untried.
        const MOST_PAUSES: u32 = 50;
        const PAUSE: Duration = Duration::from_millis(10);
        for &port in &ports {
            self.set(port, State::Untried);
        }
        let (dial, room) = (self.dial, self.room);
        let mut silent = Vec::new();
        let mut queue = VecDeque::from(ports);
        let mut under_way = FuturesUnordered::new();
        let (mut turn, mut pauses) = (0, 0);
        loop {
            let mut next_turn = None;
            while under_way.len() < self.limit && Instant::now() < self.deadline {
                let Some(port) = queue.pop_front() else { break };
                let Some(place) = room.take() else {
                    queue.push_front(port);
                    break;
                };
                if let Err(later) = self.pace.take(Instant::now()) {
                    queue.push_front(port);
                    next_turn = Some(later.min(self.deadline));
                    break;
                }
                let began = Instant::now();
                match dial.dial(port, self.patience(pass)) {
                    Dialled::Now(Answer::NoRoom) => {
                        queue.push_front(port);
                        self.shrink(under_way.len());
                        break;
                    }
                    Dialled::Now(answer) => {
                        pauses = 0;
                        self.settle(port, answer, began.elapsed(), pass);
                        if answer == Answer::Silent {
                            silent.push(port);
                        }
                    }
                    Dialled::Later(wait) => under_way.push(async move {
                        let answer = wait.await;
                        drop(place);
                        (port, answer, began.elapsed())
                    }),
                }
                turn += 1;
                if turn == ATTEMPTS_PER_TURN {
                    turn = 0;
                    yield_now().await;
                }
            }
            if let Some(next_turn) = next_turn {
                // Answers that come meanwhile are taken; an attempt more waits for its turn.
                if under_way.is_empty() {
                    sleep_until(next_turn).await;
                    continue;
                }
                let Ok(Some(ended)) = timeout_at(next_turn, under_way.next()).await else {
                    continue;
                };
                self.take(ended, pass, under_way.len(), &mut queue, &mut silent);
                continue;
            }
            if under_way.is_empty() {
                if queue.is_empty() || pauses == MOST_PAUSES || Instant::now() >= self.deadline {
                    return silent;
                }
                pauses += 1;
                sleep(PAUSE).await;
                continue;
            }
            let Ok(Some(ended)) = timeout_at(self.deadline, under_way.next()).await else {
                return silent;
            };
            pauses = if ended.1 == Answer::NoRoom { pauses } else { 0 };
            self.take(ended, pass, under_way.len(), &mut queue, &mut silent);
        }
    }

    /// Takes the end of an attempt.
    fn take(
        &mut self,
        (port, answer, took): (u16, Answer, Duration),
        pass: Pass,
        under_way: usize,
        queue: &mut VecDeque<u16>,
        silent: &mut Vec<u16>,
    ) {
        if answer == Answer::NoRoom {
            queue.push_back(port);
            self.shrink(under_way);
            return;
        }
        self.settle(port, answer, took, pass);
        if answer == Answer::Silent {
            silent.push(port);
        }
    }

    fn patience(&self, pass: Pass) -> Duration {
        match pass {
            Pass::First => self.rto.current(),
            Pass::Second | Pass::Third => self.rto.current() * 3 / 2,
        }
    }

    fn settle(&mut self, port: u16, answer: Answer, took: Duration, pass: Pass) {
        self.attempts = self.attempts.saturating_add(1);
        self.limit = (self.limit + 1).min(self.cap);
        if matches!(answer, Answer::Closed | Answer::Open | Answer::Reset) {
            match pass {
                Pass::First => self.rto.sample(took),
                Pass::Second | Pass::Third => self.loss_proven = true,
            }
        }
        let state = match answer {
            Answer::Closed => State::Closed,
            Answer::Filtered | Answer::Silent => State::Filtered,
            Answer::Forbidden => State::Forbidden,
            Answer::NoRoom => State::Untried,
            Answer::NoRoute => State::NoRoute,
            Answer::Open => State::Open,
            Answer::Reset => State::Reset,
            Answer::SelfConnect => {
                self.self_connects += 1;
                State::Closed
            }
            Answer::Unreachable => State::Unreachable,
        };
        self.set(port, state);
    }

    fn set(&mut self, port: u16, state: State) {
        if let Some(slot) = self.states.get_mut(usize::from(port)) {
            *slot = state;
        }
    }

    fn ports(&self, state: State) -> impl Iterator<Item = u16> + '_ {
        (1..=u16::MAX).filter(move |&port| self.states.get(usize::from(port)) == Some(&state))
    }

    /// This machine has no room for more than so many.
    fn shrink(&mut self, under_way: usize) {
        /// Where others hold everything, a few attempts are begun again and again until there is room.
        const FEWEST: usize = 8;
        self.cap = self.cap.min((under_way * 3 / 4).max(FEWEST));
        self.limit = self.limit.min(self.cap);
    }

    /// Packets get lost: wait longer, and send fewer at once.
    fn slow_down(&mut self) {
        self.rto.double_floor();
        self.cap = (self.cap / 2).max(1);
        self.limit = self.limit.min(self.cap);
    }

    /// Asks each open port that was not expected a second time, and listens to what it says.
    async fn confirm(&mut self, key: &PortSweep) -> Vec<OpenPort> {
        let mut open: Vec<OpenPort> = self.ports(State::Open).map(OpenPort::new).collect();
        open.extend(self.ports(State::Reset).map(|port| {
            let mut open = OpenPort::new(port);
            open.reset = true;
            open
        }));
        open.sort_unstable_by_key(|open| open.port);
        let doubtful: Vec<u16> = open
            .iter()
            .map(|open| open.port)
            .filter(|port| !key.first.contains(*port))
            .collect();
        // Where everything accepts, a second time tells nothing new.
        if doubtful.is_empty() || doubtful.len() > all_open_threshold(key) {
            return open;
        }
        let rto = self.rto.current();
        let (dial, room) = (self.dial, self.room);
        let all = stream::iter(doubtful)
            .map(|port| async move {
                let _place = room.take();
                let (answer, banner) = dial.listen(port, rto * 2).await;
                (port, answer, banner)
            })
            .buffer_unordered(self.pace.at_once(self.limit));
        let mut all = pin!(all);
        if timeout_at(self.deadline, sleep(rto)).await.is_err() {
            return open;
        }
        while let Ok(Some((port, answer, banner))) = timeout_at(self.deadline, all.next()).await {
            self.attempts = self.attempts.saturating_add(1);
            let Some(open) = open.iter_mut().find(|open| open.port == port) else {
                continue;
            };
            open.reset |= answer == Answer::Reset;
            open.confirmed = match answer {
                Answer::Forbidden | Answer::NoRoom | Answer::NoRoute => None,
                Answer::SelfConnect => {
                    self.self_connects += 1;
                    Some(false)
                }
                answer => Some(matches!(answer, Answer::Open | Answer::Reset)),
            };
            open.banner = ByteText::new(banner);
        }
        open
    }

    fn facts(&self, open: Vec<OpenPort>, took: Duration) -> SweepFacts {
        let mut facts = SweepFacts::default();
        facts.open = open;
        facts.closed = self.ports(State::Closed).collect();
        facts.filtered = self.ports(State::Filtered).collect();
        facts.unreachable = self.ports(State::Unreachable).collect();
        facts.untried = self.ports(State::Untried).collect();
        facts.own_firewall = self.ports(State::Forbidden).collect();
        facts.without_route = self.ports(State::NoRoute).collect();
        facts.self_connects = self.self_connects;
        facts.attempts = self.attempts;
        facts.duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        facts
    }
}

/// More open ports than this are no exposure but a device that answers for every port.
fn all_open_threshold(key: &PortSweep) -> usize {
    (key.first.union(&key.rest).len() / 20).max(50)
}

/// First those that should answer, then the rest in an order that is mixed and always the same: equal
/// runs give equal facts, and neighbours do not come in a row, which filters count as an attack. The early
/// ones go before the others in both, so that a sweep that is cut off has seen what matters most.
fn order(key: &PortSweep) -> Vec<u16> {
    let (mut order, mut others): (Vec<u16>, Vec<u16>) =
        key.first.iter().partition(|port| key.early.contains(*port));
    order.append(&mut others);
    let rest = key.rest.iter().filter(|port| !key.first.contains(*port));
    let (mut early, mut others): (Vec<u16>, Vec<u16>) = rest.partition(|port| key.early.contains(*port));
    let mut random = SplitMix(seed(key.address));
    random.mix(&mut early);
    random.mix(&mut others);
    order.append(&mut early);
    order.append(&mut others);
    order
}

fn seed(address: IpAddr) -> u64 {
    let bits = match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    (bits ^ (bits >> 64)) as u64
}

/// SplitMix64 (Steele, Lea, Flood, 2014): small, seeded, good enough to mix ports.
struct SplitMix(u64);

impl SplitMix {
    /// Fisher and Yates.
    fn mix(&mut self, ports: &mut [u16]) {
        for i in (1..ports.len()).rev() {
            let j = self.below(i + 1);
            ports.swap(i, j);
        }
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((u128::from(z) * end as u128) >> 64) as usize
    }
}
