use readiness_core::{
    Target,
    fact::{DnsLookup, DnsRecord, DnsResult, RecordData, RecordType},
    testing::Facts,
};
use serde_json::{Value, json};

use super::*;

const HOST: &str = "www.example.com";

fn settings(value: Value) -> DnsCaa {
    let settings: DnsCaa = serde_json::from_value(value).unwrap();
    assert_eq!(settings.check(), Ok(()));
    settings
}

fn records(at: &str, all: &[&str]) -> Look {
    let mut answer = DnsAnswer::new(DnsResult::Records, "192.0.2.53:53");
    let record = |text: &&str| {
        let (flags, rest) = text.split_once(' ').unwrap();
        let (tag, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let data = RecordData::Caa {
            flags: flags.parse().unwrap(),
            tag: tag.to_owned(),
            value: value.to_owned(),
        };
        DnsRecord::new(at, 300, data)
    };
    answer.records = all.iter().map(record).collect();
    Ok(answer)
}

fn says(result: DnsResult) -> Look {
    Ok(DnsAnswer::new(result, "192.0.2.53:53"))
}

/// What three names say, from the closest up; none where nothing is given.
fn climb(looks: Vec<Look>) -> Climb {
    let mut looks = looks.into_iter();
    let steps = climb::names(HOST).into_iter().map(|name| {
        let look = looks.next().unwrap_or_else(|| says(DnsResult::NoData));
        (name.to_owned(), look)
    });
    Climb {
        name: HOST.to_owned(),
        steps: steps.collect(),
    }
}

fn at_apex(all: &[&str]) -> Climb {
    climb(vec![says(DnsResult::NoData), records("example.com", all)])
}

fn said(outcome: &Outcome) -> String {
    let one = |finding: &Finding| format!("{} {}", finding.code, finding.status.word());
    outcome.findings.iter().map(one).collect::<Vec<_>>().join(", ")
}

#[test]
fn the_expected_authority_is_allowed_or_not() {
    let expected = || settings(json!({ "issuers": ["Ca.Example.net."] }));
    let wild = || settings(json!({ "issuers": ["ca.example.net"], "wildcard": true }));
    let others = || settings(json!({ "issuers": ["ca.example.net"], "allow_others": true }));
    let rows: [(&str, DnsCaa, &[&str], &str); 20] = [
        ("it alone", expected(), &["0 issue ca.example.net"], ""),
        ("in upper case", expected(), &["0 ISSUE CA.example.NET"], ""),
        (
            "with parameters",
            expected(),
            &["0 issue ca.example.net; a=b"],
            "",
        ),
        (
            "twice",
            expected(),
            &["0 issue ca.example.net", "128 issue ca.example.net"],
            "",
        ),
        (
            "another one",
            expected(),
            &["0 issue other.example"],
            "issuer_not_allowed fail, unexpected_issuer fail",
        ),
        (
            "another one too",
            expected(),
            &["0 issue ca.example.net", "0 issue other.example"],
            "unexpected_issuer fail",
        ),
        (
            "another one too, and may be",
            others(),
            &["0 issue ca.example.net", "0 issue other.example"],
            "",
        ),
        (
            "one below its name",
            expected(),
            &["0 issue www.ca.example.net"],
            "issuer_not_allowed fail, unexpected_issuer fail",
        ),
        ("nobody", expected(), &["0 issue ;"], "issuer_not_allowed fail"),
        (
            "nobody, written shorter",
            expected(),
            &["0 issue"],
            "issuer_not_allowed fail",
        ),
        (
            "nobody besides it",
            expected(),
            &["0 issue ;", "0 issue ca.example.net"],
            "",
        ),
        (
            "wildcards alone",
            expected(),
            &["0 issuewild other.example"],
            "every_issuer_allowed fail",
        ),
        (
            "wildcards by the same records",
            wild(),
            &["0 issue ca.example.net"],
            "",
        ),
        (
            "wildcards by their own records",
            wild(),
            &["0 issue ca.example.net", "0 issuewild other.example"],
            "issuer_not_allowed fail, unexpected_issuer fail",
        ),
        (
            "no wildcards",
            wild(),
            &["0 issue ca.example.net", "0 issuewild ;"],
            "issuer_not_allowed fail",
        ),
        (
            "no wildcards, and none wanted",
            expected(),
            &["0 issue ca.example.net", "0 issuewild ;"],
            "",
        ),
        (
            "a value that nobody can read",
            expected(),
            &["0 issue ca.example.net; a"],
            "malformed_value warn, issuer_not_allowed fail",
        ),
        (
            "a value that nobody can read beside a good one",
            expected(),
            &["0 issue %%%", "0 issue ca.example.net"],
            "malformed_value warn",
        ),
        (
            "critical and unknown",
            expected(),
            &["0 issue ca.example.net", "128 tbs x"],
            "unknown_critical fail",
        ),
        (
            "unknown",
            expected(),
            &["0 issue ca.example.net", "0 tbs x"],
            "unknown_property pass",
        ),
    ];
    for (what, settings, all, wanted) in rows {
        let outcome = judge(&settings, &at_apex(all));
        assert_eq!(said(&outcome), wanted, "{what}");
        assert!(!outcome.summary.is_empty(), "{what}");
    }
}

#[test]
fn without_an_expectation_what_is_there_is_told() {
    let rows: [(&[&str], &str, &str); 5] = [
        (
            &["0 issue b.example", "0 issue a.example"],
            "",
            "a.example, b.example may issue, says `example.com`",
        ),
        (
            &["0 issue ;"],
            "no_issuer_allowed pass",
            "no authority may issue, says `example.com`",
        ),
        (
            &["0 iodef mailto:a@example.com"],
            "every_issuer_allowed pass",
            "every authority may issue, says `example.com`",
        ),
        (
            &["128 issue a.example"],
            "",
            "a.example may issue, says `example.com`",
        ),
        (
            &["128 other x"],
            "unknown_critical fail, every_issuer_allowed pass",
            "the property `other` of `example.com` is critical and unknown: no authority may issue for \
             `www.example.com`",
        ),
    ];
    for (all, wanted, summary) in rows {
        let outcome = judge(&DnsCaa::default(), &at_apex(all));
        assert_eq!(
            (said(&outcome).as_str(), outcome.summary.as_str()),
            (wanted, summary),
            "{all:?}"
        );
    }
}

#[test]
fn the_closest_set_counts_and_a_failure_is_no_answer() {
    let allowed = || records("x", &["0 issue ca.example.net"]);
    let forbidden = || records("x", &["0 issue other.example"]);
    let none = || says(DnsResult::NoData);
    let silent = || Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"));
    let rows: [(&str, Vec<Look>, &str); 9] = [
        ("its own", vec![allowed(), forbidden(), forbidden()], ""),
        ("the one above", vec![none(), allowed(), forbidden()], ""),
        (
            "the last one",
            vec![says(DnsResult::NxDomain), none(), allowed()],
            "",
        ),
        (
            "a wrong one is closer",
            vec![forbidden(), allowed()],
            "issuer_not_allowed fail, unexpected_issuer fail",
        ),
        ("none", vec![], "no_caa fail"),
        (
            "fails on the way",
            vec![says(DnsResult::ServFail), allowed()],
            "not_looked_up unknown",
        ),
        (
            "refuses on the way",
            vec![none(), says(DnsResult::Refused), allowed()],
            "not_looked_up unknown",
        ),
        (
            "silent on the way",
            vec![none(), silent(), allowed()],
            "not_looked_up unknown",
        ),
        (
            "fails above the set",
            vec![allowed(), silent(), says(DnsResult::ServFail)],
            "",
        ),
    ];
    for (what, looks, wanted) in rows {
        let outcome = judge(&settings(json!({ "issuers": ["ca.example.net"] })), &climb(looks));
        assert_eq!(said(&outcome), wanted, "{what}");
    }
    let outcome = judge(&DnsCaa::default(), &climb(vec![]));
    assert_eq!(said(&outcome), "no_caa pass");
    let mut cut = allowed();
    cut.as_mut().unwrap().records_left_out = 1;
    let outcome = judge(&DnsCaa::default(), &climb(vec![cut]));
    assert_eq!(said(&outcome), "not_looked_up unknown");
    let others = settings(json!({ "issuers": ["a.example"], "allow_others": true }));
    assert_eq!(said(&judge(&others, &climb(vec![]))), "no_caa pass");
}

#[test]
fn an_alias_is_followed_and_its_end_must_be_known() {
    let alias = || DnsRecord::new(HOST, 300, RecordData::Cname("cdn.example.net".to_owned()));
    let mut with_set = records("cdn.example.net", &["0 issue ca.example.net"]).unwrap();
    with_set.records.insert(0, alias());
    let expected = settings(json!({ "issuers": ["ca.example.net"] }));
    assert_eq!(said(&judge(&expected, &climb(vec![Ok(with_set)]))), "");

    // The end has none: the climb goes on above the name that was asked for.
    let mut without_set = says(DnsResult::NoData).unwrap();
    without_set.records.push(alias());
    without_set.recursion_available = true;
    let looks = vec![
        Ok(without_set.clone()),
        records("example.com", &["0 issue ca.example.net"]),
    ];
    assert_eq!(said(&judge(&expected, &climb(looks))), "");

    // Who serves the alias alone does not know its end.
    without_set.authoritative = true;
    without_set.recursion_available = false;
    let looks = vec![
        Ok(without_set),
        records("example.com", &["0 issue ca.example.net"]),
    ];
    assert_eq!(said(&judge(&expected, &climb(looks))), "not_looked_up unknown");
}

#[test]
fn methods_accounts_and_reports_can_be_demanded() {
    let demanded = || {
        settings(json!({
            "issuers": ["ca.example.net"],
            "methods": ["dns-01"],
            "accounts": ["https://ca.example.net/1"],
            "require_iodef": true,
        }))
    };
    let rows: [(&[&str], &str); 5] = [
        (&["0 issue ca.example.net", "0 iodef mailto:a@example.com"], ""),
        (&["0 issue ca.example.net"], "no_iodef warn"),
        (
            &[
                "0 issue ca.example.net; validationmethods=http-01",
                "0 iodef https://example.com/",
            ],
            "method_not_allowed fail",
        ),
        (
            &[
                "0 issue ca.example.net; accounturi=https://ca.example.net/2",
                "0 iodef https://example.com/",
            ],
            "account_not_allowed fail",
        ),
        (
            &[
                "0 issue ca.example.net; accounturi=https://ca.example.net/2",
                "0 issue ca.example.net; accounturi=https://ca.example.net/1; validationmethods=dns-01",
                "0 iodef x",
                "0 iodef https://example.com/",
            ],
            "malformed_value warn",
        ),
    ];
    for (all, wanted) in rows {
        assert_eq!(said(&judge(&demanded(), &at_apex(all))), wanted, "{all:?}");
    }
}

#[test]
fn hostile_records_are_bounded_in_what_is_shown() {
    let flood: Vec<String> = (0..5_000).map(|n| format!("0 issue ca{n}.example; x")).collect();
    let mut flood: Vec<&str> = flood.iter().map(String::as_str).collect();
    let outcome = judge(&DnsCaa::default(), &at_apex(&flood));
    assert!(outcome.status.is_warn());
    assert_eq!(outcome.findings.len(), SHOWN + 1);
    // What matters most is not lost behind it.
    flood.extend(["128 tbs x"; 1_000]);
    let outcome = judge(&DnsCaa::default(), &at_apex(&flood));
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.findings.len(), SHOWN + 2);
    let others: Vec<String> = (0..5_000).map(|n| format!("0 issue ca{n}.example")).collect();
    let others: Vec<&str> = others.iter().map(String::as_str).collect();
    let outcome = judge(
        &settings(json!({ "issuers": ["ca1.example"] })),
        &at_apex(&others),
    );
    assert_eq!(outcome.findings.len(), SHOWN);
    let nasty = judge(
        &DnsCaa::default(),
        &at_apex(&["0 issue \u{1b}[31m\u{0}", "0 \u{fffd} x", "255 issue \u{fffd}"]),
    );
    for finding in &nasty.findings {
        assert!(!finding.message.contains('\u{1b}'), "{}", finding.message);
    }
}

#[test]
fn the_probe_asks_for_every_name_up_to_the_top() {
    let key = |name: &str| DnsLookup::new(name, RecordType::Caa);
    let facts = Facts::new()
        .with(key(HOST), says(DnsResult::NoData).unwrap())
        .with(
            key("example.com"),
            records("example.com", &["0 issue ca.example.net"]).unwrap(),
        )
        .with(key("com"), says(DnsResult::NoData).unwrap());
    let target = Target::parse("https://www.example.com").unwrap();
    let outcome = facts.judge(&settings(json!({ "issuers": ["ca.example.net"] })), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, "ca.example.net may issue, says `example.com`");
    let address = Target::parse("https://192.0.2.1").unwrap();
    assert!(
        Facts::new()
            .judge(&DnsCaa::default(), &address)
            .status
            .is_not_applicable()
    );
}

#[test]
fn settings_that_contradict_themselves_are_told() {
    for (value, what) in [
        (json!({ "issuers": ["not a name"] }), "`issuers`"),
        (json!({ "issuers": [""] }), "`issuers`"),
        (json!({ "methods": ["dns-01"] }), "`methods`"),
        (json!({ "allow_others": true }), "`allow_others`"),
        (json!({ "name": "a..b" }), "`name`"),
    ] {
        let settings: DnsCaa = serde_json::from_value(value).unwrap();
        let wrong = settings.check().unwrap_err();
        assert!(wrong.contains(what), "{wrong}");
    }
}
