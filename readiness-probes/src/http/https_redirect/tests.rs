use std::net::SocketAddr;

use readiness_core::{
    Cause, ObserveError, Outcome, Profile, Reason, Registry, Target,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Endpoint, Exchange, Family, LocalRoute, Route, TlsHandshake,
    },
    testing::Facts,
};
use serde_json::json;

use super::*;
use crate::http::world::{AT, HOST, World, ip};

mod details;

/// Judging what a world shows.
trait Judged {
    fn judge_with(&self, probe: &HttpsRedirect, target: &str) -> Outcome;

    fn judge(&self) -> Outcome {
        self.judge_with(&HttpsRedirect::default(), HOST)
    }
}

impl Judged for World {
    fn judge_with(&self, probe: &HttpsRedirect, target: &str) -> Outcome {
        self.by(probe, target)
    }
}

/// What was found, but for the note that clients may forget the method, which has a test of its own.
fn codes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .filter(|finding| finding.code != "method_lost")
        .map(|finding| (finding.code.as_str(), finding.status.word()))
        .collect()
}

fn refused() -> ObserveError {
    ObserveError::because(Cause::new(
        "port 80",
        Reason::TCP_REFUSED,
        "the connection was refused",
    ))
}

#[test]
fn every_hop_is_shown() {
    let outcome = World::new()
        .answers("http://example.com/", 308, &["https://example.com/"])
        .answers("https://example.com/", 302, &["/login?next={run.0}"])
        .answers("https://example.com/login?next={run.0}", 200, &[])
        .judge();
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "308 to https://example.com/");
    let evidence: Vec<(&str, &str)> = outcome
        .evidence
        .iter()
        .map(|e| (e.label.as_str(), e.value.as_str()))
        .collect();
    assert_eq!(
        evidence,
        [
            ("hop 1", "http://example.com/: 308 to https://example.com/"),
            (
                "hop 2",
                "https://example.com/: 302 to https://example.com/login?…"
            ),
            ("hop 3", "https://example.com/login?…: 200"),
            ("method", "kept"),
        ]
    );
}

#[test]
fn the_first_status_decides_whether_it_lasts() {
    for (status, word) in [
        (301, "pass"),
        (302, "warn"),
        (303, "warn"),
        (307, "warn"),
        (308, "pass"),
    ] {
        let outcome = World::new()
            .answers("http://example.com/", status, &["https://example.com/"])
            .answers("https://example.com/", 200, &[])
            .judge();
        assert_eq!(outcome.status.word(), word, "{status}");
    }
}

#[test]
fn what_is_no_redirect_is_told_apart() {
    for (status, code, word) in [
        (200, "served_over_http", "fail"),
        (204, "served_over_http", "fail"),
        (304, "no_redirect", "fail"),
        (404, "no_redirect", "fail"),
        (426, "no_redirect", "fail"),
        (401, "not_judged", "unknown"),
        (403, "not_judged", "unknown"),
        (429, "not_judged", "unknown"),
        (500, "not_judged", "unknown"),
        (503, "not_judged", "unknown"),
    ] {
        let outcome = World::new().answers("http://example.com/", status, &[]).judge();
        assert_eq!(codes(&outcome), [(code, word)], "{status}");
        assert!(outcome.summary.contains(&status.to_string()));
    }
}

#[test]
fn the_first_hop_goes_to_https_on_the_same_host() {
    let first = |location: &str| {
        World::new()
            .name("www.example.com", &["203.0.113.2"])
            .answers("http://example.com/", 301, &[location])
            .answers_at(
                "203.0.113.2",
                "http://www.example.com/",
                301,
                &["https://www.example.com/"],
            )
            .answers_at("203.0.113.2", "https://www.example.com/", 200, &[])
            .answers("https://example.com:8443/", 200, &[])
            .0
            .with(LocalRoute::new(ip("203.0.113.9")), Route::new(true))
            .with(
                World::key("https://203.0.113.9/", "203.0.113.9"),
                Exchange::new(200, [("a", "b")]),
            )
            .judge(&HttpsRedirect::default(), &Target::parse(HOST).unwrap())
    };
    for (location, code, word) in [
        ("http://www.example.com/", "first_hop_not_https", "fail"),
        ("//www.example.com/", "first_hop_not_https", "fail"),
        ("https://www.example.com/", "www_first", "warn"),
        ("https://203.0.113.9/", "first_hop_to_address", "fail"),
        ("https://example.com:8443/", "first_hop_other_port", "pass"),
    ] {
        assert_eq!(codes(&first(location)), [(code, word)], "{location}");
    }
}

#[test]
fn a_relative_first_hop_stays_on_http() {
    let outcome = World::new()
        .answers("http://example.com/", 301, &["/home"])
        .answers("http://example.com/home", 301, &["https://example.com/home"])
        .answers("https://example.com/home", 200, &[])
        .judge();
    assert_eq!(codes(&outcome), [("first_hop_not_https", "fail")]);
}

#[test]
fn later_hops_stay_on_https() {
    let outcome = World::new()
        .answers("http://example.com/", 301, &["https://example.com/"])
        .answers("https://example.com/", 301, &["http://example.com/old"])
        .answers("http://example.com/old", 301, &["https://example.com/new"])
        .answers("https://example.com/new", 200, &[])
        .judge();
    assert_eq!(codes(&outcome), [("downgrade", "fail")]);
    assert_eq!(outcome.findings[1].subject, "hop 3");
}

#[test]
fn a_loop_ends() {
    let back = World::new()
        .answers("http://example.com/", 301, &["https://example.com/"])
        .answers("https://example.com/", 301, &["https://example.com/"])
        .judge();
    assert_eq!(codes(&back), [("redirect_loop", "fail")]);
    let to_http = World::new()
        .answers("http://example.com/", 301, &["https://example.com/"])
        .answers("https://example.com/", 301, &["http://example.com/"])
        .judge();
    assert_eq!(codes(&to_http), [("redirect_loop", "fail")]);
}

#[test]
fn the_number_of_hops_is_bounded() {
    let chain = |redirects: usize| {
        let mut world = World::new().answers("http://example.com/", 301, &["https://example.com/1"]);
        for i in 1..redirects {
            let (from, to) = (format!("https://example.com/{i}"), format!("/{}", i + 1));
            world = world.answers(&from, 301, &[&to]);
        }
        world
            .answers(&format!("https://example.com/{redirects}"), 200, &[])
            .judge()
    };
    for (redirects, word) in [(1, "pass"), (4, "pass"), (5, "pass"), (6, "fail"), (30, "fail")] {
        assert_eq!(chain(redirects).status.word(), word, "{redirects}");
    }
    assert_eq!(codes(&chain(6)), [("too_many_hops", "fail")]);
}

#[test]
fn a_redirect_to_nowhere_fails() {
    for (locations, code) in [
        (&[][..], "no_location"),
        (&[""], "invalid_location"),
        (&["https://"], "invalid_location"),
        (&["javascript:alert(1)"], "invalid_location"),
        (
            &["https://example.com/a", "https://example.com/b"],
            "several_locations",
        ),
    ] {
        let outcome = World::new()
            .answers("http://example.com/", 301, locations)
            .judge();
        assert_eq!(codes(&outcome), [(code, "fail")], "{locations:?}");
        assert_eq!(outcome.evidence[0].value, "http://example.com/: 301 to nowhere");
    }
}

#[test]
fn nobody_is_led_inside() {
    for (address, word) in [
        ("10.0.0.7", "warn"),
        ("169.254.169.254", "warn"),
        ("203.0.113.7", "pass"),
    ] {
        let outcome = World::new()
            .name("inner.example.net", &[address])
            .answers("http://example.com/", 301, &["https://example.com/"])
            .answers("https://example.com/", 302, &["https://inner.example.net/"])
            .answers_at(address, "https://inner.example.net/", 200, &[])
            .judge();
        assert_eq!(outcome.status.word(), word, "{address}");
        assert_eq!(
            outcome.evidence.iter().filter(|e| e.label == "hop 3").count() == 0,
            word == "warn"
        );
    }
    // From inside, the inside may be looked at.
    let local = World(Facts::new())
        .name(HOST, &["10.0.0.1"])
        .name("sso.example.com", &["10.0.0.2"])
        .answers_at("10.0.0.1", "http://example.com/", 301, &["https://example.com/"])
        .answers_at(
            "10.0.0.1",
            "https://example.com/",
            302,
            &["https://sso.example.com/"],
        )
        .answers_at("10.0.0.2", "https://sso.example.com/", 200, &[]);
    assert!(local.judge().status.is_pass());
}

#[test]
fn a_host_that_does_not_exist_leads_nowhere() {
    let to = |result: DnsResult| {
        let answer = || DnsAnswer::new(result.clone(), "t");
        World::new()
            .answers("http://example.com/", 301, &["https://example.com/"])
            .answers("https://example.com/", 302, &["https://gone.example.net/"])
            .0
            .with(DnsLookup::address("gone.example.net", Family::V4), answer())
            .with(DnsLookup::address("gone.example.net", Family::V6), answer())
            .judge(&HttpsRedirect::default(), &Target::parse(HOST).unwrap())
    };
    assert_eq!(codes(&to(DnsResult::NxDomain)), [("leads_nowhere", "fail")]);
    assert_eq!(codes(&to(DnsResult::ServFail)), [("hop_not_seen", "unknown")]);
}

#[test]
fn a_hop_that_cannot_be_looked_at_leaves_it_unknown() {
    let broken = ObserveError::new(Reason::HTTP_MALFORMED, "the status line is malformed");
    let later = World::new()
        .answers("http://example.com/", 301, &["https://example.com/"])
        .fails("https://example.com/", broken.clone())
        .judge();
    assert_eq!(codes(&later), [("hop_not_seen", "unknown")]);
    let first = World::new()
        .fails("http://example.com/", broken)
        .shakes_hands(443)
        .judge();
    assert!(first.status.is_unknown());
}

#[test]
fn a_closed_or_silent_plain_port_passes_while_https_answers() {
    let silent = ObserveError::new(Reason::TCP_SILENT, "no answer within 2 s");
    let unreachable = ObserveError::new(Reason::TCP_UNREACHABLE, "no way to it");
    for (error, summary) in [
        (refused(), "nothing listens on port 80"),
        (silent, "port 80 does not answer"),
        (unreachable, "port 80 cannot be reached"),
    ] {
        let alone = World::new()
            .fails("http://example.com/", error.clone())
            .shakes_hands(443)
            .judge();
        assert!(alone.status.is_pass());
        assert_eq!(alone.summary, summary);
        let cause = Cause::new("port 443", Reason::TCP_REFUSED, "port 443 is closed");
        let endpoint = Endpoint::new(SocketAddr::new(ip(AT), 443), HOST, true);
        let down = World::new()
            .fails("http://example.com/", error)
            .0
            .with_error(TlsHandshake::new(endpoint), ObserveError::because(cause.clone()));
        let down = down.judge(&HttpsRedirect::default(), &Target::parse(HOST).unwrap());
        assert_eq!(down.status, Outcome::dependency_failed(cause).status);
    }
    // A reset tells nothing.
    let reset = ObserveError::new(Reason::TCP_RESET, "reset");
    assert!(
        World::new()
            .fails("http://example.com/", reset)
            .shakes_hands(443)
            .judge()
            .status
            .is_unknown()
    );
}

#[test]
fn the_plain_port_follows_the_https_port() {
    let world = World::new()
        .answers("http://example.com/", 301, &["https://example.com/"])
        .answers("https://example.com/", 200, &[])
        .answers("http://example.com:8080/", 301, &["https://example.com:8443/"])
        .answers("https://example.com:8443/", 200, &[]);
    let probe = |plain_port| HttpsRedirect {
        plain_port,
        ..HttpsRedirect::default()
    };
    for (plain_port, target, word) in [
        (0, "https://example.com", "pass"),
        (0, "https://example.com:8443", "not_applicable"),
        (8080, "https://example.com:8443", "pass"),
        (8443, "https://example.com:8443", "not_applicable"),
        (0, "http://example.com", "pass"),
        (0, "tcp://example.com:443", "not_applicable"),
    ] {
        let outcome = world.judge_with(&probe(plain_port), target);
        assert_eq!(
            outcome.status.word(),
            word,
            "{plain_port} {target}: {}",
            outcome.summary
        );
    }
    let other = world.judge_with(&probe(0), "https://example.com:8443");
    assert_eq!(other.summary, "https on port 8443; set `plain_port`");
}

#[test]
fn the_remedy_names_the_port_of_https() {
    let probe = HttpsRedirect {
        plain_port: 8080,
        ..HttpsRedirect::default()
    };
    for (status, locations) in [
        (200, &[][..]),
        (404, &[]),
        (302, &["https://example.com:8443/a"]),
        (308, &["http://example.com:8080/b"]),
    ] {
        let outcome = World::new()
            .answers("http://example.com:8080/a", status, locations)
            .answers("http://example.com:8080/b", 200, &[])
            .answers("https://example.com:8443/a", 200, &[])
            .judge_with(&probe, "https://example.com:8443/a");
        let remedy = &outcome.findings[0].remedy;
        assert_eq!(
            remedy, "redirect it with 308 to `https://example.com:8443/a`",
            "{status}"
        );
    }
}

#[test]
fn plain_http_is_allowed_locally() {
    let target = Target::parse("http://localhost:8080").unwrap();
    let outcome = Facts::new().judge(&HttpsRedirect::default(), &target);
    assert_eq!(outcome.summary, "the profile `local` allows plain http");
    let strict = Facts::new()
        .profile(Profile::production())
        .judge(&HttpsRedirect::default(), &target);
    assert!(strict.status.is_unknown());
}

#[test]
fn no_secret_of_the_target_travels() {
    let world = World::new()
        .answers("http://example.com/a", 301, &["https://example.com/a"])
        .answers("https://example.com/a", 401, &[]);
    // A key with a query or a credential would not be among these facts.
    let outcome = world.judge_with(
        &HttpsRedirect::default(),
        "https://joe:pw@example.com/a?token=s3cret",
    );
    assert!(outcome.status.is_pass(), "{outcome:?}");
}

#[test]
fn the_worst_address_decides() {
    let world = World(Facts::new())
        .name(HOST, &[AT, "2001:db8::1"])
        .answers("http://example.com/", 301, &["https://example.com/"])
        .answers("https://example.com/", 200, &[])
        .answers_at("2001:db8::1", "http://example.com/", 200, &[]);
    let outcome = world.judge();
    assert_eq!(codes(&outcome), [("served_over_http", "fail")]);
    assert_eq!(outcome.findings[0].subject, "2001:db8::1");
}

#[test]
fn hostile_locations_do_no_harm() {
    for location in [
        "https://example.com/\u{1b}[31m",
        "https://example.com/|`<script>`",
        "https://joe:pw@example.com/",
        "///////",
        "https://example.com/{run.0}/../../..",
        "?????####",
        "https://xn--\u{202e}/",
    ] {
        let world = World::new().answers("http://example.com/", 301, &[location]);
        let outcome = world.judge();
        assert!(!outcome.status.is_pass(), "{location}");
        assert!(!format!("{outcome:?}").contains("joe:pw"));
    }
}

#[test]
fn the_number_of_hops_is_checked() {
    let mut registry = Registry::new();
    registry.add_with::<HttpsRedirect>(HttpsRedirect::check);
    for (most, right) in [(0, false), (1, true), (20, true), (21, false)] {
        let built = registry.build("http.https_redirect", &json!({ "max_hops": most }));
        assert_eq!(built.is_ok(), right, "{most}");
    }
}
