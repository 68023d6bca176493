//! Ports and plain TCP connections.

#[cfg(feature = "net")]
mod port_exposure;
#[cfg(feature = "net")]
mod services;
#[cfg(feature = "tcp")]
pub(crate) mod tcp;

#[cfg(feature = "net")]
pub use self::port_exposure::{PortExposure, Scope};
#[cfg(feature = "tcp")]
pub use self::tcp::Tcp;
