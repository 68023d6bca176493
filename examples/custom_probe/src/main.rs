//! Runs the probe of this crate without anything else: `cargo run -p readiness-example-custom-probe`.

use std::{error::Error, process::ExitCode};

use readiness_core::{Registry, Requirement, Sources, Suite, Target, serde_json::json};
use readiness_example_custom_probe::{QueueSource, register};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut registry = Registry::new();
    register(&mut registry);
    let probe = registry.build("acme.queue_is_short", &json!({ "queue": "orders", "most": 100 }))?;

    let sources = Sources::default().with(QueueSource::new(|_| Ok(180)));
    let suite = Suite::new(sources).with(Requirement::new(probe, Target::parse("tcp://broker:5672")?))?;
    let report = suite.run_blocking()?;
    let mut out = std::io::stdout();
    std::io::Write::write_all(&mut out, report.to_string().as_bytes())?;
    Ok(ExitCode::from(report.verdict().exit_code()))
}
