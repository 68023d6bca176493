//! The header as the preload list reads it, which is narrower than what browsers do.

use readiness_core::{Finding, fact::Exchange};

use super::{PreloadPolicy, error, warning};
use crate::http::syntax::excerpt;

pub(super) const HEADER: &str = "Strict-Transport-Security";

const EIGHTEEN_WEEKS: u64 = 126 * 86_400;
const ONE_YEAR: u64 = 365 * 86_400;
const TEN_YEARS: u64 = 10 * ONE_YEAR;

/// The most unknown directives that are told.
const MOST_UNKNOWN: usize = 5;

const SEND: &str =
    "send one header, `Strict-Transport-Security: max-age=63072000; includeSubDomains; preload`";
const CLEAN: &str = "leave in the header what the list knows: `max-age`, `includeSubDomains` and `preload`";

/// What keeps the response of the host itself off the list, or on it.
pub(super) fn findings(exchange: &Exchange, policy: PreloadPolicy) -> Vec<Finding> {
    let mut lines = exchange.all("strict-transport-security");
    let Some(line) = lines.next() else {
        let message = format!("expected a `{HEADER}` header and found none");
        return vec![error("response.no_header", message, SEND)];
    };
    let more = lines.count();
    if more > 0 {
        let message = format!("expected one `{HEADER}` header, found {}", more + 1);
        return vec![error(
            "response.multiple_headers",
            message,
            "send the header from one place",
        )];
    }
    let (read, mut findings) = Read::of(&String::from_utf8_lossy(line));
    match policy {
        PreloadPolicy::Removal => {
            // Small slips must not keep a host on the list.
            findings.retain(|finding| finding.status.is_fail());
            findings.extend(removable(&read));
        }
        PreloadPolicy::EighteenWeeks => findings.extend(preloadable(&read, EIGHTEEN_WEEKS)),
        PreloadPolicy::OneYear => findings.extend(preloadable(&read, ONE_YEAR)),
    }
    findings
}

/// What the list takes from a header.
#[derive(Debug, Default, Eq, PartialEq)]
struct Read {
    max_age_seconds: Option<u64>,
    include_subdomains: bool,
    preload: bool,
}

impl Read {
    fn of(line: &str) -> (Self, Vec<Finding>) {
        let mut read = Self::default();
        let mut findings = Vec::new();
        if line.trim().is_empty() {
            let empty = warning("header.parse.empty", "the header is empty", SEND);
            return (read, vec![empty]);
        }
        let mut unknown = 0;
        for directive in line.split(';').map(str::trim) {
            let lower = directive.to_ascii_lowercase();
            let finding = if let Some(rest) = lower.strip_prefix("preload") {
                flag(&mut read.preload, "preload", "preload", rest)
            } else if let Some(rest) = lower.strip_prefix("includesubdomains") {
                flag(
                    &mut read.include_subdomains,
                    "include_sub_domains",
                    "includeSubDomains",
                    rest,
                )
            } else if let Some(digits) = lower.strip_prefix("max-age=") {
                if is_with_leading_zero(digits) {
                    let message = format!(
                        "`max-age` is `{}`, expected no zero in front",
                        excerpt(digits.as_bytes())
                    );
                    once(
                        &mut findings,
                        warning(
                            "header.parse.max_age.leading_zero",
                            message,
                            "write the number without it",
                        ),
                    );
                }
                max_age(digits, &mut read.max_age_seconds)
            } else if lower.starts_with("max-age") {
                Some(error(
                    "header.parse.invalid.max_age.no_value",
                    "`max-age` has no value, expected `max-age=` and a number",
                    SEND,
                ))
            } else if directive.is_empty() {
                Some(warning(
                    "header.parse.empty_directive",
                    "a directive is empty, expected no extra `;`",
                    CLEAN,
                ))
            } else {
                unknown += 1;
                let name = excerpt(directive.as_bytes());
                (unknown <= MOST_UNKNOWN).then(|| {
                    let message = format!("`{name}` is no directive the list knows");
                    warning("header.parse.unknown_directive", message, CLEAN)
                        .subject(format!("directive `{name}`"))
                })
            };
            if let Some(finding) = finding {
                once(&mut findings, finding);
            }
        }
        (read, findings)
    }
}

/// Adds a finding unless it is there: a header can hold the same fault a thousand times.
fn once(findings: &mut Vec<Finding>, finding: Finding) {
    let is_same = |other: &Finding| (&other.code, &other.subject) == (&finding.code, &finding.subject);
    if !findings.iter().any(is_same) {
        findings.push(finding);
    }
}

/// Reads a directive that has no value.
fn flag(seen: &mut bool, code: &str, name: &str, rest: &str) -> Option<Finding> {
    if !rest.is_empty() {
        let message = format!(
            "`{name}` is followed by `{}`, expected nothing",
            excerpt(rest.as_bytes())
        );
        return Some(warning(&format!("header.parse.invalid.{code}"), message, CLEAN));
    }
    if *seen {
        let message = format!("`{name}` stands twice, expected it once");
        return Some(warning(&format!("header.parse.repeated.{code}"), message, CLEAN));
    }
    *seen = true;
    None
}

fn is_with_leading_zero(digits: &str) -> bool {
    digits.len() > 1 && digits.starts_with('0')
}

fn max_age(digits: &str, seen: &mut Option<u64>) -> Option<Finding> {
    let shown = excerpt(digits.as_bytes());
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!("`max-age` is `{shown}`, expected digits alone");
        return Some(error("header.parse.max_age.non_digit_characters", message, SEND));
    }
    let Ok(seconds) = digits.parse() else {
        let message = format!("`max-age` is `{shown}`, expected a number of at most 64 bits");
        return Some(error("header.parse.max_age.parse_int_error", message, SEND));
    };
    if seen.is_some() {
        let message = "`max-age` stands twice, expected it once";
        return Some(warning("header.parse.repeated.max_age", message, CLEAN));
    }
    *seen = Some(seconds);
    None
}

fn preloadable(read: &Read, least: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !read.include_subdomains {
        let message = "`includeSubDomains` is missing from the header";
        findings.push(error(
            "header.preloadable.include_sub_domains.missing",
            message,
            SEND,
        ));
    }
    if !read.preload {
        let message = "`preload` is missing from the header";
        let remedy =
            "add it once every name below the host is there to stay on https; else leave this probe out";
        findings.push(error("header.preloadable.preload.missing", message, remedy));
    }
    let too_low = |code: &str, age: u64| {
        let message = format!("`max-age` is {age} s, expected at least {least} s");
        error(code, message, SEND)
    };
    findings.extend(match read.max_age_seconds {
        None => Some(error(
            "header.preloadable.max_age.missing",
            "the header has no `max-age` that the list can read",
            SEND,
        )),
        Some(0) => Some(error(
            "header.preloadable.max_age.zero",
            "`max-age` is 0 s, which makes browsers forget the policy",
            "raise it; to leave the list, set `policy = \"removal\"` and see https://hstspreload.org/removal/",
        )),
        Some(age) if age < least && least == ONE_YEAR => {
            Some(too_low("header.preloadable.max_age.below_1_year", age))
        }
        Some(age) if age < least => Some(too_low("header.preloadable.max_age.below_18_weeks", age)),
        Some(age) if age > TEN_YEARS => Some(warning(
            "header.preloadable.max_age.over_10_years",
            format!("`max-age` is {age} s, which is over ten years"),
            "lower it to 63072000, two years",
        )),
        Some(_) => None,
    });
    findings
}

fn removable(read: &Read) -> Vec<Finding> {
    let mut findings = Vec::new();
    if read.preload {
        findings.push(error(
            "header.removable.contains.preload",
            "the header holds `preload`, which asks to stay on the list",
            "take `preload` out of the header",
        ));
    }
    if read.max_age_seconds.is_none() {
        findings.push(error(
            "header.removable.missing.max_age",
            "the header has no `max-age` that the list can read",
            "send `Strict-Transport-Security: max-age=` and a number",
        ));
    }
    findings
}
