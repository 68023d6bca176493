//! Script hosts that the user knows to serve other people's code.

use readiness_core::Finding;
use url::Url;

use super::{
    browser::{Browser, Page},
    findings::Mood,
    rules::{List, Purpose, Rules},
};
use crate::http::{
    expression::{Expression, Port},
    syntax::excerpt,
};

/// One entry of the user's list: a host, or a host with a path.
#[derive(Clone, Debug)]
pub(crate) struct Untrusted(Url);

impl Untrusted {
    /// Reads `cdn.example` or `cdn.example/jsonp`, with `https://` before it or without.
    pub(crate) fn read(entry: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`untrusted_script_hosts` holds `{}`, expected a host such as `cdn.example.com`, or one with a path",
                excerpt(entry.as_bytes())
            )
        };
        let bare = entry.strip_prefix("https://").unwrap_or(entry);
        if bare.is_empty() || bare.starts_with('/') || bare.contains("://") {
            return Err(wrong());
        }
        let path = if bare.contains('/') { "" } else { "/evil.js" };
        let url = Url::parse(&format!("https://{bare}{path}")).map_err(|_| wrong())?;
        let is_plain = url.domain().is_some_and(|domain| {
            domain
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        }) && url.username().is_empty()
            && url.query().is_none()
            && url.fragment().is_none();
        if is_plain { Ok(Self(url)) } else { Err(wrong()) }
    }

    fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }
}

/// A finding for each of these hosts from which a script runs under all policies.
pub(crate) fn findings(hosts: &[Untrusted], rules: &[&Rules<'_>], page: Page, mood: Mood) -> Vec<Finding> {
    let lists: Vec<&List<'_>> = rules
        .iter()
        .filter_map(|rules| rules.list(Purpose::Element))
        .collect();
    if lists.is_empty() || rules.iter().any(|rules| rules.sandboxes(Purpose::Element)) {
        return Vec::new();
    }
    let lets = match mood {
        Mood::Enforced => "lets",
        Mood::Reported => "would let",
    };
    let find = |host: &Untrusted| {
        let mut sources = lists.iter().map(|list| Some((list, admits(list, host, page)?)));
        let first = sources.next()??;
        sources.all(|source| source.is_some()).then_some(())?;
        let (list, source) = first;
        Some(
            Finding::fail(
                "untrusted_host",
                format!(
                    "`{} {}` {lets} `{}` run, and the host is listed as one that serves others' code",
                    list.directive.name,
                    excerpt(source.as_bytes()),
                    excerpt(host.0.as_str().as_bytes())
                ),
            )
            .subject(format!("host `{}`", host.host()))
            .evidence("gets through", host.0.as_str())
            .remedy("serve the script yourself, name its whole path, or trust it by a hash"),
        )
    };
    hosts.iter().filter_map(find).collect()
}

/// The source of a list that lets this URL in.
fn admits<'p>(list: &List<'p>, untrusted: &Untrusted, page: Page) -> Option<&'p str> {
    // Sources of hosts count for nothing beside it: section 6.7.1.1.
    if list.strict_dynamic {
        return None;
    }
    list.directive.values.iter().copied().find(|value| {
        let source = match Expression::read(value) {
            Some(Expression::Scheme(_)) => (*value).to_owned(),
            Some(Expression::Host(host)) if host.matches(untrusted.host()) => {
                // The host is compared; the crate is asked about the rest.
                let scheme = host
                    .scheme
                    .map(|scheme| format!("{scheme}://"))
                    .unwrap_or_default();
                let port = match host.port {
                    Port::Any => ":*".to_owned(),
                    Port::Default => String::new(),
                    Port::Number(port) => format!(":{port}"),
                };
                format!("{scheme}*{port}{}", host.path)
            }
            _ => return false,
        };
        Browser::under_source(&source, Purpose::Element, page).fetches(&untrusted.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::policy::{Policy, parse_line};

    fn found(policies: &str, hosts: &[&str]) -> Vec<String> {
        let policies: Vec<Policy<'_>> = parse_line(policies.as_bytes()).collect();
        let rules: Vec<Rules<'_>> = policies.iter().map(Rules::of).collect();
        let rules: Vec<&Rules<'_>> = rules.iter().collect();
        let hosts: Vec<Untrusted> = hosts.iter().map(|host| Untrusted::read(host).unwrap()).collect();
        let told = findings(&hosts, &rules, Page::Https, Mood::Enforced);
        told.into_iter().map(|finding| finding.subject).collect()
    }

    #[test]
    fn a_policy_that_allows_a_listed_host_is_told() {
        for (policies, host, is_found) in [
            ("script-src cdn.example", "cdn.example", true),
            ("script-src https://CDN.example:443", "cdn.example", true),
            ("script-src *.example", "cdn.example", true),
            ("script-src https:", "cdn.example", true),
            ("default-src cdn.example", "cdn.example", true),
            (
                "script-src-elem cdn.example; script-src 'self'",
                "cdn.example",
                true,
            ),
            ("script-src 'self'", "cdn.example", false),
            ("script-src other.example", "cdn.example", false),
            ("script-src cdn.example:8443", "cdn.example", false),
            ("script-src wss:", "cdn.example", true),
            ("script-src ftp://cdn.example", "cdn.example", false),
            // A path narrows it, unless it is the listed one.
            ("script-src cdn.example/lib/", "cdn.example", false),
            ("script-src cdn.example/lib/", "cdn.example/lib/x.js", true),
            ("script-src cdn.example/lib/a.js", "cdn.example/lib/x.js", false),
            ("script-src cdn.example", "https://cdn.example/jsonp", true),
            (
                "script-src cdn.example 'strict-dynamic' 'nonce-YWJj'",
                "cdn.example",
                false,
            ),
            ("script-src cdn.example, script-src 'self'", "cdn.example", false),
            ("script-src cdn.example, img-src 'self'", "cdn.example", true),
            ("script-src cdn.example; sandbox", "cdn.example", false),
            ("img-src cdn.example", "cdn.example", false),
            // A name that holds four numbers is no address.
            ("script-src 10.0.0.1.nip.example", "10.0.0.1.nip.example", true),
        ] {
            assert_eq!(
                !found(policies, &[host]).is_empty(),
                is_found,
                "{policies} {host}"
            );
        }
        let two = found(
            "script-src a.example b.example",
            &["a.example", "c.example", "b.example/x"],
        );
        assert_eq!(two, ["host `a.example`", "host `b.example`"]);
    }

    #[test]
    fn entries_are_hosts() {
        for right in [
            "cdn.example",
            "cdn.example/a/b.js",
            "https://cdn.example",
            "cdn.example:8443",
            "CDN.example",
        ] {
            assert!(Untrusted::read(right).is_ok(), "{right}");
        }
        for wrong in [
            "",
            "*",
            "*.example",
            "http://cdn.example",
            "192.0.2.1",
            "[::1]",
            "a b",
            "u@cdn.example",
            "cdn.example/?q=1",
            "cdn.example/#a",
            "'self'/",
        ] {
            assert!(Untrusted::read(wrong).is_err(), "{wrong}");
        }
    }
}
