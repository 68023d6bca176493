//! Every rendering of every kind of report: as bytes, against its schema, and for any text at all.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "this crate is tests and their helpers"
)]

mod audience;
mod json;
mod junit;
mod markdown;
mod properties;
mod reports;
mod snapshots;
mod xml;
