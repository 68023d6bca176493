use readiness_core::{
    Cause, Profile, Registry, Status, Target,
    fact::{DnsRecord, RecordData},
    testing::Facts,
};
use serde_json::{Value, json};

use super::*;

const BY: &str = "127.0.0.1:53";
const HOST: &str = "www.example.com";

fn has(addresses: &[&str]) -> DnsAnswer {
    let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
    DnsAnswer::of_addresses(HOST, &addresses, BY)
}

fn says(result: DnsResult) -> DnsAnswer {
    DnsAnswer::new(result, BY)
}

fn silent() -> ObserveError {
    ObserveError::new(
        Reason::DNS_SILENT,
        "no nameserver answers for `www.example.com` A",
    )
}

fn aliased(names: &[&str], addresses: &[&str]) -> DnsAnswer {
    let mut answer = has(addresses);
    let end = answer.records.split_off(0);
    answer.records = names
        .windows(2)
        .map(|pair| DnsRecord::new(pair[0], 60, RecordData::Cname(pair[1].into())))
        .collect();
    answer.records.extend(end);
    answer
}

fn settings(value: Value) -> DnsRecords {
    serde_json::from_value(value).unwrap()
}

fn outcome(with: Value, v4: Result<DnsAnswer, ObserveError>, v6: Result<DnsAnswer, ObserveError>) -> Outcome {
    judge(HOST, &settings(with), [v4.as_ref(), v6.as_ref()], true)
}

fn codes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| (finding.code.as_str(), finding.status.word()))
        .collect()
}

fn reason(outcome: &Outcome) -> &str {
    match &outcome.status {
        Status::Unknown { reason, .. } => reason.as_str(),
        other => panic!("{other}"),
    }
}

#[test]
fn both_families_or_one_will_do() {
    let both = outcome(json!({}), Ok(has(&["192.0.2.1"])), Ok(has(&["2001:db8::1"])));
    assert!(both.status.is_pass() && both.findings.is_empty());
    assert_eq!(both.summary, "2 addresses: 192.0.2.1, 2001:db8::1");
    assert_eq!(both.evidence[0].value, "192.0.2.1 (says 127.0.0.1:53)");
    let one = outcome(json!({}), Ok(has(&["192.0.2.1"])), Ok(says(DnsResult::NoData)));
    assert!(one.status.is_pass());
    assert_eq!(one.summary, "1 address: 192.0.2.1");
    let v6 = outcome(json!({}), Ok(says(DnsResult::NoData)), Ok(has(&["2001:db8::1"])));
    assert!(v6.status.is_pass());
}

#[test]
fn what_is_wrong_without_any_address_is_told_apart() {
    let no = || Ok(says(DnsResult::NoData));
    let is = |result| Ok(says(result));
    for (v4, v6, code, status) in [
        (
            is(DnsResult::NxDomain),
            is(DnsResult::NxDomain),
            "nxdomain",
            "fail",
        ),
        (is(DnsResult::NxDomain), Err(silent()), "nxdomain", "fail"),
        (no(), no(), "no_address", "fail"),
        (no(), is(DnsResult::ServFail), "not_looked_up", "dns.servfail"),
        (
            is(DnsResult::Refused),
            is(DnsResult::Refused),
            "not_looked_up",
            "dns.refused",
        ),
        (is(DnsResult::Rcode(5)), no(), "not_looked_up", "dns.servfail"),
        (Err(silent()), Err(silent()), "not_looked_up", "dns.silent"),
        (no(), Err(silent()), "not_looked_up", "dns.silent"),
    ] {
        let outcome = outcome(json!({}), v4, v6);
        assert_eq!(outcome.findings[0].code, code);
        match status {
            "fail" => assert!(outcome.status.is_fail(), "{code}"),
            other => assert_eq!(reason(&outcome), other),
        }
        assert!(!outcome.findings[0].remedy.is_empty());
    }
}

#[test]
fn who_denies_the_name_is_named() {
    let gone = outcome(
        json!({}),
        Ok(says(DnsResult::NxDomain)),
        Ok(says(DnsResult::NxDomain)),
    );
    assert_eq!(
        gone.summary,
        "`www.example.com` does not exist (NXDOMAIN, says 127.0.0.1:53)"
    );
    let mut dangling = aliased(&[HOST, "gone.example.net"], &[]);
    dangling.result = DnsResult::NxDomain;
    let outcome = outcome(json!({}), Ok(dangling.clone()), Ok(dangling));
    assert_eq!(codes(&outcome), [("dangling_alias", "fail")]);
    assert!(
        outcome.summary.contains("`gone.example.net`"),
        "{}",
        outcome.summary
    );
}

#[test]
fn a_family_that_could_not_be_looked_up_matters_where_something_hangs_on_it() {
    let good = || Ok(has(&["192.0.2.1"]));
    for (with, status) in [
        (json!({}), "pass"),
        (json!({"require_ipv4": true}), "pass"),
        (json!({"require_ipv6": true}), "unknown"),
        (json!({"addresses": ["192.0.2.1"]}), "unknown"),
        (json!({"addresses": ["192.0.2.1"], "mode": "subset"}), "unknown"),
        (json!({"addresses": ["192.0.2.1"], "mode": "superset"}), "pass"),
        (
            json!({"addresses": ["192.0.2.1", "2001:db8::1"], "mode": "superset"}),
            "unknown",
        ),
        (
            json!({"addresses": ["192.0.2.1", "2001:db8::1"], "mode": "any"}),
            "pass",
        ),
        (
            json!({"addresses": ["192.0.2.2", "2001:db8::1"], "mode": "any"}),
            "unknown",
        ),
        (json!({"addresses": ["192.0.2.2"], "mode": "any"}), "fail"),
        (json!({"addresses": ["192.0.2.2"]}), "fail"),
    ] {
        for look in [Err(silent()), Ok(says(DnsResult::ServFail))] {
            let outcome = outcome(with.clone(), good(), look);
            assert_eq!(outcome.status.word(), status, "{with}");
            assert!(codes(&outcome).iter().any(|(code, _)| *code == "not_looked_up"));
        }
    }
}

#[test]
fn both_families_are_demanded_only_where_they_are() {
    let only_v4 = || (Ok(has(&["192.0.2.1"])), Ok(says(DnsResult::NoData)));
    let (v4, v6) = only_v4();
    assert!(outcome(json!({"require_ipv4": true}), v4, v6).status.is_pass());
    let (v4, v6) = only_v4();
    let missing = outcome(json!({"require_ipv6": true}), v4, v6);
    assert_eq!(codes(&missing), [("no_ipv6", "fail")]);
    assert_eq!(missing.findings[0].subject, "AAAA");
}

#[test]
fn missing_and_unexpected_ones_stand_apart() {
    let with = json!({"addresses": ["192.0.2.1", "2001:db8::1"]});
    let outcome = outcome(
        with,
        Ok(has(&["192.0.2.1", "192.0.2.9"])),
        Ok(says(DnsResult::NoData)),
    );
    let findings: Vec<(&str, &str)> = outcome
        .findings
        .iter()
        .map(|f| (f.code.as_str(), f.subject.as_str()))
        .collect();
    assert_eq!(
        findings,
        [
            ("missing_address", "2001:db8::1"),
            ("unexpected_address", "192.0.2.9")
        ]
    );
    assert_eq!(
        outcome.summary,
        "1 missing, 1 unexpected; 2 addresses: 192.0.2.1, 192.0.2.9"
    );
}

#[test]
fn a_nameserver_that_denies_a_name_for_one_family_is_warned_about() {
    let outcome = outcome(json!({}), Ok(has(&["192.0.2.1"])), Ok(says(DnsResult::NxDomain)));
    assert_eq!(codes(&outcome), [("nxdomain_for_one_family", "warn")]);
}

#[test]
fn the_chain_is_bounded_and_shown() {
    let chain = |aliases: usize| {
        let names: Vec<String> = (0..=aliases).map(|i| format!("n{i}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        outcome(
            json!({}),
            Ok(aliased(&names, &["192.0.2.1"])),
            Ok(says(DnsResult::NoData)),
        )
    };
    for (aliases, passes) in [(7, true), (8, true), (9, false)] {
        assert_eq!(chain(aliases).status.is_pass(), passes, "{aliases}");
    }
    assert_eq!(codes(&chain(9)), [("cname_chain_too_long", "warn")]);
    let shown = &chain(2).evidence[2];
    assert_eq!(
        (shown.label.as_str(), shown.value.as_str()),
        ("aliases", "n0 → n1 → n2")
    );
    assert!(chain(60).evidence[2].value.ends_with("n10 → …"));
}

#[test]
fn a_loop_of_aliases_is_named() {
    for names in [
        &[HOST, HOST][..],
        &[HOST, "b.example.com", HOST],
        &[HOST, "b", "c", "b"],
    ] {
        let mut answer = aliased(names, &[]);
        answer.result = DnsResult::NoData;
        let outcome = outcome(json!({}), Ok(answer.clone()), Ok(answer));
        assert_eq!(codes(&outcome), [("cname_loop", "fail")]);
        assert!(outcome.summary.ends_with(&format!("`{}`", names.last().unwrap())));
    }
}

#[test]
fn an_alias_into_another_zone_is_not_called_empty() {
    let mut answer = aliased(&[HOST, "cdn.example.net"], &[]);
    answer.result = DnsResult::NoData;
    let followed = outcome(json!({}), Ok(answer.clone()), Ok(answer.clone()));
    assert_eq!(codes(&followed), [("no_address", "fail")]);
    answer.authoritative = true;
    let alone = outcome(json!({}), Ok(answer.clone()), Ok(answer));
    assert_eq!(codes(&alone), [("alias_not_followed", "unknown")]);
}

#[test]
fn inner_addresses_are_noted_in_production() {
    let looks = || (has(&["10.0.0.1"]), has(&["::1"]));
    let (v4, v6) = looks();
    let outcome = outcome(json!({}), Ok(v4.clone()), Ok(v6.clone()));
    assert!(outcome.status.is_pass());
    assert_eq!(codes(&outcome), [("special_purpose_address", "pass"); 2]);
    let elsewhere = judge(HOST, &DnsRecords::default(), [Ok(&v4), Ok(&v6)], false);
    assert!(elsewhere.findings.is_empty());
}

#[test]
fn what_only_this_machine_knows_is_noted() {
    let answer = DnsAnswer::of_addresses(HOST, &["192.0.2.1".parse().unwrap()], "system resolver");
    let outcome = outcome(
        json!({}),
        Ok(answer),
        Ok(DnsAnswer::new(DnsResult::NoData, "system resolver")),
    );
    assert!(outcome.status.is_pass());
    assert_eq!(codes(&outcome), [("known_to_this_machine", "pass")]);
}

#[test]
fn hostile_names_do_no_harm() {
    let names = ["\u{1b}[31m\n<script>", "`|`", "\u{202e}", &"x".repeat(5000)];
    let mut answer = aliased(&names, &[]);
    for result in [DnsResult::NoData, DnsResult::NxDomain, DnsResult::Rcode(u16::MAX)] {
        answer.result = result;
        let outcome = outcome(json!({}), Ok(answer.clone()), Ok(answer.clone()));
        assert!(!outcome.status.is_pass());
        assert!(outcome.evidence.iter().all(|e| e.value.len() <= 1024));
    }
}

#[test]
fn a_cause_is_passed_on() {
    let cause = Cause::new("resolver", Reason::NO_ROUTE, "no route to any nameserver");
    let error = || Err(ObserveError::because(cause.clone()));
    let outcome = outcome(json!({}), error(), error());
    assert_eq!(outcome.status, Outcome::dependency_failed(cause).status);
}

#[test]
fn the_probe_asks_as_all_others_do() {
    let target = Target::parse(HOST).unwrap();
    let key = |family| DnsLookup::address(HOST, family);
    let facts = Facts::new()
        .with(key(Family::V4), has(&["192.0.2.1"]))
        .with(key(Family::V6), says(DnsResult::NoData));
    assert!(facts.judge(&DnsRecords::default(), &target).status.is_pass());
    // Its own nameservers make it another question.
    let own = settings(json!({"nameservers": ["192.0.2.53"]}));
    assert_eq!(reason(&facts.judge(&own, &target)), "not_recorded");
    let via = |family| key(family).via(vec!["192.0.2.53:53".parse().unwrap()]);
    let facts = Facts::new()
        .with(via(Family::V4), has(&["192.0.2.2"]))
        .with(via(Family::V6), says(DnsResult::NoData));
    assert_eq!(facts.judge(&own, &target).summary, "1 address: 192.0.2.2");
}

#[test]
fn an_address_has_no_name_to_look_up() {
    for target in ["https://192.0.2.1", "https://[2001:db8::1]:8443"] {
        let target = Target::parse(target).unwrap();
        let outcome = Facts::new()
            .profile(Profile::production())
            .judge(&DnsRecords::default(), &target);
        assert!(outcome.status.is_not_applicable());
    }
}

#[test]
fn wrong_settings_are_named() {
    let mut registry = Registry::new();
    registry.add_with::<DnsRecords>(DnsRecords::check);
    for (with, part) in [
        (json!({"mode": "any"}), "none are given"),
        (json!({"addresses": []}), "is empty"),
        (
            json!({"addresses": ["192.0.2.1", "192.0.2.1"]}),
            "`192.0.2.1` twice",
        ),
        (json!({"addresses": ["www"]}), "IP address"),
        (
            json!({"addresses": ["192.0.2.1"], "mode": "exakt"}),
            "unknown variant",
        ),
        (
            json!({"addresses": ["192.0.2.1"], "require_ipv6": true}),
            "IPv6 address is demanded",
        ),
        (
            json!({"nameservers": ["192.0.2.53", "192.0.2.53:53"]}),
            "`192.0.2.53:53` twice",
        ),
        (json!({"nameservers": []}), "nobody could be asked"),
        (json!({"nameservers": ["ns1.example.com"]}), "no nameserver"),
        (json!({"max_cname_chain": -1}), "invalid value"),
        (json!({"adresses": []}), "unknown field"),
    ] {
        let error = registry.build("dns.records", &with).unwrap_err().to_string();
        assert!(error.contains(part), "{with}: {error}");
    }
    for with in [
        json!({"addresses": ["192.0.2.1"], "require_ipv6": true, "mode": "superset"}),
        json!({"nameservers": ["192.0.2.53", "[2001:db8::53]:5353"], "max_cname_chain": 0}),
    ] {
        assert!(registry.build("dns.records", &with).is_ok(), "{with}");
    }
}
