//! The directives that browsers know or have known.

/// What the values of a directive are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Values {
    /// No values at all.
    None,
    /// Anything: URLs, names of groups.
    Other,
    /// Flags of HTML, section 7.1.5.
    Sandbox,
    /// Source expressions.
    Sources,
    /// Names of policies and keywords. Trusted Types, section 4.2.
    TrustedTypes,
    /// These, in lower case.
    Words(&'static [&'static str]),
}

/// A directive that browsers know or have known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) values: Values,
    /// Why it is written no more; empty where it is.
    pub(crate) gone: &'static str,
}

const fn known(name: &'static str, values: Values) -> Known {
    Known {
        name,
        values,
        gone: "",
    }
}

const fn gone(name: &'static str, values: Values, gone: &'static str) -> Known {
    Known { name, values, gone }
}

const DIRECTIVES: [Known; 36] = [
    known("base-uri", Values::Sources),
    gone(
        "block-all-mixed-content",
        Values::None,
        "browsers block or upgrade mixed content by themselves",
    ),
    known("child-src", Values::Sources),
    known("connect-src", Values::Sources),
    known("default-src", Values::Sources),
    gone(
        "disown-opener",
        Values::None,
        "it was never shipped; `Cross-Origin-Opener-Policy` does it",
    ),
    known("fenced-frame-src", Values::Sources),
    known("font-src", Values::Sources),
    known("form-action", Values::Sources),
    known("frame-ancestors", Values::Sources),
    known("frame-src", Values::Sources),
    known("img-src", Values::Sources),
    known("manifest-src", Values::Sources),
    known("media-src", Values::Sources),
    gone("navigate-to", Values::Sources, "it was taken out of the standard"),
    known("object-src", Values::Sources),
    gone(
        "plugin-types",
        Values::Other,
        "it was taken out of the standard; `object-src 'none'` does it",
    ),
    gone(
        "prefetch-src",
        Values::Sources,
        "it was taken out of the standard; `default-src` governs prefetches",
    ),
    gone(
        "referrer",
        Values::Other,
        "the header `Referrer-Policy` took its place",
    ),
    gone(
        "reflected-xss",
        Values::Other,
        "browsers have no filter for it any more",
    ),
    known("report-to", Values::Other),
    known("report-uri", Values::Other),
    gone(
        "require-sri-for",
        Values::Other,
        "it was taken out; the header `Integrity-Policy` took its place",
    ),
    known("require-trusted-types-for", Values::Words(&["'script'"])),
    known("sandbox", Values::Sandbox),
    known("script-src", Values::Sources),
    known("script-src-attr", Values::Sources),
    known("script-src-elem", Values::Sources),
    known("style-src", Values::Sources),
    known("style-src-attr", Values::Sources),
    known("style-src-elem", Values::Sources),
    gone(
        "treat-as-public-address",
        Values::None,
        "it was taken out of Private Network Access",
    ),
    known("trusted-types", Values::TrustedTypes),
    known("upgrade-insecure-requests", Values::None),
    known("webrtc", Values::Words(&["'allow'", "'block'"])),
    known("worker-src", Values::Sources),
];

/// HTML, section 7.1.5.
pub(crate) const SANDBOX_FLAGS: [&str; 14] = [
    "allow-downloads",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "allow-top-navigation-to-custom-protocols",
];

/// The directive of this name, whatever its case.
pub(crate) fn directive(name: &str) -> Option<&'static Known> {
    // Most of what is asked about are URLs and keywords in quotes.
    let is_word = name
        .bytes()
        .all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if !is_word {
        return None;
    }
    DIRECTIVES
        .iter()
        .find(|known| known.name.eq_ignore_ascii_case(name))
}

/// The known directive that a name is a slip of: two letters apart at most.
pub(crate) fn nearest(name: &str) -> Option<&'static str> {
    const SLIP: usize = 2;
    let name = name.to_ascii_lowercase();
    let near = DIRECTIVES
        .iter()
        .filter(|known| known.gone.is_empty() && known.name.len().abs_diff(name.len()) <= SLIP);
    let near = near
        .map(|known| (distance(known.name, &name), known.name))
        .min()?;
    (near.0 <= SLIP).then_some(near.1)
}

/// How many letters are to be added, taken out or changed. Both are short: they differ in length by two.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut above_left = i;
        let mut left = i + 1;
        for (y, cell) in b.bytes().zip(row.iter_mut().skip(1)) {
            let here = (above_left + usize::from(x != y)).min(*cell + 1).min(left + 1);
            above_left = *cell;
            left = here;
            *cell = here;
        }
    }
    row.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_stand_in_order_each_once() {
        assert!(DIRECTIVES.windows(2).all(|pair| pair[0].name < pair[1].name));
        assert_eq!(directive("Script-SRC").unwrap().name, "script-src");
        assert!(directive("script").is_none());
    }

    #[test]
    fn a_slip_finds_what_was_meant() {
        for (name, wanted) in [
            ("scrip-src", Some("script-src")),
            ("script-scr", Some("script-src")),
            ("Defualt-src", Some("default-src")),
            ("default-src:", Some("default-src")),
            ("script_src", Some("script-src")),
            ("form-actions", Some("form-action")),
            ("x", None),
            ("", None),
            ("entirely-different", None),
        ] {
            assert_eq!(nearest(name), wanted, "{name}");
        }
        assert_eq!(distance("abc", "abc"), 0);
        assert_eq!(distance("abc", "xbcd"), 2);
    }
}
