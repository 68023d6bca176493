use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, probe,
};

use super::{
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{count, excerpt, is_token},
};

probe! {
    /// Headers do not tell which version of which software answers.
    ///
    /// # What it checks
    /// The 87 headers that the OWASP Secure Headers Project lists as telling, such as `Server` and
    /// `X-Powered-By`, on every kind of response.
    ///
    /// # Why it matters
    /// A version says which known holes are worth a try. It protects nothing to leave it out, and costs nothing
    /// either.
    ///
    /// # How it is judged
    /// A header that names software with a version, an operating system or a module fails. The bare name of a
    /// product, and what a proxy or a tracer adds, are only noted.
    ///
    /// # How to fix
    /// Turn the version off (nginx: `server_tokens off`; Apache: `ServerTokens Prod`; PHP: `expose_php = Off`), or
    /// drop the header at the proxy.
    pub struct Disclosure {
        /// Names of headers that may tell what they like. Default: none.
        pub allow: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.disclosure",
    title: "headers name no software version",
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
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl Disclosure {
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
    for (name, tells) in HEADERS {
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
    findings.sort_by_key(|finding| finding.status.rank());
    let bad: Vec<&str> = findings
        .iter()
        .filter(|finding| !finding.is_note())
        .map(|finding| finding.subject.as_str())
        .collect();
    let summary = match (bad.as_slice(), findings.len()) {
        ([], 0) => "no header names software".to_owned(),
        ([], n) => format!("no version; {} of interest", count(n, "header", "headers")),
        ([one], _) => format!("{one} tells a version or a platform"),
        (many, _) => format!("{} headers tell a version or a platform", many.len()),
    };
    Outcome::judged(summary, findings)
}

/// What a value gives away beyond a product's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Detail {
    Platform,
    Version,
}

fn telling(value: &[u8]) -> Option<Detail> {
    let mut platform = false;
    let words = value.split(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'.' | b'_'));
    for word in words {
        if is_version(word) {
            return Some(Detail::Version);
        }
        platform |= PLATFORMS
            .iter()
            .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
            || word
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"mod_"));
    }
    platform.then_some(Detail::Platform)
}

/// Digits at the start of a word, after a `v` if there is one: `1.25.3`, `v2`, `10`, `1.1.1k`. Not `7EEF`, and not
/// the digit of a name such as `h2o`.
fn is_version(word: &[u8]) -> bool {
    let word = match word {
        [b'v' | b'V', rest @ ..] => rest,
        word => word,
    };
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match word.get(digits) {
        None => digits > 0,
        Some(b'.') => digits > 0,
        Some(_) => false,
    }
}

const PLATFORMS: [&str; 16] = [
    "alpine", "amazon", "centos", "darwin", "debian", "fedora", "freebsd", "linux", "openssl", "redhat",
    "rhel", "suse", "ubuntu", "unix", "win32", "win64",
];

/// What a header tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tells {
    /// Which software answers.
    Product,
    /// How requests are served inside: hosts, timings, traces.
    Inner,
}

/// The names of the OWASP Secure Headers Project, in its order.
const HEADERS: [(&str, Tells); 87] = [
    ("$wsep", Tells::Inner),
    ("Host-Header", Tells::Inner),
    ("K-Proxy-Request", Tells::Inner),
    ("Liferay-Portal", Tells::Product),
    ("OracleCommerceCloud-Version", Tells::Product),
    ("Pega-Host", Tells::Inner),
    ("Powered-By", Tells::Product),
    ("Product", Tells::Product),
    ("Server", Tells::Product),
    ("SourceMap", Tells::Inner),
    ("X-AspNet-Version", Tells::Product),
    ("X-AspNetMvc-Version", Tells::Product),
    ("X-Atmosphere-error", Tells::Inner),
    ("X-Atmosphere-first-request", Tells::Inner),
    ("X-Atmosphere-tracking-id", Tells::Inner),
    ("X-B3-ParentSpanId", Tells::Inner),
    ("X-B3-Sampled", Tells::Inner),
    ("X-B3-SpanId", Tells::Inner),
    ("X-B3-TraceId", Tells::Inner),
    ("X-BEServer", Tells::Inner),
    ("X-Backside-Transport", Tells::Inner),
    ("X-CF-Powered-By", Tells::Product),
    ("X-CMS", Tells::Product),
    ("X-CalculatedBETarget", Tells::Inner),
    ("X-Cocoon-Version", Tells::Product),
    ("X-Content-Encoded-By", Tells::Product),
    ("X-Datadog-Origin", Tells::Inner),
    ("X-Datadog-Parent-Id", Tells::Inner),
    ("X-Datadog-Sampling-Priority", Tells::Inner),
    ("X-Datadog-Tags", Tells::Inner),
    ("X-Datadog-Trace-Id", Tells::Inner),
    ("X-DiagInfo", Tells::Inner),
    ("X-Envoy-Attempt-Count", Tells::Inner),
    ("X-Envoy-External-Address", Tells::Inner),
    ("X-Envoy-Internal", Tells::Inner),
    ("X-Envoy-Original-Dst-Host", Tells::Inner),
    ("X-Envoy-Upstream-Service-Time", Tells::Inner),
    ("X-FEServer", Tells::Inner),
    ("X-Framework", Tells::Product),
    ("X-Generated-By", Tells::Product),
    ("X-Generator", Tells::Product),
    ("X-Gitlab-Meta", Tells::Inner),
    ("X-Jitsi-Release", Tells::Product),
    ("X-Joomla-Version", Tells::Product),
    ("X-Kong-Admin-Latency", Tells::Inner),
    ("X-Kong-Client-Latency", Tells::Inner),
    ("X-Kong-Proxy-Latency", Tells::Inner),
    ("X-Kong-Request-Id", Tells::Inner),
    ("X-Kong-Response-Latency", Tells::Inner),
    ("X-Kong-Third-Party-Latency", Tells::Inner),
    ("X-Kong-Total-Latency", Tells::Inner),
    ("X-Kong-Upstream-Latency", Tells::Inner),
    ("X-Kong-Upstream-Status", Tells::Inner),
    ("X-Kubernetes-PF-FlowSchema-UID", Tells::Inner),
    ("X-Kubernetes-PF-PriorityLevel-UID", Tells::Inner),
    ("X-LiteSpeed-Cache", Tells::Inner),
    ("X-LiteSpeed-Purge", Tells::Inner),
    ("X-LiteSpeed-Tag", Tells::Inner),
    ("X-LiteSpeed-Vary", Tells::Inner),
    ("X-Litespeed-Cache-Control", Tells::Inner),
    ("X-Mod-Pagespeed", Tells::Product),
    ("X-Nextjs-Cache", Tells::Inner),
    ("X-Nextjs-Matched-Path", Tells::Inner),
    ("X-Nextjs-Page", Tells::Inner),
    ("X-Nextjs-Redirect", Tells::Inner),
    ("X-OWA-Version", Tells::Product),
    ("X-Old-Content-Length", Tells::Inner),
    ("X-OneAgent-JS-Injection", Tells::Inner),
    ("X-Page-Speed", Tells::Product),
    ("X-Php-Version", Tells::Product),
    ("X-Powered-By", Tells::Product),
    ("X-Powered-By-Plesk", Tells::Product),
    ("X-Powered-CMS", Tells::Product),
    ("X-Redirect-By", Tells::Product),
    ("X-Server-Powered-By", Tells::Product),
    ("X-SourceFiles", Tells::Inner),
    ("X-SourceMap", Tells::Inner),
    ("X-Turbo-Charged-By", Tells::Product),
    ("X-Tyk-Trace-Id", Tells::Inner),
    ("X-Umbraco-Version", Tells::Product),
    ("X-Varnish-Backend", Tells::Inner),
    ("X-Varnish-Server", Tells::Inner),
    ("X-Woodpecker-Version", Tells::Product),
    ("X-dtAgentId", Tells::Inner),
    ("X-dtHealthCheck", Tells::Inner),
    ("X-dtInjectedServlet", Tells::Inner),
    ("X-ruxit-JS-Agent", Tells::Inner),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use readiness_core::{Status, Target};

    use readiness_core::fact::Exchange;

    use super::*;
    use crate::http::samples;

    fn of(headers: &[(&str, &str)]) -> Outcome {
        judge(&Disclosure::default(), samples::looked(&samples::html(headers)))
    }

    #[test]
    fn a_version_is_told_from_a_name() {
        for (value, wanted) in [
            ("nginx", None),
            ("Caddy", None),
            ("Apache", None),
            ("cloudflare", None),
            ("AmazonS3", None),
            ("h2o", None),
            ("ECS (dcb/7EEF)", None),
            ("Express", None),
            ("ASP.NET", None),
            ("v", None),
            ("", None),
            ("nginx/1.25.3", Some(Detail::Version)),
            ("nginx/1", Some(Detail::Version)),
            ("Apache/2.4.57 (Debian)", Some(Detail::Version)),
            ("Microsoft-IIS/10.0", Some(Detail::Version)),
            ("PHP/8.2.1-dev", Some(Detail::Version)),
            ("OpenSSL/1.1.1k", Some(Detail::Version)),
            ("Phusion Passenger 6.0.4", Some(Detail::Version)),
            ("Drupal 10 (https://www.drupal.org)", Some(Detail::Version)),
            ("Jetty(9.4.z-SNAPSHOT)", Some(Detail::Version)),
            ("app v2", Some(Detail::Version)),
            ("4.0.30319", Some(Detail::Version)),
            ("Apache (Ubuntu)", Some(Detail::Platform)),
            ("Apache (Win32) mod_ssl", Some(Detail::Platform)),
            ("Apache mod_wsgi", Some(Detail::Platform)),
            ("Apache OpenSSL", Some(Detail::Platform)),
        ] {
            assert_eq!(telling(value.as_bytes()), wanted, "{value}");
        }
    }

    #[test]
    fn a_version_fails_and_a_name_is_noted() {
        let outcome = of(&[
            ("server", "nginx/1.25.3"),
            ("x-powered-by", "Express"),
            ("x-b3-traceid", "80f198"),
        ]);
        let found: Vec<_> = outcome
            .findings
            .iter()
            .map(|finding| (finding.subject.as_str(), finding.code.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("header `Server`", "version"),
                ("header `X-B3-TraceId`", "inner_workings"),
                ("header `X-Powered-By`", "product"),
            ]
        );
        assert!(outcome.status.is_fail());
        assert_eq!(outcome.summary, "header `Server` tells a version or a platform");
        assert!(of(&[("server", "nginx")]).status.is_pass());
        assert_eq!(of(&[]).summary, "no header names software");
        // Of two lines of one name both are read.
        assert!(of(&[("server", "nginx"), ("server", "PHP/8.2")]).status.is_fail());
        // Digits of traces are no versions.
        assert!(of(&[("x-envoy-upstream-service-time", "12")]).status.is_pass());
    }

    #[test]
    fn every_kind_of_response_is_judged() {
        for status in [200, 301, 401, 404, 503] {
            let exchange = Exchange::new(status, [("server", "nginx/1.25.3")]);
            assert!(
                judge(&Disclosure::default(), samples::looked(&exchange))
                    .status
                    .is_fail(),
                "{status}"
            );
        }
    }

    #[test]
    fn the_list_holds_each_name_once() {
        let names: HashSet<String> = HEADERS
            .iter()
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        assert_eq!(names.len(), 87);
        assert!(names.iter().all(|name| is_token(name.as_bytes())));
    }

    #[test]
    fn allowed_headers_may_tell() {
        let settings = Disclosure {
            allow: vec!["SERVER".into()],
            ..Disclosure::default()
        };
        let exchange = samples::html(&[("server", "nginx/1.25.3")]);
        assert!(judge(&settings, samples::looked(&exchange)).findings.is_empty());
        assert!(settings.check().is_ok());
        assert!(
            Disclosure {
                allow: vec!["a b".into()],
                ..Disclosure::default()
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts("https://example.com/", &[("server", "Caddy")]);
        let outcome = facts.judge(&Disclosure::default(), &target);
        assert_eq!(
            (outcome.status, outcome.summary.as_str()),
            (Status::Pass, "no version; 1 header of interest")
        );
    }

    #[test]
    fn hostile_values_make_one_finding_each() {
        for value in samples::hostile() {
            let headers = [
                ("server", value.as_slice()),
                ("x-powered-by", &value),
                ("x-b3-traceid", &value),
            ];
            let outcome = judge(&Disclosure::default(), samples::looked(&samples::html(&headers)));
            assert_eq!(outcome.findings.len(), 3);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let _ = judge(&Disclosure::default(), samples::looked(&samples::html(&[("server", value)])));
        }
    }
}
