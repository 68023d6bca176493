//! `x-frame-options`.

use super::{
    csp,
    mark::{Mark, Test},
    scan::{Scan, first_chars, header},
};

const VIA_CSP: Mark = Mark::pass(
    "x-frame-options-implemented-via-csp",
    5,
    "the policy has a `frame-ancestors`, whatever it allows",
);
const OWN: Mark = Mark::pass(
    "x-frame-options-sameorigin-or-deny",
    5,
    "other sites may not frame the page",
);
const ALLOW_FROM: Mark = Mark::pass(
    "x-frame-options-allow-from-origin",
    0,
    "`ALLOW-FROM`, which browsers ignore",
);
const ABSENT: Mark = Mark::fault(
    "x-frame-options-not-implemented",
    -20,
    "any site may frame the page",
);
const INVALID: Mark = Mark::fault(
    "x-frame-options-header-invalid",
    -20,
    "the header is neither `DENY` nor `SAMEORIGIN`",
);

pub(super) const TEST: Test = Test {
    name: "x-frame-options",
    remedy: "send `frame-ancestors 'none'` in the policy; `http.framing` says who may frame the page",
    #[cfg(test)]
    marks: &[VIA_CSP, OWN, ALLOW_FROM, ABSENT, INVALID],
    run: rate,
};

fn rate(scan: &Scan) -> Mark {
    if csp::read(scan).has_frame_ancestors {
        return VIA_CSP;
    }
    let value = scan.page().and_then(|page| header(page, "x-frame-options"));
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return ABSENT;
    };
    match first_chars(&value, 1024).trim().to_lowercase().as_str() {
        "deny" | "sameorigin" => OWN,
        from if from.starts_with("allow-from") => ALLOW_FROM,
        _ => INVALID,
    }
}
