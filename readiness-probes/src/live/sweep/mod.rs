//! Connects to many ports of one address and tells open, closed and filtered apart.

mod dial;
mod pace;
mod rto;
mod source;
mod sweeping;
#[cfg(test)]
mod tests;

pub use self::source::SweepSource;
