//! What a payload says, as findings: the whole, each component, and where they disagree.

use readiness_core::{Finding, Reason, Status};

use super::{
    HealthFormat,
    payload::{Component, Health, Meaning, Verdict},
};

/// Judges a payload that came with this status code. The components that are named `optional`, and what is below
/// them, may be down.
pub(super) fn of_health(health: &Health, status: u16, optional: &[String]) -> Vec<Finding> {
    let is_optional = |name: &str| optional.iter().any(|known| is_or_below(name, known));
    let mut findings = Vec::new();
    let said = &health.said;
    if health.format == HealthFormat::MicroProfile && status == 500 {
        findings.push(
            Finding::unknown(
                "undetermined",
                Reason::HTTP_HEALTH_UNKNOWN,
                "HTTP 500, by which MicroProfile Health says that it could not find out",
            )
            .remedy("see the log of the service: a health check of its own has failed to run"),
        );
    }
    let meaning = match health.meaning {
        Some(Meaning::Custom) => ", a word of its own",
        Some(Meaning::Draining) => ": it ends, and takes no more requests",
        Some(Meaning::Maintenance) => ": it was taken out of service on purpose",
        None => "",
    };
    let of_whole = match health.verdict {
        Verdict::Pass => None,
        Verdict::Warn => Some(
            Finding::warn("degraded", format!("the service says `{said}`"))
                .remedy("see the components that are named, and the log of the service"),
        ),
        Verdict::Fail => Some(
            Finding::fail(
                "unhealthy",
                match health.meaning {
                    None => format!("the service says `{said}`, expected that it is well"),
                    Some(_) => format!("the service says `{said}`{meaning}"),
                },
            )
            .remedy(match health.meaning {
                Some(Meaning::Draining) => "wait for the instance that takes over, and look again",
                Some(Meaning::Maintenance) => "put it back into service, or wait until that is done",
                _ => "see the components that are named, and the log of the service",
            }),
        ),
        Verdict::Unknown => Some(
            Finding::unknown(
                "health_unknown",
                Reason::HTTP_HEALTH_UNKNOWN,
                match health.meaning {
                    None => format!("the service says `{said}`: it does not know whether it is well"),
                    Some(_) => format!("the service says `{said}`{meaning}, which says nothing to others"),
                },
            )
            .remedy("see which of its own checks does not run"),
        ),
    };
    findings.extend(of_whole);
    findings.extend(
        health
            .components
            .iter()
            .map(|component| of_component(component, health.verdict, is_optional(&component.name))),
    );
    findings.extend(
        health
            .deviations
            .iter()
            .map(|deviation| Finding::note("format_deviation", deviation.clone())),
    );
    if health.left_out > 0 {
        findings.push(Finding::note(
            "more_components",
            format!("{} more components are not shown", health.left_out),
        ));
    }
    let is_error = status >= 400;
    if is_error != (health.verdict == Verdict::Fail) && health.verdict != Verdict::Unknown {
        let expected = if is_error {
            "200 to 399"
        } else {
            "400 to 599, usually 503"
        };
        findings.push(
            Finding::warn(
                "status_code_mismatch",
                format!("HTTP {status} with `{said}`, expected {expected}"),
            )
            .evidence("status", status.to_string())
            .remedy("let the status code say what the body says: load balancers read the code alone"),
        );
    }
    if health.verdict == Verdict::Fail
        && health.format == HealthFormat::Kubernetes
        && is_error
        && status != 500
    {
        findings.push(Finding::note(
            "status_code_mismatch",
            format!("HTTP {status} with `{said}`, where Kubernetes' own servers answer 500"),
        ));
    }
    if health.contradicts_itself(is_optional) {
        findings.push(
            Finding::warn(
                "aggregate_mismatch",
                format!("the service says `{said}`, its components say otherwise"),
            )
            .remedy("let the worst component that matters decide, and leave out of the answer what does not"),
        );
    }
    findings
}

/// Whether a component is this one or stands below it: `broker/eu1` and `ledger:connections[1]` do.
fn is_or_below(name: &str, known: &str) -> bool {
    name.strip_prefix(known)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '[']))
}

fn of_component(component: &Component, of_whole: Verdict, is_optional: bool) -> Finding {
    let Component {
        name, verdict, said, ..
    } = component;
    let message = format!("says `{said}`");
    let uncounted = |because: &str| {
        let because = because.to_owned();
        Finding::new(
            "component_uncounted",
            Status::NotApplicable { because },
            message.clone(),
        )
    };
    let finding = match verdict {
        Some(Verdict::Pass) => Finding::note("component_up", message),
        Some(Verdict::Warn) => {
            Finding::warn("component_degraded", message).remedy(format!("see the log of `{name}`"))
        }
        Some(Verdict::Fail) if is_optional => {
            Finding::warn("optional_component_down", message).remedy(format!(
                "see whether `{name}` runs and can be reached from the service; the service may go on without"
            ))
        }
        Some(Verdict::Fail) => Finding::fail("component_down", message).remedy(format!(
            "see whether `{name}` runs and can be reached from the service, and what the service's log says"
        )),
        Some(Verdict::Unknown) if is_optional => uncounted("the service may go on without it"),
        // A service that is well knows best which of its parts may be unknown.
        Some(Verdict::Unknown) if of_whole == Verdict::Pass => {
            uncounted("the service counts itself well without it")
        }
        Some(Verdict::Unknown) => Finding::unknown("component_unknown", Reason::HTTP_HEALTH_UNKNOWN, message)
            .remedy(format!("see why the service cannot tell how `{name}` is")),
        None => uncounted("it was not checked"),
    };
    let finding = finding.subject(format!("component {name}"));
    match &component.duration {
        Some(duration) => finding.evidence("duration", duration.clone()),
        None => finding,
    }
}
