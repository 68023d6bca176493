//! Dates in cookies, in whatever form servers write them. RFC 6265bis, section 5.1.1.

use readiness_core::Timestamp;

/// RFC 6265bis, section 5.1.1: finds time, day, month and year in whatever order they stand.
pub(super) fn cookie_date(value: &[u8]) -> Option<Timestamp> {
    const MONTHS: [&[u8]; 12] = [
        b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
    ];
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    let tokens = value
        .split(|byte| matches!(byte, 0x09 | 0x20..=0x2f | 0x3b..=0x40 | 0x5b..=0x60 | 0x7b..=0x7e))
        .filter(|token| !token.is_empty());
    for token in tokens {
        if time.is_none() {
            time = time_of(token);
            if time.is_some() {
                continue;
            }
        }
        if day.is_none() {
            day = digits(token, 1, 2)
                .filter(|(_, rest)| ends(rest))
                .map(|(day, _)| day);
            if day.is_some() {
                continue;
            }
        }
        if month.is_none() {
            let name = token.get(..3).map(<[u8]>::to_ascii_lowercase);
            month = MONTHS
                .iter()
                .zip(1_i64..)
                .find(|(known, _)| name.as_deref() == Some(**known))
                .map(|(_, number)| number);
            if month.is_some() {
                continue;
            }
        }
        if year.is_none() {
            year = digits(token, 2, 4)
                .filter(|(_, rest)| ends(rest))
                .map(|(year, _)| year);
        }
    }
    let ((hour, minute, second), day, month, year) = (time?, day?, month?, year?);
    let year = match year {
        70..=99 => year + 1900,
        0..=69 => year + 2000,
        _ => year,
    };
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last_day = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if !(1..=last_day).contains(&day) || year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Timestamp::from_unix_seconds(seconds))
}

fn time_of(token: &[u8]) -> Option<(i64, i64, i64)> {
    let (hour, rest) = digits(token, 1, 2)?;
    let (minute, rest) = digits(rest.strip_prefix(b":")?, 1, 2)?;
    let (second, rest) = digits(rest.strip_prefix(b":")?, 1, 2)?;
    ends(rest).then_some((hour, minute, second))
}

/// The number at the start, of at least and at most so many digits, and what follows.
fn digits(token: &[u8], least: usize, most: usize) -> Option<(i64, &[u8])> {
    let length = token
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number, rest) = token.split_at_checked(length)?;
    let value = number
        .iter()
        .fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    (length >= least).then_some((value, rest))
}

/// Whether no further digit follows.
fn ends(rest: &[u8]) -> bool {
    rest.first().is_none_or(|byte| !byte.is_ascii_digit())
}

/// Days from 1970-01-01 in the Gregorian calendar, counted in years that begin in March, so that the leap day
/// comes last.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 153 days are in each five months from March on.
    let days_before_month = (153 * month + 2) / 5;
    // 719,468 days lie between 0000-03-01 and 1970-01-01.
    365 * year + leap_days + days_before_month + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_in_whatever_form() {
        // RFC 6265bis, section 5.1.1.
        let wanted: Timestamp = "2015-10-21T07:28:00Z".parse().unwrap();
        for text in [
            "Wed, 21 Oct 2015 07:28:00 GMT",
            "Wednesday, 21-Oct-15 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2015",
            "21 October 2015 7:28:0",
            "2015 21 07:28:00 oct",
            "07:28:00 21 OCT 15",
            "(07:28:00)/21/octopus/2015",
            "21st Oct 2015x 07:28:00x",
            "Wed, 21 Oct 2015 07:28:00 GMT+2",
        ] {
            assert_eq!(cookie_date(text.as_bytes()), Some(wanted), "{text}");
        }
        for (text, date) in [
            ("01 Jan 1970 00:00:00", "1970-01-01"),
            ("01 Jan 70 00:00:00", "1970-01-01"),
            ("31 Dec 69 00:00:00", "2069-12-31"),
            ("29 Feb 2000 00:00:00", "2000-02-29"),
            ("29 Feb 2024 00:00:00", "2024-02-29"),
            ("01 Jan 1601 00:00:00", "1601-01-01"),
            ("01 Mar 1900 00:00:00", "1900-03-01"),
            ("31 Dec 9998 00:00:00", "9998-12-31"),
        ] {
            assert_eq!(cookie_date(text.as_bytes()).unwrap().date(), date, "{text}");
        }
        for wrong in [
            "",
            "0",
            "Session",
            "21 Oct 2015",
            "Oct 2015 07:28:00",
            "21 2015 07:28:00",
            "21 Oct 07:28:00",
            "00 Oct 2015 07:28:00",
            "32 Oct 2015 07:28:00",
            "31 Nov 2015 07:28:00",
            "29 Feb 2015 07:28:00",
            "29 Feb 1900 07:28:00",
            "21 Oct 1600 07:28:00",
            "21 Oct 2015 24:00:00",
            "21 Oct 2015 07:60:00",
            "21 Oct 2015 07:28:60",
            "21 Oct 20155 07:28:00",
            "21 Oct 2015 07:28",
            "21 Oct 2015 007:28:00",
        ] {
            assert_eq!(cookie_date(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_day_is_counted(day in -134_000_i64..2_900_000) {
            // From 1603 to 9909, written by the clock and read back by its parts.
            let date = Timestamp::from_unix_seconds(day * 86_400).date();
            let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
            prop_assert_eq!(days_from_epoch(part(0..4), part(5..7), part(8..10)), day);
        }
    }
}
