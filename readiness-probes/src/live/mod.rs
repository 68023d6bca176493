//! live

#[cfg(feature = "net")]
mod sweep;

#[cfg(feature = "net")]
pub use self::sweep::SweepSource;
