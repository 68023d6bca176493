//! A nameserver for one name, on a port of its own.

use std::{
    error::Error,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use hickory_server::{
    Server,
    net::runtime::TokioRuntimeProvider,
    proto::rr::{Name, RData, Record, rdata::SOA},
    store::in_memory::InMemoryZoneHandler,
    zone_handler::{AxfrPolicy, Catalog, ZoneType},
};
use tokio::net::UdpSocket;

/// Answers until it is dropped.
pub struct Nameserver {
    pub address: SocketAddr,
    _server: Server<Catalog>,
}

pub async fn start(host: &str, address: Ipv4Addr) -> Result<Nameserver, Box<dyn Error>> {
    let zone = Name::from_ascii("test.")?;
    let soa = SOA::new(zone.clone(), zone.clone(), 1, 7200, 3600, 1_209_600, 60);
    let mut records =
        InMemoryZoneHandler::<TokioRuntimeProvider>::empty(zone.clone(), ZoneType::Primary, AxfrPolicy::Deny);
    records.upsert_mut(Record::from_rdata(zone.clone(), 300, RData::SOA(soa)), 1);
    let name = Name::from_ascii(format!("{host}."))?;
    records.upsert_mut(Record::from_rdata(name, 300, RData::A(address.into())), 1);

    let mut catalog = Catalog::new();
    catalog.upsert(zone.into(), vec![Arc::new(records)]);
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    let address = socket.local_addr()?;
    let mut server = Server::new(catalog);
    server.register_socket(socket);
    Ok(Nameserver {
        address,
        _server: server,
    })
}
