//! One question of each protocol. Each is read-only, and no longer than it must be.

use readiness_core::fact::UdpProtocol;

/// What a question is recognised by where it has a number.
const ID: [u8; 2] = *b"rd";

/// The payload of a question.
pub(super) fn question(protocol: UdpProtocol) -> Vec<u8> {
    match protocol {
        UdpProtocol::Chargen => b"\n".to_vec(),
        UdpProtocol::Coap => coap(),
        // The SOA record (6) of the root, class IN.
        UdpProtocol::Dns => dns(ID, &[], 6, 1),
        UdpProtocol::Ldap => ldap(),
        // Who answers whom: PTR (12), class IN, with the wish for an answer to us alone (RFC 6762, section
        // 5.4).
        UdpProtocol::Mdns => dns([0; 2], &[b"_services", b"_dns-sd", b"_udp", b"local"], 12, 0x8001),
        // Number of the request, of this datagram, of all datagrams, and two reserved bytes.
        UdpProtocol::Memcached => [&ID[..], &[0, 0, 0, 1, 0, 0], b"stats\r\n"].concat(),
        // The name `*`, of 16 bytes, each half of a byte as a letter from `A` (RFC 1001, section 14.1);
        // NBSTAT (33).
        UdpProtocol::Netbios => dns(ID, &[b"CKAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], 33, 1),
        UdpProtocol::Ntp => ntp(),
        // A request (mode 7, version 2) to the implementation XNTPD (3) for MON_GETLIST_1 (42).
        UdpProtocol::NtpMonlist => vec![0x17, 0, 3, 42, 0, 0, 0, 0],
        UdpProtocol::Portmapper => portmapper(),
        UdpProtocol::Snmp => snmp(),
        UdpProtocol::Ssdp => {
            b"M-SEARCH * HTTP/1.1\r\nHost: 239.255.255.250:1900\r\nMan: \"ssdp:discover\"\r\n\
              MX: 1\r\nST: ssdp:all\r\n\r\n"
                .to_vec()
        }
        // A read request (1) in mode `octet`.
        UdpProtocol::Tftp => b"\x00\x01readiness-asks-for-no-file\x00octet\x00".to_vec(),
        _ => Vec::new(),
    }
}

/// Whether a service answers from another port than it was asked at (RFC 1350, section 4).
pub(super) fn answers_from_elsewhere(protocol: UdpProtocol) -> bool {
    matches!(protocol, UdpProtocol::Tftp | UdpProtocol::Ssdp)
}

/// A query with one question and no flag (RFC 1035, section 4.1): no recursion is desired.
fn dns(id: [u8; 2], labels: &[&[u8]], record_type: u16, class: u16) -> Vec<u8> {
    let mut query = id.to_vec();
    query.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in labels {
        query.push(u8::try_from(label.len()).unwrap_or(0));
        query.extend(*label);
    }
    query.push(0);
    query.extend(record_type.to_be_bytes());
    query.extend(class.to_be_bytes());
    query
}

/// A client's packet (mode 3) of version 4; nothing else of its 48 bytes is needed.
fn ntp() -> Vec<u8> {
    let mut packet = vec![0x23];
    packet.resize(48, 0);
    packet
}

/// A non-confirmable `GET` (RFC 7252, section 3) with two options Uri-Path (11), the second as a difference
/// of 0.
fn coap() -> Vec<u8> {
    [&[0x50, 0x01], &ID[..], &[0xbb], b".well-known", &[0x04], b"core"].concat()
}

/// A call (RFC 5531, section 9) of `PMAPPROC_DUMP` (4) of the program 100000 in version 2, with no
/// credentials.
fn portmapper() -> Vec<u8> {
    let words: [u32; 10] = [0x7264_0000, 0, 2, 100_000, 2, 4, 0, 0, 0, 0];
    words.into_iter().flat_map(u32::to_be_bytes).collect()
}

/// One element of BER (ITU-T X.690) with a short length.
fn ber(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut element = vec![tag, u8::try_from(content.len()).unwrap_or(0)];
    element.extend(content);
    element
}

const INTEGER: u8 = 0x02;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;

/// A GetRequest of version 2c for `sysDescr.0` (1.3.6.1.2.1.1.1.0), community `public`.
fn snmp() -> Vec<u8> {
    const OBJECT: u8 = 0x06;
    const NULL: u8 = 0x05;
    const GET_REQUEST: u8 = 0xa0;
    let object = ber(OBJECT, &[&[0x2b, 6, 1, 2, 1, 1, 1, 0]]);
    let binding = ber(SEQUENCE, &[&object, &ber(NULL, &[])]);
    let zero = ber(INTEGER, &[&[0]]);
    let id = ber(INTEGER, &[&ID]);
    let request = ber(GET_REQUEST, &[&id, &zero, &zero, &ber(SEQUENCE, &[&binding])]);
    let version = ber(INTEGER, &[&[1]]);
    ber(SEQUENCE, &[&version, &ber(OCTET_STRING, &[b"public"]), &request])
}

/// A search (RFC 4511, section 4.5) of the entry without a name, for all it shows.
fn ldap() -> Vec<u8> {
    const BOOLEAN: u8 = 0x01;
    const ENUMERATED: u8 = 0x0a;
    const SEARCH: u8 = 0x63;
    const PRESENT: u8 = 0x87;
    let search = ber(
        SEARCH,
        &[
            &ber(OCTET_STRING, &[]),
            // The entry itself; aliases as they are.
            &ber(ENUMERATED, &[&[0]]),
            &ber(ENUMERATED, &[&[0]]),
            // No limit of size and of time.
            &ber(INTEGER, &[&[0]]),
            &ber(INTEGER, &[&[0]]),
            &ber(BOOLEAN, &[&[0]]),
            &ber(PRESENT, &[b"objectClass"]),
            &ber(SEQUENCE, &[]),
        ],
    );
    ber(SEQUENCE, &[&ber(INTEGER, &[&[1]]), &search])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_protocol_has_a_short_question() {
        for (_, protocol) in UdpProtocol::ALL {
            let length = question(protocol).len();
            assert!((1..=100).contains(&length), "{protocol}: {length} bytes");
        }
    }

    #[test]
    fn elements_have_their_lengths() {
        // Each length byte tells what follows it.
        let snmp = question(UdpProtocol::Snmp);
        assert_eq!((snmp[0], usize::from(snmp[1])), (0x30, snmp.len() - 2));
        assert_eq!(&snmp[2..5], [2, 1, 1]);
        assert_eq!(&snmp[5..13], b"\x04\x06public");
        assert_eq!((snmp[13], usize::from(snmp[14])), (0xa0, snmp.len() - 15));
        let ldap = question(UdpProtocol::Ldap);
        assert_eq!((ldap[0], usize::from(ldap[1])), (0x30, ldap.len() - 2));
        assert_eq!((ldap[5], usize::from(ldap[6])), (0x63, ldap.len() - 7));
    }

    #[test]
    fn queries_of_names_are_whole() {
        let dns = question(UdpProtocol::Dns);
        assert_eq!(dns, b"rd\0\0\0\x01\0\0\0\0\0\0\0\0\x06\0\x01");
        let netbios = question(UdpProtocol::Netbios);
        assert_eq!((netbios.len(), netbios[12], netbios[45]), (50, 32, 0));
        let mdns = question(UdpProtocol::Mdns);
        assert!(mdns.ends_with(b"\x05local\0\0\x0c\x80\x01"));
        assert_eq!(question(UdpProtocol::Ntp).len(), 48);
        assert_eq!(question(UdpProtocol::Portmapper).len(), 40);
    }
}
