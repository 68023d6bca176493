use proptest::prelude::*;
use readiness_core::{
    Target,
    fact::{Endpoint, LocalRoute, Route, ServerChain, TlsHandshake, TlsSession, Trust},
    testing::Facts,
};
use serde_json::json;

use super::*;
use crate::tls::fixtures::{self, NOW, Pki};

fn told(start: &str, end: &str) -> ApiAnswer {
    let body = json!({ "suggestedWindow": { "start": start, "end": end } });
    ApiAnswer::new(200, "application/json", body.to_string())
}

fn codes(outcome: &Outcome) -> Vec<(&str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| (finding.status.word(), &*finding.code))
        .collect()
}

#[test]
fn a_certificate_is_called_as_the_standard_calls_it() {
    // The example of RFC 9773, section 4.1: the leading zero of the serial number stays.
    let key = [
        0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3, 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde,
        0x01, 0xc8, 0xd4,
    ];
    let serial = [0x00, 0x87, 0x65, 0x43, 0x21];
    assert_eq!(id_of(&key, &serial), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
    let pki = Pki::new();
    let mut params = fixtures::leaf_params(&["example.com"], 0, 100);
    params.serial_number = Some(vec![0x00, 0x87, 0x65, 0x43, 0x21].into());
    let leaf = pki.sign(params);
    let (_, parsed) = x509_parser::parse_x509_certificate(&leaf).unwrap();
    let x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(id) = parsed
        .extensions()
        .iter()
        .map(|extension| extension.parsed_extension())
        .find(|parsed| {
            matches!(
                parsed,
                x509_parser::extensions::ParsedExtension::AuthorityKeyIdentifier(_)
            )
        })
        .unwrap()
    else {
        unreachable!("it was just matched")
    };
    let expected = id_of(id.key_identifier.as_ref().unwrap().0, &serial);
    assert_eq!(certificate_id(&leaf), Some(expected));
    let mut without = fixtures::leaf_params(&["example.com"], 0, 100);
    without.use_authority_key_identifier_extension = false;
    assert_eq!(certificate_id(&pki.sign(without)), None);
    assert_eq!(certificate_id(b"garbage"), None);
}

#[test]
fn the_window_is_held_against_the_instant() {
    let (start, end) = ("2026-11-20T00:00:00Z", "2026-11-22T00:00:00.5+00:00");
    let window = told(start, end);
    let two_days = 2 * fixtures::DAY;
    for (seconds, status, expected) in [
        (-1, "pass", &[][..]),
        (0, "pass", &[("pass", "renewal_due")]),
        (1, "pass", &[("pass", "renewal_due")]),
        (two_days - 1, "pass", &[("pass", "renewal_due")]),
        (two_days, "fail", &[("fail", "renewal_overdue")]),
        (two_days + 1, "fail", &[("fail", "renewal_overdue")]),
    ] {
        let outcome = judge(&window, NOW.plus_seconds(seconds));
        assert_eq!(
            (outcome.status.word(), codes(&outcome)),
            (status, expected.to_vec()),
            "{seconds}"
        );
    }
    let before = judge(&window, NOW.plus_seconds(-1));
    assert_eq!(
        before.summary,
        "renewal is suggested from 2026-11-20 to 2026-11-22"
    );
    assert!(
        before
            .evidence
            .iter()
            .any(|evidence| evidence.label == "suggested window")
    );
    // A window of no length that is over.
    assert!(judge(&told(start, start), NOW).status.is_fail());
}

#[test]
fn what_the_authority_adds_is_shown() {
    let evidence = |answer: &ApiAnswer, label: &str| {
        let outcome = judge(answer, NOW);
        let found = outcome.evidence.iter().find(|evidence| evidence.label == label);
        found.map(|evidence| evidence.value.clone())
    };
    let with = |url: &str| {
        let window = json!({ "start": "2026-10-01T00:00:00Z", "end": "2026-10-02T00:00:00Z" });
        let body = json!({ "suggestedWindow": window, "explanationURL": url });
        ApiAnswer::new(200, "", body.to_string())
    };
    for (url, shown) in [
        ("https://ca.example/incident", Some("https://ca.example/incident")),
        ("javascript:alert(1)", None),
        ("no url", None),
        (&*format!("https://ca.example/{}", "x".repeat(300)), None),
    ] {
        assert_eq!(evidence(&with(url), "explanation").as_deref(), shown);
    }
    for (retry, shown) in [
        ("21600", Some("21600 s")),
        ("", None),
        ("Fri, 20 Nov 2026", Some("Fri, 20 Nov 2026")),
    ] {
        let mut answer = with("https://ca.example/");
        answer.retry_after = retry.to_owned();
        assert_eq!(evidence(&answer, "ask again after").as_deref(), shown);
    }
}

#[test]
fn what_is_no_window_is_unknown() {
    let mut cut = told("2026-11-20T00:00:00Z", "2026-11-22T00:00:00Z");
    cut.body_complete = false;
    for (answer, said) in [
        (ApiAnswer::new(404, "", "{}"), "does not know the certificate"),
        (ApiAnswer::new(429, "", "{}"), "no more questions"),
        (ApiAnswer::new(500, "", "{}"), "HTTP 500"),
        (ApiAnswer::new(200, "", "<html>"), "no renewal information"),
        (ApiAnswer::new(200, "", "{}"), "suggestedWindow"),
        (
            ApiAnswer::new(200, "", "[".repeat(100_000)),
            "no renewal information",
        ),
        (told("soon", "later"), "no dates"),
        (
            told("2026-11-22T00:00:00Z", "2026-11-20T00:00:00Z"),
            "ends before it begins",
        ),
        (cut, "not read to its end"),
    ] {
        let outcome = judge(&answer, NOW);
        assert!(outcome.status.is_unknown());
        assert!(
            outcome.findings[0].message.contains(said),
            "{}",
            outcome.findings[0].message
        );
    }
}

#[test]
fn the_directory_names_the_place() {
    let of = |body: &str, plain| in_directory(&ApiAnswer::new(200, "", body), plain);
    let https = r#"{"newNonce":"x","renewalInfo":"https://ca.example/ari"}"#;
    assert_eq!(of(https, false).unwrap().as_str(), "https://ca.example/ari");
    let http = r#"{"renewalInfo":"http://127.0.0.1:1/ari"}"#;
    assert!(of(http, true).is_ok());
    for (body, said) in [
        (http, "no https URL"),
        (r#"{"renewalInfo":"file:///etc/passwd"}"#, "no https URL"),
        ("{}", "has no `renewalInfo`"),
        ("no", "not the JSON"),
    ] {
        assert!(of(body, false).unwrap_err().contains(said), "{body}");
    }
    assert!(
        in_directory(&ApiAnswer::new(301, "", ""), false)
            .unwrap_err()
            .contains("HTTP 301")
    );
}

#[test]
fn the_probe_asks_for_what_is_served() {
    let leaf = Pki::new().leaf(&["192.0.2.1"], 10, 80);
    let endpoint = Endpoint::new("192.0.2.1:443".parse().unwrap(), "192.0.2.1", true);
    let session = TlsSession::new(ServerChain::new(vec![leaf.clone()]), Trust::Trusted);
    let id = certificate_id(&leaf).unwrap();
    let facts = |end| {
        Facts::new()
            .with(LocalRoute::new("192.0.2.1".parse().unwrap()), Route::new(true))
            .with(TlsHandshake::new(endpoint.clone()), TlsFacts::new(end))
            .with(
                ApiCall::get("https://ca.example/directory"),
                ApiAnswer::new(200, "", r#"{"renewalInfo":"https://ca.example/ari/"}"#),
            )
            .with(
                ApiCall::get(format!("https://ca.example/ari/{id}")),
                told("2026-12-20T00:00:00Z", "2026-12-22T00:00:00Z"),
            )
    };
    let target = Target::parse("https://192.0.2.1").unwrap();
    let served = facts(TlsEnd::Established(Box::new(session)));
    let by_directory = TlsRenewalWindow {
        directory_url: Some("https://ca.example/directory".to_owned()),
        ..TlsRenewalWindow::default()
    };
    let outcome = served.judge(&by_directory, &target);
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    let by_url = TlsRenewalWindow {
        renewal_info_url: Some("https://ca.example/ari".to_owned()),
        ..TlsRenewalWindow::default()
    };
    assert!(served.judge(&by_url, &target).status.is_pass());
    let elsewhere = TlsRenewalWindow {
        renewal_info_url: Some("https://other.example/ari".to_owned()),
        ..TlsRenewalWindow::default()
    };
    assert!(served.judge(&elsewhere, &target).status.is_unknown());
    let plain = Target::parse("http://192.0.2.1").unwrap();
    assert!(served.judge(&by_url, &plain).status.is_not_applicable());
    for chain in [
        ServerChain::default(),
        ServerChain::new(vec![b"garbage".to_vec()]),
    ] {
        let refused = TlsEnd::Refused {
            reason: Reason::TLS_ALERT,
            message: "x".to_owned(),
            chain,
        };
        assert!(facts(refused).judge(&by_url, &target).status.is_unknown());
    }
}

#[test]
fn settings_are_checked() {
    let check = |settings: serde_json::Value| {
        let probe: TlsRenewalWindow = serde_json::from_value(settings).unwrap();
        probe.check()
    };
    assert!(check(json!({ "directory_url": "https://ca.example/directory" })).is_ok());
    assert!(check(json!({ "renewal_info_url": "https://ca.example/ari" })).is_ok());
    for (settings, said) in [
        (json!({}), "neither"),
        (
            json!({ "directory_url": "https://a", "renewal_info_url": "https://b" }),
            "both",
        ),
        (json!({ "directory_url": "ftp://a" }), "neither https nor http"),
        (json!({ "directory_url": "https://u:p@a" }), "a login"),
        (json!({ "directory_url": "https://a?key=1" }), "a query"),
        (json!({ "directory_url": "a" }), "no URL"),
    ] {
        assert!(check(settings.clone()).unwrap_err().contains(said), "{settings}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200), status in any::<u16>()) {
        let answer = ApiAnswer::new(status, "", body);
        let _ = judge(&answer, NOW);
        let _ = in_directory(&answer, false);
    }
}
