//! The probe as a whole: what it asks for, and what it says where it could not look.

use readiness_core::{
    ObserveError, Outcome, Reason,
    fact::{Channel, Document, Exchange, HttpExchange},
    testing::Facts,
};

use super::{
    super::{Observatory, cors},
    html, redirect, target,
};

fn key(url: &str) -> HttpExchange {
    super::place(url).request("192.0.2.1".parse().unwrap())
}

fn preflight(url: &str) -> HttpExchange {
    let mut key = key(url)
        .header("origin", cors::ORIGIN)
        .header("access-control-request-method", "GET");
    key.method = "OPTIONS".into();
    key
}

fn page() -> Exchange {
    html(
        200,
        &[
            ("strict-transport-security", "max-age=31536000"),
            ("x-content-type-options", "nosniff"),
        ],
    )
    .document(Document::new())
}

/// `https://example.com/` answers with a page, plain http leads there, and `OPTIONS` is refused.
fn facts() -> Facts {
    names()
        .with(key("https://example.com/"), page())
        .with(
            key("http://example.com/"),
            redirect("https://example.com/").channel(Channel::Plain),
        )
        .with(
            preflight("https://example.com/"),
            Exchange::new(405, [("allow", "GET")]),
        )
}

/// Its address is known, and nothing else.
fn names() -> Facts {
    use readiness_core::fact::{DnsAnswer, DnsLookup, DnsResult, Family, LocalRoute, Route};
    let address = "192.0.2.1".parse().unwrap();
    Facts::new()
        .with(
            DnsLookup::address("example.com", Family::V4),
            DnsAnswer::of_addresses("example.com", &[address], "t"),
        )
        .with(
            DnsLookup::address("example.com", Family::V6),
            DnsAnswer::new(DnsResult::NoData, "t"),
        )
        .with(LocalRoute::new(address), Route::new(true))
}

fn judged(facts: &Facts) -> Outcome {
    facts.judge(&Observatory::default(), &target())
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

#[test]
fn it_grades_what_all_probes_see() {
    let outcome = judged(&facts());
    assert_eq!(outcome.summary, "MDN Observatory gives 55, C");
    assert_eq!(
        (outcome.measures[0].name.as_str(), outcome.measures[0].value),
        ("MDN Observatory score", 55)
    );
    let evidence: Vec<(&str, &str)> = outcome
        .evidence
        .iter()
        .map(|e| (e.label.as_str(), e.value.as_str()))
        .collect();
    assert_eq!(
        evidence,
        [
            ("grade", "C"),
            ("score", "55 of 165"),
            ("algorithm", "6"),
            ("response", "https://example.com/: 200"),
        ]
    );
    assert!(codes(&outcome).contains(&"redirection-to-https"));
}

#[test]
fn redirects_are_followed_in_a_circle_too() {
    // Ten redirects from http end at http again, as the eleventh request would be the first one's.
    let circle = names()
        .with(
            key("http://example.com/"),
            redirect("https://example.com/x").channel(Channel::Plain),
        )
        .with(key("https://example.com/x"), redirect("http://example.com/"))
        .with(key("https://example.com/"), page())
        .with(
            preflight("https://example.com/"),
            Exchange::new(405, [("allow", "GET")]),
        );
    let outcome = judged(&circle);
    assert!(
        codes(&outcome).contains(&"redirection-not-to-https"),
        "{outcome:?}"
    );
    // The preflight request goes to where the redirects end.
    let moved = names()
        .with_error(
            key("http://example.com/"),
            ObserveError::new(Reason::TCP_REFUSED, "refused"),
        )
        .with(key("https://example.com/"), redirect("/en"))
        .with(key("https://example.com/en"), page())
        .with(
            preflight("https://example.com/en"),
            Exchange::new(204, [("access-control-allow-origin", "*")]),
        );
    let outcome = judged(&moved);
    let codes = codes(&outcome);
    assert!(codes.contains(&"cross-origin-resource-sharing-implemented-with-public-access"));
    assert!(codes.contains(&"redirection-not-needed-no-http"));
}

#[test]
fn a_redirect_to_nowhere_is_no_answer() {
    for location in ["javascript:alert(1)", "https://exa mple/"] {
        let only = names()
            .with(
                key("http://example.com/"),
                redirect(location).channel(Channel::Plain),
            )
            .with(key("https://example.com/"), page())
            .with(
                preflight("https://example.com/"),
                Exchange::new(405, [("allow", "GET")]),
            );
        assert!(
            codes(&judged(&only)).contains(&"redirection-not-needed-no-http"),
            "{location}"
        );
    }
}

#[test]
fn without_https_the_page_is_that_of_http() {
    let refused = ObserveError::new(Reason::TCP_REFUSED, "refused");
    let plain = names()
        .with(key("http://example.com/"), page().channel(Channel::Plain))
        .with_error(key("https://example.com/"), refused.clone())
        .with_error(preflight("http://example.com/"), refused.clone());
    let outcome = judged(&plain);
    let codes = codes(&outcome);
    assert!(codes.contains(&"hsts-not-implemented-no-https") && codes.contains(&"redirection-missing"));
    let nothing = names()
        .with_error(key("http://example.com/"), refused.clone())
        .with_error(key("https://example.com/"), refused);
    assert!(judged(&nothing).status.is_unknown());
}

#[test]
fn what_could_not_be_seen_is_unknown() {
    for reason in [Reason::TIMEOUT, Reason::CANCELLED, Reason::NO_SOURCE] {
        let error = || ObserveError::new(reason.clone(), "x");
        let rest = [
            names()
                .with_error(key("https://example.com/"), error())
                .with(key("http://example.com/"), page()),
            names()
                .with(key("https://example.com/"), page())
                .with_error(key("http://example.com/"), error()),
            names()
                .with(key("https://example.com/"), page())
                .with(key("http://example.com/"), redirect("https://example.com/"))
                .with_error(preflight("https://example.com/"), error()),
        ];
        for facts in rest {
            assert!(judged(&facts).status.is_unknown(), "{reason}");
        }
    }
}

#[test]
fn the_plain_port_is_known_or_given() {
    let target = readiness_core::Target::parse("https://example.com:8443/").unwrap();
    let at = |url: &str| names().with(key(url), page());
    let page_at = at("https://example.com:8443/").with(
        preflight("https://example.com:8443/"),
        Exchange::new(405, [("allow", "GET")]),
    );
    let outcome = page_at.judge(&Observatory::default(), &target);
    assert!(
        codes(&outcome).contains(&"redirection-not-needed-no-http"),
        "{outcome:?}"
    );
    let given = Observatory {
        plain_port: 8080,
        ..Observatory::default()
    };
    let facts = page_at.with(
        key("http://example.com:8080/"),
        redirect("https://example.com:8443/").channel(Channel::Plain),
    );
    assert!(codes(&facts.judge(&given, &target)).contains(&"redirection-to-https"));
    // A host that the settings call preloaded.
    let preloaded = Observatory {
        preloaded: true,
        ..Observatory::default()
    };
    let outcome = facts.judge(&preloaded, &target);
    assert!(codes(&outcome).contains(&"hsts-preloaded"));
}

#[test]
fn a_page_that_nobody_read_is_unknown() {
    let with = |page: Exchange| {
        names()
            .with(key("https://example.com/"), page)
            .with(
                key("http://example.com/"),
                redirect("https://example.com/").channel(Channel::Plain),
            )
            .with(
                preflight("https://example.com/"),
                Exchange::new(405, [("allow", "GET")]),
            )
    };
    let outcome = judged(&with(html(200, &[])));
    assert!(
        outcome.status.is_unknown() && outcome.summary.contains("`html`"),
        "{outcome:?}"
    );
    for page in [
        html(200, &[]).document(Document::new()),
        html(200, &[("content-length", "0")]),
        html(304, &[]),
        Exchange::new(200, [("content-type", "application/json")]),
    ] {
        assert!(!judged(&with(page)).status.is_unknown());
    }
}
