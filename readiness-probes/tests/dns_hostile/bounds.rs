//! Messages as large as they can be.

use super::{peers::*, *};

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
    // Eight thousand pointers, each to the one before, and three hundred owners that begin at the last.
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
        raw(query, [1, 301, 0, 0], &[chain, again.repeat(300)].concat())
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
