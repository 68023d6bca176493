mod data;
mod kind;
mod signed;

use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

pub use self::{
    data::RecordData,
    kind::RecordType,
    signed::{DnsSection, Signatures, WireRecord},
};
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
    /// How the question travels.
    #[serde(default, skip_serializing_if = "DnsTransport::is_default")]
    pub transport: DnsTransport,
    /// Whether the nameserver is to say only what it knows itself (RD is not set). The answer then keeps its
    /// other sections too.
    #[serde(default, skip_serializing_if = "is_false")]
    pub without_recursion: bool,
    /// How long one try may take, in milliseconds; as long as the source allows where 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt_ms: u32,
    /// Whether signatures are asked for. The answer then keeps its records [as they came](DnsAnswer::wire).
    #[serde(default, skip_serializing_if = "Signatures::is_default")]
    pub signatures: Signatures,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl DnsLookup {
    /// Asks the machine's nameservers, or those the source was built with.
    pub fn new(name: &str, record_type: RecordType) -> Self {
        Self {
            name: name.trim_end_matches('.').to_ascii_lowercase(),
            record_type,
            nameservers: Vec::new(),
            sample: 0,
            transport: DnsTransport::Auto,
            without_recursion: false,
            attempt_ms: 0,
            signatures: Signatures::NotAsked,
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

    /// Asks this nameserver for what it knows itself, and keeps all sections of its answer.
    pub fn directly(mut self, nameserver: SocketAddr) -> Self {
        self.nameservers = vec![nameserver];
        self.without_recursion = true;
        self
    }

    /// Sets how the question travels.
    pub fn over(mut self, transport: DnsTransport) -> Self {
        self.transport = transport;
        self
    }

    /// Sets how long one try may take, in milliseconds; the source may allow less.
    pub fn attempt_ms(mut self, milliseconds: u32) -> Self {
        self.attempt_ms = milliseconds;
        self
    }

    /// Asks for signatures too.
    pub fn signatures(mut self, signatures: Signatures) -> Self {
        self.signatures = signatures;
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

/// How a question travels.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DnsTransport {
    /// Over UDP, and over TCP where the answer does not fit.
    #[default]
    Auto,
    /// Over TCP alone.
    Tcp,
    /// Over UDP alone: an answer that does not fit is no answer.
    Udp,
}

impl DnsTransport {
    fn is_default(&self) -> bool {
        *self == Self::default()
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
    /// How many more records the answer held than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub records_left_out: u32,
    /// Who answered: an address, `override`, or `system resolver`.
    pub answered_by: String,
    /// The records of the authority section, where the question was put [directly](DnsLookup::directly).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authority: Vec<DnsRecord>,
    /// The records of the additional section, where the question was put [directly](DnsLookup::directly).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub additional: Vec<DnsRecord>,
    /// Whether the answer came with authority (AA).
    #[serde(default)]
    pub authoritative: bool,
    /// Whether the server offers to ask others (RA).
    #[serde(default, skip_serializing_if = "is_false")]
    pub recursion_available: bool,
    /// Whether the server says that it checked the signatures (AD).
    #[serde(default, skip_serializing_if = "is_false")]
    pub authenticated: bool,
    /// The records of both sections as they came, where [signatures](DnsLookup::signatures) were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<WireRecord>,
    /// How many more such records came than are kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub wire_left_out: u32,
    /// The tries before this answer that brought none, or a refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_attempts: Vec<DnsAttempt>,
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
            records_left_out: 0,
            answered_by: answered_by.into(),
            authority: Vec::new(),
            additional: Vec::new(),
            authoritative: false,
            recursion_available: false,
            authenticated: false,
            wire: Vec::new(),
            wire_left_out: 0,
            failed_attempts: Vec::new(),
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

/// A try that brought no answer, or one that is none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DnsAttempt {
    /// Who was asked.
    pub server: SocketAddr,
    /// What came of it, in words.
    pub problem: String,
}

impl DnsAttempt {
    /// A try.
    pub fn new(server: SocketAddr, problem: impl Into<String>) -> Self {
        Self {
            server,
            problem: problem.into(),
        }
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
    /// No answer: the server was asked to look the name up, and names other nameservers instead.
    Referral,
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
