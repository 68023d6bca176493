//! What `readiness.toml` says of looking.

use readiness_core::fact::Family;

use super::{Live, LiveError};

impl Live {
    /// Takes over what a configuration says of looking.
    ///
    /// # Errors
    /// [`LiveError`] where a setting needs a cargo feature that is off, or a file cannot be read.
    pub fn settings(mut self, settings: &readiness_core::LookSettings) -> Result<Self, LiveError> {
        for (name, addresses) in &settings.resolve {
            for address in addresses {
                self = self.resolve(name, *address);
            }
        }
        if !settings.nameservers.is_empty() {
            self = self.nameservers(settings.nameservers.clone());
        }
        match settings.only_ip_version {
            None => {}
            Some(4) => self = self.only(Family::V4),
            Some(6) => self = self.only(Family::V6),
            Some(other) => {
                return Err(LiveError::Setting(format!(
                    "`look.only_ip_version` is {other}, expected 4 or 6"
                )));
            }
        }
        self.tls_and_http(settings)
    }

    #[cfg(feature = "http")]
    fn tls_and_http(mut self, settings: &readiness_core::LookSettings) -> Result<Self, LiveError> {
        for path in &settings.ca {
            self = self.ca_file(path);
        }
        if !settings.trust.is_empty() {
            self = self.trust(settings.trust.iter().cloned());
        }
        if let Some(text) = &settings.user_agent {
            self = self.user_agent(text.as_str());
        }
        match (&settings.client_certificate, &settings.client_key) {
            (Some(chain), Some(key)) => self.client_certificate_files(chain, key),
            (None, None) => Ok(self),
            _ => Err(LiveError::Setting(
                "`look.client_certificate` and `look.client_key` go together; one is missing".to_owned(),
            )),
        }
    }

    #[cfg(not(feature = "http"))]
    fn tls_and_http(self, settings: &readiness_core::LookSettings) -> Result<Self, LiveError> {
        let needs_more = !settings.ca.is_empty()
            || !settings.trust.is_empty()
            || settings.user_agent.is_some()
            || settings.client_certificate.is_some()
            || settings.client_key.is_some();
        if needs_more {
            return Err(LiveError::Setting(
                "`look` names trust or HTTP settings; they need the cargo feature `http`".to_owned(),
            ));
        }
        Ok(self)
    }
}
