//! What is held against a served certificate: the files on disk, several stores, the authority's window.

use std::{fs, path::PathBuf, process};

use readiness_core::fact::{TrustIn, TrustStore};
use readiness_probes::builtin;
use serde_json::json;

use super::*;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("readiness-certificates-{name}-{}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The probes of one run over one target, with what the whole report says.
async fn judged(probes: &[(&str, serde_json::Value)], port: u16, live: &Live) -> (Vec<Outcome>, String) {
    let target = Target::parse(&format!("https://{NAME}:{port}")).unwrap();
    let sources = live
        .clone()
        .resolve(NAME, [127, 0, 0, 1].into())
        .sources()
        .unwrap();
    let mut suite = Suite::new(sources);
    for (id, settings) in probes {
        let probe = builtin::registry().build(id, settings).unwrap();
        suite.add(Requirement::new(probe, target.clone())).unwrap();
    }
    let report = suite.run().await;
    let outcomes = report
        .results
        .iter()
        .map(|result| result.targets[0].outcome.clone());
    (outcomes.collect(), serde_json::to_string(&report).unwrap())
}

fn codes(outcome: &Outcome) -> Vec<&str> {
    outcome
        .findings
        .iter()
        .map(|finding| finding.code.as_str())
        .collect()
}

fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::prelude::BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[tokio::test]
async fn the_file_and_the_served_certificate_are_compared_and_the_key_stays_where_it_is() {
    let ca = Authority::new();
    let served = ca.issue(&[NAME], |_| {});
    let renewed = ca.issue(&[NAME], |params| {
        params.not_before = rcgen::date_time_ymd(2026, 1, 1)
    });
    let peer = Peer::http(Some(served.server("h2")), |_| ok("")).await;
    let folder = Folder::new("files");
    let probe = |certificate: &peer::Certificate, key: &peer::Certificate| {
        let settings = json!({
            "certificate_file": folder.write("chain.pem", &pem("CERTIFICATE", &certificate.chain[0])),
            "key_file": folder.write("key.pem", &key.key.serialize_pem()),
        });
        [("tls.served_matches_file", settings)]
    };
    let (live, port) = (live(&ca), peer.address.port());
    for (certificate, key, expected) in [
        (&served, &served, &[][..]),
        (&renewed, &renewed, &["not_reloaded"]),
        (&served, &renewed, &["key_mismatch"]),
    ] {
        let (outcomes, report) = judged(&probe(certificate, key), port, &live).await;
        assert_eq!(codes(&outcomes[0]), expected, "{outcomes:?}");
        let secret = key.key.serialize_pem();
        for line in secret.lines().filter(|line| !line.starts_with('-')) {
            assert!(!report.contains(line), "the key is in the report");
        }
    }
    let gone = json!({ "certificate_file": folder.0.join("none.pem") });
    let (outcomes, _) = judged(&[("tls.served_matches_file", gone)], port, &live).await;
    assert!(outcomes[0].status.is_unknown(), "{outcomes:?}");
}

#[tokio::test]
async fn several_stores_are_asked_with_one_handshake() {
    let (ca, other) = (Authority::new(), Authority::new());
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| {}).server("h2")), |_| ok("")).await;
    let folder = Folder::new("stores");
    let (right, wrong) = (
        folder.write("right.pem", &ca.pem()),
        folder.write("wrong.pem", &other.pem()),
    );
    let none = folder.write("none.pem", "");
    let store = |path: &str| format!("file:{path}");
    let settings = json!({ "stores": [store(&right), "webpki-roots", store(&wrong), store(&none)] });
    let probes = [
        ("tls.certificate", json!({})),
        ("tls.trusted_everywhere", settings),
        ("tls.trusted_everywhere", json!({ "stores": [store(&right)] })),
    ];
    let (outcomes, _) = judged(&probes[..2], peer.address.port(), &live(&ca)).await;
    assert_eq!(
        codes(&outcomes[1]),
        ["not_trusted", "not_trusted", "store_unusable"],
        "{outcomes:?}"
    );
    assert!(outcomes[1].status.is_fail());
    assert!(outcomes[1].findings[0].message.contains("trusted by `file:"));
    assert_eq!(peer.connections(), 1);
    let (outcomes, _) = judged(&probes[2..], peer.address.port(), &Live::new()).await;
    assert!(outcomes[0].status.is_pass(), "{outcomes:?}");
    // Dates and names are no store's fault, and a peer without a chain has no verdict.
    let expired = ca.issue(&["other.test"], |params| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 3, 1);
    });
    let peer = Peer::http(Some(expired.server("h2")), |_| ok("")).await;
    let (outcomes, _) = judged(&probes[2..], peer.address.port(), &Live::new()).await;
    assert!(outcomes[0].status.is_pass(), "{outcomes:?}");
    let silent = Peer::raw(|_| async {}).await;
    let looks = looks(&Live::new());
    let key = TrustIn::new(TlsHandshake::new(https(&silent)), vec![TrustStore::WebpkiRoots]);
    assert!(looks.observe(key).await.unwrap().verdicts.is_empty());
}

#[tokio::test]
async fn the_stores_that_decide_can_be_named() {
    let ca = Authority::new();
    let peer = Peer::http(Some(ca.issue(&[NAME], |_| {}).server("h2")), |_| ok("")).await;
    let folder = Folder::new("trust");
    let file = TrustStore::File(folder.write("ca.pem", &ca.pem()));
    for (stores, name, trusted) in [
        (vec![file.clone()], "ca.pem", true),
        (vec![TrustStore::WebpkiRoots], "webpki-roots", false),
        (vec![TrustStore::WebpkiRoots, file], "webpki-roots + ca.pem", true),
    ] {
        let looks = looks(&Live::new().trust(stores));
        assert_eq!(looks.observe(LookFrom::new()).await.unwrap().trust_store, name);
        let facts = looks.observe(TlsHandshake::new(https(&peer))).await.unwrap();
        let TlsEnd::Established(session) = &facts.end else {
            panic!("{facts:?}")
        };
        assert_eq!(session.trust == Trust::Trusted, trusted, "{name}");
    }
}

#[cfg(feature = "api")]
#[tokio::test]
async fn the_authority_is_asked_for_its_window() {
    let ca = Authority::new();
    let own = ca.issue(&[NAME], |params| {
        params.use_authority_key_identifier_extension = true
    });
    let peer = Peer::http(Some(own.server("h2")), |_| ok("")).await;
    for (window, expected, summary) in [
        (
            ["2999-01-01T00:00:00Z", "2999-01-03T00:00:00Z"],
            &[][..],
            "renewal is suggested from 2999-01-01",
        ),
        (
            ["2001-01-01T00:00:00Z", "2999-01-03T00:00:00Z"],
            &["renewal_due"],
            "renewal is due",
        ),
        (
            ["2001-01-01T00:00:00Z", "2001-01-03T00:00:00Z"],
            &["renewal_overdue"],
            "replace it now",
        ),
    ] {
        let authority = Peer::http(None, move |request| {
            let body = match request.uri().path() {
                "/directory" => {
                    let host = request.headers()["host"].to_str().unwrap();
                    json!({ "newNonce": "x", "renewalInfo": format!("http://{host}/ari") })
                }
                path if path.starts_with("/ari/") && path.contains('.') => json!({
                    "suggestedWindow": { "start": window[0], "end": window[1] },
                    "explanationURL": "https://ca.example/why",
                }),
                _ => json!({}),
            };
            let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
            response
                .headers_mut()
                .insert("retry-after", "21600".parse().unwrap());
            response
        })
        .await;
        let directory = format!("http://{}/directory", authority.address);
        let probes = [("tls.renewal_window", json!({ "directory_url": directory }))];
        let (outcomes, _) = judged(&probes, peer.address.port(), &live(&ca)).await;
        assert_eq!(codes(&outcomes[0]), expected, "{outcomes:?}");
        assert!(outcomes[0].summary.contains(summary), "{}", outcomes[0].summary);
        let evidence = |label: &str| {
            let found = outcomes[0]
                .evidence
                .iter()
                .find(|evidence| evidence.label == label);
            found.map(|evidence| evidence.value.as_str())
        };
        assert_eq!(evidence("ask again after"), Some("21600 s"));
        assert_eq!(evidence("explanation"), Some("https://ca.example/why"));
        assert_eq!(authority.requests().len(), 2);
    }
    let silent = Peer::http(None, |_| ok("{}")).await;
    let probes = [(
        "tls.renewal_window",
        json!({ "renewal_info_url": format!("http://{}/", silent.address) }),
    )];
    let (outcomes, _) = judged(&probes, peer.address.port(), &live(&ca)).await;
    assert!(outcomes[0].status.is_unknown(), "{outcomes:?}");
}
