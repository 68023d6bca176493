//! What is found on nginx, Apache, Caddy and axum: as they come, and hardened.
//!
//! Each report must equal a committed list, `web_servers/nginx-default.txt` and so on. Each line of a list is one
//! finding and the reason why it is right. Hardened, no server has a finding above Info.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{fs, path::Path, sync::Arc};

use readiness_core::{Priority, Report, Verdict};
use readiness_probes::{Runner, Suite, Target, builtin, live::Live};
use serde_json::Value;

use self::support::web::{HOST, Kind, Web};

/// What the preset `web` says of a server.
fn report(web: &Web) -> Report {
    let sources = Live::new()
        .resolve(HOST, web.address())
        .ca_pem(web.ca_pem())
        .sources()
        .unwrap();
    let target = Arc::new(Target::parse(&format!("https://{HOST}/")).unwrap());
    let mut suite = Suite::new(sources);
    for requirement in builtin::registry().preset("web", &target, &Value::Null).unwrap() {
        suite.add(requirement).unwrap();
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(Runner::new().run(&suite))
}

/// Each finding in a line: `high http.hsts fail missing`. The server's address stands as `ADDRESS`.
fn findings(report: &Report, web: &Web) -> Vec<String> {
    let address = &web.address().to_string();
    let mut all: Vec<String> = report
        .rows()
        .flat_map(|(result, row)| {
            row.outcome.findings.iter().map(move |finding| {
                let line = format!(
                    "{} {} {} {} {}",
                    result.priority,
                    result.id,
                    finding.status.word(),
                    finding.code,
                    finding.subject
                );
                line.trim_end().replace(address, "ADDRESS")
            })
        })
        .collect();
    all.sort();
    all
}

/// The lines of a list, each without its reason, which must be there.
fn expected(name: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("web_servers")
        .join(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut all: Vec<String> = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (finding, reason) = line
                .split_once(" -- ")
                .unwrap_or_else(|| panic!("no reason: {line}"));
            assert!(reason.len() > 20, "{line}");
            finding.trim().to_owned()
        })
        .collect();
    all.sort();
    all
}

fn holds(kind: Kind, hardened: bool) {
    let care = if hardened { "hardened" } else { "default" };
    let name = format!("{kind:?}-{care}.txt").to_lowercase();
    let web = Web::start(kind, hardened);
    let report = report(&web);
    assert_eq!(findings(&report, &web), expected(&name), "{name}\n{report}");
    if hardened {
        assert_eq!(report.verdict(), Verdict::Ready, "{report}");
        for (result, row) in report.rows() {
            let status = &row.outcome.status;
            assert!(
                result.priority == Priority::Info || status.is_pass() || status.is_not_applicable(),
                "{}: {}",
                result.id,
                row.outcome.summary
            );
        }
    }
}

#[test]
fn a_default_nginx() {
    holds(Kind::Nginx, false);
}

#[test]
fn a_hardened_nginx() {
    holds(Kind::Nginx, true);
}

#[test]
fn a_default_apache() {
    holds(Kind::Apache, false);
}

#[test]
fn a_hardened_apache() {
    holds(Kind::Apache, true);
}

#[test]
fn a_default_caddy() {
    holds(Kind::Caddy, false);
}

#[test]
fn a_hardened_caddy() {
    holds(Kind::Caddy, true);
}

#[test]
fn a_default_axum() {
    holds(Kind::Axum, false);
}

#[test]
fn an_axum_hardened_with_tower_http() {
    holds(Kind::Axum, true);
}
