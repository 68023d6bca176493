//! What several tests share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "shared by several tests, none of which uses all of it"
)]

#[cfg(feature = "real")]
pub mod bind;
pub mod check;
#[cfg(feature = "real")]
pub mod faults;
pub mod folder;
#[cfg(feature = "real")]
pub mod mail_domains;
#[path = "../../readiness-probes/tests/support/nameserver.rs"]
pub mod nameserver;
#[cfg(feature = "real")]
pub mod nginx;
pub mod pki;
#[cfg(feature = "real")]
pub mod relay;
#[cfg(feature = "real")]
pub mod servers;
#[cfg(feature = "real")]
pub mod signed;
#[cfg(feature = "real")]
pub mod tls_server;
#[cfg(feature = "real")]
pub mod web;
pub mod wellformed;
