//! What the peer's tests look at, gathered from our exchanges.

use std::{net::IpAddr, sync::Arc};

use readiness_core::{
    Timestamp,
    fact::{Channel, Exchange},
};

use super::markup::Markup;
use crate::http::trail::Place;

/// Everything one scan has seen.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// The host that was asked for.
    pub(super) host: String,
    /// From the http URL on; `None` where it does not answer.
    pub(super) http: Option<Session>,
    /// From the https URL on; `None` where it does not answer.
    pub(super) https: Option<Session>,
    /// What came back to the preflight request; `None` where nothing did.
    pub(super) preflight: Option<Arc<Exchange>>,
    /// What the page holds; `None` where it could not be read.
    pub(super) markup: Option<Markup>,
    /// Whether the host stands on the preload list, as the settings say.
    pub(super) preloaded: bool,
    pub(super) now: Timestamp,
}

/// A URL, followed to its last response.
#[derive(Clone, Debug)]
pub(super) struct Session {
    first: (Place, Arc<Exchange>),
    rest: Vec<(Place, Arc<Exchange>)>,
    /// Where the last request went.
    pub(super) address: IpAddr,
}

impl Scan {
    /// The session whose last response is the page: https where it answers.
    pub(super) fn session(&self) -> Option<&Session> {
        self.https.as_ref().or(self.http.as_ref())
    }

    /// The page.
    pub(super) fn page(&self) -> Option<&Exchange> {
        self.session().map(Session::response)
    }

    /// Whether the page was first asked for over https.
    pub(super) fn is_https(&self) -> bool {
        self.https.is_some()
    }

    /// Whether a host is covered by the entry of the preload list that the settings speak of.
    pub(super) fn is_preloaded(&self, host: &str) -> bool {
        let below = |host: &str| {
            host.strip_suffix(&self.host)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        self.preloaded && (host == self.host || below(host))
    }
}

impl Session {
    pub(super) fn new(place: Place, address: IpAddr, exchange: Arc<Exchange>) -> Self {
        Self {
            first: (place, exchange),
            rest: Vec::new(),
            address,
        }
    }

    pub(super) fn push(&mut self, place: Place, address: IpAddr, exchange: Arc<Exchange>) {
        self.address = address;
        self.rest.push((place, exchange));
    }

    /// Every hop, the first one among them.
    pub(super) fn hops(&self) -> impl Iterator<Item = &(Place, Arc<Exchange>)> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    pub(super) fn last(&self) -> &(Place, Arc<Exchange>) {
        self.rest.last().unwrap_or(&self.first)
    }

    /// The last response.
    pub(super) fn response(&self) -> &Exchange {
        &self.last().1
    }

    /// How many redirects were followed.
    pub(super) fn redirects(&self) -> usize {
        self.rest.len()
    }

    /// Whether every certificate on the way is trusted.
    pub(super) fn is_verified(&self) -> bool {
        self.hops()
            .all(|(_, exchange)| exchange.channel != Channel::UntrustedTls)
    }
}

/// A header as the peer's client hands it out: repeated lines joined with a comma, bytes as Latin-1.
pub(super) fn header(exchange: &Exchange, name: &str) -> Option<String> {
    exchange.joined(name).map(|value| latin1(&value))
}

/// The media type as the peer compares it: the first line up to a semicolon, letter by letter.
pub(super) fn media_type(exchange: &Exchange) -> String {
    let value = exchange.first("content-type").map(latin1).unwrap_or_default();
    value.split(';').next().unwrap_or_default().to_owned()
}

/// Whether the peer takes a media type for HTML.
pub(super) fn is_html(media_type: &str) -> bool {
    matches!(media_type, "text/html" | "application/xhtml+xml")
}

pub(super) fn latin1(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.is_ascii() => text.to_owned(),
        _ => bytes.iter().map(|&byte| char::from(byte)).collect(),
    }
}

/// The first so many characters.
pub(super) fn first_chars(text: &str, most: usize) -> &str {
    text.char_indices()
        .nth(most)
        .map_or(text, |(end, _)| text.get(..end).unwrap_or(text))
}
