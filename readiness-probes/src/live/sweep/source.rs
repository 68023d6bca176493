use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use readiness_core::{
    Looking, ObserveError, Source,
    fact::{ByteText, PortSweep, SweepFacts},
};

use super::{dial::Sockets, sweeping::sweep};

/// Sweeps the ports of one address with plain connection attempts. Nothing is sent.
///
/// It is one future on the caller's task. It keeps within this process's limit of open files, together
/// with every other sweep of the run, and never raises it.
///
/// Install it with [`SweepSource::DEADLINE`]: a sweep has an end of its own, which is later than that of
/// most looks.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct SweepSource {}

impl SweepSource {
    /// How long the run should wait for a sweep: a little longer than the longest sweep waits for the
    /// ports. What ends a sweep is the key's own deadline, of an hour at most.
    pub const DEADLINE: Duration = Duration::from_secs(3_603);

    /// The source; it has no settings.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Source<PortSweep> for SweepSource {
    async fn look(&self, key: PortSweep, cx: Looking) -> Result<SweepFacts, ObserveError> {
        let room = cx.resource::<Room>()?;
        let sockets = Sockets::of(&key);
        let mut facts = sweep(&sockets, &key, &room).await;
        for port in &mut facts.open {
            port.banner = ByteText::new(cx.scrub_bytes(port.banner.as_bytes()));
        }
        cx.spend("sweep_connections", u64::from(facts.attempts));
        Ok(facts)
    }
}

/// The descriptors all sweeps of a run may hold at once.
#[derive(Debug, Default)]
pub(super) struct Room {
    places: OnceLock<usize>,
    taken: AtomicUsize,
}

impl Room {
    #[cfg(test)]
    pub(super) fn of(places: usize) -> Arc<Self> {
        Arc::new(Self {
            places: OnceLock::from(places),
            taken: AtomicUsize::new(0),
        })
    }

    /// How many places there are in all.
    pub(super) fn places(&self) -> usize {
        *self.places.get_or_init(free_descriptors)
    }

    /// A place, until it is dropped; `None` where all are taken.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let places = self.places();
        self.taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < places).then_some(taken + 1)
            })
            .ok()
            .map(|_| Place(Arc::clone(self)))
    }
}

#[derive(Debug)]
pub(super) struct Place(Arc<Room>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many files this process may still open, less a margin for everything else it does.
#[cfg(unix)]
fn free_descriptors() -> usize {
    /// Left to the rest of the process.
    const MARGIN: u64 = 64;
    /// Where the margin is all there is: slow, and still a sweep.
    const FEWEST: usize = 8;
    let Some(limit) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current else {
        return usize::MAX;
    };
    let open = std::fs::read_dir("/dev/fd").map_or(MARGIN, |all| all.count() as u64);
    let free = limit.saturating_sub(open).saturating_sub(MARGIN);
    usize::try_from(free).unwrap_or(usize::MAX).max(FEWEST)
}

#[cfg(not(unix))]
fn free_descriptors() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_given_back() {
        let room = Room::of(2);
        let one = room.take().unwrap();
        let two = room.take().unwrap();
        assert!(room.take().is_none());
        drop(one);
        assert!(room.take().is_some());
        drop(two);
        assert_eq!(room.taken.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_limit_of_this_process_leaves_some_room() {
        assert!(Room::default().places() >= 8);
    }
}
