//! One source expression: what the grammar of CSP Level 3, section 2.3.1, makes of it.

use super::{
    digest::{Algorithm, is_base64},
    source::strangers_suffix,
};

/// A source expression that fits the grammar.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Expression<'a> {
    /// `'sha256-…'`, with what stands after the name of the algorithm.
    Hash(Algorithm, &'a str),
    Host(Host<'a>),
    Keyword(Keyword),
    /// `'nonce-…'`, with its value.
    Nonce(&'a str),
    /// `https:`, without the colon.
    Scheme(&'a str),
}

/// A keyword that decides what is asked here, or one that decides nothing of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Keyword {
    None,
    /// Known, and of no weight for what is asked here.
    Other,
    Own,
    StrictDynamic,
    UnsafeEval,
    UnsafeHashes,
    UnsafeInline,
}

/// A host-source: `https://*.example.com:443/a/`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Host<'a> {
    pub(crate) scheme: Option<&'a str>,
    pub(crate) host: &'a str,
    pub(crate) port: Port,
    /// Empty where there is none.
    pub(crate) path: &'a str,
}

/// The port of a host-source.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Port {
    Any,
    /// No port-part: the scheme's own.
    Default,
    Number(u16),
}

/// Keywords in lower case without their quotes. CSP Level 3, section 2.3.1; Speculation Rules; Trusted Types.
const KEYWORDS: [(&str, Keyword); 14] = [
    ("inline-speculation-rules", Keyword::Other),
    ("none", Keyword::None),
    ("report-sample", Keyword::Other),
    ("report-sha256", Keyword::Other),
    ("report-sha384", Keyword::Other),
    ("report-sha512", Keyword::Other),
    ("self", Keyword::Own),
    ("strict-dynamic", Keyword::StrictDynamic),
    ("trusted-types-eval", Keyword::Other),
    ("unsafe-allow-redirects", Keyword::Other),
    ("unsafe-eval", Keyword::UnsafeEval),
    ("unsafe-hashes", Keyword::UnsafeHashes),
    ("unsafe-inline", Keyword::UnsafeInline),
    ("wasm-unsafe-eval", Keyword::Other),
];

impl<'a> Expression<'a> {
    /// What the grammar makes of a value; `None` where it is no source expression, which browsers skip.
    pub(crate) fn read(value: &'a str) -> Option<Self> {
        if value.starts_with('\'') {
            return Self::quoted(value.strip_prefix('\'')?.strip_suffix('\'')?);
        }
        if let Some(scheme) = value.strip_suffix(':') {
            return is_scheme(scheme).then_some(Self::Scheme(scheme));
        }
        Host::read(value).map(Self::Host)
    }

    fn quoted(inner: &'a str) -> Option<Self> {
        if let Some(keyword) = keyword(inner) {
            return Some(Self::Keyword(keyword));
        }
        if let Some(value) = strip(inner, "nonce-") {
            return is_base64(value).then_some(Self::Nonce(value));
        }
        if let Some((algorithm, value)) = hash(inner) {
            return is_base64(value).then_some(Self::Hash(algorithm, value));
        }
        // Hashes of the URL of a script, and of what `eval` is given.
        let (_, value) = ["url-", "eval-"]
            .iter()
            .find_map(|kind| hash(strip(inner, kind)?))?;
        is_base64(value).then_some(Self::Keyword(Keyword::Other))
    }
}

/// The keyword of this name, without regard to case.
pub(crate) fn keyword(name: &str) -> Option<Keyword> {
    let found = KEYWORDS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, keyword)| *keyword)
}

/// The algorithm and the value of what stands between the quotes of a hash.
pub(crate) fn hash(inner: &str) -> Option<(Algorithm, &str)> {
    Algorithm::ALL
        .into_iter()
        .find_map(|algorithm| Some((algorithm, strip(inner, algorithm.name())?.strip_prefix('-')?)))
}

/// What follows a prefix, whose case does not matter (RFC 5234, section 2.3).
pub(crate) fn strip<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// RFC 3986, section 3.1.
fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

impl<'a> Host<'a> {
    fn read(value: &'a str) -> Option<Self> {
        let (scheme, rest) = match value.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, value),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.split_once(':') {
            None => (authority, Port::Default),
            Some((host, "*")) => (host, Port::Any),
            // No URL has a port above 65535, so such a source matches nothing: section 6.7.2.11.
            Some((host, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                (host, Port::Number(digits.parse().ok()?))
            }
            Some(_) => return None,
        };
        let fits = scheme.is_none_or(is_scheme) && is_host(host) && is_path(path);
        fits.then_some(Self {
            scheme,
            host,
            port,
            path,
        })
    }

    /// Whether strangers have hosts that it stands for: it is every host, or one that a stranger can have is
    /// below it.
    pub(crate) fn is_wide(&self) -> bool {
        self.host == "*" || self.strangers_suffix().is_some()
    }

    /// The suffix below what it stands for that anybody can register names at.
    pub(crate) fn strangers_suffix(&self) -> Option<String> {
        let below = self.host.strip_prefix("*.")?.to_ascii_lowercase();
        let name = below.strip_suffix('.').unwrap_or(&below);
        let dot = below.get(name.len()..).unwrap_or_default();
        strangers_suffix(name).map(|suffix| format!("{suffix}{dot}"))
    }

    /// Whether this host matches. Section 6.7.2.10, for a domain name in lower case.
    pub(crate) fn matches(&self, domain: &str) -> bool {
        match self.host.strip_prefix('*') {
            Some("") => true,
            Some(below) => domain
                .len()
                .checked_sub(below.len())
                .and_then(|at| domain.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(below)),
            None => self.host.eq_ignore_ascii_case(domain),
        }
    }
}

/// Schemes that a `https:` URL matches. CSP Level 3, section 6.7.2.9.
pub(crate) fn is_network(scheme: &str) -> bool {
    ["https", "http", "wss", "ws"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(scheme))
}

/// host-part: `*`, or labels between dots with `*.` before them perhaps.
fn is_host(text: &str) -> bool {
    if text == "*" {
        return true;
    }
    let text = text.strip_prefix("*.").unwrap_or(text);
    let text = text.strip_suffix('.').unwrap_or(text);
    text.split('.').all(|label| {
        !label.is_empty()
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// path-part: nothing, or path-absolute of RFC 3986, section 3.3, which does not begin with two slashes.
fn is_path(text: &str) -> bool {
    !text.starts_with("//")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+=:@%".contains(&byte))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn host(value: &str) -> Option<Host<'_>> {
        match Expression::read(value) {
            Some(Expression::Host(host)) => Some(host),
            _ => None,
        }
    }

    #[test]
    fn expressions_are_told_apart() {
        for (value, wanted) in [
            ("'self'", Some(Expression::Keyword(Keyword::Own))),
            ("'NONE'", Some(Expression::Keyword(Keyword::None))),
            (
                "'Strict-Dynamic'",
                Some(Expression::Keyword(Keyword::StrictDynamic)),
            ),
            ("'report-sha256'", Some(Expression::Keyword(Keyword::Other))),
            ("'url-sha256-YWJj'", Some(Expression::Keyword(Keyword::Other))),
            ("'eval-sha384-YWJj'", Some(Expression::Keyword(Keyword::Other))),
            ("'url-abc'", None),
            ("'nonce-a+/_-='", Some(Expression::Nonce("a+/_-="))),
            ("'NONCE-abc'", Some(Expression::Nonce("abc"))),
            ("'nonce-'", None),
            ("'nonce-a$b'", None),
            ("'nonce-abc==='", None),
            ("'nonce-abc", None),
            ("'sha256-YWJj'", Some(Expression::Hash(Algorithm::Sha256, "YWJj"))),
            ("'SHA512-YWJj'", Some(Expression::Hash(Algorithm::Sha512, "YWJj"))),
            ("'sha1-YWJj'", None),
            ("'unsafe-everything'", None),
            ("''", None),
            ("'", None),
            ("https:", Some(Expression::Scheme("https"))),
            ("1:", None),
            (":", None),
            ("\"self\"", None),
        ] {
            assert_eq!(Expression::read(value), wanted, "{value}");
        }
    }

    #[test]
    fn hosts_are_taken_apart() {
        let full = host("https://*.example.com:443/a/b").unwrap();
        assert_eq!(
            (full.scheme, full.host, full.port, full.path),
            (Some("https"), "*.example.com", Port::Number(443), "/a/b")
        );
        assert_eq!(host("a.example:*").unwrap().port, Port::Any);
        assert_eq!(host("localhost:3000").unwrap().port, Port::Number(3000));
        for right in [
            "*",
            "a",
            "a.",
            "*.a",
            "a-b.example",
            "a:0",
            "a:65535",
            "a/",
            "a/%20/x=(1)",
        ] {
            assert!(host(right).is_some(), "{right}");
        }
        for wrong in [
            "",
            "[bad",
            "[::1]",
            "a b",
            "a_b.example",
            "a..b",
            ".a",
            "*a",
            "a.*",
            "**",
            "a:",
            "a:x",
            "a:65536",
            "a:99999999999999999999",
            "a/?q",
            "a/#f",
            "a//b\u{7f}",
            "://a",
            "1://a",
            "a://",
            "a:1:2",
            "a@b",
        ] {
            assert!(host(wrong).is_none(), "{wrong}");
        }
        assert!(host("a//b").is_none(), "a path does not begin with two slashes");
    }

    #[test]
    fn wide_hosts_are_those_of_strangers() {
        for (value, wide) in [
            ("*", true),
            ("*:443", true),
            ("https://*/a", true),
            ("*.com", true),
            ("*.COM", true),
            ("*.com.", true),
            ("*.co.uk", true),
            ("*.github.io", true),
            // Below them are suffixes, and strangers' hosts below those.
            ("*.amazonaws.com", true),
            ("*.eu-west-1.amazonaws.com", true),
            ("*.windows.net", true),
            ("*.core.windows.net", true),
            ("*.kawasaki.jp", true),
            ("*.bucket.s3.amazonaws.com", false),
            ("*.city.kawasaki.jp", false),
            ("*.example.com", false),
            ("*.internal-corp", false),
            ("com", false),
            ("example.com", false),
        ] {
            assert_eq!(host(value).unwrap().is_wide(), wide, "{value}");
        }
    }

    #[test]
    fn hosts_match_names() {
        for (value, name, matches) in [
            ("*", "a.example", true),
            ("a.example", "a.example", true),
            ("A.Example", "a.example", true),
            ("a.example", "b.a.example", false),
            ("*.example", "a.example", true),
            ("*.example", "b.a.example", true),
            ("*.example", "example", false),
            ("*.a.example", "ba.example", false),
        ] {
            assert_eq!(host(value).unwrap().matches(name), matches, "{value} {name}");
        }
    }

    proptest! {
        #[test]
        fn no_value_panics(value in "\\PC{0,40}", name in "[a-zé.]{0,9}") {
            if let Some(Expression::Host(host)) = Expression::read(&value) {
                let _ = (host.is_wide(), host.matches(&name));
            }
        }
    }
}
