//! Sweeps of every port, in a network namespace of their own: on a shared machine other programs' ports
//! would come and go under the sweep. Each test runs itself again under `unshare --net`.

#[path = "support/namespace.rs"]
mod namespace;
#[path = "support/system.rs"]
mod support;

use std::{
    env,
    fs::{self, File},
    io::Write,
    net::{IpAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use readiness_probes::{
    Target,
    fact::{PortSet, PortSweep, SweepFacts},
    live::Live,
    testing::Looks,
};
use serde_json::json;

use self::{
    namespace::{Measured, inside, is_alone},
    support::{codes, judged},
};

fn listeners(ports: &[u16]) -> Vec<TcpListener> {
    let listen = |port: &u16| listener(&format!("127.0.0.1:{port}"));
    ports.iter().map(listen).collect()
}

fn listener(at: &str) -> TcpListener {
    TcpListener::bind(at).unwrap_or_else(|e| panic!("{at}: {e}"))
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
fn few_descriptors_are_enough_also_where_others_take_them() {
    let prepare = format!("{DROP} ulimit -n 128 && ");
    inside(
        "few_descriptors_are_enough_also_where_others_take_them",
        &prepare,
        || {
            let _listeners = listeners(&[443]);
            // The sweep has counted what is free when these are taken: from then on it meets EMFILE.
            let taker = thread::spawn(|| {
                thread::sleep(Duration::from_millis(300));
                let mut taken = Vec::new();
                while let Ok(file) = File::open("/dev/null") {
                    taken.push(file);
                }
                let count = taken.len();
                thread::sleep(Duration::from_millis(300));
                count
            });
            let facts = sweep(of_loopback(set(&[443]), "1-2000".parse().unwrap()));
            let taken = taker.join().unwrap();
            println!(
                "{taken} descriptors were taken in the middle, {} attempts",
                facts.attempts
            );
            assert!(taken > 20, "{taken}");
            assert_eq!((facts.open.len(), facts.filtered.len()), (1, 1_999));
            assert!(facts.untried.is_empty() && facts.closed.is_empty());
        },
    );
}

#[test]
fn side_by_side_with_nmap_both_see_the_same() {
    const NAME: &str = "side_by_side_with_nmap_both_see_the_same";
    inside(NAME, "", || {
        let key = of_loopback(PortSet::default(), PortSet::all());
        if is_alone() {
            let open = sweep(key).open.iter().map(|open| open.port).collect::<PortSet>();
            return println!("open: {open}");
        }
        let ports = [22, 80, 443, 6379, 33_000, 45_000, 60_999];
        let listeners = listeners(&ports);
        for listener in listeners {
            // Somebody accepts, or a full queue drops what comes.
            thread::spawn(move || listener.incoming().for_each(drop));
        }
        let ours = Measured::of_itself(NAME);
        let nmap = Measured::of(&["nmap", "-sT", "-Pn", "-n", "-p-", "-oG", "-", "127.0.0.1"]);
        let told = String::from_utf8_lossy(&ours.output.stdout).into_owned();
        assert!(told.contains(&format!("open: {}", set(&ports))), "{told}");
        let told = String::from_utf8_lossy(&nmap.output.stdout).into_owned();
        let found: PortSet = told
            .split([' ', ',', '\t'])
            .filter_map(|part| {
                part.strip_suffix("/open/tcp")
                    .or_else(|| Some(part.split_once("/open/tcp")?.0))
            })
            .map(|port| port.parse::<u16>().unwrap())
            .collect();
        assert_eq!(found, set(&ports), "{told}");
        println!("65,535 ports of loopback, 7 of them open; this build against nmap:");
        for (what, ours, nmap) in [
            ("CPU s", ours.cpu_seconds, nmap.cpu_seconds),
            ("wall s", ours.wall_seconds, nmap.wall_seconds),
            ("peak MiB", ours.peak_kib / 1024.0, nmap.peak_kib / 1024.0),
        ] {
            println!("  {what:<10} {ours:>8.2} {nmap:>8.2}   ratio {:.2}", ours / nmap);
        }
        // The kernel's part is the same for both; this build is not optimised, and the machine is shared.
        assert!(ours.cpu_seconds < nmap.cpu_seconds * 5.0);
    });
}

#[test]
fn both_families_of_a_name_are_swept() {
    inside("both_families_of_a_name_are_swept", "", || {
        let _https = [listener("127.0.0.1:443"), listener("[::1]:443")];
        let outcome = exposure("localhost", json!({ "allowed": [443], "required": [443] }));
        assert!(outcome.status.is_pass(), "{outcome:?}");
        let _redis = listener("[::1]:6379");
        let outcome = exposure("localhost", json!({ "allowed": [443], "required": [443] }));
        assert!(outcome.status.is_fail());
        assert_eq!(outcome.findings[0].subject, "port 6379 on ::1");
    });
}

#[test]
fn a_link_local_address_is_swept_in_its_zone() {
    inside(
        "a_link_local_address_is_swept_in_its_zone",
        "ip -6 address add fe80::7/64 dev lo nodad && ",
        || {
            let _redis = listener("[fe80::7%1]:6379");
            for host in ["[fe80::7%lo]", "[fe80::7%1]"] {
                let outcome = exposure(host, json!({ "allowed": [443] }));
                assert!(outcome.status.is_fail(), "{host}: {outcome:?}");
                assert_eq!(outcome.findings[0].subject, "port 6379");
            }
            let outcome = exposure("[fe80::7%eth7]", json!({ "allowed": [443] }));
            assert!(outcome.status.is_unknown(), "{outcome:?}");
            let outcome = exposure("[fe80::7%lo]", json!({ "allowed": [443], "mode": "inside" }));
            assert!(outcome.status.is_fail(), "{outcome:?}");
        },
    );
}

#[test]
fn what_this_machine_forbids_itself_is_no_answer() {
    inside(
        "what_this_machine_forbids_itself_is_no_answer",
        "ip route add prohibit 192.0.2.0/24 && ip route add unreachable 198.51.100.0/24 && ",
        || {
            let of = |address: &str| {
                let address: IpAddr = address.parse().unwrap();
                sweep(PortSweep::new(address, set(&[443]), "1-100".parse().unwrap()))
            };
            assert_eq!(of("192.0.2.1").own_firewall.len(), 101);
            assert_eq!(of("198.51.100.1").unreachable.len(), 101);
            // No route at all.
            assert_eq!(of("203.0.113.1").without_route.len(), 101);
            for host in ["192.0.2.1", "198.51.100.1", "203.0.113.1"] {
                let outcome = exposure(host, json!({ "allowed": [443] }));
                assert!(outcome.status.is_unknown(), "{host}: {outcome:?}");
            }
        },
    );
}

#[test]
fn the_socket_table_tells_who_listens_where() {
    inside("the_socket_table_tells_who_listens_where", "", || {
        let inside = json!({ "allowed": [443], "required": [443], "mode": "inside" });
        let outcome = exposure("127.0.0.1", inside.clone());
        assert_eq!(codes(&outcome), ["required_not_listening"]);
        let _https = listener("0.0.0.0:443");
        // On loopback alone: nobody else reaches it.
        let _quiet = [listener("127.0.0.1:5432"), listener("[::1]:5432")];
        let outcome = exposure("127.0.0.1", inside.clone());
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert_eq!(outcome.summary, "listening beyond loopback: 443");
        // On every address, in one family and in both.
        let _redis = listener("0.0.0.0:6379");
        let _docker = listener("[::]:2375");
        let outcome = exposure("127.0.0.1", inside);
        assert_eq!(codes(&outcome), ["unexpected_listening", "unexpected_listening"]);
        assert_eq!(
            outcome.summary,
            "listening beyond loopback, not allowed: 2375,6379"
        );
        // Another machine's table is not to be had.
        let outcome = exposure("192.0.2.1", json!({ "allowed": [443], "mode": "inside" }));
        assert!(
            !outcome.status.is_pass() && !outcome.status.is_fail(),
            "{outcome:?}"
        );
    });
}

/// Drops what goes to Redis, and sends port 80 on to 8080.
const DIFFERENT: &str = "nft add table ip t && \
    nft 'add chain ip t i { type filter hook input priority 0; }' && \
    nft add rule ip t i tcp dport 6379 drop && \
    nft 'add chain ip t o { type nat hook output priority -100; }' && \
    nft add rule ip t o tcp dport 80 redirect to :8080 && ";

#[test]
fn the_two_views_are_held_against_each_other() {
    inside("the_two_views_are_held_against_each_other", DIFFERENT, || {
        let _listeners = [
            listener("0.0.0.0:443"),
            listener("0.0.0.0:6379"),
            listener("127.0.0.1:8080"),
        ];
        let both = json!({ "allowed": "80,443", "required": [443], "mode": "both" });
        let outcome = exposure("127.0.0.1", both);
        let found: Vec<String> = outcome
            .findings
            .iter()
            .map(|finding| format!("{} {} {}", finding.status.word(), finding.subject, finding.code))
            .collect();
        assert_eq!(
            found,
            ["pass port 80 open_not_ours", "warn port 6379 listening_filtered"],
            "{outcome:?}"
        );
        // From outside alone all seems well.
        let outcome = exposure("127.0.0.1", json!({ "allowed": "80,443", "required": [443] }));
        assert!(outcome.status.is_pass(), "{outcome:?}");
    });
}

#[test]
fn a_rate_is_kept_to() {
    inside("a_rate_is_kept_to", "", || {
        let _https = listeners(&[443]);
        let mut key = of_loopback(set(&[443]), "1-400".parse().unwrap());
        key.max_per_second = Some(400);
        let facts = sweep(key);
        assert_eq!((facts.open.len(), facts.closed.len()), (1, 400));
        // Never sooner, however slow the machine is; later is no fault.
        assert!(facts.duration_us >= 950_000, "{} us", facts.duration_us);
    });
}

#[test]
fn a_host_that_drops_everything_is_not_judged() {
    let prepare = DROP.replace("tcp dport '!=' 443 ", "");
    inside("a_host_that_drops_everything_is_not_judged", &prepare, || {
        let outcome = exposure("127.0.0.1", json!({ "allowed": [443], "required": [443] }));
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
        let outcome = exposure(
            "127.0.0.1",
            json!({ "allowed": [443], "required": [443], "scope": "all" }),
        );
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
        let outcome = exposure("127.0.0.1", json!({ "allowed": "443,50505", "scope": "all" }));
        assert!(outcome.status.is_pass());
        assert_eq!(outcome.summary, "only these are open: 443,50505");
    });
}

fn exposure(host: &str, settings: serde_json::Value) -> readiness_probes::Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let target = Target::parse(&format!("https://{host}")).unwrap();
    let sources = Live::new().sources().unwrap();
    runtime.block_on(judged(sources, "net.port_exposure", settings, &target, ""))
}
