//! Content Security Policies as browsers read them: policies, directives, sources. CSP Level 3, section 2.2.

use std::collections::HashSet;

use readiness_core::fact::Exchange;

use super::{
    source::{Reach, is_hash, is_nonce, misread, reach_of},
    syntax::excerpt,
};

/// One policy. Each header line holds a list of them, and all are enforced.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Policy<'a> {
    /// The directives that count, in order.
    pub(crate) directives: Vec<Directive<'a>>,
    /// What browsers leave out or take for something else than meant, at most [`MOST_FAULTS`].
    pub(crate) faults: Vec<Fault>,
}

/// A directive: its name in lower case and its values as they stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Directive<'a> {
    pub(crate) name: String,
    pub(crate) values: Vec<&'a str>,
}

/// Something in a policy that browsers do not take as it was meant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// A stable name for it.
    pub(crate) code: &'static str,
    /// Where the directive begins, in bytes from the start of its header line.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) problem: String,
}

/// The most faults kept of one policy: a hostile one may hold thousands.
pub(crate) const MOST_FAULTS: usize = 8;

impl<'a> Policy<'a> {
    /// The values of the first of these directives that stands in the policy.
    pub(crate) fn first_of(&self, names: &[&str]) -> Option<&Directive<'a>> {
        names
            .iter()
            .find_map(|name| self.directives.iter().find(|directive| directive.name == *name))
    }
}

impl Directive<'_> {
    /// Whether a keyword such as `'none'` is among the values.
    pub(crate) fn has(&self, keyword: &str) -> bool {
        self.values
            .iter()
            .any(|value| value.eq_ignore_ascii_case(keyword))
    }

    /// Whether it holds a nonce or a hash that browsers take for one.
    pub(crate) fn has_nonce_or_hash(&self) -> bool {
        self.values.iter().any(|value| is_nonce(value) || is_hash(value))
    }

    /// Whether it holds a nonce that browsers take for one.
    pub(crate) fn has_nonce(&self) -> bool {
        self.values.iter().any(|value| is_nonce(value))
    }

    /// Who can serve what it allows, keywords besides `'self'` left aside, and the widest source.
    pub(crate) fn reach(&self) -> (Reach, &str) {
        let mut widest = (Reach::Nobody, "'none'");
        for &value in &self.values {
            let reach = reach_of(value);
            if reach > widest.0 {
                widest = (reach, value);
            }
        }
        widest
    }
}

/// Every policy of a header, over all its lines. A policy without any directive counts for nothing.
pub(crate) fn policies<'a>(exchange: &'a Exchange, header: &'a str) -> Vec<Policy<'a>> {
    exchange.all(header).flat_map(parse_line).collect()
}

/// The policies of one header line: a list between commas, which no policy can hold itself.
pub(crate) fn parse_line(line: &[u8]) -> Vec<Policy<'_>> {
    let mut all = Vec::new();
    let mut at = 0;
    for serialized in line.split(|&byte| byte == b',') {
        let policy = parse(serialized, at);
        at += serialized.len() + 1;
        if !policy.directives.is_empty() || !policy.faults.is_empty() {
            all.push(policy);
        }
    }
    all
}

fn parse(serialized: &[u8], offset: usize) -> Policy<'_> {
    let mut policy = Policy::default();
    let mut seen: HashSet<String> = HashSet::new();
    let mut at = offset;
    for token in serialized.split(|&byte| byte == b';') {
        let start = at + token.iter().take_while(|byte| is_blank(**byte)).count();
        at += token.len() + 1;
        let fault = |code, problem| Fault {
            code,
            at: start,
            problem,
        };
        // A directive that is not ASCII is skipped as a whole.
        let Some(text) = std::str::from_utf8(token).ok().filter(|text| text.is_ascii()) else {
            let token = excerpt(token.trim_ascii());
            policy.note(fault(
                "malformed_directive",
                format!("`{token}` is not ASCII and is skipped"),
            ));
            continue;
        };
        let mut words = text
            .split(|c: char| c.is_ascii() && is_blank(c as u8))
            .filter(|word| !word.is_empty());
        let Some(name) = words.next() else { continue };
        let name = name.to_ascii_lowercase();
        if !name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            let name = excerpt(name.as_bytes());
            policy.note(fault(
                "malformed_directive",
                format!("`{name}` is no directive name"),
            ));
            continue;
        }
        if !DIRECTIVES.contains(&name.as_str()) {
            let name = excerpt(name.as_bytes());
            policy.note(fault(
                "unknown_directive",
                format!("browsers know no directive `{name}`"),
            ));
        }
        if seen.contains(&name) {
            let name = excerpt(name.as_bytes());
            policy.note(fault(
                "repeated_directive",
                format!("`{name}` stands again and is skipped, as the first one counts"),
            ));
            continue;
        }
        let values: Vec<&str> = words.collect();
        if SOURCE_LISTS.contains(&name.as_str()) {
            for value in &values {
                if let Some((code, problem)) = misread(value) {
                    policy.note(fault(code, format!("in `{name}`, {problem}")));
                }
            }
        }
        seen.insert(name.clone());
        policy.directives.push(Directive { name, values });
    }
    policy
}

impl Policy<'_> {
    fn note(&mut self, fault: Fault) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// ASCII whitespace as the Infra standard has it.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')
}

const SOURCE_LISTS: [&str; 19] = [
    "base-uri",
    "child-src",
    "connect-src",
    "default-src",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "object-src",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-elem",
    "worker-src",
];

/// Every directive that browsers know or have known.
pub(crate) const DIRECTIVES: [&str; 36] = [
    "base-uri",
    "block-all-mixed-content",
    "child-src",
    "connect-src",
    "default-src",
    "disown-opener",
    "fenced-frame-src",
    "font-src",
    "form-action",
    "frame-ancestors",
    "frame-src",
    "img-src",
    "manifest-src",
    "media-src",
    "navigate-to",
    "object-src",
    "plugin-types",
    "prefetch-src",
    "referrer",
    "reflected-xss",
    "report-to",
    "report-uri",
    "require-sri-for",
    "require-trusted-types-for",
    "sandbox",
    "script-src",
    "script-src-attr",
    "script-src-elem",
    "style-src",
    "style-src-attr",
    "style-src-elem",
    "treat-as-public-address",
    "trusted-types",
    "upgrade-insecure-requests",
    "webrtc",
    "worker-src",
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::samples;

    fn names(policy: &Policy<'_>) -> Vec<String> {
        policy
            .directives
            .iter()
            .map(|directive| {
                format!("{} {}", directive.name, directive.values.join(" "))
                    .trim()
                    .to_owned()
            })
            .collect()
    }

    #[test]
    fn policies_stand_between_commas_and_directives_between_semicolons() {
        // CSP Level 3, sections 2.2.1 and 2.2.2.
        for (line, wanted) in [
            ("", vec![]),
            (" ; , ;; ", vec![]),
            ("default-src 'self'", vec![vec!["default-src 'self'"]]),
            ("  DEFAULT-src\t'self'  b ;", vec![vec!["default-src 'self' b"]]),
            ("sandbox", vec![vec!["sandbox"]]),
            ("img-src a;script-src b", vec![vec!["img-src a", "script-src b"]]),
            (
                "img-src a,script-src b",
                vec![vec!["img-src a"], vec!["script-src b"]],
            ),
            (
                "img-src a, , img-src b",
                vec![vec!["img-src a"], vec!["img-src b"]],
            ),
            ("img-src a; img-src b; IMG-SRC c", vec![vec!["img-src a"]]),
            ("img-src \"a;b\"", vec![vec!["img-src \"a"]]),
        ] {
            let found: Vec<Vec<String>> = parse_line(line.as_bytes())
                .iter()
                .map(names)
                .filter(|names| !names.is_empty())
                .collect();
            assert_eq!(found, wanted, "{line}");
        }
    }

    #[test]
    fn faults_are_named_and_placed() {
        for (line, code, at) in [
            ("default-src 'self'; scrip-src a", "unknown_directive", 20),
            ("img-src a, ;  img_src b", "malformed_directive", 14),
            ("img-src a; img-src b", "repeated_directive", 11),
            ("img-src \u{2018}self\u{2019}", "malformed_directive", 0),
            ("img-src self", "unquoted_keyword", 0),
            ("img-src none", "unquoted_keyword", 0),
            ("script-src unsafe-inline", "unquoted_keyword", 0),
            ("script-src 'self", "unquoted_keyword", 0),
            ("script-src nonce-abc", "unquoted_keyword", 0),
            ("script-src sha256-abc", "unquoted_keyword", 0),
            ("script-src 'nonce-a$b'", "malformed_source", 0),
            ("script-src 'nonce-'", "malformed_source", 0),
            ("script-src 'sha256-abc$'", "malformed_source", 0),
            ("script-src 'sha256-abc==='", "malformed_source", 0),
            ("script-src 'unsafe-everything'", "malformed_source", 0),
            ("script-src ''", "malformed_source", 0),
            ("script-src 'self' object-src 'none'", "missing_semicolon", 0),
        ] {
            let policies = parse_line(line.as_bytes());
            let fault = policies.iter().flat_map(|policy| &policy.faults).next();
            let fault = fault.unwrap_or_else(|| panic!("{line}"));
            assert_eq!((fault.code, fault.at), (code, at), "{line}");
        }
    }

    #[test]
    fn what_newer_browsers_know_is_no_fault() {
        for line in [
            "script-src 'strict-dynamic' 'nonce-YWJjZA==' 'report-sample' 'report-sha256'",
            "script-src 'url-sha256-YWJj' 'eval-sha256-YWJj' 'trusted-types-eval' 'WASM-unsafe-eval'",
            "fenced-frame-src https:; require-trusted-types-for 'script'; trusted-types 'allow-duplicates' a",
            "sandbox allow-scripts; webrtc 'block'; report-to group; report-uri /a",
            "img-src data: blob: *.example.com:* https://example.com/a 'self'",
            "upgrade-insecure-requests; block-all-mixed-content",
        ] {
            let policies = parse_line(line.as_bytes());
            assert!(policies[0].faults.is_empty(), "{line}: {:?}", policies[0].faults);
        }
    }

    #[test]
    fn hostile_lines_are_read_to_their_end() {
        for line in samples::hostile() {
            for policy in parse_line(&line) {
                assert!(policy.faults.len() <= MOST_FAULTS);
                for directive in &policy.directives {
                    let _ = (directive.reach(), directive.has_nonce_or_hash());
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_line(&line);
        }
    }
}
