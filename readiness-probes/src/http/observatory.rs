use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use futures_util::future::{join, join_all};
use readiness_core::{
    Described, Finding, Measure, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, Reason,
    Status, Unit, async_trait,
    fact::{Exchange, HttpExchange},
    probe,
};

use self::{
    mark::{Mark, Test},
    markup::Markup,
    route::{First, answered, follow},
    scan::{Scan, Session, is_html, media_type},
    score::score,
};
use super::{https_redirect::trail::Place, page::page};
use crate::address;

mod cookies;
mod cors;
mod csp;
mod framing;
mod hsts;
mod isolation;
mod jar;
mod mark;
mod markup;
mod merge;
mod nosniff;
mod redirection;
mod referrer_policy;
mod route;
mod scan;
mod score;
mod sri;
#[cfg(test)]
mod tests;

probe! {
    /// Says which score and grade the MDN HTTP Observatory gives (algorithm 6), without asking it.
    ///
    /// # What it checks
    /// What the peer looks at, in exchanges of our own: the page over https and over plain http, each followed
    /// over up to ten redirects, the cookies on the way, the page's `meta` elements and scripts, and one
    /// preflight request (`OPTIONS`) from the peer's own origin to the last URL. Cookies are not sent back, and
    /// `robots.txt` is not asked for, as the peer does not count what it sets. The list of preloaded hosts is
    /// not looked at either: `preloaded` says what it holds.
    ///
    /// # Why it matters
    /// The grade is public, and people ask about it. It is the peer's and not ours: the peer goes by how values
    /// look, browsers by what they mean. It takes `max-age=abc` for six months of HSTS, any `frame-ancestors`
    /// for protection, `ALLOW-FROM` for a value that works, and several policies for one they are not; it knows
    /// the cookie of a session by `sess` or `login` alone. All this is reproduced here, so that the grade is the
    /// one the peer gives. What the deployment is worth, the other probes of this family say, and the two may
    /// differ.
    ///
    /// # How it is judged
    /// Each of the twelve tests is a finding, with the peer's published result as its code (in kebab case, as
    /// the peer spells it, where all other codes are snake case) and what it adds to the score as evidence. It
    /// passes where the peer says so, and warns elsewhere. The score begins at 100. Where deductions alone leave
    /// 90 or more, bonuses count too, up to 165; it does not fall below 0. A status that is neither 200 to 399
    /// nor 401 or 403 is not scanned, and is unknown here.
    ///
    /// # How to fix
    /// Mend what the other probes of this family say first. The grade follows in most cases; where it does not,
    /// the finding says which header the peer wants.
    pub struct Observatory {
        /// Whether the host is on the preload list of the browsers, with its subdomains. Default: false.
        pub preloaded: bool = false,
        /// The port of plain http; 0 means 80 where https is on 443, and otherwise that there is none.
        /// Default: 0.
        pub plain_port: u16 = 0,
    }
    id: "http.observatory",
    title: "the grade of the MDN HTTP Observatory",
    priority: Info,
    references: [
        "MDN HTTP Observatory, tests and scoring" => "https://developer.mozilla.org/en-US/observatory/docs/tests_and_scoring",
    ],
}

impl Observatory {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        Ok(())
    }
}

#[async_trait]
impl Probe for Observatory {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let found = address::addresses(cx).await?;
        let scans = page(cx).await?.into_iter().map(|(key, seen)| async move {
            let outcome = match self.scan(cx, &key, seen).await {
                Ok(scan) => judge(&scan),
                Err(error) => address::not_seen(&error),
            };
            (key.endpoint.address, outcome)
        });
        Ok(found.noted_in(address::worst_of(join_all(scans).await)))
    }
}

impl Observatory {
    /// Looks at everything at one address, beginning with the page that all header probes share.
    async fn scan(
        &self,
        cx: &ProbeContext,
        key: &HttpExchange,
        seen: Result<Arc<Exchange>, ObserveError>,
    ) -> Result<Scan, ObserveError> {
        let target = cx.target();
        let address = key.endpoint.address.ip();
        let given = First {
            place: Place {
                tls: target.is_tls(),
                host: target.host().to_owned(),
                port: target.port(),
                path: key.path.clone(),
            },
            address,
            seen,
        };
        let other = self.other(cx, address).await;
        let from_outside = address::special_purpose(address).is_none();
        let walk = |first: Option<First>| async {
            match first {
                Some(first) => follow(cx, first, from_outside, ask).await,
                None => Ok(None),
            }
        };
        let (given, other) = join(walk(Some(given)), walk(other)).await;
        let (http, https) = if target.is_tls() {
            (other?, given?)
        } else {
            (given?, other?)
        };
        let Some(session) = https.as_ref().or(http.as_ref()) else {
            let message = format!("nothing answers for `{}`", target.host());
            return Err(ObserveError::new(Reason::HTTP_BROKEN, message));
        };
        let markup = read_page(session.response());
        let preflight = answered(cx.observe(preflight(session, address)).await)?;
        Ok(Scan {
            host: target.host().to_owned(),
            http,
            https,
            preflight,
            markup,
            preloaded: self.preloaded,
            now: cx.now(),
        })
    }
}
