//! Certificates behind STARTTLS: PostgreSQL and Exim themselves.

#[path = "support/cluster.rs"]
mod cluster;
#[path = "support/pki.rs"]
#[allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "shared by several tests"
)]
mod pki;
#[path = "support/system.rs"]
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

use readiness_probes::{Outcome, Target, live::Live};
use serde_json::{Value, json};

use self::{
    cluster::{Cluster, run},
    pki::{Authority, Issued},
    support::{Folder, Server, codes, free_port, is_root, judged, program, until},
};

const HOST: &str = "mx.example.test";

/// Writes a certificate and its key so that the server's own user may read them.
fn install(issued: &Issued, certificate: &Path, key: &Path, user: &str) {
    fs::write(certificate, &issued.chain).unwrap();
    fs::write(key, &issued.key).unwrap();
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
    if is_root() {
        run(Command::new("chown").arg(user).arg(certificate).arg(key));
    }
}

/// A PostgreSQL with TLS that shows this certificate.
fn postgres(issued: &Issued) -> (Cluster, Server) {
    let cluster = Cluster::new("host all all 127.0.0.1/32 scram-sha-256\n", "ssl = on\n");
    let data = cluster.folder.path().join("data");
    install(
        issued,
        &data.join("server.crt"),
        &data.join("server.key"),
        "postgres",
    );
    let server = cluster.start();
    (cluster, server)
}

/// An Exim on a port of its own that takes no mail.
struct Exim {
    folder: Folder,
    port: u16,
    _server: Server,
}

impl Exim {
    /// With this certificate, or without TLS.
    fn new(issued: Option<&Issued>) -> Self {
        let folder = Folder::new("exim");
        let path = folder.path();
        for name in ["spool", "log"] {
            fs::create_dir(path.join(name)).unwrap();
        }
        let root = path.display();
        let mut conf = format!(
            "primary_hostname = {HOST}\n\
             spool_directory = {root}/spool\n\
             log_file_path = {root}/log/%slog\n\
             pid_file_path = {root}/exim.pid\n\
             local_interfaces = 127.0.0.1\n\
             host_lookup =\n\
             rfc1413_query_timeout = 0s\n\
             keep_environment =\n"
        );
        match issued {
            Some(issued) => {
                let (certificate, key) = (path.join("chain.pem"), path.join("key.pem"));
                install(issued, &certificate, &key, "Debian-exim");
                conf += &format!(
                    "tls_advertise_hosts = *\ntls_certificate = {}\ntls_privatekey = {}\n",
                    certificate.display(),
                    key.display()
                );
            }
            None => conf += "tls_advertise_hosts =\n",
        }
        if is_root() {
            run(Command::new("chown").args(["-R", "Debian-exim"]).arg(path));
        }
        // Exim takes its settings only from a file that nobody else could have written.
        let conf_path = path.join("exim.conf");
        fs::write(&conf_path, conf).unwrap();
        fs::set_permissions(&conf_path, fs::Permissions::from_mode(0o644)).unwrap();
        let port = free_port();
        let server = Server::start(
            Command::new(program("exim4", &["/usr/sbin".into()]))
                .arg("-C")
                .arg(&conf_path)
                .args(["-bdf", "-oX", &port.to_string()])
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        );
        Self {
            folder,
            port,
            _server: server,
        }
    }

    async fn ready(&self) {
        until("Exim", || async {
            tokio::net::TcpStream::connect(("127.0.0.1", self.port))
                .await
                .is_ok()
        })
        .await;
    }
}

async fn seen(id: &str, url: &str, ca: &Authority, settings: Value) -> Outcome {
    let target = Target::parse(url).unwrap();
    let live = Live::new().ca_pem(ca.pem()).resolve(HOST, [127, 0, 0, 1].into());
    judged(live.sources().unwrap(), id, settings, &target, "").await
}

/// The codes of what is a fault.
fn faults(outcome: &Outcome) -> Vec<&str> {
    let notes: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|finding| finding.is_note())
        .map(|finding| finding.code.as_str())
        .collect();
    codes(outcome)
        .into_iter()
        .filter(|code| !notes.contains(code))
        .collect()
}

#[tokio::test]
async fn postgresql_is_checked_through_its_request_for_tls() {
    let ca = Authority::new();
    let (cluster, _server) = postgres(&ca.issue(HOST));
    cluster.ready().await;
    let url = format!("postgres://{HOST}:{}/", cluster.port);
    let certificate = seen("tls.certificate", &url, &ca, json!({})).await;
    assert!(certificate.status.is_pass(), "{certificate:#?}");
    let protocol = seen("tls.protocol", &url, &ca, json!({})).await;
    assert!(protocol.status.is_pass(), "{protocol:#?}");
    assert!(
        protocol.summary.starts_with("TLS 1.3 with"),
        "{}",
        protocol.summary
    );
    // The same by settings, and the file the server reads is the one it shows.
    let data = cluster.folder.path().join("data");
    let settings = json!({
        "certificate_file": data.join("server.crt"),
        "key_file": data.join("server.key"),
        "starttls": "postgres",
    });
    let url = format!("tcp://{HOST}:{}", cluster.port);
    let file = seen("tls.served_matches_file", &url, &ca, settings.clone()).await;
    assert!(file.status.is_pass(), "{file:#?}");
    // Renewed on disk, and nobody told the server.
    let renewed = ca.issue_fresh(HOST);
    fs::write(data.join("server.crt"), &renewed.chain).unwrap();
    let file = seen("tls.served_matches_file", &url, &ca, settings).await;
    assert_eq!(faults(&file), ["not_reloaded", "key_mismatch"], "{file:#?}");
}

#[tokio::test]
async fn an_expired_certificate_of_postgresql_is_named() {
    let ca = Authority::new();
    let (cluster, _server) = postgres(&ca.issue_expired(HOST));
    cluster.ready().await;
    let url = format!("postgres://{HOST}:{}/", cluster.port);
    let outcome = seen("tls.certificate", &url, &ca, json!({})).await;
    assert!(outcome.status.is_fail(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["expired"]);
}

#[tokio::test]
async fn a_postgresql_without_tls_declines() {
    let cluster = Cluster::new("host all all 127.0.0.1/32 scram-sha-256\n", "ssl = off\n");
    let _server = cluster.start();
    cluster.ready().await;
    let url = format!("postgres://{HOST}:{}/", cluster.port);
    let outcome = seen("tls.certificate", &url, &Authority::new(), json!({})).await;
    assert!(outcome.status.is_fail(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["starttls_declined"]);
    assert!(outcome.findings[0].message.contains("the request for TLS is `N`"));
}

#[tokio::test]
async fn exim_is_checked_through_starttls() {
    let ca = Authority::new();
    let exim = Exim::new(Some(&ca.issue(HOST)));
    exim.ready().await;
    let url = format!("smtp://{HOST}:{}", exim.port);
    for id in ["tls.certificate", "tls.protocol"] {
        let outcome = seen(id, &url, &ca, json!({})).await;
        assert!(outcome.status.is_pass(), "{outcome:#?}");
    }
    let settings = json!({ "starttls": { "name": "smtp", "client_name": "probe.example.test" } });
    let outcome = seen("tls.certificate", &url, &ca, settings).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    // The server heard a proper greeting and a proper end, and has nothing to complain of.
    let log = fs::read_to_string(exim.folder.path().join("log/mainlog")).unwrap();
    assert!(!log.contains("syntax") && !log.contains("TLS error"), "{log}");
}

#[tokio::test]
async fn an_expired_certificate_of_exim_is_named() {
    let ca = Authority::new();
    let exim = Exim::new(Some(&ca.issue_expired(HOST)));
    exim.ready().await;
    let url = format!("smtp://{HOST}:{}", exim.port);
    let outcome = seen("tls.certificate", &url, &ca, json!({})).await;
    assert!(outcome.status.is_fail(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["expired"]);
}

#[tokio::test]
async fn an_exim_without_tls_does_not_offer_it() {
    let exim = Exim::new(None);
    exim.ready().await;
    let url = format!("smtp://{HOST}:{}", exim.port);
    let outcome = seen("tls.certificate", &url, &Authority::new(), json!({})).await;
    assert!(outcome.status.is_fail(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["starttls_declined"]);
    assert!(
        outcome.findings[0].message.contains("no `STARTTLS`"),
        "{outcome:#?}"
    );
}
