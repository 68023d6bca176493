#[cfg(feature = "tls")]
use std::sync::{Mutex, PoisonError};
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use readiness_core::{
    Cause, Looking, ObserveError, Reason,
    fact::{PortState, TcpFacts},
};
use tokio::net::TcpStream;

use super::{Shared, cause};

/// What became of a connection attempt.
pub(super) struct Connected {
    pub(super) facts: TcpFacts,
    /// Why there is no connection, for all who need one.
    pub(super) failed: Option<Cause>,
    /// Where nothing can stand on it, it is closed at once.
    #[cfg(feature = "tls")]
    stream: Mutex<Option<TcpStream>>,
}

impl Connected {
    /// The connection, for the one step that stands on it.
    #[cfg(feature = "tls")]
    pub(super) fn take(&self) -> Result<TcpStream, ObserveError> {
        if let Some(cause) = &self.failed {
            return Err(ObserveError::because(cause.clone()));
        }
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        stream.ok_or_else(|| ObserveError::new(Reason::ERROR, "the connection was taken twice"))
    }
}

/// Counts one connection among what the run costs.
pub(in crate::live) fn spend_connection(cx: &Looking, tls: bool) {
    cx.spend(if tls { "tls_connections" } else { "tcp_connections" }, 1);
}

pub(super) async fn connect(
    shared: Arc<Shared>,
    address: SocketAddr,
    tls: bool,
    cx: Looking,
) -> Result<Arc<Connected>, ObserveError> {
    spend_connection(&cx, tls);
    let Dialled { facts, stream } = dial(&shared, address).await?;
    let (stream, failed) = match stream {
        Ok(stream) => (Some(stream), None),
        Err(cause) => (None, Some(cause)),
    };
    // Where nothing can stand on it, it is closed here.
    #[cfg(not(feature = "tls"))]
    drop(stream);
    Ok(Arc::new(Connected {
        facts,
        failed,
        #[cfg(feature = "tls")]
        stream: Mutex::new(stream),
    }))
}

/// What became of dialling an address.
pub(in crate::live) struct Dialled {
    pub(in crate::live) facts: TcpFacts,
    /// The connection, or why there is none, for all who need one.
    pub(in crate::live) stream: Result<TcpStream, Cause>,
}

/// Opens a connection. Whatever the network answers is a fact; an error is one of this machine.
pub(in crate::live) async fn dial(shared: &Shared, address: SocketAddr) -> Result<Dialled, ObserveError> {
    let began = Instant::now();
    let result = tokio::time::timeout(shared.connect_timeout, TcpStream::connect(address)).await;
    let connect_us = micros(began.elapsed());
    let to = format!("connection to {address}");
    let failed = |state, reason, said: &str| {
        Ok(Dialled {
            facts: TcpFacts::new(state, connect_us),
            stream: Err(cause(to.clone(), reason, format!("{to} {said}"), shared)),
        })
    };
    let silent = || {
        let said = format!("got no answer within {:?}", shared.connect_timeout);
        failed(PortState::Filtered, Reason::TCP_SILENT, &said)
    };
    let refused = || failed(PortState::Closed, Reason::TCP_REFUSED, "was refused");
    let e = match result {
        Err(_) => return silent(),
        Ok(Ok(stream)) if has_met_itself(&stream) => return refused(),
        Ok(Ok(stream)) => {
            // Without it a small request may wait for an acknowledgement. What refuses it still connects.
            let _ = stream.set_nodelay(true);
            return Ok(Dialled {
                facts: TcpFacts::new(PortState::Open, connect_us),
                stream: Ok(stream),
            });
        }
        Ok(Err(e)) => e,
    };
    match e.kind() {
        io::ErrorKind::ConnectionRefused => refused(),
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            failed(PortState::Closed, Reason::TCP_RESET, "was reset")
        }
        io::ErrorKind::TimedOut => silent(),
        io::ErrorKind::PermissionDenied => {
            let said = "was filtered on the way, or by this machine";
            failed(PortState::Filtered, Reason::TCP_SILENT, said)
        }
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            let said = "failed: the host or its network cannot be reached";
            failed(PortState::Unreachable, Reason::TCP_UNREACHABLE, said)
        }
        _ => {
            let message = format!("{to} failed: {e}");
            Err(ObserveError::because(cause(to, Reason::ERROR, message, shared)))
        }
    }
}

/// A duration as facts hold it.
pub(in crate::live) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whether a socket that the kernel bound to the very port it connects to has met itself (RFC 9293, section
/// 3.5, simultaneous open): it is open, and nobody listens.
fn has_met_itself(stream: &TcpStream) -> bool {
    matches!((stream.local_addr(), stream.peer_addr()), (Ok(own), Ok(peer)) if own == peer)
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    #[tokio::test]
    async fn a_socket_that_meets_itself_is_told_from_a_peer() {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let own = socket.local_addr().unwrap();
        assert!(has_met_itself(&socket.connect(own).await.unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        assert!(!has_met_itself(&stream));
    }
}
