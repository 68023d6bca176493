use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{StartTls, TlsEnd, TlsFacts, TlsSession},
};

use super::{
    alpn,
    opening::each_handshake,
    refusal,
    suite::{Fault, Suite},
};

readiness_core::probe! {
    /// A current version of TLS with a strong cipher suite is agreed upon.
    ///
    /// # What it checks
    /// The version, the cipher suite and the protocol (ALPN) that server and client agree upon, on every
    /// address of the target, when TLS 1.2 and 1.3 are offered. It is quick: one handshake, which the other
    /// probes share. Older versions are not offered: whether the server would take them too is not looked
    /// at, and the evidence says so; `tls.versions` and `tls.cipher_suites` look.
    ///
    /// # Why it matters
    /// TLS 1.0 and 1.1 are forbidden (RFC 8996), and clients of today refuse them. A suite without forward
    /// secrecy lets whoever gets the key later read what was recorded now.
    ///
    /// # How it is judged
    /// A version below `min_version` fails, and so does a suite without encryption or authentication or with
    /// a broken cipher. No forward secrecy and CBC suites warn. TLS 1.2 passes, and is told. A server that
    /// ends the handshake because it speaks none of the versions fails; any other end is unknown. Where
    /// `alpn` names protocols, agreeing on none of them fails. HTTP/2 with a suite that it forbids warns.
    ///
    /// # How to fix
    /// Allow TLS 1.2 and 1.3 on the server, with ECDHE suites that use AES-GCM or ChaCha20-Poly1305.
    pub struct TlsProtocol {
        /// The oldest version that passes: `1.2` or `1.3`. Default: `1.2`.
        pub min_version: String = "1.2".to_owned(),
        /// The protocols of which one must be agreed upon by ALPN, such as `["h2", "http/1.1"]`; both of them
        /// are offered. Default: none, which demands nothing.
        pub alpn: Vec<String> = Vec::new(),
        /// The dialogue before TLS: `smtp`, `imap`, `pop3`, `lmtp`, `postgres`, `mysql`, or a table of one's
        /// own. Default: that of the target's scheme, and none where it speaks TLS from the first byte.
        pub starttls: Option<StartTls> = None,
    }
    id: "tls.protocol",
    title: "TLS is current",
    priority: High,
    references: [
        "RFC 8996" => "https://www.rfc-editor.org/rfc/rfc8996",
        "RFC 9325 section 3.1.1" => "https://www.rfc-editor.org/rfc/rfc9325#section-3.1.1",
        "RFC 9325 section 4.1" => "https://www.rfc-editor.org/rfc/rfc9325#section-4.1",
        "RFC 9113 section 9.2.2" => "https://www.rfc-editor.org/rfc/rfc9113#section-9.2.2",
    ],
}

impl TlsProtocol {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        alpn::check(&self.alpn)?;
        check_min_version(&self.min_version)
    }
}

pub(super) fn check_min_version(min_version: &str) -> Result<(), String> {
    match min_version {
        "1.2" | "1.3" => Ok(()),
        other => Err(format!(
            "`min_version` is `{}`, expected `1.2` or `1.3`",
            other.chars().take(20).collect::<String>()
        )),
    }
}

#[async_trait]
impl Probe for TlsProtocol {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        each_handshake(cx, self.starttls.as_ref(), |facts, _| judge(facts, self)).await
    }
}

fn judge(facts: &TlsFacts, settings: &TlsProtocol) -> Outcome {
    match &facts.end {
        TlsEnd::Established(session) => of_session(session, settings),
        TlsEnd::Refused { reason, message, .. } if refusal::is_about_version(reason, message) => {
            let finding = Finding::fail(
                "no_common_version",
                "the server speaks neither TLS 1.2 nor TLS 1.3, expected one of them",
            )
            .evidence("answer", message.clone())
            .remedy("allow TLS 1.2 and TLS 1.3 on the server, and turn older versions off");
            Outcome::judged("no version of TLS in common", vec![finding])
        }
        TlsEnd::Refused { reason, message, .. } => Outcome::judged(
            format!("no handshake: {}", reason.describe()),
            vec![refusal::finding(reason, message)],
        ),
        _ => Outcome::unknown(
            Reason::ERROR,
            "the handshake ended in a way this version does not know",
        ),
    }
}

fn of_session(session: &TlsSession, settings: &TlsProtocol) -> Outcome {
    let mut findings = vec![of_version(&session.version, &settings.min_version)];
    findings.extend(of_suite(&session.suite));
    findings.extend(alpn::expected(&session.alpn, &settings.alpn));
    findings.extend(alpn::allowed(&session.alpn, &session.suite));
    let group = if session.group.is_empty() {
        String::new()
    } else {
        format!(", {}", session.group)
    };
    let summary = format!("{} with {}{group}", spoken(&session.version), session.suite);
    let or_none = |text: &str, none: &str| {
        if text.is_empty() {
            none.to_owned()
        } else {
            text.to_owned()
        }
    };
    Outcome::judged(summary, findings)
        .evidence("version", session.version.clone())
        .evidence("suite", session.suite.clone())
        .evidence("group", or_none(&session.group, "not known"))
        .evidence("ALPN", or_none(&session.alpn, "none agreed upon"))
        .evidence("scope", "negotiated only; older versions were not tried")
}

fn of_version(version: &str, min_version: &str) -> Finding {
    let Some(minor) = minor(version) else {
        return Finding::unknown(
            "unknown_version",
            Reason::ERROR,
            format!("`{version}` is no known version of TLS, expected at least TLS {min_version}"),
        );
    };
    let minimum = if min_version == "1.3" { 3 } else { 2 };
    let spoken = spoken(version);
    if minor < minimum {
        return Finding::fail(
            "version_too_old",
            format!("{spoken} was agreed upon, expected at least TLS {min_version}"),
        )
        .evidence("version", version)
        .remedy(
            "allow TLS 1.3 on the server (OpenSSL 1.1.1 and later speak it), and turn older versions off",
        );
    }
    if minor == 2 {
        return Finding::note(
            "tls_1_2",
            "TLS 1.2 was agreed upon; the server did not take TLS 1.3",
        );
    }
    Finding::note("version", format!("{spoken} was agreed upon"))
}

/// The second number of the version; an SSL version counts as the oldest.
fn minor(version: &str) -> Option<u8> {
    match version {
        "TLSv1.3" => Some(3),
        "TLSv1.2" => Some(2),
        "TLSv1.1" => Some(1),
        "TLSv1.0" | "TLSv1" | "SSLv3" | "SSLv2" => Some(0),
        _ => None,
    }
}

fn spoken(version: &str) -> String {
    version.replacen("TLSv", "TLS ", 1)
}

fn of_suite(suite: &str) -> Option<Finding> {
    Some(Fault::of(&Suite::named(suite)?)?.finding(suite))
}

#[cfg(test)]
mod tests {
    use readiness_core::{
        Target,
        fact::{Endpoint, LocalRoute, Route, ServerChain, TlsHandshake, Trust},
        testing::Facts,
    };

    use super::*;

    fn session(version: &str, suite: &str) -> TlsFacts {
        let mut session = TlsSession::new(ServerChain::default(), Trust::Trusted);
        session.version = version.into();
        session.suite = suite.into();
        session.alpn = "h2".into();
        TlsFacts::new(TlsEnd::Established(Box::new(session)))
    }

    fn refused(reason: Reason, message: &str) -> TlsFacts {
        TlsFacts::new(TlsEnd::Refused {
            reason,
            message: message.into(),
            chain: ServerChain::default(),
        })
    }

    fn with_minimum(min_version: &str) -> TlsProtocol {
        TlsProtocol {
            min_version: min_version.into(),
            ..TlsProtocol::default()
        }
    }

    fn verdict(outcome: &Outcome) -> (&str, &str) {
        let worst = outcome
            .findings
            .iter()
            .min_by_key(|finding| finding.status.rank())
            .unwrap();
        (outcome.status.word(), worst.code.as_str())
    }

    #[test]
    fn versions_are_held_to_the_minimum() {
        for (version, minimum, expected) in [
            ("TLSv1.3", "1.2", ("pass", "version")),
            ("TLSv1.2", "1.2", ("pass", "tls_1_2")),
            ("TLSv1.1", "1.2", ("fail", "version_too_old")),
            ("TLSv1.3", "1.3", ("pass", "version")),
            ("TLSv1.2", "1.3", ("fail", "version_too_old")),
            ("SSLv3", "1.2", ("fail", "version_too_old")),
            ("QUIC\u{1b}[0m", "1.2", ("unknown", "unknown_version")),
        ] {
            let outcome = judge(
                &session(version, "TLS_AES_128_GCM_SHA256"),
                &with_minimum(minimum),
            );
            assert_eq!(verdict(&outcome), expected, "{version} {minimum}");
        }
    }

    #[test]
    fn suites_are_judged_by_their_parts() {
        for (suite, expected) in [
            ("TLS_AES_128_GCM_SHA256", "pass"),
            ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "pass"),
            ("TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "pass"),
            ("TLS_RSA_WITH_AES_128_GCM_SHA256", "warn"),
            ("TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", "warn"),
            ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "warn"),
            ("TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA", "fail"),
            ("TLS_RSA_WITH_RC4_128_MD5", "fail"),
            ("TLS_RSA_WITH_NULL_SHA256", "fail"),
            ("TLS_DH_anon_WITH_AES_128_CBC_SHA", "fail"),
            ("", "pass"),
        ] {
            let outcome = judge(&session("TLSv1.2", suite), &TlsProtocol::default());
            assert_eq!(outcome.status.word(), expected, "{suite}");
        }
    }

    #[test]
    fn only_a_missing_version_fails() {
        let judged = |reason, message| judge(&refused(reason, message), &TlsProtocol::default());
        let old = judged(Reason::TLS_ALERT, "the peer sent the alert `protocol_version`");
        assert_eq!(verdict(&old), ("fail", "no_common_version"));
        let older = judged(
            Reason::TLS_INCOMPATIBLE,
            "no version: ServerDoesNotSupportTls12Or13",
        );
        assert_eq!(verdict(&older), ("fail", "no_common_version"));
        for (reason, message) in [
            (Reason::TLS_ALERT, "the peer sent the alert `handshake_failure`"),
            (Reason::TLS_NOT_TLS, "the peer sent `protocol_version`"),
            (Reason::TLS_INCOMPATIBLE, "NoCipherSuitesInCommon"),
            (Reason::TCP_RESET, "reset"),
        ] {
            let outcome = judged(reason.clone(), message);
            assert_eq!(outcome.status, readiness_core::Status::unknown(reason));
        }
    }

    #[test]
    fn evidence_says_what_was_not_shown() {
        let outcome = judge(
            &session("TLSv1.3", "TLS_AES_128_GCM_SHA256"),
            &TlsProtocol::default(),
        );
        let shown = |label: &str| {
            let evidence = outcome.evidence.iter().find(|evidence| evidence.label == label);
            evidence.map(|evidence| evidence.value.as_str())
        };
        assert_eq!(
            shown("scope"),
            Some("negotiated only; older versions were not tried")
        );
        assert_eq!(shown("ALPN"), Some("h2"));
        assert_eq!(shown("group"), Some("not known"));
        assert_eq!(outcome.summary, "TLS 1.3 with TLS_AES_128_GCM_SHA256");
    }

    #[test]
    fn the_protocol_is_held_to_what_is_expected() {
        let with = |alpn: &[&str]| TlsProtocol {
            alpn: alpn.iter().map(|&name| name.to_owned()).collect(),
            ..TlsProtocol::default()
        };
        for (agreed, expected, status) in [
            ("h2", &[][..], "pass"),
            ("", &[], "pass"),
            ("h2", &["h2"], "pass"),
            ("h2", &["http/1.1", "h2"], "pass"),
            ("http/1.1", &["h2"], "fail"),
            ("", &["h2"], "fail"),
        ] {
            let mut facts = session("TLSv1.3", "TLS_AES_128_GCM_SHA256");
            if let TlsEnd::Established(session) = &mut facts.end {
                session.alpn = agreed.into();
            }
            let outcome = judge(&facts, &with(expected));
            assert_eq!(outcome.status.word(), status, "{agreed} {expected:?}");
        }
        let banned = judge(
            &session("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
            &TlsProtocol::default(),
        );
        let codes: Vec<&str> = banned.findings.iter().map(|finding| &*finding.code).collect();
        assert_eq!(codes, ["tls_1_2", "cbc_suite", "h2_with_forbidden_suite"]);
        assert!(with(&["spdy/3"]).check().unwrap_err().contains("`spdy/3`"));
    }

    #[test]
    fn the_setting_is_checked() {
        assert!(with_minimum("1.2").check().is_ok());
        assert!(with_minimum("1.3").check().is_ok());
        assert!(with_minimum("1.1").check().unwrap_err().contains("`1.1`"));
    }

    #[test]
    fn the_probe_looks_at_tls_targets_only() {
        let target = Target::parse("https://192.0.2.1").unwrap();
        let endpoint = Endpoint::new("192.0.2.1:443".parse().unwrap(), "192.0.2.1", true);
        let route = LocalRoute::new("192.0.2.1".parse().unwrap());
        let facts = Facts::new().with(route, Route::new(true)).with(
            TlsHandshake::new(endpoint),
            session("TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        );
        assert!(facts.judge(&TlsProtocol::default(), &target).status.is_pass());
        let plain = Target::parse("http://192.0.2.1").unwrap();
        assert!(
            facts
                .judge(&TlsProtocol::default(), &plain)
                .status
                .is_not_applicable()
        );
        let unseen = Facts::new().judge(&TlsProtocol::default(), &target);
        assert!(unseen.status.is_unknown());
    }
}
