//! Digests and signatures of DNSSEC. <https://www.iana.org/assignments/dns-sec-alg-numbers>
//!
//! The provider that rustls is given cannot help here: zones are signed with RSA keys of 1024 bits, and SHA-1
//! is in every NSEC3 record. So it is the library of the crate's feature, asked directly; it keeps no state.

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs as library;
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring as library;

/// What is to be said of an algorithm.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// No resolver checks it any more, or it is broken.
    Broken,
    /// It must not be used for new signatures.
    Deprecated,
    Sound,
}

/// Whether this build can check signatures at all.
pub(super) const AVAILABLE: bool = cfg!(any(feature = "aws-lc-rs", feature = "ring"));

/// The name of a signature algorithm, for people.
pub(super) fn algorithm_name(algorithm: u8) -> String {
    let known = match algorithm {
        1 => "RSAMD5",
        3 => "DSA",
        5 => "RSASHA1",
        6 => "DSA-NSEC3-SHA1",
        7 => "RSASHA1-NSEC3-SHA1",
        8 => "RSASHA256",
        10 => "RSASHA512",
        12 => "ECC-GOST",
        13 => "ECDSAP256SHA256",
        14 => "ECDSAP384SHA384",
        15 => "ED25519",
        16 => "ED448",
        17 => "SM2SM3",
        23 => "ECC-GOST12",
        _ => return format!("algorithm {algorithm}"),
    };
    known.to_owned()
}

/// RFC 8624, section 3.1, and RFC 9905 for SHA-1.
pub(super) fn algorithm_standing(algorithm: u8) -> Standing {
    match algorithm {
        1 | 3 | 6 | 12 => Standing::Broken,
        5 | 7 => Standing::Deprecated,
        _ => Standing::Sound,
    }
}

/// The name of a digest of DS records, for people.
pub(super) fn digest_name(digest: u8) -> String {
    let known = match digest {
        1 => "SHA-1",
        2 => "SHA-256",
        3 => "GOST R 34.11-94",
        4 => "SHA-384",
        5 => "GOST R 34.11-2012",
        6 => "SM3",
        _ => return format!("digest {digest}"),
    };
    known.to_owned()
}

/// RFC 8624, section 3.3, and RFC 9905.
pub(super) fn digest_standing(digest: u8) -> Standing {
    match digest {
        1 => Standing::Deprecated,
        3 => Standing::Broken,
        _ => Standing::Sound,
    }
}

/// Whether signatures of this algorithm can be checked here.
pub(super) fn can_check(algorithm: u8) -> bool {
    matches!(algorithm, 5 | 7 | 8 | 10 | 13 | 14 | 15)
}

/// Whether digests of this kind can be made here.
pub(super) fn can_digest(digest: u8) -> bool {
    matches!(digest, 1 | 2 | 4)
}

/// The parts of an RSA key, exponent and modulus. RFC 3110, section 2.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn rsa_parts(key: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match key {
        [0, high, low, rest @ ..] => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        [length, rest @ ..] => (usize::from(*length), rest),
        [] => return None,
    };
    let (exponent, modulus) = rest.split_at_checked(length)?;
    let (exponent, modulus) = (without_zeros(exponent), without_zeros(modulus));
    (!exponent.is_empty() && !modulus.is_empty()).then_some((exponent, modulus))
}

#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
fn without_zeros(bytes: &[u8]) -> &[u8] {
    let first = bytes.iter().position(|byte| *byte != 0);
    first.and_then(|first| bytes.get(first..)).unwrap_or_default()
}

/// Whether a signature over a message is that of the key of a DNSKEY record; `None` where the key is of a kind or a
/// size that nothing here can work with.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(super) fn check(algorithm: u8, key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    use library::signature as s;

    let rsa = match algorithm {
        5 | 7 => Some(&s::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY),
        8 => Some(&s::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
        10 => Some(&s::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
        _ => None,
    };
    if let Some(parameters) = rsa {
        // What both libraries can work with; the time of a check grows with the exponent.
        let (e, n) = rsa_parts(key).filter(|(e, n)| (128..=1024).contains(&n.len()) && e.len() <= 4)?;
        let key = s::RsaPublicKeyComponents { n, e };
        return Some(key.verify(parameters, message, signature).is_ok());
    }
    let with = |verifier: &'static dyn s::VerificationAlgorithm, key: &[u8]| {
        let key = s::UnparsedPublicKey::new(verifier, key);
        Some(key.verify(message, signature).is_ok())
    };
    // RFC 6605, section 4: the point without the byte that says it is not compressed.
    let point = || [&[4], key].concat();
    match (algorithm, key.len()) {
        (13, 64) => with(&s::ECDSA_P256_SHA256_FIXED, &point()),
        (14, 96) => with(&s::ECDSA_P384_SHA384_FIXED, &point()),
        (15, 32) => with(&s::ED25519, key),
        _ => None,
    }
}

/// Without a library nothing can be checked.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
pub(super) fn check(_: u8, _: &[u8], _: &[u8], _: &[u8]) -> Option<bool> {
    None
}

/// The digest of a DS record of this kind over these parts.
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
pub(super) fn digest(kind: u8, parts: &[&[u8]]) -> Option<Vec<u8>> {
    use library::digest as d;

    let algorithm = match kind {
        1 => &d::SHA1_FOR_LEGACY_USE_ONLY,
        2 => &d::SHA256,
        4 => &d::SHA384,
        _ => return None,
    };
    let mut context = d::Context::new(algorithm);
    parts.iter().for_each(|part| context.update(part));
    Some(context.finish().as_ref().to_vec())
}

/// Without a library there is no digest.
#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
pub(super) fn digest(_: u8, _: &[&[u8]]) -> Option<Vec<u8>> {
    None
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;

    #[test]
    fn parts_of_rsa_keys() {
        let long = [&[0, 1, 0][..], &[7; 256], &[9; 4]].concat();
        type Parts<'a> = Option<(&'a [u8], &'a [u8])>;
        let rows: [(&[u8], Parts<'_>); 8] = [
            (&[], None),
            (&[0], None),
            (&[0, 1], None),
            (&[3, 1, 0, 1], None),
            (&[3, 1, 0, 1, 0xAB], Some((&[1, 0, 1], &[0xAB]))),
            // Zeros in front are prohibited; who writes them means the same number.
            (&[3, 0, 0, 3, 0, 0xAB], Some((&[3], &[0xAB]))),
            (&[200, 1], None),
            (&long, Some((&[7; 256], &[9; 4]))),
        ];
        for (key, parts) in rows {
            assert_eq!(rsa_parts(key), parts, "{key:?}");
        }
    }

    #[test]
    fn no_key_makes_a_check_panic() {
        for algorithm in 0..=255 {
            for length in [0, 1, 2, 31, 32, 33, 63, 64, 65, 95, 96, 97, 130, 260, 1030] {
                let key = vec![1; length];
                assert_ne!(
                    check(algorithm, &key, b"x", &key),
                    Some(true),
                    "{algorithm} {length}"
                );
                assert_ne!(
                    check(algorithm, &key, b"", &[]),
                    Some(true),
                    "{algorithm} {length}"
                );
            }
        }
    }

    #[test]
    fn what_can_be_checked_is_known_by_name() {
        for number in 0..=255 {
            let unknown = algorithm_name(number).starts_with("algorithm ");
            assert!(!(unknown && can_check(number)), "{number}");
            let unknown = digest_name(number).starts_with("digest ");
            assert!(!(unknown && can_digest(number)), "{number}");
            assert_eq!(digest(number, &[b"a", b"b"]).is_some(), can_digest(number));
        }
        let sha1 = digest(1, &[b"a", b"bc"]).unwrap();
        assert_eq!(sha1[..4], [0xa9, 0x99, 0x3e, 0x36]);
    }
}
