//! What clients refuse, one fault each, in certificates written by hand.

use super::*;
use crate::tls::fixtures::forge::{
    AGREE, CERT_SIGN, ENCIPHER, Forged, SIGN, algorithm, dns, ec, key, oid, rsa,
};
use crate::tls::fixtures::tlv;

fn leaf() -> Forged {
    Forged::leaf(&["example.com", "www.example.com"])
}

fn codes(facts: &TlsFacts) -> Vec<(String, String, String)> {
    let outcome = judged(facts, "example.com");
    let faults = faults(&outcome);
    faults
        .into_iter()
        .map(|(word, code, subject)| (word.to_owned(), code.to_owned(), subject.to_owned()))
        .collect()
}

fn owned(expected: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    expected
        .iter()
        .map(|&(word, code, subject)| (word.to_owned(), code.to_owned(), subject.to_owned()))
        .collect()
}

fn other(message: &str) -> Trust {
    Trust::Untrusted {
        kind: UntrustedKind::Other,
        message: format!("invalid peer certificate: {message}"),
    }
}

#[test]
fn each_fault_of_the_servers_certificate_is_named() {
    let pss = |parameters: &[u8]| algorithm(oid::PSS, parameters);
    let sha256 = algorithm(
        &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01],
        &[0x05, 0],
    );
    let with = |change: &dyn Fn(&mut Forged)| {
        let mut forged = leaf();
        change(&mut forged);
        forged
    };
    for (what, forged, expected) in [
        ("nothing wrong", leaf(), vec![]),
        ("RSA 2048", with(&|f| f.key = rsa(2048, &[1, 0, 1])), vec![]),
        (
            "RSA 2049, told elsewhere",
            with(&|f| f.key = rsa(2049, &[1, 0, 1])),
            vec![],
        ),
        (
            "RSA 2047",
            with(&|f| f.key = rsa(2047, &[1, 0, 1])),
            vec!["short_key"],
        ),
        (
            "RSA 1024",
            with(&|f| f.key = rsa(1024, &[1, 0, 1])),
            vec!["short_key"],
        ),
        (
            "exponent 1",
            with(&|f| f.key = rsa(2048, &[1])),
            vec!["bad_exponent"],
        ),
        (
            "even exponent",
            with(&|f| f.key = rsa(2048, &[2])),
            vec!["bad_exponent"],
        ),
        (
            "exponent 3, told elsewhere",
            with(&|f| f.key = rsa(2048, &[3])),
            vec![],
        ),
        ("P-224", with(&|f| f.key = ec(oid::P224)), vec!["unsupported_key"]),
        ("P-521", with(&|f| f.key = ec(oid::P521)), vec![]),
        (
            "a curve nobody knows",
            with(&|f| f.key = ec(oid::UNKNOWN)),
            vec!["unsupported_key"],
        ),
        (
            "a curve by its parameters",
            with(&|f| f.key = key(&algorithm(oid::EC, &tlv(0x30, &[2, 1, 1])), &[4; 65])),
            vec!["unsupported_key"],
        ),
        (
            "Ed25519",
            with(&|f| f.key = key(&algorithm(oid::ED25519, &[]), &[5; 32])),
            vec![],
        ),
        (
            "DSA",
            with(&|f| f.key = key(&algorithm(oid::DSA, &[]), &[2, 1, 1])),
            vec!["unsupported_key"],
        ),
        (
            "an RSA key that is none",
            with(&|f| f.key = key(&algorithm(oid::RSA, &[0x05, 0]), b"junk")),
            vec!["unsupported_key"],
        ),
        (
            "SHA-1",
            with(&|f| f.signature = algorithm(oid::SHA1_RSA, &[0x05, 0])),
            vec!["weak_signature"],
        ),
        (
            "MD5",
            with(&|f| f.signature = algorithm(oid::MD5_RSA, &[0x05, 0])),
            vec!["weak_signature"],
        ),
        (
            "SHA-1 with ECDSA",
            with(&|f| f.signature = algorithm(oid::SHA1_ECDSA, &[])),
            vec!["weak_signature"],
        ),
        // without a hash it is SHA-1
        (
            "PSS with SHA-1",
            with(&|f| f.signature = pss(&[0x30, 0])),
            vec!["weak_signature"],
        ),
        (
            "PSS without parameters",
            with(&|f| f.signature = pss(&[])),
            vec!["weak_signature"],
        ),
        (
            "PSS with SHA-256",
            with(&|f| f.signature = pss(&tlv(0x30, &tlv(0xa0, &sha256)))),
            vec![],
        ),
        (
            "an authority",
            leaf().with(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff]),
            vec!["leaf_is_authority"],
        ),
        (
            "no authority, in words",
            leaf().with(oid::BASIC_CONSTRAINTS, true, &[0x30, 0]),
            vec![],
        ),
        ("version 1", with(&|f| f.version = 0), vec!["old_version"]),
        (
            "key usage without signing",
            leaf().key_usage(ENCIPHER),
            vec!["wrong_key_usage"],
        ),
        (
            "key usage of both",
            leaf().key_usage(SIGN | ENCIPHER | AGREE),
            vec![],
        ),
        ("no key usage", leaf().without(oid::KEY_USAGE), vec![]),
        (
            "clients only",
            leaf().purposes(&[oid::CLIENT]),
            vec!["wrong_purpose"],
        ),
        (
            "any purpose only",
            leaf().purposes(&[oid::ANY]),
            vec!["wrong_purpose"],
        ),
        (
            "any purpose, told elsewhere",
            leaf().purposes(&[oid::SERVER, oid::ANY]),
            vec![],
        ),
        ("no purpose, told elsewhere", leaf().without(oid::EKU), vec![]),
        (
            "unknown and critical",
            leaf().with(oid::UNKNOWN, true, &[0x05, 0]),
            vec!["unknown_critical_extension"],
        ),
        ("unknown", leaf().with(oid::UNKNOWN, false, &[0x05, 0]), vec![]),
    ] {
        let facts = established(&[&forged.der(), &Forged::authority().der()], Trust::Trusted);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|code| ("fail", code, "chain[0]"))
            .collect();
        assert_eq!(codes(&facts), owned(&expected), "{what}");
    }
}

#[test]
fn each_fault_of_an_intermediate_is_named() {
    let authority = Forged::authority;
    let with = |change: &dyn Fn(&mut Forged)| {
        let mut forged = authority();
        change(&mut forged);
        forged
    };
    for (what, forged, expected) in [
        ("nothing wrong", authority(), None),
        (
            "SHA-1",
            with(&|f| f.signature = algorithm(oid::SHA1_RSA, &[0x05, 0])),
            Some("weak_signature"),
        ),
        (
            "RSA 1024",
            with(&|f| f.key = rsa(1024, &[1, 0, 1])),
            Some("short_key"),
        ),
        (
            "no authority",
            authority().without(oid::BASIC_CONSTRAINTS),
            Some("not_an_authority"),
        ),
        (
            "CA:FALSE",
            authority().with(oid::BASIC_CONSTRAINTS, true, &[0x30, 0]),
            Some("not_an_authority"),
        ),
        (
            "may sign no certificates",
            authority().key_usage(SIGN),
            Some("wrong_key_usage"),
        ),
        (
            "for clients",
            authority().purposes(&[oid::CLIENT]),
            Some("wrong_purpose"),
        ),
        ("for any purpose", authority().purposes(&[oid::ANY]), None),
        (
            "unknown and critical",
            authority().with(oid::UNKNOWN, true, &[0x05, 0]),
            Some("unknown_critical_extension"),
        ),
        ("version 1", with(&|f| f.version = 0), Some("old_version")),
    ] {
        let facts = established(&[&leaf().der(), &forged.der()], Trust::Trusted);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|code| ("fail", code, "chain[1]"))
            .collect();
        assert_eq!(codes(&facts), owned(&expected), "{what}");
    }
}

#[test]
fn an_authority_that_signed_its_new_key_with_its_old_one_is_no_root() {
    use readiness_core::fact::{Anchor, AnchorStore};
    let mut leaf = leaf();
    leaf.issuer = "Forged Root CA".to_owned();
    let mut rollover = Forged::authority();
    rollover.subject = "Forged Root CA".to_owned();
    rollover.until = -DAY;
    for (forged, anchored, expected) in [
        // It names the old key: an intermediate, whose dates count.
        (rollover.clone(), true, Some("expired")),
        (rollover.clone(), false, Some("expired")),
        // Without key identifiers only the verified path tells.
        (
            rollover.clone().without(oid::AKI).without(oid::SKI),
            true,
            Some("expired"),
        ),
        (rollover.without(oid::AKI), false, None),
    ] {
        let chain = ServerChain::new(vec![leaf.der(), forged.der()]);
        let mut session = TlsSession::new(chain, Trust::Trusted);
        session.anchor =
            anchored.then(|| Anchor::new("Forged Root CA", AnchorStore::Platform).path(vec![0, 1]));
        let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|code| ("fail", code, "chain[1]"))
            .collect();
        assert_eq!(codes(&facts), owned(&expected));
    }
}

#[test]
fn a_roots_own_signature_counts_for_nothing() {
    let mut root = Forged::authority();
    root.issuer = "Forged Root CA".to_owned();
    root.subject = "Forged Root CA".to_owned();
    root.signature = algorithm(oid::SHA1_RSA, &[0x05, 0]);
    root.key = rsa(1024, &[1, 0, 1]);
    // its key identifier, which the intermediate names
    let root = root.with(oid::SKI, false, &tlv(0x04, &[8; 20]));
    let facts = established(
        &[&leaf().der(), &Forged::authority().der(), &root.der()],
        Trust::Trusted,
    );
    let outcome = judged(&facts, "example.com");
    assert_eq!(faults(&outcome), []);
    assert_eq!(outcome.findings[0].code, "root_sent");
}

#[test]
fn what_the_verifier_says_is_explained_once() {
    let inter = Forged::authority().der();
    let constrained = Forged::authority()
        .with(
            &[0x55, 0x1d, 30],
            true,
            &tlv(0x30, &tlv(0xa0, &tlv(0x30, &dns(b"x.example")))),
        )
        .der();
    let mut weak = leaf();
    weak.signature = algorithm(oid::SHA1_RSA, &[0x05, 0]);
    let mut old = leaf();
    old.version = 0;
    let authority = leaf().with(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff]);
    let mut short = Forged::authority();
    short.key = rsa(1024, &[1, 0, 1]);
    let bad = Trust::Untrusted {
        kind: UntrustedKind::UnknownIssuer,
        message: "invalid peer certificate: BadSignature".into(),
    };
    for (ders, trust, expected) in [
        (
            [weak.der(), inter.clone()],
            other("UnsupportedSignatureAlgorithmContext"),
            ("fail", "weak_signature", "chain[0]"),
        ),
        (
            [leaf().der(), inter.clone()],
            other("UnsupportedSignatureAlgorithmContext"),
            ("fail", "unsupported_signature", "chain[0]"),
        ),
        (
            [authority.der(), inter.clone()],
            other("Other(OtherError(CaUsedAsEndEntity))"),
            ("fail", "leaf_is_authority", "chain[0]"),
        ),
        (
            [old.der(), inter.clone()],
            other("Other(OtherError(UnsupportedCertVersion))"),
            ("fail", "old_version", "chain[0]"),
        ),
        (
            [leaf().der(), constrained],
            other("Other(OtherError(NameConstraintViolation))"),
            ("fail", "name_constraints", "chain[0]"),
        ),
        (
            [leaf().der(), inter.clone()],
            other("Other(OtherError(PathLenConstraintViolated))"),
            ("fail", "path_too_long", "chain[0]"),
        ),
        (
            [leaf().der(), short.der()],
            bad,
            ("fail", "short_key", "chain[1]"),
        ),
    ] {
        let facts = established(&[&ders[0], &ders[1]], trust);
        assert_eq!(codes(&facts), owned(&[expected]));
        if expected.1 == "name_constraints" {
            let message = judged(&facts, "example.com").findings[0].message.clone();
            assert!(message.contains("`Forged Issuing CA` (chain[1])"), "{message}");
        }
    }
}

#[test]
fn a_handshake_signed_with_a_weak_key_has_one_cause() {
    for bits in [1024, 2047] {
        let mut short = leaf();
        short.key = rsa(bits, &[1, 0, 1]);
        let chain = ServerChain::new(vec![short.der(), Forged::authority().der()]);
        let mut session = TlsSession::new(chain, Trust::Trusted);
        session.signature_valid = false;
        let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
        assert_eq!(codes(&facts), owned(&[("fail", "short_key", "chain[0]")]));
        let outcome = judged(&facts, "example.com");
        let expected = format!("the certificate has an RSA key of {bits} bits");
        assert_eq!(outcome.summary, expected);
    }
}

#[test]
fn malformed_extensions_are_named() {
    let san = &dns(b"example.com");
    for (forged, part) in [
        (
            leaf().with(oid::KEY_USAGE, false, b"junk"),
            "`keyUsage` cannot be read",
        ),
        (
            leaf().with(oid::AKI, false, &[0x30, 9]),
            "`authorityKeyIdentifier` cannot be read",
        ),
        (
            leaf().with(oid::SCT, false, &[4, 1, 1]),
            "`SCT list` cannot be read",
        ),
        (
            leaf().with(oid::TLS_FEATURE, false, &[4, 1, 5]),
            "`TLS feature` cannot be read",
        ),
        (
            leaf().and(oid::SAN, false, &tlv(0x30, san)),
            "`subjectAltName` is there twice",
        ),
        (
            leaf()
                .and(oid::UNKNOWN, false, &[5, 0])
                .and(oid::UNKNOWN, false, &[5, 0]),
            "`1.3.6.1.4.1.99999.1` is there twice",
        ),
    ] {
        for (trust, word) in [(Trust::Trusted, "warn"), (other("BadEncoding"), "fail")] {
            let outcome = judged(
                &established(&[&forged.der(), &Forged::authority().der()], trust),
                "example.com",
            );
            let found = outcome
                .findings
                .iter()
                .find(|finding| finding.code == "malformed_extension");
            let found = found.unwrap_or_else(|| panic!("{part}: {outcome:?}"));
            assert_eq!(found.status.word(), word, "{part}");
            assert!(found.message.contains(part), "{}", found.message);
        }
    }
}

#[test]
fn damage_anywhere_ends_in_an_outcome() {
    let whole = leaf().key_usage(CERT_SIGN).logs(3).der();
    let authority = Forged::authority().der();
    for at in 0..whole.len() {
        let cut = judged(
            &established(&[&whole[..at], &authority], other("BadEncoding")),
            "example.com",
        );
        assert!(cut.status.is_fail(), "cut at {at}");
        for flip in [0x01, 0x80, 0xff] {
            let mut der = whole.clone();
            der[at] ^= flip;
            let outcome = judged(&established(&[&der, &authority], Trust::Trusted), "example.com");
            assert!(!outcome.summary.is_empty());
            let outcome = judged(&established(&[&authority, &der], other("x")), "example.com");
            assert!(outcome.status.is_fail(), "{flip:#x} at {at}");
        }
    }
}
