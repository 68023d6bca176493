use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::Arc,
};

use super::{Profile, Requirement};
use crate::{
    observe::{Recording, Sources},
    probe::Priority,
    redact::{Credential, Credentials},
    report::Report,
    run::Runner,
    score::{Asked, Attestation, Baseline, Digest, Policy, Waiver},
    target::Target,
};

/// Requirements, the sources that answer them, and the policy that decides.
///
/// A suite holds nothing of a run: it may be run many times, also at once.
///
/// ```
/// use readiness_core::{Outcome, Requirement, Sources, Suite, Target, probe_fn};
/// let suite = Suite::new(Sources::default()).with(Requirement::new(
///     probe_fn("queue.depth", |_| async { Ok(Outcome::pass("3 orders wait")) }),
///     Target::parse("tcp://queue:5672")?,
/// ))?;
/// let report = suite.run_blocking()?;
/// assert_eq!(report.results.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Suite {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) sources: Sources,
    pub(crate) credentials: Credentials,
    profile: Option<Profile>,
    pub(crate) policy: Policy,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) earlier: Option<Arc<Report>>,
    catalog: Option<String>,
    /// Ids and labels that are taken.
    taken: BTreeSet<(String, String)>,
    labels: BTreeMap<String, Arc<Target>>,
}

impl Suite {
    /// The newest catalogue of probes, priorities and thresholds this version knows.
    pub const CATALOG: &'static str = "2026.1";

    /// An empty suite over these sources.
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            ..Self::default()
        }
    }

    /// Adds a requirement.
    ///
    /// # Errors
    /// [`SuiteError::Duplicate`] where the suite already has one of this id for one of its targets;
    /// [`SuiteError::Label`] where a label already means another target.
    pub fn with(mut self, requirement: Requirement) -> Result<Self, SuiteError> {
        self.add(requirement)?;
        Ok(self)
    }

    /// [`Suite::with`] for a suite behind a reference.
    ///
    /// # Errors
    /// As [`Suite::with`].
    pub fn add(&mut self, requirement: Requirement) -> Result<(), SuiteError> {
        let mut new = BTreeSet::new();
        for target in requirement.targets() {
            let key = (requirement.id().to_owned(), target.label().to_owned());
            if self.taken.contains(&key) || !new.insert(key) {
                let other = self
                    .requirements
                    .iter()
                    .find(|other| other.id() == requirement.id());
                return Err(SuiteError::Duplicate {
                    id: requirement.id().to_owned(),
                    target: target.label().to_owned(),
                    first: format!("{:?}", other.unwrap_or(&requirement).probe()),
                    second: format!("{:?}", requirement.probe()),
                });
            }
            if let Some(other) = self.labels.get(target.label()).filter(|other| *other != target) {
                return Err(SuiteError::Label {
                    label: target.label().to_owned(),
                    first: other.to_string(),
                    second: target.to_string(),
                });
            }
        }
        self.taken.extend(new);
        for target in requirement.targets() {
            self.credentials.extend(target.credentials());
            self.labels.insert(target.label().to_owned(), Arc::clone(target));
        }
        self.requirements.push(requirement);
        Ok(())
    }

    /// Takes over the requirements and credentials of another suite. Sources, policy and waivers stay.
    ///
    /// # Errors
    /// As [`Suite::with`].
    pub fn merge(mut self, other: Suite) -> Result<Self, SuiteError> {
        self.credentials.extend(other.credentials);
        for requirement in other.requirements {
            self.add(requirement)?;
        }
        Ok(self)
    }

    /// Holds every target to this profile instead of the target's own default.
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = Some(profile);
        self
    }

    /// Sets the rule that turns the score into a verdict.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Adds an accepted risk.
    pub fn waiver(mut self, waiver: Waiver) -> Self {
        self.waivers.push(waiver);
        self
    }

    /// Adds a person's word.
    pub fn attestation(mut self, attestation: Attestation) -> Self {
        self.attestations.push(attestation);
        self
    }

    /// Sets the findings that were there before: only new ones fail.
    pub fn baseline(mut self, baseline: Baseline) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Compares with an earlier report.
    pub fn earlier(mut self, report: Report) -> Self {
        self.earlier = Some(Arc::new(report));
        self
    }

    /// Pins the catalogue.
    pub fn pinned(mut self, catalog: impl Into<String>) -> Self {
        self.catalog = Some(catalog.into());
        self
    }

    /// Adds a credential under a handle. It is only ever sent to its origin.
    pub fn credential(mut self, handle: impl Into<String>, credential: Credential) -> Self {
        self.credentials.insert(handle, credential);
        self
    }

    /// Replaces the sources.
    pub fn with_sources(mut self, sources: Sources) -> Self {
        self.sources = sources;
        self
    }

    /// The same suite, answered from a recording alone: no socket is opened.
    pub fn replaying(mut self, recording: &Recording) -> Self {
        self.sources = Sources::replaying(recording);
        self
    }

    /// The requirements, in order.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// The sources.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// The rule that turns the score into a verdict.
    pub fn own_policy(&self) -> &Policy {
        &self.policy
    }

    /// The catalogue it is judged by.
    pub fn catalog(&self) -> &str {
        self.catalog.as_deref().unwrap_or(Self::CATALOG)
    }

    /// Whether it can be run.
    ///
    /// # Errors
    /// [`SuiteError::Empty`] where it asks nothing.
    pub fn check(&self) -> Result<(), SuiteError> {
        if self.requirements.is_empty() {
            return Err(SuiteError::Empty);
        }
        Ok(())
    }

    /// Runs it with the usual bounds; see [`Runner`] to change them.
    ///
    /// # Cancel safety
    /// Dropping the future releases everything before `drop` returns.
    pub async fn run(&self) -> Report {
        Runner::default().run(self).await
    }

    /// Runs it where nothing is async, inside or outside a runtime.
    ///
    /// # Errors
    /// Where the machine cannot start a runtime or a thread.
    pub fn run_blocking(&self) -> io::Result<Report> {
        Runner::default().run_blocking(self)
    }

    /// The same suite with those requirements and targets alone that are wanted, by id and label.
    pub fn only(&self, wanted: impl Fn(&str, &str) -> bool) -> Self {
        let mut suite = self.clone();
        suite.requirements = self
            .requirements
            .iter()
            .filter_map(|requirement| requirement.only(|label| wanted(requirement.id(), label)))
            .collect();
        suite.labels = suite
            .requirements
            .iter()
            .flat_map(Requirement::targets)
            .map(|target| (target.label().to_owned(), Arc::clone(target)))
            .collect();
        suite
    }

    /// The same suite with every probe replaced by one that does not look.
    pub(crate) fn without_probes(mut self) -> Self {
        for requirement in &mut self.requirements {
            requirement.disarm();
        }
        self
    }

    pub(crate) fn profile_of(&self, target: &Target) -> Profile {
        self.profile
            .clone()
            .unwrap_or_else(|| Profile::for_target(target))
    }

    /// The profile of each target, by label.
    pub(crate) fn profiles(&self) -> Profiles<'_> {
        self.labels
            .iter()
            .map(|(label, target)| (label.as_str(), Arc::new(self.profile_of(target))))
            .collect()
    }

    /// What is asked, of which labels, with which thresholds, and what decides. No URL, no secret.
    pub(crate) fn digest(&self, profiles: &Profiles<'_>) -> Digest {
        let asked = |requirement| asked(requirement, profiles);
        Digest::of_suite(self.catalog(), &self.policy, self.requirements.iter().map(asked))
    }
}

/// The profile of each target of a suite, by label.
pub(crate) type Profiles<'a> = BTreeMap<&'a str, Arc<Profile>>;

/// How much a requirement matters: what was set for it, or what the profiles of its targets make of the
/// probe's own.
pub(crate) fn priority_of(requirement: &Requirement, profiles: &Profiles<'_>) -> Priority {
    let info = requirement.probe().info();
    requirement.own_priority().unwrap_or_else(|| {
        let at = |target: &Arc<Target>| {
            let profile = profiles.get(target.label())?;
            Some(profile.priority(info.id.as_str(), info.priority))
        };
        requirement
            .targets()
            .iter()
            .filter_map(at)
            .min()
            .unwrap_or(info.priority)
    })
}

fn asked<'a>(requirement: &'a Requirement, profiles: &Profiles<'_>) -> Asked<'a> {
    Asked {
        attempts: requirement.own_retry().attempts,
        blocker: requirement.own_blocker(),
        needed: requirement.own_retry().needed,
        id: requirement.id(),
        priority: priority_of(requirement, profiles),
        probe: format!("{:?}", requirement.probe()),
        targets: requirement.targets().iter().map(|t| t.label()).collect(),
        timeout: format!("{:?}", requirement.attempt_timeout()),
        weight: requirement.own_weight(),
    }
}

/// A suite that cannot be run.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// Two requirements have the same id and target.
    #[error(
        "requirement `{id}` stands twice for target `{target}`: {first} and {second}; give one of them \
         another id with `Requirement::named`"
    )]
    Duplicate {
        /// The id.
        id: String,
        /// The target's label.
        target: String,
        /// The first probe.
        first: String,
        /// The second probe.
        second: String,
    },
    /// One label means two targets: nobody could tell their results apart.
    #[error(
        "the label `{label}` means {first} and {second}; give one of them another with `Target::labelled`"
    )]
    Label {
        /// The label.
        label: String,
        /// The target that came first.
        first: String,
        /// The target that came second.
        second: String,
    },
    /// It asks nothing.
    #[error("the suite is empty: it has no requirement, and nothing can be said of nothing")]
    Empty,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Outcome, probe_fn};

    #[test]
    fn the_digest_is_that_of_what_is_asked() {
        let target = |text: &str| Target::parse(text).unwrap();
        let probe = probe_fn("queue.depth", |_| async { Ok(Outcome::pass("3 orders wait")) });
        let requirement = Requirement::new(probe, target("tcp://queue:5672"));
        let requirement = requirement
            .and_target(target("tcp://other:5672"))
            .blocker(true)
            .weight(3);
        let suite = Suite::default().with(requirement).unwrap();
        let expected = serde_json::json!({
            "catalog": Suite::CATALOG,
            "policy": Policy::default(),
            "requirements": [{
                "id": "queue.depth",
                "probe": format!("{:?}", suite.requirements()[0].probe()),
                "targets": ["queue:5672", "other:5672"],
                "priority": Priority::Medium,
                "weight": 3,
                "blocker": true,
                "timeout": "10s",
                "attempts": 1,
            }],
        });
        assert_eq!(suite.digest(&suite.profiles()), Digest::of_json(&expected));
    }
}
