//! One function for each fuzz target: any bytes in, no panic, and an outcome that keeps the rules.
//!
//! They go through the public doors alone: a probe judges a response made by hand, as it would judge a recorded
//! one. libFuzzer calls them from `fuzz_targets/`, and `tests/bounded.rs` on stable.
//!
//! A new target is a function here, its line in [`TARGETS`], a file in `fuzz_targets/` with its `[[bin]]`, and a
//! seed in `corpus/`.

mod world;

use readiness_probes::{fact::Exchange, live::read_document};

use self::world::{html, judge, judge_page, judge_with};

/// Every target by its name.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("cache_control", cache_control),
    ("certificate", certificate),
    ("challenge", challenge),
    ("content_encoding", content_encoding),
    ("cookies", cookies),
    ("cors", cors),
    ("cross_origin", cross_origin),
    ("csp", csp),
    ("disclosure", disclosure),
    ("document", document),
    ("framing", framing),
    ("health", health),
    ("hsts", hsts),
    ("integrity", integrity),
    ("location", location),
    ("metrics", metrics),
    ("nosniff", nosniff),
    ("permissions_policy", permissions_policy),
    ("referrer_policy", referrer_policy),
    ("reporting", reporting),
    ("starttls", starttls),
    ("tls_hello", tls_hello),
];

/// `Cache-Control` and `Clear-Site-Data`. RFC 9111.
pub fn cache_control(data: &[u8]) {
    let lines = html(
        &["cache-control", "cdn-cache-control", "clear-site-data", "expires"],
        data,
    );
    judge_with("http.caching", r#"{ "sensitive": ["/"] }"#, lines.clone());
    judge_with("http.caching", r#"{ "logout": ["/"] }"#, lines);
}

/// A chain of certificates: two bytes of length before each, and a staple where one is left. RFC 5280.
pub fn certificate(data: &[u8]) {
    let mut ders = Vec::new();
    let mut rest = data;
    while let [high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(tail.len());
        let (der, after) = tail.split_at(length);
        ders.push(der.to_vec());
        rest = after;
    }
    world::judge_chain(ders);
}

/// `WWW-Authenticate`. RFC 9110, section 11.6.1.
pub fn challenge(data: &[u8]) {
    let mut exchange = html(&["www-authenticate"], data);
    exchange.status = 401;
    judge_with(
        "http.authentication_required",
        r#"{ "protected": ["/"] }"#,
        exchange,
    );
}

/// `Content-Encoding`, `Vary` and `Content-Type`. RFC 9110, section 8.4.
pub fn content_encoding(data: &[u8]) {
    world::judge_compression(html(&["content-encoding", "vary", "content-length"], data));
}

/// `Set-Cookie`. RFC 6265bis.
pub fn cookies(data: &[u8]) {
    judge("http.cookies", html(&["set-cookie"], data));
}

/// The answers to foreign origins. Fetch, section 3.3.
pub fn cors(data: &[u8]) {
    let names = [
        "access-control-allow-origin",
        "access-control-allow-credentials",
        "access-control-max-age",
        "vary",
    ];
    world::judge_cors(&html(&names, data));
}

/// COOP, COEP and CORP. RFC 8941.
pub fn cross_origin(data: &[u8]) {
    let names = [
        "cross-origin-opener-policy",
        "cross-origin-embedder-policy",
        "cross-origin-resource-policy",
    ];
    judge("http.cross_origin_isolation", html(&names, data));
}

/// `Content-Security-Policy`, in headers and in a `meta`. CSP3.
pub fn csp(data: &[u8]) {
    let names = ["content-security-policy", "content-security-policy-report-only"];
    judge("http.csp", html(&names, data));
    let text = String::from_utf8_lossy(data).replace('"', "&quot;");
    let page = format!("<meta http-equiv=content-security-policy content=\"{text}\"><script>x</script>");
    judge(
        "http.csp",
        html(&[], b"").document(read_document(page.as_bytes())),
    );
}

/// Headers and error pages that tell about software.
pub fn disclosure(data: &[u8]) {
    let names = ["server", "x-powered-by", "via", "www-authenticate"];
    let mut exchange = html(&names, data).body(data);
    judge("http.disclosure", exchange.clone());
    exchange.status = 500;
    judge("http.disclosure", exchange);
}

/// The extraction of a page, and what is judged of it. HTML, section 13.2.
pub fn document(data: &[u8]) {
    let document = read_document(data);
    let most = readiness_probes::fact::Document::MOST_ENTRIES;
    assert!(document.resources.len() <= most && document.metas.len() <= most);
    let json = serde_json::to_string(&document).unwrap_or_default();
    assert_eq!(serde_json::from_str(&json).ok(), Some(document.clone()), "{json}");
    judge_page(html(&[], b"").document(document));
}

/// `X-Frame-Options` and `frame-ancestors`. HTML, section 7.6.
pub fn framing(data: &[u8]) {
    judge(
        "http.framing",
        html(&["x-frame-options", "content-security-policy"], data),
    );
}

/// What a service says of itself, in whatever format.
pub fn health(data: &[u8]) {
    for (status, content_type) in [
        (200, "application/json"),
        (503, "application/health+json; charset=utf-16"),
        (500, "text/plain; charset=iso-8859-1"),
    ] {
        let lines = world::lines(&["cache-control", "age", "expires", "date"], data);
        let headers = std::iter::once(("content-type", content_type.into())).chain(lines);
        let mut exchange = Exchange::new(status, headers).body(data);
        world::judge_health(exchange.clone());
        exchange.body_complete = false;
        world::judge_health(exchange);
    }
}

/// `Strict-Transport-Security`. RFC 6797.
pub fn hsts(data: &[u8]) {
    let exchange = html(&["strict-transport-security"], data);
    judge("http.hsts", exchange.clone());
    judge("http.hsts_preload", exchange);
}

/// Integrity metadata and `Integrity-Policy`. Subresource Integrity.
pub fn integrity(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace('"', "&quot;");
    let page = format!("<script src=//cdn.example/a.js integrity=\"{text}\" crossorigin></script>");
    let exchange = html(&["integrity-policy"], data).document(read_document(page.as_bytes()));
    judge("http.subresource_integrity", exchange);
}

/// `Location`, from http. RFC 9110, section 10.2.2.
pub fn location(data: &[u8]) {
    let mut exchange = Exchange::new(301, world::lines(&["location"], data));
    exchange.channel = readiness_probes::fact::Channel::Plain;
    world::judge_redirect(exchange);
}

/// Pages of metrics in both formats, and another one after it. OpenMetrics and Prometheus' exposition formats.
pub fn metrics(data: &[u8]) {
    for content_type in [
        "application/openmetrics-text; version=1.0.0",
        "text/plain; version=0.0.4",
    ] {
        let page = |body: &[u8]| Exchange::new(200, [("content-type", content_type)]).body(body);
        let (before, after) = data.split_at(data.len() / 2);
        world::judge_metrics(page(data), page(data));
        world::judge_metrics(page(before), page(after));
    }
}

/// `X-Content-Type-Options` and `Content-Type`. Fetch and MIME Sniffing.
pub fn nosniff(data: &[u8]) {
    let lines = world::lines(&["x-content-type-options", "content-type"], data);
    judge("http.nosniff", Exchange::new(200, lines));
}

/// `Permissions-Policy`. RFC 8941.
pub fn permissions_policy(data: &[u8]) {
    judge(
        "http.permissions_policy",
        html(&["permissions-policy", "feature-policy"], data),
    );
}

/// `Referrer-Policy`.
pub fn referrer_policy(data: &[u8]) {
    judge("http.referrer_policy", html(&["referrer-policy"], data));
}

/// `Reporting-Endpoints` and headers out of use.
pub fn reporting(data: &[u8]) {
    let names = [
        "reporting-endpoints",
        "report-to",
        "content-security-policy",
        "nel",
    ];
    judge("http.reporting_endpoints", html(&names, data));
    let names = ["x-xss-protection", "public-key-pins", "expect-ct", "p3p"];
    judge("http.current_headers", html(&names, data));
}

/// What servers say before TLS, in pieces of one byte and at once.
pub fn starttls(data: &[u8]) {
    for name in ["smtp", "lmtp", "imap", "pop3", "postgres", "mysql"] {
        world::hold_dialogue(name, data);
    }
}

/// What servers answer to a hello. RFC 8446 and RFC 5246, section 7.4.
pub fn tls_hello(data: &[u8]) {
    world::answer_hellos(data);
}
