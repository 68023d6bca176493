//! Messages put together by hand, and servers that keep to no protocol.

use std::net::SocketAddr;

use hickory_resolver::proto::{
    op::{Message, ResponseCode},
    rr::RecordType as WireType,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UdpSocket},
    task::JoinHandle,
};

use super::{
    HOST,
    nameserver::{answer, asks_for, record},
};

pub(super) fn bytes(message: &Message) -> Vec<u8> {
    message.to_vec().unwrap()
}

pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

/// Where the records of a reply begin: behind the header, the name with its root, the type and the class.
pub(super) fn records_at(query: &Message) -> usize {
    12 + query.queries[0].name().len() + 1 + 4
}

/// A reply put together by hand: the header with these counts, the question, and any bytes.
pub(super) fn raw(query: &Message, counts: [u16; 4], body: &[u8]) -> Vec<u8> {
    let sent = bytes(query);
    let mut reply = sent[..2].to_vec();
    reply.extend([0x81, 0x80]);
    reply.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    reply.extend(&sent[12..records_at(query)]);
    reply.extend(body);
    reply
}

/// A record put together by hand.
pub(super) fn record_of(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend([0, 1, 0, 0, 0, 60]);
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

/// The name asked for, as a pointer to the question.
pub(super) const ASKED: [u8; 2] = [0xc0, 12];

/// A server that stumbles over EDNS, whose answers never fit, and whose TCP side does as `serve` says.
pub(super) struct Truncating {
    pub(super) address: SocketAddr,
    tasks: [JoinHandle<()>; 2],
}

impl Truncating {
    pub(super) async fn start<F: Future<Output = ()> + Send>(
        serve: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
    ) -> Self {
        let (listener, socket) = loop {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            if let Ok(listener) = TcpListener::bind(socket.local_addr().unwrap()).await {
                break (listener, socket);
            }
        };
        let address = socket.local_addr().unwrap();
        let over_udp = async move {
            let mut buffer = [0; 512];
            while let Ok((length, peer)) = socket.recv_from(&mut buffer).await {
                let query = Message::from_vec(&buffer[..length]).unwrap();
                let code = match query.edns {
                    Some(_) => ResponseCode::FormErr,
                    None => ResponseCode::NoError,
                };
                let mut short = answer(&query, code, vec![]);
                short.metadata.truncation = query.edns.is_none();
                socket.send_to(&bytes(&short), peer).await.unwrap();
            }
        };
        let over_tcp = async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream).await;
            }
        };
        let tasks = [tokio::spawn(over_udp), tokio::spawn(over_tcp)];
        Self { address, tasks }
    }
}

impl Drop for Truncating {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

pub(super) async fn hear(stream: &mut tokio::net::TcpStream) -> Message {
    let length = stream.read_u16().await.unwrap();
    let mut query = vec![0; usize::from(length)];
    stream.read_exact(&mut query).await.unwrap();
    Message::from_vec(&query).unwrap()
}

/// Says one byte, and nothing more as long as somebody waits.
pub(super) async fn stalls(stream: tokio::net::TcpStream) {
    tokio::spawn(async move {
        let mut held = stream;
        let _ = held.write_all(&[0]).await;
        std::future::pending::<()>().await;
    });
}

pub(super) fn one(query: &Message) -> Message {
    let records = if asks_for(query, WireType::A) {
        vec![record(HOST, [192, 0, 2, 1].into())]
    } else {
        vec![]
    };
    answer(query, ResponseCode::NoError, records)
}
