//! Certificates of every kind, and those demanded of us.

use super::*;

#[tokio::test]
async fn a_demanded_client_certificate_is_one_cause_for_all_exchanges() {
    let ca = Authority::new();
    let config = ca
        .issue(&[NAME], |_| ())
        .demanding_server(&ca, &rustls::version::TLS13);
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let plain = looks(&live(&ca));
    let facts = plain.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    assert!(session(&facts).client_certificate_requested);
    let errors = join_all(PATHS.map(|path| plain.observe(get(https(&peer), path)))).await;
    let causes: Vec<_> = errors
        .into_iter()
        .map(|result| result.unwrap_err().cause.unwrap())
        .collect();
    assert_eq!(causes[0].reason, Reason::TLS_CLIENT_CERTIFICATE_REQUIRED);
    assert!(causes.iter().all(|cause| *cause == causes[0]));
    assert_eq!(peer.connections(), 1);

    let (chain, key) = ca.client();
    let ours = live(&ca).client_certificate(chain, key);
    let looks_for_it = looks(&ours.clone().client_certificate_for([NAME]));
    assert_eq!(
        looks_for_it.observe(get(https(&peer), "/")).await.unwrap().status,
        200
    );
    // To a host that it was not given for, such as one that a redirect names, it is not shown.
    let looks_elsewhere = looks(&ours.client_certificate_for(["own.test"]));
    let error = looks_elsewhere.observe(get(https(&peer), "/")).await.unwrap_err();
    let cause = error.cause.unwrap();
    assert_eq!(cause.reason, Reason::TLS_CLIENT_CERTIFICATE_REQUIRED);
    assert!(cause.message.contains("is not for `"), "{}", cause.message);
}

#[tokio::test]
async fn in_tls_1_2_a_demanded_client_certificate_ends_the_handshake_and_the_chain_is_kept() {
    let ca = Authority::new();
    let config = ca
        .issue(&[NAME], |_| ())
        .demanding_server(&ca, &rustls::version::TLS12);
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let looks = looks(&live(&ca));
    let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    let (reason, message) = refused(&facts);
    assert_eq!(*reason, Reason::TLS_CLIENT_CERTIFICATE_REQUIRED, "{message}");
    let TlsEnd::Refused { chain, .. } = &facts.end else {
        unreachable!()
    };
    assert_eq!(chain.len(), 1);
    let seen = facts.seen.as_ref().unwrap();
    assert_eq!(seen.trust, Trust::Trusted);
    assert!(seen.signature_valid && seen.client_certificate_requested && seen.anchor.is_some());
    assert!(seen.chain.is_empty() && seen.version.is_empty());
    let error = looks.observe(get(https(&peer), "/")).await.unwrap_err();
    assert_eq!(*error.root_reason(), Reason::TLS_CLIENT_CERTIFICATE_REQUIRED);
    assert_eq!(
        error.cause.unwrap().subject,
        format!("TLS handshake with {}", peer.address)
    );
}

#[tokio::test]
async fn an_untrusted_peer_is_shown_whole_and_gets_no_secret() {
    let (ca, other) = (Authority::new(), Authority::new());
    let expired = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    let early = |params: &mut rcgen::CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2999, 1, 1);
        params.not_after = rcgen::date_time_ymd(3000, 1, 1);
    };
    let purpose = |params: &mut rcgen::CertificateParams| {
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    for (certificate, expected) in [
        (ca.issue(&[NAME], expired), UntrustedKind::Expired),
        (ca.issue(&[NAME], early), UntrustedKind::NotYetValid),
        (ca.issue(&[NAME], purpose), UntrustedKind::Purpose),
        (ca.issue(&["other.test"], |_| ()), UntrustedKind::WrongName),
        (other.issue(&[NAME], |_| ()), UntrustedKind::UnknownIssuer),
    ] {
        let peer = Peer::http(Some(certificate.server("h2")), |_| ok("hello")).await;
        let origin = Origin::new("https", NAME, peer.address.port());
        let mut credentials = Credentials::default();
        credentials.insert("api", Credential::bearer(origin.clone(), "s3cr3t-token"));
        credentials.insert("q", Credential::text(origin, "s3cr3t-query"));
        let looks = Looks::with_credentials(live(&ca).sources().unwrap(), credentials);
        let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
        let Trust::Untrusted { kind, message } = &session(&facts).trust else {
            panic!("{expected:?} is trusted");
        };
        assert_eq!(*kind, expected, "{message}");
        assert_eq!(session(&facts).chain.len(), 1);
        let exchange = looks.observe(get(https(&peer), "/")).await.unwrap();
        assert_eq!((exchange.status, exchange.channel), (200, Channel::UntrustedTls));
        for key in [
            get(https(&peer), "/").credential(Some("api".to_owned())),
            get(https(&peer), "/?key={q}"),
        ] {
            let error = looks.observe(key).await.unwrap_err();
            assert_eq!(error.reason, Reason::CREDENTIAL_WITHHELD);
            assert!(!error.message.contains("s3cr3t"), "{error}");
        }
        assert_eq!(peer.requests().len(), 1, "a secret went to a stranger");
    }
}

#[tokio::test]
async fn a_certificate_that_is_no_certificate_is_kept_and_not_trusted() {
    let ca = Authority::new();
    let mut certificate = ca.issue(&[NAME], |_| ());
    let good = certificate.server("http/1.1");
    let key = rustls::pki_types::PrivateKeyDer::try_from(certificate.key.serialize_der()).unwrap();
    let key = peer::provider().key_provider.load_private_key(key).unwrap();
    certificate.chain = vec![b"no certificate".to_vec().into()];
    #[derive(Debug)]
    struct Always(Arc<rustls::sign::CertifiedKey>);
    impl rustls::server::ResolvesServerCert for Always {
        fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<rustls::sign::CertifiedKey>> {
            Some(Arc::clone(&self.0))
        }
    }
    let shown = rustls::sign::CertifiedKey::new(certificate.chain.clone(), key);
    let mut config = good;
    config.cert_resolver = Arc::new(Always(shown.into()));
    let peer = Peer::http(Some(config), |_| ok("")).await;
    let looks = looks(&live(&ca));
    let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
    let session = session(&facts);
    assert_eq!(session.chain.iter().next().unwrap(), b"no certificate");
    assert!(!session.signature_valid);
    assert!(matches!(
        session.trust,
        Trust::Untrusted {
            kind: UntrustedKind::Other,
            ..
        }
    ));
    let exchange = looks.observe(get(https(&peer), "/")).await.unwrap();
    assert_eq!(exchange.channel, Channel::UntrustedTls);
}
