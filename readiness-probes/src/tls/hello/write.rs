use std::net::IpAddr;

use readiness_core::fact::{TlsHello, TlsVersion};

/// Stands for secure renegotiation where there are no extensions (RFC 5746, section 3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;

/// The signature algorithms that are offered: what servers have, from ECDSA to what nobody should sign with.
const SIGNATURE_ALGORITHMS: &[u16] = &[
    0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501,
    0x0601, 0x081a, 0x081b, 0x081c, 0x0708, 0x0303, 0x0301, 0x0302, 0x0402, 0x0502, 0x0602, 0x0203, 0x0201,
    0x0202, 0x0101,
];

/// The hello of this offer as one record (RFC 8446, section 4.1.2, and the same section of what it replaces).
pub(crate) fn write(hello: &TlsHello, random: &[u8; 32]) -> Vec<u8> {
    let mut body = body(hello, random, None);
    if hello.padded
        && let Some(zeros) = padding(body.len())
    {
        body = self::body(hello, random, Some(zeros));
    }
    let mut record = vec![22];
    // The record's own version is what old servers look at first: they must find one they know.
    number(
        &mut record,
        hello.version.number().min(TlsVersion::Tls10.number()),
    );
    counted::<2>(&mut record, |record| {
        record.push(1);
        counted::<3>(record, |record| record.extend_from_slice(&body));
    });
    record
}

/// How many zeros make a body long enough. Some servers hang on messages of 256 to 511 bytes, the header of
/// four bytes among them (RFC 7685, section 4).
fn padding(body: usize) -> Option<usize> {
    const MESSAGE_HEADER: usize = 4;
    const EXTENSION_HEADER: usize = 4;
    let length = body + MESSAGE_HEADER;
    (256..512)
        .contains(&length)
        .then(|| (512 - length).saturating_sub(EXTENSION_HEADER))
}

fn body(hello: &TlsHello, random: &[u8; 32], padding: Option<usize>) -> Vec<u8> {
    let mut body = Vec::with_capacity(512);
    number(&mut body, hello.version.number().min(TlsVersion::Tls12.number()));
    body.extend_from_slice(random);
    // A session of TLS 1.3 looks like one that is resumed, for what stands in between (RFC 8446, section D.4).
    let session: &[u8] = match hello.version {
        TlsVersion::Tls13 => random,
        _ => &[],
    };
    counted::<1>(&mut body, |body| body.extend_from_slice(session));
    counted::<2>(&mut body, |body| {
        // It must fit into one record, whatever a key says.
        for suite in hello.suites.iter().take(4096) {
            number(body, *suite);
        }
        if hello.version == TlsVersion::Ssl3 {
            number(body, RENEGOTIATION_SCSV);
        }
    });
    // No compression.
    body.extend_from_slice(&[1, 0]);
    if hello.version != TlsVersion::Ssl3 {
        counted::<2>(&mut body, |body| {
            extensions(body, hello);
            if let Some(zeros) = padding {
                extension(body, 21, |out| out.resize(out.len() + zeros, 0));
            }
        });
    }
    body
}

fn extensions(out: &mut Vec<u8>, hello: &TlsHello) {
    let is_13 = hello.version == TlsVersion::Tls13;
    if is_name(&hello.endpoint.name) {
        extension(out, 0, |out| {
            counted::<2>(out, |out| {
                out.push(0);
                counted::<2>(out, |out| out.extend_from_slice(hello.endpoint.name.as_bytes()));
            });
        });
    }
    if !hello.groups.is_empty() {
        extension(out, 10, |out| {
            counted::<2>(out, |out| {
                hello
                    .groups
                    .iter()
                    .take(512)
                    .for_each(|group| number(out, *group))
            });
        });
    }
    if !is_13 {
        // Points are sent whole.
        extension(out, 11, |out| out.extend_from_slice(&[1, 0]));
        // There are servers that want it (RFC 7627, section 5.3).
        extension(out, 23, |_| ());
        // A first handshake (RFC 5746, section 3.4).
        extension(out, 0xff01, |out| out.push(0));
    }
    if hello.version >= TlsVersion::Tls12 {
        extension(out, 13, |out| {
            counted::<2>(out, |out| {
                SIGNATURE_ALGORITHMS
                    .iter()
                    .for_each(|algorithm| number(out, *algorithm));
            });
        });
    }
    if !hello.alpn.is_empty() {
        extension(out, 16, |out| {
            counted::<2>(out, |out| {
                for protocol in hello.alpn.iter().take(16) {
                    counted::<1>(out, |out| out.extend(protocol.bytes().take(255)));
                }
            });
        });
    }
    if is_13 {
        extension(out, 43, |out| {
            counted::<1>(out, |out| number(out, hello.version.number()));
        });
        // With a key exchange, as every server wants it.
        extension(out, 45, |out| out.extend_from_slice(&[1, 1]));
        // No share at all: the server answers with a HelloRetryRequest that names its favourite group (RFC
        // 8446, section 4.2.8), and nothing needs to be computed.
        extension(out, 51, |out| number(out, 0));
    }
}

/// Whether it may stand in SNI, which has no addresses (RFC 6066, section 3).
fn is_name(name: &str) -> bool {
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    !is_address && !name.is_empty() && name.len() <= 255 && name.is_ascii()
}

fn number(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(&number.to_be_bytes());
}

fn extension(out: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    number(out, kind);
    counted::<2>(out, content);
}

/// Writes something with its length before it, in so many bytes.
fn counted<const WIDTH: usize>(out: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.resize(at + WIDTH, 0);
    content(out);
    let length = (out.len() - at - WIDTH).to_be_bytes();
    let low = length.get(length.len() - WIDTH..).unwrap_or_default();
    if let Some(place) = out.get_mut(at..at + WIDTH) {
        place.copy_from_slice(low);
    }
}
