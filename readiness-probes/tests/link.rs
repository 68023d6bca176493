//! The live sources against real peers on loopback: how many connections, what is told, what is not.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/peer.rs"]
mod peer;

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
async fn a_demanded_client_certificate_is_one_cause_for_all_exchanges() {
    let ca = Authority::new();
    let config = ca
        .issue(&[NAME], |_| ())
        .demanding_server(&ca, &rustls::version::TLS13);
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let plain = looks(&live(&ca));
    let facts = plain.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    assert!(session(&facts).client_certificate_requested);
    let errors = join_all(PATHS.map(|path| plain.observe(get(https(&peer), path)))).await;
    let causes: Vec<_> = errors
        .into_iter()
        .map(|result| result.unwrap_err().cause.unwrap())
        .collect();
    assert_eq!(causes[0].reason, Reason::TLS_CLIENT_CERTIFICATE_REQUIRED);
    assert!(causes.iter().all(|cause| *cause == causes[0]));
    assert_eq!(peer.connections(), 1);

    let (chain, key) = ca.client();
    let looks = looks(&live(&ca).client_certificate(chain, key));
    assert_eq!(looks.observe(get(https(&peer), "/")).await.unwrap().status, 200);
}

#[tokio::test]
async fn in_tls_1_2_a_demanded_client_certificate_ends_the_handshake_and_the_chain_is_kept() {
    let ca = Authority::new();
    let config = ca
        .issue(&[NAME], |_| ())
        .demanding_server(&ca, &rustls::version::TLS12);
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let looks = looks(&live(&ca));
    let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    let (reason, message) = refused(&facts);
    assert_eq!(*reason, Reason::TLS_CLIENT_CERTIFICATE_REQUIRED, "{message}");
    let TlsEnd::Refused { chain, .. } = &facts.end else {
        unreachable!()
    };
    assert_eq!(chain.len(), 1);
    let error = looks.observe(get(https(&peer), "/")).await.unwrap_err();
    assert_eq!(*error.root_reason(), Reason::TLS_CLIENT_CERTIFICATE_REQUIRED);
    assert_eq!(
        error.cause.unwrap().subject,
        format!("TLS handshake with {}", peer.address)
    );
}

#[tokio::test]
async fn an_untrusted_peer_is_shown_whole_and_gets_no_secret() {
    let (ca, other) = (Authority::new(), Authority::new());
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    let early = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        params.not_after = rcgen::date_time_ymd(3000, 1, 1);
    };
    let purpose = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    for (certificate, expected) in [
        (ca.issue(&[NAME], expired), UntrustedKind::Expired),
        (ca.issue(&[NAME], early), UntrustedKind::NotYetValid),
        (ca.issue(&[NAME], purpose), UntrustedKind::Purpose),
        (ca.issue(&["other.test"], |_| ()), UntrustedKind::WrongName),
        (other.issue(&[NAME], |_| ()), UntrustedKind::UnknownIssuer),
    ] {
        let peer = Peer::http(Some(certificate.server("h2")), |_| ok("hello")).await;
        let origin = Origin::new("https", NAME, peer.address.port());
        let mut credentials = Credentials::default();
        credentials.insert("api", Credential::bearer(origin.clone(), "s3cr3t-token"));
        credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
        let looks = Looks::with_credentials(live(&ca).sources().unwrap(), credentials);
        let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
        let Trust::Untrusted { kind, message } = &session(&facts).trust else {
            panic!("{expected:?} is trusted");
        };
        assert_eq!(*kind, expected, "{message}");
        assert_eq!(session(&facts).chain.len(), 1);
        let exchange = looks.observe(get(https(&peer), "/")).await.unwrap();
        assert_eq!((exchange.status, exchange.channel), (200, Channel::UntrustedTls));
        for key in [
            get(https(&peer), "/").credential(Some("api".to_owned())),
            get(https(&peer), "/?key={q}"),
        ] {
            let error = looks.observe(key).await.unwrap_err();
            assert_eq!(error.reason, Reason::CREDENTIAL_WITHHELD);
            assert!(!error.message.contains("s3cr3t"), "{error}");
        }
        assert_eq!(peer.requests().len(), 1, "a secret went to a stranger");
    }
}

#[tokio::test]
async fn a_certificate_that_is_no_certificate_is_kept_and_not_trusted() {
    let ca = Authority::new();
    let mut certificate = ca.issue(&[NAME], |_| ());
    let good = certificate.server("http/1.1");
    let key = rustls::pki_types::PrivateKeyDer::try_from(certificate.key.serialize_der()).unwrap();
    let key = peer::provider().key_provider.load_private_key(key).unwrap();
    certificate.chain = vec![b"no certificate".to_vec().into()];
    #[derive(Debug)]
    struct Always(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Always {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }
    let shown = rustls::sign::CertifiedKey::new(certificate.chain.clone(), key);
    let mut config = good;
    config.cert_resolver = Arc::new(Always(shown.into()));
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let looks = looks(&live(&ca));
    let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    let session = session(&facts);
    assert_eq!(session.chain.iter().next().unwrap(), b"no certificate");
    assert!(!session.signature_valid);
    assert!(matches!(
        session.trust,
        Trust::Untrusted {
            kind: UntrustedKind::Other,
            ..
        }
    ));
    let exchange = looks.observe(get(https(&peer), "/")).await.unwrap();
    assert_eq!(exchange.channel, Channel::UntrustedTls);
}

#[tokio::test]
async fn a_credential_goes_to_its_origin_only_and_its_echo_is_hidden() {
    let ca = Authority::new();
    let echo = |request: &http::Request<hyper::body::Incoming>| {
        let said: Vec<String> = ["authorization", "x-api-key"]
            .iter()
            .filter_map(|name| request.headers().get(*name))
            .map(|value| value.to_str().unwrap().to_owned())
            .chain([request.uri().to_string()])
            .collect();
        let said = said.join(" ");
        Response::builder()
            .header("x-echo", &said)
            .body(Full::new(Bytes::from(format!("{}{said}", "x".repeat(90)))))
            .unwrap()
    };
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), echo).await;
    let stranger = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), echo).await;
    let origin = Origin::new("https", NAME, peer.address.port());
    let mut credentials = Credentials::default();
    credentials.insert("basic", Credential::login(origin.clone(), "joe", "s3cr3t-word"));
    credentials.insert(
        "key",
        Credential::header(origin.clone(), "X-Api-Key", "s3cr3t-key"),
    );
    credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
    let looks = Looks::with_credentials(live(&ca).sources().unwrap(), credentials);
    for (handle, sent) in [
        ("basic", "authorization: Basic am9lOnMzY3IzdC13b3Jk"),
        ("key", "x-api-key: s3cr3t-key"),
    ] {
        // The body is cut in the middle of the echo: its part must not be shown either.
        let key = get(https(&peer), "/?k={q}")
            .credential(Some(handle.to_owned()))
            .keep_body(100);
        let exchange = looks.observe(key.clone()).await.unwrap();
        assert!(
            peer.requests().last().unwrap().contains(sent),
            "{:?}",
            peer.requests()
        );
        assert!(
            peer.requests()
                .last()
                .unwrap()
                .starts_with("GET /?k=s3cr3t-query")
        );
        let fact = serde_json::to_string(&*exchange).unwrap() + &serde_json::to_string(&key).unwrap();
        for secret in ["s3cr3t", "am9l"] {
            assert!(!fact.contains(secret), "{fact}");
        }
        let error = looks
            .observe(get(https(&stranger), "/").credential(Some(handle.to_owned())))
            .await
            .unwrap_err();
        assert_eq!(error.reason, Reason::MISSING_CREDENTIAL);
    }
    assert!(looks.observe(get(https(&stranger), "/?k={q}")).await.is_err());
    assert_eq!(stranger.connections(), 0);
}

#[tokio::test]
async fn cookies_and_query_values_are_hidden_and_the_next_hop_carries_them() {
    let ca = Authority::new();
    let tls = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("http/1.1")), |_| ok("")).await;
    let to = format!(
        "https://joe:pw@{NAME}:{}/next?token=s3cr3t&{{run.0}}=1",
        tls.address.port()
    );
    let peer = Peer::http(None, move |_| {
        Response::builder()
            .status(308)
            .header("location", &to)
            .header("set-cookie", "sid=s3cr3t; Secure")
            .header("set-cookie", "gone=; Max-Age=0")
            .body(Full::new(Bytes::new()))
            .unwrap()
    })
    .await;
    let looks = looks(&live(&ca));
    let exchange = looks.observe(get(http(&peer), "/")).await.unwrap();
    let cookies: Vec<&[u8]> = exchange.all("set-cookie").collect();
    assert_eq!(cookies, [&b"sid=[redacted]; Secure"[..], b"gone=; Max-Age=0"]);
    let location = exchange.first_str("location").unwrap();
    let path = location
        .split_once(&format!(":{}", tls.address.port()))
        .unwrap()
        .1;
    assert_eq!(
        location,
        format!(
            "https://[redacted]@{NAME}:{}/next?token={{run.0}}&%7Brun.0%7D={{run.1}}",
            tls.address.port()
        )
    );
    looks.observe(get(https(&tls), path)).await.unwrap();
    assert!(
        tls.requests()[0].starts_with("GET /next?token=s3cr3t&%7Brun.0%7D=1\n"),
        "{:?}",
        tls.requests()
    );
    // To another origin the value does not go.
    assert_eq!(
        looks.observe(get(http(&peer), path)).await.unwrap_err().reason,
        Reason::MISSING_CREDENTIAL
    );
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
async fn what_is_not_tls_on_a_tls_port_is_told_apart() {
    type Bytes = &'static [u8];
    let cases: [(Bytes, Reason, &str); 6] = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n",
            Reason::TLS_NOT_TLS,
            "plain HTTP",
        ),
        (b"SSH-2.0-OpenSSH_9.9\r\n", Reason::TLS_NOT_TLS, "SSH"),
        (
            b"\x15\x03\x03\x00\x02\x02\x28",
            Reason::TLS_ALERT,
            "`handshake_failure`",
        ),
        (
            b"\x16\x03\x03\x00\x04\x02\x0f\xff\xff",
            Reason::TLS_MESSAGE_TOO_LARGE,
            "65,535",
        ),
        (
            b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x00",
            Reason::TLS_MALFORMED,
            "rules of TLS",
        ),
        (b"", Reason::TLS_CLOSED, "closed the connection"),
    ];
    for (answer, expected, said) in cases {
        let peer = Peer::raw(move |mut stream| async move {
            let _ = stream.read(&mut [0; 9999]).await;
            let _ = stream.write_all(answer).await;
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut [0; 9999]).await;
        })
        .await;
        let looks = looks(&Live::new());
        let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
        let (reason, message) = refused(&facts);
        assert_eq!(*reason, expected, "{message}");
        assert!(message.contains(said), "{message}");
        let error = looks.observe(get(https(&peer), "/")).await.unwrap_err();
        assert_eq!(*error.root_reason(), expected);
        assert_eq!(
            error.cause.unwrap().subject,
            format!("TLS handshake with {}", peer.address)
        );
        assert_eq!(peer.connections(), 1);
    }
}

fn reset(stream: &TcpStream) {
    #[expect(deprecated, reason = "zero does not block")]
    stream.set_linger(Some(Duration::ZERO)).unwrap();
}

#[tokio::test]
async fn a_reset_in_the_middle_is_named() {
    let peer = Peer::raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 9999]).await;
        reset(&stream);
    })
    .await;
    let looks = looks(&Live::new());
    let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    assert_eq!(*refused(&facts).0, Reason::TCP_RESET);
    let error = looks.observe(get(http(&peer), "/")).await.unwrap_err();
    assert_eq!(error.reason, Reason::HTTP_BROKEN);
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let peer = Peer::raw(|stream| async move {
        let _stream = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let looks = looks(&hasty());
    let tls = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap_err();
    assert_eq!(*tls.root_reason(), Reason::TIMEOUT);
    let page = looks.observe(get(https(&peer), "/")).await.unwrap_err();
    assert_eq!(page.cause, tls.cause);
    let plain = looks.observe(get(http(&peer), "/")).await.unwrap_err();
    assert_eq!(plain.reason, Reason::TIMEOUT);
    assert!(plain.message.contains("within 200ms"), "{plain}");
}

/// What a plain peer that says this, and then stays or goes, is taken for.
async fn said(live: &Live, bytes: impl Into<Vec<u8>>, stays: bool) -> Result<Exchange, ObserveError> {
    let bytes = bytes.into();
    let peer = Peer::raw(move |mut stream| {
        let bytes = bytes.clone();
        async move {
            let _ = stream.read(&mut [0; 9999]).await;
            let _ = stream.write_all(&bytes).await;
            if stays {
                std::future::pending::<()>().await;
            }
        }
    })
    .await;
    let looks = looks(live);
    let result = looks.observe(get(http(&peer), "/").keep_body(1 << 20)).await;
    assert_eq!(peer.connections(), 1, "what never answered is a result");
    result.map(|exchange| (*exchange).clone())
}

#[tokio::test]
async fn heads_that_break_the_rules_are_errors_with_their_reason() {
    let live = Live::new();
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(10_000));
    let long = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(100_000));
    let more = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(257));
    let malformed = Reason::HTTP_MALFORMED;
    for (bytes, stays, reason) in [
        (many.as_str(), true, Reason::HTTP_TOO_LARGE),
        (&long, true, Reason::HTTP_TOO_LARGE),
        (&more, true, Reason::HTTP_TOO_LARGE),
        ("HTTP/1.1 200 OK\r\na: b\u{1}c\r\n\r\n", true, malformed.clone()),
        ("HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n", true, malformed.clone()),
        ("HTTP/1.1 200 OK\r\na b: c\r\n\r\n", true, malformed.clone()),
        ("hello\r\n\r\n", true, malformed.clone()),
        ("HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n", true, malformed),
        ("HTTP/1.1 200 OK\r\na: b\r\n", false, Reason::HTTP_BROKEN),
        ("", false, Reason::HTTP_BROKEN),
    ] {
        let error = said(&live, bytes, stays).await.unwrap_err();
        assert_eq!(
            error.reason,
            reason,
            "{error}: {:?}",
            bytes.get(..40.min(bytes.len()))
        );
    }
    let most = format!("HTTP/1.1 204 x\r\n{}\r\n", "a: b\r\n".repeat(256));
    assert_eq!(said(&live, most, true).await.unwrap().headers.len(), 256);
}

#[tokio::test]
async fn a_greeting_on_an_http_port_is_no_http() {
    let peer = Peer::raw(|mut stream| async move {
        let _ = stream.write_all(b"220 mail.test ready\r\n").await;
        std::future::pending::<()>().await;
    })
    .await;
    let looks = looks(&Live::new());
    assert_eq!(
        looks.observe(TcpConnect::new(http(&peer))).await.unwrap().state,
        PortState::Open
    );
    let error = looks.observe(get(http(&peer), "/")).await.unwrap_err();
    assert_eq!(error.reason, Reason::HTTP_MALFORMED, "{error}");
}

#[tokio::test]
async fn what_came_of_a_body_stands() {
    let live = hasty();
    for (bytes, stays, body, complete) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            true,
            "hello",
            true,
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", false, "hello", true),
        ("HTTP/1.1 200 OK\r\n\r\nhello", true, "hello", false),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
            false,
            "hello",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhello",
            true,
            "hello",
            false,
        ),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz",
            true,
            "hello",
            false,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\n\r\nHTTP/1.1 204 x\r\n\r\n",
            true,
            "",
            true,
        ),
    ] {
        let exchange = said(&live, bytes, stays).await.unwrap();
        assert_eq!(
            (exchange.body.to_str(), exchange.body_complete),
            (Some(body), complete),
            "{bytes}"
        );
    }
}

#[tokio::test]
async fn bytes_that_drip_end_at_the_deadline() {
    async fn drip(mut stream: TcpStream, head: &'static [u8], drop: &'static [u8]) {
        let _ = stream.read(&mut [0; 9999]).await;
        let _ = stream.write_all(head).await;
        while stream.write_all(drop).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let peer = Peer::raw(|stream| drip(stream, b"HTTP/1.1 200 OK\r\n", b"a: b\r\n")).await;
    let looks = looks(&hasty());
    let error = looks.observe(get(http(&peer), "/")).await.unwrap_err();
    assert_eq!(error.reason, Reason::TIMEOUT);
    let peer = Peer::raw(|stream| drip(stream, b"HTTP/1.1 200 OK\r\n\r\n", b"x")).await;
    let exchange = looks.observe(get(http(&peer), "/").keep_body(99)).await.unwrap();
    assert!(!exchange.body_complete && !exchange.body.is_empty() && exchange.status == 200);
    let peer = Peer::raw(|stream| drip(stream, b"", b"\x16")).await;
    let error = looks.observe(TlsHandshake::new(https(&peer))).await;
    assert!(error.is_err() || *refused(&error.unwrap()).0 == Reason::TLS_NOT_TLS);
}

#[tokio::test]
async fn a_body_over_its_cap_is_cut_and_costs_a_connection() {
    let ca = Authority::new();
    for (alpn, connections) in [("http/1.1", 2), ("h2", 1)] {
        let peer = Peer::http(Some(ca.issue(&[NAME], |_| ()).server(alpn)), |request| {
            let len = if request.uri().path() == "/large" {
                4 << 20
            } else {
                3
            };
            Response::new(Full::new(Bytes::from(vec![b'x'; len])))
        })
        .await;
        let looks = looks(&live(&ca));
        let large = looks
            .observe(get(https(&peer), "/large").keep_body(10))
            .await
            .unwrap();
        assert_eq!(
            (large.body.as_bytes(), large.body_complete),
            (&b"xxxxxxxxxx"[..], false)
        );
        let small = looks.observe(get(https(&peer), "/").keep_body(10)).await.unwrap();
        assert_eq!((small.body.as_bytes(), small.body_complete), (&b"xxx"[..], true));
        assert_eq!(peer.connections(), connections, "{alpn}");
        assert_eq!(count(&looks.finish(), "tls_connections"), connections as u64);
    }
}

#[tokio::test]
async fn heads_over_the_cap_are_refused_over_http_2() {
    let ca = Authority::new();
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| ()).server("h2")), |request| {
        let mut response = ok("");
        let (lines, len) = if request.uri().path() == "/many" {
            (300, 1)
        } else {
            (100, 1000)
        };
        for i in 0..lines {
            let name: http::HeaderName = format!("x-{i}").parse().unwrap();
            response
                .headers_mut()
                .insert(name, "x".repeat(len).parse().unwrap());
        }
        response
    })
    .await;
    let looks = looks(&live(&ca));
    let many = looks.observe(get(https(&peer), "/many")).await.unwrap_err();
    assert_eq!(many.reason, Reason::HTTP_TOO_LARGE);
    let large = looks.observe(get(https(&peer), "/large")).await.unwrap_err();
    assert!(
        [Reason::HTTP_TOO_LARGE, Reason::HTTP_MALFORMED].contains(&large.reason),
        "{large:?}"
    );
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

#[cfg(feature = "api")]
mod api {
    use readiness_probes::live::api::ApiCall;

    use super::*;

    fn looks(live: &Live, peer: &Peer) -> Looks {
        let origin = Origin::new("https", NAME, peer.address.port());
        let mut credentials = Credentials::default();
        credentials.insert("api", Credential::bearer(origin.clone(), "s3cr3t-token"));
        credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
        let live = live.clone().resolve(NAME, peer.address.ip());
        Looks::with_credentials(live.sources().unwrap(), credentials)
    }

    #[tokio::test]
    async fn an_api_is_asked_with_its_credential_and_echoes_nothing() {
        let ca = Authority::new();
        for alpn in ["h2", "http/1.1"] {
            let config = ca.issue(&[NAME], |_| ()).server(alpn);
            let peer = Peer::http(Some(config), |request| {
                let said = request.headers()["authorization"].to_str().unwrap();
                let body = format!("{{\"said\":\"{said} {}\"}}", request.uri());
                let mut response = Response::new(Full::new(Bytes::from(body)));
                *response.status_mut() = http::StatusCode::FOUND;
                response
                    .headers_mut()
                    .insert("location", "/other".parse().unwrap());
                response
                    .headers_mut()
                    .insert("content-type", "application/json".parse().unwrap());
                response
            })
            .await;
            let looks = looks(&live(&ca), &peer);
            let call = ApiCall::get(format!("https://{NAME}:{}/a?k={{q}}", peer.address.port()))
                .credential(Some("api".to_owned()));
            let answer = looks.observe(call).await.unwrap();
            assert_eq!((answer.status, &*answer.content_type), (302, "application/json"));
            let requests = peer.requests();
            assert_eq!(requests.len(), 1, "a redirect was followed");
            assert!(
                requests[0].contains("authorization: Bearer s3cr3t-token"),
                "{requests:?}"
            );
            assert!(requests[0].contains("/a?k=s3cr3t-query"), "{requests:?}");
            let body = answer.body.to_str().unwrap();
            assert!(!body.contains("s3cr3t") && body.contains("[redacted]"), "{body}");
        }
    }

    #[tokio::test]
    async fn an_api_that_is_not_trusted_gets_nothing() {
        let (ca, other) = (Authority::new(), Authority::new());
        let peer = Peer::http(Some(other.issue(&[NAME], |_| ()).server("h2")), |_| ok("{}")).await;
        let looks = looks(&live(&ca), &peer);
        let call = ApiCall::get(format!("https://{NAME}:{}/?k={{q}}", peer.address.port()));
        let error = looks.observe(call).await.unwrap_err();
        assert_eq!(*error.root_reason(), Reason::TLS_UNTRUSTED, "{error}");
        assert!(!error.message.contains("s3cr3t"), "{error}");
        assert!(peer.requests().is_empty());
    }

    #[tokio::test]
    async fn an_api_that_does_not_answer_is_told_apart() {
        let peer = Peer::raw(|_| async {}).await;
        let address = peer.address;
        let looks = looks(&Live::new(), &peer);
        drop(peer);
        tokio::task::yield_now().await;
        let ask = |url: String| looks.observe(ApiCall::get(url));
        let refused = ask(format!("http://{address}/")).await.unwrap_err();
        assert_eq!(*refused.root_reason(), Reason::TCP_REFUSED, "{refused}");
        for url in ["ftp://a.test/", "http://u:s3cr3t@a.test/", "nothing"] {
            let error = ask(url.to_owned()).await.unwrap_err();
            assert!(
                error.reason == Reason::ERROR && !error.message.contains("s3cr3t"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_large_document_is_cut() {
        let ca = Authority::new();
        let config = ca.issue(&[NAME], |_| ()).server("h2");
        let peer = Peer::http(Some(config), |_| {
            Response::new(Full::new(Bytes::from(vec![b' '; 3 << 20])))
        })
        .await;
        let looks = looks(&live(&ca), &peer);
        let answer = looks
            .observe(ApiCall::get(format!("https://{NAME}:{}/", peer.address.port())))
            .await
            .unwrap();
        assert_eq!((answer.body.len(), answer.body_complete), (1 << 20, false));
    }
}
