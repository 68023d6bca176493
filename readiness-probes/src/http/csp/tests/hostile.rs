use proptest::prelude::*;
use readiness_core::fact::{Document, Meta};

use super::*;

#[test]
fn hostile_values_make_few_findings() {
    for value in samples::hostile() {
        for name in [ENFORCED, REPORTED] {
            let page = samples::html(&[(name, &value)]);
            let outcome = judge(&Csp::default(), samples::looked(&page), Some(&page));
            assert!(outcome.findings.len() < 60, "{}", outcome.findings.len());
        }
        let mut document = Document::new();
        document.metas = vec![Meta::http_equiv(ENFORCED, String::from_utf8_lossy(&value))];
        let page = samples::html(&[(ENFORCED, &value), (REPORTED, &value)]).document(document);
        let outcome = judge(&Csp::default(), samples::looked(&page), Some(&page));
        assert!(outcome.findings.len() < 150, "{}", outcome.findings.len());
    }
}

#[test]
fn a_thousand_policies_are_judged() {
    for unit in [
        "script-src *",
        "script-src https://*:443 *.com data: 'unsafe-inline' 'unsafe-eval'",
        "default-src 'self' 'nonce-YWJj'",
        "script-src https://*:1 https://*:2 https://*:3 *.com *.net *.org",
    ] {
        let many = vec![unit; 1000];
        let together = of(&[&many.join(",")]);
        let apart = of(&many);
        assert_eq!(codes(&together), codes(&apart), "{unit}");
        assert!(together.findings.len() < 60);
        let closed = of(&[&format!("{}, default-src 'self'", many.join(","))]);
        assert!(!codes(&closed).contains(&"any_host"), "{unit}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..200)) {
        let page = samples::html(&[(ENFORCED, &value), (REPORTED, &value)]);
        let _ = judge(&Csp::default(), samples::looked(&page), Some(&page));
    }

    #[test]
    fn no_words_panic(
        words in proptest::collection::vec(
            "(script-src|default-src|sandbox|base-uri|\\*|'none'|'unsafe-inline'|'nonce-[a-z]{0,3}'|https:|data:|\
             [a-z*.]{1,5}:[0-9*]{1,6}/?[a-z/]{0,4}|;|,)",
            0..12,
        )
    ) {
        let value = words.join(" ");
        let _ = of(&[&value]);
    }

    #[test]
    fn one_more_policy_never_opens_a_hole(
        first in "(script-src|default-src) ('self'|\\*|data:|'unsafe-inline'|https: 'nonce-YWJj')",
        extra in "(script-src|default-src|img-src) ('self'|\\*|data:|\\*:8443|'unsafe-inline')",
    ) {
        let holes = |outcome: &Outcome| -> Vec<String> {
            let all = codes(outcome).into_iter().filter(|code| *code != "weak_nonce" && *code != "no_base_uri");
            all.map(str::to_owned).collect()
        };
        let alone = holes(&of(&[&first]));
        // That nothing governs plug-ins may turn into a source that lets them in.
        let same = |code: &str| match code {
            "no_object_src" | "data_plugins" => "any_plugin".to_owned(),
            other => other.to_owned(),
        };
        let known: Vec<String> = alone.iter().map(|code| same(code)).collect();
        for code in holes(&of(&[&first, &extra])) {
            prop_assert!(known.contains(&same(&code)), "{} and {} open {}", first, extra, code);
        }
    }
}
