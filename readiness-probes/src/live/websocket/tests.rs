//! The talk with servers that keep to the protocol, and with those that do not.

use std::{net::SocketAddr, sync::Mutex, thread};

use readiness_core::{Target, fact::PortState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tungstenite::handshake::server::{Request as Asks, Response as Answers};

use super::{
    super::fake::{Authority, endpoint, look, serve, stranger, target},
    *,
};

const URL: &str = "ws://db.test:{}/live";

fn key(target: &Target, address: SocketAddr) -> WebSocketOpen {
    let path = target.path_and_query();
    WebSocketOpen::new(endpoint(target, address), "db.test", path, target.origin())
        .from("https://db.test")
        .credential(target.credential())
}

/// What comes after a head that agrees, in the server's own words.
async fn agreed(frames: &'static [u8]) -> Arc<WebSocketFacts> {
    let (address, _server) = serve(1, move |_, mut stream| async move {
        agree(&mut stream, "").await;
        let _ = stream.write_all(frames).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    })
    .await;
    let target = target(URL, address);
    look(stranger(), &target, key(&target, address)).await
}

/// Reads a request and agrees to it, with more headers; gives the head of the request.
async fn agree(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), more: &str) -> String {
    let head = head_of(stream).await;
    let line = head
        .lines()
        .find_map(|line| line.strip_prefix("sec-websocket-key: "))
        .unwrap();
    let accept = accept_of(line);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    );
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    head
}

async fn head_of(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// What is seen of a server that answers the request like this.
async fn answered(head: &'static str) -> Arc<WebSocketFacts> {
    let (address, _server) = serve(1, move |_, mut stream| async move {
        head_of(&mut stream).await;
        let _ = stream.write_all(head.as_bytes()).await;
    })
    .await;
    let target = target(URL, address);
    look(stranger(), &target, key(&target, address)).await
}

#[test]
fn the_answer_to_a_key_is_that_of_rfc_6455() {
    assert_eq!(
        accept_of("dGhlIHNhbXBsZSBub25jZQ=="),
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_s_server_is_opened_pinged_and_closed() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(None));
    let kept = Arc::clone(&asked);
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        #[allow(clippy::result_large_err, reason = "the library's own type")]
        let callback = |request: &Asks, mut response: Answers| {
            *kept.lock().unwrap() = Some(request.clone());
            let chosen = HeaderValue::from_static("v1.chat");
            response
                .headers_mut()
                .insert(header::SEC_WEBSOCKET_PROTOCOL, chosen);
            Ok(response)
        };
        let mut socket = tungstenite::accept_hdr(stream, callback).unwrap();
        let mut seen = Vec::new();
        while let Ok(message) = socket.read() {
            seen.push(message);
        }
        seen
    });
    let target = target(URL, address);
    let key = key(&target, address).subprotocols(vec!["v2.chat".to_owned(), "v1.chat".to_owned()]);
    let facts = look(stranger(), &target, key).await;
    assert_eq!(
        (&facts.end, facts.pong),
        (&WebSocketEnd::Closed, true),
        "{facts:?}"
    );
    assert_eq!(facts.close_code, Some(1000));
    let answer = facts.answer.as_ref().unwrap();
    assert!(answer.is_upgrade());
    assert_eq!(answer.subprotocol.as_deref(), Some("v1.chat"));
    let seen = server.join().unwrap();
    assert!(seen[0].is_ping() && seen[1].is_close(), "{seen:?}");
    let asked = asked.lock().unwrap().clone().unwrap();
    assert_eq!(asked.uri(), "/live");
    assert_eq!(asked.headers()["origin"], "https://db.test");
    assert_eq!(asked.headers()["sec-websocket-protocol"], "v2.chat, v1.chat");
    assert_eq!(asked.headers()["host"], "db.test");
    assert!(!asked.headers().contains_key("sec-websocket-extensions"));
}

#[tokio::test]
async fn answers_are_kept_as_they_are() {
    let facts = answered("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(
        (&facts.end, facts.answer.as_ref().unwrap().status),
        (&WebSocketEnd::NotUpgraded, 404)
    );
    let facts = answered(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    )
    .await;
    let answer = facts.answer.as_ref().unwrap();
    assert_eq!(
        (&facts.end, answer.accept),
        (&WebSocketEnd::NotUpgraded, Some(false))
    );
    assert_eq!(answer.extensions, "permessage-deflate");
    let facts =
        answered("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
            .await;
    assert_eq!(facts.answer.as_ref().unwrap().accept, None);
    for (head, kind) in [
        ("SSH-2.0-OpenSSH_9.2p1\r\n\r\n", BrokenKind::Garbage),
        ("", BrokenKind::Closed),
    ] {
        let facts = answered(head).await;
        let WebSocketEnd::Broken(how) = &facts.end else {
            panic!("{facts:?}")
        };
        assert_eq!(how.kind, kind, "{how:?}");
    }
    let (address, server) = serve(0, |_, _| async {}).await;
    server.await.unwrap();
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(
        (&facts.end, facts.tcp.state),
        (&WebSocketEnd::NotOpen, PortState::Closed)
    );
}

#[tokio::test]
async fn frames_that_break_the_rules_are_named() {
    for (frames, part) in [
        (&b"\x8a\x80abcd"[..], "masked"),
        (b"\xca\x00", "extension"),
        (b"\x0a\x00", "cut in parts"),
        (b"\x8a\x7e\x00\x7e", "longer than 125"),
        (b"\x80\x00", "has not begun"),
        (b"\x01\x00\x81\x00", "before the last one has ended"),
        (b"\x83\x00", "kind 0x3"),
        (b"\x8b\x00", "kind 0xb"),
        (b"\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", "first bit"),
        (b"\x88\x01x", "one byte"),
        (b"\x88\x02\x03\xe7", "code 999"),
        (b"\x88\x02\x03\xed", "code 1005"),
    ] {
        let facts = agreed(frames).await;
        let WebSocketEnd::Violation(what) = &facts.end else {
            panic!("{frames:?}: {facts:?}")
        };
        assert!(what.contains(part), "{frames:?}: {what}");
        assert!(!facts.pong);
    }
}

#[tokio::test]
async fn a_server_may_close_before_it_answers() {
    let facts = agreed(b"\x81\x05hello\x88\x0e\x03\xf0log in\x1b[2Jxx").await;
    assert_eq!(
        (&facts.end, facts.close_code),
        (&WebSocketEnd::ClosedByServer, Some(1008))
    );
    assert_eq!(facts.close_reason, "log in [2Jxx");
    let facts = agreed(b"\x88\x00").await;
    assert_eq!(facts.close_code, Some(1005));
}

/// Answers the first ping after these frames, and then whatever the closure says.
async fn pongs(before: &'static [u8], after: &'static [u8]) -> Arc<WebSocketFacts> {
    let (address, _server) = serve(1, move |_, mut stream| async move {
        answer_ping(&mut stream, before, after).await;
    })
    .await;
    let target = target(URL, address);
    look(stranger(), &target, key(&target, address)).await
}

async fn answer_ping(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin), before: &[u8], after: &[u8]) {
    agree(stream, "").await;
    let mut ping = [0; 14];
    stream.read_exact(&mut ping).await.unwrap();
    assert_eq!(ping[..2], [0x89, 0x88]);
    let _ = stream.write_all(before).await;
    let mask = [ping[2], ping[3], ping[4], ping[5]];
    let payload = ping[6..].iter().zip(mask.iter().cycle());
    let mut pong = vec![0x8a, 8];
    pong.extend(payload.map(|(byte, mask)| byte ^ mask));
    let _ = stream.write_all(&pong).await;
    let _ = stream.flush().await;
    let mut close = [0; 8];
    let _ = stream.read_exact(&mut close).await;
    let _ = stream.write_all(after).await;
    let _ = stream.flush().await;
}

#[tokio::test]
async fn over_tls_it_is_the_same() {
    let authority = Authority::new();
    let acceptor = authority.acceptor();
    let (address, _server) = serve(1, move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            answer_ping(&mut stream, b"", b"\x88\x00").await;
        }
    })
    .await;
    let target = target("wss://db.test:{}/live", address);
    let facts = look(authority.trusted(), &target, key(&target, address)).await;
    assert_eq!(
        (&facts.end, facts.pong),
        (&WebSocketEnd::Closed, true),
        "{facts:?}"
    );
    assert_eq!(facts.close_code, Some(1005));
    assert!(matches!(
        facts.tls,
        ChannelTls::Established {
            trust: Trust::Trusted,
            ..
        }
    ));
}

#[tokio::test]
async fn a_pong_is_found_among_other_frames() {
    // A message in two parts with a pong of nobody between, and one of 16 bits' length.
    let frames = b"\x01\x03abc\x8a\x01x\x80\x02de\x82\x7e\x01\x00";
    let frames = [&frames[..], &[7; 256]].concat().leak();
    let facts = pongs(frames, b"\x88\x02\x03\xe8").await;
    assert_eq!(
        (&facts.end, facts.pong),
        (&WebSocketEnd::Closed, true),
        "{facts:?}"
    );
    assert_eq!(facts.close_code, Some(1000));
    // Without a close frame it is seen that there was none.
    let facts = pongs(b"", b"").await;
    assert_eq!(
        (&facts.end, facts.pong, facts.close_code),
        (&WebSocketEnd::Closed, true, None)
    );
}

#[tokio::test]
async fn a_server_that_never_stops_is_cut_off() {
    let flood = [&b"\x82\x7f\0\0\0\0\x10\0\0\0"[..], &[0; 80_000]].concat().leak();
    assert_eq!(agreed(flood).await.end, WebSocketEnd::TooBusy);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_owes_a_pong() {
    let facts = agreed(b"").await;
    assert_eq!(
        (&facts.end, facts.pong, facts.close_code),
        (&WebSocketEnd::Closed, false, None)
    );
}

#[tokio::test]
async fn secrets_go_to_a_trusted_server_alone() {
    let authority = Authority::new();
    for (sources, sent) in [(authority.trusted(), true), (stranger(), false)] {
        let acceptor = authority.acceptor();
        let (address, server) = serve(1, move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return String::new();
                };
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match stream.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return String::new(),
                    }
                }
                let _ = stream
                    .write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n")
                    .await;
                String::from_utf8(head).unwrap()
            }
        })
        .await;
        let target = target("wss://probe:s3cr3t-pw@db.test:{}/live?token=t0k3n-0815", address);
        let facts = look(sources, &target, key(&target, address)).await;
        let heard = server.await.unwrap().remove(0);
        if sent {
            assert!(
                heard.starts_with("GET /live?token=t0k3n-0815 HTTP/1.1"),
                "{heard}"
            );
            assert!(heard.contains("authorization: Basic "));
            assert_eq!(facts.end, WebSocketEnd::NotUpgraded);
        } else {
            assert_eq!(
                (&facts.end, heard.as_str()),
                (&WebSocketEnd::CredentialWithheld, "")
            );
        }
        let json = serde_json::to_string(&*facts).unwrap();
        assert!(!json.contains("s3cr3t") && !json.contains("t0k3n"), "{json}");
    }
}
