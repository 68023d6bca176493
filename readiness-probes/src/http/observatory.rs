use std::{net::IpAddr, sync::Arc};

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
use super::{page::look, pages::Page, trail::Place};
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
    /// nor 401 or 403 is not scanned, and is unknown here. So is an HTML page that was not read: that needs the
    /// cargo feature `html`.
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
        let scans = look(cx, &Page::default())
            .await?
            .into_iter()
            .map(|(key, seen)| async move {
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
        let walk = |first: Option<First>| async move {
            match first {
                Some(first) => follow(cx, first).await,
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
            let message = format!(
                "`{}` gives no page over https, and none over plain http",
                target.host()
            );
            return Err(ObserveError::new(Reason::UNEXPECTED_RESPONSE, message));
        };
        if is_unread(session.response()) {
            let message =
                "nobody here parses HTML, and `meta` and `script` count: build with the feature `html`";
            return Err(ObserveError::new(Reason::NO_SOURCE, message));
        }
        let markup = read_page(session.response());
        let preflight = answered(cx.observe(preflight(session)).await)?;
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

    /// The first request over the scheme that the target does not name; `None` where it has no port.
    async fn other(&self, cx: &ProbeContext, address: IpAddr) -> Option<First> {
        let target = cx.target();
        let port = match (target.is_tls(), self.plain_port, target.port()) {
            (false, ..) => 443,
            (true, 0, 443) => 80,
            (true, 0, _) => return None,
            (true, plain, _) => plain,
        };
        let place = Place {
            tls: !target.is_tls(),
            host: target.host().to_owned(),
            port,
            // The query stays behind: its values belong to the target's own origin.
            path: target.path().to_owned(),
        };
        let seen = cx.observe(place.request(address)).await;
        Some(First { place, address, seen })
    }
}

/// The question that a browser asks before a foreign page may read the last URL.
fn preflight(session: &Session) -> HttpExchange {
    let mut request = session.last().0.request(session.address);
    request.method = "OPTIONS".into();
    request
        .header("origin", cors::ORIGIN)
        .header("access-control-request-method", "GET")
}

/// Whether a page came and nobody looked into it.
fn is_unread(page: &Exchange) -> bool {
    let is_empty = page.first("content-length") == Some(b"0") || matches!(page.status, 204 | 304);
    is_html(&media_type(page)) && page.document.is_none() && !is_empty
}

/// What the page holds, as far as the peer reads it; `None` where somebody tried to read it and could not.
fn read_page(page: &Exchange) -> Option<Markup> {
    match page.document.as_deref() {
        None => Some(Markup::default()),
        Some(document) if !is_html(&media_type(page)) => Some(Markup::without_metas(document)),
        Some(document) => {
            let markup = Markup::of(document);
            let is_blank = markup == Markup::default() && document.title.is_empty();
            (document.is_complete || !is_blank).then_some(markup)
        }
    }
}

const TESTS: [Test; 12] = [
    csp::TEST,
    cookies::TEST,
    cors::TEST,
    redirection::TEST,
    referrer_policy::TEST,
    hsts::TEST,
    sri::TEST,
    nosniff::TEST,
    framing::TEST,
    isolation::CORP,
    isolation::COEP,
    isolation::COOP,
];

fn judge(scan: &Scan) -> Outcome {
    let Some(session) = scan.session() else {
        return Outcome::unknown(Reason::UNEXPECTED_RESPONSE, "nothing was looked at");
    };
    let status = session.response().status;
    if !matches!(status, 200..=399 | 401 | 403) {
        return Outcome::unknown(
            Reason::UNEXPECTED_RESPONSE,
            format!("the peer scans no page that answers {status}"),
        );
    }
    let rated: Vec<(&Test, Mark)> = TESTS.iter().map(|test| (test, (test.run)(scan))).collect();
    let marks: Vec<Mark> = rated.iter().map(|(_, mark)| *mark).collect();
    let (score, grade) = score(&marks);
    let is_part = session
        .response()
        .document
        .as_ref()
        .is_some_and(|document| !document.is_complete);
    let findings = rated.iter().map(|(test, mark)| finding(test, *mark)).collect();
    let outcome = Outcome::judged(format!("MDN Observatory gives {score}, {grade}"), findings)
        .measure(Measure::new("MDN Observatory score", score.into(), Unit::Count))
        .evidence("grade", grade)
        .evidence("score", format!("{score} of 165"))
        .evidence("algorithm", "6")
        .evidence("response", format!("{}: {status}", session.last().0));
    if is_part {
        return outcome.evidence("page", "read in part; what stands behind is not counted");
    }
    outcome
}

fn finding(test: &Test, mark: Mark) -> Finding {
    let status = if mark.passes { Status::Pass } else { Status::warn() };
    let remedy = if mark.passes { "" } else { test.remedy };
    Finding::new(mark.id, status, mark.message)
        .subject(test.name)
        .evidence("modifier", format!("{:+}", mark.modifier))
        .remedy(remedy)
}
