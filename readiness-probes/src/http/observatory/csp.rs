//! `content-security-policy`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    mark::{Mark, Test},
    merge::{Merged, merge},
    scan::{Scan, header},
};

const NONE_BY_DEFAULT: Mark = Mark::pass(
    "csp-implemented-with-no-unsafe-default-src-none",
    10,
    "a policy without unsafe sources that begins with `default-src 'none'`",
);
const NO_UNSAFE: Mark = Mark::pass(
    "csp-implemented-with-no-unsafe",
    5,
    "a policy without unsafe sources",
);
const UNSAFE_STYLE: Mark = Mark::pass(
    "csp-implemented-with-unsafe-inline-in-style-src-only",
    0,
    "a policy that is unsafe for styles alone",
);
const REPEATED_REPORTS: Mark = Mark::pass(
    "csp-implemented-but-duplicate-directives",
    0,
    "a policy that names where to report to more than once",
);
const INSECURE_PASSIVE: Mark = Mark::pass(
    "csp-implemented-with-insecure-scheme-in-passive-content-only",
    -10,
    "a policy that lets images or media come over plain http",
);
const UNSAFE_EVAL: Mark = Mark::fault(
    "csp-implemented-with-unsafe-eval",
    -10,
    "the policy allows `'unsafe-eval'`",
);
const UNSAFE_INLINE: Mark = Mark::fault(
    "csp-implemented-with-unsafe-inline",
    -20,
    "the policy allows inline scripts, or scripts or plug-ins from anywhere",
);
const INSECURE_SCHEME: Mark = Mark::fault(
    "csp-implemented-with-insecure-scheme",
    -20,
    "the policy lets active content come over plain http",
);
const INVALID: Mark = Mark::fault("csp-header-invalid", -25, "the policy does not parse");
const ABSENT: Mark = Mark::fault("csp-not-implemented", -25, "there is no policy");
const REPORT_ONLY: Mark = Mark::fault(
    "csp-not-implemented-but-reporting-enabled",
    -25,
    "there is a policy that only reports",
);

pub(super) const TEST: Test = Test {
    name: "content-security-policy",
    remedy: "send a `Content-Security-Policy` without unsafe sources; `http.csp` says what gets through",
    #[cfg(test)]
    marks: &[
        NONE_BY_DEFAULT,
        NO_UNSAFE,
        UNSAFE_STYLE,
        REPEATED_REPORTS,
        INSECURE_PASSIVE,
        UNSAFE_EVAL,
        UNSAFE_INLINE,
        INSECURE_SCHEME,
        INVALID,
        ABSENT,
        REPORT_ONLY,
    ],
    run: |scan| read(scan).mark,
};

/// What the test found; the test of framing asks for a part of it.
pub(super) struct Read {
    pub(super) mark: Mark,
    /// Whether any `frame-ancestors` was read, whatever it says.
    pub(super) has_frame_ancestors: bool,
}

/// Sources that let everybody in, word for word.
const BROAD: [&str; 8] = [
    "ftp:",
    "http:",
    "https:",
    "*",
    "http://*",
    "http://*.*",
    "https://*",
    "https://*.*",
];
const PASSIVE: [&str; 2] = ["img-src", "media-src"];
/// What the peer does not take from a `meta` when it asks whether there is a policy at all.
const NOT_IN_META: [&str; 3] = ["frame-ancestors", "report-uri", "sandbox"];

pub(super) fn read(scan: &Scan) -> Read {
    let only = |mark| Read {
        mark,
        has_frame_ancestors: false,
    };
    let Some(page) = scan.page() else {
        return only(ABSENT);
    };
    let lines = header(page, "content-security-policy");
    let metas = scan.markup.iter().flat_map(|markup| &markup.policies);
    let sent = policies(lines.iter().map(String::as_str));
    let written = policies(metas.map(String::as_str));
    let all: Vec<String> = sent.iter().chain(&written).cloned().collect();
    let Ok(Merged {
        directives,
        repeats_reports,
    }) = merge(&all)
    else {
        return only(INVALID);
    };
    let sent = merge(&sent).unwrap_or_default().directives;
    let mut written = merge(&written).unwrap_or_default().directives;
    written.retain(|name, _| !NOT_IN_META.contains(&name.as_str()));
    if sent.is_empty() && written.is_empty() {
        let reports =
            header(page, "content-security-policy-report-only").is_some_and(|value| !value.is_empty());
        return only(if reports { REPORT_ONLY } else { ABSENT });
    }
    let has_frame_ancestors = directives.contains_key("frame-ancestors");
    let mark = rate(directives, scan.is_https());
    let mark = if mark.passes && repeats_reports {
        REPEATED_REPORTS
    } else {
        mark
    };
    Read {
        mark,
        has_frame_ancestors,
    }
}

/// Each line is a list between commas; an empty part is a policy that does not parse.
fn policies<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    lines
        .flat_map(|line| line.split(','))
        .map(|part| part.trim().to_owned())
        .collect()
}

/// The first rule that applies decides.
fn rate(mut directives: BTreeMap<String, BTreeSet<String>>, is_https: bool) -> Mark {
    // A directive that falls back shares the set it falls back to: what is struck out of one is struck out
    // of the other.
    let owner = |name: &'static str| {
        [name, "default-src"]
            .into_iter()
            .find(|name| directives.contains_key(*name))
    };
    let (script, style, object) = (owner("script-src"), owner("style-src"), owner("object-src"));
    for owner in [script, style].into_iter().flatten() {
        if let Some(sources) = directives
            .get_mut(owner)
            .filter(|sources| has_nonce_or_hash(sources))
        {
            sources.remove("'unsafe-inline'");
        }
    }
    let mut invalid = false;
    if let Some(sources) = script.and_then(|owner| directives.get_mut(owner))
        && sources.contains("'strict-dynamic'")
    {
        if has_nonce_or_hash(sources) {
            sources.retain(|source| {
                !BROAD.iter().any(|broad| source.starts_with(broad))
                    && !matches!(source.as_str(), "'self'" | "'unsafe-inline'")
            });
        } else {
            invalid = true;
        }
    }
    if invalid {
        return INVALID;
    }
    let anywhere = BTreeSet::from(["*".to_owned()]);
    let sources_of = |owner: Option<&str>| owner.and_then(|owner| directives.get(owner)).unwrap_or(&anywhere);
    let (scripts, styles, objects) = (sources_of(script), sources_of(style), sources_of(object));
    let is_broad = |source: &String| BROAD.contains(&source.as_str());
    let is_unsafe =
        |source: &String| is_broad(source) || matches!(source.as_str(), "'unsafe-inline'" | "data:");
    let is_insecure = |source: &String| source.starts_with("http:") || source.starts_with("ftp:");
    if scripts.iter().any(is_unsafe) || objects.iter().any(is_broad) {
        return UNSAFE_INLINE;
    }
    let active = directives
        .iter()
        .filter(|(name, _)| name.as_str() != "script-src" && !PASSIVE.contains(&name.as_str()))
        .flat_map(|(_, sources)| sources);
    if is_https && active.chain(scripts).any(is_insecure) {
        return INSECURE_SCHEME;
    }
    if scripts
        .iter()
        .chain(styles)
        .any(|source| source == "'unsafe-eval'")
    {
        return UNSAFE_EVAL;
    }
    let mut passive = PASSIVE
        .iter()
        .filter_map(|name| directives.get(*name).or_else(|| directives.get("default-src")))
        .flatten();
    if is_https && passive.any(is_insecure) {
        return INSECURE_PASSIVE;
    }
    if styles.iter().any(is_unsafe) {
        return UNSAFE_STYLE;
    }
    match directives.get("default-src") {
        Some(sources) if sources.len() == 1 && sources.contains("'none'") => NONE_BY_DEFAULT,
        _ => NO_UNSAFE,
    }
}

/// Whether something begins like one; whether it is one does not matter to the peer.
fn has_nonce_or_hash(sources: &BTreeSet<String>) -> bool {
    const STARTS: [&str; 4] = ["'nonce-", "'sha256-", "'sha384-", "'sha512-"];
    sources
        .iter()
        .any(|source| STARTS.iter().any(|start| source.starts_with(start)))
}
