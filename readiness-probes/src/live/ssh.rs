//! Conversations in SSH, as far as a look needs them: versions, keys, and which log-ins are offered.
//!
//! The clients of SSH that there are begin tasks of their own, which outlive a run, bring their own
//! cryptography, and do not tell which algorithms a server offers. What is needed here is small: the key
//! exchange and the proofs are the provider's.

use std::{sync::Arc, time::Instant};

use readiness_core::{Looking, ObserveError, Source};
use tokio::net::TcpStream;

use super::{
    channel::{Clean, Login, Stop, Talk, held},
    link::tcp::{Dialled, dial, micros},
    settings::Shared,
};
use crate::dep::ssh::session::{SshEnd, SshFacts, SshPassword, SshSession};

mod cipher;
mod exchange;
mod host_key;
mod message;
#[cfg(test)]
mod tests;
mod transport;
mod wire;

use self::{
    exchange::{Versions, exchange},
    transport::Transport,
    wire::{Reader, Writer},
};

/// What we say we are (RFC 4253, section 4.2).
const VERSION: &str = concat!("SSH-2.0-readiness_", env!("CARGO_PKG_VERSION"));
/// RFC 4253, section 11.1: the end by the application, which is none of a fault.
const BY_APPLICATION: u32 = 11;

/// Answers [`SshSession`].
pub(crate) struct SshSource(pub(crate) Arc<Shared>);

impl Source<SshSession> for SshSource {
    async fn look(&self, key: SshSession, cx: Looking) -> Result<SshFacts, ObserveError> {
        let login = Login::find(&cx, key.credential.as_deref(), &key.origin)?;
        cx.spend("tcp_connections", 1);
        let clean = Clean {
            cx: &cx,
            login: login.as_ref(),
        };
        let Dialled { facts: tcp, stream } = dial(&self.0, key.endpoint.address).await?;
        let mut facts = SshFacts::new(tcp, SshEnd::NotOpen);
        let Ok(stream) = stream else {
            return Ok(facts);
        };
        let began = Instant::now();
        let broken = held(talk(&self.0, &key, clean, stream, &mut facts)).await?;
        if let Some(broken) = broken {
            facts.end = SshEnd::Broken(broken);
        }
        facts.session_us = micros(began.elapsed());
        Ok(facts)
    }
}

async fn talk(
    shared: &Shared,
    key: &SshSession,
    clean: Clean<'_>,
    stream: TcpStream,
    facts: &mut SshFacts,
) -> Result<(), Stop> {
    let mut transport = Transport::new(Talk::new(stream));
    let text = |bytes: &[u8]| clean.text(bytes);
    transport.talk.send(format!("{VERSION}\r\n").as_bytes()).await?;
    let version = transport.version(text).await?;
    facts.version = clean.text(&version.line);
    facts.early_lines = version.early_lines;
    // RFC 4253, section 5.1: 1.99 is a server that speaks version 2 as well.
    if !version.line.starts_with(b"SSH-2.0-") && !version.line.starts_with(b"SSH-1.99-") {
        facts.end = SshEnd::OtherVersion;
        return Err(Stop::Told);
    }
    let versions = Versions {
        ours: VERSION.as_bytes(),
        theirs: &version.line,
    };
    exchange(&mut transport, &shared.tls.provider, &versions, text, facts).await?;
    let asked = ask(&mut transport, key, clean, facts).await;
    // Politeness: without it the server logs a lost connection. What was asked is answered, so a failure is
    // none.
    let goodbye = Writer::new(message::DISCONNECT)
        .number(BY_APPLICATION)
        .string(b"")
        .string(b"");
    let _ = transport.send(&goodbye.0).await;
    asked
}

/// Asks which log-ins there are, and tries the password where one belongs to the user (RFC 4252).
async fn ask(
    transport: &mut Transport,
    key: &SshSession,
    clean: Clean<'_>,
    facts: &mut SshFacts,
) -> Result<(), Stop> {
    let text = |bytes: &[u8]| clean.text(bytes);
    let wanted = Writer::new(message::SERVICE_REQUEST).string(b"ssh-userauth");
    transport.send(&wanted.0).await?;
    let payload = next(transport).await?;
    match payload.first() {
        Some(&message::SERVICE_ACCEPT) => {}
        Some(&message::DISCONNECT) => return Err(message::disconnected(&payload, text, facts)),
        other => return Err(message::unasked(other).into()),
    }
    let request = |method: &str| {
        Writer::new(message::AUTH_REQUEST)
            .string(key.user.as_bytes())
            .string(b"ssh-connection")
            .string(method.as_bytes())
    };
    transport.send(&request("none").0).await?;
    let payload = next(transport).await?;
    match payload.first() {
        Some(&message::AUTH_SUCCESS) => facts.log_in.without_proof = true,
        Some(&message::AUTH_FAILURE) => {
            let mut reader = Reader(&payload);
            reader.byte()?;
            facts.log_in.methods = Some(reader.names()?);
        }
        Some(&message::DISCONNECT) => return Err(message::disconnected(&payload, text, facts)),
        other => return Err(message::unasked(other).into()),
    }
    facts.end = SshEnd::Done;
    let login = clean
        .login
        .filter(|login| login.user == key.user && !login.password.is_empty());
    let takes_passwords = |name: &String| name == "password";
    let methods = facts.log_in.methods.as_deref().unwrap_or_default();
    let Some(login) = login.filter(|_| methods.iter().any(takes_passwords)) else {
        return Ok(());
    };
    let is_known = facts
        .host_key
        .as_ref()
        .is_some_and(|host| host.is_proven && key.known_keys.contains(&host.fingerprint));
    if !is_known {
        facts.end = SshEnd::CredentialWithheld;
        return Ok(());
    }
    let tried = request("password").byte(0).string(login.password.as_bytes());
    transport.send(&tried.0).await?;
    let payload = next(transport).await?;
    let mut reader = Reader(&payload);
    facts.log_in.password = Some(match reader.byte()? {
        message::AUTH_SUCCESS => SshPassword::Accepted,
        message::PASSWORD_CHANGE => SshPassword::MoreWanted,
        message::AUTH_FAILURE => {
            reader.string()?;
            // Partial success: the password was right, and is not enough.
            match reader.byte()? {
                0 => SshPassword::Refused,
                _ => SshPassword::MoreWanted,
            }
        }
        message::DISCONNECT => return Err(message::disconnected(&payload, text, facts)),
        other => return Err(message::unasked(Some(&other)).into()),
    });
    Ok(())
}

/// The next message that answers something.
async fn next(transport: &mut Transport) -> Result<Vec<u8>, Stop> {
    loop {
        let payload = transport.receive().await?;
        match payload.first() {
            Some(
                &(message::IGNORE
                | message::UNIMPLEMENTED
                | message::DEBUG
                | message::EXT_INFO
                | message::AUTH_BANNER
                | message::GLOBAL_REQUEST),
            ) => {}
            _ => return Ok(payload),
        }
    }
}
