//! The list of probes a program knows, by id. Nothing registers itself: there is one visible list.

use std::{any::type_name, collections::BTreeMap, fmt, sync::Arc};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    probe::{Described, Probe, ProbeInfo},
    suite::Requirement,
    target::Target,
};

type Factory = Arc<dyn Fn(Settings<'_>) -> Result<Arc<dyn Probe>, String> + Send + Sync>;

type Preset = fn(&Registry, &Arc<Target>, &Value) -> Result<Vec<Requirement>, String>;

/// The probes a program knows: built in ones, and those of other crates.
///
/// A crate of probes exports `pub fn register(registry: &mut Registry)` that adds each of its own.
///
/// ```
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
/// use readiness_core::Registry;
///
/// pub fn register(registry: &mut Registry) {
///     registry.add::<QueueDepth>();
/// }
/// let mut registry = Registry::new();
/// register(&mut registry);
/// let probe = registry.build("acme.queue_depth", &serde_json::json!({ "most": 5 }))?;
/// assert_eq!(probe.info().title, "the queue is short");
/// # Ok::<(), readiness_core::RegistryError>(())
/// ```
#[derive(Clone, Default)]
pub struct Registry {
    entries: BTreeMap<String, Entry>,
    aliases: BTreeMap<String, String>,
    presets: BTreeMap<String, Preset>,
    conflicts: Vec<RegistryError>,
}

#[derive(Clone)]
struct Entry {
    info: ProbeInfo,
    made_by: &'static str,
    factory: Factory,
}

impl Registry {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a probe whose settings need no check beyond their types.
    pub fn add<P>(&mut self) -> &mut Self
    where
        P: Described + DeserializeOwned + Probe + 'static,
    {
        self.add_with::<P>(|_| Ok(()))
    }

    /// Adds a probe and a check of its settings, which says in words what is wrong with them.
    pub fn add_with<P>(&mut self, check: fn(&P) -> Result<(), String>) -> &mut Self
    where
        P: Described + DeserializeOwned + Probe + 'static,
    {
        let factory: Factory = Arc::new(move |settings| {
            let probe: P = settings.parse()?;
            check(&probe)?;
            Ok(Arc::new(probe))
        });
        let entry = Entry {
            info: P::described().clone(),
            made_by: type_name::<P>(),
            factory,
        };
        let id = entry.info.id.as_str().to_owned();
        let aliases = entry.info.aliases.iter().map(AsRef::as_ref);
        for name in std::iter::once(id.as_str()).chain(aliases) {
            if let Some(first) = self.owner(name) {
                self.conflicts.push(RegistryError::Duplicate {
                    id: name.to_owned(),
                    first: first.made_by.to_owned(),
                    second: entry.made_by.to_owned(),
                });
                return self;
            }
        }
        for alias in entry.info.aliases.iter() {
            self.aliases.insert(alias.clone().into_owned(), id.clone());
        }
        self.entries.insert(id, entry);
        self
    }

    /// Makes a probe from its settings: a JSON object, or `null` for the defaults.
    ///
    /// # Errors
    /// [`RegistryError`]: an unknown id lists the known ones; two probes of one id name both; wrong
    /// settings say what is wrong.
    pub fn build(&self, id: &str, settings: &Value) -> Result<Arc<dyn Probe>, RegistryError> {
        self.check()?;
        let entry = self.entry(id)?;
        (entry.factory)(Settings(settings)).map_err(|problem| RegistryError::Settings {
            id: id.to_owned(),
            problem,
        })
    }

    /// Adds a preset: a name for the requirements that a kind of target usually has.
    ///
    /// It is given this registry, the target and the settings (`null` where there are none), and says in words what is
    /// wrong with them.
    pub fn add_preset(&mut self, name: &str, preset: Preset) -> &mut Self {
        self.presets.insert(name.to_owned(), preset);
        self
    }

    /// The requirements of a preset for a target.
    ///
    /// # Errors
    /// [`RegistryError`]: an unknown name lists the known ones; wrong settings say what is wrong.
    pub fn preset(
        &self,
        name: &str,
        target: &Arc<Target>,
        settings: &Value,
    ) -> Result<Vec<Requirement>, RegistryError> {
        let preset = self
            .presets
            .get(name)
            .ok_or_else(|| RegistryError::UnknownPreset {
                name: name.chars().take(60).collect(),
                known: self.presets.keys().cloned().collect(),
            })?;
        preset(self, target, settings).map_err(|problem| RegistryError::Settings {
            id: name.to_owned(),
            problem,
        })
    }

    /// What a probe is.
    ///
    /// # Errors
    /// [`RegistryError::Unknown`], which lists the known ones.
    pub fn info(&self, id: &str) -> Result<&ProbeInfo, RegistryError> {
        Ok(&self.entry(id)?.info)
    }

    /// Every probe, sorted by id.
    pub fn infos(&self) -> impl Iterator<Item = &ProbeInfo> {
        self.entries.values().map(|entry| &entry.info)
    }

    /// Whether each id means one probe.
    ///
    /// # Errors
    /// [`RegistryError::Duplicate`] names both.
    pub fn check(&self) -> Result<(), RegistryError> {
        self.conflicts.first().cloned().map_or(Ok(()), Err)
    }

    /// The entry of an id or an alias.
    fn owner(&self, name: &str) -> Option<&Entry> {
        let id = self.aliases.get(name).map_or(name, String::as_str);
        self.entries.get(id)
    }

    fn entry(&self, id: &str) -> Result<&Entry, RegistryError> {
        self.owner(id).ok_or_else(|| RegistryError::Unknown {
            id: id.chars().take(60).collect(),
            known: self.entries.keys().cloned().collect(),
        })
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.entries.keys()).finish()
    }
}

/// The settings of one probe, as the configuration gives them.
#[derive(Clone, Copy, Debug)]
struct Settings<'a>(&'a Value);

impl Settings<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T, String> {
        let empty = Value::Object(serde_json::Map::new());
        let value = if self.0.is_null() { &empty } else { self.0 };
        T::deserialize(value).map_err(|e| e.to_string())
    }
}

/// A probe that cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two probes have the same id.
    #[error(
        "probe `{id}` is registered twice: by `{first}` and by `{second}`; begin the id of a probe with its crate's name"
    )]
    Duplicate {
        /// The id.
        id: String,
        /// The type that came first.
        first: String,
        /// The type that came second.
        second: String,
    },
    /// Its settings are wrong.
    #[error("settings of `{id}`: {problem}")]
    Settings {
        /// The id.
        id: String,
        /// What is wrong.
        problem: String,
    },
    /// There is none of this id.
    #[error("unknown probe `{id}`; known are {}", list(known))]
    Unknown {
        /// The id asked for.
        id: String,
        /// The known ones, sorted.
        known: Vec<String>,
    },
    /// There is no preset of this name.
    #[error("unknown preset `{name}`; known are {}", list(known))]
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// The known ones, sorted.
        known: Vec<String>,
    },
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
