//! A bounded load, and what came of it.

use readiness_core::{
    Observation, ObserveError,
    fact::{Exchange, HttpExchange},
};
use serde::{Deserialize, Serialize};

/// The same request, sent again and again at a constant rate, whether answers come or not.
///
/// Latency counts from the instant at which a request was meant to begin. So a service that stalls is not
/// asked less for it, and each request that had to wait is seen to wait.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoadRun {
    /// What is sent: a safe method, such as `GET`.
    pub request: HttpExchange,
    /// How many requests are measured, [`LoadRun::MOST_REQUESTS`] at most.
    pub requests: u32,
    /// How many are sent before those; they are counted and not measured.
    pub warm_up: u32,
    /// How many begin in a second, [`LoadRun::MOST_PER_SECOND`] at most.
    pub rate_per_second: u32,
    /// How many may be without an answer at once, [`LoadRun::MOST_IN_FLIGHT`] at most.
    pub in_flight: u32,
    /// How long after its instant an answer may come to its end, in milliseconds, a minute at most.
    pub timeout_ms: u32,
    /// When no more requests begin, in seconds from the first, [`LoadRun::MOST_SECONDS`] at most.
    pub max_seconds: u32,
    /// Ends with the first answer of this status, which is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_status: Option<u16>,
}

impl LoadRun {
    /// The most requests that are measured, and the most that go before them.
    pub const MOST_REQUESTS: u32 = 100_000;
    /// The highest rate.
    pub const MOST_PER_SECOND: u32 = 1_000;
    /// The most requests at once.
    pub const MOST_IN_FLIGHT: u32 = 512;
    /// The longest time in which requests begin, in seconds.
    pub const MOST_SECONDS: u32 = 600;
    /// The longest time for one answer, in milliseconds.
    pub const MOST_TIMEOUT_MS: u32 = 60_000;

    /// So many requests at this rate, without a warm-up, 64 at once, 5 s for each, for 25 s at most.
    pub fn new(request: HttpExchange, requests: u32, rate_per_second: u32) -> Self {
        Self {
            request,
            requests,
            warm_up: 0,
            rate_per_second,
            in_flight: 64,
            timeout_ms: 5_000,
            max_seconds: 25,
            until_status: None,
        }
    }

    /// Sends so many first, which are not measured.
    pub fn warm_up(mut self, requests: u32) -> Self {
        self.warm_up = requests;
        self
    }

    /// Sets how many may be without an answer at once.
    pub fn in_flight(mut self, requests: u32) -> Self {
        self.in_flight = requests;
        self
    }

    /// Sets how long an answer may take, in milliseconds.
    pub fn timeout_ms(mut self, timeout_ms: u32) -> Self {
        self.timeout_ms = timeout_ms;
        self
    }

    /// Sets when no more requests begin, in seconds.
    pub fn max_seconds(mut self, seconds: u32) -> Self {
        self.max_seconds = seconds;
        self
    }

    /// Ends with the first answer of this status.
    pub fn until_status(mut self, status: u16) -> Self {
        self.until_status = Some(status);
        self
    }

    /// The same with every number within its cap.
    pub fn within_caps(mut self) -> Self {
        self.requests = self.requests.clamp(1, Self::MOST_REQUESTS);
        self.warm_up = self.warm_up.min(Self::MOST_REQUESTS);
        self.rate_per_second = self.rate_per_second.clamp(1, Self::MOST_PER_SECOND);
        self.in_flight = self.in_flight.clamp(1, Self::MOST_IN_FLIGHT);
        self.timeout_ms = self.timeout_ms.clamp(1, Self::MOST_TIMEOUT_MS);
        self.max_seconds = self.max_seconds.clamp(1, Self::MOST_SECONDS);
        self
    }

    /// When the n-th request is meant to begin, in microseconds from the first, those of the warm-up included.
    pub fn instant_us(&self, n: u64) -> u64 {
        n.saturating_mul(1_000_000) / u64::from(self.rate_per_second.max(1))
    }
}

impl Observation for LoadRun {
    const KIND: &'static str = "http.load";
    type Fact = LoadFacts;
}

/// What came of a load. Every number counts measured requests unless it says otherwise.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LoadFacts {
    /// Requests of the warm-up, which are in no other number.
    pub warm_up: u64,
    /// Answers by status, ascending.
    pub statuses: Vec<StatusCount>,
    /// Requests whose answer was not there in time.
    pub timed_out: u64,
    /// Requests that broke: refused, reset, no HTTP.
    pub broken: u64,
    /// Requests never sent, as too many others were without an answer until half of their time was over.
    pub held_back: u64,
    /// Requests whose instant was beyond the end of the time, or behind the status that ended it.
    pub not_begun: u64,
    /// Latencies of answers from the meant instant to the end of the body, ascending.
    pub latencies: Vec<LatencyCount>,
    /// How late the latest request was sent while there was room for it: this machine's own delay.
    pub own_delay_us: u64,
    /// The first thing that broke.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_error: Option<ObserveError>,
    /// The answer that ended it, and how many were answered before it, those of the warm-up included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<Box<(u64, Exchange)>>,
}

/// Answers of one status.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StatusCount {
    /// The status code.
    pub status: u16,
    /// How many.
    pub count: u64,
    /// How many of them came while requests still began.
    pub in_window: u64,
}

/// Latencies that are told apart no further.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LatencyCount {
    /// The least of them in microseconds; exact below 2048, and on from there to eleven binary digits.
    pub from_us: u64,
    /// How many.
    pub count: u64,
}

impl LatencyCount {
    /// The greatest latency that is counted here, in microseconds.
    pub fn up_to_us(self) -> u64 {
        self.from_us.saturating_add((1 << Self::shift(self.from_us)) - 1)
    }

    /// How many binary digits are not kept of a latency.
    fn shift(us: u64) -> u32 {
        const DIGITS: u32 = 11;
        (u64::BITS - us.leading_zeros()).saturating_sub(DIGITS)
    }

    fn floor(us: u64) -> u64 {
        let shift = Self::shift(us);
        us >> shift << shift
    }
}

impl LoadFacts {
    /// Counts an answer.
    pub fn add_answer(&mut self, status: u16, latency_us: u64, in_window: bool) {
        let at = self.statuses.partition_point(|known| known.status < status);
        if self.statuses.get(at).is_none_or(|known| known.status != status) {
            let none = StatusCount {
                status,
                count: 0,
                in_window: 0,
            };
            self.statuses.insert(at, none);
        }
        if let Some(known) = self.statuses.get_mut(at) {
            known.count += 1;
            known.in_window += u64::from(in_window);
        }
        let from_us = LatencyCount::floor(latency_us);
        let at = self.latencies.partition_point(|known| known.from_us < from_us);
        if self
            .latencies
            .get(at)
            .is_none_or(|known| known.from_us != from_us)
        {
            self.latencies.insert(at, LatencyCount { from_us, count: 0 });
        }
        if let Some(known) = self.latencies.get_mut(at) {
            known.count += 1;
        }
    }

    /// How many were answered, whatever the answer.
    pub fn answered(&self) -> u64 {
        self.statuses
            .iter()
            .fold(0, |sum, of| sum.saturating_add(of.count))
    }

    /// How many were meant to begin.
    pub fn meant(&self) -> u64 {
        [self.answered(), self.timed_out, self.broken, self.held_back]
            .into_iter()
            .fold(0, u64::saturating_add)
    }

    /// Answers that were surely slower than this, and those that may have been.
    pub(super) fn slower_than(&self, limit_us: u64) -> (u64, u64) {
        let sum = |is: &dyn Fn(LatencyCount) -> bool| {
            let of = self.latencies.iter().filter(|of| is(**of));
            of.fold(0, |sum: u64, of| sum.saturating_add(of.count))
        };
        (
            sum(&|of| of.from_us > limit_us),
            sum(&|of| of.up_to_us() > limit_us),
        )
    }

    /// The latency that this share of requests was within, rounded up; `None` where so many got no answer.
    pub(super) fn quantile_us(&self, ppm: u32) -> Option<u64> {
        let rank = u128::from(self.meant()) * u128::from(ppm);
        let mut seen = 0_u128;
        let found = self.latencies.iter().find(|of| {
            seen += u128::from(of.count);
            seen * 1_000_000 >= rank
        });
        found.map(|of| of.up_to_us())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_keep_eleven_binary_digits() {
        for us in [0, 1, 2_047, 2_048, 2_049, 300_000, 5_000_000, u64::MAX] {
            let from_us = LatencyCount::floor(us);
            let of = LatencyCount { from_us, count: 1 };
            assert!(from_us <= us && us <= of.up_to_us(), "{us}: {of:?}");
            assert!((of.up_to_us() - from_us) <= us / 1_024, "{us}: {of:?}");
            assert_eq!(LatencyCount::floor(of.up_to_us()), from_us);
        }
        assert_eq!(
            LatencyCount {
                from_us: 2_047,
                count: 1
            }
            .up_to_us(),
            2_047
        );
        assert_eq!(
            LatencyCount {
                from_us: 2_048,
                count: 1
            }
            .up_to_us(),
            2_049
        );
    }

    #[test]
    fn what_is_at_the_limit_is_not_over_it() {
        let mut facts = LoadFacts::default();
        for us in [999, 1_000, 1_001] {
            facts.add_answer(200, us, true);
        }
        assert_eq!(facts.slower_than(999), (2, 2));
        assert_eq!(facts.slower_than(1_000), (1, 1));
        assert_eq!(facts.slower_than(1_001), (0, 0));
        // From 262144 on, 256 neighbours are not told apart.
        let mut facts = LoadFacts::default();
        facts.add_answer(200, 300_000, true);
        assert_eq!(facts.slower_than(300_000), (0, 1));
        assert_eq!(facts.slower_than(300_031), (0, 0));
        assert_eq!(facts.slower_than(299_000), (1, 1));
    }

    #[test]
    fn quantiles_count_what_got_no_answer() {
        let mut facts = LoadFacts::default();
        for us in 1..=100 {
            facts.add_answer(200, us, true);
        }
        assert_eq!(facts.quantile_us(990_000), Some(99));
        assert_eq!(facts.quantile_us(500_000), Some(50));
        facts.timed_out = 100;
        assert_eq!(facts.quantile_us(500_000), Some(100));
        assert_eq!(facts.quantile_us(990_000), None);
    }

    #[test]
    fn the_schedule_does_not_drift() {
        let endpoint = readiness_core::fact::Endpoint::new(([127, 0, 0, 1], 80).into(), "localhost", false);
        let run = LoadRun::new(HttpExchange::get(endpoint, "localhost", "/"), 300, 300);
        assert_eq!(run.instant_us(0), 0);
        assert_eq!(run.instant_us(1), 3_333);
        assert_eq!(run.instant_us(300_000), 1_000_000_000);
        let wild = LoadRun {
            requests: u32::MAX,
            warm_up: u32::MAX,
            rate_per_second: 0,
            in_flight: 0,
            timeout_ms: 0,
            ..run
        };
        let tame = wild.within_caps();
        assert_eq!(
            (tame.requests, tame.warm_up, tame.rate_per_second),
            (100_000, 100_000, 1)
        );
        assert_eq!((tame.in_flight, tame.timeout_ms), (1, 1));
    }
}
