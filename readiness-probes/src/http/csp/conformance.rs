//! What CSP Level 3 says of each thing that is asked, case by case.

use super::{
    browser::Page,
    questions::{Question, ask},
    rules::Rules,
};
use crate::http::policy::{Policy, parse_line};

use Question::{
    AnyForm, AnyFrame, AnyPlugin, AnyScript, AnyStyle, AnyWorker, Base, Blob, Data, DataPlugin, Eval,
    Filesystem, Handler, Inline, InlineStyle,
};

/// A section, the policies of one header line, what is asked, and what gets through; `None` is nothing.
type Case = (&'static str, &'static str, Question, Option<&'static str>);

const EVIL: Option<&str> = Some("https://evil.example/x.js");
const SCRIPT: Option<&str> = Some("<script>alert(1)</script>");
const HANDLER: Option<&str> = Some("<img src=x onerror=alert(1)>");
const EVAL: Option<&str> = Some("eval(\"alert(1)\")");
const DATA: Option<&str> = Some("data:text/javascript,alert(1)");
const SITE: Option<&str> = Some("https://evil.example/");

fn answer(line: &str, question: Question, page: Page) -> Option<String> {
    let policies: Vec<Policy<'_>> = parse_line(line.as_bytes()).collect();
    let rules: Vec<Rules<'_>> = policies.iter().map(Rules::of).collect();
    let rules: Vec<&Rules<'_>> = rules.iter().collect();
    ask(&rules, question, page).map(|hole| hole.witness)
}

/// On an encrypted page.
const CASES: &[Case] = &[
    // 2.2: policies and directives.
    ("2.2.1", "", AnyScript, EVIL),
    ("2.2.1", "script-src 'none'", AnyScript, None),
    ("2.2.1", "SCRIPT-SRC 'none'", AnyScript, None),
    ("2.2.1", ";; \t script-src\t'none' ;", AnyScript, None),
    ("2.2.1", "script-src 'none'; script-src *", AnyScript, None),
    ("2.2.1", "script-src *; Script-Src 'none'", AnyScript, EVIL),
    ("2.2.1", "script-src \u{2018}none\u{2019}", AnyScript, EVIL),
    ("2.2.1", "script_src 'none'", AnyScript, EVIL),
    ("2.2.2", "script-src *, script-src 'none'", AnyScript, None),
    ("2.2.2", "script-src 'none', script-src *", AnyScript, None),
    ("2.2.2", "script-src *, script-src https:", AnyScript, EVIL),
    ("2.2.2", "script-src *:8080, script-src *.com", AnyScript, None),
    (
        "2.2.2",
        "script-src *:8080, script-src *.com:*",
        AnyScript,
        Some("https://evil.com:8080/x.js"),
    ),
    ("2.2.2", "script-src *:8080, script-src *:8081", AnyScript, None),
    ("2.2.2", "img-src *, script-src *", AnyScript, EVIL),
    // 2.3.1: source expressions; what fits no grammar matches nothing.
    ("2.3.1", "script-src", AnyScript, None),
    ("2.3.1", "script-src [bad", AnyScript, None),
    ("2.3.1", "script-src *.", AnyScript, None),
    ("2.3.1", "script-src **", AnyScript, None),
    ("2.3.1", "script-src https://*:x", AnyScript, None),
    ("2.3.1", "script-src self", AnyScript, None),
    ("2.3.1", "script-src unsafe-inline", Inline, None),
    ("2.3.1", "script-src 'unsafe-inline' 'nonce-a$b'", Inline, SCRIPT),
    ("2.3.1", "script-src 'unsafe-inline' 'nonce-'", Inline, SCRIPT),
    (
        "2.3.1",
        "script-src 'unsafe-inline' 'nonce-abc==='",
        Inline,
        SCRIPT,
    ),
    (
        "2.3.1",
        "script-src 'unsafe-inline' 'sha256-abc$'",
        Inline,
        SCRIPT,
    ),
    ("2.3.1", "script-src 'unsafe-inline' 'sha1-YWJj'", Inline, SCRIPT),
    ("2.3.1", "script-src 'unsafe-inline' 'NONCE-YWJj'", Inline, None),
    ("2.3.1", "script-src 'unsafe-inline' 'SHA256-YWJj'", Inline, None),
    ("2.3.1", "script-src 'UNSAFE-INLINE'", Inline, SCRIPT),
    // 4.4.1: strings run as code.
    ("4.4.1", "script-src 'unsafe-eval'", Eval, EVAL),
    ("4.4.1", "default-src 'Unsafe-Eval'", Eval, EVAL),
    (
        "4.4.1",
        "script-src 'self'; default-src 'unsafe-eval'",
        Eval,
        None,
    ),
    ("4.4.1", "script-src-elem 'none'", Eval, EVAL),
    ("4.4.1", "script-src 'wasm-unsafe-eval'", Eval, None),
    ("4.4.1", "script-src 'trusted-types-eval'", Eval, None),
    ("4.4.1", "script-src 'unsafe-eval', script-src *", Eval, None),
    // 6.1: fetch directives, and 6.8.3: what they fall back to.
    ("6.1.3", "default-src *", AnyScript, EVIL),
    ("6.1.3", "default-src *; script-src 'none'", AnyScript, None),
    ("6.1.3", "default-src 'none'; script-src *", AnyScript, EVIL),
    ("6.1.3", "default-src 'unsafe-inline'", Inline, SCRIPT),
    ("6.1.9", "object-src 'none'", AnyPlugin, None),
    ("6.1.9", "default-src 'self'", AnyPlugin, None),
    (
        "6.1.9",
        "script-src 'self'",
        AnyPlugin,
        Some("https://evil.example/x.swf"),
    ),
    (
        "6.1.9",
        "object-src data:",
        DataPlugin,
        Some("data:text/html,<script>alert(1)</script>"),
    ),
    (
        "6.1.9",
        "object-src 'unsafe-inline' 'strict-dynamic' *",
        AnyPlugin,
        Some("https://evil.example/x.swf"),
    ),
    ("6.1.11", "script-src 'none'; script-src-elem *", AnyScript, EVIL),
    ("6.1.11", "script-src *; script-src-elem 'none'", AnyScript, None),
    (
        "6.1.11",
        "script-src 'none'; script-src-elem 'unsafe-inline'",
        Inline,
        SCRIPT,
    ),
    ("6.1.11", "script-src-elem 'none'", Handler, HANDLER),
    (
        "6.1.12",
        "script-src 'none'; script-src-attr 'unsafe-inline'",
        Handler,
        HANDLER,
    ),
    (
        "6.1.12",
        "script-src 'unsafe-inline'; script-src-attr 'none'",
        Handler,
        None,
    ),
    ("6.1.12", "script-src-attr 'none'", AnyScript, EVIL),
    (
        "6.1.13",
        "style-src *",
        AnyStyle,
        Some("https://evil.example/x.css"),
    ),
    ("6.1.13", "default-src 'self'", AnyStyle, None),
    (
        "6.1.13",
        "style-src 'unsafe-inline'",
        InlineStyle,
        Some("<style>*{display:none}</style>"),
    ),
    (
        "6.1.14",
        "style-src 'none'; style-src-elem 'unsafe-inline'",
        InlineStyle,
        Some("<style>*{display:none}</style>"),
    ),
    (
        "6.1.14",
        "style-src 'unsafe-inline' 'strict-dynamic'",
        InlineStyle,
        Some("<style>*{display:none}</style>"),
    ),
    ("6.2.2", "worker-src *", AnyWorker, EVIL),
    ("6.2.2", "child-src *; script-src 'none'", AnyWorker, EVIL),
    ("6.2.2", "worker-src 'none'; child-src *", AnyWorker, None),
    ("6.2.2", "script-src 'none'", AnyWorker, None),
    // 6.3 and 6.4: the document, and where it goes.
    ("6.3.1", "default-src 'none'", Base, SITE),
    ("6.3.1", "base-uri 'none'", Base, None),
    ("6.3.1", "base-uri https:", Base, SITE),
    ("6.3.1", "base-uri https://a.example", Base, None),
    ("6.3.2", "script-src *; sandbox", AnyScript, None),
    ("6.3.2", "script-src *; sandbox allow-scripts", AnyScript, EVIL),
    ("6.3.2", "script-src *; sandbox ALLOW-SCRIPTS", AnyScript, EVIL),
    ("6.3.2", "sandbox allow-scripts", AnyForm, None),
    ("6.3.2", "sandbox allow-forms", AnyForm, SITE),
    ("6.4.1", "default-src 'none'", AnyForm, SITE),
    ("6.4.1", "form-action *", AnyForm, SITE),
    ("6.4.1", "form-action 'self' https://a.example", AnyForm, None),
    (
        "6.4.1",
        "form-action http://*:80",
        AnyForm,
        Some("https://evil.example:80/"),
    ),
    ("6.4.2", "default-src 'none'", AnyFrame, SITE),
    ("6.4.2", "frame-ancestors 'none'", AnyFrame, None),
    ("6.4.2", "frame-ancestors", AnyFrame, None),
    ("6.4.2", "frame-ancestors 'self' https:", AnyFrame, SITE),
    (
        "6.4.2",
        "frame-ancestors *, frame-ancestors 'self'",
        AnyFrame,
        None,
    ),
    // 6.7.1.1: scripts that the parser inserts, under 'strict-dynamic'.
    (
        "6.7.1.1",
        "script-src * 'strict-dynamic' 'nonce-YWJj'",
        AnyScript,
        None,
    ),
    (
        "6.7.1.1",
        "script-src * 'STRICT-dynamic' 'nonce-YWJj'",
        AnyScript,
        None,
    ),
    (
        "6.7.1.1",
        "script-src data: 'strict-dynamic' 'nonce-YWJj'",
        Data,
        None,
    ),
    ("6.7.1.1", "script-src * 'nonce-YWJj'", AnyScript, EVIL),
    // 6.7.2.7: lists.
    ("6.7.2.7", "script-src 'none' *", AnyScript, EVIL),
    ("6.7.2.7", "script-src 'NONE'", AnyScript, None),
    // 6.7.2.8: expressions.
    ("6.7.2.8", "script-src *", Data, None),
    ("6.7.2.8", "script-src *", Blob, None),
    ("6.7.2.8", "script-src *", Filesystem, None),
    ("6.7.2.8", "script-src data:", Data, DATA),
    ("6.7.2.8", "script-src DATA:", Data, DATA),
    (
        "6.7.2.8",
        "script-src blob:",
        Blob,
        Some("blob:https://page.invalid/6d9b4c10-5d0c-4f0c-9f44-0d7a3c1e8f21"),
    ),
    (
        "6.7.2.8",
        "script-src filesystem:",
        Filesystem,
        Some("filesystem:https://page.invalid/temporary/x.js"),
    ),
    ("6.7.2.8", "script-src 'self'", Blob, None),
    ("6.7.2.8", "script-src data:, script-src blob:", Data, None),
    ("6.7.2.8", "script-src 'self'", AnyScript, None),
    // 6.7.2.9: schemes.
    ("6.7.2.9", "script-src https:", AnyScript, EVIL),
    ("6.7.2.9", "script-src HTTPS:", AnyScript, EVIL),
    ("6.7.2.9", "script-src http:", AnyScript, EVIL),
    ("6.7.2.9", "script-src ws:", AnyScript, EVIL),
    ("6.7.2.9", "script-src wss:", AnyScript, EVIL),
    ("6.7.2.9", "script-src ftp:", AnyScript, None),
    ("6.7.2.9", "script-src http://*", AnyScript, EVIL),
    ("6.7.2.9", "script-src ftp://*", AnyScript, None),
    // 6.7.2.10: hosts.
    ("6.7.2.10", "script-src https://*", AnyScript, EVIL),
    (
        "6.7.2.10",
        "script-src *.com",
        AnyScript,
        Some("https://evil.com/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.CO.UK",
        AnyScript,
        Some("https://evil.co.uk/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.github.io",
        AnyScript,
        Some("https://evil.github.io/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.amazonaws.com",
        AnyScript,
        Some("https://evil.s3.amazonaws.com/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.core.windows.net",
        AnyScript,
        Some("https://evil.blob.core.windows.net/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.windows.net, script-src *.core.windows.net",
        AnyScript,
        Some("https://evil.blob.core.windows.net/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.kawasaki.jp",
        AnyScript,
        Some("https://evil.x.kawasaki.jp/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.com.",
        AnyScript,
        Some("https://evil.com./x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.bucket.s3.amazonaws.com",
        AnyScript,
        None,
    ),
    (
        "6.7.2.10",
        "script-src *.com *.net *.org *.io *.dev, script-src *.dev *.app *.xyz *.me *.co *.uk",
        AnyScript,
        Some("https://evil.dev/x.js"),
    ),
    (
        "6.7.2.10",
        "script-src *.com *.net *.org *.io *.dev https:",
        AnyScript,
        EVIL,
    ),
    (
        "6.7.2.10",
        "script-src *.com *.net, script-src *.org *.dev",
        AnyScript,
        None,
    ),
    ("6.7.2.10", "script-src *.example.com", AnyScript, None),
    ("6.7.2.10", "script-src cdn.example.com", AnyScript, None),
    ("6.7.2.10", "script-src com", AnyScript, None),
    // 6.7.2.11: ports.
    ("6.7.2.11", "script-src *:443", AnyScript, EVIL),
    ("6.7.2.11", "script-src https://*:443", AnyScript, EVIL),
    ("6.7.2.11", "script-src *:*", AnyScript, EVIL),
    (
        "6.7.2.11",
        "script-src *:8443",
        AnyScript,
        Some("https://evil.example:8443/x.js"),
    ),
    (
        "6.7.2.11",
        "script-src http://*:80",
        AnyScript,
        Some("https://evil.example:80/x.js"),
    ),
    ("6.7.2.11", "script-src *:99999", AnyScript, None),
    // 6.7.2.12: paths.
    (
        "6.7.2.12",
        "script-src https://*/lib/",
        AnyScript,
        Some("https://evil.example/lib/x.js"),
    ),
    (
        "6.7.2.12",
        "script-src https://*/a/b.js",
        AnyScript,
        Some("https://evil.example/a/b.js"),
    ),
    ("6.7.2.12", "script-src https://*/", AnyScript, EVIL),
    (
        "6.7.2.12",
        "script-src */a.js */b.js */c.js */d.js */e.js *",
        AnyScript,
        EVIL,
    ),
    (
        "6.7.2.12",
        "script-src */a/%62.js, script-src */a/b.js",
        AnyScript,
        Some("https://evil.example/a/%62.js"),
    ),
    (
        "6.7.2.12",
        "script-src */a.js, script-src */b.js",
        AnyScript,
        None,
    ),
    (
        "6.7.2.12",
        "script-src */a/, script-src */a/b.js",
        AnyScript,
        Some("https://evil.example/a/b.js"),
    ),
    // 6.7.3: inline code.
    ("6.7.3.2", "script-src 'unsafe-inline'", Inline, SCRIPT),
    ("6.7.3.2", "script-src 'unsafe-inline'", Handler, HANDLER),
    ("6.7.3.2", "script-src 'unsafe-inline' 'nonce-YWJj'", Inline, None),
    (
        "6.7.3.2",
        "script-src 'unsafe-inline' 'sha256-YWJj'",
        Handler,
        None,
    ),
    (
        "6.7.3.2",
        "script-src 'unsafe-inline' 'strict-dynamic'",
        Inline,
        None,
    ),
    (
        "6.7.3.2",
        "script-src 'unsafe-inline' 'Strict-Dynamic'",
        Handler,
        None,
    ),
    (
        "6.7.3.2",
        "script-src 'unsafe-inline', script-src 'self'",
        Inline,
        None,
    ),
    (
        "6.7.3.2",
        "script-src 'unsafe-inline', script-src 'unsafe-inline' 'nonce-YWJj'",
        Inline,
        None,
    ),
    ("6.7.3.3", "script-src 'nonce-YWJj'", Inline, None),
    (
        "6.7.3.3",
        "script-src 'unsafe-hashes' 'sha256-YWJj'",
        Handler,
        None,
    ),
    // What newer keywords say nothing about.
    (
        "2.3.1",
        "script-src 'report-sample' 'report-sha256' 'inline-speculation-rules'",
        Inline,
        None,
    ),
    (
        "2.3.1",
        "script-src 'unsafe-inline' 'report-sha256'",
        Inline,
        SCRIPT,
    ),
];

#[test]
fn verdicts_follow_the_standard() {
    for (section, line, question, wanted) in CASES {
        let found = answer(line, *question, Page::Https);
        assert_eq!(
            found.as_deref(),
            *wanted,
            "section {section}: `{line}`, {question:?}"
        );
    }
    assert!(CASES.len() >= 60, "{}", CASES.len());
}

#[test]
fn a_page_over_plain_http_takes_scripts_over_plain_http() {
    for (section, line, wanted) in [
        ("6.7.2.8", "script-src *:80", Some("https://evil.example:80/x.js")),
        ("6.7.2.8", "script-src *", EVIL),
        ("6.7.2.9", "script-src https://*", EVIL),
        ("6.7.2.9", "script-src 'self'", None),
    ] {
        assert_eq!(
            answer(line, AnyScript, Page::Http).as_deref(),
            wanted,
            "section {section}: `{line}`"
        );
    }
}
