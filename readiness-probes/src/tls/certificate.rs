use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Status,
    Timestamp, Unit, async_trait,
    fact::{ServerChain, StartTls, TlsEnd, TlsFacts, TlsSession, Trust, UntrustedKind},
};

use super::{
    chain::Chain,
    expiry::{self, Limits, span},
    opening::each_handshake,
    refusal, trust,
    x509::{self, Certificate, Usage},
};

readiness_core::probe! {
    /// The certificate is valid for this host, trusted, and not about to expire.
    ///
    /// # What it checks
    /// The certificates the server sends, in the order it sends them, on every address of the target: their
    /// dates, the names they are for, what they may be used for, and whether they lead to a trusted root.
    /// All of it is reported also where verification fails.
    ///
    /// # Why it matters
    /// Clients refuse a certificate that has expired, names another host, or leads to no root they trust:
    /// the service is down for them, however well it runs.
    ///
    /// # How it is judged
    /// Each fault is a finding of its own with the certificate's position: `chain[0]` is the server's.
    /// Expired, not yet valid, another host, no subject alternative name, an unknown root, a missing
    /// intermediate, self-signed, the wrong purpose and a wrong signature fail; so does a certificate of the
    /// path with 15 % of its lifetime left, at most 14 days. With 30 % left, at most 30 days, it warns.
    /// Dates are judged at the run's instant. Under the profile `local` an unknown root warns, and a near
    /// end is only told. Whether a certificate was revoked is not looked at.
    ///
    /// # How to fix
    /// Install a certificate for this host with all its intermediates, and renew it automatically when a
    /// third of its lifetime is left.
    pub struct TlsCertificate {
        /// Warns with this many days left or fewer, instead of 30 % of the lifetime. In days.
        pub warn_days: Option<u32> = None,
        /// Fails with this many days left or fewer, instead of 15 % of the lifetime. In days.
        pub fail_days: Option<u32> = None,
        /// The dialogue before TLS: `smtp`, `imap`, `pop3`, `lmtp`, `postgres`, `mysql`, or a table of one's
        /// own. Default: that of the target's scheme, and none where it speaks TLS from the first byte.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.certificate",
    title: "the certificate is valid and trusted",
    priority: Critical,
    references: [
        "RFC 5280 section 6.1" => "https://www.rfc-editor.org/rfc/rfc5280#section-6.1",
        "RFC 9525 section 6" => "https://www.rfc-editor.org/rfc/rfc9525#section-6",
        "RFC 8446 section 4.4.2" => "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2",
        "CA/Browser Forum baseline requirements, section 6.3.2" => "https://cabforum.org/working-groups/server/baseline-requirements/documents/",
    ],
}

#[async_trait]
impl Probe for TlsCertificate {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let rules = Rules {
            settings: self,
            unknown_root_fails: cx.profile().unknown_root_fails,
            expiry_informs: cx.profile().is_local(),
            now: cx.now(),
        };
        each_handshake(cx, self.starttls.as_ref(), |facts, host| {
            judge(facts, host, &rules)
        })
        .await
    }
}

/// What a chain is held to.
pub(super) struct Rules<'a> {
    settings: &'a TlsCertificate,
    pub(super) unknown_root_fails: bool,
    expiry_informs: bool,
    pub(super) now: Timestamp,
}

/// The most certificates of a chain that are read. A handful is usual.
const MOST_CERTIFICATES: usize = 32;

fn judge(facts: &TlsFacts, host: &str, rules: &Rules<'_>) -> Outcome {
    let (chain, session) = match &facts.end {
        TlsEnd::Established(session) => (&session.chain, Some(&**session)),
        TlsEnd::Refused { chain, .. } => (chain, None),
        _ => {
            return Outcome::unknown(
                Reason::ERROR,
                "the handshake ended in a way this version does not know",
            );
        }
    };
    let ders: Vec<&[u8]> = chain.iter().take(MOST_CERTIFICATES).collect();
    let (read, malformed) = read_all(&ders);
    let mut findings = malformed;
    if let TlsEnd::Refused { reason, message, .. } = &facts.end {
        findings.push(refusal::finding(reason, message));
    } else if chain.is_empty() {
        findings.push(
            Finding::fail("no_certificate", "no certificate was sent, expected at least one")
                .remedy("turn off anonymous cipher suites and install a certificate"),
        );
    }
    let arranged = Chain::arrange(&ders, &read);
    if let (Some(&der), Some(Some(leaf))) = (ders.first(), read.first()) {
        findings.extend(of_server(der, leaf, host));
    }
    findings.extend(of_dates(&arranged, &read, session, rules));
    if let Some(session) = session {
        findings.extend(trust::findings(&arranged, &read, session, &findings, rules));
    }
    findings.extend(arranged.findings(&read));
    if chain.len() > MOST_CERTIFICATES {
        findings.push(
            Finding::warn(
                "long_chain",
                format!(
                    "{} certificates were sent, expected a handful; {MOST_CERTIFICATES} were read",
                    chain.len()
                ),
            )
            .remedy("send the server's certificate and its intermediates, nothing else"),
        );
    }
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = summary(&findings, read.first().and_then(Option::as_ref), rules.now);
    let outcome = Outcome::judged(summary, findings);
    shown(outcome, chain, &read, session, rules.now)
}

fn read_all(ders: &[&[u8]]) -> (Vec<Option<Certificate>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut read = Vec::new();
    for (position, der) in ders.iter().enumerate() {
        match Certificate::read(der) {
            Ok(certificate) => read.push(Some(certificate)),
            Err(problem) => {
                read.push(None);
                let message = format!("cannot be read: {problem}");
                let finding = if position == 0 {
                    Finding::fail("malformed", message)
                } else {
                    Finding::warn("malformed", message)
                };
                findings.push(
                    finding
                        .subject(format!("chain[{position}]"))
                        .evidence("size", format!("{} bytes", der.len()))
                        .remedy("see what the server's file of the chain holds at this position"),
                );
            }
        }
    }
    (read, findings)
}

/// Host, purpose and form of the server's own certificate.
fn of_server(der: &[u8], leaf: &Certificate, host: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let at = |finding: Finding| finding.subject("chain[0]");
    let has_names = !leaf.names.is_empty();
    if !has_names {
        let own = if leaf.has_common_name {
            format!("; clients ignore its common name `{}`", leaf.subject)
        } else {
            String::new()
        };
        findings.push(at(Finding::fail(
            "no_san",
            format!("has no subject alternative name, expected `{host}` in it{own}"),
        )
        .evidence("common name", leaf.subject.clone())
        .remedy(format!(
            "issue it again with `{host}` as subject alternative name"
        ))));
    } else if x509::is_for_host(der, host) == Some(false) {
        findings.push(at(Finding::fail(
            "wrong_host",
            format!("is not for `{host}`, it is for {}", leaf.names_text()),
        )
        .evidence("names", leaf.names_text())
        .remedy(format!(
            "issue a certificate that names `{host}`, or see why the server chose this one: it may not know \
             the name (SNI)"
        ))));
    }
    let purpose = match leaf.usage {
        Usage::Absent | Usage::Server => None,
        Usage::Any => Some("allows any purpose, expected `serverAuth` by name"),
        Usage::Other => Some("is not for servers, expected `serverAuth` among its extended key usages"),
    };
    if let Some(message) = purpose {
        findings.push(at(Finding::fail("wrong_purpose", message)
            .remedy("issue it again with the extended key usage `serverAuth`")));
    }
    if !leaf.unknown_critical.is_empty() {
        let list = leaf.unknown_critical.join(", ");
        findings.push(at(Finding::fail(
            "unknown_critical_extension",
            format!("holds a critical extension that clients do not know: {list}"),
        )
        .remedy("issue it again without that extension, or with it not critical")));
    }
    findings
}

/// The dates of each certificate of the path, each its own.
fn of_dates(
    chain: &Chain,
    read: &[Option<Certificate>],
    session: Option<&TlsSession>,
    rules: &Rules<'_>,
) -> Vec<Finding> {
    let trusted = session.is_some_and(|session| session.trust == Trust::Trusted);
    let root = chain.root(read);
    let mut findings = Vec::new();
    for (depth, &position) in chain.path.iter().enumerate() {
        // Clients use the root they have; the dates of the one that is sent count for nothing.
        let Some(Some(certificate)) = read.get(position).filter(|_| root != Some(position)) else {
            continue;
        };
        let Some(finding) = expiry::finding(certificate, position, rules.limits(certificate), rules.now)
        else {
            continue;
        };
        findings.push(if rules.expiry_informs && finding.code == "expires_soon" {
            as_note(finding)
        } else if trusted && depth > 1 && finding.status.is_fail() {
            // A trusted path exists. The server's certificate and its issuer are on every path; what is
            // further up may be a cross-signed form that the path does without.
            as_cross_signed(finding)
        } else {
            finding
        });
    }
    findings
}

fn as_note(mut finding: Finding) -> Finding {
    finding.remedy.clear();
    finding.status = Status::Pass;
    finding
}

fn as_cross_signed(mut finding: Finding) -> Finding {
    finding
        .message
        .push_str("; a path to a trusted root may do without it");
    finding.status = Status::warn();
    finding
        .remedy("stop sending it if it only cross-signs a root that clients know; else get its current form")
}

impl Rules<'_> {
    pub(super) fn limits(&self, certificate: &Certificate) -> Limits {
        Limits::new(
            certificate.lifetime_seconds(),
            self.settings.warn_days,
            self.settings.fail_days,
        )
    }
}

fn summary(findings: &[Finding], leaf: Option<&Certificate>, now: Timestamp) -> String {
    match findings.first().filter(|worst| !worst.is_note()) {
        Some(worst) => {
            // The first clause says what was found; the rest stands in the finding.
            let clause = worst.message.split([',', ';']).next().unwrap_or_default();
            match worst.subject.as_str() {
                "chain[0]" if worst.message.starts_with("the ") => clause.to_owned(),
                "chain[0]" => format!("the certificate {clause}"),
                "" => clause.to_owned(),
                other => format!("{other} {clause}"),
            }
        }
        None => leaf.map_or_else(
            || "a certificate was sent".to_owned(),
            |leaf| {
                format!(
                    "valid for {} (until {}), issued by {}",
                    span(leaf.not_after.seconds_since(now)),
                    leaf.not_after.date(),
                    leaf.issuer
                )
            },
        ),
    }
}

/// Adds what the judgement rests on.
fn shown(
    mut outcome: Outcome,
    chain: &ServerChain,
    read: &[Option<Certificate>],
    session: Option<&TlsSession>,
    now: Timestamp,
) -> Outcome {
    if let Some(Some(leaf)) = read.first() {
        let left = leaf.not_after.seconds_since(now);
        outcome = outcome
            .evidence("subject", leaf.subject.clone())
            .evidence("names", leaf.names_text())
            .evidence("issuer", leaf.issuer.clone())
            .evidence("valid from", leaf.not_before.to_string())
            .evidence("valid until", leaf.not_after.to_string())
            .evidence("lifetime", span(leaf.lifetime_seconds()))
            .evidence("serial", leaf.serial.clone())
            .evidence("sha256", leaf.fingerprint.clone())
            .measure(Measure::new("days left", left.div_euclid(86_400), Unit::Days));
    }
    if !chain.is_empty() {
        let sent: Vec<String> = read
            .iter()
            .map(|certificate| match certificate {
                Some(certificate) => {
                    format!("{} (until {})", certificate.subject, certificate.not_after.date())
                }
                None => "unreadable".to_owned(),
            })
            .collect();
        outcome = outcome.evidence("chain", sent.join(" → "));
    }
    let Some(session) = session else {
        return outcome;
    };
    let trust = match &session.trust {
        Trust::Trusted => "trusted".to_owned(),
        // The verifier counts the seconds by its own clock; the dates stand above.
        Trust::Untrusted {
            kind: UntrustedKind::Expired | UntrustedKind::NotYetValid,
            ..
        } => "not trusted: out of date".to_owned(),
        Trust::Untrusted { message, .. } => format!("not trusted: {message}"),
        _ => "not known".to_owned(),
    };
    outcome
        .evidence("trust", trust)
        .evidence("agreed upon", format!("{}, {}", session.version, session.suite))
}

#[cfg(test)]
mod tests;
