//! The probes beside `dns.records`.

use super::{peers::*, *};

/// What a probe says of a name at this nameserver: its status, or why it is not known, and its faults.
async fn said(server: SocketAddr, attempt: Duration, probe: Arc<dyn Probe>) -> String {
    let target = Target::parse("https://example.com").unwrap();
    let suite = Suite::new(installed(source(&[server], attempt)));
    let report = suite.with(Requirement::new(probe, target)).unwrap().run().await;
    let outcome = &report.rows().next().unwrap().1.outcome;
    let codes = outcome.findings.iter().filter(|finding| !finding.is_note());
    let codes: Vec<&str> = codes.map(|finding| &*finding.code).collect();
    let word = outcome.status.word();
    match &outcome.status {
        Status::Unknown { reason, .. } if codes.is_empty() => format!("{word} {reason}"),
        _ => format!("{word} [{}]", codes.join(", ")),
    }
}

#[tokio::test]
async fn mail_is_judged_by_what_is_said_and_no_more() {
    let mail = || Arc::new(DnsMail::default());
    for (code, wanted) in [
        (ResponseCode::Refused, "unknown dns.refused"),
        (ResponseCode::ServFail, "unknown dns.servfail"),
        (ResponseCode::NotImp, "unknown dns.servfail"),
        (ResponseCode::NXDomain, "fail [spf_missing, dmarc_missing]"),
    ] {
        let server = Nameserver::saying(code, vec![]).await;
        assert_eq!(said(server.address, PATIENT, mail()).await, wanted, "{code}");
    }
    let silent = Nameserver::silent().await;
    assert_eq!(said(silent.address, TRY, mail()).await, "unknown dns.silent");

    // Every name has every record: the same policy, which includes the next name, and so on without an end.
    let endless = Nameserver::start(|query, _| {
        let asked = query.queries[0].name().clone();
        let next = format!("n.{}", asked.to_ascii());
        let next = if next.len() > 200 { "example.com." } else { &next };
        let data = match query.queries[0].query_type() {
            WireType::TXT => {
                let policy = format!("v=spf1 include:{next} include:{next} -all");
                // A string of a text holds 255 bytes.
                let (start, end) = policy.split_at(policy.len() / 2);
                RData::TXT(TXT::new(vec![start.to_owned(), end.to_owned()]))
            }
            WireType::MX => RData::MX(MX::new(10, asked.clone())),
            _ => RData::A(A(Ipv4Addr::new(192, 0, 2, 1))),
        };
        let record = Record::from_rdata(asked, 60, data);
        vec![bytes(&answer(query, ResponseCode::NoError, vec![record]))]
    })
    .await;
    let all = said(endless.address, PATIENT, mail()).await;
    assert_eq!(all, "fail [spf_too_many_lookups, dmarc_missing]");
    assert!(endless.asked().0 < 70, "{:?}", endless.asked());

    // A thousand policies of one name, over TCP.
    let many = Nameserver::start(|query, over_tcp| {
        if !over_tcp {
            let mut short = answer(query, ResponseCode::NoError, vec![]);
            short.metadata.truncation = true;
            return vec![bytes(&short)];
        }
        let policy = [&[10][..], b"v=spf1 all"].concat();
        let record = record_of(&ASKED, 16, &policy);
        vec![framed(&raw(query, [1, 2_500, 0, 0], &record.repeat(2_500)))]
    })
    .await;
    let all = said(many.address, PATIENT, mail()).await;
    assert_eq!(all, "fail [spf_several, dmarc_missing]");
}

#[tokio::test]
async fn of_a_transfer_the_first_message_is_read() {
    let probe = |server: SocketAddr| -> Arc<DnsTransferRefused> {
        Arc::new(serde_json::from_value(json!({"nameservers": [server.to_string()]})).unwrap())
    };
    let is_transfer = |query: &Message| query.queries[0].query_type() == WireType::AXFR;
    // A zone without an end: message after message, as long as somebody listens.
    let endless = Nameserver::start(move |query, _| {
        let soa = [&[0, 0][..], &[0; 20]].concat();
        let mut records = record_of(&ASKED, 6, &soa);
        let address = record_of(&ASKED, 1, &[192, 0, 2, 1]);
        let count = if is_transfer(query) { 4_000 } else { 0 };
        records.extend(address.repeat(count.into()));
        let mut message = raw(query, [1, count + 1, 0, 0], &records);
        message[2] |= 0x04;
        vec![framed(&message); if count > 0 { 200 } else { 1 }]
    })
    .await;
    let all = said(endless.address, PATIENT, probe(endless.address)).await;
    assert_eq!(all, "fail [transfer_allowed]");
    let key = DnsLookup::new(HOST, RecordType::Other(252)).directly(endless.address);
    let found = ask(&[], key.over(DnsTransport::Tcp), PATIENT).await.unwrap();
    assert_eq!(found.records.len(), 1);

    // One that says nothing to a transfer has not refused it.
    let mute = Nameserver::start(move |query, _| {
        if is_transfer(query) {
            return vec![];
        }
        let mut message = raw(query, [1, 1, 0, 0], &record_of(&ASKED, 6, &[0; 22]));
        message[2] |= 0x04;
        vec![framed(&message)]
    })
    .await;
    let all = said(mute.address, PATIENT, probe(mute.address)).await;
    assert_eq!(all, "unknown [transfer_not_told]");
}
