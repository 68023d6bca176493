#[cfg(feature = "config")]
mod configured;
#[cfg(feature = "tls")]
mod trust;

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
#[cfg(feature = "tls")]
use std::{collections::BTreeSet, fmt, path::PathBuf};

#[cfg(feature = "tls")]
use readiness_core::{Secret, fact::TrustStore};
use readiness_core::{Sources, Suite, fact::Family};

#[cfg(feature = "dns")]
use super::dns::{DnsSettings, DnsSource};
use super::{
    link::LinkSource,
    route::RouteSource,
    settings::{Shared, canonical, proxy_variables},
    view::ViewSource,
};

/// Builds the sources that look at real deployments.
///
/// Nothing is opened before a run asks. The same sources may serve many runs, also at once; each run has
/// connections of its own. Proxies are not used; redirects are not followed; nothing is decompressed.
///
/// ```
/// use readiness_probes::{fact::Family, live::Live};
/// let sources = Live::new()
///     .only(Family::V4)
///     .resolve("api.example.com", "127.0.0.1".parse()?)
///     .sources()?;
/// assert!(sources.kinds().any(|kind| kind == "tcp.connect"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Live {
    only: Option<Family>,
    nameservers: Vec<SocketAddr>,
    overrides: BTreeMap<String, Vec<IpAddr>>,
    connect_timeout: Duration,
    #[cfg(feature = "dns")]
    dns_timeout: Duration,
    #[cfg(feature = "dns")]
    dns_attempts: u32,
    #[cfg(feature = "tls")]
    tls_timeout: Duration,
    #[cfg(feature = "tls")]
    authorities: Vec<Authority>,
    #[cfg(feature = "tls")]
    trust: Vec<TrustStore>,
    #[cfg(feature = "tls")]
    client_certificate: Option<ClientPem>,
    #[cfg(feature = "tls")]
    client_certificate_for: BTreeSet<String>,
    #[cfg(feature = "http")]
    user_agent: String,
    #[cfg(feature = "http")]
    first_byte_timeout: Duration,
    #[cfg(feature = "http")]
    body_timeout: Duration,
}

/// A connection, a dialogue in plain text with some servers, and the handshake, each with its own timeouts.
#[cfg(feature = "tls")]
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(20);

#[cfg(feature = "tls")]
#[derive(Clone)]
enum Authority {
    File(PathBuf),
    Pem(Vec<u8>),
}

#[cfg(feature = "tls")]
#[derive(Clone, Debug)]
struct ClientPem {
    chain: Secret<Vec<u8>>,
    key: Secret<Vec<u8>>,
}

#[cfg(feature = "tls")]
impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Pem(pem) => write!(f, "Pem({} bytes)", pem.len()),
        }
    }
}

impl Default for Live {
    fn default() -> Self {
        Self::new()
    }
}

impl Live {
    /// The defaults: both families, the machine's nameservers and trust store, and the timeouts named at
    /// each setter.
    pub fn new() -> Self {
        Self {
            only: None,
            nameservers: Vec::new(),
            overrides: BTreeMap::new(),
            connect_timeout: Duration::from_secs(2),
            #[cfg(feature = "dns")]
            dns_timeout: Duration::from_secs(2),
            #[cfg(feature = "dns")]
            dns_attempts: 2,
            #[cfg(feature = "tls")]
            tls_timeout: Duration::from_secs(3),
            #[cfg(feature = "tls")]
            authorities: Vec::new(),
            #[cfg(feature = "tls")]
            trust: Vec::new(),
            #[cfg(feature = "tls")]
            client_certificate: None,
            #[cfg(feature = "tls")]
            client_certificate_for: BTreeSet::new(),
            #[cfg(feature = "http")]
            user_agent: concat!("readiness/", env!("CARGO_PKG_VERSION")).to_owned(),
            #[cfg(feature = "http")]
            first_byte_timeout: Duration::from_secs(5),
            #[cfg(feature = "http")]
            body_timeout: Duration::from_secs(3),
        }
    }

    /// Looks over one address family only.
    pub fn only(mut self, family: Family) -> Self {
        self.only = Some(family);
        self
    }

    /// Asks these nameservers, in this order, instead of the machine's. It needs the cargo feature `dns`:
    /// without it names are looked up by the system's resolver.
    pub fn nameservers(mut self, nameservers: Vec<SocketAddr>) -> Self {
        self.nameservers = nameservers;
        self
    }

    /// Gives a name an address; several calls give it several. No nameserver is asked for this name.
    pub fn resolve(mut self, name: &str, address: IpAddr) -> Self {
        let known = self.overrides.entry(canonical(name)).or_default();
        if !known.contains(&address) {
            known.push(address);
        }
        self
    }

    /// Sets how long a TCP connection may take to open. Default: 2 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// The sources for this suite: where nothing else was said, the client certificate may be shown to the
    /// hosts of its targets.
    ///
    /// # Errors
    /// As [`Live::sources`].
    pub fn sources_for(&self, suite: &Suite) -> Result<Sources, LiveError> {
        #[cfg(feature = "tls")]
        if self.client_certificate.is_some() && self.client_certificate_for.is_empty() {
            let targets = suite
                .requirements()
                .iter()
                .flat_map(|requirement| requirement.targets());
            let live = self
                .clone()
                .client_certificate_for(targets.map(|target| target.host()));
            return live.sources();
        }
        #[cfg(not(feature = "tls"))]
        let _ = suite;
        self.sources()
    }

    /// The sources, checked as far as that is possible without looking.
    ///
    /// # Errors
    /// [`LiveError`] says what is wrong, where it stands, and what to do.
    pub fn sources(&self) -> Result<Sources, LiveError> {
        let shared = Arc::new(Shared {
            connect_timeout: self.connect_timeout,
            only: self.only,
            nameservers: self.nameservers.clone(),
            overrides: self.overrides.clone(),
            proxy_variables: proxy_variables(),
            #[cfg(feature = "tls")]
            tls: self.tls_settings()?,
            #[cfg(feature = "http")]
            http: self.http_settings()?,
        });
        let link = || LinkSource(Arc::clone(&shared));
        let sources = Sources::default()
            .with(ViewSource(Arc::clone(&shared)))
            .with(RouteSource(Arc::clone(&shared)))
            .with::<readiness_core::fact::TcpConnect, _>(link());
        #[cfg(feature = "tls")]
        let sources = sources
            .with_deadline::<readiness_core::fact::TlsHandshake, _>(link(), HANDSHAKE_DEADLINE)
            .with(super::files::FileSource(Arc::clone(&shared)))
            .with_deadline(
                super::stores::StoreSource(Arc::clone(&shared)),
                HANDSHAKE_DEADLINE,
            );
        #[cfg(feature = "tls")]
        let sources = sources.with_deadline::<readiness_core::fact::TlsHello, _>(
            super::hello::HelloSource(Arc::clone(&shared)),
            super::hello::HelloSource::DEADLINE,
        );
        // Exchanges over HTTP/1.1 wait for each other; what bounds them is the requirement's own time.
        #[cfg(feature = "http")]
        let sources =
            sources.with_deadline::<readiness_core::fact::HttpExchange, _>(link(), Duration::from_secs(30));
        #[cfg(feature = "http")]
        let sources = sources.with_deadline(
            super::load::LoadSource(Arc::clone(&shared)),
            super::load::LoadSource::DEADLINE,
        );
        #[cfg(feature = "http")]
        let sources = sources.with_deadline(
            super::flow::FlowSource(Arc::clone(&shared)),
            super::flow::FlowSource::DEADLINE,
        );
        #[cfg(feature = "dns")]
        let sources = DnsSource::new(self.dns_settings()).install(sources);
        #[cfg(not(feature = "dns"))]
        let sources = {
            if !self.nameservers.is_empty() {
                return Err(LiveError::Setting(
                    "nameservers are given; asking them needs the cargo feature `dns`".to_owned(),
                ));
            }
            sources.with(super::system::SystemSource(Arc::clone(&shared)))
        };
        #[cfg(feature = "net")]
        let sources = sources
            .with_deadline(super::SweepSource::new(), super::SweepSource::DEADLINE)
            .with_deadline(
                super::sockets::SocketSource,
                super::sockets::SocketSource::DEADLINE,
            )
            .with_deadline(super::udp::UdpSource, super::udp::UdpSource::DEADLINE);
        #[cfg(feature = "dep")]
        let sources = sources
            .with_deadline(
                super::dialogue::DialogueSource(Arc::clone(&shared)),
                super::dialogue::DialogueSource::DEADLINE,
            )
            .with(super::postgres::PostgresSource(Arc::clone(&shared)))
            .with(super::postgres::MigrationsSource(Arc::clone(&shared)))
            .with(super::redis::RedisSource(Arc::clone(&shared)));
        #[cfg(feature = "grpc")]
        let sources = sources.with(super::grpc::GrpcSource(Arc::clone(&shared)));
        #[cfg(feature = "websocket")]
        let sources = sources.with(super::websocket::WebSocketSource(Arc::clone(&shared)));
        #[cfg(feature = "ssh")]
        let sources = sources.with(super::ssh::SshSource(Arc::clone(&shared)));
        #[cfg(feature = "api")]
        let sources = sources.with_deadline(
            super::api::ApiSource(Arc::clone(&shared)),
            super::api::ApiSource::DEADLINE,
        );
        Ok(sources)
    }
}

#[cfg(feature = "dns")]
impl Live {
    /// Sets how long one question to one nameserver may take. Default: 2 s.
    pub fn dns_timeout(mut self, timeout: Duration) -> Self {
        self.dns_timeout = timeout;
        self
    }

    /// Sets how often each nameserver is asked, 1 or more. Default: 2.
    pub fn dns_attempts(mut self, attempts: u32) -> Self {
        self.dns_attempts = attempts.max(1);
        self
    }

    fn dns_settings(&self) -> DnsSettings {
        let mut settings = DnsSettings::default()
            .attempt_timeout(self.dns_timeout)
            .attempts(self.dns_attempts);
        settings.nameservers.clone_from(&self.nameservers);
        settings.overrides.clone_from(&self.overrides);
        settings
    }
}

#[cfg(feature = "http")]
impl Live {
    /// Sets what requests call themselves. Default: `readiness/` and the version.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Sets how long the head of a response may take. Default: 5 s.
    pub fn first_byte_timeout(mut self, timeout: Duration) -> Self {
        self.first_byte_timeout = timeout;
        self
    }

    /// Sets how long a body may take once the head is there; what came until then is kept. Default: 3 s.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_timeout = timeout;
        self
    }

    fn http_settings(&self) -> Result<super::settings::HttpSettings, LiveError> {
        let user_agent = http::HeaderValue::from_str(&self.user_agent).map_err(|_| LiveError::UserAgent {
            value: self.user_agent.escape_default().take(60).collect(),
        })?;
        Ok(super::settings::HttpSettings {
            user_agent,
            first_byte_timeout: self.first_byte_timeout,
            body_timeout: self.body_timeout,
        })
    }
}

/// Sources that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveError {
    /// There is no provider of cryptography.
    #[error(
        "no provider of cryptography: enable the feature `aws-lc-rs` or `ring` of `readiness-probes`, or \
         install one with `rustls::crypto::CryptoProvider::install_default` before the sources are built"
    )]
    NoProvider,
    /// A certificate or a key cannot be used.
    #[error("{what} {problem}")]
    Pem {
        /// Which, such as ``CA file `ca.pem` ``.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting cannot be followed.
    #[error("{0}")]
    Setting(String),
    /// A file cannot be read.
    #[error("{what} cannot be read")]
    Unreadable {
        /// Which, such as ``CA file `ca.pem` ``.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The User-Agent cannot stand in a header.
    #[error("`{value}` cannot be a User-Agent; write visible ASCII on one line")]
    UserAgent {
        /// What was given.
        value: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_canonical_and_addresses_stand_once() {
        let address: IpAddr = "127.0.0.1".parse().unwrap();
        let live = Live::new().resolve("A.Test.", address).resolve("a.test", address);
        assert_eq!(live.overrides["a.test"], [address]);
    }

    #[cfg(feature = "tls")]
    #[test]
    fn an_unusable_ca_file_is_named() {
        let error = Live::new().ca_file("/nonexistent/ca.pem").sources().unwrap_err();
        assert_eq!(error.to_string(), "CA file `/nonexistent/ca.pem` cannot be read");
        let error = readiness_core::ErrorChain(&error).to_string();
        assert!(error.contains("No such file"), "{error}");
        let error = Live::new().ca_pem("").sources().unwrap_err().to_string();
        assert!(
            error.starts_with("the CA certificate given as PEM is empty"),
            "{error}"
        );
    }

    #[cfg(feature = "tls")]
    #[test]
    fn a_client_certificate_is_for_somebody() {
        let live = Live::new().client_certificate("chain", "key");
        let error = live.sources().unwrap_err().to_string();
        assert!(error.contains("no host"), "{error}");
        // With a host it is read, and found wrong.
        let error = live.client_certificate_for(["a.test"]).sources().unwrap_err();
        assert!(error.to_string().contains("the client certificate"), "{error}");
    }

    #[cfg(feature = "http")]
    #[test]
    fn a_user_agent_that_breaks_the_line_is_refused() {
        let error = Live::new()
            .user_agent("a\r\nb: c")
            .sources()
            .unwrap_err()
            .to_string();
        assert!(error.contains(r"`a\r\nb: c`"), "{error}");
    }

    #[cfg(feature = "tls")]
    #[test]
    fn the_key_is_not_in_debug() {
        let live = Live::new().client_certificate("chain", "s3cr3t");
        assert!(!format!("{live:?}").contains("115"), "bytes of the key are shown");
    }
}
