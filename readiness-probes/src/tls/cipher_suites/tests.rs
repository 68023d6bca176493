use readiness_core::{Target, fact::TlsVersion, testing::Facts};

use super::*;
use crate::tls::hello::fake::{Model, Refusal, judged};

/// Six suites of the guideline for TLS 1.2.
const SIX: [u16; 6] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];
const THREE: [u16; 3] = [0x1302, 0x1303, 0x1301];

fn healthy() -> Model {
    let mut model = Model::of(&[(TlsVersion::Tls12, &SIX), (TlsVersion::Tls13, &THREE)]);
    model.groups = vec![0x11ec, 29, 23, 24];
    model
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome.findings.iter().map(|finding| &*finding.code).collect()
}

fn shown<'a>(outcome: &'a Outcome, label: &str) -> &'a str {
    let evidence = outcome.evidence.iter().find(|evidence| evidence.label == label);
    &evidence
        .unwrap_or_else(|| panic!("no evidence `{label}`: {outcome:?}"))
        .value
}

async fn seen_with(model: Model, probe: &TlsCipherSuites) -> (Outcome, u64) {
    let report = judged(model, probe).await;
    let outcome = report.results[0].targets[0].outcome.clone();
    assert_eq!(
        readiness_core::testing::faults_of_outcome(&outcome),
        [] as [&str; 0]
    );
    let connections = report.cost["tls_connections"];
    assert_eq!(shown(&outcome, "connections"), connections.to_string());
    (outcome, connections)
}

async fn seen(model: Model) -> (Outcome, u64) {
    seen_with(model, &TlsCipherSuites::default()).await
}

#[tokio::test]
async fn a_healthy_server_is_silent_and_its_suites_are_all_there() {
    let (outcome, connections) = seen(healthy()).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(codes(&outcome), ["post_quantum"]);
    assert_eq!(outcome.summary, "6 suites in TLS 1.2, 3 in TLS 1.3; 4 groups");
    // The order of the numbers decides, as the model takes the client's.
    assert_eq!(
        shown(&outcome, "TLS 1.3 suites"),
        "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256"
    );
    for suite in SIX {
        let name = super::super::suite::Suite::of(suite).unwrap().name;
        assert!(shown(&outcome, "TLS 1.2 suites").contains(name));
    }
    assert_eq!(
        shown(&outcome, "TLS 1.3 groups"),
        "X25519MLKEM768, x25519, secp256r1, secp384r1"
    );
    assert_eq!(shown(&outcome, "order"), "the client's");
    assert_eq!(shown(&outcome, "keys"), "ECDSA and RSA");
    assert_eq!(shown(&outcome, "fallback"), "seen through (TLS_FALLBACK_SCSV)");
    // Five versions; 6 suites and 3 refusals for TLS 1.2; 3 and 1, of which one was asked before, for TLS
    // 1.3; 4 groups and 1, of which one too; the curves of old; two orders; the fallback; the other key.
    assert_eq!(connections, 5 + 9 + 3 + 4 + 1 + 2 + 1 + 1);
}

#[tokio::test]
async fn each_weakness_is_named() {
    let with = |suites: &[u16]| {
        let mut model = healthy();
        model.versions[0].1.extend(suites);
        model
    };
    let weak_group = {
        let mut model = healthy();
        model.groups.push(21);
        model
    };
    let short_prime = {
        let mut model = with(&[0x009e]);
        model.prime_bytes = 255;
        model
    };
    let no_fallback = {
        let mut model = healthy();
        model.sees_fallback = false;
        model
    };
    let no_post_quantum = {
        let mut model = healthy();
        model.groups = vec![29, 30];
        model
    };
    for (model, status, expected) in [
        (with(&[0x0002, 0x003b]), "fail", &["null_suites"][..]),
        (with(&[0x006c, 0xc018]), "fail", &["anonymous_suites"]),
        (with(&[0x0003]), "fail", &["export_suites"]),
        (with(&[0x0005]), "fail", &["rc4_suites"]),
        (with(&[0x0009]), "fail", &["broken_suites"]),
        (with(&[0x000a]), "fail", &["triple_des_suites"]),
        (with(&[0x009c, 0x002f]), "warn", &["no_forward_secrecy"]),
        (with(&[0xc013]), "warn", &["cbc_suites"]),
        (with(&[0x0005, 0xc013]), "fail", &["rc4_suites", "cbc_suites"]),
        (with(&[0x009e]), "pass", &["suites_outside_profile"]),
        (weak_group, "fail", &["weak_groups"]),
        (short_prime, "fail", &["weak_dh", "suites_outside_profile"]),
        (no_fallback, "pass", &["no_fallback_scsv"]),
        (
            no_post_quantum,
            "pass",
            &["groups_outside_profile", "no_post_quantum"],
        ),
    ] {
        let (outcome, _) = seen(model).await;
        let mut found = codes(&outcome);
        found.retain(|code| *code != "post_quantum");
        assert_eq!((outcome.status.word(), found.as_slice()), (status, expected));
    }
}

#[tokio::test]
async fn every_suite_of_a_finding_is_in_its_evidence() {
    let mut model = healthy();
    model.versions[0].1.extend([0x000a, 0x0016, 0xc008, 0xc012]);
    model.versions.push((TlsVersion::Tls10, vec![0x000a]));
    let (outcome, _) = seen(model).await;
    let finding = &outcome.findings[0];
    assert_eq!(
        finding.message,
        "4 suites use 3DES or IDEA, whose blocks are too small: `TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA`, \
         `TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA`, `TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA`, 1 more"
    );
    let listed = &finding.evidence[0].value;
    assert!(
        listed.contains("TLS_RSA_WITH_3DES_EDE_CBC_SHA (TLS 1.0, TLS 1.2)"),
        "{listed}"
    );
}

#[tokio::test]
async fn the_order_of_the_server_is_seen() {
    let mut model = healthy();
    model.decides = true;
    let (outcome, _) = seen(model).await;
    assert_eq!(shown(&outcome, "order"), "the server's");
    assert!(shown(&outcome, "TLS 1.3 suites").starts_with("TLS_AES_256_GCM_SHA384"));
    let (outcome, _) = seen(Model::of(&[(TlsVersion::Tls12, &[0xc02f])])).await;
    assert!(!outcome.evidence.iter().any(|evidence| evidence.label == "order"));
}

#[tokio::test]
async fn every_version_has_suites_of_its_own() {
    let model = Model::of(&[
        (TlsVersion::Ssl3, &[0x000a, 0x0005]),
        (TlsVersion::Tls11, &[0x002f, 0xc013]),
        (TlsVersion::Tls12, &[0xc02f]),
    ]);
    let (outcome, _) = seen(model).await;
    assert_eq!(
        outcome.summary,
        "2 suites in SSLv3, 2 in TLS 1.1, 1 in TLS 1.2; 2 groups"
    );
    assert_eq!(shown(&outcome, "TLS 1.2 groups"), "x25519, secp256r1");
    assert_eq!(
        codes(&outcome),
        [
            "rc4_suites",
            "triple_des_suites",
            "no_forward_secrecy",
            "cbc_suites"
        ]
    );
}

#[tokio::test]
async fn all_suites_at_once_are_found_in_bounded_connections() {
    let all = Offer::all_suites(TlsVersion::Tls12);
    let mut model = Model::of(&[(TlsVersion::Tls12, &all)]);
    model.groups = vec![23];
    let (outcome, connections) = seen(model).await;
    assert_eq!(
        outcome.summary,
        format!("{} suites in TLS 1.2; 1 group", all.len())
    );
    assert!(connections < all.len() as u64 + 20, "{connections}");
}

#[tokio::test]
async fn a_server_that_loses_patience_leaves_the_rest_unknown() {
    let mut model = healthy();
    model.patience = Some(9);
    let (outcome, _) = seen(model).await;
    assert!(outcome.status.is_unknown(), "{outcome:?}");
    let incomplete = outcome
        .findings
        .iter()
        .find(|finding| finding.code == "incomplete");
    let incomplete = incomplete.unwrap();
    assert!(incomplete.subject.ends_with("suites"), "{incomplete:?}");
    assert!(
        incomplete.message.ends_with("it did not answer in time"),
        "{incomplete:?}"
    );
}

#[tokio::test]
async fn a_server_that_hangs_up_in_the_middle_has_not_told_all() {
    for refuses in [Refusal::Alert, Refusal::Close] {
        let mut model = healthy();
        model.refuses = refuses;
        let (whole, connections) = seen(model.clone()).await;
        assert!(whole.status.is_pass(), "{whole:?}");
        let most = usize::try_from(connections).unwrap();
        for patience in [7, 12, 17, 22, 27, most - 1, most] {
            let mut model = model.clone();
            model.patience = Some(patience);
            model.hangs_up = true;
            let (outcome, _) = seen(model).await;
            assert_eq!(
                outcome.status.is_pass(),
                patience >= most,
                "{patience}: {outcome:?}"
            );
        }
    }
}

#[tokio::test]
async fn smaller_hellos_reach_servers_that_hang_on_long_ones() {
    let mut model = healthy();
    model.most_suites = Some(60);
    let (outcome, _) = seen(model).await;
    assert!(outcome.status.is_pass(), "{outcome:?}");
    assert_eq!(outcome.summary, "6 suites in TLS 1.2, 3 in TLS 1.3; 4 groups");
}

#[tokio::test]
async fn closing_instead_of_an_alert_is_told() {
    let mut model = healthy();
    model.refuses = Refusal::Close;
    let (outcome, _) = seen(model).await;
    assert!(outcome.status.is_pass());
    assert_eq!(
        shown(&outcome, "refusals"),
        "by closing the connection, without an alert"
    );
}

#[tokio::test]
async fn the_modern_profile_is_tls_1_3_alone() {
    let modern = TlsCipherSuites {
        profile: "modern".to_owned(),
        ..TlsCipherSuites::default()
    };
    let (outcome, _) = seen_with(healthy(), &modern).await;
    assert_eq!(outcome.status.word(), "warn");
    assert_eq!(codes(&outcome), ["version_outside_profile", "post_quantum"]);
    let mut model = healthy();
    model.versions.remove(0);
    let (outcome, _) = seen_with(model, &modern).await;
    assert!(outcome.status.is_pass());
    assert_eq!(shown(&outcome, "profile"), "modern of Mozilla's guideline 6.0");
}

#[tokio::test]
async fn nothing_is_said_of_a_server_that_agrees_to_nothing() {
    let (outcome, connections) = seen(Model::of(&[])).await;
    assert!(outcome.status.is_unknown());
    assert_eq!((codes(&outcome), connections), (vec!["no_handshake"], 5));
}

#[test]
fn the_setting_is_checked() {
    let with = |profile: &str| TlsCipherSuites {
        profile: profile.to_owned(),
        ..TlsCipherSuites::default()
    };
    assert!(with("modern").check().is_ok() && with("intermediate").check().is_ok());
    let problem = with("old").check().unwrap_err();
    assert!(
        problem.contains("`old`") && problem.contains("`modern` or `intermediate`"),
        "{problem}"
    );
}

#[test]
fn the_probe_looks_at_tls_targets_only() {
    let probe = TlsCipherSuites::default();
    let plain = Target::parse("http://192.0.2.1").unwrap();
    assert!(Facts::new().judge(&probe, &plain).status.is_not_applicable());
    let unseen = Target::parse("https://192.0.2.1").unwrap();
    assert!(Facts::new().judge(&probe, &unseen).status.is_unknown());
}
