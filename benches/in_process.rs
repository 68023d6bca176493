//! A unit test of a service's headers: an axum Router judged by every header probe, without a socket.
//!
//! Budget: the median of 100 is under 5 ms, everything included that such a test does: the suite, the
//! sources, the run, the verdict.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, response::Html, routing::get};
use criterion::{Criterion, criterion_group, criterion_main};
use readiness_core::{Target, assert_ready};
use readiness_probes::{builtin, live::InProcess, presets};
use serde_json::Value;

const URL: &str = "https://shop.example.com/";
const RUNS: usize = 100;
const BUDGET: Duration = Duration::from_millis(5);

criterion_group! {
    name = in_process;
    config = Criterion::default().without_plots().measurement_time(Duration::from_secs(3));
    targets = router
}
criterion_main!(in_process);

fn router(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let once = || {
        let suite = presets::security_headers(URL).unwrap();
        let report = runtime.block_on(InProcess::new(app()).run(suite));
        assert_ready!(report);
    };
    once();
    let mut took: Vec<Duration> = (0..RUNS)
        .map(|_| {
            let began = Instant::now();
            once();
            began.elapsed()
        })
        .collect();
    took.sort();
    println!(
        "assert_ready! on an axum Router: median of {RUNS} {:?}, slowest {:?}, budget {BUDGET:?}",
        took[RUNS / 2],
        took[RUNS - 1]
    );

    let target = Arc::new(Target::parse(URL).unwrap());
    let probes = builtin::registry()
        .preset("security_headers", &target, &Value::Null)
        .unwrap()
        .len();
    let mut group = criterion.benchmark_group("an axum Router in this process");
    group.bench_function(format!("{probes} header probes, assert_ready!"), |bencher| {
        bencher.iter(once)
    });
    group.finish();
}

fn app() -> Router {
    let page = || async {
        let headers = [
            ("strict-transport-security", "max-age=31536000"),
            (
                "content-security-policy",
                "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            (
                "set-cookie",
                "__Host-sid=1; Path=/; Secure; HttpOnly; SameSite=Lax",
            ),
        ];
        (
            headers,
            Html("<!doctype html><title>Shop</title><script src=/app.js></script>"),
        )
    };
    Router::new().route("/", get(page))
}
