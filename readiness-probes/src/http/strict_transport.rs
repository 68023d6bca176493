//! `Strict-Transport-Security` as browsers read it. RFC 6797, section 6.1.

use super::syntax::{excerpt, is_token, split_unquoted, trim, unquote};

/// What a browser takes from one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct StrictTransport {
    /// At most `u64::MAX`: browsers clamp what is longer.
    pub(crate) max_age_seconds: u64,
    pub(crate) include_subdomains: bool,
}

/// Why browsers ignore a line, and where.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    pub(crate) at: usize,
    pub(crate) problem: String,
}

/// Reads one line as RFC 6797, section 6.1, wants it and browsers do it.
///
/// `preload` and everything unknown is skipped, repeated or not, as browsers do.
pub(crate) fn parse(line: &[u8]) -> Result<StrictTransport, Fault> {
    let fault = |at: usize, problem: String| Err(Fault { at, problem });
    let (mut max_age, mut include_subdomains) = (None, false);
    for (at, directive) in split_unquoted(line, b';') {
        let trimmed = trim(directive);
        if trimmed.is_empty() {
            continue;
        }
        let (name, value) = match trimmed.iter().position(|&byte| byte == b'=') {
            None => (trimmed, None),
            Some(equals) => {
                let (name, rest) = trimmed.split_at_checked(equals).unwrap_or_default();
                (trim(name), Some(trim(rest.get(1..).unwrap_or_default())))
            }
        };
        if !is_token(name) {
            return fault(at, format!("`{}` is no directive name", excerpt(name)));
        }
        let content = match value {
            None => None,
            Some(value) if is_token(value) => Some(value.to_vec()),
            Some(value) => match unquote(value) {
                Some(content) => Some(content),
                None => {
                    let (name, value) = (excerpt(name), excerpt(value));
                    return fault(at, format!("`{name}` has the malformed value `{value}`"));
                }
            },
        };
        if name.eq_ignore_ascii_case(b"max-age") {
            if max_age.is_some() {
                return fault(at, "`max-age` stands twice".into());
            }
            let digits = content.unwrap_or_default();
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return fault(
                    at,
                    format!("`max-age` is `{}`, expected digits", excerpt(&digits)),
                );
            }
            max_age = Some(digits.iter().fold(0_u64, |sum, digit| {
                sum.saturating_mul(10).saturating_add(u64::from(digit - b'0'))
            }));
        } else if name.eq_ignore_ascii_case(b"includesubdomains") {
            if include_subdomains {
                return fault(at, "`includeSubDomains` stands twice".into());
            }
            if value.is_some() {
                return fault(at, "`includeSubDomains` has a value, expected none".into());
            }
            include_subdomains = true;
        }
    }
    match max_age {
        Some(max_age_seconds) => Ok(StrictTransport {
            max_age_seconds,
            include_subdomains,
        }),
        None => fault(line.len(), "`max-age` is missing".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_browsers_obey() {
        // RFC 6797, sections 6.1 and 6.2: order, case, blanks, empty and unknown directives are free.
        for (line, age, subdomains) in [
            ("max-age=31536000", 31_536_000, false),
            ("MAX-AGE=5", 5, false),
            ("mAx-Age = 5", 5, false),
            ("\tmax-age\t=\t5\t", 5, false),
            ("max-age=\"5\"", 5, false),
            ("max-age=\"\\5\"", 5, false),
            ("max-age=0005", 5, false),
            ("max-age=0", 0, false),
            ("max-age=5;", 5, false),
            (";max-age=5", 5, false),
            (";; ;max-age=5;; ;", 5, false),
            ("max-age=5;includeSubDomains", 5, true),
            ("max-age=5;INCLUDESUBDOMAINS", 5, true),
            ("includeSubDomains;max-age=5", 5, true),
            ("includeSubDomains ; max-age=5 ; preload", 5, true),
            ("max-age=5; preload", 5, false),
            ("max-age=5; preload; preload", 5, false),
            ("max-age=5; unknown", 5, false),
            ("max-age=5; unknown=token", 5, false),
            ("max-age=5; unknown=\"quoted; max-age=7\"", 5, false),
            ("unknown=\"a\\\"b;\"; max-age=5", 5, false),
            ("max-age=18446744073709551615", u64::MAX, false),
            ("max-age=18446744073709551616", u64::MAX, false),
            ("max-age=99999999999999999999999999999999", u64::MAX, false),
        ] {
            let wanted = StrictTransport {
                max_age_seconds: age,
                include_subdomains: subdomains,
            };
            assert_eq!(parse(line.as_bytes()), Ok(wanted), "{line}");
        }
    }

    #[test]
    fn what_browsers_ignore() {
        for line in [
            "",
            " ",
            ";",
            ";;;",
            "max-age",
            "max-age=",
            "max-age =",
            "max-age=\"\"",
            "max-age=abc",
            "max-age=5a",
            "max-age=5 5",
            "max-age=-5",
            "max-age=+5",
            "max-age=5.0",
            "max-age=0x5",
            "max-age=5,",
            "max-age=5, max-age=5",
            "max-age=5=5",
            "max-age==5",
            "max-age=\"5",
            "max-age=5\"",
            "max-age='5'",
            "max-age=\"5\"5",
            "\"max-age=5\"",
            "\"max-age\"=5",
            "max-age:5",
            "max age=5",
            "maxage=5",
            "max-age=5; max-age=5",
            "max-age=5; MAX-AGE=6",
            "max-age=5; includeSubDomains; includesubdomains",
            "max-age=5; includeSubDomains=",
            "max-age=5; includeSubDomains=true",
            "max-age=5; includeSubDomains=\"\"",
            "max-age=5 includeSubDomains",
            "max-age=5; unknown=",
            "max-age=5; =5",
            "max-age=5; a b",
            "max-age=5; \"",
            "max-age=5; a=b c",
            "includeSubDomains",
            "preload",
            "max-age=\u{665}",
            "max-age=5; \u{e9}",
        ] {
            assert!(parse(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn the_fault_is_placed() {
        let fault = parse(b"max-age=5; max-age=6").unwrap_err();
        assert_eq!((fault.at, fault.problem.as_str()), (10, "`max-age` stands twice"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&line);
        }

        #[test]
        fn a_number_is_read_back(age: u64, subdomains: bool) {
            let suffix = if subdomains { "; includeSubDomains" } else { "" };
            let policy = parse(format!("max-age={age}{suffix}").as_bytes()).unwrap();
            prop_assert_eq!(policy, StrictTransport { max_age_seconds: age, include_subdomains: subdomains });
        }
    }
}
