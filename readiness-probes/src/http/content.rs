use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, async_trait,
    fact::{Exchange, HttpExchange},
    probe,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    StatusSet,
    applicability::is_challenge,
    assertion::{Assertion, judge_all},
    syntax::{excerpt, shown, trim},
};
use crate::address;

probe! {
    /// A page holds what it must.
    ///
    /// # What it checks
    /// The status of one `GET` at each address of the target, and what is asserted of the answer: its title,
    /// texts that are in it or not, headers, and values of a JSON document. The body is read, and stands in a
    /// recording, only where something is asserted of it.
    ///
    /// # Why it matters
    /// A server that answers 200 may still show an empty shell, the page of another tenant, the release of last
    /// week, or an error in friendly words.
    ///
    /// # How it is judged
    /// Every assertion is evaluated, and each that does not hold fails. Texts are compared as they stand, byte
    /// by byte. 401, 403, 429 and a challenge page are unknown unless `expect_status` holds them; so is what is
    /// missing in a body over 1 MiB.
    ///
    /// # How to fix
    /// See what was found and where it comes from; if it is right, change the assertion.
    pub struct Content {
        /// The path to ask, such as `/about`. Default: the path and query of the target.
        pub path: String = String::new(),
        /// The status codes that are right: a list such as `[200, "202-204"]`. Default: 200 to 299.
        pub expect_status: StatusSet = StatusSet::default(),
        /// The title the page must have, without blanks at its ends; needs the cargo feature `html`.
        /// Default: any.
        pub title: Option<String> = None,
        /// Texts that must stand in the body. Default: none.
        pub contains: Vec<String> = Vec::new(),
        /// Texts that must not stand in the body. Default: none.
        pub not_contains: Vec<String> = Vec::new(),
        /// What must hold of headers: `[{ name = "x-frame-options", equals = "DENY" }]`. Default: nothing.
        pub headers: Vec<HeaderAssertion> = Vec::new(),
        /// What must hold of the JSON document: `[{ pointer = "/status", equals = "ok" }]`. Default: nothing.
        pub assert: Vec<Assertion> = Vec::new(),
    }
    id: "http.content",
    title: "a page holds what it must",
    priority: Medium,
    references: [
        "RFC 9110 section 15" => "https://www.rfc-editor.org/rfc/rfc9110#section-15",
        "RFC 6901: JSON Pointer" => "https://www.rfc-editor.org/rfc/rfc6901",
    ],
}

/// What must hold of one header. All that is given must hold.
#[derive(Clone, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(default, deny_unknown_fields)]
pub struct HeaderAssertion {
    /// The name of the header, in upper or lower case.
    pub name: String,
    /// Whether there must be such a header, or must not. Default: it must.
    pub exists: Option<bool>,
    /// The value it must equal, without blanks at its ends; several lines are joined with `, `.
    pub equals: Option<String>,
    /// A text that must stand in its value.
    pub contains: Option<String>,
}

impl HeaderAssertion {
    /// There is such a header.
    pub fn exists(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            exists: Some(true),
            ..Self::default()
        }
    }

    /// It equals this value.
    pub fn equals(mut self, value: impl Into<String>) -> Self {
        self.equals = Some(value.into());
        self
    }

    /// This text stands in it.
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.contains = Some(text.into());
        self
    }

    pub(super) fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if !super::syntax::is_token(name.as_bytes()) {
            return Err(format!(
                "`headers` holds the name `{name}`, which no header can have"
            ));
        }
        if self.exists == Some(false) && (self.equals.is_some() || self.contains.is_some()) {
            return Err(format!(
                "the header `{name}` must not exist, and something is asserted of its value"
            ));
        }
        Ok(())
    }

    pub(super) fn judge(&self, exchange: &Exchange) -> Finding {
        let fail = |code: &str, message: String| {
            Finding::fail(code, message)
                .remedy("see what sends this header; if it is right, change the assertion")
        };
        let finding = match (exchange.joined(&self.name), self.exists) {
            (None, Some(false)) => Finding::note("absent", "there is none, as expected"),
            (None, _) => fail("missing", "expected such a header, and there is none".to_owned()),
            (Some(value), Some(false)) => {
                fail("present", format!("expected none, found `{}`", excerpt(&value)))
            }
            (Some(value), _) => self.judge_value(&value, fail).evidence("found", shown(&value)),
        };
        finding.subject(format!("header `{}`", self.name.to_ascii_lowercase()))
    }

    fn judge_value(&self, value: &[u8], fail: impl Fn(&str, String) -> Finding) -> Finding {
        let found = excerpt(value);
        if let Some(equal) = self
            .equals
            .as_ref()
            .filter(|equal| trim(value) != equal.trim().as_bytes())
        {
            return fail(
                "different",
                format!("expected `{}`, found `{found}`", excerpt(equal.as_bytes())),
            );
        }
        let text = String::from_utf8_lossy(value);
        match self
            .contains
            .as_ref()
            .filter(|part| !text.contains(part.as_str()))
        {
            Some(part) => fail(
                "lacks",
                format!("expected `{}` in it, found `{found}`", excerpt(part.as_bytes())),
            ),
            None => Finding::note("holds", format!("found `{found}`")),
        }
    }
}

/// The most of a body that is looked at.
const MOST_BODY_BYTES: u32 = 1024 * 1024;

impl Content {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn check(&self) -> Result<(), String> {
        let path = &self.path;
        if !path.is_empty() && !path.starts_with('/') {
            return Err("`path` must begin with `/`, such as `/about`".to_owned());
        }
        if path
            .chars()
            .any(|c| c.is_control() || c.is_whitespace() || c == '#')
        {
            return Err("`path` holds a space, a control character or `#`".to_owned());
        }
        address::check_query(path)?;
        let asserts_nothing = self.title.is_none() && self.headers.is_empty() && !self.reads_body();
        if asserts_nothing && self.expect_status == StatusSet::default() {
            return Err(
                "nothing is asserted, so only the status could fail; write `title`, `contains`, `not_contains`, \
                 `headers`, `assert`, or `expect_status`"
                    .to_owned(),
            );
        }
        if self.title.is_some() && !cfg!(feature = "html") {
            return Err("`title` needs the cargo feature `html`".to_owned());
        }
        for (name, texts) in [("contains", &self.contains), ("not_contains", &self.not_contains)] {
            if texts.iter().any(String::is_empty) {
                return Err(format!(
                    "`{name}` holds an empty text, which stands in every page"
                ));
            }
        }
        if let Some(both) = self.contains.iter().find(|text| self.not_contains.contains(text)) {
            return Err(format!("`{both}` must stand in the page and must not"));
        }
        self.headers.iter().try_for_each(HeaderAssertion::check)?;
        self.assert.iter().try_for_each(Assertion::check)
    }

    fn reads_body(&self) -> bool {
        !self.contains.is_empty() || !self.not_contains.is_empty() || !self.assert.is_empty()
    }
}

#[async_trait]
impl Probe for Content {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        if !matches!(target.scheme(), "http" | "https") {
            return Ok(Outcome::not_applicable(format!(
                "`{}` is no HTTP target",
                target.scheme()
            )));
        }
        let (port, tls) = (target.port(), target.is_tls());
        let path = match self.path.as_str() {
            "" => target.path_and_query(),
            path => address::path_at(target, path),
        };
        let keep = if self.reads_body() { MOST_BODY_BYTES } else { 0 };
        let looks = address::endpoints(cx, port, tls)
            .await?
            .into_iter()
            .map(|endpoint| {
                let address = endpoint.address;
                let key = HttpExchange::get(endpoint, address::authority(target, port, tls), path.clone())
                    .credential(target.credential())
                    .keep_body(keep);
                async move {
                    let outcome = match cx.observe(key).await {
                        Ok(exchange) => judge(self, &exchange),
                        Err(error) => address::not_seen(&error),
                    };
                    (address, outcome)
                }
            });
        let outcome = address::worst_of(join_all(looks).await);
        Ok(address::noted(cx, outcome).await)
    }
}

fn judge(settings: &Content, exchange: &Exchange) -> Outcome {
    let status = exchange.status;
    let is_expected = settings.expect_status.contains(status);
    if is_challenge(exchange) || (!is_expected && matches!(status, 401 | 403 | 429)) {
        let summary = format!("HTTP {status}: the page was not shown");
        return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, summary).evidence("status", status.to_string());
    }
    let mut findings = Vec::new();
    findings.push(if is_expected {
        Finding::note("status", format!("HTTP {status}"))
    } else {
        let message = format!("expected HTTP {}, found {status}", settings.expect_status);
        Finding::fail("unexpected_status", message)
            .remedy("see the log of the service, or set `expect_status`")
    });
    findings.extend(settings.title.as_deref().map(|title| of_title(title, exchange)));
    findings.extend(of_texts(settings, exchange));
    findings.extend(settings.headers.iter().map(|header| header.judge(exchange)));
    findings.extend(of_json(&settings.assert, exchange));
    let held = findings.iter().filter(|finding| finding.is_note()).count();
    let summary = format!("{held} of {} assertions hold", findings.len());
    Outcome::judged(summary, findings).evidence("status", status.to_string())
}

fn of_title(title: &str, exchange: &Exchange) -> Finding {
    let finding = match &exchange.document {
        None => Finding::unknown(
            "title_not_read",
            Reason::UNEXPECTED_RESPONSE,
            "the answer is no HTML, or was not parsed, so that its title is not known",
        )
        .remedy("ask a path that answers with HTML"),
        Some(document) if document.title == title.trim() => {
            Finding::note("holds", format!("found `{}`", excerpt(document.title.as_bytes())))
        }
        Some(document) => {
            let message = format!(
                "expected `{}`, found `{}`",
                excerpt(title.as_bytes()),
                excerpt(document.title.as_bytes())
            );
            Finding::fail("different", message)
                .evidence("found", document.title.as_str())
                .remedy("see which page the path shows; if this title is right, change the assertion")
        }
    };
    finding.subject("title")
}

fn of_texts(settings: &Content, exchange: &Exchange) -> Vec<Finding> {
    if settings.contains.is_empty() && settings.not_contains.is_empty() {
        return Vec::new();
    }
    let text = exchange.body.to_lossy();
    let unread = || {
        Finding::unknown(
            "not_read_to_its_end",
            Reason::HTTP_TOO_LARGE,
            "the body is over 1 MiB, or was not sent to its end, and the text is not in what was read",
        )
        .remedy("assert what stands in the first MiB")
    };
    let subject = |text: &str| format!("text `{}`", excerpt(text.as_bytes()));
    let wanted = settings.contains.iter().map(|wanted| {
        let finding = if text.contains(wanted.as_str()) {
            Finding::note("holds", "it is there")
        } else if exchange.body_complete {
            Finding::fail("lacks", "expected it in the body, and it is not there")
                .remedy("see which page the path shows; if this one is right, change the assertion")
        } else {
            unread()
        };
        finding.subject(subject(wanted))
    });
    let unwanted = settings.not_contains.iter().map(|unwanted| {
        let finding = if text.contains(unwanted.as_str()) {
            Finding::fail(
                "holds_unwanted",
                "expected it not to be in the body, and it is there",
            )
            .remedy("see which page the path shows; if this one is right, change the assertion")
        } else if exchange.body_complete {
            Finding::note("absent", "it is not there, as expected")
        } else {
            unread()
        };
        finding.subject(subject(unwanted))
    });
    wanted.chain(unwanted).collect()
}

fn of_json(assertions: &[Assertion], exchange: &Exchange) -> Vec<Finding> {
    if assertions.is_empty() {
        return Vec::new();
    }
    if !exchange.body_complete {
        let message = "the document is over 1 MiB, or was not sent to its end";
        let finding = Finding::unknown("not_read_to_its_end", Reason::HTTP_TOO_LARGE, message);
        return vec![
            finding
                .subject("the document")
                .remedy("ask for a shorter document"),
        ];
    }
    match serde_json::from_slice::<Value>(exchange.body.as_bytes()) {
        Ok(document) => judge_all(assertions, &document),
        Err(e) => vec![
            Finding::fail("not_json", format!("expected JSON, found something else: {e}"))
                .subject("the document")
                .remedy("ask the path that answers with JSON; an HTML page is often a log-in or a fallback"),
        ],
    }
}

#[cfg(test)]
mod tests;
