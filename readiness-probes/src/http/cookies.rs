use std::collections::HashSet;

use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp, async_trait,
    probe,
};

use super::{
    applicability::gate,
    cookie_rules::{Site, is_session_name, judge_cookie},
    page::{Looked, judge_page},
    pages::Pages,
    set_cookie,
    syntax::count,
};

probe! {
    /// Cookies travel over https only, and those of a session are kept from scripts and other sites.
    ///
    /// # What it checks
    /// Every `Set-Cookie` line of the response to the target's own path, read as browsers read it. Values are
    /// redacted before they are looked at.
    ///
    /// # Why it matters
    /// Who holds the cookie of a session is logged in as its owner. Browsers also drop cookies whose attributes
    /// contradict each other, without a word to the service.
    ///
    /// # How it is judged
    /// Over https a cookie without `Secure` fails. A cookie browsers drop fails: the prefixes `__Secure-` and
    /// `__Host-` (in any case) without what they promise, a `Domain` that is a public suffix or another site,
    /// `SameSite=None` or `Partitioned` without `Secure`. The cookie of a session also needs `HttpOnly` (fails)
    /// and `SameSite` (warns). A session's cookie is known by its name: those in `session_names`, and the usual
    /// ones (`sid`, `sess…`, `auth`, `token`, `jwt`, `login`). A line that deletes a cookie is left aside. Without
    /// any cookie it does not apply.
    ///
    /// # How to fix
    /// Send `Set-Cookie: __Host-sid=…; Path=/; Secure; HttpOnly; SameSite=Lax`.
    pub struct Cookies {
        /// Names of cookies that hold a session, besides the usual ones. Default: none.
        pub session_names: Vec<String> = Vec::new(),
        /// Names of cookies that are not judged, such as those of a load balancer. Default: none.
        pub ignore_names: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.cookies",
    title: "cookies are kept from eavesdroppers and scripts",
    priority: High,
    references: [
        "RFC 6265bis section 5.6" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-5.6",
        "RFC 6265bis section 4.1.3" => "https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3",
    ],
}

#[async_trait]
impl Probe for Cookies {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let (https_required, now) = (cx.profile().https_required, cx.now());
        judge_page(cx, &self.pages, |looked| judge(self, looked, https_required, now)).await
    }
}

impl Cookies {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        for (setting, names) in [
            ("session_names", &self.session_names),
            ("ignore_names", &self.ignore_names),
        ] {
            if names.iter().any(String::is_empty) {
                return Err(format!("`{setting}` holds an empty name"));
            }
        }
        self.pages.check()
    }
}

/// A response may set thousands of cookies; browsers keep about 180 of one site.
const MOST_FINDINGS: usize = 50;

fn judge(settings: &Cookies, looked: Looked<'_>, https_required: bool, now: Timestamp) -> Outcome {
    let Looked { key, page, exchange } = looked;
    let declared = page.is_declared(exchange.status);
    let gate = gate(exchange).filter(|_| !declared);
    let site = Site {
        host: &key.endpoint.name,
        channel: exchange.channel,
        https_required,
    };
    let (mut cookies, mut faulty, mut deleted) = (0, 0, 0);
    let mut findings = Vec::new();
    let mut seen = HashSet::new();
    for line in exchange.all("set-cookie") {
        let cookie = match set_cookie::parse(line) {
            Ok(cookie) => cookie,
            Err(problem) => {
                cookies += 1;
                faulty += 1;
                if seen.insert(("ignored".to_owned(), problem.to_owned())) {
                    findings.push(
                        Finding::fail(
                            "ignored",
                            format!("browsers ignore a `Set-Cookie` line: {problem}"),
                        )
                        .remedy("send `name=value` and attributes between semicolons"),
                    );
                }
                continue;
            }
        };
        if settings.ignore_names.contains(&cookie.name) {
            continue;
        }
        if cookie.is_expired(now) {
            deleted += 1;
            continue;
        }
        cookies += 1;
        let is_session = settings.session_names.contains(&cookie.name) || is_session_name(&cookie.name);
        let found = judge_cookie(&cookie, is_session, site);
        faulty += usize::from(found.iter().any(|finding| !finding.is_note()));
        let fresh = found
            .into_iter()
            .filter(|finding| seen.insert((finding.code.clone(), finding.subject.clone())));
        findings.extend(fresh);
    }
    if cookies == 0 {
        return match gate {
            Some(gate) => Outcome::unknown(
                Reason::UNEXPECTED_RESPONSE,
                format!("{gate} sets no cookie, and is not the page to judge"),
            ),
            None if deleted > 0 => Outcome::not_applicable("the response only deletes cookies"),
            None => Outcome::not_applicable("the response sets no cookie"),
        };
    }
    findings.sort_by_key(|finding| finding.status.rank());
    if findings.len() > MOST_FINDINGS {
        let left_out = findings.len() - MOST_FINDINGS;
        findings.truncate(MOST_FINDINGS);
        findings.push(Finding::note(
            "left_out",
            format!("{left_out} more findings are left out"),
        ));
    }
    let all = count(cookies, "cookie", "cookies");
    let summary = match faulty {
        0 => format!("{all}, each with the attributes it needs"),
        faulty => format!(
            "{faulty} of {all} {}",
            if faulty == 1 { "has a fault" } else { "have faults" }
        ),
    };
    match gate {
        // A log-in wall shows its own cookies, not those of the page behind it.
        Some(gate) if faulty == 0 => Outcome::judged(summary, findings).finding(Finding::unknown(
            "not_the_page",
            Reason::UNEXPECTED_RESPONSE,
            format!("{gate} is not the page to judge"),
        )),
        _ => Outcome::judged(summary, findings),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use readiness_core::{Profile, Status, Target, testing::Facts};

    use readiness_core::fact::Exchange;

    use super::*;
    use crate::http::{Page, ResponseKind, samples};

    fn now() -> Timestamp {
        "2026-11-20T00:00:00Z".parse().unwrap()
    }

    fn at<V: AsRef<[u8]>>(host: &str, lines: &[V]) -> Outcome {
        let headers: Vec<_> = lines.iter().map(|line| ("set-cookie", line.as_ref())).collect();
        judge(
            &Cookies::default(),
            samples::looked(&samples::html(&headers)).by(&samples::key(host)),
            true,
            now(),
        )
    }

    fn codes(line: &str) -> Vec<String> {
        let outcome = at("app.example.com", &[line]);
        outcome.findings.into_iter().map(|finding| finding.code).collect()
    }

    const ALL: &str = "Path=/; Secure; HttpOnly; SameSite=Lax";

    #[test]
    fn what_a_cookie_needs_over_https() {
        for (line, wanted) in [
            ("theme=[redacted]; Secure", &[][..]),
            ("theme=[redacted]; secure", &[]),
            ("theme=[redacted]", &["no_secure"]),
            (
                "theme=[redacted]; Domain=secure.example.org",
                &["no_secure", "foreign_domain"],
            ),
            ("sid=[redacted]; Secure; HttpOnly; SameSite=Lax", &[]),
            ("sid=[redacted]; Secure; HttpOnly; SameSite=Strict", &[]),
            // Legitimate where other sites embed the service.
            ("sid=[redacted]; Secure; HttpOnly; SameSite=None", &[]),
            ("sid=[redacted]; Secure; HttpOnly", &["no_same_site"]),
            ("sid=[redacted]; Secure; SameSite=Lax", &["no_http_only"]),
            ("sid=[redacted]", &["no_secure", "no_http_only", "no_same_site"]),
            ("theme=[redacted]; Secure; SameSite=Maybe", &["unknown_same_site"]),
            (
                "theme=[redacted]; SameSite=None",
                &["no_secure", "same_site_none"],
            ),
            ("theme=[redacted]; Partitioned", &["no_secure", "partitioned"]),
            ("theme=[redacted]; Partitioned; Secure", &[]),
            ("XSRF-TOKEN=[redacted]; Secure", &[]),
            ("heroku-session-affinity=[redacted]; Secure", &[]),
            ("[redacted]; Secure", &[]),
            ("a=b\u{7f}", &["ignored"]),
        ] {
            assert_eq!(codes(line), wanted, "{line}");
        }
    }

    #[test]
    fn prefixes_are_promises() {
        // RFC 6265bis, section 4.1.3; browsers compare them without regard to case.
        for (line, wanted) in [
            ("__Host-id=x; Path=/; Secure", &[][..]),
            ("__Host-id=x; Secure", &["broken_prefix"]),
            ("__Host-id=x; Path=/a; Secure", &["broken_prefix"]),
            (
                "__Host-id=x; Path=/; Secure; Domain=example.com",
                &["broken_prefix"],
            ),
            ("__Host-id=x; Path=/; Secure; Domain=", &[]),
            ("__host-id=x; Secure", &["broken_prefix"]),
            ("__HOST-id=x; Path=/; Secure", &[]),
            ("__Host-id=x; Path=/", &["no_secure", "broken_prefix"]),
            ("__Secure-id=x; Secure", &[]),
            ("__Secure-id=x", &["no_secure", "broken_prefix"]),
            ("__SeCuRe-id=x; Secure; Domain=example.com", &[]),
            ("__Hostid=x; Secure", &[]),
            ("_Host-id=x; Secure", &[]),
        ] {
            assert_eq!(codes(line), wanted, "{line}");
        }
    }

    #[test]
    fn the_domain_must_hold_the_host() {
        for (host, domain, wanted) in [
            ("app.example.com", "app.example.com", None),
            ("app.example.com", "example.com", None),
            ("app.example.com", ".Example.com", None),
            ("app.example.com", "com", Some("public_suffix")),
            ("shop.example.co.uk", "co.uk", Some("public_suffix")),
            ("me.github.io", "github.io", Some("public_suffix")),
            // A host that is a public suffix itself may name itself.
            ("github.io", "github.io", None),
            ("app.example.com", "other.com", Some("foreign_domain")),
            ("app.example.com", "x.app.example.com", Some("foreign_domain")),
            ("app.example.com", "ple.com", Some("foreign_domain")),
            ("app.example.com", "example.com.", Some("foreign_domain")),
            ("192.0.2.1", "2.1", Some("foreign_domain")),
            ("192.0.2.1", "192.0.2.1", None),
            ("db.internal-corp", "internal-corp", None),
        ] {
            let outcome = at(host, &[format!("a=b; Secure; Domain={domain}")]);
            let found = outcome.findings.first().map(|finding| finding.code.as_str());
            assert_eq!(found, wanted, "{domain} from {host}");
        }
    }

    #[test]
    fn deletions_are_left_aside() {
        let past = "sid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT";
        for line in [
            past,
            "sid=; Max-Age=0",
            "sid=[redacted]; Max-Age=-1",
            "__Host-sid=; Max-Age=0",
        ] {
            let outcome = at("example.com", &[line]);
            assert_eq!(outcome.summary, "the response only deletes cookies", "{line}");
            assert!(outcome.status.is_not_applicable());
        }
        assert!(at("example.com", &["sid=; Max-Age=60"]).status.is_fail());
        assert!(
            at("example.com", &[past, &format!("sid=[redacted]; {ALL}")])
                .status
                .is_pass()
        );
    }

    #[test]
    fn without_cookies_it_does_not_apply() {
        let outcome = at::<&str>("example.com", &[]);
        assert!(outcome.status.is_not_applicable());
        assert_eq!(outcome.summary, "the response sets no cookie");
    }

    #[test]
    fn a_gate_shows_its_own_cookies() {
        let judge = |settings: &Cookies, lines: &[&str]| {
            let headers = lines.iter().map(|line| ("set-cookie", *line));
            let exchange = Exchange::new(403, headers);
            let page = settings.pages.iter().next().unwrap();
            judge(settings, samples::looked(&exchange).declared(page), true, now())
        };
        let unknown = Status::unknown(Reason::UNEXPECTED_RESPONSE);
        let open = Cookies::default();
        assert_eq!(judge(&open, &[]).status, unknown);
        assert_eq!(judge(&open, &["a=b; Secure"]).status, unknown);
        assert!(judge(&open, &["a=b"]).status.is_fail());
        let declared = Cookies {
            pages: Pages::new([Page::default().accept_status([403])]),
            ..Cookies::default()
        };
        assert!(judge(&declared, &["a=b; Secure"]).status.is_pass());
        assert!(judge(&declared, &[]).status.is_not_applicable());
        let kind = Cookies {
            pages: Pages::new([Page::default().kind(ResponseKind::Error)]),
            ..Cookies::default()
        };
        assert!(judge(&kind, &[]).status.is_not_applicable());
    }

    #[test]
    fn every_kind_of_response_is_judged() {
        for (status, content_type) in [
            (200, "application/json"),
            (302, ""),
            (404, "text/html"),
            (200, "text/css"),
        ] {
            let headers = [
                ("content-type", content_type),
                ("location", "/"),
                ("set-cookie", "sid=x"),
            ];
            let exchange = Exchange::new(status, headers);
            let outcome = judge(
                &Cookies::default(),
                samples::looked(&exchange).by(&samples::key("example.com")),
                true,
                now(),
            );
            assert!(outcome.status.is_fail(), "{status}");
        }
    }

    #[test]
    fn plain_http_is_judged_by_the_profile() {
        let of = |host: &str, line: &str, https_required| {
            let exchange = samples::plain(samples::html(&[("set-cookie", line)]));
            let outcome = judge(
                &Cookies::default(),
                samples::looked(&exchange).by(&samples::key(host)),
                https_required,
                now(),
            );
            outcome
                .findings
                .into_iter()
                .map(|finding| finding.code)
                .collect::<Vec<_>>()
        };
        assert_eq!(of("example.com", "a=b; Secure", true), ["secure_over_http"]);
        assert_eq!(of("example.com", "a=b", true), ["no_secure"]);
        assert!(of("db.local", "a=b", false).is_empty());
        for host in ["localhost", "app.localhost", "127.0.0.1", "::1"] {
            assert!(of(host, "a=b; Secure", false).is_empty(), "{host}");
        }
    }

    #[test]
    fn declared_and_ignored_names() {
        let of = |settings: &Cookies, line: &str| {
            let exchange = samples::html(&[("set-cookie", line)]);
            judge(
                settings,
                samples::looked(&exchange).by(&samples::key("example.com")),
                true,
                now(),
            )
            .status
        };
        let line = "basket=x; Secure; SameSite=Lax";
        assert!(of(&Cookies::default(), line).is_pass());
        let declared = Cookies {
            session_names: vec!["basket".into()],
            ..Cookies::default()
        };
        assert!(of(&declared, line).is_fail());
        let ignored = Cookies {
            ignore_names: vec!["sid".into()],
            ..Cookies::default()
        };
        assert!(of(&ignored, "sid=x").is_not_applicable());
        assert!(declared.check().is_ok());
        assert!(
            Cookies {
                ignore_names: vec![String::new()],
                ..Cookies::default()
            }
            .check()
            .is_err()
        );
    }

    #[test]
    fn the_probe_judges_the_targets_own_path() {
        let target = Target::parse("https://example.com/").unwrap();
        let headers = [
            ("set-cookie", "sid=[redacted]; Secure; HttpOnly"),
            ("set-cookie", "theme=[redacted]"),
        ];
        let outcome = samples::facts("https://example.com/", &headers).judge(&Cookies::default(), &target);
        assert_eq!(outcome.summary, "2 of 2 cookies have faults");
        assert_eq!(outcome.findings[0].subject, "cookie `theme`");
        assert!(outcome.status.is_fail());

        let inner = Target::parse("http://printer.local/").unwrap();
        let facts: Facts = samples::facts("http://printer.local/", &[("set-cookie", "lang=[redacted]")]);
        assert!(facts.clone().judge(&Cookies::default(), &inner).status.is_pass());
        let strict = facts.profile(Profile::production());
        assert!(strict.judge(&Cookies::default(), &inner).status.is_fail());
    }

    #[test]
    fn a_thousand_cookies_make_few_findings() {
        let lines: Vec<String> = (0..1000).map(|i| format!("session{i}=[redacted]")).collect();
        let outcome = at("example.com", &lines);
        assert_eq!(outcome.summary, "1000 of 1000 cookies have faults");
        assert_eq!(outcome.findings.len(), MOST_FINDINGS + 1);
        assert!(outcome.findings.last().unwrap().message.contains("2950 more"));
        let same = at("example.com", &vec!["sid=[redacted]"; 1000]);
        assert_eq!(same.findings.len(), 3);
    }

    #[test]
    fn hostile_lines_do_not_panic() {
        for line in samples::hostile() {
            let outcome = at("example.com", &[line.clone(), [b"sid=x;", &line[..]].concat()]);
            assert!(outcome.status.is_fail());
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..99), host in "\\PC{0,20}") {
            let _ = at(&host, &[line]);
        }
    }
}
