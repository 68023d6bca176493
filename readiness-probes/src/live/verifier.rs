use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use readiness_core::fact::{Anchor, ServerChain, Trust, UntrustedKind};
use rustls::{
    CertificateError, DigitallySignedStruct, Error, SignatureScheme,
    client::{
        ResolvesClientCert, WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, ServerName, UnixTime},
    sign::CertifiedKey,
};

use super::paths::Paths;

/// What one handshake showed. Shared by its verifier and its resolver of client certificates.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen(Arc<Mutex<Shown>>);

/// What a peer showed before the handshake ended, well or not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    pub(crate) chain: ServerChain,
    pub(crate) ocsp_staple: ServerChain,
    pub(crate) trust: Option<Trust>,
    pub(crate) anchor: Option<Anchor>,
    pub(crate) signature_valid: Option<bool>,
    pub(crate) client_certificate_requested: bool,
}

impl Seen {
    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn shown(&self) -> Shown {
        self.lock().clone()
    }
}

/// Accepts every certificate and writes down what is wrong with it, so that a refused chain can be shown.
///
/// Whoever uses it must look at what was written before anything secret is sent. One for each connection.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) inner: Arc<WebPkiServerVerifier>,
    pub(crate) paths: Arc<Paths>,
    pub(crate) seen: Seen,
}

impl Recorder {
    fn signature(
        &self,
        result: Result<HandshakeSignatureValid, Error>,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.seen.lock().signature_valid = Some(result.is_ok());
        Ok(HandshakeSignatureValid::assertion())
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let trust = trust_of(
            &self.inner,
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        // Where there is a path at all: a name and a date are other questions.
        let at = match &trust {
            Trust::Untrusted { kind, .. } => match kind {
                UntrustedKind::WrongName => Some(now),
                UntrustedKind::Expired | UntrustedKind::NotYetValid => instant_within(end_entity),
                _ => None,
            },
            _ => Some(now),
        };
        let anchor = at.and_then(|at| self.paths.best(end_entity, intermediates, at));
        let chain = std::iter::once(end_entity).chain(intermediates);
        let mut shown = self.seen.lock();
        shown.chain = ServerChain::new(chain.map(|der| der.to_vec()).collect());
        if !ocsp_response.is_empty() {
            shown.ocsp_staple = ServerChain::new(vec![ocsp_response.to_vec()]);
        }
        shown.anchor = anchor;
        shown.trust = Some(trust);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(self.inner.verify_tls12_signature(message, cert, dss))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(self.inner.verify_tls13_signature(message, cert, dss))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// What the roots of a verifier say of a chain.
pub(crate) fn trust_of(
    verifier: &WebPkiServerVerifier,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    ocsp_response: &[u8],
    now: UnixTime,
) -> Trust {
    let verify = |at| verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
    let result = match verify(now) {
        // A date is looked at before the path: what else is wrong would stay unseen. Dates are judged
        // from the certificates themselves, so the other fault is the one worth telling.
        Err(e) if is_about_time(&e) => match instant_within(end_entity).map(verify) {
            Some(Err(other)) if !is_about_time(&other) => Err(other),
            _ => Err(e),
        },
        result => result,
    };
    match result {
        Ok(_) => Trust::Trusted,
        Err(e) => untrusted(&e),
    }
}

/// Notes that a client certificate was asked for, and shows ours if there is one.
#[derive(Debug)]
pub(crate) struct ClientCertificate {
    pub(crate) own: Option<Arc<CertifiedKey>>,
    pub(crate) seen: Seen,
}

impl ResolvesClientCert for ClientCertificate {
    fn resolve(&self, _: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.seen.lock().client_certificate_requested = true;
        let own = self.own.as_ref()?;
        own.key.choose_scheme(schemes).map(|_| Arc::clone(own))
    }

    /// True also where there is none: else nobody is asked, and the request goes unseen.
    fn has_certs(&self) -> bool {
        true
    }
}

fn is_about_time(e: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        e,
        Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    )
}

/// The last second in which a certificate was valid.
fn instant_within(certificate: &CertificateDer<'_>) -> Option<UnixTime> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let seconds = u64::try_from(parsed.validity().not_after.timestamp()).ok()?;
    Some(UnixTime::since_unix_epoch(std::time::Duration::from_secs(
        seconds,
    )))
}

fn untrusted(e: &Error) -> Trust {
    let kind = match e {
        Error::InvalidCertificate(e) => match e {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => UntrustedKind::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                UntrustedKind::NotYetValid
            }
            // An issuer of the right name and another key is not the one we know.
            CertificateError::BadSignature | CertificateError::UnknownIssuer => UntrustedKind::UnknownIssuer,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                UntrustedKind::WrongName
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                UntrustedKind::Purpose
            }
            _ => UntrustedKind::Other,
        },
        _ => UntrustedKind::Other,
    };
    // The names of the peer's certificate may stand in it, and there may be thousands.
    let message = e
        .to_string()
        .chars()
        .filter(|c| !c.is_control())
        .take(300)
        .collect();
    Trust::Untrusted { kind, message }
}
