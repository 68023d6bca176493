use proptest::{collection::vec, prelude::*};
use readiness_core::fact::{Endpoint, HelloAnswer, ServerHello, TlsHello, TlsVersion};
use tls_parser::{
    TlsExtension, TlsExtensionType, TlsMessage, TlsMessageHandshake, parse_tls_extensions,
    parse_tls_plaintext,
};

use super::{
    forge::{
        Asked, alert, alpn, certificate, curve, done, flight, message, prime, record, retry, server_hello,
    },
    *,
};

fn hello(name: &str, version: TlsVersion) -> TlsHello {
    let endpoint = Endpoint::new("127.0.0.1:443".parse().unwrap(), name, true);
    TlsHello::new(endpoint, version, vec![0xc02f, 0x002f, 0x000a]).groups(vec![29, 23])
}

fn written(hello: &TlsHello) -> Vec<u8> {
    write(hello, &[0xab; 32])
}

/// What becomes of these bytes in pieces of this size.
fn read_in(pieces: usize, whole_flight: bool, bytes: &[u8], end: End) -> HelloAnswer {
    let mut to = hello("a.test", TlsVersion::Tls12);
    to.whole_flight = whole_flight;
    let mut reply = Reply::new(&to);
    for piece in bytes.chunks(pieces) {
        if let Some(answer) = reply.push(piece) {
            return answer;
        }
    }
    reply.end(end)
}

fn read(bytes: &[u8]) -> HelloAnswer {
    read_in(4096, true, bytes, End::Closed)
}

fn agreed(answer: &HelloAnswer) -> &ServerHello {
    match answer {
        HelloAnswer::Hello(hello) => hello,
        other => panic!("{other:?}"),
    }
}

/// The extensions of a hello by their types, as tls-parser reads them.
fn extensions(record: &[u8]) -> Vec<u16> {
    let (rest, record) = parse_tls_plaintext(record).unwrap();
    assert!(rest.is_empty());
    let Some(TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello))) = record.msg.first() else {
        panic!("no ClientHello");
    };
    let (rest, list) = parse_tls_extensions(hello.ext.unwrap_or_default()).unwrap();
    assert!(rest.is_empty());
    list.iter()
        .map(|extension| TlsExtensionType::from(extension).0)
        .collect()
}

#[test]
fn each_version_is_offered_alone() {
    for (version, client, outer, expected) in [
        (TlsVersion::Ssl3, 0x0300, 0x0300, &[][..]),
        (TlsVersion::Tls10, 0x0301, 0x0301, &[0, 10, 11, 23, 0xff01]),
        (TlsVersion::Tls11, 0x0302, 0x0301, &[0, 10, 11, 23, 0xff01]),
        (
            TlsVersion::Tls12,
            0x0303,
            0x0301,
            &[0, 10, 11, 23, 0xff01, 13, 16],
        ),
        (TlsVersion::Tls13, 0x0303, 0x0301, &[0, 10, 13, 16, 43, 45, 51]),
    ] {
        let mut offer = hello("a.test", version);
        if version >= TlsVersion::Tls12 {
            offer.alpn = vec!["h2".into(), "http/1.1".into()];
        }
        let record = written(&offer);
        assert_eq!(record[1..3], u16::to_be_bytes(outer), "{version}");
        assert_eq!(record[9..11], u16::to_be_bytes(client), "{version}");
        assert_eq!(extensions(&record), expected, "{version}");
        let asked = Asked::read(&record);
        let mut suites = offer.suites.clone();
        if version == TlsVersion::Ssl3 {
            suites.push(0x00ff);
        } else {
            assert_eq!(asked.groups, offer.groups);
        }
        assert_eq!((asked.version, asked.suites), (version.number(), suites));
    }
}

#[test]
fn the_empty_key_share_asks_for_a_retry() {
    let record = written(&hello("a.test", TlsVersion::Tls13));
    let share = [0, 51, 0, 2, 0, 0];
    assert!(record.windows(share.len()).any(|part| part == share));
}

#[test]
fn addresses_are_not_asked_for_by_name() {
    for name in ["192.0.2.1", "2001:db8::1", "[::1]", "", "\u{e4}.test"] {
        let types = extensions(&written(&hello(name, TlsVersion::Tls12)));
        assert!(!types.contains(&0), "{name}");
    }
}

#[test]
fn sizes_that_some_servers_hang_on_are_padded_away() {
    for suites in [1, 40, 60, 61, 62, 100, 180, 183, 184, 185, 186, 187, 188, 400] {
        let mut offer = hello("a.test", TlsVersion::Tls12);
        offer.suites = (0..suites).collect();
        let plain = written(&offer).len() - 5;
        let record = written(&offer.padded());
        let padded = record.len() - 5;
        if (256..512).contains(&plain) {
            // Where less than an extension is missing, it becomes a little longer.
            assert!((512..516).contains(&padded), "{suites}: {plain} {padded}");
            assert_eq!(extensions(&record).last(), Some(&21));
        } else {
            assert_eq!(padded, plain, "{suites}");
        }
    }
    // SSLv3 has no extensions to pad with.
    let mut offer = hello("a.test", TlsVersion::Ssl3).padded();
    offer.suites = (0..150).collect();
    assert!(written(&offer).len() < 512);
}

#[test]
fn a_flight_of_tls_1_2_is_read_to_its_end() {
    let ecdhe = flight(&[
        server_hello(0x0303, 0xc02f, &[(0xff01, vec![0]), alpn("h2")]),
        certificate(&[b"leaf", b"issuer"]),
        message(22, b"staple"),
        curve(21),
        message(13, b"whom"),
        done(),
    ]);
    let expected = {
        let mut hello = ServerHello::new(0x0303, 0xc02f);
        hello.alpn = "h2".into();
        hello.group = Some(21);
        hello.chain = readiness_core::fact::ServerChain::new(vec![b"leaf".to_vec(), b"issuer".to_vec()]);
        hello
    };
    for pieces in [1, 2, 3, 5, 7, 4096] {
        let answer = read_in(pieces, true, &ecdhe, End::Closed);
        assert_eq!(agreed(&answer), &expected, "{pieces}");
    }
    // The same in records of one byte each.
    let messages = &ecdhe[5..];
    let tiny: Vec<u8> = messages.iter().flat_map(|byte| record(22, &[*byte])).collect();
    assert_eq!(agreed(&read(&tiny)), &expected);
    // The ServerHello alone is enough where no more is wanted, whatever follows.
    let mut alone = flight(&[server_hello(0x0303, 0xc02f, &[])]);
    alone.extend(b"garbage");
    let answer = read_in(4096, false, &alone, End::Closed);
    assert_eq!(agreed(&answer), &ServerHello::new(0x0303, 0xc02f));
}

#[test]
fn the_size_of_a_prime_is_read_in_bits() {
    for (bytes, bits) in [
        (vec![0x80; 128], Some(1024)),
        (vec![0x7f; 128], Some(1023)),
        ([vec![0; 3], vec![1; 256]].concat(), Some(2041)),
        (vec![1], Some(1)),
        (vec![0; 8], None),
        (vec![], None),
    ] {
        let bytes = flight(&[server_hello(0x0303, 0x0033, &[]), prime(&bytes), done()]);
        assert_eq!(agreed(&read(&bytes)).dh_bits, bits);
    }
}

#[test]
fn a_retry_request_names_version_and_group() {
    let answer = read(&flight(&[retry(0x1302, 0x11ec)]));
    let hello = agreed(&answer);
    assert!(hello.is_retry);
    assert_eq!(
        (hello.version, hello.suite, hello.group),
        (0x0304, 0x1302, Some(0x11ec))
    );
    // A ServerHello with a share, which no server can send here, is read too.
    let share = (51, [vec![0, 29, 0, 2], vec![1, 2]].concat());
    let answer = read(&flight(&[server_hello(
        0x0303,
        0x1301,
        &[(43, vec![3, 4]), share],
    )]));
    assert_eq!(
        (agreed(&answer).version, agreed(&answer).group),
        (0x0304, Some(29))
    );
    assert!(!agreed(&answer).is_retry);
}

#[test]
fn each_broken_reply_is_named() {
    let sh = || server_hello(0x0303, 0xc02f, &[]);
    let malformed = |part: &'static str| ("malformed", part);
    for (bytes, (kind, part)) in [
        (alert(2, 40), ("alert", "40")),
        (alert(1, 0), ("closed", "")),
        ([alert(1, 112), alert(2, 70)].concat(), ("alert", "70")),
        (
            [alert(1, 112), flight(&[sh(), done()])].concat(),
            ("hello", "cut: None"),
        ),
        (alert(1, 112).repeat(9), malformed("one warning after the other")),
        (alert(1, 112).repeat(8), ("closed", "")),
        (record(21, &[2]), malformed("an alert is not two bytes")),
        (record(21, &[2, 40, 0]), malformed("an alert is not two bytes")),
        (
            b"HTTP/1.1 400 Bad Request\r\n".to_vec(),
            ("not_tls", "plain HTTP"),
        ),
        (b"SSH-2.0-x".to_vec(), ("not_tls", "SSH")),
        (b"H".to_vec(), ("not_tls", "no TLS record")),
        (b"\x16".to_vec(), ("closed", "")),
        (record(22, &[]), malformed("a record is empty")),
        (vec![22, 3, 3, 0x40, 1], malformed("longer than the rules allow")),
        (vec![22, 3, 3, 0x40, 0], ("closed", "")),
        (record(20, &[1]), malformed("does not belong there")),
        (record(23, b"data"), malformed("does not belong there")),
        (record(24, b"beat"), malformed("no TLS record")),
        (flight(&[done()]), malformed("no ServerHello")),
        (flight(&[message(2, b"short")]), malformed("cannot be read")),
        (
            record(22, &[2, 0xff, 0xff, 0xff]),
            ("too_large", "16777215 bytes"),
        ),
        (record(22, &[2, 2, 0, 0]), ("closed", "")),
        (record(22, &[2, 2, 0, 1]), ("too_large", "131073 bytes")),
        (vec![], ("closed", "")),
    ] {
        let answer = read(&bytes);
        let json = serde_json::to_value(&answer).unwrap();
        let found = match &json {
            serde_json::Value::String(word) => word.clone(),
            other => other.as_object().unwrap().keys().next().unwrap().clone(),
        };
        assert_eq!(found, kind, "{answer:?}");
        assert!(format!("{answer:?}").contains(part), "{answer:?} {part}");
    }
}

#[test]
fn what_follows_the_server_hello_cannot_undo_it() {
    let begin = flight(&[server_hello(0x0303, 0xc02f, &[])]);
    for (rest, end, part) in [
        (b"garbage".to_vec(), End::Closed, "no TLS record"),
        (vec![], End::Closed, "closed"),
        (vec![], End::Reset, "reset"),
        (vec![], End::Silent, "did not come in time"),
        (alert(2, 80), End::Closed, "`internal_error`"),
        (flight(&[message(99, b"")]), End::Closed, "does not belong"),
        (
            flight(&[message(11, &[0, 0, 9, 1])]),
            End::Closed,
            "Certificate cannot be read",
        ),
        (
            record(22, &[11, 0xff, 0xff, 0xff]),
            End::Closed,
            "a message of 16777215 bytes",
        ),
        (record(22, &[]), End::Closed, "empty"),
        (record(22, &vec![22; 16_000]).repeat(9), End::Closed, "bytes"),
    ] {
        let answer = read_in(4096, true, &[begin.clone(), rest].concat(), end);
        let cut = agreed(&answer).cut.clone().unwrap_or_default();
        assert!(cut.contains(part), "{cut} {part}");
    }
}

#[test]
fn an_answer_without_end_is_cut() {
    // Messages that are read over, again and again.
    let many = flight(&vec![message(22, &[0; 100]); 100]).repeat(20);
    let bytes = [flight(&[server_hello(0x0303, 0xc02f, &[])]), many].concat();
    let answer = read(&bytes);
    assert!(
        agreed(&answer).cut.as_ref().unwrap().contains("more than 131072"),
        "{answer:?}"
    );
    // A chain of more certificates than anybody needs is kept in part.
    let certificates = vec![&b"x"[..]; 5000];
    let bytes = flight(&[server_hello(0x0303, 0xc02f, &[])]);
    let chain = certificate(&certificates);
    let chain: Vec<u8> = chain.chunks(16_000).flat_map(|part| record(22, part)).collect();
    let bytes = [bytes, chain, flight(&[done()])].concat();
    let answer = read(&bytes);
    assert_eq!(
        (agreed(&answer).chain.len(), agreed(&answer).cut.clone()),
        (100, None)
    );
}

proptest! {
    #[test]
    fn every_hello_is_read_the_same_by_another_reader(
        version in 0..5_usize,
        suites in vec(any::<u16>(), 1..300),
        groups in vec(any::<u16>(), 1..60),
        alpn in vec("[a-z0-9/.]{1,20}", 0..4),
        name in "[a-z]{1,30}(\\.[a-z]{2,20}){1,4}",
        padded: bool,
    ) {
        let version = TlsVersion::ALL[version];
        let mut offer = hello(&name, version).groups(groups.clone()).alpn(alpn.clone());
        offer.suites = suites.clone();
        offer.padded = padded;
        let record = written(&offer);
        let length = record.len() - 5;
        prop_assert!(!padded || version == TlsVersion::Ssl3 || !(256..512).contains(&length));
        let (rest, read) = parse_tls_plaintext(&record).unwrap();
        prop_assert!(rest.is_empty());
        let Some(TlsMessage::Handshake(TlsMessageHandshake::ClientHello(read))) = read.msg.first() else {
            panic!("no ClientHello");
        };
        let read_suites: Vec<u16> = read.ciphers.iter().map(|suite| suite.0).collect();
        if version == TlsVersion::Ssl3 {
            prop_assert_eq!(read_suites.last(), Some(&0x00ff));
            prop_assert_eq!(&read_suites[..suites.len()], &suites);
            return Ok(());
        }
        prop_assert_eq!(read_suites, suites);
        let (rest, extensions) = parse_tls_extensions(read.ext.unwrap()).unwrap();
        prop_assert!(rest.is_empty());
        for extension in extensions {
            match extension {
                TlsExtension::SNI(names) => prop_assert_eq!(names[0].1, name.as_bytes()),
                TlsExtension::EllipticCurves(read) => {
                    prop_assert_eq!(read.iter().map(|group| group.0).collect::<Vec<_>>(), groups.clone());
                }
                TlsExtension::ALPN(read) => {
                    let expected: Vec<&[u8]> = alpn.iter().map(|protocol| protocol.as_bytes()).collect();
                    prop_assert_eq!(read, expected);
                }
                TlsExtension::SupportedVersions(read) => prop_assert_eq!(read[0].0, version.number()),
                TlsExtension::Unknown(kind, _) => panic!("unknown extension {kind}"),
                _ => {}
            }
        }
    }

    #[test]
    fn both_readers_agree_on_every_valid_reply(
        version in 0x0300_u16..0x0304,
        suite in any::<u16>(),
        extensions in vec((0x4000_u16..0x4fff, vec(any::<u8>(), 0..20)), 0..4),
        chain in vec(vec(any::<u8>(), 1..400), 0..6),
        pieces in 1..200_usize,
    ) {
        let chain: Vec<&[u8]> = chain.iter().map(Vec::as_slice).collect();
        let messages = [server_hello(version, suite, &extensions), certificate(&chain), done()];
        let bytes = flight(&messages);
        let answer = read_in(pieces, true, &bytes, End::Closed);
        let ours = agreed(&answer);
        let (_, theirs) = parse_tls_plaintext(&bytes).unwrap();
        for message in theirs.msg {
            match message {
                TlsMessage::Handshake(TlsMessageHandshake::ServerHello(theirs)) => {
                    prop_assert_eq!((ours.version, ours.suite), (theirs.version.0, theirs.cipher.0));
                }
                TlsMessage::Handshake(TlsMessageHandshake::Certificate(theirs)) => {
                    let theirs: Vec<&[u8]> = theirs.cert_chain.iter().map(|raw| raw.data).collect();
                    prop_assert_eq!(ours.chain.iter().collect::<Vec<_>>(), theirs);
                }
                _ => {}
            }
        }
        prop_assert_eq!(&ours.cut, &None);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..600), pieces in 1..64_usize, flight: bool) {
        let mut to = hello("a.test", TlsVersion::Tls12);
        to.whole_flight = flight;
        let answer = read_hello_reply(&to, &bytes, pieces);
        prop_assert_eq!(answer, read_in(pieces, flight, &bytes, End::Closed));
    }

    #[test]
    fn no_damage_makes_it_panic(at in 0..400_usize, to: u8, cut in 0..400_usize, pieces in 1..64_usize) {
        let mut bytes = flight(&[
            server_hello(0x0303, 0x0033, &[alpn("h2"), (51, vec![0, 29, 0, 1, 1])]),
            certificate(&[&[0x30; 90], &[0x30; 60]]),
            prime(&[0xff; 64]),
            done(),
        ]);
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        bytes.truncate(bytes.len().saturating_sub(cut));
        let answer = read_in(pieces, true, &bytes, End::Reset);
        // How it is cut into pieces makes no difference.
        prop_assert_eq!(answer, read_in(4096, true, &bytes, End::Reset));
    }
}
