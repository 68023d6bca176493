use readiness_core::{
    Target,
    fact::{Endpoint, LocalRoute, Route, TlsHandshake, TlsSession, Trust},
    testing::Facts,
};

use super::*;
use crate::tls::fixtures::{self, DAY, NOW, Pki};

fn chain(ders: &[&[u8]]) -> ServerChain {
    ServerChain::new(ders.iter().map(|der| der.to_vec()).collect())
}

fn shows(ders: &[&[u8]]) -> TlsFacts {
    let session = TlsSession::new(chain(ders), Trust::Trusted);
    TlsFacts::new(TlsEnd::Established(Box::new(session)))
}

fn key_of(der: &[u8]) -> KeyInFile {
    KeyInFile::PublicSha256(Certificate::read(der).unwrap().key_sha256())
}

/// What the probe says where the file holds this and each address shows that.
fn judged(files: CertificateFileFacts, served: &[TlsFacts]) -> Outcome {
    judged_on("https", files, served)
}

fn judged_on(scheme: &str, files: CertificateFileFacts, served: &[TlsFacts]) -> Outcome {
    let probe = TlsServedMatchesFile {
        certificate_file: "/etc/tls/chain.pem".to_owned(),
        key_file: files.key.as_ref().map(|_| "/etc/tls/key.pem".to_owned()),
        starttls: None,
    };
    let key = CertificateFiles::new("/etc/tls/chain.pem").key(probe.key_file.clone());
    let mut facts = Facts::new().with(key, files);
    let addresses: Vec<std::net::IpAddr> = (1..=served.len())
        .map(|n| format!("192.0.2.{n}").parse().unwrap())
        .collect();
    for (address, served) in addresses.iter().zip(served) {
        let endpoint = Endpoint::new((*address, 443).into(), "example.com", true);
        facts = facts
            .with(LocalRoute::new(*address), Route::new(true))
            .with(TlsHandshake::new(endpoint), served.clone());
    }
    let lookup = |family| readiness_core::fact::DnsLookup::address("example.com", family);
    let answer = |addresses: &[std::net::IpAddr]| {
        readiness_core::fact::DnsAnswer::of_addresses("example.com", addresses, "test")
    };
    facts = facts
        .with(lookup(readiness_core::fact::Family::V4), answer(&addresses))
        .with(lookup(readiness_core::fact::Family::V6), answer(&[]));
    facts.judge(
        &probe,
        &Target::parse(&format!("{scheme}://example.com:443")).unwrap(),
    )
}

fn codes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| (finding.status.word(), &*finding.code))
        .collect()
}

#[test]
fn what_is_served_is_held_against_the_file() {
    let pki = Pki::new();
    let old = pki.leaf(&["example.com"], 80, 10);
    let new = pki.leaf(&["example.com"], 5, 85);
    let other = pki.leaf(&["example.com"], 5, 85);
    let gone = pki.leaf(&["example.com"], 100, -2);
    let (inter, root) = (&*pki.intermediate, &*pki.root);
    for (file, served, expected, said) in [
        (
            &[&*new, inter][..],
            &[&*new, inter][..],
            None,
            "is served, until 2027-02-12",
        ),
        // A file of one certificate says nothing of the chain.
        (&[&new], &[&new, inter], None, "is served"),
        (
            &[&new, inter],
            &[&new],
            Some(("warn", "other_chain")),
            "1 certificate is served",
        ),
        (
            &[&new, inter],
            &[&new, inter, root],
            Some(("warn", "other_chain")),
            "3 certificates",
        ),
        (
            &[&new, inter],
            &[&new, root],
            Some(("warn", "other_chain")),
            "other intermediates",
        ),
        (
            &[&new, inter],
            &[&old, inter],
            Some(("fail", "not_reloaded")),
            "issued 2026-09-01, the file has one issued 2026-11-15 (until 2026-11-29; the file's until 2027-02-12)",
        ),
        (
            &[&new],
            &[&gone],
            Some(("fail", "not_reloaded")),
            "(expired 2026-11-17; the file's until",
        ),
        (&[&old], &[&new], Some(("fail", "file_is_older")), "go back"),
        (
            &[&new],
            &[&other],
            Some(("fail", "other_certificate")),
            "another certificate",
        ),
        (
            &[&new],
            &[],
            Some(("fail", "no_certificate_served")),
            "no certificate",
        ),
        (
            &[&new],
            &[b"garbage"],
            Some(("fail", "no_certificate_served")),
            "no certificate",
        ),
    ] {
        let outcome = judged(CertificateFileFacts::new(chain(file)), &[shows(served)]);
        assert_eq!(
            codes(&outcome),
            expected.into_iter().collect::<Vec<_>>(),
            "{outcome:?}"
        );
        let finding = outcome.findings.first();
        let told = finding.map_or(outcome.summary.clone(), |f| format!("{} {}", f.message, f.remedy));
        assert!(told.contains(said), "{said}: {told}");
    }
}

#[test]
fn each_address_is_looked_at() {
    let pki = Pki::new();
    let (old, new) = (
        pki.leaf(&["example.com"], 80, 10),
        pki.leaf(&["example.com"], 5, 85),
    );
    let file = || CertificateFileFacts::new(chain(&[&new]));
    let outcome = judged(file(), &[shows(&[&new]), shows(&[&old]), shows(&[&new])]);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), [("fail", "not_reloaded")]);
    assert_eq!(outcome.findings[0].subject, "192.0.2.2");
    let outcome = judged(file(), &[shows(&[&new]), shows(&[&new])]);
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn the_key_is_held_against_the_certificate() {
    let pki = Pki::new();
    let (leaf, other) = (
        pki.leaf(&["example.com"], 5, 85),
        pki.leaf(&["example.com"], 5, 85),
    );
    let whole = [&*leaf, &*pki.intermediate];
    let unusable = KeyInFile::Unusable {
        problem: "is no valid PEM".to_owned(),
    };
    let unreadable = KeyInFile::Unreadable {
        problem: "holds a key that nobody here reads".to_owned(),
    };
    for (key, mode, expected) in [
        (key_of(&leaf), None, &[][..]),
        (key_of(&leaf), Some(0o600), &[]),
        (key_of(&leaf), Some(0o640), &[]),
        (key_of(&leaf), Some(0o660), &[]),
        (key_of(&leaf), Some(0o601), &[]),
        (key_of(&leaf), Some(0o604), &[("warn", "key_open_to_all")]),
        (key_of(&leaf), Some(0o666), &[("warn", "key_open_to_all")]),
        (key_of(&leaf), Some(0o602), &[("warn", "key_open_to_all")]),
        (
            key_of(&other),
            Some(0o644),
            &[("fail", "key_mismatch"), ("warn", "key_open_to_all")],
        ),
        (key_of(&pki.intermediate), None, &[("fail", "key_mismatch")]),
        (KeyInFile::Encrypted, None, &[("unknown", "key_locked")]),
        (unusable, None, &[("fail", "no_key")]),
        (unreadable, None, &[("unknown", "key_unreadable")]),
    ] {
        let mut facts = KeyFileFacts::new(key);
        facts.mode = mode;
        let files = CertificateFileFacts::new(chain(&whole)).key(facts);
        let outcome = judged(files, &[shows(&whole)]);
        assert_eq!(codes(&outcome), expected, "{outcome:?}");
        let word = expected.first().map_or("pass", |(word, _)| word);
        assert_eq!(outcome.status.word(), word);
    }
    let files = CertificateFileFacts::new(chain(&whole)).key(KeyFileFacts::new(key_of(&pki.intermediate)));
    let outcome = judged(files, &[shows(&whole)]);
    assert!(outcome.findings[0].message.contains("certificate 2 of the file"));
    assert_eq!(outcome.summary, outcome.findings[0].message);
}

#[test]
fn one_key_goes_by_two_algorithms() {
    use crate::tls::fixtures::forge::{Forged, algorithm, key, oid};
    let mut forged = Forged::leaf(&["example.com"]);
    let digests = [oid::RSA, oid::PSS].map(|kind| {
        forged.key = key(&algorithm(kind, &[5, 0]), &[1, 2, 3]);
        Certificate::read(&forged.der()).unwrap().key_sha256()
    });
    assert_eq!(digests[0], digests[1]);
}

#[test]
fn files_without_a_certificate_are_named() {
    let served = [shows(&[fixtures::shared_leaf()])];
    let broken = CertificateFileFacts::unusable("is empty; expected PEM");
    let outcome = judged(broken, &served);
    assert_eq!(codes(&outcome), [("fail", "no_certificate")]);
    let outcome = judged(CertificateFileFacts::new(chain(&[b"\x30\x00"])), &served);
    assert_eq!(codes(&outcome), [("fail", "no_certificate")]);
}

#[test]
fn without_a_look_nothing_passes() {
    let pki = Pki::new();
    let leaf = pki.sign(fixtures::leaf_params(&["example.com"], -DAY, DAY));
    let file = || CertificateFileFacts::new(chain(&[&leaf]));
    assert!(judged_on("http", file(), &[]).status.is_not_applicable());
    // The files are at fault also where TLS is spoken by something else.
    let other = key_of(&pki.leaf(&["example.com"], 5, 85));
    let outcome = judged_on("http", file().key(KeyFileFacts::new(other)), &[]);
    assert_eq!(codes(&outcome), [("fail", "key_mismatch")]);
    let refused = TlsFacts::new(TlsEnd::Refused {
        reason: Reason::TLS_ALERT,
        message: "the peer sent the alert `handshake_failure`".to_owned(),
        chain: ServerChain::default(),
    });
    assert!(judged(file(), &[refused]).status.is_unknown());
    // What was shown before the end is compared all the same.
    let demanding = TlsFacts::new(TlsEnd::Refused {
        reason: Reason::TLS_CLIENT_CERTIFICATE_REQUIRED,
        message: "x".to_owned(),
        chain: chain(&[&leaf]),
    });
    assert!(judged(file(), &[demanding]).status.is_pass());
    let probe = TlsServedMatchesFile {
        certificate_file: "x".to_owned(),
        ..TlsServedMatchesFile::default()
    };
    let unread = Facts::new()
        .at(NOW)
        .judge(&probe, &Target::parse("https://192.0.2.1").unwrap());
    assert!(unread.status.is_unknown());
}

#[test]
fn settings_are_checked() {
    let check = |settings: serde_json::Value| {
        let probe: TlsServedMatchesFile = serde_json::from_value(settings).unwrap();
        probe.check()
    };
    use serde_json::json;
    assert!(check(json!({ "certificate_file": "a.pem", "key_file": "b.pem" })).is_ok());
    assert!(check(json!({})).unwrap_err().contains("`certificate_file`"));
    assert!(
        check(json!({ "certificate_file": "a", "key_file": "" }))
            .unwrap_err()
            .contains("`key_file`")
    );
}
