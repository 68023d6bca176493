//! The certificate a server shows, and the protocol it agrees upon.

mod certificate;
mod chain;
mod expiry;
#[cfg(test)]
mod fixtures;
mod opening;
mod protocol;
mod refusal;
mod trust;
mod x509;

pub use self::{certificate::TlsCertificate, protocol::TlsProtocol};
