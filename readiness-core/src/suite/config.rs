mod file;
mod reader;
mod secret;

use std::{
    collections::BTreeMap,
    fmt, fs,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Deserializer, de};

use self::{file::File, reader::Reader};
use super::Suite;
use crate::{fact::TrustStore, observe::Sources, registry::Registry};

/// A suite as `readiness.toml` describes it.
///
/// ```
/// use readiness_core::{Config, Registry};
/// # use readiness_core::{Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait};
/// # readiness_core::probe! {
/// #     /// Short.
/// #     pub struct QueueDepth { pub most: u64 = 100 }
/// #     id: "acme.queue_depth", title: "the queue is short", priority: High, references: [],
/// # }
/// # #[async_trait] impl Probe for QueueDepth {
/// #     fn info(&self) -> &ProbeInfo { Self::described() }
/// #     async fn run(&self, _: &ProbeContext) -> Result<Outcome, ProbeError> { Ok(Outcome::pass("")) }
/// # }
/// let mut registry = Registry::new();
/// registry.add::<QueueDepth>();
/// let text = r#"
/// [targets.queue]
/// url = "tcp://queue.example.com:5672"
///
/// [[require]]
/// probe = "acme.queue_depth"
/// with = { most = 5 }
/// "#;
/// let config = Config::parse(text, "readiness.toml", &registry)?;
/// assert_eq!(config.suite(Default::default()).requirements().len(), 1);
///
/// let wrong = Config::parse(&text.replace("most", "mots"), "readiness.toml", &registry);
/// assert!(wrong.unwrap_err().to_string().starts_with("readiness.toml:7:10: settings of `acme.queue_depth`"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// How to look: trust, names, client certificate. The live sources take it.
    pub look: LookSettings,
    suite: Suite,
}

/// How to look, as the configuration says; the live sources take it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct LookSettings {
    /// PEM files of certificate authorities that are trusted beside the platform's.
    pub ca: Vec<PathBuf>,
    /// The stores whose roots are trusted instead of the platform's: `platform`, `webpki-roots`, and `file:`
    /// with the path of a PEM file.
    pub trust: Vec<TrustStore>,
    /// Addresses of names, instead of asking DNS.
    pub resolve: BTreeMap<String, Vec<IpAddr>>,
    /// Nameservers to ask instead of the machine's, as `address` or `address:port`.
    #[serde(deserialize_with = "nameservers")]
    pub nameservers: Vec<SocketAddr>,
    /// The `User-Agent` to send instead of our own.
    pub user_agent: Option<String>,
    /// Looks over IPv4 alone (`4`) or IPv6 alone (`6`).
    pub only_ip_version: Option<u8>,
    /// PEM file of the client certificate and its chain.
    pub client_certificate: Option<PathBuf>,
    /// PEM file of the client certificate's key.
    pub client_key: Option<PathBuf>,
}

impl Config {
    /// Reads a file. Paths in it are relative to its folder.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column; nothing has been sent by then.
    pub fn read(path: &Path, registry: &Registry) -> Result<Self, ConfigError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|e| ConfigError {
            file: name.clone(),
            place: None,
            problem: format!("the file cannot be read: {e}"),
        })?;
        let folder = path.parent().unwrap_or(Path::new(""));
        Self::parse_with(&text, &name, registry, folder, &|name| std::env::var(name).ok())
    }

    /// Reads a text, with the process's environment and paths relative to the working folder.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column; nothing has been sent by then.
    pub fn parse(text: &str, file_name: &str, registry: &Registry) -> Result<Self, ConfigError> {
        Self::parse_with(text, file_name, registry, Path::new(""), &|name| {
            std::env::var(name).ok()
        })
    }

    /// Reads a text with this folder and environment.
    ///
    /// # Errors
    /// [`ConfigError`] with file, line and column; nothing has been sent by then.
    pub fn parse_with(
        text: &str,
        file_name: &str,
        registry: &Registry,
        folder: &Path,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let reader = Reader {
            text,
            file_name,
            registry,
            folder,
            environment,
        };
        let file: File =
            toml::from_str(text).map_err(|e| reader.error(e.span(), &e.message().replace('\n', "; ")))?;
        reader.config(file)
    }

    /// The suite over these sources.
    pub fn suite(self, sources: Sources) -> Suite {
        self.suite.with_sources(sources)
    }
}

/// A configuration that cannot be used: where, and what is wrong. Never shows a value that may be secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ConfigError {
    file: String,
    place: Option<(usize, usize)>,
    problem: String,
}

impl ConfigError {
    /// Line and column, counted from 1.
    pub fn place(&self) -> Option<(usize, usize)> {
        self.place
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file, self.problem),
            None => write!(f, "{}: {}", self.file, self.problem),
        }
    }
}

impl std::error::Error for ConfigError {}

fn nameservers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<SocketAddr>, D::Error> {
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|text| {
            let with_port = text.parse::<SocketAddr>();
            let alone = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
            with_port.or(alone).map_err(|_| {
                de::Error::custom(format!(
                    "`{text}` is no nameserver; write an address, or `address:port`"
                ))
            })
        })
        .collect()
}
