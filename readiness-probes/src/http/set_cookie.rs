//! `Set-Cookie` as browsers read it. RFC 6265bis, section 5.6.
//!
//! The values of cookies are redacted before they get here; whether one is empty is kept.

use readiness_core::Timestamp;

use super::syntax::{excerpt, trim};

/// One line, with the attributes as they stand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct SetCookie {
    /// The name, cut where it is long; empty where the line has no `=`.
    pub(crate) name: String,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) partitioned: bool,
    pub(crate) same_site: SameSite,
    /// The domain in lower case without a leading dot, if one is given.
    pub(crate) domain: Option<String>,
    /// The path as it stands, if one is given.
    pub(crate) path: Option<String>,
    /// The life time in seconds, if one is given that counts.
    pub(crate) max_age: Option<i64>,
    /// The end, if one is given that browsers can read.
    pub(crate) expires: Option<Timestamp>,
}

/// What `SameSite` says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) enum SameSite {
    /// There is no such attribute.
    #[default]
    Absent,
    Lax,
    None,
    Strict,
    /// No value that browsers know; they take it for absent.
    Other(String),
}

impl SetCookie {
    /// Whether browsers drop the cookie at once. RFC 6265bis, section 5.6.3: `Max-Age` goes before `Expires`.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        match (self.max_age, self.expires) {
            (Some(seconds), _) => seconds <= 0,
            (None, Some(end)) => end <= now,
            (None, None) => false,
        }
    }
}

/// Reads one line; says in words why browsers ignore it as a whole.
pub(crate) fn parse(line: &[u8]) -> Result<SetCookie, &'static str> {
    const LONGEST: usize = 4096;
    const LONGEST_VALUE: usize = 1024;
    if line.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
        return Err("it holds a control character");
    }
    let mut parts = line.split(|&byte| byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = split_pair(pair).unwrap_or((b"", trim(pair)));
    if name.is_empty() && value.is_empty() {
        return Err("it has neither a name nor a value");
    }
    if name.len() + value.len() > LONGEST {
        return Err("name and value are longer than 4096 bytes");
    }
    let mut cookie = SetCookie {
        name: excerpt(name),
        ..SetCookie::default()
    };
    for attribute in parts {
        let (name, value) = split_pair(attribute).unwrap_or((trim(attribute), b""));
        if value.len() > LONGEST_VALUE {
            continue;
        }
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        // Of a repeated attribute the last one counts.
        if is("secure") {
            cookie.secure = true;
        } else if is("httponly") {
            cookie.http_only = true;
        } else if is("partitioned") {
            cookie.partitioned = true;
        } else if is("samesite") {
            cookie.same_site = match value.to_ascii_lowercase().as_slice() {
                b"lax" => SameSite::Lax,
                b"none" => SameSite::None,
                b"strict" => SameSite::Strict,
                _ => SameSite::Other(excerpt(value)),
            };
        } else if is("domain") {
            let value = value.strip_prefix(b".").unwrap_or(value);
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            cookie.domain = Some(value).filter(|value| !value.is_empty());
        } else if is("path") {
            cookie.path = Some(String::from_utf8_lossy(value).into_owned());
        } else if is("max-age") {
            cookie.max_age = max_age(value).or(cookie.max_age);
        } else if is("expires") {
            cookie.expires = cookie_date(value).or(cookie.expires);
        }
    }
    Ok(cookie)
}

fn split_pair(part: &[u8]) -> Option<(&[u8], &[u8])> {
    let equals = part.iter().position(|&byte| byte == b'=')?;
    let (name, rest) = part.split_at_checked(equals)?;
    Some((trim(name), trim(rest.get(1..)?)))
}

/// RFC 6265bis, section 5.6.2. What is too long for a number is as good as endless.
fn max_age(value: &[u8]) -> Option<i64> {
    let (sign, digits) = match value.strip_prefix(b"-") {
        Some(digits) => (-1, digits),
        None => (1, value),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0_i64, |sum, digit| {
        sum.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Some(sign * size)
}

/// RFC 6265bis, section 5.1.1: finds time, day, month and year in whatever order they stand.
fn cookie_date(value: &[u8]) -> Option<Timestamp> {
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
    use crate::http::samples;

    fn read(line: &str) -> SetCookie {
        parse(line.as_bytes()).unwrap_or_else(|problem| panic!("{line}: {problem}"))
    }

    #[test]
    fn names_and_attributes() {
        // RFC 6265bis, section 5.6: blanks, order and case are free, the last attribute counts.
        assert_eq!(read("sid=[redacted]").name, "sid");
        assert_eq!(read("  sid  =  [redacted]  ;").name, "sid");
        assert_eq!(read("a=b=c").name, "a");
        assert_eq!(read("=value").name, "");
        assert_eq!(read("value").name, "");
        assert_eq!(read("a=\"b;Secure\"").name, "a");
        assert!(!read("a=\"b;Secure\"").secure);
        for line in [
            "a=b;Secure",
            "a=b; secure",
            "a=b;SECURE=false",
            "a=b; Secure ;x",
            "a=;;;Secure",
        ] {
            assert!(read(line).secure, "{line}");
        }
        for line in [
            "a=b",
            "Secure",
            "a=b Secure",
            "a=b;Secured",
            "a=b;x=Secure",
            "a=b,Secure",
        ] {
            assert!(!read(line).secure, "{line}");
        }
        assert!(read("a=b;httponly").http_only && read("a=b;PARTITIONED").partitioned);
        for (line, wanted) in [
            ("a=b", SameSite::Absent),
            ("a=b;samesite=lax", SameSite::Lax),
            ("a=b;SameSite=STRICT", SameSite::Strict),
            ("a=b;SameSite = None ", SameSite::None),
            ("a=b;SameSite=Lax;SameSite=None", SameSite::None),
            ("a=b;SameSite=Lax;SameSite=x", SameSite::Other("x".into())),
            ("a=b;SameSite", SameSite::Other(String::new())),
            ("a=b;SameSite=\"Lax\"", SameSite::Other("\"Lax\"".into())),
        ] {
            assert_eq!(read(line).same_site, wanted, "{line}");
        }
        for (line, wanted) in [
            ("a=b", None),
            ("a=b;Domain=", None),
            ("a=b;Domain=.", None),
            ("a=b;Domain=Example.COM", Some("example.com")),
            ("a=b;Domain=.example.com", Some("example.com")),
            ("a=b;Domain=..example.com", Some(".example.com")),
            ("a=b;Domain=a.example;Domain=b.example", Some("b.example")),
            ("a=b;Domain=a.example;Domain=", None),
        ] {
            assert_eq!(read(line).domain.as_deref(), wanted, "{line}");
        }
        assert_eq!(read("a=b;Path=/x;path=/").path.as_deref(), Some("/"));
        assert_eq!(read(&format!("a=b;Domain={}", "x".repeat(1025))).domain, None);
        assert!(read(&format!("a=b;Domain={}", "x".repeat(1024))).domain.is_some());
    }

    #[test]
    fn what_browsers_ignore_as_a_whole() {
        for line in [
            "",
            ";",
            "=",
            " = ; Secure",
            ";Secure",
            "a=b\0",
            "a=b;x\r\n",
            "a\u{7f}=b",
            "a=b\u{1b}[0m",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line:?}");
        }
        assert!(parse(b"a=b\tc").is_ok());
        let long = |n: usize| parse(format!("{}=", "a".repeat(n)).as_bytes()).is_ok();
        assert_eq!([long(4095), long(4096), long(4097)], [true, true, false]);
    }

    #[test]
    fn max_age_as_browsers_read_it() {
        for (value, wanted) in [
            ("0", Some(0)),
            ("60", Some(60)),
            ("-1", Some(-1)),
            ("007", Some(7)),
            ("99999999999999999999999", Some(i64::MAX)),
            ("-99999999999999999999999", Some(-i64::MAX)),
            ("", None),
            ("-", None),
            ("+1", None),
            ("1.5", None),
            ("60s", None),
            ("\"60\"", None),
        ] {
            assert_eq!(max_age(value.as_bytes()), wanted, "{value}");
        }
        // One that cannot be read leaves an earlier one in force.
        assert_eq!(read("a=b;Max-Age=5;Max-Age=x").max_age, Some(5));
        assert_eq!(read("a=b;Max-Age=5;max-age=6").max_age, Some(6));
    }

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

    #[test]
    fn a_cookie_ends_at_below_and_above_now() {
        let now: Timestamp = "2026-11-20T00:00:00Z".parse().unwrap();
        for (line, expired) in [
            ("a=", false),
            ("a=; Max-Age=0", true),
            ("a=; Max-Age=-1", true),
            ("a=; Max-Age=1", false),
            ("a=; Expires=Thu, 19 Nov 2026 23:59:59 GMT", true),
            ("a=; Expires=Fri, 20 Nov 2026 00:00:00 GMT", true),
            ("a=; Expires=Fri, 20 Nov 2026 00:00:01 GMT", false),
            ("a=; Expires=0", false),
            ("a=; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", false),
            ("a=; Expires=Fri, 20 Nov 2099 00:00:01 GMT; Max-Age=0", true),
            ("a=; Max-Age=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT", true),
        ] {
            assert_eq!(read(line).is_expired(now), expired, "{line}");
        }
    }

    #[test]
    fn hostile_lines_do_not_panic() {
        for line in samples::hostile() {
            let _ = (parse(&line), cookie_date(&line), max_age(&line));
            let _ = parse(&[b"a=b;Expires=", &line[..]].concat());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (parse(&line), cookie_date(&line));
        }

        #[test]
        fn every_day_is_counted(day in -134_000_i64..2_900_000) {
            // From 1603 to 9909, written by the clock and read back by its parts.
            let date = Timestamp::from_unix_seconds(day * 86_400).date();
            let part = |range: std::ops::Range<usize>| date[range].parse::<i64>().unwrap();
            prop_assert_eq!(days_from_epoch(part(0..4), part(5..7), part(8..10)), day);
        }
    }
}
