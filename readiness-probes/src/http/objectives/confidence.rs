//! What a number of failures says of the rate behind it.

use super::binomial::{WHOLE, at_least, at_most};

/// The chance of a wrong verdict that is accepted: one-sided, 5 %.
const ERROR: f64 = 0.05;
/// More samples than this are not foretold.
const MOST_SAMPLES: u64 = 100_000_000;

/// How many failed, as far as that is known: what cannot be told apart counts in `most` and not in `fewest`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Failures {
    pub(super) fewest: u64,
    pub(super) most: u64,
    pub(super) of: u64,
}

impl Failures {
    pub(super) fn new(fewest: u64, most: u64, of: u64) -> Self {
        let most = most.min(of);
        Self {
            fewest: fewest.min(most),
            most,
            of,
        }
    }
}

/// Whether the true rate is within an objective.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Verdict {
    /// The one-sided 95 % upper bound of the rate is within the objective.
    Holds,
    /// The one-sided 95 % lower bound of the rate is over the objective.
    Broken,
    /// The samples are too few to tell.
    Open {
        /// How many more would do if none of them failed.
        if_none_fails: Option<u64>,
        /// How many more would do if they failed as often as until now.
        at_this_rate: Option<u64>,
    },
}

/// Decides by the bounds of Clopper and Pearson. The upper bound is within the objective exactly where so few
/// failures have a chance of at most 5 % at the objective itself, so no bound needs to be computed.
pub(super) fn decide(failures: Failures, objective_ppm: u32) -> Verdict {
    let Failures { fewest, most, of } = failures;
    if of > 0 && holds(most, of, objective_ppm) {
        Verdict::Holds
    } else if of > 0 && breaks(fewest, of, objective_ppm) {
        Verdict::Broken
    } else {
        Verdict::Open {
            if_none_fails: more(of, |all| holds(most, all, objective_ppm)),
            at_this_rate: at_this_rate(failures, objective_ppm),
        }
    }
}

/// The one-sided 95 % bounds of the rate, in millionths, rounded outwards.
pub(super) fn bounds(failures: Failures) -> (u32, u32) {
    let Failures { fewest, most, of } = failures;
    if of == 0 {
        return (0, WHOLE);
    }
    let lower = first(0, WHOLE, |ppm| !breaks(fewest, of, ppm)).saturating_sub(1);
    let upper = first(0, WHOLE, |ppm| most < of && holds(most, of, ppm));
    (lower, upper)
}

fn holds(k: u64, n: u64, ppm: u32) -> bool {
    at_most(k, n, ppm) <= ERROR
}

fn breaks(k: u64, n: u64, ppm: u32) -> bool {
    at_least(k, n, ppm) < ERROR
}

/// How many more are needed if they fail as often; `None` where the rate is the objective itself.
fn at_this_rate(failures: Failures, ppm: u32) -> Option<u64> {
    let Failures { fewest, most, of } = failures;
    if of == 0 {
        return None;
    }
    let scaled = |k: u64, all: u64| u128::from(k) * u128::from(all);
    let objective = u128::from(ppm) * u128::from(of);
    let whole = u128::from(WHOLE);
    let so_many = |k: u128| u64::try_from(k).unwrap_or(u64::MAX);
    if u128::from(most) * whole < objective {
        more(of, |all| {
            holds(so_many(scaled(most, all).div_ceil(u128::from(of))), all, ppm)
        })
    } else if u128::from(fewest) * whole > objective {
        more(of, |all| {
            breaks(so_many(scaled(fewest, all) / u128::from(of)), all, ppm)
        })
    } else {
        None
    }
}

/// How many more than `known` are enough. Whole numbers of failures make the answer uneven by a few.
fn more(known: u64, enough: impl Fn(u64) -> bool) -> Option<u64> {
    let mut step = 1;
    while !enough(known + step) {
        step *= 2;
        if step > MOST_SAMPLES {
            return None;
        }
    }
    Some(first(step / 2, step, |more| enough(known + more)))
}

/// The first number for which it is true, between one where it is not and one where it is.
fn first<N>(mut below: N, mut at: N, is_true: impl Fn(N) -> bool) -> N
where
    N: Copy + Into<u64> + TryFrom<u64>,
{
    while at.into() - below.into() > 1 {
        let Ok(middle) = N::try_from(below.into() + (at.into() - below.into()) / 2) else {
            return at;
        };
        if is_true(middle) {
            at = middle;
        } else {
            below = middle;
        }
    }
    at
}

#[cfg(test)]
mod tests;
