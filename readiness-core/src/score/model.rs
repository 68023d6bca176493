use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

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
    /// The share of all weight that was declared not applicable.
    pub not_applicable: Option<BasisPoints>,
    /// The weight of everything applicable (D).
    pub weight: u64,
    /// The weight of everything unknown (U).
    pub unknown_weight: u64,
    /// The points earned, in thousandths of a weight (N).
    pub earned: u64,
    /// The weight of failures with an active waiver.
    pub waived_weight: u64,
    /// The same for each family.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, Score>,
}
