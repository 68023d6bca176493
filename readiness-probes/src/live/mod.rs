//! live

#[cfg(feature = "dns")]
pub mod dns;
