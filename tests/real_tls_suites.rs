//! `tls.versions` and `tls.cipher_suites` against real servers of OpenSSL, and beside nmap and sslyze: the same
//! versions, suites and groups, with how many connections, in what time.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    net::Ipv4Addr,
    process::Command,
    time::{Duration, Instant},
};

use readiness_probes::{Outcome, Report, Suite, Target, builtin, live::Live};
use serde_json::{Value, json};

use self::support::tls_server::TlsServer;

const RSA: &str = "ssl_certificate @folder@/rsa.pem; ssl_certificate_key @folder@/rsa.key;";
const ECDSA: &str = "ssl_certificate @folder@/ecdsa.pem; ssl_certificate_key @folder@/ecdsa.key;";

/// Runs these probes, and says how long that took.
fn run(server: &TlsServer, ids: &[&str]) -> (Report, Duration) {
    let target = Target::parse(&format!("https://localhost:{}", server.relay.port)).unwrap();
    let live = Live::new().resolve("localhost", Ipv4Addr::LOCALHOST.into());
    let registry = builtin::registry();
    let mut suite = Suite::new(live.sources().unwrap());
    for id in ids {
        let probe = registry.build(id, &json!({})).unwrap();
        suite
            .add(readiness_core::Requirement::new(probe, target.clone()))
            .unwrap();
    }
    let begun = Instant::now();
    let report = server.runtime.block_on(suite.run());
    (report, begun.elapsed())
}

fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    &report.requirement(id).unwrap().targets[0].outcome
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

fn evidence(outcome: &Outcome, label: &str) -> String {
    let parts = outcome.evidence.iter().filter(|e| e.label.starts_with(label));
    parts
        .map(|evidence| &*evidence.value)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The versions that are offered.
fn versions(outcome: &Outcome) -> Vec<&str> {
    let offered = outcome
        .evidence
        .iter()
        .filter(|e| e.value.starts_with("offered:"));
    offered.map(|evidence| &*evidence.label).collect()
}

/// The suites of each version, by their names.
fn suites(outcome: &Outcome) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for evidence in &outcome.evidence {
        if let Some((version, _)) = evidence.label.split_once(" suites") {
            let names = evidence.value.split(", ").map(str::to_owned);
            all.entry(version.to_owned()).or_default().extend(names);
        }
    }
    all
}

#[test]
fn servers_pinned_to_one_version_are_seen_as_they_are() {
    for (protocols, expected) in [
        ("TLSv1", &["TLS 1.0"][..]),
        ("TLSv1.1", &["TLS 1.1"]),
        ("TLSv1.2", &["TLS 1.2"]),
        ("TLSv1.3", &["TLS 1.3"]),
        ("TLSv1.2 TLSv1.3", &["TLS 1.3", "TLS 1.2"]),
        (
            "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3",
            &["TLS 1.3", "TLS 1.2", "TLS 1.1", "TLS 1.0"],
        ),
    ] {
        let server = TlsServer::open(&format!(
            "{RSA} ssl_protocols {protocols}; ssl_ciphers DEFAULT:@SECLEVEL=0;"
        ));
        let (report, _) = run(&server, &["tls.versions"]);
        let outcome = outcome(&report, "tls.versions");
        assert_eq!(versions(outcome), expected, "{protocols}: {outcome:?}");
        assert_eq!(server.connections(), 5, "{protocols}");
        let is_old = expected
            .iter()
            .any(|version| ["TLS 1.0", "TLS 1.1"].contains(version));
        assert_eq!(outcome.status.is_fail(), is_old, "{protocols}");
    }
}

#[test]
fn each_fault_of_a_configuration_is_named_by_five_connections_already() {
    let curve = "ssl_ecdh_curve prime256v1:secp224r1;";
    let weak_curve = "ssl_ecdh_curve secp224r1;";
    let prime = "ssl_dhparam @folder@/dh.pem;";
    for (what, key, ciphers, more, code, status) in [
        ("CBC alone", RSA, "ECDHE-RSA-AES128-SHA", "", "cbc_suite", "warn"),
        (
            "no ECDHE",
            RSA,
            "AES128-GCM-SHA256",
            "",
            "no_forward_secrecy",
            "warn",
        ),
        ("no encryption", RSA, "NULL-SHA256", "", "weak_suite", "fail"),
        ("nobody signs", RSA, "AECDH-AES128-SHA", "", "weak_suite", "fail"),
        ("a key on P-224", ECDSA, "ECDHE", curve, "weak_curve", "fail"),
        ("keys over P-224", RSA, "ECDHE", weak_curve, "weak_groups", "fail"),
        (
            "a short prime",
            RSA,
            "DHE-RSA-AES128-GCM-SHA256",
            prime,
            "weak_dh",
            "fail",
        ),
    ] {
        let ec = if code == "weak_curve" {
            "secp224r1"
        } else {
            "prime256v1"
        };
        let lines = format!("{key} {more} ssl_protocols TLSv1.2; ssl_ciphers {ciphers}:@SECLEVEL=0;");
        let server = TlsServer::with_curve(ec, &lines);
        let (report, _) = run(&server, &["tls.versions"]);
        let outcome = outcome(&report, "tls.versions");
        assert_eq!(codes(outcome), [code, "only_tls_1_2"], "{what}: {outcome:?}");
        assert_eq!(outcome.status.word(), status, "{what}");
        assert_eq!(server.connections(), 5, "{what}");
    }
}

#[test]
fn a_hardened_server_is_silent_at_every_depth() {
    let server = TlsServer::open(&format!(
        "{RSA} {ECDSA} ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; \
         ssl_ecdh_curve X25519:prime256v1:secp384r1;"
    ));
    let (report, _) = run(&server, &["tls.versions", "tls.cipher_suites"]);
    for id in ["tls.versions", "tls.cipher_suites"] {
        let outcome = outcome(&report, id);
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert!(outcome.findings.iter().all(|finding| finding.is_note()));
    }
    assert_eq!(codes(outcome(&report, "tls.cipher_suites")), ["no_post_quantum"]);
}

/// What a tool found, how many connections it made, and in what time.
struct Found {
    suites: BTreeMap<String, BTreeSet<String>>,
    connections: usize,
    time: Duration,
}

#[test]
fn nmap_and_sslyze_see_the_same_suites_and_groups() {
    // Everything that OpenSSL has for both kinds of keys, but what needs more than a certificate.
    let server = TlsServer::open(&format!(
        "{RSA} {ECDSA} ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; \
         ssl_dhparam @folder@/dh.pem; ssl_ciphers ALL:COMPLEMENTOFALL:@SECLEVEL=0; \
         ssl_prefer_server_ciphers on;"
    ));
    let small = TlsServer::open(&format!(
        "{RSA} ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers HIGH:!aNULL:!PSK:!SRP:!DH;"
    ));
    let mut table = String::new();
    for (name, server) in [("small", &small), ("everything", &server)] {
        let mut line = |what: &str, connections: usize, suites: usize, time: Duration, base: Duration| {
            table += &format!(
                "{name:<12} {what:<28} {connections:>5} {suites:>6} {:>9.1} {:>8.1}\n",
                time.as_secs_f64() * 1e3,
                time.as_secs_f64() / base.as_secs_f64()
            );
        };
        server.connections();
        let (_, quick) = run(server, &["tls.protocol"]);
        let quick_connections = server.connections();
        let (_, standard) = run(server, &["tls.protocol", "tls.versions"]);
        let standard_connections = server.connections();
        assert_eq!((quick_connections, standard_connections), (1, 6));
        let (report, deep) = run(server, &["tls.protocol", "tls.versions", "tls.cipher_suites"]);
        let deep_connections = server.connections();
        let ours = outcome(&report, "tls.cipher_suites");
        let own = suites(ours);
        let count: usize = own.values().map(BTreeSet::len).sum();
        assert_eq!(report.cost["tls_connections"], deep_connections as u64);
        assert_eq!(evidence(ours, "connections"), (deep_connections - 1).to_string());
        assert!(own["TLS 1.2"].len() >= 20, "{own:?}");
        line("readiness quick", quick_connections, 1, quick, deep);
        line("readiness standard", standard_connections, 0, standard, deep);
        line("readiness deep", deep_connections, count, deep, deep);

        let nmap = nmap(server);
        line(
            "nmap ssl-enum-ciphers",
            nmap.connections,
            total(&nmap),
            nmap.time,
            deep,
        );
        assert_eq!(
            differences(&nmap.suites, &own, &[]),
            [] as [String; 0],
            "nmap on {name}"
        );
        if let Some((sslyze, groups)) = sslyze(server) {
            line("sslyze", sslyze.connections, total(&sslyze), sslyze.time, deep);
            let others = differences(&sslyze.suites, &own, &NOT_IN_SSLYZE);
            assert_eq!(others, [] as [String; 0], "sslyze on {name}");
            let mut own_groups = evidence(ours, "TLS 1.3 groups");
            own_groups += ", ";
            own_groups += &evidence(ours, "TLS 1.2 groups");
            let own_groups: BTreeSet<String> = own_groups
                .split(", ")
                // It asks for elliptic curves alone.
                .filter(|group| !group.is_empty() && !group.starts_with("ffdhe"))
                .map(str::to_ascii_lowercase)
                .collect();
            assert_eq!(groups, own_groups, "sslyze sees other groups on {name}");
        } else {
            table += "sslyze is not installed: not compared\n";
        }
    }
    println!("\nserver       tool                         conns suites   time ms   ratio\n{table}");
}

/// Suites that OpenSSL and nmap have, and the OpenSSL within sslyze has not.
const NOT_IN_SSLYZE: [&str; 2] = [
    "TLS_DH_anon_WITH_CAMELLIA_128_CBC_SHA256",
    "TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA256",
];

/// What one saw and the other did not, but for what the first cannot see.
fn differences(
    theirs: &BTreeMap<String, BTreeSet<String>>,
    own: &BTreeMap<String, BTreeSet<String>>,
    unseen: &[&str],
) -> Vec<String> {
    let none = BTreeSet::new();
    let versions: BTreeSet<&String> = theirs.keys().chain(own.keys()).collect();
    let of = |version: &String| {
        let (theirs, own) = (
            theirs.get(version).unwrap_or(&none),
            own.get(version).unwrap_or(&none),
        );
        let different = theirs.symmetric_difference(own);
        let named = different.filter(|name| !(own.contains(*name) && unseen.contains(&name.as_str())));
        named.map(|name| format!("{version} {name}")).collect::<Vec<_>>()
    };
    versions.into_iter().flat_map(of).collect()
}

fn total(found: &Found) -> usize {
    found.suites.values().map(BTreeSet::len).sum()
}

/// What nmap lists.
fn nmap(server: &TlsServer) -> Found {
    let begun = Instant::now();
    let output = Command::new("nmap")
        .args([
            "-Pn",
            "-p",
            &server.relay.port.to_string(),
            "--script",
            "+ssl-enum-ciphers",
        ])
        .args(["-oN", "-", "127.0.0.1"])
        .output()
        .expect("nmap is installed");
    let time = begun.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut suites: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut version = String::new();
    for line in text.lines().filter_map(|line| line.strip_prefix('|')) {
        let line = line.trim_start_matches(['_', ' ']);
        let found = line.strip_suffix(": ").or(line.strip_suffix(':'));
        if let Some(found) = found.filter(|found| found.starts_with("TLSv") || found.starts_with("SSLv")) {
            version = found.replace("TLSv", "TLS ");
        }
        let name = line.split_whitespace().next().unwrap_or_default();
        if name.starts_with("TLS_") {
            suites.entry(version.clone()).or_default().insert(iana(name));
        }
    }
    Found {
        suites,
        connections: server.connections(),
        time,
    }
}

/// It has names of its own for the suites of TLS 1.3.
fn iana(name: &str) -> String {
    name.replace("TLS_AKE_WITH_", "TLS_")
}

/// What sslyze lists, and the groups.
fn sslyze(server: &TlsServer) -> Option<(Found, BTreeSet<String>)> {
    let program = env::var("READINESS_SSLYZE").unwrap_or_else(|_| "sslyze".to_owned());
    let json = server.folder.text("sslyze.json");
    let begun = Instant::now();
    let run = Command::new(program)
        .args([
            "--sslv2",
            "--sslv3",
            "--tlsv1",
            "--tlsv1_1",
            "--tlsv1_2",
            "--tlsv1_3",
        ])
        .args([
            "--elliptic_curves",
            "--mozilla_config",
            "disable",
            "--json_out",
            &json,
        ])
        .arg(format!("localhost:{}", server.relay.port))
        .output();
    let time = begun.elapsed();
    let output = run.ok()?;
    let text = std::fs::read_to_string(&json).unwrap_or_else(|e| {
        panic!(
            "{e}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    });
    let all: Value = serde_json::from_str(&text).unwrap();
    let result = &all["server_scan_results"][0]["scan_result"];
    let mut suites: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (version, key) in [
        ("SSLv3", "ssl_3_0_cipher_suites"),
        ("TLS 1.0", "tls_1_0_cipher_suites"),
        ("TLS 1.1", "tls_1_1_cipher_suites"),
        ("TLS 1.2", "tls_1_2_cipher_suites"),
        ("TLS 1.3", "tls_1_3_cipher_suites"),
    ] {
        let accepted = result[key]["result"]["accepted_cipher_suites"]
            .as_array()
            .unwrap();
        for suite in accepted {
            let name = suite["cipher_suite"]["name"].as_str().unwrap().to_owned();
            suites.entry(version.to_owned()).or_default().insert(name);
        }
    }
    let curves = result["elliptic_curves"]["result"]["supported_curves"]
        .as_array()
        .unwrap();
    let groups = curves.iter().map(|curve| {
        let name = curve["name"].as_str().unwrap().to_ascii_lowercase();
        match name.as_str() {
            "prime256v1" => "secp256r1".to_owned(),
            _ => name,
        }
    });
    let groups = groups.collect();
    Some((
        Found {
            suites,
            connections: server.connections(),
            time,
        },
        groups,
    ))
}
