//! Real handshakes on loopback: what the verifier says is explained as it should be.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, GeneralSubtree,
    IsCa, Issuer, KeyPair, NameConstraints, PublicKeyData,
};
use readiness_core::{Requirement, Sources, Suite, Target};
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::live::Live;

// Valid from 1975 to 4096, rcgen's default, so that the verifier's clock plays no part.
struct Authority {
    root: rcgen::Certificate,
    root_issuer: Issuer<'static, KeyPair>,
    intermediate: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

#[cfg(feature = "aws-lc-rs")]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(feature = "aws-lc-rs"))]
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn named(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority() -> Authority {
    let ca = |name| {
        let mut params = named(name, &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let key = KeyPair::generate().unwrap();
    let root = ca("Example Root CA").self_signed(&key).unwrap();
    let root_issuer = Issuer::new(ca("Example Root CA"), key);
    let key = KeyPair::generate().unwrap();
    let params = ca("Example Issuing CA");
    let intermediate = params.signed_by(&key, &root_issuer).unwrap().der().to_vec();
    Authority {
        root,
        root_issuer,
        intermediate,
        issuer: Issuer::new(params, key),
    }
}

/// Sources that trust this root beside the machine's.
fn trusting(root: &rcgen::Certificate) -> Sources {
    sources(Live::new().ca_pem(root.pem()))
}

fn sources(live: Live) -> Sources {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    live.resolve("api.example.test", here).sources().unwrap()
}

/// Serves this chain with this key and judges it.
async fn seen(chain: Vec<Vec<u8>>, key: &KeyPair, sources: &Sources) -> Outcome {
    let provider = provider();
    let certificates = chain.into_iter().map(CertificateDer::from).collect();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = provider.key_provider.load_private_key(key).unwrap();
    // Chosen by hand: `with_single_cert` would refuse a certificate that another key belongs to.
    let shown = rustls::sign::CertifiedKey::new(certificates, signing);
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(shown)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    let target = Target::parse(&format!("https://api.example.test:{port}")).unwrap();
    let suite = Suite::new(sources.clone())
        .with(Requirement::new(Arc::new(TlsCertificate::default()), target))
        .unwrap();
    let report = suite.run().await;
    server.abort();
    report.results[0].targets[0].outcome.clone()
}

#[tokio::test]
async fn each_fault_is_named_over_a_real_handshake() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let leaf = |params: &CertificateParams| params.signed_by(&key, &authority.issuer).unwrap().der().to_vec();
    let own = |params: &CertificateParams| params.self_signed(&key).unwrap().der().to_vec();
    let inter = || authority.intermediate.clone();
    let root = || authority.root.der().to_vec();
    let good = named("leaf", &["api.example.test"]);
    let other = named("leaf", &["other.example.test"]);
    let mut client = good.clone();
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let mut as_authority = good.clone();
    as_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let (knowing, ignorant) = (trusting(&authority.root), sources(Live::new()));
    for (chain, trusts, expected) in [
        (vec![leaf(&good), inter()], true, None),
        (vec![leaf(&good), inter(), root()], true, None),
        (
            vec![leaf(&good), root(), inter()],
            true,
            Some(("warn", "wrong_order", "chain[1]")),
        ),
        (
            vec![leaf(&good)],
            true,
            Some(("fail", "missing_intermediate", "chain[0]")),
        ),
        (
            vec![leaf(&good), inter()],
            false,
            Some(("fail", "unknown_root", "chain[1]")),
        ),
        (
            vec![leaf(&good), inter(), root()],
            false,
            Some(("fail", "unknown_root", "chain[2]")),
        ),
        (
            vec![leaf(&other), inter()],
            true,
            Some(("fail", "wrong_host", "chain[0]")),
        ),
        (
            vec![leaf(&named("leaf", &[])), inter()],
            true,
            Some(("fail", "no_san", "chain[0]")),
        ),
        (
            vec![leaf(&client), inter()],
            true,
            Some(("fail", "wrong_purpose", "chain[0]")),
        ),
        (vec![own(&good)], true, Some(("fail", "self_signed", "chain[0]"))),
        (
            vec![own(&as_authority)],
            true,
            Some(("fail", "self_signed", "chain[0]")),
        ),
    ] {
        let sources = if trusts { &knowing } else { &ignorant };
        let outcome = seen(chain, &key, sources).await;
        let found = faults(&outcome);
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{outcome:#?}");
    }
}

#[tokio::test]
async fn a_key_that_is_not_the_certificates_is_seen() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let other = KeyPair::generate().unwrap();
    assert_ne!(key.der_bytes(), other.der_bytes());
    let leaf = named("leaf", &["api.example.test"])
        .signed_by(&key, &authority.issuer)
        .unwrap();
    let chain = vec![leaf.der().to_vec(), authority.intermediate.clone()];
    let outcome = seen(chain, &other, &trusting(&authority.root)).await;
    assert_eq!(faults(&outcome), [("fail", "bad_signature", "chain[0]")]);
}

#[tokio::test]
async fn a_damaged_certificate_is_told_apart_from_an_unknown_root() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let leaf = named("leaf", &["api.example.test"])
        .signed_by(&key, &authority.issuer)
        .unwrap();
    let mut damaged = leaf.der().to_vec();
    // The signature ends the certificate; its last byte is within the number `s`.
    *damaged.last_mut().unwrap() ^= 1;
    let chain = vec![damaged, authority.intermediate.clone()];
    let outcome = seen(chain, &key, &trusting(&authority.root)).await;
    assert_eq!(faults(&outcome), [("fail", "bad_signature", "chain[0]")]);
    let message = &outcome.findings[0].message;
    assert!(
        message.contains("damaged") && !message.contains("trusted roots"),
        "{message}"
    );
    assert_eq!(outcome.summary, "the chain has a signature that does not verify");
}

/// A further authority of this one, with the certificate it is.
fn below(
    issuer: &Issuer<'_, KeyPair>,
    change: impl Fn(&mut CertificateParams),
) -> (Vec<u8>, Issuer<'static, KeyPair>) {
    let mut params = named("Example Further CA", &[]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let der = params.signed_by(&key, issuer).unwrap().der().to_vec();
    (der, Issuer::new(params, key))
}

#[tokio::test]
async fn what_the_verifier_refuses_is_explained_over_a_real_handshake() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let good = named("leaf", &["api.example.test"]);
    let knowing = trusting(&authority.root);
    let by = |issuer: &Issuer<'_, KeyPair>, params: &CertificateParams| {
        params.signed_by(&key, issuer).unwrap().der().to_vec()
    };
    let further = |change: &dyn Fn(&mut CertificateParams)| {
        let (inter, issuer) = below(&authority.root_issuer, change);
        vec![by(&issuer, &good), inter]
    };
    let direct = |change: &dyn Fn(&mut CertificateParams)| {
        let mut params = good.clone();
        change(&mut params);
        vec![by(&authority.issuer, &params), authority.intermediate.clone()]
    };
    let last = below(&authority.root_issuer, |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    let too_far = below(&last.1, |params| {
        params
            .distinguished_name
            .push(DnType::CommonName, "Example Last CA");
    });
    let constrained = |params: &mut CertificateParams| {
        params.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![GeneralSubtree::DnsName("other.example".to_owned())],
            excluded_subtrees: vec![],
        });
    };
    let critical = |params: &mut CertificateParams| {
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    };
    for (chain, expected) in [
        (further(&|_| {}), None),
        (
            direct(&|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            Some(("leaf_is_authority", "chain[0]")),
        ),
        (
            direct(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
            Some(("wrong_purpose", "chain[0]")),
        ),
        (
            direct(&critical),
            Some(("unknown_critical_extension", "chain[0]")),
        ),
        (
            further(&|params| params.is_ca = IsCa::ExplicitNoCa),
            Some(("not_an_authority", "chain[1]")),
        ),
        (
            further(&|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
            Some(("wrong_purpose", "chain[1]")),
        ),
        (
            further(&critical),
            Some(("unknown_critical_extension", "chain[1]")),
        ),
        (further(&constrained), Some(("name_constraints", "chain[0]"))),
        (
            vec![by(&too_far.1, &good), too_far.0, last.0],
            Some(("path_too_long", "chain[0]")),
        ),
    ] {
        let outcome = seen(chain, &key, &knowing).await;
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(code, at)| ("fail", code, at))
            .collect();
        assert_eq!(faults(&outcome), expected, "{outcome:#?}");
    }
}

#[tokio::test]
async fn the_root_is_told_with_its_store() {
    let authority = authority();
    let key = KeyPair::generate().unwrap();
    let root = async |name: &str| {
        let leaf = named("leaf", &[name]).signed_by(&key, &authority.issuer).unwrap();
        let chain = vec![leaf.der().to_vec(), authority.intermediate.clone()];
        let outcome = seen(chain, &key, &trusting(&authority.root)).await;
        let root = outcome
            .evidence
            .into_iter()
            .find(|evidence| evidence.label == "root");
        root.map(|root| root.value)
    };
    let given = Some("Example Root CA (given, not public)".to_owned());
    assert_eq!(root("api.example.test").await, given);
    // a wrong name says nothing against the root
    assert_eq!(root("other.example.test").await, given);
}
