//! Who is trusted, and who this side is.

use std::{path::PathBuf, sync::Arc, time::Duration};

use readiness_core::{Secret, fact::TrustStore};

use super::{Authority, ClientPem, Live, LiveError};
use crate::live::{
    pem,
    provider::provider,
    roots::Roots,
    settings::{ClientIdentity, TlsSettings, canonical},
};

impl Live {
    /// Trusts the certificates of a PEM file too, beside the machine's.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities.push(Authority::File(path.into()));
        self
    }

    /// Trusts the certificates of a PEM text too, beside the machine's.
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Authority::Pem(pem.into()));
        self
    }

    /// Trusts the roots of these stores, instead of the machine's; what [`Live::ca_file`] and [`Live::ca_pem`]
    /// give is trusted beside them. An empty list means the machine's, or `webpki-roots` where it has none.
    ///
    /// With a file alone nothing else is trusted: `[TrustStore::File("ca.pem".into())]`.
    pub fn trust(mut self, stores: impl IntoIterator<Item = TrustStore>) -> Self {
        self.trust = stores.into_iter().collect();
        self
    }

    /// Shows this certificate to peers that ask for one: its chain and its key, both PEM.
    ///
    /// It tells who we are, so it goes to named hosts alone: those of [`Live::client_certificate_for`], or the
    /// targets of the suite that [`Live::sources_for`] is given. A host that a redirect names gets none unless
    /// it is one of them. Whoever answers at such a host sees it, also with a certificate that is not
    /// trusted: a client shows its own before it can know. The key never leaves this process.
    pub fn client_certificate(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client_certificate = Some(ClientPem {
            chain: Secret::new(chain.into()),
            key: Secret::new(key.into()),
        });
        self
    }

    /// Names the hosts that the client certificate may be shown to, without ports; several calls add up.
    pub fn client_certificate_for<N: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = N>) -> Self {
        let names = hosts.into_iter().map(|host| canonical(host.as_ref()));
        self.client_certificate_for.extend(names);
        self
    }

    /// [`Live::client_certificate`] from two PEM files.
    ///
    /// # Errors
    /// [`LiveError::Unreadable`] names the file.
    pub fn client_certificate_files(
        self,
        chain: impl AsRef<std::path::Path>,
        key: impl AsRef<std::path::Path>,
    ) -> Result<Self, LiveError> {
        let read = |path: &std::path::Path| {
            std::fs::read(path).map_err(|source| LiveError::Unreadable {
                what: format!("client certificate file `{}`", path.display()),
                source,
            })
        };
        let (chain, key) = (read(chain.as_ref())?, read(key.as_ref())?);
        Ok(self.client_certificate(chain, key))
    }

    /// Sets how long a TLS handshake may take. Default: 3 s.
    pub fn tls_timeout(mut self, timeout: Duration) -> Self {
        self.tls_timeout = timeout;
        self
    }

    pub(super) fn tls_settings(&self) -> Result<TlsSettings, LiveError> {
        let provider = provider()?;
        let (mut given, mut names) = (Vec::new(), Vec::new());
        let files = self.trust.iter().filter_map(|store| match store {
            TrustStore::File(path) => Some(Authority::File(path.into())),
            _ => None,
        });
        for authority in files.chain(self.authorities.iter().cloned()) {
            let (what, name, pem) = match &authority {
                Authority::Pem(pem) => {
                    let what = "the CA certificate given as PEM".to_owned();
                    (what, "given PEM".to_owned(), pem.clone())
                }
                Authority::File(path) => {
                    let what = format!("CA file `{}`", path.display());
                    let pem = std::fs::read(path).map_err(|source| LiveError::Unreadable {
                        what: what.clone(),
                        source,
                    })?;
                    let name = path.file_name().unwrap_or(path.as_os_str());
                    (what, name.to_string_lossy().into_owned(), pem)
                }
            };
            given.extend(pem::anchors(&what, &pem)?);
            names.push(name);
        }
        let client_certificate = match &self.client_certificate {
            None => None,
            Some(_) if self.client_certificate_for.is_empty() => {
                return Err(LiveError::Setting(
                    "a client certificate is given, and no host that it may be shown to; name them with \
                     `Live::client_certificate_for`, or use `Live::sources_for`"
                        .to_owned(),
                ));
            }
            Some(ClientPem { chain, key }) => Some(ClientIdentity {
                names: self.client_certificate_for.clone(),
                key: Arc::new(pem::client_certificate(&provider, chain.reveal(), key.reveal())?),
            }),
        };
        Ok(TlsSettings {
            timeout: self.tls_timeout,
            provider,
            roots: Roots::new(given, names, self.trust.clone()),
            client_certificate,
        })
    }
}
