//! How the peer makes one policy of several.
//!
//! Browsers enforce each policy by itself. The peer keeps of each directive what stands in several of them,
//! by comparing neighbours in a sorted list, and so comes to other results; these are reproduced here.

use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Several policies as one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Merged {
    /// The sources of each directive, both in lower case; never empty.
    pub(super) directives: BTreeMap<String, BTreeSet<String>>,
    /// Whether a policy names `report-uri` or `report-to` twice.
    pub(super) repeats_reports: bool,
}

/// The policies do not parse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Malformed;

/// The shortest policy that the peer takes for one, in UTF-16 units.
const SHORTEST: usize = 6;
/// Each policy is compared with what the earlier ones left; a hostile peer may send thousands.
const MOST_POLICIES: usize = 64;

struct Source {
    text: String,
    /// Which policy it is from.
    policy: usize,
    keep: bool,
}

/// Makes one policy of several, in the order they stand.
pub(super) fn merge(policies: &[String]) -> Result<Merged, Malformed> {
    let policies: Vec<String> = policies
        .iter()
        .map(|policy| policy.replace(['\r', '\n'], "").trim().to_owned())
        .collect();
    if policies
        .iter()
        .any(|policy| policy.encode_utf16().count() < SHORTEST)
    {
        return Err(Malformed);
    }
    let mut repeats_reports = false;
    let mut merged: BTreeMap<String, Vec<Source>> = BTreeMap::new();
    for (number, policy) in policies.iter().take(MOST_POLICIES).enumerate() {
        let mut seen = HashSet::new();
        for directive in policy.split(';') {
            let mut words = directive.split_whitespace().map(str::to_lowercase);
            let Some(name) = words.next() else { continue };
            if !seen.insert(name.clone()) {
                if !matches!(name.as_str(), "report-uri" | "report-to") {
                    return Err(Malformed);
                }
                repeats_reports = true;
            }
            let mut sources: Vec<String> = words.collect();
            if sources.is_empty() && name.ends_with("-src") {
                sources.push("'none'".to_owned());
            }
            let is_first = number == 0;
            let new = sources.into_iter().map(|text| Source {
                text,
                policy: number,
                keep: is_first,
            });
            let mut together = match merged.remove(&name) {
                Some(old) if !is_first => old,
                _ => Vec::new(),
            };
            together.extend(new);
            let mut left = winnow(together)?;
            if is_first && policies.len() > 1 {
                left.iter_mut().for_each(|source| source.keep = false);
            }
            merged.insert(name, left);
        }
    }
    let directives = merged
        .into_iter()
        .map(|(name, sources)| {
            let mut sources: BTreeSet<String> = sources.into_iter().map(|source| source.text).collect();
            if sources.is_empty() {
                sources.insert("'none'".to_owned());
            }
            (name, sources)
        })
        .collect();
    Ok(Merged {
        directives,
        repeats_reports,
    })
}

/// Keeps what stands in two policies, and what no shorter neighbour of its own policy begins with.
fn winnow(mut sources: Vec<Source>) -> Result<Vec<Source>, Malformed> {
    sources.sort_by_cached_key(|source| weights(&source.text));
    for at in 1..sources.len() {
        let Some([before, source]) = sources.get_mut(at - 1..=at) else {
            continue;
        };
        if source.policy == before.policy {
            if source.text.starts_with(&before.text) {
                source.keep = false;
            }
        } else if matches_path(&before.text, &source.text)? {
            source.keep = true;
        }
    }
    sources.retain(|source| source.keep);
    Ok(sources)
}

/// What the Unicode collation algorithm orders by, as far as sources need it: they are in lower case, and
/// hardly ever anything else than ASCII.
fn weights(text: &str) -> Vec<u32> {
    const ORDER: &[u8] = b"_-,;:!?.'\"()[]{}@*/\\&#%`^+<=>|~$0123456789abcdefghijklmnopqrstuvwxyz";
    // What cannot be seen does not count.
    let visible = text.chars().filter(|c| !c.is_control());
    visible
        .map(
            |c| match ORDER.iter().zip(0..).find(|(known, _)| char::from(**known) == c) {
                Some((_, place)) => place,
                None => u32::from(c) + 256,
            },
        )
        .collect()
}

/// CSP Level 3, section 6.7.2.12, "path-part matches", which the peer applies to whole sources.
fn matches_path(a: &str, b: &str) -> Result<bool, Malformed> {
    if a.is_empty() || (a == "/" && b.is_empty()) {
        return Ok(true);
    }
    let is_exact = !a.ends_with('/');
    let (pieces, others) = (a.split('/').count(), b.split('/').count());
    if pieces > others || (is_exact && pieces != others) {
        return Ok(false);
    }
    let compared = if is_exact { pieces } else { pieces - 1 };
    for (a, b) in a.split('/').zip(b.split('/')).take(compared) {
        if decoded(a)? != decoded(b)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Percent-decoded; a `%` without two digits, or bytes that are no UTF-8, stop the peer's parser.
fn decoded(piece: &str) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(piece.len());
    let mut rest = piece.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or(Malformed)?;
        let digits = std::str::from_utf8(digits).map_err(|_| Malformed)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Malformed);
        }
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| Malformed)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    fn merged(policies: &[&str]) -> Result<String, Malformed> {
        let policies: Vec<String> = policies.iter().map(|policy| (*policy).to_owned()).collect();
        let words = |(name, sources): (String, BTreeSet<String>)| {
            let sources: Vec<String> = sources.into_iter().collect();
            format!("{name} {}", sources.join(" "))
        };
        let directives: Vec<String> = merge(&policies)?.directives.into_iter().map(words).collect();
        Ok(directives.join("; "))
    }

    #[test]
    fn one_policy() {
        for (policy, wanted) in [
            ("default-src 'self'", Ok("default-src 'self'")),
            ("DEFAULT-SRC 'SELF' A", Ok("default-src 'self' a")),
            (" img-src ; ;;sandbox", Ok("img-src 'none'; sandbox 'none'")),
            // A longer neighbour with the same start goes.
            ("img-src * *.a https: https://b", Ok("img-src * https:")),
            ("img-src a ab b", Ok("img-src a b")),
            ("img-src a; img-src b", Err(Malformed)),
            // The last list of a repeated report directive stays.
            ("report-uri /a; report-uri /b", Ok("report-uri /b")),
            ("a b c", Err(Malformed)),
            ("img-sr", Ok("img-sr 'none'")),
            ("", Err(Malformed)),
        ] {
            assert_eq!(
                merged(&[policy]).as_deref(),
                wanted.as_ref().map(|text| *text),
                "{policy}"
            );
        }
        assert_eq!(merged(&[]).as_deref(), Ok(""));
        let twice = merge(&["default-src a; report-to b; report-to c".to_owned()]);
        assert!(twice.unwrap().repeats_reports);
    }

    #[test]
    fn several_policies() {
        for (policies, wanted) in [
            (&["img-src a b", "img-src b c"][..], Ok("img-src b")),
            (&["img-src a", "img-src b"], Ok("img-src 'none'")),
            // What the first alone says stays, what a later one alone says becomes nothing.
            (&["img-src a", "font-src b"], Ok("font-src 'none'; img-src a")),
            (&["img-src a/", "img-src a/b"], Ok("img-src a/b")),
            (&["img-src a/b", "img-src a/"], Ok("img-src a/b")),
            (&["img-src a%2fb", "img-src a%2Fb"], Ok("img-src a%2fb")),
            (&["img-src a%2", "img-src a%2"], Err(Malformed)),
            (&["img-src a%ff", "img-src a%ff"], Err(Malformed)),
            (&["img-src a", "img"], Err(Malformed)),
        ] {
            assert_eq!(
                merged(policies).as_deref(),
                wanted.as_ref().map(|text| *text),
                "{policies:?}"
            );
        }
    }

    #[test]
    fn hostile_policies_are_merged_in_time() {
        for bytes in samples::hostile() {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let parts: Vec<String> = text.split(',').map(str::to_owned).collect();
            let _ = (merge(&[text]), merge(&parts));
        }
        let same = vec!["img-src a".to_owned(); 5000];
        assert!(merge(&same).is_ok());
    }

    proptest! {
        #[test]
        fn no_policy_panics(policies in proptest::collection::vec("[a-c%/ ;*'-]{0,60}", 0..5)) {
            let _ = merge(&policies);
        }

        #[test]
        fn one_policy_alone_keeps_every_directive(names in proptest::collection::hash_set("[a-f]{6}", 1..6)) {
            let policy: Vec<String> = names.iter().map(|name| format!("{name} x")).collect();
            let merged = merge(&[policy.join(";")]).unwrap();
            prop_assert_eq!(merged.directives.len(), names.len());
        }
    }
}
