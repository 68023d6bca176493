//! The lines of `/proc/net/{tcp,tcp6,udp,udp6}`, see proc_net_tcp.txt of the kernel's documentation.

use std::{
    io::{self, BufRead, Read as _},
    net::{IpAddr, SocketAddr},
};

use readiness_core::fact::{LocalSocket, SocketFacts, Transport};

/// A line is 150 bytes, or 180 of IPv6.
const MOST_LINE_BYTES: u64 = 1_024;
/// Connections stand in the tables too, behind the sockets that listen.
const MOST_LINES: u32 = 2_000_000;
/// More sockets than any machine has ports for.
const MOST_SOCKETS: usize = 200_000;

/// Reads tables one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    facts: SocketFacts,
    lines: u32,
}

impl Reader {
    /// Reads one table while this says that there is time.
    pub(super) fn read(
        &mut self,
        transport: Transport,
        mut table: impl BufRead,
        has_time: impl Fn() -> bool,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        let mut is_head = true;
        loop {
            line.clear();
            let read = (&mut table).take(MOST_LINE_BYTES).read_until(b'\n', &mut line)?;
            if read == 0 {
                return Ok(());
            }
            if std::mem::take(&mut is_head) && line.trim_ascii_start().starts_with(b"sl ") {
                continue;
            }
            self.lines += 1;
            let is_over = self.lines > MOST_LINES || self.facts.sockets.len() >= MOST_SOCKETS;
            if is_over || (self.lines % 1_024 == 0 && !has_time()) {
                self.facts.is_cut = true;
                return Ok(());
            }
            match socket(transport, &line) {
                Ok(Some(socket)) => self.facts.sockets.push(socket),
                Ok(None) => {}
                Err(Unreadable) => self.note(&line),
            }
        }
    }

    fn note(&mut self, line: &[u8]) {
        /// Enough to recognise it.
        const MOST_SHOWN: usize = 80;
        if self.facts.unreadable == 0 {
            let shown = line.trim_ascii();
            let shown = shown.get(..MOST_SHOWN).unwrap_or(shown);
            self.facts.first_unreadable = String::from_utf8_lossy(shown).into_owned();
        }
        self.facts.unreadable = self.facts.unreadable.saturating_add(1);
    }

    pub(super) fn facts(mut self) -> SocketFacts {
        self.facts.sockets.sort_unstable();
        self.facts.sockets.dedup();
        self.facts
    }
}

#[derive(Debug, Eq, PartialEq)]
struct Unreadable;

/// The socket of a line, if it waits for peers.
fn socket(transport: Transport, line: &[u8]) -> Result<Option<LocalSocket>, Unreadable> {
    /// `TCP_LISTEN` and `TCP_CLOSE` of the kernel's `tcp_states.h`; the latter is what UDP sockets without a
    /// peer have.
    const LISTEN: &str = "0A";
    const CLOSE: &str = "07";
    let line = std::str::from_utf8(line).map_err(|_| Unreadable)?;
    // sl, local_address, rem_address, st, tx_queue:rx_queue, tr:tm->when, retrnsmt, uid, …
    let mut fields = line.split_ascii_whitespace();
    let (Some(number), Some(local), Some(remote), Some(state)) =
        (fields.next(), fields.next(), fields.next(), fields.next())
    else {
        return Err(Unreadable);
    };
    let is_numbered = number.strip_suffix(':').is_some_and(|n| n.parse::<u64>().is_ok());
    let (local, remote) = (address(local)?, address(remote)?);
    let uid = fields.nth(3).and_then(|uid| uid.parse().ok()).ok_or(Unreadable)?;
    if !is_numbered || state.len() != 2 {
        return Err(Unreadable);
    }
    let waits = match transport {
        Transport::Tcp => state == LISTEN,
        Transport::Udp => state == CLOSE && remote.port() == 0 && remote.ip().to_canonical().is_unspecified(),
    };
    // A UDP socket that was never bound has no port.
    if !waits || local.port() == 0 {
        return Ok(None);
    }
    let mut socket = LocalSocket::new(transport, local);
    socket.uid = uid;
    Ok(Some(socket))
}

/// `0100007F:0035`: the address as words of 32 bits in this machine's order of bytes, the port as a number.
fn address(text: &str) -> Result<SocketAddr, Unreadable> {
    let (address, port) = text.split_once(':').ok_or(Unreadable)?;
    let is_hex = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if port.len() != 4 || !is_hex(port) || !is_hex(address) {
        return Err(Unreadable);
    }
    let port = u16::from_str_radix(port, 16).map_err(|_| Unreadable)?;
    let word = |at: usize| {
        let text = address.get(at * 8..(at + 1) * 8).ok_or(Unreadable)?;
        u32::from_str_radix(text, 16)
            .map(u32::to_ne_bytes)
            .map_err(|_| Unreadable)
    };
    let ip = match address.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let mut bytes = [0; 16];
            for (at, chunk) in bytes.chunks_exact_mut(4).enumerate() {
                chunk.copy_from_slice(&word(at)?);
            }
            IpAddr::from(bytes)
        }
        _ => return Err(Unreadable),
    };
    Ok(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests;
