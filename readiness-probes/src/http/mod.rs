//! HTTP: the way to https, the headers that browsers enforce, the health endpoint.

mod applicability;
mod assertion;
mod authentication_required;
mod cache_control;
mod caching;
mod capped;
mod challenge;
mod compression;
mod content;
mod cookies;
mod cors;
mod cross_origin_isolation;
#[cfg(feature = "csp")]
mod csp;
mod current_headers;
mod digest;
mod disclosure;
mod expression;
mod flow;
mod framing;
mod health;
#[cfg(test)]
mod healthy;
mod hsts;
mod hsts_preload;
mod https_redirect;
#[cfg(feature = "api")]
mod json;
mod media_type;
mod metrics;
#[cfg(feature = "html")]
mod no_mixed_content;
mod nosniff;
mod objectives;
mod observatory;
mod page;
mod pages;
mod permissions_policy;
mod policy;
mod rate_limit;
mod referrer_policy;
mod reporting_endpoints;
#[cfg(test)]
mod samples;
pub(crate) mod set_cookie;
mod source;
mod strict_transport;
mod structured;
#[cfg(feature = "html")]
mod subresource_integrity;
#[cfg(feature = "html")]
mod subresources;
mod syntax;
mod trail;
#[cfg(test)]
mod where_peers_err;
#[cfg(test)]
mod world;

#[cfg(feature = "csp")]
pub use self::csp::Csp;
pub(crate) use self::flow::{
    OF_CREDENTIAL, Received, Secrecy, Stop, Variable, Variables, body_of, cookie, has_failed, header_of,
    origin_of_text, path_of, take, variables,
};
#[cfg(feature = "api")]
pub use self::json::HttpJson;
#[cfg(feature = "html")]
pub(crate) use self::media_type::is_html;
pub use self::{
    applicability::ResponseKind,
    assertion::Assertion,
    authentication_required::AuthenticationRequired,
    caching::Caching,
    compression::Compression,
    content::{Content, HeaderAssertion},
    cookies::Cookies,
    cors::Cors,
    cross_origin_isolation::CrossOriginIsolation,
    current_headers::CurrentHeaders,
    disclosure::Disclosure,
    flow::{
        Flow, FlowAnswer, FlowDocument, FlowExpect, FlowExtract, FlowFacts, FlowHeader, FlowLack, FlowResult,
        FlowRun, FlowStep, FlowTaken, FlowUnfit, JsonText,
    },
    framing::Framing,
    health::{FindingLevel, HealthFinding, HealthFormat, HealthKind, HttpHealth, StatusSet},
    hsts::Hsts,
    hsts_preload::{HstsPreload, PreloadPolicy},
    https_redirect::HttpsRedirect,
    metrics::{LabelMatchers, MetricAssertion, MetricBound, Metrics},
    nosniff::Nosniff,
    objectives::{
        HistogramUnit, LatencyCount, LatencyObjective, LoadFacts, LoadRun, Objectives, ObjectivesFrom,
        ScrapedObjectives, Share, StatusCount,
    },
    observatory::Observatory,
    pages::{Page, Pages},
    permissions_policy::PermissionsPolicy,
    rate_limit::RateLimit,
    referrer_policy::ReferrerPolicy,
    reporting_endpoints::ReportingEndpoints,
};
#[cfg(feature = "html")]
pub use self::{no_mixed_content::NoMixedContent, subresource_integrity::SubresourceIntegrity};
