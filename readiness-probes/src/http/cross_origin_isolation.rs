use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Exchange,
    probe,
};

use super::{
    ResponseKind,
    applicability::{Rule, applies},
    page::{Looked, judge_page},
    pages::Pages,
    structured::token_item,
    syntax::{excerpt, shown, trim},
};
use crate::address::is_loopback_host;

probe! {
    /// Says whether browsers keep the page in a process of its own (cross-origin isolation).
    ///
    /// # What it checks
    /// `Cross-Origin-Opener-Policy` (COOP), `Cross-Origin-Embedder-Policy` (COEP) and
    /// `Cross-Origin-Resource-Policy` (CORP), each as browsers read it. For APIs and assets only the last.
    ///
    /// # Why it matters
    /// Pages of other sites in the same process can read memory by side channels. Isolation is also what some
    /// features ask for (`SharedArrayBuffer`); `require-corp` breaks embedded content that does not agree.
    ///
    /// # How it is judged
    /// A page is isolated with COOP `same-origin` and COEP `require-corp` or `credentialless`, over https or from
    /// the browser's own machine. None of the headers is demanded unless a setting says so. A value that browsers do
    /// not know, in wrong case or given twice, has no effect and warns. What only reports is noted, and so is an
    /// API that any site may load.
    ///
    /// # How to fix
    /// Send `Cross-Origin-Opener-Policy: same-origin`, and where the page needs isolation
    /// `Cross-Origin-Embedder-Policy: require-corp`, each once and in lower case.
    pub struct CrossOriginIsolation {
        /// Whether a page that is not isolated fails. Default: false.
        pub require_isolation: bool = false,
        /// Whether a page without a COOP in force, other than `unsafe-none`, fails. Default: false.
        pub require_coop: bool = false,
        /// Whether a page without a COEP in force, other than `unsafe-none`, fails. Default: false.
        pub require_coep: bool = false,
        /// Whether a page, API response or asset without a CORP in force fails. Default: false.
        pub require_corp: bool = false,
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.cross_origin_isolation",
    title: "the page is isolated from other origins",
    priority: Info,
    references: [
        "HTML, cross-origin opener policies" => "https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies",
        "HTML, embedder policies" => "https://html.spec.whatwg.org/multipage/browsers.html#coep",
        "Fetch, Cross-Origin-Resource-Policy" => "https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header",
    ],
}

#[async_trait]
impl Probe for CrossOriginIsolation {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl CrossOriginIsolation {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const COOP: &str = "Cross-Origin-Opener-Policy";
const COEP: &str = "Cross-Origin-Embedder-Policy";
const CORP: &str = "Cross-Origin-Resource-Policy";
const COOP_VALUES: [&str; 4] = [
    "noopener-allow-popups",
    "same-origin",
    "same-origin-allow-popups",
    "unsafe-none",
];
const COEP_VALUES: [&str; 3] = ["credentialless", "require-corp", "unsafe-none"];
const CORP_VALUES: [&str; 3] = ["cross-origin", "same-origin", "same-site"];

fn judge(settings: &CrossOriginIsolation, looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let applies = applies(Rule::CrossOriginIsolation, exchange, page);
    let (kind, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let (summary, findings) = if kind == ResponseKind::Page {
        // COOP and COEP count in secure contexts only. HTML, "obtain a cross-origin opener policy", step 2.
        let is_secure = exchange.channel.is_secure() || is_loopback_host(&key.endpoint.name);
        judge_page_policies(settings, exchange, is_secure)
    } else {
        let (corp, mut findings) = corp_of(settings, exchange);
        if kind == ResponseKind::Api && corp == Some("cross-origin") {
            findings.push(
                Finding::note(
                    "open_to_all",
                    "any site may load the response into its own process",
                )
                .subject(CORP),
            );
        }
        let summary = match corp {
            Some(corp) => format!("{CORP} is {corp}"),
            None => format!("no {CORP} in force"),
        };
        (summary, findings)
    };
    let shown_headers: &[&str] = match kind {
        ResponseKind::Page => &[CORP, COOP, COEP],
        _ => &[CORP],
    };
    shown_headers
        .iter()
        .filter_map(|name| Some((*name, exchange.joined(name)?)))
        .fold(
            Outcome::judged(summary, weight.apply(findings)),
            |outcome, (name, value)| outcome.evidence(name, shown(&value)),
        )
}

fn judge_page_policies(
    settings: &CrossOriginIsolation,
    exchange: &Exchange,
    is_secure: bool,
) -> (String, Vec<Finding>) {
    let (_, mut findings) = corp_of(settings, exchange);
    let mut policy = |name, known: &[&'static str]| {
        let value = exchange.joined(name)?;
        let read = read_item(&value, known);
        findings.extend(
            read.as_ref()
                .err()
                .map(|problem| void(name, exchange, problem, known)),
        );
        read.ok()
    };
    let coop = policy(COOP, &COOP_VALUES);
    let coep = policy(COEP, &COEP_VALUES);
    let is_embedder = matches!(coep, Some("require-corp" | "credentialless"));
    let mut missing = Vec::new();
    if !is_secure {
        missing.push("no https".to_owned());
    }
    if coop != Some("same-origin") {
        missing.push(format!("COOP is {}", coop.unwrap_or("not in force")));
    }
    if !is_embedder {
        missing.push(format!("COEP is {}", coep.unwrap_or("not in force")));
    }
    let summary = if missing.is_empty() {
        "the page is cross-origin isolated".to_owned()
    } else {
        format!("not isolated: {}", missing.join(", "))
    };
    let expected = |code, subject, what: &str, found: Option<&str>| {
        let found = found.map_or_else(|| "none in force".to_owned(), |value| format!("`{value}`"));
        Finding::fail(code, format!("expected {what} and found {found}")).subject(subject)
    };
    if settings.require_isolation && !missing.is_empty() {
        findings.push(
            Finding::fail(
                "not_isolated",
                format!("expected an isolated page, found it {summary}"),
            )
            .remedy(format!(
                "send `{COOP}: same-origin` and `{COEP}: require-corp` over https"
            )),
        );
    }
    if settings.require_coop && !(is_secure && coop.is_some_and(|value| value != "unsafe-none")) {
        findings.push(
            expected("no_opener_policy", COOP, "an opener policy", coop)
                .remedy(format!("send `{COOP}: same-origin` over https")),
        );
    }
    if settings.require_coep && !(is_secure && is_embedder) {
        findings.push(
            expected("no_embedder_policy", COEP, "an embedder policy", coep)
                .remedy(format!("send `{COEP}: require-corp` over https")),
        );
    }
    for name in [COOP, COEP] {
        let report_only = format!("{name}-Report-Only");
        if let (Some(value), None) = (exchange.joined(&report_only), exchange.first(name)) {
            findings.push(
                Finding::note(
                    "report_only",
                    format!("`{report_only}` reports and does not enforce"),
                )
                .subject(name)
                .evidence(report_only.clone(), shown(&value)),
            );
        }
    }
    (summary, findings)
}

/// The resource policy in force, and what is wrong with it.
fn corp_of(settings: &CrossOriginIsolation, exchange: &Exchange) -> (Option<&'static str>, Vec<Finding>) {
    let value = exchange.joined(CORP);
    let corp = value.as_deref().and_then(|value| read_whole(value, &CORP_VALUES));
    let mut findings = Vec::new();
    if value.is_some() && corp.is_none() {
        findings.push(void(CORP, exchange, "it is compared as a whole", &CORP_VALUES));
    }
    if settings.require_corp && corp.is_none() {
        findings.push(
            Finding::fail(
                "no_resource_policy",
                "expected a resource policy and found none in force",
            )
            .subject(CORP)
            .remedy(format!(
                "send `{CORP}: same-origin`, or `same-site` or `cross-origin` where others load it"
            )),
        );
    }
    (corp, findings)
}

/// A header that has no effect.
fn void(name: &'static str, exchange: &Exchange, problem: &str, known: &[&str]) -> Finding {
    let repeated = if exchange.all(name).count() > 1 {
        ", in several lines"
    } else {
        ""
    };
    let known: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
    Finding::warn(
        "no_known_value",
        format!(
            "`{}`{repeated} is no value that browsers know, expected one of {}: {problem}",
            excerpt(&exchange.joined(name).unwrap_or_default()),
            known.join(", ")
        ),
    )
    .subject(name)
    .remedy(format!(
        "send `{name}` once, with one of these values in lower case"
    ))
}

/// The value of a policy that is a structured item. Tokens are compared with their case; parameters do not matter.
/// RFC 8941, sections 3.3.4 and 4.2.3.
fn read_item(value: &[u8], known: &[&'static str]) -> Result<&'static str, String> {
    let item = token_item(value)?;
    known
        .iter()
        .copied()
        .find(|known| item.token == *known)
        .ok_or_else(|| "it is another token".to_owned())
}

/// Fetch compares the whole value of `Cross-Origin-Resource-Policy`, case and all.
fn read_whole(value: &[u8], known: &[&'static str]) -> Option<&'static str> {
    known
        .iter()
        .copied()
        .find(|known| trim(value) == known.as_bytes())
}

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;
