//! `dep.ssh` against OpenSSH itself.

#[path = "support/system.rs"]
mod support;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use readiness_probes::{Outcome, Target, live::Live};
use serde_json::{Value, json};
use tokio::net::TcpStream;

use self::support::{Folder, Server, codes, free_port, judged, program, until};

const PASSWORD: &str = "wr0ng-pw-4711";

/// Nobody but keys.
const HARDENED: &str = "PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin no\n";

struct Sshd {
    port: u16,
    folder: Folder,
    _server: Server,
}

/// A tool of OpenSSH, which lies where users that are not root do not look.
fn tool(name: &str) -> PathBuf {
    program(name, &[PathBuf::from("/usr/sbin"), PathBuf::from("/usr/bin")])
}

impl Sshd {
    /// A server with this key and these lines in its configuration.
    async fn start(key: &[&str], lines: &str) -> Self {
        let folder = Folder::new("sshd");
        let host_key = folder.path().join("host_key");
        let made = Command::new(tool("ssh-keygen"))
            .args(["-q", "-N", "", "-f"])
            .arg(&host_key)
            .args(key)
            .status();
        assert!(made.unwrap().success());
        // It separates its privileges there, and the package makes the folder only when a service starts.
        fs::create_dir_all("/run/sshd").unwrap();
        fs::set_permissions("/run/sshd", fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let config = folder.path().join("sshd_config");
        let whole = format!(
            "ListenAddress 127.0.0.1:{port}\nHostKey {}\nPidFile none\nUsePAM no\n{lines}",
            host_key.display()
        );
        fs::write(&config, whole).unwrap();
        let server = Server::start(
            Command::new(tool("sshd"))
                .args(["-D", "-e", "-f"])
                .arg(&config)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(fs::File::create(folder.path().join("log")).unwrap()),
        );
        until("sshd", || async {
            TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        })
        .await;
        Self {
            port,
            folder,
            _server: server,
        }
    }

    async fn seen(&self, settings: Value) -> Outcome {
        self.seen_as("", settings).await
    }

    async fn seen_as(&self, userinfo: &str, settings: Value) -> Outcome {
        let target = Target::parse(&format!("ssh://{userinfo}127.0.0.1:{}", self.port)).unwrap();
        judged(
            Live::new().sources().unwrap(),
            "dep.ssh",
            settings,
            &target,
            PASSWORD,
        )
        .await
    }

    /// The fingerprint, as OpenSSH tells it.
    fn fingerprint(&self) -> String {
        let told = Command::new(tool("ssh-keygen"))
            .args(["-l", "-f"])
            .arg(self.folder.path().join("host_key.pub"))
            .output()
            .unwrap();
        let told = String::from_utf8(told.stdout).unwrap();
        told.split(' ').nth(1).unwrap().to_owned()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }
}

const ED25519: &[&str] = &["-t", "ed25519"];

fn evidence<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let found = outcome.evidence.iter().find(|evidence| evidence.label == label);
    found.map_or("", |evidence| &evidence.value)
}

/// What is left open about root.
fn about_root(outcome: &Outcome) -> &str {
    let mut notes = outcome.findings.iter();
    let note = notes.find(|finding| finding.code == "root_not_tried");
    note.map_or("", |note| &note.message)
}

/// The findings that are more than notes.
fn faults(outcome: &Outcome) -> Vec<&str> {
    let faults = outcome.findings.iter().filter(|finding| !finding.is_note());
    faults.map(|finding| finding.code.as_str()).collect()
}

#[tokio::test]
async fn a_hardened_server_passes() {
    let sshd = Sshd::start(ED25519, HARDENED).await;
    let outcome = sshd.seen(json!({ "known_keys": [sshd.fingerprint()] })).await;
    assert!(outcome.status.is_pass(), "{outcome:?}\n{}", sshd.log());
    assert!(
        outcome.findings.iter().all(|finding| finding.is_note()),
        "{outcome:?}"
    );
    assert!(outcome.summary.contains("OpenSSH_"), "{}", outcome.summary);
    assert!(
        outcome.summary.ends_with("log-in by publickey"),
        "{}",
        outcome.summary
    );
    assert_eq!(evidence(&outcome, "log-ins of root"), "publickey");
    assert!(about_root(&outcome).ends_with("whether a key would was not tried"));
    let key = format!("ssh-ed25519 {}", sshd.fingerprint());
    assert_eq!(evidence(&outcome, "host key"), key);
    // Without the algorithms that OpenSSH still has by itself nothing else is left to say.
    let lines = format!("{HARDENED}MACs hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com\n");
    let outcome = Sshd::start(ED25519, &lines).await.seen(json!({})).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["root_not_tried"]);
}

#[tokio::test]
async fn passwords_are_found() {
    let lines = "PasswordAuthentication yes\nKbdInteractiveAuthentication no\nPermitRootLogin no\n";
    let sshd = Sshd::start(ED25519, lines).await;
    let outcome = sshd.seen(json!({})).await;
    assert!(outcome.status.is_fail());
    assert_eq!(faults(&outcome), ["password_offered"]);
    assert_eq!(
        outcome.summary,
        format!(
            "127.0.0.1:{}: user `root` may log in by a password, expected keys alone",
            sshd.port
        )
    );
    let outcome = sshd.seen(json!({ "password_allowed": true })).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    // Each user may have rules of his own.
    let lines = "PasswordAuthentication yes\nMatch User root\nPasswordAuthentication no\n";
    let sshd = Sshd::start(ED25519, lines).await;
    let outcome = sshd.seen(json!({ "users": ["root", "daemon"] })).await;
    let subjects: Vec<&str> = outcome
        .findings
        .iter()
        .filter(|finding| finding.code == "password_offered")
        .map(|finding| finding.subject.as_str())
        .collect();
    assert_eq!(subjects, ["user `daemon`"], "{outcome:?}");
}

#[tokio::test]
async fn root_is_tried_where_the_key_is_known() {
    let lines = "PasswordAuthentication yes\nPermitRootLogin no\n";
    let sshd = Sshd::start(ED25519, lines).await;
    let root = format!("root:{PASSWORD}@");
    let settings = json!({ "password_allowed": true, "keyboard_interactive_allowed": true });
    let outcome = sshd.seen_as(&root, settings).await;
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(faults(&outcome), ["credential_withheld"]);
    assert!(!sshd.log().contains("Failed password"), "{}", sshd.log());
    let settings = json!({
        "password_allowed": true,
        "keyboard_interactive_allowed": true,
        "known_keys": [sshd.fingerprint()],
    });
    let outcome = sshd.seen_as(&root, settings).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert!(about_root(&outcome).starts_with("the password was refused"));
    // It did arrive.
    assert!(sshd.log().contains("Failed password for root"), "{}", sshd.log());
    let other = json!({ "known_keys": [format!("SHA256:{}", "A".repeat(43))], "password_allowed": true });
    let outcome = sshd.seen(other).await;
    assert!(outcome.status.is_fail());
    assert!(codes(&outcome).contains(&"unknown_host_key"));
}

#[tokio::test]
async fn weak_algorithms_are_named() {
    let lines = format!(
        "{HARDENED}KexAlgorithms +diffie-hellman-group1-sha1,diffie-hellman-group14-sha1\n\
         Ciphers +aes128-cbc,3des-cbc\nMACs +hmac-md5,hmac-sha1-96\nHostKeyAlgorithms +ssh-rsa\n"
    );
    let sshd = Sshd::start(&["-t", "rsa", "-b", "2048"], &lines).await;
    let outcome = sshd.seen(json!({})).await;
    assert!(outcome.status.is_fail());
    let expected = [
        "broken_key_exchange",
        "weak_key_exchange",
        "weak_host_key",
        "broken_cipher",
        "weak_cipher",
        "broken_mac",
        "weak_mac",
    ];
    assert_eq!(faults(&outcome), expected, "{outcome:?}");
    for name in [
        "`diffie-hellman-group1-sha1` (1024 bits)",
        "`3des-cbc`",
        "`hmac-md5`",
        "`ssh-rsa`",
    ] {
        assert!(
            outcome
                .findings
                .iter()
                .any(|finding| finding.message.contains(name)),
            "{name}"
        );
    }
    let settings = json!({ "allowed_algorithms": [
        "diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "aes128-cbc", "3des-cbc", "hmac-md5",
        "hmac-sha1-96", "hmac-md5-96", "ssh-rsa",
    ]});
    let outcome = sshd.seen(settings).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[tokio::test]
async fn each_algorithm_that_is_offered_is_spoken() {
    let mut cases: Vec<(&[&str], String, String)> = Vec::new();
    for exchange in [
        "curve25519-sha256",
        "curve25519-sha256@libssh.org",
        "ecdh-sha2-nistp256",
        "ecdh-sha2-nistp384",
    ] {
        cases.push((
            ED25519,
            format!("KexAlgorithms {exchange}\n"),
            exchange.to_owned(),
        ));
    }
    for cipher in ["aes256-gcm@openssh.com", "aes128-gcm@openssh.com"] {
        cases.push((ED25519, format!("Ciphers {cipher}\n"), cipher.to_owned()));
    }
    for (cipher, mac) in [
        ("aes256-ctr", "hmac-sha2-256-etm@openssh.com"),
        ("aes192-ctr", "hmac-sha2-512-etm@openssh.com"),
        ("aes128-ctr", "hmac-sha2-256"),
        ("aes256-ctr", "hmac-sha2-512"),
    ] {
        let lines = format!("Ciphers {cipher}\nMACs {mac}\n");
        cases.push((ED25519, lines, format!("{cipher}, {mac}")));
    }
    let ecdsa = |bits: &'static str| -> Vec<&'static str> { vec!["-t", "ecdsa", "-b", bits] };
    let (p256, p384) = (ecdsa("256"), ecdsa("384"));
    let rsa = ["-t", "rsa", "-b", "3072"];
    cases.push((&p256, String::new(), String::new()));
    cases.push((&p384, String::new(), String::new()));
    cases.push((&rsa, "HostKeyAlgorithms rsa-sha2-256\n".to_owned(), String::new()));
    cases.push((&rsa, "HostKeyAlgorithms rsa-sha2-512\n".to_owned(), String::new()));
    for (key, lines, agreed) in cases {
        let sshd = Sshd::start(key, &format!("{HARDENED}{lines}")).await;
        let outcome = sshd.seen(json!({ "known_keys": [sshd.fingerprint()] })).await;
        assert!(
            outcome.status.is_pass(),
            "{key:?} {lines}: {outcome:?}\n{}",
            sshd.log()
        );
        let found = evidence(&outcome, "agreed");
        assert!(found.contains(&agreed), "{lines}: {found}");
    }
}

#[tokio::test]
async fn without_an_algorithm_in_common_the_log_ins_are_unknown() {
    let lines = format!("{HARDENED}KexAlgorithms diffie-hellman-group14-sha256\n");
    let outcome = Sshd::start(ED25519, &lines).await.seen(json!({})).await;
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(faults(&outcome), ["nothing_in_common"]);
}
