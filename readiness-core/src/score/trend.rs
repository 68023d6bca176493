use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    BasisPoints, Score,
    model::{Item, worst},
};
use crate::{outcome::Status, report::Report};

/// What changed since an earlier report.
///
/// Requirements and targets are told apart by id and label, so a new URL is no change. What counts is the
/// word of the status: a warning that earns a little less than before is still a warning.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Trend {
    /// What was proven then, of everything.
    pub proven_before: Option<BasisPoints>,
    /// What was proven then, of the requirements both reports have, with today's weights.
    pub like_for_like_before: Option<BasisPoints>,
    /// What is proven now, of the requirements both reports have.
    pub like_for_like_now: Option<BasisPoints>,
    /// Every requirement and target whose judgement changed, in the report's order.
    pub changes: Vec<Change>,
}

/// One requirement and target whose judgement changed.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Change {
    /// The requirement.
    pub requirement: String,
    /// The target's label.
    pub target: String,
    /// How it changed.
    pub kind: ChangeKind,
    /// The status then, in a word; empty where it was not there.
    pub before: String,
    /// The status now, in a word; empty where it is gone.
    pub now: String,
}

/// How a judgement changed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It could be judged before, and cannot now.
    BecameUnknown,
    /// It is better than before.
    Fixed,
    /// It was not there before, or did not apply.
    New,
    /// It is worse than before.
    Regressed,
    /// It is not there any more, or does not apply any more.
    Removed,
}

impl Trend {
    /// Compares two reports.
    pub fn between(earlier: &Report, report: &Report) -> Self {
        let before = statuses(earlier);
        let after = statuses(report);
        let mut changes = Vec::new();
        for (result, target) in report.rows() {
            let key = (result.id.as_str(), target.target.as_str());
            let now = target.status();
            let (kind, was) = match before.get(&key) {
                None => (Some(ChangeKind::New), ""),
                Some(was) => (change(was, now), was.word()),
            };
            changes.extend(kind.map(|kind| Change::new(key, kind, was, now.word())));
        }
        for (result, target) in earlier.rows() {
            let key = (result.id.as_str(), target.target.as_str());
            if !after.contains_key(&key) {
                changes.push(Change::new(key, ChangeKind::Removed, target.status().word(), ""));
            }
        }
        Self {
            proven_before: earlier.score.proven,
            like_for_like_before: like_for_like(report, &before, &before),
            like_for_like_now: like_for_like(report, &before, &after),
            changes,
        }
    }
}

impl Change {
    fn new((requirement, target): (&str, &str), kind: ChangeKind, before: &str, now: &str) -> Self {
        Self {
            requirement: requirement.to_owned(),
            target: target.to_owned(),
            kind,
            before: before.to_owned(),
            now: now.to_owned(),
        }
    }
}

/// Changes by requirement and target.
pub(crate) type Changes<'a> = BTreeMap<(&'a str, &'a str), &'a Change>;

impl Trend {
    pub(crate) fn by_row(&self) -> Changes<'_> {
        self.changes
            .iter()
            .map(|change| ((change.requirement.as_str(), change.target.as_str()), change))
            .collect()
    }
}

type Statuses<'a> = BTreeMap<(&'a str, &'a str), &'a Status>;

fn statuses(report: &Report) -> Statuses<'_> {
    report
        .rows()
        .map(|(result, target)| ((result.id.as_str(), target.target.as_str()), target.status()))
        .collect()
}

fn change(before: &Status, now: &Status) -> Option<ChangeKind> {
    match (before, now) {
        _ if before.word() == now.word() => None,
        (_, Status::NotApplicable { .. }) => Some(ChangeKind::Removed),
        (_, Status::Unknown { .. }) => Some(ChangeKind::BecameUnknown),
        (Status::NotApplicable { .. }, Status::Pass) => Some(ChangeKind::New),
        _ if now.rank() < before.rank() => Some(ChangeKind::Regressed),
        _ => Some(ChangeKind::Fixed),
    }
}

/// What is proven of the requirements and targets both reports have, with today's weights: leaving out
/// what failed is no progress.
fn like_for_like(report: &Report, before: &Statuses<'_>, of: &Statuses<'_>) -> Option<BasisPoints> {
    let items: Vec<Item<'_>> = report
        .results
        .iter()
        .filter_map(|result| {
            let keys = result
                .targets
                .iter()
                .map(|target| (result.id.as_str(), target.target.as_str()));
            let common = keys.filter(|key| before.contains_key(key));
            let status = worst(common.filter_map(|key| of.get(&key).copied()))?;
            Some(Item {
                family: result.probe.family(),
                weight: result.weight,
                status,
                accepted: false,
                declared_not_applicable: false,
            })
        })
        .collect();
    Score::of(&items).proven
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::fixture::{Given, NOW, report};

    fn kinds(trend: &Trend) -> Vec<(&str, ChangeKind)> {
        let kind = |change: &Change| change.kind;
        trend
            .changes
            .iter()
            .map(|c| (c.requirement.as_str(), kind(c)))
            .collect()
    }

    #[test]
    fn every_kind_of_change_is_named() {
        let before = report(vec![
            Given::fail("a.fixed"),
            Given::pass("a.regressed"),
            Given::pass("a.removed"),
            Given::warn("a.unknown"),
            Given::pass("a.same"),
            Given::not_applicable("a.applies_now"),
            Given::fail("a.applies_no_more"),
            Given::not_applicable("a.applies_and_fails"),
        ])
        .concluded(NOW);
        let after = report(vec![
            Given::pass("a.same"),
            Given::pass("a.fixed"),
            Given::warn("a.regressed"),
            Given::unknown("a.unknown"),
            Given::pass("a.new"),
            Given::pass("a.applies_now"),
            Given::not_applicable("a.applies_no_more"),
            Given::fail("a.applies_and_fails"),
        ])
        .concluded(NOW);
        let trend = Trend::between(&before, &after);
        assert_eq!(
            kinds(&trend),
            [
                ("a.fixed", ChangeKind::Fixed),
                ("a.regressed", ChangeKind::Regressed),
                ("a.unknown", ChangeKind::BecameUnknown),
                ("a.new", ChangeKind::New),
                ("a.applies_now", ChangeKind::New),
                ("a.applies_no_more", ChangeKind::Removed),
                ("a.applies_and_fails", ChangeKind::Regressed),
                ("a.removed", ChangeKind::Removed),
            ]
        );
        assert_eq!(
            (trend.changes[0].before.as_str(), trend.changes[0].now.as_str()),
            ("fail", "pass")
        );
        assert_eq!(trend.changes[3].before, "");
        assert_eq!(trend.changes[7].now, "");
        assert_eq!(Trend::between(&after, &after).changes, []);
    }

    #[test]
    fn leaving_out_what_failed_is_no_progress_like_for_like() {
        let before = report(vec![
            Given::pass("a.kept"),
            Given::warn("a.other"),
            Given::fail("a.gone"),
        ]);
        let before = before.concluded(NOW);
        let after = report(vec![Given::pass("a.kept"), Given::warn("a.other").weight(8)]).concluded(NOW);
        let trend = Trend::between(&before, &after);
        assert_eq!(trend.proven_before, Some(BasisPoints::new(5000)));
        // weights 2 and 8: (2 · 1000 + 8 · 500) / 10, then and now
        assert_eq!(trend.like_for_like_before, Some(BasisPoints::new(6000)));
        assert_eq!(trend.like_for_like_now, Some(BasisPoints::new(6000)));
    }

    #[test]
    fn a_new_target_of_an_old_requirement_is_not_like_for_like() {
        let before = report(vec![Given::pass("a.x")]).concluded(NOW);
        let after = report(vec![Given::pass("a.x").and("b", crate::Outcome::fail("no"))]).concluded(NOW);
        let trend = Trend::between(&before, &after);
        assert_eq!(trend.like_for_like_now, Some(BasisPoints::FULL));
        assert_eq!(kinds(&trend), [("a.x", ChangeKind::New)]);
        let gone = Trend::between(&report(Vec::new()).concluded(NOW), &after);
        assert_eq!((gone.proven_before, gone.like_for_like_now), (None, None));
    }
}
