//! Requests at a constant rate: each begins at its instant, whatever became of those before it.

use std::{collections::VecDeque, future::Future, time::Duration};

use futures_util::{StreamExt, stream::FuturesUnordered};
use readiness_core::{ObserveError, fact::Exchange};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::{
    http::{LoadFacts, LoadRun},
    live::link::tcp::micros,
};

/// A service from which nothing but broken connections has come is not asked more often than this.
const MOST_IN_VAIN: u64 = 10;

/// What became of one request.
pub(super) enum Sent {
    Answered(Box<Exchange>),
    TimedOut,
    Broken(ObserveError),
    /// The load cannot be sent at all.
    Impossible(ObserveError),
}

/// Runs a load within its caps. `send` sends one request; its future is dropped when its time is over.
///
/// # Errors
/// Where nothing ever answered, and where the load must not be sent.
pub(super) async fn drive<F: Future<Output = Sent>>(
    run: &LoadRun,
    send: impl Fn() -> F,
) -> Result<LoadFacts, ObserveError> {
    let start = Instant::now();
    let total = u64::from(run.warm_up) + u64::from(run.requests);
    let instant = |n: u64| start + Duration::from_micros(run.instant_us(n));
    let timeout = Duration::from_millis(run.timeout_ms.into());
    let closing = start + Duration::from_secs(run.max_seconds.into());
    let begins = |n: u64| n < total && instant(n) < closing;
    let room = run.in_flight as usize;
    let mut tally = Tally::new(run, instant(total).min(closing));
    let (mut next, mut full_until) = (0, start);
    let mut waiting = VecDeque::new();
    let mut under_way = FuturesUnordered::new();
    loop {
        let now = Instant::now();
        while begins(next) && instant(next) <= now {
            waiting.push_back(next);
            next += 1;
        }
        while under_way.len() < room
            && let Some(n) = waiting.pop_front()
        {
            let (meant, deadline) = (instant(n), instant(n) + timeout);
            // With less than half of its time left, a time-out would be this client's doing.
            if meant + timeout / 2 <= now {
                tally.held_back(n);
                continue;
            }
            tally.sent(now.saturating_duration_since(meant.max(full_until)));
            let sending = timeout_at(deadline, send());
            under_way.push(async move {
                let sent = sending.await.unwrap_or(Sent::TimedOut);
                (n, sent, Instant::now())
            });
        }
        let is_full = under_way.len() >= room;
        let done = match (under_way.is_empty(), begins(next)) {
            (true, false) => break,
            (true, true) => {
                sleep_until(instant(next)).await;
                None
            }
            (false, true) => timeout_at(instant(next), under_way.next()).await.ok().flatten(),
            (false, false) => under_way.next().await,
        };
        if is_full {
            full_until = Instant::now();
        }
        if let Some((n, sent, at)) = done
            && tally.done(n, sent, at, instant(n))?
        {
            break;
        }
    }
    tally.end()
}

/// Counts what became of the requests.
struct Tally<'a> {
    run: &'a LoadRun,
    /// When the last request had its instant.
    window_end: Instant,
    facts: LoadFacts,
    /// These count the warm-up too.
    answered: u64,
    timed_out: u64,
    broken: u64,
}

impl<'a> Tally<'a> {
    fn new(run: &'a LoadRun, window_end: Instant) -> Self {
        Self {
            run,
            window_end,
            facts: LoadFacts::default(),
            answered: 0,
            timed_out: 0,
            broken: 0,
        }
    }

    /// Whether it is measured; if not, it is counted as one that is not.
    fn is_measured(&mut self, n: u64) -> bool {
        let is_measured = n >= u64::from(self.run.warm_up);
        self.facts.warm_up += u64::from(!is_measured);
        is_measured
    }

    fn sent(&mut self, own_delay: Duration) {
        self.facts.own_delay_us = self.facts.own_delay_us.max(micros(own_delay));
    }

    fn held_back(&mut self, n: u64) {
        self.facts.held_back += u64::from(self.is_measured(n));
    }

    /// Counts a request; true where it ends the load.
    fn done(&mut self, n: u64, sent: Sent, at: Instant, meant: Instant) -> Result<bool, ObserveError> {
        let is_measured = self.is_measured(n);
        match sent {
            Sent::Answered(exchange) => {
                if is_measured {
                    let latency = at.saturating_duration_since(meant);
                    self.facts
                        .add_answer(exchange.status, micros(latency), at <= self.window_end);
                }
                let before = self.answered;
                self.answered += 1;
                if self.run.until_status == Some(exchange.status) {
                    self.facts.ended_by = Some(Box::new((before, *exchange)));
                    return Ok(true);
                }
            }
            Sent::TimedOut => {
                self.facts.timed_out += u64::from(is_measured);
                self.timed_out += 1;
            }
            Sent::Broken(error) => {
                self.facts.broken += u64::from(is_measured);
                self.broken += 1;
                self.facts.first_error.get_or_insert(error);
                if self.broken >= MOST_IN_VAIN {
                    self.nothing_came()?;
                }
            }
            Sent::Impossible(error) => return Err(error),
        }
        Ok(false)
    }

    /// Where nothing came but broken connections, nothing was measured.
    fn nothing_came(&mut self) -> Result<(), ObserveError> {
        if self.answered > 0 || self.timed_out > 0 {
            return Ok(());
        }
        self.facts.first_error.take().map_or(Ok(()), Err)
    }

    fn end(mut self) -> Result<LoadFacts, ObserveError> {
        self.nothing_came()?;
        self.facts.not_begun = u64::from(self.run.requests).saturating_sub(self.facts.meant());
        Ok(self.facts)
    }
}
