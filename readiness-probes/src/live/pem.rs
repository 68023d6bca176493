use rustls::{
    RootCertStore,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

use super::LiveError;

/// The trust anchors in a PEM text; at least one, and each usable.
///
/// `what` names where the text came from, such as ``CA file `ca.pem` ``.
pub(crate) fn anchors(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, LiveError> {
    let all = certificates(what, pem)?;
    let mut store = RootCertStore::empty();
    for (i, der) in all.iter().enumerate() {
        store.add(der.clone()).map_err(|e| LiveError::Pem {
            what: what.to_owned(),
            problem: format!(
                "holds a certificate that cannot be a trust anchor (number {}: {e})",
                i + 1
            ),
        })?;
    }
    Ok(all)
}

/// A chain and its key, from PEM.
pub(crate) fn client_certificate(
    provider: &CryptoProvider,
    chain: &[u8],
    key: &[u8],
) -> Result<CertifiedKey, LiveError> {
    const KEY: &str = "the key of the client certificate";
    let chain = certificates("the client certificate", chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| LiveError::Pem {
        what: KEY.to_owned(),
        problem: match e {
            rustls::pki_types::pem::Error::NoItemsFound => {
                "holds no private key; expected PEM with `-----BEGIN PRIVATE KEY-----`".to_owned()
            }
            // The text of the error may show a line of the key.
            _ => "is no valid PEM".to_owned(),
        },
    })?;
    CertifiedKey::from_der(chain, key, provider).map_err(|e| LiveError::Pem {
        what: KEY.to_owned(),
        problem: format!("cannot be used with the certificate: {e}"),
    })
}

/// The certificates of a file, PEM or DER, in its order.
///
/// # Errors
/// What is wrong with it, in words.
pub(crate) fn certificates_of_file(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    if bytes.first() == Some(&0x30) {
        return match x509_parser::parse_x509_certificate(bytes) {
            Ok(([], _)) => Ok(vec![CertificateDer::from(bytes.to_vec())]),
            Ok(_) => Err("holds more than one certificate in DER; write a chain as PEM".to_owned()),
            Err(_) => Err("holds DER that is no certificate".to_owned()),
        };
    }
    match certificates("", bytes) {
        Ok(all) if all.len() > MOST_CERTIFICATES => Err(format!(
            "holds {} certificates, at most {MOST_CERTIFICATES} are read",
            all.len()
        )),
        Ok(all) => Ok(all),
        Err(LiveError::Pem { problem, .. }) => Err(problem),
        Err(e) => Err(e.to_string()),
    }
}

/// The most certificates of a file. A handful is usual.
const MOST_CERTIFICATES: usize = 100;

fn certificates(what: &str, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, LiveError> {
    let error = |problem: String| LiveError::Pem {
        what: what.to_owned(),
        problem,
    };
    let mut all = Vec::new();
    for der in CertificateDer::pem_slice_iter(pem) {
        let number = all.len() + 1;
        all.push(der.map_err(|e| error(format!("is no valid PEM: certificate {number}: {}", said(&e))))?);
    }
    if !all.is_empty() {
        return Ok(all);
    }
    Err(error(if pem.trim_ascii().is_empty() {
        "is empty; expected PEM with `-----BEGIN CERTIFICATE-----`".to_owned()
    } else if pem.first() == Some(&0x30) {
        "is DER; convert it to PEM with `openssl x509 -inform der`".to_owned()
    } else if pem.windows(11).any(|window| window == b"PRIVATE KEY") {
        "holds a private key and no certificate".to_owned()
    } else {
        "holds no certificate; expected PEM with `-----BEGIN CERTIFICATE-----`".to_owned()
    }))
}

fn said(e: &rustls::pki_types::pem::Error) -> String {
    use rustls::pki_types::pem::Error;
    match e {
        Error::MissingSectionEnd { .. } => "its `-----END` line is missing".to_owned(),
        Error::IllegalSectionStart { .. } => "its `-----BEGIN` line is malformed".to_owned(),
        Error::Base64Decode(_) => "its base64 is malformed".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(pem: &str) -> String {
        anchors("CA file `x`", pem.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (pem, said) in [
            ("", "is empty"),
            (" \n", "is empty"),
            ("hello", "holds no certificate"),
            ("0\u{3}", "is DER"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "holds a private key",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n",
                "certificate 1: its `-----END` line",
            ),
            (
                "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n",
                "its base64 is malformed",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                "number 1",
            ),
        ] {
            let problem = problem(pem);
            assert!(
                problem.starts_with("CA file `x` ") && problem.contains(said),
                "{problem}"
            );
        }
    }

    #[test]
    fn the_key_is_never_shown() {
        let provider = super::super::provider::provider().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let own = rcgen::CertificateParams::new(vec!["a.test".into()]).unwrap();
        let own = own.self_signed(&key).unwrap();
        assert_eq!(anchors("x", own.pem().as_bytes()).unwrap().len(), 1);
        let chain = own.pem();
        let chain = chain.as_bytes();
        assert!(client_certificate(&provider, chain, key.serialize_pem().as_bytes()).is_ok());
        let other = rcgen::KeyPair::generate().unwrap();
        for pem in [
            other.serialize_pem(),
            "s3cr3t".to_owned(),
            "-----BEGIN s3cr3t\n-----BEGIN PRIVATE KEY-----\ns3cr3t!".to_owned(),
        ] {
            let error = client_certificate(&provider, chain, pem.as_bytes()).unwrap_err();
            assert!(!error.to_string().contains("s3cr3t"), "{error}");
        }
    }
}
