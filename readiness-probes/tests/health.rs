//! Health answers without end, over a socket: bounded, with a reason, and everything else of the run stands.

#![cfg(all(feature = "http", feature = "tcp"))]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/peer.rs"]
mod peer;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use readiness_probes::{Outcome, Requirement, Runner, Status, Suite, Target, builtin, live::Live};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use self::peer::Peer;

/// A service that is well at `/fine`, and answers anything else with this head and then this piece, so often, or
/// until nobody listens any more. It counts what it got rid of.
async fn service(
    head: String,
    piece: &'static [u8],
    times: usize,
    sent: &Arc<AtomicUsize>,
    pause: Duration,
) -> Peer {
    let sent = Arc::clone(sent);
    Peer::raw(move |mut stream: TcpStream| {
        let (head, sent) = (head.clone(), Arc::clone(&sent));
        async move {
            let mut request = vec![0; 4096];
            let Ok(n) = stream.read(&mut request).await else {
                return;
            };
            if request[..n].starts_with(b"GET /fine ") {
                let fine = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\
                             cache-control: no-store\r\nconnection: close\r\n\r\nok";
                let _ = stream.write_all(fine).await;
                return;
            }
            let mut result = stream.write_all(head.as_bytes()).await;
            for _ in 0..times {
                if result.is_err() {
                    break;
                }
                sent.fetch_add(piece.len(), SeqCst);
                result = stream.write_all(piece).await;
                if !pause.is_zero() {
                    tokio::time::sleep(pause).await;
                }
            }
        }
    })
    .await
}

/// What is said of the health, after everything else was found to stand, and the replay to say the same.
async fn judged(peer: &Peer, body_timeout: Duration) -> Outcome {
    let target = Arc::new(Target::parse(&format!("http://{}", peer.address)).unwrap());
    let registry = builtin::registry();
    let live = Live::new()
        .first_byte_timeout(Duration::from_secs(5))
        .body_timeout(body_timeout);
    let mut suite = Suite::new(live.sources().unwrap());
    for (id, probe, with) in [
        ("a.port", "net.tcp", json!({})),
        (
            "a.health",
            "http.health",
            json!({ "path": "/healthz", "latency_limit_ms": 60_000 }),
        ),
        (
            "a.fine",
            "http.health",
            json!({ "path": "/fine", "latency_limit_ms": 60_000, "latency_target_ms": 50_000 }),
        ),
    ] {
        let probe = registry.build(probe, &with).unwrap();
        suite
            .add(Requirement::new(probe, Arc::clone(&target)).named(id))
            .unwrap();
    }
    let (report, recording) = Runner::new().run_recorded(&suite).await;
    for id in ["a.port", "a.fine"] {
        let outcome = &report.requirement(id).unwrap().targets[0].outcome;
        assert!(outcome.status.is_pass(), "{id}: {outcome:?}");
    }
    assert_eq!(Runner::new().run(&suite.replaying(&recording)).await, report);
    let outcome = report.requirement("a.health").unwrap().targets[0].outcome.clone();
    assert!(
        serde_json::to_string(&outcome).unwrap().len() < 16 * 1024,
        "{}",
        outcome.summary
    );
    outcome
}

fn head(more: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{more}\r\n\r\n")
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    let faults = outcome.findings.iter().filter(|finding| !finding.is_note());
    faults.map(|finding| finding.code.as_str()).collect()
}

fn reason(outcome: &Outcome) -> &str {
    match &outcome.status {
        Status::Unknown { reason, .. } => reason.as_str(),
        other => other.word(),
    }
}

/// What is read, what lies in the buffers of both ends, and room to spare.
const MOST_SENT_BYTES: usize = 64 * 1024 * 1024;
const PATIENT: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_body_of_a_gibibyte_is_not_read_to_its_end() {
    const GIBIBYTE: usize = 1 << 30;
    let piece: &'static [u8] = &[b'x'; 64 * 1024];
    let chunk: &'static [u8] = {
        let mut chunk = b"10000\r\n".to_vec();
        chunk.resize(7 + 0x10000, b'x');
        chunk.extend(b"\r\n");
        chunk.leak()
    };
    for (why, head, piece) in [
        (
            "as long as it says",
            head(&format!("content-length: {GIBIBYTE}")) + "{\"status\":\"UP\",\"x\":\"",
            piece,
        ),
        ("in chunks without end", head("transfer-encoding: chunked"), chunk),
        (
            "until the connection closes",
            head("connection: close") + "{\"status\":\"UP\",\"x\":\"",
            piece,
        ),
    ] {
        let sent = Arc::default();
        let peer = service(head, piece, GIBIBYTE / piece.len(), &sent, Duration::ZERO).await;
        let outcome = judged(&peer, PATIENT).await;
        assert_eq!(codes(&outcome), ["body_too_large"], "{why}");
        assert_eq!(reason(&outcome), "http.too_large", "{why}");
        drop(peer);
        let sent = sent.load(SeqCst);
        assert!(
            (1 << 20..MOST_SENT_BYTES).contains(&sent),
            "{why}: {sent} bytes were taken"
        );
    }
}

#[tokio::test]
async fn lines_without_end_are_judged_as_far_as_they_are_whole() {
    const LINES: &[u8] = &{
        let mut lines = [0; 8 * 4096];
        let mut i = 0;
        while i < lines.len() {
            lines[i] = b"[+]a ok\n"[i % 8];
            i += 1;
        }
        lines
    };
    for (first, word, expected) in [
        ("[+]ping ok\n", "unknown", vec!["body_too_large"]),
        (
            "[-]db failed: refused\n",
            "fail",
            vec![
                "unhealthy",
                "component_down",
                "body_too_large",
                "status_code_mismatch",
            ],
        ),
    ] {
        let head = head("connection: close").replace("application/json", "text/plain") + first;
        let peer = service(head, LINES, usize::MAX, &Arc::default(), Duration::ZERO).await;
        let outcome = judged(&peer, PATIENT).await;
        assert_eq!(outcome.status.word(), word);
        assert_eq!(codes(&outcome), expected);
        assert!(outcome.findings.len() < 100);
    }
}

#[tokio::test]
async fn a_body_that_drips_ends_with_its_time() {
    for (piece, pause) in [
        (&b"1\r\nx\r\n"[..], Duration::from_millis(5)),
        // An extension of a chunk is no part of the body, and does not count as one.
        (&b"1;a=b\r\n \r\n"[..], Duration::from_millis(5)),
    ] {
        let head = head("transfer-encoding: chunked");
        let peer = service(head, piece, usize::MAX, &Arc::default(), pause).await;
        let outcome = judged(&peer, Duration::from_millis(300)).await;
        assert_eq!(codes(&outcome), ["body_cut_short"]);
        assert_eq!(reason(&outcome), "http.broken");
    }
}

#[tokio::test]
async fn a_hundred_thousand_levels_are_told_and_not_followed() {
    let levels = 100_000;
    let body: &'static [u8] = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels))
        .leak()
        .as_bytes();
    let head = head(&format!("content-length: {}\r\nconnection: close", body.len()));
    let peer = service(head, body, 1, &Arc::default(), Duration::ZERO).await;
    let outcome = judged(&peer, PATIENT).await;
    assert_eq!(codes(&outcome), ["malformed_json"]);
    assert!(
        outcome.findings[0].message.contains("recursion limit"),
        "{outcome:?}"
    );
}
