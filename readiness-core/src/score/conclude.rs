//! From raw outcomes to score and verdict: everything a report says beyond what the probes said.

use super::{
    Attestation, Baseline, Decision, Digest, Policy, Score, Trend, Waiver,
    accept::accept,
    attestation::attest,
    decision::Row,
    model::{Item, worst},
};
use crate::{
    clock::Timestamp,
    outcome::{Reason, Status},
    report::{Report, RequirementResult},
};

/// Judges a report whose results hold raw outcomes, by its own policy and as of `now`.
///
/// It sets everything that follows from the outcomes, and may be called again: the outcomes stay.
pub(crate) fn conclude(
    report: &mut Report,
    waivers: &[Waiver],
    attestations: &[Attestation],
    baseline: Option<&Baseline>,
    earlier: Option<&Report>,
    now: Timestamp,
) {
    settle(report, attestations, now);
    report.trend = earlier.map(|earlier| Trend::between(earlier, report));
    decide(report, waivers, baseline, now);
}

impl Report {
    /// The same results by this policy and as of this instant: waivers and attestations lapse, results
    /// grow too old.
    ///
    /// What the report was compared with stays as it was. The same policy and instant give the same bytes.
    ///
    /// ```
    /// use readiness_core::{Policy, Report, TimestampError};
    ///
    /// fn at_the_end_of_january(stored: &Report) -> Result<Report, TimestampError> {
    ///     Ok(stored.rescored(Policy::default().target_percent(95), "2027-01-31".parse()?))
    /// }
    /// ```
    pub fn rescored(&self, policy: Policy, now: Timestamp) -> Self {
        let mut report = self.clone();
        report.policy = policy;
        let waivers: Vec<Waiver> = self.waivers.iter().map(|record| record.waiver.clone()).collect();
        let attestations: Vec<Attestation> = self
            .attestations
            .iter()
            .map(|record| record.attestation.clone())
            .collect();
        let baseline = self.baseline.as_ref().map(|record| Baseline {
            findings: record.known.clone(),
            ..Baseline::default()
        });
        settle(&mut report, &attestations, now);
        decide(&mut report, &waivers, baseline.as_ref(), now);
        report
    }
}

/// What each result counts as.
fn settle(report: &mut Report, attestations: &[Attestation], now: Timestamp) {
    let started_at = report.started_at;
    report.judged_at = (now != started_at).then_some(now);
    for result in &mut report.results {
        let is_stale = is_stale(result, started_at, now);
        for target in &mut result.targets {
            let could_look = !target.outcome.status.is_unknown();
            target.counts_as = (is_stale && could_look).then(|| Status::unknown(Reason::STALE));
        }
    }
    report.attestations = attest(&mut report.results, attestations, started_at, now);
    for result in &mut report.results {
        let statuses = result.targets.iter().map(|target| target.status());
        result.status = worst(statuses)
            .cloned()
            .unwrap_or_else(|| Status::unknown(Reason::NOT_BOUND));
    }
}

fn is_stale(result: &RequirementResult, started_at: Timestamp, now: Timestamp) -> bool {
    // Wider than an instant: an age may be any number, and an instant may lie at the end of time.
    let age = i128::from(now.unix_seconds()) - i128::from(started_at.unix_seconds());
    result.max_age_seconds.is_some_and(|most| age > i128::from(most))
}

/// What follows from what the results count as.
fn decide(report: &mut Report, waivers: &[Waiver], baseline: Option<&Baseline>, now: Timestamp) {
    let Report { results, trend, .. } = report;
    let changes = trend.as_ref().map(Trend::by_row).unwrap_or_default();
    let accepted = accept(
        results,
        waivers,
        baseline,
        &report.policy,
        &changes,
        report.started_at,
        now,
    );

    let mut items = Vec::with_capacity(report.results.len());
    let mut rows = Vec::with_capacity(report.results.len());
    for (i, result) in report.results.iter().enumerate() {
        let mut is_accepted = true;
        for (j, target) in result.targets.iter().enumerate() {
            let partly_unknown = accepted.partly_unknown.contains(&(i, j));
            // Only beside passes: else mending the accepted failure would uncover something that counts
            // for less than nothing, and mending must never be worse than accepting.
            is_accepted &= match target.status() {
                Status::Fail => target.accepted.is_some() && !partly_unknown,
                Status::Pass | Status::NotApplicable { .. } => true,
                Status::Unknown { .. } | Status::Warn { .. } => false,
            };
            rows.push(Row {
                requirement: &result.id,
                weight: result.weight,
                blocker: result.blocker,
                target,
                partly_unknown,
                change: changes
                    .get(&(result.id.as_str(), target.target.as_str()))
                    .copied(),
            });
        }
        let raw = worst(result.targets.iter().map(|target| &target.outcome.status));
        items.push(Item {
            family: result.probe.family(),
            weight: result.weight,
            status: &result.status,
            accepted: is_accepted,
            declared_not_applicable: raw.is_some_and(Status::is_not_applicable),
        });
    }
    let score = Score::of(&items);
    let decision = Decision::of(&report.policy, &score, &rows);

    report.results_digest = Digest::of_results(&report.results);
    report.score = score;
    report.decision = decision;
    report.waivers = accepted.waivers;
    report.baseline = accepted.baseline;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Outcome,
        report::Accepted,
        score::{
            BasisPoints, Verdict, WaiverState,
            fixture::{Given, NOW, report},
        },
    };

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn percent(hundredths: u32) -> Option<BasisPoints> {
        Some(BasisPoints::new(hundredths))
    }

    #[test]
    fn without_a_target_only_blockers_decide() {
        let judged = |given| report(given).concluded(NOW).decision;
        let weak = judged(vec![
            Given::pass("a.x"),
            Given::fail("a.y"),
            Given::unknown("a.z"),
        ]);
        assert_eq!((weak.verdict, weak.because), (Verdict::Ready, vec![]));
        assert_eq!(weak.rule, "no blocker may fail or stay unknown");
        let fails = judged(vec![
            Given::unknown("a.x").blocker(),
            Given::fail("a.y").blocker(),
        ]);
        assert_eq!(fails.verdict, Verdict::NotReady);
        assert_eq!(fails.because, ["`a.y` (blocker) fails at `api`"]);
        let unknown = judged(vec![Given::pass("a.y"), Given::unknown("a.x").blocker()]);
        assert_eq!(unknown.verdict, Verdict::Inconclusive);
        assert_eq!(
            unknown.because,
            ["`a.x` (blocker) could not be judged at `api`: no answer in time"]
        );
    }

    #[test]
    fn nothing_judged_is_no_answer() {
        let judged = |given| report(given).concluded(NOW).decision;
        for given in [
            vec![],
            vec![Given::not_applicable("a.x")],
            vec![Given::unknown("a.x")],
            vec![Given::pass("a.x").weight(0)],
        ] {
            let decision = judged(given);
            assert_eq!(decision.verdict, Verdict::Inconclusive);
            assert_eq!(decision.because, ["nothing that counts was judged"]);
        }
        let waived = Waiver::new("a.x", "known", "ops", at("2027-01-01"));
        let only = report(vec![Given::fail("a.x").blocker()]).waiver(waived);
        assert_eq!(only.concluded(NOW).verdict(), Verdict::ReadyWithWaivers);
        let with_target = only
            .policy(Policy::default().target_percent(1))
            .concluded(NOW)
            .decision;
        assert_eq!(with_target.verdict, Verdict::Inconclusive);
        assert_eq!(
            with_target.because,
            ["nothing is left without what is accepted, 1.00 % is wanted"]
        );
    }

    #[test]
    fn each_part_of_a_policy_decides_at_its_boundary() {
        let given = vec![
            Given::pass("a.x"),
            Given::warn("b.y"),
            Given::not_applicable("c.z"),
            Given::fail("d.w").weight(0),
        ];
        let judged = report(given).concluded(NOW);
        let verdict = |policy: Policy| judged.rescored(policy, NOW).verdict();
        let bp = BasisPoints::new;
        let policy = Policy::default;
        assert_eq!(judged.score.proven, percent(7500));
        assert_eq!(judged.score.not_applicable, percent(3333));
        assert_eq!(verdict(policy().max_not_applicable(bp(3333))), Verdict::Ready);
        assert_eq!(
            verdict(policy().max_not_applicable(bp(3332))),
            Verdict::Inconclusive
        );
        // A stated target brings the default limit of 25 %.
        assert_eq!(verdict(policy().target(bp(7500))), Verdict::Inconclusive);
        let all_may = policy().max_not_applicable(BasisPoints::FULL);
        assert_eq!(verdict(all_may.clone().target(bp(7500))), Verdict::Ready);
        assert_eq!(verdict(all_may.target(bp(7501))), Verdict::NotReady);
        assert_eq!(verdict(policy().floor("b", bp(5000))), Verdict::Ready);
        assert_eq!(verdict(policy().floor("b", bp(5001))), Verdict::NotReady);
        assert_eq!(verdict(policy().floor("nowhere", bp(1))), Verdict::Inconclusive);
        assert_eq!(verdict(policy().min_coverage(BasisPoints::FULL)), Verdict::Ready);
        let warned = judged.rescored(policy().fail_on_warn(true), NOW).decision;
        assert_eq!(warned.verdict, Verdict::NotReady);
        assert_eq!(warned.because, ["`b.y` warns at `api`"]);
    }

    #[test]
    fn no_regression_compares_with_the_earlier_report() {
        let policy = Policy::default().no_regression(true);
        let earlier = report(vec![Given::pass("a.x"), Given::fail("a.y"), Given::pass("a.z")]);
        let judged = |given| {
            let run = report(given)
                .policy(policy.clone())
                .earlier(earlier.concluded(NOW));
            run.concluded(NOW).decision
        };
        let same = judged(vec![Given::pass("a.x"), Given::fail("a.y"), Given::fail("a.new")]);
        assert_eq!(same.verdict, Verdict::Ready);
        assert_eq!(
            same.rule,
            "nothing worse than before, and no blocker may fail or stay unknown"
        );
        let worse = judged(vec![Given::pass("a.z"), Given::warn("a.x")]);
        assert_eq!(worse.verdict, Verdict::NotReady);
        assert_eq!(worse.because, ["`a.x` was pass and is warn at `api`"]);
        let unknown = judged(vec![
            Given::pass("a.z"),
            Given::unknown("a.x"),
            Given::unknown("a.y"),
        ]);
        assert_eq!(unknown.verdict, Verdict::Inconclusive);
        assert_eq!(unknown.because, ["`a.x` was pass and is unknown at `api`"]);
        assert_eq!(
            judged(vec![Given::pass("a.z"), Given::fail("a.x").weight(0)]).verdict,
            Verdict::Ready
        );
    }

    #[test]
    fn the_worst_target_counts() {
        let given = Given::pass("a.x")
            .and("b", Outcome::not_applicable("no"))
            .and("c", Outcome::warn("w"));
        let judged = report(vec![given]).concluded(NOW);
        assert_eq!(judged.results[0].status, Status::warn());
        assert_eq!(judged.results[0].targets[0].status(), &Status::Pass);
    }

    #[test]
    fn a_result_over_its_age_is_unknown() {
        let judged =
            report(vec![Given::pass("a.x").max_age(60).blocker(), Given::pass("a.y")]).concluded(NOW);
        let verdict = |seconds| {
            judged
                .rescored(Policy::default(), NOW.plus_seconds(seconds))
                .verdict()
        };
        assert_eq!(verdict(60), Verdict::Ready);
        assert_eq!(verdict(61), Verdict::Inconclusive);
        let stale = judged.rescored(Policy::default(), NOW.plus_seconds(61));
        assert_eq!(
            stale.results[0].targets[0].status(),
            &Status::unknown(Reason::STALE)
        );
        assert!(
            stale.results[0].targets[0].outcome.status.is_pass(),
            "the outcome stays"
        );
        assert_eq!(stale.rescored(Policy::default(), NOW), judged);
        assert_eq!(stale.results_digest, judged.results_digest);
    }

    #[test]
    fn an_old_declaration_still_counts_as_one() {
        let given = vec![Given::pass("a.x"), Given::not_applicable("a.y").max_age(60)];
        let judged = report(given)
            .concluded(NOW)
            .rescored(Policy::default(), NOW.plus_days(1));
        assert_eq!(judged.score.not_applicable, percent(5000));
        assert_eq!(judged.score.coverage, percent(5000));
    }

    #[test]
    fn several_waivers_may_accept_one_failure_together() {
        let finding = |n: u16| crate::Finding::fail("open", "it answers").subject(format!("port {n}"));
        let outcome = Outcome::judged("two open", vec![finding(1), finding(2)]);
        let waiver = |n: u16, until| {
            let waiver = Waiver::new("net.ports", format!("port {n}"), "ops", at(until));
            waiver.subject(format!("port {n}"))
        };
        let run = report(vec![Given::new("net.ports", outcome).blocker()]).waiver(waiver(1, "2027-03-01"));
        let half = run.concluded(NOW);
        assert_eq!(half.verdict(), Verdict::NotReady);
        assert_eq!(half.waivers[0].state, WaiverState::Active);
        assert_eq!(half.results[0].targets[0].accepted, None);
        let both = run.waiver(waiver(2, "2027-02-01")).concluded(NOW);
        assert_eq!(both.verdict(), Verdict::ReadyWithWaivers);
        let accepted = both.results[0].targets[0].accepted.clone().unwrap();
        assert!(matches!(accepted, Accepted::Waiver { until, .. } if until == at("2027-02-01")));
    }
}
