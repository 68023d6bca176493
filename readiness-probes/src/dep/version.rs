//! Versions as servers name them, and the least one that is asked for.

use readiness_core::{Finding, Reason};

/// The numbers that a text begins with: `10.11.6-MariaDB` has 10, 11, 6.
fn numbers(text: &str) -> Vec<u32> {
    let mut all = Vec::new();
    for part in text.trim_start_matches('v').split('.').take(4) {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let Some(Ok(number)) = part.get(..end).map(str::parse) else {
            break;
        };
        all.push(number);
        if end < part.len() {
            break;
        }
    }
    all
}

/// Says what is wrong with a setting `min_version`; an empty one asks for nothing.
pub(super) fn check(min_version: &str) -> Result<(), String> {
    let is_plain = |c: char| c.is_ascii_digit() || c == '.';
    let parts = min_version.split('.').count();
    if min_version.is_empty() || (min_version.chars().all(is_plain) && numbers(min_version).len() == parts) {
        return Ok(());
    }
    let shown: String = min_version.chars().filter(|c| !c.is_control()).take(40).collect();
    Err(format!(
        "`min_version` is `{shown}`, expected one to four numbers such as `10.11`"
    ))
}

/// The fault of a server that is older than asked for, or that does not say how old it is.
pub(super) fn too_old(found: &str, min_version: &str) -> Option<Finding> {
    if min_version.is_empty() {
        return None;
    }
    let (has, least) = (numbers(found), numbers(min_version));
    if has.is_empty() {
        let finding = Finding::unknown(
            "version_unknown",
            Reason::UNEXPECTED_RESPONSE,
            format!("expected version `{min_version}` or later, and the server does not tell its version"),
        );
        return Some(finding);
    }
    // `8` is no later than `8.0`: what is not written is zero.
    let length = has.len().max(least.len());
    let filled = |mut numbers: Vec<u32>| {
        numbers.resize(length, 0);
        numbers
    };
    (filled(has) < filled(least)).then(|| {
        Finding::fail(
            "version_too_old",
            format!("expected version `{min_version}` or later, found `{found}`"),
        )
        .remedy("update the server, or lower `min_version`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_numbers() {
        for (found, least, code) in [
            ("8.0.36", "", None),
            ("8.0.36", "8.0.36", None),
            ("8.0.35", "8.0.36", Some("version_too_old")),
            ("8.0.37", "8.0.36", None),
            ("10.11.6-MariaDB-0+deb12u1", "10.11", None),
            ("10.11.6-MariaDB", "10.12", Some("version_too_old")),
            ("9.1", "10", Some("version_too_old")),
            ("8", "8.0", None),
            ("v2.10.7", "2.9", None),
            ("2.9.10-beta.1", "2.9.10", None),
            ("nightly", "1", Some("version_unknown")),
            ("", "1", Some("version_unknown")),
            ("99999999999.1", "1", Some("version_unknown")),
        ] {
            let finding = too_old(found, least);
            assert_eq!(finding.map(|f| f.code).as_deref(), code, "{found} {least}");
        }
        assert!(too_old(&"9".repeat(65_536), "1").is_some());
    }

    #[test]
    fn a_wrong_minimum_is_refused() {
        for right in ["", "8", "8.0", "1.2.3.4"] {
            assert_eq!(check(right), Ok(()));
        }
        for wrong in ["v8", "8.", ".8", "8.0-rc", "1.2.3.4.5", "99999999999", " 8"] {
            assert!(check(wrong).unwrap_err().contains("`min_version`"), "{wrong}");
        }
    }
}
