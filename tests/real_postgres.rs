//! `dep.postgres` against PostgreSQL itself.

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/system.rs"]
mod support;

use std::{fs, os::unix::fs::PermissionsExt, process::Command, time::Duration};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use readiness_probes::{Target, live::Live};
use serde_json::json;

use self::{
    cluster::{Cluster, PASSWORD, owner, run, tool},
    support::{codes, is_root, judged},
};

#[tokio::test]
async fn log_ins_are_judged_by_what_the_server_asks() {
    let cluster = Cluster::new(
        "host all shopkeeper 127.0.0.1/32 scram-sha-256\n\
         host all guest 127.0.0.1/32 trust\n\
         host all clear 127.0.0.1/32 password\n\
         host all old 127.0.0.1/32 md5\n",
        "ssl = off\n",
    );
    let _server = cluster.start();
    cluster.ready().await;

    let outcome = cluster.seen(&owner(), "postgres", json!({})).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(
        outcome.summary,
        format!(
            "127.0.0.1:{}: log-in and `SELECT 1` answered (scram-sha-256)",
            cluster.port
        )
    );
    let version = outcome
        .evidence
        .iter()
        .find(|evidence| evidence.label == "server version");
    assert!(version.is_some_and(|version| version.value.chars().next().unwrap().is_ascii_digit()));

    for (user, database, settings, status, expected) in [
        (
            "shopkeeper:wr0ng-pw",
            "postgres",
            json!({}),
            "fail",
            &["wrong_password"][..],
        ),
        (
            "shopkeeper",
            "postgres",
            json!({}),
            "unknown",
            &["credential_missing"],
        ),
        (&*owner(), "n0where", json!({}), "fail", &["no_database"]),
        (
            "stranger:pw-123456",
            "postgres",
            json!({}),
            "fail",
            &["log_in_refused"],
        ),
        (
            &*owner(),
            "postgres",
            json!({ "tls": "require" }),
            "fail",
            &["tls_declined"],
        ),
        (&*owner(), "postgres", json!({ "tls": "disable" }), "pass", &[]),
    ] {
        let outcome = cluster.seen(user, database, settings).await;
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (status, expected.to_vec()),
            "{outcome:?}"
        );
    }
    // The users of the other methods: made as the owner would, over the probe's own protocol there is none.
    let psql = |sql: &str| {
        run(Command::new(tool("psql"))
            .env("PGPASSWORD", PASSWORD)
            .args(["-h", "127.0.0.1", "-p", &cluster.port.to_string()])
            .args(["-U", "shopkeeper", "-d", "postgres", "-q", "-c", sql]));
    };
    psql("CREATE ROLE guest LOGIN");
    psql(&format!("CREATE ROLE clear LOGIN PASSWORD '{PASSWORD}'"));
    psql(&format!(
        "SET password_encryption = 'md5'; CREATE ROLE old LOGIN PASSWORD '{PASSWORD}'"
    ));
    for (user, status, expected, method) in [
        (
            "guest",
            "warn",
            &["open_without_authentication"][..],
            "without any password",
        ),
        (&*format!("clear:{PASSWORD}"), "pass", &[], "clear-text password"),
        (&*format!("old:{PASSWORD}"), "pass", &[], "md5"),
    ] {
        let outcome = cluster.seen(user, "postgres", json!({})).await;
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (status, expected.to_vec()),
            "{outcome:?}"
        );
        assert!(outcome.summary.contains(method), "{}", outcome.summary);
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_gets_no_password() {
    let cluster = Cluster::new("host all all 127.0.0.1/32 scram-sha-256\n", "ssl = on\n");
    let data = cluster.folder.path().join("data");
    let (certificate, key) = (data.join("server.crt"), data.join("server.key"));
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(&certificate, leaf.signed_by(&own, &ca).unwrap().pem()).unwrap();
    fs::write(&key, own.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(&certificate).arg(&key));
    }
    let _server = cluster.start();
    cluster.ready().await;

    let outcome = cluster
        .seen(&owner(), "postgres", json!({ "tls": "require" }))
        .await;
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["credential_withheld", "tls_untrusted"]);
    // Over loopback the log-in does without TLS, and says so.
    let outcome = cluster.seen(&owner(), "postgres", json!({})).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["tls_forgone"]);
    // With the certificate trusted nothing is left to say.
    let url = format!("postgres://{}@127.0.0.1:{}/postgres", owner(), cluster.port);
    let target = Target::parse(&url).unwrap();
    let sources = Live::new().ca_pem(ca.pem()).sources().unwrap();
    let settings = json!({ "tls": "require" });
    let outcome = judged(sources, "dep.postgres", settings, &target, PASSWORD).await;
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert!(
        outcome
            .evidence
            .iter()
            .any(|evidence| evidence.value.starts_with("TLSv1.3"))
    );
}

#[tokio::test]
async fn a_stopped_server_is_refused_and_a_frozen_one_silent() {
    let cluster = Cluster::new("host all all 127.0.0.1/32 scram-sha-256\n", "ssl = off\n");
    let server = cluster.start();
    cluster.ready().await;
    let signal = |name: &str| {
        run(Command::new("kill").arg(name).arg(server.0.id().to_string()));
    };
    signal("-STOP");
    let owner = owner();
    let frozen = cluster.seen(&owner, "postgres", json!({}));
    let outcome = tokio::time::timeout(Duration::from_secs(15), frozen)
        .await
        .unwrap();
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["no_answer"]);
    signal("-CONT");
    signal("-INT");
    let mut server = server;
    assert!(server.0.wait().unwrap().success());
    let outcome = cluster.seen(&owner, "postgres", json!({})).await;
    assert!(outcome.status.is_fail());
    assert_eq!(
        outcome.summary,
        format!("127.0.0.1:{}: connection refused", cluster.port)
    );
}
