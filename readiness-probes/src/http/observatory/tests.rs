use std::sync::Arc;

use readiness_core::{
    Target, Timestamp,
    fact::{Channel, Document, Exchange, Meta, Resource},
};
use url::Url;

use super::{
    TESTS, judge,
    mark::Mark,
    read_page,
    scan::{Scan, Session},
};
use crate::http::trail::Place;

mod defects;
mod probe;
mod responses;
mod results;

pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];

/// A scan made by hand: `http://example.com/` leads to the page, and nothing answers the preflight request.
#[derive(Clone)]
pub(super) struct Site(pub(super) Scan);

impl Site {
    /// An HTML page over https with these headers.
    pub(super) fn html(headers: Headers<'_>) -> Self {
        Self::page(html(200, headers))
    }

    pub(super) fn page(page: Exchange) -> Self {
        let to_https = redirect("https://example.com/");
        let site = Self(Scan {
            host: "example.com".into(),
            http: None,
            https: Some(session(&[("https://example.com/", page)])),
            preflight: None,
            markup: None,
            preloaded: false,
            now: Timestamp::from_unix_seconds(1_795_132_800),
        });
        site.http(&[
            ("http://example.com/", to_https),
            ("https://example.com/", html(200, &[])),
        ])
    }

    /// A page that is asked for over plain http and stays there.
    pub(super) fn plain(headers: Headers<'_>) -> Self {
        let mut site = Self::html(&[]);
        site.0.https = None;
        site.http(&[("http://example.com/", html(200, headers))])
    }

    /// What plain http leads to.
    pub(super) fn http(mut self, hops: &[(&str, Exchange)]) -> Self {
        self.0.http = Some(session(hops));
        self.0.markup = self.0.page().and_then(read_page);
        self
    }

    /// What https leads to.
    pub(super) fn https(mut self, hops: &[(&str, Exchange)]) -> Self {
        self.0.https = Some(session(hops));
        self.0.markup = self.0.page().and_then(read_page);
        self
    }

    pub(super) fn without_http(mut self) -> Self {
        self.0.http = None;
        self
    }

    /// The page holds this document.
    pub(super) fn holds(headers: Headers<'_>, document: Document) -> Self {
        Self::page(html(200, headers).document(document))
    }

    /// The page holds these scripts: a URL, and whether it has a digest.
    pub(super) fn scripts(scripts: &[(&str, bool)]) -> Self {
        let mut document = Document::new();
        document.resources = scripts
            .iter()
            .map(|(url, has_digest)| {
                let script = Resource::new("script", *url);
                if *has_digest {
                    script.integrity("sha384-x")
                } else {
                    script
                }
            })
            .collect();
        Self::holds(&[], document)
    }

    pub(super) fn preflight(mut self, status: u16, headers: Headers<'_>) -> Self {
        self.0.preflight = Some(Arc::new(Exchange::new(status, headers.iter().copied())));
        self
    }

    pub(super) fn preloaded(mut self) -> Self {
        self.0.preloaded = true;
        self
    }

    /// The mark of one test.
    pub(super) fn mark(&self, test: &str) -> Mark {
        let test = TESTS
            .iter()
            .find(|known| known.name == test)
            .expect("a known test");
        (test.run)(&self.0)
    }

    /// Score and grade.
    pub(super) fn graded(&self) -> (i64, String) {
        let outcome = judge(&self.0);
        (outcome.measures[0].value, outcome.evidence[0].value.clone())
    }
}

pub(super) fn html(status: u16, headers: Headers<'_>) -> Exchange {
    let own = [("content-type", "text/html; charset=utf-8")];
    Exchange::new(status, own.iter().chain(headers).copied())
}

pub(super) fn redirect(to: &str) -> Exchange {
    Exchange::new(301, [("location", to)])
}

pub(super) fn untrusted(exchange: Exchange) -> Exchange {
    exchange.channel(Channel::UntrustedTls)
}

pub(super) fn meta(name: &str, content: &str) -> Document {
    let mut document = Document::new();
    document.metas = vec![Meta::http_equiv(name, content)];
    document
}

fn session(hops: &[(&str, Exchange)]) -> Session {
    let address = "192.0.2.1".parse().unwrap();
    let mut hops = hops
        .iter()
        .map(|(url, exchange)| (place(url), Arc::new(exchange.clone())));
    let (place, exchange) = hops.next().expect("a first hop");
    let mut session = Session::new(place, address, exchange);
    for (place, exchange) in hops {
        session.push(place, address, exchange);
    }
    session
}

fn place(url: &str) -> Place {
    let url = Url::parse(url).unwrap();
    Place {
        tls: url.scheme() == "https",
        host: url.host_str().unwrap().to_owned(),
        port: url.port_or_known_default().unwrap(),
        path: url.path().to_owned(),
    }
}

pub(super) fn target() -> Target {
    Target::parse("https://example.com/").unwrap()
}
