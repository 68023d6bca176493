//! The cookies a session ends with, as the peer's jar keeps them.

use std::collections::HashMap;

use readiness_core::Timestamp;

use super::scan::Session;
use crate::{
    address::registrable,
    http::{
        set_cookie::{self, SameSite, SetCookie, default_path},
        trail::Place,
    },
};

/// A cookie in the jar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Kept<'a> {
    pub(super) cookie: SetCookie<'a>,
    domain: String,
    path: String,
    is_host_only: bool,
}

impl Kept<'_> {
    /// What the jar knows of `SameSite`: values it does not know are none.
    pub(super) fn same_site(&self) -> Option<&SameSite> {
        match &self.cookie.same_site {
            SameSite::Absent | SameSite::Other(_) => None,
            known => Some(known),
        }
    }

    /// What makes it one cookie. RFC 6265, section 5.3, step 11.
    fn identity(&self) -> (String, String, String) {
        (self.domain.clone(), self.path.clone(), self.cookie.name.clone())
    }

    fn is_sent_to(&self, place: &Place) -> bool {
        let host_matches = if self.is_host_only {
            place.host == self.domain
        } else {
            domain_matches(&place.host, &self.domain)
        };
        let path = path_of(place);
        let path_matches = path
            .strip_prefix(&self.path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.path.ends_with('/'));
        host_matches && path_matches && (place.tls || !self.cookie.secure)
    }
}

/// Follows a session's cookies to its end.
///
/// A cookie that has ended goes when the next request would have carried it; what the last response ends
/// stays, so that the peer judges a cookie that is being deleted.
pub(super) fn jar(session: &Session, now: Timestamp) -> Vec<Kept<'_>> {
    let mut jar: Vec<Kept<'_>> = Vec::new();
    for (place, exchange) in session.hops() {
        jar.retain(|kept| !(kept.cookie.is_expired(now) && kept.is_sent_to(place)));
        // Where each one stands, so that a jar of thousands is not searched for each line.
        let mut at: HashMap<_, usize> = jar.iter().map(Kept::identity).zip(0..).collect();
        for line in exchange.all("set-cookie") {
            let Some(new) = accept(line, place) else { continue };
            let known = *at.entry(new.identity()).or_insert(jar.len());
            match jar.get_mut(known) {
                Some(old) => *old = new,
                None => jar.push(new),
            }
        }
    }
    jar
}

/// A cookie the jar takes; it drops others without a word.
fn accept<'a>(line: &'a [u8], place: &Place) -> Option<Kept<'a>> {
    let cookie = set_cookie::parse(line)
        .ok()
        .filter(|cookie| !cookie.name.is_empty())?;
    let is_host_only = cookie.domain.is_none();
    let domain = match &cookie.domain {
        None => place.host.clone(),
        Some(domain) => {
            // Below a public suffix, one is needed.
            registrable(domain)?;
            Some(domain.clone()).filter(|domain| domain_matches(&place.host, domain))?
        }
    };
    let given = cookie.path.clone().filter(|path| path.starts_with('/'));
    let path = given.unwrap_or_else(|| default_path(&place.path).to_owned());
    let name = cookie.name.as_str();
    let broken = (name.starts_with("__Secure-") && !cookie.secure)
        || (name.starts_with("__Host-") && !(cookie.secure && is_host_only && path == "/"));
    (!broken).then_some(Kept {
        cookie,
        domain,
        path,
        is_host_only,
    })
}

fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || (host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            && host.parse::<std::net::IpAddr>().is_err())
}

fn path_of(place: &Place) -> &str {
    place.path.split('?').next().unwrap_or_default()
}
