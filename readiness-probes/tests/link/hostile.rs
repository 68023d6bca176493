//! Peers that are silent, slow, endless, broken or something else.

use super::*;

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
    let more = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(2049));
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
    let most = format!("HTTP/1.1 204 x\r\n{}\r\n", "a: b\r\n".repeat(2048));
    assert_eq!(said(&live, most, true).await.unwrap().headers.len(), 2048);
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
        let (lines, len) = match request.uri().path() {
            "/many" => (2049, 1),
            // With the line `date`, as many as are taken.
            "/most" => (2047, 1),
            _ => (100, 1000),
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
    let most = looks.observe(get(https(&peer), "/most")).await.unwrap();
    assert_eq!(most.headers.len(), 2048);
    let many = looks.observe(get(https(&peer), "/many")).await.unwrap_err();
    assert_eq!(many.reason, Reason::HTTP_TOO_LARGE);
    let large = looks.observe(get(https(&peer), "/large")).await.unwrap_err();
    assert!(
        [Reason::HTTP_TOO_LARGE, Reason::HTTP_MALFORMED].contains(&large.reason),
        "{large:?}"
    );
}
