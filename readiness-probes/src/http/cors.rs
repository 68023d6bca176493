mod judge;
mod strangers;

use std::sync::Arc;

use futures_util::future::join_all;
use readiness_core::{
    Described, ObserveError, Outcome, Probe, ProbeContext, ProbeError, ProbeInfo, async_trait,
    fact::{Exchange, HttpExchange},
    probe,
};
use url::Url;

use self::{judge::Answers, strangers::Stranger};
use super::{pages::Pages, syntax::excerpt};
use crate::address;

probe! {
    /// Other sites read and call only what they are meant to.
    ///
    /// # What it checks
    /// What the service answers to origins it should not know: anybody's, `null`, names that begin or end like
    /// its own or match it by an unescaped dot, its own name over plain http, and a sibling. Each is tried with a
    /// `GET` and with a preflight (`OPTIONS`), at one address. That is up to 15 requests for each page, and 7
    /// more where the target has a credential, which are sent with it. Nothing is written.
    ///
    /// # Why it matters
    /// A service that lets a foreign origin in with credentials gives every site its users visit their data,
    /// and lets it act in their name.
    ///
    /// # How it is judged
    /// A foreign origin that is let in with `Access-Control-Allow-Credentials: true` fails; a sibling warns. Without
    /// credentials `null` and look-alike names warn, as they are hardly meant, and every origin is noted, as that is
    /// what `*` says more plainly. `*` together with credentials warns: browsers refuse it. So does an answer that
    /// depends on `Origin` and may be cached without `Vary: Origin`, more than one value, and private network
    /// access for everybody. Only preflights with status 200 to 299 let anybody in. Origins in `allowed_origins` are
    /// not judged. A redirect that lets nobody in does not apply, and an error that does is unknown, unless its
    /// status is declared: neither shows the policy.
    ///
    /// # How to fix
    /// Compare `Origin` with a list of whole origins, answer with the one that matched, and send
    /// `Vary: Origin` with every answer.
    pub struct Cors {
        /// Origins that may read answers, such as `https://app.example.com`, or `https://*.example.com` for all
        /// names below one. Default: none.
        pub allowed_origins: Vec<String> = Vec::new(),
        /// The pages to judge, each a path or a table of `path`, `kind` and `accept_status`. Default: the
        /// target's own path.
        pub pages: Pages = Pages::default(),
    }
    id: "http.cors",
    title: "other sites read only what they may",
    priority: High,
    timeout_seconds: 30,
    references: [
        "Fetch section 3.3: CORS" => "https://fetch.spec.whatwg.org/#http-cors-protocol",
        "Fetch section 4.10: CORS check" => "https://fetch.spec.whatwg.org/#concept-cors-check",
        "RFC 6454: origins" => "https://www.rfc-editor.org/rfc/rfc6454",
        "RFC 9110 section 12.5.5" => "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5",
    ],
}

impl Cors {
    /// Says what is wrong with the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        for origin in &self.allowed_origins {
            let bare = origin.replacen("://*.", "://", 1);
            let is_origin = Url::parse(&bare).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && !bare.contains('*')
                    && url.origin().ascii_serialization() == bare
            });
            if !is_origin {
                return Err(format!(
                    "`allowed_origins` holds `{}`, expected scheme and host as browsers send them, such as \
                     `https://app.example.com`",
                    excerpt(origin.as_bytes())
                ));
            }
        }
        self.pages.check()
    }

    fn allows(&self, origin: &str) -> bool {
        self.allowed_origins
            .iter()
            .any(|allowed| match allowed.split_once("*.") {
                None => allowed == origin,
                Some((scheme, parent)) => origin.strip_prefix(scheme).is_some_and(|host| {
                    host.strip_suffix(parent)
                        .is_some_and(|label| label.len() > 1 && label.ends_with('.'))
                }),
            })
    }
}

#[async_trait]
impl Probe for Cors {
    fn info(&self) -> &ProbeInfo {
        Self::described()
    }

    async fn run(&self, cx: &ProbeContext) -> Result<Outcome, ProbeError> {
        let target = cx.target();
        let endpoints = address::endpoints(cx, target.port(), target.is_tls()).await?;
        let others = endpoints.len().saturating_sub(1);
        // The policy is the service's own, and each address more would cost as much again.
        let Some(endpoint) = endpoints.into_iter().next() else {
            return Ok(Outcome::not_applicable("the target has no address"));
        };
        let authority = address::authority(target, target.port(), target.is_tls());
        let pages = self.pages.iter().map(|page| {
            let path = match &page.path {
                Some(path) => address::path_at(target, path),
                None => target.path_and_query(),
            };
            let key = HttpExchange::get(endpoint.clone(), authority.clone(), path);
            async move { (page, self.ask(cx, &key).await) }
        });
        let outcomes = join_all(pages).await.into_iter().map(|(page, answers)| {
            let path = page.path.as_deref().unwrap_or_else(|| target.path());
            (path, judge::judge(&answers, page))
        });
        let outcome = address::worst_page(outcomes.collect());
        let outcome = match others {
            0 => outcome,
            n => outcome.evidence(
                address::NOT_LOOKED_AT,
                format!("cross-origin answers of {n} more addresses"),
            ),
        };
        Ok(address::noted(cx, outcome).await)
    }
}

impl Cors {
    /// Asks as each stranger would, one after the other, so that no limit of the service is met.
    async fn ask(&self, cx: &ProbeContext, key: &HttpExchange) -> Answers {
        let credential = cx.target().credential();
        let mut answers = Answers {
            without_origin: cx.observe(key.clone()).await,
            of_strangers: Vec::new(),
        };
        for stranger in Stranger::ALL {
            let Some(origin) = stranger.origin(cx.target()).filter(|origin| !self.allows(origin)) else {
                continue;
            };
            let simple = key.clone().header("origin", origin.clone());
            let mut preflight = simple
                .clone()
                .header("access-control-request-method", "PUT")
                .header("access-control-request-headers", "authorization");
            if stranger == Stranger::Anybody {
                preflight = preflight.header("access-control-request-private-network", "true");
            }
            "OPTIONS".clone_into(&mut preflight.method);
            let mut asked = vec![(Way::Get, simple.clone()), (Way::Preflight, preflight)];
            if credential.is_some() {
                asked.push((Way::GetWithCredential, simple.credential(credential.clone())));
            }
            for (way, key) in asked {
                answers.of_strangers.push(Answer {
                    stranger,
                    origin: origin.clone(),
                    way,
                    seen: cx.observe(key).await,
                });
            }
        }
        answers
    }
}

/// How a stranger asked.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
enum Way {
    Get,
    GetWithCredential,
    Preflight,
}

/// What one stranger was answered.
#[derive(Clone, Debug)]
struct Answer {
    stranger: Stranger,
    origin: String,
    way: Way,
    seen: Result<Arc<Exchange>, ObserveError>,
}

#[cfg(test)]
mod tests;
