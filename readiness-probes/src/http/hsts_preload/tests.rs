use readiness_core::{
    Cause, Outcome,
    fact::{ServerChain, TlsEnd, TlsSession, Trust, UntrustedKind},
};
use serde_json::json;

use super::*;
use crate::{
    builtin,
    http::{
        samples,
        world::{AT, HOST, World},
    },
};

const FITS: &str = "max-age=31536000; includeSubDomains; preload";
const HSTS: &str = "strict-transport-security";

mod codes;

type Responses<'a> = &'a [(&'a str, u16, &'a [(&'a str, &'a str)])];
type Handshake = Result<TlsEnd, ObserveError>;

/// A host that fits, and what is different about it.
struct Site<'a> {
    host: &'a str,
    /// The header lines of `https://host/`.
    lines: &'a [&'a str],
    /// Where `https://host/` leads to.
    leads_to: Option<&'a str>,
    /// What `http://host/` says; a page, unless it leads on.
    plain: Result<&'a [(&'a str, &'a str)], ObserveError>,
    /// What else answers.
    more: Responses<'a>,
    handshake: Handshake,
    www: Option<Handshake>,
    policy: PreloadPolicy,
}

fn established() -> TlsEnd {
    TlsEnd::Established(Box::new(TlsSession::new(ServerChain::default(), Trust::Trusted)))
}

fn with_session(change: impl FnOnce(&mut TlsSession)) -> Handshake {
    let mut session = TlsSession::new(ServerChain::default(), Trust::Trusted);
    change(&mut session);
    Ok(TlsEnd::Established(Box::new(session)))
}

fn untrusted() -> Handshake {
    with_session(|session| {
        session.trust = Trust::Untrusted {
            kind: UntrustedKind::UnknownIssuer,
            message: "unknown issuer".into(),
        };
    })
}

fn failed(reason: Reason) -> ObserveError {
    ObserveError::because(Cause::new("port", reason, "it did not answer"))
}

impl Default for Site<'_> {
    fn default() -> Self {
        Self {
            host: HOST,
            lines: &[FITS],
            leads_to: None,
            plain: Ok(&[("location", "https://example.com/")]),
            more: &[],
            handshake: Ok(established()),
            www: Some(Ok(established())),
            policy: PreloadPolicy::OneYear,
        }
    }
}

impl Site<'_> {
    fn judged(self) -> Outcome {
        let host = self.host;
        let (plain, own) = (format!("http://{host}/"), format!("https://{host}/"));
        let mut headers: Vec<(&str, &str)> = self.lines.iter().map(|line| (HSTS, *line)).collect();
        headers.extend(self.leads_to.map(|location| ("location", location)));
        let status = if self.leads_to.is_some() { 308 } else { 200 };
        let mut world = World::new().name(host, &[AT]).says(&own, status, &headers);
        world = match self.plain {
            Ok(headers) if headers.iter().any(|(name, _)| *name == "location") => {
                world.says(&plain, 301, headers)
            }
            Ok(headers) => world.says(&plain, 200, headers),
            Err(why) => world.fails(&plain, why),
        };
        for (url, status, headers) in self.more {
            world = world.says(url, *status, headers);
        }
        world = shaken(world, host, self.handshake);
        let www = format!("www.{host}");
        world = match self.www {
            Some(handshake) => shaken(world.name(&www, &[AT]), &www, handshake),
            None => world.name(&www, &[]),
        };
        let probe = HstsPreload {
            policy: self.policy,
            ..HstsPreload::default()
        };
        world.by(&probe, host)
    }

    fn codes(self) -> Vec<String> {
        let outcome = self.judged();
        outcome
            .findings
            .iter()
            .map(|finding| format!("{} {}", finding.status.word(), finding.code))
            .collect()
    }
}

fn shaken(world: World, name: &str, handshake: Handshake) -> World {
    match handshake {
        Ok(end) => world.shakes(name, 443, end),
        Err(why) => {
            let endpoint = Endpoint::new(SocketAddr::new(AT.parse().unwrap(), 443), name, true);
            World(world.0.with_error(TlsHandshake::new(endpoint), why))
        }
    }
}

/// What is found on a site that fits but for this.
fn site<'a>(change: impl FnOnce(&mut Site<'a>)) -> Vec<String> {
    let mut site: Site<'a> = Site::default();
    change(&mut site);
    site.codes()
}

/// A site with this header.
fn header(line: &str) -> Vec<String> {
    let lines = [line];
    site(|s| s.lines = &lines)
}

/// A site whose plain http leads there, with whatever else answers.
fn plain(location: &str, more: Responses<'_>) -> Vec<String> {
    let headers = [("location", location)];
    site(|s| {
        s.plain = Ok(&headers);
        s.more = more;
    })
}

/// A site whose own page leads there, with whatever else answers.
fn own(location: &str, more: Responses<'_>) -> Vec<String> {
    site(|s| {
        s.leads_to = Some(location);
        s.more = more;
    })
}

fn host(host: &str) -> Vec<String> {
    let finding = domain::format(host).into_iter();
    finding
        .map(|f| format!("{} {}", f.status.word(), f.code))
        .collect()
}

#[test]
fn a_host_that_fits_is_silent() {
    let outcome = Site::default().judged();
    assert!(
        outcome.status.is_pass() && outcome.findings.is_empty(),
        "{outcome:?}"
    );
    assert_eq!(outcome.summary, "the host fits the preload list");
    assert_eq!(outcome.evidence[0].value, FITS);
    for line in [
        "max-age=63072000; includeSubDomains; preload",
        "MAX-AGE=31536000;INCLUDESUBDOMAINS;PRELOAD",
        "preload; includeSubDomains; max-age=315360000",
    ] {
        assert_eq!(header(line), [""; 0], "{line}");
    }
    assert_eq!(
        own(
            "https://www.example.com/",
            &[("https://www.example.com/", 200, &[])]
        ),
        [""; 0],
        "on from there to anywhere"
    );
}

#[test]
fn the_first_redirect_must_answer() {
    let world = |reason: Reason| {
        World::new()
            .name("www.example.com", &[])
            .says(
                "http://example.com/",
                301,
                &[("location", "https://example.com/a")],
            )
            .fails("https://example.com/a", failed(reason))
            .says("https://example.com/", 200, &[(HSTS, FITS)])
            .shakes_hands(443)
            .by(&HstsPreload::default(), HOST)
    };
    let codes = |outcome: &Outcome| -> Vec<String> {
        outcome
            .findings
            .iter()
            .map(|f| format!("{} {}", f.status.word(), f.code))
            .collect()
    };
    assert_eq!(
        codes(&world(Reason::TCP_REFUSED)),
        [
            "fail redirects.follow_error",
            "fail redirects.http.first_redirect.invalid"
        ]
    );
    assert_eq!(
        codes(&world(Reason::TIMEOUT)),
        [
            "unknown redirects.follow_error",
            "unknown redirects.http.first_redirect.invalid"
        ]
    );
}

#[test]
fn what_could_not_be_looked_at_is_unknown() {
    let silent = || failed(Reason::TIMEOUT);
    for (site, code) in [
        (
            Site {
                handshake: Err(silent()),
                ..Site::default()
            },
            "unknown domain.tls.cannot_connect",
        ),
        (
            Site {
                plain: Err(silent()),
                ..Site::default()
            },
            "unknown redirects.http.does_not_exist",
        ),
        (
            Site {
                www: Some(Err(silent())),
                ..Site::default()
            },
            "unknown domain.www.no_tls",
        ),
    ] {
        assert_eq!(site.codes(), [code]);
    }
}

#[test]
fn without_a_page_nothing_else_is_judged() {
    let world = World::new()
        .name("www.example.com", &[])
        .fails("http://example.com/", failed(Reason::TCP_REFUSED))
        .fails("https://example.com/", failed(Reason::TCP_REFUSED))
        .shakes_hands(443);
    let outcome = world.by(&HstsPreload::default(), HOST);
    let codes: Vec<&str> = outcome.findings.iter().map(|f| f.code.as_str()).collect();
    assert_eq!(codes, ["domain.tls.cannot_connect"]);
    assert!(outcome.status.is_fail());
}

#[test]
fn a_faulty_header_is_not_told_twice() {
    let codes = Site {
        lines: &["max-age=1"],
        plain: Ok(&[("location", "https://example.com/a")]),
        more: &[("https://example.com/a", 200, &[])],
        ..Site::default()
    }
    .codes();
    assert!(
        !codes.iter().any(|code| code.contains("first_redirect")),
        "{codes:?}"
    );
}

#[test]
fn it_applies_where_there_is_plain_http_and_https() {
    for (target, plain_port, word) in [
        ("https://example.com:8443/", 0, "not_applicable"),
        ("tcp://example.com:443", 0, "not_applicable"),
        ("https://192.0.2.1/", 0, "fail"),
        ("https://localhost/", 0, "fail"),
        ("https://example.com:8443/", 8080, "unknown"),
    ] {
        let probe = HstsPreload {
            plain_port,
            ..HstsPreload::default()
        };
        assert_eq!(World::new().by(&probe, target).status.word(), word, "{target}");
    }
}

#[test]
fn settings_are_read() {
    let registry = builtin::registry();
    for (policy, is_known) in [
        ("one_year", true),
        ("eighteen_weeks", true),
        ("removal", true),
        ("bulk", false),
    ] {
        let built = registry.build("http.hsts_preload", &json!({ "policy": policy }));
        assert_eq!(built.is_ok(), is_known, "{policy}");
    }
}

#[test]
fn hostile_headers_end_and_say_little() {
    for value in samples::hostile() {
        let exchange = samples::html(&[(HSTS, value)]);
        for policy in [PreloadPolicy::OneYear, PreloadPolicy::Removal] {
            assert!(header::findings(&exchange, policy).len() < 20);
        }
    }
}

#[test]
fn what_is_said_keeps_the_rules() {
    for site in [
        Site::default(),
        Site {
            lines: &["max-age=0;;x"],
            plain: Ok(&[("location", "https://www.example.com/"), (HSTS, "x")]),
            www: Some(untrusted()),
            ..Site::default()
        },
    ] {
        let faults = readiness_core::testing::faults_of_outcome(&site.judged());
        assert_eq!(faults, [""; 0]);
    }
}

const SHA1_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05";
const SHA1_ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x01";
const SHA256_RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";

#[test]
fn signatures_over_sha_1_are_known() {
    for (algorithm, subject, issuer, is_sha1) in [
        (SHA1_RSA, "leaf", "ca", true),
        (SHA1_ECDSA, "leaf", "ca", true),
        (SHA256_RSA, "leaf", "ca", false),
        // A root is trusted for what it is.
        (SHA1_RSA, "root", "root", false),
    ] {
        let der = certificate(algorithm, subject, issuer);
        assert_eq!(
            domain::is_signed_with_sha1(&der),
            is_sha1,
            "{subject} {algorithm:x?}"
        );
    }
    assert!(!domain::is_signed_with_sha1(b"junk"));
}

/// One value of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, len[0], len[1]], content].concat()
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

/// A certificate that claims this algorithm. No library signs with SHA-1 any more, and nothing here verifies.
fn certificate(algorithm: &[u8], subject: &str, issuer: &str) -> Vec<u8> {
    let algorithm = || sequence(&[der(6, algorithm), der(5, b"")]);
    let name = |name: &str| {
        let attribute = sequence(&[der(6, b"\x55\x04\x03"), der(12, name.as_bytes())]);
        sequence(&[der(0x31, &attribute)])
    };
    let dates = sequence(&[der(23, b"260101000000Z"), der(23, b"270101000000Z")]);
    let key = sequence(&[algorithm(), der(3, b"\0key")]);
    let to_be_signed = sequence(&[
        der(2, b"\x01"),
        algorithm(),
        name(issuer),
        dates,
        name(subject),
        key,
    ]);
    sequence(&[to_be_signed, algorithm(), der(3, b"\0signature")])
}
