use readiness_core::{
    ObserveError, Reason, Status, Target,
    fact::{DnsAnswer, DnsResult},
    testing::{Facts, faults_of_outcome},
};

use super::{super::own::tests::told, *};

const HOST: &str = "www.example.com";

fn has(addresses: &[&str], family: Family) -> Look {
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let own: Vec<IpAddr> = addresses
        .into_iter()
        .filter(|a| Family::of(*a) == family)
        .collect();
    Ok(DnsAnswer::of_addresses(HOST, &own, "test"))
}

fn judged(addresses: &[&str]) -> Outcome {
    let outcome = judge(HOST, [&has(addresses, Family::V4), &has(addresses, Family::V6)]);
    assert_eq!(faults_of_outcome(&outcome), [""; 0]);
    outcome
}

#[test]
fn every_address_is_for_the_world() {
    for (addresses, wanted) in [
        (&["1.1.1.1", "2606:4700::1111"][..], ""),
        (&["1.1.1.1", "10.0.0.1"], "special_purpose_address fail"),
        (&["192.0.2.1"], "special_purpose_address fail"),
        (&["1.1.1.1", "fd00::1"], "special_purpose_address fail"),
        (&["1.1.1.1", "::ffff:1.1.1.1"], "special_purpose_address fail"),
        (&["1.1.1.1", "2002:a00:1::1"], "special_purpose_address fail"),
        (&["1.1.1.1", "2002:101:101::1"], "relayed_address warn"),
        (
            &["10.0.0.1", "127.0.0.1"],
            "special_purpose_address fail, special_purpose_address fail",
        ),
        // Made up by the resolver from what the zone has.
        (&["1.1.1.1", "64:ff9b::101:101"], "made_by_resolver pass"),
        (
            &["10.0.0.1", "64:ff9b::a00:1"],
            "special_purpose_address fail, made_by_resolver pass",
        ),
        (&["1.1.1.1", "64:ff9b::a00:1"], "special_purpose_address fail"),
        (&["1.1.1.1", "64:ff9b::808:808"], ""),
    ] {
        let outcome = judged(addresses);
        let said: Vec<String> = outcome.findings.iter().map(told).collect();
        assert_eq!(said.join(", "), wanted, "{addresses:?}");
    }
    assert_eq!(
        judged(&["1.1.1.1", "2606:4700::1111"]).summary,
        "2 public addresses: 1.1.1.1, 2606:4700::1111"
    );
    assert_eq!(
        judged(&["2002:a00:1::1"]).summary,
        "`www.example.com` has the address `2002:a00:1::1`, which the world cannot reach: it is for private \
         networks (RFC 1918), and carries `10.0.0.1`"
    );
    let many: Vec<String> = (0..40).map(|n| format!("10.0.0.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(judged(&many).findings.len(), 17);
}

#[test]
fn what_could_not_be_looked_up_is_unknown() {
    let silent = || Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"));
    let none = || Ok(DnsAnswer::new(DnsResult::NxDomain, "test"));
    let half = judge(HOST, [&has(&["1.1.1.1"], Family::V4), &silent()]);
    assert_eq!(
        half.findings.iter().map(told).collect::<Vec<_>>(),
        ["not_looked_up unknown (dns.silent)"]
    );
    for looks in [[&silent(), &silent()], [&none(), &none()]] {
        let outcome = judge(HOST, looks);
        assert!(
            matches!(outcome.status, Status::Unknown { cause: Some(_), .. }),
            "{outcome:?}"
        );
    }
    let facts = Facts::new()
        .with(
            DnsLookup::address(HOST, Family::V4),
            has(&["1.1.1.1"], Family::V4).unwrap(),
        )
        .with(
            DnsLookup::address(HOST, Family::V6),
            has(&[], Family::V6).unwrap(),
        );
    let target = |text: &str| Target::parse(text).unwrap();
    let probe = DnsPublicAddresses::default();
    assert!(
        facts
            .judge(&probe, &target("https://www.example.com"))
            .status
            .is_pass()
    );
    assert!(
        facts
            .judge(&probe, &target("https://192.0.2.1"))
            .status
            .is_not_applicable()
    );
}
