use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    sync::Arc,
};

use readiness_core::{Looking, ObserveError, Reason, Source, fact::ServerChain};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{PrivateKeyDer, pem, pem::PemObject},
};

use super::{pem::certificates_of_file, settings::Shared};
use crate::tls::{CertificateFileFacts, CertificateFiles, KeyFileFacts, KeyInFile, key_sha256_of};

/// The most bytes of a file that are read. A long chain has some 10 KiB.
const MOST_BYTES: u64 = 1024 * 1024;

/// Answers [`CertificateFiles`].
pub(crate) struct FileSource(pub(crate) Arc<Shared>);

impl Source<CertificateFiles> for FileSource {
    async fn look(&self, key: CertificateFiles, _: Looking) -> Result<CertificateFileFacts, ObserveError> {
        let provider = Arc::clone(&self.0.tls.provider);
        // A file may lie on a disk that does not answer.
        tokio::task::spawn_blocking(move || facts(&key, &provider))
            .await
            .map_err(|e| ObserveError::new(Reason::ERROR, format!("the files cannot be read: {e}")))?
    }
}

fn facts(files: &CertificateFiles, provider: &CryptoProvider) -> Result<CertificateFileFacts, ObserveError> {
    let chain = match read("certificate", &files.certificate)? {
        None => Err(too_long()),
        Some((bytes, _)) => certificates_of_file(&bytes),
    };
    let mut facts = match chain {
        Ok(chain) => {
            let ders = chain.iter().map(|der| der.to_vec()).collect();
            CertificateFileFacts::new(ServerChain::new(ders))
        }
        Err(problem) => CertificateFileFacts::unusable(problem),
    };
    if let Some(path) = &files.key {
        facts.key = Some(match read("key", path)? {
            None => KeyFileFacts::new(KeyInFile::Unusable { problem: too_long() }),
            Some((bytes, metadata)) => {
                let mut facts = KeyFileFacts::new(public_half(&bytes, provider));
                facts.mode = mode(&metadata);
                facts
            }
        });
    }
    Ok(facts)
}

pub(super) fn too_long() -> String {
    format!("has more than {MOST_BYTES} bytes")
}

/// A file's bytes and what the system says of it; `None` where it is too long.
///
/// It is opened once: what a link points to may change, and both belong to the same file.
pub(super) fn read(what: &str, path: &str) -> Result<Option<(Vec<u8>, Metadata)>, ObserveError> {
    let failed = |e: io::Error| {
        let hint = match e.kind() {
            io::ErrorKind::NotFound => "; a path is of this machine, and relative to the working folder",
            _ => "",
        };
        let message = format!("{what} file `{path}` cannot be read: {e}{hint}");
        ObserveError::new(Reason::ERROR, message)
    };
    // Opening a pipe would wait for somebody to write into it.
    if !fs::metadata(path).map_err(failed)?.is_file() {
        let message = format!("{what} file `{path}` is no file");
        return Err(ObserveError::new(Reason::ERROR, message));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mut bytes = Vec::new();
    let most = MOST_BYTES + 1;
    let read = file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    Ok((u64::try_from(read).unwrap_or(most) < most).then_some((bytes, metadata)))
}

fn public_half(bytes: &[u8], provider: &CryptoProvider) -> KeyInFile {
    let unusable = |problem: &str| KeyInFile::Unusable {
        problem: problem.to_owned(),
    };
    let key = if bytes.first() == Some(&0x30) {
        PrivateKeyDer::try_from(bytes.to_vec()).map_err(|_| unusable("holds DER that is no private key"))
    } else {
        PrivateKeyDer::from_pem_slice(bytes).map_err(|e| match e {
            pem::Error::NoItemsFound if has(bytes, b"ENCRYPTED PRIVATE KEY") => KeyInFile::Encrypted,
            pem::Error::NoItemsFound if has(bytes, b"BEGIN CERTIFICATE") => {
                unusable("holds a certificate and no private key")
            }
            pem::Error::NoItemsFound => {
                unusable("holds no private key; expected PEM with `-----BEGIN PRIVATE KEY-----`")
            }
            // The text of the error may show a line of the key.
            _ => unusable("is no valid PEM"),
        })
    };
    let key = match key {
        Ok(key) => key,
        Err(what) => return what,
    };
    // OpenSSL's old way to lock a key leaves its label and says so in a header.
    if has(bytes, b"Proc-Type: 4,ENCRYPTED") {
        return KeyInFile::Encrypted;
    }
    let unreadable = |problem: &str| KeyInFile::Unreadable {
        problem: problem.to_owned(),
    };
    // Errors of the provider say nothing of the key.
    let Ok(signing) = provider.key_provider.load_private_key(key) else {
        return unreadable("holds a key that the provider of cryptography cannot read");
    };
    match signing.public_key().and_then(|public| key_sha256_of(&public)) {
        Some(digest) => KeyInFile::PublicSha256(digest),
        None => unreadable("holds a key whose public half the provider of cryptography does not tell"),
    }
}

fn has(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "other systems have none")]
fn mode(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    Some(metadata.permissions().mode() & 0o7777)
}

#[cfg(not(unix))]
fn mode(_: &Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use std::{env, path::PathBuf, process};

    use rcgen::{CertificateParams, KeyPair, PublicKeyData};

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("readiness-files-{name}-{}", process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            path.to_str().unwrap().to_owned()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn provider() -> Arc<CryptoProvider> {
        super::super::provider::provider().unwrap()
    }

    fn key_of(bytes: impl AsRef<[u8]>) -> KeyInFile {
        public_half(bytes.as_ref(), &provider())
    }

    #[test]
    fn pem_and_der_give_the_same_facts() {
        let folder = Folder::new("same");
        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec!["a.test".into()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        let public = key_sha256_of(&key.subject_public_key_info()).unwrap();
        let spki = KeyInFile::PublicSha256(public);
        for (certificate, private) in [
            (own.pem().into_bytes(), key.serialize_pem().into_bytes()),
            (own.der().to_vec(), key.serialize_der()),
            // nginx takes both from one file.
            (
                format!("{}{}", key.serialize_pem(), own.pem()).into_bytes(),
                key.serialize_der(),
            ),
        ] {
            let files = CertificateFiles::new(folder.write("a", certificate));
            let files = files.key(Some(folder.write("b", private)));
            let facts = facts(&files, &provider()).unwrap();
            assert_eq!(facts.chain.iter().collect::<Vec<_>>(), [&own.der()[..]]);
            assert_eq!(facts.key.as_ref().map(|facts| &facts.key), Some(&spki));
            assert_eq!(facts.problem, "");
            // The private half is in no fact.
            let told = serde_json::to_string(&facts).unwrap();
            let pem = key.serialize_pem();
            for line in pem.lines().filter(|line| !line.starts_with('-')) {
                assert!(!told.contains(line), "{told}");
            }
        }
    }

    #[test]
    fn the_public_half_is_that_of_the_certificate_for_each_kind_of_key() {
        for algorithm in [
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &rcgen::PKCS_ED25519,
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let digest = key_sha256_of(&key.subject_public_key_info()).unwrap();
            assert_eq!(key_of(key.serialize_pem()), KeyInFile::PublicSha256(digest));
        }
    }

    #[test]
    fn what_is_no_key_is_named_without_showing_it() {
        let certificate = CertificateParams::new(vec![]).unwrap();
        let certificate = certificate.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let unusable = |part: &'static str| Some(part);
        for (bytes, said) in [
            (b"s3cr3t".to_vec(), unusable("holds no private key")),
            (Vec::new(), unusable("holds no private key")),
            (
                certificate.pem().into_bytes(),
                unusable("a certificate and no private key"),
            ),
            (b"0\x03s3c".to_vec(), unusable("DER that is no private key")),
            (
                b"-----BEGIN PRIVATE KEY-----\ns3cr3t!\n-----END PRIVATE KEY-----\n".to_vec(),
                unusable("no valid PEM"),
            ),
            (
                b"-----BEGIN PRIVATE KEY-----\nczNjcjN0\n-----END PRIVATE KEY-----\n".to_vec(),
                unusable("cannot read"),
            ),
            (
                b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nczNjcjN0\n-----END ENCRYPTED PRIVATE KEY-----\n"
                    .to_vec(),
                None,
            ),
        ] {
            let told = key_of(&bytes);
            match said {
                None => assert_eq!(told, KeyInFile::Encrypted),
                Some(said) => {
                    let is_unread = matches!(told, KeyInFile::Unreadable { .. });
                    assert_eq!(is_unread, said == "cannot read");
                    let told = format!("{told:?}");
                    assert!(told.contains(said) && !told.contains("s3c"), "{told}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_and_what_is_no_certificate_a_fact() {
        let folder = Folder::new("broken");
        let of = |path: String| facts(&CertificateFiles::new(path), &provider());
        let missing = of(folder.0.join("none").to_str().unwrap().to_owned()).unwrap_err();
        assert!(
            missing.message.contains("/none` cannot be read"),
            "{}",
            missing.message
        );
        let is_folder = of(folder.0.to_str().unwrap().to_owned()).unwrap_err();
        assert!(is_folder.message.ends_with("is no file"), "{}", is_folder.message);
        for (content, said) in [
            (b"".to_vec(), "is empty"),
            (b"x".to_vec(), "holds no certificate"),
            (vec![b' '; 1024 * 1024 + 1], "has more than 1048576 bytes"),
            (b"0\x03abc".to_vec(), "no certificate"),
        ] {
            let facts = of(folder.write("x", content)).unwrap();
            assert!(
                facts.chain.is_empty() && facts.problem.contains(said),
                "{}",
                facts.problem
            );
        }
    }

    #[cfg(unix)]
    #[test]
    fn permission_bits_are_those_of_the_file_that_was_read() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = Folder::new("mode");
        let key = KeyPair::generate().unwrap();
        let path = folder.write("key", key.serialize_pem());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o604)).unwrap();
        let link = folder.0.join("link");
        symlink(&path, &link).unwrap();
        let files = CertificateFiles::new(folder.write("c", "")).key(Some(link.to_str().unwrap().to_owned()));
        let facts = facts(&files, &provider()).unwrap();
        assert_eq!(facts.key.unwrap().mode, Some(0o604));
    }
}
