//! `http.content` beside Debian's prometheus-blackbox-exporter: the same pages, the same verdicts.

#[path = "support/blackbox.rs"]
mod support;

use readiness_probes::{Requirement, Suite, Target, builtin, live::Live};
use serde_json::json;

use self::support::Both;

#[tokio::test]
async fn both_say_the_same_of_a_page() {
    let both = Both::start().await;
    let mut blackbox = both.asker().await;
    let nobody = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    for (what, url, code, is_well) in [
        ("a page as expected", both.url("/"), None, true),
        (
            "a server that is sick",
            both.url("/sick"),
            Some("unexpected_status"),
            false,
        ),
        ("another text", both.url("/other"), Some("lacks"), false),
        ("a redirect", both.url("/moved"), Some("unexpected_status"), false),
        ("nobody there", nobody, None, false),
    ] {
        let target = Target::parse(&url).unwrap();
        let settings = json!({ "contains": ["\"status\":\"ok\""] });
        let probe = builtin::registry().build("http.content", &settings).unwrap();
        let suite = Suite::new(Live::new().sources().unwrap())
            .with(Requirement::new(probe, target))
            .unwrap();
        let report = suite.run().await;
        let outcome = &report.results[0].targets[0].outcome;
        assert_eq!(outcome.status.is_pass(), is_well, "{what}: {outcome:?}");
        assert_eq!(blackbox.is_success(&url).await, is_well, "{what}");
        // Of a failure blackbox tells no reason outside of its log.
        let told = outcome.findings.iter().find(|finding| !finding.is_note());
        if let Some(code) = code {
            assert_eq!(
                told.map(|finding| finding.code.as_str()),
                Some(code),
                "{what}: {outcome:?}"
            );
        }
    }
}
