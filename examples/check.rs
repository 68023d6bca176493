//! The `check` command with the probes of this workspace.
//!
//! ```text
//! cargo run --example check -- https://www.example.com
//! cargo run --example check -- --config readiness.toml -o report.json -o junit.xml
//! cargo run --example check -- explain http.hsts
//! ```

use std::process::ExitCode;

use readiness_probes::{builtin, cli};

fn main() -> ExitCode {
    cli::run(builtin::registry())
}
