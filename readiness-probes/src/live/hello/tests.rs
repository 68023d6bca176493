use std::future::{Future, pending};

use readiness_core::{
    Reason,
    fact::{Endpoint, HelloAnswer, TlsHello, TlsVersion},
    testing::Looks,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, duplex},
    net::{TcpListener, TcpStream},
};

use super::*;
use crate::{
    live::Live,
    tls::hello::forge::{Asked, alert, certificate, done, flight, record, server_hello},
};

fn offer(to: std::net::SocketAddr) -> TlsHello {
    let endpoint = Endpoint::new(to, "a.test", true);
    TlsHello::new(endpoint, TlsVersion::Tls12, vec![0xc02f, 0x002f]).whole_flight()
}

fn nowhere() -> TlsHello {
    offer("127.0.0.1:1".parse().unwrap())
}

/// What a peer that sends this, and then stays or goes, is taken for. Time is made up.
async fn said(bytes: &[u8], stays: bool) -> (HelloAnswer, Duration) {
    let (ours, mut theirs) = duplex(1 << 16);
    let began = tokio::time::Instant::now();
    let peer = async {
        let mut asked = vec![0; 2048];
        let read = theirs.read(&mut asked).await.unwrap();
        assert_eq!(Asked::read(&asked[..read]).suites, [0xc02f, 0x002f]);
        let _ = theirs.write_all(bytes).await;
        if stays {
            pending::<()>().await;
        }
        drop(theirs);
        pending::<()>().await;
    };
    let hello = nowhere();
    tokio::select! {
        answer = exchange(&hello, &[1; 32], ours, Duration::from_secs(3)) => (answer, began.elapsed()),
        () = peer => unreachable!(),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_peer_says_is_told_from_its_silence() {
    let hello = flight(&[server_hello(0x0303, 0xc02f, &[]), certificate(&[b"x"]), done()]);
    for (bytes, stays, word, waits) in [
        (hello.clone(), true, "Hello", false),
        (alert(2, 70), true, "Alert { code: 70 }", false),
        (vec![], false, "Closed", false),
        (vec![], true, "Silent", true),
        (hello[..20].to_vec(), true, "Silent", true),
        (hello[..20].to_vec(), false, "Closed", false),
        (b"HTTP/1.1 400 Bad Request".to_vec(), true, "plain HTTP", false),
        (b"220 mail.test ESMTP\r\n".to_vec(), true, "mail or FTP", false),
        // An endless record: its end never comes.
        (vec![22, 3, 3, 0x3f, 0xff, 2, 0, 0, 50], true, "Silent", true),
        (record(22, &[]), true, "Malformed", false),
        (record(22, &[2, 0xff, 0xff, 0xff]), true, "TooLarge", false),
        (alert(1, 90).repeat(500), true, "Malformed", false),
        // Garbage after the ServerHello.
        ([&hello[..5], b"garbage"].concat(), true, "Silent", true),
    ] {
        let (answer, took) = said(&bytes, stays).await;
        assert!(format!("{answer:?}").contains(word), "{word}: {answer:?}");
        let limit = Duration::from_secs(3);
        assert_eq!(took >= limit, waits, "{word}: {took:?}");
        assert!(took <= limit + Duration::from_millis(10), "{word}: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_byte_a_second_ends_at_the_deadline() {
    let bytes = flight(&[server_hello(0x0303, 0xc02f, &[]), certificate(&[b"x"]), done()]);
    let (ours, mut theirs) = duplex(1 << 16);
    let drip = async {
        for byte in bytes {
            theirs.write_all(&[byte]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    let began = tokio::time::Instant::now();
    let hello = nowhere();
    tokio::select! {
        answer = exchange(&hello, &[1; 32], ours, Duration::from_secs(3)) => {
            assert_eq!(answer, HelloAnswer::Silent);
            assert!(began.elapsed() <= Duration::from_millis(3010));
        }
        () = drip => panic!("it waited for every byte"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_ends_at_the_deadline() {
    // There is no room for the hello.
    let (ours, _theirs) = duplex(8);
    let answer = exchange(&nowhere(), &[1; 32], ours, Duration::from_secs(3)).await;
    assert_eq!(answer, HelloAnswer::Silent);
}

/// Looks at a server on loopback, and says how many connections that cost.
async fn looked(hello: TlsHello) -> (Result<HelloAnswer, ObserveError>, u64) {
    let looks = Looks::new(Live::new().sources().unwrap());
    let result = looks.observe(hello).await.map(|facts| facts.answer.clone());
    let cost = looks.finish();
    (result, cost.get("tls_connections").copied().unwrap_or_default())
}

async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> std::net::SocketAddr
where
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    address
}

#[tokio::test]
async fn every_hello_is_a_connection_that_is_counted() {
    let address = server(|mut stream| async move {
        let _ = stream.read(&mut [0; 2048]).await;
        let bytes = flight(&[server_hello(0x0303, 0x002f, &[]), certificate(&[b"x"]), done()]);
        let _ = stream.write_all(&bytes).await;
    })
    .await;
    let (answer, connections) = looked(offer(address)).await;
    assert!(matches!(answer, Ok(HelloAnswer::Hello(_))), "{answer:?}");
    assert_eq!(connections, 1);
}

#[tokio::test]
async fn a_reset_is_told_from_a_close() {
    let address = server(|mut stream| async move {
        let _ = stream.read(&mut [0; 2048]).await;
        #[expect(deprecated, reason = "zero does not block")]
        stream.set_linger(Some(Duration::ZERO)).unwrap();
    })
    .await;
    assert_eq!(looked(offer(address)).await.0.unwrap(), HelloAnswer::Reset);
    let address = server(|mut stream| async move {
        let _ = stream.read(&mut [0; 2048]).await;
    })
    .await;
    assert_eq!(looked(offer(address)).await.0.unwrap(), HelloAnswer::Closed);
}

#[tokio::test]
async fn a_port_that_is_closed_is_the_cause() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = looked(offer(address)).await.0.unwrap_err();
    assert_eq!(*error.root_reason(), Reason::TCP_REFUSED);
    assert_eq!(error.cause.unwrap().subject, format!("connection to {address}"));
    let mut plain = offer(address);
    plain.endpoint.tls = false;
    assert_eq!(looked(plain).await.0.unwrap_err().reason, Reason::ERROR);
}
