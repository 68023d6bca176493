//! `cross-origin-resource-sharing`, `redirection` and `strict-transport-security`.

use readiness_core::fact::Exchange;

use super::{
    super::{super::cors, Site, html, redirect, untrusted},
    CORS, HSTS, REDIRECTION, Row, one,
};

pub(super) fn rows() -> Vec<Row> {
    let origin = cors::ORIGIN;
    let chain = |urls: &[&str]| {
        let mut hops: Vec<(&str, Exchange)> =
            urls.windows(2).map(|pair| (pair[0], redirect(pair[1]))).collect();
        hops.push((urls[urls.len() - 1], html(200, &[])));
        Site::html(&[]).http(&hops)
    };
    let (http, https) = ("http://example.com/", "https://example.com/");
    let bad = Site::html(&[]).http(&[(http, redirect(https)), (https, untrusted(html(200, &[])))]);
    let access = |value: &str, credentials: &str| {
        Site::html(&[]).preflight(
            204,
            &[
                ("access-control-allow-origin", value),
                ("access-control-allow-credentials", credentials),
            ],
        )
    };
    let no_https = Site::plain(&[(HSTS, "max-age=31536000")]);
    let untrusted_page =
        Site::html(&[]).https(&[(https, untrusted(html(200, &[(HSTS, "max-age=31536000")])))]);
    vec![
        (
            CORS,
            Site::html(&[]),
            "cross-origin-resource-sharing-not-implemented",
            0,
            true,
        ),
        (
            CORS,
            Site::html(&[]).preflight(204, &[("allow", "GET")]),
            "cross-origin-resource-sharing-not-implemented",
            0,
            true,
        ),
        // Its client gives no answer that is no success to the test.
        (
            CORS,
            Site::html(&[]).preflight(405, &[("access-control-allow-origin", "*")]),
            "cross-origin-resource-sharing-not-implemented",
            0,
            true,
        ),
        (
            CORS,
            access("*", "true"),
            "cross-origin-resource-sharing-implemented-with-public-access",
            0,
            true,
        ),
        (
            CORS,
            access("https://a.example", "true"),
            "cross-origin-resource-sharing-implemented-with-restricted-access",
            0,
            true,
        ),
        (
            CORS,
            access(origin, "false"),
            "cross-origin-resource-sharing-implemented-with-restricted-access",
            0,
            true,
        ),
        (
            CORS,
            access(origin, "TRUE"),
            "cross-origin-resource-sharing-implemented-with-universal-access",
            -50,
            false,
        ),
        (
            REDIRECTION,
            chain(&[http, https]),
            "redirection-to-https",
            0,
            true,
        ),
        (
            REDIRECTION,
            chain(&[http, https]).preloaded(),
            "redirection-all-redirects-preloaded",
            0,
            true,
        ),
        (
            REDIRECTION,
            chain(&[http, "http://www.example.com/"]).preloaded(),
            "redirection-all-redirects-preloaded",
            0,
            true,
        ),
        (
            REDIRECTION,
            chain(&[http, "https://notexample.com/"]).preloaded(),
            "redirection-off-host-from-http",
            -5,
            false,
        ),
        (
            REDIRECTION,
            Site::html(&[]).without_http(),
            "redirection-not-needed-no-http",
            0,
            true,
        ),
        (
            REDIRECTION,
            chain(&[http, "https://www.example.com/"]),
            "redirection-off-host-from-http",
            -5,
            false,
        ),
        (
            REDIRECTION,
            chain(&[http, "http://www.example.com/", https]),
            "redirection-not-to-https-on-initial-redirection",
            -10,
            false,
        ),
        (
            REDIRECTION,
            chain(&[http, https, "http://www.example.com/"]),
            "redirection-not-to-https",
            -20,
            false,
        ),
        (REDIRECTION, chain(&[http]), "redirection-missing", -20, false),
        (REDIRECTION, bad, "redirection-invalid-cert", -20, false),
        (HSTS, Site::html(&[]).preloaded(), "hsts-preloaded", 5, true),
        (
            HSTS,
            one(HSTS, "max-age=15552000"),
            "hsts-implemented-max-age-at-least-six-months",
            0,
            true,
        ),
        (
            HSTS,
            one(HSTS, "max-age=0; Max-Age=63072000"),
            "hsts-implemented-max-age-at-least-six-months",
            0,
            true,
        ),
        (
            HSTS,
            one(HSTS, "max-age=15551999; includeSubDomains"),
            "hsts-implemented-max-age-less-than-six-months",
            -10,
            false,
        ),
        (
            HSTS,
            one(HSTS, "max-age=-1"),
            "hsts-implemented-max-age-less-than-six-months",
            -10,
            false,
        ),
        (HSTS, one("server", "x"), "hsts-not-implemented", -20, false),
        (
            HSTS,
            one(HSTS, "includeSubDomains"),
            "hsts-header-invalid",
            -20,
            false,
        ),
        (
            HSTS,
            one(HSTS, "max-age=31536000, max-age=31536000"),
            "hsts-header-invalid",
            -20,
            false,
        ),
        (
            HSTS,
            Site::html(&[(HSTS, "max-age=31536000"), (HSTS, "max-age=31536000")]),
            "hsts-header-invalid",
            -20,
            false,
        ),
        (HSTS, no_https, "hsts-not-implemented-no-https", -20, false),
        (HSTS, untrusted_page, "hsts-invalid-cert", -20, false),
    ]
}
