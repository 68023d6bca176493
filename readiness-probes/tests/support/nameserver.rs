//! A nameserver on loopback that says what a test wants it to say, and counts.

#![allow(
    dead_code,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "shared by several tests, none of which uses all of it"
)]

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use hickory_resolver::proto::{
    op::{Message, OpCode, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, AAAA, CNAME},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

/// What is sent back for one query: messages, in this order.
pub type Replies = Vec<Vec<u8>>;

/// Runs until it is dropped.
pub struct Nameserver {
    pub address: SocketAddr,
    udp: Arc<AtomicU32>,
    tcp: Arc<AtomicU32>,
    seen: Arc<Mutex<Vec<Message>>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Nameserver {
    /// Answers each query with what `reply(query, over_tcp)` gives.
    pub async fn start(reply: impl Fn(&Message, bool) -> Replies + Send + Sync + 'static) -> Self {
        let (socket, listener) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // Somebody else may have this port for TCP; then another one does.
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (socket, listener);
            }
        };
        let address = socket.local_addr().unwrap();
        let reply = Arc::new(reply);
        let (udp, tcp) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
        let seen = Arc::new(Mutex::new(Vec::new()));
        let over_udp = {
            let (reply, count, seen) = (Arc::clone(&reply), Arc::clone(&udp), Arc::clone(&seen));
            async move {
                let mut buffer = [0; 4096];
                while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                    let query = Message::from_vec(&buffer[..length]).unwrap();
                    count.fetch_add(1, Ordering::SeqCst);
                    seen.lock().unwrap().push(query.clone());
                    for bytes in reply(&query, false) {
                        socket.send_to(&bytes, peer).await.unwrap();
                    }
                }
            }
        };
        let over_tcp = {
            let count = Arc::clone(&tcp);
            async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let length = stream.read_u16().await.unwrap();
                    let mut bytes = vec![0; usize::from(length)];
                    stream.read_exact(&mut bytes).await.unwrap();
                    let query = Message::from_vec(&bytes).unwrap();
                    count.fetch_add(1, Ordering::SeqCst);
                    for bytes in reply(&query, true) {
                        // Whoever has heard enough hangs up.
                        let _ = stream.write_all(&bytes).await;
                    }
                }
            }
        };
        Self {
            address,
            udp,
            tcp,
            seen,
            tasks: vec![tokio::spawn(over_udp), tokio::spawn(over_tcp)],
        }
    }

    /// Answers every query with this code and these records.
    pub async fn saying(code: ResponseCode, records: Vec<Record>) -> Self {
        Self::start(move |query, _| vec![answer(query, code, records.clone()).to_vec().unwrap()]).await
    }

    /// Hears everything and says nothing.
    pub async fn silent() -> Self {
        Self::start(|_, _| Vec::new()).await
    }

    /// Knows the addresses of every name.
    pub async fn knowing(addresses: &[&str]) -> Self {
        let addresses: Vec<IpAddr> = addresses.iter().map(|a| a.parse().unwrap()).collect();
        Self::start(move |query, _| {
            let question = query.queries.first().unwrap();
            let records = addresses
                .iter()
                .map(|&a| record(&question.name().to_ascii(), a))
                .filter(|record| record.record_type() == question.query_type())
                .collect();
            vec![answer(query, ResponseCode::NoError, records).to_vec().unwrap()]
        })
        .await
    }

    /// How many queries came over UDP and over TCP.
    pub fn asked(&self) -> (u32, u32) {
        (self.udp.load(Ordering::SeqCst), self.tcp.load(Ordering::SeqCst))
    }

    /// The queries that came over UDP.
    pub fn seen(&self) -> Vec<Message> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Nameserver {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// A reply to a query.
pub fn answer(query: &Message, code: ResponseCode, records: Vec<Record>) -> Message {
    let mut answer = Message::response(query.metadata.id, OpCode::Query);
    answer.metadata.response_code = code;
    answer.metadata.recursion_available = true;
    answer.add_queries(query.queries.clone());
    answer.insert_answers(records);
    answer
}

/// A name with its final dot.
pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// The address of a name.
pub fn record(owner: &str, address: IpAddr) -> Record {
    let data = match address {
        IpAddr::V4(v4) => RData::A(A(v4)),
        IpAddr::V6(v6) => RData::AAAA(AAAA(v6)),
    };
    Record::from_rdata(name(owner), 300, data)
}

/// An alias of a name.
pub fn alias(owner: &str, to: &str) -> Record {
    Record::from_rdata(name(owner), 300, RData::CNAME(CNAME(name(to))))
}

/// Whether a query asks for this type.
pub fn asks_for(query: &Message, record_type: RecordType) -> bool {
    query
        .queries
        .iter()
        .any(|question| question.query_type() == record_type)
}
