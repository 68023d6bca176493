//! Whether a set of records is signed by its zone. RFC 4035, section 5.3; RFC 6840, section 5.

use readiness_core::Timestamp;

use super::{
    crypto,
    name::Name,
    record::{Dnskey, Rrsig, Set},
};

/// How much one judgement may cost, whatever zones say: some answers are made to keep a validator busy
/// (CVE-2023-50387, CVE-2023-50868).
#[derive(Debug)]
pub(super) struct Budget {
    signatures: u32,
    hashes: u32,
}

/// A healthy name four zones deep takes about 20 checks.
const MOST_CHECKS: u32 = 200;

/// A healthy name takes about 20 hashes; one with 100 iterations, each of which counts, 2,000.
const MOST_HASHES: u32 = 50_000;

/// The most signatures of one set that are looked at; a roll-over with two algorithms needs 4.
const MOST_SIGNATURES: usize = 16;

/// The most keys with the same tag that one signature is checked with.
const MOST_COLLISIONS: usize = 4;

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            signatures: MOST_CHECKS,
            hashes: MOST_HASHES,
        }
    }

    /// Whether another signature may be checked.
    fn check(&mut self) -> bool {
        let left = self.signatures.checked_sub(1);
        self.signatures = left.unwrap_or_default();
        left.is_some()
    }

    /// Whether so many hashes may be made.
    pub(super) fn hash(&mut self, count: u32) -> bool {
        let left = self.hashes.checked_sub(count);
        self.hashes = left.unwrap_or_default();
        left.is_some()
    }
}

/// Why a set does not stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// Nobody signed it.
    Missing,
    /// No signature is of an algorithm that can be checked.
    Unsupported(u8),
    /// The zone did not sign it, another one did.
    Stranger(Name),
    /// No key of the zone has made the signature: its tag.
    NoKey(u16),
    NotYetValid(Timestamp),
    Expired(Timestamp),
    /// It does not verify with the key of this tag.
    Invalid(u16),
    /// The key of this tag cannot be used.
    Unusable(u16),
    /// Looking at all of it would cost too much.
    TooMany,
}

impl Fault {
    /// Of several faults the one to name: what came closest to a good signature.
    fn rank(&self) -> u8 {
        match self {
            Self::Missing => 0,
            Self::Unsupported(_) => 1,
            Self::Stranger(_) => 2,
            Self::NoKey(_) => 3,
            Self::NotYetValid(_) => 4,
            Self::Expired(_) => 5,
            Self::Invalid(_) => 6,
            // It may have been the good one: nobody knows.
            Self::Unusable(_) => 7,
            Self::TooMany => 8,
        }
    }
}

/// A set that stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Good {
    pub(super) inception: Timestamp,
    pub(super) expiration: Timestamp,
    pub(super) algorithm: u8,
    /// How many labels its owner had when it was signed, where a wildcard made it.
    pub(super) expanded_from: Option<usize>,
}

/// Looks for a signature of this zone that holds now: one is enough (RFC 6840, section 5.11). The one that lasts
/// longest is tried first.
pub(super) fn verify(
    set: &Set,
    zone: &Name,
    keys: &[Dnskey],
    now: Timestamp,
    budget: &mut Budget,
) -> Result<Good, Fault> {
    let mut worst = Fault::Missing;
    let mut note = |fault: Fault| {
        if fault.rank() > worst.rank() {
            worst = fault;
        }
    };
    let mut candidates: Vec<&Rrsig> = Vec::new();
    for signature in &set.signatures {
        match usable(set, zone, signature, now) {
            Ok(()) if candidates.len() < MOST_SIGNATURES => candidates.push(signature),
            Ok(()) => note(Fault::TooMany),
            Err(fault) => note(fault),
        }
    }
    candidates.sort_by_key(|signature| std::cmp::Reverse(instant(signature.expiration, now)));
    for signature in candidates {
        let fits = |key: &&Dnskey| {
            key.tag == signature.tag && key.algorithm == signature.algorithm && key.may_sign()
        };
        let mut tried = 0;
        for key in keys.iter().filter(fits) {
            if tried == MOST_COLLISIONS || !budget.check() {
                note(Fault::TooMany);
                break;
            }
            tried += 1;
            let message = signed_data(set, signature);
            match crypto::check(key.algorithm, &key.key, &message, &signature.signature) {
                Some(true) => {
                    let labels = usize::from(signature.labels);
                    return Ok(Good {
                        inception: instant(signature.inception, now),
                        expiration: instant(signature.expiration, now),
                        algorithm: signature.algorithm,
                        expanded_from: (labels < labels_of(&set.owner)).then_some(labels),
                    });
                }
                Some(false) => note(Fault::Invalid(signature.tag)),
                None => note(Fault::Unusable(signature.tag)),
            }
        }
        if tried == 0 {
            note(Fault::NoKey(signature.tag));
        }
    }
    Err(worst)
}

/// What can be told without a key. RFC 4035, section 5.3.1.
fn usable(set: &Set, zone: &Name, signature: &Rrsig, now: Timestamp) -> Result<(), Fault> {
    if signature.signer != *zone {
        return Err(Fault::Stranger(signature.signer.clone()));
    }
    if usize::from(signature.labels) > labels_of(&set.owner) || !set.owner.is_within(zone) {
        return Err(Fault::Invalid(signature.tag));
    }
    if !crypto::can_check(signature.algorithm) {
        return Err(Fault::Unsupported(signature.algorithm));
    }
    let (inception, expiration) = (
        instant(signature.inception, now),
        instant(signature.expiration, now),
    );
    if expiration < now {
        return Err(Fault::Expired(expiration));
    }
    if inception > now {
        return Err(Fault::NotYetValid(inception));
    }
    Ok(())
}

/// The labels that count: neither the root nor a `*` in front. RFC 4034, section 3.1.3.
fn labels_of(owner: &Name) -> usize {
    owner.len() - usize::from(owner.is_wildcard())
}

/// The instant closest to now that the wire may mean. RFC 4034, section 3.1.5; RFC 1982.
fn instant(seconds: u32, now: Timestamp) -> Timestamp {
    let today = u32::try_from(now.unix_seconds().rem_euclid(1 << 32)).unwrap_or_default();
    now.plus_seconds(seconds.wrapping_sub(today).cast_signed().into())
}

/// RFC 4034, section 3.1.8.1.
fn signed_data(set: &Set, signature: &Rrsig) -> Vec<u8> {
    let labels = usize::from(signature.labels);
    let owner = if labels < labels_of(&set.owner) {
        set.owner.last(labels).wildcard()
    } else {
        set.owner.clone()
    };
    let mut head = owner.wire();
    head.extend(set.record_type.number().to_be_bytes());
    // The class: Internet.
    head.extend([0, 1]);
    head.extend(signature.original_ttl.to_be_bytes());
    let mut message = signature.head.clone();
    for data in &set.data {
        message.extend_from_slice(&head);
        message.extend(u16::try_from(data.len()).unwrap_or(u16::MAX).to_be_bytes());
        message.extend_from_slice(data);
    }
    message
}

/// The keys of a set of DNSKEY records.
pub(super) fn keys(set: &Set) -> Vec<Dnskey> {
    set.data.iter().filter_map(|data| Dnskey::read(data)).collect()
}
