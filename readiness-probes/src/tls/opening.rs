//! How TLS begins on a target, and one handshake with each of its addresses.

use futures_util::future::join_all;
use readiness_core::{
    Outcome, ProbeContext, ProbeError, Target,
    fact::{Endpoint, StartTls, TlsFacts, TlsHandshake},
};

use crate::address;

/// How TLS begins on a target.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Opening {
    /// The dialogue before it; `None` where TLS is spoken from the first byte.
    starttls: Option<StartTls>,
    /// The protocols to offer by ALPN; `None` for those of HTTP.
    alpn: Option<Vec<String>>,
}

impl Opening {
    /// As the setting says, else as the target's scheme does.
    ///
    /// # Errors
    /// Why there is no TLS to look at.
    pub(super) fn of(target: &Target, setting: Option<&StartTls>) -> Result<Self, String> {
        let scheme = target.scheme();
        let starttls = match setting {
            Some(dialogue) => Some(dialogue.clone()),
            None => of_scheme(scheme),
        };
        if starttls.is_none() && !target.is_tls() {
            return Err(format!(
                "`{scheme}` speaks no TLS from the first byte, and no `starttls` is set"
            ));
        }
        // Servers of other protocols may end a handshake that offers them HTTP alone (RFC 7301, section 3.2).
        let is_http = matches!(scheme, "https" | "wss" | "tls") && starttls.is_none();
        Ok(Self {
            starttls,
            alpn: (!is_http).then(Vec::new),
        })
    }

    /// Whether TLS is spoken from the first byte.
    pub(super) fn at_once(&self) -> bool {
        self.starttls.is_none()
    }

    /// The dialogue before it.
    pub(super) fn starttls(&self) -> Option<&StartTls> {
        self.starttls.as_ref()
    }

    /// Whether the protocols of HTTP are offered by ALPN.
    pub(super) fn is_http(&self) -> bool {
        self.alpn.is_none()
    }

    /// The handshake with this endpoint.
    pub(super) fn handshake(&self, endpoint: Endpoint) -> TlsHandshake {
        TlsHandshake::new(endpoint)
            .starttls(self.starttls.clone())
            .alpn(self.alpn.clone())
    }
}

fn of_scheme(scheme: &str) -> Option<StartTls> {
    Some(match scheme {
        "imap" => StartTls::imap(),
        "lmtp" => StartTls::lmtp(),
        "mariadb" | "mysql" => StartTls::mysql(),
        "pop3" => StartTls::pop3(),
        "postgres" | "postgresql" => StartTls::postgres(),
        "smtp" => StartTls::smtp(),
        _ => return None,
    })
}

/// Judges the handshake with each address of the target; the worst outcome counts. `judge` is given the
/// facts and the name that was asked for.
pub(super) async fn each_handshake(
    cx: &ProbeContext,
    starttls: Option<&StartTls>,
    judge: impl Fn(&TlsFacts, &str) -> Outcome,
) -> Result<Outcome, ProbeError> {
    let target = cx.target();
    let opening = match Opening::of(target, starttls) {
        Ok(opening) => opening,
        Err(because) => return Ok(Outcome::not_applicable(because)),
    };
    let endpoints = address::endpoints(cx, target.port(), opening.at_once()).await?;
    let looks = endpoints.into_iter().map(|endpoint| {
        let (judge, opening) = (&judge, &opening);
        async move {
            let (address, host) = (endpoint.address, endpoint.name.clone());
            let outcome = match cx.observe(opening.handshake(endpoint)).await {
                Ok(facts) => judge(&facts, &host),
                Err(error) => address::not_seen(&error),
            };
            (address, outcome)
        }
    });
    let outcome = address::worst_of(join_all(looks).await);
    Ok(address::noted(cx, outcome).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(url: &str, setting: Option<&str>) -> Result<(Option<String>, bool), String> {
        let setting = setting.map(|name| StartTls::named(name).unwrap());
        let opening = Opening::of(&Target::parse(url).unwrap(), setting.as_ref())?;
        let name = opening
            .starttls
            .as_ref()
            .map(|dialogue| dialogue.name().to_owned());
        Ok((name, opening.alpn.is_none()))
    }

    #[test]
    fn schemes_tell_how_tls_begins() {
        for (url, setting, name, offers_http) in [
            ("https://h", None, None, true),
            ("tls://h:1", None, None, true),
            ("smtps://h", None, None, false),
            ("imaps://h", None, None, false),
            ("pop3s://h", None, None, false),
            ("rediss://h", None, None, false),
            ("smtp://h:587", None, Some("smtp"), false),
            ("lmtp://h:24", None, Some("lmtp"), false),
            ("imap://h", None, Some("imap"), false),
            ("pop3://h", None, Some("pop3"), false),
            ("postgres://h", None, Some("postgres"), false),
            ("postgresql://h", None, Some("postgres"), false),
            ("mysql://h", None, Some("mysql"), false),
            ("mariadb://h", None, Some("mysql"), false),
            // What is said counts more than the scheme.
            ("tcp://h:2525", Some("smtp"), Some("smtp"), false),
            ("tls://h:587", Some("smtp"), Some("smtp"), false),
            ("postgres://h", Some("mysql"), Some("mysql"), false),
        ] {
            let expected = (name.map(str::to_owned), offers_http);
            assert_eq!(opening(url, setting), Ok(expected), "{url}");
        }
        for url in ["http://h", "tcp://h:1", "redis://h", "ssh://h"] {
            let because = opening(url, None).unwrap_err();
            assert!(because.contains("no TLS from the first byte"), "{because}");
        }
    }
}
