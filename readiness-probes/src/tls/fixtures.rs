//! Certificates for tests: a root, an intermediate and leaves around a fixed instant.

pub(super) mod forge;

use std::{
    sync::LazyLock,
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CustomExtension, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose,
};
use readiness_core::Timestamp;

/// 2026-11-20T00:00:00Z, which is the default of `testing::Facts`.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_132_800);
pub(super) use super::expiry::DAY;

/// A private authority: a root and an intermediate, which last ten years.
pub(super) struct Pki {
    pub(super) root: Vec<u8>,
    pub(super) intermediate: Vec<u8>,
    root_issuer: Issuer<'static, KeyPair>,
    intermediate_issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub(super) fn new() -> Self {
        Self::with_intermediate(-1000 * DAY, 2650 * DAY)
    }

    /// Sets from and until when, in seconds from [`NOW`], the intermediate is valid.
    pub(super) fn with_intermediate(from: i64, until: i64) -> Self {
        let root_params = authority("Example Root CA", -1000 * DAY, 2650 * DAY);
        let key = KeyPair::generate().unwrap();
        let root = root_params.self_signed(&key).unwrap().der().to_vec();
        let root_issuer = Issuer::new(root_params, key);
        let params = authority("Example Issuing CA", from, until);
        let key = KeyPair::generate().unwrap();
        let intermediate = params.signed_by(&key, &root_issuer).unwrap().der().to_vec();
        let intermediate_issuer = Issuer::new(params, key);
        Self {
            root,
            intermediate,
            root_issuer,
            intermediate_issuer,
        }
    }

    /// A leaf of the intermediate that began so many days ago and lasts until so many days from now.
    pub(super) fn leaf(&self, names: &[&str], days_ago: i64, days_left: i64) -> Vec<u8> {
        self.sign(leaf_params(names, -days_ago * DAY, days_left * DAY - 1))
    }

    /// A leaf of the intermediate.
    pub(super) fn sign(&self, params: CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        der(params.signed_by(&key, &self.intermediate_issuer).unwrap())
    }

    /// A leaf of the root.
    pub(super) fn sign_by_root(&self, params: CertificateParams) -> Vec<u8> {
        let key = KeyPair::generate().unwrap();
        der(params.signed_by(&key, &self.root_issuer).unwrap())
    }
}

/// A leaf valid from and until so many seconds from [`NOW`].
pub(super) fn leaf_params(names: &[&str], from: i64, until: i64) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "leaf");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid(params, from, until)
}

/// Says where the issuer's certificate can be fetched: caIssuers of RFC 5280, section 4.2.2.1.
pub(super) fn with_issuer_url(mut params: CertificateParams) -> CertificateParams {
    let url = b"http://ca.example/issuing.cer";
    let length = u8::try_from(url.len()).unwrap();
    let mut description = vec![
        0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x02, 0x86, length,
    ];
    description.extend_from_slice(url);
    let mut content = vec![0x30, length + 14, 0x30, length + 12];
    content.extend(description);
    params.custom_extensions.push(CustomExtension::from_oid_content(
        &[1, 3, 6, 1, 5, 5, 7, 1, 1],
        content,
    ));
    params
}

/// A certificate signed with its own key.
pub(super) fn self_signed(params: &CertificateParams) -> Vec<u8> {
    der(params.self_signed(&KeyPair::generate().unwrap()).unwrap())
}

/// One certificate for all cases of a property test.
pub(super) fn shared_leaf() -> &'static [u8] {
    static LEAF: LazyLock<Vec<u8>> = LazyLock::new(|| Pki::new().leaf(&["example.com"], 10, 80));
    &LEAF
}

fn authority(name: &str, from: i64, until: i64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params.use_authority_key_identifier_extension = true;
    valid(params, from, until)
}

fn valid(mut params: CertificateParams, from: i64, until: i64) -> CertificateParams {
    let at = |seconds: i64| {
        let unix = u64::try_from(NOW.plus_seconds(seconds).unix_seconds()).unwrap();
        (SystemTime::UNIX_EPOCH + Duration::from_secs(unix)).into()
    };
    params.not_before = at(from);
    params.not_after = at(until);
    params
}

fn der(certificate: Certificate) -> Vec<u8> {
    certificate.der().to_vec()
}

/// One element of DER.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut der = vec![tag];
    match content.len() {
        short @ 0..=0x7f => der.push(short as u8),
        middle @ 0x80..=0xff => der.extend([0x81, middle as u8]),
        long => der.extend([0x82, (long >> 8) as u8, long as u8]),
    }
    der.extend_from_slice(content);
    der
}
