//! What the tables under `/proc/net` do not tell, and sock_diag(7) does: whether a socket on `::` leaves
//! IPv4 alone.

use std::net::{IpAddr, Ipv6Addr};

use readiness_core::fact::{LocalSocket, Transport};

/// A socket on `::` that waits for peers, and whether it leaves IPv4 alone.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Wildcard {
    pub(super) port: u16,
    pub(super) ipv6_only: bool,
}

/// Puts what is known into the sockets of a table. Where several share a port, one that takes IPv4 is
/// enough.
pub(super) fn complete(sockets: &mut [LocalSocket], transport: Transport, known: &[Wildcard]) {
    let on_all = |socket: &&mut LocalSocket| {
        socket.transport == transport && socket.address == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
    };
    for socket in sockets.iter_mut().filter(on_all) {
        let of_port = known.iter().filter(|wildcard| wildcard.port == socket.port);
        socket.ipv6_only = of_port
            .map(|wildcard| wildcard.ipv6_only)
            .reduce(|all, one| all && one);
    }
}

/// How a piece of an answer ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Ends {
    /// It was the last one.
    Done,
    /// The kernel refuses, or says what cannot be read.
    Failed,
    More,
}

const HEADER_BYTES: usize = 16;
/// `struct inet_diag_msg` of linux/inet_diag.h.
const MESSAGE_BYTES: usize = 72;

/// The question for all sockets of IPv6 that wait: `struct nlmsghdr`, then `struct inet_diag_req_v2`.
pub(super) fn question(transport: Transport) -> Vec<u8> {
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    const REQUEST_AND_DUMP: u16 = 0x301;
    const AF_INET6: u8 = 10;
    const ID_BYTES: usize = 48;
    // `TCP_LISTEN` is 10; UDP sockets without a peer are in `TCP_CLOSE`, 7.
    let (protocol, state) = match transport {
        Transport::Tcp => (6, 10),
        Transport::Udp => (17, 7),
    };
    let mut body = vec![AF_INET6, protocol, 0, 0];
    body.extend((1_u32 << state).to_ne_bytes());
    body.resize(body.len() + ID_BYTES, 0);
    let length = u32::try_from(HEADER_BYTES + body.len()).unwrap_or(0);
    let mut message = length.to_ne_bytes().to_vec();
    message.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    message.extend(REQUEST_AND_DUMP.to_ne_bytes());
    message.extend([0; 8]);
    message.extend(body);
    message
}

/// Reads one piece of an answer.
pub(super) fn read(mut piece: &[u8], found: &mut Vec<Wildcard>) -> Ends {
    const DONE: u16 = 3;
    const ERROR: u16 = 2;
    while !piece.is_empty() {
        let (Some(length), Some(kind)) = (number(piece, 0), half(piece, 4)) else {
            return Ends::Failed;
        };
        let length = length as usize;
        match kind {
            DONE => return Ends::Done,
            ERROR => return Ends::Failed,
            _ => {}
        }
        let Some(message) = piece.get(HEADER_BYTES..length) else {
            return Ends::Failed;
        };
        match wildcard(message) {
            Ok(one) => found.extend(one),
            Err(Malformed) => return Ends::Failed,
        }
        piece = piece.get(aligned(length)..).unwrap_or_default();
    }
    Ends::More
}

struct Malformed;

/// The socket of a message, if it is bound to `::` and says what it does with IPv4.
fn wildcard(message: &[u8]) -> Result<Option<Wildcard>, Malformed> {
    const SKV6ONLY: u16 = 11;
    let fixed = message.get(..MESSAGE_BYTES).ok_or(Malformed)?;
    // Family, state, timer, retransmissions; then both ports and both addresses, as they are sent.
    let port: [u8; 2] = fixed
        .get(4..6)
        .and_then(|port| port.try_into().ok())
        .ok_or(Malformed)?;
    let is_on_all = fixed
        .get(8..24)
        .is_some_and(|address| address.iter().all(|byte| *byte == 0));
    let mut attributes = message.get(MESSAGE_BYTES..).unwrap_or_default();
    while !attributes.is_empty() {
        let (Some(length), Some(kind)) = (half(attributes, 0), half(attributes, 2)) else {
            return Err(Malformed);
        };
        let length = usize::from(length);
        let value = attributes.get(4..length).ok_or(Malformed)?;
        if let (SKV6ONLY, true, Some(only)) = (kind, is_on_all, value.first()) {
            return Ok(Some(Wildcard {
                port: u16::from_be_bytes(port),
                ipv6_only: *only != 0,
            }));
        }
        attributes = attributes.get(aligned(length)..).unwrap_or_default();
    }
    Ok(None)
}

/// Netlink aligns to 4 bytes, netlink(3).
fn aligned(length: usize) -> usize {
    length.div_ceil(4) * 4
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Asks the kernel. Where it does not answer (a sandbox, a kernel without the module) nothing is known.
pub(super) fn ask(transport: Transport) -> Vec<Wildcard> {
    ask_kernel(transport).unwrap_or_default()
}

fn ask_kernel(transport: Transport) -> std::io::Result<Vec<Wildcard>> {
    use std::{io::Read, time::Duration};

    use socket2::{Domain, Protocol, Socket, Type};
    const AF_NETLINK: i32 = 16;
    const NETLINK_SOCK_DIAG: i32 = 4;
    /// The kernel answers at once, or not at all.
    const PATIENCE: Duration = Duration::from_millis(500);
    /// Of up to 32 KiB each: more sockets than there are ports.
    const MOST_PIECES: usize = 256;
    let protocol = Protocol::from(NETLINK_SOCK_DIAG);
    let mut socket = Socket::new(Domain::from(AF_NETLINK), Type::DGRAM, Some(protocol))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&question(transport))?;
    let (mut found, mut piece) = (Vec::new(), vec![0; 64 * 1024]);
    for _ in 0..MOST_PIECES {
        let length = socket.read(&mut piece)?;
        match read(piece.get(..length).unwrap_or_default(), &mut found) {
            Ends::Done => return Ok(found),
            Ends::Failed => break,
            Ends::More => {}
        }
    }
    // Half an answer is none: a socket that is missing might be the one that takes IPv4.
    Ok(Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of the kernel's: a socket, and the value of an attribute of each kind.
    fn message(port: u16, last_byte: u8, attributes: &[(u16, u8)]) -> Vec<u8> {
        let mut body = vec![10, 10, 0, 0];
        body.extend(port.to_be_bytes());
        body.resize(23, 0);
        body.push(last_byte);
        body.resize(MESSAGE_BYTES, 0);
        for (kind, value) in attributes {
            body.extend(5_u16.to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend([*value, 0, 0, 0]);
        }
        whole(20, &body)
    }

    fn whole(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut message = u32::try_from(HEADER_BYTES + body.len())
            .unwrap()
            .to_ne_bytes()
            .to_vec();
        message.extend(kind.to_ne_bytes());
        message.resize(HEADER_BYTES, 0);
        message.extend(body);
        message
    }

    fn told(piece: &[u8]) -> (Ends, Vec<(u16, bool)>) {
        let mut found = Vec::new();
        let ends = read(piece, &mut found);
        (ends, found.iter().map(|one| (one.port, one.ipv6_only)).collect())
    }

    #[test]
    fn sockets_on_every_address_tell_what_they_do_with_ipv4() {
        let piece = [
            message(443, 0, &[(8, 0), (11, 0)]),
            message(22, 0, &[(11, 1)]),
            // On `::1`, and one that does not say.
            message(53, 1, &[(11, 1)]),
            message(80, 0, &[(8, 1)]),
        ]
        .concat();
        assert_eq!(told(&piece), (Ends::More, vec![(443, false), (22, true)]));
        let piece = [piece, whole(3, &[0; 4])].concat();
        assert_eq!(told(&piece).0, Ends::Done);
        assert_eq!(told(&whole(2, &[0; 20])).0, Ends::Failed);
        assert_eq!(told(&[]), (Ends::More, vec![]));
    }

    #[test]
    fn no_bytes_break_it() {
        let good = message(443, 0, &[(8, 0), (11, 1)]);
        for length in 0..good.len() {
            let (ends, found) = told(&good[..length]);
            let expected = if length == 0 { Ends::More } else { Ends::Failed };
            assert_eq!((ends, found.len()), (expected, 0), "{length} bytes");
        }
        // Each byte at its extremes: an end is reached.
        for at in 0..good.len() {
            for value in [0, 1, 3, 0xff] {
                let mut wrong = good.clone();
                wrong[at] = value;
                let (_, found) = told(&wrong);
                assert!(found.len() <= 1, "byte {at} as {value}");
            }
        }
        // A length of nothing does not go round in circles.
        assert_eq!(told(&[0; 64]).0, Ends::Failed);
    }

    #[test]
    fn one_socket_that_takes_ipv4_is_enough() {
        let mut sockets: Vec<LocalSocket> = ["[::]:443", "[::]:22", "[::1]:443", "0.0.0.0:443", "[::]:80"]
            .iter()
            .map(|at| LocalSocket::new(Transport::Tcp, at.parse().unwrap()))
            .collect();
        sockets.push(LocalSocket::new(Transport::Udp, "[::]:443".parse().unwrap()));
        let known =
            [(443, true), (443, false), (22, true)].map(|(port, ipv6_only)| Wildcard { port, ipv6_only });
        complete(&mut sockets, Transport::Tcp, &known);
        let only: Vec<Option<bool>> = sockets.iter().map(|socket| socket.ipv6_only).collect();
        assert_eq!(only, [Some(false), Some(true), None, None, None, None]);
    }

    #[test]
    fn the_kernel_never_tells_the_opposite() {
        use socket2::{Domain, Socket, Type};
        for ipv6_only in [true, false] {
            let Ok(socket) = Socket::new(Domain::IPV6, Type::STREAM, None) else {
                continue; // no IPv6 here
            };
            socket.set_only_v6(ipv6_only).unwrap();
            let any: std::net::SocketAddr = (Ipv6Addr::UNSPECIFIED, 0).into();
            socket.bind(&any.into()).unwrap();
            socket.listen(1).unwrap();
            let port = socket.local_addr().unwrap().as_socket().unwrap().port();
            let told = ask(Transport::Tcp);
            // Some sandboxes have no sock_diag.
            let ours = told.iter().find(|one| one.port == port);
            assert_ne!(ours.map(|one| one.ipv6_only), Some(!ipv6_only));
        }
    }
}
