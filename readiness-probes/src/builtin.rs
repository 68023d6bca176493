//! The one list of the probes of this crate.

use readiness_core::Registry;

/// Adds every probe of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    let _ = &registry;
    #[cfg(feature = "http")]
    registry.add_with::<crate::http::HttpHealth>(crate::http::HttpHealth::check);
    #[cfg(feature = "tls")]
    registry.add::<crate::tls::TlsCertificate>();
    #[cfg(feature = "tls")]
    registry.add_with::<crate::tls::TlsProtocol>(crate::tls::TlsProtocol::check);
}

/// A registry with every probe of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
