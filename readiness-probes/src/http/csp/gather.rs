//! The policies of a response, from its headers and from its `meta` elements.

use readiness_core::{Finding, fact::Exchange};

use super::lint::{self, Place, Written};
use crate::http::policy::{Policy, parse, parse_line};

pub(crate) const ENFORCED: &str = "content-security-policy";
pub(crate) const REPORTED: &str = "content-security-policy-report-only";

/// What browsers leave out of a policy in a `meta` element. HTML, section 4.2.5.3.
const HEADER_ONLY: [&str; 3] = ["frame-ancestors", "report-uri", "sandbox"];

/// The policies of one response.
#[derive(Debug, Default)]
pub(crate) struct Gathered<'a> {
    /// Those that are enforced: of headers first, then of `meta` elements.
    pub(crate) enforced: Vec<Policy<'a>>,
    /// How many of them come from `meta` elements.
    pub(crate) from_meta: usize,
    /// Those that only report.
    pub(crate) reported: Vec<Policy<'a>>,
    written: Vec<Written<'a>>,
    /// `meta` elements whose policy browsers ignore: of how many, and why.
    ignored: Vec<(&'static str, &'static str)>,
}

impl<'a> Gathered<'a> {
    pub(crate) fn from(exchange: &'a Exchange) -> Self {
        let mut all = Self::default();
        for line in exchange.all(ENFORCED) {
            all.enforced.extend(parse_line(line));
            all.written.extend(lint::written(line, Place::Header));
        }
        for line in exchange.all(REPORTED) {
            all.reported.extend(parse_line(line));
            all.written.extend(lint::written(line, Place::ReportOnly));
        }
        let metas = exchange.document.iter().flat_map(|document| &document.metas);
        for meta in metas {
            match meta.http_equiv.as_str() {
                ENFORCED if meta.is_in_head => all.add_meta(meta.content.as_bytes()),
                ENFORCED => all.ignore("outside_head", "a `meta` policy outside of the `head` is ignored"),
                REPORTED => all.ignore(
                    "report_only_meta",
                    "browsers ignore a report-only policy in a `meta` element",
                ),
                _ => {}
            }
        }
        all
    }

    fn add_meta(&mut self, content: &'a [u8]) {
        // Unlike a header it holds one policy, whose commas part nothing.
        let mut policy = parse(content);
        policy
            .directives
            .retain(|directive| !HEADER_ONLY.contains(&directive.name.as_str()));
        if !policy.directives.is_empty() {
            self.enforced.push(policy);
            self.from_meta += 1;
        }
        self.written.push(Written {
            place: Place::Meta,
            at: 0,
            bytes: content,
        });
    }

    fn ignore(&mut self, code: &'static str, why: &'static str) {
        if !self.ignored.contains(&(code, why)) {
            self.ignored.push((code, why));
        }
    }

    /// Every policy, whether it is enforced or only reports.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Policy<'a>> {
        self.enforced.iter().chain(&self.reported)
    }

    /// What the `meta` elements hold.
    pub(crate) fn metas(&self) -> impl Iterator<Item = &'a [u8]> {
        let metas = self.written.iter().filter(|written| written.place == Place::Meta);
        metas.map(|written| written.bytes)
    }

    /// What is wrong with how they are written, and what of them browsers leave aside.
    pub(crate) fn faults(&self) -> Vec<Finding> {
        let headers = self.enforced.len().saturating_sub(self.from_meta);
        let covered: Vec<&str> = self
            .enforced
            .iter()
            .take(headers)
            .flat_map(|policy| &policy.directives)
            .map(|directive| directive.name.as_str())
            .filter(|name| HEADER_ONLY.contains(name))
            .collect();
        let mut told = lint::findings(&self.written, &covered);
        told.extend(self.ignored.iter().map(|(code, why)| {
            Finding::warn(*code, *why).remedy("send the policy as a header, or move it into the `head`")
        }));
        told.extend(self.silent_reports());
        told
    }

    /// Policies that only report, to nobody.
    fn silent_reports(&self) -> Option<Finding> {
        let speaks = |policy: &&Policy<'_>| policy.first_of(&["report-to", "report-uri"]).is_some();
        let silent = self.reported.iter().position(|policy| !speaks(&policy))?;
        Some(
            Finding::warn(
                "no_report_endpoint",
                "the policy only reports, and names no `report-to` or `report-uri` to report to",
            )
            .subject(format!("report-only policy {}", silent + 1))
            .remedy("name an endpoint, or send the policy as `Content-Security-Policy`"),
        )
    }
}
