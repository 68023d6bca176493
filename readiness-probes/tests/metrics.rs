//! Pages of metrics that do not end, from a peer that sends as fast as it is read.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use readiness_probes::{Outcome, Report, Requirement, Runner, Suite, Target, builtin, live::Live};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};

/// The most of a page that is looked at, and what lies in buffers on the way.
const MOST_SENT: usize = 40 * 1024 * 1024;

/// A peer that counts what it could send of its page.
struct Streaming {
    port: u16,
    sent: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

async fn streaming() -> Streaming {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut talks = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            talks.spawn(talk(stream, Arc::clone(&counted)));
        }
    });
    Streaming {
        port,
        sent,
        _tasks: tasks,
    }
}

async fn talk(mut stream: TcpStream, sent: Arc<AtomicUsize>) {
    let mut head = vec![0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut head).await {
        let asked = String::from_utf8_lossy(head.get(..read).unwrap_or_default()).into_owned();
        let answered = if asked.contains("/ok") {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine")
                .await
        } else {
            page(&mut stream, asked.contains("/million"), &sent).await
        };
        if answered.is_err() {
            break;
        }
    }
}

/// Ten million lines of a known length, or lines without end.
async fn page(stream: &mut TcpStream, has_length: bool, sent: &AtomicUsize) -> std::io::Result<()> {
    const LINES: usize = 10_000_000;
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\n";
    let line = |n: usize| {
        format!(
            "requests_total{{handler=\"/api/v1/orders/of/somebody/and/their/items\",method=\"GET\",id=\"{n:08}\"}} 1\n"
        )
    };
    let length = line(0).len();
    let framing = match has_length {
        true => format!("content-length: {}", LINES * length),
        false => "transfer-encoding: chunked".to_owned(),
    };
    stream
        .write_all(format!("{head}{framing}\r\n\r\n").as_bytes())
        .await?;
    let mut n = 0;
    while n < LINES || !has_length {
        let lines: String = (n..n + 1000).map(|n| line(n % 100_000_000)).collect();
        n += 1000;
        let piece = match has_length {
            true => lines,
            false => format!("{:x}\r\n{lines}\r\n", lines.len()),
        };
        stream.write_all(piece.as_bytes()).await?;
        sent.fetch_add(piece.len(), Ordering::Relaxed);
    }
    Ok(())
}

fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    &report.requirement(id).unwrap().targets[0].outcome
}

#[tokio::test]
async fn a_page_without_end_costs_a_bounded_look_and_names_its_reason() {
    for path in ["/million", "/endless"] {
        let peer = streaming().await;
        let target = Arc::new(Target::parse(&format!("http://127.0.0.1:{}", peer.port)).unwrap());
        let registry = builtin::registry();
        let live = Live::new().body_timeout(Duration::from_secs(20));
        let requirements = [
            (
                "http.metrics",
                json!({ "path": path, "required": ["requests_total", "up"] }),
            ),
            ("http.content", json!({ "path": "/ok", "contains": ["fine"] })),
            (
                "http.objectives",
                json!({
                    "from": "metrics",
                    "metrics": { "path": path, "requests": "requests_total", "errors": "a=\"b\"", "after_ms": 1000 },
                }),
            ),
        ];
        let suite =
            requirements
                .into_iter()
                .fold(Suite::new(live.sources().unwrap()), |suite, (id, with)| {
                    let probe = registry.build(id, &with).unwrap();
                    suite.with(Requirement::new(probe, Arc::clone(&target))).unwrap()
                });
        let runner = Runner::new().deadline(Duration::from_secs(100));
        let report = timeout(Duration::from_secs(200), runner.run(&suite))
            .await
            .expect("the run ends");

        let metrics = outcome(&report, "http.metrics");
        assert!(metrics.status.is_unknown(), "{metrics:#?}");
        let of = |code: &str| metrics.findings.iter().find(|finding| finding.code == code);
        let large = of("body_too_large").unwrap();
        assert_eq!(
            large.message,
            "the page is over 10485760 bytes, and was judged as far as that"
        );
        // What was read is judged, and what may lie beyond it is not known.
        assert!(of("too_many_series").is_some(), "{metrics:#?}");
        assert_eq!(of("not_read_to_its_end").unwrap().subject, "family `up`");
        assert!(of("family_missing").is_none());

        let objectives = outcome(&report, "http.objectives");
        assert!(objectives.status.is_unknown(), "{objectives:#?}");
        assert!(
            objectives.summary.contains("not read to its end"),
            "{objectives:#?}"
        );
        let content = outcome(&report, "http.content");
        assert!(content.status.is_pass(), "the other results stand: {content:#?}");
        // One page for the metrics, and two more at most for the objectives.
        let sent = peer.sent.load(Ordering::Relaxed);
        assert!(sent < 3 * MOST_SENT, "{path}: {sent} bytes");
    }
}
