//! A capped conversation with a peer that speaks no HTTP, over TCP or TLS.

use std::{future::Future, io, time::Duration};

use bytes::BytesMut;
use readiness_core::{
    Looking, ObserveError, Origin, Reason,
    fact::{Trust, UntrustedKind},
    redact::CredentialKind,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::client::TlsStream;

use super::{
    link::tls::{Handshake, Tap, shake_hands},
    settings::Shared,
};
use crate::dep::{Broken, BrokenKind, ChannelTls};

/// From the open connection to the last answer. With the connection it stays below the time a probe has.
pub(super) const TALK_TIMEOUT: Duration = Duration::from_secs(6);

/// The most bytes of one peer that are read, in all.
const MOST_BYTES: usize = crate::dep::Dialogue::MOST_BYTES;

/// Why a conversation stops before its end.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is told by the facts already.
    Told,
    Broken(Broken),
    /// We could not look.
    Failed(ObserveError),
}

impl From<Broken> for Stop {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<ObserveError> for Stop {
    fn from(error: ObserveError) -> Self {
        Self::Failed(error)
    }
}

/// The peer does not speak the protocol.
pub(super) fn garbage(message: impl Into<String>) -> Broken {
    Broken::new(BrokenKind::Garbage, message)
}

/// A user name and a password, for one origin.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: String,
}

impl Login {
    pub(super) fn find(
        cx: &Looking,
        handle: Option<&str>,
        origin: &Origin,
    ) -> Result<Option<Self>, ObserveError> {
        let Some(handle) = handle else {
            return Ok(None);
        };
        match cx.credential(handle, origin)?.kind {
            CredentialKind::Login { user, password } => Ok(Some(Self {
                user,
                password: password.reveal().clone(),
            })),
            _ => Err(ObserveError::new(
                Reason::MISSING_CREDENTIAL,
                format!("credential `{handle}` is no user name with a password"),
            )),
        }
    }

    /// A text of the server without what the URL held: servers name the user they refuse.
    pub(super) fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in [&self.password, &self.user] {
            if secret.len() >= 4 {
                text = text.replace(secret.as_str(), "[redacted]");
            }
        }
        // A short name is a word like any other, unless it stands in quotes.
        text.replace(&format!("\"{}\"", self.user), "\"[redacted]\"")
    }
}

/// How a text of a peer becomes part of a fact.
#[derive(Clone, Copy)]
pub(super) struct Clean<'a> {
    pub(super) cx: &'a Looking,
    pub(super) login: Option<&'a Login>,
}

impl Clean<'_> {
    /// The text without secrets, on one line, not endless. Secrets go first: half of one that is cut
    /// through would stay.
    pub(super) fn text(&self, bytes: &[u8]) -> String {
        let bytes = self.cx.scrub_bytes(bytes);
        let text = String::from_utf8_lossy(&bytes);
        match self.login {
            Some(login) => tidy(&login.hide(&text)),
            None => tidy(&text),
        }
    }
}

/// A text as facts hold it: one line, not endless.
pub(super) fn tidy(text: &str) -> String {
    const MOST_CHARS: usize = 300;
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MOST_CHARS)
        .collect()
}

/// Shakes hands over a connection. Whatever the certificate is worth, the channel is given: the caller
/// must look at the trust before it sends anything secret.
pub(super) async fn secure(
    shared: &Shared,
    name: &str,
    stream: TcpStream,
) -> Result<(ChannelTls, Option<Talk>), ObserveError> {
    let (tls, channel) = secure_for(shared, name, &[], stream).await?;
    Ok((tls, channel.map(|channel| Talk::new(channel.stream))))
}

/// What a handshake leads to.
pub(super) struct SecureChannel {
    /// The protocol that the server chose of those that were offered; empty where it chose none.
    #[cfg_attr(not(feature = "grpc"), expect(dead_code, reason = "the others offer none"))]
    pub(super) alpn: String,
    pub(super) stream: TlsStream<Tap<TcpStream>>,
}

/// The same, with an offer of protocols (ALPN, RFC 7301).
pub(super) async fn secure_for(
    shared: &Shared,
    name: &str,
    offer: &[&[u8]],
    stream: TcpStream,
) -> Result<(ChannelTls, Option<SecureChannel>), ObserveError> {
    let roots = shared.tls.roots.load(&shared.tls.provider).await?;
    let handshake = shake_hands(&shared.tls, &roots, name, offer, stream);
    Ok(match timeout(shared.tls.timeout, handshake).await {
        Err(_) => {
            let message = format!("it was not done within {:?}", shared.tls.timeout);
            let reason = Reason::TIMEOUT;
            (ChannelTls::Failed { reason, message }, None)
        }
        Ok(handshake) => match handshake? {
            Handshake::Refused { reason, message, .. } => (ChannelTls::Failed { reason, message }, None),
            Handshake::Established { session, stream } => {
                let version = session.version.clone();
                let trust = match session.trust.clone() {
                    Trust::Trusted if !session.signature_valid => Trust::Untrusted {
                        kind: UntrustedKind::Other,
                        message: "the handshake is not signed with the certificate's key".to_owned(),
                    },
                    trust => trust,
                };
                let alpn = session.alpn.clone();
                (
                    ChannelTls::Established { version, trust },
                    Some(SecureChannel { alpn, stream }),
                )
            }
        },
    })
}

pub(super) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Pipe for T {}

/// A connection, and what came over it and is not yet understood.
pub(super) struct Talk {
    pipe: Box<dyn Pipe>,
    pub(super) received: BytesMut,
    /// How many more bytes are read.
    left: usize,
}

impl Talk {
    pub(super) fn new(pipe: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self {
            pipe: Box::new(pipe),
            received: BytesMut::new(),
            left: MOST_BYTES,
        }
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<(), Broken> {
        self.write(bytes).await.map_err(|e| closed(&e))
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.pipe.write_all(bytes).await?;
        self.pipe.flush().await
    }

    /// How many more bytes are read.
    pub(super) fn left(&self) -> usize {
        self.left
    }

    /// Reads what there is, at least a byte; 0 at the end of the connection, or of what is read in all.
    pub(super) async fn read(&mut self) -> io::Result<usize> {
        let mut chunk = [0; 2048];
        let wanted = chunk.len().min(self.left);
        let n = self
            .pipe
            .read(chunk.get_mut(..wanted).unwrap_or_default())
            .await?;
        self.left -= n.min(self.left);
        self.received
            .extend_from_slice(chunk.get(..n).unwrap_or_default());
        Ok(n)
    }

    /// Reads what there is, at least a byte.
    pub(super) async fn more(&mut self) -> Result<(), Broken> {
        if self.left == 0 {
            return Err(Broken::new(
                BrokenKind::TooMuch,
                format!("it sent more than {MOST_BYTES} bytes"),
            ));
        }
        match self.read().await {
            Ok(0) => Err(Broken::new(BrokenKind::Closed, "it closed the connection")),
            Ok(_) => Ok(()),
            Err(e) => Err(closed(&e)),
        }
    }
}

fn closed(e: &io::Error) -> Broken {
    let message = match e.kind() {
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            "it reset the connection".to_owned()
        }
        io::ErrorKind::UnexpectedEof => "it closed the connection".to_owned(),
        _ => format!("the connection failed: {}", tidy(&e.to_string())),
    };
    Broken::new(BrokenKind::Closed, message)
}

/// Holds a conversation to its deadline and tells how it stopped, if it did.
pub(super) async fn held<F>(talk: F) -> Result<Option<Broken>, ObserveError>
where
    F: Future<Output = Result<(), Stop>>,
{
    match timeout(TALK_TIMEOUT, talk).await {
        Ok(Ok(()) | Err(Stop::Told)) => Ok(None),
        Ok(Err(Stop::Broken(broken))) => Ok(Some(broken)),
        Ok(Err(Stop::Failed(error))) => Err(error),
        Err(_) => Ok(Some(Broken::new(
            BrokenKind::Silent,
            format!("it did not answer to the end within {} s", TALK_TIMEOUT.as_secs()),
        ))),
    }
}
