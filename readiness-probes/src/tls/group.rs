//! The groups of the key exchange: their names, and which are too weak.

/// Numbers and names of IANA's list of supported groups, ascending, without what is reserved or withdrawn.
const GROUPS: &[(u16, &str)] = &[
    (1, "sect163k1"),
    (2, "sect163r1"),
    (3, "sect163r2"),
    (4, "sect193r1"),
    (5, "sect193r2"),
    (6, "sect233k1"),
    (7, "sect233r1"),
    (8, "sect239k1"),
    (9, "sect283k1"),
    (10, "sect283r1"),
    (11, "sect409k1"),
    (12, "sect409r1"),
    (13, "sect571k1"),
    (14, "sect571r1"),
    (15, "secp160k1"),
    (16, "secp160r1"),
    (17, "secp160r2"),
    (18, "secp192k1"),
    (19, "secp192r1"),
    (20, "secp224k1"),
    (21, "secp224r1"),
    (22, "secp256k1"),
    (23, "secp256r1"),
    (24, "secp384r1"),
    (25, "secp521r1"),
    (26, "brainpoolP256r1"),
    (27, "brainpoolP384r1"),
    (28, "brainpoolP512r1"),
    (29, "x25519"),
    (30, "x448"),
    (31, "brainpoolP256r1tls13"),
    (32, "brainpoolP384r1tls13"),
    (33, "brainpoolP512r1tls13"),
    (34, "GC256A"),
    (35, "GC256B"),
    (36, "GC256C"),
    (37, "GC256D"),
    (38, "GC512A"),
    (39, "GC512B"),
    (40, "GC512C"),
    (41, "curveSM2"),
    (256, "ffdhe2048"),
    (257, "ffdhe3072"),
    (258, "ffdhe4096"),
    (259, "ffdhe6144"),
    (260, "ffdhe8192"),
    (512, "MLKEM512"),
    (513, "MLKEM768"),
    (514, "MLKEM1024"),
    (4587, "SecP256r1MLKEM768"),
    (X25519_MLKEM768, "X25519MLKEM768"),
    (4589, "SecP384r1MLKEM1024"),
    (4590, "curveSM2MLKEM768"),
    (25497, "X25519Kyber768Draft00"),
    (25498, "SecP256r1Kyber768Draft00"),
];

const X25519_MLKEM768: u16 = 4588;

/// The name in IANA's list; the number where it is not in there.
pub(super) fn name(number: u16) -> String {
    match GROUPS.binary_search_by_key(&number, |(number, _)| *number) {
        Ok(at) => GROUPS.get(at).map_or("", |(_, name)| name).to_owned(),
        Err(_) => format!("group {number}"),
    }
}

/// Whether it gives 112 bits of strength or less: an elliptic curve of fewer than 256 bits, P-224 among them.
pub(super) fn is_weak(number: u16) -> bool {
    matches!(number, 1..=8 | 15..=21)
}

/// Whether a computer that breaks elliptic curves does not break it.
pub(super) fn is_post_quantum(number: u16) -> bool {
    matches!(number, 512..=514 | 4587..=4590 | 25497 | 25498)
}

/// Those that TLS 1.3 knows, the usual ones first.
pub(super) fn of_tls13() -> Vec<u16> {
    let usual = [X25519_MLKEM768, 29, 23, 24];
    let rest = GROUPS.iter().map(|(number, _)| *number);
    let rest = rest.filter(|number| !matches!(number, 1..=22 | 26..=28) && !usual.contains(number));
    usual.into_iter().chain(rest).collect()
}

/// The elliptic curves that TLS 1.2 and older versions know, the usual ones first. A finite field is not named
/// among them: where one is, a server may answer with it instead of its own (RFC 7919, section 4).
pub(super) fn of_tls12() -> Vec<u16> {
    let usual = [29, 23, 24, 25, 30];
    usual.into_iter().chain(only_in_tls12()).collect()
}

/// The curves that TLS 1.3 took out (RFC 8446, section 4.2.7).
pub(super) fn only_in_tls12() -> impl Iterator<Item = u16> {
    // Strong ones first, so that a server without an order of its own picks a weak one last.
    (9..=14).chain([22, 26, 27, 28]).chain(1..=8).chain(15..=21)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_list() {
        assert!(GROUPS.is_sorted_by(|a, b| a.0 < b.0));
        for (number, expected) in [
            (21, "secp224r1"),
            (29, "x25519"),
            (0x11ec, "X25519MLKEM768"),
            (0x11eb, "SecP256r1MLKEM768"),
            (0x0100, "ffdhe2048"),
            (0x0a0a, "group 2570"),
        ] {
            assert_eq!(name(number), expected);
        }
    }

    #[test]
    fn another_reading_of_the_list_agrees() {
        let mut compared = 0;
        for (number, name) in GROUPS {
            let theirs = format!("{}", tls_parser::NamedGroup(*number));
            if theirs.starts_with("NamedGroup(") {
                continue;
            }
            compared += 1;
            // `EcdhX25519` there is `x25519` in the list, and `Sm2` is `curveSM2`.
            let theirs = theirs.trim_start_matches("Ecdh");
            let name = name.trim_start_matches("curve");
            assert!(name.eq_ignore_ascii_case(theirs), "{name} {theirs}");
        }
        assert!(compared > 30, "{compared}");
    }

    #[test]
    fn every_group_is_asked_for_once() {
        for (list, count) in [(of_tls13(), GROUPS.len() - 25), (of_tls12(), 30)] {
            let mut sorted = list.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!((sorted.len(), list.len()), (count, count));
        }
        assert!(!of_tls13().iter().any(|group| is_weak(*group)));
        assert!(of_tls12().contains(&21));
    }

    #[test]
    fn strength_is_told_apart() {
        for (number, weak, post_quantum) in [
            (19, true, false),
            (20, true, false),
            (21, true, false),
            (22, false, false),
            (23, false, false),
            (8, true, false),
            (9, false, false),
            (14, false, false),
            (15, true, false),
            (29, false, false),
            (256, false, false),
            (0x11ec, false, true),
            (0x11eb, false, true),
            (513, false, true),
        ] {
            assert_eq!(
                (is_weak(number), is_post_quantum(number)),
                (weak, post_quantum),
                "{number}"
            );
        }
    }
}
