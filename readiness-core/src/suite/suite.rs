use super::{Profile, Requirement};
use crate::{
    observe::Sources,
    redact::Credentials,
    score::{Attestation, Baseline, Policy, Waiver},
};

/// Requirements, the sources that answer them, and the policy that decides.
///
/// A suite holds nothing of a run: it may be run many times, also at once.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) sources: Sources,
    pub(crate) credentials: Credentials,
    pub(crate) profile: Option<Profile>,
    pub(crate) policy: Policy,
    pub(crate) waivers: Vec<Waiver>,
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) baseline: Option<Baseline>,
    pub(crate) catalog: Option<String>,
}

impl Suite {
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
    /// [`SuiteError::Duplicate`] where the suite already has one of this id for one of its targets.
    pub fn with(mut self, requirement: Requirement) -> Result<Self, SuiteError> {
        self.add(requirement)?;
        Ok(self)
    }

    /// [`Suite::with`] for a suite behind a reference.
    ///
    /// # Errors
    /// [`SuiteError::Duplicate`] where the suite already has one of this id for one of its targets.
    pub fn add(&mut self, requirement: Requirement) -> Result<(), SuiteError> {
        for target in requirement.targets() {
            let clash = self.requirements.iter().find(|other| {
                other.id() == requirement.id() && other.targets().iter().any(|t| t.label() == target.label())
            });
            if let Some(other) = clash {
                return Err(SuiteError::Duplicate {
                    id: requirement.id().to_owned(),
                    target: target.label().to_owned(),
                    first: format!("{:?}", other.probe()),
                    second: format!("{:?}", requirement.probe()),
                });
            }
        }
        for target in requirement.targets() {
            self.credentials.extend(target.credentials());
        }
        self.requirements.push(requirement);
        Ok(())
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
    /// It asks nothing.
    #[error("the suite is empty: it has no requirement, and nothing can be said of nothing")]
    Empty,
}
