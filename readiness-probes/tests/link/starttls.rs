//! Servers that change to TLS on their own port: each speaks its dialogue, then rustls.

use readiness_core::fact::StartTls;
use readiness_probes::builtin;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio_rustls::TlsAcceptor;

use super::*;

/// What a fake server says, line by line or byte by byte.
#[derive(Clone, Copy)]
enum Fake {
    /// Says the first at once, and the next ones after a line each.
    Lines(&'static [&'static str]),
    Mysql,
    /// Answers the request for TLS with these bytes.
    Postgres(&'static [u8]),
}

impl Fake {
    /// Whether TLS comes next.
    async fn lead(self, stream: &mut TcpStream) -> bool {
        match self {
            Self::Lines(lines) => {
                let mut stream = BufReader::new(stream);
                for (i, line) in lines.iter().enumerate() {
                    let mut asked = String::new();
                    if i > 0 && stream.read_line(&mut asked).await.is_err() {
                        return false;
                    }
                    if stream.get_mut().write_all(line.as_bytes()).await.is_err() {
                        return false;
                    }
                }
                true
            }
            Self::Mysql => {
                // Protocol 10, a version, the connection's number, eight bytes of challenge, a zero, and the
                // capabilities with CLIENT_SSL.
                let mut greeting = b"\x2c\0\0\0\x0a8.0.36\0\x07\0\0\0challeng\0\xff\xff".to_vec();
                greeting.resize(48, 0);
                let mut ask = [0; 36];
                stream.write_all(&greeting).await.is_ok()
                    && stream.read_exact(&mut ask).await.is_ok()
                    && ask[..6] == *b"\x20\0\0\x01\0\x8a"
            }
            Self::Postgres(answer) => {
                let mut ask = [0; 8];
                stream.read_exact(&mut ask).await.is_ok()
                    && ask == *b"\0\0\0\x08\x04\xd2\x16\x2f"
                    && stream.write_all(answer).await.is_ok()
            }
        }
    }
}

async fn serve(fake: Fake, config: rustls::ServerConfig) -> Peer {
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Peer::raw(move |mut stream| {
        let acceptor = acceptor.clone();
        async move {
            if fake.lead(&mut stream).await {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let _ = stream.read(&mut [0; 64]).await;
                }
            } else {
                let _ = stream.read(&mut [0; 64]).await;
            }
        }
    })
    .await
}

fn plain(peer: &Peer) -> Endpoint {
    Endpoint::new(peer.address, NAME, false)
}

const SMTP: &[&str] = &["220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n"];
const IMAP: &[&str] = &["* OK hi\r\n", "a1 OK go\r\n"];
const POP3: &[&str] = &["+OK hi\r\n", "+OK go\r\n"];

/// A protocol, its server, and a server of it that declines.
const PROTOCOLS: [(&str, Fake, Fake); 5] = [
    (
        "smtp",
        Fake::Lines(SMTP),
        Fake::Lines(&["220 mx\r\n", "250 mx\r\n"]),
    ),
    (
        "imap",
        Fake::Lines(IMAP),
        Fake::Lines(&["* OK hi\r\n", "a1 BAD no\r\n"]),
    ),
    (
        "pop3",
        Fake::Lines(POP3),
        Fake::Lines(&["+OK hi\r\n", "-ERR no\r\n"]),
    ),
    (
        "mysql",
        Fake::Mysql,
        Fake::Lines(&["\u{e}\0\0\0\u{a}8.0.36\0\u{7}\0\0\0no"]),
    ),
    ("postgres", Fake::Postgres(b"S"), Fake::Postgres(b"N")),
];

/// What a probe says of a server, with the connections it took.
async fn judged(
    id: &str,
    scheme: &str,
    settings: serde_json::Value,
    peer: &Peer,
    live: &Live,
) -> (Outcome, usize) {
    let target = Target::parse(&format!("{scheme}://{NAME}:{}", peer.address.port())).unwrap();
    let probe = builtin::registry().build(id, &settings).unwrap();
    let sources = live.clone().resolve(NAME, peer.address.ip()).sources().unwrap();
    let suite = Suite::new(sources).with(Requirement::new(probe, target)).unwrap();
    let report = suite.run().await;
    (report.results[0].targets[0].outcome.clone(), peer.connections())
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    let faults = outcome.findings.iter().filter(|finding| !finding.is_note());
    faults.map(|finding| finding.code.as_str()).collect()
}

#[tokio::test]
async fn certificates_are_judged_behind_each_dialogue() {
    let ca = Authority::new();
    let own = ca.issue(&[NAME], |_| {});
    for (scheme, good, declining) in PROTOCOLS {
        let peer = serve(good, own.server("never-agreed")).await;
        let (outcome, connections) = judged("tls.protocol", scheme, json!({}), &peer, &live(&ca)).await;
        assert!(outcome.status.is_pass(), "{scheme}: {outcome:?}");
        assert_eq!(connections, 1, "{scheme}");
        let (outcome, _) = judged("tls.certificate", scheme, json!({}), &peer, &live(&ca)).await;
        assert!(outcome.status.is_pass(), "{scheme}: {outcome:?}");
        let (outcome, _) = judged("tls.certificate", scheme, json!({}), &peer, &Live::new()).await;
        assert!(
            outcome.status.is_fail() || !codes(&outcome).is_empty(),
            "{scheme}: {outcome:?}"
        );
        // The same, said by the settings.
        let settings = json!({ "starttls": scheme });
        let (outcome, _) = judged("tls.certificate", "tcp", settings, &peer, &live(&ca)).await;
        assert!(outcome.status.is_pass(), "{scheme}: {outcome:?}");
        let peer = serve(declining, own.server("never-agreed")).await;
        for id in ["tls.certificate", "tls.protocol"] {
            let (outcome, _) = judged(id, scheme, json!({}), &peer, &live(&ca)).await;
            assert!(outcome.status.is_fail(), "{scheme}: {outcome:?}");
            assert_eq!(codes(&outcome), ["starttls_declined"], "{scheme}");
        }
    }
}

#[tokio::test]
async fn expired_certificates_are_named_behind_a_dialogue() {
    let ca = Authority::new();
    let expired = ca.issue(&[NAME], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 3, 1);
    });
    let peer = serve(Fake::Lines(POP3), expired.server("x")).await;
    let (outcome, _) = judged("tls.certificate", "pop3", json!({}), &peer, &live(&ca)).await;
    assert!(outcome.status.is_fail());
    assert!(codes(&outcome).contains(&"expired"), "{outcome:?}");
}

#[tokio::test]
async fn plain_text_put_in_before_tls_is_named_and_never_given_to_tls() {
    let ca = Authority::new();
    let own = ca.issue(&[NAME], |_| {});
    for (scheme, fake) in [
        (
            "smtp",
            Fake::Lines(&[
                "220 mx\r\n",
                "250-mx\r\n250 STARTTLS\r\n",
                "220 go\r\n250 evil\r\n",
            ]),
        ),
        (
            "imap",
            Fake::Lines(&["* OK hi\r\n", "a1 OK go\r\n* 1 EXISTS\r\n"]),
        ),
        ("pop3", Fake::Lines(&["+OK hi\r\n", "+OK go\r\n+OK evil\r\n"])),
        ("postgres", Fake::Postgres(b"SE\0\0\0\x08evil")),
    ] {
        let peer = serve(fake, own.server("x")).await;
        let (outcome, _) = judged("tls.certificate", scheme, json!({}), &peer, &live(&ca)).await;
        assert!(outcome.status.is_fail(), "{scheme}: {outcome:?}");
        assert_eq!(codes(&outcome), ["starttls_injected"], "{scheme}");
    }
}

#[tokio::test]
async fn a_peer_that_agrees_and_goes_on_in_plain_text_is_told() {
    let peer = Peer::raw(|mut stream| async move {
        if Fake::Lines(POP3).lead(&mut stream).await {
            let _ = stream.read(&mut [0; 999]).await;
            let _ = stream.write_all(b"-ERR what?\r\n").await;
        }
    })
    .await;
    let looks = looks(&Live::new());
    let key = TlsHandshake::new(plain(&peer)).starttls(Some(StartTls::pop3()));
    let facts = looks.observe(key).await.unwrap();
    let (reason, message) = refused(&facts);
    assert_eq!(*reason, Reason::TLS_NOT_TLS);
    assert_eq!(message, "the peer agreed to TLS, and then sent something else");
}

#[tokio::test]
async fn a_dialogue_shares_its_connection_with_itself_alone() {
    let ca = Authority::new();
    let peer = serve(Fake::Lines(SMTP), ca.issue(&[NAME], |_| {}).server("x")).await;
    let looks = looks(&live(&ca));
    let key = || TlsHandshake::new(plain(&peer)).starttls(Some(StartTls::smtp()));
    let (first, again) = join(looks.observe(key()), looks.observe(key())).await;
    assert!(matches!(first.unwrap().end, TlsEnd::Established(_)));
    assert!(again.unwrap().starttls_us > 0);
    assert_eq!(peer.connections(), 1);
    // Another script is another look, and both kinds of beginning exclude each other.
    let named = StartTls::smtp().with_client_name("probe.example.com").unwrap();
    let other = TlsHandshake::new(plain(&peer)).starttls(Some(named));
    looks.observe(other).await.unwrap();
    assert_eq!(peer.connections(), 2);
    for key in [
        TlsHandshake::new(plain(&peer)),
        TlsHandshake::new(https(&peer)).starttls(Some(StartTls::smtp())),
    ] {
        assert_eq!(looks.observe(key).await.unwrap_err().reason, Reason::ERROR);
    }
    assert_eq!(peer.connections(), 2);
}

#[tokio::test]
async fn a_silent_server_is_unknown_and_says_where_it_stopped() {
    let peer = Peer::raw(|mut stream| async move {
        let _ = stream.write_all(b"220-mx.example.com be patient\r\n").await;
        let _ = stream.read(&mut [0; 64]).await;
        std::future::pending::<()>().await;
    })
    .await;
    let script = json!({ "name": "impatient", "steps": [
        { "expect": { "frame": "reply", "accept": [{ "begins": "220" }], "within_ms": 100 } }
    ] });
    let settings = json!({ "starttls": script });
    let (outcome, _) = judged("tls.certificate", "tcp", settings, &peer, &Live::new()).await;
    assert!(outcome.status.is_unknown());
    let told = format!("{outcome:?}");
    assert!(
        told.contains("did not end its greeting within 100ms: 31 bytes came: `220-mx"),
        "{told}"
    );
}
