//! The certificate a server shows, and the protocol it agrees upon.

mod alpn;
mod certificate;
mod certificate_rules;
mod chain;
mod cipher_suites;
mod der;
mod expiry;
mod files;
#[cfg(test)]
mod fixtures;
mod group;
mod guideline;
pub(crate) mod hello;
mod key_exchange;
#[cfg(test)]
mod matrix;
mod opening;
mod protocol;
mod refusal;
mod renewal;
mod served;
mod served_matches_file;
mod suite;
mod trust;
mod versions;
mod x509;

pub(crate) use self::x509::name_of;
pub use self::{
    certificate::TlsCertificate,
    certificate_rules::TlsCertificateRules,
    cipher_suites::TlsCipherSuites,
    files::{CertificateFileFacts, CertificateFiles, KeyFileFacts, KeyInFile},
    protocol::TlsProtocol,
    served_matches_file::TlsServedMatchesFile,
    versions::TlsVersions,
};
