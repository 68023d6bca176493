//! What the groups of tests share: running one probe, and programs of the system.

#![allow(dead_code, reason = "each group uses a part of it")]

use std::{
    env, fs,
    future::Future,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command},
    time::{Duration, Instant},
};

use readiness_probes::{Outcome, Requirement, Sources, Suite, Target, builtin};
use serde_json::Value;

/// What a probe of the registry says of a target.
///
/// The report may hold no part of the password.
pub async fn judged(sources: Sources, id: &str, settings: Value, target: &Target, password: &str) -> Outcome {
    let probe = builtin::registry().build(id, &settings).unwrap();
    let requirement = Requirement::new(probe, target.clone());
    let report = Suite::new(sources).with(requirement).unwrap().run().await;
    let json = serde_json::to_string(&report).unwrap();
    assert!(
        password.is_empty() || !json.contains(password),
        "the password is in the report: {json}"
    );
    report.results[0].targets[0].outcome.clone()
}

pub fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

/// A port that nothing listens on just now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A program of the system, in the path or in one of these folders.
pub fn program(name: &str, folders: &[PathBuf]) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
        .unwrap_or_else(|| {
            panic!(
                "`{name}` is neither in the path nor in {folders:?}, and this group needs it (feature `real`): \
                 install the package, as `.ci/run` does"
            )
        })
}

/// A folder that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("readiness-{name}-{}-{}", std::process::id(), free_port()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that goes with the test.
pub struct Server(pub Child);

impl Server {
    pub fn start(command: &mut Command) -> Self {
        Self(command.spawn().unwrap_or_else(|e| panic!("{command:?}: {e}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until this holds, at most 60 s.
pub async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let began = Instant::now();
    while !holds().await {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "{what} did not come about within 60 s"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}
