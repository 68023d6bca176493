//! The messages of a server's first flight, each read from its whole body.

use readiness_core::fact::{ServerChain, ServerHello};

/// The random of a HelloRetryRequest (RFC 8446, section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// The most certificates of one message that are kept.
const MOST_CERTIFICATES: usize = 100;

/// The most bytes of a protocol's name that are kept.
const MOST_ALPN_CHARS: usize = 64;

/// Reads a ServerHello or a HelloRetryRequest; `None` where it is neither.
pub(super) fn server_hello(body: &[u8]) -> Option<ServerHello> {
    let mut rest = Bytes(body);
    let version = rest.number()?;
    let random = rest.take(32)?;
    let session = rest.counted::<1>()?;
    if session.0.len() > 32 {
        return None;
    }
    let suite = rest.number()?;
    let _compression = rest.take(1)?;
    let mut hello = ServerHello::new(version, suite);
    hello.is_retry = random == RETRY_RANDOM;
    if rest.0.is_empty() {
        return Some(hello);
    }
    let mut extensions = rest.counted::<2>()?;
    if !rest.0.is_empty() {
        return None;
    }
    while !extensions.0.is_empty() {
        let kind = extensions.number()?;
        let mut content = extensions.counted::<2>()?;
        match kind {
            16 => hello.alpn = protocol(content)?,
            43 => hello.version = content.number()?,
            51 => hello.group = Some(content.number()?),
            _ => {}
        }
    }
    Some(hello)
}

/// The one protocol that is agreed upon (RFC 7301, section 3.1).
fn protocol(mut content: Bytes<'_>) -> Option<String> {
    let mut list = content.counted::<2>()?;
    let name = list.counted::<1>()?;
    let name = String::from_utf8_lossy(name.0);
    Some(name.chars().take(MOST_ALPN_CHARS).collect())
}

/// Reads the certificates of a Certificate message of TLS 1.2 and before (RFC 5246, section 7.4.2).
pub(super) fn certificates(body: &[u8]) -> Option<ServerChain> {
    let mut rest = Bytes(body);
    let mut list = rest.counted::<3>()?;
    if !rest.0.is_empty() {
        return None;
    }
    let mut all = Vec::new();
    while !list.0.is_empty() {
        let certificate = list.counted::<3>()?;
        if all.len() < MOST_CERTIFICATES {
            all.push(certificate.0.to_vec());
        }
    }
    Some(ServerChain::new(all))
}

/// What a ServerKeyExchange tells of the key exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum KeyShare {
    /// A group by its number.
    Group(u16),
    /// A Diffie-Hellman prime of this many bits.
    Prime(u32),
}

/// Reads the begin of a ServerKeyExchange of an ECDHE suite (RFC 8422, section 5.4).
pub(super) fn elliptic(body: &[u8]) -> Option<KeyShare> {
    const NAMED_CURVE: u8 = 3;
    let mut rest = Bytes(body);
    match rest.take(1)? {
        [NAMED_CURVE] => rest.number().map(KeyShare::Group),
        _ => None,
    }
}

/// Reads the begin of a ServerKeyExchange of a DHE suite (RFC 5246, section 7.4.3).
pub(super) fn finite_field(body: &[u8]) -> Option<KeyShare> {
    let prime = Bytes(body).counted::<2>()?.0;
    let leading = prime.iter().take_while(|byte| **byte == 0).count();
    let first = prime.get(leading)?;
    let bytes = u32::try_from(prime.len() - leading).ok()?;
    Some(KeyShare::Prime(bytes * 8 - first.leading_zeros()))
}

/// What is not read yet.
#[derive(Clone, Copy)]
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u16> {
        match self.take(2)? {
            [high, low] => Some(u16::from_be_bytes([*high, *low])),
            _ => None,
        }
    }

    /// Takes what has its length before it, in so many bytes.
    fn counted<const WIDTH: usize>(&mut self) -> Option<Self> {
        let length = self.take(WIDTH)?;
        let length = length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        self.take(length).map(Self)
    }
}
