use readiness_core::{Finding, Outcome, Priority, Report};
use readiness_report::{
    Audience, JunitDialect, MarkdownOptions, for_audience, public, to_json, to_junit, to_markdown,
};
use serde_json::json;

use crate::reports::{all, at, read, report, requirement};

fn telling() -> Report {
    let outcome = Outcome::judged(
        "192.0.2.7:443 answers as nginx/1.18.0",
        vec![
            Finding::fail("banner", "the peer tells `nginx/1.18.0`, on 2001:db8::7")
                .subject("address 192.0.2.7")
                .evidence("Server", "nginx/1.18.0")
                .evidence("max-age", "300")
                .remedy("set `server_tokens off` on app-3.prod.svc.cluster.local"),
        ],
    )
    .evidence("remote address", "192.0.2.7:443")
    .evidence("nameserver", "10.9.8.7")
    .evidence("not after", "2027-01-20T00:00:00Z");
    let mut target = at("api", outcome);
    target["url"] = json!("https://192.0.2.7:8443/");
    let mut report = report(
        "not_ready",
        &[requirement("http.disclosure", "t", Priority::High, &[target])],
    );
    report["view"]["overrides"] = json!(["api.example.com=192.0.2.7"]);
    report["decision"]["because"] = json!(["`http.disclosure` at 192.0.2.7 fails"]);
    report["view"]["not_looked_at"] = json!(["2001:db8::7: no local route"]);
    read(&report)
}

#[test]
fn the_public_sees_no_address_name_or_banner() {
    let public = public(&telling());
    for rendering in [
        to_json(&public),
        to_junit(&public, JunitDialect::Common),
        to_junit(&public, JunitDialect::Strict),
        to_markdown(&public, MarkdownOptions::default()),
    ] {
        for secret in [
            "192.0.2.",
            "2001:db8",
            "10.9.8.7",
            "nginx",
            "1.18",
            "cluster.local",
            "ci-7",
        ] {
            assert!(!rendering.contains(secret), "{secret} in {rendering}");
        }
        // Markdown leaves what was seen beside the faults to the others.
        let is_markdown = rendering.starts_with("###");
        assert!(is_markdown || rendering.contains("[address 1]"), "{rendering}");
        let keeps_the_rest = rendering.contains("max-age") && rendering.contains("2027-01-20");
        assert!(is_markdown || keeps_the_rest, "{rendering}");
    }
}

#[test]
fn the_judgement_is_the_same_for_everybody() {
    for (name, report) in all() {
        let report = read(&report);
        let public = public(&report);
        assert_eq!(public.decision.verdict, report.decision.verdict, "{name}");
        assert_eq!(
            (&public.score, &public.policy),
            (&report.score, &report.policy),
            "{name}"
        );
        assert_eq!(public.results_digest, report.results_digest, "{name}");
        assert_eq!(public.results.len(), report.results.len(), "{name}");
        // it is a report like any other, and nothing is left to take out
        assert_eq!(read(&serde_json::to_value(&public).unwrap()), public, "{name}");
        assert_eq!(readiness_report::public(&public), public, "{name}");
    }
}

#[test]
fn those_who_run_it_see_everything() {
    let report = telling();
    assert_eq!(*for_audience(&report, Audience::Internal), report);
    assert_eq!(*for_audience(&report, Audience::Public), public(&report));
}

#[test]
fn one_cause_stays_one() {
    let report = public(&read(&crate::reports::cascade()));
    let xml = to_junit(&report, JunitDialect::Strict);
    assert_eq!(xml.matches("<error ").count(), 1, "{xml}");
}
