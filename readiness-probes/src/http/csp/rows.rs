//! What other tools get wrong, and what is right: each with the input that shows it.

use super::{
    browser::Page,
    questions::{Question, ask, holes},
    rules::Rules,
    tests::{codes, of},
};
use crate::http::policy::{Policy, parse_line};

fn with_rules<T>(line: &str, then: impl FnOnce(&[&Rules<'_>]) -> T) -> T {
    let policies: Vec<Policy<'_>> = parse_line(line.as_bytes()).collect();
    let rules: Vec<Rules<'_>> = policies.iter().map(Rules::of).collect();
    then(&rules.iter().collect::<Vec<_>>())
}

fn witness(line: &str, question: Question) -> Option<String> {
    with_rules(line, |rules| {
        ask(rules, question, Page::Https).map(|hole| hole.witness)
    })
}

#[test]
fn row_4_a_directive_of_the_second_policy_alone_is_no_none() {
    let line = "frame-ancestors 'none', script-src *; object-src *";
    assert_eq!(
        witness(line, Question::AnyScript).as_deref(),
        Some("https://evil.example/x.js")
    );
    assert_eq!(
        witness(line, Question::AnyPlugin).as_deref(),
        Some("https://evil.example/x.swf")
    );
    assert!(of(&[line]).status.is_fail());
}

#[test]
fn row_5_a_comma_parts_policies_and_all_are_enforced() {
    let line = "default-src 'self', script-src *";
    assert_eq!(witness(line, Question::AnyScript), None);
    let outcome = of(&[line]);
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn row_6_hosts_and_schemes_that_let_strangers_in() {
    for (source, wanted) in [
        ("*:443", "https://evil.example/x.js"),
        ("https://*:443", "https://evil.example/x.js"),
        ("*.com", "https://evil.com/x.js"),
    ] {
        let line = format!("default-src 'none'; script-src {source}");
        assert_eq!(
            witness(&line, Question::AnyScript).as_deref(),
            Some(wanted),
            "{line}"
        );
        assert_eq!(codes(&of(&[&line])), ["any_host"], "{line}");
    }
    for (source, code) in [("blob:", "blob_scripts"), ("filesystem:", "filesystem_scripts")] {
        let line = format!("default-src 'none'; script-src {source}");
        assert_eq!(codes(&of(&[&line])), [code], "{line}");
    }
}

#[test]
fn row_7_a_malformed_nonce_or_hash_leaves_inline_scripts_allowed() {
    for (source, code) in [
        ("'nonce-a$b'", "malformed_nonce"),
        ("'sha256-abc$'", "malformed_hash"),
    ] {
        let line = format!("default-src 'none'; script-src 'unsafe-inline' {source}");
        assert_eq!(codes(&of(&[&line])), ["unsafe_inline", code], "{line}");
    }
}

#[test]
fn row_8_elements_and_handlers_have_their_own_directives() {
    assert_eq!(
        codes(&of(&["default-src 'self'; script-src-elem *"])),
        ["any_host"]
    );
    assert_eq!(
        codes(&of(&["default-src 'self'; script-src-attr 'unsafe-inline'"])),
        ["unsafe_inline_handlers"]
    );
}

#[test]
fn row_9_base_form_frame_and_worker_are_looked_at() {
    let strong = "default-src 'self'; script-src 'nonce-kJ8sP2xQvN4mZ7tR1yW5bg'";
    // One host is no stranger's.
    assert_eq!(
        witness(&format!("{strong}; base-uri https://a"), Question::Base),
        None
    );
    for (open, question, code) in [
        ("base-uri *", Question::Base, "no_base_uri"),
        ("form-action *", Question::AnyForm, "any_form_action"),
        ("frame-ancestors *", Question::AnyFrame, "any_frame"),
        ("worker-src *", Question::AnyWorker, "any_worker"),
    ] {
        let line = format!("{strong}; {open}");
        assert!(witness(&line, question).is_some(), "{line}");
        let outcome = of(&[&line]);
        let finding = outcome.findings.iter().find(|finding| finding.code == code);
        let finding = finding.unwrap_or_else(|| panic!("{line}: {outcome:?}"));
        assert!(
            finding.evidence[0].value.starts_with("https://evil.example/"),
            "{finding:?}"
        );
    }
}

#[test]
fn row_10_junk_is_skipped_and_new_keywords_are_known() {
    let junk = of(&["default-src 'self'; script-src [bad"]);
    assert_eq!(codes(&junk), ["malformed_source"]);
    for line in [
        "default-src 'self'; script-src 'self' 'report-sha256'",
        "default-src 'self'; script-src 'self' 'url-sha256-YWJj'",
        "default-src 'self'; fenced-frame-src https:",
    ] {
        let outcome = of(&[line]);
        assert!(outcome.status.is_pass(), "{line}: {outcome:?}");
    }
}

#[test]
fn row_19_a_source_on_the_developers_own_machine_is_no_fault() {
    let line = "default-src 'self'; connect-src http://localhost:3000";
    let outcome = of(&[line]);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    let open: Vec<Question> = with_rules(line, |rules| {
        holes(rules, Page::Https)
            .into_iter()
            .map(|hole| hole.question)
            .collect()
    });
    assert_eq!(open, [Question::Base, Question::AnyForm, Question::AnyFrame]);
}
