use readiness_core::{
    Described, Finding, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason, Timestamp, async_trait,
    fact::Exchange, probe,
};

use super::{
    applicability::{gate, not_the_page},
    cache_control::{self, CacheControl},
    cookies::names::is_session_name,
    page::{Looked, judge_each},
    pages::Pages,
    set_cookie,
    syntax::{count, excerpt, shown, split_unquoted, trim, unquote},
};

probe! {
    /// What belongs to one user is stored by no cache.
    ///
    /// # What it checks
    /// `Cache-Control` and `CDN-Cache-Control` of the paths declared sensitive, `Clear-Site-Data` of those
    /// that log out, and on all of them and the other pages whether a response that sets the cookie of a
    /// session may be stored by a shared cache. A log-out path is asked with `GET` and without credentials.
    ///
    /// # Why it matters
    /// A shared cache that stores a response with the cookie of a session hands that session to everybody who
    /// asks next. What a browser stores is there for the next person at that computer.
    ///
    /// # How it is judged
    /// A sensitive path without `no-store` fails, also with `private` or `no-cache`, which let it be stored. A
    /// session's cookie that an explicit lifetime or `public` lets shared caches store fails; where nothing
    /// is said, and caches may choose a lifetime themselves, it warns. `private` and `no-cache` with names of
    /// headers count where `Set-Cookie` is among them. A CDN is held to go by `CDN-Cache-Control` where there is
    /// one, and other shared caches by `Cache-Control`. A log-out path without
    /// `Clear-Site-Data` that names `"cookies"` and `"storage"`, or `"*"`, in quotes, fails. Misspelt and malformed
    /// directives warn. 401, 403, 429 and 503 are unknown unless declared.
    ///
    /// # How to fix
    /// Send `Cache-Control: no-store` with what belongs to one user, and
    /// `Clear-Site-Data: "cookies", "storage"` when a session ends.
    pub struct Caching {
        /// Paths whose responses belong to one user, each a path or a table of `path` and `accept_status`.
        /// Default: none.
        pub sensitive: Pages = Pages::default(),
        /// Paths that end a session when asked with `GET`. Default: none.
        pub logout: Pages = Pages::default(),
        /// Names of cookies that hold a session, besides the usual ones; `http.cookies` has a setting of the same
        /// name, which usually holds the same. Default: none.
        pub session_names: Vec<String> = Vec::new(),
        /// Other pages, of which only a session's cookie is judged. Default: the target's own path, where
        /// nothing else is declared.
        pub pages: Pages = Pages::default(),
    }
    id: "http.caching",
    title: "what belongs to one user is not cached",
    priority: Medium,
    references: [
        "RFC 9111 section 3" => "https://www.rfc-editor.org/rfc/rfc9111#section-3",
        "RFC 9111 section 5.2.2" => "https://www.rfc-editor.org/rfc/rfc9111#section-5.2.2",
        "RFC 9213" => "https://www.rfc-editor.org/rfc/rfc9213",
        "Clear Site Data" => "https://www.w3.org/TR/clear-site-data/",
    ],
}

/// What a page was declared as.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Logout,
    Other,
    Sensitive,
}

#[async_trait]
impl Probe for Caching {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let declared = self.sensitive.named().map(|page| (page, Role::Sensitive));
        let logout = self.logout.named().map(|page| (page, Role::Logout));
        let is_declared = !self.sensitive.is_empty() || !self.logout.is_empty();
        let others = self
            .pages
            .iter()
            .filter(|_| !is_declared || !self.pages.is_empty())
            .map(|page| (page, Role::Other));
        let pages: Vec<_> = declared.chain(logout).chain(others).collect();
        let now = cx.now();
        judge_each(
            cx,
            pages,
            // A look must not log anybody out.
            |key, role| {
                if role == Role::Logout {
                    key.credential(None)
                } else {
                    key
                }
            },
            |looked, role| judge(self, looked, role, now),
        )
        .await
    }
}

impl Caching {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.session_names.iter().any(String::is_empty) {
            return Err("`session_names` holds an empty name".to_owned());
        }
        for (name, pages) in [("sensitive", &self.sensitive), ("logout", &self.logout)] {
            pages
                .check()
                .map_err(|problem| problem.replace("`pages`", &format!("`{name}`")))?;
        }
        self.pages.check()
    }
}

const REMEDY: &str = "send `Cache-Control: no-store`";

fn judge(settings: &Caching, looked: Looked<'_>, role: Role, now: Timestamp) -> Outcome {
    let Looked { page, exchange, .. } = looked;
    if let Some(gate) = gate(exchange).filter(|_| !page.is_declared(exchange.status)) {
        return not_the_page(&gate);
    }
    let header = exchange.joined("cache-control");
    let control = cache_control::parse(header.as_deref().unwrap_or_default());
    let cookies = session_cookies(settings, exchange, now);
    if role == Role::Other && cookies.is_empty() {
        return Outcome::not_applicable(
            "the response sets no cookie of a session, and is not declared sensitive",
        );
    }
    let mut findings = Vec::new();
    match role {
        Role::Sensitive => findings.extend(of_sensitive(exchange, &control)),
        Role::Logout => findings.extend(of_logout(exchange)),
        Role::Other => {}
    }
    let is_authorized = looked.key.credential.is_some();
    let how = stored_by(exchange, &control, is_authorized, now);
    if let Some(how) = how
        .into_iter()
        .chain(stored_by_cdn(exchange, is_authorized))
        .max()
    {
        findings.extend(cookies.iter().map(|name| of_cookie(name, how)));
    }
    findings.extend(control.wrong.iter().map(|wrong| {
        Finding::warn(wrong.code, wrong.message.clone())
            .subject("Cache-Control")
            .remedy("write the directives as RFC 9111, section 5.2, names them, with commas between them")
    }));
    let summary = summary(role, &findings, exchange, &cookies);
    let outcome = Outcome::judged(summary, findings);
    match header {
        Some(value) => outcome.evidence("Cache-Control", shown(&value)),
        None => outcome,
    }
}

fn summary(role: Role, findings: &[Finding], exchange: &Exchange, cookies: &[String]) -> String {
    let worst = findings.iter().find(|finding| !finding.is_note());
    match (worst, role) {
        (Some(finding), _) => match finding.code.as_str() {
            "may_be_stored" => "a sensitive response may be stored".to_owned(),
            "stored_by_cdn" => "a CDN may store a sensitive response".to_owned(),
            "session_stored" | "session_may_be_stored" => {
                "shared caches may store a session's cookie".to_owned()
            }
            "no_clear_site_data" | "clears_too_little" => "logging out leaves data in the browser".to_owned(),
            _ => "Cache-Control is not what it seems".to_owned(),
        },
        (None, Role::Logout) => "logging out clears what the browser holds".to_owned(),
        (None, Role::Sensitive) => format!("stored by no cache (HTTP {})", exchange.status),
        (None, Role::Other) => {
            format!(
                "{} kept out of shared caches",
                count(cookies.len(), "session cookie", "session cookies")
            )
        }
    }
}

fn of_sensitive(exchange: &Exchange, control: &CacheControl) -> Vec<Finding> {
    let mut findings = Vec::new();
    let found = match exchange.joined("cache-control") {
        None => "found no `Cache-Control`".to_owned(),
        Some(value) => format!("found `{}`", excerpt(&value)),
    };
    if !control.no_store {
        let message = format!("expected `no-store`, without which browsers store it, and {found}");
        findings.push(Finding::fail("may_be_stored", message).remedy(REMEDY));
    } else if control.must_understand {
        // RFC 9111, section 5.2.2.3.
        let message = "`must-understand` makes caches that know the status skip `no-store`";
        findings.push(Finding::fail("may_be_stored", message).remedy("drop `must-understand`"));
    }
    if let Some(value) = exchange.joined("cdn-cache-control") {
        // RFC 9213, section 2.1: a CDN goes by its own header alone.
        let cdn = cache_control::parse(&value);
        if !cdn.no_store && !cdn.private {
            let message = format!(
                "a CDN goes by `CDN-Cache-Control`, which is `{}`",
                excerpt(&value)
            );
            findings.push(
                Finding::fail("stored_by_cdn", message)
                    .subject("CDN-Cache-Control")
                    .remedy("send `CDN-Cache-Control: no-store`, or leave it out"),
            );
        }
    }
    findings
}

/// The names of the session cookies that it sets.
fn session_cookies(settings: &Caching, exchange: &Exchange, now: Timestamp) -> Vec<String> {
    const MOST: usize = 50;
    let mut names: Vec<String> = exchange
        .all("set-cookie")
        .filter_map(|line| set_cookie::parse(line).ok())
        .filter(|cookie| !cookie.is_expired(now))
        .map(|cookie| cookie.name)
        .filter(|name| settings.session_names.contains(name) || is_session_name(name))
        .take(MOST)
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What lets a shared cache store it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Stored {
    /// Nothing does, and nothing forbids it: caches may choose a lifetime. RFC 9111, section 4.2.2.
    Heuristically,
    /// A directive of `CDN-Cache-Control` does.
    ByCdn(&'static str),
    /// A directive does.
    Explicitly(&'static str),
}

/// RFC 9111, section 3, as far as a response decides it. A `Set-Cookie` does not keep caches away (section 7.3).
fn stored_by(
    exchange: &Exchange,
    control: &CacheControl,
    is_authorized: bool,
    now: Timestamp,
) -> Option<Stored> {
    // Statuses that may be stored without being asked to. RFC 9110, section 15.1.
    const HEURISTIC: [u16; 12] = [200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501];
    if is_kept_away(control, is_authorized) {
        return None;
    }
    if let Some(directive) = lifetime_of(control) {
        return Some(Stored::Explicitly(directive));
    }
    if let Some(expires) = exchange.first("expires") {
        let is_fresh = cache_control::expires(expires).is_some_and(|end| end > now);
        return is_fresh.then_some(Stored::Explicitly("Expires"));
    }
    if control.public {
        return Some(Stored::Explicitly("public"));
    }
    HEURISTIC
        .contains(&exchange.status)
        .then_some(Stored::Heuristically)
}

/// The same for a CDN, which goes by its own header alone where that can be read: `Expires` does not count.
fn stored_by_cdn(exchange: &Exchange, is_authorized: bool) -> Option<Stored> {
    let control = cache_control::of_cdn(exchange)?;
    if is_kept_away(&control, is_authorized) {
        return None;
    }
    lifetime_of(&control)
        .or(control.public.then_some("public"))
        .map(Stored::ByCdn)
}

/// Whether a shared cache hands no cookie of such a response on without asking again.
fn is_kept_away(control: &CacheControl, is_authorized: bool) -> bool {
    let forbidden =
        (control.no_store && !control.must_understand) || control.private || control.keeps_cookies;
    // RFC 9111, section 3.5.
    let allowed_anyway = control.public || control.s_maxage.is_some() || control.must_revalidate;
    // What is validated each time may be stored; what comes back then is the origin's to say.
    let is_stale = control.s_maxage.or(control.max_age) == Some(0);
    forbidden || (is_authorized && !allowed_anyway) || control.no_cache || is_stale
}

/// The directive that gives shared caches a lifetime.
fn lifetime_of(control: &CacheControl) -> Option<&'static str> {
    match (control.s_maxage, control.max_age) {
        (Some(_), _) => Some("s-maxage"),
        (None, Some(_)) => Some("max-age"),
        (None, None) => None,
    }
}

fn of_cookie(name: &str, how: Stored) -> Finding {
    let remedy = "send `Cache-Control: no-store`, or `private`, with what sets a session's cookie";
    let finding = match how {
        Stored::Explicitly(by) => {
            let message = format!("`{by}` lets shared caches store it and hand it to others");
            Finding::fail("session_stored", message)
        }
        Stored::ByCdn(by) => {
            let message = format!(
                "a CDN goes by `CDN-Cache-Control`, whose `{by}` lets it store it and hand it to others"
            );
            let remedy = "send `CDN-Cache-Control: no-store`, or leave it out";
            return Finding::fail("session_stored", message)
                .subject(format!("cookie `{}`", excerpt(name.as_bytes())))
                .remedy(remedy);
        }
        Stored::Heuristically => {
            let message = "no directive keeps shared caches from storing it and handing it to others";
            Finding::warn("session_may_be_stored", message)
        }
    };
    finding
        .subject(format!("cookie `{}`", excerpt(name.as_bytes())))
        .remedy(remedy)
}

fn of_logout(exchange: &Exchange) -> Vec<Finding> {
    const HEADER: &str = "Clear-Site-Data";
    let remedy = "send `Clear-Site-Data: \"cookies\", \"storage\"`, with the quotes";
    if matches!(exchange.status, 405 | 501) {
        let message = format!(
            "HTTP {}: the path does not log out when asked with `GET`",
            exchange.status
        );
        return vec![
            Finding::unknown("not_shown", Reason::UNEXPECTED_RESPONSE, message).remedy(
                "look at the response to `POST` with a test of the service: a look here changes nothing",
            ),
        ];
    }
    if !exchange.channel.is_secure() {
        let message = "browsers heed `Clear-Site-Data` over https alone";
        return vec![
            Finding::fail("no_clear_site_data", message)
                .subject(HEADER)
                .remedy("log out over https"),
        ];
    }
    let Some(value) = exchange.joined("clear-site-data") else {
        let message = "expected `Clear-Site-Data` and found none, so what pages stored stays";
        return vec![
            Finding::fail("no_clear_site_data", message)
                .subject(HEADER)
                .remedy(remedy),
        ];
    };
    let mut types = Vec::new();
    let mut unquoted = None;
    for (_, part) in split_unquoted(&value, b',') {
        let part = trim(part);
        match unquote(part) {
            Some(text) => types.push(text),
            None if !part.is_empty() => unquoted = Some(excerpt(part)),
            None => {}
        }
    }
    let has = |wanted: &[u8]| types.iter().any(|known| known == wanted || known == b"*");
    let missing: Vec<&str> = ["cookies", "storage"]
        .into_iter()
        .filter(|wanted| !has(wanted.as_bytes()))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let missing: Vec<String> = missing.iter().map(|wanted| format!("`\"{wanted}\"`")).collect();
    let why = match unquoted {
        Some(part) => format!("; `{part}` has no quotes and is skipped"),
        None => String::new(),
    };
    let message = format!(
        "expected {} and found `{}`{why}",
        missing.join(" and "),
        excerpt(&value)
    );
    vec![
        Finding::fail("clears_too_little", message)
            .subject(HEADER)
            .remedy(remedy),
    ]
}

#[cfg(test)]
mod tests;
