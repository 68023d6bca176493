//! What can be seen of a deployment, as plain data without any I/O.
//!
//! A *key* says what to look at ([`HttpExchange`]), a *fact* what was seen ([`Exchange`]). A negative
//! answer (NXDOMAIN, refused, an alert, HTTP 500) is a fact too.

mod bytes;
mod dns;
mod document;
mod hello;
mod http;
mod ports;
mod sockets;
mod starttls;
mod tcp;
mod tls;
mod trust_store;
mod udp;
mod view;

pub use self::{
    bytes::ByteText,
    dns::{
        DnsAnswer, DnsAttempt, DnsLookup, DnsRecord, DnsResult, DnsSection, DnsTransport, RecordData,
        RecordType, Signatures, WireRecord,
    },
    document::{Document, Meta, Resource},
    hello::{HelloAnswer, HelloFacts, ServerHello, TlsHello, TlsVersion},
    http::{Channel, Exchange, Header, HttpExchange},
    ports::{PortSet, PortSetError},
    sockets::{LocalSocket, SocketFacts, SocketTable, Transport},
    starttls::{BitField, Expect, Frame, LengthField, Pattern, StartTls, Step},
    tcp::{Endpoint, LocalRoute, OpenPort, PortState, PortSweep, Route, SweepFacts, TcpConnect, TcpFacts},
    tls::{
        Anchor, AnchorStore, ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust, UntrustedKind,
    },
    trust_store::{StoreVerdict, TrustIn, TrustInStores, TrustStore},
    udp::{UdpAnswer, UdpAsk, UdpFacts, UdpProtocol, UdpState, UdpSweep},
    view::{Family, LookFrom, View},
};
