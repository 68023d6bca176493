/// An answer of HTTP/1 to a request of version 1.0, as far as it matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Response<'a> {
    pub(super) status: u16,
    /// The lines of its head.
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
    /// Whether all of the body is there, as its length says; false where none is told.
    pub(super) is_whole: bool,
}

impl<'a> Response<'a> {
    /// `None` for what is no whole head of a response (RFC 9112, sections 2.1 and 4).
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"HTTP/1.")?;
        let (&[b'0' | b'1', b' ', a, b, c], rest) = rest.split_first_chunk()? else {
            return None;
        };
        if !matches!(rest.first(), Some(b' ' | b'\r')) {
            return None;
        }
        let digit = |byte: u8| byte.is_ascii_digit().then(|| u16::from(byte - b'0'));
        let status = digit(a)? * 100 + digit(b)? * 10 + digit(c)?;
        let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
        let body = rest.get(end + 4..)?;
        let head = rest.get(..end)?;
        let lines = head.split(|&byte| byte == b'\n');
        let length = lines.filter_map(content_length).next();
        (100..=599).contains(&status).then_some(Self {
            status,
            head,
            body,
            is_whole: length == Some(body.len()),
        })
    }
}

/// Whether these bytes hold this text, in capitals or not.
pub(super) fn holds(bytes: &[u8], text: &str) -> bool {
    let mut windows = bytes.windows(text.len());
    windows.any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
}

fn content_length(line: &[u8]) -> Option<usize> {
    const NAME: &[u8] = b"content-length:";
    let (name, value) = line.split_at_checked(NAME.len())?;
    if !name.eq_ignore_ascii_case(NAME) {
        return None;
    }
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}
