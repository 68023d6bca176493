//! What the two views tell together.

use std::net::IpAddr;

use readiness_core::{
    Finding, ObserveError, Outcome,
    fact::{SocketFacts, SweepFacts},
};

use super::{
    PortExposure,
    inside::{self, bound_to, exposed, is_listening, shown},
    outside,
};

pub(super) fn judge(
    settings: &PortExposure,
    address: IpAddr,
    sweep: &SweepFacts,
    table: &SocketFacts,
) -> Outcome {
    let from_outside = outside::judge(settings, sweep);
    let outer_summary = from_outside.summary.clone();
    let is_fine_outside = from_outside.status.is_pass();
    let mut outer_evidence = from_outside.evidence.clone();
    let mut findings: Vec<Finding> = from_outside
        .findings
        .into_iter()
        .map(|finding| with_socket(finding, address, table))
        .collect();
    findings.extend(not_ours(settings, address, sweep, table));

    let from_inside = inside::judge(settings, address, table);
    let is_open = |port: u16| sweep.open.iter().any(|open| open.port == port);
    let is_seen = |port: u16| is_open(port) || is_kept_away(sweep, port);
    let exposed = exposed(address, table);
    let mut is_fine_inside = true;
    for finding in from_inside.findings {
        let port = port_of(&finding);
        let sockets = port.and_then(|port| exposed.get(&port));
        let finding = match (port, sockets) {
            // Said from outside, with its socket.
            (Some(port), _) if finding.code.starts_with("required_") && is_seen(port) => continue,
            (Some(port), Some(_)) if is_open(port) => continue,
            (Some(port), Some(sockets)) if is_kept_away(sweep, port) => {
                let rule = if settings.forbidden.contains(port) {
                    "forbidden"
                } else {
                    "not allowed"
                };
                let message = format!(
                    "listens on {}, and is {rule}; {}: the firewall alone keeps it from peers",
                    bound_to(sockets),
                    met(sweep, port)
                );
                Finding::warn("listening_filtered", message)
                    .subject(format!("port {port}"))
                    .evidence("socket", shown(sockets))
                    .remedy("let the service listen on loopback or an inner address, or stop it")
            }
            _ => finding,
        };
        is_fine_inside &= finding.is_note();
        findings.push(finding);
    }
    // Allowed, listening, and not reached: nobody demands it, and somebody may look for it.
    let silenced = exposed.iter().filter(|(port, _)| {
        settings.allowed.contains(**port)
            && !settings.required.contains(**port)
            && is_kept_away(sweep, **port)
    });
    findings.extend(silenced.map(|(port, sockets)| {
        let message = format!(
            "allowed, and listens on {}; {}",
            bound_to(sockets),
            met(sweep, *port)
        );
        Finding::note("allowed_filtered", message).subject(format!("port {port}"))
    }));
    let summary = if is_fine_outside && !is_fine_inside {
        from_inside.summary
    } else {
        outer_summary
    };
    let mut outcome = Outcome::judged(summary, findings);
    outcome.evidence.append(&mut outer_evidence);
    outcome.evidence.extend(from_inside.evidence);
    outcome.evidence(
        "way",
        "from this machine to itself, over loopback: rules for other interfaces were not met",
    )
}

/// The view from outside where the other one could not be taken.
pub(super) fn without_inside(outside: Outcome, error: &ObserveError) -> Outcome {
    outside.finding(
        Finding::unknown(
            "inside_not_seen",
            error.reason.clone(),
            format!("the view from inside could not be taken: {}", error.message),
        )
        .remedy("take `mode = \"outside\"`, or run where the socket table can be read"),
    )
}

/// A finding about one port, with the socket behind it.
fn with_socket(finding: Finding, address: IpAddr, table: &SocketFacts) -> Finding {
    let is_meant = matches!(
        finding.code.as_str(),
        "forbidden_open"
            | "required_closed"
            | "required_filtered"
            | "required_unreachable"
            | "unexpected_open"
    );
    let Some(port) = port_of(&finding).filter(|_| is_meant) else {
        return finding;
    };
    // Of a port that is missing those elsewhere tell why.
    let is_missing = finding.code.starts_with("required_");
    let here: Vec<_> = inside::listening(table)
        .filter(|socket| socket.port == port && (is_missing || socket.covers(address) != Some(false)))
        .collect();
    let socket = if here.is_empty() {
        "none of this network namespace".to_owned()
    } else {
        shown(&here)
    };
    finding.evidence("socket", socket)
}

/// The open ports that nobody of this network namespace listens on. Allowed ones are a note: a published
/// port of a container is made like this.
fn not_ours(
    settings: &PortExposure,
    address: IpAddr,
    sweep: &SweepFacts,
    table: &SocketFacts,
) -> Vec<Finding> {
    let open = sweep.open.iter().map(|open| open.port);
    open.filter(|port| settings.allowed.contains(*port) && !is_listening(address, table, *port))
        .map(|port| {
            Finding::note(
                "open_not_ours",
                "open, and no socket of this network namespace listens: a redirection, a container's published \
                 port or another namespace answers",
            )
            .subject(format!("port {port}"))
        })
        .collect()
}

/// Whether connections to the port were kept from it.
fn is_kept_away(sweep: &SweepFacts, port: u16) -> bool {
    sweep.filtered.contains(port) || sweep.closed.contains(port) || sweep.unreachable.contains(port)
}

fn met(sweep: &SweepFacts, port: u16) -> &'static str {
    if sweep.filtered.contains(port) {
        "filtered"
    } else if sweep.closed.contains(port) {
        "refused"
    } else {
        "said to be unreachable"
    }
}

/// The port that a finding is about.
fn port_of(finding: &Finding) -> Option<u16> {
    finding.subject.strip_prefix("port ")?.parse().ok()
}
