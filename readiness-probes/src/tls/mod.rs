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
#[cfg(feature = "api")]
mod renewal_window;
mod served;
mod served_matches_file;
mod suite;
mod trust;
mod trusted_everywhere;
mod versions;
mod x509;

pub(crate) use self::refusal::NO_VERSION;
#[cfg(feature = "api")]
pub use self::renewal_window::TlsRenewalWindow;
pub(crate) use self::x509::{key_sha256_of, name_of, validity_of};
pub use self::{
    certificate::TlsCertificate,
    certificate_rules::TlsCertificateRules,
    cipher_suites::TlsCipherSuites,
    files::{CertificateFileFacts, CertificateFiles, KeyFileFacts, KeyInFile},
    protocol::TlsProtocol,
    served_matches_file::TlsServedMatchesFile,
    trusted_everywhere::TlsTrustedEverywhere,
    versions::TlsVersions,
};
#[doc(hidden)]
pub use self::{
    certificate::judge_certificate, certificate_rules::judge_certificate_rules, hello::read_hello_reply,
};
