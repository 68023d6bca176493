//! From counts to a verdict.

use readiness_core::{Finding, Measure, Outcome, Reason, Unit};

use super::{
    Objectives,
    binomial::WHOLE,
    confidence::{Failures, bounds},
    load::{LoadFacts, StatusCount},
    question::{Question, burn_rate},
    wanted::{percent, time},
};

/// What to do where a load was too small.
const MORE: &str = "raise `requests`, and `max_seconds` and the requirement's `timeout_seconds` with it";

/// Statuses that say nothing of how well a service serves: it turned this client away.
const TURNED_AWAY: [u16; 4] = [401, 403, 407, 429];

pub(super) fn judge(settings: &Objectives, facts: &LoadFacts) -> Outcome {
    let counts = Counts::of(settings, facts);
    if counts.all == 0 {
        return Outcome::unknown(Reason::TOO_FEW_SAMPLES, "no request was measured");
    }
    let mut findings: Vec<Finding> = questions(settings, facts, &counts)
        .iter()
        .filter_map(Question::finding)
        .collect();
    if counts.turned_away > 0 {
        let is_limited = facts.statuses.iter().any(|of| of.status == 429);
        let remedy = if is_limited {
            "lower `rate_per_second`, or let the limiter know this client"
        } else {
            "give the target a credential, or list the status in `expect_status` if it is right"
        };
        findings.push(
            Finding::note(
                "turned_away",
                format!(
                    "{} of {} answers turn this client away, and count for nothing",
                    counts.turned_away, counts.all
                ),
            )
            .evidence("statuses", statuses(&facts.statuses))
            .remedy(remedy),
        );
    }
    if counts.held_back > 0 {
        let message = format!(
            "{} of {} requests were not sent, as {} others had no answer yet",
            counts.held_back, counts.all, settings.in_flight
        );
        findings.push(Finding::note("held_back", message));
    }
    let outcome = Outcome::judged(summary(facts, &counts), findings);
    with_evidence(outcome, settings, facts, &counts)
}

/// What became of the measured requests.
struct Counts {
    all: u64,
    turned_away: u64,
    held_back: u64,
    /// Wrong answers, and none.
    failed: u64,
    /// Without any answer.
    unanswered: u64,
    /// Right answers that came while requests still began.
    in_window: u64,
}

impl Counts {
    fn of(settings: &Objectives, facts: &LoadFacts) -> Self {
        let sum = |is: &dyn Fn(&&StatusCount) -> bool, count: fn(&StatusCount) -> u64| {
            let of = facts.statuses.iter().filter(is);
            of.fold(0, |sum: u64, of| sum.saturating_add(count(of)))
        };
        let is_right = |of: &&StatusCount| settings.expect_status.contains(of.status);
        let is_away = |of: &&StatusCount| !is_right(of) && TURNED_AWAY.contains(&of.status);
        let wrong = sum(&|of| !is_right(of) && !is_away(of), |of| of.count);
        let unanswered = facts.timed_out.saturating_add(facts.broken);
        Self {
            all: facts.meant(),
            turned_away: sum(&is_away, |of| of.count),
            held_back: facts.held_back,
            failed: wrong.saturating_add(unanswered),
            unanswered,
            in_window: sum(&is_right, |of| of.in_window),
        }
    }

    /// Those that nobody can tell from failures.
    fn unclear(&self) -> u64 {
        self.turned_away.saturating_add(self.held_back)
    }

    fn failures(&self, fewest: u64, most: u64) -> Failures {
        Failures::new(fewest, most, self.all)
    }
}

fn questions(settings: &Objectives, facts: &LoadFacts, counts: &Counts) -> Vec<Question> {
    let mut all = vec![Question {
        code: "error_rate",
        subject: "error rate".to_owned(),
        did: "failed".to_owned(),
        allowed_ppm: settings.error_rate.ppm(),
        failures: counts.failures(counts.failed, counts.failed.saturating_add(counts.unclear())),
        is_unclear: counts.turned_away > 0,
        remedy: "see the statuses and the first error, and the service's log of that time",
        more: MORE,
    }];
    all.extend(settings.latency.iter().map(|objective| {
        let limit = objective.limit_us();
        // What this machine may itself have added makes nobody slow, and nobody fast.
        let (surely, _) = facts.slower_than(limit.saturating_add(facts.own_delay_us));
        let (_, maybe) = facts.slower_than(limit);
        let fewest = surely.saturating_sub(counts.turned_away);
        let most = maybe.saturating_add(counts.unclear());
        Question {
            code: "latency",
            subject: objective.name(),
            did: format!("took longer than {} or got no answer", time(limit)),
            allowed_ppm: objective.over_ppm(),
            failures: counts.failures(
                fewest.saturating_add(counts.unanswered),
                most.saturating_add(counts.unanswered),
            ),
            is_unclear: counts.turned_away > 0,
            remedy: "see what the slow requests wait for, or measure from nearer if it is the way there",
            more: MORE,
        }
    }));
    if settings.min_per_second > 0 {
        let missing = counts.all.saturating_sub(counts.in_window);
        all.push(Question {
            code: "throughput",
            subject: "throughput".to_owned(),
            did: format!(
                "failed or came behind at {} requests in a second",
                settings.rate_per_second
            ),
            allowed_ppm: settings.may_miss_ppm(),
            failures: counts.failures(missing.saturating_sub(counts.unclear()), missing),
            is_unclear: counts.turned_away > 0,
            remedy: "see which resource is used up at this rate: processors, connections, a database",
            more: MORE,
        });
    }
    all
}

fn summary(facts: &LoadFacts, counts: &Counts) -> String {
    let latency = match facts.quantile_us(990_000) {
        Some(us) => format!("p99 {}", time(us)),
        None => "p99 without an answer".to_owned(),
    };
    format!("{} requests, {} failed, {latency}", counts.all, counts.failed)
}

fn with_evidence(outcome: Outcome, settings: &Objectives, facts: &LoadFacts, counts: &Counts) -> Outcome {
    let (_, upper) = bounds(counts.failures(counts.failed, counts.failed.saturating_add(counts.unclear())));
    let basis_points = counts.failed.saturating_mul(10_000) / counts.all.max(1);
    let mut outcome = outcome
        .evidence(
            "load",
            format!(
                "{} requests at {} a second, {} before them not measured, {} not begun",
                counts.all, settings.rate_per_second, facts.warm_up, facts.not_begun
            ),
        )
        .evidence("statuses", statuses(&facts.statuses))
        .evidence(
            "without an answer",
            format!("{} timed out, {} broke", facts.timed_out, facts.broken),
        )
        .evidence(
            "error rate with 95 % confidence",
            format!("at most {}", percent(upper)),
        )
        .evidence("delay of this machine", time(facts.own_delay_us))
        .measure(shown("error rate", basis_points, Unit::BasisPoints))
        .measure(burn_rate(counts.failed, counts.all, settings.error_rate.ppm()));
    if let Some(error) = &facts.first_error {
        outcome = outcome.evidence("first error", error.message.clone());
    }
    let mut quantiles = vec![(500_000, "p50".to_owned()), (990_000, "p99".to_owned())];
    for objective in &settings.latency {
        if quantiles.iter().all(|(ppm, _)| *ppm != objective.within().ppm()) {
            quantiles.push((WHOLE - objective.over_ppm(), objective.name()));
        }
    }
    for (ppm, name) in quantiles {
        if let Some(us) = facts.quantile_us(ppm) {
            outcome = outcome.measure(shown(format!("latency {name}"), us, Unit::Microseconds));
        }
    }
    outcome
}

pub(super) fn shown(name: impl Into<String>, value: u64, unit: Unit) -> Measure {
    Measure::new(name, i64::try_from(value).unwrap_or(i64::MAX), unit)
}

/// `200: 298, 503: 2`.
pub(crate) fn statuses(counts: &[StatusCount]) -> String {
    if counts.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = counts
        .iter()
        .take(20)
        .map(|of| format!("{}: {}", of.status, of.count))
        .collect();
    all.join(", ")
}
