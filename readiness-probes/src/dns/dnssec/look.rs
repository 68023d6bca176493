//! The looks at a name and at the zones above it.

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use readiness_core::{
    ProbeContext,
    fact::{DnsLookup, DnsTransport, RecordType, Signatures},
};

use super::{Dnssec, Look, Seen, Step, anchor::Anchor, chain::target, name::Name, record::Sets, state::apex};

/// The most names of a chain of aliases that are looked at.
const MOST_STEPS: usize = 8;

/// The most zone cuts that are looked for below the trust anchor. The longest names that are in use, those of IPv6
/// addresses, have 34 labels.
const MOST_CUTS: usize = 40;

/// Whether it is the first look, or the one that must confirm it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Time {
    First,
    /// Other servers, or the same ones from the other end, over TCP.
    Second,
}

pub(super) async fn look(
    cx: &ProbeContext,
    settings: &Dnssec,
    anchors: &[Anchor],
    name: &Name,
    time: Time,
) -> Seen {
    let asking = Asking { cx, settings, time };
    let mut seen = Seen::default();
    let mut met = BTreeSet::new();
    let mut next = Some(name.clone());
    while let Some(name) = next.take() {
        if seen.steps.len() == MOST_STEPS || !met.insert(name.clone()) {
            seen.not_followed = Some(name.to_string());
            break;
        }
        let step = asking.step(anchors, &name).await;
        next = alias(&step, &name);
        seen.steps.push(step);
    }
    seen
}

/// What a resolver says that is asked to check the first type itself.
pub(super) async fn checked(cx: &ProbeContext, settings: &Dnssec, name: &Name) -> Look {
    let asking = Asking {
        cx,
        settings,
        time: Time::Second,
    };
    let kind = settings.types.first().copied().unwrap_or(RecordType::Soa);
    let key = asking.key(name, kind).signatures(Signatures::Checked);
    asking.owned(key.over(DnsTransport::Auto)).await
}

struct Asking<'a> {
    cx: &'a ProbeContext,
    settings: &'a Dnssec,
    time: Time,
}

impl Asking<'_> {
    async fn step(&self, anchors: &[Anchor], name: &Name) -> Step {
        let above = anchors.iter().filter(|anchor| name.is_within(&anchor.zone));
        let top = above.map(|anchor| &anchor.zone).max_by_key(|zone| zone.len());
        let mut step = Step {
            name: name.to_string(),
            ds: Vec::new(),
            keys: Vec::new(),
            answers: Vec::new(),
        };
        // Nobody vouches for it, whatever it says.
        let Some(top) = top else { return step };
        let cuts: Vec<Name> = (top.len() + 1..=name.len())
            .take(MOST_CUTS)
            .map(|labels| name.last(labels))
            .collect();
        let mut types = vec![RecordType::Soa];
        for kind in &self.settings.types {
            if !types.contains(kind) {
                types.push(*kind);
            }
        }
        let ds = join_all(cuts.iter().map(|zone| self.one(zone, RecordType::Ds)));
        let answers = join_all(
            types
                .iter()
                .map(|kind| async { (*kind, self.one(name, *kind).await.1) }),
        );
        let (ds, answers) = join(ds, answers).await;
        (step.ds, step.answers) = (ds, answers);
        let mut zones = vec![top.clone()];
        let delegated = |zone: &&Name| step.ds(zone).is_some_and(|look| has(look, zone, RecordType::Ds));
        zones.extend(cuts.iter().filter(delegated).cloned());
        // Where it has none above it, it may still have keys.
        if let Some(apex) = apex(&step).filter(|apex| !zones.contains(apex)) {
            zones.push(apex);
        }
        step.keys = join_all(zones.iter().map(|zone| self.one(zone, RecordType::Dnskey))).await;
        step
    }

    async fn one(&self, name: &Name, kind: RecordType) -> (String, Look) {
        (name.to_string(), self.owned(self.key(name, kind)).await)
    }

    fn key(&self, name: &Name, kind: RecordType) -> DnsLookup {
        let settings = self.settings;
        let key = DnsLookup::new(&name.to_string(), kind)
            .signatures(Signatures::Unchecked)
            .attempt_ms(settings.attempt_ms);
        match self.time {
            Time::First => key.via(settings.nameservers.clone()),
            Time::Second => {
                let mut servers = settings.second_opinion.clone();
                if servers.is_empty() {
                    servers = settings.nameservers.iter().rev().copied().collect();
                }
                key.via(servers).over(DnsTransport::Tcp).sample(1)
            }
        }
    }

    async fn owned(&self, key: DnsLookup) -> Look {
        self.cx.observe(key).await.map(|answer| (*answer).clone())
    }
}

fn has(look: &Look, name: &Name, kind: RecordType) -> bool {
    look.as_ref()
        .is_ok_and(|answer| Sets::of(answer).in_answer(name, kind).is_some())
}

/// Where the name leads, if it is an alias.
fn alias(step: &Step, name: &Name) -> Option<Name> {
    step.answers.iter().find_map(|(kind, look)| {
        let sets = Sets::of(look.as_ref().ok()?);
        if *kind == RecordType::Cname {
            return None;
        }
        target(sets.in_answer(name, RecordType::Cname)?)
    })
}
