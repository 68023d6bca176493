//! Ports and plain TCP connections.

#[cfg(feature = "net")]
mod inside_view;
#[cfg(feature = "net")]
mod port_exposure;
#[cfg(feature = "net")]
mod services;
#[cfg(feature = "tcp")]
pub(crate) mod tcp;
#[cfg(feature = "net")]
mod udp_exposure;

#[cfg(feature = "tcp")]
pub use self::tcp::Tcp;
#[cfg(feature = "net")]
pub use self::{
    inside_view::Mode,
    port_exposure::{PortExposure, Scope},
    udp_exposure::UdpExposure,
};
