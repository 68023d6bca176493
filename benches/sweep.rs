//! Every port of loopback, all closed, in a network namespace of its own: on a shared machine the ports of
//! other programs would come and go. The bench runs itself again under `unshare`.

mod support;

use std::{
    env,
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
const PORTS: usize = 65_535;

fn main() -> ExitCode {
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
        nmap();
    }
    assert_eq!((false_opens, unsettled), (0, 0));
}

struct Swept {
    facts: Arc<SweepFacts>,
    computed: Duration,
    took: Duration,
}

fn sweep(sources: &Sources, ports: PortSet) -> Swept {
    let (begun, computed) = (Instant::now(), computing());
    let address = "127.0.0.1".parse().unwrap();
    let key = PortSweep::new(address, PortSet::default(), ports);
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

/// The same by nmap, if it is there, measured by GNU time.
fn nmap() {
    let output = Command::new("/usr/bin/time")
        .args([
            "-f",
            "%U %S %e %M",
            "nmap",
            "-sT",
            "-Pn",
            "-n",
            "-p-",
            "127.0.0.1",
        ])
        .output();
    let Ok(output) = output else {
        return println!("  nmap: not run, as there is no /usr/bin/time");
    };
    let text = String::from_utf8_lossy(&output.stderr);
    let figures: Vec<f64> = text
        .lines()
        .last()
        .into_iter()
        .flat_map(str::split_whitespace)
        .filter_map(|figure| figure.parse().ok())
        .collect();
    match figures[..] {
        [user, system, wall, peak_kib] if output.status.success() => {
            shown("nmap -sT -Pn -n -p-", format!("{:.2} CPU s", user + system));
            shown("  the same on the wall", format!("{wall:.2} s"));
            shown("  its peak of memory, in all", format!("{peak_kib} KiB"));
        }
        _ => println!("  nmap: not run, as it is not installed"),
    }
}
