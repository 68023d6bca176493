//! The certificate a server shows, and the protocol it agrees upon.

mod alpn;
mod certificate;
mod chain;
mod cipher_suites;
mod expiry;
#[cfg(test)]
mod fixtures;
mod group;
mod guideline;
pub(crate) mod hello;
mod key_exchange;
mod protocol;
mod refusal;
mod suite;
mod trust;
mod versions;
mod x509;

pub use self::{
    certificate::TlsCertificate, cipher_suites::TlsCipherSuites, protocol::TlsProtocol, versions::TlsVersions,
};
