//! Texts of a certificate: capped, and without control characters.

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use x509_parser::{extensions::GeneralName, prelude::FromDer, x509::X509Name};

/// The longest text of a certificate that is shown, in characters.
const MOST_CHARACTERS: usize = 120;

/// One name of the subject alternative name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Name<'a> {
    Address(IpAddr),
    Dns(&'a str),
    /// A DNS name that is no text, or an address that is none.
    Unreadable,
}

impl<'a> Name<'a> {
    /// The names that matter for servers; others, such as mail addresses, are none.
    pub(super) fn of(name: &GeneralName<'a>) -> Option<Self> {
        const DNS: u32 = 2;
        match name {
            GeneralName::DNSName(name) => Some(Self::Dns(name)),
            GeneralName::IPAddress(bytes) => {
                let address = <[u8; 4]>::try_from(*bytes)
                    .map(|v4| IpAddr::V4(Ipv4Addr::from(v4)))
                    .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|v6| IpAddr::V6(Ipv6Addr::from(v6))));
                Some(address.map_or(Self::Unreadable, Self::Address))
            }
            GeneralName::Invalid(tag, _) if tag.0 == DNS => Some(Self::Unreadable),
            _ => None,
        }
    }

    /// As it is shown.
    pub(in crate::tls) fn shown(self) -> Cow<'a, str> {
        match self {
            Self::Address(address) => Cow::Owned(address.to_string()),
            Self::Dns(name) => capped(name),
            Self::Unreadable => Cow::Borrowed("(unreadable)"),
        }
    }
}

/// What names a subject or an issuer: the common name, or what else there is.
pub(super) fn display_name(name: &X509Name<'_>) -> String {
    let first = name
        .iter_common_name()
        .chain(name.iter_organization())
        .chain(name.iter_organizational_unit())
        .find_map(|attribute| attribute.as_str().ok())
        .filter(|text| !text.trim().is_empty());
    match first {
        Some(text) => capped(text).into_owned(),
        None => match name.to_string() {
            empty if empty.is_empty() => "(no name)".to_owned(),
            whole => capped(&whole).into_owned(),
        },
    }
}

/// What names a trust anchor, whose subject comes without its outer SEQUENCE.
pub(crate) fn name_of(subject: &[u8]) -> String {
    let Ok(length) = u16::try_from(subject.len()) else {
        return "(no name)".to_owned();
    };
    let [high, low] = length.to_be_bytes();
    let mut der = match (high, low) {
        (0, 0..=0x7f) => vec![0x30, low],
        (0, _) => vec![0x30, 0x81, low],
        _ => vec![0x30, 0x82, high, low],
    };
    der.extend_from_slice(subject);
    X509Name::from_der(&der).map_or_else(|_| "(no name)".to_owned(), |(_, name)| display_name(&name))
}

/// A text of a peer as it may be shown.
pub(in crate::tls) fn capped(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control();
    if text.len() <= MOST_CHARACTERS && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut capped: String = text
        .chars()
        .take(MOST_CHARACTERS)
        .map(|c| if is_plain(c) { c } else { '\u{fffd}' })
        .collect();
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        capped.push('…');
    }
    Cow::Owned(capped)
}

/// As hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_peer_are_capped() {
        assert_eq!(capped("a\u{1b}[31m"), "a\u{fffd}[31m");
        assert_eq!(capped(&"x".repeat(500)).chars().count(), MOST_CHARACTERS + 1);
        assert_eq!(capped("bücher.example"), "bücher.example");
    }

    #[test]
    fn an_anchor_is_named_whatever_its_length() {
        for length in [1, 60, 100, 110, 120, 200, 300] {
            let text = "n".repeat(length);
            let attribute = |content: &[u8]| {
                let mut der = vec![0x0c];
                match u8::try_from(content.len()) {
                    Ok(short @ 0..=0x7f) => der.push(short),
                    Ok(long) => der.extend([0x81, long]),
                    Err(_) => der.extend([0x82, 1, (content.len() - 256) as u8]),
                }
                der.extend_from_slice(content);
                der
            };
            let wrap = |tag: u8, content: Vec<u8>| {
                let mut der = attribute(&content);
                der[0] = tag;
                der
            };
            let mut pair = vec![0x06, 3, 0x55, 4, 3];
            pair.extend(attribute(text.as_bytes()));
            let subject = wrap(0x31, wrap(0x30, pair));
            assert!(name_of(&subject).starts_with('n'), "{length}");
        }
        assert_eq!(name_of(&[1, 2, 3]), "(no name)");
        assert_eq!(name_of(&[0; 70_000]), "(no name)");
    }
}
