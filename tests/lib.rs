//! The tests of the whole, and the code of the README.

/// Each block of Rust in the README compiles as it stands there.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
