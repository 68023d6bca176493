//! The one list of the probes of this crate.

use readiness_core::Registry;

/// Adds every probe of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    let _ = &registry;
    #[cfg(feature = "dns")]
    registry.add_with::<crate::dns::DnsRecords>(crate::dns::DnsRecords::check);
    #[cfg(feature = "http")]
    registry.add_with::<crate::http::HttpsRedirect>(crate::http::HttpsRedirect::check);
}

/// A registry with every probe of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
