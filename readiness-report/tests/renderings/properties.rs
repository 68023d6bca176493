use proptest::{collection::vec, prelude::*, sample::select};
use readiness_core::{Cause, Credit, Finding, Measure, Outcome, Priority, Reason, Report, Status, Unit};
use readiness_report::{JunitDialect, MarkdownOptions, from_json, public, to_json, to_junit, to_markdown};
use serde_json::{Value, json};

use crate::{
    junit::{assert_counts, assert_strict},
    markdown::assert_harmless,
    reports::{HOSTILE, at, digest, read, report, requirement, score},
    xml::parse,
};

/// Any text: arbitrary Unicode, attacks, attacks within other text, and what is mostly markup.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        vec(any::<char>(), 0..24).prop_map(String::from_iter),
        select(&HOSTILE[..]).prop_map(str::to_owned),
        (any::<String>(), select(&HOSTILE[..]), any::<String>()).prop_map(|(a, b, c)| a + b + &c),
        "[`*_\\[\\]()<>!#|~$@:/.\\\\&;a-c0-9 \r\n\t-]{0,40}",
        "[`\\\\ @a]{0,16}",
        Just(String::new()),
    ]
}

fn cause() -> impl Strategy<Value = Cause> {
    (text(), text(), text())
        .prop_map(|(subject, reason, message)| Cause::new(subject, Reason::from(reason), message))
}

fn status() -> impl Strategy<Value = Status> {
    prop_oneof![
        Just(Status::Pass),
        (0_u16..1000).prop_map(|credit| Status::Warn {
            credit: Credit::saturating(credit)
        }),
        Just(Status::Fail),
        text().prop_map(|reason| Status::unknown(Reason::from(reason))),
        cause().prop_map(|cause| Status::Unknown {
            reason: Reason::DEPENDENCY_FAILED,
            cause: Some(cause)
        }),
        // a cause that several share
        Just(Status::Unknown {
            reason: Reason::DEPENDENCY_FAILED,
            cause: Some(Cause::new("x", Reason::DNS_NXDOMAIN, "y"))
        }),
        text().prop_map(|because| Status::NotApplicable { because }),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    let finding = (
        status(),
        [text(), text(), text(), text()],
        vec((text(), text()), 0..3),
    )
        .prop_map(|(status, [code, subject, message, remedy], evidence)| {
            evidence.into_iter().fold(
                Finding::new(code, status, message)
                    .subject(subject)
                    .remedy(remedy),
                |finding, (label, value)| finding.evidence(label, value),
            )
        });
    let measure =
        (text(), any::<i64>(), any::<i64>(), any::<i64>()).prop_map(|(name, value, target, limit)| {
            Measure::new(name, value, Unit::Microseconds).at_most(target, limit)
        });
    (
        status(),
        text(),
        vec(finding, 0..3),
        vec((text(), text()), 0..3),
        vec(measure, 0..2),
    )
        .prop_map(|(status, summary, findings, evidence, measures)| {
            let mut outcome = Outcome::pass(summary);
            outcome.status = status;
            outcome.findings = findings;
            outcome.measures = measures;
            evidence
                .into_iter()
                .fold(outcome, |outcome, (label, value)| outcome.evidence(label, value))
        })
}

fn accepted() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(json!({ "by": "baseline" }))),
        1 => (text(), text(), any::<i64>()).prop_map(|(owner, reason, until)| {
            Some(json!({ "by": "waiver", "owner": owner, "reason": reason, "until": format!("@{until}") }))
        }),
    ]
}

fn looks() -> impl Strategy<Value = Value> {
    (1_u32..4, vec((status(), text(), any::<u64>()), 0..4)).prop_map(|(needed, seen)| {
        let seen: Vec<Value> = seen
            .into_iter()
            .map(|(status, summary, duration)| {
                let mut look = json!(status);
                look["summary"] = json!(summary);
                look["duration_ms"] = json!(duration);
                look
            })
            .collect();
        json!({ "needed": needed, "most": 4, "seen": seen })
    })
}

fn target() -> impl Strategy<Value = Value> {
    (
        text(),
        outcome(),
        text(),
        any::<u32>(),
        any::<bool>(),
        any::<u64>(),
        (
            accepted(),
            proptest::option::weighted(0.2, status()),
            proptest::option::weighted(0.2, looks()),
        ),
    )
        .prop_map(
            |(label, outcome, url, attempts, flaky, duration, (accepted, counts_as, looks))| {
                let mut target = at("api", outcome);
                target["target"] = json!(label);
                target["url"] = json!(url);
                target["attempts"] = json!(attempts);
                target["flaky"] = json!(flaky);
                target["duration_ms"] = json!(duration);
                if let Some(counts_as) = counts_as {
                    target["counts_as"] = json!(counts_as);
                }
                if let Some(looks) = looks {
                    target["looks"] = looks;
                }
                if let Some(accepted) = accepted {
                    target["accepted"] = accepted;
                }
                target
            },
        )
}

fn result() -> impl Strategy<Value = Value> {
    (
        "[a-z]{1,3}\\.[a-z]{1,3}",
        text(),
        select(&Priority::ALL[..]),
        any::<bool>(),
        vec(target(), 0..3),
        [text(), text(), text(), text()],
    )
        .prop_map(
            |(probe, id, priority, blocker, targets, [why, fix, title, url])| {
                let mut result = requirement("a.b", &id, priority, &targets);
                result["id"] = json!(id);
                result["probe"] = json!(probe);
                result["blocker"] = json!(blocker);
                result["why"] = json!(why);
                result["fix"] = json!(fix);
                result["references"] = json!([{ "title": title, "url": url }]);
                result
            },
        )
}

fn any_report() -> impl Strategy<Value = Report> {
    let figures = (any::<i64>(), any::<u64>(), 0_u32..=10_000, any::<bool>());
    let optional = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (vec(result(), 0..4), vec(text(), 24), figures, optional).prop_map(
        |(results, texts, (started, number, share, fail_on_warn), (waivers, attestations, baseline, trend))| {
            let mut texts = texts.into_iter().cycle();
            let mut next = || texts.next().unwrap();
            let mut made = report("not_ready", &results);
            made["started_at"] = json!(format!("@{started}"));
            made["duration_ms"] = json!(number);
            made["catalog"] = json!(next());
            made["tool"] = json!({ "name": next(), "version": next() });
            made["decision"] = json!({ "verdict": "not_ready", "rule": next(), "because": [next(), next()] });
            made["score"]["categories"] = json!({ (next()): score(share, 10_000, share) });
            made["policy"]["fail_on_warn"] = json!(fail_on_warn);
            made["view"] = json!({
                "host": next(), "resolvers": [next(), next()], "families": ["v4", "v6"], "trust_store": next(),
                "trust_anchors": 3, "proxy_variables": [next()], "overrides": [next()],
                "profiles": { (next()): next() }, "not_looked_at": [next()],
            });
            made["cost"] = json!({ (next()): number, (next()): 1 });
            if waivers {
                made["waivers"] = json!([{ "waiver": { "requirement": next(), "code": next(), "reason": next(), "owner": next(), "until": "2027-01-01" }, "state": "not_yet" }]);
            }
            if attestations {
                let about = results.first().map_or_else(&mut next, |result| result["id"].as_str().unwrap().to_owned());
                made["attestations"] = json!([{ "attestation": { "requirement": about, "status": "fail", "statement": next(), "signer": next(), "role": next(), "at": "2026-10-01", "evidence": [{ "url": next(), "sha256": digest('e') }] }, "used": true, "note": next() }]);
            }
            if baseline {
                made["baseline"] = json!({ "excused": 3, "refused": [next()], "stale": [{ "requirement": next(), "target": next(), "code": next(), "subject": next(), "fingerprint": "0" }] });
            }
            if trend {
                made["trend"] = json!({ "proven_before": share, "like_for_like_before": null, "like_for_like_now": share, "changes": [{ "requirement": next(), "target": next(), "kind": "became_unknown", "before": "pass", "now": next() }] });
            }
            read(&made)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_texts_hold_every_rendering_is_well_formed(report in any_report()) {
        let common = to_junit(&report, JunitDialect::Common);
        parse(&common);
        assert_counts(&common);
        let strict = to_junit(&report, JunitDialect::Strict);
        assert_strict(&strict);
        assert_counts(&strict);
        assert_harmless(&to_markdown(&report, MarkdownOptions::default()));
        let json = to_json(&report);
        prop_assert!(serde_json::from_str::<Value>(&json).is_ok());
        prop_assert!(!json.chars().any(|c| c.is_control() && c != '\n'));
    }

    #[test]
    fn a_report_read_back_renders_the_same_bytes(report in any_report()) {
        let json = to_json(&report);
        let back = from_json(&json).unwrap();
        prop_assert_eq!(&back, &report);
        prop_assert_eq!(to_json(&back), json);
        for dialect in [JunitDialect::Common, JunitDialect::Strict] {
            prop_assert_eq!(to_junit(&back, dialect), to_junit(&report, dialect));
        }
        let options = MarkdownOptions::default();
        prop_assert_eq!(to_markdown(&back, options), to_markdown(&report, options));
    }

    #[test]
    fn a_summary_keeps_its_limit(report in any_report(), limit in 0_usize..8_000) {
        let text = to_markdown(&report, MarkdownOptions::default().max_bytes(limit));
        prop_assert!(text.len() <= limit.max(MarkdownOptions::LEAST_BYTES), "{} of {limit}", text.len());
        assert_harmless(&text);
    }

    #[test]
    fn what_is_public_renders_too(report in any_report()) {
        let public = public(&report);
        assert_strict(&to_junit(&public, JunitDialect::Strict));
        assert_harmless(&to_markdown(&public, MarkdownOptions::default()));
        prop_assert_eq!(from_json(&to_json(&public)).unwrap(), public);
    }

    #[test]
    fn no_text_is_a_reason_to_panic(text in any::<String>(), cut in any::<prop::sample::Index>(), report in any_report()) {
        let _ = from_json(&text);
        let json = to_json(&report);
        // without the last brace, or more, it is no report
        let begun: String = json.chars().take(cut.index(json.chars().count() - 1)).collect();
        prop_assert!(from_json(&begun).is_err());
    }
}
