#[cfg(feature = "http")]
use std::sync::{Mutex, PoisonError};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use readiness_core::{
    Cause, ObserveError, Reason,
    fact::{Endpoint, ServerChain, TlsEnd, TlsFacts, TlsHandshake, TlsSession, Trust, UntrustedKind},
};
use rustls::{
    AlertDescription, ClientConfig, Error, InvalidMessage, NamedGroup, PeerIncompatible, ProtocolVersion,
    client::Resumption, pki_types::ServerName,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
#[cfg(feature = "http")]
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{Shared, Step, cause, starttls, tcp};
use crate::{
    live::{
        roots::Loaded,
        settings::TlsSettings,
        verifier::{ClientCertificate, Recorder, Seen, Shown},
    },
    tls::{NO_VERSION, hello::not_tls},
};

/// What became of a handshake.
pub(super) struct Secured {
    pub(super) facts: TlsFacts,
    /// Why there is no session, for all who need one.
    pub(super) failed: Option<Cause>,
    /// Where nothing can stand on it, it is closed at once.
    #[cfg(feature = "http")]
    stream: Mutex<Option<TlsStream<Tap<TcpStream>>>>,
}

impl Secured {
    /// The session and its connection, for the one step that stands on it.
    #[cfg(feature = "http")]
    pub(super) fn take(&self) -> Result<(&TlsSession, TlsStream<Tap<TcpStream>>), ObserveError> {
        if let Some(cause) = &self.failed {
            return Err(ObserveError::because(cause.clone()));
        }
        let stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (&self.facts.end, stream) {
            (TlsEnd::Established(session), Some(stream)) => Ok((session, stream)),
            _ => Err(ObserveError::new(Reason::ERROR, "the connection was taken twice")),
        }
    }
}

/// How long the end of a connection may take to be sent.
const GOODBYE_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) async fn secure(
    shared: Arc<Shared>,
    key: TlsHandshake,
    tcp: Step<tcp::Connected>,
) -> Result<Arc<Secured>, ObserveError> {
    let tcp = tcp.await?;
    let mut stream = tcp.take()?;
    let Endpoint { address, name, .. } = &key.endpoint;
    let subject = format!("TLS handshake with {address}");
    let fail = |reason, said: &str| {
        let message = format!("TLS handshake with {address} for `{name}` failed: {said}");
        cause(subject.clone(), reason, message, &shared)
    };
    let mut starttls_us = 0;
    if let Some(script) = &key.starttls {
        let began = Instant::now();
        let names = starttls::Names::new(name, stream.local_addr());
        if let Err(refusal) = starttls::negotiate(script, &names, &mut stream).await {
            let failed = fail(refusal.reason.clone(), &refusal.message);
            if refusal.is_blindness() {
                return Err(ObserveError::because(failed));
            }
            let mut facts = TlsFacts::new(TlsEnd::Refused {
                reason: refusal.reason,
                message: refusal.message,
                chain: ServerChain::default(),
            });
            facts.connect_us = tcp.facts.connect_us;
            facts.starttls_us = tcp::micros(began.elapsed());
            return Ok(Arc::new(Secured {
                facts,
                failed: Some(failed),
                #[cfg(feature = "http")]
                stream: Mutex::new(None),
            }));
        }
        starttls_us = tcp::micros(began.elapsed());
    }
    let roots = shared.tls.roots.load(&shared.tls.provider).await?;
    let offer = offered(&key);
    let began = Instant::now();
    let handshake = shake_hands(&shared.tls, &roots, name, &offer, stream);
    // Nothing else stands on a connection of its own.
    let alone = key.starttls.is_some() || key.alpn.is_some();
    let finished = tokio::time::timeout(shared.tls.timeout, handshake).await;
    let handshake_us = tcp::micros(began.elapsed());
    let mut seen = None;
    #[cfg_attr(not(feature = "http"), expect(unused_variables, reason = "closed at once"))]
    let (end, failed, stream) = match finished {
        Err(_) => {
            let said = format!("it was not done within {:?}", shared.tls.timeout);
            return Err(ObserveError::because(fail(Reason::TIMEOUT, &said)));
        }
        Ok(Err(e)) => return Err(e),
        Ok(Ok(Handshake::Established { session, mut stream })) if alone => {
            // Some servers log a connection that ends without a `close_notify` as an attack (RFC 8446, section
            // 6.1). The session is here, so a failure to say it is none.
            let _ = tokio::time::timeout(GOODBYE_TIMEOUT, stream.shutdown()).await;
            (TlsEnd::Established(session), None, None)
        }
        Ok(Ok(Handshake::Established { session, stream })) => {
            (TlsEnd::Established(session), None, Some(stream))
        }
        Ok(Ok(Handshake::Refused {
            reason,
            mut message,
            chain,
            seen: shown,
        })) => {
            seen = shown;
            if key.starttls.is_some() && reason == Reason::TLS_NOT_TLS {
                "the peer agreed to TLS, and then sent something else".clone_into(&mut message);
            }
            let failed = fail(reason.clone(), &message);
            let end = TlsEnd::Refused {
                reason,
                message,
                chain,
            };
            (end, Some(failed), None)
        }
    };
    let mut facts = TlsFacts::new(end).seen(seen);
    facts.connect_us = tcp.facts.connect_us;
    facts.handshake_us = handshake_us;
    facts.starttls_us = starttls_us;
    Ok(Arc::new(Secured {
        facts,
        failed,
        #[cfg(feature = "http")]
        stream: Mutex::new(stream),
    }))
}

/// The protocols offered by ALPN (RFC 7301): those of the key, else those of HTTP where nothing comes before
/// TLS. A mail server or a database may end a handshake that offers it HTTP alone.
fn offered(key: &TlsHandshake) -> Vec<&[u8]> {
    match &key.alpn {
        Some(alpn) => alpn.iter().map(String::as_bytes).collect(),
        None if key.starttls.is_some() => Vec::new(),
        None => vec![b"h2", b"http/1.1"],
    }
}

/// How a handshake ended, with what stands on it.
#[expect(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub(crate) enum Handshake<S> {
    /// Both sides agreed; whether the peer is trusted is in the session.
    Established {
        session: Box<TlsSession>,
        stream: TlsStream<Tap<S>>,
    },
    /// One side ended it.
    Refused {
        reason: Reason,
        message: String,
        chain: ServerChain,
        /// What was seen before, without the chain.
        seen: Option<TlsSession>,
    },
}

/// Shakes hands over any stream, offering these protocols. The caller sets the deadline.
pub(crate) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    settings: &TlsSettings,
    roots: &Loaded,
    name: &str,
    offer: &[&[u8]],
    stream: S,
) -> Result<Handshake<S>, ObserveError> {
    let own =
        |what: &str, e: &dyn std::fmt::Display| ObserveError::new(Reason::ERROR, format!("{what}: {e}"));
    let server = ServerName::try_from(name.to_owned())
        .map_err(|e| own(&format!("`{name}` cannot be asked for in TLS"), &e))?;
    let seen = Seen::default();
    let recorder = Recorder {
        inner: Arc::clone(&roots.verifier),
        paths: Arc::clone(&roots.paths),
        seen: seen.clone(),
    };
    let certificate = ClientCertificate {
        own: settings.client_certificate_for(name),
        seen: seen.clone(),
    };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&settings.provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| own("the provider of cryptography cannot do TLS 1.2 and 1.3", &e))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(recorder))
        .with_client_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = offer.iter().map(|protocol| protocol.to_vec()).collect();
    // A resumed handshake shows no chain.
    config.resumption = Resumption::disabled();
    let stream = Tap::new(stream);
    let result = TlsConnector::from(Arc::new(config))
        .connect(server, stream)
        .into_fallible()
        .await;
    let shown = seen.shown();
    Ok(match result {
        Ok(stream) => Handshake::Established {
            session: Box::new(session(stream.get_ref().1, shown)),
            stream,
        },
        Err((e, stream)) => {
            let missing = settings
                .client_certificate_for(name)
                .is_none()
                .then(|| settings.client_certificate_missing(name));
            let (reason, message) = why(&e, stream.first(), &shown, missing);
            Handshake::Refused {
                reason,
                message,
                chain: shown.chain.clone(),
                seen: seen_of(shown),
            }
        }
    })
}

fn session(connection: &rustls::ClientConnection, shown: Shown) -> TlsSession {
    let trust = shown.trust.unwrap_or_else(|| Trust::Untrusted {
        kind: UntrustedKind::Other,
        message: "no certificate was shown".to_owned(),
    });
    let mut session = TlsSession::new(shown.chain, trust);
    session.signature_valid = shown.signature_valid == Some(true);
    session.anchor = shown.anchor;
    session.ocsp_staple = shown.ocsp_staple;
    session.client_certificate_requested = shown.client_certificate_requested;
    session.version = match connection.protocol_version() {
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        other => format!("{other:?}"),
    };
    session.suite = connection
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()).replacen("TLS13_", "TLS_", 1))
        .unwrap_or_default();
    session.group = connection
        .negotiated_key_exchange_group()
        .map(|group| group_name(group.name()))
        .unwrap_or_default();
    session.alpn = connection
        .alpn_protocol()
        .map(|protocol| String::from_utf8_lossy(protocol).into_owned())
        .unwrap_or_default();
    session
}

/// What was seen of a session that the peer refused: TLS 1.2 demands a client's certificate after the server
/// has shown its own.
fn seen_of(shown: Shown) -> Option<TlsSession> {
    let mut seen = TlsSession::new(ServerChain::default(), shown.trust?);
    seen.anchor = shown.anchor;
    seen.ocsp_staple = shown.ocsp_staple;
    seen.client_certificate_requested = shown.client_certificate_requested;
    // Nothing is wrong with a signature that did not come.
    seen.signature_valid = shown.signature_valid != Some(false);
    seen.version.clear();
    seen.suite.clear();
    Some(seen)
}

/// The name in IANA's list of supported groups.
fn group_name(group: NamedGroup) -> String {
    match group {
        NamedGroup::X25519 => "x25519".to_owned(),
        NamedGroup::X448 => "x448".to_owned(),
        NamedGroup::secp256r1MLKEM768 => "SecP256r1MLKEM768".to_owned(),
        other => format!("{other:?}"),
    }
}

/// The name of an alert as RFC 8446, section 6, spells it.
pub(super) fn alert_name(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::UnknownCA => return "unknown_ca".to_owned(),
        AlertDescription::UnknownPSKIdentity => return "unknown_psk_identity".to_owned(),
        AlertDescription::UnrecognisedName => return "unrecognized_name".to_owned(),
        AlertDescription::Unknown(number) => return format!("number {number}"),
        _ => {}
    }
    let mut name = String::new();
    for c in format!("{alert:?}").chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// What rustls means by an I/O error, if it is one of its own.
pub(super) fn tls_error(e: &io::Error) -> Option<&Error> {
    e.get_ref()?.downcast_ref()
}

fn why(e: &io::Error, first: &[u8], shown: &Shown, missing: Option<String>) -> (Reason, String) {
    let Some(error) = tls_error(e) else {
        return match e.kind() {
            io::ErrorKind::UnexpectedEof => {
                let said = "the peer closed the connection in the middle of the handshake";
                (Reason::TLS_CLOSED, said.to_owned())
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionAborted => {
                let said = "the peer reset the connection in the middle of the handshake";
                (Reason::TCP_RESET, said.to_owned())
            }
            _ => (Reason::ERROR, format!("the connection failed: {e}")),
        };
    };
    if let Some(spoken) = not_tls(first) {
        return (
            Reason::TLS_NOT_TLS,
            format!("the peer does not speak TLS on this port: {spoken}"),
        );
    }
    match error {
        Error::AlertReceived(alert) => {
            let name = alert_name(*alert);
            let demanded = *alert == AlertDescription::CertificateRequired;
            if demanded || (shown.client_certificate_requested && missing.is_some()) {
                let why = missing.unwrap_or_else(|| "none that it accepts was given".to_owned());
                let said = format!("the peer demands a client certificate (alert `{name}`), and {why}");
                return (Reason::TLS_CLIENT_CERTIFICATE_REQUIRED, said);
            }
            (Reason::TLS_ALERT, format!("the peer sent the alert `{name}`"))
        }
        Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge
            | InvalidMessage::CertificatePayloadTooLarge
            | InvalidMessage::MessageTooLarge,
        )
        | Error::PeerSentOversizedRecord => {
            let said = "the peer's message is over the limit (a handshake message has at most 65,535 bytes)";
            (Reason::TLS_MESSAGE_TOO_LARGE, said.to_owned())
        }
        Error::PeerIncompatible(e) => (Reason::TLS_INCOMPATIBLE, incompatible(e).to_owned()),
        other => {
            let said: String = other
                .to_string()
                .chars()
                .filter(|c| !c.is_control())
                .take(200)
                .collect();
            (
                Reason::TLS_MALFORMED,
                format!("the peer breaks the rules of TLS: {said}"),
            )
        }
    }
}

/// What both sides do not share.
fn incompatible(e: &PeerIncompatible) -> &'static str {
    match e {
        PeerIncompatible::ServerDoesNotSupportTls12Or13 => NO_VERSION,
        PeerIncompatible::NoCipherSuitesInCommon => "there is no cipher suite that both sides support",
        PeerIncompatible::NoKxGroupsInCommon => {
            "there is no group for the key exchange that both sides support"
        }
        PeerIncompatible::NoSignatureSchemesInCommon
        | PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon => {
            "there is no kind of signature that both sides support"
        }
        PeerIncompatible::ExtendedMasterSecretExtensionRequired => {
            "the peer lacks the extended master secret (RFC 7627), which is needed here"
        }
        PeerIncompatible::NoEcPointFormatsInCommon | PeerIncompatible::UncompressedEcPointsRequired => {
            "there is no form of points on curves that both sides support"
        }
        _ => "there is no TLS version or suite that both sides support",
    }
}

/// Remembers the first bytes that are read, to tell plain text from broken TLS.
#[derive(Debug)]
pub(crate) struct Tap<S> {
    inner: S,
    first: [u8; 8],
    len: usize,
}

impl<S> Tap<S> {
    fn new(inner: S) -> Self {
        Self {
            inner,
            first: [0; 8],
            len: 0,
        }
    }

    fn first(&self) -> &[u8] {
        self.first.get(..self.len).unwrap_or_default()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let poll = Pin::new(&mut self.inner).poll_read(cx, buf);
        if self.len < self.first.len() {
            let this = &mut *self;
            let new = buf.filled().get(before..).unwrap_or_default();
            for (to, from) in this.first.iter_mut().skip(this.len).zip(new) {
                *to = *from;
                this.len += 1;
            }
        }
        poll
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_shared_is_told_in_words() {
        use PeerIncompatible as Lacks;
        for (lacks, said) in [
            (
                Lacks::ServerDoesNotSupportTls12Or13,
                "neither TLS 1.2 nor TLS 1.3",
            ),
            (Lacks::NoCipherSuitesInCommon, "no cipher suite"),
            (Lacks::NoKxGroupsInCommon, "no group"),
            (Lacks::Tls12NotOffered, "no TLS version or suite"),
        ] {
            let name = format!("{lacks:?}");
            let e = io::Error::other(Error::PeerIncompatible(lacks));
            let (reason, message) = why(&e, &[], &Shown::default(), None);
            assert_eq!(reason, Reason::TLS_INCOMPATIBLE);
            assert!(message.contains(said) && !message.contains(&name), "{message}");
        }
    }

    #[test]
    fn alerts_are_named_as_the_standard_does() {
        for (alert, name) in [
            (AlertDescription::HandshakeFailure, "handshake_failure"),
            (AlertDescription::UnknownCA, "unknown_ca"),
            (AlertDescription::UnrecognisedName, "unrecognized_name"),
            (AlertDescription::NoApplicationProtocol, "no_application_protocol"),
            (AlertDescription::Unknown(99), "number 99"),
        ] {
            assert_eq!(alert_name(alert), name);
        }
    }
}
