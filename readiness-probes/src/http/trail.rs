//! The redirects from one request on, hop by hop: what `http.https_redirect`, `http.hsts` and
//! `http.hsts_preload` look at together.

use std::{
    collections::HashSet,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use readiness_core::{
    ObserveError, ProbeContext, ProbeError, Reason,
    fact::{Endpoint, Exchange, HttpExchange},
    redact::REDACTED,
};
use url::{Host, Url};

use super::syntax::excerpt;
use crate::address::{addresses_of, authority_of, special_purpose};

/// The longest `Location` that is followed, in bytes.
const LONGEST_LOCATION: usize = 8192;

/// The most names of parameters that are told.
const MOST_NAMES: usize = 5;

/// The most redirects that `max_hops` may allow.
const MOST_HOPS: usize = 20;

/// Says what is wrong with a setting `max_hops` that must be at least so many.
pub(super) fn check_hops(max_hops: usize, least: usize) -> Result<(), String> {
    if (least..=MOST_HOPS).contains(&max_hops) {
        Ok(())
    } else {
        Err(format!("`max_hops` is {least} to {MOST_HOPS}, not {max_hops}"))
    }
}

/// The port of plain http and the one of https of the target, or why there is no way from one to the other.
pub(super) fn ports(cx: &ProbeContext, plain_port: u16) -> Result<(u16, u16), String> {
    let target = cx.target();
    match target.scheme() {
        "https" => match (plain_port, target.port()) {
            (0, 443) => Ok((80, 443)),
            (0, port) => Err(format!("https on port {port}; set `plain_port`")),
            (plain, port) if plain == port => {
                Err(format!("`plain_port` {plain} is the port of https itself"))
            }
            (plain, port) => Ok((plain, port)),
        },
        "http" if !cx.profile().https_required => {
            Err(format!("the profile `{}` allows plain http", cx.profile()))
        }
        "http" if plain_port == 0 => Ok((target.port(), 443)),
        "http" => Ok((plain_port, 443)),
        other => Err(format!("`{other}` is not http")),
    }
}

/// Where a request goes, without the address it travels to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Place {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    /// Path and query; what must stay unseen stands as `{handle}`.
    pub(super) path: String,
}

impl Place {
    fn authority(&self) -> String {
        authority_of(&self.host, self.port, self.tls)
    }

    /// The plain request for it at this address: no credential goes along, wherever it leads.
    pub(super) fn request(&self, address: IpAddr) -> HttpExchange {
        let address = SocketAddr::new(address, self.port);
        let endpoint = Endpoint::new(address, self.host.clone(), self.tls);
        HttpExchange::get(endpoint, self.authority(), self.path.clone())
    }

    /// Whether the host is an address instead of a name.
    pub(super) fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    /// Whether this place is on the host `other` or on one below it.
    pub(super) fn is_below(&self, other: &Self) -> bool {
        !self.is_address()
            && self
                .host
                .strip_suffix(&*other.host)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    }

    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Display for Place {
    /// As people write it, without the values of the query and of parameters in the path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        let (before, query) = match url.split_once('?') {
            Some((before, _)) => (before, "?…"),
            None => (url.as_str(), ""),
        };
        for (i, segment) in before.split('/').enumerate() {
            f.write_str(if i == 0 { "" } else { "/" })?;
            for (i, part) in segment.split(';').enumerate() {
                match (i, part.split_once('=')) {
                    (0, _) => f.write_str(part)?,
                    (_, Some((name, _))) => write!(f, ";{name}=…")?,
                    (_, None) => write!(f, ";{part}")?,
                }
            }
        }
        f.write_str(query)
    }
}

/// One request on the way, and what came back.
#[derive(Clone, Debug)]
pub(super) struct Hop {
    pub(super) place: Place,
    pub(super) seen: Result<Arc<Exchange>, ObserveError>,
}

/// Everything from the plain request on.
#[derive(Clone, Debug)]
pub(super) struct Trail {
    /// At least one.
    pub(super) hops: Vec<Hop>,
    pub(super) stop: Stop,
}

/// Why a trail ends.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// The last hop leads nowhere else.
    End,
    /// The last hop leads to an address the world cannot reach. It was not followed.
    Inside {
        to: Place,
        address: IpAddr,
        what: &'static str,
    },
    /// The last hop leads back to an earlier one.
    Loop { to: Place },
    /// The last hop leads on, and there have been enough.
    TooMany { to: Place },
    /// The last hop leads to a host whose address could not be had.
    Unresolved { to: Place, error: ObserveError },
}

/// Where a response leads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Next {
    /// It is a redirect that leads nowhere: a code, and what is wrong.
    Broken(&'static str, String),
    /// It is no redirect.
    End,
    /// Another place.
    To {
        place: Place,
        /// Whether `Location` held a user name or a password.
        has_userinfo: bool,
        /// The parameters of `Location` that are named like secrets and have a value.
        secrets: Vec<String>,
    },
}

/// Whether browsers follow a response with this status. RFC 9110, section 15.4.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Where a response from this place leads.
pub(super) fn next(from: &Place, exchange: &Exchange) -> Next {
    if !is_redirect(exchange.status) {
        return Next::End;
    }
    let mut locations: Vec<&[u8]> = exchange.all("location").collect();
    locations.dedup();
    let location = match locations.as_slice() {
        [] => {
            let message = format!("{} has no `Location`", exchange.status);
            return Next::Broken("no_location", message);
        }
        [location] => *location,
        several => {
            let message = format!(
                "{} has {} `Location` headers that differ: clients choose one, or none",
                exchange.status,
                several.len()
            );
            return Next::Broken("several_locations", message);
        }
    };
    resolve(from, location)
        .unwrap_or_else(|problem| Next::Broken("invalid_location", format!("`Location` {problem}")))
}

/// Where this `Location` of a response from there leads, or what is wrong with it.
pub(super) fn resolve(from: &Place, location: &[u8]) -> Result<Next, String> {
    if location.len() > LONGEST_LOCATION {
        return Err(format!(
            "is {} bytes long, expected at most {LONGEST_LOCATION}",
            location.len()
        ));
    }
    let location = std::str::from_utf8(location).map_err(|_| "is not text".to_owned())?;
    if location.trim().is_empty() {
        return Err("is empty".into());
    }
    let base = Url::parse(&from.url()).map_err(|e| format!("has nothing to stand on: {e}"))?;
    let to = base.join(location).map_err(|e| format!("is no URL: {e}"))?;
    let tls = match to.scheme() {
        "https" => true,
        "http" => false,
        other => {
            let scheme: String = other.chars().take(30).collect();
            return Err(format!("leads to `{scheme}:`, expected `https:`"));
        }
    };
    let host = match to.host() {
        Some(Host::Domain(name)) => name.trim_end_matches('.').to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => String::new(),
    };
    let port = to.port_or_known_default().filter(|port| *port != 0);
    let (false, Some(port)) = (host.is_empty(), port) else {
        return Err("names no host and port".into());
    };
    let has_userinfo = !to.username().is_empty() || to.password().is_some();
    let secrets = secrets_of(&to);
    let path = match to.query() {
        Some(query) => format!("{}?{query}", to.path()),
        None => to.path().to_owned(),
    };
    let path = with_handles(&path, [&from.path, location]);
    let place = Place {
        tls,
        host,
        port,
        path,
    };
    Ok(Next::To {
        place,
        has_userinfo,
        secrets,
    })
}

/// The path with the handles that its sources hold: in a path, the parser of URLs escapes their braces.
fn with_handles(path: &str, sources: [&str; 2]) -> String {
    let handles: HashSet<&str> = sources
        .into_iter()
        .flat_map(|source| source.split('{').skip(1))
        .filter_map(|rest| rest.split_once('}'))
        .map(|(handle, _)| handle)
        .collect();
    let mut parts = path.split("%7B");
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once("%7D") {
            Some((handle, rest)) if handles.contains(handle) => {
                whole.extend(["{", handle, "}", rest]);
            }
            _ => whole.extend(["%7B", part]),
        }
    }
    whole
}

/// The names of the parameters in query, path and fragment that are named like secrets and have a value, and a
/// fragment that had to be redacted as a whole.
fn secrets_of(url: &Url) -> Vec<String> {
    let in_path = url
        .path_segments()
        .into_iter()
        .flatten()
        .flat_map(|segment| segment.split(';').skip(1));
    let in_query = url.query().into_iter().flat_map(|query| query.split('&'));
    let fragment = url.fragment().unwrap_or_default();
    let named = in_path
        .chain(in_query)
        .chain(fragment.split('&'))
        .filter_map(|pair| pair.split_once('='))
        .filter(|(name, value)| !value.is_empty() && is_named_like_a_secret(name))
        .map(|(name, _)| excerpt(name.as_bytes()));
    let whole = (fragment == REDACTED).then(|| "#…".to_owned());
    let mut names: Vec<String> = Vec::new();
    for name in named.chain(whole) {
        if names.len() < MOST_NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a parameter's name says that its value lets somebody in. Codes that are good for one use only,
/// and signatures of links that are meant to be handed on, are not among them.
fn is_named_like_a_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .take(64)
        .collect();
    ["token", "password", "passwd", "secret", "apikey", "sessionid"]
        .iter()
        .any(|end| plain.ends_with(end))
        || [
            "auth",
            "authorization",
            "bearer",
            "jwt",
            "phpsessid",
            "pwd",
            "session",
            "sid",
        ]
        .contains(&plain.as_str())
}

/// Where a way begins. What stays on its host stays on its address; another host is resolved like a target, and
/// not followed inside from an address outside.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub(super) host: String,
    pub(super) address: IpAddr,
}

impl Home {
    pub(super) fn new(host: &str, address: IpAddr) -> Self {
        Self {
            host: host.to_owned(),
            address,
        }
    }

    /// The address of the place after `from`, which is at `at`.
    pub(super) async fn address_of(
        &self,
        cx: &ProbeContext,
        (from, at): (&Place, IpAddr),
        to: &Place,
    ) -> Result<IpAddr, Stop> {
        if to.host == self.host {
            Ok(self.address)
        } else if to.host == from.host {
            Ok(at)
        } else {
            elsewhere(cx, to, special_purpose(self.address).is_none()).await
        }
    }
}

/// Follows redirects from a first request on to their end, as far as so many lead.
pub(super) async fn follow(cx: &ProbeContext, first: Place, address: IpAddr, most: usize) -> Trail {
    let home = Home::new(&first.host, address);
    let mut hops: Vec<Hop> = Vec::new();
    let (mut place, mut address) = (first, address);
    loop {
        let seen = cx.observe(place.request(address)).await;
        let leads = seen
            .as_deref()
            .map_or(Next::End, |exchange| next(&place, exchange));
        hops.push(Hop {
            place: place.clone(),
            seen,
        });
        let Next::To { place: to, .. } = leads else {
            return Trail {
                hops,
                stop: Stop::End,
            };
        };
        if hops.iter().any(|hop| hop.place == to) {
            return Trail {
                hops,
                stop: Stop::Loop { to },
            };
        }
        if hops.len() > most {
            return Trail {
                hops,
                stop: Stop::TooMany { to },
            };
        }
        match home.address_of(cx, (&place, address), &to).await {
            Ok(next) => address = next,
            Err(stop) => return Trail { hops, stop },
        }
        place = to;
    }
}

async fn elsewhere(cx: &ProbeContext, to: &Place, from_outside: bool) -> Result<IpAddr, Stop> {
    let to = to.clone();
    let found = match addresses_of(cx, &to.host).await {
        Ok(found) => found.reachable,
        Err(ProbeError::Observe(error)) => return Err(Stop::Unresolved { to, error }),
        Err(other) => {
            let error = ObserveError::new(Reason::ERROR, other.to_string());
            return Err(Stop::Unresolved { to, error });
        }
    };
    // One inner address is enough to stop: a name may hold it for exactly that purpose.
    let inner = found
        .iter()
        .find_map(|address| Some((*address, special_purpose(*address)?)));
    match (inner.filter(|_| from_outside), found.first()) {
        (Some((address, what)), _) => Err(Stop::Inside { to, address, what }),
        (None, Some(address)) => Ok(*address),
        (None, None) => {
            let error = ObserveError::new(Reason::DNS_NODATA, format!("`{}` has no address", to.host));
            Err(Stop::Unresolved { to, error })
        }
    }
}

#[cfg(test)]
mod tests;
