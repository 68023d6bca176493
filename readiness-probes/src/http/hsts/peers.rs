//! Where other tools judge HSTS and redirects wrongly, by the rows of the list of their faults: what they say,
//! and what is so.

use readiness_core::{Outcome, Profile, Target, testing::Facts};

use super::{Hsts, judge};
use crate::{
    builtin,
    http::{
        HttpsRedirect, samples,
        strict_transport::parse,
        world::{AT, HOST, World},
    },
};

fn judged(value: &str) -> Outcome {
    let exchange = samples::html(&[("strict-transport-security", value)]);
    judge(&Hsts::default(), samples::looked(&exchange))
}

/// Values that MDN's Observatory takes for "at least six months", and browsers ignore.
#[test]
fn row_1_what_is_no_number_or_stands_twice_is_ignored() {
    for value in [
        "max-age=abc",
        "max-age=",
        "max-age=31536000abc",
        "max-age=31536000; includeSubDomains=false",
        "max-age=31536000; includeSubDomains; includeSubDomains",
        "max-age=31536000; \"",
        "max-age=\"31536000",
        "max-age=31536000\"",
    ] {
        let outcome = judged(value);
        assert!(outcome.status.is_fail(), "{value}");
        assert_eq!(outcome.findings[0].code, "ignored", "{value}");
    }
}

/// Values that MDN's Observatory calls invalid, or passes by accident, and hstspreload rejects.
#[test]
fn row_2_blanks_and_quotes_are_allowed() {
    for value in [
        "max-age =31536000",
        "max-age=\"31536000\"",
        " max-age\t= \"31536000\" ",
    ] {
        let outcome = judged(value);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{value}: {outcome:?}"
        );
        assert_eq!(outcome.summary, "max-age is 31536000 s");
    }
}

/// Kinds of lines on which MDN's Observatory and browsers part: its verdict, and theirs. It looks for the name
/// anywhere, reads as many digits as it finds, and takes any comma for a second header.
#[test]
fn row_3_lines_are_valid_for_browsers_and_nobody_else() {
    for (value, observatory_passes, browsers_obey) in [
        // Taken by it, ignored by browsers.
        ("max-age=31536000 ; includeSubDomains=anything", true, false),
        ("max-age=31536000; max-age=31536000", true, false),
        ("max-age=31536000; a=", true, false),
        ("max-age=31536000; =a", true, false),
        ("max-age=31536000 includeSubDomains", true, false),
        ("max-age=31536000.5", true, false),
        ("max-age=31536000; a b", true, false),
        ("max-age=31536000; a=\"b", true, false),
        // Refused by it, obeyed by browsers.
        ("max-age\t=31536000", false, true),
        ("max-age=31536000; a=\"b,c\"", false, true),
        ("max-age=99999999999999999999; a=\",\"", false, true),
        // Where both agree.
        ("max-age=31536000", true, true),
        ("MAX-AGE=31536000; INCLUDESUBDOMAINS; preload", true, true),
        ("includeSubDomains", false, false),
        ("max-age=31536000, max-age=31536000", false, false),
    ] {
        assert_eq!(parse(value.as_bytes()).is_ok(), browsers_obey, "{value}");
        assert_eq!(
            judged(value).status.is_pass(),
            browsers_obey,
            "{value}, which the observatory {}",
            if observatory_passes { "passes" } else { "refuses" }
        );
    }
}

/// MDN's Observatory looks at the first and the last hop alone.
#[test]
fn row_17_a_hop_back_to_plain_http_is_a_fault() {
    const GOOD: (&str, &str) = ("strict-transport-security", "max-age=31536000");
    let world = World::new()
        .says(
            "http://example.com/",
            301,
            &[("location", "https://example.com/")],
        )
        .says(
            "https://example.com/",
            301,
            &[GOOD, ("location", "http://example.com/old")],
        )
        .says(
            "http://example.com/old",
            301,
            &[("location", "https://example.com/new")],
        )
        .says("https://example.com/new", 200, &[GOOD]);
    let outcome = world.by(&HttpsRedirect::default(), HOST);
    assert!(outcome.status.is_fail());
    let downgrade = outcome.findings.iter().find(|f| f.code == "downgrade").unwrap();
    assert_eq!(downgrade.subject, "hop 3");
    assert!(
        world.by(&Hsts::default(), HOST).status.is_pass(),
        "which is another question"
    );
}

/// MDN's Observatory refuses the host `localhost`, and takes 20 points off for a source on it.
#[test]
fn row_19_a_host_under_development_is_judged_as_such() {
    let world = World::new().name("localhost", &["127.0.0.1"]).says_at(
        "127.0.0.1",
        "https://localhost/",
        samples::html(&[("strict-transport-security", "max-age=31536000")]),
    );
    let target = Target::parse("https://localhost/").unwrap();
    let outcome = world.0.judge(&Hsts::default(), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.findings[0].code, "localhost");
    let plain = Target::parse("http://localhost:3000/").unwrap();
    let outcome = Facts::new().judge(&HttpsRedirect::default(), &plain);
    assert!(outcome.status.is_not_applicable());
    assert_eq!(Profile::for_target(&plain).name, "local");

    let facts = samples::facts(
        "https://example.com/",
        &[
            ("content-type", "text/html"),
            (
                "content-security-policy",
                "default-src 'self'; connect-src http://localhost:3000; object-src 'none'; base-uri 'none'; \
                 form-action 'self'; frame-ancestors 'none'",
            ),
        ],
    );
    let csp = builtin::registry()
        .build("http.csp", &serde_json::Value::Null)
        .unwrap();
    let outcome = facts.judge(&*csp, &Target::parse("https://example.com/").unwrap());
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

/// MDN's Observatory never records the redirects that begin over https.
#[test]
fn row_20_the_way_from_https_is_recorded() {
    let world = World::new()
        .says("http://example.com/", 200, &[("content-type", "text/html")])
        .says(
            "https://example.com/",
            302,
            &[
                ("location", "/a"),
                ("strict-transport-security", "max-age=31536000"),
            ],
        )
        .says(
            "https://example.com/a",
            302,
            &[
                ("location", "/b"),
                ("strict-transport-security", "max-age=31536000"),
            ],
        )
        .says("https://example.com/b", 200, &[]);
    let outcome = world.by(&Hsts::default(), HOST);
    let hops: Vec<&str> = outcome
        .evidence
        .iter()
        .filter(|e| e.label.ends_with("from https"))
        .map(|e| e.value.as_str())
        .collect();
    assert_eq!(
        hops,
        [
            "https://example.com/a: 302, max-age=31536000",
            "https://example.com/b: 200, no header"
        ],
        "at {AT}"
    );
    assert!(outcome.status.is_warn());
}
