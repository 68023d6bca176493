//! Certificates alone: what it costs to read a chain from its DER and to judge it.
//!
//! Beside each stands a probe that only asks for the same facts: handing them out is not judging. Budgets: a
//! normal chain in 50 µs by `tls.certificate`, a chain with 10,000 names in 20 ms by each probe.

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
    Outcome, Probe, Target, Timestamp,
    fact::{
        Anchor, AnchorStore, DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute, Route,
        ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust,
    },
    probe_fn,
    testing::Facts,
};
use readiness_probes::{
    builtin,
    tls::{judge_certificate, judge_certificate_rules},
};
use serde_json::Value;

const HOST: &str = "www.example.com";
/// 2026-11-20T00:00:00Z, which is the default of [`Facts`].
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);

criterion_group! {
    name = certificates;
    config = Criterion::default().without_plots().measurement_time(Duration::from_secs(3));
    targets = judged
}
criterion_main!(certificates);

fn judged(criterion: &mut Criterion) {
    let target = Target::parse(&format!("https://{HOST}/")).unwrap();
    let look = probe_fn("bench.look", |cx| async move {
        cx.observe(DnsLookup::address(HOST, Family::V4)).await?;
        cx.observe(DnsLookup::address(HOST, Family::V6)).await?;
        cx.observe(LocalRoute::new(endpoint().address.ip())).await?;
        cx.observe(TlsHandshake::new(endpoint())).await?;
        Ok(Outcome::pass("looked"))
    });
    let registry = builtin::registry();
    let probes: Vec<Arc<dyn Probe>> = ["tls.certificate", "tls.certificate_rules"]
        .into_iter()
        .map(|id| registry.build(id, &Value::Null).unwrap())
        .collect();
    for (what, names) in [
        ("normal chain, 20 names", 20),
        ("chain with 10,000 names", 10_000),
    ] {
        let chain = chain(names);
        let bytes: usize = chain.iter().map(Vec::len).sum();
        let handshake = handshake(chain);
        let facts = facts(handshake.clone());
        let mut group = criterion.benchmark_group(format!("{what} ({bytes} bytes)"));
        if names > 1000 {
            group.sample_size(20);
        }
        for probe in &probes {
            let outcome = facts.judge(&**probe, &target);
            assert!(outcome.status.is_pass(), "{outcome:?}");
            group.bench_function(probe.info().id.as_str(), |bencher| {
                bencher.iter(|| facts.judge(&**probe, &target));
            });
        }
        group.bench_function("a probe that only looks", |bencher| {
            bencher.iter(|| facts.judge(&*look, &target));
        });
        group.bench_function("judging alone, tls.certificate", |bencher| {
            bencher.iter(|| judge_certificate(&handshake, HOST, NOW));
        });
        group.bench_function("judging alone, tls.certificate_rules", |bencher| {
            bencher.iter(|| judge_certificate_rules(&handshake));
        });
        group.finish();
    }
}

fn endpoint() -> Endpoint {
    Endpoint::new(([192, 0, 2, 1], 443).into(), HOST, true)
}

fn handshake(chain: Vec<Vec<u8>>) -> TlsFacts {
    let mut session = TlsSession::new(ServerChain::new(chain), Trust::Trusted);
    session.anchor = Some(Anchor::new("Example Root CA", AnchorStore::Given).path(vec![0, 1]));
    TlsFacts::new(TlsEnd::Established(Box::new(session)))
}

fn facts(handshake: TlsFacts) -> Facts {
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
        .with(TlsHandshake::new(endpoint()), handshake)
}

/// A leaf for so many names, the target's last, and who issued it, as DER.
fn chain(names: usize) -> Vec<Vec<u8>> {
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
    let others = (1..names).map(|n| format!("*.shop{n}.example.com"));
    let names: Vec<String> = others.chain([HOST.to_owned()]).collect();
    let mut leaf = CertificateParams::new(names).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, HOST);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
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
