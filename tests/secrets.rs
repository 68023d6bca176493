//! Credentials go to their origin and nowhere else: not to another one, not into a report, a recording or a
//! log, whatever the peer says back.

#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../readiness-probes/tests/support/peer.rs"]
mod peer;
mod support;

use std::{
    fmt::{Debug, Write},
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::SystemTime,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use readiness_probes::{Credential, Origin, Runner, Suite, Target, builtin, live::Live};
use serde_json::json;
use tokio::task::block_in_place;
use tracing::{Event, Metadata, Subscriber, field::Field, span};

use self::{
    peer::{Authority, Peer},
    support::{
        check::{Run, check, check_with, status},
        folder::Folder,
        pki::DAY,
    },
};

const HOST: &str = "shop.example.test";
const OTHER: &str = "other.example.test";

const PASSWORD: &str = "pw-7Jq0x+Zk/9";
/// The same as it stands in a URL.
const PASSWORD_IN_URL: &str = "pw-7Jq0x%2BZk%2F9";
const QUERY: &str = "qt-51f0c3a7d2e94b";
const BEARER: &str = "bt-eyJhbGciOi.J9x2.Qm4w";

/// Every form in which one of them could be told.
const SECRETS: [&str; 7] = [
    PASSWORD,
    PASSWORD_IN_URL,
    // `kim:` and the password, as Basic has them.
    "a2ltOnB3LTdKcTB4K1prLzk=",
    "a2ltOnB3LTdKcTB4K1prLzk",
    QUERY,
    BEARER,
    "kim:",
];

/// A shop that tells everything it is told, a plain port before it, and somebody else it sends people to.
struct World {
    authority: Authority,
    shop: Peer,
    plain: Peer,
    other: Peer,
    folder: Folder,
}

impl World {
    async fn new(alpn: &str) -> Self {
        let authority = Authority::new();
        let certificate = |name| {
            let issued = authority.issue(&[name], |params| {
                params.not_before = (SystemTime::now() - 10 * DAY).into();
                params.not_after = (SystemTime::now() + 80 * DAY).into();
            });
            issued.server(alpn)
        };
        let other = Peer::http(Some(certificate(OTHER)), |_: &Request<Incoming>| {
            peer::ok("hello")
        })
        .await;
        let elsewhere = format!("https://{OTHER}:{}/landing", other.address.port());
        let shop = Peer::http(Some(certificate(HOST)), move |request: &Request<Incoming>| {
            echo(request, &elsewhere)
        })
        .await;
        let https = format!("https://{HOST}:{}", shop.address.port());
        let plain = Peer::http(None, move |request: &Request<Incoming>| {
            let to = format!("{https}{}", request.uri());
            let response = Response::builder().status(308).header("location", to);
            response.body(Full::new(Bytes::new())).unwrap()
        })
        .await;
        let folder = Folder::new();
        folder.write("ca.pem", &authority.pem());
        Self {
            authority,
            shop,
            plain,
            other,
            folder,
        }
    }

    fn url(&self, userinfo: &str, path: &str) -> String {
        format!(
            "https://{userinfo}{HOST}:{}{path}?page=1&token={QUERY}",
            self.shop.address.port()
        )
    }

    /// What stands on the command line beside the target.
    fn flags(&self) -> Vec<String> {
        let mut flags = vec![
            "--resolve".to_owned(),
            format!("{HOST}=127.0.0.1"),
            "--resolve".to_owned(),
            format!("{OTHER}=127.0.0.1"),
            "--record".to_owned(),
            self.folder.text("recording.json"),
            "--write-baseline".to_owned(),
            self.folder.text("baseline.json"),
        ];
        for report in REPORTS {
            flags.extend(["-o".to_owned(), self.folder.text(report)]);
        }
        flags
    }

    /// Everything a run left behind, by name.
    fn left(&self, run: &Run) -> Vec<(&'static str, String)> {
        let mut all = vec![("stdout", run.stdout.clone()), ("stderr", run.stderr.clone())];
        for file in REPORTS.into_iter().chain(["recording.json", "baseline.json"]) {
            all.push((file, self.folder.read(file)));
        }
        let report = readiness_report::from_json(&self.folder.read("report.json")).unwrap();
        let strict = readiness_report::to_junit(&report, readiness_report::JunitDialect::Strict);
        all.push(("strict junit", strict));
        all
    }

    /// No other origin has heard a secret: neither the second one, nor the same host without TLS.
    fn assert_others_know_nothing(&self) {
        for (name, peer) in [("the other origin", &self.other), ("the plain port", &self.plain)] {
            assert!(
                !peer.requests().is_empty(),
                "nobody asked {name}: this test shows nothing"
            );
            for request in peer.requests() {
                assert_tells_nothing(name, &request);
                assert!(!request.contains("authorization"), "{name} was told: {request}");
            }
        }
    }
}

const REPORTS: [&str; 4] = ["report.json", "report.xml", "report.md", "report.txt"];

fn assert_tells_nothing(name: &str, text: &str) {
    for secret in SECRETS {
        if let Some(at) = text.find(secret) {
            let before: String = text[..at].chars().rev().take(200).collect();
            let before: String = before.chars().rev().collect();
            panic!("{name} tells `{secret}` after: {before}");
        }
    }
}

/// Says back what it was told, in its headers and in its health. It sends whoever shows no credential to
/// somebody else, and from the front page everybody.
fn echo(request: &Request<Incoming>, elsewhere: &str) -> Response<Full<Bytes>> {
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map_or("", |value| value.to_str().unwrap());
    let told = format!("{authorization} {}", request.uri());
    let response = Response::builder()
        .header("server", &told)
        .header("x-powered-by", format!("PHP/8.3 {told}"))
        .header("x-echo", &told)
        .header("content-security-policy", format!("default-src {told}"))
        .header("strict-transport-security", format!("max-age=1; {told}"))
        .header("referrer-policy", &told)
        .header(
            "set-cookie",
            format!("sid={authorization}; Path=/; Domain={HOST}"),
        );
    let (response, body) = match request.uri().path() {
        path if path != "/healthz" && (path == "/" || authorization.is_empty()) => {
            (response.status(302).header("location", elsewhere), String::new())
        }
        "/healthz" => {
            let body = json!({ "status": "fail", "output": told, "checks": {
                "login": [{ "status": "fail", "output": format!("refused: {told}"), "observedValue": told }],
                told.clone(): [{ "status": "fail" }],
            }});
            (
                response
                    .status(503)
                    .header("content-type", "application/health+json"),
                body.to_string(),
            )
        }
        _ => (response.header("content-type", "text/html"), told),
    };
    response.body(Full::new(Bytes::from(body))).unwrap()
}

fn with(mut arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    arguments.extend(more.iter().map(|&text| text.to_owned()));
    arguments
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_a_url_stays_there() {
    for (alpn, path) in [("http/1.1", "/account"), ("h2", "/account"), ("h2", "/")] {
        let world = World::new(alpn).await;
        let arguments = with(
            world.flags(),
            &[
                "--ca",
                &world.folder.text("ca.pem"),
                "--plain-port",
                &world.plain.address.port().to_string(),
                "--health",
                "/healthz",
                &world.url(&format!("kim:{PASSWORD_IN_URL}@"), path),
            ],
        );
        let run = block_in_place(|| check(&arguments));
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        // The shop itself was told, or this test would show nothing.
        let requests = world.shop.requests();
        let told = |what: &str| requests.iter().any(|request| request.contains(what));
        assert!(
            told("authorization: Basic a2ltOnB3LTdKcTB4K1prLzk="),
            "{requests:#?}"
        );
        assert!(told(&format!("{path}?page=1&token={QUERY}")), "{requests:#?}");
        for (name, text) in world.left(&run) {
            assert_tells_nothing(name, &text);
        }
        world.assert_others_know_nothing();
    }
}

const CONFIG: &str = r#"
[look]
ca = ["ca.pem"]

[targets.shop]
url = { env = "SHOP_URL" }
credential = { bearer = { env = "SHOP_TOKEN" } }

[[preset]]
use = "web"
with = { health_path = "/healthz", plain_port = @plain@ }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configured_token_stays_with_its_origin() {
    let world = World::new("h2").await;
    let config = CONFIG.replace("@plain@", &world.plain.address.port().to_string());
    let config = world.folder.write("readiness.toml", &config);
    let arguments = with(world.flags(), &["--config", &config]);
    let url = world.url("", "/account");
    let variables = [("SHOP_URL", url.as_str()), ("SHOP_TOKEN", BEARER)];
    let run = block_in_place(|| check_with(&arguments, &variables));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    let requests = world.shop.requests();
    let told = format!("authorization: Bearer {BEARER}");
    assert!(
        requests.iter().any(|request| request.contains(&told)),
        "{requests:#?}"
    );
    for (name, text) in world.left(&run) {
        assert_tells_nothing(name, &text);
    }
    world.assert_others_know_nothing();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_is_told_nothing() {
    let world = World::new("h2").await;
    // Nobody vouches for the shop's authority here.
    let arguments = with(
        world.flags(),
        &[
            "--health",
            "/healthz",
            &world.url(&format!("kim:{PASSWORD_IN_URL}@"), "/account"),
        ],
    );
    let run = block_in_place(|| check(&arguments));
    assert_eq!(run.code, Some(1), "{}", run.stderr);
    for request in world.shop.requests() {
        assert_tells_nothing("the stranger", &request);
        assert!(!request.contains("authorization"), "{request}");
    }
    for (name, text) in world.left(&run) {
        assert_tells_nothing(name, &text);
    }
    let json = world.folder.read("report.json");
    let report = readiness_report::from_json(&json).unwrap();
    assert_eq!(status(&report, "tls.certificate"), "fail");
    assert_eq!(status(&report, "http.nosniff"), "unknown");
    assert!(json.contains("credential_withheld"), "{json}");
}

#[test]
fn wrong_usage_shows_no_secret() {
    let folder = Folder::new();
    let literal = "[targets.shop]\nurl = \"https://shop.example.test\"\ncredential = { bearer = \"@\" }\n";
    let config = folder.write("readiness.toml", &literal.replace('@', BEARER));
    let userinfo = format!("https://kim:{PASSWORD}@shop.example.test:99999/?token={QUERY}");
    let nowhere = format!("ftp://kim:{PASSWORD_IN_URL}@/?token={QUERY}");
    for arguments in [
        vec!["--config", &config],
        vec![&userinfo],
        vec![&nowhere],
        vec!["--preset", "wbe", &userinfo],
    ] {
        let run = check(&arguments);
        assert_eq!(run.code, Some(64), "{arguments:?}: {}", run.stderr);
        assert_eq!(run.stdout, "");
        assert!(!run.stderr.is_empty());
        assert_tells_nothing("stderr", &run.stderr);
    }
}

/// Keeps every span and event of our own crates.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<String>>);

impl Log {
    fn note(&self, what: &str, write: impl FnOnce(&mut Fields<'_>)) {
        let mut log = self.0.lock().unwrap();
        let _ = write!(log, "\n{what}");
        write(&mut Fields(&mut log));
    }
}

struct Fields<'a>(&'a mut String);

impl tracing::field::Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = write!(self.0, " {}={value:?}", field.name());
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("readiness")
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.note(span.metadata().name(), |fields| span.record(fields));
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        self.note("…", |fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata().name(), |fields| event.record(fields));
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[tokio::test]
async fn the_log_tells_nothing() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.clone());
    let world = World::new("http/1.1").await;
    let target = Target::parse(&world.url("", "/account"))
        .unwrap()
        .labelled("shop");
    let target = Arc::new(target.with_credential("shop"));
    let origin = Origin::new("https", HOST, world.shop.address.port());
    let live = Live::new()
        .ca_pem(world.authority.pem())
        .resolve(HOST, Ipv4Addr::LOCALHOST.into())
        .resolve(OTHER, Ipv4Addr::LOCALHOST.into());
    let mut suite =
        Suite::new(live.sources().unwrap()).credential("shop", Credential::bearer(origin, BEARER));
    let settings = json!({ "health_path": "/healthz", "plain_port": world.plain.address.port() });
    for requirement in builtin::registry().preset("web", &target, &settings).unwrap() {
        suite.add(requirement).unwrap();
    }
    let report = Runner::new().run(&suite).await;
    assert!(report.requirement("http.health").unwrap().status.is_fail());
    let told = format!("authorization: Bearer {BEARER}");
    assert!(
        world
            .shop
            .requests()
            .iter()
            .any(|request| request.contains(&told))
    );
    let log = log.0.lock().unwrap();
    assert!(
        log.contains("http.health") && log.contains("shop"),
        "the log is empty:\n{log}"
    );
    assert_tells_nothing("the log", &log);
    assert_tells_nothing("Debug of the suite", &format!("{suite:?}"));
    assert_tells_nothing("Debug of the report", &format!("{report:?}"));
}
