//! What a health answer tells everybody: where the code broke, how to log in, what runs inside.

use std::net::Ipv4Addr;

use readiness_core::Finding;
use serde_json::Value;

use super::payload::capped;

/// What was found that is nobody else's business. What is secret in it is not kept.
#[derive(Debug, Default)]
struct Exposed {
    /// The scheme of a connection string, or the key that stands before a password.
    connection: Option<String>,
    exception: Option<String>,
    trace: Option<&'static str>,
    private_addresses: usize,
    version: Option<String>,
}

/// Judges an answer that came without a login; `is_public` says that the world reaches the address.
pub(super) fn of_details(text: &str, json: Option<&Value>, is_public: bool) -> Vec<Finding> {
    let mut exposed = Exposed::default();
    match json {
        Some(json) => exposed.walk(json, ""),
        None => exposed.scan(text),
    }
    exposed.findings(is_public)
}

impl Exposed {
    fn walk(&mut self, value: &Value, key: &str) {
        match value {
            Value::String(text) => {
                self.scan(text);
                if key.eq_ignore_ascii_case("exception") && !text.trim().is_empty() {
                    self.exception.get_or_insert_with(|| "exception".to_owned());
                }
                let names_version = VERSION_KEYS.iter().any(|name| key.eq_ignore_ascii_case(name));
                if names_version && text.contains(|c: char| c.is_ascii_digit()) {
                    self.version.get_or_insert_with(|| capped(key));
                }
            }
            Value::Array(list) => list.iter().for_each(|value| self.walk(value, key)),
            Value::Object(object) => object.iter().for_each(|(key, value)| self.walk(value, key)),
            Value::Bool(_) | Value::Null | Value::Number(_) => {}
        }
    }

    fn scan(&mut self, text: &str) {
        if self.connection.is_none() {
            self.connection = connection(text);
        }
        if self.exception.is_none() {
            self.exception = exception(text);
        }
        if self.trace.is_none() {
            self.trace = trace(text);
        }
        self.private_addresses = self.private_addresses.saturating_add(private_addresses(text));
    }

    fn findings(self, is_public: bool) -> Vec<Finding> {
        const CODE: &str = "details_public";
        const REMEDY: &str = "show details to callers that log in alone, and write the rest to the log";
        let mut findings = Vec::new();
        findings.extend(self.connection.map(|what| {
            Finding::warn(
                CODE,
                format!("a password stands behind `{what}`, for everybody to read"),
            )
            .subject("connection string")
            .remedy(format!("change that password; {REMEDY}"))
        }));
        findings.extend(self.exception.map(|name| {
            Finding::warn(
                CODE,
                format!("the text of `{name}` is there for everybody to read"),
            )
            .subject("exception")
            .remedy(REMEDY)
        }));
        findings.extend(self.trace.map(|of| {
            Finding::warn(
                CODE,
                format!("a stack trace of {of} is there for everybody to read"),
            )
            .subject("stack trace")
            .remedy(REMEDY)
        }));
        if is_public && self.private_addresses > 0 {
            let message = format!(
                "{} addresses of the inner network are there for everybody to read",
                self.private_addresses
            );
            findings.push(
                Finding::warn(CODE, message)
                    .subject("private addresses")
                    .remedy(REMEDY),
            );
        }
        findings.extend(self.version.map(|key| {
            Finding::note(CODE, format!("`{key}` tells everybody which version runs")).subject("version")
        }));
        findings
    }
}

const VERSION_KEYS: [&str; 5] = ["build", "releaseId", "serverVersion", "version", "appVersion"];

/// No user name, password or class name is longer; it keeps every search linear.
const MOST_BYTES: usize = 256;

/// `scheme://user:password@` gives the scheme, `Password=secret` the key.
fn connection(text: &str) -> Option<String> {
    let url = text.match_indices("://").find_map(|(at, _)| {
        let before = text.get(..at)?;
        let scheme = last_word(before, |c| {
            c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')
        });
        let rest = start_of(text.get(at + 3..)?);
        let user = rest
            .find([':', '/', '@'])
            .filter(|&end| rest.as_bytes().get(end) == Some(&b':'))?;
        let (user, rest) = (rest.get(..user)?, rest.get(user + 1..)?);
        let password = rest.get(..rest.find('@')?)?;
        // In `http://db:8080/a@b` a port stands there.
        let after_digits = password.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_port = after_digits.len() < password.len() && after_digits.starts_with(['/', '?', '#']);
        let is_one = !scheme.is_empty()
            && !is_port
            && !user.contains(char::is_whitespace)
            && !password.contains(char::is_whitespace)
            && is_shown(password);
        is_one.then(|| format!("{scheme}://"))
    });
    url.or_else(|| {
        text.match_indices('=').find_map(|(at, _)| {
            let key = last_word(text.get(..at)?, |c| c.is_ascii_alphanumeric() || c == '_');
            let is_key = ["password", "passwd", "pwd"]
                .iter()
                .any(|name| key.eq_ignore_ascii_case(name));
            let rest = start_of(text.get(at + 1..)?);
            let end = rest
                .find(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '"' | '\'' | ',' | ')' | '}'))
                .unwrap_or(rest.len());
            (is_key && is_shown(rest.get(..end)?)).then(|| format!("{key}="))
        })
    })
}

/// Whether a password is more than a row of stars or a word in its place.
fn is_shown(password: &str) -> bool {
    let plain = password.trim_matches(['[', ']', '<', '>', '(', ')', '{', '}']);
    let is_masked = plain
        .chars()
        .all(|c| matches!(c, '*' | 'x' | 'X' | '•' | '.' | '-'))
        || ["redacted", "hidden", "masked", "secret", "password"]
            .iter()
            .any(|word| plain.eq_ignore_ascii_case(word));
    !is_masked
}

/// `java.net.ConnectException`, `TimeoutError:`.
fn exception(text: &str) -> Option<String> {
    ["Exception", "Error"].into_iter().find_map(|end| {
        text.match_indices(end).find_map(|(at, _)| {
            let name = last_word(text.get(..at)?, is_of_class);
            let rest = text.get(at + end.len()..)?;
            let is_qualified = name.contains('.');
            let is_class = name.starts_with(|c: char| c.is_alphabetic())
                && !rest.starts_with(is_of_class_name)
                && (end == "Exception" || is_qualified || rest.starts_with(": "));
            is_class.then(|| capped(&format!("{name}{end}")))
        })
    })
}

/// Whose stack trace it is.
fn trace(text: &str) -> Option<&'static str> {
    const MARKS: [(&str, &str); 4] = [
        ("Traceback (most recent call last)", "Python"),
        ("panicked at ", "Rust"),
        (" [running]:", "Go"),
        ("Stack trace:\n#0 ", "PHP"),
    ];
    if let Some((_, of)) = MARKS.iter().find(|(mark, _)| text.contains(mark)) {
        return Some(of);
    }
    text.match_indices("at ").find_map(|(at, _)| {
        let is_word = !text.get(..at)?.ends_with(is_of_class);
        let rest = start_of(text.get(at + 3..)?);
        let end = rest.find(|c| !is_of_class(c) && !matches!(c, '<' | '>'))?;
        let (name, rest) = (rest.get(..end)?, rest.get(end..)?);
        // `at Object.<anonymous> (/srv/app.js:3:7)`, and `at com.shop.Db.open(`.
        let is_node = rest
            .strip_prefix(" (")
            .and_then(|place| place.split_once(')'))
            .is_some_and(|(place, _)| place.matches(':').count() >= 2);
        (is_word && !name.is_empty() && (rest.starts_with('(') || is_node)).then_some("the service")
    })
}

/// How many addresses of RFC 1918 stand there.
fn private_addresses(text: &str) -> usize {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.')
        .filter_map(|word| word.trim_matches('.').parse::<Ipv4Addr>().ok())
        .filter(Ipv4Addr::is_private)
        .count()
}

fn is_of_class_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

fn is_of_class(c: char) -> bool {
    is_of_class_name(c) || c == '.'
}

/// The last characters of a text that are all such.
fn last_word(text: &str, is_of: impl Fn(char) -> bool) -> &str {
    let start = text
        .char_indices()
        .rev()
        .take(MOST_BYTES)
        .take_while(|(_, c)| is_of(*c))
        .last()
        .map_or(text.len(), |(at, _)| at);
    text.get(start..).unwrap_or_default()
}

/// So much of a text as is looked at.
fn start_of(text: &str) -> &str {
    let mut end = text.len().min(2 * MOST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(text: &str, json: Option<&Value>, is_public: bool) -> Vec<String> {
        let findings = of_details(text, json, is_public);
        for finding in &findings {
            assert_eq!(finding.code, "details_public");
            assert!(finding.is_note() || !finding.remedy.is_empty());
        }
        findings
            .iter()
            .map(|finding| format!("{} {}", finding.status.word(), finding.subject))
            .collect()
    }

    #[test]
    fn what_is_nobody_elses_business_is_told() {
        for (text, expected) in [
            ("postgres://joe:hunter2@db/app", "warn connection string"),
            ("see amqp+ssl://joe:p%40ss@mq:5671/ now", "warn connection string"),
            ("Server=db;User Id=sa;Password=hunter2;", "warn connection string"),
            ("host=db user=joe pwd=hunter2", "warn connection string"),
            ("java.net.ConnectException: Connection refused", "warn exception"),
            ("PDOException", "warn exception"),
            ("sqlalchemy.exc.OperationalError", "warn exception"),
            ("TimeoutError: 5 s", "warn exception"),
            ("x\n\tat com.shop.Db$1.open(Db.java:3)", "warn stack trace"),
            (
                "x\n    at Object.<anonymous> (/srv/app.js:3:7)",
                "warn stack trace",
            ),
            ("Traceback (most recent call last):", "warn stack trace"),
            ("thread 'main' panicked at src/main.rs:3:5", "warn stack trace"),
            ("goroutine 1 [running]:", "warn stack trace"),
            ("10.0.0.7:5432 refused", "warn private addresses"),
            ("to 172.16.0.1, from 192.168.255.255.", "warn private addresses"),
        ] {
            assert_eq!(found(text, None, true), [expected], "{text}");
            let inside = json!({ "details": [{ "error": text }] });
            assert_eq!(found("", Some(&inside), true), [expected], "{text}");
        }
    }

    #[test]
    fn near_misses_are_silent() {
        for text in [
            "postgres://db/app",
            "postgres://joe@db/app",
            "http://db:5432/a@b",
            "postgres://joe:***@db/app",
            "postgres://joe:[redacted]@db/app",
            "://joe:hunter2@db",
            "postgres://joe:hunter 2@db",
            "Password=***;",
            "Password=",
            "passwordless=1",
            "an Exception was not seen",
            "Error: x",
            "Exceptional",
            "the Errors",
            "looked at 3 (three)",
            "that com.shop.open(",
            "at the (door)",
            "8.8.8.8",
            "172.32.0.1",
            "10.0.0",
            "v10.0.0.7",
            "10.0.0.256",
            "",
        ] {
            assert_eq!(found(text, None, true), [""; 0], "{text}");
        }
        // Inside the network its addresses tell nothing.
        assert_eq!(found("10.0.0.7", None, false), [""; 0]);
    }

    #[test]
    fn keys_tell_as_well() {
        for (json, expected) in [
            (json!({ "version": "14.5" }), vec!["pass version"]),
            (
                json!({ "db": { "releaseId": "2026.11.3" } }),
                vec!["pass version"],
            ),
            (json!({ "exception": "boom" }), vec!["warn exception"]),
            (json!({ "exception": "" }), vec![]),
            (json!({ "exception": null, "version": 1 }), vec![]),
            (json!({ "version": "latest" }), vec![]),
        ] {
            assert_eq!(found("", Some(&json), true), expected, "{json}");
        }
    }

    #[test]
    fn no_secret_is_repeated() {
        let text = "postgres://joe:hunter2@10.0.0.7/app\njava.lang.X.YException: hunter2\n\tat a.b(hunter2)";
        let findings = of_details(text, None, true);
        assert_eq!(findings.len(), 4);
        let shown = serde_json::to_string(&findings).unwrap();
        for secret in ["hunter2", "joe", "10.0.0.7"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }

    #[test]
    fn many_halves_of_a_match_are_read_in_one_go() {
        for piece in [
            "a://b:",
            "at a",
            "at ",
            "10.",
            "aException",
            "pwd=",
            "a.",
            "://",
            "x:y@",
        ] {
            // Each of them would take minutes if a search ran to the end of the text from every match.
            let text = piece.repeat(256 * 1024 / piece.len());
            let exposed = of_details(&text, None, true);
            assert!(exposed.len() <= 1, "{piece}");
        }
    }
}
