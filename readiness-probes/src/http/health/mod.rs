//! What a service says of itself at its health endpoint.

mod findings;
mod format;
mod health;
mod inadarei;
mod json;
mod payload;
mod spring;
mod status;
mod text;

pub use self::{format::HealthFormat, health::HttpHealth, status::StatusSet};
