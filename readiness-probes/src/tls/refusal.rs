//! A handshake that did not come about: what to do.

use readiness_core::{Finding, Reason, fact::ServerChain};

/// What is said where no version is common. Recordings of earlier versions hold the name of an error instead.
pub(crate) const NO_VERSION: &str = "the peer speaks neither TLS 1.2 nor TLS 1.3";

/// The handshake ended before there was anything to judge. A peer that does not change to TLS, or somebody who
/// meddles with the change, was seen and is a fault; anything else is unknown.
pub(super) fn finding(reason: &Reason, message: &str) -> Finding {
    if *reason == Reason::STARTTLS_DECLINED {
        return Finding::fail("starttls_declined", message.to_owned()).remedy(
            "turn TLS on for this port on the server, with a certificate and its key; see the server's log for \
             why it is off",
        );
    }
    if *reason == Reason::STARTTLS_INJECTED {
        return Finding::fail("starttls_injected", message.to_owned()).remedy(
            "find out who put it there: a proxy in between, or a server that sends on before TLS begins; \
             update the server, and use the port that speaks TLS from the first byte where there is one",
        );
    }
    Finding::unknown(
        "no_handshake",
        reason.clone(),
        format!("no handshake came about: {message}"),
    )
    .remedy(advice(reason, message))
}

/// The same for who judges the certificate: where none was shown, it was not judged.
pub(super) fn before_certificate(reason: &Reason, message: &str, chain: &ServerChain) -> Finding {
    let mut finding = finding(reason, message);
    if chain.is_empty() {
        finding.message.push_str("; the certificate was not judged");
    }
    finding
}

/// Whether the peer speaks none of the versions that were offered: it says so (RFC 8446, section 6.2), or
/// answers with an older one, which our side refuses.
pub(super) fn is_about_version(reason: &Reason, message: &str) -> bool {
    (*reason == Reason::TLS_ALERT && message.contains("protocol_version"))
        || (*reason == Reason::TLS_INCOMPATIBLE
            && [NO_VERSION, "ServerDoesNotSupportTls12Or13"]
                .iter()
                .any(|said| message.contains(said)))
}

fn advice(reason: &Reason, message: &str) -> &'static str {
    if is_about_version(reason, message) {
        return "allow TLS 1.2 and TLS 1.3 on the server";
    }
    if *reason == Reason::TLS_ALERT || *reason == Reason::TLS_CLOSED {
        return "see the server's log of that moment; usual causes are a name (SNI) it does not serve, no \
                common cipher suite, or a client certificate it demands";
    }
    if *reason == Reason::TLS_INCOMPATIBLE {
        return "allow ECDHE suites with AES-GCM or ChaCha20-Poly1305 on the server";
    }
    if *reason == Reason::TLS_CLIENT_CERTIFICATE_REQUIRED {
        return "give a client certificate and its key, or look at an address that demands none";
    }
    if *reason == Reason::TLS_NOT_TLS {
        return "see whether this port speaks plain text; if so write `http://`, or turn TLS on for it";
    }
    if *reason == Reason::STARTTLS_UNEXPECTED {
        return "see what answers on this port and in its log; if it speaks TLS from the first byte, write \
                `tls://`, `smtps://`, `imaps://` or `pop3s://`";
    }
    if *reason == Reason::TLS_MESSAGE_TOO_LARGE {
        return "see what the server sends as its chain: a handful of certificates is usual";
    }
    if *reason == Reason::TLS_MALFORMED {
        return "see what answers on this port; if it is meant to speak TLS, update its TLS library";
    }
    "see whether the server answers on this port, and what its log says of that moment"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_advice() {
        for (reason, message, part) in [
            (
                Reason::TLS_ALERT,
                "the peer sent the alert `protocol_version`",
                "TLS 1.2",
            ),
            (
                Reason::TLS_ALERT,
                "the peer sent the alert `handshake_failure`",
                "SNI",
            ),
            (Reason::TLS_CLOSED, "x", "SNI"),
            (Reason::TLS_INCOMPATIBLE, "NoCipherSuitesInCommon", "ECDHE"),
            (
                Reason::TLS_INCOMPATIBLE,
                "ServerDoesNotSupportTls12Or13",
                "TLS 1.2",
            ),
            (Reason::TLS_INCOMPATIBLE, NO_VERSION, "TLS 1.2"),
            (Reason::TLS_NOT_TLS, "the peer sent `HTTP/1.1 400`", "http://"),
            (Reason::TLS_CLIENT_CERTIFICATE_REQUIRED, "x", "client certificate"),
            (Reason::TLS_MESSAGE_TOO_LARGE, "x", "chain"),
            (Reason::TLS_MALFORMED, "x", "library"),
            (Reason::STARTTLS_UNEXPECTED, "x", "tls://"),
            (Reason::TCP_RESET, "x", "log"),
        ] {
            let finding = finding(&reason, message);
            assert!(finding.status.is_unknown());
            assert!(finding.remedy.contains(part), "{reason}: {}", finding.remedy);
        }
        for (reason, code) in [
            (Reason::STARTTLS_DECLINED, "starttls_declined"),
            (Reason::STARTTLS_INJECTED, "starttls_injected"),
        ] {
            let finding = finding(&reason, "the peer declines TLS");
            assert!(finding.status.is_fail() && !finding.remedy.is_empty());
            assert_eq!(
                (&*finding.code, &*finding.message),
                (code, "the peer declines TLS")
            );
        }
        for (chain, is_told) in [(vec![], true), (vec![vec![1]], false)] {
            let finding = before_certificate(&Reason::TLS_ALERT, "x", &ServerChain::new(chain));
            assert_eq!(
                finding.message.ends_with("the certificate was not judged"),
                is_told
            );
        }
        assert!(!is_about_version(&Reason::TLS_NOT_TLS, "protocol_version"));
    }
}
