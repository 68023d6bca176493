//! The talk with servers that keep to the protocol, and with those that do not.

use readiness_core::fact::{PortState, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::fake::{Authority, drain, drip, endpoint, look, serve, stranger, target},
    *,
};
use crate::dep::BrokenKind;

const OPEN: &str = "redis://db.test:{}";
const LOCKED: &str = "redis://shopkeeper:s3cr3t-pw@db.test:{}";
const PING: &[u8] = b"*1\r\n$4\r\nPING\r\n";
const AUTH: &[u8] = b"*3\r\n$4\r\nAUTH\r\n$10\r\nshopkeeper\r\n$9\r\ns3cr3t-pw\r\n";

fn key(target: &readiness_core::Target, address: std::net::SocketAddr) -> RedisPing {
    RedisPing::new(endpoint(target, address), target.origin(), target.credential())
}

async fn speak<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    for part in parts {
        let mut chunk = [0; 4096];
        let n = stream.read(&mut chunk).await.unwrap_or(0);
        heard.push(chunk[..n].to_vec());
        if stream.write_all(part).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
    heard.push(drain(stream).await);
    heard
}

async fn seen(url: &str, parts: &[&[u8]]) -> (Arc<RedisFacts>, Vec<Vec<u8>>) {
    let parts: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
    let (address, server) = serve(1, move |_, mut stream| {
        let parts = parts.clone();
        async move {
            let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
            speak(&mut stream, &parts).await
        }
    })
    .await;
    let target = target(url, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    (facts, server.await.unwrap().remove(0))
}

fn broken(facts: &RedisFacts) -> BrokenKind {
    match &facts.end {
        RedisEnd::Broken(broken) => broken.kind,
        other => panic!("{other:?}"),
    }
}

fn refusal(reply: &Option<RedisReply>) -> (&str, &str) {
    match reply {
        Some(RedisReply::Error(error)) => (&error.code, &error.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_pong_is_heard() {
    let (facts, heard) = seen(OPEN, &[b"+PONG\r\n"]).await;
    assert_eq!(
        (&facts.end, &facts.unauthenticated),
        (&RedisEnd::Done, &Some(RedisReply::Pong))
    );
    assert_eq!(facts.auth, None);
    assert_eq!(heard, [PING, b""]);
}

#[tokio::test]
async fn a_password_is_shown_after_a_ping_without() {
    let parts: &[&[u8]] = &[b"-NOAUTH Authentication required.\r\n", b"+OK\r\n", b"+PONG\r\n"];
    let (facts, heard) = seen(LOCKED, parts).await;
    assert_eq!(refusal(&facts.unauthenticated).0, "NOAUTH");
    assert_eq!(facts.auth, Some(RedisReply::Ok));
    assert_eq!(facts.authenticated, Some(RedisReply::Pong));
    assert_eq!(heard, [PING, AUTH, PING, b""]);
    // Without a user name it is the old form.
    let (_, heard) = seen("redis://:s3cr3t-pw@db.test:{}", parts).await;
    assert_eq!(heard[1], b"*2\r\n$4\r\nAUTH\r\n$9\r\ns3cr3t-pw\r\n");
    // A user name alone is no log-in.
    let (facts, heard) = seen("redis://app@db.test:{}", parts).await;
    assert_eq!((heard.len(), &facts.auth), (4, &None));
}

#[tokio::test]
async fn an_echo_of_the_password_is_not_kept() {
    let parts: &[&[u8]] = &[b"+PONG\r\n", b"-WRONGPASS shopkeeper s3cr3t-pw\x1b[31m\r\n"];
    let (facts, _) = seen(LOCKED, parts).await;
    assert_eq!(
        refusal(&facts.auth),
        ("WRONGPASS", "WRONGPASS [redacted] [redacted] [31m")
    );
    assert_eq!(facts.authenticated, None);
    let json = serde_json::to_string(&*facts).unwrap();
    assert!(!json.contains("s3cr3t") && !json.contains("shopkeeper"), "{json}");
}

#[tokio::test]
async fn a_password_does_not_leave_the_inner_network_in_clear() {
    let (address, server) = serve(1, |_, mut stream| async move {
        speak(&mut stream, &[b"-NOAUTH Authentication required.\r\n"]).await
    })
    .await;
    // No inner address by its kind, and the kernel takes it for this machine.
    let address = std::net::SocketAddr::new([0, 0, 0, 0].into(), address.port());
    let target = target(LOCKED, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(facts.end, RedisEnd::CredentialWithheld);
    assert_eq!(server.await.unwrap(), [[PING, b""]]);
}

#[tokio::test]
async fn a_password_in_what_is_no_reply_is_not_kept() {
    for said in [
        "HTTP/1.1 400 s3cr3t-pw\r\n".to_owned(),
        // cut by the peer, and by us
        "HTTP/1.1 400 s3cr3t-".to_owned(),
        format!("!{}s3cr3t-pw\r\n", "x".repeat(35)),
    ] {
        let (facts, _) = seen(LOCKED, &[b"+PONG\r\n", said.as_bytes()]).await;
        assert_eq!(broken(&facts), BrokenKind::Garbage);
        let json = serde_json::to_string(&*facts).unwrap();
        assert!(!json.contains("s3c"), "{json}");
    }
    let long = format!("-ERR {}s3cr3t-pw\r\n", "x".repeat(290));
    let (facts, _) = seen(LOCKED, &[long.as_bytes()]).await;
    let json = serde_json::to_string(&*facts).unwrap();
    assert!(!json.contains("s3c"), "{json}");
    let first = format!("HTTP/1.1 {}s3cr3t-pw\r\n", "x".repeat(27));
    let (facts, _) = seen(LOCKED, &[first.as_bytes()]).await;
    let json = serde_json::to_string(&*facts).unwrap();
    assert!(json.contains("HTTP/1.1") && !json.contains("s3c"), "{json}");
}

#[tokio::test]
async fn other_replies_are_kept_as_they_are() {
    let (facts, _) = seen(OPEN, &[b"-LOADING Redis is loading\r\n"]).await;
    assert_eq!(
        refusal(&facts.unauthenticated),
        ("LOADING", "LOADING Redis is loading")
    );
    for (reply, text) in [
        (&b"+hello\r\n"[..], "hello"),
        (b":1\r\n", "1"),
        (b"$4\r\nPONG\r\n", "4"),
    ] {
        let (facts, _) = seen(OPEN, &[reply]).await;
        assert_eq!(facts.unauthenticated, Some(RedisReply::Other(text.to_owned())));
    }
    let (facts, _) = seen(OPEN, &[b"-\r\n"]).await;
    assert_eq!(refusal(&facts.unauthenticated), ("", ""));
}

#[tokio::test]
async fn other_protocols_end_it() {
    for parts in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"SSH-2.0-x",
        b"\r\n",
        b"\0\xff",
        &[b'+'; 9_000],
    ] {
        let (facts, _) = seen(OPEN, &[parts]).await;
        assert_eq!(broken(&facts), BrokenKind::Garbage);
    }
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_told() {
    for steps in 0..3 {
        let parts: &[&[u8]] = &[b"-NOAUTH\r\n", b"+OK\r\n"];
        let (address, server) = serve(1, move |_, mut stream| async move {
            let mut chunk = [0; 4096];
            for part in &parts[..steps] {
                let _ = stream.read(&mut chunk).await;
                stream.write_all(part).await.unwrap();
            }
            let _ = stream.read(&mut chunk).await;
        })
        .await;
        let target = target(LOCKED, address);
        let facts = look(stranger(), &target, key(&target, address)).await;
        assert_eq!(broken(&facts), BrokenKind::Closed, "after {steps} steps");
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_peer_has_its_time() {
    let (address, server) = serve(1, |_, mut stream| async move {
        drip(&mut stream, b"+PONG PONG PONG").await;
        drain(&mut stream).await;
    })
    .await;
    let target = target(OPEN, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(broken(&facts), BrokenKind::Silent);
    server.await.unwrap();
}

#[tokio::test]
async fn a_closed_port_is_a_fact() {
    let (address, server) = serve(0, |_, _| async {}).await;
    server.await.unwrap();
    let target = target(OPEN, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(
        (&facts.end, facts.tcp.state),
        (&RedisEnd::NotOpen, PortState::Closed)
    );
}

#[tokio::test]
async fn the_password_goes_over_trusted_tls_alone() {
    let authority = Authority::new();
    let url = LOCKED.replace("redis:", "rediss:");
    for trusts in [true, false] {
        let acceptor = authority.acceptor();
        let (address, server) = serve(1, move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                let mut stream = acceptor.accept(stream).await.unwrap();
                let parts: &[&[u8]] = &[b"-NOAUTH\r\n", b"+OK\r\n", b"+PONG\r\n"];
                speak(&mut stream, parts).await
            }
        })
        .await;
        let target = target(&url, address);
        let sources = if trusts { authority.trusted() } else { stranger() };
        let facts = look(sources, &target, key(&target, address)).await;
        let heard = server.await.unwrap().remove(0);
        assert_eq!(heard[0], PING);
        let is_trusted =
            matches!(&facts.tls, ChannelTls::Established { trust, .. } if *trust == Trust::Trusted);
        assert_eq!(is_trusted, trusts);
        if trusts {
            assert_eq!(facts.authenticated, Some(RedisReply::Pong));
        } else {
            assert_eq!(facts.end, RedisEnd::CredentialWithheld);
            assert!(
                !heard.concat().windows(4).any(|part| part == b"AUTH"),
                "{heard:?}"
            );
        }
    }
    // A server without TLS on that port.
    let (facts, _) = seen(&url, &[b"-ERR unknown command\r\n"]).await;
    assert_eq!(facts.end, RedisEnd::TlsMissing);
}
