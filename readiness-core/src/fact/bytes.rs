use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Bytes a peer sent that are mostly text: header values, bodies, banners.
///
/// In JSON each byte is one character from U+0000 to U+00FF, which keeps every byte and lets people
/// read the rest.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct ByteText(Vec<u8>);

impl ByteText {
    /// Takes the bytes as they are.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, if it is UTF-8.
    pub fn to_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The text, with U+FFFD where it is not UTF-8. For people.
    pub fn to_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }

    /// How many bytes.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ByteText {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<Vec<u8>> for ByteText {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for ByteText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_lossy(), f)
    }
}

impl Serialize for ByteText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_ascii() {
            // ASCII is UTF-8: no copy.
            serializer.serialize_str(self.to_str().unwrap_or_default())
        } else {
            let text: String = self.0.iter().map(|&byte| char::from(byte)).collect();
            serializer.serialize_str(&text)
        }
    }
}

impl<'de> Deserialize<'de> for ByteText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_ascii() {
            return Ok(Self(text.into_bytes()));
        }
        text.chars()
            .map(|c| u8::try_from(u32::from(c)))
            .collect::<Result<_, _>>()
            .map(Self)
            .map_err(|_| D::Error::custom("a byte text holds characters up to U+00FF only"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives() {
        let all = ByteText::new((0..=255).collect::<Vec<u8>>());
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<ByteText>(&json).unwrap(), all);
        assert!(serde_json::from_str::<ByteText>("\"\u{100}\"").is_err());
    }
}
