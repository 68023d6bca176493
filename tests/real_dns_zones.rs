//! `dns.mail`, `dns.transfer_refused`, `dns.recursion_refused` and `dns.agreement` against real bind9 servers: one
//! with two views, which serves the zones, and a resolver in front of it.

#![allow(clippy::unwrap_used, reason = "a test")]

mod support;

use std::{fmt::Write as _, process::Command};

use readiness_core::{Report, Status};

use self::support::{
    bind::{Named, free_port},
    check::check,
    folder::Folder,
    wellformed::assert_well_formed,
};

const FIRST: &str = "127.0.0.1";
const SECOND: &str = "::1";
/// Nobody listens there.
const NOBODY: &str = "127.0.53.13";

const HEAD: &str = "$TTL 300\n@ IN SOA ns1 admin 1 14400 3600 604800 3600\n@ IN NS ns1\nns1 IN A 127.0.0.1\n";

/// A domain below `mail.test`: its records, what is set, and what is said above notes.
struct Domain {
    name: &'static str,
    /// `@` stands for the domain.
    records: &'static [&'static str],
    settings: &'static str,
    wanted: &'static str,
}

const MX: &str = "@ MX 10 mx.good";
const GOOD_SPF: &str = "@ TXT \"v=spf1 mx -all\"";
const GOOD_DMARC: &str = "_dmarc.@ TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@mail.test\"";

const DOMAINS: [Domain; 33] = [
    Domain {
        name: "good",
        records: &[
            "@ MX 10 mx.good",
            "@ MX 20 mx2.good",
            "@ TXT \"v=spf1 mx a:mx.good.mail.test \" \"include:_spf.good.mail.test -all\"",
            "_spf.@ TXT \"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all\"",
            GOOD_DMARC,
            "mx.@ A 127.0.0.1",
            "mx2.@ AAAA ::1",
            "_mta-sts.@ TXT \"v=STSv1; id=20261120;\"",
            "_smtp._tls.@ TXT \"v=TLSRPTv1; rua=mailto:tls@mail.test\"",
            "@k2048@",
            // An answer that does not fit into a datagram.
            "@ TXT \"a-site-verification=@long@\"",
            "@ TXT \"b-site-verification=@long@\"",
            "@ TXT \"c-site-verification=@long@\"",
            "@ TXT \"d-site-verification=@long@\"",
            "@ TXT \"e-site-verification=@long@\"",
            "@ TXT \"f-site-verification=@long@\"",
        ],
        settings: "mail = 'both', dkim_selectors = ['k2048'], require_mta_sts = true, require_tls_rpt = true",
        wanted: "",
    },
    Domain {
        name: "none",
        records: &[
            "@ A 192.0.2.1",
            "@ MX 0 .",
            "@ TXT \"v=spf1 -all\"",
            "_dmarc.@ TXT \"v=DMARC1; p=reject\"",
        ],
        settings: "mail = 'none'",
        wanted: "",
    },
    Domain {
        name: "none-unsaid",
        records: &[
            "@ MX 0 .",
            "@ TXT \"v=spf1 -all\"",
            "_dmarc.@ TXT \"v=DMARC1; p=reject\"",
        ],
        settings: "",
        wanted: "",
    },
    Domain {
        name: "nothing",
        records: &["@ A 192.0.2.1"],
        settings: "",
        wanted: "no_null_mx spf_missing dmarc_missing",
    },
    Domain {
        name: "no-mx",
        records: &["@ TXT \"v=spf1 ip4:192.0.2.1 -all\"", GOOD_DMARC],
        settings: "mail = 'both'",
        wanted: "no_mx",
    },
    Domain {
        name: "null-mx",
        records: &["@ MX 0 .", "@ TXT \"v=spf1 ip4:192.0.2.1 -all\"", GOOD_DMARC],
        settings: "mail = 'both'",
        wanted: "null_mx",
    },
    Domain {
        name: "null-and-more",
        records: &["@ MX 0 .", MX, GOOD_SPF, GOOD_DMARC],
        settings: "",
        wanted: "null_mx_beside_others",
    },
    Domain {
        name: "mx-alias",
        records: &["@ MX 10 alias.@", "alias.@ CNAME mx.good", GOOD_SPF, GOOD_DMARC],
        settings: "",
        wanted: "target_is_alias",
    },
    Domain {
        name: "mx-gone",
        records: &["@ MX 10 gone.@", GOOD_SPF, GOOD_DMARC],
        settings: "",
        wanted: "dangling_target",
    },
    Domain {
        name: "mx-empty",
        records: &["@ MX 10 text.@", "text.@ TXT x", GOOD_SPF, GOOD_DMARC],
        settings: "",
        wanted: "target_without_address",
    },
    Domain {
        name: "mx-elsewhere",
        records: &["@ MX 10 mx.unserved.example.", GOOD_SPF, GOOD_DMARC],
        settings: "",
        wanted: "target_not_looked_up",
    },
    Domain {
        name: "spf-two",
        records: &[MX, GOOD_SPF, "@ TXT \"v=spf1 ~all\"", GOOD_DMARC],
        settings: "",
        wanted: "spf_several",
    },
    Domain {
        name: "spf-wrong",
        records: &[MX, "@ TXT \"v=spf1 ipv4:192.0.2.1 -all\"", GOOD_DMARC],
        settings: "",
        wanted: "spf_syntax",
    },
    Domain {
        name: "spf-open",
        records: &[MX, "@ TXT \"v=spf1 +all\"", GOOD_DMARC],
        settings: "",
        wanted: "spf_allows_all",
    },
    Domain {
        name: "spf-neutral",
        records: &[MX, "@ TXT \"v=spf1 mx ?all\"", GOOD_DMARC],
        settings: "",
        wanted: "spf_all_neutral",
    },
    Domain {
        name: "spf-ptr",
        records: &[MX, "@ TXT \"v=spf1 ptr -all\"", GOOD_DMARC],
        settings: "",
        wanted: "spf_ptr",
    },
    Domain {
        name: "spf-loop",
        records: &[
            MX,
            "@ TXT \"v=spf1 include:a.spf-loop.mail.test -all\"",
            "a.@ TXT \"v=spf1 include:spf-loop.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "spf_loop",
    },
    Domain {
        name: "spf-ten",
        records: &[
            MX,
            "@ TXT \"v=spf1 include:a.spf-ten.mail.test mx mx mx mx -all\"",
            "a.@ TXT \"v=spf1 mx:good.mail.test mx:good.mail.test mx:good.mail.test mx:good.mail.test \
             a:mx.good.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "",
    },
    Domain {
        name: "spf-eleven",
        records: &[
            MX,
            "@ TXT \"v=spf1 include:a.spf-eleven.mail.test mx mx mx mx mx -all\"",
            "a.@ TXT \"v=spf1 mx:good.mail.test mx:good.mail.test mx:good.mail.test mx:good.mail.test \
             a:mx.good.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "spf_too_many_lookups",
    },
    Domain {
        name: "spf-void-two",
        records: &[
            MX,
            "@ TXT \"v=spf1 a:no1.mail.test a:no2.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "",
    },
    Domain {
        name: "spf-void-three",
        records: &[
            MX,
            "@ TXT \"v=spf1 a:no1.mail.test a:no2.mail.test exists:no3.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "spf_too_many_void_lookups",
    },
    Domain {
        name: "spf-gone",
        records: &[
            MX,
            "@ TXT \"v=spf1 include:_spf.gone.mail.test -all\"",
            GOOD_DMARC,
        ],
        settings: "",
        wanted: "spf_include_without_record",
    },
    Domain {
        name: "spf-macro",
        records: &[MX, "@ TXT \"v=spf1 mx exists:%{ir}._spf.%{d} -all\"", GOOD_DMARC],
        settings: "",
        wanted: "",
    },
    Domain {
        name: "dmarc-none",
        records: &[
            MX,
            GOOD_SPF,
            "_dmarc.@ TXT \"v=DMARC1; p=none; rua=mailto:a@mail.test\"",
        ],
        settings: "",
        wanted: "dmarc_policy_none",
    },
    Domain {
        name: "dmarc-wrong",
        records: &[MX, GOOD_SPF, "_dmarc.@ TXT \"v=DMARC1; p=block\""],
        settings: "",
        wanted: "dmarc_policy_invalid",
    },
    Domain {
        name: "dmarc-two",
        records: &[MX, GOOD_SPF, GOOD_DMARC, "_dmarc.@ TXT \"v=DMARC1; p=none\""],
        settings: "",
        wanted: "dmarc_several",
    },
    Domain {
        name: "dkim-gone",
        records: &[MX, GOOD_SPF, GOOD_DMARC],
        settings: "dkim_selectors = ['k2048']",
        wanted: "dkim_key_missing",
    },
    Domain {
        name: "dkim-revoked",
        records: &[MX, GOOD_SPF, GOOD_DMARC, "s._domainkey.@ TXT \"v=DKIM1; p=\""],
        settings: "dkim_selectors = ['s']",
        wanted: "dkim_revoked",
    },
    Domain {
        name: "dkim-1024",
        records: &[MX, GOOD_SPF, GOOD_DMARC, "@k1024@"],
        settings: "dkim_selectors = ['k1024']",
        wanted: "dkim_key_short",
    },
    Domain {
        name: "dkim-512",
        records: &[MX, GOOD_SPF, GOOD_DMARC, "@k512@"],
        settings: "dkim_selectors = ['k512']",
        wanted: "dkim_key_too_short",
    },
    Domain {
        name: "sts-wrong",
        records: &[
            MX,
            GOOD_SPF,
            GOOD_DMARC,
            "_mta-sts.@ TXT \"v=STSv1; id=2026-11-20\"",
        ],
        settings: "",
        wanted: "mta_sts_invalid",
    },
    // Every name below it has the same text.
    Domain {
        name: "wildcard",
        records: &[MX, GOOD_SPF, "*.@ TXT \"v=spf1 -all\""],
        settings: "dkim_selectors = ['s']",
        wanted: "dmarc_missing dkim_invalid",
    },
    Domain {
        name: "sends-not",
        records: &[MX, GOOD_SPF, GOOD_DMARC],
        settings: "mail = 'none'",
        wanted: "unexpected_mx spf_allows_senders",
    },
];

/// The TXT record of a DKIM key of so many bits, which `openssl` makes.
fn key_record(bits: u32) -> String {
    let script = format!(
        "openssl genrsa {bits} 2>/dev/null | openssl rsa -pubout -outform DER 2>/dev/null | base64 -w 200"
    );
    let made = Command::new("sh").args(["-c", &script]).output().unwrap();
    let lines = String::from_utf8(made.stdout).unwrap();
    let strings: Vec<String> = lines.lines().map(|line| format!("\"{line}\"")).collect();
    assert!(!strings.is_empty(), "openssl is installed");
    format!(
        "k{bits}._domainkey.@ TXT \"v=DKIM1; k=rsa; p=\" {}",
        strings.join(" ")
    )
}

fn mail_zone() -> String {
    let mut zone = HEAD.to_owned();
    let long = "x".repeat(200);
    for domain in &DOMAINS {
        for record in domain.records {
            let made = match *record {
                "@k2048@" => key_record(2_048),
                "@k1024@" => key_record(1_024),
                "@k512@" => key_record(512),
                plain => plain.replace("@long@", &long),
            };
            let (owner, data) = made.split_once(' ').unwrap();
            // In a name `@` is the domain, in a text it is itself.
            let owner = owner.replace('@', domain.name);
            let data = match data.split_once('"') {
                Some((kind, text)) => format!("{kind}\"{text}"),
                None => data.replace('@', domain.name),
            };
            let _ = writeln!(zone, "{owner} IN {data}");
        }
    }
    zone
}

/// What both views have, and what each has alone.
const ALIKE: &str = "www A 192.0.2.1\nwww A 192.0.2.2\nonly4 A 192.0.2.1\n";
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
        folder.write("mail.zone", &mail_zone());
        folder.write("plain.zone", HEAD);
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
