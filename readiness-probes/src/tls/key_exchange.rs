//! What a server's first flight tells of its keys, where it is sent in the clear.

use readiness_core::{Finding, fact::ServerHello};

use super::{
    group,
    x509::{Certificate, Key},
};

/// The smallest prime that is accepted for Diffie-Hellman, in bits (RFC 9325, section 4.1).
const FEWEST_DH_BITS: u32 = 2048;

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
    if let Some(curve) = hello.chain.iter().next().and_then(unusual_curve) {
        findings.push(
            Finding::fail(
                "weak_curve",
                format!(
                    "the certificate's key is on the curve {curve}, which clients refuse, expected P-256"
                ),
            )
            .subject("chain[0]")
            .evidence("curve", curve)
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

/// The curve of a certificate's key that no client of today takes.
fn unusual_curve(der: &[u8]) -> Option<String> {
    match Certificate::read(der).ok()?.key {
        Key::Ec(curve) if !curve.is_usual => Some(curve.name.into_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::fact::ServerChain;

    use super::*;
    use crate::tls::fixtures::forge::{Forged, ec, oid};

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
    fn a_key_on_an_unusual_curve_is_seen() {
        let leaf = |curve: &[u8]| {
            let mut leaf = Forged::leaf(&["example.com"]);
            leaf.key = ec(curve);
            leaf.der()
        };
        let mut hello = ServerHello::new(0x0303, 0xc02b);
        for (der, expected) in [
            (leaf(oid::P256), &[][..]),
            (leaf(oid::P521), &[]),
            (leaf(oid::P224), &["weak_curve"]),
            (Vec::new(), &[]),
            (b"\x30\x82\xff\xff".to_vec(), &[]),
        ] {
            hello.chain = ServerChain::new(vec![der]);
            assert_eq!(codes(&hello), expected);
        }
        hello.chain = ServerChain::new(vec![leaf(oid::P224)]);
        assert!(findings(&hello)[0].message.contains("the curve P-224"));
    }
}
