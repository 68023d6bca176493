//! What the peer reads from the page itself.

/// The elements of a page that the peer's tests look at.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Markup {
    /// The contents of every `meta http-equiv=content-security-policy`.
    pub(super) policies: Vec<String>,
    /// The content of the last `meta name=referrer`.
    pub(super) referrer: Option<String>,
    /// Every `script`, inline ones among them.
    pub(super) scripts: Vec<Script>,
}

#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Script {
    /// The `src` as it stands; `None` for an inline script.
    pub(super) src: Option<String>,
    pub(super) has_integrity: bool,
}
