use readiness_core::{
    ObserveError, Reason, Target,
    fact::{DnsRecord, DnsResult},
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::{super::own::tests::told, *};

const HOST: &str = "www.example.com";

fn at() -> IpAddr {
    [192, 0, 2, 1].into()
}

fn ptr(names: &[&str]) -> DnsAnswer {
    let mut answer = DnsAnswer::new(DnsResult::Records, "test");
    let record = |name: &&str| DnsRecord::new("1.2.0.192.in-addr.arpa", 60, RecordData::Ptr((*name).into()));
    answer.records = names.iter().map(record).collect();
    answer
}

fn leads(to: &[&str]) -> Look {
    let to: Vec<IpAddr> = to.iter().map(|text| text.parse().unwrap()).collect();
    Ok(DnsAnswer::of_addresses("x", &to, "test"))
}

fn silent() -> Look {
    Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"))
}

fn judged(must_name_host: bool, look: Look, forward: Vec<(&str, Look)>) -> String {
    let settings = DnsReverse {
        must_name_host,
        ..DnsReverse::default()
    };
    let forward = forward
        .into_iter()
        .map(|(name, look)| (name.to_owned(), look))
        .collect();
    let seen = Seen {
        address: at(),
        ptr: look,
        forward,
    };
    let outcome = judge(&settings, HOST, &[seen], 0);
    assert_eq!(faults_of_outcome(&outcome), [""; 0]);
    outcome.findings.iter().map(told).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_name_must_lead_back() {
    let none = || Ok(DnsAnswer::new(DnsResult::NxDomain, "test"));
    let back = || leads(&["192.0.2.7", "192.0.2.1"]);
    let other = "host.example.net";
    for (strict, look, forward, wanted) in [
        (false, Ok(ptr(&[HOST])), vec![(HOST, back())], ""),
        (true, Ok(ptr(&[HOST])), vec![(HOST, back())], ""),
        (false, Ok(ptr(&[other])), vec![(other, back())], ""),
        (
            true,
            Ok(ptr(&[other])),
            vec![(other, back())],
            "reverse_names_another fail",
        ),
        (
            true,
            Ok(ptr(&[other, HOST])),
            vec![(other, back()), (HOST, back())],
            "",
        ),
        (
            false,
            Ok(ptr(&[other, HOST])),
            vec![(other, none()), (HOST, back())],
            "",
        ),
        (
            true,
            Ok(ptr(&[other, HOST])),
            vec![(other, back()), (HOST, none())],
            "reverse_names_another fail",
        ),
        (
            false,
            Ok(ptr(&[other])),
            vec![(other, none())],
            "reverse_not_confirmed fail",
        ),
        (
            false,
            Ok(ptr(&[other])),
            vec![(other, leads(&["192.0.2.7"]))],
            "reverse_not_confirmed fail",
        ),
        (
            false,
            Ok(ptr(&[other])),
            vec![(other, silent())],
            "not_looked_up unknown (dns.silent)",
        ),
        (false, none(), vec![], "no_reverse_name warn"),
        (false, silent(), vec![], "not_looked_up unknown (dns.silent)"),
        (
            false,
            Ok(DnsAnswer::new(DnsResult::Refused, "test")),
            vec![],
            "not_looked_up unknown (dns.refused)",
        ),
    ] {
        assert_eq!(judged(strict, look, forward), wanted);
    }
}

#[test]
fn names_stand_below_arpa() {
    for (address, name) in [
        ("192.0.2.1", "1.2.0.192.in-addr.arpa"),
        (
            "2001:db8::567:89ab",
            "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa",
        ),
    ] {
        assert_eq!(reverse_name(address.parse().unwrap()), name);
    }
    let many: Vec<String> = (0..20).map(|n| format!("h{n}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(names(&ptr(&many)).len(), 8);
}

#[test]
fn the_probe_goes_there_and_back() {
    let forward = || DnsAnswer::of_addresses(HOST, &[at()], "test");
    let facts = Facts::new()
        .with(DnsLookup::address(HOST, Family::V4), forward())
        .with(
            DnsLookup::address(HOST, Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(
            DnsLookup::new("1.2.0.192.in-addr.arpa", RecordType::Ptr),
            ptr(&[HOST]),
        );
    let probe: DnsReverse = serde_json::from_value(json!({"must_name_host": true})).unwrap();
    for (target, wanted) in [
        ("https://www.example.com", ""),
        ("https://192.0.2.1", "reverse_names_another fail"),
    ] {
        let outcome = facts.judge(&probe, &Target::parse(target).unwrap());
        assert_eq!(
            outcome.findings.iter().map(told).collect::<Vec<_>>().join(", "),
            wanted
        );
    }
    let of_name = facts.judge(&probe, &Target::parse("https://www.example.com").unwrap());
    assert_eq!(of_name.summary, "`www.example.com` leads there and back");
    let lost = Facts::new().judge(&probe, &Target::parse("https://www.example.com").unwrap());
    assert!(lost.status.is_unknown());
}
