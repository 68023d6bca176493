use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use readiness_core::{Looking, ObserveError, Origin, Reason, fact::HttpExchange, redact::CredentialKind};

use super::broken::Broken;
use crate::{http::Received, live::settings::HttpSettings};

/// The body of every request, which most have not.
pub(in crate::live) type RequestBody = Full<Bytes>;

/// A request, checked and with everything secret filled in.
pub(in crate::live) struct Asked<'a> {
    pub(in crate::live) key: &'a HttpExchange,
    pub(super) method: Method,
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether it must not go to a peer that is not trusted.
    pub(super) carries_secret: bool,
    /// Whether nobody will ask what the page says.
    pub(super) only_timed: bool,
    body: Bytes,
    /// Where the answer is put as it came, for whoever must take something secret from it.
    pub(super) as_it_came: Option<&'a Slot>,
    pub(super) http: &'a HttpSettings,
}

impl<'a> Asked<'a> {
    pub(in crate::live) fn new(
        http: &'a HttpSettings,
        key: &'a HttpExchange,
        cx: &Looking,
    ) -> Result<Self, ObserveError> {
        let own = |what: &str| {
            let message = format!("the request to {} has {what}", key.endpoint.address);
            ObserveError::new(Reason::ERROR, message)
        };
        let method = Method::from_bytes(key.method.as_bytes()).map_err(|_| own("an invalid method"))?;
        let scheme = if key.endpoint.tls { "https" } else { "http" };
        let origin = Origin::new(scheme, &*key.endpoint.name, key.endpoint.address.port());
        let path = cx.fill(&key.path, &origin)?;
        let mut carries_secret = key.credential.is_some() || holds_secret(&key.path, &origin, cx);
        let mut headers = vec![
            (header::USER_AGENT, http.user_agent.clone()),
            (header::ACCEPT, HeaderValue::from_static("*/*")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        let named =
            |name: &str| HeaderName::from_bytes(name.as_bytes()).map_err(|_| own("an invalid header name"));
        for (name, value) in &key.headers {
            let name = named(name)?;
            let filled = cx.fill(value, &origin)?;
            carries_secret |= holds_secret(value, &origin, cx);
            let value =
                HeaderValue::from_str(&filled).map_err(|_| own(&format!("an invalid value of `{name}`")))?;
            headers.retain(|(known, _)| *known != name || !is_ours(known));
            headers.push((name, value));
        }
        if let Some(handle) = &key.credential {
            let (name, value) = header_of(cx.credential(handle, &origin)?.kind)?;
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        let asked = Self {
            key,
            method,
            path,
            headers,
            carries_secret,
            only_timed: false,
            body: Bytes::new(),
            as_it_came: None,
            http,
        };
        // Whatever cannot be sent is an error before a connection is opened.
        asked.request(true).map(|_| asked)
    }

    /// A request that somebody else has filled in. The key is what people see of it; the answer is put into the
    /// slot as it came.
    pub(in crate::live) fn filled(
        http: &'a HttpSettings,
        key: &'a HttpExchange,
        filled: Filled,
        slot: &'a Slot,
    ) -> Result<Self, ObserveError> {
        let method = Method::from_bytes(key.method.as_bytes()).map_err(|_| {
            let message = format!("the request to {} has an invalid method", key.endpoint.address);
            ObserveError::new(Reason::ERROR, message)
        })?;
        let mut headers = vec![
            (header::USER_AGENT, http.user_agent.clone()),
            (header::ACCEPT, HeaderValue::from_static("*/*")),
            (header::ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        for (name, value) in filled.headers {
            headers.retain(|(known, _)| *known != name);
            headers.push((name, value));
        }
        let asked = Self {
            key,
            method,
            path: filled.path,
            headers,
            carries_secret: filled.carries_secret,
            only_timed: true,
            body: filled.body,
            as_it_came: Some(slot),
            http,
        };
        asked.request(true).map(|_| asked)
    }

    /// Its answers are timed and counted, and their pages are not read.
    pub(in crate::live) fn only_timed(mut self) -> Self {
        self.only_timed = true;
        self
    }

    pub(in crate::live) fn request(&self, http2: bool) -> Result<Request<RequestBody>, ObserveError> {
        let authority = &self.key.authority;
        let mut request = Request::builder().method(self.method.clone());
        if http2 {
            let scheme = if self.key.endpoint.tls { "https" } else { "http" };
            request = request.uri(format!("{scheme}://{authority}{}", self.path));
        } else {
            request = request.uri(self.path.as_str()).header(header::HOST, authority);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.body(Full::new(self.body.clone())).map_err(|_| {
            let message = format!("{} is no request that can be sent", self.what());
            ObserveError::new(Reason::ERROR, message)
        })
    }

    /// Waits as long as the key says. Only then a connection is taken, so that nobody waits for this one.
    pub(in crate::live) async fn wait(&self) {
        if self.key.after_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.key.after_ms.into())).await;
        }
    }

    /// The request as people may see it: values that are secret stand as handles.
    pub(in crate::live) fn what(&self) -> String {
        let path: String = self.key.path.chars().take(80).collect();
        format!("`{} {path}`", self.key.method.escape_debug())
    }

    pub(super) fn peer(&self) -> SocketAddr {
        self.key.endpoint.address
    }

    pub(super) fn withheld(&self, distrust: &str) -> ObserveError {
        let message = format!(
            "{} carries a credential and was not sent, as {} is not trusted: {distrust}",
            self.what(),
            self.peer()
        );
        ObserveError::new(Reason::CREDENTIAL_WITHHELD, message)
    }

    pub(super) fn error(&self, Broken { reason, said }: &Broken) -> ObserveError {
        let message = format!("{} did not answer {}: {said}", self.peer(), self.what());
        ObserveError::new(reason.clone(), message)
    }
}

/// What a request carries, with everything secret in it.
pub(in crate::live) struct Filled {
    pub(in crate::live) path: String,
    /// Of a name that stands here several times the last one counts, and so it does before our own.
    pub(in crate::live) headers: Vec<(HeaderName, HeaderValue)>,
    pub(in crate::live) body: Bytes,
    pub(in crate::live) carries_secret: bool,
}

/// One answer as it came.
#[derive(Default)]
pub(in crate::live) struct Slot(Mutex<Option<Received>>);

impl Slot {
    pub(super) fn put(&self, received: Received) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(received);
    }

    pub(in crate::live) fn take(&self) -> Option<Received> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// A credential as the header that carries it.
pub(in crate::live) fn header_of(kind: CredentialKind) -> Result<(HeaderName, HeaderValue), ObserveError> {
    let own = || ObserveError::new(Reason::ERROR, "the credential cannot stand in a header");
    let (name, value) = match kind {
        CredentialKind::Header { name, value } => (
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| own())?,
            value.reveal().clone(),
        ),
        CredentialKind::Login { user, password } => {
            let pair = BASE64_STANDARD.encode(format!("{user}:{}", password.reveal()));
            (header::AUTHORIZATION, format!("Basic {pair}"))
        }
        _ => return Err(own()),
    };
    let mut value = HeaderValue::from_str(&value).map_err(|_| own())?;
    value.set_sensitive(true);
    Ok((name, value))
}

fn is_ours(name: &HeaderName) -> bool {
    [header::USER_AGENT, header::ACCEPT, header::ACCEPT_ENCODING].contains(name)
}

/// Whether a text names a configured secret. What a peer itself sent earlier in the run (`{run.0}`) is none.
fn holds_secret(text: &str, origin: &Origin, cx: &Looking) -> bool {
    text.match_indices('{').any(|(at, _)| {
        let from = text.get(at..).unwrap_or_default();
        let handle = from.find('}').and_then(|end| from.get(..=end));
        handle.is_some_and(|handle| {
            !handle.starts_with("{run.") && cx.fill(handle, origin).map_or(true, |filled| filled != handle)
        })
    })
}
