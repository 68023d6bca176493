//! A page checked by a probe and by Debian's prometheus-blackbox-exporter, side by side.
//!
//! Cold, each check is a run of its own and opens a connection, as blackbox does for each. Warm, they are one run
//! and share one. blackbox is asked over a connection that is kept. Needs nginx and blackbox; says so without them.

#[path = "../tests/support/blackbox.rs"]
mod blackbox;
mod support;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream};
use readiness_core::{Report, Requirement, Runner, Sources, Suite, Target};
use readiness_probes::{builtin, live::Live};
use serde_json::json;

use self::{
    blackbox::Both,
    support::{count, heading, held, middle, nanos_each, ratio, runtime, shown},
};

fn main() {
    heading("http.content and blackbox /probe");
    if !Both::are_installed() {
        println!("  left out: nginx or prometheus-blackbox-exporter is not installed");
        return;
    }
    let runtime = runtime();
    let (checks, rounds) = (count(200, 4), count(5, 1));
    println!("  {checks} checks each, median of {rounds} rounds, wall time");
    runtime.block_on(async {
        let both = Both::start().await;
        for at_once in [1, 16] {
            let mut times = [const { Vec::new() }; 3];
            // By turns, so that what else the machine does meets all.
            for round in 0..rounds {
                let (cold, warm, theirs) = (
                    cold(&both, checks, at_once).await,
                    warm(&both, checks, at_once).await,
                    theirs(&both, checks, at_once).await,
                );
                if round == 0 {
                    println!(
                        "  {at_once} at once; connections to nginx: cold {}, warm {}, blackbox {}",
                        cold.1, warm.1, theirs.1
                    );
                    assert!(warm.1 <= at_once, "warm checks share connections");
                }
                for (times, (time, _)) in times.iter_mut().zip([cold, warm, theirs]) {
                    times.push(time);
                }
            }
            let [cold, warm, theirs] = times.map(middle);
            let each = |time: Duration| format!("{:.0} µs each", nanos_each(time, checks) / 1e3);
            shown("    ours, cold", each(cold));
            shown("    ours, warm", each(warm));
            shown("    blackbox /probe", each(theirs));
            let beside = |time: Duration| format!("{:.1}", ratio(theirs, time));
            held("    blackbox : ours, cold", beside(cold), "> 1", theirs > cold);
            held("    blackbox : ours, warm", beside(warm), "> 1", theirs > warm);
        }
    });
}

fn requirement(both: &Both, n: usize) -> Requirement {
    let settings = json!({ "contains": ["\"status\":\"ok\""], "path": format!("/{n}") });
    let probe = builtin::registry().build("http.content", &settings).unwrap();
    let target = Target::parse(&both.url("/")).unwrap();
    Requirement::new(probe, Arc::new(target)).named(format!("bench.page_{n}"))
}

fn suite(sources: &Sources, requirements: impl IntoIterator<Item = Requirement>) -> Suite {
    let mut suite = Suite::new(sources.clone());
    for requirement in requirements {
        suite.add(requirement).unwrap();
    }
    suite
}

fn assert_all_pass(report: &Report, checks: usize) {
    let passed = report.rows().filter(|(_, row)| row.status().is_pass());
    assert_eq!(passed.count(), checks);
}

/// Each check a run.
async fn cold(both: &Both, checks: usize, at_once: usize) -> (Duration, usize) {
    let sources = Live::new().sources().unwrap();
    let suites: Vec<Suite> = (0..checks)
        .map(|n| suite(&sources, [requirement(both, n)]))
        .collect();
    let began = Instant::now();
    let runs = stream::iter(&suites).map(|suite| async move { Runner::new().run(suite).await });
    let reports: Vec<Report> = runs.buffer_unordered(at_once).collect().await;
    let took = began.elapsed();
    for report in &reports {
        assert_all_pass(report, 1);
    }
    (took, connections(both, checks).await)
}

/// All checks in one run.
async fn warm(both: &Both, checks: usize, at_once: usize) -> (Duration, usize) {
    let suite = suite(
        &Live::new().sources().unwrap(),
        (0..checks).map(|n| requirement(both, n)),
    );
    let began = Instant::now();
    let report = Runner::new()
        .concurrency(at_once)
        .per_host(at_once)
        .run(&suite)
        .await;
    let took = began.elapsed();
    assert_all_pass(&report, checks);
    (took, connections(both, checks).await)
}

/// Each check a call of `/probe`.
async fn theirs(both: &Both, checks: usize, at_once: usize) -> (Duration, usize) {
    let askers = stream::iter(0..at_once).then(|_| both.asker());
    let askers: Vec<_> = askers.collect().await;
    let url = |n: usize| both.url(&format!("/{n}"));
    let began = Instant::now();
    let all = askers
        .into_iter()
        .enumerate()
        .map(|(first, mut asker)| async move {
            for n in (first..checks).step_by(at_once) {
                assert!(asker.is_success(&url(n)).await);
            }
        });
    futures_util::future::join_all(all).await;
    let took = began.elapsed();
    (took, connections(both, checks).await)
}

async fn connections(both: &Both, checks: usize) -> usize {
    let (connections, requests) = both.asked().await;
    assert_eq!(requests, checks);
    connections
}
