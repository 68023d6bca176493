//! Peers that are broken or mean, through the whole program: the run ends in its time, what cannot be judged
//! says why, everything else stands, and every report keeps to its format.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../readiness-probes/tests/support/peer.rs"]
mod peer;
mod support;

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use readiness_core::{Report, Status};
use readiness_probes::{Runner, Suite, Target, builtin, live::Live};
use rustls::ServerConfig;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use self::{
    peer::{Authority, Peer},
    support::wellformed::assert_well_formed,
};

const HOST: &str = "shop.example.test";

/// What a run may take in all.
const DEADLINE: Duration = Duration::from_secs(10);

/// For peers that answer, however busy this machine is.
const PATIENT: Duration = Duration::from_secs(5);

/// For peers that never do.
const HASTY: Duration = Duration::from_millis(300);

/// Looks at a peer as `check` would; the plain port beside it redirects as it should.
async fn look(authority: &Authority, port: u16, patience: Duration) -> Report {
    let to = format!("https://{HOST}:{port}/");
    let plain = Peer::http(None, move |_: &Request<Incoming>| {
        let response = Response::builder().status(308).header("location", &to);
        response.body(Full::new(Bytes::new())).unwrap()
    })
    .await;
    look_at(authority, port, plain.address.port(), patience).await
}

async fn look_at(authority: &Authority, port: u16, plain_port: u16, patience: Duration) -> Report {
    let live = Live::new()
        .ca_pem(authority.pem())
        .resolve(HOST, Ipv4Addr::LOCALHOST.into())
        .tls_timeout(patience)
        .first_byte_timeout(patience)
        .body_timeout(HASTY);
    let target = Arc::new(
        Target::parse(&format!("https://{HOST}:{port}"))
            .unwrap()
            .labelled("shop"),
    );
    let settings = json!({ "health_path": "/healthz", "plain_port": plain_port });
    let mut suite = Suite::new(live.sources().unwrap());
    let requirements = builtin::registry().preset("web", &target, &settings).unwrap();
    let asked = requirements.len();
    for requirement in requirements {
        suite.add(requirement).unwrap();
    }
    let runner = Runner::new().deadline(DEADLINE);
    let (report, recording) = timeout(3 * DEADLINE, runner.run_recorded(&suite))
        .await
        .expect("the run ends");
    assert_eq!(report.rows().count(), asked, "a requirement is lost");
    assert_eq!(said(&report, "dns.records"), "pass", "the name is well");

    // What was seen of it replays, whatever it was.
    let replayed = timeout(3 * DEADLINE, runner.run(&suite.replaying(&recording)))
        .await
        .unwrap();
    assert_eq!(
        readiness_report::to_json(&replayed),
        readiness_report::to_json(&report)
    );
    report
}

/// The status of a requirement, and why: `unknown tls.not_tls`, `fail [missing]`.
fn said(report: &Report, id: &str) -> String {
    let outcome = &report.requirement(id).unwrap().targets[0].outcome;
    let word = outcome.status.word();
    match &outcome.status {
        Status::Unknown {
            cause: Some(cause), ..
        } => format!("{word} {}", cause.reason),
        Status::Unknown { reason, .. } => format!("{word} {reason}"),
        Status::Pass | Status::NotApplicable { .. } => word.to_owned(),
        Status::Warn { .. } | Status::Fail => {
            let codes: Vec<&str> = outcome.findings.iter().map(|finding| &*finding.code).collect();
            format!("{word} [{}]", codes.join(", "))
        }
    }
}

/// What is said of the certificate, of a header and of the health.
fn gist(report: &Report) -> [String; 3] {
    ["tls.certificate", "http.nosniff", "http.health"].map(|id| said(report, id))
}

async fn hear(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut some = [0; 4096];
    let _ = stream.read(&mut some).await;
}

/// Sends the start and then more of the same, a piece every few milliseconds, until nobody listens.
async fn drip(stream: &mut (impl AsyncWriteExt + Unpin), start: &[u8], more: &[u8], pause: Duration) {
    let mut sent = stream.write_all(start).await;
    while sent.is_ok() {
        sleep(pause).await;
        sent = match stream.write_all(more).await {
            Ok(()) => stream.flush().await,
            error => error,
        };
    }
}

#[tokio::test]
async fn a_closed_port() {
    // Bound and not listening: nobody else can take it meanwhile.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let report = look(&Authority::new(), socket.local_addr().unwrap().port(), PATIENT).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown tcp.refused"; 3]);
}

#[tokio::test]
async fn a_silent_peer() {
    let peer = Peer::raw(|stream: TcpStream| async move {
        let _open = stream;
        std::future::pending().await
    })
    .await;
    let report = look(&Authority::new(), peer.address.port(), HASTY).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown timeout"; 3]);
}

#[tokio::test]
async fn a_handshake_byte_by_byte() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        hear(&mut stream).await;
        drip(
            &mut stream,
            b"\x16\x03\x03\x40\x00",
            b"\x02",
            Duration::from_millis(5),
        )
        .await;
    })
    .await;
    let report = look(&Authority::new(), peer.address.port(), HASTY).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown timeout"; 3]);
}

#[tokio::test]
async fn plain_text_on_the_tls_port() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        hear(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n")
            .await;
    })
    .await;
    let report = look(&Authority::new(), peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown tls.not_tls"; 3]);
}

#[tokio::test]
async fn a_reset_in_the_handshake() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        hear(&mut stream).await;
        let _ = stream.set_zero_linger();
    })
    .await;
    let report = look(&Authority::new(), peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown tcp.reset"; 3]);
}

#[tokio::test]
async fn an_oversized_handshake_message() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        hear(&mut stream).await;
        // A record of 16 KiB that begins a message of 16 MiB, and records like it without end.
        let mut record = b"\x16\x03\x03\x40\x00\x02\xff\xff\xff".to_vec();
        record.resize(5 + 0x4000, 0);
        drip(&mut stream, &record, &record, Duration::from_millis(1)).await;
    })
    .await;
    let report = look(&Authority::new(), peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_eq!(gist(&report), ["unknown tls.message_too_large"; 3]);
}

/// A server with a good certificate that does this after each request it heard.
async fn behind_tls<F, Fut>(authority: &Authority, answer: F) -> Peer
where
    F: Fn(TlsStream<TcpStream>) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let config: ServerConfig = authority.issue(&[HOST], short_lived).server("http/1.1");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Peer::raw(move |stream| {
        let (acceptor, answer) = (acceptor.clone(), answer.clone());
        async move {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                hear(&mut stream).await;
                answer(stream).await;
            }
        }
    })
    .await
}

fn short_lived(params: &mut rcgen::CertificateParams) {
    let now = std::time::SystemTime::now();
    params.not_before = (now - 10 * support::pki::DAY).into();
    params.not_after = (now + 80 * support::pki::DAY).into();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
}

/// The certificate and the protocol are judged, whatever comes after them.
fn assert_tls_stands(report: &Report) {
    assert_eq!(said(report, "tls.certificate"), "pass");
    assert_eq!(said(report, "tls.protocol"), "pass");
}

#[tokio::test]
async fn a_head_byte_by_byte() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        drip(
            &mut stream,
            b"HTTP/1.1 200 OK\r\nserver: ",
            b"a",
            Duration::from_millis(5),
        )
        .await;
    })
    .await;
    let report = look(&authority, peer.address.port(), Duration::from_secs(1)).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(gist(&report), ["pass", "unknown timeout", "unknown timeout"]);
}

#[tokio::test]
async fn an_endless_body() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        let head =
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-content-type-options: nosniff\r\n\r\n[";
        drip(&mut stream, head, &[b'['; 16 * 1024], Duration::ZERO).await;
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(gist(&report), ["pass", "pass", "unknown http.too_large"]);
}

#[tokio::test]
async fn a_reset_in_the_head() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nserver: a").await;
        let _ = stream.flush().await;
        let _ = stream.get_ref().0.set_zero_linger();
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(
        gist(&report),
        ["pass", "unknown http.broken", "unknown http.broken"]
    );
}

#[tokio::test]
async fn ten_thousand_headers() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        let mut head = "HTTP/1.1 200 OK\r\n".to_owned();
        for n in 0..10_000 {
            head += &format!("x-{n}: {n}\r\n");
        }
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(b"content-length: 0\r\n\r\n").await;
        let _ = stream.flush().await;
        hear(&mut stream).await;
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(
        gist(&report),
        ["pass", "unknown http.too_large", "unknown http.too_large"]
    );
}

#[tokio::test]
async fn something_else_than_http_behind_tls() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        let _ = stream
            .write_all(b"\x1b[2J\x07220 mail.example.test ESMTP <b>\r\n")
            .await;
        let _ = stream.flush().await;
        hear(&mut stream).await;
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(
        gist(&report),
        ["pass", "unknown http.malformed", "unknown http.malformed"]
    );
}

#[tokio::test]
async fn control_characters_in_a_header() {
    let authority = Authority::new();
    let peer = behind_tls(&authority, |mut stream| async move {
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\nserver: a\x1b[31mb\x07\r\ncontent-length: 0\r\n\r\n")
            .await;
        let _ = stream.flush().await;
        hear(&mut stream).await;
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(
        gist(&report),
        ["pass", "unknown http.malformed", "unknown http.malformed"]
    );
}

/// What HTTP allows in a header, and no renderer may take at its word.
const MARKUP: &str = "</failure>]]><script>alert(1)</script> | **bold** `[x](javascript:x) <img src=x>` \
                      <https://example.com> &amp; \u{9b}31m \u{202e}txt \u{2028}# h1 ![i](http://127.0.0.1/i)";

#[tokio::test]
async fn markup_in_headers_and_health() {
    let authority = Authority::new();
    let config = authority.issue(&[HOST], short_lived).server("h2");
    let peer = Peer::http(Some(config), |request: &Request<Incoming>| {
        let markup = MARKUP.as_bytes();
        let cookie = format!("<b>|`x`={MARKUP}; Path=/; {MARKUP}");
        let body = json!({ "status": "fail", "checks": {
            MARKUP: [{ "status": "fail", "output": format!("{MARKUP}\u{1b}[31m\u{7}\n# h1\n```\n") }],
            "</system-out>\u{0}\u{1b}": [{ "status": "warn" }],
        }});
        let response = Response::builder()
            .status(if request.uri().path() == "/healthz" {
                503
            } else {
                200
            })
            .header("content-type", "text/html")
            .header("server", markup)
            .header("x-powered-by", markup)
            .header("strict-transport-security", markup)
            .header("content-security-policy", markup)
            .header("x-frame-options", markup)
            .header("x-content-type-options", markup)
            .header("referrer-policy", markup)
            .header("permissions-policy", markup)
            .header("cross-origin-opener-policy", markup)
            .header("set-cookie", cookie.as_bytes());
        let response = if request.uri().path() == "/healthz" {
            response.header("cache-control", markup)
        } else {
            response
        };
        let mut response = response.body(Full::new(Bytes::from(body.to_string()))).unwrap();
        if request.uri().path() == "/healthz" {
            let json = "application/health+json".parse().unwrap();
            response.headers_mut().insert("content-type", json);
        }
        response
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_tls_stands(&report);
    assert_well_formed(&report);
    assert_eq!(
        gist(&report),
        [
            "pass",
            "fail [not_nosniff, no_charset]",
            "fail [unhealthy, component_down, component_degraded, format_deviation]"
        ]
    );
}

#[tokio::test]
async fn a_location_of_markup() {
    let authority = Authority::new();
    let config = authority.issue(&[HOST], short_lived).server("http/1.1");
    let peer = Peer::http(Some(config), |_: &Request<Incoming>| {
        let response = Response::builder()
            .status(302)
            .header("location", format!("https://{HOST}/{MARKUP}").as_bytes());
        response.body(Full::new(Bytes::new())).unwrap()
    })
    .await;
    let report = look(&authority, peer.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(gist(&report), ["pass", "not_applicable", "fail [redirected]"]);
}

#[tokio::test]
async fn a_plain_port_that_speaks_something_else() {
    let authority = Authority::new();
    let config = authority.issue(&[HOST], short_lived).server("h2");
    let peer = Peer::http(Some(config), |_: &Request<Incoming>| peer::ok("fine")).await;
    let plain = Peer::raw(|mut stream: TcpStream| async move {
        let _ = stream.write_all(b"220 mail.example.test ESMTP\r\n").await;
        hear(&mut stream).await;
    })
    .await;
    let report = look_at(&authority, peer.address.port(), plain.address.port(), PATIENT).await;
    assert_well_formed(&report);
    assert_tls_stands(&report);
    assert_eq!(said(&report, "http.https_redirect"), "unknown http.malformed");
}
