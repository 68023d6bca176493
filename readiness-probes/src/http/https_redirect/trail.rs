use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use readiness_core::{
    ObserveError, ProbeContext, ProbeError, Reason,
    fact::{Endpoint, Exchange, HttpExchange},
};
use url::{Host, Url};

use crate::address::{addresses_of, authority_of, special_purpose};

/// The longest `Location` that is followed, in bytes.
const LONGEST_LOCATION: usize = 8192;

/// Where a request goes, without the address it travels to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::http) struct Place {
    pub(in crate::http) tls: bool,
    pub(in crate::http) host: String,
    pub(in crate::http) port: u16,
    /// Path and query; what must stay unseen stands as `{handle}`.
    pub(in crate::http) path: String,
}

impl Place {
    fn authority(&self) -> String {
        authority_of(&self.host, self.port, self.tls)
    }

    /// The plain request for it at this address: no credential goes along, wherever it leads.
    pub(in crate::http) fn request(&self, address: IpAddr) -> HttpExchange {
        let address = SocketAddr::new(address, self.port);
        let endpoint = Endpoint::new(address, self.host.clone(), self.tls);
        HttpExchange::get(endpoint, self.authority(), self.path.clone())
    }

    /// Whether the host is an address instead of a name.
    pub(super) fn is_address(&self) -> bool {
        self.host.parse::<IpAddr>().is_ok()
    }

    fn url(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority(), self.path)
    }
}

impl fmt::Display for Place {
    /// As people write it, without the values of the query.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.url();
        match url.split_once('?') {
            Some((before, _)) => write!(f, "{before}?…"),
            None => f.write_str(&url),
        }
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
pub(in crate::http) enum Stop {
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
pub(in crate::http) enum Next {
    /// It is a redirect that leads nowhere: a code, and what is wrong.
    Broken(&'static str, String),
    /// It is no redirect.
    End,
    /// Another place; whether `Location` held a user name or a password.
    To { place: Place, has_userinfo: bool },
}

/// Whether browsers follow a response with this status. RFC 9110, section 15.4.
pub(super) fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// Where a response from this place leads.
pub(in crate::http) fn next(from: &Place, exchange: &Exchange) -> Next {
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
    match resolve(from, location) {
        Ok((place, has_userinfo)) => Next::To { place, has_userinfo },
        Err(problem) => Next::Broken("invalid_location", format!("`Location` {problem}")),
    }
}

fn resolve(from: &Place, location: &[u8]) -> Result<(Place, bool), String> {
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
    let path = match to.query() {
        Some(query) => format!("{}?{query}", to.path()),
        None => to.path().to_owned(),
    };
    let place = Place {
        tls,
        host,
        port,
        path,
    };
    Ok((place, has_userinfo))
}

/// Follows redirects from a plain request on. What stays on one host stays on its address; another host is
/// resolved like a target, and not followed inside from an address outside.
pub(super) async fn follow(cx: &ProbeContext, first: Place, address: IpAddr, most: usize) -> Trail {
    let home = (first.host.clone(), address);
    let from_outside = special_purpose(address).is_none();
    let mut hops: Vec<Hop> = Vec::new();
    let (mut place, mut address) = (first, address);
    loop {
        let seen = cx.observe(place.request(address)).await;
        let leads = seen
            .as_deref()
            .map_or(Next::End, |exchange| next(&place, exchange));
        let host = place.host.clone();
        hops.push(Hop { place, seen });
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
        if to.host == home.0 {
            address = home.1;
        } else if to.host != host {
            match elsewhere(cx, &to, from_outside).await {
                Ok(other) => address = other,
                Err(stop) => return Trail { hops, stop },
            }
        }
        place = to;
    }
}

pub(in crate::http) async fn elsewhere(
    cx: &ProbeContext,
    to: &Place,
    from_outside: bool,
) -> Result<IpAddr, Stop> {
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
mod tests {
    use super::*;

    fn from(path: &str) -> Place {
        Place {
            tls: false,
            host: "example.com".into(),
            port: 80,
            path: path.into(),
        }
    }

    fn leads(location: &[u8]) -> Result<String, &'static str> {
        match next(&from("/a/b?c"), &Exchange::new(301, [("location", location)])) {
            Next::To { place, .. } => Ok(place.url()),
            Next::Broken(code, _) => Err(code),
            Next::End => Err("end"),
        }
    }

    #[test]
    fn locations_are_resolved() {
        for (location, to) in [
            ("https://example.com", "https://example.com/"),
            ("HTTPS://EXAMPLE.com.:443/x", "https://example.com/x"),
            ("//www.example.com/x", "http://www.example.com/x"),
            ("/login?next={run.0}&x", "http://example.com/login?next={run.0}&x"),
            ("d?e#f", "http://example.com/a/d?e"),
            ("?q", "http://example.com/a/b?q"),
            ("https://example.com:8443/../x", "https://example.com:8443/x"),
            ("https://[2001:DB8::1]/", "https://[2001:db8::1]/"),
            ("https://0x7f.1/", "https://127.0.0.1/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
            (" https://example.com/ ", "https://example.com/"),
        ] {
            assert_eq!(leads(location.as_bytes()).as_deref(), Ok(to), "{location}");
        }
    }

    #[test]
    fn what_leads_nowhere_is_told() {
        for location in [
            &b""[..],
            b" ",
            b"https://",
            b"https://exa mple/",
            b"https://example.com:99999/",
            b"https://example.com:0/",
            b"javascript:alert(1)",
            b"ftp://example.com/",
            b"\xff\xfe",
            &[b'x'; LONGEST_LOCATION + 1],
        ] {
            assert_eq!(leads(location), Err("invalid_location"), "{location:?}");
        }
        assert!(leads(&[b'x'; LONGEST_LOCATION]).is_ok());
        let none = Exchange::new(301, [("server", "x")]);
        assert!(matches!(next(&from("/"), &none), Next::Broken("no_location", _)));
        let both = |a, b| {
            next(
                &from("/"),
                &Exchange::new(301, [("location", a), ("location", b)]),
            )
        };
        assert!(matches!(both("/a", "/b"), Next::Broken("several_locations", _)));
        assert!(matches!(both("/a", "/a"), Next::To { .. }));
    }

    #[test]
    fn only_five_statuses_lead_on() {
        for status in (100..600).filter(|status| is_redirect(*status)) {
            assert!([301, 302, 303, 307, 308].contains(&status));
        }
        assert_eq!(
            next(&from("/"), &Exchange::new(304, [("location", "/x")])),
            Next::End
        );
    }

    #[test]
    fn userinfo_and_query_values_are_not_shown() {
        let exchange = Exchange::new(301, [("location", "https://joe:pw@example.com/?token=s3cret")]);
        let Next::To { place, has_userinfo } = next(&from("/"), &exchange) else {
            panic!("no place")
        };
        assert!(has_userinfo);
        assert_eq!(place.to_string(), "https://example.com/?…");
        assert!(!place.url().contains("joe"));
    }
}
