use serde::{Deserialize, Serialize};

use super::{ByteText, Document, Endpoint};
use crate::observe::Observation;

/// One request and its response. Redirects are not followed: each hop is an exchange of its own.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HttpExchange {
    /// To whom.
    pub endpoint: Endpoint,
    /// The method, such as `GET`.
    pub method: String,
    /// The `Host` or `:authority`: `example.com` or `example.com:8443`.
    pub authority: String,
    /// Path and query; secret values stand as `{handle}`.
    pub path: String,
    /// Headers beyond our own, which are `User-Agent`, `Accept` and `Accept-Encoding: identity`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub headers: Vec<(String, String)>,
    /// The handle of the credential to send, which must be bound to this origin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
    /// How much of the body to keep, in bytes; 0 keeps none. At most 10 MiB are ever kept.
    #[serde(default)]
    pub keep_body_bytes: u32,
    /// The n-th look at the same thing, from 0.
    #[serde(default)]
    pub sample: u32,
    /// How long to wait before the request is sent, in milliseconds. A replay waits for nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub after_ms: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl HttpExchange {
    /// A `GET` that keeps no body.
    pub fn get(endpoint: Endpoint, authority: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            endpoint,
            method: "GET".into(),
            authority: authority.into(),
            path: path.into(),
            headers: Vec::new(),
            credential: None,
            keep_body_bytes: 0,
            sample: 0,
            after_ms: 0,
        }
    }

    /// Adds a header. Secrets do not belong here: use [`HttpExchange::credential`].
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// Sends the credential of this handle.
    pub fn credential(mut self, handle: Option<String>) -> Self {
        self.credential = handle;
        self
    }

    /// Keeps this much of the body.
    pub fn keep_body(mut self, bytes: u32) -> Self {
        self.keep_body_bytes = bytes;
        self
    }

    /// Looks once more at the same thing.
    pub fn sample(mut self, n: u32) -> Self {
        self.sample = n;
        self
    }

    /// Waits this many milliseconds before the request is sent.
    pub fn after(mut self, milliseconds: u32) -> Self {
        self.after_ms = milliseconds;
        self
    }

    /// The URL as people write it, with `{handle}` for secret values.
    pub fn url(&self) -> String {
        let scheme = if self.endpoint.tls { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.path)
    }
}

impl Observation for HttpExchange {
    const KIND: &'static str = "http.exchange";
    type Fact = Exchange;
}

/// What came back. Cookie values, query values in `Location` and echoed secrets are redacted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// The headers as received: repeated ones stand several times, in order.
    #[serde(default)]
    pub headers: Vec<Header>,
    /// As much of the body as was asked for.
    #[serde(default, skip_serializing_if = "ByteText::is_empty")]
    pub body: ByteText,
    /// Whether the body was read to its end.
    #[serde(default)]
    pub body_complete: bool,
    /// How many bytes of the body were read, kept or not.
    #[serde(default)]
    pub body_bytes: u64,
    /// What an HTML page says about itself; `None` where it is no HTML, or nobody here can parse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Box<Document>>,
    /// How the request travelled.
    pub channel: Channel,
    /// From the request to the first byte of the response, in microseconds.
    #[serde(default)]
    pub first_byte_us: u64,
    /// From the request to the end of the body, in microseconds.
    #[serde(default)]
    pub total_us: u64,
}

impl Exchange {
    /// A response over a trusted channel with these headers and no body.
    pub fn new<N: Into<String>, V: AsRef<[u8]>>(
        status: u16,
        headers: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        Self {
            status,
            version: "HTTP/1.1".into(),
            headers: headers
                .into_iter()
                .map(|(name, value)| Header::new(name, value.as_ref()))
                .collect(),
            body: ByteText::default(),
            body_complete: true,
            body_bytes: 0,
            document: None,
            channel: Channel::TrustedTls,
            first_byte_us: 0,
            total_us: 0,
        }
    }

    /// Gives it a body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = ByteText::new(body);
        self.body_bytes = self.body.len() as u64;
        self
    }

    /// Gives it the document that its body holds.
    pub fn document(mut self, document: Document) -> Self {
        self.document = Some(Box::new(document));
        self
    }

    /// Says how the request travelled.
    pub fn channel(mut self, channel: Channel) -> Self {
        self.channel = channel;
        self
    }

    /// Every value of a header, in order. The name is compared without regard to case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_bytes())
    }

    /// The first value of a header.
    pub fn first<'a>(&'a self, name: &'a str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The first value of a header as text; `None` where it is absent or not UTF-8.
    pub fn first_str<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        std::str::from_utf8(self.first(name)?).ok()
    }

    /// All values of a header joined with `, `, as RFC 9110, section 5.3, lets a recipient do.
    pub fn joined(&self, name: &str) -> Option<Vec<u8>> {
        let all: Vec<&[u8]> = self.all(name).collect();
        (!all.is_empty()).then(|| all.join(&b", "[..]))
    }
}

/// One header line.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Header {
    /// The name, in lower case.
    pub name: String,
    /// The value, which may hold any byte HTTP allows.
    pub value: ByteText,
}

impl Header {
    /// A header line.
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self {
            name: name.into().to_ascii_lowercase(),
            value: ByteText::new(value),
        }
    }
}

/// How a request travelled.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Inside this process; no wire.
    InProcess,
    /// Without TLS.
    Plain,
    /// Over TLS with a trusted certificate.
    TrustedTls,
    /// Over TLS with a certificate nobody vouches for: only requests without credentials go there.
    UntrustedTls,
}

impl Channel {
    /// Whether a browser would take it for https.
    pub fn is_secure(self) -> bool {
        matches!(self, Self::InProcess | Self::TrustedTls | Self::UntrustedTls)
    }
}
