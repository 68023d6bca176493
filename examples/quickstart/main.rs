//! Starts a small real service on this machine with a few realistic faults, checks it, prints what was
//! found, and writes the three reports. No network, no set-up.
//!
//! ```text
//! cargo run --example quickstart
//! cargo run --example quickstart -- --healthy
//! ```

mod nameserver;
mod service;

use std::{error::Error, fs, io::IsTerminal, path::Path, sync::Arc};

use readiness_probes::{Suite, Target, builtin, live::Live, report::TextOptions};
use readiness_report::{JunitDialect, MarkdownOptions};
use serde_json::json;

use self::service::Service;

const HOST: &str = "shop.example.test";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let healthy = std::env::args().any(|argument| argument == "--healthy");
    let service = Service::start(HOST, healthy).await?;
    let nameserver = nameserver::start(HOST, [127, 0, 0, 1].into()).await?;

    // From here on it is what you would write: how to look, at what, and what is asked of it.
    let live = Live::new()
        .ca_pem(service.ca_pem.as_str())
        .nameservers(vec![nameserver.address]);
    let url = format!("https://{HOST}:{}/", service.tls_port);
    let target = Arc::new(Target::parse(&url)?.labelled("shop"));
    let settings = json!({ "health_path": "/healthz", "plain_port": service.plain_port });

    let mut suite = Suite::new(live.sources()?);
    for requirement in builtin::registry().preset("web", &target, &settings)? {
        suite.add(requirement)?;
    }
    let report = suite.run().await;

    let colour = std::io::stdout().is_terminal();
    println!("{}", report.to_text(TextOptions::default().colour(colour)));

    let folder = Path::new("target/quickstart");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("report.json"), readiness_report::to_json(&report))?;
    fs::write(
        folder.join("junit.xml"),
        readiness_report::to_junit(&report, JunitDialect::Common),
    )?;
    fs::write(
        folder.join("summary.md"),
        readiness_report::to_markdown(&report, MarkdownOptions::default()),
    )?;
    println!(
        "reports: report.json, junit.xml and summary.md in {}",
        folder.display()
    );
    println!("`check` would exit with {}", report.verdict().exit_code());
    if !healthy {
        println!("the same service without the faults: cargo run --example quickstart -- --healthy");
    }
    Ok(())
}
