use std::{
    error::Error,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{
    FutureExt,
    future::{join, join_all},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
};
use hyper_util::rt::{TokioIo, TokioTimer};
use readiness_core::{Looking, ObserveError, Source, fact::Trust};
use tokio::{net::TcpStream, time::timeout};

use super::{
    channel::{Pipe, Stop, garbage, held, secure_for, tidy},
    link::{
        request::header_of,
        tcp::{Dialled, dial, micros, spend_connection},
    },
    settings::Shared,
};
use crate::{
    address::is_local,
    dep::{
        Broken, BrokenKind, ChannelTls,
        grpc_health::{
            call::{GrpcAnswer, GrpcEnd, GrpcHealthCheck, GrpcHealthFacts, GrpcReply},
            wire,
        },
    },
};

/// How long one call may take. Together with the handshake it stays below what a conversation has.
const CALL_TIMEOUT: Duration = Duration::from_secs(4);
/// The most bytes of an answer that are read.
const MOST_BYTES: usize = 64 * 1024;

/// Answers [`GrpcHealthCheck`].
pub(crate) struct GrpcSource(pub(crate) Arc<Shared>);

impl Source<GrpcHealthCheck> for GrpcSource {
    async fn look(&self, key: GrpcHealthCheck, cx: Looking) -> Result<GrpcHealthFacts, ObserveError> {
        let secret = match &key.credential {
            Some(handle) => Some(header_of(cx.credential(handle, &key.origin)?.kind)?),
            None => None,
        };
        spend_connection(&cx, key.endpoint.tls);
        let Dialled { facts: tcp, stream } = dial(&self.0, key.endpoint.address).await?;
        let mut facts = GrpcHealthFacts::new(tcp, GrpcEnd::NotOpen);
        let Ok(stream) = stream else {
            return Ok(facts);
        };
        let began = Instant::now();
        let broken = held(talk(&self.0, &key, secret, &cx, stream, &mut facts)).await?;
        if let Some(broken) = broken {
            facts.end = GrpcEnd::Broken(broken);
        }
        facts.session_us = micros(began.elapsed());
        Ok(facts)
    }
}

async fn talk(
    shared: &Shared,
    key: &GrpcHealthCheck,
    secret: Option<(HeaderName, HeaderValue)>,
    cx: &Looking,
    stream: TcpStream,
    facts: &mut GrpcHealthFacts,
) -> Result<(), Stop> {
    let stream: Box<dyn Pipe> = if key.endpoint.tls {
        let (tls, channel) = secure_for(shared, &key.endpoint.name, &[b"h2"], stream).await?;
        facts.tls = tls;
        let Some(channel) = channel else {
            facts.end = GrpcEnd::TlsMissing;
            return Err(Stop::Told);
        };
        if channel.alpn != "h2" {
            facts.end = GrpcEnd::NoHttp2;
            return Err(Stop::Told);
        }
        Box::new(channel.stream)
    } else {
        Box::new(stream)
    };
    let is_safe = match &facts.tls {
        ChannelTls::Established { trust, .. } => *trust == Trust::Trusted,
        _ => is_local(key.endpoint.address.ip()),
    };
    if secret.is_some() && !is_safe {
        facts.end = GrpcEnd::CredentialWithheld;
        return Err(Stop::Told);
    }
    let down: Arc<Mutex<Option<Broken>>> = Arc::default();
    let sender = open(stream, cx, &down).await?;
    let caller = Caller {
        key,
        secret,
        cx,
        user_agent: shared.http.user_agent.clone(),
        sender,
        down,
    };
    let checks = key.services.iter().map(|service| caller.check(service));
    let list = async {
        match key.list {
            true => Some(caller.list().await),
            false => None,
        }
    };
    let (checks, list) = join(join_all(checks), list).await;
    // Where no call has any answer, it is the connection that has a fault, and it has it once.
    let mut all = checks.iter().chain(&list);
    let first = all.next().and_then(|answer| match &answer.reply {
        GrpcReply::Broken(how) if how.kind != BrokenKind::Silent => Some(how.clone()),
        _ => None,
    });
    if let Some(how) = first
        && all.all(|answer| matches!(answer.reply, GrpcReply::Broken(_)))
    {
        return Err(how.into());
    }
    (facts.checks, facts.list) = (checks, list);
    facts.end = GrpcEnd::Done;
    Ok(())
}

/// Begins HTTP/2 over a connection, whose driver the run keeps.
async fn open(
    stream: Box<dyn Pipe>,
    cx: &Looking,
    down: &Arc<Mutex<Option<Broken>>>,
) -> Result<SendRequest<Full<Bytes>>, Stop> {
    let handshake = Builder::new(RunExecutor(cx.clone()))
        .timer(TokioTimer::new())
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(MOST_BYTES as u32)
        .handshake(TokioIo::new(stream));
    let (sender, driver) = handshake.await.map_err(|e| broken_of(&e))?;
    let down = Arc::clone(down);
    cx.keep(driver.map(move |result| {
        if let Err(e) = result {
            *down.lock().unwrap_or_else(PoisonError::into_inner) = Some(broken_of(&e));
        }
    }));
    Ok(sender)
}

/// Gives the background futures of HTTP/2 to the run.
#[derive(Clone)]
struct RunExecutor(Looking);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for RunExecutor {
    fn execute(&self, future: F) {
        self.0.keep(future);
    }
}

struct Caller<'a> {
    key: &'a GrpcHealthCheck,
    secret: Option<(HeaderName, HeaderValue)>,
    cx: &'a Looking,
    user_agent: HeaderValue,
    sender: SendRequest<Full<Bytes>>,
    /// What ended the connection, as its driver saw it.
    down: Arc<Mutex<Option<Broken>>>,
}

impl Caller<'_> {
    async fn check(&self, service: &str) -> GrpcAnswer {
        self.call("Check", wire::check_request(service), |message| {
            wire::status(message).map(GrpcReply::Status)
        })
        .await
    }

    async fn list(&self) -> GrpcAnswer {
        self.call("List", Vec::new(), |message| {
            let all = wire::statuses(message)?;
            let clean = |name: String| tidy(&self.cx.scrub(&name));
            Ok(GrpcReply::List(
                all.into_iter()
                    .map(|(name, status)| (clean(name), status))
                    .collect(),
            ))
        })
        .await
    }

    async fn call(
        &self,
        method: &str,
        message: Vec<u8>,
        read: impl Fn(&[u8]) -> Result<GrpcReply, String>,
    ) -> GrpcAnswer {
        let call = async {
            let request = self.request(method, &message)?;
            self.cx.spend("http_requests", 1);
            let mut sender = self.sender.clone();
            let response = sender.send_request(request).await;
            self.answer(response.map_err(|e| self.broken(&e))?, read).await
        };
        match timeout(CALL_TIMEOUT, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(how)) => GrpcAnswer::broken(how),
            Err(_) => GrpcAnswer::broken(Broken::new(
                BrokenKind::Silent,
                format!("it did not answer `{method}` within {} s", CALL_TIMEOUT.as_secs()),
            )),
        }
    }

    fn request(&self, method: &str, message: &[u8]) -> Result<Request<Full<Bytes>>, Broken> {
        let scheme = if self.key.endpoint.tls { "https" } else { "http" };
        let uri = format!("{scheme}://{}/grpc.health.v1.Health/{method}", self.key.authority);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(uri)
            .header(header::CONTENT_TYPE, "application/grpc")
            .header(header::TE, "trailers")
            .header(header::USER_AGENT, self.user_agent.clone())
            .header("grpc-accept-encoding", "identity")
            .header("grpc-timeout", format!("{}S", CALL_TIMEOUT.as_secs()));
        if let Some((name, value)) = &self.secret {
            request = request.header(name, value.clone());
        }
        request
            .body(Full::new(wire::framed(message).into()))
            .map_err(|_| garbage("the call is no request that can be sent"))
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        read: impl Fn(&[u8]) -> Result<GrpcReply, String>,
    ) -> Result<GrpcAnswer, Broken> {
        let (head, mut incoming) = response.into_parts();
        let mut answer = GrpcAnswer::new(head.status.as_u16(), None, GrpcReply::Nothing);
        answer.content_type = self.text(head.headers.get(header::CONTENT_TYPE));
        // Where nothing but the head comes, it holds what trailers would.
        self.status(&head.headers, &mut answer);
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let frame = frame.map_err(|e| self.broken(&e))?;
            if let Some(trailers) = frame.trailers_ref() {
                self.status(trailers, &mut answer);
            } else if let Some(data) = frame.data_ref() {
                if body.len() + data.len() > MOST_BYTES {
                    let said = format!("it sent more than {MOST_BYTES} bytes");
                    return Err(Broken::new(BrokenKind::TooMuch, said));
                }
                body.extend_from_slice(data);
            }
        }
        answer.reply = match wire::unframed(&body) {
            Ok(None) => GrpcReply::Nothing,
            Ok(Some(message)) => read(message).unwrap_or_else(GrpcReply::Malformed),
            Err(what) => GrpcReply::Malformed(what),
        };
        Ok(answer)
    }

    fn status(&self, headers: &HeaderMap, answer: &mut GrpcAnswer) {
        let Some(code) = headers.get("grpc-status") else {
            return;
        };
        // A status is a decimal number; what is none is as good as no status.
        answer.code = code.to_str().ok().and_then(|code| code.parse().ok());
        answer.message = headers.get("grpc-message").map_or_else(String::new, |message| {
            let plain = wire::percent_decoded(message.as_bytes());
            tidy(&String::from_utf8_lossy(&self.cx.scrub_bytes(&plain)))
        });
    }

    fn text(&self, value: Option<&HeaderValue>) -> String {
        value.map_or_else(String::new, |value| {
            tidy(&String::from_utf8_lossy(&self.cx.scrub_bytes(value.as_bytes())))
        })
    }

    fn broken(&self, e: &hyper::Error) -> Broken {
        let down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        // The driver knows more than that the channel is closed.
        down.clone().unwrap_or_else(|| broken_of(e))
    }
}

/// What hyper means, in our words.
fn broken_of(e: &hyper::Error) -> Broken {
    let said = e.source().unwrap_or(e).to_string();
    // What h2 means has no type here that could be asked.
    if said.contains("error detected") {
        return garbage(format!("it does not speak HTTP/2 ({})", tidy(&said)));
    }
    if said.contains("stream error received") {
        return Broken::new(BrokenKind::Closed, format!("it ended the call ({})", tidy(&said)));
    }
    Broken::new(BrokenKind::Closed, "it closed the connection")
}

#[cfg(test)]
mod tests;
