//! rustls panics in `ClientConfig::builder()` where two providers are enabled and none is installed. A
//! program that had one before it took readiness must still have one after.

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use readiness_probes::{Suite, Target, builtin, live::Live};
    use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};

    /// One test, as rustls keeps its provider for the whole process.
    #[test]
    fn ours_installs_nothing_and_the_programs_own_config_still_builds() {
        let sources = Live::new().sources().expect("a provider is there");
        let target = Arc::new(Target::parse("https://example.com").expect("a target"));
        let mut suite = Suite::new(sources);
        for requirement in builtin::registry().preset("web", &target, &Default::default()).expect("a preset") {
            suite.add(requirement).expect("a requirement");
        }
        assert!(suite.requirements().len() > 10);
        assert!(CryptoProvider::get_default().is_none());

        let config = ClientConfig::builder()
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        assert!(!config.crypto_provider().cipher_suites.is_empty());
    }
}
