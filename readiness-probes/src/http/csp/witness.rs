//! URLs a stranger could use: made from what the sources of a policy leave open.

use url::Url;

use super::{
    browser::Page,
    expression::Port,
    rules::{List, Purpose},
};

/// A host anybody could have. RFC 2606, section 3.
const STRANGER: &str = "evil.example";

/// The most of each part that are tried. They are multiplied, so it is few.
const MOST: usize = 4;

/// URLs to try on these lists, which govern the same thing in one policy each, likely ones first.
///
/// A URL must get through every list. One that does shares host, port and path with sources of the lists, or
/// has those of a stranger, so the parts found in all of them are put together.
pub(crate) fn candidates(lists: &[&List<'_>], purpose: Purpose, page: Page) -> impl Iterator<Item = Url> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    let mut paths = Vec::new();
    // The narrowest list has the most to say about what gets through.
    let mut lists: Vec<&List<'_>> = lists.to_vec();
    lists.sort_by_key(|list| list.wide.len());
    for host in lists
        .iter()
        .flat_map(|list| &list.wide)
        .filter_map(|wide| wide.host)
    {
        if let Some(suffix) = host.host.strip_prefix("*.") {
            add(&mut hosts, format!("evil.{}", suffix.to_ascii_lowercase()));
        }
        if let Port::Number(port) = host.port {
            add(&mut ports, format!(":{port}"));
        }
        match host.path {
            "" | "/" => {}
            folder if folder.ends_with('/') => add(&mut paths, format!("{folder}{}", file(purpose))),
            path => add(&mut paths, path.to_owned()),
        }
    }
    add(&mut hosts, STRANGER.to_owned());
    add(&mut ports, String::new());
    add(&mut paths, format!("/{}", file(purpose)));
    // What comes without encryption is blocked on an encrypted page whatever the policy says (Mixed Content,
    // section 4.4); a form may still be sent that way.
    let schemes: &[&str] = match (page, purpose) {
        (Page::Https, Purpose::Form) | (Page::Http, _) => &["https", "http"],
        (Page::Https, _) => &["https"],
    };
    let mut all = Vec::new();
    for scheme in schemes {
        for path in &paths {
            for port in &ports {
                for host in &hosts {
                    all.push(format!("{scheme}://{host}{port}{path}"));
                }
            }
        }
    }
    all.into_iter().filter_map(|url| Url::parse(&url).ok())
}

fn add(parts: &mut Vec<String>, part: String) {
    if parts.len() < MOST && !parts.contains(&part) {
        parts.push(part);
    }
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
