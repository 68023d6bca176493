//! Content Security Policies as browsers read them: policies, directives, sources. CSP Level 3, section 2.2.

use std::collections::HashSet;

use readiness_core::fact::Exchange;

use super::source::{Reach, reach_of};

/// One policy. Each header line holds a list of them, and all are enforced.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Policy<'a> {
    /// The directives that count, in order.
    pub(crate) directives: Vec<Directive<'a>>,
}

/// A directive: its name in lower case and its values as they stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Directive<'a> {
    pub(crate) name: String,
    pub(crate) values: Vec<&'a str>,
}

impl<'a> Policy<'a> {
    /// The first of these directives that stands in the policy.
    pub(crate) fn first_of(&self, names: &[&str]) -> Option<&Directive<'a>> {
        names
            .iter()
            .find_map(|name| self.directives.iter().find(|directive| directive.name == *name))
    }
}

impl Directive<'_> {
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
pub(crate) fn parse_line(line: &[u8]) -> impl Iterator<Item = Policy<'_>> {
    line.split(|&byte| byte == b',')
        .map(parse)
        .filter(|policy| !policy.directives.is_empty())
}

/// One policy, as a `meta` element holds it. CSP Level 3, section 2.2.1.
pub(crate) fn parse(serialized: &[u8]) -> Policy<'_> {
    let mut policy = Policy::default();
    let mut seen = HashSet::new();
    for token in serialized.split(|&byte| byte == b';') {
        // A directive that is not ASCII is skipped as a whole.
        let Some(text) = std::str::from_utf8(token).ok().filter(|text| text.is_ascii()) else {
            continue;
        };
        let mut words = text.split(is_blank).filter(|word| !word.is_empty());
        let Some(name) = words.next() else { continue };
        let name = name.to_ascii_lowercase();
        if holds(&policy, &mut seen, &name) {
            continue;
        }
        policy.directives.push(Directive {
            name,
            values: words.collect(),
        });
    }
    policy
}

/// Whether a directive of this name stands already: the first one counts. Few names are compared, many are
/// looked up, so that thousands of them do not cost their square.
fn holds(policy: &Policy<'_>, seen: &mut HashSet<String>, name: &str) -> bool {
    const FEW: usize = 16;
    let directives = &policy.directives;
    if directives.len() < FEW {
        return directives.iter().any(|directive| directive.name == name);
    }
    if seen.is_empty() {
        seen.extend(directives.iter().map(|directive| directive.name.clone()));
    }
    !seen.insert(name.to_owned())
}

/// ASCII whitespace as the Infra standard has it.
pub(crate) fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\x0c' | '\r' | ' ')
}

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
            ("img-src \"a;b\"", vec![vec!["img-src \"a", "b\""]]),
        ] {
            let found: Vec<Vec<String>> = parse_line(line.as_bytes()).map(|policy| names(&policy)).collect();
            assert_eq!(found, wanted, "{line}");
        }
    }

    #[test]
    fn the_first_of_many_directives_of_one_name_counts() {
        let names: Vec<String> = (0..40).map(|n| format!("x-{n} {n}")).collect();
        let line = format!("{}; x-3 again; X-39 again; x-40 new", names.join("; "));
        let policy = parse(line.as_bytes());
        assert_eq!(policy.directives.len(), 41);
        assert_eq!(policy.first_of(&["x-3"]).unwrap().values, ["3"]);
        assert_eq!(policy.first_of(&["x-39"]).unwrap().values, ["39"]);
    }

    #[test]
    fn a_directive_that_is_not_ascii_is_skipped_alone() {
        let policy = parse("img-src a; script-src \u{2018}self\u{2019}; font-src b".as_bytes());
        assert_eq!(names(&policy), ["img-src a", "font-src b"]);
    }

    #[test]
    fn hostile_lines_are_read_to_their_end() {
        for line in samples::hostile() {
            for policy in parse_line(&line) {
                for directive in &policy.directives {
                    let _ = directive.reach();
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(line in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse_line(&line).count();
        }
    }
}
