//! `Set-Cookie` as browsers read it. RFC 6265bis, section 5.6.
//!
//! The values of cookies are redacted before they get here; whether one is empty is kept, and the size of one
//! that is too long.

use std::borrow::Cow;

use readiness_core::Timestamp;

use self::date::cookie_date;
use super::syntax::{cut, excerpt, trim};

mod date;

/// One line, with the attributes as they stand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct SetCookie<'a> {
    /// The name, whole, at most 4096 bytes; empty where the line has no `=`.
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
    /// Names and values of the attributes in order, repeated and unknown ones too; the first
    /// [`MOST_ATTRIBUTES`] of them, each cut where it is long.
    pub(crate) attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
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

/// A line that browsers ignore as a whole.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ignored {
    /// The name of the cookie, as far as there is one.
    pub(crate) name: String,
    /// Why, in words.
    pub(crate) problem: &'static str,
}

/// The most attributes kept of a line. There are ten that browsers know.
pub(crate) const MOST_ATTRIBUTES: usize = 16;

impl SetCookie<'_> {
    /// Whether browsers drop the cookie at once.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.lifetime(now).is_some_and(|seconds| seconds <= 0)
    }

    /// How long it is meant to last, in seconds; `None` for as long as the browser runs. RFC 6265bis, section 5.7,
    /// step 6: `Max-Age` goes before `Expires`.
    pub(crate) fn lifetime(&self, now: Timestamp) -> Option<i64> {
        let left = |end: Timestamp| end.unix_seconds().saturating_sub(now.unix_seconds());
        self.max_age.or_else(|| self.expires.map(left))
    }

    /// The line as it stands, without the value, and without what is no attribute: it may be a piece of a value
    /// that holds a `;`.
    pub(crate) fn shown(&self) -> String {
        let pair = format!("{}=…", excerpt(self.name.as_bytes()));
        self.attributes.iter().fold(pair, |line, (name, value)| {
            if !is_meant(name) {
                return format!("{line}; …");
            }
            let equals = if value.is_empty() { "" } else { "=" };
            format!("{line}; {name}{equals}{value}")
        })
    }
}

/// Reads one line; says why browsers ignore it as a whole.
pub(crate) fn parse(line: &[u8]) -> Result<SetCookie<'_>, Ignored> {
    const LONGEST: usize = 4096;
    const LONGEST_VALUE: usize = 1024;
    let mut parts = line.split(|&byte| byte == b';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = split_pair(pair).unwrap_or((b"", trim(pair)));
    let ignored = |problem| {
        let name = excerpt(name);
        Err(Ignored { name, problem })
    };
    if line.iter().any(|byte| matches!(byte, 0..=8 | 10..=31 | 127)) {
        return ignored("it holds a control character");
    }
    if name.is_empty() && value.is_empty() {
        return ignored("it has neither a name nor a value");
    }
    if name.len().saturating_add(length_of(value)) > LONGEST {
        return ignored("name and value are longer than 4096 bytes");
    }
    // RFC 6265bis, section 5.7, step 22: such a value would look like a cookie with a prefix when it is sent.
    if name.is_empty() && prefix_of(value).is_some() {
        return ignored("it has no name, and its value begins with a prefix of names");
    }
    let mut cookie = SetCookie {
        name: String::from_utf8_lossy(name).into_owned(),
        ..SetCookie::default()
    };
    for attribute in parts {
        let (name, value) = split_pair(attribute).unwrap_or((trim(attribute), b""));
        if cookie.attributes.len() < MOST_ATTRIBUTES && !(name.is_empty() && value.is_empty()) {
            cookie.attributes.push((cut(name), cut(value)));
        }
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

/// Attributes that browsers know, or have known.
const KNOWN: [&str; 11] = [
    "comment",
    "domain",
    "expires",
    "httponly",
    "max-age",
    "partitioned",
    "path",
    "priority",
    "samesite",
    "secure",
    "version",
];

/// Whether browsers know an attribute of this name, or have known one.
pub(crate) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether such an attribute was meant: `Http-Only`, `SameSite: Lax`, `Secured`.
pub(crate) fn is_meant(name: &str) -> bool {
    let letters = |text: &str| -> String {
        text.chars()
            .filter(char::is_ascii_alphabetic)
            .map(|letter| letter.to_ascii_lowercase())
            .collect()
    };
    let name = letters(name);
    KNOWN.iter().any(|known| name.starts_with(&letters(known)))
}

/// The prefixes of names that browsers hold a cookie to, the longest first. RFC 6265bis, section 4.1.3.
const PREFIXES: [&str; 4] = ["__Host-Http-", "__Host-", "__Http-", "__Secure-"];

/// The prefix a name begins with, in whatever case.
pub(crate) fn prefix_of(name: &[u8]) -> Option<&'static str> {
    PREFIXES.into_iter().find(|prefix| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    })
}

/// The path of a cookie that names none, by the path that was asked for. RFC 6265bis, section 5.1.4.
pub(crate) fn default_path(asked: &str) -> &str {
    let path = asked.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        Some(last) if path.starts_with('/') && last > 0 => path.get(..last).unwrap_or("/"),
        _ => "/",
    }
}

/// The size of a value before it was redacted, where that is told: `[redacted 5000 bytes]`.
fn length_of(value: &[u8]) -> usize {
    let told = value
        .strip_prefix(b"[redacted ")
        .and_then(|rest| rest.strip_suffix(b" bytes]"))
        .and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
    told.unwrap_or(value.len())
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    fn read(line: &str) -> SetCookie<'_> {
        parse(line.as_bytes()).unwrap_or_else(|problem| panic!("{line}: {problem:?}"))
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
    fn a_line_is_shown_without_values() {
        for (line, wanted) in [
            ("sid=s3cr3t", "sid=…"),
            ("s3cr3t", "=…"),
            ("sid=s3; cr3t; Path=/a; secure", "sid=…; …; Path=/a; secure"),
            ("a=b;; Http-Only;", "a=…; Http-Only"),
        ] {
            assert_eq!(read(line).shown(), wanted, "{line}");
        }
        let many = format!("a=b{}", "; x".repeat(MOST_ATTRIBUTES + 1));
        assert_eq!(read(&many).attributes.len(), MOST_ATTRIBUTES);
    }

    #[test]
    fn a_long_name_is_kept_and_shown_cut() {
        let name = "n".repeat(4000);
        let line = format!("{name}=v");
        let cookie = read(&line);
        assert_eq!(cookie.name, name);
        assert_eq!(cookie.shown().chars().count(), 62);
    }

    #[test]
    fn the_path_is_the_directory_of_what_was_asked() {
        for (asked, path) in [
            ("/", "/"),
            ("/a", "/"),
            ("/a/", "/a"),
            ("/a/b?c=/d/e", "/a"),
            ("", "/"),
            ("a/b", "/"),
        ] {
            assert_eq!(default_path(asked), path, "{asked}");
        }
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
    }
}
