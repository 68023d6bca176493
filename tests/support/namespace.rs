//! Network namespaces: a test runs itself again in one of its own, where it has every port for itself.

use std::{
    env,
    process::{Command, Output},
};

use super::support::{is_root, program};

const INSIDE: &str = "READINESS_INSIDE_NAMESPACE";
const ALONE: &str = "READINESS_ALONE";

/// Runs the test of this name again in a namespace of its own, after this preparation.
pub fn inside(name: &str, prepare: &str, test: impl Fn()) {
    if env::var_os(INSIDE).is_some() {
        return test();
    }
    let mut command = Command::new(program("unshare", &[]));
    if !is_root() {
        command.arg("--map-root-user");
    }
    let script = format!("ip link set lo up && {prepare} exec \"$0\" \"$@\"");
    let status = command
        .args(["--net", "sh", "-c", &script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "`{name}` failed under `unshare --net` (needs `ip`, `nft`, and leave to make a namespace): {status}"
    );
}

/// Whether this process was started by [`Measured::of_itself`].
pub fn is_alone() -> bool {
    env::var_os(ALONE).is_some()
}

/// What a process of its own took, as the kernel counts it for the process that waits for it.
pub struct Measured {
    pub cpu_seconds: f64,
    pub wall_seconds: f64,
    pub peak_kib: f64,
    pub output: Output,
}

impl Measured {
    /// Runs a program to its end.
    pub fn of(program_and_arguments: &[&str]) -> Self {
        let mut command = Command::new(program("time", &[]));
        command.args(["-f", "%U %S %e %M"]).args(program_and_arguments);
        let output = command.output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{program_and_arguments:?}: {}\n{told}",
            output.status
        );
        let last = told.lines().last().unwrap_or_default();
        let figures: Vec<f64> = last
            .split_whitespace()
            .map(|figure| figure.parse().unwrap())
            .collect();
        let [user, system, wall_seconds, peak_kib] = figures[..] else {
            panic!("`time` told {last}");
        };
        Self {
            cpu_seconds: user + system,
            wall_seconds,
            peak_kib,
            output,
        }
    }

    /// Runs the test of this name, which asks [`is_alone`], again in a process of its own.
    pub fn of_itself(name: &str) -> Self {
        let this = env::current_exe().unwrap();
        let this = this.to_str().unwrap();
        let alone = format!("{ALONE}=1");
        Self::of(&["env", &alone, this, "--exact", name, "--nocapture"])
    }
}
