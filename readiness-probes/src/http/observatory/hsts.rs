//! `strict-transport-security`.

use super::{
    mark::{Mark, Test},
    scan::{Scan, first_chars, header},
};

const PRELOADED: Mark = Mark::pass("hsts-preloaded", 5, "the host is on the preload list");
const LONG: Mark = Mark::pass(
    "hsts-implemented-max-age-at-least-six-months",
    0,
    "`max-age` is not less than 15552000",
);
const SHORT: Mark = Mark::fault(
    "hsts-implemented-max-age-less-than-six-months",
    -10,
    "`max-age` is less than 15552000",
);
const ABSENT: Mark = Mark::fault("hsts-not-implemented", -20, "there is no header");
const INVALID: Mark = Mark::fault(
    "hsts-header-invalid",
    -20,
    "the header has no `max-age`, or a comma",
);
const NO_HTTPS: Mark = Mark::fault("hsts-not-implemented-no-https", -20, "nothing answers over https");
const UNTRUSTED: Mark = Mark::fault("hsts-invalid-cert", -20, "the certificate is not trusted");

pub(super) const TEST: Test = Test {
    name: "strict-transport-security",
    remedy: "send `Strict-Transport-Security: max-age=31536000` over https; `http.hsts` says what browsers read",
    #[cfg(test)]
    marks: &[PRELOADED, LONG, SHORT, ABSENT, INVALID, NO_HTTPS, UNTRUSTED],
    run: rate,
};

/// The age in seconds from which it is long enough: 180 days, in the peer's words six months.
const LEAST: i128 = 15_552_000;

pub(super) fn rate(scan: &Scan) -> Mark {
    let Some(session) = &scan.https else {
        return NO_HTTPS;
    };
    if scan.is_preloaded(&scan.host) {
        return PRELOADED;
    }
    if !session.is_verified() {
        return UNTRUSTED;
    }
    match header(session.response(), "strict-transport-security") {
        None => ABSENT,
        Some(value) => read(first_chars(&value, 1024)),
    }
}

fn read(value: &str) -> Mark {
    if value.contains(',') {
        return INVALID;
    }
    let value = value.to_lowercase();
    let mut ages = value
        .split(';')
        .filter_map(|part| part.trim().strip_prefix("max-age="));
    match ages.next_back().map(|age| leading_number(first_chars(age, 120))) {
        None => INVALID,
        Some(Some(age)) if age < LEAST => SHORT,
        // What is no number is not less than any.
        Some(_) => LONG,
    }
}

/// The digits at the start, after blanks and a sign; `None` where there are none.
fn leading_number(text: &str) -> Option<i128> {
    let text = text.trim_start();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits
        .fold(None, |sum: Option<i128>, digit| {
            Some(
                sum.unwrap_or(0)
                    .saturating_mul(10)
                    .saturating_add(i128::from(digit - b'0')),
            )
        })
        .map(|size| sign * size)
}
