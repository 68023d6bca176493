//! Records of DNSSEC, read from their bytes. RFC 4034, RFC 5155.

use std::collections::HashMap;

use readiness_core::fact::{DnsAnswer, DnsSection, RecordType};

use super::name::Name;

/// A key of a zone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Dnskey {
    flags: u16,
    protocol: u8,
    pub(super) algorithm: u8,
    pub(super) key: Vec<u8>,
    pub(super) tag: u16,
    /// The whole, as its digest is made.
    pub(super) data: Vec<u8>,
}

impl Dnskey {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let [f1, f2, protocol, algorithm, key @ ..] = data else {
            return None;
        };
        Some(Self {
            flags: u16::from_be_bytes([*f1, *f2]),
            protocol: *protocol,
            algorithm: *algorithm,
            key: key.to_vec(),
            tag: key_tag(data),
            data: data.to_vec(),
        })
    }

    /// Whether it may sign records of its zone: a zone key that is not revoked. RFC 4034, section 2.1.1;
    /// RFC 5011, section 2.1.
    pub(super) fn may_sign(&self) -> bool {
        self.flags & 0x0100 != 0 && self.flags & 0x0080 == 0 && self.protocol == 3
    }
}

/// RFC 4034, appendix B.
fn key_tag(data: &[u8]) -> u16 {
    let sum = data.chunks(2).fold(0_u32, |sum, pair| {
        let [high, low] =
            [pair.first(), pair.get(1)].map(|byte| u32::from(byte.copied().unwrap_or_default()));
        sum.wrapping_add(high << 8 | low)
    });
    let folded = sum.wrapping_add(sum >> 16) & 0xFFFF;
    u16::try_from(folded).unwrap_or_default()
}

/// What the zone above says of a key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Ds {
    pub(super) tag: u16,
    pub(super) algorithm: u8,
    pub(super) digest_type: u8,
    pub(super) digest: Vec<u8>,
}

impl Ds {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let [t1, t2, algorithm, digest_type, digest @ ..] = data else {
            return None;
        };
        Some(Self {
            tag: u16::from_be_bytes([*t1, *t2]),
            algorithm: *algorithm,
            digest_type: *digest_type,
            digest: digest.to_vec(),
        })
    }
}

/// A signature.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Rrsig {
    covered: u16,
    pub(super) algorithm: u8,
    pub(super) labels: u8,
    pub(super) original_ttl: u32,
    /// As the wire has it: seconds since 1970, modulo 2³².
    pub(super) expiration: u32,
    pub(super) inception: u32,
    pub(super) tag: u16,
    pub(super) signer: Name,
    pub(super) signature: Vec<u8>,
    /// All of it before the signature, as it is signed.
    pub(super) head: Vec<u8>,
}

impl Rrsig {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (fixed, rest) = data.split_first_chunk::<18>()?;
        let [
            c1,
            c2,
            algorithm,
            labels,
            o1,
            o2,
            o3,
            o4,
            e1,
            e2,
            e3,
            e4,
            i1,
            i2,
            i3,
            i4,
            t1,
            t2,
        ] = *fixed;
        let (signer, signature) = Name::from_wire(rest)?;
        Some(Self {
            covered: u16::from_be_bytes([c1, c2]),
            algorithm,
            labels,
            original_ttl: u32::from_be_bytes([o1, o2, o3, o4]),
            expiration: u32::from_be_bytes([e1, e2, e3, e4]),
            inception: u32::from_be_bytes([i1, i2, i3, i4]),
            tag: u16::from_be_bytes([t1, t2]),
            signature: signature.to_vec(),
            head: [&fixed[..], &signer.wire()].concat(),
            signer,
        })
    }
}

/// Which types a name has. RFC 4034, section 4.1.2.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Types(Vec<u8>);

impl Types {
    pub(super) fn has(&self, wanted: RecordType) -> bool {
        let [window, low] = wanted.number().to_be_bytes();
        let mut rest = self.0.as_slice();
        while let [at, length, after @ ..] = rest {
            let Some((bits, after)) = after.split_at_checked(usize::from(*length)) else {
                return false;
            };
            if *at == window {
                let byte = bits.get(usize::from(low / 8)).copied().unwrap_or_default();
                return byte & (0x80 >> (low % 8)) != 0;
            }
            rest = after;
        }
        false
    }
}

/// There is no name between its owner and the next one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Nsec {
    pub(super) next: Name,
    pub(super) types: Types,
}

impl Nsec {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let (next, types) = Name::from_wire(data)?;
        Some(Self {
            next,
            types: Types(types.to_vec()),
        })
    }
}

/// There is no name whose hash lies between that of its owner and the next one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Nsec3 {
    pub(super) hash_algorithm: u8,
    pub(super) flags: u8,
    pub(super) iterations: u16,
    pub(super) salt: Vec<u8>,
    pub(super) next: Vec<u8>,
    pub(super) types: Types,
}

impl Nsec3 {
    pub(super) fn read(data: &[u8]) -> Option<Self> {
        let [hash_algorithm, flags, i1, i2, salt_length, rest @ ..] = data else {
            return None;
        };
        let (salt, rest) = rest.split_at_checked(usize::from(*salt_length))?;
        let (next_length, rest) = rest.split_first()?;
        let (next, types) = rest.split_at_checked(usize::from(*next_length))?;
        Some(Self {
            hash_algorithm: *hash_algorithm,
            flags: *flags,
            iterations: u16::from_be_bytes([*i1, *i2]),
            salt: salt.to_vec(),
            next: next.to_vec(),
            types: Types(types.to_vec()),
        })
    }

    /// Whether names without signatures may lie between. RFC 5155, section 6.
    pub(super) fn opts_out(&self) -> bool {
        self.flags & 1 != 0
    }
}

/// The records of one name and one type, and what signs them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Set {
    pub(super) owner: Name,
    pub(super) record_type: RecordType,
    /// Each once, in canonical order (RFC 4034, section 6.3).
    pub(super) data: Vec<Vec<u8>>,
    pub(super) signatures: Vec<Rrsig>,
}

impl Set {
    /// How a finding names it.
    pub(super) fn label(&self) -> String {
        format!("{} of {}", self.record_type, self.owner)
    }
}

/// The sets of an answer, by section.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets {
    pub(super) answer: Vec<Set>,
    pub(super) authority: Vec<Set>,
    /// Whether there is any signature at all.
    pub(super) signed: bool,
}

impl Sets {
    pub(super) fn of(answer: &DnsAnswer) -> Self {
        let mut sets = Self::default();
        let mut places: HashMap<(DnsSection, &str, RecordType), usize> = HashMap::new();
        let mut signatures: HashMap<(DnsSection, &str, u16), Vec<Rrsig>> = HashMap::new();
        for record in &answer.wire {
            let Some(data) = bytes(&record.data) else { continue };
            let name = record.name.as_str();
            if record.record_type == RecordType::Rrsig {
                sets.signed = true;
                if let Some(signature) = Rrsig::read(&data) {
                    let place = (record.section, name, signature.covered);
                    signatures.entry(place).or_default().push(signature);
                }
                continue;
            }
            let Some(owner) = Name::parse(name) else { continue };
            let section = match record.section {
                DnsSection::Answer => &mut sets.answer,
                _ => &mut sets.authority,
            };
            let place = (record.section, name, record.record_type);
            let at = *places.entry(place).or_insert_with(|| {
                section.push(Set {
                    owner,
                    record_type: record.record_type,
                    data: Vec::new(),
                    signatures: Vec::new(),
                });
                section.len() - 1
            });
            if let Some(set) = section.get_mut(at) {
                set.data.push(canonical(record.record_type, data));
            }
        }
        for ((section, name, kind), at) in places {
            let list = match section {
                DnsSection::Answer => &mut sets.answer,
                _ => &mut sets.authority,
            };
            let Some(set) = list.get_mut(at) else { continue };
            set.data.sort_unstable();
            set.data.dedup();
            let found = signatures.remove(&(section, name, kind.number()));
            set.signatures = found.unwrap_or_default();
        }
        sets
    }

    pub(super) fn in_answer(&self, owner: &Name, record_type: RecordType) -> Option<&Set> {
        let mut sets = self.answer.iter();
        sets.find(|set| set.owner == *owner && set.record_type == record_type)
    }
}

/// Names in data of this type are signed in lower case (RFC 4034, section 6.2), and its type is one that the
/// library which reads the message does not know.
fn canonical(record_type: RecordType, data: Vec<u8>) -> Vec<u8> {
    match record_type {
        RecordType::Dname => match Name::from_wire(&data) {
            Some((to, _)) => to.wire(),
            None => data,
        },
        _ => data,
    }
}

/// Bytes from their hexadecimal digits.
pub(super) fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let pairs = hex.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let byte = |pair: &[u8]| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    };
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_key_has_the_tag_that_everybody_knows() {
        // The digits of the tag do not depend on the length: an odd one counts as if a zero followed.
        assert_eq!(key_tag(&[]), 0);
        assert_eq!(key_tag(&[1, 2, 3]), 0x0402);
        assert_eq!(key_tag(&[0xFF, 0xFF, 0, 1]), 1);
    }

    #[test]
    fn no_truncated_record_is_read() {
        let signature = [&[0, 1, 8, 2][..], &[0; 14], &[1, b'a', 0], &[9; 4]].concat();
        let read = Rrsig::read(&signature).unwrap();
        assert_eq!((read.signature.len(), read.head.len()), (4, 21));
        for cut in 0..21 {
            assert_eq!(Rrsig::read(&signature[..cut]), None, "{cut}");
        }
        let hashed = [1, 1, 0, 5, 2, 7, 7, 3, 1, 2, 3, 0, 1, 0x40];
        let read = Nsec3::read(&hashed).unwrap();
        assert_eq!((read.iterations, read.salt.len(), read.next.len()), (5, 2, 3));
        assert!(read.opts_out() && read.types.has(RecordType::A));
        for cut in 0..11 {
            assert_eq!(Nsec3::read(&hashed[..cut]), None, "{cut}");
        }
        for cut in 0..4 {
            assert_eq!(Ds::read(&hashed[..cut]), None, "{cut}");
            assert_eq!(Dnskey::read(&hashed[..cut]), None, "{cut}");
        }
        assert_eq!(Nsec::read(&[1, b'a']), None);
    }

    #[test]
    fn types_are_read_from_their_windows() {
        // A, NS, SOA in the first window, CAA (257) in the second.
        let types = Types(vec![0, 1, 0b0110_0010, 1, 1, 0b0100_0000]);
        for (kind, has) in [
            (RecordType::A, true),
            (RecordType::Ns, true),
            (RecordType::Soa, true),
            (RecordType::Cname, false),
            (RecordType::Ds, false),
            (RecordType::Caa, true),
            (RecordType::Other(256), false),
            (RecordType::Other(65_535), false),
        ] {
            assert_eq!(types.has(kind), has, "{kind}");
        }
        // A window that promises more than there is says nothing.
        assert!(!Types(vec![0, 32, 0xFF]).has(RecordType::A));
        assert!(!Types(vec![0]).has(RecordType::A));
    }

    #[test]
    fn digits_are_bytes() {
        assert_eq!(bytes("00aBff"), Some(vec![0, 0xAB, 0xFF]));
        assert_eq!(bytes(""), Some(vec![]));
        for wrong in ["0", "zz", "é"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
