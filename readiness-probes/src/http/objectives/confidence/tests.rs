use super::*;

fn seen(k: u64, n: u64) -> Failures {
    Failures::new(k, k, n)
}

/// A generator with a fixed seed (SplitMix64), so that every run sees the same services.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The failures of a service in `n` requests, of which `ppm` millionths fail.
    fn failures(&mut self, n: u64, ppm: u32) -> u64 {
        (0..n)
            .filter(|_| self.next() % u64::from(WHOLE) < u64::from(ppm))
            .count() as u64
    }
}

#[test]
fn without_a_failure_so_many_samples_prove_a_rate() {
    println!("objective  fewest n  no failure in n, at the objective: simulated / exact");
    let mut random = Random(20);
    for (ppm, expected, runs) in [
        (50_000, 59, 20_000_u32),
        (10_000, 299, 20_000),
        (1_000, 2_995, 10_000),
    ] {
        let n = more(0, |n| decide(seen(0, n), ppm) == Verdict::Holds).unwrap();
        assert_eq!(n, expected, "{ppm} ppm");
        let open = Verdict::Open {
            if_none_fails: Some(1),
            at_this_rate: Some(1),
        };
        assert_eq!(decide(seen(0, n - 1), ppm), open, "{ppm} ppm, one sample fewer");
        assert_eq!(decide(seen(0, n + 1), ppm), Verdict::Holds);
        assert_ne!(decide(seen(1, n), ppm), Verdict::Holds, "{ppm} ppm, one failure");
        let clean = (0..runs).filter(|_| random.failures(n, ppm) == 0).count();
        let exact = at_most(0, n, ppm);
        println!(
            "{:>8.1}%  {n:>8}  {:.4} / {exact:.4}",
            f64::from(ppm) / 1e4,
            clean as f64 / f64::from(runs)
        );
        let spread = (exact * (1.0 - exact) / f64::from(runs)).sqrt();
        assert!((clean as f64 / f64::from(runs) - exact).abs() < 4.0 * spread);
    }
}

#[test]
fn a_verdict_is_wrong_in_at_most_five_percent_of_runs() {
    const RUNS: u32 = 4_000;
    let mut random = Random(5);
    println!("objective      n  true rate   pass  fail  open   wrong (simulated / exact)");
    for (objective, n) in [
        (50_000, 59),
        (50_000, 400),
        (10_000, 299),
        (10_000, 1_500),
        (100_000, 100),
    ] {
        let verdicts: Vec<Verdict> = (0..=n).map(|k| decide(seen(k, n), objective)).collect();
        for rate in [
            objective / 10,
            objective / 2,
            objective,
            objective + 1,
            objective * 11 / 10,
            objective * 3,
        ] {
            let (mut passed, mut failed) = (0, 0);
            for _ in 0..RUNS {
                match verdicts[random.failures(n, rate) as usize] {
                    Verdict::Holds => passed += 1,
                    Verdict::Broken => failed += 1,
                    Verdict::Open { .. } => {}
                }
            }
            let within = rate <= objective;
            let wrong = if within { failed } else { passed };
            let chance = |k: usize| {
                at_most(k as u64, n, rate)
                    - if k == 0 {
                        0.0
                    } else {
                        at_most(k as u64 - 1, n, rate)
                    }
            };
            let exact: f64 = verdicts
                .iter()
                .enumerate()
                .filter(|(_, verdict)| **verdict == if within { Verdict::Broken } else { Verdict::Holds })
                .map(|(k, _)| chance(k))
                .sum();
            println!(
                "{:>8.1}%  {n:>5}  {:>8.4}%  {passed:>5} {failed:>5} {:>5}   {:.4} / {exact:.4}",
                f64::from(objective) / 1e4,
                f64::from(rate) / 1e4,
                RUNS - passed - failed,
                f64::from(wrong) / f64::from(RUNS)
            );
            assert!(exact <= 0.05 + 1e-9, "{rate} of {objective} in {n}: {exact}");
            // Four standard deviations of a share of 5 % in so many runs.
            let spread = (0.05 * 0.95 / f64::from(RUNS)).sqrt();
            assert!(f64::from(wrong) / f64::from(RUNS) <= 0.05 + 4.0 * spread);
        }
    }
}

#[test]
fn services_far_from_the_objective_are_told_apart() {
    let mut random = Random(7);
    for _ in 0..500 {
        let good = random.failures(1_000, 1_000);
        assert_ne!(decide(seen(good, 1_000), 10_000), Verdict::Broken, "{good}");
        let bad = random.failures(1_000, 100_000);
        assert_eq!(decide(seen(bad, 1_000), 10_000), Verdict::Broken, "{bad}");
    }
}

#[test]
fn the_verdict_follows_the_bounds() {
    for n in [1_u64, 20, 59, 300, 3_000] {
        for k in (0..=n).step_by((n as usize / 10).max(1)) {
            let (lower, upper) = bounds(seen(k, n));
            assert!(lower <= upper, "{k} of {n}");
            for objective in [1_000_u32, 10_000, 50_000, 500_000] {
                match decide(seen(k, n), objective) {
                    Verdict::Holds => assert!(upper <= objective, "{k} of {n}: {upper}"),
                    Verdict::Broken => assert!(lower >= objective, "{k} of {n}: {lower}"),
                    Verdict::Open { .. } => {
                        assert!(
                            lower <= objective && upper > objective,
                            "{k} of {n}: {lower} {upper}"
                        );
                    }
                }
            }
        }
    }
    assert_eq!(bounds(seen(0, 299)).1, 9_970, "1 - 0.05^(1/299)");
    assert_eq!(bounds(seen(0, 0)), (0, WHOLE));
    assert_eq!(bounds(seen(5, 5)).1, WHOLE);
}

#[test]
fn what_is_needed_is_enough_and_no_less() {
    for (k, n, ppm) in [
        (0, 0, 10_000),
        (0, 100, 10_000),
        (2, 299, 10_000),
        (6, 1_000, 10_000),
        (1, 59, 50_000),
    ] {
        let Verdict::Open {
            if_none_fails,
            at_this_rate,
        } = decide(seen(k, n), ppm)
        else {
            panic!("{k} of {n} is decided");
        };
        let needed = if_none_fails.unwrap();
        assert_eq!(decide(seen(k, n + needed), ppm), Verdict::Holds);
        assert_ne!(decide(seen(k, n + needed - 1), ppm), Verdict::Holds);
        if let Some(more) = at_this_rate {
            assert!(more >= needed, "{k} of {n}: {more} {needed}");
            assert_eq!(
                decide(seen((k * (n + more)).div_ceil(n), n + more), ppm),
                Verdict::Holds
            );
        }
    }
    // Just as many as allowed: no number of samples tells.
    let Verdict::Open { at_this_rate, .. } = decide(seen(10, 1_000), 10_000) else {
        panic!()
    };
    assert_eq!(at_this_rate, None);
}

#[test]
fn what_is_not_known_helps_nobody() {
    let unclear = Failures::new(0, 20, 1_000);
    assert!(matches!(decide(unclear, 10_000), Verdict::Open { .. }));
    assert_eq!(decide(Failures::new(0, 20, 10_000), 10_000), Verdict::Holds);
    assert_eq!(decide(Failures::new(40, 60, 1_000), 10_000), Verdict::Broken);
    assert_eq!(
        Failures::new(9, 7, 5),
        Failures {
            fewest: 5,
            most: 5,
            of: 5
        }
    );
    assert!(matches!(decide(seen(0, 0), 10_000), Verdict::Open { .. }));
}

#[test]
fn ten_million_samples_are_judged() {
    let n = 10_000_000;
    assert_eq!(decide(seen(99_000, n), 10_000), Verdict::Holds);
    assert_eq!(decide(seen(101_000, n), 10_000), Verdict::Broken);
    assert!(matches!(decide(seen(100_000, n), 10_000), Verdict::Open { .. }));
}
