//! What the benches share: the time and the memory of this process, and how a figure is shown.

#![expect(dead_code, reason = "shared by several benches, none of which uses all of it")]

pub mod peer;

use std::{fmt::Display, fs, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// Whether it is only to be shown that the bench works: `cargo bench -- --test`.
pub fn is_test() -> bool {
    std::env::args().any(|argument| argument == "--test")
}

/// The full number, or the small one under `--test`.
pub fn count(full: usize, small: usize) -> usize {
    if is_test() { small } else { full }
}

/// One thread with I/O and timers.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// The time this process has been computing, in user and system mode together.
///
/// Where others compute too, it says more than the time on the wall.
pub fn computing() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// How long this computes: the median of so many rounds.
pub fn median<T>(rounds: usize, mut work: impl FnMut() -> T) -> Duration {
    let round = || {
        let begun = computing();
        let made = work();
        let took = computing() - begun;
        // What is given back for nothing must not count.
        drop(made);
        took
    };
    middle(std::iter::repeat_with(round).take(rounds).collect())
}

/// The middle of several times.
pub fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What this process holds in memory now, in KiB.
pub fn resident_kib() -> u64 {
    status("VmRSS:")
}

/// The most it has held since [`forget_peak`], in KiB.
pub fn peak_kib() -> u64 {
    status("VmHWM:")
}

/// Lets [`peak_kib`] begin anew: `5` does so, says proc(5) of `clear_refs`.
pub fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").unwrap();
}

fn status(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Names what is measured.
pub fn heading(text: &str) {
    let only = if is_test() {
        " (only to show that it works)"
    } else {
        ""
    };
    println!("\n{text}{only}");
}

/// Shows a figure and the budget it is held to. A figure of a test is no figure: it is held to nothing.
pub fn held(what: &str, figure: impl Display, budget: &str, is_within: bool) {
    let verdict = match (is_test(), is_within) {
        (true, _) => "",
        (false, true) => "within",
        (false, false) => "OVER",
    };
    println!("  {what:<52} {figure:>14}   budget {budget:<14} {verdict}");
}

/// Shows a figure that is held to nothing.
pub fn shown(what: &str, figure: impl Display) {
    println!("  {what:<52} {figure:>14}");
}

/// A time per thing, in nanoseconds.
pub fn nanos_each(time: Duration, things: usize) -> f64 {
    time.as_secs_f64() * 1e9 / things as f64
}

/// How many times as long as the other.
pub fn ratio(time: Duration, other: Duration) -> f64 {
    time.as_secs_f64() / other.as_secs_f64()
}
