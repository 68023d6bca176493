use std::time::Duration;

/// How long to wait for an answer: the retransmission timeout of RFC 6298, section 2, between bounds
/// that suit connection attempts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rto {
    smoothed: Option<Smoothed>,
    floor: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Smoothed {
    round_trip: Duration,
    variation: Duration,
}

impl Rto {
    /// Before the first answer. Kernels wait as long before they send a SYN again.
    const INITIAL: Duration = Duration::from_secs(1);
    const CEILING: Duration = Duration::from_millis(1_250);
    const FLOOR: Duration = Duration::from_millis(100);
    const FLOOR_LOOPBACK: Duration = Duration::from_millis(50);

    pub(super) fn new(is_loopback: bool) -> Self {
        let floor = if is_loopback {
            Self::FLOOR_LOOPBACK
        } else {
            Self::FLOOR
        };
        Self {
            smoothed: None,
            floor,
        }
    }

    /// Takes a measured round trip. Those of retried ports must stay out (Karn's algorithm, RFC 6298
    /// section 3): nobody knows which of the tries was answered.
    pub(super) fn sample(&mut self, round_trip: Duration) {
        const VARIATION_FLOOR: Duration = Duration::from_millis(5);
        const VARIATION_CEILING: Duration = Duration::from_secs(2);
        let smoothed = match self.smoothed {
            // One sample tells nothing of the variation; a tiny one would make the timeout blind.
            None => Smoothed {
                round_trip,
                variation: round_trip.clamp(VARIATION_FLOOR, VARIATION_CEILING),
            },
            Some(old) => Smoothed {
                round_trip: (old.round_trip * 7 + round_trip) / 8,
                variation: (old.variation * 3 + old.round_trip.abs_diff(round_trip)) / 4,
            },
        };
        self.smoothed = Some(smoothed);
    }

    pub(super) fn current(&self) -> Duration {
        match self.smoothed {
            None => Self::INITIAL,
            Some(Smoothed {
                round_trip,
                variation,
            }) => round_trip
                .saturating_add(variation.saturating_mul(4))
                .clamp(self.floor, Self::CEILING),
        }
    }

    /// Waits at least twice as long from now on: packets get lost.
    pub(super) fn double_floor(&mut self) {
        self.floor = (self.floor * 2).min(Self::CEILING);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn follows_the_round_trips_between_its_bounds() {
        let mut rto = Rto::new(false);
        assert_eq!(rto.current(), ms(1_000));
        rto.sample(ms(40));
        assert_eq!(rto.current(), ms(200));
        rto.sample(ms(80));
        // round trip 45, variation (3 * 40 + 40) / 4 = 40
        assert_eq!(rto.current(), ms(205));
        for _ in 0..100 {
            rto.sample(ms(1));
        }
        assert_eq!(rto.current(), ms(100));
        rto.double_floor();
        assert_eq!(rto.current(), ms(200));
        rto.sample(Duration::from_secs(600));
        assert_eq!(rto.current(), ms(1_250));
    }

    #[test]
    fn loopback_may_be_quicker() {
        let mut rto = Rto::new(true);
        rto.sample(Duration::from_micros(20));
        assert_eq!(rto.current(), ms(50));
        for _ in 0..10 {
            rto.double_floor();
        }
        assert_eq!(rto.current(), ms(1_250));
    }
}
