use futures_util::future::join_all;
use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::HttpExchange,
    probe,
};

use self::{
    detail::{Detail, telling},
    names::Tells,
};
use super::{
    page::{Looked, judge_page},
    pages::{Page, Pages},
    syntax::{count, excerpt, is_token},
};
use crate::address::{authority, endpoints, not_seen, worst_of};

mod detail;
mod error_page;
mod implicit;
mod names;

probe! {
    /// Responses do not tell which version of which software answers.
    ///
    /// # What it checks
    /// The 87 headers that the OWASP Secure Headers Project lists as telling, such as `Server` and
    /// `X-Powered-By`, on every kind of response; the realm of a challenge and the media type, where they name a
    /// product; and with `error_page` what the page for a path that does not exist tells.
    ///
    /// # Why it matters
    /// A version says which known holes are worth a try. It protects nothing to leave it out, and costs nothing
    /// either.
    ///
    /// # How it is judged
    /// A header that names software with a version, an operating system or a module fails. The bare name of a
    /// product, and what a proxy or a tracer adds, are only noted. An error page fails where it shows a trace, a
    /// debug page or a version.
    ///
    /// # How to fix
    /// Turn the version off (nginx: `server_tokens off`; Apache: `ServerTokens Prod`; PHP: `expose_php = Off`), or
    /// drop the header at the proxy.
    pub struct Disclosure {
        /// Names of headers that may tell what they like. Default: none.
        pub allow: Vec<String> = Vec::new(),
        /// Whether to ask also for a path that does not exist, `/readiness-no-such-page`: one request to each
        /// address, of whose answer at most 65536 bytes are looked at. Default: false.
        pub error_page: bool = false,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.disclosure",
    title: "responses name no software version",
    priority: Info,
    references: [
        "OWASP Secure Headers Project" => "https://owasp.org/www-project-secure-headers/",
        "RFC 9110 section 10.2.4" => "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.4",
    ],
}

#[async_trait]
impl Probe for Disclosure {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let pages = judge_page(cx, &self.pages, |looked| judge(self, looked)).await?;
        if self.error_page {
            return Ok(joined(pages, self.error_page(cx).await?));
        }
        Ok(pages)
    }
}

/// A path that no service has.
const NO_SUCH_PAGE: &str = "/readiness-no-such-page";
/// Debug pages are long, and what they tell stands early.
const MOST_BODY_BYTES: u32 = 65_536;

impl Disclosure {
    /// Asks for a path that does not exist, at each address.
    async fn error_page(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let (port, tls) = (target.port(), target.is_tls());
        let page = Page::new(NO_SUCH_PAGE);
        let looks = endpoints(cx, port, tls).await?.into_iter().map(|endpoint| {
            let key = HttpExchange::get(endpoint, authority(target, port, tls), NO_SUCH_PAGE)
                .credential(target.credential())
                .keep_body(MOST_BODY_BYTES);
            let page = &page;
            async move {
                let outcome = match cx.observe(key.clone()).await {
                    Ok(exchange) => {
                        let exchange = &*exchange;
                        let looked = Looked {
                            key: &key,
                            page,
                            exchange,
                        };
                        judge(self, looked).evidence("error page", format!("HTTP {}", exchange.status))
                    }
                    Err(error) => not_seen(&error),
                };
                (key.endpoint.address, outcome)
            }
        });
        Ok(worst_of(join_all(looks).await))
    }

    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        match self.allow.iter().find(|name| !is_token(name.as_bytes())) {
            Some(name) => Err(format!(
                "`allow` holds `{}`, which is no header name",
                excerpt(name.as_bytes())
            )),
            None => self.pages.check(),
        }
    }
}

fn judge(settings: &Disclosure, looked: Looked<'_>) -> Outcome {
    let exchange = looked.exchange;
    let allowed = |name: &str| {
        settings
            .allow
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name))
    };
    let mut findings = Vec::new();
    for (name, tells) in names::named(exchange) {
        if allowed(name) {
            continue;
        }
        let Some(value) = exchange.joined(name) else {
            continue;
        };
        let text = excerpt(&value);
        let finding = match (tells, telling(&value)) {
            (Tells::Product, Some(Detail::Version)) => Finding::fail(
                "version",
                format!("`{text}` names a version, expected at most the product"),
            ),
            (Tells::Product, Some(Detail::Platform)) => Finding::fail(
                "platform",
                format!("`{text}` names an operating system or a module, expected at most the product"),
            ),
            (Tells::Product, None) => Finding::note("product", format!("`{text}` names the product")),
            (Tells::Inner, _) => Finding::note("inner_workings", "the header tells of inner workings"),
        };
        let is_note = finding.is_note();
        let finding = finding.subject(format!("header `{name}`")).evidence(name, text);
        findings.push(if is_note {
            finding
        } else {
            finding.remedy(format!("turn the version off, or drop `{name}` at the proxy"))
        });
    }
    findings.extend(implicit::implicit(exchange, allowed));
    if exchange.status >= 400 {
        findings.extend(error_page::telling(exchange.body.as_bytes()));
    }
    findings.sort_by_key(|finding| finding.status.rank());
    let bad: Vec<&str> = findings
        .iter()
        .filter(|finding| !finding.is_note())
        .map(|finding| finding.subject.as_str())
        .collect();
    let summary = match (bad.as_slice(), findings.len()) {
        ([], 0) => "no header names software".to_owned(),
        ([], n) => format!("no version; {} of interest", count(n, "header", "headers")),
        (["error page", ..], _) => "the error page tells of the software behind it".to_owned(),
        ([one], _) => format!("{one} tells a version or a platform"),
        (many, _) => format!("{} headers tell a version or a platform", many.len()),
    };
    Outcome::judged(summary, findings)
}

/// The outcome of the pages with what the error page adds to it.
fn joined(pages: Outcome, error: Outcome) -> Outcome {
    let known = |finding: &Finding, outcome: &Outcome| {
        outcome
            .findings
            .iter()
            .any(|other| (&other.code, &other.subject) == (&finding.code, &finding.subject))
    };
    let is_worse = error.status.rank() < pages.status.rank();
    let mut outcome = pages;
    if error.findings.is_empty() && error.status.is_unknown() {
        let finding = Finding::new(
            "error_page_not_seen",
            error.status.clone(),
            format!("the error page could not be looked at: {}", error.summary),
        );
        outcome = outcome.finding(finding.subject("error page"));
    }
    for finding in error.findings {
        if !known(&finding, &outcome) {
            outcome = outcome.finding(finding);
        }
    }
    if is_worse {
        outcome.summary = error.summary;
    }
    outcome.evidence.extend(error.evidence);
    outcome
}

#[cfg(test)]
mod tests;
