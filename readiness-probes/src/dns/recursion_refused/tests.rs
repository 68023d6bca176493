use readiness_core::{
    ObserveError, Target,
    fact::DnsAnswer,
    testing::{Facts, faults_of_outcome},
};
use serde_json::json;

use super::{super::own::tests::told, *};

const NAME: &str = "example.org";

fn says(result: DnsResult, offers: bool, has_authority: bool) -> Look {
    let mut answer = DnsAnswer::new(result, "192.0.2.53:53");
    if answer.result == DnsResult::Records {
        answer = DnsAnswer::of_addresses(NAME, &["192.0.2.1".parse().unwrap()], "192.0.2.53:53");
    }
    answer.recursion_available = offers;
    answer.authoritative = has_authority;
    Ok(answer)
}

#[test]
fn an_answer_for_others_fails() {
    use DnsResult::{NoData, NxDomain, Rcode, Records, Referral, Refused, ServFail};
    for (look, wanted) in [
        (says(Refused, false, false), "pass"),
        (says(Refused, true, false), "pass"),
        (says(Rcode(4), false, false), "pass"),
        (says(ServFail, false, false), "pass"),
        (says(NoData, false, false), "pass"),
        (says(Referral, false, false), "refers_elsewhere pass"),
        (says(Referral, true, false), "refers_elsewhere pass"),
        (says(Records, true, false), "recursion_open fail"),
        (says(NxDomain, true, false), "recursion_open fail"),
        (says(NoData, true, false), "recursion_open fail"),
        (says(Records, false, false), "cache_open fail"),
        (says(NxDomain, false, false), "cache_open fail"),
        (says(Records, true, true), "recursion_not_told unknown (error)"),
        (says(NxDomain, false, true), "recursion_not_told unknown (error)"),
        (
            says(ServFail, true, false),
            "recursion_not_told unknown (dns.servfail)",
        ),
        (
            Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers")),
            "recursion_not_told unknown (dns.silent)",
        ),
    ] {
        let place = Place {
            label: "192.0.2.53:53".into(),
            address: "192.0.2.53:53".parse().unwrap(),
        };
        let outcome = judge(NAME, &Places::default(), &[(place, look.clone())]);
        assert_eq!(faults_of_outcome(&outcome), [""; 0]);
        let said = outcome.findings.iter().map(told).collect::<Vec<_>>().join(", ");
        let said = if said.is_empty() {
            outcome.status.to_string()
        } else {
            said
        };
        assert_eq!(said, wanted, "{look:?}");
    }
}

#[test]
fn the_probe_asks_those_it_may() {
    let probe = |settings| serde_json::from_value::<DnsRecursionRefused>(settings).unwrap();
    let server: SocketAddr = "192.0.2.53:53".parse().unwrap();
    let facts = Facts::new().with(
        DnsLookup::new(NAME, RecordType::A).via(vec![server]),
        says(DnsResult::Refused, false, false).unwrap(),
    );
    // An address has no zone, and needs none where servers are named.
    for target in ["https://example.com", "https://192.0.2.1"] {
        let target = Target::parse(target).unwrap();
        let outcome = facts.judge(&probe(json!({"nameservers": ["192.0.2.53"]})), &target);
        assert!(outcome.status.is_pass(), "{outcome:?}");
        assert_eq!(outcome.summary, "1 nameserver does not look up `example.org`");
        assert_eq!(outcome.evidence[0].value, "REFUSED, recursion not offered");
    }
    let address = Target::parse("https://192.0.2.1").unwrap();
    let outcome = facts.judge(&probe(json!({"own_nameservers": true})), &address);
    assert!(outcome.status.is_not_applicable());
    assert!(
        DnsRecursionRefused::default()
            .check()
            .unwrap_err()
            .contains("a name of others is asked")
    );
    let empty = probe(json!({"nameservers": ["192.0.2.53"], "foreign_name": "."}));
    assert!(empty.check().unwrap_err().contains("`foreign_name` is empty"));
}
