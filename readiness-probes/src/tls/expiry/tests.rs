use std::fmt::Write as _;

use super::*;
use crate::tls::{
    fixtures::{self, NOW, Pki},
    renewal::{renewal, renewal_due},
};

const UNSET: Margin = Margin {
    days: None,
    percent: None,
};

fn usual(lifetime: i64) -> Limits {
    Limits::new(lifetime, UNSET, UNSET)
}

fn days(days: u32) -> Margin {
    Margin {
        days: Some(days),
        percent: None,
    }
}

fn percent(percent: u8) -> Margin {
    Margin {
        days: None,
        percent: Some(percent),
    }
}

/// A certificate valid from and until so many seconds from [`NOW`].
fn leaf(from: i64, until: i64) -> Certificate<'static> {
    let params = fixtures::leaf_params(&["example.com"], from, until);
    // Kept for as long as the tests run: a certificate borrows its DER.
    Certificate::read(fixtures::self_signed(&params).leak()).unwrap()
}

#[test]
fn limits_follow_the_lifetime_up_to_a_ceiling() {
    let hours = |h: i64| h * 3600;
    for (days, warn, fail) in [
        (6, hours(43) + 720, hours(21) + 2160),    // 1.8 d, 21.6 h
        (47, hours(338) + 1440, hours(169) + 720), // 14.1 d, 7.05 d
        (90, 27 * DAY, 13 * DAY + hours(12)),
        (200, 30 * DAY, 14 * DAY),
        (398, 30 * DAY, 14 * DAY),
    ] {
        assert_eq!(usual(days * DAY), Limits { warn, fail }, "{days}");
    }
}

#[test]
fn each_limit_is_exact_to_the_second() {
    for days in [6, 47, 90, 200, 398] {
        let lifetime = days * DAY;
        let limits = usual(lifetime);
        for (left, expected) in [
            (limits.warn + 1, None),
            (limits.warn, Some("warn")),
            (limits.warn - 1, Some("warn")),
            (limits.fail + 1, Some("warn")),
            (limits.fail, Some("fail")),
            (limits.fail - 1, Some("fail")),
            (0, Some("fail")),
        ] {
            let certificate = leaf(left + 1 - lifetime, left);
            assert_eq!(certificate.lifetime_seconds(), lifetime);
            let found = finding(&certificate, 0, limits, NOW);
            let status = found.as_ref().map(|finding| finding.status.word());
            assert_eq!(status, expected, "{days} days, {left} s left");
            assert!(found.is_none_or(|finding| finding.code == "expires_soon"));
        }
    }
}

/// What is said of a certificate's dates so many seconds before its end.
fn said(lifetime: i64, left: i64) -> &'static str {
    let certificate = leaf(left + 1 - lifetime, left);
    match finding(&certificate, 0, usual(lifetime), NOW) {
        Some(finding) if finding.status.is_fail() => "fail",
        Some(_) => "warn",
        None if renewal_due(&certificate, UNSET, NOW).is_some() => "note",
        None => "-",
    }
}

#[test]
fn the_table_of_thresholds() {
    let mut table = String::from(
        "lifetime  renewal due  -1 s at +1 s     warns at   -1 s at +1 s     fails at   -1 s at +1 s\n",
    );
    for days in [6, 47, 90, 200, 398] {
        let lifetime = days * DAY;
        let certificate = leaf(1 - lifetime, 0);
        let due = -renewal(&certificate, UNSET).seconds_since(NOW);
        let limits = usual(lifetime);
        let _ = write!(table, "{:>8}", format!("{days} d"));
        for left in [due, limits.warn, limits.fail] {
            let [below, at, above] = [left - 1, left, left + 1].map(|left| said(lifetime, left));
            let _ = write!(
                table,
                "  {:>3} d {:02}:{:02}:{:02}  {below:<4} {at:<4} {above:<4}",
                left / DAY,
                left % DAY / 3600,
                left % 3600 / 60,
                left % 60
            );
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    println!("{table}");
    assert_eq!(table, TABLE);
}

/// The time left at which something begins to be said, and what is said a second below, at and above.
const TABLE: &str = "\
lifetime  renewal due  -1 s at +1 s     warns at   -1 s at +1 s     fails at   -1 s at +1 s
     6 d    3 d 00:00:00  note note -       1 d 19:12:00  warn warn note    0 d 21:36:00  fail fail warn
    47 d   15 d 16:00:00  note note -      14 d 02:24:00  warn warn note    7 d 01:12:00  fail fail warn
    90 d   30 d 00:00:00  note note -      27 d 00:00:00  warn warn note   13 d 12:00:00  fail fail warn
   200 d   66 d 16:00:00  note note -      30 d 00:00:00  warn warn note   14 d 00:00:00  fail fail warn
   398 d  132 d 16:00:00  note note -      30 d 00:00:00  warn warn note   14 d 00:00:00  fail fail warn
";

#[test]
fn settings_replace_the_rule() {
    let lifetime = 90 * DAY;
    let set = |warn, fail| {
        let limits = Limits::new(lifetime, warn, fail);
        (limits.warn, limits.fail)
    };
    assert_eq!(set(days(20), days(10)), (20 * DAY, 10 * DAY));
    assert_eq!(set(percent(50), percent(20)), (45 * DAY, 18 * DAY));
    // what fails is never more lenient than what warns
    assert_eq!(set(UNSET, days(60)), (60 * DAY, 60 * DAY));
    assert_eq!(set(days(0), days(0)), (0, 0));
    assert_eq!(set(percent(100), percent(0)), (lifetime, 0));
    // both set: the smaller one
    let both = |days, percent| Margin {
        days: Some(days),
        percent: Some(percent),
    };
    assert_eq!(set(both(20, 50), both(30, 10)), (20 * DAY, 9 * DAY));
}

#[test]
fn both_ends_are_part_of_the_validity() {
    let code = |from, until| {
        finding(&leaf(from, until), 0, Limits { warn: -1, fail: -1 }, NOW).map(|finding| finding.code)
    };
    assert_eq!(code(-DAY, 0), None);
    assert_eq!(code(-DAY, -1).as_deref(), Some("expired"));
    assert_eq!(code(0, DAY), None);
    assert_eq!(code(1, DAY).as_deref(), Some("not_yet_valid"));
    // one that ends before it begins
    assert_eq!(code(DAY, -DAY).as_deref(), Some("expired"));
}

#[test]
fn clocks_are_suspected_up_to_five_minutes() {
    for (distance, suspected) in [(299, true), (300, true), (301, false)] {
        let limits = usual(DAY);
        let early = finding(&leaf(distance, 90 * DAY), 0, limits, NOW).unwrap();
        assert_eq!(early.message.contains("clock"), suspected, "{}", early.message);
        let late = finding(&leaf(-DAY, -distance), 0, limits, NOW).unwrap();
        assert_eq!(late.message.contains("clock"), suspected, "{}", late.message);
    }
}

#[test]
fn an_endless_lifetime_does_not_overflow() {
    assert_eq!(usual(i64::MAX), usual(4000 * DAY));
    let negative = usual(i64::MIN);
    assert_eq!((negative.warn, negative.fail), (0, 0));
}

#[test]
fn messages_read_well() {
    let pki = Pki::new();
    let der = pki.leaf(&["example.com"], 84, 6);
    let certificate = Certificate::read(&der).unwrap();
    let limits = usual(certificate.lifetime_seconds());
    assert_eq!(
        finding(&certificate, 1, limits, NOW).unwrap().message,
        "expires in 5 days 23 h (2026-11-25), expected more than 13 days 12 h of its lifetime of 90 days"
    );
    assert_eq!(span(90), "90 seconds");
    assert_eq!(span(7199), "119 minutes");
    assert_eq!(span(2 * DAY), "2 days");
}
