//! Certificates with one fault each, and the servers that show them.
//!
//! The authority is the same everywhere: a root, an intermediate, a leaf. rcgen makes what it can; what no careful
//! library makes any more (SHA-1, short RSA keys, P-224) comes from the openssl command.

use std::{
    process::{Command, Stdio},
    time::{Duration, SystemTime},
};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CrlDistributionPoint, CustomExtension, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use super::{folder::Folder, pki::DAY};

/// A public name, to which nothing is ever sent: the tests resolve it to the loopback.
pub const HOST: &str = "www.example.com";

/// What a server shows: its chain and its key as PEM, and how its nginx is told to speak.
pub struct Shown {
    pub chain: String,
    pub key: String,
    /// Directives of its `server` block.
    pub nginx: &'static str,
}

/// The authority of all servers.
pub struct Pki {
    folder: Folder,
    root: CertifiedIssuer<'static, KeyPair>,
    intermediate: CertifiedIssuer<'static, KeyPair>,
    now: SystemTime,
}

/// As one would wish.
pub const SOUND: &str = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;";

/// Good suites, and keys and signatures of any strength, whatever the machine's own policy says.
pub const LAX: &str = "ssl_protocols TLSv1.2 TLSv1.3; ssl_ciphers ECDHE+AESGCM:@SECLEVEL=0;";

impl Pki {
    pub fn new() -> Self {
        Self::under("Example Root", SystemTime::now())
    }

    fn under(root: &str, now: SystemTime) -> Self {
        let root = CertifiedIssuer::self_signed(
            authority(root, now, now - 400 * DAY, 3650 * DAY),
            KeyPair::generate().unwrap(),
        )
        .unwrap();
        let intermediate = CertifiedIssuer::signed_by(
            authority("Example Issuing CA", now, now - 300 * DAY, 1825 * DAY),
            KeyPair::generate().unwrap(),
            &root,
        )
        .unwrap();
        Self {
            folder: Folder::new(),
            root,
            intermediate,
            now,
        }
    }

    pub fn root_pem(&self) -> String {
        self.root.pem()
    }

    /// A leaf of 90 days with 80 left, changed by the closure, under the usual chain.
    pub fn leaf(&self, change: impl FnOnce(&mut CertificateParams)) -> Shown {
        let (leaf, key) = self.leaf_alone(change);
        Shown::new(leaf + &self.intermediate.pem(), key)
    }

    /// The same without its chain.
    pub fn leaf_alone(&self, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        self.leaf_under(&self.intermediate, change)
    }

    fn leaf_under(
        &self,
        issuer: &Issuer<'_, KeyPair>,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = self.params();
        change(&mut params);
        (params.signed_by(&key, issuer).unwrap().pem(), key.serialize_pem())
    }

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(vec![HOST.to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, HOST);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        self.lasting(&mut params, 90 * DAY, 80 * DAY);
        params
    }

    /// Gives a certificate this lifetime, and so much of it left.
    pub fn lasting(&self, params: &mut CertificateParams, lifetime: Duration, left: Duration) {
        let until = self.now + left;
        params.not_before = (until - lifetime).into();
        params.not_after = until.into();
    }

    /// A leaf with this lifetime, and so much of it left.
    pub fn with_lifetime(&self, lifetime: Duration, left: Duration) -> Shown {
        self.leaf(|params| self.lasting(params, lifetime, left))
    }

    /// Issued this long ago, for so many seconds, both ends counted, by an authority that keeps all the rules
    /// of public ones otherwise.
    pub fn public(
        &self,
        seconds: u64,
        issued: Duration,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Shown {
        self.leaf(|params| {
            let begin = self.now - issued;
            params.not_before = begin.into();
            params.not_after = (begin + Duration::from_secs(seconds - 1)).into();
            params.crl_distribution_points = vec![CrlDistributionPoint {
                uris: vec!["http://crl.example.com/1.crl".to_owned()],
            }];
            params.custom_extensions.push(timestamps(3));
            change(params);
        })
    }

    /// A leaf that signed itself.
    pub fn self_signed(&self) -> Shown {
        let key = KeyPair::generate().unwrap();
        let certificate = self.params().self_signed(&key).unwrap();
        Shown::new(certificate.pem(), key.serialize_pem())
    }

    /// A whole chain under a root of this name that nobody here knows.
    pub fn under_a_strange_root(&self, name: &str) -> Shown {
        Self::under(name, self.now).leaf(|_| {})
    }

    /// The usual leaf under an intermediate with this much time left.
    pub fn under_intermediate_with(&self, left: Duration, expired: bool) -> Shown {
        let until = if expired { self.now - left } else { self.now + left };
        let params = authority("Example Issuing CA 2", self.now, until - 1825 * DAY, 1825 * DAY);
        let issuer = CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.root).unwrap();
        let (leaf, key) = self.leaf_under(&issuer, |_| {});
        Shown::new(leaf + &issuer.pem(), key)
    }

    /// The usual chain, its certificates in another order.
    pub fn ordered(&self, order: impl Fn(&str, &str, &str) -> String) -> Shown {
        let (leaf, key) = self.leaf_alone(|_| {});
        Shown::new(order(&leaf, &self.intermediate.pem(), &self.root.pem()), key)
    }

    /// A leaf whose key and signature the openssl command makes: `genpkey` arguments, and the digest.
    pub fn by_openssl(&self, name: &str, key: &[&str], digest: &str) -> Shown {
        let (leaf, key) = self.signed_by_openssl(name, key, digest, &self.intermediate, LEAF, HOST);
        Shown::new(leaf + &self.intermediate.pem(), key).speaking(LAX)
    }

    /// A leaf under an intermediate that was signed with this digest.
    pub fn under_openssl_intermediate(&self, name: &str, digest: &str) -> Shown {
        let p256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
        let (pem, key) = self.signed_by_openssl(name, &p256, digest, &self.root, CA, "Example Old CA");
        let issuer = Issuer::from_ca_cert_pem(&pem, KeyPair::from_pem(&key).unwrap()).unwrap();
        let (leaf, key) = self.leaf_under(&issuer, |_| {});
        Shown::new(leaf + &pem, key).speaking(LAX)
    }

    fn signed_by_openssl(
        &self,
        name: &str,
        key: &[&str],
        digest: &str,
        issuer: &CertifiedIssuer<'static, KeyPair>,
        extensions: &str,
        common_name: &str,
    ) -> (String, String) {
        let file = |kind: &str| self.folder.text(&format!("{name}.{kind}"));
        let (key_file, request, certificate) = (file("key"), file("csr"), file("crt"));
        self.folder.write(&format!("{name}.ext"), extensions);
        self.folder.write(&format!("{name}.ca"), &issuer.pem());
        self.folder
            .write(&format!("{name}.cakey"), &issuer.key().serialize_pem());
        let mut generate = vec!["genpkey", "-out", &key_file];
        generate.extend(key);
        openssl(&generate);
        let subject = format!("/CN={common_name}");
        openssl(&[
            "req", "-new", "-key", &key_file, "-out", &request, "-subj", &subject,
        ]);
        let (extensions, ca, ca_key) = (file("ext"), file("ca"), file("cakey"));
        let digest = format!("-{digest}");
        openssl(&[
            "x509",
            "-req",
            "-in",
            &request,
            "-out",
            &certificate,
            "-days",
            "80",
            &digest,
            "-extfile",
            &extensions,
            "-CA",
            &ca,
            "-CAkey",
            &ca_key,
        ]);
        (
            self.folder.read(&format!("{name}.crt")),
            self.folder.read(&format!("{name}.key")),
        )
    }
}

impl Shown {
    fn new(chain: String, key: String) -> Self {
        Self {
            chain,
            key,
            nginx: SOUND,
        }
    }

    /// By a server that is told this.
    pub fn speaking(mut self, nginx: &'static str) -> Self {
        self.nginx = nginx;
        self
    }
}

const LEAF: &str = "subjectAltName = DNS:www.example.com
extendedKeyUsage = serverAuth
keyUsage = digitalSignature, keyEncipherment
authorityKeyIdentifier = keyid
";

const CA: &str = "basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
";

fn authority(name: &str, now: SystemTime, begin: SystemTime, lifetime: Duration) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, name);
    // Two authorities of one name are no help to anybody.
    let nanos = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    params
        .distinguished_name
        .push(DnType::OrganizationName, format!("Test {nanos}"));
    params.use_authority_key_identifier_extension = true;
    params.not_before = begin.into();
    params.not_after = (begin + lifetime).into();
    params
}

/// An extension that nobody knows and everybody must obey.
pub fn unknown_critical() -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
    extension.set_criticality(true);
    extension
}

/// TLS Feature: status_request. RFC 7633, section 4.1.
pub fn must_staple() -> CustomExtension {
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 5, 5, 7, 1, 24], vec![0x30, 3, 2, 1, 5])
}

/// So many signed certificate timestamps, with a signature nobody checks. RFC 6962, section 3.3.
fn timestamps(count: u8) -> CustomExtension {
    let mut list = Vec::new();
    for log in 0..count {
        let mut timestamp = vec![0];
        timestamp.extend([log; 32]);
        timestamp.extend(1_790_000_000_000_u64.to_be_bytes());
        timestamp.extend([0, 0, 4, 3, 0, 4, 0x30, 2, 5, 0]);
        list.extend(u16::try_from(timestamp.len()).unwrap().to_be_bytes());
        list.extend(timestamp);
    }
    let length = u8::try_from(list.len()).unwrap();
    let mut tls = vec![0, length];
    tls.extend(list);
    let inner = u8::try_from(tls.len()).unwrap();
    let mut der = vec![4, 0x81, inner];
    der.extend(tls);
    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 11129, 2, 4, 2], der)
}

fn openssl(arguments: &[&str]) {
    let output = Command::new("openssl")
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    assert!(
        output.status.success(),
        "openssl {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}
