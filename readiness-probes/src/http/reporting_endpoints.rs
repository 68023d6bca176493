use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Exchange,
    probe,
};

use self::{
    defined::{Defined, defined},
    named::{Named, misnamed, named},
};
use super::{
    capped::cap,
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{count, excerpt, shown},
};

mod defined;
mod named;

probe! {
    /// Reports of the browser have somewhere to go.
    ///
    /// # What it checks
    /// The endpoints that policies name, `report-to` in CSP, COOP, COEP and Permissions-Policy, `endpoints` in
    /// Integrity-Policy and `report_to` in NEL, and where `Reporting-Endpoints` and `Report-To` say they are.
    ///
    /// # Why it matters
    /// A policy whose reports go nowhere looks like a policy that nobody violates.
    ///
    /// # How it is judged
    /// An endpoint that is named and defined nowhere warns, and so does a definition that browsers skip: a header
    /// that does not parse, an endpoint that is no https URL, a `report-to` of COOP or COEP without quotes. NEL looks into `Report-To` alone. Where no policy
    /// names an endpoint it does not apply, nor over plain http, where browsers take none.
    ///
    /// # How to fix
    /// Send `Reporting-Endpoints: main="https://reports.example.com/main"` with every response that names `main`.
    pub struct ReportingEndpoints {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.reporting_endpoints",
    title: "the endpoints that policies report to are defined",
    priority: Info,
    references: [
        "Reporting API section 3.3" => "https://www.w3.org/TR/reporting-1/#header",
        "Network Error Logging section 4.1" => "https://www.w3.org/TR/network-error-logging/#nel-response-header",
        "CSP Level 3 section 6.5.2" => "https://www.w3.org/TR/CSP3/#directive-report-to",
    ],
}

#[async_trait]
impl Probe for ReportingEndpoints {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl ReportingEndpoints {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

/// A hostile header may name thousands of endpoints.
const MOST_FINDINGS: usize = 32;

fn judge(looked: Looked<'_>) -> Outcome {
    let Looked { key, exchange, .. } = looked;
    if !exchange.channel.is_secure() {
        return Outcome::not_applicable("browsers take reporting endpoints over https only");
    }
    let named = named(exchange);
    let Defined {
        endpoints,
        groups,
        mut findings,
    } = defined(exchange, &key.url());
    findings.extend(misnamed(exchange).map(|by| {
        Finding::warn(
            "not_a_string",
            "`report-to` is no string in quotes, so browsers leave it out",
        )
        .subject(format!("header `{by}`"))
        .remedy("write it as `report-to=\"main\"`")
    }));
    if named.is_empty() && findings.is_empty() {
        return if endpoints.is_empty() && groups.is_empty() {
            Outcome::not_applicable("no policy names a reporting endpoint")
        } else {
            Outcome::pass("endpoints are defined, and no policy names one")
        };
    }
    let mut undefined = 0;
    for Named {
        by,
        endpoint,
        leaves_uri,
    } in &named
    {
        let is_nel = *by == named::NEL;
        if groups.contains(endpoint) || (!is_nel && endpoints.contains(endpoint)) {
            continue;
        }
        undefined += 1;
        let shown_name = excerpt(endpoint.as_bytes());
        let (header, remedy) = if is_nel {
            (
                "Report-To",
                format!(
                    "send `Report-To: {{\"group\":\"{shown_name}\",\"max_age\":86400,\
                     \"endpoints\":[{{\"url\":\"https://…\"}}]}}`"
                ),
            )
        } else {
            (
                "Reporting-Endpoints",
                format!("send `Reporting-Endpoints: {shown_name}=\"https://…\"` with the response"),
            )
        };
        let besides = if *leaves_uri {
            "; browsers that know `report-to` leave `report-uri` aside"
        } else {
            ""
        };
        findings.push(
            Finding::warn(
                "undefined",
                format!("it names the endpoint `{shown_name}`, and no `{header}` defines it{besides}"),
            )
            .subject(format!("header `{by}`"))
            .remedy(remedy),
        );
    }
    cap(&mut findings, MOST_FINDINGS);
    let all = count(named.len(), "endpoint is named", "endpoints are named");
    let summary = match undefined {
        0 if findings.is_empty() => format!("{all} and defined"),
        0 => format!("{all}; some of it is skipped"),
        undefined => format!("{all}, {undefined} of them defined nowhere"),
    };
    with_evidence(Outcome::judged(summary, findings), exchange)
}

fn with_evidence(outcome: Outcome, exchange: &Exchange) -> Outcome {
    ["Reporting-Endpoints", "Report-To", "NEL"]
        .into_iter()
        .filter_map(|name| Some((name, exchange.joined(name)?)))
        .fold(outcome, |outcome, (name, value)| {
            outcome.evidence(name, shown(&value))
        })
}

#[cfg(test)]
mod tests;
