//! The probe over facts: what it asks for, and when again.

use readiness_core::{
    Target,
    fact::{DnsLookup, DnsTransport, RecordType as T, Signatures},
    testing::Facts,
};

use super::{forge::*, *};

const SERVER: &str = "192.0.2.53:53";

fn key(name: &str, kind: RecordType, again: bool) -> DnsLookup {
    let key = DnsLookup::new(name, kind)
        .via(vec![SERVER.parse().unwrap()])
        .signatures(Signatures::Unchecked)
        .attempt_ms(2_000);
    if again {
        key.over(DnsTransport::Tcp).sample(1)
    } else {
        key
    }
}

fn facts(mut facts: Facts, world: World, again: bool) -> Facts {
    let Step {
        name,
        ds,
        keys,
        answers,
    } = world.step;
    let ds = ds.into_iter().map(|(name, look)| (name, T::Ds, look));
    let keys = keys.into_iter().map(|(name, look)| (name, T::Dnskey, look));
    let answers = answers.into_iter().map(|(kind, look)| (name.clone(), kind, look));
    for (name, kind, look) in ds.chain(keys).chain(answers) {
        facts = match look {
            Ok(answer) => facts.with(key(&name, kind, again), answer),
            Err(e) => facts.with_error(key(&name, kind, again), e),
        };
    }
    facts
}

fn probe() -> Dnssec {
    let anchor = Signer::new("test", 1).anchors().remove(0);
    let text = format!("test. DS {} 15 2 {}", anchor.ds.tag, hex(&anchor.ds.digest));
    settings(json!({ "trust_anchor": [text], "nameservers": [SERVER] }))
}

fn target() -> Target {
    Target::parse("https://www.example.test").unwrap()
}

#[test]
fn one_look_is_enough_where_all_is_well() {
    let facts = facts(Facts::new().at(now()), World::new(), false);
    let outcome = facts.judge(&probe(), &target());
    assert_eq!(said(&outcome), "secure: ");
}

#[test]
fn what_is_bogus_is_asked_again() {
    let broken = || {
        let mut world = World::new();
        without(world.answer(T::A), T::Rrsig);
        world
    };
    let asked_to_check = DnsLookup::new(HOST, T::A)
        .via(vec![SERVER.parse().unwrap()])
        .signatures(Signatures::Checked)
        .attempt_ms(2_000)
        .sample(1);
    let refuses = DnsAnswer::new(DnsResult::ServFail, SERVER);
    let both = facts(Facts::new().at(now()), broken(), false).with(asked_to_check.clone(), refuses.clone());
    let outcome = facts(both.clone(), broken(), true).judge(&probe(), &target());
    assert_eq!(said(&outcome), "bogus: signature_missing fail");
    let outcome = facts(both.clone(), World::new(), true).judge(&probe(), &target());
    assert_eq!(said(&outcome), "secure: bogus_at_first warn");
    // Nobody answers over TCP.
    let outcome = both.judge(&probe(), &target());
    assert_eq!(said(&outcome), "indeterminate: bogus_not_confirmed unknown");
}

#[test]
fn an_address_and_this_machine_have_no_signatures() {
    for url in ["https://192.0.2.1", "http://localhost:8080", "http://a.localhost"] {
        let outcome = Facts::new().judge(&probe(), &Target::parse(url).unwrap());
        assert!(outcome.status.is_not_applicable(), "{url}: {outcome:?}");
    }
}
