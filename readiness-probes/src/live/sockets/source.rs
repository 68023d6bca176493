use std::time::Duration;

use readiness_core::{
    Looking, ObserveError, Source,
    fact::{SocketFacts, SocketTable},
};

/// Answers [`SocketTable`] from what the kernel tells under `/proc/net`.
pub(crate) struct SocketSource;

impl SocketSource {
    /// A machine with a million connections needs a while to write them down.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(8);
}

#[cfg(target_os = "linux")]
impl Source<SocketTable> for SocketSource {
    async fn look(&self, _: SocketTable, cx: Looking) -> Result<SocketFacts, ObserveError> {
        use readiness_core::Reason;
        // The kernel writes these files while they are read, and a reader cannot be interrupted.
        let mut facts = tokio::task::spawn_blocking(linux::read)
            .await
            .map_err(|e| ObserveError::new(Reason::ERROR, format!("reading stopped: {e}")))??;
        facts.first_unreadable = cx.scrub(&facts.first_unreadable);
        Ok(facts)
    }
}

#[cfg(not(target_os = "linux"))]
impl Source<SocketTable> for SocketSource {
    async fn look(&self, _: SocketTable, _: Looking) -> Result<SocketFacts, ObserveError> {
        use readiness_core::Reason;
        Err(ObserveError::new(
            Reason::NO_SOURCE,
            "socket tables are read on Linux alone; take `mode = \"outside\"`",
        ))
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::{
        fs::File,
        io::{self, BufReader},
        time::{Duration, Instant},
    };

    use readiness_core::{
        ObserveError, Reason,
        fact::{SocketFacts, Transport},
    };

    use super::super::table::Reader;

    /// The tables, and which protocol each is of. Those of this thread are those of its namespace; `self`
    /// would be the main thread's.
    const TABLES: [(&str, Transport); 4] = [
        ("tcp", Transport::Tcp),
        ("tcp6", Transport::Tcp),
        ("udp", Transport::Udp),
        ("udp6", Transport::Udp),
    ];

    pub(super) fn read() -> Result<SocketFacts, ObserveError> {
        /// The thread that reads ends by itself, before the run gives up.
        const PATIENCE: Duration = Duration::from_secs(6);
        let until = Instant::now() + PATIENCE;
        let mut reader = Reader::default();
        let mut missing = Vec::new();
        for (name, transport) in TABLES {
            match File::open(format!("/proc/thread-self/net/{name}")) {
                Ok(file) => reader
                    .read(transport, BufReader::with_capacity(64 * 1024, file), || {
                        Instant::now() < until
                    })
                    .map_err(|e| unreadable(name, &e))?,
                Err(e) if e.kind() == io::ErrorKind::NotFound => missing.push(name.to_owned()),
                Err(e) => return Err(unreadable(name, &e)),
            }
        }
        if missing.len() == TABLES.len() {
            return Err(ObserveError::new(
                Reason::ERROR,
                "there are no socket tables under `/proc/net`; is `/proc` mounted?",
            ));
        }
        let mut facts = reader.facts();
        facts.missing = missing;
        Ok(facts)
    }

    fn unreadable(name: &str, error: &io::Error) -> ObserveError {
        ObserveError::new(
            Reason::ERROR,
            format!("the socket table `/proc/net/{name}` cannot be read: {error}"),
        )
    }

    #[cfg(test)]
    mod tests {
        use std::net::{TcpListener, UdpSocket};

        use readiness_core::fact::LocalSocket;

        use super::*;

        #[test]
        fn a_socket_of_this_process_is_seen_while_it_is_there() {
            let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            let at = (tcp.local_addr().unwrap(), udp.local_addr().unwrap());
            let facts = read().unwrap();
            let is_there = |facts: &SocketFacts, transport, at: std::net::SocketAddr| {
                let wanted = LocalSocket::new(transport, at);
                facts.sockets.iter().any(|socket| {
                    (socket.transport, socket.address, socket.port)
                        == (wanted.transport, wanted.address, wanted.port)
                })
            };
            assert!(is_there(&facts, Transport::Tcp, at.0));
            assert!(is_there(&facts, Transport::Udp, at.1));
            assert!(!is_there(&facts, Transport::Udp, at.0) || at.0 == at.1);
            assert_eq!((facts.unreadable, facts.is_cut), (0, false));
        }
    }
}
