//! From bytes to text and JSON, whatever charset they came in.

use std::{borrow::Cow, cell::RefCell, collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

/// What a body was written in, where it is not UTF-8.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Charset {
    Latin1,
    /// Not UTF-8, and not declared as anything else.
    Unclear,
    Utf16,
}

/// A body as text, and as JSON where it is some.
#[derive(Debug)]
pub(super) struct Read<'a> {
    /// Without byte order mark, and without white space around it.
    pub(super) text: Cow<'a, str>,
    /// `None` for UTF-8.
    pub(super) charset: Option<Charset>,
    /// `None` where it does not begin as JSON; the parser's words where it does and is none.
    pub(super) json: Option<Result<Value, String>>,
    /// The first key that an object holds twice.
    pub(super) twice: Option<String>,
}

/// Reads a body. RFC 8259, section 8.1 demands UTF-8; what came in something else is read all the same, so that
/// nothing that is down passes for text that nobody knows.
pub(super) fn read<'a>(content_type: &str, body: &'a [u8]) -> Read<'a> {
    let (text, charset) = decoded(body, declared(content_type).as_deref());
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(trimmed(text)),
        Cow::Owned(text) => Cow::Owned(trimmed(&text).to_owned()),
    };
    let json = text
        .starts_with(['{', '[', '"'])
        .then(|| serde_json::from_str::<Value>(&text).map_err(|error| error.to_string()));
    let twice = matches!(json, Some(Ok(_))).then(|| twice_in(&text)).flatten();
    Read {
        text,
        charset,
        json,
        twice,
    }
}

fn trimmed(text: &str) -> &str {
    text.strip_prefix('\u{feff}')
        .unwrap_or(text)
        .trim_matches(|c: char| c.is_ascii_whitespace())
}

/// The `charset` of a content type, in lower case.
fn declared(content_type: &str) -> Option<String> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"').to_ascii_lowercase())
    })
}

fn decoded<'a>(body: &'a [u8], declared: Option<&str>) -> (Cow<'a, str>, Option<Charset>) {
    if let Some(is_little) = utf16(body, declared) {
        let units = body.chunks_exact(2).map(|pair| {
            let pair = [pair[0], pair[1]];
            if is_little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            }
        });
        let text: String = char::decode_utf16(units)
            .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        return (Cow::Owned(text), Some(Charset::Utf16));
    }
    match std::str::from_utf8(body) {
        Ok(text) => (Cow::Borrowed(text), None),
        Err(_) if declared.is_some_and(is_latin1) => {
            let text = body.iter().map(|&byte| char::from(byte)).collect();
            (Cow::Owned(text), Some(Charset::Latin1))
        }
        // A letter that the cap has cut in two is no wrong charset.
        Err(error) if error.error_len().is_none() => (String::from_utf8_lossy(body), None),
        // It spoils a letter in a description, and never the words that count.
        Err(_) => (String::from_utf8_lossy(body), Some(Charset::Unclear)),
    }
}

fn is_latin1(charset: &str) -> bool {
    matches!(
        charset,
        "iso-8859-1" | "iso8859-1" | "iso_8859-1" | "iso-8859-15" | "latin1" | "windows-1252"
    )
}

/// Whether it is UTF-16, and if so, whether little-endian: by its byte order mark, by what is declared, or by the
/// zero byte that each of the first two letters has.
fn utf16(body: &[u8], declared: Option<&str>) -> Option<bool> {
    match *body {
        [0xff, 0xfe, ..] => return Some(true),
        [0xfe, 0xff, ..] => return Some(false),
        [a, 0, b, 0, ..] if a != 0 && b != 0 => return Some(true),
        [0, a, 0, b, ..] if a != 0 && b != 0 => return Some(false),
        _ => {}
    }
    let is_utf8 = std::str::from_utf8(body).is_ok_and(|text| !text.contains('\0'));
    match declared? {
        // What is declared is believed only where the bytes are not plain text anyway.
        _ if is_utf8 => None,
        "utf-16" | "utf-16be" => Some(false),
        "utf-16le" => Some(true),
        _ => None,
    }
}

/// The first key that an object of this JSON holds twice: parsers differ in which one they take.
fn twice_in(json: &str) -> Option<String> {
    let found = RefCell::new(None);
    let mut parser = serde_json::Deserializer::from_str(json);
    let _ = Keys(&found).deserialize(&mut parser);
    found.into_inner()
}

#[derive(Clone, Copy)]
struct Keys<'f>(&'f RefCell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = object.next_key::<String>()? {
            if self.0.borrow().is_some() {
                object.next_value::<IgnoredAny>()?;
                continue;
            }
            object.next_value_seed(self)?;
            if !seen.insert(key.clone()) {
                self.0.borrow_mut().get_or_insert(key);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utf16(text: &str, is_little: bool, mark: bool) -> Vec<u8> {
        let mark = mark.then_some('\u{feff}');
        let text: String = mark.into_iter().chain(text.chars()).collect();
        text.encode_utf16()
            .flat_map(|unit| {
                if is_little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn charsets_are_told_apart() {
        let down = r#"{"status":"DOWN"}"#;
        let (le, be) = (utf16(down, true, false), utf16(down, false, false));
        let (marked_le, marked_be) = (utf16(down, true, true), utf16(down, false, true));
        for (content_type, body, text, charset) in [
            ("application/json", down.as_bytes(), down, None),
            ("application/json; charset=utf-16", down.as_bytes(), down, None),
            ("text/plain", b"\xef\xbb\xbf ok\r\n", "ok", None),
            ("application/json", &marked_le, down, Some(Charset::Utf16)),
            ("application/json", &marked_be, down, Some(Charset::Utf16)),
            ("application/json", &le, down, Some(Charset::Utf16)),
            ("", &be, down, Some(Charset::Utf16)),
            (
                "text/plain; Charset=\"ISO-8859-1\"",
                b"caf\xe9",
                "café",
                Some(Charset::Latin1),
            ),
            (
                "text/plain",
                b"caf\xe9 x",
                "caf\u{fffd} x",
                Some(Charset::Unclear),
            ),
            // The cap has cut a letter.
            ("text/plain", b"caf\xc3", "caf\u{fffd}", None),
            // What is declared counts where the bytes are no UTF-8.
            (
                "text/plain; charset=utf-16le",
                b"\x36\x83",
                "茶",
                Some(Charset::Utf16),
            ),
            (
                "text/plain; charset=utf-16",
                b"\x83\x36",
                "茶",
                Some(Charset::Utf16),
            ),
        ] {
            let read = read(content_type, body);
            assert_eq!((&*read.text, read.charset), (text, charset), "{body:?}");
        }
        let odd = [&*le, b"\0"].concat();
        assert_eq!(read("", &odd).text, down);
        let broken = [0xff, 0xfe, 0x00, 0xd8];
        assert_eq!(read("", &broken).text, "\u{fffd}");
    }

    #[test]
    fn a_key_that_stands_twice_is_named() {
        for (json, expected) in [
            (r#"{"a":1,"b":{"a":1}}"#, None),
            (r#"{"a":1,"a":2}"#, Some("a")),
            (r#"{"x":[{"b":1,"c":2,"b":1}]}"#, Some("b")),
            (r#"{"st\u0061tus":"UP","status":"DOWN"}"#, Some("status")),
            (r#"[{"a":1},{"a":1}]"#, None),
            (r#"{"a":1,"a":2,"b":1,"b":2}"#, Some("a")),
            (r#"{"a":{"b":1,"b":2},"a":1}"#, Some("b")),
            ("{}", None),
        ] {
            assert_eq!(read("", json.as_bytes()).twice.as_deref(), expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_json_says_where() {
        let problem = |body: &[u8]| match read("application/json", body).json {
            Some(Err(problem)) => problem,
            other => panic!("{other:?}"),
        };
        let deep = "[".repeat(100_000);
        assert!(problem(deep.as_bytes()).contains("recursion limit"));
        let whole = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
        assert!(problem(whole.as_bytes()).contains("recursion limit"));
        assert!(problem(br#"{"status":"UP","n":1e999999}"#).contains("out of range"));
        assert!(problem(b"{\"status\":\"UP\0\"}").contains("control character"));
        // Huge and whole: rounded, and no word of it counts.
        let number = format!(r#"{{"n":{}}}"#, "9".repeat(300));
        assert!(matches!(
            read("", number.as_bytes()).json,
            Some(Ok(Value::Object(_)))
        ));
        assert!(read("", b"ok").json.is_none());
    }
}
