use serde::{Deserialize, Serialize};

use crate::observe::Observation;

/// Asks from where we look: the first thing each report says.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct LookFrom {}

impl LookFrom {
    /// The question; it has no parameters.
    pub fn new() -> Self {
        Self {}
    }
}

impl Observation for LookFrom {
    const KIND: &'static str = "view";
    type Fact = View;
}

/// From where we look, and with what.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct View {
    /// The machine's name.
    #[serde(default)]
    pub host: String,
    /// Who resolves names: addresses of nameservers, in order.
    #[serde(default)]
    pub resolvers: Vec<String>,
    /// The address families with a route to the outside.
    #[serde(default)]
    pub families: Vec<Family>,
    /// Which trust anchors decide, such as `platform` or `platform + ca.pem`.
    #[serde(default)]
    pub trust_store: String,
    /// How many trust anchors there are.
    #[serde(default)]
    pub trust_anchors: u32,
    /// Proxy variables that are set, and ignored, by name.
    #[serde(default)]
    pub proxy_variables: Vec<String>,
    /// Names that are given addresses by configuration.
    #[serde(default)]
    pub overrides: Vec<String>,
}

/// IPv4 or IPv6.
#[allow(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: std::net::IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl std::fmt::Display for Family {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}
