use std::{
    any::Any,
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    panic::AssertUnwindSafe,
    sync::Arc,
    time::Instant,
};

use futures_util::FutureExt;
use http::HeaderMap;
use readiness_core::{
    Looking, ObserveError, Reason, Source, Sources,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Exchange, Family, HttpExchange, LocalRoute, LookFrom,
        RecordType, Route, TcpConnect, TcpFacts, TlsFacts, TlsHandshake, View,
    },
};

use super::{Answer, Service};
use crate::live::{
    link::{
        receive::{MOST_HEADER_BYTES, MOST_HEADERS, fits, header_bytes, receive},
        request::Asked,
    },
    settings::{HttpSettings, canonical},
};

/// Where every name leads.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// What the view and the facts call us.
const NAME: &str = "in process";

/// The service, and the origins it answers for.
pub(super) struct Inside {
    pub(super) service: Arc<dyn Service>,
    pub(super) origins: Origins,
    pub(super) settings: HttpSettings,
}

/// Hosts, each with a port and whether TLS would be spoken there.
pub(super) struct Origins(BTreeSet<(String, u16, bool)>);

impl Origins {
    pub(super) fn new(origins: impl Iterator<Item = (String, u16, bool)>) -> Self {
        Self(origins.collect())
    }

    fn has_host(&self, host: &str) -> bool {
        let host = canonical(host);
        self.0.iter().any(|(known, ..)| *known == host)
    }

    fn has(&self, host: &str, port: u16, tls: bool) -> bool {
        self.0.contains(&(canonical(host), port, tls))
    }
}

impl Inside {
    pub(super) fn sources(self) -> Sources {
        // The waits of the exchange itself are bounded; this is for a service that hands out one byte a time.
        let most = self.settings.first_byte_timeout + self.settings.body_timeout;
        // A request may be told to wait, 15 s at most.
        let most = most + std::time::Duration::from_secs(16);
        let inside = Arc::new(self);
        let source = || Shared(Arc::clone(&inside));
        Sources::default()
            .with::<LookFrom, _>(source())
            .with::<DnsLookup, _>(source())
            .with::<LocalRoute, _>(source())
            .with::<TcpConnect, _>(source())
            .with::<TlsHandshake, _>(source())
            .with_deadline::<HttpExchange, _>(source(), most)
    }
}

#[derive(Clone)]
struct Shared(Arc<Inside>);

impl Source<LookFrom> for Shared {
    async fn look(&self, _: LookFrom, _: Looking) -> Result<View, ObserveError> {
        let mut view = View::default();
        view.host = NAME.to_owned();
        view.resolvers = vec![NAME.to_owned()];
        view.families = vec![Family::V4];
        view.trust_store = NAME.to_owned();
        Ok(view)
    }
}

impl Source<DnsLookup> for Shared {
    async fn look(&self, key: DnsLookup, _: Looking) -> Result<DnsAnswer, ObserveError> {
        if !self.0.origins.has_host(&key.name) {
            let message = format!(
                "`{}` is another host, and nothing but the service in this process is looked at",
                key.name
            );
            return Err(ObserveError::new(Reason::NO_SOURCE, message));
        }
        Ok(match key.record_type {
            RecordType::A => DnsAnswer::of_addresses(&key.name, &[HERE], NAME),
            _ => DnsAnswer::new(DnsResult::NoData, NAME),
        })
    }
}

impl Source<LocalRoute> for Shared {
    async fn look(&self, _: LocalRoute, _: Looking) -> Result<Route, ObserveError> {
        Ok(Route::new(true))
    }
}

impl Source<TcpConnect> for Shared {
    async fn look(&self, _: TcpConnect, _: Looking) -> Result<TcpFacts, ObserveError> {
        Err(no_connection())
    }
}

impl Source<TlsHandshake> for Shared {
    async fn look(&self, _: TlsHandshake, _: Looking) -> Result<TlsFacts, ObserveError> {
        Err(no_connection())
    }
}

fn no_connection() -> ObserveError {
    ObserveError::new(
        Reason::NO_SOURCE,
        "the service runs inside this process: there is no connection to look at",
    )
}

impl Source<HttpExchange> for Shared {
    async fn look(&self, key: HttpExchange, cx: Looking) -> Result<Exchange, ObserveError> {
        let Inside {
            service,
            origins,
            settings,
        } = &*self.0;
        let (name, port) = (&key.endpoint.name, key.endpoint.address.port());
        if !origins.has(name, port, key.endpoint.tls) {
            let message = format!("the service in this process has no port {port} for `{name}`");
            return Err(ObserveError::new(Reason::TCP_REFUSED, message));
        }
        let asked = Asked::new(settings, &key, &cx)?;
        asked.wait().await;
        let request = asked.request(false)?.map(drop);
        cx.spend("http_requests", 1);
        let began = Instant::now();
        let answering = async {
            let answer = service.answer(request);
            let response = tokio::time::timeout(settings.first_byte_timeout, answer)
                .await
                .map_err(|_| {
                    let within = settings.first_byte_timeout;
                    let message = format!("the service did not answer {} within {within:?}", asked.what());
                    ObserveError::new(Reason::TIMEOUT, message)
                })?;
            let response = response.map_err(|problem| {
                let message = format!(
                    "the service failed to answer {}: {}",
                    asked.what(),
                    cx.scrub(&problem)
                );
                ObserveError::new(Reason::HTTP_BROKEN, message)
            })?;
            check_size(&response, &asked)?;
            let channel = if key.endpoint.tls {
                Channel::InProcess
            } else {
                Channel::Plain
            };
            Ok(receive(response, began, channel, &asked, &cx).await)
        };
        AssertUnwindSafe(answering)
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| {
                let message = format!(
                    "the service panicked over {}: {}",
                    asked.what(),
                    cx.scrub(text_of(&*panic))
                );
                Err(ObserveError::new(Reason::PANIC, message))
            })
    }
}

/// Nothing but our own cap bounds what a service in the process sends.
fn check_size(response: &Answer, asked: &Asked<'_>) -> Result<(), ObserveError> {
    let headers: &HeaderMap = response.headers();
    if fits(headers) {
        return Ok(());
    }
    let bytes = header_bytes(headers);
    let message = format!(
        "the response to {} has {} header lines of {bytes} bytes, expected at most {MOST_HEADERS} and {MOST_HEADER_BYTES}",
        asked.what(),
        headers.len()
    );
    Err(ObserveError::new(Reason::HTTP_TOO_LARGE, message))
}

fn text_of(panic: &(dyn Any + Send)) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "it gave no text",
    }
}
