use readiness_core::fact::{HelloAnswer, ServerHello, TlsHello};

use super::{
    alert,
    message::{self, KeyShare},
};
use crate::tls::suite::{KeyExchange, Suite};

/// The most bytes that are read of one answer.
const MOST_BYTES: usize = 128 * 1024;

/// The most warnings that are read over.
const MOST_WARNINGS: u8 = 8;

/// The most content of one record (RFC 5246, section 6.2.1). What comes here is neither compressed nor
/// encrypted.
const MOST_CONTENT: usize = 1 << 14;

const HEADER: usize = 5;

/// The alert that is no fault: the peer says goodbye.
const CLOSE_NOTIFY: u8 = 0;

/// How a connection ended before the answer was whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The peer closed it.
    Closed,
    /// The peer reset it.
    Reset,
    /// The deadline passed.
    Silent,
}

/// An answer that is read as it comes, in pieces of any size.
#[derive(Debug)]
pub(crate) struct Reply {
    wants_flight: bool,
    /// Of a record that is not whole yet.
    record: Vec<u8>,
    /// Of a message that is not whole yet.
    handshake: Vec<u8>,
    read: usize,
    warnings: u8,
    /// What the server agreed to, as soon as it is known.
    hello: Option<ServerHello>,
}

/// What there is to say once enough was read.
enum Done {
    Answer(HelloAnswer),
    /// The flight is whole.
    Flight,
    /// Something is wrong with it.
    Wrong(Wrong),
}

enum Wrong {
    Alert(u8),
    Malformed(&'static str),
    TooLarge(String),
}

impl Reply {
    /// Nothing came yet.
    pub(crate) fn new(to: &TlsHello) -> Self {
        Self {
            wants_flight: to.whole_flight,
            record: Vec::new(),
            handshake: Vec::new(),
            read: 0,
            warnings: 0,
            hello: None,
        }
    }

    /// Takes what came; the answer once it is whole. Nothing that comes after it is looked at.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<HelloAnswer> {
        self.read = self.read.saturating_add(bytes.len());
        let mut bytes = bytes;
        loop {
            // A record is put together from its header and its content, each byte copied once.
            let wanted = match self.length() {
                Ok(wanted) => wanted,
                Err(done) => return Some(self.done(done)),
            };
            let missing = wanted.saturating_sub(self.record.len());
            let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
            self.record.extend_from_slice(taken);
            bytes = rest;
            if self.record.len() < wanted {
                break;
            }
            // Only the header was missing: now the length is known.
            if wanted == HEADER {
                match self.length() {
                    Ok(HEADER) => return Some(self.done(malformed("a record is empty"))),
                    Ok(_) => continue,
                    Err(done) => return Some(self.done(done)),
                }
            }
            if let Err(done) = self.take_record() {
                return Some(self.done(done));
            }
        }
        (self.read >= MOST_BYTES).then(|| {
            let said = format!("it sent more than {MOST_BYTES} bytes");
            self.done(Done::Wrong(Wrong::TooLarge(said)))
        })
    }

    /// The answer where the connection ended first.
    pub(crate) fn end(mut self, end: End) -> HelloAnswer {
        if let Some(hello) = self.hello.take() {
            let cut = match end {
                End::Closed => "the connection was closed",
                End::Reset => "the connection was reset",
                End::Silent => "the rest did not come in time",
            };
            return cut_off(hello, cut.to_owned());
        }
        match (end, not_tls(&self.record)) {
            // A piece of what may yet become a record is no other protocol.
            (_, Some(spoken)) if !self.record.is_empty() => not_tls_answer(spoken),
            (End::Closed, _) => HelloAnswer::Closed,
            (End::Reset, _) => HelloAnswer::Reset,
            (End::Silent, _) => HelloAnswer::Silent,
        }
    }

    /// How long the record is, as far as that is known.
    fn length(&self) -> Result<usize, Done> {
        let is_first = self.hello.is_none() && self.handshake.is_empty() && self.warnings == 0;
        if is_first && let Some(spoken) = not_tls(&self.record) {
            // With a few more bytes it can be told what it is; none may come.
            return if self.record.len() >= HEADER {
                Err(Done::Answer(not_tls_answer(spoken)))
            } else {
                Ok(HEADER)
            };
        }
        let [kind, major, _, high, low, ..] = *self.record.as_slice() else {
            return Ok(HEADER);
        };
        if !matches!(kind, 20..=23) || major != 3 {
            return Err(malformed("what follows is no TLS record"));
        }
        match usize::from(u16::from_be_bytes([high, low])) {
            0 => Err(malformed("a record is empty")),
            length if length > MOST_CONTENT => Err(malformed("a record is longer than the rules allow")),
            length => Ok(HEADER + length),
        }
    }

    fn take_record(&mut self) -> Result<(), Done> {
        let record = std::mem::take(&mut self.record);
        let content = record.get(HEADER..).unwrap_or_default();
        match record.first() {
            Some(21) => self.alert(content),
            Some(22) => {
                self.handshake.extend_from_slice(content);
                self.messages()
            }
            _ => Err(malformed("a record of a kind that does not belong there")),
        }
    }

    fn alert(&mut self, content: &[u8]) -> Result<(), Done> {
        const WARNING: u8 = 1;
        match *content {
            [WARNING, code] if code != CLOSE_NOTIFY => {
                self.warnings += 1;
                if self.warnings > MOST_WARNINGS {
                    return Err(malformed("it sends one warning after the other"));
                }
                Ok(())
            }
            [_, code] => Err(Done::Wrong(Wrong::Alert(code))),
            _ => Err(malformed("an alert is not two bytes long")),
        }
    }

    /// Takes every message that is whole.
    fn messages(&mut self) -> Result<(), Done> {
        let handshake = std::mem::take(&mut self.handshake);
        let mut rest = handshake.as_slice();
        while let [kind, a, b, c, ..] = *rest {
            let length = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
            if length > MOST_BYTES {
                let said = format!("a message of {length} bytes, over the {MOST_BYTES} that are read");
                return Err(Done::Wrong(Wrong::TooLarge(said)));
            }
            let Some(body) = rest.get(4..4 + length) else {
                break;
            };
            self.message(kind, body)?;
            rest = rest.get(4 + length..).unwrap_or_default();
        }
        // What is left of whole messages is less than one of them.
        self.handshake = match rest.len() == handshake.len() {
            true => handshake,
            false => rest.to_vec(),
        };
        Ok(())
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<(), Done> {
        let Some(hello) = &mut self.hello else {
            if kind != 2 {
                return Err(malformed("its first message is no ServerHello"));
            }
            let hello = message::server_hello(body).ok_or(malformed("its ServerHello cannot be read"))?;
            // In TLS 1.3 all that follows is encrypted.
            let is_all = hello.is_retry || hello.version > 0x0303 || !self.wants_flight;
            self.hello = Some(hello);
            return if is_all { Err(Done::Flight) } else { Ok(()) };
        };
        match kind {
            11 => {
                let chain = message::certificates(body);
                hello.chain = chain.ok_or(malformed("its Certificate cannot be read"))?;
            }
            12 => {
                let share = match Suite::of(hello.suite).map(|suite| suite.key_exchange) {
                    Some(KeyExchange::Ecdhe) => message::elliptic(body),
                    Some(KeyExchange::Dhe) => message::finite_field(body),
                    _ => None,
                };
                match share {
                    Some(KeyShare::Group(group)) => hello.group = Some(group),
                    Some(KeyShare::Prime(bits)) => hello.dh_bits = Some(bits),
                    None => {}
                }
            }
            // CertificateRequest and CertificateStatus are of no use here.
            13 | 22 => {}
            14 => return Err(Done::Flight),
            _ => return Err(malformed("a message that does not belong there")),
        }
        Ok(())
    }

    fn done(&mut self, done: Done) -> HelloAnswer {
        let hello = self.hello.take();
        match (done, hello) {
            (Done::Answer(answer), None) => answer,
            (Done::Flight, Some(hello)) => HelloAnswer::Hello(Box::new(hello)),
            (Done::Wrong(wrong), Some(hello)) => cut_off(
                hello,
                match wrong {
                    Wrong::Alert(code) => format!("it sent the alert `{}`", alert::name(code)),
                    Wrong::Malformed(said) => said.to_owned(),
                    Wrong::TooLarge(said) => said,
                },
            ),
            (Done::Wrong(Wrong::Alert(CLOSE_NOTIFY)), None) => HelloAnswer::Closed,
            (Done::Wrong(Wrong::Alert(code)), None) => HelloAnswer::Alert { code },
            (Done::Wrong(Wrong::Malformed(said)), None) => HelloAnswer::Malformed {
                message: said.to_owned(),
            },
            (Done::Wrong(Wrong::TooLarge(message)), None) => HelloAnswer::TooLarge { message },
            // It cannot be: a flight begins with a hello, and what is no TLS is told before there is one.
            (Done::Answer(_), Some(hello)) => HelloAnswer::Hello(Box::new(hello)),
            (Done::Flight, None) => HelloAnswer::Malformed {
                message: "its flight has no ServerHello".to_owned(),
            },
        }
    }
}

fn malformed(said: &'static str) -> Done {
    Done::Wrong(Wrong::Malformed(said))
}

fn cut_off(mut hello: ServerHello, why: String) -> HelloAnswer {
    hello.cut = Some(why);
    HelloAnswer::Hello(Box::new(hello))
}

fn not_tls_answer(spoken: &str) -> HelloAnswer {
    HelloAnswer::NotTls {
        message: spoken.to_owned(),
    }
}

/// What a peer speaks whose first bytes are no TLS record (RFC 8446, section 5.1).
pub(crate) fn not_tls(first: &[u8]) -> Option<&'static str> {
    match first {
        [] | [20..=24] | [20..=24, 3, ..] => None,
        [b'H', b'T', b'T', b'P', ..] => Some("it answers in plain HTTP"),
        [b'S', b'S', b'H', ..] => Some("it greets as an SSH server"),
        [b'2', b'2', b'0', b' ' | b'-', ..] => Some("it greets as a mail or FTP server, without TLS"),
        _ => Some("its first bytes are no TLS record"),
    }
}

#[cfg(test)]
mod tests {
    use super::not_tls;

    #[test]
    fn plain_text_is_told_from_tls() {
        for tls in [&b""[..], b"\x16", b"\x16\x03\x01\x02", b"\x15\x03\x03"] {
            assert_eq!(not_tls(tls), None, "{tls:?}");
        }
        for plain in [
            &b"HTTP/1.1"[..],
            b"SSH-2.0-",
            b"220 mx",
            b"\x16\x04",
            b"N",
            b"\0\0\0\0",
        ] {
            assert!(not_tls(plain).is_some(), "{plain:?}");
        }
    }
}
