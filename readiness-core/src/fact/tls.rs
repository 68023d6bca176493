use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Endpoint, StartTls};
use crate::{observe::Observation, outcome::Reason};

/// Shakes hands once, offering TLS 1.2 and 1.3. Shares its connection with the endpoint's exchanges.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TlsHandshake {
    /// With whom.
    pub endpoint: Endpoint,
    /// The dialogue in plain text before it, where TLS is not spoken from the first byte.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starttls: Option<StartTls>,
    /// The protocols to offer by ALPN; `None` for those of HTTP, or for none after a dialogue. A handshake
    /// that offers others has a connection of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<Vec<String>>,
}

impl TlsHandshake {
    /// A handshake with this endpoint.
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            starttls: None,
            alpn: None,
        }
    }

    /// Offers these protocols by ALPN, in this order; an empty list offers none.
    pub fn alpn(mut self, protocols: Option<Vec<String>>) -> Self {
        self.alpn = protocols;
        self
    }

    /// Holds this dialogue first, on an endpoint that speaks plain text from the first byte.
    pub fn starttls(mut self, dialogue: Option<StartTls>) -> Self {
        self.starttls = dialogue;
        self
    }
}

impl Observation for TlsHandshake {
    const KIND: &'static str = "tls.handshake";
    type Fact = TlsFacts;
}

/// What became of a handshake.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TlsFacts {
    /// How it ended.
    pub end: TlsEnd,
    /// What was seen before the peer refused us, where it had shown its certificate: what both sides had
    /// agreed upon is not known, and the chain stands in [`end`](Self::end) alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Box<TlsSession>>,
    /// How long the TCP connection took, in microseconds.
    #[serde(default)]
    pub connect_us: u64,
    /// How long the handshake took, in microseconds.
    #[serde(default)]
    pub handshake_us: u64,
    /// How long the dialogue before it took, in microseconds; 0 where there was none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub starttls_us: u64,
}

impl TlsFacts {
    /// A handshake with this end.
    pub fn new(end: TlsEnd) -> Self {
        Self {
            end,
            seen: None,
            connect_us: 0,
            handshake_us: 0,
            starttls_us: 0,
        }
    }
}

impl TlsFacts {
    /// Says what was seen before the refusal.
    pub fn seen(mut self, seen: Option<TlsSession>) -> Self {
        self.seen = seen.map(Box::new);
        self
    }
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// How a handshake ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum TlsEnd {
    /// Both sides agreed. Whether the certificate is any good is another question.
    Established(Box<TlsSession>),
    /// The peer, or our own library, ended it.
    Refused {
        /// `tls.alert`, `tls.not_tls`, `tls.malformed`, `tls.message_too_large`, …
        reason: Reason,
        /// The same in words: "the peer sent the alert `handshake_failure`".
        message: String,
        /// The chain, if it came before the end.
        #[serde(default)]
        chain: ServerChain,
    },
}

/// What both sides agreed upon, and what the peer showed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TlsSession {
    /// The certificates in the order they were sent.
    pub chain: ServerChain,
    /// Whether the chain leads to a trusted root and names this host, now.
    pub trust: Trust,
    /// The trusted root the chain leads to, where it leads to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor: Option<Anchor>,
    /// Whether the handshake's signature was made with the certificate's key.
    pub signature_valid: bool,
    /// The stapled OCSP response, if one was sent.
    #[serde(default, skip_serializing_if = "ServerChain::is_empty")]
    pub ocsp_staple: ServerChain,
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: String,
    /// The cipher suite by its IANA name: `TLS_AES_128_GCM_SHA256`.
    pub suite: String,
    /// The group of the key exchange: `X25519MLKEM768`; empty where unknown.
    #[serde(default)]
    pub group: String,
    /// The protocol agreed by ALPN: `h2`; empty where none was.
    #[serde(default)]
    pub alpn: String,
    /// Whether the peer asked for a client certificate.
    #[serde(default)]
    pub client_certificate_requested: bool,
}

impl TlsSession {
    /// A session with this chain and trust, TLS 1.3, and nothing else known.
    pub fn new(chain: ServerChain, trust: Trust) -> Self {
        Self {
            chain,
            trust,
            anchor: None,
            signature_valid: true,
            ocsp_staple: ServerChain::default(),
            version: "TLSv1.3".into(),
            suite: "TLS_AES_128_GCM_SHA256".into(),
            group: String::new(),
            alpn: String::new(),
            client_certificate_requested: false,
        }
    }
}

/// What path building and verification said. Dates are judged again, from DER, at the run's instant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// A path to a trusted root exists, for this name, today.
    Trusted,
    /// None exists.
    Untrusted {
        /// What stands in the way first.
        kind: UntrustedKind,
        /// The verifier's own words.
        message: String,
    },
}

/// The trusted root a chain leads to, and the best path to it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Anchor {
    /// The root's common name, or what else names it.
    pub subject: String,
    /// Where it was found.
    pub store: AnchorStore,
    /// Whether it is a public authority's: it is in Mozilla's list of roots for servers.
    pub public: bool,
    /// The positions in the chain that make up the path, the server's certificate first and without the
    /// root: the path that stays valid longest, where there are several.
    #[serde(default)]
    pub path: Vec<usize>,
}

impl Anchor {
    /// A root of this store, of no public authority, with no path known.
    pub fn new(subject: impl Into<String>, store: AnchorStore) -> Self {
        Self {
            subject: subject.into(),
            store,
            public: false,
            path: Vec::new(),
        }
    }

    /// Says that it is a public authority's.
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// Sets the path that leads to it.
    pub fn path(mut self, path: Vec<usize>) -> Self {
        self.path = path;
        self
    }
}

/// Where a trusted root was found.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum AnchorStore {
    /// Given with the suite, as a file for example.
    Given,
    /// The machine's own store.
    Platform,
    /// The list that comes with the program, used where the machine has none.
    WebpkiRoots,
}

/// What stands in the way of trust.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum UntrustedKind {
    /// A certificate of the path has expired.
    Expired,
    /// A certificate of the path is not valid yet.
    NotYetValid,
    /// Anything else the verifier refuses.
    Other,
    /// The certificate may not be used for servers.
    Purpose,
    /// No path leads to a trusted root.
    UnknownIssuer,
    /// The certificate is for another name.
    WrongName,
}

/// DER values in the order they were sent; base64 in JSON.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ServerChain(Vec<Vec<u8>>);

impl ServerChain {
    /// These values.
    pub fn new(der: Vec<Vec<u8>>) -> Self {
        Self(der)
    }

    /// Each as DER.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.0.iter().map(Vec::as_slice)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for ServerChain {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|der| BASE64_STANDARD.encode(der)))
    }
}

impl<'de> Deserialize<'de> for ServerChain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .into_iter()
            .map(|text| BASE64_STANDARD.decode(text))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(D::Error::custom)
    }
}
