//! The one list of the probes of this crate.

use readiness_core::Registry;

#[cfg(feature = "http")]
use crate::http;

/// Adds every probe of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    #[cfg(feature = "http")]
    registry
        .add_with(http::Cookies::check)
        .add_with(http::CrossOriginIsolation::check)
        .add_with(http::Csp::check)
        .add_with(http::Disclosure::check)
        .add_with(http::Framing::check)
        .add_with(http::Hsts::check)
        .add_with(http::Nosniff::check)
        .add_with(http::PermissionsPolicy::check)
        .add_with(http::ReferrerPolicy::check);
    let _ = registry;
}

/// A registry with every probe of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
