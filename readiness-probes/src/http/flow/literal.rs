//! Secrets that are written out in settings, where keys, recordings and messages would show them.

use serde_json::Value;
use url::form_urlencoded;

use super::{
    FlowStep,
    template::{Part, parts},
};
use crate::http::syntax::excerpt;

/// Refuses a step in which a secret is written out. What an earlier step takes and what the target's credential
/// holds is put in when the step is sent.
///
/// # Errors
/// Where it stands, in words.
pub(super) fn check(step: &FlowStep) -> Result<(), String> {
    of_query(&step.path)?;
    for (name, value) in &step.headers {
        of_header(name, value)?;
    }
    for (name, value) in &step.form {
        if names_a_secret(name) && !is_put_in(value) {
            return Err(written("form", name));
        }
    }
    if let Some(json) = &step.json {
        of_json(&json.value())?;
    }
    match &step.text {
        Some(text) => of_text(text),
        None => Ok(()),
    }
}

fn written(setting: &str, name: &str) -> String {
    format!(
        "`{setting}` holds a value for `{}`, which would be shown; let an earlier step take it, or use the target's \
         credential",
        excerpt(name.as_bytes())
    )
}

fn of_query(path: &str) -> Result<(), String> {
    let Some((_, query)) = path.split_once('?') else {
        return Ok(());
    };
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, value)| (names_a_secret(name) || is_key(name)) && !is_put_in(value))
        .map_or(Ok(()), |(name, _)| Err(written("path", &name)))
}

fn of_header(name: &str, value: &str) -> Result<(), String> {
    let holds_it = if name.eq_ignore_ascii_case("cookie") {
        value.split(';').any(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or(("", pair));
            is_session(name.trim(), value.trim())
        })
    } else {
        // How a scheme writes what it is given is its own.
        names_a_secret(name) && !value.trim().is_empty() && !has_variable(value)
    };
    match holds_it {
        true => Err(written("headers", name)),
        false => Ok(()),
    }
}

/// Whether a cookie that is written out may be a session. A short one is a word like `dark`.
fn is_session(name: &str, value: &str) -> bool {
    const SHORTEST: usize = 8;
    !is_put_in(value) && (names_a_secret(name) || (value.len() >= SHORTEST && !has_variable(value)))
}

fn of_json(value: &Value) -> Result<(), String> {
    match value {
        Value::Array(items) => items.iter().try_for_each(of_json),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| {
            if names_a_secret(name) && holds_literal(member) {
                return Err(written("json", name));
            }
            of_json(member)
        }),
        _ => Ok(()),
    }
}

/// Whether a member is a text or a number that is written out, or a list with one.
fn holds_literal(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_put_in(text),
        Value::Number(_) => true,
        Value::Array(items) => items.iter().any(holds_literal),
        Value::Bool(_) | Value::Null | Value::Object(_) => false,
    }
}

/// Fields of forms, members of JSON and elements of XML have one look: a name, a sign, a value.
fn of_text(text: &str) -> Result<(), String> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        let (_, from) = rest.split_at(start);
        let (name, after) = from.split_at(from.find(|c| !is_part(c)).unwrap_or(from.len()));
        rest = after;
        if !names_a_secret(name) {
            continue;
        }
        let after = after.strip_prefix(['"', '\'']).unwrap_or(after).trim_start();
        let Some(value) = after.strip_prefix(['=', ':', '>']) else {
            continue;
        };
        let value = value.trim_start().trim_start_matches(['"', '\'']);
        let ends = ['&', '<', ',', ';', '}', '{', '"', '\''];
        // `{{` is where a variable begins, and one `{` where an object does.
        if !value.is_empty() && !value.starts_with(ends) {
            return Err(written("text", name));
        }
    }
    Ok(())
}

fn has_variable(text: &str) -> bool {
    parts(text).is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Variable(_))))
}

/// Whether a text is empty or a variable, alone or behind the word of a scheme such as `Bearer`.
fn is_put_in(text: &str) -> bool {
    let is_scheme = |text: &str| {
        let word = text.trim_end_matches(' ');
        word.len() < text.len() && matches!(word, "Basic" | "Bearer" | "DPoP" | "Token")
    };
    match parts(text.trim()).as_deref() {
        Ok([] | [Part::Variable(_)]) => true,
        Ok([Part::Text(scheme), Part::Variable(_)]) => is_scheme(scheme),
        _ => false,
    }
}

/// Whether a name says that its value lets somebody in. Words count whole: a keyword is no key.
fn names_a_secret(name: &str) -> bool {
    /// Wherever they stand in a name.
    const ANYWHERE: [&str; 5] = ["passphrase", "passwd", "password", "pwd", "secret"];
    /// At its end: of a token the type may be written.
    const AT_THE_END: [&str; 13] = [
        "apikey",
        "authorization",
        "bearer",
        "credential",
        "credentials",
        "jwt",
        "otp",
        "pass",
        "passcode",
        "pin",
        "sig",
        "signature",
        "token",
    ];
    /// What is written in one, such as `accesstoken`.
    const ENDS: [&str; 5] = ["apikey", "passwd", "password", "secret", "token"];
    /// Before `key`: what sorts and finds.
    const NO_KEYS: [&str; 13] = [
        "cache",
        "foreign",
        "group",
        "idempotency",
        "object",
        "order",
        "partition",
        "primary",
        "project",
        "public",
        "sort",
        "surrogate",
        "websocket",
    ];
    let words = words(name);
    let Some((last, before)) = words.split_last() else {
        return false;
    };
    words.iter().any(|word| ANYWHERE.contains(&word.as_str()))
        || AT_THE_END.contains(&last.as_str())
        || ENDS.iter().any(|end| last.ends_with(end))
        || (last == "key"
            && before
                .last()
                .is_some_and(|kind| !NO_KEYS.contains(&kind.as_str())))
}

/// `key` alone: in a query it opens an interface; in a document it is as often the name of something.
fn is_key(name: &str) -> bool {
    matches!(words(name).as_slice(), [word] if word == "key")
}

/// The words of a name, in lower case: what is no letter parts them, and so does a capital behind a small letter
/// or before one.
fn words(name: &str) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut chars = name.chars().peekable();
    let mut before = None;
    while let Some(c) = chars.next() {
        let begins = c.is_uppercase()
            && match before {
                Some(old) if char::is_uppercase(old) => chars.peek().is_some_and(|next| next.is_lowercase()),
                old => old.is_some(),
            };
        if begins || !c.is_alphabetic() {
            all.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphabetic(), all.last_mut()) {
            word.extend(c.to_lowercase());
        }
        before = Some(c);
    }
    all.retain(|word| !word.is_empty());
    all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_is_words() {
        for (name, wanted) in [
            ("", vec![]),
            ("apiKey", vec!["api", "key"]),
            ("APIKey", vec!["api", "key"]),
            ("user[new_password]", vec!["user", "new", "password"]),
            ("X-Auth-Token2", vec!["x", "auth", "token"]),
            ("PIN", vec!["pin"]),
            ("ÄKey", vec!["ä", "key"]),
        ] {
            assert_eq!(words(name), wanted, "{name}");
        }
    }

    fn step(value: Value) -> FlowStep {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_secret_that_is_written_out_is_refused_wherever_it_stands() {
        for (value, said) in [
            (
                json!({ "path": "/a?api_key=hunter2" }),
                "`path` holds a value for `api_key`",
            ),
            (json!({ "path": "/a?key=hunter2" }), "`path`"),
            (json!({ "path": "/a?api%5Fkey=hunter2" }), "`path`"),
            (json!({ "path": "/a?b=1&userPass=hunter2" }), "`path`"),
            (json!({ "path": "/a?sig={{a}}hunter2" }), "`path`"),
            (
                json!({ "headers": { "Authorization": "Bearer hunter2" } }),
                "`headers` holds a value for `Authorization`",
            ),
            (json!({ "headers": { "x-api-key": "hunter2" } }), "`headers`"),
            (json!({ "headers": { "x-auth-token": "hunter2" } }), "`headers`"),
            (
                json!({ "headers": { "cookie": "session=hunter2s" } }),
                "`headers`",
            ),
            (
                json!({ "headers": { "cookie": "a=b; token=hunter2" } }),
                "`headers`",
            ),
            (json!({ "headers": { "Cookie": "hunter2hunter2" } }), "`headers`"),
            (
                json!({ "form": { "pwd": "hunter2" } }),
                "`form` holds a value for `pwd`",
            ),
            (json!({ "form": { "user[password]": "hunter2" } }), "`form`"),
            (json!({ "form": { "accesstoken": "x{{a}}" } }), "`form`"),
            (
                json!({ "json": "{\"password\":\"hunter2\"}" }),
                "`json` holds a value for `password`",
            ),
            (
                json!({ "json": { "a": [{ "clientSecret": "hunter2" }] } }),
                "`json`",
            ),
            (json!({ "json": { "pin": 1234 } }), "`json`"),
            (json!({ "json": { "password": ["{{a}}", "hunter2"] } }), "`json`"),
            (
                json!({ "text": "user=kim&password=hunter2" }),
                "`text` holds a value for `password`",
            ),
            (json!({ "text": "{ \"Password\" : \"hunter2\" }" }), "`text`"),
            (json!({ "text": "<a:Password>hunter2</a:Password>" }), "`text`"),
            (json!({ "text": "api_key: hunter2" }), "`text`"),
        ] {
            let error = check(&step(value.clone())).unwrap_err();
            assert!(error.contains(said), "{value}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn what_is_no_secret_is_taken() {
        for value in [
            json!({ "path": "/a?keyword=shoes&design=new&passenger=2&monkey=3&signal=4&spin=5" }),
            json!({ "path": "/a?token={{a}}&key=&sort_key=name&max_tokens=100&compass=north" }),
            json!({ "path": "/a?token_type_hint=access_token" }),
            json!({ "headers": { "authorization": "Bearer {{a}}", "x-api-key": "{{a}}" } }),
            json!({ "headers": { "authorization": "Digest username=\"{{a}}\", realm=\"b\"" } }),
            json!({ "headers": { "idempotency-key": "a-long-one-1234", "accept": "text/html" } }),
            json!({ "headers": { "cookie": "theme=dark; sid={{a}}; b=v1.{{a}}" } }),
            json!({ "form": { "keyboard": "de", "password": "{{a}}", "next": "/home" } }),
            json!({ "json": { "password": "{{ a }}", "key": "colour", "value": "red", "pin": true } }),
            json!({ "json": { "authorization": "Bearer {{a}}", "token": null, "secret": "" } }),
            json!({ "json": { "credentials": { "user": "kim" } } }),
            json!({ "text": "password={{a}}&token=&secretary=kim&user=b" }),
            json!({ "text": "<password>{{a}}</password>\n<user>kim</user>" }),
            json!({ "text": "{\"token\": {\"kind\": 1}, \"secret\":\"\"}" }),
        ] {
            assert_eq!(check(&step(value.clone())), Ok(()), "{value}");
        }
    }

    #[test]
    fn a_long_text_takes_one_pass() {
        let text = "password ".repeat(100_000);
        assert_eq!(check(&step(json!({ "text": text }))), Ok(()));
    }
}
