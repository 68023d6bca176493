//! The headers that tell of software.

use std::cmp::Ordering;

use readiness_core::fact::Exchange;

/// What a header tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Tells {
    /// Which software answers.
    Product,
    /// How requests are served inside: hosts, timings, traces.
    Inner,
}

/// The names of the OWASP Secure Headers Project, ascending without regard to case.
const HEADERS: [(&str, Tells); 87] = [
    ("$wsep", Tells::Inner),
    ("Host-Header", Tells::Inner),
    ("K-Proxy-Request", Tells::Inner),
    ("Liferay-Portal", Tells::Product),
    ("OracleCommerceCloud-Version", Tells::Product),
    ("Pega-Host", Tells::Inner),
    ("Powered-By", Tells::Product),
    ("Product", Tells::Product),
    ("Server", Tells::Product),
    ("SourceMap", Tells::Inner),
    ("X-AspNet-Version", Tells::Product),
    ("X-AspNetMvc-Version", Tells::Product),
    ("X-Atmosphere-error", Tells::Inner),
    ("X-Atmosphere-first-request", Tells::Inner),
    ("X-Atmosphere-tracking-id", Tells::Inner),
    ("X-B3-ParentSpanId", Tells::Inner),
    ("X-B3-Sampled", Tells::Inner),
    ("X-B3-SpanId", Tells::Inner),
    ("X-B3-TraceId", Tells::Inner),
    ("X-Backside-Transport", Tells::Inner),
    ("X-BEServer", Tells::Inner),
    ("X-CalculatedBETarget", Tells::Inner),
    ("X-CF-Powered-By", Tells::Product),
    ("X-CMS", Tells::Product),
    ("X-Cocoon-Version", Tells::Product),
    ("X-Content-Encoded-By", Tells::Product),
    ("X-Datadog-Origin", Tells::Inner),
    ("X-Datadog-Parent-Id", Tells::Inner),
    ("X-Datadog-Sampling-Priority", Tells::Inner),
    ("X-Datadog-Tags", Tells::Inner),
    ("X-Datadog-Trace-Id", Tells::Inner),
    ("X-DiagInfo", Tells::Inner),
    ("X-dtAgentId", Tells::Inner),
    ("X-dtHealthCheck", Tells::Inner),
    ("X-dtInjectedServlet", Tells::Inner),
    ("X-Envoy-Attempt-Count", Tells::Inner),
    ("X-Envoy-External-Address", Tells::Inner),
    ("X-Envoy-Internal", Tells::Inner),
    ("X-Envoy-Original-Dst-Host", Tells::Inner),
    ("X-Envoy-Upstream-Service-Time", Tells::Inner),
    ("X-FEServer", Tells::Inner),
    ("X-Framework", Tells::Product),
    ("X-Generated-By", Tells::Product),
    ("X-Generator", Tells::Product),
    ("X-Gitlab-Meta", Tells::Inner),
    ("X-Jitsi-Release", Tells::Product),
    ("X-Joomla-Version", Tells::Product),
    ("X-Kong-Admin-Latency", Tells::Inner),
    ("X-Kong-Client-Latency", Tells::Inner),
    ("X-Kong-Proxy-Latency", Tells::Inner),
    ("X-Kong-Request-Id", Tells::Inner),
    ("X-Kong-Response-Latency", Tells::Inner),
    ("X-Kong-Third-Party-Latency", Tells::Inner),
    ("X-Kong-Total-Latency", Tells::Inner),
    ("X-Kong-Upstream-Latency", Tells::Inner),
    ("X-Kong-Upstream-Status", Tells::Inner),
    ("X-Kubernetes-PF-FlowSchema-UID", Tells::Inner),
    ("X-Kubernetes-PF-PriorityLevel-UID", Tells::Inner),
    ("X-LiteSpeed-Cache", Tells::Inner),
    ("X-Litespeed-Cache-Control", Tells::Inner),
    ("X-LiteSpeed-Purge", Tells::Inner),
    ("X-LiteSpeed-Tag", Tells::Inner),
    ("X-LiteSpeed-Vary", Tells::Inner),
    ("X-Mod-Pagespeed", Tells::Product),
    ("X-Nextjs-Cache", Tells::Inner),
    ("X-Nextjs-Matched-Path", Tells::Inner),
    ("X-Nextjs-Page", Tells::Inner),
    ("X-Nextjs-Redirect", Tells::Inner),
    ("X-Old-Content-Length", Tells::Inner),
    ("X-OneAgent-JS-Injection", Tells::Inner),
    ("X-OWA-Version", Tells::Product),
    ("X-Page-Speed", Tells::Product),
    ("X-Php-Version", Tells::Product),
    ("X-Powered-By", Tells::Product),
    ("X-Powered-By-Plesk", Tells::Product),
    ("X-Powered-CMS", Tells::Product),
    ("X-Redirect-By", Tells::Product),
    ("X-ruxit-JS-Agent", Tells::Inner),
    ("X-Server-Powered-By", Tells::Product),
    ("X-SourceFiles", Tells::Inner),
    ("X-SourceMap", Tells::Inner),
    ("X-Turbo-Charged-By", Tells::Product),
    ("X-Tyk-Trace-Id", Tells::Inner),
    ("X-Umbraco-Version", Tells::Product),
    ("X-Varnish-Backend", Tells::Inner),
    ("X-Varnish-Server", Tells::Inner),
    ("X-Woodpecker-Version", Tells::Product),
];

/// Those that a response has, in the order of [`HEADERS`], each once.
pub(super) fn named(exchange: &Exchange) -> impl Iterator<Item = (&'static str, Tells)> {
    let place = |name: &str| HEADERS.binary_search_by(|(known, _)| compare(known, name)).ok();
    let mut places: Vec<usize> = exchange
        .headers
        .iter()
        .filter_map(|header| place(&header.name))
        .collect();
    places.sort_unstable();
    places.dedup();
    places.into_iter().filter_map(|place| HEADERS.get(place).copied())
}

fn compare(one: &str, other: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    one.bytes().map(lower).cmp(other.bytes().map(lower))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::syntax::is_token;

    #[test]
    fn names_ascend_and_each_is_found() {
        assert!(HEADERS.is_sorted_by(|(one, _), (other, _)| compare(one, other) == Ordering::Less));
        for (name, _) in HEADERS {
            assert!(is_token(name.as_bytes()), "{name}");
            let lines = [(name, "x"), ("x-other", "x"), (name, "y")];
            let found: Vec<&str> = named(&Exchange::new(200, lines)).map(|(name, _)| name).collect();
            assert_eq!(found, [name]);
        }
    }
}
