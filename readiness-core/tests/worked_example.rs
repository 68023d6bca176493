//! A whole service through the runner: ten requirements of every kind, one of which hangs, panics or fails.

use std::time::Duration;

use readiness_core::{
    Attestation, FixedClock, Measure, Outcome, Policy, Priority, ProbeError, ProbeId, Report, Requirement,
    Runner, Sources, Status, Suite, Target, Timestamp, Unit, Verdict, Waiver, attested, probe_fn,
    score::{Attested, BasisPoints},
};

#[derive(Clone, Copy, Debug)]
enum Dns {
    Hangs,
    Panics,
    Errs,
    Passes,
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn fixed(id: &'static str, outcome: Outcome) -> std::sync::Arc<dyn readiness_core::Probe> {
    probe_fn(id, move |_| {
        let outcome = outcome.clone();
        async move { Ok(outcome) }
    })
}

fn suite(dns: Dns, policy: Policy) -> Suite {
    let target = || {
        Target::parse("https://shop.example.com")
            .unwrap()
            .labelled("shop")
    };
    let latency = Measure::new("latency p95", 4_200, Unit::Microseconds).at_most(3_000, 6_000);
    let latency = Outcome::judged(
        "",
        vec![readiness_core::Finding::new("slow", latency.status(), "slow")],
    )
    .measure(latency);
    let dns_records = probe_fn("dns.records", move |_| async move {
        match dns {
            Dns::Hangs => std::future::pending().await,
            Dns::Panics => panic!("a bug in the probe"),
            Dns::Errs => Err(ProbeError::other("no such file")),
            Dns::Passes => Ok(Outcome::pass("1 address")),
        }
    });
    let requirements = [
        (
            fixed("tls.certificate", Outcome::pass("valid")),
            Priority::Critical,
        ),
        (
            fixed("http.https_redirect", Outcome::pass("308")),
            Priority::Critical,
        ),
        (
            fixed("http.security_headers", Outcome::warn("some")),
            Priority::High,
        ),
        (
            fixed("net.port_exposure", Outcome::fail("port 6379 is open")),
            Priority::Critical,
        ),
        (
            attested(ProbeId::new("org.pentest"), "an outsider tested it"),
            Priority::High,
        ),
        (dns_records, Priority::High),
        (fixed("http.health", Outcome::pass("UP")), Priority::Critical),
        (fixed("http.latency", latency), Priority::Medium),
        (
            fixed("org.gdpr", Outcome::not_applicable("no users in the EU")),
            Priority::Medium,
        ),
        (fixed("doc.file", Outcome::fail("no README")), Priority::Low),
    ];
    let mut suite = Suite::new(Sources::default()).policy(policy);
    for (probe, priority) in requirements {
        suite
            .add(
                Requirement::new(probe, target())
                    .priority(priority)
                    .timeout(Duration::from_secs(2)),
            )
            .unwrap();
    }
    suite
        .waiver(Waiver::new(
            "net.port_exposure",
            "behind the firewall next week",
            "ops",
            at("2027-01-31"),
        ))
        .attestation({
            let mut attestation = Attestation::new(
                "org.pentest",
                Attested::Pass,
                "no open finding",
                "A. Tester",
                "security",
                at("2026-03-01"),
            );
            attestation.until = Some(at("2027-03-01"));
            attestation
        })
}

async fn run(dns: Dns, policy: Policy) -> Report {
    let clock = FixedClock::new(at("2026-11-20"));
    Runner::new().clock(clock).run(&suite(dns, policy)).await
}

fn points(hundredths: u32) -> Option<BasisPoints> {
    Some(BasisPoints::new(hundredths))
}

#[tokio::test(start_paused = true)]
async fn one_broken_probe_costs_its_own_weight_and_nothing_else() {
    for (dns, reason) in [
        (Dns::Hangs, "timeout"),
        (Dns::Panics, "panic"),
        (Dns::Errs, "error"),
    ] {
        let report = run(dns, Policy::default().target_percent(95)).await;
        let score = &report.score;
        assert_eq!(
            (score.proven, score.possible, score.evaluated, score.coverage),
            (points(6638), points(7489), points(7255), points(9148)),
            "{dns:?}"
        );
        assert_eq!(
            (score.gate_proven, score.gate_possible),
            (points(8000), points(9025))
        );
        let broken = &report.requirement("dns.records").unwrap().status;
        assert!(
            matches!(broken, Status::Unknown { reason: r, .. } if r.as_str() == reason),
            "{broken:?}"
        );
        // all others as they were
        let others: Vec<&str> = report.results.iter().map(|result| result.status.word()).collect();
        assert_eq!(
            others,
            [
                "pass",
                "pass",
                "warn",
                "fail",
                "pass",
                "unknown",
                "pass",
                "warn",
                "not_applicable",
                "fail"
            ]
        );
        assert_eq!(
            report.verdict(),
            Verdict::NotReady,
            "at most 90.25 % is possible, 95 % is wanted"
        );

        let lower = Policy::default()
            .target_percent(80)
            .min_coverage(BasisPoints::from_percent(95));
        assert_eq!(
            report.rescored(lower, report.started_at).verdict(),
            Verdict::Inconclusive
        );
    }
}

#[tokio::test(start_paused = true)]
async fn then_dns_passes_and_then_the_waiver_lapses() {
    let policy = Policy::default()
        .target_percent(80)
        .min_coverage(BasisPoints::from_percent(95));
    let report = run(Dns::Passes, policy.clone()).await;
    assert_eq!(
        (report.score.gate_proven, report.score.coverage),
        (points(9025), points(10_000))
    );
    assert_eq!(report.verdict(), Verdict::ReadyWithWaivers);
    assert_eq!(report.verdict().exit_code(), 0);

    let one_second_before = report.rescored(policy.clone(), at("2027-01-30T23:59:59Z"));
    assert_eq!(one_second_before.verdict(), Verdict::ReadyWithWaivers);
    let lapsed = report.rescored(policy.clone(), at("2027-01-31"));
    assert_eq!(lapsed.score.gate_proven, points(7489));
    assert_eq!(lapsed.verdict(), Verdict::NotReady);
    assert!(
        lapsed.decision.because[0].contains("net.port_exposure"),
        "{:?}",
        lapsed.decision.because
    );
    assert_eq!(
        lapsed,
        report.rescored(policy, at("2027-01-31")),
        "the same inputs give the same report"
    );
}
