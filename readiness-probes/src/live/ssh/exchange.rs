//! The exchange of keys (RFC 4253, sections 7 and 8; RFC 5656, section 4; RFC 8731).

use readiness_core::{ObserveError, Reason};
use rustls::{
    NamedGroup,
    crypto::{ActiveKeyExchange, CryptoProvider, SupportedKxGroup},
};
use sha2::{Digest, Sha256, Sha384};

use super::{
    cipher::{CIPHERS, Cipher, Keys, MACS, is_aead, key_bytes},
    host_key::{self, HOST_KEYS},
    message,
    transport::Transport,
    wire::{Reader, Writer},
};
use crate::{
    dep::{
        Broken,
        ssh::session::{SshAgreed, SshEnd, SshFacts, SshOffer},
    },
    live::channel::{Stop, garbage},
};

/// Both sides say so, and then the peer of a meddler notices what he leaves out (CVE-2023-48795).
const STRICT_CLIENT: &str = "kex-strict-c-v00@openssh.com";
const STRICT_SERVER: &str = "kex-strict-s-v00@openssh.com";

/// The lines both sides opened with, without their ends.
pub(super) struct Versions<'a> {
    pub(super) ours: &'a [u8],
    pub(super) theirs: &'a [u8],
}

/// The key exchanges that the provider of cryptography can do, the best first.
fn key_exchanges(provider: &CryptoProvider) -> Vec<(&'static str, &'static dyn SupportedKxGroup)> {
    [
        ("curve25519-sha256", NamedGroup::X25519),
        ("curve25519-sha256@libssh.org", NamedGroup::X25519),
        ("ecdh-sha2-nistp256", NamedGroup::secp256r1),
        ("ecdh-sha2-nistp384", NamedGroup::secp384r1),
    ]
    .into_iter()
    .filter_map(|(name, group)| {
        let known = provider.kx_groups.iter().find(|known| known.name() == group)?;
        Some((name, *known))
    })
    .collect()
}

/// Exchanges keys; from then on packets are encrypted.
pub(super) async fn exchange(
    transport: &mut Transport,
    provider: &CryptoProvider,
    versions: &Versions<'_>,
    text: impl Fn(&[u8]) -> String,
    facts: &mut SshFacts,
) -> Result<(), Stop> {
    let known = key_exchanges(provider);
    let own = |what: &str| ObserveError::new(Reason::ERROR, format!("the provider of cryptography {what}"));
    if known.is_empty() {
        return Err(own("has no key exchange that SSH has").into());
    }
    let mut cookie = [0; 16];
    provider
        .secure_random
        .fill(&mut cookie)
        .map_err(|_| own("has no random numbers"))?;
    let ours = our_offer(&known, &cookie);
    transport.send(&ours).await?;
    let mut had_others = false;
    let theirs = loop {
        let payload = transport.receive().await?;
        match payload.first() {
            Some(&message::KEXINIT) => break payload,
            Some(&message::DISCONNECT) => return Err(message::disconnected(&payload, &text, facts)),
            Some(&(message::IGNORE | message::DEBUG | message::UNIMPLEMENTED)) => had_others = true,
            other => return Err(message::unasked(other).into()),
        }
    };
    let Offered {
        offer,
        guessed,
        guess_follows,
    } = Offered::read(&theirs)?;
    let strict = offer.strict;
    let agreed = agree(&offer, &known);
    facts.offer = Some(offer);
    if strict && had_others {
        return Err(garbage("it breaks the strict key exchange that it offers").into());
    }
    let agreed = match agreed {
        Ok(agreed) => agreed,
        Err(kind) => {
            facts.end = SshEnd::NothingInCommon {
                kind: kind.to_owned(),
            };
            return Err(Stop::Told);
        }
    };
    facts.agreed = Some(agreed.clone());
    let Some((_, group)) = known.iter().find(|(name, _)| *name == agreed.key_exchange) else {
        return Err(own("lost a key exchange").into());
    };
    let started = group.start().map_err(|_| own("cannot begin a key exchange"))?;
    let our_public = started.pub_key().to_vec();
    transport
        .send(&Writer::new(message::ECDH_INIT).string(&our_public).0)
        .await?;
    // A server may guess what will be agreed upon, and a wrong guess is thrown away (RFC 4253, section 7).
    let is_wrong = guessed != (agreed.key_exchange.clone(), agreed.host_key.clone());
    if guess_follows && is_wrong {
        transport.receive().await?;
    }
    let reply = loop {
        let payload = transport.receive().await?;
        match payload.first() {
            Some(&message::ECDH_REPLY) => break payload,
            Some(&message::DISCONNECT) => return Err(message::disconnected(&payload, &text, facts)),
            Some(&(message::IGNORE | message::DEBUG)) if !strict => {}
            other => return Err(message::unasked(other).into()),
        }
    };
    let transcript = Writer::default()
        .string(versions.ours)
        .string(versions.theirs)
        .string(&ours)
        .string(&theirs);
    let secrets = answered(started, &agreed, transcript, &our_public, &reply, provider, facts)?;
    transport.send(&[message::NEWKEYS]).await?;
    let keys = |names: &[u8; 3]| secrets.keys(names, &agreed);
    let unusable = || own("made keys that cannot be used");
    transport.outgoing.cipher =
        Some(Cipher::new(&agreed.cipher, &agreed.mac, keys(b"ACE")).ok_or_else(unusable)?);
    let payload = loop {
        let payload = transport.receive().await?;
        match payload.first() {
            Some(&(message::IGNORE | message::DEBUG)) if !strict => {}
            _ => break payload,
        }
    };
    match payload.first() {
        Some(&message::NEWKEYS) => {}
        Some(&message::DISCONNECT) => return Err(message::disconnected(&payload, &text, facts)),
        other => return Err(message::unasked(other).into()),
    }
    transport.incoming.cipher =
        Some(Cipher::new(&agreed.cipher, &agreed.mac, keys(b"BDF")).ok_or_else(unusable)?);
    if strict {
        (transport.outgoing.sequence, transport.incoming.sequence) = (0, 0);
    }
    Ok(())
}

fn our_offer(known: &[(&str, &dyn SupportedKxGroup)], cookie: &[u8; 16]) -> Vec<u8> {
    let mut exchanges: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    exchanges.push(STRICT_CLIENT);
    let mut offer = Writer::new(message::KEXINIT);
    offer.0.extend_from_slice(cookie);
    offer
        .names(&exchanges)
        .names(HOST_KEYS)
        .names(CIPHERS)
        .names(CIPHERS)
        .names(MACS)
        .names(MACS)
        .names(&["none"])
        .names(&["none"])
        .names(&[])
        .names(&[])
        .byte(0)
        .number(0)
        .0
}

/// A server's offer as it came.
struct Offered {
    offer: SshOffer,
    /// The key exchange and the host key it would take by itself.
    guessed: (String, String),
    /// Whether it has begun with them already.
    guess_follows: bool,
}

impl Offered {
    fn read(payload: &[u8]) -> Result<Self, Broken> {
        let mut reader = Reader(payload);
        reader.take(17)?;
        let mut key_exchanges = reader.names()?;
        let host_keys = reader.names()?;
        let ciphers = either(reader.names()?, reader.names()?);
        let macs = either(reader.names()?, reader.names()?);
        for _ in 0..4 {
            reader.string()?;
        }
        let guess_follows = reader.byte()? != 0;
        let first = |names: &[String]| names.first().cloned().unwrap_or_default();
        let guessed = (first(&key_exchanges), first(&host_keys));
        let strict = key_exchanges.iter().any(|name| name == STRICT_SERVER);
        key_exchanges.retain(|name| !name.starts_with("kex-strict-") && !name.starts_with("ext-info-"));
        Ok(Self {
            offer: SshOffer {
                key_exchanges,
                host_keys,
                ciphers,
                macs,
                strict,
            },
            guessed,
            guess_follows,
        })
    }
}

fn either(one: Vec<String>, other: Vec<String>) -> Vec<String> {
    let mut all = one;
    for name in other {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// What both sides have, by our order (RFC 4253, section 7.1), or what kind of algorithm there is none of.
fn agree(offer: &SshOffer, known: &[(&str, &dyn SupportedKxGroup)]) -> Result<SshAgreed, &'static str> {
    let exchanges: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let first = |ours: &[&str], theirs: &[String], kind: &'static str| {
        let both = ours.iter().find(|name| theirs.iter().any(|their| their == *name));
        both.map(|name| (*name).to_owned()).ok_or(kind)
    };
    let key_exchange = first(&exchanges, &offer.key_exchanges, "key exchange")?;
    let host_key = first(HOST_KEYS, &offer.host_keys, "host key")?;
    let cipher = first(CIPHERS, &offer.ciphers, "cipher")?;
    let mac = if is_aead(&cipher) {
        String::new()
    } else {
        first(MACS, &offer.macs, "MAC")?
    };
    Ok(SshAgreed {
        key_exchange,
        host_key,
        cipher,
        mac,
    })
}

/// What all keys are made of.
pub(super) struct Secrets {
    pub(super) shared: Vec<u8>,
    pub(super) hash: Vec<u8>,
    pub(super) is_384: bool,
}

/// Ends the exchange with the server's half, and looks at the proof of its key.
fn answered(
    started: Box<dyn ActiveKeyExchange>,
    agreed: &SshAgreed,
    transcript: Writer,
    our_public: &[u8],
    reply: &[u8],
    provider: &CryptoProvider,
    facts: &mut SshFacts,
) -> Result<Secrets, Broken> {
    let mut reader = Reader(reply);
    reader.byte()?;
    let (key, their_public, signature) = (reader.string()?, reader.string()?, reader.string()?);
    let secret = started
        .complete(their_public)
        .map_err(|_| garbage("its half of the key exchange is no point of the curve"))?;
    let shared = Writer::default().mpint(secret.secret_bytes()).0;
    let mut transcript = transcript.string(key).string(our_public).string(their_public).0;
    transcript.extend_from_slice(&shared);
    let is_384 = agreed.key_exchange == "ecdh-sha2-nistp384";
    let hash = digest(is_384, &[&transcript]);
    facts.host_key = Some(host_key::proven(
        provider,
        &agreed.host_key,
        key,
        signature,
        &hash,
    )?);
    Ok(Secrets { shared, hash, is_384 })
}

pub(super) fn digest(is_384: bool, parts: &[&[u8]]) -> Vec<u8> {
    fn of<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut digest = D::new();
        for part in parts {
            digest.update(part);
        }
        digest.finalize().to_vec()
    }
    if is_384 {
        of::<Sha384>(parts)
    } else {
        of::<Sha256>(parts)
    }
}

impl Secrets {
    /// The keys with these names: initial vector, cipher, code of authentication (RFC 4253, section 7.2).
    pub(super) fn keys(&self, [iv, key, mac]: &[u8; 3], agreed: &SshAgreed) -> Keys {
        let (key_len, iv_len, mac_len) = key_bytes(&agreed.cipher, &agreed.mac);
        Keys {
            iv: self.key(*iv, iv_len),
            key: self.key(*key, key_len),
            mac: self.key(*mac, mac_len),
        }
    }

    fn key(&self, name: u8, length: usize) -> Vec<u8> {
        // The first exchange of a connection names the session too.
        let mut key = digest(self.is_384, &[&self.shared, &self.hash, &[name], &self.hash]);
        while key.len() < length {
            let more = digest(self.is_384, &[&self.shared, &self.hash, &key]);
            key.extend_from_slice(&more);
        }
        key.truncate(length);
        key
    }
}
