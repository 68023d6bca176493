//! A test target made of a configuration: what it lists, what it looks at, and how often.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use self::support::{check::Run, folder::Folder};

/// A port that accepts and keeps who came.
struct Counted {
    address: SocketAddr,
    came: Arc<Mutex<Vec<SocketAddr>>>,
}

impl Counted {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&came);
        thread::spawn(move || {
            while let Ok((_, peer)) = listener.accept() {
                kept.lock().unwrap().push(peer);
            }
        });
        Self { address, came }
    }

    /// How often somebody came since it was asked last. Who knocks now is let in after all others.
    fn count(&self) -> usize {
        let knock = TcpStream::connect(self.address).unwrap();
        let last = knock.local_addr().unwrap();
        loop {
            let mut came = self.came.lock().unwrap();
            if came.contains(&last) {
                return std::mem::take(&mut *came).len() - 1;
            }
            drop(came);
            thread::yield_now();
        }
    }
}

fn harness(config: &str, words: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    command.env("READINESS_CONFIG", config).args(words);
    Run::of(command.output().unwrap())
}

#[test]
fn each_requirement_is_a_case_and_all_share_one_run() {
    let (one, two) = (Counted::new(), Counted::new());
    let folder = Folder::new();
    let config = folder.write(
        "readiness.toml",
        &format!(
            "[targets]\none.url = \"tcp://{}\"\ntwo.url = \"tcp://{}\"\n\n\
             [[require]]\nprobe = \"net.tcp\"\n\n\
             [[require]]\nprobe = \"net.tcp\"\nid = \"net.again\"\n",
            one.address, two.address
        ),
    );
    let counts = || (one.count(), two.count());

    let listed = harness(&config, &["--list"]);
    assert_eq!(listed.code, Some(0), "{}", listed.stderr);
    let names: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test"))
        .collect();
    let expected = [
        "net.tcp [one]",
        "net.tcp [two]",
        "net.again [one]",
        "net.again [two]",
        "verdict",
    ];
    assert_eq!(names, expected);
    assert_eq!(counts(), (0, 0), "listing looks at nothing");

    let all = harness(&config, &[]);
    assert_eq!(all.code, Some(0), "{}", all.stdout);
    assert!(all.stdout.contains("5 passed"), "{}", all.stdout);
    assert_eq!(counts(), (1, 1), "each thing is looked at once");

    // As cargo-nextest runs it: each case in a process of its own.
    let single = harness(&config, &["--exact", "net.tcp [two]", "--nocapture"]);
    assert_eq!(single.code, Some(0), "{}", single.stdout);
    assert!(single.stdout.contains("1 passed"), "{}", single.stdout);
    assert_eq!(counts(), (0, 1), "only what the case needs");

    assert_eq!(harness(&config, &["--exact", "verdict"]).code, Some(0));
    assert_eq!(counts(), (1, 1), "the verdict needs everything");
}

#[test]
fn a_case_that_fails_says_why() {
    let open = Counted::new();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = Folder::new();
    let config = folder.write(
        "readiness.toml",
        &format!(
            "[targets]\nopen.url = \"tcp://{}\"\nclosed.url = \"tcp://{closed}\"\n\n\
             [[require]]\nprobe = \"net.tcp\"\n",
            open.address
        ),
    );
    let run = harness(&config, &[]);
    assert_eq!(run.code, Some(101), "{}", run.stdout);
    for part in [
        "test net.tcp [open]   ... ok",
        "test net.tcp [closed] ... FAILED",
        "test verdict          ... FAILED",
        "connection refused",
    ] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_a_case_that_fails() {
    let folder = Folder::new();
    let config = folder.write("readiness.toml", "[targets.api]\nurl = \"https://exa mple\"\n");
    let run = harness(&config, &[]);
    assert_eq!(run.code, Some(101), "{}", run.stdout);
    assert!(run.stdout.contains("readiness.toml:2:7"), "{}", run.stdout);
}
