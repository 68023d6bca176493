use readiness_core::{
    Target,
    fact::{DnsRecord, RecordData},
    testing::{Facts, faults_of_outcome},
};
use serde_json::{Value, json};

use super::{super::own::tests::told, *};

const NAME: &str = "www.example.com";

fn at(last: u8) -> SocketAddr {
    SocketAddr::new([192, 0, 2, last].into(), 53)
}

fn says(result: DnsResult) -> Look {
    Ok(DnsAnswer::new(result, "test"))
}

fn has(values: &[&str]) -> Look {
    let mut answer = DnsAnswer::new(DnsResult::Records, "test");
    let record = |(ttl, text): (u32, &&str)| {
        DnsRecord::new(NAME, ttl, RecordData::parse(RecordType::A, text).unwrap())
    };
    answer.records = (1..).zip(values).map(record).collect();
    Ok(answer)
}

fn silent() -> Look {
    Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"))
}

fn judged(looks: &[Look]) -> Outcome {
    let looks = (1..).zip(looks).map(|(n, look)| (at(n), look.clone())).collect();
    let outcome = judge(NAME, &[(RecordType::A, looks)]);
    assert_eq!(faults_of_outcome(&outcome), [""; 0]);
    outcome
}

/// Who differs, and whose answer is not known.
fn codes(outcome: &Outcome) -> String {
    let one = |finding: &Finding| format!("{} {}", finding.subject, told(finding));
    outcome.findings.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn answers_are_compared_as_sets() {
    use DnsResult::{NoData, NxDomain, Rcode, Referral, Refused, ServFail};
    let old = || has(&["192.0.2.9"]);
    let new = || has(&["192.0.2.1", "192.0.2.2"]);
    for (looks, wanted) in [
        (vec![new(), new()], ""),
        (vec![new(), has(&["192.0.2.2", "192.0.2.1"])], ""),
        (vec![new(), has(&["192.0.2.2", "192.0.2.1", "192.0.2.1"])], ""),
        (vec![says(NoData), says(NoData)], ""),
        (vec![says(NxDomain), says(NxDomain)], ""),
        (vec![new(), new(), old()], "A at 192.0.2.3:53 answers_differ fail"),
        (vec![old(), new(), new()], "A at 192.0.2.1:53 answers_differ fail"),
        (
            vec![new(), has(&["192.0.2.1"]), new()],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        // Kept apart: no record, no name, a failure, a refusal.
        (
            vec![says(NoData), says(NxDomain)],
            "A at 192.0.2.1:53 answers_differ fail",
        ),
        (
            vec![says(NxDomain), says(ServFail)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (
            vec![new(), says(NxDomain)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (vec![new(), says(NoData)], "A at 192.0.2.2:53 answers_differ fail"),
        (
            vec![new(), says(ServFail)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (
            vec![new(), says(Refused)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (
            vec![new(), says(Referral)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (
            vec![new(), says(Rcode(4))],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        (
            vec![says(ServFail), says(Refused)],
            "A at 192.0.2.2:53 answers_differ fail",
        ),
        // Silence is no answer, and says nothing of the others.
        (
            vec![new(), silent(), new()],
            "A at 192.0.2.2:53 nameserver_silent unknown (dns.silent)",
        ),
        (
            vec![new(), silent(), old()],
            "A at 192.0.2.2:53 nameserver_silent unknown (dns.silent), A at 192.0.2.1:53 answers_differ fail",
        ),
        (
            vec![says(ServFail), says(ServFail)],
            "A nothing_to_compare unknown (dns.servfail)",
        ),
        (
            vec![says(Refused), says(Refused)],
            "A nothing_to_compare unknown (dns.refused)",
        ),
    ] {
        assert_eq!(codes(&judged(&looks)), wanted, "{looks:?}");
    }
    let outcome = judged(&[new(), old(), new()]);
    assert_eq!(
        outcome.summary,
        "192.0.2.2:53 says `192.0.2.9` for `www.example.com` A, expected the same of all; 2 others say `192.0.2.1`, \
         `192.0.2.2`"
    );
    assert_eq!(
        judged(&[new(), new()]).summary,
        "2 nameservers agree: A `192.0.2.1`, `192.0.2.2`"
    );
    let many: Vec<String> = (0..6).map(|n| format!("192.0.2.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(judged(&[has(&many), has(&many)]).summary.ends_with("2 more"));
}

#[test]
fn the_probe_asks_each_server_itself() {
    let settings = |more: Value| {
        let mut settings = json!({"nameservers": ["192.0.2.1", "192.0.2.2"], "types": ["A"]});
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        serde_json::from_value::<DnsAgreement>(settings).unwrap()
    };
    let target = Target::parse("https://www.example.com").unwrap();
    let key = || DnsLookup::new(NAME, RecordType::A);
    let answer = || has(&["192.0.2.7"]).unwrap();
    let facts = Facts::new()
        .with(key().via(vec![at(1)]), answer())
        .with(key().via(vec![at(2)]), answer());
    assert!(facts.judge(&settings(json!({})), &target).status.is_pass());
    let directly = Facts::new()
        .with(key().directly(at(1)), answer())
        .with(key().directly(at(2)), answer());
    let with_authority = settings(json!({"authoritative": true}));
    assert!(directly.judge(&with_authority, &target).status.is_pass());
    assert!(facts.judge(&with_authority, &target).status.is_unknown());
    let address = Target::parse("https://192.0.2.1").unwrap();
    assert!(
        facts
            .judge(&settings(json!({})), &address)
            .status
            .is_not_applicable()
    );
}

#[test]
fn settings_that_cannot_work_are_errors() {
    let two = ["192.0.2.1", "192.0.2.2"];
    let many: Vec<String> = (0..33).map(|n| format!("192.0.2.{n}")).collect();
    for (wrong, words) in [
        (json!({}), "holds 0 addresses"),
        (json!({"nameservers": ["192.0.2.1"]}), "holds 1 addresses"),
        (json!({"nameservers": many}), "holds 33 addresses"),
        (json!({"nameservers": ["192.0.2.1", "192.0.2.1:53"]}), "twice"),
        (json!({"nameservers": two, "types": []}), "holds 0 types"),
        (json!({"nameservers": two, "types": ["TYPE252"]}), "`TYPE252`"),
        (json!({"nameservers": two, "types": ["TYPE255"]}), "`TYPE255`"),
        (json!({"nameservers": two, "name": "."}), "`name` is empty"),
    ] {
        let error = serde_json::from_value::<DnsAgreement>(wrong)
            .unwrap()
            .check()
            .unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    let good = json!({"nameservers": two, "types": ["SOA", "TYPE250"]});
    assert_eq!(
        serde_json::from_value::<DnsAgreement>(good).unwrap().check(),
        Ok(())
    );
}
