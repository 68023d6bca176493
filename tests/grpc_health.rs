//! `dep.grpc_health` against the health service of tonic.

use std::{net::SocketAddr, time::Duration};

use readiness_probes::{Outcome, Requirement, Suite, Target, builtin, live::Live};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::transport::{Server, server::TcpIncoming};
use tonic_health::{ServingStatus, server::HealthReporter};

/// A server of gRPC with tonic's own health service.
async fn server() -> (SocketAddr, HealthReporter) {
    let (reporter, service) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    (address, reporter)
}

async fn seen(address: SocketAddr, settings: Value) -> Outcome {
    let probe = builtin::registry().build("dep.grpc_health", &settings).unwrap();
    let target = Target::parse(&format!("http://{address}")).unwrap();
    let sources = Live::new().sources().unwrap();
    let suite = Suite::new(sources).with(Requirement::new(probe, target)).unwrap();
    let report = tokio::time::timeout(Duration::from_secs(20), suite.run())
        .await
        .unwrap();
    report.results[0].targets[0].outcome.clone()
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[tokio::test]
async fn services_are_asked_for_by_name() {
    let (address, reporter) = server().await;
    let outcome = seen(address, json!({})).await;
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    reporter
        .set_service_status("shop.Cart", ServingStatus::Serving)
        .await;
    reporter
        .set_service_status("shop.Orders", ServingStatus::NotServing)
        .await;
    reporter
        .set_service_status("shop.Stock", ServingStatus::Unknown)
        .await;
    for (services, word, expected) in [
        (json!(["", "shop.Cart"]), "pass", &[][..]),
        (json!(["", "shop.Orders"]), "fail", &["not_serving"]),
        (json!(["shop.Stock"]), "fail", &["status_unknown"]),
        (json!(["shop.Nobody", "shop.Cart"]), "fail", &["service_unknown"]),
    ] {
        let outcome = seen(address, json!({ "services": services })).await;
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (word, expected.to_vec()),
            "{outcome:?}"
        );
    }
}

#[tokio::test]
async fn a_server_of_another_kind_has_no_health_service() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = tonic::service::Routes::default();
    let server = Server::builder().add_routes(routes);
    tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
    let outcome = seen(address, json!({ "list": true })).await;
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["no_health_service", "no_list"]);
}
