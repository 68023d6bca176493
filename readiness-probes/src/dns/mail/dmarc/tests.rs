use serde_json::json;

use super::super::{
    judge,
    tests::{answers, changed, codes, notes, settings},
};

#[test]
fn dmarc_is_judged_tag_by_tag() {
    let at = "_dmarc.example.com";
    for (values, wanted) in [
        (&["v=DMARC1; p=quarantine; rua=mailto:a@example.com"][..], ""),
        (&["v=DMARC1; p=Reject; rua=mailto:a@mail.example.com"], ""),
        (
            &["v=DMARC1; p=none; rua=mailto:a@example.com"],
            "dmarc_policy_none warn",
        ),
        (
            &["v=DMARC1; p=block; rua=mailto:a@example.com"],
            "dmarc_policy_invalid fail",
        ),
        (
            &["v=DMARC1; rua=mailto:a@example.com"],
            "dmarc_policy_invalid fail",
        ),
        (&["v=DMARC1; p reject"], "dmarc_syntax fail"),
        (&["v=DMARC1; p=reject; p=none"], "dmarc_syntax fail"),
        (&["v=DMARC1; p=reject; pct=100; rua=mailto:a@example.com"], ""),
        (
            &["v=DMARC1; p=reject; pct=99; rua=mailto:a@example.com"],
            "dmarc_pct warn",
        ),
        (
            &["v=DMARC1; p=reject; pct=101; rua=mailto:a@example.com"],
            "dmarc_tag_invalid warn",
        ),
        (
            &["v=DMARC1; p=reject; adkim=x; rua=mailto:a@example.com"],
            "dmarc_tag_invalid warn",
        ),
        (
            &["v=DMARC1; p=reject; adkim=s; aspf=r; ri=86400; fo=1:d:s; rua=mailto:a@example.com"],
            "",
        ),
        (
            &["v=DMARC1; p=reject; fo=2; rua=mailto:a@example.com"],
            "dmarc_tag_invalid warn",
        ),
        (
            &["v=DMARC1; p=reject; ri=-1; rua=mailto:a@example.com"],
            "dmarc_tag_invalid warn",
        ),
        (
            &["v=DMARC1; p=reject; sp=none; rua=mailto:a@example.com"],
            "dmarc_subdomains_none warn",
        ),
        (
            &["v=DMARC1; p=reject; sp=all; rua=mailto:a@example.com"],
            "dmarc_tag_invalid warn",
        ),
        (&["v=DMARC1; p=reject", "v=DMARC1; p=none"], "dmarc_several fail"),
        // What a wildcard leaves there is no policy.
        (
            &["v=spf1 -all", "v=DMARC1; p=reject; rua=mailto:a@example.com"],
            "",
        ),
        (&["v=spf1 -all"], "dmarc_missing fail"),
        (&["v=dmarc1; p=reject"], "dmarc_missing fail"),
        (&["p=reject; v=DMARC1"], "dmarc_missing fail"),
        (&[], "dmarc_missing fail"),
    ] {
        let outcome = changed(json!({}), at, "TXT", values, &[]);
        assert_eq!(codes(&outcome), wanted, "{values:?}");
        if wanted.is_empty() {
            assert!(notes(&outcome).is_empty(), "{values:?}: {outcome:?}");
        }
    }
}

#[test]
fn reports_are_told_about() {
    let at = "_dmarc.example.com";
    let allows = (
        "example.com._report._dmarc.reports.example.net",
        "TXT",
        "v=DMARC1",
    );
    let wildcard = (
        "example.com._report._dmarc.reports.example.net",
        "TXT",
        "v=spf1 -all",
    );
    for (value, more, wanted) in [
        ("v=DMARC1; p=reject", &[][..], &["dmarc_no_reports"][..]),
        (
            "v=DMARC1; p=reject; rua=dmarc@example.com",
            &[],
            &["dmarc_report_address"],
        ),
        (
            "v=DMARC1; p=reject; rua=mailto:@example.com",
            &[],
            &["dmarc_report_address"],
        ),
        (
            "v=DMARC1; p=reject; rua=mailto:a@reports.example.net",
            &[allows],
            &[],
        ),
        (
            "v=DMARC1; p=reject; rua=mailto:a@reports.example.net!10m",
            &[allows],
            &[],
        ),
        (
            "v=DMARC1; p=reject; rua=mailto:a@reports.example.net",
            &[],
            &["dmarc_reports_not_authorised"],
        ),
        (
            "v=DMARC1; p=reject; rua=mailto:a@reports.example.net",
            &[wildcard],
            &["dmarc_reports_not_authorised"],
        ),
        (
            "v=DMARC1; rua=mailto:a@example.com; p=reject",
            &[],
            &["dmarc_policy_not_second"],
        ),
    ] {
        let outcome = changed(json!({}), at, "TXT", &[value], more);
        assert_eq!(
            (codes(&outcome).as_str(), notes(&outcome).as_slice()),
            ("", wanted),
            "{value}"
        );
    }
}

#[test]
fn the_organisation_speaks_for_what_is_below_it() {
    let host = "news.example.com";
    let zone = |policy: &'static str| {
        [
            (host, "MX", "0 ."),
            (host, "TXT", "v=spf1 -all"),
            ("_dmarc.example.com", "TXT", policy),
        ]
    };
    for (policy, wanted, gist) in [
        ("v=DMARC1; p=reject", "", "DMARC `reject`"),
        ("v=DMARC1; p=none; sp=reject", "", "DMARC `reject`"),
        ("v=DMARC1; p=none", "dmarc_policy_none warn", ""),
        (
            "v=DMARC1; p=reject; sp=none",
            "dmarc_policy_none warn, dmarc_subdomains_none warn",
            "",
        ),
    ] {
        let zone = zone(policy);
        let settings = settings(json!({}));
        let outcome = judge(&settings, host, &answers(&settings, host, &zone));
        assert_eq!(codes(&outcome), wanted, "{policy}");
        assert!(outcome.summary.contains(gist), "{}", outcome.summary);
    }
    let settings = settings(json!({}));
    let none = judge(
        &settings,
        host,
        &answers(&settings, host, &zone("v=DMARC1; p=reject")[..2]),
    );
    assert_eq!(codes(&none), "dmarc_missing fail");
    let message = &none
        .findings
        .iter()
        .find(|f| f.code == "dmarc_missing")
        .unwrap()
        .message;
    assert!(message.contains("nor has `_dmarc.example.com`"), "{message}");
}
