//! The records of an answer as they are signed.

use std::fmt::Write as _;

use hickory_resolver::proto::{
    op::Message,
    rr::{DNSClass, Name, Record},
    serialize::binary::{BinEncodable, BinEncoder, NameEncoding},
};
use readiness_core::fact::{DnsSection, RecordType, WireRecord};

use super::answer::hex;

/// The most records of one answer that are kept. The largest zone above others, the root, has 30 in an answer
/// with all signatures.
const MOST_WIRE: usize = 500;

/// The records of the answer and the authority section, and how many more there were.
pub(super) fn records(message: &Message) -> (Vec<WireRecord>, u32) {
    let answers = message.answers.iter().map(|record| (DnsSection::Answer, record));
    let authorities = message
        .authorities
        .iter()
        .map(|record| (DnsSection::Authority, record));
    let mut all = answers
        .chain(authorities)
        .filter(|(_, record)| record.dns_class == DNSClass::IN);
    let kept = all
        .by_ref()
        .take(MOST_WIRE)
        .filter_map(|(section, record)| wire(section, record))
        .collect();
    (kept, u32::try_from(all.count()).unwrap_or(u32::MAX))
}

fn wire(section: DnsSection, record: &Record) -> Option<WireRecord> {
    let mut data = Vec::new();
    let mut encoder = BinEncoder::new(&mut data);
    encoder.set_canonical_form(true);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    record.data.emit(&mut encoder).ok()?;
    Some(WireRecord::new(
        section,
        owner(&record.name),
        RecordType::from_number(record.record_type().into()),
        record.ttl,
        hex(&data),
    ))
}

/// A name with its escapes in decimal digits (RFC 1035, section 5.1), whatever its bytes.
fn owner(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter() {
        if !text.is_empty() {
            text.push('.');
        }
        for byte in label.iter().map(u8::to_ascii_lowercase) {
            match byte {
                b'.' | b'\\' => {
                    text.push('\\');
                    text.push(byte.into());
                }
                0x21..=0x7e => text.push(byte.into()),
                _ => {
                    let _ = write!(text, "\\{byte:03}");
                }
            }
        }
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        op::OpCode,
        rr::{
            RData,
            rdata::{A, MX, NULL},
        },
    };

    use readiness_core::fact::{DnsLookup, Signatures};

    use super::{super::answer::Question, *};

    #[test]
    fn the_question_says_what_is_wanted() {
        let key = DnsLookup::new("example.com", RecordType::A);
        for (signatures, bits) in [
            (Signatures::NotAsked, (false, false, false)),
            (Signatures::Unchecked, (true, true, false)),
            (Signatures::Checked, (true, false, true)),
        ] {
            let question = Question::new(&key.clone().signatures(signatures)).unwrap();
            let (_, bytes) = question.query(true).unwrap();
            let sent = Message::from_vec(&bytes).unwrap();
            let wants = sent.edns.as_ref().unwrap().flags().dnssec_ok;
            let metadata = &sent.metadata;
            assert_eq!(
                (wants, metadata.checking_disabled, metadata.authentic_data),
                bits,
                "{signatures:?}"
            );
        }
    }

    fn name(text: &str) -> Name {
        Name::from_ascii(text).unwrap()
    }

    #[test]
    fn names_are_lower_case_and_unknown_data_stays_as_it_is() {
        let mut message = Message::response(1, OpCode::Query);
        let mx = RData::MX(MX::new(10, name("Mail.Example.COM.")));
        message.add_answer(Record::from_rdata(name("Example.com."), 60, mx));
        let signature = RData::Unknown {
            code: 46.into(),
            rdata: NULL::with(vec![0, 1, 8, 0xAB]),
        };
        message.add_authority(Record::from_rdata(name("."), 60, signature));
        let (kept, left_out) = records(&message);
        let shown: Vec<String> = kept
            .iter()
            .map(|r| format!("{:?} {} {} {}", r.section, r.name, r.record_type, r.data))
            .collect();
        assert_eq!(
            shown,
            [
                "Answer example.com MX 000a046d61696c076578616d706c6503636f6d00",
                "Authority . RRSIG 000108ab"
            ]
        );
        assert_eq!(left_out, 0);
    }

    #[test]
    fn owners_keep_every_byte() {
        let labels: [&[u8]; 3] = [b"A b", b"c.d\\", &[0, 200]];
        let name = Name::from_labels(labels).unwrap();
        assert_eq!(owner(&name), r"a\032b.c\.d\\.\000\200");
        assert_eq!(owner(&Name::root()), ".");
    }

    #[test]
    fn a_flood_is_cut_and_counted() {
        let mut message = Message::response(1, OpCode::Query);
        for n in 0..10_000_u32 {
            let address = RData::A(A(n.into()));
            message.add_answer(Record::from_rdata(name("example.com."), 60, address));
        }
        let (kept, left_out) = records(&message);
        assert_eq!((kept.len(), left_out), (MOST_WIRE, 9_500));
    }
}
