//! What one cookie needs, and why browsers drop it. RFC 6265bis, sections 4.1.3 and 5.7.

use readiness_core::{Finding, fact::Channel};

use super::{
    set_cookie::{SameSite, SetCookie},
    source::is_public_suffix,
};

/// Where the cookie comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site<'a> {
    pub(crate) host: &'a str,
    pub(crate) channel: Channel,
    pub(crate) https_required: bool,
}

impl Site<'_> {
    /// Whether browsers take `Secure` from here: over https, and from their own machine.
    fn may_set_secure(self) -> bool {
        let is_loopback = || match self.host.parse::<std::net::IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host == "localhost" || self.host.ends_with(".localhost"),
        };
        self.channel.is_secure() || is_loopback()
    }
}

/// Everything that is wrong with one cookie.
pub(crate) fn judge_cookie(cookie: &SetCookie, is_session: bool, site: Site<'_>) -> Vec<Finding> {
    let subject = if cookie.name.is_empty() {
        "cookie without a name".to_owned()
    } else {
        format!("cookie `{}`", cookie.name)
    };
    let mut findings = Vec::new();
    if cookie.secure && !site.may_set_secure() {
        findings.push(
            Finding::fail(
                "secure_over_http",
                "`Secure` is set over plain http, where browsers drop the cookie",
            )
            .remedy("set the cookie over https"),
        );
    }
    if !cookie.secure && (site.channel.is_secure() || site.https_required) {
        findings.push(
            Finding::fail(
                "no_secure",
                "expected `Secure`, without which it also travels over plain http",
            )
            .remedy("add `Secure`"),
        );
    }
    if let Some(problem) = broken_prefix(cookie) {
        findings.push(
            Finding::fail("broken_prefix", format!("browsers drop it: {problem}"))
                .remedy("add what the prefix promises, or rename the cookie"),
        );
    }
    if let Some((code, problem)) = cookie
        .domain
        .as_deref()
        .and_then(|domain| foreign(domain, site.host))
    {
        findings.push(
            Finding::fail(code, format!("browsers drop it: {problem}")).remedy(format!(
                "drop `Domain`, or name `{}` or a parent of it",
                site.host
            )),
        );
    }
    if !cookie.secure && cookie.same_site == SameSite::None {
        findings.push(
            Finding::fail(
                "same_site_none",
                "browsers drop it: `SameSite=None` needs `Secure`",
            )
            .remedy("add `Secure`, or use `SameSite=Lax`"),
        );
    }
    if !cookie.secure && cookie.partitioned {
        findings.push(
            Finding::fail("partitioned", "browsers drop it: `Partitioned` needs `Secure`")
                .remedy("add `Secure`"),
        );
    }
    if let SameSite::Other(value) = &cookie.same_site {
        findings.push(
            Finding::warn(
                "unknown_same_site",
                format!("`SameSite` is `{value}`, expected `Strict`, `Lax` or `None`"),
            )
            .remedy("use `SameSite=Lax`"),
        );
    }
    if is_session {
        if !cookie.http_only {
            findings.push(
                Finding::fail(
                    "no_http_only",
                    "expected `HttpOnly`, without which every script can read it",
                )
                .remedy("add `HttpOnly`, or name the cookie in `ignore_names` if it holds no session"),
            );
        }
        if cookie.same_site == SameSite::Absent {
            findings.push(
                Finding::warn(
                    "no_same_site",
                    "expected `SameSite`, without which browsers differ",
                )
                .remedy("add `SameSite=Lax`, or `SameSite=None` where other sites embed the service"),
            );
        }
    }
    findings
        .into_iter()
        .map(|finding| finding.subject(subject.clone()))
        .collect()
}

/// RFC 6265bis, section 5.7, steps 20 and 21: the prefixes are compared without regard to case.
fn broken_prefix(cookie: &SetCookie) -> Option<&'static str> {
    let starts = |prefix: &str| {
        let start = cookie.name.get(..prefix.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    if starts("__Secure-") && !cookie.secure {
        return Some("the prefix `__Secure-` needs `Secure`");
    }
    if !starts("__Host-") {
        return None;
    }
    if !cookie.secure {
        Some("the prefix `__Host-` needs `Secure`")
    } else if cookie.domain.is_some() {
        Some("the prefix `__Host-` allows no `Domain`")
    } else if cookie.path.as_deref() != Some("/") {
        Some("the prefix `__Host-` needs `Path=/`")
    } else {
        None
    }
}

/// Why browsers do not take this domain from this host. RFC 6265bis, sections 5.1.3 and 5.7.
fn foreign(domain: &str, host: &str) -> Option<(&'static str, String)> {
    let host = host.to_ascii_lowercase();
    if domain == host {
        return None;
    }
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    let is_parent = host
        .strip_suffix(domain)
        .is_some_and(|rest| rest.ends_with('.') && !is_address);
    let shown: String = domain.chars().take(60).collect();
    if is_public_suffix(domain) {
        Some((
            "public_suffix",
            format!("`Domain` is the public suffix `{shown}`"),
        ))
    } else if !is_parent {
        Some((
            "foreign_domain",
            format!("`Domain` is `{shown}`, which does not hold `{host}`"),
        ))
    } else {
        None
    }
}

/// Whether a cookie of this name usually holds a session or a proof of who somebody is.
pub(crate) fn is_session_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Tokens against forged requests are read by scripts on purpose; affinity belongs to a load balancer.
    if ["csrf", "xsrf", "affinity"]
        .iter()
        .any(|word| name.contains(word))
    {
        return false;
    }
    // `author` is no `auth`; `authorization` is.
    let auth = name.contains("auth") && (!name.contains("author") || name.contains("authori"));
    auth || ["sess", "token", "jwt", "login"]
        .iter()
        .any(|word| name.contains(word))
        || name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .any(|word| matches!(word, "sid" | "sso" | "jsessionid" | "phpsessid"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_sessions() {
        for name in [
            "sid",
            "SID",
            "connect.sid",
            "app_sid",
            "__Host-sid",
            "JSESSIONID",
            "PHPSESSID",
            "ASP.NET_SessionId",
            "session",
            "_myapp_session",
            "sess",
            "auth",
            "auth_token",
            "Authorization",
            "access_token",
            "jwt",
            "login",
            "wordpress_logged_in_login",
            "remember_token",
            ".ASPXAUTH",
            "sso",
        ] {
            assert!(is_session_name(name), "{name}");
        }
        for name in [
            "",
            "theme",
            "lang",
            "author",
            "sidebar",
            "residence",
            "csrftoken",
            "XSRF-TOKEN",
            "_ga",
        ] {
            assert!(!is_session_name(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_domain_panics(domain in "\\PC{0,40}", host in "[a-z.]{0,20}") {
            let _ = foreign(&domain, &host);
        }
    }
}
