//! `cookies`.

use super::{
    hsts,
    jar::jar,
    mark::{Mark, Test},
    scan::{Scan, latin1},
};
use crate::http::set_cookie::SameSite;

const ALL_AND_SAME_SITE: Mark = Mark::pass(
    "cookies-secure-with-httponly-sessions-and-samesite",
    5,
    "all cookies have `Secure` and `SameSite`, those of sessions `HttpOnly`",
);
const ALL: Mark = Mark::pass(
    "cookies-secure-with-httponly-sessions",
    0,
    "all cookies have `Secure`, those of sessions `HttpOnly`",
);
const ABSENT: Mark = Mark::pass("cookies-not-found", 0, "no cookie is kept");
const NO_SECURE_WITH_HSTS: Mark = Mark::fault(
    "cookies-without-secure-flag-but-protected-by-hsts",
    -5,
    "a cookie has no `Secure`, while HSTS is in force",
);
const SESSION_NO_SECURE_WITH_HSTS: Mark = Mark::fault(
    "cookies-session-without-secure-flag-but-protected-by-hsts",
    -10,
    "a session's cookie has no `Secure`, while HSTS is in force",
);
const NO_SECURE: Mark = Mark::fault("cookies-without-secure-flag", -20, "a cookie has no `Secure`");
const SAME_SITE_INVALID: Mark = Mark::fault(
    "cookies-samesite-flag-invalid",
    -20,
    "a cookie has a `SameSite` without a value that browsers know, or `None` without `Secure`",
);
const CSRF_NO_SAME_SITE: Mark = Mark::fault(
    "cookies-anticsrf-without-samesite-flag",
    -20,
    "a cookie against forged requests has no `SameSite`",
);
const SESSION_NO_HTTP_ONLY: Mark = Mark::fault(
    "cookies-session-without-httponly-flag",
    -30,
    "a session's cookie has no `HttpOnly`",
);
const SESSION_NO_SECURE: Mark = Mark::fault(
    "cookies-session-without-secure-flag",
    -40,
    "a session's cookie has no `Secure`",
);

/// From better to worse.
const ORDER: [Mark; 7] = [
    NO_SECURE_WITH_HSTS,
    NO_SECURE,
    SESSION_NO_SECURE_WITH_HSTS,
    SAME_SITE_INVALID,
    CSRF_NO_SAME_SITE,
    SESSION_NO_HTTP_ONLY,
    SESSION_NO_SECURE,
];

pub(super) const TEST: Test = Test {
    name: "cookies",
    remedy: "send every cookie with `Secure; HttpOnly; SameSite=Lax`; `http.cookies` names the ones without",
    #[cfg(test)]
    marks: &[
        ALL_AND_SAME_SITE,
        ALL,
        ABSENT,
        NO_SECURE_WITH_HSTS,
        SESSION_NO_SECURE_WITH_HSTS,
        NO_SECURE,
        SAME_SITE_INVALID,
        CSRF_NO_SAME_SITE,
        SESSION_NO_HTTP_ONLY,
        SESSION_NO_SECURE,
    ],
    run: rate,
};

/// A balancer sets it and its owner cannot change it.
const IGNORED: &str = "heroku-session-affinity";

fn rate(scan: &Scan) -> Mark {
    let Some(session) = scan.session() else {
        return ABSENT;
    };
    let has_hsts = hsts::rate(scan).passes;
    let mut worst: Option<Mark> = None;
    let mut add = |mark: Mark| worst = Some(mark.if_worse_than(worst, &ORDER));
    // Of the last response alone, also where the jar drops the cookie.
    if session.response().all("set-cookie").any(has_invalid_same_site) {
        add(SAME_SITE_INVALID);
    }
    let mut cookies = jar(session, scan.now);
    cookies.retain(|kept| kept.cookie.name != IGNORED);
    if cookies.is_empty() {
        return ABSENT;
    }
    for kept in &cookies {
        let name = kept.cookie.name.to_lowercase();
        let is_session = name.contains("login") || name.contains("sess");
        if !kept.cookie.secure {
            if kept.same_site() == Some(&SameSite::None) {
                add(SAME_SITE_INVALID);
            }
            add(if has_hsts { NO_SECURE_WITH_HSTS } else { NO_SECURE });
            if is_session {
                add(if has_hsts {
                    SESSION_NO_SECURE_WITH_HSTS
                } else {
                    SESSION_NO_SECURE
                });
            }
        }
        if name.contains("csrf") && kept.same_site().is_none() {
            add(CSRF_NO_SAME_SITE);
        }
        if is_session && !kept.cookie.http_only {
            add(SESSION_NO_HTTP_ONLY);
        }
    }
    worst.unwrap_or(if cookies.iter().all(|kept| kept.same_site().is_some()) {
        ALL_AND_SAME_SITE
    } else {
        ALL
    })
}

/// Whether any part of a line, the cookie itself among them, is a `SameSite` with no value that is known.
fn has_invalid_same_site(line: &[u8]) -> bool {
    latin1(line).split(';').any(|part| {
        let mut words = part.split('=');
        let name = words.next().unwrap_or_default().trim().to_lowercase();
        let value = words.next().unwrap_or_default().trim().to_lowercase();
        name == "samesite" && !matches!(value.as_str(), "lax" | "strict" | "none")
    })
}
