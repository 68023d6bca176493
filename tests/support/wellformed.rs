//! Whether reports are what their formats ask for.

use pulldown_cmark::{Options, Parser, Tag};
use quick_xml::{Reader, events::Event};
use readiness_core::{Report, report::TextOptions};
use readiness_report::{JunitDialect, MarkdownOptions};
use serde_json::Value;

/// Every rendering of a report.
pub struct Renderings {
    pub text: String,
    pub json: String,
    pub junit: String,
    pub junit_strict: String,
    pub markdown: String,
}

impl Renderings {
    pub fn of(report: &Report) -> Self {
        Self {
            text: report.to_text(TextOptions::default()),
            json: readiness_report::to_json(report),
            junit: readiness_report::to_junit(report, JunitDialect::Common),
            junit_strict: readiness_report::to_junit(report, JunitDialect::Strict),
            markdown: readiness_report::to_markdown(report, MarkdownOptions::default()),
        }
    }

    pub fn all(&self) -> [(&'static str, &str); 5] {
        [
            ("text", &self.text),
            ("json", &self.json),
            ("junit", &self.junit),
            ("junit-strict", &self.junit_strict),
            ("markdown", &self.markdown),
        ]
    }
}

/// Renders a report in every format, and holds each to its rules.
pub fn assert_well_formed(report: &Report) -> Renderings {
    let all = Renderings::of(report);
    assert_follows_schema(&all.json);
    let again = readiness_report::from_json(&all.json).unwrap();
    assert_eq!(
        readiness_report::to_json(&again),
        all.json,
        "read back it differs"
    );
    for junit in [&all.junit, &all.junit_strict] {
        let elements = elements(junit);
        let cases = elements.iter().filter(|name| *name == "testcase").count();
        assert_eq!(cases, report.rows().count(), "one case for each row:\n{junit}");
    }
    assert_shows_no_markup_of_others(&all.markdown);
    for (format, text) in all.all() {
        let acts = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
        assert_eq!(
            text.find(acts),
            None,
            "{format} holds what acts on a terminal:\n{text:?}"
        );
    }
    all
}

/// Holds a Markdown report to the markup that the renderer itself writes.
fn assert_shows_no_markup_of_others(markdown: &str) {
    use pulldown_cmark::Event;
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for event in Parser::new_ext(markdown, options) {
        let own = match &event {
            Event::Html(html) | Event::InlineHtml(html) => {
                html.split_inclusive('>').map(str::trim).all(|tag| {
                    tag.starts_with("<details")
                        || tag.starts_with("<summary>")
                        || tag.starts_with("</")
                        || tag.starts_with("<!--")
                        || !tag.contains('<')
                        || tag.ends_with("</summary>")
                })
            }
            Event::Start(Tag::Link { .. } | Tag::Image { .. }) => false,
            _ => true,
        };
        assert!(own, "{event:?} in\n{markdown}");
    }
}

/// Holds a JSON report to the schema beside it.
pub fn assert_follows_schema(json: &str) {
    let schema: Value = serde_json::from_str(readiness_report::schema()).unwrap();
    let report: Value = serde_json::from_str(json).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&report)
        .map(|e| format!("{}: {e}", e.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}\n{json}");
}

/// The names of all elements of an XML document, which must be well-formed.
pub fn elements(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let (mut names, mut depth) = (Vec::new(), 0_usize);
    loop {
        let event = reader.read_event().unwrap_or_else(|e| panic!("{e}\n{xml}"));
        if let Event::Start(element) | Event::Empty(element) = &event {
            for attribute in element.attributes() {
                let attribute = attribute.unwrap_or_else(|e| panic!("{e}\n{xml}"));
                assert!(!attribute.value.contains('<'), "`<` in an attribute\n{xml}");
            }
            names.push(element.name().as_ref().to_owned());
        }
        match event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "elements stay open\n{xml}");
    names
}
