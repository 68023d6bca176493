//! The first frames of a broker (AMQP 0-9-1, sections 2.3.5, 4.2.5.5 and 1.4 of the method reference).

use super::super::spoken::words;

/// What a frame says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Said {
    Start(Start),
    Other(Answer),
}

/// `Connection.Start`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Start {
    pub(super) product: String,
    pub(super) version: String,
    pub(super) cluster: String,
    pub(super) mechanisms: Vec<String>,
}

/// Another method of the class `Connection`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Close,
    Secure,
    /// Sent after a log-in that was accepted.
    Tune,
}

impl Answer {
    pub(super) fn shown(self) -> &'static str {
        match self {
            Self::Close => "`Connection.Close`",
            Self::Secure => "`Connection.Secure`",
            Self::Tune => "`Connection.Tune`",
        }
    }
}

/// The most characters of one text that are kept.
const MOST_CHARACTERS: usize = 100;
/// The most properties and mechanisms that are looked at.
const MOST_ENTRIES: usize = 64;

impl Start {
    pub(super) fn offers(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|name| name == mechanism)
    }

    fn read(rest: &[u8]) -> Option<Self> {
        let ([0, 9], rest) = rest.split_first_chunk()? else {
            return None;
        };
        let (properties, rest) = long(rest)?;
        let (mechanisms, rest) = long(rest)?;
        let (_locales, rest) = long(rest)?;
        if !rest.is_empty() {
            return None;
        }
        let mut start = Self::default();
        start.properties(properties)?;
        start.mechanisms = mechanisms
            .split(|&byte| byte == b' ')
            .filter(|name| !name.is_empty())
            .take(MOST_ENTRIES)
            .map(|name| words(name, MOST_CHARACTERS))
            .collect();
        Some(start)
    }

    /// Reads the table of properties: those that are texts. A value of another type is stepped over.
    fn properties(&mut self, table: &[u8]) -> Option<()> {
        let mut rest = table;
        for _ in 0..MOST_ENTRIES {
            if rest.is_empty() {
                break;
            }
            let (name, behind) = short(rest)?;
            let (&kind, behind) = behind.split_first()?;
            let (value, behind) = value(kind, behind)?;
            rest = behind;
            if kind != b'S' {
                continue;
            }
            let place = match name {
                b"product" => &mut self.product,
                b"version" => &mut self.version,
                b"cluster_name" => &mut self.cluster,
                _ => continue,
            };
            *place = words(value, MOST_CHARACTERS);
        }
        Some(())
    }
}

impl Said {
    /// `None` for what is no frame of a broker on the connection's own channel.
    pub(super) fn read(frame: &[u8]) -> Option<Self> {
        // A method (1) on channel 0, its length, and 0xCE at the end.
        let (&[1, 0, 0, a, b, c, d], rest) = frame.split_first_chunk()? else {
            return None;
        };
        let (&0xce, payload) = rest.split_last()? else {
            return None;
        };
        if u32::try_from(payload.len()) != Ok(u32::from_be_bytes([a, b, c, d])) {
            return None;
        }
        let (&[0, 10, 0, method], rest) = payload.split_first_chunk()? else {
            return None;
        };
        Some(match method {
            10 => Self::Start(Start::read(rest)?),
            20 => Self::Other(Answer::Secure),
            30 => Self::Other(Answer::Tune),
            50 => Self::Other(Answer::Close),
            _ => return None,
        })
    }
}

/// The version in the header of a broker that does not speak ours; `None` for what is no header.
pub(super) fn other_version(bytes: &[u8]) -> Option<String> {
    let &[b'A', b'M', b'Q', b'P', id, major, minor, revision, ..] = bytes else {
        return None;
    };
    Some(match (id, major, minor, revision) {
        (0, 0, 9, 1) | (1, 1, 0, 9) => "AMQP 0-9-1, and refuses ours".to_owned(),
        (1, 1, 0, 10) | (1, 1, 0, 0) => "AMQP 0-10".to_owned(),
        (1, 1, 8, 0) | (1, 1, 9, 0) => "AMQP 0-8".to_owned(),
        // AMQP 1.0, section 2.2; 2 is TLS and 3 is SASL (sections 5.2.1 and 5.3.1).
        (0, 1, 0, 0) => "AMQP 1.0".to_owned(),
        (2, 1, 0, 0) => "AMQP 1.0, after TLS".to_owned(),
        (3, 1, 0, 0) => "AMQP 1.0, after SASL".to_owned(),
        _ => format!("AMQP with the header {id}, {major}, {minor}, {revision}"),
    })
}

/// A value of a field table, and what is behind it. Nested tables and arrays are stepped over by their length.
fn value(kind: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match kind {
        b'S' | b'F' | b'A' | b'x' => return long(bytes),
        b's' | b'u' | b'U' => 2,
        b't' | b'b' | b'B' => 1,
        b'I' | b'i' | b'f' => 4,
        b'l' | b'L' | b'd' | b'T' => 8,
        b'D' => 5,
        b'V' => 0,
        _ => return None,
    };
    Some((bytes.get(..length)?, bytes.get(length..)?))
}

/// Bytes behind a length of four, and what is behind them.
fn long(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    Some((rest.get(..length)?, rest.get(length..)?))
}

/// Bytes behind a length of one, and what is behind them.
fn short(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let length = usize::from(length);
    Some((rest.get(..length)?, rest.get(length..)?))
}
