//! `dns.records` against a real unbound: zones of its own, and names it asks another nameserver for.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hickory_resolver::proto::{
    op::{Query, ResponseCode},
    rr::RecordType,
};
use readiness_core::{Report, Status};
use tokio::runtime::Runtime;

use self::support::{
    check::{check, codes, status},
    folder::Folder,
    nameserver::{Nameserver, alias, answer, asks_for, record},
    wellformed::assert_well_formed,
};

/// What unbound is told: names of its own under `example.test`, `chain.test` asked elsewhere, and a zone whose
/// nameserver nobody is.
const CONFIG: &str = r#"
server:
    interface: 127.0.0.1@@port@
    do-daemonize: no
    use-syslog: no
    logfile: ""
    verbosity: 1
    chroot: ""
    username: ""
    pidfile: ""
    directory: "@folder@"
    do-ip6: no
    num-threads: 1
    module-config: "iterator"
    do-not-query-localhost: no
    root-hints: ""
    local-zone: "test." nodefault
    local-zone: "example.test." static
    local-data: "both.example.test. 300 IN A 127.0.0.1"
    local-data: "both.example.test. 300 IN A 127.0.0.2"
    local-data: "both.example.test. 300 IN AAAA ::1"
    local-data: "text.example.test. 300 IN TXT 'no address'"
    local-zone: "closed.test." refuse
remote-control:
    control-enable: no
forward-zone:
    name: "chain.test."
    forward-addr: 127.0.0.1@@upstream@
forward-zone:
    name: "dead.test."
    forward-addr: 127.0.0.1@@dead@
"#;

struct Unbound {
    folder: Folder,
    port: u16,
    child: Child,
}

impl Unbound {
    fn start(upstream: u16, dead: u16) -> Self {
        let folder = Folder::new();
        let port = free_port();
        let config = CONFIG
            .replace("@port@", &port.to_string())
            .replace("@folder@", folder.path().to_str().unwrap())
            .replace("@upstream@", &upstream.to_string())
            .replace("@dead@", &dead.to_string());
        let config = folder.write("unbound.conf", &config);
        let log = File::create(folder.join("log")).unwrap();
        let child = Command::new("unbound")
            .args(["-d", "-p", "-c", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("unbound is installed");
        let mut unbound = Self { folder, port, child };
        let begun = Instant::now();
        while !unbound.folder.read("log").contains("start of service") {
            let ended = unbound.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "unbound does not start: {}",
                unbound.folder.read("log")
            );
            thread::sleep(Duration::from_millis(20));
        }
        unbound
    }

    /// What `dns.records` says of a name.
    fn records(&self, name: &str, settings: &str) -> Report {
        let config = format!(
            "[look]\nnameservers = [\"127.0.0.1:{}\"]\n\n[targets.name]\nurl = \"https://{name}\"\n\n\
             [[require]]\nprobe = \"dns.records\"\nwith = {{ {settings} }}\n",
            self.port
        );
        let config = self.folder.write("readiness.toml", &config);
        let run = check(&["--config", &config, "-f", "json"]);
        assert_eq!(run.stderr, "");
        let report = run.report();
        assert_well_formed(&report);
        report
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that is free for UDP and TCP.
fn free_port() -> u16 {
    loop {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = udp.local_addr().unwrap().port();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

struct World {
    unbound: Unbound,
    upstream: Nameserver,
    _runtime: Runtime,
    /// Keeps the port from everybody else; what arrives is never read.
    _silent: UdpSocket,
}

fn world() -> World {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let upstream = runtime.block_on(Nameserver::start(|query, _| {
        let is_broken = |question: &Query| question.name().to_ascii().starts_with("broken");
        if query.queries.iter().any(is_broken) {
            return vec![
                answer(query, ResponseCode::ServFail, Vec::new())
                    .to_vec()
                    .unwrap(),
            ];
        }
        let records = if asks_for(query, RecordType::A) {
            vec![
                alias("www.chain.test", "edge.chain.test"),
                record("edge.chain.test", "127.0.0.7".parse().unwrap()),
            ]
        } else {
            vec![alias("www.chain.test", "edge.chain.test")]
        };
        vec![answer(query, ResponseCode::NoError, records).to_vec().unwrap()]
    }));
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let unbound = Unbound::start(upstream.address.port(), silent.local_addr().unwrap().port());
    World {
        unbound,
        upstream,
        _runtime: runtime,
        _silent: silent,
    }
}

fn summary(report: &Report) -> &str {
    &report.requirement("dns.records").unwrap().targets[0]
        .outcome
        .summary
}

#[test]
fn the_answers_of_a_real_resolver_are_kept_apart() {
    let world = world();
    let unbound = &world.unbound;

    let both = unbound.records("both.example.test", "");
    assert_eq!(status(&both, "dns.records"), "pass", "{both}");
    for address in ["127.0.0.1", "127.0.0.2", "::1"] {
        assert!(summary(&both).contains(address), "{both}");
    }

    let nxdomain = unbound.records("none.example.test", "");
    assert_eq!(status(&nxdomain, "dns.records"), "fail", "{nxdomain}");
    assert_eq!(codes(&nxdomain, "dns.records"), ["nxdomain"]);

    let nodata = unbound.records("text.example.test", "");
    assert_eq!(status(&nodata, "dns.records"), "fail", "{nodata}");
    assert_eq!(codes(&nodata, "dns.records"), ["no_address"]);
    assert_ne!(summary(&nodata), summary(&nxdomain));

    let failed = unbound.records("broken.chain.test", "");
    assert_eq!(reason(&failed), "dns.servfail", "{failed}");

    let refused = unbound.records("www.closed.test", "");
    assert_eq!(reason(&refused), "dns.refused", "{refused}");
}

fn reason(report: &Report) -> String {
    match &report.requirement("dns.records").unwrap().targets[0]
        .outcome
        .status
    {
        Status::Unknown { reason, .. } => reason.to_string(),
        _ => String::new(),
    }
}

#[test]
fn sets_are_compared_with_what_a_real_resolver_says() {
    let world = world();
    let records = |settings: &str| world.unbound.records("both.example.test", settings);
    let exact = records(r#"addresses = ["127.0.0.2", "127.0.0.1", "::1"]"#);
    assert_eq!(status(&exact, "dns.records"), "pass", "{exact}");
    let short = records(r#"addresses = ["127.0.0.2", "::1"]"#);
    assert_eq!(status(&short, "dns.records"), "fail", "{short}");
}

#[test]
fn an_alias_is_shown_and_each_family_asked_for_once() {
    let world = world();
    let chain = world.unbound.records("www.chain.test", "");
    assert_eq!(status(&chain, "dns.records"), "pass", "{chain}");
    assert!(summary(&chain).contains("127.0.0.7"), "{chain}");
    let json = readiness_report::to_json(&chain);
    assert!(json.contains("edge.chain.test"), "{json}");
    assert_eq!(chain.cost.get("dns_queries"), Some(&2));
    assert!(world.upstream.asked().0 >= 2);
}

#[test]
fn a_zone_whose_nameserver_is_silent_is_unknown() {
    let world = world();
    let dead = world.unbound.records("www.dead.test", "");
    assert_eq!(
        (status(&dead, "dns.records"), reason(&dead)),
        ("unknown", "dns.silent".to_owned()),
        "{dead}"
    );
}
