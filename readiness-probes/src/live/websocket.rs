use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use http_body_util::Empty;
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use readiness_core::{Looking, ObserveError, Reason, Source, fact::Trust};
use sha1::{Digest, Sha1};
use tokio::{net::TcpStream, time::timeout};

use super::{
    channel::{Pipe, Stop, Talk, garbage, held, secure_for, tidy},
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
        websocket::opening::{UpgradeAnswer, WebSocketEnd, WebSocketFacts, WebSocketOpen},
    },
};

mod frames;
#[cfg(test)]
mod tests;

use self::frames::{Event, Frames};

/// How long a pong may take, and the answer to a close.
const PONG_TIMEOUT: Duration = Duration::from_secs(2);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
const MOST_HEAD_BYTES: usize = 64 * 1024;
/// RFC 6455, section 1.3.
const ACCEPT_SALT: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// RFC 6455, section 7.4.1: the purpose is fulfilled, and no code was given.
const CLOSE_NORMAL: u16 = 1000;
const CLOSE_NO_CODE: u16 = 1005;

/// Answers [`WebSocketOpen`].
pub(crate) struct WebSocketSource(pub(crate) Arc<Shared>);

impl Source<WebSocketOpen> for WebSocketSource {
    async fn look(&self, key: WebSocketOpen, cx: Looking) -> Result<WebSocketFacts, ObserveError> {
        let asked = Asked::new(&self.0, &key, &cx)?;
        spend_connection(&cx, key.endpoint.tls);
        let Dialled { facts: tcp, stream } = dial(&self.0, key.endpoint.address).await?;
        let mut facts = WebSocketFacts::new(tcp, WebSocketEnd::NotOpen);
        let Ok(stream) = stream else {
            return Ok(facts);
        };
        let began = Instant::now();
        let broken = held(talk(&self.0, &key, asked, &cx, stream, &mut facts)).await?;
        if let Some(broken) = broken {
            facts.end = WebSocketEnd::Broken(broken);
        }
        facts.session_us = micros(began.elapsed());
        Ok(facts)
    }
}

/// A request that is ready to be sent.
struct Asked {
    request: Request<Empty<Bytes>>,
    /// What `Sec-WebSocket-Accept` must be.
    accept: String,
    carries_secret: bool,
    /// What the ping holds.
    ping: [u8; 8],
}

impl Asked {
    fn new(shared: &Shared, key: &WebSocketOpen, cx: &Looking) -> Result<Self, ObserveError> {
        let own = |what: &str| ObserveError::new(Reason::ERROR, what);
        let path = cx.fill(&key.path, &key.origin)?;
        let mut nonce = [0; 16];
        let mut ping = [0; 8];
        for bytes in [&mut nonce[..], &mut ping[..]] {
            let filled = shared.tls.provider.secure_random.fill(bytes);
            filled.map_err(|_| own("the provider of cryptography has no random numbers"))?;
        }
        let nonce = BASE64_STANDARD.encode(nonce);
        let mut request = Request::get(&path)
            .header(header::HOST, &key.authority)
            .header(header::USER_AGENT, shared.http.user_agent.clone())
            .header(header::UPGRADE, "websocket")
            .header(header::CONNECTION, "Upgrade")
            .header(header::SEC_WEBSOCKET_KEY, &nonce)
            .header(header::SEC_WEBSOCKET_VERSION, "13");
        if let Some(from) = &key.from {
            request = request.header(header::ORIGIN, from);
        }
        if !key.subprotocols.is_empty() {
            request = request.header(header::SEC_WEBSOCKET_PROTOCOL, key.subprotocols.join(", "));
        }
        let secret: Option<(HeaderName, HeaderValue)> = match &key.credential {
            Some(handle) => Some(header_of(cx.credential(handle, &key.origin)?.kind)?),
            None => None,
        };
        let carries_secret = secret.is_some() || path != key.path;
        if let Some((name, value)) = secret {
            request = request.header(name, value);
        }
        let request = request
            .body(Empty::new())
            .map_err(|_| own("the request for a WebSocket is none that can be sent"))?;
        Ok(Self {
            request,
            accept: accept_of(&nonce),
            carries_secret,
            ping,
        })
    }
}

/// What a server must answer to a key (RFC 6455, section 4.2.2).
fn accept_of(key: &str) -> String {
    BASE64_STANDARD.encode(Sha1::digest(format!("{key}{ACCEPT_SALT}")))
}

async fn talk(
    shared: &Shared,
    key: &WebSocketOpen,
    asked: Asked,
    cx: &Looking,
    stream: TcpStream,
    facts: &mut WebSocketFacts,
) -> Result<(), Stop> {
    let stream: Box<dyn Pipe> = if key.endpoint.tls {
        let (tls, channel) = secure_for(shared, &key.endpoint.name, &[b"http/1.1"], stream).await?;
        facts.tls = tls;
        let Some(channel) = channel else {
            facts.end = WebSocketEnd::TlsMissing;
            return Err(Stop::Told);
        };
        Box::new(channel.stream)
    } else {
        Box::new(stream)
    };
    let is_safe = match &facts.tls {
        ChannelTls::Established { trust, .. } => *trust == Trust::Trusted,
        _ => is_local(key.endpoint.address.ip()),
    };
    if asked.carries_secret && !is_safe {
        facts.end = WebSocketEnd::CredentialWithheld;
        return Err(Stop::Told);
    }
    let handshake = http1::Builder::new()
        .max_headers(256)
        .max_buf_size(MOST_HEAD_BYTES)
        .handshake(TokioIo::new(stream));
    let (mut sender, driver) = handshake.await.map_err(|e| broken_of(&e))?;
    cx.keep(driver.with_upgrades().map(drop));
    cx.spend("http_requests", 1);
    let response = sender
        .send_request(asked.request)
        .await
        .map_err(|e| broken_of(&e))?;
    let answer = answer_of(&response, &asked.accept, cx);
    let is_upgrade = answer.is_upgrade();
    facts.answer = Some(answer);
    if !is_upgrade {
        facts.end = WebSocketEnd::NotUpgraded;
        return Err(Stop::Told);
    }
    let upgraded = hyper::upgrade::on(response).await.map_err(|e| broken_of(&e))?;
    let frames = Frames::new(
        Talk::new(TokioIo::new(upgraded)),
        shared.tls.provider.secure_random,
    );
    ping_and_close(frames, asked.ping, cx, facts).await
}

fn answer_of(response: &Response<Incoming>, accept: &str, cx: &Looking) -> UpgradeAnswer {
    let headers = response.headers();
    let text = |name: HeaderName| joined(headers, &name).map(|value| tidy(&cx.scrub(&value)));
    let mut answer = UpgradeAnswer::agreed();
    answer.status = response.status().as_u16();
    answer.upgrade = text(header::UPGRADE).unwrap_or_default();
    answer.connection = text(header::CONNECTION).unwrap_or_default();
    answer.accept = joined(headers, &header::SEC_WEBSOCKET_ACCEPT).map(|value| value.trim() == accept);
    answer.subprotocol = text(header::SEC_WEBSOCKET_PROTOCOL);
    answer.extensions = text(header::SEC_WEBSOCKET_EXTENSIONS).unwrap_or_default();
    answer
}

/// The lines of a header as one list; `None` where there is none.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<String> = headers
        .get_all(name)
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

async fn ping_and_close(
    mut frames: Frames,
    payload: [u8; 8],
    cx: &Looking,
    facts: &mut WebSocketFacts,
) -> Result<(), Stop> {
    frames.send(frames::PING, &payload).await?;
    let pong = async {
        loop {
            match frames.next().await {
                // A pong that nobody asked for may come at any time (RFC 6455, section 5.5.3).
                Ok(Event::Pong(content)) if content == payload => return Ok(true),
                Ok(Event::Pong(_) | Event::Data) => {}
                Ok(Event::Close(code, reason)) => {
                    facts.close_code = Some(code);
                    facts.close_reason = tidy(&cx.scrub(&reason));
                    facts.end = WebSocketEnd::ClosedByServer;
                    return Ok(false);
                }
                Ok(Event::Violation(what)) => {
                    facts.end = WebSocketEnd::Violation(what);
                    return Ok(false);
                }
                Err(broken) if broken.kind == BrokenKind::TooMuch => {
                    facts.end = WebSocketEnd::TooBusy;
                    return Ok(false);
                }
                Err(broken) => return Err(broken),
            }
        }
    };
    match timeout(PONG_TIMEOUT, pong).await {
        Ok(Ok(true)) => facts.pong = true,
        Ok(Ok(false)) => {
            // What ended it stands in the facts; the answer to a close is politeness.
            let _ = frames.send(frames::CLOSE, &CLOSE_NORMAL.to_be_bytes()).await;
            return Err(Stop::Told);
        }
        Ok(Err(broken)) => return Err(broken.into()),
        Err(_) => {}
    }
    facts.end = WebSocketEnd::Closed;
    frames.send(frames::CLOSE, &CLOSE_NORMAL.to_be_bytes()).await?;
    let close = async {
        loop {
            match frames.next().await {
                Ok(Event::Close(code, reason)) => return Some((code, reason)),
                Ok(Event::Pong(_) | Event::Data) => {}
                Ok(Event::Violation(_)) | Err(_) => return None,
            }
        }
    };
    if let Ok(Some((code, reason))) = timeout(CLOSE_TIMEOUT, close).await {
        facts.close_code = Some(code);
        facts.close_reason = tidy(&cx.scrub(&reason));
    }
    Ok(())
}

/// What hyper means, in our words.
fn broken_of(e: &hyper::Error) -> Broken {
    if e.is_parse() {
        return garbage(format!("it does not speak HTTP/1.1 ({})", tidy(&e.to_string())));
    }
    Broken::new(BrokenKind::Closed, "it closed the connection")
}
