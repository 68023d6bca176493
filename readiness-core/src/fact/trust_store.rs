use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{TlsHandshake, Trust};
use crate::observe::Observation;

/// A set of trusted roots, written as `platform`, `webpki-roots` or `file:` and a path.
///
/// ```
/// use readiness_core::fact::TrustStore;
/// assert_eq!("webpki-roots".parse(), Ok(TrustStore::WebpkiRoots));
/// assert_eq!(TrustStore::File("ca.pem".into()).to_string(), "file:ca.pem");
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TrustStore {
    /// The certificates of a PEM file.
    File(String),
    /// The machine's own store.
    Platform,
    /// Mozilla's list, as it comes with the program.
    WebpkiRoots,
}

impl fmt::Display for TrustStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file:{path}"),
            Self::Platform => f.write_str("platform"),
            Self::WebpkiRoots => f.write_str("webpki-roots"),
        }
    }
}

impl FromStr for TrustStore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("file:")) {
            ("platform", _) => Ok(Self::Platform),
            ("webpki-roots", _) => Ok(Self::WebpkiRoots),
            (_, Some(path)) if !path.trim().is_empty() => Ok(Self::File(path.to_owned())),
            _ => Err(format!(
                "`{}` is no trust store, expected `platform`, `webpki-roots`, or `file:` and the path of a PEM \
                 file",
                text.chars()
                    .filter(|c| !c.is_control())
                    .take(60)
                    .collect::<String>()
            )),
        }
    }
}

impl Serialize for TrustStore {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TrustStore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// Asks which of several stores trust the chain that a handshake showed. It makes no handshake of its own
/// where the run has made it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrustIn {
    /// The handshake.
    pub handshake: TlsHandshake,
    /// The stores to ask, in this order.
    pub stores: Vec<TrustStore>,
}

impl TrustIn {
    /// What these stores say of the chain of this handshake.
    pub fn new(handshake: TlsHandshake, stores: Vec<TrustStore>) -> Self {
        Self { handshake, stores }
    }
}

impl Observation for TrustIn {
    const KIND: &'static str = "tls.trust_in";
    type Fact = TrustInStores;
}

/// What each store says, in the order they were asked; empty where the handshake showed no chain.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TrustInStores {
    /// One verdict for each store.
    pub verdicts: Vec<StoreVerdict>,
}

impl TrustInStores {
    /// These verdicts.
    pub fn new(verdicts: Vec<StoreVerdict>) -> Self {
        Self { verdicts }
    }
}

/// What one store says of a chain.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StoreVerdict {
    /// Which store.
    pub store: TrustStore,
    /// How many roots it has.
    pub anchors: u32,
    /// What it says; `None` where it cannot be used.
    pub trust: Option<Trust>,
    /// Whether a path to one of its roots was found, whatever is wrong with the name and the dates. Where
    /// the dates are at fault, `false` only says that nobody could tell.
    #[serde(default)]
    pub path: bool,
    /// Why it cannot be used; empty where it can.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
}

impl StoreVerdict {
    /// A store of so many roots says this.
    pub fn new(store: TrustStore, anchors: u32, trust: Trust) -> Self {
        Self {
            store,
            anchors,
            trust: Some(trust),
            path: false,
            problem: String::new(),
        }
    }

    /// Says whether a path to one of its roots was found.
    pub fn path(mut self, path: bool) -> Self {
        self.path = path;
        self
    }

    /// A store that cannot be used, for this reason.
    pub fn unusable(store: TrustStore, problem: impl Into<String>) -> Self {
        Self {
            store,
            anchors: 0,
            trust: None,
            path: false,
            problem: problem.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stores_are_read_as_they_are_written() {
        for text in ["platform", "webpki-roots", "file:/etc/ssl/ca.pem"] {
            let store: TrustStore = text.parse().unwrap();
            assert_eq!(store.to_string(), text);
            let json = serde_json::to_string(&store).unwrap();
            assert_eq!(serde_json::from_str::<TrustStore>(&json).unwrap(), store);
        }
        for text in ["", "file:", "Platform", "mozilla"] {
            assert!(
                text.parse::<TrustStore>()
                    .unwrap_err()
                    .contains("expected `platform`")
            );
        }
    }
}
