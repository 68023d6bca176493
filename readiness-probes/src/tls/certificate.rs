mod dates;
mod identity;
mod refused;
mod staple;

use readiness_core::{
    Described, Finding, Measure, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp,
    Unit, async_trait,
    fact::{AnchorStore, StartTls, TlsEnd, TlsFacts, Trust, UntrustedKind},
};

use super::{
    expiry::{Limits, Margin, span},
    opening::each_handshake,
    refusal,
    served::{MOST_CERTIFICATES, MOST_DEPTH, Served, summary_of},
    trust,
    x509::{Certificate, hex},
};

readiness_core::probe! {
    /// The certificate is valid for this host, trusted, and not about to expire.
    ///
    /// # What it checks
    /// The certificates the server sends, in the order it sends them, on every address of the target: their
    /// dates, the names they are for, what they may be used for, their keys and signatures, whether they
    /// lead to a trusted root, and the OCSP response that is stapled to them. All of it is reported also
    /// where verification fails. Rules that clients do not enforce are `tls.certificate_rules`.
    ///
    /// # Why it matters
    /// Clients refuse a certificate that has expired, names another host, or leads to no root they trust:
    /// the service is down for them, however well it runs.
    ///
    /// # How it is judged
    /// Each fault is a finding of its own with the certificate's position: `chain[0]` is the server's.
    /// What makes clients refuse a certificate fails: expired, not yet valid, another host, no subject
    /// alternative name, a name of `must_cover` that is not covered, an unknown root, a missing
    /// intermediate, self-signed, the wrong purpose, role or key usage, an unknown critical extension, name
    /// constraints, an RSA key below 2048 bits, an unknown curve, a signature with SHA-1 or MD5, a wrong
    /// signature, revoked, a stale OCSP response. So does a certificate of the path
    /// with 15 % of its lifetime left, at most 14 days. With 30 % left, at most 30 days, it warns; so do a
    /// wrong order, a duplicate, an OCSP response past two thirds of its time, and must-staple without one:
    /// only one connection is made, and nginx has none for the first of each worker. From a third of the lifetime on
    /// it is told that the renewal is due (half of a lifetime below ten days).
    ///
    /// Where several paths lead to a trusted root, the one that lasts longest counts; what else is sent is
    /// told. Dates are judged at the run's instant. Under the profile `local` an unknown root warns, and a
    /// near end is only told. Whether a certificate was revoked is only known where the server staples it;
    /// the staple's own signature is not verified.
    ///
    /// # How to fix
    /// Install a certificate for this host with all its intermediates, and renew it automatically when a
    /// third of its lifetime is left.
    pub struct TlsCertificate {
        /// Warns with this many days left or fewer, instead of 30 % of the lifetime. In days. Not less than what
        /// fails: to be warned later, set `fail_days` too.
        pub warn_days: Option<u32> = None,
        /// Fails with this many days left or fewer, instead of 15 % of the lifetime. In days.
        pub fail_days: Option<u32> = None,
        /// Warns with this part of the lifetime left or less; with `warn_days`, what is less. In percent. Not
        /// less than what fails: to be warned later, set `fail_percent` too.
        pub warn_percent: Option<u8> = None,
        /// Fails with this part of the lifetime left or less; with `fail_days`, what is less. In percent.
        pub fail_percent: Option<u8> = None,
        /// The renewal is due this long before the end, instead of a third of the lifetime. In days.
        pub renew_before_days: Option<u32> = None,
        /// The same as a part of the lifetime; only one of both can be set. In percent.
        pub renew_before_percent: Option<u8> = None,
        /// Names and addresses the certificate must be for, beside the target's own.
        pub must_cover: Vec<String> = Vec::new(),
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
        "RFC 6960 section 4.2" => "https://www.rfc-editor.org/rfc/rfc6960#section-4.2",
        "RFC 7633" => "https://www.rfc-editor.org/rfc/rfc7633",
    ],
}

impl TlsCertificate {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        for (name, percent, most) in [
            ("warn_percent", self.warn_percent, 100),
            ("fail_percent", self.fail_percent, 100),
            ("renew_before_percent", self.renew_before_percent, 99),
        ] {
            if let Some(percent) = percent.filter(|percent| *percent > most) {
                return Err(format!("`{name}` is {percent}, expected at most {most}"));
            }
        }
        // Where only one is set, the other follows the lifetime, which is not known yet.
        let pairs = [
            ("days", self.warn_days, self.fail_days),
            (
                "percent",
                self.warn_percent.map(u32::from),
                self.fail_percent.map(u32::from),
            ),
        ];
        for (unit, warn, fail) in pairs {
            if let (Some(warn), Some(fail)) = (warn, fail)
                && warn < fail
            {
                return Err(format!(
                    "`warn_{unit}` is {warn} and `fail_{unit}` {fail}: nothing would warn, expected it to be more"
                ));
            }
        }
        if self.renew_before_days.is_some() && self.renew_before_percent.is_some() {
            return Err(
                "`renew_before_days` and `renew_before_percent` are both set, expected one of them"
                    .to_owned(),
            );
        }
        let is_no_name = |name: &&String| identity::ascii_of(name).is_none();
        match self.must_cover.iter().find(is_no_name) {
            Some(name) => Err(format!(
                "`must_cover` holds `{}`, expected names such as `www.example.com` or addresses; for a \
                 wildcard write a name that it covers",
                name.chars().take(60).collect::<String>()
            )),
            None => Ok(()),
        }
    }
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

/// Judges a handshake by default settings and by the rules of public names: for benches, as an engine around
/// it would weigh more than what is measured.
#[doc(hidden)]
pub fn judge_certificate(facts: &TlsFacts, host: &str, now: Timestamp) -> Outcome {
    let rules = Rules {
        settings: &TlsCertificate::default(),
        unknown_root_fails: true,
        expiry_informs: false,
        now,
    };
    judge(facts, host, &rules)
}

/// What a chain is held to.
pub(super) struct Rules<'a> {
    settings: &'a TlsCertificate,
    pub(super) unknown_root_fails: bool,
    expiry_informs: bool,
    pub(super) now: Timestamp,
}

impl Rules<'_> {
    pub(super) fn limits(&self, certificate: &Certificate<'_>) -> Limits {
        let margin = |days, percent| Margin { days, percent };
        Limits::new(
            certificate.lifetime_seconds(),
            margin(self.settings.warn_days, self.settings.warn_percent),
            margin(self.settings.fail_days, self.settings.fail_percent),
        )
    }

    fn renew_before(&self) -> Margin {
        Margin {
            days: self.settings.renew_before_days,
            percent: self.settings.renew_before_percent,
        }
    }
}

fn judge(facts: &TlsFacts, host: &str, rules: &Rules<'_>) -> Outcome {
    let Some(served) = Served::of(facts) else {
        return Outcome::unknown(
            Reason::ERROR,
            "the handshake ended in a way this version does not know",
        );
    };
    let mut findings: Vec<Finding> = served.malformed().collect();
    if let TlsEnd::Refused {
        reason,
        message,
        chain,
    } = &facts.end
    {
        findings.push(refusal::before_certificate(reason, message, chain));
    } else if served.count == 0 {
        findings.push(
            Finding::fail("no_certificate", "no certificate was sent, expected at least one")
                .remedy("turn off anonymous cipher suites and install a certificate"),
        );
    }
    findings.extend(identity::findings(&served, host, rules));
    findings.extend(refused::findings(&served));
    findings.extend(dates::findings(&served, rules));
    if let Some(session) = served.session {
        if let Some(leaf) = served.leaf() {
            findings.extend(staple::findings(leaf, session, rules.now));
        }
        findings.extend(trust::findings(&served, session, &findings, rules));
    }
    findings.extend(served.chain.findings(&served.read));
    findings.extend(long_chain(&served));
    findings.sort_by_key(|finding| (finding.status.rank(), finding.status.credit()));
    let summary = summary(&findings, served.leaf(), rules.now);
    shown(Outcome::judged(summary, findings), &served, rules.now)
}

fn long_chain(served: &Served<'_>) -> Option<Finding> {
    let length = served.chain.path.len();
    let message = if served.count > MOST_CERTIFICATES {
        format!(
            "{} certificates were sent, expected a handful; {MOST_CERTIFICATES} were read",
            served.count
        )
    } else if length > MOST_DEPTH {
        format!("the path has {length} certificates, expected a handful; {MOST_DEPTH} were judged")
    } else {
        return None;
    };
    Some(
        Finding::warn("long_chain", message)
            .remedy("send the server's certificate and its intermediates, nothing else"),
    )
}

fn summary(findings: &[Finding], leaf: Option<&Certificate<'_>>, now: Timestamp) -> String {
    match findings.first().filter(|worst| !worst.is_note()) {
        Some(worst) => summary_of(worst),
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
fn shown(mut outcome: Outcome, served: &Served<'_>, now: Timestamp) -> Outcome {
    if let Some(leaf) = served.leaf() {
        let left = leaf.not_after.seconds_since(now);
        // A serial number of the peer's may be long.
        let serial = leaf.serial.get(..leaf.serial.len().min(40)).unwrap_or_default();
        outcome = outcome
            .evidence("subject", leaf.subject.clone())
            .evidence("names", leaf.names_text())
            .evidence("issuer", leaf.issuer.clone())
            .evidence("valid from", leaf.not_before.to_string())
            .evidence("valid until", leaf.not_after.to_string())
            .evidence("lifetime", span(leaf.lifetime_seconds()))
            .evidence("serial", hex(serial))
            .evidence("sha256", leaf.fingerprint())
            .evidence("key", leaf.key.to_string())
            .measure(Measure::new("days left", left.div_euclid(86_400), Unit::Days));
    }
    if served.count > 0 {
        let sent: Vec<String> = served
            .read
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
    let Some(session) = served.session else {
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
    outcome = outcome.evidence("trust", trust);
    if let Some(anchor) = &session.anchor {
        let store = match anchor.store {
            AnchorStore::Given => "given",
            AnchorStore::Platform => "of the platform",
            AnchorStore::WebpkiRoots => "of webpki-roots",
            _ => "of another store",
        };
        let public = if anchor.public { "public" } else { "not public" };
        outcome = outcome.evidence("root", format!("{} ({store}, {public})", anchor.subject));
    }
    if session.version.is_empty() {
        return outcome;
    }
    outcome.evidence("agreed upon", format!("{}, {}", session.version, session.suite))
}

#[cfg(test)]
mod tests;
