//! Nameservers that lie, stall and refuse, judged by the probe: each has its named reason, in its time and
//! within bounds, and the name beside it is judged as ever.

#![cfg(feature = "dns")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a test")]

#[path = "../support/nameserver.rs"]
mod nameserver;

mod bounds;
mod lies;
mod peers;
mod probes;

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
        rdata::{A, MX, NS, TXT},
    },
};
use nameserver::{Nameserver, Replies, alias, answer, asks_for, name, record};
use readiness_probes::{
    Finding, ObserveError, Probe, Reason, Requirement, Retry, Sources, Status, Suite, Target,
    dns::{DnsMail, DnsRecords, DnsTransferRefused},
    fact::{DnsAnswer, DnsLookup, DnsResult, DnsTransport, Family, RecordType},
    gate,
    live::dns::{DnsSettings, DnsSource},
    testing::Looks,
};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::UdpSocket};

use self::peers::{bytes, one};

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

type Says = fn(&Message) -> Replies;

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
