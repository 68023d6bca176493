//! `WWW-Authenticate` as clients read it. RFC 9110, sections 11.2 to 11.6.1.

use super::syntax::{excerpt, is_token, trim, unquote};

/// One way to authenticate.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Challenge {
    /// The scheme in lower case.
    pub(crate) scheme: String,
    /// The names of its parameters in lower case, with their values.
    pub(crate) parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The most challenges that are read; no service offers more than a handful.
const MOST_CHALLENGES: usize = 50;
const MOST_PARAMETERS: usize = 50;

/// Reads all lines, joined; says in words what is no challenge. One pass.
///
/// A comma stands between challenges and between the parameters of one, so an element that begins with a
/// scheme and a space begins a new challenge, and `name=value` belongs to the one before it.
pub(crate) fn parse(value: &[u8]) -> Result<Vec<Challenge>, String> {
    let mut all: Vec<Challenge> = Vec::new();
    for element in elements(value) {
        let element = trim(element);
        if element.is_empty() {
            continue;
        }
        if let Some(parameter) = parameter(element) {
            let Some(challenge) = all.last_mut() else {
                return Err(format!("`{}` stands before any scheme", excerpt(element)));
            };
            add(challenge, parameter)?;
            continue;
        }
        let end = element
            .iter()
            .position(|byte| *byte == b' ')
            .unwrap_or(element.len());
        let (scheme, rest) = element.split_at(end);
        if !is_token(scheme) {
            return Err(format!("`{}` is no scheme", excerpt(element)));
        }
        if all.len() == MOST_CHALLENGES {
            return Err(format!("more than {MOST_CHALLENGES} challenges"));
        }
        let mut challenge = Challenge {
            scheme: excerpt(scheme).to_ascii_lowercase(),
            parameters: Vec::new(),
        };
        let rest = trim(rest);
        if let Some(parameter) = parameter(rest) {
            add(&mut challenge, parameter)?;
        } else if !rest.is_empty() && !is_token68(rest) {
            return Err(format!("`{}` is neither a parameter nor a token", excerpt(rest)));
        }
        all.push(challenge);
    }
    if all.is_empty() {
        return Err("it holds no challenge".to_owned());
    }
    Ok(all)
}

fn add(challenge: &mut Challenge, (name, value): (String, Option<String>)) -> Result<(), String> {
    let Some(value) = value else {
        return Err(format!(
            "the value of `{name}` is neither a token nor a quoted string"
        ));
    };
    // RFC 9110, section 11.2: each name once.
    if challenge.parameter(&name).is_some() {
        return Err(format!("`{name}` stands twice in one challenge"));
    }
    if challenge.parameters.len() < MOST_PARAMETERS {
        challenge.parameters.push((name, value));
    }
    Ok(())
}

/// `name = value`, with blanks where they are allowed; the value is `None` where it is none. A token68 ends with `=`,
/// and has nothing after it.
fn parameter(element: &[u8]) -> Option<(String, Option<String>)> {
    let equals = element.iter().position(|&byte| byte == b'=')?;
    let (name, rest) = element.split_at(equals);
    let name = trim(name);
    let value = trim(rest.get(1..)?);
    if !is_token(name) || value.iter().all(|&byte| byte == b'=') {
        return None;
    }
    let text = match unquote(value) {
        Some(text) => Some(text),
        None if is_token(value) => Some(value.to_vec()),
        None => None,
    };
    let text = text.map(|text| excerpt(&text));
    Some((excerpt(name).to_ascii_lowercase(), text))
}

/// RFC 9110, section 11.2.
fn is_token68(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|&&byte| byte == b'=').count();
    let body = bytes.get(..bytes.len() - padding).unwrap_or_default();
    !body.is_empty()
        && body
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/".contains(byte))
}

fn elements(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    super::syntax::split_unquoted(value, b',')
        .into_iter()
        .map(|(_, part)| part)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(value: &str) -> Result<Vec<String>, String> {
        let all = parse(value.as_bytes())?;
        Ok(all
            .into_iter()
            .map(|challenge| {
                let parameters: Vec<String> = challenge
                    .parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                format!("{} {}", challenge.scheme, parameters.join(" "))
                    .trim()
                    .to_owned()
            })
            .collect())
    }

    #[test]
    fn challenges_are_read() {
        // RFC 9110, section 11.6.1, and the schemes' own standards.
        for (value, wanted) in [
            ("Basic realm=\"x\"", &["basic realm=x"][..]),
            ("bearer", &["bearer"]),
            (
                "Basic realm = x , charset=\"UTF-8\"",
                &["basic realm=x charset=UTF-8"],
            ),
            ("Negotiate, NTLM", &["negotiate", "ntlm"]),
            ("Negotiate YII+/abc==", &["negotiate"]),
            ("Negotiate abc", &["negotiate"]),
            (
                "Basic realm=\"a, b=c\", Digest realm=d, nonce=\"e\\\"f\"",
                &["basic realm=a, b=c", "digest realm=d nonce=e\"f"],
            ),
            (", ,Basic realm=x, ,", &["basic realm=x"]),
            (
                "Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"",
                &[
                    "newauth realm=apps type=1 title=Login to \"apps\"",
                    "basic realm=simple",
                ],
            ),
        ] {
            assert_eq!(of(value).unwrap(), wanted, "{value}");
        }
    }

    #[test]
    fn what_is_no_challenge_is_said() {
        for (value, said) in [
            ("", "no challenge"),
            (" , ", "no challenge"),
            ("realm=\"x\"", "before any scheme"),
            ("Basic realm=\"x", "neither a token"),
            ("Basic realm=a b", "neither a token"),
            ("Basic realm=x, realm=y", "stands twice"),
            ("B(sic realm=x", "no scheme"),
            ("Basic \"x\"", "neither a parameter nor a token"),
        ] {
            let error = of(value).unwrap_err();
            assert!(error.contains(said), "{value}: {error}");
        }
    }

    #[test]
    fn hostile_values_are_read_in_one_pass() {
        for value in crate::http::samples::hostile() {
            let _ = parse(&value);
        }
        let many = format!(
            "Basic {}",
            (0..10_000)
                .map(|n| format!("a{n}=b"))
                .collect::<Vec<_>>()
                .join(",")
        );
        assert_eq!(
            parse(many.as_bytes()).unwrap()[0].parameters.len(),
            MOST_PARAMETERS
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(value in proptest::collection::vec(any::<u8>(), 0..300), text in "[A-Za-z=\", \\\\]{0,80}") {
            let _ = (parse(&value), parse(text.as_bytes()));
        }
    }
}
