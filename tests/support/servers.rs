//! The servers of the test of certificates: most with one fault each, some with none, and what must be said of each.

use std::time::{Duration, SystemTime};

use rcgen::{DnType, ExtendedKeyUsagePurpose, IsCa, SanType};

use super::{
    faults::{Pki, SOUND, Shown, must_staple, unknown_critical},
    pki::DAY,
};

const HOUR: Duration = Duration::from_secs(3600);

/// What must be said of a server: at most notes, or this finding.
#[derive(Clone, Copy)]
pub enum Expect {
    Healthy,
    Says(Says),
}
use Expect::Healthy;

/// A finding as it must be.
#[derive(Clone, Copy)]
pub struct Says {
    pub id: &'static str,
    pub status: &'static str,
    pub code: &'static str,
    /// A part of its message.
    pub words: &'static str,
    /// What it is about, such as `chain[1]`; what the probe says alone where it is empty.
    pub subject: &'static str,
}

impl Expect {
    /// The same of this certificate of the chain.
    fn at(self, subject: &'static str) -> Self {
        match self {
            Healthy => Healthy,
            Self::Says(says) => Self::Says(Says { subject, ..says }),
        }
    }
}

/// About the server's certificate where it is about certificates at all.
fn says(id: &'static str, status: &'static str, code: &'static str, words: &'static str) -> Expect {
    let is_certificate = id.starts_with("tls.certificate");
    let subject = if is_certificate { "chain[0]" } else { "" };
    Expect::Says(Says {
        id,
        status,
        code,
        words,
        subject,
    })
}

pub struct Server {
    pub name: &'static str,
    pub expect: Expect,
    pub shown: Shown,
    pub is_public: bool,
}

pub fn servers(pki: &Pki) -> Vec<Server> {
    let san = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let common_name = |params: &mut rcgen::CertificateParams, name: &str| {
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
    };
    let days = |n: u64| n * 86_400;
    let rsa = |bits: &'static str| -> Vec<&'static str> { vec!["-algorithm", "RSA", "-pkeyopt", bits] };
    let mut all = Vec::new();
    let mut add = |name, expect, shown| {
        all.push(Server {
            name,
            expect,
            shown,
            is_public: false,
        });
    };
    add("fresh-6day", Healthy, pki.with_lifetime(6 * DAY, 5 * DAY));
    add("fresh-47day", Healthy, pki.with_lifetime(47 * DAY, 40 * DAY));
    add("healthy-p256", Healthy, pki.leaf(|_| {}));
    add(
        "healthy-rsa",
        Healthy,
        pki.by_openssl("healthy-rsa", &rsa("rsa_keygen_bits:2048"), "sha256")
            .speaking(SOUND),
    );
    add(
        "healthy-wildcard",
        Healthy,
        pki.leaf(|params| {
            params.subject_alt_names = vec![san("*.example.com"), san("example.com")];
            common_name(params, "*.example.com");
        }),
    );
    let expires = |limit| says("tls.certificate", limit, "expires_soon", "expires in");
    add(
        "late-6day",
        expires("warn"),
        pki.with_lifetime(6 * DAY, 40 * HOUR),
    );
    add(
        "late-47day",
        expires("warn"),
        pki.with_lifetime(47 * DAY, 10 * DAY),
    );
    add(
        "late-90day",
        expires("warn"),
        pki.with_lifetime(90 * DAY, 20 * DAY),
    );
    add(
        "expires-5d",
        expires("fail"),
        pki.with_lifetime(90 * DAY, 5 * DAY),
    );
    add(
        "expired",
        says("tls.certificate", "fail", "expired", "expired"),
        pki.leaf(|params| {
            params.not_before = (SystemTime::now() - 93 * DAY).into();
            params.not_after = (SystemTime::now() - 3 * DAY).into();
        }),
    );
    add(
        "not-yet-valid",
        says("tls.certificate", "fail", "not_yet_valid", "valid"),
        pki.with_lifetime(90 * DAY, 92 * DAY),
    );
    add(
        "wrong-host",
        says("tls.certificate", "fail", "wrong_host", "other.example.com"),
        pki.leaf(|params| {
            params.subject_alt_names = vec![san("other.example.com")];
            common_name(params, "other.example.com");
        }),
    );
    add(
        "cn-only",
        says("tls.certificate", "fail", "no_san", "common name"),
        pki.leaf(|params| params.subject_alt_names.clear()),
    );
    add(
        "self-signed",
        says("tls.certificate", "fail", "self_signed", "self-signed"),
        pki.self_signed(),
    );
    add(
        "untrusted-root",
        says("tls.certificate", "fail", "unknown_root", "root").at("chain[1]"),
        pki.under_a_strange_root("Strange Root"),
    );
    add(
        "namesake-root",
        says("tls.certificate", "fail", "bad_signature", "another key"),
        pki.under_a_strange_root("Example Root"),
    );
    add(
        "missing-intermediate",
        says(
            "tls.certificate",
            "fail",
            "missing_intermediate",
            "Example Issuing CA",
        ),
        pki.ordered(|leaf, _, _| leaf.to_owned()),
    );
    add(
        "reversed-chain",
        says("tls.certificate", "warn", "wrong_order", "too early").at("chain[1]"),
        pki.ordered(|leaf, intermediate, root| format!("{leaf}{root}{intermediate}")),
    );
    add(
        "root-in-chain",
        says("tls.certificate", "pass", "root_sent", "root").at("chain[2]"),
        pki.ordered(|leaf, intermediate, root| format!("{leaf}{intermediate}{root}")),
    );
    add(
        "duplicate-leaf",
        says("tls.certificate", "warn", "duplicate", "again").at("chain[1]"),
        pki.ordered(|leaf, intermediate, _| format!("{leaf}{leaf}{intermediate}")),
    );
    add(
        "inter-expires-5d",
        says("tls.certificate", "fail", "expires_soon", "expires in").at("chain[1]"),
        pki.under_intermediate_with(5 * DAY, false),
    );
    add(
        "inter-expired",
        says("tls.certificate", "fail", "expired", "expired").at("chain[1]"),
        pki.under_intermediate_with(3 * DAY, true),
    );
    add(
        "inter-sha1",
        says("tls.certificate", "fail", "weak_signature", "SHA-1").at("chain[1]"),
        pki.under_openssl_intermediate("inter-sha1", "sha1"),
    );
    add(
        "leaf-sha1",
        says("tls.certificate", "fail", "weak_signature", "SHA-1"),
        pki.by_openssl("leaf-sha1", &rsa("rsa_keygen_bits:2048"), "sha1"),
    );
    add(
        "rsa1024",
        says("tls.certificate", "fail", "short_key", "1024"),
        pki.by_openssl("rsa1024", &rsa("rsa_keygen_bits:1024"), "sha256"),
    );
    add(
        "rsa2047",
        says("tls.certificate", "fail", "short_key", "2047"),
        pki.by_openssl("rsa2047", &rsa("rsa_keygen_bits:2047"), "sha256"),
    );
    add(
        "p224",
        says("tls.versions", "fail", "weak_curve", "P-224"),
        pki.by_openssl(
            "p224",
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-224"],
            "sha256",
        ),
    );
    add(
        "eku-client-only",
        says("tls.certificate", "fail", "wrong_purpose", "serverAuth"),
        pki.leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]),
    );
    add(
        "eku-none",
        says("tls.certificate_rules", "warn", "no_purpose", "serverAuth"),
        pki.leaf(|params| params.extended_key_usages.clear()),
    );
    add(
        "eku-any",
        says("tls.certificate", "fail", "wrong_purpose", "any"),
        pki.leaf(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]),
    );
    add(
        "leaf-is-ca",
        says("tls.certificate", "fail", "leaf_is_authority", "authority"),
        pki.leaf(|params| params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained)),
    );
    add(
        "must-staple-no-staple",
        says("tls.certificate", "warn", "must_staple", "staple"),
        pki.leaf(|params| params.custom_extensions.push(must_staple())),
    );
    add(
        "unknown-critical-ext",
        says(
            "tls.certificate",
            "fail",
            "unknown_critical_extension",
            "1.3.6.1.4.1.99999.1",
        ),
        pki.leaf(|params| params.custom_extensions.push(unknown_critical())),
    );
    add(
        "underscore",
        says(
            "tls.certificate_rules",
            "warn",
            "underscore",
            "my_shop.example.com",
        ),
        pki.leaf(|params| params.subject_alt_names.push(san("my_shop.example.com"))),
    );
    add(
        "tls10-11",
        says("tls.versions", "fail", "old_version", "TLS 1.0"),
        pki.leaf(|_| {})
            .speaking(
                "ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0;",
            ),
    );
    add(
        "tls12-only",
        says("tls.versions", "pass", "only_tls_1_2", "TLS 1.3"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;"),
    );
    add(
        "cbc-only",
        says("tls.cipher_suites", "warn", "cbc_suites", "CBC"),
        pki.leaf(|_| {}).speaking(
            "ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA384;",
        ),
    );
    add(
        "no-fs",
        says(
            "tls.cipher_suites",
            "warn",
            "no_forward_secrecy",
            "forward secrecy",
        ),
        pki.by_openssl("no-fs", &rsa("rsa_keygen_bits:2048"), "sha256")
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers AES128-GCM-SHA256:AES256-GCM-SHA384;"),
    );
    add(
        "null-cipher",
        says("tls.cipher_suites", "fail", "null_suites", "NULL"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0;"),
    );
    add(
        "anon-cipher",
        says("tls.cipher_suites", "fail", "anonymous_suites", "anon"),
        pki.leaf(|_| {})
            .speaking("ssl_protocols TLSv1.2; ssl_ciphers AECDH-AES128-SHA:@SECLEVEL=0;"),
    );
    // For public authorities alone. Their years have 365 days, and both ends of a time count.
    let mut public = |name, expect, shown| {
        all.push(Server {
            name,
            expect,
            shown,
            is_public: true,
        });
    };
    let too_long = |limit, words| says("tls.certificate_rules", limit, "lifetime_too_long", words);
    public("life-200-exact", Healthy, pki.public(days(200), 20 * DAY, |_| {}));
    public(
        "life-201",
        too_long("warn", "1 second more than the 200 days"),
        pki.public(days(200) + 1, 20 * DAY, |_| {}),
    );
    public(
        "life-398",
        too_long("warn", "198 days more than the 200 days"),
        pki.public(days(398), 20 * DAY, |_| {}),
    );
    public(
        "life-10y",
        too_long("fail", "3450 days more than the 200 days"),
        pki.public(days(3650), 20 * DAY, |_| {}),
    );
    public(
        "cn-not-in-san",
        says("tls.certificate_rules", "warn", "cn_not_in_san", "Example Shop"),
        pki.public(days(90), 10 * DAY, |params| common_name(params, "Example Shop")),
    );
    public(
        "wildcard-public-suffix",
        says("tls.certificate_rules", "warn", "wide_wildcard", "*.co.uk"),
        pki.public(days(90), 10 * DAY, |params| {
            params.subject_alt_names.push(san("*.co.uk"));
        }),
    );
    all
}
