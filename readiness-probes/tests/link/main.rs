//! The live sources against real peers on loopback: how many connections, what is told, what is not.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../support/peer.rs"]
mod peer;

#[cfg(feature = "api")]
mod api;
mod certificates;
mod hostile;
mod load;
#[cfg(feature = "html")]
mod page;
mod secrets;
mod starttls;
mod trust;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{join, join_all};
use http::Response;
use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use readiness_probes::{
    Credential, Credentials, ObserveError, Origin, Outcome, Reason, Requirement, Runner, Suite, Target,
    fact::{
        Channel, Endpoint, Exchange, HttpExchange, LocalRoute, LookFrom, PortState, TcpConnect, TlsEnd,
        TlsFacts, TlsHandshake, TlsSession, Trust, UntrustedKind,
    },
    live::Live,
    probe_fn,
    testing::Looks,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use self::peer::{Authority, Peer, ok};

const NAME: &str = "demo.test";

fn live(ca: &Authority) -> Live {
    Live::new()
        .ca_pem(ca.pem())
        .tls_timeout(Duration::from_secs(5))
        .first_byte_timeout(Duration::from_secs(5))
}

/// For peers that never answer.
fn hasty() -> Live {
    Live::new()
        .tls_timeout(Duration::from_millis(200))
        .first_byte_timeout(Duration::from_millis(200))
        .body_timeout(Duration::from_millis(200))
}

fn looks(live: &Live) -> Looks {
    Looks::new(live.sources().unwrap())
}

fn https(peer: &Peer) -> Endpoint {
    Endpoint::new(peer.address, NAME, true)
}

fn http(peer: &Peer) -> Endpoint {
    Endpoint::new(peer.address, NAME, false)
}

fn get(endpoint: Endpoint, path: &str) -> HttpExchange {
    let authority = format!("{NAME}:{}", endpoint.address.port());
    HttpExchange::get(endpoint, authority, path)
}

fn session(facts: &TlsFacts) -> &TlsSession {
    match &facts.end {
        TlsEnd::Established(session) => session,
        other => panic!("no session: {other:?}"),
    }
}

fn refused(facts: &TlsFacts) -> (&Reason, &str) {
    match &facts.end {
        TlsEnd::Refused { reason, message, .. } => (reason, message),
        other => panic!("not refused: {other:?}"),
    }
}

fn count(cost: &BTreeMap<String, u64>, what: &str) -> u64 {
    cost.get(what).copied().unwrap_or(0)
}

fn in_both_flavours<F: Future<Output = ()>>(test: impl Fn() -> F) {
    let current = tokio::runtime::Builder::new_current_thread().enable_all().build();
    current.unwrap().block_on(test());
    let multi = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    multi.unwrap().block_on(test());
}

const PATHS: [&str; 6] = ["/", "/healthz", "/api", "/login", "/a.css", "/none"];

#[test]
fn one_connection_serves_the_handshake_and_every_exchange() {
    in_both_flavours(|| async {
        for alpn in ["http/1.1", "h2"] {
            let ca = Authority::new();
            let config = ca.issue(&[NAME], |_| ()).server(alpn);
            let peer = Peer::http(Some(config), |_| ok("fine")).await;
            let looks = looks(&live(&ca));
            let exchanges = join_all(PATHS.map(|path| looks.observe(get(https(&peer), path).keep_body(99))));
            let (tls, exchanges) = join(looks.observe(TlsHandshake::new(https(&peer))), exchanges).await;
            let tcp = looks.observe(TcpConnect::new(https(&peer))).await.unwrap();
            assert_eq!(tcp.state, PortState::Open);
            let tls = tls.unwrap();
            let session = session(&tls);
            assert_eq!(session.trust, Trust::Trusted);
            assert!(session.signature_valid && session.chain.len() == 1);
            assert_eq!((&*session.version, &*session.alpn), ("TLSv1.3", alpn));
            assert!(session.suite.starts_with("TLS_AES_"), "{}", session.suite);
            assert!(!session.group.is_empty());
            for exchange in exchanges {
                let exchange = exchange.unwrap();
                assert_eq!((exchange.status, exchange.channel), (200, Channel::TrustedTls));
                assert_eq!(exchange.version, if alpn == "h2" { "HTTP/2" } else { "HTTP/1.1" });
                assert_eq!(exchange.body.as_bytes(), b"fine");
                assert!(exchange.body_complete);
            }
            assert_eq!((peer.connections(), peer.requests().len()), (1, 6), "{alpn}");
            let cost = looks.finish();
            assert_eq!(
                (count(&cost, "tls_connections"), count(&cost, "http_requests")),
                (1, 6)
            );
        }
    });
}

#[tokio::test]
async fn a_server_that_closes_each_time_is_asked_anew_and_counted() {
    let ca = Authority::new();
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), |_| {
        let mut response = ok("bye");
        response
            .headers_mut()
            .insert("connection", "close".parse().unwrap());
        response
    })
    .await;
    let looks = looks(&live(&ca));
    let all = join_all(PATHS.map(|path| looks.observe(get(https(&peer), path)))).await;
    assert!(all.iter().all(|result| result.as_ref().unwrap().status == 200));
    assert_eq!(peer.connections(), 6);
    assert_eq!(count(&looks.finish(), "tls_connections"), 6);
}

#[tokio::test]
async fn requests_say_who_asks_and_nothing_else() {
    let peer = Peer::raw(|_| async {}).await;
    drop(peer);
    let peer = Peer::http(None, |_| ok("")).await;
    let looks = looks(&Live::new());
    let key = get(http(&peer), "/a?b")
        .header("accept", "text/html")
        .header("x-a", "1");
    looks.observe(key).await.unwrap();
    let mut lines: Vec<String> = peer.requests()[0].lines().map(str::to_owned).collect();
    lines.sort();
    let host = format!("host: {NAME}:{}", peer.address.port());
    let agent = concat!("user-agent: readiness/", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        lines,
        [
            "GET /a?b",
            "accept-encoding: identity",
            "accept: text/html",
            &host,
            agent,
            "x-a: 1"
        ]
    );
    assert_eq!(count(&looks.finish(), "tcp_connections"), 1);
}

#[tokio::test]
async fn a_closed_port_is_one_cause_for_all_and_a_fact_of_its_own() {
    let peer = Peer::raw(|_| async {}).await;
    let endpoint = https(&peer);
    drop(peer);
    tokio::task::yield_now().await;
    let looks = looks(&Live::new());
    let tcp = looks.observe(TcpConnect::new(endpoint.clone())).await.unwrap();
    assert_eq!(tcp.state, PortState::Closed);
    let tls = looks
        .observe(TlsHandshake::new(endpoint.clone()))
        .await
        .unwrap_err();
    let page = looks.observe(get(endpoint.clone(), "/")).await.unwrap_err();
    let cause = tls.cause.unwrap();
    assert_eq!(Some(&cause), page.cause.as_ref());
    assert_eq!(cause.reason, Reason::TCP_REFUSED);
    assert_eq!(cause.subject, format!("connection to {}", endpoint.address));
    assert!(
        cause
            .message
            .starts_with(&format!("connection to {} was refused", endpoint.address))
    );
    assert_eq!(count(&looks.finish(), "tls_connections"), 1);
}

#[tokio::test]
async fn a_retry_looks_again() {
    let peer = Peer::raw(|_| async {}).await;
    let endpoint = http(&peer);
    drop(peer);
    tokio::task::yield_now().await;
    let looks = looks(&Live::new());
    for _ in 0..2 {
        assert!(looks.observe(get(endpoint.clone(), "/")).await.is_err());
    }
    let listener = tokio::net::TcpListener::bind(endpoint.address).await.unwrap();
    let _peer = Peer::on(listener, |mut stream| async move {
        let _ = stream.read(&mut [0; 999]).await;
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        let _ = stream.read(&mut [0; 999]).await;
    });
    assert!(looks.observe(get(endpoint.clone(), "/")).await.is_err());
    let again = looks.observe_again(get(endpoint.clone(), "/"), 2).await.unwrap();
    assert_eq!(again.status, 204);
    let tcp = looks.observe_again(TcpConnect::new(endpoint), 3).await.unwrap();
    assert_eq!(tcp.state, PortState::Open);
}

#[tokio::test]
async fn a_retry_leaves_a_connection_that_went_silent() {
    let ca = Authority::new();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(ca.issue(&[NAME], |_| ()).server("h2")));
    let came = Arc::new(AtomicUsize::new(0));
    let peer = Peer::raw(move |stream| {
        let (acceptor, n) = (acceptor.clone(), came.fetch_add(1, Ordering::SeqCst));
        async move {
            let stream = acceptor.accept(stream).await.unwrap();
            if n == 0 {
                std::future::pending::<()>().await;
            }
            let service = hyper::service::service_fn(|_| async { Ok::<_, Infallible>(ok("")) });
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        }
    })
    .await;
    let looks = looks(&live(&ca).first_byte_timeout(Duration::from_millis(200)));
    let late = looks.observe(get(https(&peer), "/")).await.unwrap_err();
    assert_eq!(late.reason, Reason::TIMEOUT);
    let again = looks.observe_again(get(https(&peer), "/"), 2).await.unwrap();
    assert_eq!((again.status, peer.connections()), (200, 2));
}

#[tokio::test]
async fn a_kept_alive_connection_that_went_away_is_opened_again_for_safe_methods() {
    // Each connection answers one request, promises more, and goes away when the second one comes.
    let peer = Peer::raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 9999]).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            .await;
        let _ = stream.read(&mut [0; 9999]).await;
    })
    .await;
    let looks = looks(&Live::new());
    for path in ["/1", "/2", "/3"] {
        assert_eq!(looks.observe(get(http(&peer), path)).await.unwrap().status, 200);
    }
    assert_eq!(peer.connections(), 3);
    let mut post = get(http(&peer), "/4");
    post.method = "POST".to_owned();
    let error = looks.observe(post).await.unwrap_err();
    assert_eq!(error.reason, Reason::HTTP_BROKEN);
    assert_eq!(peer.connections(), 3, "an unsafe request was sent twice");
}

#[tokio::test]
async fn dropping_the_run_closes_its_sockets_at_once() {
    let ca = Authority::new();
    let (gone, mut is_gone) = tokio::sync::mpsc::unbounded_channel();
    let (came, mut has_come) = tokio::sync::mpsc::unbounded_channel();
    let config = ca.issue(&[NAME], |_| ()).server("h2");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let peer = Peer::raw(move |stream| {
        let (gone, came, acceptor) = (gone.clone(), came.clone(), acceptor.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            let _ = stream.read(&mut [0; 9999]).await;
            came.send(()).unwrap();
            while stream.read(&mut [0; 9999]).await.is_ok_and(|n| n > 0) {}
            gone.send(()).unwrap();
        }
    })
    .await;
    let endpoint = https(&peer);
    let probe = probe_fn("test.page", move |cx| {
        let endpoint = endpoint.clone();
        async move {
            cx.observe(get(endpoint, "/")).await?;
            Ok(Outcome::pass(""))
        }
    });
    let suite = Suite::new(live(&ca).sources().unwrap())
        .with(Requirement::new(
            probe,
            Target::parse("https://demo.test").unwrap(),
        ))
        .unwrap();
    let runner = Runner::new();
    let mut run = Box::pin(runner.run(&suite));
    tokio::select! {
        _ = &mut run => panic!("it cannot end"),
        _ = has_come.recv() => {}
    }
    assert!(is_gone.try_recv().is_err());
    drop(run);
    // Nothing of ours is polled any more: the peer sees the end because it has come.
    is_gone.recv().await.unwrap();
}

#[tokio::test]
async fn the_view_names_what_was_looked_with() {
    let ca = Authority::new();
    let live = live(&ca)
        .resolve(NAME, "127.0.0.1".parse().unwrap())
        .nameservers(vec!["127.0.0.1:5300".parse().unwrap()]);
    let view = looks(&live).observe(LookFrom::new()).await.unwrap();
    assert!(view.trust_store.ends_with(" + given PEM"), "{}", view.trust_store);
    assert!(view.trust_anchors > 0 && !view.host.is_empty());
    assert_eq!(view.resolvers, ["127.0.0.1:5300"]);
    assert_eq!(view.overrides, ["demo.test = 127.0.0.1"]);
}

#[tokio::test]
async fn a_family_that_is_not_wanted_has_no_route() {
    let v4 = readiness_probes::fact::Family::V4;
    let looks = looks(&Live::new().only(v4));
    let route = |address: &str| LocalRoute::new(address.parse().unwrap());
    assert!(looks.observe(route("127.0.0.1")).await.unwrap().exists);
    assert!(!looks.observe(route("::1")).await.unwrap().exists);
}

#[tokio::test]
async fn a_request_that_cannot_be_sent_opens_nothing() {
    let peer = Peer::http(None, |_| ok("")).await;
    let looks = looks(&Live::new());
    let mut bad_method = get(http(&peer), "/");
    bad_method.method = "G T".to_owned();
    for key in [
        bad_method,
        get(http(&peer), "/a b"),
        get(http(&peer), "/").header("a b", "c"),
        get(http(&peer), "/").header("a", "b\r\nc: d"),
    ] {
        assert_eq!(looks.observe(key).await.unwrap_err().reason, Reason::ERROR);
    }
    assert_eq!(peer.connections(), 0);
}
