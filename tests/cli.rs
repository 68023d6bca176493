//! The command line: what it refuses before anything is sent, what it writes where, and how it exits.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::{SocketAddr, TcpListener},
    process::{Command, Stdio},
};

use hickory_resolver::proto::op::ResponseCode;
use readiness_core::Verdict;
use tokio::runtime::{Builder, Runtime};

use self::support::{
    check::{Run, check},
    folder::Folder,
    nameserver::Nameserver,
    wellformed::assert_follows_schema,
};

/// A port that accepts.
fn open() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A port that refuses.
fn closed() -> String {
    format!("tcp://{}", free())
}

fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A nameserver that knows no name, and the runtime it lives in.
fn nobody_known() -> (Runtime, Nameserver) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let nameserver = runtime.block_on(Nameserver::saying(ResponseCode::NXDomain, Vec::new()));
    (runtime, nameserver)
}

/// That it ended with this code, said nothing but an error, and the error holds these parts.
#[track_caller]
fn assert_refused(run: &Run, code: i32, parts: &[&str]) {
    assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    for part in parts {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
}

#[test]
fn it_exits_by_verdict() {
    let (_listener, open) = open();
    let closed = closed();
    let (_runtime, nameserver) = nobody_known();
    let address = nameserver.address.to_string();
    let unknown = ["--nameserver", &address, "tcp://nobody.example.test:1"];
    for (arguments, word, code, in_container) in [
        (&[open.as_str()][..], "READY", 0, 0),
        (&[closed.as_str()], "NOT READY", 1, 1),
        (&unknown, "INCONCLUSIVE", 2, 1),
    ] {
        let run = check(arguments);
        assert_eq!(run.code, Some(code), "{}{}", run.stdout, run.stderr);
        assert!(run.stdout.starts_with(word), "{}", run.stdout);
        assert_eq!(run.stderr, "");
        let probe = check(&[arguments, &["--healthcheck"]].concat());
        assert_eq!(probe.code, Some(in_container), "{}{}", probe.stdout, probe.stderr);
        assert!(probe.stdout.starts_with(word), "{}", probe.stdout);
        assert_eq!(probe.stdout.lines().count(), 1, "{}", probe.stdout);
    }
}

#[test]
fn a_health_check_says_one_short_line_and_still_writes_files() {
    let closed: Vec<String> = (0..90).map(|_| closed()).collect();
    let folder = Folder::new();
    let file = folder.text("report.json");
    let mut arguments = closed;
    arguments.sort();
    arguments.dedup();
    arguments.extend(["--healthcheck".to_owned(), "-o".to_owned(), file]);
    let run = check(&arguments);
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    // Docker keeps the first 4,096 bytes.
    assert!(run.stdout.len() <= 4096, "{} bytes", run.stdout.len());
    assert!(
        run.stdout.len() > 3000,
        "the line is long enough to be cut: {}",
        run.stdout
    );
    assert_eq!(run.stdout.lines().count(), 1);
    assert_follows_schema(&folder.read("report.json"));
}

#[test]
fn wrong_usage_is_refused_before_anything_is_sent() {
    let target = closed();
    let folder = Folder::new();
    let garbage = folder.write("garbage.pem", "no certificate");
    let absent = folder.text("absent.pem");
    for (arguments, parts) in [
        (&[][..], &["the suite is empty", "--config"][..]),
        (&["https://exa mple"], &["target `https://exa mple`", "a space"]),
        (
            &["https://example.com:0"],
            &["target `https://example.com:0`", "port 0"],
        ),
        (&["--nosuch"], &["--nosuch"]),
        (
            &["--preset", "nosuch", &target],
            &["unknown preset `nosuch`", "`security_headers`, `tcp`, `web`"],
        ),
        (
            &["--profile", "nosuch", &target],
            &["`nosuch`", "`production`, `staging` and `local`"],
        ),
        (
            &["--ca", &garbage, &target],
            &["CA file", "garbage.pem", "BEGIN CERTIFICATE"],
        ),
        (
            &["--ca", &absent, &target],
            &["CA file", "absent.pem", "No such file"],
        ),
        (
            &["--resolve", "example.com", &target],
            &["--resolve `example.com`", "NAME=ADDRESS"],
        ),
        (&["--nameserver", "one", &target], &["--nameserver `one`"]),
        (
            &["--allow-ports", "80,x", "https://127.0.0.1:1"],
            &["80,x", "--allow-ports"],
        ),
        (&["--target", "101", &target], &["101"]),
        (&["--no-regression", &target], &["--earlier"]),
        (
            &["--healthcheck", "-f", "json", &target],
            &["--healthcheck", "--format"],
        ),
        (
            &["explain", "nosuch"],
            &["unknown probe `nosuch`", "`dep.postgres`", "`tls.protocol`"],
        ),
        (&[&target, &target], &[&target, "twice"]),
    ] {
        assert_refused(&check(arguments), 64, parts);
    }
}

#[test]
fn a_flag_that_would_do_nothing_is_refused() {
    let target = closed();
    let folder = Folder::new();
    let config = folder.write(
        "readiness.toml",
        &format!("[targets.api]\nurl = \"{target}\"\n[[preset]]\nuse = \"tcp\"\n"),
    );
    let flags = [
        ["--health", "/healthz", "health_path"],
        ["--plain-port", "8080", "plain_port"],
        ["--allow-ports", "443", "allowed_ports"],
        ["--tls", "deep", "tls"],
    ];
    for [flag, value, setting] in flags {
        assert_refused(&check(&["--config", &config, flag, value]), 64, &[flag, setting]);
        assert_refused(&check(&[flag, value, &target]), 64, &[flag, setting]);
        let headers = ["--preset", "security_headers", "https://127.0.0.1:1"];
        assert_refused(&check(&[&[flag, value], &headers[..]].concat()), 64, &[flag]);
    }
    let run = check(&["--config", &config, "--preset", "web"]);
    assert_refused(&run, 64, &["--preset", "[[preset]]"]);
    // One target that takes it is enough.
    let site = format!("https://{}", free());
    let run = check(&["--health", "/healthz", "-f", "json", &site, &target]);
    assert!(run.report().requirement("http.health").is_some());
}

#[test]
fn a_configuration_error_names_file_line_and_column() {
    let folder = Folder::new();
    let target = "[targets.api]\nurl = \"https://127.0.0.1:1\"\n";
    let require = "[[require]]\nprobe = \"net.port_exposure\"\n";
    for (text, place, parts) in [
        (
            "[targets.api]\nurl = \"https://exa mple\"\n".to_owned(),
            "2:7",
            &["a space"][..],
        ),
        (
            format!("{target}[[require]]\nprobe = \"http.hstss\"\n"),
            "4:9",
            &["unknown probe `http.hstss`", "`http.hsts`"],
        ),
        (
            format!(
                "{target}[[preset]]\nuse = \"web\"\n\n[[waiver]]\nrequirement = \"http.csp\"\nreason = \"r\"\nowner = \"o\"\n"
            ),
            "6:1",
            &["until"],
        ),
        (
            format!("{target}{require}with = {{ allowed = [80, 443], forbidden = [\"400-500\"] }}\n"),
            "5:",
            &["443", "allowed", "forbidden"],
        ),
        (
            format!("{target}credential = {{ bearer = \"t0ps3cret\" }}\n[[preset]]\nuse = \"web\"\n"),
            "3:",
            &["env"],
        ),
        (target.to_owned(), "", &["the suite is empty"]),
    ] {
        let file = folder.write("readiness.toml", &text);
        let run = check(&["--config", &file]);
        let place = format!("error: {file}:{place}");
        assert_refused(&run, 64, &[&[place.as_str()], parts].concat());
        assert!(!run.stderr.contains("t0ps3cret"), "{}", run.stderr);
    }
    assert_refused(
        &check(&["--config", &folder.text("absent.toml")]),
        64,
        &["absent.toml", "cannot be read"],
    );
}

#[test]
fn input_that_cannot_be_read_is_told_from_wrong_usage() {
    let target = closed();
    let folder = Folder::new();
    let garbage = folder.write("garbage.json", "{");
    let absent = folder.text("absent.json");
    for flag in ["--baseline", "--earlier", "--replay"] {
        assert_refused(&check(&[flag, &garbage, &target]), 65, &["garbage.json"]);
        assert_refused(
            &check(&[flag, &absent, &target]),
            65,
            &["absent.json", "No such file"],
        );
    }
}

#[test]
fn output_that_cannot_be_written_is_told() {
    let target = closed();
    let folder = Folder::new();
    let file = folder.text("no/such/folder.json");
    for flag in ["-o", "--record", "--write-baseline"] {
        assert_refused(
            &check(&[flag, &file, &target]),
            73,
            &["folder.json", "cannot be written"],
        );
    }
    let full = Command::new(env!("CARGO_BIN_EXE_check"))
        .args(["-f", "json", &target])
        .stdout(File::create("/dev/full").unwrap())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_refused(&Run::of(full), 73, &["standard output"]);
}

#[test]
fn a_reader_that_has_gone_is_no_fault() {
    let (_listener, url) = open();
    let mut child = Command::new(env!("CARGO_BIN_EXE_check"))
        .args(["-f", "json", &url])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn the_ending_of_a_file_says_what_it_holds() {
    let target = closed();
    let folder = Folder::new();
    let files = ["r.json", "r.XML", "r.md", "r.txt", "r.other"];
    let mut arguments: Vec<String> = files
        .iter()
        .flat_map(|file| ["-o".to_owned(), folder.text(file)])
        .collect();
    arguments.push(target.clone());
    let begins = |file: &str, start: &str| {
        let text = folder.read(file);
        assert!(text.starts_with(start), "{file}: {text}");
    };

    let run = check(&arguments);
    assert!(run.stdout.starts_with("NOT READY"), "{}", run.stdout);
    begins("r.json", "{");
    begins("r.XML", "<?xml");
    begins("r.md", "### Readiness");
    begins("r.txt", "NOT READY");
    begins("r.other", "NOT READY");
    let common = folder.read("r.XML");

    // A format is for what has no ending of its own; there it is, and need not be printed too.
    arguments.extend(["-f".to_owned(), "json".to_owned()]);
    let run = check(&arguments);
    assert_eq!(run.stdout, format!("{}\n", Verdict::NotReady));
    begins("r.XML", "<?xml");
    begins("r.txt", "NOT READY");
    assert_follows_schema(&folder.read("r.other"));

    // Where every file has an ending, it is for the terminal.
    let run = check(&["-o", &folder.text("r.md"), "-f", "json", &target]);
    begins("r.md", "### Readiness");
    assert_follows_schema(&run.stdout);

    // Of `.xml` it says in which dialect.
    let run = check(&["-o", &folder.text("r.XML"), "-f", "junit-strict", &target]);
    assert_eq!(run.stdout, format!("{}\n", Verdict::NotReady));
    let strict = folder.read("r.XML");
    assert_ne!(root(&common), root(&strict));
}

/// The root of an XML document, with its attributes' names.
fn root(xml: &str) -> Vec<&str> {
    let start = xml.find("<testsuites").unwrap();
    let tag = xml[start..].split('>').next().unwrap();
    tag.split('"').step_by(2).collect()
}

#[test]
fn targets_of_one_host_have_labels_of_their_own() {
    let address = free();
    let labels = |arguments: &[&str]| {
        let run = check(&[arguments, &["-f", "json"]].concat());
        let mut labels: Vec<String> = run.report().rows().map(|(_, row)| row.target.clone()).collect();
        labels.sort();
        labels.dedup();
        labels
    };
    let with = |path: &str| format!("http://{address}{path}");
    assert_eq!(
        labels(&[&with("/"), &with("/shop/"), &with("/api?key=s3cret")]),
        [
            address.to_string(),
            format!("{address}/api"),
            format!("{address}/shop")
        ]
    );
    assert_eq!(
        labels(&[&with("/"), &format!("tcp://{address}")]),
        [address.to_string(), format!("tcp://{address}")]
    );
    // A name in a configuration is a name too.
    let folder = Folder::new();
    let config = folder.write(
        "readiness.toml",
        &format!("[targets.\"{address}\"]\nurl = \"tcp://{address}\"\n[[preset]]\nuse = \"tcp\"\n"),
    );
    assert_eq!(
        labels(&["--config", &config, &with("/shop")]),
        [address.to_string(), format!("{address}/shop")]
    );
}

#[test]
fn probes_are_listed_and_explained() {
    let list = check(&["list"]);
    assert_eq!((list.code, list.stderr.as_str()), (Some(0), ""));
    let ids: Vec<&str> = list
        .stdout
        .lines()
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert!(ids.is_sorted() && ids.contains(&"http.hsts"), "{}", list.stdout);
    for id in ids {
        let run = check(&["explain", id]);
        assert_eq!(run.code, Some(0), "{id}");
        assert!(run.stdout.starts_with(&format!("{id}: ")), "{}", run.stdout);
        for section in ["What it checks", "Why it matters", "How to fix", "References"] {
            assert!(run.stdout.contains(&format!("\n{section}\n")), "{id}: {section}");
        }
    }
    for flag in ["--help", "-h"] {
        let help = check(&[flag]);
        assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
        assert!(help.stdout.contains("Exit codes: 0 ready"), "{}", help.stdout);
    }
}
