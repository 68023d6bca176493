//! Whom one source of a Content Security Policy lets in. CSP Level 3, section 2.3.1.

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
            let _ = (reach_of(&source), is_public_suffix(&source));
        }
    }
}
