//! What one cookie needs, and why browsers drop it. RFC 6265bis, sections 4.1.3, 5.5, 5.6 and 5.7.

use readiness_core::{Finding, Timestamp, fact::Channel};

use crate::{
    address::is_loopback_host,
    http::{
        set_cookie::{SameSite, SetCookie, default_path, is_known, is_meant, prefix_of},
        source::is_public_suffix,
        syntax::excerpt,
    },
};

/// Where the cookie comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site<'a> {
    pub(super) host: &'a str,
    /// The path that was asked for, with its query.
    pub(super) path: &'a str,
    pub(super) channel: Channel,
    pub(super) https_required: bool,
}

impl Site<'_> {
    /// Whether browsers take `Secure` from here: over https, and from their own machine.
    fn may_set_secure(self) -> bool {
        self.channel.is_secure() || is_loopback_host(self.host)
    }
}

/// What is expected of a cookie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demands {
    /// Whether it holds a session.
    pub(super) is_session: bool,
    /// The longest life of a session's cookie, in days.
    pub(super) max_session_days: u32,
    pub(super) now: Timestamp,
}

const DAY: i64 = 86_400;
/// RFC 6265bis, section 5.5.
const LONGEST_DAYS: i64 = 400;

/// Everything that is wrong with one cookie, and what is worth knowing of it.
pub(super) fn judge_cookie(cookie: &SetCookie<'_>, demands: Demands, site: Site<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    dropped(cookie, site, &mut findings);
    if let SameSite::Other(value) = &cookie.same_site {
        findings.push(
            Finding::warn(
                "unknown_same_site",
                format!("`SameSite` is `{value}`, expected `Strict`, `Lax` or `None`"),
            )
            .remedy("use `SameSite=Lax`"),
        );
    }
    if demands.is_session {
        session(cookie, demands, site, &mut findings);
    }
    attributes(cookie, demands, &mut findings);
    findings
        .into_iter()
        .map(|finding| {
            finding
                .subject(subject(&cookie.name))
                .evidence("Set-Cookie", cookie.shown())
        })
        .collect()
}

/// How a finding names a cookie.
pub(super) fn subject(name: &str) -> String {
    if name.is_empty() {
        "cookie without a name".to_owned()
    } else {
        format!("cookie `{}`", excerpt(name.as_bytes()))
    }
}

/// What makes browsers drop it, or send it where it does not belong.
fn dropped(cookie: &SetCookie<'_>, site: Site<'_>, findings: &mut Vec<Finding>) {
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
    if let Some(problem) = broken_prefix(cookie, site) {
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
}

/// What a session's cookie needs besides.
fn session(cookie: &SetCookie<'_>, demands: Demands, site: Site<'_>, findings: &mut Vec<Finding>) {
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
    let most = i64::from(demands.max_session_days);
    if let Some(seconds) = cookie
        .lifetime(demands.now)
        .filter(|seconds| *seconds > most * DAY)
    {
        // A part of a day counts as one, so that the message never says that 90 days are over 90.
        let days = seconds / DAY + i64::from(seconds % DAY > 0);
        findings.push(
            Finding::warn(
                "long_session",
                format!("it lasts {days} days, expected a session to last at most {most}"),
            )
            .remedy("lower `Max-Age`, or raise `max_session_days`"),
        );
    }
    if let Some(domain) =
        effective_domain(cookie, site.host).filter(|domain| foreign(domain, site.host).is_none())
    {
        findings.push(Finding::note(
            "wide_domain",
            format!(
                "`Domain` sends it to every host below `{domain}`; without it, only to `{}`",
                site.host
            ),
        ));
    }
}

/// What browsers make of its attributes otherwise than it looks.
fn attributes(cookie: &SetCookie<'_>, demands: Demands, findings: &mut Vec<Finding>) {
    if cookie
        .lifetime(demands.now)
        .is_some_and(|seconds| seconds > LONGEST_DAYS * DAY)
    {
        findings.push(Finding::note(
            "capped_life",
            format!("browsers keep a cookie for {LONGEST_DAYS} days at most"),
        ));
    }
    let names = cookie.attributes.iter().map(|(name, _)| name.as_ref());
    for (i, name) in names.clone().enumerate() {
        if !is_known(name) && is_meant(name) {
            findings.push(Finding::note(
                "unknown_attribute",
                format!("browsers know no attribute `{name}`, and leave it out"),
            ));
        } else if is_known(name)
            && names
                .clone()
                .take(i)
                .any(|earlier| earlier.eq_ignore_ascii_case(name))
        {
            findings.push(Finding::note(
                "repeated_attribute",
                format!("`{name}` stands again, and browsers take the last one"),
            ));
        }
    }
}

/// RFC 6265bis, sections 4.1.3 and 5.7: the prefixes are compared without regard to case.
fn broken_prefix(cookie: &SetCookie<'_>, site: Site<'_>) -> Option<String> {
    let prefix = prefix_of(cookie.name.as_bytes())?;
    let is_host = prefix.starts_with("__Host-");
    let problem = if !cookie.secure {
        "needs `Secure`"
    } else if prefix.ends_with("Http-") && !cookie.http_only {
        "needs `HttpOnly`"
    } else if is_host && effective_domain(cookie, site.host).is_some() {
        "allows no `Domain`"
    } else if is_host && path(cookie, site) != Some("/") {
        "needs `Path=/`"
    } else {
        return None;
    };
    Some(format!("the prefix `{prefix}` {problem}"))
}

/// The path that is given, as browsers read it. RFC 6265bis, section 5.6.4.
fn path<'a>(cookie: &'a SetCookie<'_>, site: Site<'a>) -> Option<&'a str> {
    let given = cookie.path.as_deref()?;
    Some(if given.starts_with('/') {
        given
    } else {
        default_path(site.path)
    })
}

/// The domain that counts: a host that is a public suffix itself may name itself, which then means nothing.
fn effective_domain<'a>(cookie: &'a SetCookie<'_>, host: &str) -> Option<&'a str> {
    let domain = cookie.domain.as_deref()?;
    let names_itself = domain.eq_ignore_ascii_case(host) && is_public_suffix(domain);
    (!names_itself).then_some(domain)
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
    if !domain.is_ascii() {
        Some((
            "foreign_domain",
            format!("`Domain` is `{shown}`, which is not ASCII"),
        ))
    } else if is_public_suffix(domain) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_domain_panics(domain in "\\PC{0,40}", host in "[a-z.]{0,20}") {
            let _ = foreign(&domain, &host);
        }
    }
}
