use proptest::prelude::*;
use readiness_core::{Reason, Target, testing::Facts};
use serde_json::json;

use super::*;
use crate::http::{Page, samples};

/// How a service answers: from the origin and the way to the headers.
type Service<'a> = &'a dyn Fn(&str, Way) -> Vec<(&'static str, String)>;

/// Which origins a service takes for its own.
type Rule<'a> = &'a dyn Fn(&str) -> bool;

const HOST: &str = "https://api.shop.example/";

fn ask(service: Service<'_>) -> Outcome {
    judge::judge(&answers(service), &Page::default())
}

fn answers(service: Service<'_>) -> Answers {
    answers_with(200, service)
}

/// All but preflights, which have none, answer with this status.
fn answers_with(status: u16, service: Service<'_>) -> Answers {
    let target = Target::parse(HOST).unwrap();
    let exchange = |origin: &str, way| {
        let status = if way == Way::Preflight { 200 } else { status };
        Ok(Arc::new(Exchange::new(status, service(origin, way))))
    };
    let mut of_strangers = Vec::new();
    for stranger in Stranger::ALL {
        let Some(origin) = stranger.origin(&target) else {
            continue;
        };
        for way in [Way::Get, Way::Preflight, Way::GetWithCredential] {
            of_strangers.push(Answer {
                stranger,
                origin: origin.clone(),
                way,
                seen: exchange(&origin, way),
            });
        }
    }
    Answers {
        without_origin: exchange("", Way::Get),
        of_strangers,
    }
}

/// A service that lets in the origins a rule takes for its own.
fn by_rule(
    rule: impl Fn(&str) -> bool,
    credentials: bool,
) -> impl Fn(&str, Way) -> Vec<(&'static str, String)> {
    move |origin, _| {
        let mut headers = vec![("vary", "Origin".to_owned())];
        if !origin.is_empty() && rule(origin) {
            headers.push(("access-control-allow-origin", origin.to_owned()));
            if credentials {
                headers.push(("access-control-allow-credentials", "true".to_owned()));
            }
        }
        headers
    }
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    let mut codes: Vec<&str> = outcome.findings.iter().map(|finding| &*finding.code).collect();
    codes.dedup();
    codes
}

#[test]
fn row_14_each_mistake_in_matching_is_found() {
    // MDN asks with one origin, and passes all but the first of these.
    let reflected = |_: &str| true;
    let null = |origin: &str| origin == "null";
    let prefix = |origin: &str| origin.starts_with("https://api.shop.example");
    let suffix = |origin: &str| origin.starts_with("https://") && origin.ends_with("api.shop.example");
    let dot = |origin: &str| origin == "https://apixshop.example";
    let scheme = |origin: &str| origin.ends_with("//api.shop.example");
    let sibling = |origin: &str| origin.ends_with(".shop.example") && origin.starts_with("https://r");
    let rules: [(Rule<'_>, &str, &str, &str); 7] = [
        (&reflected, "any_origin", "fail", "pass"),
        (&null, "null_origin", "fail", "warn"),
        (&prefix, "origin_by_prefix", "fail", "warn"),
        (&suffix, "origin_by_suffix", "fail", "warn"),
        (&dot, "origin_by_unescaped_dot", "fail", "warn"),
        (&scheme, "plain_http_origin", "fail", "pass"),
        (&sibling, "sibling_origin", "warn", "pass"),
    ];
    for (rule, code, with, without) in rules {
        for (credentials, wanted) in [(true, with), (false, without)] {
            let outcome = ask(&by_rule(rule, credentials));
            assert_eq!(codes(&outcome), [code], "{code} {credentials}");
            assert_eq!(outcome.status.to_string(), wanted, "{code} {credentials}");
        }
    }
}

#[test]
fn what_is_not_the_page_shows_no_policy() {
    let of = |status: u16, page: &Page| judge::judge(&answers_with(status, &|_, _| vec![]), page);
    for (status, word) in [
        (200, "pass"),
        (204, "pass"),
        (301, "not_applicable"),
        (307, "not_applicable"),
        (400, "unknown"),
        (404, "unknown"),
        (405, "unknown"),
        (500, "unknown"),
    ] {
        let outcome = of(status, &Page::default());
        assert_eq!(outcome.status.word(), word, "{status}");
        if word != "pass" {
            assert!(format!("{outcome:?}").contains("`pages`"));
            assert!(
                format!("{outcome:?}").contains(&format!("HTTP {status} ")),
                "{outcome:?}"
            );
            let declared = Page::default().accept_status([status]);
            assert!(of(status, &declared).status.is_pass(), "{status} declared");
        }
    }
    // Who is let in at an error is let in.
    let open = by_rule(|_| true, true);
    let outcome = judge::judge(&answers_with(404, &open), &Page::default());
    assert!(outcome.status.is_fail(), "{outcome:?}");
}

#[test]
fn a_service_with_a_list_is_silent() {
    let outcome = ask(&by_rule(|origin| origin == "https://app.shop.example", true));
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "no other site is let in");
    assert_eq!(outcome.evidence[0].value, "22");
    let fixed = ask(&|_, _| {
        vec![(
            "access-control-allow-origin",
            "https://app.shop.example".to_owned(),
        )]
    });
    assert!(fixed.status.is_pass() && fixed.findings.is_empty());
}

#[test]
fn a_star_is_public_and_has_no_credentials() {
    let star = |credentials: Option<&'static str>| {
        ask(&move |_, _| {
            let mut headers = vec![("access-control-allow-origin", "*".to_owned())];
            headers.extend(credentials.map(|value| ("access-control-allow-credentials", value.to_owned())));
            headers
        })
    };
    let public = star(None);
    assert!(public.status.is_pass());
    assert_eq!(public.summary, "every site may read it, without credentials");
    assert_eq!(codes(&star(Some("true"))), ["wildcard_with_credentials"]);
    assert!(star(Some("true")).status.is_warn());
    // Fetch compares bytes: `True` is no `true`.
    assert!(star(Some("True")).status.is_pass());
}

#[test]
fn several_values_let_nobody_in() {
    for value in [
        "https://a.example, https://b.example",
        "https://a.example https://b.example",
    ] {
        let outcome = ask(&move |_, _| vec![("access-control-allow-origin", value.to_owned())]);
        assert_eq!(codes(&outcome), ["several_values"]);
    }
    let lines = ask(&|origin, _| {
        vec![
            ("access-control-allow-origin", origin.to_owned()),
            ("access-control-allow-origin", "*".to_owned()),
            ("vary", "*".to_owned()),
        ]
    });
    assert_eq!(codes(&lines), ["several_values"]);
}

#[test]
fn an_answer_that_depends_on_the_origin_says_so() {
    let service = |vary: &'static str, control: &'static str| {
        let outcome = ask(&move |origin, _| {
            let mut headers = vec![("vary", vary.to_owned()), ("cache-control", control.to_owned())];
            if !origin.is_empty() {
                headers.push(("access-control-allow-origin", origin.to_owned()));
            }
            headers
        });
        codes(&outcome).contains(&"no_vary")
    };
    for (vary, control, missing) in [
        ("Origin", "", false),
        ("accept, ORIGIN", "", false),
        ("*", "", false),
        ("", "no-store", false),
        ("", "", true),
        ("Accept-Origin", "", true),
        ("", "private", true),
    ] {
        assert_eq!(service(vary, control), missing, "{vary} {control}");
    }
    // Only where the origin is let in, which is too late: the answer without it is cached as well.
    let late = ask(&|origin, _| match origin {
        "https://readiness-7f3a9c.example" => vec![
            ("access-control-allow-origin", origin.to_owned()),
            ("vary", "Origin".to_owned()),
        ],
        _ => vec![],
    });
    assert!(codes(&late).contains(&"no_vary"));
}

#[test]
fn preflights_are_judged_by_themselves() {
    let preflight = |more: &'static [(&'static str, &'static str)]| {
        ask(&move |origin, way| {
            if way != Way::Preflight {
                return vec![];
            }
            let mut headers = vec![
                ("access-control-allow-origin", origin.to_owned()),
                ("access-control-allow-credentials", "true".to_owned()),
            ];
            headers.extend(more.iter().map(|(name, value)| (*name, (*value).to_owned())));
            headers
        })
    };
    let outcome = preflight(&[]);
    assert_eq!(codes(&outcome), ["any_origin"]);
    assert_eq!(outcome.findings[0].subject, "preflight");
    assert_eq!(
        outcome.findings[0].message,
        "every site may call it in the name of its users"
    );
    for (value, wanted) in [
        ("600", &["any_origin"][..]),
        ("-1", &["any_origin"]),
        ("86400", &["any_origin"]),
        ("86401", &["any_origin", "long_max_age"]),
        ("1 hour", &["any_origin", "malformed_max_age"]),
    ] {
        let headers: &'static [_] = vec![("access-control-max-age", value)].leak();
        assert_eq!(codes(&preflight(headers)), wanted, "{value}");
    }
    let private = preflight(&[("access-control-allow-private-network", "true")]);
    assert_eq!(codes(&private), ["any_origin", "private_network"]);
    // A preflight that is no success lets nobody in. Fetch, section 4.8.
    let mut refused = answers(&|origin, _| vec![("access-control-allow-origin", origin.to_owned())]);
    refused.of_strangers.retain(|answer| answer.way == Way::Preflight);
    for answer in &mut refused.of_strangers {
        let mut exchange = Exchange::clone(answer.seen.as_deref().unwrap());
        exchange.status = 404;
        answer.seen = Ok(Arc::new(exchange));
    }
    let outcome = judge::judge(&refused, &Page::default());
    assert!(outcome.findings.is_empty(), "{outcome:?}");
}

#[test]
fn what_was_not_seen_is_unknown() {
    let mut half = answers(&|_, _| vec![]);
    half.of_strangers[0].seen = Err(ObserveError::new(Reason::TIMEOUT, "late"));
    assert!(judge::judge(&half, &Page::default()).status.is_unknown());
    half.of_strangers[0].seen = Ok(Arc::new(Exchange::new(429, [("a", "b")])));
    assert!(judge::judge(&half, &Page::default()).status.is_unknown());
    let mut gated = answers(&|_, _| vec![]);
    gated.without_origin = Ok(Arc::new(Exchange::new(403, [("a", "b")])));
    assert!(judge::judge(&gated, &Page::default()).status.is_unknown());
    assert!(
        judge::judge(&gated, &Page::default().accept_status([403]))
            .status
            .is_pass()
    );
    let mut leaky = answers(&by_rule(|_| true, true));
    leaky.without_origin = Ok(Arc::new(Exchange::new(401, [("a", "b")])));
    assert!(judge::judge(&leaky, &Page::default()).status.is_fail());
}

#[test]
fn it_asks_read_only_at_one_address() {
    let target = Target::parse("http://192.0.2.1/").unwrap();
    let seen = |key: HttpExchange, facts: Facts| facts.with(key, Exchange::new(200, [("vary", "Origin")]));
    let endpoint = readiness_core::fact::Endpoint::new(([192, 0, 2, 1], 80).into(), "192.0.2.1", false);
    let get = HttpExchange::get(endpoint, "192.0.2.1", "/");
    let mut facts = samples::facts("http://192.0.2.1/", &[]);
    for origin in ["https://readiness-7f3a9c.example", "null"] {
        let simple = get.clone().header("origin", origin);
        let mut preflight = simple
            .clone()
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "authorization");
        if origin != "null" {
            preflight = preflight.header("access-control-request-private-network", "true");
        }
        preflight.method = "OPTIONS".to_owned();
        facts = seen(preflight, seen(simple, facts));
    }
    let outcome = facts.judge(&Cors::default(), &target);
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.evidence[0].value, "5");
}

#[test]
fn allowed_origins_are_not_tried() {
    let cors = |list: serde_json::Value| -> Cors {
        serde_json::from_value(json!({ "allowed_origins": list })).unwrap()
    };
    let settings = cors(json!(["https://app.example.com", "https://*.shop.example"]));
    settings.check().unwrap();
    for (origin, allowed) in [
        ("https://app.example.com", true),
        ("https://app.example.com:1", false),
        ("https://a.shop.example", true),
        ("https://a.b.shop.example", true),
        ("https://shop.example", false),
        ("https://.shop.example", false),
        ("http://a.shop.example", false),
        ("https://evilshop.example", false),
    ] {
        assert_eq!(settings.allows(origin), allowed, "{origin}");
    }
    for wrong in [
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "*",
        "https://*",
        "https://a:443",
        "ftp://a",
    ] {
        assert!(cors(json!([wrong])).check().is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..80), status in 100_u16..600) {
        let mut all = answers(&|_, _| vec![]);
        for answer in &mut all.of_strangers {
            let names = ["access-control-allow-origin", "access-control-allow-credentials", "access-control-max-age", "vary", "cache-control"];
            answer.seen = Ok(Arc::new(Exchange::new(status, names.map(|name| (name, value.clone())))));
        }
        let _ = judge::judge(&all, &Page::default());
    }
}
