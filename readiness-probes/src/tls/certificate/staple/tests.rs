use proptest::prelude::*;
use readiness_core::fact::{ServerChain, Trust};

use super::*;
use crate::tls::fixtures::{self, DAY, NOW, forge::time, tlv};

fn good() -> Vec<u8> {
    vec![0x80, 0]
}

fn answer(serial: &[u8], state: &[u8], from: i64, until: Option<i64>) -> Vec<u8> {
    let id = [
        tlv(0x30, &tlv(0x06, &[0x2b, 0x0e, 0x03, 0x02, 0x1a])),
        tlv(0x04, &[1; 20]),
        tlv(0x04, &[2; 20]),
        tlv(0x02, serial),
    ]
    .concat();
    let until = until.map_or_else(Vec::new, |until| tlv(0xa0, &time(until)));
    tlv(
        0x30,
        &[tlv(0x30, &id), state.to_vec(), time(from), until].concat(),
    )
}

fn response(answers: &[Vec<u8>]) -> Vec<u8> {
    let data = [
        tlv(0xa2, &tlv(0x04, &[3; 20])),
        time(0),
        tlv(0x30, &answers.concat()),
    ]
    .concat();
    let basic = tlv(0x30, &[tlv(0x30, &data), tlv(0x03, &[0, 1, 2])].concat());
    let bytes = [
        tlv(0x06, &[0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01]),
        tlv(0x04, &basic),
    ]
    .concat();
    tlv(0x30, &[vec![0x0a, 1, 0], tlv(0xa0, &tlv(0x30, &bytes))].concat())
}

/// What is said with this staple, with and without the demand for one.
fn said(staple: Option<&[u8]>, must_staple: bool) -> Option<(&'static str, String)> {
    let mut leaf = Certificate::read(fixtures::shared_leaf()).unwrap();
    leaf.must_staple = must_staple;
    leaf.serial = &[7, 7];
    let mut session = TlsSession::new(ServerChain::default(), Trust::Trusted);
    session.ocsp_staple = ServerChain::new(staple.map(<[u8]>::to_vec).into_iter().collect());
    let mut found = findings(&leaf, &session, NOW);
    assert!(found.len() < 2);
    found.pop().map(|finding| {
        assert_eq!(finding.subject, "chain[0]");
        assert_eq!(finding.remedy.is_empty(), finding.is_note());
        (finding.status.word(), finding.code)
    })
}

#[test]
fn a_missing_staple_matters_only_where_it_is_owed() {
    assert_eq!(said(None, false), None);
    assert_eq!(said(None, true), Some(("warn", "must_staple".to_owned())));
}

#[test]
fn what_a_response_says_is_judged() {
    let revoked = tlv(0xa1, &time(-3 * DAY));
    let one = |state: &[u8], from, until| response(&[answer(&[7, 7], state, from, until)]);
    let week = |age: i64| one(&good(), -age, Some(7 * DAY - age));
    let (half, two_thirds) = (7 * DAY / 2, 7 * DAY * 2 / 3);
    for (staple, owed, expected, what) in [
        (week(DAY), true, None, "fresh"),
        (week(half - 1), true, None, "just below half"),
        (week(half), true, Some(("pass", "aging_staple")), "half"),
        (
            week(two_thirds - 1),
            true,
            Some(("pass", "aging_staple")),
            "just below two thirds",
        ),
        (
            week(two_thirds),
            false,
            Some(("warn", "aging_staple")),
            "two thirds",
        ),
        (
            week(two_thirds + 1),
            false,
            Some(("warn", "aging_staple")),
            "just above two thirds",
        ),
        (
            week(7 * DAY),
            false,
            Some(("warn", "aging_staple")),
            "its last second",
        ),
        (week(7 * DAY + 1), false, Some(("fail", "stale_staple")), "over"),
        (one(&good(), -90 * DAY, None), true, None, "without an end"),
        (
            one(&revoked, -DAY, Some(DAY)),
            false,
            Some(("fail", "revoked")),
            "revoked",
        ),
        (
            one(&[0x82, 0], -DAY, Some(DAY)),
            false,
            Some(("warn", "unusable_staple")),
            "unknown",
        ),
        (
            one(&[0x82, 0], -DAY, Some(DAY)),
            true,
            Some(("fail", "unusable_staple")),
            "unknown, and owed",
        ),
        (
            one(&good(), 300, Some(DAY)),
            true,
            None,
            "a clock that is five minutes off",
        ),
        (
            one(&good(), 301, Some(DAY)),
            false,
            Some(("warn", "unusable_staple")),
            "from the future",
        ),
        (
            response(&[answer(&[8], &good(), -DAY, Some(DAY))]),
            false,
            Some(("warn", "unusable_staple")),
            "another certificate's",
        ),
        (
            response(&[
                answer(&[8], &good(), -DAY, Some(DAY)),
                answer(&[7, 7], &revoked, -DAY, Some(DAY)),
            ]),
            false,
            Some(("fail", "revoked")),
            "the second answer",
        ),
        (
            response(&[]),
            false,
            Some(("warn", "unusable_staple")),
            "without an answer",
        ),
        (
            vec![0x30, 3, 0x0a, 1, 3],
            false,
            Some(("warn", "unusable_staple")),
            "an error",
        ),
        (
            b"junk".to_vec(),
            true,
            Some(("fail", "unusable_staple")),
            "no response at all",
        ),
        (
            one(&good(), DAY, Some(-DAY)),
            false,
            Some(("warn", "unusable_staple")),
            "one that ends before it begins",
        ),
    ] {
        let expected = expected.map(|(word, code)| (word, code.to_owned()));
        assert_eq!(said(Some(&staple), owed), expected, "{what}");
    }
}

#[test]
fn the_responders_error_is_named() {
    let problem = Staple::read(&[0x30, 3, 0x0a, 1, 3], &[7]).unwrap_err();
    assert_eq!(
        problem,
        "it is the error `tryLater` (3) of the authority's responder"
    );
}

#[test]
fn a_cut_response_is_no_response() {
    let whole = response(&[answer(&[7, 7], &good(), -DAY, Some(DAY))]);
    assert!(Staple::read(&whole, &[7, 7]).is_ok());
    for cut in 0..whole.len() {
        assert!(Staple::read(&whole[..cut], &[7, 7]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn no_damage_makes_it_panic(at in 0_usize..400, byte in any::<u8>()) {
        let mut der = response(&[answer(&[7, 7], &tlv(0xa1, &time(0)), -DAY, Some(DAY))]);
        if let Some(old) = der.get_mut(at) {
            *old = byte;
        }
        let _ = said(Some(&der), true);
    }
}
