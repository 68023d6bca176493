//! Messages that answer nothing, and TCP that does not keep its word.

use super::{peers::*, *};

#[tokio::test]
async fn no_lie_is_an_answer() {
    let rows: [(&str, Says); 14] = [
        ("nothing", |_| vec![]),
        ("another id", |query| {
            let mut reply = one(query);
            reply.metadata.id ^= 1;
            vec![bytes(&reply)]
        }),
        ("another question", |query| {
            let mut reply = one(query);
            reply.queries = vec![Query::query(name("other.example.com"), WireType::A)];
            vec![bytes(&reply)]
        }),
        ("another type", |query| {
            let mut reply = one(query);
            reply.queries = vec![Query::query(name(HOST), WireType::MX)];
            vec![bytes(&reply)]
        }),
        ("no question", |query| {
            let mut reply = one(query);
            reply.queries.clear();
            vec![bytes(&reply)]
        }),
        ("two questions", |query| {
            let mut reply = one(query);
            reply.queries.push(reply.queries[0].clone());
            vec![bytes(&reply)]
        }),
        ("the query itself", |query| vec![bytes(query)]),
        ("another kind of message", |query| {
            let mut reply = one(query);
            reply.metadata.op_code = OpCode::Update;
            vec![bytes(&reply)]
        }),
        ("more answers than come", |query| {
            vec![raw(query, [1, 2, 0, 0], &record_of(&ASKED, 1, &[192, 0, 2, 1]))]
        }),
        ("65,535 of everything", |query| {
            vec![raw(query, [1, u16::MAX, u16::MAX, u16::MAX], &[])]
        }),
        ("data past the end", |query| {
            let mut record = record_of(&ASKED, 1, &[192, 0, 2, 1]);
            record[11] = 200;
            vec![raw(query, [1, 1, 0, 0], &record)]
        }),
        ("an address of five bytes", |query| {
            vec![raw(
                query,
                [1, 1, 0, 0],
                &record_of(&ASKED, 1, &[192, 0, 2, 1, 9]),
            )]
        }),
        ("a pointer past the end", |query| {
            vec![raw(
                query,
                [1, 1, 0, 0],
                &record_of(&[0xff, 0xff], 1, &[192, 0, 2, 1]),
            )]
        }),
        ("an alias whose pointer points at itself", |query| {
            // Behind the 12 bytes of the record before its data.
            let here = records_at(query) + 12;
            let pointer = 0xc000 | u16::try_from(here).unwrap();
            vec![raw(
                query,
                [1, 1, 0, 0],
                &record_of(&ASKED, 5, &pointer.to_be_bytes()),
            )]
        }),
    ];
    // Side by side: each takes the time of two tries.
    let all = rows.map(|(what, says)| async move {
        let server = Nameserver::start(move |query, _| says(query)).await;
        let said = judged(server.address, TRY, json!({})).await;
        assert_eq!(said, "unknown dns.silent", "{what}");
        assert_eq!(server.asked(), (4, 0), "{what}: two tries for each family");
    });
    futures_util::future::join_all(all).await;
}

#[tokio::test]
async fn an_answer_from_elsewhere_is_not_heard() {
    let asked = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = asked.local_addr().unwrap();
    let strangers = [
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        UdpSocket::bind((Ipv4Addr::new(127, 0, 0, 2), 0)).await.unwrap(),
    ];
    let serve = tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = asked.recv_from(&mut buffer).await {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            for stranger in &strangers {
                stranger.send_to(&bytes(&one(&query)), peer).await.unwrap();
            }
        }
    });
    let error = ask(&[address], v4(), TRY).await.unwrap_err();
    serve.abort();
    assert_eq!(error.reason, Reason::DNS_SILENT);
    assert!(
        error.message.contains("no answer within 150ms, 2 times"),
        "{error}"
    );
}

#[tokio::test]
async fn tcp_that_does_not_keep_its_word_has_its_name() {
    async fn resets(stream: tokio::net::TcpStream) {
        // Closed with bytes that nobody read.
        let _ = stream.readable().await;
    }
    async fn says_less(mut stream: tokio::net::TcpStream) {
        let query = hear(&mut stream).await;
        let mut reply = framed(&bytes(&one(&query)));
        reply[1] -= 3;
        let _ = stream.write_all(&reply).await;
    }
    async fn says_more(mut stream: tokio::net::TcpStream) {
        let query = hear(&mut stream).await;
        let mut reply = framed(&bytes(&one(&query)));
        reply[1] += 3;
        let _ = stream.write_all(&reply).await;
    }
    async fn answers_another(mut stream: tokio::net::TcpStream) {
        let mut query = hear(&mut stream).await;
        query.metadata.id ^= 1;
        let _ = stream.write_all(&framed(&bytes(&one(&query)))).await;
    }
    async fn answers(mut stream: tokio::net::TcpStream) {
        let query = hear(&mut stream).await;
        let _ = stream.write_all(&framed(&bytes(&one(&query)))).await;
    }
    for (server, words) in [
        (
            Truncating::start(stalls).await,
            "over TCP came no answer within 150ms, 2 times",
        ),
        (Truncating::start(resets).await, "over TCP came a reset, 2 times"),
        (
            Truncating::start(says_less).await,
            "over TCP came a malformed message, 2 times",
        ),
        (
            Truncating::start(says_more).await,
            "over TCP came an end in the middle, 2 times",
        ),
        (
            Truncating::start(answers_another).await,
            "over TCP came a message with another id, 2 times",
        ),
    ] {
        let error = ask(&[server.address], v4(), TRY).await.unwrap_err();
        assert_eq!(error.reason, Reason::DNS_SILENT);
        assert!(error.message.contains(words), "{error}");
    }
    let stalling = Truncating::start(stalls).await;
    assert_eq!(
        judged(stalling.address, TRY, json!({})).await,
        "unknown dns.silent"
    );
    let good = Truncating::start(answers).await;
    assert_eq!(judged(good.address, PATIENT, json!({})).await, "pass []");
}

#[tokio::test]
async fn a_try_ends_in_its_time_whatever_it_takes() {
    // Stumbles over EDNS, is too long for UDP, stalls over TCP: one try all the same.
    let server = Truncating::start(stalls).await;
    let error = ask(&[server.address], v4(), TRY).await.unwrap_err();
    assert_eq!(error.reason, Reason::DNS_SILENT);
    let words = "and over TCP came no answer within 150ms, 2 times";
    assert!(error.message.contains(words), "{error}");
    // The settings' own two tries of two seconds end within the probe's ten, and the source's own deadline.
    let source = source(&[server.address], Duration::from_secs(2));
    assert!(
        source.deadline() <= Duration::from_secs(10),
        "{:?}",
        source.deadline()
    );
}
