//! The way from a trust anchor down to the zone of a name. RFC 4035, section 5.

use std::collections::BTreeMap;

use readiness_core::{
    Reason, Timestamp,
    fact::{DnsAnswer, RecordType},
};

use super::{
    Look, Step,
    anchor::Anchor,
    crypto::{self, can_check, can_digest},
    denial::{self, Denied, NotDenied, Question},
    name::Name,
    record::{Dnskey, Ds, Set, Sets},
    said::{self, Trouble},
    verify::{Budget, Fault, Good, keys, verify},
};
use crate::dns::records::not_looked_up;

/// What is not secure, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Not {
    /// What is there contradicts what is signed.
    Bogus(Trouble),
    /// It could not be told.
    Indeterminate(Reason, String),
    /// The zones above say that nobody need expect signatures.
    Insecure(Why),
}

/// Why nobody need expect signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Why {
    /// The zone has no DS record in the zone above it.
    NoDs { zone: Name, above: Name },
    /// Names of the zone need not be signed.
    OptOut { name: Name, zone: Name },
    /// Nothing that signs the zone can be checked: algorithms and digests of its DS records.
    Unsupported { zone: Name, kinds: Vec<(u8, u8)> },
    /// More iterations of hashes than a resolver makes.
    Iterations { zone: Name, iterations: u16 },
    /// Hashes of a kind that nobody knows.
    UnknownHash { zone: Name, kind: u8 },
}

/// A zone whose keys are trusted.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) name: Name,
    pub(super) keys: Vec<Dnskey>,
}

/// What was met on the way that deserves a word even where all is well.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// Sets that stand, by the zone that signed them.
    pub(super) verified: BTreeMap<Name, Vec<(String, Good)>>,
    /// DS records that stand, and whether each has its key, by the zone they are about.
    pub(super) ds: BTreeMap<Name, Vec<(Ds, bool)>>,
    /// Iterations and length of the salt, by zone.
    pub(super) hashes: BTreeMap<Name, (u16, usize)>,
}

impl Met {
    fn verified(&mut self, zone: &Name, label: String, good: Good) {
        self.verified.entry(zone.clone()).or_default().push((label, good));
    }
}

/// One judgement: the time, what it may still cost, and what it met.
#[derive(Debug)]
pub(super) struct Judging<'a> {
    pub(super) now: Timestamp,
    pub(super) budget: Budget,
    pub(super) met: Met,
    pub(super) anchors: &'a [Anchor],
}

impl Judging<'_> {
    /// The zone of a name.
    pub(super) fn walk(&mut self, step: &Step, name: &Name) -> Result<Zone, Not> {
        let above = self.anchors.iter().filter(|anchor| name.is_within(&anchor.zone));
        let Some(closest) = above.max_by_key(|anchor| anchor.zone.len()) else {
            let message = format!("no trust anchor is given for `{name}` or for a zone above it");
            return Err(Not::Indeterminate(Reason::ERROR, message));
        };
        let top = closest.zone.clone();
        let trusted = self.anchors.iter().filter(|anchor| anchor.zone == top);
        let trusted: Vec<Ds> = trusted.map(|anchor| anchor.ds.clone()).collect();
        let mut zone = self.enter(step, &top, &trusted, true)?;
        for labels in top.len() + 1..=name.len() {
            let below = name.last(labels);
            match self.cut(step, &zone, &below)? {
                Cut::Delegated(ds) => zone = self.enter(step, &below, &ds, false)?,
                Cut::NoName => break,
                Cut::None => {}
            }
        }
        Ok(zone)
    }

    /// Whether another zone begins here.
    fn cut(&mut self, step: &Step, zone: &Zone, below: &Name) -> Result<Cut, Not> {
        let what = format!("the DS records of `{below}`");
        let answer = answered(step.ds(below), &what)?;
        let sets = Sets::of(answer);
        if let Some(set) = sets.in_answer(below, RecordType::Ds) {
            self.stands(zone, set)?;
            return Ok(Cut::Delegated(
                set.data.iter().filter_map(|data| Ds::read(data)).collect(),
            ));
        }
        if self.alias(zone, &sets, below)?.is_some() {
            return Ok(Cut::None);
        }
        match self.denied(zone, &sets, below, RecordType::Ds, answer)? {
            Denied::Delegation => Err(Not::Insecure(Why::NoDs {
                zone: below.clone(),
                above: zone.name.clone(),
            })),
            Denied::OptOut => Err(Not::Insecure(Why::OptOut {
                name: below.clone(),
                zone: zone.name.clone(),
            })),
            Denied::WrongSide => Err(Not::Indeterminate(
                Reason::UNEXPECTED_RESPONSE,
                format!(
                    "{} answers for {what} from `{below}` itself, and only the zone above knows them",
                    answer.answered_by
                ),
            )),
            Denied::Name => Ok(Cut::NoName),
            Denied::Type => Ok(Cut::None),
        }
    }

    /// The keys of a zone that these DS records lead to.
    fn enter(&mut self, step: &Step, zone: &Name, all: &[Ds], is_anchor: bool) -> Result<Zone, Not> {
        let supported = |ds: &&Ds| can_check(ds.algorithm) && can_digest(ds.digest_type);
        if !all.iter().any(|ds| supported(&ds)) {
            let kinds = all.iter().map(|ds| (ds.algorithm, ds.digest_type)).collect();
            self.met
                .ds
                .insert(zone.clone(), all.iter().map(|ds| (ds.clone(), false)).collect());
            return Err(Not::Insecure(Why::Unsupported {
                zone: zone.clone(),
                kinds,
            }));
        }
        let what = format!("the DNSKEY records of `{zone}`");
        let answer = answered(step.keys(zone), &what)?;
        let sets = Sets::of(answer);
        let Some(set) = sets.in_answer(zone, RecordType::Dnskey) else {
            return Err(Not::Bogus(said::unsigned_child(zone, all, answer)));
        };
        // A resolver that strips signatures strips them everywhere: here it shows first.
        if is_anchor && !sets.signed {
            let message = format!("{} leaves signatures out of its answers", answer.answered_by);
            return Err(Not::Indeterminate(Reason::UNEXPECTED_RESPONSE, message));
        }
        let keys = keys(set);
        // RFC 4509, section 3: SHA-1 does not count beside a better digest.
        let better = all.iter().any(|ds| supported(&ds) && ds.digest_type != 1);
        let counts = |ds: &&Ds| supported(ds) && !(better && ds.digest_type == 1);
        let owner = zone.wire();
        let is_of = |ds: &Ds, key: &Dnskey| {
            key.tag == ds.tag
                && key.algorithm == ds.algorithm
                && key.may_sign()
                && crypto::digest(ds.digest_type, &[&owner, &key.data]).is_some_and(|made| made == ds.digest)
        };
        let entry: Vec<Dnskey> = keys
            .iter()
            .filter(|key| all.iter().filter(counts).take(MOST_DS).any(|ds| is_of(ds, key)))
            .cloned()
            .collect();
        let with_key = |ds: &Ds| (ds.clone(), keys.iter().any(|key| is_of(ds, key)));
        if !is_anchor {
            let ds = all.iter().take(MOST_DS).map(with_key).collect();
            self.met.ds.insert(zone.clone(), ds);
        }
        if entry.is_empty() {
            return Err(Not::Bogus(said::no_key_of_ds(zone, all, &keys, is_anchor)));
        }
        let by_entry = Zone {
            name: zone.clone(),
            keys: entry,
        };
        self.stands(&by_entry, set)?;
        Ok(Zone {
            name: zone.clone(),
            keys,
        })
    }

    /// Whether a set is signed by this zone.
    pub(super) fn stands(&mut self, zone: &Zone, set: &Set) -> Result<Good, Not> {
        match verify(set, &zone.name, &zone.keys, self.now, &mut self.budget) {
            Ok(good) => {
                self.met.verified(&zone.name, set.label(), good.clone());
                Ok(good)
            }
            Err(fault) => Err(not(&zone.name, &set.label(), &fault)),
        }
    }

    /// Whether a set is signed by this zone, and no closer name stands in the way where a wildcard made it.
    pub(super) fn stands_for(&mut self, zone: &Zone, sets: &Sets, set: &Set) -> Result<(), Not> {
        let good = self.stands(zone, set)?;
        let Some(labels) = good.expanded_from else {
            return Ok(());
        };
        let question = self.question(zone, &set.owner, set.record_type);
        let proofs = denial::proofs(question, sets, &mut self.budget);
        let proven = proofs.expansion(question, labels, &mut self.budget);
        proven.map_err(|problem| not_denied(&zone.name, &set.owner, set.record_type, &problem))
    }

    /// Where a name leads that is an alias.
    pub(super) fn alias(&mut self, zone: &Zone, sets: &Sets, name: &Name) -> Result<Option<Name>, Not> {
        let Some(set) = sets.in_answer(name, RecordType::Cname) else {
            return Ok(None);
        };
        let Some(to) = target(set) else { return Ok(None) };
        let above = sets
            .answer
            .iter()
            .find(|set| set.record_type == RecordType::Dname && name.is_below(&set.owner));
        // What a DNAME record makes is not signed: it can be made again. RFC 6672, section 5.3.1.
        if let Some(dname) = above.filter(|_| set.signatures.is_empty()) {
            self.stands(zone, dname)?;
            let made = target(dname).and_then(|below| name.moved(&dname.owner, &below));
            if made.as_ref() == Some(&to) {
                return Ok(Some(to));
            }
        }
        self.stands_for(zone, sets, set)?;
        Ok(Some(to))
    }

    /// What is proven of a name without records of this type.
    pub(super) fn denied(
        &mut self,
        zone: &Zone,
        sets: &Sets,
        name: &Name,
        record_type: RecordType,
        answer: &DnsAnswer,
    ) -> Result<Denied, Not> {
        let question = self.question(zone, name, record_type);
        let proofs = denial::proofs(question, sets, &mut self.budget);
        for (label, good) in &proofs.verified {
            self.met.verified(&zone.name, label.clone(), good.clone());
        }
        if let Some(parameters) = proofs.parameters {
            self.met.hashes.insert(zone.name.clone(), parameters);
        }
        proofs.denied(question, &mut self.budget).map_err(|problem| {
            let told = not_denied(&zone.name, name, record_type, &problem);
            match told {
                Not::Bogus(trouble) => Not::Bogus(trouble.said_by(&answer.answered_by)),
                other => other,
            }
        })
    }

    fn question<'a>(&self, zone: &'a Zone, name: &'a Name, record_type: RecordType) -> Question<'a> {
        Question {
            zone: &zone.name,
            keys: &zone.keys,
            name,
            record_type,
            now: self.now,
        }
    }
}

/// The most DS records of a zone that are looked at; a roll-over of two keys with two digests has 8.
const MOST_DS: usize = 16;

enum Cut {
    /// A zone begins here, and these are its keys.
    Delegated(Vec<Ds>),
    /// There is no such name, and none below it.
    NoName,
    /// No zone begins here.
    None,
}

/// The name that an alias leads to.
pub(super) fn target(set: &Set) -> Option<Name> {
    let data = set.data.first()?;
    Name::from_wire(data).map(|(name, _)| name)
}

/// An answer that something can be told from.
pub(super) fn answered<'a>(look: Option<&'a Look>, what: &str) -> Result<&'a DnsAnswer, Not> {
    let Some(look) = look else {
        let message = format!("{what} were not asked for");
        return Err(Not::Indeterminate(Reason::ERROR, message));
    };
    if let Some((reason, problem)) = not_looked_up(look.as_ref()) {
        let message = format!("{what} could not be fetched: {problem}");
        return Err(Not::Indeterminate(reason, message));
    }
    match look {
        Ok(answer) if answer.wire_left_out > 0 => Err(Not::Indeterminate(
            Reason::UNEXPECTED_RESPONSE,
            format!(
                "{what} came from {} with {} records more than are looked at",
                answer.answered_by, answer.wire_left_out
            ),
        )),
        Ok(answer) => Ok(answer),
        // Told above.
        Err(e) => Err(Not::Indeterminate(e.root_reason().clone(), e.message.clone())),
    }
}

/// What a fault of a set means.
fn not(zone: &Name, label: &str, fault: &Fault) -> Not {
    match said::of_fault(zone, label, fault) {
        Ok(trouble) => Not::Bogus(trouble),
        Err(message) => Not::Indeterminate(Reason::UNEXPECTED_RESPONSE, message),
    }
}

fn not_denied(zone: &Name, name: &Name, record_type: RecordType, problem: &NotDenied) -> Not {
    match problem {
        NotDenied::Fault(label, fault) => not(zone, label, fault),
        NotDenied::NotProven => Not::Bogus(said::not_proven(zone, name, record_type)),
        NotDenied::TooManyIterations(iterations) => Not::Insecure(Why::Iterations {
            zone: zone.clone(),
            iterations: *iterations,
        }),
        NotDenied::TooMany => Not::Indeterminate(
            Reason::UNEXPECTED_RESPONSE,
            format!("the proof that `{name}` has no {record_type} record would cost too much to check"),
        ),
        NotDenied::UnknownHash(kind) => Not::Insecure(Why::UnknownHash {
            zone: zone.clone(),
            kind: *kind,
        }),
    }
}
