use std::collections::BTreeMap;

use readiness_core::{Finding, Status};

use super::super::syntax::excerpt;

/// How much a fault weighs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weight {
    Fail,
    Note,
    Warn,
}

/// What is wrong with a page, gathered by code and subject, so that a million broken lines are a few findings.
#[derive(Debug, Default)]
pub(super) struct Faults(BTreeMap<&'static str, Group>);

#[derive(Debug)]
struct Group {
    weight: Weight,
    told: Vec<Told>,
    /// How often something was found of which no more subjects are kept.
    more: usize,
}

#[derive(Debug)]
struct Told {
    subject: String,
    message: String,
    also: Vec<String>,
    count: usize,
}

/// The most subjects of one code that are told.
const MOST_SUBJECTS: usize = 10;
/// The most further places that are told of one subject.
const MOST_ALSO: usize = 4;

/// The subject of a fault that belongs to no family.
pub(super) const PAGE: &str = "the page";

/// The subject of a fault of a family.
pub(super) fn family(name: &str) -> String {
    format!("family `{}`", excerpt(name.as_bytes()))
}

impl Faults {
    pub(super) fn add(
        &mut self,
        code: &'static str,
        weight: Weight,
        subject: String,
        message: impl FnOnce() -> String,
    ) {
        let group = self.0.entry(code).or_insert_with(|| Group {
            weight,
            told: Vec::new(),
            more: 0,
        });
        if let Some(told) = group.told.iter_mut().find(|told| told.subject == subject) {
            told.count += 1;
            if told.also.len() < MOST_ALSO {
                told.also.push(message());
            }
        } else if group.told.len() < MOST_SUBJECTS {
            group.told.push(Told {
                subject,
                message: message(),
                also: Vec::new(),
                count: 1,
            });
        } else {
            group.more += 1;
        }
    }

    /// The codes of those that fail.
    #[cfg(test)]
    pub(super) fn failing(&self) -> Vec<&'static str> {
        self.weighing(Weight::Fail)
    }

    /// The codes of this weight.
    #[cfg(test)]
    pub(super) fn weighing(&self, weight: Weight) -> Vec<&'static str> {
        let groups = self.0.iter().filter(|(_, group)| group.weight == weight);
        groups.map(|(code, _)| *code).collect()
    }

    pub(super) fn into_findings(self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (code, group) in self.0 {
            let status = || match group.weight {
                Weight::Fail => Status::Fail,
                Weight::Note => Status::Pass,
                Weight::Warn => Status::warn(),
            };
            let last = group.told.len();
            for (n, told) in group.told.into_iter().enumerate() {
                let message = match told.count {
                    1 => told.message,
                    count => format!("{} (and {} more)", told.message, count - 1),
                };
                let mut finding = Finding::new(code, status(), message).subject(told.subject);
                for also in told.also {
                    finding = finding.evidence("also", also);
                }
                if n + 1 == last && group.more > 0 {
                    finding = finding.evidence("elsewhere", format!("{} more times", group.more));
                }
                if group.weight != Weight::Note {
                    finding = finding.remedy(remedy(code));
                }
                findings.push(finding);
            }
        }
        findings
    }
}

fn remedy(code: &str) -> &'static str {
    match code {
        "duplicate_series" => "register each metric once, with label values that tell its series apart",
        "secret_in_label" => "take the secret out of the label, and replace it: whoever scrapes has seen it",
        "email_in_label" => "take the address out of the label, or put an opaque id there",
        "too_many_series" | "too_many_label_values" => {
            "drop labels with unbounded values, such as ids and raw paths, or raise the limit"
        }
        "old_timestamp" => "leave timestamps out, so that samples get the time of their scrape",
        "counter_not_a_count" => "let counters begin at 0 and only rise; what may fall is a gauge",
        "not_utf8" => "write UTF-8, and replace other bytes where they come in",
        "eof_missing" => "end the page with `# EOF`; without it a page that broke off looks whole",
        "line_end_missing" => "end the last line with a line feed",
        "interleaved_families" | "interleaved_metrics" | "interleaved_points" => {
            "write all lines of a family, and in it of a metric, one after the other"
        }
        "type_after_samples" | "metadata_after_samples" | "repeated_metadata" => {
            "write `TYPE`, `UNIT` and `HELP` once, before the samples of the family"
        }
        "counter_without_total"
        | "total_without_counter"
        | "reserved_suffix"
        | "reserved_label"
        | "colon_in_name" => "rename the metric as its type asks, or correct the type",
        "no_samples" => "see whether the service registers its metrics before it answers",
        code if code.starts_with("bucket") || code.starts_with("count_") || code.starts_with("sum_") => {
            "let a client library write histograms; those put together by hand must add up"
        }
        _ => "let a current client library write the page, or correct what writes this line",
    }
}
