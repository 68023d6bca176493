//! Extensions and serial numbers, as RFC 5280 demands them.

use readiness_core::{Finding, Timestamp};

use crate::tls::{
    served::{Served, chain_at},
    x509::{Certificate, Key, Purposes},
};

/// The longest serial number, in octets (RFC 5280, section 4.1.2.2).
const LONGEST_SERIAL: usize = 20;
/// When public authorities have to stop putting `clientAuth` into servers' certificates, by the policy of
/// Chrome's root program: 2026-06-15. Shown in a note; the date has been moved before.
const CLIENT_AUTH_ENDS: Timestamp = Timestamp::from_unix_seconds(1_781_481_600);

pub(super) fn findings(served: &Served<'_>, is_public: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (position, certificate) in served.path() {
        let is_leaf = position == 0;
        let mut of_one = if is_leaf {
            of_leaf(certificate, is_public)
        } else {
            of_authority(certificate)
        };
        of_one.extend(of_key_ids(served, certificate, is_leaf));
        of_one.extend(of_serial(certificate));
        let at = chain_at(position);
        findings.extend(of_one.into_iter().map(|finding| finding.subject(at.clone())));
    }
    findings
}

fn of_leaf(leaf: &Certificate<'_>, is_public: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    match leaf.purposes {
        None => findings.push(
            Finding::warn(
                "no_purpose",
                "has no extended key usage, expected `serverAuth`: it may be used for anything",
            )
            .remedy("issue it again with the extended key usage `serverAuth`"),
        ),
        // Any purpose without the server's is refused: another probe's.
        Some(Purposes {
            any: true,
            server: true,
            ..
        }) => findings.push(
            Finding::warn(
                "any_purpose",
                "allows any purpose (`anyExtendedKeyUsage`), expected `serverAuth` alone",
            )
            .remedy("issue it again with the extended key usage `serverAuth` alone"),
        ),
        Some(Purposes { client: true, .. }) if is_public => {
            let end = CLIENT_AUTH_ENDS.date();
            let which = if leaf.not_before < CLIENT_AUTH_ENDS {
                format!("which those issued from {end} on may not; the next one will not have it")
            } else {
                format!("which Chrome's root program forbids in those issued from {end} on")
            };
            findings.push(Finding::note(
                "client_purpose",
                format!(
                    "may also be used for clients (`clientAuth`), {which}: where it serves as a client's \
                     certificate, plan another one"
                ),
            ));
        }
        Some(_) => {}
    }
    let Some(usage) = leaf.key_usage else {
        return findings;
    };
    let is_rsa = matches!(leaf.key, Key::Rsa { .. });
    let odd = if usage.key_cert_sign && !leaf.is_authority() {
        Some(("`keyCertSign`", "is no authority"))
    } else if !is_rsa && usage.key_encipherment {
        // RFC 8813, section 3: such a key encrypts no other.
        Some(("`keyEncipherment`", "has no RSA key"))
    } else if is_rsa && usage.key_agreement {
        Some(("`keyAgreement`", "has an RSA key"))
    } else {
        None
    };
    if let Some((usage, what)) = odd {
        findings.push(
            Finding::warn(
                "odd_key_usage",
                format!("allows {usage} in its key usage and {what}"),
            )
            .remedy(format!("issue it again without the key usage {usage}")),
        );
    }
    findings
}

fn of_authority(authority: &Certificate<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    if authority.key_usage.is_none() {
        findings.push(
            Finding::warn(
                "no_key_usage",
                "is an authority without a key usage, expected `keyCertSign`: strict clients refuse it (Python \
                 from 3.13 on)",
            )
            .remedy("issue it again with the critical key usage `keyCertSign`"),
        );
    }
    let constraints = authority.constraints;
    if constraints.is_some_and(|constraints| constraints.is_ca && !constraints.is_critical) {
        findings.push(
            Finding::warn(
                "constraints_not_critical",
                "is an authority whose basic constraints are not critical: strict clients refuse it (Python \
                 from 3.13 on)",
            )
            .remedy("issue it again with critical basic constraints"),
        );
    }
    findings
}

/// Key identifiers link a certificate to its issuer (RFC 5280, sections 4.2.1.1 and 4.2.1.2).
fn of_key_ids(served: &Served<'_>, certificate: &Certificate<'_>, is_leaf: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    if certificate.authority_key_id.is_none() && !certificate.is_self_issued() {
        findings.push(
            Finding::warn(
                "no_authority_key_id",
                "has no authority key identifier, expected its issuer's: strict clients refuse it (Python from \
                 3.13 on)",
            )
            .remedy("issue it again with an authority key identifier"),
        );
    }
    if certificate.key_id.is_none() && !is_leaf {
        findings.push(
            Finding::warn(
                "no_subject_key_id",
                "is an authority without a subject key identifier: strict clients refuse it (Python from 3.13 \
                 on)",
            )
            .remedy("issue it again with a subject key identifier"),
        );
    }
    let namesakes = || {
        let others = served.read.iter().flatten();
        others.filter(|other| certificate.is_named_after(other) && !certificate.is_self_issued())
    };
    let has_issuer = namesakes().any(|other| !certificate.wants_other_key(other));
    if let Some(other) = namesakes().find(|_| !has_issuer) {
        findings.push(
            Finding::warn(
                "key_id_mismatch",
                format!(
                    "names another key of its issuer `{}` than the one that was sent",
                    other.subject
                ),
            )
            .remedy("send the issuer's certificate that belongs to this one: it may have been renewed with a new key"),
        );
    }
    findings
}

fn of_serial(certificate: &Certificate<'_>) -> Option<Finding> {
    let serial = certificate.serial;
    let is_negative = serial.first().is_some_and(|first| first & 0x80 != 0);
    // The octet that only keeps a number positive is none of its own.
    let own = serial.strip_prefix(&[0]).unwrap_or(serial);
    let problem = if serial.iter().all(|byte| *byte == 0) {
        "is zero".to_owned()
    } else if is_negative {
        "is negative".to_owned()
    } else if own.len() > LONGEST_SERIAL {
        format!("has {} octets, expected at most {LONGEST_SERIAL}", own.len())
    } else {
        return None;
    };
    Some(
        Finding::warn("bad_serial", format!("has a serial number that {problem}"))
            .remedy("issue it again with a positive random serial number of at most 20 octets"),
    )
}
