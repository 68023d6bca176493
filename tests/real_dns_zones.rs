//! `dns.mail`, `dns.transfer_refused`, `dns.recursion_refused`, `dns.agreement`, `dns.public_addresses` and
//! `dns.reverse` against real bind9 servers: one with two views, which serves the zones, and a resolver in front of
//! it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fmt::Write as _;

use readiness_core::{Report, Status};

use self::support::{
    bind::{Named, free_port},
    check::check,
    folder::Folder,
    mail_domains::{DOMAINS, zone_of_all},
    wellformed::assert_well_formed,
};

const FIRST: &str = "127.0.0.1";
const SECOND: &str = "::1";
/// Nobody listens there.
const NOBODY: &str = "127.0.53.13";

const HEAD: &str = "$TTL 300\n@ IN SOA ns1 admin 1 14400 3600 604800 3600\n@ IN NS ns1\nns1 IN A 127.0.0.1\n";

/// What both views have, and what each has alone.
const ALIKE: &str = "www A 192.0.2.1\nwww A 192.0.2.2\nonly4 A 192.0.2.1\nstray A 192.0.2.3\nnameless A 192.0.2.4\n\
                     inside A 10.0.0.1\ninside AAAA fd00::1\noutside A 1.1.1.1\noutside AAAA 2606:4700::1111\n\
                     relayed AAAA 2002:101:101::1\n";

/// Where the addresses lead.
const REVERSE: &str = "1 PTR www.same.test.\n2 PTR www.same.test.\n3 PTR www.same.test.\n";
const APART: [&str; 2] = [
    "moved A 192.0.2.1\nhere A 192.0.2.1\nkind A 192.0.2.1\nless A 192.0.2.1\nless A 192.0.2.2\n",
    "moved A 192.0.2.9\nkind TXT text\nless A 192.0.2.1\n",
];

struct Servers {
    folder: Folder,
    port: u16,
    resolver: u16,
    _processes: [Named; 2],
}

impl Servers {
    fn start() -> Self {
        let folder = Folder::new();
        let (port, resolver) = (free_port(&[SECOND], &[NOBODY]), free_port(&[], &[]));
        folder.write("mail.zone", &zone_of_all(HEAD));
        folder.write("plain.zone", HEAD);
        folder.write("reverse.zone", &format!("{HEAD}{REVERSE}"));
        folder.write("broken.0.zone", &format!("{HEAD}www A 192.0.2.1\n"));
        let mut views = String::new();
        for (i, address) in [FIRST, SECOND].into_iter().enumerate() {
            folder.write(&format!("same.{i}.zone"), &format!("{HEAD}{ALIKE}{}", APART[i]));
            let zone = |name: &str, file: &str, more: &str| {
                format!("zone {name} {{ type primary; file \"{file}\"; check-names ignore; {more} }};\n")
            };
            let _ = writeln!(views, "view v{i} {{ match-destinations {{ {address}; }};");
            views += &zone("mail.test", "mail.zone", "");
            views += &zone("open.test", "plain.zone", "allow-transfer { any; };");
            views += &zone("shut.test", "plain.zone", "");
            views += &zone("2.0.192.in-addr.arpa", "reverse.zone", "");
            views += &zone("same.test", &format!("same.{i}.zone"), "");
            // Its file is missing at the second one.
            views += &zone("broken.test", &format!("broken.{i}.zone"), "");
            views += "};\n";
        }
        let serves = "recursion no; allow-transfer { none; };";
        let asks = format!(
            "recursion yes; allow-recursion {{ any; }}; forward only; forwarders {{ {FIRST} port {port}; }};"
        );
        let zones = "zone shut.test { type primary; file \"plain.zone\"; };\n";
        let processes = [
            Named::start(&folder, "serving", port, SECOND, serves, &views),
            Named::start(&folder, "resolving", resolver, "none", &asks, zones),
        ];
        Self {
            folder,
            port,
            resolver,
            _processes: processes,
        }
    }

    /// The codes of what a probe says of a name above notes, and its summary.
    fn check(&self, probe: &str, name: &str, settings: &str) -> (String, String) {
        let config = format!(
            "[look]\nnameservers = [\"{FIRST}:{port}\"]\n\n[targets.name]\nurl = \"https://{name}\"\n\n\
             [[require]]\nprobe = \"{probe}\"\nwith = {{ {settings} }}\n",
            port = self.port
        );
        let config = self.folder.write("readiness.toml", &config);
        let run = check(&["--config", &config, "-f", "json"]);
        assert_eq!(run.stderr, "");
        let report = run.report();
        assert_well_formed(&report);
        said(&report, probe)
    }

    fn first(&self) -> String {
        format!("{FIRST}:{}", self.port)
    }

    fn second(&self) -> String {
        format!("[{SECOND}]:{}", self.port)
    }
}

fn said(report: &Report, probe: &str) -> (String, String) {
    let outcome = &report.requirement(probe).unwrap().targets[0].outcome;
    let above = outcome.findings.iter().filter(|finding| !finding.is_note());
    let codes: Vec<&str> = above.map(|finding| &*finding.code).collect();
    let codes = match (&outcome.status, codes.is_empty()) {
        (Status::Unknown { reason, .. }, true) => reason.to_string(),
        _ => codes.join(" "),
    };
    (codes, outcome.summary.clone())
}

#[test]
fn each_fault_of_mail_is_named() {
    let servers = Servers::start();
    for domain in &DOMAINS {
        let name = format!("{}.mail.test", domain.name);
        let (codes, summary) = servers.check("dns.mail", &name, domain.settings);
        assert_eq!(codes, domain.wanted, "{name}: {summary}");
        println!("{name}: {summary}");
    }
}

#[test]
fn transfers_recursion_and_agreement() {
    let servers = Servers::start();
    let (first, second) = (servers.first(), servers.second());
    let own = format!("nameservers = ['{first}', '{second}']");
    let of_zone = format!("own_nameservers = true, port = {}", servers.port);
    for (zone, settings, wanted) in [
        ("open.test", &own, "transfer_allowed transfer_allowed"),
        ("shut.test", &own, ""),
        ("open.test", &of_zone, "transfer_allowed"),
        ("shut.test", &of_zone, ""),
        // A refusal of whoever does not serve the zone says nothing.
        ("other.test", &own, "transfer_not_told transfer_not_told"),
        ("broken.test", &own, "transfer_not_told"),
    ] {
        let (codes, summary) = servers.check("dns.transfer_refused", zone, settings);
        assert_eq!(codes, wanted, "{zone} {settings}: {summary}");
        println!("{zone}: {summary}");
    }

    let resolver = format!("{FIRST}:{}", servers.resolver);
    for (settings, wanted) in [
        (format!("{own}, foreign_name = 'www.example.org'"), ""),
        (format!("{of_zone}, foreign_name = 'www.example.org'"), ""),
        (
            format!("nameservers = ['{resolver}'], foreign_name = 'www.same.test'"),
            "recursion_open",
        ),
        (
            format!("nameservers = ['{resolver}'], foreign_name = 'no.same.test'"),
            "recursion_open",
        ),
        (
            format!("nameservers = ['{resolver}'], foreign_name = 'ns1.shut.test'"),
            "recursion_not_told",
        ),
    ] {
        let (codes, summary) = servers.check("dns.recursion_refused", "shut.test", &settings);
        assert_eq!(codes, wanted, "{settings}: {summary}");
        println!("{settings}: {summary}");
    }

    let silent = format!("{NOBODY}:{}", servers.port);
    let both = own.as_str();
    let with = |other: &str| format!("nameservers = ['{first}', '{other}']");
    let (resolved, unheard) = (with(&resolver), with(&silent));
    for (name, settings, wanted) in [
        ("www.same.test", both, ""),
        ("only4.same.test", both, ""),
        ("none.same.test", both, ""),
        ("moved.same.test", both, "answers_differ"),
        ("less.same.test", both, "answers_differ"),
        // NXDOMAIN, NODATA, SERVFAIL, each against records.
        ("here.same.test", both, "answers_differ answers_differ"),
        ("kind.same.test", both, "answers_differ"),
        ("www.broken.test", both, "answers_differ answers_differ"),
        // REFUSED by both is no agreement.
        ("www.other.test", both, "nothing_to_compare nothing_to_compare"),
        ("www.same.test", resolved.as_str(), ""),
        (
            "www.same.test",
            unheard.as_str(),
            "nameserver_silent nameserver_silent",
        ),
    ] {
        let (codes, summary) = servers.check("dns.agreement", name, settings);
        assert_eq!(codes, wanted, "{name} {settings}: {summary}");
        println!("{name}: {summary}");
    }
    let soa = format!("{both}, types = ['SOA', 'NS'], authoritative = true");
    assert_eq!(servers.check("dns.agreement", "same.test", &soa).0, "");
}

#[test]
fn addresses_are_for_the_world_and_lead_back() {
    let servers = Servers::start();
    for (probe, name, settings, wanted) in [
        ("dns.public_addresses", "outside", "", ""),
        (
            "dns.public_addresses",
            "inside",
            "",
            "special_purpose_address special_purpose_address",
        ),
        ("dns.public_addresses", "relayed", "", "relayed_address"),
        ("dns.public_addresses", "gone", "", "dependency_failed"),
        ("dns.reverse", "www", "must_name_host = true", ""),
        ("dns.reverse", "only4", "", ""),
        (
            "dns.reverse",
            "only4",
            "must_name_host = true",
            "reverse_names_another",
        ),
        ("dns.reverse", "stray", "", "reverse_not_confirmed"),
        ("dns.reverse", "nameless", "", "no_reverse_name"),
        // Nobody there serves the names of these addresses.
        ("dns.reverse", "outside", "", "not_looked_up not_looked_up"),
    ] {
        let (codes, summary) = servers.check(probe, &format!("{name}.same.test"), settings);
        assert_eq!(codes, wanted, "{probe} {name}: {summary}");
        println!("{name}: {summary}");
    }
}
