//! `cross-origin-resource-policy`, `cross-origin-embedder-policy` and `cross-origin-opener-policy`.

use sfv::{BareItem, Item, Parser};

use super::{
    mark::{Mark, Test},
    scan::{Scan, first_chars, header},
};

const CORP_ORIGIN: Mark = Mark::pass(
    "corp-implemented-with-same-origin",
    10,
    "other origins may not load it",
);
const CORP_SITE: Mark = Mark::pass(
    "corp-implemented-with-same-site",
    10,
    "other sites may not load it",
);
const CORP_CROSS: Mark = Mark::pass("corp-implemented-with-cross-origin", 0, "every site may load it");
const CORP_ABSENT: Mark = Mark::pass("corp-not-implemented", 0, "there is no header");
const CORP_INVALID: Mark = Mark::fault("corp-header-invalid", -5, "the header has no known value");

pub(super) const CORP: Test = Test {
    name: "cross-origin-resource-policy",
    remedy: "send `Cross-Origin-Resource-Policy: same-origin` once, or nothing",
    #[cfg(test)]
    marks: &[CORP_ORIGIN, CORP_SITE, CORP_CROSS, CORP_ABSENT, CORP_INVALID],
    run: |scan| {
        let value = scan
            .page()
            .and_then(|page| header(page, "cross-origin-resource-policy"));
        let value = first_chars(&value.unwrap_or_default(), 256).trim().to_lowercase();
        match value.as_str() {
            "" => CORP_ABSENT,
            "same-origin" => CORP_ORIGIN,
            "same-site" => CORP_SITE,
            "cross-origin" => CORP_CROSS,
            _ => CORP_INVALID,
        }
    },
};

const COEP_REQUIRE: Mark = Mark::pass(
    "coep-implemented-with-require-corp",
    10,
    "only what agrees to it is embedded",
);
const COEP_CREDENTIALLESS: Mark = Mark::pass(
    "coep-implemented-with-credentialless",
    10,
    "what is embedded is asked for without credentials",
);
const COEP_NONE: Mark = Mark::pass("coep-implemented-with-unsafe-none", 0, "anything may be embedded");
const COEP_ABSENT: Mark = Mark::pass("coep-not-implemented", 0, "there is no header");
const COEP_INVALID: Mark = Mark::fault("coep-header-invalid", -5, "the header has no known value");

pub(super) const COEP: Test = Test {
    name: "cross-origin-embedder-policy",
    remedy: "send `Cross-Origin-Embedder-Policy: require-corp` once, or nothing",
    #[cfg(test)]
    marks: &[
        COEP_REQUIRE,
        COEP_CREDENTIALLESS,
        COEP_NONE,
        COEP_ABSENT,
        COEP_INVALID,
    ],
    run: |scan| match item(scan, "cross-origin-embedder-policy").as_deref() {
        None => COEP_ABSENT,
        Some("require-corp") => COEP_REQUIRE,
        Some("credentialless") => COEP_CREDENTIALLESS,
        Some("unsafe-none") => COEP_NONE,
        Some(_) => COEP_INVALID,
    },
};

const COOP_ORIGIN: Mark = Mark::pass(
    "coop-implemented-with-same-origin",
    10,
    "windows of other origins are cut off",
);
const COOP_POPUPS: Mark = Mark::pass(
    "coop-implemented-with-same-origin-allow-popups",
    10,
    "windows of other origins are cut off, except those the page opens",
);
const COOP_NOOPENER: Mark = Mark::pass(
    "coop-implemented-with-noopener-allow-popups",
    10,
    "whoever opens the page is cut off",
);
const COOP_NONE: Mark = Mark::pass(
    "coop-implemented-with-unsafe-none",
    0,
    "windows of other origins stay connected",
);
const COOP_ABSENT: Mark = Mark::pass("coop-not-implemented", 0, "there is no header");
const COOP_INVALID: Mark = Mark::fault("coop-header-invalid", -5, "the header has no known value");

pub(super) const COOP: Test = Test {
    name: "cross-origin-opener-policy",
    remedy: "send `Cross-Origin-Opener-Policy: same-origin` once, or nothing",
    #[cfg(test)]
    marks: &[
        COOP_ORIGIN,
        COOP_POPUPS,
        COOP_NOOPENER,
        COOP_NONE,
        COOP_ABSENT,
        COOP_INVALID,
    ],
    run: |scan| match item(scan, "cross-origin-opener-policy").as_deref() {
        None => COOP_ABSENT,
        Some("same-origin") => COOP_ORIGIN,
        Some("same-origin-allow-popups") => COOP_POPUPS,
        Some("noopener-allow-popups") => COOP_NOOPENER,
        Some("unsafe-none") => COOP_NONE,
        Some(_) => COOP_INVALID,
    },
};

/// The token of a structured item without its parameters, empty for what is none; `None` where there is no
/// header. RFC 8941, section 4.2.3.
fn item(scan: &Scan, name: &str) -> Option<String> {
    let value = header(scan.page()?, name).filter(|value| !value.is_empty())?;
    let value = first_chars(&value, 1024).trim();
    Some(match Parser::new(value).parse::<Item>() {
        Ok(Item {
            bare_item: BareItem::Token(token),
            ..
        }) => token.as_str().to_owned(),
        _ => String::new(),
    })
}
