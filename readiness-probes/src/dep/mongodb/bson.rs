//! The documents of MongoDB (BSON 1.1), read as far as answers to `hello` and `listDatabases` need it.

/// A value of a document.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'a> {
    /// The bytes of a document or a list.
    Document(&'a [u8]),
    /// Any number; what has no whole one is 0.
    Number(i64),
    Text(&'a [u8]),
    Bool(bool),
    Other,
}

/// The body of a message `OP_MSG` that answers the request of this number: its one document.
pub(super) fn body(message: &[u8], number: u32) -> Option<&[u8]> {
    let length = int32(message, 0)?;
    if u32::try_from(message.len()) != Ok(length)
        || int32(message, 8)? != number
        || int32(message, 12)? != 2013
    {
        return None;
    }
    // Flags: a check sum may stand at the end, which nobody asked for; then a section of kind 0.
    if int32(message, 16)? != 0 || message.get(20) != Some(&0) {
        return None;
    }
    let document = message.get(21..)?;
    is_document(document).then_some(document)
}

/// The command that this document asks for, as a message of `OP_MSG` with this number.
pub(super) fn message(number: u32, elements: &[u8]) -> Vec<u8> {
    let mut document = length_of(elements.len() + 5);
    document.extend(elements);
    document.push(0);
    let mut message = length_of(document.len() + 21);
    message.extend(number.to_le_bytes());
    message.extend([0; 4]);
    message.extend(2013_u32.to_le_bytes());
    // No flags, a section of kind 0.
    message.extend([0; 5]);
    message.extend(document);
    message
}

/// An element that is a number.
pub(super) fn number(name: &str, value: i32) -> Vec<u8> {
    let mut element = named(0x10, name);
    element.extend(value.to_le_bytes());
    element
}

/// An element that is a text.
pub(super) fn text(name: &str, value: &str) -> Vec<u8> {
    let mut element = named(0x02, name);
    element.extend(length_of(value.len() + 1));
    element.extend(value.as_bytes());
    element.push(0);
    element
}

/// An element that is a document of these elements.
pub(super) fn document(name: &str, elements: &[u8]) -> Vec<u8> {
    let mut element = named(0x03, name);
    element.extend(length_of(elements.len() + 5));
    element.extend(elements);
    element.push(0);
    element
}

/// An element that is true.
pub(super) fn yes(name: &str) -> Vec<u8> {
    let mut element = named(0x08, name);
    element.push(1);
    element
}

fn named(kind: u8, name: &str) -> Vec<u8> {
    let mut element = vec![kind];
    element.extend(name.as_bytes());
    element.push(0);
    element
}

fn length_of(length: usize) -> Vec<u8> {
    u32::try_from(length).unwrap_or_default().to_le_bytes().to_vec()
}

/// The elements of a document, the first 256 of them. It ends with `None` where the bytes are no document:
/// [`Elements::is_sound`] tells.
pub(super) struct Elements<'a> {
    rest: &'a [u8],
    left: u32,
    pub(super) is_sound: bool,
}

impl<'a> Elements<'a> {
    pub(super) fn of(document: &'a [u8]) -> Self {
        let inner = document.len().checked_sub(1).and_then(|end| document.get(4..end));
        Self {
            rest: inner.unwrap_or_default(),
            left: 256,
            is_sound: is_document(document),
        }
    }

    fn step(&mut self) -> Option<(&'a [u8], Value<'a>)> {
        let (&kind, rest) = self.rest.split_first()?;
        let (name, rest) = c_string(rest)?;
        let (value, length) = match kind {
            0x01 => (Value::Number(double(rest)?), 8),
            0x02 => {
                let length = usize::try_from(int32(rest, 0)?).ok()?;
                // Its length counts the zero at its end.
                let text = rest.get(4..length.checked_add(3)?)?;
                (Value::Text(text), length.checked_add(4)?)
            }
            0x03 | 0x04 => {
                let length = usize::try_from(int32(rest, 0)?).ok()?;
                let document = rest.get(..length)?;
                (Value::Document(document).checked()?, length)
            }
            0x05 => (
                Value::Other,
                usize::try_from(int32(rest, 0)?).ok()?.checked_add(5)?,
            ),
            0x06 | 0x0a | 0x7f | 0xff => (Value::Other, 0),
            0x07 => (Value::Other, 12),
            0x08 => (Value::Bool(*rest.first()? != 0), 1),
            0x09 | 0x11 => (Value::Other, 8),
            0x10 => {
                let bytes: [u8; 4] = *rest.first_chunk()?;
                (Value::Number(i32::from_le_bytes(bytes).into()), 4)
            }
            0x12 => {
                let bytes: [u8; 8] = *rest.first_chunk()?;
                (Value::Number(i64::from_le_bytes(bytes)), 8)
            }
            0x13 => (Value::Other, 16),
            _ => return None,
        };
        self.rest = rest.get(length..)?;
        Some((name, value))
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if !self.is_sound || self.rest.is_empty() || self.left == 0 {
            return None;
        }
        self.left -= 1;
        let step = self.step();
        self.is_sound = step.is_some();
        step
    }
}

impl Value<'_> {
    fn checked(self) -> Option<Self> {
        match self {
            Self::Document(bytes) if !is_document(bytes) => None,
            value => Some(value),
        }
    }
}

/// Whether these bytes have the length they say, and a zero at their end. What is inside is not looked at.
fn is_document(bytes: &[u8]) -> bool {
    bytes.len() >= 5
        && int32(bytes, 0).and_then(|length| usize::try_from(length).ok()) == Some(bytes.len())
        && bytes.last() == Some(&0)
}

fn int32(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes: [u8; 4] = *bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(bytes))
}

/// A number of floating point as a whole one, which `ok` is: 1.0 is 1.
fn double(bytes: &[u8]) -> Option<i64> {
    let bytes: [u8; 8] = *bytes.first_chunk()?;
    let one = 1.0_f64.to_le_bytes();
    Some(i64::from(bytes == one))
}

fn c_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = bytes.iter().position(|&byte| byte == 0)?;
    Some((bytes.get(..end)?, bytes.get(end + 1..)?))
}
