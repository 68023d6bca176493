//! The one list of the probes of this crate.

use readiness_core::Registry;

#[cfg(feature = "dep")]
use crate::dep;
#[cfg(feature = "dns")]
use crate::dns;
#[cfg(feature = "http")]
use crate::http;
#[cfg(feature = "tcp")]
use crate::net;
#[cfg(feature = "tls")]
use crate::tls;

/// Adds every probe and preset of this crate that its features allow.
pub fn register(registry: &mut Registry) {
    crate::presets::register(registry);
    #[cfg(feature = "dns")]
    registry
        .add_with(dns::DnsAgreement::check)
        .add_with(dns::DnsCaa::check)
        .add_with(dns::DnsDelegation::check)
        .add_with(dns::DnsMail::check)
        .add_with(dns::Dnssec::check)
        .add::<dns::DnsPublicAddresses>()
        .add_with(dns::DnsRecords::check)
        .add_with(dns::DnsRecursionRefused::check)
        .add::<dns::DnsReverse>()
        .add_with(dns::DnsTransferRefused::check);
    #[cfg(feature = "tcp")]
    registry.add::<net::Tcp>();
    #[cfg(feature = "net")]
    registry
        .add_with(net::PortExposure::check)
        .add_with(net::UdpExposure::check);
    #[cfg(feature = "tls")]
    registry
        .add_with(tls::TlsCertificate::check)
        .add::<tls::TlsCertificateRules>()
        .add_with(tls::TlsCipherSuites::check)
        .add_with(tls::TlsProtocol::check)
        .add_with(tls::TlsServedMatchesFile::check)
        .add_with(tls::TlsTrustedEverywhere::check)
        .add_with(tls::TlsVersions::check);
    #[cfg(feature = "http")]
    registry
        .add_with(http::AuthenticationRequired::check)
        .add_with(http::Caching::check)
        .add_with(http::Compression::check)
        .add_with(http::Content::check)
        .add_with(http::Cookies::check)
        .add_with(http::Cors::check)
        .add_with(http::CrossOriginIsolation::check)
        .add_with(http::CurrentHeaders::check)
        .add_with(http::Disclosure::check)
        .add_with(http::Flow::check)
        .add_with(http::Framing::check)
        .add_with(http::Hsts::check)
        .add::<http::HstsPreload>()
        .add_with(http::HttpHealth::check)
        .add_with(http::HttpsRedirect::check)
        .add_with(http::Metrics::check)
        .add_with(http::Nosniff::check)
        .add_with(http::Objectives::check)
        .add_with(http::Observatory::check)
        .add_with(http::PermissionsPolicy::check)
        .add_with(http::RateLimit::check)
        .add_with(http::ReferrerPolicy::check)
        .add_with(http::ReportingEndpoints::check);
    #[cfg(feature = "csp")]
    registry.add_with(http::Csp::check);
    #[cfg(feature = "api")]
    registry
        .add_with(http::HttpJson::check)
        .add_with(tls::TlsRenewalWindow::check);
    #[cfg(feature = "html")]
    registry
        .add_with(http::NoMixedContent::check)
        .add_with(http::SubresourceIntegrity::check);
    #[cfg(feature = "dep")]
    registry
        .add_with(dep::Amqp::check)
        .add_with(dep::HttpApi::check)
        .add::<dep::Kafka>()
        .add_with(dep::Memcached::check)
        .add::<dep::Mongodb>()
        .add_with(dep::Mysql::check)
        .add_with(dep::Nats::check)
        .add::<dep::Postgres>()
        .add_with(dep::PostgresMigrations::check)
        .add::<dep::Redis>()
        .add_with(dep::Smtp::check);
    #[cfg(feature = "grpc")]
    registry.add_with(dep::GrpcHealth::check);
    #[cfg(feature = "ssh")]
    registry.add_with(dep::Ssh::check);
    #[cfg(feature = "websocket")]
    registry.add_with(dep::WebSocket::check);
}

/// A registry with every probe and preset of this crate that its features allow.
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    register(&mut registry);
    registry
}
