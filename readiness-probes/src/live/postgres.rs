use std::{sync::Arc, time::Instant};

use bytes::BytesMut;
use fallible_iterator::FallibleIterator;
use postgres_protocol::{
    authentication::{
        md5_hash,
        sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256},
    },
    message::{
        backend::{ErrorResponseBody, Header, Message},
        frontend,
    },
};
use readiness_core::{Looking, ObserveError, Source, fact::Trust};
use tokio::net::TcpStream;

use super::{
    channel::{Clean, Login, Stop, Talk, garbage, held, secure},
    link::tcp::{Dialled, dial, micros},
    settings::Shared,
};
use crate::{
    address::is_local,
    dep::{
        AuthMethod, Broken, BrokenKind, ChannelTls, PostgresEnd, PostgresFacts, PostgresSession, ServerError,
        TlsUse,
    },
};

mod migrations;

use self::migrations::Further;
pub(crate) use self::migrations::MigrationsSource;

/// Answers [`PostgresSession`].
pub(crate) struct PostgresSource(pub(crate) Arc<Shared>);

impl Source<PostgresSession> for PostgresSource {
    async fn look(&self, key: PostgresSession, cx: Looking) -> Result<PostgresFacts, ObserveError> {
        let login = Login::find(&cx, key.credential.as_deref(), &key.origin)?;
        cx.spend("tcp_connections", 1);
        let clean = Clean {
            cx: &cx,
            login: login.as_ref(),
        };
        let mut facts = session(&self.0, &key, clean, &mut Further::default()).await?;
        if let PostgresEnd::Broken(broken) = &mut facts.end {
            broken.message = cx.scrub(&broken.message);
        }
        Ok(facts)
    }
}

async fn session(
    shared: &Shared,
    key: &PostgresSession,
    clean: Clean<'_>,
    further: &mut Further<'_>,
) -> Result<PostgresFacts, ObserveError> {
    let facts = attempt(shared, key, key.tls, clean, further).await?;
    let untrusted = match &facts.tls {
        ChannelTls::Established {
            trust: Trust::Untrusted { message, .. },
            ..
        } if facts.end == PostgresEnd::CredentialWithheld => message.clone(),
        _ => return Ok(facts),
    };
    // Packages give each server a certificate that nobody trusts. On the way to this very machine there is
    // nobody to hide from, so where TLS is not demanded the log-in does without.
    if key.tls != TlsUse::Prefer || !key.endpoint.address.ip().is_loopback() {
        return Ok(facts);
    }
    let mut facts = attempt(shared, key, TlsUse::Disable, clean, further).await?;
    facts.tls = ChannelTls::Forgone { message: untrusted };
    Ok(facts)
}

async fn attempt(
    shared: &Shared,
    key: &PostgresSession,
    tls: TlsUse,
    clean: Clean<'_>,
    further: &mut Further<'_>,
) -> Result<PostgresFacts, ObserveError> {
    let Dialled { facts: tcp, stream } = dial(shared, key.endpoint.address).await?;
    let mut facts = PostgresFacts::new(tcp, PostgresEnd::NotOpen);
    let Ok(stream) = stream else {
        return Ok(facts);
    };
    let began = Instant::now();
    let conversation = async {
        let mut talk = log_on(shared, key, tls, clean, stream, &mut facts).await?;
        select_one(&mut talk, clean, &mut facts).await?;
        further.ask(&mut talk, clean).await?;
        leave(&mut talk).await;
        Ok(())
    };
    let broken = held(conversation).await?;
    if let Some(broken) = broken {
        facts.end = PostgresEnd::Broken(broken);
    }
    facts.session_us = micros(began.elapsed());
    Ok(facts)
}

async fn log_on(
    shared: &Shared,
    key: &PostgresSession,
    tls: TlsUse,
    clean: Clean<'_>,
    stream: TcpStream,
    facts: &mut PostgresFacts,
) -> Result<Talk, Stop> {
    let login = clean.login;
    let mut talk = match tls {
        TlsUse::Disable => Talk::new(stream),
        TlsUse::Prefer | TlsUse::Require => match open_channel(shared, key, stream, facts).await? {
            Some(talk) => talk,
            None => {
                facts.end = PostgresEnd::TlsMissing;
                return Err(Stop::Told);
            }
        },
    };
    if tls == TlsUse::Require && !facts.tls.is_encrypted() && talk.received.is_empty() {
        facts.end = PostgresEnd::TlsMissing;
        return Err(Stop::Told);
    }
    // The user name is part of the log-in: nothing of it goes to somebody who may be anybody.
    if login.is_some()
        && matches!(&facts.tls, ChannelTls::Established { trust, .. } if *trust != Trust::Trusted)
    {
        facts.end = PostgresEnd::CredentialWithheld;
        return Err(Stop::Told);
    }
    let user = login
        .map(|login| login.user.as_str())
        .filter(|user| !user.is_empty());
    let user = user.unwrap_or("postgres");
    if talk.received.is_empty() {
        let database = if key.database.is_empty() {
            user
        } else {
            &key.database
        };
        let mut out = BytesMut::new();
        let parameters = [
            ("user", user),
            ("database", database),
            ("application_name", "readiness"),
            ("client_encoding", "UTF8"),
        ];
        frontend::startup_message(parameters, &mut out).map_err(|e| unsendable(&e))?;
        talk.send(&out).await?;
    }
    log_in(&mut talk, key, tls, user, clean, facts).await?;
    Ok(talk)
}

/// Asks for TLS as the protocol has it: one message of eight bytes, one byte in reply.
async fn open_channel(
    shared: &Shared,
    key: &PostgresSession,
    stream: TcpStream,
    facts: &mut PostgresFacts,
) -> Result<Option<Talk>, Stop> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = stream;
    let mut out = BytesMut::new();
    frontend::ssl_request(&mut out);
    // Exactly one byte is read before the handshake. What a meddler put behind it would otherwise be taken
    // for something the server said under TLS (CVE-2021-23222).
    let reply = async {
        stream.write_all(&out).await?;
        stream.read_u8().await
    };
    let reply = reply.await.map_err(|e| {
        let said = format!("it closed the connection when asked for TLS ({})", e.kind());
        Broken::new(BrokenKind::Closed, said)
    })?;
    match reply {
        b'S' => {
            let (tls, talk) = secure(shared, &key.endpoint.name, stream).await?;
            facts.tls = tls;
            Ok(talk)
        }
        b'N' => {
            facts.tls = ChannelTls::Declined;
            Ok(Some(Talk::new(stream)))
        }
        // A server that can take no more connections says so before it knows of TLS.
        b'E' => {
            let mut talk = Talk::new(stream);
            talk.received.extend_from_slice(b"E");
            Ok(Some(talk))
        }
        other => Err(garbage(format!(
            "it answered the request for TLS with the byte 0x{other:02x}, expected `S` or `N`"
        ))
        .into()),
    }
}

async fn log_in(
    talk: &mut Talk,
    key: &PostgresSession,
    tls: TlsUse,
    user: &str,
    clean: Clean<'_>,
    facts: &mut PostgresFacts,
) -> Result<(), Stop> {
    let login = clean.login;
    let mut scram: Option<ScramSha256> = None;
    loop {
        let mut out = BytesMut::new();
        let message = next(talk).await?;
        // One demand for a proof is all that a server has: each more would cost us thousands of hashes.
        let demand = matches!(
            message,
            Message::AuthenticationCleartextPassword
                | Message::AuthenticationMd5Password(_)
                | Message::AuthenticationSasl(_)
        );
        if demand && facts.auth != AuthMethod::NotReached {
            return Err(unasked().into());
        }
        match message {
            Message::AuthenticationOk => {
                if scram.is_some() {
                    // Who has the password can prove it (RFC 5802, section 5); who skips that has not.
                    return Err(
                        garbage("it accepted the log-in without proving that it knows the password").into(),
                    );
                }
                if facts.auth == AuthMethod::NotReached {
                    facts.auth = AuthMethod::Nothing;
                }
                facts.logged_in = true;
            }
            Message::AuthenticationCleartextPassword => {
                facts.auth = AuthMethod::Cleartext;
                let login = password(login, facts)?;
                // Everybody on the way can answer "no TLS, and your password please". Only who said so in
                // the settings wants that.
                let exposed = !facts.tls.is_encrypted() && !is_local(key.endpoint.address.ip());
                if exposed && tls != TlsUse::Disable {
                    facts.end = PostgresEnd::CredentialWithheld;
                    return Err(Stop::Told);
                }
                frontend::password_message(login.password.as_bytes(), &mut out)
                    .map_err(|e| unsendable(&e))?;
            }
            Message::AuthenticationMd5Password(body) => {
                facts.auth = AuthMethod::Md5;
                let login = password(login, facts)?;
                let hash = md5_hash(user.as_bytes(), login.password.as_bytes(), body.salt());
                frontend::password_message(hash.as_bytes(), &mut out).map_err(|e| unsendable(&e))?;
            }
            Message::AuthenticationSasl(body) => {
                let spoken = body.mechanisms().any(|name| Ok(name == SCRAM_SHA_256));
                if !spoken.map_err(|e| not_postgres(&e))? {
                    return Err(unknown_method("SASL without SCRAM-SHA-256", facts));
                }
                facts.auth = AuthMethod::ScramSha256;
                let login = password(login, facts)?;
                let started = ScramSha256::new(login.password.as_bytes(), ChannelBinding::unsupported());
                frontend::sasl_initial_response(SCRAM_SHA_256, started.message(), &mut out)
                    .map_err(|e| unsendable(&e))?;
                scram = Some(started);
            }
            Message::AuthenticationSaslContinue(body) => {
                let started = scram.as_mut().ok_or_else(unasked)?;
                started.update(body.data()).map_err(|e| not_postgres(&e))?;
                frontend::sasl_response(started.message(), &mut out).map_err(|e| unsendable(&e))?;
            }
            Message::AuthenticationSaslFinal(body) => {
                let mut started = scram.take().ok_or_else(unasked)?;
                started.finish(body.data()).map_err(|_| {
                    garbage("it could not prove that it knows the password: it may not be the server it says")
                })?;
            }
            Message::AuthenticationGss => return Err(unknown_method("GSSAPI", facts)),
            Message::AuthenticationKerberosV5 => return Err(unknown_method("Kerberos", facts)),
            Message::AuthenticationSspi => return Err(unknown_method("SSPI", facts)),
            Message::AuthenticationScmCredential => return Err(unknown_method("SCM credentials", facts)),
            Message::ParameterStatus(body) => {
                if let (Ok("server_version"), Ok(value)) = (body.name(), body.value()) {
                    facts.server_version = clean.text(value.as_bytes());
                }
            }
            Message::BackendKeyData(_) | Message::NoticeResponse(_) => {}
            Message::ErrorResponse(body) => return Err(refused(&body, clean, facts)),
            Message::ReadyForQuery(_) if facts.logged_in => return Ok(()),
            _ => return Err(unasked().into()),
        }
        if !out.is_empty() {
            talk.send(&out).await?;
        }
    }
}

async fn select_one(talk: &mut Talk, clean: Clean<'_>, facts: &mut PostgresFacts) -> Result<(), Stop> {
    let mut out = BytesMut::new();
    frontend::query("SELECT 1", &mut out).map_err(|e| unsendable(&e))?;
    talk.send(&out).await?;
    let mut is_one = false;
    loop {
        match next(talk).await? {
            // Two bytes of a count are cut off already: the length of the value, and the value.
            Message::DataRow(body) => is_one = body.buffer() == b"\0\0\0\x011",
            Message::ErrorResponse(body) => return Err(refused(&body, clean, facts)),
            Message::ReadyForQuery(_) => break,
            Message::CommandComplete(_)
            | Message::NoticeResponse(_)
            | Message::ParameterStatus(_)
            | Message::RowDescription(_) => {}
            _ => return Err(unasked().into()),
        }
    }
    if !is_one {
        return Err(garbage("`SELECT 1` did not give 1").into());
    }
    facts.end = PostgresEnd::Answered;
    Ok(())
}

async fn leave(talk: &mut Talk) {
    let mut out = BytesMut::new();
    frontend::terminate(&mut out);
    // Politeness: without it the server logs a lost connection. The answer is here, so a failure is none.
    let _ = talk.send(&out).await;
}

/// The next message, none of which may be long.
async fn next(talk: &mut Talk) -> Result<Message, Broken> {
    const MOST_MESSAGE_BYTES: i32 = 16 * 1024;
    loop {
        let header = Header::parse(&talk.received).map_err(|e| not_postgres(&e))?;
        if let Some(header) = header {
            // The length comes before the message: a huge one must not reserve memory.
            if header.len() > MOST_MESSAGE_BYTES {
                return Err(garbage(format!(
                    "it does not speak PostgreSQL: a message of {} bytes after {:?}",
                    header.len(),
                    char::from(header.tag())
                )));
            }
            if let Some(message) = Message::parse(&mut talk.received).map_err(|e| not_postgres(&e))? {
                return Ok(message);
            }
        }
        talk.more().await?;
    }
}

fn password<'a>(login: Option<&'a Login>, facts: &mut PostgresFacts) -> Result<&'a Login, Stop> {
    match login {
        Some(login) if !login.password.is_empty() => Ok(login),
        _ => {
            facts.end = PostgresEnd::CredentialMissing;
            Err(Stop::Told)
        }
    }
}

fn unknown_method(name: &str, facts: &mut PostgresFacts) -> Stop {
    facts.auth = AuthMethod::Other(name.to_owned());
    facts.end = PostgresEnd::MethodUnknown;
    Stop::Told
}

fn refused(body: &ErrorResponseBody, clean: Clean<'_>, facts: &mut PostgresFacts) -> Stop {
    facts.end = PostgresEnd::Error(error_of(body, clean));
    Stop::Told
}

fn error_of(body: &ErrorResponseBody, clean: Clean<'_>) -> ServerError {
    let mut error = ServerError::new("", "");
    let mut fields = body.fields();
    while let Ok(Some(field)) = fields.next() {
        let text = clean.text(field.value_bytes());
        match field.type_() {
            b'C' => error.code = text.chars().take(5).collect(),
            b'M' => error.message = text,
            _ => {}
        }
    }
    error
}

fn not_postgres(e: &dyn std::fmt::Display) -> Broken {
    garbage(format!("it does not speak PostgreSQL: {e}"))
}

fn unasked() -> Broken {
    garbage("it does not speak PostgreSQL: a message that nobody asked for")
}

/// Our own part of a message cannot be written: a name with a NUL in it.
fn unsendable(e: &dyn std::fmt::Display) -> ObserveError {
    ObserveError::new(
        readiness_core::Reason::ERROR,
        format!("the log-in cannot be written: {e}"),
    )
}

#[cfg(test)]
#[path = "postgres_tests.rs"]
mod tests;
