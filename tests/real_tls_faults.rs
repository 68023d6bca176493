//! One nginx that shows 45 servers: most with one fault each, some with none. Every fault is named with its
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

use rcgen::{DnType, ExtendedKeyUsagePurpose, IsCa, SanType};
use readiness_core::{Report, Requirement, Status, observe::Recording};
use readiness_probes::{Runner, Suite, Target, builtin, live::Live};
use serde_json::Value;

use self::support::{
    faults::{HOST, Pki, Shown, must_staple, unknown_critical},
    folder::Folder,
    pki::DAY,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What is asked of each server.
const PROBES: [&str; 5] = [
    "tls.certificate",
    "tls.certificate_rules",
    "tls.cipher_suites",
    "tls.protocol",
    "tls.versions",
];

/// What must be said of a server: at most notes, or a finding with this status, code and words.
enum Expect {
    Healthy,
    Says(&'static str, &'static str, &'static str, &'static str),
}
use Expect::{Healthy, Says};

struct Server {
    name: &'static str,
    expect: Expect,
    shown: Shown,
    is_public: bool,
}

fn servers(pki: &Pki) -> Vec<Server> {
    let san = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let common_name = |params: &mut rcgen::CertificateParams, name: &str| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
    };
    let days = |n: u64| n * 86_400;
    let rsa = |bits: &'static str| -> Vec<&'static str> { vec!["-algorithm", "RSA", "-pkeyopt", bits] };
    let mut all = Vec::new();
    let mut add = |name, expect, shown| {
        all.push(Server {
            name,
            expect,
            shown,
            is_public: false,
        });
    };
    add("fresh-6day", Healthy, pki.with_lifetime(6 * DAY, 5 * DAY));
    add("fresh-47day", Healthy, pki.with_lifetime(47 * DAY, 40 * DAY));
    add("healthy-p256", Healthy, pki.leaf(|_| {}));
    add(
        "healthy-rsa",
        Healthy,
        pki.by_openssl("healthy-rsa", &rsa("rsa_keygen_bits:2048"), "sha256")
            .speaking(support::faults::SOUND),
    );
    add(
        "healthy-wildcard",
        Healthy,
        pki.leaf(|params| {
            params.subject_alt_names = vec![san("*.example.com"), san("example.com")];
            common_name(params, "*.example.com");
        }),
    );
    let expires = |limit| Says("tls.certificate", limit, "expires_soon", "expires in");
    add(
        "late-6day",
        expires("warn"),
        pki.with_lifetime(6 * DAY, 40 * HOUR),
    );
    add(
        "late-47day",
        expires("warn"),
        pki.with_lifetime(47 * DAY, 10 * DAY),
    );
    add(
        "late-90day",
        expires("warn"),
        pki.with_lifetime(90 * DAY, 20 * DAY),
    );
    add(
        "expires-5d",
        expires("fail"),
        pki.with_lifetime(90 * DAY, 5 * DAY),
    );
    add(
        "expired",
        Says("tls.certificate", "fail", "expired", "expired"),
        pki.leaf(|params| {
            params.not_before = (std::time::SystemTime::now() - 93 * DAY).into();
            params.not_after = (std::time::SystemTime::now() - 3 * DAY).into();
        }),
    );
    add(
        "not-yet-valid",
        Says("tls.certificate", "fail", "not_yet_valid", "valid"),
        pki.with_lifetime(90 * DAY, 92 * DAY),
    );
    add(
        "wrong-host",
        Says("tls.certificate", "fail", "wrong_host", "other.example.com"),
        pki.leaf(|params| {
            params.subject_alt_names = vec![san("other.example.com")];
            common_name(params, "other.example.com");
        }),
    );
    add(
        "cn-only",
        Says("tls.certificate", "fail", "no_san", "common name"),
        pki.leaf(|params| params.subject_alt_names.clear()),
    );
    add(
        "self-signed",
        Says("tls.certificate", "fail", "self_signed", "self-signed"),
        pki.self_signed(),
    );
    add(
        "untrusted-root",
        Says("tls.certificate", "fail", "unknown_root", "root"),
        pki.under_a_strange_root(),
    );
    add(
        "missing-intermediate",
        Says(
            "tls.certificate",
            "fail",
            "missing_intermediate",
            "Example Issuing CA",
        ),
        pki.ordered(|leaf, _, _| leaf.to_owned()),
    );
    add(
        "reversed-chain",
        Says("tls.certificate", "warn", "wrong_order", "too early"),
        pki.ordered(|leaf, intermediate, root| format!("{leaf}{root}{intermediate}")),
    );
    add(
        "root-in-chain",
        Says("tls.certificate", "pass", "root_sent", "root"),
        pki.ordered(|leaf, intermediate, root| format!("{leaf}{intermediate}{root}")),
    );
    add(
        "duplicate-leaf",
        Says("tls.certificate", "warn", "duplicate", "again"),
        pki.ordered(|leaf, intermediate, _| format!("{leaf}{leaf}{intermediate}")),
    );
    add(
        "inter-expires-5d",
        Says("tls.certificate", "fail", "expires_soon", "expires in"),
        pki.under_intermediate_with(5 * DAY, false),
    );
    add(
        "inter-expired",
        Says("tls.certificate", "fail", "expired", "expired"),
        pki.under_intermediate_with(3 * DAY, true),
    );
    add(
        "inter-sha1",
        Says("tls.certificate", "fail", "weak_signature", "SHA-1"),
        pki.under_openssl_intermediate("inter-sha1", "sha1"),
    );
    add(
        "leaf-sha1",
        Says("tls.certificate", "fail", "weak_signature", "SHA-1"),
        pki.by_openssl("leaf-sha1", &rsa("rsa_keygen_bits:2048"), "sha1"),
    );
    add(
        "rsa1024",
        Says("tls.certificate", "fail", "short_key", "1024"),
        pki.by_openssl("rsa1024", &rsa("rsa_keygen_bits:1024"), "sha256"),
    );
    add(
        "rsa2047",
        Says("tls.certificate", "fail", "short_key", "2047"),
        pki.by_openssl("rsa2047", &rsa("rsa_keygen_bits:2047"), "sha256"),
    );
    add(
        "p224",
        Says("tls.versions", "fail", "weak_curve", "P-224"),
        pki.by_openssl(
            "p224",
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"],
            "sha256",
        ),
    );
    add(
        "eku-client-only",
        Says("tls.certificate", "fail", "wrong_purpose", "serverAuth"),
        pki.leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
    );
    add(
        "eku-none",
        Says("tls.certificate_rules", "warn", "no_purpose", "serverAuth"),
        pki.leaf(|params| params.extended_key_usages.clear()),
    );
    add(
        "eku-any",
        Says("tls.certificate", "fail", "wrong_purpose", "any"),
        pki.leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
    );
    add(
        "leaf-is-ca",
        Says("tls.certificate", "fail", "leaf_is_authority", "authority"),
        pki.leaf(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
    );
    add(
        "must-staple-no-staple",
        Says("tls.certificate", "warn", "must_staple", "staple"),
        pki.leaf(|params| params.custom_extensions.push(must_staple())),
    );
    add(
        "unknown-critical-ext",
        Says(
            "tls.certificate",
            "fail",
            "unknown_critical_extension",
            "1.3.6.1.4.1.99999.1",
        ),
        pki.leaf(|params| params.custom_extensions.push(unknown_critical())),
    );
    add(
        "underscore",
        Says(
            "tls.certificate_rules",
            "warn",
            "underscore",
            "my_shop.example.com",
        ),
        pki.leaf(|params| params.subject_alt_names.push(san("my_shop.example.com"))),
    );
    add(
        "tls10-11",
        Says("tls.versions", "fail", "old_version", "TLS 1.0"),
        pki.leaf(|_| {})
            .speaking(
                "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0;",
            ),
    );
    add(
        "tls12-only",
        Says("tls.versions", "pass", "only_tls_1_2", "TLS 1.3"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"),
    );
    add(
        "cbc-only",
        Says("tls.cipher_suites", "warn", "cbc_suites", "CBC"),
        pki.leaf(|_| {}).speaking(
            "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384;",
        ),
    );
    add(
        "no-fs",
        Says(
            "tls.cipher_suites",
            "warn",
            "no_forward_secrecy",
            "forward secrecy",
        ),
        pki.by_openssl("no-fs", &rsa("rsa_keygen_bits:2048"), "sha256")
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers AES128-GCM-SHA256:AES256-GCM-SHA384;"),
    );
    add(
        "null-cipher",
        Says("tls.cipher_suites", "fail", "null_suites", "NULL"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0;"),
    );
    add(
        "anon-cipher",
        Says("tls.cipher_suites", "fail", "anonymous_suites", "anon"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers AECDH-AES128-SHA:@SECLEVEL=0;"),
    );
    // For public authorities alone. Their years have 365 days, and both ends of a time count.
    let mut public = |name, expect, shown| {
        all.push(Server {
            name,
            expect,
            shown,
            is_public: true,
        });
    };
    let too_long = |limit, words| Says("tls.certificate_rules", limit, "lifetime_too_long", words);
    public("life-200-exact", Healthy, pki.public(days(200), 20 * DAY, |_| {}));
    public(
        "life-201",
        too_long("warn", "1 second more than the 200 days"),
        pki.public(days(200) + 1, 20 * DAY, |_| {}),
    );
    public(
        "life-398",
        too_long("warn", "198 days more than the 200 days"),
        pki.public(days(398), 20 * DAY, |_| {}),
    );
    public(
        "life-10y",
        too_long("fail", "3450 days more than the 200 days"),
        pki.public(days(3650), 20 * DAY, |_| {}),
    );
    public(
        "cn-not-in-san",
        Says("tls.certificate_rules", "warn", "cn_not_in_san", "Example Shop"),
        pki.public(days(90), 10 * DAY, |params| common_name(params, "Example Shop")),
    );
    public(
        "wildcard-public-suffix",
        Says("tls.certificate_rules", "warn", "wide_wildcard", "*.co.uk"),
        pki.public(days(90), 10 * DAY, |params| {
            params.subject_alt_names.push(san("*.co.uk"));
        }),
    );
    all
}

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
    assert!(servers.len() >= 45, "{}", servers.len());
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
            Healthy => said.iter().all(|finding| finding.status == "pass"),
            Says(id, status, code, words) => {
                let is_named = |finding: &Said| {
                    (&*finding.id, finding.status, &*finding.code) == (*id, *status, *code)
                        && finding.message.contains(words)
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
    println!("{table}{} servers, {mean:?} each; {connections:?}", servers.len());
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
    let Says(_, _, code, _) = &server.expect else {
        return false;
    };
    let no_handshake = finding.status == "unknown" && NO_HANDSHAKE.contains(&server.name);
    finding.status == "pass"
        || finding.code == *code
        || ALSO.contains(&(server.name, &*finding.code))
        || no_handshake
}

/// Servers with which no library of today speaks: what they are is seen by the hellos alone.
const NO_HANDSHAKE: [&str; 5] = ["anon-cipher", "cbc-only", "no-fs", "null-cipher", "p224"];

struct Said {
    id: String,
    status: &'static str,
    code: String,
    message: String,
}

fn findings(report: &Report, label: &str) -> Vec<Said> {
    let rows = report.rows().filter(|(_, row)| row.target == label);
    rows.flat_map(|(result, row)| {
        let unknown = matches!(row.outcome.status, Status::Unknown { .. }).then(|| Said {
            id: result.id.clone(),
            status: "unknown",
            code: String::new(),
            message: row.outcome.summary.clone(),
        });
        let findings = row.outcome.findings.iter().map(|finding| Said {
            id: result.id.clone(),
            status: finding.status.word(),
            code: finding.code.to_string(),
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
