use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::outcome::Status;

/// Hundredths of a percent: 6638 is 66.38 %.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// 100.00 %.
    pub const FULL: Self = Self(10_000);

    /// So many hundredths of a percent.
    pub const fn new(hundredths: u32) -> Self {
        Self(hundredths)
    }

    /// So many percent.
    ///
    /// ```
    /// use readiness_core::score::BasisPoints;
    /// assert_eq!(BasisPoints::from_percent(95).to_string(), "95.00 %");
    /// ```
    pub const fn from_percent(percent: u32) -> Self {
        Self(percent.saturating_mul(100))
    }

    /// Hundredths of a percent.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02} %", self.0 / 100, self.0 % 100))
    }
}

/// What the outcomes add up to. Every share is rounded down.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Score {
    /// What is proven: the points earned of all applicable. `None` where nothing applies.
    pub proven: Option<BasisPoints>,
    /// What is possible: the same if every unknown turned out well.
    pub possible: Option<BasisPoints>,
    /// How much of the weight was judged.
    pub coverage: Option<BasisPoints>,
    /// The points earned of all that was judged; `None` where nothing was.
    pub evaluated: Option<BasisPoints>,
    /// `proven` without the weight of waived failures: what a target is compared with.
    pub gate_proven: Option<BasisPoints>,
    /// `possible` without the weight of waived failures.
    pub gate_possible: Option<BasisPoints>,
    /// The share of all weight that was declared not applicable, also where the declaration is too old to
    /// count.
    pub not_applicable: Option<BasisPoints>,
    /// The weight of everything applicable (D).
    pub weight: u64,
    /// The weight of everything unknown (U).
    pub unknown_weight: u64,
    /// The points earned, in thousandths of a weight (N).
    pub earned: u64,
    /// The weight of failures that are accepted: by active waivers, or as findings of a baseline.
    pub waived_weight: u64,
    /// The same for each family.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, Score>,
}

/// One requirement, as the score sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) family: &'a str,
    pub(crate) weight: u32,
    pub(crate) status: &'a Status,
    /// Whether it is a failure that is accepted: it stays in the score, and out of what a target is
    /// compared with.
    pub(crate) accepted: bool,
    /// Whether it was declared not applicable. It still is after the declaration has become too old: else
    /// time alone could bring the share below its limit.
    pub(crate) declared_not_applicable: bool,
}

impl Score {
    /// Adds up the items. Families are added up from their items, and so is the total: never one from
    /// the other.
    pub(crate) fn of(items: &[Item<'_>]) -> Self {
        let mut total = Sums::default();
        let mut families: BTreeMap<&str, Sums> = BTreeMap::new();
        for item in items.iter().filter(|item| item.weight > 0) {
            total.add(item);
            families.entry(item.family).or_default().add(item);
        }
        Self {
            categories: families
                .into_iter()
                .map(|(family, sums)| (family.to_owned(), sums.score()))
                .collect(),
            ..total.score()
        }
    }
}

/// Several statuses as one: the worst. What does not apply is left out, unless nothing else is there.
pub(crate) fn worst<'a>(statuses: impl Iterator<Item = &'a Status>) -> Option<&'a Status> {
    statuses.min_by_key(|status| (status.rank(), status.credit()))
}

// Sums of 32-bit weights and their thousandfold cannot leave 128 bits.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    all: u128,
    applicable: u128,
    unknown: u128,
    earned: u128,
    accepted: u128,
    declared_not_applicable: u128,
}

impl Sums {
    fn add(&mut self, item: &Item<'_>) {
        let weight = u128::from(item.weight);
        self.all += weight;
        if item.declared_not_applicable {
            self.declared_not_applicable += weight;
        }
        match item.status {
            Status::NotApplicable { .. } => return,
            Status::Unknown { .. } => self.unknown += weight,
            Status::Fail if item.accepted => self.accepted += weight,
            Status::Fail => {}
            Status::Pass => self.earned += 1000 * weight,
            Status::Warn { credit } => self.earned += u128::from(credit.get()) * weight,
        }
        self.applicable += weight;
    }

    fn score(&self) -> Score {
        let gate = self.applicable - self.accepted;
        let judged = self.applicable - self.unknown;
        let at_best = self.earned + 1000 * self.unknown;
        Score {
            proven: share(10 * self.earned, self.applicable),
            possible: share(10 * at_best, self.applicable),
            coverage: share(10_000 * judged, self.applicable),
            evaluated: share(10 * self.earned, judged),
            gate_proven: share(10 * self.earned, gate),
            gate_possible: share(10 * at_best, gate),
            not_applicable: share(10_000 * self.declared_not_applicable, self.all),
            weight: saturated(self.applicable),
            unknown_weight: saturated(self.unknown),
            earned: saturated(self.earned),
            waived_weight: saturated(self.accepted),
            categories: BTreeMap::new(),
        }
    }
}

fn share(part: u128, whole: u128) -> Option<BasisPoints> {
    let hundredths = part.checked_div(whole)?;
    Some(BasisPoints(u32::try_from(hundredths).unwrap_or(u32::MAX)))
}

fn saturated(sum: u128) -> u64 {
    u64::try_from(sum).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credit, Reason};

    fn item(weight: u32, status: &Status) -> Item<'_> {
        Item {
            family: "http",
            weight,
            status,
            accepted: false,
            declared_not_applicable: status.is_not_applicable(),
        }
    }

    #[test]
    fn nothing_has_no_score() {
        let none = Score::of(&[]);
        assert_eq!(
            (none.proven, none.coverage, none.not_applicable),
            (None, None, None)
        );
        let pass = Status::Pass;
        assert_eq!(Score::of(&[item(0, &pass)]), none, "weight 0 never counts");
        let not_applicable = Status::NotApplicable {
            because: String::new(),
        };
        let score = Score::of(&[item(3, &not_applicable)]);
        assert_eq!((score.proven, score.gate_proven), (None, None));
        assert_eq!(score.not_applicable, Some(BasisPoints::FULL));
    }

    #[test]
    fn shares_are_rounded_down() {
        let (pass, fail) = (Status::Pass, Status::Fail);
        let almost = Status::Warn {
            credit: Credit::saturating(999),
        };
        let score = Score::of(&[item(1, &pass), item(2, &fail)]);
        assert_eq!(score.proven, Some(BasisPoints::new(3333)));
        let score = Score::of(&[item(1000, &pass), item(1, &almost)]);
        assert_eq!(
            score.proven,
            Some(BasisPoints::new(9999)),
            "100 % means everything"
        );
    }

    #[test]
    fn an_accepted_failure_leaves_the_score_and_not_the_gate() {
        let (pass, fail, unknown) = (Status::Pass, Status::Fail, Status::unknown(Reason::TIMEOUT));
        let waived = Item {
            accepted: true,
            ..item(1, &fail)
        };
        let score = Score::of(&[item(2, &pass), waived, item(1, &unknown)]);
        assert_eq!(score.proven, Some(BasisPoints::new(5000)));
        assert_eq!(score.possible, Some(BasisPoints::new(7500)));
        assert_eq!(score.gate_proven, Some(BasisPoints::new(6666)));
        assert_eq!(score.gate_possible, Some(BasisPoints::FULL));
        let only = Score::of(&[waived]);
        assert_eq!((only.proven, only.gate_proven), (Some(BasisPoints::new(0)), None));
    }

    #[test]
    fn the_largest_weights_do_not_overflow() {
        let pass = Status::Pass;
        let score = Score::of(&vec![item(u32::MAX, &pass); 1000]);
        assert_eq!(score.proven, Some(BasisPoints::FULL));
    }
}
