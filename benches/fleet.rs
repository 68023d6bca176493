//! Many targets in one process: one run for each, at most 64 at once, each result counted and let go.

mod support;

use std::{sync::Arc, time::Instant};

use futures_util::stream::{self, StreamExt};
use readiness_core::{Registry, Report, Sources, Suite, Target};
use readiness_probes::{builtin, live::Live};
use serde_json::Value;

use self::support::{
    computing, count, forget_peak, heading, held, peak_kib, peer::Peer, resident_kib, runtime, shown,
};

const AT_ONCE: usize = 64;
/// Connections that have ended keep their pair of ports for a minute; several servers have more pairs.
const SERVERS: usize = 16;
/// What an allocator may keep for itself between two fleets that hold equally much.
const SLACK_KIB: u64 = 1024;

fn main() {
    heading("fleet");
    let runtime = runtime();
    runtime.block_on(async {
        let mut servers = Vec::new();
        for _ in 0..SERVERS {
            servers.push(Peer::plain().await);
        }
        let fleet = Fleet {
            servers,
            sources: Live::new().sources().unwrap(),
            registry: builtin::registry(),
        };
        let (few, many) = (count(1_000, 20), count(10_000, 100));
        let before = resident_kib();
        let small = fleet.check(few).await;
        let large = fleet.check(many).await;
        shown("before", format!("{before} KiB"));
        shown(&format!("peak over {few} targets"), format!("{small} KiB"));
        shown(&format!("peak over {many} targets"), format!("{large} KiB"));
        let growth = large.saturating_sub(small);
        held(
            "growth between both",
            format!("{growth} KiB"),
            &format!("<= {SLACK_KIB} KiB"),
            growth <= SLACK_KIB,
        );
    });
}

struct Fleet {
    servers: Vec<Peer>,
    sources: Sources,
    registry: Registry,
}

/// What is kept of all results.
#[derive(Default)]
struct Counter {
    targets: usize,
    rows: usize,
    requests: u64,
}

impl Counter {
    fn add(&mut self, report: &Report) {
        self.targets += 1;
        self.rows += report.rows().count();
        self.requests += report.cost.get("http_requests").copied().unwrap_or_default();
    }
}

impl Fleet {
    /// Checks so many targets and gives the most memory that was held meanwhile, in KiB.
    async fn check(&self, targets: usize) -> u64 {
        forget_peak();
        let (begun, computed) = (Instant::now(), computing());
        let mut counter = Counter::default();
        let mut reports = stream::iter(0..targets)
            .map(|n| async move { self.suite(n).run().await })
            .buffer_unordered(AT_ONCE);
        while let Some(report) = reports.next().await {
            counter.add(&report);
        }
        assert_eq!(counter.targets, targets);
        assert_eq!(counter.requests, targets as u64, "each target is asked once");
        shown(
            &format!("{targets} targets, {} results, server included", counter.rows),
            format!(
                "{:.2} s, {:.2} CPU s",
                begun.elapsed().as_secs_f64(),
                (computing() - computed).as_secs_f64()
            ),
        );
        peak_kib()
    }

    fn suite(&self, n: usize) -> Suite {
        let address = self.servers[n % self.servers.len()].address;
        let target = Target::parse(&format!("http://{address}/")).unwrap();
        let target = Arc::new(target.labelled(format!("target-{n}")));
        let mut suite = Suite::new(self.sources.clone());
        for requirement in self
            .registry
            .preset("security_headers", &target, &Value::Null)
            .unwrap()
        {
            suite.add(requirement).unwrap();
        }
        suite
    }
}
