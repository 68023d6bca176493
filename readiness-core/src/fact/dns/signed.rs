use serde::{Deserialize, Serialize};

use super::RecordType;

/// Whether a question asks for signatures. RFC 4035, section 3.2.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Signatures {
    /// They are asked for, and the server is to check them itself: DO without CD, and AD.
    Checked,
    /// They are not asked for.
    #[default]
    NotAsked,
    /// They are asked for, and what does not verify is wanted too: DO and CD.
    Unchecked,
}

impl Signatures {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The section of an answer that a record stands in.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DnsSection {
    /// What was asked for, and the aliases on the way.
    Answer,
    /// Whose answer it is, and the proof of what does not exist.
    Authority,
}

/// One record with its data as it is signed: the canonical form of RFC 4034, section 6.2.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WireRecord {
    /// Where it stands.
    pub section: DnsSection,
    /// The owner name, in lower case without a final dot; the root is `.`.
    pub name: String,
    /// Its type.
    pub record_type: RecordType,
    /// The time to live, in seconds.
    pub ttl_seconds: u32,
    /// The data, in hexadecimal digits of lower case.
    pub data: String,
}

impl WireRecord {
    /// A record.
    pub fn new(
        section: DnsSection,
        name: impl Into<String>,
        record_type: RecordType,
        ttl_seconds: u32,
        data: impl Into<String>,
    ) -> Self {
        Self {
            section,
            name: name.into(),
            record_type,
            ttl_seconds,
            data: data.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{DnsAnswer, DnsLookup, DnsResult};

    #[test]
    fn what_was_not_asked_for_is_not_written() {
        let key = DnsLookup::new("example.com", RecordType::Ds);
        let plain = serde_json::to_string(&key).unwrap();
        assert!(!plain.contains("signatures"), "{plain}");
        let asked = key.signatures(Signatures::Unchecked);
        let json = serde_json::to_string(&asked).unwrap();
        assert!(json.contains("\"signatures\":\"unchecked\""), "{json}");
        assert_eq!(serde_json::from_str::<DnsLookup>(&json).unwrap(), asked);

        let mut answer = DnsAnswer::new(DnsResult::Records, "192.0.2.53:53");
        let plain = serde_json::to_string(&answer).unwrap();
        assert!(
            !plain.contains("wire") && !plain.contains("authenticated"),
            "{plain}"
        );
        answer.wire = vec![WireRecord::new(
            DnsSection::Authority,
            "example.com",
            RecordType::Nsec,
            60,
            "00",
        )];
        let json = serde_json::to_string(&answer).unwrap();
        assert_eq!(serde_json::from_str::<DnsAnswer>(&json).unwrap(), answer);
    }
}
