//! Pages that redirect.

use std::sync::{Arc, Mutex};

use readiness_core::{
    Looking, ObserveError, Requirement, Source, Sources, Suite, Target,
    fact::{Channel, DnsAnswer, DnsLookup, DnsResult, Endpoint, Family, LocalRoute, Route},
    testing::Facts,
};

use super::*;

/// `https://example.com/` and `https://www.example.com/`, each at its own address.
fn two_hosts() -> Facts {
    [("example.com", 1), ("www.example.com", 2)]
        .into_iter()
        .fold(Facts::new(), |facts, (host, n)| {
            let address = std::net::IpAddr::from([192, 0, 2, n]);
            facts
                .with(
                    DnsLookup::address(host, Family::V4),
                    DnsAnswer::of_addresses(host, &[address], "test"),
                )
                .with(
                    DnsLookup::address(host, Family::V6),
                    DnsAnswer::new(DnsResult::NoData, "test"),
                )
                .with(LocalRoute::new(address), Route::new(true))
        })
}

fn asked(host: &str, n: u8, tls: bool, path: &str) -> HttpExchange {
    let port = if tls { 443 } else { 80 };
    let endpoint = Endpoint::new(([192, 0, 2, n], port).into(), host, tls);
    HttpExchange::get(endpoint, host, path)
}

fn leads(to: &str, cookie: &str) -> Exchange {
    Exchange::new(302, [("location", to), ("set-cookie", cookie)])
}

#[test]
fn every_hop_is_judged() {
    let target = Target::parse("https://example.com/").unwrap();
    let facts = two_hosts()
        .with(
            asked("example.com", 1, true, "/"),
            leads("https://www.example.com/login", "lang=x; Secure"),
        )
        .with(
            asked("www.example.com", 2, true, "/login"),
            leads("/login/form", "sid=x; Secure; SameSite=Lax"),
        )
        .with(
            asked("www.example.com", 2, true, "/login/form"),
            Exchange::new(200, [("set-cookie", "theme=x")]),
        );
    let outcome = facts.judge(&Cookies::default(), &target);
    assert_eq!(outcome.summary, "2 of 3 cookies have faults");
    let found: Vec<(&str, &str)> = outcome
        .findings
        .iter()
        .map(|finding| (finding.code.as_str(), finding.subject.as_str()))
        .collect();
    assert_eq!(
        found,
        [
            ("no_http_only", "cookie `sid` at hop 2"),
            ("no_secure", "cookie `theme` at hop 3"),
        ]
    );
    let evidence = format!("{:?}", outcome.evidence);
    assert!(
        evidence.contains("https://www.example.com/login: 302"),
        "{evidence}"
    );
    let own = Cookies {
        max_hops: 0,
        ..Cookies::default()
    };
    assert!(facts.judge(&own, &target).status.is_pass());
    let one = Cookies {
        max_hops: 1,
        ..Cookies::default()
    };
    let outcome = facts.judge(&one, &target);
    assert_eq!(outcome.summary, "1 of 2 cookies has a fault");
    assert!(
        outcome
            .evidence
            .iter()
            .any(|evidence| evidence.label == NOT_LOOKED_AT && evidence.value.contains("after 1 redirect")),
        "{outcome:?}"
    );
}

#[test]
fn a_chain_over_plain_http_is_judged_as_such() {
    let target = Target::parse("http://example.com/").unwrap();
    let facts = two_hosts()
        .with(
            asked("example.com", 1, false, "/"),
            leads("https://example.com/", "a=x; Secure").channel(Channel::Plain),
        )
        .with(
            asked("example.com", 1, true, "/"),
            Exchange::new(200, [("set-cookie", "b=x; Secure")]),
        );
    let outcome = facts.judge(&Cookies::default(), &target);
    assert_eq!(outcome.findings.len(), 1, "{outcome:?}");
    assert_eq!(outcome.findings[0].code, "secure_over_http");
    assert_eq!(outcome.findings[0].subject, "cookie `a`");
}

#[test]
fn other_sites_loops_and_silence_end_the_way() {
    let target = Target::parse("https://example.com/").unwrap();
    let first = |to: &str| two_hosts().with(asked("example.com", 1, true, "/"), leads(to, "lang=x; Secure"));
    let said = |outcome: &Outcome| format!("{:?}", outcome.evidence);

    let elsewhere = first("https://login.example.org/").judge(&Cookies::default(), &target);
    assert!(elsewhere.status.is_pass(), "{elsewhere:?}");
    assert!(said(&elsewhere).contains("another site"), "{elsewhere:?}");

    let circle = first("https://example.com/").judge(&Cookies::default(), &target);
    assert!(circle.status.is_pass(), "{circle:?}");

    let unresolved = first("https://no.example.com/").judge(&Cookies::default(), &target);
    assert!(said(&unresolved).contains("cannot be followed"), "{unresolved:?}");

    let silent = first("https://www.example.com/x")
        .with_error(
            asked("www.example.com", 2, true, "/x"),
            ObserveError::new(Reason::TIMEOUT, "no answer"),
        )
        .judge(&Cookies::default(), &target);
    assert!(silent.status.is_unknown(), "{silent:?}");
    assert_eq!(silent.findings[0].code, "hop_not_seen");
}

/// Answers from a table, and keeps what was asked.
#[derive(Clone, Debug)]
struct Asked {
    answers: Arc<HashMap<HttpExchange, Exchange>>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Source<HttpExchange> for Asked {
    async fn look(&self, key: HttpExchange, _: Looking) -> Result<Exchange, ObserveError> {
        self.log.lock().unwrap().push(key.url());
        let answer = self.answers.get(&key).cloned();
        answer.ok_or_else(|| ObserveError::new(Reason::NOT_RECORDED, key.url()))
    }
}

impl Source<DnsLookup> for Asked {
    async fn look(&self, key: DnsLookup, _: Looking) -> Result<DnsAnswer, ObserveError> {
        let host = |key: &HttpExchange| key.endpoint.name.clone();
        let addresses: Vec<std::net::IpAddr> = self
            .answers
            .keys()
            .filter(|asked| key == DnsLookup::address(&host(asked), Family::V4))
            .map(|asked| asked.endpoint.address.ip())
            .take(1)
            .collect();
        Ok(DnsAnswer::of_addresses("name", &addresses, "test"))
    }
}

impl Source<LocalRoute> for Asked {
    async fn look(&self, _: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        Ok(Route::new(true))
    }
}

#[tokio::test]
async fn the_redirects_are_asked_for_once() {
    let answers = [
        (
            asked("example.com", 1, false, "/"),
            leads("https://example.com/", "").channel(Channel::Plain),
        ),
        (
            asked("example.com", 1, true, "/"),
            leads("https://www.example.com/", "a=x; Secure"),
        ),
        (
            asked("www.example.com", 2, true, "/"),
            Exchange::new(200, [("set-cookie", "b=x; Secure")]),
        ),
    ];
    let source = Asked {
        answers: Arc::new(answers.into_iter().collect()),
        log: Arc::default(),
    };
    let sources = Sources::default()
        .with::<DnsLookup, _>(source.clone())
        .with::<HttpExchange, _>(source.clone())
        .with::<LocalRoute, _>(source.clone());
    let target = Arc::new(Target::parse("https://example.com/").unwrap());
    let mut suite = Suite::new(sources);
    for id in ["http.https_redirect", "http.cookies", "http.disclosure"] {
        let probe = crate::builtin::registry()
            .build(id, &serde_json::Value::Null)
            .unwrap();
        suite.add(Requirement::new(probe, Arc::clone(&target))).unwrap();
    }
    let report = suite.run().await;
    let cookies = report
        .rows()
        .find(|(result, _)| result.id.as_str() == "http.cookies")
        .unwrap();
    assert_eq!(
        cookies.1.outcome.summary,
        "2 cookies, each with the attributes it needs"
    );
    let mut log = source.log.lock().unwrap().clone();
    log.sort();
    assert_eq!(
        log,
        [
            "http://example.com/",
            "https://example.com/",
            "https://www.example.com/"
        ]
    );
}
