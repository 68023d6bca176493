use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait, fact::Exchange,
    probe,
};

use super::{
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{count, excerpt, is_token, shown, trim},
};

probe! {
    /// The service sends no header that browsers have given up.
    ///
    /// # What it checks
    /// Headers that were replaced, withdrawn or never became a standard: `X-XSS-Protection`, `Public-Key-Pins`,
    /// `Expect-CT`, `Feature-Policy`, `P3P`, `Pragma` without `Cache-Control`, `X-Content-Security-Policy` and more,
    /// on every kind of response.
    ///
    /// # Why it matters
    /// Whoever reads the configuration believes in a protection that is not there, and some of these headers do
    /// harm in old browsers.
    ///
    /// # How it is judged
    /// Each such header warns, with the reason. `X-XSS-Protection: 0` is what is asked for and passes.
    ///
    /// # How to fix
    /// Leave the header out, or send the one that replaced it.
    pub struct CurrentHeaders {
        /// Names of headers that may be sent nevertheless. Default: none.
        pub allow: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.current_headers",
    title: "no header is sent that browsers have given up",
    priority: Info,
    references: [
        "OWASP HTTP Headers Cheat Sheet" => "https://cheatsheetseries.owasp.org/cheatsheets/HTTP_Headers_Cheat_Sheet.html",
        "RFC 9111 section 5.4" => "https://www.rfc-editor.org/rfc/rfc9111#section-5.4",
        "RFC 9111 section 5.5" => "https://www.rfc-editor.org/rfc/rfc9111#section-5.5",
    ],
}

#[async_trait]
impl Probe for CurrentHeaders {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, |looked| judge(self, looked)).await
    }
}

impl CurrentHeaders {
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

fn judge(settings: &CurrentHeaders, looked: Looked<'_>) -> Outcome {
    let exchange = looked.exchange;
    let allowed = |name: &str| {
        settings
            .allow
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name))
    };
    let mut findings = Vec::new();
    for old in &OLD {
        let Some(value) = exchange.joined(old.name) else {
            continue;
        };
        if allowed(old.name) || (old.is_fine)(&value, exchange) {
            continue;
        }
        findings.push(
            Finding::warn(old.code, old.reason)
                .subject(format!("header `{}`", old.name))
                .evidence(old.name, shown(&value))
                .remedy(old.remedy),
        );
    }
    let summary = match findings.as_slice() {
        [] => "no header that browsers have given up".to_owned(),
        [one] => format!("{} is out of use", one.subject),
        many => format!("{} are out of use", count(many.len(), "header", "headers")),
    };
    Outcome::judged(summary, findings)
}

/// A header that is out of use.
struct Old {
    name: &'static str,
    code: &'static str,
    /// Why it is, as a finding says it.
    reason: &'static str,
    remedy: &'static str,
    /// Whether this value is right nevertheless.
    is_fine: fn(&[u8], &Exchange) -> bool,
}

/// Always out of use.
fn never(_: &[u8], _: &Exchange) -> bool {
    false
}

const OLD: [Old; 18] = [
    Old {
        name: "X-XSS-Protection",
        code: "xss_filter",
        reason: "the filter it switches on is gone from browsers, and made holes of its own in old ones",
        remedy: "leave it out or send `X-XSS-Protection: 0`; a Content-Security-Policy does what it promised",
        // `0` with or without parameters switches the filter off.
        is_fine: |value, _| trim(value.split(|&byte| byte == b';').next().unwrap_or_default()) == b"0",
    },
    Old {
        name: "Public-Key-Pins",
        code: "key_pins",
        reason: "browsers dropped key pinning, which could lock all visitors out for months",
        remedy: "leave it out; CAA records and Certificate Transparency watch over certificates",
        is_fine: never,
    },
    Old {
        name: "Public-Key-Pins-Report-Only",
        code: "key_pins",
        reason: "browsers dropped key pinning, its reports with it",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "Expect-CT",
        code: "expect_ct",
        reason: "browsers demand Certificate Transparency of every certificate, and dropped the header",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "Feature-Policy",
        code: "feature_policy",
        reason: "it was replaced by `Permissions-Policy`, which is written otherwise",
        remedy: "send `Permissions-Policy` instead, such as `camera=(), geolocation=(self)`",
        is_fine: never,
    },
    Old {
        name: "P3P",
        code: "p3p",
        reason: "no browser reads privacy policies in this form any more",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "Pragma",
        code: "pragma_alone",
        reason: "in a response it means nothing, and no `Cache-Control` says what caches may keep",
        remedy: "send `Cache-Control: no-store`, or what else caches may do",
        is_fine: |_, exchange| exchange.first("cache-control").is_some(),
    },
    Old {
        name: "Warning",
        code: "warning",
        reason: "HTTP gave it up, as nobody showed it (RFC 9111, section 5.5)",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "X-Content-Security-Policy",
        code: "csp_prefix",
        reason: "no browser reads the name from before the standard",
        remedy: "send `Content-Security-Policy`",
        is_fine: never,
    },
    Old {
        name: "X-WebKit-CSP",
        code: "csp_prefix",
        reason: "no browser reads the name from before the standard",
        remedy: "send `Content-Security-Policy`",
        is_fine: never,
    },
    Old {
        name: "X-Content-Security-Policy-Report-Only",
        code: "csp_prefix",
        reason: "no browser reads the name from before the standard",
        remedy: "send `Content-Security-Policy-Report-Only`",
        is_fine: never,
    },
    Old {
        name: "X-UA-Compatible",
        code: "internet_explorer",
        reason: "it spoke to Internet Explorer alone",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "X-Download-Options",
        code: "internet_explorer",
        reason: "it spoke to Internet Explorer alone",
        remedy: "leave it out; `Content-Disposition: attachment` keeps a download from being shown",
        is_fine: never,
    },
    Old {
        name: "Set-Cookie2",
        code: "set_cookie2",
        reason: "no browser reads it (RFC 6265)",
        remedy: "send `Set-Cookie`",
        is_fine: never,
    },
    Old {
        name: "Content-MD5",
        code: "content_md5",
        reason: "HTTP gave it up, and MD5 protects from nobody (RFC 7231, appendix B)",
        remedy: "leave it out, or send `Repr-Digest` (RFC 9530)",
        is_fine: never,
    },
    Old {
        name: "Digest",
        code: "digest",
        reason: "it was replaced by `Repr-Digest` and `Content-Digest` (RFC 9530)",
        remedy: "send `Repr-Digest`",
        is_fine: never,
    },
    Old {
        name: "Tk",
        code: "do_not_track",
        reason: "the signal it answers, Do Not Track, was given up",
        remedy: "leave it out",
        is_fine: never,
    },
    Old {
        name: "Large-Allocation",
        code: "large_allocation",
        reason: "the one browser that read it dropped it",
        remedy: "leave it out",
        is_fine: never,
    },
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;
    use readiness_core::Target;

    use super::*;
    use crate::http::samples;

    fn of(headers: &[(&str, &str)]) -> Outcome {
        judge(
            &CurrentHeaders::default(),
            samples::looked(&samples::html(headers)),
        )
    }

    #[test]
    fn each_header_has_its_reason() {
        for old in OLD {
            let outcome = of(&[(old.name, "1; mode=block")]);
            assert_eq!(outcome.findings.len(), 1, "{}", old.name);
            let finding = &outcome.findings[0];
            assert_eq!(finding.subject, format!("header `{}`", old.name));
            assert!(outcome.status.is_warn(), "{}", old.name);
            assert!(!finding.remedy.is_empty() && !finding.remedy.ends_with('.'));
            assert!(!finding.message.ends_with('.'), "{}", finding.message);
        }
        let names: HashSet<String> = OLD.iter().map(|old| old.name.to_ascii_lowercase()).collect();
        assert_eq!(names.len(), OLD.len());
    }

    #[test]
    fn what_is_right_passes() {
        for (headers, fine) in [
            (&[][..], true),
            (&[("x-xss-protection", "0")][..], true),
            (&[("x-xss-protection", " 0 ; mode=block")], true),
            (&[("x-xss-protection", "00")], false),
            (&[("x-xss-protection", "1")], false),
            (&[("x-xss-protection", "1; mode=block")], false),
            (&[("x-xss-protection", "")], false),
            (&[("pragma", "no-cache")], false),
            (&[("pragma", "no-cache"), ("cache-control", "no-cache")], true),
            (&[("cache-control", "no-store")], true),
        ] {
            assert_eq!(of(headers).status.is_pass(), fine, "{headers:?}");
        }
        assert_eq!(of(&[]).summary, "no header that browsers have given up");
    }

    #[test]
    fn allowed_headers_are_left_alone() {
        let settings = CurrentHeaders {
            allow: vec!["p3p".into()],
            ..CurrentHeaders::default()
        };
        let exchange = samples::html(&[("p3p", "CP=x"), ("expect-ct", "max-age=0")]);
        let outcome = judge(&settings, samples::looked(&exchange));
        assert_eq!(outcome.summary, "header `Expect-CT` is out of use");
        assert!(settings.check().is_ok());
        let wrong = CurrentHeaders {
            allow: vec!["a b".into()],
            ..CurrentHeaders::default()
        };
        assert!(wrong.check().is_err());
    }

    #[test]
    fn every_kind_of_response_is_judged() {
        for status in [200, 301, 401, 404, 503] {
            let exchange = Exchange::new(status, [("p3p", "CP=x")]);
            let outcome = judge(&CurrentHeaders::default(), samples::looked(&exchange));
            assert!(outcome.status.is_warn(), "{status}");
        }
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts("https://example.com/", &[("p3p", "x"), ("tk", "N")]);
        let outcome = facts.judge(&CurrentHeaders::default(), &target);
        assert_eq!(outcome.summary, "2 headers are out of use");
    }

    #[test]
    fn hostile_values_make_one_finding_each() {
        for value in samples::hostile() {
            let headers = OLD.map(|old| (old.name, value.clone()));
            let outcome = judge(
                &CurrentHeaders::default(),
                samples::looked(&samples::html(&headers)),
            );
            assert_eq!(outcome.findings.len(), OLD.len());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..99)) {
            let exchange = samples::html(&[("x-xss-protection", value.clone()), ("pragma", value)]);
            let _ = judge(&CurrentHeaders::default(), samples::looked(&exchange));
        }
    }
}
