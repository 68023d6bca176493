//! Which failures are accepted: by active waivers, by a baseline, or by both together.

use std::collections::BTreeSet;

use super::{
    Baseline, BaselineRecord, ChangeKind, Policy, Waiver, WaiverRecord, WaiverState, baseline::Known,
    trend::Changes,
};
use crate::{
    clock::Timestamp,
    outcome::{Finding, Status},
    report::{Accepted, RequirementResult, TargetResult},
};

/// What waivers and baseline did in a run.
#[derive(Debug, Default)]
pub(crate) struct Acceptances {
    pub(crate) waivers: Vec<WaiverRecord>,
    pub(crate) baseline: Option<BaselineRecord>,
    /// By position of requirement and target: failures are accepted, and beside them something could not
    /// be judged, which may hide one that nobody accepted.
    pub(crate) partly_unknown: BTreeSet<(usize, usize)>,
}

/// Sets what accepts each failure.
pub(crate) fn accept(
    results: &mut [RequirementResult],
    waivers: &[Waiver],
    baseline: Option<&Baseline>,
    policy: &Policy,
    changes: &Changes<'_>,
    started_at: Timestamp,
    now: Timestamp,
) -> Acceptances {
    let mut waivers = Waivers::new(waivers, policy, started_at, now);
    let mut known = baseline.map(Known::new);
    let mut partly_unknown = BTreeSet::new();
    for (i, result) in results.iter_mut().enumerate() {
        for j in 0..result.targets.len() {
            let accepted = accept_one(result, j, policy, changes, &mut waivers, known.as_mut());
            let Some(target) = result.targets.get_mut(j) else {
                continue;
            };
            target.accepted = accepted.by;
            if accepted.partly_unknown {
                partly_unknown.insert((i, j));
            }
        }
    }
    Acceptances {
        waivers: waivers.into_records(),
        baseline: known.map(|known| known.into_record(results)),
        partly_unknown,
    }
}

#[derive(Default)]
struct AcceptedOne {
    by: Option<Accepted>,
    partly_unknown: bool,
}

fn accept_one(
    result: &RequirementResult,
    j: usize,
    policy: &Policy,
    changes: &Changes<'_>,
    waivers: &mut Waivers<'_>,
    mut known: Option<&mut Known<'_>>,
) -> AcceptedOne {
    let no = AcceptedOne::default();
    let Some(target) = result.targets.get(j) else {
        return no;
    };
    let status = target.status();
    let whole = waivers.whole(result, target);
    let change = changes.get(&(result.id.as_str(), target.target.as_str()));
    let has_regressed = policy.no_regression && change.is_some_and(|c| c.kind == ChangeKind::Regressed);
    match status {
        Status::Pass | Status::NotApplicable { .. } => return no,
        Status::Warn { .. } if !policy.fail_on_warn && !has_regressed => return no,
        Status::Unknown { .. } => {
            waivers.mark_unknown(result, target);
            if let Some(known) = known {
                known.refuse_unknown(result, target);
            }
            return AcceptedOne {
                by: whole.map(|waiver| waiver.as_accepted()),
                partly_unknown: false,
            };
        }
        Status::Fail | Status::Warn { .. } => {}
    }
    let warnings_count = policy.fail_on_warn || status.is_warn();
    let at_fault =
        |finding: &&Finding| finding.status.is_fail() || (warnings_count && finding.status.is_warn());
    let faults: Vec<&Finding> = target.outcome.findings.iter().filter(at_fault).collect();
    waivers.mark(result, target, &faults);
    // Every fault is looked at, so that the baseline counts all it excuses.
    let by: Vec<Option<By<'_>>> = faults
        .iter()
        .map(|fault| {
            let is_known = known
                .as_mut()
                .is_some_and(|known| known.excuses(result, target, fault));
            let waiver = waivers.for_finding(result, target, fault);
            waiver
                .map(By::Waiver)
                .or_else(|| is_known.then_some(By::Baseline))
        })
        .collect();
    // A status that no finding stands for is covered by a waiver of the whole only: nothing tells it from
    // another failure tomorrow.
    let stands_alone = !faults.iter().any(|fault| fault.status.word() == status.word());
    let bare = stands_alone.then(|| whole.map(By::Waiver));
    let Some(by) = by.into_iter().chain(bare).collect::<Option<Vec<_>>>() else {
        return no;
    };
    // Of several waivers it takes, the first to end decides how long it lasts.
    let waiver = by
        .iter()
        .filter_map(|by| match by {
            By::Baseline => None,
            By::Waiver(waiver) => Some(*waiver),
        })
        .min_by_key(|waiver| waiver.until);
    let is_unknown_beside = target.outcome.findings.iter().any(|f| f.status.is_unknown());
    AcceptedOne {
        by: Some(waiver.map_or(Accepted::Baseline, Waiver::as_accepted)),
        partly_unknown: is_unknown_beside && whole.is_none(),
    }
}

enum By<'a> {
    Baseline,
    Waiver(&'a Waiver),
}

impl Waiver {
    fn as_accepted(&self) -> Accepted {
        Accepted::Waiver {
            owner: self.owner.clone(),
            until: self.until,
            reason: self.reason.clone(),
        }
    }
}

struct Waivers<'a> {
    all: Vec<(&'a Waiver, WaiverState)>,
    needed: Vec<bool>,
}

impl<'a> Waivers<'a> {
    fn new(waivers: &'a [Waiver], policy: &Policy, started_at: Timestamp, now: Timestamp) -> Self {
        let state = |waiver: &Waiver| {
            // One that begins after the run never counts for it, also when the report is scored again
            // later: waiting alone must not make anything ready.
            if waiver.from.is_some_and(|from| from > started_at) {
                WaiverState::NotYet
            } else if waiver.check(started_at, policy.four_eyes).is_err() {
                WaiverState::Rejected
            } else {
                waiver.state_at(now)
            }
        };
        Self {
            all: waivers.iter().map(|waiver| (waiver, state(waiver))).collect(),
            needed: vec![false; waivers.len()],
        }
    }

    fn in_force(
        &self,
        result: &RequirementResult,
        target: &TargetResult,
    ) -> impl Iterator<Item = (usize, &'a Waiver)> {
        self.all
            .iter()
            .enumerate()
            .filter(|(_, (waiver, state))| {
                *state == WaiverState::Active && waiver.concerns(&result.id, &target.target)
            })
            .map(|(i, (waiver, _))| (i, *waiver))
    }

    /// The waiver that accepts whatever this one may say, the one that lasts longest.
    fn whole(&self, result: &RequirementResult, target: &TargetResult) -> Option<&'a Waiver> {
        longest(
            self.in_force(result, target)
                .filter(|(_, waiver)| !waiver.is_narrowed()),
        )
    }

    fn for_finding(
        &self,
        result: &RequirementResult,
        target: &TargetResult,
        finding: &Finding,
    ) -> Option<&'a Waiver> {
        longest(
            self.in_force(result, target)
                .filter(|(_, waiver)| waiver.accepts(finding)),
        )
    }

    /// Nobody can tell whether what could not be judged still fails: no waiver of it is stale.
    fn mark_unknown(&mut self, result: &RequirementResult, target: &TargetResult) {
        let found: Vec<usize> = self.in_force(result, target).map(|(i, _)| i).collect();
        self.need(&found);
    }

    fn mark(&mut self, result: &RequirementResult, target: &TargetResult, faults: &[&Finding]) {
        let found: Vec<usize> = self
            .in_force(result, target)
            .filter(|(_, waiver)| !waiver.is_narrowed() || faults.iter().any(|fault| waiver.accepts(fault)))
            .map(|(i, _)| i)
            .collect();
        self.need(&found);
    }

    fn need(&mut self, found: &[usize]) {
        for &i in found {
            if let Some(needed) = self.needed.get_mut(i) {
                *needed = true;
            }
        }
    }

    fn into_records(self) -> Vec<WaiverRecord> {
        self.all
            .into_iter()
            .zip(self.needed)
            .map(|((waiver, state), needed)| WaiverRecord {
                waiver: waiver.clone(),
                state: match state {
                    WaiverState::Active if !needed => WaiverState::Stale,
                    state => state,
                },
            })
            .collect()
    }
}

fn longest<'a>(waivers: impl Iterator<Item = (usize, &'a Waiver)>) -> Option<&'a Waiver> {
    waivers
        .max_by_key(|(i, waiver)| (waiver.until, std::cmp::Reverse(*i)))
        .map(|(_, waiver)| waiver)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Outcome, Reason,
        report::Report,
        score::{
            Verdict,
            fixture::{Given, NOW, report},
        },
    };

    fn waiver(requirement: &str) -> Waiver {
        Waiver::new(requirement, "known", "ops", NOW.plus_days(30))
    }

    fn open(port: u16) -> Finding {
        Finding::fail("open", "it answers").subject(format!("port {port}"))
    }

    fn ports(findings: Vec<Finding>) -> Given {
        Given::new("net.ports", Outcome::judged("open", findings)).blocker()
    }

    fn state(report: &Report) -> WaiverState {
        report.waivers[0].state
    }

    #[test]
    fn a_waiver_decides_from_its_beginning_until_its_end() {
        let run = report(vec![Given::fail("a.x").blocker(), Given::pass("a.y")]);
        let begins = waiver("a.x").starting(NOW);
        let judged = run.clone().waiver(begins.clone()).concluded(NOW);
        assert_eq!(
            (judged.verdict(), state(&judged)),
            (Verdict::ReadyWithWaivers, WaiverState::Active)
        );
        let early = run.clone().waiver(begins).concluded(NOW.plus_seconds(-1));
        assert_eq!(
            (early.verdict(), state(&early)),
            (Verdict::NotReady, WaiverState::NotYet)
        );
        // What begins after the run never counts for it.
        let later = early.rescored(Policy::default(), NOW.plus_days(1));
        assert_eq!(
            (later.verdict(), state(&later)),
            (Verdict::NotReady, WaiverState::NotYet)
        );
        let last = judged.rescored(Policy::default(), NOW.plus_days(30).plus_seconds(-1));
        assert_eq!(last.verdict(), Verdict::ReadyWithWaivers);
        let ended = judged.rescored(Policy::default(), NOW.plus_days(30));
        assert_eq!(
            (ended.verdict(), state(&ended)),
            (Verdict::NotReady, WaiverState::Expired)
        );
    }

    #[test]
    fn a_waiver_of_what_does_not_fail_is_stale() {
        for given in [
            Given::pass("a.x"),
            Given::warn("a.x"),
            Given::not_applicable("a.x"),
        ] {
            let judged = report(vec![given, Given::pass("a.y")])
                .waiver(waiver("a.x"))
                .concluded(NOW);
            assert_eq!(
                (judged.verdict(), state(&judged)),
                (Verdict::Ready, WaiverState::Stale)
            );
            assert_eq!(judged.results[0].targets[0].accepted, None);
        }
        let elsewhere = report(vec![Given::fail("a.x").blocker()]).waiver(waiver("a.x").target("db"));
        let judged = elsewhere.concluded(NOW);
        assert_eq!(
            (judged.verdict(), state(&judged)),
            (Verdict::NotReady, WaiverState::Stale)
        );
    }

    #[test]
    fn an_unknown_blocker_is_let_through_by_a_waiver_of_the_whole_only() {
        let run = report(vec![Given::unknown("a.x").blocker(), Given::pass("a.y")]);
        let whole = run.clone().waiver(waiver("a.x")).concluded(NOW);
        assert_eq!(
            (whole.verdict(), state(&whole)),
            (Verdict::ReadyWithWaivers, WaiverState::Active)
        );
        assert_eq!(whole.score.waived_weight, 0, "it buys no points");
        let narrowed = run.waiver(waiver("a.x").code("open")).concluded(NOW);
        assert_eq!(
            (narrowed.verdict(), state(&narrowed)),
            (Verdict::Inconclusive, WaiverState::Active)
        );
    }

    #[test]
    fn a_bare_failure_needs_a_waiver_of_the_whole() {
        let run = report(vec![Given::fail("a.x").blocker()]);
        assert_eq!(
            run.clone()
                .waiver(waiver("a.x").code("open"))
                .concluded(NOW)
                .verdict(),
            Verdict::NotReady
        );
        assert_eq!(
            run.waiver(waiver("a.x")).concluded(NOW).verdict(),
            Verdict::ReadyWithWaivers
        );
    }

    #[test]
    fn what_could_not_be_judged_is_not_accepted_with_the_rest() {
        let silent = Finding::unknown("silent", Reason::FILTERED, "no answer").subject("port 9");
        let run = report(vec![ports(vec![open(1), silent])]);
        let narrowed = run
            .clone()
            .waiver(waiver("net.ports").code("open"))
            .concluded(NOW);
        assert_eq!(narrowed.verdict(), Verdict::Inconclusive);
        assert_eq!(
            narrowed.decision.because,
            ["`net.ports` (blocker) was judged only in part at `api`"]
        );
        assert_eq!(
            run.waiver(waiver("net.ports")).concluded(NOW).verdict(),
            Verdict::ReadyWithWaivers
        );
    }

    #[test]
    fn a_waiver_that_breaks_the_rules_has_no_effect() {
        let run = report(vec![Given::fail("a.x").blocker()]).waiver(waiver("a.x"));
        let judged = run.concluded(NOW);
        let strict = judged.rescored(Policy::default().four_eyes(true), NOW);
        assert_eq!(
            (strict.verdict(), state(&strict)),
            (Verdict::NotReady, WaiverState::Rejected)
        );
        let approved = report(vec![Given::fail("a.x").blocker()])
            .policy(Policy::default().four_eyes(true))
            .waiver(waiver("a.x").approver("boss"))
            .concluded(NOW);
        assert_eq!(approved.verdict(), Verdict::ReadyWithWaivers);
    }

    #[test]
    fn a_warning_is_accepted_where_it_would_fail_the_run() {
        let run = report(vec![Given::warn("a.x"), Given::pass("a.y")]).waiver(waiver("a.x"));
        let judged = run.policy(Policy::default().fail_on_warn(true)).concluded(NOW);
        assert_eq!(
            (judged.verdict(), state(&judged)),
            (Verdict::ReadyWithWaivers, WaiverState::Active)
        );
    }

    #[test]
    fn a_warning_that_was_none_before_can_be_waived() {
        let policy = Policy::default().no_regression(true);
        let earlier = report(vec![Given::pass("a.x")]).concluded(NOW);
        let run = report(vec![Given::warn("a.x").max_age(60), Given::pass("a.y")])
            .policy(policy.clone())
            .earlier(earlier);
        assert_eq!(run.concluded(NOW).verdict(), Verdict::NotReady);
        let judged = run.waiver(waiver("a.x")).concluded(NOW);
        assert_eq!(
            (judged.verdict(), state(&judged)),
            (Verdict::ReadyWithWaivers, WaiverState::Active)
        );
        // Too old to tell, it is let through all the same, and not from then on only.
        let later = judged.rescored(policy, NOW.plus_days(1));
        assert_eq!(later.verdict(), Verdict::ReadyWithWaivers);
    }

    #[test]
    fn baseline_and_waiver_accept_together() {
        let before = report(vec![ports(vec![open(1)])]).concluded(NOW);
        let run = report(vec![ports(vec![open(1), open(2)])])
            .baseline(Baseline::from_report(&before))
            .waiver(waiver("net.ports").subject("port 2"));
        let judged = run.concluded(NOW);
        assert_eq!(judged.verdict(), Verdict::ReadyWithWaivers);
        assert!(matches!(
            judged.results[0].targets[0].accepted,
            Some(Accepted::Waiver { .. })
        ));
    }

    #[test]
    fn every_target_must_be_accepted() {
        let run = report(vec![
            Given::fail("a.x").blocker().and("b", Outcome::fail("no")),
            Given::pass("a.y"),
        ]);
        let one = run.clone().waiver(waiver("a.x").target("b")).concluded(NOW);
        assert_eq!((one.verdict(), one.score.waived_weight), (Verdict::NotReady, 0));
        assert_eq!(one.decision.because, ["`a.x` (blocker) fails at `api`"]);
        let all = run.waiver(waiver("a.x")).concluded(NOW);
        assert_eq!(
            (all.verdict(), all.score.waived_weight),
            (Verdict::ReadyWithWaivers, 2)
        );
    }
}
