//! `referrer-policy`.

use super::{
    mark::{Mark, Test},
    scan::{Scan, header},
};

const PRIVATE: Mark = Mark::pass(
    "referrer-policy-private",
    5,
    "other sites learn the origin at most",
);
const ABSENT: Mark = Mark::pass("referrer-policy-not-implemented", 0, "there is no policy");
const UNSAFE: Mark = Mark::fault(
    "referrer-policy-unsafe",
    -5,
    "the policy tells other sites more than browsers do by themselves, or tells it over plain http",
);
const INVALID: Mark = Mark::fault(
    "referrer-policy-header-invalid",
    -5,
    "the policy has no known word",
);

pub(super) const TEST: Test = Test {
    name: "referrer-policy",
    remedy: "send `Referrer-Policy: strict-origin-when-cross-origin`, or nothing",
    #[cfg(test)]
    marks: &[PRIVATE, ABSENT, UNSAFE, INVALID],
    run: rate,
};

/// The last word that is known decides, whether it stands in the header or in the page.
fn rate(scan: &Scan) -> Mark {
    let sent = scan.page().and_then(|page| header(page, "referrer-policy"));
    let written = scan.markup.as_ref().and_then(|markup| markup.referrer.clone());
    let parts: Vec<String> = [sent, written].into_iter().flatten().collect();
    if parts.is_empty() {
        return ABSENT;
    }
    let all = parts.join(",").to_lowercase();
    let of_word = |word: &str| match word.trim() {
        "no-referrer" | "same-origin" | "strict-origin" | "strict-origin-when-cross-origin" => Some(PRIVATE),
        "origin" | "origin-when-cross-origin" | "unsafe-url" | "no-referrer-when-downgrade" => Some(UNSAFE),
        _ => None,
    };
    all.rsplit(',').find_map(of_word).unwrap_or(INVALID)
}
