//! A web server on loopback, on the runtime of whoever starts it.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

/// The provider of cryptography of both sides.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// A server; dropping it ends it.
pub struct Peer {
    pub address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

/// A server with a certificate of an authority of its own.
pub struct TlsPeer {
    pub peer: Peer,
    /// Who vouches for it.
    pub authority: CertificateDer<'static>,
    pub authority_pem: String,
}

impl Peer {
    /// Speaks HTTP/1.1 without TLS.
    pub async fn plain() -> Self {
        Self::serve(None).await
    }

    /// Speaks this protocol, `http/1.1` or `h2`, over TLS.
    pub async fn tls(name: &str, alpn: &str) -> TlsPeer {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let leaf = leaf.signed_by(&key, &ca).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf], key)
            .unwrap();
        config.alpn_protocols = vec![alpn.as_bytes().to_vec()];
        TlsPeer {
            peer: Self::serve(Some(TlsAcceptor::from(Arc::new(config)))).await,
            authority: ca.der().clone(),
            authority_pem: ca.pem(),
        }
    }

    /// How many connections it has accepted so far.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::Relaxed)
    }

    async fn serve(acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&accepted);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut served = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                // A task that has ended is kept until it is asked for.
                while served.try_join_next().is_some() {}
                stream.set_nodelay(true).unwrap();
                let acceptor = acceptor.clone();
                served.spawn(async move {
                    let Some(acceptor) = acceptor else {
                        return converse(stream, false).await;
                    };
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        converse(stream, is_h2).await;
                    }
                });
            }
        });
        Self {
            address,
            accepted,
            _tasks: tasks,
        }
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static, is_h2: bool) {
    let service = service_fn(|_: Request<Incoming>| async {
        let response = Response::builder()
            .header("content-type", "text/html; charset=utf-8")
            .header("x-content-type-options", "nosniff")
            .header("referrer-policy", "no-referrer")
            .body(Full::new(Bytes::from_static(
                b"<!doctype html><title>ready</title>",
            )));
        Ok::<_, Infallible>(response.unwrap())
    });
    let io = TokioIo::new(stream);
    // A peer that has gone is no matter of the server's.
    if is_h2 {
        let _ = http2::Builder::new(TokioExecutor::new())
            .serve_connection(io, service)
            .await;
    } else {
        let _ = http1::Builder::new().serve_connection(io, service).await;
    }
}
