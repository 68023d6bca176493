//! What the files of a server's certificate and key hold.

use readiness_core::{Observation, fact::ServerChain};
use serde::{Deserialize, Serialize};

/// Reads the files of a certificate and of its key, each once, on this machine.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CertificateFiles {
    /// The path of the certificate and its chain, PEM or DER.
    pub certificate: String,
    /// The path of the private key, PEM or DER.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl CertificateFiles {
    /// The certificate at this path.
    pub fn new(certificate: impl Into<String>) -> Self {
        Self {
            certificate: certificate.into(),
            key: None,
        }
    }

    /// The key at this path too.
    pub fn key(mut self, key: Option<String>) -> Self {
        self.key = key;
        self
    }
}

impl Observation for CertificateFiles {
    const KIND: &'static str = "tls.certificate_files";
    type Fact = CertificateFileFacts;
}

/// What the files hold. Of the key there is nothing but its public half, as a digest.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CertificateFileFacts {
    /// The certificates in the order of the file; empty where it cannot be used.
    pub chain: ServerChain,
    /// What is wrong with the certificate's file; empty where nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub problem: String,
    /// The key; `None` where none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<KeyFileFacts>,
}

impl CertificateFileFacts {
    /// These certificates, and no key.
    pub fn new(chain: ServerChain) -> Self {
        Self {
            chain,
            problem: String::new(),
            key: None,
        }
    }

    /// A file that cannot be used, for this reason.
    pub fn unusable(problem: impl Into<String>) -> Self {
        Self {
            problem: problem.into(),
            ..Self::new(ServerChain::default())
        }
    }

    /// With this key.
    pub fn key(mut self, key: KeyFileFacts) -> Self {
        self.key = Some(key);
        self
    }
}

/// What the file of a private key holds, without the key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeyFileFacts {
    /// What it holds.
    pub key: KeyInFile,
    /// The permission bits of the file, such as 0o640, where the system has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
}

impl KeyFileFacts {
    /// A file that holds this.
    pub fn new(key: KeyInFile) -> Self {
        Self { key, mode: None }
    }

    /// With these permission bits.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }
}

/// What the file of a private key holds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum KeyInFile {
    /// A key that is locked by a passphrase.
    Encrypted,
    /// The SHA-256 of its public half (the bits of `subjectPublicKey`, RFC 5280, section 4.1.2.7), in
    /// hexadecimal digits. Without the algorithm: one RSA key goes by two.
    PublicSha256(String),
    /// A key that cannot be looked into here, of a kind that the provider of cryptography does not know for
    /// example.
    Unreadable {
        /// Why; never a part of it.
        problem: String,
    },
    /// Nothing that can be used.
    Unusable {
        /// What is wrong with it; never a part of it.
        problem: String,
    },
}
