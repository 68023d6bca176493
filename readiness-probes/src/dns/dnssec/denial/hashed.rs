//! Proofs by hashes of names. RFC 5155; RFC 9276.

use super::{
    super::{crypto, name::Name, record::Nsec3, verify::Budget},
    Denied, NotDenied, Question, leads_elsewhere, own_types,
};

/// SHA-1, the only kind there is.
const SHA_1: u8 = 1;

/// The most iterations that are made. RFC 9276, section 3.2: above 100 nobody need.
const MOST_ITERATIONS: u16 = 100;

/// One record, with the hash in its owner name.
#[derive(Clone, Debug)]
pub(super) struct Hashed {
    owner: Vec<u8>,
    record: Nsec3,
}

impl Hashed {
    /// Reads a record of this zone. One with unknown flags is ignored (RFC 5155, section 8.2).
    pub(super) fn read(owner: &Name, zone: &Name, data: &[u8]) -> Option<Self> {
        let record = Nsec3::read(data).filter(|record| record.flags & !1 == 0)?;
        let owner = (owner.parent() == *zone).then(|| base32hex(owner.first_label()?))??;
        Some(Self { owner, record })
    }

    pub(super) fn iterations(&self) -> u16 {
        self.record.iterations
    }

    pub(super) fn salt_length(&self) -> usize {
        self.record.salt.len()
    }

    fn covers(&self, hash: &[u8]) -> bool {
        let (owner, next) = (self.owner.as_slice(), self.record.next.as_slice());
        if owner < next {
            owner < hash && hash < next
        } else {
            // The last one leads back to the first.
            owner < hash || hash < next
        }
    }
}

/// The records of one answer and how their hashes are made.
struct Chain<'a> {
    records: Vec<&'a Hashed>,
    salt: &'a [u8],
    iterations: u16,
}

impl<'a> Chain<'a> {
    fn new(records: &'a [Hashed]) -> Result<Self, NotDenied> {
        let Some(first) = records.first().map(|hashed| &hashed.record) else {
            return Err(NotDenied::NotProven);
        };
        if first.hash_algorithm != SHA_1 {
            return Err(NotDenied::UnknownHash(first.hash_algorithm));
        }
        if first.iterations > MOST_ITERATIONS {
            return Err(NotDenied::TooManyIterations(first.iterations));
        }
        // Those of another chain are of no use (RFC 5155, section 8.2).
        let same = |hashed: &&Hashed| {
            let record = &hashed.record;
            record.hash_algorithm == SHA_1
                && record.iterations == first.iterations
                && record.salt == first.salt
        };
        Ok(Self {
            records: records.iter().filter(same).collect(),
            salt: &first.salt,
            iterations: first.iterations,
        })
    }

    /// RFC 5155, section 5.
    fn hash(&self, name: &Name, budget: &mut Budget) -> Result<Vec<u8>, NotDenied> {
        if !budget.hash(u32::from(self.iterations) + 1) {
            return Err(NotDenied::TooMany);
        }
        let mut hash = crypto::digest(SHA_1, &[&name.wire(), self.salt]).ok_or(NotDenied::NotProven)?;
        for _ in 0..self.iterations {
            hash = crypto::digest(SHA_1, &[&hash, self.salt]).ok_or(NotDenied::NotProven)?;
        }
        Ok(hash)
    }

    fn matching(&self, hash: &[u8]) -> Option<&'a Hashed> {
        self.records.iter().find(|hashed| hashed.owner == hash).copied()
    }

    fn covering(&self, hash: &[u8]) -> Option<&'a Hashed> {
        self.records.iter().find(|hashed| hashed.covers(hash)).copied()
    }

    /// The closest name above that exists, and the record that denies the one below it. RFC 5155, section 8.3.
    fn closest(
        &self,
        question: Question<'_>,
        budget: &mut Budget,
    ) -> Result<Option<(Name, &'a Hashed)>, NotDenied> {
        let name = question.name;
        let mut below = self.hash(name, budget)?;
        for labels in (question.zone.len()..name.len()).rev() {
            let above = name.last(labels);
            let hash = self.hash(&above, budget)?;
            if let Some(exists) = self.matching(&hash) {
                let denies = self
                    .covering(&below)
                    .filter(|_| !leads_elsewhere(&exists.record.types));
                return Ok(denies.map(|denies| (above, denies)));
            }
            below = hash;
        }
        Ok(None)
    }
}

pub(super) fn denial(
    question: Question<'_>,
    records: &[Hashed],
    budget: &mut Budget,
) -> Result<Denied, NotDenied> {
    let Question {
        name, record_type, ..
    } = question;
    let chain = Chain::new(records)?;
    let own = chain.matching(&chain.hash(name, budget)?);
    if let Some(own) = own {
        let types = own_types(record_type, &own.record.types, name.len() == 0);
        return types.ok_or(NotDenied::NotProven);
    }
    let (closest, denies) = chain.closest(question, budget)?.ok_or(NotDenied::NotProven)?;
    if denies.record.opts_out() {
        return Ok(Denied::OptOut);
    }
    let wildcard = chain.hash(&closest.wildcard(), budget)?;
    if let Some(own) = chain.matching(&wildcard) {
        return match own_types(record_type, &own.record.types, false) {
            Some(Denied::Type) => Ok(Denied::Type),
            _ => Err(NotDenied::NotProven),
        };
    }
    chain
        .covering(&wildcard)
        .map(|_| Denied::Name)
        .ok_or(NotDenied::NotProven)
}

/// Whether there is no name next to the one that a wildcard stands in. RFC 5155, section 8.8.
pub(super) fn expansion(
    _: Question<'_>,
    next_closer: &Name,
    records: &[Hashed],
    budget: &mut Budget,
) -> Result<(), NotDenied> {
    let chain = Chain::new(records)?;
    let hash = chain.hash(next_closer, budget)?;
    chain.covering(&hash).map(|_| ()).ok_or(NotDenied::NotProven)
}

/// RFC 4648, section 7, without padding; in lower case, as names are kept.
fn base32hex(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for byte in text {
        let digit = char::from(*byte).to_digit(32)?;
        held = (held << 5 | digit) & 0xFFF;
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(held >> bits & 0xFF).ok()?);
        }
    }
    // What is left over must be zero, else two texts would mean the same.
    (bits < 5 && held & ((1 << bits) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_standard() {
        // The example of RFC 5155, appendix A: 12 iterations, salt aabbccdd.
        let hashed = Hashed {
            owner: Vec::new(),
            record: Nsec3::read(&[1, 0, 0, 12, 4, 0xaa, 0xbb, 0xcc, 0xdd, 0]).unwrap(),
        };
        let records = [hashed];
        let chain = Chain::new(&records).unwrap();
        for (name, hash) in [
            ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
            ("a.example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
            ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ] {
            let made = chain.hash(&Name::parse(name).unwrap(), &mut Budget::new());
            assert_eq!(made.ok(), base32hex(hash.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_not_made() {
        let with = |iterations: u16| {
            let [high, low] = iterations.to_be_bytes();
            let record = Nsec3::read(&[1, 0, high, low, 0, 0]).unwrap();
            [Hashed {
                owner: vec![0; 20],
                record,
            }]
        };
        for (iterations, refused) in [(0, false), (100, false), (101, true), (65_535, true)] {
            let records = with(iterations);
            let wanted = refused.then_some(NotDenied::TooManyIterations(iterations));
            assert_eq!(Chain::new(&records).err(), wanted, "{iterations}");
        }
        let records = with(100);
        let (chain, mut budget) = (Chain::new(&records).unwrap(), Budget::new());
        let name = Name::parse("example").unwrap();
        let made = (0..1_000)
            .take_while(|_| chain.hash(&name, &mut budget).is_ok())
            .count();
        assert_eq!(made, 495);
        assert_eq!(chain.hash(&name, &mut budget), Err(NotDenied::TooMany));
    }

    #[test]
    fn digits_of_base32_are_bytes() {
        assert_eq!(base32hex(b"cpnmuoj1").as_deref(), Some(&b"fooba"[..]));
        assert_eq!(base32hex(b"cpnmuog").as_deref(), Some(&b"foob"[..]));
        assert_eq!(base32hex(b"").as_deref(), Some(&b""[..]));
        for wrong in ["w", "c", "cpnmuoh", "é", "c-"] {
            assert_eq!(base32hex(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
