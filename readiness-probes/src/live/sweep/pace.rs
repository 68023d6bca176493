use std::time::Duration;

use tokio::time::Instant;

/// Lets so many attempts begin in a second, evenly: a burst is what firewalls and small routers mind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From one attempt to the next; `None` where there is no bound.
    gap: Option<Duration>,
    /// When the next one may begin.
    next: Instant,
}

impl Pace {
    /// Behind time it may catch up by this much, or timers that fire late would slow the sweep down.
    const SLACK: Duration = Duration::from_millis(20);

    pub(super) fn new(max_per_second: Option<u32>, now: Instant) -> Self {
        Self {
            gap: max_per_second.map(|most| Duration::from_secs(1) / most.max(1)),
            next: now,
        }
    }

    /// Takes a turn; an error tells when there is one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        let Some(gap) = self.gap else { return Ok(()) };
        if now < self.next {
            return Err(self.next);
        }
        let earliest = now.checked_sub(Self::SLACK).unwrap_or(now);
        self.next = self.next.max(earliest) + gap;
        Ok(())
    }

    /// How many may begin at the same time where `most` could.
    pub(super) fn at_once(&self, most: usize) -> usize {
        /// Few enough for any pace.
        const FEW: usize = 4;
        if self.gap.is_some() { most.min(FEW) } else { most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test(start_paused = true)]
    async fn turns_come_evenly() {
        let began = Instant::now();
        let mut pace = Pace::new(Some(100), began);
        assert_eq!(pace.take(began), Ok(()));
        assert_eq!(pace.take(began), Err(began + 10 * MS));
        assert_eq!(pace.take(began + 9 * MS), Err(began + 10 * MS));
        assert_eq!(pace.take(began + 10 * MS), Ok(()));
        assert_eq!(pace.take(began + 10 * MS), Err(began + 20 * MS));
    }

    #[tokio::test(start_paused = true)]
    async fn a_little_is_caught_up_and_no_more() {
        let began = Instant::now();
        let mut pace = Pace::new(Some(100), began);
        let late = began + 1_000 * MS;
        let turns = (0..100).take_while(|_| pace.take(late).is_ok()).count();
        assert_eq!(turns, 3, "20 ms and the one that is due");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_bound_nobody_waits() {
        let now = Instant::now();
        let mut pace = Pace::new(None, now);
        assert!((0..100_000).all(|_| pace.take(now).is_ok()));
        assert_eq!(
            (pace.at_once(512), Pace::new(Some(9), now).at_once(512)),
            (512, 4)
        );
        // 0 is nobody's wish: as slow as can be said
        assert_eq!(Pace::new(Some(0), now).gap, Some(Duration::from_secs(1)));
    }
}
