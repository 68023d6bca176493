use readiness_core::{
    Outcome, Target as Named,
    fact::{DnsRecord, Family, RecordType},
    testing::Facts,
};
use serde_json::{Value, json};

use super::{super::targets::MOST_TARGETS, *};

const BY: &str = "127.0.0.1:53";
const HOST: &str = "www.example.com";

fn records(name: &str, ttl: u32, kind: RecordType, values: &[&str]) -> DnsAnswer {
    let mut answer = DnsAnswer::new(DnsResult::Records, BY);
    let record = |text: &&str| DnsRecord::new(name, ttl, RecordData::parse(kind, text).unwrap());
    answer.records = values.iter().map(record).collect();
    answer
}

fn says(result: DnsResult) -> DnsAnswer {
    DnsAnswer::new(result, BY)
}

fn address(name: &str) -> DnsAnswer {
    DnsAnswer::of_addresses(name, &["192.0.2.1".parse().unwrap()], BY)
}

/// What one set says of one answer.
fn judged(set: &Value, answer: Result<DnsAnswer, ObserveError>) -> Vec<(String, &'static str)> {
    let set: RecordSet = serde_json::from_value(set.clone()).unwrap();
    assert_eq!(set.check(), Ok(()));
    let seen = Seen {
        set: &set,
        answer,
        targets: Vec::new(),
        wildcard: None,
    };
    let findings = judge(HOST, 8, &seen);
    let code = |finding: &Finding| (finding.code.to_string(), finding.status.word());
    assert!(
        findings
            .iter()
            .all(|finding| !finding.subject.is_empty() && !finding.remedy.is_empty())
    );
    findings.iter().map(code).collect()
}

fn codes(set: &Value, answer: DnsAnswer) -> String {
    let judged = judged(set, Ok(answer));
    judged
        .iter()
        .map(|(code, _)| code.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn each_mode_asks_for_its_own() {
    let mode = |mode: &str| json!({"type": "MX", "values": ["10 a.example", "20 B.example."], "mode": mode});
    let found = |values: &[&str]| records(HOST, 60, RecordType::Mx, values);
    let table: [(&[&str], [&str; 4]); 5] = [
        (&["20 b.example", "10 a.example"], ["", "", "", ""]),
        (&["10 a.example"], ["", "missing_record", "", "missing_record"]),
        (
            &["10 a.example", "20 b.example", "30 c.example"],
            ["", "unexpected_record", "unexpected_record", ""],
        ),
        // the same host with another preference is another record
        (
            &["10 a.example", "21 b.example"],
            [
                "",
                "missing_record unexpected_record",
                "unexpected_record",
                "missing_record",
            ],
        ),
        (
            &["1 x.example"],
            [
                "no_expected_record",
                "missing_record missing_record unexpected_record",
                "unexpected_record",
                "missing_record missing_record",
            ],
        ),
    ];
    for (values, wanted) in table {
        for (name, wanted) in ["any", "exact", "subset", "superset"].into_iter().zip(wanted) {
            assert_eq!(codes(&mode(name), found(values)), wanted, "{name} {values:?}");
        }
    }
    assert_eq!(
        codes(
            &json!({"type": "MX", "values": ["10 a.example"]}),
            found(&["10 a.example", "9 b.example"])
        ),
        "unexpected_record",
        "exact is the default"
    );
}

#[test]
fn every_type_is_compared_by_what_it_says() {
    for (kind, expected, found, other) in [
        ("A", "192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("AAAA", "2001:DB8::1", "2001:db8:0::1", "2001:db8::2"),
        (
            "CAA",
            "0 ISSUE ca.example",
            "0 issue \"ca.example\"",
            "128 issue \"ca.example\"",
        ),
        ("CNAME", "A.example.", "a.example", "b.example"),
        (
            "HTTPS",
            "1 . port=443 alpn=h2",
            "1 . alpn=h2 port=443",
            "1 . alpn=h3",
        ),
        ("NS", "ns1.example.", "NS1.example", "ns2.example"),
        ("PTR", "h.example.", "h.example", "i.example"),
        ("SOA", "a. b. 1 2 3 4 5", "a b 1 2 3 4 5", "a b 2 2 3 4 5"),
        ("SRV", "1 2 3 h.", "1 2 3 h", "1 2 4 h"),
        ("SVCB", "1 h.", "1 h", "2 h"),
        ("TLSA", "3 1 1 AB", "3 1 1 ab", "3 1 2 ab"),
        ("TXT", "\"a\" \"b\"", "ab", "AB"),
        ("TYPE99", "x", "x", "y"),
    ] {
        let set = json!({"type": kind, "values": [expected]});
        let answer = |text| records(HOST, 60, kind.parse().unwrap(), &[text]);
        assert_eq!(codes(&set, answer(found)), "", "{kind}");
        assert_eq!(
            codes(&set, answer(other)),
            "missing_record unexpected_record",
            "{kind}"
        );
    }
}

#[test]
fn absence_is_told_apart() {
    let has = || records(HOST, 60, RecordType::Txt, &["x"]);
    let mut alias = says(DnsResult::NxDomain);
    alias.records = vec![DnsRecord::new(HOST, 60, RecordData::Cname("gone.example".into()))];
    for (absent, records, nodata, nxdomain, dangling) in [
        ("either", "record_exists", "", "", ""),
        ("nodata", "record_exists", "", "nxdomain", "nxdomain"),
        ("nxdomain", "record_exists", "name_exists", "", "name_exists"),
    ] {
        let set = json!({"type": "TXT", "absent": absent});
        assert_eq!(codes(&set, has()), records, "{absent}");
        assert_eq!(codes(&set, says(DnsResult::NoData)), nodata, "{absent}");
        assert_eq!(codes(&set, says(DnsResult::NxDomain)), nxdomain, "{absent}");
        assert_eq!(codes(&set, alias.clone()), dangling, "{absent}");
    }
}

#[test]
fn what_is_not_there_says_why() {
    let set = json!({"type": "TXT"});
    let chain = |names: &[&str], result: DnsResult| {
        let mut answer = says(result);
        answer.records = names
            .windows(2)
            .map(|pair| DnsRecord::new(pair[0], 60, RecordData::Cname(pair[1].into())))
            .collect();
        answer
    };
    let long: Vec<String> = (0..11).map(|i| format!("n{i}.example")).collect();
    let long: Vec<&str> = long.iter().map(String::as_str).collect();
    let ended = |names: &[&str]| {
        let mut answer = chain(names, DnsResult::Records);
        answer
            .records
            .push(DnsRecord::new("end", 60, RecordData::Txt("x".into())));
        answer
    };
    let mut authority = chain(&[HOST, "a.example"], DnsResult::NoData);
    authority.authoritative = true;
    for (answer, code) in [
        (says(DnsResult::NoData), "no_record"),
        (says(DnsResult::NxDomain), "nxdomain"),
        (says(DnsResult::Refused), "not_looked_up"),
        (says(DnsResult::ServFail), "not_looked_up"),
        (says(DnsResult::Rcode(4)), "not_looked_up"),
        (
            chain(&[HOST, "gone.example"], DnsResult::NxDomain),
            "dangling_alias",
        ),
        (chain(&[HOST, "b", HOST], DnsResult::NoData), "cname_loop"),
        (chain(&[HOST, "b"], DnsResult::NoData), "no_record"),
        (authority, "alias_not_followed"),
        (ended(&long[..9]), ""),
        (ended(&long[..10]), "cname_chain_too_long"),
        (ended(&[HOST, "b"]), ""),
    ] {
        assert_eq!(codes(&set, answer.clone()), code, "{answer:?}");
    }
    let silent = ObserveError::new(Reason::DNS_SILENT, "no nameserver answers");
    assert_eq!(
        judged(&set, Err(silent)),
        [("not_looked_up".to_owned(), "unknown")]
    );
}

#[test]
fn times_to_live_have_bounds() {
    let set = json!({"type": "TXT", "min_ttl_seconds": 60, "max_ttl_seconds": 300});
    for (ttl, authoritative, wanted) in [
        (59, true, "ttl_too_short fail"),
        (60, true, ""),
        (300, true, ""),
        (301, true, "ttl_too_long fail"),
        (59, false, "ttl_not_told unknown"),
        (60, false, ""),
        (301, false, "ttl_too_long fail"),
    ] {
        let mut answer = records(HOST, ttl, RecordType::Txt, &["x"]);
        answer.authoritative = authoritative;
        let judged = judged(&set, Ok(answer));
        let said: Vec<String> = judged
            .iter()
            .map(|(code, word)| format!("{code} {word}"))
            .collect();
        assert_eq!(said.join(", "), wanted, "{ttl} {authoritative}");
    }
}

#[test]
fn where_records_lead_must_be_a_host() {
    let alias = || {
        let mut answer = address("edge.example");
        let to = RecordData::Cname("edge.example".into());
        answer.records.insert(0, DnsRecord::new("m.example", 60, to));
        answer
    };
    let silent = || Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"));
    for (v4, v6, code) in [
        (Ok(address("m.example")), Ok(says(DnsResult::NoData)), None),
        (Ok(address("m.example")), silent(), None),
        (Ok(alias()), Ok(says(DnsResult::NoData)), Some("target_is_alias")),
        (
            Ok(says(DnsResult::NxDomain)),
            Ok(says(DnsResult::NxDomain)),
            Some("dangling_target"),
        ),
        (
            Ok(says(DnsResult::NoData)),
            Ok(says(DnsResult::NoData)),
            Some("target_without_address"),
        ),
        (
            Ok(says(DnsResult::NoData)),
            silent(),
            Some("target_not_looked_up"),
        ),
        (
            Ok(says(DnsResult::ServFail)),
            Ok(says(DnsResult::NoData)),
            Some("target_not_looked_up"),
        ),
    ] {
        let target = Target {
            name: "m.example".into(),
            looks: [v4, v6],
        };
        let finding = judge_target(RecordType::Mx, &target);
        assert_eq!(finding.as_ref().map(|finding| &*finding.code), code);
    }
    let many: Vec<String> = (0..40).map(|i| format!("{i} m{i}.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = records(HOST, 60, RecordType::Mx, &many);
    assert_eq!(targets(Some(&answer)).len(), MOST_TARGETS);
    assert_eq!(
        targets(Some(&records(HOST, 60, RecordType::Mx, &["0 ."]))).len(),
        0
    );
}

#[test]
fn settings_that_ask_for_nothing_are_errors() {
    for (wrong, words) in [
        (json!({"must_have_address": false}), "nothing would be demanded"),
        (
            json!({"must_have_address": false, "require_ipv4": true, "records": [{"type": "MX"}]}),
            "is demanded",
        ),
        (json!({"records": [{"type": "MX", "values": []}]}), "empty"),
        (
            json!({"records": [{"type": "MX", "values": ["x"]}]}),
            "write it as",
        ),
        (
            json!({"records": [{"type": "A", "values": ["192.0.2.1", "192.0.2.1"]}]}),
            "twice",
        ),
        (
            json!({"records": [{"type": "MX", "mode": "any"}]}),
            "none are given",
        ),
        (
            json!({"records": [{"type": "MX", "absent": "either", "max_ttl_seconds": 1}]}),
            "absent",
        ),
        (
            json!({"records": [{"type": "MX", "min_ttl_seconds": 2, "max_ttl_seconds": 1}]}),
            "more than",
        ),
        (json!({"records": vec![json!({"type": "MX"}); 65]}), "at most 64"),
    ] {
        let settings: DnsRecords = serde_json::from_value(wrong.clone()).unwrap();
        let error = settings.check().unwrap_err();
        assert!(error.contains(words), "{wrong}: {error}");
    }
    let good = json!({"must_have_address": false, "records": vec![json!({"type": "MX"}); 64]});
    assert_eq!(
        serde_json::from_value::<DnsRecords>(good).unwrap().check(),
        Ok(())
    );
    for unread in [
        json!({"records": [{"type": "MXX"}]}),
        json!({"records": [{"type": "MX", "ttl": 1}]}),
    ] {
        assert!(serde_json::from_value::<DnsRecords>(unread).is_err());
    }
}

fn outcome(with: Value, facts: Facts) -> Outcome {
    let probe: DnsRecords = serde_json::from_value(with).unwrap();
    facts.judge(&probe, &Named::parse("https://example.com").unwrap())
}

#[test]
fn the_probe_follows_what_it_finds() {
    let none = |facts: Facts, name: &str, result: DnsResult| {
        facts
            .with(DnsLookup::address(name, Family::V4), says(result.clone()))
            .with(DnsLookup::address(name, Family::V6), says(result))
    };
    let mx = DnsLookup::new("example.com", RecordType::Mx);
    let facts = Facts::new().with(
        mx,
        records("example.com", 60, RecordType::Mx, &["10 mx.example.net"]),
    );
    let facts = none(facts, "example.com", DnsResult::NoData);
    let with =
        json!({"must_have_address": false, "records": [{"type": "MX", "values": ["10 mx.example.net"]}]});

    let gone = outcome(
        with.clone(),
        none(facts.clone(), "mx.example.net", DnsResult::NxDomain),
    );
    assert!(gone.status.is_fail());
    assert_eq!(gone.findings[0].code, "dangling_target");
    assert!(gone.summary.contains("`mx.example.net`"), "{}", gone.summary);

    let there = facts
        .with(
            DnsLookup::address("mx.example.net", Family::V4),
            address("mx.example.net"),
        )
        .with(
            DnsLookup::address("mx.example.net", Family::V6),
            says(DnsResult::NoData),
        );
    let good = outcome(with, there.clone());
    assert!(good.status.is_pass() && good.findings.is_empty(), "{good:?}");
    assert_eq!(
        good.summary,
        "no address, and none demanded; 1 of 1 record sets as expected"
    );
    let demanded = outcome(json!({"records": [{"type": "MX"}]}), there);
    assert_eq!(demanded.findings[0].code, "no_address");
}

#[test]
fn long_records_are_cut() {
    let text = "ä".repeat(70_000);
    let answer = records(HOST, 60, RecordType::Txt, &[&text, "a", "b", "c", "d"]);
    assert_eq!(shown(&answer.records[0].data).chars().count(), 101);
    assert!(values(&answer).ends_with("`c`, 1 more"));
    let many: Vec<String> = (0..4000).map(|i| i.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let answer = records(HOST, 60, RecordType::Txt, &many);
    let set = json!({"type": "TXT", "values": ["x"]});
    assert_eq!(judged(&set, Ok(answer)).len(), 1 + MOST_FINDINGS);
}

proptest::proptest! {
    #[test]
    fn exact_is_subset_and_superset(found in proptest::collection::vec(0_u8..6, 1..6), expected in proptest::collection::btree_set(0_u8..6, 1..6)) {
        let texts: Vec<String> = found.iter().map(ToString::to_string).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let answer = records(HOST, 60, RecordType::Txt, &texts);
        let expected: Vec<String> = expected.iter().map(ToString::to_string).collect();
        let holds = |mode: &str| {
            codes(&json!({"type": "TXT", "values": expected, "mode": mode}), answer.clone()).is_empty()
        };
        proptest::prop_assert_eq!(holds("exact"), holds("subset") && holds("superset"));
        proptest::prop_assert!(!holds("subset") || holds("any"));
        proptest::prop_assert!(!holds("superset") || holds("any"));
    }
}

#[test]
fn a_wildcard_beside_a_name_is_named() {
    let set = |name: &str| json!({"type": "TXT", "name": name, "absent": "either"});
    let probe = |name: &str| -> DnsRecords {
        serde_json::from_value(json!({"must_have_address": false, "records": [set(name)]})).unwrap()
    };
    let key = |name: &str| DnsLookup::new(name, RecordType::Txt);
    let text = |name: &str| records(name, 60, RecordType::Txt, &["any"]);
    let target = Named::parse("https://www.example.com").unwrap();
    let base = Facts::new()
        .with(DnsLookup::address(HOST, Family::V4), says(DnsResult::NoData))
        .with(DnsLookup::address(HOST, Family::V6), says(DnsResult::NoData))
        .with(key("gone.example.com"), text("gone.example.com"))
        .with(key("*.example.org"), text("*.example.org"));
    let by_wildcard = base.clone().with(key("*.example.com"), text("*.example.com"));
    let by_itself = base.clone().with(key("*.example.com"), says(DnsResult::NxDomain));
    for (facts, name, wanted) in [
        (
            &by_wildcard,
            "gone.example.com",
            Some("`*.example.com` has TXT records too"),
        ),
        (&by_itself, "gone.example.com", None),
        // Where it could not be asked, and where the wildcard itself was.
        (&base, "gone.example.com", None),
        (&base, "*.example.org", None),
    ] {
        let outcome = facts.judge(&probe(name), &target);
        let finding = outcome
            .findings
            .iter()
            .find(|finding| finding.code == "record_exists")
            .unwrap();
        let evidence = finding
            .evidence
            .iter()
            .find(|evidence| evidence.label == "wildcard");
        assert_eq!(evidence.map(|evidence| &*evidence.value), wanted, "{name}");
    }
}
