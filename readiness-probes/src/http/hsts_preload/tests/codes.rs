//! Each code with what brings it about.

use std::collections::BTreeSet;

use super::*;

/// Every code that hstspreload publishes, but for its internal errors, with what brings it about.
#[test]
fn each_published_code_has_its_case() {
    const PUBLISHED: [&str; 46] = [
        "domain.format.begins_with_dot",
        "domain.format.contains_double_dot",
        "domain.format.ends_with_dot",
        "domain.format.invalid_characters",
        "domain.format.is_ip_address",
        "domain.format.public_suffix",
        "domain.is_subdomain",
        "domain.tls.cannot_connect",
        "domain.tls.invalid_cert_chain",
        "domain.tls.sha1",
        "domain.www.no_tls",
        "header.parse.empty",
        "header.parse.empty_directive",
        "header.parse.invalid.include_sub_domains",
        "header.parse.invalid.max_age.no_value",
        "header.parse.invalid.preload",
        "header.parse.max_age.leading_zero",
        "header.parse.max_age.non_digit_characters",
        "header.parse.max_age.parse_int_error",
        "header.parse.repeated.include_sub_domains",
        "header.parse.repeated.max_age",
        "header.parse.repeated.preload",
        "header.parse.unknown_directive",
        "header.preloadable.include_sub_domains.missing",
        "header.preloadable.max_age.below_18_weeks",
        "header.preloadable.max_age.below_1_year",
        "header.preloadable.max_age.missing",
        "header.preloadable.max_age.over_10_years",
        "header.preloadable.max_age.zero",
        "header.preloadable.preload.missing",
        "header.removable.contains.preload",
        "header.removable.missing.max_age",
        "redirects.follow_error",
        "redirects.http.does_not_exist",
        "redirects.http.first_redirect.insecure",
        "redirects.http.first_redirect.invalid",
        "redirects.http.first_redirect.no_hsts",
        "redirects.http.no_redirect",
        "redirects.http.useless_header",
        "redirects.http.www_first",
        "redirects.insecure.initial",
        "redirects.insecure.subsequent",
        "redirects.too_many",
        "response.multiple_headers",
        "response.no_header",
        "tls.obsolete_cipher_suite",
    ];
    let good: &[(&str, &str)] = &[(HSTS, FITS)];
    let removal = |line| {
        let site = Site {
            lines: &[line],
            policy: PreloadPolicy::Removal,
            ..Site::default()
        };
        site.codes()
    };
    let cases: Vec<(Vec<String>, &[&str])> = vec![
        // The name.
        (host(".example.com"), &["fail domain.format.begins_with_dot"]),
        (host("example..com"), &["fail domain.format.contains_double_dot"]),
        (host("example.com."), &["fail domain.format.ends_with_dot"]),
        (host("ex_ample.com"), &["fail domain.format.invalid_characters"]),
        (host("192.0.2.1"), &["fail domain.format.is_ip_address"]),
        (host("2001:db8::1"), &["fail domain.format.is_ip_address"]),
        (host("co.uk"), &["fail domain.format.public_suffix"]),
        (host("localhost"), &["fail domain.format.public_suffix"]),
        (host("example.co.uk"), &[]),
        (
            site(|s| {
                s.host = "app.example.com";
                s.plain = Ok(&[("location", "https://app.example.com/")]);
                // Nobody asks for `www` there.
                s.www = None;
            }),
            &["fail domain.is_subdomain"],
        ),
        // TLS.
        (
            site(|s| s.handshake = Err(failed(Reason::TCP_REFUSED))),
            &["fail domain.tls.cannot_connect"],
        ),
        (
            site(|s| s.handshake = untrusted()),
            &["fail domain.tls.invalid_cert_chain"],
        ),
        (
            site(|s| {
                s.handshake =
                    with_session(|s| s.chain = ServerChain::new(vec![certificate(SHA1_RSA, "a", "b")]))
            }),
            &["fail domain.tls.sha1"],
        ),
        (
            site(|s| {
                s.handshake = with_session(|s| {
                    s.version = "TLSv1.2".into();
                    s.suite = "TLS_RSA_WITH_AES_128_CBC_SHA".into();
                })
            }),
            &["warn tls.obsolete_cipher_suite"],
        ),
        (
            site(|s| {
                s.handshake = with_session(|s| {
                    s.version = "TLSv1.2".into();
                    s.suite = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256".into();
                })
            }),
            &[],
        ),
        (site(|s| s.www = Some(untrusted())), &["fail domain.www.no_tls"]),
        (site(|s| s.www = Some(Err(failed(Reason::TCP_REFUSED)))), &[]),
        (site(|s| s.www = None), &[]),
        // The header.
        (site(|s| s.lines = &[]), &["fail response.no_header"]),
        (
            site(|s| s.lines = &[FITS, FITS]),
            &["fail response.multiple_headers"],
        ),
        (
            header(""),
            &[
                "warn header.parse.empty",
                "fail header.preloadable.include_sub_domains.missing",
                "fail header.preloadable.preload.missing",
                "fail header.preloadable.max_age.missing",
            ],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload;;"),
            &["warn header.parse.empty_directive"],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; includeSubDomains=1"),
            &["warn header.parse.invalid.include_sub_domains"],
        ),
        (
            header("max-age =31536000; includeSubDomains; preload"),
            &[
                "fail header.parse.invalid.max_age.no_value",
                "fail header.preloadable.max_age.missing",
            ],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; preload=1"),
            &["warn header.parse.invalid.preload"],
        ),
        (
            header("max-age=031536000; includeSubDomains; preload"),
            &["warn header.parse.max_age.leading_zero"],
        ),
        (
            // What browsers obey, and the list does not.
            header("max-age=\"31536000\"; includeSubDomains; preload"),
            &[
                "fail header.parse.max_age.non_digit_characters",
                "fail header.preloadable.max_age.missing",
            ],
        ),
        (
            header("max-age=18446744073709551616; includeSubDomains; preload"),
            &[
                "fail header.parse.max_age.parse_int_error",
                "fail header.preloadable.max_age.missing",
            ],
        ),
        (
            header("max-age=; includeSubDomains; preload"),
            &[
                "fail header.parse.max_age.parse_int_error",
                "fail header.preloadable.max_age.missing",
            ],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; includeSubDomains"),
            &["warn header.parse.repeated.include_sub_domains"],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; max-age=1"),
            &["warn header.parse.repeated.max_age"],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; preload"),
            &["warn header.parse.repeated.preload"],
        ),
        (
            header("max-age=31536000; includeSubDomains; preload; a=b"),
            &["warn header.parse.unknown_directive"],
        ),
        (
            header("max-age=31536000; preload"),
            &["fail header.preloadable.include_sub_domains.missing"],
        ),
        (
            header("max-age=31536000; includeSubDomains"),
            &["fail header.preloadable.preload.missing"],
        ),
        (
            header("includeSubDomains; preload"),
            &["fail header.preloadable.max_age.missing"],
        ),
        (
            header("max-age=0; includeSubDomains; preload"),
            &["fail header.preloadable.max_age.zero"],
        ),
        (
            header("max-age=31535999; includeSubDomains; preload"),
            &["fail header.preloadable.max_age.below_1_year"],
        ),
        (
            header("max-age=315360001; includeSubDomains; preload"),
            &["warn header.preloadable.max_age.over_10_years"],
        ),
        (
            site(|s| {
                s.lines = &["max-age=10886399; includeSubDomains; preload"];
                s.policy = PreloadPolicy::EighteenWeeks;
            }),
            &["fail header.preloadable.max_age.below_18_weeks"],
        ),
        (
            site(|s| {
                s.lines = &["max-age=10886400; includeSubDomains; preload"];
                s.policy = PreloadPolicy::EighteenWeeks;
            }),
            &[],
        ),
        (removal("max-age=31536000"), &[]),
        (removal("max-age=0; a;;"), &[]),
        (removal(FITS), &["fail header.removable.contains.preload"]),
        (
            removal("includeSubDomains"),
            &["fail header.removable.missing.max_age"],
        ),
        // The redirects from plain http on.
        (
            site(|s| s.plain = Err(failed(Reason::TCP_REFUSED))),
            &["warn redirects.http.does_not_exist"],
        ),
        (
            site(|s| s.plain = Ok(&[("content-type", "text/html")])),
            &["fail redirects.http.no_redirect"],
        ),
        (
            site(|s| s.plain = Ok(&[("location", "https://example.com/"), (HSTS, FITS)])),
            &["warn redirects.http.useless_header"],
        ),
        (
            plain(
                "https://www.example.com/",
                &[("https://www.example.com/", 200, &[])],
            ),
            &["fail redirects.http.www_first"],
        ),
        (
            plain(
                "http://www.example.com/",
                &[("http://www.example.com/", 200, &[])],
            ),
            &["fail redirects.http.www_first"],
        ),
        (
            plain("http://example.com/a", &[("http://example.com/a", 200, &[])]),
            &["fail redirects.http.first_redirect.insecure"],
        ),
        (
            plain("https://example.com/a", &[("https://example.com/a", 200, good)]),
            &[],
        ),
        (
            plain("https://example.com/a", &[("https://example.com/a", 200, &[])]),
            &["fail redirects.http.first_redirect.no_hsts"],
        ),
        (
            plain(
                "https://example.com/a",
                &[
                    (
                        "https://example.com/a",
                        301,
                        &[(HSTS, FITS), ("location", "http://example.com/b")],
                    ),
                    ("http://example.com/b", 200, &[]),
                ],
            ),
            &["fail redirects.insecure.subsequent"],
        ),
        (
            plain("https://", &[]),
            &["fail redirects.follow_error", "fail redirects.http.no_redirect"],
        ),
        // The redirects from https on.
        (
            own("http://example.com/a", &[("http://example.com/a", 200, &[])]),
            &[
                "fail redirects.insecure.subsequent",
                "fail redirects.insecure.initial",
            ],
        ),
        (
            own(
                "/1",
                &[
                    ("https://example.com/1", 302, &[("location", "/2")]),
                    ("https://example.com/2", 302, &[("location", "/3")]),
                    ("https://example.com/3", 200, &[]),
                ],
            ),
            // From plain http on there is one more.
            &["fail redirects.too_many"],
        ),
        (
            own("/1", &[("https://example.com/1", 302, &[("location", "/")])]),
            &["fail redirects.too_many", "fail redirects.too_many"],
        ),
    ];
    let mut seen = BTreeSet::new();
    for (i, (found, wanted)) in cases.iter().enumerate() {
        assert_eq!(found, wanted, "case {i}");
        seen.extend(found.iter().filter_map(|text| text.split(' ').nth(1)));
    }
    // What needs an error in the right place has tests of its own below.
    let elsewhere = ["redirects.http.first_redirect.invalid"];
    for code in PUBLISHED {
        assert!(seen.contains(code) || elsewhere.contains(&code), "{code}");
    }
    assert_eq!(seen.len() + elsewhere.len(), PUBLISHED.len(), "{seen:?}");
}
