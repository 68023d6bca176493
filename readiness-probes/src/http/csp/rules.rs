//! What one policy says about each thing that is asked, once its directives have fallen back.

use content_security_policy::sandboxing_directive::{SandboxingFlagSet, parse_a_sandboxing_directive};

use crate::http::{
    expression::{Expression, Host, Keyword, is_network},
    policy::{Directive, Policy},
};

/// What directives govern. CSP Level 3, sections 6.1 to 6.4.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    Ancestor,
    Base,
    Element,
    Eval,
    Form,
    Handler,
    Plugin,
    Style,
    StyleAttribute,
    Worker,
}

impl Purpose {
    const ALL: [Self; 10] = [
        Self::Ancestor,
        Self::Base,
        Self::Element,
        Self::Eval,
        Self::Form,
        Self::Handler,
        Self::Plugin,
        Self::Style,
        Self::StyleAttribute,
        Self::Worker,
    ];

    /// The directives that govern it: the first that stands in a policy. Section 6.8.3; section 4.4 for `eval`.
    const fn directives(self) -> &'static [&'static str] {
        match self {
            Self::Ancestor => &["frame-ancestors"],
            Self::Base => &["base-uri"],
            Self::Element => &["script-src-elem", "script-src", "default-src"],
            Self::Eval => &["script-src", "default-src"],
            Self::Form => &["form-action"],
            Self::Handler => &["script-src-attr", "script-src", "default-src"],
            Self::Plugin => &["object-src", "default-src"],
            Self::Style => &["style-src-elem", "style-src", "default-src"],
            Self::StyleAttribute => &["style-src-attr", "style-src", "default-src"],
            Self::Worker => &["worker-src", "child-src", "script-src", "default-src"],
        }
    }
}

/// One policy, ready to be asked.
#[derive(Debug)]
pub(crate) struct Rules<'p> {
    lists: Vec<List<'p>>,
    /// For each purpose the place in `lists` of what governs it.
    governing: [Option<u8>; Purpose::ALL.len()],
    /// What a sandbox takes away; empty where there is none.
    sandbox: SandboxingFlagSet,
    /// Whether strings reach the page's code by Trusted Types alone.
    pub(crate) trusted_types: bool,
}

impl<'p> Rules<'p> {
    /// The policies that have a say in what is asked.
    pub(crate) fn all(policies: &'p [Policy<'_>]) -> Vec<Self> {
        policies.iter().map(Self::of).filter(Self::has_a_say).collect()
    }

    /// The same of policies that only report, without their sandbox: browsers leave it aside there, and report
    /// nothing of it. Section 6.3.2.
    pub(crate) fn reporting(policies: &'p [Policy<'_>]) -> Vec<Self> {
        let without_sandbox = |policy| Self {
            sandbox: SandboxingFlagSet::empty(),
            ..Self::of(policy)
        };
        policies
            .iter()
            .map(without_sandbox)
            .filter(Self::has_a_say)
            .collect()
    }

    fn has_a_say(&self) -> bool {
        !self.lists.is_empty() || !self.sandbox.is_empty() || self.trusted_types
    }

    pub(crate) fn of(policy: &'p Policy<'_>) -> Self {
        let mut lists: Vec<List<'p>> = Vec::new();
        let governing = Purpose::ALL.map(|purpose| {
            let directive = policy.first_of(purpose.directives())?;
            let known = lists
                .iter()
                .position(|list| list.directive.name == directive.name);
            let at = known.unwrap_or_else(|| {
                lists.push(List::of(directive));
                lists.len() - 1
            });
            u8::try_from(at).ok()
        });
        let sandbox = policy.first_of(&["sandbox"]).map(|directive| {
            // The crate compares flags by their case, HTML does not.
            let flags: Vec<String> = directive
                .values
                .iter()
                .map(|flag| flag.to_ascii_lowercase())
                .collect();
            parse_a_sandboxing_directive(&flags)
        });
        Self {
            lists,
            governing,
            sandbox: sandbox.unwrap_or_else(SandboxingFlagSet::empty),
            trusted_types: policy
                .first_of(&["require-trusted-types-for"])
                .is_some_and(|directive| directive.values.contains(&"'script'")),
        }
    }

    /// The list that governs this, if one does.
    pub(crate) fn list(&self, purpose: Purpose) -> Option<&List<'p>> {
        let at = Purpose::ALL.iter().position(|known| *known == purpose)?;
        self.lists.get(usize::from((*self.governing.get(at)?)?))
    }

    /// Whether its sandbox takes this away whatever the sources say. HTML, section 7.1.5.
    pub(crate) fn sandboxes(&self, purpose: Purpose) -> bool {
        self.sandbox.intersects(match purpose {
            Purpose::Element | Purpose::Eval | Purpose::Handler | Purpose::Worker => {
                SandboxingFlagSet::SANDBOXED_SCRIPTS_BROWSING_CONTEXT_FLAG
            }
            Purpose::Form => SandboxingFlagSet::SANDBOXED_FORMS_BROWSING_CONTEXT_FLAG,
            Purpose::Plugin => SandboxingFlagSet::SANDBOXED_PLUGINS_BROWSING_CONTEXT_FLAG,
            _ => return false,
        })
    }
}

/// A directive's sources, without those that no stranger can make use of.
///
/// `'self'`, single hosts and the values of nonces and hashes say nothing about a stranger's host or script, so
/// browsers' matching is asked about the rest alone. For most policies that is nothing.
#[derive(Debug)]
pub(crate) struct List<'p> {
    pub(crate) directive: &'p Directive<'p>,
    pub(crate) unsafe_inline: bool,
    pub(crate) unsafe_eval: bool,
    pub(crate) unsafe_hashes: bool,
    pub(crate) strict_dynamic: bool,
    /// The nonces that fit the grammar, [`List::MOST_WIDE`] at most.
    pub(crate) nonces: Vec<&'p str>,
    /// Whether a hash stands there that fits the grammar.
    pub(crate) hash: bool,
    /// Sources that strangers' hosts can match, each once, [`List::MOST_WIDE`] at most.
    pub(crate) wide: Vec<Wide<'p>>,
    /// Schemes of what a page makes or carries itself: `data:`, `blob:`, `filesystem:`.
    pub(crate) local: Vec<&'p str>,
}

/// A source that strangers' hosts can match.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wide<'p> {
    pub(crate) text: &'p str,
    /// `None` for a scheme alone.
    pub(crate) host: Option<Host<'p>>,
}

impl<'p> List<'p> {
    /// More of them let nobody in that these do not, but for combinations that nobody writes.
    const MOST_WIDE: usize = 64;

    fn of(directive: &'p Directive<'p>) -> Self {
        let mut list = Self {
            directive,
            unsafe_inline: false,
            unsafe_eval: false,
            unsafe_hashes: false,
            strict_dynamic: false,
            nonces: Vec::new(),
            hash: false,
            wide: Vec::new(),
            local: Vec::new(),
        };
        for &text in &directive.values {
            match Expression::read(text) {
                Some(Expression::Keyword(keyword)) => match keyword {
                    Keyword::StrictDynamic => list.strict_dynamic = true,
                    Keyword::UnsafeEval => list.unsafe_eval = true,
                    Keyword::UnsafeHashes => list.unsafe_hashes = true,
                    Keyword::UnsafeInline => list.unsafe_inline = true,
                    Keyword::None | Keyword::Other | Keyword::Own => {}
                },
                Some(Expression::Nonce(value)) if list.nonces.len() < Self::MOST_WIDE => {
                    list.nonces.push(value);
                }
                Some(Expression::Nonce(_)) => {}
                Some(Expression::Hash(..)) => list.hash = true,
                Some(Expression::Scheme(scheme)) if is_network(scheme) => list.widen(text, None),
                Some(Expression::Scheme(scheme)) => {
                    let is_local = LOCAL.iter().any(|known| known.eq_ignore_ascii_case(scheme));
                    if is_local && !list.has_local(scheme) {
                        list.local.push(text);
                    }
                }
                Some(Expression::Host(host)) if host.scheme.is_none_or(is_network) && host.is_wide() => {
                    list.widen(text, Some(host));
                }
                Some(Expression::Host(_)) | None => {}
            }
        }
        list
    }

    fn widen(&mut self, text: &'p str, host: Option<Host<'p>>) {
        let is_known = self.wide.iter().any(|wide| wide.text == text);
        if self.wide.len() < Self::MOST_WIDE && !is_known {
            self.wide.push(Wide { text, host });
        }
    }

    /// The source that allows this scheme as such.
    pub(crate) fn local(&self, scheme: &str) -> Option<&'p str> {
        self.local
            .iter()
            .copied()
            .find(|text| text.trim_end_matches(':').eq_ignore_ascii_case(scheme))
    }

    fn has_local(&self, scheme: &str) -> bool {
        self.local(scheme).is_some()
    }

    /// Whether it trusts scripts by something else than where they come from.
    pub(crate) fn trusts_by_nonce(&self) -> bool {
        !self.nonces.is_empty() || self.strict_dynamic
    }
}

const LOCAL: [&str; 3] = ["data", "blob", "filesystem"];
