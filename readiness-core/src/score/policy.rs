use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::BasisPoints;

/// The rule that turns a score into a verdict.
///
/// Without a stated target the verdict asks one thing: does an unwaived blocker fail (not ready) or stay
/// unknown (inconclusive)? All else is opt-in.
///
/// ```
/// use readiness_core::{Policy, score::BasisPoints};
/// let policy = Policy::default()
///     .target_percent(95)
///     .min_coverage(BasisPoints::from_percent(98))
///     .floor("tls", BasisPoints::FULL)
///     .no_regression(true);
/// assert_eq!(policy.target.map(BasisPoints::get), Some(9500));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// The least that must be proven.
    pub target: Option<BasisPoints>,
    /// The least that must be judged.
    pub min_coverage: Option<BasisPoints>,
    /// The least that must be proven of a family, by its name.
    pub floors: BTreeMap<String, BasisPoints>,
    /// The most that may be declared not applicable; 25 % where a target is stated.
    pub max_not_applicable: Option<BasisPoints>,
    /// Whether a warning of a requirement that counts is a failure of the run; a failure is one all the more,
    /// and where nobody could look, nobody can say.
    pub fail_on_warn: bool,
    /// Whether anything worse than in the earlier report is a failure of the run.
    pub no_regression: bool,
    /// Whether the one who approves a waiver must be another than its owner.
    pub four_eyes: bool,
}

impl Policy {
    /// Whether nothing but the blockers decides.
    pub fn is_usual(&self) -> bool {
        let Self {
            target,
            min_coverage,
            floors,
            fail_on_warn,
            no_regression,
            ..
        } = self;
        target.is_none() && min_coverage.is_none() && floors.is_empty() && !fail_on_warn && !no_regression
    }

    /// The most that may be declared not applicable where a target is stated and no other limit.
    pub const DEFAULT_MAX_NOT_APPLICABLE: BasisPoints = BasisPoints::from_percent(25);

    /// States the least that must be proven.
    pub fn target(mut self, target: BasisPoints) -> Self {
        self.target = Some(target);
        self
    }

    /// States the least that must be proven, in percent.
    pub fn target_percent(self, percent: u32) -> Self {
        self.target(BasisPoints::from_percent(percent))
    }

    /// States the least that must be judged.
    pub fn min_coverage(mut self, coverage: BasisPoints) -> Self {
        self.min_coverage = Some(coverage);
        self
    }

    /// States the least that must be proven of a family.
    pub fn floor(mut self, family: impl Into<String>, floor: BasisPoints) -> Self {
        self.floors.insert(family.into(), floor);
        self
    }

    /// States the most that may be declared not applicable.
    pub fn max_not_applicable(mut self, most: BasisPoints) -> Self {
        self.max_not_applicable = Some(most);
        self
    }

    /// Says whether a warning fails the run.
    pub fn fail_on_warn(mut self, fail_on_warn: bool) -> Self {
        self.fail_on_warn = fail_on_warn;
        self
    }

    /// Says whether anything worse than in the earlier report fails the run.
    pub fn no_regression(mut self, no_regression: bool) -> Self {
        self.no_regression = no_regression;
        self
    }

    /// Says whether the one who approves a waiver must be another than its owner.
    pub fn four_eyes(mut self, four_eyes: bool) -> Self {
        self.four_eyes = four_eyes;
        self
    }

    /// The rule in one sentence.
    pub(crate) fn rule(&self) -> String {
        let mut least = Vec::new();
        least.extend(self.target.map(|target| format!("{target} proven")));
        least.extend(self.min_coverage.map(|coverage| format!("{coverage} judged")));
        let floors = self.floors.iter();
        least.extend(floors.map(|(family, floor)| format!("{floor} of `{family}` proven")));
        let mut parts = Vec::new();
        if !least.is_empty() {
            parts.push(format!("at least {}", least.join(", ")));
        }
        parts.extend(
            self.max_not_applicable
                .map(|most| format!("at most {most} not applicable")),
        );
        if self.no_regression {
            parts.push("nothing worse than before".to_owned());
        }
        let last = if self.fail_on_warn {
            "no blocker and nothing that counts may warn, fail or stay unknown"
        } else {
            "no blocker may fail or stay unknown"
        };
        if parts.is_empty() {
            last.to_owned()
        } else {
            format!("{}, and {last}", parts.join(", "))
        }
    }
}

/// Whether the deployment is ready.
#[allow(clippy::exhaustive_enums, reason = "exit codes are fixed by these four")]
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is. Exit code 0.
    Ready,
    /// It is, with accepted risks: waivers that have an owner and an end, or failures known from a baseline
    /// that would have counted. Exit code 0.
    ReadyWithWaivers,
    /// It is not. Exit code 1.
    NotReady,
    /// Nobody can say. Exit code 2.
    Inconclusive,
}

impl Verdict {
    /// 0, 0, 1, 2.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Ready | Self::ReadyWithWaivers => 0,
            Self::NotReady => 1,
            Self::Inconclusive => 2,
        }
    }

    /// Whether the deployment may go ahead.
    pub fn is_ready(self) -> bool {
        self.exit_code() == 0
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ready => "READY",
            Self::ReadyWithWaivers => "READY WITH WAIVERS",
            Self::NotReady => "NOT READY",
            Self::Inconclusive => "INCONCLUSIVE",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_names_all_that_is_wanted() {
        let bp = BasisPoints::from_percent;
        assert_eq!(Policy::default().rule(), "no blocker may fail or stay unknown");
        let all = Policy::default()
            .target_percent(95)
            .min_coverage(bp(90))
            .floor("tls", bp(100))
            .max_not_applicable(bp(10))
            .fail_on_warn(true)
            .no_regression(true);
        assert_eq!(
            all.rule(),
            "at least 95.00 % proven, 90.00 % judged, 100.00 % of `tls` proven, at most 10.00 % not applicable, \
             nothing worse than before, and no blocker and nothing that counts may warn, fail or stay unknown"
        );
    }

    #[test]
    fn a_policy_knows_its_fields_and_no_others() {
        let policy: Policy = serde_json::from_str(r#"{"target":9500,"floors":{"tls":10000}}"#).unwrap();
        assert_eq!(
            policy,
            Policy::default()
                .target_percent(95)
                .floor("tls", BasisPoints::FULL)
        );
        let error = serde_json::from_str::<Policy>(r#"{"tagret":9500}"#).unwrap_err();
        assert!(error.to_string().contains("unknown field `tagret`"));
    }
}
