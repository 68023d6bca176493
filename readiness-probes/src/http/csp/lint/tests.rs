use proptest::prelude::*;

use super::*;
use crate::http::samples;

fn faults_of(line: &str, place: Place) -> Vec<Fault> {
    written(line.as_bytes(), place)
        .flat_map(|policy| faults(&policy, &[]))
        .collect()
}

#[test]
fn faults_are_named_and_placed() {
    for (line, code, at) in [
        ("default-src 'self'; scrip-src a", "unknown_directive", 20),
        ("img-src a, ;  img_src b", "malformed_directive", 14),
        ("default-src: 'self'", "malformed_directive", 0),
        ("\"default-src 'self'\"", "malformed_directive", 0),
        ("img-src a; img-src b", "repeated_directive", 11),
        ("img-src a;IMG-SRC b", "repeated_directive", 10),
        ("img-src \u{2018}self\u{2019}", "invalid_character", 8),
        ("img-src a; font-src b\u{e9}", "invalid_character", 21),
        ("img-src a\u{1}", "invalid_character", 9),
        ("img-src self", "unquoted_keyword", 8),
        ("img-src none", "unquoted_keyword", 8),
        ("script-src a  unsafe-inline", "unquoted_keyword", 14),
        ("script-src 'self", "unquoted_keyword", 11),
        ("script-src \"self\"", "unquoted_keyword", 11),
        ("script-src nonce-abc", "unquoted_keyword", 11),
        ("script-src sha256-abc=", "unquoted_keyword", 11),
        ("script-src 'nonce-a$b'", "malformed_nonce", 11),
        ("script-src 'nonce-'", "malformed_nonce", 11),
        ("script-src 'sha256-abc$'", "malformed_hash", 11),
        ("script-src 'sha256-abc==='", "malformed_hash", 11),
        ("script-src 'sha256-YWJj'", "malformed_hash", 11),
        ("script-src 'nonce-YWJj'", "weak_nonce", 11),
        ("script-src 'unsafe-everything'", "unknown_keyword", 11),
        ("script-src 'unsafe-hashed-attributes'", "unknown_keyword", 11),
        ("script-src ''", "unknown_keyword", 11),
        ("script-src 'self' 'none'", "none_beside_others", 18),
        ("script-src 'self' object-src 'none'", "missing_semicolon", 18),
        (
            "upgrade-insecure-requests script-src 'self'",
            "missing_semicolon",
            26,
        ),
        ("report-uri /csp script-src 'self'", "missing_semicolon", 16),
        ("upgrade-insecure-requests 1", "unexpected_value", 26),
        ("script-src [bad", "malformed_source", 11),
        ("script-src https://[::1]", "malformed_source", 11),
        ("script-src https://a.example/x?y", "malformed_source", 11),
        ("script-src a_b.example", "malformed_source", 11),
        ("script-src a.*.example", "malformed_source", 11),
        ("script-src a.example:99999", "malformed_source", 11),
        ("script-src {nonce}", "malformed_source", 11),
        ("sandbox allow-script", "unknown_keyword", 8),
        ("require-trusted-types-for script", "unknown_keyword", 26),
        ("trusted-types 'allow-duplicate'", "unknown_keyword", 14),
        ("webrtc block", "unknown_keyword", 7),
        ("block-all-mixed-content", "deprecated_directive", 0),
        ("referrer no-referrer", "deprecated_directive", 0),
        ("img-src a; reflected-xss block", "deprecated_directive", 11),
        ("plugin-types application/pdf", "deprecated_directive", 0),
    ] {
        let found = faults_of(line, Place::Header);
        let first = found.first().unwrap_or_else(|| panic!("{line}"));
        assert_eq!((first.code, first.at), (code, at), "{line}: {first:?}");
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert_eq!(first.is_note, code == "deprecated_directive", "{line}");
    }
}

#[test]
fn what_browsers_know_is_no_fault() {
    for line in [
        "script-src 'strict-dynamic' 'nonce-kJ8sP2xQvN4mZ7tR1yW5bg==' 'report-sample' 'report-sha256'",
        "script-src 'url-sha256-YWJj' 'eval-sha256-YWJj' 'trusted-types-eval' 'WASM-unsafe-eval'",
        "script-src 'inline-speculation-rules' 'unsafe-hashes' 'unsafe-eval' 'unsafe-inline'",
        "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
        "script-src 'sha256-47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'",
        "fenced-frame-src https:; require-trusted-types-for 'script'; trusted-types 'allow-duplicates' a *",
        "sandbox allow-scripts ALLOW-FORMS; webrtc 'block'; report-to group; report-uri /a https://b.example/c",
        "img-src data: blob: *.example.com:* https://example.com/a 'self' localhost:3000 127.0.0.1:8080",
        "default-src 'none'; upgrade-insecure-requests;",
        "worker-src; child-src; manifest-src; media-src; connect-src wss://a.example; base-uri 'none'",
        " ; , ;; ",
    ] {
        let found = faults_of(line, Place::Header);
        assert!(found.is_empty(), "{line}: {found:?}");
    }
}

#[test]
fn where_a_policy_stands_decides_what_counts() {
    let code = |line, place, covered: &[&str]| {
        let policy = written(line, place).next().unwrap();
        let found = faults(&policy, covered);
        found.first().map(|fault| (fault.code, fault.is_note))
    };
    for (line, place, wanted) in [
        (&b"frame-ancestors 'none'"[..], Place::Header, None),
        (b"frame-ancestors 'none'", Place::ReportOnly, None),
        (
            b"frame-ancestors 'none'",
            Place::Meta,
            Some(("ignored_in_meta", false)),
        ),
        (b"sandbox", Place::Header, None),
        (b"sandbox", Place::Meta, Some(("ignored_in_meta", false))),
        (
            b"sandbox",
            Place::ReportOnly,
            Some(("ignored_in_report_only", true)),
        ),
        (b"report-uri /a", Place::Meta, Some(("ignored_in_meta", true))),
        (b"report-to a", Place::Meta, None),
        (
            b"upgrade-insecure-requests",
            Place::ReportOnly,
            Some(("ignored_in_report_only", true)),
        ),
    ] {
        assert_eq!(
            code(line, place, &[]),
            wanted,
            "{}",
            String::from_utf8_lossy(line)
        );
    }
    let covered = code(b"frame-ancestors 'none'", Place::Meta, &["frame-ancestors"]);
    assert_eq!(covered, Some(("ignored_in_meta", true)));
}

#[test]
fn a_comma_parts_nothing_in_a_meta_element() {
    let content = b"default-src 'self', script-src *";
    let policy = Written {
        place: Place::Meta,
        at: 0,
        bytes: content,
    };
    let found = faults(&policy, &[]);
    assert_eq!((found[0].code, found[0].at), ("comma_in_meta", 18));
}

#[test]
fn findings_say_where_and_what_stands_there() {
    let line = b"default-src 'self', img-src a; x_y b";
    let policies: Vec<Written<'_>> = written(line, Place::Header).collect();
    let told = findings(&policies, &[]);
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].subject, "policy 2");
    assert_eq!(told[0].message, "`x_y` is no directive name, at byte 31");
    assert_eq!(
        (
            told[0].evidence[0].label.as_str(),
            told[0].evidence[0].value.as_str()
        ),
        ("at byte 31", "x_y")
    );
}

#[test]
fn hostile_lines_make_few_findings() {
    for line in samples::hostile() {
        for place in [Place::Header, Place::Meta, Place::ReportOnly] {
            let policies: Vec<Written<'_>> = written(&line, place).collect();
            assert!(findings(&policies, &[]).len() <= MOST_FAULTS * MOST_POLICIES);
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        for place in [Place::Header, Place::Meta, Place::ReportOnly] {
            let policies: Vec<Written<'_>> = written(&line, place).collect();
            for policy in &policies {
                for fault in faults(policy, &[]) {
                    prop_assert!(fault.at < line.len());
                }
            }
        }
    }

    #[test]
    fn a_fault_points_at_what_it_is_about(before in "(img-src a; ?|,){0,4}", word in "[a-z]{1,6}_[a-z]{1,6}") {
        let line = format!("{before}{word}");
        let found = faults_of(&line, Place::Header);
        if let Some(fault) = found.iter().find(|fault| fault.code == "malformed_directive") {
            prop_assert_eq!(&line[fault.at..], word);
        }
    }
}
