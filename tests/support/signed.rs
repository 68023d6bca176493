//! Zones signed by Debian's bind9, sound and broken, below a `test.` of their own.

use std::{fmt::Write as _, process::Command};

use super::folder::Folder;

/// How a zone is signed and what is broken afterwards.
#[derive(Clone, Copy)]
pub struct Signed {
    pub name: &'static str,
    pub algorithm: &'static [&'static str],
    /// From and until when, as `dnssec-signzone` takes it.
    pub window: (&'static str, &'static str),
    /// More of its arguments.
    pub arguments: &'static [&'static str],
    pub ds: Ds,
    pub fault: Fault,
}

/// What the zone above says.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Ds {
    /// What `dnssec-dsfromkey` gives with this argument.
    By(&'static str),
    /// Of a key that the zone never had.
    OfNobody,
    /// With another digest.
    Wrong,
    None,
}

/// What is changed in a zone after it was signed.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Fault {
    None,
    /// The zone is served as it was before.
    NotSigned,
    /// The address of `host` is another one.
    Tampered,
    /// Lines with any of these words are gone.
    Without(&'static [&'static str]),
}

pub const ECDSA: &[&str] = &["-a", "ECDSAP256SHA256"];
pub const WINDOW: (&str, &str) = ("now-10d", "now+20d");

impl Signed {
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            algorithm: ECDSA,
            window: WINDOW,
            arguments: &[],
            ds: Ds::By("-2"),
            fault: Fault::None,
        }
    }

    pub const fn by(mut self, algorithm: &'static [&'static str]) -> Self {
        self.algorithm = algorithm;
        self
    }

    pub const fn valid(mut self, from: &'static str, until: &'static str) -> Self {
        self.window = (from, until);
        self
    }

    pub const fn with(mut self, arguments: &'static [&'static str]) -> Self {
        self.arguments = arguments;
        self
    }

    pub const fn ds(mut self, ds: Ds) -> Self {
        self.ds = ds;
        self
    }

    pub const fn but(mut self, fault: Fault) -> Self {
        self.fault = fault;
        self
    }
}

fn run(folder: &Folder, program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .unwrap_or_else(|e| panic!("{program}: {e}; it comes with bind9-utils"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// Signs a zone with a key of its own; gives the text that is served and its DS records.
pub fn sign(folder: &Folder, zone: &Signed, text: &str) -> (String, String) {
    let origin = if zone.name == "test" {
        "test".to_owned()
    } else {
        format!("{}.test", zone.name)
    };
    let keygen = [&["-q", "-f", "KSK"], zone.algorithm, &[&origin]].concat();
    let key = run(folder, "dnssec-keygen", &keygen).trim().to_owned();
    let (plain, signed) = (format!("{origin}.plain"), format!("{origin}.signed"));
    folder.write(&plain, &format!("{text}$INCLUDE {key}.key\n"));
    let (from, until) = zone.window;
    let ends = ["-s", from, "-e", until, "-f", &signed, &plain, &key];
    let start = ["-q", "-P", "-z", "-O", "full", "-o", &origin];
    run(
        folder,
        "dnssec-signzone",
        &[&start, zone.arguments, &ends].concat(),
    );
    let served = match zone.fault {
        Fault::None => folder.read(&signed),
        Fault::NotSigned => text.to_owned(),
        Fault::Tampered => folder.read(&signed).replace("127.0.0.9", "127.0.0.66"),
        Fault::Without(words) => {
            let all = folder.read(&signed);
            let kept = all.lines().filter(|line| {
                let line: Vec<&str> = line.split_whitespace().collect();
                let line = line.join(" ");
                !words.iter().any(|words| line.contains(words))
            });
            kept.fold(String::new(), |text, line| text + line + "\n")
        }
    };
    let ds = match zone.ds {
        Ds::None => String::new(),
        Ds::By(digest) => run(folder, "dnssec-dsfromkey", &[digest, &key]),
        Ds::OfNobody => format!("{origin}. IN DS 1 13 2 {}\n", "AB".repeat(32)),
        Ds::Wrong => {
            let good = run(folder, "dnssec-dsfromkey", &["-2", &key]);
            let (rest, _) = good.trim().rsplit_once(' ').unwrap();
            format!("{rest} {}\n", "AB".repeat(32))
        }
    };
    (served, ds)
}

/// The `test.` above these zones, each of which has this text; gives named's zones and the DS record of `test.`.
pub fn family(folder: &Folder, zones: &[Signed], text: impl Fn(&Signed) -> String) -> (String, String) {
    let mut above = format!("{START}ns IN A 127.0.0.1\n");
    let mut served = String::new();
    let mut serve = |origin: &str, text: &str| {
        let file = folder.write(&format!("{origin}.served"), text);
        let _ = writeln!(served, "zone {origin} {{ type primary; file \"{file}\"; }};");
    };
    for zone in zones {
        let (text, ds) = sign(folder, zone, &text(zone));
        let name = zone.name;
        let _ = write!(above, "{name} IN NS ns.test.\n{ds}");
        serve(&format!("{name}.test"), &text);
    }
    let (text, ds) = sign(folder, &Signed::new("test"), &above);
    serve("test", &text);
    (served, ds.trim().to_owned())
}

/// How each zone begins.
pub const START: &str =
    "$TTL 300\n@ IN SOA ns.test. admin.test. 1 14400 3600 604800 3600\n@ IN NS ns.test.\n";
