//! When a certificate ends, judged relative to its lifetime.

use readiness_core::{Finding, Timestamp};

use super::x509::Certificate;

const DAY: i64 = 86_400;
/// A date this near may be a matter of clocks.
const SKEW_SECONDS: i64 = 300;

/// How little time left warns, and how little fails, in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Limits {
    pub(super) warn: i64,
    pub(super) fail: i64,
}

impl Limits {
    /// 30 % of the lifetime warns and 15 % fails, but never more than 30 and 14 days; or what is set.
    ///
    /// Short-lived certificates are renewed late by design, so days alone would warn of each of them; and
    /// a long one leaves time enough at 30 days.
    pub(super) fn new(lifetime: i64, warn_days: Option<u32>, fail_days: Option<u32>) -> Self {
        let share = |percent: i64, days: i64| {
            // Divided first where the product would not fit: nobody minds a second in 3 billion years.
            let part = match lifetime.checked_mul(percent) {
                Some(product) => product / 100,
                None => lifetime / 100 * percent,
            };
            part.min(days * DAY).max(0)
        };
        let fail = fail_days.map_or_else(|| share(15, 14), |days| i64::from(days) * DAY);
        let warn = warn_days.map_or_else(|| share(30, 30), |days| i64::from(days) * DAY);
        Self {
            warn: warn.max(fail),
            fail,
        }
    }
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
    pub(super) fn of(certificate: &Certificate, limits: Limits, now: Timestamp) -> Self {
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
    certificate: &Certificate,
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
    Some(finding.subject(format!("chain[{position}]")))
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
    use super::*;
    use crate::tls::fixtures::{self, NOW, Pki};

    fn leaf(from: i64, until: i64) -> Certificate {
        let params = fixtures::leaf_params(&["example.com"], from, until);
        Certificate::read(&fixtures::self_signed(&params)).unwrap()
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
            assert_eq!(
                Limits::new(days * DAY, None, None),
                Limits { warn, fail },
                "{days}"
            );
        }
    }

    #[test]
    fn each_limit_is_exact_to_the_second() {
        for days in [6, 47, 90, 200, 398] {
            let lifetime = days * DAY;
            let limits = Limits::new(lifetime, None, None);
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

    #[test]
    fn settings_replace_the_rule() {
        assert_eq!(
            Limits::new(90 * DAY, Some(20), Some(10)),
            Limits {
                warn: 20 * DAY,
                fail: 10 * DAY
            }
        );
        // what fails is never more lenient than what warns
        let odd = Limits::new(90 * DAY, None, Some(60));
        assert_eq!((odd.warn, odd.fail), (60 * DAY, 60 * DAY));
        assert_eq!(
            Limits::new(90 * DAY, Some(0), Some(0)),
            Limits { warn: 0, fail: 0 }
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
            let limits = Limits::new(DAY, None, None);
            let early = finding(&leaf(distance, 90 * DAY), 0, limits, NOW).unwrap();
            assert_eq!(early.message.contains("clock"), suspected, "{}", early.message);
            let late = finding(&leaf(-DAY, -distance), 0, limits, NOW).unwrap();
            assert_eq!(late.message.contains("clock"), suspected, "{}", late.message);
        }
    }

    #[test]
    fn an_endless_lifetime_does_not_overflow() {
        let limits = Limits::new(i64::MAX, None, None);
        assert_eq!(limits, Limits::new(4000 * DAY, None, None));
        let negative = Limits::new(i64::MIN, None, None);
        assert_eq!((negative.warn, negative.fail), (0, 0));
    }

    #[test]
    fn messages_read_well() {
        let pki = Pki::new();
        let certificate = Certificate::read(&pki.leaf(&["example.com"], 84, 6)).unwrap();
        let limits = Limits::new(certificate.lifetime_seconds(), None, None);
        assert_eq!(
            finding(&certificate, 1, limits, NOW).unwrap().message,
            "expires in 5 days 23 h (2026-11-25), expected more than 13 days 12 h of its lifetime of 90 days"
        );
        assert_eq!(span(90), "90 seconds");
        assert_eq!(span(7199), "119 minutes");
        assert_eq!(span(2 * DAY), "2 days");
    }
}
