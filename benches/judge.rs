//! Judging alone, over facts that are there already: a page by every header probe, a chain by its probe.
//!
//! Beside each stands the same without judging: what it costs to hand the facts out. The difference is the
//! judging itself, whose budget is 200 µs for the page.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use criterion::{Criterion, criterion_group, criterion_main};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use readiness_core::{
    Outcome, Probe, Requirement, Runner, Suite, Target, Timestamp,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Endpoint, Exchange, Family, HttpExchange, LocalRoute,
        Route, ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust,
    },
    probe_fn,
    testing::Facts,
};
use readiness_probes::builtin;
use serde_json::Value;

const HOST: &str = "www.example.com";
/// 2026-11-20T00:00:00Z, which is the default of [`Facts`].
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);

criterion_group! {
    name = judging;
    config = Criterion::default().without_plots().measurement_time(Duration::from_secs(3));
    targets = page, certificate
}
criterion_main!(judging);

fn page(criterion: &mut Criterion) {
    let target = Arc::new(Target::parse(&format!("https://{HOST}/")).unwrap());
    let facts = page_facts();
    let requirements = builtin::registry()
        .preset("security_headers", &target, &Value::Null)
        .unwrap();
    let probes: Vec<Arc<dyn Probe>> = requirements.iter().map(|r| Arc::clone(r.probe())).collect();
    for probe in &probes {
        let outcome = facts.judge(&**probe, &target);
        assert!(!outcome.status.is_unknown(), "{}: {outcome:?}", probe.info().id);
    }
    let look = probe_fn("bench.look", |cx| async move {
        cx.observe(DnsLookup::address(HOST, Family::V4)).await?;
        cx.observe(DnsLookup::address(HOST, Family::V6)).await?;
        cx.observe(LocalRoute::new(endpoint().address.ip())).await?;
        cx.observe(HttpExchange::get(endpoint(), HOST, "/")).await?;
        Ok(Outcome::pass("looked"))
    });
    assert!(facts.judge(&*look, &target).status.is_pass());
    let mut suite = Suite::new(facts.sources());
    for requirement in requirements {
        suite.add(requirement).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();

    let mut group = criterion.benchmark_group("page of 40 headers and 20 cookies");
    let name = format!("{} header probes", probes.len());
    group.bench_function(format!("{name}, facts apart for each"), |bencher| {
        bencher.iter(|| {
            let judge = |probe: &Arc<dyn Probe>| facts.judge(&**probe, &target);
            probes.iter().map(judge).collect::<Vec<_>>()
        });
    });
    group.bench_function("one probe that only looks", |bencher| {
        bencher.iter(|| facts.judge(&*look, &target));
    });
    group.bench_function(format!("{name}, one replayed run"), |bencher| {
        bencher.iter(|| runtime.block_on(Runner::new().run(&suite)));
    });
    let only_looking = looking_suite(&facts, &target, probes.len());
    group.bench_function(
        format!("{} probes that only look, one replayed run", probes.len()),
        |bencher| {
            bencher.iter(|| runtime.block_on(Runner::new().run(&only_looking)));
        },
    );
    group.finish();
}

/// As many probes that look at what the others look at and say nothing of it: what the run costs without judging.
fn looking_suite(facts: &Facts, target: &Arc<Target>, probes: usize) -> Suite {
    let mut suite = Suite::new(facts.sources());
    for n in 0..probes {
        let look = probe_fn("bench.look", move |cx| async move {
            cx.observe(DnsLookup::address(HOST, Family::V4)).await?;
            cx.observe(DnsLookup::address(HOST, Family::V6)).await?;
            cx.observe(LocalRoute::new(endpoint().address.ip())).await?;
            cx.observe(HttpExchange::get(endpoint(), HOST, "/")).await?;
            // One probe of nonces, one of HSTS.
            match n {
                0 => drop(
                    cx.observe(HttpExchange::get(endpoint(), HOST, "/").sample(1))
                        .await?,
                ),
                1 => drop(cx.observe(plain()).await?),
                _ => {}
            }
            Ok(Outcome::pass("looked"))
        });
        suite
            .add(Requirement::new(look, Arc::clone(target)).named(format!("bench.look{n}")))
            .unwrap();
    }
    suite
}

fn endpoint() -> Endpoint {
    Endpoint::new(([192, 0, 2, 1], 443).into(), HOST, true)
}

fn page_facts() -> Facts {
    let address = endpoint().address.ip();
    Facts::new()
        .with(
            DnsLookup::address(HOST, Family::V4),
            DnsAnswer::of_addresses(HOST, &[address], "test"),
        )
        .with(
            DnsLookup::address(HOST, Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(LocalRoute::new(address), Route::new(true))
        .with(
            HttpExchange::get(endpoint(), HOST, "/"),
            Exchange::new(200, page_headers()),
        )
        // A policy with a nonce is looked at again, and HSTS on the way from plain http.
        .with(
            HttpExchange::get(endpoint(), HOST, "/").sample(1),
            Exchange::new(200, page_headers()),
        )
        .with(
            plain(),
            Exchange::new(301, [("location", format!("https://{HOST}/"))]).channel(Channel::Plain),
        )
}

fn plain() -> HttpExchange {
    let address = (endpoint().address.ip(), 80).into();
    HttpExchange::get(Endpoint::new(address, HOST, false), HOST, "/")
}

/// Forty headers, and twenty cookies besides, as a page of a large service has them.
fn page_headers() -> Vec<(String, String)> {
    let policy = "default-src 'none'; script-src 'self' 'nonce-c2l4dGVlbmJ5dGVzaGVyZQ' 'strict-dynamic'; \
        style-src 'self' https://static.example.com; img-src 'self' data: https://*.example.com; \
        font-src 'self'; connect-src 'self' https://api.example.com wss://live.example.com; \
        form-action 'self'; frame-ancestors 'none'; base-uri 'none'; upgrade-insecure-requests; \
        report-to csp";
    let known = [
        ("content-type", "text/html; charset=utf-8"),
        (
            "strict-transport-security",
            "max-age=63072000; includeSubDomains; preload",
        ),
        ("content-security-policy", policy),
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

fn certificate(criterion: &mut Criterion) {
    let target = Target::parse(&format!("https://{HOST}/")).unwrap();
    let handshake = TlsHandshake::new(endpoint());
    let session = TlsSession::new(ServerChain::new(chain()), Trust::Trusted);
    let facts = page_facts().with(handshake, TlsFacts::new(TlsEnd::Established(Box::new(session))));
    let probe = builtin::registry()
        .build("tls.certificate", &Value::Null)
        .unwrap();
    let outcome = facts.judge(&*probe, &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let look = probe_fn("bench.look", |cx| async move {
        cx.observe(DnsLookup::address(HOST, Family::V4)).await?;
        cx.observe(DnsLookup::address(HOST, Family::V6)).await?;
        cx.observe(LocalRoute::new(endpoint().address.ip())).await?;
        cx.observe(TlsHandshake::new(endpoint())).await?;
        Ok(Outcome::pass("looked"))
    });

    let mut group = criterion.benchmark_group("chain of leaf and intermediate");
    group.bench_function("tls.certificate", |bencher| {
        bencher.iter(|| facts.judge(&*probe, &target));
    });
    group.bench_function("a probe that only looks", |bencher| {
        bencher.iter(|| facts.judge(&*look, &target));
    });
    group.finish();
}

/// A leaf for twenty names, and who issued it, as DER.
fn chain() -> Vec<Vec<u8>> {
    let key = || KeyPair::generate().unwrap();
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.use_authority_key_identifier_extension = true;
        valid(params, 1000, 2650)
    };
    let root = Issuer::new(authority("Example Root CA"), key());
    let params = authority("Example Issuing CA");
    let issuing_key = key();
    let issuing = params.signed_by(&issuing_key, &root).unwrap();
    let issuer = Issuer::new(params, issuing_key);
    let names = (1..20).map(|n| format!("www{n}.example.com"));
    let names: Vec<String> = std::iter::once(HOST.to_owned()).chain(names).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let leaf = valid(leaf, 10, 80).signed_by(&key(), &issuer).unwrap();
    vec![leaf.der().to_vec(), issuing.der().to_vec()]
}

fn valid(mut params: CertificateParams, days_ago: i64, days_left: i64) -> CertificateParams {
    let at = |time: Timestamp| {
        let unix = u64::try_from(time.unix_seconds()).unwrap();
        (SystemTime::UNIX_EPOCH + Duration::from_secs(unix)).into()
    };
    params.not_before = at(NOW.plus_days(-days_ago));
    params.not_after = at(NOW.plus_days(days_left).plus_seconds(-1));
    params
}
