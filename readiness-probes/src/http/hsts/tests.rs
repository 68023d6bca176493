use readiness_core::{
    Reason, Status, Target,
    fact::{Channel, Exchange},
};

use super::*;
use crate::http::{Page, samples};

fn judged(value: &str) -> Outcome {
    judge(
        &Hsts::default(),
        samples::looked(&samples::html(&[("strict-transport-security", value)]))
            .by(&samples::key("example.com")),
    )
}

#[test]
fn the_age_is_judged_at_below_and_above_its_bound() {
    for (age, code) in [
        (0, Some("switched_off")),
        (1, Some("max_age_too_short")),
        (15_551_999, Some("max_age_too_short")),
        (15_552_000, None),
        (15_552_001, None),
        // More than a year gains nothing in some browsers and does no harm.
        (63_072_000, None),
    ] {
        let outcome = judged(&format!("max-age={age}"));
        assert_eq!(outcome.findings.first().map(|f| f.code.as_str()), code, "{age}");
        assert_eq!(outcome.status.is_pass(), code.is_none(), "{age}");
        let wanted = "(wanted at least 15552000 s";
        assert!(
            outcome.measures[0].to_string().contains(wanted),
            "{:?}",
            outcome.measures
        );
    }
}

#[test]
fn the_advice_never_names_preload() {
    for outcome in [
        judged("max-age=1"),
        judged("x"),
        judged("max-age=31536000; includeSubDomains"),
    ] {
        assert!(!format!("{outcome:?}").contains("preload"));
    }
    assert!(!Hsts::described().fix.contains("preload"));
}

#[test]
fn only_the_first_line_counts() {
    // RFC 6797, section 8.1.
    let two = |a: &str, b: &str| {
        let exchange = samples::html(&[("strict-transport-security", a), ("Strict-Transport-Security", b)]);
        judge(
            &Hsts::default(),
            samples::looked(&exchange).by(&samples::key("example.com")),
        )
    };
    assert!(two("max-age=31536000", "max-age=31536000").status.is_pass());
    let outcome = two("max-age=31536000", "max-age=0");
    assert_eq!(
        (outcome.findings[0].code.as_str(), outcome.findings.len()),
        ("conflicting_lines", 1)
    );
    assert!(outcome.status.is_warn());
    assert!(two("max-age=0", "max-age=31536000").status.is_fail());
    assert!(two("junk", "max-age=31536000").status.is_fail());
}

#[test]
fn it_does_not_apply_to_plain_http_and_addresses() {
    let exchange = samples::html(&[("strict-transport-security", "junk")]);
    let plain = judge(
        &Hsts::default(),
        samples::looked(&samples::plain(exchange.clone())).by(&samples::key("example.com")),
    );
    assert!(plain.status.is_not_applicable());
    for address in ["192.0.2.1", "2001:db8::1"] {
        let outcome = judge(
            &Hsts::default(),
            samples::looked(&exchange).by(&samples::key(address)),
        );
        assert!(outcome.status.is_not_applicable(), "{address}");
    }
    let untrusted = exchange.channel(Channel::UntrustedTls);
    assert!(
        judge(
            &Hsts::default(),
            samples::looked(&untrusted).by(&samples::key("example.com"))
        )
        .status
        .is_fail()
    );
}

#[test]
fn redirects_and_errors_are_judged_and_assets_inform() {
    let status = |status, headers: &[(&str, &str)]| {
        let exchange = Exchange::new(status, headers.iter().copied());
        judge(
            &Hsts::default(),
            samples::looked(&exchange).by(&samples::key("example.com")),
        )
        .status
    };
    assert!(status(301, &[("location", "https://www.example.com/")]).is_fail());
    for code in [401, 403, 404, 500, 503] {
        assert!(status(code, &[("content-type", "text/html")]).is_fail(), "{code}");
        assert!(status(code, &[("strict-transport-security", "max-age=31536000")]).is_pass());
    }
    assert!(status(200, &[("content-type", "image/png")]).is_pass());
    assert_eq!(
        status(403, &[("cf-mitigated", "challenge")]),
        Status::unknown(Reason::UNEXPECTED_RESPONSE)
    );
}

#[test]
fn the_probe_judges_the_targets_own_path() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = samples::facts(
        "https://example.com/",
        &[("strict-transport-security", "max-age=31536000")],
    );
    let outcome = facts.judge(&Hsts::default(), &target);
    assert_eq!(
        (outcome.status, outcome.summary.as_str()),
        (Status::Pass, "max-age is 31536000 s")
    );
    let facts = samples::facts("https://example.com/", &[("content-type", "text/html")]);
    assert!(facts.judge(&Hsts::default(), &target).status.is_fail());
}

#[test]
fn settings_are_checked() {
    let with = |min_max_age_seconds, status: &[u16]| {
        Hsts {
            min_max_age_seconds,
            pages: Pages::new([Page::default().accept_status(status.iter().copied())]),
            ..Hsts::default()
        }
        .check()
    };
    assert!(with(1, &[503]).is_ok());
    assert!(with(0, &[]).unwrap_err().contains("min_max_age_seconds"));
    assert!(with(1, &[99]).is_err());
}

#[test]
fn hostile_values_are_ignored_as_a_whole() {
    for value in samples::hostile() {
        let exchange = samples::html(&[("strict-transport-security", value)]);
        let outcome = judge(
            &Hsts::default(),
            samples::looked(&exchange).by(&samples::key("example.com")),
        );
        assert!(outcome.status.is_fail());
    }
}
