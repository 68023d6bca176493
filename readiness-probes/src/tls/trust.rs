//! Why the verifier refuses a chain, explained from what was sent.

use readiness_core::{
    Finding,
    fact::{TlsSession, Trust, UntrustedKind},
};

use super::{
    certificate::Rules,
    expiry::{self, Age},
    served::{Served, chain_at},
    x509,
};

/// What the verifier said, explained from what was sent and what is `known` of it already.
pub(super) fn findings(
    served: &Served<'_>,
    session: &TlsSession,
    known: &[Finding],
    rules: &Rules<'_>,
) -> Vec<Finding> {
    let knows = |codes: &[&str]| {
        known
            .iter()
            .any(|finding| !finding.is_note() && codes.contains(&finding.code.as_str()))
    };
    let mut findings = Vec::new();
    // Where our side cannot use the certificate or its key, nobody has verified the signature. A key that is
    // a bit too short is refused by some providers of cryptography and used by others.
    let is_usable = served.leaf_der().is_some_and(x509::is_usable) && !knows_of_leaf(known, WEAK_KEY);
    if !session.signature_valid && is_usable {
        findings.push(
            Finding::fail(
                "bad_signature",
                "the handshake was not signed with the certificate's key, expected a signature that verifies",
            )
            .subject(chain_at(0))
            .remedy(
                "see whether the server's key belongs to its certificate; else somebody stands in between",
            ),
        );
    }
    let (kind, message) = match &session.trust {
        Trust::Trusted => return findings,
        Trust::Untrusted { kind, message } => (kind, message.as_str()),
        // A verdict of a later version: unknown here, and no trust.
        _ => (&UntrustedKind::Other, "the verdict is not known to this version"),
    };
    let generic = |code: &str, says: &str, remedy: &str| {
        Finding::fail(code, says)
            .subject(chain_at(0))
            .evidence("verifier", message)
            .remedy(remedy)
    };
    let is_self_issued = served.leaf().is_some_and(|leaf| leaf.is_self_issued());
    let has_bad_signature = message.contains("BadSignature");
    let explained: Vec<Finding> = match kind {
        // Verifiers take no certificate authority for a server, which is what `openssl req -x509` makes.
        UntrustedKind::Other if is_self_issued => untrusted(served, rules),
        // A key too weak to verify a signature with is not an unknown issuer.
        UntrustedKind::UnknownIssuer | UntrustedKind::Other if has_bad_signature && knows(WEAK_KEY) => {
            Vec::new()
        }
        // A self-signed one that was made anew bears the name of the old, which may be trusted.
        UntrustedKind::UnknownIssuer | UntrustedKind::Other if has_bad_signature && !is_self_issued => {
            vec![bad_signature(message, rules)]
        }
        UntrustedKind::UnknownIssuer => untrusted(served, rules),
        UntrustedKind::Other if message.contains("UnsupportedSignature") && !knows(WEAK_SIGNATURE) => {
            vec![generic(
                "unsupported_signature",
                "is signed, or a certificate above it is, with an algorithm that clients no longer accept",
                "issue the certificates again, signed with SHA-256 or better",
            )]
        }
        UntrustedKind::Other if message.contains("NameConstraintViolation") => {
            vec![name_constraints(served, message)]
        }
        UntrustedKind::Other if message.contains("PathLenConstraintViolated") => vec![generic(
            "path_too_long",
            "has more authorities above it than one of them allows (path length constraint)",
            "issue it from an authority that stands higher, or get the ones above issued again with a longer \
             path length",
        )],
        UntrustedKind::Purpose if !knows(&["wrong_purpose"]) => vec![generic(
            "wrong_purpose",
            "may not be used for servers",
            "issue it, and what issued it, again with the extended key usage `serverAuth`",
        )],
        UntrustedKind::WrongName if !knows(WRONG_NAME) => vec![generic(
            "wrong_host",
            "is not for this host",
            "issue a certificate that names this host",
        )],
        UntrustedKind::Expired | UntrustedKind::NotYetValid => {
            of_other_dates(served, knows(OUT_OF_DATE), rules)
        }
        _ => Vec::new(),
    };
    let is_known = match kind {
        UntrustedKind::Purpose => knows(&["wrong_purpose"]),
        UntrustedKind::WrongName => knows(WRONG_NAME),
        UntrustedKind::Expired | UntrustedKind::NotYetValid => knows(OUT_OF_DATE),
        UntrustedKind::UnknownIssuer => knows(WEAK_KEY) || knows(FORM),
        _ => knows(FORM) || knows(WEAK_KEY) || knows(WEAK_SIGNATURE),
    };
    // Whatever the verifier refuses must be seen, also what nothing here explains.
    if explained.is_empty() && !is_known {
        findings.push(generic(
            "untrusted",
            &format!("is not trusted: {message}"),
            "see what the verifier says, and install a certificate that clients accept",
        ));
    }
    findings.extend(explained);
    findings
}

const WEAK_KEY: &[&str] = &["short_key", "bad_exponent", "unsupported_key"];
const WEAK_SIGNATURE: &[&str] = &["weak_signature"];
const WRONG_NAME: &[&str] = &["wrong_host", "no_san"];
const OUT_OF_DATE: &[&str] = &["expired", "not_yet_valid"];
/// What makes verifiers refuse a certificate before they look for a path.
const FORM: &[&str] = &[
    "leaf_is_authority",
    "malformed",
    "malformed_extension",
    "not_an_authority",
    "old_version",
    "unknown_critical_extension",
];

fn knows_of_leaf(known: &[Finding], codes: &[&str]) -> bool {
    known
        .iter()
        .any(|finding| finding.subject == "chain[0]" && codes.contains(&finding.code.as_str()))
}

/// Verifiers find an issuer by its name alone, so a root of this name may be trusted and have another key.
fn bad_signature(message: &str, rules: &Rules<'_>) -> Finding {
    const SAYS: &str = "the chain has a signature that does not verify; a certificate of it is damaged, or an \
                        authority of the same name has another key";
    let finding = if rules.unknown_root_fails {
        Finding::fail("bad_signature", SAYS)
    } else {
        Finding::warn("bad_signature", SAYS)
    };
    finding.subject(chain_at(0)).evidence("verifier", message).remedy(
        "put the certificates in place again as the authority gave them; if the authority made itself a \
             new key, trust its new root and serve what that one issued",
    )
}

fn name_constraints(served: &Served<'_>, message: &str) -> Finding {
    let constrained = served
        .path()
        .skip(1)
        .find(|(_, other)| other.has_name_constraints);
    let by = constrained.map_or_else(
        || "an authority above it".to_owned(),
        |(position, other)| format!("`{}` ({})", other.subject, chain_at(position)),
    );
    let names = served.leaf().map_or_else(String::new, |leaf| leaf.names_text());
    Finding::fail(
        "name_constraints",
        format!("has a name outside of what {by} may issue for (name constraints)"),
    )
    .subject(chain_at(0))
    .evidence("names", names)
    .evidence("verifier", message)
    .remedy("issue it for names the authority may issue for, or from another authority")
}

fn untrusted(served: &Served<'_>, rules: &Rules<'_>) -> Vec<Finding> {
    served
        .chain
        .untrusted(&served.read, rules.unknown_root_fails)
        .into_iter()
        .collect()
}

/// The verifier's clock found a certificate out of date; at the run's instant it may be in order.
fn of_other_dates(served: &Served<'_>, is_known: bool, rules: &Rules<'_>) -> Vec<Finding> {
    if is_known {
        return Vec::new();
    }
    // One that is on no path here may be what the verifier met.
    let others: Vec<Finding> = served
        .read
        .iter()
        .enumerate()
        .filter_map(|(position, certificate)| {
            let certificate = certificate.as_ref()?;
            let limits = rules.limits(certificate);
            Age::of(certificate, limits, rules.now)
                .is_out_of_date()
                .then(|| expiry::finding(certificate, position, limits, rules.now))?
        })
        .collect();
    if !others.is_empty() {
        return others;
    }
    // A path was not looked for once a date had failed, so what cannot lead to a root is still told.
    if served.leaf().is_some_and(|leaf| leaf.is_self_issued()) {
        return untrusted(served, rules);
    }
    vec![Finding::note(
        "other_clock",
        format!(
            "all dates are in order at {}, the verifier judged by another clock; whether the path leads to \
             a trusted root was not shown; set this machine's clock and look again",
            rules.now
        ),
    )]
}
