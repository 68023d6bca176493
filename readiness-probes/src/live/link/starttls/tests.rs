use readiness_core::fact::{Frame, Pattern};
use tokio::io::{DuplexStream, duplex};

use super::*;

fn names() -> Names<'static> {
    Names::new("mail.example.com", Ok("192.0.2.7:4711".parse().unwrap()))
}

/// A peer that says this at each turn, whatever it is told: the first before it is asked.
async fn with(script: &StartTls, says: &[&[u8]]) -> (Result<(), Refusal>, Vec<u8>) {
    let (mut ours, mut theirs) = duplex(64 * 1024);
    // A database is asked first.
    let mut speaks = matches!(script.steps().first(), Some(Step::Expect(_)));
    let peer = async move {
        let mut heard = Vec::new();
        let mut says = says.iter();
        loop {
            if speaks {
                let Some(said) = says.next() else { break };
                theirs.write_all(said).await.unwrap();
            }
            speaks = true;
            let mut chunk = [0; 1024];
            match theirs.read(&mut chunk).await {
                Ok(n) if n > 0 => heard.extend_from_slice(&chunk[..n]),
                _ => break,
            }
        }
        heard
    };
    let ours = async {
        let result = negotiate(script, &names(), &mut ours).await;
        drop(ours);
        result
    };
    tokio::join!(ours, peer)
}

#[tokio::test(start_paused = true)]
async fn mail_servers_are_led_to_tls() {
    let ehlo: &[u8] = b"250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n";
    let (result, heard) = with(&StartTls::smtp(), &[b"220 mx\r\n", ehlo, b"220 go\r\n"]).await;
    assert_eq!(result, Ok(()));
    assert_eq!(heard, b"EHLO [192.0.2.7]\r\nSTARTTLS\r\n");
    let called = StartTls::lmtp().with_client_name("probe.example.com").unwrap();
    let (result, heard) = with(&called, &[b"220 mx\r\n", ehlo, b"220 go\r\n"]).await;
    assert_eq!(result, Ok(()));
    assert_eq!(heard, b"LHLO probe.example.com\r\nSTARTTLS\r\n");
    let (result, heard) = with(&StartTls::imap(), &[b"* OK hi\r\n", b"* x\r\na1 OK go\r\n"]).await;
    assert_eq!((result, &*heard), (Ok(()), &b"a1 STARTTLS\r\n"[..]));
    let (result, heard) = with(&StartTls::pop3(), &[b"+OK hi\r\n", b"+OK go\r\n"]).await;
    assert_eq!((result, &*heard), (Ok(()), &b"STLS\r\n"[..]));
}

#[tokio::test(start_paused = true)]
async fn databases_are_led_to_tls() {
    let (result, heard) = with(&StartTls::postgres(), &[b"S"]).await;
    assert_eq!((result, &*heard), (Ok(()), &b"\0\0\0\x08\x04\xd2\x16\x2f"[..]));
    let greeting = mysql_greeting(0xffff);
    let (result, heard) = with(&StartTls::mysql(), &[&greeting]).await;
    assert_eq!(result, Ok(()));
    // SSLRequest: CLIENT_SSL is set, and the packet is as long as it says.
    assert_eq!((heard.len(), &heard[..8]), (36, &b"\x20\0\0\x01\x00\x8a\0\0"[..]));
}

fn mysql_greeting(capabilities: u16) -> Vec<u8> {
    let mut packet = b"\x2a\0\0\0\x0a8.0.36\0".to_vec();
    packet.extend([1, 0, 0, 0]);
    packet.extend(*b"abcdefgh\0");
    packet.extend(capabilities.to_le_bytes());
    packet.resize(46, 0);
    packet
}

#[tokio::test(start_paused = true)]
async fn each_refusal_is_named() {
    let smtp = StartTls::smtp;
    let long = [b'2'; 9000];
    let many = b"250-x\r\n".repeat(2000);
    let greeting = mysql_greeting(0xf7ff);
    let mut crowded = mysql_greeting(0xffff);
    crowded.push(b'x');
    for (script, says, reason, part) in [
        (
            smtp(),
            &[&b"554 go away\r\n"[..]][..],
            "starttls.unexpected",
            "its greeting is `554 go away`",
        ),
        (
            smtp(),
            &[b"220 mx\r\n", b"250 mx\r\n"],
            "starttls.declined",
            "its answer to `EHLO` has no `STARTTLS`",
        ),
        (
            smtp(),
            &[b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n", b"454 no key\r\n"],
            "starttls.declined",
            "its answer to `STARTTLS` is `454 no key`",
        ),
        (
            StartTls::imap(),
            &[b"* OK\r\n", b"a1 BAD no\r\n"],
            "starttls.declined",
            "`a1 BAD no`",
        ),
        (
            StartTls::pop3(),
            &[b"+OK\r\n", b"-ERR no\r\n"],
            "starttls.declined",
            "`-ERR no`",
        ),
        (
            StartTls::postgres(),
            &[b"N"],
            "starttls.declined",
            "its answer to the request for TLS is `N`",
        ),
        (
            StartTls::mysql(),
            &[&greeting],
            "starttls.declined",
            "its greeting has no capability for it",
        ),
        // What is put in behind the last answer, in the same packet.
        (
            smtp(),
            &[
                b"220 mx\r\n",
                b"250-mx\r\n250 STARTTLS\r\n",
                b"220 go\r\n250 evil\r\n",
            ],
            "starttls.injected",
            "plain text was put in before TLS, behind its answer to `STARTTLS`: `250 evil`",
        ),
        (
            StartTls::imap(),
            &[b"* OK\r\n", b"a1 OK\r\n* evil\r\n"],
            "starttls.injected",
            "`* evil`",
        ),
        (StartTls::postgres(), &[b"SE"], "starttls.injected", "`E`"),
        (
            StartTls::postgres(),
            &[b"S\0\0"],
            "starttls.injected",
            "the request for TLS",
        ),
        (
            StartTls::mysql(),
            &[&crowded],
            "starttls.injected",
            "behind its greeting: `x`",
        ),
        // A whole dialogue in one packet: nobody asked for its answers.
        (
            smtp(),
            &[b"220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n"],
            "starttls.injected",
            "behind its greeting",
        ),
        (
            smtp(),
            &[b"SSH-2.0-x\r\n"],
            "starttls.unexpected",
            "`SSH-2.0-x`, which is no reply",
        ),
        (
            smtp(),
            &[b"\x15\x03\x03\0\x02\x02\x28"],
            "starttls.unexpected",
            "TLS from the first byte",
        ),
        (
            StartTls::postgres(),
            &[b"\x15"],
            "starttls.unexpected",
            "TLS from the first byte",
        ),
        (smtp(), &[&long], "starttls.unexpected", "longer than 8192 bytes"),
        (smtp(), &[&many], "starttls.unexpected", "longer than 8192 bytes"),
        (
            StartTls::mysql(),
            &[b"\xff\xff\xff\0"],
            "starttls.unexpected",
            "longer than 1024 bytes",
        ),
        (
            StartTls::mysql(),
            &[b"HTTP/1.1 400 Bad Request\r\n"],
            "starttls.unexpected",
            "longer than",
        ),
        (smtp(), &[], "tls.closed", "in the middle of its greeting"),
        (
            smtp(),
            &[b"220 mx\r\n"],
            "tls.closed",
            "in the middle of its answer to `EHLO`",
        ),
        (
            StartTls::postgres(),
            &[],
            "tls.closed",
            "in the middle of its answer to the request for TLS",
        ),
    ] {
        let (result, _) = with(&script, says).await;
        let refusal = result.unwrap_err();
        assert_eq!(refusal.reason.as_str(), reason, "{says:?}: {refusal:?}");
        assert!(refusal.message.contains(part), "{says:?}: {refusal:?}");
        assert!(!refusal.message.contains(|c: char| c.is_control()), "{refusal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_before_our_first_message_of_tls_is_not_given_to_it() {
    let (mut ours, mut theirs) = duplex(1024);
    let script = StartTls::postgres();
    let peer = async {
        let mut ask = [0; 8];
        theirs.read_exact(&mut ask).await.unwrap();
        // Two packets: the second is there when the first is understood.
        theirs.write_all(b"S").await.unwrap();
        theirs.write_all(b"evil").await.unwrap();
        theirs
    };
    let names = names();
    let (result, _theirs) = tokio::join!(negotiate(&script, &names, &mut ours), peer);
    assert_eq!(result.unwrap_err().reason, Reason::STARTTLS_INJECTED);
}

#[tokio::test(start_paused = true)]
async fn the_next_bytes_are_left_to_tls() {
    let (mut ours, mut theirs) = duplex(1024);
    let peer = async move {
        let mut ask = [0; 8];
        theirs.read_exact(&mut ask).await.unwrap();
        theirs.write_all(b"S").await.unwrap();
        let mut hello = [0; 5];
        theirs.read_exact(&mut hello).await.unwrap();
        theirs.write_all(b"\x16\x03\x03").await.unwrap();
    };
    let us = async {
        negotiate(&StartTls::postgres(), &names(), &mut ours)
            .await
            .unwrap();
        ours.write_all(b"hello").await.unwrap();
        let mut reply = Vec::new();
        ours.read_to_end(&mut reply).await.unwrap();
        reply
    };
    let (reply, ()) = tokio::join!(us, peer);
    assert_eq!(reply, b"\x16\x03\x03");
}

/// Says one byte in each second or so, for ever.
async fn drip(mut theirs: DuplexStream, byte: u8) {
    while theirs.write_all(&[byte]).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(1100)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_step_has_its_deadline() {
    let names = names();
    for (script, byte, limit, part) in [
        (
            StartTls::smtp(),
            b'2',
            5,
            "its greeting within 5s: 5 bytes came: `22222`",
        ),
        (StartTls::imap(), b'*', 5, "5 bytes came"),
        (StartTls::mysql(), 9, 5, "5 bytes came"),
    ] {
        let (mut ours, theirs) = duplex(64);
        let began = tokio::time::Instant::now();
        let refusal = tokio::select! {
            result = negotiate(&script, &names, &mut ours) => result.unwrap_err(),
            () = drip(theirs, byte) => unreachable!("it drips for ever"),
        };
        assert_eq!(refusal.reason, Reason::TIMEOUT);
        assert!(refusal.message.contains(part), "{}", refusal.message);
        assert_eq!(began.elapsed().as_secs(), limit, "{}", script.name());
    }
    // Who listens and says nothing may wait for TLS.
    let (mut ours, _theirs) = duplex(64);
    let refusal = negotiate(&StartTls::pop3(), &names, &mut ours).await.unwrap_err();
    assert!(
        refusal
            .message
            .ends_with("the port may speak TLS from the first byte")
    );
    // Who takes nothing is given up on as well.
    let (mut ours, _theirs) = duplex(4);
    let refusal = negotiate(&StartTls::postgres(), &names, &mut ours)
        .await
        .unwrap_err();
    assert_eq!(refusal.message, "the peer took nothing within 3s");
}

#[tokio::test(start_paused = true)]
async fn a_script_of_ones_own_is_followed() {
    let line = |word: &str| Expect::new(Frame::Line).accept(Pattern::begins(word));
    let script = StartTls::new(
        "sieve",
        vec![
            Step::Expect(
                Expect::new(Frame::Lines {
                    until: vec!["OK".to_owned(), "NO".to_owned()],
                })
                .accept(Pattern::begins("OK"))
                .accept(Pattern::keyword("STARTTLS"))
                .decline(Pattern::begins("OK")),
            ),
            Step::send("STARTTLS {host} {none}\r\n"),
            Step::Expect(
                line("OK")
                    .decline(Pattern::Contains("not".to_owned()))
                    .most_bytes(20),
            ),
        ],
    )
    .unwrap();
    let (result, heard) = with(
        &script,
        &[b"\"SIEVE\" \"x\"\r\n\"STARTTLS\"\r\nOK\r\n", b"OK\r\n"],
    )
    .await;
    assert_eq!(
        (result, &*heard),
        (Ok(()), &b"STARTTLS mail.example.com {none}\r\n"[..])
    );
    for (says, reason) in [
        (&[&b"\"SIEVE\" \"x\"\r\nOK\r\n"[..]][..], "starttls.declined"),
        (&[b"\"STARTTLS\"\r\nNO\r\n"], "starttls.unexpected"),
        (
            &[b"\"STARTTLS\"\r\nOK\r\n", b"NO, not now\r\n"],
            "starttls.declined",
        ),
        (
            &[b"\"STARTTLS\"\r\nOK\r\n", b"OK, after all of it\r\n"],
            "starttls.unexpected",
        ),
    ] {
        let (result, _) = with(&script, says).await;
        assert_eq!(result.unwrap_err().reason.as_str(), reason, "{says:?}");
    }
}

#[tokio::test]
async fn a_peer_of_many_small_pieces_costs_no_more_than_one_of_few() {
    // 64 KiB of lines that never end, a byte at a time. Quadratic work would take minutes.
    let script = StartTls::new(
        "slow",
        vec![Step::Expect(
            Expect::new(Frame::Lines {
                until: vec!["end".to_owned()],
            })
            .accept(Pattern::begins("end"))
            .most_bytes(StartTls::MOST_BYTES)
            .within_ms(StartTls::MOST_MS),
        )],
    )
    .unwrap();
    let (mut ours, mut theirs) = duplex(1);
    let text = b"x\n".repeat(40_000);
    let peer = async { theirs.write_all(&text).await };
    let names = names();
    let (result, _) = tokio::join!(
        async {
            let result = negotiate(&script, &names, &mut ours).await;
            drop(ours);
            result
        },
        peer
    );
    assert!(result.unwrap_err().message.contains("longer than 65536 bytes"));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        which in 0..StartTls::KNOWN.len(),
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
        pieces in 1..50_usize,
    ) {
        let script = StartTls::named(StartTls::KNOWN[which]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        match runtime.block_on(hold_dialogue(&script, &bytes, pieces)) {
            // A peer that listens to nobody puts in what it says, unless it is asked but once.
            Ok(()) => proptest::prop_assert_eq!(&bytes[..], b"S"),
            Err((reason, message)) => {
                proptest::prop_assert!(!message.is_empty() && message.len() < 1000, "{reason}: {message}");
            }
        }
    }
}

#[test]
fn we_are_called_by_our_address() {
    for (local, client) in [
        ("192.0.2.1:1", "[192.0.2.1]"),
        ("[2001:db8::1]:1", "[IPv6:2001:db8::1]"),
        ("[::ffff:192.0.2.1]:1", "[192.0.2.1]"),
    ] {
        assert_eq!(Names::new("x", Ok(local.parse().unwrap())).client, client);
    }
    assert_eq!(
        Names::new("x", Err(io::ErrorKind::NotConnected.into())).client,
        "[127.0.0.1]"
    );
}
