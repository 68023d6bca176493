mod form;
mod keys;
mod names;
mod public;

use readiness_core::{
    Described, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{StartTls, TlsEnd, TlsFacts},
};

use super::{
    expiry::span,
    opening::each_handshake,
    refusal,
    served::{Served, summary_of},
};

readiness_core::probe! {
    /// The certificates are issued by the rules of their kind.
    ///
    /// # What it checks
    /// What standards and authorities demand of the certificates the server sends, and most clients do not
    /// enforce: the form of their names, their keys, extensions and serial numbers; and for those of a public
    /// root the rules of the CA/Browser Forum and of the browsers' root programs. What makes clients refuse a
    /// certificate is `tls.certificate`.
    ///
    /// # Why it matters
    /// A certificate against the rules works, until a stricter client comes along or its authority has to
    /// revoke it within days. Both are known long before, and mended with the next renewal.
    ///
    /// # How it is judged
    /// For every certificate, each with its position: a common name that is a host name and no subject
    /// alternative name; names with underscores, final dots, letters beyond ASCII or broken punycode;
    /// wildcards that are bare, misplaced, or cover a public suffix; no extended key usage, or any; a key
    /// usage that does not suit the key; an authority without key usage; missing or wrong key identifiers; a
    /// serial number that is zero, negative or over 20 octets; an RSA modulus that is no whole number of
    /// bytes, a small exponent. All of these warn.
    ///
    /// Under a public root also: a lifetime over the limit of its day of issue (398 days, 200 from
    /// 2026-03-15, 100 from 2027-03-15, 47 from 2029-03-15) warns and one over 398 days fails; timestamps of
    /// certificate transparency from fewer logs than 2, or 3 for more than 180 days, fail (who operates the
    /// logs, and whether browsers accept them, is not looked at); neither CRL nor OCSP
    /// address warns, unless the certificate is short-lived; so do names of inner networks. The root is
    /// public where it is in Mozilla's list, and the profile asks for these rules (`production` does).
    ///
    /// # How to fix
    /// Change the request or the authority's template, and get the certificate issued again.
    pub struct TlsCertificateRules {
        /// Whether the rules of public authorities apply. By default they do under a public root, where the
        /// profile asks for them.
        pub public_rules: Option<bool> = None,
        /// The dialogue before TLS: `smtp`, `imap`, `pop3`, `lmtp`, `postgres`, `mysql`, or a table of one's
        /// own. Default: that of the target's scheme, and none where it speaks TLS from the first byte.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.certificate_rules",
    title: "the certificates are issued by the rules",
    priority: Info,
    references: [
        "CA/Browser Forum baseline requirements, sections 6.1.5, 6.3.2 and 7.1" => "https://cabforum.org/working-groups/server/baseline-requirements/documents/",
        "RFC 5280 sections 4.1 and 4.2" => "https://www.rfc-editor.org/rfc/rfc5280#section-4.1",
        "RFC 9525 section 6.3" => "https://www.rfc-editor.org/rfc/rfc9525#section-6.3",
        "Chrome certificate transparency policy" => "https://googlechrome.github.io/CertificateTransparency/ct_policy.html",
    ],
}

#[async_trait]
impl Probe for TlsCertificateRules {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let wanted = cx.profile().public_ca_rules;
        each_handshake(cx, self.starttls.as_ref(), |facts, _| judge(facts, self, wanted)).await
    }
}

/// Judges a handshake as [`judge_certificate`](super::judge_certificate) does.
#[doc(hidden)]
pub fn judge_certificate_rules(facts: &TlsFacts) -> Outcome {
    judge(facts, &TlsCertificateRules::default(), true)
}

/// Judges the form of what was sent; `wanted` tells whether the profile asks for public authorities' rules.
fn judge(facts: &TlsFacts, settings: &TlsCertificateRules, wanted: bool) -> Outcome {
    let Some(served) = Served::of(facts) else {
        return Outcome::unknown(
            Reason::ERROR,
            "the handshake ended in a way this version does not know",
        );
    };
    let mut findings = Vec::new();
    if let TlsEnd::Refused {
        reason,
        message,
        chain,
    } = &facts.end
    {
        findings.push(refusal::before_certificate(reason, message, chain));
    }
    let Some(leaf) = served.leaf() else {
        // `tls.certificate` says what is wrong with it.
        if findings.is_empty() {
            return Outcome::not_applicable(if served.count == 0 {
                "no certificate was sent"
            } else {
                "the server's certificate cannot be read"
            });
        }
        return Outcome::judged("no certificate was seen", findings);
    };
    let scope = Scope::of(&served, settings, wanted);
    findings.extend(names::findings(leaf, scope.is_public()));
    findings.extend(keys::findings(&served));
    findings.extend(form::findings(&served, scope.is_public()));
    if scope.is_public() {
        findings.extend(public::findings(leaf));
    }
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = match findings.first().filter(|worst| !worst.is_note()) {
        Some(worst) => summary_of(worst),
        None => format!("by the rules: {}, {}", leaf.key, span(leaf.lifetime_seconds())),
    };
    let keys: Vec<String> = served
        .path()
        .map(|(position, certificate)| format!("chain[{position}] {}", certificate.key))
        .collect();
    let mut outcome = Outcome::judged(summary, findings)
        .evidence("keys", keys.join("; "))
        .evidence("lifetime", span(leaf.lifetime_seconds()))
        .evidence("rules of public authorities", scope.text());
    if scope.is_public() {
        let logs = format!("{} logs; their operators were not looked at", leaf.logs);
        outcome = outcome.evidence("certificate transparency", logs);
    }
    outcome
}

/// Whether the rules of public authorities apply, and why.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Scope<'a> {
    ByProfile,
    BySetting(bool),
    NoRoot,
    PrivateRoot(&'a str),
    PublicRoot(&'a str),
}

impl<'a> Scope<'a> {
    fn of(served: &Served<'a>, settings: &TlsCertificateRules, wanted: bool) -> Self {
        match (settings.public_rules, served.anchor()) {
            (Some(set), _) => Self::BySetting(set),
            (None, None) => Self::NoRoot,
            (None, Some(anchor)) if !anchor.public => Self::PrivateRoot(&anchor.subject),
            (None, Some(anchor)) if wanted => Self::PublicRoot(&anchor.subject),
            (None, Some(_)) => Self::ByProfile,
        }
    }

    fn is_public(self) -> bool {
        matches!(self, Self::BySetting(true) | Self::PublicRoot(_))
    }

    fn text(self) -> String {
        match self {
            Self::ByProfile => "do not apply under this profile".to_owned(),
            Self::BySetting(true) => "apply by the setting `public_rules`".to_owned(),
            Self::BySetting(false) => "do not apply by the setting `public_rules`".to_owned(),
            Self::NoRoot => "do not apply: no trusted root is known".to_owned(),
            Self::PrivateRoot(root) => format!("do not apply: the root `{root}` is not public"),
            Self::PublicRoot(root) => format!("apply: the root `{root}` is public"),
        }
    }
}

#[cfg(test)]
mod tests;
