//! From a name over plain http to https, against a real nameserver and real peers on loopback.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/nameserver.rs"]
mod nameserver;
#[path = "support/peer.rs"]
mod peer;

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use nameserver::Nameserver;
use readiness_probes::{
    Outcome, Report, Requirement, Runner, Suite, Target, builtin, fact::Family, live::Live,
};
use serde_json::json;

use self::peer::{Authority, Peer, ok};

const NAME: &str = "demo.test";

fn to(location: String) -> impl Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Clone {
    move |_| {
        let response = Response::builder().status(308).header("location", &location);
        response.body(Full::default()).unwrap()
    }
}

/// A port nobody listens on.
fn closed_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn check(ca: &Authority, nameservers: Vec<SocketAddr>, target: &str, plain_port: u16) -> Report {
    let live = Live::new()
        .ca_pem(ca.pem())
        .nameservers(nameservers)
        .only(Family::V4);
    let target = std::sync::Arc::new(Target::parse(target).unwrap());
    let registry = builtin::registry();
    let suite = [
        ("dns.records", json!({})),
        ("http.https_redirect", json!({ "plain_port": plain_port })),
        ("tls.protocol", json!({})),
    ]
    .into_iter()
    .fold(Suite::new(live.sources().unwrap()), |suite, (id, with)| {
        let probe = registry.build(id, &with).unwrap();
        suite.with(Requirement::new(probe, target.clone())).unwrap()
    });
    Runner::new().run(&suite).await
}

fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    &report.requirement(id).unwrap().targets[0].outcome
}

#[tokio::test]
async fn one_plain_and_one_tls_connection_tell_everything() {
    let ca = Authority::new();
    let first = Nameserver::knowing(&["127.0.0.1"]).await;
    let second = Nameserver::knowing(&["127.0.0.2"]).await;
    let certificate = ca.issue(&[NAME], |_| {});
    let secure = Peer::http(Some(certificate.server("h2")), |request| {
        if request.uri().path() == "/login" {
            return ok("welcome");
        }
        let response = Response::builder()
            .status(302)
            .header("location", "/login?next=t0ps3cret");
        response.body(Full::default()).unwrap()
    })
    .await;
    let port = secure.address.port();
    let plain = Peer::http(None, to(format!("https://{NAME}:{port}/"))).await;
    let url = format!("https://joe:hunter2@{NAME}:{port}/?token=s3cr3t-value");
    let nameservers = vec![first.address, second.address];
    let report = check(&ca, nameservers, &url, plain.address.port()).await;

    let redirect = outcome(&report, "http.https_redirect");
    assert!(redirect.status.is_pass(), "{redirect:?}");
    let hops: Vec<&str> = redirect.evidence.iter().map(|e| e.value.as_str()).collect();
    assert!(hops[2].ends_with("/login?…: 200"), "{hops:?}");
    assert_eq!(outcome(&report, "dns.records").summary, "1 address: 127.0.0.1");

    assert_eq!((first.asked(), second.asked()), ((2, 0), (0, 0)));
    assert_eq!((plain.connections(), secure.connections()), (1, 1));
    // The value of the redirect travels, and stands nowhere.
    assert!(
        secure
            .requests()
            .iter()
            .any(|request| request.contains("/login?next=t0ps3cret"))
    );
    assert!(!format!("{report:?}").contains("t0ps3cret"));
    // What the target was given stays at home.
    let sent = format!("{:?} {:?}", plain.requests(), secure.requests());
    for secret in ["hunter2", "s3cr3t-value", "uthorization"] {
        assert!(!sent.contains(secret), "{sent}");
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_one_fault() {
    let ca = Authority::new();
    let server = Nameserver::saying(hickory_resolver::proto::op::ResponseCode::NXDomain, vec![]).await;
    let report = check(&ca, vec![server.address], "https://gone.test:8443", 8080).await;
    assert!(outcome(&report, "dns.records").status.is_fail());
    let dependants = ["http.https_redirect", "tls.protocol"].map(|id| outcome(&report, id).status.clone());
    assert!(dependants[0].is_unknown());
    assert_eq!(dependants[0], dependants[1]);
    assert_eq!(server.asked(), (2, 0));
}

#[tokio::test]
async fn a_closed_plain_port_is_right_while_https_answers() {
    let ca = Authority::new();
    let secure = Peer::http(Some(ca.issue(&[NAME], |_| {}).server("http/1.1")), |_| ok("")).await;
    let (closed, other) = (closed_port(), closed_port());
    let server = Nameserver::knowing(&["127.0.0.1"]).await;
    let url = format!("https://{NAME}:{}", secure.address.port());
    let report = check(&ca, vec![server.address], &url, closed).await;
    let redirect = outcome(&report, "http.https_redirect");
    assert!(redirect.status.is_pass(), "{redirect:?}");
    assert_eq!(redirect.summary, format!("nothing listens on port {}", closed));
    let url = format!("https://{NAME}:{other}");
    let report = check(&ca, vec![server.address], &url, closed).await;
    assert!(outcome(&report, "http.https_redirect").status.is_unknown());
}
