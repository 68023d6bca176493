//! What protects packets once both sides have keys (RFC 4253, section 6; RFC 4344; RFC 5647).

use aes::{Aes128, Aes192, Aes256};
use aes_gcm::{
    Aes128Gcm, Aes256Gcm,
    aead::{AeadInOut, KeyInit},
};
use ctr::{
    Ctr128BE,
    cipher::{KeyIvInit, StreamCipher},
};
use hmac::{Hmac, Mac as _};
use sha2::{Sha256, Sha512};

/// The ciphers that are offered, the best first.
pub(super) const CIPHERS: &[&str] = &[
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
];

/// The codes of authentication that are offered; GCM has its own.
pub(super) const MACS: &[&str] = &[
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
];

/// Every cipher here works on so many bytes.
pub(super) const BLOCK_BYTES: usize = 16;
const TAG_BYTES: usize = 16;

/// Whether a cipher needs no code of authentication beside it.
pub(super) fn is_aead(cipher: &str) -> bool {
    cipher.ends_with("-gcm@openssh.com")
}

/// How many bytes of a key, of an initial vector and of a key of authentication these need.
pub(super) fn key_bytes(cipher: &str, mac: &str) -> (usize, usize, usize) {
    let key = match cipher {
        "aes128-gcm@openssh.com" | "aes128-ctr" => 16,
        "aes192-ctr" => 24,
        _ => 32,
    };
    if is_aead(cipher) {
        return (key, 12, 0);
    }
    (key, 16, if mac.starts_with("hmac-sha2-512") { 64 } else { 32 })
}

/// The keys of one direction.
pub(super) struct Keys {
    pub(super) iv: Vec<u8>,
    pub(super) key: Vec<u8>,
    pub(super) mac: Vec<u8>,
}

/// A cipher with its keys, for one direction.
pub(super) enum Cipher {
    Gcm {
        gcm: Gcm,
        nonce: [u8; 12],
    },
    Ctr {
        stream: Box<dyn StreamCipher + Send>,
        mac: Code,
        /// Whether the code is made of what was encrypted, and the length stays readable.
        is_etm: bool,
    },
}

pub(super) enum Gcm {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
}

pub(super) enum Code {
    Sha256(Vec<u8>),
    Sha512(Vec<u8>),
}

/// The code of authentication is wrong: a fault of the peer, of the way, or of ours.
#[derive(Debug)]
pub(super) struct Forged;

impl Cipher {
    /// `None` where the keys do not fit, or the cipher is none that was offered.
    pub(super) fn new(cipher: &str, mac: &str, keys: Keys) -> Option<Self> {
        if is_aead(cipher) {
            let gcm = if cipher.starts_with("aes128") {
                Gcm::Aes128(Box::new(Aes128Gcm::new_from_slice(&keys.key).ok()?))
            } else {
                Gcm::Aes256(Box::new(Aes256Gcm::new_from_slice(&keys.key).ok()?))
            };
            let nonce = keys.iv.try_into().ok()?;
            return Some(Self::Gcm { gcm, nonce });
        }
        let (key, iv) = (&keys.key, &keys.iv);
        let stream: Box<dyn StreamCipher + Send> = match cipher {
            "aes128-ctr" => Box::new(Ctr128BE::<Aes128>::new_from_slices(key, iv).ok()?),
            "aes192-ctr" => Box::new(Ctr128BE::<Aes192>::new_from_slices(key, iv).ok()?),
            "aes256-ctr" => Box::new(Ctr128BE::<Aes256>::new_from_slices(key, iv).ok()?),
            _ => return None,
        };
        let mac_key = keys.mac;
        let code = match mac.trim_end_matches("-etm@openssh.com") {
            "hmac-sha2-256" => Code::Sha256(mac_key),
            "hmac-sha2-512" => Code::Sha512(mac_key),
            _ => return None,
        };
        Some(Self::Ctr {
            stream,
            mac: code,
            is_etm: mac.ends_with("-etm@openssh.com"),
        })
    }

    /// Whether the length before a packet can be read by everybody. Then padding does not count it.
    pub(super) fn shows_length(&self) -> bool {
        matches!(self, Self::Gcm { .. } | Self::Ctr { is_etm: true, .. })
    }

    /// How many bytes stand behind a packet.
    pub(super) fn tail_bytes(&self) -> usize {
        match self {
            Self::Gcm { .. } => TAG_BYTES,
            Self::Ctr { mac, .. } => mac.bytes(),
        }
    }

    /// Encrypts a packet with its length before it, and puts its code behind it.
    pub(super) fn seal(&mut self, sequence: u32, packet: &mut Vec<u8>) -> Result<(), Forged> {
        match self {
            Self::Gcm { gcm, nonce } => {
                let (length, rest) = packet.split_at_mut_checked(4).ok_or(Forged)?;
                let tag = gcm.seal(nonce, length, rest)?;
                count(nonce);
                packet.extend_from_slice(&tag);
            }
            Self::Ctr { stream, mac, is_etm } => {
                if *is_etm {
                    stream.apply_keystream(packet.get_mut(4..).ok_or(Forged)?);
                }
                let code = mac.of(sequence, packet)?;
                if !*is_etm {
                    stream.apply_keystream(packet);
                }
                packet.extend_from_slice(&code);
            }
        }
        Ok(())
    }

    /// Decrypts the first block of a packet whose length is hidden.
    pub(super) fn open_first(&mut self, block: &mut [u8]) {
        if let Self::Ctr {
            stream,
            is_etm: false,
            ..
        } = self
        {
            stream.apply_keystream(block);
        }
    }

    /// Checks a packet with its length before it, and decrypts what `open_first` has left.
    pub(super) fn open(&mut self, sequence: u32, packet: &mut [u8], tail: &[u8]) -> Result<(), Forged> {
        match self {
            Self::Gcm { gcm, nonce } => {
                let (length, rest) = packet.split_at_mut_checked(4).ok_or(Forged)?;
                gcm.open(nonce, length, rest, tail)?;
                count(nonce);
            }
            Self::Ctr { stream, mac, is_etm } => {
                if !*is_etm {
                    stream.apply_keystream(packet.get_mut(BLOCK_BYTES..).ok_or(Forged)?);
                }
                mac.check(sequence, packet, tail)?;
                if *is_etm {
                    stream.apply_keystream(packet.get_mut(4..).ok_or(Forged)?);
                }
            }
        }
        Ok(())
    }
}

/// RFC 5647, section 7.1: the last eight bytes count the packets.
fn count(nonce: &mut [u8; 12]) {
    for byte in nonce.iter_mut().skip(4).rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}

impl Gcm {
    fn seal(&self, nonce: &[u8; 12], length: &[u8], rest: &mut [u8]) -> Result<[u8; TAG_BYTES], Forged> {
        let nonce = (*nonce).into();
        let tag = match self {
            Self::Aes128(gcm) => gcm.encrypt_inout_detached(&nonce, length, rest.into()),
            Self::Aes256(gcm) => gcm.encrypt_inout_detached(&nonce, length, rest.into()),
        };
        tag.map(Into::into).map_err(|_| Forged)
    }

    fn open(&self, nonce: &[u8; 12], length: &[u8], rest: &mut [u8], tag: &[u8]) -> Result<(), Forged> {
        let nonce = (*nonce).into();
        let tag: [u8; TAG_BYTES] = tag.try_into().map_err(|_| Forged)?;
        let tag = tag.into();
        match self {
            Self::Aes128(gcm) => gcm.decrypt_inout_detached(&nonce, length, rest.into(), &tag),
            Self::Aes256(gcm) => gcm.decrypt_inout_detached(&nonce, length, rest.into(), &tag),
        }
        .map_err(|_| Forged)
    }
}

impl Code {
    fn bytes(&self) -> usize {
        match self {
            Self::Sha256(_) => 32,
            Self::Sha512(_) => 64,
        }
    }

    fn of(&self, sequence: u32, packet: &[u8]) -> Result<Vec<u8>, Forged> {
        Ok(match self {
            Self::Sha256(key) => {
                let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Forged)?;
                let mac = mac.chain_update(sequence.to_be_bytes()).chain_update(packet);
                mac.finalize().into_bytes().to_vec()
            }
            Self::Sha512(key) => {
                let mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| Forged)?;
                let mac = mac.chain_update(sequence.to_be_bytes()).chain_update(packet);
                mac.finalize().into_bytes().to_vec()
            }
        })
    }

    fn check(&self, sequence: u32, packet: &[u8], tail: &[u8]) -> Result<(), Forged> {
        let checked = match self {
            Self::Sha256(key) => {
                let mac = Hmac::<Sha256>::new_from_slice(key).map_err(|_| Forged)?;
                let mac = mac.chain_update(sequence.to_be_bytes()).chain_update(packet);
                mac.verify_slice(tail)
            }
            Self::Sha512(key) => {
                let mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| Forged)?;
                let mac = mac.chain_update(sequence.to_be_bytes()).chain_update(packet);
                mac.verify_slice(tail)
            }
        };
        checked.map_err(|_| Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(cipher: &str, mac: &str) -> (Cipher, Cipher) {
        let (key, iv, code) = key_bytes(cipher, mac);
        let keys = || Keys {
            iv: vec![0xff; iv],
            key: vec![2; key],
            mac: vec![3; code],
        };
        (
            Cipher::new(cipher, mac, keys()).unwrap(),
            Cipher::new(cipher, mac, keys()).unwrap(),
        )
    }

    #[test]
    fn what_one_side_seals_the_other_opens_and_nobody_changes() {
        for cipher in CIPHERS {
            for mac in MACS {
                let (mut ours, mut theirs) = pair(cipher, mac);
                for sequence in 0..3 {
                    let mut plain = vec![0, 0, 0, 28, 4];
                    plain.extend_from_slice(&[b'x'; 27]);
                    let mut sealed = plain.clone();
                    ours.seal(sequence, &mut sealed).unwrap();
                    assert_ne!(sealed[5..32], plain[5..32]);
                    assert_eq!(sealed[..4] == plain[..4], ours.shows_length());
                    assert_eq!(sealed.len(), 32 + ours.tail_bytes());
                    let (packet, tail) = sealed.split_at_mut(32);
                    theirs.open_first(&mut packet[..BLOCK_BYTES]);
                    theirs.open(sequence, packet, tail).unwrap();
                    assert_eq!(packet, plain, "{cipher} {mac}");
                }
                let (mut ours, mut theirs) = pair(cipher, mac);
                let mut sealed = vec![0; 32];
                ours.seal(0, &mut sealed).unwrap();
                sealed[20] ^= 1;
                let (packet, tail) = sealed.split_at_mut(32);
                theirs.open_first(&mut packet[..BLOCK_BYTES]);
                assert!(theirs.open(0, packet, tail).is_err(), "{cipher} {mac}");
            }
        }
    }

    #[test]
    fn the_nonce_counts_in_its_last_eight_bytes() {
        let mut nonce = [9, 9, 9, 9, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
        count(&mut nonce);
        assert_eq!(nonce, [9, 9, 9, 9, 0, 0, 0, 0, 0, 1, 0, 0]);
        let mut nonce = [0xff; 12];
        count(&mut nonce);
        assert_eq!(nonce, [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn what_was_not_offered_is_no_cipher() {
        let keys = || Keys {
            iv: vec![0; 16],
            key: vec![0; 32],
            mac: vec![0; 32],
        };
        assert!(Cipher::new("aes256-cbc", "hmac-sha2-256", keys()).is_none());
        assert!(Cipher::new("aes256-ctr", "hmac-md5", keys()).is_none());
        assert!(Cipher::new("aes128-ctr", "hmac-sha2-256", keys()).is_none());
    }
}
