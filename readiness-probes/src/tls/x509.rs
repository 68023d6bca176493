//! What a certificate says, read from its DER.

use std::{
    fmt::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use readiness_core::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension},
    oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, Oid},
    prelude::FromDer,
    x509::X509Name,
};

/// The longest text of a certificate that is shown, in characters.
const MOST_CHARACTERS: usize = 120;
/// The most names of a certificate that are shown.
pub(super) const MOST_NAMES: usize = 20;

/// What one certificate says. Texts come from the peer: capped, without control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Certificate {
    /// The subject as DER, by which certificates are linked to each other.
    subject_der: Vec<u8>,
    issuer_der: Vec<u8>,
    key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    /// The common name, or what else names the subject.
    pub(super) subject: String,
    /// The common name, or what else names the issuer.
    pub(super) issuer: String,
    pub(super) has_common_name: bool,
    /// The DNS names and addresses of the subject alternative name.
    pub(super) names: Vec<String>,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    pub(super) serial: String,
    pub(super) fingerprint: String,
    pub(super) is_ca: bool,
    pub(super) usage: Usage,
    /// Where the issuer's certificate can be fetched from.
    pub(super) issuer_url: Option<String>,
    /// Critical extensions nobody here understands, by object identifier.
    pub(super) unknown_critical: Vec<String>,
}

/// What the extended key usage allows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Usage {
    /// There is no such extension, which allows everything.
    Absent,
    /// `anyExtendedKeyUsage` without `serverAuth`.
    Any,
    /// Other things than servers.
    Other,
    /// Servers.
    Server,
}

impl Certificate {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What is wrong with the DER, in words.
    pub(super) fn read(der: &[u8]) -> Result<Self, String> {
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| "it is no X.509 certificate in DER".to_owned())?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the certificate", rest.len()));
        }
        let mut certificate = Self {
            subject_der: parsed.subject().as_raw().to_vec(),
            issuer_der: parsed.issuer().as_raw().to_vec(),
            key_id: None,
            authority_key_id: None,
            subject: display_name(parsed.subject()),
            issuer: display_name(parsed.issuer()),
            has_common_name: parsed.subject().iter_common_name().next().is_some(),
            names: Vec::new(),
            not_before: Timestamp::from_unix_seconds(parsed.validity().not_before.timestamp()),
            not_after: Timestamp::from_unix_seconds(parsed.validity().not_after.timestamp()),
            serial: capped(&hex(parsed.raw_serial())),
            fingerprint: hex(&Sha256::digest(der)),
            is_ca: false,
            usage: Usage::Absent,
            issuer_url: None,
            unknown_critical: Vec::new(),
        };
        for extension in parsed.extensions() {
            certificate.take(extension.parsed_extension(), extension.critical, &extension.oid);
        }
        Ok(certificate)
    }

    fn take(&mut self, extension: &ParsedExtension<'_>, critical: bool, oid: &Oid<'_>) {
        match extension {
            ParsedExtension::SubjectAlternativeName(names) => {
                self.names
                    .extend(names.general_names.iter().filter_map(name_text));
            }
            ParsedExtension::BasicConstraints(constraints) => self.is_ca = constraints.ca,
            ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.usage = match (usage.server_auth, usage.any) {
                    (true, _) => Usage::Server,
                    (false, true) => Usage::Any,
                    (false, false) => Usage::Other,
                };
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                self.issuer_url = access.iter().find_map(|description| {
                    match (&description.access_method, &description.access_location) {
                        (method, GeneralName::URI(url))
                            if *method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS =>
                        {
                            Some(capped(url))
                        }
                        _ => None,
                    }
                });
            }
            ParsedExtension::UnsupportedExtension { .. } if critical && self.unknown_critical.len() < 4 => {
                self.unknown_critical.push(capped(&oid.to_id_string()));
            }
            _ => {}
        }
    }

    /// Whether it names itself as its issuer.
    pub(super) fn is_self_issued(&self) -> bool {
        self.subject_der == self.issuer_der
    }

    /// Whether it says that `other` issued it: by name, and by key identifier where both give one.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        let key_differs = match (&self.authority_key_id, &other.key_id) {
            (Some(wanted), Some(found)) => wanted != found,
            _ => false,
        };
        self.issuer_der == other.subject_der && !key_differs
    }

    /// How long it is valid, in seconds. Both ends count (CA/Browser Forum baseline requirements, 6.3.2).
    pub(super) fn lifetime_seconds(&self) -> i64 {
        self.not_after.seconds_since(self.not_before).saturating_add(1)
    }

    /// The names it is for, as a list that has an end.
    pub(super) fn names_text(&self) -> String {
        let shown: Vec<&str> = self.names.iter().take(MOST_NAMES).map(String::as_str).collect();
        match self.names.len().saturating_sub(MOST_NAMES) {
            _ if shown.is_empty() => "none".to_owned(),
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

/// Whether the certificate is for this host, by its subject alternative name alone (RFC 9525, section 6);
/// `None` where the verifier cannot read the certificate, which is a fault of its own.
///
/// A wildcard stands for the whole first label, and an address is compared with addresses only.
pub(super) fn is_for_host(der: &[u8], host: &str) -> Option<bool> {
    let der = CertificateDer::from(der);
    let certificate = webpki::EndEntityCert::try_from(&der).ok()?;
    // A final dot only says that the name is absolute; no certificate has one.
    let host = host.strip_suffix('.').unwrap_or(host);
    let Ok(name) = ServerName::try_from(host) else {
        // What is neither a name nor an address is in no certificate.
        return Some(false);
    };
    Some(certificate.verify_is_valid_for_subject_name(&name).is_ok())
}

fn display_name(name: &X509Name<'_>) -> String {
    let first = name
        .iter_common_name()
        .chain(name.iter_organization())
        .chain(name.iter_organizational_unit())
        .find_map(|attribute| attribute.as_str().ok())
        .filter(|text| !text.trim().is_empty());
    match first {
        Some(text) => capped(text),
        None => match name.to_string() {
            empty if empty.is_empty() => "(no name)".to_owned(),
            whole => capped(&whole),
        },
    }
}

fn name_text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(capped(name)),
        GeneralName::IPAddress(bytes) => {
            let address = <[u8; 4]>::try_from(*bytes)
                .map(|v4| IpAddr::V4(Ipv4Addr::from(v4)))
                .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|v6| IpAddr::V6(Ipv6Addr::from(v6))));
            address.ok().map(|address| address.to_string())
        }
        _ => None,
    }
}

fn capped(text: &str) -> String {
    let mut capped: String = text
        .chars()
        .take(MOST_CHARACTERS)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(MOST_CHARACTERS).is_some() {
        capped.push('…');
    }
    capped
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tls::fixtures::{self, DAY, NOW};

    #[test]
    fn facts_come_from_the_der() {
        let pki = fixtures::Pki::new();
        let der = pki.leaf(
            &["example.com", "*.example.com", "192.0.2.7", "2001:db8::7"],
            10,
            80,
        );
        let certificate = Certificate::read(&der).unwrap();
        assert_eq!(
            certificate.names,
            ["example.com", "*.example.com", "192.0.2.7", "2001:db8::7"]
        );
        assert_eq!(
            (certificate.subject.as_str(), certificate.issuer.as_str()),
            ("leaf", "Example Issuing CA")
        );
        assert_eq!(certificate.not_after, NOW.plus_seconds(80 * DAY - 1));
        assert_eq!(certificate.lifetime_seconds(), 90 * DAY);
        assert_eq!(certificate.fingerprint.len(), 64);
        assert!(!certificate.is_self_issued());
        let issuer = Certificate::read(&pki.intermediate).unwrap();
        assert!(certificate.is_issued_by(&issuer) && issuer.is_ca);
        assert!(!issuer.is_issued_by(&certificate));
    }

    #[test]
    fn names_match_by_the_alternative_name_alone() {
        let pki = fixtures::Pki::new();
        let der = pki.leaf(
            &[
                "example.com",
                "*.a.example.com",
                "192.0.2.7",
                "xn--bcher-kva.example",
            ],
            10,
            80,
        );
        for (host, expected) in [
            ("example.com", true),
            ("EXAMPLE.com", true),
            ("example.com.", true),
            ("b.a.example.com", true),
            ("a.example.com", false),
            ("c.b.a.example.com", false),
            ("www.example.com", false),
            ("xn--bcher-kva.example", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("::1", false),
            // the common name is no name of the certificate
            ("leaf", false),
            ("not a name", false),
            ("", false),
        ] {
            assert_eq!(is_for_host(&der, host), Some(expected), "{host}");
        }
        assert_eq!(is_for_host(b"junk", "example.com"), None);
    }

    #[test]
    fn texts_of_a_peer_are_capped() {
        assert_eq!(capped("a\u{1b}[31m"), "a\u{fffd}[31m");
        assert_eq!(capped(&"x".repeat(500)).chars().count(), MOST_CHARACTERS + 1);
        let pki = fixtures::Pki::new();
        let names: Vec<String> = (0..50).map(|n| format!("h{n}.example.com")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let certificate = Certificate::read(&pki.leaf(&names, 10, 80)).unwrap();
        assert!(certificate.names_text().ends_with("h19.example.com and 30 more"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Certificate::read(&bytes);
            let _ = is_for_host(&bytes, "example.com");
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..2000, byte in any::<u8>(), cut in 0_usize..2000) {
            let mut der = fixtures::shared_leaf().to_vec();
            if let Some(old) = der.get_mut(at) {
                *old = byte;
            }
            der.truncate(cut);
            let _ = Certificate::read(&der);
            let _ = is_for_host(&der, "example.com");
        }
    }
}
