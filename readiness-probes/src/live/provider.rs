use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::LiveError;

/// Where cryptography comes from: the program's own choice, else our feature's.
///
/// Never `install_default`, and never `ClientConfig::builder`: that one panics in a program whose crates
/// together enable both providers.
pub(crate) fn provider() -> Result<Arc<CryptoProvider>, LiveError> {
    CryptoProvider::get_default()
        .cloned()
        .or_else(ours)
        .ok_or(LiveError::NoProvider)
}

#[cfg(feature = "aws-lc-rs")]
#[allow(
    clippy::unnecessary_wraps,
    reason = "without a provider's feature there is none"
)]
fn ours() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
}

#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
#[allow(
    clippy::unnecessary_wraps,
    reason = "without a provider's feature there is none"
)]
fn ours() -> Option<Arc<CryptoProvider>> {
    Some(Arc::new(rustls::crypto::ring::default_provider()))
}

#[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
fn ours() -> Option<Arc<CryptoProvider>> {
    None
}
