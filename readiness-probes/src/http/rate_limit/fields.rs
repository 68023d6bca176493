//! The fields that say when a client may come back.

use sfv::{BareItem, Dictionary, List, ListEntry, Parser};

use crate::http::structured::broken;

/// Reads `Retry-After`: its seconds, or `None` where it is a date. RFC 9110, section 10.2.3.
pub(super) fn retry_after(value: &[u8]) -> Result<Option<u64>, String> {
    let value = value.trim_ascii();
    if value.is_empty() {
        return Err("it is empty".to_owned());
    }
    if value.iter().all(u8::is_ascii_digit) {
        // What is too long for a number is too long for everybody.
        let seconds = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        return Ok(Some(seconds.unwrap_or(u64::MAX)));
    }
    if is_date(value) {
        return Ok(None);
    }
    Err("it is neither a whole number of seconds nor a date of HTTP".to_owned())
}

/// Whether it is an IMF-fixdate, the one form that may be sent. RFC 9110, section 5.6.7.
fn is_date(value: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] = [b"Mon", b"Tue", b"Wed", b"Thu", b"Fri", b"Sat", b"Sun"];
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
    ];
    let at = |from: usize, to: usize| value.get(from..to).unwrap_or_default();
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = at(from, to);
        let all = digits.iter().all(u8::is_ascii_digit);
        std::str::from_utf8(digits).ok().filter(|_| all)?.parse().ok()
    };
    let is_within = |from: usize, most: u32| number(from, from + 2).is_some_and(|n| n <= most);
    value.len() == 29
        && DAYS.contains(&at(0, 3))
        && at(3, 5) == b", "
        && number(5, 7).is_some_and(|day| (1..=31).contains(&day))
        && at(7, 8) == b" "
        && MONTHS.contains(&at(8, 11))
        && at(11, 12) == b" "
        && number(12, 16).is_some()
        && at(16, 17) == b" "
        && is_within(17, 23)
        && at(19, 20) == b":"
        && is_within(20, 59)
        && at(22, 23) == b":"
        && is_within(23, 60)
        && at(25, 29) == b" GMT"
}

/// Reads one of the `RateLimit` fields: whether it says when to come back.
pub(super) fn rate_limit(name: &str, value: &[u8]) -> Result<bool, String> {
    match name {
        "RateLimit" => list(value, &["r", "t"]).or_else(|problem| older(value).ok_or(problem)),
        "RateLimit-Policy" => list(value, &["q", "w"]).map(|_| false),
        // The drafts up to the sixth: a whole number, behind which `-Limit` may have windows.
        _ => {
            let first = value
                .split(|b| *b == b',' || *b == b';')
                .next()
                .unwrap_or_default();
            let first = first.trim_ascii();
            if first.is_empty() || first.len() > 15 || !first.iter().all(u8::is_ascii_digit) {
                return Err("it is no whole number".to_owned());
            }
            Ok(name == "RateLimit-Reset")
        }
    }
}

/// A list of policies, each with whole numbers as parameters; true where one says a time (`t`).
fn list(value: &[u8], numbers: &[&str]) -> Result<bool, String> {
    let list: List = Parser::new(value).parse().map_err(|e| broken(value, &e))?;
    let mut says_when = false;
    let mut is_empty = true;
    for entry in &list {
        is_empty = false;
        let ListEntry::Item(item) = entry else {
            return Err("it holds an inner list".to_owned());
        };
        if !matches!(item.bare_item, BareItem::String(_) | BareItem::Token(_)) {
            return Err("a policy has no name in quotes".to_owned());
        }
        for name in numbers {
            match item.params.get(*name) {
                None => {}
                Some(BareItem::Integer(n)) if i64::from(*n) >= 0 => says_when |= *name == "t",
                Some(_) => return Err(format!("`{name}` is no whole number from 0")),
            }
        }
    }
    if is_empty {
        return Err("it is empty".to_owned());
    }
    Ok(says_when)
}

/// The drafts before the eighth: `limit=100, remaining=0, reset=5`.
fn older(value: &[u8]) -> Option<bool> {
    let all: Dictionary = Parser::new(value).parse().ok()?;
    let number = |name: &str| match all.get(name) {
        Some(ListEntry::Item(item)) => matches!(item.bare_item, BareItem::Integer(_)),
        _ => false,
    };
    (number("limit") || number("remaining")).then(|| number("reset"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        for (value, expected) in [
            ("0", Some(Some(0))),
            (" 120 ", Some(Some(120))),
            ("99999999999999999999999", Some(Some(u64::MAX))),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(None)),
            ("", None),
            ("-1", None),
            ("1.5", None),
            ("5, 5", None),
            ("30s", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
            ("Sun Nov  6 08:49:37 1994", None),
            ("Sun, 06 Nov 1994 24:49:37 GMT", None),
            ("Sun, 00 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 06 Nov 1994 08:49:+7 GMT", None),
            ("2026-11-20T00:00:00Z", None),
        ] {
            assert_eq!(retry_after(value.as_bytes()).ok(), expected, "{value}");
        }
        assert!(retry_after(b"\xff\xfe").is_err());
    }

    #[test]
    fn fields_of_the_drafts_are_read() {
        for (name, value, expected) in [
            ("RateLimit", r#""default";r=0;t=30"#, Some(true)),
            ("RateLimit", r#""a";r=1, "b";r=0;t=5"#, Some(true)),
            ("RateLimit", r#""default";r=0"#, Some(false)),
            ("RateLimit", "limit=100, remaining=0, reset=5", Some(true)),
            ("RateLimit", "limit=100, remaining=0", Some(false)),
            ("RateLimit", "", None),
            ("RateLimit", r#""default";t=soon"#, None),
            ("RateLimit", r#""default";t=-1"#, None),
            ("RateLimit", "0", None),
            ("RateLimit", "(a b)", None),
            ("RateLimit", "\u{1}", None),
            ("RateLimit-Policy", r#""burst";q=100;w=60"#, Some(false)),
            ("RateLimit-Policy", r#""burst";q=many"#, None),
            ("RateLimit-Limit", "100, 100;w=60", Some(false)),
            ("RateLimit-Remaining", "0", Some(false)),
            ("RateLimit-Reset", "30", Some(true)),
            ("RateLimit-Reset", "soon", None),
            ("RateLimit-Reset", "", None),
        ] {
            assert_eq!(
                rate_limit(name, value.as_bytes()).ok(),
                expected,
                "{name}: {value}"
            );
        }
    }
}
