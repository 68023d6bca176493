//! The name, its TLS and its `www`, as the preload list judges them.

use std::{net::SocketAddr, sync::Arc};

use readiness_core::{
    Finding, ObserveError, ProbeContext, ProbeError, Reason,
    fact::{Endpoint, ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust},
};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use super::{error, not_reached, warning};
use crate::{
    address::{addresses_of, registrable, special_purpose},
    http::syntax::excerpt,
};

/// Public suffixes below which owners cannot serve https on `www`, so that it is not asked for.
const WITHOUT_WWW: &[&str] = &["appspot.com"];

/// The suites of TLS 1.2 that the list calls modern; all of TLS 1.3 are.
const MODERN_SUITES: &[&str] = &[
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
];

/// The object identifiers of signatures over SHA-1: RSA and ECDSA.
const SHA1_SIGNATURES: &[&str] = &["1.2.840.113549.1.1.5", "1.2.840.10045.4.1"];

/// The most certificates that are looked into.
const MOST_CERTIFICATES: usize = 32;

/// What keeps a name off the list whatever it serves.
pub(super) fn format(host: &str) -> Option<Finding> {
    let shown = excerpt(host.as_bytes());
    let wrong = |code: &str, problem: &str| {
        let message = format!("`{shown}` {problem}");
        Some(error(
            code,
            message,
            "name the registered domain, such as `example.com`",
        ))
    };
    if host.parse::<std::net::IpAddr>().is_ok() {
        return wrong("domain.format.is_ip_address", "is an address, expected a name");
    }
    if host.starts_with('.') {
        return wrong("domain.format.begins_with_dot", "begins with a dot");
    }
    if host.ends_with('.') {
        return wrong("domain.format.ends_with_dot", "ends with a dot");
    }
    if host.contains("..") {
        return wrong("domain.format.contains_double_dot", "holds two dots in a row");
    }
    let lower = host.to_ascii_lowercase();
    if psl::suffix_str(&lower) == Some(&*lower) {
        return wrong(
            "domain.format.public_suffix",
            "is a public suffix, expected a name registered below one",
        );
    }
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    if !host.bytes().all(is_allowed) {
        return wrong(
            "domain.format.invalid_characters",
            "holds other characters than letters, digits, `-` and dots",
        );
    }
    None
}

/// Only names registered directly below a public suffix are taken.
pub(super) fn level(host: &str) -> Option<Finding> {
    let registered = registrable(host)?;
    (registered != host).then(|| {
        let message = format!("`{host}` is below `{registered}`, expected the registered domain itself");
        let remedy = "submit the registered domain: the list then holds for everything below it";
        error("domain.is_subdomain", message, remedy)
    })
}

/// Judges the handshake. Hosts that leave the list are held to less.
pub(super) fn tls(handshake: &Result<Arc<TlsFacts>, ObserveError>, is_removal: bool) -> Vec<Finding> {
    let facts = match handshake {
        Ok(facts) => facts,
        Err(why) => return vec![cannot_connect(why)],
    };
    match &facts.end {
        TlsEnd::Established(session) if is_removal => untrusted(session).into_iter().collect(),
        TlsEnd::Established(session) => [untrusted(session), sha1(&session.chain), cipher(session)]
            .into_iter()
            .flatten()
            .collect(),
        TlsEnd::Refused { message, .. } => vec![error(
            "domain.tls.cannot_connect",
            format!("no TLS connection: {message}"),
            "serve https on this host",
        )],
        _ => vec![Finding::unknown(
            "domain.tls.cannot_connect",
            Reason::ERROR,
            "the handshake ended in a way this version does not know",
        )],
    }
}

pub(super) fn cannot_connect(why: &ObserveError) -> Finding {
    let message = format!("no https connection: {}", why.message);
    not_reached(
        "domain.tls.cannot_connect",
        message,
        "serve https on this host",
        why,
    )
}

fn untrusted(session: &TlsSession) -> Option<Finding> {
    let why = match &session.trust {
        Trust::Trusted if session.signature_valid => return None,
        Trust::Trusted => "the handshake was not signed with its key",
        Trust::Untrusted { message, .. } => message,
        _ => "the verdict is not known to this version",
    };
    let message = format!("the certificate's chain is not valid: {why}");
    let remedy = "install a certificate for this host with all its intermediates";
    Some(error("domain.tls.invalid_cert_chain", message, remedy))
}

fn sha1(chain: &ServerChain) -> Option<Finding> {
    let at = chain
        .iter()
        .take(MOST_CERTIFICATES)
        .position(is_signed_with_sha1)?;
    let message = "is signed over SHA-1, expected SHA-256 or better";
    Some(
        error("domain.tls.sha1", message, "have the certificate issued again")
            .subject(format!("chain[{at}]")),
    )
}

/// A root is trusted for what it is, however it signed itself.
pub(super) fn is_signed_with_sha1(der: &[u8]) -> bool {
    X509Certificate::from_der(der).is_ok_and(|(_, certificate)| {
        let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
        certificate.subject().as_raw() != certificate.issuer().as_raw()
            && SHA1_SIGNATURES.contains(&&*algorithm)
    })
}

fn cipher(session: &TlsSession) -> Option<Finding> {
    if session.version == "TLSv1.3" || MODERN_SUITES.contains(&&*session.suite) {
        return None;
    }
    let message = format!(
        "`{}` with `{}` was agreed upon, expected TLS 1.3 or a suite with ECDHE and AEAD",
        session.version, session.suite
    );
    Some(warning(
        "tls.obsolete_cipher_suite",
        message,
        "prefer suites with ECDHE and AES-GCM or ChaCha20",
    ))
}

/// What stands at `www` below the host.
#[derive(Debug)]
pub(super) enum Www {
    /// Nothing: no such name, or nothing on the port of https.
    Absent,
    /// The connection was made, and TLS failed so.
    NoTls(String),
    /// Nobody could look.
    NotSeen(ObserveError),
    /// A certificate for this name that is trusted.
    SpeaksTls,
}

impl Www {
    /// What the list says to it.
    pub(super) fn finding(&self) -> Option<Finding> {
        const CODE: &str = "domain.www.no_tls";
        const REMEDY: &str = "serve https on `www` too, or take the name out of DNS: people type it by habit";
        match self {
            Self::Absent | Self::SpeaksTls => None,
            Self::NoTls(why) => Some(error(
                CODE,
                format!("`www` exists and speaks no valid TLS: {why}"),
                REMEDY,
            )),
            Self::NotSeen(why) => {
                let message = format!("`www` could not be looked at: {}", why.message);
                Some(not_reached(CODE, message, REMEDY, why))
            }
        }
    }
}

/// Whether the list asks for `www`: not below a host that is no registered domain, and not where its owner
/// cannot have a certificate for it.
pub(super) fn needs_www(host: &str) -> bool {
    level(host).is_none() && !psl::suffix_str(host).is_some_and(|suffix| WITHOUT_WWW.contains(&suffix))
}

/// Looks at `www` below the target, on the first of its addresses.
pub(super) async fn look_at_www(cx: &ProbeContext, port: u16) -> Www {
    let host = cx.target().host();
    if !needs_www(host) {
        return Www::Absent;
    }
    let name = format!("www.{host}");
    let address = match addresses_of(cx, &name).await {
        Ok(found) => found.reachable.first().copied(),
        Err(ProbeError::Observe(why)) => return without(&why),
        Err(_) => None,
    };
    let Some(address) = address else {
        return Www::Absent;
    };
    let is_inside = special_purpose(address).is_some();
    let from_outside = match addresses_of(cx, host).await {
        Ok(found) => !found.reachable.iter().any(|own| special_purpose(*own).is_some()),
        Err(_) => true,
    };
    if is_inside && from_outside {
        // Nobody outside reaches it, so nobody types it.
        return Www::Absent;
    }
    let endpoint = Endpoint::new(SocketAddr::new(address, port), name, true);
    match cx.observe(TlsHandshake::new(endpoint)).await {
        Err(why) => without(&why),
        Ok(facts) => match &facts.end {
            TlsEnd::Established(session) => match untrusted(session) {
                None => Www::SpeaksTls,
                Some(finding) => Www::NoTls(finding.message),
            },
            TlsEnd::Refused { message, .. } => Www::NoTls(message.clone()),
            _ => Www::NoTls("the handshake ended in a way this version does not know".to_owned()),
        },
    }
}

/// An answer that says there is nothing is one.
fn without(why: &ObserveError) -> Www {
    let nothing_there = [
        Reason::DNS_NODATA,
        Reason::DNS_NXDOMAIN,
        Reason::TCP_REFUSED,
        Reason::TCP_SILENT,
        Reason::TCP_UNREACHABLE,
    ];
    match nothing_there.contains(why.root_reason()) {
        true => Www::Absent,
        false => Www::NotSeen(why.clone()),
    }
}
