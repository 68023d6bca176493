//! Who may frame a page, as browsers decide it.

use readiness_core::fact::Exchange;

use super::ancestors::{Ancestors, Own, ancestors_of};
use crate::http::syntax::{split_unquoted, trim};

/// Who may frame the page.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Scope {
    Nobody,
    /// Pages of its own origin.
    Own,
    /// Pages of the hosts that are listed.
    Listed,
    /// Every site.
    Open,
}

impl Scope {
    /// The scope in a word, for the evidence.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Nobody => "none",
            Self::Own => "self",
            Self::Listed => "listed",
            Self::Open => "open",
        }
    }
}

/// The policy in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Policy {
    /// `frame-ancestors`, beside which `X-Frame-Options` does not count.
    Ancestors(Ancestors),
    Options(Options),
}

impl Policy {
    /// Who may frame the page by this policy.
    pub(super) fn scope(&self) -> Scope {
        match self {
            Self::Ancestors(ancestors) => ancestors.scope,
            Self::Options(Options::Conflict | Options::Deny) => Scope::Nobody,
            Self::Options(Options::SameOrigin) => Scope::Own,
            Self::Options(Options::Absent | Options::AllowFrom | Options::Nothing) => Scope::Open,
        }
    }
}

/// What browsers make of `X-Frame-Options`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Options {
    /// There is no such header.
    Absent,
    /// No known value but the one that browsers gave up.
    AllowFrom,
    /// A known value and something else: every frame is blocked.
    Conflict,
    Deny,
    /// No known value: no protection.
    Nothing,
    SameOrigin,
}

/// The policy in force. HTML, "check a navigation response's adherence to `X-Frame-Options`", steps 2 and 3: a
/// `frame-ancestors` of an enforced policy wins.
pub(super) fn effective(own: &Own, exchange: &Exchange, options: Option<&[u8]>) -> Policy {
    match ancestors_of(own, exchange.all("content-security-policy")) {
        Some(ancestors) => Policy::Ancestors(ancestors),
        None => Policy::Options(options.map_or(Options::Absent, read_options)),
    }
}

/// HTML, "check a navigation response's adherence to `X-Frame-Options`", steps 4 to 10: the values are a set
/// without regard to case.
pub(super) fn read_options(joined: &[u8]) -> Options {
    let mut first: Option<Vec<u8>> = None;
    let (mut differ, mut any_known, mut allow_from) = (false, false, false);
    for (_, value) in split_unquoted(joined, b',') {
        let value = trim(value).to_ascii_lowercase();
        any_known |= matches!(value.as_slice(), b"deny" | b"allowall" | b"sameorigin");
        allow_from |= value.starts_with(b"allow-from");
        match &first {
            None => first = Some(value),
            Some(first) => differ |= *first != value,
        }
    }
    match (differ, first.as_deref()) {
        (true, _) if any_known => Options::Conflict,
        (false, Some(b"deny")) => Options::Deny,
        (false, Some(b"sameorigin")) => Options::SameOrigin,
        _ if allow_from => Options::AllowFrom,
        _ => Options::Nothing,
    }
}
