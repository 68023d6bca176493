use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;

use super::{Probe, ProbeContext, ProbeError, ProbeId, ProbeInfo};
use crate::outcome::{Outcome, Reason};

/// A probe for what only a person can judge: it always says that no attestation was given.
///
/// With an [`Attestation`](crate::Attestation) in the suite the requirement counts as that says.
///
/// ```
/// use readiness_core::{Priority, ProbeId, Requirement, Target, attested};
/// let probe = attested(ProbeId::new("org.pentest"), "an outsider tested it within a year");
/// let requirement = Requirement::new(probe, Target::parse("https://api.example.com")?)
///     .priority(Priority::High);
/// assert_eq!(requirement.id(), "org.pentest");
/// # Ok::<(), readiness_core::TargetError>(())
/// ```
pub fn attested(id: ProbeId, title: impl Into<Cow<'static, str>>) -> Arc<dyn Probe> {
    let mut info = ProbeInfo::new(id, "").fix("let whoever answers for it sign an attestation");
    info.title = title.into();
    Arc::new(AttestedProbe { info })
}

#[derive(Debug)]
struct AttestedProbe {
    info: ProbeInfo,
}

#[async_trait]
impl Probe for AttestedProbe {
    fn info(&self) -> &ProbeInfo {
        &self.info
    }

    async fn run(&self, _: &ProbeContext) -> Result<Outcome, ProbeError> {
        Ok(Outcome::unknown(
            Reason::ATTESTATION_MISSING,
            "only a person can judge it",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Target, testing::Facts};

    #[test]
    fn by_itself_it_is_never_a_pass() {
        let probe = attested(ProbeId::new("org.pentest"), "tested");
        let outcome = Facts::new().judge(&*probe, &Target::parse("api.example.com").unwrap());
        assert_eq!(
            outcome.status,
            crate::Status::unknown(Reason::ATTESTATION_MISSING)
        );
    }
}
