use readiness_core::{
    Status, Target,
    fact::{DnsLookup, DnsRecord, DnsTransport, LocalRoute, RecordType, Route},
    testing::Facts,
};
use serde_json::{Value, json};

use super::*;

const ZONE: &str = "example.com";
const SOA: &str = "ns1.example.com admin.example.com 7 14400 3600 604800 3600";

fn settings(value: Value) -> DnsDelegation {
    serde_json::from_value(value).unwrap()
}

fn record(owner: &str, kind: RecordType, text: &str) -> DnsRecord {
    DnsRecord::new(owner, 300, RecordData::parse(kind, text).unwrap())
}

fn at(last: u8) -> SocketAddr {
    SocketAddr::new([192, 0, 2, last].into(), 53)
}

fn parent() -> SocketAddr {
    at(100)
}

fn silent() -> Look {
    Err(ObserveError::new(
        Reason::DNS_SILENT,
        "no nameserver answers: no answer within 1s",
    ))
}

fn says(result: DnsResult) -> DnsAnswer {
    DnsAnswer::new(result, "192.0.2.100:53")
}

fn refers(names: &[&str]) -> DnsAnswer {
    let mut answer = says(DnsResult::NoData);
    answer.authority = names
        .iter()
        .map(|name| record(ZONE, RecordType::Ns, name))
        .collect();
    for (i, name) in names.iter().enumerate() {
        let glue = format!("192.0.2.{}", i + 1);
        answer.additional.push(record(name, RecordType::A, &glue));
    }
    answer
}

fn has(kind: RecordType, values: &[&str]) -> DnsAnswer {
    let mut answer = says(DnsResult::Records);
    answer.authoritative = true;
    answer.records = values.iter().map(|text| record(ZONE, kind, text)).collect();
    answer
}

const NAMES: [&str; 2] = ["ns1.example.com", "ns2.example.com"];

fn server(n: u8, soa: &str) -> Server {
    Server {
        name: format!("ns{n}.example.com"),
        address: at(n),
        soa_udp: Ok(has(RecordType::Soa, &[soa])),
        soa_tcp: Ok(has(RecordType::Soa, &[soa])),
        ns: Ok(has(RecordType::Ns, &NAMES)),
    }
}

fn healthy() -> Seen {
    Seen {
        parents: vec![(parent(), Ok(refers(&NAMES)))],
        servers: vec![server(1, SOA), server(2, SOA)],
        ..Seen::default()
    }
}

fn judged(seen: &Seen) -> Outcome {
    judge(&DnsDelegation::default(), ZONE, seen)
}

fn codes(outcome: &Outcome) -> String {
    let one = |finding: &Finding| format!("{} {}", finding.code, finding.status.word());
    outcome.findings.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_well_kept_zone_is_silent() {
    let outcome = judged(&healthy());
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "2 nameservers, 2 addresses, serial 7");
    assert_eq!(outcome.evidence[0].value, "ns1.example.com, ns2.example.com");
}

#[test]
fn each_fault_of_a_server_is_named() {
    let without_authority = || {
        let mut answer = has(RecordType::Soa, &[SOA]);
        answer.authoritative = false;
        answer
    };
    let alias = || {
        let mut answer = says(DnsResult::NoData);
        answer.records = vec![record(ZONE, RecordType::Cname, "edge.example.net")];
        answer
    };
    let not_asked = || Err(ObserveError::new(Reason::NO_SOURCE, "no source"));
    let looks: [(Look, &str); 9] = [
        (silent(), "nameserver_silent fail"),
        (Ok(says(DnsResult::Refused)), "nameserver_refuses fail"),
        (Ok(says(DnsResult::ServFail)), "nameserver_fails fail"),
        (Ok(says(DnsResult::Rcode(9))), "nameserver_fails fail"),
        (Ok(says(DnsResult::NoData)), "nameserver_lame fail"),
        (Ok(says(DnsResult::NxDomain)), "nameserver_lame fail"),
        (Ok(without_authority()), "nameserver_lame fail"),
        (Ok(alias()), "alias_at_apex fail"),
        (not_asked(), "nameserver_not_asked unknown"),
    ];
    for (look, code) in looks {
        let copy = || look.clone();
        let mut seen = healthy();
        seen.servers[1].soa_udp = copy();
        seen.servers[1].soa_tcp = copy();
        seen.servers[1].ns = copy();
        let both = judged(&seen);
        assert_eq!(codes(&both), code, "{both:?}");
        assert_eq!(
            both.findings[0].subject,
            "ns2.example.com (192.0.2.2:53) over UDP and TCP"
        );
        let mut seen = healthy();
        seen.servers[1].soa_tcp = copy();
        let tcp = judged(&seen);
        assert_eq!(codes(&tcp), code);
        assert!(tcp.summary.ends_with("over TCP"), "{}", tcp.summary);
        assert!(!tcp.findings[0].remedy.is_empty());
    }
}

#[test]
fn servers_and_parent_agree() {
    let mut serials = healthy();
    serials.servers[1] = server(2, &SOA.replace(" 7 ", " 8 "));
    let outcome = judged(&serials);
    assert_eq!(codes(&outcome), "serials_differ warn");
    assert!(
        outcome.summary.contains("7 at ns1.example.com"),
        "{}",
        outcome.summary
    );

    let mut child = healthy();
    child.servers[0].ns = Ok(has(RecordType::Ns, &[NAMES[0], "ns3.example.com"]));
    let outcome = judged(&child);
    assert_eq!(codes(&outcome), "parent_and_child_differ fail");
    let message = &outcome.findings[0].message;
    assert!(
        message.contains("the parent alone names ns2.example.com"),
        "{message}"
    );
    assert!(message.contains("alone names ns3.example.com"), "{message}");

    let mut parents = healthy();
    parents.parents.push((at(101), Ok(refers(&NAMES[..1]))));
    parents.parents.push((at(102), silent()));
    assert_eq!(
        codes(&judged(&parents)),
        "parents_disagree warn, parent_not_looked_at pass"
    );
}

#[test]
fn there_are_enough_nameservers() {
    let mut one = healthy();
    one.parents = vec![(parent(), Ok(refers(&NAMES[..1])))];
    one.servers.truncate(1);
    one.servers[0].ns = Ok(has(RecordType::Ns, &NAMES[..1]));
    assert_eq!(codes(&judged(&one)), "too_few_nameservers fail");
    let relaxed = judge(&settings(json!({"min_nameservers": 1})), ZONE, &one);
    assert!(relaxed.status.is_pass(), "{relaxed:?}");
    let strict = judge(&settings(json!({"min_nameservers": 3})), ZONE, &healthy());
    assert_eq!(codes(&strict), "too_few_nameservers fail");

    let mut same = healthy();
    same.servers[1].address = at(1);
    assert_eq!(codes(&judged(&same)), "too_few_addresses fail");
    // An address that no route leads to is one all the same.
    let mut unrouted = healthy();
    unrouted.servers.truncate(1);
    unrouted.without_route = vec!["2001:db8::1".parse().unwrap()];
    let outcome = judged(&unrouted);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(
        outcome.evidence.last().unwrap().value,
        "2001:db8::1 (no local route)"
    );

    for (missing, wanted) in [
        (
            Missing::Alias("a.example".into()),
            "too_few_addresses fail, nameserver_is_alias fail",
        ),
        (
            Missing::None,
            "too_few_addresses fail, nameserver_without_address fail",
        ),
        (
            Missing::Unknown(Reason::DNS_SILENT, "no answer".into()),
            "nameserver_not_looked_up unknown",
        ),
    ] {
        let mut seen = healthy();
        seen.servers.truncate(1);
        seen.without_address = vec![(NAMES[1].into(), missing)];
        assert_eq!(codes(&judged(&seen)), wanted);
    }
}

#[test]
fn timers_have_bounds() {
    let good = [14_400, 3_600, 604_800, 3_600];
    for (change, wanted) in [
        ([14_400, 3_600, 604_800, 300], ""),
        ([14_400, 3_600, 604_800, 86_400], ""),
        ([14_400, 14_399, 604_800, 300], ""),
        ([14_399, 3_600, 604_800, 300], "refresh"),
        ([14_400, 3_599, 604_800, 300], "retry"),
        ([14_400, 14_400, 604_800, 300], "retry"),
        ([14_400, 3_600, 604_799, 300], "expire"),
        ([14_400, 3_600, 604_800, 299], "minimum"),
        ([14_400, 3_600, 604_800, 86_401], "minimum"),
        ([0, 0, 0, 0], "refresh retry expire minimum"),
        ([u32::MAX; 4], "retry minimum"),
    ] {
        let wrong = child::judge_timers(change);
        let names: Vec<&str> = wrong.iter().map(|(what, _)| *what).collect();
        assert_eq!(names.join(" "), wanted, "{change:?}");
    }
    assert!(child::judge_timers(good).is_empty());
    let mut seen = healthy();
    seen.servers = vec![
        server(1, &SOA.replace("604800", "3600")),
        server(2, &SOA.replace("604800", "3600")),
    ];
    let outcome = judged(&seen);
    assert_eq!(codes(&outcome), "soa_timer warn", "once, not for each server");
}

#[test]
fn what_the_parent_does_not_delegate_is_told_apart() {
    let own = |result| {
        let mut answer = says(result);
        answer.authoritative = true;
        Ok(answer)
    };
    let mut elsewhere = says(DnsResult::NoData);
    elsewhere.authority = vec![record("com", RecordType::Ns, "a.gtld.example")];
    for (look, wanted) in [
        (own(DnsResult::NxDomain), "zone_does_not_exist fail"),
        (own(DnsResult::NoData), "not_delegated fail"),
        (Ok(elsewhere), "unknown dns.nodata"),
        (Ok(says(DnsResult::NoData)), "unknown dns.nodata"),
        (Ok(says(DnsResult::Refused)), "unknown dns.refused"),
        (silent(), "unknown dns.silent"),
    ] {
        let seen = Seen {
            parents: vec![(parent(), look)],
            ..Seen::default()
        };
        let outcome = judged(&seen);
        let said = match &outcome.status {
            Status::Unknown { reason, .. } => format!("unknown {reason}"),
            _ => codes(&outcome),
        };
        assert_eq!(said, wanted, "{outcome:?}");
    }
    let lost = Seen {
        no_parents: Some(ObserveError::new(Reason::DNS_SILENT, "no answer")),
        ..Seen::default()
    };
    assert!(matches!(judged(&lost).status, Status::Unknown { .. }));
}

/// The facts of a zone at two servers, as the probe asks for them.
fn facts() -> Facts {
    let ask = |kind, server| DnsLookup::new(ZONE, kind).directly(server).attempt_ms(1_000);
    let mut facts = Facts::new().with(ask(RecordType::Ns, parent()), refers(&NAMES));
    for n in [1, 2] {
        facts = facts
            .with(LocalRoute::new(at(n).ip()), Route::new(true))
            .with(ask(RecordType::Soa, at(n)), has(RecordType::Soa, &[SOA]))
            .with(
                ask(RecordType::Soa, at(n)).over(DnsTransport::Tcp),
                has(RecordType::Soa, &[SOA]),
            )
            .with(ask(RecordType::Ns, at(n)), has(RecordType::Ns, &NAMES));
    }
    facts
}

#[test]
fn the_probe_asks_the_parent_and_every_server() {
    let target = Target::parse("https://example.com").unwrap();
    let given = facts().judge(&settings(json!({"parents": ["192.0.2.100"]})), &target);
    assert!(given.status.is_pass(), "{given:?}");
    let mut ns = says(DnsResult::Records);
    ns.records = vec![record("com", RecordType::Ns, "a.gtld.example")];
    let none = DnsAnswer::new(DnsResult::NoData, "192.0.2.9:53");
    let at_parent = DnsAnswer::of_addresses("a.gtld.example", &[parent().ip()], "192.0.2.9:53");
    let found = facts()
        .with(DnsLookup::new("com", RecordType::Ns), ns)
        .with(DnsLookup::new("a.gtld.example", RecordType::A), at_parent)
        .with(DnsLookup::new("a.gtld.example", RecordType::Aaaa), none)
        .with(LocalRoute::new(parent().ip()), Route::new(true));
    let found = found.judge(&DnsDelegation::default(), &target);
    assert!(found.status.is_pass(), "{found:?}");
    let address = Target::parse("https://192.0.2.1").unwrap();
    let outcome = Facts::new().judge(&DnsDelegation::default(), &address);
    assert!(outcome.status.is_not_applicable());
}

#[test]
fn aliases_are_no_addresses() {
    let mut alias = DnsAnswer::of_addresses("edge.example", &[at(1).ip()], "x");
    alias
        .records
        .insert(0, record(NAMES[0], RecordType::Cname, "edge.example"));
    let none = || Ok(says(DnsResult::NoData));
    let many: Vec<IpAddr> = (0..40).map(|n| at(n).ip()).collect();
    let many = DnsAnswer::of_addresses(NAMES[0], &many, "x");
    assert_eq!(
        look::of_looks([&Ok(alias), &none()]),
        Err(Missing::Alias("edge.example".into()))
    );
    assert_eq!(look::of_looks([&none(), &none()]), Err(Missing::None));
    assert_eq!(look::of_looks([&Ok(many), &none()]).unwrap().len(), 4);
    assert!(matches!(
        look::of_looks([&none(), &silent()]),
        Err(Missing::Unknown(..))
    ));
}

#[test]
fn settings_that_cannot_work_are_errors() {
    for (wrong, words) in [
        (json!({"port": 0}), "`port` is 0"),
        (json!({"min_nameservers": 0}), "`min_nameservers` is 0"),
        (json!({"attempt_ms": 0}), "`attempt_ms` is 0"),
        (json!({"zone": "."}), "`zone` is empty"),
    ] {
        let error = settings(wrong).check().unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(settings(json!({"zone": "example.com."})).check(), Ok(()));
}

proptest::proptest! {
    #[test]
    fn any_names_and_serials_are_judged(
        parent_names in proptest::collection::vec("[a-c]", 0..5),
        child_names in proptest::collection::vec("[a-c]", 0..5),
        serial in proptest::num::u32::ANY,
        authoritative in proptest::bool::ANY,
    ) {
        let of = |names: &[String]| -> Vec<String> { names.iter().map(|n| format!("{n}.example.com")).collect() };
        let (above, below) = (of(&parent_names), of(&child_names));
        let above: Vec<&str> = above.iter().map(String::as_str).collect();
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        let mut seen = healthy();
        seen.parents = vec![(parent(), Ok(refers(&above)))];
        seen.servers[0] = server(1, &SOA.replace(" 7 ", &format!(" {serial} ")));
        let mut ns = has(RecordType::Ns, &below);
        ns.authoritative = authoritative;
        seen.servers[0].ns = Ok(ns);
        let outcome = judged(&seen);
        // Whoever says nothing with authority is not compared, and a difference is never silent.
        let sorted = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<std::collections::BTreeSet<_>>();
        let differ = authoritative && sorted(&above) != sorted(&below);
        if !above.is_empty() && differ {
            proptest::prop_assert!(codes(&outcome).contains("parent_and_child_differ"));
        }
        proptest::prop_assert_eq!(codes(&outcome).contains("serials_differ"), !above.is_empty() && serial != 7);
    }
}
