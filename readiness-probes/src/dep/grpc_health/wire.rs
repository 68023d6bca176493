//! The two messages of `grpc.health.v1`, and the frames they travel in.

use std::collections::BTreeMap;

/// The most services of a list that are kept.
const MOST_SERVICES: usize = 1024;
/// The longest name of a service that is kept, in bytes.
const MOST_NAME_BYTES: usize = 1024;

/// `HealthCheckRequest`: field 1 is the name of the service, and the empty name is left out.
pub(crate) fn check_request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(0x0a);
        let mut length = service.len();
        while length > 0x7f {
            message.push(u8::try_from(length & 0x7f).unwrap_or_default() | 0x80);
            length >>= 7;
        }
        message.push(u8::try_from(length).unwrap_or_default());
        message.extend_from_slice(service.as_bytes());
    }
    message
}

/// A message as gRPC sends it: not compressed, its length, itself.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let mut frame = vec![0];
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame
}

/// The one message of a body; `None` where the body is empty.
pub(crate) fn unframed(body: &[u8]) -> Result<Option<&[u8]>, String> {
    if body.is_empty() {
        return Ok(None);
    }
    let Some(([flag, length @ ..], rest)) = body.split_first_chunk::<5>() else {
        return Err(format!(
            "{} bytes, which are less than the head of a message",
            body.len()
        ));
    };
    match flag {
        0 => {}
        1 => return Err("a compressed message, though no compression was offered".to_owned()),
        other => {
            return Err(format!(
                "a message with the flag 0x{other:02x}, expected 0x00 or 0x01"
            ));
        }
    }
    let length = u32::from_be_bytes(*length) as usize;
    let message = rest.get(..length).ok_or_else(|| {
        format!(
            "{} bytes of a message that was announced with {length}",
            rest.len()
        )
    })?;
    if rest.len() > length {
        return Err("more than one message, expected one".to_owned());
    }
    Ok(Some(message))
}

/// The status in a `HealthCheckResponse`. An enum that is 0 is not sent, so an empty message is UNKNOWN.
pub(crate) fn status(message: &[u8]) -> Result<i32, String> {
    let mut status = 0;
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        match (number, value) {
            // An enum has 32 bits; a longer number is cut, as generated code cuts it.
            (1, Value::Number(n)) => {
                status = u32::try_from(n & 0xffff_ffff).unwrap_or_default().cast_signed();
            }
            (1, _) => return Err("a status that is no number".to_owned()),
            _ => {}
        }
    }
    Ok(status)
}

/// The map in a `HealthListResponse`.
pub(crate) fn statuses(message: &[u8]) -> Result<BTreeMap<String, i32>, String> {
    let mut all = BTreeMap::new();
    let mut fields = Fields(message);
    while let Some((number, value)) = fields.next()? {
        let entry = match (number, value) {
            (1, Value::Bytes(entry)) => entry,
            (1, _) => return Err("a list whose entries are no messages".to_owned()),
            _ => continue,
        };
        let (mut name, mut found) = (String::new(), 0);
        let mut parts = Fields(entry);
        while let Some((number, value)) = parts.next()? {
            match (number, value) {
                (1, Value::Bytes(bytes)) if bytes.len() <= MOST_NAME_BYTES => {
                    name = String::from_utf8_lossy(bytes).into_owned();
                }
                (1, Value::Bytes(bytes)) => {
                    return Err(format!("a service with a name of {} bytes", bytes.len()));
                }
                (2, Value::Bytes(bytes)) => found = status(bytes)?,
                (1 | 2, _) => return Err("an entry of the list that is no name with a status".to_owned()),
                _ => {}
            }
        }
        all.insert(name, found);
        if all.len() > MOST_SERVICES {
            return Err(format!("more than {MOST_SERVICES} services"));
        }
    }
    Ok(all)
}

/// `grpc-message` without its percent-encoding. What is no code stands for itself, as the protocol wants it.
pub(crate) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let code = after
            .get(..2)
            .filter(|_| first == b'%')
            .and_then(|code| std::str::from_utf8(code).ok())
            .filter(|code| code.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|code| u8::from_str_radix(code, 16).ok());
        plain.push(code.unwrap_or(first));
        rest = after
            .get(if code.is_some() { 2 } else { 0 }..)
            .unwrap_or_default();
    }
    plain
}

enum Value<'a> {
    Bytes(&'a [u8]),
    Number(u64),
    /// 32 or 64 bits that no message here has.
    Fixed,
}

/// The fields of a protobuf message that are not yet read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, String> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let tag = self.number()?;
        let value = match tag & 7 {
            0 => Value::Number(self.number()?),
            1 => {
                self.take(8)?;
                Value::Fixed
            }
            2 => {
                let length = self.number()?;
                Value::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Value::Fixed
            }
            other => return Err(format!("a field of the wire type {other}")),
        };
        match tag >> 3 {
            0 => Err("a field with the number 0".to_owned()),
            number => Ok(Some((number, value))),
        }
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], String> {
        let cut = usize::try_from(length)
            .ok()
            .and_then(|length| self.0.split_at_checked(length));
        let (taken, rest) = cut.ok_or("a message that ends in the middle of a field")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A variable-length number: seven bits in a byte, ten bytes at most.
    fn number(&mut self) -> Result<u64, String> {
        let mut number = 0_u64;
        for shift in (0..70).step_by(7) {
            let Some((&byte, rest)) = self.0.split_first() else {
                return Err("a message that ends in the middle of a number".to_owned());
            };
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or_default();
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err("a number of more than ten bytes".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_as_the_protocol_has_them() {
        assert_eq!(check_request(""), b"");
        assert_eq!(check_request("orders"), b"\x0a\x06orders");
        let long = "s".repeat(300);
        assert_eq!(check_request(&long)[..3], [0x0a, 0xac, 0x02]);
        assert_eq!(framed(b"\x0a\x01s"), b"\0\0\0\0\x03\x0a\x01s");
        assert_eq!(framed(b""), [0; 5]);
    }

    #[test]
    fn one_message_is_taken_out_of_its_frame() {
        for (body, message) in [
            (&b""[..], Ok(None)),
            (b"\0\0\0\0\0", Ok(Some(&b""[..]))),
            (b"\0\0\0\0\x02\x08\x01", Ok(Some(b"\x08\x01"))),
            (b"\0\0\0", Err("3 bytes, which are less")),
            (b"\x01\0\0\0\x02\x08\x01", Err("a compressed message")),
            (b"\x80\0\0\0\x02\x08\x01", Err("the flag 0x80")),
            (
                b"\0\0\0\0\x03\x08\x01",
                Err("2 bytes of a message that was announced with 3"),
            ),
            (b"\0\xff\xff\xff\xff\x08", Err("announced with 4294967295")),
            (b"\0\0\0\0\x01\x08\0\0\0\0\0", Err("more than one message")),
        ] {
            match (unframed(body), message) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{body:?}"),
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{body:?}: {found}"),
                other => panic!("{body:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_status_is_read_and_what_is_unknown_is_skipped() {
        for (message, expected) in [
            (&b""[..], 0),
            (b"\x08\x01", 1),
            (b"\x08\x02", 2),
            (b"\x08\x01\x08\x02", 2),
            (b"\x12\x03abc\x08\x01", 1),
            (b"\x11\0\0\0\0\0\0\0\0\x1d\0\0\0\0\x08\x01", 1),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", -1),
        ] {
            assert_eq!(status(message), Ok(expected), "{message:?}");
        }
        for message in [
            &b"\x08"[..],
            b"\x08\x80",
            b"\x0a\x01x",
            b"\x0a\x05x",
            b"\x0b",
            b"\x00\x01",
            b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x0d\0\0",
        ] {
            assert!(status(message).is_err(), "{message:?}");
        }
    }

    #[test]
    fn a_list_is_read() {
        let message = b"\x0a\x04\x0a\0\x12\0\x0a\x0a\x0a\x04cart\x12\x02\x08\x02\x0a\x05\x0a\x03own";
        let found = statuses(message).unwrap();
        let found: Vec<_> = found.iter().map(|(name, status)| (&**name, *status)).collect();
        assert_eq!(found, [("", 0), ("cart", 2), ("own", 0)]);
        assert_eq!(statuses(b""), Ok(BTreeMap::new()));
        for message in [
            &b"\x08\x01"[..],
            b"\x0a\x02\x08\x01",
            b"\x0a\x02\x10\x01",
            b"\x0a\x09",
        ] {
            assert!(statuses(message).is_err(), "{message:?}");
        }
        let mut long = Vec::new();
        for n in 0..=MOST_SERVICES {
            long.extend_from_slice(b"\x0a\x06\x0a\x04");
            long.extend_from_slice(format!("{n:04}").as_bytes());
        }
        assert_eq!(statuses(&long), Err("more than 1024 services".to_owned()));
    }

    #[test]
    fn a_message_is_percent_decoded() {
        for (text, plain) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"a%20b%E2%9C%93", "a b\u{2713}".as_bytes()),
            (b"100% %zz %4", b"100% %zz %4"),
            (b"%", b"%"),
            (b"%+1", b"%+1"),
        ] {
            assert_eq!(percent_decoded(text), plain);
        }
    }
}
