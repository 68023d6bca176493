//! What a certificate says, read from its DER.

mod key;
mod text;

use std::borrow::Cow;

use readiness_core::Timestamp;
use rustls::pki_types::{CertificateDer, ServerName};
use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::X509Certificate,
    extensions::{GeneralName, ParsedExtension, X509Extension},
    oid_registry::{OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_PKIX_ACCESS_DESCRIPTOR_OCSP},
    prelude::FromDer,
    x509::SubjectPublicKeyInfo,
};

use super::der::{self, Reader};

pub(crate) use self::text::{hex, name_of};
pub(super) use self::{
    key::{Exponent, Key, LEAST_RSA_BITS},
    text::{Name, capped},
};

/// The most names of a certificate that are shown.
pub(super) const MOST_NAMES: usize = 20;
/// The most extensions that are listed for one and the same fault.
const MOST_EXTENSIONS: usize = 4;

/// What one certificate says. Texts come from the peer: they are capped where they are shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Certificate<'a> {
    der: &'a [u8],
    /// The subject as DER, by which certificates are linked to each other.
    subject_der: &'a [u8],
    issuer_der: &'a [u8],
    pub(super) key_id: Option<&'a [u8]>,
    pub(super) authority_key_id: Option<&'a [u8]>,
    /// The common name, or what else names the subject.
    pub(super) subject: String,
    /// The common name, or what else names the issuer.
    pub(super) issuer: String,
    pub(super) common_names: Vec<&'a str>,
    /// The DNS names and addresses of the subject alternative name.
    pub(super) names: Vec<Name<'a>>,
    /// Whether there is a subject alternative name at all; it may hold other names alone.
    pub(super) has_san: bool,
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The content of the INTEGER.
    pub(super) serial: &'a [u8],
    /// 3 for all of today's.
    pub(super) version: u32,
    pub(super) key: Key,
    key_bits: Cow<'a, [u8]>,
    /// The broken hash its signature stands on.
    pub(super) broken_hash: Option<&'static str>,
    pub(super) constraints: Option<Constraints>,
    /// The extended key usage; without one every purpose is allowed.
    pub(super) purposes: Option<Purposes>,
    pub(super) key_usage: Option<KeyUsage>,
    /// Where the issuer's certificate can be fetched from.
    pub(super) issuer_url: Option<&'a str>,
    pub(super) has_ocsp_url: bool,
    pub(super) has_crl: bool,
    pub(super) has_name_constraints: bool,
    /// From how many logs there are signed certificate timestamps in it.
    pub(super) logs: usize,
    /// Whether it demands a stapled OCSP response (RFC 7633).
    pub(super) must_staple: bool,
    /// Critical extensions nobody here understands, by object identifier.
    pub(super) unknown_critical: Vec<String>,
    /// Extensions that cannot be read, or are there twice.
    pub(super) malformed: Vec<String>,
}

/// The basic constraints (RFC 5280, section 4.2.1.9).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Constraints {
    pub(super) is_ca: bool,
    pub(super) is_critical: bool,
}

/// What the extended key usage allows (RFC 5280, section 4.2.1.12).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Purposes {
    pub(super) any: bool,
    pub(super) client: bool,
    pub(super) server: bool,
}

/// What the key may be used for (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct KeyUsage {
    pub(super) digital_signature: bool,
    pub(super) key_encipherment: bool,
    pub(super) key_agreement: bool,
    pub(super) key_cert_sign: bool,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    ///
    /// # Errors
    /// What is wrong with the DER, in words.
    pub(super) fn read(der: &'a [u8]) -> Result<Self, String> {
        let (rest, parsed) =
            X509Certificate::from_der(der).map_err(|_| "it is no X.509 certificate in DER".to_owned())?;
        if !rest.is_empty() {
            return Err(format!("{} bytes follow the certificate", rest.len()));
        }
        let mut certificate = Self {
            der,
            subject_der: parsed.subject.as_raw(),
            issuer_der: parsed.issuer.as_raw(),
            key_id: None,
            authority_key_id: None,
            subject: text::display_name(&parsed.subject),
            issuer: text::display_name(&parsed.issuer),
            common_names: parsed
                .subject
                .iter_common_name()
                .filter_map(|attribute| attribute.as_str().ok())
                .take(MOST_EXTENSIONS)
                .collect(),
            names: Vec::new(),
            has_san: false,
            not_before: Timestamp::from_unix_seconds(parsed.validity.not_before.timestamp()),
            not_after: Timestamp::from_unix_seconds(parsed.validity.not_after.timestamp()),
            serial: parsed.raw_serial(),
            version: parsed.version.0.saturating_add(1),
            key: Key::of(&parsed.subject_pki),
            key_bits: parsed.subject_pki.subject_public_key.data.clone(),
            broken_hash: key::broken_hash(&parsed.signature_algorithm),
            constraints: None,
            purposes: None,
            key_usage: None,
            issuer_url: None,
            has_ocsp_url: false,
            has_crl: false,
            has_name_constraints: false,
            logs: 0,
            must_staple: false,
            unknown_critical: Vec::new(),
            malformed: Vec::new(),
        };
        let extensions = parsed.extensions();
        for (position, extension) in extensions.iter().enumerate() {
            let earlier = extensions.iter().take(position.min(MOST_COMPARED));
            if earlier.into_iter().any(|other| other.oid == extension.oid) {
                certificate.list_malformed(extension, "is there twice");
            }
            certificate.take(extension);
        }
        Ok(certificate)
    }

    fn take(&mut self, extension: &X509Extension<'a>) {
        match extension.parsed_extension() {
            ParsedExtension::SubjectAlternativeName(names) => {
                self.has_san = true;
                self.names.extend(names.general_names.iter().filter_map(Name::of));
            }
            ParsedExtension::BasicConstraints(constraints) => {
                self.constraints = Some(Constraints {
                    is_ca: constraints.ca,
                    is_critical: extension.critical,
                });
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.key_id = Some(id.0),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0);
            }
            ParsedExtension::ExtendedKeyUsage(usage) => {
                self.purposes = Some(Purposes {
                    any: usage.any,
                    client: usage.client_auth,
                    server: usage.server_auth,
                });
            }
            ParsedExtension::KeyUsage(usage) => {
                self.key_usage = Some(KeyUsage {
                    digital_signature: usage.digital_signature(),
                    key_encipherment: usage.key_encipherment(),
                    key_agreement: usage.key_agreement(),
                    key_cert_sign: usage.key_cert_sign(),
                });
            }
            ParsedExtension::AuthorityInfoAccess(access) => {
                for description in access.iter() {
                    let GeneralName::URI(url) = description.access_location else {
                        continue;
                    };
                    if description.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS {
                        self.issuer_url = self.issuer_url.or(Some(url));
                    } else if description.access_method == OID_PKIX_ACCESS_DESCRIPTOR_OCSP {
                        self.has_ocsp_url = true;
                    }
                }
            }
            ParsedExtension::CRLDistributionPoints(points) => {
                self.has_crl = points.iter().any(|point| point.distribution_point.is_some());
            }
            ParsedExtension::NameConstraints(_) => self.has_name_constraints = true,
            ParsedExtension::SCT(timestamps) => {
                let mut logs: Vec<&[u8; 32]> = timestamps.iter().map(|sct| sct.id.key_id).collect();
                logs.sort_unstable();
                logs.dedup();
                self.logs = logs.len();
            }
            ParsedExtension::ParseError { .. } => self.list_malformed(extension, "cannot be read"),
            ParsedExtension::UnsupportedExtension { .. } if extension.oid.as_bytes() == TLS_FEATURE => {
                match demands_staple(extension.value) {
                    Some(must_staple) => self.must_staple = must_staple,
                    None => self.list_malformed(extension, "cannot be read"),
                }
            }
            ParsedExtension::UnsupportedExtension { .. }
                if extension.critical && self.unknown_critical.len() < MOST_EXTENSIONS =>
            {
                let poison = if extension.oid.as_bytes() == PRECERTIFICATE_POISON {
                    " (this is a precertificate, which no client takes)"
                } else {
                    ""
                };
                let oid = key::shown(&extension.oid);
                self.unknown_critical.push(format!("{oid}{poison}"));
            }
            _ => {}
        }
    }

    fn list_malformed(&mut self, extension: &X509Extension<'_>, what: &str) {
        if self.malformed.len() < MOST_EXTENSIONS {
            let oid = key::shown(&extension.oid);
            let known = KNOWN.iter().find(|(known, _)| *known == oid);
            self.malformed.push(match known {
                Some((_, name)) => format!("`{name}` {what}"),
                None => format!("`{oid}` {what}"),
            });
        }
    }

    /// Whether it names itself as its issuer, and no other key than its own as the one it was signed with: an
    /// authority that changes its key signs the new one with the old (RFC 5280, section 3.2).
    pub(super) fn is_self_issued(&self) -> bool {
        self.is_issued_by(self)
    }

    /// Whether its basic constraints make it an authority.
    pub(super) fn is_authority(&self) -> bool {
        self.constraints.is_some_and(|constraints| constraints.is_ca)
    }

    /// Whether it says that `other` issued it: by name, and by key identifier where both give one.
    pub(super) fn is_issued_by(&self, other: &Self) -> bool {
        self.is_named_after(other) && !self.wants_other_key(other)
    }

    /// Whether the issuer it names is `other`'s subject.
    pub(super) fn is_named_after(&self, other: &Self) -> bool {
        self.issuer_der == other.subject_der
    }

    /// Whether the key it says it was signed with is not `other`'s.
    pub(super) fn wants_other_key(&self, other: &Self) -> bool {
        match (self.authority_key_id, other.key_id) {
            (Some(wanted), Some(found)) => wanted != found,
            _ => false,
        }
    }

    /// How long it is valid, in seconds. Both ends count (CA/Browser Forum baseline requirements, 6.3.2).
    pub(super) fn lifetime_seconds(&self) -> i64 {
        self.not_after.seconds_since(self.not_before).saturating_add(1)
    }

    /// The SHA-256 of its DER.
    pub(super) fn fingerprint(&self) -> String {
        hex(&Sha256::digest(self.der))
    }

    /// The SHA-256 of the bits of its public key.
    pub(super) fn key_sha256(&self) -> String {
        hex(&Sha256::digest(&self.key_bits))
    }

    /// The names it is for, as a list that has an end.
    pub(super) fn names_text(&self) -> String {
        let shown: Vec<_> = self
            .names
            .iter()
            .take(MOST_NAMES)
            .map(|name| name.shown())
            .collect();
        match self.names.len().saturating_sub(MOST_NAMES) {
            _ if shown.is_empty() => "none".to_owned(),
            0 => shown.join(", "),
            more => format!("{} and {more} more", shown.join(", ")),
        }
    }
}

/// Whether a TLS Feature extension lists `status_request` (RFC 7633, section 4.1).
fn demands_staple(value: &[u8]) -> Option<bool> {
    let mut features = Reader::new(value).inside(der::SEQUENCE)?;
    let mut demands = false;
    while let Some(feature) = features.content(der::INTEGER) {
        demands |= matches!(feature, [STATUS_REQUEST | STATUS_REQUEST_V2]);
    }
    features.next().is_none().then_some(demands)
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

/// The SHA-256 of the bits of a public key, from its SubjectPublicKeyInfo.
pub(crate) fn key_sha256_of(info: &[u8]) -> Option<String> {
    let (_, info) = SubjectPublicKeyInfo::from_der(info).ok()?;
    Some(hex(&Sha256::digest(&info.subject_public_key.data)))
}

/// From and until when a certificate is valid.
pub(crate) fn validity_of(der: &[u8]) -> Option<(Timestamp, Timestamp)> {
    let certificate = Certificate::read(der).ok()?;
    Some((certificate.not_before, certificate.not_after))
}

/// Whether verifiers take it for a certificate of today at all: one with an unknown critical extension, or of
/// an older version, they do not even read.
pub(super) fn is_usable(der: &[u8]) -> bool {
    webpki::EndEntityCert::try_from(&CertificateDer::from(der)).is_ok()
}

/// Extensions before this one are compared for repetition: the most that a certificate is known to have is
/// about twenty, and a peer could send thousands.
const MOST_COMPARED: usize = 64;
/// 1.3.6.1.5.5.7.1.24
const TLS_FEATURE: &[u8] = &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x18];
/// 1.3.6.1.4.1.11129.2.4.3
const PRECERTIFICATE_POISON: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0xd6, 0x79, 0x02, 0x04, 0x03];
/// The TLS extensions that ask for a staple: RFC 6066, section 8, and RFC 6961.
const STATUS_REQUEST: u8 = 5;
const STATUS_REQUEST_V2: u8 = 17;
/// Extensions of RFC 5280 and RFC 6962 by their names.
const KNOWN: [(&str, &str); 12] = [
    ("1.3.6.1.4.1.11129.2.4.2", "SCT list"),
    ("1.3.6.1.5.5.7.1.1", "authorityInfoAccess"),
    ("1.3.6.1.5.5.7.1.24", "TLS feature"),
    ("2.5.29.14", "subjectKeyIdentifier"),
    ("2.5.29.15", "keyUsage"),
    ("2.5.29.17", "subjectAltName"),
    ("2.5.29.19", "basicConstraints"),
    ("2.5.29.30", "nameConstraints"),
    ("2.5.29.31", "cRLDistributionPoints"),
    ("2.5.29.32", "certificatePolicies"),
    ("2.5.29.35", "authorityKeyIdentifier"),
    ("2.5.29.37", "extKeyUsage"),
];

#[cfg(test)]
mod tests;
