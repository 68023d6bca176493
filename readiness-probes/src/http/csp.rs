use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Status, async_trait,
    fact::Exchange, probe,
};

use self::{
    browser::Page,
    findings::{Mood, findings, looser},
    gather::{ENFORCED, Gathered, REPORTED},
    rules::Rules,
    untrusted::Untrusted,
};
use super::{
    Pages, ResponseKind,
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    syntax::{count, shown},
};

mod browser;
#[cfg(test)]
mod conformance;
mod findings;
mod gather;
mod lint;
mod nonce;
mod questions;
#[cfg(test)]
mod rows;
mod rules;
mod untrusted;
mod vocabulary;
mod witness;

probe! {
    /// A Content Security Policy keeps injected scripts from running.
    ///
    /// # What it checks
    /// Every `Content-Security-Policy` header line, every policy in it, and those of `<meta>` elements in the head
    /// (without `frame-ancestors`, `sandbox` and `report-uri`, which browsers ignore there). All of them are
    /// enforced, so a hole counts only where each policy leaves it. Where a policy carries a nonce, the page is
    /// looked at a second time.
    ///
    /// # Why it matters
    /// Where markup of a stranger gets into a page, the policy decides whether it can run as code.
    ///
    /// # How it is judged
    /// By what a browser would do: what gets through is named. Inline scripts and handlers, and scripts from a
    /// stranger's host or from `data:`, fail; so does a nonce that two responses share, and a host of
    /// `untrusted_script_hosts`. `'unsafe-eval'`, `blob:`, plug-ins without a limit, forms to every host, and a
    /// missing `base-uri` beside nonces warn; styles, workers and a missing `form-action` inform. How the policy
    /// is written warns where browsers skip or misread something, and says where. A policy in report-only is
    /// judged as if it were enforced, without `sandbox`, which browsers leave aside there: alone it fails, beside an
    /// enforced one it informs. A page without any policy fails; where no header holds one and the body was not
    /// read, as it came coded, was cut, or the cargo feature `html` is off, nobody knows. An error page warns at
    /// most, and so do SVG and other XML, whose scripts run; an API informs.
    ///
    /// # How to fix
    /// Begin with `Content-Security-Policy: default-src 'self'; object-src 'none'; base-uri 'none'`, and give
    /// inline scripts a nonce that is new with each response. For an API send `default-src 'none';
    /// frame-ancestors 'none'`.
    pub struct Csp {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
        /// Script hosts known to serve other people's code, such as a public CDN: `cdn.example.com`, or with a path
        /// `cdn.example.com/jsonp`. A policy that lets scripts of one run fails. Default: none.
        pub untrusted_script_hosts: Vec<String> = Vec::new(),
        /// Whether a policy in force must be without `'unsafe-eval'`, `'unsafe-hashes'`, unlimited styles, and must
        /// limit base and forms; each is a failure then. Default: false, they warn or inform.
        pub strict: bool = false,
    }
    id: "http.csp",
    title: "a policy keeps injected scripts from running",
    priority: Medium,
    references: [
        "CSP Level 3 section 2.2" => "https://www.w3.org/TR/CSP3/#framework-policy",
        "CSP Level 3 section 6.7" => "https://www.w3.org/TR/CSP3/#matching-algorithms",
    ],
}

#[async_trait]
impl Probe for Csp {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let again = nonce::look_again(cx, &self.pages).await;
        judge_page(cx, &self.pages, |looked| {
            judge(self, looked, again.get(looked.key).map(|exchange| &**exchange))
        })
        .await
    }
}

impl Csp {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()?;
        let hosts = &self.untrusted_script_hosts;
        if hosts.len() > MOST_UNTRUSTED {
            return Err(format!(
                "`untrusted_script_hosts` holds {} hosts, expected at most {MOST_UNTRUSTED}",
                hosts.len()
            ));
        }
        hosts.iter().try_for_each(|host| Untrusted::read(host).map(drop))
    }
}

/// The most hosts of `untrusted_script_hosts`: each is tried on every source.
const MOST_UNTRUSTED: usize = 1000;

/// Judges a response; `again` is a second one of the same page, where there is one.
fn judge(settings: &Csp, looked: Looked<'_>, again: Option<&Exchange>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let (kind, weight) = match applies(Rule::Csp, exchange, page) {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let page = if key.endpoint.tls { Page::Https } else { Page::Http };
    let gathered = Gathered::from(exchange);
    let (summary, mut found) = if !gathered.enforced.is_empty() {
        enforced(settings, &gathered, again, page)
    } else if !gathered.reported.is_empty() {
        reported(settings, &gathered, page)
    } else {
        missing(exchange, kind)
    };
    found.extend(gathered.faults());
    found.extend(cut_short(exchange, &gathered));
    let summary = summary.unwrap_or_else(|| told(&gathered, &found));
    let mut outcome = Outcome::judged(summary, weight.apply(found));
    for (label, name) in [
        ("Content-Security-Policy", ENFORCED),
        ("Content-Security-Policy-Report-Only", REPORTED),
    ] {
        if let Some(value) = exchange.joined(name) {
            outcome = outcome.evidence(label, shown(&value));
        }
    }
    for content in gathered.metas().take(4) {
        outcome = outcome.evidence("meta", shown(content));
    }
    outcome
}

/// A summary, where it does not follow from the findings, and findings.
type Judged = (Option<String>, Vec<Finding>);

fn enforced(settings: &Csp, gathered: &Gathered<'_>, again: Option<&Exchange>, page: Page) -> Judged {
    let in_force = Rules::all(&gathered.enforced);
    let reporting = Rules::reporting(&gathered.reported);
    let rules: Vec<&Rules<'_>> = in_force.iter().collect();
    let reported: Vec<&Rules<'_>> = reporting.iter().collect();
    let both: Vec<&Rules<'_>> = in_force.iter().chain(&reporting).collect();
    let stricter = (!reported.is_empty()).then_some(&both[..]);
    let mut found = findings(&rules, stricter, page, Mood::Enforced);
    if settings.strict {
        found.iter_mut().for_each(harden);
    }
    found.extend(by_untrusted(settings, &found, &rules, page, Mood::Enforced));
    if let Some(second) = again.map(Gathered::from) {
        found.extend(nonce::repeated(gathered, &second, &rules, page));
    }
    if !reported.is_empty() {
        found.extend(looser(&reported, &rules, page));
    }
    (None, found)
}

/// Makes a failure of what is a matter of taste elsewhere.
fn harden(finding: &mut Finding) {
    const STRICT: [&str; 7] = [
        "any_form_action",
        "any_style",
        "inline_styles",
        "no_base_uri",
        "no_form_action",
        "unsafe_eval",
        "unsafe_hashes",
    ];
    if STRICT.contains(&finding.code.as_str()) {
        finding.status = Status::Fail;
        if finding.remedy.is_empty() {
            finding.remedy = "limit it to `'self'`, a nonce or `'none'`, and take `'unsafe-…'` out".into();
        }
    }
}

fn reported(settings: &Csp, gathered: &Gathered<'_>, page: Page) -> Judged {
    let rules = Rules::reporting(&gathered.reported);
    let rules: Vec<&Rules<'_>> = rules.iter().collect();
    let first = Finding::fail(
        "not_enforced",
        "expected an enforced policy and found one in `Content-Security-Policy-Report-Only` alone",
    )
    .remedy("send the same policy as `Content-Security-Policy` once its reports are quiet");
    let as_if = findings(&rules, None, page, Mood::Reported);
    let untrusted = by_untrusted(settings, &as_if, &rules, page, Mood::Reported);
    let found: Vec<Finding> = as_if.into_iter().chain(untrusted).collect();
    let summary = format!("not enforced; if it were: {}", weaknesses(&found));
    (Some(summary), [first].into_iter().chain(found).collect())
}

fn missing(exchange: &Exchange, kind: ResponseKind) -> Judged {
    let advice = match kind {
        ResponseKind::Api => "default-src 'none'; frame-ancestors 'none'",
        _ => "default-src 'self'; object-src 'none'; base-uri 'none'",
    };
    let remedy = format!("send `Content-Security-Policy: {advice}`");
    if exchange.first(ENFORCED).is_some() {
        let finding = Finding::fail("empty", "the `Content-Security-Policy` header holds no directive");
        let summary = "the Content-Security-Policy header is empty".to_owned();
        return (Some(summary), vec![finding.remedy(remedy)]);
    }
    let none = "expected a `Content-Security-Policy` header and found none";
    let finding = match unread(exchange, kind) {
        Some((reason, why)) => Finding::unknown("meta_not_read", reason, format!("{none}; {why}")),
        None => {
            let is_read = exchange.document.is_some() && kind != ResponseKind::Api;
            let beside = if is_read {
                ", in no `meta` element either"
            } else {
                ""
            };
            Finding::fail("missing", format!("{none}{beside}"))
        }
    };
    let summary = match finding.status {
        Status::Unknown { .. } => "no header holds a policy, and the page was not read for one",
        _ => "no Content-Security-Policy header",
    };
    (Some(summary.into()), vec![finding.remedy(remedy)])
}

/// Why nobody knows whether the page holds a policy in a `meta` element, where that is so.
fn unread(exchange: &Exchange, kind: ResponseKind) -> Option<(Reason, &'static str)> {
    // What weighs less than a page is told by its headers.
    if kind != ResponseKind::Page {
        return None;
    }
    match &exchange.document {
        Some(document) if document.is_complete => None,
        Some(_) => Some((
            Reason::HTTP_TOO_LARGE,
            "the page was not read to its end for a `meta` element",
        )),
        None if exchange.body_bytes == 0 && exchange.body_complete => None,
        None => Some((
            Reason::UNEXPECTED_RESPONSE,
            "nobody could read the body for a `meta` element: it came coded, is not said to be HTML, or this program \
             is built without the feature `html`",
        )),
    }
}

/// A policy of a page that was not read to its end may be cut itself.
fn cut_short(exchange: &Exchange, gathered: &Gathered<'_>) -> Option<Finding> {
    let is_cut = exchange
        .document
        .as_ref()
        .is_some_and(|document| !document.is_complete);
    (is_cut && gathered.metas().next().is_some()).then(|| {
        Finding::unknown(
            "not_read_to_its_end",
            Reason::HTTP_TOO_LARGE,
            "the page or its `meta` policy is longer than is read, and the rest was not judged",
        )
        .remedy("send the policy as a header, or keep it under 8 KiB in a page under 1 MiB")
    })
}

/// What hosts listed as untrusted may do; where every host may do it, that is said already.
fn by_untrusted(
    settings: &Csp,
    found: &[Finding],
    rules: &[&Rules<'_>],
    page: Page,
    mood: Mood,
) -> Vec<Finding> {
    if found.iter().any(|finding| finding.code == "any_host") {
        return Vec::new();
    }
    let hosts = &settings.untrusted_script_hosts;
    let hosts: Vec<Untrusted> = hosts
        .iter()
        .filter_map(|host| Untrusted::read(host).ok())
        .collect();
    untrusted::findings(&hosts, rules, page, mood)
}

fn told(gathered: &Gathered<'_>, found: &[Finding]) -> String {
    let what = count(gathered.enforced.len(), "policy", "policies");
    let place = match gathered.from_meta {
        0 => "",
        n if n == gathered.enforced.len() => " in `meta`",
        _ => " in headers and `meta`",
    };
    format!("{what}{place}, {}", weaknesses(found))
}

fn weaknesses(findings: &[Finding]) -> String {
    match findings.iter().filter(|finding| !finding.is_note()).count() {
        0 => "scripts are limited".into(),
        n => count(n, "weakness", "weaknesses"),
    }
}

#[cfg(test)]
mod tests;
