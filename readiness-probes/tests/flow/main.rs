//! Flows through a real service: log in, call, log out; and through peers that mean harm.

#![cfg(all(feature = "config", feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../support/peer.rs"]
mod peer;
mod peers;
mod shop;
mod trust;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use readiness_probes::{
    Config, Outcome, Report, Requirement, Runner, Suite, Target, builtin,
    http::{Flow, FlowExpect, FlowExtract, FlowStep, HeaderAssertion},
    live::Live,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use self::{
    peer::{Authority, Peer, ok},
    shop::{PASSWORD, REFRESH, SESSION, Shop, TOKEN, serve},
};

/// What a user writes.
const FILE: &str = r#"
[targets.shop]
url = "http://127.0.0.1:PORT"
credential = { user = "kim", password = { env = "SHOP_PASSWORD" } }

[[require]]
probe = "http.flow"
with = { allow_unsafe = true, steps = [
  { name = "log_in", method = "POST", path = "/session", json = { user = "{{credential.user}}", password = "{{credential.password}}" }, expect = { status = [201], assert = [{ pointer = "/user/name", equals = "kim" }, { pointer = "/refresh", exists = true }] }, extract = { token = { json = "/token" }, user = { json = "/user/id" } } },
  { name = "orders", path = "/users/{{user}}/orders", headers = { authorization = "Bearer {{token}}" }, expect = { headers = [{ name = "x-echo" , exists = true }], contains = ["open"], not_contains = ["closed"], assert = [{ pointer = "/total", at_least = 1 }, { pointer = "/you", exists = true }] } },
  { name = "log_out", method = "DELETE", path = "/session", headers = { authorization = "Bearer {{token}}" }, always = true, expect = { status = [204] } },
] }
"#;

fn suite(file: &str, port: u16, password: &str) -> Suite {
    let file = file.replace("PORT", &port.to_string());
    let environment = |name: &str| (name == "SHOP_PASSWORD").then(|| password.to_owned());
    let config = Config::parse_with(
        &file,
        "readiness.toml",
        &builtin::registry(),
        std::path::Path::new(""),
        &environment,
    )
    .unwrap();
    config.suite(Live::new().sources().unwrap())
}

fn outcome(report: &Report) -> &Outcome {
    &report.requirement("http.flow").unwrap().targets[0].outcome
}

/// The findings that are faults, as `code: subject`.
fn faults(outcome: &Outcome) -> Vec<String> {
    let faults = outcome.findings.iter().filter(|finding| !finding.is_note());
    faults
        .map(|finding| format!("{}: {}", finding.code, finding.subject))
        .collect()
}

/// Runs it, and holds what was recorded to tell nothing secret and to give the same outcome again.
async fn run(suite: &Suite) -> Outcome {
    let (report, recording) = Runner::new().run_recorded(suite).await;
    let told = format!(
        "{} {} {report:?}",
        serde_json::to_string(&recording).unwrap(),
        serde_json::to_string(&report).unwrap()
    );
    for secret in [
        PASSWORD,
        "pw-7Jq0x",
        TOKEN,
        REFRESH,
        SESSION,
        "pre-session-1",
        "c+s/r",
    ] {
        assert!(!told.contains(secret), "`{secret}` is told: {told}");
    }
    let again = Runner::new().run(&suite.clone().replaying(&recording)).await;
    assert_eq!(outcome(&again), outcome(&report));
    outcome(&report).clone()
}

#[tokio::test]
async fn log_in_call_log_out() {
    let served = serve(Shop::default()).await;
    let outcome = run(&suite(FILE, served.address.port(), PASSWORD)).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    assert_eq!(outcome.summary, "3 of 3 steps went through");
    assert_eq!(served.shop.seen(), ["log in true", "orders of 7", "log out true"]);
    let steps = &outcome
        .evidence
        .iter()
        .find(|of| of.label == "steps")
        .unwrap()
        .value;
    assert_eq!(steps, "log_in 201, orders 200, log_out 204");
    let all: Vec<&str> = outcome
        .findings
        .iter()
        .map(|finding| finding.subject.as_str())
        .collect();
    for subject in [
        "step `log_in`",
        "step `log_in`, value at `/user/name`",
        "step `log_in`, variable `token`",
        "step `orders`, header `x-echo`",
        "step `orders`, text `open`",
        "step `orders`, value at `/total`",
        "step `log_out`",
    ] {
        assert!(all.contains(&subject), "{subject}: {all:?}");
    }
}

#[tokio::test]
async fn a_wrong_password_names_the_first_step_and_nothing_else_is_sent() {
    let served = serve(Shop::default()).await;
    let outcome = run(&suite(FILE, served.address.port(), "another-password")).await;
    assert!(outcome.status.is_fail(), "{outcome:#?}");
    assert_eq!(faults(&outcome)[0], "credential_refused: step `log_in`");
    assert_eq!(
        outcome.summary,
        "step `log_in` (1 of 3): credential refused, 1 not sent"
    );
    assert_eq!(
        served.shop.seen(),
        ["log in false"],
        "without a token there is nobody to log out"
    );
    let told = format!("{outcome:?}");
    assert!(told.contains("not sent, as step `log_in` failed"), "{told}");
    assert!(told.contains("not sent, as `token` was not taken"), "{told}");
    assert!(!told.contains("another-password"));
}

#[tokio::test]
async fn a_token_that_is_not_accepted_fails_and_the_log_out_is_sent() {
    let shop = Shop {
        forgets: true,
        ..Shop::default()
    };
    let served = serve(shop).await;
    let outcome = run(&suite(FILE, served.address.port(), PASSWORD)).await;
    assert_eq!(
        faults(&outcome)[0],
        "credential_refused: step `orders`",
        "{outcome:#?}"
    );
    assert_eq!(outcome.summary, "step `orders` (2 of 3): credential refused");
    assert_eq!(served.shop.seen(), ["log in true", "orders of 7", "log out true"]);
}

const FORM: &str = r#"
[targets.shop]
url = "http://127.0.0.1:PORT"
credential = { user = "kim", password = { env = "SHOP_PASSWORD" } }

[[require]]
probe = "http.flow"
with.allow_unsafe = true
[[require.with.steps]]
name = "page"
path = "/login"
extract.csrf = { between = ["name=\"csrf\" value=\"", "\""], secret = true }
[[require.with.steps]]
name = "log_in"
method = "POST"
path = "/login"
form = { user = "{{credential.user}}", password = "{{credential.password}}", csrf = "{{csrf}}" }
expect = { status = [303], headers = [{ name = "location", contains = "/home" }] }
extract.next = { header = "location", secret = false }
extract.session = { cookie = "sid" }
[[require.with.steps]]
name = "home"
path = "{{next}}"
headers = { x-session = "{{session}}" }
expect = { contains = ["Welcome"] }
"#;

#[tokio::test]
async fn cookies_are_kept_and_a_redirect_is_a_step() {
    let served = serve(Shop::default()).await;
    let outcome = run(&suite(FORM, served.address.port(), PASSWORD)).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    assert_eq!(served.shop.seen(), ["form true", "home true"]);

    let without = FORM.replace(
        "with.allow_unsafe = true",
        "with.allow_unsafe = true\nwith.cookies = false",
    );
    let outcome = run(&suite(&without, served.address.port(), PASSWORD)).await;
    assert_eq!(
        faults(&outcome)[0],
        "credential_refused: step `log_in`",
        "{outcome:#?}"
    );
}

#[test]
fn settings_that_cannot_work_are_errors_with_their_place() {
    let unknown = FORM.replace("csrf = \"{{csrf}}\"", "csrf = \"{{crsf}}\"");
    let literal = FORM.replace("password = \"{{credential.password}}\"", "password = \"hunter2\"");
    let literal_beside = FORM.replace("\"{{credential.password}}\"", "\"hunter2{{csrf}}\"");
    let unsafe_method = FORM.replace("with.allow_unsafe = true", "with.allow_unsafe = false");
    for (file, place, said) in [
        (
            unknown,
            (14, 9),
            "step `log_in`: `{{crsf}}` in `form` is no variable that a step takes; known are `csrf`, `next`",
        ),
        (
            literal,
            (17, 40),
            "`password`: a secret may not be written out here",
        ),
        (
            literal_beside,
            (17, 40),
            "`password`: a secret may not be written out here",
        ),
        (
            unsafe_method,
            (14, 9),
            "step `log_in`: it sends `POST`, which may change something",
        ),
    ] {
        let error = Config::parse_with(
            &file.replace("PORT", "1"),
            "readiness.toml",
            &builtin::registry(),
            std::path::Path::new(""),
            &|_| Some(PASSWORD.to_owned()),
        )
        .unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.place(), Some(place), "{error}");
    }
}

/// Runs steps against whatever listens on a port.
async fn flow(port: u16, flow: Flow) -> Outcome {
    flow.check().unwrap();
    let target = Target::parse(&format!("http://kim:{}@127.0.0.1:{port}", "pw-7Jq0x%20Zk%229")).unwrap();
    let live = Live::new()
        .body_timeout(Duration::from_millis(300))
        .first_byte_timeout(Duration::from_secs(5));
    let suite = Suite::new(live.sources().unwrap())
        .with(Requirement::new(Arc::new(flow), Arc::new(target)))
        .unwrap();
    run(&suite).await
}

fn with(body: String) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    http::Response::new(http_body_util::Full::new(body.into()))
}

fn step(name: &str, path: &str) -> FlowStep {
    FlowStep::new(name, "GET", path)
}
