//! From plain http to https against real peers on loopback, one test for each way it can go: what
//! `http.https_redirect`, `http.hsts` and `http.hsts_preload` say of it. A nameserver of the test knows every
//! name, and the ports are those of the test's own peers.

#![cfg(feature = "http")]
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "../support/nameserver.rs"]
mod nameserver;
#[path = "../support/peer.rs"]
mod peer;

mod stage;

use std::sync::Arc;

use nameserver::Nameserver;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use self::{
    peer::{Authority, Certificate, Peer},
    stage::{
        FITS, Handler, IDS, NAME, NAMES, Stage, bare, codes, expect, look, on, outcome, page, right, to,
    },
};

#[tokio::test]
async fn http_to_https() {
    let stage = Stage::new(right, |_| page()).await;
    let report = stage.report(NAME).await;
    expect(&report, &[], &[], &[]);
    for id in IDS {
        assert!(!outcome(&report, id).status.is_fail(), "{id}");
    }
    // All four share what was seen: one look at each page, one connection to each port, and one for `www`.
    assert_eq!(
        (stage.plain.requests().len(), stage.secure.requests().len()),
        (1, 1)
    );
    assert_eq!((stage.plain.connections(), stage.secure.connections()), (1, 2));
}

#[tokio::test]
async fn no_redirect() {
    let stage = Stage::new(|_| bare(), |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["fail served_over_http"],
        &[],
        &["fail redirects.http.no_redirect"],
    );
}

#[tokio::test]
async fn http_to_http() {
    let plain: Handler = |asked| match asked.path {
        "/" => to(308, format!("http://{NAME}:{}/home", asked.plain)),
        _ => right(asked),
    };
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["fail first_hop_not_https"],
        &[],
        &["fail redirects.http.first_redirect.insecure"],
    );
}

#[tokio::test]
async fn www_first() {
    let plain: Handler = |asked| to(308, format!("https://www.{NAME}:{}/", asked.secure));
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["warn www_first"],
        &[],
        &["fail redirects.http.www_first"],
    );
}

#[tokio::test]
async fn off_host() {
    let plain: Handler = |asked| to(308, format!("https://other.test:{}/", asked.secure));
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["warn first_hop_off_host"],
        &[],
        &["fail redirects.http.first_redirect.insecure"],
    );
}

#[tokio::test]
async fn a_parent_host_with_include_subdomains() {
    let plain: Handler = |asked| to(308, format!("https://{NAME}:{}/", asked.secure));
    let covering = Stage::new(plain, |_| page()).await.report("app.demo.test").await;
    expect(
        &covering,
        &["pass first_hop_to_parent"],
        &[],
        &[
            "fail domain.is_subdomain",
            "fail redirects.http.first_redirect.insecure",
        ],
    );
    let alone: Handler = |_| (200, None, Some("max-age=63072000"));
    let not_covering = Stage::new(plain, alone).await.report("app.demo.test").await;
    assert_eq!(
        codes(&not_covering, "http.https_redirect"),
        ["warn first_hop_off_host"]
    );
}

#[tokio::test]
async fn four_redirects() {
    let secure: Handler = |asked| match asked.path {
        "/" => on("/1".into()),
        "/1" => on("/2".into()),
        "/2" => on("/3".into()),
        _ => page(),
    };
    let stage = Stage::new(right, secure).await;
    expect(
        &stage.report(NAME).await,
        &["pass many_hops"],
        &[],
        &["fail redirects.too_many"],
    );
}

#[tokio::test]
async fn a_loop() {
    let secure: Handler = |asked| match asked.path {
        "/" => on("/1".into()),
        _ => on("/".into()),
    };
    let stage = Stage::new(right, secure).await;
    expect(
        &stage.report(NAME).await,
        &["fail redirect_loop"],
        &[],
        &["fail redirects.too_many", "fail redirects.too_many"],
    );
    // Where it goes on, it would never end: five requests are enough to know.
    assert!(stage.secure.requests().len() <= 5);
}

#[tokio::test]
async fn https_to_http_to_https() {
    let plain: Handler = |asked| match asked.path {
        "/old" => to(308, format!("https://{NAME}:{}/new", asked.secure)),
        _ => right(asked),
    };
    let secure: Handler = |asked| match asked.path {
        "/" => on(format!("http://{NAME}:{}/old", asked.plain)),
        _ => page(),
    };
    let stage = Stage::new(plain, secure).await;
    let report = stage.report(NAME).await;
    expect(
        &report,
        &["fail downgrade"],
        &[],
        &[
            "fail redirects.insecure.subsequent",
            "fail redirects.insecure.initial",
        ],
    );
    let redirect = outcome(&report, "http.https_redirect");
    assert_eq!(redirect.findings[0].subject, "hop 3");
    assert_eq!(
        redirect
            .evidence
            .iter()
            .filter(|e| e.label.starts_with("hop"))
            .count(),
        4
    );
}

#[tokio::test]
async fn the_first_https_hop_without_hsts() {
    let secure: Handler = |asked| match asked.path {
        "/" => (302, Some("/app".into()), None),
        _ => page(),
    };
    let stage = Stage::new(right, secure).await;
    expect(
        &stage.report(NAME).await,
        &[],
        &["fail missing"],
        &["fail response.no_header"],
    );
    let later: Handler = |asked| match asked.path {
        "/" => on("/app".into()),
        _ => bare(),
    };
    let stage = Stage::new(right, later).await;
    expect(&stage.report(NAME).await, &[], &["warn missing"], &[]);
    // The list wants it of the hop that plain http leads to, whatever that is.
    let elsewhere: Handler = |asked| to(308, format!("https://{NAME}:{}/app", asked.secure));
    let stage = Stage::new(elsewhere, |asked| match asked.path {
        "/" => page(),
        _ => bare(),
    })
    .await;
    expect(
        &stage.report(NAME).await,
        &[],
        &["fail missing"],
        &["fail redirects.http.first_redirect.no_hsts"],
    );
}

#[tokio::test]
async fn hsts_over_http() {
    let plain: Handler = |asked| (308, right(asked).1, Some(FITS));
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &[],
        &["pass sent_over_http"],
        &["warn redirects.http.useless_header"],
    );
}

#[tokio::test]
async fn port_80_closed() {
    let stage = Stage::new(right, |_| page()).await;
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let url = format!("https://{NAME}:{}/", stage.secure.address.port());
    let report = look(&stage.ca, &stage.names, &url, closed).await;
    expect(&report, &[], &[], &["warn redirects.http.does_not_exist"]);
    let redirect = outcome(&report, "http.https_redirect");
    assert!(redirect.status.is_pass());
    assert_eq!(redirect.summary, format!("nothing listens on port {closed}"));
}

#[tokio::test]
async fn each_status_of_a_redirect() {
    let handlers: [(Handler, &[&str]); 5] = [
        (|asked| to(301, right(asked).1.unwrap()), &["pass method_lost"]),
        (
            |asked| to(302, right(asked).1.unwrap()),
            &["warn not_permanent", "pass method_lost"],
        ),
        (
            |asked| to(303, right(asked).1.unwrap()),
            &["warn not_permanent", "pass method_lost"],
        ),
        (|asked| to(307, right(asked).1.unwrap()), &["warn not_permanent"]),
        (|asked| to(308, right(asked).1.unwrap()), &[]),
    ];
    for (plain, wanted) in handlers {
        let stage = Stage::new(plain, |_| page()).await;
        expect(&stage.report(NAME).await, wanted, &[], &[]);
    }
}

#[tokio::test]
async fn relative_locations() {
    // Relative to a plain page it stays plain.
    let plain: Handler = |asked| match asked.path {
        "/" => to(308, "/home".into()),
        _ => right(asked),
    };
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["fail first_hop_not_https"],
        &[],
        &["fail redirects.http.first_redirect.insecure"],
    );
    let secure: Handler = |asked| match asked.path {
        "/" => on("a/b?c=d".into()),
        "/a/b" => on("../e".into()),
        "/e" => page(),
        _ => (404, None, None),
    };
    let stage = Stage::new(right, secure).await;
    expect(&stage.report(NAME).await, &[], &[], &[]);
    assert!(
        stage
            .secure
            .requests()
            .iter()
            .any(|request| request.starts_with("GET /a/b?c=d"))
    );
}

#[tokio::test]
async fn explicit_ports() {
    let stage = Stage::new(right, |_| page()).await;
    let report = stage.report(NAME).await;
    // The port of https is the target's own: nothing is wrong with naming it.
    expect(&report, &[], &[], &[]);
    let port = stage.secure.address.port();
    let note = &outcome(&report, "http.hsts").findings[0];
    assert_eq!((note.code.as_str(), note.status.is_pass()), ("every_port", true));
    assert!(
        note.message.starts_with(&format!("sent from port {port}, ")),
        "{}",
        note.message
    );

    // Another port than the one that is looked at is told.
    let other = Stage::new(right, |_| page()).await;
    let url = format!("https://{NAME}:{}/", other.secure.address.port());
    let report = look(&stage.ca, &stage.names, &url, stage.plain.address.port()).await;
    assert_eq!(
        codes(&report, "http.https_redirect"),
        ["pass first_hop_other_port"]
    );
}

/// A certificate whose issuer is neither sent along nor known.
fn incomplete() -> Certificate {
    let mut above = CertificateParams::new(vec![]).unwrap();
    above.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    above
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Issuing Authority");
    let issuer = Issuer::new(above, KeyPair::generate().unwrap());
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
    let chain = vec![params.signed_by(&key, &issuer).unwrap().der().clone()];
    Certificate { chain, key }
}

fn self_signed() -> Certificate {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(NAMES.map(str::to_owned)).unwrap();
    let chain = vec![params.self_signed(&key).unwrap().der().clone()];
    Certificate { chain, key }
}

#[tokio::test]
async fn certificates_that_are_not_trusted() {
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2019, 1, 1);
        params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    };
    for (kind, code) in [
        ("expired", "expired"),
        ("self-signed", "self_signed"),
        ("wrong name", "wrong_host"),
        ("incomplete chain", "missing_intermediate"),
    ] {
        let ca = Authority::new();
        let certificate = match kind {
            "expired" => ca.issue(&NAMES, expired),
            "self-signed" => self_signed(),
            "wrong name" => ca.issue(&["elsewhere.test"], |_| {}),
            _ => incomplete(),
        };
        let stage = Stage::showing(ca, certificate.server("http/1.1"), right, |_| page()).await;
        let report = stage.report(NAME).await;
        // The redirect is right, and the policy is there for the day the certificate is.
        expect(
            &report,
            &[],
            &["pass not_taken"],
            &["fail domain.tls.invalid_cert_chain", "fail domain.www.no_tls"],
        );
        let found = codes(&report, "tls.certificate");
        assert!(found.contains(&format!("fail {code}")), "{kind}: {found:?}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed() {
    // Over plain http it is an answer like any other, and leads nowhere.
    let stage = Stage::new(|_| (405, None, None), |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["fail no_redirect"],
        &[],
        &["fail redirects.http.no_redirect"],
    );
    // Over https it ends the way, and can set the policy.
    let stage = Stage::new(right, |_| (405, None, Some(FITS))).await;
    expect(&stage.report(NAME).await, &[], &[], &[]);
    let stage = Stage::new(right, |_| (405, None, None)).await;
    expect(
        &stage.report(NAME).await,
        &[],
        &["fail missing"],
        &["fail response.no_header"],
    );
}

#[tokio::test]
async fn a_redirect_to_an_address() {
    let plain: Handler = |asked| to(308, format!("https://127.0.0.1:{}/", asked.secure));
    let stage = Stage::new(plain, |_| page()).await;
    expect(
        &stage.report(NAME).await,
        &["fail first_hop_to_address"],
        &[],
        &["fail redirects.http.first_redirect.insecure"],
    );
    let secure: Handler = |asked| match asked.host {
        NAME => on(format!("https://127.0.0.1:{}/", asked.secure)),
        _ => page(),
    };
    let stage = Stage::new(right, secure).await;
    expect(&stage.report(NAME).await, &["warn leads_to_address"], &[], &[]);
}

#[tokio::test]
async fn secrets_in_a_location() {
    let secure: Handler = |asked| match asked.path {
        "/" => on("/in;jsessionid=t0ps3cret?access_token=t0ps3cret".into()),
        _ => page(),
    };
    let stage = Stage::new(right, secure).await;
    let report = stage.report(NAME).await;
    expect(&report, &["warn secret_in_location"], &[], &[]);
    assert!(!format!("{report:?}").contains("t0ps3cret"), "{report:?}");
    let message = &outcome(&report, "http.https_redirect").findings[0].message;
    assert!(message.contains("`jsessionid`, `access_token`"), "{message}");
}

/// A peer that says these bytes to whoever asks, over TLS where there is a configuration.
async fn saying(tls: Option<ServerConfig>, bytes: Vec<u8>) -> Peer {
    let acceptor = tls.map(|config| tokio_rustls::TlsAcceptor::from(Arc::new(config)));
    Peer::raw(move |mut stream| {
        let (acceptor, bytes) = (acceptor.clone(), bytes.clone());
        async move {
            let mut asked = [0; 4096];
            match acceptor {
                None => {
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(&bytes).await;
                }
                Some(acceptor) => {
                    let Ok(mut stream) = acceptor.accept(stream).await else {
                        return;
                    };
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(&bytes).await;
                    let _ = stream.shutdown().await;
                }
            }
        }
    })
    .await
}

#[tokio::test]
async fn control_characters_in_a_header_leave_it_unknown() {
    let ca = Authority::new();
    let certificate = ca.issue(&NAMES, |_| {});
    let names = Nameserver::knowing(&["127.0.0.1"]).await;
    for byte in [0, 1, 7, 8, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f] {
        let with = |name: &str, value: &str| {
            let mut bytes =
                format!("HTTP/1.1 308 x\r\nlocation: https://{NAME}/\r\n{name}: {value}").into_bytes();
            bytes.push(byte);
            bytes.extend_from_slice(b"\r\ncontent-length: 0\r\n\r\n");
            bytes
        };
        let plain = saying(None, with("x-a", "b")).await;
        let hsts = with("strict-transport-security", "max-age=31536000; a=\"b");
        let secure = saying(Some(certificate.server("http/1.1")), hsts).await;
        let url = format!("https://{NAME}:{}/", secure.address.port());
        let report = look(&ca, &names, &url, plain.address.port()).await;
        for id in ["http.https_redirect", "http.hsts", "http.hsts_preload"] {
            let status = serde_json::to_value(&outcome(&report, id).status).unwrap();
            assert_eq!(status["status"], "unknown", "{id} {byte:#x}: {status}");
            let reason = match status["cause"]["reason"].as_str() {
                Some(reason) => reason,
                None => status["reason"].as_str().unwrap(),
            };
            assert_eq!(reason, "http.malformed", "{id} {byte:#x}: {status}");
        }
    }
    // A tab is the one control character that a value may hold (RFC 9110, section 5.5).
    let tab = b"HTTP/1.1 200 x\r\nstrict-transport-security: max-age=\t31536000\r\ncontent-length: 0\r\n\r\n";
    let secure = saying(Some(certificate.server("http/1.1")), tab.to_vec()).await;
    let url = format!("https://{NAME}:{}/", secure.address.port());
    let report = look(&ca, &names, &url, 1).await;
    assert_eq!(outcome(&report, "http.hsts").summary, "max-age is 31536000 s");
}
