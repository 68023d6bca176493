use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Exchange, Resource},
    probe,
};
use url::{Host, Url};

use super::{
    page::{Looked, judge_page},
    pages::Pages,
    policy::{Policy, parse, policies},
    subresources::{ReadPage, subject_of},
    syntax::count,
};

probe! {
    /// A page that came over https loads nothing, and sends nothing, over plain http.
    ///
    /// # What it checks
    /// The URLs of everything that stands in the page and is loaded (scripts, styles, frames, objects, images,
    /// media), of forms, and of `base`. What scripts load later is not seen.
    ///
    /// # Why it matters
    /// Browsers block scripts, styles and frames that come over plain http, so that the page is broken. They
    /// ask for images and media over https instead, which fails where there is none. A form sent over plain
    /// http can be read and changed on its way.
    ///
    /// # How it is judged
    /// What browsers block fails, and so does a form or a `base` with a plain URL. Images, audio and video
    /// warn, except where browsers block them too: from an address instead of a name, or out of a `srcset`.
    /// Loopback addresses are safe. With `upgrade-insecure-requests` in the policy of the page browsers ask
    /// for all of it over https, and it is only noted. A page that itself came over plain http is not judged.
    ///
    /// # How to fix
    /// Write `https://` or a URL without scheme and host; `Content-Security-Policy:
    /// upgrade-insecure-requests` helps with pages that cannot be changed.
    pub struct NoMixedContent {
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.no_mixed_content",
    title: "an https page loads nothing over http",
    priority: Info,
    references: [
        "Mixed Content" => "https://www.w3.org/TR/mixed-content/",
        "Upgrade Insecure Requests" => "https://www.w3.org/TR/upgrade-insecure-requests/",
        "Secure Contexts section 3.1" => "https://www.w3.org/TR/secure-contexts/#is-origin-trustworthy",
    ],
}

#[async_trait]
impl Probe for NoMixedContent {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        judge_page(cx, &self.pages, judge).await
    }
}

impl NoMixedContent {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.pages.check()
    }
}

/// A page may load a thousand.
const MOST_FINDINGS: usize = 50;
const REMEDY: &str = "write the URL with `https://`";

fn judge(looked: Looked<'_>) -> Outcome {
    let page = match ReadPage::of(looked) {
        Ok(page) => page,
        Err(outcome) => return *outcome,
    };
    if !looked.exchange.channel.is_secure() {
        return Outcome::not_applicable("the page itself comes over plain http");
    }
    let upgraded = is_upgraded(looked.exchange, &page);
    let mut findings = Vec::new();
    let (mut plain, mut left_out) = (0, 0);
    let base = page
        .document
        .base
        .as_deref()
        .and_then(|base| page.url.join(base).ok());
    if let Some(base) = base.filter(is_plain) {
        plain += 1;
        let message = "every relative URL of the page is meant over plain http";
        let finding = Finding::fail("plain_base", message).remedy(REMEDY);
        let subject = subject_of(&Resource::new("base", ""), &base);
        findings.push(of_policy(finding, upgraded).subject(subject));
    }
    for (resource, url) in page.resources() {
        if !is_plain(&url) {
            continue;
        }
        plain += 1;
        if findings.len() == MOST_FINDINGS {
            left_out += 1;
            continue;
        }
        let finding = finding(resource, &url);
        findings.push(of_policy(finding, upgraded).subject(subject_of(resource, &url)));
    }
    if left_out > 0 {
        let finding = Finding::fail("more", format!("{left_out} more like these are not shown"))
            .remedy("mend those that are shown, and look again");
        findings.push(of_policy(finding, upgraded));
    }
    findings.extend(page.rest());
    let summary = match (plain, upgraded) {
        (0, _) => "nothing of the page goes over plain http".to_owned(),
        (n, true) => format!(
            "{}, all asked for over https",
            count(n, "plain URL", "plain URLs")
        ),
        (n, false) => format!("{} in an https page", count(n, "plain URL", "plain URLs")),
    };
    Outcome::judged(summary, page.weight.apply(findings))
}

const CSP: &str = "content-security-policy";

/// A policy in force that makes browsers ask over https. CSP3, section 3.3: a `meta` counts in the head.
fn is_upgraded(exchange: &Exchange, page: &ReadPage<'_>) -> bool {
    let asks = |policy: &Policy<'_>| policy.first_of(&["upgrade-insecure-requests"]).is_some();
    let metas = page
        .document
        .metas
        .iter()
        .filter(|meta| meta.is_in_head && meta.http_equiv == CSP);
    policies(exchange, CSP).iter().any(asks)
        || metas
            .into_iter()
            .any(|meta| asks(&parse(meta.content.as_bytes())))
}

fn of_policy(finding: Finding, upgraded: bool) -> Finding {
    if !upgraded {
        return finding;
    }
    let message = format!("{}, but for `upgrade-insecure-requests`", finding.message);
    Finding::note(finding.code, message)
}

/// Whether it is not trustworthy as it stands. Secure Contexts, section 3.1: loopback is.
fn is_plain(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => {
            let name = name.strip_suffix('.').unwrap_or(name);
            name == "localhost" || name.ends_with(".localhost")
        }
        None => false,
    };
    matches!(url.scheme(), "http" | "ftp" | "ws") && !is_loopback
}

fn finding(resource: &Resource, url: &Url) -> Finding {
    if resource.element == "form" {
        return Finding::fail("plain_form", "what is typed in is sent over plain http").remedy(REMEDY);
    }
    let is_address = !matches!(url.host(), Some(Host::Domain(_)));
    if is_upgradeable(resource) && url.scheme() == "http" && !is_address {
        let message = "browsers ask for it over https instead, and show nothing where that fails";
        return Finding::warn("upgraded", message).remedy(REMEDY);
    }
    Finding::fail("blocked", "browsers block it, as it would come over plain http").remedy(REMEDY)
}

/// Mixed Content, section 3.1: images, audio and video, but no set of images.
fn is_upgradeable(resource: &Resource) -> bool {
    let is_icon = || {
        resource
            .rel
            .split(' ')
            .any(|rel| rel.ends_with("icon") || rel.starts_with("apple-touch-icon"))
    };
    match resource.element.as_str() {
        "img" | "source" => resource.kind != "imageset",
        "audio" | "feimage" | "image" | "input" | "video" => true,
        "link" => matches!(&*resource.kind, "audio" | "image" | "video") || is_icon(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{http::samples, live::read_document};

    fn page(headers: &[(&str, &str)], html: &str) -> Exchange {
        samples::html(headers).document(read_document(html.as_bytes()))
    }

    fn of(html: &str) -> Outcome {
        judge(samples::looked(&page(&[], html)))
    }

    fn codes(outcome: &Outcome) -> Vec<&str> {
        outcome.findings.iter().map(|finding| &*finding.code).collect()
    }

    #[test]
    fn each_kind_weighs_what_browsers_do_with_it() {
        for (html, wanted) in [
            (
                "<img src=https://a.test/a.png><img src=//a.test/a><img src=/a><img src=data:,>",
                &[][..],
            ),
            ("<script src=http://a.test/a.js></script>", &["blocked"]),
            ("<link rel=stylesheet href=http://a.test/a.css>", &["blocked"]),
            ("<link rel=modulepreload href=http://a.test/a.js>", &["blocked"]),
            ("<link rel=preload as=fetch href=http://a.test/a>", &["blocked"]),
            ("<link rel=preload as=font href=http://a.test/a>", &["blocked"]),
            ("<link rel=preload as=image href=http://a.test/a>", &["upgraded"]),
            ("<link rel=manifest href=http://a.test/a>", &["blocked"]),
            ("<link rel=icon href=http://a.test/a>", &["upgraded"]),
            ("<link rel='shortcut icon' href=http://a.test/a>", &["upgraded"]),
            ("<iframe src=http://a.test/></iframe>", &["blocked"]),
            ("<object data=http://a.test/></object>", &["blocked"]),
            ("<embed src=http://a.test/>", &["blocked"]),
            ("<track src=http://a.test/>", &["blocked"]),
            ("<img src=http://a.test/a.png>", &["upgraded"]),
            ("<svg><image href=http://a.test/a.png />", &["upgraded"]),
            ("<input type=image src=http://a.test/a.png>", &["upgraded"]),
            (
                "<audio src=http://a.test/a></audio><video src=http://a.test/b poster=http://a.test/c></video>",
                &["upgraded", "upgraded", "upgraded"],
            ),
            ("<video><source src=http://a.test/a></video>", &["upgraded"]),
            // Mixed Content, section 4.1: a set of images and addresses are not upgraded.
            ("<img srcset='http://a.test/a.png 2x'>", &["blocked"]),
            (
                "<picture><source srcset=http://a.test/a.png></picture>",
                &["blocked"],
            ),
            ("<img src=http://192.0.2.1/a.png>", &["blocked"]),
            ("<img src='http://[2001:db8::1]/a.png'>", &["blocked"]),
            ("<img src=ftp://a.test/a.png>", &["blocked"]),
            ("<form action=http://a.test/></form>", &["plain_form"]),
            (
                "<form><button formaction=http://a.test/>x</button></form>",
                &["plain_form"],
            ),
            // Secure Contexts, section 3.1: loopback never leaves the machine.
            (
                "<script src=http://localhost:3000/a.js></script><img src=http://127.0.0.1/a><img src='http://[::1]/'><img src=http://a.localhost./>",
                &[],
            ),
            (
                "<script src=http://localhost.example/a.js></script>",
                &["blocked"],
            ),
            // Links lead away and load nothing.
            (
                "<a href=http://a.test/>a</a><link rel=canonical href=http://a.test/>",
                &[],
            ),
        ] {
            assert_eq!(codes(&of(html)), wanted, "{html}");
        }
    }

    #[test]
    fn what_is_blocked_fails_and_what_is_upgraded_warns() {
        let blocked = of("<script src=HTTP://a.test/a.js?x=1></script>");
        assert!(blocked.status.is_fail());
        assert_eq!(blocked.findings[0].subject, "script `http://a.test/a.js`");
        assert_eq!(blocked.summary, "1 plain URL in an https page");
        assert!(of("<img src=http://a.test/>").status.is_warn());
        assert_eq!(of("").summary, "nothing of the page goes over plain http");
        assert!(of("").status.is_pass());
    }

    #[test]
    fn a_plain_base_makes_all_plain() {
        let outcome = of("<base href=http://a.test/><script src=a.js></script>");
        assert_eq!(codes(&outcome), ["plain_base", "blocked"]);
        assert_eq!(outcome.findings[1].subject, "script `http://a.test/a.js`");
    }

    #[test]
    fn an_upgrading_policy_helps() {
        let script = "<script src=http://a.test/a.js></script><form action=http://a.test/>";
        for (headers, before, helps) in [
            (
                &[("content-security-policy", "upgrade-insecure-requests")][..],
                "",
                true,
            ),
            (
                &[(
                    "content-security-policy",
                    "default-src *; UPGRADE-insecure-requests;",
                )],
                "",
                true,
            ),
            (
                &[(
                    "content-security-policy",
                    "default-src 'self', upgrade-insecure-requests",
                )],
                "",
                true,
            ),
            (
                &[("content-security-policy-report-only", "upgrade-insecure-requests")],
                "",
                false,
            ),
            (
                &[("content-security-policy", "x upgrade-insecure-requests")],
                "",
                false,
            ),
            (
                &[],
                "<meta http-equiv=content-security-policy content=upgrade-insecure-requests>",
                true,
            ),
            // A `meta` element holds one policy, whose commas part nothing.
            (
                &[],
                "<meta http-equiv=content-security-policy content='img-src *, upgrade-insecure-requests'>",
                false,
            ),
            (
                &[],
                "<meta http-equiv=content-security-policy content='img-src *; upgrade-insecure-requests'>",
                true,
            ),
            (
                &[],
                "<body><meta http-equiv=content-security-policy content=upgrade-insecure-requests>",
                false,
            ),
        ] {
            let exchange = page(headers, &format!("{before}{script}"));
            let outcome = judge(samples::looked(&exchange));
            assert_eq!(outcome.status.is_pass(), helps, "{headers:?} {before}");
            assert_eq!(outcome.findings.len(), 2);
        }
    }

    #[test]
    fn where_it_does_not_apply() {
        let plain = samples::plain(page(&[], "<script src=http://a.test/></script>"));
        assert!(judge(samples::looked(&plain)).status.is_not_applicable());
        assert!(
            judge(samples::looked(&samples::html::<&str>(&[])))
                .status
                .is_unknown()
        );
        let redirect = Exchange::new(301, [("location", "/")]);
        assert!(judge(samples::looked(&redirect)).status.is_not_applicable());
        assert!(NoMixedContent::default().check().is_ok());
    }

    #[test]
    fn findings_are_capped() {
        let outcome = of(&"<img src=http://a.test/>".repeat(1001));
        assert_eq!(outcome.findings.len(), MOST_FINDINGS + 2);
        assert_eq!(codes(&outcome)[MOST_FINDINGS..], ["more", "not_read_to_its_end"]);
    }

    proptest! {
        #[test]
        fn no_page_panics(html in "(<base href=|<img src=|<form action=|>|http:|//|[a-z\\[\\]@%: -]){0,60}") {
            let _ = of(&html);
        }
    }
}
