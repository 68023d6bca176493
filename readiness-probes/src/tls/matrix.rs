//! Every usual misconfiguration of a certificate, judged by all who judge certificates: what each is called,
//! and that healthy ones are left alone. Servers that really show them are in the workspace's tests.

use readiness_core::{
    Outcome, Probe, Target,
    fact::{
        Anchor, AnchorStore, DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute, Route,
        ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust, UntrustedKind,
    },
    testing::{Facts, faults_of_outcome},
};

use super::{
    TlsCertificate, TlsCertificateRules,
    fixtures::{
        DAY, NOW,
        forge::{Forged, algorithm, ec, oid, rsa},
        tlv,
    },
};

const HOST: &str = "www.example.com";
/// 2026-03-15, in seconds from [`NOW`]: the day from which 200 days are the most.
const LIMIT_OF_2026: i64 = 1_773_532_800 - 1_795_132_800;

/// A scenario: what is served, what the verifier says of it, and what is to be said.
struct Row {
    name: &'static str,
    chain: Vec<Vec<u8>>,
    trust: Trust,
    /// The worst status, and the code of what is behind it.
    expected: (&'static str, &'static str),
}

fn leaf() -> Forged {
    let url = tlv(0x86, b"http://crl.example/1.crl");
    let crl = tlv(0x30, &tlv(0x30, &tlv(0xa0, &tlv(0xa0, &url))));
    Forged::leaf(&[HOST, "example.com"])
        .logs(3)
        .with(oid::CRL, false, &crl)
}

/// Valid for so many days, with so many seconds left.
fn aged(days: i64, left: i64) -> Forged {
    let mut forged = leaf();
    (forged.from, forged.until) = (left + 1 - days * DAY, left);
    forged
}

fn changed(change: impl Fn(&mut Forged)) -> Forged {
    let mut forged = leaf();
    change(&mut forged);
    forged
}

fn authority(change: impl Fn(&mut Forged)) -> Vec<u8> {
    let mut forged = Forged::authority();
    change(&mut forged);
    forged.der()
}

fn root() -> Vec<u8> {
    let mut root = Forged::authority();
    root.subject = "Forged Root CA".to_owned();
    root.with(oid::SKI, false, &tlv(0x04, &[8; 20])).der()
}

fn untrusted(kind: UntrustedKind, message: &str) -> Trust {
    Trust::Untrusted {
        kind,
        message: format!("invalid peer certificate: {message}"),
    }
}

/// One served with its intermediate, and trusted.
fn served(name: &'static str, leaf: &Forged, expected: (&'static str, &'static str)) -> Row {
    with_chain(name, vec![leaf.der(), authority(|_| {})], expected)
}

fn with_chain(name: &'static str, chain: Vec<Vec<u8>>, expected: (&'static str, &'static str)) -> Row {
    Row {
        name,
        chain,
        trust: Trust::Trusted,
        expected,
    }
}

impl Row {
    fn but(mut self, kind: UntrustedKind, message: &str) -> Self {
        self.trust = untrusted(kind, message);
        self
    }
}

fn rows() -> Vec<Row> {
    use UntrustedKind as Kind;
    let days = |days: i64| days * DAY;
    let issued = |from: i64, length: i64| {
        changed(|forged| {
            forged.from = from;
            forged.until = from + length * DAY - 1;
        })
    };
    let inter = || authority(|_| {});
    let own = || {
        changed(|forged| forged.issuer = HOST.to_owned())
            .without(oid::AKI)
            .der()
    };
    let ok = ("pass", "");
    vec![
        served("fresh-6day", &aged(6, days(4)), ok),
        served("fresh-47day", &aged(47, days(30)), ok),
        served("fresh-90day", &aged(90, days(70)), ok),
        served(
            "fresh-rsa",
            &changed(|forged| forged.key = rsa(2048, &[1, 0, 1])),
            ok,
        ),
        served("late-6day", &aged(6, days(1)), ("warn", "expires_soon")),
        served("late-47day", &aged(47, days(10)), ("warn", "expires_soon")),
        served("late-90day", &aged(90, days(20)), ("warn", "expires_soon")),
        served("expires-5d", &aged(90, days(5)), ("fail", "expires_soon")),
        served("expired", &aged(90, -days(1)), ("fail", "expired")).but(Kind::Expired, "certificate expired"),
        served("not-yet-valid", &aged(90, days(91)), ("fail", "not_yet_valid"))
            .but(Kind::NotYetValid, "certificate not valid yet"),
        served(
            "wrong-host",
            &Forged::leaf(&["other.example"]),
            ("fail", "wrong_host"),
        )
        .but(Kind::WrongName, "certificate not valid for name"),
        served("cn-only", &leaf().without(oid::SAN), ("fail", "no_san"))
            .but(Kind::WrongName, "certificate not valid for name"),
        served(
            "cn-not-in-san",
            &changed(|forged| forged.subject = "shop.example.com".to_owned()),
            ("warn", "cn_not_in_san"),
        ),
        with_chain("self-signed", vec![own()], ("fail", "self_signed"))
            .but(Kind::UnknownIssuer, "UnknownIssuer"),
        served("untrusted-root", &leaf(), ("fail", "unknown_root")).but(Kind::UnknownIssuer, "UnknownIssuer"),
        with_chain(
            "missing-intermediate",
            vec![leaf().der()],
            ("fail", "missing_intermediate"),
        )
        .but(Kind::UnknownIssuer, "UnknownIssuer"),
        with_chain(
            "reversed-chain",
            vec![leaf().der(), root(), inter()],
            ("warn", "wrong_order"),
        ),
        with_chain(
            "root-in-chain",
            vec![leaf().der(), inter(), root()],
            ("note", "root_sent"),
        ),
        with_chain(
            "duplicate-leaf",
            vec![leaf().der(), leaf().der(), inter()],
            ("warn", "duplicate"),
        ),
        with_chain(
            "inter-expires-5d",
            vec![leaf().der(), authority(|forged| forged.until = 5 * DAY)],
            ("fail", "expires_soon"),
        ),
        with_chain(
            "inter-expired",
            vec![leaf().der(), authority(|forged| forged.until = -DAY)],
            ("fail", "expired"),
        )
        .but(Kind::Expired, "certificate expired"),
        with_chain(
            "inter-sha1",
            vec![
                leaf().der(),
                authority(|forged| forged.signature = algorithm(oid::SHA1_RSA, &[5, 0])),
            ],
            ("fail", "weak_signature"),
        )
        .but(Kind::Other, "UnsupportedSignatureAlgorithmContext"),
        served(
            "leaf-sha1",
            &changed(|forged| forged.signature = algorithm(oid::SHA1_RSA, &[5, 0])),
            ("fail", "weak_signature"),
        )
        .but(Kind::Other, "UnsupportedSignatureAlgorithmContext"),
        served(
            "rsa1024",
            &changed(|forged| forged.key = rsa(1024, &[1, 0, 1])),
            ("fail", "short_key"),
        ),
        served(
            "rsa2047",
            &changed(|forged| forged.key = rsa(2047, &[1, 0, 1])),
            ("fail", "short_key"),
        ),
        served(
            "p224",
            &changed(|forged| forged.key = ec(oid::P224)),
            ("fail", "unsupported_key"),
        ),
        served(
            "eku-client-only",
            &leaf().purposes(&[oid::CLIENT]),
            ("fail", "wrong_purpose"),
        )
        .but(Kind::Purpose, "InvalidPurpose"),
        served("eku-none", &leaf().without(oid::EKU), ("warn", "no_purpose")),
        served(
            "eku-any",
            &leaf().purposes(&[oid::ANY]),
            ("fail", "wrong_purpose"),
        )
        .but(Kind::Purpose, "InvalidPurpose"),
        served(
            "eku-any-and-server",
            &leaf().purposes(&[oid::SERVER, oid::ANY]),
            ("warn", "any_purpose"),
        ),
        served(
            "leaf-is-ca",
            &leaf().with(oid::BASIC_CONSTRAINTS, true, &[0x30, 3, 1, 1, 0xff]),
            ("fail", "leaf_is_authority"),
        )
        .but(Kind::Other, "Other(OtherError(CaUsedAsEndEntity))"),
        served(
            "life-398",
            &issued(LIMIT_OF_2026 - 1, 398),
            ("note", "lifetime_at_limit"),
        ),
        served("life-398-now", &issued(-DAY, 398), ("warn", "lifetime_too_long")),
        served("life-201", &issued(-DAY, 201), ("warn", "lifetime_too_long")),
        served(
            "life-200-exact",
            &issued(-DAY, 200),
            ("note", "lifetime_at_limit"),
        ),
        served("life-10y", &issued(-DAY, 3650), ("fail", "lifetime_too_long")),
        served(
            "must-staple-no-staple",
            &leaf().with(oid::TLS_FEATURE, false, &[0x30, 3, 2, 1, 5]),
            ("warn", "must_staple"),
        ),
        served(
            "unknown-critical-ext",
            &leaf().with(oid::UNKNOWN, true, &[5, 0]),
            ("fail", "unknown_critical_extension"),
        )
        .but(Kind::Other, "Other(OtherError(UnsupportedCriticalExtension))"),
        served(
            "wildcard-public-suffix",
            &changed_names(&[HOST, "*.co.uk"]),
            ("warn", "wide_wildcard"),
        ),
        served(
            "underscore",
            &changed_names(&[HOST, "a_b.example.com"]),
            ("warn", "underscore"),
        ),
    ]
}

fn changed_names(names: &[&str]) -> Forged {
    let san: Vec<u8> = names.iter().flat_map(|name| tlv(0x82, name.as_bytes())).collect();
    leaf().with(oid::SAN, false, &tlv(0x30, &san))
}

fn outcomes(row: &Row) -> Vec<Outcome> {
    let address = "192.0.2.1".parse().unwrap();
    let mut session = TlsSession::new(ServerChain::new(row.chain.clone()), row.trust.clone());
    session.anchor =
        (row.trust == Trust::Trusted).then(|| Anchor::new("Forged Root CA", AnchorStore::Platform).public());
    let facts = Facts::new()
        .at(NOW)
        .with(
            DnsLookup::address(HOST, Family::V4),
            DnsAnswer::of_addresses(HOST, &[address], "test"),
        )
        .with(
            DnsLookup::address(HOST, Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(LocalRoute::new(address), Route::new(true))
        .with(
            TlsHandshake::new(Endpoint::new((address, 443).into(), HOST, true)),
            TlsFacts::new(TlsEnd::Established(Box::new(session))),
        );
    let target = Target::parse(&format!("https://{HOST}")).unwrap();
    let probes: [&dyn Probe; 2] = [&TlsCertificate::default(), &TlsCertificateRules::default()];
    probes.iter().map(|probe| facts.judge(*probe, &target)).collect()
}

#[test]
fn every_misconfiguration_is_named_and_no_healthy_certificate_is() {
    let mut table = String::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let outcomes = outcomes(&row);
        let findings: Vec<_> = outcomes.iter().flat_map(|outcome| &outcome.findings).collect();
        let worst = findings.iter().min_by_key(|finding| finding.status.rank());
        let found = worst.map_or(("pass", ""), |worst| {
            (
                if worst.is_note() {
                    "note"
                } else {
                    worst.status.word()
                },
                worst.code.as_str(),
            )
        });
        let message = worst.map_or("", |worst| worst.message.as_str());
        table.push_str(&format!(
            "{:<23} {:<5} {:<27} {message}\n",
            row.name, found.0, found.1
        ));
        // One cause, named once: what else is told is no fault.
        let faults = findings.iter().filter(|finding| !finding.is_note()).count();
        let is_one = faults == usize::from(matches!(row.expected.0, "warn" | "fail"));
        let wording: Vec<String> = outcomes.iter().flat_map(faults_of_outcome).collect();
        if found != row.expected || !is_one || !wording.is_empty() {
            wrong.push(format!("{}: {findings:#?} {wording:?}", row.name));
        }
    }
    println!("{table}");
    assert!(wrong.is_empty(), "{}\n{table}", wrong.join("\n"));
}
