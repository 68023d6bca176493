//! Deployments made by hand for the tests of what follows redirects: names, and what URLs answer.

use std::net::{IpAddr, SocketAddr};

use readiness_core::{
    ObserveError, Outcome, Probe, Target,
    fact::{
        Channel, DnsAnswer, DnsLookup, Endpoint, Exchange, Family, HttpExchange, LocalRoute, Route,
        ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust,
    },
    testing::Facts,
};

use super::trail::Place;

pub(super) const HOST: &str = "example.com";
/// The address of it, as the world sees it.
pub(super) const AT: &str = "203.0.113.1";

pub(super) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// One deployment: its names, and what its URLs answer.
pub(super) struct World(pub(super) Facts);

impl World {
    /// `example.com` exists; nothing answers yet.
    pub(super) fn new() -> Self {
        Self(Facts::new()).name(HOST, &[AT])
    }

    /// This name has these addresses.
    pub(super) fn name(self, name: &str, addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| ip(a)).collect();
        let of =
            |v4: bool| -> Vec<IpAddr> { addresses.iter().copied().filter(|a| a.is_ipv4() == v4).collect() };
        let facts = addresses.iter().fold(self.0, |facts, address| {
            facts.with(LocalRoute::new(*address), Route::new(true))
        });
        Self(
            facts
                .with(
                    DnsLookup::address(name, Family::V4),
                    DnsAnswer::of_addresses(name, &of(true), "t"),
                )
                .with(
                    DnsLookup::address(name, Family::V6),
                    DnsAnswer::of_addresses(name, &of(false), "t"),
                ),
        )
    }

    /// The request for a URL at an address.
    pub(super) fn key(url: &str, address: &str) -> HttpExchange {
        let parsed = url::Url::parse(url).unwrap();
        let place = Place {
            tls: parsed.scheme() == "https",
            host: parsed.host_str().unwrap().to_owned(),
            port: parsed.port_or_known_default().unwrap(),
            // As written: parsing would change a placeholder.
            path: format!("/{}", url.splitn(4, '/').nth(3).unwrap()),
        };
        place.request(ip(address))
    }

    /// A URL answers with this exchange.
    pub(super) fn says_at(self, address: &str, url: &str, exchange: Exchange) -> Self {
        Self(self.0.with(Self::key(url, address), exchange))
    }

    /// A URL answers with this status and these headers, over a channel that its scheme has.
    pub(super) fn says(self, url: &str, status: u16, headers: &[(&str, &str)]) -> Self {
        let channel = match url.starts_with("https:") {
            true => Channel::TrustedTls,
            false => Channel::Plain,
        };
        let exchange = Exchange::new(status, headers.iter().copied()).channel(channel);
        self.says_at(AT, url, exchange)
    }

    /// A URL at an address answers with this status and leads there.
    pub(super) fn answers_at(self, address: &str, url: &str, status: u16, locations: &[&str]) -> Self {
        let headers = locations.iter().map(|location| ("location", *location));
        let exchange = Exchange::new(status, headers).channel(Channel::Plain);
        self.says_at(address, url, exchange)
    }

    /// A URL answers with this status and leads there.
    pub(super) fn answers(self, url: &str, status: u16, locations: &[&str]) -> Self {
        self.answers_at(AT, url, status, locations)
    }

    /// A URL cannot be looked at.
    pub(super) fn fails(self, url: &str, error: ObserveError) -> Self {
        Self(self.0.with_error(Self::key(url, AT), error))
    }

    /// A trusted handshake takes place on this port.
    pub(super) fn shakes_hands(self, port: u16) -> Self {
        let session = TlsSession::new(ServerChain::default(), Trust::Trusted);
        self.shakes(HOST, port, TlsEnd::Established(Box::new(session)))
    }

    /// A handshake for this name on this port ends so.
    pub(super) fn shakes(self, name: &str, port: u16, end: TlsEnd) -> Self {
        let endpoint = Endpoint::new(SocketAddr::new(ip(AT), port), name, true);
        Self(self.0.with(TlsHandshake::new(endpoint), TlsFacts::new(end)))
    }

    /// What a probe says of this target in it.
    pub(super) fn by(&self, probe: &dyn Probe, target: &str) -> Outcome {
        self.0.judge(probe, &Target::parse(target).unwrap())
    }
}
