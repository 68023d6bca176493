use readiness_core::Profile;

use super::{
    super::asked::tests::{codes, heard, hostile, judged, mangled},
    *,
};

const URL: &str = "tcp://10.0.0.7:27017";
const PUBLIC: &str = "tls://192.0.2.7:27017";

/// An answer to the request of this number.
fn reply(number: u32, elements: &[u8]) -> Vec<u8> {
    let mut message = bson::message(7, elements);
    message[8..12].copy_from_slice(&number.to_le_bytes());
    message
}

fn ok(value: f64) -> Vec<u8> {
    let mut element = b"\x01ok\0".to_vec();
    element.extend(value.to_le_bytes());
    element
}

fn no(name: &str) -> Vec<u8> {
    let mut element = bson::yes(name);
    *element.last_mut().unwrap() = 0;
    element
}

fn hello(more: &[Vec<u8>]) -> Vec<u8> {
    let mut elements = more.concat();
    elements.extend(bson::number("maxWireVersion", 21));
    // Kinds that are stepped over: a document, a date, an identity, bytes.
    elements.extend(b"\x03topologyVersion\0\x05\0\0\0\0\x09localTime\0\x01\x02\x03\x04\x05\x06\x07\x08");
    elements.extend(b"\x07processId\0abcdefghijkl\x05hash\0\x02\0\0\0\x00\xff\xff");
    elements.extend(ok(1.0));
    reply(FIRST, &elements)
}

fn primary() -> Vec<u8> {
    hello(&[bson::yes("isWritablePrimary"), bson::text("setName", "rs0")])
}

fn unauthorized() -> Vec<u8> {
    let elements = [
        ok(0.0),
        bson::text("errmsg", "Command listDatabases requires authentication"),
        bson::number("code", 13),
    ];
    reply(SECOND, &elements.concat())
}

fn databases() -> Vec<u8> {
    let mut list = Vec::new();
    for (index, name) in ["admin", "shop"].iter().enumerate() {
        let inner = bson::text("name", name);
        list.push(3);
        list.extend(index.to_string().as_bytes());
        list.push(0);
        list.extend(u32::try_from(inner.len() + 5).unwrap().to_le_bytes());
        list.extend(inner);
        list.push(0);
    }
    let mut elements = b"\x04databases\0".to_vec();
    elements.extend(u32::try_from(list.len() + 5).unwrap().to_le_bytes());
    elements.extend(list);
    elements.push(0);
    elements.extend(ok(1.0));
    reply(SECOND, &elements)
}

fn seen(probe: &Mongodb, url: &str, profile: Profile, replies: &[&[u8]]) -> Outcome {
    let mut facts = heard(replies);
    if url.starts_with("tls") {
        facts.tls = super::super::verdict::tests::trusted();
    }
    judged(probe, steps(), url, profile, facts)
}

fn usual(replies: &[&[u8]]) -> Outcome {
    seen(&Mongodb::default(), URL, Profile::local(), replies)
}

#[test]
fn a_command_is_written_as_the_protocol_has_it() {
    let message = bson::message(1, &bson::number("hello", 1));
    assert_eq!(
        message,
        *b"\x25\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x10\0\0\0\x10hello\0\x01\0\0\0\0"
    );
}

#[test]
fn a_server_that_asks_for_a_log_in_passes() {
    let outcome = seen(
        &Mongodb::default(),
        PUBLIC,
        Profile::production(),
        &[&primary(), &unauthorized()],
    );
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:#?}"
    );
    assert_eq!(outcome.summary, "192.0.2.7:27017: MongoDB answers, primary");
    let evidence: Vec<&str> = outcome.evidence.iter().map(|e| e.value.as_str()).collect();
    assert_eq!(evidence[..2], ["primary", "21"]);
    assert_eq!(
        evidence[2],
        "refused: Command listDatabases requires authentication (13)"
    );
}

#[test]
fn only_a_missing_log_in_is_a_refusal() {
    let meant = Mongodb {
        authentication: Authentication::None,
        ..Mongodb::default()
    };
    let secondary = hello(&[no("isWritablePrimary"), bson::yes("secondary")]);
    for (code, word) in [
        (12, "unknown"),
        (13, "pass"),
        (14, "unknown"),
        // NotPrimaryNoSecondaryOk, NotPrimaryOrSecondary, CommandNotFound.
        (13435, "unknown"),
        (13436, "unknown"),
        (59, "unknown"),
    ] {
        let elements = [ok(0.0), bson::text("errmsg", "words"), bson::number("code", code)];
        let said = reply(SECOND, &elements.concat());
        let outcome = usual(&[&secondary, &said]);
        assert_eq!(outcome.status.word(), word, "{code}");
        if word == "unknown" {
            assert_eq!(codes(&outcome), ["log_in_not_judged"]);
            assert_eq!(
                outcome.summary,
                "10.0.0.7:27017: MongoDB, secondary: log_in_not_judged"
            );
        }
        let outcome = seen(&meant, URL, Profile::local(), &[&secondary, &said]);
        assert!(outcome.findings.is_empty(), "{code}");
    }
    // So that a secondary answers at all.
    let wanted = b"\x03$readPreference\0\x20\0\0\0\x02mode\0\x11\0\0\0primaryPreferred\0\0";
    let asks = |step: &Step| matches!(step, Step::Send(bytes) if bytes.as_bytes().windows(wanted.len()).any(|part| part == wanted));
    assert_eq!(steps().iter().filter(|step| asks(step)).count(), 1);
}

#[test]
fn names_of_databases_without_a_log_in_are_a_finding() {
    for (url, profile, word) in [
        (PUBLIC, Profile::production(), "fail"),
        (URL, Profile::local(), "warn"),
        ("tcp://127.0.0.1:27017", Profile::local(), "pass"),
    ] {
        let outcome = seen(&Mongodb::default(), url, profile, &[&primary(), &databases()]);
        assert_eq!(outcome.status.word(), word);
        assert_eq!(codes(&outcome), ["open_without_authentication"]);
        assert_eq!(outcome.findings[0].evidence[0].value, "2");
    }
    let meant = Mongodb {
        authentication: Authentication::None,
        ..Mongodb::default()
    };
    assert!(
        seen(&meant, PUBLIC, Profile::production(), &[&primary(), &databases()])
            .findings
            .is_empty()
    );
}

#[test]
fn the_role_is_judged() {
    let secondary = hello(&[
        no("isWritablePrimary"),
        bson::yes("secondary"),
        bson::text("setName", "rs0"),
    ]);
    let starting = hello(&[no("isWritablePrimary"), no("secondary")]);
    let router = hello(&[bson::yes("isWritablePrimary"), bson::text("msg", "isdbgrid")]);
    let old = hello(&[bson::yes("ismaster")]);
    let strict = Mongodb {
        primary: true,
        ..Mongodb::default()
    };
    let of_set = Mongodb {
        replica_set: "rs0".to_owned(),
        ..Mongodb::default()
    };
    for (probe, hello, role, expected) in [
        (&Mongodb::default(), &secondary, "secondary", &[][..]),
        (&strict, &secondary, "secondary", &["wrong_role"]),
        (&strict, &primary(), "primary", &[]),
        (
            &Mongodb::default(),
            &starting,
            "neither primary nor secondary",
            &["wrong_role"],
        ),
        (&strict, &router, "router of a sharded cluster", &[]),
        (&strict, &old, "standalone", &[]),
        (&of_set, &secondary, "secondary", &[]),
        (&of_set, &old, "standalone", &["wrong_replica_set"]),
    ] {
        let outcome = seen(probe, URL, Profile::local(), &[hello, &unauthorized()]);
        assert_eq!(codes(&outcome), expected, "{role}");
        assert_eq!(outcome.evidence[0].value, role);
    }
}

#[test]
fn an_error_has_the_server_s_words() {
    let error = [
        ok(0.0),
        bson::text("errmsg", "no such command"),
        bson::number("code", 59),
    ]
    .concat();
    let outcome = usual(&[&reply(FIRST, &error)]);
    assert!(outcome.status.is_fail());
    assert_eq!(codes(&outcome), ["server_error"]);
    assert!(outcome.summary.ends_with("no such command"));
    assert_eq!(codes(&usual(&[&reply(FIRST, &ok(1.0))])), ["server_error"]);
}

#[test]
fn other_peers_fail() {
    let probe = Mongodb::default();
    hostile(&probe, &steps(), URL);
    mangled(&probe, &steps(), URL, &[&primary(), &unauthorized()], 0);
    mangled(&probe, &steps(), URL, &[&primary(), &databases()], 1);
    let nested = b"\x03a\0".repeat(5_000);
    for elements in [
        &b"\x02a\0\xff\xff\xff\xff"[..],
        b"\x02a\0\0\0\0\0",
        b"\x03a\0\xff\xff\xff\x7f",
        b"\x05a\0\xff\xff\xff\xff\0",
        b"\x42a\0",
        b"\x10a",
        &nested,
    ] {
        let outcome = usual(&[&reply(FIRST, &[elements, &ok(1.0)].concat())]);
        assert_eq!(codes(&outcome), ["other_protocol"], "{elements:?}");
    }
    // An answer to somebody else.
    assert_eq!(codes(&usual(&[&unauthorized()])), ["other_protocol"]);
    // A list of databases that is none names none, and is still no refusal.
    let odd = reply(SECOND, &[bson::yes("databases"), ok(1.0)].concat());
    assert_eq!(
        codes(&usual(&[&primary(), &odd])),
        ["open_without_authentication"]
    );
}
