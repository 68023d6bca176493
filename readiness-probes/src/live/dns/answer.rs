use std::{collections::HashMap, fmt::Write as _, net::SocketAddr};

use hickory_resolver::proto::{
    op::{Edns, Message, MessageType, OpCode, Query, ResponseCode},
    rr::{
        Name, RData, Record, RecordType as WireType,
        rdata::{
            SVCB,
            svcb::{SvcParamKey, SvcParamValue},
        },
    },
};
use readiness_core::fact::{DnsAnswer, DnsLookup, DnsRecord, DnsResult, RecordData, RecordType, Signatures};

use super::signed;

/// The largest datagram a nameserver may send: what passes everywhere without fragments.
/// RFC 9715, section 3.
const UDP_PAYLOAD_BYTES: u16 = 1232;

/// The most aliases that are followed within one answer. A longer chain is cut, and is a fault anyway.
const MOST_ALIASES: usize = 64;

/// A question, ready to be sent.
#[derive(Debug)]
pub(super) struct Question {
    name: Name,
    record_type: WireType,
    recursion_desired: bool,
    signatures: Signatures,
}

/// The most records of an answer that are kept. A message holds some 5,000 small ones, and one with pointers in
/// it a hundred times its size in names.
const MOST_RECORDS: usize = 1_024;

/// The most records of the authority and of the additional section that are kept: 13 nameservers with two
/// addresses each, and some more.
const MOST_KEPT: usize = 64;

/// AXFR. RFC 5936.
const ZONE_TRANSFER: RecordType = RecordType::Other(252);

/// What a nameserver's bytes are worth.
#[derive(Debug)]
pub(super) enum Reply {
    /// An answer to this question.
    Answer(Box<Message>),
    /// Nothing that answers this question, and why.
    Nothing(&'static str),
    /// The answer does not fit: it must be fetched over TCP.
    Truncated,
}

impl Question {
    /// The question of a key, or what is wrong with its name.
    pub(super) fn new(key: &DnsLookup) -> Result<Self, String> {
        let mut name = Name::from_ascii(&key.name)
            .map_err(|e| format!("`{}` is no domain name: {e}", key.name.escape_debug()))?;
        name.set_fqdn(true);
        Ok(Self {
            name,
            record_type: WireType::from(key.record_type.number()),
            recursion_desired: !key.without_recursion,
            signatures: key.signatures,
        })
    }

    /// A query with a fresh random id, and its bytes.
    pub(super) fn query(&self, with_edns: bool) -> Result<(Message, Vec<u8>), String> {
        let mut query = Message::query();
        query.metadata.recursion_desired = self.recursion_desired;
        query.metadata.checking_disabled = self.signatures == Signatures::Unchecked;
        // RFC 6840, section 5.7: who sets it understands it in the answer.
        query.metadata.authentic_data = self.signatures == Signatures::Checked;
        query.add_query(Query::query(self.name.clone(), self.record_type));
        if with_edns {
            let mut edns = Edns::new();
            edns.set_max_payload(UDP_PAYLOAD_BYTES).set_version(0);
            edns.set_dnssec_ok(self.signatures != Signatures::NotAsked);
            query.set_edns(edns);
        }
        let bytes = query
            .to_vec()
            .map_err(|e| format!("the query cannot be made: {e}"))?;
        Ok((query, bytes))
    }
}

/// Reads a reply to a query. Whatever is not one is nothing, so that nobody can end the wait by noise.
pub(super) fn read(bytes: &[u8], query: &Message) -> Reply {
    // The header first: a truncated message may end in the middle of a record.
    let Some(&[id_high, id_low, flags, _]) = bytes.first_chunk::<4>() else {
        return Reply::Nothing("a message too short");
    };
    if u16::from_be_bytes([id_high, id_low]) != query.metadata.id {
        return Reply::Nothing("a message with another id");
    }
    if flags & 0x80 == 0 {
        return Reply::Nothing("a query instead of an answer");
    }
    let truncated = flags & 0x02 != 0;
    let message = match Message::from_vec(bytes) {
        Ok(message) => message,
        Err(_) if truncated => return Reply::Truncated,
        Err(_) => return Reply::Nothing("a malformed message"),
    };
    if message.metadata.message_type != MessageType::Response || message.metadata.op_code != OpCode::Query {
        return Reply::Nothing("a message of another kind");
    }
    // Some servers leave the question out where they refuse; nothing else may do so.
    let code = message.metadata.response_code;
    let says_nothing = !matches!(code, ResponseCode::NoError | ResponseCode::NXDomain);
    let may_answer = message.queries == query.queries || (message.queries.is_empty() && says_nothing);
    if !may_answer {
        return Reply::Nothing("an answer to another question");
    }
    if message.metadata.truncation {
        Reply::Truncated
    } else {
        Reply::Answer(Box::new(message))
    }
}

/// Whether a server may only have stumbled over EDNS. RFC 6891, section 7.
pub(super) fn dislikes_edns(message: &Message) -> bool {
    let code = message.metadata.response_code;
    message.edns.is_none() && matches!(code, ResponseCode::FormErr | ResponseCode::NotImp)
}

/// What an answer says: the chain of aliases from the name asked for, and the records at its end.
/// Records of other names are left out, whoever put them there.
pub(super) fn fact(message: &Message, key: &DnsLookup, nameserver: SocketAddr) -> DnsAnswer {
    let (mut records, left_out) = followed(message, key);
    let is_transfer = key.record_type == ZONE_TRANSFER;
    if is_transfer {
        // It gives the whole zone away; what it begins with is enough to tell.
        records = kept(message.answers.iter().take(1));
    }
    let is_wanted = |record: &DnsRecord| is_transfer || record.data.is_of(key.record_type);
    let found = records.iter().any(is_wanted);
    let result = match message.metadata.response_code {
        ResponseCode::NoError if found => DnsResult::Records,
        ResponseCode::NoError if records.is_empty() && refers(message, key) => DnsResult::Referral,
        ResponseCode::NoError => DnsResult::NoData,
        ResponseCode::NXDomain => DnsResult::NxDomain,
        ResponseCode::Refused => DnsResult::Refused,
        ResponseCode::ServFail => DnsResult::ServFail,
        other => DnsResult::Rcode(other.into()),
    };
    let mut answer = DnsAnswer::new(result, nameserver.to_string());
    answer.authoritative = message.metadata.authoritative;
    answer.recursion_available = message.metadata.recursion_available;
    if key.without_recursion {
        answer.authority = kept(&message.authorities);
        answer.additional = kept(&message.additionals);
    }
    answer.records = records;
    answer.records_left_out = u32::try_from(left_out).unwrap_or(u32::MAX);
    if key.signatures != Signatures::NotAsked {
        answer.authenticated = message.metadata.authentic_data;
        (answer.wire, answer.wire_left_out) = signed::records(message);
    }
    answer
}

/// Whether a server that was asked to look a name up names other nameservers instead. RFC 2308, section 2.2:
/// an answer that there is nothing comes with a SOA record, or with no record at all.
fn refers(message: &Message, key: &DnsLookup) -> bool {
    let has = |wanted| {
        let mut types = message.authorities.iter().map(Record::record_type);
        types.any(|found| found == wanted)
    };
    !key.without_recursion && !message.metadata.authoritative && has(WireType::NS) && !has(WireType::SOA)
}

/// The chain of aliases with what is at its end, and how many records more there are than are kept.
fn followed(message: &Message, key: &DnsLookup) -> (Vec<DnsRecord>, usize) {
    // Names alone, until it is known which records are wanted.
    let mut by_owner: HashMap<String, Vec<&Record>> = HashMap::new();
    for record in &message.answers {
        by_owner.entry(plain(&record.name)).or_default().push(record);
    }
    let mut chain = Vec::new();
    let mut name = key.name.clone();
    for _ in 0..=MOST_ALIASES {
        // Taken out: a name met twice closes a loop and ends the walk.
        let Some(here) = by_owner.remove(&name) else { break };
        let wanted = || {
            let is_wanted = |record: &&&Record| {
                let kind = RecordType::from_number(record.record_type().into());
                kind == key.record_type
            };
            here.iter().filter(is_wanted)
        };
        let count = wanted().count();
        if count > 0 {
            chain.extend(wanted().take(MOST_RECORDS).map(|record| plain_record(record)));
            return (chain, count.saturating_sub(MOST_RECORDS));
        }
        let alias = here.iter().find_map(|record| match &record.data {
            RData::CNAME(to) => Some((plain(&to.0), plain_record(record))),
            _ => None,
        });
        let Some((to, record)) = alias else { break };
        chain.push(record);
        name = to;
    }
    (chain, 0)
}

/// The records of another section, cut where there are many.
fn kept<'a>(section: impl IntoIterator<Item = &'a Record>) -> Vec<DnsRecord> {
    section.into_iter().take(MOST_KEPT).map(plain_record).collect()
}

fn plain_record(record: &Record) -> DnsRecord {
    let data = data(record.record_type(), &record.data);
    DnsRecord::new(plain(&record.name), record.ttl, data)
}

fn data(wire: WireType, data: &RData) -> RecordData {
    match data {
        RData::A(address) => RecordData::A(address.0),
        RData::AAAA(address) => RecordData::Aaaa(address.0),
        RData::CAA(caa) => RecordData::Caa {
            flags: caa.flags(),
            tag: caa.tag.to_ascii_lowercase(),
            value: String::from_utf8_lossy(&caa.value).into_owned(),
        },
        RData::CNAME(name) => RecordData::Cname(plain(&name.0)),
        RData::HTTPS(https) => service(&https.0),
        RData::MX(mx) => RecordData::Mx {
            preference: mx.preference,
            exchange: plain(&mx.exchange),
        },
        RData::NS(name) => RecordData::Ns(plain(&name.0)),
        RData::PTR(name) => RecordData::Ptr(plain(&name.0)),
        RData::SOA(soa) => RecordData::Soa {
            mname: plain(&soa.mname),
            rname: plain(&soa.rname),
            serial: soa.serial,
            // Read as signed, and meant as unsigned (RFC 1035, section 3.3.13).
            refresh: soa.refresh.cast_unsigned(),
            retry: soa.retry.cast_unsigned(),
            expire: soa.expire.cast_unsigned(),
            minimum: soa.minimum,
        },
        RData::SRV(srv) => RecordData::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: plain(&srv.target),
        },
        RData::SVCB(svcb) => service(svcb),
        RData::TLSA(tlsa) => RecordData::Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: hex(&tlsa.cert_data),
        },
        RData::TXT(text) => RecordData::Txt(text.to_string()),
        other => RecordData::Other {
            record_type: RecordType::from_number(wire.into()),
            text: other.to_string(),
        },
    }
}

fn service(svcb: &SVCB) -> RecordData {
    let param = |(key, value): &(SvcParamKey, SvcParamValue)| {
        let value = value.to_string();
        (key.to_string(), value.trim_end_matches(',').to_owned())
    };
    RecordData::Svcb {
        priority: svcb.svc_priority,
        target: plain(&svcb.target_name),
        params: svcb.svc_params.iter().map(param).collect(),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn plain(name: &Name) -> String {
    let text = name.to_ascii().to_ascii_lowercase();
    match text.strip_suffix('.') {
        Some("") | None => text,
        Some(text) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use hickory_resolver::proto::rr::rdata::{A, CNAME};
    use readiness_core::fact::Family;

    use super::*;

    fn key() -> DnsLookup {
        DnsLookup::address("www.example.com", Family::V4)
    }

    fn name(text: &str) -> Name {
        let mut name = Name::from_ascii(text).unwrap();
        name.set_fqdn(true);
        name
    }

    fn a(owner: &str, last: u8) -> Record {
        let address = Ipv4Addr::new(192, 0, 2, last);
        Record::from_rdata(name(owner), 60, RData::A(A(address)))
    }

    fn alias(owner: &str, to: &str) -> Record {
        Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(to))))
    }

    fn reply(query: &Message, answers: Vec<Record>) -> Message {
        let mut reply = Message::response(query.metadata.id, OpCode::Query);
        reply.add_queries(query.queries.clone());
        reply.insert_answers(answers);
        reply
    }

    fn judged(answers: Vec<Record>) -> DnsAnswer {
        let (query, _) = Question::new(&key()).unwrap().query(true).unwrap();
        let bytes = reply(&query, answers).to_vec().unwrap();
        let Reply::Answer(message) = read(&bytes, &query) else {
            panic!("no answer")
        };
        fact(&message, &key(), "192.0.2.53:53".parse().unwrap())
    }

    #[test]
    fn the_chain_is_kept_and_strangers_are_not() {
        let answer = judged(vec![
            a("evil.example.net", 66),
            a("cdn.example.net", 1),
            alias("WWW.example.com", "cdn.Example.net"),
            a("cdn.example.net", 2),
        ]);
        assert_eq!(answer.result, DnsResult::Records);
        assert_eq!(answer.cname_chain(), [("www.example.com", "cdn.example.net")]);
        let found: Vec<String> = answer.addresses().iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.1", "192.0.2.2"]);
    }

    #[test]
    fn a_loop_ends_and_shows_itself() {
        let answer = judged(vec![
            alias("www.example.com", "b.example.com"),
            alias("b.example.com", "www.example.com"),
        ]);
        assert_eq!(answer.result, DnsResult::NoData);
        assert_eq!(
            answer.cname_chain(),
            [
                ("www.example.com", "b.example.com"),
                ("b.example.com", "www.example.com")
            ]
        );
        let itself = judged(vec![alias("www.example.com", "www.example.com")]);
        assert_eq!(itself.cname_chain().len(), 1);
    }

    #[test]
    fn an_endless_chain_is_cut() {
        let mut records = vec![alias("www.example.com", "n0.example.com")];
        records.extend(
            (0..200).map(|i| alias(&format!("n{i}.example.com"), &format!("n{}.example.com", i + 1))),
        );
        records.push(a("n200.example.com", 1));
        let answer = judged(records);
        assert_eq!(answer.result, DnsResult::NoData);
        assert_eq!(answer.records.len(), MOST_ALIASES + 1);
    }

    #[test]
    fn only_an_answer_to_the_question_counts() {
        let (query, bytes) = Question::new(&key()).unwrap().query(true).unwrap();
        let good = reply(&query, vec![a("www.example.com", 1)]);
        let with = |change: &dyn Fn(&mut Message)| {
            let mut message = good.clone();
            change(&mut message);
            message.to_vec().unwrap()
        };
        let other = Query::query(name("other.example.com"), WireType::A);
        let nothing: [Vec<u8>; 8] = [
            vec![],
            vec![0; 3],
            bytes,
            with(&|m| m.metadata.id ^= 1),
            with(&|m| m.queries = vec![other.clone()]),
            with(&|m| m.queries.clear()),
            with(&|m| m.metadata.op_code = OpCode::Notify),
            // a record that is promised and does not come
            good.to_vec().unwrap().split_last().unwrap().1.to_vec(),
        ];
        for bytes in nothing {
            assert!(matches!(read(&bytes, &query), Reply::Nothing(_)), "{bytes:?}");
        }
        let refused = with(&|m| {
            m.queries.clear();
            m.answers.clear();
            m.metadata.response_code = ResponseCode::Refused;
        });
        assert!(matches!(read(&refused, &query), Reply::Answer(_)));
        let upper = with(&|m| {
            m.queries = vec![Query::query(name("WWW.EXAMPLE.COM"), WireType::A)];
        });
        assert!(matches!(read(&upper, &query), Reply::Answer(_)));
    }

    #[test]
    fn a_truncated_answer_is_known_by_its_header() {
        let (query, _) = Question::new(&key()).unwrap().query(true).unwrap();
        let mut message = reply(&query, vec![a("www.example.com", 1)]);
        message.metadata.truncation = true;
        let bytes = message.to_vec().unwrap();
        assert!(matches!(read(&bytes, &query), Reply::Truncated));
        let half = &bytes[..bytes.len() - 3];
        assert!(matches!(read(half, &query), Reply::Truncated));
    }

    #[test]
    fn names_that_cannot_be_asked_are_errors() {
        let long = "a".repeat(64);
        for wrong in [long.as_str(), "a..b", &"a.".repeat(200)] {
            assert!(
                Question::new(&DnsLookup::new(wrong, RecordType::A)).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn every_type_is_kept_as_what_it_says() {
        use hickory_resolver::proto::rr::rdata::{self, caa::KeyValue, svcb::Alpn};

        let soa = rdata::SOA::new(name("ns.example.com"), name("h.example.com"), 7, -1, 2, 3, 4);
        let params = vec![
            (
                SvcParamKey::Alpn,
                SvcParamValue::Alpn(Alpn(vec!["h2".into(), "h3".into()])),
            ),
            (SvcParamKey::Port, SvcParamValue::Port(8443)),
        ];
        let options = vec![KeyValue::new("validationmethods", "dns-01")];
        let rows = [
            (
                RData::MX(rdata::MX::new(10, name("Mail.example.com"))),
                "10 mail.example.com",
            ),
            (RData::NS(rdata::NS(name("ns.example.com"))), "ns.example.com"),
            (RData::PTR(rdata::PTR(name("."))), "."),
            (RData::SOA(soa), "ns.example.com h.example.com 7 4294967295 2 3 4"),
            (
                RData::SRV(rdata::SRV::new(1, 2, 443, name("h.example.com"))),
                "1 2 443 h.example.com",
            ),
            (RData::TXT(rdata::TXT::new(vec!["a ".into(), "b".into()])), "a b"),
            (
                RData::HTTPS(rdata::HTTPS(SVCB::new(1, name("."), params))),
                "1 . alpn=h2,h3 port=8443",
            ),
            (
                RData::CAA(rdata::CAA::new_issue(true, Some(name("ca.example.net")), options)),
                "128 issue \"ca.example.net; validationmethods=dns-01\"",
            ),
        ];
        for (wire, shown) in rows {
            let kind = RecordType::from_number(wire.record_type().into());
            let kept = data(wire.record_type(), &wire);
            let expected = RecordData::parse(kind, shown).unwrap();
            if kind != RecordType::Caa {
                assert_eq!(kept, expected);
            }
            assert_eq!(kept.to_string().replace(".;", ";"), shown);
            assert!(kept.is_of(kind));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..600)) {
            let (query, _) = Question::new(&key()).unwrap().query(true).unwrap();
            // past the first checks, so that the rest is reached
            if let Some(start) = bytes.first_chunk_mut::<4>() {
                let id = query.metadata.id.to_be_bytes();
                *start = [id[0], id[1], 0x80, 0];
            }
            if let Reply::Answer(message) = read(&bytes, &query) {
                let _ = fact(&message, &key(), "192.0.2.53:53".parse().unwrap());
            }
        }
    }
}
