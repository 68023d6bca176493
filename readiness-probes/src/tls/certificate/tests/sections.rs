//! Names that must be covered, the renewal, the best path, and what a staple says.

use readiness_core::fact::{Anchor, AnchorStore};

use super::*;
use crate::tls::fixtures::{
    forge::{Forged, algorithm, oid, time},
    tlv,
};

fn leaf() -> Forged {
    Forged::leaf(&["example.com", "www.example.com"])
}

#[test]
fn names_that_must_be_covered_are_each_looked_for() {
    let forged = Forged::leaf(&["example.com", "*.example.com", "xn--bcher-kva.example"]);
    let facts = established(&[&forged.der(), &Forged::authority().der()], Trust::Trusted);
    let missing = |names: &[&str]| {
        let settings = TlsCertificate {
            must_cover: names.iter().map(|&name| name.to_owned()).collect(),
            ..TlsCertificate::default()
        };
        assert_eq!(settings.check(), Ok(()));
        let rules = Rules {
            settings: &settings,
            unknown_root_fails: true,
            expiry_informs: false,
            now: NOW,
        };
        let outcome = judge(&facts, "example.com", &rules);
        let found = outcome.findings.into_iter().map(|finding| {
            assert_eq!(
                (finding.status.word(), finding.code.as_str()),
                ("fail", "not_covered")
            );
            finding.subject
        });
        found.collect::<Vec<_>>()
    };
    assert_eq!(
        missing(&[
            "example.com",
            "www.example.com",
            "bücher.example",
            "WWW.Example.com."
        ]),
        [""; 0]
    );
    assert_eq!(
        missing(&["a.b.example.com", "192.0.2.7", "www.example.com"]),
        ["chain[0] `a.b.example.com`", "chain[0] `192.0.2.7`"]
    );
}

#[test]
fn a_certificate_that_verifiers_cannot_read_covers_nobody_knows_what() {
    let forged = leaf().with(oid::UNKNOWN, true, &[5, 0]);
    let settings = TlsCertificate {
        must_cover: vec!["other.example".to_owned()],
        ..TlsCertificate::default()
    };
    let rules = Rules {
        settings: &settings,
        unknown_root_fails: true,
        expiry_informs: false,
        now: NOW,
    };
    let facts = established(
        &[&forged.der(), &Forged::authority().der()],
        untrusted(UntrustedKind::Other),
    );
    let outcome = judge(&facts, "example.com", &rules);
    let expected = [("fail", "unknown_critical_extension", "chain[0]")];
    assert_eq!(faults(&outcome), expected);
}

#[test]
fn a_subject_alternative_name_of_other_kinds_is_one() {
    for (san, expected) in [
        (
            Some(tlv(0x81, b"a@example.com")),
            "names no host in its subject alternative name",
        ),
        (
            Some(tlv(0x86, b"https://example.com")),
            "names no host in its subject alternative name",
        ),
        (None, "has no subject alternative name"),
    ] {
        let forged = match san {
            Some(names) => leaf().with(oid::SAN, false, &tlv(0x30, &names)),
            None => leaf().without(oid::SAN),
        };
        let facts = established(&[&forged.der(), &Forged::authority().der()], Trust::Trusted);
        let outcome = judged(&facts, "example.com");
        assert_eq!(faults(&outcome), [("fail", "no_san", "chain[0]")]);
        let message = &outcome.findings[0].message;
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn settings_that_make_no_sense_are_refused() {
    let set = |change: &dyn Fn(&mut TlsCertificate)| {
        let mut settings = TlsCertificate::default();
        change(&mut settings);
        settings.check().err().unwrap_or_default()
    };
    assert_eq!(set(&|_| {}), "");
    assert_eq!(set(&|s| s.warn_percent = Some(100)), "");
    assert_eq!(
        set(&|s| s.warn_percent = Some(101)),
        "`warn_percent` is 101, expected at most 100"
    );
    for (warn, fail, is_fault) in [(4, 3, false), (4, 4, false), (3, 4, true)] {
        let days = set(&|s| (s.warn_days, s.fail_days) = (Some(warn), Some(fail)));
        assert_eq!(days.contains("nothing would warn"), is_fault, "{days}");
        let parts = [warn, fail].map(|part| u8::try_from(part).ok());
        let percent = set(&|s| [s.warn_percent, s.fail_percent] = parts);
        assert_eq!(percent.contains("`warn_percent` is 3"), is_fault, "{percent}");
    }
    // What fails then follows the lifetime.
    assert_eq!(set(&|s| s.warn_days = Some(4)), "");
    assert_eq!(set(&|s| s.renew_before_percent = Some(99)), "");
    assert!(set(&|s| s.renew_before_percent = Some(100)).contains("at most 99"));
    let both = set(&|s| (s.renew_before_days, s.renew_before_percent) = (Some(1), Some(1)));
    assert!(both.contains("expected one of them"));
    let wildcard = set(&|s| s.must_cover = vec!["*.example.com".to_owned()]);
    assert!(wildcard.contains("a name that it covers"), "{wildcard}");
}

#[test]
fn the_renewal_is_told_before_the_end_is_near() {
    for (left, expected) in [
        (30 * DAY + 1, vec![]),
        (30 * DAY, vec![("pass", "renewal_due")]),
        (27 * DAY + 1, vec![("pass", "renewal_due")]),
        (27 * DAY, vec![("warn", "expires_soon")]),
        (13 * DAY, vec![("fail", "expires_soon")]),
        (-1, vec![("fail", "expired")]),
    ] {
        let mut forged = leaf();
        (forged.from, forged.until) = (left + 1 - 90 * DAY, left);
        let outcome = judged(
            &established(&[&forged.der(), &Forged::authority().der()], Trust::Trusted),
            "example.com",
        );
        let found: Vec<(&str, &str)> = outcome
            .findings
            .iter()
            .map(|finding| (finding.status.word(), finding.code.as_str()))
            .collect();
        assert_eq!(found, expected, "{left}");
    }
}

#[test]
fn only_the_best_path_counts() {
    let mut cross = Forged::authority();
    cross.subject = "Forged Root CA".to_owned();
    cross.issuer = "Old Root CA".to_owned();
    cross.until = -30 * DAY;
    let cross = cross.with(oid::SKI, false, &tlv(0x04, &[8; 20])).with(
        oid::AKI,
        false,
        &tlv(0x30, &tlv(0x80, &[9; 20])),
    );
    let mut ending = Forged::authority();
    ending.until = 3 * DAY;
    let judged_along = |path: Option<&[usize]>| {
        let ders = [&leaf(), &ending, &Forged::authority(), &cross].map(|forged| forged.der());
        let mut session = TlsSession::new(ServerChain::new(ders.to_vec()), Trust::Trusted);
        session.anchor =
            path.map(|path| Anchor::new("Forged Root CA", AnchorStore::Platform).path(path.to_vec()));
        let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
        judged(&facts, "example.com")
    };
    // by the issuer that lasts, without what once cross-signed the root
    let best = judged_along(Some(&[0, 2]));
    assert_eq!(faults(&best), []);
    let told: Vec<(&str, &str)> = best
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.subject.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("expires_soon", "chain[1]"),
            ("expired", "chain[3]"),
            ("stray", "chain[1]"),
            ("stray", "chain[3]")
        ]
    );
    assert!(
        best.findings[1]
            .message
            .ends_with("leave it out of the server's file")
    );
    // a path that needs them: each has its own verdict
    let worse = judged_along(Some(&[0, 1, 3]));
    assert_eq!(
        faults(&worse),
        [
            ("fail", "expires_soon", "chain[1]"),
            ("fail", "expired", "chain[3]")
        ]
    );
    // no path is known: the chain as it was sent
    let unknown = judged_along(None);
    assert_eq!(
        faults(&unknown),
        [
            ("fail", "expires_soon", "chain[1]"),
            ("warn", "expired", "chain[3]")
        ]
    );
}

#[test]
fn a_revoked_certificate_is_told_with_its_day() {
    let serial = leaf().serial;
    let id = [
        algorithm(&[0x2b, 0x0e, 0x03, 0x02, 0x1a], &[]),
        tlv(0x04, &[1; 20]),
        tlv(0x04, &[2; 20]),
        tlv(0x02, &serial),
    ]
    .concat();
    let answer = tlv(
        0x30,
        &[
            tlv(0x30, &id),
            tlv(0xa1, &time(-3 * DAY)),
            time(-DAY),
            tlv(0xa0, &time(DAY)),
        ]
        .concat(),
    );
    let data = tlv(0x30, &[tlv(0xa1, &[]), time(0), tlv(0x30, &answer)].concat());
    let basic = tlv(0x30, &data);
    let bytes = tlv(0x30, &[tlv(0x06, &[0x2b, 6]), tlv(0x04, &basic)].concat());
    let staple = tlv(0x30, &[vec![0x0a, 1, 0], tlv(0xa0, &bytes)].concat());
    let chain = ServerChain::new(vec![leaf().der(), Forged::authority().der()]);
    let mut session = TlsSession::new(chain, Trust::Trusted);
    session.ocsp_staple = ServerChain::new(vec![staple]);
    let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
    let outcome = judged(&facts, "example.com");
    assert_eq!(faults(&outcome), [("fail", "revoked", "chain[0]")]);
    assert_eq!(outcome.summary, "the certificate was revoked on 2026-11-17");
}
