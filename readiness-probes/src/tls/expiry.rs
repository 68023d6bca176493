//! When a certificate ends and is to be renewed, judged relative to its lifetime.

use readiness_core::{Finding, Timestamp};

use super::{served::chain_at, x509::Certificate};

const DAY: i64 = 86_400;
/// A date this near may be a matter of clocks.
const SKEW_SECONDS: i64 = 300;

/// How little time left warns, and how little fails, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    pub(super) warn: i64,
    pub(super) fail: i64,
}

/// A part of a lifetime, as it is set: in days, in percent, or the smaller of both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Margin {
    pub(super) days: Option<u32>,
    pub(super) percent: Option<u8>,
}

impl Margin {
    /// In seconds; `None` where nothing is set.
    fn of(self, lifetime: i64) -> Option<i64> {
        let days = self.days.map(|days| i64::from(days) * DAY);
        let percent = self.percent.map(|percent| share(lifetime, percent.into()));
        match (days, percent) {
            (Some(days), Some(percent)) => Some(days.min(percent)),
            (days, percent) => days.or(percent),
        }
    }
}

impl Limits {
    /// 30 % of the lifetime warns and 15 % fails, but never more than 30 and 14 days; or what is set.
    ///
    /// Short-lived certificates are renewed late by design, so days alone would warn of each of them; and
    /// a long one leaves time enough at 30 days.
    pub(super) fn new(lifetime: i64, warn: Margin, fail: Margin) -> Self {
        let usual = |percent: i64, days: i64| share(lifetime, percent).min(days * DAY);
        let fail = fail.of(lifetime).unwrap_or_else(|| usual(15, 14));
        let warn = warn.of(lifetime).unwrap_or_else(|| usual(30, 30));
        Self {
            warn: warn.max(fail),
            fail,
        }
    }
}

/// So many percent of a lifetime, rounded down.
fn share(lifetime: i64, percent: i64) -> i64 {
    let part = i128::from(lifetime.max(0)) * i128::from(percent) / 100;
    i64::try_from(part).unwrap_or(i64::MAX)
}

/// When a certificate is to be renewed: the rule of cert-manager, by which most are.
///
/// That is a third of the lifetime before the end, or what is set if it is more than nothing and less than
/// the lifetime; to the second, the earlier one. Under ten days it is half of the lifetime, as a third of
/// six days leaves no time to try again.
pub(super) fn renewal(certificate: &Certificate<'_>, before: Margin) -> Timestamp {
    // Without the last second, as cert-manager counts.
    let span = certificate.not_after.seconds_since(certificate.not_before).max(0);
    let up =
        |part: i128, of: i128| i64::try_from((i128::from(span) * part + of - 1) / of).unwrap_or(i64::MAX);
    let days = before.days.map(|days| i64::from(days) * DAY);
    let percent = before.percent.map(|percent| up(percent.into(), 100));
    let set = days.or(percent).filter(|before| (1..span).contains(before));
    let before = set.unwrap_or_else(|| {
        if certificate.lifetime_seconds() < 10 * DAY {
            up(1, 2)
        } else {
            up(1, 3)
        }
    });
    certificate.not_after.plus_seconds(-before)
}

/// A note where a certificate is to be renewed by now.
pub(super) fn renewal_due(certificate: &Certificate<'_>, before: Margin, now: Timestamp) -> Option<Finding> {
    let due = renewal(certificate, before);
    let left = certificate.not_after.seconds_since(now);
    (due <= now && left >= 0).then(|| {
        Finding::note(
            "renewal_due",
            format!(
                "is due for renewal since {} ({} of {} are left)",
                due.date(),
                span(left),
                span(certificate.lifetime_seconds())
            ),
        )
        .subject(chain_at(0))
        .evidence("renewal due from", due.to_string())
        .evidence("valid until", certificate.not_after.to_string())
    })
}

/// What the dates of a certificate mean at an instant. Both ends are part of the validity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Age {
    Expired { ago: i64 },
    Expires { left: i64, fails: bool },
    NotYetValid { begins_in: i64 },
    Valid { left: i64 },
}

impl Age {
    pub(super) fn of(certificate: &Certificate<'_>, limits: Limits, now: Timestamp) -> Self {
        let left = certificate.not_after.seconds_since(now);
        let begins_in = certificate.not_before.seconds_since(now);
        // A certificate that ends before it begins is never valid: its end is what counts.
        if left < 0 {
            Self::Expired { ago: -left }
        } else if begins_in > 0 {
            Self::NotYetValid { begins_in }
        } else if left <= limits.warn {
            Self::Expires {
                left,
                fails: left <= limits.fail,
            }
        } else {
            Self::Valid { left }
        }
    }

    /// Whether no client takes it at this instant.
    pub(super) fn is_out_of_date(self) -> bool {
        matches!(self, Self::Expired { .. } | Self::NotYetValid { .. })
    }
}

/// What there is to say of a certificate's dates; nothing where all is well.
pub(super) fn finding(
    certificate: &Certificate<'_>,
    position: usize,
    limits: Limits,
    now: Timestamp,
) -> Option<Finding> {
    let end = certificate.not_after;
    let finding = match Age::of(certificate, limits, now) {
        Age::Valid { .. } => return None,
        Age::Expired { ago } => Finding::fail(
            "expired",
            format!("expired {} ago ({}){}", span(ago), end.date(), skew(ago, now)),
        )
        .evidence("valid until", end.to_string())
        .evidence("judged at", now.to_string())
        .remedy(renew(position)),
        Age::NotYetValid { begins_in } => Finding::fail(
            "not_yet_valid",
            format!(
                "is valid only in {} (from {}){}",
                span(begins_in),
                certificate.not_before,
                skew(begins_in, now)
            ),
        )
        .evidence("valid from", certificate.not_before.to_string())
        .evidence("judged at", now.to_string())
        .remedy("check the clocks of this machine and of the issuer, or install a certificate that is valid already"),
        Age::Expires { left, fails } => {
            let limit = if fails { limits.fail } else { limits.warn };
            let message = format!(
                "expires in {} ({}), expected more than {} of its lifetime of {}",
                span(left),
                end.date(),
                span(limit),
                span(certificate.lifetime_seconds())
            );
            let finding = if fails {
                Finding::fail("expires_soon", message)
            } else {
                Finding::warn("expires_soon", message)
            };
            finding
                .evidence("valid until", end.to_string())
                .evidence("left", span(left))
                .evidence(
                    "limits",
                    format!("warns at {}, fails at {}", span(limits.warn), span(limits.fail)),
                )
                .remedy(renew(position))
        }
    };
    Some(finding.subject(chain_at(position)))
}

/// A number of seconds in words: `61 days`, `13 days 12 h`, `5 hours`.
pub(super) fn span(seconds: i64) -> String {
    let (days, hours) = (seconds / DAY, seconds % DAY / 3600);
    match seconds {
        1 => "1 second".to_owned(),
        ..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        7200..172_800 => format!("{} hours", seconds / 3600),
        // The hours tell something only where few days are left.
        _ if days < 15 && hours > 0 => format!("{days} days {hours} h"),
        _ => format!("{days} days"),
    }
}

fn skew(distance: i64, now: Timestamp) -> String {
    if distance <= SKEW_SECONDS {
        format!("; a clock may be wrong by minutes: it is {now} here")
    } else {
        String::new()
    }
}

fn renew(position: usize) -> &'static str {
    if position == 0 {
        "renew it, install the new certificate and reload the server; then see why the automatic renewal \
         did not run"
    } else {
        "get the current intermediate of the authority, put it after the server's certificate and reload \
         the server; renewing the server's certificate usually brings it along"
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::tls::fixtures::{self, NOW, Pki};

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
    fn renewal_follows_cert_manager() {
        for (lifetime, before, expected) in [
            // a third, and the fraction of a second goes to the earlier one
            (90 * DAY, UNSET, 30 * DAY),
            (47 * DAY, UNSET, 47 * DAY / 3),
            (10 * DAY, UNSET, 10 * DAY / 3),
            // half of what is shorter than ten days
            (10 * DAY - 1, UNSET, 5 * DAY - 1),
            (6 * DAY, UNSET, 3 * DAY),
            (90 * DAY, days(15), 15 * DAY),
            (90 * DAY, percent(50), 45 * DAY),
            // only where it is more than nothing and less than the lifetime
            (90 * DAY, days(0), 30 * DAY),
            (90 * DAY, days(89), 89 * DAY),
            (90 * DAY, days(90), 30 * DAY),
            (90 * DAY, percent(0), 30 * DAY),
            (90 * DAY, percent(100), 30 * DAY),
        ] {
            let certificate = leaf(0, lifetime - 1);
            let due = renewal(&certificate, before);
            let left = certificate.not_after.seconds_since(due);
            assert_eq!(left, expected, "{lifetime} {before:?}");
            let is_due = |now| renewal_due(&certificate, before, now).is_some();
            assert!(is_due(due) && is_due(due.plus_seconds(1)) && !is_due(due.plus_seconds(-1)));
            // once it has expired there is something worse to say
            assert!(is_due(certificate.not_after) && !is_due(certificate.not_after.plus_seconds(1)));
        }
        let certificate = leaf(-61 * DAY, 29 * DAY - 1);
        assert_eq!(
            renewal_due(&certificate, UNSET, NOW).unwrap().message,
            "is due for renewal since 2026-11-18 (28 days of 90 days are left)"
        );
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
}
