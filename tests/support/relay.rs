//! A relay of TCP connections that counts them.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, UnixStream},
    runtime::Runtime,
};

/// Listens on one port of several addresses, and passes every connection on to a socket.
pub struct Relay {
    pub port: u16,
    listeners: Vec<(TcpListener, Arc<AtomicUsize>)>,
    counts: Vec<Arc<AtomicUsize>>,
}

impl Relay {
    /// Takes a port that is free on all of them.
    pub async fn bind(addresses: &[IpAddr]) -> Self {
        'again: loop {
            let mut listeners: Vec<(TcpListener, Arc<AtomicUsize>)> = Vec::new();
            let mut port = 0;
            for &address in addresses {
                let Ok(listener) = TcpListener::bind(SocketAddr::new(address, port)).await else {
                    // Somebody else has it on this address.
                    continue 'again;
                };
                port = listener.local_addr().unwrap().port();
                listeners.push((listener, Arc::default()));
            }
            let counts = listeners.iter().map(|(_, count)| Arc::clone(count)).collect();
            return Self {
                port,
                listeners,
                counts,
            };
        }
    }

    /// Begins to pass connections on. It ends with the runtime.
    pub fn start(&mut self, runtime: &Runtime, to: &Path) {
        for (listener, count) in self.listeners.drain(..) {
            let to = to.to_path_buf();
            runtime.spawn(async move {
                while let Ok((mut client, _)) = listener.accept().await {
                    count.fetch_add(1, Ordering::SeqCst);
                    let to = to.clone();
                    tokio::spawn(async move {
                        if let Ok(mut server) = UnixStream::connect(&to).await {
                            let _ = copy_bidirectional(&mut client, &mut server).await;
                        }
                    });
                }
            });
        }
    }

    /// How many connections came since the last call, for each address.
    pub fn taken(&self) -> Vec<usize> {
        self.counts
            .iter()
            .map(|count| count.swap(0, Ordering::SeqCst))
            .collect()
    }
}
