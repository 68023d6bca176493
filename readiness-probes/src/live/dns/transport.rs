use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use hickory_resolver::proto::op::Message;
use readiness_core::fact::DnsTransport;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{Instant, timeout_at},
};

use super::answer::{Question, Reply, dislikes_edns, read};

/// The longest datagram that is read: more than the 1,232 bytes we allow, as some servers send more.
const LONGEST_DATAGRAM: usize = 4096;

/// Asks one nameserver once: over UDP, and over TCP where the answer does not fit. `sent` is told of each
/// query that goes out. All of it together ends within `attempt`: a server that cuts its answers, stalls and
/// stumbles over EDNS costs no more than a silent one.
///
/// The socket is connected, so only this server's datagrams come in, and a port nobody listens on is told
/// at once. No future is left behind: everything happens here and ends with this one.
///
/// # Errors
/// Where no answer came, in words.
pub(super) async fn ask(
    server: SocketAddr,
    question: &Question,
    transport: DnsTransport,
    attempt: Duration,
    sent: impl Fn() + Send + Sync,
) -> Result<Box<Message>, String> {
    let end = Within {
        end: Instant::now() + attempt,
        attempt,
    };
    let mut with_edns = true;
    loop {
        let (query, bytes) = question.query(with_edns)?;
        let fits = match transport {
            DnsTransport::Tcp => None,
            _ => over_udp(server, &query, &bytes, end, &sent).await?,
        };
        let message = match (fits, transport) {
            (Some(message), _) => message,
            (None, DnsTransport::Udp) => return Err("a truncated message".to_owned()),
            (None, _) => over_tcp(server, &query, &bytes, end, &sent)
                .await
                .map_err(|problem| {
                    if transport == DnsTransport::Tcp {
                        format!("over TCP: {problem}")
                    } else {
                        format!("its answer is too long for UDP, and over TCP came {problem}")
                    }
                })?,
        };
        if with_edns && dislikes_edns(&message) {
            with_edns = false;
        } else {
            return Ok(message);
        }
    }
}

/// When a try ends, and how long it takes in all.
#[derive(Clone, Copy)]
struct Within {
    end: Instant,
    attempt: Duration,
}

/// `None` where the answer is truncated.
async fn over_udp(
    server: SocketAddr,
    query: &Message,
    bytes: &[u8],
    within: Within,
    sent: &(impl Fn() + Send + Sync),
) -> Result<Option<Box<Message>>, String> {
    let mut ignored = None;
    let exchange = async {
        let local: SocketAddr = match server {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(local).await?;
        socket.connect(server).await?;
        socket.send(bytes).await?;
        sent();
        let mut buffer = vec![0; LONGEST_DATAGRAM];
        loop {
            let length = socket.recv(&mut buffer).await?;
            match read(buffer.get(..length).unwrap_or_default(), query) {
                Reply::Answer(message) => return Ok(Some(message)),
                Reply::Truncated => return Ok(None),
                Reply::Nothing(what) => ignored = Some(what),
            }
        }
    };
    let result = timeout_at(within.end, exchange).await;
    match (result, ignored) {
        (Ok(Ok(answer)), _) => Ok(answer),
        (Ok(Err(e)), _) => Err(words(&e)),
        (Err(_), None) => Err(format!("no answer within {:?}", within.attempt)),
        (Err(_), Some(what)) => Err(format!("no answer within {:?}, only {what}", within.attempt)),
    }
}

async fn over_tcp(
    server: SocketAddr,
    query: &Message,
    bytes: &[u8],
    within: Within,
    sent: &(impl Fn() + Send + Sync),
) -> Result<Box<Message>, String> {
    let exchange = async {
        let mut stream = TcpStream::connect(server).await?;
        // RFC 1035, section 4.2.2: two bytes of length go before each message.
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        let mut framed = length.to_be_bytes().to_vec();
        framed.extend_from_slice(bytes);
        stream.write_all(&framed).await?;
        sent();
        let length = stream.read_u16().await?;
        let mut message = vec![0; usize::from(length)];
        stream.read_exact(&mut message).await?;
        io::Result::Ok(message)
    };
    let problem = match timeout_at(within.end, exchange).await {
        Ok(Ok(message)) => match read(&message, query) {
            Reply::Answer(message) => return Ok(message),
            Reply::Truncated => "a truncated message".to_owned(),
            Reply::Nothing(what) => what.to_owned(),
        },
        Ok(Err(e)) => words(&e),
        Err(_) => format!("no answer within {:?}", within.attempt),
    };
    Err(problem)
}

fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "nothing listens there".to_owned(),
        io::ErrorKind::ConnectionReset => "a reset".to_owned(),
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => "no route to it".to_owned(),
        io::ErrorKind::UnexpectedEof => "an end in the middle".to_owned(),
        _ => error.to_string(),
    }
}
