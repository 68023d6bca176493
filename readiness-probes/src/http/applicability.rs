//! Which rule matters for which kind of response, and how much.

use std::collections::BTreeMap;

use readiness_core::{Finding, Outcome, Reason, Status, fact::Exchange};
use serde::{Deserialize, Serialize};

use super::{
    media_type::{is_document, is_html, is_html_type, is_script_or_style, is_script_type, media_type},
    pages::Page,
    syntax::trim,
};

/// What kind of response it is, for the rules that apply to it.
///
/// It follows from the status and the `Content-Type`; a [`Page`] can say otherwise.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum ResponseKind {
    /// Data for programs, such as JSON.
    Api,
    /// A part of a page: script, style, image, font, download.
    Asset,
    /// A status that says something went wrong.
    Error,
    /// A document a browser shows.
    Page,
    /// A status with a `Location` to go to.
    Redirect,
}

/// A rule whose weight depends on the kind of response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Rule {
    CrossOriginIsolation,
    #[cfg_attr(
        not(any(feature = "csp", test)),
        expect(dead_code, reason = "without the feature nobody asks")
    )]
    Csp,
    #[cfg(feature = "html")]
    Document,
    Framing,
    Hsts,
    Nosniff,
    PermissionsPolicy,
    ReferrerPolicy,
}

/// What a broken rule weighs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weight {
    /// Findings stand as they are.
    Fails,
    /// A failure is a weakness at most.
    Warns,
    /// Findings are notes.
    Informs,
    /// The rule does not apply, for this reason.
    None(&'static str),
}

impl Weight {
    /// The findings as they weigh here.
    pub(crate) fn apply(self, mut findings: Vec<Finding>) -> Vec<Finding> {
        for finding in &mut findings {
            match (self, &finding.status) {
                (Self::Warns, Status::Fail) => finding.status = Status::warn(),
                (Self::Informs, Status::Fail | Status::Warn { .. }) => finding.status = Status::Pass,
                _ => {}
            }
        }
        findings
    }
}

/// The kind of a response and what a rule weighs on it; else the outcome that says why there is nothing to judge.
///
/// A log-in wall, a rate limit, a maintenance page or a challenge says nothing about the page behind it.
pub(crate) fn applies(
    rule: Rule,
    exchange: &Exchange,
    page: &Page,
) -> Result<(ResponseKind, Weight), Box<Outcome>> {
    let kind = match page.kind {
        Some(kind) => kind,
        None if page.is_declared(exchange.status) => by_type(exchange),
        None => match gate(exchange) {
            Some(gate) => return Err(Box::new(not_the_page(&gate))),
            None => by_status(exchange),
        },
    };
    match weigh(rule, kind, exchange) {
        Weight::None(because) => Err(Box::new(Outcome::not_applicable(because))),
        weight => Ok((kind, weight)),
    }
}

/// What is said where something else stands before the page.
pub(crate) fn not_the_page(gate: &str) -> Outcome {
    Outcome::unknown(
        Reason::UNEXPECTED_RESPONSE,
        format!("{gate} is not the page to judge"),
    )
}

/// The kind by status and type alone, for rules that hold for every response.
pub(crate) fn by_status(exchange: &Exchange) -> ResponseKind {
    match exchange.status {
        200..=299 => by_type(exchange),
        301 | 302 | 303 | 307 | 308 if exchange.first("location").is_some() => ResponseKind::Redirect,
        _ => ResponseKind::Error,
    }
}

/// What stands before the page, if something does: `HTTP 403`, `a challenge page (HTTP 200)`.
pub(crate) fn gate(exchange: &Exchange) -> Option<String> {
    if is_challenge(exchange) {
        return Some(format!("a challenge page (HTTP {})", exchange.status));
    }
    matches!(exchange.status, 401 | 403 | 429 | 503).then(|| format!("HTTP {}", exchange.status))
}

/// Whether the response is a challenge of a filter in front of the service, by the headers that their makers
/// document for it, and nothing else: a page that only looks like one is the service's own.
pub(crate) fn is_challenge(exchange: &Exchange) -> bool {
    const MARKS: [(&str, &[&str]); 2] = [
        // Cloudflare, "Detect a Challenge Page response": set on every kind of challenge, with this value only.
        // https://developers.cloudflare.com/cloudflare-challenges/challenge-types/challenge-pages/detect-response/
        ("cf-mitigated", &["challenge"]),
        // AWS WAF, "CAPTCHA and Challenge action behavior": `challenge` with 202, `captcha` with 405.
        // https://docs.aws.amazon.com/waf/latest/developerguide/waf-captcha-and-challenge-actions.html
        ("x-amzn-waf-action", &["captcha", "challenge"]),
    ];
    MARKS.iter().any(|(name, values)| {
        exchange.first(name).is_some_and(|value| {
            values
                .iter()
                .any(|mark| trim(value).eq_ignore_ascii_case(mark.as_bytes()))
        })
    })
}

/// How a rule weighs on a kind of response.
pub(crate) fn weigh(rule: Rule, kind: ResponseKind, exchange: &Exchange) -> Weight {
    use ResponseKind::{Api, Asset, Error, Page, Redirect};
    match (rule, kind) {
        (Rule::Hsts, Asset) => Weight::Informs,
        (Rule::Hsts, _) => Weight::Fails,

        (Rule::Nosniff, Page | Api) => Weight::Fails,
        (Rule::Nosniff, Asset) if is_script_or_style(exchange) => Weight::Fails,
        (Rule::Nosniff, Asset | Error) => Weight::Warns,
        (Rule::Nosniff, Redirect) => Weight::None("a redirect has no content to sniff"),

        (Rule::Csp, Page) => Weight::Fails,
        // Opened by itself it is a document of this origin, and its scripts run.
        (Rule::Csp, Api | Asset) if is_document(exchange) => Weight::Warns,
        (Rule::Csp, Api) => Weight::Informs,
        (Rule::Csp, Asset) => Weight::None("an asset is governed by the policy of its page"),
        (Rule::Csp, Redirect) => Weight::None("a redirect has no page to protect"),

        (Rule::Framing, Page) => Weight::Fails,
        (Rule::Framing, Api | Asset) if is_document(exchange) => Weight::Warns,
        (Rule::Framing, Api) => Weight::None("an API response is no page to frame"),
        (Rule::Framing, Asset) => Weight::None("an asset is no page to frame"),
        (Rule::Framing, Redirect) => Weight::None("a redirect has no page to frame"),

        #[cfg(feature = "html")]
        (Rule::Document, Page) => Weight::Fails,
        #[cfg(feature = "html")]
        (Rule::Document, Api | Asset) => Weight::None("the response is no page that loads anything"),
        #[cfg(feature = "html")]
        (Rule::Document, Redirect) => Weight::None("a redirect has no page that loads anything"),
        #[cfg(feature = "html")]
        (Rule::Document, Error) if is_html(exchange) => Weight::Warns,
        #[cfg(feature = "html")]
        (Rule::Document, Error) => Weight::None("the error response is no HTML page"),

        (Rule::Csp | Rule::Framing, Error) if is_html(exchange) => Weight::Warns,
        (Rule::Csp | Rule::Framing, Error) => Weight::None("the error response is no HTML page"),

        (Rule::ReferrerPolicy, Page) => Weight::Fails,
        (Rule::ReferrerPolicy, Redirect) => Weight::Warns,
        (Rule::ReferrerPolicy, Error) if is_html(exchange) => Weight::Fails,
        (Rule::ReferrerPolicy, Error) => Weight::None("the error response is no HTML page"),
        (Rule::ReferrerPolicy, Api) => Weight::None("an API response holds no links to follow"),
        (Rule::ReferrerPolicy, Asset) => Weight::None("an asset is governed by the policy of its page"),

        (Rule::PermissionsPolicy, Page) => Weight::Fails,
        (Rule::PermissionsPolicy, Api) => Weight::None("an API response is no page that uses features"),
        (Rule::PermissionsPolicy, Asset) => Weight::None("an asset is governed by the policy of its page"),
        (Rule::PermissionsPolicy, Error) => Weight::None("an error response uses no features"),
        (Rule::PermissionsPolicy, Redirect) => Weight::None("a redirect uses no features"),

        (Rule::CrossOriginIsolation, Page | Api | Asset) => Weight::Fails,
        (Rule::CrossOriginIsolation, Error) => Weight::None("an error response is not to be isolated"),
        (Rule::CrossOriginIsolation, Redirect) => Weight::None("a redirect has no page to isolate"),
    }
}

/// The response in a few words: `200, text/html`.
pub(crate) fn describe(exchange: &Exchange) -> String {
    let media_type = media_type(exchange);
    format!(
        "{}, {}",
        exchange.status,
        media_type.as_deref().unwrap_or("no media type")
    )
}

/// Says what is wrong with a list of accepted statuses.
pub(crate) fn check_status(accept_status: &[u16]) -> Result<(), String> {
    let mut seen = BTreeMap::new();
    for &status in accept_status {
        if !(200..=599).contains(&status) {
            return Err(format!("`accept_status` holds {status}, expected 200 to 599"));
        }
        if seen.insert(status, ()).is_some() {
            return Err(format!("`accept_status` holds {status} twice"));
        }
    }
    Ok(())
}

fn by_type(exchange: &Exchange) -> ResponseKind {
    let Some(essence) = media_type(exchange) else {
        // Without a type a browser guesses, and may guess a page; where there is no content it has nothing to.
        return match exchange.status {
            204 | 205 => ResponseKind::Api,
            _ => ResponseKind::Page,
        };
    };
    match essence.as_str() {
        html if is_html_type(html) => ResponseKind::Page,
        "application/gzip"
        | "application/octet-stream"
        | "application/pdf"
        | "application/wasm"
        | "application/zip"
        | "text/css" => ResponseKind::Asset,
        script if is_script_type(script) => ResponseKind::Asset,
        other => match other.split('/').next() {
            Some("audio" | "font" | "image" | "video") => ResponseKind::Asset,
            _ => ResponseKind::Api,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, content_type: &str) -> Exchange {
        Exchange::new(
            status,
            [
                ("content-type", content_type),
                ("location", "https://example.com/"),
            ],
        )
    }

    #[test]
    fn the_kind_follows_from_status_and_type() {
        use ResponseKind::{Api, Asset, Error, Page, Redirect};
        for (status, content_type, kind) in [
            (200, "text/html", Page),
            (200, "Text/HTML; charset=utf-8", Page),
            (200, "application/xhtml+xml", Page),
            (200, "application/json", Api),
            (200, "application/problem+json", Api),
            (200, "text/plain", Api),
            (200, "application/xml", Api),
            (200, "text/css", Asset),
            (200, "text/javascript", Asset),
            (200, "image/svg+xml", Asset),
            (200, "font/woff2", Asset),
            (200, "", Page),
            (200, "nonsense", Page),
            (204, "", Api),
            (206, "video/mp4", Asset),
            (301, "text/html", Redirect),
            (308, "", Redirect),
            (304, "", Error),
            (404, "text/html", Error),
            (500, "application/json", Error),
            (199, "text/html", Error),
        ] {
            assert_eq!(
                by_status(&of(status, content_type)),
                kind,
                "{status} {content_type}"
            );
        }
        // A redirect status without a place to go is no redirect.
        assert_eq!(
            by_status(&Exchange::new(302, [("content-type", "text/html")])),
            Error
        );
    }

    fn kind_of(
        exchange: &Exchange,
        declared: Option<ResponseKind>,
        accept_status: &[u16],
    ) -> Result<ResponseKind, Box<Outcome>> {
        let mut page = Page::default().accept_status(accept_status.iter().copied());
        page.kind = declared;
        applies(Rule::Hsts, exchange, &page).map(|(kind, _)| kind)
    }

    #[test]
    fn a_gate_is_not_the_page_unless_declared() {
        for status in [401, 403, 429, 503] {
            let outcome = kind_of(&of(status, "text/html"), None, &[]).unwrap_err();
            assert_eq!(outcome.status, Status::unknown(Reason::UNEXPECTED_RESPONSE));
            assert!(
                outcome.summary.contains(&status.to_string()),
                "{}",
                outcome.summary
            );
            let accepted = kind_of(&of(status, "text/html"), None, &[status]);
            assert_eq!(accepted.unwrap(), ResponseKind::Page);
            let declared = kind_of(&of(status, "text/html"), Some(ResponseKind::Error), &[]);
            assert_eq!(declared.unwrap(), ResponseKind::Error);
        }
        for status in [400, 402, 404, 428, 430, 500, 502, 504] {
            assert!(kind_of(&of(status, "text/html"), None, &[]).is_ok(), "{status}");
        }
        let challenge = Exchange::new(
            200,
            [("content-type", "text/html"), ("CF-Mitigated", "challenge")],
        );
        let outcome = kind_of(&challenge, None, &[]).unwrap_err();
        assert!(
            outcome.summary.contains("challenge page (HTTP 200)"),
            "{}",
            outcome.summary
        );
    }

    const PAGE: (u16, &str) = (200, "text/html");
    const API: (u16, &str) = (200, "application/json");
    const SCRIPT: (u16, &str) = (200, "text/javascript");
    const STYLE: (u16, &str) = (200, "text/css");
    const IMAGE: (u16, &str) = (200, "image/png");
    const DRAWING: (u16, &str) = (200, "image/svg+xml");
    const XML: (u16, &str) = (200, "application/xml");
    const REDIRECT: (u16, &str) = (301, "text/html");
    const ERROR_PAGE: (u16, &str) = (404, "text/html");
    const ERROR_DATA: (u16, &str) = (500, "application/json");

    fn weight(rule: Rule, (status, content_type): (u16, &str)) -> Weight {
        let exchange = of(status, content_type);
        weigh(rule, by_status(&exchange), &exchange)
    }

    #[test]
    fn each_rule_has_its_weight_on_each_kind() {
        use Rule::{CrossOriginIsolation, Csp, Framing, Hsts, Nosniff, PermissionsPolicy, ReferrerPolicy};
        use Weight::{Fails, Informs, Warns};
        for (rule, response, wanted) in [
            // Every https response can set the policy; an asset is seldom the first one that is asked for.
            (Hsts, PAGE, Some(Fails)),
            (Hsts, API, Some(Fails)),
            (Hsts, IMAGE, Some(Informs)),
            (Hsts, SCRIPT, Some(Informs)),
            (Hsts, REDIRECT, Some(Fails)),
            (Hsts, ERROR_PAGE, Some(Fails)),
            (Hsts, ERROR_DATA, Some(Fails)),
            // What is sniffed into a script or a style does the harm.
            (Nosniff, PAGE, Some(Fails)),
            (Nosniff, API, Some(Fails)),
            (Nosniff, SCRIPT, Some(Fails)),
            (Nosniff, STYLE, Some(Fails)),
            (Nosniff, IMAGE, Some(Warns)),
            (Nosniff, REDIRECT, None),
            (Nosniff, ERROR_PAGE, Some(Warns)),
            (Nosniff, ERROR_DATA, Some(Warns)),
            // A policy governs documents: a drawing or XML opened by itself is one.
            (Csp, PAGE, Some(Fails)),
            (Csp, API, Some(Informs)),
            (Csp, SCRIPT, None),
            (Csp, IMAGE, None),
            (Csp, DRAWING, Some(Warns)),
            (Csp, XML, Some(Warns)),
            (Csp, (200, "text/xml"), Some(Warns)),
            (Csp, (200, "application/atom+xml"), Some(Warns)),
            (Csp, REDIRECT, None),
            (Csp, ERROR_PAGE, Some(Warns)),
            (Csp, ERROR_DATA, None),
            (Framing, PAGE, Some(Fails)),
            (Framing, API, None),
            (Framing, IMAGE, None),
            (Framing, DRAWING, Some(Warns)),
            (Framing, XML, Some(Warns)),
            (Framing, REDIRECT, None),
            (Framing, ERROR_PAGE, Some(Warns)),
            (Framing, ERROR_DATA, None),
            // An error page has links like any other.
            (ReferrerPolicy, PAGE, Some(Fails)),
            (ReferrerPolicy, API, None),
            (ReferrerPolicy, IMAGE, None),
            (ReferrerPolicy, REDIRECT, Some(Warns)),
            (ReferrerPolicy, ERROR_PAGE, Some(Fails)),
            (ReferrerPolicy, ERROR_DATA, None),
            // Their probes inform by priority unless a suite asks for more.
            (PermissionsPolicy, PAGE, Some(Fails)),
            (PermissionsPolicy, API, None),
            (PermissionsPolicy, IMAGE, None),
            (PermissionsPolicy, REDIRECT, None),
            (PermissionsPolicy, ERROR_PAGE, None),
            // COOP and COEP are for pages alone, which the probe tells apart; CORP is for what is embedded.
            (CrossOriginIsolation, PAGE, Some(Fails)),
            (CrossOriginIsolation, API, Some(Fails)),
            (CrossOriginIsolation, IMAGE, Some(Fails)),
            (CrossOriginIsolation, REDIRECT, None),
            (CrossOriginIsolation, ERROR_PAGE, None),
        ] {
            let found = weight(rule, response);
            match wanted {
                Some(wanted) => assert_eq!(found, wanted, "{rule:?} {response:?}"),
                None => assert!(matches!(found, Weight::None(_)), "{rule:?} {response:?}"),
            }
        }
    }

    #[test]
    fn an_upload_of_html_is_a_document() {
        // Said to be an asset, and yet a browser runs what is in it.
        let upload = of(200, "text/html");
        assert_eq!(weigh(Rule::Csp, ResponseKind::Asset, &upload), Weight::Warns);
    }

    #[test]
    fn where_a_rule_does_not_apply_it_says_why() {
        for rule in [
            Rule::CrossOriginIsolation,
            Rule::Csp,
            Rule::Framing,
            Rule::Hsts,
            Rule::Nosniff,
            Rule::PermissionsPolicy,
            Rule::ReferrerPolicy,
        ] {
            for response in [
                PAGE, API, SCRIPT, IMAGE, DRAWING, XML, REDIRECT, ERROR_PAGE, ERROR_DATA,
            ] {
                let exchange = of(response.0, response.1);
                let Err(outcome) = applies(rule, &exchange, &Page::default()) else {
                    continue;
                };
                let Status::NotApplicable { because } = &outcome.status else {
                    panic!("{rule:?} {response:?}: {outcome:?}")
                };
                assert!(because.len() > 20 && because.contains(' '), "{rule:?}: {because}");
                assert_eq!(outcome.summary, *because);
            }
        }
    }

    #[test]
    fn challenges_are_known_by_the_documented_marks_alone() {
        for (status, name, value, is_mark) in [
            (403, "cf-mitigated", "challenge", true),
            (200, "CF-Mitigated", " Challenge ", true),
            (403, "cf-mitigated", "block", false),
            (202, "x-amzn-waf-action", "challenge", true),
            (405, "x-amzn-waf-action", "captcha", true),
            (403, "x-amzn-waf-action", "block", false),
            (200, "server", "cloudflare", false),
            (200, "cf-ray", "challenge", false),
            (200, "cf-mitigated", "", false),
        ] {
            let exchange = Exchange::new(status, [(name, value)]);
            assert_eq!(is_challenge(&exchange), is_mark, "{status} {name}: {value}");
        }
        // The first line decides, as for whoever else reads the header.
        let two = Exchange::new(403, [("cf-mitigated", "x"), ("cf-mitigated", "challenge")]);
        assert!(!is_challenge(&two));
    }

    #[test]
    fn statuses_are_checked() {
        for (list, right) in [
            (&[][..], true),
            (&[200, 599], true),
            (&[199], false),
            (&[600], false),
            (&[403, 403], false),
        ] {
            assert_eq!(check_status(list).is_ok(), right, "{list:?}");
        }
    }
}
