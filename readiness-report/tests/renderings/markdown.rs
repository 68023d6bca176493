use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use readiness_core::{Finding, Outcome, Priority};
use readiness_report::{MarkdownOptions, to_markdown};
use serde_json::{Value, json};

use crate::reports::{all, at, cascade, hostile, merge, mixed, read, ready, report, requirement, waived};

fn markdown(report: &Value) -> String {
    to_markdown(&read(report), MarkdownOptions::default())
}

/// What a reader would make of it: no link, image, table, formula or HTML, but our own folds, all closed.
pub(crate) fn assert_harmless(markdown: &str) {
    let mut open = 0;
    let mut in_code_block = false;
    for event in Parser::new_ext(markdown, Options::all()) {
        match event {
            Event::Html(html) | Event::InlineHtml(html) => {
                let html = html.trim();
                match html {
                    "<details>" => open += 1,
                    "</details>" => open -= 1,
                    _ => {
                        let title = html
                            .strip_prefix("<summary>")
                            .and_then(|html| html.strip_suffix("</summary>"));
                        let ours = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '(' | ')');
                        assert!(
                            title.is_some_and(|title| title.chars().all(ours)),
                            "{html}\n{markdown}"
                        );
                    }
                }
                assert!((0..=1).contains(&open), "folds are not nested");
            }
            Event::Start(Tag::CodeBlock(_)) => in_code_block = true,
            Event::End(TagEnd::CodeBlock) => in_code_block = false,
            Event::Start(
                tag @ (Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Table(_)
                | Tag::FootnoteDefinition(_)
                | Tag::BlockQuote(_)
                | Tag::Strikethrough
                | Tag::Emphasis
                | Tag::MetadataBlock(_)
                | Tag::DefinitionList),
            ) => panic!("{tag:?}\n{markdown}"),
            Event::Start(Tag::Heading { level, .. }) => {
                assert!(level as usize == 3 || level as usize == 4, "{markdown}");
            }
            Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::TaskListMarker(_)
            | Event::Rule
            | Event::FootnoteReference(_) => {
                panic!("{event:?}\n{markdown}")
            }
            Event::Text(text) => {
                assert!(!in_code_block, "{text}\n{markdown}");
                // What GitHub links by itself, on top of CommonMark.
                for mark in ["://", "@", "www."] {
                    assert!(!text.contains(mark), "{text}\n{markdown}");
                }
            }
            _ => {}
        }
    }
    assert_eq!(open, 0, "a fold is not closed");
    let count = |text: &str| markdown.matches(text).count();
    assert_eq!(count("<details>"), count("</details>"));
    assert!(!markdown.to_ascii_lowercase().contains("<script") && !markdown.contains("<img"));
    let forbidden = |c: char| c.is_control() && c != '\n';
    assert!(!markdown.chars().any(forbidden));
    assert!(markdown.starts_with("### Readiness: ") && markdown.ends_with('\n'));
}

#[test]
fn nothing_of_the_data_is_markup() {
    for (_, report) in all() {
        assert_harmless(&markdown(&report));
    }
}

#[test]
fn headings_are_ours_alone() {
    let headings = |markdown: &str| {
        let mut found = Vec::new();
        let mut inside = false;
        for event in Parser::new_ext(markdown, Options::all()) {
            match event {
                Event::Start(Tag::Heading { .. }) => {
                    inside = true;
                    found.push(String::new());
                }
                Event::End(TagEnd::Heading(_)) => inside = false,
                Event::Text(text) if inside => found.last_mut().unwrap().push_str(&text),
                _ => {}
            }
        }
        found
    };
    let expected = [
        "Readiness: NOT READY",
        "Failed",
        "Not judged",
        "Warnings",
        "Accepted",
        "Waivers",
        "Attestations",
        "Baseline",
        "Since the earlier report",
    ];
    assert_eq!(headings(&markdown(&mixed())), expected);
    assert_eq!(headings(&markdown(&hostile())), expected);
    assert_eq!(headings(&markdown(&ready())), ["Readiness: READY"]);
}

#[test]
fn findings_come_first() {
    let text = markdown(&mixed());
    let place = |wanted: &str| text.find(wanted).unwrap_or_else(|| panic!("{wanted} in {text}"));
    let order = [
        "### Readiness: NOT READY",
        "**66.38 % proven, 74.89 % possible**, 91.48 % of the weight judged",
        "Decided by the rule: no blocker may fail or stay unknown",
        "#### Failed",
        "to mend it: renew the certificate",
        "#### Not judged",
        "#### Warnings",
        "For information (2)",
        "#### Waivers",
        "#### Baseline",
        "#### Since the earlier report",
        "<summary>Passed (3)</summary>",
        "<summary>Not applicable (1)</summary>",
        "From where it was looked",
        "What it cost",
    ];
    assert!(order.map(place).is_sorted(), "{text}");
}

#[test]
fn one_cause_is_named_once() {
    let text = markdown(&cascade());
    assert_eq!(
        text.matches("`api.example.com` does not exist").count(),
        1,
        "{text}"
    );
    assert_eq!(text.matches("address of api.example.com").count(), 1, "{text}");
    assert!(text.contains("not judged because of it: 4\n"), "{text}");
    for id in ["http.hsts", "tls.certificate", "http.health", "http.disclosure"] {
        assert_eq!(text.matches(&format!("**`{id}`** at `api`")).count(), 1, "{text}");
    }
}

#[test]
fn what_is_waived_is_told_with_owner_and_end() {
    let text = markdown(&waived());
    assert!(text.contains("### Readiness: READY WITH WAIVERS"), "{text}");
    assert!(
        text.contains("accepted: waived until 2027-01-31 by ops: needed until the move"),
        "{text}"
    );
    assert!(
        !text.contains("#### Failed") && !text.contains("#### Not judged"),
        "{text}"
    );
}

fn failures(count: usize, size: usize) -> Value {
    let results: Vec<Value> = (0..count)
        .map(|n| {
            let finding = Finding::fail("code", "m".repeat(size)).evidence("label", "v".repeat(size));
            let outcome = Outcome::judged(format!("failure {n}"), vec![finding]);
            requirement(&format!("a.b{n}"), "t", Priority::High, &[at("api", outcome)])
        })
        .chain((0..50).map(|n| {
            requirement(
                &format!("a.c{n}"),
                "t",
                Priority::Low,
                &[at("api", Outcome::pass("fine"))],
            )
        }))
        .collect();
    report("not_ready", &results)
}

#[test]
fn the_size_is_kept_by_leaving_out_whole_entries() {
    let report = read(&failures(200, 500));
    let whole = to_markdown(&report, MarkdownOptions::default());
    assert!(!whole.contains("left out"));
    let total = whole.matches("- **`a.b").count();
    assert_eq!(total, 200);
    let mut last = usize::MAX;
    for limit in [whole.len() + 200, 100_000, 20_000, 5_000, 2_000, 1_500, 1_024] {
        let text = to_markdown(&report, MarkdownOptions::default().max_bytes(limit));
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        assert_harmless(&text);
        let shown = text.matches("- **`a.b").count();
        assert!(shown <= last, "a smaller limit shows no more");
        last = shown;
        // every entry that is shown is shown in full
        assert_eq!(text.matches("  - fails: ").count(), shown);
        assert_eq!(text.matches("    - seen: label = ").count(), shown);
        if shown < total {
            let left = total - shown;
            assert!(
                shown == 0 || text.contains(&format!("- … and {left} more, left out for size\n")),
                "{text}"
            );
            assert!(
                text.contains("left out for size; the JSON report holds them all"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_default_limit_is_that_of_a_job_summary() {
    let text = to_markdown(&read(&failures(3_000, 900)), MarkdownOptions::default());
    assert!(text.len() <= 1000 * 1024);
    assert!(text.len() > 990 * 1024, "the room is used");
    assert_harmless(&text);
}

#[test]
fn a_limit_too_small_still_tells_the_verdict() {
    for limit in [0, 1, 500] {
        let text = to_markdown(&read(&mixed()), MarkdownOptions::default().max_bytes(limit));
        assert!(text.len() <= MarkdownOptions::LEAST_BYTES);
        assert!(text.starts_with("### Readiness: NOT READY\n\n**66.38 % proven"));
        assert_harmless(&text);
    }
}

#[test]
fn one_huge_entry_does_not_hide_the_others() {
    let mut results = failures(2, 10);
    let findings: Vec<Value> = (0..5_000)
        .map(|n| {
            serde_json::to_value(Finding::fail(
                "open",
                format!("expected closed, found open: port {n}"),
            ))
            .unwrap()
        })
        .collect();
    merge(
        &mut results["results"][0]["targets"][0],
        &json!({ "findings": findings }),
    );
    let text = markdown(&results);
    assert!(
        text.contains("- and 4975 more findings\n") && text.contains("failure 1"),
        "{text}"
    );
    // and where even that is too much for the room there is, the next one is shown
    let text = to_markdown(&read(&results), MarkdownOptions::default().max_bytes(1_100));
    assert!(
        !text.contains("failure 0") && text.contains("failure 1"),
        "{text}"
    );
}
