//! `cookies`.

use super::{COOKIES, Row, one, sets, sets_with_hsts};

pub(super) fn rows() -> Vec<Row> {
    vec![
        (
            COOKIES,
            sets("a=1; Secure; SameSite=Lax"),
            "cookies-secure-with-httponly-sessions-and-samesite",
            5,
            true,
        ),
        (
            COOKIES,
            sets("sess=1; Secure; HttpOnly; SameSite=None"),
            "cookies-secure-with-httponly-sessions-and-samesite",
            5,
            true,
        ),
        (
            COOKIES,
            sets("login=1; Secure; HttpOnly"),
            "cookies-secure-with-httponly-sessions",
            0,
            true,
        ),
        (COOKIES, one("server", "x"), "cookies-not-found", 0, true),
        (
            COOKIES,
            sets("heroku-session-affinity=1"),
            "cookies-not-found",
            0,
            true,
        ),
        (COOKIES, sets("a=1; Domain=com"), "cookies-not-found", 0, true),
        (
            COOKIES,
            sets("a=1; Domain=example.org"),
            "cookies-not-found",
            0,
            true,
        ),
        (
            COOKIES,
            sets_with_hsts("a=1"),
            "cookies-without-secure-flag-but-protected-by-hsts",
            -5,
            false,
        ),
        (
            COOKIES,
            sets_with_hsts("sess=1; HttpOnly"),
            "cookies-session-without-secure-flag-but-protected-by-hsts",
            -10,
            false,
        ),
        (COOKIES, sets("a=1"), "cookies-without-secure-flag", -20, false),
        (
            COOKIES,
            sets("a=1; Domain=example.com; Path=/x"),
            "cookies-without-secure-flag",
            -20,
            false,
        ),
        // What is being deleted is judged too, as the last response says so.
        (
            COOKIES,
            sets("a=; Max-Age=0"),
            "cookies-without-secure-flag",
            -20,
            false,
        ),
        (
            COOKIES,
            sets("a=1; Secure; SameSite=Maybe"),
            "cookies-samesite-flag-invalid",
            -20,
            false,
        ),
        (
            COOKIES,
            sets("a=1; Secure; SameSite"),
            "cookies-samesite-flag-invalid",
            -20,
            false,
        ),
        (
            COOKIES,
            sets("a=1; SameSite=None"),
            "cookies-samesite-flag-invalid",
            -20,
            false,
        ),
        (
            COOKIES,
            sets("csrftoken=1; Secure"),
            "cookies-anticsrf-without-samesite-flag",
            -20,
            false,
        ),
        (
            COOKIES,
            sets("PHPSESSID=1; Secure"),
            "cookies-session-without-httponly-flag",
            -30,
            false,
        ),
        (
            COOKIES,
            sets("LoginToken=1; HttpOnly"),
            "cookies-session-without-secure-flag",
            -40,
            false,
        ),
    ]
}
