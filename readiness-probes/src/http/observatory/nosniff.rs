//! `x-content-type-options`.

use super::{
    mark::{Mark, Test},
    scan::{Scan, first_chars, header},
};

const NOSNIFF: Mark = Mark::pass(
    "x-content-type-options-nosniff",
    0,
    "browsers do not guess the type",
);
const ABSENT: Mark = Mark::fault("x-content-type-options-not-implemented", -5, "there is no header");
const INVALID: Mark = Mark::fault(
    "x-content-type-options-header-invalid",
    -5,
    "the header is not `nosniff` alone",
);

pub(super) const TEST: Test = Test {
    name: "x-content-type-options",
    remedy: "send `X-Content-Type-Options: nosniff` once",
    #[cfg(test)]
    marks: &[NOSNIFF, ABSENT, INVALID],
    run: rate,
};

fn rate(scan: &Scan) -> Mark {
    let value = scan
        .page()
        .and_then(|page| header(page, "x-content-type-options"));
    match value.filter(|value| !value.is_empty()) {
        None => ABSENT,
        Some(value) if first_chars(&value, 256).trim().eq_ignore_ascii_case("nosniff") => NOSNIFF,
        Some(_) => INVALID,
    }
}
