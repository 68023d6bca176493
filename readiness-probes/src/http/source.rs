//! Whom one source of a Content Security Policy lets in, and below which names strangers have theirs.

use super::expression::{Expression, Keyword, is_network};

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

/// Who can serve what one source allows. `data:`, `blob:` and their like have no host and reach nobody here,
/// and what fits no grammar is skipped.
pub(crate) fn reach_of(source: &str) -> Reach {
    match Expression::read(source) {
        Some(Expression::Keyword(Keyword::Own)) => Reach::Own,
        Some(Expression::Scheme(scheme)) if is_network(scheme) => Reach::Everybody,
        Some(Expression::Host(host)) if host.scheme.is_none_or(is_network) && host.is_wide() => {
            Reach::Everybody
        }
        Some(Expression::Host(_)) => Reach::Listed,
        _ => Reach::Nobody,
    }
}

/// Whether anybody can register a name below it. Only suffixes that the list names count.
pub(crate) fn is_public_suffix(name: &str) -> bool {
    // The longest name DNS allows; a longer one is no suffix, and need not be looked up.
    name.len() <= 253
        && psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == name.as_bytes())
}

/// Labels that are tried before a name: the first stands for a rule with a wildcard, such as `*.kawasaki.jp`;
/// the second is what object stores call theirs in each region.
const TRIED: [&str; 2] = ["x", "s3"];

/// Names that belong to one provider, each with a suffix below it where its customers have theirs. The public
/// suffix list is asked about whole names, and cannot be asked what it holds below one.
const PROVIDERS: [(&str, &str); 19] = [
    ("amazonaws.com.cn", "s3.cn-north-1.amazonaws.com.cn"),
    ("azure.com", "westeurope.cloudapp.azure.com"),
    ("canva.site", "my.canva.site"),
    ("cloudapp.azure.com", "westeurope.cloudapp.azure.com"),
    ("core.windows.net", "blob.core.windows.net"),
    ("evennode.com", "eu-1.evennode.com"),
    ("fastly.net", "global.ssl.fastly.net"),
    ("jelastic.com", "demo.jelastic.com"),
    ("linode.com", "members.linode.com"),
    ("on.aws", "lambda-url.us-east-1.on.aws"),
    ("ovh.net", "x.hosting.ovh.net"),
    ("platform.sh", "eu.platform.sh"),
    ("prod.fastly.net", "global.prod.fastly.net"),
    ("railway.app", "up.railway.app"),
    ("render.com", "app.render.com"),
    ("scw.cloud", "k8s.fr-par.scw.cloud"),
    ("ssl.fastly.net", "global.ssl.fastly.net"),
    ("us-east-1.on.aws", "lambda-url.us-east-1.on.aws"),
    ("windows.net", "blob.core.windows.net"),
];

/// The suffix at or below a name, in lower case, that strangers can have names below; `None` where all below it
/// is one owner's.
pub(crate) fn strangers_suffix(name: &str) -> Option<String> {
    if is_public_suffix(name) {
        return Some(name.to_owned());
    }
    let tried = TRIED.iter().map(|label| format!("{label}.{name}"));
    let known = PROVIDERS.iter().find(|(provider, _)| *provider == name);
    tried
        .into_iter()
        .find(|below| is_public_suffix(below))
        .or_else(|| known.map(|(_, below)| (*below).to_owned()))
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
            ("*.com.", Reach::Everybody),
            ("https://*.co.uk", Reach::Everybody),
            ("*.github.io", Reach::Everybody),
            ("*.amazonaws.com", Reach::Everybody),
            ("*.core.windows.net", Reach::Everybody),
            ("*.Kawasaki.JP", Reach::Everybody),
            // No public suffix: an inner name nobody can register.
            ("*.internal-corp", Reach::Listed),
            // Browsers skip what fits no grammar, and no URL has such a port.
            ("[bad", Reach::Nobody),
            ("a_b.example", Reach::Nobody),
            ("*:99999", Reach::Nobody),
            ("'self", Reach::Nobody),
            ("", Reach::Nobody),
        ] {
            assert_eq!(reach_of(source), reach, "{source}");
        }
    }

    #[test]
    fn strangers_are_found_below_a_name() {
        for (name, wanted) in [
            ("com", Some("com")),
            ("s3.amazonaws.com", Some("s3.amazonaws.com")),
            ("amazonaws.com", Some("s3.amazonaws.com")),
            ("eu-west-1.amazonaws.com", Some("s3.eu-west-1.amazonaws.com")),
            ("kawasaki.jp", Some("x.kawasaki.jp")),
            ("windows.net", Some("blob.core.windows.net")),
            ("cloudfront.net", Some("cloudfront.net")),
            // One owner's.
            ("city.kawasaki.jp", None),
            ("bucket.s3.amazonaws.com", None),
            ("portal.azure.com", None),
            ("example.com", None),
            ("", None),
        ] {
            assert_eq!(strangers_suffix(name).as_deref(), wanted, "{name}");
        }
    }

    #[test]
    fn the_table_holds_what_the_list_confirms() {
        assert!(PROVIDERS.is_sorted());
        for (name, below) in PROVIDERS {
            assert!(!is_public_suffix(name), "{name}");
            // The list has no rule for these machines, whose owners name them.
            let is_unlisted = below == "westeurope.cloudapp.azure.com";
            assert_eq!(is_public_suffix(below), !is_unlisted, "{below}");
            assert!(below.ends_with(&format!(".{name}")), "{below} {name}");
        }
    }

    proptest! {
        #[test]
        fn no_source_panics(source in "\\PC{0,40}") {
            let _ = (reach_of(&source), is_public_suffix(&source), strangers_suffix(&source));
        }
    }
}
