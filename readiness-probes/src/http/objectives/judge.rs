//! From counts to a verdict.

use readiness_core::{Finding, Measure, Outcome, Reason, Unit};

use super::{
    Objectives,
    binomial::WHOLE,
    confidence::{Failures, Verdict, bounds, decide},
    load::{LoadFacts, StatusCount},
    wanted::{percent, time},
};

/// Statuses that say nothing of how well a service serves: it turned this client away.
const TURNED_AWAY: [u16; 4] = [401, 403, 407, 429];

pub(super) fn judge(settings: &Objectives, facts: &LoadFacts) -> Outcome {
    let counts = Counts::of(settings, facts);
    if counts.all == 0 {
        return Outcome::unknown(Reason::TOO_FEW_SAMPLES, "no request was measured");
    }
    let mut findings: Vec<Finding> = questions(settings, facts, &counts)
        .iter()
        .filter_map(|question| question.finding(&counts))
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

/// One objective, as a share of requests that may fail it.
struct Question {
    code: &'static str,
    subject: String,
    /// What a request does that fails it: `failed`.
    did: String,
    allowed_ppm: u32,
    failures: Failures,
    remedy: &'static str,
}

fn questions(settings: &Objectives, facts: &LoadFacts, counts: &Counts) -> Vec<Question> {
    let mut all = vec![Question {
        code: "error_rate",
        subject: "error rate".to_owned(),
        did: "failed".to_owned(),
        allowed_ppm: settings.error_rate.ppm(),
        failures: counts.failures(counts.failed, counts.failed.saturating_add(counts.unclear())),
        remedy: "see the statuses and the first error, and the service's log of that time",
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
            remedy: "see what the slow requests wait for, or measure from nearer if it is the way there",
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
            remedy: "see which resource is used up at this rate: processors, connections, a database",
        });
    }
    all
}

impl Question {
    fn finding(&self, counts: &Counts) -> Option<Finding> {
        let Failures { fewest, most, of } = self.failures;
        let (lower, upper) = bounds(self.failures);
        let (allowed, did) = (percent(self.allowed_ppm), &self.did);
        let finding = match decide(self.failures, self.allowed_ppm) {
            Verdict::Holds => return None,
            Verdict::Broken => Finding::fail(
                self.code,
                format!(
                    "expected at most {allowed} of requests that {did}, and {fewest} of {of} did: with 95 % \
                     confidence it is {} or more",
                    percent(lower)
                ),
            ),
            Verdict::Open {
                if_none_fails,
                at_this_rate,
            } => {
                let seen = if fewest == most {
                    most.to_string()
                } else {
                    format!("{fewest} to {most}")
                };
                let unclear = counts.turned_away > 0 && fewest < most;
                let reason = if unclear {
                    Reason::UNEXPECTED_RESPONSE
                } else {
                    Reason::TOO_FEW_SAMPLES
                };
                let needed = needed(if_none_fails, at_this_rate);
                Finding::unknown(
                    self.code,
                    reason,
                    format!(
                        "{seen} of {of} requests {did}, which is {} to {} with 95 % confidence on each side and \
                         does not tell whether it is at most {allowed}; {needed}",
                        percent(lower),
                        percent(upper)
                    ),
                )
                .remedy("raise `requests`, and `max_seconds` and the requirement's `timeout_seconds` with it")
            }
        };
        let finding = finding.subject(self.subject.as_str());
        Some(if finding.remedy.is_empty() {
            finding.remedy(self.remedy)
        } else {
            finding
        })
    }
}

fn needed(if_none_fails: Option<u64>, at_this_rate: Option<u64>) -> String {
    let Some(fewest) = if_none_fails else {
        return "no affordable number of requests would tell".to_owned();
    };
    match at_this_rate {
        Some(more) if more == fewest => format!("it needs {fewest} more"),
        Some(more) => {
            format!("it needs at least {fewest} more if none of them does, and some {more} at this rate")
        }
        None => format!(
            "it needs at least {fewest} more if none of them does, and at this rate no number is enough"
        ),
    }
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
        .measure(shown("error rate", basis_points, Unit::BasisPoints));
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

fn shown(name: impl Into<String>, value: u64, unit: Unit) -> Measure {
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
