use std::io::Cursor;

use super::*;

/// An address as this machine's kernel writes it.
fn written(address: &str) -> String {
    let address: SocketAddr = address.parse().unwrap();
    let bytes = match address.ip() {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    let words: String = bytes
        .chunks(4)
        .map(|word| format!("{:08X}", u32::from_ne_bytes(word.try_into().unwrap())))
        .collect();
    format!("{words}:{:04X}", address.port())
}

const HEAD: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

fn line(local: &str, remote: &str, state: &str, uid: u32) -> String {
    format!(
        "   7: {} {} {state} 00000000:00000000 00:00000000 00000000 {uid:>5}        0 20250 1 0 100 0 0 10 0\n",
        written(local),
        written(remote)
    )
}

fn read(tables: &[(Transport, &str)]) -> SocketFacts {
    let mut reader = Reader::default();
    for (transport, table) in tables {
        reader.read(*transport, Cursor::new(table), || true).unwrap();
    }
    reader.facts()
}

fn shown(facts: &SocketFacts) -> Vec<String> {
    let all = facts.sockets.iter();
    all.map(|socket| format!("{} {socket} {}", socket.transport, socket.uid))
        .collect()
}

#[test]
fn sockets_that_wait_are_read_and_connections_are_not() {
    let tcp = [
        HEAD.to_owned(),
        line("127.0.0.1:53", "0.0.0.0:0", "0A", 101),
        line("0.0.0.0:22", "0.0.0.0:0", "0A", 0),
        line("192.0.2.1:22", "198.51.100.7:50000", "01", 0),
        line("192.0.2.1:50001", "198.51.100.7:443", "06", 0),
    ]
    .concat();
    let tcp6 = [
        HEAD.to_owned(),
        line("[::]:443", "[::]:0", "0A", 33),
        line("[2001:db8::7]:8080", "[::]:0", "0A", 1000),
    ]
    .concat();
    let udp = [
        HEAD.to_owned(),
        line("0.0.0.0:5353", "0.0.0.0:0", "07", 104),
        line("192.0.2.1:40000", "198.51.100.7:53", "01", 0),
        line("0.0.0.0:0", "0.0.0.0:0", "07", 0),
    ]
    .concat();
    let facts = read(&[
        (Transport::Tcp, &tcp),
        (Transport::Tcp, &tcp6),
        (Transport::Udp, &udp),
    ]);
    assert_eq!(
        shown(&facts),
        [
            "TCP 0.0.0.0:22 0",
            "TCP 127.0.0.1:53 101",
            "TCP [::]:443 33",
            "TCP [2001:db8::7]:8080 1000",
            "UDP 0.0.0.0:5353 104"
        ]
    );
    assert_eq!((facts.unreadable, facts.is_cut), (0, false));
}

#[cfg(target_endian = "little")]
#[test]
fn a_line_as_kernels_write_it() {
    let text = "   0: 0100007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000   101        0 1 1\n   \
                1: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A \
                00000000:00000000 00:00000000 00000000     0        0 1 1";
    let facts = read(&[(Transport::Tcp, text)]);
    assert_eq!(shown(&facts), ["TCP 127.0.0.1:53 101", "TCP [2001:db8::1]:443 0"]);
}

#[test]
fn hostile_lines_are_counted_and_the_first_is_shown() {
    let good = line("0.0.0.0:22", "0.0.0.0:0", "0A", 0);
    let endless = "7".repeat(3_000);
    for (hostile, lines, shown_first) in [
        ("nonsense\n", 1, "nonsense"),
        ("\n", 1, ""),
        (
            "   0: 0100007F 00000000:0000 0A 0:0 00:0 0 0\n",
            1,
            "0: 0100007F 00000000:0000 0A 0:0 00:0 0 0",
        ),
        (
            "   0: 0100007F:+035 00000000:0000 0A 0:0 00:0 0 0\n",
            1,
            "0: 0100007F:+035",
        ),
        (
            "   0: 01007F:0035 00000000:0000 0A 0:0 00:0 0 0\n",
            1,
            "0: 01007F:0035",
        ),
        (
            "   0: 0100007F:0035 00000000:0000 0A 0:0 00:0 0 x\n",
            1,
            "0: 0100007F:0035",
        ),
        (
            "   x: 0100007F:0035 00000000:0000 0A 0:0 00:0 0 0\n",
            1,
            "x: 0100007F:0035",
        ),
        (
            "   0: \u{e9}100007F:0035 00000000:0000 0A 0:0 00:0 0 0\n",
            1,
            "0: \u{e9}100007F:0035",
        ),
        // cut into pieces of 1024 bytes, each no socket
        (&*endless, 3, "777"),
    ] {
        let facts = read(&[(Transport::Tcp, &format!("{HEAD}{good}{hostile}"))]);
        assert_eq!(shown(&facts), ["TCP 0.0.0.0:22 0"], "{hostile}");
        assert_eq!(facts.unreadable, lines, "{hostile}");
        assert!(
            facts.first_unreadable.starts_with(shown_first) && facts.first_unreadable.chars().count() <= 80,
            "{hostile}: {}",
            facts.first_unreadable
        );
    }
    // Bytes that are no text, and a line that the end cuts off.
    let mut reader = Reader::default();
    let bytes = [good.as_bytes(), b"\xff\xfe\n", b"   0: 0100007F:00"].concat();
    reader.read(Transport::Tcp, Cursor::new(bytes), || true).unwrap();
    assert_eq!(reader.facts().unreadable, 2);
}

#[test]
fn a_table_without_end_is_cut() {
    struct Endless(Vec<u8>, usize);
    impl io::Read for Endless {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("read through its buffer")
        }
    }
    impl BufRead for Endless {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Ok(&self.0[self.1..])
        }
        fn consume(&mut self, n: usize) {
            self.1 = (self.1 + n) % self.0.len();
        }
    }
    // By count, and by time.
    let connection = line("192.0.2.1:22", "198.51.100.7:50000", "01", 0);
    let listener = line("0.0.0.0:22", "0.0.0.0:0", "0A", 0);
    let mut reader = Reader::default();
    reader
        .read(Transport::Tcp, Endless(listener.into_bytes(), 0), || true)
        .unwrap();
    let facts = reader.facts();
    assert!(facts.is_cut);
    assert_eq!(facts.sockets.len(), 1, "the same socket again and again");
    let mut reader = Reader::default();
    reader
        .read(Transport::Tcp, Endless(connection.into_bytes(), 0), || false)
        .unwrap();
    assert!(reader.lines <= 1_024 && reader.facts().is_cut);
}
