//! What the tests of the header probes share.

use std::sync::LazyLock;

use readiness_core::{
    Target,
    fact::{
        Channel, DnsAnswer, DnsLookup, DnsResult, Endpoint, Exchange, Family, HttpExchange, LocalRoute, Route,
    },
    testing::Facts,
};

use super::{page::Looked, pages::Page};

/// The key of `https://example.com/`, or of another host.
pub(crate) fn key(host: &str) -> HttpExchange {
    let endpoint = Endpoint::new(([192, 0, 2, 1], 443).into(), host, true);
    HttpExchange::get(endpoint, host, "/")
}

/// A response as it was seen at `https://example.com/`.
pub(crate) fn looked(exchange: &Exchange) -> Looked<'_> {
    static KEY: LazyLock<HttpExchange> = LazyLock::new(|| key("example.com"));
    static PAGE: LazyLock<Page> = LazyLock::new(Page::default);
    Looked {
        key: &KEY,
        page: &PAGE,
        exchange,
    }
}

impl<'a> Looked<'a> {
    /// Asked by this key instead.
    pub(crate) fn by(self, key: &'a HttpExchange) -> Self {
        Self { key, ..self }
    }

    /// With this known of the page beforehand.
    pub(crate) fn declared(self, page: &'a Page) -> Self {
        Self { page, ..self }
    }
}

/// An HTML page with these headers besides its type.
pub(crate) fn html<V: AsRef<[u8]>>(headers: &[(&str, V)]) -> Exchange {
    let own = [("content-type", &b"text/html; charset=utf-8"[..])];
    let headers = headers.iter().map(|(name, value)| (*name, value.as_ref()));
    Exchange::new(200, own.into_iter().chain(headers))
}

/// The same over plain HTTP.
pub(crate) fn plain(exchange: Exchange) -> Exchange {
    exchange.channel(Channel::Plain)
}

/// Facts in which a URL of `example.com` answers 200 with these headers.
pub(crate) fn facts(url: &str, headers: &[(&str, &str)]) -> Facts {
    let target = Target::parse(url).unwrap();
    let (port, tls) = (target.port(), target.is_tls());
    let endpoint = Endpoint::new(([192, 0, 2, 1], port).into(), target.host(), tls);
    let authority = crate::address::authority(&target, port, tls);
    let mut exchange = Exchange::new(200, headers.iter().copied());
    if !tls {
        exchange = plain(exchange);
    }
    let address = endpoint.address.ip();
    Facts::new()
        .with(
            DnsLookup::address(target.host(), Family::V4),
            DnsAnswer::of_addresses(target.host(), &[address], "test"),
        )
        .with(
            DnsLookup::address(target.host(), Family::V6),
            DnsAnswer::new(DnsResult::NoData, "test"),
        )
        .with(LocalRoute::new(address), Route::new(true))
        .with(
            HttpExchange::get(endpoint, authority, target.path_and_query()).credential(target.credential()),
            exchange,
        )
}

/// 64 KiB of what breaks parsers: delimiters, quotes, escapes, blanks, bytes that are no text.
pub(crate) fn hostile() -> Vec<Vec<u8>> {
    const SIZE: usize = 64 * 1024;
    [
        &b";"[..],
        b",",
        b"\"",
        b"\\",
        b"=",
        b" ",
        b"\t",
        b"a",
        b"a;",
        b"a,",
        b"a=",
        b"'",
        b"(",
        b"*",
        b"1",
        b"\"a\\",
        b"max-age=1;",
        b"\xff",
        b"\0",
        b"\xc3\xa9;",
        b"'none' ",
        b"script-src *;",
        b"default-src 'none',",
        b"DENY,",
        b"camera=*,",
        b":;=,\"",
    ]
    .iter()
    .map(|unit| unit.iter().copied().cycle().take(SIZE).collect())
    .collect()
}
