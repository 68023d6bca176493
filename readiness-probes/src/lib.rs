#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod address;
pub mod builtin;
#[cfg(feature = "dep")]
pub mod dep;
#[cfg(feature = "dns")]
pub mod dns;
#[cfg(feature = "http")]
pub mod http;
pub mod live;
pub mod net;
#[cfg(feature = "tls")]
pub mod tls;

pub use readiness_core::*;
