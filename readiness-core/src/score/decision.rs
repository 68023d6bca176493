use std::fmt;

use serde::{Deserialize, Serialize};

use super::{BasisPoints, Change, ChangeKind, Policy, Score, Verdict};
use crate::{
    outcome::Status,
    report::{Accepted, TargetResult},
};

/// A verdict, the rule behind it, and what led to it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Decision {
    /// The verdict.
    pub verdict: Verdict,
    /// The rule in one sentence: "no blocker may fail or stay unknown".
    pub rule: String,
    /// What led to the verdict, the worst first: the accepted risks where it is ready with waivers, nothing
    /// where it is ready.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// One requirement at one target, as the policy sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) requirement: &'a str,
    pub(crate) weight: u32,
    pub(crate) blocker: bool,
    pub(crate) target: &'a TargetResult,
    /// Whether something could not be judged beside the failures that are accepted.
    pub(crate) partly_unknown: bool,
    /// How it changed since the earlier report.
    pub(crate) change: Option<&'a Change>,
}

impl Decision {
    /// What a report says before anything was decided.
    pub(crate) fn pending() -> Self {
        Self {
            verdict: Verdict::Inconclusive,
            rule: String::new(),
            because: Vec::new(),
        }
    }

    /// The verdict of this policy.
    pub(crate) fn of(policy: &Policy, score: &Score, rows: &[Row<'_>]) -> Self {
        let mut against = Against::default();
        for row in rows {
            against.row(policy, row);
        }
        against.score(policy, score);
        let (verdict, mut lines) = if !against.not_ready.is_empty() {
            (Verdict::NotReady, against.not_ready)
        } else if !against.inconclusive.is_empty() {
            (Verdict::Inconclusive, against.inconclusive)
        } else if !against.accepted.is_empty() {
            (Verdict::ReadyWithWaivers, against.accepted)
        } else {
            (Verdict::Ready, Vec::new())
        };
        // Stable: within one degree of gravity the report's own order stays.
        lines.sort_by_key(|(gravity, _)| *gravity);
        Self {
            verdict,
            rule: policy.rule(),
            because: lines.into_iter().map(|(_, line)| line).collect(),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Gravity {
    Blocker,
    Sum,
    Single,
}

/// What speaks against a plain yes.
#[derive(Debug, Default)]
struct Against {
    not_ready: Vec<(Gravity, String)>,
    inconclusive: Vec<(Gravity, String)>,
    accepted: Vec<(Gravity, String)>,
}

impl Against {
    fn row(&mut self, policy: &Policy, row: &Row<'_>) {
        let gravity = if row.blocker {
            Gravity::Blocker
        } else {
            Gravity::Single
        };
        match (objection(policy, row), &row.target.accepted) {
            (Some((_, line)), Some(accepted)) => {
                self.accepted
                    .push((gravity, format!("{line}; {}", Acceptance(accepted))));
            }
            (Some((Verdict::NotReady, line)), None) => self.not_ready.push((gravity, line)),
            (Some((_, line)), None) => self.inconclusive.push((gravity, line)),
            // A failure that is accepted moves what a target is compared with; and a waiver is seen.
            (None, Some(accepted))
                if row.target.status().is_fail()
                    && row.weight > 0
                    && (policy.compares() || matches!(accepted, Accepted::Waiver { .. })) =>
            {
                let line = format!("{}; {}", fails(row), Acceptance(accepted));
                self.accepted.push((gravity, line));
            }
            (None, _) => {}
        }
        if row.partly_unknown && policy.is_strict_with(row) {
            let line = format!("{} was judged only in part at {}", name(row), place(row));
            self.inconclusive.push((gravity, line));
        }
    }

    fn score(&mut self, policy: &Policy, score: &Score) {
        // Where nothing applies or nobody could look at anything, no answer is the only honest one.
        if score.evaluated.is_none() {
            self.unclear("nothing that counts was judged".to_owned());
        }
        if let (Some(wanted), true) = (policy.target, score.proven.is_some()) {
            self.compare("", score, wanted);
        }
        for (family, &floor) in &policy.floors {
            match score.categories.get(family) {
                Some(part) if part.proven.is_some() => self.compare(&format!("`{family}`: "), part, floor),
                _ if floor > BasisPoints::default() => self.unclear(format!(
                    "`{family}`: nothing that counts was judged, {floor} is wanted"
                )),
                _ => {}
            }
        }
        if let (Some(wanted), Some(coverage)) = (policy.min_coverage, score.coverage)
            && coverage < wanted
        {
            self.unclear(format!("{coverage} was judged, {wanted} is wanted"));
        }
        let default = policy.target.map(|_| Policy::DEFAULT_MAX_NOT_APPLICABLE);
        if let (Some(most), Some(share)) = (policy.max_not_applicable.or(default), score.not_applicable)
            && share > most
        {
            self.unclear(format!(
                "{share} is declared not applicable, at most {most} may be"
            ));
        }
    }

    fn compare(&mut self, whose: &str, score: &Score, wanted: BasisPoints) {
        let beside = if score.waived_weight > 0 {
            " without what is accepted"
        } else {
            ""
        };
        match (score.gate_possible, score.gate_proven) {
            (Some(possible), _) if possible < wanted => self.not_ready.push((
                Gravity::Sum,
                format!("{whose}at most {possible} is possible{beside}, {wanted} is wanted"),
            )),
            (_, Some(proven)) if proven < wanted => {
                self.unclear(format!("{whose}{proven} is proven{beside}, {wanted} is wanted"));
            }
            (_, None) if wanted > BasisPoints::default() => {
                self.unclear(format!("{whose}nothing is left{beside}, {wanted} is wanted"));
            }
            _ => {}
        }
    }

    fn unclear(&mut self, line: String) {
        self.inconclusive.push((Gravity::Sum, line));
    }
}

impl Policy {
    fn compares(&self) -> bool {
        self.target.is_some() || !self.floors.is_empty()
    }

    fn is_strict_with(&self, row: &Row<'_>) -> bool {
        row.blocker || (self.fail_on_warn && row.weight > 0)
    }
}

/// What a single row says against a yes, were it not accepted.
fn objection(policy: &Policy, row: &Row<'_>) -> Option<(Verdict, String)> {
    let is_strict = policy.is_strict_with(row);
    match row.target.status() {
        Status::Fail if is_strict => return Some((Verdict::NotReady, fails(row))),
        Status::Unknown { .. } if is_strict => return Some((Verdict::Inconclusive, stays_unknown(row))),
        Status::Warn { .. } if policy.fail_on_warn && row.weight > 0 => {
            return Some((Verdict::NotReady, warns(row)));
        }
        _ => {}
    }
    let change = row.change.filter(|_| policy.no_regression && row.weight > 0)?;
    match change.kind {
        ChangeKind::Regressed => Some((Verdict::NotReady, changed(row, change))),
        // Nothing is worse than a failure: one that cannot be judged any more did not get worse.
        ChangeKind::BecameUnknown if change.before != Status::Fail.word() => {
            Some((Verdict::Inconclusive, changed(row, change)))
        }
        _ => None,
    }
}

fn name(row: &Row<'_>) -> String {
    let blocker = if row.blocker { " (blocker)" } else { "" };
    format!("`{}`{blocker}", row.requirement)
}

fn place(row: &Row<'_>) -> String {
    format!("`{}`", row.target.target)
}

fn fails(row: &Row<'_>) -> String {
    format!("{} fails at {}", name(row), place(row))
}

fn warns(row: &Row<'_>) -> String {
    format!("{} warns at {}", name(row), place(row))
}

fn stays_unknown(row: &Row<'_>) -> String {
    let why = match row.target.status() {
        Status::Unknown {
            cause: Some(cause), ..
        } => cause.message.as_str(),
        Status::Unknown { reason, .. } => reason.describe(),
        _ => "",
    };
    format!("{} could not be judged at {}: {why}", name(row), place(row))
}

fn changed(row: &Row<'_>, change: &Change) -> String {
    let words = format!("was {} and is {}", change.before, change.now).replace('_', " ");
    format!("{} {words} at {}", name(row), place(row))
}

struct Acceptance<'a>(&'a Accepted);

impl fmt::Display for Acceptance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Accepted::Baseline => f.write_str("known from the baseline"),
            Accepted::Waiver { owner, until, .. } => write!(f, "waived by {owner} until {}", until.date()),
        }
    }
}
