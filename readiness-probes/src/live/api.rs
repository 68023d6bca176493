//! Calls to other systems' APIs, such as a status page or a certificate authority's renewal information.

use std::{
    error::Error,
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use http::header;
use readiness_core::{
    Cause, ErrorChain, Looking, Observation, ObserveError, Origin, Reason, Source, fact::ByteText,
};
use reqwest::{Client, Response, redirect};
use rustls::ClientConfig;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{link::request::header_of, redact::origin_of, route::reachable, settings::Shared};
use crate::address::{UNENCRYPTED, is_local};

/// The most of a body that is read.
const MOST_BODY_BYTES: usize = 1024 * 1024;

/// What is read past that, so that a secret is whole where it is searched for.
const MARGIN_BYTES: usize = 8 * 1024;

/// One `GET` of another system's API. Redirects are not followed.
///
/// Unlike an [`HttpExchange`](readiness_core::fact::HttpExchange) it goes to whichever address answers, and
/// to a trusted peer only.
///
/// Its connection is an exception among those of a run: reqwest hands it to the program's tokio runtime, not
/// to the run. It is kept for one call alone, but a run that is dropped in the middle of one may leave it to
/// the runtime for a moment.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ApiCall {
    /// The URL; secret values of its path and query stand as `{handle}`.
    pub url: String,
    /// The handle of the credential to send, which must be bound to this origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// The n-th look at the same thing, from 0.
    #[serde(default)]
    pub sample: u32,
}

impl ApiCall {
    /// A `GET` of this URL.
    pub fn get(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            credential: None,
            sample: 0,
        }
    }

    /// Sends the credential of this handle.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }

    /// Looks once more at the same thing.
    pub fn sample(mut self, n: u32) -> Self {
        self.sample = n;
        self
    }
}

impl Observation for ApiCall {
    const KIND: &'static str = "http.api";
    type Fact = ApiAnswer;
}

/// What the API said. Secrets that it echoed are redacted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ApiAnswer {
    /// The status code.
    pub status: u16,
    /// The `Content-Type`; empty where there is none.
    #[serde(default)]
    pub content_type: String,
    /// The body as it came, at most 1 MiB: a number of it keeps every digit that was sent.
    #[serde(default)]
    pub body: ByteText,
    /// Whether the body was read to its end.
    #[serde(default)]
    pub body_complete: bool,
    /// The `Retry-After`; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub retry_after: String,
    /// From the request to the end of the body, in microseconds.
    #[serde(default)]
    pub total_us: u64,
}

impl ApiAnswer {
    /// An answer that was read to its end.
    pub fn new(status: u16, content_type: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            content_type: content_type.into(),
            body: ByteText::new(body),
            body_complete: true,
            retry_after: String::new(),
            total_us: 0,
        }
    }
}

/// Answers [`ApiCall`].
pub(crate) struct ApiSource(pub(crate) Arc<Shared>);

impl ApiSource {
    /// Two look-ups, a connection, a handshake and the body, each with its own timeout.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

    /// A client for one call. It keeps no connection, so that nothing of it outlives the call for long:
    /// reqwest gives its connections to the runtime and not to the run.
    async fn client(&self, url: &Url, addresses: &[SocketAddr]) -> Result<Client, ObserveError> {
        let Shared { tls, http, .. } = &*self.0;
        let own =
            |e: &dyn std::fmt::Display| ObserveError::new(Reason::ERROR, format!("no HTTP client: {e}"));
        let roots = tls.roots.load(&tls.provider).await?;
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&tls.provider))
            .with_safe_default_protocol_versions()
            .map_err(|e| own(&e))?
            .with_root_certificates(Arc::clone(&roots.store))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Client::builder()
            .tls_backend_preconfigured(config)
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .pool_max_idle_per_host(0)
            .http2_max_header_list_size(64 * 1024)
            .connect_timeout(self.0.connect_timeout + tls.timeout)
            .timeout(self.0.connect_timeout + tls.timeout + http.first_byte_timeout + http.body_timeout)
            .user_agent(http.user_agent.clone())
            .resolve_to_addrs(url.host_str().unwrap_or_default(), addresses)
            .build()
            .map_err(|e| own(&ErrorChain(&e)))
    }

    /// The addresses of a host that can be asked from here, from the run's own look-ups.
    async fn addresses(&self, origin: &Origin, cx: &Looking) -> Result<Vec<SocketAddr>, ObserveError> {
        let at = |address| SocketAddr::new(address, origin.port);
        Ok(reachable(&origin.host, cx).await?.into_iter().map(at).collect())
    }
}

impl Source<ApiCall> for ApiSource {
    async fn look(&self, key: ApiCall, cx: Looking) -> Result<ApiAnswer, ObserveError> {
        let origin = origin(&key.url)?;
        let filled = cx.fill(&key.url, &origin)?;
        let url =
            Url::parse(&filled).map_err(|e| ObserveError::new(Reason::ERROR, format!("no URL: {e}")))?;
        let credential = match &key.credential {
            Some(handle) => Some(header_of(cx.credential(handle, &origin)?.kind)?),
            None => None,
        };
        let addresses = self.addresses(&origin, &cx).await?;
        let carries_secret = credential.is_some() || filled != key.url;
        let outside = addresses.iter().find(|address| !is_local(address.ip()));
        if let (true, "http", Some(outside)) = (carries_secret, url.scheme(), outside) {
            let message = format!(
                "the call of {origin} carries a credential and was not sent, as {outside} is not trusted: \
                 {UNENCRYPTED}"
            );
            return Err(ObserveError::new(Reason::CREDENTIAL_WITHHELD, message));
        }
        let client = self.client(&url, &addresses).await?;
        cx.spend("api_calls", 1);
        let began = Instant::now();
        let mut request = client
            .get(url)
            .header(header::ACCEPT, "application/json, */*;q=0.1");
        if let Some((name, value)) = credential {
            request = request.header(name, value);
        }
        let mut response = request.send().await.map_err(|e| failed(e, &origin, &cx))?;
        let mut answer = ApiAnswer::new(
            response.status().as_u16(),
            text_of(&response, &header::CONTENT_TYPE, &cx),
            [],
        );
        answer.retry_after = text_of(&response, &header::RETRY_AFTER, &cx);
        let mut body = Vec::new();
        answer.body_complete = loop {
            match response.chunk().await {
                Ok(None) => break true,
                Ok(Some(chunk)) => {
                    let room = (MOST_BODY_BYTES + MARGIN_BYTES).saturating_sub(body.len());
                    body.extend(chunk.iter().take(room));
                    if chunk.len() > room {
                        break false;
                    }
                }
                Err(_) => break false,
            }
        };
        let (body, whole) = kept(body, answer.body_complete, |body| cx.scrub_bytes(body));
        answer.body_complete = whole;
        answer.body = ByteText::new(body);
        answer.total_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(answer)
    }
}

/// As much of a body as is kept, without secrets, and whether that is all of it.
fn kept(body: Vec<u8>, complete: bool, scrub: impl FnOnce(&[u8]) -> Vec<u8>) -> (Vec<u8>, bool) {
    let whole = complete && body.len() <= MOST_BODY_BYTES;
    let mut clean = scrub(&body);
    if !complete {
        // The end may be half a secret.
        clean.truncate(clean.len().saturating_sub(MARGIN_BYTES));
    }
    clean.truncate(MOST_BODY_BYTES);
    (clean, whole)
}

fn text_of(response: &Response, name: &header::HeaderName, cx: &Looking) -> String {
    let value = response.headers().get(name);
    let text = value.map(|value| String::from_utf8_lossy(value.as_bytes()));
    cx.scrub(&text.unwrap_or_default()).chars().take(200).collect()
}

fn origin(url: &str) -> Result<Origin, ObserveError> {
    let own = |what: &str| ObserveError::new(Reason::ERROR, format!("the URL of an API call {what}"));
    let url = Url::parse(url).map_err(|e| own(&format!("cannot be read: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(own("is neither http nor https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(own(
            "holds a user name or a password; give a credential by its handle",
        ));
    }
    origin_of(&url).ok_or_else(|| own("names no host"))
}

fn failed(e: reqwest::Error, origin: &Origin, cx: &Looking) -> ObserveError {
    // The URL may hold secrets.
    let e = e.without_url();
    let reason = if e.is_timeout() {
        Reason::TIMEOUT
    } else {
        causes(&e).find_map(reason).unwrap_or(Reason::HTTP_BROKEN)
    };
    let said: String = cx.scrub(&ErrorChain(&e).to_string()).chars().take(300).collect();
    ObserveError::because(Cause::new(
        format!("API of {origin}"),
        reason,
        format!("{origin} cannot be asked: {said}"),
    ))
}

fn causes<'a>(e: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(e), |&e| e.source())
}

fn reason(e: &(dyn Error + 'static)) -> Option<Reason> {
    let mut io = e.downcast_ref::<io::Error>()?;
    // An error wrapped in another of its kind is no source of it.
    while let Some(inner) = io.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>()) {
        io = inner;
    }
    if let Some(tls) = io
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return Some(match tls {
            rustls::Error::InvalidCertificate(_) => Reason::TLS_UNTRUSTED,
            rustls::Error::AlertReceived(_) => Reason::TLS_ALERT,
            _ => Reason::TLS_MALFORMED,
        });
    }
    match io.kind() {
        io::ErrorKind::ConnectionRefused => Some(Reason::TCP_REFUSED),
        io::ErrorKind::ConnectionReset => Some(Reason::TCP_RESET),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => Some(Reason::TCP_UNREACHABLE),
        io::ErrorKind::TimedOut => Some(Reason::TCP_SILENT),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_across_the_end_of_what_is_kept_goes_whole() {
        const SECRET: &str = "s3cr3t-token";
        let scrub = |body: &[u8]| {
            let text = String::from_utf8(body.to_vec()).unwrap();
            text.replace(SECRET, "[redacted]").into_bytes()
        };
        for (before, complete) in [
            (MOST_BODY_BYTES - 4, true),
            (MOST_BODY_BYTES + MARGIN_BYTES - 4, false),
        ] {
            let mut body = "x".repeat(before);
            body.push_str(SECRET);
            body.truncate(MOST_BODY_BYTES + MARGIN_BYTES);
            let (clean, whole) = kept(body.into_bytes(), complete, scrub);
            assert!(!whole);
            let end = String::from_utf8(clean[clean.len() - 8..].to_vec()).unwrap();
            assert!(!end.contains("s3c"), "{end}");
        }
        assert_eq!(kept(b"{}".to_vec(), true, scrub), (b"{}".to_vec(), true));
    }
}
