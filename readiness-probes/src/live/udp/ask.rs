use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use readiness_core::{
    Looking, ObserveError, Source,
    fact::{ByteText, UdpAnswer, UdpAsk, UdpFacts, UdpState, UdpSweep},
};
use tokio::{
    net::UdpSocket,
    time::{Instant, timeout, timeout_at},
};

use super::question::{answers_from_elsewhere, question};

/// Answers [`UdpSweep`].
pub(crate) struct UdpSource;

impl UdpSource {
    /// Enough for every known question to a silent host.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(28);
}

/// So many questions at once: many systems send six ICMP messages to a peer, then one a second, and
/// without one a closed port cannot be told from a silent one.
const AT_ONCE: usize = 4;
/// The most questions of one sweep, tries of one, and time for an answer: keys may come from anywhere.
const MOST_ASKS: usize = 256;
const MOST_TRIES: u32 = 5;
const LONGEST_PATIENCE: Duration = Duration::from_secs(5);

impl Source<UdpSweep> for UdpSource {
    async fn look(&self, key: UdpSweep, cx: Looking) -> Result<UdpFacts, ObserveError> {
        let began = Instant::now();
        let patience = Duration::from_millis(u64::from(key.patience_ms)).min(LONGEST_PATIENCE);
        let tries = key.tries.clamp(1, MOST_TRIES);
        let mut answers: Vec<UdpAnswer> = stream::iter(key.asks.iter().take(MOST_ASKS).copied())
            .map(|one| ask(at(&key, one.port), one, tries, patience))
            .buffered(AT_ONCE)
            .collect()
            .await;
        let left = key.asks.iter().skip(MOST_ASKS);
        answers.extend(left.map(|one| UdpAnswer::new(*one, UdpState::Untried)));
        for answer in &mut answers {
            answer.head = ByteText::new(cx.scrub_bytes(answer.head.as_bytes()));
        }
        let sent: u64 = answers.iter().map(|answer| u64::from(answer.tries)).sum();
        cx.spend("udp_questions", sent);
        let mut facts = UdpFacts::default();
        facts.answers = answers;
        facts.duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        Ok(facts)
    }
}

fn at(key: &UdpSweep, port: u16) -> SocketAddr {
    match key.address {
        IpAddr::V4(v4) => SocketAddr::new(v4.into(), port),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, key.scope_id).into(),
    }
}

async fn ask(to: SocketAddr, ask: UdpAsk, tries: u32, patience: Duration) -> UdpAnswer {
    let question = question(ask.protocol);
    let mut answer = UdpAnswer::new(ask, UdpState::OpenOrFiltered);
    answer.asked_bytes = u32::try_from(question.len()).unwrap_or(u32::MAX);
    for attempt in 0..tries {
        // A socket with a peer is told of ICMP and hears that port alone; one without hears every port.
        let is_bound_to_peer = attempt == 0 || !answers_from_elsewhere(ask.protocol);
        match try_once(to, &question, is_bound_to_peer, patience, &mut answer).await {
            Ok(true) => {
                answer.state = UdpState::Answered;
                break;
            }
            Ok(false) => {}
            Err(state) => {
                answer.state = state;
                break;
            }
        }
    }
    answer
}

/// Whether an answer came; it is counted then. Else the state that an error tells.
async fn try_once(
    to: SocketAddr,
    question: &[u8],
    is_bound_to_peer: bool,
    patience: Duration,
    answer: &mut UdpAnswer,
) -> Result<bool, UdpState> {
    let any: IpAddr = match to {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).await.map_err(|e| of_begin(&e))?;
    let sent = if is_bound_to_peer {
        socket.connect(to).await.map_err(|e| of_begin(&e))?;
        socket.send(question).await
    } else {
        socket.send_to(question, to).await
    };
    sent.map_err(|e| of_begin(&e))?;
    answer.tries += 1;
    match timeout(patience, Ear::new(&socket, to.ip()).hear_all(answer)).await {
        Ok(Err(e)) => Err(of_wait(&e)),
        Ok(Ok(())) => Ok(true),
        // What came before the time was over is an answer too.
        Err(_) => Ok(answer.datagrams > 0),
    }
}

/// Hears the answers of one peer.
struct Ear<'a> {
    socket: &'a UdpSocket,
    peer: IpAddr,
}

impl<'a> Ear<'a> {
    fn new(socket: &'a UdpSocket, peer: IpAddr) -> Self {
        Self { socket, peer }
    }

    /// Hears the first datagram, then what follows it shortly: an answer may be many. A peer that does not
    /// stop is not heard to its end.
    async fn hear_all(&self, answer: &mut UdpAnswer) -> io::Result<()> {
        const FOLLOW_UP: Duration = Duration::from_millis(300);
        const MOST_HEAD_BYTES: usize = 256;
        const MOST_BYTES: u32 = 64 * 1024;
        const MOST_DATAGRAMS: u32 = 256;
        let mut buffer = vec![0; 64 * 1024];
        let mut until = None;
        loop {
            let heard = match until {
                None => self.hear(&mut buffer).await,
                Some(until) => match timeout_at(until, self.hear(&mut buffer)).await {
                    Ok(heard) => heard,
                    Err(_) => return Ok(()),
                },
            };
            let length = match heard {
                Ok(length) => length,
                // An error behind an answer tells nothing of the question.
                Err(_) if answer.datagrams > 0 => return Ok(()),
                Err(e) => return Err(e),
            };
            if answer.datagrams == 0 {
                let head = buffer.get(..length.min(MOST_HEAD_BYTES)).unwrap_or_default();
                answer.head = ByteText::new(head);
                until = Some(Instant::now() + FOLLOW_UP);
            }
            answer.datagrams += 1;
            answer.answered_bytes += u32::try_from(length).unwrap_or(0);
            if answer.answered_bytes >= MOST_BYTES || answer.datagrams >= MOST_DATAGRAMS {
                return Ok(());
            }
        }
    }

    /// Hears one datagram of the peer; those of others do not count.
    async fn hear(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let (length, from) = self.socket.recv_from(buffer).await?;
            if from.ip() == self.peer {
                return Ok(length);
            }
        }
    }
}

/// What an error means that came before the question was out.
fn of_begin(error: &io::Error) -> UdpState {
    match error.kind() {
        // Its own firewall, or its routing table.
        io::ErrorKind::PermissionDenied
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::InvalidInput => UdpState::NotSent,
        _ => UdpState::Untried,
    }
}

/// What an error means that came while waiting: ICMP told it.
fn of_wait(error: &io::Error) -> UdpState {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => UdpState::Closed,
        _ => UdpState::Filtered,
    }
}

#[cfg(test)]
mod tests {
    use readiness_core::fact::UdpProtocol;
    use tokio::join;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(1_500);

    async fn server() -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = socket.local_addr().unwrap();
        (socket, at)
    }

    async fn asked(at: SocketAddr, protocol: UdpProtocol, tries: u32, patience: Duration) -> UdpAnswer {
        ask(at, UdpAsk::new(at.port(), protocol), tries, patience).await
    }

    #[tokio::test]
    async fn an_answer_is_counted_to_its_last_datagram() {
        let (socket, at) = server().await;
        let serve = async {
            let mut buffer = [0; 64];
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[8..length], b"stats\r\n");
            for _ in 0..3 {
                socket.send_to(&[b'x'; 500], from).await.unwrap();
            }
        };
        let ((), answer) = join!(serve, asked(at, UdpProtocol::Memcached, 2, PATIENCE));
        assert_eq!(answer.state, UdpState::Answered);
        assert_eq!((answer.tries, answer.asked_bytes), (1, 15));
        assert_eq!((answer.answered_bytes, answer.datagrams), (1_500, 3));
        assert_eq!(answer.head.as_bytes(), [b'x'; 256]);
    }

    #[tokio::test]
    async fn icmp_says_closed_and_silence_does_not() {
        let (socket, at) = server().await;
        let quick = Duration::from_millis(20);
        let answer = asked(at, UdpProtocol::Ntp, 2, quick).await;
        assert_eq!((answer.state, answer.tries), (UdpState::OpenOrFiltered, 2));
        drop(socket);
        let answer = asked(at, UdpProtocol::Ntp, 2, PATIENCE).await;
        assert_eq!((answer.state, answer.tries), (UdpState::Closed, 1));
    }

    #[tokio::test]
    async fn a_lost_question_is_asked_again() {
        let (socket, at) = server().await;
        let serve = async {
            let mut buffer = [0; 64];
            socket.recv_from(&mut buffer).await.unwrap();
            let (_, from) = socket.recv_from(&mut buffer).await.unwrap();
            socket.send_to(b"late", from).await.unwrap();
        };
        let ((), answer) = join!(serve, asked(at, UdpProtocol::Dns, 2, Duration::from_millis(400)));
        assert_eq!((answer.state, answer.tries), (UdpState::Answered, 2));
    }

    #[tokio::test]
    async fn a_file_server_answers_from_another_port() {
        let (socket, at) = server().await;
        let (other, _) = server().await;
        let serve = async {
            let mut buffer = [0; 64];
            for _ in 0..2 {
                let (_, from) = socket.recv_from(&mut buffer).await.unwrap();
                other.send_to(b"\x00\x05\x00\x01no file\x00", from).await.unwrap();
            }
        };
        let ((), answer) = join!(serve, asked(at, UdpProtocol::Tftp, 2, Duration::from_millis(400)));
        assert_eq!((answer.state, answer.tries), (UdpState::Answered, 2));
    }

    #[tokio::test]
    async fn a_flood_is_not_heard_to_its_end() {
        let (socket, at) = server().await;
        let flood = async {
            let (_, from) = socket.recv_from(&mut [0; 64]).await.unwrap();
            loop {
                let _ = socket.send_to(&[b'x'; 9_000], from).await;
                tokio::task::yield_now().await;
            }
        };
        let answer = tokio::select! {
            answer = asked(at, UdpProtocol::Chargen, 1, PATIENCE) => answer,
            () = flood => unreachable!("it does not stop"),
        };
        assert_eq!(answer.state, UdpState::Answered);
        assert!(answer.answered_bytes < 80 * 1024 && answer.head.len() == 256);
    }

    #[test]
    fn errors_mean_what_they_say() {
        use io::ErrorKind as Kind;
        for (kind, begin, wait) in [
            (Kind::PermissionDenied, UdpState::NotSent, UdpState::Filtered),
            (Kind::NetworkUnreachable, UdpState::NotSent, UdpState::Filtered),
            (Kind::HostUnreachable, UdpState::NotSent, UdpState::Filtered),
            (Kind::ConnectionRefused, UdpState::Untried, UdpState::Closed),
            (Kind::AddrNotAvailable, UdpState::Untried, UdpState::Filtered),
        ] {
            let error = io::Error::from(kind);
            assert_eq!((of_begin(&error), of_wait(&error)), (begin, wait), "{kind:?}");
        }
    }
}
