//! Keys that clients take, and that are not as they should be.

use readiness_core::Finding;

use crate::tls::{
    served::{Served, chain_at},
    x509::{Certificate, Exponent, Key, LEAST_RSA_BITS},
};

pub(super) fn findings(served: &Served<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, certificate) in served.path() {
        let at = chain_at(position);
        findings.extend(
            of_key(certificate)
                .into_iter()
                .map(|finding| finding.subject(at.clone())),
        );
    }
    findings
}

fn of_key(certificate: &Certificate<'_>) -> Vec<Finding> {
    let rare = |message: &str| vec![Finding::note("rare_key", message)];
    match &certificate.key {
        Key::Ed25519 | Key::Ed448 => rare(
            "has a key of the Edwards curves, which browsers do not take and public authorities do not certify",
        ),
        Key::Ec(curve) if curve.name == "P-521" => {
            rare("has a key on P-521, which some clients do not take; P-256 and P-384 are known to all")
        }
        Key::Rsa { bits, exponent } => of_rsa(*bits, *exponent),
        _ => Vec::new(),
    }
}

fn of_rsa(bits: usize, exponent: Exponent) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A shorter one is refused, which another probe tells.
    if bits >= LEAST_RSA_BITS && !bits.is_multiple_of(8) {
        findings.push(
            Finding::warn(
                "odd_modulus",
                format!("has an RSA key of {bits} bits, expected a multiple of 8"),
            )
            .evidence("modulus", format!("{bits} bits"))
            .remedy("make a new key with a current tool, and get a certificate for it"),
        );
    }
    if let Exponent::Small(value) = exponent {
        findings.push(
            Finding::warn(
                "small_exponent",
                format!("has an RSA key with the exponent {value}, expected 65537 or more"),
            )
            .remedy("make a new key with the usual exponent 65537, and get a certificate for it"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rsa_keys_are_counted_to_the_bit() {
        use Exponent::{Small, Usual};
        for (bits, exponent, expected) in [
            (2041, Usual, vec![]),
            (2047, Usual, vec![]),
            (2048, Usual, vec![]),
            (2049, Usual, vec![("warn", "odd_modulus")]),
            (3071, Usual, vec![("warn", "odd_modulus")]),
            (3072, Usual, vec![]),
            (2048, Small(3), vec![("warn", "small_exponent")]),
            (2048, Small(65_535), vec![("warn", "small_exponent")]),
            // even and 1 are refused by clients: another probe's
            (2048, Exponent::Even, vec![]),
            (2048, Exponent::One, vec![]),
        ] {
            let found: Vec<(&str, String)> = of_rsa(bits, exponent)
                .into_iter()
                .map(|finding| (finding.status.word(), finding.code))
                .collect();
            let expected: Vec<(&str, String)> = expected
                .into_iter()
                .map(|(word, code)| (word, code.to_owned()))
                .collect();
            assert_eq!(found, expected, "{bits} {exponent:?}");
        }
    }
}
