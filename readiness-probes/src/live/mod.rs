//! The sources: all I/O of a live run.

#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "net")]
mod sweep;

#[cfg(feature = "net")]
pub use self::sweep::SweepSource;
