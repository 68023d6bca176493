//! Why the verifier refuses a chain, explained from what was sent.

use readiness_core::{
    Finding,
    fact::{TlsSession, Trust, UntrustedKind},
};

use super::{
    certificate::Rules,
    chain::Chain,
    expiry::{self, Age},
    x509::Certificate,
};

/// What the verifier said, explained from what was sent.
pub(super) fn findings(
    chain: &Chain,
    read: &[Option<Certificate>],
    session: &TlsSession,
    known: &[Finding],
    rules: &Rules<'_>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !session.signature_valid {
        findings.push(
            Finding::fail(
                "bad_signature",
                "the handshake was not signed with the certificate's key, expected a signature that verifies",
            )
            .subject("chain[0]")
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
    let knows = |code: &str| known.iter().any(|finding| finding.code == code);
    let generic = |code: &str, says: &str, remedy: &str| {
        Finding::fail(code, says)
            .subject("chain[0]")
            .evidence("verifier", message)
            .remedy(remedy)
    };
    let is_self_issued = matches!(read.first(), Some(Some(leaf)) if leaf.is_self_issued());
    let explained: Vec<Finding> = match kind {
        // Verifiers take no certificate authority for a server, which is what `openssl req -x509` makes.
        UntrustedKind::Other if is_self_issued => untrusted(chain, read, rules),
        UntrustedKind::UnknownIssuer => untrusted(chain, read, rules),
        UntrustedKind::Other if message.contains("UnsupportedSignature") => vec![generic(
            "unsupported_signature",
            "is signed, or a certificate above it is, with an algorithm that clients no longer accept",
            "issue the certificates again, signed with SHA-256 or better",
        )],
        UntrustedKind::Other if message.contains("BadSignature") => vec![generic(
            "bad_signature",
            "has, or a certificate above it has, a signature that does not verify",
            "get the certificates anew from the authority: one of them is damaged or forged",
        )],
        UntrustedKind::Purpose if !knows("wrong_purpose") => vec![generic(
            "wrong_purpose",
            "may not be used for servers",
            "issue it, and what issued it, again with the extended key usage `serverAuth`",
        )],
        UntrustedKind::WrongName if !knows("wrong_host") && !knows("no_san") => vec![generic(
            "wrong_host",
            "is not for this host",
            "issue a certificate that names this host",
        )],
        UntrustedKind::Expired | UntrustedKind::NotYetValid => of_other_dates(chain, read, known, rules),
        _ => Vec::new(),
    };
    let is_known = match kind {
        UntrustedKind::Purpose => knows("wrong_purpose"),
        UntrustedKind::WrongName => knows("wrong_host") || knows("no_san"),
        UntrustedKind::Expired | UntrustedKind::NotYetValid => knows("expired") || knows("not_yet_valid"),
        _ => knows("malformed") || knows("unknown_critical_extension"),
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

fn untrusted(chain: &Chain, read: &[Option<Certificate>], rules: &Rules<'_>) -> Vec<Finding> {
    chain
        .untrusted(read, rules.unknown_root_fails)
        .into_iter()
        .collect()
}

/// The verifier's clock found a certificate out of date; at the run's instant it may be in order.
fn of_other_dates(
    chain: &Chain,
    read: &[Option<Certificate>],
    known: &[Finding],
    rules: &Rules<'_>,
) -> Vec<Finding> {
    if known
        .iter()
        .any(|finding| matches!(finding.code.as_str(), "expired" | "not_yet_valid"))
    {
        return Vec::new();
    }
    // One that is on no path here may be what the verifier met.
    let others: Vec<Finding> = read
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
    if matches!(read.first(), Some(Some(leaf)) if leaf.is_self_issued()) {
        return untrusted(chain, read, rules);
    }
    vec![Finding::note(
        "other_clock",
        format!(
            "all dates are in order at {}, the verifier judged by another clock; whether the path leads to \
             a trusted root was not shown",
            rules.now
        ),
    )]
}
