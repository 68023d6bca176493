use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

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
use crate::tls::validity_of;

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
        let Verdict { trust, path_at } = verdict_of(
            &self.inner,
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        let anchor = path_at.and_then(|at| self.paths.best(end_entity, intermediates, at));
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
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) trust: Trust,
    /// An instant at which a path leads to a root, whatever is wrong with the name and today's dates. `None`
    /// where there is no path, or nobody can tell because no instant lies within all dates.
    pub(crate) path_at: Option<UnixTime>,
}

/// Verifies a chain, and looks past its dates where they are at fault.
pub(crate) fn verdict_of(
    verifier: &WebPkiServerVerifier,
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    server_name: &ServerName<'_>,
    ocsp_response: &[u8],
    now: UnixTime,
) -> Verdict {
    let verify = |at| verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, at);
    // The name is looked at last, so who complains of it has found a path.
    let told = |error: &Error, at| {
        let trust = untrusted(error);
        let is_name = matches!(
            trust,
            Trust::Untrusted {
                kind: UntrustedKind::WrongName,
                ..
            }
        );
        Verdict {
            trust,
            path_at: is_name.then_some(at),
        }
    };
    let first = match verify(now) {
        Ok(_) => {
            return Verdict {
                trust: Trust::Trusted,
                path_at: Some(now),
            };
        }
        Err(e) if !is_about_time(&e) => return told(&e, now),
        Err(e) => e,
    };
    // A date is looked at before the path, that of an intermediate before any root: what else is wrong would
    // stay unseen. Dates are judged from the certificates themselves, so the other fault is the one worth
    // telling.
    for at in instants_within(end_entity, intermediates) {
        match verify(at) {
            Ok(_) => {
                return Verdict {
                    trust: untrusted(&first),
                    path_at: Some(at),
                };
            }
            Err(other) if !is_about_time(&other) => return told(&other, at),
            Err(_) => {}
        }
    }
    Verdict {
        trust: untrusted(&first),
        path_at: None,
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

/// The last second of the server's certificate, for intermediates that no path needs; then the last one in
/// which all that were sent are valid, if there is one.
fn instants_within(
    end_entity: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
) -> impl Iterator<Item = UnixTime> {
    let leaf = validity_of(end_entity);
    let common = leaf.and_then(|(mut from, mut until)| {
        for (other_from, other_until) in intermediates.iter().filter_map(|der| validity_of(der)) {
            (from, until) = (from.max(other_from), until.min(other_until));
        }
        (from <= until).then_some(until)
    });
    let leaf = leaf.map(|(_, until)| until);
    let instants = [leaf, common.filter(|common| Some(*common) != leaf)];
    instants.into_iter().flatten().filter_map(|at| {
        let seconds = u64::try_from(at.unix_seconds()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    })
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

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
    use rustls::RootCertStore;

    use super::*;

    fn named(name: &str, from: i32, until: i32) -> CertificateParams {
        let mut params = CertificateParams::new(vec!["api.example.test".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params
    }

    fn authority(name: &str, from: i32, until: i32) -> CertificateParams {
        let mut params = named(name, from, until);
        params.subject_alt_names.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    /// What is said in 2026 of these dates, and whether a path was found: by who knows the root, and by who
    /// knows another one.
    fn said(leaf: (i32, i32), intermediate: (i32, i32), host: &str) -> [(Option<UntrustedKind>, bool); 2] {
        let root_key = KeyPair::generate().unwrap();
        let params = authority("Root CA", 2010, 2050);
        let root = params.self_signed(&root_key).unwrap().der().clone();
        let root_issuer = Issuer::new(params, root_key);
        let key = KeyPair::generate().unwrap();
        let params = authority("Issuing CA", intermediate.0, intermediate.1);
        let issuing = params.signed_by(&key, &root_issuer).unwrap().der().clone();
        let issuer = Issuer::new(params, key);
        let key = KeyPair::generate().unwrap();
        let leaf = named("leaf", leaf.0, leaf.1).signed_by(&key, &issuer).unwrap();
        let key = KeyPair::generate().unwrap();
        let other = authority("Other CA", 2010, 2050).self_signed(&key).unwrap();
        let now = UnixTime::since_unix_epoch(Duration::from_secs(1_795_132_800));
        let name = ServerName::try_from(host.to_owned()).unwrap();
        [root, other.der().clone()].map(|root| {
            let mut store = RootCertStore::empty();
            store.add(root).unwrap();
            let provider = super::super::provider::provider().unwrap();
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider)
                .build()
                .unwrap();
            let sent = [issuing.clone()];
            let verdict = verdict_of(&verifier, leaf.der(), &sent, &name, &[], now);
            let kind = match verdict.trust {
                Trust::Untrusted { kind, .. } => Some(kind),
                _ => None,
            };
            (kind, verdict.path_at.is_some())
        })
    }

    #[test]
    fn a_date_does_not_hide_whether_there_is_a_path() {
        use UntrustedKind::{Expired, NotYetValid, UnknownIssuer, WrongName};
        let unknown = (Some(UnknownIssuer), false);
        let host = "api.example.test";
        for (leaf, intermediate, host, expected, what) in [
            (
                (2025, 2027),
                (2020, 2030),
                host,
                [(None, true), unknown],
                "all is well",
            ),
            (
                (2020, 2025),
                (2020, 2030),
                host,
                [(Some(Expired), true), unknown],
                "an old leaf",
            ),
            (
                (2027, 2028),
                (2020, 2030),
                host,
                [(Some(NotYetValid), true), unknown],
                "an early leaf",
            ),
            (
                (2024, 2027),
                (2020, 2025),
                host,
                [(Some(Expired), true), unknown],
                "an old intermediate",
            ),
            (
                (2020, 2024),
                (2020, 2025),
                host,
                [(Some(Expired), true), unknown],
                "both are old",
            ),
            (
                (2025, 2027),
                (2015, 2020),
                host,
                [(Some(Expired), false), (Some(Expired), false)],
                "never valid together: nobody can tell",
            ),
            (
                (2024, 2027),
                (2020, 2025),
                "other.example.test",
                [(Some(WrongName), true), unknown],
                "an old intermediate and a wrong name",
            ),
        ] {
            assert_eq!(said(leaf, intermediate, host), expected, "{what}");
        }
    }
}
