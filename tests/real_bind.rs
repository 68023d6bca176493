//! `dns.delegation` and `dns.records` against a real bind9: one process for the parent, and one with a view for
//! each nameserver of the zones below it, on the two addresses that every machine has.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::fmt::Write as _;

use readiness_core::Report;

use self::support::{
    bind::{Named, free_port},
    check::{check, codes, status},
    folder::Folder,
    wellformed::assert_well_formed,
};

const FIRST: &str = "127.0.0.1";
const SECOND: &str = "::1";
/// Nobody listens there.
const NOBODY: &str = "127.0.53.13";

/// They serve what they have, and nobody takes it away.
const OPTIONS: &str = "recursion no; allow-transfer { none; };";

const GOOD_SOA: &str = "1 14400 3600 604800 3600";

/// A zone below `test.`: what the parent says of its nameservers, and the zone as each of them has it.
struct Zone {
    name: &'static str,
    /// Names below the zone, with the address of each; the parent gives them as glue.
    delegated: &'static [(&'static str, &'static str)],
    /// The SOA numbers and the names of the NS records at the first and the second server.
    served: [Option<(&'static str, &'static [&'static str])>; 2],
}

const BOTH: &[(&str, &str)] = &[("ns1", FIRST), ("ns2", SECOND)];
const NAMES: &[&str] = &["ns1", "ns2"];

const ZONES: [Zone; 8] = [
    Zone {
        name: "good",
        delegated: BOTH,
        served: [Some((GOOD_SOA, NAMES)), Some((GOOD_SOA, NAMES))],
    },
    Zone {
        name: "half",
        delegated: BOTH,
        served: [Some((GOOD_SOA, NAMES)), None],
    },
    Zone {
        name: "single",
        delegated: &[("ns1", FIRST)],
        served: [Some((GOOD_SOA, &["ns1"])), None],
    },
    Zone {
        name: "same",
        delegated: &[("ns1", FIRST), ("ns2", FIRST)],
        served: [Some((GOOD_SOA, NAMES)), None],
    },
    Zone {
        name: "differ",
        delegated: BOTH,
        served: [Some((GOOD_SOA, NAMES)), Some((GOOD_SOA, &["ns1", "ns3"]))],
    },
    Zone {
        name: "serial",
        delegated: BOTH,
        served: [Some((GOOD_SOA, NAMES)), Some(("2 14400 3600 604800 3600", NAMES))],
    },
    Zone {
        name: "timers",
        delegated: BOTH,
        served: [Some(("1 60 120 600 10", NAMES)), Some(("1 60 120 600 10", NAMES))],
    },
    Zone {
        name: "silent",
        delegated: &[("ns1", FIRST), ("ns2", NOBODY)],
        served: [Some((GOOD_SOA, NAMES)), None],
    },
];

/// What the zone `good.test` holds beside its nameservers.
const RECORDS: &str = "\
@ 3600 IN MX 10 mail
@ IN TXT \"v=spf1 \" \"-all\"
@ IN CAA 0 issue \"ca.example.net\"
mail IN A 127.0.0.1
www IN CNAME mail
gone IN CNAME nothing
_https._tcp IN SRV 1 2 443 www
_443._tcp IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
svc IN HTTPS 1 . alpn=h2,h3 port=8443
*.wild IN TXT \"any\"
";

struct Bind {
    folder: Folder,
    parent_port: u16,
    port: u16,
    _processes: [Named; 2],
}

impl Bind {
    fn start() -> Self {
        let folder = Folder::new();
        folder.write("test.zone", &parent_zone());
        let parent = "zone test { type primary; file \"test.zone\"; };\n";
        let mut views = String::new();
        for (i, address) in [FIRST, SECOND].into_iter().enumerate() {
            let _ = writeln!(views, "view v{i} {{ match-destinations {{ {address}; }};");
            for zone in &ZONES {
                let Some((soa, names)) = zone.served[i] else {
                    continue;
                };
                let file = format!("{}.{i}.zone", zone.name);
                folder.write(&file, &child_zone(zone, soa, names));
                let name = zone.name;
                let _ = writeln!(views, "zone {name}.test {{ type primary; file \"{file}\"; }};");
            }
            // A zone that does not load: its file is missing at the second one.
            if i == 0 {
                folder.write("broken.0.zone", &child_zone(&ZONES[0], GOOD_SOA, NAMES));
            }
            let file = format!("broken.{i}.zone");
            let _ = writeln!(
                views,
                "zone broken.test {{ type primary; file \"{file}\"; }};\n}};"
            );
        }
        let port = || free_port(&[SECOND], &[NOBODY]);
        let (parent_port, port) = (port(), port());
        let processes = [
            Named::start(&folder, "parent", parent_port, "none", OPTIONS, parent),
            Named::start(&folder, "children", port, SECOND, OPTIONS, &views),
        ];
        Self {
            folder,
            parent_port,
            port,
            _processes: processes,
        }
    }

    /// What a probe says of a name.
    fn check(&self, probe: &str, name: &str, settings: &str) -> Report {
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
        report
    }

    fn delegation(&self, zone: &str) -> (String, String) {
        let settings = format!(
            "parents = [\"{FIRST}:{}\"], port = {}",
            self.parent_port, self.port
        );
        let report = self.check("dns.delegation", &format!("{zone}.test"), &settings);
        let codes = codes(&report, "dns.delegation").join(" ");
        let row = &report.requirement("dns.delegation").unwrap().targets[0];
        (codes, row.outcome.summary.clone())
    }

    fn records(&self, name: &str, settings: &str) -> (String, String) {
        let settings = format!("must_have_address = false, records = [{settings}]");
        let report = self.check("dns.records", name, &settings);
        let said = codes(&report, "dns.records").join(" ");
        (status(&report, "dns.records").to_owned(), said)
    }
}

fn parent_zone() -> String {
    let mut zone = format!("$TTL 300\n@ IN SOA ns. admin. {GOOD_SOA}\n@ IN NS ns\nns IN A {FIRST}\n");
    let broken = ("broken", BOTH);
    let zones = ZONES.iter().map(|zone| (zone.name, zone.delegated));
    for (name, servers) in zones.chain([broken]) {
        for (server, address) in servers {
            let family = family(address);
            let _ = writeln!(
                zone,
                "{name} IN NS {server}.{name}\n{server}.{name} IN {family} {address}"
            );
        }
    }
    zone
}

fn child_zone(zone: &Zone, soa: &str, names: &[&str]) -> String {
    let mut text = format!("$TTL 300\n@ IN SOA ns1 admin {soa}\n");
    for name in names {
        let address = zone.delegated.iter().find(|(known, _)| known == name);
        let address = address.map_or(NOBODY, |(_, address)| address);
        let _ = writeln!(text, "@ IN NS {name}\n{name} IN {} {address}", family(address));
    }
    if zone.name == "good" {
        text.push_str(RECORDS);
    }
    text
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "AAAA" } else { "A" }
}

#[test]
fn each_fault_of_a_delegation_is_named() {
    let bind = Bind::start();
    let (codes, summary) = bind.delegation("good");
    assert_eq!(
        (codes.as_str(), summary.as_str()),
        ("", "2 nameservers, 2 addresses, serial 1")
    );
    for (zone, wanted) in [
        ("half", "nameserver_refuses"),
        ("broken", "nameserver_fails"),
        ("single", "too_few_nameservers"),
        ("same", "too_few_addresses"),
        ("differ", "parent_and_child_differ"),
        ("serial", "serials_differ"),
        ("timers", "soa_timer soa_timer soa_timer soa_timer"),
        ("silent", "nameserver_silent"),
        ("none", "zone_does_not_exist"),
        ("ns", "not_delegated"),
    ] {
        let (codes, summary) = bind.delegation(zone);
        assert_eq!(codes, wanted, "{zone}: {summary}");
        println!("{zone}: {summary}");
    }
}

#[test]
fn records_of_every_type_are_compared() {
    let bind = Bind::start();
    for (name, set, wanted) in [
        (
            "good.test",
            "{ type = 'MX', values = ['10 mail.good.test.'] }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ type = 'MX', values = ['10 other.test'] }",
            ("fail", "missing_record unexpected_record"),
        ),
        (
            "good.test",
            "{ type = 'MX', max_ttl_seconds = 300 }",
            ("fail", "ttl_too_long"),
        ),
        (
            "good.test",
            "{ type = 'MX', min_ttl_seconds = 3601 }",
            ("fail", "ttl_too_short"),
        ),
        (
            "good.test",
            "{ type = 'MX', min_ttl_seconds = 3600, max_ttl_seconds = 3600 }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ type = 'TXT', values = ['v=spf1 -all'] }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ type = 'CAA', values = ['0 issue ca.example.net'] }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ type = 'NS', values = ['ns1.good.test', 'ns2.good.test'] }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ type = 'SOA', values = ['ns1.good.test admin.good.test 1 14400 3600 604800 3600'] }",
            ("pass", ""),
        ),
        (
            "svc.good.test",
            "{ type = 'HTTPS', values = ['1 . port=8443 alpn=h2,h3'] }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ name = '_443._tcp.good.test', type = 'TLSA', values = ['3 1 1 \
             0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef'] }",
            ("pass", ""),
        ),
        // The target of an SRV record must not be an alias.
        (
            "good.test",
            "{ name = '_https._tcp.good.test', type = 'SRV', values = ['1 2 443 www.good.test'] }",
            ("fail", "target_is_alias"),
        ),
        ("good.test", "{ type = 'SRV', absent = 'nodata' }", ("pass", "")),
        (
            "good.test",
            "{ type = 'SRV', absent = 'nxdomain' }",
            ("fail", "name_exists"),
        ),
        (
            "good.test",
            "{ name = 'no.good.test', type = 'A', absent = 'nxdomain' }",
            ("pass", ""),
        ),
        (
            "good.test",
            "{ name = 'no.good.test', type = 'A', absent = 'nodata' }",
            ("fail", "nxdomain"),
        ),
        (
            "good.test",
            "{ name = 'a.wild.good.test', type = 'TXT', absent = 'either' }",
            ("fail", "record_exists"),
        ),
        (
            "good.test",
            "{ name = 'gone.good.test', type = 'A' }",
            ("fail", "dangling_alias"),
        ),
    ] {
        let (status, codes) = bind.records(name, set);
        assert_eq!((status.as_str(), codes.as_str()), wanted, "{name} {set}");
    }
}
