//! Whom `frame-ancestors` lets in, over all policies.

use readiness_core::fact::HttpExchange;
use url::Url;

use super::effective::Scope;
use crate::http::{
    expression::{Expression, Host, Keyword, Port, is_network},
    policy::{Directive, Policy, parse_line},
    source::Reach,
};

/// What `frame-ancestors` allows, over all policies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ancestors {
    pub(super) scope: Scope,
    /// The source that lets the most in.
    pub(super) widest: String,
}

/// Where the page itself comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Own(Site);

impl Own {
    /// Of a page that was asked for by this key.
    pub(super) fn of(key: &HttpExchange) -> Self {
        let url = Url::parse(&key.url()).ok();
        Self(Site {
            is_https: key.endpoint.tls,
            host: url
                .as_ref()
                .and_then(Url::host_str)
                .map_or_else(|| key.endpoint.name.clone(), str::to_owned),
            port: url.as_ref().and_then(Url::port),
        })
    }
}

/// An origin that would frame the page.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Site {
    is_https: bool,
    host: String,
    /// `None` for that of the scheme.
    port: Option<u16>,
}

/// A host anybody could have. RFC 2606, section 3.
const STRANGER: &str = "evil.example";

/// The most hosts and ports that are tried where there are several policies.
const MOST_HOSTS: usize = 64;
const MOST_PORTS: usize = 16;

/// Whether `frame-ancestors` stands in a policy of this line.
pub(super) fn limits_frames(line: &[u8]) -> bool {
    parse_line(line).any(|policy| policy.first_of(&[NAME]).is_some())
}

const NAME: &str = "frame-ancestors";

/// Whom all policies in these lines let in: a site must be allowed by each of them. CSP Level 3, section 6.4.2.
pub(super) fn ancestors_of<'a>(own: &Own, lines: impl IntoIterator<Item = &'a [u8]>) -> Option<Ancestors> {
    let policies: Vec<Policy<'a>> = lines.into_iter().flat_map(parse_line).collect();
    let directives: Vec<&Directive<'a>> = policies
        .iter()
        .filter_map(|policy| policy.first_of(&[NAME]))
        .collect();
    let (narrowest, widest) = directives.iter().map(|directive| directive.reach()).min()?;
    if directives.len() == 1 || narrowest == Reach::Nobody {
        return Some(Ancestors {
            scope: scope_of(narrowest),
            widest: widest.to_owned(),
        });
    }
    let lists: Vec<List<'a>> = directives.iter().map(|directive| List::of(directive)).collect();
    Some(together(own, &lists, scope_of(narrowest)))
}

fn scope_of(reach: Reach) -> Scope {
    match reach {
        Reach::Nobody => Scope::Nobody,
        Reach::Own => Scope::Own,
        Reach::Listed => Scope::Listed,
        Reach::Everybody => Scope::Open,
    }
}

/// What gets through each of these lists; no more than through the narrowest of them.
fn together(own: &Own, lists: &[List<'_>], most: Scope) -> Ancestors {
    let through = |site: &Site| lists.iter().all(|list| list.source_of(site, own).is_some());
    for scope in [Scope::Open, Scope::Listed] {
        if scope > most {
            continue;
        }
        let tried = Tried::of(lists, scope);
        let found = tried.sites().find(|site| *site != own.0 && through(site));
        let by = |site: &Site| lists.first().and_then(|list| list.source_of(site, own));
        if let Some(widest) = found.as_ref().and_then(by) {
            return Ancestors {
                scope,
                widest: widest.to_owned(),
            };
        }
        // What was not tried may get through.
        let first = lists.first().and_then(|list| list.sources.first());
        if tried.is_cut
            && let Some((widest, _)) = first
        {
            return Ancestors {
                scope,
                widest: (*widest).to_owned(),
            };
        }
    }
    let (scope, widest) = if through(&own.0) {
        (Scope::Own, "'self'")
    } else {
        (Scope::Nobody, "'none'")
    };
    Ancestors {
        scope,
        widest: widest.to_owned(),
    }
}

/// The sources of one policy that let anybody in, as they stand and as they are read.
struct List<'a> {
    sources: Vec<(&'a str, Expression<'a>)>,
}

impl<'a> List<'a> {
    fn of(directive: &Directive<'a>) -> Self {
        let read = |value: &&'a str| Some((*value, Expression::read(value)?));
        Self {
            sources: directive.values.iter().filter_map(read).collect(),
        }
    }

    fn hosts(&self) -> impl Iterator<Item = &Host<'a>> {
        self.sources.iter().filter_map(|(_, source)| match source {
            Expression::Host(host) => Some(host),
            _ => None,
        })
    }

    fn source_of(&self, site: &Site, own: &Own) -> Option<&'a str> {
        let found = self.sources.iter().find(|(_, source)| admits(source, site, own));
        found.map(|(text, _)| *text)
    }
}

/// Whether a source matches an origin. CSP Level 3, sections 6.7.2.8 to 6.7.2.11; an origin has no path.
fn admits(source: &Expression<'_>, site: &Site, own: &Own) -> bool {
    let is_plain = |scheme: &str| {
        ["http", "ws"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(scheme))
    };
    let has_scheme = |scheme: &str| {
        if site.is_https {
            is_network(scheme)
        } else {
            is_plain(scheme)
        }
    };
    match source {
        Expression::Keyword(Keyword::Own) => *site == own.0,
        Expression::Scheme(scheme) => has_scheme(scheme),
        Expression::Host(host) => {
            let default = if site.is_https { 443 } else { 80 };
            let has_port = match host.port {
                Port::Any => true,
                Port::Default => site.port.is_none(),
                Port::Number(port) => port == site.port.unwrap_or(default),
            };
            let own_scheme = site.is_https || !own.0.is_https;
            has_port && host.scheme.map_or(own_scheme, has_scheme) && host.matches(&site.host)
        }
        _ => false,
    }
}

/// Origins that are tried, put together from what the lists name.
struct Tried {
    hosts: Vec<String>,
    ports: Vec<Option<u16>>,
    /// Whether the lists name more.
    is_cut: bool,
}

impl Tried {
    /// Those of strangers for [`Scope::Open`], else those of hosts that are listed.
    fn of(lists: &[List<'_>], scope: Scope) -> Self {
        let is_open = scope == Scope::Open;
        let mut tried = Self {
            hosts: Vec::new(),
            ports: vec![None],
            is_cut: false,
        };
        if is_open {
            tried.hosts.push(STRANGER.to_owned());
        }
        let hosts = lists.iter().flat_map(List::hosts);
        for host in hosts.filter(|host| !is_open || host.is_wide()) {
            let name = match host.host.strip_prefix("*.") {
                Some(_) if is_open => host.strangers_suffix().map(|suffix| format!("evil.{suffix}")),
                Some(below) => Some(format!("www.{}", below.to_ascii_lowercase())),
                None => (host.host != "*").then(|| host.host.to_ascii_lowercase()),
            };
            let has_host = name.is_none_or(|name| add(&mut tried.hosts, MOST_HOSTS, name));
            let port = match host.port {
                Port::Number(port) => Some(port),
                Port::Any | Port::Default => None,
            };
            let has_port = add(&mut tried.ports, MOST_PORTS, port);
            tried.is_cut |= !has_host || !has_port;
        }
        tried
    }

    fn sites(&self) -> impl Iterator<Item = Site> {
        self.ports.iter().flat_map(|port| {
            self.hosts.iter().map(|host| Site {
                is_https: true,
                host: host.clone(),
                port: *port,
            })
        })
    }
}

/// Whether the part is in it now.
fn add<T: PartialEq>(parts: &mut Vec<T>, most: usize, part: T) -> bool {
    if parts.contains(&part) {
        return true;
    }
    if parts.len() < most {
        parts.push(part);
        return true;
    }
    false
}
