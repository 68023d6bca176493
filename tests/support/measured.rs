//! What a process of its own takes: the test of a name runs itself again under GNU time.

use std::{
    env,
    process::{Command, Output},
};

use super::support::program;

const ALONE: &str = "READINESS_ALONE";

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
