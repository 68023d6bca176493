//! Every port of loopback, all closed, and all dropped but one, in a network namespace of its own: on a
//! shared machine the ports of other programs would come and go. The bench runs itself again under `unshare`.

mod support;

use std::{
    env,
    net::TcpListener,
    process::{Command, ExitCode, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use readiness_core::{
    Sources,
    fact::{PortSet, PortSweep, SweepFacts},
    testing::Looks,
};
use readiness_probes::live::Live;

use self::support::{
    computing, forget_peak, heading, held, is_test, middle, peak_kib, resident_kib, runtime, shown,
};

const INSIDE: &str = "READINESS_INSIDE_NAMESPACE";
const ALONE: &str = "READINESS_ALONE";
const PORTS: usize = 65_535;

fn main() -> ExitCode {
    if env::var_os(ALONE).is_some() {
        let facts = sweep(&Live::new().sources().unwrap(), PortSet::all()).facts;
        assert_eq!(facts.closed.len(), PORTS);
        return ExitCode::SUCCESS;
    }
    if env::var_os(INSIDE).is_some() {
        inside();
        return ExitCode::SUCCESS;
    }
    heading("sweep");
    let Some(flags) = ["-n", "-rn"].into_iter().find(|flags| can_unshare(flags)) else {
        println!("  not run: neither `unshare -n` nor `unshare -rn` gives a namespace whose lo goes up");
        return ExitCode::SUCCESS;
    };
    let program = env::current_exe().unwrap();
    let status = Command::new("unshare")
        .args([flags, "sh", "-c", "ip link set lo up && exec \"$0\" \"$@\""])
        .arg(program)
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .status()
        .unwrap();
    if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn can_unshare(flags: &str) -> bool {
    let mut command = Command::new("unshare");
    command.args([flags, "ip", "link", "set", "lo", "up"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn inside() {
    let sweeps = match env::var("READINESS_SWEEPS") {
        Ok(text) => text.parse().expect("READINESS_SWEEPS must be a number"),
        Err(_) if is_test() => 1,
        Err(_) => 5_usize,
    };
    assert!(sweeps > 0, "READINESS_SWEEPS must be 1 or more");
    // What the first sweep of a process makes once is no growth.
    let sources = Live::new().sources().unwrap();
    let few = sweep(&sources, "1-64".parse().unwrap());
    assert_eq!(few.facts.closed.len(), 64);
    let before = resident_kib();
    forget_peak();
    let (mut times, mut walls) = (Vec::new(), Vec::new());
    let (mut false_opens, mut unsettled, mut self_connects) = (0, 0, 0);
    for _ in 0..sweeps {
        let Swept {
            facts,
            computed,
            took,
        } = sweep(&sources, PortSet::all());
        times.push(computed);
        walls.push(took);
        false_opens += facts.open.len();
        unsettled += PORTS - facts.open.len() - facts.closed.len();
        self_connects += facts.self_connects;
    }
    let growth = peak_kib().saturating_sub(before);
    let computed = middle(times);
    let what = format!("{PORTS} closed ports, median of {sweeps} sweeps");
    held(
        &what,
        format!("{:.2} CPU s", computed.as_secs_f64()),
        "<= 1.3 CPU s",
        computed <= Duration::from_millis(1300),
    );
    shown(
        "  the same on the wall",
        format!("{:.2} s", middle(walls).as_secs_f64()),
    );
    held(
        "peak of memory, beyond what was held before",
        format!("{growth} KiB"),
        "<= 10240 KiB",
        growth <= 10_240,
    );
    held(
        &format!("false opens in {sweeps} sweeps"),
        false_opens,
        "0",
        false_opens == 0,
    );
    shown("ports that were neither open nor closed", unsettled);
    shown("connections that met themselves", self_connects);
    if !is_test() {
        side_by_side();
    }
    dropped(&sources);
    assert_eq!((false_opens, unsettled), (0, 0));
}

struct Swept {
    facts: Arc<SweepFacts>,
    computed: Duration,
    took: Duration,
}

fn sweep(sources: &Sources, ports: PortSet) -> Swept {
    let address = "127.0.0.1".parse().unwrap();
    sweep_of(sources, PortSweep::new(address, PortSet::default(), ports))
}

fn sweep_of(sources: &Sources, key: PortSweep) -> Swept {
    let (begun, computed) = (Instant::now(), computing());
    let facts = runtime().block_on(async {
        let looks = Looks::new(sources.clone());
        looks.observe(key).await.unwrap()
    });
    Swept {
        facts,
        computed: computing() - computed,
        took: begun.elapsed(),
    }
}

/// All ports but one dropped by the namespace's own firewall: what counts is how long silence is waited for.
fn dropped(sources: &Sources) {
    let rules = "add table inet t; \
        add chain inet t i { type filter hook input priority 0; }; \
        add rule inet t i tcp dport != 443 tcp flags & (syn|ack) == syn drop";
    let nft = Command::new("nft").arg(rules).status();
    if !nft.is_ok_and(|status| status.success()) {
        return println!("  dropped ports: not run, as `nft` is not there or may not do it");
    }
    let _listener = TcpListener::bind("127.0.0.1:443").unwrap();
    let key = || {
        let rest = if is_test() {
            "1-2000".parse().unwrap()
        } else {
            PortSet::all()
        };
        let address = "127.0.0.1".parse().unwrap();
        PortSweep::new(address, "443".parse().unwrap(), rest)
    };
    let in_flight = key().in_flight;
    let Swept {
        facts,
        computed,
        took,
    } = sweep_of(sources, key());
    let dropped = key().rest.len() - 1;
    held(
        &format!("{dropped} dropped ports, {in_flight} in flight, on the wall"),
        format!("{:.2} s", took.as_secs_f64()),
        "<= 6 s",
        took <= Duration::from_secs(6),
    );
    shown(
        "  the same in computing",
        format!("{:.2} CPU s", computed.as_secs_f64()),
    );
    shown("  attempts, two for each", facts.attempts);
    assert_eq!((facts.open.len(), facts.filtered.len()), (1, dropped));
}

/// A process of its own that sweeps, and nmap that does the same, both measured by GNU time.
fn side_by_side() {
    let this = env::current_exe().unwrap();
    let this = this.to_string_lossy();
    let alone = format!("{ALONE}=1");
    let Some(ours) = timed(&["env", &alone, &this, "--bench"]) else {
        return println!("  side by side: not run, as there is no /usr/bin/time");
    };
    let Some(nmap) = timed(&["nmap", "-sT", "-Pn", "-n", "-p-", "127.0.0.1"]) else {
        return println!("  side by side: not run, as nmap is not installed");
    };
    println!("  a process that sweeps once, and nmap -sT -Pn -n -p-, in this order:");
    for (what, at, unit, scale) in [
        ("CPU", 0, "s", 1.0),
        ("wall", 1, "s", 1.0),
        ("peak of memory, in all", 2, "MiB", 1024.0),
    ] {
        let (ours, nmap) = (ours[at] / scale, nmap[at] / scale);
        shown(
            &format!("  {what}"),
            format!("{ours:.2} {unit} : {nmap:.2} {unit}, ratio {:.2}", ours / nmap),
        );
    }
}

/// CPU seconds, wall seconds and peak KiB of a program that ends well.
fn timed(arguments: &[&str]) -> Option<[f64; 3]> {
    let output = Command::new("/usr/bin/time")
        .args(["-f", "%U %S %e %M"])
        .args(arguments)
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let figures: Vec<f64> = text
        .lines()
        .last()?
        .split_whitespace()
        .filter_map(|figure| figure.parse().ok())
        .collect();
    match figures[..] {
        [user, system, wall, peak] if output.status.success() => Some([user + system, wall, peak]),
        _ => None,
    }
}
