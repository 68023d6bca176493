//! One objective and its answer.

use readiness_core::{Finding, Measure, Reason, Unit};

use super::{
    binomial::WHOLE,
    confidence::{Failures, Verdict, bounds, decide},
    wanted::percent,
};

/// One objective, as a share of requests that may fail it.
pub(super) struct Question {
    pub(super) code: &'static str,
    pub(super) subject: String,
    /// What a request does that fails it: `failed`.
    pub(super) did: String,
    pub(super) allowed_ppm: u32,
    pub(super) failures: Failures,
    /// Whether some requests cannot be told from failures for another reason than too few samples.
    pub(super) is_unclear: bool,
    pub(super) remedy: &'static str,
    /// What to do where it is not decided.
    pub(super) more: &'static str,
}

impl Question {
    /// The finding, unless the objective holds.
    pub(super) fn finding(&self) -> Option<Finding> {
        let Failures { fewest, most, of } = self.failures;
        let (lower, upper) = bounds(self.failures);
        let (allowed, did) = (percent(self.allowed_ppm), &self.did);
        let finding = match decide(self.failures, self.allowed_ppm) {
            Verdict::Holds => return None,
            Verdict::Broken => Finding::fail(
                self.code,
                format!(
                    "expected at most {allowed} of requests that {did}, and {fewest} of {of} did: with 95 % \
                     confidence it is {} or more",
                    percent(lower)
                ),
            ),
            Verdict::Open {
                if_none_fails,
                at_this_rate,
            } => {
                let seen = if fewest == most {
                    most.to_string()
                } else {
                    format!("{fewest} to {most}")
                };
                let unclear = self.is_unclear && fewest < most;
                let reason = if unclear {
                    Reason::UNEXPECTED_RESPONSE
                } else {
                    Reason::TOO_FEW_SAMPLES
                };
                let needed = needed(if_none_fails, at_this_rate);
                Finding::unknown(
                    self.code,
                    reason,
                    format!(
                        "{seen} of {of} requests {did}, which is {} to {} with 95 % confidence on each side and \
                         does not tell whether it is at most {allowed}; {needed}",
                        percent(lower),
                        percent(upper)
                    ),
                )
                .remedy(self.more)
            }
        };
        let finding = finding.subject(self.subject.as_str());
        Some(if finding.remedy.is_empty() {
            finding.remedy(self.remedy)
        } else {
            finding
        })
    }
}

/// How many more would tell, in words.
pub(super) fn needed(if_none_fails: Option<u64>, at_this_rate: Option<u64>) -> String {
    let Some(fewest) = if_none_fails else {
        return "no affordable number of requests would tell".to_owned();
    };
    match at_this_rate {
        Some(more) if more == fewest => format!("it needs {fewest} more"),
        Some(more) => {
            format!("it needs at least {fewest} more if none of them does, and some {more} at this rate")
        }
        None => format!(
            "it needs at least {fewest} more if none of them does, and at this rate no number is enough"
        ),
    }
}

/// How fast the error budget is used up, in basis points: 10,000 where errors come as often as they may.
pub(super) fn burn_rate(failed: u64, of: u64, allowed_ppm: u32) -> Measure {
    let scale = u128::from(WHOLE) * 10_000;
    let rate = u128::from(failed) * scale / (u128::from(of.max(1)) * u128::from(allowed_ppm.max(1)));
    Measure::new(
        "burn rate",
        i64::try_from(rate).unwrap_or(i64::MAX),
        Unit::BasisPoints,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_rate_is_the_error_rate_by_what_is_allowed() {
        for (failed, of, ppm, wanted) in [
            (0, 0, 10_000, 0),
            (0, 100, 10_000, 0),
            (1, 100, 10_000, 10_000),
            (144, 10_000, 1_000, 144_000),
            (5, 1_000, 10_000, 5_000),
            (u64::MAX, 1, 1, i64::MAX),
        ] {
            assert_eq!(burn_rate(failed, of, ppm).value, wanted, "{failed} of {of}");
        }
    }
}
