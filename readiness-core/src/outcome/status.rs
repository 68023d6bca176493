use std::fmt;

use serde::{Deserialize, Serialize};

use super::Reason;

/// The judgement. Exhaustive on purpose: every renderer must spell out all five.
///
/// `Unknown` means that nobody could look; it is never a pass and earns nothing. A negative answer
/// (refused, NXDOMAIN, HTTP 500) is not unknown: it was seen, and is judged.
#[allow(clippy::exhaustive_enums, reason = "the five words are the contract")]
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// It holds.
    Pass,
    /// It holds in part.
    Warn {
        /// What part of the points it earns.
        #[serde(default)]
        credit: Credit,
    },
    /// It does not hold.
    Fail,
    /// It could not be judged.
    Unknown {
        /// Why, as a stable code.
        reason: Reason,
        /// What it stands on and could not be had, when that is the reason.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<Cause>,
    },
    /// It makes no sense here.
    NotApplicable {
        /// Why it makes no sense here.
        because: String,
    },
}

impl Status {
    /// A warning that earns half.
    pub fn warn() -> Self {
        Self::Warn {
            credit: Credit::default(),
        }
    }

    /// Unknown for this reason.
    pub fn unknown(reason: Reason) -> Self {
        Self::Unknown { reason, cause: None }
    }

    /// Where it stands from worst (0) to best: Fail < Unknown < Warn < Pass < not applicable.
    ///
    /// Several targets of one requirement combine to the worst.
    pub fn rank(&self) -> u8 {
        match self {
            Self::Fail => 0,
            Self::Unknown { .. } => 1,
            Self::Warn { .. } => 2,
            Self::Pass => 3,
            Self::NotApplicable { .. } => 4,
        }
    }

    /// The word for it: `pass`, `warn`, `fail`, `unknown`, `not_applicable`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn { .. } => "warn",
            Self::Fail => "fail",
            Self::Unknown { .. } => "unknown",
            Self::NotApplicable { .. } => "not_applicable",
        }
    }

    /// What it earns, in thousandths; `None` where it does not count (unknown, not applicable).
    pub fn credit(&self) -> Option<u16> {
        match self {
            Self::Pass => Some(1000),
            Self::Warn { credit } => Some(credit.get()),
            Self::Fail => Some(0),
            Self::Unknown { .. } | Self::NotApplicable { .. } => None,
        }
    }

    /// Whether it is [`Status::Pass`].
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::Pass)
    }

    /// Whether it is [`Status::Fail`].
    pub fn is_fail(&self) -> bool {
        matches!(self, Self::Fail)
    }

    /// Whether it is [`Status::Unknown`].
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// Whether it is [`Status::Warn`].
    pub fn is_warn(&self) -> bool {
        matches!(self, Self::Warn { .. })
    }

    /// Whether it is [`Status::NotApplicable`].
    pub fn is_not_applicable(&self) -> bool {
        matches!(self, Self::NotApplicable { .. })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a warning earns, in thousandths: 0 to 999, as 1000 would be a pass.
///
/// ```
/// use readiness_core::Credit;
/// assert_eq!(Credit::default().get(), 500);
/// assert!(Credit::try_from(1000).is_err());
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Credit(u16);

impl Credit {
    /// Thousandths.
    pub fn get(self) -> u16 {
        self.0
    }

    /// The nearest credit a warning can have: over 999 becomes 999.
    pub fn saturating(thousandths: u16) -> Self {
        Self(thousandths.min(999))
    }
}

impl Default for Credit {
    fn default() -> Self {
        Self(500)
    }
}

impl From<Credit> for u16 {
    fn from(credit: Credit) -> Self {
        credit.0
    }
}

impl TryFrom<u16> for Credit {
    type Error = String;

    fn try_from(thousandths: u16) -> Result<Self, Self::Error> {
        if thousandths < 1000 {
            Ok(Self(thousandths))
        } else {
            Err(format!(
                "a warning's credit is 0 to 999 thousandths, not {thousandths}"
            ))
        }
    }
}

/// The one thing that others stand on and that could not be had.
///
/// All who stand on it carry the same cause, so a report names it once.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Cause {
    /// What was looked at, such as `address of api.example.com`.
    pub subject: String,
    /// Why it could not be had.
    pub reason: Reason,
    /// The same in words.
    pub message: String,
}

impl Cause {
    /// A cause.
    pub fn new(subject: impl Into<String>, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            subject: subject.into(),
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_survives_json() {
        for status in [
            Status::Pass,
            Status::warn(),
            Status::Fail,
            Status::unknown(Reason::PANIC),
            Status::NotApplicable {
                because: "no cookies".into(),
            },
        ] {
            let json = serde_json::to_string(&status).unwrap();
            assert_eq!(serde_json::from_str::<Status>(&json).unwrap(), status);
            assert!(json.contains(status.word()), "{json}");
        }
    }

    #[test]
    fn a_full_credit_is_no_warning() {
        assert!(serde_json::from_str::<Status>(r#"{"status":"warn","credit":999}"#).is_ok());
        assert!(serde_json::from_str::<Status>(r#"{"status":"warn","credit":1000}"#).is_err());
    }
}
