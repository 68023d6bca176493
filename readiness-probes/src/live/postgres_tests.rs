//! The session with servers that keep to the protocol, and with those that do not.

use postgres_protocol::authentication::md5_hash;
use readiness_core::{Target, fact::PortState};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    super::fake::{Authority, drain, drip, endpoint, look, serve, stranger, target},
    *,
};

const URL: &str = "postgres://shopkeeper:s3cr3t-pw@db.test:{}/shop";

fn key(target: &Target, address: std::net::SocketAddr, tls: TlsUse) -> PostgresSession {
    PostgresSession::new(
        endpoint(target, address),
        target.origin(),
        tls,
        target.credential(),
        "shop",
    )
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![tag];
    message.extend((body.len() as u32 + 4).to_be_bytes());
    message.extend(body);
    message
}

fn auth(kind: u32, rest: &[u8]) -> Vec<u8> {
    let mut body = kind.to_be_bytes().to_vec();
    body.extend(rest);
    message(b'R', &body)
}

fn error(sqlstate: &str, text: &str) -> Vec<u8> {
    message(b'E', format!("SFATAL\0C{sqlstate}\0M{text}\0\0").as_bytes())
}

/// The answers after a log-in that was accepted.
fn welcome() -> Vec<u8> {
    [
        auth(0, b""),
        message(b'S', b"server_version\x0017.2 (Test)\0"),
        message(b'K', &[0; 8]),
        message(b'Z', b"I"),
    ]
    .concat()
}

fn one(value: &[u8]) -> Vec<u8> {
    let row = [
        &1_u16.to_be_bytes()[..],
        &(value.len() as u32).to_be_bytes(),
        value,
    ]
    .concat();
    [
        message(b'D', &row),
        message(b'C', b"SELECT 1\0"),
        message(b'Z', b"I"),
    ]
    .concat()
}

async fn read_some(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut chunk = [0; 4096];
    let n = stream.read(&mut chunk).await.unwrap_or(0);
    chunk[..n].to_vec()
}

/// Each part is sent after something was read; then what still comes is read to its end.
async fn speak<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S, parts: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    for part in parts {
        heard.push(read_some(stream).await);
        if stream.write_all(part).await.is_err() || stream.flush().await.is_err() {
            break;
        }
    }
    heard.push(drain(stream).await);
    heard
}

/// What is seen of a server that declines TLS and then says these parts, and what it heard.
async fn seen(url: &str, parts: Vec<Vec<u8>>) -> (Arc<PostgresFacts>, Vec<Vec<u8>>) {
    let script = [vec![b"N".to_vec()], parts].concat();
    raw(url, TlsUse::Prefer, script).await
}

async fn raw(url: &str, tls: TlsUse, script: Vec<Vec<u8>>) -> (Arc<PostgresFacts>, Vec<Vec<u8>>) {
    let (address, server) = serve(1, move |_, mut stream| {
        let script = script.clone();
        async move { speak(&mut stream, &script).await }
    })
    .await;
    let target = target(url, address);
    let facts = look(stranger(), &target, key(&target, address, tls)).await;
    (facts, server.await.unwrap().remove(0))
}

fn broken(facts: &PostgresFacts) -> (BrokenKind, &str) {
    match &facts.end {
        PostgresEnd::Broken(broken) => (broken.kind, &broken.message),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_trusting_server_lets_everybody_in() {
    let (facts, heard) = seen("postgres://db.test:{}", vec![welcome(), one(b"1")]).await;
    assert_eq!(facts.end, PostgresEnd::Answered);
    assert_eq!(
        (&facts.auth, &facts.tls),
        (&AuthMethod::Nothing, &ChannelTls::Declined)
    );
    assert_eq!(facts.server_version, "17.2 (Test)");
    assert!(facts.logged_in);
    assert_eq!(heard[0], [0, 0, 0, 8, 4, 210, 22, 47]);
    let start = String::from_utf8_lossy(&heard[1]).into_owned();
    assert!(
        start.contains("user\0postgres\0") && start.contains("database\0shop\0"),
        "{start}"
    );
    assert_eq!(heard[2], b"Q\0\0\0\x0dSELECT 1\0");
    assert_eq!(heard[3], b"X\0\0\0\x04", "the session is left in order");
}

#[tokio::test]
async fn passwords_go_as_they_are_asked_for() {
    let parts = vec![auth(3, b""), welcome(), one(b"1")];
    let (facts, heard) = seen(URL, parts).await;
    assert_eq!(
        (&facts.end, &facts.auth),
        (&PostgresEnd::Answered, &AuthMethod::Cleartext)
    );
    assert_eq!(heard[2], message(b'p', b"s3cr3t-pw\0"));

    let parts = vec![auth(5, b"salt"), welcome(), one(b"1")];
    let (facts, heard) = seen(URL, parts).await;
    assert_eq!(
        (&facts.end, &facts.auth),
        (&PostgresEnd::Answered, &AuthMethod::Md5)
    );
    let hash = md5_hash(b"shopkeeper", b"s3cr3t-pw", *b"salt");
    assert_eq!(heard[2], message(b'p', format!("{hash}\0").as_bytes()));
}

#[tokio::test]
async fn a_server_must_prove_that_it_knows_the_password() {
    let (facts, heard) = seen(URL, vec![auth(10, b"SCRAM-SHA-256\0\0"), welcome()]).await;
    assert_eq!(broken(&facts).0, BrokenKind::Garbage);
    assert!(!facts.logged_in);
    assert!(String::from_utf8_lossy(&heard[2]).contains("n,,n=,r="));

    // It repeats the nonce, and signs with something else.
    let (address, server) = serve(1, |_, mut stream| async move {
        let mut heard = speak_until_nonce(&mut stream).await;
        let first = format!("r={}more,s=c2FsdA==,i=4096", heard.pop().unwrap());
        stream.write_all(&auth(11, first.as_bytes())).await.unwrap();
        read_some(&mut stream).await;
        stream.write_all(&auth(12, b"v=AAAA")).await.unwrap();
        drain(&mut stream).await
    })
    .await;
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address, TlsUse::Prefer)).await;
    assert!(broken(&facts).1.contains("could not prove"), "{facts:?}");
    assert!(
        server.await.unwrap()[0].is_empty(),
        "nothing is said to an impostor"
    );
}

async fn speak_until_nonce(stream: &mut TcpStream) -> Vec<String> {
    read_some(stream).await;
    stream.write_all(b"N").await.unwrap();
    read_some(stream).await;
    stream.write_all(&auth(10, b"SCRAM-SHA-256\0\0")).await.unwrap();
    let said = String::from_utf8_lossy(&read_some(stream).await).into_owned();
    vec![said.split("r=").nth(1).unwrap().to_owned()]
}

#[tokio::test]
async fn refusals_are_kept_without_secrets() {
    let text = "password authentication failed for user \"shopkeeper\" (s3cr3t-pw)";
    let (facts, _) = seen(URL, vec![auth(3, b""), error("28P01", text)]).await;
    let PostgresEnd::Error(refusal) = &facts.end else {
        panic!("{facts:?}")
    };
    assert_eq!(refusal.code, "28P01");
    assert_eq!(
        refusal.message,
        "password authentication failed for user \"[redacted]\" ([redacted])"
    );
    let json = serde_json::to_string(&*facts).unwrap();
    assert!(!json.contains("s3cr3t") && !json.contains("shopkeeper"), "{json}");

    let starting = error("57P03", "the database system is starting up");
    let expected = PostgresEnd::Error(ServerError::new("57P03", "the database system is starting up"));
    let (facts, _) = seen(URL, vec![starting.clone()]).await;
    assert_eq!(facts.end, expected);
    // Some say it before they know of TLS.
    for tls in [TlsUse::Prefer, TlsUse::Require] {
        let (facts, _) = raw(URL, tls, vec![starting.clone()]).await;
        assert_eq!(facts.end, expected);
    }
    // And some when it is too late.
    let late = error("57P01", "terminating connection");
    let (facts, _) = seen(URL, vec![welcome(), late]).await;
    assert!(matches!(facts.end, PostgresEnd::Error(_)) && facts.logged_in);
}

#[tokio::test]
async fn what_is_asked_and_not_there_is_told() {
    for url in ["postgres://db.test:{}", "postgres://app@db.test:{}"] {
        let (facts, _) = seen(url, vec![auth(3, b"")]).await;
        assert_eq!(facts.end, PostgresEnd::CredentialMissing);
    }
    for (method, name) in [
        (auth(7, b""), "GSSAPI"),
        (auth(9, b""), "SSPI"),
        (auth(10, b"OTHER\0\0"), "SASL without SCRAM-SHA-256"),
    ] {
        let (facts, _) = seen(URL, vec![method]).await;
        assert_eq!(facts.end, PostgresEnd::MethodUnknown);
        assert_eq!(facts.auth, AuthMethod::Other(name.to_owned()));
    }
    let (facts, heard) = raw(URL, TlsUse::Require, vec![b"N".to_vec()]).await;
    assert_eq!(
        (&facts.end, &facts.tls),
        (&PostgresEnd::TlsMissing, &ChannelTls::Declined)
    );
    assert_eq!(heard[1], b"", "nothing is sent in the clear");
    let (facts, heard) = raw(URL, TlsUse::Disable, vec![welcome(), one(b"1")]).await;
    assert_eq!(
        (&facts.end, &facts.tls),
        (&PostgresEnd::Answered, &ChannelTls::NotAsked)
    );
    assert!(heard[0].len() > 8, "TLS is not asked for");
}

#[tokio::test]
async fn other_protocols_and_lies_end_it() {
    let http = b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec();
    let (facts, _) = raw(URL, TlsUse::Prefer, vec![http.clone()]).await;
    assert_eq!(
        broken(&facts),
        (
            BrokenKind::Garbage,
            "it answered the request for TLS with the byte 0x48, expected `S` or `N`"
        )
    );
    let long = [&b"R"[..], &0x7fff_ffff_u32.to_be_bytes(), b"\0\0\0\0"].concat();
    let short = b"R\0\0\0\x01\0\0\0\0".to_vec();
    let negative = b"R\xff\xff\xff\xff\0\0\0\0".to_vec();
    let wrong_one = one(b"2");
    let null = message(b'D', &[0, 1, 0xff, 0xff, 0xff, 0xff]);
    for parts in [
        vec![http],
        vec![long],
        vec![short],
        vec![negative],
        vec![auth(99, b"")],
        vec![auth(12, b"v=AAAA")],
        vec![auth(11, b"r=x")],
        vec![message(b'Z', b"I")],
        vec![auth(3, b""), auth(3, b"")],
        vec![welcome(), wrong_one],
        vec![welcome(), [null, message(b'Z', b"I")].concat()],
        vec![welcome(), message(b'Z', b"I")],
        vec![welcome(), auth(0, b"")],
    ] {
        let (facts, _) = seen(URL, parts.clone()).await;
        assert_eq!(broken(&facts).0, BrokenKind::Garbage, "{parts:?}");
    }
}

#[tokio::test]
async fn an_endless_peer_is_cut_off() {
    let notice = message(b'N', format!("M{}\0\0", "x".repeat(8_000)).as_bytes());
    let (facts, _) = seen(URL, vec![notice.repeat(20)]).await;
    assert_eq!(broken(&facts).0, BrokenKind::TooMuch);
}

#[tokio::test]
async fn a_peer_that_hangs_up_is_told_at_every_step() {
    let script = [b"N".to_vec(), auth(3, b""), welcome()];
    for steps in 0..=script.len() {
        let script = script[..steps].to_vec();
        let (address, server) = serve(1, move |_, mut stream| {
            let script = script.clone();
            async move {
                for part in script {
                    read_some(&mut stream).await;
                    stream.write_all(&part).await.unwrap();
                }
                read_some(&mut stream).await;
            }
        })
        .await;
        let target = target(URL, address);
        let facts = look(stranger(), &target, key(&target, address, TlsUse::Prefer)).await;
        assert_eq!(broken(&facts).0, BrokenKind::Closed, "after {steps} steps");
        server.await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_or_slow_peer_has_its_time() {
    for bytes in [&b""[..], b"NR\0\0\0\x08\0\0\0\0R\0\0\0\x08\0\0\0\0"] {
        let (address, server) = serve(1, move |_, mut stream| async move {
            drip(&mut stream, bytes).await;
            drain(&mut stream).await;
        })
        .await;
        let target = target(URL, address);
        let began = tokio::time::Instant::now();
        let facts = look(stranger(), &target, key(&target, address, TlsUse::Prefer)).await;
        assert_eq!(broken(&facts).0, BrokenKind::Silent);
        assert!(began.elapsed() <= std::time::Duration::from_secs(7));
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_closed_port_is_a_fact() {
    let (address, server) = serve(0, |_, _| async {}).await;
    server.await.unwrap();
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address, TlsUse::Prefer)).await;
    assert_eq!(
        (&facts.end, facts.tcp.state),
        (&PostgresEnd::NotOpen, PortState::Closed)
    );
}

/// A server that speaks TLS where it is asked for, and asks for the password in the clear.
async fn tls_server(
    authority: &Authority,
    connections: usize,
) -> (std::net::SocketAddr, tokio::task::JoinHandle<Vec<Vec<Vec<u8>>>>) {
    let acceptor = authority.acceptor();
    serve(connections, move |_, mut stream| {
        let acceptor = acceptor.clone();
        async move {
            let script = [auth(3, b""), welcome(), one(b"1")];
            let first = read_some(&mut stream).await;
            if first.len() != 8 {
                stream.write_all(&script[0]).await.unwrap();
                return speak(&mut stream, &script[1..]).await;
            }
            stream.write_all(b"S").await.unwrap();
            match acceptor.accept(stream).await {
                Ok(mut stream) => speak(&mut stream, &script).await,
                Err(_) => Vec::new(),
            }
        }
    })
    .await
}

#[tokio::test]
async fn the_password_goes_over_trusted_tls() {
    let authority = Authority::new();
    let (address, server) = tls_server(&authority, 1).await;
    let target = target(URL, address);
    let facts = look(
        authority.trusted(),
        &target,
        key(&target, address, TlsUse::Require),
    )
    .await;
    assert_eq!(facts.end, PostgresEnd::Answered);
    let trust = Trust::Trusted;
    let version = "TLSv1.3".to_owned();
    assert_eq!(facts.tls, ChannelTls::Established { version, trust });
    let heard = server.await.unwrap().remove(0);
    assert_eq!(heard[1], message(b'p', b"s3cr3t-pw\0"));
}

#[tokio::test]
async fn nothing_of_a_log_in_goes_to_a_server_that_may_be_anybody() {
    let authority = Authority::new();
    let (address, server) = tls_server(&authority, 1).await;
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address, TlsUse::Require)).await;
    assert_eq!(facts.end, PostgresEnd::CredentialWithheld);
    let heard = server.await.unwrap().remove(0).concat();
    assert!(heard.is_empty(), "{heard:?}");
}

#[tokio::test]
async fn over_loopback_an_untrusted_certificate_is_done_without() {
    let authority = Authority::new();
    let (address, server) = tls_server(&authority, 2).await;
    let target = target(URL, address);
    let facts = look(stranger(), &target, key(&target, address, TlsUse::Prefer)).await;
    assert_eq!(facts.end, PostgresEnd::Answered);
    assert!(matches!(facts.tls, ChannelTls::Forgone { .. }), "{facts:?}");
    let heard = server.await.unwrap();
    assert!(heard[0].concat().is_empty());
    assert_eq!(heard[1][0], message(b'p', b"s3cr3t-pw\0"));
}
