use std::{sync::Arc, time::Instant};

use readiness_core::{Looking, ObserveError, Source, fact::Trust};
use tokio::net::TcpStream;

use super::{
    channel::{Clean, Login, Stop, Talk, garbage, held, secure},
    link::tcp::{Dialled, dial, micros, spend_connection},
    settings::Shared,
};
use crate::{
    address::is_local,
    dep::{Broken, ChannelTls, RedisEnd, RedisFacts, RedisPing, RedisReply, ServerError},
};

/// Answers [`RedisPing`].
pub(crate) struct RedisSource(pub(crate) Arc<Shared>);

impl Source<RedisPing> for RedisSource {
    async fn look(&self, key: RedisPing, cx: Looking) -> Result<RedisFacts, ObserveError> {
        let login = Login::find(&cx, key.credential.as_deref(), &key.origin)?;
        spend_connection(&cx, key.endpoint.tls);
        let clean = Clean {
            cx: &cx,
            login: login.as_ref(),
        };
        ping(&self.0, &key, clean).await
    }
}

async fn ping(shared: &Shared, key: &RedisPing, clean: Clean<'_>) -> Result<RedisFacts, ObserveError> {
    let Dialled { facts: tcp, stream } = dial(shared, key.endpoint.address).await?;
    let mut facts = RedisFacts::new(tcp, RedisEnd::NotOpen);
    let Ok(stream) = stream else {
        return Ok(facts);
    };
    let began = Instant::now();
    if let Some(broken) = held(talk(shared, key, clean, stream, &mut facts)).await? {
        facts.end = RedisEnd::Broken(broken);
    }
    facts.session_us = micros(began.elapsed());
    Ok(facts)
}

async fn talk(
    shared: &Shared,
    key: &RedisPing,
    clean: Clean<'_>,
    stream: TcpStream,
    facts: &mut RedisFacts,
) -> Result<(), Stop> {
    let mut talk = if key.endpoint.tls {
        let (tls, talk) = secure(shared, &key.endpoint.name, stream).await?;
        facts.tls = tls;
        let Some(talk) = talk else {
            facts.end = RedisEnd::TlsMissing;
            return Err(Stop::Told);
        };
        talk
    } else {
        Talk::new(stream)
    };
    talk.send(&command(&["PING"])).await?;
    facts.unauthenticated = Some(reply(&mut talk, clean, false).await?);
    facts.end = RedisEnd::Done;
    let Some(login) = clean.login.filter(|login| !login.password.is_empty()) else {
        return Ok(());
    };
    let is_safe = match &facts.tls {
        ChannelTls::Established { trust, .. } => *trust == Trust::Trusted,
        _ => is_local(key.endpoint.address.ip()),
    };
    if !is_safe {
        facts.end = RedisEnd::CredentialWithheld;
        return Ok(());
    }
    let auth = match login.user.as_str() {
        "" => command(&["AUTH", &login.password]),
        user => command(&["AUTH", user, &login.password]),
    };
    talk.send(&auth).await?;
    let auth = reply(&mut talk, clean, true).await?;
    let accepted = auth == RedisReply::Ok;
    facts.auth = Some(auth);
    if accepted {
        talk.send(&command(&["PING"])).await?;
        facts.authenticated = Some(reply(&mut talk, clean, true).await?);
    }
    Ok(())
}

/// A command as RESP2 has it: an array of bulk strings, so that a password may hold any byte.
fn command(words: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    bytes.into_bytes()
}

/// One line of a reply. What is asked here is answered in one; of a longer one the rest is not read.
async fn reply(talk: &mut Talk, clean: Clean<'_>, knows_password: bool) -> Result<RedisReply, Broken> {
    const MOST_LINE_BYTES: usize = 4096;
    let line = loop {
        if let Some(end) = talk.received.windows(2).position(|pair| pair == b"\r\n") {
            let line = talk.received.split_to(end);
            let _ = talk.received.split_to(2);
            break line;
        }
        // What cannot become a reply is known by its first byte: an HTTP server's error page may be long.
        let is_redis = talk.received.first().is_none_or(|first| b"+-:$*".contains(first));
        if !is_redis || talk.received.len() > MOST_LINE_BYTES {
            // It may end in the middle of a word: who was told the password is not quoted.
            return Err(not_redis((!knows_password).then(|| clean.text(&talk.received))));
        }
        talk.more().await?;
    };
    let text = clean.text(&line);
    match (line.first(), text.get(1..)) {
        (Some(b'+'), Some("PONG")) => Ok(RedisReply::Pong),
        (Some(b'+'), Some("OK")) => Ok(RedisReply::Ok),
        (Some(b'-'), Some(text)) => {
            let code: String = text
                .split(' ')
                .next()
                .unwrap_or_default()
                .chars()
                .take(32)
                .collect();
            Ok(RedisReply::Error(ServerError::new(code, text)))
        }
        (Some(b'+' | b':' | b'$' | b'*'), Some(text)) => Ok(RedisReply::Other(text.to_owned())),
        _ => Err(not_redis(Some(text))),
    }
}

fn not_redis(seen: Option<String>) -> Broken {
    garbage(match seen {
        Some(text) => {
            let start: String = text.chars().take(40).collect();
            format!("it does not speak Redis: it answered `{start}`")
        }
        None => "it does not speak Redis to the end".to_owned(),
    })
}

#[cfg(test)]
#[path = "redis_tests.rs"]
mod tests;
