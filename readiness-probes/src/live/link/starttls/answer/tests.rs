use proptest::prelude::*;
use readiness_core::fact::{StartTls, Step};

use super::*;

fn end(frame: &Frame, bytes: &[u8]) -> End {
    Framer::new(frame).look(bytes)
}

#[test]
fn each_frame_finds_its_end() {
    let until = |text: &str| Frame::Lines {
        until: vec![text.to_owned()],
    };
    let mysql = Frame::Prefixed(LengthField::new(0, 3, 4));
    let tpkt = Frame::Prefixed(LengthField::new(2, 2, 0).big_endian());
    for (frame, bytes, expected) in [
        (Frame::Bytes(2), &b"a"[..], End::More),
        (Frame::Bytes(2), b"abc", End::At(2)),
        (Frame::Line, b"+OK", End::More),
        (Frame::Line, b"+OK\r\n+OK", End::At(5)),
        (Frame::Line, b"\n", End::At(1)),
        (until("a1 "), b"* x\r\na1 OK\r\nmore", End::At(12)),
        (until("a1 "), b"* a1 \r\n", End::More),
        (until("a1 "), b"A1 no\n", End::At(6)),
        (Frame::Reply, b"", End::More),
        (Frame::Reply, b"25", End::More),
        (Frame::Reply, b"250-a\r\n250", End::More),
        (Frame::Reply, b"250-a\r\n250 b\r\nx", End::At(14)),
        (Frame::Reply, b"250\r\n", End::At(5)),
        (Frame::Until("ab".into()), b"aab", End::At(3)),
        (Frame::Until("ab".into()), b"aa", End::More),
        (mysql.clone(), b"\x01\x00", End::More),
        (mysql.clone(), b"\x01\x00\x00\x00", End::More),
        (mysql.clone(), b"\x01\x00\x00\x00ab", End::At(5)),
        (mysql.clone(), b"\0\0\0\0", End::At(4)),
        (mysql, b"\xff\xff\xff\0", End::At(0x00ff_ffff + 4)),
        (tpkt.clone(), b"\x03\0\0\x05x", End::At(5)),
    ] {
        assert_eq!(end(&frame, bytes), expected, "{frame:?} {bytes:?}");
    }
    for (frame, bytes) in [
        (Frame::Reply, &b"SSH-2.0-x"[..]),
        (Frame::Reply, b"\x15\x03\x03"),
        (Frame::Reply, b"25\r\n"),
        (Frame::Reply, b"250+a\r\n"),
        (Frame::Reply, b"250-a\r\n220 b\r\n"),
        (Frame::Reply, b"\r\n"),
        (tpkt, b"\x03\0\0\x03"),
    ] {
        assert!(matches!(end(&frame, bytes), End::Wrong(_)), "{frame:?} {bytes:?}");
    }
}

fn judged(name: &str, step: usize, answer: &[u8]) -> Verdict {
    match &StartTls::named(name).unwrap().steps()[step] {
        Step::Expect(expect) => verdict(expect, answer),
        other => panic!("{other:?}"),
    }
}

/// The greeting of a MySQL server with these lower capabilities.
fn mysql_greeting(capabilities: u16) -> Vec<u8> {
    let mut packet = b"\x4a\0\0\0\x0a8.0.36\0".to_vec();
    packet.extend([1, 0, 0, 0]);
    packet.extend(*b"abcdefgh\0");
    packet.extend(capabilities.to_le_bytes());
    packet.resize(78, 0);
    packet
}

#[test]
fn answers_of_the_built_in_dialogues_mean_what_they_should() {
    let declined = |lacks: Option<&str>| Verdict::Declined {
        lacks: lacks.map(str::to_owned),
    };
    let no_keyword = || declined(Some("`STARTTLS`"));
    for (name, step, answer, expected) in [
        ("smtp", 0, &b"220 mx ESMTP\r\n"[..], Verdict::Accepted),
        ("smtp", 0, b"220-mx\r\n220 hello\r\n", Verdict::Accepted),
        ("smtp", 0, b"554 no service\r\n", Verdict::Unexpected),
        ("smtp", 0, b"354 go on\r\n", Verdict::Unexpected),
        ("smtp", 2, b"250-mx\r\n250 STARTTLS\r\n", Verdict::Accepted),
        (
            "smtp",
            2,
            b"250-mx\r\n250-starttls\r\n250 HELP\r\n",
            Verdict::Accepted,
        ),
        ("smtp", 2, b"250 STARTTLS\r\n", no_keyword()),
        ("smtp", 2, b"250-STARTTLS.example\r\n250 HELP\r\n", no_keyword()),
        (
            "smtp",
            2,
            b"250-mx\r\n250-XSTARTTLS\r\n250 AUTH STARTTLS\r\n",
            no_keyword(),
        ),
        ("smtp", 2, b"502 what?\r\n", declined(None)),
        ("smtp", 2, b"421 later\r\n", Verdict::Unexpected),
        ("smtp", 4, b"220 go\r\n", Verdict::Accepted),
        ("smtp", 4, b"454 not now\r\n", declined(None)),
        ("smtp", 4, b"250 fine\r\n", Verdict::Unexpected),
        ("imap", 0, b"* OK ready\r\n", Verdict::Accepted),
        ("imap", 0, b"* PREAUTH hello\r\n", declined(None)),
        ("imap", 0, b"+OK ready\r\n", Verdict::Unexpected),
        (
            "imap",
            2,
            b"* CAPABILITY IMAP4rev1\r\na1 ok begin\r\n",
            Verdict::Accepted,
        ),
        (
            "imap",
            2,
            b"a1 BAD TLS support isn't enabled.\r\n",
            declined(None),
        ),
        ("pop3", 2, b"+OK begin\r\n", Verdict::Accepted),
        ("pop3", 2, b"-ERR no\r\n", declined(None)),
        ("postgres", 1, b"S", Verdict::Accepted),
        ("postgres", 1, b"N", declined(None)),
        ("postgres", 1, b"E", Verdict::Unexpected),
        ("postgres", 1, b"s", Verdict::Unexpected),
        ("mysql", 0, &mysql_greeting(0xf7ff | 0x0800), Verdict::Accepted),
        (
            "mysql",
            0,
            &mysql_greeting(0xf7ff),
            declined(Some("capability for it")),
        ),
        (
            "mysql",
            0,
            b"\x09\0\0\0\xff\x69\x04Host 'x' is blocked",
            Verdict::Unexpected,
        ),
        (
            "mysql",
            0,
            b"\x02\0\0\0\x0a8",
            declined(Some("capability for it")),
        ),
        ("mysql", 0, b"\x01\0\0\0\x09", Verdict::Unexpected),
    ] {
        assert_eq!(judged(name, step, answer), expected, "{name} {step} {answer:?}");
    }
}

#[test]
fn words_of_a_peer_are_shown_short_and_clean() {
    for (bytes, shown) in [
        (&b"220 mx\x1b[31m ready\r\n"[..], "220 mx\u{fffd}[31m ready"),
        (
            b"\x09\0\0\0\xff\x69\x04Host `x` is blocked",
            "Host 'x' is blocked",
        ),
        (b"\xd2a\r\nb", "\u{fffd}a"),
        (b"\0\0\0\x08\x04\xd2\x16\x2f", ""),
        (b"N", "N"),
        (b"", ""),
    ] {
        assert_eq!(printable(bytes), shown, "{bytes:?}");
    }
    assert_eq!(printable(&[b'x'; 1000]).len(), MOST_CHARACTERS);
    let byte = Expect::new(Frame::Bytes(1));
    assert_eq!((&*quoted(&byte, b"N"), &*quoted(&byte, b"\x15")), ("N", "0x15"));
}

fn frames() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (1..40_u32).prop_map(Frame::Bytes),
        Just(Frame::Line),
        Just(Frame::Lines {
            until: vec!["a1 ".to_owned(), "*".to_owned()]
        }),
        (0..4_u32, 1..=4_u8, 0..6_u32)
            .prop_map(|(offset, size, plus)| Frame::Prefixed(LengthField::new(offset, size, plus))),
        Just(Frame::Reply),
        Just(Frame::Until("\r\n.".into())),
    ]
}

proptest! {
    #[test]
    fn pieces_make_no_difference(
        frame in frames(),
        bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'2'), Just(b'-'), any::<u8>()], 0..80),
        pieces in 1..9_usize,
    ) {
        let at_once = end(&frame, &bytes);
        let mut framer = Framer::new(&frame);
        let mut last = framer.look(&[]);
        for to in (pieces..bytes.len() + pieces).step_by(pieces) {
            if last != End::More {
                break;
            }
            last = framer.look(&bytes[..to.min(bytes.len())]);
        }
        // What is wrong may be told earlier, in other words.
        match (&last, &at_once) {
            (End::Wrong(_), End::Wrong(_)) => {}
            _ => prop_assert_eq!(last, at_once),
        }
    }
}
