use readiness_report::{JunitDialect, MarkdownOptions, to_json, to_junit, to_markdown};

use crate::reports::{all, read};

#[test]
fn every_rendering_of_every_report() {
    for (name, report) in all() {
        let report = read(&report);
        insta::assert_snapshot!(format!("{name}.json"), to_json(&report));
        insta::assert_snapshot!(
            format!("{name}.common.xml"),
            to_junit(&report, JunitDialect::Common)
        );
        insta::assert_snapshot!(
            format!("{name}.strict.xml"),
            to_junit(&report, JunitDialect::Strict)
        );
        insta::assert_snapshot!(
            format!("{name}.md"),
            to_markdown(&report, MarkdownOptions::default())
        );
        insta::assert_snapshot!(format!("{name}.txt"), report.to_string());
    }
}
