//! The values of one directive.

use super::{
    super::{
        nonce,
        vocabulary::{self, Known, SANDBOX_FLAGS, Values},
    },
    Faults,
};
use crate::http::{
    expression::{Expression, Host, hash, keyword, strip},
    syntax::excerpt,
};

/// Looks at the values of a directive, each with where it begins.
pub(super) fn check<'a>(faults: &mut Faults, known: &Known, values: impl Iterator<Item = (usize, &'a str)>) {
    let mut first_none = None;
    let mut count = 0;
    for (at, value) in values {
        if faults.is_full() {
            return;
        }
        count += 1;
        // Words like `report-to` are host names by the grammar; nobody means them.
        let is_directive = vocabulary::directive(value).is_some();
        if is_directive && (known.values.are_sources() || value.contains('-')) {
            let shown = excerpt(value.as_bytes());
            let problem = format!(
                "in `{}`, `{shown}` is read as a value; a `;` is missing before it",
                known.name
            );
            faults.weak("missing_semicolon", at, value.as_bytes(), problem);
            // What follows was meant for another directive.
            return;
        }
        if first_none.is_none() && value.eq_ignore_ascii_case("'none'") {
            first_none = Some(at);
        }
        if let Some((code, problem)) = misread(known, value) {
            let problem = format!("in `{}`, {problem}", known.name);
            faults.weak(code, at, value.as_bytes(), problem);
        }
    }
    if let (Some(at), Values::Sources, 2..) = (first_none, known.values, count) {
        let problem = format!(
            "in `{}`, `'none'` counts alone; beside other sources it is skipped",
            known.name
        );
        faults.weak("none_beside_others", at, b"'none'", problem);
    }
}

/// What is wrong with one value, where something is.
fn misread(known: &Known, value: &str) -> Option<(&'static str, String)> {
    let shown = || excerpt(value.as_bytes());
    match known.values {
        Values::None => Some((
            "unexpected_value",
            format!("`{}` is skipped: the directive has no values", shown()),
        )),
        Values::Other => None,
        Values::Sandbox => {
            let is_flag = SANDBOX_FLAGS.iter().any(|flag| flag.eq_ignore_ascii_case(value));
            (!is_flag).then(|| {
                (
                    "unknown_keyword",
                    format!("`{}` is no flag of a sandbox and is skipped", shown()),
                )
            })
        }
        Values::Sources => source(value),
        Values::TrustedTypes => {
            let is_known = ["'none'", "'allow-duplicates'"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(value));
            (value.starts_with('\'') && !is_known).then(|| {
                (
                    "unknown_keyword",
                    format!("`{}` is no keyword and is skipped", shown()),
                )
            })
        }
        Values::Words(words) => {
            let is_known = words.iter().any(|word| word.eq_ignore_ascii_case(value));
            (!is_known).then(|| {
                let words = words.join("` or `");
                (
                    "unknown_keyword",
                    format!("`{}` is skipped, expected `{words}`", shown()),
                )
            })
        }
    }
}

/// What is wrong with a source expression.
fn source(value: &str) -> Option<(&'static str, String)> {
    let bare = value.trim_matches(['\'', '"', '`']);
    let is_secret = || strip(bare, "nonce-").is_some() || hash(bare).is_some();
    match Expression::read(value) {
        Some(Expression::Hash(algorithm, text)) => {
            let bytes = text.trim_end_matches('=').len() * 3 / 4;
            return (bytes != algorithm.bytes()).then(|| {
                let expected = algorithm.bytes();
                (
                    "malformed_hash",
                    format!(
                        "`{}` is {bytes} bytes long, expected {expected}, and matches nothing",
                        excerpt(value.as_bytes())
                    ),
                )
            });
        }
        Some(Expression::Nonce(text)) => {
            let bits = nonce::bits(text);
            let least = nonce::LEAST_BITS;
            return (bits < least).then(|| {
                (
                    "weak_nonce",
                    format!(
                        "the nonce has room for {bits} bits, expected at least {least} from a random source"
                    ),
                )
            });
        }
        Some(Expression::Keyword(_) | Expression::Scheme(_)) => return None,
        // `self` is a host name by the grammar; nobody means it.
        Some(Expression::Host(Host { host, .. }))
            if host.len() == value.len() && (keyword(value).is_some() || is_secret()) => {}
        Some(Expression::Host(_)) => return None,
        None => {}
    }
    let is_secret = is_secret();
    let shown = excerpt(value.as_bytes());
    let is_quoted = value.len() >= 2 && value.starts_with('\'') && value.ends_with('\'');
    if !is_quoted && (keyword(bare).is_some() || is_secret) {
        return Some((
            "unquoted_keyword",
            format!(
                "`{shown}` is no keyword as it stands; write `'{}'`",
                excerpt(bare.as_bytes())
            ),
        ));
    }
    if is_quoted && strip(bare, "nonce-").is_some() {
        return Some((
            "malformed_nonce",
            format!("`{shown}` is no base64 and is skipped"),
        ));
    }
    if is_quoted && is_secret {
        return Some(("malformed_hash", format!("`{shown}` is no base64 and is skipped")));
    }
    if is_quoted && bare.eq_ignore_ascii_case("unsafe-hashed-attributes") {
        return Some((
            "unknown_keyword",
            format!("`{shown}` was renamed to `'unsafe-hashes'` and is skipped"),
        ));
    }
    if is_quoted {
        return Some((
            "unknown_keyword",
            format!("`{shown}` is no keyword and is skipped"),
        ));
    }
    let why = match value {
        _ if value.starts_with(['\'', '"', '`']) || value.ends_with(['\'', '"', '`']) => {
            "its quotes are no pair of `'`"
        }
        _ if value.contains(['[', ']']) => "addresses in brackets have no place in it",
        _ if value.contains(['?', '#']) => "a source has no query and no fragment",
        _ if value.contains('_') => "the standard allows no underscore in host names",
        _ if value.contains('*') => "`*` stands for a whole host, for labels at its start, or for a port",
        _ => "it is no scheme, host or keyword",
    };
    Some((
        "malformed_source",
        format!("`{shown}` is no source and is skipped: {why}"),
    ))
}
