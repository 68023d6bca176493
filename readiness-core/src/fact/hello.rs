use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Endpoint, ServerChain, StartTls};
use crate::{observe::Observation, outcome::Reason};

/// Sends one ClientHello over a connection of its own and reads what comes back, without any cryptography:
/// what a server would agree to, also where no client of today would.
///
/// What is offered is all in the key, so equal offers are made once in a run.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TlsHello {
    /// To whom.
    pub endpoint: Endpoint,
    /// The dialogue in plain text before it, where TLS is not spoken from the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
    /// The one version that is offered.
    pub version: TlsVersion,
    /// The cipher suites that are offered, in this order, by their numbers in IANA's list.
    pub suites: Vec<u16>,
    /// The groups that are offered, in this order, by their numbers in IANA's list. Not sent with SSLv3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<u16>,
    /// The protocols that are offered by ALPN, in this order. Not sent with SSLv3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alpn: Vec<String>,
    /// Whether a hello of 256 to 511 bytes is made longer (RFC 7685): some servers hang on that size.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub padded: bool,
    /// Whether to read on after the ServerHello, through the certificate and the key exchange, which
    /// TLS 1.2 and older versions send in the clear.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub whole_flight: bool,
}

impl TlsHello {
    /// Offers this version with these suites, no groups and no protocols, and reads the ServerHello alone.
    pub fn new(endpoint: Endpoint, version: TlsVersion, suites: Vec<u16>) -> Self {
        Self {
            endpoint,
            starttls: None,
            version,
            suites,
            groups: Vec::new(),
            alpn: Vec::new(),
            padded: false,
            whole_flight: false,
        }
    }

    /// Holds this dialogue first, on an endpoint that speaks plain text from the first byte.
    pub fn starttls(mut self, dialogue: Option<StartTls>) -> Self {
        self.starttls = dialogue;
        self
    }

    /// Offers these groups.
    pub fn groups(mut self, groups: Vec<u16>) -> Self {
        self.groups = groups;
        self
    }

    /// Offers these protocols by ALPN.
    pub fn alpn(mut self, protocols: Vec<String>) -> Self {
        self.alpn = protocols;
        self
    }

    /// Makes a hello of 256 to 511 bytes longer.
    pub fn padded(mut self) -> Self {
        self.padded = true;
        self
    }

    /// Reads on through the certificate and the key exchange.
    pub fn whole_flight(mut self) -> Self {
        self.whole_flight = true;
        self
    }
}

impl Observation for TlsHello {
    const KIND: &'static str = "tls.hello";
    type Fact = HelloFacts;
}

/// What came back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HelloFacts {
    /// The answer.
    pub answer: HelloAnswer,
    /// How long it took from the open connection, in microseconds.
    #[serde(default)]
    pub duration_us: u64,
}

impl HelloFacts {
    /// This answer.
    pub fn new(answer: HelloAnswer) -> Self {
        Self {
            answer,
            duration_us: 0,
        }
    }
}

/// How a server answered a hello.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum HelloAnswer {
    /// It sent a fatal alert.
    Alert {
        /// The alert's number (RFC 8446, section 6).
        code: u8,
    },
    /// It closed the connection.
    Closed,
    /// It agreed. Whether to what was offered is judged elsewhere.
    Hello(Box<ServerHello>),
    /// It broke the rules of TLS.
    Malformed {
        /// How.
        message: String,
    },
    /// The dialogue before TLS did not lead to it: no hello was sent.
    NoDialogue {
        /// `starttls.declined`, `starttls.injected`, `starttls.unexpected`, …
        reason: Reason,
        /// The same in words.
        message: String,
    },
    /// It does not speak TLS.
    NotTls {
        /// What it speaks instead: "it answers in plain HTTP".
        message: String,
    },
    /// It reset the connection.
    Reset,
    /// It did not answer, or not to the end, before the deadline. This says nothing of what it offers.
    Silent,
    /// It sent more than is read.
    TooLarge {
        /// What was too large.
        message: String,
    },
}

/// What a server agreed to, and what of its first flight was read.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ServerHello {
    /// The version, as it was sent: `0x0304` is TLS 1.3.
    pub version: u16,
    /// The cipher suite.
    pub suite: u16,
    /// Whether it is a HelloRetryRequest (RFC 8446, section 4.1.4): it would go on with another key share.
    #[serde(default)]
    pub is_retry: bool,
    /// The group of the key exchange, where it was named.
    #[serde(default)]
    pub group: Option<u16>,
    /// The size of the Diffie-Hellman prime, in bits, where one was sent.
    #[serde(default)]
    pub dh_bits: Option<u32>,
    /// The protocol agreed by ALPN; empty where none was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alpn: String,
    /// The certificates in the order they were sent, where they were read.
    #[serde(default, skip_serializing_if = "ServerChain::is_empty")]
    pub chain: ServerChain,
    /// Why the rest of the flight was not read, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<String>,
}

impl ServerHello {
    /// This version and suite, and nothing else.
    pub fn new(version: u16, suite: u16) -> Self {
        Self {
            version,
            suite,
            is_retry: false,
            group: None,
            dh_bits: None,
            alpn: String::new(),
            chain: ServerChain::default(),
            cut: None,
        }
    }
}

/// A version of SSL or TLS, from the oldest that can be asked for to the newest.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[non_exhaustive]
pub enum TlsVersion {
    /// SSL 3.0 (RFC 6101).
    #[serde(rename = "SSLv3")]
    Ssl3,
    /// TLS 1.0 (RFC 2246).
    #[serde(rename = "TLSv1.0")]
    Tls10,
    /// TLS 1.1 (RFC 4346).
    #[serde(rename = "TLSv1.1")]
    Tls11,
    /// TLS 1.2 (RFC 5246).
    #[serde(rename = "TLSv1.2")]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    #[serde(rename = "TLSv1.3")]
    Tls13,
}

impl TlsVersion {
    /// All, oldest first.
    pub const ALL: [Self; 5] = [Self::Ssl3, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];

    /// The number on the wire: `0x0303` for TLS 1.2.
    pub fn number(self) -> u16 {
        match self {
            Self::Ssl3 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    /// The version of this number, if it is one of these.
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.number() == number)
    }
}

/// `SSLv3`, `TLS 1.2`.
impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ssl3 => "SSLv3",
            Self::Tls10 => "TLS 1.0",
            Self::Tls11 => "TLS 1.1",
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_survives_json() {
        let mut hello = ServerHello::new(0x0303, 0xc02f);
        hello.group = Some(29);
        hello.chain = ServerChain::new(vec![vec![0x30, 0]]);
        for answer in [
            HelloAnswer::Alert { code: 70 },
            HelloAnswer::Closed,
            HelloAnswer::Hello(Box::new(hello)),
            HelloAnswer::Malformed { message: "x".into() },
            HelloAnswer::NoDialogue {
                reason: Reason::TLS_CLOSED,
                message: "x".into(),
            },
            HelloAnswer::NotTls { message: "x".into() },
            HelloAnswer::Reset,
            HelloAnswer::Silent,
            HelloAnswer::TooLarge { message: "x".into() },
        ] {
            let facts = HelloFacts::new(answer);
            let json = serde_json::to_string(&facts).unwrap();
            assert_eq!(serde_json::from_str::<HelloFacts>(&json).unwrap(), facts);
        }
    }

    #[test]
    fn versions_have_their_numbers() {
        for version in TlsVersion::ALL {
            assert_eq!(TlsVersion::from_number(version.number()), Some(version));
        }
        assert_eq!(TlsVersion::from_number(0x0305), None);
        assert!(TlsVersion::ALL.is_sorted());
        assert_eq!(serde_json::to_string(&TlsVersion::Tls10).unwrap(), "\"TLSv1.0\"");
        assert_eq!(format!("{:>8}", TlsVersion::Tls12), " TLS 1.2");
    }
}
