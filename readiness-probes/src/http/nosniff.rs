use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Status, async_trait,
    fact::Exchange, probe,
};

use super::{
    applicability::{Rule, applies},
    media_type::{is_html, is_script_type, media_type},
    page::{Looked, judge_page},
    pages::Pages,
    syntax::{excerpt, shown, split_unquoted, trim},
};

probe! {
    /// Browsers take a response for what it says it is.
    ///
    /// # What it checks
    /// `X-Content-Type-Options` as browsers read it, and whether `Content-Type` is there, parses, and fits a path
    /// that ends like a script or a style sheet.
    ///
    /// # Why it matters
    /// A browser that guesses may run an upload or an error text as a script. A response without a type is
    /// guessed at in any case.
    ///
    /// # How it is judged
    /// The first value of the list must be `nosniff`, in upper or lower case: `nosniff, x` counts, `, nosniff` does
    /// not. A missing or malformed `Content-Type` fails where there is content. So does a `.js`, `.mjs` or `.css`
    /// path whose type is another one: with `nosniff`, browsers do not run or apply it. Pages, APIs, scripts and
    /// styles fail; other assets and error responses warn; a redirect has no content to sniff.
    ///
    /// # How to fix
    /// Send `X-Content-Type-Options: nosniff` and a `Content-Type` that fits on every response.
    pub struct Nosniff {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.nosniff",
    title: "browsers do not guess the content type",
    priority: Medium,
    references: [
        "Fetch, determine nosniff" => "https://fetch.spec.whatwg.org/#determine-nosniff",
        "Fetch, blocked due to nosniff" => "https://fetch.spec.whatwg.org/#should-response-to-request-be-blocked-due-to-nosniff?",
        "MIME Sniffing section 4.4" => "https://mimesniff.spec.whatwg.org/#parsing-a-mime-type",
    ],
}

#[async_trait]
impl Probe for Nosniff {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl Nosniff {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

const REMEDY: &str = "send `X-Content-Type-Options: nosniff`, once";

fn judge(looked: Looked<'_>) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let applies = applies(Rule::Nosniff, exchange, page);
    let (_, weight) = match applies {
        Ok(applies) => applies,
        Err(outcome) => return *outcome,
    };
    let mut findings = Vec::new();
    let header = exchange.joined("x-content-type-options");
    match &header {
        None => findings.push(
            Finding::fail(
                "missing",
                "expected `X-Content-Type-Options: nosniff` and found no such header",
            )
            .remedy(REMEDY),
        ),
        Some(value) if !is_nosniff(value) => findings.push(
            Finding::fail(
                "not_nosniff",
                format!(
                    "the first value is `{}`, expected `nosniff`",
                    excerpt(first_of(value))
                ),
            )
            .evidence("X-Content-Type-Options", shown(value))
            .remedy(REMEDY),
        ),
        Some(_) => {}
    }
    if has_content(exchange) && media_type(exchange).is_none() {
        let remedy = "send the type of the content, such as `Content-Type: text/html; charset=utf-8`";
        findings.push(match exchange.joined("content-type") {
            None => {
                Finding::fail("no_content_type", "expected a `Content-Type` and found none").remedy(remedy)
            }
            Some(value) => Finding::fail(
                "malformed_content_type",
                format!("`Content-Type` is `{}`, expected type/subtype", excerpt(&value)),
            )
            .evidence("Content-Type", shown(&value))
            .remedy(remedy),
        });
    }
    findings.extend(misfit(
        &key.path,
        exchange,
        header.as_deref().is_some_and(is_nosniff),
    ));
    if is_html(exchange) && !names_charset(exchange) {
        findings.push(
            Finding::note(
                "no_charset",
                "`Content-Type` names no charset, so browsers look for it in the page",
            )
            .evidence(
                "Content-Type",
                shown(&exchange.joined("content-type").unwrap_or_default()),
            ),
        );
    }
    let summary = match findings.first().map(|finding| finding.code.as_str()) {
        Some("missing") => "no X-Content-Type-Options header",
        Some("not_nosniff") => "X-Content-Type-Options is not nosniff",
        Some("no_content_type") => "nosniff, but no Content-Type",
        Some("malformed_content_type") => "nosniff, but a malformed Content-Type",
        Some("blocked") => "browsers block it: its type does not fit",
        _ => "nosniff, with a content type",
    };
    Outcome::judged(summary, weight.apply(findings))
}

/// A script or a style sheet, by the end of its path, that says it is something else.
///
/// Fetch, "should response to request be blocked due to nosniff": browsers then drop the response. Without
/// `nosniff` they still do so for modules and for some types.
fn misfit(path: &str, exchange: &Exchange, is_nosniff: bool) -> Option<Finding> {
    let essence = media_type(exchange)?;
    let path = path.split('?').next().unwrap_or_default();
    let (_, end) = path.rsplit('/').next()?.rsplit_once('.')?;
    let (what, verb, wanted, fits) = match end.to_ascii_lowercase().as_str() {
        "js" | "mjs" => ("a script", "run", "text/javascript", is_script_type(&essence)),
        "css" => ("a style sheet", "apply", "text/css", essence == "text/css"),
        _ => return None,
    };
    if fits || !matches!(exchange.status, 200..=299) {
        return None;
    }
    let (code, status, problem) = if is_nosniff {
        ("blocked", Status::Fail, format!("so browsers do not {verb} it"))
    } else {
        (
            "wrong_type",
            Status::warn(),
            format!("with `nosniff` browsers would not {verb} it"),
        )
    };
    let essence = excerpt(essence.as_bytes());
    Some(
        Finding::new(
            code,
            status,
            format!("the path is that of {what} and the type is `{essence}`, expected `{wanted}`: {problem}"),
        )
        .evidence(
            "Content-Type",
            shown(&exchange.joined("content-type").unwrap_or_default()),
        )
        .remedy(format!(
            "send `Content-Type: {wanted}`, or answer 404 where there is no such file"
        )),
    )
}

/// Fetch, "determine nosniff": only the first value counts.
fn is_nosniff(joined: &[u8]) -> bool {
    first_of(joined).eq_ignore_ascii_case(b"nosniff")
}

fn first_of(joined: &[u8]) -> &[u8] {
    split_unquoted(joined, b',')
        .first()
        .map(|(_, value)| trim(value))
        .unwrap_or_default()
}

fn has_content(exchange: &Exchange) -> bool {
    !matches!(exchange.status, 204 | 205 | 304)
        && exchange.first("content-length").map(trim) != Some(&b"0"[..])
}

fn names_charset(exchange: &Exchange) -> bool {
    exchange.joined("content-type").is_some_and(|value| {
        split_unquoted(&value, b';').iter().any(|(_, part)| {
            let part = trim(part);
            part.get(..8)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"charset="))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{Reason, Target};

    use super::*;
    use crate::http::{Page, samples};

    fn of(status: u16, headers: &[(&str, &str)]) -> Outcome {
        judge(samples::looked(&Exchange::new(status, headers.iter().copied())))
    }

    fn codes(outcome: &Outcome) -> Vec<&str> {
        outcome.findings.iter().map(|f| f.code.as_str()).collect()
    }

    #[test]
    fn determine_nosniff() {
        for (section, lines, wanted) in [
            ("determine nosniff, step 1", &[][..], false),
            ("determine nosniff, step 3", &["nosniff"][..], true),
            ("determine nosniff, step 3: case", &["NoSniff"], true),
            (
                "determine nosniff, step 3: the first value",
                &["nosniff,nosniff"],
                true,
            ),
            ("determine nosniff, step 3: before another", &["nosniff, x"], true),
            (
                "determine nosniff, step 3: before an empty one",
                &["nosniff,"],
                true,
            ),
            (
                "determine nosniff, step 3: behind another",
                &["x, nosniff"],
                false,
            ),
            (
                "determine nosniff, step 3: behind an empty one",
                &[",nosniff"],
                false,
            ),
            ("determine nosniff, step 3: two words", &["no sniff"], false),
            ("determine nosniff, step 3: more letters", &["nosniffx"], false),
            ("determine nosniff, step 3: parameters", &["nosniff;"], false),
            ("determine nosniff, step 3: apostrophes", &["'nosniff'"], false),
            ("determine nosniff, step 3: nothing", &[""], false),
            ("get, decode, and split: blanks", &[" \tnosniff\t "], true),
            (
                "get, decode, and split: blanks before a comma",
                &["nosniff\t ,x"],
                true,
            ),
            ("get, decode, and split: no other space", &["\u{c}nosniff"], false),
            ("get, decode, and split: nor behind", &["nosniff\u{b}"], false),
            ("get, decode, and split: quotes are kept", &["\"nosniff\""], false),
            (
                "get, decode, and split: an open quote holds commas",
                &["\"a,nosniff"],
                false,
            ),
            (
                "get, decode, and split: a quoted pair",
                &["\"\\\",nosniff"],
                false,
            ),
            ("get: lines are one list", &["nosniff", "x"], true),
            ("get: the first line counts", &["x", "nosniff"], false),
            ("get: an empty line behind", &["nosniff", ""], true),
            ("get: an empty line before", &["", "nosniff"], false),
        ] {
            let headers = lines.iter().map(|line| ("x-content-type-options", *line));
            let exchange = samples::html(&headers.collect::<Vec<_>>());
            let outcome = judge(samples::looked(&exchange));
            assert_eq!(outcome.status.is_pass(), wanted, "Fetch, {section}: {lines:?}");
            let code = if lines.is_empty() {
                "missing"
            } else {
                "not_nosniff"
            };
            assert_eq!(
                codes(&outcome).contains(&code),
                !wanted,
                "Fetch, {section}: {lines:?}"
            );
        }
    }

    #[test]
    fn scripts_and_styles_need_their_type() {
        let of = |path: &str, status: u16, content_type: &str, nosniff: &str| {
            let mut key = samples::key("example.com");
            key.path = path.into();
            let headers = [
                ("content-type", content_type),
                ("x-content-type-options", nosniff),
            ];
            judge(samples::looked(&Exchange::new(status, headers)).by(&key))
        };
        // Fetch, "should response to request be blocked due to nosniff", steps 3 and 4.
        for (path, content_type, code) in [
            ("/app.js", "text/javascript", None),
            ("/app.js", "application/javascript; charset=utf-8", None),
            ("/app.js", "application/x-ecmascript", None),
            ("/app.JS?v=1", "text/plain", Some("blocked")),
            ("/app.js", "application/json", Some("blocked")),
            ("/app.mjs", "application/octet-stream", Some("blocked")),
            ("/app.js", "text/html; charset=utf-8", Some("blocked")),
            ("/app.css", "text/css", None),
            ("/app.css", "text/plain", Some("blocked")),
            ("/app.js.map", "application/json", None),
            ("/js", "text/html; charset=utf-8", None),
            ("/.js/", "text/html; charset=utf-8", None),
        ] {
            let outcome = of(path, 200, content_type, "nosniff");
            let found = outcome.findings.first().map(|finding| finding.code.as_str());
            assert_eq!(found, code, "{path} {content_type}");
            assert_eq!(outcome.status.is_pass(), code.is_none(), "{path} {content_type}");
        }
        let plain = of("/app.js", 200, "text/plain", "x");
        assert_eq!(codes(&plain), ["not_nosniff", "wrong_type"]);
        // A missing file answers with the error page.
        assert!(
            of("/app.js", 404, "text/html; charset=utf-8", "nosniff")
                .status
                .is_pass()
        );
    }

    #[test]
    fn content_needs_a_type() {
        let nosniff = ("x-content-type-options", "nosniff");
        assert_eq!(codes(&of(200, &[nosniff])), ["no_content_type"]);
        assert_eq!(
            codes(&of(200, &[nosniff, ("content-type", "html")])),
            ["malformed_content_type"]
        );
        assert_eq!(
            codes(&of(200, &[nosniff, ("content-type", "text/html")])),
            ["no_charset"]
        );
        assert!(
            of(200, &[nosniff, ("content-type", "text/html;CHARSET=utf-8")])
                .findings
                .is_empty()
        );
        assert!(
            of(200, &[nosniff, ("content-type", "application/json")])
                .findings
                .is_empty()
        );
        for status in [204, 205] {
            assert!(of(status, &[nosniff]).status.is_pass(), "{status}");
        }
        assert!(of(200, &[nosniff, ("content-length", "0")]).status.is_pass());
        assert!(of(200, &[nosniff, ("content-length", "1")]).status.is_fail());
    }

    #[test]
    fn the_weight_depends_on_the_kind() {
        let of_type = |content_type| of(200, &[("content-type", content_type)]).status;
        for content_type in ["text/html", "application/json", "text/css", "text/javascript"] {
            assert!(of_type(content_type).is_fail(), "{content_type}");
        }
        for content_type in ["image/png", "application/pdf"] {
            assert!(of_type(content_type).is_warn(), "{content_type}");
        }
        assert!(of(404, &[("content-type", "text/html")]).status.is_warn());
        assert!(of(301, &[("location", "/")]).status.is_not_applicable());
        assert_eq!(of(403, &[]).status, Status::unknown(Reason::UNEXPECTED_RESPONSE));
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let facts = samples::facts("https://example.com/", &[("content-type", "text/html")]);
        let outcome = facts.judge(&Nosniff::default(), &target);
        assert_eq!(outcome.summary, "no X-Content-Type-Options header");
        assert!(
            Nosniff {
                pages: Pages::new([Page::default().accept_status([1])]),
                ..Nosniff::default()
            }
            .check()
            .is_err()
        );
        assert!(Nosniff::default().check().is_ok());
    }

    #[test]
    fn hostile_values_fail() {
        for value in samples::hostile() {
            let exchange = Exchange::new(
                200,
                [("x-content-type-options", &value), ("content-type", &value)],
            );
            assert!(judge(samples::looked(&exchange)).status.is_fail());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(a in proptest::collection::vec(any::<u8>(), 0..99), b in ".{0,50}") {
            let exchange = Exchange::new(200, [("x-content-type-options", a), ("content-type", b.into_bytes())]);
            let _ = judge(samples::looked(&exchange));
        }
    }
}
