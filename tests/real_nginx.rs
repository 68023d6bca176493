//! `check` against a real nginx: what it finds, in every format, with how few connections, and again from a
//! recording without any network.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{env, path::Path, process::Command, sync::Arc};

use quick_xml::{Reader, events::Event};
use readiness_core::{Verdict, observe::Recording};
use readiness_probes::{Report, Runner, Suite, Target, builtin, live::Live};
use readiness_report::JunitDialect;
use serde_json::json;
use tokio::runtime::Builder;

use self::support::{
    check::{Run, check, check_without_network, codes, complaints, status},
    folder::Folder,
    nameserver::Nameserver,
    nginx::{Care, Shop},
    wellformed::{assert_follows_schema, assert_well_formed},
};

const FORMATS: [&str; 5] = ["text", "json", "junit", "junit-strict", "markdown"];

/// What is wrong with the faulty shop: requirement, its status, the finding's code, and some of its words.
const FAULTS: [(&str, &str, &str, &str); 11] = [
    ("tls.certificate", "fail", "expired", "expired 3 days ago"),
    (
        "http.health",
        "fail",
        "html_instead_of_health",
        "expected a health payload",
    ),
    (
        "http.hsts",
        "fail",
        "max_age_too_short",
        "is 300 s, expected at least 15552000 s",
    ),
    (
        "http.cookies",
        "fail",
        "no_secure",
        "without which it also travels over plain http",
    ),
    (
        "http.cookies",
        "fail",
        "no_http_only",
        "without which every script can read it",
    ),
    (
        "http.cookies",
        "fail",
        "no_same_site",
        "without which browsers differ",
    ),
    ("http.csp", "fail", "missing", "header and found none"),
    ("http.framing", "fail", "missing", "every site may frame the page"),
    ("http.nosniff", "fail", "missing", "and found no such header"),
    (
        "http.https_redirect",
        "warn",
        "not_permanent",
        "with 302, expected 301 or 308",
    ),
    (
        "http.disclosure",
        "fail",
        "version",
        "names a version, expected at most the product",
    ),
];

fn with(mut arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    arguments.extend(more.iter().map(|&text| text.to_owned()));
    arguments
}

fn in_format(shop: &Shop, format: &str) -> Run {
    check(&with(shop.arguments(), &["-f", format]))
}

#[test]
fn a_hardened_nginx_is_ready() {
    let shop = Shop::open(Care::Hardened, true, &["127.0.0.1"]);
    let run = in_format(&shop, "json");
    assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stderr, "");
    assert_follows_schema(&run.stdout);
    let report = run.report();
    assert_eq!(report.verdict(), Verdict::Ready);
    assert_eq!(complaints(&report), [] as [&str; 0]);
    assert_well_formed(&report);

    let text = check(&shop.arguments());
    assert_eq!(text.code, Some(0));
    let lines = text.stdout.trim_end().lines().count();
    assert!(lines <= 25, "{lines} lines:\n{}", text.stdout);
    let widest = text.stdout.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{}", text.stdout);
    for format in FORMATS {
        let run = in_format(&shop, format);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{format}");
    }
}

#[test]
fn every_fault_of_an_nginx_is_named_in_every_format() {
    let shop = Shop::open(Care::Faulty, false, &["127.0.0.1"]);
    let run = in_format(&shop, "json");
    assert_follows_schema(&run.stdout);
    let report = run.report();
    assert_eq!(report.verdict(), Verdict::NotReady);
    for (id, word, code, _) in FAULTS {
        assert_eq!(status(&report, id), word, "{id}");
        assert!(
            codes(&report, id).iter().any(|c| c == code),
            "{id}: {:?}",
            codes(&report, id)
        );
    }
    // And nothing else.
    let counted: Vec<&str> = FAULTS
        .iter()
        .map(|fault| fault.0)
        .filter(|id| *id != "http.disclosure")
        .collect();
    for complaint in complaints(&report) {
        assert!(counted.iter().any(|id| complaint.starts_with(id)), "{complaint}");
    }
    assert_well_formed(&report);

    for format in FORMATS {
        let run = in_format(&shop, format);
        assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""), "{format}");
        let shown = match format {
            "junit" | "junit-strict" => content(&run.stdout),
            _ => run.stdout,
        };
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        for (id, _, _, words) in FAULTS {
            assert!(shown.contains(id), "{format} does not name {id}:\n{shown}");
            assert!(shown.contains(words), "{format} does not say `{words}`:\n{shown}");
        }
    }
    let probe = check(&with(shop.arguments(), &["--healthcheck"]));
    assert_eq!(probe.code, Some(1));
    assert_eq!(probe.stdout.lines().count(), 1, "{}", probe.stdout);
}

/// Texts and attributes of an XML document, as a reader gets them.
fn content(xml: &str) -> String {
    let mut reader = Reader::from_str(xml);
    let mut all = String::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) | Event::Empty(element) => {
                for attribute in element.attributes() {
                    all += &quick_xml::escape::unescape(&attribute.unwrap().value).unwrap();
                    all.push(' ');
                }
            }
            Event::Text(text) => all += &text,
            Event::GeneralRef(name) => {
                all += &quick_xml::escape::unescape(&format!("&{};", &*name)).unwrap();
            }
            Event::CData(text) => all += &text,
            Event::Eof => return all,
            _ => {}
        }
    }
}

/// Two nameservers that know the shop at both its addresses.
fn nameservers(shop: &Shop) -> [Nameserver; 2] {
    shop.runtime.block_on(async {
        [
            Nameserver::knowing(&ADDRESSES).await,
            Nameserver::knowing(&ADDRESSES).await,
        ]
    })
}

const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// What one look at the shop may cost.
fn assert_one_look(shop: &Shop, nameservers: &[Nameserver; 2], report: &Report) {
    assert_eq!(complaints(report), [] as [&str; 0]);
    assert_eq!(shop.tls.taken(), [1, 1], "TLS connections to each address");
    assert_eq!(shop.plain.taken(), [1, 1], "plain connections to each address");
    // One for A, one for AAAA, over UDP, whichever of the two was asked.
    let asked = nameservers.iter().map(Nameserver::asked);
    assert_eq!(asked.reduce(|a, b| (a.0 + b.0, a.1 + b.1)), Some((2, 0)));
    // And the report says so itself.
    let cost: Vec<(&str, u64)> = report.cost.iter().map(|(what, &n)| (what.as_str(), n)).collect();
    let stated = [
        ("dns_queries", 2),
        ("http_requests", 6),
        ("tcp_connections", 2),
        ("tls_connections", 2),
    ];
    assert_eq!(cost, stated);
}

fn look_once(http2: bool, runtime: &mut Builder) {
    let shop = Shop::open(Care::Hardened, http2, &ADDRESSES);
    let nameservers = nameservers(&shop);
    let live = Live::new()
        .ca_pem(shop.ca_pem())
        .nameservers(nameservers.iter().map(|server| server.address).collect());
    let target = Arc::new(Target::parse(&shop.url()).unwrap());
    let settings = json!({ "health_path": "/healthz", "plain_port": shop.plain.port });
    let mut suite = Suite::new(live.sources().unwrap());
    for requirement in builtin::registry().preset("web", &target, &settings).unwrap() {
        suite.add(requirement).unwrap();
    }
    let runtime = runtime.enable_all().build().unwrap();
    let (report, recording) = runtime.block_on(Runner::new().run_recorded(&suite));
    assert_one_look(&shop, &nameservers, &report);
    assert_eq!(
        versions(&recording, true),
        if http2 { ["HTTP/2"] } else { ["HTTP/1.1"] }
    );
    assert_eq!(versions(&recording, false), ["HTTP/1.1"]);
}

/// The versions of HTTP that were spoken, with TLS or without.
fn versions(recording: &Recording, tls: bool) -> Vec<String> {
    let json = serde_json::to_value(recording).unwrap();
    let facts = json["facts"].as_array().unwrap().iter();
    let mut all: Vec<String> = facts
        .filter(|fact| fact["kind"] == "http.exchange" && fact["key"]["endpoint"]["tls"] == tls)
        .map(|fact| fact["fact"]["version"].as_str().unwrap().to_owned())
        .collect();
    all.dedup();
    all
}

#[test]
fn one_connection_over_http1_on_one_thread() {
    look_once(false, &mut Builder::new_current_thread());
}

#[test]
fn one_connection_over_http1_on_many_threads() {
    look_once(false, Builder::new_multi_thread().worker_threads(4));
}

#[test]
fn one_connection_over_http2_on_one_thread() {
    look_once(true, &mut Builder::new_current_thread());
}

#[test]
fn one_connection_over_http2_on_many_threads() {
    look_once(true, Builder::new_multi_thread().worker_threads(4));
}

#[test]
fn one_connection_from_the_command_line() {
    for http2 in [false, true] {
        let shop = Shop::open(Care::Hardened, http2, &ADDRESSES);
        let nameservers = nameservers(&shop);
        let mut arguments = with(shop.arguments_without_addresses(), &["-f", "json"]);
        for server in &nameservers {
            arguments.extend(["--nameserver".to_owned(), server.address.to_string()]);
        }
        let run = check(&arguments);
        assert_eq!(run.code, Some(0), "{}{}", run.stdout, run.stderr);
        assert_one_look(&shop, &nameservers, &run.report());
    }
}

#[test]
fn a_recording_replays_to_the_same_bytes_without_a_network() {
    for (care, http2) in [(Care::Hardened, true), (Care::Faulty, false)] {
        let shop = Shop::open(care, http2, &["127.0.0.1"]);
        let folder = Folder::new();
        let recording = folder.text("recording.json");
        let mut arguments = with(shop.arguments(), &["--record", &recording]);
        for file in ["report.txt", "report.json", "report.xml", "report.md"] {
            arguments.extend(["-o".to_owned(), folder.text(file)]);
        }
        let live = check(&arguments);
        assert_eq!(
            live.code,
            Some(if care == Care::Hardened { 0 } else { 1 }),
            "{}",
            live.stderr
        );
        assert_eq!(live.stdout, folder.read("report.txt"));
        let json = folder.read("report.json");
        let report = readiness_report::from_json(&json).unwrap();
        let expected = [
            ("text", live.stdout),
            ("json", json),
            ("junit", folder.read("report.xml")),
            (
                "junit-strict",
                readiness_report::to_junit(&report, JunitDialect::Strict),
            ),
            ("markdown", folder.read("report.md")),
        ];
        let before = (shop.tls.taken(), shop.plain.taken());
        assert_eq!(before, (vec![1], vec![1]));
        for (format, expected) in expected {
            let again = with(shop.arguments(), &["--replay", &recording, "-f", format]);
            let run = check_without_network(&again);
            assert_eq!((run.code, run.stderr.as_str()), (live.code, ""), "{format}");
            assert_eq!(run.stdout, expected, "{format}");
        }
        assert_eq!((shop.tls.taken(), shop.plain.taken()), (vec![0], vec![0]));

        // There really is no network in there.
        let blind = check_without_network(&with(shop.arguments(), &["-f", "json"]));
        assert_ne!(blind.code, Some(0));
        assert_follows_schema(&blind.stdout);
        assert!(
            !blind
                .report()
                .requirement("tls.certificate")
                .unwrap()
                .status
                .is_pass()
        );
    }
}

/// `.ci/run` installs junitparser beside the build; `PYTHON` names another interpreter that has it.
#[test]
fn junitparser_reads_both_dialects() {
    let folder = Folder::new();
    let mut files = Vec::new();
    for care in [Care::Hardened, Care::Faulty] {
        let shop = Shop::open(care, true, &["127.0.0.1"]);
        let name = if care == Care::Hardened {
            "hardened"
        } else {
            "faulty"
        };
        for (format, ending) in [("junit", "xml"), ("junit-strict", "strict.xml")] {
            let file = folder.text(&format!("{name}.{ending}"));
            check(&with(shop.arguments(), &["-f", format, "-o", &file]));
            files.push(file);
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let script = root.join(".ci/junit_check.py");
    let installed = root.join("target/ci-venv/bin/python");
    let python = match env::var_os("PYTHON") {
        Some(python) => python.into(),
        None if installed.exists() => installed,
        None => "python3".into(),
    };
    let output = Command::new(python).arg(script).args(&files).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        said.lines().filter(|line| line.starts_with("ok ")).count(),
        files.len(),
        "{said}"
    );
}
