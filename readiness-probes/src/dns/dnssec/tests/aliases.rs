//! What other names stand in for: aliases, wildcards, hashes.

use readiness_core::fact::{DnsSection, RecordType as T};

use super::{forge::*, *};

/// The answer with an alias.
fn leads_to(world: &World, to: &str) -> DnsAnswer {
    world.zone.says(HOST, T::Cname, &[name(to).wire()])
}

fn of_steps(world: World, more: Vec<Step>) -> Outcome {
    let anchors = world.above.anchors();
    let mut steps = vec![world.step];
    steps.extend(more);
    let seen = Seen {
        steps,
        not_followed: None,
    };
    judge(
        &Dnssec::default(),
        &name(HOST),
        &state::judge(&anchors, &seen, now()),
        None,
        now(),
    )
}

/// A world whose name is an alias in every answer.
fn alias(to: &str) -> World {
    let mut world = World::new();
    for kind in [T::Soa, T::A, T::Aaaa] {
        *world.answer(kind) = Ok(leads_to(&world, to));
    }
    *world.ds(HOST) = Ok(leads_to(&world, to));
    world
}

/// The same zone as another name sees it.
fn at(zone: &str, seed: u8) -> Step {
    let above = Signer::new("test", 1);
    let signer = Signer::new(zone, seed);
    let proof = || nothing(vec![signer.nsec(zone, zone, &[T::A, T::Ns, T::Soa])]);
    Step {
        name: zone.to_owned(),
        ds: vec![(zone.to_owned(), Ok(above.says(zone, T::Ds, &[signer.ds(2)])))],
        keys: vec![
            ("test".to_owned(), Ok(above.keys())),
            (zone.to_owned(), Ok(signer.keys())),
        ],
        answers: vec![
            (T::A, Ok(signer.says(zone, T::A, &[address(9)]))),
            (T::Aaaa, Ok(proof())),
        ],
    }
}

#[test]
fn what_an_alias_leads_to_counts_too() {
    let outcome = of_steps(alias("cdn.test"), vec![at("cdn.test", 6)]);
    assert_eq!(said(&outcome), "secure: ");
    assert_eq!(outcome.summary, "secure: 3 zones, ED25519, until 2026-12-10");

    let mut unsigned = at("cdn.test", 6);
    let above = Signer::new("test", 1);
    unsigned.ds[0].1 = Ok(nothing(vec![above.nsec("cdn.test", "d.test", &[T::Ns])]));
    unsigned.keys.pop();
    let outcome = of_steps(alias("cdn.test"), vec![unsigned]);
    assert_eq!(said(&outcome), "insecure: ");
    assert_eq!(outcome.summary, "insecure: `cdn.test` has no DS record in `test`");

    let mut broken = at("cdn.test", 6);
    without(&mut broken.answers[0].1, T::Rrsig);
    let anchors = Signer::new("test", 1).anchors();
    let seen = Seen {
        steps: vec![alias("cdn.test").step, broken],
        not_followed: None,
    };
    let judged = state::judge(&anchors, &seen, now());
    assert!(matches!(judged.state, Err(Not::Bogus(_))), "{judged:?}");

    // Nobody signed the alias itself.
    let mut world = alias("cdn.test");
    without(world.answer(T::A), T::Rrsig);
    let judged = state_of(world);
    assert!(matches!(judged.state, Err(Not::Bogus(_))), "{judged:?}");
}

#[test]
fn an_alias_that_is_not_followed_is_not_secure() {
    let seen = Seen {
        steps: vec![alias("loop.test").step],
        not_followed: Some("loop.test".to_owned()),
    };
    let judged = state::judge(&Signer::new("test", 1).anchors(), &seen, now());
    assert!(matches!(judged.state, Err(Not::Indeterminate(..))), "{judged:?}");
    let nothing = state::judge(&[], &Seen::default(), now());
    assert!(matches!(nothing.state, Err(Not::Indeterminate(..))));
}

#[test]
fn what_a_dname_makes_is_made_again() {
    // All below `example.test` is below `cdn.test`.
    let made = |to: &str, signed: bool| {
        let zone = Signer::new(ZONE, 2);
        let dname = zone.says(ZONE, T::Dname, &[name("CDN.test").wire()]);
        let mut wire = dname.wire;
        if !signed {
            wire.retain(|record| record.record_type != T::Rrsig);
        }
        wire.extend(plain(
            DnsSection::Answer,
            &name(HOST),
            T::Cname,
            &[name(to).wire()],
        ));
        answer(DnsResult::Records, wire)
    };
    for (to, signed, holds) in [
        ("www.cdn.test", true, true),
        ("evil.cdn.test", true, false),
        ("www.cdn.test", false, false),
    ] {
        let mut world = alias("unused.test");
        for kind in [T::Soa, T::A, T::Aaaa] {
            *world.answer(kind) = Ok(made(to, signed));
        }
        let judged = state_of(world);
        assert_eq!(judged.state.is_ok(), holds, "{to} {signed}: {:?}", judged.state);
    }
}

#[test]
fn a_wildcard_needs_a_proof() {
    let signed_at_the_wildcard = |world: &World| {
        let data = [address(1)];
        let signature = world.zone.rrsig(&name("*.example.test"), T::A, &data);
        let owner = name(HOST);
        let mut wire = plain(DnsSection::Answer, &owner, T::A, &data);
        wire.extend(plain(DnsSection::Answer, &owner, T::Rrsig, &[signature]));
        wire
    };
    let proofs: [(&str, Option<Vec<WireRecord>>, &str); 3] = [
        (
            "no closer name",
            Some(Signer::new(ZONE, 2).nsec("*.example.test", ZONE, &[T::A])),
            "secure: ",
        ),
        (
            "the name is there",
            Some(Signer::new(ZONE, 2).nsec(HOST, ZONE, &[T::Aaaa])),
            "bogus: denial_not_proven fail",
        ),
        ("no proof", None, "bogus: denial_not_proven fail"),
    ];
    for (what, proof, wanted) in proofs {
        let mut world = World::new();
        let mut wire = signed_at_the_wildcard(&world);
        wire.extend(proof.unwrap_or_default());
        *world.answer(T::A) = Ok(answer(DnsResult::Records, wire));
        assert_eq!(said(&judged(world)), wanted, "{what}");
    }
}

#[test]
fn hashes_are_judged_by_what_resolvers_make_of_them() {
    let zone = Signer::new(ZONE, 2);
    let with = |iterations: u16, salt: &[u8]| {
        let mut hash = crypto_hash(HOST, iterations, salt);
        let owner = name(&format!("{}.{ZONE}", base32hex(&hash)));
        hash[10] = hash[10].wrapping_add(1);
        let [high, low] = iterations.to_be_bytes();
        let length = u8::try_from(salt.len()).unwrap();
        let data = [&[1, 0, high, low, length], salt, &[20], &hash, &bitmap(&[T::A])].concat();
        let proof = zone.set(DnsSection::Authority, &owner, T::Nsec3, &[data]);
        let mut world = World::new();
        *world.answer(T::Aaaa) = Ok(nothing(vec![proof]));
        said(&judged(world))
    };
    assert_eq!(with(0, &[]), "secure: ");
    assert_eq!(with(0, &[1, 2]), "secure: nsec3_salt pass");
    assert_eq!(with(10, &[]), "secure: nsec3_iterations pass");
    assert_eq!(with(100, &[1]), "secure: nsec3_iterations pass, nsec3_salt pass");
    assert_eq!(with(101, &[]), "insecure: nsec3_iterations warn");
    assert_eq!(with(65_535, &[]), "insecure: nsec3_iterations warn");
}

/// A hash with at most 100 iterations: no more are needed here, as no more are looked at.
fn crypto_hash(of: &str, iterations: u16, salt: &[u8]) -> Vec<u8> {
    let mut hash = crypto::digest(1, &[&name(of).wire(), salt]).unwrap();
    for _ in 0..iterations.min(100) {
        hash = crypto::digest(1, &[&hash, salt]).unwrap();
    }
    hash
}

#[test]
fn an_opt_out_is_insecure() {
    let mut world = World::new();
    let above = &world.above;
    let proof = vec![
        above.nsec3("test", Reach::Owns, &[T::Ns, T::Soa]),
        above.nsec3(ZONE, Reach::CoversOptOut, &[]),
    ];
    *world.ds(ZONE) = Ok(nothing(proof));
    world.step.keys.pop();
    let outcome = judged(world);
    assert_eq!(said(&outcome), "insecure: ");
    assert!(outcome.summary.contains("opt-out"), "{}", outcome.summary);
}
