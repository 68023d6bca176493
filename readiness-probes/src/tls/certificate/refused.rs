//! What makes clients refuse a certificate, beside its dates, its names and where it leads.

use readiness_core::Finding;

use crate::tls::{
    served::{Served, chain_at},
    x509::{Certificate, Exponent, Key, LEAST_RSA_BITS, Purposes},
};

/// Every such fault on the path, each with the certificate's position.
pub(super) fn findings(served: &Served<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, certificate) in served.path() {
        let mut of_one = of_form(certificate, served.is_trusted());
        of_one.extend(of_purpose(certificate, position == 0));
        of_one.extend(of_role(certificate, position == 0));
        of_one.extend(of_signature(certificate, position == 0));
        of_one.extend(of_key(certificate));
        let at = chain_at(position);
        findings.extend(of_one.into_iter().map(|finding| finding.subject(at.clone())));
    }
    findings
}

fn of_form(certificate: &Certificate<'_>, is_trusted: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if certificate.version != 3 {
        findings.push(
            Finding::fail(
                "old_version",
                format!(
                    "is an X.509 certificate of version {}, expected 3",
                    certificate.version
                ),
            )
            .remedy("issue it again as version 3: older ones cannot hold names or purposes"),
        );
    }
    if !certificate.malformed.is_empty() {
        let message = format!(
            "holds extensions in bad form: {}",
            certificate.malformed.join(", ")
        );
        // A verifier that took it did not need them.
        let finding = if is_trusted {
            Finding::warn("malformed_extension", message)
        } else {
            Finding::fail("malformed_extension", message)
        };
        findings.push(finding.remedy("issue it again; what signs certificates like this needs an update"));
    }
    if !certificate.unknown_critical.is_empty() {
        let list = certificate.unknown_critical.join(", ");
        findings.push(
            Finding::fail(
                "unknown_critical_extension",
                format!("holds a critical extension that clients do not know: {list}"),
            )
            .remedy("issue it again without that extension, or with it not critical"),
        );
    }
    findings
}

fn of_purpose(certificate: &Certificate<'_>, is_leaf: bool) -> Option<Finding> {
    let message = match (certificate.purposes, is_leaf) {
        (None | Some(Purposes { server: true, .. }), _) | (Some(Purposes { any: true, .. }), false) => {
            return None;
        }
        // OpenSSL, Firefox and rustls do not count it as the purpose of a server.
        (Some(Purposes { any: true, .. }), true) => "allows any purpose, expected `serverAuth` by name",
        (Some(_), true) => "is not for servers, expected `serverAuth` among its extended key usages",
        (Some(_), false) => {
            "may not issue for servers, expected `serverAuth` among its extended key usages or none"
        }
    };
    Some(
        Finding::fail("wrong_purpose", message)
            .remedy("issue it again with the extended key usage `serverAuth`"),
    )
}

/// Whether each is what it stands for: the first a server, the others authorities.
fn of_role(certificate: &Certificate<'_>, is_leaf: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    // A self-signed certificate is both, and is told to be that.
    if is_leaf && certificate.is_self_issued() {
        return findings;
    }
    if is_leaf && certificate.is_authority() {
        findings.push(
            Finding::fail(
                "leaf_is_authority",
                "is a certificate authority (CA:TRUE), expected a server's certificate",
            )
            .remedy("issue it again with CA:FALSE: whoever gets its key could issue for any name"),
        );
    }
    if !is_leaf && !certificate.is_authority() {
        findings.push(
            Finding::fail(
                "not_an_authority",
                "issued the one before it and is no certificate authority, expected CA:TRUE",
            )
            .remedy("issue it again with the basic constraint CA:TRUE, or send the right intermediate"),
        );
    }
    let missing = match certificate.key_usage {
        Some(usage) if is_leaf && !usage.digital_signature => Some((
            "`digitalSignature`",
            "browsers refuse it, as every handshake of today is signed",
        )),
        Some(usage) if !is_leaf && !usage.key_cert_sign => {
            Some(("`keyCertSign`", "clients do not let it issue others"))
        }
        _ => None,
    };
    if let Some((wanted, why)) = missing {
        findings.push(
            Finding::fail(
                "wrong_key_usage",
                format!("lacks {wanted} in its key usage; {why}"),
            )
            .remedy(format!("issue it again with the key usage {wanted}")),
        );
    }
    findings
}

fn of_signature(certificate: &Certificate<'_>, is_leaf: bool) -> Option<Finding> {
    // Nobody verifies what a server signs itself; a root is not on the path.
    let hash = certificate
        .broken_hash
        .filter(|_| !(is_leaf && certificate.is_self_issued()))?;
    Some(
        Finding::fail(
            "weak_signature",
            format!("is signed with {hash}, expected SHA-256 or better: clients refuse it"),
        )
        .evidence("issuer", certificate.issuer.clone())
        .remedy("get it issued again, signed with SHA-256 or better"),
    )
}

fn of_key(certificate: &Certificate<'_>) -> Vec<Finding> {
    const ANEW: &str =
        "make a new key (RSA of 2048 bits or more, or EC on P-256) and get a certificate for it";
    let unsupported = |found: String| {
        vec![
            Finding::fail(
                "unsupported_key",
                format!("{found}, expected RSA, or EC on P-256, P-384 or P-521: clients refuse it"),
            )
            .evidence("key", certificate.key.to_string())
            .remedy(ANEW),
        ]
    };
    match &certificate.key {
        Key::Ed25519 | Key::Ed448 => Vec::new(),
        Key::Ec(curve) if curve.is_usual => Vec::new(),
        Key::Ec(curve) => unsupported(format!("has a key on the curve {}", curve.name)),
        Key::Other(name) => unsupported(format!("has a key of the kind {name}")),
        Key::Unreadable => unsupported("has a key that cannot be read".to_owned()),
        Key::Rsa { bits, exponent } => {
            let mut findings = Vec::new();
            // To the bit: some libraries round up to whole bytes, and others refuse what is one bit short.
            if *bits < LEAST_RSA_BITS {
                findings.push(
                    Finding::fail(
                        "short_key",
                        format!("has an RSA key of {bits} bits, expected at least {LEAST_RSA_BITS}"),
                    )
                    .evidence("key", certificate.key.to_string())
                    .remedy(ANEW),
                );
            }
            let odd = match exponent {
                Exponent::Even => Some("even"),
                Exponent::One => Some("1"),
                Exponent::Small(_) | Exponent::Usual => None,
            };
            if let Some(odd) = odd {
                findings.push(
                    Finding::fail(
                        "bad_exponent",
                        format!(
                            "has an RSA key whose exponent is {odd}, expected 65537: it protects nothing"
                        ),
                    )
                    .remedy(ANEW),
                );
            }
            findings
        }
    }
}
