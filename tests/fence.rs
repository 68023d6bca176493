//! What readiness-core may depend on: the vocabulary and the engine, and no network.

use std::process::Command;

/// Crates of the normal dependency tree with these features.
fn tree(features: &[&str]) -> Vec<String> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--locked",
            "-p",
            "readiness-core",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(["--no-default-features", "--features", &features.join(",")])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("names are ASCII");
    let mut names: Vec<String> = text
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn the_core_has_no_network_in_its_tree() {
    const FENCED: [&str; 11] = [
        "aws-lc",
        "h2",
        "hickory",
        "hyper",
        "mio",
        "native-tls",
        "openssl",
        "reqwest",
        "ring",
        "rustls",
        "socket2",
    ];
    for features in [&[][..], &["config"]] {
        let names = tree(features);
        assert!(
            names.iter().any(|name| name == "serde"),
            "the tree was read: {names:?}"
        );
        for name in &names {
            let fenced = FENCED
                .iter()
                .find(|fenced| name == *fenced || name.starts_with(&format!("{fenced}-")));
            assert!(
                fenced.is_none(),
                "`{name}` stands in the tree of readiness-core with {features:?}"
            );
        }
        assert!(
            names.len() <= 80,
            "{} crates with {features:?}, at most 80 are allowed: {names:?}",
            names.len()
        );
    }
}
