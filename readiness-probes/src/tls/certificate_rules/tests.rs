use readiness_core::{
    Finding, Profile, Target,
    fact::{
        Anchor, AnchorStore, DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute, Route,
        ServerChain, TlsHandshake, TlsSession, Trust,
    },
    testing::{Facts, faults_of_outcome},
};

use super::*;
use crate::tls::fixtures::{
    DAY, NOW,
    forge::{AGREE, CERT_SIGN, ENCIPHER, Forged, SIGN, algorithm, ec, key, oid, rsa},
    tlv,
};

fn leaf() -> Forged {
    Forged::leaf(&["www.example.com"])
}

/// A handshake that showed these; `public` tells whether the root is, where one is known.
fn established(chain: &[&Forged], public: Option<bool>) -> TlsFacts {
    let chain = ServerChain::new(chain.iter().map(|forged| forged.der()).collect());
    let mut session = TlsSession::new(chain, Trust::Trusted);
    session.anchor = public.map(|public| {
        let anchor = Anchor::new("Forged Root CA", AnchorStore::Platform);
        if public { anchor.public() } else { anchor }
    });
    TlsFacts::new(TlsEnd::Established(Box::new(session)))
}

fn judged(chain: &[&Forged], public: Option<bool>) -> Outcome {
    let outcome = judge(&established(chain, public), &TlsCertificateRules::default(), true);
    assert_eq!(faults_of_outcome(&outcome), [""; 0]);
    outcome
}

fn told(finding: &Finding) -> (&str, &str, &str) {
    let word = if finding.is_note() {
        "note"
    } else {
        finding.status.word()
    };
    (word, finding.code.as_str(), finding.subject.as_str())
}

fn all(outcome: &Outcome) -> Vec<(&str, &str, &str)> {
    outcome.findings.iter().map(told).collect()
}

#[test]
fn certificates_by_the_rules_are_silent() {
    for public in [None, Some(false)] {
        let outcome = judged(&[&leaf(), &Forged::authority()], public);
        assert_eq!(all(&outcome), []);
        assert_eq!(outcome.summary, "by the rules: EC, P-256, 90 days");
    }
    let public = leaf().logs(2).with(oid::CRL, false, &crl());
    let outcome = judged(&[&public, &Forged::authority()], Some(true));
    assert_eq!(all(&outcome), []);
    let scope = &outcome.evidence[2];
    assert_eq!(scope.value, "apply: the root `Forged Root CA` is public");
}

/// A CRL distribution point with an address.
fn crl() -> Vec<u8> {
    let url = tlv(0x86, b"http://crl.example/1.crl");
    tlv(0x30, &tlv(0x30, &tlv(0xa0, &tlv(0xa0, &url))))
}

#[test]
fn each_breach_of_the_servers_certificate_is_named() {
    let with = |change: &dyn Fn(&mut Forged)| {
        let mut forged = leaf();
        change(&mut forged);
        forged
    };
    let serial = |bytes: &[u8]| with(&|f| f.serial = bytes.to_vec());
    for (what, forged, expected) in [
        ("RSA 2048", with(&|f| f.key = rsa(2048, &[1, 0, 1])), None),
        (
            "RSA 2047, told elsewhere",
            with(&|f| f.key = rsa(2047, &[1, 0, 1])),
            None,
        ),
        (
            "RSA 2049",
            with(&|f| f.key = rsa(2049, &[1, 0, 1])),
            Some(("warn", "odd_modulus")),
        ),
        (
            "exponent 3",
            with(&|f| f.key = rsa(2048, &[3])),
            Some(("warn", "small_exponent")),
        ),
        (
            "P-521",
            with(&|f| f.key = ec(oid::P521)),
            Some(("note", "rare_key")),
        ),
        (
            "Ed25519",
            with(&|f| f.key = key(&algorithm(oid::ED25519, &[]), &[5; 32])),
            Some(("note", "rare_key")),
        ),
        (
            "no purpose",
            leaf().without(oid::EKU),
            Some(("warn", "no_purpose")),
        ),
        (
            "any purpose",
            leaf().purposes(&[oid::SERVER, oid::ANY]),
            Some(("warn", "any_purpose")),
        ),
        (
            "clients too, of a private authority",
            leaf().purposes(&[oid::SERVER, oid::CLIENT]),
            None,
        ),
        ("no key usage", leaf().without(oid::KEY_USAGE), None),
        (
            "an EC key that enciphers",
            leaf().key_usage(SIGN | ENCIPHER),
            Some(("warn", "odd_key_usage")),
        ),
        (
            "an RSA key that enciphers",
            with(&|f| f.key = rsa(2048, &[1, 0, 1])).key_usage(SIGN | ENCIPHER),
            None,
        ),
        (
            "an RSA key that agrees",
            with(&|f| f.key = rsa(2048, &[1, 0, 1])).key_usage(SIGN | AGREE),
            Some(("warn", "odd_key_usage")),
        ),
        (
            "signs certificates",
            leaf().key_usage(SIGN | CERT_SIGN),
            Some(("warn", "odd_key_usage")),
        ),
        (
            "no authority key identifier",
            leaf().without(oid::AKI),
            Some(("warn", "no_authority_key_id")),
        ),
        (
            "another key of its issuer",
            leaf().with(oid::AKI, false, &tlv(0x30, &tlv(0x80, &[6; 20]))),
            Some(("warn", "key_id_mismatch")),
        ),
        ("serial 1", serial(&[1]), None),
        ("serial 0", serial(&[0]), Some(("warn", "bad_serial"))),
        (
            "a negative serial",
            serial(&[0x80, 1]),
            Some(("warn", "bad_serial")),
        ),
        ("a serial of 20 octets", serial(&[0x7f; 20]), None),
        (
            "a serial of 20 octets and a sign",
            serial(&[vec![0], vec![0x80; 20]].concat()),
            None,
        ),
        (
            "a serial of 21 octets",
            serial(&[0x7f; 21]),
            Some(("warn", "bad_serial")),
        ),
        (
            "an underscore",
            Forged::leaf(&["a_b.example.com"]),
            Some(("warn", "underscore")),
        ),
    ] {
        let outcome = judged(&[&forged, &Forged::authority()], Some(false));
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(word, code)| (word, code, "chain[0]"))
            .collect();
        assert_eq!(all(&outcome), expected, "{what}");
    }
}

#[test]
fn each_breach_of_an_intermediate_is_named() {
    let with = |change: &dyn Fn(&mut Forged)| {
        let mut forged = Forged::authority();
        change(&mut forged);
        forged
    };
    let authority = Forged::authority;
    for (what, forged, expected) in [
        (
            "RSA 4095",
            with(&|f| f.key = rsa(4095, &[1, 0, 1])),
            "odd_modulus",
        ),
        (
            "no key usage",
            authority().without(oid::KEY_USAGE),
            "no_key_usage",
        ),
        (
            "constraints that are not critical",
            authority().with(oid::BASIC_CONSTRAINTS, false, &[0x30, 3, 1, 1, 0xff]),
            "constraints_not_critical",
        ),
        (
            "no subject key identifier",
            authority().without(oid::SKI),
            "no_subject_key_id",
        ),
        (
            "no authority key identifier",
            authority().without(oid::AKI),
            "no_authority_key_id",
        ),
        ("serial 0", with(&|f| f.serial = vec![0]), "bad_serial"),
    ] {
        let outcome = judged(&[&leaf(), &forged], None);
        assert_eq!(all(&outcome), [("warn", expected, "chain[1]")], "{what}");
    }
}

#[test]
fn public_authorities_have_rules_of_their_own() {
    let good = || leaf().logs(3).with(oid::CRL, false, &crl());
    // issued 20 days before 2026-11-20, when 200 days are the most
    for (what, forged, expected) in [
        ("90 days", good(), None),
        ("199 days", good().lasting(199 * DAY), None),
        (
            "200 days",
            good().lasting(200 * DAY),
            Some(("note", "lifetime_at_limit")),
        ),
        (
            "200 days and a second",
            good().lasting(200 * DAY + 1),
            Some(("warn", "lifetime_too_long")),
        ),
        (
            "398 days",
            good().lasting(398 * DAY),
            Some(("warn", "lifetime_too_long")),
        ),
        (
            "10 years",
            good().lasting(3650 * DAY),
            Some(("fail", "lifetime_too_long")),
        ),
        (
            "no log",
            leaf().with(oid::CRL, false, &crl()),
            Some(("fail", "too_few_scts")),
        ),
        ("2 logs for 90 days", good().logs(2), None),
        (
            "2 logs for 199 days",
            good().logs(2).lasting(199 * DAY),
            Some(("fail", "too_few_scts")),
        ),
        (
            "neither CRL nor OCSP",
            leaf().logs(2),
            Some(("warn", "no_revocation_pointer")),
        ),
        ("the same, for 6 days", leaf().logs(2).lasting(6 * DAY), None),
        (
            "clients too",
            good().purposes(&[oid::SERVER, oid::CLIENT]),
            Some(("note", "client_purpose")),
        ),
        (
            "a common name of its own",
            {
                let mut forged = good();
                forged.subject = "shop".to_owned();
                forged
            },
            Some(("warn", "cn_not_in_san")),
        ),
    ] {
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(word, code)| (word, code, "chain[0]"))
            .collect();
        let chain = [&forged, &Forged::authority()];
        assert_eq!(all(&judged(&chain, Some(true))), expected, "{what}");
        for public in [None, Some(false)] {
            assert_eq!(all(&judged(&chain, public)), [], "{what}");
        }
    }
}

#[test]
fn a_clients_purpose_is_told_by_the_day_of_issue() {
    // Seconds from now to 2026-06-15, and the certificate's 90 days from then on.
    let end = 1_781_481_600 - NOW.unix_seconds();
    for (from, said) in [
        (end - 1, "the next one will not have it"),
        (end, "forbids in those issued from 2026-06-15"),
    ] {
        let mut forged = leaf().logs(3).with(oid::CRL, false, &crl());
        (forged.from, forged.until) = (from, from + 190 * DAY);
        let forged = forged.purposes(&[oid::SERVER, oid::CLIENT]);
        let outcome = judged(&[&forged, &Forged::authority()], Some(true));
        let finding = outcome
            .findings
            .iter()
            .find(|finding| finding.code == "client_purpose");
        let finding = finding.unwrap();
        assert!(
            finding.is_note() && finding.message.contains(said),
            "{}",
            finding.message
        );
        let logs = outcome
            .evidence
            .iter()
            .find(|one| one.label == "certificate transparency");
        assert!(logs.unwrap().value.ends_with("operators were not looked at"));
    }
}

#[test]
fn the_scope_follows_root_profile_and_setting() {
    let chain = [&leaf().lasting(3650 * DAY), &Forged::authority()];
    for (public, setting, wanted, applies) in [
        (Some(true), None, true, true),
        (Some(true), None, false, false),
        (Some(true), Some(false), true, false),
        (Some(false), None, true, false),
        (Some(false), Some(true), false, true),
        (None, None, true, false),
        (None, Some(true), true, true),
    ] {
        let settings = TlsCertificateRules {
            public_rules: setting,
            ..TlsCertificateRules::default()
        };
        let outcome = judge(&established(&chain, public), &settings, wanted);
        assert_eq!(
            outcome.status.is_fail(),
            applies,
            "{public:?} {setting:?} {wanted}"
        );
        let scope = &outcome.evidence[2];
        assert_eq!(scope.label, "rules of public authorities");
        assert_eq!(scope.value.starts_with("apply"), applies, "{}", scope.value);
    }
}

#[test]
fn a_chain_nobody_saw_is_no_pass() {
    let refused = |chain: Vec<Vec<u8>>| {
        TlsFacts::new(TlsEnd::Refused {
            reason: Reason::TLS_ALERT,
            message: "the peer sent the alert `handshake_failure`".into(),
            chain: ServerChain::new(chain),
        })
    };
    let settings = TlsCertificateRules::default();
    let none = judge(&refused(vec![]), &settings, true);
    assert_eq!(none.status, readiness_core::Status::unknown(Reason::TLS_ALERT));
    let seen = judge(&refused(vec![leaf().without(oid::EKU).der()]), &settings, true);
    assert!(seen.status.is_unknown());
    assert!(seen.findings.iter().any(|finding| finding.code == "no_purpose"));
    let empty = TlsFacts::new(TlsEnd::Established(Box::new(TlsSession::new(
        ServerChain::default(),
        Trust::Trusted,
    ))));
    assert!(judge(&empty, &settings, true).status.is_not_applicable());
    let junk = TlsFacts::new(TlsEnd::Established(Box::new(TlsSession::new(
        ServerChain::new(vec![b"junk".to_vec()]),
        Trust::Trusted,
    ))));
    assert!(judge(&junk, &settings, true).status.is_not_applicable());
}

#[test]
fn the_probe_knows_its_profile() {
    let host = "www.example.com";
    let address = "192.0.2.1".parse().unwrap();
    let facts = Facts::new()
        .at(NOW)
        .with(
            DnsLookup::address(host, Family::V4),
            DnsAnswer::of_addresses(host, &[address], "test"),
        )
        .with(
            DnsLookup::address(host, Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(LocalRoute::new(address), Route::new(true))
        .with(
            TlsHandshake::new(Endpoint::new((address, 443).into(), host, true)),
            established(&[&leaf(), &Forged::authority()], Some(true)),
        );
    let probe = TlsCertificateRules::default();
    let target = Target::parse("https://www.example.com").unwrap();
    assert!(facts.judge(&probe, &target).status.is_fail());
    let staging = facts.clone().profile(Profile::staging());
    assert!(staging.judge(&probe, &target).status.is_pass());
    let plain = Target::parse("http://www.example.com").unwrap();
    assert!(facts.judge(&probe, &plain).status.is_not_applicable());
    assert!(Facts::new().judge(&probe, &target).status.is_unknown());
}

#[test]
fn damage_anywhere_ends_in_an_outcome() {
    let whole = leaf().logs(3).with(oid::CRL, false, &crl()).der();
    let authority = Forged::authority().der();
    let judged = |chain: Vec<Vec<u8>>| {
        let mut session = TlsSession::new(ServerChain::new(chain), Trust::Trusted);
        session.anchor = Some(Anchor::new("x", AnchorStore::Given).public().path(vec![0, 1, 7]));
        let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
        judge(&facts, &TlsCertificateRules::default(), true)
    };
    for at in 0..whole.len() {
        let cut = judged(vec![whole[..at].to_vec(), authority.clone()]);
        assert!(cut.status.is_not_applicable(), "cut at {at}");
        for flip in [0x01, 0x80, 0xff] {
            let mut der = whole.clone();
            der[at] ^= flip;
            for chain in [vec![der.clone(), authority.clone()], vec![authority.clone(), der]] {
                assert!(!judged(chain).summary.is_empty(), "{flip:#x} at {at}");
            }
        }
    }
    let many = judged(
        std::iter::once(whole)
            .chain(std::iter::repeat_n(authority, 99))
            .collect(),
    );
    assert!(many.findings.len() < 10, "{many:?}");
}
