//! Exchanges over a connection that is open already: one run's link, and reqwest beside it.

mod support;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use readiness_core::{
    Outcome, Requirement, Runner, Sources, Suite, Target,
    fact::{Endpoint, HttpExchange},
    probe_fn,
};
use readiness_probes::live::Live;
use rustls::{ClientConfig, RootCertStore};

use self::support::{
    count, heading, held, middle,
    peer::{Peer, TlsPeer, provider},
    ratio, runtime, shown,
};

const NAME: &str = "demo.test";
const BUDGET: Duration = Duration::from_millis(100);

fn main() {
    heading("http");
    let exchanges = count(1_000, 20);
    let rounds = count(11, 1);
    println!("  client and server share one thread; TLS 1.3; median of {rounds}");
    let runtime = runtime();
    for alpn in ["http/1.1", "h2"] {
        let server = runtime.block_on(Peer::tls(NAME, alpn));
        let sources = Live::new()
            .ca_pem(server.authority_pem.clone())
            .sources()
            .unwrap();
        let address = server.peer.address;
        for order in [Order::InTurn, Order::AtOnce] {
            // reqwest opens a connection for each request that HTTP/1.1 cannot send at once over another.
            let is_comparable = alpn == "h2" || order == Order::InTurn;
            let (mut ours, mut theirs) = (Vec::new(), Vec::new());
            let mut connections = 0;
            // By turns, so that what else the machine does meets both.
            for _ in 0..rounds {
                ours.push(runtime.block_on(link(&sources, address, order, exchanges)));
                if is_comparable {
                    let before = server.peer.accepted();
                    theirs.push(runtime.block_on(reqwest(&server, order, exchanges)));
                    connections = server.peer.accepted() - before;
                }
            }
            let ours = middle(ours);
            let what = format!("{exchanges} warm exchanges, {alpn}, {}", order.name());
            held(&what, millis(ours), "<= 100 ms", ours <= BUDGET);
            if is_comparable {
                let theirs = middle(theirs);
                let what = format!("  reqwest, kept alive, connections: {connections}");
                shown(&what, millis(theirs));
                shown("  link : reqwest", format!("{:.2}", ratio(ours, theirs)));
            }
        }
    }
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    AtOnce,
    InTurn,
}

impl Order {
    fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "all at once",
            Self::InTurn => "one by one",
        }
    }
}

/// How long a run's link takes, the first exchange not counted.
async fn link(sources: &Sources, address: SocketAddr, order: Order, exchanges: usize) -> Duration {
    let took = Arc::new(Mutex::new(None));
    let told = Arc::clone(&took);
    let probe = probe_fn("bench.exchanges", move |cx| {
        let told = Arc::clone(&told);
        async move {
            let port = address.port();
            let get = |n: usize| {
                let endpoint = Endpoint::new(address, NAME, true);
                let key = HttpExchange::get(endpoint, format!("{NAME}:{port}"), "/");
                cx.observe(key.sample(u32::try_from(n).unwrap()))
            };
            get(0).await?;
            let begun = Instant::now();
            match order {
                Order::AtOnce => drop(try_join_all((1..=exchanges).map(get)).await?),
                Order::InTurn => {
                    for n in 1..=exchanges {
                        get(n).await?;
                    }
                }
            }
            *told.lock().unwrap() = Some(begun.elapsed());
            Ok(Outcome::pass("all were answered"))
        }
    });
    let target = Target::parse(&format!("https://{NAME}:{}", address.port())).unwrap();
    let suite = Suite::new(sources.clone())
        .with(Requirement::new(probe, target))
        .unwrap();
    let report = Runner::new().run(&suite).await;
    let cost = |what: &str| report.cost.get(what).copied();
    assert_eq!(
        (cost("tls_connections"), cost("http_requests")),
        (Some(1), Some(exchanges as u64 + 1)),
        "{report}"
    );
    let took = *took.lock().unwrap();
    took.unwrap()
}

/// How long reqwest takes with connections kept alive, the first request not counted.
async fn reqwest(server: &TlsPeer, order: Order, exchanges: usize) -> Duration {
    let mut roots = RootCertStore::empty();
    roots.add(server.authority.clone()).unwrap();
    let tls = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_backend_preconfigured(tls)
        .resolve(NAME, server.peer.address)
        .build()
        .unwrap();
    let url = format!("https://{NAME}:{}/", server.peer.address.port());
    let get = || async { client.get(&url).send().await?.bytes().await };
    get().await.unwrap();
    let begun = Instant::now();
    match order {
        Order::AtOnce => drop(try_join_all((0..exchanges).map(|_| get())).await.unwrap()),
        Order::InTurn => {
            for _ in 0..exchanges {
                get().await.unwrap();
            }
        }
    }
    begun.elapsed()
}
