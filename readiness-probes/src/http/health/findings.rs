//! What a payload says, as findings: the whole, each component, and where they disagree.

use readiness_core::{Finding, Reason, Status};

use super::{
    HealthFormat,
    payload::{Component, Health, Verdict},
};

/// Judges a payload that came with this status code.
pub(super) fn of_health(health: &Health, status: u16) -> Vec<Finding> {
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
    let of_whole = match health.verdict {
        Verdict::Pass => None,
        Verdict::Warn => Some(
            Finding::warn("degraded", format!("the service says `{said}`"))
                .remedy("see the components that are named, and the log of the service"),
        ),
        Verdict::Fail => Some(
            Finding::fail(
                "unhealthy",
                format!("the service says `{said}`, expected that it is well"),
            )
            .remedy("see the components that are named, and the log of the service"),
        ),
        Verdict::Unknown => Some(
            Finding::unknown(
                "health_unknown",
                Reason::HTTP_HEALTH_UNKNOWN,
                format!("the service says `{said}`: it does not know whether it is well"),
            )
            .remedy("see which of its own checks does not run"),
        ),
    };
    findings.extend(of_whole);
    findings.extend(
        health
            .components
            .iter()
            .map(|component| of_component(component, health.verdict)),
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
    if health.contradicts_itself() {
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

fn of_component(component: &Component, of_whole: Verdict) -> Finding {
    let Component { name, verdict, said } = component;
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
        Some(Verdict::Fail) => Finding::fail("component_down", message).remedy(format!(
            "see whether `{name}` runs and can be reached from the service, and what the service's log says"
        )),
        // A service that is well knows best which of its parts may be unknown.
        Some(Verdict::Unknown) if of_whole == Verdict::Pass => {
            uncounted("the service counts itself well without it")
        }
        Some(Verdict::Unknown) => Finding::unknown("component_unknown", Reason::HTTP_HEALTH_UNKNOWN, message)
            .remedy(format!("see why the service cannot tell how `{name}` is")),
        None => uncounted("it was not checked"),
    };
    finding.subject(format!("component {name}"))
}
