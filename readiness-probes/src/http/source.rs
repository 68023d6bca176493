//! One source of a Content Security Policy: what it is and whom it lets in. CSP Level 3, section 2.3.1.

use super::{policy::DIRECTIVES, syntax::excerpt};

/// Who can serve what a list of sources allows.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Reach {
    /// Nobody.
    Nobody,
    /// The page's own origin.
    Own,
    /// Those that are listed.
    Listed,
    /// Everybody who can register a name.
    Everybody,
}

/// What a source is read as, where it is hardly what was meant.
pub(crate) fn misread(value: &str) -> Option<(&'static str, String)> {
    let lower = value.to_ascii_lowercase();
    let shown = excerpt(value.as_bytes());
    let bare = lower.trim_matches('\'');
    let quoted = lower.len() >= 2 && lower.starts_with('\'') && lower.ends_with('\'');
    let is_keyword = KEYWORDS.contains(&bare);
    let is_secret = ["nonce-", "sha256-", "sha384-", "sha512-"]
        .iter()
        .any(|prefix| bare.starts_with(prefix));
    if !quoted && (is_keyword || is_secret) {
        return Some((
            "unquoted_keyword",
            format!(
                "`{shown}` is read as a host name; write `'{}'`",
                excerpt(value.trim_matches('\'').as_bytes())
            ),
        ));
    }
    if quoted && is_secret && !is_nonce(value) && !is_hash(value) {
        return Some((
            "malformed_source",
            format!("`{shown}` is no base64 and is skipped"),
        ));
    }
    if quoted && !is_keyword && !is_secret && !EXPERIMENTAL.iter().any(|known| bare.starts_with(known)) {
        return Some((
            "malformed_source",
            format!("`{shown}` is no keyword and is skipped"),
        ));
    }
    // Words like `report-to` are host names by the grammar; nobody means them.
    if DIRECTIVES.contains(&lower.as_str()) {
        return Some((
            "missing_semicolon",
            format!("`{shown}` is read as a host name; a `;` is missing before it"),
        ));
    }
    None
}

/// CSP Level 3, section 2.3.1, nonce-source.
pub(crate) fn is_nonce(value: &str) -> bool {
    strip_quoted(value, &["nonce-"]).is_some_and(is_base64)
}

/// CSP Level 3, section 2.3.1, hash-source.
pub(crate) fn is_hash(value: &str) -> bool {
    strip_quoted(value, &["sha256-", "sha384-", "sha512-"]).is_some_and(is_base64)
}

fn strip_quoted<'a>(value: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    let inner = value.strip_prefix('\'')?.strip_suffix('\'')?;
    prefixes.iter().find_map(|prefix| {
        let (start, rest) = inner.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    })
}

/// base64-value: letters, digits, `+`, `/`, `-`, `_`, then at most two `=`.
fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && text.len() - body.len() <= 2
        && body
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte))
}

/// Who can serve what one source allows. `data:`, `blob:` and their like have no host and reach nobody here.
pub(crate) fn reach_of(source: &str) -> Reach {
    let lower = source.to_ascii_lowercase();
    match lower.as_str() {
        "*" | "http:" | "https:" | "ws:" | "wss:" => return Reach::Everybody,
        "'self'" => return Reach::Own,
        _ if lower.starts_with('\'') => return Reach::Nobody,
        _ => {}
    }
    let (scheme, rest) = match lower.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None if lower.ends_with(':') => return Reach::Nobody,
        None => (None, lower.as_str()),
    };
    if scheme.is_some_and(|scheme| !matches!(scheme, "http" | "https" | "ws" | "wss")) {
        return Reach::Listed;
    }
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    match host.strip_prefix('*') {
        Some("") => Reach::Everybody,
        // Below a public suffix anybody can have a name. RFC 6265bis and the public suffix list.
        Some(suffix) if is_public_suffix(suffix.trim_start_matches('.')) => Reach::Everybody,
        _ => Reach::Listed,
    }
}

/// Whether anybody can register a name below it. Only suffixes that the list names count.
pub(crate) fn is_public_suffix(name: &str) -> bool {
    // The longest name DNS allows; a longer one is no suffix, and need not be looked up.
    name.len() <= 253
        && psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == name.as_bytes())
}

const KEYWORDS: [&str; 13] = [
    "inline-speculation-rules",
    "none",
    "report-sample",
    "report-sha256",
    "report-sha384",
    "report-sha512",
    "self",
    "strict-dynamic",
    "trusted-types-eval",
    "unsafe-eval",
    "unsafe-hashes",
    "unsafe-inline",
    "wasm-unsafe-eval",
];

/// Keywords with a value that newer browsers know.
const EXPERIMENTAL: [&str; 2] = ["url-sha", "eval-sha"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn who_a_source_lets_in() {
        for (source, reach) in [
            ("'none'", Reach::Nobody),
            ("'nonce-abc'", Reach::Nobody),
            ("data:", Reach::Nobody),
            ("blob:", Reach::Nobody),
            ("'self'", Reach::Own),
            ("'SELF'", Reach::Own),
            ("example.com", Reach::Listed),
            ("https://example.com", Reach::Listed),
            ("*.example.com", Reach::Listed),
            ("https://*.example.co.uk:443/a", Reach::Listed),
            ("app://*", Reach::Listed),
            ("*", Reach::Everybody),
            ("https:", Reach::Everybody),
            ("HTTP:", Reach::Everybody),
            ("wss:", Reach::Everybody),
            ("*:443", Reach::Everybody),
            ("*:*", Reach::Everybody),
            ("https://*", Reach::Everybody),
            ("https://*:443", Reach::Everybody),
            ("https://*/lib/", Reach::Everybody),
            ("*.com", Reach::Everybody),
            ("https://*.co.uk", Reach::Everybody),
            ("*.github.io", Reach::Everybody),
            // No public suffix: an inner name nobody can register.
            ("*.internal-corp", Reach::Listed),
        ] {
            assert_eq!(reach_of(source), reach, "{source}");
        }
    }

    proptest! {
        #[test]
        fn no_source_panics(source in "\\PC{0,40}") {
            let _ = (reach_of(&source), misread(&source), is_public_suffix(&source));
        }
    }
}
