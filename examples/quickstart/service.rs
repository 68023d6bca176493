//! A web shop in eighty lines: TLS with a private authority, a plain port that redirects, a health
//! endpoint. With its faults it is what one meets in a first deployment.

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Where the service listens, and who vouches for it.
pub struct Service {
    pub tls_port: u16,
    pub plain_port: u16,
    pub ca_pem: String,
}

impl Service {
    pub async fn start(host: &'static str, healthy: bool) -> Result<Self, Box<dyn Error>> {
        let tls_listener = TcpListener::bind("127.0.0.1:0").await?;
        let plain_listener = TcpListener::bind("127.0.0.1:0").await?;
        let tls_port = tls_listener.local_addr()?.port();
        let plain_port = plain_listener.local_addr()?.port();
        let (config, ca_pem) = certificate(host, healthy)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));

        tokio::spawn(async move {
            while let Ok((stream, _)) = tls_listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let answer = service_fn(move |request| async move { shop(&request, healthy) });
                        let _ = http1::Builder::new()
                            .serve_connection(TokioIo::new(stream), answer)
                            .await;
                    }
                });
            }
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = plain_listener.accept().await {
                tokio::spawn(redirect(stream, format!("https://{host}:{tls_port}/"), healthy));
            }
        });
        Ok(Self {
            tls_port,
            plain_port,
            ca_pem,
        })
    }
}

fn shop(request: &Request<Incoming>, healthy: bool) -> Result<Response<Full<Bytes>>, Infallible> {
    let mut response = Response::builder();
    let body: &str = match (request.uri().path(), healthy) {
        ("/healthz", true) => {
            response = response
                .header("content-type", "application/health+json")
                .header("cache-control", "no-store");
            r#"{"status":"pass","checks":{"orders-db":[{"status":"pass"}],"cache":[{"status":"pass"}]}}"#
        }
        ("/healthz", false) => {
            response = response
                .status(503)
                .header("content-type", "application/health+json")
                .header("cache-control", "no-store");
            r#"{"status":"fail","checks":{"orders-db":[{"status":"fail","output":"too many connections"}],"cache":[{"status":"pass"}]}}"#
        }
        _ => {
            response = response.header("content-type", "text/html; charset=utf-8");
            "<!doctype html><title>Shop</title><h1>Shop</h1>"
        }
    };
    response = if healthy {
        response
            .header("strict-transport-security", "max-age=31536000; includeSubDomains")
            .header(
                "content-security-policy",
                "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            )
            .header("x-content-type-options", "nosniff")
            .header("referrer-policy", "strict-origin-when-cross-origin")
            .header("set-cookie", "__Host-session=a1b2c3; Path=/; Secure; HttpOnly; SameSite=Lax")
    } else {
        response
            .header("strict-transport-security", "max-age=300")
            .header(
                "content-security-policy",
                "default-src 'self'; script-src 'self' 'unsafe-inline'",
            )
            .header("server", "nginx/1.22.1")
            .header("set-cookie", "session=a1b2c3; Path=/")
    };
    Ok(response
        .body(Full::new(Bytes::from_static(body.as_bytes())))
        .unwrap_or_default())
}

async fn redirect(stream: TcpStream, to: String, healthy: bool) {
    let answer = service_fn(move |_: Request<Incoming>| {
        let response = Response::builder()
            .status(if healthy { 308 } else { 302 })
            .header("location", to.as_str())
            .body(Full::new(Bytes::new()))
            .unwrap_or_default();
        async move { Ok::<_, Infallible>(response) }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), answer)
        .await;
}

/// A certificate of 90 days, with 80 or with 5 of them left.
fn certificate(host: &str, healthy: bool) -> Result<(ServerConfig, String), Box<dyn Error>> {
    const DAY: Duration = Duration::from_secs(86_400);
    let now = std::time::SystemTime::now();
    let days_left = if healthy { 80 } else { 5 };

    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "Example Shop CA");
    authority.not_before = (now - 100 * DAY).into();
    authority.not_after = (now + 3000 * DAY).into();
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let key = KeyPair::generate()?;
    let mut leaf = CertificateParams::new(vec![host.to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, host);
    leaf.extended_key_usages
        .push(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    leaf.use_authority_key_identifier_extension = true;
    leaf.not_before = (now - (90 - days_left) * DAY).into();
    leaf.not_after = (now + days_left * DAY).into();
    let leaf = leaf.signed_by(&key, &authority)?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)?;
    Ok((config, authority.pem()))
}
