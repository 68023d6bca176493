//! `subresource-integrity`.

use psl::Type;

use super::{
    mark::{Mark, Test},
    markup::Script,
    scan::{Scan, is_html, media_type},
};

const ALL_WITH: Mark = Mark::pass(
    "sri-implemented-and-all-scripts-loaded-securely",
    5,
    "a script of this site has a digest, and none comes from elsewhere",
);
const EXTERNAL_WITH: Mark = Mark::pass(
    "sri-implemented-and-external-scripts-loaded-securely",
    5,
    "scripts from elsewhere have digests and come over https",
);
const NOT_HTML: Mark = Mark::pass(
    "sri-not-implemented-response-not-html",
    0,
    "the response is no HTML",
);
const NO_SCRIPTS: Mark = Mark::pass(
    "sri-not-implemented-but-no-scripts-loaded",
    0,
    "the page has no script",
);
const OWN_ONLY: Mark = Mark::pass(
    "sri-not-implemented-but-all-scripts-loaded-from-secure-origin",
    0,
    "all scripts come from this site",
);
const EXTERNAL_WITHOUT: Mark = Mark::fault(
    "sri-not-implemented-but-external-scripts-loaded-securely",
    -5,
    "a script from elsewhere has no digest",
);
const INSECURE_WITH: Mark = Mark::fault(
    "sri-implemented-but-external-scripts-not-loaded-securely",
    -20,
    "a script from elsewhere has a digest and need not come over https",
);
const INSECURE_WITHOUT: Mark = Mark::fault(
    "sri-not-implemented-and-external-scripts-not-loaded-securely",
    -50,
    "a script from elsewhere has no digest and need not come over https",
);
const UNREADABLE: Mark = Mark::fault("html-not-parseable", -20, "the page could not be read");

/// From better to worse, in the peer's eyes: the order is not that of the modifiers.
const ORDER: [Mark; 6] = [
    ALL_WITH,
    EXTERNAL_WITH,
    INSECURE_WITH,
    EXTERNAL_WITHOUT,
    INSECURE_WITHOUT,
    NOT_HTML,
];

pub(super) const TEST: Test = Test {
    name: "subresource-integrity",
    remedy: "give every script from elsewhere an `https://` URL and an `integrity` attribute",
    #[cfg(test)]
    marks: &[
        ALL_WITH,
        EXTERNAL_WITH,
        NOT_HTML,
        NO_SCRIPTS,
        OWN_ONLY,
        EXTERNAL_WITHOUT,
        INSECURE_WITH,
        INSECURE_WITHOUT,
        UNREADABLE,
    ],
    run: rate,
};

fn rate(scan: &Scan) -> Mark {
    let Some(page) = scan.page() else {
        return NO_SCRIPTS;
    };
    let media_type = media_type(page);
    // Without a type it looks for scripts all the same.
    if !media_type.is_empty() && !is_html(&media_type) {
        return NOT_HTML;
    }
    let Some(markup) = &scan.markup else {
        return UNREADABLE;
    };
    if markup.scripts.is_empty() {
        return NO_SCRIPTS;
    }
    let home = registrable(&scan.host);
    let (mut worst, mut has_foreign) = (None, false);
    for script in &markup.scripts {
        let Some((is_foreign, is_secure)) = place(script, home.as_deref(), scan.is_https()) else {
            continue;
        };
        has_foreign |= is_foreign;
        let mark = match (is_foreign, script.has_integrity, is_secure) {
            (true, true, true) | (false, false, _) | (false, true, false) => continue,
            (true, true, false) => INSECURE_WITH,
            (true, false, true) => EXTERNAL_WITHOUT,
            (true, false, false) => INSECURE_WITHOUT,
            (false, true, true) if worst.is_none() => ALL_WITH,
            (false, true, true) => continue,
        };
        worst = Some(mark.if_worse_than(worst, &ORDER));
    }
    worst.unwrap_or(if has_foreign { EXTERNAL_WITH } else { OWN_ONLY })
}

/// Whether a script is from elsewhere, and whether it comes over https; `None` for an inline one.
///
/// Elsewhere begins at another registrable domain. `//host` is always elsewhere and never secure.
fn place(script: &Script, home: Option<&str>, is_https: bool) -> Option<(bool, bool)> {
    let src = script.src.as_deref().filter(|src| !src.is_empty())?;
    let after_slashes = src.strip_prefix("//");
    if after_slashes.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) {
        return Some((true, false));
    }
    let (rest, is_secure) = match (src.strip_prefix("https://"), src.strip_prefix("http://")) {
        (Some(rest), _) => (rest, true),
        (None, Some(rest)) => (rest, false),
        (None, None) => return Some((false, is_https)),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default().to_lowercase();
    Some((registrable(&host).as_deref() != home, is_secure))
}

/// The registrable domain by the public suffixes that registries run; those of private owners do not count.
fn registrable(host: &str) -> Option<String> {
    let host = host.trim_end_matches('.');
    if host.is_empty() || host.len() > 253 || host.parse::<std::net::IpAddr>().is_ok() {
        return None;
    }
    let mut suffix = psl::suffix(host.as_bytes())?;
    while suffix.typ() == Some(Type::Private) {
        let text = std::str::from_utf8(suffix.as_bytes()).ok()?;
        let (_, above) = text.split_once('.')?;
        suffix = psl::suffix(host.get(host.len() - above.len()..)?.as_bytes())?;
    }
    let before = host
        .strip_suffix(std::str::from_utf8(suffix.as_bytes()).ok()?)?
        .strip_suffix('.')?;
    let label = before.rsplit('.').next().filter(|label| !label.is_empty())?;
    host.get(before.len() - label.len()..).map(str::to_owned)
}
