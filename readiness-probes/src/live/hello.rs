//! One hello and its answer, over a connection of its own.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use readiness_core::{
    Looking, ObserveError, Reason, Source,
    fact::{Endpoint, HelloAnswer, HelloFacts, TlsHello},
};
use rustls::crypto::SecureRandom;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout_at,
};

use super::{
    link::{
        starttls::{Names, Refusal, negotiate},
        tcp::{dial, micros},
    },
    settings::Shared,
};
use crate::tls::hello::{End, Reply, write};

/// Answers [`TlsHello`].
pub(crate) struct HelloSource(pub(crate) Arc<Shared>);

impl HelloSource {
    /// How long the run should wait for one hello: longer than connecting and answering may take.
    pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
}

impl Source<TlsHello> for HelloSource {
    async fn look(&self, key: TlsHello, cx: Looking) -> Result<HelloFacts, ObserveError> {
        let shared = &*self.0;
        let Endpoint {
            address, name, tls, ..
        } = &key.endpoint;
        if *tls == key.starttls.is_some() {
            let problem = if *tls {
                "speaks TLS from the first byte, and holds no dialogue before it"
            } else {
                "is an endpoint without TLS"
            };
            return Err(ObserveError::new(Reason::ERROR, format!("{address} {problem}")));
        }
        cx.spend("tls_connections", 1);
        let dialled = dial(shared, *address).await?;
        let mut stream = dialled.stream.map_err(ObserveError::because)?;
        if let Some(script) = &key.starttls {
            let names = Names::new(name, stream.local_addr());
            if let Err(refusal) = negotiate(script, &names, &mut stream).await {
                let Refusal { reason, message } = refusal;
                return Ok(HelloFacts::new(HelloAnswer::NoDialogue { reason, message }));
            }
        }
        let random = random(shared.tls.provider.secure_random)?;
        let began = Instant::now();
        let mut facts = HelloFacts::new(exchange(&key, &random, stream, shared.tls.timeout).await);
        facts.duration_us = micros(began.elapsed());
        Ok(facts)
    }
}

fn random(from: &dyn SecureRandom) -> Result<[u8; 32], ObserveError> {
    let mut random = [0; 32];
    from.fill(&mut random).map_err(|_| {
        let said = "the provider of cryptography has no random numbers";
        ObserveError::new(Reason::ERROR, said)
    })?;
    Ok(random)
}

/// Sends the hello over any stream and reads the answer until it is whole or the time is over.
pub(in crate::live) async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    hello: &TlsHello,
    random: &[u8; 32],
    mut stream: S,
    timeout: Duration,
) -> HelloAnswer {
    let deadline = tokio::time::Instant::now() + timeout;
    let mut reply = Reply::new(hello);
    let sent = async {
        stream.write_all(&write(hello, random)).await?;
        stream.flush().await
    };
    // Who refuses at once may have said why before it closed: that is still there to be read.
    if timeout_at(deadline, sent).await.is_err() {
        return reply.end(End::Silent);
    }
    let mut chunk = [0; 4096];
    loop {
        let read = match timeout_at(deadline, stream.read(&mut chunk)).await {
            Err(_) => return reply.end(End::Silent),
            Ok(Ok(0)) => return reply.end(End::Closed),
            Ok(Ok(read)) => read,
            Ok(Err(e)) if e.kind() == io::ErrorKind::UnexpectedEof => return reply.end(End::Closed),
            Ok(Err(_)) => return reply.end(End::Reset),
        };
        if let Some(answer) = reply.push(chunk.get(..read).unwrap_or_default()) {
            return answer;
        }
    }
}

#[cfg(test)]
mod tests;
