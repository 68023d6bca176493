use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use serde::{Deserialize, Serialize};

use super::Family;
use crate::observe::Observation;

/// One question to a nameserver.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DnsLookup {
    /// The name in lower case, without a final dot; it is always meant as absolute.
    pub name: String,
    /// The type of record asked for.
    pub record_type: RecordType,
    /// The nameservers to ask instead of the machine's, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nameservers: Vec<SocketAddr>,
    /// The n-th look at the same thing, from 0.
    #[serde(default)]
    pub sample: u32,
}

impl DnsLookup {
    /// Asks the machine's nameservers, or those the source was built with.
    pub fn new(name: &str, record_type: RecordType) -> Self {
        Self {
            name: name.trim_end_matches('.').to_ascii_lowercase(),
            record_type,
            nameservers: Vec::new(),
            sample: 0,
        }
    }

    /// Asks for the addresses of one family.
    pub fn address(name: &str, family: Family) -> Self {
        Self::new(
            name,
            match family {
                Family::V4 => RecordType::A,
                Family::V6 => RecordType::Aaaa,
            },
        )
    }

    /// Asks these nameservers instead.
    pub fn via(mut self, nameservers: Vec<SocketAddr>) -> Self {
        self.nameservers = nameservers;
        self
    }

    /// Looks once more at the same thing.
    pub fn sample(mut self, n: u32) -> Self {
        self.sample = n;
        self
    }
}

impl Observation for DnsLookup {
    const KIND: &'static str = "dns.lookup";
    type Fact = DnsAnswer;
}

/// A type of record. RFC 1035, section 3.2.2, and its successors.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
#[serde(try_from = "String", into = "String")]
pub enum RecordType {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Which authorities may issue certificates. RFC 8659.
    Caa,
    /// Alias.
    Cname,
    /// Mail exchange.
    Mx,
    /// Nameserver.
    Ns,
    /// Name of an address.
    Ptr,
    /// Start of authority.
    Soa,
    /// Service location.
    Srv,
    /// Text.
    Txt,
    /// Any other, by its number.
    Other(u16),
}

const RECORD_TYPES: [(RecordType, &str); 10] = [
    (RecordType::A, "A"),
    (RecordType::Aaaa, "AAAA"),
    (RecordType::Caa, "CAA"),
    (RecordType::Cname, "CNAME"),
    (RecordType::Mx, "MX"),
    (RecordType::Ns, "NS"),
    (RecordType::Ptr, "PTR"),
    (RecordType::Soa, "SOA"),
    (RecordType::Srv, "SRV"),
    (RecordType::Txt, "TXT"),
];

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Other(number) = self {
            return write!(f, "TYPE{number}");
        }
        let name = RECORD_TYPES.iter().find(|(known, _)| known == self);
        f.write_str(name.map_or("?", |(_, name)| name))
    }
}

impl FromStr for RecordType {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        RECORD_TYPES
            .iter()
            .find(|(_, name)| name.eq_ignore_ascii_case(text))
            .map(|(known, _)| *known)
            .or_else(|| {
                let number = text.strip_prefix("TYPE")?;
                number.parse().ok().map(Self::Other)
            })
            .ok_or_else(|| format!("`{text}` is no record type; write `A`, `AAAA`, `MX` or `TYPE65`"))
    }
}

impl TryFrom<String> for RecordType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<RecordType> for String {
    fn from(record_type: RecordType) -> Self {
        record_type.to_string()
    }
}

/// What a nameserver said.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DnsAnswer {
    /// The gist of it.
    pub result: DnsResult,
    /// The records of the answer section, aliases among them, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<DnsRecord>,
    /// Who answered: an address, `override`, or `system resolver`.
    pub answered_by: String,
    /// Whether the answer came with authority (AA).
    #[serde(default)]
    pub authoritative: bool,
    /// How many queries it took.
    #[serde(default)]
    pub queries: u32,
    /// How long it took, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

impl DnsAnswer {
    /// An answer without records.
    pub fn new(result: DnsResult, answered_by: impl Into<String>) -> Self {
        Self {
            result,
            records: Vec::new(),
            answered_by: answered_by.into(),
            authoritative: false,
            queries: 0,
            duration_us: 0,
        }
    }

    /// An answer with these addresses and nothing else to it.
    pub fn of_addresses(name: &str, addresses: &[IpAddr], answered_by: impl Into<String>) -> Self {
        let records = addresses.iter().map(|address| {
            DnsRecord::new(
                name,
                0,
                match address {
                    IpAddr::V4(address) => RecordData::A(*address),
                    IpAddr::V6(address) => RecordData::Aaaa(*address),
                },
            )
        });
        let result = if addresses.is_empty() {
            DnsResult::NoData
        } else {
            DnsResult::Records
        };
        Self {
            records: records.collect(),
            ..Self::new(result, answered_by)
        }
    }

    /// The addresses among the records, each once, in the order they came.
    pub fn addresses(&self) -> Vec<IpAddr> {
        let mut all = Vec::new();
        for record in &self.records {
            let address = match record.data {
                RecordData::A(address) => IpAddr::V4(address),
                RecordData::Aaaa(address) => IpAddr::V6(address),
                _ => continue,
            };
            if !all.contains(&address) {
                all.push(address);
            }
        }
        all
    }

    /// The aliases that were followed, in order: `("www.example.com", "example.com")`.
    pub fn cname_chain(&self) -> Vec<(&str, &str)> {
        self.records
            .iter()
            .filter_map(|record| match &record.data {
                RecordData::Cname(to) => Some((record.name.as_str(), to.as_str())),
                _ => None,
            })
            .collect()
    }
}

/// The gist of a nameserver's answer. RFC 1035 section 4.1.1, RFC 2308.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DnsResult {
    /// The name exists, and has no record of this type.
    NoData,
    /// The name does not exist.
    NxDomain,
    /// Another response code.
    Rcode(u16),
    /// The records asked for.
    Records,
    /// The server refused to answer.
    Refused,
    /// The server failed.
    ServFail,
}

/// One resource record.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DnsRecord {
    /// The owner name, in lower case without a final dot.
    pub name: String,
    /// The time to live, in seconds.
    pub ttl_seconds: u32,
    /// What it says.
    #[serde(flatten)]
    pub data: RecordData,
}

impl DnsRecord {
    /// A record.
    pub fn new(name: impl Into<String>, ttl_seconds: u32, data: RecordData) -> Self {
        Self {
            name: name.into(),
            ttl_seconds,
            data,
        }
    }
}

/// What a record says. Names are in lower case, without a final dot.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(tag = "type", content = "data")]
pub enum RecordData {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    #[serde(rename = "AAAA")]
    Aaaa(Ipv6Addr),
    /// An alias.
    #[serde(rename = "CNAME")]
    Cname(String),
    /// Any other record in presentation form, with its type.
    #[serde(rename = "other")]
    Other {
        /// Its type.
        record_type: RecordType,
        /// Its data as a zone file would write it.
        text: String,
    },
}
