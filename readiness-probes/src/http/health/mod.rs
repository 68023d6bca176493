//! What a service says of itself at its health endpoint.

mod body;
mod consistency;
mod exposure;
mod findings;
mod format;
mod health;
mod inadarei;
mod json;
mod judge;
mod payload;
#[cfg(test)]
mod recognition;
mod setting;
mod spring;
mod status;
mod text;

pub use self::{
    format::HealthFormat,
    health::HttpHealth,
    setting::{FindingLevel, HealthFinding, HealthKind},
    status::StatusSet,
};
