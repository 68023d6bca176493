//! The source of a bounded load.

mod schedule;
mod source;
#[cfg(test)]
mod tests;

pub(crate) use self::source::LoadSource;
