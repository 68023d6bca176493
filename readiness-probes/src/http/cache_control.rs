//! `Cache-Control` and `Expires` as caches read them. RFC 9111, sections 5.2 and 5.3.

use readiness_core::{Timestamp, fact::Exchange};
use sfv::{Dictionary, Parser};

use super::syntax::{excerpt, is_token, split_unquoted, trim, unquote};

/// The directives that say who may store a response, and for how long.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct CacheControl {
    pub(crate) no_store: bool,
    pub(crate) no_cache: bool,
    /// Without names of headers: with them it is about those alone. RFC 9111, section 5.2.2.7.
    pub(crate) private: bool,
    /// `private` or `no-cache` names `Set-Cookie`: a shared cache hands no cookie on.
    pub(crate) keeps_cookies: bool,
    pub(crate) public: bool,
    pub(crate) must_understand: bool,
    pub(crate) must_revalidate: bool,
    pub(crate) max_age: Option<u64>,
    pub(crate) s_maxage: Option<u64>,
    /// Parts that are no directive, or not what they seem to be.
    pub(crate) wrong: Vec<Wrong>,
}

/// A part that caches skip or misread.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Wrong {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

/// How often one header may be wrong in the same way until the rest is not told.
const MOST_WRONG: usize = 10;

/// What people write, and what they mean.
const MISSPELT: [(&str, &str); 9] = [
    ("max_age", "max-age"),
    ("maxage", "max-age"),
    ("must_revalidate", "must-revalidate"),
    ("no-stored", "no-store"),
    ("no_cache", "no-cache"),
    ("no_store", "no-store"),
    ("nocache", "no-cache"),
    ("nostore", "no-store"),
    ("s-max-age", "s-maxage"),
];

/// Reads all lines of the header, joined.
pub(crate) fn parse(value: &[u8]) -> CacheControl {
    let mut read = CacheControl::default();
    for (_, part) in split_unquoted(value, b',') {
        let part = trim(part);
        // RFC 9110, section 5.6.1: empty elements do not count.
        if !part.is_empty() {
            read.directive(part);
        }
    }
    read
}

impl CacheControl {
    fn directive(&mut self, part: &[u8]) {
        let (name, argument) = match part.iter().position(|&byte| byte == b'=') {
            Some(at) => {
                let (name, rest) = part.split_at(at);
                (name, rest.get(1..))
            }
            None => (part, None),
        };
        if !is_token(name) {
            let message = format!("`{}` is no directive and is skipped", excerpt(part));
            return self.wrong("malformed", message);
        }
        let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
        match lower.as_str() {
            "no-store" => self.no_store = true,
            "no-cache" | "private" => {
                let is_whole = argument.is_none();
                self.no_cache |= is_whole && lower == "no-cache";
                self.private |= is_whole && lower == "private";
                self.keeps_cookies |= argument.is_some_and(names_cookies);
            }
            "public" => self.public = true,
            "must-understand" => self.must_understand = true,
            "must-revalidate" | "proxy-revalidate" => self.must_revalidate = true,
            "max-age" => self.max_age = self.seconds(part, argument, self.max_age),
            "s-maxage" => self.s_maxage = self.seconds(part, argument, self.s_maxage),
            other => {
                if let Some((_, meant)) = MISSPELT.iter().find(|(known, _)| *known == other) {
                    let message = format!("`{}` is skipped by caches; `{meant}` was meant", excerpt(name));
                    self.wrong("misspelt", message);
                }
            }
        }
    }

    /// RFC 9111, section 4.2.1: of several values the first one counts, or none; what is no number is stale.
    fn seconds(&mut self, part: &[u8], argument: Option<&[u8]>, earlier: Option<u64>) -> Option<u64> {
        let text = argument.map(|argument| unquote(argument).unwrap_or_else(|| argument.to_vec()));
        let text = text.unwrap_or_default();
        let is_number = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
        if !is_number {
            let message = format!(
                "`{}` is no number of seconds, which caches take for 0",
                excerpt(part)
            );
            self.wrong("malformed", message);
        } else if earlier.is_some() {
            let message = format!(
                "`{}` stands there twice, and caches differ in which one they take",
                excerpt(part)
            );
            self.wrong("repeated", message);
        }
        // What is too long for a number is as good as endless. RFC 9111, section 1.2.2.
        let found = std::str::from_utf8(&text)
            .ok()
            .filter(|_| is_number)
            .map_or(0, |text| text.parse().unwrap_or(u64::MAX));
        earlier.or(Some(found))
    }

    fn wrong(&mut self, code: &'static str, message: String) {
        if self.wrong.len() < MOST_WRONG {
            self.wrong.push(Wrong { code, message });
        }
    }
}

/// Whether the names of headers, which stand in quotes, hold `Set-Cookie`. RFC 9111, sections 5.2.2.4 and 5.2.2.7.
fn names_cookies(argument: &[u8]) -> bool {
    let names = unquote(argument).unwrap_or_else(|| argument.to_vec());
    names
        .split(|&byte| byte == b',')
        .any(|name| trim(name).eq_ignore_ascii_case(b"set-cookie"))
}

/// What `CDN-Cache-Control` says to a cache that goes by it: then by nothing else. RFC 9213, section 2.1; `None`
/// where it is empty or no dictionary, which is as if it were not there (section 2.2).
pub(crate) fn of_cdn(exchange: &Exchange) -> Option<CacheControl> {
    let value = exchange.joined("cdn-cache-control")?;
    let fields: Dictionary = Parser::new(&value).parse().ok()?;
    (!fields.is_empty()).then(|| parse(&value))
}

/// `Expires` as an instant; `None` where it is no date, which is in the past.
pub(crate) fn expires(value: &[u8]) -> Option<Timestamp> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = std::str::from_utf8(trim(value)).ok()?;
    // RFC 9110, section 5.6.7: `Sun, 06 Nov 1994 08:49:37 GMT`.
    let mut words = text.split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let month = 1 + MONTHS.iter().position(|known| *known == month)?;
    let is_gmt = words.next() == Some("GMT") && words.next().is_none();
    let date = format!("{year}-{month:02}-{day}T{time}Z");
    date.parse().ok().filter(|_| is_gmt)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn directives_are_read() {
        let of = |value: &str| {
            let read = parse(value.as_bytes());
            let mut words = Vec::new();
            for (is, word) in [
                (read.no_store, "no-store"),
                (read.no_cache, "no-cache"),
                (read.private, "private"),
                (read.keeps_cookies, "keeps-cookies"),
                (read.public, "public"),
                (read.must_understand, "must-understand"),
                (read.must_revalidate, "must-revalidate"),
            ] {
                words.extend(is.then(|| word.to_owned()));
            }
            words.extend(read.max_age.map(|n| format!("max-age={n}")));
            words.extend(read.s_maxage.map(|n| format!("s-maxage={n}")));
            words.extend(read.wrong.iter().map(|wrong| wrong.code.to_owned()));
            words.join(" ")
        };
        for (value, wanted) in [
            ("", ""),
            ("no-store", "no-store"),
            ("NO-STORE , ,Private", "no-store private"),
            ("no-store=x", "no-store"),
            // With names of headers it is about those alone. RFC 9111, section 5.2.2.7.
            ("private=\"x-user\"", ""),
            ("private=\"x-user\", private", "private"),
            ("private=\"x, Set-Cookie \"", "keeps-cookies"),
            ("private=set-cookie", "keeps-cookies"),
            ("no-cache=\"set-cookie\"", "keeps-cookies"),
            ("private=\"x-set-cookie\"", ""),
            ("private=\"\"", ""),
            // With names of headers it is about those alone. RFC 9111, section 5.2.2.4.
            ("no-cache=\"a,b\"", ""),
            ("no-cache", "no-cache"),
            (
                "public, max-age=60, s-maxage=\"5\"",
                "public max-age=60 s-maxage=5",
            ),
            ("max-age=60, max-age=1", "max-age=60 repeated"),
            ("max-age=99999999999999999999999", "max-age=18446744073709551615"),
            ("max-age", "max-age=0 malformed"),
            ("max-age=-1", "max-age=0 malformed"),
            ("max-age=1.5", "max-age=0 malformed"),
            ("max-age=", "max-age=0 malformed"),
            ("max-age = 5", "malformed"),
            ("no store", "malformed"),
            ("\"no-store\"", "malformed"),
            ("no_store, nocache", "misspelt misspelt"),
            ("immutable, stale-while-revalidate=5", ""),
            (
                "must-understand, no-store, proxy-revalidate",
                "no-store must-understand must-revalidate",
            ),
        ] {
            assert_eq!(of(value), wanted, "{value}");
        }
    }

    #[test]
    fn what_is_no_date_has_expired() {
        for (value, wanted) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777)),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("0", None),
            ("-1", None),
            ("", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ] {
            let found = expires(value.as_bytes()).map(Timestamp::unix_seconds);
            assert_eq!(found, wanted, "{value}");
        }
    }

    #[test]
    fn hostile_values_are_read_in_one_pass() {
        for value in crate::http::samples::hostile() {
            assert!(parse(&value).wrong.len() <= MOST_WRONG);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (parse(&value), expires(&value));
        }
    }
}
