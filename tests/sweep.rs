//! Sweeps of every port, in a network namespace of their own: on a shared machine other programs' ports
//! would come and go under the sweep. Each test runs itself again under `unshare --net`.

#[path = "support/system.rs"]
mod support;

use std::{env, fs, io::Write, net::TcpListener, process::Command, sync::Arc, thread};

use readiness_probes::{
    Target,
    fact::{PortSet, PortSweep, SweepFacts},
    live::Live,
    testing::Looks,
};
use serde_json::json;

use self::support::{codes, is_root, judged, program};

const INSIDE: &str = "READINESS_INSIDE_NAMESPACE";

/// Runs the test of this name again in a namespace of its own, after this preparation.
fn inside(name: &str, prepare: &str, test: impl Fn()) {
    if env::var_os(INSIDE).is_some() {
        return test();
    }
    let mut command = Command::new(program("unshare", &[]));
    if !is_root() {
        command.arg("--map-root-user");
    }
    let script = format!("ip link set lo up && {prepare} exec \"$0\" \"$@\"");
    let status = command
        .args(["--net", "sh", "-c", &script])
        .arg(env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(
        status.success(),
        "`{name}` failed under `unshare --net` (needs `ip`, `nft`, and leave to make a namespace): {status}"
    );
}

fn listeners(ports: &[u16]) -> Vec<TcpListener> {
    let listen = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).unwrap();
    ports.iter().map(listen).collect()
}

fn set(ports: &[u16]) -> PortSet {
    ports.iter().copied().collect()
}

fn sweep(key: PortSweep) -> Arc<SweepFacts> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let looks = Looks::new(Live::new().sources().unwrap());
    runtime.block_on(looks.observe(key)).unwrap()
}

fn of_loopback(first: PortSet, rest: PortSet) -> PortSweep {
    PortSweep::new("127.0.0.1".parse().unwrap(), first, rest)
}

/// A number of `/proc/self/status`, in KiB.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The time this process has been computing, in hundredths of a second.
fn computing() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    // The name before it may hold spaces; user and system time are the 12th and 13th field after it.
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum()
}

#[test]
fn no_closed_port_is_ever_open() {
    inside("no_closed_port_is_ever_open", "", || {
        // Some within the range that local ports are taken from.
        let ports = [22, 80, 443, 6379, 33_000, 45_000, 60_999];
        let sweeps: u32 = env::var("READINESS_SWEEPS").map_or(5, |n| n.parse().unwrap());
        let (mut self_connects, began) = (0, computing());
        // What a first look loads is not the sweep's.
        sweep(of_loopback(set(&[80]), set(&[])));
        let before = memory("VmRSS");
        for _ in 0..sweeps {
            // New ones each time: nobody accepts here, and a full queue (128) drops what comes.
            let _listeners = listeners(&ports);
            let facts = sweep(of_loopback(set(&[80]), PortSet::all()));
            let open: Vec<u16> = facts.open.iter().map(|open| open.port).collect();
            assert_eq!(open, ports);
            assert_eq!(facts.closed.len(), 65_535 - ports.len());
            for open in &facts.open {
                assert_eq!(open.confirmed, (open.port != 80).then_some(true));
            }
            self_connects += facts.self_connects;
        }
        let grown = memory("VmHWM").saturating_sub(before);
        println!(
            "{sweeps} sweeps: {} ms of computing each, {self_connects} connections to themselves, {grown} KiB more",
            (computing() - began) * 10 / u64::from(sweeps)
        );
        assert!(grown <= 10 * 1024, "{grown} KiB more memory than before");
    });
}

/// Drops every request for a connection but those to port 443. (Two comparisons of ports with `!=` in one
/// rule would do it too, but some versions of nft make one comparison of both.)
const DROP: &str = "nft add table inet t && \
    nft 'add chain inet t i { type filter hook input priority 0; }' && \
    nft add rule inet t i tcp dport '!=' 443 tcp flags '&' '(syn|ack)' == syn drop && ";

#[test]
fn dropped_ports_are_filtered() {
    inside("dropped_ports_are_filtered", DROP, || {
        let _listeners = listeners(&[443, 6379]);
        let before = memory("VmRSS");
        let facts = sweep(of_loopback(set(&[443]), PortSet::all()));
        assert_eq!(facts.open.len(), 1);
        assert_eq!(facts.filtered.len(), 65_534);
        let grown = memory("VmHWM").saturating_sub(before);
        println!(
            "{} attempts in {} ms, {} ms of computing, {grown} KiB more",
            facts.attempts,
            facts.duration_us / 1000,
            computing() * 10
        );
        assert!(facts.untried.is_empty());
    });
}

#[test]
fn few_descriptors_are_enough() {
    let prepare = format!("{DROP} ulimit -n 128 && ");
    inside("few_descriptors_are_enough", &prepare, || {
        let _listeners = listeners(&[443]);
        let facts = sweep(of_loopback(set(&[443]), "1-2000".parse().unwrap()));
        assert_eq!((facts.open.len(), facts.filtered.len()), (1, 1_999));
    });
}

#[test]
fn a_host_that_drops_everything_is_not_judged() {
    let prepare = DROP.replace("tcp dport '!=' 443 ", "");
    inside("a_host_that_drops_everything_is_not_judged", &prepare, || {
        let outcome = exposure(json!({ "allowed": [443], "required": [443] }));
        assert!(outcome.status.is_unknown(), "{outcome:?}");
        assert_eq!(codes(&outcome), ["nothing_answered"]);
    });
}

#[test]
fn an_open_port_among_all_is_found_and_shown() {
    inside("an_open_port_among_all_is_found_and_shown", "", || {
        let _https = listeners(&[443]);
        let stray = TcpListener::bind("127.0.0.1:50505").unwrap();
        thread::spawn(move || {
            for stream in stray.incoming() {
                let _ = stream.unwrap().write_all(b"220 stray.example ready\r\n");
            }
        });
        let outcome = exposure(json!({ "allowed": [443], "required": [443], "scope": "all" }));
        assert!(outcome.status.is_fail(), "{outcome:?}");
        assert_eq!(outcome.summary, "open and not allowed: 50505");
        let finding = &outcome.findings[0];
        assert_eq!(
            (&*finding.subject, &*finding.code),
            ("port 50505", "unexpected_open")
        );
        assert!(
            finding
                .evidence
                .iter()
                .any(|evidence| evidence.value.contains("220 stray"))
        );
        let outcome = exposure(json!({ "allowed": "443,50505", "scope": "all" }));
        assert!(outcome.status.is_pass());
        assert_eq!(outcome.summary, "only these are open: 443,50505");
    });
}

fn exposure(settings: serde_json::Value) -> readiness_probes::Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let target = Target::parse("https://127.0.0.1").unwrap();
    let sources = Live::new().sources().unwrap();
    runtime.block_on(judged(sources, "net.port_exposure", settings, &target, ""))
}
