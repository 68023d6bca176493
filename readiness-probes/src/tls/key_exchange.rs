//! What a server's first flight tells of its keys, where it is sent in the clear.

use readiness_core::{Finding, fact::ServerHello};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::group;

/// The smallest prime that is accepted for Diffie-Hellman, in bits (RFC 9325, section 4.1).
const FEWEST_DH_BITS: u32 = 2048;

const P224: &str = "1.3.132.0.33";

/// What is too weak.
pub(super) fn findings(hello: &ServerHello) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(group) = hello.group.filter(|group| group::is_weak(*group)) {
        findings.push(weak_groups(&[group]));
    }
    if let Some(bits) = hello.dh_bits.filter(|bits| *bits < FEWEST_DH_BITS) {
        findings.push(
            Finding::fail(
                "weak_dh",
                format!("the Diffie-Hellman prime has {bits} bits, expected at least {FEWEST_DH_BITS}"),
            )
            .evidence("bits", bits.to_string())
            .remedy("take the DHE suites out, which nobody needs any more, or make a prime of 2048 bits"),
        );
    }
    if hello.chain.iter().next().is_some_and(is_p224) {
        findings.push(
            Finding::fail(
                "weak_curve",
                "the certificate's key is on the curve P-224, which clients of today refuse, expected P-256",
            )
            .subject("chain[0]")
            .remedy("get a certificate with a key on P-256, or an RSA key of 2048 bits"),
        );
    }
    findings
}

/// The fault of offering these groups.
pub(super) fn weak_groups(groups: &[u16]) -> Finding {
    let names: Vec<String> = groups
        .iter()
        .map(|group| format!("`{}`", group::name(*group)))
        .collect();
    Finding::fail(
        "weak_groups",
        format!(
            "keys are exchanged over {}, of 112 bits of strength or less, expected `x25519` or `secp256r1`",
            names.join(", ")
        ),
    )
    .evidence("groups", names.join(", "))
    .remedy("offer the groups X25519MLKEM768, x25519, secp256r1 and secp384r1 only")
}

fn is_p224(der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return false;
    };
    let parameters = certificate.public_key().algorithm.parameters.as_ref();
    parameters.is_some_and(|curve| curve.as_oid().is_ok_and(|oid| oid.to_id_string() == P224))
}

#[cfg(test)]
mod tests {
    use readiness_core::fact::ServerChain;

    use super::*;
    use crate::tls::fixtures::shared_leaf;

    fn codes(hello: &ServerHello) -> Vec<String> {
        findings(hello).into_iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn each_weakness_is_named() {
        let mut hello = ServerHello::new(0x0303, 0xc02f);
        assert!(codes(&hello).is_empty());
        for (group, expected) in [(Some(21), &["weak_groups"][..]), (Some(22), &[]), (Some(29), &[])] {
            hello.group = group;
            assert_eq!(codes(&hello), expected, "{group:?}");
        }
        for (bits, expected) in [
            (Some(2047), &["weak_dh"][..]),
            (Some(2048), &[]),
            (Some(2049), &[]),
            (None, &[]),
        ] {
            hello.dh_bits = bits;
            assert_eq!(codes(&hello), expected, "{bits:?}");
        }
    }

    #[test]
    fn a_key_on_p_224_is_seen() {
        let mut hello = ServerHello::new(0x0303, 0xc02b);
        let p256 = shared_leaf().to_vec();
        // The same certificate with the curve's number replaced: only the number is read.
        let number = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
        let at = p256
            .windows(number.len())
            .position(|part| part == number)
            .unwrap();
        hello.chain = ServerChain::new(vec![p256.clone()]);
        assert!(codes(&hello).is_empty());
        let mut p224 = p256;
        // Another object identifier of as many bytes would keep the lengths; P-224's is shorter, so the
        // algorithm's sequence is made anew around it.
        p224.splice(at..at + number.len(), [0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x21]);
        shorten(&mut p224, at, 3);
        hello.chain = ServerChain::new(vec![p224]);
        assert_eq!(codes(&hello), ["weak_curve"]);
        for garbage in [&b""[..], b"\x30", b"\x30\x82\xff\xff"] {
            hello.chain = ServerChain::new(vec![garbage.to_vec()]);
            assert!(codes(&hello).is_empty());
        }
    }

    /// Makes every DER value that encloses a place shorter by so many bytes.
    fn shorten(der: &mut [u8], place: usize, by: usize) {
        let mut at = 0;
        loop {
            let (header, length) = match der[at + 1] {
                0x81 => (3, usize::from(der[at + 2])),
                0x82 => (4, usize::from(der[at + 2]) << 8 | usize::from(der[at + 3])),
                short => (2, usize::from(short)),
            };
            let end = at + header + length;
            if place < at + header || (end <= place && place != at) {
                return;
            }
            let new = length - by;
            match header {
                2 => der[at + 1] = u8::try_from(new).unwrap(),
                3 => der[at + 2] = u8::try_from(new).unwrap(),
                _ => {
                    der[at + 2] = u8::try_from(new >> 8).unwrap();
                    der[at + 3] = u8::try_from(new & 0xff).unwrap();
                }
            }
            // The child that holds the place.
            at += header;
            while at < place {
                let (header, length) = match der[at + 1] {
                    0x81 => (3, usize::from(der[at + 2])),
                    0x82 => (4, usize::from(der[at + 2]) << 8 | usize::from(der[at + 3])),
                    short => (2, usize::from(short)),
                };
                if place < at + header + length {
                    break;
                }
                at += header + length;
            }
            if at >= place {
                return;
            }
        }
    }
}
