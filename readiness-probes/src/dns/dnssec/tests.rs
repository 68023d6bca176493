use readiness_core::{
    Status,
    fact::{DnsSection, WireRecord},
};
use serde_json::{Value, json};

use self::forge::{
    DAY, HOST, Signer, World, ZONE, address, answer, name, nothing, now, plain, resigned, without,
};
use super::*;

mod aliases;
pub(super) mod forge;
mod kept;
mod probe;

const HOUR: i64 = 3_600;

fn settings(value: Value) -> Dnssec {
    serde_json::from_value(value).unwrap()
}

fn state_of(world: World) -> Judged {
    let anchors = world.above.anchors();
    let seen = Seen {
        steps: vec![world.step],
        not_followed: None,
    };
    state::judge(&anchors, &seen, now())
}

fn with(settings: &Dnssec, world: World) -> Outcome {
    let judged = state_of(world);
    let second = Second {
        judged: Judged {
            state: judged.state.clone(),
            troubles: judged.troubles.clone(),
            own: judged.own.clone(),
            islands: judged.islands.clone(),
            met: chain::Met::default(),
        },
        checked: Ok(DnsAnswer::new(DnsResult::ServFail, "192.0.2.53:53")),
    };
    let is_bogus = matches!(judged.state, Err(Not::Bogus(_)));
    judge(settings, &name(HOST), &judged, is_bogus.then_some(&second), now())
}

fn judged(world: World) -> Outcome {
    with(&Dnssec::default(), world)
}

/// State and findings in short.
fn said(outcome: &Outcome) -> String {
    let one = |finding: &Finding| format!("{} {}", finding.code, finding.status.word());
    let findings: Vec<String> = outcome.findings.iter().map(one).collect();
    let state = outcome.evidence.iter().find(|evidence| evidence.label == "state");
    format!(
        "{}: {}",
        state.map_or("", |state| state.value.as_str()),
        findings.join(", ")
    )
}

#[test]
fn a_well_kept_zone_is_silent() {
    let outcome = judged(World::new());
    assert_eq!(said(&outcome), "secure: ");
    assert_eq!(outcome.summary, "secure: 2 zones, ED25519, until 2026-12-10");
}

#[test]
fn the_root_may_be_the_anchor() {
    use RecordType as T;
    let root = Signer::new(".", 1);
    let mut world = World::with(root.clone(), Signer::new(ZONE, 2));
    world.step.keys[0].0 = ".".to_owned();
    // There is no zone `test`: the name stands above another one alone.
    let between = nothing(vec![root.nsec(".", ZONE, &[T::Ns, T::Soa])]);
    world.step.ds.insert(0, ("test".to_owned(), Ok(between)));
    assert_eq!(said(&judged(world)), "secure: ");
}

#[test]
fn each_fault_has_a_name() {
    use RecordType as T;
    type Change = fn(&mut World);
    let rows: [(&str, Change, &str); 24] = [
        (
            "tampered",
            |world| world.answer(T::A).as_mut().unwrap().wire[0].data = "c0000209".to_owned(),
            "bogus: signature_invalid fail",
        ),
        (
            "no signature",
            |world| without(world.answer(T::A), T::Rrsig),
            "bogus: signature_missing fail",
        ),
        (
            "another key than is published",
            |world| *world.answer(T::A) = Ok(Signer::new(ZONE, 9).says(HOST, T::A, &[address(1)])),
            "bogus: signature_without_key fail",
        ),
        (
            "signed by the zone above",
            |world| *world.answer(T::A) = Ok(world.above.says(HOST, T::A, &[address(1)])),
            "bogus: signature_of_other_zone fail",
        ),
        (
            "expired a second ago",
            |world| {
                let signer = world.zone.clone().valid(-DAY, -1);
                *world.answer(T::A) = Ok(signer.says(HOST, T::A, &[address(1)]));
            },
            "bogus: signature_expired fail",
        ),
        (
            "valid in a second",
            |world| {
                let signer = world.zone.clone().valid(1, 9 * DAY);
                *world.answer(T::A) = Ok(signer.says(HOST, T::A, &[address(1)]));
            },
            "bogus: signature_not_yet_valid fail",
        ),
        (
            "valid from this second",
            |world| {
                let signer = world.zone.clone().valid(0, 9 * DAY);
                *world.answer(T::A) = Ok(signer.says(HOST, T::A, &[address(1)]));
            },
            "secure: ",
        ),
        (
            "more labels than the name has",
            |world| resigned(world.answer(T::A), |data| data[3] += 1),
            "bogus: signature_invalid fail",
        ),
        (
            "signed for another algorithm alone",
            |world| resigned(world.answer(T::A), |data| data[2] = 16),
            "bogus: signature_missing fail",
        ),
        (
            "an expired signature beside a good one",
            |world| {
                let old = world.zone.clone().valid(-9 * DAY, -DAY);
                let old = old.says(HOST, T::A, &[address(1), address(2)]).wire;
                let look = world.answer(T::A).as_mut().unwrap();
                look.wire
                    .extend(old.into_iter().filter(|record| record.record_type == T::Rrsig));
            },
            "secure: ",
        ),
        (
            "a digest of something else",
            |world| {
                let mut ds = world.zone.ds(2);
                *ds.last_mut().unwrap() ^= 1;
                *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &[ds]));
            },
            "bogus: ds_digest_wrong fail",
        ),
        (
            "a digest that is cut",
            |world| {
                let mut ds = world.zone.ds(2);
                ds.truncate(20);
                *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &[ds]));
            },
            "bogus: ds_digest_wrong fail",
        ),
        (
            "a DS record of a key that is gone",
            |world| {
                let gone = Signer::new(ZONE, 7).ds(2);
                *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &[gone]));
            },
            "bogus: ds_without_key fail",
        ),
        (
            "a DS record to spare",
            |world| {
                let both = [Signer::new(ZONE, 7).ds(2), world.zone.ds(2)];
                *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &both));
            },
            "secure: ds_to_spare pass",
        ),
        (
            "signed above, and no keys",
            |world| *world.keys(ZONE) = Ok(nothing(vec![])),
            "bogus: child_unsigned fail",
        ),
        (
            "keys that nobody signed",
            |world| without(world.keys(ZONE), T::Rrsig),
            "bogus: signature_missing fail",
        ),
        (
            "a DS record that nobody signed",
            |world| without(world.ds(ZONE), T::Rrsig),
            "bogus: signature_missing fail",
        ),
        (
            "no proof that there is no zone below",
            |world| *world.ds(HOST) = Ok(nothing(vec![])),
            "bogus: denial_not_proven fail",
        ),
        (
            "a proof that contradicts the answer",
            |world| {
                let proof = world.zone.nsec(HOST, ZONE, &[T::A, T::Aaaa]);
                *world.answer(T::Aaaa) = Ok(nothing(vec![proof]));
            },
            "bogus: denial_not_proven fail",
        ),
        (
            "a proof that expired",
            |world| {
                let old = world.zone.clone().valid(-9 * DAY, -DAY);
                *world.answer(T::Aaaa) = Ok(nothing(vec![old.nsec(HOST, ZONE, &[T::A])]));
            },
            "bogus: signature_expired fail",
        ),
        (
            "no DS record above",
            |world| {
                *world.ds(ZONE) = Ok(nothing(vec![world.above.nsec(ZONE, "z.test", &[T::Ns])]));
            },
            "insecure: island pass",
        ),
        (
            "no DS record above, and the proof is of the zone below",
            |world| {
                *world.ds(ZONE) = Ok(nothing(vec![world.above.nsec(ZONE, "z.test", &[T::Ns, T::Soa])]));
            },
            "indeterminate: indeterminate unknown",
        ),
        (
            "a resolver that leaves signatures out",
            |world| {
                without(world.keys("test"), T::Rrsig);
            },
            "indeterminate: indeterminate unknown",
        ),
        (
            "a trust anchor of another key",
            |world| world.above = Signer::new("test", 5),
            "bogus: ds_without_key fail",
        ),
    ];
    for (what, change, wanted) in rows {
        let mut world = World::new();
        change(&mut world);
        let outcome = judged(world);
        assert_eq!(said(&outcome), wanted, "{what}: {}", outcome.summary);
        assert!(
            !outcome.summary.is_empty() && !outcome.summary.ends_with('.'),
            "{what}"
        );
        for finding in &outcome.findings {
            assert!(
                !finding.subject.is_empty() || finding.status.is_unknown(),
                "{what}: {}",
                finding.code
            );
        }
    }
}

#[test]
fn what_cannot_be_fetched_is_indeterminate_and_never_bogus() {
    use RecordType as T;
    let silent = || {
        Err(ObserveError::new(
            Reason::DNS_SILENT,
            "no nameserver answers: no answer within 2s",
        ))
    };
    let fails = |result| Ok(DnsAnswer::new(result, "192.0.2.53:53"));
    let looks: [fn(&mut World) -> &mut Look; 5] = [
        |world| world.ds(ZONE),
        |world| world.ds(HOST),
        |world| world.keys("test"),
        |world| world.keys(ZONE),
        |world| world.answer(T::A),
    ];
    for (i, look) in looks.into_iter().enumerate() {
        for (failure, reason) in [
            (silent(), Reason::DNS_SILENT),
            (fails(DnsResult::ServFail), Reason::DNS_SERVFAIL),
            (fails(DnsResult::Refused), Reason::DNS_REFUSED),
        ] {
            let mut world = World::new();
            *look(&mut world) = failure;
            let outcome = judged(world);
            assert_eq!(
                said(&outcome),
                "indeterminate: indeterminate unknown",
                "{i} {reason}"
            );
            let Status::Unknown { reason: told, .. } = &outcome.status else {
                panic!("{outcome:?}")
            };
            assert_eq!(*told, reason, "{i}");
        }
    }
    // Nobody asked.
    let mut world = World::new();
    world.step.keys.clear();
    assert_eq!(said(&judged(world)), "indeterminate: indeterminate unknown");
    // Given by this machine.
    let mut world = World::new();
    world.answer(T::A).as_mut().unwrap().answered_by = "override".to_owned();
    assert_eq!(said(&judged(world)), "indeterminate: indeterminate unknown");
    // Cut.
    let mut world = World::new();
    world.answer(T::A).as_mut().unwrap().wire_left_out = 1;
    assert_eq!(said(&judged(world)), "indeterminate: indeterminate unknown");
    // An anchor elsewhere.
    let mut world = World::new();
    world.above.zone = name("other");
    assert_eq!(said(&judged(world)), "indeterminate: indeterminate unknown");
}

#[test]
fn a_flood_of_signatures_and_keys_is_bounded() {
    use RecordType as T;
    // Keys with one tag, and signatures that none of them made.
    let mut world = World::new();
    let bad: Vec<WireRecord> = {
        let mut look = Ok(world.zone.says(HOST, T::A, &[address(1), address(2)]));
        resigned(&mut look, |data| *data.last_mut().unwrap() ^= 1);
        let records = look.unwrap().wire;
        records
            .into_iter()
            .filter(|record| record.record_type == T::Rrsig)
            .collect()
    };
    let flood = world.answer(T::A).as_mut().unwrap();
    flood.wire.retain(|record| record.record_type != T::Rrsig);
    for _ in 0..10_000 {
        flood.wire.extend(bad.clone());
    }
    let outcome = judged(world);
    assert_eq!(said(&outcome), "indeterminate: indeterminate unknown");
    assert!(outcome.summary.contains("more signatures"), "{}", outcome.summary);

    // The budget is one for the whole name.
    let zone = Signer::new(ZONE, 2);
    let mut budget = verify::Budget::new();
    let look = zone.says(HOST, T::A, &[address(1)]);
    let sets = record::Sets::of(&look);
    let key = zone.key();
    let colliding = vec![key.clone(); 3];
    let mut spent = 0;
    while verify::verify(&sets.answer[0], &zone.zone, &colliding, now(), &mut budget).is_ok() {
        spent += 1;
        assert!(spent < 1_000, "there is no bound");
    }
    assert_eq!(spent, 200);
    assert_eq!(
        verify::verify(&sets.answer[0], &zone.zone, &colliding, now(), &mut budget),
        Err(verify::Fault::TooMany)
    );
}

#[test]
fn keys_of_one_tag_are_tried_one_after_the_other() {
    use RecordType as T;
    let zone = Signer::new(ZONE, 2);
    let look = zone.says(HOST, T::A, &[address(1)]);
    let sets = record::Sets::of(&look);
    let mut other = Signer::new(ZONE, 3).key();
    other.tag = zone.key().tag;
    for (strangers, holds) in [(0, true), (3, true), (4, false)] {
        let mut keys = vec![other.clone(); strangers];
        keys.push(zone.key());
        let found = verify::verify(
            &sets.answer[0],
            &zone.zone,
            &keys,
            now(),
            &mut verify::Budget::new(),
        );
        assert_eq!(found.is_ok(), holds, "{strangers}: {found:?}");
    }
}

#[test]
fn no_answer_makes_it_panic_or_pass() {
    use RecordType as T;
    let garbage: [&[u8]; 6] = [&[], &[0], &[0xFF; 4], &[0xFF; 19], &[0; 40], &[63; 70]];
    for bytes in garbage {
        for kind in [
            T::Ds,
            T::Dnskey,
            T::Rrsig,
            T::Nsec,
            T::Nsec3,
            T::Cname,
            T::Dname,
            T::A,
        ] {
            for section in [DnsSection::Answer, DnsSection::Authority] {
                let owner = name(HOST);
                let wire = || plain(section, &owner, kind, &[bytes.to_vec()]);
                let mut world = World::new();
                *world.answer(T::A) = Ok(answer(DnsResult::Records, wire()));
                let outcome = judged(world);
                assert!(
                    !outcome.status.is_pass(),
                    "{kind} {section:?} {bytes:?}: {}",
                    said(&outcome)
                );
                let mut world = World::new();
                let mut zone = wire();
                for record in &mut zone {
                    record.name = ZONE.to_owned();
                }
                *world.ds(ZONE) = Ok(answer(DnsResult::Records, zone.clone()));
                *world.keys(ZONE) = Ok(answer(DnsResult::Records, zone));
                let outcome = judged(world);
                assert!(
                    !outcome.status.is_pass(),
                    "{kind} {section:?} {bytes:?}: {}",
                    said(&outcome)
                );
            }
        }
    }
    // A set that is signed, and is none.
    let mut world = World::new();
    *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &[vec![1]]));
    assert_eq!(said(&judged(world)), "insecure: ");
}
