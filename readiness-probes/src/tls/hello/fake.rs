//! For tests: a server of any version, as far as a hello can tell.

use std::{net::SocketAddr, time::Duration};

use readiness_core::{
    Probe, Report, Requirement, Runner, Suite, Target, fact::TlsVersion, observe::Recording,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::forge::{Asked, alert, alpn, certificate, curve, done, flight, prime, retry, server_hello};
use crate::{
    live::Live,
    tls::suite::{self, KeyExchange},
};

/// What a server takes, in its own order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) versions: Vec<(TlsVersion, Vec<u16>)>,
    pub(crate) groups: Vec<u16>,
    /// Whether its own order counts.
    pub(crate) decides: bool,
    pub(crate) sees_fallback: bool,
    pub(crate) prime_bytes: usize,
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) alpn: Option<&'static str>,
    pub(crate) refuses: Refusal,
    /// It answers so many connections, and no more.
    pub(crate) patience: Option<usize>,
    /// It closes the connections it does not answer any more, instead of being silent.
    pub(crate) hangs_up: bool,
    /// What it answers to the request of PostgreSQL's clients for TLS, which it then waits for.
    pub(crate) postgres: Option<u8>,
    /// It does not answer more suites than this.
    pub(crate) most_suites: Option<usize>,
}

/// What it does with what it does not take.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Refusal {
    #[default]
    Alert,
    Close,
    Silence,
}

impl Model {
    pub(crate) fn of(versions: &[(TlsVersion, &[u16])]) -> Self {
        Self {
            versions: versions
                .iter()
                .map(|(version, suites)| (*version, suites.to_vec()))
                .collect(),
            groups: vec![29, 23],
            prime_bytes: 256,
            sees_fallback: true,
            chain: vec![b"leaf".to_vec()],
            ..Self::default()
        }
    }

    /// What it sends; nothing where it hangs, and `None` where it closes.
    fn answer(&self, asked: &Asked, nth: usize) -> Option<Vec<u8>> {
        let is_tired = self.patience.is_some_and(|most| nth >= most);
        if is_tired && self.hangs_up {
            return None;
        }
        let is_tired = is_tired || self.most_suites.is_some_and(|most| asked.suites.len() > most);
        if is_tired {
            return Some(Vec::new());
        }
        match (self.agree(asked), self.refuses) {
            (Ok(bytes), _) => Some(bytes),
            (Err(code), Refusal::Alert) => Some(alert(2, code)),
            (Err(_), Refusal::Close) => None,
            (Err(_), Refusal::Silence) => Some(Vec::new()),
        }
    }

    fn agree(&self, asked: &Asked) -> Result<Vec<u8>, u8> {
        let is_newest = self
            .versions
            .iter()
            .all(|(version, _)| version.number() <= asked.version);
        if asked.suites.contains(&0x5600) && !is_newest && self.sees_fallback {
            return Err(86);
        }
        let is_13 = asked.version == TlsVersion::Tls13.number();
        let fits = |version: TlsVersion| match is_13 {
            true => version == TlsVersion::Tls13,
            false => version != TlsVersion::Tls13 && version.number() <= asked.version,
        };
        let taken = self.versions.iter().filter(|(version, _)| fits(*version));
        let (version, own) = taken.max_by_key(|(version, _)| *version).ok_or(70)?;
        let (first, second) = if self.decides {
            (own, &asked.suites)
        } else {
            (&asked.suites, own)
        };
        let suite = *first.iter().find(|suite| second.contains(suite)).ok_or(40)?;
        let group = || {
            self.groups
                .iter()
                .find(|group| asked.groups.contains(group))
                .copied()
        };
        if is_13 {
            return Ok(flight(&[retry(suite, group().ok_or(40_u8)?)]));
        }
        let protocol = self.alpn.map(alpn);
        let extensions: Vec<_> = protocol
            .into_iter()
            .filter(|_| *version >= TlsVersion::Tls12)
            .collect();
        let mut messages = vec![server_hello(version.number(), suite, &extensions)];
        let chain: Vec<&[u8]> = self.chain.iter().map(Vec::as_slice).collect();
        messages.push(certificate(&chain));
        match suite::Suite::of(suite).unwrap().key_exchange {
            KeyExchange::Ecdhe if *version == TlsVersion::Ssl3 => messages.push(curve(23)),
            KeyExchange::Ecdhe => messages.push(curve(group().ok_or(40_u8)?)),
            KeyExchange::Dhe => messages.push(prime(&vec![0xff; self.prime_bytes])),
            _ => {}
        }
        messages.push(done());
        Ok(flight(&messages))
    }

    /// Serves it on loopback.
    pub(crate) async fn serve(self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            for nth in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                let model = self.clone();
                tokio::spawn(async move {
                    let mut record = vec![0; 4096];
                    if let Some(answer) = model.postgres {
                        stream.read_exact(&mut [0; 8]).await.unwrap();
                        stream.write_all(&[answer]).await.unwrap();
                    }
                    let read = stream.read(&mut record).await.unwrap();
                    if read == 0 {
                        return;
                    }
                    let Some(bytes) = model.answer(&Asked::read(&record[..read]), nth) else {
                        return;
                    };
                    stream.write_all(&bytes).await.unwrap();
                    // It stays until the other end has enough.
                    let _ = stream.read(&mut record).await;
                });
            }
        });
        (address, server)
    }
}

/// Judges a server that is like this, from a quick run, and the same from its recording.
pub(crate) async fn judged<P: Probe + Clone + 'static>(model: Model, probe: &P) -> Report {
    let scheme = if model.postgres.is_some() {
        "postgres"
    } else {
        "https"
    };
    let (address, server) = model.serve().await;
    let target = Target::parse(&format!("{scheme}://localhost:{}", address.port())).unwrap();
    let live = Live::new()
        .resolve("localhost", address.ip())
        .tls_timeout(Duration::from_millis(150));
    let requirement = || Requirement::new(std::sync::Arc::new(probe.clone()), target.clone());
    let suite = Suite::new(live.sources().unwrap()).with(requirement()).unwrap();
    let (report, recording) = Runner::new().run_recorded(&suite).await;
    server.abort();
    let recording = Recording::from_json(&recording.to_json()).unwrap();
    let again = Suite::new(readiness_core::Sources::replaying(&recording));
    let again = Runner::new().run(&again.with(requirement()).unwrap()).await;
    assert_eq!(
        again.results[0].targets[0].outcome,
        report.results[0].targets[0].outcome
    );
    report
}
