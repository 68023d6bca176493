//! Tails of the binomial distribution, exact to some ten digits for any number of samples.
//!
//! A tail is its first term times a sum of ratios. The first term comes from the deviance form of Stirling's
//! formula, in which nothing large is subtracted from anything large: logarithms of factorials would lose
//! eight digits at ten million samples.

use std::f64::consts::PI;

/// Millionths in a whole.
pub(super) const WHOLE: u32 = 1_000_000;

/// The chance of at most `k` failures in `n`, where one fails with a chance of `ppm` millionths.
pub(super) fn at_most(k: u64, n: u64, ppm: u32) -> f64 {
    let ppm = ppm.min(WHOLE);
    if k >= n || ppm == 0 {
        return 1.0;
    }
    if ppm == WHOLE {
        return 0.0;
    }
    let rest = WHOLE - ppm;
    // The smaller side is summed up, so that what is small is exact.
    if (k as f64) < n as f64 * part(ppm) {
        lower_tail(k, n, part(ppm), part(rest))
    } else {
        1.0 - lower_tail(n - k - 1, n, part(rest), part(ppm))
    }
}

/// The chance of at least `k` failures in `n`, where one fails with a chance of `ppm` millionths.
pub(super) fn at_least(k: u64, n: u64, ppm: u32) -> f64 {
    if k > n {
        return 0.0;
    }
    // As many as that fail where at most the others do not.
    at_most(n - k, n, WHOLE - ppm.min(WHOLE))
}

fn part(ppm: u32) -> f64 {
    f64::from(ppm) / f64::from(WHOLE)
}

/// The sum of the terms from `k` down; each is smaller than the one before where `k` is below the mean.
fn lower_tail(k: u64, n: u64, p: f64, q: f64) -> f64 {
    let (mut term, mut sum) = (1.0, 1.0);
    for i in (1..=k).rev() {
        term *= i as f64 / (n - i + 1) as f64 * (q / p);
        sum += term;
        if term < sum * 1e-18 {
            break;
        }
    }
    (one(k, n, p, q) * sum).min(1.0)
}

/// The chance of exactly `k` of `n`.
fn one(k: u64, n: u64, p: f64, q: f64) -> f64 {
    let (all, hit, miss) = (n as f64, k as f64, (n - k) as f64);
    if k == 0 {
        return (all * (-p).ln_1p()).exp();
    }
    if k == n {
        return (all * p.ln()).exp();
    }
    let exponent = stirling_rest(n)
        - stirling_rest(k)
        - stirling_rest(n - k)
        - deviance(hit, all * p)
        - deviance(miss, all * q);
    exponent.exp() * (all / (2.0 * PI * hit * miss)).sqrt()
}

/// What Stirling's formula lacks: `ln n! - ln(sqrt(2πn) (n/e)^n)`, for `n` from 1.
fn stirling_rest(n: u64) -> f64 {
    let x = n as f64;
    if n < 16 {
        let factorial: f64 = (1..=n).map(|i| i as f64).product();
        return factorial.ln() - ((x + 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln());
    }
    // The asymptotic series; its next term is below 1e-15 here.
    let y = 1.0 / (x * x);
    (1.0 / 12.0
        - y * (1.0 / 360.0
            - y * (1.0 / 1260.0 - y * (1.0 / 1680.0 - y * (1.0 / 1188.0 - y * 691.0 / 360_360.0)))))
        / x
}

/// `x ln(x/m) + m - x`, without cancellation where `x` is near `m`.
fn deviance(x: f64, m: f64) -> f64 {
    let v = (x - m) / (x + m);
    if v.abs() > 0.1 {
        return x * (x / m).ln() + m - x;
    }
    // ln(x/m) = 2 (v + v^3/3 + v^5/5 + …).
    let mut sum = (x - m) * v;
    let mut power = 2.0 * x * v;
    for i in 1..40_u32 {
        power *= v * v;
        let more = power / f64::from(2 * i + 1);
        sum += more;
        if more.abs() <= sum.abs() * 1e-18 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod known;

#[cfg(test)]
mod tests {
    use super::{known::KNOWN, *};

    #[test]
    fn known_values_are_met_to_nine_digits() {
        for &(k, n, ppm, below, above) in KNOWN {
            for (what, expected, found) in [
                ("at most", below, at_most(k, n, ppm)),
                ("at least", above, at_least(k, n, ppm)),
            ] {
                let off = (found - expected).abs();
                assert!(
                    off <= 1e-9 * expected.max(1e-300) || off < 1e-290,
                    "{what} {k} of {n} at {ppm} ppm: {found:e}, expected {expected:e}"
                );
            }
        }
    }

    #[test]
    fn the_edges_are_certain() {
        assert_eq!(at_most(5, 5, 10_000), 1.0);
        assert_eq!(at_most(0, 5, 0), 1.0);
        assert_eq!(at_most(4, 5, WHOLE), 0.0);
        assert_eq!(at_least(0, 5, 10_000), 1.0);
        assert_eq!(at_least(6, 5, 10_000), 0.0);
        assert_eq!(at_least(0, 0, 10_000), 1.0);
        assert_eq!(at_most(0, 0, u32::MAX), 1.0);
    }

    #[test]
    fn a_tail_and_its_rest_are_one() {
        for n in [1_u64, 2, 15, 16, 17, 100, 2_995] {
            for ppm in [1, 500, 10_000, 500_000, 999_999] {
                for k in (0..n).step_by((n as usize / 7).max(1)) {
                    let sum = at_most(k, n, ppm) + at_least(k + 1, n, ppm);
                    assert!((sum - 1.0).abs() < 1e-10, "{k} of {n} at {ppm}: {sum}");
                }
            }
        }
    }
}
