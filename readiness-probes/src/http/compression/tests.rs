use proptest::prelude::*;
use readiness_core::Target;

use super::*;
use crate::http::samples;

fn of_length(length: u64, headers: &[(&str, &str)]) -> Outcome {
    let mut exchange = Exchange::new(200, headers.iter().copied());
    exchange.body_bytes = length;
    judge(&Compression::default(), samples::looked(&exchange))
}

fn of(headers: &[(&str, &str)]) -> Outcome {
    of_length(5000, headers)
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

const HTML: (&str, &str) = ("content-type", "text/html");
const VARY: (&str, &str) = ("vary", "Origin, accept-encoding");

#[test]
fn text_is_compressed() {
    for (headers, wanted) in [
        (&[HTML, VARY, ("content-encoding", "gzip")][..], &[][..]),
        (&[HTML, VARY, ("content-encoding", "X-GZIP")], &[]),
        (&[HTML, ("content-encoding", "br"), ("vary", "*")], &[]),
        (&[HTML], &["not_compressed"]),
        (
            &[("content-type", "application/problem+json")],
            &["not_compressed"],
        ),
        (&[("content-type", "image/svg+xml")], &["not_compressed"]),
        (&[("content-type", "image/png")], &[]),
        (&[], &[]),
        (&[HTML, ("content-encoding", "br")], &["no_vary"]),
        (
            &[HTML, ("content-encoding", "br"), ("vary", "accept-encoding-x")],
            &["no_vary"],
        ),
        // What no shared cache stores need not vary.
        (
            &[HTML, ("content-encoding", "br"), ("cache-control", "no-store")],
            &[],
        ),
        (
            &[HTML, ("content-encoding", "br"), ("cache-control", "private")],
            &[],
        ),
        (&[HTML, VARY, ("content-encoding", "deflate")], &["not_asked_for"]),
        (&[HTML, VARY, ("content-encoding", "utf-8")], &["unknown_coding"]),
        (
            &[HTML, ("content-encoding", "identity")],
            &["identity", "not_compressed"],
        ),
        (
            &[HTML, VARY, ("content-encoding", "gzip, gzip")],
            &["several_codings"],
        ),
        (
            &[
                HTML,
                VARY,
                ("content-encoding", "br"),
                ("content-encoding", "gzip"),
            ],
            &["several_codings"],
        ),
        (
            &[("content-type", "image/png"), VARY, ("content-encoding", "gzip")],
            &["compressed_again"],
        ),
        (
            &[("content-type", "font/woff2"), VARY, ("content-encoding", "gzip")],
            &["compressed_again"],
        ),
        (
            &[HTML, VARY, ("content-encoding", "gzip"), ("set-cookie", "a=b")],
            &["breach"],
        ),
    ] {
        assert_eq!(codes(&of(headers)), wanted, "{headers:?}");
    }
    assert!(of(&[HTML]).status.is_warn());
    assert!(of(&[HTML, VARY, ("content-encoding", "x")]).status.is_fail());
    assert!(
        of(&[HTML, VARY, ("content-encoding", "gzip"), ("set-cookie", "a=b")])
            .status
            .is_pass()
    );
    let plain = of(&[HTML, VARY, ("content-encoding", "zstd")]);
    assert_eq!(plain.summary, "compressed with zstd");
}

#[test]
fn short_text_may_stay_as_it_is() {
    for (length, passes) in [(0, true), (1023, true), (1024, true), (1025, false)] {
        assert_eq!(of_length(length, &[HTML]).status.is_pass(), passes, "{length}");
        let said = length.to_string();
        let outcome = of_length(0, &[HTML, ("content-length", &said)]);
        assert_eq!(outcome.status.is_pass(), passes, "{length}");
    }
    let asked = of(&[HTML, ("cache-control", "public, no-transform")]);
    assert!(asked.findings[0].message.contains("no-transform"));
}

#[test]
fn what_has_no_text_is_not_judged() {
    let status = |status, headers: &[(&str, &str)]| {
        judge(
            &Compression::default(),
            samples::looked(&Exchange::new(status, headers.iter().copied())),
        )
        .status
    };
    assert!(status(301, &[("location", "/")]).is_not_applicable());
    assert!(status(404, &[HTML]).is_not_applicable());
    assert!(status(204, &[]).is_not_applicable());
    assert!(status(403, &[HTML]).is_unknown());
}

#[test]
fn it_asks_in_its_own_way() {
    let target = Target::parse("https://example.com/").unwrap();
    let key = samples::key("example.com").header("Accept-Encoding", "br, zstd, gzip");
    let facts = samples::facts("https://example.com/", &[HTML])
        .with(key, Exchange::new(200, [HTML, VARY, ("content-encoding", "br")]));
    let outcome = facts.judge(&Compression::default(), &target);
    assert_eq!(outcome.summary, "compressed with br");
    assert!(Compression::default().check().is_ok());
}

#[test]
fn hostile_values_are_read_in_one_pass() {
    for value in samples::hostile() {
        let exchange = Exchange::new(
            200,
            [
                ("content-encoding", &value),
                ("vary", &value),
                ("content-type", &value),
            ],
        );
        assert!(
            judge(&Compression::default(), samples::looked(&exchange))
                .findings
                .len()
                < 10
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(a in proptest::collection::vec(any::<u8>(), 0..99), b in ".{0,50}") {
        let exchange = Exchange::new(200, [
            ("content-encoding", a.clone()), ("content-length", a.clone()), ("vary", a), ("content-type", b.into_bytes()),
        ]);
        let _ = judge(&Compression::default(), samples::looked(&exchange));
    }
}
