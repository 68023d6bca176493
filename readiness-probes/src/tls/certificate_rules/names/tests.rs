use super::*;
use crate::tls::fixtures::{
    forge::{Forged, dns, oid},
    tlv,
};

/// What is said of a certificate for `example.com` and these names.
fn said(names: &[&str], is_public: bool) -> Vec<(&'static str, String)> {
    let mut forged = Forged::leaf(names);
    forged.subject = String::new();
    let der = forged.der();
    let leaf = Certificate::read(&der).unwrap();
    findings(&leaf, is_public)
        .into_iter()
        .map(word_and_code)
        .collect()
}

fn word_and_code(finding: Finding) -> (&'static str, String) {
    assert_eq!(finding.subject, "chain[0]");
    (
        if finding.is_note() {
            "note"
        } else {
            finding.status.word()
        },
        finding.code,
    )
}

#[test]
fn each_oddity_of_a_name_is_told() {
    let label = |length: usize| "a".repeat(length);
    let long_label = format!("{}.example.com", label(64));
    let fitting_label = format!("{}.example.com", label(63));
    let long_name = format!("{}.com", [label(62), label(62), label(62), label(62)].join("."));
    for (name, expected) in [
        ("example.com", None),
        ("EXAMPLE.com", None),
        ("a-b.example.com", None),
        ("127.example.com", None),
        (fitting_label.as_str(), None),
        (long_label.as_str(), Some("malformed_name")),
        (long_name.as_str(), Some("malformed_name")),
        ("", Some("malformed_name")),
        (".", Some("malformed_name")),
        ("a..example.com", Some("malformed_name")),
        ("-a.example.com", Some("malformed_name")),
        ("a b.example.com", Some("malformed_name")),
        ("https://example.com", Some("malformed_name")),
        ("example.com:443", Some("malformed_name")),
        ("a_b.example.com", Some("underscore")),
        ("_acme.example.com", Some("underscore")),
        ("example.com.", Some("trailing_dot")),
        ("*.example.com", None),
        ("*.a.example.com", None),
        ("*", Some("bare_wildcard")),
        ("*.", Some("bare_wildcard")),
        ("a*.example.com", Some("misplaced_wildcard")),
        ("a.*.example.com", Some("misplaced_wildcard")),
        ("*.*.example.com", Some("misplaced_wildcard")),
        ("**.example.com", Some("misplaced_wildcard")),
        ("*.co.uk", Some("wide_wildcard")),
        ("*.CO.UK", Some("wide_wildcard")),
        ("*.com", Some("wide_wildcard")),
        ("*.internal", Some("wide_wildcard")),
        ("*.example.co.uk", None),
        ("co.uk", None),
        // the rule `*.ck`, and its exception
        ("*.x.ck", Some("wide_wildcard")),
        ("*.www.ck", None),
        ("*.github.io", Some("shared_wildcard")),
        ("*.me.github.io", None),
        ("xn--bcher-kva.example", None),
        ("*.xn--bcher-kva.example", None),
        ("xn--zzzzzzzzz99.example", Some("bad_punycode")),
        ("a.XN--\u{7f}.example", Some("malformed_name")),
        ("bücher.example", Some("not_ascii")),
        ("192.0.2.7", Some("address_as_name")),
        ("2001:db8::7", Some("address_as_name")),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|code| ("warn", code.to_owned()))
            .collect();
        assert_eq!(said(&["example.com", name], false), expected, "{name}");
    }
}

#[test]
fn a_shared_domain_under_a_public_root_is_its_holders() {
    assert_eq!(
        said(&["*.github.io"], true),
        [("note", "shared_wildcard".to_owned())]
    );
    assert_eq!(said(&["*.co.uk"], true), [("warn", "wide_wildcard".to_owned())]);
}

#[test]
fn inner_names_matter_under_a_public_root() {
    for (name, is_inner) in [
        ("db", true),
        ("db.corp", true),
        ("db.local.", true),
        ("db.example", true),
        ("router.home.arpa", true),
        ("local.example.com", false),
        ("example.com", false),
    ] {
        let codes = |is_public| -> Vec<String> {
            said(&[name], is_public)
                .into_iter()
                .map(|(_, code)| code)
                .collect()
        };
        assert_eq!(codes(true).contains(&"inner_name".to_owned()), is_inner, "{name}");
        assert!(!codes(false).contains(&"inner_name".to_owned()), "{name}");
    }
    for (address, is_inner) in [
        (&[10, 0, 0, 1][..], true),
        (&[8, 8, 8, 8], false),
        (&[1; 5], false),
    ] {
        let san = tlv(0x30, &[dns(b"example.com"), tlv(0x87, address)].concat());
        let der = Forged::leaf(&["example.com"]).with(oid::SAN, false, &san).der();
        let leaf = Certificate::read(&der).unwrap();
        let codes: Vec<String> = findings(&leaf, true)
            .into_iter()
            .map(|finding| finding.code)
            .collect();
        assert_eq!(codes.contains(&"inner_name".to_owned()), is_inner, "{address:?}");
        assert_eq!(codes.contains(&"malformed_name".to_owned()), address.len() == 5);
    }
}

#[test]
fn the_common_name_repeats_a_name_byte_by_byte() {
    let names = ["example.com", "*.example.com", "WWW.Example.com"];
    for (common, of_any, of_public) in [
        ("example.com", false, false),
        ("*.example.com", false, false),
        ("WWW.Example.com", false, false),
        ("192.0.2.7", false, false),
        ("www.example.com", true, true),
        ("Example.com", true, true),
        ("a.example.com", true, true),
        ("*.other.example", true, true),
        ("192.0.2.8", true, true),
        ("example.com ", false, true),
        // a private authority's own matter
        ("payment service 3", false, true),
        ("leaf", false, true),
    ] {
        let mut san: Vec<u8> = names.iter().flat_map(|name| dns(name.as_bytes())).collect();
        san.extend(tlv(0x87, &[192, 0, 2, 7]));
        let mut forged = Forged::leaf(&names).with(oid::SAN, false, &tlv(0x30, &san));
        forged.subject = common.to_owned();
        let der = forged.der();
        let leaf = Certificate::read(&der).unwrap();
        for (is_public, expected) in [(false, of_any), (true, of_public)] {
            let found: Vec<String> = findings(&leaf, is_public)
                .into_iter()
                .map(|finding| finding.code)
                .filter(|code| code == "cn_not_in_san")
                .collect();
            assert_eq!(!found.is_empty(), expected, "{common}, public: {is_public}");
        }
    }
    // without any name there is something worse to say
    assert_eq!(said(&[], true), []);
}

#[test]
fn many_names_make_one_finding() {
    let names: Vec<String> = (0..40).map(|n| format!("a_{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut forged = Forged::leaf(&names);
    forged.subject = String::new();
    let der = forged.der();
    let leaf = Certificate::read(&der).unwrap();
    let found = findings(&leaf, false);
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .message
            .contains("`a_4.example.com` and 35 more with an underscore"),
        "{}",
        found[0].message
    );
}
