//! Where an answer ends, and what it means. Pure: bytes in, verdict out.

use readiness_core::fact::{BitField, Expect, Frame, LengthField, Pattern};

/// The most characters of a peer's words that are shown.
const MOST_CHARACTERS: usize = 120;

/// How far an answer has come.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::live) enum End {
    /// It ends before this byte.
    At(usize),
    /// More is needed to tell.
    More,
    /// It can no longer become an answer, for this reason.
    Wrong(String),
}

/// Finds the end of an answer that comes in pieces. Each byte is looked at once, however small the pieces.
pub(in crate::live) struct Framer<'a> {
    frame: &'a Frame,
    /// Where the line begins that is not whole yet.
    line: usize,
    /// Up to where there is nothing left to find.
    seen: usize,
    /// The code of the reply's first line.
    code: Option<[u8; 3]>,
}

impl<'a> Framer<'a> {
    pub(in crate::live) fn new(frame: &'a Frame) -> Self {
        Self {
            frame,
            line: 0,
            seen: 0,
            code: None,
        }
    }

    /// `bytes` is all that came so far.
    pub(in crate::live) fn look(&mut self, bytes: &[u8]) -> End {
        match self.frame {
            Frame::Bytes(count) => {
                let count = usize::try_from(*count).unwrap_or(usize::MAX);
                if bytes.len() < count {
                    End::More
                } else {
                    End::At(count)
                }
            }
            Frame::Line => self.next_line(bytes).map_or(End::More, |(_, end)| End::At(end)),
            Frame::Lines { until } => {
                while let Some((line, end)) = self.next_line(bytes) {
                    if until.iter().any(|text| begins(line, text)) {
                        return End::At(end);
                    }
                }
                End::More
            }
            Frame::Prefixed(field) => prefixed(*field, bytes),
            Frame::Reply => self.reply(bytes),
            Frame::Until(needle) => {
                let needle = needle.as_bytes();
                let from = self.seen.saturating_sub(needle.len());
                self.seen = bytes.len();
                let fresh = bytes.get(from..).unwrap_or_default();
                match fresh
                    .windows(needle.len().max(1))
                    .position(|window| window == needle)
                {
                    Some(at) => End::At(from + at + needle.len()),
                    None => End::More,
                }
            }
            _ => End::Wrong("ends in a way this version does not know".to_owned()),
        }
    }

    /// The next whole line without its end, and where the one after it begins.
    fn next_line<'b>(&mut self, bytes: &'b [u8]) -> Option<(&'b [u8], usize)> {
        let found = bytes.get(self.seen..)?.iter().position(|&byte| byte == b'\n');
        let Some(at) = found else {
            self.seen = bytes.len();
            return None;
        };
        let end = self.seen + at + 1;
        let line = bytes.get(self.line..end).unwrap_or_default();
        (self.seen, self.line) = (end, end);
        Some((line.trim_ascii_end(), end))
    }

    fn reply(&mut self, bytes: &[u8]) -> End {
        while let Some((line, end)) = self.next_line(bytes) {
            let (Some(&[a, b, c]), behind) = (line.first_chunk(), line.get(3)) else {
                return End::Wrong(format!("has the line `{}`, which is no reply", printable(line)));
            };
            let code = [a, b, c];
            if !code.iter().all(u8::is_ascii_digit) || !matches!(behind, None | Some(b' ' | b'-')) {
                return End::Wrong(format!("has the line `{}`, which is no reply", printable(line)));
            }
            if *self.code.get_or_insert(code) != code {
                return End::Wrong("has lines of different codes".to_owned());
            }
            if behind != Some(&b'-') {
                return End::At(end);
            }
        }
        // What is no number will be no reply, however long one waits.
        let begun = bytes.get(self.line..).unwrap_or_default();
        match begun.iter().take(3).all(u8::is_ascii_digit) {
            true => End::More,
            false => End::Wrong(format!("begins with `{}`, which is no reply", printable(begun))),
        }
    }
}

fn prefixed(field: LengthField, bytes: &[u8]) -> End {
    let from = usize::try_from(field.offset).unwrap_or(usize::MAX);
    let to = from.saturating_add(usize::from(field.size));
    let Some(digits) = bytes.get(from..to) else {
        return End::More;
    };
    let join = |sum: u64, &byte: &u8| sum << 8 | u64::from(byte);
    let length = if field.big_endian {
        digits.iter().fold(0, join)
    } else {
        digits.iter().rev().fold(0, join)
    };
    let Ok(length) = usize::try_from(length.saturating_add(u64::from(field.plus))) else {
        return End::At(usize::MAX);
    };
    match length {
        length if length < to => End::Wrong(format!("is a message that says it has {length} bytes")),
        // The length is told before the message is here: one that is over the cap ends it at once.
        length if length <= bytes.len() || length > 1024 * 1024 => End::At(length),
        _ => End::More,
    }
}

/// What an answer means.
#[derive(Debug, Eq, PartialEq)]
pub(in crate::live) enum Verdict {
    /// The dialogue goes on.
    Accepted,
    /// The peer does not do TLS; `lacks` names what it would offer otherwise.
    Declined { lacks: Option<String> },
    /// It is no answer of this protocol.
    Unexpected,
}

pub(in crate::live) fn verdict(expect: &Expect, answer: &[u8]) -> Verdict {
    let has = |pattern: &Pattern| has(pattern, &expect.frame, answer);
    let Some(missing) = expect.accept.iter().find(|pattern| !has(pattern)) else {
        return Verdict::Accepted;
    };
    if !expect.decline.iter().any(has) {
        return Verdict::Unexpected;
    }
    let lacks = match missing {
        Pattern::Keyword(word) => Some(format!("`{word}`")),
        Pattern::Bit(_) => Some("capability for it".to_owned()),
        _ => None,
    };
    Verdict::Declined { lacks }
}

fn has(pattern: &Pattern, frame: &Frame, answer: &[u8]) -> bool {
    match pattern {
        Pattern::At { offset, bytes } => usize::try_from(*offset)
            .ok()
            .and_then(|offset| answer.get(offset..))
            .is_some_and(|rest| rest.starts_with(bytes.as_bytes())),
        Pattern::Begins(text) => begins(last_line(frame, answer), text),
        Pattern::Bit(field) => has_bit(*field, answer),
        Pattern::Contains(text) => answer
            .windows(text.len().max(1))
            .any(|window| window.eq_ignore_ascii_case(text.as_bytes())),
        Pattern::Keyword(word) => {
            let is = |found: &[u8]| found.eq_ignore_ascii_case(word.as_bytes());
            let mut lines = answer.split(|&byte| byte == b'\n');
            if *frame == Frame::Reply {
                return lines.skip(1).any(|line| {
                    let behind = line.get(4..).unwrap_or_default().trim_ascii();
                    behind.split(u8::is_ascii_whitespace).next().is_some_and(is)
                });
            }
            let quotes = |byte: &u8| byte.is_ascii_whitespace() || b"\"'()[]".contains(byte);
            lines.any(|line| line.split(quotes).any(is))
        }
        _ => false,
    }
}

fn has_bit(field: BitField, answer: &[u8]) -> bool {
    let offset = usize::try_from(field.offset).ok();
    let from = match field.after_text_at {
        None => offset,
        Some(text) => usize::try_from(text).ok().and_then(|text| {
            let length = answer.get(text..)?.iter().position(|&byte| byte == 0)?;
            offset?.checked_add(text + length + 1)
        }),
    };
    from.and_then(|from| answer.get(from))
        .is_some_and(|byte| byte & field.mask != 0)
}

/// The last line of an answer in lines, else the answer.
fn last_line<'a>(frame: &Frame, answer: &'a [u8]) -> &'a [u8] {
    match frame {
        Frame::Line | Frame::Lines { .. } | Frame::Reply => {
            let answer = answer.trim_ascii_end();
            answer.rsplit(|&byte| byte == b'\n').next().unwrap_or_default()
        }
        _ => answer,
    }
}

fn begins(bytes: &[u8], text: &str) -> bool {
    bytes
        .get(..text.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(text.as_bytes()))
}

/// An answer as messages show it: its last line, or what of it can be read.
pub(super) fn quoted(expect: &Expect, answer: &[u8]) -> String {
    match (&expect.frame, answer) {
        (Frame::Bytes(_), answer) if answer.len() <= 8 && !answer.iter().all(u8::is_ascii_graphic) => answer
            .iter()
            .fold("0x".to_owned(), |text, byte| format!("{text}{byte:02x}")),
        (frame, answer) => printable(last_line(frame, answer)),
    }
}

/// The first line of what a peer sent, or the longest text in a binary message: clean, and not endless.
pub(super) fn printable(bytes: &[u8]) -> String {
    let text = if bytes.contains(&0) {
        let parts = bytes.split(|byte| !matches!(byte, b' '..=b'~'));
        // Four in a row are text; fewer are chance.
        let text = parts.filter(|part| part.len() >= 4).max_by_key(|part| part.len());
        text.unwrap_or_default()
    } else {
        bytes.split(|&byte| byte == b'\n').next().unwrap_or_default()
    };
    String::from_utf8_lossy(text.trim_ascii())
        .chars()
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .take(MOST_CHARACTERS)
        .collect()
}

#[cfg(test)]
mod tests;
