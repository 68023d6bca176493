use std::{
    future::Future,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use http::Response;
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use readiness_core::{
    Cause, Looking, ObserveError, Reason, Source,
    fact::{Channel, Endpoint, Exchange, HttpExchange, Trust},
};
use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    Link, LinkSource, Shared, Step, Wanted,
    broken::Broken,
    receive::{MOST_HEADER_BYTES, MOST_HEADER_LIST_BYTES, MOST_HEADERS, fits, receive},
    request::{Asked, RequestBody},
    tcp, tls, within,
};
use crate::address::{UNENCRYPTED, is_local};

/// How often a request is sent again after a kept-alive connection broke.
const MOST_REPEATS: u32 = 2;
/// How many connections one exchange waits for in all. Each one it could not use, somebody else could.
const MOST_CONNECTIONS: u32 = 256;

/// A connection over which requests are sent.
pub(super) struct Conversation {
    sender: Sender,
    channel: Channel,
    /// Why the channel is not trusted, in the verifier's words.
    distrust: Option<String>,
    /// Whether anybody has begun to use it.
    used: AtomicBool,
    /// Whether any response has come over it.
    answered: AtomicBool,
    /// Whether a response came too late: the peer may be gone without a word, so a retry opens another one.
    late: AtomicBool,
    /// Why no client certificate was shown where one was asked for.
    owes_certificate: Option<String>,
    /// What ended the connection, as its driver saw it. A request only sees that the channel is closed.
    down: Arc<Mutex<Option<Broken>>>,
    /// What all who use this endpoint are told.
    cause: Mutex<Option<Cause>>,
}

enum Sender {
    /// One request at a time: the next one waits for the lock.
    Http1(tokio::sync::Mutex<http1::SendRequest<RequestBody>>),
    Http2(http2::SendRequest<RequestBody>),
}

impl Conversation {
    pub(super) fn has_failed(&self) -> bool {
        self.late.load(Ordering::Relaxed) || self.shared_cause().is_some()
    }
}

/// Makes hyper ready to speak over a link.
pub(super) async fn begin(
    shared: Arc<Shared>,
    endpoint: Endpoint,
    cx: Looking,
    tcp: Step<tcp::Connected>,
    tls: Step<tls::Secured>,
) -> Result<Arc<Conversation>, ObserveError> {
    let down = Arc::default();
    let timeout = shared.http.first_byte_timeout;
    if !endpoint.tls {
        let stream = tcp.await?.take()?;
        let sender = open(stream, false, timeout, &cx, &down).await?;
        return Ok(Arc::new(Conversation::new(sender, Channel::Plain, down)));
    }
    let tls = tls.await?;
    let (session, stream) = tls.take()?;
    let distrust = match &session.trust {
        Trust::Trusted if session.signature_valid => None,
        Trust::Untrusted { message, .. } => Some(message.clone()),
        _ => Some("the handshake was not signed with the certificate's key".to_owned()),
    };
    let sender = open(stream, session.alpn == "h2", timeout, &cx, &down).await?;
    let channel = match distrust {
        None => Channel::TrustedTls,
        Some(_) => Channel::UntrustedTls,
    };
    let mut conversation = Conversation::new(sender, channel, down);
    conversation.distrust = distrust;
    conversation.owes_certificate = (session.client_certificate_requested
        && shared.tls.client_certificate_for(&endpoint.name).is_none())
    .then(|| shared.tls.client_certificate_missing(&endpoint.name));
    Ok(Arc::new(conversation))
}

async fn open<S>(
    stream: S,
    http2: bool,
    timeout: Duration,
    cx: &Looking,
    down: &Arc<Mutex<Option<Broken>>>,
) -> Result<Sender, ObserveError>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let note = {
        let down = Arc::clone(down);
        move |result: Result<(), hyper::Error>| {
            if let Err(e) = result {
                *down.lock().unwrap_or_else(PoisonError::into_inner) = Some(Broken::of(&e));
            }
        }
    };
    let failed = |e: hyper::Error| {
        let Broken { reason, said } = Broken::of(&e);
        ObserveError::new(
            reason,
            format!("the connection broke before the first request: {said}"),
        )
    };
    let silent = || {
        ObserveError::new(
            Reason::TIMEOUT,
            format!("the peer took no byte within {timeout:?}"),
        )
    };
    let io = TokioIo::new(stream);
    if http2 {
        let handshake = http2::Builder::new(RunExecutor(cx.clone()))
            .timer(TokioTimer::new())
            .max_header_list_size(MOST_HEADER_LIST_BYTES)
            .initial_stream_window_size(256 * 1024)
            .initial_connection_window_size(2 * 1024 * 1024)
            .handshake(io);
        let (sender, driver) = within(timeout, handshake)
            .await
            .ok_or_else(silent)?
            .map_err(failed)?;
        cx.keep(driver.map(note));
        Ok(Sender::Http2(sender))
    } else {
        let handshake = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            // The size of the buffer alone bounds no head that arrives at once.
            .max_header_size(MOST_HEADER_BYTES as usize)
            .max_buf_size(MOST_HEADER_BYTES as usize)
            .handshake(io);
        let (sender, driver) = within(timeout, handshake)
            .await
            .ok_or_else(silent)?
            .map_err(failed)?;
        cx.keep(driver.map(note));
        Ok(Sender::Http1(tokio::sync::Mutex::new(sender)))
    }
}

/// Gives hyper's background futures to the run.
#[derive(Clone)]
struct RunExecutor(Looking);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for RunExecutor {
    fn execute(&self, future: F) {
        self.0.keep(future);
    }
}

impl Source<HttpExchange> for LinkSource {
    async fn look(&self, key: HttpExchange, cx: Looking) -> Result<Exchange, ObserveError> {
        let asked = Asked::new(&self.0.http, &key, &cx)?;
        asked.wait().await;
        let mut old: Option<Arc<Link>> = None;
        let mut repeats = 0;
        for _ in 0..MOST_CONNECTIONS {
            let wanted = old.as_ref().map_or(Wanted::Any, Wanted::AnyBut);
            let link = self.link(&key.endpoint, &cx, wanted)?;
            let conversation = link.http.clone().await?;
            conversation.permit(&asked)?;
            match conversation.exchange(&asked, &cx).await {
                Ok(exchange) => return Ok(exchange),
                Err(Trouble::Final(e)) => return Err(e),
                Err(Trouble::Unused) => {}
                Err(Trouble::Broken(e)) if repeats == MOST_REPEATS => return Err(e),
                Err(Trouble::Broken(_)) => repeats += 1,
            }
            old = Some(link);
        }
        let message = format!("{} closes every connection", key.endpoint.address);
        Err(ObserveError::new(Reason::HTTP_BROKEN, message))
    }
}

/// Why an exchange came to nothing.
pub(super) enum Trouble {
    /// It is the result.
    Final(ObserveError),
    /// The connection broke, and another one may do better.
    Broken(ObserveError),
    /// Nothing was sent, as the connection had ended after it served somebody else.
    Unused,
}

impl Conversation {
    fn new(sender: Sender, channel: Channel, down: Arc<Mutex<Option<Broken>>>) -> Self {
        Self {
            sender,
            channel,
            distrust: None,
            used: AtomicBool::new(false),
            answered: AtomicBool::new(false),
            late: AtomicBool::new(false),
            owes_certificate: None,
            down,
            cause: Mutex::new(None),
        }
    }

    /// Says why this request must not go this way.
    pub(super) fn permit(&self, asked: &Asked<'_>) -> Result<(), ObserveError> {
        match self.channel {
            _ if !asked.carries_secret => Ok(()),
            Channel::UntrustedTls => Err(asked.withheld(self.distrust.as_deref().unwrap_or_default())),
            Channel::Plain if !is_local(asked.peer().ip()) => Err(asked.withheld(UNENCRYPTED)),
            _ => Ok(()),
        }
    }

    pub(super) async fn exchange(&self, asked: &Asked<'_>, cx: &Looking) -> Result<Exchange, Trouble> {
        match &self.sender {
            Sender::Http1(sender) => {
                let mut sender = sender.lock().await;
                self.check(sender.ready().await, asked)?;
                let request = asked.request(false).map_err(Trouble::Final)?;
                let began = self.begin(cx);
                let sending = sender.try_send_request(request);
                let response = self.head(within(asked.http.first_byte_timeout, sending).await, asked)?;
                // The lock is held until the body has ended: the connection is busy that long.
                Ok(receive(response, began, self.channel, asked, cx).await)
            }
            Sender::Http2(sender) => {
                let mut sender = sender.clone();
                self.check(sender.ready().await, asked)?;
                let request = asked.request(true).map_err(Trouble::Final)?;
                let began = self.begin(cx);
                let sending = sender.try_send_request(request);
                let response = self.head(within(asked.http.first_byte_timeout, sending).await, asked)?;
                Ok(receive(response, began, self.channel, asked, cx).await)
            }
        }
    }

    fn begin(&self, cx: &Looking) -> Instant {
        self.used.store(true, Ordering::Relaxed);
        cx.spend("http_requests", 1);
        Instant::now()
    }

    /// Whether a request may be sent.
    fn check(&self, ready: Result<(), hyper::Error>, asked: &Asked<'_>) -> Result<(), Trouble> {
        match ready {
            Ok(()) => Ok(()),
            Err(_) if self.used.swap(true, Ordering::Relaxed) => {
                Err(self.shared_cause().unwrap_or(Trouble::Unused))
            }
            Err(e) => Err(self.trouble(&e, asked)),
        }
    }

    fn shared_cause(&self) -> Option<Trouble> {
        let cause = self.cause.lock().unwrap_or_else(PoisonError::into_inner);
        cause
            .clone()
            .map(|cause| Trouble::Final(ObserveError::because(cause)))
    }

    fn head<T>(
        &self,
        sent: Option<Result<Response<Incoming>, TrySendError<T>>>,
        asked: &Asked<'_>,
    ) -> Result<Response<Incoming>, Trouble> {
        match sent {
            Some(Ok(response)) => {
                self.answered.store(true, Ordering::Relaxed);
                if !fits(response.headers()) {
                    return Err(Trouble::Final(asked.error(&Broken::too_large())));
                }
                Ok(response)
            }
            Some(Err(e)) if e.message().is_some() && self.answered.load(Ordering::Relaxed) => {
                Err(Trouble::Unused)
            }
            Some(Err(e)) => Err(self.trouble(e.error(), asked)),
            None => {
                self.late.store(true, Ordering::Relaxed);
                let message = format!(
                    "{} did not answer {} within {:?}",
                    asked.peer(),
                    asked.what(),
                    asked.http.first_byte_timeout
                );
                Err(Trouble::Final(ObserveError::new(Reason::TIMEOUT, message)))
            }
        }
    }

    fn trouble(&self, e: &hyper::Error, asked: &Asked<'_>) -> Trouble {
        if let Some(known) = self.shared_cause() {
            return known;
        }
        let mut broken = Broken::of(e);
        if broken.reason == Reason::HTTP_BROKEN {
            // The driver knows more than `channel closed`.
            let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(down) = &*down {
                broken = down.clone();
            }
        }
        let answered = self.answered.load(Ordering::Relaxed);
        let closed = [Reason::HTTP_BROKEN, Reason::TLS_ALERT].contains(&broken.reason);
        let demanded = broken.reason == Reason::TLS_CLIENT_CERTIFICATE_REQUIRED;
        if !answered && (demanded || (self.owes_certificate.is_some() && closed)) {
            // In TLS 1.3 the client has finished before the server looks at its certificate, so the refusal
            // comes where the first response should (RFC 8446, section 4.4.2.4).
            let peer = asked.peer();
            let why = self
                .owes_certificate
                .as_deref()
                .unwrap_or("none that it accepts was given");
            let cause = Cause::new(
                format!("client certificate for {peer}"),
                Reason::TLS_CLIENT_CERTIFICATE_REQUIRED,
                format!("{peer} demands a client certificate, and {why}"),
            );
            *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause.clone());
            return Trouble::Final(ObserveError::because(cause));
        }
        let error = asked.error(&broken);
        // A kept-alive connection may be closed at any moment (RFC 9112, section 9.3.1); what never answered
        // at all is a result.
        if answered && broken.reason == Reason::HTTP_BROKEN && asked.method.is_safe() {
            Trouble::Broken(error)
        } else {
            Trouble::Final(error)
        }
    }
}
