//! Integrity metadata and the policies that demand it. Subresource Integrity, sections 3.3 to 3.5.

use readiness_core::fact::Exchange;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::http::syntax::excerpt;

/// What browsers make of an `integrity` attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Metadata {
    /// There is none, or nothing but blanks.
    Empty,
    /// The resource is checked with one of these.
    Checked {
        /// Of the strongest algorithm.
        strongest: &'static str,
        /// What is skipped besides.
        skipped: Vec<String>,
    },
    /// No part names an algorithm that browsers know: nothing is checked.
    Unchecked(String),
    /// The digest that decides can be none, so that nothing matches it.
    Broken(String),
}

/// The algorithms, from weak to strong, with how many bytes their digests have.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 32), ("sha384", 48), ("sha512", 64)];

/// Subresource Integrity, sections 3.3.3 and 3.3.4: of several algorithms the strongest decides.
pub(super) fn read(text: &str) -> Metadata {
    let (mut right, mut wrong): ([bool; 3], [Option<&str>; 3]) = ([false; 3], [None; 3]);
    let mut skipped = Vec::new();
    for part in text.split_ascii_whitespace() {
        let expression = part.split('?').next().unwrap_or_default();
        let (algorithm, digest) = expression.split_once('-').unwrap_or((expression, ""));
        match ALGORITHMS.iter().position(|(known, _)| *known == algorithm) {
            None => skipped.push(excerpt(part.as_bytes())),
            Some(at) => {
                let bytes = ALGORITHMS.get(at).map_or(0, |(_, bytes)| *bytes);
                if is_digest(digest, bytes) {
                    right[at] = true;
                } else {
                    wrong[at] = Some(part);
                }
            }
        }
    }
    let strongest = (0..ALGORITHMS.len())
        .rev()
        .find(|&at| right[at] || wrong[at].is_some());
    match strongest {
        None if skipped.is_empty() => Metadata::Empty,
        None => Metadata::Unchecked(skipped.swap_remove(0)),
        Some(at) => match wrong[at] {
            Some(part) if !right[at] => Metadata::Broken(excerpt(part.as_bytes())),
            _ => {
                skipped.extend(wrong.iter().flatten().map(|part| excerpt(part.as_bytes())));
                Metadata::Checked {
                    strongest: ALGORITHMS.get(at).map_or("", |(name, _)| *name),
                    skipped,
                }
            }
        },
    }
}

/// Base64 of so many bytes, with its padding; browsers read `-` and `_` as well. CSP3, section 2.3.1.
fn is_digest(text: &str, bytes: usize) -> bool {
    let body = text.trim_end_matches('=');
    let is_base64 = body
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte));
    is_base64 && text.len() == bytes.div_ceil(3) * 4 && body.len() == (bytes * 8).div_ceil(6)
}

/// Which destinations a policy blocks without integrity.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Policy {
    pub(super) scripts: bool,
    pub(super) styles: bool,
}

/// The policy of this header: `None` where there is none, an error where browsers cannot read it. Subresource
/// Integrity, section 3.6, "parse Integrity-Policy headers".
pub(super) fn policy(exchange: &Exchange, header: &str) -> Option<Result<Policy, Vec<u8>>> {
    let value = exchange.joined(header)?;
    let Ok(dictionary) = Parser::new(&value).parse::<Dictionary>() else {
        return Some(Err(value));
    };
    let words = |name: &str| -> Option<Vec<String>> {
        let Some(ListEntry::InnerList(list)) = dictionary.get(name) else {
            return None;
        };
        let tokens = list.items.iter().filter_map(|item| match &item.bare_item {
            BareItem::Token(token) => Some(token.as_str().to_owned()),
            _ => None,
        });
        Some(tokens.collect())
    };
    // Without sources the policy is about integrity that stands in the page; other sources are none yet.
    let is_inline = match dictionary.get("sources") {
        None => true,
        Some(_) => words("sources").is_some_and(|all| all.iter().any(|word| word == "inline")),
    };
    let blocked = words("blocked-destinations")
        .filter(|_| is_inline)
        .unwrap_or_default();
    let blocks = |what: &str| blocked.iter().any(|word| word == what);
    Some(Ok(Policy {
        scripts: blocks("script"),
        styles: blocks("style"),
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn digest(bytes: usize) -> String {
        let body = (bytes * 8).div_ceil(6);
        format!("{}{}", "A".repeat(body), "=".repeat(bytes.div_ceil(3) * 4 - body))
    }

    #[test]
    fn the_strongest_digest_decides() {
        let (a, b, c) = (
            format!("sha256-{}", digest(32)),
            format!("sha384-{}", digest(48)),
            format!("sha512-{}", digest(64)),
        );
        let checked = |strongest, skipped: &[&str]| Metadata::Checked {
            strongest,
            skipped: skipped.iter().map(|part| (*part).to_owned()).collect(),
        };
        for (text, wanted) in [
            (String::new(), Metadata::Empty),
            (" \n".to_owned(), Metadata::Empty),
            (a.clone(), checked("sha256", &[])),
            (b.clone(), checked("sha384", &[])),
            (c.clone(), checked("sha512", &[])),
            (format!("{a}\n{c} {b}"), checked("sha512", &[])),
            (format!("{b}?ct=text/javascript"), checked("sha384", &[])),
            (format!("md5-x {a}"), checked("sha256", &["md5-x"])),
            // A weak or unknown algorithm alone checks nothing.
            (
                "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=".to_owned(),
                Metadata::Unchecked("sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=".to_owned()),
            ),
            ("md5-x".to_owned(), Metadata::Unchecked("md5-x".to_owned())),
            ("nonsense".to_owned(), Metadata::Unchecked("nonsense".to_owned())),
            // Names are compared as they stand.
            ("SHA256-x".to_owned(), Metadata::Unchecked("SHA256-x".to_owned())),
            // A digest of a wrong length matches nothing, and the stronger one decides.
            ("sha256-x".to_owned(), Metadata::Broken("sha256-x".to_owned())),
            ("sha256".to_owned(), Metadata::Broken("sha256".to_owned())),
            ("sha256-".to_owned(), Metadata::Broken("sha256-".to_owned())),
            (format!("{a} sha512-x"), Metadata::Broken("sha512-x".to_owned())),
            (format!("sha256-x {c}"), checked("sha512", &["sha256-x"])),
            (format!("{b} sha384-x"), checked("sha384", &["sha384-x"])),
        ] {
            assert_eq!(read(&text), wanted, "{text}");
        }
    }

    #[test]
    fn a_digest_has_its_length_and_padding() {
        for (text, bytes, wanted) in [
            (digest(32), 32, true),
            (digest(48), 48, true),
            (digest(64), 64, true),
            (digest(32).replace('A', "_"), 32, true),
            (digest(32).trim_end_matches('=').to_owned(), 32, false),
            (format!("{}=", digest(32)), 32, false),
            (digest(33), 32, false),
            (digest(31), 32, false),
            (digest(32).replacen('A', "$", 1), 32, false),
            (digest(32).replacen('A', "=", 1), 32, false),
        ] {
            assert_eq!(is_digest(&text, bytes), wanted, "{text}");
        }
    }

    #[test]
    fn policies_are_read() {
        let of = |value: &str| {
            policy(
                &Exchange::new(200, [("integrity-policy", value)]),
                "Integrity-Policy",
            )
        };
        let both = Policy {
            scripts: true,
            styles: true,
        };
        let scripts = Policy {
            scripts: true,
            styles: false,
        };
        for (value, wanted) in [
            ("blocked-destinations=(script)", scripts),
            ("blocked-destinations=(script style), endpoints=(a)", both),
            ("blocked-destinations=(script), sources=(inline)", scripts),
            (
                "blocked-destinations=(script), sources=(other)",
                Policy::default(),
            ),
            ("blocked-destinations=(image)", Policy::default()),
            ("blocked-destinations=script", Policy::default()),
            ("", Policy::default()),
        ] {
            assert_eq!(of(value), Some(Ok(wanted)), "{value}");
        }
        for wrong in ["blocked-destinations=(script", "Script", "a=(b)c"] {
            assert_eq!(of(wrong), Some(Err(wrong.as_bytes().to_vec())), "{wrong}");
        }
        assert_eq!(
            policy(&Exchange::new(200, [("a", "b")]), "Integrity-Policy"),
            None
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}", value in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (read(&text), policy(&Exchange::new(200, [("integrity-policy", value)]), "integrity-policy"));
        }
    }
}
