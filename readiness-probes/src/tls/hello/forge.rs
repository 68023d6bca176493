//! For tests: what servers send, byte by byte.

/// One record.
pub(crate) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
    record.extend(content);
    record
}

/// One handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind];
    message.extend(&u32::try_from(body.len()).unwrap().to_be_bytes()[1..]);
    message.extend(body);
    message
}

/// Handshake messages in one record.
pub(crate) fn flight(messages: &[Vec<u8>]) -> Vec<u8> {
    record(22, &messages.concat())
}

pub(crate) fn alert(level: u8, code: u8) -> Vec<u8> {
    record(21, &[level, code])
}

/// A ServerHello with these extensions.
pub(crate) fn server_hello(version: u16, suite: u16, extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    hello_with(version, &[7; 32], suite, extensions)
}

/// A HelloRetryRequest of TLS 1.3 for this group.
pub(crate) fn retry(suite: u16, group: u16) -> Vec<u8> {
    let random = [
        "cf21ad74e59a6111be1d8c021e65b891",
        "c2a211167abb8c5e079e09e2c8a8339c",
    ]
    .concat();
    let random: Vec<u8> = (0..32)
        .map(|i| u8::from_str_radix(&random[2 * i..2 * i + 2], 16).unwrap())
        .collect();
    let extensions = [(43, vec![3, 4]), (51, group.to_be_bytes().to_vec())];
    hello_with(0x0303, &random, suite, &extensions)
}

fn hello_with(version: u16, random: &[u8], suite: u16, extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend(random);
    body.push(0);
    body.extend(suite.to_be_bytes());
    body.push(0);
    if !extensions.is_empty() {
        let mut list = Vec::new();
        for (kind, content) in extensions {
            list.extend(kind.to_be_bytes());
            list.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
            list.extend(content);
        }
        body.extend(u16::try_from(list.len()).unwrap().to_be_bytes());
        body.extend(list);
    }
    message(2, &body)
}

/// The ALPN extension with this protocol.
pub(crate) fn alpn(protocol: &str) -> (u16, Vec<u8>) {
    let length = u8::try_from(protocol.len()).unwrap();
    let mut content = vec![0, length + 1, length];
    content.extend(protocol.bytes());
    (16, content)
}

pub(crate) fn certificate(chain: &[&[u8]]) -> Vec<u8> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes()[1..].to_vec();
    let list: Vec<u8> = chain
        .iter()
        .flat_map(|der| [length(der), der.to_vec()].concat())
        .collect();
    message(11, &[length(&list), list].concat())
}

/// A ServerKeyExchange over this curve, with a point of nothing.
pub(crate) fn curve(group: u16) -> Vec<u8> {
    let [high, low] = group.to_be_bytes();
    message(12, &[3, high, low, 1, 0])
}

/// A ServerKeyExchange with this prime.
pub(crate) fn prime(prime: &[u8]) -> Vec<u8> {
    let mut body = u16::try_from(prime.len()).unwrap().to_be_bytes().to_vec();
    body.extend(prime);
    body.extend([0, 1, 2, 0, 1, 3]);
    message(12, &body)
}

pub(crate) fn done() -> Vec<u8> {
    message(14, &[])
}

/// What a client that was written here asks for.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The newest version it offers.
    pub(crate) version: u16,
    pub(crate) suites: Vec<u16>,
    pub(crate) groups: Vec<u16>,
}

impl Asked {
    /// Reads a record that holds a whole hello.
    pub(crate) fn read(record: &[u8]) -> Self {
        use tls_parser::{TlsExtension, TlsMessage, TlsMessageHandshake};
        let (_, record) = tls_parser::parse_tls_plaintext(record).unwrap();
        let Some(TlsMessage::Handshake(TlsMessageHandshake::ClientHello(hello))) = record.msg.first() else {
            panic!("no ClientHello");
        };
        let mut asked = Self {
            version: hello.version.0,
            suites: hello.ciphers.iter().map(|suite| suite.0).collect(),
            groups: Vec::new(),
        };
        let (_, extensions) = tls_parser::parse_tls_extensions(hello.ext.unwrap_or_default()).unwrap();
        for extension in extensions {
            match extension {
                TlsExtension::SupportedVersions(versions) => asked.version = versions[0].0,
                TlsExtension::EllipticCurves(groups) => asked.groups = groups.iter().map(|g| g.0).collect(),
                _ => {}
            }
        }
        asked
    }
}
