//! The origins that are tried, and what their being let in tells.

use std::net::IpAddr;

use readiness_core::Target;

use crate::{address, http::source::is_public_suffix};

/// Whom an origin belongs to, and why a service may take it for its own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Stranger {
    /// Anybody's. What it is given, everybody is given.
    Anybody,
    /// `null`: a sandboxed frame, which anybody can make.
    Null,
    /// Begins like the host of the service.
    Prefix,
    /// Ends like the host of the service.
    Suffix,
    /// Matches it where the dots of a pattern are not escaped.
    UnescapedDot,
    /// The service's own name, over plain http.
    PlainHttp,
    /// Another name below the same parent.
    Sibling,
}

impl Stranger {
    pub(super) const ALL: [Self; 7] = [
        Self::Anybody,
        Self::Null,
        Self::Prefix,
        Self::Suffix,
        Self::UnescapedDot,
        Self::PlainHttp,
        Self::Sibling,
    ];

    /// The origin as a browser sends it; `None` where there is no such one for this target.
    pub(super) fn origin(self, target: &Target) -> Option<String> {
        let host = target.host();
        let is_address = host.parse::<IpAddr>().is_ok();
        let named = (!is_address && host.contains('.')).then_some(host);
        let port = target.port();
        let default = if target.is_tls() { 443 } else { 80 };
        let suffix = if port == default {
            String::new()
        } else {
            format!(":{port}")
        };
        match self {
            Self::Anybody => Some("https://readiness-7f3a9c.example".to_owned()),
            Self::Null => Some("null".to_owned()),
            Self::Prefix => named.map(|host| format!("https://{host}.evil.example")),
            Self::Suffix => named.map(|host| format!("https://evil{host}")),
            // The first dot stands within the name, so that anybody can register what comes of it.
            Self::UnescapedDot => named
                .filter(|host| host.matches('.').count() > 1)
                .map(|host| format!("https://{}", host.replacen('.', "x", 1))),
            Self::PlainHttp => target
                .is_tls()
                .then(|| format!("http://{}{suffix}", address::authority_of(host, 80, false))),
            Self::Sibling => {
                let (_, parent) = named?.split_once('.')?;
                let is_own = parent.contains('.') && !is_public_suffix(parent);
                is_own.then(|| format!("https://readiness-7f3a9c.{parent}{suffix}"))
            }
        }
    }

    /// The code of the finding.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Anybody => "any_origin",
            Self::Null => "null_origin",
            Self::Prefix => "origin_by_prefix",
            Self::Suffix => "origin_by_suffix",
            Self::UnescapedDot => "origin_by_unescaped_dot",
            Self::PlainHttp => "plain_http_origin",
            Self::Sibling => "sibling_origin",
        }
    }

    /// Who is let in, in words.
    pub(super) fn who(self) -> &'static str {
        match self {
            Self::Anybody => "every site",
            Self::Null => "`null`, which any site becomes in a sandboxed frame,",
            Self::Prefix => "a site whose name begins like this one",
            Self::Suffix => "a site whose name ends like this one",
            Self::UnescapedDot => "a site whose name has a letter for a dot",
            Self::PlainHttp => "this name over plain http, which anybody on the way can be,",
            Self::Sibling => "every name below the same parent",
        }
    }

    /// Whether only somebody who already has a foot in the door can use it.
    pub(super) fn is_near(self) -> bool {
        self == Self::Sibling
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_made_for_the_target() {
        let of = |url: &str| -> Vec<String> {
            let target = Target::parse(url).unwrap();
            Stranger::ALL
                .iter()
                .filter_map(|stranger| stranger.origin(&target))
                .collect()
        };
        assert_eq!(
            of("https://api.shop.example/x"),
            [
                "https://readiness-7f3a9c.example",
                "null",
                "https://api.shop.example.evil.example",
                "https://evilapi.shop.example",
                "https://apixshop.example",
                "http://api.shop.example",
                "https://readiness-7f3a9c.shop.example",
            ]
        );
        let ported = of("https://api.shop.example:8443/");
        assert_eq!(
            ported[5..],
            [
                "http://api.shop.example:8443",
                "https://readiness-7f3a9c.shop.example:8443"
            ]
        );
        // A parent that is a public suffix holds strangers, and an address has no names around it.
        assert!(
            !of("https://shop.co.uk/")
                .iter()
                .any(|origin| origin.contains("7f3a9c.co.uk"))
        );
        assert_eq!(
            of("http://192.0.2.1/"),
            ["https://readiness-7f3a9c.example", "null"]
        );
        assert_eq!(of("https://[::1]/")[2], "http://[::1]");
        assert_eq!(of("http://localhost:3000/").len(), 2);
    }
}
