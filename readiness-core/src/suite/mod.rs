//! What is asked of which target.

mod profile;
mod requirement;
mod suite;

pub use self::{
    profile::Profile,
    requirement::{Requirement, Retry},
    suite::{Suite, SuiteError},
};
