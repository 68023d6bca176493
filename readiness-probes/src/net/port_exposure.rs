use std::{fmt, net::SocketAddr};

use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{OpenPort, PortSet, PortSweep, SweepFacts},
};
use serde::Deserialize;

use super::services::{danger, service};
use crate::address::{addresses, worst_of};

readiness_core::probe! {
    /// Only the allowed ports are open.
    ///
    /// # What it checks
    /// It connects to the ports of a list on each address of the target, from this machine, and sends
    /// nothing. Open, closed (refused) and filtered (silent after every try) are kept apart. An open port
    /// that is not allowed is asked a second time, and what it says by itself (at most 256 bytes) is shown.
    ///
    /// # Why it matters
    /// A database, a cache or a management interface that strangers can reach is how many breaches began,
    /// and it is seldom opened on purpose: a default, a container's published port, a forgotten rule.
    ///
    /// # How it is judged
    /// An open port that is not allowed fails, and so does a forbidden one; if it does not accept a second
    /// time it only warns, and if the time was over before it was asked again it is unknown. A required port that is closed or filtered fails. Where no port answers at all,
    /// or where nearly all accept (a proxy that answers for everybody, a tarpit), nothing is told, and the
    /// outcome is unknown; so it is where ports were left untried. Ports outside the scope are not tried:
    /// that only the allowed ones are open is said after `scope = "all"` alone. What is filtered from here
    /// may be open from elsewhere.
    ///
    /// # How to fix
    /// Let the service listen on loopback or on an inner address, or close the port in the firewall; then
    /// look from outside again. If it is meant to be open, add it to `allowed`.
    pub struct PortExposure {
        /// The ports that may be open, as `[443, "8000-8100"]` or `"443, 8000-8100"`. Must be given.
        pub allowed: PortSet = PortSet::default(),
        /// The ports that must be open; each of them must be allowed too. Default: none.
        pub required: PortSet = PortSet::default(),
        /// The ports that must not be open, tried whatever the scope is. Default: none.
        pub forbidden: PortSet = PortSet::default(),
        /// Which ports are tried beside those above: `danger` (databases, administration and their like),
        /// `all`, or ports as in `allowed`. Default: `danger`.
        pub scope: Scope = Scope::Danger,
    }
    id: "net.port_exposure",
    title: "only the allowed ports are open",
    priority: High,
    timeout_seconds: 30,
    references: [
        "RFC 9293 section 3.10.7.1, a closed port answers with a reset" => "https://www.rfc-editor.org/rfc/rfc9293#section-3.10.7.1",
        "NIST SP 800-41 Rev. 1 section 4.1, deny by default" => "https://csrc.nist.gov/pubs/sp/800/41/r1/final",
    ],
}

/// Which ports are tried, beside those that are named otherwise.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq)]
#[non_exhaustive]
#[serde(try_from = "Text")]
pub enum Scope {
    /// Every port, 1 to 65535.
    All,
    /// Databases, queues, administration: what should not face strangers.
    #[default]
    Danger,
    /// These.
    Ports(PortSet),
}

/// A scope as it is written.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "`scope` is `danger`, `all` or ports from 1 to 65535 such as `22, 8000-8100`"
)]
enum Text {
    Word(String),
    Ports(PortSet),
}

impl TryFrom<Text> for Scope {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, Self::Error> {
        match text {
            Text::Word(word) if word == "all" => Ok(Self::All),
            Text::Word(word) if word == "danger" => Ok(Self::Danger),
            Text::Word(word) => word.parse().map(Self::Ports).map_err(|_| {
                let word: String = word.chars().take(40).collect();
                format!("`scope` is `{word}`; expected `danger`, `all` or ports such as `22, 8000-8100`")
            }),
            Text::Ports(ports) => Ok(Self::Ports(ports)),
        }
    }
}

impl PortExposure {
    /// These ports may be open.
    pub fn allowing(ports: PortSet) -> Self {
        Self {
            allowed: ports,
            ..Self::default()
        }
    }

    /// Whether the settings make sense together.
    ///
    /// # Errors
    /// Where no port is allowed, where a port is both allowed and forbidden, and where one is required
    /// and not allowed. The ports are named.
    pub fn check(&self) -> Result<(), String> {
        if self.allowed.is_empty() {
            return Err(
                "`allowed` is missing or empty; write the ports that may be open, such as `allowed = [443]`"
                    .to_owned(),
            );
        }
        let both = self.allowed.intersection(&self.forbidden);
        if !both.is_empty() {
            return Err(format!(
                "port {both} stands in `allowed` and in `forbidden`; remove it from one of them"
            ));
        }
        let missing: PortSet = self
            .required
            .iter()
            .filter(|port| !self.allowed.contains(*port))
            .collect();
        if !missing.is_empty() {
            return Err(format!(
                "port {missing} stands in `required` and not in `allowed`; add it to `allowed`"
            ));
        }
        Ok(())
    }

    /// The ports that are tried and were not named as allowed.
    fn rest(&self) -> PortSet {
        let scope = match &self.scope {
            Scope::All => PortSet::all(),
            Scope::Danger => danger(),
            Scope::Ports(ports) => ports.clone(),
        };
        let all = scope.union(&self.forbidden);
        all.iter().filter(|port| !self.allowed.contains(*port)).collect()
    }
}

#[async_trait]
impl Probe for PortExposure {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        self.check()
            .map_err(|problem| ProbeError::unknown(Reason::ERROR, problem))?;
        let found = addresses(cx).await?;
        let sweeps = found.reachable.iter().map(|&address| async move {
            let key = PortSweep::new(address, self.allowed.clone(), self.rest());
            let facts = cx.observe(key).await?;
            let address = SocketAddr::new(address, cx.target().port());
            Ok((address, judge(self, &facts)))
        });
        let outcomes: Result<Vec<_>, ProbeError> = join_all(sweeps).await.into_iter().collect();
        Ok(found.noted_in(worst_of(outcomes?)))
    }
}

fn judge(settings: &PortExposure, facts: &SweepFacts) -> Outcome {
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
        if count.untried > 0 {
            findings.push(
                Finding::unknown(
                    "not_covered",
                    Reason::TIMEOUT,
                    format!(
                        "{} of {} ports were not tried to the end",
                        count.untried,
                        count.asked()
                    ),
                )
                .evidence("ports", facts.untried.to_string())
                .remedy(
                    "narrow `scope`, look from nearer, or raise this machine's limit of open files \
                     (`ulimit -n`)",
                ),
            );
        }
        let summary = summary(settings, facts, &count, faults, findings.len() - faults);
        Outcome::judged(summary, findings)
    });
    evident(outcome, settings, facts, &count)
}

/// Where the sweep tells nothing of the ports.
fn inconclusive(settings: &PortExposure, facts: &SweepFacts, count: &Counts) -> Option<Outcome> {
    /// As many as this may be open among a few; of many, a twentieth.
    const MOST_OPEN: usize = 50;
    /// Of fewer, all may be open without a device in between.
    const FEWEST_FOR_ALL: usize = 20;
    let asked = count.asked();
    if count.untried == asked {
        return Some(Outcome::unknown(
            Reason::TIMEOUT,
            format!("none of {asked} ports could be tried from here"),
        ));
    }
    if count.open + count.closed == 0 {
        let (reason, what) = if count.filtered == 0 && count.unreachable > 0 {
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
            format!("none of {} tried ports answered: {what}", asked - count.untried),
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
    let tried = asked - count.untried;
    if surprising > MOST_OPEN.max(tried / 20) || (surprising == surprised && surprising >= FEWEST_FOR_ALL) {
        let finding = Finding::unknown(
            "all_open",
            Reason::UNEXPECTED_RESPONSE,
            format!(
                "{} of {tried} tried ports accept, more than any host has services: something answers for all",
                count.open
            ),
        )
        .evidence("open", facts.open.iter().map(|open| open.port).collect::<PortSet>().to_string())
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
            count.untried,
            count.asked()
        );
    }
    if settings.scope == Scope::All {
        format!("only these are open: {open}")
    } else {
        format!("open: {open}; of {} ports tried", count.asked())
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    match text.char_indices().nth(MOST) {
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
        .evidence(
            "open",
            if open.is_empty() {
                "none".to_owned()
            } else {
                open.to_string()
            },
        )
        .evidence("others", count.to_string());
    if facts.self_connects > 0 {
        outcome.evidence(
            "connections to themselves",
            format!("{}, counted as closed", facts.self_connects),
        )
    } else {
        outcome
    }
}

struct Counts {
    open: usize,
    closed: usize,
    filtered: usize,
    unreachable: usize,
    untried: usize,
}

impl Counts {
    fn of(facts: &SweepFacts) -> Self {
        Self {
            open: facts.open.len(),
            closed: facts.closed.len(),
            filtered: facts.filtered.len(),
            unreachable: facts.unreachable.len(),
            untried: facts.untried.len(),
        }
    }

    fn asked(&self) -> usize {
        self.open + self.closed + self.filtered + self.unreachable + self.untried
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
        Ok(())
    }
}

#[cfg(test)]
#[path = "port_exposure_tests.rs"]
mod tests;
