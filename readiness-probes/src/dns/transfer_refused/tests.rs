use readiness_core::{
    ObserveError, Target,
    fact::{DnsAnswer, DnsRecord, LocalRoute, RecordData, Route},
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::{super::own::tests::told, *};

const ZONE: &str = "example.com";
const SOA: &str = "ns1.example.com admin.example.com 7 14400 3600 604800 3600";

fn place() -> Place {
    Place {
        label: "192.0.2.53:53".into(),
        address: "192.0.2.53:53".parse().unwrap(),
    }
}

fn says(result: DnsResult) -> Look {
    let mut answer = DnsAnswer::new(result, "192.0.2.53:53");
    if answer.result == DnsResult::Records {
        let data = RecordData::parse(RecordType::Soa, SOA).unwrap();
        answer.records = vec![DnsRecord::new(ZONE, 300, data)];
        answer.authoritative = true;
    }
    Ok(answer)
}

fn silent() -> Look {
    Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"))
}

fn judged(soa: Look, transfer: Look) -> String {
    let outcome = judge(ZONE, &Places::default(), &[(place(), Seen { soa, transfer })]);
    assert_eq!(faults_of_outcome(&outcome), [""; 0]);
    let all: Vec<String> = outcome.findings.iter().map(told).collect();
    match all.as_slice() {
        [] => outcome.status.to_string(),
        all => all.join(", "),
    }
}

#[test]
fn a_refusal_is_one_of_a_server_that_serves_the_zone() {
    use DnsResult::{NoData, NxDomain, Rcode, Records, Referral, Refused, ServFail};
    for (soa, transfer, wanted) in [
        (says(Records), says(Refused), "pass"),
        (says(Records), says(Rcode(9)), "pass"),
        (says(Records), says(Rcode(4)), "pass"),
        (says(Records), says(NoData), "pass"),
        (says(Records), says(Records), "transfer_allowed fail"),
        // Given is given, whatever else is wrong.
        (silent(), says(Records), "transfer_allowed fail"),
        (
            says(Records),
            says(ServFail),
            "transfer_not_told unknown (dns.servfail)",
        ),
        (says(Records), silent(), "transfer_not_told unknown (dns.silent)"),
        (silent(), silent(), "transfer_not_told unknown (dns.silent)"),
        (
            says(Refused),
            says(Refused),
            "transfer_not_told unknown (dns.refused)",
        ),
        (
            says(Referral),
            says(Refused),
            "transfer_not_told unknown (dns.lame)",
        ),
        (
            says(NxDomain),
            says(Rcode(9)),
            "transfer_not_told unknown (dns.lame)",
        ),
        (
            says(NoData),
            says(NxDomain),
            "transfer_not_told unknown (dns.lame)",
        ),
    ] {
        assert_eq!(
            judged(soa.clone(), transfer.clone()),
            wanted,
            "{soa:?} {transfer:?}"
        );
    }
    let mut without_authority = says(Records).unwrap();
    without_authority.authoritative = false;
    assert_eq!(
        judged(Ok(without_authority), says(Refused)),
        "transfer_not_told unknown (dns.lame)"
    );
}

#[test]
fn the_probe_asks_those_it_may() {
    let server = place().address;
    let ask = |kind| {
        DnsLookup::new(ZONE, kind)
            .directly(server)
            .over(DnsTransport::Tcp)
    };
    let mut ns = DnsAnswer::new(DnsResult::Records, "192.0.2.9:53");
    ns.records = vec![DnsRecord::new(
        ZONE,
        300,
        RecordData::Ns("ns1.example.com".into()),
    )];
    let none = DnsAnswer::new(DnsResult::NoData, "192.0.2.9:53");
    let facts = Facts::new()
        .with(ask(RecordType::Soa), says(DnsResult::Records).unwrap())
        .with(ask(ZONE_TRANSFER), says(DnsResult::Refused).unwrap());
    let of_zone = facts
        .clone()
        .with(DnsLookup::new(ZONE, RecordType::Ns), ns)
        .with(
            DnsLookup::new("ns1.example.com", RecordType::A),
            DnsAnswer::of_addresses("ns1.example.com", &[server.ip()], "192.0.2.9:53"),
        )
        .with(DnsLookup::new("ns1.example.com", RecordType::Aaaa), none.clone())
        .with(LocalRoute::new(server.ip()), Route::new(true));
    let target = Target::parse("https://example.com").unwrap();
    let probe = |settings| serde_json::from_value::<DnsTransferRefused>(settings).unwrap();
    let named = facts.judge(&probe(json!({"nameservers": ["192.0.2.53"]})), &target);
    assert!(named.status.is_pass(), "{named:?}");
    assert_eq!(named.summary, "1 nameserver refuses a transfer of `example.com`");
    let found = of_zone.judge(&probe(json!({"own_nameservers": true})), &target);
    assert!(found.status.is_pass(), "{found:?}");
    assert_eq!(found.evidence[0].label, "ns1.example.com (192.0.2.53:53)");
    // A nameserver without an address is not passed over.
    let without = Facts::new()
        .with(DnsLookup::new(ZONE, RecordType::Ns), none)
        .judge(&probe(json!({"own_nameservers": true})), &target);
    assert!(without.status.is_unknown(), "{without:?}");
    let address = Target::parse("https://192.0.2.1").unwrap();
    let outcome = Facts::new().judge(&probe(json!({"nameservers": ["192.0.2.53"]})), &address);
    assert!(outcome.status.is_not_applicable());
    assert!(
        DnsTransferRefused::default()
            .check()
            .unwrap_err()
            .contains("a transfer is asked")
    );
}
