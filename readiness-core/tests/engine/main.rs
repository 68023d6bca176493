//! The engine over fake sources: looks once, isolates, retries, replays, releases.

#![allow(clippy::unwrap_used, reason = "only tests use it")]

mod gate;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use readiness_core::{
    Event, FixedClock, Looking, Observation, ObserveError, Outcome, Probe, Reason, Recording, Requirement,
    Retry, Runner, Source, Sources, Status, Suite, Target, Timestamp, gate, probe_fn, run::GateError,
};
use serde::{Deserialize, Serialize};
use std::future::IntoFuture;

#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
struct Number(u32);
impl Observation for Number {
    const KIND: &'static str = "test.number";
    type Fact = u32;
}

#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
struct Left(u32);
impl Observation for Left {
    const KIND: &'static str = "test.left";
    type Fact = u32;
}

#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
struct Right(u32);
impl Observation for Right {
    const KIND: &'static str = "test.right";
    type Fact = u32;
}

/// Takes 3 s; 7 cannot be looked at, 99 panics.
struct Slow(Arc<AtomicUsize>);
impl Source<Number> for Slow {
    async fn look(&self, key: Number, _: Looking) -> Result<u32, ObserveError> {
        self.0.fetch_add(1, SeqCst);
        assert_ne!(key.0, 99, "boom");
        tokio::time::sleep(Duration::from_secs(3)).await;
        if key.0 == 7 {
            return Err(ObserveError::new(Reason::TCP_REFUSED, "refused"));
        }
        Ok(key.0)
    }
}

/// Left waits for right, and right for left.
struct Circle;
impl Source<Left> for Circle {
    async fn look(&self, key: Left, cx: Looking) -> Result<u32, ObserveError> {
        tokio::task::yield_now().await;
        Ok(*cx.observe(Right(key.0)).await?)
    }
}
impl Source<Right> for Circle {
    async fn look(&self, key: Right, cx: Looking) -> Result<u32, ObserveError> {
        tokio::task::yield_now().await;
        Ok(*cx.observe(Left(key.0)).await?)
    }
}

fn target() -> Target {
    Target::parse("https://example.test/").unwrap()
}

fn number(id: &'static str, key: u32) -> Arc<dyn Probe> {
    probe_fn(id, move |cx| async move {
        let n = cx.observe(Number(key)).await?;
        Ok(Outcome::pass(format!("saw {n}")))
    })
}

fn suite(sources: Sources, requirements: impl IntoIterator<Item = Requirement>) -> Suite {
    requirements
        .into_iter()
        .fold(Suite::new(sources), |suite, requirement| {
            suite.with(requirement).unwrap()
        })
}

fn reason(status: &Status) -> &str {
    match status {
        Status::Unknown { reason, .. } => reason.as_str(),
        other => other.word(),
    }
}

fn statuses(report: &readiness_core::Report) -> Vec<&str> {
    report
        .rows()
        .map(|(_, row)| reason(&row.outcome.status))
        .collect()
}

fn runner() -> Runner {
    Runner::new().clock(FixedClock::new(Timestamp::from_unix_seconds(1_800_000_000)))
}

fn everything(count: &Arc<AtomicUsize>) -> Suite {
    let sources = Sources::default()
        .with(Slow(Arc::clone(count)))
        .with::<Left, _>(Circle)
        .with::<Right, _>(Circle);
    let once =
        ["a.b1", "a.b2", "a.b3", "a.b4", "a.b5", "a.b6"].map(|id| Requirement::new(number(id, 1), target()));
    let hang = probe_fn("a.hang", |_| async {
        std::future::pending::<()>().await;
        Ok(Outcome::pass(""))
    });
    suite(
        sources,
        once.into_iter().chain([
            Requirement::new(number("a.refused", 7), target()),
            Requirement::new(number("a.refused_too", 7), target()),
            Requirement::new(number("a.panic", 99), target()),
            Requirement::new(
                probe_fn("a.circle", |cx| async move {
                    cx.observe(Left(1)).await?;
                    Ok(Outcome::pass(""))
                }),
                target(),
            ),
            Requirement::new(
                probe_fn("b.circle", |cx| async move {
                    cx.observe(Right(1)).await?;
                    Ok(Outcome::pass(""))
                }),
                target(),
            ),
            Requirement::new(
                probe_fn("a.own_panic", |_| async { panic!("in the probe") }),
                target(),
            ),
            Requirement::new(hang, target()).timeout(Duration::from_secs(1)),
        ]),
    )
}

#[tokio::test(start_paused = true)]
async fn each_key_is_looked_at_once_and_faults_stay_where_they_are() {
    let count = Arc::default();
    let suite = everything(&count);
    let (report, recording) = runner().run_recorded(&suite).await;
    assert_eq!(
        statuses(&report),
        [
            "pass",
            "pass",
            "pass",
            "pass",
            "pass",
            "pass",
            "tcp.refused",
            "tcp.refused",
            "panic",
            "cycle",
            "cycle",
            "panic",
            "timeout"
        ]
    );
    assert_eq!(count.load(SeqCst), 3, "1, 7 and 99, each once");

    // A replay looks at nothing and gives the same bytes.
    let json = recording.to_json();
    let read = Recording::from_json(&json).unwrap();
    assert_eq!(read.to_json(), json);
    let again = Runner::new().run(&suite.clone().replaying(&read)).await;
    assert_eq!(
        serde_json::to_string(&report).unwrap(),
        serde_json::to_string(&again).unwrap()
    );
    assert_eq!(count.load(SeqCst), 3);
}

#[test]
fn a_replay_needs_no_runtime() {
    let count = Arc::default();
    let suite = everything(&count);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let (report, recording) = runtime.block_on(runner().run_recorded(&suite));
    drop(runtime);
    let replayed = suite.replaying(&recording);
    let runner = Runner::new();
    let mut run = pin!(runner.run(&replayed));
    let Poll::Ready(again) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("a replay has nothing to wait for");
    };
    assert_eq!(report, again);
}

#[tokio::test(start_paused = true)]
async fn what_the_deadline_cut_replays_as_cut() {
    let sources = || Sources::default().with(Slow(Arc::default()));
    let suite = suite(
        sources(),
        [
            Requirement::new(number("a.slow", 1), target()),
            Requirement::new(probe_fn("a.fast", |_| async { Ok(Outcome::pass("")) }), target()),
            Requirement::new(probe_fn("a.fails", |_| async { Ok(Outcome::fail("")) }), target())
                .retry(Retry::attempts(100)),
        ],
    );
    let (report, recording) = runner()
        .deadline(Duration::from_secs(2))
        .run_recorded(&suite)
        .await;
    assert_eq!(statuses(&report), ["timeout", "pass", "timeout"]);
    let again = runner()
        .deadline(Duration::from_secs(2))
        .run(&suite.clone().replaying(&recording))
        .await;
    assert_eq!(report, again);
}

#[tokio::test(start_paused = true)]
async fn a_look_goes_on_when_its_first_asker_gives_up() {
    let count = Arc::new(AtomicUsize::new(0));
    let late = probe_fn("a.late", |cx| async move {
        tokio::time::sleep(Duration::from_secs(9)).await;
        let begun = tokio::time::Instant::now();
        cx.observe(Number(1)).await?;
        Ok(Outcome::pass(format!("{:?}", begun.elapsed())))
    });
    let suite = suite(
        Sources::default().with(Slow(Arc::clone(&count))),
        [
            Requirement::new(number("a.short", 1), target()).timeout(Duration::from_secs(1)),
            Requirement::new(late, target()).timeout(Duration::from_secs(20)),
        ],
    );
    let report = runner().run(&suite).await;
    assert_eq!(statuses(&report), ["timeout", "pass"]);
    assert_eq!(report.results[1].targets[0].outcome.summary, "0ns");
    assert_eq!(count.load(SeqCst), 1);
}

/// Refused at first, then fine.
struct Flaky(AtomicUsize);
impl Source<Number> for Flaky {
    async fn look(&self, key: Number, _: Looking) -> Result<u32, ObserveError> {
        match self.0.fetch_add(1, SeqCst) {
            0 => Err(ObserveError::new(Reason::TCP_REFUSED, "refused")),
            _ => Ok(key.0),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_looks_again_and_what_passed_late_is_flaky() {
    let suite = suite(
        Sources::default().with(Flaky(AtomicUsize::new(0))),
        [Requirement::new(number("a.b", 1), target()).retry(Retry::attempts(3))],
    );
    let (report, recording) = runner().run_recorded(&suite).await;
    let row = &report.results[0].targets[0];
    assert!(row.flaky && row.outcome.status.is_pass());
    assert_eq!(row.attempts, 2);
    let rounds: Vec<u32> = recording
        .facts
        .iter()
        .filter(|f| f.kind == "test.number")
        .map(|f| f.round)
        .collect();
    assert_eq!(rounds, [1, 2]);
    let again = Runner::new().run(&suite.clone().replaying(&recording)).await;
    assert_eq!(report, again);
}

#[tokio::test(start_paused = true)]
async fn a_retry_leaves_facts_alone_that_others_got() {
    // Two keys; the second look of key 2 is what the retry needs, key 1 stays.
    struct Two(Arc<AtomicUsize>, Arc<AtomicUsize>);
    impl Source<Number> for Two {
        async fn look(&self, key: Number, _: Looking) -> Result<u32, ObserveError> {
            let counter = if key.0 == 1 { &self.0 } else { &self.1 };
            if counter.fetch_add(1, SeqCst) == 0 && key.0 == 2 {
                return Err(ObserveError::new(Reason::TCP_RESET, "reset"));
            }
            Ok(key.0)
        }
    }
    let (one, two) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let both = probe_fn("a.both", |cx| async move {
        cx.observe(Number(1)).await?;
        cx.observe(Number(2)).await?;
        Ok(Outcome::pass(""))
    });
    let suite = suite(
        Sources::default().with(Two(Arc::clone(&one), Arc::clone(&two))),
        [Requirement::new(both, target()).retry(Retry::attempts(2))],
    );
    let report = runner().run(&suite).await;
    assert_eq!(statuses(&report), ["pass"]);
    assert_eq!((one.load(SeqCst), two.load(SeqCst)), (1, 2));
}

/// Counts looks under way; never ends.
struct Held(Arc<AtomicUsize>);
struct Guard(Arc<AtomicUsize>);
impl Drop for Guard {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}
impl Source<Number> for Held {
    async fn look(&self, _: Number, cx: Looking) -> Result<u32, ObserveError> {
        self.0.fetch_add(1, SeqCst);
        let _guard = Guard(Arc::clone(&self.0));
        self.0.fetch_add(1, SeqCst);
        let background = Guard(Arc::clone(&self.0));
        cx.keep(async move {
            let _background = background;
            std::future::pending().await
        });
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn dropping_a_run_releases_everything_before_drop_returns() {
    let live = Arc::new(AtomicUsize::new(0));
    // The probe leaks its context into a task that outlives the run.
    let leak = probe_fn("a.leak", |cx| async move {
        let kept = cx.clone();
        tokio::spawn(async move {
            std::future::pending::<()>().await;
            drop(kept);
        });
        cx.observe(Number(1)).await?;
        Ok(Outcome::pass(""))
    });
    let suite = suite(
        Sources::default().with(Held(Arc::clone(&live))),
        [Requirement::new(leak, target())],
    );
    let runner = runner();
    let mut run = Box::pin(runner.run(&suite));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert!(run.as_mut().poll(&mut cx).is_pending());
    assert_eq!(live.load(SeqCst), 2);
    drop(run);
    assert_eq!(live.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn bounds_hold_over_all_and_for_each_host() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut suite = Suite::new(Sources::default());
    for i in 0..40 {
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        let probe = probe_fn("a.b", move |_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            async move {
                let n = now.fetch_add(1, SeqCst) + 1;
                most.fetch_max(n, SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                now.fetch_sub(1, SeqCst);
                Ok(Outcome::pass(""))
            }
        });
        suite
            .add(Requirement::new(probe, target()).named(format!("a.b{i}")))
            .unwrap();
    }
    runner().concurrency(8).run(&suite).await;
    assert_eq!(most.swap(0, SeqCst), 8);
    runner().concurrency(8).per_host(3).run(&suite).await;
    assert_eq!(most.load(SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn progress_is_told_and_ends_with_the_report() {
    let suite = everything(&Arc::default());
    let runner = runner();
    let mut run = runner.events(&suite);
    let mut events = Vec::new();
    while let Some(event) = run.next().await {
        events.push(event);
    }
    let judged = events
        .iter()
        .filter(|e| matches!(e, Event::Judged { .. }))
        .count();
    assert_eq!(judged, suite.requirements().len());
    let Some(Event::Finished(report)) = events.last() else {
        panic!("the last event is the report")
    };
    assert_eq!(report.results.len(), judged);
}

#[tokio::test]
async fn blocking_works_inside_a_runtime_and_out_of_one() {
    let fine = || {
        suite(
            Sources::default(),
            [Requirement::new(
                probe_fn("a.b", |_| async {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Ok(Outcome::pass(""))
                }),
                target(),
            )],
        )
    };
    assert_eq!(statuses(&fine().run_blocking().unwrap()), ["pass"]);
    let outside = std::thread::spawn(move || fine().run_blocking().unwrap())
        .join()
        .unwrap();
    assert_eq!(statuses(&outside), ["pass"]);
}

#[test]
fn futures_can_move_between_threads() {
    fn send<T: Send>(_: &T) {}
    let suite = everything(&Arc::default());
    let runner = Runner::new();
    send(&runner.run(&suite));
    send(&runner.events(&suite));
    send(&gate(suite.clone()).into_future());
    fn shared<T: Send + Sync>() {}
    shared::<Suite>();
    shared::<Runner>();
    shared::<readiness_core::Report>();
    shared::<GateError>();
}

#[test]
fn a_label_means_one_target_and_an_id_is_asked_once_of_it() {
    let probe = || probe_fn("a.b", |_| async { Ok(Outcome::pass("")) });
    let at = |text: &str| Target::parse(text).unwrap().labelled("api");
    let suite = || Suite::new(Sources::default());
    let twice =
        suite().with(Requirement::new(probe(), at("https://a.test")).and_target(at("https://a.test")));
    assert!(twice.unwrap_err().to_string().contains("stands twice"));
    let other = suite()
        .with(Requirement::new(probe(), at("https://a.test/x?t=A")))
        .unwrap()
        .with(Requirement::new(probe(), at("https://a.test/x?t=B")).named("a.c"));
    let error = other.unwrap_err().to_string();
    assert!(
        error.contains("the label `api` means") && !error.contains("t=A"),
        "{error}"
    );
}

/// A background future that panics.
struct BadDriver;
impl Source<Number> for BadDriver {
    async fn look(&self, key: Number, cx: Looking) -> Result<u32, ObserveError> {
        cx.keep(async { panic!("in the driver") });
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(1)).await;
        Ok(key.0)
    }
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_panics_takes_nothing_with_it() {
    let suite = suite(
        Sources::default().with(BadDriver),
        [Requirement::new(number("a.b", 1), target())],
    );
    assert_eq!(statuses(&runner().run(&suite).await), ["pass"]);
}
