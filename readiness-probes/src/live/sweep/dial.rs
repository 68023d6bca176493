//! One connection attempt: sockets, and what their errors mean.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr, SocketAddrV6},
    time::Duration,
};

use readiness_core::fact::PortSweep;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::{
    io::Interest,
    net::TcpStream,
    time::{Instant, timeout_at},
};

/// The most bytes of a banner that are read.
pub(super) const MOST_BANNER_BYTES: usize = 256;

/// What became of one attempt.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Answer {
    Closed,
    /// A filter answered for the port.
    Filtered,
    /// This machine's own rules do not let the attempt out.
    Forbidden,
    /// This machine had no descriptor, port or memory left; the peer was not asked.
    NoRoom,
    /// This machine has no route to the address.
    NoRoute,
    Open,
    /// It accepted, and reset the connection at once.
    Reset,
    /// The socket met itself: nothing listened, and the kernel had given it the very port it went to.
    SelfConnect,
    Silent,
    Unreachable,
}

/// An attempt that may have been answered before the call came back.
#[derive(Debug)]
pub(super) enum Dialled<W> {
    Now(Answer),
    Later(W),
}

/// How ports are tried: over sockets, or over a made-up network in tests.
pub(super) trait Dial: Sync {
    /// Tries a port and waits so long for an answer.
    fn dial(&self, port: u16, patience: Duration) -> Dialled<impl Future<Output = Answer> + Send>;

    /// Tries a port again, and if it accepts listens for so long to what it says by itself.
    fn listen(&self, port: u16, patience: Duration) -> impl Future<Output = (Answer, Vec<u8>)> + Send;
}

/// The ports of one address, over sockets. Nothing is ever sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sockets {
    address: IpAddr,
    scope_id: u32,
    polite_close: bool,
}

impl Sockets {
    pub(super) fn of(key: &PortSweep) -> Self {
        Self {
            address: key.address,
            scope_id: key.scope_id,
            polite_close: key.polite_close,
        }
    }

    fn at(&self, port: u16) -> SocketAddr {
        match self.address {
            IpAddr::V4(v4) => SocketAddr::new(v4.into(), port),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, self.scope_id).into(),
        }
    }

    /// Lets the close be a reset, which leaves no TIME_WAIT behind. Right only where nothing was sent, and
    /// not wished where the peer writes each reset into its log.
    fn abort_on_drop(&self, socket: SockRef<'_>) {
        if !self.polite_close {
            let _ = socket.set_linger(Some(Duration::ZERO));
        }
    }
}

impl Dial for Sockets {
    fn dial(&self, port: u16, patience: Duration) -> Dialled<impl Future<Output = Answer> + Send> {
        match begin(self.at(port)) {
            Begun::Answered(answer) => Dialled::Now(answer),
            Begun::Open(socket) => {
                self.abort_on_drop(SockRef::from(&socket));
                Dialled::Now(Answer::Open)
            }
            Begun::Waiting(socket) => match TcpStream::from_std(socket.into()) {
                Err(e) => Dialled::Now(answer_of_begin(&e)),
                Ok(stream) => Dialled::Later(async move {
                    let answer = wait(&stream, patience).await;
                    if answer == Answer::Open {
                        self.abort_on_drop(SockRef::from(&stream));
                    }
                    answer
                }),
            },
        }
    }

    async fn listen(&self, port: u16, patience: Duration) -> (Answer, Vec<u8>) {
        let (socket, is_open) = match begin(self.at(port)) {
            Begun::Answered(answer) => return (answer, Vec::new()),
            Begun::Open(socket) => (socket, true),
            Begun::Waiting(socket) => (socket, false),
        };
        let stream = match TcpStream::from_std(socket.into()) {
            Ok(stream) => stream,
            Err(e) => return (answer_of_begin(&e), Vec::new()),
        };
        if !is_open {
            let answer = wait(&stream, patience).await;
            if answer != Answer::Open {
                return (answer, Vec::new());
            }
        }
        let heard = read_banner(&stream, patience).await;
        self.abort_on_drop(SockRef::from(&stream));
        heard
    }
}

enum Begun {
    Answered(Answer),
    Open(Socket),
    Waiting(Socket),
}

fn begin(to: SocketAddr) -> Begun {
    let socket = match nonblocking_socket(to) {
        Ok(socket) => socket,
        Err(e) => return Begun::Answered(answer_of_begin(&e)),
    };
    match socket.connect(&to.into()) {
        Ok(()) => {}
        Err(e) if is_under_way(&e) => {}
        Err(e) => return Begun::Answered(answer_of_begin(&e)),
    }
    // Over loopback the answer is here already: looking at once spares the poller two system calls.
    match met(SockRef::from(&socket)) {
        None => Begun::Waiting(socket),
        Some(Answer::Open) => Begun::Open(socket),
        Some(answer) => Begun::Answered(answer),
    }
}

fn nonblocking_socket(to: SocketAddr) -> io::Result<Socket> {
    let domain = Domain::for_address(to);
    #[cfg(any(target_os = "android", target_os = "linux"))]
    return Socket::new(domain, Type::STREAM.nonblocking(), None);
    #[cfg(not(any(target_os = "android", target_os = "linux")))]
    {
        let socket = Socket::new(domain, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        Ok(socket)
    }
}

/// How the attempt ended; `None` while it is under way.
pub(super) fn met(socket: SockRef<'_>) -> Option<Answer> {
    match socket.take_error() {
        Ok(None) => {}
        Ok(Some(e)) | Err(e) => return Some(answer_of(&e)),
    }
    let peer = socket.peer_addr().ok()?;
    // Two ends with one address are one socket: a connection to itself (RFC 9293, section 3.5,
    // simultaneous open). No listener can hold a port that was given away like this.
    match socket.local_addr() {
        Ok(local) if local.as_socket() == peer.as_socket() => Some(Answer::SelfConnect),
        _ => Some(Answer::Open),
    }
}

async fn wait(stream: &TcpStream, patience: Duration) -> Answer {
    let deadline = Instant::now() + patience;
    loop {
        let ready = timeout_at(deadline, stream.writable()).await;
        // Also at the end: on a busy machine the answer may be here and not be told yet.
        if let Some(answer) = met(SockRef::from(stream)) {
            return answer;
        }
        match ready {
            Err(_) => return Answer::Silent,
            Ok(Err(e)) => return answer_of(&e),
            // A false alarm: forget it, so that the next wait does wait.
            Ok(Ok(())) => {
                let _ = stream.try_io(Interest::WRITABLE, || -> io::Result<()> {
                    Err(io::ErrorKind::WouldBlock.into())
                });
            }
        }
    }
}

async fn read_banner(stream: &TcpStream, patience: Duration) -> (Answer, Vec<u8>) {
    let mut answer = Answer::Open;
    let deadline = Instant::now() + patience;
    let mut banner = [0; MOST_BANNER_BYTES];
    let mut length = 0;
    while let Some(free) = banner.get_mut(length..).filter(|free| !free.is_empty()) {
        if !matches!(timeout_at(deadline, stream.readable()).await, Ok(Ok(()))) {
            break;
        }
        match stream.try_read(free) {
            Ok(0) => break,
            Ok(n) => length += n,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(e) => {
                if e.kind() == io::ErrorKind::ConnectionReset {
                    answer = Answer::Reset;
                }
                break;
            }
        }
    }
    (answer, banner.get(..length).unwrap_or_default().to_vec())
}

/// What an error says that came while waiting: from the peer, or from the network.
pub(super) fn answer_of(error: &io::Error) -> Answer {
    use io::ErrorKind as Kind;
    if is_lack_of_room(error) {
        return Answer::NoRoom;
    }
    match error.kind() {
        Kind::ConnectionRefused => Answer::Closed,
        // Accepted, and reset before we looked: a port that nobody listens on refuses instead.
        Kind::BrokenPipe | Kind::ConnectionAborted | Kind::ConnectionReset => Answer::Reset,
        Kind::HostUnreachable | Kind::NetworkDown | Kind::NetworkUnreachable => Answer::Unreachable,
        _ if is_host_gone(error) => Answer::Unreachable,
        // A timeout of the kernel, and what filters cause: EACCES is ICMPv6 "administratively
        // prohibited" (RFC 4443, section 3.1), ENOPROTOOPT is ICMP "protocol unreachable".
        _ => Answer::Filtered,
    }
}

/// What an error says that `socket` or `connect` gave back at once: mostly of this machine.
pub(super) fn answer_of_begin(error: &io::Error) -> Answer {
    match error.kind() {
        io::ErrorKind::PermissionDenied => Answer::Forbidden,
        // The routing table's own answer; the network's would come later.
        io::ErrorKind::NetworkUnreachable => Answer::NoRoute,
        // A link-local address without its zone.
        io::ErrorKind::InvalidInput => Answer::NoRoute,
        _ => answer_of(error),
    }
}

#[cfg(unix)]
fn is_under_way(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::INPROGRESS)
}

#[cfg(not(unix))]
fn is_under_way(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

fn is_lack_of_room(error: &io::Error) -> bool {
    // EADDRNOTAVAIL: every local port towards this address is in use.
    if matches!(
        error.kind(),
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::OutOfMemory
    ) {
        return true;
    }
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        matches!(
            Errno::from_io_error(error),
            Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOSPC)
        )
    }
    #[cfg(not(unix))]
    false
}

fn is_host_gone(error: &io::Error) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::io::Errno;
        matches!(Errno::from_io_error(error), Some(Errno::HOSTDOWN | Errno::NONET))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = error;
        false
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};

    use rustix::io::Errno;
    use tokio::io::AsyncWriteExt;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn loopback() -> Sockets {
        Sockets {
            address: Ipv4Addr::LOCALHOST.into(),
            scope_id: 0,
            polite_close: false,
        }
    }

    async fn dial(port: u16) -> Answer {
        match loopback().dial(port, PATIENCE) {
            Dialled::Now(answer) => answer,
            Dialled::Later(wait) => wait.await,
        }
    }

    #[tokio::test]
    async fn open_and_closed_are_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(dial(port).await, Answer::Open);
        drop(listener);
        assert_eq!(dial(port).await, Answer::Closed);
    }

    #[tokio::test]
    async fn a_socket_that_meets_itself_is_no_open_port() {
        for ip in [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()] {
            let any = SocketAddr::new(ip, 0);
            let Ok(socket) = Socket::new(Domain::for_address(any), Type::STREAM, None) else {
                continue; // no IPv6 here
            };
            if socket.bind(&any.into()).is_err() {
                assert!(ip.is_ipv6(), "127.0.0.1 must be there");
                continue;
            }
            let own = socket.local_addr().unwrap();
            socket.connect(&own).unwrap();
            assert_eq!(met(SockRef::from(&socket)), Some(Answer::SelfConnect));
        }
    }

    #[tokio::test]
    async fn a_banner_is_read_and_capped() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            // resets us in the end, as it should
            let _ = stream.write_all(&[b'x'; 10_000]).await;
            stream
        };
        let sockets = loopback();
        let (_stream, (answer, banner)) = tokio::join!(server, sockets.listen(port, PATIENCE));
        assert_eq!((answer, banner), (Answer::Open, vec![b'x'; MOST_BANNER_BYTES]));
    }

    #[tokio::test]
    async fn a_port_that_says_nothing_or_hangs_up_has_no_banner() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let quick = Duration::from_millis(20);
        assert_eq!(loopback().listen(port, quick).await, (Answer::Open, Vec::new()));
        drop(listener.accept().await.unwrap());
        let sockets = loopback();
        let hang_up = async { drop(listener.accept().await.unwrap()) };
        let ((), heard) = tokio::join!(hang_up, sockets.listen(port, PATIENCE));
        assert_eq!(heard, (Answer::Open, Vec::new()));
        drop(listener);
        assert_eq!(loopback().listen(port, quick).await.0, Answer::Closed);
    }

    #[tokio::test]
    async fn a_connection_that_is_reset_is_told_as_such() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sockets = loopback();
        let reset = async {
            let (stream, _) = listener.accept().await.unwrap();
            SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        };
        let ((), heard) = tokio::join!(reset, sockets.listen(port, PATIENCE));
        assert_eq!(heard, (Answer::Reset, Vec::new()));
    }

    #[tokio::test]
    async fn a_close_is_a_reset_unless_it_shall_be_polite() {
        use tokio::io::AsyncReadExt;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for polite_close in [false, true] {
            let sockets = Sockets {
                polite_close,
                ..loopback()
            };
            let answer = match sockets.dial(port, PATIENCE) {
                Dialled::Now(answer) => answer,
                Dialled::Later(wait) => wait.await,
            };
            assert_eq!(answer, Answer::Open);
            let (mut stream, _) = listener.accept().await.unwrap();
            let met = stream.read(&mut [0; 1]).await.map_err(|e| e.kind());
            let expected = if polite_close {
                Ok(0)
            } else {
                Err(io::ErrorKind::ConnectionReset)
            };
            assert_eq!(met, expected);
        }
    }

    #[test]
    fn errors_mean_what_they_say() {
        for (errno, waiting, at_once) in [
            (Errno::CONNREFUSED, Answer::Closed, Answer::Closed),
            (Errno::CONNRESET, Answer::Reset, Answer::Reset),
            (Errno::HOSTUNREACH, Answer::Unreachable, Answer::Unreachable),
            (Errno::NETUNREACH, Answer::Unreachable, Answer::NoRoute),
            (Errno::HOSTDOWN, Answer::Unreachable, Answer::Unreachable),
            (Errno::TIMEDOUT, Answer::Filtered, Answer::Filtered),
            (Errno::NOPROTOOPT, Answer::Filtered, Answer::Filtered),
            (Errno::ACCESS, Answer::Filtered, Answer::Forbidden),
            (Errno::PERM, Answer::Filtered, Answer::Forbidden),
            (Errno::MFILE, Answer::NoRoom, Answer::NoRoom),
            (Errno::NFILE, Answer::NoRoom, Answer::NoRoom),
            (Errno::NOBUFS, Answer::NoRoom, Answer::NoRoom),
            (Errno::ADDRNOTAVAIL, Answer::NoRoom, Answer::NoRoom),
        ] {
            let error = io::Error::from(errno);
            assert_eq!(
                (answer_of(&error), answer_of_begin(&error)),
                (waiting, at_once),
                "{error}"
            );
        }
    }
}
