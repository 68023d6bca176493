use std::sync::Arc;

use readiness_core::{
    Looking, ObserveError, Source,
    fact::{ServerChain, StoreVerdict, TlsEnd, TrustIn, TrustInStores, TrustStore},
};
use rustls::{
    RootCertStore,
    client::WebPkiServerVerifier,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{files, pem, settings::Shared, verifier::verdict_of};

/// Answers [`TrustIn`].
pub(crate) struct StoreSource(pub(crate) Arc<Shared>);

impl Source<TrustIn> for StoreSource {
    async fn look(&self, key: TrustIn, cx: Looking) -> Result<TrustInStores, ObserveError> {
        let name = key.handshake.endpoint.name.clone();
        let facts = cx.observe(key.handshake).await?;
        let chain = match &facts.end {
            TlsEnd::Established(session) => &session.chain,
            TlsEnd::Refused { chain, .. } => chain,
            _ => return Ok(TrustInStores::default()),
        };
        if chain.is_empty() {
            return Ok(TrustInStores::default());
        }
        let mut verdicts = Vec::with_capacity(key.stores.len());
        for store in key.stores {
            verdicts.push(match self.load(&store).await? {
                Err(problem) => StoreVerdict::unusable(store, problem),
                Ok(roots) => self.ask(store, roots, chain, &name),
            });
        }
        Ok(TrustInStores::new(verdicts))
    }
}

impl StoreSource {
    /// The roots of a store, or why there are none.
    async fn load(&self, store: &TrustStore) -> Result<Result<RootCertStore, String>, ObserveError> {
        let mut roots = RootCertStore::empty();
        match store {
            TrustStore::Platform => {
                let platform = self.0.tls.roots.platform().await?;
                roots.add_parsable_certificates(platform.iter().cloned());
            }
            TrustStore::WebpkiRoots => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
            TrustStore::File(path) => {
                let file = path.clone();
                let read = tokio::task::spawn_blocking(move || files::read("trust store", &file));
                match read.await {
                    Ok(Ok(Some((bytes, _)))) => match pem::anchors("the file", &bytes) {
                        Ok(anchors) => {
                            roots.add_parsable_certificates(anchors);
                        }
                        Err(e) => return Ok(Err(e.to_string())),
                    },
                    Ok(Ok(None)) => return Ok(Err(files::too_long())),
                    Ok(Err(e)) => return Ok(Err(e.message)),
                    Err(e) => return Ok(Err(e.to_string())),
                }
            }
            _ => return Ok(Err("this version does not know it".to_owned())),
        }
        Ok(if roots.is_empty() {
            Err("it holds no root".to_owned())
        } else {
            Ok(roots)
        })
    }

    fn ask(&self, store: TrustStore, roots: RootCertStore, chain: &ServerChain, name: &str) -> StoreVerdict {
        let anchors = u32::try_from(roots.len()).unwrap_or(u32::MAX);
        let provider = Arc::clone(&self.0.tls.provider);
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
        let (verifier, name) = match (verifier, ServerName::try_from(name.to_owned())) {
            (Ok(verifier), Ok(name)) => (verifier, name),
            (Err(e), _) => return StoreVerdict::unusable(store, e.to_string()),
            (_, Err(e)) => return StoreVerdict::unusable(store, e.to_string()),
        };
        let mut ders = chain.iter().map(CertificateDer::from);
        let Some(leaf) = ders.next() else {
            return StoreVerdict::unusable(store, "there is no chain");
        };
        let intermediates: Vec<CertificateDer<'_>> = ders.collect();
        let verdict = verdict_of(&verifier, &leaf, &intermediates, &name, &[], UnixTime::now());
        StoreVerdict::new(store, anchors, verdict.trust).path(verdict.path_at.is_some())
    }
}
