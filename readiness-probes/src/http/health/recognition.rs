//! Each format by an example of its own, and by what is one step off and must be something else.

mod general;
mod libraries;
mod platforms;
mod texts;

use readiness_core::fact::Exchange;

use super::{
    HealthFormat as F, HttpHealth, body,
    judge::{Circumstances, judge},
    payload::{
        Payload,
        Verdict::{self, Fail, Pass, Unknown, Warn},
        recognise_read,
    },
};

const JSON: &str = "application/json";
const TEXT: &str = "text/plain; charset=utf-8";
const HEALTH_JSON: &str = "application/health+json";
const ACTUATOR_2: &str = "application/vnd.spring-boot.actuator.v2+json";
const ACTUATOR_3: &str = "application/vnd.spring-boot.actuator.v3+json;charset=UTF-8";

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Seen {
    As(F, Verdict),
    Broken,
    Empty,
    Html,
    Nothing,
}
use Seen::{As, Broken, Empty, Html, Nothing};

struct Row {
    format: F,
    /// Status, content type, body, and what it says.
    examples: &'static [(u16, &'static str, &'static str, Verdict)],
    /// What is one step off, status, content type, body, and what it is instead.
    near: &'static [(&'static str, u16, &'static str, &'static str, Seen)],
}

/// Every row.
fn rows() -> impl Iterator<Item = &'static Row> {
    texts::TEXTS
        .iter()
        .chain(&platforms::PLATFORMS)
        .chain(&libraries::LIBRARIES)
        .chain(&general::GENERAL)
}

fn recognised(status: u16, content_type: &str, text: &str, expected: Option<F>) -> Payload {
    let read = body::read(content_type, text.as_bytes());
    recognise_read(status, content_type, text.len(), &read, expected)
}

fn seen(payload: &Payload) -> Seen {
    match payload {
        Payload::BrokenJson(_) => Broken,
        Payload::Empty => Empty,
        Payload::Health(health) => As(health.format, health.verdict),
        Payload::Html => Html,
        Payload::Unrecognised => Nothing,
    }
}

#[test]
fn each_format_is_known_by_its_own_examples() {
    for Row { format, examples, .. } in rows() {
        assert!(!examples.is_empty(), "{format}");
        for (status, content_type, text, verdict) in *examples {
            for expected in [None, Some(*format)] {
                let payload = recognised(*status, content_type, text, expected);
                assert_eq!(seen(&payload), As(*format, *verdict), "{format}: {text}");
            }
        }
    }
    let known: std::collections::BTreeSet<F> = rows().map(|row| row.format).collect();
    assert_eq!((known.len(), rows().count()), (12, 12), "each format stands once");
}

#[test]
fn what_is_one_step_off_is_something_else() {
    for Row { format, near, .. } in rows() {
        assert!(near.len() >= 3, "{format}");
        for (why, status, content_type, text, instead) in *near {
            let payload = recognised(*status, content_type, text, None);
            assert_eq!(seen(&payload), *instead, "{format}, {why}: {text}");
            assert!(
                !matches!(instead, As(found, _) if found == format),
                "{format}, {why}"
            );
        }
    }
}

/// What is one step off and becomes the format all the same where somebody asks for it: then no other comes
/// first, and a word of the service's own is one of Spring's.
const TAKEN_WHERE_ASKED: [(F, &str); 3] = [
    (F::Generic, "the word of the draft alone"),
    (F::Spring, "a word of its own without the content type"),
    (F::Spring, "the content type of the draft"),
];

#[test]
fn an_expected_format_turns_a_near_miss_into_a_failure() {
    let at = Circumstances {
        now: "2026-11-20T08:00:00Z".parse().unwrap(),
        is_public: true,
        has_login: false,
    };
    for Row { format, near, .. } in rows() {
        let settings = HttpHealth {
            expect_format: Some(*format),
            ..HttpHealth::default()
        };
        for (why, status, content_type, text, instead) in *near {
            let exchange = Exchange::new(*status, [("content-type", *content_type)]).body(*text);
            let outcome = judge(&exchange, &settings, &at);
            let is_told = outcome
                .findings
                .iter()
                .any(|finding| finding.status.is_fail() && finding.code == "unexpected_format");
            let is_page = *instead == Html;
            let is_taken = TAKEN_WHERE_ASKED.contains(&(*format, why));
            assert_eq!(is_told, !is_page && !is_taken, "{format}, {why}: {outcome:?}");
            assert!(
                is_taken || outcome.status.is_fail(),
                "{format}, {why}: {outcome:?}"
            );
        }
    }
}
