//! Integrity metadata and the policies that demand it. Subresource Integrity, sections 3.3 to 3.5.

use readiness_core::fact::Exchange;
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::http::{
    digest::{Algorithm, is_base64},
    syntax::excerpt,
};

/// What browsers make of an `integrity` attribute.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Metadata {
    /// There is none, or nothing but blanks.
    Empty,
    /// The resource is checked with one of these.
    Checked {
        /// What is skipped besides.
        skipped: Vec<String>,
    },
    /// The digest that decides lacks its padding.
    Unpadded(String),
    /// No part names an algorithm that browsers know: nothing is checked.
    Unchecked(String),
    /// The digest that decides can be none, so that nothing matches it.
    Broken(String),
}

/// What stands in the attribute for one algorithm.
#[derive(Clone, Copy, Debug, Default)]
struct Digests<'a> {
    is_right: bool,
    unpadded: Option<&'a str>,
    wrong: Option<&'a str>,
}

/// Subresource Integrity, sections 3.3.3 and 3.3.4: of several algorithms the strongest decides.
pub(super) fn read(text: &str) -> Metadata {
    let mut all = Algorithm::ALL.map(|algorithm| (algorithm, Digests::default()));
    let mut skipped = Vec::new();
    for part in text.split_ascii_whitespace() {
        let expression = part.split('?').next().unwrap_or_default();
        let (name, digest) = expression.split_once('-').unwrap_or((expression, ""));
        let known = all.iter_mut().find(|(algorithm, _)| algorithm.name() == name);
        let Some((algorithm, digests)) = known else {
            skipped.push(excerpt(part.as_bytes()));
            continue;
        };
        match shape_of(digest, algorithm.bytes()) {
            Shape::Padded => digests.is_right = true,
            Shape::Unpadded => digests.unpadded = Some(part),
            Shape::Wrong => digests.wrong = Some(part),
        }
    }
    let strongest = all
        .iter()
        .rev()
        .map(|(_, digests)| digests)
        .find(|digests| digests.is_right || digests.unpadded.is_some() || digests.wrong.is_some());
    match strongest {
        None if skipped.is_empty() => Metadata::Empty,
        None => Metadata::Unchecked(skipped.swap_remove(0)),
        Some(Digests {
            is_right: false,
            unpadded: Some(part),
            ..
        }) => Metadata::Unpadded(excerpt(part.as_bytes())),
        Some(Digests {
            is_right: false,
            wrong: Some(part),
            ..
        }) => Metadata::Broken(excerpt(part.as_bytes())),
        Some(_) => {
            let wrong = all.iter().filter_map(|(_, digests)| digests.wrong);
            skipped.extend(wrong.map(|part| excerpt(part.as_bytes())));
            Metadata::Checked { skipped }
        }
    }
}

/// How a digest is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Padded,
    /// The grammar allows it (CSP Level 3, section 2.3.1), and whoever decodes it finds the digest (Infra, section
    /// 8, "forgiving-base64 decode"). The standard compares it as it stands with one that has padding.
    Unpadded,
    Wrong,
}

/// Base64 of so many bytes; browsers read `-` and `_` as well.
fn shape_of(text: &str, bytes: usize) -> Shape {
    let body = text.trim_end_matches('=').len();
    let is_whole = is_base64(text) && body == (bytes * 8).div_ceil(6);
    match text.len() {
        len if is_whole && len == bytes.div_ceil(3) * 4 => Shape::Padded,
        len if is_whole && len == body => Shape::Unpadded,
        _ => Shape::Wrong,
    }
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
        let checked = |skipped: &[&str]| Metadata::Checked {
            skipped: skipped.iter().map(|part| (*part).to_owned()).collect(),
        };
        let bare = a.trim_end_matches('=').to_owned();
        for (text, wanted) in [
            (String::new(), Metadata::Empty),
            (" \n".to_owned(), Metadata::Empty),
            (a.clone(), checked(&[])),
            (b.clone(), checked(&[])),
            (c.clone(), checked(&[])),
            (format!("{a}\n{c} {b}"), checked(&[])),
            (format!("{b}?ct=text/javascript"), checked(&[])),
            (format!("md5-x {a}"), checked(&["md5-x"])),
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
            (format!("sha256-x {c}"), checked(&["sha256-x"])),
            (format!("{b} sha384-x"), checked(&["sha384-x"])),
            // Without its padding it is a digest to some.
            (bare.clone(), Metadata::Unpadded(bare.clone())),
            (format!("{bare} {a}"), checked(&[])),
            (format!("{bare} sha256-x"), Metadata::Unpadded(bare.clone())),
            (format!("{bare} {b}"), checked(&[])),
            (format!("{a} sha512-x"), Metadata::Broken("sha512-x".to_owned())),
        ] {
            assert_eq!(read(&text), wanted, "{text}");
        }
    }

    #[test]
    fn a_digest_has_its_length_and_padding() {
        use Shape::{Padded, Unpadded, Wrong};
        let bare = |bytes| digest(bytes).trim_end_matches('=').to_owned();
        for (text, bytes, wanted) in [
            (digest(32), 32, Padded),
            // A length that needs no padding.
            (digest(48), 48, Padded),
            (digest(64), 64, Padded),
            (digest(32).replace('A', "_"), 32, Padded),
            (bare(32), 32, Unpadded),
            (bare(64), 64, Unpadded),
            // Half of the padding is none: 87 characters decode to nothing.
            (format!("{}=", bare(64)), 64, Wrong),
            (format!("{}=", digest(32)), 32, Wrong),
            (digest(33), 32, Wrong),
            (digest(31), 32, Wrong),
            (bare(33), 32, Wrong),
            (digest(32).replacen('A', "$", 1), 32, Wrong),
            (digest(32).replacen('A', "=", 1), 32, Wrong),
            (String::new(), 32, Wrong),
        ] {
            assert_eq!(shape_of(&text, bytes), wanted, "{text}");
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
