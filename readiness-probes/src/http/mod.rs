//! HTTP: the way to https, the headers that browsers enforce, the health endpoint.

mod applicability;
mod cookies;
mod cross_origin_isolation;
mod csp;
mod csp_analysis;
mod current_headers;
mod disclosure;
mod framing;
mod health;
#[cfg(test)]
mod healthy;
mod hsts;
//mod hsts_preload;
mod https_redirect;
#[cfg(feature = "api")]
mod json;
mod nosniff;
mod page;
mod pages;
mod permissions_policy;
mod policy;
mod referrer_policy;
mod reporting_endpoints;
#[cfg(test)]
mod samples;
pub(crate) mod set_cookie;
mod source;
mod strict_transport;
mod structured;
mod syntax;
mod trail;
#[cfg(test)]
mod where_peers_err;
#[cfg(test)]
mod world;

#[cfg(feature = "html")]
pub(crate) use self::applicability::is_html;
#[cfg(feature = "api")]
pub use self::json::{Assertion, HttpJson};
pub use self::{
    applicability::ResponseKind,
    cookies::Cookies,
    cross_origin_isolation::CrossOriginIsolation,
    csp::Csp,
    current_headers::CurrentHeaders,
    disclosure::Disclosure,
    framing::Framing,
    health::{HealthFormat, HttpHealth, StatusSet},
    hsts::Hsts,
    //hsts_preload::{HstsPreload, PreloadPolicy},
    https_redirect::HttpsRedirect,
    nosniff::Nosniff,
    pages::{Page, Pages},
    permissions_policy::PermissionsPolicy,
    referrer_policy::ReferrerPolicy,
    reporting_endpoints::ReportingEndpoints,
};
