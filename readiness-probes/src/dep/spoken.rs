//! What a peer seems to speak that does not speak what was asked for.

/// The protocol whose first bytes these are, as words behind "it speaks".
pub(super) fn recognised(bytes: &[u8]) -> Option<&'static str> {
    let begins = |start: &[u8]| bytes.starts_with(start);
    let is_reply = |code: &[u8]| begins(code) && matches!(bytes.get(3), Some(b' ' | b'-'));
    if let [21, 3, ..] = bytes {
        // RFC 8446, section 6: an alert, as an answer to what is no handshake.
        return Some("TLS: it answered with an alert");
    }
    if let [22, 3, ..] = bytes {
        return Some("TLS");
    }
    if begins(b"HTTP/") {
        return Some("HTTP");
    }
    // RFC 9113, section 3.4: the server's part of the preface is a SETTINGS frame of the connection.
    if let [0, 0, _, 4, 0 | 1, 0, 0, 0, 0, ..] = bytes {
        return Some("HTTP/2");
    }
    if begins(b"SSH-") {
        return Some("SSH");
    }
    if is_reply(b"220") || is_reply(b"421") || is_reply(b"554") || is_reply(b"500") {
        return Some("SMTP or FTP");
    }
    if begins(b"* OK") || begins(b"* BYE") || begins(b"* PREAUTH") {
        return Some("IMAP");
    }
    if begins(b"+OK") {
        return Some("POP3");
    }
    if begins(b"+PONG") || begins(b"-ERR") || begins(b"-NOAUTH") || begins(b"-DENIED") {
        return Some("Redis");
    }
    if begins(b"INFO {") {
        return Some("NATS");
    }
    if begins(b"AMQP") {
        return Some("AMQP");
    }
    if begins(b"ERROR\r\n") || begins(b"CLIENT_ERROR ") {
        return Some("memcached");
    }
    // A packet of MySQL: three bytes of length, the number 0, then the version of the protocol or an error.
    if let [_, _, 0, 0, 10, version, ..] = bytes
        && version.is_ascii_digit()
    {
        return Some("MySQL");
    }
    // The version of its protocol is a line feed, so that this is all of its first line.
    if let [_, _, 0, 0, 10] = bytes {
        return Some("MySQL");
    }
    // An error of PostgreSQL: its first field is the severity.
    if let [b'E', 0, 0, _, _, b'S', ..] = bytes {
        return Some("PostgreSQL");
    }
    None
}

/// What a peer sent, as messages show it: the beginning of its first line, or of its bytes where they are no
/// text.
pub(super) fn shown(bytes: &[u8]) -> String {
    const MOST_CHARACTERS: usize = 80;
    const MOST_BYTES: usize = 12;
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let line = line.trim_ascii();
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    let start = line.get(..32).unwrap_or(line);
    if !start.is_empty() && start.iter().all(is_text) {
        return words(line, MOST_CHARACTERS);
    }
    let mut text = "0x".to_owned();
    for byte in bytes.iter().take(MOST_BYTES) {
        text.push_str(&format!("{byte:02x}"));
    }
    if bytes.len() > MOST_BYTES {
        text.push('…');
    }
    text
}

/// A text of a peer as facts of a report: one line, no control characters, no backticks, not endless.
pub(super) fn words(bytes: &[u8], most: usize) -> String {
    // A character has four bytes at most: what is behind is never looked at.
    let bytes = bytes.get(..most.saturating_mul(4)).unwrap_or(bytes);
    String::from_utf8_lossy(bytes.trim_ascii())
        .chars()
        .map(|c| match c {
            '`' => '\'',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .take(most)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_recognised() {
        for (bytes, name) in [
            (&b"HTTP/1.1 400 Bad Request\r\n"[..], Some("HTTP")),
            (b"\0\0\x12\x04\0\0\0\0\0\0\x03", Some("HTTP/2")),
            (
                b"\x15\x03\x01\0\x02\x02\x46",
                Some("TLS: it answered with an alert"),
            ),
            (b"\x16\x03\x03\0\x50", Some("TLS")),
            (b"SSH-2.0-OpenSSH_9.2p1\r\n", Some("SSH")),
            (b"220 mx.example.com ESMTP\r\n", Some("SMTP or FTP")),
            (b"2200", None),
            (b"* OK IMAP4rev1\r\n", Some("IMAP")),
            (b"+OK POP3\r\n", Some("POP3")),
            (b"+PONG\r\n", Some("Redis")),
            (b"-NOAUTH x\r\n", Some("Redis")),
            (b"INFO {\"server_id\"", Some("NATS")),
            (b"AMQP\0\0\x09\x01", Some("AMQP")),
            (b"ERROR\r\n", Some("memcached")),
            (b"\x4a\0\0\0\x0a8.0.36\0", Some("MySQL")),
            (b"\x4a\0\0\0\x0a", Some("MySQL")),
            (b"E\0\0\0\x90SFATAL\0", Some("PostgreSQL")),
            (b"\0\0\0\0", None),
            (b"", None),
        ] {
            assert_eq!(recognised(bytes), name, "{bytes:?}");
        }
    }

    #[test]
    fn what_came_is_shown_clean_and_short() {
        assert_eq!(shown(b"HTTP/1.1 400 `x`\r\nServer: y"), "HTTP/1.1 400 'x'");
        assert_eq!(shown(b"\xff\0\x01"), "0xff0001");
        assert_eq!(shown(&[7; 13]), format!("0x{}…", "07".repeat(12)));
        assert_eq!(shown(&[b'1'; 65_536]).len(), 80);
        assert_eq!(shown(b"\x1b[31mred"), "0x1b5b33316d726564");
        assert_eq!(words(b"a\x1b[1m\xff`", 40), "a\u{fffd}[1m\u{fffd}'");
        assert_eq!(words("ü".repeat(100).as_bytes(), 10).chars().count(), 10);
        assert_eq!(shown(b""), "0x");
    }
}
