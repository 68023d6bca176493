use serde::{Deserialize, Serialize};

use crate::{clock::Timestamp, outcome::Finding};

/// An accepted risk with an owner and an end. It buys permission, not points.
///
/// It is active from its beginning on and until just before its end. A narrowed one, with a code or a
/// subject, accepts only the failures it names, and nothing that could not be judged.
///
/// ```
/// use readiness_core::{Timestamp, Waiver};
/// let waiver = Waiver::new("net.port_exposure", "the old client needs it", "ops", "2027-01-31".parse()?)
///     .target("api")
///     .subject("port 8443");
/// let today: Timestamp = "2026-11-20".parse()?;
/// assert!(waiver.check(today, false).is_ok());
/// assert!(waiver.check(today, true).is_err(), "nobody approved it");
/// # Ok::<(), readiness_core::TimestampError>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// The requirement it is about.
    pub requirement: String,
    /// The target's label; every target where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The finding's code; every finding where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The finding's subject; every subject where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// Why the risk is accepted.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// From when on; from the beginning of time where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// When it ends. Mandatory.
    pub until: Timestamp,
}

/// A waiver and what became of it in a run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WaiverRecord {
    /// The waiver.
    pub waiver: Waiver,
    /// What became of it.
    pub state: WaiverState,
}

/// What became of a waiver.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum WaiverState {
    /// It is in force, and what it waives fails or could not be judged.
    Active,
    /// Its end has passed.
    Expired,
    /// It had not begun when the run did.
    NotYet,
    /// It breaks the rules of [`Waiver::check`], so it has no effect.
    Rejected,
    /// It is in force, and what it waives does not fail: it can go.
    Stale,
}

impl Waiver {
    /// Accepts that this requirement fails, at every target, until just before this end.
    pub fn new(
        requirement: impl Into<String>,
        reason: impl Into<String>,
        owner: impl Into<String>,
        until: Timestamp,
    ) -> Self {
        Self {
            requirement: requirement.into(),
            target: None,
            code: None,
            subject: None,
            reason: reason.into(),
            owner: owner.into(),
            approver: None,
            from: None,
            until,
        }
    }

    /// Narrows it to the target with this label.
    pub fn target(mut self, label: impl Into<String>) -> Self {
        self.target = Some(label.into());
        self
    }

    /// Narrows it to findings with this code.
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Narrows it to findings about this subject.
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says who approved it.
    pub fn approver(mut self, approver: impl Into<String>) -> Self {
        self.approver = Some(approver.into());
        self
    }

    /// Says when it begins.
    pub fn starting(mut self, from: Timestamp) -> Self {
        self.from = Some(from);
        self
    }

    /// Checks it against the rules, as of when it is given.
    ///
    /// It must not begin later than that: else a deployment could become ready by waiting.
    ///
    /// # Errors
    /// [`WaiverError`] where a word is missing, its end does not come after its beginning, it begins in the
    /// future, or, under `four_eyes`, nobody else than its owner approved it.
    pub fn check(&self, created: Timestamp, four_eyes: bool) -> Result<(), WaiverError> {
        let requirement = self.requirement.clone();
        for (field, text) in [
            ("requirement", &self.requirement),
            ("reason", &self.reason),
            ("owner", &self.owner),
        ] {
            if text.trim().is_empty() {
                return Err(WaiverError::Empty { requirement, field });
            }
        }
        if let Some(from) = self.from {
            let until = self.until;
            if until <= from {
                return Err(WaiverError::EndsFirst {
                    requirement,
                    from,
                    until,
                });
            }
            if from > created {
                return Err(WaiverError::BeginsLater {
                    requirement,
                    from,
                    created,
                });
            }
        }
        let approver = self.approver.as_deref().map(str::trim).unwrap_or_default();
        if four_eyes && (approver.is_empty() || approver == self.owner.trim()) {
            let owner = self.owner.clone();
            return Err(WaiverError::FourEyes { requirement, owner });
        }
        Ok(())
    }

    /// Its state by the calendar alone: active, expired or not yet begun.
    pub fn state_at(&self, now: Timestamp) -> WaiverState {
        if now >= self.until {
            WaiverState::Expired
        } else if self.from.is_some_and(|from| now < from) {
            WaiverState::NotYet
        } else {
            WaiverState::Active
        }
    }

    /// Whether it is about this requirement at this target.
    pub(crate) fn concerns(&self, requirement: &str, target: &str) -> bool {
        self.requirement == requirement && self.target.as_deref().is_none_or(|label| label == target)
    }

    /// Whether it names findings, and accepts no others.
    pub(crate) fn is_narrowed(&self) -> bool {
        self.code.is_some() || self.subject.is_some()
    }

    /// Whether it accepts this finding of a requirement and target it is about.
    pub(crate) fn accepts(&self, finding: &Finding) -> bool {
        self.code.as_ref().is_none_or(|code| *code == finding.code)
            && self
                .subject
                .as_ref()
                .is_none_or(|subject| *subject == finding.subject)
    }
}

/// A waiver that breaks the rules.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum WaiverError {
    /// It begins later than it was given.
    #[error(
        "the waiver for `{requirement}` begins on {from}, after {created}; add it when it begins, or leave          out `from`"
    )]
    BeginsLater {
        /// The requirement.
        requirement: String,
        /// When it begins.
        from: Timestamp,
        /// When it was given.
        created: Timestamp,
    },
    /// A word is missing.
    #[error("the waiver for `{requirement}` has an empty `{field}`; say it in a few words")]
    Empty {
        /// The requirement.
        requirement: String,
        /// What is missing.
        field: &'static str,
    },
    /// It ends before it begins.
    #[error("the waiver for `{requirement}` ends on {until}, expected after its beginning on {from}")]
    EndsFirst {
        /// The requirement.
        requirement: String,
        /// When it begins.
        from: Timestamp,
        /// When it ends.
        until: Timestamp,
    },
    /// Nobody else approved it.
    #[error(
        "the waiver for `{requirement}` is not approved by another than its owner `{owner}`; name an          `approver`, as `four_eyes` is on"
    )]
    FourEyes {
        /// The requirement.
        requirement: String,
        /// Who answers for it.
        owner: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn waiver() -> Waiver {
        Waiver::new(
            "net.port_exposure",
            "the old client needs it",
            "ops",
            at("2027-01-31"),
        )
    }

    #[test]
    fn it_is_active_from_its_beginning_until_just_before_its_end() {
        let waiver = waiver().starting(at("2026-11-20"));
        let state = |text: &str| waiver.state_at(at(text));
        assert_eq!(state("2026-11-19T23:59:59Z"), WaiverState::NotYet);
        assert_eq!(state("2026-11-20T00:00:00Z"), WaiverState::Active);
        assert_eq!(state("2027-01-30T23:59:59Z"), WaiverState::Active);
        assert_eq!(state("2027-01-31T00:00:00Z"), WaiverState::Expired);
        let always_was = self::waiver();
        assert_eq!(always_was.state_at(at("1970-01-01")), WaiverState::Active);
    }

    #[test]
    fn the_rules_name_what_is_wrong() {
        let now = at("2026-11-20");
        let problem = |waiver: Waiver| waiver.check(now, false).unwrap_err().to_string();
        let blank = Waiver {
            reason: "  ".into(),
            ..waiver()
        };
        assert_eq!(
            problem(blank),
            "the waiver for `net.port_exposure` has an empty `reason`; say it in a few words"
        );
        assert!(
            problem(Waiver {
                owner: String::new(),
                ..waiver()
            })
            .contains("`owner`")
        );
        assert!(
            problem(Waiver {
                requirement: String::new(),
                ..waiver()
            })
            .contains("`requirement`")
        );
        assert!(problem(waiver().starting(at("2027-01-31"))).contains("expected after"));
        assert!(problem(waiver().starting(at("2026-11-20T00:00:01Z"))).contains("begins on"));
        assert_eq!(waiver().starting(now).check(now, false), Ok(()));
        // One that has ended is no error: the report lists it.
        assert_eq!(waiver().check(at("2030-01-01"), false), Ok(()));
    }

    #[test]
    fn four_eyes_want_another_approver() {
        let check = |waiver: Waiver| waiver.check(at("2026-11-20"), true);
        assert!(check(waiver()).is_err());
        assert!(check(waiver().approver(" ")).is_err());
        assert!(check(waiver().approver("ops ")).is_err());
        assert_eq!(check(waiver().approver("head of ops")), Ok(()));
    }

    #[test]
    fn a_waiver_without_an_end_does_not_load() {
        let error = serde_json::from_str::<Waiver>(r#"{"requirement":"a.b","reason":"r","owner":"o"}"#);
        assert!(error.unwrap_err().to_string().contains("missing field `until`"));
        let extra = r#"{"requirement":"a.b","reason":"r","owner":"o","until":"2027-01-31","ticket":"7"}"#;
        assert!(serde_json::from_str::<Waiver>(extra).is_err());
    }

    #[test]
    fn it_concerns_what_it_names() {
        assert!(waiver().concerns("net.port_exposure", "api"));
        assert!(!waiver().concerns("net.tcp", "api"));
        assert!(!waiver().target("db").concerns("net.port_exposure", "api"));
        let finding = Finding::fail("open", "it answers").subject("port 8443");
        assert!(waiver().accepts(&finding));
        assert!(waiver().code("open").subject("port 8443").accepts(&finding));
        assert!(!waiver().code("open").subject("port 22").accepts(&finding));
        assert!(!waiver().code("banner").accepts(&finding));
    }
}
