//! What the peer reads from the page itself.

use readiness_core::fact::Document;

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

impl Markup {
    /// What the peer takes from a document. Where an element stands does not matter to it.
    pub(super) fn of(document: &Document) -> Self {
        let mut markup = Self::default();
        for meta in document.metas.iter().filter(|meta| !meta.content.is_empty()) {
            if meta.http_equiv.trim() == "content-security-policy" {
                markup.policies.push(meta.content.clone());
            } else if meta.http_equiv.is_empty() && meta.name.trim() == "referrer" {
                markup.referrer = Some(meta.content.clone());
            }
        }
        markup.scripts = scripts_of(document);
        markup
    }

    /// Of a page without a type it reads the scripts, and no `meta`.
    pub(super) fn without_metas(document: &Document) -> Self {
        Self {
            scripts: scripts_of(document),
            ..Self::default()
        }
    }
}

fn scripts_of(document: &Document) -> Vec<Script> {
    let loaded = document
        .resources
        .iter()
        .filter(|resource| resource.element == "script");
    let mut scripts: Vec<Script> = loaded
        .map(|script| Script {
            src: Some(script.url.clone()),
            has_integrity: script.integrity.as_ref().is_some_and(|digest| !digest.is_empty()),
        })
        .collect();
    if document.inline_scripts > 0 {
        // It counts that there is one.
        scripts.push(Script::default());
    }
    scripts
}
