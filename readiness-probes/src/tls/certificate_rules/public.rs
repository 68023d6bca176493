//! What public authorities and browsers demand of public authorities' certificates.

use readiness_core::{Finding, Timestamp};

use crate::tls::{
    expiry::{DAY, span},
    served::chain_at,
    x509::Certificate,
};

/// The longest lifetime by the time of issue: until when, in seconds since 1970, and how many days
/// (baseline requirements, section 6.3.2).
const LIFETIMES: [(i64, i64); 4] = [
    (LIMIT_OF_2026, 398),
    // 2027-03-15
    (1_805_068_800, 200),
    // 2029-03-15
    (1_868_227_200, 100),
    (i64::MAX, 47),
];
/// 2026-03-15
const LIMIT_OF_2026: i64 = 1_773_532_800;
/// Over this many days browsers refuse it, whenever it was issued since 2020.
const MOST_DAYS: i64 = 398;

pub(super) fn findings(leaf: &Certificate<'_>) -> Vec<Finding> {
    [of_lifetime(leaf), of_transparency(leaf), of_revocation(leaf)]
        .into_iter()
        .flatten()
        .map(|finding| finding.subject(chain_at(0)))
        .collect()
}

/// The days a certificate issued at this instant may be valid.
fn most_days(issued: Timestamp) -> i64 {
    LIFETIMES
        .iter()
        .find(|(until, _)| issued.unix_seconds() < *until)
        .map_or(47, |(_, days)| *days)
}

fn of_lifetime(leaf: &Certificate<'_>) -> Option<Finding> {
    let length = leaf.lifetime_seconds();
    let days = most_days(leaf.not_before);
    let issued = leaf.not_before.date();
    if length > days * DAY {
        // A second more is another day.
        let excess = length - days * DAY;
        let message = format!(
            "is valid for {}, {} more than the {days} days allowed to those issued on {issued}",
            span(length),
            span(excess)
        );
        let finding = if length > MOST_DAYS * DAY {
            Finding::fail("lifetime_too_long", format!("{message}; browsers refuse it"))
        } else {
            Finding::warn("lifetime_too_long", message)
        };
        return Some(
            finding
                .evidence("lifetime", format!("{length} s"))
                .evidence("limit", format!("{} s", days * DAY))
                .remedy(format!(
                    "get one of at most {days} days, and let it renew by itself: the authority has to revoke this one"
                )),
        );
    }
    // Authorities are told to keep a day off, against miscounting.
    (length > (days - 1) * DAY).then(|| {
        Finding::note(
            "lifetime_at_limit",
            format!(
                "is valid for {}, the most allowed to those issued on {issued}; {} days are advised",
                span(length),
                days - 1
            ),
        )
        .evidence("lifetime", format!("{length} s"))
    })
}

/// Timestamps of certificate transparency that are embedded, from logs each its own.
fn of_transparency(leaf: &Certificate<'_>) -> Option<Finding> {
    // Without the last second, as Chrome counts.
    let is_long = leaf.not_after.seconds_since(leaf.not_before) > 180 * DAY;
    let wanted = if is_long { 3 } else { 2 };
    (leaf.logs < wanted).then(|| {
        Finding::fail(
            "too_few_scts",
            format!(
                "holds timestamps of {} certificate transparency logs, expected {wanted} for a lifetime of {}: \
                 Chrome and Safari refuse it, unless the server sends them itself, which is not looked at",
                leaf.logs,
                span(leaf.lifetime_seconds())
            ),
        )
        .evidence("logs", leaf.logs.to_string())
        .remedy("get it issued again by an authority that logs its certificates")
    })
}

fn of_revocation(leaf: &Certificate<'_>) -> Option<Finding> {
    let most = if leaf.not_before.unix_seconds() >= LIMIT_OF_2026 {
        7
    } else {
        10
    };
    let is_short_lived = leaf.lifetime_seconds() <= most * DAY;
    (!leaf.has_crl && !leaf.has_ocsp_url && !is_short_lived).then(|| {
        Finding::warn(
            "no_revocation_pointer",
            format!(
                "names neither a CRL nor an OCSP responder, which only certificates of at most {most} days may \
                 leave out"
            ),
        )
        .remedy("get it issued again by an authority that names its CRL")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::fixtures;

    #[test]
    fn limits_change_at_midnight() {
        for (seconds, date, before, from) in [
            (LIMIT_OF_2026, "2026-03-15", 398, 200),
            (1_805_068_800, "2027-03-15", 200, 100),
            (1_868_227_200, "2029-03-15", 100, 47),
        ] {
            let midnight = Timestamp::from_unix_seconds(seconds);
            assert_eq!(midnight.to_string(), format!("{date}T00:00:00Z"));
            assert_eq!(most_days(midnight.plus_seconds(-1)), before);
            assert_eq!(most_days(midnight), from);
        }
        assert_eq!(most_days(Timestamp::from_unix_seconds(i64::MIN)), 398);
        assert_eq!(most_days(Timestamp::from_unix_seconds(i64::MAX)), 47);
    }

    fn leaf(issued: i64, length: i64) -> Certificate<'static> {
        let mut leaf = Certificate::read(fixtures::shared_leaf()).unwrap();
        leaf.not_before = Timestamp::from_unix_seconds(issued);
        leaf.not_after = leaf.not_before.plus_seconds(length - 1);
        leaf
    }

    fn said(finding: Option<Finding>) -> Option<(&'static str, String)> {
        finding.map(|finding| (finding.status.word(), finding.code))
    }

    #[test]
    fn lifetimes_are_counted_to_the_second() {
        for (issued, days) in [
            (LIMIT_OF_2026 - 1, 398),
            (LIMIT_OF_2026, 200),
            (1_805_068_799, 200),
            (1_805_068_800, 100),
            (1_868_227_199, 100),
            (1_868_227_200, 47),
        ] {
            let over = if days == 398 { "fail" } else { "warn" };
            for (length, expected) in [
                ((days - 1) * DAY, None),
                ((days - 1) * DAY + 1, Some(("note", "lifetime_at_limit"))),
                (days * DAY, Some(("note", "lifetime_at_limit"))),
                (days * DAY + 1, Some((over, "lifetime_too_long"))),
                (398 * DAY + 1, Some(("fail", "lifetime_too_long"))),
                (3650 * DAY, Some(("fail", "lifetime_too_long"))),
            ] {
                let found = of_lifetime(&leaf(issued, length));
                let found = found.map(|finding| {
                    let word = if finding.is_note() {
                        "note"
                    } else {
                        finding.status.word()
                    };
                    (word, finding.code)
                });
                let expected = expected.map(|(word, code)| (word, code.to_owned()));
                assert_eq!(found, expected, "{days} days, {length} s");
            }
        }
        let message = of_lifetime(&leaf(LIMIT_OF_2026, 201 * DAY)).unwrap().message;
        assert_eq!(
            message,
            "is valid for 201 days, 24 hours more than the 200 days allowed to those issued on 2026-03-15"
        );
    }

    #[test]
    fn the_number_of_logs_follows_the_lifetime() {
        // the length counts both ends, Chrome's does not
        for (length, logs, is_fault) in [
            (90 * DAY, 2, false),
            (90 * DAY, 1, true),
            (90 * DAY, 0, true),
            (180 * DAY, 2, false),
            (180 * DAY + 1, 2, false),
            (180 * DAY + 2, 2, true),
            (180 * DAY + 2, 3, false),
            (398 * DAY, 3, false),
            (6 * DAY, 1, true),
        ] {
            let mut leaf = leaf(LIMIT_OF_2026, length);
            leaf.logs = logs;
            let expected = is_fault.then(|| ("fail", "too_few_scts".to_owned()));
            assert_eq!(said(of_transparency(&leaf)), expected, "{length} s, {logs} logs");
        }
    }

    #[test]
    fn only_short_lived_ones_need_no_revocation() {
        for (issued, length, crl, ocsp, is_fault) in [
            (LIMIT_OF_2026, 90 * DAY, false, false, true),
            (LIMIT_OF_2026, 90 * DAY, true, false, false),
            (LIMIT_OF_2026, 90 * DAY, false, true, false),
            (LIMIT_OF_2026, 7 * DAY, false, false, false),
            (LIMIT_OF_2026, 7 * DAY + 1, false, false, true),
            (LIMIT_OF_2026 - 1, 10 * DAY, false, false, false),
            (LIMIT_OF_2026 - 1, 10 * DAY + 1, false, false, true),
        ] {
            let mut leaf = leaf(issued, length);
            (leaf.has_crl, leaf.has_ocsp_url) = (crl, ocsp);
            let expected = is_fault.then(|| ("warn", "no_revocation_pointer".to_owned()));
            assert_eq!(said(of_revocation(&leaf)), expected, "{issued} {length}");
        }
    }
}
