//! The data types of SSH (RFC 4251, section 5).

use crate::{dep::Broken, live::channel::garbage};

/// The most names of one list that are kept, and the longest of them: RFC 4251, section 6, has 64 characters.
const MOST_NAMES: usize = 128;
const MOST_NAME_CHARS: usize = 64;

/// A message that is not yet read to its end.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Broken> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| garbage("it does not speak SSH: a message ends in the middle of a field"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    pub(super) fn number(&mut self) -> Result<u32, Broken> {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(self.take(4)?);
        Ok(u32::from_be_bytes(bytes))
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], Broken> {
        let length = self.number()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Names, separated by commas. What is no name of RFC 4251 is shown as far as it can be.
    pub(super) fn names(&mut self) -> Result<Vec<String>, Broken> {
        let names = self.string()?;
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let names = names.split(|byte| *byte == b',').take(MOST_NAMES);
        Ok(names.map(name).collect())
    }
}

/// A name as facts hold it.
fn name(bytes: &[u8]) -> String {
    bytes
        .iter()
        .take(MOST_NAME_CHARS)
        .map(|&byte| {
            if byte.is_ascii_graphic() {
                char::from(byte)
            } else {
                '\u{fffd}'
            }
        })
        .collect()
}

/// A message that is being written.
#[derive(Clone, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub(super) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    pub(super) fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub(super) fn string(self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut written = self.number(length);
        written.0.extend_from_slice(bytes);
        written
    }

    pub(super) fn names(self, names: &[&str]) -> Self {
        self.string(names.join(",").as_bytes())
    }

    /// A number that is not negative, from its bytes in network order.
    pub(super) fn mpint(self, bytes: &[u8]) -> Self {
        self.string(&positive(bytes))
    }
}

/// The shortest form of a number that is not negative: no zero before it, but one where its first bit would be
/// taken for a sign. DER has it the same way.
pub(super) fn positive(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let bytes = bytes.get(start..).unwrap_or_default();
    let mut number = Vec::with_capacity(bytes.len() + 1);
    if bytes.first().is_some_and(|first| *first >= 0x80) {
        number.push(0);
    }
    number.extend_from_slice(bytes);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_rfc_4251_has_them() {
        for (bytes, written) in [
            (&[][..], &[0, 0, 0, 0][..]),
            (&[0, 0], &[0, 0, 0, 0]),
            (&[0x80], &[0, 0, 0, 2, 0, 0x80]),
            (&[0, 0, 0x09, 0xa3], &[0, 0, 0, 2, 0x09, 0xa3]),
        ] {
            assert_eq!(Writer::default().mpint(bytes).0, written);
        }
    }

    #[test]
    fn what_was_written_is_read_and_no_more() {
        let written = Writer::new(20).names(&["a", "b@c"]).names(&[]).number(7).0;
        let mut reader = Reader(&written);
        assert_eq!(reader.byte().unwrap(), 20);
        assert_eq!(reader.names().unwrap(), ["a", "b@c"]);
        assert!(reader.names().unwrap().is_empty());
        assert_eq!(reader.number().unwrap(), 7);
        assert!(reader.byte().is_err());
        for bytes in [&b"\0\0"[..], b"\xff\xff\xff\xff", b"\0\0\0\x05abc"] {
            assert!(Reader(bytes).string().is_err());
        }
        let long = Writer::default().string(",".repeat(9000).as_bytes()).0;
        assert_eq!(Reader(&long).names().unwrap().len(), MOST_NAMES);
        let odd = Writer::default().string(b"a\x1b\xff").0;
        assert_eq!(Reader(&odd).names().unwrap(), ["a\u{fffd}\u{fffd}"]);
    }
}
