use std::sync::Arc;

use readiness_core::{ObserveError, Reason, fact::TrustStore};
use rustls::{
    RootCertStore, client::WebPkiServerVerifier, crypto::CryptoProvider, pki_types::CertificateDer,
};
use tokio::sync::OnceCell;

use super::paths::Paths;

/// The trust anchors of one [`Live`](super::Live), loaded when they are first needed.
#[derive(Debug)]
pub(crate) struct Roots {
    given: Vec<CertificateDer<'static>>,
    /// What the given ones are called in the view.
    names: Vec<String>,
    /// The stores they stand beside; empty for the platform's.
    stores: Vec<TrustStore>,
    platform: OnceCell<Arc<Vec<CertificateDer<'static>>>>,
    loaded: OnceCell<Arc<Loaded>>,
}

/// Trust anchors, ready for use.
#[derive(Debug)]
pub(crate) struct Loaded {
    #[cfg(feature = "api")]
    pub(crate) store: Arc<RootCertStore>,
    /// Judges paths. Building it is not free, and it holds nothing of a connection.
    pub(crate) verifier: Arc<WebPkiServerVerifier>,
    /// Tells which root a path leads to.
    pub(crate) paths: Arc<Paths>,
    /// Such as `platform + ca.pem`.
    pub(crate) name: String,
    pub(crate) count: u32,
}

impl Roots {
    pub(crate) fn new(
        given: Vec<CertificateDer<'static>>,
        names: Vec<String>,
        stores: Vec<TrustStore>,
    ) -> Self {
        Self {
            given,
            names,
            stores,
            platform: OnceCell::new(),
            loaded: OnceCell::new(),
        }
    }

    /// The machine's own anchors. Reading them takes milliseconds and hundreds of files, so it happens once,
    /// and not on the run's thread.
    pub(crate) async fn platform(&self) -> Result<Arc<Vec<CertificateDer<'static>>>, ObserveError> {
        let platform = self.platform.get_or_try_init(|| async {
            let platform = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs);
            let platform = platform.await.map_err(|e| failed(&e))?;
            Ok::<_, ObserveError>(Arc::new(platform.certs))
        });
        platform.await.cloned()
    }

    /// The anchors.
    pub(crate) async fn load(&self, provider: &Arc<CryptoProvider>) -> Result<Arc<Loaded>, ObserveError> {
        let loaded = self.loaded.get_or_try_init(|| async {
            let wanted = self.stores.is_empty() || self.stores.contains(&TrustStore::Platform);
            let platform = if wanted {
                self.platform().await?.to_vec()
            } else {
                Vec::new()
            };
            self.build(platform, provider).map(Arc::new)
        });
        loaded.await.cloned()
    }

    fn build(
        &self,
        platform: Vec<CertificateDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Loaded, ObserveError> {
        let mut store = RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(platform);
        let mut parts = Vec::new();
        if usable > 0 {
            parts.push("platform");
        }
        let fallback = self.stores.is_empty() && usable == 0;
        if fallback || self.stores.contains(&TrustStore::WebpkiRoots) {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            parts.push("webpki-roots");
        }
        // Of both the machine's own stands first, so a root of both is the machine's: it is what its programs
        // use.
        let own = store.len();
        store.add_parsable_certificates(self.given.iter().cloned());
        if store.is_empty() {
            return Err(failed(&"none of the stores that were named holds one"));
        }
        parts.extend(self.names.iter().map(String::as_str));
        let name = parts.join(" + ");
        let count = u32::try_from(store.len()).unwrap_or(u32::MAX);
        let algorithms = provider.signature_verification_algorithms;
        let store = Arc::new(store);
        let paths = Arc::new(Paths::new(Arc::clone(&store), usable, own, algorithms));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::clone(&store), Arc::clone(provider))
            .build()
            .map_err(|e| failed(&e))?;
        Ok(Loaded {
            #[cfg(feature = "api")]
            store,
            verifier,
            paths,
            name,
            count,
        })
    }
}

fn failed(e: &dyn std::fmt::Display) -> ObserveError {
    ObserveError::new(Reason::ERROR, format!("the trust anchors cannot be loaded: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ca() -> CertificateDer<'static> {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        params.self_signed(&key).unwrap().der().clone()
    }

    #[test]
    fn an_empty_platform_store_is_replaced_and_named() {
        let provider = super::super::provider::provider().unwrap();
        let roots = Roots::new(vec![ca()], vec!["ca.pem".to_owned()], Vec::new());
        let loaded = roots.build(vec![], &provider).unwrap();
        assert_eq!(loaded.name, "webpki-roots + ca.pem");
        assert_eq!(loaded.count as usize, webpki_roots::TLS_SERVER_ROOTS.len() + 1);
        let loaded = roots.build(vec![ca(), ca()], &provider).unwrap();
        assert_eq!((&*loaded.name, loaded.count), ("platform + ca.pem", 3));
    }

    #[test]
    fn the_stores_that_are_named_are_trusted_and_no_others() {
        let provider = super::super::provider::provider().unwrap();
        let mozilla = webpki_roots::TLS_SERVER_ROOTS.len();
        for (stores, given, name, count) in [
            (vec![TrustStore::Platform], 0, "platform", 2),
            (vec![TrustStore::WebpkiRoots], 0, "webpki-roots", mozilla),
            (
                vec![TrustStore::Platform, TrustStore::WebpkiRoots],
                1,
                "platform + webpki-roots + ca.pem",
                mozilla + 3,
            ),
            (vec![TrustStore::File("ca.pem".into())], 1, "ca.pem", 1),
        ] {
            let platform = if stores.contains(&TrustStore::Platform) {
                vec![ca(), ca()]
            } else {
                Vec::new()
            };
            let names = vec!["ca.pem".to_owned(); given];
            let roots = Roots::new((0..given).map(|_| ca()).collect(), names, stores);
            let loaded = roots.build(platform, &provider).unwrap();
            assert_eq!((&*loaded.name, loaded.count as usize), (name, count));
        }
        // A platform without a root is named as such, not replaced by what nobody named.
        let roots = Roots::new(Vec::new(), Vec::new(), vec![TrustStore::Platform]);
        let error = roots.build(Vec::new(), &provider).unwrap_err();
        assert!(error.message.contains("none of the stores"), "{}", error.message);
    }
}
