//! The cookies of one flow, kept and sent as a browser does. RFC 6265bis, sections 5.7 and 5.8.

use http::HeaderMap;
use readiness_core::{Origin, Timestamp};

use crate::{
    address::{is_loopback_host, registrable},
    http::{
        cookie,
        set_cookie::{SetCookie, default_path, prefix_of},
    },
};

/// The most cookies that are kept.
const MOST_COOKIES: usize = 100;
/// The longest `Cookie` that is sent.
const MOST_BYTES: usize = 32 * 1024;

#[derive(Default)]
pub(super) struct Jar(Vec<Kept>);

struct Kept {
    name: String,
    value: Vec<u8>,
    domain: String,
    host_only: bool,
    path: String,
    secure: bool,
}

impl Jar {
    /// Takes what an answer sets, and gives the values it took.
    pub(super) fn store(
        &mut self,
        headers: &HeaderMap,
        origin: &Origin,
        path: &str,
        now: Timestamp,
    ) -> Vec<String> {
        let mut values = Vec::new();
        // More than are kept need not be read.
        for line in headers.get_all("set-cookie").iter().take(MOST_COOKIES) {
            let Some((cookie, value)) = cookie(line.as_bytes()) else {
                continue;
            };
            let Some(kept) = kept(&cookie, value, origin, path) else {
                continue;
            };
            self.0.retain(|old| {
                (&old.name, &old.domain, old.host_only, &old.path)
                    != (&kept.name, &kept.domain, kept.host_only, &kept.path)
            });
            if !cookie.is_expired(now) && self.0.len() < MOST_COOKIES {
                values.push(String::from_utf8_lossy(value).into_owned());
                self.0.push(kept);
            }
        }
        values
    }

    /// The `Cookie` for a request; `None` where there is none to send.
    pub(super) fn header(&self, origin: &Origin, path: &str) -> Option<Vec<u8>> {
        let path = path.split('?').next().unwrap_or_default();
        let mut all: Vec<&Kept> = self
            .0
            .iter()
            .filter(|kept| {
                let host_fits = match kept.host_only {
                    true => kept.domain == origin.host,
                    false => domain_matches(&origin.host, &kept.domain),
                };
                host_fits && path_matches(path, &kept.path) && (!kept.secure || is_secure(origin))
            })
            .collect();
        // The longer path first; those of one length in the order they came.
        all.sort_by_key(|kept| std::cmp::Reverse(kept.path.len()));
        let mut line = Vec::new();
        for kept in all {
            let length = kept.name.len() + kept.value.len() + 3;
            if line.len() + length > MOST_BYTES {
                break;
            }
            if !line.is_empty() {
                line.extend(b"; ");
            }
            if !kept.name.is_empty() {
                line.extend(kept.name.bytes());
                line.push(b'=');
            }
            line.extend(&kept.value);
        }
        (!line.is_empty()).then_some(line)
    }
}

/// The cookie as it is kept; `None` where a browser ignores it.
fn kept(cookie: &SetCookie, value: &[u8], origin: &Origin, asked: &str) -> Option<Kept> {
    let host = origin.host.as_str();
    let (domain, host_only) = match &cookie.domain {
        None => (host.to_owned(), true),
        // A public suffix belongs to nobody; a host that is one may have cookies of its own.
        Some(domain) if domain == host && registrable(domain).is_none() => (host.to_owned(), true),
        Some(domain) if registrable(domain).is_none() => return None,
        Some(domain) => (domain.clone(), false),
    };
    if !host_only && !domain_matches(host, &domain) {
        return None;
    }
    if cookie.secure && !is_secure(origin) {
        return None;
    }
    let path = match &cookie.path {
        Some(path) if path.starts_with('/') => path.clone(),
        _ => default_path(asked).to_owned(),
    };
    let keeps_promise = match prefix_of(cookie.name.as_bytes()) {
        Some("__Secure-") => cookie.secure,
        Some("__Http-") => cookie.secure && cookie.http_only,
        Some("__Host-") => cookie.secure && host_only && cookie.path.as_deref() == Some("/"),
        Some(_) => cookie.secure && cookie.http_only && host_only && cookie.path.as_deref() == Some("/"),
        None => true,
    };
    keeps_promise.then(|| Kept {
        name: cookie.name.clone(),
        value: value.to_vec(),
        domain,
        host_only,
        path,
        secure: cookie.secure,
    })
}

/// RFC 6265bis, section 5.1.3.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || host
            .strip_suffix(domain)
            .is_some_and(|before| before.ends_with('.') && host.parse::<std::net::IpAddr>().is_err())
}

/// RFC 6265bis, section 5.1.4.
fn path_matches(asked: &str, path: &str) -> bool {
    asked
        .strip_prefix(path)
        .is_some_and(|rest| rest.is_empty() || path.ends_with('/') || rest.starts_with('/'))
}

fn is_secure(origin: &Origin) -> bool {
    origin.scheme == "https" || is_loopback_host(&origin.host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);

    fn jar(host: &str, tls: bool, lines: &[&str]) -> Jar {
        let mut jar = Jar::default();
        set(&mut jar, host, tls, lines);
        jar
    }

    fn origin(host: &str, tls: bool) -> Origin {
        match tls {
            true => Origin::new("https", host, 443),
            false => Origin::new("http", host, 80),
        }
    }

    fn set(jar: &mut Jar, host: &str, tls: bool, lines: &[&str]) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("set-cookie", line.parse().unwrap());
        }
        jar.store(&headers, &origin(host, tls), "/a/b?c", NOW);
    }

    fn sent(jar: &Jar, host: &str, tls: bool, path: &str) -> String {
        String::from_utf8(jar.header(&origin(host, tls), path).unwrap_or_default()).unwrap()
    }

    #[test]
    fn cookies_go_where_a_browser_sends_them() {
        const HOST: &str = "api.example.com";
        for (line, host, tls, path, wanted) in [
            ("s=1", HOST, true, "/a", "s=1"),
            ("s=1", HOST, true, "/a/x", "s=1"),
            ("s=1", HOST, true, "/ab", ""),
            ("s=1", HOST, true, "/", ""),
            ("s=1; Path=/", HOST, true, "/?q", "s=1"),
            ("s=1; Path=x", HOST, true, "/a/b", "s=1"),
            ("s=1; Path=/a/b/", HOST, true, "/a/b", ""),
            ("s=1; Path=/", "www.example.com", true, "/", ""),
            (
                "s=1; Path=/; Domain=.EXAMPLE.com",
                "www.example.com",
                true,
                "/",
                "s=1",
            ),
            ("s=1; Path=/; Domain=example.com", "notexample.com", true, "/", ""),
            ("s=1; Path=/; Domain=com", HOST, true, "/", ""),
            ("s=1; Path=/; Domain=www.example.com", HOST, true, "/", ""),
            ("s=1; Path=/; Secure", HOST, true, "/", "s=1"),
            ("s=1; Path=/; Secure", HOST, false, "/", ""),
            ("s=1; Path=/; Max-Age=0", HOST, true, "/", ""),
            (
                "s=1; Path=/; Expires=Sun, 06 Nov 1994 08:49:37 GMT",
                HOST,
                true,
                "/",
                "",
            ),
            ("__Host-s=1; Path=/; Secure", HOST, true, "/", "__Host-s=1"),
            ("__Host-s=1; Path=/a; Secure", HOST, true, "/a", ""),
            (
                "__Host-s=1; Path=/; Secure; Domain=example.com",
                HOST,
                true,
                "/",
                "",
            ),
            ("__Secure-s=1; Path=/", HOST, true, "/", ""),
            ("s=a b=c; Path=/", HOST, true, "/", "s=a b=c"),
            ("alone; Path=/", HOST, true, "/", "alone"),
        ] {
            assert_eq!(
                sent(&jar(HOST, true, &[line]), host, tls, path),
                wanted,
                "{line} {host} {path}"
            );
        }
    }

    #[test]
    fn addresses_and_suffixes_keep_their_own() {
        assert_eq!(
            sent(
                &jar("127.0.0.1", false, &["s=1; Path=/; Secure"]),
                "127.0.0.1",
                false,
                "/"
            ),
            "s=1"
        );
        assert_eq!(
            sent(
                &jar("127.0.0.1", false, &["s=1; Path=/; Domain=0.0.1"]),
                "127.0.0.1",
                false,
                "/"
            ),
            ""
        );
        let own = jar("github.io", true, &["s=1; Path=/; Domain=github.io"]);
        assert_eq!(sent(&own, "github.io", true, "/"), "s=1");
        assert_eq!(sent(&own, "you.github.io", true, "/"), "");
        assert_eq!(
            sent(
                &jar("shop.test", false, &["s=1; Path=/; Secure"]),
                "shop.test",
                false,
                "/"
            ),
            ""
        );
    }

    #[test]
    fn a_cookie_is_replaced_dropped_and_sorted() {
        let mut all = jar(
            "h.example.com",
            true,
            &["s=1; Path=/", "t=1; Path=/a", "u=1; Path=/"],
        );
        assert_eq!(sent(&all, "h.example.com", true, "/a"), "t=1; s=1; u=1");
        set(
            &mut all,
            "h.example.com",
            true,
            &["s=2; Path=/", "u=; Path=/; Max-Age=-1"],
        );
        assert_eq!(sent(&all, "h.example.com", true, "/a"), "t=1; s=2");
    }

    #[test]
    fn no_more_is_read_of_one_answer_than_the_cap() {
        let mut headers = HeaderMap::new();
        for n in 0..1000 {
            headers.append("set-cookie", format!("s=session-{n}; Path=/").parse().unwrap());
        }
        let origin = Origin::new("https", "h.example.com", 443);
        let values = Jar::default().store(&headers, &origin, "/", Timestamp::from_unix_seconds(0));
        assert_eq!(values.len(), MOST_COOKIES);
    }

    #[test]
    fn no_more_is_kept_than_the_cap() {
        let lines: Vec<String> = (0..2 * MOST_COOKIES)
            .map(|n| format!("c{n}={}; Path=/", "x".repeat(1000)))
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let all = jar("h.example.com", true, &lines);
        assert_eq!(all.0.len(), MOST_COOKIES);
        assert!(sent(&all, "h.example.com", true, "/").len() <= MOST_BYTES);
    }
}
