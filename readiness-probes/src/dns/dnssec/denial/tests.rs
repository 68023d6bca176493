use readiness_core::fact::{DnsSection, WireRecord};

use super::{
    super::tests::forge::{DAY, Reach, Signer, ZONE, bitmap, name, nothing, now},
    *,
};

use RecordType as T;

fn signer() -> Signer {
    Signer::new(ZONE, 2)
}

fn denied(of: &str, kind: RecordType, proof: Vec<Vec<WireRecord>>) -> Result<Denied, NotDenied> {
    let (zone, name) = (signer(), name(of));
    let keys = [zone.key()];
    let question = Question {
        zone: &zone.zone,
        keys: &keys,
        name: &name,
        record_type: kind,
        now: now(),
    };
    let sets = Sets::of(&nothing(proof));
    let mut budget = Budget::new();
    proofs(question, &sets, &mut budget).denied(question, &mut budget)
}

fn expands(of: &str, labels: usize, proof: Vec<Vec<WireRecord>>) -> bool {
    let (zone, name) = (signer(), name(of));
    let keys = [zone.key()];
    let question = Question {
        zone: &zone.zone,
        keys: &keys,
        name: &name,
        record_type: T::A,
        now: now(),
    };
    let sets = Sets::of(&nothing(proof));
    let mut budget = Budget::new();
    let proofs = proofs(question, &sets, &mut budget);
    proofs.expansion(question, labels, &mut budget).is_ok()
}

#[test]
fn nsec_records_prove_what_they_say_and_no_more() {
    let nsec = |owner: &str, next: &str, types: &[RecordType]| signer().nsec(owner, next, types);
    let proven = Ok;
    let nothing = Err(NotDenied::NotProven);
    let rows = [
        (
            "its own record without the type",
            ("www.example.test", T::Aaaa),
            vec![nsec("www.example.test", ZONE, &[T::A])],
            proven(Denied::Type),
        ),
        (
            "its own record with the type",
            ("www.example.test", T::A),
            vec![nsec("www.example.test", ZONE, &[T::A])],
            nothing.clone(),
        ),
        (
            "its own record with an alias",
            ("www.example.test", T::A),
            vec![nsec("www.example.test", ZONE, &[T::Cname])],
            nothing.clone(),
        ),
        (
            "the apex, which has NS and SOA",
            (ZONE, T::A),
            vec![nsec(ZONE, "www.example.test", &[T::Ns, T::Soa])],
            proven(Denied::Type),
        ),
        (
            "the zone above denies a type of the zone below",
            ("sub.example.test", T::A),
            vec![nsec("sub.example.test", ZONE, &[T::Ns])],
            nothing.clone(),
        ),
        (
            "a delegation",
            ("sub.example.test", T::Ds),
            vec![nsec("sub.example.test", ZONE, &[T::Ns])],
            proven(Denied::Delegation),
        ),
        (
            "the zone below denies its own DS",
            (ZONE, T::Ds),
            vec![nsec(ZONE, "www.example.test", &[T::Ns, T::Soa])],
            proven(Denied::WrongSide),
        ),
        (
            "an empty name above another one",
            ("b.example.test", T::A),
            vec![nsec("a.example.test", "c.b.example.test", &[T::A])],
            proven(Denied::Type),
        ),
        (
            "no such name, and no wildcard",
            ("b.example.test", T::A),
            vec![
                nsec("a.example.test", "c.example.test", &[T::A]),
                nsec(ZONE, "a.example.test", &[T::Ns, T::Soa]),
            ],
            proven(Denied::Name),
        ),
        (
            "no such name, and a wildcard may be",
            ("b.example.test", T::A),
            vec![nsec("a.example.test", "c.example.test", &[T::A])],
            nothing.clone(),
        ),
        (
            "no such name, and a wildcard without the type",
            ("b.example.test", T::Aaaa),
            vec![
                nsec("a.example.test", "c.example.test", &[T::A]),
                nsec("*.example.test", "a.example.test", &[T::A]),
            ],
            proven(Denied::Type),
        ),
        (
            "no such name, and a wildcard with the type",
            ("b.example.test", T::A),
            vec![
                nsec("a.example.test", "c.example.test", &[T::A]),
                nsec("*.example.test", "a.example.test", &[T::A]),
            ],
            nothing.clone(),
        ),
        (
            "the last record of the zone",
            ("zzz.example.test", T::A),
            vec![
                nsec("www.example.test", ZONE, &[T::A]),
                nsec(ZONE, "www.example.test", &[T::Ns, T::Soa]),
            ],
            proven(Denied::Name),
        ),
        (
            "a record that leads back to another zone",
            ("zzz.example.test", T::A),
            vec![nsec("www.example.test", "example.tesa", &[T::A])],
            nothing.clone(),
        ),
        (
            "a delegation says nothing of what is below it",
            ("a.sub.example.test", T::A),
            vec![
                nsec("sub.example.test", "z.example.test", &[T::Ns]),
                nsec(ZONE, "sub.example.test", &[T::Ns, T::Soa]),
            ],
            nothing.clone(),
        ),
        (
            "a name of another zone",
            ("www.other.test", T::A),
            vec![nsec(ZONE, ZONE, &[T::Soa])],
            nothing.clone(),
        ),
        ("nothing at all", ("www.example.test", T::A), vec![], nothing),
    ];
    for (what, (of, kind), proof, wanted) in rows {
        assert_eq!(denied(of, kind, proof), wanted, "{what}");
    }
}

#[test]
fn nsec3_records_prove_what_they_say_and_no_more() {
    use Reach::{Covers, CoversOptOut, Owns};
    let nsec3 = |at: &str, reach, types: &[RecordType]| signer().nsec3(at, reach, types);
    let apex = || nsec3(ZONE, Owns, &[T::Ns, T::Soa]);
    let nothing = Err(NotDenied::NotProven);
    let rows = [
        (
            "its own record without the type",
            ("www.example.test", T::Aaaa),
            vec![nsec3("www.example.test", Owns, &[T::A])],
            Ok(Denied::Type),
        ),
        (
            "its own record with the type",
            ("www.example.test", T::A),
            vec![nsec3("www.example.test", Owns, &[T::A])],
            nothing.clone(),
        ),
        (
            "a delegation",
            ("sub.example.test", T::Ds),
            vec![nsec3("sub.example.test", Owns, &[T::Ns])],
            Ok(Denied::Delegation),
        ),
        (
            "no such name",
            ("a.b.example.test", T::A),
            vec![
                apex(),
                nsec3("b.example.test", Covers, &[]),
                nsec3("*.example.test", Covers, &[]),
            ],
            Ok(Denied::Name),
        ),
        (
            "no such name, and a wildcard may be",
            ("b.example.test", T::A),
            vec![apex(), nsec3("b.example.test", Covers, &[])],
            nothing.clone(),
        ),
        (
            "no such name, and a wildcard without the type",
            ("b.example.test", T::Aaaa),
            vec![
                apex(),
                nsec3("b.example.test", Covers, &[]),
                nsec3("*.example.test", Owns, &[T::A]),
            ],
            Ok(Denied::Type),
        ),
        (
            "a wildcard with the type",
            ("b.example.test", T::A),
            vec![
                apex(),
                nsec3("b.example.test", Covers, &[]),
                nsec3("*.example.test", Owns, &[T::A]),
            ],
            nothing.clone(),
        ),
        (
            "no name above it is there",
            ("b.example.test", T::A),
            vec![
                nsec3("b.example.test", Covers, &[]),
                nsec3("*.example.test", Covers, &[]),
            ],
            nothing.clone(),
        ),
        (
            "the name above it is a delegation",
            ("a.sub.example.test", T::A),
            vec![
                nsec3("sub.example.test", Owns, &[T::Ns]),
                nsec3("a.sub.example.test", Covers, &[]),
                nsec3("*.sub.example.test", Covers, &[]),
            ],
            nothing.clone(),
        ),
        (
            "opt-out",
            ("sub.example.test", T::Ds),
            vec![apex(), nsec3("sub.example.test", CoversOptOut, &[])],
            Ok(Denied::OptOut),
        ),
    ];
    for (what, (of, kind), proof, wanted) in rows {
        assert_eq!(denied(of, kind, proof), wanted, "{what}");
    }
}

#[test]
fn a_wildcard_stands_in_only_where_there_is_no_closer_name() {
    use Reach::{Covers, Owns};
    let signer = signer();
    let nsec = |owner: &str, next: &str| vec![signer.nsec(owner, next, &[T::A])];
    assert!(expands(
        "b.example.test",
        2,
        nsec("a.example.test", "c.example.test")
    ));
    assert!(expands(
        "x.b.example.test",
        2,
        nsec("a.example.test", "c.example.test")
    ));
    assert!(!expands(
        "b.example.test",
        2,
        nsec("b.example.test", "c.example.test")
    ));
    assert!(!expands(
        "b.example.test",
        2,
        nsec("c.example.test", "d.example.test")
    ));
    assert!(!expands("b.example.test", 2, vec![]));
    let nsec3 = |reach| vec![signer.nsec3("b.example.test", reach, &[])];
    assert!(expands("b.example.test", 2, nsec3(Covers)));
    assert!(expands("x.b.example.test", 2, nsec3(Covers)));
    assert!(!expands("b.example.test", 2, nsec3(Owns)));
}

#[test]
fn a_proof_that_does_not_stand_is_named() {
    let old = signer().valid(-2 * DAY, -DAY);
    let expired = denied("b.example.test", T::A, vec![old.nsec(ZONE, ZONE, &[T::Soa])]);
    let Err(NotDenied::Fault(label, Fault::Expired(_))) = expired else {
        panic!("{expired:?}")
    };
    assert_eq!(label, "NSEC of example.test");
    // A good one beside it is enough.
    let both = vec![
        old.nsec("a.example.test", ZONE, &[T::A]),
        signer().nsec("b.example.test", ZONE, &[T::Aaaa]),
    ];
    assert_eq!(denied("b.example.test", T::A, both), Ok(Denied::Type));
}

#[test]
fn hashes_that_cost_or_that_nobody_knows_are_told() {
    let zone = signer();
    let owner = name(&format!("{}.{ZONE}", "0".repeat(32)));
    let of = |start: &[u8]| {
        let data = [start, &[0, 20], &[0; 20], &bitmap(&[])].concat();
        let proof = zone.set(DnsSection::Authority, &owner, T::Nsec3, &[data]);
        denied("b.example.test", T::A, vec![proof])
    };
    assert_eq!(of(&[1, 0, 0, 100]), Err(NotDenied::NotProven));
    assert_eq!(of(&[1, 0, 0, 101]), Err(NotDenied::TooManyIterations(101)));
    assert_eq!(of(&[1, 0, 0xFF, 0xFF]), Err(NotDenied::TooManyIterations(65_535)));
    assert_eq!(of(&[2, 0, 0, 0]), Err(NotDenied::UnknownHash(2)));
    // Unknown flags: as if it were not there.
    assert_eq!(of(&[1, 2, 0, 0]), Err(NotDenied::NotProven));
}
