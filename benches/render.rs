//! Rendering a report of 100,000 results, beside what serde_json takes for the same.

mod support;

use std::sync::Arc;

use readiness_core::{
    Evidence, Finding, Measure, Outcome, Priority, Reason, Report, Requirement, Suite, Target, Unit,
    probe_fn, report::TextOptions,
};
use readiness_report::{JunitDialect, MarkdownOptions, to_json, to_junit, to_markdown};

use self::support::{count, heading, held, median, ratio, runtime, shown};

fn main() {
    heading("render");
    let results = count(100_000, 1_000);
    let rounds = count(7, 1);
    let report = report(results);
    let serialize = || serde_json::to_string(&report).unwrap();
    let raw_length = serialize().len();
    let raw = median(rounds, serialize);
    let show = |time: std::time::Duration, bytes: usize| {
        format!("{:.0} ms, {} KiB", time.as_secs_f64() * 1e3, bytes / 1024)
    };
    shown(
        &format!("serde_json::to_string, {results} results"),
        show(raw, raw_length),
    );
    let all = MarkdownOptions::default().max_bytes(usize::MAX);
    let text = TextOptions::default();
    let renderers: [(&str, &dyn Fn() -> String); 7] = [
        ("JSON", &|| to_json(&report)),
        ("serde_json::to_string_pretty", &|| {
            serde_json::to_string_pretty(&report).unwrap()
        }),
        ("JUnit, common", &|| to_junit(&report, JunitDialect::Common)),
        ("JUnit, strict", &|| to_junit(&report, JunitDialect::Strict)),
        ("Markdown, its usual 1000 KiB", &|| {
            to_markdown(&report, MarkdownOptions::default())
        }),
        ("Markdown, without a limit", &|| to_markdown(&report, all)),
        ("text", &|| report.to_text(text)),
    ];
    for (name, render) in renderers {
        let length = render().len();
        let time = median(rounds, render);
        shown(name, show(time, length));
        let times = ratio(time, raw);
        let figure = format!("{times:.2}");
        let what = format!("  {name} : serializer");
        if name == "JSON" {
            held(&what, figure, "<= 2", times <= 2.0);
        } else {
            shown(&what, figure);
        }
    }
}

/// So many results, each of one of ten kinds: most hold, some fail, warn, are unknown or do not apply.
fn report(results: usize) -> Report {
    let target = Arc::new(Target::parse("https://api.example.com/").unwrap());
    let mut suite = Suite::default();
    for n in 0..10_u32 {
        let probe = probe_fn("bench.header", move |_| async move { Ok(outcome(n)) });
        let requirement = Requirement::new(probe, Arc::clone(&target))
            .named(format!("bench.header_{n}"))
            .priority([Priority::High, Priority::Medium, Priority::Low][n as usize % 3]);
        suite.add(requirement).unwrap();
    }
    let mut report = runtime().block_on(suite.run());
    let kinds = std::mem::take(&mut report.results);
    report.results = (0..results)
        .map(|n| {
            let mut result = kinds[n % kinds.len()].clone();
            result.id = format!("bench.header_{n}");
            result
        })
        .collect();
    report
}

fn outcome(kind: u32) -> Outcome {
    let fault = |finding: Finding| {
        finding
            .subject("cookie `theme`")
            .evidence("Set-Cookie", "theme=[redacted]; Path=/; SameSite=Lax")
            .remedy("add `Secure` to the cookie")
    };
    match kind {
        6 => Outcome::judged(
            "1 of 3 cookies is not safe",
            vec![
                fault(Finding::fail(
                    "no_secure",
                    "`Secure` is missing, expected it on every cookie",
                )),
                Finding::note("safe", "all attributes are set").subject("cookie `sid`"),
            ],
        ),
        7 => Outcome::judged(
            "1 of 3 cookies could be safer",
            vec![fault(Finding::warn(
                "no_prefix",
                "the name has no prefix, expected `__Host-`",
            ))],
        ),
        8 => Outcome::unknown(Reason::TIMEOUT, "no answer within 5s"),
        9 => Outcome::not_applicable("the response is no page: `application/json`"),
        _ => {
            let mut outcome = Outcome::pass("`max-age` is 63072000 s, with subdomains")
                .measure(Measure::new("max_age", 63_072_000, Unit::Seconds));
            outcome.evidence.push(Evidence::new(
                "Strict-Transport-Security",
                "max-age=63072000; includeSubDomains; preload",
            ));
            outcome
        }
    }
}
