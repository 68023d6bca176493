//! The talk with servers that speak gRPC, and with those that do not.

use std::{net::SocketAddr, pin::Pin};

use futures_util::{Stream, stream};
use http_body_util::StreamBody;
use hyper::{body::Frame, server::conn::http2, service::service_fn};
use hyper_util::rt::TokioExecutor;
use readiness_core::{
    Target,
    fact::{PortState, Trust},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{
    super::fake::{Authority, endpoint, look, serve, stranger, target},
    *,
};

const PLAIN: &str = "http://db.test:{}";
const SECURE: &str = "https://db.test:{}";

type Body = StreamBody<Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> + Send>>>;

/// What a server answers: head, body in parts, trailers.
#[derive(Clone, Default)]
struct Says {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    parts: Vec<Vec<u8>>,
    trailers: Vec<(&'static str, &'static str)>,
    hangs: bool,
}

impl Says {
    /// A message with these bytes, and OK.
    fn message(bytes: &[u8]) -> Self {
        Self {
            status: 200,
            headers: vec![("content-type", "application/grpc")],
            parts: vec![wire::framed(bytes)],
            trailers: vec![("grpc-status", "0")],
            hangs: false,
        }
    }

    fn response(&self) -> Response<Body> {
        let mut frames: Vec<Frame<Bytes>> = self
            .parts
            .iter()
            .map(|part| Frame::data(Bytes::from(part.clone())))
            .collect();
        if !self.trailers.is_empty() {
            let mut trailers = HeaderMap::new();
            for (name, value) in &self.trailers {
                trailers.insert(*name, HeaderValue::from_static(value));
            }
            frames.push(Frame::trailers(trailers));
        }
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, *value);
        }
        let frames = stream::iter(frames.into_iter().map(Ok));
        let frames: Pin<Box<dyn Stream<Item = _> + Send>> = if self.hangs {
            Box::pin(futures_util::StreamExt::chain(frames, stream::pending()))
        } else {
            Box::pin(frames)
        };
        response.body(StreamBody::new(frames)).unwrap()
    }
}

/// What a server heard: path, head and body of each request.
type Heard = Arc<Mutex<Vec<(String, HeaderMap, Vec<u8>)>>>;

/// Speaks gRPC over a connection until it ends.
async fn answer<S>(stream: S, says: Says, heard: Heard)
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let service = service_fn(move |request: Request<Incoming>| {
        let (says, heard) = (says.clone(), Arc::clone(&heard));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes().to_vec();
            heard
                .lock()
                .unwrap()
                .push((head.uri.to_string(), head.headers, body));
            Ok::<_, hyper::Error>(says.response())
        }
    });
    // The client closes when it has heard enough.
    let _ = http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

fn key(target: &Target, address: SocketAddr) -> GrpcHealthCheck {
    GrpcHealthCheck::new(endpoint(target, address), "db.test:1", target.origin())
        .credential(target.credential())
}

async fn seen(says: Says) -> Arc<GrpcHealthFacts> {
    let (address, _server) = serve(1, move |_, stream| answer(stream, says.clone(), Heard::default())).await;
    let target = target(PLAIN, address);
    look(stranger(), &target, key(&target, address)).await
}

/// The answer to the one `Check`.
async fn one(says: Says) -> GrpcAnswer {
    let facts = seen(says).await;
    assert_eq!(facts.end, GrpcEnd::Done, "{facts:?}");
    facts.checks[0].clone()
}

#[tokio::test]
async fn a_call_is_as_the_protocol_has_it() {
    let heard = Heard::default();
    let kept = Arc::clone(&heard);
    let (address, _server) = serve(1, move |_, stream| {
        answer(stream, Says::message(b"\x08\x01"), Arc::clone(&kept))
    })
    .await;
    let target = target(PLAIN, address);
    let key = key(&target, address).asking(vec![String::new(), "orders".to_owned()], false);
    let facts = look(stranger(), &target, key).await;
    assert_eq!((&facts.end, facts.tcp.state), (&GrpcEnd::Done, PortState::Open));
    let replies: Vec<_> = facts
        .checks
        .iter()
        .map(|answer| (answer.code, &answer.reply))
        .collect();
    assert_eq!(
        replies,
        [(Some(0), &GrpcReply::Status(1)), (Some(0), &GrpcReply::Status(1))]
    );
    let mut heard = heard.lock().unwrap().clone();
    heard.sort_by_key(|(_, _, body)| body.len());
    assert_eq!(heard[0].2, [0; 5]);
    assert_eq!(heard[1].2, b"\0\0\0\0\x08\x0a\x06orders");
    let (uri, headers, _) = &heard[0];
    assert_eq!(uri, "http://db.test:1/grpc.health.v1.Health/Check");
    assert_eq!(headers["te"], "trailers");
    assert_eq!(headers["content-type"], "application/grpc");
    assert_eq!(headers["grpc-timeout"], "4S");
    assert!(!headers.contains_key("authorization"));
}

#[tokio::test]
async fn statuses_come_in_trailers_or_in_the_head_alone() {
    let not_found = Says {
        trailers: vec![("grpc-status", "5"), ("grpc-message", "no%20such%20%E2%9C%93")],
        parts: Vec::new(),
        ..Says::message(b"")
    };
    let answer = one(not_found).await;
    assert_eq!((answer.code, &*answer.message), (Some(5), "no such \u{2713}"));
    assert_eq!(answer.reply, GrpcReply::Nothing);
    let only_head = Says {
        headers: vec![("content-type", "application/grpc"), ("grpc-status", "12")],
        parts: Vec::new(),
        trailers: Vec::new(),
        ..Says::message(b"")
    };
    assert_eq!(one(only_head).await.code, Some(12));
    // Trailers have the last word.
    let both = Says {
        headers: vec![("content-type", "application/grpc"), ("grpc-status", "0")],
        trailers: vec![("grpc-status", "13")],
        ..Says::message(b"\x08\x01")
    };
    assert_eq!(one(both).await.code, Some(13));
}

#[tokio::test]
async fn bodies_that_break_the_rules_are_told() {
    let body = |parts: &[&[u8]]| Says {
        parts: parts.iter().map(|part| part.to_vec()).collect(),
        ..Says::message(b"")
    };
    for (says, expected) in [
        (Says::message(b""), Ok(0)),
        (Says::message(b"\x08\x02"), Ok(2)),
        (body(&[b"\0\0\0", b"\0\x02\x08", b"\x01"]), Ok(1)),
        (body(&[b"\x01\0\0\0\x02\x08\x01"]), Err("compressed")),
        (body(&[b"\0\0\0\0\x09\x08\x01"]), Err("announced with 9")),
        (
            body(&[b"\0\0\0\0\x02\x08\x01\0\0\0\0\x02\x08\x01"]),
            Err("more than one"),
        ),
        (body(&[b"\0\0\0\0\x01\x08"]), Err("middle of a number")),
    ] {
        let answer = one(says).await;
        match (answer.reply, expected) {
            (GrpcReply::Status(found), Ok(expected)) => assert_eq!(found, expected),
            (GrpcReply::Malformed(found), Err(part)) => assert!(found.contains(part), "{found}"),
            other => panic!("{other:?}"),
        }
    }
    let facts = seen(body(&[&vec![0; 70_000]])).await;
    let GrpcEnd::Broken(how) = &facts.end else {
        panic!("{facts:?}")
    };
    assert_eq!(how.kind, BrokenKind::TooMuch);
}

#[tokio::test]
async fn a_page_of_a_web_server_is_an_answer_of_its_own() {
    let page = Says {
        status: 404,
        headers: vec![("content-type", "text/html")],
        parts: vec![b"<html>nothing here</html>".to_vec()],
        trailers: Vec::new(),
        hangs: false,
    };
    let answer = one(page).await;
    assert_eq!((answer.http_status, answer.code), (404, None));
    assert_eq!(answer.content_type, "text/html");
}

#[tokio::test]
async fn a_list_is_read_beside_the_checks() {
    let (address, _server) = serve(1, move |_, stream| {
        answer(
            stream,
            Says::message(b"\x0a\x06\x0a\x00\x12\x02\x08\x01"),
            Heard::default(),
        )
    })
    .await;
    let target = target(PLAIN, address);
    let key = key(&target, address).asking(Vec::new(), true);
    let facts = look(stranger(), &target, key).await;
    let list = facts.list.clone().unwrap();
    assert_eq!(list.reply, GrpcReply::List([(String::new(), 1)].into()));
}

#[tokio::test]
async fn peers_of_another_kind_have_their_names() {
    for (bytes, kind) in [
        (
            &b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"[..],
            BrokenKind::Garbage,
        ),
        (b"", BrokenKind::Closed),
        (b"-ERR unknown command 'PRI'\r\n", BrokenKind::Garbage),
    ] {
        let (address, _server) = serve(1, move |_, mut stream| async move {
            let mut preface = [0; 24];
            let _ = stream.read_exact(&mut preface).await;
            let _ = stream.write_all(bytes).await;
        })
        .await;
        let target = target(PLAIN, address);
        let facts = look(stranger(), &target, key(&target, address)).await;
        let GrpcEnd::Broken(how) = &facts.end else {
            panic!("{facts:?}")
        };
        assert_eq!(how.kind, kind, "{how:?}");
    }
    // Nobody listens any more.
    let (address, server) = serve(0, |_, _| async {}).await;
    server.await.unwrap();
    let target = target(PLAIN, address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(
        (&facts.end, facts.tcp.state),
        (&GrpcEnd::NotOpen, PortState::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_without_an_end_is_cut_off() {
    let hangs = Says {
        hangs: true,
        trailers: Vec::new(),
        ..Says::message(b"\x08\x01")
    };
    let answer = one(hangs).await;
    let GrpcReply::Broken(how) = &answer.reply else {
        panic!("{answer:?}")
    };
    assert_eq!(how.kind, BrokenKind::Silent);
}

#[tokio::test]
async fn over_tls_both_agree_on_http2() {
    let authority = Authority::new();
    for (alpn, end) in [(&b"h2"[..], GrpcEnd::Done), (b"", GrpcEnd::NoHttp2)] {
        let acceptor = authority.acceptor_for(alpn);
        let (address, _server) = serve(1, move |_, stream| {
            let acceptor = acceptor.clone();
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, Says::message(b"\x08\x01"), Heard::default()).await;
                }
            }
        })
        .await;
        let target = target(SECURE, address);
        let facts = look(authority.trusted(), &target, key(&target, address)).await;
        assert_eq!(facts.end, end);
        assert!(matches!(
            facts.tls,
            ChannelTls::Established {
                trust: Trust::Trusted,
                ..
            }
        ));
    }
}

#[tokio::test]
async fn a_credential_goes_to_a_trusted_server_alone() {
    let authority = Authority::new();
    for (sources, sent) in [(authority.trusted(), true), (stranger(), false)] {
        let heard = Heard::default();
        let kept = Arc::clone(&heard);
        let acceptor = authority.acceptor_for(b"h2");
        let (address, _server) = serve(1, move |_, stream| {
            let (acceptor, kept) = (acceptor.clone(), Arc::clone(&kept));
            async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    answer(stream, Says::message(b"\x08\x01"), kept).await;
                }
            }
        })
        .await;
        let target = target("https://probe:s3cr3t-pw@db.test:{}", address);
        let facts = look(sources, &target, key(&target, address)).await;
        let heard = heard.lock().unwrap();
        if sent {
            assert_eq!(facts.end, GrpcEnd::Done);
            assert!(
                heard[0].1["authorization"]
                    .to_str()
                    .unwrap()
                    .starts_with("Basic ")
            );
        } else {
            assert_eq!((&facts.end, heard.len()), (&GrpcEnd::CredentialWithheld, 0));
        }
        assert!(!serde_json::to_string(&*facts).unwrap().contains("s3cr3t"));
    }
}

#[tokio::test]
async fn an_echo_of_the_credential_is_not_kept() {
    let says = Says {
        trailers: vec![("grpc-status", "16"), ("grpc-message", "bad s3cr3t%2Dpw")],
        parts: Vec::new(),
        ..Says::message(b"")
    };
    let (address, _server) = serve(1, move |_, stream| answer(stream, says.clone(), Heard::default())).await;
    let target = target("http://probe:s3cr3t-pw@db.test:{}", address);
    let facts = look(stranger(), &target, key(&target, address)).await;
    assert_eq!(facts.checks[0].message, "bad [redacted]");
}
