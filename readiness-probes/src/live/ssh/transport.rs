//! Lines and packets (RFC 4253, sections 4.2 and 6).

use super::{
    cipher::{BLOCK_BYTES, Cipher},
    wire::Reader,
};
use crate::{
    dep::{Broken, BrokenKind},
    live::channel::{Talk, garbage},
};

/// RFC 4253, section 6.1: everybody must take packets of this size, and nobody here needs longer ones.
const MOST_PACKET_BYTES: usize = 35_000;
/// Before the version a server may say something to people; that much of it is read.
const MOST_EARLY_BYTES: usize = 8 * 1024;
const MOST_EARLY_LINES: usize = 50;
/// RFC 4253, section 4.2: the version has at most 255 characters, the end of the line among them.
const MOST_VERSION_BYTES: usize = 255;
/// The most packets of one conversation.
const MOST_PACKETS: u32 = 200;

/// A connection that speaks in packets.
pub(super) struct Transport {
    pub(super) talk: Talk,
    pub(super) incoming: Half,
    pub(super) outgoing: Half,
    packets_left: u32,
}

/// One direction.
#[derive(Default)]
pub(super) struct Half {
    pub(super) sequence: u32,
    pub(super) cipher: Option<Cipher>,
}

/// What a server says of itself.
pub(super) struct Version {
    /// Such as `SSH-2.0-OpenSSH_9.2p1 Debian-2`, byte for byte.
    pub(super) line: Vec<u8>,
    pub(super) early_lines: u32,
}

impl Transport {
    pub(super) fn new(talk: Talk) -> Self {
        Self {
            talk,
            incoming: Half::default(),
            outgoing: Half::default(),
            packets_left: MOST_PACKETS,
        }
    }

    /// Reads lines up to the one that is a version.
    pub(super) async fn version(&mut self, text: impl Fn(&[u8]) -> String) -> Result<Version, Broken> {
        let mut first: Option<Vec<u8>> = None;
        let mut early_lines = 0;
        let mut early_bytes = 0;
        loop {
            let Some(end) = self.talk.received.iter().position(|byte| *byte == b'\n') else {
                let is_version = self.talk.received.starts_with(b"SSH-");
                let most = if is_version {
                    MOST_VERSION_BYTES
                } else {
                    MOST_EARLY_BYTES
                };
                if self.talk.received.len() > most {
                    let seen = first.unwrap_or_else(|| self.talk.received.to_vec());
                    return Err(not_ssh(&text(&seen)));
                }
                match self.talk.more().await {
                    Ok(()) => continue,
                    Err(broken) => {
                        let seen = first.unwrap_or_else(|| self.talk.received.to_vec());
                        return Err(ended(broken, &seen, &text));
                    }
                }
            };
            let line = self.talk.received.split_to(end + 1);
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.starts_with(b"SSH-") {
                if line.len() + 2 > MOST_VERSION_BYTES {
                    return Err(garbage(format!(
                        "its version has {} bytes, expected at most {}",
                        line.len(),
                        MOST_VERSION_BYTES - 2
                    )));
                }
                return Ok(Version {
                    line: line.to_vec(),
                    early_lines,
                });
            }
            early_lines += 1;
            early_bytes += end + 1;
            let first = first.get_or_insert_with(|| line.to_vec());
            if early_bytes > MOST_EARLY_BYTES || early_lines as usize > MOST_EARLY_LINES {
                return Err(not_ssh(&text(first)));
            }
        }
    }

    pub(super) async fn send(&mut self, payload: &[u8]) -> Result<(), Broken> {
        let packet = self.outgoing.seal(payload)?;
        self.talk.send(&packet).await
    }

    /// The payload of the next packet; it is never empty.
    pub(super) async fn receive(&mut self) -> Result<Vec<u8>, Broken> {
        self.packets_left = self.packets_left.checked_sub(1).ok_or_else(|| {
            Broken::new(
                BrokenKind::TooMuch,
                format!("it sent more than {MOST_PACKETS} packets"),
            )
        })?;
        let first = match &self.incoming.cipher {
            Some(cipher) if !cipher.shows_length() => BLOCK_BYTES,
            _ => 4,
        };
        let mut packet = self.take(first).await?;
        if let Some(cipher) = &mut self.incoming.cipher {
            cipher.open_first(&mut packet);
        }
        let length = usize::try_from(Reader(&packet).number()?).unwrap_or(usize::MAX);
        let whole = length.saturating_add(4);
        let counted = match &self.incoming.cipher {
            Some(cipher) if cipher.shows_length() => length,
            _ => whole,
        };
        let block = if self.incoming.cipher.is_some() {
            BLOCK_BYTES
        } else {
            8
        };
        if !(5..=MOST_PACKET_BYTES).contains(&length) || whole < first || counted % block != 0 {
            return Err(garbage(format!(
                "it does not speak SSH: a packet of {length} bytes, expected 12 to {MOST_PACKET_BYTES}"
            )));
        }
        packet.extend(self.take(whole - first).await?);
        let tail_bytes = self.incoming.cipher.as_ref().map_or(0, Cipher::tail_bytes);
        let tail = self.take(tail_bytes).await?;
        self.incoming.open(&mut packet, &tail)
    }

    async fn take(&mut self, length: usize) -> Result<Vec<u8>, Broken> {
        while self.talk.received.len() < length {
            self.talk.more().await?;
        }
        Ok(self.talk.received.split_to(length).to_vec())
    }
}

impl Half {
    /// A packet with its length and padding, sealed where there are keys.
    fn seal(&mut self, payload: &[u8]) -> Result<Vec<u8>, Broken> {
        let (block, counted) = match &self.cipher {
            Some(cipher) if cipher.shows_length() => (BLOCK_BYTES, payload.len() + 1),
            Some(_) => (BLOCK_BYTES, payload.len() + 5),
            None => (8, payload.len() + 5),
        };
        // RFC 4253, section 6: four bytes of padding at least.
        let mut padding = block - counted % block;
        if padding < 4 {
            padding += block;
        }
        let unsendable = || garbage("our own message is too long");
        let length = u32::try_from(payload.len() + 1 + padding).map_err(|_| unsendable())?;
        let mut packet = length.to_be_bytes().to_vec();
        packet.push(u8::try_from(padding).map_err(|_| unsendable())?);
        packet.extend_from_slice(payload);
        // Nothing secret hangs on the padding: every cipher here is a stream.
        packet.resize(packet.len() + padding, 0);
        if let Some(cipher) = &mut self.cipher {
            cipher
                .seal(self.sequence, &mut packet)
                .map_err(|_| unsendable())?;
        }
        self.sequence = self.sequence.wrapping_add(1);
        Ok(packet)
    }

    fn open(&mut self, packet: &mut [u8], tail: &[u8]) -> Result<Vec<u8>, Broken> {
        if let Some(cipher) = &mut self.cipher {
            cipher
                .open(self.sequence, packet, tail)
                .map_err(|_| garbage("a packet is not authentic: its code is wrong"))?;
        }
        self.sequence = self.sequence.wrapping_add(1);
        let padding = usize::from(packet.get(4).copied().unwrap_or_default());
        let end = packet.len().checked_sub(padding);
        let payload = end.and_then(|end| packet.get(5..end));
        match payload {
            Some(payload) if !payload.is_empty() => Ok(payload.to_vec()),
            _ => Err(garbage("it does not speak SSH: a packet without content")),
        }
    }
}

fn not_ssh(first: &str) -> Broken {
    let first: String = first.chars().take(60).collect();
    garbage(format!("it sent no version of SSH; it began with `{first}`"))
}

/// An end before the version. A server that turns somebody away says so in a line of its own.
fn ended(broken: Broken, seen: &[u8], text: &impl Fn(&[u8]) -> String) -> Broken {
    let seen_text = text(seen);
    let turned_away = ["Exceeded MaxStartups", "Not allowed at this time"];
    if turned_away.iter().any(|line| seen_text.starts_with(line)) {
        let said = format!("it turned us away with `{}`", seen_text.trim());
        return Broken::new(BrokenKind::Closed, said);
    }
    if seen.is_empty() || broken.kind == BrokenKind::TooMuch {
        return broken;
    }
    not_ssh(&seen_text)
}
