use readiness_core::{
    ObserveError, Outcome, Reason, Target,
    fact::{Channel, Exchange},
};

use super::*;
use crate::http::world::{AT, HOST, World};

const GOOD: (&str, &str) = ("strict-transport-security", "max-age=63072000; includeSubDomains");

fn by(world: &World, target: &str) -> Outcome {
    world.by(&Hsts::default(), target)
}

/// Code, status and subject of each finding.
fn findings(outcome: &Outcome) -> Vec<(&str, &str, &str)> {
    outcome
        .findings
        .iter()
        .map(|f| (f.code.as_str(), f.status.word(), f.subject.as_str()))
        .collect()
}

/// `http://example.com/` leads to https, which leads to `www` and then to `/app`; each with these headers.
fn chain<'a>(hops: [&'a [(&'a str, &'a str)]; 4]) -> World {
    let to =
        |location: &'a str, headers: &[(&'a str, &'a str)]| [&[("location", location)], headers].concat();
    World::new()
        .name("www.example.com", &[AT])
        .says("http://example.com/", 301, &to("https://example.com/", hops[0]))
        .says(
            "https://example.com/",
            301,
            &to("https://www.example.com/", hops[1]),
        )
        .says("https://www.example.com/", 302, &to("/app", hops[2]))
        .says("https://www.example.com/app", 200, hops[3])
}

#[test]
fn every_https_hop_is_looked_at() {
    let outcome = by(&chain([&[], &[GOOD], &[GOOD], &[GOOD]]), HOST);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "max-age is 63072000 s, with subdomains");
    let hops: Vec<(&str, &str)> = outcome
        .evidence
        .iter()
        .filter(|e| e.label.starts_with("hop"))
        .map(|e| (e.label.as_str(), e.value.as_str()))
        .collect();
    assert_eq!(
        hops,
        [
            (
                "hop 3",
                "https://www.example.com/: 302, max-age=63072000; includeSubDomains"
            ),
            (
                "hop 4",
                "https://www.example.com/app: 200, max-age=63072000; includeSubDomains"
            ),
        ]
    );
}

#[test]
fn the_first_https_hop_fails_and_later_ones_warn() {
    let first = by(&chain([&[], &[], &[GOOD], &[GOOD]]), HOST);
    assert_eq!(findings(&first), [("missing", "fail", "")], "the page itself");
    let later = by(&chain([&[], &[GOOD], &[], &[]]), HOST);
    assert_eq!(
        findings(&later),
        [("missing", "warn", "hop 3"), ("missing", "warn", "hop 4")]
    );
    assert!(later.status.is_warn());
    assert!(
        later
            .summary
            .starts_with("at `https://www.example.com/`: expected"),
        "{}",
        later.summary
    );
    for (value, code) in [
        ("max-age=0", "switched_off"),
        ("max-age=1", "max_age_too_short"),
        ("max-age=31536000; includeSubDomains=1", "ignored"),
    ] {
        let outcome = by(
            &chain([&[], &[GOOD], &[("strict-transport-security", value)], &[GOOD]]),
            HOST,
        );
        assert_eq!(findings(&outcome), [(code, "warn", "hop 3")], "{value}");
    }
}

#[test]
fn the_first_https_hop_may_be_another_path_than_the_page() {
    let world = |headers: &[(&str, &str)]| {
        let own = [&[("location", "https://example.com/app")], headers].concat();
        World::new()
            .says(
                "http://example.com/app",
                301,
                &[("location", "https://example.com/")],
            )
            .says("https://example.com/", 302, &own)
            .says("https://example.com/app", 200, &[GOOD])
    };
    let bare = by(&world(&[]), "https://example.com/app");
    assert_eq!(findings(&bare), [("missing", "fail", "hop 2")]);
    assert!(bare.status.is_fail());
    assert!(by(&world(&[GOOD]), "https://example.com/app").status.is_pass());
}

#[test]
fn the_way_from_https_is_followed_where_plain_http_does_not_lead_there() {
    let refused = ObserveError::new(Reason::TCP_REFUSED, "the connection was refused");
    let world = World::new()
        .fails("http://example.com/", refused)
        .says(
            "https://example.com/",
            302,
            &[GOOD, ("location", "/login?next={run.0}")],
        )
        .says("https://example.com/login?next={run.0}", 200, &[]);
    let outcome = by(&world, HOST);
    assert_eq!(findings(&outcome), [("missing", "warn", "hop 2 from https")]);
    assert!(
        !outcome
            .evidence
            .iter()
            .any(|e| e.label == Evidence::NOT_LOOKED_AT)
    );
    // Another port of https has no plain port to begin from, unless it is named.
    let world = World::new()
        .says("https://example.com:8443/", 302, &[GOOD, ("location", "/login")])
        .says("https://example.com:8443/login", 200, &[])
        .says(
            "http://example.com:8080/",
            301,
            &[("location", "https://example.com:8443/first")],
        )
        .says("https://example.com:8443/first", 200, &[]);
    let codes = |outcome: &Outcome| -> Vec<String> {
        let real = outcome.findings.iter().filter(|f| !f.is_note());
        real.map(|f| f.subject.clone()).collect()
    };
    let outcome = by(&world, "https://example.com:8443/");
    assert_eq!(codes(&outcome), ["hop 2 from https"]);
    let named = Hsts {
        plain_port: 8080,
        ..Hsts::default()
    };
    let outcome = world.by(&named, "https://example.com:8443/");
    assert_eq!(codes(&outcome), ["hop 2", "hop 2 from https"]);
    assert!(outcome.status.is_fail());
}

#[test]
fn hosts_of_others_only_inform() {
    let world = |host: &str| {
        World::new()
            .name(host, &[AT])
            .says(
                "http://example.com/",
                308,
                &[("location", "https://example.com/")],
            )
            .says(
                "https://example.com/",
                302,
                &[GOOD, ("location", &format!("https://{host}/"))],
            )
            .says(&format!("https://{host}/"), 200, &[])
    };
    for (host, word) in [
        ("login.example.net", "pass"),
        ("example.org", "pass"),
        ("login.example.com", "warn"),
    ] {
        assert_eq!(by(&world(host), HOST).status.word(), word, "{host}");
    }
}

#[test]
fn what_is_sent_over_plain_http_is_told() {
    let outcome = by(&chain([&[GOOD], &[GOOD], &[GOOD], &[GOOD]]), HOST);
    assert_eq!(findings(&outcome), [("sent_over_http", "pass", "hop 1")]);
    assert!(outcome.status.is_pass());
    // Where the target itself is plain, the https hops are judged.
    let outcome = by(&chain([&[GOOD], &[], &[GOOD], &[GOOD]]), "http://example.com/");
    assert_eq!(
        findings(&outcome),
        [
            ("sent_over_http", "pass", ""),
            ("sent_over_http", "pass", "hop 1"),
            ("missing", "fail", "hop 2")
        ]
    );
    let alone = World::new().says("http://example.com/", 200, &[GOOD]);
    let outcome = by(&alone, "http://example.com/");
    assert!(outcome.status.is_not_applicable(), "{outcome:?}");
    assert_eq!(outcome.summary, "browsers ignore HSTS over plain http");
}

#[test]
fn a_hop_that_cannot_be_looked_at_leaves_it_unknown() {
    let broken = ObserveError::new(Reason::HTTP_MALFORMED, "the status line is malformed");
    let world = World::new()
        .says(
            "http://example.com/",
            308,
            &[("location", "https://example.com/")],
        )
        .says("https://example.com/", 302, &[GOOD, ("location", "/app")])
        .fails("https://example.com/app", broken.clone());
    let outcome = by(&world, HOST);
    assert_eq!(findings(&outcome), [("hop_not_seen", "unknown", "hop 3")]);
    // Without a plain response there is no way from it, and that is said.
    let world = World::new()
        .fails("http://example.com/", broken)
        .says("https://example.com/", 200, &[GOOD]);
    let outcome = by(&world, HOST);
    assert!(outcome.status.is_pass());
    let gap = outcome
        .evidence
        .iter()
        .find(|e| e.label == Evidence::NOT_LOOKED_AT)
        .unwrap();
    assert!(
        gap.value.starts_with("the redirects from `http://example.com/`"),
        "{gap:?}"
    );
}

#[test]
fn another_port_and_localhost_are_told() {
    let answer = |host: &str, url: &str, value: &str| {
        let world = World::new()
            .name(host, &[AT])
            .says(url, 200, &[("strict-transport-security", value)]);
        let outcome = by(&world, url);
        let notes: Vec<String> = outcome
            .findings
            .iter()
            .map(|f| format!("{}: {}", f.code, f.message))
            .collect();
        (outcome.status.word(), notes.join("\n"))
    };
    let (word, note) = answer(HOST, "https://example.com:8443/", "max-age=31536000");
    assert_eq!(word, "pass");
    assert!(
        note.contains("every_port")
            && note.contains("`http://example.com:8080` into `https://example.com:8080`")
    );
    let (word, note) = answer(
        "localhost",
        "https://localhost:8443/",
        "max-age=31536000; includeSubDomains",
    );
    assert_eq!(word, "pass");
    assert!(
        note.starts_with("localhost: ") && note.contains("every name below it"),
        "{note}"
    );
    let (_, note) = answer("app.localhost", "https://app.localhost/", "max-age=31536000");
    assert!(
        note.starts_with("localhost: ") && !note.contains("below it"),
        "{note}"
    );
    // A policy that is switched off reaches nowhere, and the usual port needs no word.
    for (url, value) in [
        ("https://example.com:8443/", "max-age=0"),
        ("https://example.com:8443/", "junk"),
        ("https://example.com/", "max-age=31536000"),
    ] {
        let (_, note) = answer(HOST, url, value);
        assert!(!note.contains("every_port"), "{url} {value}: {note}");
    }
}

#[test]
fn a_policy_over_an_untrusted_channel_is_told() {
    let exchange = Exchange::new(200, [GOOD]).channel(Channel::UntrustedTls);
    let world = World::new().says_at(AT, "https://example.com/", exchange);
    assert_eq!(findings(&by(&world, HOST)), [("not_taken", "pass", "")]);
}

#[test]
fn preload_is_told_where_it_cannot_work() {
    for (value, told) in [
        ("max-age=31536000; includeSubDomains; preload", None),
        (
            "max-age=31535999; includeSubDomains; preload",
            Some("with a `max-age` under"),
        ),
        ("max-age=31536000; preload", Some("without `includeSubDomains`")),
        (
            "max-age=15552000; preload",
            Some("without `includeSubDomains` and with"),
        ),
        ("max-age=31536000", None),
        ("max-age=31536000; preload=1", None),
    ] {
        let world = World::new().says(
            "https://example.com/",
            200,
            &[("strict-transport-security", value)],
        );
        let outcome = by(&world, HOST);
        assert!(outcome.status.is_pass(), "{value}");
        let message = outcome.findings.first().map(|f| f.message.as_str());
        assert_eq!(message.is_some(), told.is_some(), "{value}");
        assert!(
            message.is_none_or(|message| message.contains(told.unwrap())),
            "{value}: {message:?}"
        );
    }
}

#[test]
fn a_challenge_on_the_way_says_nothing_of_the_service() {
    let world = World::new()
        .says(
            "http://example.com/",
            308,
            &[("location", "https://example.com/")],
        )
        .says("https://example.com/", 302, &[GOOD, ("location", "/app")])
        .says("https://example.com/app", 403, &[("cf-mitigated", "challenge")]);
    assert!(by(&world, HOST).findings.is_empty());
}

#[test]
fn addresses_on_the_way_keep_no_policy() {
    let world = World::new()
        .name("203.0.113.9", &["203.0.113.9"])
        .says(
            "http://example.com/",
            308,
            &[("location", "https://example.com/")],
        )
        .says(
            "https://example.com/",
            302,
            &[GOOD, ("location", "https://203.0.113.9/")],
        )
        .says_at(
            "203.0.113.9",
            "https://203.0.113.9/",
            Exchange::new(200, [("server", "x")]),
        );
    assert!(by(&world, HOST).findings.is_empty());
}

#[test]
fn the_worst_address_decides() {
    let world = World::new()
        .name(HOST, &[AT, "203.0.113.2"])
        .says(
            "http://example.com/",
            308,
            &[("location", "https://example.com/")],
        )
        .says("https://example.com/", 302, &[GOOD, ("location", "/app")])
        .says("https://example.com/app", 200, &[GOOD]);
    let to = |location| Exchange::new(308, [("location", location)]);
    let second = "203.0.113.2";
    let world = world
        .says_at(
            second,
            "http://example.com/",
            to("https://example.com/").channel(Channel::Plain),
        )
        .says_at(
            second,
            "https://example.com/",
            Exchange::new(302, [GOOD, ("location", "/app")]),
        )
        .says_at(
            second,
            "https://example.com/app",
            Exchange::new(200, [("server", "x")]),
        );
    let outcome = world.0.judge(&Hsts::default(), &Target::parse(HOST).unwrap());
    assert_eq!(findings(&outcome), [("missing", "warn", "hop 3 on 203.0.113.2")]);
}

/// What was not looked at.
fn gaps(outcome: &Outcome) -> Vec<&str> {
    let gaps = outcome
        .evidence
        .iter()
        .filter(|e| e.label == Evidence::NOT_LOOKED_AT);
    gaps.map(|e| e.value.as_str()).collect()
}

#[test]
fn a_way_that_is_cut_short_is_told() {
    let world = || {
        World::new()
            .says(
                "http://example.com/",
                308,
                &[("location", "https://example.com/")],
            )
            .says("https://example.com/", 302, &[GOOD, ("location", "/1")])
            .says("https://example.com/1", 302, &[GOOD, ("location", "/2")])
            .says("https://example.com/2", 302, &[GOOD, ("location", "/3")])
            .says("https://example.com/3", 200, &[])
    };
    let with = |max_hops| Hsts {
        max_hops,
        ..Hsts::default()
    };
    let outcome = world().by(&with(2), HOST);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    // From https on, one redirect more fits in.
    assert_eq!(
        gaps(&outcome),
        [
            "the redirects from `https://example.com/2` on (after 2 redirects)",
            "the redirects from `https://example.com/3` on (after 2 redirects)"
        ]
    );
    let outcome = world().by(&with(4), HOST);
    assert_eq!(findings(&outcome), [("missing", "warn", "hop 5")]);
    assert!(gaps(&outcome).is_empty());
    let alone = world().by(&with(0), HOST);
    assert!(alone.status.is_pass() && gaps(&alone).is_empty(), "{alone:?}");
    // A circle has been seen whole.
    let circle = World::new()
        .says("https://example.com/", 302, &[GOOD, ("location", "/1")])
        .says("https://example.com/1", 302, &[GOOD, ("location", "/")]);
    assert!(!gaps(&by(&circle, HOST)).iter().any(|gap| gap.contains("https")));
}

#[test]
fn a_way_that_leads_inside_or_nowhere_is_told() {
    let to = |host: &str| {
        let location = format!("https://{host}/");
        World::new()
            .says(
                "http://example.com/",
                308,
                &[("location", "https://example.com/")],
            )
            .says("https://example.com/", 302, &[GOOD, ("location", &location)])
    };
    let inside = by(
        &to("app.example.com").name("app.example.com", &["10.0.0.1"]),
        HOST,
    );
    assert!(inside.status.is_pass(), "{inside:?}");
    assert_eq!(
        gaps(&inside),
        ["the redirects from `https://app.example.com/` on (at 10.0.0.1, which is private)"]
    );
    let own = by(&to("app.example.com").name("app.example.com", &[]), HOST);
    assert_eq!(findings(&own), [("hop_not_seen", "unknown", "hop 3")]);
    assert!(own.status.is_unknown());
    let foreign = by(&to("login.example.net").name("login.example.net", &[]), HOST);
    assert!(foreign.status.is_pass() && foreign.findings.is_empty());
    assert_eq!(gaps(&foreign).len(), 1, "{foreign:?}");
}

#[test]
fn subdomains_are_asked_for_where_it_is_set() {
    let with = |value: &str, include_subdomains| {
        let world = World::new().says(
            "https://example.com/",
            200,
            &[("strict-transport-security", value)],
        );
        let settings = Hsts {
            include_subdomains,
            ..Hsts::default()
        };
        let outcome = world.by(&settings, HOST);
        outcome
            .findings
            .iter()
            .map(|f| f.code.clone())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (value, wanted) in [
        ("max-age=31536000; includeSubDomains", ""),
        ("max-age=31536000", "no_include_subdomains"),
        ("max-age=1", "max_age_too_short no_include_subdomains"),
        ("max-age=0", "switched_off"),
        ("junk", "ignored"),
    ] {
        assert_eq!(with(value, true), wanted, "{value}");
        assert!(!with(value, false).contains("no_include"), "{value}");
    }
}
