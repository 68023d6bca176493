//! What is asked of which target.

#[cfg(feature = "config")]
mod config;
mod profile;
mod requirement;
mod suite;

#[cfg(feature = "config")]
pub use self::config::{Config, ConfigError, LookSettings};
pub(crate) use self::suite::{Profiles, priority_of};
pub use self::{
    profile::Profile,
    requirement::{Requirement, Retry},
    suite::{Suite, SuiteError},
};
