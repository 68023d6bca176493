//! Dependencies that are asked by a fixed dialogue, against the servers themselves: MariaDB, NATS, RabbitMQ,
//! memcached, etcd and Exim, with a log-in and without, and each on the port of another.

#[path = "support/dependencies.rs"]
mod servers;
#[path = "support/system.rs"]
mod support;

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    process::{Command, Stdio},
};

use rcgen::{CertificateParams, KeyPair};
use readiness_probes::{Outcome, Target, live::Live};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use self::{
    servers::{accepts, exim, mariadb, memcached, nats, rabbit},
    support::{Folder, Server, codes, free_port, judged, program, until},
};

/// A name that anybody could look up, so that the rules of production hold.
const HOST: &str = "dep.example.test";
const PASSWORD: &str = "s3cr3t-pw-4711";

/// What a probe says of this port, asked as in production and as on a desk.
async fn seen(id: &str, scheme: &str, port: u16, settings: Value) -> [Outcome; 2] {
    [
        seen_at(HOST, id, scheme, port, settings.clone()).await,
        seen_at("127.0.0.1", id, scheme, port, settings).await,
    ]
}

async fn seen_at(host: &str, id: &str, scheme: &str, port: u16, settings: Value) -> Outcome {
    let live = Live::new().resolve(HOST, IpAddr::V4(Ipv4Addr::LOCALHOST));
    let target = Target::parse(&format!("{scheme}://{host}:{port}")).unwrap();
    judged(live.sources().unwrap(), id, settings, &target, PASSWORD).await
}

/// What a probe of another protocol says: it fails with this code and these words.
async fn assert_foreign(id: &str, port: u16, code: &str, said: &str) {
    let outcome = seen_at(HOST, id, "tcp", port, json!({})).await;
    assert_eq!(
        (outcome.status.word(), codes(&outcome)),
        ("fail", vec![code]),
        "{id}: {outcome:#?}"
    );
    assert!(outcome.summary.contains(said), "{id}: {}", outcome.summary);
}

/// Asserts what both say: the word of the status and the codes.
fn assert_both(outcomes: &[Outcome; 2], production: (&str, &[&str]), local: (&str, &[&str])) {
    for (outcome, (word, expected)) in outcomes.iter().zip([production, local]) {
        assert_eq!(
            (outcome.status.word(), codes(outcome)),
            (word, expected.to_vec()),
            "{outcome:#?}"
        );
    }
}

fn assert_silent(outcomes: &[Outcome; 2]) {
    assert_both(outcomes, ("pass", &[]), ("pass", &[]));
}

fn assert_open(outcomes: &[Outcome; 2]) {
    let code: &[&str] = &["open_without_authentication"];
    assert_both(outcomes, ("fail", code), ("pass", code));
}

fn evidence<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let found = outcome.evidence.iter().find(|evidence| evidence.label == label);
    found.map_or("", |evidence| evidence.value.as_str())
}

#[tokio::test]
async fn mariadb_asks_for_a_password() {
    let sql: String = ["localhost", "127.0.0.1", "::1"]
        .map(|host| format!("ALTER USER IF EXISTS 'root'@'{host}' IDENTIFIED BY '{PASSWORD}';\n"))
        .concat();
    let server = mariadb(&sql, &[]).await;
    for user in ["readiness", "root"] {
        let outcomes = seen("dep.mysql", "mysql", server.port, json!({ "log_in_as": user })).await;
        assert_silent(&outcomes);
        let version = evidence(&outcomes[0], "version");
        assert!(version.starts_with("MariaDB 1"), "{version}");
        let said = evidence(&outcomes[0], "log-in without a password");
        assert!(said.contains("Access denied"), "{said}");
    }
    let outcomes = seen(
        "dep.mysql",
        "mysql",
        server.port,
        json!({ "min_version": "99.1" }),
    )
    .await;
    assert_both(
        &outcomes,
        ("fail", &["version_too_old"]),
        ("fail", &["version_too_old"]),
    );
    // Its greeting on the ports of others.
    for id in [
        "dep.amqp",
        "dep.kafka",
        "dep.memcached",
        "dep.mongodb",
        "dep.nats",
        "dep.smtp",
    ] {
        assert_foreign(id, server.port, "other_protocol", "it speaks MySQL (").await;
    }
    drop(server.folder);
}

#[tokio::test]
async fn mariadb_that_lets_root_in_is_found() {
    let server = mariadb("", &[]).await;
    // Nobody tries root unless told to.
    let outcomes = seen("dep.mysql", "mysql", server.port, json!({})).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.status.is_pass()),
        "{outcomes:#?}"
    );
    let root = json!({ "log_in_as": "root" });
    assert_open(&seen("dep.mysql", "mysql", server.port, root).await);
    let meant = json!({ "log_in_as": "root", "authentication": "none" });
    assert_silent(&seen("dep.mysql", "mysql", server.port, meant).await);
}

#[tokio::test]
async fn a_full_mariadb_says_so() {
    let server = mariadb("", &["--max-connections=10", "--extra-max-connections=1"]).await;
    // Each greeting takes a place, until an error comes instead.
    let held = tokio::sync::Mutex::new(Vec::new());
    until("a full MariaDB", || async {
        let stream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        let mut head = [0; 5];
        let mut held = held.lock().await;
        held.push(stream);
        let stream = held.last_mut().unwrap();
        stream.read_exact(&mut head).await.is_ok() && head[4] == 0xff
    })
    .await;
    let outcomes = seen("dep.mysql", "mysql", server.port, json!({})).await;
    assert_both(&outcomes, ("fail", &["full"]), ("fail", &["full"]));
    assert!(
        outcomes[0].summary.contains("Too many connections"),
        "{}",
        outcomes[0].summary
    );
}

#[tokio::test]
async fn nats_is_open_or_not() {
    let server = nats(&[]).await;
    let outcomes = seen("dep.nats", "nats", server.port, json!({})).await;
    let open = "open_without_authentication";
    assert_both(&outcomes, ("fail", &[open, "no_tls"][..1]), ("pass", &[open]));
    let meant = json!({ "authentication": "none", "jetstream": true });
    let outcomes = seen("dep.nats", "nats", server.port, meant).await;
    assert_both(
        &outcomes,
        ("fail", &["no_jetstream"]),
        ("fail", &["no_jetstream"]),
    );
    // A name of a user that is let in without a password.
    let server = nats(&["--user", "app", "--pass", PASSWORD]).await;
    let outcomes = seen("dep.nats", "nats", server.port, json!({})).await;
    assert_silent(&outcomes);
    assert_eq!(
        evidence(&outcomes[0], "CONNECT without a log-in"),
        "-ERR 'Authorization Violation'"
    );
    // Its INFO on the ports of others.
    for id in [
        "dep.amqp",
        "dep.kafka",
        "dep.memcached",
        "dep.mongodb",
        "dep.mysql",
        "dep.smtp",
    ] {
        assert_foreign(id, server.port, "other_protocol", "it speaks NATS (`INFO {").await;
    }
}

#[tokio::test]
async fn nats_that_wants_tls_behind_info_is_believed_what_it_tells() {
    let folder = Folder::new("nats-tls");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
    fs::write(&certificate, leaf.self_signed(&own).unwrap().pem()).unwrap();
    fs::write(&key, own.serialize_pem()).unwrap();
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let tls = ["--tls", "--tlscert", certificate, "--tlskey", key];
    for (more, word, expected) in [
        (&[][..], "unknown", &["log_in_not_judged"][..]),
        (&["--tlsverify", "--tlscacert", certificate], "pass", &[]),
        (&["--user", "app", "--pass", PASSWORD], "pass", &[]),
    ] {
        let server = nats(&[&tls, more].concat()).await;
        let outcomes = seen("dep.nats", "nats", server.port, json!({})).await;
        assert_both(&outcomes, (word, expected), (word, expected));
        let said = evidence(&outcomes[0], "CONNECT without a log-in");
        assert_eq!(said, "not heard: TLS is required first");
    }
}

#[tokio::test]
async fn memcached_is_open_or_not() {
    let server = memcached(&[]).await;
    let outcomes = seen("dep.memcached", "tcp", server.port, json!({})).await;
    assert_open(&outcomes);
    assert!(evidence(&outcomes[0], "version").starts_with("1."));
    let meant = json!({ "authentication": "none", "min_version": "1.4" });
    assert_silent(&seen("dep.memcached", "tcp", server.port, meant).await);
    let users = server.folder.path().join("users");
    fs::write(&users, format!("app:{PASSWORD}\n")).unwrap();
    let locked = memcached(&["-Y", users.to_str().unwrap()]).await;
    let outcomes = seen("dep.memcached", "tcp", locked.port, json!({})).await;
    assert_silent(&outcomes);
    assert!(outcomes[0].summary.ends_with("memcached asks for a log-in"));
    // With SASL it speaks the binary protocol alone.
    let locked = memcached(&["-S"]).await;
    let outcomes = seen("dep.memcached", "tcp", locked.port, json!({})).await;
    assert_both(
        &outcomes,
        ("unknown", &["binary_only"]),
        ("unknown", &["binary_only"]),
    );
    // It waits for somebody who waits for it.
    assert_foreign(
        "dep.nats",
        server.port,
        "no_answer",
        "nothing came of its `INFO` line",
    )
    .await;
}

#[tokio::test]
async fn rabbitmq_answers_and_lets_guest_in_from_here() {
    let own_user = format!("default_user = app\ndefault_pass = {PASSWORD}\n");
    let (server, locked) = tokio::join!(rabbit(""), rabbit(&own_user));
    let outcomes = seen("dep.amqp", "amqp", server.port, json!({ "min_version": "3.8" })).await;
    assert_silent(&outcomes);
    assert!(
        evidence(&outcomes[0], "version").starts_with("RabbitMQ "),
        "{outcomes:#?}"
    );
    assert!(
        evidence(&outcomes[0], "mechanisms").contains("PLAIN"),
        "{outcomes:#?}"
    );
    let guest = || json!({ "log_in": "guest" });
    assert_open(&seen("dep.amqp", "amqp", server.port, guest()).await);
    let outcomes = seen("dep.amqp", "amqp", locked.port, guest()).await;
    assert_silent(&outcomes);
    assert_eq!(evidence(&outcomes[0], "log-in"), "refused");
    // Which versions offer it differs; where it is offered, it is tried.
    let outcome = seen_at(
        HOST,
        "dep.amqp",
        "amqp",
        locked.port,
        json!({ "log_in": "anonymous" }),
    )
    .await;
    let offers = evidence(&outcome, "mechanisms").contains("ANONYMOUS");
    assert_eq!(
        evidence(&outcome, "log-in") == "not offered",
        !offers,
        "{outcome:#?}"
    );
    // Its answers on the ports of others.
    for id in ["dep.kafka", "dep.memcached", "dep.mongodb"] {
        assert_foreign(id, server.port, "other_protocol", "it speaks AMQP (").await;
    }
}

/// Sends a body to a path of an interface of HTTP, and gives the answer.
async fn post(port: u16, path: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let length = body.len();
    let request = format!("POST {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn etcd_is_open_until_it_asks_for_users() {
    let folder = Folder::new("etcd");
    let (port, peers) = (free_port(), free_port());
    let (clients, peers) = (
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{peers}"),
    );
    let _server = Server::start(
        Command::new(program("etcd", &[]))
            .arg("--data-dir")
            .arg(folder.path().join("data"))
            .args([
                "--listen-client-urls",
                &clients,
                "--advertise-client-urls",
                &clients,
            ])
            .args([
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
            ])
            .args(["--initial-cluster", &format!("default={peers}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null()),
    );
    until("etcd", || async {
        accepts(port).await && post(port, "/v3/auth/user/list", "{}").await.contains(" 200 ")
    })
    .await;
    let etcd = || json!({ "kind": "etcd" });
    assert_open(&seen("dep.http_api", "http", port, etcd()).await);
    let outcomes = seen("dep.http_api", "http", port, json!({ "kind": "elasticsearch" })).await;
    assert!(
        outcomes.iter().all(|outcome| outcome.status.is_unknown()),
        "{outcomes:#?}"
    );
    assert_both(
        &seen("dep.memcached", "tcp", port, json!({})).await,
        ("unknown", &["binary_only"]),
        ("unknown", &["binary_only"]),
    );
    let user = format!("{{\"name\":\"root\",\"password\":\"{PASSWORD}\"}}");
    for (path, body) in [
        ("/v3/auth/user/add", &*user),
        ("/v3/auth/role/add", "{\"name\":\"root\"}"),
        ("/v3/auth/user/grant", "{\"user\":\"root\",\"role\":\"root\"}"),
        ("/v3/auth/enable", "{}"),
    ] {
        let answer = post(port, path, body).await;
        assert!(answer.contains(" 200 "), "{path}: {answer}");
    }
    assert_silent(&seen("dep.http_api", "http", port, etcd()).await);
}

#[tokio::test]
async fn exim_takes_up_a_conversation_or_turns_away() {
    let server = exim("").await;
    let outcomes = seen(
        "dep.smtp",
        "smtp",
        server.port,
        json!({ "extensions": ["8BITMIME"] }),
    )
    .await;
    assert_silent(&outcomes);
    assert!(evidence(&outcomes[0], "banner").starts_with("mx.example.test ESMTP Exim"));
    let outcomes = seen("dep.smtp", "smtp", server.port, json!({ "require_tls": true })).await;
    assert_both(&outcomes, ("fail", &["no_starttls"]), ("fail", &["no_starttls"]));
    // It heard a proper end, and has nothing to complain of.
    let log = fs::read_to_string(server.folder.path().join("log/mainlog")).unwrap_or_default();
    assert!(!log.contains("syntax") && !log.contains("unexpected"), "{log}");
    for id in ["dep.mysql", "dep.nats"] {
        assert_foreign(
            id,
            server.port,
            "other_protocol",
            "it speaks SMTP or FTP (`220 mx.example.test",
        )
        .await;
    }
    let server = exim("host_reject_connection = *").await;
    let outcomes = seen("dep.smtp", "smtp", server.port, json!({})).await;
    assert_both(
        &outcomes,
        ("fail", &["refused_for_good"]),
        ("fail", &["refused_for_good"]),
    );
    assert!(
        outcomes[0].summary.contains("its banner is `554"),
        "{}",
        outcomes[0].summary
    );
}

#[tokio::test]
async fn a_server_of_http_is_none_of_them() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
    for id in ["dep.amqp", "dep.kafka", "dep.memcached", "dep.mongodb"] {
        assert_foreign(
            id,
            port,
            "other_protocol",
            "it speaks HTTP (`HTTP/1.1 400 Bad Request",
        )
        .await;
    }
    server.abort();
}
