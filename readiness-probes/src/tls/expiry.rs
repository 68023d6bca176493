//! When a certificate ends, judged relative to its lifetime.

use readiness_core::{Finding, Timestamp};

use super::{served::chain_at, x509::Certificate};

pub(super) const DAY: i64 = 86_400;
/// A date this near may be a matter of clocks.
pub(super) const SKEW_SECONDS: i64 = 300;

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
mod tests;
