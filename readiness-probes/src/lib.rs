#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
pub mod builtin;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "dep")]
pub mod dep;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "harness")]
mod harness;
#[cfg(feature = "http")]
pub mod http;
pub mod live;
pub mod net;
pub mod presets;
#[cfg(feature = "tls")]
pub mod tls;

#[cfg(feature = "harness")]
pub use self::harness::{Harness, harness};
pub use readiness_core::*;
