//! The worked example of the scoring model, with every change of its verdict.

use super::{
    Attestation, Attested, BasisPoints, Policy, Verdict, Waiver, WaiverState,
    fixture::{Given, NOW, Run, report},
};
use crate::{Priority, Reason, Status, Timestamp};

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn percent(hundredths: u32) -> Option<BasisPoints> {
    Some(BasisPoints::new(hundredths))
}

/// The worked example of the scoring model.
fn example(dns: Given) -> Run {
    use Priority::{Critical, High, Low, Medium};
    let pentest = Attestation::new(
        "pentest",
        Attested::Pass,
        "no finding above low",
        "A. Tester",
        "auditor",
        at("2026-11-02"),
    );
    report(vec![
        Given::pass("tls.certificate").priority(Critical),
        Given::pass("http.https_redirect").priority(Critical),
        Given::warn("http.security_headers").priority(High),
        Given::fail("net.port_exposure").priority(Critical),
        Given::attestable("pentest").priority(High),
        dns.priority(High),
        Given::pass("http.health").priority(Critical),
        Given::warn_of("http.latency", 600).priority(Medium),
        Given::not_applicable("gdpr").priority(Medium),
        Given::fail("doc.file").priority(Low),
    ])
    .waiver(Waiver::new(
        "net.port_exposure",
        "the old client needs it",
        "ops",
        at("2027-01-31"),
    ))
    .attestation(pentest.until(at("2027-03-01")))
}

#[test]
fn the_worked_example_adds_up() {
    let score = example(Given::unknown("dns.records")).concluded(NOW).score;
    assert_eq!(
        (score.weight, score.earned, score.unknown_weight),
        (47, 31_200, 4)
    );
    assert_eq!(score.proven, percent(6638));
    assert_eq!(score.possible, percent(7489));
    assert_eq!(score.evaluated, percent(7255));
    assert_eq!(score.coverage, percent(9148));
    assert_eq!(score.waived_weight, 8);
    assert_eq!(score.gate_proven, percent(8000));
    assert_eq!(score.gate_possible, percent(9025));
    assert_eq!(score.categories["dns"].coverage, percent(0));
    assert_eq!(score.categories["tls"].proven, percent(10_000));
}

#[test]
fn the_worked_example_is_decided() {
    let target = |percent| Policy::default().target_percent(percent);
    let judged = example(Given::unknown("dns.records")).concluded(NOW);
    let decision = |policy| judged.rescored(policy, NOW).decision;

    let strict = decision(target(95));
    assert_eq!(strict.verdict, Verdict::NotReady);
    assert_eq!(
        strict.rule,
        "at least 95.00 % proven, and no blocker may fail or stay unknown"
    );
    assert_eq!(
        strict.because,
        ["at most 90.25 % is possible without what is accepted, 95.00 % is wanted"]
    );

    let covered = decision(target(80).min_coverage(BasisPoints::from_percent(95)));
    assert_eq!(covered.verdict, Verdict::Inconclusive);
    assert_eq!(
        covered.rule,
        "at least 80.00 % proven, 95.00 % judged, and no blocker may fail or stay unknown"
    );
    assert_eq!(covered.because, ["91.48 % was judged, 95.00 % is wanted"]);

    // The name server answers.
    let policy = target(80).min_coverage(BasisPoints::from_percent(95));
    let answered = example(Given::pass("dns.records"))
        .policy(policy.clone())
        .concluded(NOW);
    assert_eq!(answered.score.gate_proven, percent(9025));
    assert_eq!(answered.score.coverage, percent(10_000));
    assert_eq!(answered.verdict(), Verdict::ReadyWithWaivers);
    assert_eq!(
        answered.decision.because,
        ["`net.port_exposure` (blocker) fails at `api`; waived by ops until 2027-01-31"]
    );

    // The waiver lapses.
    let eve = answered.rescored(policy.clone(), at("2027-01-30T23:59:59Z"));
    assert_eq!(eve.verdict(), Verdict::ReadyWithWaivers);
    let lapsed = answered.rescored(policy, at("2027-01-31"));
    assert_eq!(lapsed.score.gate_proven, percent(7489));
    assert_eq!(lapsed.verdict(), Verdict::NotReady);
    assert_eq!(
        lapsed.decision.because,
        [
            "`net.port_exposure` (blocker) fails at `api`",
            "at most 74.89 % is possible, 80.00 % is wanted",
        ]
    );
    assert_eq!(lapsed.waivers[0].state, WaiverState::Expired);
    assert_eq!(lapsed.judged_at, Some(at("2027-01-31")));

    // The attestation lapses too.
    let later = answered.rescored(Policy::default(), at("2027-03-01"));
    let pentest = later.requirement("pentest").unwrap();
    assert_eq!(pentest.status, Status::unknown(Reason::ATTESTATION_EXPIRED));
}
