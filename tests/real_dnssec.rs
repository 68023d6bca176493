//! `dns.dnssec` against zones that bind9's tools signed and bind9 serves: each fault has its name, and healthy ones
//! are silent. And once more behind an unbound that checks signatures itself. `dns.caa` on the same servers.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{
    fs::File,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use readiness_core::{Report, Status};

use self::support::{
    bind::{Named, free_port},
    check::{check, codes},
    folder::Folder,
    signed::{Ds, Fault, START, Signed, family},
    wellformed::assert_well_formed,
};

const LOOPBACK: &str = "127.0.0.1";

/// It serves what it has.
const OPTIONS: &str = "recursion no; allow-transfer { none; };";

/// Records of many types: what is signed must be read as it was signed.
const RECORDS: &str = "\
host IN A 127.0.0.9
host IN AAAA ::9
host IN TXT \"Some Text\" \"and more\"
host IN MX 10 Mail.Example.TEST.
host IN CAA 0 issue \"ca.example.net; a=b\"
host IN HTTPS 1 . alpn=h2,h3 port=8443
host IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host IN SRV 1 2 443 Host.Example.TEST.
host IN NAPTR 1 2 \"s\" \"x\" \"\" A.Example.TEST.
host IN SSHFP 4 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
host IN TYPE65400 \\# 3 AABBCC
www IN CNAME host
away IN CNAME host.rsa.test.
weak IN CNAME host.plain.test.
all.below IN DNAME rsa.test.
empty.between IN A 127.0.0.9
*.wild IN A 127.0.0.9
sub IN NS ns.test.
";

/// Records of CAA: at the apex, at names of their own, behind aliases.
const CAA: &str = "\
@ IN CAA 0 issue \"ca.example.net\"
@ IN CAA 0 iodef \"mailto:security@example.net\"
a.b.c IN A 127.0.0.9
own IN CAA 0 issue \"own.example; validationmethods=dns-01\"
away IN CNAME own.plain.test.
bare IN CNAME between.plain.test.
closed IN CAA 0 issue \";\"
critical IN CAA 128 tbs \"x\"
critical IN CAA 0 issue \"ca.example.net\"
garbled IN CAA 0 issue \"%%%\"
";

const ZONES: &[Signed] = &[
    Signed::new("ecdsa"),
    Signed::new("p384")
        .by(&["-a", "ECDSAP384SHA384"])
        .ds(Ds::By("-aSHA-384")),
    Signed::new("ed").by(&["-a", "ED25519"]),
    Signed::new("rsa").by(&["-a", "RSASHA256", "-b", "2048"]),
    Signed::new("rsa512").by(&["-a", "RSASHA512", "-b", "2048"]),
    Signed::new("short").by(&["-a", "RSASHA256", "-b", "1024"]),
    Signed::new("nsec3").with(&["-3", "-", "-H", "0"]),
    Signed::new("salted").with(&["-3", "AABB", "-H", "10"]),
    Signed::new("costly").with(&["-3", "-", "-H", "150"]),
    Signed::new("optout").with(&["-3", "-", "-H", "0", "-A"]),
    Signed::new("expired").valid("now-40d", "now-3d"),
    Signed::new("early").valid("now+5d", "now+20d"),
    Signed::new("soon").valid("now-20d", "now+2d"),
    Signed::new("late").valid("now-20d", "now+6h"),
    Signed::new("long").valid("now-1d", "now+400d"),
    Signed::new("digest").ds(Ds::Wrong),
    Signed::new("gone").ds(Ds::OfNobody),
    Signed::new("tampered").but(Fault::Tampered),
    Signed::new("bare").but(Fault::Without(&["RRSIG A "])),
    Signed::new("unproven").but(Fault::Without(&["IN AAAA ", "RRSIG AAAA "])),
    Signed::new("stripped").but(Fault::NotSigned),
    Signed::new("plain").ds(Ds::None).but(Fault::NotSigned),
    Signed::new("island").ds(Ds::None),
    Signed::new("sha1").by(&["-a", "RSASHA1", "-b", "2048"]),
    Signed::new("sha1ds").ds(Ds::By("-1")),
];

struct World {
    folder: Folder,
    port: u16,
    /// The DS record of `test.`.
    anchor: String,
    _named: Named,
}

impl World {
    fn start() -> Self {
        Self::with(ZONES.iter().map(|zone| zone.name).collect())
    }

    /// These zones alone: keys take their time.
    fn with(names: Vec<&str>) -> Self {
        let folder = Folder::new();
        let zones: Vec<Signed> = ZONES
            .iter()
            .copied()
            .filter(|zone| names.contains(&zone.name))
            .collect();
        let (mut zones, anchor) = family(&folder, &zones, |zone| match zone.name {
            // Another one's CAA records, behind an alias.
            "plain" => format!("{START}{RECORDS}own IN CAA 0 issue \"cdn.example\"\n"),
            _ => format!("{START}{RECORDS}"),
        });
        folder.write("caa.test", &format!("{START}{CAA}"));
        zones.push_str("zone caa.test { type primary; file \"caa.test\"; };\n");
        // It does not load.
        zones.push_str("zone broken.test { type primary; file \"missing\"; };\n");
        let port = free_port(&[], &[]);
        let named = Named::start(&folder, "named", port, "none", OPTIONS, &zones);
        Self {
            folder,
            port,
            anchor,
            _named: named,
        }
    }

    /// What `dns.dnssec` says of a name, asked of the nameserver at this port.
    fn check(&self, port: u16, probe: &str, name: &str, settings: &str) -> Report {
        let config = format!(
            "[targets.name]\nurl = \"https://{name}\"\n\n[[require]]\nprobe = \"{probe}\"\n\
             with = {{ nameservers = [\"{LOOPBACK}:{port}\"], {settings} }}\n"
        );
        let config = self.folder.write(&format!("{name}.toml"), &config);
        let run = check(&["--config", &config, "-f", "json"]);
        assert_eq!(run.stderr, "", "{config}");
        let report = run.report();
        assert_well_formed(&report);
        report
    }

    fn said(&self, port: u16, name: &str, settings: &str) -> Said {
        let settings = format!("trust_anchor = [\"{}\"], {settings}", self.anchor);
        let report = self.check(port, "dns.dnssec", name, &settings);
        let outcome = &report.requirement("dns.dnssec").unwrap().targets[0].outcome;
        let of = |label: &str| {
            let evidence = outcome.evidence.iter().find(|evidence| evidence.label == label);
            evidence.map_or(String::new(), |evidence| evidence.value.clone())
        };
        let findings = outcome
            .findings
            .iter()
            .map(|finding| format!("{} {}", finding.code, finding.status.word()));
        Said {
            state: of("state"),
            findings: findings.collect::<Vec<_>>().join(", "),
            summary: outcome.summary.clone(),
            checked: of("asked to check"),
            status: outcome.status.clone(),
        }
    }
}

struct Said {
    state: String,
    findings: String,
    summary: String,
    /// What a resolver said that was asked to check.
    checked: String,
    status: Status,
}

/// What must be said of `host` in each zone.
const EXPECTED: &[(&str, &str, &str)] = &[
    ("ecdsa", "secure", ""),
    ("p384", "secure", ""),
    ("ed", "secure", ""),
    ("rsa", "secure", ""),
    ("rsa512", "secure", ""),
    ("short", "secure", ""),
    ("nsec3", "secure", ""),
    ("optout", "secure", ""),
    ("salted", "secure", "nsec3_iterations pass, nsec3_salt pass"),
    ("costly", "insecure", "nsec3_iterations warn"),
    ("plain", "insecure", ""),
    ("island", "insecure", "island pass"),
    ("expired", "bogus", "signature_expired fail"),
    ("early", "bogus", "signature_not_yet_valid fail"),
    ("digest", "bogus", "ds_digest_wrong fail"),
    ("gone", "bogus", "ds_without_key fail"),
    ("tampered", "bogus", "signature_invalid fail"),
    ("bare", "bogus", "signature_missing fail"),
    ("unproven", "bogus", "denial_not_proven fail"),
    ("stripped", "bogus", "child_unsigned fail"),
    ("soon", "secure", "signature_expires_soon warn"),
    ("late", "secure", "signature_expires_soon fail"),
    ("long", "secure", "signature_lasts_too_long warn"),
    ("sha1", "secure", "weak_algorithm warn"),
    ("sha1ds", "secure", "weak_digest warn"),
];

#[test]
fn each_fault_has_its_name_and_healthy_zones_are_silent() {
    let world = World::start();
    for (zone, state, findings) in EXPECTED {
        let said = world.said(world.port, &format!("host.{zone}.test"), "");
        assert_eq!(
            (said.state.as_str(), said.findings.as_str()),
            (*state, *findings),
            "{zone}: {}",
            said.summary
        );
        println!("{zone}: {}", said.summary);
    }
    assert_eq!(EXPECTED.len(), ZONES.len());
}

#[test]
fn names_of_every_kind_are_secure_in_a_healthy_zone() {
    let world = World::with(vec!["ecdsa", "nsec3", "rsa", "optout", "plain"]);
    for zone in ["ecdsa", "nsec3", "rsa"] {
        for (name, state) in [
            ("", "secure"),
            ("host.", "secure"),
            ("www.", "secure"),
            ("no.such.name.", "secure"),
            ("between.", "secure"),
            ("any.wild.", "secure"),
            ("any.deeper.wild.", "secure"),
            ("away.", "secure"),
            ("host.all.below.", "secure"),
            ("weak.", "insecure"),
            ("below.sub.", "insecure"),
        ] {
            let name = format!("{name}{zone}.test");
            let said = world.said(world.port, &name, "");
            assert_eq!(
                (said.state.as_str(), said.findings.as_str()),
                (state, ""),
                "{name}: {}",
                said.summary
            );
        }
    }
    let said = world.said(world.port, "below.sub.optout.test", "");
    assert_eq!(said.state, "insecure", "{}", said.summary);
    let types = "types = ['TXT', 'MX', 'CAA', 'HTTPS', 'TLSA', 'SRV', 'TYPE35', 'TYPE44', 'TYPE65400']";
    let said = world.said(world.port, "host.ecdsa.test", types);
    assert_eq!(
        (said.state.as_str(), said.findings.as_str()),
        ("secure", ""),
        "{}",
        said.summary
    );
}

#[test]
fn what_is_expected_decides() {
    let world = World::with(vec!["ecdsa", "plain"]);
    for (zone, expected, findings) in [
        ("ecdsa", "required", ""),
        ("ecdsa", "forbidden", "signed fail"),
        ("plain", "required", "not_signed fail"),
        ("plain", "forbidden", ""),
    ] {
        let settings = format!("expected = \"{expected}\"");
        let said = world.said(world.port, &format!("host.{zone}.test"), &settings);
        assert_eq!(said.findings, findings, "{zone} {expected}: {}", said.summary);
    }
}

const UNBOUND: &str = r#"
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
    module-config: "@modules@"
    do-not-query-localhost: no
    root-hints: ""
    local-zone: "test." nodefault
    trust-anchor: "@anchor@"
remote-control:
    control-enable: no
forward-zone:
    name: "test."
    forward-addr: 127.0.0.1@@upstream@
"#;

/// A resolver that runs until it is dropped.
struct Unbound {
    port: u16,
    child: Child,
}

impl Unbound {
    fn start(world: &World, modules: &str) -> Self {
        let port = free_port(&[], &[]);
        let config = UNBOUND
            .replace("@port@", &port.to_string())
            .replace("@folder@", world.folder.path().to_str().unwrap())
            .replace("@modules@", modules)
            .replace("@anchor@", &world.anchor)
            .replace("@upstream@", &world.port.to_string());
        let config = world.folder.write(&format!("unbound.{port}.conf"), &config);
        let log = format!("unbound.{port}.log");
        let child = Command::new("unbound")
            .args(["-d", "-p", "-c", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(world.folder.join(&log)).unwrap())
            .spawn()
            .expect("unbound is installed");
        let mut unbound = Self { port, child };
        let begun = Instant::now();
        while !world.folder.read(&log).contains("start of service") {
            let ended = unbound.child.try_wait().unwrap();
            assert!(
                ended.is_none() && begun.elapsed() < Duration::from_secs(20),
                "unbound does not start: {}",
                world.folder.read(&log)
            );
            thread::sleep(Duration::from_millis(20));
        }
        unbound
    }
}

impl Drop for Unbound {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn behind_a_resolver_that_checks_everything_stays_the_same() {
    let world = World::start();
    let unbound = Unbound::start(&world, "validator iterator");
    for (zone, state, findings) in EXPECTED {
        let name = format!("host.{zone}.test");
        let said = world.said(unbound.port, &name, "");
        if *zone == "unproven" {
            // It has nothing to give on, and says so.
            assert!(
                said.status.is_fail() || said.status.is_unknown(),
                "{}",
                said.summary
            );
            continue;
        }
        assert_eq!(
            (said.state.as_str(), said.findings.as_str()),
            (*state, *findings),
            "{zone}: {}",
            said.summary
        );
        let fails = said.checked.contains("SERVFAIL");
        assert_eq!(fails, *state == "bogus", "{zone}: {}", said.checked);
    }
    for name in [
        "",
        "www.",
        "no.such.name.",
        "between.",
        "any.wild.",
        "away.",
        "host.all.below.",
    ] {
        for zone in ["ecdsa", "nsec3"] {
            let name = format!("{name}{zone}.test");
            let said = world.said(unbound.port, &name, "expected = 'required'");
            assert_eq!(
                (said.state.as_str(), said.findings.as_str()),
                ("secure", ""),
                "{name}: {}",
                said.summary
            );
        }
    }
}

#[test]
fn a_resolver_that_is_told_not_to_check_is_enough() {
    let world = World::with(vec!["ecdsa", "tampered", "plain"]);
    let unbound = Unbound::start(&world, "iterator");
    for (zone, state) in [("ecdsa", "secure"), ("tampered", "bogus"), ("plain", "insecure")] {
        let said = world.said(unbound.port, &format!("host.{zone}.test"), "");
        assert_eq!(said.state, state, "{zone}: {}", said.summary);
    }
}

#[test]
fn what_cannot_be_fetched_is_never_bogus() {
    let world = World::with(vec!["ecdsa"]);
    // Nobody serves a zone above `test.`, nor the one beside it.
    let said = world.said(world.port, "host.elsewhere", "");
    assert_eq!(said.state, "indeterminate", "{}", said.summary);
    let nobody = free_port(&[], &[]);
    let said = world.said(nobody, "host.ecdsa.test", "attempt_ms = 200");
    assert_eq!(said.state, "indeterminate", "{}", said.summary);
    assert!(said.status.is_unknown());
}

#[test]
fn caa_records_are_found_on_the_way_up_and_behind_aliases() {
    let world = World::with(vec!["plain"]);
    let expected = |issuer: &str| format!("issuers = ['{issuer}']");
    let rows = [
        ("caa.test", expected("ca.example.net"), "", "caa.test"),
        ("a.b.c.caa.test", expected("ca.example.net"), "", "caa.test"),
        ("not.there.caa.test", expected("ca.example.net"), "", "caa.test"),
        ("own.caa.test", expected("own.example"), "", "own.caa.test"),
        (
            "below.own.caa.test",
            format!("{}, methods = ['dns-01']", expected("own.example")),
            "",
            "own.caa.test",
        ),
        (
            "own.caa.test",
            format!("{}, methods = ['http-01']", expected("own.example")),
            "method_not_allowed fail",
            "own.caa.test",
        ),
        ("away.caa.test", expected("cdn.example"), "", "away.caa.test"),
        ("bare.caa.test", expected("ca.example.net"), "", "caa.test"),
        (
            "caa.test",
            expected("other.example"),
            "issuer_not_allowed fail, unexpected_issuer fail",
            "caa.test",
        ),
        (
            "closed.caa.test",
            expected("ca.example.net"),
            "issuer_not_allowed fail",
            "closed.caa.test",
        ),
        (
            "critical.caa.test",
            expected("ca.example.net"),
            "unknown_critical fail",
            "critical.caa.test",
        ),
        (
            "garbled.caa.test",
            expected("ca.example.net"),
            "malformed_value warn, issuer_not_allowed fail",
            "garbled.caa.test",
        ),
        (
            "closed.caa.test",
            String::new(),
            "no_issuer_allowed pass",
            "closed.caa.test",
        ),
        ("www.plain.test", String::new(), "", "www.plain.test"),
        ("empty.between.plain.test", String::new(), "no_caa pass", ""),
        (
            "empty.between.plain.test",
            expected("ca.example.net"),
            "no_caa fail",
            "",
        ),
        (
            "www.broken.test",
            expected("ca.example.net"),
            "not_looked_up unknown",
            "",
        ),
    ];
    let unbound = Unbound::start(&world, "iterator");
    // The nameserver of the alias does not look up what is at its end; a resolver does.
    let report = world.check(world.port, "dns.caa", "away.caa.test", "");
    assert_eq!(codes(&report, "dns.caa"), ["not_looked_up"]);
    for (name, settings, findings, at) in rows {
        let report = world.check(unbound.port, "dns.caa", name, &settings);
        let outcome = &report.requirement("dns.caa").unwrap().targets[0].outcome;
        let said: Vec<String> = outcome
            .findings
            .iter()
            .map(|finding| format!("{} {}", finding.code, finding.status.word()))
            .collect();
        assert_eq!(
            said.join(", "),
            findings,
            "{name} {settings}: {}",
            outcome.summary
        );
        let found = outcome
            .evidence
            .iter()
            .find(|evidence| evidence.label == "found at");
        assert_eq!(found.map_or("", |found| found.value.as_str()), at, "{name}");
    }
}
