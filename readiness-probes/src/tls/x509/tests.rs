use proptest::prelude::*;

use super::*;
use crate::tls::fixtures::{self, DAY, NOW};

#[test]
fn facts_come_from_the_der() {
    let pki = fixtures::Pki::new();
    let der = pki.leaf(
        &["example.com", "*.example.com", "192.0.2.7", "2001:db8::7"],
        10,
        80,
    );
    let certificate = Certificate::read(&der).unwrap();
    assert_eq!(
        certificate.names_text(),
        "example.com, *.example.com, 192.0.2.7, 2001:db8::7"
    );
    assert_eq!(
        (certificate.subject.as_str(), certificate.issuer.as_str()),
        ("leaf", "Example Issuing CA")
    );
    assert_eq!(certificate.not_after, NOW.plus_seconds(80 * DAY - 1));
    assert_eq!(certificate.lifetime_seconds(), 90 * DAY);
    assert_eq!(certificate.fingerprint().len(), 64);
    assert!(!certificate.is_self_issued());
    let issuer = Certificate::read(&pki.intermediate).unwrap();
    assert!(certificate.is_issued_by(&issuer) && issuer.is_authority());
    assert!(!issuer.is_issued_by(&certificate));
}

#[test]
fn names_match_by_the_alternative_name_alone() {
    let pki = fixtures::Pki::new();
    let der = pki.leaf(
        &[
            "example.com",
            "*.a.example.com",
            "192.0.2.7",
            "xn--bcher-kva.example",
        ],
        10,
        80,
    );
    for (host, expected) in [
        ("example.com", true),
        ("EXAMPLE.com", true),
        ("example.com.", true),
        ("b.a.example.com", true),
        ("a.example.com", false),
        ("c.b.a.example.com", false),
        ("www.example.com", false),
        ("xn--bcher-kva.example", true),
        ("192.0.2.7", true),
        ("192.0.2.8", false),
        ("::1", false),
        // the common name is no name of the certificate
        ("leaf", false),
        ("not a name", false),
        ("", false),
    ] {
        assert_eq!(is_for_host(&der, host), Some(expected), "{host}");
    }
    assert_eq!(is_for_host(b"junk", "example.com"), None);
}

#[test]
fn long_lists_of_names_end() {
    let pki = fixtures::Pki::new();
    let names: Vec<String> = (0..50).map(|n| format!("h{n}.example.com")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let der = pki.leaf(&names, 10, 80);
    let certificate = Certificate::read(&der).unwrap();
    assert!(certificate.names_text().ends_with("h19.example.com and 30 more"));
}

#[test]
fn the_tls_feature_is_read() {
    for (value, expected) in [
        (&[0x30, 3, 2, 1, 5][..], Some(true)),
        (&[0x30, 3, 2, 1, 17], Some(true)),
        (&[0x30, 6, 2, 1, 9, 2, 1, 5], Some(true)),
        (&[0x30, 3, 2, 1, 6], Some(false)),
        (&[0x30, 0], Some(false)),
        (&[0x30, 3, 4, 1, 5], None),
        (&[2, 1, 5], None),
        (&[], None),
    ] {
        assert_eq!(demands_staple(value), expected, "{value:?}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Certificate::read(&bytes);
        let _ = is_for_host(&bytes, "example.com");
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0_usize..2000, byte in any::<u8>(), cut in 0_usize..2000) {
        let mut der = fixtures::shared_leaf().to_vec();
        if let Some(old) = der.get_mut(at) {
            *old = byte;
        }
        der.truncate(cut);
        let _ = Certificate::read(&der);
        let _ = is_for_host(&der, "example.com");
    }
}
