//! http

mod health;
mod https_redirect;

pub use self::{
    health::{HealthFormat, HttpHealth, StatusSet},
    https_redirect::HttpsRedirect,
};
