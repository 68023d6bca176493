//! What the socket table tells of UDP.

use std::net::IpAddr;

use readiness_core::{
    Finding, ObserveError, Outcome, Reason,
    fact::{LocalSocket, PortSet, SocketFacts, Transport, UdpFacts, UdpState},
};

use super::{
    UdpExposure,
    judge::{ports, subject},
};
use crate::{address, net::inside_view::Inside};

/// The outcome of this view alone.
pub(super) fn judge(settings: &UdpExposure, address: IpAddr, table: &SocketFacts) -> Outcome {
    let strays = strays(settings, address, table);
    let missing: PortSet = settings
        .required
        .iter()
        .filter(|port| of_port(address, *port, table).is_empty())
        .collect();
    let mut findings: Vec<Finding> = strays.iter().map(|port| bound(address, port, table)).collect();
    findings.extend(missing.iter().map(|port| {
        Finding::fail(
            "required_not_bound",
            "required, and no socket waits on this address",
        )
        .subject(subject(port))
        .remedy("start the service, or let it listen on this address")
    }));
    findings.extend(faults(table));
    let all: PortSet = beyond_loopback(address, table)
        .map(|socket| socket.port)
        .collect();
    let asked: PortSet = settings.asks().iter().map(|ask| ask.port).collect();
    let known = all.intersection(&asked);
    let summary = if !strays.is_empty() {
        format!("UDP sockets beyond loopback, not allowed: {strays}")
    } else if !missing.is_empty() {
        format!("required and without a UDP socket: {missing}")
    } else if known.is_empty() {
        format!("no UDP socket beyond loopback on {} ports", asked.len())
    } else {
        format!("UDP sockets beyond loopback: {known}")
    };
    Outcome::judged(summary, findings)
        .evidence("inside", "every UDP socket of this machine's network namespace")
        .evidence(
            "not judged",
            format!(
                "{} sockets on other ports: a client's look the same as a service's",
                all.len() - known.len()
            ),
        )
}

/// The outcome where this view was the only one, and could not be taken.
pub(super) fn not_seen(address: IpAddr, inside: Option<&Inside>) -> Outcome {
    match inside {
        Some(Inside::Failed(error)) => address::not_seen(error),
        _ => Outcome::not_applicable(format!(
            "the view from inside is of this machine, and {address} is no address of it"
        )),
    }
}

pub(super) fn failed(error: &ObserveError) -> Finding {
    Finding::unknown(
        "inside_not_seen",
        error.reason.clone(),
        format!("the view from inside could not be taken: {}", error.message),
    )
    .remedy("take `mode = \"outside\"`, or run where the socket table can be read")
}

/// What this view adds to the answers: sockets behind ports that did not answer.
pub(super) fn beside(
    settings: &UdpExposure,
    address: IpAddr,
    facts: &UdpFacts,
    table: &SocketFacts,
) -> Vec<Finding> {
    let answered = ports(facts, &[UdpState::Answered]);
    let strays = strays(settings, address, table);
    let silent = strays.iter().filter(|port| !answered.contains(*port));
    silent.map(|port| bound(address, port, table)).collect()
}

pub(super) fn faults(table: &SocketFacts) -> Vec<Finding> {
    let is_whole = table.unreadable == 0 && !table.is_cut;
    let fault = || {
        Finding::unknown(
            "table_unreadable",
            Reason::UNEXPECTED_RESPONSE,
            format!(
                "the socket tables could not be read whole ({} lines make no sense)",
                table.unreadable
            ),
        )
        .evidence("first line", &*table.first_unreadable)
        .remedy("look from outside, and look at `/proc/net` yourself")
    };
    (!is_whole).then(fault).into_iter().collect()
}

/// The sockets behind a port, for evidence.
pub(super) fn shown(address: IpAddr, port: u16, table: &SocketFacts) -> String {
    let all: Vec<String> = of_port(address, port, table)
        .iter()
        .map(|socket| format!("{socket}, user {}", socket.uid))
        .collect();
    if all.is_empty() {
        "none of this network namespace".to_owned()
    } else {
        all.join("; ")
    }
}

/// The ports that are asked, are not allowed, and have a socket that others reach.
fn strays(settings: &UdpExposure, address: IpAddr, table: &SocketFacts) -> PortSet {
    let asked: PortSet = settings.asks().iter().map(|ask| ask.port).collect();
    beyond_loopback(address, table)
        .map(|socket| socket.port)
        .filter(|port| asked.contains(*port) && !settings.allowed.contains(*port))
        .collect()
}

/// The sockets that other machines meet at this address; loopback stands for the machine as a whole.
fn beyond_loopback(address: IpAddr, table: &SocketFacts) -> impl Iterator<Item = &LocalSocket> {
    let is_whole_machine = address.to_canonical().is_loopback();
    let udp = table
        .sockets
        .iter()
        .filter(|socket| socket.transport == Transport::Udp);
    udp.filter(move |socket| {
        !socket.is_loopback() && (is_whole_machine || socket.covers(address) != Some(false))
    })
}

fn of_port(address: IpAddr, port: u16, table: &SocketFacts) -> Vec<&LocalSocket> {
    table
        .sockets
        .iter()
        .filter(|socket| socket.transport == Transport::Udp && socket.port == port)
        .filter(|socket| socket.covers(address) != Some(false))
        .collect()
}

fn bound(address: IpAddr, port: u16, table: &SocketFacts) -> Finding {
    let sockets: Vec<String> = beyond_loopback(address, table)
        .filter(|socket| socket.port == port)
        .map(|socket| format!("`{}`", socket.address))
        .collect();
    Finding::fail(
        "unexpected_socket",
        format!(
            "a socket waits on {}, and the port is not allowed",
            sockets.join(" and ")
        ),
    )
    .subject(subject(port))
    .evidence("socket", shown(address, port, table))
    .remedy(
        "let the service listen on loopback or an inner address, or switch its UDP off; if it is meant to \
         answer, add it to `allowed`",
    )
}
