//! The start-up gate of the example before a real PostgreSQL: stopped, started late, with TLS and without.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use self::support::{
    check::{check, status},
    folder::Folder,
    pki::Authority,
};

const PASSWORD: &str = "gate-3f7a91c2";

/// Long enough for any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A cluster of a database server, made and run as the user `postgres`.
struct Cluster {
    folder: Folder,
    port: u16,
    server: Option<Child>,
}

impl Cluster {
    /// Makes one whose user `app` logs in with SCRAM-SHA-256.
    fn new(ssl: bool) -> Self {
        let folder = Folder::new();
        let owned = Command::new("chown")
            .args(["postgres:postgres", folder.path().to_str().unwrap()])
            .status();
        assert!(owned.unwrap().success(), "these tests need root");
        folder.write("password", PASSWORD);
        run_as_postgres(&[
            program("initdb").to_str().unwrap(),
            "--pgdata",
            &folder.text("data"),
            "--username=app",
            "--auth=scram-sha-256",
            "--pwfile",
            &folder.text("password"),
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
        ]);
        // Nobody listens at this port by now; the server takes it when it starts.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut settings = format!(
            "port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n"
        );
        if ssl {
            let issued = Authority::new().issue("localhost");
            folder.write("data/server.crt", &issued.chain);
            folder.write("data/server.key", &issued.key);
            run(Command::new("chown").args(["postgres", &folder.text("data/server.key")]));
            run(Command::new("chmod").args(["600", &folder.text("data/server.key")]));
            settings += "ssl = on\n";
        } else {
            settings += "ssl = off\n";
        }
        let file = folder.join("data/postgresql.conf");
        let defaults = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{defaults}\n{settings}")).unwrap();
        Self {
            folder,
            port,
            server: None,
        }
    }

    fn start(&mut self) {
        let log = File::create(self.folder.join("log")).unwrap();
        let server = as_postgres(&[
            program("postgres").to_str().unwrap(),
            "-D",
            &self.folder.text("data"),
        ])
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
        self.server = Some(server);
    }

    fn url(&self, password: &str) -> String {
        format!("postgres://app:{password}@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_it_listens(&self) {
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(
                begun.elapsed() < PATIENCE,
                "no server: {}",
                self.folder.read("log")
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            // `setpriv` has become the server; SIGQUIT ends it and all its children at once.
            let _ = Command::new("kill")
                .args(["-QUIT", &server.id().to_string()])
                .status();
            let _ = server.wait();
        }
    }
}

/// The program of the newest PostgreSQL; Debian puts them into no folder of the path.
fn program(name: &str) -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("postgresql is installed");
    let mut programs: Vec<PathBuf> = versions
        .map(|entry| entry.unwrap().path().join("bin").join(name))
        .collect();
    programs.sort();
    programs.retain(|path| path.exists());
    programs.pop().expect("postgresql is installed")
}

fn as_postgres(arguments: &[&str]) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args([
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            "--reset-env",
            "--",
        ])
        .args(arguments)
        .current_dir("/")
        .stdin(Stdio::null());
    command
}

fn run_as_postgres(arguments: &[&str]) {
    run(&mut as_postgres(arguments));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
}

/// The example, as a process of its own.
struct Service {
    child: Child,
    begun: Instant,
    lines: Receiver<(Instant, String)>,
}

impl Service {
    /// Starts it; it listens at a port of its own choice and says at which.
    fn start(database: &str, gate_seconds: u64) -> Self {
        let begun = Instant::now();
        let mut child = Command::new(env!("CARGO_BIN_EXE_startup_gate"))
            .env("DATABASE_URL", database)
            .env("GATE_SECONDS", gate_seconds.to_string())
            .env("LISTEN", "127.0.0.1:0")
            .env_remove("READINESS_GATE")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (said, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = said.send((Instant::now(), line));
            }
        });
        Self { child, begun, lines }
    }

    /// Waits until it serves, and says since when.
    fn serving(&self) -> Instant {
        let (at, line) = self.lines.recv_timeout(PATIENCE).expect("it serves");
        let address = line.strip_prefix("listening on ").unwrap();
        TcpStream::connect(address).expect("it listens where it says");
        at
    }

    /// Waits until it has given up, and gives its error and how long it took.
    fn given_up(mut self) -> (String, Duration) {
        let stderr = self.child.stderr.take().unwrap();
        let error: Vec<String> = BufReader::new(stderr).lines().map(Result::unwrap).collect();
        let code = self.child.wait().unwrap().code();
        let took = self.begun.elapsed();
        assert_eq!(code, Some(1), "{error:#?}");
        assert!(self.lines.try_recv().is_err(), "it has never served");
        (error.join("\n"), took)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_stopped_database_is_an_error_after_the_stated_time() {
    let cluster = Cluster::new(false);
    let (error, took) = Service::start(&cluster.url(PASSWORD), 3).given_up();
    let first = error.lines().next().unwrap();
    let first = first.strip_prefix("Error: ").unwrap_or(first);
    assert!(first.len() <= 200, "{} bytes: {first}", first.len());
    let place = format!("127.0.0.1:{}", cluster.port);
    assert!(first.contains(&place) && first.contains("refused"), "{first}");
    assert!(!error.contains(PASSWORD) && !error.contains("app:"), "{error}");
    assert!(error.len() <= 4096 + "Error: ".len(), "{} bytes", error.len());
    assert!(first.starts_with("not ready after 3."), "{first}");
    assert!(
        took >= Duration::from_secs(3),
        "it waits for as long as it was told: {took:?}"
    );
}

#[test]
fn a_wrong_password_is_told_from_a_stopped_database() {
    let mut cluster = Cluster::new(false);
    cluster.start();
    cluster.wait_until_it_listens();
    let (error, _) = Service::start(&cluster.url("gate-wrong-one"), 2).given_up();
    assert!(error.contains("password authentication failed"), "{error}");
    assert!(!error.contains("gate-wrong-one"), "{error}");
}

/// The service serves within three seconds of the database. They count from when the server says that it
/// accepts connections, and end when the service says that it listens; both are the machine's own clock.
fn starts_late(ssl: bool) {
    let mut cluster = Cluster::new(ssl);
    let service = Service::start(&cluster.url(PASSWORD), 60);
    thread::sleep(Duration::from_secs(5));
    assert!(
        service.lines.try_recv().is_err(),
        "it serves without its database"
    );
    cluster.start();
    let begun = Instant::now();
    let ready = loop {
        // The log is the server's own word; to ask it would be to look through the gate's eyes.
        if cluster.folder.read("log").contains("ready to accept connections") {
            break Instant::now();
        }
        assert!(
            begun.elapsed() < PATIENCE,
            "no server: {}",
            cluster.folder.read("log")
        );
        thread::sleep(Duration::from_millis(5));
    };
    let late = service.serving().saturating_duration_since(ready);
    assert!(late <= Duration::from_secs(3), "{late:?}");
}

#[test]
fn a_database_that_starts_late_is_waited_for_without_tls() {
    starts_late(false);
}

#[test]
fn a_database_that_starts_late_is_waited_for_with_tls() {
    starts_late(true);
}

#[test]
fn check_says_the_same_of_the_database() {
    for ssl in [false, true] {
        let mut cluster = Cluster::new(ssl);
        let down = check(&["-f", "json", &cluster.url(PASSWORD)]);
        assert_eq!(down.code, Some(1), "{}", down.stderr);
        cluster.start();
        cluster.wait_until_it_listens();
        let begun = Instant::now();
        let up = loop {
            // It listens a little before it lets anybody in.
            let run = check(&["-f", "json", &cluster.url(PASSWORD)]);
            if run.code == Some(0) || begun.elapsed() > PATIENCE {
                break run;
            }
        };
        assert_eq!(up.code, Some(0), "{}", up.stdout);
        assert_eq!(status(&up.report(), "dep.postgres"), "pass");
        assert!(!up.stdout.contains(PASSWORD) && !down.stdout.contains(PASSWORD));
    }
}
