//! Dialogues with servers that keep to them, and with those that do not.

use readiness_core::fact::{Frame, LengthField, Pattern, PortState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::fake::{Authority, drain, drip, endpoint, look, serve, stranger, target},
    *,
};
use crate::dep::ChannelTls;

const PLAIN: &str = "tcp://db.test:{}";

fn line() -> Step {
    Step::Expect(Expect::new(Frame::Line).most_bytes(100))
}

fn packet() -> Step {
    let length = LengthField::new(0, 4, 4).big_endian();
    Step::Expect(Expect::new(Frame::Prefixed(length)))
}

/// Says the first part at once, and each other one after something was heard.
async fn seen(steps: Vec<Step>, parts: &'static [&'static [u8]]) -> (Arc<DialogueFacts>, Vec<u8>) {
    let (address, server) = serve(1, move |_, mut stream| async move {
        let mut heard = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                let mut chunk = [0; 4096];
                let n = stream.read(&mut chunk).await.unwrap_or(0);
                heard.extend_from_slice(&chunk[..n]);
            }
            let _ = stream.write_all(part).await;
        }
        let _ = stream.shutdown().await;
        heard.extend(drain(&mut stream).await);
        heard
    })
    .await;
    let target = target(PLAIN, address);
    let facts = look(
        stranger(),
        &target,
        Dialogue::new(endpoint(&target, address), steps),
    )
    .await;
    (facts, server.await.unwrap().remove(0))
}

fn ends(facts: &DialogueFacts) -> Vec<(&str, &ReplyEnd)> {
    let replies = facts.replies.iter();
    replies
        .map(|reply| (reply.bytes.to_str().unwrap(), &reply.end))
        .collect()
}

#[tokio::test]
async fn each_answer_is_kept() {
    let steps = vec![
        line(),
        Step::send("EHLO {client_name}\r\n"),
        line(),
        Step::send("QUIT\r\n"),
    ];
    let (facts, heard) = seen(steps, &[b"220 here\r\n", b"250 you\r\n"]).await;
    assert_eq!(facts.end, DialogueEnd::Done);
    assert_eq!(
        ends(&facts),
        [
            ("220 here\r\n", &ReplyEnd::Whole),
            ("250 you\r\n", &ReplyEnd::Whole)
        ]
    );
    assert_eq!(heard, b"EHLO [127.0.0.1]\r\nQUIT\r\n");
    assert!(facts.replies.iter().all(|reply| reply.unasked.is_empty()));
    assert_eq!(
        (facts.tcp.state, &facts.tls),
        (PortState::Open, &ChannelTls::NotAsked)
    );
}

#[tokio::test]
async fn it_goes_on_only_after_what_is_accepted() {
    let steps = vec![
        Step::Expect(Expect::new(Frame::Line).accept(Pattern::begins("220"))),
        Step::send("EHLO\r\n"),
        line(),
    ];
    let (facts, heard) = seen(steps, &[b"554 go away\r\n"]).await;
    assert_eq!(facts.end, DialogueEnd::Stopped);
    assert_eq!(ends(&facts), [("554 go away\r\n", &ReplyEnd::Whole)]);
    assert!(heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn what_nobody_asked_for_is_noted_and_stays_for_the_next_answer() {
    let steps = vec![line(), Step::send("a"), line()];
    let (facts, _) = seen(steps, &[b"one\ntwo\n"]).await;
    assert_eq!(
        ends(&facts),
        [("one\n", &ReplyEnd::Whole), ("two\n", &ReplyEnd::Whole)]
    );
    assert_eq!(facts.replies[0].unasked.as_bytes(), b"two\n");
}

#[tokio::test]
async fn how_an_answer_ends_is_told() {
    for (steps, said, bytes, end) in [
        (vec![line()], &b""[..], &b""[..], ReplyEnd::Closed),
        (vec![line()], b"half", b"half", ReplyEnd::Closed),
        (vec![line()], &[b'1'; 200], &[b'1'; 100], ReplyEnd::TooLong),
        (
            vec![packet()],
            b"\xff\xff\xff\xff",
            b"\xff\xff\xff\xff",
            ReplyEnd::TooLong,
        ),
        (vec![packet()], b"\0\0\0\x01!", b"\0\0\0\x01!", ReplyEnd::Whole),
        (vec![packet()], b"\0\0\0\x05!", b"\0\0\0\x05!", ReplyEnd::Closed),
        (
            vec![Step::Expect(Expect::new(Frame::Reply))],
            b"hello\r\n",
            b"hello\r\n",
            ReplyEnd::Malformed("begins with `hello`, which is no reply".to_owned()),
        ),
    ] {
        let (address, server) = serve(1, move |_, mut stream| async move {
            let _ = stream.write_all(said).await;
            let _ = stream.shutdown().await;
            drain(&mut stream).await;
        })
        .await;
        let target = target(PLAIN, address);
        let key = Dialogue::new(endpoint(&target, address), steps);
        let facts = look(stranger(), &target, key).await;
        server.await.unwrap();
        assert_eq!(facts.replies.len(), 1);
        let reply = &facts.replies[0];
        match (&reply.end, &end) {
            // How a whole line too few is told depends on how it was cut into pieces.
            (ReplyEnd::Malformed(_), ReplyEnd::Malformed(_)) => {}
            (found, expected) => assert_eq!(found, expected, "{said:?}"),
        }
        assert_eq!(reply.bytes.as_bytes(), bytes);
    }
}

#[tokio::test]
async fn a_flood_ends() {
    let steps = vec![Step::Expect(
        Expect::new(Frame::Until("\0never\0".into())).most_bytes(10_000_000),
    )];
    let (address, server) = serve(1, |_, mut stream| async move {
        while stream.write_all(&[b'7'; 4096]).await.is_ok() {}
    })
    .await;
    let target = target(PLAIN, address);
    let facts = look(
        stranger(),
        &target,
        Dialogue::new(endpoint(&target, address), steps),
    )
    .await;
    server.await.unwrap();
    assert_eq!(facts.replies[0].end, ReplyEnd::TooLong);
    assert_eq!(facts.replies[0].bytes.len(), Dialogue::MOST_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_byte_a_second_has_its_time() {
    let (address, server) = serve(2, |_, mut stream| async move {
        drip(&mut stream, b"220 abcdefghijklmnop").await;
        drain(&mut stream).await;
    })
    .await;
    let target = target(PLAIN, address);
    for (within, least, most) in [(2_500, 2, 3), (u32::MAX, 5, 7)] {
        let began = tokio::time::Instant::now();
        let steps = vec![Step::Expect(Expect::new(Frame::Line).within_ms(within))];
        let facts = look(
            stranger(),
            &target,
            Dialogue::new(endpoint(&target, address), steps),
        )
        .await;
        assert_eq!(facts.replies[0].end, ReplyEnd::Silent);
        let came = facts.replies[0].bytes.len();
        assert!((least..=most).contains(&came), "{came}");
        assert!(began.elapsed() <= TALK_TIMEOUT + Duration::from_secs(1));
    }
    server.await.unwrap();
}

#[tokio::test]
async fn tls_is_spoken_where_it_is_asked_for() {
    for trusted in [true, false] {
        let authority = Authority::new();
        let acceptor = authority.acceptor();
        let (address, server) = serve(1, move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return Vec::new();
                };
                let _ = stream.write_all(b"hello\n").await;
                let _ = stream.flush().await;
                drain(&mut stream).await
            }
        })
        .await;
        let target = target("tls://db.test:{}", address);
        let key = Dialogue::new(endpoint(&target, address), vec![line(), Step::send("bye\n")]);
        let sources = if trusted { authority.trusted() } else { stranger() };
        let facts = look(sources, &target, key).await;
        assert_eq!(ends(&facts), [("hello\n", &ReplyEnd::Whole)]);
        let ChannelTls::Established { trust, .. } = &facts.tls else {
            panic!("{:?}", facts.tls);
        };
        assert_eq!(*trust == readiness_core::fact::Trust::Trusted, trusted);
        assert_eq!(server.await.unwrap(), [b"bye\n"]);
    }
}

#[tokio::test]
async fn a_peer_without_tls_is_told() {
    let (address, server) = serve(1, |_, mut stream| async move {
        let _ = stream.write_all(b"220 plain\r\n").await;
        let _ = stream.shutdown().await;
        drain(&mut stream).await;
    })
    .await;
    let target = target("tls://db.test:{}", address);
    let facts = look(
        stranger(),
        &target,
        Dialogue::new(endpoint(&target, address), vec![line()]),
    )
    .await;
    assert_eq!(facts.end, DialogueEnd::TlsMissing);
    assert!(matches!(facts.tls, ChannelTls::Failed { .. }), "{:?}", facts.tls);
    server.await.unwrap();
}

#[tokio::test]
async fn a_closed_port_is_a_fact() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let target = target(PLAIN, address);
    let facts = look(
        stranger(),
        &target,
        Dialogue::new(endpoint(&target, address), vec![line()]),
    )
    .await;
    assert_eq!(
        (facts.end, facts.tcp.state),
        (DialogueEnd::NotOpen, PortState::Closed)
    );
}

#[tokio::test]
async fn a_configured_secret_is_not_kept() {
    let (address, server) = serve(1, |_, mut stream| async move {
        let _ = stream.write_all(b"220 s3cr3t-pw\r\n250 s3cr3t-pw\r\n").await;
        drain(&mut stream).await
    })
    .await;
    let target = target("tcp://app:s3cr3t-pw@db.test:{}", address);
    let key = Dialogue::new(endpoint(&target, address), vec![line(), Step::send("bye")]);
    assert!(!serde_json::to_string(&key).unwrap().contains("s3cr3t"));
    let facts = look(stranger(), &target, key).await;
    assert_eq!(facts.replies[0].bytes.as_bytes(), b"220 [redacted]\r\n");
    assert_eq!(facts.replies[0].unasked.as_bytes(), b"250 [redacted]\r\n");
    assert_eq!(server.await.unwrap(), [b"bye"], "nothing of it is sent");
}
