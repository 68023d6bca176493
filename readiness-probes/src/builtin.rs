//! The one list of the probes of this crate.

use readiness_core::Registry;

/// Adds every probe and preset of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    register_probes(registry);
    crate::presets::register(registry);
}

pub(crate) fn register_probes(registry: &mut Registry) {
    #[cfg(feature = "http")]
    registry.add_with::<crate::http::HttpHealth>(crate::http::HttpHealth::check);
    #[cfg(feature = "net")]
    registry.add_with::<crate::net::PortExposure>(crate::net::PortExposure::check);
    #[cfg(feature = "tcp")]
    registry.add::<crate::net::Tcp>();
    #[cfg(feature = "tls")]
    registry
        .add::<crate::tls::TlsCertificate>()
        .add_with::<crate::tls::TlsProtocol>(crate::tls::TlsProtocol::check);
}

/// A registry with every probe and preset of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
