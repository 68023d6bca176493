//! The state of a name from what was seen of it.

use std::collections::BTreeSet;

use readiness_core::{Reason, Timestamp, fact::RecordType};

use super::{
    Look, Seen, Step,
    anchor::Anchor,
    chain::{Judging, Met, Not, Why, Zone, answered},
    denial::Denied,
    name::Name,
    record::Sets,
    said::Trouble,
    verify::Budget,
};

/// What was found of a name and of all that its aliases lead to.
#[derive(Debug)]
pub(super) struct Judged {
    /// The worst of all steps; secure where nothing says otherwise.
    pub(super) state: Result<(), Not>,
    /// All that is bogus.
    pub(super) troubles: Vec<Trouble>,
    /// The zones of the name itself and of what its aliases lead to.
    pub(super) own: BTreeSet<Name>,
    /// Zones that sign themselves, and that no zone above vouches for.
    pub(super) islands: BTreeSet<Name>,
    pub(super) met: Met,
}

pub(super) fn judge(anchors: &[Anchor], seen: &Seen, now: Timestamp) -> Judged {
    let mut judging = Judging {
        now,
        budget: Budget::new(),
        met: Met::default(),
        anchors,
    };
    let mut judged = Judged {
        state: Ok(()),
        troubles: Vec::new(),
        own: BTreeSet::new(),
        islands: BTreeSet::new(),
        met: Met::default(),
    };
    for step in &seen.steps {
        judge_step(&mut judging, step, &mut judged);
    }
    if let Some(alias) = &seen.not_followed {
        let message =
            format!("the aliases lead to `{alias}`, which is not followed: they are too many or lead back");
        judged.is(Err(Not::Indeterminate(Reason::UNEXPECTED_RESPONSE, message)));
    }
    if seen.steps.is_empty() {
        judged.is(Err(Not::Indeterminate(
            Reason::ERROR,
            "nothing was looked at".to_owned(),
        )));
    }
    judged.met = judging.met;
    judged
}

impl Judged {
    /// Keeps the worse state.
    fn is(&mut self, state: Result<(), Not>) {
        if let Err(Not::Bogus(trouble)) = &state
            && !self.troubles.contains(trouble)
        {
            self.troubles.push(trouble.clone());
        }
        if rank(&state) > rank(&self.state) {
            self.state = state;
        }
    }
}

fn rank(state: &Result<(), Not>) -> u8 {
    match state {
        Ok(()) => 0,
        Err(Not::Insecure(_)) => 1,
        Err(Not::Indeterminate(..)) => 2,
        Err(Not::Bogus(_)) => 3,
    }
}

fn judge_step(judging: &mut Judging<'_>, step: &Step, judged: &mut Judged) {
    let Some(name) = Name::parse(&step.name) else {
        let message = format!("`{}` is no domain name", step.name.escape_debug());
        judged.is(Err(Not::Indeterminate(Reason::ERROR, message)));
        return;
    };
    match judging.walk(step, &name) {
        Ok(zone) => {
            judged.own.insert(zone.name.clone());
            for (record_type, look) in &step.answers {
                let state = judge_answer(judging, &zone, &name, *record_type, look);
                judged.is(state);
            }
        }
        Err(not) => {
            match &not {
                // The zone's own affair, and not that of the one above.
                Not::Insecure(
                    Why::Unsupported { zone, .. }
                    | Why::Iterations { zone, .. }
                    | Why::UnknownHash { zone, .. },
                ) => {
                    judged.own.insert(zone.clone());
                }
                Not::Insecure(Why::NoDs { .. } | Why::OptOut { .. }) => judged.islands.extend(island(step)),
                _ => {}
            }
            judged.is(Err(not));
        }
    }
}

/// Judges the answer for one type, whose name lies in this zone.
fn judge_answer(
    judging: &mut Judging<'_>,
    zone: &Zone,
    name: &Name,
    record_type: RecordType,
    look: &Look,
) -> Result<(), Not> {
    let what = format!("the {record_type} records of `{name}`");
    let answer = answered(Some(look), &what)?;
    // Given by this machine and not by a zone.
    if answer.answered_by.parse::<std::net::SocketAddr>().is_err() {
        let message = format!("{what} are given ({}), and not looked up", answer.answered_by);
        return Err(Not::Indeterminate(Reason::ERROR, message));
    }
    let sets = Sets::of(answer);
    if let Some(set) = sets.in_answer(name, record_type) {
        return judging.stands_for(zone, &sets, set);
    }
    if judging.alias(zone, &sets, name)?.is_some() {
        return Ok(());
    }
    match judging.denied(zone, &sets, name, record_type, answer)? {
        Denied::OptOut => Err(Not::Insecure(Why::OptOut {
            name: name.clone(),
            zone: zone.name.clone(),
        })),
        _ => Ok(()),
    }
}

/// The zone of the name where it has keys and signatures that nobody vouches for.
fn island(step: &Step) -> Option<Name> {
    let zone = apex(step)?;
    let Ok(answer) = answered(step.keys(&zone), "") else {
        return None;
    };
    let sets = Sets::of(answer);
    let keys = sets.in_answer(&zone, RecordType::Dnskey)?;
    (!keys.signatures.is_empty()).then_some(zone)
}

/// The zone that the name says it is in.
pub(super) fn apex(step: &Step) -> Option<Name> {
    let (_, look) = step.answers.iter().find(|(kind, _)| *kind == RecordType::Soa)?;
    let name = Name::parse(&step.name)?;
    let sets = Sets::of(look.as_ref().ok()?);
    let all = sets.answer.iter().chain(&sets.authority);
    let mut owners = all
        .filter(|set| set.record_type == RecordType::Soa)
        .map(|set| &set.owner);
    owners.find(|owner| name.is_within(owner)).cloned()
}
