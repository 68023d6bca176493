use readiness_core::Profile;

use super::{
    super::{
        asked::tests::{codes, ended, judged},
        verdict::tests::trusted,
    },
    *,
};

const URL: &str = "http://10.0.0.7:9200";
const PUBLIC: &str = "https://192.0.2.7:9200";

const ANSWERS: [(ApiKind, &str, &str); 5] = [
    (
        ApiKind::Elasticsearch,
        "{\"name\":\"n\",\"cluster_name\":\"shop\",\"version\":{\"number\":\"8.11.1\"},\"tagline\":\"x\"}",
        "Elasticsearch 8.11.1",
    ),
    (
        ApiKind::Elasticsearch,
        "{\"cluster_name\":\"shop\",\"version\":{\"distribution\":\"opensearch\",\"number\":\"2.11.0\"}}",
        "Elasticsearch 2.11.0",
    ),
    (
        ApiKind::Etcd,
        "{\"header\":{\"cluster_id\":\"1\",\"member_id\":\"2\",\"revision\":\"1\"}}",
        "etcd",
    ),
    (
        ApiKind::Docker,
        "{\"Version\":\"24.0.7\",\"ApiVersion\":\"1.43\",\"Os\":\"linux\"}",
        "Docker 24.0.7",
    ),
    (ApiKind::Kubelet, "ok", "kubelet"),
];

fn of(kind: ApiKind) -> HttpApi {
    HttpApi {
        kind,
        ..HttpApi::default()
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}").into_bytes()
}

fn seen(probe: &HttpApi, url: &str, profile: Profile, said: &[u8]) -> Outcome {
    let mut facts = ended(&[said], ReplyEnd::Closed);
    if url.starts_with("https") {
        facts.tls = trusted();
    }
    judged(probe, steps(probe.kind), url, profile, facts)
}

#[test]
fn an_open_interface_is_a_finding() {
    for (kind, body, shown) in ANSWERS {
        for (url, profile, word) in [
            (PUBLIC, Profile::production(), "fail"),
            (URL, Profile::local(), "warn"),
            ("http://127.0.0.1:9200", Profile::local(), "pass"),
        ] {
            let outcome = seen(&of(kind), url, profile, &answer("200 OK", body));
            assert_eq!(outcome.status.word(), word, "{kind:?}");
            assert_eq!(codes(&outcome), ["open_without_authentication"]);
            assert!(outcome.summary.contains(shown), "{}", outcome.summary);
        }
        let meant = HttpApi {
            authentication: Authentication::None,
            ..of(kind)
        };
        let outcome = seen(&meant, PUBLIC, Profile::production(), &answer("200 OK", body));
        assert!(outcome.findings.is_empty(), "{outcome:#?}");
        // What another one says is none of its own.
        for (other, body, _) in ANSWERS {
            if other != kind {
                let outcome = seen(&of(kind), URL, Profile::local(), &answer("200 OK", body));
                assert_eq!(codes(&outcome), ["other_protocol"], "{kind:?} {body}");
            }
        }
    }
}

#[test]
fn an_interface_that_asks_for_a_log_in_passes() {
    for (kind, _, _) in ANSWERS {
        let said = answer("401 Unauthorized", "{}");
        let outcome = seen(&of(kind), PUBLIC, Profile::production(), &said);
        assert!(
            outcome.status.is_pass() && outcome.findings.is_empty(),
            "{outcome:#?}"
        );
        // Whoever says so: nobody knows whose it is.
        assert_eq!(
            outcome.summary,
            "192.0.2.7:9200: HTTP 401; nobody is let in without a log-in"
        );
        let said = answer("403 Forbidden", "<h1>Forbidden</h1>");
        let outcome = seen(&of(kind), PUBLIC, Profile::production(), &said);
        assert!(outcome.status.is_unknown(), "{outcome:#?}");
        assert_eq!(codes(&outcome), ["log_in_not_judged"]);
        let meant = HttpApi {
            authentication: Authentication::None,
            ..of(kind)
        };
        let outcome = seen(&meant, PUBLIC, Profile::production(), &said);
        assert!(outcome.findings.is_empty(), "{outcome:#?}");
        for status in ["301 Moved", "404 Not Found", "500 Oops", "503 Starting"] {
            let outcome = seen(&of(kind), PUBLIC, Profile::production(), &answer(status, "{}"));
            assert!(outcome.status.is_unknown(), "{outcome:#?}");
        }
    }
    let missing = "{\"error\":\"etcdserver: user name is empty\",\"code\":3}";
    let outcome = seen(
        &of(ApiKind::Etcd),
        PUBLIC,
        Profile::production(),
        &answer("400 Bad Request", missing),
    );
    assert!(outcome.status.is_pass());
    let outcome = seen(
        &of(ApiKind::Docker),
        PUBLIC,
        Profile::production(),
        &answer("400 Bad Request", missing),
    );
    assert!(outcome.status.is_unknown());
}

#[test]
fn a_refusal_of_its_own_passes() {
    for (kind, head, body) in [
        (
            ApiKind::Elasticsearch,
            "",
            "{\"error\":{\"type\":\"security_exception\"},\"status\":403}",
        ),
        (ApiKind::Elasticsearch, "X-elastic-product: Elasticsearch\r\n", ""),
        (
            ApiKind::Elasticsearch,
            "",
            "{\"Message\":\"User: anonymous is not authorized to perform: es:ESHttpGet\"}",
        ),
        (
            ApiKind::Etcd,
            "",
            "{\"error\":\"etcdserver: permission denied\",\"code\":7}",
        ),
        (ApiKind::Docker, "Server: Docker/24.0.7 (linux)\r\n", ""),
        (ApiKind::Docker, "Api-Version: 1.43\r\n", ""),
        (
            ApiKind::Docker,
            "",
            "{\"message\":\"authorization denied by plugin opa\"}",
        ),
        (
            ApiKind::Kubelet,
            "",
            "Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource=proxy)",
        ),
    ] {
        for status in [401, 403] {
            let said = format!("HTTP/1.1 {status} No\r\nDate: x\r\n{head}\r\n{body}");
            let outcome = seen(&of(kind), PUBLIC, Profile::production(), said.as_bytes());
            assert!(
                outcome.status.is_pass() && outcome.findings.is_empty(),
                "{said}: {outcome:#?}"
            );
            let summary = format!(
                "192.0.2.7:9200: {} asks for a log-in (HTTP {status})",
                kind.name()
            );
            assert_eq!(outcome.summary, summary);
        }
    }
    // A sign of one is none of another.
    let said = "HTTP/1.1 403 No\r\nServer: Docker/24.0.7\r\n\r\n";
    let outcome = seen(
        &of(ApiKind::Kubelet),
        PUBLIC,
        Profile::production(),
        said.as_bytes(),
    );
    assert!(outcome.status.is_unknown());
}

#[test]
fn without_a_kind_it_does_not_apply() {
    let outcome = seen(&HttpApi::default(), URL, Profile::local(), b"");
    assert_eq!(outcome.status.word(), "not_applicable");
}

#[test]
fn the_least_version_is_held() {
    let body = ANSWERS[0].1;
    for (least, expected) in [
        ("8.11", &[][..]),
        ("8.11.1", &[]),
        ("8.11.2", &["version_too_old"]),
    ] {
        let probe = HttpApi {
            authentication: Authentication::None,
            min_version: least.to_owned(),
            ..of(ApiKind::Elasticsearch)
        };
        let outcome = seen(&probe, URL, Profile::local(), &answer("200 OK", body));
        assert_eq!(codes(&outcome), expected);
    }
    assert!(
        HttpApi {
            min_version: "x".to_owned(),
            ..HttpApi::default()
        }
        .check()
        .is_err()
    );
}

#[test]
fn other_peers_fail() {
    let deep = format!("{{\"cluster_name\":{}", "[".repeat(10_000));
    let probe = of(ApiKind::Elasticsearch);
    for body in ["", "{}", "[]", "{\"cluster_name\":1}", "\0", deep.as_str()] {
        let outcome = seen(&probe, URL, Profile::local(), &answer("200 OK", body));
        assert_eq!(codes(&outcome), ["other_protocol"]);
        assert!(outcome.summary.len() < 300);
    }
    for head in [
        &b"HTTP/1.1 2000 OK\r\n\r\n"[..],
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 999 OK\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b"220 mx ESMTP\r\n",
        b"\x15\x03\x01\0\x02\x02\x46",
    ] {
        let outcome = seen(&probe, URL, Profile::local(), head);
        assert!(outcome.status.is_fail(), "{head:?}: {outcome:#?}");
    }
    for (end, code) in [(ReplyEnd::Closed, "closed"), (ReplyEnd::Silent, "no_answer")] {
        let facts = ended(&[b""], end);
        let outcome = judged(&probe, steps(probe.kind), URL, Profile::local(), facts);
        assert_eq!(codes(&outcome), [code]);
    }
    // One that never ends has a status all the same, and one that stalls has none.
    let mut said = answer("401 Unauthorized", "");
    said.extend([b' '; 16 * 1024]);
    let facts = ended(&[&said], ReplyEnd::TooLong);
    let outcome = judged(&probe, steps(probe.kind), URL, Profile::local(), facts);
    assert!(outcome.status.is_pass());
    let facts = ended(&[&said], ReplyEnd::Silent);
    let outcome = judged(&probe, steps(probe.kind), URL, Profile::local(), facts);
    assert_eq!(codes(&outcome), ["no_answer"]);
    // Unless its length says that it is whole.
    for (length, passes) in [("1", false), ("2", true), ("3", false), ("x", false)] {
        let said = format!("HTTP/1.1 401 Unauthorized\r\nCONTENT-LENGTH: {length}\r\n\r\n{{}}");
        let facts = ended(&[said.as_bytes()], ReplyEnd::Silent);
        let outcome = judged(&probe, steps(probe.kind), URL, Profile::local(), facts);
        assert_eq!(outcome.status.is_pass(), passes, "{length}");
    }
}
