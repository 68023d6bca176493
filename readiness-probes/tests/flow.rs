//! Flows through a real service: log in, call, log out; and through peers that mean harm.

#![cfg(all(feature = "config", feature = "http"))]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "support/peer.rs"]
mod peer;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use readiness_probes::{
    Config, Outcome, Report, Requirement, Runner, Suite, Target, builtin,
    http::{Flow, FlowExpect, FlowExtract, FlowStep, HeaderAssertion},
    live::Live,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use self::peer::{Authority, Peer, ok};

const PASSWORD: &str = "pw-7Jq0x Zk\"9";
const TOKEN: &str = "at-51f0c3a7d2e94b";
const REFRESH: &str = "rt-0b9d1f3377aa40";
const SESSION: &str = "sid-77c1e0aa41f2";

/// A service, and who came: method, path, and the part of the request that the test is about.
#[derive(Clone, Default)]
struct Shop {
    log: Arc<Mutex<Vec<String>>>,
    /// Whether it knows the tokens that it hands out.
    forgets: bool,
}

impl Shop {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }

    fn seen(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let wanted = format!("Bearer {TOKEN}");
        let sent = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        sent == Some(wanted.as_str()) && !self.forgets
    }
}

async fn log_in(State(shop): State<Shop>, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap_or_default();
    let is_right = body == json!({ "user": "kim", "password": PASSWORD });
    shop.note(format!("log in {is_right}"));
    if is_right {
        let body = json!({ "token": TOKEN, "refresh": REFRESH, "user": { "id": 7, "name": "kim" } });
        return (StatusCode::CREATED, body.to_string()).into_response();
    }
    // It says everything back.
    (
        StatusCode::UNAUTHORIZED,
        json!({ "error": "wrong", "sent": body }).to_string(),
    )
        .into_response()
}

async fn orders(State(shop): State<Shop>, Path(user): Path<String>, headers: HeaderMap) -> Response {
    shop.note(format!("orders of {user}"));
    if !shop.knows(&headers) {
        return (
            StatusCode::UNAUTHORIZED,
            [("www-authenticate", "Bearer")],
            "who are you?",
        )
            .into_response();
    }
    let body =
        json!({ "orders": [{ "id": 17, "state": "open" }], "total": 1, "you": TOKEN, "also": REFRESH });
    ([("x-echo", TOKEN)], body.to_string()).into_response()
}

async fn log_out(State(shop): State<Shop>, headers: HeaderMap) -> StatusCode {
    let has_token = headers.contains_key(header::AUTHORIZATION);
    shop.note(format!("log out {has_token}"));
    StatusCode::NO_CONTENT
}

async fn page() -> impl IntoResponse {
    let page = "<form><input name=\"csrf\" value=\"c+s/r&f=1\"></form>";
    (
        [("set-cookie", "pre=pre-session-1; Path=/; HttpOnly")],
        Html(page),
    )
}

async fn form(State(shop): State<Shop>, headers: HeaderMap, body: String) -> Response {
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let wanted = [("csrf", "c+s/r&f=1"), ("password", PASSWORD), ("user", "kim")];
    let sent = fields.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let is_right = sent.eq(wanted) && cookie.as_deref() == Some("pre=pre-session-1");
    shop.note(format!("form {is_right}"));
    if !is_right {
        return StatusCode::FORBIDDEN.into_response();
    }
    let cookie = format!("sid={SESSION}; Path=/; HttpOnly; SameSite=Lax");
    (
        StatusCode::SEE_OTHER,
        [("set-cookie", cookie.as_str()), ("location", "/home?tab=1")],
    )
        .into_response()
}

async fn home(State(shop): State<Shop>, headers: HeaderMap) -> Response {
    let cookie = headers
        .get("cookie")
        .map(|value| value.to_str().unwrap().to_owned());
    shop.note(format!(
        "home {}",
        cookie.as_deref() == Some("pre=pre-session-1; sid=sid-77c1e0aa41f2")
    ));
    Html(format!("<h1>Welcome</h1> {}", cookie.unwrap_or_default())).into_response()
}

/// The service, until it is dropped.
struct Served {
    shop: Shop,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

async fn serve(shop: Shop) -> Served {
    let router = Router::new()
        .route("/session", post(log_in).delete(log_out))
        .route("/users/{user}/orders", get(orders))
        .route("/login", get(page).post(form))
        .route("/home", get(home))
        .with_state(shop.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served {
        shop,
        address,
        _tasks: tasks,
    }
}

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

/// A listener that hands each connection to `talk`.
async fn raw<F>(talk: impl Fn(TcpStream, String) -> F + Clone + Send + 'static) -> (u16, JoinSet<()>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let mut talks = JoinSet::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let talk = talk.clone();
            talks.spawn(async move {
                let mut head = vec![0; 4096];
                let read = stream.read(&mut head).await.unwrap_or(0);
                let line = String::from_utf8_lossy(&head[..read])
                    .lines()
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                talk(stream, line).await;
            });
        }
    });
    (port, tasks)
}

#[tokio::test]
async fn endless_and_broken_answers_end_with_a_named_reason() {
    let (port, _tasks) = raw(|mut stream, line| async move {
        let chunk = vec![b'x'; 64 * 1024];
        if line.contains("/gigabyte") {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n{\"token\":\"";
            let _ = stream.write_all(head).await;
            while stream.write_all(&chunk).await.is_ok() {}
        } else if line.contains("/endless") {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                .await;
            let size = format!("{:x}\r\n", chunk.len());
            loop {
                let piece = [size.as_bytes(), &chunk, b"\r\n"].concat();
                if stream.write_all(&piece).await.is_err() {
                    break;
                }
            }
        } else if line.contains("/drip") {
            let _ = stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{")
                .await;
            let _ = stream.read(&mut [0]).await;
        } else {
            let body = if line.contains("/deep") {
                "[".repeat(200_000)
            } else {
                "{\"token\":".to_owned()
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    })
    .await;
    for (path, wanted) in [
        ("/gigabyte", "not_read_to_its_end: step `a`, variable `token`"),
        ("/endless", "not_read_to_its_end: step `a`, variable `token`"),
        ("/drip", "not_read_to_its_end: step `a`, variable `token`"),
        ("/deep", "not_taken: step `a`, variable `token`"),
        ("/half", "not_taken: step `a`, variable `token`"),
    ] {
        let steps = [
            step("a", path).extract("token", FlowExtract::json("/token")),
            step("b", "/b").header("x-token", "{{token}}"),
        ];
        let outcome = flow(port, Flow::new(steps)).await;
        assert_eq!(faults(&outcome), [wanted], "{path}: {outcome:#?}");
    }
}

#[tokio::test]
async fn what_a_peer_sends_writes_no_header_and_no_path() {
    let evil = Peer::http(None, |request| match request.uri().path() {
        "/value" => {
            let body = json!({
                "line": "1\r\nx-admin: yes", "up": "..", "over": "../../admin", "away": "//evil.example/",
                "quote": "\"}&x=y",
            });
            with(body.to_string())
        }
        _ => ok("reached"),
    })
    .await;
    let port = evil.address.port();
    let take = |pointer: &str| step("take", "/value").extract("v", FlowExtract::json(pointer));
    for (pointer, then) in [
        ("/line", step("use", "/b").header("x-v", "{{v}}")),
        ("/line", step("use", "/b/{{v}}")),
        ("/up", step("use", "/b/{{v}}/c")),
        ("/over", step("use", "/b/{{v}}")),
        ("/away", step("use", "{{v}}")),
    ] {
        let outcome = flow(port, Flow::new([take(pointer), then])).await;
        assert_eq!(
            faults(&outcome),
            ["unsafe_value: step `use`"],
            "{pointer}: {outcome:#?}"
        );
    }
    let before = evil.requests().len();
    let outcome = flow(port, Flow::new([take("/line"), step("use", "/b?q={{v}}")])).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    let sent = evil.requests()[before..].join("\n");
    assert!(sent.contains("/b?q=1%0D%0Ax-admin%3A%20yes"), "{sent}");
    let all = evil.requests().join("\n");
    assert!(
        !all.contains("x-admin: yes") && !all.contains("/admin") && !all.contains("evil"),
        "{all}"
    );
}

#[tokio::test]
async fn nothing_secret_goes_over_a_channel_nobody_vouches_for() {
    let stranger = Authority::new();
    let peer = Peer::http(
        Some(stranger.issue(&["shop.test"], |_| {}).server("http/1.1")),
        |_| ok("{}"),
    )
    .await;
    let url = format!("https://kim:s3cr3t-value@shop.test:{}", peer.address.port());
    let live = Live::new().resolve("shop.test", peer.address.ip());
    let steps = [
        step("open", "/open"),
        step("closed", "/closed").credential(),
        step("after", "/after"),
    ];
    let suite = Suite::new(live.sources().unwrap())
        .with(Requirement::new(
            Arc::new(Flow::new(steps)),
            Arc::new(Target::parse(&url).unwrap()),
        ))
        .unwrap();
    let outcome = run(&suite).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    assert_eq!(
        outcome.summary,
        "step `closed` (2 of 3): not answered, 1 not sent"
    );
    assert!(
        format!("{outcome:?}").contains("credential_withheld"),
        "{outcome:?}"
    );
    let sent = peer.requests().join("\n");
    assert!(
        sent.contains("/open") && !sent.contains("/closed") && !sent.contains("uthorization"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_trusted_peer_gets_what_it_needs_over_both_versions() {
    for alpn in ["http/1.1", "h2"] {
        let authority = Authority::new();
        let server = authority.issue(&["shop.test"], |_| {}).server(alpn);
        let peer = Peer::http(Some(server), |request| {
            let header = |name: &str| {
                let value = request.headers().get(name);
                value.map(|value| value.to_str().unwrap().to_owned())
            };
            match request.method().as_str() {
                "POST" => {
                    let length = header("content-length");
                    let is_right = header("content-type").as_deref() == Some("application/json")
                        && length.as_deref() == Some("22");
                    let body = json!({ "token": TOKEN, "length": length });
                    if is_right {
                        with(body.to_string())
                    } else {
                        with("{}".to_owned())
                    }
                }
                _ if header("x-token").as_deref() == Some(TOKEN) => ok("known"),
                _ => ok("unknown"),
            }
        })
        .await;
        let live = Live::new()
            .ca_pem(authority.pem())
            .resolve("shop.test", peer.address.ip());
        let target = Target::parse(&format!(
            "https://kim:s3cr3t-value@shop.test:{}",
            peer.address.port()
        ));
        let steps = [
            FlowStep::new("log_in", "POST", "/session")
                .credential()
                .json(&json!({ "for": "{{credential.user}}", "n": 1234 }))
                .extract("token", FlowExtract::json("/token")),
            step("call", "/call")
                .header("x-token", "{{token}}")
                .expect(FlowExpect::default().not_contains("unknown")),
        ];
        let flow = Flow::new(steps).allow_unsafe();
        let suite = Suite::new(live.sources().unwrap())
            .with(Requirement::new(Arc::new(flow), Arc::new(target.unwrap())))
            .unwrap();
        let outcome = run(&suite).await;
        assert!(outcome.status.is_pass(), "{alpn}: {outcome:#?}");
        assert_eq!(peer.connections(), 1, "{alpn}");
        let sent = peer.requests().join("\n");
        assert!(
            sent.contains("authorization: Basic a2ltOnMzY3IzdC12YWx1ZQ=="),
            "{alpn}: {sent}"
        );
    }
}

#[tokio::test]
async fn another_origin_is_asked_where_it_is_named_and_gets_no_secret_unless_it_may() {
    let other = Peer::http(None, |_| ok("{\"code\":\"code-1234567\"}")).await;
    let own = Peer::http(None, |_| ok("fine")).await;
    let elsewhere = format!("http://127.0.0.1:{}", other.address.port());
    let code = FlowExtract::json("/code").secret(true);
    let ask = |code: FlowExtract| step("ask", "/code").origin(&elsewhere).extract("code", code);
    let use_it = step("use", "/home").header("x-code", "{{code}}");
    let withheld = Flow::new([ask(code.clone()), use_it.clone()]);
    let error = withheld.check().unwrap_err();
    assert!(error.contains("taken at another origin"), "{error}");

    let to_own = format!("http://127.0.0.1:{}", own.address.port());
    let outcome = flow(
        own.address.port(),
        Flow::new([ask(code.also_for(to_own)), use_it]),
    )
    .await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    assert!(own.requests().join("\n").contains("x-code: code-1234567"));
    let asked = other.requests().join("\n");
    assert!(
        asked.contains("/code") && !asked.contains("uthorization"),
        "{asked}"
    );
    let told = format!("{outcome:?}");
    assert!(!told.contains("code-1234567"), "{told}");
}

#[tokio::test]
async fn a_secret_goes_only_where_it_is_allowed_to_go() {
    let other = Peer::http(None, |_| ok("{\"code\":\"code-1234567\"}")).await;
    let own = Peer::http(None, |_| ok("fine")).await;
    let elsewhere = format!("http://127.0.0.1:{}", other.address.port());
    // The settings name somebody else: that this is not the target shows when the target is known.
    let code = FlowExtract::json("/code")
        .secret(true)
        .also_for("https://third.example");
    let steps = [
        step("ask", "/code").origin(&elsewhere).extract("code", code),
        step("use", "/home").header("x-code", "{{code}}"),
    ];
    let outcome = flow(own.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    assert_eq!(faults(&outcome), ["not_answered: step `use`"], "{outcome:#?}");
    assert!(
        format!("{outcome:?}").contains("credential_withheld"),
        "{outcome:#?}"
    );
    let sent = own.requests();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test]
async fn of_more_secrets_than_are_looked_for_nothing_is_kept() {
    let (port, _tasks) = raw(|mut stream, line| async move {
        let n: u32 = line.trim_start_matches(|c: char| !c.is_ascii_digit())[..1]
            .parse()
            .unwrap();
        let mut head = format!("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-echo: last-session-{n}\r\n");
        for cookie in 0..90 {
            head.push_str(&format!("set-cookie: c{cookie}=session-{n}-{cookie}; Path=/\r\n"));
        }
        head.push_str(&format!(
            "set-cookie: last=last-session-{n}; Path=/\r\nconnection: close\r\n\r\n"
        ));
        let _ = stream.write_all(head.as_bytes()).await;
    })
    .await;
    let echo = |n: u32| {
        step(&format!("s{n}"), &format!("/{n}"))
            .expect(FlowExpect::default().header(HeaderAssertion::exists("x-echo")))
    };
    for (steps, shown) in [(1, "found `[redacted]`"), (5, "found `[redacted]`")] {
        let outcome = flow(port, Flow::new((1..=steps).map(echo))).await;
        assert!(outcome.status.is_pass(), "{outcome:#?}");
        let told = format!("{outcome:?}");
        assert!(told.contains(shown) && !told.contains("last-session"), "{told}");
    }
}

#[tokio::test]
async fn a_log_in_by_header_and_link_tells_neither() {
    let peer = Peer::http(None, |_| {
        let response = http::Response::builder()
            .status(303)
            .header("x-session", "sid-77c1e0aa41f2")
            .header("location", "/magic/at-51f0c3a7d2e94b");
        response.body(bytes::Bytes::new().into()).unwrap()
    })
    .await;
    let expect = FlowExpect::default()
        .status(serde_json::from_value(json!([303])).unwrap())
        .header(HeaderAssertion::exists("x-session"))
        .header(HeaderAssertion::exists("location").contains("/magic/"));
    let steps = [step("log_in", "/session").credential().expect(expect)];
    // That neither is told is asserted of every flow here.
    let outcome = flow(peer.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
    let told = format!("{outcome:?}");
    assert!(
        told.contains("it is as expected, and its value is secret"),
        "{told}"
    );
}

#[tokio::test]
async fn the_time_of_a_flow_ends_and_what_cleans_up_is_sent() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let (port, _tasks) = raw(move |mut stream, line| {
        let log = Arc::clone(&log);
        async move {
            log.lock().unwrap().push(line.clone());
            if line.contains("/slow") {
                let _ = stream.read(&mut [0]).await;
            } else {
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .await;
            }
        }
    })
    .await;
    let mut timed = Flow::new([
        step("slow", "/slow"),
        step("after", "/after"),
        step("clean", "/clean").always(),
    ]);
    timed.max_seconds = 1;
    let outcome = flow(port, timed).await;
    assert_eq!(faults(&outcome), ["not_answered: step `slow`"], "{outcome:#?}");
    assert!(
        format!("{outcome:?}").contains("was not answered within the 1 s of the flow"),
        "{outcome:#?}"
    );
    let lines = seen.lock().unwrap().clone();
    assert_eq!(lines, ["GET /slow HTTP/1.1", "GET /clean HTTP/1.1"]);
}

#[tokio::test]
async fn bodies_of_all_steps_are_bounded_together() {
    let page = "x".repeat(1024 * 1024);
    let peer = Peer::http(None, move |_| with(page.clone())).await;
    let steps = (0..12).map(|n| step(&format!("s{n}"), "/page").expect(FlowExpect::default().contains("x")));
    let outcome = flow(peer.address.port(), Flow::new(steps)).await;
    assert!(outcome.status.is_unknown(), "{outcome:#?}");
    let reason = outcome
        .findings
        .iter()
        .find(|finding| !finding.is_note())
        .unwrap();
    assert!(reason.message.contains("8 MiB"), "{reason:?}");
    assert!(peer.requests().len() <= 9, "{}", peer.requests().len());
}

#[tokio::test]
async fn a_credential_set_in_a_program_is_used() {
    let served = serve(Shop::default()).await;
    let steps = [
        FlowStep::new("log_in", "POST", "/session")
            .json(&json!({ "user": "{{credential.user}}", "password": "{{credential.password}}" }))
            .expect(FlowExpect::default().status(serde_json::from_value(json!([201])).unwrap()))
            .extract("token", FlowExtract::json("/token")),
        FlowStep::new("orders", "GET", "/users/kim/orders").header("authorization", "Bearer {{token}}"),
    ];
    let outcome = flow(served.address.port(), Flow::new(steps).allow_unsafe()).await;
    assert!(outcome.status.is_pass(), "{outcome:#?}");
}
