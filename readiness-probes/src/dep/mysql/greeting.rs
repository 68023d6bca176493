//! The packets of a MySQL server before somebody is logged in.

use super::super::spoken::words;

/// The first packet of a server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Said {
    Error(Refusal),
    Greeting(Greeting),
    OldProtocol(u8),
}

/// `Protocol::HandshakeV10`, as far as it matters here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Greeting {
    /// `MySQL` or `MariaDB`.
    pub(super) product: &'static str,
    pub(super) version: String,
    /// Whether it turns to TLS when asked.
    pub(super) tls: bool,
    /// How an account proves itself by default; empty where the server does not tell.
    pub(super) plugin: String,
}

/// An error as the server told it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Refusal {
    pub(super) number: u16,
    pub(super) message: String,
}

/// The answer of a server to a log-in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum ServerSaid {
    Error(Refusal),
    Ok,
    /// The account proves itself in another way, or in more steps.
    WantsProof,
}

/// The most characters of one text that are kept.
const MOST_CHARACTERS: usize = 200;

impl Said {
    /// `None` for what is no first packet of a server.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let payload = payload(packet)?;
        match payload.split_first()? {
            (10, rest) => Greeting::read(rest).map(Self::Greeting),
            (0xff, rest) => Refusal::read(rest).map(Self::Error),
            // The one before, until MySQL 3.20: a text of a version follows it too.
            (9, rest) => text(rest).map(|_| Self::OldProtocol(9)),
            _ => None,
        }
    }
}

impl Greeting {
    fn read(rest: &[u8]) -> Option<Self> {
        let (version, rest) = text(rest)?;
        if !version.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        // The connection's number (4), the first part of the challenge (8), a zero.
        let rest = rest.get(13..)?;
        let (&[low, high], rest) = rest.split_first_chunk()?;
        let low = u16::from_le_bytes([low, high]);
        let mut greeting = Self {
            tls: low & 0x0800 != 0,
            ..Self::named(version)
        };
        // All that follows came later, and may be missing: character set (1), status (2), the greater half of
        // the capabilities (2), the length of the challenge (1), ten bytes reserved.
        if let Some((&[_, _, _, c, d, length], rest)) = rest.split_first_chunk() {
            let has_plugin = u16::from_le_bytes([c, d]) & 0x0008 != 0;
            let challenge = usize::from(length).saturating_sub(8).max(13);
            if let Some(name) = rest.get(10 + challenge..).filter(|_| has_plugin) {
                // Some servers leave the zero at its end out.
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                greeting.plugin = words(name, MOST_CHARACTERS);
            }
        }
        Some(greeting)
    }

    /// MariaDB puts a version in front that replication with MySQL 5 understood: `5.5.5-10.11.6-MariaDB`.
    fn named(version: &[u8]) -> Self {
        let shown = words(version, MOST_CHARACTERS);
        let is_maria = shown.contains("MariaDB");
        let own = match shown.strip_prefix("5.5.5-") {
            Some(own) if is_maria => own.to_owned(),
            _ => shown,
        };
        Self {
            product: if is_maria { "MariaDB" } else { "MySQL" },
            version: own,
            ..Self::default()
        }
    }
}

impl Refusal {
    fn read(rest: &[u8]) -> Option<Self> {
        let (&[low, high], rest) = rest.split_first_chunk()?;
        // The SQLSTATE is there where the server knows already that the client understands it.
        let message = match rest {
            [b'#', _, _, _, _, _, message @ ..] => message,
            message => message,
        };
        let number = u16::from_le_bytes([low, high]);
        (1000..=9999).contains(&number).then(|| Self {
            number,
            message: words(message, MOST_CHARACTERS),
        })
    }

    /// Whether it says something about the server rather than about who logs in.
    pub(super) fn is_about_the_server(&self) -> bool {
        matches!(self.number, 1040 | 1053 | 1079 | 1129 | 1130 | 1203)
    }

    /// Whether it keeps an account out: no such one, another password, another way to log in, locked. That a
    /// password has expired (1862) is told only to those who know it.
    pub(super) fn is_about_the_account(&self) -> bool {
        matches!(self.number, 1044 | 1045 | 1698 | 3118 | 3955 | 4151)
    }

    pub(super) fn shown(&self) -> String {
        format!("{} ({})", self.message, self.number)
    }
}

impl ServerSaid {
    /// `None` for what is no answer to a log-in.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let payload = payload(packet)?;
        match payload.split_first()? {
            // Two numbers of at least a byte, status and warnings.
            (0, rest) if rest.len() >= 6 => Some(Self::Ok),
            // Another way to prove oneself, or another step of one.
            (0xfe | 1, _) => Some(Self::WantsProof),
            (0xff, rest) => Refusal::read(rest).map(Self::Error),
            _ => None,
        }
    }
}

/// What a packet holds behind its head of four bytes, where that tells the right length.
fn payload(packet: &[u8]) -> Option<&[u8]> {
    let (&[a, b, c, _], payload) = packet.split_first_chunk()?;
    let length = u32::from_le_bytes([a, b, c, 0]);
    (u32::try_from(payload.len()) == Ok(length)).then_some(payload)
}

/// A text that ends with a zero, and what is behind.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}
