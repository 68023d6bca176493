//! `subresource-integrity` and `referrer-policy`.

use readiness_core::fact::{Document, Exchange, Meta};

use super::{
    super::{Headers, Site},
    REFERRER, Row, SRI, one,
};

pub(super) fn rows() -> Vec<Row> {
    let of_type =
        |content_type: &'static str| Site::page(Exchange::new(200, [("content-type", content_type)]));
    let mut inline = Document::new();
    inline.inline_scripts = 1;
    let mut unreadable = Document::new();
    unreadable.is_complete = false;
    let referrer = |values: Headers<'_>, content: &str| {
        let mut document = Document::new();
        document.metas = vec![Meta::named("referrer", content)];
        Site::holds(values, document)
    };
    vec![
        (
            SRI,
            Site::scripts(&[("/a.js", true)]),
            "sri-implemented-and-all-scripts-loaded-securely",
            5,
            true,
        ),
        (
            SRI,
            Site::scripts(&[("https://cdn.example.org/a.js", true)]),
            "sri-implemented-and-external-scripts-loaded-securely",
            5,
            true,
        ),
        (
            SRI,
            of_type("application/json"),
            "sri-not-implemented-response-not-html",
            0,
            true,
        ),
        // It compares letter by letter.
        (
            SRI,
            of_type("Text/HTML"),
            "sri-not-implemented-response-not-html",
            0,
            true,
        ),
        (
            SRI,
            Site::holds(&[], Document::new()),
            "sri-not-implemented-but-no-scripts-loaded",
            0,
            true,
        ),
        (
            SRI,
            Site::page(Exchange::new(200, [("server", "x")])),
            "sri-not-implemented-but-no-scripts-loaded",
            0,
            true,
        ),
        (
            SRI,
            Site::holds(&[], inline),
            "sri-not-implemented-but-all-scripts-loaded-from-secure-origin",
            0,
            true,
        ),
        (
            SRI,
            Site::scripts(&[("a.js", false), ("http://www.example.com/b.js", false)]),
            "sri-not-implemented-but-all-scripts-loaded-from-secure-origin",
            0,
            true,
        ),
        (
            SRI,
            Site::scripts(&[("https://cdn.example.org/a.js", false)]),
            "sri-not-implemented-but-external-scripts-loaded-securely",
            -5,
            false,
        ),
        (
            SRI,
            Site::scripts(&[("http://cdn.example.org/a.js", true)]),
            "sri-implemented-but-external-scripts-not-loaded-securely",
            -20,
            false,
        ),
        (
            SRI,
            Site::scripts(&[("//cdn.example.org/a.js", true)]),
            "sri-implemented-but-external-scripts-not-loaded-securely",
            -20,
            false,
        ),
        (
            SRI,
            Site::scripts(&[("http://cdn.example.org/a.js", false)]),
            "sri-not-implemented-and-external-scripts-not-loaded-securely",
            -50,
            false,
        ),
        (
            SRI,
            Site::scripts(&[("//example.com/a.js", false)]),
            "sri-not-implemented-and-external-scripts-not-loaded-securely",
            -50,
            false,
        ),
        (
            SRI,
            Site::holds(&[], unreadable),
            "html-not-parseable",
            -20,
            false,
        ),
        (
            REFERRER,
            one(REFERRER, "no-referrer"),
            "referrer-policy-private",
            5,
            true,
        ),
        (
            REFERRER,
            one(REFERRER, "unsafe-url, Strict-Origin, novel"),
            "referrer-policy-private",
            5,
            true,
        ),
        // What the page says comes last.
        (
            REFERRER,
            referrer(&[(REFERRER, "unsafe-url")], "same-origin"),
            "referrer-policy-private",
            5,
            true,
        ),
        (
            REFERRER,
            one("server", "x"),
            "referrer-policy-not-implemented",
            0,
            true,
        ),
        (
            REFERRER,
            one(REFERRER, "no-referrer-when-downgrade"),
            "referrer-policy-unsafe",
            -5,
            false,
        ),
        (
            REFERRER,
            referrer(&[(REFERRER, "no-referrer")], "origin"),
            "referrer-policy-unsafe",
            -5,
            false,
        ),
        (
            REFERRER,
            one(REFERRER, "never"),
            "referrer-policy-header-invalid",
            -5,
            false,
        ),
        (
            REFERRER,
            one(REFERRER, ""),
            "referrer-policy-header-invalid",
            -5,
            false,
        ),
    ]
}
