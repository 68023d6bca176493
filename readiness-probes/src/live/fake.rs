//! For tests: servers on loopback that say what they are told to.

#![allow(clippy::unwrap_used, reason = "only tests use it")]

use std::{future::Future, net::SocketAddr, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use readiness_core::{Observation, Sources, Target, fact::Endpoint, testing::Looks};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{Live, provider::provider};

/// Serves so many connections, one after the other, and gives what the last handler gives.
pub(super) async fn serve<F, Fut, T>(connections: usize, handle: F) -> (SocketAddr, JoinHandle<Vec<T>>)
where
    F: Fn(usize, TcpStream) -> Fut + Send + 'static,
    Fut: Future<Output = T> + Send,
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move {
        let mut seen = Vec::new();
        for i in 0..connections {
            let (stream, _) = listener.accept().await.unwrap();
            seen.push(handle(i, stream).await);
        }
        seen
    });
    (address, server)
}

/// Reads what comes until the other end closes.
pub(super) async fn drain(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut all = Vec::new();
    // A reset is an end too.
    let _ = stream.read_to_end(&mut all).await;
    all
}

/// Writes one byte after another, with a second in between.
pub(super) async fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    for byte in bytes {
        if stream.write_all(&[*byte]).await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
}

/// A target at this address, with the name that [`Authority`] certifies.
pub(super) fn target(url: &str, address: SocketAddr) -> Target {
    Target::parse(&url.replace("{}", &address.port().to_string())).unwrap()
}

pub(super) fn endpoint(target: &Target, address: SocketAddr) -> Endpoint {
    Endpoint::new(address, target.host(), target.is_tls())
}

pub(super) async fn look<O: Observation>(sources: Sources, target: &Target, key: O) -> Arc<O::Fact> {
    let looks = Looks::with_credentials(sources, target.credentials());
    looks.observe(key).await.unwrap()
}

/// A certificate authority of the test's own, and a server it vouches for.
pub(super) struct Authority {
    pub(super) pem: String,
    config: ServerConfig,
}

impl Authority {
    /// It vouches for `db.test`.
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["db.test".to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &ca).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider().unwrap())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
        Self {
            pem: ca.pem(),
            config,
        }
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config.clone()))
    }

    /// A server that speaks this protocol by ALPN; an empty name is none.
    #[cfg(feature = "grpc")]
    pub(super) fn acceptor_for(&self, alpn: &[u8]) -> TlsAcceptor {
        let mut config = self.config.clone();
        if !alpn.is_empty() {
            config.alpn_protocols = vec![alpn.to_vec()];
        }
        TlsAcceptor::from(Arc::new(config))
    }

    /// Sources that trust it.
    pub(super) fn trusted(&self) -> Sources {
        Live::new().ca_pem(self.pem.clone()).sources().unwrap()
    }
}

/// Sources that trust nobody of the tests.
pub(super) fn stranger() -> Sources {
    Live::new().sources().unwrap()
}
