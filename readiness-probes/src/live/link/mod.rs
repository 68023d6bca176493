//! One link for each endpoint and run: the connection that the endpoint's facts share.

#[cfg(feature = "http")]
mod broken;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
pub(super) mod own;
#[cfg(feature = "http")]
pub(super) mod receive;
#[cfg(feature = "http")]
pub(super) mod request;
#[cfg(feature = "tls")]
pub(super) mod starttls;
pub(super) mod tcp;
#[cfg(feature = "tls")]
pub(super) mod tls;

#[cfg(feature = "http")]
use std::future::Future;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared as SharedFuture},
};
#[cfg(feature = "tls")]
use readiness_core::fact::TlsFacts;
use readiness_core::{
    Cause, Looking, ObserveError, Reason, Source,
    fact::{Endpoint, TcpConnect, TcpFacts, TlsHandshake},
};

use super::settings::Shared;

/// Answers [`TcpConnect`], `TlsHandshake` and `HttpExchange`.
#[derive(Clone)]
pub(crate) struct LinkSource(pub(crate) Arc<Shared>);

impl Source<TcpConnect> for LinkSource {
    async fn look(&self, key: TcpConnect, cx: Looking) -> Result<TcpFacts, ObserveError> {
        let link = self.link(&key.endpoint, &cx, Wanted::OfThisRound)?;
        let tcp = link.tcp.clone().await?;
        Ok(tcp.facts.clone())
    }
}

#[cfg(feature = "tls")]
impl Source<TlsHandshake> for LinkSource {
    async fn look(&self, key: TlsHandshake, cx: Looking) -> Result<TlsFacts, ObserveError> {
        if key.endpoint.tls == key.starttls.is_some() {
            let problem = if key.endpoint.tls {
                "speaks TLS from the first byte, and holds no dialogue before it"
            } else {
                "is an endpoint without TLS"
            };
            let message = format!("{} {problem}", key.endpoint.address);
            return Err(ObserveError::new(Reason::ERROR, message));
        }
        let link = self.link_for(&key, &cx, Wanted::OfThisRound)?;
        let tls = link.tls.clone().await?;
        Ok(tls.facts.clone())
    }
}

/// A step of a link: begun by whoever asks first, shared by all who ask.
type Step<T> = SharedFuture<BoxFuture<'static, Result<Arc<T>, ObserveError>>>;

/// A connection and what stands on it. The later steps begin when somebody asks for them.
pub(crate) struct Link {
    /// The round it was opened in.
    round: u32,
    tcp: Step<tcp::Connected>,
    #[cfg(feature = "tls")]
    tls: Step<tls::Secured>,
    #[cfg(feature = "http")]
    http: Step<http::Conversation>,
}

impl Link {
    fn new(shared: &Arc<Shared>, key: &TlsHandshake, cx: &Looking) -> Self {
        let endpoint = &key.endpoint;
        let tls = endpoint.tls || key.starttls.is_some();
        let tcp = tcp::connect(Arc::clone(shared), endpoint.address, tls, cx.clone());
        let tcp = tcp.boxed().shared();
        #[cfg(feature = "tls")]
        let tls = tls::secure(Arc::clone(shared), key.clone(), tcp.clone());
        #[cfg(feature = "tls")]
        let tls = tls.boxed().shared();
        #[cfg(feature = "http")]
        let http = http::begin(
            Arc::clone(shared),
            endpoint.clone(),
            cx.clone(),
            tcp.clone(),
            tls.clone(),
        );
        Self {
            round: cx.round(),
            tcp,
            #[cfg(feature = "tls")]
            tls,
            #[cfg(feature = "http")]
            http: http.boxed().shared(),
        }
    }

    /// Whether one of the steps that were asked for has failed.
    fn has_failed(&self) -> bool {
        let failed = self
            .tcp
            .peek()
            .is_some_and(|result| result.as_ref().map_or(true, |tcp| tcp.failed.is_some()));
        #[cfg(feature = "tls")]
        let failed = failed
            || self
                .tls
                .peek()
                .is_some_and(|result| result.as_ref().map_or(true, |tls| tls.failed.is_some()));
        #[cfg(feature = "http")]
        let failed = failed
            || self
                .http
                .peek()
                .is_some_and(|result| result.as_ref().map_or(true, |http| http.has_failed()));
        failed
    }
}

/// The links of a run, by the handshake that may stand on them. One with a dialogue before it, or with
/// protocols of its own, shares its connection with nothing else.
#[derive(Default)]
struct Links(Mutex<HashMap<TlsHandshake, Arc<Link>>>);

/// Which links will do.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Any that works, of whichever round, and one that failed in this round: its error is shared.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only exchanges outlive a round")
    )]
    Any,
    /// Any but this one.
    #[cfg_attr(
        not(feature = "http"),
        expect(dead_code, reason = "only exchanges outlive a round")
    )]
    AnyBut(&'a Arc<Link>),
    /// One that was opened in this round or a later one: a retry means to look again.
    OfThisRound,
}

impl LinkSource {
    fn link(&self, endpoint: &Endpoint, cx: &Looking, wanted: Wanted<'_>) -> Result<Arc<Link>, ObserveError> {
        self.link_for(&TlsHandshake::new(endpoint.clone()), cx, wanted)
    }

    fn link_for(
        &self,
        key: &TlsHandshake,
        cx: &Looking,
        wanted: Wanted<'_>,
    ) -> Result<Arc<Link>, ObserveError> {
        let links = cx.resource::<Links>()?;
        let mut links = links.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = links.get(key) {
            let of_this_round = link.round >= cx.round();
            let will_do = match wanted {
                Wanted::Any => of_this_round || !link.has_failed(),
                Wanted::AnyBut(old) => !Arc::ptr_eq(link, old),
                Wanted::OfThisRound => of_this_round,
            };
            if will_do {
                return Ok(Arc::clone(link));
            }
        }
        let link = Arc::new(Link::new(&self.0, key, cx));
        links.insert(key.clone(), Arc::clone(&link));
        Ok(link)
    }
}

/// What of a failure all who stand on a connection are told: the same to everyone, so it is reported once.
fn cause(subject: String, reason: Reason, message: String, shared: &Shared) -> Cause {
    Cause::new(subject, reason, with_proxy(message, &shared.proxy_variables))
}

/// Where a proxy is the only way out, a direct connection cannot work, and nothing else would say so.
fn with_proxy(message: String, variables: &[String]) -> String {
    match variables {
        [] => message,
        [name, ..] => format!("{message}; `{name}` is set, and proxies are not used"),
    }
}

/// Waits for a future so long and no longer.
#[cfg(feature = "http")]
async fn within<T>(timeout: std::time::Duration, future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(timeout, future).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_that_is_set_is_named() {
        let message = || "connection to 192.0.2.1:443 was refused".to_owned();
        assert_eq!(with_proxy(message(), &[]), message());
        assert_eq!(
            with_proxy(message(), &["https_proxy".to_owned(), "ALL_PROXY".to_owned()]),
            "connection to 192.0.2.1:443 was refused; `https_proxy` is set, and proxies are not used"
        );
    }
}
