//! Where the endpoints are, by `Reporting-Endpoints` and its predecessor `Report-To`.

use std::collections::HashSet;

use readiness_core::{Finding, fact::Exchange};
use serde_json::Value;
use sfv::{BareItem, Dictionary, ListEntry, Parser};
use url::Url;

use crate::http::{structured::broken, syntax::excerpt};

/// What the headers define, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Defined {
    /// The endpoints of `Reporting-Endpoints`.
    pub(super) endpoints: HashSet<String>,
    /// The groups of `Report-To`.
    pub(super) groups: HashSet<String>,
    pub(super) findings: Vec<Finding>,
}

/// Reads both headers; a relative URL counts from the response's own.
pub(super) fn defined(exchange: &Exchange, url: &str) -> Defined {
    let base = Url::parse(url).ok();
    let mut defined = Defined::default();
    if let Some(value) = exchange.joined("Reporting-Endpoints") {
        defined.endpoints(&value, base.as_ref());
    }
    if let Some(value) = exchange.joined("Report-To") {
        defined.report_to(&value, base.as_ref());
    }
    defined
}

impl Defined {
    /// Reporting API, section 3.3: a dictionary of strings, each the URL of an endpoint.
    fn endpoints(&mut self, value: &[u8], base: Option<&Url>) {
        let dictionary: Dictionary = match Parser::new(value).parse() {
            Ok(dictionary) => dictionary,
            Err(error) => {
                let place = broken(value, &error);
                self.findings.push(
                    Finding::warn(
                        "malformed",
                        format!("it is no structured dictionary, so it defines nothing: {place}"),
                    )
                    .subject("header `Reporting-Endpoints`")
                    .remedy(
                        "write it as `main=\"https://reports.example.com/main\"`, endpoints between commas",
                    ),
                );
                return;
            }
        };
        for (name, entry) in &dictionary {
            let name = name.as_str();
            let problem = match entry {
                ListEntry::Item(item) => match &item.bare_item {
                    BareItem::String(url) => problem_of(url.as_str(), base),
                    _ => Some("it is no string in quotes".to_owned()),
                },
                ListEntry::InnerList(_) => Some("it is a list".to_owned()),
            };
            match problem {
                None => {
                    self.endpoints.insert(name.to_owned());
                }
                Some(problem) => self.skipped(name, &problem),
            }
        }
    }

    /// The older form: JSON objects between commas. What lacks a part that browsers need is skipped.
    fn report_to(&mut self, value: &[u8], base: Option<&Url>) {
        let array = [b"[", value, b"]"].concat();
        let groups: Vec<Value> = match serde_json::from_slice(&array) {
            Ok(groups) => groups,
            Err(error) => {
                // The bracket before it is ours.
                let column = error.column().saturating_sub(2);
                self.findings.push(
                    Finding::warn(
                        "malformed",
                        format!("it is no JSON, so it defines nothing: it breaks at byte {column}"),
                    )
                    .subject("header `Report-To`")
                    .remedy("send `Reporting-Endpoints` instead, or mend the JSON"),
                );
                return;
            }
        };
        for group in &groups {
            let name = group.get("group").map_or(Some("default"), Value::as_str);
            let name = name.unwrap_or_default();
            let urls = group.get("endpoints").and_then(Value::as_array);
            let problem = match (group.get("max_age").and_then(Value::as_u64), urls) {
                (None, _) => Some("it has no `max_age`".to_owned()),
                // It ends the group.
                (Some(0), _) => continue,
                (_, None) => Some("it has no `endpoints`".to_owned()),
                (_, Some(urls)) => {
                    let mut problems = urls.iter().map(|endpoint| {
                        let url = endpoint.get("url").and_then(Value::as_str).unwrap_or_default();
                        problem_of(url, base)
                    });
                    // One that is right is enough.
                    let first = problems
                        .next()
                        .unwrap_or_else(|| Some("it has no endpoint".to_owned()));
                    first.filter(|_| problems.all(|problem| problem.is_some()))
                }
            };
            match problem {
                None => {
                    self.groups.insert(name.to_owned());
                }
                Some(problem) => self.skipped(name, &problem),
            }
        }
    }

    fn skipped(&mut self, name: &str, problem: &str) {
        self.findings.push(
            Finding::warn("skipped", format!("browsers skip the endpoint: {problem}"))
                .subject(format!("endpoint `{}`", excerpt(name.as_bytes())))
                .remedy("give it the URL of an https endpoint"),
        );
    }
}

/// Why browsers do not take this URL. They send reports to trustworthy places only.
fn problem_of(url: &str, base: Option<&Url>) -> Option<String> {
    let parsed = match base {
        Some(base) => base.join(url),
        None => Url::parse(url),
    };
    match parsed {
        Err(_) => Some(format!("`{}` is no URL", excerpt(url.as_bytes()))),
        Ok(_) if url.trim().is_empty() => Some("its URL is empty".to_owned()),
        Ok(parsed) if parsed.scheme() == "https" => None,
        Ok(parsed) => Some(format!(
            "its URL begins with `{}:`, expected `https:`",
            excerpt(parsed.scheme().as_bytes())
        )),
    }
}
