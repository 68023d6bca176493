//! Proofs that a name or a type does not exist. RFC 4035, section 5.4; RFC 5155, section 8; RFC 6840, section 4.

use readiness_core::{Timestamp, fact::RecordType};

use super::{
    name::Name,
    record::{Dnskey, Nsec, Set, Sets},
    verify::{Budget, Fault, Good, verify},
};

mod hashed;

/// The most records of proof that are looked at; a proof needs three.
const MOST_PROOFS: usize = 8;

/// What is proven.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Denied {
    /// There is a zone below without a DS record.
    Delegation,
    /// There is no such name.
    Name,
    /// A zone below without signatures may lie here: the zone does not say.
    OptOut,
    /// The name has no such record.
    Type,
    /// The proof is of the zone below, where the question was to the zone above.
    WrongSide,
}

/// Why nothing is proven.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum NotDenied {
    /// A record of the proof does not stand.
    Fault(String, Fault),
    /// The records do not prove it, or there is none.
    NotProven,
    /// More iterations than a resolver will make. RFC 9276, section 3.2.
    TooManyIterations(u16),
    /// It would cost too much to tell.
    TooMany,
    /// Hashes of another kind than SHA-1.
    UnknownHash(u8),
}

/// The question and the zone that answers it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'a> {
    pub(super) zone: &'a Name,
    pub(super) keys: &'a [Dnskey],
    pub(super) name: &'a Name,
    pub(super) record_type: RecordType,
    pub(super) now: Timestamp,
}

/// The records of proof in an answer that stand, with how long they do.
#[derive(Debug, Default)]
pub(super) struct Proofs<'a> {
    plain: Vec<(&'a Name, Nsec)>,
    hashed: Vec<hashed::Hashed>,
    fault: Option<(String, Fault)>,
    pub(super) verified: Vec<(String, Good)>,
    /// Iterations and length of the salt.
    pub(super) parameters: Option<(u16, usize)>,
}

/// Checks the records of proof in the authority section.
pub(super) fn proofs<'a>(question: Question<'_>, sets: &'a Sets, budget: &mut Budget) -> Proofs<'a> {
    let mut proofs = Proofs::default();
    let of_proof = |set: &&Set| matches!(set.record_type, RecordType::Nsec | RecordType::Nsec3);
    for set in sets.authority.iter().filter(of_proof).take(MOST_PROOFS) {
        match verify(set, question.zone, question.keys, question.now, budget) {
            // A record made by a wildcard proves nothing.
            Ok(good) if good.expanded_from.is_none() => proofs.verified.push((set.label(), good)),
            Ok(_) => continue,
            Err(fault) => {
                proofs.fault.get_or_insert((set.label(), fault));
                continue;
            }
        }
        for data in &set.data {
            if set.record_type == RecordType::Nsec {
                proofs
                    .plain
                    .extend(Nsec::read(data).map(|nsec| (&set.owner, nsec)));
            } else if let Some(hashed) = hashed::Hashed::read(&set.owner, question.zone, data) {
                proofs.parameters = Some((hashed.iterations(), hashed.salt_length()));
                proofs.hashed.push(hashed);
            }
        }
    }
    proofs
}

impl Proofs<'_> {
    /// What these records say of a question that was answered without records.
    pub(super) fn denied(&self, question: Question<'_>, budget: &mut Budget) -> Result<Denied, NotDenied> {
        let plain = plain_denial(question, &self.plain);
        self.or_hashed(plain, || hashed::denial(question, &self.hashed, budget))
    }

    /// Whether the name itself does not exist, so that a wildcard with this many labels stood in for it.
    pub(super) fn expansion(
        &self,
        question: Question<'_>,
        labels: usize,
        budget: &mut Budget,
    ) -> Result<(), NotDenied> {
        let next_closer = question.name.last(labels + 1);
        let plain = covering(question.zone, &self.plain, &next_closer).map(|_| ());
        self.or_hashed(plain, || {
            hashed::expansion(question, &next_closer, &self.hashed, budget)
        })
    }

    fn or_hashed<T>(
        &self,
        plain: Option<T>,
        hashed: impl FnOnce() -> Result<T, NotDenied>,
    ) -> Result<T, NotDenied> {
        if let Some(proven) = plain {
            return Ok(proven);
        }
        hashed().map_err(|problem| match (problem, &self.fault) {
            // It might have been the proof.
            (NotDenied::NotProven, Some((label, fault))) => NotDenied::Fault(label.clone(), fault.clone()),
            (problem, _) => problem,
        })
    }
}

/// What a name's own record of proof says of a type that is not there.
fn own_types(record_type: RecordType, types: &super::record::Types, is_root: bool) -> Option<Denied> {
    let (is_cut, is_apex) = (types.has(RecordType::Ns), types.has(RecordType::Soa));
    if types.has(record_type) || types.has(RecordType::Cname) {
        return None;
    }
    if record_type != RecordType::Ds {
        // The zone above knows nothing of the types of the one below.
        return (!is_cut || is_apex).then_some(Denied::Type);
    }
    Some(match (is_cut, is_apex) {
        (_, true) if !is_root => Denied::WrongSide,
        (true, false) => Denied::Delegation,
        _ => Denied::Type,
    })
}

/// Whether what is below the owner of these types belongs to another zone, or to another name.
fn leads_elsewhere(types: &super::record::Types) -> bool {
    types.has(RecordType::Dname) || (types.has(RecordType::Ns) && !types.has(RecordType::Soa))
}

fn plain_denial(question: Question<'_>, records: &[(&Name, Nsec)]) -> Option<Denied> {
    let Question {
        zone,
        name,
        record_type,
        ..
    } = question;
    let own = |name: &Name| records.iter().find(|(owner, _)| *owner == name);
    if let Some((_, nsec)) = own(name) {
        return own_types(record_type, &nsec.types, name.len() == 0);
    }
    let (owner, nsec) = covering(zone, records, name)?;
    // Names below it exist, so it exists too, and has nothing of its own.
    if nsec.next.is_below(name) {
        return Some(Denied::Type);
    }
    let common = name.in_common(owner).max(name.in_common(&nsec.next));
    let wildcard = name.last(common).wildcard();
    if let Some((_, nsec)) = own(&wildcard) {
        return match own_types(record_type, &nsec.types, false)? {
            Denied::Type => Some(Denied::Type),
            _ => None,
        };
    }
    covering(zone, records, &wildcard).map(|_| Denied::Name)
}

/// The record that says there is no such name.
fn covering<'a, 'b>(
    zone: &Name,
    records: &'a [(&'b Name, Nsec)],
    name: &Name,
) -> Option<(&'b Name, &'a Nsec)> {
    let covers = |owner: &Name, next: &Name| {
        if owner < next {
            owner < name && name < next
        } else {
            // The last one of the zone leads back to its apex.
            owner < name && next == zone
        }
    };
    records
        .iter()
        .find(|(owner, nsec)| {
            name.is_within(zone)
                && covers(owner, &nsec.next)
                && !(name.is_below(owner) && leads_elsewhere(&nsec.types))
        })
        .map(|(owner, nsec)| (*owner, nsec))
}

#[cfg(test)]
#[cfg(any(feature = "aws-lc-rs", feature = "ring"))]
mod tests;
