//! What the socket table tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use readiness_core::{
    Finding, Outcome, Reason,
    fact::{LocalSocket, PortSet, SocketFacts, Transport},
};

use super::{
    PortExposure,
    outside::{listed, shortened},
};
use crate::net::services::service;

pub(super) fn judge(settings: &PortExposure, address: IpAddr, table: &SocketFacts) -> Outcome {
    let exposed = exposed(address, table);
    let strays: Vec<(u16, &Vec<&LocalSocket>)> = exposed
        .iter()
        .filter(|(port, _)| !settings.allowed.contains(**port))
        .map(|(port, sockets)| (*port, sockets))
        .collect();
    let mut findings: Vec<Finding> = strays
        .iter()
        .map(|(port, sockets)| unexpected(settings, address, *port, sockets))
        .collect();
    let missing: Vec<u16> = settings
        .required
        .iter()
        .filter(|port| !is_listening(address, table, *port))
        .collect();
    findings.extend(missing.iter().map(|port| not_listening(address, table, *port)));
    let required = settings.required.iter();
    findings.extend(required.filter_map(|port| perhaps_listening(address, table, port)));
    findings.extend(faults(table));
    let ports = |ports: &mut dyn Iterator<Item = u16>| shortened(&ports.collect::<PortSet>().to_string());
    let summary = if !strays.is_empty() {
        let strays = ports(&mut strays.iter().map(|(port, _)| *port));
        format!("listening beyond loopback, not allowed: {strays}")
    } else if !missing.is_empty() {
        format!(
            "required and not listening: {}",
            ports(&mut missing.iter().copied())
        )
    } else if exposed.is_empty() {
        "nothing listens beyond loopback".to_owned()
    } else {
        format!(
            "listening beyond loopback: {}",
            ports(&mut exposed.keys().copied())
        )
    };
    evident(Outcome::judged(summary, findings), &exposed, table)
}

/// The TCP sockets that other machines meet at this address, by port. Loopback stands for the machine as a
/// whole: whoever looks at it asks what else can be reached.
pub(super) fn exposed(address: IpAddr, table: &SocketFacts) -> BTreeMap<u16, Vec<&LocalSocket>> {
    let mut by_port: BTreeMap<u16, Vec<&LocalSocket>> = BTreeMap::new();
    for socket in listening(table).filter(|socket| !socket.is_loopback()) {
        if address.to_canonical().is_loopback() || socket.covers(address) != Some(false) {
            by_port.entry(socket.port).or_default().push(socket);
        }
    }
    by_port
}

/// Whether a connection to this address and port meets a socket of this machine.
pub(super) fn is_listening(address: IpAddr, table: &SocketFacts, port: u16) -> bool {
    listening(table).any(|socket| socket.port == port && socket.covers(address) != Some(false))
}

pub(super) fn listening(table: &SocketFacts) -> impl Iterator<Item = &LocalSocket> {
    table
        .sockets
        .iter()
        .filter(|socket| socket.transport == Transport::Tcp)
}

/// The fault of a socket that others reach on a port that is not allowed.
pub(super) fn unexpected(
    settings: &PortExposure,
    address: IpAddr,
    port: u16,
    sockets: &[&LocalSocket],
) -> Finding {
    let usually = match service(port) {
        Some(name) => format!(" (usually {name})"),
        None => String::new(),
    };
    let (code, rule) = if settings.forbidden.contains(port) {
        ("forbidden_listening", "forbidden")
    } else {
        ("unexpected_listening", "not allowed")
    };
    let message = format!("listens on {}, and is {rule}{usually}", bound_to(sockets));
    let finding = Finding::fail(code, message)
        .subject(format!("port {port}"))
        .evidence("socket", shown(sockets))
        .remedy(
            "let the service listen on loopback (`127.0.0.1`, `::1`) or on an inner address; if it is meant to \
             be open, add it to `allowed`",
        );
    if address.is_ipv4() && sockets.iter().all(|socket| socket.covers(address).is_none()) {
        return finding.evidence(
            "IPv4",
            "a socket on `::` takes IPv4 too, unless `IPV6_V6ONLY` is set, which is not known here",
        );
    }
    finding
}

/// What sockets are bound to, for a message.
pub(super) fn bound_to(sockets: &[&LocalSocket]) -> String {
    let addresses: BTreeSet<IpAddr> = sockets.iter().map(|socket| socket.address).collect();
    let every = if addresses.iter().any(IpAddr::is_unspecified) {
        " (every address)"
    } else {
        ""
    };
    let addresses: Vec<String> = addresses.iter().map(|address| format!("`{address}`")).collect();
    format!("{}{every}", addresses.join(" and "))
}

/// Sockets as evidence tells them.
pub(super) fn shown(sockets: &[&LocalSocket]) -> String {
    let all: Vec<String> = sockets
        .iter()
        .map(|socket| format!("{socket}, user {}", socket.uid))
        .collect();
    all.join("; ")
}

/// The fault of a required port that no connection to this address would meet.
fn not_listening(address: IpAddr, table: &SocketFacts, port: u16) -> Finding {
    let elsewhere: Vec<&LocalSocket> = listening(table).filter(|socket| socket.port == port).collect();
    let finding = if elsewhere.is_empty() {
        Finding::fail("required_not_listening", "required, and nothing listens").remedy("start the service")
    } else if elsewhere.iter().all(|socket| socket.is_loopback()) {
        let message = format!(
            "required, and listens on {} alone: no other machine reaches it",
            bound_to(&elsewhere)
        );
        Finding::fail("required_loopback_only", message)
            .remedy(format!("let the service listen on `{address}` too"))
    } else {
        let message = format!(
            "required, and listens on {}, not on `{address}`",
            bound_to(&elsewhere)
        );
        Finding::fail("required_elsewhere", message)
            .remedy(format!("let the service listen on `{address}` too"))
    };
    finding.subject(format!("port {port}"))
}

/// A required port whose only sockets are on `::`, where it is not known whether they take IPv4.
fn perhaps_listening(address: IpAddr, table: &SocketFacts, port: u16) -> Option<Finding> {
    let mut sockets = listening(table)
        .filter(|socket| socket.port == port && socket.covers(address) != Some(false))
        .peekable();
    sockets.peek()?;
    sockets.all(|socket| socket.covers(address).is_none()).then(|| {
        Finding::unknown(
            "required_not_told",
            Reason::UNEXPECTED_RESPONSE,
            format!("required, and listens on `::`, which may or may not take connections to `{address}`"),
        )
        .subject(format!("port {port}"))
        .remedy("look from outside too (`mode = \"both\"`), or let the service listen on `0.0.0.0` as well")
    })
}

/// What of the table could not be read.
pub(super) fn faults(table: &SocketFacts) -> Vec<Finding> {
    let mut faults = Vec::new();
    if table.unreadable > 0 {
        let message = format!(
            "{} lines of the socket tables cannot be read: what they tell is not known",
            table.unreadable
        );
        faults.push(
            Finding::unknown("table_unreadable", Reason::UNEXPECTED_RESPONSE, message)
                .evidence("first line", &*table.first_unreadable)
                .remedy("look from outside, and look at `/proc/net` yourself"),
        );
    }
    if table.is_cut {
        faults.push(
            Finding::unknown(
                "table_cut",
                Reason::TIMEOUT,
                "the socket tables are longer than can be read: sockets may be missing",
            )
            .remedy("look when there are fewer connections, or from outside"),
        );
    }
    faults
}

pub(super) fn evident(
    outcome: Outcome,
    exposed: &BTreeMap<u16, Vec<&LocalSocket>>,
    table: &SocketFacts,
) -> Outcome {
    let beyond: PortSet = exposed.keys().copied().collect();
    let others = listening(table).map(|socket| socket.port);
    let others: PortSet = others.filter(|port| !beyond.contains(*port)).collect();
    let outcome = outcome
        .evidence("inside", "every TCP socket of this machine's network namespace")
        .evidence("listening beyond loopback", listed(&beyond))
        .evidence("listening otherwise", listed(&others));
    if table.missing.is_empty() {
        outcome
    } else {
        outcome.evidence("tables that are not there", table.missing.join(", "))
    }
}
