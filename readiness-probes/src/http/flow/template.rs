//! Texts with `{{name}}` in them, and what may be put there.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderValue;
use readiness_core::Origin;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::{FlowStep, FlowUnfit};

/// A piece of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Variable(&'t str),
}

/// Takes a text apart.
///
/// # Errors
/// What is wrong with it, in words.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, String> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once("{{") {
        if !before.is_empty() {
            all.push(Part::Text(before));
        }
        let Some((name, after)) = from.split_once("}}") else {
            return Err("`{{` opens a variable that no `}}` closes".to_owned());
        };
        let name = name.trim_matches(' ');
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        if name.is_empty() || !name.chars().all(is_part) {
            let shown: String = name.chars().take(40).collect();
            return Err(format!(
                "`{{{{{shown}}}}}` is no variable; a name has letters, digits and `_`"
            ));
        }
        all.push(Part::Variable(name));
        rest = after;
    }
    if !rest.is_empty() {
        all.push(Part::Text(rest));
    }
    Ok(all)
}

/// The variables of a text that can be taken apart.
pub(crate) fn variables(text: &str) -> impl Iterator<Item = &str> {
    parts(text)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|part| match part {
            Part::Variable(name) => Some(name),
            Part::Text(_) => None,
        })
}

/// What was taken: a text, a number or a truth value.
#[derive(Clone)]
pub(crate) struct Variable {
    pub(crate) value: Value,
    pub(crate) secret: bool,
}

impl Variable {
    pub(crate) fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }
}

/// What was taken until now, by name.
pub(crate) type Variables = BTreeMap<String, Variable>;

/// Why a request cannot be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    Unfit(String, FlowUnfit),
    Untaken(String),
}

/// The longest path and the longest value of a header.
const MOST_LINE_BYTES: usize = 32 * 1024;
/// The longest body that is sent.
const MOST_BODY_BYTES: usize = 1024 * 1024;

fn variable<'v>(name: &str, known: &'v Variables) -> Result<&'v Variable, Stop> {
    known.get(name).ok_or_else(|| Stop::Untaken(name.to_owned()))
}

/// The text with its values, each as `put` writes it.
fn fill(
    text: &str,
    known: &Variables,
    most: usize,
    mut put: impl FnMut(&str, String) -> Result<String, FlowUnfit>,
) -> Result<String, Stop> {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text).unwrap_or_default() {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Variable(name) => {
                let unfit = |problem| Stop::Unfit(name.to_owned(), problem);
                let value = put(&filled, variable(name, known)?.text()).map_err(unfit)?;
                if filled.len() + value.len() > most {
                    return Err(unfit(FlowUnfit::TooLong));
                }
                filled.push_str(&value);
            }
        }
    }
    Ok(filled)
}

/// The value of a header. What was taken can neither end the line nor write another one.
///
/// # Errors
/// Which variable stands in the way.
pub(crate) fn header_of(text: &str, known: &Variables) -> Result<HeaderValue, Stop> {
    let filled = fill(text, known, MOST_LINE_BYTES, |_, value| {
        if value.chars().any(char::is_control) {
            return Err(FlowUnfit::ControlCharacter);
        }
        match value.is_ascii() {
            true => Ok(value),
            false => Err(FlowUnfit::NotAscii),
        }
    })?;
    let unfit = || {
        let name = variables(text).next().unwrap_or_default();
        Stop::Unfit(name.to_owned(), FlowUnfit::NotAscii)
    };
    let mut value = HeaderValue::from_str(&filled).map_err(|_| unfit())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Path and query. What was taken is one segment, or one value of the query, and never more; a path that is one
/// variable alone is followed within its origin.
///
/// # Errors
/// Which variable stands in the way.
pub(crate) fn path_of(text: &str, known: &Variables, origin: &Origin) -> Result<String, Stop> {
    if let Ok([Part::Variable(name)]) = parts(text).as_deref() {
        return whole_path(&variable(name, known)?.text(), origin)
            .map_err(|problem| Stop::Unfit((*name).to_owned(), problem));
    }
    let mut last = String::new();
    let filled = fill(text, known, MOST_LINE_BYTES, |before, value| {
        if before.contains('?') {
            return Ok(encoded(&value));
        }
        if value.is_empty() {
            return Err(FlowUnfit::Empty);
        }
        if value.contains(['/', '\\']) {
            return Err(FlowUnfit::Slash);
        }
        if value.chars().any(char::is_control) {
            return Err(FlowUnfit::ControlCharacter);
        }
        Ok(encoded(&value))
    })?;
    // Together with what stands beside it a value may still be one: `.` behind a `.`.
    let path = filled.split('?').next().unwrap_or_default();
    if path.split('/').any(is_dots) {
        last.push_str(variables(text).next().unwrap_or_default());
        return Err(Stop::Unfit(last, FlowUnfit::DotSegment));
    }
    Ok(filled)
}

/// Whether servers take a segment for `.` or `..`. WHATWG URL, "single-dot" and "double-dot URL path segment".
fn is_dots(segment: &str) -> bool {
    let plain = segment.to_ascii_lowercase().replace("%2e", ".");
    matches!(plain.as_str(), "." | "..")
}

fn whole_path(value: &str, origin: &Origin) -> Result<String, FlowUnfit> {
    if value.is_empty() {
        return Err(FlowUnfit::Empty);
    }
    if value.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(FlowUnfit::ControlCharacter);
    }
    let joined = Url::parse(&origin.to_string())
        .and_then(|base| base.join(value))
        .map_err(|_| FlowUnfit::OtherOrigin)?;
    let host = joined.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_own = joined.scheme() == origin.scheme
        && host.trim_end_matches('.').eq_ignore_ascii_case(&origin.host)
        && joined.port_or_known_default() == Some(origin.port)
        && joined.username().is_empty()
        && joined.password().is_none();
    if !is_own {
        return Err(FlowUnfit::OtherOrigin);
    }
    Ok(match joined.query() {
        Some(query) => format!("{}?{query}", joined.path()),
        None => joined.path().to_owned(),
    })
}

/// With every byte escaped that is not unreserved. RFC 3986, section 2.3.
fn encoded(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// The body of a step and its type; `None` where it has none.
///
/// # Errors
/// Which variable stands in the way.
pub(crate) fn body_of(step: &FlowStep, known: &Variables) -> Result<Option<(&'static str, Bytes)>, Stop> {
    let plain = |text: &str| fill(text, known, MOST_BODY_BYTES, |_, value| Ok(value));
    if let Some(json) = &step.json {
        let mut value = json.value();
        put_in(&mut value, known)?;
        return Ok(Some(("application/json", value.to_string().into())));
    }
    if !step.form.is_empty() {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in &step.form {
            form.append_pair(name, &plain(value)?);
        }
        return Ok(Some(("application/x-www-form-urlencoded", form.finish().into())));
    }
    match &step.text {
        Some(text) => Ok(Some(("text/plain; charset=utf-8", plain(text)?.into()))),
        None => Ok(None),
    }
}

fn put_in(value: &mut Value, known: &Variables) -> Result<(), Stop> {
    match value {
        Value::String(text) => {
            let whole = match parts(text).as_deref() {
                Ok([Part::Variable(name)]) => Some(variable(name, known)?.value.clone()),
                _ => None,
            };
            *value = match whole {
                Some(whole) => whole,
                None => fill(text, known, MOST_BODY_BYTES, |_, value| Ok(value))?.into(),
            };
            Ok(())
        }
        Value::Array(items) => items.iter_mut().try_for_each(|item| put_in(item, known)),
        Value::Object(members) => members.values_mut().try_for_each(|member| put_in(member, known)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn known(value: impl Into<Value>) -> Variables {
        let value = value.into();
        [("id".to_owned(), Variable { value, secret: false })].into()
    }

    fn origin() -> Origin {
        Origin::new("https", "api.example.com", 443)
    }

    #[test]
    fn a_text_is_taken_apart() {
        use Part::{Text, Variable};
        for (text, wanted) in [
            ("", vec![]),
            ("a}}b{c}", vec![Text("a}}b{c}")]),
            ("{{id}}", vec![Variable("id")]),
            ("/a/{{ id }}/b", vec![Text("/a/"), Variable("id"), Text("/b")]),
            ("{{a}}{{b.c}}", vec![Variable("a"), Variable("b.c")]),
        ] {
            assert_eq!(parts(text).unwrap(), wanted, "{text}");
        }
        for wrong in ["{{", "a{{b", "{{}}", "{{a b}}", "{{{{a}}", "{{ä}}"] {
            assert!(parts(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_value_writes_no_header() {
        assert_eq!(
            header_of("Bearer {{id}}", &known("a.b-c")).unwrap(),
            "Bearer a.b-c"
        );
        for (value, problem) in [
            ("a\r\nx-admin: 1", FlowUnfit::ControlCharacter),
            ("a\nb", FlowUnfit::ControlCharacter),
            ("a\0", FlowUnfit::ControlCharacter),
            ("\u{85}", FlowUnfit::ControlCharacter),
            ("\u{7f}", FlowUnfit::ControlCharacter),
            ("ä", FlowUnfit::NotAscii),
            ("\u{560a}", FlowUnfit::NotAscii),
        ] {
            let stop = header_of("x {{id}}", &known(value)).unwrap_err();
            assert_eq!(stop, Stop::Unfit("id".to_owned(), problem), "{value:?}");
        }
        let long = known("a".repeat(MOST_LINE_BYTES));
        assert!(header_of("x{{id}}", &long).is_err());
        assert!(header_of("{{id}}", &long).is_ok());
        assert_eq!(
            header_of("{{other}}", &known(1)).unwrap_err(),
            Stop::Untaken("other".to_owned())
        );
    }

    #[test]
    fn a_value_is_one_segment_of_a_path() {
        let path = |text: &str, value: &str| path_of(text, &known(value), &origin());
        for (text, value, wanted) in [
            ("/a/{{id}}", "17", "/a/17"),
            ("/a/{{id}}/b", "x y?#%", "/a/x%20y%3F%23%25/b"),
            ("/a/{{id}}", "%2e%2e", "/a/%252e%252e"),
            ("/a?q={{id}}", "../b&c=d\r\n", "/a?q=..%2Fb%26c%3Dd%0D%0A"),
            ("/a?q={{id}}", "", "/a?q="),
            ("/a/{{id}}", "...", "/a/..."),
            ("/a/v.{{id}}", "1", "/a/v.1"),
        ] {
            assert_eq!(path(text, value).unwrap(), wanted, "{text} {value}");
        }
        for (text, value, problem) in [
            ("/a/{{id}}", "..", FlowUnfit::DotSegment),
            ("/a/{{id}}/b", ".", FlowUnfit::DotSegment),
            ("/a/.{{id}}", ".", FlowUnfit::DotSegment),
            ("/a/%2e{{id}}", ".", FlowUnfit::DotSegment),
            ("/a/{{id}}", "../admin", FlowUnfit::Slash),
            ("/a/{{id}}", "..\\admin", FlowUnfit::Slash),
            ("/a/{{id}}", "/", FlowUnfit::Slash),
            ("/a/{{id}}", "", FlowUnfit::Empty),
            ("/a/{{id}}", "1 HTTP/1.1", FlowUnfit::Slash),
            ("/a/{{id}}", "1\r\nx: y", FlowUnfit::ControlCharacter),
        ] {
            assert_eq!(
                path(text, value).unwrap_err(),
                Stop::Unfit("id".to_owned(), problem),
                "{value}"
            );
        }
    }

    #[test]
    fn a_path_that_is_a_value_stays_in_its_origin() {
        let path = |value: &str| path_of("{{id}}", &known(value), &origin());
        for (value, wanted) in [
            ("/next?page=2", "/next?page=2"),
            ("https://api.example.com/a", "/a"),
            ("https://API.example.com:443/a#b", "/a"),
            ("/a/../b", "/b"),
        ] {
            assert_eq!(path(value).unwrap(), wanted, "{value}");
        }
        for value in [
            "//evil.example/a",
            "\\\\evil.example/a",
            "https://evil.example/",
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "https://me@api.example.com/",
            "https://api.example.com.evil.example/",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ] {
            let stop = path(value).unwrap_err();
            assert_eq!(
                stop,
                Stop::Unfit("id".to_owned(), FlowUnfit::OtherOrigin),
                "{value}"
            );
        }
        for value in ["", "/a b", "/a\r\nx: y"] {
            assert!(path(value).is_err(), "{value:?}");
        }
    }

    #[test]
    fn bodies_are_written_in_their_own_way() {
        let body = |step: FlowStep, value: Value| {
            let (kind, body) = body_of(&step, &known(value)).unwrap().unwrap();
            (kind, String::from_utf8(body.to_vec()).unwrap())
        };
        let step = || FlowStep::new("a", "POST", "/");
        let json = step().json(&json!({ "n": "{{id}}", "t": "<{{id}}>", "l": [{ "m": "{{id}}" }], "o": 1 }));
        assert_eq!(
            body(json.clone(), 17.into()).1,
            r#"{"l":[{"m":17}],"n":17,"o":1,"t":"<17>"}"#,
            "a number stays one"
        );
        assert_eq!(
            body(json, r#"a","admin":"1"#.into()).1,
            r#"{"l":[{"m":"a\",\"admin\":\"1"}],"n":"a\",\"admin\":\"1","o":1,"t":"<a\",\"admin\":\"1>"}"#
        );
        assert_eq!(
            body(step().field("a", "{{id}}").field("b", "c d"), "x&y=z".into()).1,
            "a=x%26y%3Dz&b=c+d"
        );
        assert_eq!(
            body(step().text("<{{id}}>"), "x".into()),
            ("text/plain; charset=utf-8", "<x>".to_owned())
        );
        assert_eq!(body_of(&step(), &known(1)).unwrap(), None);
    }

    proptest! {
        #[test]
        fn what_is_taken_makes_no_second_line(value in ".{0,40}", text in "[/a-z?=]{0,20}") {
            let known = known(value.as_str());
            if let Ok(path) = path_of(&format!("/a/{{{{id}}}}{text}"), &known, &origin()) {
                prop_assert!(!path.contains(|c: char| c.is_control() || c == ' '), "{path:?}");
                prop_assert!(path.starts_with("/a/"));
            }
            if let Ok(path) = path_of("{{id}}", &known, &origin()) {
                prop_assert!(path.starts_with('/') && !path.contains(|c: char| c.is_control() || c == ' '));
            }
            if let Ok(header) = header_of("{{id}}", &known) {
                prop_assert!(!header.as_bytes().iter().any(u8::is_ascii_control));
            }
        }
    }
}
