//! What is told of a way beyond where it leads: the method, the parent's policy, secrets, how long it is.

use super::*;

#[test]
fn the_method_is_kept_or_lost() {
    for (status, lost) in [(301, true), (302, true), (303, true), (307, false), (308, false)] {
        let outcome = World::new()
            .answers("http://example.com/", status, &["https://example.com/"])
            .answers("https://example.com/", 200, &[])
            .judge();
        let note = outcome
            .findings
            .iter()
            .find(|finding| finding.code == "method_lost");
        assert_eq!(note.is_some(), lost, "{status}");
        assert!(note.is_none_or(|note| note.is_note() && note.message.contains("308 keeps the method")));
        let kept = outcome
            .evidence
            .iter()
            .any(|e| (e.label.as_str(), e.value.as_str()) == ("method", "kept"));
        assert_eq!(kept, !lost, "{status}");
    }
}

#[test]
fn a_parent_host_may_cover_its_subdomains() {
    const SUB: &str = "app.example.com";
    let first = |to: &str, address: &str, hsts: &[&str], channel| {
        let headers = hsts.iter().map(|line| ("strict-transport-security", *line));
        let world = World(Facts::new())
            .name(SUB, &[AT])
            .name(HOST, &["203.0.113.2"])
            .name("example.net", &["203.0.113.2"])
            .answers("http://app.example.com/", 308, &[to]);
        let world = World(world.0.with(
            World::key(to, address),
            Exchange::new(200, headers).channel(channel),
        ));
        world.judge_with(&HttpsRedirect::default(), SUB)
    };
    let (parent, trusted) = ("https://example.com/", Channel::TrustedTls);
    for (hsts, channel, code, word) in [
        (
            &["max-age=1; includeSubDomains"][..],
            trusted,
            "first_hop_to_parent",
            "pass",
        ),
        (&["max-age=31536000"], trusted, "first_hop_off_host", "warn"),
        (
            &["max-age=0; includeSubDomains"],
            trusted,
            "first_hop_off_host",
            "warn",
        ),
        (
            &["max-age=1; includeSubDomains=true"],
            trusted,
            "first_hop_off_host",
            "warn",
        ),
        (&[], trusted, "first_hop_off_host", "warn"),
        // Browsers obey the first line only.
        (
            &["max-age=1", "max-age=1; includeSubDomains"],
            trusted,
            "first_hop_off_host",
            "warn",
        ),
        (
            &["max-age=1; includeSubDomains"],
            Channel::Plain,
            "first_hop_off_host",
            "warn",
        ),
    ] {
        assert_eq!(
            codes(&first(parent, "203.0.113.2", hsts, channel)),
            [(code, word)],
            "{hsts:?}"
        );
    }
    // A host that only ends alike is no parent.
    let other = first(
        "https://example.net/",
        "203.0.113.2",
        &["max-age=1; includeSubDomains"],
        trusted,
    );
    assert_eq!(codes(&other), [("first_hop_off_host", "warn")]);
}

#[test]
fn secrets_in_a_location_are_named_and_not_shown() {
    let outcome = World::new()
        .answers("http://example.com/", 308, &["https://example.com/"])
        .answers(
            "https://example.com/",
            302,
            &["https://joe:s3cret@example.com/cb;jsessionid=s3cret?access_token={run.0}&page=2"],
        )
        .answers(
            "https://example.com/cb;jsessionid=s3cret?access_token={run.0}&page=2",
            200,
            &[],
        )
        .judge();
    assert_eq!(
        codes(&outcome),
        [("userinfo_in_location", "warn"), ("secret_in_location", "warn")]
    );
    let message = &outcome.findings[1].message;
    assert!(message.contains("`jsessionid`, `access_token`"), "{message}");
    assert!(outcome.findings.iter().all(|finding| finding.subject == "hop 2"));
    assert!(!format!("{outcome:?}").contains("s3cret"), "{outcome:?}");
}

#[test]
fn many_redirects_are_told() {
    let chain = |redirects: usize| {
        let mut world = World::new().answers("http://example.com/", 308, &["https://example.com/1"]);
        for i in 1..redirects {
            world = world.answers(
                &format!("https://example.com/{i}"),
                308,
                &[&format!("/{}", i + 1)],
            );
        }
        let outcome = world
            .answers(&format!("https://example.com/{redirects}"), 200, &[])
            .judge();
        (
            outcome.status.word(),
            outcome.findings.iter().any(|f| f.code == "many_hops"),
        )
    };
    for (redirects, told) in [(2, false), (3, false), (4, true), (5, true)] {
        assert_eq!(chain(redirects), ("pass", told), "{redirects}");
    }
    assert_eq!(chain(6), ("fail", false), "a fault of its own");
}

#[test]
fn a_challenge_page_on_the_plain_port_is_not_judged() {
    for (status, mark, word) in [
        (200, ("cf-mitigated", "challenge"), "unknown"),
        (202, ("x-amzn-waf-action", "challenge"), "unknown"),
        (405, ("x-amzn-waf-action", "captcha"), "unknown"),
        (405, ("allow", "POST"), "fail"),
    ] {
        let exchange = Exchange::new(status, [mark]).channel(Channel::Plain);
        let world = World(
            World::new()
                .0
                .with(World::key("http://example.com/", AT), exchange),
        );
        assert_eq!(world.judge().status.word(), word, "{status} {mark:?}");
    }
}

#[test]
fn an_inner_address_is_told_as_an_address_and_not_followed() {
    let outcome = World::new()
        .answers("http://example.com/", 308, &["https://example.com/"])
        .answers("https://example.com/", 302, &["https://10.0.0.7/"])
        .0
        .with(LocalRoute::new(ip("10.0.0.7")), Route::new(true))
        .judge(&HttpsRedirect::default(), &Target::parse(HOST).unwrap());
    assert_eq!(
        codes(&outcome),
        [("leads_to_address", "warn"), ("leads_inside", "warn")]
    );
}
