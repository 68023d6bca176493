mod faults;
mod live;
mod sections;

use readiness_core::{
    Profile, Status, Target,
    fact::{
        DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute, Route, ServerChain, TlsHandshake,
        TlsSession,
    },
    testing::Facts,
};

use super::*;
use crate::tls::fixtures::{self, DAY, NOW, Pki};

fn untrusted(kind: UntrustedKind) -> Trust {
    Trust::Untrusted {
        kind,
        message: format!("invalid peer certificate: {kind:?}"),
    }
}

fn established(ders: &[&[u8]], trust: Trust) -> TlsFacts {
    let chain = ServerChain::new(ders.iter().map(|der| der.to_vec()).collect());
    TlsFacts::new(TlsEnd::Established(Box::new(TlsSession::new(chain, trust))))
}

fn judged(facts: &TlsFacts, host: &str) -> Outcome {
    judged_at(facts, host, NOW)
}

fn judged_at(facts: &TlsFacts, host: &str, now: Timestamp) -> Outcome {
    let rules = Rules {
        settings: &TlsCertificate::default(),
        unknown_root_fails: true,
        expiry_informs: false,
        now,
    };
    judge(facts, host, &rules)
}

/// The codes and subjects of what is more than a note.
fn faults(outcome: &Outcome) -> Vec<(&str, &str, &str)> {
    outcome
        .findings
        .iter()
        .filter(|finding| !finding.is_note())
        .map(|finding| {
            assert!(!finding.remedy.is_empty(), "{} has no remedy", finding.code);
            (
                finding.status.word(),
                finding.code.as_str(),
                finding.subject.as_str(),
            )
        })
        .collect()
}

#[test]
fn a_good_chain_passes_and_is_shown() {
    let pki = Pki::new();
    let leaf = pki.leaf(&["example.com"], 29, 61);
    let outcome = judged(
        &established(&[&leaf, &pki.intermediate], Trust::Trusted),
        "example.com",
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(
        outcome.summary,
        "valid for 60 days (until 2027-01-19), issued by Example Issuing CA"
    );
    let shown = |label: &str| {
        let evidence = outcome.evidence.iter().find(|evidence| evidence.label == label);
        evidence.unwrap().value.as_str()
    };
    assert_eq!(shown("lifetime"), "90 days");
    assert_eq!(shown("trust"), "trusted");
    assert_eq!(shown("names"), "example.com");
    assert_eq!(shown("sha256").len(), 64);
    assert_eq!(shown("agreed upon"), "TLSv1.3, TLS_AES_128_GCM_SHA256");
    assert!(shown("chain").contains(" → Example Issuing CA (until "));
}

#[test]
fn each_fault_has_its_own_name() {
    let pki = Pki::new();
    let good = pki.leaf(&["example.com"], 29, 61);
    let old = pki.leaf(&["example.com"], 90, -1);
    let early = pki.leaf(&["example.com"], -2, 88);
    let soon = pki.leaf(&["example.com"], 70, 20);
    let params = || fixtures::leaf_params(&["example.com"], -DAY, 80 * DAY);
    let no_san = pki.sign(fixtures::leaf_params(&[], -DAY, 80 * DAY));
    let mut client = params();
    client.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let client = pki.sign(client);
    let mut any = params();
    any.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::Any];
    let any = pki.sign(any);
    let mut critical = params();
    let mut extension = rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    critical.custom_extensions.push(extension);
    let critical = pki.sign(critical);
    let own = fixtures::self_signed(&params());
    let inter = pki.intermediate.as_slice();
    use UntrustedKind as Kind;
    for (ders, trust, expected) in [
        (
            &[&*old, inter][..],
            untrusted(Kind::Expired),
            vec![("fail", "expired", "chain[0]")],
        ),
        (
            &[&*early, inter],
            untrusted(Kind::NotYetValid),
            vec![("fail", "not_yet_valid", "chain[0]")],
        ),
        (
            &[&*soon, inter],
            Trust::Trusted,
            vec![("warn", "expires_soon", "chain[0]")],
        ),
        (
            &[&*no_san, inter],
            untrusted(Kind::WrongName),
            vec![("fail", "no_san", "chain[0]")],
        ),
        (
            &[&*client, inter],
            untrusted(Kind::Purpose),
            vec![("fail", "wrong_purpose", "chain[0]")],
        ),
        (
            &[&*any, inter],
            untrusted(Kind::Purpose),
            vec![("fail", "wrong_purpose", "chain[0]")],
        ),
        // the purpose of an intermediate, which only the verifier looks at
        (
            &[&*good, inter],
            untrusted(Kind::Purpose),
            vec![("fail", "wrong_purpose", "chain[0]")],
        ),
        (
            &[&*own],
            untrusted(Kind::UnknownIssuer),
            vec![("fail", "self_signed", "chain[0]")],
        ),
        (
            &[&*own],
            untrusted(Kind::Other),
            vec![("fail", "self_signed", "chain[0]")],
        ),
        (
            &[&*good],
            untrusted(Kind::UnknownIssuer),
            vec![("fail", "missing_intermediate", "chain[0]")],
        ),
        (
            &[&*good, inter],
            untrusted(Kind::UnknownIssuer),
            vec![("fail", "unknown_root", "chain[1]")],
        ),
        (
            &[&*good, inter],
            untrusted(Kind::Other),
            vec![("fail", "untrusted", "chain[0]")],
        ),
        (
            &[&*critical, inter],
            untrusted(Kind::Other),
            vec![("fail", "unknown_critical_extension", "chain[0]")],
        ),
        (
            &[b"junk", inter],
            untrusted(Kind::Other),
            vec![("fail", "malformed", "chain[0]")],
        ),
        (
            &[&*good, inter, b"junk"],
            Trust::Trusted,
            vec![("warn", "malformed", "chain[2]")],
        ),
        (
            &[&*good, &*good, inter],
            Trust::Trusted,
            vec![("warn", "duplicate", "chain[1]")],
        ),
        (
            &[&*good, &*pki.root, inter],
            Trust::Trusted,
            vec![("warn", "wrong_order", "chain[1]")],
        ),
        (&[&*good, inter, &*pki.root], Trust::Trusted, vec![]),
        (&[], Trust::Trusted, vec![("fail", "no_certificate", "")]),
        // dates and a near end do not hide what the verifier says
        (
            &[&*soon, inter],
            untrusted(Kind::Other),
            vec![
                ("fail", "untrusted", "chain[0]"),
                ("warn", "expires_soon", "chain[0]"),
            ],
        ),
    ] {
        let outcome = judged(&established(ders, trust), "example.com");
        assert_eq!(faults(&outcome), expected);
    }
    // Made anew under the name of the one that is trusted.
    let bad = Trust::Untrusted {
        kind: Kind::UnknownIssuer,
        message: "invalid peer certificate: BadSignature".into(),
    };
    let outcome = judged(&established(&[&own], bad), "example.com");
    assert_eq!(faults(&outcome), [("fail", "self_signed", "chain[0]")]);
    let wrong = judged(
        &established(&[&good, inter], untrusted(Kind::WrongName)),
        "shop.example.com",
    );
    assert_eq!(faults(&wrong), [("fail", "wrong_host", "chain[0]")]);
    assert_eq!(
        wrong.findings[0].message,
        "is not for `shop.example.com`, it is for example.com"
    );
    assert_eq!(wrong.summary, "the certificate is not for `shop.example.com`");
}

#[test]
fn several_faults_are_all_told() {
    let leaf = Pki::new().leaf(&["example.com"], 90, -1);
    let outcome = judged(
        &established(&[&leaf], untrusted(UntrustedKind::UnknownIssuer)),
        "other.example",
    );
    let codes: Vec<&str> = faults(&outcome).into_iter().map(|(_, code, _)| code).collect();
    assert_eq!(codes, ["wrong_host", "expired", "missing_intermediate"]);
}

#[test]
fn signatures_that_do_not_verify_fail() {
    let pki = Pki::new();
    let leaf = pki.leaf(&["example.com"], 29, 61);
    let chain = ServerChain::new(vec![leaf.clone(), pki.intermediate.clone()]);
    let mut session = TlsSession::new(chain, Trust::Trusted);
    session.signature_valid = false;
    let facts = TlsFacts::new(TlsEnd::Established(Box::new(session)));
    assert_eq!(
        faults(&judged(&facts, "example.com")),
        [("fail", "bad_signature", "chain[0]")]
    );
    for (message, code) in [
        ("invalid peer certificate: BadSignature", "bad_signature"),
        (
            "invalid peer certificate: UnsupportedSignatureAlgorithmContext",
            "unsupported_signature",
        ),
        (
            "invalid peer certificate: NameConstraintViolation",
            "name_constraints",
        ),
        ("invalid peer certificate: SomethingNew", "untrusted"),
    ] {
        let trust = Trust::Untrusted {
            kind: UntrustedKind::Other,
            message: message.into(),
        };
        let outcome = judged(&established(&[&leaf, &pki.intermediate], trust), "example.com");
        assert_eq!(faults(&outcome), [("fail", code, "chain[0]")]);
        let said = outcome.findings[0]
            .evidence
            .iter()
            .any(|said| said.value == message);
        assert!(said, "{outcome:?}");
    }
}

#[test]
fn the_intermediate_has_its_own_end() {
    for (left, trust, expected) in [
        (
            20 * DAY,
            Trust::Trusted,
            vec![("warn", "expires_soon", "chain[1]")],
        ),
        (
            14 * DAY,
            Trust::Trusted,
            vec![("fail", "expires_soon", "chain[1]")],
        ),
        (30 * DAY + 1, Trust::Trusted, vec![]),
        (
            -1,
            untrusted(UntrustedKind::Expired),
            vec![("fail", "expired", "chain[1]")],
        ),
        // expired by the run's instant, whatever the verifier's clock said
        (-1, Trust::Trusted, vec![("fail", "expired", "chain[1]")]),
    ] {
        let pki = Pki::with_intermediate(-1000 * DAY, left);
        let leaf = pki.leaf(&["example.com"], 29, 61);
        let outcome = judged(&established(&[&leaf, &pki.intermediate], trust), "example.com");
        assert_eq!(faults(&outcome), expected, "{left}");
    }
}

#[test]
fn a_root_that_is_sent_may_be_old() {
    let pki = Pki::new();
    // Long after the root's end, judged with a leaf of that time.
    let now = NOW.plus_days(2700);
    let inter = Pki::with_intermediate(0, 9000 * DAY);
    let leaf = inter.leaf(&["example.com"], -2690, 2800);
    let root = inter.root.clone();
    let outcome = judged_at(
        &established(&[&leaf, &inter.intermediate, &root], Trust::Trusted),
        "example.com",
        now,
    );
    assert_eq!(faults(&outcome), []);
    assert!(Certificate::read(&pki.root).unwrap().not_after < now);
}

#[test]
fn dates_are_judged_at_the_given_instant() {
    let pki = Pki::new();
    let leaf = pki.leaf(&["example.com"], 29, 61);
    let ders: [&[u8]; 2] = [&leaf, &pki.intermediate];
    // The verifier's clock says expired, the run's says not.
    let outcome = judged(
        &established(&ders, untrusted(UntrustedKind::Expired)),
        "example.com",
    );
    assert!(outcome.status.is_pass());
    assert_eq!(outcome.findings[0].code, "other_clock");
    // And the other way round.
    let late = judged_at(
        &established(&ders, Trust::Trusted),
        "example.com",
        NOW.plus_days(61),
    );
    assert_eq!(faults(&late), [("fail", "expired", "chain[0]")]);
    let early = judged_at(
        &established(&ders, Trust::Trusted),
        "example.com",
        NOW.plus_days(-30),
    );
    assert_eq!(faults(&early), [("fail", "not_yet_valid", "chain[0]")]);
    // A self-signed one stays what it is.
    let own = fixtures::self_signed(&fixtures::leaf_params(&["example.com"], -DAY, 80 * DAY));
    let own = judged(
        &established(&[&own], untrusted(UntrustedKind::Expired)),
        "example.com",
    );
    assert_eq!(faults(&own), [("fail", "self_signed", "chain[0]")]);
}

#[test]
fn a_refused_handshake_is_unknown_and_its_chain_still_told() {
    let pki = Pki::new();
    let refused = |reason: Reason, ders: Vec<Vec<u8>>| {
        TlsFacts::new(TlsEnd::Refused {
            reason,
            message: "the peer sent the alert `handshake_failure`".into(),
            chain: ServerChain::new(ders),
        })
    };
    let outcome = judged(&refused(Reason::TLS_ALERT, vec![]), "example.com");
    assert_eq!(outcome.status, Status::unknown(Reason::TLS_ALERT));
    assert!(outcome.findings[0].remedy.contains("SNI"));
    assert!(
        outcome.findings[0]
            .message
            .ends_with("the certificate was not judged")
    );
    let leaf = pki.leaf(&["example.com"], 29, 61);
    let good = judged(
        &refused(Reason::TLS_CLIENT_CERTIFICATE_REQUIRED, vec![leaf]),
        "example.com",
    );
    assert!(good.status.is_unknown());
    assert!(good.evidence.iter().any(|evidence| evidence.label == "sha256"));
    let old = pki.leaf(&["example.com"], 90, -1);
    let old = judged(&refused(Reason::TLS_ALERT, vec![old]), "example.com");
    assert!(old.status.is_fail());
}

#[test]
fn what_was_seen_before_a_refusal_is_judged_too() {
    let pki = Pki::new();
    let mut params = fixtures::leaf_params(&["example.com"], -DAY, 80 * DAY);
    params
        .custom_extensions
        .push(rcgen::CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 5, 5, 7, 1, 24],
            vec![0x30, 3, 2, 1, 5],
        ));
    let leaf = pki.sign(params);
    let demanding = |trust: Trust, signature_valid: bool| {
        let mut seen = TlsSession::new(ServerChain::default(), trust);
        seen.signature_valid = signature_valid;
        let refused = TlsFacts::new(TlsEnd::Refused {
            reason: Reason::TLS_CLIENT_CERTIFICATE_REQUIRED,
            message: "the peer demands a client certificate".into(),
            chain: ServerChain::new(vec![leaf.clone(), pki.intermediate.clone()]),
        });
        let facts = refused.seen(Some(seen));
        // A recording keeps it.
        let json = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<TlsFacts>(&json).unwrap(), facts);
        judged(&facts, "example.com")
    };
    let staple = ("warn", "must_staple", "chain[0]");
    for (trust, signature_valid, also) in [
        (Trust::Trusted, true, None),
        (
            untrusted(UntrustedKind::UnknownIssuer),
            true,
            Some(("fail", "unknown_root", "chain[1]")),
        ),
        (Trust::Trusted, false, Some(("fail", "bad_signature", "chain[0]"))),
    ] {
        let outcome = demanding(trust, signature_valid);
        let found = faults(&outcome);
        assert!(found.contains(&staple), "{found:?}");
        assert!(found.iter().any(|(_, code, _)| *code == "no_handshake"));
        assert_eq!(found.len(), 2 + usize::from(also.is_some()), "{found:?}");
        assert!(also.is_none_or(|also| found.contains(&also)), "{found:?}");
    }
}

#[test]
fn hostile_chains_end_in_an_outcome() {
    let pki = Pki::new();
    let leaf = pki.leaf(&["example.com"], 29, 61);
    let many: Vec<&[u8]> = std::iter::once(leaf.as_slice())
        .chain(std::iter::repeat_n(pki.intermediate.as_slice(), 99))
        .collect();
    let outcome = judged(&established(&many, Trust::Trusted), "example.com");
    assert!(outcome.status.is_warn());
    assert!(
        outcome
            .findings
            .iter()
            .any(|finding| finding.code == "long_chain")
    );
    assert!(outcome.findings.len() < 10);
    for cut in 0..leaf.len() {
        let outcome = judged(
            &established(&[&leaf[..cut]], untrusted(UntrustedKind::Other)),
            "example.com",
        );
        assert!(outcome.status.is_fail(), "cut at {cut}");
    }
}

#[test]
fn the_probe_asks_each_address_and_knows_its_profile() {
    let pki = Pki::new();
    let soon = pki.leaf(&["db", "example.com"], 85, 5);
    let facts = |host: &str, addresses: &[&str], trust: &Trust| {
        let parsed: Vec<std::net::IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
        let mut facts = Facts::new()
            .with(
                DnsLookup::address(host, Family::V4),
                DnsAnswer::of_addresses(host, &parsed, "test"),
            )
            .with(
                DnsLookup::address(host, Family::V6),
                DnsAnswer::new(DnsResult::NoData, "test"),
            );
        for address in parsed {
            let endpoint = Endpoint::new((address, 443).into(), host, true);
            facts = facts.with(LocalRoute::new(address), Route::new(true)).with(
                TlsHandshake::new(endpoint),
                established(&[&soon, &pki.intermediate], trust.clone()),
            );
        }
        facts
    };
    let probe = TlsCertificate::default();
    let inner = Target::parse("https://db").unwrap();
    let local = facts("db", &["192.0.2.1"], &untrusted(UntrustedKind::UnknownIssuer));
    let outcome = local.judge(&probe, &inner);
    assert_eq!(faults(&outcome), [("warn", "unknown_root", "chain[1]")]);
    assert!(outcome.findings[0].remedy.contains("--ca"));
    assert!(
        local
            .profile(Profile::production())
            .judge(&probe, &inner)
            .status
            .is_fail()
    );
    let target = Target::parse("https://example.com").unwrap();
    let both = facts("example.com", &["192.0.2.1", "192.0.2.2"], &Trust::Trusted);
    let outcome = both.judge(&probe, &target);
    assert_eq!(faults(&outcome), [("fail", "expires_soon", "chain[0]")]);
    let lenient = TlsCertificate {
        warn_days: Some(4),
        fail_days: Some(2),
        ..TlsCertificate::default()
    };
    assert!(both.judge(&lenient, &target).status.is_pass());
    let plain = Target::parse("http://example.com").unwrap();
    assert!(both.judge(&probe, &plain).status.is_not_applicable());
    assert!(Facts::new().judge(&probe, &target).status.is_unknown());
}
