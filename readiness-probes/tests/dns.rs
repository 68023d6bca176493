//! The nameserver client against nameservers that answer, refuse, lie and stay silent.

#![cfg(feature = "dns")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "support/nameserver.rs"]
mod nameserver;

use std::{net::SocketAddr, sync::atomic::AtomicU32, sync::atomic::Ordering, time::Duration};

use hickory_resolver::proto::{
    op::{Edns, Message, OpCode, Query, ResponseCode},
    rr::{RData, Record, RecordType as WireType, rdata::TXT},
};
use nameserver::{Nameserver, alias, answer, name, record};
use readiness_probes::{
    ObserveError, Reason, Sources,
    fact::{DnsAnswer, DnsLookup, DnsResult, Family, RecordType},
    live::dns::{DnsSettings, DnsSource},
    testing::Looks,
};
use tokio::{io::AsyncWriteExt, net::TcpListener};

const HOST: &str = "www.example.com";

fn v4() -> DnsLookup {
    DnsLookup::address(HOST, Family::V4)
}

fn v6() -> DnsLookup {
    DnsLookup::address(HOST, Family::V6)
}

fn one() -> Vec<Record> {
    vec![record(HOST, [192, 0, 2, 1].into())]
}

fn looks_at(addresses: impl IntoIterator<Item = SocketAddr>) -> Looks {
    let settings = DnsSettings::default().attempt_timeout(Duration::from_millis(150));
    let settings = addresses.into_iter().fold(settings, DnsSettings::nameserver);
    Looks::new(Sources::default().with(DnsSource::new(settings)))
}

fn looks(servers: &[&Nameserver]) -> Looks {
    looks_at(servers.iter().map(|server| server.address))
}

async fn ask(servers: &[&Nameserver]) -> Result<DnsAnswer, ObserveError> {
    looks(servers)
        .observe(v4())
        .await
        .map(|answer| DnsAnswer::clone(&answer))
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

#[tokio::test]
async fn one_query_for_each_family_with_two_nameservers() {
    let first = Nameserver::knowing(&["192.0.2.1", "2001:db8::1"]).await;
    let second = Nameserver::knowing(&["192.0.2.2"]).await;
    let looks = looks(&[&first, &second]);
    for key in [v4(), v6(), v4(), v6()] {
        let found = looks.observe(key).await.unwrap();
        assert_eq!(found.answered_by, first.address.to_string());
        assert_eq!((found.addresses().len(), found.queries), (1, 1));
    }
    assert_eq!((first.asked(), second.asked()), ((2, 0), (0, 0)));
    assert_eq!(looks.finish().get("dns_queries"), Some(&2));
}

#[tokio::test]
async fn the_query_is_plain_absolute_and_small() {
    let server = Nameserver::knowing(&["192.0.2.1"]).await;
    let _ = looks(&[&server])
        .observe(DnsLookup::address("db", Family::V4))
        .await
        .unwrap();
    let seen = server.seen();
    let [query] = seen.as_slice() else {
        panic!("{seen:?}")
    };
    assert_eq!(query.queries, [Query::query(name("db"), WireType::A)]);
    assert!(query.metadata.recursion_desired);
    assert_eq!(query.edns.as_ref().map(Edns::max_payload), Some(1232));
}

#[tokio::test]
async fn negative_answers_are_facts() {
    for (code, result) in [
        (ResponseCode::NXDomain, DnsResult::NxDomain),
        (ResponseCode::NoError, DnsResult::NoData),
        (ResponseCode::ServFail, DnsResult::ServFail),
        (ResponseCode::Refused, DnsResult::Refused),
        (ResponseCode::YXDomain, DnsResult::Rcode(6)),
    ] {
        let server = Nameserver::saying(code, vec![]).await;
        let found = ask(&[&server]).await.unwrap();
        assert_eq!((found.result, found.queries), (result, 1));
        assert_eq!(found.answered_by, server.address.to_string());
        assert_eq!(server.asked(), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn the_next_one_is_asked_on_failure_and_silence_alone() {
    let good = || Nameserver::knowing(&["192.0.2.1"]);
    for (code, asked_next) in [
        (ResponseCode::ServFail, true),
        (ResponseCode::Refused, true),
        (ResponseCode::NXDomain, false),
        (ResponseCode::NoError, false),
    ] {
        let (first, second) = (Nameserver::saying(code, vec![]).await, good().await);
        let found = ask(&[&first, &second]).await.unwrap();
        assert_eq!(second.asked().0 == 1, asked_next, "{code}");
        assert_eq!(found.result == DnsResult::Records, asked_next, "{code}");
    }
    let (silent, second) = (Nameserver::silent().await, good().await);
    let found = ask(&[&silent, &second]).await.unwrap();
    assert_eq!(
        (found.queries, found.answered_by),
        (2, second.address.to_string())
    );
    // An answer tells more than silence, and who answered is not asked again.
    let failing = Nameserver::saying(ResponseCode::ServFail, vec![]).await;
    let found = ask(&[&failing, &Nameserver::silent().await]).await.unwrap();
    assert_eq!(found.result, DnsResult::ServFail);
    assert_eq!(failing.asked(), (1, 0));
}

#[tokio::test]
async fn silence_of_all_is_an_error_that_names_them() {
    let (one, two) = (Nameserver::silent().await, Nameserver::silent().await);
    let looks = looks(&[&one, &two]);
    let error = looks.observe(v4()).await.unwrap_err();
    assert_eq!(error.reason, Reason::DNS_SILENT);
    for part in [
        &one.address.to_string(),
        &two.address.to_string(),
        "`www.example.com` A",
    ] {
        assert!(error.message.contains(part), "{error}");
    }
    assert_eq!((one.asked(), two.asked()), ((2, 0), (1, 0)));
    assert_eq!(looks.finish().get("dns_queries"), Some(&3));
    let alone = ask(&[&one]).await.unwrap_err();
    assert_eq!((one.asked(), alone.reason), ((4, 0), Reason::DNS_SILENT));
}

#[tokio::test]
async fn a_port_nobody_listens_on_is_told_at_once() {
    let closed = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let settings = DnsSettings::default()
        .nameserver(closed)
        .attempt_timeout(Duration::from_secs(60));
    let looks = Looks::new(Sources::default().with(DnsSource::new(settings)));
    let error = looks.observe(v4()).await.unwrap_err();
    assert!(error.message.contains("nothing listens there"), "{error}");
}

#[tokio::test]
async fn noise_before_the_answer_is_not_heard() {
    let server = Nameserver::start(|query, _| {
        let good = answer(query, ResponseCode::NoError, one());
        let mut replies = hostile(query, &good);
        replies.push(bytes(&good));
        replies
    })
    .await;
    let found = ask(&[&server]).await.unwrap();
    assert_eq!((found.result.clone(), found.queries), (DnsResult::Records, 1));
    assert_eq!(found.addresses(), [std::net::IpAddr::from([192, 0, 2, 1])]);
}

#[tokio::test]
async fn noise_alone_is_silence() {
    let each = (0..7).map(|i| async move {
        let server = Nameserver::start(move |query, _| {
            let good = answer(query, ResponseCode::NoError, one());
            hostile(query, &good).into_iter().skip(i).take(1).collect()
        })
        .await;
        let error = ask(&[&server]).await.unwrap_err();
        assert_eq!(error.reason, Reason::DNS_SILENT);
        assert!(error.message.contains(", only a"), "{error}");
    });
    futures_util::future::join_all(each).await;
}

/// Seven messages that answer nothing.
fn hostile(query: &Message, good: &Message) -> Vec<Vec<u8>> {
    let header = |counts: [u8; 8]| {
        let [high, low] = query.metadata.id.to_be_bytes();
        let mut message = vec![high, low, 0x81, 0x80];
        message.extend(counts);
        message
    };
    let mut wrong_id = good.clone();
    wrong_id.metadata.id ^= 0x5555;
    let mut other_question = good.clone();
    other_question.queries = vec![Query::query(name("evil.example.net"), WireType::A)];
    // A question whose name points at itself.
    let mut pointer_loop = header([0, 1, 0, 0, 0, 0, 0, 0]);
    pointer_loop.extend([0xc0, 0x0c, 0, 1, 0, 1]);
    // Two names that point at each other.
    let mut pointers = header([0, 1, 0, 1, 0, 0, 0, 0]);
    pointers.extend([
        0xc0, 0x12, 0, 1, 0, 1, 0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4,
    ]);
    // Sixty-five thousand records that never come.
    let mut lying = bytes(good);
    lying[6] = 0xff;
    lying[7] = 0xff;
    vec![
        b"\0".to_vec(),
        bytes(&wrong_id),
        bytes(&other_question),
        pointer_loop,
        pointers,
        lying,
        bytes(query),
    ]
}

#[tokio::test]
async fn an_answer_too_long_for_udp_is_fetched_over_tcp() {
    // 255 strings of 255 bytes: 65,280 bytes and a little more.
    let text = |_| TXT::new(vec!["x".repeat(255); 85]);
    let long: Vec<Record> = (0..3)
        .map(text)
        .map(|text| Record::from_rdata(name(HOST), 1, RData::TXT(text)))
        .collect();
    let server = Nameserver::start(move |query, over_tcp| {
        if over_tcp {
            return vec![framed(&answer(query, ResponseCode::NoError, long.clone()))];
        }
        let mut short = answer(query, ResponseCode::NoError, vec![]);
        short.metadata.truncation = true;
        vec![bytes(&short)]
    })
    .await;
    let looks = looks(&[&server]);
    let found = looks
        .observe(DnsLookup::new(HOST, RecordType::Txt))
        .await
        .unwrap();
    assert_eq!(
        (found.result.clone(), found.records.len()),
        (DnsResult::Records, 3)
    );
    assert_eq!((found.queries, server.asked()), (2, (1, 1)));
    assert_eq!(looks.finish().get("dns_queries"), Some(&2));
}

fn framed(message: &Message) -> Vec<u8> {
    let bytes = bytes(message);
    let mut framed = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(bytes);
    framed
}

#[tokio::test]
async fn tcp_that_does_not_keep_its_word_is_silence() {
    type Reply = fn(&Message) -> Vec<u8>;
    let replies: [(Reply, &str); 4] = [
        (|_| Vec::new(), "an end in the middle"),
        (|_| vec![0xff, 0xff, 1, 2, 3], "an end in the middle"),
        (|_| vec![0, 0], "a message too short"),
        (
            |query| {
                let mut again = answer(query, ResponseCode::NoError, vec![]);
                again.metadata.truncation = true;
                framed(&again)
            },
            "a truncated message",
        ),
    ];
    for (reply, words) in replies {
        let server = Nameserver::start(move |query, over_tcp| {
            if over_tcp {
                return vec![reply(query)];
            }
            let mut short = answer(query, ResponseCode::NoError, vec![]);
            short.metadata.truncation = true;
            vec![bytes(&short)]
        })
        .await;
        let error = ask(&[&server]).await.unwrap_err();
        assert_eq!(error.reason, Reason::DNS_SILENT);
        assert!(error.message.contains(words), "{error}");
        assert_eq!(server.asked(), (2, 2));
    }
}

#[tokio::test]
async fn a_server_that_stumbles_over_edns_is_asked_without() {
    let server = Nameserver::start(|query, _| {
        let code = if query.edns.is_some() {
            ResponseCode::FormErr
        } else {
            ResponseCode::NoError
        };
        let records = if query.edns.is_some() { vec![] } else { one() };
        vec![bytes(&answer(query, code, records))]
    })
    .await;
    let found = ask(&[&server]).await.unwrap();
    assert_eq!((found.result, found.queries), (DnsResult::Records, 2));
    // One that knows EDNS means what it says.
    let server = Nameserver::start(|query, _| {
        let mut refusal = answer(query, ResponseCode::FormErr, vec![]);
        refusal.set_edns(Edns::new());
        vec![bytes(&refusal)]
    })
    .await;
    let found = ask(&[&server]).await.unwrap();
    assert_eq!((found.result, found.queries), (DnsResult::Rcode(1), 1));
}

#[tokio::test]
async fn aliases_come_with_the_answer_and_loops_end() {
    let server = Nameserver::saying(
        ResponseCode::NoError,
        vec![
            alias(HOST, "cdn.example.net"),
            record("cdn.example.net", [192, 0, 2, 9].into()),
        ],
    )
    .await;
    let found = ask(&[&server]).await.unwrap();
    assert_eq!(found.cname_chain(), [(HOST, "cdn.example.net")]);
    assert_eq!(found.addresses().len(), 1);
    let circle = vec![alias(HOST, "b.example.com"), alias("b.example.com", HOST)];
    let server = Nameserver::saying(ResponseCode::NoError, circle).await;
    let found = ask(&[&server]).await.unwrap();
    assert_eq!(
        (found.result.clone(), found.cname_chain().len()),
        (DnsResult::NoData, 2)
    );
}

#[tokio::test]
async fn a_key_names_its_own_nameservers() {
    let (usual, own) = (
        Nameserver::knowing(&["192.0.2.1"]).await,
        Nameserver::knowing(&["192.0.2.2"]).await,
    );
    let looks = looks(&[&usual]);
    let found = looks.observe(v4().via(vec![own.address])).await.unwrap();
    assert_eq!(found.answered_by, own.address.to_string());
    assert_eq!((usual.asked(), own.asked()), ((0, 0), (1, 0)));
}

#[tokio::test]
async fn nothing_is_remembered() {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    let server = Nameserver::start(|query, _| {
        let (code, records) = match ASKED.fetch_add(1, Ordering::SeqCst) {
            0 => (ResponseCode::NXDomain, vec![]),
            _ => (ResponseCode::NoError, one()),
        };
        vec![bytes(&answer(query, code, records))]
    })
    .await;
    let looks = looks(&[&server]);
    assert_eq!(looks.observe(v4()).await.unwrap().result, DnsResult::NxDomain);
    assert_eq!(
        looks.observe_again(v4(), 2).await.unwrap().result,
        DnsResult::Records
    );
}

#[tokio::test]
async fn a_name_that_is_none_is_an_error_without_a_query() {
    let server = Nameserver::knowing(&["192.0.2.1"]).await;
    let looks = looks(&[&server]);
    for wrong in ["a..b", &"x".repeat(64)] {
        let error = looks
            .observe(DnsLookup::address(wrong, Family::V4))
            .await
            .unwrap_err();
        assert!(error.message.contains("no domain name"), "{error}");
    }
    assert_eq!(server.asked(), (0, 0));
}

#[tokio::test]
async fn a_refused_tcp_port_is_named() {
    // A plain socket, as the shared nameserver would listen on TCP too.
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let serve = async move {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let mut short = Message::response(query.metadata.id, OpCode::Query);
            short.add_queries(query.queries);
            short.metadata.truncation = true;
            socket.send_to(&bytes(&short), peer).await.unwrap();
        }
    };
    let server = tokio::spawn(serve);
    let error = looks_at([address]).observe(v4()).await.unwrap_err();
    server.abort();
    assert!(
        error.message.contains("over TCP came nothing listens there"),
        "{error}"
    );
}

#[tokio::test]
async fn a_silent_tcp_end_is_left_in_time() {
    let (listener, socket) = loop {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
            break (listener, socket);
        }
    };
    let address = socket.local_addr().unwrap();
    let udp = tokio::spawn(async move {
        let mut buffer = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let mut short = answer(&query, ResponseCode::NoError, vec![]);
            short.metadata.truncation = true;
            socket.send_to(&bytes(&short), peer).await.unwrap();
        }
    });
    let tcp = tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(&[0]).await.unwrap();
            held.push(stream);
        }
    });
    let error = looks_at([address]).observe(v4()).await.unwrap_err();
    udp.abort();
    tcp.abort();
    assert!(
        error.message.contains("over TCP came no answer within 150ms"),
        "{error}"
    );
}
