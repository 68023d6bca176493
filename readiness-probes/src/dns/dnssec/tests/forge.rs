//! Zones that sign themselves, with keys made from a number.

use readiness_core::{
    Timestamp,
    fact::{DnsAnswer, DnsResult, DnsSection, RecordType, WireRecord},
};

#[cfg(feature = "aws-lc-rs")]
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
#[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
use ring::signature::{Ed25519KeyPair, KeyPair};

use super::super::{
    Look, Step,
    anchor::{Anchor, anchors},
    crypto,
    name::Name,
    record::{Dnskey, Ds, Nsec3, Rrsig},
};

pub(in super::super) const DAY: i64 = 86_400;

pub(in super::super) fn now() -> Timestamp {
    "2026-11-20".parse().unwrap()
}

pub(in super::super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub(in super::super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A zone with one key.
#[derive(Clone, Debug)]
pub(in super::super) struct Signer {
    pub(in super::super) zone: Name,
    pub(in super::super) algorithm: u8,
    /// From and until when what it signs is valid, in seconds from now.
    pub(in super::super) window: (i64, i64),
    seed: u8,
}

impl Signer {
    pub(in super::super) fn new(zone: &str, seed: u8) -> Self {
        Self {
            zone: name(zone),
            algorithm: 15,
            window: (-10 * DAY, 20 * DAY),
            seed,
        }
    }

    pub(in super::super) fn valid(mut self, from: i64, until: i64) -> Self {
        self.window = (from, until);
        self
    }

    fn pair(&self) -> Ed25519KeyPair {
        Ed25519KeyPair::from_seed_unchecked(&[self.seed; 32]).unwrap()
    }

    pub(in super::super) fn dnskey(&self) -> Vec<u8> {
        [&[1, 1, 3, self.algorithm], self.pair().public_key().as_ref()].concat()
    }

    pub(in super::super) fn key(&self) -> Dnskey {
        Dnskey::read(&self.dnskey()).unwrap()
    }

    pub(in super::super) fn ds(&self, digest_type: u8) -> Vec<u8> {
        let parts = [&self.zone.wire()[..], &self.dnskey()];
        let digest = crypto::digest(digest_type, &parts).unwrap_or_else(|| vec![7; 32]);
        let tag = self.key().tag.to_be_bytes();
        [&tag[..], &[self.algorithm, digest_type], &digest].concat()
    }

    pub(in super::super) fn anchors(&self) -> Vec<Anchor> {
        let ds = Ds::read(&self.ds(2)).unwrap();
        let text = format!(
            "{} DS {} {} {} {}",
            self.zone,
            ds.tag,
            ds.algorithm,
            ds.digest_type,
            hex(&ds.digest)
        );
        anchors(&[text]).unwrap()
    }

    /// The data of a signature over these records.
    pub(in super::super) fn rrsig(&self, owner: &Name, kind: RecordType, data: &[Vec<u8>]) -> Vec<u8> {
        let mut head = kind.number().to_be_bytes().to_vec();
        let labels = owner.len() - usize::from(owner.is_wildcard());
        head.extend([self.algorithm, u8::try_from(labels).unwrap()]);
        head.extend(300_u32.to_be_bytes());
        for at in [self.window.1, self.window.0] {
            let at = now().plus_seconds(at).unix_seconds();
            head.extend(u32::try_from(at).unwrap().to_be_bytes());
        }
        head.extend(self.key().tag.to_be_bytes());
        head.extend(self.zone.wire());
        let mut message = head.clone();
        let mut sorted = data.to_vec();
        sorted.sort();
        for data in &sorted {
            message.extend(owner.wire());
            message.extend(kind.number().to_be_bytes());
            message.extend([0, 1, 0, 0, 1, 44]);
            message.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
            message.extend_from_slice(data);
        }
        [&head, self.pair().sign(&message).as_ref()].concat()
    }

    /// A set and its signature, in a section.
    pub(in super::super) fn set(
        &self,
        section: DnsSection,
        owner: &Name,
        kind: RecordType,
        data: &[Vec<u8>],
    ) -> Vec<WireRecord> {
        let mut all = plain(section, owner, kind, data);
        let signature = self.rrsig(owner, kind, data);
        all.extend(plain(section, owner, RecordType::Rrsig, &[signature]));
        all
    }

    /// The answer with these records.
    pub(in super::super) fn says(&self, owner: &str, kind: RecordType, data: &[Vec<u8>]) -> DnsAnswer {
        answer(
            DnsResult::Records,
            self.set(DnsSection::Answer, &name(owner), kind, data),
        )
    }

    pub(in super::super) fn keys(&self) -> DnsAnswer {
        let zone = self.zone.to_string();
        self.says(&zone, RecordType::Dnskey, &[self.dnskey()])
    }

    /// A record of proof.
    pub(in super::super) fn nsec(&self, owner: &str, next: &str, types: &[RecordType]) -> Vec<WireRecord> {
        let data = [name(next).wire(), bitmap(types)].concat();
        self.set(DnsSection::Authority, &name(owner), RecordType::Nsec, &[data])
    }

    /// A record of proof by hashes: it stands at the hash of `at` plus `before` and reaches to that plus `after`.
    pub(in super::super) fn nsec3(&self, at: &str, reach: Reach, types: &[RecordType]) -> Vec<WireRecord> {
        let hash = sha1(at);
        let (owner, next) = match reach {
            Reach::Owns => (hash.clone(), moved(&hash, 1)),
            Reach::Covers | Reach::CoversOptOut => (moved(&hash, -1), moved(&hash, 1)),
        };
        let flags = u8::from(reach == Reach::CoversOptOut);
        let data = [&[1, flags, 0, 0, 0, 20], &next[..], &bitmap(types)].concat();
        assert!(Nsec3::read(&data).is_some());
        let owner = name(&format!("{}.{}", base32hex(&owner), self.zone));
        self.set(DnsSection::Authority, &owner, RecordType::Nsec3, &[data])
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in super::super) enum Reach {
    Covers,
    CoversOptOut,
    Owns,
}

fn sha1(at: &str) -> Vec<u8> {
    crypto::digest(1, &[&name(at).wire()]).unwrap()
}

fn moved(hash: &[u8], by: i8) -> Vec<u8> {
    let mut hash = hash.to_vec();
    // In the middle, so that nothing carries over.
    hash[10] = hash[10].wrapping_add_signed(by);
    hash
}

pub(in super::super) fn base32hex(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    bits.as_bytes()
        .chunks(5)
        .map(|five| {
            let five = std::str::from_utf8(five).unwrap();
            char::from_digit(u32::from_str_radix(five, 2).unwrap(), 32).unwrap()
        })
        .collect()
}

pub(in super::super) fn bitmap(types: &[RecordType]) -> Vec<u8> {
    // All in the first window.
    let mut bits = [0_u8; 32];
    for kind in types {
        let number = usize::from(kind.number());
        bits[number / 8] |= 0x80 >> (number % 8);
    }
    [&[0, 32], &bits[..]].concat()
}

pub(in super::super) fn plain(
    section: DnsSection,
    owner: &Name,
    kind: RecordType,
    data: &[Vec<u8>],
) -> Vec<WireRecord> {
    let record = |data: &Vec<u8>| WireRecord::new(section, owner.to_string(), kind, 300, hex(data));
    data.iter().map(record).collect()
}

pub(in super::super) fn answer(result: DnsResult, wire: Vec<WireRecord>) -> DnsAnswer {
    let mut answer = DnsAnswer::new(result, "192.0.2.53:53");
    answer.wire = wire;
    answer
}

/// An answer without records, with what is in its authority section.
pub(in super::super) fn nothing(proof: Vec<Vec<WireRecord>>) -> DnsAnswer {
    answer(DnsResult::NoData, proof.concat())
}

pub(in super::super) fn address(last: u8) -> Vec<u8> {
    vec![192, 0, 2, last]
}

pub(in super::super) const HOST: &str = "www.example.test";
pub(in super::super) const ZONE: &str = "example.test";

/// `www.example.test`, with its zone and the zone above it, which is trusted.
#[derive(Debug)]
pub(in super::super) struct World {
    pub(in super::super) above: Signer,
    pub(in super::super) zone: Signer,
    pub(in super::super) step: Step,
}

impl World {
    pub(in super::super) fn new() -> Self {
        Self::with(Signer::new("test", 1), Signer::new(ZONE, 2))
    }

    pub(in super::super) fn with(above: Signer, zone: Signer) -> Self {
        use RecordType as T;
        let proof = || zone.nsec(HOST, ZONE, &[T::A, T::Rrsig, T::Nsec]);
        let soa = |section| zone.set(section, &zone.zone, T::Soa, &[vec![0; 22]]);
        let without = || nothing(vec![soa(DnsSection::Authority), proof()]);
        let step = Step {
            name: HOST.to_owned(),
            ds: vec![
                (ZONE.to_owned(), Ok(above.says(ZONE, T::Ds, &[zone.ds(2)]))),
                (HOST.to_owned(), Ok(without())),
            ],
            keys: vec![
                ("test".to_owned(), Ok(above.keys())),
                (ZONE.to_owned(), Ok(zone.keys())),
            ],
            answers: vec![
                (T::Soa, Ok(without())),
                (T::A, Ok(zone.says(HOST, T::A, &[address(1), address(2)]))),
                (T::Aaaa, Ok(without())),
            ],
        };
        Self { above, zone, step }
    }

    pub(in super::super) fn ds(&mut self, of: &str) -> &mut Look {
        let mut all = self.step.ds.iter_mut();
        all.find(|(name, _)| name == of).map(|(_, look)| look).unwrap()
    }

    pub(in super::super) fn keys(&mut self, of: &str) -> &mut Look {
        let mut all = self.step.keys.iter_mut();
        all.find(|(name, _)| name == of).map(|(_, look)| look).unwrap()
    }

    pub(in super::super) fn answer(&mut self, of: RecordType) -> &mut Look {
        let mut all = self.step.answers.iter_mut();
        all.find(|(kind, _)| *kind == of).map(|(_, look)| look).unwrap()
    }
}

/// Changes the signatures of an answer.
pub(in super::super) fn resigned(look: &mut Look, change: impl Fn(&mut Vec<u8>)) {
    let answer = look.as_mut().unwrap();
    for record in &mut answer.wire {
        if record.record_type == RecordType::Rrsig {
            let mut data = super::super::record::bytes(&record.data).unwrap();
            assert!(Rrsig::read(&data).is_some());
            change(&mut data);
            record.data = hex(&data);
        }
    }
}

/// Takes the records of a type out of an answer.
pub(in super::super) fn without(look: &mut Look, kind: RecordType) {
    let answer = look.as_mut().unwrap();
    answer.wire.retain(|record| record.record_type != kind);
}
