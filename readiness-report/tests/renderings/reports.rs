//! Reports made by hand: what a run would have given.

use readiness_core::{
    Cause, Credit, Finding, Measure, Outcome, Priority, Reason, Report, Status, Timestamp, Unit,
};
use readiness_report::from_json;
use serde_json::{Value, json};

/// A digest that is easy to recognise.
pub(crate) fn digest(digit: char) -> String {
    std::iter::repeat_n(digit, 64).collect()
}

pub(crate) fn read(report: &Value) -> Report {
    from_json(&report.to_string()).unwrap_or_else(|error| panic!("{error}: {report}"))
}

/// One requirement with its targets. Its status is the worst of theirs.
pub(crate) fn requirement(id: &str, title: &str, priority: Priority, targets: &[Value]) -> Value {
    let probe = if id.contains('.') {
        id.to_owned()
    } else {
        format!("acme.{id}")
    };
    let mut result = json!({
        "id": id,
        "probe": probe,
        "title": title,
        "priority": priority,
        "weight": priority.weight(),
        "blocker": priority == Priority::Critical,
        "status": "pass",
        "targets": targets,
    });
    let counts = |target: &Value| target.get("counts_as").unwrap_or(target).clone();
    let rank = |target: &Value| serde_json::from_value::<Status>(target.clone()).unwrap().rank();
    if let Some(worst) = targets.iter().map(counts).min_by_key(rank) {
        for key in ["status", "credit", "reason", "cause", "because"] {
            if let Some(value) = worst.get(key) {
                result[key] = value.clone();
            }
        }
    }
    result
}

/// One requirement at one target.
pub(crate) fn at(label: &str, outcome: Outcome) -> Value {
    let mut target = json!({
        "target": label,
        "url": format!("https://{label}.example.com/"),
        "attempts": 1,
        "duration_ms": 12,
    });
    merge(&mut target, &serde_json::to_value(outcome).unwrap());
    target
}

pub(crate) fn merge(into: &mut Value, from: &Value) {
    for (key, value) in from.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// A report with these results and everything else as it mostly is.
pub(crate) fn report(verdict: &str, results: &[Value]) -> Value {
    json!({
        "schema_version": 1,
        "tool": { "name": "readiness", "version": "0.1.0" },
        "catalog": "2026.1",
        "started_at": "2026-11-20T08:00:00Z",
        "duration_ms": 1234,
        "decision": { "verdict": verdict, "rule": "no blocker may fail or stay unknown" },
        "score": score(10_000, 10_000, 10_000),
        "view": {
            "host": "ci-7",
            "resolvers": ["192.0.2.53:53"],
            "families": ["v4"],
            "trust_store": "platform",
            "trust_anchors": 142,
            "proxy_variables": [],
            "overrides": [],
            "profiles": { "api": "production" },
            "not_looked_at": ["IPv6: no local route"],
        },
        "results": results,
        "policy": {
            "target": null, "min_coverage": null, "floors": {}, "max_not_applicable": null,
            "fail_on_warn": false, "no_regression": false, "four_eyes": false,
        },
        "cost": { "dns queries": 2, "tls connections": 1, "plain connections": 1 },
        "suite_digest": digest('a'),
        "results_digest": digest('b'),
    })
}

pub(crate) fn score(proven: u32, possible: u32, coverage: u32) -> Value {
    json!({
        "proven": proven, "possible": possible, "coverage": coverage, "evaluated": proven,
        "gate_proven": proven, "gate_possible": possible, "not_applicable": 0,
        "weight": 20, "unknown_weight": 0, "earned": 20_000, "waived_weight": 0,
    })
}

pub(crate) fn ready() -> Value {
    let certificate = Outcome::pass("valid for 61 more days").evidence("not after", "2027-01-20T00:00:00Z");
    let hsts = Outcome::judged(
        "`max-age` is 31536000 s",
        vec![Finding::note("preload", "the header asks for preloading")],
    );
    let latency = Outcome::pass("200 in 4.2 ms").measure(Measure::new("latency", 4_200, Unit::Microseconds));
    report(
        "ready",
        &[
            requirement(
                "tls.certificate",
                "the certificate is valid",
                Priority::Critical,
                &[at("api", certificate)],
            ),
            requirement(
                "http.hsts",
                "browsers only use https",
                Priority::High,
                &[at("api", hsts)],
            ),
            requirement(
                "http.health",
                "the service says it is well",
                Priority::Critical,
                &[at("api", latency)],
            ),
            requirement(
                "http.cookies",
                "cookies are safe",
                Priority::High,
                &[at("api", Outcome::not_applicable("the response sets no cookie"))],
            ),
        ],
    )
}

/// Something of everything.
pub(crate) fn mixed() -> Value {
    let expired = Outcome::judged(
        "the certificate expired 3 days ago",
        vec![
            Finding::fail(
                "expired",
                "expected a certificate valid now, found one that ended 3 days ago",
            )
            .subject("chain[0]")
            .evidence("not after", "2026-11-17T00:00:00Z")
            .remedy("renew the certificate, and see why the renewal did not run"),
            Finding::note("trusted", "the path ends at a known root").subject("chain[2]"),
        ],
    )
    .evidence("address", "192.0.2.7:443");
    let short = Outcome::judged(
        "`max-age` is 300 s",
        vec![
            Finding::warn(
                "max_age_too_short",
                "`max-age` is 300 s, expected at least 15552000 s",
            )
            .evidence("strict-transport-security", "max-age=300")
            .remedy("send `Strict-Transport-Security: max-age=31536000`"),
        ],
    );
    let slow = Outcome::judged(
        "200 in 4.2 ms",
        vec![Finding::warn("slow", "4.2 ms, expected at most 3 ms").credit(Credit::saturating(600))],
    )
    .measure(Measure::new("latency p95", 4_200, Unit::Microseconds).at_most(3_000, 6_000));
    let silent = Outcome::unknown(Reason::DNS_SILENT, "no nameserver answered within 2 s")
        .evidence("nameserver", "192.0.2.53");
    let open = Outcome::judged(
        "port 8443 is open, not allowed",
        vec![
            Finding::fail("open", "expected closed, found open")
                .subject("port 8443")
                .remedy("close it, or add it to `allowed`"),
        ],
    );
    let discloses = Outcome::judged(
        "`server` tells a version",
        vec![Finding::fail("version", "`server` tells `nginx/1.18.0`").evidence("server", "nginx/1.18.0")],
    );
    let mut flaky = at("api", Outcome::pass("connected in 3.0 ms"));
    merge(&mut flaky, &json!({ "attempts": 3, "flaky": true }));
    let mut waived = at("api", open);
    waived["accepted"] = json!({ "by": "waiver", "owner": "ops@example.com", "until": "2027-01-31T00:00:00Z", "reason": "moves behind the VPN in January" });
    let mut known = at(
        "api",
        Outcome::judged(
            "1 weak cookie",
            vec![Finding::fail("no_secure", "`Secure` is missing").subject("cookie `theme`")],
        ),
    );
    known["accepted"] = json!({ "by": "baseline" });
    let mut certificate = requirement(
        "tls.certificate",
        "the certificate is valid",
        Priority::Critical,
        &[
            at("api", expired),
            at("www", Outcome::pass("valid for 61 more days")),
        ],
    );
    merge(
        &mut certificate,
        &json!({
            "why": "Clients refuse an expired certificate.",
            "fix": "Renew the certificate.",
            "references": [{ "title": "RFC 5280 section 4.1.2.5", "url": "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5" }],
        }),
    );
    let mut attested = at(
        "api",
        Outcome::unknown(Reason::NOT_BOUND, "no probe can judge this"),
    );
    attested["counts_as"] = json!({ "status": "pass" });
    let pentest = requirement(
        "pentest",
        "somebody tried to break in",
        Priority::High,
        &[attested],
    );
    let mut old = at("api", Outcome::pass("restored in 12 min"));
    old["counts_as"] = json!({ "status": "unknown", "reason": "stale" });
    let restore = requirement("acme.restore", "a backup can be restored", Priority::Low, &[old]);
    let signed_off = json!({
        "id": "sign_off", "probe": "acme.sign_off", "title": "operations agree", "priority": "medium", "weight": 2,
        "blocker": false, "status": "unknown", "reason": "attestation_missing", "targets": [],
    });
    let mut report = report(
        "not_ready",
        &[
            certificate,
            requirement(
                "http.hsts",
                "browsers only use https",
                Priority::High,
                &[at("api", short)],
            ),
            requirement(
                "http.latency",
                "it answers quickly",
                Priority::Medium,
                &[at("api", slow)],
            ),
            requirement(
                "dns.records",
                "the records are as wanted",
                Priority::High,
                &[at("api", silent)],
            ),
            requirement(
                "net.port_exposure",
                "only wanted ports are open",
                Priority::Critical,
                &[waived],
            ),
            requirement("http.cookies", "cookies are safe", Priority::High, &[known]),
            requirement(
                "http.disclosure",
                "nothing is told needlessly",
                Priority::Info,
                &[at("api", discloses)],
            ),
            requirement(
                "http.permissions_policy",
                "features are limited",
                Priority::Info,
                &[at(
                    "api",
                    Outcome::unknown(Reason::UNEXPECTED_RESPONSE, "a 503 is not the page"),
                )],
            ),
            requirement("net.tcp", "the port answers", Priority::Medium, &[flaky]),
            requirement(
                "http.https_redirect",
                "plain http leads to https",
                Priority::High,
                &[at(
                    "api",
                    Outcome::not_applicable("https on port 8443; set `plain_port` to check"),
                )],
            ),
            pentest,
            restore,
            signed_off,
        ],
    );
    merge(
        &mut report,
        &json!({
            "decision": {
                "verdict": "not_ready",
                "rule": "no blocker may fail or stay unknown",
                "because": ["`tls.certificate` at `api` is a blocker and fails: the certificate expired 3 days ago"],
            },
            "judged_at": "2026-11-21T08:00:00Z",
            "score": score(6_638, 7_489, 9_148),
            "waivers": [
                { "waiver": { "requirement": "net.port_exposure", "subject": "port 8443", "reason": "moves behind the VPN in January", "owner": "ops@example.com", "approver": "lead@example.com", "until": "2027-01-31T00:00:00Z" }, "state": "active" },
                { "waiver": { "requirement": "http.csp", "target": "www", "code": "missing", "reason": "static pages", "owner": "web", "until": "2026-01-31T00:00:00Z" }, "state": "expired" },
            ],
            "attestations": [{
                "attestation": {
                    "requirement": "pentest", "status": "pass", "statement": "no finding above low is open",
                    "signer": "A. Tester", "role": "security", "at": "2026-10-01T00:00:00Z", "until": "2027-03-01T00:00:00Z",
                    "evidence": [{ "url": "https://docs.example.com/pentest.pdf", "sha256": digest('c') }],
                },
                "used": true,
            }],
            "baseline": {
                "excused": 1,
                "known": [
                    { "requirement": "http.cookies", "target": "api", "code": "no_secure", "subject": "cookie `theme`", "fingerprint": "fedcba9876543210fedcba9876543210" },
                ],
                "refused": ["`tls.certificate` at `api`: an expired certificate cannot be baselined"],
                "stale": [{ "requirement": "http.cookies", "target": "api", "code": "no_secure", "subject": "cookie `old`", "fingerprint": "0123456789abcdef0123456789abcdef" }],
            },
            "trend": {
                "proven_before": 8_000, "like_for_like_before": 8_100, "like_for_like_now": 6_700,
                "changes": [
                    { "requirement": "tls.certificate", "target": "api", "kind": "regressed", "before": "pass", "now": "fail" },
                    { "requirement": "dns.records", "target": "api", "kind": "became_unknown", "before": "pass", "now": "unknown" },
                    { "requirement": "net.tcp", "target": "api", "kind": "new", "before": "", "now": "pass" },
                ],
            },
        }),
    );
    report["score"]["categories"] =
        json!({ "http": score(5_000, 5_000, 10_000), "tls": score(0, 0, 10_000) });
    report
}

pub(crate) fn nxdomain() -> Cause {
    Cause::new(
        "address of api.example.com",
        Reason::DNS_NXDOMAIN,
        "the name `api.example.com` does not exist",
    )
}

/// A name that does not exist, and all who stand on it.
pub(crate) fn cascade() -> Value {
    let missing = || at("api", Outcome::dependency_failed(nxdomain()));
    let nxdomain = Outcome::judged(
        "NXDOMAIN for A and AAAA",
        vec![
            Finding::fail("nxdomain", "the name does not exist")
                .remedy("create the record, or mend the target's name"),
        ],
    );
    let mut report = report(
        "inconclusive",
        &[
            requirement(
                "dns.records",
                "the records are as wanted",
                Priority::High,
                &[at("api", nxdomain)],
            ),
            requirement(
                "http.hsts",
                "browsers only use https",
                Priority::High,
                &[missing()],
            ),
            requirement(
                "tls.certificate",
                "the certificate is valid",
                Priority::Critical,
                &[missing()],
            ),
            requirement(
                "http.health",
                "the service says it is well",
                Priority::Critical,
                &[missing()],
            ),
            requirement(
                "http.disclosure",
                "nothing is told needlessly",
                Priority::Info,
                &[missing()],
            ),
        ],
    );
    report["score"] = score(0, 8_000, 2_000);
    report["decision"]["because"] =
        json!(["`tls.certificate` at `api` is a blocker and could not be judged"]);
    report
}

/// Everything that fails is accepted.
pub(crate) fn waived() -> Value {
    let mut failing = at(
        "api",
        Outcome::judged(
            "port 22 is open",
            vec![Finding::fail("open", "expected closed, found open").subject("port 22")],
        ),
    );
    failing["accepted"] = json!({ "by": "waiver", "owner": "ops", "until": "2027-01-31T00:00:00Z", "reason": "needed until the move" });
    let mut unknown = at("api", Outcome::dependency_failed(nxdomain()));
    unknown["accepted"] = json!({ "by": "waiver", "owner": "ops", "until": "2027-01-31T00:00:00Z", "reason": "the name comes with the launch" });
    let mut report = report(
        "ready_with_waivers",
        &[
            requirement(
                "net.port_exposure",
                "only wanted ports are open",
                Priority::Critical,
                &[failing],
            ),
            requirement(
                "tls.certificate",
                "the certificate is valid",
                Priority::Critical,
                &[unknown],
            ),
        ],
    );
    report["score"] = score(0, 5_000, 5_000);
    report["waivers"] = json!([
        { "waiver": { "requirement": "net.port_exposure", "reason": "needed until the move", "owner": "ops", "until": "2027-01-31T00:00:00Z" }, "state": "active" },
    ]);
    report
}

/// Nothing optional, nothing at all.
pub(crate) fn empty() -> Value {
    let mut report = report("inconclusive", &[]);
    for share in [
        "proven",
        "possible",
        "coverage",
        "evaluated",
        "gate_proven",
        "gate_possible",
        "not_applicable",
    ] {
        report["score"][share] = Value::Null;
    }
    report["view"] = json!({
        "host": "", "resolvers": [], "families": [], "trust_store": "", "trust_anchors": 0, "proxy_variables": [],
        "overrides": [], "profiles": {}, "not_looked_at": [],
    });
    report["cost"] = json!({});
    report
}

/// What no renderer may pass on as it is: each is an attack on one of them.
pub(crate) const HOSTILE: [&str; 14] = [
    "\u{1b}[2J\u{1b}]0;title\u{7}red\u{9b}31m\u{0}\u{8}",
    "]]> <![CDATA[ </failure><error type=\"x\"/> &amp; &#0; ' \" <?xml?>",
    "</summary></details><script>alert(1)</script><img src=x onerror=alert(2)>",
    "![tracker](https://evil.example/p.png) [click](javascript:alert(1)) <https://evil.example>",
    "`code` ``` ```` ~~~ `` ` $x^2$ $`y`$",
    "line one\r\n## heading\n\n| a | b |\n|---|---|\r1. list\n> quote\n- [x] done",
    "@octocat please see https://evil.example/#12 or www.evil.example, mail me@evil.example",
    "safe\u{202e}gpj.exe\u{2066}\u{200f}\u{2028}next\u{2029}\u{feff}\u{fffe}\u{ffff}\u{1fffe}",
    "# heading",
    "- item",
    "12. item",
    "---",
    "   \t\n ",
    "a|b\\|c\\",
];

/// Every text of the report is hostile.
pub(crate) fn hostile() -> Value {
    let mut number = 0;
    let mut next = || {
        number += 1;
        HOSTILE[number % HOSTILE.len()]
    };
    let mut results = Vec::new();
    for (index, status) in [
        Status::Fail,
        Status::warn(),
        Status::unknown(Reason::from(next().to_owned())),
        Status::Pass,
        Status::NotApplicable {
            because: next().to_owned(),
        },
        Status::Unknown {
            reason: Reason::DEPENDENCY_FAILED,
            cause: Some(Cause::new(next(), Reason::from(next().to_owned()), next())),
        },
        Status::Fail,
    ]
    .into_iter()
    .enumerate()
    {
        let mut outcome = Outcome::pass(next()).evidence(next(), next());
        outcome.measures.push(Measure::new(next(), -1, Unit::Bytes));
        for _ in 0..3 {
            outcome.findings.push(
                Finding::new(next(), status.clone(), next())
                    .subject(next())
                    .evidence(next(), next())
                    .remedy(next()),
            );
        }
        outcome.status = status;
        let mut target = at(next(), outcome);
        target["url"] = json!(next());
        if index == 6 {
            target["accepted"] =
                json!({ "by": "waiver", "owner": next(), "until": "2027-01-31T00:00:00Z", "reason": next() });
        }
        let mut result = requirement(
            &format!("http.hostile_{index}"),
            next(),
            Priority::High,
            &[target],
        );
        result["id"] = json!(next());
        result["why"] = json!(next());
        result["fix"] = json!(next());
        result["references"] = json!([{ "title": next(), "url": next() }]);
        results.push(result);
    }
    let mut report = report("not_ready", &results);
    report["catalog"] = json!(next());
    report["decision"]["rule"] = json!(next());
    report["decision"]["because"] = json!([next(), next(), next()]);
    report["view"] = json!({
        "host": next(), "resolvers": [next()], "families": [], "trust_store": next(), "trust_anchors": 1,
        "proxy_variables": [next()], "overrides": [next()], "profiles": { (next()): next() }, "not_looked_at": [next(), next()],
    });
    report["cost"] = json!({ (next()): u64::MAX });
    report["waivers"] = json!([{ "waiver": { "requirement": next(), "target": next(), "code": next(), "subject": next(), "reason": next(), "owner": next(), "approver": next(), "until": "2027-01-31T00:00:00Z" }, "state": "stale" }]);
    report["attestations"] = json!([{ "attestation": { "requirement": next(), "status": "pass", "statement": next(), "signer": next(), "role": next(), "at": "2026-10-01T00:00:00Z", "evidence": [{ "url": next(), "sha256": digest('d') }] }, "used": false, "note": next() }]);
    report["baseline"] = json!({ "excused": 0, "refused": [next()], "stale": [{ "requirement": next(), "target": next(), "code": next(), "subject": next(), "fingerprint": next() }] });
    report["trend"] = json!({ "proven_before": null, "like_for_like_before": null, "like_for_like_now": null, "changes": [{ "requirement": next(), "target": next(), "kind": "removed", "before": "", "now": "" }] });
    report["score"]["categories"] = json!({ (next()): score(0, 0, 0) });
    report
}

/// All of them, by name.
pub(crate) fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("ready", ready()),
        ("mixed", mixed()),
        ("cascade", cascade()),
        ("waived", waived()),
        ("empty", empty()),
        ("hostile", hostile()),
    ]
}

/// An instant past the years RFC 3339 can write.
pub(crate) fn far_future() -> Timestamp {
    Timestamp::from_unix_seconds(i64::MAX)
}
