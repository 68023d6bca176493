//! URLs a stranger could use: made from what the sources of a policy leave open.

use url::Url;

use super::{
    browser::{Browser, Page},
    rules::{List, Purpose, Wide},
};
use crate::http::expression::Port;

/// A host anybody could have. RFC 2606, section 3.
const STRANGER: &str = "evil.example";

/// The most hosts that are tried: each is a bit of [`Open`].
const MOST_HOSTS: usize = 64;
/// The most ports, and the most paths. They are multiplied, so it is few.
const MOST_OTHERS: usize = 4;

/// URLs to try on these lists, which govern the same thing in one policy each, likely ones first.
///
/// A URL must get through every list. One that does shares host, port and path with sources of the lists, or
/// has those of a stranger, so the parts found in all of them are put together. What a list does not let
/// through by its hosts, ports and paths is left out, so that browsers' matching is asked about few.
pub(crate) fn candidates(lists: &[&List<'_>], purpose: Purpose, page: Page) -> impl Iterator<Item = Url> {
    let parts = Parts::of(lists, purpose);
    let mut open = [[u64::MAX; MOST_OTHERS]; MOST_OTHERS];
    for list in lists {
        let lets = parts.let_through(list, page);
        for (open, lets) in open.as_flattened_mut().iter_mut().zip(lets.as_flattened()) {
            *open &= lets;
        }
    }
    // What comes without encryption is blocked on an encrypted page whatever the policy says (Mixed Content,
    // section 4.4); a form may still be sent that way.
    let schemes: &[&str] = match (page, purpose) {
        (Page::Https, Purpose::Form) | (Page::Http, _) => &["https", "http"],
        (Page::Https, _) => &["https"],
    };
    let mut all = Vec::new();
    for scheme in schemes {
        for (path, ports) in parts.paths.iter().zip(&open) {
            for (port, hosts) in parts.ports.iter().zip(ports) {
                for (at, host) in parts.hosts.iter().enumerate() {
                    if hosts & (1 << at) != 0 {
                        all.push(format!("{scheme}://{host}{}{path}", port_part(*port)));
                    }
                }
            }
        }
    }
    all.into_iter().filter_map(|url| Url::parse(&url).ok())
}

/// For each path and port the hosts that get through, a bit each.
type Open = [[u64; MOST_OTHERS]; MOST_OTHERS];

/// What URLs are put together from, each once; what a stranger has comes first.
struct Parts {
    hosts: Vec<String>,
    /// `None` is the port of the scheme.
    ports: Vec<Option<u16>>,
    paths: Vec<String>,
}

impl Parts {
    fn of(lists: &[&List<'_>], purpose: Purpose) -> Self {
        let mut parts = Self {
            hosts: vec![STRANGER.to_owned()],
            ports: vec![None],
            paths: vec![format!("/{}", file(purpose))],
        };
        // The narrowest list has the most to say about what gets through.
        let mut lists: Vec<&List<'_>> = lists.to_vec();
        lists.sort_by_key(|list| list.wide.len());
        for host in lists
            .iter()
            .flat_map(|list| &list.wide)
            .filter_map(|wide| wide.host)
        {
            if parts.hosts.len() < MOST_HOSTS
                && let Some(suffix) = host.strangers_suffix()
            {
                add(&mut parts.hosts, MOST_HOSTS, format!("evil.{suffix}"));
            }
            if let Port::Number(port) = host.port {
                add(&mut parts.ports, MOST_OTHERS, Some(port));
            }
            match host.path {
                "" | "/" => {}
                folder if folder.ends_with('/') => {
                    add(
                        &mut parts.paths,
                        MOST_OTHERS,
                        format!("{folder}{}", file(purpose)),
                    );
                }
                path => add(&mut parts.paths, MOST_OTHERS, path.to_owned()),
            }
        }
        parts
    }

    /// What a list lets through as far as its hosts, ports and paths go.
    fn let_through(&self, list: &List<'_>, page: Page) -> Open {
        let mut open = [[0; MOST_OTHERS]; MOST_OTHERS];
        for wide in &list.wide {
            let hosts = self.hosts_of(wide);
            for (path, ports) in self.paths.iter().zip(&mut open) {
                if !admits_path(wide, path, page) {
                    continue;
                }
                for (port, open) in self.ports.iter().zip(ports) {
                    if admits_port(wide, *port) {
                        *open |= hosts;
                    }
                }
            }
        }
        open
    }

    fn hosts_of(&self, wide: &Wide<'_>) -> u64 {
        let Some(source) = wide.host else { return u64::MAX };
        let matching = self
            .hosts
            .iter()
            .enumerate()
            .filter(|(_, host)| source.matches(host));
        matching.fold(0, |bits, (at, _)| bits | 1 << at)
    }
}

fn add<T: PartialEq>(parts: &mut Vec<T>, most: usize, part: T) {
    if parts.len() < most && !parts.contains(&part) {
        parts.push(part);
    }
}

fn port_part(port: Option<u16>) -> String {
    port.map(|port| format!(":{port}")).unwrap_or_default()
}

/// Whether the port matches under one scheme or the other. CSP Level 3, section 6.7.2.11.
fn admits_port(wide: &Wide<'_>, port: Option<u16>) -> bool {
    match wide.host.map_or(Port::Any, |host| host.port) {
        Port::Any => true,
        Port::Default => port.is_none_or(|port| matches!(port, 80 | 443)),
        Port::Number(number) => port.map_or(matches!(number, 80 | 443), |port| port == number),
    }
}

/// Whether the path matches: section 6.7.2.12, which is the browser's to say where there is one.
fn admits_path(wide: &Wide<'_>, path: &str, page: Page) -> bool {
    let own = wide.host.map_or("", |host| host.path);
    if matches!(own, "" | "/") {
        return true;
    }
    let url = Url::parse(&format!("https://{STRANGER}{path}"));
    url.is_ok_and(|url| {
        Browser::under_source(&format!("https://*{own}"), Purpose::Element, page).fetches(&url)
    })
}

/// The URL that is shown where nothing governs.
pub(crate) fn any(purpose: Purpose) -> String {
    format!("https://{STRANGER}/{}", file(purpose))
}

/// What stands behind a scheme that needs no host.
pub(crate) fn local(scheme: &str, purpose: Purpose) -> String {
    match (scheme, purpose) {
        ("data", Purpose::Plugin) => "data:text/html,<script>alert(1)</script>".to_owned(),
        ("data", _) => "data:text/javascript,alert(1)".to_owned(),
        ("blob", _) => "blob:https://page.invalid/6d9b4c10-5d0c-4f0c-9f44-0d7a3c1e8f21".to_owned(),
        _ => format!("{scheme}:https://page.invalid/temporary/{}", file(purpose)),
    }
}

const fn file(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Element | Purpose::Worker => "x.js",
        Purpose::Plugin => "x.swf",
        Purpose::Style => "x.css",
        _ => "",
    }
}
