//! The laws of the model, for any results and any policy.

use proptest::{collection::vec, option, prelude::*, sample::Index};

use super::{
    Attestation, Attested, Baseline, BasisPoints, Policy, Score, Verdict, Waiver,
    fixture::{Given, NOW, Run, report},
};
use crate::{Credit, Finding, Outcome, Reason, Status, Timestamp, report::Report};

const CASES: u32 = 256;

fn config() -> ProptestConfig {
    ProptestConfig {
        cases: CASES,
        failure_persistence: None,
        max_global_rejects: 20 * CASES,
        ..ProptestConfig::default()
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::pass("fine")),
        2 => (0..1000_u16).prop_map(|credit| {
            let mut outcome = Outcome::warn("weak");
            outcome.status = Status::Warn { credit: Credit::saturating(credit) };
            outcome
        }),
        1 => Just(Outcome::fail("broken")),
        1 => (0..3_u8).prop_map(|n| {
            Outcome::judged("broken", vec![Finding::fail("broken", "no").subject(format!("part {n}"))])
        }),
        1 => Just(Outcome::unknown(Reason::TIMEOUT, "no answer")),
        1 => Just(Outcome::unknown(Reason::ATTESTATION_MISSING, "nobody said")),
        1 => Just(Outcome::not_applicable("not here")),
    ]
}

fn conclusive() -> impl Strategy<Value = Outcome> {
    outcome().prop_filter("conclusive", |o| {
        !o.status.is_unknown() && !o.status.is_not_applicable()
    })
}

/// A requirement: a family, a weight, blocker or not, an age, and an outcome for each target.
fn given(targets: usize) -> impl Strategy<Value = Given> {
    let family = prop_oneof![Just("dns"), Just("http"), Just("tls")];
    let weight = prop_oneof![Just(0_u32), Just(1), Just(2), Just(4), Just(8), 1..=1000_u32];
    let age = option::weighted(0.3, 0..200 * 86_400_u64);
    (family, weight, any::<bool>(), age, vec(outcome(), 1..=targets)).prop_map(
        |(family, weight, blocker, age, outcomes)| {
            let mut outcomes = outcomes.into_iter();
            let mut given = Given::new(&format!("{family}.x"), outcomes.next().unwrap()).weight(weight);
            for (i, outcome) in outcomes.enumerate() {
                given = given.and(&format!("t{i}"), outcome);
            }
            given.0.blocker = blocker && weight > 1;
            given.0.max_age_seconds = age;
            given
        },
    )
}

fn basis_points() -> impl Strategy<Value = BasisPoints> {
    prop_oneof![Just(0), Just(10_000), 0..=10_000_u32].prop_map(BasisPoints::new)
}

fn policy() -> impl Strategy<Value = Policy> {
    (
        option::of(basis_points()),
        option::weighted(0.4, basis_points()),
        vec(
            (
                prop_oneof![Just("dns"), Just("tls"), Just("none")],
                basis_points(),
            ),
            0..2,
        ),
        option::weighted(0.4, basis_points()),
        (prop::bool::weighted(0.2), prop::bool::weighted(0.3)),
    )
        .prop_map(|(target, coverage, floors, most, (warn, regression))| {
            let mut policy = Policy::default().fail_on_warn(warn).no_regression(regression);
            policy.target = target;
            policy.min_coverage = coverage;
            policy.floors = floors
                .into_iter()
                .map(|(family, floor)| (family.to_owned(), floor))
                .collect();
            policy.max_not_applicable = most;
            policy
        })
}

/// For some of the requirements a waiver, an attestation, an earlier outcome.
fn run(least: usize, targets: usize) -> impl Strategy<Value = Run> {
    let beside = (
        option::weighted(0.3, (0..200_i64, any::<bool>())),
        option::weighted(0.4, (any::<bool>(), -400..=0_i64)),
        option::weighted(0.7, outcome()),
        any::<bool>(),
    );
    (
        vec((given(targets), beside), least..8),
        policy(),
        any::<(bool, bool)>(),
    )
        .prop_map(|(parts, policy, (with_earlier, with_baseline))| {
            let mut run = report(Vec::new()).policy(policy);
            let mut before = Vec::new();
            let mut known = Vec::new();
            for (i, (mut given, (waiver, attestation, earlier, is_known))) in parts.into_iter().enumerate() {
                given.0.id = format!("{}{i}", given.0.id);
                let id = given.0.id.clone();
                if let Some((days, begins_now)) = waiver {
                    let waiver = Waiver::new(&id, "known", "ops", NOW.plus_days(days));
                    let from = begins_now && days > 0;
                    run = run.waiver(if from { waiver.starting(NOW) } else { waiver });
                }
                if let Some((holds, days)) = attestation {
                    let status = if holds { Attested::Pass } else { Attested::Fail };
                    let signed = NOW.plus_days(days);
                    run = run.attestation(Attestation::new(&id, status, "seen", "she", "auditor", signed));
                }
                if let Some(outcome) = earlier {
                    before.push(Given::new(&id, outcome));
                }
                if is_known {
                    known.push(given.clone());
                }
                run.given.push(given);
            }
            if with_earlier {
                run = run.earlier(report(before).concluded(NOW));
            }
            if with_baseline {
                run = run.baseline(Baseline::from_report(&report(known).concluded(NOW)));
            }
            run
        })
}

fn rank(report: &Report) -> u8 {
    match report.verdict() {
        Verdict::NotReady => 0,
        Verdict::Inconclusive => 1,
        Verdict::ReadyWithWaivers => 2,
        Verdict::Ready => 3,
    }
}

fn shares(score: &Score) -> [Option<BasisPoints>; 7] {
    [
        score.proven,
        score.possible,
        score.coverage,
        score.evaluated,
        score.gate_proven,
        score.gate_possible,
        score.not_applicable,
    ]
}

fn is_waived(run: &Run, id: &str) -> bool {
    run.waivers.iter().any(|waiver| waiver.requirement == id)
}

/// The run with one requirement's every target changed.
fn with(run: &Run, i: usize, outcome: &Outcome) -> Run {
    let mut run = run.clone();
    for target in &mut run.given[i].0.targets {
        target.outcome = outcome.clone();
    }
    run
}

/// Where a share that must be judged is demanded, and no share that must be proven covers it, an unknown
/// that turns out badly may still help: something was judged.
fn target_covers_coverage(policy: &Policy) -> bool {
    let target = policy.target.unwrap_or_default();
    target > BasisPoints::default() && policy.min_coverage.unwrap_or_default() <= target
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn law_1_every_share_is_within_its_bounds(run in run(0, 3)) {
        let report = run.concluded(NOW);
        for score in report.score.categories.values().chain([&report.score]) {
            for share in shares(score).into_iter().flatten() {
                prop_assert!(share <= BasisPoints::FULL);
            }
            prop_assert!(score.proven <= score.possible);
            prop_assert!(score.gate_proven <= score.gate_possible);
            if score.evaluated.is_some() {
                prop_assert!(score.proven <= score.evaluated);
            }
            prop_assert!(score.gate_proven <= score.coverage);
            prop_assert_eq!(score.proven.is_none(), score.weight == 0);
        }
    }

    #[test]
    fn law_2_a_pass_never_harms(run in run(1, 3), i in any::<Index>(), j in any::<Index>()) {
        let i = i.index(run.given.len());
        let before = run.concluded(NOW);
        let after = with(&run, i, &Outcome::pass("mended")).concluded(NOW);
        prop_assert!(before.score.proven <= after.score.proven);
        prop_assert!(before.score.possible <= after.score.possible);
        prop_assert!(rank(&before) <= rank(&after), "{:?}\n{:?}", before.decision, after.decision);

        // One target of several. What the worst hid may come to light: something unknown, which lowers
        // the coverage, or behind something unknown a warning, which bounds what is possible.
        let mut one = run.clone();
        let targets = &mut one.given[i].0.targets;
        let j = j.index(targets.len());
        targets[j].outcome = Outcome::pass("mended");
        let after = one.concluded(NOW);
        prop_assert!(before.score.proven <= after.score.proven);
        if !before.results[i].status.is_unknown() {
            prop_assert!(before.score.possible <= after.score.possible);
            if target_covers_coverage(&run.policy) {
                prop_assert!(rank(&before) <= rank(&after), "{:?}\n{:?}", before.decision, after.decision);
            }
        }
    }

    #[test]
    fn law_3_a_failure_never_helps(run in run(1, 3), i in any::<Index>(), j in any::<Index>()) {
        let i = i.index(run.given.len());
        prop_assume!(!is_waived(&run, &run.given[i].0.id));
        let before = run.concluded(NOW);
        let j = j.index(before.results[i].targets.len());
        prop_assume!(!before.results[i].targets[j].status().is_not_applicable());
        prop_assume!(before.results[i].targets[j].accepted.is_none());
        let mut worse = run.clone();
        worse.given[i].0.targets[j].outcome = Outcome::fail("broken");
        let after = worse.concluded(NOW);
        prop_assert!(before.score.proven >= after.score.proven);
        prop_assert!(before.score.possible >= after.score.possible);
        if !before.results[i].status.is_unknown() || target_covers_coverage(&run.policy) {
            prop_assert!(rank(&before) >= rank(&after), "{:?}\n{:?}", before.decision, after.decision);
        }
    }

    #[test]
    fn law_4_an_answer_only_narrows(run in run(1, 3), i in any::<Index>(), answer in conclusive()) {
        let before = run.concluded(NOW);
        let unknown: Vec<usize> = (0..before.results.len())
            .filter(|&i| before.results[i].status.is_unknown())
            .collect();
        prop_assume!(!unknown.is_empty());
        let i = unknown[i.index(unknown.len())];
        let mut resolved = run.clone();
        for (given, judged) in resolved.given[i].0.targets.iter_mut().zip(&before.results[i].targets) {
            if judged.status().is_unknown() {
                given.outcome = answer.clone();
            }
        }
        let after = resolved.concluded(NOW);
        prop_assert!(before.score.proven <= after.score.proven);
        prop_assert!(after.score.possible <= before.score.possible);
    }

    #[test]
    fn law_5_waiting_makes_nothing_ready(run in run(0, 3), days in vec(0..400_i64, 1..5)) {
        let mut days = days;
        days.sort_unstable();
        let report = run.concluded(NOW);
        let mut was_ready = report.verdict().is_ready();
        for day in days {
            let later = report.rescored(run.policy.clone(), NOW.plus_days(day));
            prop_assert!(was_ready || !later.verdict().is_ready(), "{:?}\n{:?}", report.decision, later.decision);
            was_ready = later.verdict().is_ready();
        }
    }

    #[test]
    fn law_6_mending_is_at_least_as_good_as_waiving(run in run(1, 3), i in any::<Index>()) {
        let i = i.index(run.given.len());
        let plain = run.concluded(NOW);
        let until = NOW.plus_days(1);
        let waived = run.clone().waiver(Waiver::new(&run.given[i].0.id, "r", "o", until)).concluded(NOW);
        let mended = with(&run, i, &Outcome::pass("mended")).concluded(NOW);
        prop_assert_eq!(waived.score.proven, plain.score.proven);
        prop_assert_eq!(waived.score.possible, plain.score.possible);
        prop_assert_eq!(waived.score.coverage, plain.score.coverage);
        prop_assert!(mended.score.gate_proven >= waived.score.gate_proven);
        prop_assert!(rank(&mended) >= rank(&waived), "{:?}\n{:?}", waived.decision, mended.decision);
    }

    #[test]
    fn law_7_not_applicable_is_never_better_than_mended(run in run(1, 3), i in any::<Index>()) {
        let i = i.index(run.given.len());
        let left_out = with(&run, i, &Outcome::not_applicable("not here")).concluded(NOW);
        let mended = with(&run, i, &Outcome::pass("mended")).concluded(NOW);
        prop_assert!(left_out.score.proven <= mended.score.proven);
        prop_assert!(left_out.score.gate_proven <= mended.score.gate_proven);
        prop_assert!(rank(&left_out) <= rank(&mended), "{:?}\n{:?}", left_out.decision, mended.decision);
    }

    #[test]
    fn law_8_order_and_scale_change_nothing(run in run(0, 3), by in 1..1000_u32, turn in any::<Index>()) {
        let plain = run.concluded(NOW);
        let mut other = run.clone();
        for given in &mut other.given {
            given.0.weight *= by;
            given.0.targets.reverse();
        }
        if !other.given.is_empty() {
            let turn = turn.index(other.given.len());
            other.given.rotate_left(turn);
        }
        other.waivers.reverse();
        other.attestations.reverse();
        let turned = other.concluded(NOW);
        prop_assert_eq!(plain.verdict(), turned.verdict());
        prop_assert_eq!(shares(&plain.score), shares(&turned.score));
        for (family, score) in &plain.score.categories {
            prop_assert_eq!(shares(score), shares(&turned.score.categories[family]));
        }
    }

    #[test]
    fn law_9_full_marks_mean_everything_and_a_union_lies_between(one in run(0, 3), two in run(0, 3)) {
        let a = one.concluded(NOW);
        let mut counted = a.results.iter().filter(|r| r.weight > 0 && !r.status.is_not_applicable());
        let is_whole = a.score.weight > 0 && counted.all(|r| r.status.is_pass());
        prop_assert_eq!(a.score.proven == Some(BasisPoints::FULL), is_whole);

        let rename = |run: &Run, prefix: &str| {
            run.given.iter().cloned().map(|mut given| {
                // Attested for themselves: what stands beside a run is keyed by id.
                given.0.id = format!("{prefix}{}", given.0.id);
                given
            }).collect::<Vec<_>>()
        };
        let (one, two) = (rename(&one, "a_"), rename(&two, "b_"));
        let proven = |given: Vec<Given>| report(given).concluded(NOW).score.proven;
        let all = one.iter().chain(&two).cloned().collect();
        let (a, b, all) = (proven(one), proven(two), proven(all));
        if let (Some(a), Some(b)) = (a, b) {
            prop_assert!(Some(a.min(b)) <= all && all <= Some(a.max(b)));
        } else {
            prop_assert_eq!(all, a.or(b));
        }
    }

    #[test]
    fn law_10_losing_sight_of_a_pass_costs_all_it_earned(run in run(1, 3), i in any::<Index>()) {
        let i = i.index(run.given.len());
        let seen = with(&run, i, &Outcome::pass("fine")).concluded(NOW);
        let unseen = with(&run, i, &Outcome::unknown(Reason::TIMEOUT, "no answer")).concluded(NOW);
        let weight = u64::from(run.given[i].0.weight);
        prop_assert_eq!(seen.score.earned - unseen.score.earned, 1000 * weight);
        prop_assert_eq!(unseen.score.unknown_weight - seen.score.unknown_weight, weight);
        prop_assert_eq!(seen.score.weight, unseen.score.weight);
    }

    #[test]
    fn law_11_a_report_read_back_scores_the_same(run in run(0, 3), day in 0..400_i64) {
        let report = run.concluded(NOW);
        let json = serde_json::to_string(&report).unwrap();
        let read: Report = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &report);
        let again = read.rescored(run.policy.clone(), NOW);
        prop_assert_eq!(serde_json::to_string(&again).unwrap(), json);

        // By way of another instant and another policy, and back.
        let away = again.rescored(Policy::default().target_percent(95), NOW.plus_days(day));
        prop_assert_eq!(away.rescored(run.policy.clone(), NOW), report);
    }

    #[test]
    fn law_12_the_digest_is_of_what_was_seen(run in run(1, 3), turn in any::<Index>(), i in any::<Index>()) {
        let plain = run.concluded(NOW);
        let mut other = run.clone();
        let count = other.given.len();
        other.given.rotate_left(turn.index(count));
        for (i, given) in other.given.iter_mut().enumerate() {
            given.0.targets.reverse();
            for target in &mut given.0.targets {
                target.duration_ms = i as u64 + 1;
            }
        }
        other.waivers.clear();
        let turned = other.concluded(NOW.plus_days(3));
        prop_assert_eq!(&plain.results_digest, &turned.results_digest);
        let changed = with(&run, i.index(count), &Outcome::pass("something else")).concluded(NOW);
        prop_assert_ne!(&plain.results_digest, &changed.results_digest);
    }

    #[test]
    fn law_13_mending_one_by_one_only_climbs(run in run(0, 1)) {
        let mut run = run;
        let mut last = run.concluded(NOW);
        for i in 0..run.given.len() {
            run = with(&run, i, &Outcome::pass("mended"));
            let next = run.concluded(NOW);
            prop_assert!(last.verdict().exit_code() == next.verdict().exit_code() || rank(&last) < rank(&next));
            last = next;
        }
        let families: Vec<&String> = run.policy.floors.iter().filter(|(_, f)| f.get() > 0).map(|(n, _)| n).collect();
        let is_reachable = families.iter().all(|family| last.score.categories.contains_key(*family));
        if last.score.weight > 0 && is_reachable {
            prop_assert_eq!(last.verdict(), Verdict::Ready, "{:?}", last.decision);
        }
    }
}

#[test]
fn instants_at_the_end_of_time_do_no_harm() {
    let end = Timestamp::from_unix_seconds(i64::MAX);
    let run = report(vec![Given::pass("a.x").max_age(u64::MAX)]).waiver(Waiver::new("a.x", "r", "o", end));
    let report = run.concluded(Timestamp::from_unix_seconds(i64::MIN));
    assert!(
        report.rescored(Policy::default(), end).results[0]
            .status
            .is_pass()
    );
}
