use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use readiness_core::fact::Family;

/// What every source of one [`Live`](super::Live) shares. It holds nothing of a run.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) connect_timeout: Duration,
    pub(crate) only: Option<Family>,
    pub(crate) nameservers: Vec<SocketAddr>,
    pub(crate) overrides: BTreeMap<String, Vec<IpAddr>>,
    /// Proxy variables that are set, by name. They are never used.
    pub(crate) proxy_variables: Vec<String>,
    #[cfg(feature = "tls")]
    pub(crate) tls: TlsSettings,
    #[cfg(feature = "http")]
    pub(crate) http: HttpSettings,
}

/// What every handshake shares.
#[cfg(feature = "tls")]
#[derive(Debug)]
pub(crate) struct TlsSettings {
    pub(crate) timeout: Duration,
    pub(crate) provider: std::sync::Arc<rustls::crypto::CryptoProvider>,
    pub(crate) roots: super::roots::Roots,
    pub(crate) client_certificate: Option<ClientIdentity>,
}

#[cfg(feature = "tls")]
impl TlsSettings {
    /// The client certificate for a peer of this name.
    pub(crate) fn client_certificate_for(
        &self,
        name: &str,
    ) -> Option<std::sync::Arc<rustls::sign::CertifiedKey>> {
        let identity = self.client_certificate.as_ref()?;
        let is_for = identity.names.contains(&canonical(name));
        is_for.then(|| std::sync::Arc::clone(&identity.key))
    }

    /// Why a peer of this name got no client certificate.
    pub(crate) fn client_certificate_missing(&self, name: &str) -> String {
        if self.client_certificate.is_some() {
            format!("the one that was given is not for `{name}`")
        } else {
            "none was given".to_owned()
        }
    }
}

/// Who we are, for some peers.
#[cfg(feature = "tls")]
#[derive(Debug)]
pub(crate) struct ClientIdentity {
    /// The names of the peers that may see it, in lower case and without a final dot.
    pub(crate) names: std::collections::BTreeSet<String>,
    pub(crate) key: std::sync::Arc<rustls::sign::CertifiedKey>,
}

/// A name as names are compared: in lower case, without a final dot or brackets.
pub(crate) fn canonical(name: &str) -> String {
    name.trim_matches(['[', ']'])
        .trim_end_matches('.')
        .to_ascii_lowercase()
}

/// What every exchange shares.
#[cfg(feature = "http")]
#[derive(Debug)]
pub(crate) struct HttpSettings {
    pub(crate) user_agent: http::HeaderValue,
    /// From the request to the whole head of the response.
    pub(crate) first_byte_timeout: Duration,
    /// From the head to the end of the body.
    pub(crate) body_timeout: Duration,
}

/// The variables that other programs take a proxy from.
const PROXY_VARIABLES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// The proxy variables that are set, by name.
pub(crate) fn proxy_variables() -> Vec<String> {
    PROXY_VARIABLES
        .into_iter()
        .filter(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
        .map(str::to_owned)
        .collect()
}
