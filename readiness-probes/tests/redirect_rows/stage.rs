//! The peers that the tests lead through, and what is said of them.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use readiness_probes::{
    Outcome, Report, Requirement, Runner, Suite, Target, builtin, fact::Family, live::Live,
};
use rustls::ServerConfig;
use serde_json::json;

use crate::{
    nameserver::Nameserver,
    peer::{Authority, Peer},
};

pub(crate) const NAME: &str = "demo.test";
pub(crate) const NAMES: [&str; 4] = [NAME, "www.demo.test", "app.demo.test", "other.test"];
pub(crate) const FITS: &str = "max-age=63072000; includeSubDomains; preload";
pub(crate) const IDS: [&str; 4] = [
    "http.https_redirect",
    "http.hsts",
    "http.hsts_preload",
    "tls.certificate",
];

/// What is asked for, and the ports of the peers.
pub(crate) struct Asked<'a> {
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
    pub(crate) plain: u16,
    pub(crate) secure: u16,
}

/// Status, where it leads, and the header.
pub(crate) type Answer = (u16, Option<String>, Option<&'static str>);
pub(crate) type Handler = fn(&Asked<'_>) -> Answer;

pub(crate) fn page() -> Answer {
    (200, None, Some(FITS))
}

pub(crate) fn bare() -> Answer {
    (200, None, None)
}

/// Leads on over plain http, without the header.
pub(crate) fn to(status: u16, location: String) -> Answer {
    (status, Some(location), None)
}

/// Leads on over https, with the header.
pub(crate) fn on(location: String) -> Answer {
    (302, Some(location), Some(FITS))
}

/// As it should be.
pub(crate) fn right(asked: &Asked<'_>) -> Answer {
    to(
        308,
        format!("https://{}:{}{}", asked.host, asked.secure, asked.path),
    )
}

/// Two peers, a nameserver and an authority.
pub(crate) struct Stage {
    pub(crate) ca: Authority,
    pub(crate) names: Nameserver,
    pub(crate) plain: Peer,
    pub(crate) secure: Peer,
}

pub(crate) fn answering(
    handler: Handler,
    ports: &Arc<OnceLock<(u16, u16)>>,
) -> impl Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Clone + Send + Sync + 'static {
    let ports = Arc::clone(ports);
    move |request| {
        let (plain, secure) = *ports.get().unwrap();
        let host = request.headers().get("host").unwrap().to_str().unwrap();
        let asked = Asked {
            host: host.split(':').next().unwrap(),
            path: request.uri().path(),
            plain,
            secure,
        };
        let (status, location, header) = handler(&asked);
        let mut response = Response::builder().status(status);
        if let Some(location) = location {
            response = response.header("location", location);
        }
        if let Some(header) = header {
            response = response.header("strict-transport-security", header);
        }
        response.body(Full::default()).unwrap()
    }
}

impl Stage {
    pub(crate) async fn new(plain: Handler, secure: Handler) -> Self {
        let ca = Authority::new();
        let certificate = ca.issue(&NAMES, |_| {});
        Self::showing(ca, certificate.server("http/1.1"), plain, secure).await
    }

    pub(crate) async fn showing(ca: Authority, tls: ServerConfig, plain: Handler, secure: Handler) -> Self {
        let ports = Arc::default();
        let stage = Self {
            ca,
            names: Nameserver::knowing(&["127.0.0.1"]).await,
            plain: Peer::http(None, answering(plain, &ports)).await,
            secure: Peer::http(Some(tls), answering(secure, &ports)).await,
        };
        ports
            .set((stage.plain.address.port(), stage.secure.address.port()))
            .unwrap();
        stage
    }

    pub(crate) async fn report(&self, host: &str) -> Report {
        let (plain, secure) = (self.plain.address.port(), self.secure.address.port());
        look(&self.ca, &self.names, &format!("https://{host}:{secure}/"), plain).await
    }
}

pub(crate) async fn look(ca: &Authority, names: &Nameserver, target: &str, plain: u16) -> Report {
    let live = Live::new()
        .ca_pem(ca.pem())
        .nameservers(vec![names.address])
        .only(Family::V4);
    let target = Arc::new(Target::parse(target).unwrap());
    let registry = builtin::registry();
    let mut suite = Suite::new(live.sources().unwrap());
    for id in IDS {
        let with = match id {
            "tls.certificate" => json!({}),
            _ => json!({ "plain_port": plain }),
        };
        let probe = registry.build(id, &with).unwrap();
        suite.add(Requirement::new(probe, Arc::clone(&target))).unwrap();
    }
    Runner::new().run(&suite).await
}

pub(crate) fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    &report.requirement(id).unwrap().targets[0].outcome
}

/// Each finding as its status and code. That the policy holds for every port is told in each of these tests,
/// as none has port 443, and stands in one of its own.
pub(crate) fn codes(report: &Report, id: &str) -> Vec<String> {
    let findings = outcome(report, id).findings.iter();
    findings
        .filter(|finding| finding.code != "every_port")
        .map(|finding| format!("{} {}", finding.status.word(), finding.code))
        .collect()
}

#[track_caller]
pub(crate) fn expect(report: &Report, redirect: &[&str], hsts: &[&str], preload: &[&str]) {
    for (id, wanted) in [
        ("http.https_redirect", redirect),
        ("http.hsts", hsts),
        ("http.hsts_preload", preload),
    ] {
        assert_eq!(codes(report, id), wanted, "{id}: {:#?}", outcome(report, id));
    }
}
