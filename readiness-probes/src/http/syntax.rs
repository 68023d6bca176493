//! The small grammar that header values share: blanks, tokens, lists with quoted strings.

use std::borrow::Cow;

/// Without spaces and tabs at both ends. RFC 9110, section 5.6.3 (OWS).
pub(crate) fn trim(bytes: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes
        .iter()
        .position(|byte| !is_blank(byte))
        .unwrap_or(bytes.len());
    let end = bytes
        .iter()
        .rposition(|byte| !is_blank(byte))
        .map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

/// Whether it is a token. RFC 9110, section 5.6.2.
pub(crate) fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// The parts between delimiters that stand outside quoted strings, each with its offset and untrimmed.
///
/// A quoted string that is never closed reaches to the end, as in Fetch, "get, decode, and split". One
/// pass; every byte is looked at once.
pub(crate) fn split_unquoted(value: &[u8], delimiter: u8) -> Vec<(usize, &[u8])> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (at, &byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if quoted && byte == b'\\' {
            escaped = true;
        } else if byte == b'"' {
            quoted = !quoted;
        } else if byte == delimiter && !quoted {
            parts.push((start, value.get(start..at).unwrap_or_default()));
            start = at + 1;
        }
    }
    parts.push((start, value.get(start..).unwrap_or_default()));
    parts
}

/// Whether the lines of `Vary`, joined, say that a response depends on this header. RFC 9110, section 12.5.5.
pub(crate) fn varies_by(vary: &[u8], header: &str) -> bool {
    vary.split(|&byte| byte == b',').any(|part| {
        let part = trim(part);
        part == b"*" || part.eq_ignore_ascii_case(header.as_bytes())
    })
}

/// The content of a quoted string that fills the whole input. RFC 9110, section 5.6.4.
pub(crate) fn unquote(bytes: &[u8]) -> Option<Vec<u8>> {
    let inner = bytes.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut content = Vec::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' => return None,
            b'\\' => content.push(*bytes.next()?),
            _ => content.push(byte),
        }
    }
    Some(content)
}

/// A piece of a value for a message: at most 60 characters.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    cut(bytes).into_owned()
}

/// [`excerpt`] without a copy where nothing is cut off.
pub(crate) fn cut(bytes: &[u8]) -> Cow<'_, str> {
    const MOST: usize = 60;
    // Four bytes are the most a character has.
    let text = String::from_utf8_lossy(bytes.get(..bytes.len().min(4 * MOST + 4)).unwrap_or_default());
    // No character has less than a byte.
    if bytes.len() <= MOST || text.chars().nth(MOST).is_none() {
        return text;
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

/// Every line of a header for the evidence, joined as RFC 9110, section 5.3, allows.
pub(crate) fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value.get(..value.len().min(4096)).unwrap_or_default()).into_owned()
}

/// One or many: `1 policy`, `2 policies`.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_are_trimmed() {
        for (given, wanted) in [
            (" a b\t", "a b"),
            ("", ""),
            (" \t ", ""),
            ("a", "a"),
            ("\na", "\na"),
        ] {
            assert_eq!(trim(given.as_bytes()), wanted.as_bytes(), "{given:?}");
        }
    }

    #[test]
    fn delimiters_in_quotes_do_not_count() {
        let parts = |value: &str| -> Vec<(usize, String)> {
            split_unquoted(value.as_bytes(), b',')
                .into_iter()
                .map(|(at, part)| (at, String::from_utf8(part.to_vec()).unwrap()))
                .collect()
        };
        assert_eq!(parts(""), [(0, String::new())]);
        assert_eq!(parts("a,b"), [(0, "a".into()), (2, "b".into())]);
        assert_eq!(parts(r#""a,b",c"#), [(0, r#""a,b""#.into()), (6, "c".into())]);
        assert_eq!(parts(r#""a\",b",c"#), [(0, r#""a\",b""#.into()), (8, "c".into())]);
        assert_eq!(parts(r#""a,b"#), [(0, r#""a,b"#.into())]);
    }

    #[test]
    fn what_a_response_depends_on_is_named() {
        for (vary, named) in [
            ("Origin", true),
            ("accept, ORIGIN ,x", true),
            ("*", true),
            ("accept,*", true),
            ("", false),
            ("x-origin", false),
            ("origin-x", false),
            ("\"origin\"", false),
        ] {
            assert_eq!(varies_by(vary.as_bytes(), "origin"), named, "{vary}");
        }
    }

    #[test]
    fn quoted_strings_are_opened() {
        let open = |text: &str| unquote(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(open(r#""a""#).as_deref(), Some("a"));
        assert_eq!(open(r#""a\"b""#).as_deref(), Some("a\"b"));
        assert_eq!(open(r#""""#).as_deref(), Some(""));
        for wrong in ["", "\"", "a", r#""a"#, r#"a""#, r#""a"b""#, r#""a\""#] {
            assert_eq!(open(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn excerpts_are_short() {
        assert_eq!(excerpt(&b"a".repeat(60)).chars().count(), 60);
        assert!(!excerpt(&b"a".repeat(60)).ends_with('…'));
        assert!(excerpt(&b"a".repeat(61)).ends_with('…'));
        assert_eq!(excerpt("é".repeat(99).as_bytes()).chars().count(), 60);
    }

    proptest! {
        #[test]
        fn parts_and_delimiters_make_the_whole(value in proptest::collection::vec(any::<u8>(), 0..300)) {
            let parts: Vec<&[u8]> = split_unquoted(&value, b';').into_iter().map(|(_, part)| part).collect();
            prop_assert_eq!(parts.join(&b';'), value.clone());
            let _ = (excerpt(&value), unquote(&value), is_token(trim(&value)));
        }
    }
}
