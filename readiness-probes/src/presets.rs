//! Suites for the usual kinds of target. Each is a list of ids: what it asks can be read here.

use std::sync::Arc;

#[cfg(feature = "http")]
use readiness_core::fact::PortSet;
use readiness_core::{Registry, RegistryError, Requirement, Suite, SuiteError, Target, TargetError};
#[cfg(feature = "http")]
use serde::Deserialize;
use serde_json::Value;
#[cfg(feature = "http")]
use serde_json::json;

#[cfg(feature = "http")]
pub use self::headers::{HeaderCheck, HeaderProfile};
#[cfg(feature = "http")]
use crate::http::Pages;
use crate::{
    builtin,
    live::{Live, LiveError},
};

#[cfg(feature = "http")]
mod headers;

/// A website: its name, certificate and protocol, the way from http to https, and the headers that
/// browsers enforce. `http.csp` is part of it with the cargo feature `csp`.
///
/// In a readiness.toml `with = { tls = "standard" }` looks at the versions of TLS too, with five connections
/// more for each address, and `tls = "deep"` at every suite and group, with about 50. Default: `quick`, which
/// is one handshake.
///
/// `headers` names what is asked of the headers, as [`HeaderProfile`] prints it:
///
/// | `headers` | what it asks |
/// |---|---|
/// | `recommended` | what every page should send; the default of `web` and `security_headers` |
/// | `strict` | a year of HSTS, nothing unsafe in the CSP, every policy present |
/// | `api` | what matters to programs; the default of `api` |
/// | `owasp` | the headers of the OWASP Secure Headers Project |
/// | `observatory` | `recommended`, and the grade of the MDN HTTP Observatory beside it |
///
/// `pages` names the pages whose headers are judged, where it is not the target's own path alone:
/// `pages = ["/", "/login", { path = "/api/v1", kind = "api" }]`. Each is asked for once, whatever judges it.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let report = readiness_probes::presets::web("https://www.example.com")?.run().await;
/// println!("{report}");
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`PresetError`] where the text names no target or the machine's trust store cannot be used.
#[cfg(feature = "http")]
pub fn web(url: &str) -> Result<Suite, PresetError> {
    suite("web", Target::parse(url)?)
}

/// An API: as [`web`], with the headers that matter to programs instead of pages.
///
/// # Errors
/// As [`web`].
#[cfg(feature = "http")]
pub fn api(url: &str) -> Result<Suite, PresetError> {
    suite("api", Target::parse(url)?)
}

/// The security headers of one URL, and nothing else. `http.csp` is part of it with the cargo feature `csp`.
///
/// # Errors
/// As [`web`].
#[cfg(feature = "http")]
pub fn security_headers(url: &str) -> Result<Suite, PresetError> {
    suite("security_headers", Target::parse(url)?)
}

/// The security headers of one URL, as a profile asks for them: `recommended`, `strict`, `api`, `owasp` or
/// `observatory`; see [`web`] for what is in each.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let report = readiness_probes::presets::headers("https://www.example.com", "strict")?.run().await;
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`web`], and where no profile has this name; the message lists them.
#[cfg(feature = "http")]
pub fn headers(url: &str, profile: &str) -> Result<Suite, PresetError> {
    suite_with(
        "security_headers",
        Target::parse(url)?,
        &json!({ "headers": profile }),
    )
}

/// A port that must accept connections: what a service waits for at start-up.
///
/// ```no_run
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// use readiness_probes::{gate, presets};
/// gate(presets::tcp("db.internal:5432")?).await?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// As [`PresetError`] says.
pub fn tcp(address: &str) -> Result<Suite, PresetError> {
    suite("tcp", Target::parse_as(address, "tcp")?)
}

/// A PostgreSQL server: answers, lets the user of the URL in, and runs `SELECT 1`.
///
/// # Errors
/// As [`PresetError`] says.
#[cfg(feature = "dep")]
pub fn postgres(url: &str) -> Result<Suite, PresetError> {
    suite("postgres", Target::parse_as(url, "postgres")?)
}

/// A Redis server: answers `PING`, with the credential of the URL where there is one.
///
/// # Errors
/// As [`PresetError`] says.
#[cfg(feature = "dep")]
pub fn redis(url: &str) -> Result<Suite, PresetError> {
    suite("redis", Target::parse_as(url, "redis")?)
}

fn suite(preset: &str, target: Target) -> Result<Suite, PresetError> {
    suite_with(preset, target, &Value::Null)
}

fn suite_with(preset: &str, target: Target, settings: &Value) -> Result<Suite, PresetError> {
    let mut suite = Suite::new(Live::new().sources()?);
    for requirement in builtin::registry().preset(preset, &Arc::new(target), settings)? {
        suite.add(requirement)?;
    }
    Ok(suite)
}

/// Adds every preset of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    registry.add_preset("tcp", |registry, target, settings| {
        no_settings(settings)?;
        Maker::of(registry, target).all(&["net.tcp"])
    });
    #[cfg(feature = "dep")]
    registry
        .add_preset("postgres", |registry, target, settings| {
            no_settings(settings)?;
            Maker::of(registry, target).all(&["dep.postgres"])
        })
        .add_preset("redis", |registry, target, settings| {
            no_settings(settings)?;
            Maker::of(registry, target).all(&["dep.redis"])
        });
    #[cfg(feature = "http")]
    registry
        .add_preset("web", |registry, target, settings| {
            WebSettings::read(settings)?.requirements(registry, target, "recommended")
        })
        .add_preset("api", |registry, target, settings| {
            WebSettings::read(settings)?.requirements(registry, target, "api")
        })
        .add_preset("security_headers", |registry, target, settings| {
            let HeaderSettings { headers, pages } = read(settings)?;
            let profile = HeaderProfile::named(headers.as_deref().unwrap_or("recommended"))?;
            Maker::of(registry, target).headers(profile, &pages, None)
        });
}

#[cfg(feature = "http")]
const FOUNDATION: &[&str] = &[
    "dns.records",
    "tls.certificate",
    "tls.certificate_rules",
    "tls.protocol",
    "http.https_redirect",
];

/// What `web` and `api` can be told.
#[cfg(feature = "http")]
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct WebSettings {
    health_path: Option<String>,
    plain_port: Option<u16>,
    allowed_ports: Option<PortSet>,
    tls: Option<TlsDepth>,
    headers: Option<String>,
    pages: Pages,
}

/// What `security_headers` can be told.
#[cfg(feature = "http")]
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HeaderSettings {
    headers: Option<String>,
    pages: Pages,
}

#[cfg(feature = "http")]
fn read<T: Default + serde::de::DeserializeOwned>(settings: &Value) -> Result<T, String> {
    if settings.is_null() {
        return Ok(T::default());
    }
    T::deserialize(settings).map_err(|e| e.to_string())
}

/// How much TLS is asked of each address.
#[cfg(feature = "http")]
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TlsDepth {
    /// One handshake, which everything else stands on too.
    #[default]
    Quick,
    /// Five hellos more: the versions.
    Standard,
    /// About 50 hellos: the versions, the suites and the groups.
    Deep,
}

#[cfg(feature = "http")]
impl TlsDepth {
    /// The probes beyond those of the foundation.
    fn probes(self) -> &'static [&'static str] {
        match self {
            Self::Quick => &[],
            Self::Standard => &["tls.versions"],
            Self::Deep => &["tls.versions", "tls.cipher_suites"],
        }
    }
}

#[cfg(feature = "http")]
impl WebSettings {
    fn read(settings: &Value) -> Result<Self, String> {
        read(settings)
    }

    fn requirements(
        &self,
        registry: &Registry,
        target: &Arc<Target>,
        usual: &str,
    ) -> Result<Vec<Requirement>, String> {
        let maker = Maker::of(registry, target);
        let mut list = Vec::new();
        for id in FOUNDATION {
            list.push(maker.one(id, &with_plain_port(id, json!({}), self.plain_port))?);
        }
        let profile = HeaderProfile::named(self.headers.as_deref().unwrap_or(usual))?;
        list.extend(maker.headers(profile, &self.pages, self.plain_port)?);
        for id in self.tls.unwrap_or_default().probes() {
            list.push(maker.one(id, &Value::Null)?);
        }
        if let Some(path) = &self.health_path {
            list.push(maker.one("http.health", &json!({ "path": path }))?);
        }
        if let Some(ports) = &self.allowed_ports {
            list.push(maker.port_exposure(ports)?);
        }
        Ok(list)
    }
}

/// The settings of a probe, and the port of plain http where it is given and the probe looks there.
#[cfg(feature = "http")]
fn with_plain_port(id: &str, mut settings: Value, port: Option<u16>) -> Value {
    let asks = ["http.https_redirect", "http.hsts", "http.observatory"].contains(&id);
    if let (true, Some(port), Some(map)) = (asks, port, settings.as_object_mut()) {
        map.insert("plain_port".to_owned(), port.into());
    }
    settings
}

fn no_settings(settings: &Value) -> Result<(), String> {
    match settings.as_object() {
        Some(map) if !map.is_empty() => Err(format!(
            "unknown field `{}`; this preset has no settings",
            map.keys().next().map_or("", String::as_str)
        )),
        _ => Ok(()),
    }
}

/// Makes requirements of the registry's probes.
struct Maker<'a> {
    registry: &'a Registry,
    target: &'a Arc<Target>,
}

impl<'a> Maker<'a> {
    fn of(registry: &'a Registry, target: &'a Arc<Target>) -> Self {
        Self { registry, target }
    }

    fn all(&self, ids: &[&str]) -> Result<Vec<Requirement>, String> {
        ids.iter().map(|id| self.one(id, &Value::Null)).collect()
    }

    fn one(&self, id: &str, settings: &Value) -> Result<Requirement, String> {
        let probe = self.registry.build(id, settings).map_err(|e| e.to_string())?;
        Ok(Requirement::new(probe, Arc::clone(self.target)))
    }

    #[cfg(feature = "http")]
    fn headers(
        &self,
        profile: HeaderProfile,
        pages: &Pages,
        plain_port: Option<u16>,
    ) -> Result<Vec<Requirement>, String> {
        let checks = profile.checks.iter();
        checks
            .map(|check| {
                let mut settings = with_plain_port(check.id, check.value()?, plain_port);
                // The peer's grade is of one page.
                if !pages.is_empty() && check.id != "http.observatory" {
                    settings["pages"] = json!(pages);
                }
                let requirement = self.one(check.id, &settings)?;
                Ok(match check.priority {
                    Some(priority) => requirement.priority(priority),
                    None => requirement,
                })
            })
            .collect()
    }

    #[cfg(all(feature = "http", feature = "net"))]
    fn port_exposure(&self, ports: &PortSet) -> Result<Requirement, String> {
        self.one("net.port_exposure", &json!({ "allowed": ports }))
    }

    #[cfg(all(feature = "http", not(feature = "net")))]
    fn port_exposure(&self, _: &PortSet) -> Result<Requirement, String> {
        Err("`allowed_ports` needs the cargo feature `net`".to_owned())
    }
}

/// A preset that cannot be made. Nothing has been sent by then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PresetError {
    /// The sources cannot be made.
    #[error(transparent)]
    Live(#[from] LiveError),
    /// The probes cannot be made.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The suite cannot be made.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The text names no target.
    #[error(transparent)]
    Target(#[from] TargetError),
}

#[cfg(test)]
#[cfg(feature = "http")]
mod tests {
    use super::*;

    fn tls_probes(settings: &Value) -> Result<Vec<String>, RegistryError> {
        let target = Arc::new(Target::parse("https://a.test").unwrap());
        let list = builtin::registry().preset("web", &target, settings)?;
        let ids = list.iter().map(|requirement| requirement.id().to_owned());
        Ok(ids
            .filter(|id| id == "tls.versions" || id == "tls.cipher_suites")
            .collect())
    }

    #[test]
    fn how_much_tls_is_asked_is_said_by_one_word() {
        for (settings, expected) in [
            (Value::Null, &[][..]),
            (json!({}), &[]),
            (json!({ "tls": "quick" }), &[]),
            (json!({ "tls": null }), &[]),
            (json!({ "tls": "standard" }), &["tls.versions"]),
            (json!({ "tls": "deep" }), &["tls.versions", "tls.cipher_suites"]),
        ] {
            assert_eq!(tls_probes(&settings).unwrap(), expected, "{settings}");
        }
        let wrong = tls_probes(&json!({ "tls": "all" })).unwrap_err().to_string();
        assert!(wrong.contains("`quick`, `standard`, `deep`"), "{wrong}");
    }

    #[test]
    fn the_pages_are_named_once_for_all_headers() {
        let target = Arc::new(Target::parse("https://a.test").unwrap());
        let preset = |name, settings: &Value| builtin::registry().preset(name, &target, settings);
        let pages = json!(["/", { "path": "/api", "kind": "api" }]);
        for profile in ["recommended", "strict", "api", "owasp", "observatory"] {
            let settings = json!({ "headers": profile, "pages": pages });
            for name in ["web", "api", "security_headers"] {
                let list = preset(name, &settings).unwrap_or_else(|e| panic!("{name} {profile}: {e}"));
                let asked = |id: &str| list.iter().any(|r| r.id() == id);
                assert!(asked("http.hsts") && asked("http.nosniff"), "{name} {profile}");
                let shown = format!("{list:?}");
                assert!(shown.contains(r#"path: Some("/api")"#), "{shown}");
            }
        }
        let wrong = preset("web", &json!({ "pages": ["login"] }))
            .unwrap_err()
            .to_string();
        assert!(wrong.contains("expected one begun with `/`"), "{wrong}");
    }
}
