//! Frames of WebSocket (RFC 6455, section 5).

use rustls::crypto::SecureRandom;

use super::CLOSE_NO_CODE;
use crate::{
    dep::Broken,
    live::channel::{Talk, garbage},
};

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
pub(super) const PING: u8 = 0x9;
const PONG: u8 = 0xa;
/// RFC 6455, section 5.5: the most that a control frame holds.
const MOST_CONTROL_BYTES: usize = 125;

/// What comes from the server.
pub(super) enum Event {
    Close(u16, String),
    /// A part of a message, whose content is nobody's business here.
    Data,
    Pong(Vec<u8>),
    /// A frame that breaks the rules, in words.
    Violation(String),
}

/// A connection that speaks in frames.
pub(super) struct Frames {
    talk: Talk,
    /// Whether a message has begun and not ended.
    in_message: bool,
    random: &'static dyn SecureRandom,
}

impl Frames {
    pub(super) fn new(talk: Talk, random: &'static dyn SecureRandom) -> Self {
        Self {
            talk,
            in_message: false,
            random,
        }
    }

    /// Sends a control frame, masked as the client's must be.
    pub(super) async fn send(&mut self, opcode: u8, payload: &[u8]) -> Result<(), Broken> {
        // Nobody may foresee which bytes go over the wire (RFC 6455, section 10.3).
        let mut mask = [0; 4];
        self.random
            .fill(&mut mask)
            .map_err(|_| garbage("we have no random numbers to mask a frame with"))?;
        let length = u8::try_from(payload.len().min(MOST_CONTROL_BYTES)).unwrap_or_default();
        let mut frame = vec![0x80 | opcode, 0x80 | length];
        frame.extend_from_slice(&mask);
        let masked = payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask);
        frame.extend(masked.take(usize::from(length)));
        self.talk.send(&frame).await
    }

    /// The next frame that is no ping; pings are answered.
    pub(super) async fn next(&mut self) -> Result<Event, Broken> {
        loop {
            let (head, length) = match self.head().await? {
                Ok(head) => head,
                Err(what) => return Ok(Event::Violation(what)),
            };
            let opcode = head & 0x0f;
            if opcode < CLOSE {
                self.skip(length).await?;
                return Ok(Event::Data);
            }
            // A control frame: the head was checked, so it is short.
            let length = usize::try_from(length).unwrap_or_default();
            self.fill(length).await?;
            let payload = self.talk.received.split_to(length).to_vec();
            match opcode {
                PING => self.send(PONG, &payload).await?,
                PONG => return Ok(Event::Pong(payload)),
                _ => return Ok(closed(&payload)),
            }
        }
    }

    /// The first byte of a frame and the length of its content, or what is wrong with them.
    async fn head(&mut self) -> Result<Result<(u8, u64), String>, Broken> {
        self.fill(2).await?;
        let (head, second) = match self.talk.received.as_ref() {
            [head, second, ..] => (*head, *second),
            _ => return Ok(Err("a frame without a head".to_owned())),
        };
        if let Some(what) = self.violation(head, second) {
            return Ok(Err(what));
        }
        let _ = self.talk.received.split_to(2);
        let more = match second & 0x7f {
            126 => 2,
            127 => 8,
            short => return Ok(Ok((head, u64::from(short)))),
        };
        self.fill(more).await?;
        let bytes = self.talk.received.split_to(more);
        let length = bytes
            .iter()
            .fold(0_u64, |length, byte| length << 8 | u64::from(*byte));
        Ok(match length >> 63 {
            0 => Ok((head, length)),
            _ => Err("a frame whose length has its first bit set".to_owned()),
        })
    }

    fn violation(&mut self, head: u8, second: u8) -> Option<String> {
        let (is_last, opcode) = (head & 0x80 != 0, head & 0x0f);
        if head & 0x70 != 0 {
            return Some("a frame of an extension that was not agreed upon".to_owned());
        }
        if second & 0x80 != 0 {
            return Some("a masked frame, which only clients send".to_owned());
        }
        match opcode {
            CLOSE | PING | PONG => {
                if !is_last || usize::from(second) > MOST_CONTROL_BYTES {
                    return Some("a control frame that is cut in parts, or longer than 125 bytes".to_owned());
                }
            }
            CONTINUATION if !self.in_message => {
                return Some("a part of a message that has not begun".to_owned());
            }
            TEXT | BINARY if self.in_message => {
                return Some("a message before the last one has ended".to_owned());
            }
            CONTINUATION | TEXT | BINARY => self.in_message = !is_last,
            other => return Some(format!("a frame of the kind 0x{other:x}, which has no meaning")),
        }
        None
    }

    async fn fill(&mut self, length: usize) -> Result<(), Broken> {
        while self.talk.received.len() < length {
            self.talk.more().await?;
        }
        Ok(())
    }

    /// Reads over the content of a frame without keeping it.
    async fn skip(&mut self, length: u64) -> Result<(), Broken> {
        let mut left = length;
        while left > 0 {
            if self.talk.received.is_empty() {
                self.talk.more().await?;
            }
            let here = usize::try_from(left)
                .unwrap_or(usize::MAX)
                .min(self.talk.received.len());
            let _ = self.talk.received.split_to(here);
            left -= here as u64;
        }
        Ok(())
    }
}

/// RFC 6455, section 7.4: codes below 1000 and those that are never sent.
fn closed(payload: &[u8]) -> Event {
    match payload {
        [] => Event::Close(CLOSE_NO_CODE, String::new()),
        [_] => Event::Violation("a close frame of one byte".to_owned()),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
                Event::Close(code, String::from_utf8_lossy(reason).into_owned())
            } else {
                Event::Violation(format!("a close frame with the code {code}"))
            }
        }
    }
}
