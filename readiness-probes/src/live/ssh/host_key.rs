//! Keys of servers, and the proof that a server has its key.

use base64::{Engine as _, prelude::BASE64_STANDARD_NO_PAD};
use rustls::{
    crypto::CryptoProvider,
    pki_types::{AlgorithmIdentifier, alg_id},
};
use sha2::{Digest, Sha256};

use super::wire::{Reader, positive};
use crate::dep::{Broken, ssh::session::SshHostKey};

/// The algorithms of host keys that are offered, the best first.
pub(super) const HOST_KEYS: &[&str] = &[
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

/// The key, and whether the signature over the exchange is made with it.
pub(super) fn proven(
    provider: &CryptoProvider,
    algorithm: &str,
    key: &[u8],
    signature: &[u8],
    hash: &[u8],
) -> Result<SshHostKey, Broken> {
    let mut reader = Reader(key);
    let kind = String::from_utf8_lossy(reader.string()?).into_owned();
    let kind: String = kind.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
    let fingerprint = format!("SHA256:{}", BASE64_STANDARD_NO_PAD.encode(Sha256::digest(key)));
    let mut host_key = SshHostKey::new(kind, 0, fingerprint);
    host_key.is_proven = false;
    let mut signed = Reader(signature);
    let (named, proof) = (signed.string()?, signed.string()?);
    let (public, signature, ids) = match host_key.kind.as_str() {
        "ssh-ed25519" => {
            host_key.bits = 256;
            (
                reader.string()?.to_vec(),
                proof.to_vec(),
                (alg_id::ED25519, alg_id::ED25519),
            )
        }
        "ecdsa-sha2-nistp256" => {
            host_key.bits = 256;
            reader.string()?;
            let ids = (alg_id::ECDSA_P256, alg_id::ECDSA_SHA256);
            (reader.string()?.to_vec(), ecdsa(proof)?, ids)
        }
        "ecdsa-sha2-nistp384" => {
            host_key.bits = 384;
            reader.string()?;
            let ids = (alg_id::ECDSA_P384, alg_id::ECDSA_SHA384);
            (reader.string()?.to_vec(), ecdsa(proof)?, ids)
        }
        "ssh-rsa" => {
            let (exponent, modulus) = (positive(reader.string()?), positive(reader.string()?));
            host_key.bits = bits(&modulus);
            let hashed = match algorithm {
                "rsa-sha2-256" => alg_id::RSA_PKCS1_SHA256,
                _ => alg_id::RSA_PKCS1_SHA512,
            };
            // Some servers leave out the zeros that a signature begins with.
            let length = (host_key.bits as usize).div_ceil(8);
            let mut whole = vec![0; length.saturating_sub(proof.len())];
            whole.extend_from_slice(proof);
            let public = sequence(&[integer(&modulus), integer(&exponent)]);
            (public, whole, (alg_id::RSA_ENCRYPTION, hashed))
        }
        _ => return Ok(host_key),
    };
    // A key of another kind than was agreed upon proves nothing, and neither does another algorithm's name.
    let fits = named == algorithm.as_bytes()
        && (host_key.kind == algorithm || (host_key.kind == "ssh-rsa" && algorithm.starts_with("rsa-")));
    host_key.is_proven = fits && verify(provider, ids, &public, hash, &signature);
    Ok(host_key)
}

fn verify(
    provider: &CryptoProvider,
    (key_id, signature_id): (AlgorithmIdentifier, AlgorithmIdentifier),
    public: &[u8],
    hash: &[u8],
    signature: &[u8],
) -> bool {
    let known = provider.signature_verification_algorithms.all;
    known
        .iter()
        .filter(|known| known.public_key_alg_id() == key_id && known.signature_alg_id() == signature_id)
        .any(|known| known.verify_signature(public, hash, signature).is_ok())
}

/// A signature of ECDSA as DER has it (RFC 5656, section 3.1.2, has two numbers).
fn ecdsa(proof: &[u8]) -> Result<Vec<u8>, Broken> {
    let mut reader = Reader(proof);
    let (r, s) = (positive(reader.string()?), positive(reader.string()?));
    Ok(sequence(&[integer(&r), integer(&s)]))
}

fn integer(positive: &[u8]) -> Vec<u8> {
    der(0x02, if positive.is_empty() { &[0] } else { positive })
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        Ok(long) => bytes.extend_from_slice(&[0x81, long]),
        Err(_) => {
            // A packet has less than 64 KiB, so two bytes will do.
            let [high, low] = u16::try_from(content.len()).unwrap_or(u16::MAX).to_be_bytes();
            bytes.extend_from_slice(&[0x82, high, low]);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

/// How many bits a number in its shortest form has.
fn bits(number: &[u8]) -> u32 {
    let significant = number.strip_prefix(&[0]).unwrap_or(number);
    let Some(first) = significant.first() else {
        return 0;
    };
    u32::try_from(significant.len() * 8)
        .unwrap_or(u32::MAX)
        .saturating_sub(first.leading_zeros())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn der_has_short_and_long_lengths() {
        assert_eq!(integer(&[]), [2, 1, 0]);
        assert_eq!(integer(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(der(4, &[7; 127])[..3], [4, 127, 7]);
        assert_eq!(der(4, &[7; 128])[..4], [4, 0x81, 128, 7]);
        assert_eq!(der(4, &[7; 256])[..5], [4, 0x82, 1, 0, 7]);
    }

    #[test]
    fn bits_count_from_the_first_that_is_set() {
        for (number, expected) in [(&[][..], 0), (&[1], 1), (&[0, 0x80], 8), (&[0x7f, 0xff], 15)] {
            assert_eq!(bits(number), expected);
        }
    }
}
