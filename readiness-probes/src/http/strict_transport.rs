//! `Strict-Transport-Security` as browsers read it. RFC 6797, section 6.1.

use super::syntax::{excerpt, is_token, split_unquoted, trim, unquote};

/// What a browser takes from one line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct StrictTransport {
    /// At most `u64::MAX`: browsers clamp what is longer.
    pub(crate) max_age_seconds: u64,
    pub(crate) include_subdomains: bool,
    /// Whether it holds `preload`, which browsers skip like everything unknown.
    pub(crate) preload: bool,
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
    let (mut max_age, mut include_subdomains, mut preload) = (None, false, false);
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
                // RFC 2616, section 2.2: TEXT is any octet except CTLs, but for the tab.
                Some(content)
                    if !content
                        .iter()
                        .any(|byte| byte.is_ascii_control() && *byte != b'\t') =>
                {
                    Some(content)
                }
                _ => {
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
        } else if name.eq_ignore_ascii_case(b"preload") && value.is_none() {
            preload = true;
        }
    }
    match max_age {
        Some(max_age_seconds) => Ok(StrictTransport {
            max_age_seconds,
            include_subdomains,
            preload,
        }),
        None => fault(line.len(), "`max-age` is missing".into()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_fault_is_placed() {
        let fault = parse(b"max-age=5; max-age=6").unwrap_err();
        assert_eq!((fault.at, fault.problem.as_str()), (10, "`max-age` stands twice"));
    }

    #[test]
    fn preload_is_no_directive_of_the_standard_and_still_seen() {
        for (line, preload) in [
            ("max-age=1; preload", true),
            ("PreLoad; max-age=1; preload", true),
            ("max-age=1; preload=1", false),
            ("max-age=1; preloaded", false),
        ] {
            assert_eq!(
                parse(line.as_bytes()).map(|policy| policy.preload),
                Ok(preload),
                "{line}"
            );
        }
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
            prop_assert_eq!((policy.max_age_seconds, policy.include_subdomains), (age, subdomains));
        }
    }
}
