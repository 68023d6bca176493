//! One nginx that shows 46 servers: most with one fault each, some with none. Every fault is named with its
//! cause, and the healthy ones stay silent. Prints one table.
//!
//! No test can issue under a public authority. Where a rule is for those alone, the run's recording is told that
//! the root is a public one, and judged again.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs::File,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use readiness_core::{Report, Requirement, Status, observe::Recording};
use readiness_probes::{Runner, Suite, Target, builtin, live::Live};
use serde_json::Value;

use self::support::{
    faults::{HOST, Pki},
    folder::Folder,
    servers::{Expect, Server, servers},
};

/// What is asked of each server.
const PROBES: [&str; 5] = [
    "tls.certificate",
    "tls.certificate_rules",
    "tls.cipher_suites",
    "tls.protocol",
    "tls.versions",
];

/// nginx with a server for each, at ports of an address of its own.
struct Nginx {
    _folder: Folder,
    process: Child,
    ports: Vec<u16>,
}

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 61, 7, 43);

impl Nginx {
    fn start(servers: &[Server]) -> Self {
        let folder = Folder::new();
        let held: Vec<TcpListener> = servers
            .iter()
            .map(|_| TcpListener::bind((ADDRESS, 0)).unwrap())
            .collect();
        let ports: Vec<u16> = held
            .iter()
            .map(|listener| listener.local_addr().unwrap().port())
            .collect();
        drop(held);
        let path = folder.path().to_str().unwrap();
        let mut config = format!(
            "daemon off; worker_processes 1; pid {path}/pid; error_log {path}/error.log;
             events {{ worker_connections 512; }}
             http {{ access_log off;
                 client_body_temp_path {path}/1; proxy_temp_path {path}/2; fastcgi_temp_path {path}/3;
                 uwsgi_temp_path {path}/4; scgi_temp_path {path}/5;\n"
        );
        for (server, port) in servers.iter().zip(&ports) {
            let name = server.name;
            folder.write(&format!("{name}.chain"), &server.shown.chain);
            folder.write(&format!("{name}.key"), &server.shown.key);
            let nginx = server.shown.nginx;
            writeln!(
                config,
                "server {{ listen {ADDRESS}:{port} ssl; ssl_certificate {path}/{name}.chain;
                 ssl_certificate_key {path}/{name}.key; {nginx} return 204; }}"
            )
            .unwrap();
        }
        config += "}";
        let config = folder.write("nginx.conf", &config);
        let said = File::create(folder.join("stderr")).unwrap();
        let mut process = Command::new("nginx")
            .args(["-c", &config, "-e", &folder.text("error.log")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .expect("nginx is installed");
        let begun = Instant::now();
        let last = SocketAddr::new(ADDRESS.into(), *ports.last().unwrap());
        while TcpStream::connect(last).is_err() {
            let ended = process.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(30),
                "nginx does not start: {}",
                folder.read("stderr")
            );
            thread::sleep(Duration::from_millis(20));
        }
        Self {
            _folder: folder,
            process,
            ports,
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGKILL would leave the worker behind.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
    }
}

#[test]
fn every_fault_is_named_and_the_healthy_are_silent() {
    let pki = Pki::new();
    let servers = servers(&pki);
    assert!(servers.len() >= 46, "{}", servers.len());
    let nginx = Nginx::start(&servers);
    let sources = Live::new()
        .resolve(HOST, IpAddr::V4(ADDRESS))
        .ca_pem(pki.root_pem())
        .sources()
        .unwrap();
    let registry = builtin::registry();
    let mut suite = Suite::new(sources);
    for (server, port) in servers.iter().zip(&nginx.ports) {
        let target = Target::parse(&format!("https://{HOST}:{port}/")).unwrap();
        let target = Arc::new(target.labelled(server.name));
        for id in PROBES {
            let probe = registry.build(id, &Value::Null).unwrap();
            suite.add(Requirement::new(probe, Arc::clone(&target))).unwrap();
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let begun = Instant::now();
    let (live, recording) = runtime.block_on(Runner::new().run_recorded(&suite));
    let took = begun.elapsed();
    let ports: Vec<u16> = servers
        .iter()
        .zip(&nginx.ports)
        .filter(|(server, _)| server.is_public)
        .map(|(_, port)| *port)
        .collect();
    let replayed = suite.replaying(&under_a_public_root(&recording, &ports));
    let public = runtime.block_on(Runner::new().run(&replayed));

    let mut table = String::new();
    let (mut wrong, mut complaints) = (Vec::new(), String::new());
    for server in &servers {
        let report = if server.is_public { &public } else { &live };
        let said = findings(report, server.name);
        let right = match &server.expect {
            Expect::Healthy => said.iter().all(|finding| finding.status == "pass"),
            Expect::Says(says) => {
                let is_named = |finding: &Said| {
                    (&*finding.id, finding.status, &*finding.code) == (says.id, says.status, says.code)
                        && finding.message.contains(says.words)
                        && finding.subject.contains(says.subject)
                };
                said.iter().any(is_named) && said.iter().all(|finding| is_alarm_for(server, finding))
            }
        };
        if !right {
            wrong.push(server.name);
            for finding in &said {
                writeln!(
                    complaints,
                    "{}: {} {} {}: {}",
                    server.name, finding.id, finding.status, finding.code, finding.message
                )
                .unwrap();
            }
        }
        let shown: BTreeSet<String> = said
            .iter()
            .filter(|finding| finding.status != "pass")
            .map(|finding| match finding.status {
                "unknown" => "no handshake of ours".to_owned(),
                status => format!("{status} {} {}", finding.id, finding.code),
            })
            .collect();
        let shown: Vec<String> = shown.into_iter().collect();
        let mark = if right { "ok " } else { "NOT" };
        let shown = if shown.is_empty() {
            "-".to_owned()
        } else {
            shown.join(", ")
        };
        writeln!(table, "{mark} {:24} {shown}", server.name).unwrap();
    }
    let mean = took / u32::try_from(servers.len()).unwrap();
    let connections = &live.cost;
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    println!(
        "{table}{} servers, {mean:?} each (the time of one run that asks all at once, divided by the servers; \
         built as {profile}); {connections:?}",
        servers.len()
    );
    assert_eq!(wrong, [] as [&str; 0], "\n{complaints}");
}

/// Faults that show in more than one place: a key that our own handshake cannot use, a suite that two probes
/// see.
const ALSO: [(&str, &str); 6] = [
    ("anon-cipher", "weak_suite"),
    ("cbc-only", "cbc_suite"),
    ("no-fs", "no_forward_secrecy"),
    ("null-cipher", "weak_suite"),
    ("p224", "weak_curve"),
    ("tls10-11", "cbc_suites"),
];

/// Whether a finding is a note, the fault that was made, or what follows from it.
fn is_alarm_for(server: &Server, finding: &Said) -> bool {
    let Expect::Says(says) = &server.expect else {
        return false;
    };
    let no_handshake = finding.status == "unknown" && NO_HANDSHAKE.contains(&server.name);
    finding.status == "pass"
        || finding.code == says.code
        || ALSO.contains(&(server.name, &*finding.code))
        || no_handshake
}

/// Servers with which no library of today speaks: what they are is seen by the hellos alone.
const NO_HANDSHAKE: [&str; 5] = ["anon-cipher", "cbc-only", "no-fs", "null-cipher", "p224"];

struct Said {
    id: String,
    status: &'static str,
    code: String,
    subject: String,
    message: String,
}

fn findings(report: &Report, label: &str) -> Vec<Said> {
    let rows = report.rows().filter(|(_, row)| row.target == label);
    rows.flat_map(|(result, row)| {
        let unknown = matches!(row.outcome.status, Status::Unknown { .. }).then(|| Said {
            id: result.id.clone(),
            status: "unknown",
            code: String::new(),
            subject: String::new(),
            message: row.outcome.summary.clone(),
        });
        let findings = row.outcome.findings.iter().map(|finding| Said {
            id: result.id.clone(),
            status: finding.status.word(),
            code: finding.code.to_string(),
            subject: finding.subject.clone(),
            message: format!("{} {}", finding.subject, finding.message),
        });
        findings.chain(unknown).collect::<Vec<_>>()
    })
    .collect()
}

/// The same recording, with a root for these ports that is in Mozilla's list.
fn under_a_public_root(recording: &Recording, ports: &[u16]) -> Recording {
    let mut json = serde_json::to_value(recording).unwrap();
    let mut changed = 0;
    for fact in json["facts"].as_array_mut().unwrap() {
        let address = fact["key"]["endpoint"]["address"].as_str().unwrap_or_default();
        let is_one = ports.iter().any(|port| address.ends_with(&format!(":{port}")));
        let public = fact.pointer_mut("/fact/end/established/anchor/public");
        if let Some(public) = public.filter(|_| is_one) {
            *public = Value::Bool(true);
            changed += 1;
        }
    }
    assert_eq!(changed, ports.len());
    Recording::from_json(&json.to_string()).unwrap()
}
