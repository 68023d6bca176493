//! From two pages to a verdict.

use readiness_core::{Finding, ObserveError, Outcome, Reason, Unit, fact::Exchange};

use super::{
    super::{
        confidence::{Failures, Verdict, bounds, decide},
        judge::shown,
        objectives::Objectives,
        question::{Question, burn_rate, needed},
        wanted::{LatencyObjective, percent, time},
    },
    HistogramUnit,
};
use crate::http::{
    metrics::{Over, Trouble, Window},
    syntax::excerpt,
};

/// What to do where too little was counted.
const MORE: &str =
    "look while there is traffic, or raise `metrics.after_ms`; `from = \"load\"` sends requests itself";

pub(super) fn judge(
    settings: &Objectives,
    first: &Exchange,
    second: Result<&Exchange, &ObserveError>,
) -> Outcome {
    let of = &settings.metrics;
    let window = match Window::between(first, second) {
        Ok(window) => window,
        Err(trouble) => return Outcome::judged(trouble.message.clone(), vec![finding_of(&trouble)]),
    };
    let mut findings = Vec::new();
    let mut outcome = Outcome::pass("");
    let mut parts = Vec::new();
    let counter = of.counter();
    let requests = window
        .has(&counter)
        .and_then(|()| window.rise(&counter, &[&of.labels]));
    let errors = || {
        window
            .has_labels(&counter, &of.labels, &of.errors)
            .and_then(|()| window.rise(&counter, &[&of.labels, &of.errors]))
    };
    let seconds = of.window().as_secs();
    match (of.errors.is_empty(), requests) {
        // Without a selector of errors the histogram alone counts.
        (true, Err(_)) => {}
        (true, Ok(all)) => parts.push(format!("{all} requests in {seconds} s")),
        (false, Err(trouble)) => findings.push(finding_of(&trouble).subject("error rate")),
        (false, Ok(all)) => match errors() {
            Err(trouble) => findings.push(finding_of(&trouble).subject("error rate")),
            Ok(failed) => {
                parts.push(format!("{all} requests in {seconds} s, {failed} failed"));
                let failures = Failures::new(failed, failed, all);
                findings.extend(of_errors(settings, failures));
                let (_, upper) = bounds(failures);
                let basis_points = failed.saturating_mul(10_000) / all.max(1);
                outcome = outcome
                    .evidence(
                        "error rate with 95 % confidence",
                        format!("at most {}", percent(upper)),
                    )
                    .measure(shown("error rate", basis_points, Unit::BasisPoints))
                    .measure(burn_rate(failed, all, settings.error_rate.ppm()));
            }
        },
    }
    for objective in &settings.latency {
        match window.over(&of.histogram, &of.labels, of.unit.of_us(objective.limit_us())) {
            Err(trouble) => findings.push(finding_of(&trouble).subject(objective.name())),
            Ok(over) => {
                if parts.is_empty() {
                    parts.push(format!("{} requests in {seconds} s", over.of));
                }
                findings.extend(of_latency(*objective, over, of.unit));
                outcome = outcome.evidence(
                    format!("{objective}"),
                    format!(
                        "{} of {} over {}, {} over {}",
                        over.most,
                        over.of,
                        edge(over.below.unwrap_or(0.0), of.unit),
                        over.fewest,
                        edge(over.above, of.unit)
                    ),
                );
            }
        }
    }
    let faults = findings.iter().filter(|finding| !finding.is_note()).count();
    if faults == 0 {
        parts.push("all objectives hold".to_owned());
    } else {
        parts.push(format!(
            "{faults} of {} objectives not proven",
            settings.latency.len() + usize::from(!of.errors.is_empty())
        ));
    }
    let mut judged = Outcome::judged(parts.join(", "), findings).evidence(
        "counted by",
        format!(
            "`{}` of two scrapes {seconds} s apart",
            excerpt(counter.as_bytes())
        ),
    );
    judged.evidence.append(&mut outcome.evidence);
    judged.measures.append(&mut outcome.measures);
    judged
}

fn finding_of(trouble: &Trouble) -> Finding {
    Finding::unknown("not_counted", trouble.reason.clone(), trouble.message.clone()).remedy(trouble.remedy)
}

fn of_errors(settings: &Objectives, failures: Failures) -> Option<Finding> {
    let allowed_ppm = settings.error_rate.ppm();
    if failures.of == 0 {
        return Some(no_request(failures, allowed_ppm).subject("error rate"));
    }
    let question = Question {
        code: "error_rate",
        subject: "error rate".to_owned(),
        did: "failed".to_owned(),
        allowed_ppm,
        failures,
        is_unclear: false,
        remedy: "see which of them failed, and the service's log of that time",
        more: MORE,
    };
    question.finding()
}

fn no_request(failures: Failures, allowed_ppm: u32) -> Finding {
    let needed = match decide(failures, allowed_ppm) {
        Verdict::Open {
            if_none_fails: Some(fewest),
            ..
        } => format!("it needs at least {fewest}"),
        Verdict::Open {
            if_none_fails,
            at_this_rate,
        } => needed(if_none_fails, at_this_rate),
        Verdict::Holds | Verdict::Broken => String::new(),
    };
    let message = format!("no request was counted between the two scrapes; {needed}");
    Finding::unknown("no_requests", Reason::TOO_FEW_SAMPLES, message).remedy(MORE)
}

fn of_latency(objective: LatencyObjective, over: Over, unit: HistogramUnit) -> Option<Finding> {
    let limit = objective.limit_us();
    let allowed_ppm = objective.over_ppm();
    let failures = Failures::new(over.fewest, over.most, over.of);
    if over.of == 0 {
        return Some(no_request(failures, allowed_ppm).subject(objective.name()));
    }
    // What an edge at the limit would have shown lies in between: if either end decides, the edge is what lacks.
    let is_open = |failed: u64| {
        let verdict = decide(Failures::new(failed, failed, over.of), allowed_ppm);
        matches!(verdict, Verdict::Open { .. })
    };
    let lacks_edge = over.fewest < over.most
        && matches!(decide(failures, allowed_ppm), Verdict::Open { .. })
        && !(is_open(over.fewest) && is_open(over.most));
    if lacks_edge {
        let between = over.most - over.fewest;
        let place = match over.below {
            Some(below) => format!("between {} and {}", edge(below, unit), edge(over.above, unit)),
            None => format!("up to {}", edge(over.above, unit)),
        };
        let message = format!(
            "no bucket ends at {}, and {between} of {} requests lie {place}, which decide whether it is at most {}",
            time(limit),
            over.of,
            percent(allowed_ppm)
        );
        let remedy = format!(
            "add a bucket boundary at `{}` to the histogram, or set the limit to a boundary it has",
            unit.of_us(limit)
        );
        return Some(
            Finding::unknown("bucket_edge", Reason::TOO_FEW_SAMPLES, message)
                .subject(objective.name())
                .remedy(remedy),
        );
    }
    let question = Question {
        code: "latency",
        subject: objective.name(),
        did: format!("took longer than {}", time(limit)),
        allowed_ppm,
        failures,
        is_unclear: false,
        remedy: "see what the slow requests wait for",
        more: MORE,
    };
    question.finding()
}

/// An edge of a bucket as people read it.
fn edge(edge: f64, unit: HistogramUnit) -> String {
    if edge.is_infinite() {
        return "any time".to_owned();
    }
    let us = (edge / unit.per_second() * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float ends at the bounds of the number"
    )]
    time(us as u64)
}

#[cfg(test)]
mod tests;
