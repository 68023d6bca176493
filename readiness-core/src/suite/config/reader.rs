//! From tables to a suite; each mistake with its place.

use std::{collections::BTreeMap, fs, ops::Range, path::Path, sync::Arc, time::Duration};

use serde_json::Value;
use toml::Spanned;

use super::{
    Config, ConfigError,
    file::{CredentialEntry, File, PresetEntry, RequireEntry, TargetEntry},
    secret::{LITERAL_SECRET, SecretFrom, UrlEntry, literal_secret},
};
use crate::{
    clock::{Clock, SystemClock},
    fact::TrustStore,
    redact::{Credential, Credentials, Secret},
    registry::{Registry, RegistryError},
    score::Baseline,
    suite::{Profile, Requirement, Retry, Suite},
    target::Target,
};

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) file_name: &'a str,
    pub(super) registry: &'a Registry,
    pub(super) folder: &'a Path,
    pub(super) environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Reader<'_> {
    pub(super) fn error(&self, span: Option<Range<usize>>, problem: &str) -> ConfigError {
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

    pub(super) fn config(&self, file: File) -> Result<Config, ConfigError> {
        let mut suite = Suite::default().policy(file.policy.policy());
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
        for store in &mut look.trust {
            if let TrustStore::File(path) = store {
                *path = self.folder.join(&*path).to_string_lossy().into_owned();
            }
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
        if let Some(seconds) = &entry.max_age_seconds {
            if entry.max_age_days.is_some() {
                let problem = "`max_age_days` and `max_age_seconds` say the same; leave out one of them";
                return Err(self.error(Some(seconds.span()), problem));
            }
            requirement = requirement.max_age(Duration::from_secs(*seconds.get_ref()));
        }
        Ok(requirement.retry(self.retry(entry)?))
    }

    fn retry(&self, entry: &RequireEntry) -> Result<Retry, ConfigError> {
        let attempts = entry.attempts.as_ref().map(|attempts| *attempts.get_ref());
        let mut retry = Retry::attempts(attempts.unwrap_or(1));
        if let Some(needed) = &entry.needed {
            let most = retry.attempts;
            if !(1..=most).contains(needed.get_ref()) {
                let problem = format!(
                    "`needed` is {}, expected 1 to {most}, which is `attempts`: so many of them must be good",
                    needed.get_ref()
                );
                return Err(self.error(Some(needed.span()), &problem));
            }
            retry = retry.needing(*needed.get_ref());
        }
        if let Some(seconds) = entry.every_seconds {
            retry = retry.every(Duration::from_secs(seconds));
        }
        Ok(retry)
    }

    fn settings(&self, with: Option<&Spanned<toml::Table>>) -> Result<Value, ConfigError> {
        let Some(with) = with else {
            return Ok(Value::Null);
        };
        if let Some(key) = literal_secret(with.get_ref()) {
            let span = self.find_word(&self.reach(&with.span()), &key);
            let span = span.unwrap_or(with.span());
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
            .filter_map(|word| self.find_word(&self.reach(&with.span()), word))
            .next();
        place.or(Some(with.span()))
    }

    /// The whole of a `with` table. Where it is written under headers of its own, such as
    /// `[[require.with.steps]]`, its span is the first of them alone.
    fn reach(&self, span: &Range<usize>) -> Range<usize> {
        const OWN: [&str; 4] = ["[require.with", "[[require.with", "[preset.with", "[[preset.with"];
        let rest = self.text.get(span.end..).unwrap_or_default();
        let mut at = span.end;
        for line in rest.split_inclusive('\n') {
            let is_header = line.starts_with('[') && at > span.end;
            if is_header && !OWN.iter().any(|own| line.starts_with(own)) {
                break;
            }
            at += line.len();
        }
        let is_inline = self
            .text
            .get(span.clone())
            .is_some_and(|text| text.starts_with('{'));
        span.start..if is_inline { span.end } else { at }
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
