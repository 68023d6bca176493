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
    let banners =
        ["X-AspNet-Version", "X-CMS", "Liferay-Portal"]
            .into_iter()
            .zip(["4.0.30319", "Joomla 4", "CE"]);
    let banners = banners.map(|(name, value)| {
        Finding::fail(
            "version",
            format!("`{value}` names a version, expected at most the product"),
        )
        .subject(format!("header `{name}`"))
        .evidence(name, value)
    });
    let banners = at(
        "api",
        Outcome::judged("3 headers tell a version", banners.collect()),
    );
    let mut report = report(
        "not_ready",
        &[
            requirement("acme.peer", "t", Priority::High, &[target]),
            requirement("http.disclosure", "t", Priority::Info, &[banners]),
        ],
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
            "4.0.30319",
            "Joomla",
            "`CE`",
            "\"CE\"",
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
fn the_public_sees_no_host_of_a_single_label() {
    let refused = Outcome::judged(
        "redis:6379: connection refused",
        vec![Finding::fail("refused", "redis:6379: connection refused")],
    );
    let mut cache = at("redis:6379", refused);
    cache["url"] = json!("redis://redis:6379");
    let mut named = at("queue", Outcome::fail("`mq-1` does not exist"));
    named["url"] = json!("amqp://mq-1");
    let mut report = report(
        "not_ready",
        &[
            requirement("dep.redis", "redis answers", Priority::Critical, &[cache]),
            requirement("net.tcp", "t", Priority::Critical, &[named]),
        ],
    );
    report["decision"]["because"] = json!(["`dep.redis` (blocker) fails at `redis:6379`"]);
    report["view"]["profiles"] = json!({ "redis:6379": "local", "queue": "local" });
    let public = public(&read(&report));
    assert_eq!(
        public.decision.because,
        ["`dep.redis` (blocker) fails at `[internal name]:6379`"]
    );
    // What is asked stays, and so does the label that somebody chose.
    assert_eq!(public.results[0].title, "redis answers");
    assert!(public.view.profiles.contains_key("queue"));
    let all = to_json(&public) + &to_junit(&public, JunitDialect::Strict);
    for secret in ["redis:6379", "//redis", "mq-1"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    assert!(all.contains("redis://[internal name]:6379"), "{all}");
    assert_eq!(readiness_report::public(&public), public);
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
