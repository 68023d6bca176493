//! When a certificate is to be renewed.

use readiness_core::{Finding, Timestamp};

use super::{
    expiry::{DAY, Margin, span},
    served::chain_at,
    x509::Certificate,
};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::fixtures::{NOW, forge::Forged};

    const UNSET: Margin = Margin {
        days: None,
        percent: None,
    };

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
        let mut forged = Forged::leaf(&["example.com"]);
        (forged.from, forged.until) = (from, until);
        // Kept for as long as the tests run: a certificate borrows its DER.
        Certificate::read(forged.der().leak()).unwrap()
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
}
