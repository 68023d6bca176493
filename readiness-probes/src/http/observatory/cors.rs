//! `cross-origin-resource-sharing`.

use super::{
    mark::{Mark, Test},
    scan::{Scan, first_chars, header},
};

/// The origin that the peer asks with; its rule compares the answer with it.
pub(super) const ORIGIN: &str = "https://http-observatory.security.mozilla.org";

const ABSENT: Mark = Mark::pass(
    "cross-origin-resource-sharing-not-implemented",
    0,
    "the preflight request is given no access",
);
const PUBLIC: Mark = Mark::pass(
    "cross-origin-resource-sharing-implemented-with-public-access",
    0,
    "every origin may read without credentials",
);
const RESTRICTED: Mark = Mark::pass(
    "cross-origin-resource-sharing-implemented-with-restricted-access",
    0,
    "an origin may read, and not a foreign one with credentials",
);
const UNIVERSAL: Mark = Mark::fault(
    "cross-origin-resource-sharing-implemented-with-universal-access",
    -50,
    "a foreign origin may read with the credentials of the visitor",
);

pub(super) const TEST: Test = Test {
    name: "cross-origin-resource-sharing",
    remedy: "answer with `Access-Control-Allow-Origin` to the origins of a list alone, and never reflect one",
    #[cfg(test)]
    marks: &[ABSENT, PUBLIC, RESTRICTED, UNIVERSAL],
    run: rate,
};

fn rate(scan: &Scan) -> Mark {
    // The peer's client takes anything but a success for no answer.
    let Some(answer) = scan
        .preflight
        .as_deref()
        .filter(|answer| (200..300).contains(&answer.status))
    else {
        return ABSENT;
    };
    let origin = header(answer, "access-control-allow-origin").unwrap_or_default();
    let credentials = header(answer, "access-control-allow-credentials").unwrap_or_default();
    if origin.is_empty() {
        ABSENT
    } else if first_chars(&origin, 256).trim() == "*" {
        PUBLIC
    } else if origin == ORIGIN && credentials.trim().eq_ignore_ascii_case("true") {
        UNIVERSAL
    } else {
        RESTRICTED
    }
}
