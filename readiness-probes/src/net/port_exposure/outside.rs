//! What a sweep tells.

use std::fmt;

use readiness_core::{
    Finding, Outcome, Reason,
    fact::{OpenPort, PortSet, SweepFacts},
};

use super::{PortExposure, Scope};
use crate::net::services::service;

pub(super) fn judge(settings: &PortExposure, facts: &SweepFacts) -> Outcome {
    let count = Counts::of(facts);
    let outcome = inconclusive(settings, facts, &count).unwrap_or_else(|| {
        let mut findings: Vec<Finding> = facts
            .open
            .iter()
            .filter(|open| !settings.allowed.contains(open.port))
            .map(|open| unexpected(settings, open))
            .collect();
        let faults = findings.len();
        findings.extend(settings.required.iter().filter_map(|port| missing(port, facts)));
        findings.extend(not_covered(facts, &count));
        findings.extend(not_let_out(facts, &count));
        let summary = summary(settings, facts, &count, faults, findings.len() - faults);
        Outcome::judged(summary, findings)
    });
    evident(outcome, settings, facts, &count)
}

fn not_covered(facts: &SweepFacts, count: &Counts) -> Option<Finding> {
    let left = facts.untried.union(&facts.without_route);
    let message = format!(
        "{} of {} ports were not tried to the end",
        left.len(),
        count.asked()
    );
    (!left.is_empty()).then(|| {
        Finding::unknown("not_covered", Reason::TIMEOUT, message)
            .evidence("ports", listed(&left))
            .evidence("coverage", count.coverage())
            .remedy(
                "raise `deadline_seconds`, narrow `scope`, look from nearer, or raise this machine's limit of \
                 open files (`ulimit -n`)",
            )
    })
}

/// What this machine's own rules keep from being asked.
fn not_let_out(facts: &SweepFacts, count: &Counts) -> Option<Finding> {
    let message = format!(
        "{} of {} ports were not asked: this machine's own firewall does not let connections out to them",
        count.own_firewall,
        count.asked()
    );
    (count.own_firewall > 0).then(|| {
        Finding::unknown("own_firewall", Reason::LOCAL_FIREWALL, message)
            .evidence("ports", listed(&facts.own_firewall))
            .remedy("let the connections out in this machine's firewall, or look from another machine")
    })
}

/// Where the sweep tells nothing of the ports.
fn inconclusive(settings: &PortExposure, facts: &SweepFacts, count: &Counts) -> Option<Outcome> {
    /// As many as this may be open among a few; of many, a twentieth.
    const MOST_OPEN: usize = 50;
    /// Of fewer, all may be open without a device in between.
    const FEWEST_FOR_ALL: usize = 20;
    let asked = count.asked();
    if count.tried() == 0 {
        let summary = format!("none of {asked} ports could be tried from here");
        let finding = not_let_out(facts, count).or_else(|| not_covered(facts, count));
        let reason = if count.own_firewall > 0 {
            Reason::LOCAL_FIREWALL
        } else {
            Reason::TIMEOUT
        };
        let outcome = Outcome::unknown(reason, summary);
        return Some(finding.into_iter().fold(outcome, Outcome::finding));
    }
    if count.open + count.closed == 0 {
        let (reason, what) = if count.filtered == 0 {
            (Reason::TCP_UNREACHABLE, "the host cannot be reached")
        } else {
            (
                Reason::FILTERED,
                "the host is down, or a filter drops everything from here",
            )
        };
        let finding = Finding::unknown(
            "nothing_answered",
            reason.clone(),
            format!("none of {} tried ports answered: {what}", count.tried()),
        )
        .remedy("look from a machine that may reach the host, and add a port to `allowed` that answers");
        return Some(Outcome::unknown(reason, "no port answered: nothing is told").finding(finding));
    }
    let surprising = facts
        .open
        .iter()
        .filter(|open| !settings.allowed.contains(open.port))
        .count();
    let surprised = surprising + others(settings, &facts.closed) + others(settings, &facts.filtered);
    let tried = count.tried();
    if surprising > MOST_OPEN.max(tried / 20) || (surprising == surprised && surprising >= FEWEST_FOR_ALL) {
        let finding = Finding::unknown(
            "all_open",
            Reason::UNEXPECTED_RESPONSE,
            format!(
                "{} of {tried} tried ports accept, more than any host has services: something answers for all",
                count.open
            ),
        )
        .evidence("open", listed(&facts.open.iter().map(|open| open.port).collect()))
        .remedy(
            "look past what stands before the host (a CDN, a SYN proxy, a tarpit): sweep the origin's own \
             address",
        );
        let summary = "nearly every port accepts: nothing is told";
        return Some(Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary).finding(finding));
    }
    None
}

fn others(settings: &PortExposure, ports: &PortSet) -> usize {
    ports
        .iter()
        .filter(|port| !settings.allowed.contains(*port))
        .count()
}

/// The fault of an open port that is not allowed.
fn unexpected(settings: &PortExposure, open: &OpenPort) -> Finding {
    let usually = match service(open.port) {
        Some(name) => format!(" (usually {name})"),
        None => String::new(),
    };
    let (code, rule) = if settings.forbidden.contains(open.port) {
        ("forbidden_open", "forbidden")
    } else {
        ("unexpected_open", "not allowed")
    };
    let finding = match open.confirmed {
        Some(true) => Finding::fail(code, format!("open, and {rule}{usually}"))
            .evidence("confirmed", "a second connection was accepted too"),
        Some(false) => Finding::warn(
            code,
            format!("{rule}{usually}; accepted once, and not a second time"),
        )
        .evidence("confirmed", "a second connection was not accepted"),
        // The time was over first. That it is harmless was not seen.
        None => Finding::unknown(
            code,
            Reason::TIMEOUT,
            format!("{rule}{usually}; accepted once, and was not asked again"),
        )
        .evidence("confirmed", "no second connection was tried"),
    };
    let finding = if open.reset {
        finding.evidence("reset", "it accepts, and resets the connection at once")
    } else {
        finding
    };
    let finding = if open.banner.is_empty() {
        finding
    } else {
        finding.evidence("banner", open.banner.to_lossy())
    };
    finding.subject(format!("port {}", open.port)).remedy(
        "let the service listen on loopback or an inner address, or close the port in the firewall; if it \
         is meant to be open, add it to `allowed`",
    )
}

/// The fault of a required port that is not open.
fn missing(port: u16, facts: &SweepFacts) -> Option<Finding> {
    let finding = if facts.open.iter().any(|open| open.port == port) {
        return None;
    } else if facts.closed.contains(port) {
        Finding::fail(
            "required_closed",
            "required, and closed: the connection is refused",
        )
        .remedy("start the service, or let it listen on this address")
    } else if facts.filtered.contains(port) {
        Finding::fail("required_filtered", "required, and filtered: no try was answered")
            .remedy("open the port in the firewall or security group for this machine")
    } else if facts.unreachable.contains(port) {
        Finding::fail(
            "required_unreachable",
            "required, and the network says it cannot be reached",
        )
        .remedy("look at the routes, and at the firewall that answers for the port")
    } else if facts.own_firewall.contains(port) {
        Finding::unknown(
            "required_untried",
            Reason::LOCAL_FIREWALL,
            "required, and not asked: this machine's own firewall does not let the connection out",
        )
    } else {
        Finding::unknown(
            "required_untried",
            Reason::TIMEOUT,
            "required, and not tried to the end",
        )
    };
    Some(finding.subject(format!("port {port}")))
}

fn summary(
    settings: &PortExposure,
    facts: &SweepFacts,
    count: &Counts,
    faults: usize,
    others: usize,
) -> String {
    let ports = |set: PortSet| shortened(&set.to_string());
    let strays = facts.open.iter().map(|open| open.port);
    let strays: PortSet = strays.filter(|port| !settings.allowed.contains(*port)).collect();
    if faults > 0 {
        return format!("open and not allowed: {}", ports(strays));
    }
    let not_open: PortSet = settings
        .required
        .iter()
        .filter(|port| !facts.open.iter().any(|open| open.port == *port))
        .collect();
    if !not_open.is_empty() {
        return format!("required and not open: {}", ports(not_open));
    }
    let open: PortSet = facts.open.iter().map(|open| open.port).collect();
    let open = if open.is_empty() {
        "none".to_owned()
    } else {
        ports(open)
    };
    if others > 0 {
        return format!(
            "open: {open}; {} of {} ports untried",
            count.asked() - count.tried(),
            count.asked()
        );
    }
    if settings.scope == Scope::All {
        format!("only these are open: {open}")
    } else {
        format!("open: {open}; of {} ports tried", count.asked())
    }
}

/// Ports as a summary names them.
pub(super) fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    cut(text, MOST)
}

/// Ports as evidence lists them.
pub(super) fn listed(ports: &PortSet) -> String {
    const MOST: usize = 400;
    if ports.is_empty() {
        "none".to_owned()
    } else {
        cut(&ports.to_string(), MOST)
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn evident(outcome: Outcome, settings: &PortExposure, facts: &SweepFacts, count: &Counts) -> Outcome {
    let open: PortSet = facts.open.iter().map(|open| open.port).collect();
    let scope = match &settings.scope {
        Scope::All => "every port from 1 to 65535".to_owned(),
        _ => format!("{} ports; ports outside the list were not tried", count.asked()),
    };
    let outcome = outcome
        .evidence("scope", scope)
        .evidence("open", listed(&open))
        .evidence("others", count.to_string())
        .evidence("coverage", count.coverage());
    if facts.self_connects > 0 {
        outcome.evidence(
            "connections to themselves",
            format!("{}, counted as closed", facts.self_connects),
        )
    } else {
        outcome
    }
}

pub(super) struct Counts {
    open: usize,
    closed: usize,
    filtered: usize,
    unreachable: usize,
    untried: usize,
    own_firewall: usize,
    without_route: usize,
}

impl Counts {
    pub(super) fn of(facts: &SweepFacts) -> Self {
        Self {
            open: facts.open.len(),
            closed: facts.closed.len(),
            filtered: facts.filtered.len(),
            unreachable: facts.unreachable.len(),
            untried: facts.untried.len(),
            own_firewall: facts.own_firewall.len(),
            without_route: facts.without_route.len(),
        }
    }

    pub(super) fn asked(&self) -> usize {
        self.tried() + self.untried + self.own_firewall + self.without_route
    }

    /// How many the peer or the network said something of, or did not although it was asked.
    fn tried(&self) -> usize {
        self.open + self.closed + self.filtered + self.unreachable
    }

    fn coverage(&self) -> String {
        let (tried, asked) = (self.tried(), self.asked());
        // Rounded down: all is said of all alone.
        let basis_points = tried * 10_000 / asked.max(1);
        format!(
            "{}.{:02} % ({tried} of {asked} ports)",
            basis_points / 100,
            basis_points % 100
        )
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} closed, {} filtered", self.closed, self.filtered)?;
        if self.unreachable > 0 {
            write!(f, ", {} unreachable", self.unreachable)?;
        }
        if self.untried > 0 {
            write!(f, ", {} untried", self.untried)?;
        }
        if self.own_firewall > 0 {
            write!(f, ", {} not let out by this machine", self.own_firewall)?;
        }
        if self.without_route > 0 {
            write!(f, ", {} without a route", self.without_route)?;
        }
        Ok(())
    }
}
