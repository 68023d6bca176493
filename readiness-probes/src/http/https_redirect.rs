use std::net::SocketAddr;

use async_trait::async_trait;
use futures_util::future::join_all;
use readiness_core::{
    Described, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    fact::{Endpoint, TlsHandshake},
};

use super::trail::{Place, check_hops, follow, ports};
use crate::address::{addresses, not_seen, worst_of};

mod judge;

readiness_core::probe! {
    /// Plain http leads to https.
    ///
    /// # What it checks
    /// A request over plain http on each address, and every redirect from there on, without credentials.
    ///
    /// # Why it matters
    /// Who types the name without a scheme begins over plain http. Until https is reached, anybody on the
    /// way can read along, or lead elsewhere.
    ///
    /// # How it is judged
    /// The first redirect must lead to https on the same host, with 301 or 308; 302, 303 and 307 warn, as
    /// clients may not remember them. Another host warns, as who begins over http then never sees this host's HSTS:
    /// `www` first is the usual case; a parent host whose HSTS includes its subdomains is right. A page over plain http, a
    /// first hop to http, a later hop back to http, a loop, more than `max_hops` redirects, and a `Location`
    /// that is missing, invalid or contradicts itself fail. A user name, a password or a parameter named like
    /// a secret in a `Location` warns, and so do a bare address and an inner one. Another port, four redirects
    /// or more, and a status that turns POST into GET are told. Nothing on the plain port is right too, as
    /// long as the https port answers. 401, 403, 429, challenge pages and errors of the server are not judged.
    ///
    /// # How to fix
    /// Answer every request on port 80 with `308` and `Location: https://` followed by the same host and path.
    pub struct HttpsRedirect {
        /// The port of plain http; 0 means 80 where https is on 443, and otherwise that it does not apply.
        /// Default: 0.
        pub plain_port: u16 = 0,
        /// The most redirects from the first request to the last page. Default: 5.
        pub max_hops: usize = 5,
    }
    id: "http.https_redirect",
    title: "plain http leads to https",
    priority: High,
    references: [
        "RFC 9110 section 15.4" => "https://www.rfc-editor.org/rfc/rfc9110#section-15.4",
        "RFC 9110 section 10.2.2" => "https://www.rfc-editor.org/rfc/rfc9110#section-10.2.2",
        "RFC 6797 section 7.2" => "https://www.rfc-editor.org/rfc/rfc6797#section-7.2",
    ],
}

impl HttpsRedirect {
    /// What is wrong with these settings.
    ///
    /// # Errors
    /// In words, naming the setting.
    pub(crate) fn check(&self) -> Result<(), String> {
        // With none, every redirect would be one too many.
        check_hops(self.max_hops, 1)
    }
}

#[async_trait]
impl Probe for HttpsRedirect {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let (plain, secure) = match ports(cx, self.plain_port) {
            Ok(ports) => ports,
            Err(because) => return Ok(Outcome::not_applicable(because)),
        };
        let host = cx.target().host();
        let found = addresses(cx).await?;
        let looks = found.reachable.iter().map(|&address| async move {
            // The query stays behind: its values belong to the https origin.
            let first = Place {
                tls: false,
                host: host.to_owned(),
                port: plain,
                path: cx.target().path().to_owned(),
            };
            let trail = follow(cx, first, address, self.max_hops).await;
            let outcome = match trail.hops.first().map(|hop| &hop.seen) {
                Some(Err(error)) => {
                    let endpoint = Endpoint::new(SocketAddr::new(address, secure), host, true);
                    let https = cx.observe(TlsHandshake::new(endpoint)).await;
                    judge_closed(plain, secure, error, https.map(drop))
                }
                _ => judge::judge(&trail, secure, self.max_hops),
            };
            (SocketAddr::new(address, plain), outcome)
        });
        Ok(found.noted_in(worst_of(join_all(looks).await)))
    }
}

/// Judges a plain port that gave no response, given whether the https port answers.
fn judge_closed(plain: u16, secure: u16, error: &ObserveError, https: Result<(), ObserveError>) -> Outcome {
    let what = match error.root_reason() {
        reason if *reason == Reason::TCP_REFUSED => format!("nothing listens on port {plain}"),
        reason if *reason == Reason::TCP_SILENT => format!("port {plain} does not answer"),
        // A firewall's way to say no, where the same address answers on the other port.
        reason if *reason == Reason::TCP_UNREACHABLE => format!("port {plain} cannot be reached"),
        _ => return not_seen(error),
    };
    match https {
        Ok(()) => Outcome::pass(what.clone())
            .evidence(format!("port {plain}"), error.message.clone())
            .evidence(format!("port {secure}"), "answers"),
        // Then the whole host may be down, and that is another fault.
        Err(https) => not_seen(&https),
    }
}

#[cfg(test)]
mod tests;
