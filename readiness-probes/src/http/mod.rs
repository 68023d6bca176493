//! http

mod health;

pub use self::health::{HealthFormat, HttpHealth, StatusSet};
