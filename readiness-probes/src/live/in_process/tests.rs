use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Request, Response};
use readiness_core::{Outcome, Policy, Reason, Report, Requirement, Status, Suite, Target, Verdict};
use serde_json::{Value, json};

use super::InProcess;
use crate::builtin;

fn suite(url: &str, probes: &[(&str, Value)]) -> Suite {
    let target = Arc::new(Target::parse(url).unwrap());
    let mut suite = Suite::default();
    for (id, settings) in probes {
        let probe = builtin::registry().build(id, settings).unwrap();
        suite.add(Requirement::new(probe, Arc::clone(&target))).unwrap();
    }
    suite
}

fn headers(url: &str) -> Suite {
    let target = Arc::new(Target::parse(url).unwrap());
    let mut suite = Suite::default();
    for requirement in builtin::registry()
        .preset("security_headers", &target, &Value::Null)
        .unwrap()
    {
        suite.add(requirement).unwrap();
    }
    suite
}

fn respond(headers: &[(&str, &str)], body: &str) -> Response<Vec<u8>> {
    headers
        .iter()
        .fold(Response::builder(), |response, (name, value)| {
            response.header(*name, *value)
        })
        .body(body.as_bytes().to_vec())
        .unwrap()
}

const HARDENED: [(&str, &str); 5] = [
    ("content-type", "text/html; charset=utf-8"),
    ("strict-transport-security", "max-age=31536000"),
    (
        "content-security-policy",
        "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    ("x-content-type-options", "nosniff"),
    (
        "set-cookie",
        "__Host-sid=s3cr3t; Path=/; Secure; HttpOnly; SameSite=Lax",
    ),
];

fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    let result = report.results.iter().find(|result| result.id == id);
    let result = result.unwrap_or_else(|| panic!("{id}: {report}"));
    &result.targets[0].outcome
}

fn status(report: &Report, id: &str) -> Status {
    outcome(report, id).status.clone()
}

fn reason(report: &Report, id: &str) -> Option<Reason> {
    match status(report, id) {
        Status::Unknown { reason, cause } => Some(cause.map_or(reason, |cause| cause.reason)),
        _ => None,
    }
}

#[tokio::test]
async fn headers_are_judged_as_over_https() {
    let hardened = InProcess::from_fn(|_| async { respond(&HARDENED, "<title>Shop</title>") });
    let report = hardened.run(headers("https://shop.example.com/")).await;
    for id in [
        "http.hsts",
        "http.csp",
        "http.framing",
        "http.nosniff",
        "http.cookies",
    ] {
        assert!(status(&report, id).is_pass(), "{id}: {report}");
    }
    assert!(!report.to_string().contains("s3cr3t"));
    let bare = InProcess::from_fn(|_| async { respond(&[("content-type", "text/html")], "") });
    let report = bare.run(headers("https://shop.example.com/")).await;
    for id in ["http.hsts", "http.csp", "http.framing", "http.nosniff"] {
        assert!(status(&report, id).is_fail(), "{id}: {report}");
    }
}

#[tokio::test]
async fn what_counts_decides_unless_the_suite_says_otherwise() {
    let bare = InProcess::from_fn(|_| async { respond(&[("content-type", "text/html")], "") });
    let suite = || headers("https://shop.example.com/");
    assert_eq!(bare.run(suite()).await.verdict(), Verdict::NotReady);
    let lenient = suite().policy(Policy::default().target_percent(0));
    assert_ne!(bare.run(lenient).await.verdict(), Verdict::NotReady);
    let hardened = InProcess::from_fn(|_| async { respond(&HARDENED, "") });
    assert_eq!(hardened.run(suite()).await.verdict(), Verdict::Ready);
}

#[tokio::test]
async fn requests_arrive_as_on_the_wire() {
    let seen: Arc<Mutex<Vec<String>>> = Arc::default();
    let log = Arc::clone(&seen);
    let service = InProcess::from_fn(move |request: Request<()>| {
        let header = |name: &str| {
            request
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        let said = format!(
            "{} {} {} {}",
            request.method(),
            request.uri(),
            header("host").unwrap(),
            header("accept-encoding").unwrap()
        );
        log.lock().unwrap().push(said);
        let moved = request.uri().path() == "/";
        async move {
            let mut response = respond(&HARDENED, "");
            if moved {
                *response.status_mut() = http::StatusCode::FOUND;
                response
                    .headers_mut()
                    .insert("location", "/en?lang=x".parse().unwrap());
            }
            response
        }
    });
    let probes = [("http.observatory", json!({}))];
    let report = service
        .run(suite("https://shop.example.com:8443/", &probes))
        .await;
    assert!(!status(&report, "http.observatory").is_unknown(), "{report}");
    assert_eq!(
        *seen.lock().unwrap(),
        [
            "GET / shop.example.com:8443 identity",
            "GET /en?lang=x shop.example.com:8443 identity",
            "OPTIONS /en?lang=x shop.example.com:8443 identity",
        ]
    );
}

#[tokio::test]
async fn what_cannot_be_seen_inside_is_unknown() {
    let service = InProcess::from_fn(|_| async { respond(&HARDENED, "") });
    let probes = [
        ("tls.certificate", json!({})),
        ("net.tcp", json!({})),
        ("http.https_redirect", json!({})),
        ("http.nosniff", json!({})),
    ];
    let report = service.run(suite("https://shop.example.com/", &probes)).await;
    for id in ["tls.certificate", "net.tcp", "http.https_redirect"] {
        assert_eq!(reason(&report, id), Some(Reason::NO_SOURCE), "{id}: {report}");
    }
    assert!(status(&report, "http.nosniff").is_pass());
}

#[tokio::test]
async fn another_host_is_not_the_services() {
    let service = InProcess::from_fn(|request: Request<()>| async move {
        let mut response = respond(&HARDENED, "");
        if request.headers()["host"] == "shop.example.com" {
            *response.status_mut() = http::StatusCode::FOUND;
            response
                .headers_mut()
                .insert("location", "https://login.example.com/".parse().unwrap());
        }
        response
    });
    let suite = || suite("https://shop.example.com/", &[("http.observatory", json!({}))]);
    let report = service.run(suite()).await;
    assert_eq!(
        reason(&report, "http.observatory"),
        Some(Reason::NO_SOURCE),
        "{report}"
    );
    let report = service.serves("Login.example.com.").run(suite()).await;
    assert!(!status(&report, "http.observatory").is_unknown(), "{report}");
}

#[tokio::test]
async fn a_plain_target_is_judged_as_plain() {
    let service = InProcess::from_fn(|_| async { respond(&HARDENED, "") });
    let report = service.run(headers("http://localhost:3000/")).await;
    assert!(status(&report, "http.hsts").is_not_applicable(), "{report}");
    assert!(status(&report, "http.nosniff").is_pass(), "{report}");
}

#[tokio::test]
async fn failures_have_a_name() {
    let probes = [("http.nosniff", json!({}))];
    let run = async |service: InProcess| service.run(suite("https://shop.example.com/", &probes)).await;
    let panics = InProcess::from_fn(|_| async { panic!("no database") });
    let report = run(panics).await;
    assert_eq!(reason(&report, "http.nosniff"), Some(Reason::PANIC));
    assert!(report.to_string().contains("no database"), "{report}");

    let never = InProcess::from_fn(|_| std::future::pending()).answer_within(Duration::from_millis(20));
    let report = run(never).await;
    assert_eq!(reason(&report, "http.nosniff"), Some(Reason::TIMEOUT));
    assert!(
        report.to_string().contains("did not answer `GET /` within 20ms"),
        "{report}"
    );

    let large = InProcess::from_fn(|_| async {
        let value = "x".repeat(70_000);
        respond(&[("x-large", &value)], "")
    });
    assert_eq!(
        reason(&run(large).await, "http.nosniff"),
        Some(Reason::HTTP_TOO_LARGE)
    );
    let many = InProcess::from_fn(|_| async { respond(&[("x-many", "y"); 2049], "") });
    assert_eq!(
        reason(&run(many).await, "http.nosniff"),
        Some(Reason::HTTP_TOO_LARGE)
    );
    let just = InProcess::from_fn(|_| async { respond(&[("x-many", "y"); 2048], "") });
    assert_eq!(reason(&run(just).await, "http.nosniff"), None);
}

#[cfg(feature = "tower")]
mod tower {
    use std::{
        convert::Infallible,
        pin::Pin,
        task::{Context, Poll},
    };

    use axum::{Router, body::Body, routing::get};
    use bytes::Bytes;
    use hyper::body::Frame;

    use super::*;

    #[tokio::test]
    async fn a_router_is_judged_route_by_route() {
        let page = || async { (HARDENED, "<script src=//cdn.example.org/x.js></script>") };
        let app = Router::new().route("/", get(page)).route(
            "/api",
            get(|| async { ([("content-type", "application/json")], "{}") }),
        );
        let service = InProcess::new(app);
        let report = service.run(headers("https://shop.example.com/")).await;
        assert!(status(&report, "http.csp").is_pass(), "{report}");
        let report = service.run(headers("https://shop.example.com/api")).await;
        assert!(status(&report, "http.nosniff").is_fail(), "{report}");
        // The page itself is read too.
        let probes = [("http.observatory", json!({}))];
        let report = service.run(suite("https://shop.example.com/", &probes)).await;
        let outcome = outcome(&report, "http.observatory");
        let codes: Vec<&str> = outcome
            .findings
            .iter()
            .map(|finding| finding.code.as_str())
            .collect();
        if cfg!(feature = "html") {
            let code = "sri-not-implemented-and-external-scripts-not-loaded-securely";
            assert!(codes.contains(&code), "{report}");
        }
        assert!(outcome.evidence.iter().all(|evidence| evidence.label != "page"));
    }

    /// A body that gives one byte after another, or fails.
    struct Dripping(Option<&'static str>);

    impl hyper::body::Body for Dripping {
        type Data = Bytes;
        type Error = Box<dyn std::error::Error + Send + Sync>;

        fn poll_frame(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            match self.0 {
                Some(problem) => Poll::Ready(Some(Err(problem.into()))),
                None => {
                    cx.waker().wake_by_ref();
                    Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 64 * 1024])))))
                }
            }
        }
    }

    #[derive(Clone)]
    struct Odd(&'static str);

    impl tower_service::Service<Request<crate::live::NoBody>> for Odd {
        type Response = Response<Dripping>;
        type Error = String;
        type Future = std::future::Ready<Result<Self::Response, String>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), String>> {
            if self.0 == "not ready" {
                Poll::Ready(Err("no worker is free".into()))
            } else {
                Poll::Ready(Ok(()))
            }
        }

        fn call(&mut self, _: Request<crate::live::NoBody>) -> Self::Future {
            let response = |body| {
                Ok(Response::builder()
                    .header("content-type", "application/json")
                    .header("x-content-type-options", "nosniff")
                    .body(body)
                    .unwrap())
            };
            std::future::ready(match self.0 {
                "endless" => response(Dripping(None)),
                "broken body" => response(Dripping(Some("the disk is full"))),
                other => Err(other.to_owned()),
            })
        }
    }

    #[tokio::test]
    async fn odd_services_end() {
        let probes = [("http.nosniff", json!({}))];
        let run = async |how| {
            InProcess::new(Odd(how))
                .run(suite("https://shop.example.com/", &probes))
                .await
        };
        for (how, message) in [("not ready", "no worker is free"), ("no answer", "no answer")] {
            let report = run(how).await;
            assert_eq!(
                reason(&report, "http.nosniff"),
                Some(Reason::HTTP_BROKEN),
                "{how}"
            );
            assert!(report.to_string().contains(message), "{report}");
        }
        // The head is there, and the body is read to its cap, or as far as it came.
        for how in ["endless", "broken body"] {
            assert!(status(&run(how).await, "http.nosniff").is_pass(), "{how}");
        }
    }

    #[tokio::test]
    async fn a_service_may_be_shared_by_runs() {
        let app: Router = Router::new().fallback(|| async { Ok::<_, Infallible>((HARDENED, Body::empty())) });
        let service = InProcess::new(app);
        let (a, b) = tokio::join!(
            service.run(headers("https://a.example.com/")),
            service.run(headers("https://b.example.com/"))
        );
        assert!(status(&a, "http.csp").is_pass() && status(&b, "http.csp").is_pass());
    }
}
