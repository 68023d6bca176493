//! Nameservers that lie, stall and refuse, judged by the probe: each has its named reason, in its time and
//! within bounds, and the name beside it is judged as ever.

#![cfg(feature = "dns")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "support/nameserver.rs"]
mod nameserver;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use hickory_resolver::proto::{
    op::{Edns, Message, OpCode, Query, ResponseCode},
    rr::{
        RData, Record, RecordType as WireType,
        rdata::{MX, NS},
    },
};
use nameserver::{Nameserver, Replies, alias, answer, asks_for, name, record};
use readiness_probes::{
    Finding, ObserveError, Reason, Requirement, Retry, Sources, Status, Suite, Target,
    dns::DnsRecords,
    fact::{DnsAnswer, DnsLookup, DnsResult, Family, RecordType},
    gate,
    live::dns::{DnsSettings, DnsSource},
    testing::Looks,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

const HOST: &str = "www.example.com";
const TRY: Duration = Duration::from_millis(150);

/// For servers that answer, however busy this machine is.
const PATIENT: Duration = Duration::from_secs(5);

fn source(servers: &[SocketAddr], attempt: Duration) -> DnsSource {
    let settings = DnsSettings::default().attempt_timeout(attempt);
    DnsSource::new(servers.iter().copied().fold(settings, DnsSettings::nameserver))
}

fn installed(source: DnsSource) -> Sources {
    let deadline = source.deadline();
    Sources::default().with_deadline(source, deadline)
}

async fn ask(servers: &[SocketAddr], key: DnsLookup, attempt: Duration) -> Result<DnsAnswer, ObserveError> {
    let looks = Looks::new(Sources::default().with(source(servers, attempt)));
    looks.observe(key).await.map(|answer| DnsAnswer::clone(&answer))
}

fn v4() -> DnsLookup {
    DnsLookup::address(HOST, Family::V4)
}

fn requirement(host: &str, settings: Value) -> Requirement {
    let probe: DnsRecords = serde_json::from_value(settings).unwrap();
    let target = Target::parse(&format!("https://{host}")).unwrap().labelled(host);
    Requirement::new(Arc::new(probe), target)
}

/// What `dns.records` says of a name at this nameserver, while another name is asked of a good one.
async fn judged(server: SocketAddr, attempt: Duration, settings: Value) -> String {
    let good = Nameserver::knowing(&["192.0.2.1"]).await;
    let mut suite = Suite::new(installed(source(&[server], attempt)));
    let well = json!({"nameservers": [good.address.to_string()]});
    suite.add(requirement(HOST, settings)).unwrap();
    suite.add(requirement("well.example.com", well)).unwrap();
    let report = suite.run().await;
    let rows: Vec<_> = report.rows().map(|(_, row)| row).collect();
    let [bad, good] = rows.as_slice() else {
        panic!("a requirement is lost: {report}")
    };
    assert!(good.outcome.status.is_pass(), "{report}");
    let counts = |finding: &&Finding| !finding.is_note();
    let codes = bad.outcome.findings.iter().filter(counts);
    let codes: Vec<&str> = codes.map(|finding| &*finding.code).collect();
    let word = bad.outcome.status.word();
    match &bad.outcome.status {
        Status::Unknown { reason, cause } => {
            let reason = cause.as_ref().map_or(reason, |cause| &cause.reason);
            format!("{word} {reason}")
        }
        _ => format!("{word} [{}]", codes.join(", ")),
    }
}

fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

/// Where the records of a reply begin: behind the header, the name with its root, the type and the class.
fn records_at(query: &Message) -> usize {
    12 + query.queries[0].name().len() + 1 + 4
}

/// A reply put together by hand: the header with these counts, the question, and any bytes.
fn raw(query: &Message, counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let sent = bytes(query);
    let mut reply = sent[..2].to_vec();
    reply.extend([0x81, 0x80]);
    reply.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    reply.extend(&sent[12..records_at(query)]);
    reply.extend(body);
    reply
}

/// A record put together by hand.
fn record_of(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 60]);
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

/// The name asked for, as a pointer to the question.
const ASKED: [u8; 2] = [0xc0, 12];

/// A server whose answers never fit, and whose TCP side does as `serve` says.
struct Truncating {
    address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Truncating {
    async fn start<F: Future<Output = ()> + Send>(
        serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> Self {
        let (listener, socket) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (listener, socket);
            }
        };
        let address = socket.local_addr().unwrap();
        let over_udp = async move {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let mut short = answer(&query, ResponseCode::NoError, vec![]);
                short.metadata.truncation = true;
                socket.send_to(&bytes(&short), peer).await.unwrap();
            }
        };
        let over_tcp = async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream).await;
            }
        };
        let tasks = [tokio::spawn(over_udp), tokio::spawn(over_tcp)];
        Self { address, tasks }
    }
}

impl Drop for Truncating {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

async fn hear(stream: &mut tokio::net::TcpStream) -> Message {
    let length = stream.read_u16().await.unwrap();
    let mut query = vec![0; usize::from(length)];
    stream.read_exact(&mut query).await.unwrap();
    Message::from_vec(&query).unwrap()
}

type Says = fn(&Message) -> Replies;

fn one(query: &Message) -> Message {
    let records = if asks_for(query, WireType::A) {
        vec![record(HOST, [192, 0, 2, 1].into())]
    } else {
        vec![]
    };
    answer(query, ResponseCode::NoError, records)
}

#[tokio::test]
async fn each_refusal_and_each_loop_has_its_name() {
    let chain = |query: &Message, length: usize| {
        let at = |n: usize| match n {
            0 => HOST.to_owned(),
            n => format!("n{n}.zone{n}.example"),
        };
        let mut records: Vec<Record> = (0..length).map(|n| alias(&at(n), &at(n + 1))).collect();
        if asks_for(query, WireType::A) {
            records.push(record(&at(length), [192, 0, 2, 1].into()));
        }
        records
    };
    let code = |code: ResponseCode| move |query: &Message| vec![bytes(&answer(query, code, vec![]))];
    let with = |records: Vec<Record>| {
        move |query: &Message| vec![bytes(&answer(query, ResponseCode::NoError, records.clone()))]
    };
    type Boxed = Box<dyn Fn(&Message) -> Replies + Send + Sync>;
    let rows: Vec<(&str, Boxed, &str)> = vec![
        (
            "REFUSED",
            Box::new(code(ResponseCode::Refused)),
            "unknown dns.refused",
        ),
        (
            "SERVFAIL",
            Box::new(code(ResponseCode::ServFail)),
            "unknown dns.servfail",
        ),
        (
            "NOTIMP",
            Box::new(code(ResponseCode::NotImp)),
            "unknown dns.servfail",
        ),
        (
            "FORMERR",
            Box::new(code(ResponseCode::FormErr)),
            "unknown dns.servfail",
        ),
        (
            "NXDOMAIN",
            Box::new(code(ResponseCode::NXDomain)),
            "fail [nxdomain]",
        ),
        (
            "nothing",
            Box::new(code(ResponseCode::NoError)),
            "fail [no_address]",
        ),
        (
            "a lame server",
            Box::new(|query| {
                let mut referral = answer(query, ResponseCode::NoError, vec![]);
                referral.metadata.recursion_available = false;
                let ns = RData::NS(NS(name("a.gtld.example")));
                referral.add_authority(Record::from_rdata(name("com"), 60, ns));
                vec![bytes(&referral)]
            }),
            "unknown dns.lame",
        ),
        (
            "a loop of one",
            Box::new(with(vec![alias(HOST, HOST)])),
            "fail [cname_loop]",
        ),
        (
            "a loop of two",
            Box::new(with(vec![alias(HOST, "b.example"), alias("b.example", HOST)])),
            "fail [cname_loop]",
        ),
        (
            "a chain of 8",
            Box::new(move |query| vec![bytes(&answer(query, ResponseCode::NoError, chain(query, 8)))]),
            "pass []",
        ),
        (
            "a chain of 9",
            Box::new(move |query| vec![bytes(&answer(query, ResponseCode::NoError, chain(query, 9)))]),
            "warn [cname_chain_too_long]",
        ),
        (
            "a chain of 20 zones",
            Box::new(move |query| vec![bytes(&answer(query, ResponseCode::NoError, chain(query, 20)))]),
            "warn [cname_chain_too_long]",
        ),
        (
            "a chain that another server would have to follow",
            Box::new(move |query| {
                let first = chain(query, 20).into_iter().take(1).collect();
                let mut reply = answer(query, ResponseCode::NoError, first);
                reply.metadata.authoritative = true;
                vec![bytes(&reply)]
            }),
            "unknown dns.nodata",
        ),
        (
            "an alias of nothing",
            Box::new(|query| {
                let records = vec![alias(HOST, "gone.example")];
                vec![bytes(&answer(query, ResponseCode::NXDomain, records))]
            }),
            "fail [dangling_alias]",
        ),
        (
            "EDNS that is not understood",
            Box::new(|query| {
                if query.edns.is_some() {
                    return vec![bytes(&answer(query, ResponseCode::FormErr, vec![]))];
                }
                vec![bytes(&one(query))]
            }),
            "pass []",
        ),
    ];
    for (what, says, wanted) in rows {
        let server = Nameserver::start(move |query, _| says(query)).await;
        assert_eq!(judged(server.address, PATIENT, json!({})).await, wanted, "{what}");
    }
}

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
    async fn stalls(stream: tokio::net::TcpStream) {
        tokio::spawn(async move {
            let mut held = stream;
            let _ = held.write_all(&[0]).await;
            std::future::pending::<()>().await;
        });
    }
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
    let server = Nameserver::start(|query, over_tcp| {
        if over_tcp {
            return vec![vec![0xff, 0xff]; usize::from(query.edns.is_none())];
        }
        let code = if query.edns.is_some() {
            ResponseCode::FormErr
        } else {
            ResponseCode::NoError
        };
        let mut reply = answer(query, code, vec![]);
        reply.metadata.truncation = query.edns.is_none();
        vec![bytes(&reply)]
    })
    .await;
    let error = ask(&[server.address], v4(), TRY).await.unwrap_err();
    assert_eq!(error.reason, Reason::DNS_SILENT);
    assert_eq!(
        server.asked(),
        (4, 2),
        "two tries of two datagrams and one connection"
    );
    // The settings' own two tries of two seconds end within the probe's ten, and the source's own deadline.
    let source = source(&[server.address], Duration::from_secs(2));
    assert!(
        source.deadline() <= Duration::from_secs(10),
        "{:?}",
        source.deadline()
    );
}

#[tokio::test]
async fn sixty_four_kilobytes_are_bounded() {
    // As many addresses as a message holds.
    let many = |query: &Message| {
        let body: Vec<u8> = (0..4_000u16)
            .flat_map(|n| {
                let [high, low] = n.to_be_bytes();
                record_of(&ASKED, 1, &[198, 51, high, low])
            })
            .collect();
        raw(query, [1, 4_000, 0, 0], &body)
    };
    // A name of 255 bytes that every record points at: 16 bytes that stand for a thousand characters.
    let names = |query: &Message| {
        let long: Vec<u8> = (0..3)
            .flat_map(|_| [vec![63], vec![0xff; 63]].concat())
            .chain([vec![50], vec![0xff; 50], vec![0]].concat())
            .collect();
        let at = records_at(query) + 14;
        let pointer = (0xc000 | u16::try_from(at).unwrap()).to_be_bytes();
        let first = record_of(&ASKED, 15, &[[0, 1].as_slice(), &long].concat());
        let again = record_of(&ASKED, 15, &[[0, 1].as_slice(), &pointer].concat());
        raw(query, [1, 4_001, 0, 0], &[first, again.repeat(4_000)].concat())
    };
    // Eight thousand pointers, each to the one before, and three thousand owners that begin at the last.
    let pointers = |query: &Message| {
        let start = records_at(query) + 11;
        let mut data = vec![0];
        while start + data.len() + 2 < 0x3fff {
            let before = match data.len() {
                1 => start,
                length => start + length - 2,
            };
            data.extend((0xc000 | u16::try_from(before).unwrap()).to_be_bytes());
        }
        let last = u16::try_from(start + data.len() - 2).unwrap();
        let owner = (0xc000 | last).to_be_bytes();
        let chain = record_of(&[0], 999, &data);
        let again = record_of(&owner, 1, &[192, 0, 2, 1]);
        raw(query, [1, 3_001, 0, 0], &[chain, again.repeat(3_000)].concat())
    };
    type Big = fn(&Message) -> Vec<u8>;
    let serving = |big: Big| {
        Nameserver::start(move |query, over_tcp| {
            if over_tcp {
                return vec![framed(&big(query))];
            }
            let mut short = answer(query, ResponseCode::NoError, vec![]);
            short.metadata.truncation = true;
            vec![bytes(&short)]
        })
    };
    let server = serving(many).await;
    let found = ask(&[server.address], v4(), PATIENT).await.unwrap();
    assert_eq!((found.records.len(), found.records_left_out), (1_024, 2_976));
    let expects = json!({"addresses": ["192.0.2.1"], "mode": "exact"});
    let said = judged(server.address, PATIENT, expects).await;
    assert_eq!(said.matches("unexpected_address").count(), 17, "{said}");
    assert_eq!(said.matches("too_many_records").count(), 1, "{said}");

    let server = serving(names).await;
    let found = ask(&[server.address], DnsLookup::new(HOST, RecordType::Mx), PATIENT)
        .await
        .unwrap();
    assert_eq!((found.records.len(), found.records_left_out), (1_024, 2_977));
    let kept = serde_json::to_vec(&found).unwrap().len();
    assert!(kept < 4 << 20, "{kept} bytes");

    let server = serving(pointers).await;
    let found = ask(&[server.address], v4(), PATIENT).await.unwrap();
    assert_eq!((found.result, found.records.len()), (DnsResult::NoData, 0));
}

#[tokio::test]
async fn a_wildcard_is_noticed_where_absence_is_expected() {
    let every = Nameserver::knowing(&["192.0.2.1"]).await;
    for absent in ["nxdomain", "nodata", "either"] {
        let set = json!({"type": "A", "name": "gone.example.com", "absent": absent});
        let said = judged(every.address, PATIENT, json!({"records": [set]})).await;
        assert_eq!(said, "fail [record_exists]", "{absent}");
    }
}

#[tokio::test]
async fn the_next_server_answers_and_each_try_is_told() {
    let good = Nameserver::knowing(&["192.0.2.1"]).await;
    let lame = Nameserver::start(|query, _| {
        let mut referral = answer(query, ResponseCode::NoError, vec![]);
        let ns = RData::NS(NS(name("a.gtld.example")));
        referral.add_authority(Record::from_rdata(name("com"), 60, ns));
        vec![bytes(&referral)]
    })
    .await;
    let edns = || {
        Nameserver::start(|query, _| {
            let mut refusal = answer(query, ResponseCode::BADVERS, vec![]);
            refusal.set_edns(Edns::new());
            vec![bytes(&refusal)]
        })
    };
    for (bad, problem) in [
        (Nameserver::saying(ResponseCode::Refused, vec![]).await, "REFUSED"),
        (
            Nameserver::saying(ResponseCode::ServFail, vec![]).await,
            "SERVFAIL",
        ),
        (
            Nameserver::saying(ResponseCode::NotImp, vec![]).await,
            "the response code 4",
        ),
        (
            Nameserver::saying(ResponseCode::FormErr, vec![]).await,
            "the response code 1",
        ),
        (edns().await, "the response code 16"),
        (lame, "a referral to other nameservers"),
    ] {
        let found = ask(&[bad.address, good.address], v4(), PATIENT).await.unwrap();
        assert_eq!(found.result, DnsResult::Records, "{problem}");
        let tries: Vec<_> = found
            .failed_attempts
            .iter()
            .map(|t| (t.server, &*t.problem))
            .collect();
        assert_eq!(tries, [(bad.address, problem)]);
        // Alone it is what it is.
        let alone = ask(&[bad.address], v4(), PATIENT).await.unwrap();
        assert_ne!(alone.result, DnsResult::Records, "{problem}");
        assert!(alone.failed_attempts.is_empty());
    }
    let silent = Nameserver::silent().await;
    let found = ask(&[silent.address, good.address], v4(), TRY).await.unwrap();
    assert_eq!(found.failed_attempts.len(), 1);
    assert_eq!(found.failed_attempts[0].problem, "no answer within 150ms");
    // Silent first, and then it refuses: the silence stays on record.
    let count = Arc::new(AtomicU32::new(0));
    let moody = Nameserver::start(move |query, _| match count.fetch_add(1, Ordering::SeqCst) {
        0 => vec![],
        _ => vec![bytes(&answer(query, ResponseCode::Refused, vec![]))],
    })
    .await;
    let found = ask(&[moody.address], v4(), TRY).await.unwrap();
    assert_eq!(found.result, DnsResult::Refused);
    assert_eq!(found.failed_attempts.len(), 1, "{:?}", found.failed_attempts);
}

/// Knows no name when asked first, and all of them from then on.
async fn late() -> Nameserver {
    let asked = AtomicU32::new(0);
    Nameserver::start(move |query, _| {
        let is_first = asks_for(query, WireType::A) && asked.fetch_add(1, Ordering::SeqCst) == 0;
        let reply = if is_first {
            answer(query, ResponseCode::NXDomain, vec![])
        } else {
            one(query)
        };
        vec![bytes(&reply)]
    })
    .await
}

#[tokio::test]
async fn a_record_that_appears_is_seen_by_the_next_look() {
    // Nobody keeps the NXDOMAIN: not between the looks of a gate, and not between the tries of a run.
    let server = late().await;
    let probe = requirement(HOST, json!({})).blocker(true);
    let suite = Suite::new(Sources::default().with(source(&[server.address], PATIENT)));
    let report = gate(suite.with(probe).unwrap())
        .within(Duration::from_secs(20))
        .await
        .unwrap();
    let row = report.rows().next().unwrap().1;
    assert_eq!(
        (row.outcome.summary.as_str(), row.attempts),
        ("1 address: 192.0.2.1", 2)
    );

    let server = late().await;
    let mut retry = Retry::attempts(2);
    retry.first_pause = Duration::from_millis(1);
    let probe = requirement(HOST, json!({})).retry(retry);
    let suite = Suite::new(Sources::default().with(source(&[server.address], PATIENT)));
    let report = suite.with(probe).unwrap().run().await;
    let row = report.rows().next().unwrap().1;
    assert!(row.outcome.status.is_pass() && row.flaky, "{report}");
    assert_eq!(row.attempts, 2);
}

#[tokio::test]
async fn mail_exchanges_of_a_wildcard_are_followed_no_further_than_they_lead() {
    let mx = |query: &Message| {
        let records = match query.queries[0].query_type() {
            WireType::MX => (0..60)
                .map(|n| {
                    let exchange = name(&format!("mx{n}.example.com"));
                    Record::from_rdata(name(HOST), 60, RData::MX(MX::new(n, exchange)))
                })
                .collect(),
            _ => vec![],
        };
        answer(query, ResponseCode::NoError, records)
    };
    let server = Nameserver::start(move |query, _| vec![bytes(&mx(query))]).await;
    let settings = json!({"must_have_address": false, "records": [{"type": "MX"}]});
    let said = judged(server.address, PATIENT, settings).await;
    assert_eq!(said.matches("target_without_address").count(), 16, "{said}");
    assert_eq!(server.asked().0, 2 + 1 + 32);
}
