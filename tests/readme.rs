//! The files that the README shows are read as they stand there.

use std::path::Path;

use readiness_core::{Config, Sources};
use readiness_probes::builtin;

#[test]
fn the_tables_of_the_readme_make_a_suite() {
    let readme = include_str!("../README.md");
    let blocks: Vec<&str> = readme
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        // A file of cargo is none of ours.
        .filter(|block| block.contains("[["))
        .collect();
    assert_eq!(blocks.len(), 2);
    let environment = |name: &str| match name {
        "API_URL" => Some("https://api.example.com".to_owned()),
        "API_TOKEN" => Some("s3cr3t".to_owned()),
        _ => None,
    };
    let text = blocks.concat();
    let config = Config::parse_with(
        &text,
        "README.md",
        &builtin::registry(),
        Path::new(""),
        &environment,
    )
    .unwrap_or_else(|e| panic!("{e}"));
    let suite = config.suite(Sources::default());
    let ids: Vec<&str> = suite
        .requirements()
        .iter()
        .map(|requirement| requirement.id())
        .collect();
    for id in [
        "http.hsts",
        "http.health",
        "dns.dnssec",
        "net.port_exposure",
        "http.health.steady",
        "http.objectives",
    ] {
        assert!(ids.contains(&id), "{id} is not among {ids:?}");
    }
}
