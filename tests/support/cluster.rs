//! A PostgreSQL of the test's own.

#![allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "shared by several tests, none of which uses all of it"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use readiness_probes::{Outcome, Target, live::Live};
use serde_json::{Value, json};

use super::support::{Folder, Server, codes, free_port, is_root, judged, program, until};

pub const PASSWORD: &str = "s3cr3t-pw-4711";

/// A cluster of its own, with a superuser `shopkeeper` and these lines in `pg_hba.conf`.
pub struct Cluster {
    pub folder: Folder,
    pub port: u16,
}

impl Cluster {
    pub fn new(hba: &str, settings: &str) -> Self {
        let folder = Folder::new("postgres");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let password = folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        let data = folder.path().join("data");
        run(as_somebody(&tool("initdb"))
            .args([
                "--auth=scram-sha-256",
                "--username=shopkeeper",
                "--no-sync",
                "--pwfile",
            ])
            .arg(&password)
            .arg("--pgdata")
            .arg(&data)
            .stdout(Stdio::null()));
        fs::write(data.join("pg_hba.conf"), hba).unwrap();
        let mut conf = fs::read_to_string(data.join("postgresql.conf")).unwrap();
        conf.push_str(settings);
        fs::write(data.join("postgresql.conf"), conf).unwrap();
        Self {
            folder,
            port: free_port(),
        }
    }

    pub fn start(&self) -> Server {
        Server::start(
            as_somebody(&tool("postgres"))
                .arg("-D")
                .arg(self.folder.path().join("data"))
                .args(["-p", &self.port.to_string(), "-h", "127.0.0.1", "-F", "-k"])
                .arg(self.folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null()),
        )
    }

    pub async fn seen(&self, user: &str, database: &str, settings: Value) -> Outcome {
        let url = format!("postgres://{user}@127.0.0.1:{}/{database}", self.port);
        let target = Target::parse(&url).unwrap();
        let sources = Live::new().sources().unwrap();
        judged(sources, "dep.postgres", settings, &target, PASSWORD).await
    }

    /// Until it lets somebody in, or refuses for another reason than that it starts.
    pub async fn ready(&self) {
        until("PostgreSQL", || async {
            let outcome = self.seen(&owner(), "postgres", json!({})).await;
            !codes(&outcome)
                .iter()
                .any(|code| ["refused", "starting", "closed"].contains(code))
        })
        .await;
    }
}

pub fn owner() -> String {
    format!("shopkeeper:{PASSWORD}")
}

/// PostgreSQL refuses to run as root.
fn as_somebody(program: &Path) -> Command {
    if is_root() {
        // `runuser` would stay between us and the server, and would be what gets killed.
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"])
            .arg(program);
        command
    } else {
        Command::new(program)
    }
}

pub fn tool(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    program(name, &folders)
}

pub fn run(command: &mut Command) {
    let status = command.status().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(status.success(), "{command:?}: {status}");
}
