//! From a response to a fact.

use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Response};
use http_body_util::BodyExt;
use hyper::body::Body;
use readiness_core::{
    Looking,
    fact::{ByteText, Channel, Document, Exchange, HttpExchange},
};

use super::{request::Asked, tcp::micros};
#[cfg(feature = "html")]
use crate::live::document;
use crate::{http::Received, live::redact};

/// The most header lines and header bytes of a response. The bytes are the bound: so many lines are there for
/// services that set a thousand cookies, which is worth a finding.
pub(in crate::live) const MOST_HEADERS: usize = 2048;
pub(in crate::live) const MOST_HEADER_BYTES: u32 = 64 * 1024;
/// The same for HTTP/2, which counts 32 bytes more for each line. RFC 9113, section 6.5.2.
pub(super) const MOST_HEADER_LIST_BYTES: u32 = MOST_HEADER_BYTES + 32 * MOST_HEADERS as u32;
/// Whether a head holds no more than that. Nothing else bounds it over HTTP/2 and inside the process.
pub(in crate::live) fn fits(headers: &HeaderMap) -> bool {
    headers.len() <= MOST_HEADERS && header_bytes(headers) <= MOST_HEADER_BYTES as usize
}

/// The bytes of a head as HTTP/1.1 writes its lines.
pub(in crate::live) fn header_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}

/// The most of a body that is read.
pub(in crate::live) const MOST_BODY_BYTES: usize = 1024 * 1024;
/// Read beyond what is kept, so that a secret at the edge is seen whole, and hidden.
const MARGIN_BYTES: usize = 8 * 1024;

/// Reads the body as far as it is wanted, and makes the fact. The head is there, so there is one.
pub(in crate::live) async fn receive<B>(
    response: Response<B>,
    began: Instant,
    channel: Channel,
    asked: &Asked<'_>,
    cx: &Looking,
) -> Exchange
where
    B: Body<Data = Bytes> + Unpin,
{
    let first_byte_us = micros(began.elapsed());
    let (head, mut incoming) = response.into_parts();
    let mut exchange = Exchange::new(head.status.as_u16(), [] as [(&str, &[u8]); 0]);
    exchange.version = format!("{:?}", head.version).replace("/2.0", "/2");
    exchange.headers = redact::headers(&head.headers, &asked.key.url(), cx);
    let keep = (asked.key.keep_body_bytes as usize).min(MOST_BODY_BYTES);
    let kept = if keep == 0 { 0 } else { keep + MARGIN_BYTES };
    let is_page = !asked.only_timed && is_page(asked.key, &exchange);
    let wanted = if is_page { kept.max(MOST_BODY_BYTES) } else { kept };
    // What is known to be too long to read is not read further than it is kept.
    let too_long = incoming.size_hint().lower() > MOST_BODY_BYTES as u64;
    let limit = if too_long {
        wanted
    } else {
        MOST_BODY_BYTES.max(wanted)
    };
    let deadline = tokio::time::Instant::now() + asked.http.body_timeout;
    let mut body = Vec::new();
    let mut read = 0_usize;
    let complete = loop {
        if read > limit || (too_long && read >= limit) {
            break false;
        }
        match tokio::time::timeout_at(deadline, incoming.frame()).await {
            Ok(None) => break true,
            Ok(Some(Ok(frame))) => {
                let Some(data) = frame.data_ref() else { continue };
                read = read.saturating_add(data.len());
                let room = wanted.saturating_sub(body.len());
                body.extend(data.iter().take(room));
            }
            // The deadline, or the connection broke: what came until then stands.
            Ok(Some(Err(_))) | Err(_) => break false,
        }
    };
    exchange.total_us = micros(began.elapsed());
    if let Some(slot) = asked.as_it_came {
        slot.put(Received {
            headers: head.headers,
            is_whole: complete && read == body.len(),
            body: body.clone(),
        });
    }
    if is_page {
        exchange.document = document_of(&body, complete && read == body.len(), cx);
    }
    let mut body = cx.scrub_bytes(body.get(..kept.min(body.len())).unwrap_or_default());
    let kept_all = body.len() <= keep && read <= kept;
    body.truncate(keep);
    exchange.body = ByteText::new(body);
    exchange.body_bytes = read as u64;
    exchange.body_complete = complete && (keep == 0 || kept_all);
    exchange.channel = channel;
    exchange.first_byte_us = first_byte_us;
    exchange
}

/// Whether the body is a page that says something about itself.
#[cfg(feature = "html")]
fn is_page(key: &HttpExchange, exchange: &Exchange) -> bool {
    let is_plain = exchange
        .all("content-encoding")
        .all(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"identity"));
    key.method == "GET" && is_plain && crate::http::is_html(exchange)
}

#[cfg(feature = "html")]
fn document_of(body: &[u8], is_whole: bool, cx: &Looking) -> Option<Box<Document>> {
    let mut document = document::extract(body, |text| cx.scrub(text));
    document.is_complete &= is_whole;
    Some(Box::new(document))
}

#[cfg(not(feature = "html"))]
fn is_page(_: &HttpExchange, _: &Exchange) -> bool {
    false
}

#[cfg(not(feature = "html"))]
fn document_of(_: &[u8], _: bool, _: &Looking) -> Option<Box<Document>> {
    None
}
