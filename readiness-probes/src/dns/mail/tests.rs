use readiness_core::{
    ObserveError, Reason, Status, Target,
    fact::{DnsAnswer, DnsLookup, DnsRecord, DnsResult, RecordData, RecordType},
    testing::{Facts, faults_of_outcome},
};
use serde_json::{Value, json};

use super::*;

pub(super) const DOMAIN: &str = "example.com";

/// Records of names: owner, type, data.
pub(super) type Zone<'a> = [(&'a str, &'a str, &'a str)];

pub(super) fn settings(value: Value) -> DnsMail {
    serde_json::from_value(value).unwrap()
}

/// What a nameserver says of these records; one that is called `silent` says nothing.
fn says(zone: &Zone<'_>, name: &str, kind: RecordType) -> Result<DnsAnswer, ObserveError> {
    let of = |name: &str, kind: RecordType| -> Vec<DnsRecord> {
        let records = zone
            .iter()
            .filter(|(owner, found, _)| *owner == name && found.parse() == Ok(kind));
        let record = |(owner, _, text): &(&str, &str, &str)| {
            DnsRecord::new(*owner, 300, RecordData::parse(kind, text).unwrap())
        };
        records.map(record).collect()
    };
    if name.starts_with("silent.") {
        return Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"));
    }
    let mut records = of(name, RecordType::Cname);
    let end = match records.first().map(|record| &record.data) {
        Some(RecordData::Cname(to)) => to.clone(),
        _ => name.to_owned(),
    };
    let wanted = of(&end, kind);
    let result = match wanted.is_empty() {
        false => DnsResult::Records,
        true if zone.iter().any(|(owner, ..)| *owner == end) => DnsResult::NoData,
        true => DnsResult::NxDomain,
    };
    records.extend(wanted);
    let mut answer = DnsAnswer::new(result, "192.0.2.53:53");
    answer.records = records;
    Ok(answer)
}

/// The answers to all that is asked about these records.
pub(super) fn answers(settings: &DnsMail, domain: &str, zone: &Zone<'_>) -> Answers {
    let mut answers = Answers::default();
    loop {
        let mut asked = 0;
        for (name, kind) in wanted(settings, domain, &answers) {
            if answers.get(&name, kind).is_none() {
                answers.insert(&name, kind, says(zone, &name, kind));
                asked += 1;
            }
        }
        if asked == 0 {
            return answers;
        }
    }
}

fn judged(with: Value, zone: &Zone<'_>) -> Outcome {
    let settings = settings(with);
    settings.check().unwrap();
    let outcome = judge(&settings, DOMAIN, &answers(&settings, DOMAIN, zone));
    let faults = faults_of_outcome(&outcome);
    assert!(faults.is_empty(), "{faults:?}");
    outcome
}

/// The findings above notes: `spf_missing fail`.
pub(super) fn codes(outcome: &Outcome) -> String {
    let above = outcome.findings.iter().filter(|finding| !finding.is_note());
    let one = |finding: &Finding| format!("{} {}", finding.code, finding.status.word());
    above.map(one).collect::<Vec<_>>().join(", ")
}

pub(super) fn notes(outcome: &Outcome) -> Vec<&str> {
    let notes = outcome.findings.iter().filter(|finding| finding.is_note());
    notes.map(|finding| finding.code.as_str()).collect()
}

const GOOD: [(&str, &str, &str); 8] = [
    (DOMAIN, "MX", "10 mx1.example.com"),
    (DOMAIN, "MX", "20 mx2.example.net"),
    (DOMAIN, "TXT", "v=spf1 mx include:_spf.example.net -all"),
    (DOMAIN, "TXT", "some-site-verification=1"),
    (
        "_dmarc.example.com",
        "TXT",
        "v=DMARC1; p=reject; rua=mailto:dmarc@example.com",
    ),
    ("mx1.example.com", "A", "198.51.100.1"),
    ("mx2.example.net", "AAAA", "2001:db8::2"),
    ("_spf.example.net", "TXT", "v=spf1 ip4:198.51.100.0/24 ~all"),
];

/// The good records, with some of an owner and a type in the place of its own.
fn with<'a>(owner: &str, kind: &str, values: &[&'a str]) -> Vec<(String, String, &'a str)> {
    let kept = GOOD
        .iter()
        .filter(|(name, found, _)| (*name, *found) != (owner, kind));
    let kept = kept.map(|(name, found, text)| ((*name).to_owned(), (*found).to_owned(), *text));
    let new = values
        .iter()
        .map(|text| (owner.to_owned(), kind.to_owned(), *text));
    kept.chain(new).collect()
}

pub(super) fn changed(settings: Value, owner: &str, kind: &str, values: &[&str], more: &Zone<'_>) -> Outcome {
    let zone = with(owner, kind, values);
    let zone = zone
        .iter()
        .map(|(name, kind, text)| (name.as_str(), kind.as_str(), *text));
    judged(settings, &zone.chain(more.iter().copied()).collect::<Vec<_>>())
}

#[test]
fn a_well_kept_domain_is_silent() {
    let outcome = judged(json!({}), &GOOD);
    assert_eq!(
        (codes(&outcome), notes(&outcome)),
        (String::new(), vec![]),
        "{outcome:?}"
    );
    assert_eq!(
        outcome.summary,
        "2 exchanges, SPF with 2 look-ups, DMARC `reject`"
    );
    let shown: Vec<(&str, &str)> = outcome.evidence.iter().map(|e| (&*e.label, &*e.value)).collect();
    assert_eq!(
        shown,
        [
            ("MX", "10 mx1.example.com, 20 mx2.example.net"),
            ("SPF", "v=spf1 mx include:_spf.example.net -all"),
            (
                "DMARC",
                "v=DMARC1; p=reject; rua=mailto:dmarc@example.com (at `_dmarc.example.com`)"
            ),
            ("MTA-STS", "none"),
            ("TLS-RPT", "none"),
        ]
    );
    for mail in ["both", "receives", "sends", "none"] {
        let outcome = judged(json!({"mail": mail}), &GOOD);
        let wanted = match mail {
            "both" => "",
            "receives" => "spf_allows_senders fail",
            "sends" => "unexpected_mx fail",
            _ => "unexpected_mx fail, spf_allows_senders fail",
        };
        assert_eq!(codes(&outcome), wanted, "{mail}");
    }
}

#[test]
fn a_domain_without_mail_that_says_so_is_healthy() {
    let zone = [
        (DOMAIN, "A", "198.51.100.7"),
        (DOMAIN, "MX", "0 ."),
        (DOMAIN, "TXT", "v=spf1 -all"),
        ("_dmarc.example.com", "TXT", "v=DMARC1; p=reject"),
    ];
    for (mail, wanted) in [
        (json!({}), ""),
        (json!({"mail": "none"}), ""),
        (json!({"mail": "receives"}), "null_mx fail"),
        (json!({"mail": "sends"}), "spf_allows_nobody fail"),
        (json!({"mail": "both"}), "null_mx fail, spf_allows_nobody fail"),
    ] {
        let outcome = judged(mail.clone(), &zone);
        assert_eq!(codes(&outcome), wanted, "{mail}");
        if wanted.is_empty() {
            assert_eq!(outcome.summary, "null MX, SPF for nobody, DMARC `reject`");
        }
    }
    // The same domain that says nothing at all.
    let mute = judged(json!({}), &zone[..1]);
    assert_eq!(
        codes(&mute),
        "no_null_mx warn, spf_missing fail, dmarc_missing fail"
    );
    assert!(
        mute.summary
            .starts_with("`example.com` has no MX record: senders try its address `198.51.100.7`"),
        "{}",
        mute.summary
    );
}

#[test]
fn exchanges_lead_to_hosts() {
    for (values, more, wanted) in [
        (&["10 gone.example.com"][..], &[][..], "dangling_target fail"),
        (&["10 _dmarc.example.com"], &[], "target_without_address fail"),
        (
            &["10 alias.example.com"],
            &[("alias.example.com", "CNAME", "mx1.example.com")],
            "target_is_alias fail",
        ),
        (&["10 silent.example.com"], &[], "target_not_looked_up unknown"),
        (&["10 198.51.100.1"], &[], "exchange_is_address fail"),
        (&["0 .", "10 mx1.example.com"], &[], "null_mx_beside_others fail"),
        (&["0 .", "5 ."], &[], ""),
        (&["10 mx1.example.com", "10 mx1.example.com"], &[], ""),
        // Senders would try its address, and it has none.
        (&[], &[], ""),
    ] {
        let outcome = changed(json!({}), DOMAIN, "MX", values, more);
        assert_eq!(codes(&outcome), wanted, "{values:?}: {outcome:?}");
    }
    let none = changed(json!({"mail": "both"}), DOMAIN, "MX", &[], &[]);
    assert_eq!(codes(&none), "no_mx fail");
    let inside = changed(json!({}), "mx1.example.com", "A", &["10.0.0.1"], &[]);
    assert_eq!(
        (codes(&inside), notes(&inside)),
        (String::new(), vec!["special_purpose_address"])
    );
    let many: Vec<String> = (0..17).map(|n| format!("{n} mx{n}.example.org")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let outcome = changed(json!({}), DOMAIN, "MX", &many, &[]);
    assert_eq!(codes(&outcome).matches("dangling_target").count(), 16);
    assert!(
        codes(&outcome).contains("spf_too_many_exchanges fail"),
        "{}",
        codes(&outcome)
    );
}

#[test]
fn keys_and_transport_are_part_of_it() {
    let more = [
        ("s1._domainkey.example.com", "CNAME", "s1.keys.example.net"),
        ("s1.keys.example.net", "TXT", "v=DKIM1; p="),
        ("_mta-sts.example.com", "TXT", "v=STSv1; id=1"),
        ("_smtp._tls.example.com", "TXT", "v=TLSRPTv1"),
    ];
    let zone: Vec<_> = GOOD.into_iter().chain(more).collect();
    let outcome = judged(json!({"dkim_selectors": ["S1", "s2"]}), &zone);
    assert_eq!(
        codes(&outcome),
        "dkim_revoked fail, dkim_key_missing fail, tls_rpt_invalid warn"
    );
    assert!(outcome.summary.ends_with("; 2 more"), "{}", outcome.summary);
    let required = json!({"require_mta_sts": true, "require_tls_rpt": true});
    assert_eq!(
        codes(&judged(required.clone(), &GOOD)),
        "mta_sts_missing fail, tls_rpt_missing fail"
    );
    assert_eq!(codes(&judged(required, &zone)), "tls_rpt_invalid warn");
    let twice = [("_mta-sts.example.com", "TXT", "v=STSv1; id=2")];
    let zone: Vec<_> = zone.into_iter().chain(twice).collect();
    assert!(codes(&judged(json!({}), &zone)).contains("mta_sts_several warn"));
    // What a wildcard leaves there is no record.
    let wildcard = [("_mta-sts.example.com", "TXT", "v=spf1 -all")];
    let zone: Vec<_> = GOOD.into_iter().chain(wildcard).collect();
    assert_eq!(codes(&judged(json!({}), &zone)), "");
}

#[test]
fn what_could_not_be_looked_up_is_unknown() {
    let mut all = answers(&settings(json!({})), DOMAIN, &GOOD);
    let silent = || Err(ObserveError::new(Reason::DNS_SILENT, "no nameserver answers"));
    for (name, kind, wanted) in [
        (
            DOMAIN,
            RecordType::Mx,
            "mx_not_looked_up unknown, spf_term_not_looked_up unknown",
        ),
        (DOMAIN, RecordType::Txt, "spf_not_looked_up unknown"),
        (
            "_dmarc.example.com",
            RecordType::Txt,
            "dmarc_not_looked_up unknown",
        ),
        ("_spf.example.net", RecordType::Txt, "spf_not_looked_up unknown"),
        ("_mta-sts.example.com", RecordType::Txt, ""),
    ] {
        all.insert(name, kind, silent());
        let outcome = judge(&settings(json!({})), DOMAIN, &all);
        assert_eq!(codes(&outcome), wanted, "{name} {kind}");
        all.insert(name, kind, says(&GOOD, name, kind));
    }
    let mut refused = Answers::default();
    for kind in [RecordType::Mx, RecordType::Txt] {
        refused.insert(
            DOMAIN,
            kind,
            Ok(DnsAnswer::new(DnsResult::Refused, "192.0.2.53:53")),
        );
    }
    let outcome = judge(&settings(json!({})), DOMAIN, &refused);
    assert!(
        matches!(&outcome.status, Status::Unknown { reason, .. } if *reason == Reason::DNS_REFUSED),
        "{outcome:?}"
    );
}

#[test]
fn the_probe_asks_what_it_needs() {
    let mut facts = Facts::new();
    let wanted = answers(&settings(json!({})), DOMAIN, &GOOD);
    for (name, kind) in wanted.questions() {
        facts = facts.with(DnsLookup::new(name, *kind), says(&GOOD, name, *kind).unwrap());
    }
    let target = Target::parse("https://example.com").unwrap();
    let outcome = facts.judge(&DnsMail::default(), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let elsewhere = Target::parse("https://www.example.net").unwrap();
    let outcome = facts.judge(&settings(json!({"domain": "Example.com."})), &elsewhere);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let address = Target::parse("https://192.0.2.1").unwrap();
    assert!(
        facts
            .judge(&DnsMail::default(), &address)
            .status
            .is_not_applicable()
    );
}

#[test]
fn settings_that_cannot_work_are_errors() {
    let many: Vec<String> = (0..17).map(|n| format!("s{n}")).collect();
    for (wrong, words) in [
        (json!({"domain": ""}), "`domain` is ``"),
        (json!({"domain": "."}), "`domain` is `.`"),
        (json!({"domain": "me@example.com"}), "behind the `@`"),
        (json!({"dkim_selectors": many}), "at most 16"),
        (json!({"dkim_selectors": [""]}), "the name before"),
        (json!({"dkim_selectors": ["a b"]}), "the name before"),
        (json!({"dkim_selectors": ["a", "A"]}), "twice"),
        (
            json!({"mail": "sends", "require_mta_sts": true}),
            "`require_mta_sts`",
        ),
    ] {
        let error = settings(wrong).check().unwrap_err();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(
        settings(json!({"dkim_selectors": ["a.b", "c_d-1"]})).check(),
        Ok(())
    );
    assert!(serde_json::from_value::<DnsMail>(json!({"mail": "some"})).is_err());
}

proptest::proptest! {
    #[test]
    fn no_record_panics(
        spf in "(v=spf1 )?([-+~?]?(include|a|mx|redirect=|exists|ptr|all)[:/=]?[%{}a-z.0-9]{0,12} ){0,6}",
        dmarc in "(v=DMARC1;)?[ -~]{0,60}",
        key in "(v=DKIM1; p=)?[ -~]{0,60}",
    ) {
        let zone = [
            (DOMAIN, "MX", "10 mx1.example.com"),
            (DOMAIN, "TXT", spf.as_str()),
            ("_dmarc.example.com", "TXT", dmarc.as_str()),
            ("s._domainkey.example.com", "TXT", key.as_str()),
            ("_mta-sts.example.com", "TXT", key.as_str()),
        ];
        let settings = settings(json!({"dkim_selectors": ["s"]}));
        let outcome = judge(&settings, DOMAIN, &answers(&settings, DOMAIN, &zone));
        proptest::prop_assert!(!outcome.summary.is_empty());
    }
}
