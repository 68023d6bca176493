use super::{
    super::{
        DnsMail,
        tests::{DOMAIN, Zone, answers},
    },
    *,
};

fn judged(zone: &Zone<'_>) -> Policy {
    judge(DOMAIN, &answers(&DnsMail::default(), DOMAIN, zone))
}

/// `spf_loop fail`, one after the other.
fn codes(policy: &Policy) -> String {
    let one = |finding: &Finding| format!("{} {}", finding.code, finding.status.word());
    policy.findings.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn of(record: &str) -> String {
    codes(&judged(&[
        (DOMAIN, "TXT", record),
        (DOMAIN, "A", "198.51.100.1"),
        (DOMAIN, "MX", "10 mx.example.com"),
        ("open.example.net", "TXT", "v=spf1 +all"),
        ("shut.example.net", "TXT", "v=spf1 -all"),
        ("wide.example.net", "TXT", "v=spf1 ip4:0.0.0.0/0 -all"),
        ("mute.example.net", "TXT", "v=spf1 ip4:198.51.100.1"),
        ("text.example.net", "TXT", "v=spf1; -all"),
        ("two.example.net", "TXT", "v=spf1 -all"),
        ("two.example.net", "TXT", "v=spf1 ~all"),
        ("bad.example.net", "TXT", "v=spf1 ipv4:198.51.100.1 -all"),
        (
            "round.example.net",
            "TXT",
            "v=spf1 include:again.example.net -all",
        ),
        (
            "again.example.net",
            "TXT",
            "v=spf1 include:round.example.net -all",
        ),
    ]))
}

#[test]
fn each_fault_of_a_policy_is_named() {
    for (record, wanted) in [
        ("v=spf1 a mx ip4:198.51.100.0/24 ip6:2001:db8::/32 -all", ""),
        ("v=spf1 ~all", ""),
        ("v=spf1 redirect=shut.example.net", ""),
        ("v=spf1 +all", "spf_allows_all fail"),
        ("v=spf1 all", "spf_allows_all fail"),
        ("v=spf1 ip4:0.0.0.0/0 -all", "spf_allows_all fail"),
        ("v=spf1 ip6:::/0 -all", "spf_allows_all fail"),
        ("v=spf1 a/0 -all", "spf_allows_all fail"),
        ("v=spf1 ip4:0.0.0.0/1 -all", ""),
        ("v=spf1 -ip4:0.0.0.0/0 -all", ""),
        ("v=spf1 include:open.example.net -all", "spf_allows_all fail"),
        ("v=spf1 include:wide.example.net -all", "spf_allows_all fail"),
        ("v=spf1 redirect=open.example.net", "spf_allows_all fail"),
        ("v=spf1 ?include:open.example.net -all", ""),
        ("v=spf1 include:shut.example.net -all", ""),
        ("v=spf1 a ?all", "spf_all_neutral warn"),
        ("v=spf1 a", "spf_no_all warn"),
        ("v=spf1", "spf_no_all warn"),
        ("v=spf1 redirect=mute.example.net", "spf_no_all warn"),
        ("v=spf1 ptr -all", "spf_ptr warn"),
        ("v=spf1 ptr:example.com ptr -all", "spf_ptr warn"),
        (
            "v=spf1 -all a redirect=shut.example.net",
            "spf_unreachable_terms pass",
        ),
        ("v=spf1 ipv4:198.51.100.1 -all", "spf_syntax fail"),
        ("v=spf1 include:bad.example.net -all", "spf_syntax fail"),
        ("v=spf1 include:two.example.net -all", "spf_several fail"),
        (
            "v=spf1 include:text.example.net -all",
            "spf_include_without_record fail",
        ),
        (
            "v=spf1 include:gone.example.net -all",
            "spf_include_without_record fail, spf_void_lookup pass",
        ),
        (
            "v=spf1 redirect=gone.example.net",
            "spf_include_without_record fail, spf_void_lookup pass",
        ),
        ("v=spf1 include:example.com -all", "spf_loop fail"),
        ("v=spf1 redirect=example.com", "spf_loop fail"),
        ("v=spf1 include:round.example.net -all", "spf_loop fail"),
        (
            "v=spf1 include:silent.example.net -all",
            "spf_not_looked_up unknown",
        ),
        (
            "v=spf1 a:silent.example.net -all",
            "spf_term_not_looked_up unknown",
        ),
        ("v=spf1 exists:%{i}._spf.%{d} -all", "spf_macro_not_expanded pass"),
        ("v=spf1 redirect=%{d}.example.net", "spf_macro_not_expanded pass"),
    ] {
        assert_eq!(of(record), wanted, "{record}");
    }
}

#[test]
fn there_is_exactly_one() {
    let good = (DOMAIN, "TXT", "v=spf1 -all");
    let other = (DOMAIN, "TXT", "some text");
    let like = (DOMAIN, "TXT", "v=spf1;-all");
    for (zone, wanted) in [
        (&[good, other, like][..], ""),
        (&[other], "spf_missing fail"),
        (&[], "spf_missing fail"),
        (&[like], "spf_missing fail"),
        (&[good, (DOMAIN, "TXT", "V=SPF1 ~all")], "spf_several fail"),
    ] {
        let policy = judged(zone);
        assert_eq!(codes(&policy), wanted, "{zone:?}");
        let alike = policy.findings.iter().any(|finding| finding.evidence.len() == 1);
        assert_eq!(alike, zone == [like] || wanted == "spf_several fail", "{zone:?}");
    }
    assert!(judged(&[good]).is_closed);
    for open in ["v=spf1 a -all", "v=spf1 ~all", "v=spf1 -all redirect=a.example"] {
        assert!(!judged(&[(DOMAIN, "TXT", open)]).is_closed, "{open}");
    }
}

/// A record with so many `a` of one good name, split over includes.
fn with_lookups(count: usize) -> Policy {
    let half = count / 2;
    // Each include is a look-up of its own.
    let own = format!(
        "v=spf1{} include:more.example.net -all",
        " a:h.example.net".repeat(half)
    );
    let more = format!("v=spf1{} -all", " a:h.example.net".repeat(count - half - 1));
    judged(&[
        (DOMAIN, "TXT", &own),
        ("more.example.net", "TXT", &more),
        ("h.example.net", "A", "198.51.100.1"),
    ])
}

#[test]
fn ten_lookups_are_allowed() {
    for (count, wanted) in [(1, ""), (9, ""), (10, ""), (11, "spf_too_many_lookups fail")] {
        let policy = with_lookups(count);
        assert_eq!(policy.lookups, u32::try_from(count).unwrap());
        assert_eq!(codes(&policy), wanted, "{count}");
    }
    let policy = with_lookups(12);
    let finding = &policy.findings[0];
    assert!(
        finding.message.contains("takes 12 look-ups, expected at most 10"),
        "{}",
        finding.message
    );
    assert!(
        finding.evidence[0].value.ends_with("include:more.example.net 6"),
        "{:?}",
        finding.evidence
    );
    // What costs a look-up, and what does not.
    for (record, wanted) in [
        (
            "v=spf1 a mx ptr exists:h.example.net include:shut.example.net redirect=x.example",
            6,
        ),
        ("v=spf1 ip4:198.51.100.1 ip6:::1 exp=e.example -all", 0),
        ("v=spf1 exists:%{i}.example.net -all", 1),
        ("v=spf1 -all a mx", 0),
        ("v=spf1 a -all redirect=x.example", 1),
    ] {
        let zone = [
            (DOMAIN, "TXT", record),
            ("shut.example.net", "TXT", "v=spf1 -all"),
        ];
        assert_eq!(judged(&zone).lookups, wanted, "{record}");
    }
}

#[test]
fn two_may_find_nothing() {
    let record = |gone: usize| {
        let terms: String = (0..gone).map(|n| format!(" a:gone{n}.example.net")).collect();
        judged(&[(DOMAIN, "TXT", &format!("v=spf1{terms} -all"))])
    };
    for (gone, wanted) in [
        (0, ""),
        (1, "spf_void_lookup pass"),
        (2, "spf_void_lookup pass"),
        (3, "spf_too_many_void_lookups fail"),
    ] {
        assert_eq!(codes(&record(gone)), wanted, "{gone}");
    }
    // One family is enough.
    let v6 = judged(&[(DOMAIN, "TXT", "v=spf1 a -all"), (DOMAIN, "AAAA", "2001:db8::1")]);
    assert_eq!(codes(&v6), "");
}

#[test]
fn ten_exchanges_are_allowed() {
    for (count, wanted) in [(10, ""), (11, "spf_too_many_exchanges fail")] {
        let exchanges: Vec<String> = (0..count).map(|n| format!("{n} mx{n}.example.com")).collect();
        let mut zone = vec![(DOMAIN, "TXT", "v=spf1 mx -all")];
        zone.extend(exchanges.iter().map(|text| (DOMAIN, "MX", text.as_str())));
        assert_eq!(codes(&judged(&zone)), wanted, "{count}");
    }
}

#[test]
fn includes_that_double_end() {
    // Thirty levels, each of which includes the next one twice: a thousand million look-ups to the end.
    let names: Vec<String> = (0..30).map(|n| format!("l{n}.example.net")).collect();
    let records: Vec<String> = (1..30)
        .map(|n| format!("v=spf1 include:l{n}.example.net include:l{n}.example.net -all"))
        .chain(["v=spf1 ip4:198.51.100.1 -all".to_owned()])
        .collect();
    let mut zone = vec![(DOMAIN, "TXT", "v=spf1 include:l0.example.net -all")];
    zone.extend(
        names
            .iter()
            .zip(&records)
            .map(|(name, text)| (name.as_str(), "TXT", text.as_str())),
    );
    let policy = judged(&zone);
    assert_eq!(codes(&policy), "spf_too_many_lookups fail");
    assert!(
        policy.findings[0].message.contains("50 or more"),
        "{}",
        policy.findings[0].message
    );
    // A record of a thousand terms asks no more than is counted.
    let many: String = (0..900).map(|n| format!(" a:h{n}.example.net")).collect();
    let zone = [(DOMAIN, "TXT", &*format!("v=spf1{many} -all"))];
    let asked = answers(&DnsMail::default(), DOMAIN, &zone);
    let of_terms = asked.questions().filter(|(name, _)| name.starts_with('h'));
    assert_eq!(of_terms.count(), 100);
    assert!(codes(&judged(&zone)).contains("spf_too_many_void_lookups fail"));
}
