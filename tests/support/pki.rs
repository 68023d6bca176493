//! A certificate authority of the test, and what it issues.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};

pub const DAY: Duration = Duration::from_secs(86_400);

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate with its chain, and its key, as PEM.
pub struct Issued {
    pub chain: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
            .distinguished_name
            .push(DnType::CommonName, "Example Shop CA");
        params.not_before = (SystemTime::now() - 100 * DAY).into();
        params.not_after = (SystemTime::now() + 3000 * DAY).into();
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server's certificate of 90 days, with 80 of them left.
    pub fn issue(&self, name: &str) -> Issued {
        self.issue_for(name, SystemTime::now() + 80 * DAY)
    }

    /// A server's certificate of 90 days, issued just now.
    pub fn issue_fresh(&self, name: &str) -> Issued {
        self.issue_for(name, SystemTime::now() + 90 * DAY)
    }

    /// A server's certificate of 90 days whose time ended 3 days ago.
    pub fn issue_expired(&self, name: &str) -> Issued {
        self.issue_for(name, SystemTime::now() - 3 * DAY)
    }

    fn issue_for(&self, name: &str, until: SystemTime) -> Issued {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = (until - 90 * DAY).into();
        params.not_after = until.into();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Issued {
            chain: certificate.pem(),
            key: key.serialize_pem(),
        }
    }
}
