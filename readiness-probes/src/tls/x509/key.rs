//! Public keys, and the algorithms certificates are signed with.

use std::{borrow::Cow, fmt};

use x509_parser::{
    asn1_rs::{FromDer, Oid},
    public_key::RSAPublicKey,
    signature_algorithm::RsaSsaPssParams,
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo},
};

/// The least size of an RSA key, in bits (baseline requirements, section 6.1.5).
pub(in crate::tls) const LEAST_RSA_BITS: usize = 2048;

/// The key a certificate is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Key {
    /// On a named curve.
    Ec(Curve),
    Ed25519,
    Ed448,
    /// Of a kind that servers are not known to use, by its name or object identifier.
    Other(Cow<'static, str>),
    Rsa {
        /// The exact length of the modulus.
        bits: usize,
        exponent: Exponent,
    },
    /// It cannot be read.
    Unreadable,
}

/// An elliptic curve.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::tls) struct Curve {
    /// Its name, or its object identifier.
    pub(in crate::tls) name: Cow<'static, str>,
    /// Whether clients know it: P-256, P-384 and P-521.
    pub(in crate::tls) is_usual: bool,
}

/// The public exponent of an RSA key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::tls) enum Exponent {
    Even,
    One,
    /// Odd and below 65537.
    Small(u64),
    /// 65537 or more.
    Usual,
}

impl Key {
    pub(super) fn of(info: &SubjectPublicKeyInfo<'_>) -> Self {
        let algorithm = &info.algorithm;
        match algorithm.algorithm.as_bytes() {
            RSA | RSA_PSS => Self::rsa(&info.subject_public_key.data),
            EC => Self::ec(algorithm),
            ED25519 => Self::Ed25519,
            ED448 => Self::Ed448,
            DSA => Self::Other(Cow::Borrowed("DSA")),
            _ => Self::Other(Cow::Owned(shown(&algorithm.algorithm))),
        }
    }

    fn rsa(der: &[u8]) -> Self {
        let Ok((_, key)) = RSAPublicKey::from_der(der) else {
            return Self::Unreadable;
        };
        let modulus = without_zeros(key.modulus);
        let unused = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        Self::Rsa {
            bits: modulus.len() * 8 - unused,
            exponent: Exponent::of(without_zeros(key.exponent)),
        }
    }

    fn ec(algorithm: &AlgorithmIdentifier<'_>) -> Self {
        let Some(Ok(curve)) = algorithm.parameters.as_ref().map(|any| any.clone().oid()) else {
            // Explicit parameters, which RFC 5480, section 2.1.1, forbids.
            return Self::Ec(Curve {
                name: Cow::Borrowed("without a name"),
                is_usual: false,
            });
        };
        let known = CURVES.iter().find(|(oid, ..)| *oid == curve.as_bytes());
        Self::Ec(match known {
            Some(&(_, name, is_usual)) => Curve {
                name: Cow::Borrowed(name),
                is_usual,
            },
            None => Curve {
                name: Cow::Owned(shown(&curve)),
                is_usual: false,
            },
        })
    }
}

/// As evidence: `RSA, 2048 bits`, `EC, P-256`.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ec(curve) => write!(f, "EC, {}", curve.name),
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Ed448 => f.write_str("Ed448"),
            Self::Other(name) => f.write_str(name),
            Self::Rsa { bits, .. } => write!(f, "RSA, {bits} bits"),
            Self::Unreadable => f.write_str("unreadable"),
        }
    }
}

impl Exponent {
    fn of(bytes: &[u8]) -> Self {
        let is_odd = bytes.last().is_some_and(|last| last & 1 == 1);
        if !is_odd {
            return Self::Even;
        }
        let value = match bytes {
            [only] => u64::from(*only),
            [high, low] => u64::from(*high) << 8 | u64::from(*low),
            // Three bytes and more are 65536 at least, and odd.
            _ => return Self::Usual,
        };
        if value == 1 { Self::One } else { Self::Small(value) }
    }
}

/// The broken hash a signature stands on, if it stands on one.
pub(super) fn broken_hash(algorithm: &AlgorithmIdentifier<'_>) -> Option<&'static str> {
    match algorithm.algorithm.as_bytes() {
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x02] => Some("MD2"),
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04] | [0x2b, 0x0e, 0x03, 0x02, 0x03] => {
            Some("MD5")
        }
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05]
        | [0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x03]
        | [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01]
        | [0x2b, 0x0e, 0x03, 0x02, 0x0d | 0x1b | 0x1d] => Some("SHA-1"),
        RSA_PSS => {
            // Without parameters it is SHA-1: RFC 4055, section 3.1.
            let Some(parameters) = &algorithm.parameters else {
                return Some("SHA-1");
            };
            let params = RsaSsaPssParams::try_from(parameters).ok()?;
            (params.hash_algorithm_oid().as_bytes() == SHA1).then_some("SHA-1")
        }
        _ => None,
    }
}

fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default()
}

/// An object identifier as text. Those of a peer may be long.
pub(super) fn shown(oid: &Oid<'_>) -> String {
    super::text::capped(&oid.to_id_string()).into_owned()
}

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const RSA_PSS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const DSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x38, 0x04, 0x01];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const ED448: &[u8] = &[0x2b, 0x65, 0x71];
const SHA1: &[u8] = &[0x2b, 0x0e, 0x03, 0x02, 0x1a];

/// Curves by the content of their object identifier, with whether clients know them.
const CURVES: [(&[u8], &str, bool); 9] = [
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256", true),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384", true),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521", true),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x01], "P-192", false),
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224", false),
    (&[0x2b, 0x81, 0x04, 0x00, 0x0a], "secp256k1", false),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07],
        "brainpoolP256r1",
        false,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0b],
        "brainpoolP384r1",
        false,
    ),
    (
        &[0x2b, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0d],
        "brainpoolP512r1",
        false,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_told_apart() {
        for (bytes, expected) in [
            (&[][..], Exponent::Even),
            (&[2], Exponent::Even),
            (&[1], Exponent::One),
            (&[3], Exponent::Small(3)),
            (&[0xff, 0xff], Exponent::Small(65_535)),
            (&[1, 0, 1], Exponent::Usual),
            (&[1, 0, 0], Exponent::Even),
            (&[9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9], Exponent::Usual),
        ] {
            assert_eq!(Exponent::of(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn the_modulus_is_counted_to_the_bit() {
        for (modulus, bits) in [
            (&[0x00, 0x80, 0x01][..], 16),
            (&[0x7f, 0x01], 15),
            (&[0x01, 0x01], 9),
            (&[0x00], 0),
        ] {
            let length = u8::try_from(modulus.len()).unwrap();
            let mut der = vec![0x30, length + 7, 2, length];
            der.extend_from_slice(modulus);
            der.extend([2, 3, 1, 0, 1]);
            let expected = Key::Rsa {
                bits,
                exponent: Exponent::Usual,
            };
            assert_eq!(Key::rsa(&der), expected, "{modulus:?}");
        }
        assert_eq!(Key::rsa(&[1, 2, 3]), Key::Unreadable);
    }
}
