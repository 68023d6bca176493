//! How a zone is kept, what is expected of it, and when a second look decides.

use super::{forge::*, *};

#[test]
fn signatures_must_last() {
    let settings = settings(json!({ "warn_hours": 72, "fail_hours": 12, "max_days": 180 }));
    for (what, from, until, wanted) in [
        ("long enough", -60 * DAY, 3 * DAY, "secure: "),
        (
            "a second less",
            -60 * DAY,
            3 * DAY - 1,
            "secure: signature_expires_soon warn",
        ),
        (
            "just not urgent",
            -60 * DAY,
            12 * HOUR,
            "secure: signature_expires_soon warn",
        ),
        (
            "urgent",
            -60 * DAY,
            12 * HOUR - 1,
            "secure: signature_expires_soon fail",
        ),
        (
            "its last second",
            -60 * DAY,
            0,
            "secure: signature_expires_soon fail",
        ),
        (
            "signed at every question, in the middle of its life",
            -DAY,
            DAY,
            "secure: ",
        ),
        (
            "a quarter left of a short life",
            -36 * HOUR,
            12 * HOUR,
            "secure: ",
        ),
        (
            "a little less",
            -36 * HOUR,
            12 * HOUR - 5,
            "secure: signature_expires_soon warn",
        ),
        (
            "an eighth left of a short life",
            -42 * HOUR,
            6 * HOUR,
            "secure: signature_expires_soon warn",
        ),
        (
            "less than an eighth",
            -42 * HOUR,
            6 * HOUR - 60,
            "secure: signature_expires_soon fail",
        ),
        ("long", -DAY, 180 * DAY, "secure: "),
        (
            "too long",
            -DAY,
            180 * DAY + 1,
            "secure: signature_lasts_too_long warn",
        ),
    ] {
        let zone = Signer::new(ZONE, 2).valid(from, until);
        let outcome = with(&settings, World::with(Signer::new("test", 1), zone));
        assert_eq!(said(&outcome), wanted, "{what}");
    }
    // The zone above is somebody else's.
    for (until, wanted) in [
        (2 * DAY, "secure: "),
        (HOUR, "secure: signature_expires_soon pass"),
        (900 * DAY, "secure: "),
    ] {
        let above = Signer::new("test", 1).valid(-60 * DAY, until);
        let outcome = with(&settings, World::with(above, Signer::new(ZONE, 2)));
        assert_eq!(said(&outcome), wanted, "{until}");
    }
}

#[test]
fn weak_digests_and_algorithms_are_named() {
    use RecordType as T;
    let with_ds = |kinds: &[u8]| {
        let mut world = World::new();
        let ds: Vec<Vec<u8>> = kinds.iter().map(|kind| world.zone.ds(*kind)).collect();
        *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &ds));
        said(&judged(world))
    };
    assert_eq!(with_ds(&[4]), "secure: ");
    assert_eq!(with_ds(&[1]), "secure: weak_digest warn");
    assert_eq!(with_ds(&[1, 2]), "secure: weak_digest pass");
    assert_eq!(with_ds(&[3]), "insecure: weak_digest fail");
    assert_eq!(with_ds(&[6]), "insecure: ");
    // SHA-1 is no way in beside a better digest (RFC 4509, section 3).
    let mut world = World::new();
    let mut wrong = world.zone.ds(2);
    *wrong.last_mut().unwrap() ^= 1;
    let both = [world.zone.ds(1), wrong];
    *world.ds(ZONE) = Ok(world.above.says(ZONE, T::Ds, &both));
    assert_eq!(said(&judged(world)), "bogus: ds_digest_wrong fail");

    let with_algorithm = |algorithm: u8, settings: &Dnssec| {
        let mut zone = Signer::new(ZONE, 2);
        zone.algorithm = algorithm;
        said(&with(settings, World::with(Signer::new("test", 1), zone)))
    };
    let required = settings(json!({ "expected": "required" }));
    for (algorithm, allowed, demanded) in [
        (
            1,
            "insecure: weak_algorithm fail",
            "insecure: not_signed fail, weak_algorithm fail",
        ),
        (
            3,
            "insecure: weak_algorithm fail",
            "insecure: not_signed fail, weak_algorithm fail",
        ),
        (
            12,
            "insecure: weak_algorithm fail",
            "insecure: not_signed fail, weak_algorithm fail",
        ),
        (16, "insecure: ", "insecure: unsupported_algorithm unknown"),
        (250, "insecure: ", "insecure: unsupported_algorithm unknown"),
    ] {
        assert_eq!(
            with_algorithm(algorithm, &Dnssec::default()),
            allowed,
            "{algorithm}"
        );
        assert_eq!(with_algorithm(algorithm, &required), demanded, "{algorithm}");
    }
}

#[test]
fn what_is_expected_decides() {
    use RecordType as T;
    let insecure = || {
        let mut world = World::new();
        *world.ds(ZONE) = Ok(nothing(vec![world.above.nsec(ZONE, "z.test", &[T::Ns])]));
        world.step.keys.pop();
        world
    };
    for (expected, secure, not) in [
        ("allowed", "secure: ", "insecure: "),
        ("required", "secure: ", "insecure: not_signed fail"),
        ("forbidden", "secure: signed fail", "insecure: "),
    ] {
        let settings = settings(json!({ "expected": expected }));
        assert_eq!(said(&with(&settings, World::new())), secure, "{expected}");
        assert_eq!(said(&with(&settings, insecure())), not, "{expected}");
        assert_eq!(settings.expected.to_string(), expected);
    }
    assert_eq!(
        judged(insecure()).summary,
        "insecure: `example.test` has no DS record in `test`"
    );
}

#[test]
fn bogus_needs_a_second_opinion() {
    use RecordType as T;
    let bogus = || {
        let mut world = World::new();
        without(world.answer(T::A), T::Rrsig);
        state_of(world)
    };
    let unknown = || {
        let mut world = World::new();
        *world.ds(ZONE) = Err(ObserveError::new(Reason::DNS_SILENT, "no answer"));
        state_of(world)
    };
    let checked = |result, authenticated| {
        let mut answer = DnsAnswer::new(result, "192.0.2.54:53");
        answer.authenticated = authenticated;
        Ok(answer)
    };
    let rows: [(Judged, Look, &str); 5] = [
        (
            bogus(),
            checked(DnsResult::ServFail, false),
            "bogus: signature_missing fail",
        ),
        (
            bogus(),
            checked(DnsResult::Records, false),
            "bogus: signature_missing fail",
        ),
        (
            bogus(),
            checked(DnsResult::Records, true),
            "bogus: opinions_differ unknown",
        ),
        (
            unknown(),
            checked(DnsResult::ServFail, false),
            "indeterminate: bogus_not_confirmed unknown",
        ),
        (
            state_of(World::new()),
            checked(DnsResult::Records, true),
            "secure: bogus_at_first warn",
        ),
    ];
    for (judged, checked, wanted) in rows {
        let second = Second { judged, checked };
        let outcome = judge(&Dnssec::default(), &name(HOST), &bogus(), Some(&second), now());
        assert_eq!(said(&outcome), wanted);
    }
}

#[test]
fn settings_that_ask_for_nothing_are_told() {
    for (value, what) in [
        (json!({ "types": [] }), "`types` is empty"),
        (json!({ "attempt_ms": 0 }), "`attempt_ms`"),
        (json!({ "name": "a..b" }), "`name`"),
        (json!({ "fail_hours": 73 }), "`fail_hours`"),
        (json!({ "max_days": 3 }), "`max_days`"),
        (json!({ "trust_anchor": ["x"] }), "`trust_anchor`"),
    ] {
        let wrong = settings(value).check().unwrap_err();
        assert!(wrong.contains(what), "{wrong}");
    }
    assert_eq!(Dnssec::default().check(), Ok(()));
    assert!(serde_json::from_value::<Dnssec>(json!({ "nameservers": [] })).is_err());
}
