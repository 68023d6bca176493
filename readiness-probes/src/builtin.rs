//! The one list of the probes of this crate.

use readiness_core::Registry;

/// Adds every probe of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    let _ = &registry;
    #[cfg(feature = "dep")]
    registry.add::<crate::dep::Postgres>();
    #[cfg(feature = "dep")]
    registry.add::<crate::dep::Redis>();
    #[cfg(feature = "net")]
    registry.add_with::<crate::net::PortExposure>(crate::net::PortExposure::check);
    #[cfg(feature = "tcp")]
    registry.add::<crate::net::Tcp>();
}

/// A registry with every probe of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
