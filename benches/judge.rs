//! A page judged by every header probe: what a run costs when its facts are at hand.
//!
//! The sources hold the facts in memory and hand out copies, as a client does with what it has read. Beside the
//! run stands one whose probes look at the same things and say nothing; the difference is the judging, whose
//! budget is 200 µs for 40 headers and 20 cookies. What a page loads costs besides.

mod support;

use std::{sync::Arc, time::Duration};

use readiness_core::{
    Looking, ObserveError, Outcome, Probe, Reason, Report, Requirement, Runner, Source, Sources, Suite,
    Target,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Document, Endpoint, Exchange, Family, HttpExchange,
        LocalRoute, Resource, Route,
    },
    probe_fn,
};
use readiness_probes::builtin;
use serde_json::json;
use tokio::runtime::Runtime;

use self::support::{count, heading, held, median, ratio, runtime, shown};

const HOST: &str = "www.example.com";
const BUDGET: Duration = Duration::from_micros(200);

fn main() {
    let runtime = runtime();
    for (what, document) in [
        ("a page of 40 headers and 20 cookies", Document::new()),
        ("the same page, loading 30 scripts, styles and images", document()),
    ] {
        heading(what);
        for profile in ["recommended", "strict"] {
            page(&runtime, profile, &document, count(4001, 1));
        }
    }
}

fn page(runtime: &Runtime, profile: &str, document: &Document, rounds: usize) {
    let target = Arc::new(Target::parse(&format!("https://{HOST}/")).unwrap());
    let requirements = builtin::registry()
        .preset("security_headers", &target, &json!({ "headers": profile }))
        .unwrap();
    let probes = requirements.len();
    let judging = suite(requirements, document);
    let looking = suite(
        (0..probes).map(|n| Requirement::new(look(n), Arc::clone(&target)).named(format!("bench.look{n}"))),
        document,
    );
    let run = |suite: &Suite| -> Report { runtime.block_on(Runner::new().run(suite)) };
    for (_, row) in run(&judging).rows().chain(run(&looking).rows()) {
        assert!(!row.status().is_unknown(), "{row:?}");
    }
    // By turns, so that both have the same of what else the machine does.
    let mut judged = Vec::new();
    let mut looked = Vec::new();
    for _ in 0..count(5, 1) {
        judged.push(median(rounds, || run(&judging)));
        looked.push(median(rounds, || run(&looking)));
    }
    let (judged, looked) = (
        judged.into_iter().min().unwrap(),
        looked.into_iter().min().unwrap(),
    );
    let micros = |time: Duration| format!("{:.1} µs", time.as_secs_f64() * 1e6);
    let judging = judged.saturating_sub(looked);
    let what = format!("judging by {probes} probes of `{profile}`");
    if document.resources.is_empty() {
        held(&what, micros(judging), "200 µs", judging < BUDGET);
    } else {
        shown(&what, micros(judging));
    }
    shown("  the whole run, its report included", micros(judged));
    shown("  the same run without judging", micros(looked));
    shown(
        "  the run, as a multiple of one without judging",
        format!("{:.2}", ratio(judged, looked)),
    );
}

fn suite(requirements: impl IntoIterator<Item = Requirement>, document: &Document) -> Suite {
    let sources = Sources::default()
        .with::<DnsLookup, _>(AtHand)
        .with::<LocalRoute, _>(AtHand)
        .with::<HttpExchange, _>(Pages::new(document.clone()));
    let mut suite = Suite::new(sources);
    for requirement in requirements {
        suite.add(requirement).unwrap();
    }
    suite
}

/// A probe that looks at what the others look at, the first two at what nonces and HSTS take besides.
fn look(n: usize) -> Arc<dyn Probe> {
    probe_fn("bench.look", move |cx| async move {
        cx.observe(DnsLookup::address(HOST, Family::V4)).await?;
        cx.observe(DnsLookup::address(HOST, Family::V6)).await?;
        cx.observe(LocalRoute::new(endpoint().address.ip())).await?;
        cx.observe(secure()).await?;
        match n {
            0 => drop(cx.observe(secure().sample(1)).await?),
            1 => drop(cx.observe(plain()).await?),
            _ => {}
        }
        Ok(Outcome::pass("looked"))
    })
}

fn endpoint() -> Endpoint {
    Endpoint::new(([192, 0, 2, 1], 443).into(), HOST, true)
}

fn secure() -> HttpExchange {
    HttpExchange::get(endpoint(), HOST, "/")
}

fn plain() -> HttpExchange {
    let address = (endpoint().address.ip(), 80).into();
    HttpExchange::get(Endpoint::new(address, HOST, false), HOST, "/")
}

/// Where the host is.
struct AtHand;

impl Source<DnsLookup> for AtHand {
    async fn look(&self, key: DnsLookup, _: Looking) -> Result<DnsAnswer, ObserveError> {
        Ok(if key == DnsLookup::address(HOST, Family::V4) {
            DnsAnswer::of_addresses(HOST, &[endpoint().address.ip()], "bench")
        } else {
            DnsAnswer::new(DnsResult::NoData, "bench")
        })
    }
}

impl Source<LocalRoute> for AtHand {
    async fn look(&self, _: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        Ok(Route::new(true))
    }
}

/// What the host answers: a page, with another nonce when it is asked again.
struct Pages {
    page: Exchange,
    again: Exchange,
    redirect: Exchange,
}

impl Pages {
    fn new(document: Document) -> Self {
        Self {
            page: Exchange::new(200, page_headers("c2l4dGVlbmJ5dGVzaGVyZQ")).document(document.clone()),
            again: Exchange::new(200, page_headers("YW5vdGhlcnNpeHRlZW4hIQ")).document(document),
            redirect: Exchange::new(301, [("location", format!("https://{HOST}/"))]).channel(Channel::Plain),
        }
    }
}

impl Source<HttpExchange> for Pages {
    async fn look(&self, key: HttpExchange, _: Looking) -> Result<Exchange, ObserveError> {
        match key.endpoint.tls {
            true if key.sample == 0 => Ok(self.page.clone()),
            true => Ok(self.again.clone()),
            false if key == plain() => Ok(self.redirect.clone()),
            false => Err(ObserveError::new(
                Reason::ERROR,
                format!("nothing is at {}", key.url()),
            )),
        }
    }
}

/// What such a page loads: ten scripts, ten styles and ten images, those of others with their digests.
fn document() -> Document {
    let digest = "sha384-oqVuAfXRKap7fdgcCY5uykM6+R9GqQ8K/uxy9rx7HNQlGYl1kPzQho1wx4JwY8wC";
    let mut document = Document::new();
    for n in 0..10 {
        let url = |file: &str| format!("https://static.example.com/{n}/{file}");
        let of_others = |resource: Resource| resource.integrity(digest).cross_origin("anonymous");
        document.resources.extend([
            of_others(Resource::new("script", url("app.js"))),
            of_others(Resource::new("link", url("app.css")).rel("stylesheet")),
            Resource::new("img", format!("/images/{n}.webp")),
        ]);
    }
    document
}

/// Forty headers, and twenty cookies besides, as a page of a large service has them.
fn page_headers(nonce: &str) -> Vec<(String, String)> {
    let policy = "default-src 'none'; script-src 'self' 'nonce-@nonce@' 'strict-dynamic'; \
        style-src 'self' https://static.example.com; img-src 'self' data: https://*.example.com; \
        font-src 'self'; connect-src 'self' https://api.example.com wss://live.example.com; \
        form-action 'self'; frame-ancestors 'none'; base-uri 'none'; upgrade-insecure-requests; \
        report-to csp"
        .replace("@nonce@", nonce);
    let known = [
        ("content-type", "text/html; charset=utf-8"),
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains; preload",
        ),
        ("content-security-policy", policy.as_str()),
        (
            "content-security-policy-report-only",
            "default-src 'self'; report-to csp",
        ),
        ("x-frame-options", "DENY"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer, strict-origin-when-cross-origin"),
        (
            "permissions-policy",
            "camera=(), microphone=(), geolocation=(self \"https://maps.example.com\")",
        ),
        ("cross-origin-opener-policy", "same-origin; report-to=\"coop\""),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "same-origin"),
        ("server", "nginx"),
        ("date", "Fri, 20 Nov 2026 00:00:00 GMT"),
        ("cache-control", "private, no-store"),
        ("vary", "accept-encoding, cookie"),
        ("etag", "\"33a64df551425fcc55e4d42a148795d9f25f89d4\""),
        ("content-length", "51234"),
        ("reporting-endpoints", "csp=\"https://report.example.com/csp\""),
        ("nel", "{\"report_to\":\"csp\",\"max_age\":2592000}"),
        ("alt-svc", "h3=\":443\"; ma=86400"),
    ];
    let mut headers: Vec<(String, String)> = known
        .iter()
        .map(|&(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for n in headers.len()..40 {
        headers.push((
            format!("x-trace-{n}"),
            format!("00-4bf92f3577b34da6a3ce929d0e0e{n:04}-01"),
        ));
    }
    for n in 0..20 {
        let attributes = [
            "Secure; HttpOnly; SameSite=Lax; Path=/",
            "Secure; SameSite=None; Path=/app",
        ][n % 2];
        headers.push((
            "set-cookie".to_owned(),
            format!("__Secure-part{n}=[redacted]; Max-Age=86400; {attributes}"),
        ));
    }
    headers
}
