//! What the engine costs: time per requirement that does nothing, memory per requirement that waits.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures_util::{
    future::BoxFuture,
    stream::{FuturesUnordered, StreamExt},
};
use readiness_core::{
    Looking, Observation, ObserveError, Outcome, Probe, Requirement, Runner, Source, Sources, Suite, Target,
    probe_fn,
};
use serde::{Deserialize, Serialize};
use tokio::{sync::Semaphore, time::timeout};

use self::support::{
    computing, count, heading, held, median, middle, nanos_each, ratio, resident_kib, runtime, shown,
};

fn main() {
    heading("engine");
    // First, as memory that was given back would be used again.
    memory(count(10_000, 100));
    time(count(10_000, 100), count(21, 1));
}

fn suite(sources: Sources, probe: &Arc<dyn Probe>, requirements: usize) -> Suite {
    let target = Arc::new(Target::parse("tcp://queue.example:5672").unwrap());
    let mut suite = Suite::new(sources);
    for n in 0..requirements {
        let requirement = Requirement::new(Arc::clone(probe), Arc::clone(&target));
        suite.add(requirement.named(format!("bench.noop_{n}"))).unwrap();
    }
    suite
}

const SAID: &str = "nothing to do";

fn time(requirements: usize, rounds: usize) {
    let runtime = runtime();
    let last = Arc::new(Last::default());
    let asked = Arc::clone(&last);
    let noop = probe_fn("bench.noop", move |_| {
        asked.count(requirements);
        async { Ok(Outcome::pass(SAID)) }
    });
    let suite = suite(Sources::default(), &noop, requirements);
    let mut running = Vec::new();
    let mut run = || {
        let begun = computing();
        let report = runtime.block_on(Runner::new().run(&suite));
        running.push(last.at.lock().unwrap().saturating_sub(begun));
        let passed = report.rows().filter(|(_, row)| row.status().is_pass());
        assert_eq!(passed.count(), requirements);
        report
    };
    let bare = || {
        let outcomes = runtime.block_on(bare(requirements));
        assert_eq!(outcomes.len(), requirements);
        outcomes
    };
    // Both once, so that neither pays for the first pages.
    drop((run(), bare()));
    let (run, bare) = (median(rounds, &mut run), median(rounds, bare));
    let running = middle(running);
    let each = |time: Duration| format!("{:.0} ns each", nanos_each(time, requirements));
    shown(
        &format!("{requirements} no-ops through Runner, report included"),
        each(run),
    );
    shown("  of it until the last probe was asked", each(running));
    let after = run.saturating_sub(running);
    shown("  of it report, verdict and digests", each(after));
    shown("bare FuturesUnordered with timeouts", each(bare));
    shown("Runner : bare", format!("{:.1}", ratio(run, bare)));
    let overhead = nanos_each(run.saturating_sub(bare), requirements);
    held(
        "overhead per no-op requirement",
        format!("{overhead:.0} ns"),
        "<= 1000 ns",
        overhead <= 1000.0,
    );
}

/// When the last probe of a run was asked.
#[derive(Default)]
struct Last {
    asked: AtomicUsize,
    at: Mutex<Duration>,
}

impl Last {
    fn count(&self, requirements: usize) {
        if (self.asked.fetch_add(1, Ordering::Relaxed) + 1).is_multiple_of(requirements) {
            *self.at.lock().unwrap() = computing();
        }
    }
}

/// What one would write without an engine: every future at once, each with a timeout, no report.
async fn bare(requirements: usize) -> Vec<Outcome> {
    let mut all = FuturesUnordered::new();
    for _ in 0..requirements {
        let noop: BoxFuture<'_, Outcome> = Box::pin(async { Outcome::pass(SAID) });
        all.push(timeout(Duration::from_secs(10), noop));
    }
    let mut outcomes = Vec::with_capacity(requirements);
    while let Some(outcome) = all.next().await {
        outcomes.extend(outcome);
    }
    outcomes
}

/// Something of its own for each requirement to wait for.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
struct Wait {
    requirement: String,
}

impl Observation for Wait {
    const KIND: &'static str = "bench.wait";
    type Fact = ();
}

/// Answers nobody before everybody has asked, and looks at the memory then.
#[derive(Clone)]
struct Waits(Arc<State>);

struct State {
    expected: usize,
    asked: AtomicUsize,
    all_have_asked: Semaphore,
    resident_kib: Mutex<u64>,
}

impl Source<Wait> for Waits {
    async fn look(&self, _: Wait, _: Looking) -> Result<(), ObserveError> {
        let state = &*self.0;
        if state.asked.fetch_add(1, Ordering::Relaxed) + 1 == state.expected {
            *state.resident_kib.lock().unwrap() = resident_kib();
            state.all_have_asked.close();
        }
        // It ends when it is closed.
        let _ = state.all_have_asked.acquire().await;
        Ok(())
    }
}

fn memory(requirements: usize) {
    let waits = Waits(Arc::new(State {
        expected: requirements,
        asked: AtomicUsize::new(0),
        all_have_asked: Semaphore::new(0),
        resident_kib: Mutex::new(0),
    }));
    let n = AtomicUsize::new(0);
    let probe = probe_fn("bench.wait", move |cx| {
        let n = n.fetch_add(1, Ordering::Relaxed);
        async move {
            let requirement = format!("bench.noop_{n}");
            cx.observe(Wait { requirement }).await?;
            Ok(Outcome::pass(SAID))
        }
    });
    let runtime = runtime();
    let empty = resident_kib();
    let suite = suite(Sources::default().with(waits.clone()), &probe, requirements);
    let before = resident_kib();
    let runner = Runner::new().concurrency(requirements).per_host(requirements);
    let report = runtime.block_on(runner.run(&suite));
    assert!(report.rows().all(|(_, row)| row.status().is_pass()));
    let during = *waits.0.resident_kib.lock().unwrap();
    let each = |kib: u64| kib as f64 / requirements as f64;
    shown(
        &format!("{requirements} in flight at once"),
        format!("{} KiB more", during.saturating_sub(before)),
    );
    shown(
        "the suite itself, before the run",
        format!("{:.2} KiB each", each(before.saturating_sub(empty))),
    );
    let in_flight = each(during.saturating_sub(before));
    held(
        "memory per requirement in flight",
        format!("{in_flight:.2} KiB"),
        "<= 4 KiB",
        in_flight <= 4.0,
    );
}
