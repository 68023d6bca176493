//! The certificate a server shows, and the protocol it agrees upon.

mod certificate;
mod certificate_rules;
mod chain;
mod der;
mod expiry;
#[cfg(test)]
mod fixtures;
mod looks;
#[cfg(test)]
mod matrix;
mod protocol;
mod refusal;
mod renewal;
mod served;
mod trust;
mod x509;

pub(crate) use self::x509::name_of;
pub use self::{certificate::TlsCertificate, certificate_rules::TlsCertificateRules, protocol::TlsProtocol};
