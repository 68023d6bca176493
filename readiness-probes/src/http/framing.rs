use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Exchange,
    probe,
};

use self::{
    ancestors::{Ancestors, Own, limits_frames},
    effective::{Options, Policy, Scope, effective},
};
use super::{
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{excerpt, shown},
};

mod ancestors;
mod effective;

probe! {
    /// Other sites cannot put the page into a frame.
    ///
    /// # What it checks
    /// The policy browsers enforce: `frame-ancestors` of every enforced `Content-Security-Policy`, and only where
    /// there is none `X-Frame-Options`. Neither counts in a `<meta>` element, and the first not in a policy that
    /// only reports.
    ///
    /// # Why it matters
    /// A page in a foreign frame can be laid over with something else, and a click that seems to go there goes to
    /// the page (clickjacking).
    ///
    /// # How it is judged
    /// `frame-ancestors` that lets everybody in (`*`, `https:`, `*.com`) fails, also beside `X-Frame-Options: DENY`,
    /// which browsers then leave aside. Of several policies each must let a site in. `X-Frame-Options` counts as the HTML standard reads it: `DENY` or
    /// `SAMEORIGIN`; a list that holds a known value among others blocks every frame; `ALLOW-FROM`, `ALLOWALL`
    /// and unknown values protect from nothing. The evidence says who may frame the page: `none`, `self`, `listed`
    /// or `open`. Only pages can be framed; an HTML error page warns.
    ///
    /// # How to fix
    /// Send `Content-Security-Policy: frame-ancestors 'none'`, or `'self'` or a list of hosts where frames are
    /// wanted.
    pub struct Framing {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.framing",
    title: "other sites cannot frame the page",
    priority: Medium,
    references: [
        "HTML, the X-Frame-Options header" => "https://html.spec.whatwg.org/multipage/document-lifecycle.html#the-x-frame-options-header",
        "CSP Level 3 section 6.4.2" => "https://www.w3.org/TR/CSP3/#directive-frame-ancestors",
    ],
}

#[async_trait]
impl Probe for Framing {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl Framing {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const CSP: &str = "content-security-policy";
const REPORT_ONLY: &str = "content-security-policy-report-only";
const REMEDY: &str = "send `Content-Security-Policy: frame-ancestors 'none'`, or list who may frame the page";

fn judge(looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let applies = applies(Rule::Framing, exchange, page);
    let (_, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let options = exchange.joined("x-frame-options");
    let policy = effective(&Own::of(key), exchange, options.as_deref());
    let finding = fault(&policy, options.as_deref());
    let by = match policy {
        Policy::Ancestors(_) => " (frame-ancestors)",
        Policy::Options(_) => " (X-Frame-Options)",
    };
    let scope = policy.scope();
    let summary = match (&policy, scope) {
        (_, Scope::Nobody) => format!("nobody may frame the page{by}"),
        (_, Scope::Own) => format!("only its own origin may frame the page{by}"),
        (_, Scope::Listed) => format!("only listed hosts may frame the page{by}"),
        (Policy::Ancestors(_), Scope::Open) => "frame-ancestors lets every site in".to_owned(),
        (Policy::Options(Options::AllowFrom), Scope::Open) => {
            "X-Frame-Options: ALLOW-FROM protects from nothing".to_owned()
        }
        (Policy::Options(_), Scope::Open) if options.is_some() => {
            "X-Frame-Options holds no known value".to_owned()
        }
        (Policy::Options(_), Scope::Open) => "every site may frame the page".to_owned(),
    };
    let findings = finding.into_iter().chain(without_effect(exchange)).collect();
    let mut outcome = Outcome::judged(summary, weight.apply(findings)).evidence("scope", scope.word());
    for (label, value) in [
        ("Content-Security-Policy", exchange.joined(CSP)),
        ("X-Frame-Options", options),
    ] {
        if let Some(value) = value {
            outcome = outcome.evidence(label, shown(&value));
        }
    }
    outcome
}

/// What is wrong with the policy in force.
fn fault(policy: &Policy, options: Option<&[u8]>) -> Option<Finding> {
    let shown = options.map(excerpt).unwrap_or_default();
    let options = match policy {
        Policy::Ancestors(Ancestors { scope, widest }) => {
            let beside = if options.is_some() {
                ", and browsers then ignore `X-Frame-Options`"
            } else {
                ""
            };
            let widest = excerpt(widest.as_bytes());
            let finding = Finding::fail(
                "open",
                format!("`frame-ancestors` lets every site in by `{widest}`{beside}"),
            );
            return (*scope == Scope::Open).then(|| finding.remedy(REMEDY));
        }
        Policy::Options(options) => options,
    };
    match options {
        Options::Deny | Options::SameOrigin => None,
        Options::Absent => Some(
            Finding::fail(
                "missing",
                "expected `frame-ancestors` or `X-Frame-Options` and found neither: every site may frame the page",
            )
            .remedy(REMEDY),
        ),
        Options::Conflict => Some(Finding::note(
            "conflicting_values",
            format!("`X-Frame-Options` is `{shown}`, and browsers block every frame where values differ"),
        )),
        Options::AllowFrom => Some(
            Finding::fail(
                "allow_from",
                "browsers know no `ALLOW-FROM` and let every site frame the page, expected `DENY` or `SAMEORIGIN`",
            )
            .remedy("list the host in `Content-Security-Policy: frame-ancestors`"),
        ),
        Options::Nothing => Some(
            Finding::fail(
                "no_known_value",
                format!("`X-Frame-Options` is `{shown}`, expected `DENY` or `SAMEORIGIN`"),
            )
            .remedy(REMEDY),
        ),
    }
}

/// What looks like protection and is none.
fn without_effect(exchange: &Exchange) -> Vec<Finding> {
    let mut notes = Vec::new();
    if exchange.all(REPORT_ONLY).any(limits_frames) {
        notes.push(Finding::note(
            "report_only",
            "`frame-ancestors` of a policy that only reports keeps nobody out",
        ));
    }
    let metas = exchange.document.iter().flat_map(|document| &document.metas);
    let in_meta = metas.filter(|meta| match meta.http_equiv.as_str() {
        "x-frame-options" => true,
        CSP => limits_frames(meta.content.as_bytes()),
        _ => false,
    });
    if in_meta.count() > 0 {
        notes.push(Finding::note(
            "meta",
            "`frame-ancestors` and `X-Frame-Options` have no effect in a `<meta>` element",
        ));
    }
    notes
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
