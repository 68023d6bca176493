//! A test target as the documentation of `harness` has it, on a configuration that the environment names.

use std::{env, process::ExitCode};

use readiness_probes::harness;

fn main() -> ExitCode {
    let config = env::var_os("READINESS_CONFIG").unwrap_or_else(|| "readiness.toml".into());
    harness(config).run()
}
