use std::{
    collections::BTreeMap,
    fmt, fs,
    net::{IpAddr, SocketAddr},
    ops::Range,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use toml::Spanned;

use super::{Profile, Requirement, Retry, Suite};
use crate::{
    clock::{Clock, SystemClock},
    observe::Sources,
    probe::Priority,
    redact::{Credential, Credentials, Secret},
    registry::{Registry, RegistryError},
    score::{Attestation, Baseline, BasisPoints, Policy, Waiver},
    target::Target,
};

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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    catalog: Option<Spanned<String>>,
    profile: Option<Spanned<String>>,
    baseline: Option<Spanned<PathBuf>>,
    #[serde(default)]
    look: LookSettings,
    #[serde(default)]
    targets: BTreeMap<String, TargetEntry>,
    #[serde(default)]
    preset: Vec<PresetEntry>,
    #[serde(default)]
    require: Vec<RequireEntry>,
    #[serde(default)]
    policy: PolicyEntry,
    #[serde(default)]
    waiver: Vec<Spanned<Waiver>>,
    #[serde(default)]
    attestation: Vec<Spanned<Attestation>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetEntry {
    url: Spanned<UrlEntry>,
    credential: Option<Spanned<CredentialEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialEntry {
    bearer: Option<SecretFrom>,
    header: Option<String>,
    value: Option<SecretFrom>,
    user: Option<String>,
    password: Option<SecretFrom>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetEntry {
    #[serde(rename = "use")]
    name: Spanned<String>,
    targets: Option<Vec<Spanned<String>>>,
    with: Option<Spanned<toml::Table>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequireEntry {
    probe: Spanned<String>,
    id: Option<String>,
    targets: Option<Vec<Spanned<String>>>,
    priority: Option<Priority>,
    weight: Option<Spanned<u32>>,
    blocker: Option<bool>,
    timeout_seconds: Option<u64>,
    attempts: Option<u32>,
    max_age_days: Option<u64>,
    with: Option<Spanned<toml::Table>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct PolicyEntry {
    target: Option<Percent>,
    min_coverage: Option<Percent>,
    floors: BTreeMap<String, Percent>,
    max_not_applicable: Option<Percent>,
    fail_on: Option<FailOn>,
    no_regression: bool,
    four_eyes: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum FailOn {
    Blocker,
    Warn,
}

/// `95`, or `"99.5"` where hundredths matter.
struct Percent(BasisPoints);

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Percent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a percentage from 0 to 100, such as 95 or \"99.5\"")
            }

            fn visit_i64<E: de::Error>(self, percent: i64) -> Result<Percent, E> {
                self.visit_str(&percent.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Percent, E> {
                let error = || E::invalid_value(de::Unexpected::Str(text), &self);
                let (whole, part) = text
                    .trim_end_matches([' ', '%'])
                    .split_once('.')
                    .unwrap_or((text.trim_end_matches([' ', '%']), ""));
                if part.len() > 2 || !part.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(error());
                }
                let whole = u32::from_str(whole).map_err(|_| error())?;
                let hundredths = format!("{part:0<2}").parse::<u32>().map_err(|_| error())?;
                let points = whole.checked_mul(100).and_then(|n| n.checked_add(hundredths));
                match points {
                    Some(points) if points <= 10_000 => Ok(Percent(BasisPoints::new(points))),
                    _ => Err(error()),
                }
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// `{ env = "NAME" }` or `{ file = "path" }`; a literal is refused, unseen.
#[derive(Clone)]
enum SecretFrom {
    Env(String),
    File(PathBuf),
}

/// The same for a URL, which may be written out where it holds no password.
#[derive(Clone)]
enum UrlEntry {
    Literal(String),
    From(SecretFrom),
}

struct FromVisitor {
    literal: bool,
}

impl<'de> de::Visitor<'de> for FromVisitor {
    type Value = UrlEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ env = \"NAME\" }` or `{ file = \"path\" }`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<UrlEntry, E> {
        if self.literal {
            Ok(UrlEntry::Literal(text.to_owned()))
        } else {
            Err(E::custom(LITERAL_SECRET))
        }
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<UrlEntry, E> {
        Err(E::custom(LITERAL_SECRET))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<UrlEntry, A::Error> {
        Err(de::Error::custom(LITERAL_SECRET))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<UrlEntry, A::Error> {
        const FIELDS: &[&str] = &["env", "file"];
        let Some((key, value)) = map.next_entry::<String, String>()? else {
            return Err(de::Error::custom(
                "expected `{ env = \"NAME\" }` or `{ file = \"path\" }`",
            ));
        };
        let from = match key.as_str() {
            "env" => SecretFrom::Env(value),
            "file" => SecretFrom::File(value.into()),
            other => return Err(de::Error::unknown_field(other, FIELDS)),
        };
        match map.next_key::<String>()? {
            None => Ok(UrlEntry::From(from)),
            Some(_) => Err(de::Error::custom("expected `env` or `file` alone")),
        }
    }
}

const LITERAL_SECRET: &str =
    "a secret may not be written out here; write `{ env = \"NAME\" }` or `{ file = \"path\" }`";

impl<'de> Deserialize<'de> for SecretFrom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_any(FromVisitor { literal: false })? {
            UrlEntry::From(from) => Ok(from),
            UrlEntry::Literal(_) => Err(de::Error::custom(LITERAL_SECRET)),
        }
    }
}

impl<'de> Deserialize<'de> for UrlEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FromVisitor { literal: true })
    }
}

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

struct Reader<'a> {
    text: &'a str,
    file_name: &'a str,
    registry: &'a Registry,
    folder: &'a Path,
    environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    fn error(&self, span: Option<Range<usize>>, problem: &str) -> ConfigError {
        let place = span.map(|span| {
            let before = self.text.get(..span.start).unwrap_or(self.text);
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
            (line, column)
        });
        ConfigError {
            file: self.file_name.to_owned(),
            place,
            problem: problem.to_owned(),
        }
    }

    fn config(&self, file: File) -> Result<Config, ConfigError> {
        let mut suite = Suite::default().policy(policy(&file.policy));
        if let Some(catalog) = &file.catalog {
            if catalog.get_ref() != Suite::CATALOG {
                let known = Suite::CATALOG;
                let problem = format!("`{}` is no catalogue; known is `{known}`", catalog.get_ref());
                return Err(self.error(Some(catalog.span()), &problem));
            }
            suite = suite.pinned(catalog.get_ref());
        }
        if let Some(profile) = &file.profile {
            let known: Profile = profile
                .get_ref()
                .parse()
                .map_err(|problem: String| self.error(Some(profile.span()), &problem))?;
            suite = suite.profile(known);
        }
        let mut targets = BTreeMap::new();
        let mut credentials = Credentials::default();
        for (label, entry) in &file.targets {
            let target = self.target(label, entry, &mut credentials)?;
            targets.insert(label.as_str(), Arc::new(target));
        }
        if targets.is_empty() {
            return Err(self.error(None, "no target is given; add `[targets.NAME]` with a `url`"));
        }
        for entry in &file.preset {
            self.preset(entry, &targets, &mut suite)?;
        }
        for entry in &file.require {
            let requirement = self.requirement(entry, &targets)?;
            suite
                .add(requirement)
                .map_err(|e| self.error(Some(entry.probe.span()), &e.to_string()))?;
        }
        suite.check().map_err(|e| {
            let hint = format!("{e}; add `[[preset]]` or `[[require]]`");
            self.error(None, &hint)
        })?;
        suite.credentials.extend(credentials);
        let now = SystemClock.now();
        for waiver in &file.waiver {
            waiver
                .get_ref()
                .check(now, file.policy.four_eyes)
                .map_err(|e| self.error(Some(waiver.span()), &e.to_string()))?;
            self.known_requirement(&suite, &waiver.get_ref().requirement, waiver.span())?;
            suite = suite.waiver(waiver.get_ref().clone());
        }
        for attestation in &file.attestation {
            attestation
                .get_ref()
                .check(now)
                .map_err(|e| self.error(Some(attestation.span()), &e.to_string()))?;
            self.known_requirement(&suite, &attestation.get_ref().requirement, attestation.span())?;
            suite = suite.attestation(attestation.get_ref().clone());
        }
        if let Some(path) = &file.baseline {
            let problem = |problem: String| self.error(Some(path.span()), &problem);
            let full = self.folder.join(path.get_ref());
            let text = fs::read_to_string(&full)
                .map_err(|e| problem(format!("`{}` cannot be read: {e}", full.display())))?;
            let baseline = Baseline::from_json(&text)
                .map_err(|e| problem(format!("`{}`: {}", full.display(), crate::ErrorChain(&e))))?;
            suite = suite.baseline(baseline);
        }
        let mut look = file.look;
        let paths = look
            .ca
            .iter_mut()
            .chain(&mut look.client_certificate)
            .chain(&mut look.client_key);
        for path in paths {
            *path = self.folder.join(&path);
        }
        Ok(Config { look, suite })
    }

    fn target(
        &self,
        label: &str,
        entry: &TargetEntry,
        credentials: &mut Credentials,
    ) -> Result<Target, ConfigError> {
        let at_url = |problem: &str| self.error(Some(entry.url.span()), problem);
        let text = match entry.url.get_ref() {
            UrlEntry::Literal(text) => text.clone(),
            UrlEntry::From(from) => self.secret(from, entry.url.span())?.reveal().clone(),
        };
        let target = Target::parse(&text)
            .map_err(|e| at_url(&e.to_string()))?
            .labelled(label);
        let is_literal = matches!(entry.url.get_ref(), UrlEntry::Literal(_));
        if is_literal && target.credential().is_some() {
            return Err(at_url(
                "the URL holds a user name or password; write `url = { env = \"NAME\" }`, or set `credential`",
            ));
        }
        let Some(spanned) = &entry.credential else {
            return Ok(target);
        };
        let entry = spanned.get_ref();
        let origin = target.origin();
        let credential = match entry {
            CredentialEntry {
                bearer: Some(token),
                header: None,
                value: None,
                user: None,
                password: None,
            } => Credential::bearer(origin, self.secret(token, spanned.span())?.reveal()),
            CredentialEntry {
                bearer: None,
                header: Some(name),
                value: Some(value),
                user: None,
                password: None,
            } => Credential::header(origin, name, self.secret(value, spanned.span())?.reveal().clone()),
            CredentialEntry {
                bearer: None,
                header: None,
                value: None,
                user: Some(user),
                password: Some(password),
            } => Credential::login(
                origin,
                user.clone(),
                self.secret(password, spanned.span())?.reveal().clone(),
            ),
            _ => {
                return Err(self.error(
                    Some(spanned.span()),
                    "expected `bearer`, or `header` and `value`, or `user` and `password`",
                ));
            }
        };
        let handle = format!("{label}.credential");
        credentials.insert(handle.clone(), credential);
        Ok(target.with_credential(handle))
    }

    fn secret(&self, from: &SecretFrom, span: Range<usize>) -> Result<Secret<String>, ConfigError> {
        let problem = |problem: String| self.error(Some(span.clone()), &problem);
        let value = match from {
            SecretFrom::Env(name) => (self.environment)(name)
                .ok_or_else(|| problem(format!("the environment variable `{name}` is not set")))?,
            SecretFrom::File(path) => {
                let full = self.folder.join(path);
                fs::read_to_string(&full)
                    .map_err(|e| problem(format!("`{}` cannot be read: {e}", full.display())))?
            }
        };
        let value = value.trim_end_matches(['\r', '\n']).to_owned();
        if value.is_empty() {
            return Err(problem("the value is empty".to_owned()));
        }
        Ok(Secret::new(value))
    }

    fn chosen<'t>(
        &self,
        names: Option<&[Spanned<String>]>,
        targets: &'t BTreeMap<&str, Arc<Target>>,
    ) -> Result<Vec<&'t Arc<Target>>, ConfigError> {
        let Some(names) = names else {
            return Ok(targets.values().collect());
        };
        names
            .iter()
            .map(|name| {
                targets.get(name.get_ref().as_str()).ok_or_else(|| {
                    let known: Vec<String> = targets.keys().map(|label| format!("`{label}`")).collect();
                    let problem = format!(
                        "unknown target `{}`; known are {}",
                        name.get_ref(),
                        known.join(", ")
                    );
                    self.error(Some(name.span()), &problem)
                })
            })
            .collect()
    }

    fn preset(
        &self,
        entry: &PresetEntry,
        targets: &BTreeMap<&str, Arc<Target>>,
        suite: &mut Suite,
    ) -> Result<(), ConfigError> {
        let settings = self.settings(entry.with.as_ref())?;
        for target in self.chosen(entry.targets.as_deref(), targets)? {
            let requirements = self
                .registry
                .preset(entry.name.get_ref(), target, &settings)
                .map_err(|e| {
                    let span = self.place_in(entry.with.as_ref(), &e);
                    self.error(Some(span.unwrap_or(entry.name.span())), &e.to_string())
                })?;
            for requirement in requirements {
                suite
                    .add(requirement)
                    .map_err(|e| self.error(Some(entry.name.span()), &e.to_string()))?;
            }
        }
        Ok(())
    }

    fn requirement(
        &self,
        entry: &RequireEntry,
        targets: &BTreeMap<&str, Arc<Target>>,
    ) -> Result<Requirement, ConfigError> {
        let settings = self.settings(entry.with.as_ref())?;
        let probe = self
            .registry
            .build(entry.probe.get_ref(), &settings)
            .map_err(|e| {
                let span = self.place_in(entry.with.as_ref(), &e);
                self.error(Some(span.unwrap_or(entry.probe.span())), &e.to_string())
            })?;
        let chosen = self.chosen(entry.targets.as_deref(), targets)?;
        let Some((first, rest)) = chosen.split_first() else {
            return Err(self.error(
                Some(entry.probe.span()),
                "`targets` is empty: it would ask nothing",
            ));
        };
        let mut requirement = Requirement::new(probe, Arc::clone(first));
        for target in rest {
            requirement = requirement.and_target(Arc::clone(target));
        }
        if let Some(id) = &entry.id {
            requirement = requirement.named(id.as_str());
        }
        if let Some(priority) = entry.priority {
            requirement = requirement.priority(priority);
        }
        if let Some(weight) = &entry.weight {
            if !(1..=1000).contains(weight.get_ref()) {
                return Err(self.error(Some(weight.span()), "a weight is 1 to 1000"));
            }
            requirement = requirement.weight(*weight.get_ref());
        }
        if let Some(blocker) = entry.blocker {
            requirement = requirement.blocker(blocker);
        }
        if let Some(seconds) = entry.timeout_seconds {
            requirement = requirement.timeout(Duration::from_secs(seconds));
        }
        if let Some(days) = entry.max_age_days {
            requirement = requirement.max_age(Duration::from_secs(days.saturating_mul(86_400)));
        }
        Ok(requirement.retry(Retry::attempts(entry.attempts.unwrap_or(1))))
    }

    fn settings(&self, with: Option<&Spanned<toml::Table>>) -> Result<Value, ConfigError> {
        let Some(with) = with else {
            return Ok(Value::Null);
        };
        if let Some(key) = literal_secret(with.get_ref()) {
            let span = self.find_word(&with.span(), &key).unwrap_or(with.span());
            return Err(self.error(Some(span), &format!("`{key}`: {LITERAL_SECRET}")));
        }
        serde_json::to_value(with.get_ref())
            .map_err(|e| self.error(Some(with.span()), &format!("these settings cannot be read: {e}")))
    }

    /// Where in a `with` table the mistake stands: at the first word that the message quotes.
    fn place_in(&self, with: Option<&Spanned<toml::Table>>, error: &RegistryError) -> Option<Range<usize>> {
        let RegistryError::Settings { problem, .. } = error else {
            return None;
        };
        let with = with?;
        let quoted = problem.split('`').skip(1).step_by(2);
        let place = quoted
            .filter_map(|word| self.find_word(&with.span(), word))
            .next();
        place.or(Some(with.span()))
    }

    fn find_word(&self, span: &Range<usize>, word: &str) -> Option<Range<usize>> {
        let text = self.text.get(span.clone())?;
        let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        text.match_indices(word)
            .filter(|_| !word.is_empty())
            .find(|(at, _)| !text[..*at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
            .map(|(at, _)| span.start + at..span.start + at + word.len())
    }

    fn known_requirement(&self, suite: &Suite, id: &str, span: Range<usize>) -> Result<(), ConfigError> {
        if suite
            .requirements
            .iter()
            .any(|requirement| requirement.id() == id)
        {
            return Ok(());
        }
        let known: Vec<String> = suite
            .requirements
            .iter()
            .map(|requirement| format!("`{}`", requirement.id()))
            .collect();
        let problem = format!("unknown requirement `{id}`; known are {}", known.join(", "));
        // The span of an array's table is its header alone; the name stands below it.
        let span = self.find_word(&(span.start..self.text.len()), id).unwrap_or(span);
        Err(self.error(Some(span), &problem))
    }
}

fn policy(entry: &PolicyEntry) -> Policy {
    let points = |percent: &Option<Percent>| percent.as_ref().map(|percent| percent.0);
    Policy {
        target: points(&entry.target),
        min_coverage: points(&entry.min_coverage),
        floors: entry
            .floors
            .iter()
            .map(|(family, floor)| (family.clone(), floor.0))
            .collect(),
        max_not_applicable: points(&entry.max_not_applicable),
        fail_on_warn: matches!(entry.fail_on, Some(FailOn::Warn)),
        no_regression: entry.no_regression,
        four_eyes: entry.four_eyes,
    }
}

/// The first key that names a secret and has a literal value.
fn literal_secret(table: &toml::Table) -> Option<String> {
    const SECRET: [&str; 10] = [
        "apikey",
        "authorization",
        "bearer",
        "cookievalue",
        "credential",
        "passphrase",
        "passwd",
        "password",
        "privatekey",
        "secret",
    ];
    let names_a_secret = |key: &str| {
        let plain: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        SECRET.iter().any(|word| plain.contains(word)) || plain.ends_with("token")
    };
    table.iter().find_map(|(key, value)| match value {
        toml::Value::String(_) | toml::Value::Integer(_) | toml::Value::Float(_) => {
            names_a_secret(key).then(|| key.clone())
        }
        toml::Value::Table(inner) => literal_secret(inner),
        toml::Value::Array(items) => items.iter().find_map(|item| match item {
            toml::Value::Table(inner) => literal_secret(inner),
            toml::Value::String(_) | toml::Value::Integer(_) => names_a_secret(key).then(|| key.clone()),
            _ => None,
        }),
        _ => None,
    })
}
