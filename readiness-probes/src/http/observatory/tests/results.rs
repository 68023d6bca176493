//! Every result of the peer's table, from a response that gives it.

use std::collections::BTreeSet;

use super::{super::TESTS, Site};

mod cookies;
mod headers;
mod pages;
mod policies;
mod ways;

const CSP: &str = "content-security-policy";
const COOKIES: &str = "cookies";
const CORS: &str = "cross-origin-resource-sharing";
const REDIRECTION: &str = "redirection";
const REFERRER: &str = "referrer-policy";
const HSTS: &str = "strict-transport-security";
const SRI: &str = "subresource-integrity";
const NOSNIFF: &str = "x-content-type-options";
const FRAMING: &str = "x-frame-options";
const CORP: &str = "cross-origin-resource-policy";
const COEP: &str = "cross-origin-embedder-policy";
const COOP: &str = "cross-origin-opener-policy";

/// A test, the site, and the result: id, modifier, whether it passes.
type Row = (&'static str, Site, &'static str, i32, bool);

fn check(rows: &[Row]) {
    for (test, site, id, modifier, passes) in rows {
        let mark = site.mark(test);
        assert_eq!(
            (mark.id, mark.modifier, mark.passes),
            (*id, *modifier, *passes),
            "{test}"
        );
    }
}

fn one(name: &'static str, value: &'static str) -> Site {
    Site::html(&[(name, value)])
}

fn csp(policy: &'static str) -> Site {
    one(CSP, policy)
}

fn sets(cookie: &'static str) -> Site {
    Site::html(&[("set-cookie", cookie)])
}

fn sets_with_hsts(cookie: &'static str) -> Site {
    Site::html(&[("set-cookie", cookie), (HSTS, "max-age=31536000")])
}

fn rows() -> Vec<Row> {
    [
        policies::rows(),
        cookies::rows(),
        ways::rows(),
        pages::rows(),
        headers::rows(),
    ]
    .concat()
}

#[test]
fn each_response_gives_the_published_result() {
    check(&rows());
}

#[test]
fn no_result_of_the_table_is_left_out() {
    let tried: BTreeSet<&str> = rows().into_iter().map(|(_, _, id, ..)| id).collect();
    let all: BTreeSet<&str> = TESTS
        .iter()
        .flat_map(|test| test.marks)
        .map(|mark| mark.id)
        .collect();
    assert_eq!(tried, all);
    assert_eq!((all.len(), TESTS.len()), (77, 12));
    let best = |test: &super::super::Test| test.marks.iter().map(|mark| mark.modifier).max().unwrap();
    assert_eq!(100 + TESTS.iter().map(best).sum::<i32>(), 165);
}
