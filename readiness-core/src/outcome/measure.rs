use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Credit, Status};

/// A measured value, in whole units, with the bounds it is judged by.
///
/// ```
/// use readiness_core::{Measure, Status, Unit};
/// let latency = Measure::new("latency p95", 4_200, Unit::Microseconds).at_most(3_000, 6_000);
/// assert_eq!(latency.status(), Status::Warn { credit: 600.try_into().unwrap() });
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Measure {
    /// What was measured.
    pub name: String,
    /// How much, in `unit`.
    pub value: i64,
    /// The unit of `value` and of the bounds.
    pub unit: Unit,
    /// What is wanted; `None` for a value that is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
}

/// A wanted value and the one at which nothing is earned any more.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Bound {
    /// At least this good earns everything.
    pub target: i64,
    /// This bad, or worse, earns nothing.
    pub limit: i64,
    /// Whether more is better; otherwise less is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_is_better: bool,
}

/// What a number counts. Written out in reports; a value never stands without it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Hundredths of a percent.
    BasisPoints,
    /// Bytes.
    Bytes,
    /// Things.
    Count,
    /// Days of 86,400 seconds.
    Days,
    /// Millionths of a second.
    Microseconds,
    /// Seconds.
    Seconds,
}

impl Measure {
    /// A value that is only shown.
    pub fn new(name: impl Into<String>, value: i64, unit: Unit) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            bound: None,
        }
    }

    /// A duration in microseconds.
    pub fn duration(name: impl Into<String>, value: std::time::Duration) -> Self {
        let micros = i64::try_from(value.as_micros()).unwrap_or(i64::MAX);
        Self::new(name, micros, Unit::Microseconds)
    }

    /// Less is better: everything is earned up to `target`, nothing from `limit` on.
    pub fn at_most(mut self, target: i64, limit: i64) -> Self {
        self.bound = Some(Bound {
            target,
            limit: limit.max(target),
            more_is_better: false,
        });
        self
    }

    /// More is better: everything is earned from `target` on, nothing down from `limit`.
    pub fn at_least(mut self, target: i64, limit: i64) -> Self {
        self.bound = Some(Bound {
            target,
            limit: limit.min(target),
            more_is_better: true,
        });
        self
    }

    /// Pass within the target, Fail at the limit, and a warning with linear credit between.
    pub fn status(&self) -> Status {
        let Some(bound) = self.bound else {
            return Status::Pass;
        };
        // Turned so that less is always better; i128 holds every difference.
        let turned = |n: i64| i128::from(n) * if bound.more_is_better { -1 } else { 1 };
        let (value, target, limit) = (turned(self.value), turned(bound.target), turned(bound.limit));
        if value <= target {
            return Status::Pass;
        }
        if value >= limit {
            return Status::Fail;
        }
        let thousandths = 1000 * (limit - value) / (limit - target);
        Status::Warn {
            credit: Credit::saturating(u16::try_from(thousandths).unwrap_or(999)),
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, Quantity(self.value, self.unit))?;
        match self.bound {
            None => Ok(()),
            Some(Bound {
                target,
                limit,
                more_is_better,
            }) => {
                let word = if more_is_better { "at least" } else { "at most" };
                write!(
                    f,
                    " (wanted {word} {}, limit {})",
                    Quantity(target, self.unit),
                    Quantity(limit, self.unit)
                )
            }
        }
    }
}

struct Quantity(i64, Unit);

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value, unit) = *self;
        let sign = if value < 0 { "-" } else { "" };
        let size = value.unsigned_abs();
        match unit {
            Unit::BasisPoints => write!(f, "{sign}{}.{:02} %", size / 100, size % 100),
            Unit::Bytes => write!(f, "{value} B"),
            Unit::Count => write!(f, "{value}"),
            Unit::Days => write!(f, "{value} d"),
            Unit::Seconds => write!(f, "{value} s"),
            Unit::Microseconds if size >= 10_000_000 => {
                write!(f, "{sign}{}.{} s", size / 1_000_000, size / 100_000 % 10)
            }
            Unit::Microseconds => write!(f, "{sign}{}.{} ms", size / 1000, size / 100 % 10),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credit(value: i64, target: i64, limit: i64) -> Option<u16> {
        let measure = Measure::new("m", value, Unit::Count);
        let measure = if limit >= target {
            measure.at_most(target, limit)
        } else {
            measure.at_least(target, limit)
        };
        measure.status().credit()
    }

    #[test]
    fn credit_is_linear_between_target_and_limit() {
        assert_eq!(credit(3000, 3000, 6000), Some(1000));
        assert_eq!(credit(3001, 3000, 6000), Some(999));
        assert_eq!(credit(4200, 3000, 6000), Some(600));
        assert_eq!(credit(5999, 3000, 6000), Some(0));
        assert_eq!(credit(6000, 3000, 6000), Some(0));
        // mirrored: at least 10, nothing at 5 or below
        assert_eq!(credit(10, 10, 5), Some(1000));
        assert_eq!(credit(8, 10, 5), Some(600));
        assert_eq!(credit(5, 10, 5), Some(0));
    }

    #[test]
    fn the_limit_itself_fails_and_one_below_only_warns() {
        let at = |v| Measure::new("m", v, Unit::Count).at_most(3, 6).status();
        assert!(at(6).is_fail());
        assert!(at(5).is_warn());
        assert!(at(3).is_pass());
    }

    #[test]
    fn a_single_bound_is_a_step() {
        assert_eq!(credit(3, 3, 3), Some(1000));
        assert_eq!(credit(4, 3, 3), Some(0));
        let at_least = |value| Measure::new("m", value, Unit::Count).at_least(3, 3);
        assert!(at_least(4).status().is_pass() && at_least(3).status().is_pass());
        assert!(at_least(2).status().is_fail());
        assert!(at_least(2).to_string().contains("at least"));
    }

    #[test]
    fn extreme_values_do_not_overflow() {
        let _ = credit(i64::MAX - 1, i64::MIN, i64::MAX);
        let _ = Measure::new("m", i64::MIN, Unit::Microseconds).to_string();
    }

    #[test]
    fn reads_well() {
        let measure = Measure::new("latency", 4_200, Unit::Microseconds).at_most(3_000, 6_000);
        assert_eq!(
            measure.to_string(),
            "latency 4.2 ms (wanted at most 3.0 ms, limit 6.0 ms)"
        );
    }
}
