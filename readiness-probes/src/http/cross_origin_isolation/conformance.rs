//! COOP, COEP and CORP case by case, from the HTML standard, Fetch and RFC 8941.

use super::{COEP, COEP_VALUES, COOP, COOP_VALUES, CORP, CORP_VALUES, read_item, read_whole};
use crate::http::samples;

type Case<'a> = (&'a str, &'a [&'a str], Option<&'a str>);

fn joined(name: &str, lines: &[&str]) -> Vec<u8> {
    let headers: Vec<(&str, &str)> = lines.iter().map(|line| (name, *line)).collect();
    samples::html(&headers).joined(name).unwrap()
}

fn hold(name: &str, known: &[&'static str], cases: &[Case<'_>]) {
    for (section, lines, wanted) in cases {
        let found = read_item(&joined(name, lines), known).ok();
        assert_eq!(found, *wanted, "{section}: {name}: {lines:?}");
    }
}

#[test]
fn the_opener_policy() {
    const HTML: &str = "HTML, obtain a cross-origin opener policy, step 4";
    hold(
        COOP,
        &COOP_VALUES,
        &[
            (HTML, &["same-origin"], Some("same-origin")),
            (
                HTML,
                &["same-origin-allow-popups"],
                Some("same-origin-allow-popups"),
            ),
            (HTML, &["noopener-allow-popups"], Some("noopener-allow-popups")),
            (HTML, &["unsafe-none"], Some("unsafe-none")),
            // It follows from both headers and cannot be sent itself.
            (HTML, &["same-origin-plus-COEP"], None),
            (HTML, &["same-site"], None),
            (HTML, &["require-corp"], None),
            (
                "RFC 8941, section 4.2, step 2",
                &["  same-origin"],
                Some("same-origin"),
            ),
            (
                "RFC 8941, section 4.2, step 6",
                &["same-origin  "],
                Some("same-origin"),
            ),
            ("RFC 8941, section 4.2, step 2", &["\u{b}same-origin"], None),
            (
                "RFC 8941, section 4.2, step 7",
                &["same-origin unsafe-none"],
                None,
            ),
            ("RFC 8941, section 4.2, step 7", &["same-origin,"], None),
            (
                "RFC 8941, section 4.2, step 7",
                &["same-origin, same-origin"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["same-origin", "same-origin"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["same-origin", "unsafe-none"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["", "same-origin"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["same-origin", ""],
                None,
            ),
            ("RFC 8941, section 4.2.3.1, step 6", &[""], None),
            (
                "RFC 8941, section 4.2.3.2, a parameter",
                &["same-origin;a"],
                Some("same-origin"),
            ),
            (
                "RFC 8941, section 4.2.3.2, parameters",
                &["same-origin; report-to=\"main\"; a=1"],
                Some("same-origin"),
            ),
            (
                "RFC 8941, section 4.2.3.2, a bare semicolon",
                &["same-origin;"],
                None,
            ),
            (
                "RFC 8941, section 4.2.3.3, keys in upper case",
                &["same-origin; REPORT-TO=\"a\""],
                None,
            ),
            (
                "RFC 8941, section 4.2.3.2, blank before the semicolon",
                &["same-origin ;a"],
                None,
            ),
            (
                "RFC 8941, section 3.3.4, tokens have case",
                &["Same-Origin"],
                None,
            ),
            (
                "RFC 8941, section 3.3.4, tokens have case",
                &["SAME-ORIGIN"],
                None,
            ),
            (
                "RFC 8941, section 3.3.3, a string is no token",
                &["\"same-origin\""],
                None,
            ),
            (
                "RFC 8941, section 4.2.6, an apostrophe begins nothing",
                &["'same-origin'"],
                None,
            ),
            (
                "RFC 8941, section 3.1.1, a list is no item",
                &["(same-origin)"],
                None,
            ),
            ("RFC 8941, section 3.3.6, a boolean is no token", &["?1"], None),
            ("RFC 8941, section 3.3.1, a number is no token", &["1"], None),
        ],
    );
}

#[test]
fn the_embedder_policy() {
    const HTML: &str = "HTML, obtain an embedder policy, step 4";
    hold(
        COEP,
        &COEP_VALUES,
        &[
            (HTML, &["require-corp"], Some("require-corp")),
            (HTML, &["credentialless"], Some("credentialless")),
            (HTML, &["unsafe-none"], Some("unsafe-none")),
            (HTML, &["same-origin"], None),
            (HTML, &["require_corp"], None),
            (HTML, &["require-corps"], None),
            (
                "RFC 8941, section 4.2, steps 2 and 6",
                &[" require-corp "],
                Some("require-corp"),
            ),
            ("RFC 8941, section 4.2, step 7", &["require-corp x"], None),
            ("RFC 8941, section 4.2, step 7", &["require-corp,"], None),
            (
                "RFC 8941, section 4.2, step 7",
                &["require-corp, require-corp"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["require-corp", "require-corp"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["credentialless", "unsafe-none"],
                None,
            ),
            (
                "RFC 8941, section 4.2, lines are joined",
                &["", "require-corp"],
                None,
            ),
            ("RFC 8941, section 4.2.3.1, step 6", &[""], None),
            (
                "RFC 8941, section 4.2.3.2, a parameter",
                &["require-corp;a=?0"],
                Some("require-corp"),
            ),
            (
                "RFC 8941, section 4.2.3.2, parameters",
                &["require-corp; report-to=\"main\""],
                Some("require-corp"),
            ),
            (
                "RFC 8941, section 4.2.3.2, an endpoint that is a token",
                &["require-corp; report-to=main"],
                Some("require-corp"),
            ),
            (
                "RFC 8941, section 4.2.3.2, an open string",
                &["require-corp; report-to=\"main"],
                None,
            ),
            (
                "RFC 8941, section 4.2.3.2, a bare semicolon",
                &["require-corp;"],
                None,
            ),
            (
                "RFC 8941, section 3.3.4, tokens have case",
                &["Require-Corp"],
                None,
            ),
            (
                "RFC 8941, section 3.3.4, tokens have case",
                &["REQUIRE-CORP"],
                None,
            ),
            (
                "RFC 8941, section 3.3.3, a string is no token",
                &["\"require-corp\""],
                None,
            ),
            (
                "RFC 8941, section 4.2.6, an apostrophe begins nothing",
                &["'require-corp'"],
                None,
            ),
            (
                "RFC 8941, section 3.3.5, bytes are no token",
                &[":cmVxdWlyZQ==:"],
                None,
            ),
        ],
    );
}

#[test]
fn the_resource_policy() {
    // Fetch, "cross-origin resource policy internal check", steps 3 and 4: the value as a whole, or nothing.
    let cases: [Case<'_>; 12] = [
        ("step 3", &["same-origin"], Some("same-origin")),
        ("step 3", &["same-site"], Some("same-site")),
        ("step 3", &["cross-origin"], Some("cross-origin")),
        ("get", &[" same-origin\t"], Some("same-origin")),
        ("step 4", &["Same-Origin"], None),
        ("step 4", &["same-origin;a"], None),
        ("step 4", &["\"same-origin\""], None),
        ("step 4", &["none"], None),
        ("step 4", &[""], None),
        ("get, lines are joined", &["same-origin", "same-origin"], None),
        ("get, lines are joined", &["same-origin, same-site"], None),
        ("get, lines are joined", &["same-origin", ""], None),
    ];
    for (section, lines, wanted) in cases {
        let found = read_whole(&joined(CORP, lines), &CORP_VALUES);
        assert_eq!(found, wanted, "Fetch, {section}: {lines:?}");
    }
}
