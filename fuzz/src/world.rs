//! A service made by hand, and the rules that each outcome keeps.

use std::sync::{LazyLock, OnceLock};

use readiness_probes::{
    Outcome, Probe, Reason, Registry, Status, Target, builtin,
    fact::{
        Anchor, AnchorStore, Channel, DnsAnswer, DnsLookup, DnsResult, Document, Endpoint, Exchange, Family,
        HttpExchange, LocalRoute, Route, ServerChain, StartTls, TlsEnd, TlsFacts, TlsHandshake, TlsHello,
        TlsSession, TlsVersion, Trust,
    },
    live,
    testing::Facts,
    tls::read_hello_reply,
};
use serde_json::Value;
use tokio::runtime::Runtime;

const HOST: &str = "www.example.com";
const ADDRESS: [u8; 4] = [192, 0, 2, 1];

/// The bytes as header lines: each line of them is one, under these names in turn.
pub(crate) fn lines(names: &[&'static str], data: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let values = data.split(|&byte| byte == b'\n').take(256);
    names
        .iter()
        .copied()
        .cycle()
        .zip(values.map(<[u8]>::to_vec))
        .collect()
}

/// An HTML page with these lines besides its type.
pub(crate) fn html(names: &[&'static str], data: &[u8]) -> Exchange {
    let own = ("content-type", b"text/html; charset=utf-8".to_vec());
    Exchange::new(200, std::iter::once(own).chain(lines(names, data)))
}

/// The probe of this id judges the page with its default settings.
pub(crate) fn judge(id: &str, exchange: Exchange) {
    judge_with(id, "null", exchange);
}

/// The probe of this id judges the page with these settings, a JSON text.
pub(crate) fn judge_with(id: &str, settings: &str, exchange: Exchange) {
    let mut plain = Exchange::new(301, [("location", "https://www.example.com/")]);
    plain.channel = Channel::Plain;
    let facts = facts()
        .with(key("/", true), exchange)
        .with(key("/", false), plain);
    run(id, settings, &facts);
}

/// Everything that is judged of a document.
pub(crate) fn judge_page(exchange: Exchange) {
    let facts = facts().with(key("/", true), exchange);
    for id in [
        "http.subresource_integrity",
        "http.no_mixed_content",
        "http.csp",
        "http.referrer_policy",
    ] {
        run(id, "null", &facts);
    }
    run("http.content", r#"{ "title": "x" }"#, &facts);
}

pub(crate) fn judge_compression(exchange: Exchange) {
    let key = key("/", true).header("accept-encoding", "br, zstd, gzip");
    run("http.compression", "null", &facts().with(key, exchange));
}

/// A page of metrics, and what it is a second later.
pub(crate) fn judge_metrics(first: Exchange, second: Exchange) {
    let key = key("/metrics", true)
        .header(
            "accept",
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
        )
        .keep_body(10 * 1024 * 1024);
    let again = key.clone().sample(1).after(1000);
    let facts = facts().with(key, first).with(again, second);
    let settings = r#"{
        "required": ["a_seconds"],
        "assert": [{ "metric": "b_total", "labels": { "c": "d" }, "at_least": "0.5", "at_most": 20 }],
        "second_scrape_after_ms": 1000
    }"#;
    run("http.metrics", settings, &facts);
}

/// Every stranger, on both ways, is answered with this.
pub(crate) fn judge_cors(exchange: &Exchange) {
    let mut all = facts().with(key("/", true), exchange.clone());
    for origin in [
        "https://readiness-7f3a9c.example",
        "null",
        "https://www.example.com.evil.example",
        "https://evilwww.example.com",
        "https://wwwxexample.com",
        "http://www.example.com",
        "https://readiness-7f3a9c.example.com",
    ] {
        let simple = key("/", true).header("origin", origin);
        let mut preflight = simple
            .clone()
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization");
        if origin.ends_with("7f3a9c.example") {
            preflight = preflight.header("access-control-request-private-network", "true");
        }
        "OPTIONS".clone_into(&mut preflight.method);
        all = all
            .with(simple, exchange.clone())
            .with(preflight, exchange.clone());
    }
    run("http.cors", "null", &all);
}

pub(crate) fn judge_redirect(exchange: Exchange) {
    let end = Exchange::new(200, [("content-type", "text/html")]);
    let facts = facts().with(key("/", false), exchange).with(key("/", true), end);
    run("http.https_redirect", "null", &facts);
}

/// A server that shows these certificates; the last one is its staple as well.
pub(crate) fn judge_chain(ders: Vec<Vec<u8>>) {
    let staple: Vec<Vec<u8>> = ders.last().cloned().into_iter().collect();
    let mut session = TlsSession::new(ServerChain::new(ders), Trust::Trusted);
    session.anchor = Some(Anchor::new("Example Root", AnchorStore::Platform).public());
    session.ocsp_staple = ServerChain::new(staple);
    let handshake = TlsHandshake::new(Endpoint::new((ADDRESS, 443).into(), HOST, true));
    let facts = facts().with(handshake, TlsFacts::new(TlsEnd::Established(Box::new(session))));
    run("tls.certificate", "null", &facts);
    run("tls.certificate_rules", "null", &facts);
}

/// A peer says these bytes after each of our sentences, whatever they are.
pub(crate) fn hold_dialogue(name: &str, said: &[u8]) {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| match tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => panic!("{error}"),
    });
    let script = match StartTls::named(name) {
        Ok(script) => script,
        Err(error) => panic!("{error}"),
    };
    let [slow, quick] = [1, usize::MAX].map(|piece| {
        let held = live::hold_dialogue(&script, said, piece);
        RUNTIME.block_on(held).map_err(|(reason, message)| {
            assert!(message.len() < 2000, "{name}: {message}");
            reason
        })
    });
    // What comes after the last sentence in one piece is injected, and more than nothing.
    if quick.is_ok() {
        assert_eq!(slow, quick, "{name}");
    }
}

/// The bytes as the answer to a hello of each version, in pieces of one byte and at once.
pub(crate) fn answer_hellos(bytes: &[u8]) {
    for version in [
        TlsVersion::Ssl3,
        TlsVersion::Tls10,
        TlsVersion::Tls12,
        TlsVersion::Tls13,
    ] {
        let endpoint = Endpoint::new((ADDRESS, 443).into(), HOST, true);
        let hello = TlsHello::new(endpoint, version, vec![0x1301, 0xc02f, 0x002f])
            .groups(vec![0x11ec, 29])
            .whole_flight();
        let at_once = read_hello_reply(&hello, bytes, usize::MAX);
        assert_eq!(at_once, read_hello_reply(&hello, bytes, 1), "{version:?}");
    }
}

fn key(path: &str, tls: bool) -> HttpExchange {
    let port = if tls { 443 } else { 80 };
    HttpExchange::get(Endpoint::new((ADDRESS, port).into(), HOST, tls), HOST, path)
}

fn facts() -> Facts {
    static FACTS: LazyLock<Facts> = LazyLock::new(|| {
        Facts::new()
            .with(
                DnsLookup::address(HOST, Family::V4),
                DnsAnswer::of_addresses(HOST, &[ADDRESS.into()], "fuzz"),
            )
            .with(
                DnsLookup::address(HOST, Family::V6),
                DnsAnswer::new(DnsResult::NoData, "fuzz"),
            )
            .with(LocalRoute::new(ADDRESS.into()), Route::new(true))
    });
    FACTS.clone()
}

fn run(id: &str, settings: &str, facts: &Facts) {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    static TARGET: LazyLock<Target> = LazyLock::new(|| match Target::parse("https://www.example.com/") {
        Ok(target) => target,
        Err(error) => panic!("{error}"),
    });
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let probe = match REGISTRY.get_or_init(builtin::registry).build(id, &settings) {
        Ok(probe) => probe,
        Err(error) => panic!("{error}"),
    };
    let outcome = facts.judge(&*probe, &TARGET);
    check(&*probe, &outcome);
    assert_eq!(
        outcome,
        facts.judge(&*probe, &TARGET),
        "{id} judges the same twice"
    );
}

/// The rules that hold whatever a peer sends.
fn check(probe: &dyn Probe, outcome: &Outcome) {
    let id = &probe.info().id;
    assert!(!outcome.summary.is_empty(), "{id}: no summary");
    if let Status::Unknown { reason, .. } = &outcome.status {
        assert_ne!(*reason, Reason::PANIC, "{id}: {}", outcome.summary);
        // A target that reaches no judge fuzzes nothing; redirects lead to where nothing is recorded.
        let follows = [
            "http.cookies",
            "http.https_redirect",
            "http.hsts",
            "http.hsts_preload",
        ];
        if !follows.contains(&id.as_str()) {
            assert_ne!(*reason, Reason::NOT_RECORDED, "{id}: {}", outcome.summary);
        }
    }
    assert!(outcome.summary.len() < 2000, "{id}: {}", outcome.summary);
    // A page of a thousand resources is told in part.
    assert!(
        outcome.findings.len() <= Document::MOST_ENTRIES,
        "{id}: {} findings",
        outcome.findings.len()
    );
    for finding in &outcome.findings {
        let is_fault = finding.status.is_fail() || finding.status.is_warn();
        assert!(
            !is_fault || !finding.remedy.is_empty(),
            "{id}: `{}` has no remedy",
            finding.code
        );
        let is_snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.');
        assert!(finding.code.chars().all(is_snake), "{id}: `{}`", finding.code);
        assert!(
            finding.message.len() < 4000,
            "{id}: {} bytes of message",
            finding.message.len()
        );
    }
    let json = serde_json::to_string(outcome).unwrap_or_default();
    assert_eq!(
        serde_json::from_str(&json).ok().as_ref(),
        Some(outcome),
        "{id}: {json}"
    );
}
