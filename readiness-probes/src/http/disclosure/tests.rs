use proptest::prelude::*;
use readiness_core::{
    ObserveError, Reason, Status, Target,
    fact::{Endpoint, Exchange},
};

use super::*;
use crate::http::samples;

fn of(headers: &[(&str, &str)]) -> Outcome {
    judge(&Disclosure::default(), samples::looked(&samples::html(headers)))
}

#[test]
fn a_version_fails_and_a_name_is_noted() {
    let outcome = of(&[
        ("server", "nginx/1.25.3"),
        ("x-powered-by", "Express"),
        ("x-b3-traceid", "80f198"),
    ]);
    let found: Vec<_> = outcome
        .findings
        .iter()
        .map(|finding| (finding.subject.as_str(), finding.code.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("header `Server`", "version"),
            ("header `X-B3-TraceId`", "inner_workings"),
            ("header `X-Powered-By`", "product"),
        ]
    );
    assert!(outcome.status.is_fail());
    assert_eq!(outcome.summary, "header `Server` tells a version or a platform");
    assert!(of(&[("server", "nginx")]).status.is_pass());
    assert_eq!(of(&[]).summary, "no header names software");
    // Of two lines of one name both are read.
    assert!(of(&[("server", "nginx"), ("server", "PHP/8.2")]).status.is_fail());
    // Digits of traces are no versions.
    assert!(of(&[("x-envoy-upstream-service-time", "12")]).status.is_pass());
}

#[test]
fn every_kind_of_response_is_judged() {
    for status in [200, 301, 401, 404, 503] {
        let exchange = Exchange::new(status, [("server", "nginx/1.25.3")]);
        assert!(
            judge(&Disclosure::default(), samples::looked(&exchange))
                .status
                .is_fail(),
            "{status}"
        );
    }
}

#[test]
fn allowed_headers_may_tell() {
    let settings = Disclosure {
        allow: vec!["SERVER".into()],
        ..Disclosure::default()
    };
    let exchange = samples::html(&[("server", "nginx/1.25.3")]);
    assert!(judge(&settings, samples::looked(&exchange)).findings.is_empty());
    assert!(settings.check().is_ok());
    assert!(
        Disclosure {
            allow: vec!["a b".into()],
            ..Disclosure::default()
        }
        .check()
        .is_err()
    );
}

#[test]
fn the_probe_judges_the_targets_own_path() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = samples::facts("https://example.com/", &[("server", "Caddy")]);
    let outcome = facts.judge(&Disclosure::default(), &target);
    assert_eq!(
        (outcome.status, outcome.summary.as_str()),
        (Status::Pass, "no version; 1 header of interest")
    );
}

#[test]
fn hostile_values_make_one_finding_each() {
    for value in samples::hostile() {
        let headers = [
            ("server", value.as_slice()),
            ("x-powered-by", &value),
            ("x-b3-traceid", &value),
        ];
        let outcome = judge(&Disclosure::default(), samples::looked(&samples::html(&headers)));
        assert_eq!(outcome.findings.len(), 3);
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
        let _ = judge(&Disclosure::default(), samples::looked(&samples::html(&[("server", value)])));
    }
}

/// `https://example.com/` with these headers, and this answer to a path that does not exist.
fn with_error_page(headers: &[(&str, &str)], error: Result<Exchange, ObserveError>) -> Outcome {
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), "example.com", true);
    let key = HttpExchange::get(endpoint, "example.com", NO_SUCH_PAGE).keep_body(MOST_BODY_BYTES);
    let facts = samples::facts("https://example.com/", headers);
    let facts = match error {
        Ok(exchange) => facts.with(key, exchange),
        Err(error) => facts.with_error(key, error),
    };
    let settings = Disclosure {
        error_page: true,
        ..Disclosure::default()
    };
    facts.judge(&settings, &Target::parse("https://example.com/").unwrap())
}

#[test]
fn the_error_page_is_looked_at_where_asked_for() {
    let footer = "<hr><center>nginx/1.25.3</center>";
    let page = |status| Exchange::new(status, [("server", "nginx")]).body(footer);
    let outcome = with_error_page(&[("server", "nginx")], Ok(page(404)));
    assert!(outcome.status.is_fail(), "{outcome:?}");
    assert_eq!(outcome.summary, "the error page tells of the software behind it");
    let found: Vec<(&str, &str)> = outcome
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.subject.as_str()))
        .collect();
    assert_eq!(found, [("product", "header `Server`"), ("version", "error page")]);
    assert!(
        outcome
            .evidence
            .iter()
            .any(|evidence| evidence.value == "HTTP 404")
    );
    // Where every path answers as a page there is no error page.
    assert!(with_error_page(&[], Ok(page(200))).status.is_pass());
    let plain = with_error_page(
        &[],
        Ok(Exchange::new(404, [("content-type", "text/html")]).body("<h1>404</h1>")),
    );
    assert_eq!((plain.status.is_pass(), plain.findings.len()), (true, 0));
    // Its headers count too.
    let telling = with_error_page(&[], Ok(Exchange::new(404, [("x-powered-by", "PHP/8.2.1")])));
    assert!(telling.status.is_fail(), "{telling:?}");
}

#[test]
fn an_error_page_that_is_not_seen_is_no_pass() {
    let silent = ObserveError::new(Reason::TIMEOUT, "no answer");
    let outcome = with_error_page(&[], Err(silent.clone()));
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    assert_eq!(outcome.findings[0].code, "error_page_not_seen");
    assert!(
        with_error_page(&[("server", "nginx/1.25.3")], Err(silent))
            .status
            .is_fail()
    );
}

#[test]
fn a_realm_is_judged_with_the_headers() {
    let challenge = [("www-authenticate", "Basic realm=\"Apache Tomcat/9.0.1\"")];
    let outcome = judge(
        &Disclosure::default(),
        samples::looked(&Exchange::new(401, challenge)),
    );
    assert_eq!(outcome.findings[0].subject, "header `WWW-Authenticate`");
    assert!(outcome.status.is_fail());
    let allowed = Disclosure {
        allow: vec!["www-authenticate".into()],
        ..Disclosure::default()
    };
    assert!(
        judge(&allowed, samples::looked(&Exchange::new(401, challenge)))
            .findings
            .is_empty()
    );
}
