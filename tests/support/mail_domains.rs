//! Domains with good mail, and with mail that is broken in each way.

use std::{fmt::Write as _, process::Command};

/// A domain below `mail.test`: its records, what is set, and what is said above notes.
pub struct Domain {
    pub name: &'static str,
    /// `@` stands for the domain.
    pub records: &'static [&'static str],
    pub settings: &'static str,
    pub wanted: &'static str,
}

const MX: &str = "@ MX 10 mx.good";
const GOOD_SPF: &str = "@ TXT \"v=spf1 mx -all\"";
const GOOD_DMARC: &str = "_dmarc.@ TXT \"v=DMARC1; p=reject; rua=mailto:dmarc@mail.test\"";

pub const DOMAINS: [Domain; 33] = [
    Domain {
        name: "good",
        records: &[
            "@ MX 10 mx.good",
            "@ MX 20 mx2.good",
            "@ TXT \"v=spf1 mx a:mx.good.mail.test \" \"include:_spf.good.mail.test -all\"",
            "_spf.@ TXT \"v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ~all\"",
            GOOD_DMARC,
            "mx.@ A 1.1.1.1",
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

/// The zone `mail.test` with all of them, behind its head.
pub fn zone_of_all(head: &str) -> String {
    let mut zone = head.to_owned();
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
