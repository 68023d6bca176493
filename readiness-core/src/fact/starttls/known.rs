//! The dialogues that are known by name.

use super::{BitField, Expect, Frame, LengthField, Pattern, StartTls, Step};

impl StartTls {
    /// The names of the built-in dialogues.
    pub const KNOWN: &'static [&'static str] = &["imap", "lmtp", "mysql", "pop3", "postgres", "smtp"];

    /// IMAP: `STARTTLS` (RFC 9051, section 6.2.1).
    pub fn imap() -> Self {
        let answer = Expect::new(Frame::Lines {
            until: vec!["a1 ".to_owned(), "* BYE".to_owned()],
        });
        built_in(
            "imap",
            vec![
                Step::Expect(
                    Expect::new(Frame::Line)
                        .accept(Pattern::begins("* OK"))
                        // Who is let in already can no longer ask for TLS.
                        .decline(Pattern::begins("* PREAUTH"))
                        .within_ms(GREETING_MS),
                ),
                Step::send("a1 STARTTLS\r\n"),
                Step::Expect(
                    answer
                        .accept(Pattern::begins("a1 OK"))
                        .decline(Pattern::begins("a1 NO"))
                        .decline(Pattern::begins("a1 BAD")),
                ),
            ],
        )
    }

    /// LMTP: as SMTP, with `LHLO` (RFC 2033, section 4.1).
    pub fn lmtp() -> Self {
        built_in("lmtp", mail("LHLO {client_name}\r\n"))
    }

    /// MySQL and MariaDB: the server says in its greeting whether it can, the client asks, and the handshake
    /// begins without an answer (MySQL's protocol of version 10, `Protocol::SSLRequest`).
    pub fn mysql() -> Self {
        // Three bytes of length, one of a sequence number, then the payload.
        let packet = Frame::Prefixed(LengthField::new(0, 3, 4));
        // Behind the text of the version: the connection's number (4), the first part of the challenge (8),
        // a zero, then the capabilities, least byte first; CLIENT_SSL is 0x0800.
        let can_tls = BitField::new(4 + 8 + 1 + 1, 0x08).after_text_at(5);
        // CLIENT_SSL | CLIENT_PROTOCOL_41 | CLIENT_SECURE_CONNECTION, 16 MiB packets, utf8mb4, 23 zeros.
        let mut ask = vec![32, 0, 0, 1, 0x00, 0x8a, 0, 0, 0, 0, 0, 1, 45];
        ask.resize(36, 0);
        built_in(
            "mysql",
            vec![
                Step::Expect(
                    Expect::new(packet)
                        .accept(Pattern::at(4, [10]))
                        .accept(Pattern::Bit(can_tls))
                        .decline(Pattern::at(4, [10]))
                        .most_bytes(1024)
                        .within_ms(GREETING_MS),
                ),
                Step::send(ask),
            ],
        )
    }

    /// POP3: `STLS` (RFC 2595, section 4).
    pub fn pop3() -> Self {
        let line = || Expect::new(Frame::Line).accept(Pattern::begins("+OK"));
        built_in(
            "pop3",
            vec![
                Step::Expect(line().within_ms(GREETING_MS)),
                Step::send("STLS\r\n"),
                Step::Expect(line().decline(Pattern::begins("-ERR"))),
            ],
        )
    }

    /// PostgreSQL: the `SSLRequest` message of eight bytes, answered by one.
    pub fn postgres() -> Self {
        let mut ask = 8_u32.to_be_bytes().to_vec();
        ask.extend(80_877_103_u32.to_be_bytes());
        built_in(
            "postgres",
            vec![
                Step::send(ask),
                Step::Expect(
                    Expect::new(Frame::Bytes(1))
                        .accept(Pattern::at(0, "S"))
                        .decline(Pattern::at(0, "N")),
                ),
            ],
        )
    }

    /// SMTP: `STARTTLS` (RFC 3207).
    pub fn smtp() -> Self {
        built_in("smtp", mail("EHLO {client_name}\r\n"))
    }
}

/// How long a greeting may take: servers look the client up first.
const GREETING_MS: u32 = 5000;

fn mail(hello: &str) -> Vec<Step> {
    let reply = || Expect::new(Frame::Reply);
    vec![
        // A server that turns us away at the door says nothing of TLS.
        Step::Expect(reply().accept(Pattern::begins("220")).within_ms(GREETING_MS)),
        Step::send(hello),
        Step::Expect(
            reply()
                .accept(Pattern::begins("250"))
                .accept(Pattern::keyword("STARTTLS"))
                .decline(Pattern::begins("250"))
                // It knows no extensions at all.
                .decline(Pattern::begins("50")),
        ),
        Step::send("STARTTLS\r\n"),
        Step::Expect(
            reply()
                .accept(Pattern::begins("220"))
                .decline(Pattern::begins("4"))
                .decline(Pattern::begins("5")),
        ),
    ]
}

fn built_in(name: &str, steps: Vec<Step>) -> StartTls {
    StartTls {
        name: name.to_owned(),
        client_name: String::new(),
        steps,
    }
}

pub(super) fn find(name: &str) -> Option<StartTls> {
    Some(match name {
        "imap" => StartTls::imap(),
        "lmtp" => StartTls::lmtp(),
        "mysql" => StartTls::mysql(),
        "pop3" => StartTls::pop3(),
        "postgres" => StartTls::postgres(),
        "smtp" => StartTls::smtp(),
        _ => return None,
    })
}
