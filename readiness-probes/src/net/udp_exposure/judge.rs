//! What answers over UDP tell.

use std::net::IpAddr;

use readiness_core::{
    Finding, Outcome, Reason,
    fact::{PortSet, SocketFacts, UdpAnswer, UdpFacts, UdpProtocol, UdpState},
};

use super::{UdpExposure, inside};

pub(super) fn judge(
    settings: &UdpExposure,
    address: IpAddr,
    facts: &UdpFacts,
    is_there: bool,
    table: Option<&SocketFacts>,
) -> Outcome {
    let answered = ports(facts, &[UdpState::Answered]);
    let mut findings = Vec::new();
    let strays: PortSet = answered
        .iter()
        .filter(|port| !settings.allowed.contains(*port))
        .collect();
    for port in strays.iter() {
        findings.push(unexpected(address, facts, port, table));
    }
    findings.extend(facts.answers.iter().filter_map(public_community));
    findings.extend(
        facts
            .answers
            .iter()
            .filter_map(|answer| too_long(settings, answer)),
    );
    let missing: PortSet = settings
        .required
        .iter()
        .filter(|port| !answered.contains(*port))
        .collect();
    findings.extend(missing.iter().filter_map(|port| required(facts, port)));
    findings.extend(not_asked(settings, facts));
    if let Some(table) = table {
        findings.extend(inside::beside(settings, address, facts, table));
        findings.extend(inside::faults(table));
    }
    if !is_there && answered.is_empty() {
        findings.push(
            Finding::unknown(
                "nothing_answered",
                Reason::FILTERED,
                "neither a UDP port nor the target's TCP port answers: the host is down, or a filter drops \
                 everything from here",
            )
            .remedy("look from a machine that may reach the host"),
        );
    }
    let summary = if !strays.is_empty() {
        format!("answers over UDP, not allowed: {strays}")
    } else if !missing.is_empty() {
        format!("required and not answering: {missing}")
    } else if answered.is_empty() {
        let silent = ports(facts, &[UdpState::OpenOrFiltered, UdpState::Filtered]);
        let closed = ports(facts, &[UdpState::Closed]);
        format!(
            "no UDP port answered: {} closed, {} open or filtered",
            closed.len(),
            silent.len()
        )
    } else {
        format!("answers over UDP: {answered}")
    };
    evident(Outcome::judged(summary, findings), facts)
}

/// The ports in one of these states. A port may be asked twice; the state that tells more counts.
pub(super) fn ports(facts: &UdpFacts, states: &[UdpState]) -> PortSet {
    let is_answered = |port: u16| {
        facts
            .answers
            .iter()
            .any(|answer| answer.ask.port == port && answer.state == UdpState::Answered)
    };
    facts
        .answers
        .iter()
        .filter(|answer| states.contains(&answer.state))
        .map(|answer| answer.ask.port)
        .filter(|port| states.contains(&UdpState::Answered) || !is_answered(*port))
        .collect()
}

pub(super) fn subject(port: u16) -> String {
    format!("UDP port {port}")
}

fn unexpected(address: IpAddr, facts: &UdpFacts, port: u16, table: Option<&SocketFacts>) -> Finding {
    let answers = facts
        .answers
        .iter()
        .filter(|answer| answer.ask.port == port && answer.state == UdpState::Answered);
    let mut names = Vec::new();
    let mut finding = Finding::fail("unexpected_answer", "");
    for answer in answers {
        names.push(answer.ask.protocol.to_string());
        let said = format!(
            "{} bytes in {} datagrams, for {} bytes",
            answer.answered_bytes, answer.datagrams, answer.asked_bytes
        );
        finding = finding
            .evidence(answer.ask.protocol.to_string(), said)
            .evidence("banner", answer.head.to_lossy());
    }
    finding.message = format!(
        "answers a question of {}, and is not allowed",
        names.join(" and ")
    );
    if let Some(table) = table {
        finding = finding.evidence("socket", inside::shown(address, port, table));
    }
    finding.subject(subject(port)).remedy(
        "let the service listen on loopback or an inner address, switch its UDP off, or close the port in \
         the firewall; if it is meant to answer, add it to `allowed`",
    )
}

/// The fault of an agent that answers strangers: the community is its password.
fn public_community(answer: &UdpAnswer) -> Option<Finding> {
    /// A Response PDU (RFC 3416, section 3).
    const RESPONSE: u8 = 0xa2;
    let head = answer.head.as_bytes();
    let said = head.windows(6).position(|part| part == b"public")?;
    let is_response = head.get(said + 6) == Some(&RESPONSE);
    (answer.ask.protocol == UdpProtocol::Snmp && is_response).then(|| {
        Finding::fail(
            "public_community",
            "the agent answers to the community `public`, which everybody knows",
        )
        .subject(subject(answer.ask.port))
        .remedy("take SNMPv3, or a community of your own and a list of peers")
    })
}

/// What can be turned into a flood against others.
fn too_long(settings: &UdpExposure, answer: &UdpAnswer) -> Option<Finding> {
    let most = u64::from(settings.max_amplification) * u64::from(answer.asked_bytes);
    let is_too_long = answer.state == UdpState::Answered && u64::from(answer.answered_bytes) > most;
    is_too_long.then(|| {
        let times = answer.answered_bytes / answer.asked_bytes.max(1);
        let message = format!(
            "{} answers {} bytes with {}, {times} times as much, and who forges a sender's address sends them \
             to a third",
            answer.ask.protocol, answer.asked_bytes, answer.answered_bytes
        );
        Finding::warn("amplifies", message)
            .subject(subject(answer.ask.port))
            .remedy(
                "answer known peers alone, switch the question off (`disable monitor` for NTP, `-U 0` for \
                 memcached), or limit the rate of answers; if it is meant, raise `max_amplification`",
            )
    })
}

/// The fault of a required port that did not answer.
fn required(facts: &UdpFacts, port: u16) -> Option<Finding> {
    let answer = facts.answers.iter().find(|answer| answer.ask.port == port)?;
    let protocol = answer.ask.protocol;
    let finding = match answer.state {
        UdpState::Answered => return None,
        UdpState::Closed => Finding::fail("required_closed", "required, and closed: nothing listens")
            .remedy("start the service, or let it listen on this address"),
        UdpState::Filtered => Finding::fail(
            "required_unreachable",
            "required, and the network says it cannot be reached",
        )
        .remedy("look at the routes, and at the firewall that answers for the port"),
        UdpState::OpenOrFiltered => Finding::fail(
            "required_silent",
            format!("required, and silent to {} questions of {protocol}", answer.tries),
        )
        .remedy("start the service, open the port in the firewall, or name its protocol in `protocols`"),
        _ => Finding::unknown(
            "required_not_asked",
            Reason::ERROR,
            "required, and could not be asked",
        ),
    };
    Some(finding.subject(subject(port)))
}

/// What could not be asked.
fn not_asked(settings: &UdpExposure, facts: &UdpFacts) -> Vec<Finding> {
    let others = |state| -> PortSet {
        let all = ports(facts, &[state]);
        all.iter()
            .filter(|port| !settings.required.contains(*port))
            .collect()
    };
    let (not_sent, untried) = (others(UdpState::NotSent), others(UdpState::Untried));
    let mut findings = Vec::new();
    if !not_sent.is_empty() {
        findings.push(
            Finding::unknown(
                "not_sent",
                Reason::LOCAL_FIREWALL,
                format!(
                    "{} ports were not asked: this machine does not let the questions out",
                    not_sent.len()
                ),
            )
            .evidence("ports", not_sent.to_string())
            .remedy("let them out in this machine's firewall, or look from another machine"),
        );
    }
    if !untried.is_empty() {
        findings.push(
            Finding::unknown(
                "not_covered",
                Reason::ERROR,
                format!("{} ports were not asked: this machine had no room", untried.len()),
            )
            .evidence("ports", untried.to_string())
            .remedy("raise this machine's limit of open files (`ulimit -n`), or ask fewer ports"),
        );
    }
    findings
}

fn evident(outcome: Outcome, facts: &UdpFacts) -> Outcome {
    let list = |states: &[UdpState]| {
        let ports = ports(facts, states);
        if ports.is_empty() {
            "none".to_owned()
        } else {
            ports.to_string()
        }
    };
    outcome
        .evidence("answered", list(&[UdpState::Answered]))
        .evidence("closed", list(&[UdpState::Closed]))
        .evidence(
            "open or filtered",
            list(&[UdpState::OpenOrFiltered, UdpState::Filtered]),
        )
}
